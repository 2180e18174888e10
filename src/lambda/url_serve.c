/*
 * Requests to function URLs: an HTTP request becomes an event (payload format 2.0), the function's
 * answer an HTTP response.
 *
 *   https://ID.lambda-url.REGION.on.aws/…   found by the Host header
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
#include "lambda/runner.h"

#include "api/auth.h"
#include "api/authorize.h"
#include "api/later.h"
#include "api/wire.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "codec/uri.h"

#define EVENT_BYTES_MAX ((size_t)8 << 20) /* base64 of what the front takes is refused below */

enum { NODES_MAX = 100000 };

struct visit {
    const struct api_request *req; /* the call's own */
    struct lambda_url_row url;     /* a copy */
    struct str host;               /* in lower case, without a port */
    struct str origin;             /* which CORS lets see the answer; p NULL: none */
    struct str payload;
    bool failed;
};

/* ---- whose requests these are ---- */

static struct str
host_of(struct str header)
{
    size_t colon = str_find_char(header, ':');

    return colon == SIZE_MAX ? header : str_cut(header, 0, colon);
}

bool
lambda_url_owns(const struct api_request *req)
{
    struct str host = host_of(api_header(req, S("Host")));

    return str_ends(host, S(LAMBDA_URL_TOP)) && str_find(host, S(LAMBDA_URL_LABEL)) != SIZE_MAX;
}

/* ---- answers that are not the function's ---- */

static void
put_header(struct arena *a, struct api_reply *reply, const char *name, struct str value)
{
    *LIST_PUSH(a, &reply->headers) = (struct http_header){str_from(name), value};
}

static void
put_body(struct api_reply *reply, int status, struct str type, struct str body)
{
    assert(status >= 100 && status < 600);
    reply->status = status;
    reply->content_type = type;
    buf_reset(&reply->body);
    buf_add_str(&reply->body, body);
}

/* The refusal in the call's fault, in the URL's own words. */
static void
refuse(struct api_call *call, struct api_reply *reply)
{
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, 16384);
    json_open(&o, '{');
    json_key_str(&o, "Message",
                 call->fault.http == 403
                     ? S("Forbidden. For troubleshooting Function URL authorization issues, see: "
                         "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html")
                     : call->fault.message);
    json_close(&o, '}');
    put_header(call->arena, reply, "x-amzn-ErrorType", call->fault.code);
    put_body(reply, call->fault.http, S("application/json"), buf_str(&buf));
    buf_done(&buf);
}

/* ---- who may ---- */

static int
authorize(struct api_call *call, const struct lambda_name *name, struct str auth)
{
    const struct api_resource thing = {.arn = lambda_arn(call->arena, name),
                                       .account = name->account,
                                       .policy = lambda_policy(call, name),
                                       .policy_kind = POLICY_RESOURCE};
    struct policy_context extra = {0};

    api_context_add(call, &extra, S("lambda:FunctionUrlAuthType"), auth);
    api_context_add(call, &extra, S("lambda:InvokedViaFunctionUrl"), S("true"));
    int r = api_authorize_on(call, S("lambda:InvokeFunctionUrl"), &thing, &extra);

    return r ? r : api_authorize_on(call, S("lambda:InvokeFunction"), &thing, &extra);
}

static int
sign_in(struct api_call *call, const struct lambda_url_row *url)
{
    int r = 0;

    if (str_is(url->auth, "NONE"))
        api_anonymous(call);
    else
        r = api_sign_in_as_sent(call);
    if (r == 0 && call->region.n && !str_eq(call->region, url->region))
        r = api_fault(call, &LAMBDA_ERR(AccessDeniedException), "Credential of another Region");
    if (r > 0)
        call->fault.http = 403;
    return r;
}

/* ---- CORS ---- */

static bool
allows(const struct str_list *list, struct str one)
{
    return str_in(list, S("*")) || str_in(list, one);
}

static void
dress(struct arena *a, const struct visit *v, struct api_reply *reply, bool preflight)
{
    const struct lambda_url_row *url = &v->url;
    const struct {
        const char *name;
        const struct str_list *list;
        bool preflight;
    } lists[] = {
        {"Access-Control-Allow-Methods", &url->methods, true},
        {"Access-Control-Allow-Headers", &url->headers, true},
        {"Access-Control-Expose-Headers", &url->exposed, false},
    };

    if (!v->origin.p)
        return;
    put_header(a, reply, "Access-Control-Allow-Origin", v->origin);
    put_header(a, reply, "Vary", S("Origin"));
    if (url->credentials)
        put_header(a, reply, "Access-Control-Allow-Credentials", S("true"));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (lists[i].list->n && (preflight || !lists[i].preflight))
            put_header(a, reply, lists[i].name, str_join(a, lists[i].list, S(",")));
    if (preflight && url->max_age)
        put_header(a, reply, "Access-Control-Max-Age",
                   str_fmt(a, "%lld", (long long)(url->max_age - 1)));
}

