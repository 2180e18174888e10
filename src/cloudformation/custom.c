/*
 * Custom resources: a Lambda function (or who listens at a topic) makes them, and tells what became
 * of it by a PUT to a URL that only this request has.  The request goes as an asynchronous
 * invocation or a message, by the stack's caller; what it is about is kept among the resource's
 * attributes, under names that begin with #:
 *
 *   #secret, #request, #deadline   of the request that is not answered yet
 *   #back                          an update is taken back, and that is under way
 *
 * The answer is a row cfn_signal until the engine has read it.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
#include "cloudformation/custom.h"

#include "api/authorize.h"
#include "api/notify.h"
#include "api/wire.h"
#include "codec/uri.h"

#define VIA "cloudformation.amazonaws.com"
#define HOST "cloudformation-custom-resource-response-"
#define SECRET "#secret"
#define REQUEST "#request"
#define DEADLINE "#deadline"
#define BACK "#back"
#define ANSWER_MAX ((size_t)4096)
#define REQUEST_MAX ((size_t)1 << 20)
#define PROPS_MAX ((size_t)1 << 20)

enum { TIMEOUT_S = 3600, SUFFIX_CHARS = 12 };

static int
refuse(struct cfn_run *run, struct str why)
{
    assert(why.n > 0);
    run->why = why;
    return CFN_REFUSED;
}

/* ---- the request ---- */

/* As CloudFormation hands values on: all that is no list and no object is text. */
static void
put_value(struct json_out *o, struct arena *a, const struct json *j)
{
    switch (j->kind) {
    case JSON_OBJECT:
        json_open(o, '{');
        for (size_t i = 0; i < j->n; i++) {
            if (str_starts(j->names[i], S("#")))
                continue;
            json_key(o, j->names[i]);
            put_value(o, a, &j->v[i]);
        }
        json_close(o, '}');
        break;
    case JSON_ARRAY:
        json_open(o, '[');
        for (size_t i = 0; i < j->n; i++)
            put_value(o, a, &j->v[i]);
        json_close(o, ']');
        break;
    case JSON_NULL:
        json_null(o);
        break;
    default:
        json_str(o, cfn_scalar(j));
    }
}

static bool
is_topic(struct str token)
{
    return str_starts(token, S("arn:aws:sns:"));
}

struct request {
    const char *type;
    struct str id, url, physical; /* physical: p NULL of a creation */
    const struct json *old;       /* properties; NULL: none */
};

