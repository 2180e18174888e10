/*
 * The vectors are written from a client's side.
 *
 * Input: the client turns `params` into `serialized`.  We are the server: the request goes
 * through the row of its wire format, which must find the operation and decode what `params`
 * says.  Output: the client turns `response` into `result`.  We encode `result`, and status,
 * headers and body must be those of the response, apart from what a client does not see: the
 * order of members, blanks, the spelling of numbers and times, the name of an XML root.
 */
#include "golden/protocol.h"

#include "api/wire.h"
#include "base/list.h"
#include "harness/harness.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 1000

static const struct vector_except *excepted;
static size_t n_excepted, n_met, n_cases, n_wrong;

static bool
is_excepted(struct str id)
{
    for (size_t i = 0; i < n_excepted; i++)
        if (str_is(id, excepted[i].id)) {
            n_met++;
            return true;
        }
    return false;
}

/* Says what differs and goes on, so that one run names all cases. */
static void
compare(struct str id, struct str got, struct str want)
{
    bool same = str_eq(got, want);

    n_cases++;
    if (is_excepted(id)) {
        if (same) {
            fprintf(stderr, "%.*s passes and need not be excepted\n", STR_ARG(id));
            n_wrong++;
        }
        return;
    }
    if (same)
        return;
    n_wrong++;
    fprintf(stderr, "%.*s\n  got  %.*s\n  want %.*s\n", STR_ARG(id),
            STR_ARG(str_cut(got, 0, SHOWN_MAX)), STR_ARG(str_cut(want, 0, SHOWN_MAX)));
}

static struct api_call *
new_call(struct arena *a, const struct vector_model *m)
{
    struct api_call *call = ARENA_NEW(a, struct api_call);

    call->arena = a;
    call->service = &m->service;
    call->op = &m->op;
    call->wire = api_wire_of(m->service.protocol);
    call->request_id = S("foo-id");
    return call;
}

/* Bodies of CBOR are written in base64. */
static struct str
body_of(struct arena *a, const struct vector_model *m, struct str body)
{
    struct str bytes;

    if (m->service.protocol != API_CBOR)
        return body;
    CHECK(str_unbase64(a, body, &bytes));
    return bytes;
}

/* ---- requests ---- */

static void
add_headers(struct arena *a, const struct json *headers, struct api_request *req)
{
    size_t n = headers ? headers->n : 0;
    struct http_header *v = ARENA_ARRAY(a, struct http_header, n);

    for (size_t i = 0; i < n; i++)
        v[i] = (struct http_header){headers->names[i], headers->v[i].text};
    req->http.headers = v;
    req->http.n_headers = n;
}

static void
input_case(struct arena *a, const struct json *suite, const struct json *one)
{
    const struct vector_model *m = vector_model(a, suite, json_get(one, "given"));
    const struct api_shape *input = &m->service.shapes[m->op.input];
    const struct json *serialized = json_get(one, "serialized");
    struct str query = json_text(serialized, "uri");
    struct str path = str_split(&query, '?');
    struct api_request req = {
        .http = {.method = json_text(serialized, "method"),
                 .path = path,
                 .query = query,
                 .body = body_of(a, m, json_text(serialized, "body"))},
    };
    struct api_call *call = new_call(a, m);
    void *in = api_new_input(&m->service, &m->op, a);

    add_headers(a, json_get(serialized, "headers"), &req);
    int r = call->wire->find(call, &req);

    if (r == 0)
        r = call->wire->decode(call, &req, in);
    void *want = vector_fill(a, &m->service, input, json_get(one, "params"));

    compare(json_text(one, "id"),
            r ? str_fmt(a, "%.*s: %.*s", STR_ARG(call->fault.code), STR_ARG(call->fault.message))
              : vector_show(a, &m->service, input, in),
            vector_show(a, &m->service, input, want));
}

/* ---- replies ---- */

static bool
is_enveloped(const struct vector_model *m)
{
    return m->service.protocol == API_EC2 || m->service.protocol == API_QUERY;
}

