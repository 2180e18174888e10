/*
 * Templates and policies that lie in S3: read as the caller, by a call of S3 inside this one.
 *
 * A URL names S3 by one of AWS's names for it, or by this cloud's own address: what clients were
 * told to call AWS by.  Bucket in the path or in front of the host.
 */
#include "cloudformation/fetch.h"

#include "codec/aws_endpoint.h"
#include "codec/ip.h"
#include "codec/uri.h"
#include "gen/api/s3.h"

#define VIA "cloudformation.amazonaws.com"

struct place {
    struct str bucket, key, version;
};

/* The host that this call was sent to, without its port; p NULL: no request made it. */
static struct str
asked_host(const struct api_call *call)
{
    for (size_t i = 0; call->request && i < call->request->http.n_headers; i++)
        if (str_eq_nocase(call->request->http.headers[i].name, S("Host"))) {
            struct str host = call->request->http.headers[i].value;

            return str_lower(call->arena, str_split(&host, ':'));
        }
    return STR_NONE;
}

/* The bucket in front of the host, "" when it is in the path; false: the host is not S3. */
static bool
host_is_s3(const struct api_call *call, struct str host, struct str *ret_bucket)
{
    struct str suffix = S(".localhost"), asked = asked_host(call);
    struct aws_endpoint e;
    uint32_t ip;

    *ret_bucket = S("");
    if (str_is(host, "localhost") || ip4_parse(host, &ip) || (asked.n && str_eq(host, asked)))
        return true;
    if (str_ends(host, suffix)) {
        struct str bucket = str_cut(host, 0, host.n - suffix.n);

        if (str_ends(bucket, S(".s3")))
            bucket = str_cut(bucket, 0, bucket.n - 3);
        *ret_bucket = str_is(bucket, "s3") ? S("") : bucket;
        return true;
    }
    if (!aws_endpoint_parse(host, &e) || !str_is(e.service, "s3"))
        return false;
    *ret_bucket = e.prefix;
    return true;
}

static bool
parse(struct api_call *call, struct str url, struct place *ret)
{
    struct str query = url, rest, host;

    *ret = (struct place){0};
    if (str_starts(url, S("s3://"))) {
        ret->key = str_cut(url, 5, url.n);
        ret->bucket = str_split(&ret->key, '/');
        return ret->bucket.n && ret->key.n;
    }
    rest = str_split(&query, '?');
    if (str_starts(rest, S("https://")))
        rest = str_cut(rest, 8, rest.n);
    else if (str_starts(rest, S("http://")))
        rest = str_cut(rest, 7, rest.n);
    else
        return false;
    host = str_split(&rest, '/');
    host = str_lower(call->arena, str_split(&host, ':'));
    if (!rest.p || !host_is_s3(call, host, &ret->bucket))
        return false;
    if (!ret->bucket.n)
        ret->bucket = str_split(&rest, '/');
    ret->version = query.p ? uri_query_get(call->arena, query, S("versionId")) : STR_NONE;
    return rest.n && ret->bucket.n && uri_decode(call->arena, rest, 0, &ret->key) &&
           str_is_utf8(ret->key);
}

/* S3's word in CloudFormation's. */
static int
reword(struct api_call *call)
{
    bool denied = str_is(call->fault.code, "AccessDenied");
    struct str message = denied ? S("Access Denied") : call->fault.message;

    assert(call->fault.code.n > 0);
    return api_fault(call, &CFN_ERR(ValidationError),
                     "S3 error: %.*s\nFor more information check "
                     "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
                     STR_ARG(message));
}

int
cfn_fetch(struct api_call *call, struct str url, const char *what, size_t max, struct str *ret)
{
    struct place place;
    struct s3_HeadObjectOutput head = {0};
    struct s3_GetObjectOutput got = {0};

    assert(url.p && max > 0 && what[0]);
    if (!parse(call, url, &place))
        return api_fault(call, &CFN_ERR(ValidationError), "%s must be a supported URL.", what);
    const struct s3_HeadObjectRequest ask = {
        .bucket = place.bucket, .key = place.key, .version_id = place.version};
    const struct s3_GetObjectRequest get = {
        .bucket = place.bucket, .key = place.key, .version_id = place.version};
    int r = api_call_internal(call, "s3", "HeadObject", &ask, &head, VIA);

    if (r == 0 && opt_i64_or(head.content_length, 0) > (int64_t)max)
        return api_fault(call, &CFN_ERR(ValidationError),
                         "Template may not exceed %zu bytes in size.", max);
    if (r == 0)
        r = api_call_internal(call, "s3", "GetObject", &get, &got, VIA);
    if (r > 0)
        return reword(call);
    if (r == 0)
        *ret = got.body.p ? got.body : S("");
    assert(r < 0 || ret->p);
    return r;
}
