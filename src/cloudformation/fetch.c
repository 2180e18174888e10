/*
 * An object is read by S3's own GetObject, as the caller: whoever may not read a template cannot
 * make a stack of it.
 */
#include "cloudformation/fetch.h"

#include "api/guard.h"
#include "cloudformation/tree.h"
#include "cloudformation/type.h"
#include "codec/aws_endpoint.h"
#include "codec/uri.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

int (*cfn_fetch_other)(struct api_call *call, const struct cfn_location *at, struct str *ret);

bool
cfn_location_parse(struct arena *a, struct str url, struct cfn_location *ret)
{
    struct aws_endpoint endpoint;
    struct str rest = url, query, host;
    bool ok = true;

    *ret = (struct cfn_location){0};
    if (str_starts(url, S("s3://"))) {
        rest = str_cut(url, 5, url.n);
        ret->bucket = str_split(&rest, '/');
        ret->key = rest;
        return ret->bucket.n && ret->key.n;
    }
    if (!str_starts(url, S("https://")) && !str_starts(url, S("http://")))
        return false;
    rest = str_cut(url, str_find(url, S("://")) + 3, url.n);
    query = rest;
    rest = str_split(&query, '?');
    host = str_lower(a, str_split(&rest, '/'));
    host = str_split(&host, ':');
    if (!aws_endpoint_parse(host, &endpoint) || !str_is(endpoint.service, "s3"))
        return false;
    ret->bucket = endpoint.prefix.n ? endpoint.prefix : str_split(&rest, '/');
    ok = ret->bucket.n && rest.n && uri_decode(a, rest, false, &ret->key);
    if (ok && query.p)
        ret->version = uri_query_get(a, query, S("versionId"));
    return ok;
}

static bool
has_s3(struct api_call *call)
{
    for (size_t i = 0; call->guard->services[i]; i++)
        if (str_is(str_from(call->guard->services[i]->service->name), "s3"))
            return true;
    return false;
}

static int
from_s3(struct api_call *call, const struct cfn_location *at, struct str *ret)
{
    struct arena *a = call->arena;
    struct json in = cfn_object(), out;
    struct str wrong, body;

    if (!has_s3(call))
        return api_fault(call, &CFN_ERR(UnsupportedOperation),
                         "Welkin has no S3 yet: templates in buckets cannot be read.");
    cfn_put(a, &in, S("Bucket"), cfn_text(at->bucket));
    cfn_put(a, &in, S("Key"), cfn_text(at->key));
    if (at->version.n)
        cfn_put(a, &in, S("VersionId"), cfn_text(at->version));
    int r = cfn_ask(call, "s3", "GetObject", &in, &out, &wrong);

    if (wrong.p)
        return INVALID("S3 error: %.*s", STR_ARG(wrong));
    if (r > 0) {
        struct str message = call->fault.message;

        return INVALID("S3 error: %.*s\nFor more information check "
                       "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
                       STR_ARG(message));
    }
    if (r < 0)
        return r;
    body = cfn_scalar(json_get(&out, "Body"));
    if (!str_unbase64(a, body, ret))
        return error_origin(EUCLEAN, "an object of S3 has no body");
    return 0;
}

int
cfn_fetch(struct api_call *call, struct str url, struct str *ret)
{
    struct cfn_location at;
    int r;

    if (!cfn_location_parse(call->arena, url, &at))
        return INVALID("TemplateURL must be a supported URL.");
    r = cfn_fetch_other ? cfn_fetch_other(call, &at, ret) : from_s3(call, &at, ret);
    if (r == 0 && ret->n > CFN_URL_BYTES_MAX)
        return INVALID("Template may not exceed %zu bytes in size.", CFN_URL_BYTES_MAX);
    return r;
}