/* Without the name of its root, which no client looks at. */
static struct str
without_root(struct arena *a, struct str shown)
{
    size_t open = str_find_char(shown, '>');

    for (size_t end = shown.n; end > 0; end--)
        if (shown.p[end - 1] == '<')
            return str_fmt(a, "<>%.*s", STR_ARG(str_cut(shown, open + 1, end - 1)));
    return shown;
}

static struct str
body_text(struct arena *a, const struct vector_model *m, struct str body)
{
    const struct api_shape *output = &m->service.shapes[m->op.output];

    for (unsigned i = 0; i < output->n; i++) {
        const struct api_member *member = &m->service.members[output->first + i];

        if (member->place == API_IN_PAYLOAD && m->service.shapes[member->shape].kind <= API_BLOB)
            return body;
    }
    if (body.n == 0)
        return S("(no body)");
    switch (m->service.protocol) {
    case API_JSON:
    case API_REST_JSON:
        return vector_json(a, body);
    case API_CBOR:
        return vector_cbor(a, body);
    case API_REST_XML:
        return without_root(a, vector_xml(a, body));
    default:
        return vector_xml(a, body);
    }
}

static int
text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* What says something about the transport only, or is looked at otherwise. */
static bool
is_seen(struct str name)
{
    static const char *const skipped[] = {"content-type", "content-length", "x-amzn-requestid",
                                          "x-amz-request-id", "x-amzn-errortype"};

    for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
        if (str_eq_nocase(name, str_from(skipped[i])))
            return false;
    return true;
}

static void
add_header(struct arena *a, struct str_list *list, struct str name, struct str value)
{
    if (is_seen(name))
        *LIST_PUSH(a, list) = str_fmt(a, "%.*s: %.*s\n", STR_ARG(str_lower(a, name)),
                                      STR_ARG(vector_plain(a, value)));
}

static struct str
reply_text(struct arena *a, int64_t status, struct str_list *headers, struct str body)
{
    if (headers->n)
        qsort(headers->v, headers->n, sizeof(*headers->v), text_order);
    return str_fmt(a, "%lld\n%.*s%.*s", (long long)status, STR_ARG(str_join(a, headers, S(""))),
                   STR_ARG(body));
}

/* What a client makes of an error's name: without its namespace and what follows a colon. */
static struct str
error_name(struct str type)
{
    size_t hash = str_find_char(type, '#');

    if (hash != SIZE_MAX)
        type = str_cut(type, hash + 1, type.n);
    return str_cut(type, 0, str_find_char(type, ':'));
}

static struct str
without_namespace(struct arena *a, struct str shown)
{
    size_t type = str_find(shown, S("__type=\"")), hash = str_find_char(shown, '#');

    if (type == SIZE_MAX || hash == SIZE_MAX || hash < type)
        return shown;
    return str_cat(a, str_cut(shown, 0, type + 8), str_cut(shown, hash + 1, shown.n));
}

/* The name, wherever a client looks for it, and what else is said. */
static struct str
error_text(struct arena *a, const struct vector_model *m, struct str header, struct str body)
{
    struct str shown, name = header;

    if (m->service.protocol == API_CBOR)
        return without_namespace(a, body_text(a, m, body));
    if (is_enveloped(m) || m->service.protocol == API_REST_XML)
        return body_text(a, m, body);
    struct json j = {0};
    struct json_out out = {0};
    struct buf b;
    size_t at;

    buf_init(&b, 1 << 16);
    out.buf = &b;
    if (body.n)
        CHECK(json_parse(a, body, 1000, &j, &at));
    json_open(&out, '{');
    for (size_t i = 0; i < j.n; i++) {
        if (str_is(j.names[i], "__type") || str_is(j.names[i], "code")) {
            name = name.p ? name : j.v[i].text;
            continue;
        }
        json_key(&out, j.names[i]);
        json_value(&out, &j.v[i]);
    }
    json_close(&out, '}');
    shown = vector_json(a, str_dup(a, buf_str(&b)));
    buf_done(&b);
    return str_fmt(a, "%.*s %.*s", STR_ARG(error_name(name)), STR_ARG(shown));
}

