/*
 * Wait conditions and their handles.  A handle is a URL as CloudFormation's own bucket gives out:
 * whoever has it may say, without any other key, that something is done.  So its signature is by a
 * key that only this handle has, and lies in its row alone.
 */
#include "cloudformation/custom.h"

#include "api/wire.h"
#include "codec/uri.h"

#define HOST "cloudformation-waitcondition-"
#define BODY_MAX ((size_t)64 << 10)
#define TIMEOUT_S_MAX 43200
#define SECRET "#secret"

/* ---- the handle ---- */

static struct str
letters(struct api_call *call, const char *set, size_t n)
{
    uint8_t *random = arena_alloc(call->arena, n);
    size_t n_set = strlen(set);

    assert(n > 0 && n_set > 0);
    call->env->random(call->env, random, n);
    for (size_t i = 0; i < n; i++)
        random[i] = (uint8_t)set[random[i] % n_set];
    return str_of(random, n);
}

struct str
cfn_url_make(struct cfn_look *look, struct str host_name, struct str key, struct str *ret_secret)
{
    static const char key_set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char secret_set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct api_call *call = look->call;
    struct arena *a = call->arena;
    const struct http_header host = {S("Host"), host_name};
    struct str coded = uri_encode(a, key, URI_KEEP_SLASH);
    const struct sigv4_request req = {.method = S("PUT"),
                                      .path = str_fmt(a, "/%.*s", STR_ARG(coded)),
                                      .query = S(""),
                                      .headers = &host,
                                      .n_headers = 1};

    *ret_secret = letters(call, secret_set, 40);
    const struct sigv4_signer signer = {
        .access_key = str_cat(a, S("AKIA"), letters(call, key_set, 16)),
        .secret = *ret_secret,
        .region = look->stack.region,
        .service = S("s3"),
        .now_ms = call->now_ms,
        .expires_s = SIGV4_EXPIRES_MAX_S,
        .flags = SIGV4_S3,
    };
    struct str query = sigv4_presign(a, &signer, &req);

    assert(key.n > 0);
    return str_fmt(a, "https://%.*s%.*s?%.*s", STR_ARG(host.value), STR_ARG(req.path),
                   STR_ARG(query));
}

static int
handle_create(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct arena *a = look->call->arena;
    struct str host = str_fmt(a, HOST "%.*s.s3.amazonaws.com", STR_ARG(look->stack.region));
    struct str secret;

    assert(str_eq(row->stack, look->stack.id));
    run->id = cfn_url_make(look, host, row->key, &secret);
    cfn_put(a, &run->attributes, S(SECRET), cfn_text(secret));
    return CFN_DONE;
}

static int
handle_update(struct cfn_look *look UNUSED, struct cfn_resource_row *row UNUSED,
              struct cfn_run *run UNUSED)
{
    return CFN_DONE; /* it has no properties */
}

int
cfn_signals_drop(struct cfn_look *look, struct str resource)
{
    int r = 0;

    assert(resource.n > 0);
    STORE_EACH(look->call->txn, cfn_signal_by_resource, signal, resource)
        if (r == 0)
            r = cfn_signal_delete(look->call->txn, signal->key);
    return r < 0 ? error_origin(-r, "signals of %.*s cannot be deleted", STR_ARG(resource)) : 0;
}

static int
nothing(struct cfn_look *look UNUSED, struct cfn_resource_row *row UNUSED,
        struct cfn_run *run UNUSED)
{
    return CFN_DONE;
}

const struct cfn_own cfn_own_handle = {
    .name = "handle",
    .create = handle_create,
    .update = handle_update,
    .delete_ = nothing,
};

/* ---- the condition ---- */

static int
refuse(struct cfn_run *run, struct str why)
{
    run->why = why;
    return CFN_REFUSED;
}

/* A whole number of a property from min to max; the property is absent: otherwise. */
static bool
number(const struct cfn_run *run, const char *name, int64_t min, int64_t max, int64_t otherwise,
       int64_t *ret)
{
    struct str text = cfn_scalar(json_get(&run->props, name));

    assert(min <= max && otherwise >= min);
    *ret = otherwise;
    return !text.p || (str_to_i64(text, ret) && *ret >= min && *ret <= max);
}

/* The key of the handle's row, which is in its URL. */
static bool
handle_of(struct api_call *call, struct str url, struct str *ret_key)
{
    struct str rest = str_cut(url, str_find(url, S("://")) + 3, url.n), path;

    str_split(&rest, '/');
    path = str_split(&rest, '?');
    return str_starts(url, S("https://" HOST)) && uri_decode(call->arena, path, 0, ret_key) &&
           str_starts(*ret_key, S("arn:"));
}

