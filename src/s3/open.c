/*
 * A bucket is found before anything is asked, because whose it is decides what policies say; what
 * is not there is told only to who might have used it.
 */
#include "s3/holds.h"

static int
no_bucket(struct api_call *call, struct str name)
{
    struct s3_NoSuchBucket *detail = ARENA_NEW(call->arena, struct s3_NoSuchBucket);

    detail->bucket_name = name;
    return api_fault_detail(call, &S3_ERR(NoSuchBucket), detail,
                            "The specified bucket does not exist");
}

static struct api_resource
resource_of(struct api_call *call, struct str name, const struct s3_bucket_row *bucket,
            struct str key)
{
    struct api_resource resource = {.policy_kind = POLICY_RESOURCE};

    assert(!bucket || str_eq(bucket->name, name));
    resource.arn = str_fmt(call->arena, "arn:aws:s3:::%.*s%s%.*s", STR_ARG(name), key.p ? "/" : "",
                           STR_ARG(key));
    if (bucket) {
        resource.account = bucket->account;
        /* of a bucket that is restricted a public policy counts for its own account alone */
        bool cut = bucket->policy_public && s3_blocks(bucket, S3_RESTRICT) &&
                   !str_eq(bucket->account, call->account);

        resource.policy = cut ? S("") : bucket->policy;
    }
    return resource;
}

/* The root of a bucket's account can always mend its policy. */
static bool
may_mend(const struct api_call *call, const struct s3_bucket_row *bucket, const char *action)
{
    return call->principal.kind == POLICY_ROOT && str_eq(call->account, bucket->account) &&
           (str_is(str_from(action), "s3:PutBucketPolicy") ||
            str_is(str_from(action), "s3:GetBucketPolicy") ||
            str_is(str_from(action), "s3:DeleteBucketPolicy"));
}

int
s3_may(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
       const char *action)
{
    const struct api_resource resource = resource_of(call, bucket->name, bucket, key);

    assert(str_starts(str_from(action), S("s3:")));
    if (may_mend(call, bucket, action))
        return 0;
    return api_authorize_on(call, str_from(action), &resource, NULL);
}

bool
s3_allowed(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
           const char *action)
{
    const struct api_resource resource = resource_of(call, bucket->name, bucket, key);

    assert(str_starts(str_from(action), S("s3:")));
    return api_may(call, str_from(action), &resource, NULL);
}

/*
 * Buckets are used where they are; their place may be asked for from anywhere.  Who signs nothing
 * names no region.
 */
static int
check_region(struct api_call *call, const struct s3_bucket_row *bucket)
{
    if (call->principal.kind == POLICY_ANONYMOUS)
        call->region = bucket->region;
    if (str_eq(bucket->region, call->region) ||
        str_is(api_op_name(call->service, call->op), "GetBucketLocation"))
        return 0;
    struct s3_PermanentRedirect *detail = ARENA_NEW(call->arena, struct s3_PermanentRedirect);

    detail->bucket = bucket->name;
    detail->bucket_region = bucket->region;
    detail->endpoint = str_fmt(call->arena, "%.*s.s3.%.*s.amazonaws.com", STR_ARG(bucket->name),
                               STR_ARG(bucket->region));
    return api_fault_detail(call, &S3_ERR(PermanentRedirect), detail,
                            "The bucket you are attempting to access must be addressed using the "
                            "specified endpoint. Please send all future requests to this "
                            "endpoint.");
}

int
s3_wrong_argument(struct api_call *call, const char *name, struct str value, const char *text)
{
    struct s3_InvalidArgument *detail = ARENA_NEW(call->arena, struct s3_InvalidArgument);

    detail->argument_name = str_from(name);
    detail->argument_value = value;
    return api_fault_detail(call, &S3_ERR(InvalidArgument), detail, "%s", text);
}

