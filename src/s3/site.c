/*
 * Websites: what a browser gets at bucket.s3-website-REGION.amazonaws.com.  Everybody is nobody
 * here: what is public is read, and errors are pages.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
 */
#include "s3/s3.h"

#include "api/wire.h"
#include "base/error.h"
#include "base/timefmt.h"
#include "codec/aws_endpoint.h"
#include "codec/uri.h"

/* ---- names ---- */

/*
 * "bucket.s3-website-us-east-1.amazonaws.com", "bucket.s3-website.us-east-1.amazonaws.com", and on
 * this machine "bucket.s3-website.localhost".  p NULL: it is no website's.
 */
static struct str
bucket_of(struct str host)
{
    struct str name = str_split(&host, ':'), mark = S(".s3-website"), rest;
    size_t at = str_find(name, mark);

    if (at == SIZE_MAX || at == 0)
        return STR_NONE;
    rest = str_cut(name, at + mark.n, name.n);
    if (str_is(rest, ".localhost") || str_is(rest, ".localhost.localstack.cloud"))
        return str_cut(name, 0, at);
    if (!rest.n || (rest.p[0] != '.' && rest.p[0] != '-') || !str_ends(rest, S(".amazonaws.com")))
        return STR_NONE;
    return aws_region_like(str_cut(rest, 1, rest.n - (sizeof(".amazonaws.com") - 1)))
               ? str_cut(name, 0, at)
               : STR_NONE;
}

bool
s3_site_owns(const struct api_request *req)
{
    return !req->trusted && bucket_of(api_header(req, S("Host"))).p;
}

/* ---- pages ---- */

struct visit {
    struct api_call *call;
    const struct api_request *req;
    struct api_reply *reply;
    const struct s3_bucket_row *bucket;
    struct s3_site *site;
    struct str key; /* as it was asked for */
};

void
s3_add_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '<' || c == '>' || c == '&' || c == '"')
            buf_add_fmt(out, "&#%d;", c);
        else
            buf_add(out, &c, 1);
    }
}

static const char *
words_of(int status)
{
    return status == 403   ? "Forbidden"
           : status == 404 ? "Not Found"
           : status == 405 ? "Method Not Allowed"
           : status == 400 ? "Bad Request"
                           : "Internal Server Error";
}

/* The page of a refusal, which lies in the call. */
static void
error_page(struct visit *v, bool no_document)
{
    const struct api_fault *fault = &v->call->fault;
    struct buf *out = &v->reply->body;

    assert(fault->http >= 400 && fault->code.n);
    v->reply->status = fault->http;
    v->reply->code = fault->code;
    v->reply->content_type = S("text/html; charset=utf-8");
    api_reply_header(v->call->arena, v->reply, S("x-amz-error-code"), fault->code);
    api_reply_header(v->call->arena, v->reply, S("x-amz-error-message"), fault->message);
    buf_add_fmt(out,
                "<html>\n<head><title>%d %s</title></head>\n<body>\n<h1>%d %s</h1>\n<ul>\n"
                "<li>Code: %.*s</li>\n<li>Message: ",
                fault->http, words_of(fault->http), fault->http, words_of(fault->http),
                STR_ARG(fault->code));
    s3_add_escaped(out, fault->message);
    buf_add_fmt(out, "</li>\n");
    if (str_is(fault->code, "NoSuchKey")) {
        buf_add_fmt(out, "<li>Key: ");
        s3_add_escaped(out, v->key);
        buf_add_fmt(out, "</li>\n");
    }
    buf_add_fmt(out, "<li>RequestId: %.*s</li>\n</ul>\n", STR_ARG(v->call->request_id));
    if (no_document)
        buf_add_fmt(out, "<h3>An Error Occurred While Attempting to Retrieve a Custom Error "
                         "Document</h3>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The "
                         "specified key does not exist.</li>\n</ul>\n");
    buf_add_fmt(out, "<hr/>\n</body>\n</html>\n");
}

static void
redirect(struct visit *v, int status, struct str location)
{
    assert(status >= 300 && status < 400);
    v->reply->status = status;
    api_reply_header(v->call->arena, v->reply, S("Location"), location);
}