/* ---- the event ---- */

/* Names of several values have them joined, in the order in which names came first. */
struct pairs {
    struct pair {
        struct str name, value;
    } * v;
    size_t n;
};

static void
add_pair(struct arena *a, struct pairs *pairs, struct str name, struct str value)
{
    assert(str_ok(name) && str_ok(value));
    LIST_EACH(pairs, p)
        if (str_eq(p->name, name)) {
            p->value = str_fmt(a, "%.*s,%.*s", STR_ARG(p->value), STR_ARG(value));
            return;
        }
    *LIST_PUSH(a, pairs) = (struct pair){name, value};
}

static void
put_pairs(struct json_out *o, const char *key, const struct pairs *pairs)
{
    json_key(o, str_from(key));
    json_open(o, '{');
    LIST_EACH(pairs, p) {
        json_key(o, p->name);
        json_str(o, p->value);
    }
    json_close(o, '}');
}

static void
put_headers(struct json_out *o, struct arena *a, const struct visit *v)
{
    const struct api_request *req = v->req;
    struct pairs headers = {0};

    for (size_t i = 0; i < req->http.n_headers; i++) {
        const struct http_header *h = &req->http.headers[i];

        if (str_eq_nocase(h->name, S("Cookie"))) {
            struct str rest = h->value;

            json_key(o, S("cookies"));
            json_open(o, '[');
            while (rest.p)
                json_str(o, str_trim(str_split(&rest, ';')));
            json_close(o, ']');
        } else {
            add_pair(a, &headers, str_lower(a, h->name), h->value);
        }
    }
    if (req->peer.p)
        add_pair(a, &headers, S("x-forwarded-for"), req->peer);
    add_pair(a, &headers, S("x-forwarded-proto"), req->secure ? S("https") : S("http"));
    put_pairs(o, "headers", &headers);
}

static void
put_query(struct json_out *o, struct arena *a, struct str query)
{
    struct pairs pairs = {0};

    json_key_str(o, "rawQueryString", query.p ? query : S(""));
    if (!query.n)
        return;
    while (query.p) {
        struct str value = str_split(&query, '&'), name = str_split(&value, '=');
        struct str n, text;

        if (uri_decode(a, name, URI_LENIENT | URI_PLUS_BLANK, &n) &&
            uri_decode(a, value.p ? value : S(""), URI_LENIENT | URI_PLUS_BLANK, &text) && n.n)
            add_pair(a, &pairs, n, text);
    }
    put_pairs(o, "queryStringParameters", &pairs);
}

static void
put_caller(struct json_out *o, const struct api_call *call)
{
    const struct {
        const char *name;
        struct str value;
    } all[] = {{"accessKey", call->access_key},
               {"accountId", call->account},
               {"callerId", call->principal_id},
               {"userArn", call->principal_arn},
               {"userId", call->principal_id}};

    json_key(o, S("authorizer"));
    json_open(o, '{');
    json_key(o, S("iam"));
    json_open(o, '{');
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        json_key_str(o, all[i].name, all[i].value.p ? all[i].value : S(""));
    json_key(o, S("cognitoIdentity"));
    json_null(o);
    json_key(o, S("principalOrgId"));
    json_null(o);
    json_close(o, '}');
    json_close(o, '}');
}

/* "12/Mar/2020:19:03:58 +0000" */
static struct str
log_time(struct arena *a, int64_t ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = time_civil(ms);

    assert(c.month >= 1 && c.month <= 12);
    return str_fmt(a, "%02d/%.3s/%d:%02d:%02d:%02d +0000", c.day, months + 3 * (c.month - 1),
                   c.year, c.hour, c.minute, c.second);
}

static void
put_context(struct json_out *o, const struct api_call *call, const struct visit *v)
{
    const struct api_request *req = v->req;
    struct str agent = api_header(req, S("User-Agent"));
    bool anonymous = call->principal.kind == POLICY_ANONYMOUS;
    const struct {
        const char *name;
        struct str value;
    } http[] = {{"method", req->http.method},
                {"path", req->http.path},
                {"protocol", S("HTTP/1.1")},
                {"sourceIp", req->peer.p ? req->peer : S("127.0.0.1")},
                {"userAgent", agent.p ? agent : S("")}},
      all[] = {{"accountId", anonymous ? S("anonymous") : call->account},
               {"apiId", v->url.id},
               {"domainName", v->host},
               {"domainPrefix", v->url.id},
               {"requestId", call->request_id},
               {"routeKey", S("$default")},
               {"stage", S("$default")},
               {"time", log_time(call->arena, call->now_ms)}};

    json_key(o, S("requestContext"));
    json_open(o, '{');
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        json_key_str(o, all[i].name, all[i].value);
    json_key_int(o, "timeEpoch", call->now_ms);
    if (!anonymous)
        put_caller(o, call);
    json_key(o, S("http"));
    json_open(o, '{');
    for (size_t i = 0; i < ARRAY_LEN(http); i++)
        json_key_str(o, http[i].name, http[i].value);
    json_close(o, '}');
    json_close(o, '}');
}