int
s3_check_key(struct api_call *call, struct str key)
{
    if (key.n <= S3_KEY_BYTES_MAX)
        return 0;
    struct s3_KeyTooLongError *detail = ARENA_NEW(call->arena, struct s3_KeyTooLongError);

    detail->size = opt_i64((int64_t)key.n);
    detail->max_size_allowed = opt_i64(S3_KEY_BYTES_MAX);
    return api_fault_detail(call, &S3_ERR(KeyTooLongError), detail, "Your key is too long");
}

int
s3_open(struct api_call *call, struct str name, struct str key, const char *action,
        const struct s3_bucket_row **ret)
{
    const struct s3_bucket_row *bucket = s3_bucket_get(call->txn, name);
    struct str owner = s3_asked(call, "ExpectedBucketOwner");
    int r = s3_check_key(call, key);

    assert(str_starts(str_from(action), S("s3:")));
    if (r)
        return r;
    if (!bucket) {
        const struct api_resource resource = resource_of(call, name, NULL, key);

        r = api_authorize_on(call, str_from(action), &resource, NULL);
        return r ? r : no_bucket(call, name);
    }
    s3_bucket_assert(bucket);
    r = s3_may(call, bucket, key, action);
    if (r == 0 && owner.n && !str_eq(owner, bucket->account))
        r = api_fault(call, &S3_ERR(AccessDenied), "Access Denied");
    if (r == 0)
        r = check_region(call, bucket);
    if (r == 0)
        *ret = bucket;
    assert(r != 0 || *ret == bucket);
    return r;
}

/* ---- objects ---- */

static int
no_key(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
       const struct s3_object_row *marker)
{
    struct s3_NoSuchKey *detail = ARENA_NEW(call->arena, struct s3_NoSuchKey);
    /* who may not list is not told what is missing */
    int r = s3_may(call, bucket, STR_NONE, "s3:ListBucket");

    assert(!marker || marker->marker);
    if (r)
        return r;
    detail->key = key;
    r = api_fault_detail(call, &S3_ERR(NoSuchKey), detail, "The specified key does not exist.");
    if (marker) {
        detail->delete_marker = opt_bool(true);
        detail->version_id = marker->version;
    }
    return r;
}

static int
is_marker(struct api_call *call, const struct s3_object_row *row)
{
    struct s3_MethodNotAllowed *detail = ARENA_NEW(call->arena, struct s3_MethodNotAllowed);

    assert(row->marker);
    *detail = (struct s3_MethodNotAllowed){.method = call->request ? call->request->http.method
                                                                   : S("GET"),
                                           .resource_type = S("DeleteMarker"),
                                           .allow = S("DELETE"),
                                           .delete_marker = opt_bool(true),
                                           .version_id = row->version};
    return api_fault_detail(call, &S3_ERR(MethodNotAllowed), detail,
                            "The specified method is not allowed against this resource.");
}

int
s3_find(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
        struct str version, const struct s3_object_row **ret)
{
    const struct s3_object_row *row;

    if (!version.p) {
        row = s3_latest(call->txn, bucket->name, key);
        if (!row || row->marker)
            return no_key(call, bucket, key, row);
        s3_object_assert(row);
        *ret = row;
        return 0;
    }
    if (!version.n)
        return api_fault(call, &S3_ERR(InvalidArgument), "Version id cannot be the empty string");
    row = s3_object_by_version_get(call->txn, bucket->name, key, version);
    if (!row && !str_is(version, "null") && version.n != S3_VERSION_BYTES)
        return api_fault(call, &S3_ERR(InvalidArgument), "Invalid version id specified");
    if (!row) {
        struct s3_NoSuchVersion *detail = ARENA_NEW(call->arena, struct s3_NoSuchVersion);

        *detail = (struct s3_NoSuchVersion){.key = key, .version_id = version};
        return api_fault_detail(call, &S3_ERR(NoSuchVersion), detail,
                                "The specified version does not exist.");
    }
    if (row->marker)
        return is_marker(call, row);
    *ret = row;
    return 0;
}