/* By a rule; the key that it replaces is `key`. */
static void
follow(struct visit *v, const struct s3_routing_rule *rule, struct str key)
{
    struct arena *a = v->call->arena;
    struct str host = rule->host.p ? rule->host : api_header(v->req, S("Host"));
    struct str protocol = rule->protocol.p ? rule->protocol
                          : v->req->secure ? S("https")
                                           : S("http");
    int64_t status = 301;

    if (rule->new_key.p)
        key = rule->new_key;
    else if (rule->new_prefix.p)
        key = str_cat(a, rule->new_prefix, str_cut(key, rule->prefix.n, key.n));
    if (rule->code.p && !str_to_i64(rule->code, &status))
        status = 301; /* which was checked when it was set */
    redirect(v, (int)status,
             str_fmt(a, "%.*s://%.*s/%.*s", STR_ARG(protocol), STR_ARG(host),
                     STR_ARG(uri_encode(a, key, URI_KEEP_SLASH))));
}

/* The first rule for a key, and for a status when there is an error (else 0); NULL: none. */
static const struct s3_routing_rule *
rule_for(const struct s3_site *site, struct str key, int status)
{
    for (size_t i = 0; i < site->n_rules; i++) {
        const struct s3_routing_rule *rule = &site->rules[i];
        int64_t wanted = 0;

        if (rule->prefix.p && !str_starts(key, rule->prefix))
            continue;
        if (rule->status.p && (!str_to_i64(rule->status, &wanted) || wanted != status))
            continue;
        if (!rule->status.p && status)
            continue; /* it was asked before there was an error */
        return rule;
    }
    return NULL;
}

/* ---- objects ---- */

/* One that everybody may read: 0, or positive with the fault. */
static int
find(struct visit *v, struct str key, const struct s3_object_row **ret)
{
    int r = s3_may(v->call, v->bucket, key, "s3:GetObject");

    return r ? r : s3_find(v->call, v->bucket, key, STR_NONE, ret);
}

static void
tell_headers(struct visit *v, const struct s3_object_row *row)
{
    struct arena *a = v->call->arena;

    v->reply->content_type = s3_pair(&row->headers, S("content-type"));
    v->reply->content_type =
        v->reply->content_type.n ? str_dup(a, v->reply->content_type) : S("binary/octet-stream");
    api_reply_header(a, v->reply, S("ETag"), s3_quoted(a, row->etag));
    api_reply_header(a, v->reply, S("Last-Modified"), time_http(a, row->modified_ms));
    for (size_t i = 0; i + 1 < row->headers.n; i += 2)
        if (!str_is(row->headers.v[i], "content-type") &&
            !str_is(row->headers.v[i], "x-amz-website-redirect-location"))
            api_reply_header(a, v->reply, str_dup(a, row->headers.v[i]), row->headers.v[i + 1]);
}

static int
send(struct visit *v, int status, const struct s3_object_row *row)
{
    struct s3_wrapping *wrapping = ARENA_NEW(v->call->arena, struct s3_wrapping);
    struct str location = s3_pair(&row->headers, S("x-amz-website-redirect-location")), plain;
    bool head = str_is(v->req->http.method, "HEAD");
    int r;

    if (location.n && status == 200) {
        redirect(v, 301, location);
        return 0;
    }
    r = s3_unlock(v->call, "", row, wrapping);
    if (r)
        return r;
    const struct s3_bytes bytes = s3_bytes_of(row, wrapping);

    if (row->pieces.n && !head) {
        struct api_stream *stream;

        r = s3_bytes_stream(v->call, &bytes, 0, (uint64_t)row->size, &stream);
        if (r)
            return r;
        blobs_hold(stream->blobs);
        v->reply->stream = stream;
    } else if (!head) {
        r = s3_bytes_open(v->call, &bytes, &plain);
        if (r)
            return r;
        buf_add_str(&v->reply->body, plain);
    } else {
        v->reply->length = opt_i64(row->size);
    }
    v->reply->status = status;
    tell_headers(v, row);
    return 0;
}