/* What the function gets as text; all else is base64. */
static bool
is_text(struct str type, struct str body)
{
    static const char *const texts[] = {"text/", "application/json", "application/javascript",
                                        "application/xml"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_starts(type, str_from(texts[i])))
            return str_is_utf8(body);
    return false;
}

static int
make_event(struct api_call *call, const struct visit *v, struct str *ret)
{
    const struct api_request *req = v->req;
    struct str body = req->http.body, type = api_header(req, S("Content-Type"));
    struct arena *a = call->arena;
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, EVENT_BYTES_MAX);
    json_open(&o, '{');
    json_key_str(&o, "version", S("2.0"));
    json_key_str(&o, "routeKey", S("$default"));
    json_key_str(&o, "rawPath", req->http.path);
    put_query(&o, a, req->http.query);
    put_headers(&o, a, v);
    put_context(&o, call, v);
    bool text = !body.n || is_text(str_lower(a, type), body);

    if (body.n)
        json_key_str(&o, "body", text ? body : str_base64(a, body));
    json_key(&o, S("isBase64Encoded"));
    json_bool(&o, !text);
    json_close(&o, '}');
    bool large = buf_failed(&buf) || buf.n > LAMBDA_PAYLOAD_MAX;

    *ret = large ? STR_NONE : str_dup(a, buf_str(&buf));
    buf_done(&buf);
    return !large ? 0
                  : api_fault(call, &LAMBDA_ERR(RequestTooLargeException),
                              "Request must be smaller than %d bytes for the InvokeFunction "
                              "operation",
                              LAMBDA_PAYLOAD_MAX);
}

/* ---- the response ---- */