static struct str
document(struct cfn_look *look, const struct cfn_resource_row *row, const struct cfn_run *run,
         const struct request *r)
{
    struct str token = cfn_scalar(json_get(&run->props, "ServiceToken"));
    struct arena *a = look->call->arena;
    struct buf buf;
    struct json_out o = {&buf};
    assert(r->id.n > 0 && r->url.n > 0);

    buf_init(&buf, REQUEST_MAX);
    json_open(&o, '{');
    json_key_str(&o, "RequestType", str_from(r->type));
    json_key_str(&o, "ServiceToken", token);
    json_key_str(&o, "ResponseURL", r->url);
    json_key_str(&o, "StackId", look->stack.id);
    json_key_str(&o, "RequestId", r->id);
    if (is_topic(token))
        json_key_str(&o, "TopicArn", token);
    json_key_str(&o, "LogicalResourceId", row->logical);
    if (r->physical.p)
        json_key_str(&o, "PhysicalResourceId", r->physical);
    json_key_str(&o, "ResourceType", row->type);
    json_key(&o, S("ResourceProperties"));
    put_value(&o, a, &run->props);
    if (r->old) {
        json_key(&o, S("OldResourceProperties"));
        put_value(&o, a, r->old);
    }
    json_close(&o, '}');
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* Seconds that the function has. */
static bool
timeout_of(const struct cfn_run *run, int64_t *ret)
{
    struct str text = cfn_scalar(json_get(&run->props, "ServiceTimeout"));

    *ret = TIMEOUT_S;
    return !text.p || (str_to_i64(text, ret) && *ret >= 1 && *ret <= TIMEOUT_S);
}

static int
check_token(struct cfn_run *run)
{
    struct str token = cfn_scalar(json_get(&run->props, "ServiceToken"));

    if (str_starts(token, S("arn:aws:sqs:")) || !api_notice_takes(token))
        return refuse(run, S("Invalid service token."));
    return CFN_DONE;
}

static int
invoke(struct cfn_look *look, struct cfn_run *run, struct str payload)
{
    const struct api_notice notice = {.target = cfn_scalar(json_get(&run->props, "ServiceToken")),
                                      .subject = S("AWS CloudFormation custom resource request"),
                                      .text = payload,
                                      .via = VIA};
    assert(payload.n > 0);
    int r = api_notify(look->call, &notice);

    if (r <= 0)
        return r;
    return refuse(run, str_fmt(look->call->arena,
                               "%.*s (Service: %s, Status Code: %d, Request ID: %.*s)",
                               STR_ARG(look->call->fault.message),
                               is_topic(notice.target) ? "AmazonSNS" : "Lambda",
                               look->call->fault.http, STR_ARG(look->call->request_id)));
}

/* Sends the request, and has run->attributes tell that its answer is awaited. */
static int
send_request(struct cfn_look *look, const struct cfn_resource_row *row, struct cfn_run *run,
             struct request *r)
{
    struct api_call *call = look->call;
    struct arena *a = call->arena;
    struct str secret, host, region = S("");
    int64_t timeout_s;
    int got = check_token(run);

    if (got != CFN_DONE)
        return got;
    if (!timeout_of(run, &timeout_s))
        return refuse(run, S("ServiceTimeout must be an integer between 1 and 3600."));
    assert(timeout_s >= 1 && timeout_s <= 3600);
    for (size_t i = 0; i < look->stack.region.n; i++)
        if (look->stack.region.p[i] != '-')
            region = str_cat(a, region, str_cut(look->stack.region, i, i + 1));
    host = str_fmt(a, HOST "%.*s.s3.amazonaws.com", STR_ARG(region));
    r->id = api_uuid(call->env, a);
    r->url = cfn_url_make(look, host,
                          str_fmt(a, "%.*s|%.*s|%.*s", STR_ARG(look->stack.id),
                                  STR_ARG(row->logical), STR_ARG(r->id)),
                          &secret);
    struct str payload = document(look, row, run, r);

    if (!payload.p)
        return refuse(run, S("The request to the custom resource is too long."));
    got = invoke(look, run, payload);
    if (got)
        return got;
    cfn_put(a, &run->attributes, S(SECRET), cfn_text(secret));
    cfn_put(a, &run->attributes, S(REQUEST), cfn_text(r->id));
    cfn_put(a, &run->attributes, S(DEADLINE),
            cfn_text(str_fmt(a, "%lld", (long long)(call->now_ms + timeout_s * 1000))));
    return CFN_DONE;
}

/* ---- the answer ---- */

static struct str
signal_key(struct arena *a, struct str stack, struct str request)
{
    assert(stack.n > 0 && request.n > 0);
    return str_fmt(a, "%.*s#%.*s", STR_ARG(stack), STR_ARG(request));
}

static void
drop_request(struct cfn_run *run, struct arena *a)
{
    struct json kept = cfn_object();

    for (size_t i = 0; i < run->attributes.n; i++)
        if (!str_starts(run->attributes.names[i], S("#")))
            cfn_put(a, &kept, run->attributes.names[i], run->attributes.v[i]);
    run->attributes = kept;
}

/* Members of the answer that must be those of the request.  Absent: it is well. */
static struct str
what_is_wrong(struct arena *a, const struct cfn_resource_row *row, struct str request,
              const struct json *said)
{
    const struct {
        const char *name;
        struct str is;
    } members[] = {
        {"StackId", row->stack}, {"RequestId", request}, {"LogicalResourceId", row->logical}};
    struct str status = json_text(said, "Status"), reason = json_text(said, "Reason");
    bool ok = str_is(status, "SUCCESS");

    if (!ok && !str_is(status, "FAILED"))
        return str_fmt(a, "Vendor response doesn't contain Status key in object %.*s|%.*s|%.*s",
                       STR_ARG(row->stack), STR_ARG(row->logical), STR_ARG(request));
    if (!ok && !reason.n)
        return S("Vendor response doesn't contain Reason key.");
    if (!ok)
        return str_fmt(a,
                       "Received response status [FAILED] from custom resource. Message returned: "
                       "%.*s (RequestId: %.*s)",
                       STR_ARG(reason), STR_ARG(request));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!str_eq(json_text(said, members[i].name), members[i].is))
            return str_fmt(a, "Invalid %s", members[i].name);
    if (!json_text(said, "PhysicalResourceId").n)
        return S("Invalid PhysicalResourceId");
    return STR_NONE;
}