/* What a visitor gets instead of what is not there. */
static int
fail(struct visit *v, struct str key)
{
    const struct s3_routing_rule *rule = rule_for(v->site, key, v->call->fault.http);
    struct api_fault fault = v->call->fault;
    const struct s3_object_row *row;
    int r = 1;

    if (rule) {
        follow(v, rule, v->key);
        return 0;
    }
    if (v->site->error.p) {
        v->call->fault = (struct api_fault){0};
        r = find(v, v->site->error, &row);
        if (r == 0)
            r = send(v, fault.http, row);
        v->call->fault = fault;
    }
    if (r > 0)
        error_page(v, v->site->error.p != NULL);
    return MIN(r, 0);
}

static int
serve(struct visit *v)
{
    struct arena *a = v->call->arena;
    struct str key = v->key;
    const struct s3_object_row *row, *index;
    const struct s3_routing_rule *rule;
    int r;

    if (v->site->all_host.p) {
        follow(
            v,
            &(struct s3_routing_rule){.host = v->site->all_host, .protocol = v->site->all_protocol},
            key);
        return 0;
    }
    if (!key.n || key.p[key.n - 1] == '/')
        key = str_cat(a, key, v->site->index);
    rule = rule_for(v->site, v->key, 0);
    if (rule) {
        follow(v, rule, v->key);
        return 0;
    }
    r = find(v, key, &row);
    if (r == 0)
        r = send(v, 200, row);
    if (r <= 0)
        return r;
    /* a folder that was named without its slash */
    struct api_fault fault = v->call->fault;
    struct str below = str_fmt(a, "%.*s/%.*s", STR_ARG(v->key), STR_ARG(v->site->index));

    v->call->fault = (struct api_fault){0};
    if (v->key.n && v->key.p[v->key.n - 1] != '/' && find(v, below, &index) == 0) {
        redirect(v, 302, str_fmt(a, "/%.*s/", STR_ARG(uri_encode(a, v->key, URI_KEEP_SLASH))));
        return 0;
    }
    v->call->fault = fault;
    return fail(v, key);
}

/* ---- requests ---- */

static int
enter(struct visit *v)
{
    struct api_call *call = v->call;
    struct str name = bucket_of(str_lower(call->arena, api_header(v->req, S("Host"))));
    struct str method = v->req->http.method;

    if (!str_is(method, "GET") && !str_is(method, "HEAD"))
        return api_fault(call, &S3_ERR(MethodNotAllowed),
                         "The specified method is not allowed against this resource.");
    if (!uri_decode(call->arena, str_cut(v->req->http.path, 1, v->req->http.path.n), URI_LENIENT,
                    &v->key) ||
        !str_is_utf8(v->key) || v->key.n > S3_KEY_BYTES_MAX)
        return api_fault(call, &S3_ERR(BadRequest), "The request is not well-formed.");
    v->bucket = s3_bucket_get(call->txn, name);
    if (!v->bucket)
        return api_fault(call, &S3_ERR(NoSuchBucket), "The specified bucket does not exist");
    if (!v->bucket->website.n)
        return api_fault(call, &S3_ERR(NoSuchWebsiteConfiguration),
                         "The specified bucket does not have a website configuration");
    call->region = v->bucket->region;
    s3_site_read(v->bucket, v->site);
    return serve(v);
}

void
s3_site_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    static const struct s3_GetObjectRequest none = {0};
    struct visit v = {
        .call = call, .req = req, .reply = reply, .site = ARENA_NEW(call->arena, struct s3_site)};

    call->service = &s3_service;
    call->op = api_op_find(&s3_service, S("GetObject"));
    call->wire = api_wire_of(API_REST_XML);
    call->account = S("");
    call->principal = (struct policy_principal){.kind = POLICY_ANONYMOUS};
    call->principal_id = call->principal_arn = S("anonymous");
    call->txn = store_begin(call->store);
    int r = api_authorize(call, &none); /* the request's condition keys */

    if (r == 0)
        r = enter(&v);

    if (r < 0)
        api_fault(call, &S3_ERR(InternalError),
                  "We encountered an internal error. Please try "
                  "again.");
    if (r)
        error_page(&v, false);
    reply->wait_seq = store_commit(call->txn);
}