static int
wait_create(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct arena *a = look->call->arena;
    struct str url = cfn_scalar(json_get(&run->props, "Handle")), key;
    int64_t count, timeout_s;

    if (!url.p && row->deadline_ms) {
        struct str uuid = api_uuid(look->call->env, a);

        run->id = str_fmt(a, "%.*s-%.*s-%.*s", STR_ARG(look->stack.name), STR_ARG(row->logical),
                          STR_ARG(uuid));
        return CFN_DONE;
    }
    if (!url.p)
        return refuse(run, S("Property Handle cannot be empty."));
    if (!json_get(&run->props, "Timeout"))
        return refuse(run, S("Property Timeout cannot be empty."));
    if (!number(run, "Count", 1, INT32_MAX, 1, &count) ||
        !number(run, "Timeout", 0, TIMEOUT_S_MAX, 0, &timeout_s))
        return refuse(run, S("Value of property Count and Timeout must be an integer, Timeout at "
                             "most 43200"));
    if (!handle_of(look->call, url, &key))
        return refuse(run, str_fmt(a, "Invalid wait condition handle: %.*s", STR_ARG(url)));
    assert(count >= 1 && timeout_s >= 0);
    run->id = key;
    row->deadline_ms = look->call->now_ms + timeout_s * 1000;
    return CFN_DONE;
}

static int
wait_update(struct cfn_look *look UNUSED, struct cfn_resource_row *row UNUSED, struct cfn_run *run)
{
    if (cfn_equal(&run->props, &run->old))
        return CFN_DONE;
    return refuse(run, S("Update to resource type AWS::CloudFormation::WaitCondition is not "
                         "supported."));
}

/* What its handle was sent: Data, and how many signals; why: one of them was a failure. */
static int64_t
received(struct cfn_look *look, const struct cfn_run *run, struct json *ret_data,
         struct str *ret_why)
{
    struct arena *a = look->call->arena;
    int64_t n = 0;

    *ret_data = cfn_object();
    *ret_why = STR_NONE;
    STORE_EACH(look->call->txn, cfn_signal_by_resource, signal, run->id) {
        n += signal->success;
        cfn_put(a, ret_data, signal->unique_id, cfn_text(signal->data));
        if (ret_why->p || signal->success)
            continue;
        *ret_why = signal->garbled
                       ? S("Unparsable WaitCondition data")
                       : str_fmt(a,
                                 "WaitCondition received failed message: '%.*s' for uniqueId: "
                                 "%.*s",
                                 STR_ARG(signal->reason), STR_ARG(signal->unique_id));
    }
    assert(n >= 0);
    return n;
}

static int
wait_look(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, bool gone,
          enum cfn_seen *ret)
{
    struct arena *a = look->call->arena;
    struct json data;
    struct str why;
    int64_t count, n;

    if (gone || !json_get(&run->props, "Handle"))
        return CFN_DONE;
    number(run, "Count", 1, INT32_MAX, 1, &count);
    n = received(look, run, &data, &why);
    assert(n >= 0);
    *ret = CFN_NOT_YET;
    if (why.p) {
        *ret = CFN_NEVER;
        run->why = why;
    } else if (n >= count || !row->deadline_ms) {
        struct str text = cfn_print(a, &data, (size_t)1 << 20);

        if (!text.p)
            return refuse(run, S("Unparsable WaitCondition data"));
        cfn_put(a, &run->attributes, S("Data"), cfn_text(text));
        *ret = CFN_YES;
    } else if (look->call->now_ms >= row->deadline_ms) {
        *ret = CFN_NEVER;
        run->why =
            str_fmt(a, "WaitCondition timed out. Received %lld conditions when expecting %lld",
                    (long long)n, (long long)count);
    }
    return CFN_DONE;
}

const struct cfn_own cfn_own_wait = {
    .name = "wait",
    .create = wait_create,
    .update = wait_update,
    .delete_ = nothing,
    .look = wait_look,
};

/* ---- requests to a handle ---- */

void
cfn_url_refuse(struct api_call *call, struct api_reply *reply, int status, const char *code,
               const char *message)
{
    struct str text =
        str_fmt(call->arena,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s"
                "</Message><RequestId>%.*s</RequestId></Error>",
                code, message, STR_ARG(call->request_id));

    assert(status >= 400);
    reply->status = status;
    reply->code = str_from(code);
    reply->content_type = S("application/xml");
    buf_add_str(&reply->body, text);
}