static void
encode_fault(struct arena *a, const struct json *one, const struct vector_model *m,
             struct api_call *call, struct api_reply *reply)
{
    const struct api_shape *shape = &m->service.shapes[m->error.shape];
    struct http_header mode = {S("x-amzn-query-mode"), S("true")};
    struct api_request req = {.http = {.headers = &mode, .n_headers = 1}};
    struct json *error = ARENA_NEW(a, struct json);
    struct str message = json_text(one, "errorMessage");
    bool speaks = is_enveloped(m) || m->service.protocol == API_REST_XML;

    /* The message is told beside the members. */
    *error = *json_get(one, "error");
    for (size_t i = 0; i < error->n; i++)
        if (str_eq_nocase(error->names[i], S("message")))
            error->names[i] = S("(told)");
    call->fault = (struct api_fault){
        .code = json_text(one, "errorCode"),
        .http = m->error.http,
        .message = message.p ? message
                   : speaks  ? S("Hi")
                             : S(""),
        .sender = m->error.http < 500,
        .detail = vector_fill(a, &m->service, shape, error),
    };
    reply->status = call->fault.http;
    call->wire->encode_fault(call, &req, reply);
}

static void
output_case(struct arena *a, const struct json *suite, const struct json *one)
{
    const struct vector_model *m = vector_model(a, suite, json_get(one, "given"));
    const struct json *result = json_get(one, "result"), *response = json_get(one, "response");
    const struct json *headers = json_get(response, "headers");
    struct api_call *call = new_call(a, m);
    struct api_reply reply = {.status = 200};
    struct str_list got = {0}, want = {0};
    struct str got_type = STR_NONE, want_type = STR_NONE;
    int64_t status = 200;

    buf_init(&reply.body, 1 << 20);
    json_i64(json_get(response, "status_code"), &status);
    if (result)
        call->wire->encode(call, &(struct api_request){.http.n_headers = 0},
                           vector_fill(a, &m->service, &m->service.shapes[m->op.output], result),
                           &reply);
    else
        encode_fault(a, one, m, call, &reply);
    CHECK(!buf_failed(&reply.body));
    for (size_t i = 0; i < reply.headers.n; i++) {
        add_header(a, &got, reply.headers.v[i].name, reply.headers.v[i].value);
        if (str_eq_nocase(reply.headers.v[i].name, S("x-amzn-errortype")))
            got_type = reply.headers.v[i].value;
    }
    for (size_t i = 0; headers && i < headers->n; i++) {
        add_header(a, &want, headers->names[i], headers->v[i].text);
        if (str_eq_nocase(headers->names[i], S("x-amzn-errortype")))
            want_type = headers->v[i].text;
    }
    struct str body = body_of(a, m, json_text(response, "body")), ours = buf_str(&reply.body);

    compare(json_text(one, "id"),
            reply_text(a, reply.status, &got,
                       result ? body_text(a, m, ours) : error_text(a, m, got_type, ours)),
            reply_text(a, status, &want,
                       result ? body_text(a, m, body) : error_text(a, m, want_type, body)));
    buf_done(&reply.body);
}

static void
run(const char *file, void (*fn)(struct arena *, const struct json *, const struct json *),
    size_t n_least, const struct vector_except *except, size_t n)
{
    excepted = except;
    n_excepted = n;
    n_met = n_cases = n_wrong = 0;
    vector_each(file, fn);
    CHECK(n_cases >= n_least);
    CHECK_INT(n_wrong, 0);
    CHECK_INT(n_met, n);
}

void
vector_inputs(const char *file, size_t n_least, const struct vector_except *except, size_t n)
{
    run(file, input_case, n_least, except, n);
}

void
vector_outputs(const char *file, size_t n_least, const struct vector_except *except, size_t n)
{
    run(file, output_case, n_least, except, n);
}