static struct str
text_of(struct arena *a, const struct json *j)
{
    struct buf buf;
    struct json_out o = {&buf};

    if (j->kind == JSON_STRING)
        return j->text;
    buf_init(&buf, EVENT_BYTES_MAX);
    json_value(&o, j);
    struct str text = str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

static void
bad_gateway(struct api_reply *reply)
{
    put_body(reply, 502, S("application/json"), S("{\"Message\":\"Internal Server Error\"}"));
}

/* An object with a statusCode says what the response is. */
static void
respond(struct arena *a, const struct json *j, struct api_reply *reply)
{
    const struct json *headers = json_get(j, "headers"), *cookies = json_get(j, "cookies");
    const struct json *body = json_get(j, "body"), *coded = json_get(j, "isBase64Encoded");
    struct str type = S("application/json"), bytes = body ? text_of(a, body) : S("");
    int64_t status = 0;

    if (!json_i64(json_get(j, "statusCode"), &status) || status < 200 || status > 599 ||
        (coded && coded->kind == JSON_BOOL && coded->truth && !str_unbase64(a, bytes, &bytes))) {
        bad_gateway(reply);
        return;
    }
    if (body && body->kind == JSON_NULL)
        bytes = S("");
    for (size_t i = 0; headers && headers->kind == JSON_OBJECT && i < headers->n; i++) {
        struct str name = headers->names[i], value = text_of(a, &headers->v[i]);

        if (str_eq_nocase(name, S("content-type")))
            type = value;
        else if (name.n && !str_eq_nocase(name, S("content-length")) &&
                 !str_eq_nocase(name, S("connection")) &&
                 !str_eq_nocase(name, S("transfer-encoding")))
            *LIST_PUSH(a, &reply->headers) = (struct http_header){name, value};
    }
    for (size_t i = 0; cookies && cookies->kind == JSON_ARRAY && i < cookies->n; i++)
        put_header(a, reply, "Set-Cookie", text_of(a, &cookies->v[i]));
    put_body(reply, (int)status, type, bytes);
}

static void
write_reply(struct api_later *later, struct api_reply *reply)
{
    struct visit *v = later->res;
    struct arena *a = later->call->arena;
    struct json j;
    size_t at;

    if (v->failed || !json_parse(a, v->payload, NODES_MAX, &j, &at))
        bad_gateway(reply);
    else if (j.kind == JSON_OBJECT && json_get(&j, "statusCode"))
        respond(a, &j, reply);
    else
        put_body(reply, 200, S("application/json"), text_of(a, &j));
    dress(a, v, reply, false);
}

static void
done(void *ctx, const struct lambda_outcome *how)
{
    struct api_later *later = ctx;
    struct visit *v = later->res;

    assert(!later->done && !v->payload.p);
    v->failed = how->failed || how->sentence.p;
    v->payload = str_dup(later->call->arena, how->payload);
    api_later_done(later, 0);
}

static void
on_leave(struct api_later *later)
{
    lambda_work_await(later->who, NULL, NULL);
}

/* ---- a request ---- */

static struct str_list
copy(struct arena *a, const struct str_list *list)
{
    struct str_list out = {0};

    LIST_EACH(list, one)
        *LIST_PUSH(a, &out) = str_dup(a, *one);
    assert(out.n == list->n);
    return out;
}

/* What is needed of the URL's row, for as long as the call lives. */
static bool
find(struct api_call *call, struct visit *v)
{
    struct str rest = v->host, id = str_split(&rest, '.');
    struct txn *txn = store_begin(call->store);
    const struct lambda_url_row *row = lambda_url_get(txn, id);
    struct lambda_url_row *kept = &v->url;
    struct arena *a = call->arena;

    assert(!call->txn && id.n > 0);
    if (row) {
        *kept = *row;
        kept->id = id;
        kept->account = str_dup(a, row->account);
        kept->region = str_dup(a, row->region);
        kept->function = str_dup(a, row->function);
        kept->qualifier = str_dup(a, row->qualifier);
        kept->auth = str_dup(a, row->auth);
        kept->origins = copy(a, &row->origins);
        kept->methods = copy(a, &row->methods);
        kept->headers = copy(a, &row->headers);
        kept->exposed = copy(a, &row->exposed);
    }
    store_rollback(txn);
    return row != NULL;
}

/* A page asks before what it may send: that is no call of the function. */
static bool
is_preflight(const struct visit *v)
{
    return v->url.cors && str_is(v->req->http.method, "OPTIONS") &&
           api_header(v->req, S("Access-Control-Request-Method")).p;
}

static int
run(struct api_call *call, struct visit *v)
{
    struct lambda_name name = {v->url.account, v->url.region, v->url.function,
                               str_is(v->url.qualifier, LAMBDA_LATEST) ? STR_NONE
                                                                       : v->url.qualifier};
    struct lambda_order order = {.request_id = call->request_id,
                                 .arn = lambda_arn(call->arena, &name)};
    struct lambda_work *work;
    int r = authorize(call, &name, v->url.auth);

    if (r == 0)
        r = lambda_find_version(call, &name, true, &order.function);
    if (r == 0)
        r = make_event(call, v, &order.payload);
    if (r == 0)
        r = lambda_run(call, &order, &work);
    if (r)
        return r;
    struct api_later *later = api_later_new(call, v, on_leave, work);

    later->write = write_reply;
    lambda_work_await(work, done, later);
    return 0;
}

static int
enter(struct api_call *call, struct visit *v, struct api_reply *reply)
{
    static const struct lambda_InvocationRequest none = {0};
    struct str origin = api_header(v->req, S("Origin"));

    if (!find(call, v))
        return api_fault(call, &(struct api_error){"ResourceNotFoundException", 404}, "Not Found");
    call->region = v->url.region;
    if (v->url.cors && origin.p && allows(&v->url.origins, origin))
        v->origin = v->url.credentials || !str_in(&v->url.origins, S("*")) ? origin : S("*");
    if (is_preflight(v)) {
        put_body(reply, 200, STR_NONE, S(""));
        dress(call->arena, v, reply, true);
        return 0;
    }
    int r = sign_in(call, &v->url);

    if (r)
        return r;
    call->txn = store_begin(call->store);
    r = api_authorize(call, &none); /* the request's condition keys */
    if (r == 0)
        r = run(call, v);
    reply->wait_seq = store_commit(call->txn);
    return r;
}

void
lambda_url_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct visit *v = ARENA_NEW(call->arena, struct visit);

    v->req = req;
    v->host = str_lower(call->arena, host_of(api_header(req, S("Host"))));
    call->service = &lambda_service;
    call->op = api_op_find(&lambda_service, S("Invoke"));
    call->wire = api_wire_of(API_REST_JSON);
    int r = enter(call, v, reply);

    if (r < 0)
        api_fault(call, &LAMBDA_ERR(ServiceException), "Internal Server Error");
    if (r)
        refuse(call, reply);
    reply->code = r ? call->fault.code : STR_NONE;
}