bool
cfn_url_proven(struct api_call *call, const struct api_request *req, struct str secret,
               struct api_reply *reply)
{
    struct sigv4_expect expect = {.service = S("s3"), .flags = SIGV4_S3};
    struct sigv4_claim claim;
    int error = sigv4_parse(call->arena, &req->http, &claim);

    assert(call->txn);
    if (!error)
        error = sigv4_admit(&req->http, &claim, &expect, call->now_ms);
    if (!secret.p) {
        cfn_url_refuse(call, reply, 403, "AccessDenied", "Access Denied");
        return false;
    }
    if (!error) {
        struct sigv4_keys *keys = sigv4_keys_new(1);
        const struct sigv4_key *signing = keys ? sigv4_keys_get(keys, &claim, secret) : NULL;

        error = signing ? sigv4_verify(&req->http, &claim, expect.flags, signing) : SIGV4_MISMATCH;
        sigv4_keys_free(keys);
    }
    if (error) {
        struct sigv4_fault fault =
            sigv4_fault(call->arena, (enum sigv4_error)error, SIGV4_REST_XML_S3, &req->http, &claim,
                        &expect, call->now_ms);

        cfn_url_refuse(call, reply, (int)fault.status, fault.code,
                       str_cstr(call->arena, fault.message));
    }
    return !error;
}

/* The handle that a request is for, if its signature is by that handle's own key. */
static const struct cfn_resource_row *
proven(struct api_call *call, const struct api_request *req, struct str key,
       struct api_reply *reply)
{
    const struct cfn_resource_row *row = cfn_resource_get(call->txn, key);
    struct json attributes;
    struct str secret = STR_NONE;

    if (row && row->phase != CFN_GONE &&
        str_is(row->type, "AWS::CloudFormation::WaitConditionHandle") &&
        cfn_read(call->arena, row->attributes, &attributes))
        secret = json_text(&attributes, SECRET);
    return cfn_url_proven(call, req, secret, reply) ? row : NULL;
}

/* {"Status", "UniqueId", "Data", "Reason"}; what is none of it fails the condition. */
static int
take(struct api_call *call, const struct cfn_resource_row *handle, struct str body)
{
    struct cfn_signal_row row = {.resource = handle->key, .at_ms = call->now_ms, .told = true};
    struct json said;
    struct str status;

    if (!cfn_read(call->arena, body, &said) || said.kind != JSON_OBJECT)
        said = cfn_object();
    status = json_text(&said, "Status");
    row.unique_id = json_text(&said, "UniqueId");
    row.success = str_is(status, "SUCCESS");
    row.garbled = !row.unique_id.n || (!row.success && !str_is(status, "FAILURE"));
    row.success = row.success && !row.garbled;
    assert(!row.success || !row.garbled);
    row.reason = json_text(&said, "Reason").p ? json_text(&said, "Reason") : S("");
    row.data = json_text(&said, "Data").p ? json_text(&said, "Data") : S("");
    if (row.garbled)
        row.unique_id = S("");
    row.key = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(handle->key), STR_ARG(row.unique_id));
    /* the same one again is told once */
    if (cfn_signal_get(call->txn, row.key))
        return 0;
    return cfn_signal_insert(call->txn, &row);
}

bool
cfn_handle_owns(const struct api_request *req)
{
    return str_starts(api_header(req, S("Host")), S(HOST)) || cfn_custom_owns(req);
}

void
cfn_handle_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    const struct cfn_resource_row *handle;
    struct str key;

    if (!str_is(req->http.method, "PUT")) {
        cfn_url_refuse(call, reply, 405, "MethodNotAllowed",
                       "The specified method is not allowed against this resource.");
        return;
    }
    if (req->http.body.n > BODY_MAX) {
        cfn_url_refuse(call, reply, 400, "EntityTooLarge",
                       "Your proposed upload exceeds the maximum allowed size");
        return;
    }
    if (cfn_custom_owns(req)) {
        cfn_custom_answer(call, req, reply);
        return;
    }
    if (!uri_decode(call->arena, str_cut(req->http.path, 1, req->http.path.n), 0, &key))
        key = S("");
    call->txn = store_begin(call->store);
    handle = proven(call, req, key, reply);
    if (!handle) {
        store_rollback(call->txn);
        return;
    }
    int r = take(call, handle, req->http.body);

    if (r < 0) {
        error_origin(-r, "a signal to %.*s cannot be written", STR_ARG(key));
        cfn_url_refuse(call, reply, 500, "InternalError",
                       "We encountered an internal error. Please try again.");
        store_rollback(call->txn);
        return;
    }
    reply->wait_seq = store_commit(call->txn);
}