/* Data are the attributes, nested ones by their path. */
static void
take_data(struct arena *a, const struct json *data, struct json *attributes)
{
    for (size_t i = 0; data && data->kind == JSON_OBJECT && i < data->n; i++)
        if (!str_starts(data->names[i], S("#")))
            cfn_put(a, attributes, data->names[i], data->v[i]);
}

/*
 * Looks whether the request was answered.  CFN_YES: *ret_said is the answer, and nothing is awaited
 * any more; CFN_NEVER: run->why.  A physical id of a failure is run->id, to be deleted by.
 */
static int
look_for_answer(struct cfn_look *look, const struct cfn_resource_row *row, struct cfn_run *run,
                struct json *ret_said, enum cfn_seen *ret)
{
    struct arena *a = look->call->arena;
    struct str request = json_text(&run->attributes, REQUEST);
    struct str key = signal_key(a, row->stack, request);
    const struct cfn_signal_row *signal = cfn_signal_get(look->call->txn, key);
    int64_t deadline_ms = 0;

    str_to_i64(json_text(&run->attributes, DEADLINE), &deadline_ms);
    *ret = CFN_NOT_YET;
    if (!signal && look->call->now_ms < deadline_ms) {
        if (!look->next_ms || deadline_ms < look->next_ms)
            look->next_ms = deadline_ms;
        return 0;
    }
    *ret = CFN_NEVER;
    if (!signal) {
        run->why = str_fmt(a,
                           "CloudFormation did not receive a response from your Custom Resource. "
                           "Please check your logs for requestId [%.*s]. If you are using the "
                           "Python cfn-response module, you may need to update your Lambda "
                           "function code so that CloudFormation can attach the updated version.",
                           STR_ARG(request));
    } else if (signal->garbled) {
        run->why = S("Response object is too long.");
    } else if (!cfn_read(a, signal->data, ret_said) || ret_said->kind != JSON_OBJECT) {
        run->why = S("Invalid response: it is no JSON object.");
    } else {
        struct str physical = json_text(ret_said, "PhysicalResourceId");

        run->why = what_is_wrong(a, row, request, ret_said);
        if (physical.n)
            run->id = physical;
        *ret = run->why.p ? CFN_NEVER : CFN_YES;
    }
    drop_request(run, a);
    return signal ? cfn_signal_delete(look->call->txn, key) : 0;
}

/* ---- the resource ---- */

static int
create(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct request r = {.type = "Create"};
    struct arena *a = look->call->arena;
    struct str uuid = api_uuid(look->call->env, a);

    /* by which it is deleted when the function never names one */
    run->id = str_fmt(a, "%.*s-%.*s-%.*s", STR_ARG(run->stack), STR_ARG(row->logical),
                      STR_ARG(str_cut(uuid, uuid.n - SUFFIX_CHARS, uuid.n)));
    return send_request(look, row, run, &r);
}

/* While the stack goes back the update is waited for here: what went back is settled. */
static int
update(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct request r = {.type = "Update", .physical = row->physical, .old = &run->old};
    struct arena *a = look->call->arena;
    bool back = look->stack.stage == CFN_REVERT;
    enum cfn_seen seen;
    struct json said;

    if (back && json_get(&run->attributes, BACK)) {
        int got = look_for_answer(look, row, run, &said, &seen);

        if (got < 0)
            return got;
        if (seen == CFN_YES) {
            row->physical = run->id;
            take_data(a, json_get(&said, "Data"), &run->attributes);
        }
        return seen == CFN_NOT_YET ? CFN_RETRY : seen == CFN_YES ? CFN_DONE : CFN_REFUSED;
    }
    int got = send_request(look, row, run, &r);

    if (got != CFN_DONE || !back)
        return got;
    cfn_put(a, &run->attributes, S(BACK), cfn_bool(true));
    row->attributes = cfn_print(a, &run->attributes, PROPS_MAX);
    look_for_answer(look, row, run, &said, &seen); /* sets when to look again */
    assert(seen == CFN_NOT_YET);
    return CFN_RETRY;
}

static int
delete_(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct request r = {.type = "Delete", .physical = row->physical};
    int got = send_request(look, row, run, &r);

    if (got == CFN_DONE)
        row->attributes = cfn_print(look->call->arena, &run->attributes, PROPS_MAX);
    return got;
}

/* An update after which it is another thing: the old one goes when the update went well. */
static int
replace(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_resource_row old = *row;

    assert(row->touched == CFN_CHANGED && row->old_props.n);
    old.props = row->old_props;
    row->touched = CFN_REPLACED;
    return cfn_keep_old(look, &old);
}

static int
look_at(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, bool gone,
        enum cfn_seen *ret)
{
    struct arena *a = look->call->arena;
    struct json said;

    *ret = CFN_YES;
    if (!json_get(&run->attributes, REQUEST))
        return CFN_DONE;
    int r = look_for_answer(look, row, run, &said, ret);

    if (r < 0 || gone || *ret == CFN_NOT_YET)
        return r;
    if (*ret == CFN_YES) {
        run->attributes = cfn_object();
        take_data(a, json_get(&said, "Data"), &run->attributes);
        if (row->touched == CFN_CHANGED && !str_eq(run->id, row->physical))
            r = replace(look, row);
        row->physical = run->id;
    } else if (row->touched != CFN_CHANGED) {
        row->physical = run->id;
    }
    row->attributes = cfn_print(a, &run->attributes, PROPS_MAX);
    return r;
}

const struct cfn_own cfn_own_custom = {
    .name = "custom",
    .create = create,
    .update = update,
    .delete_ = delete_,
    .look = look_at,
};

/* ---- requests to the URL ---- */

bool
cfn_custom_owns(const struct api_request *req)
{
    return str_starts(api_header(req, S("Host")), S(HOST));
}

/* The resource that awaits this answer, and the secret of its URL. */
static const struct cfn_resource_row *
awaits(struct api_call *call, struct str stack, struct str logical, struct str request,
       struct str *ret_secret)
{
    STORE_EACH(call->txn, cfn_resource_by_stack, row, stack) {
        struct json attributes;

        if (!str_eq(row->logical, logical) || !row->attributes.n ||
            !cfn_read(call->arena, row->attributes, &attributes) ||
            !str_eq(json_text(&attributes, REQUEST), request))
            continue;
        *ret_secret = json_text(&attributes, SECRET);
        return ret_secret->p ? row : NULL;
    }
    return NULL;
}

void
cfn_custom_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct str body = req->http.body, path, secret = STR_NONE, stack, logical;

    if (!uri_decode(call->arena, str_cut(req->http.path, 1, req->http.path.n), 0, &path))
        path = S("");
    stack = str_split(&path, '|');
    logical = path.p ? str_split(&path, '|') : S("");
    call->txn = store_begin(call->store);
    const struct cfn_resource_row *row =
        path.n ? awaits(call, stack, logical, path, &secret) : NULL;

    if (!cfn_url_proven(call, req, row ? secret : STR_NONE, reply)) {
        store_rollback(call->txn);
        return;
    }
    const struct cfn_signal_row signal = {.key = signal_key(call->arena, stack, path),
                                          .resource = signal_key(call->arena, stack, path),
                                          .unique_id = path,
                                          .success = true,
                                          .garbled = body.n > ANSWER_MAX,
                                          .reason = S(""),
                                          .data = body.n > ANSWER_MAX ? S("") : body,
                                          .told = true,
                                          .at_ms = call->now_ms};
    /* the first answer counts */
    int r = cfn_signal_get(call->txn, signal.key) ? 0 : cfn_signal_insert(call->txn, &signal);

    if (r < 0) {
        error_origin(-r, "an answer of a custom resource cannot be written");
        cfn_url_refuse(call, reply, 500, "InternalError",
                       "We encountered an internal error. Please try again.");
        store_rollback(call->txn);
        return;
    }
    reply->wait_seq = store_commit(call->txn);
}
