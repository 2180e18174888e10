/* Buckets: making, finding and ending them, and whether they keep versions. */
#include "s3/s3.h"

#include "codec/aws_endpoint.h"

bool
s3_ownership_good(struct str s)
{
    return str_is(s, "BucketOwnerEnforced") || str_is(s, "BucketOwnerPreferred") ||
           str_is(s, "ObjectWriter");
}

static int
name_wrong(struct api_call *call, struct str name)
{
    struct s3_InvalidBucketName *detail = ARENA_NEW(call->arena, struct s3_InvalidBucketName);

    detail->bucket_name = name;
    return api_fault_detail(call, &S3_ERR(InvalidBucketName), detail,
                            "The specified bucket is not valid.");
}

/* us-east-1's endpoint makes buckets anywhere, others only at home. */
static int
place_of(struct api_call *call, struct str asked, struct str *ret)
{
    bool first = str_is(call->region, "us-east-1");

    assert(call->region.n > 0);
    if (str_is(asked, "EU"))
        asked = S("eu-west-1");
    if (!asked.n && call->via.p) /* CloudFormation's buckets are where its stack is */
        asked = first ? STR_NONE : call->region;
    if (!asked.n && !first)
        return api_fault(call, &S3_ERR(IllegalLocationConstraintException),
                         "The unspecified location constraint is incompatible for the region "
                         "specific endpoint this request was sent to.");
    if (str_is(asked, "us-east-1") || (asked.n && !aws_region_like(asked)))
        return api_fault(call, &S3_ERR(InvalidLocationConstraint),
                         "The specified location-constraint is not valid");
    if (!first && !str_eq(asked, call->region))
        return api_fault(call, &S3_ERR(IllegalLocationConstraintException),
                         "The %.*s location constraint is incompatible for the region specific "
                         "endpoint this request was sent to.",
                         STR_ARG(asked));
    *ret = asked.n ? asked : call->region;
    assert(aws_region_like(*ret));
    return 0;
}

static int
refuse_unreached(struct api_call *call, const struct s3_CreateBucketRequest *req)
{
    const struct s3_CreateBucketConfiguration *c = req->create_bucket_configuration;

    if (opt_bool_or(req->object_lock_enabled_for_bucket, false))
        return S3_NOT_YET(call, "object lock");
    if (c && (c->location || c->bucket))
        return S3_NOT_YET(call, "directory buckets");
    if (req->bucket_namespace.n && !str_is(req->bucket_namespace, "global"))
        return S3_NOT_YET(call, "the parameter x-amz-bucket-namespace");
    if (req->grant_full_control.p || req->grant_read.p || req->grant_read_acp.p ||
        req->grant_write.p || req->grant_write_acp.p)
        return S3_NOT_YET(call, "grants of access control lists");
    if (req->acl.n && !str_is(req->acl, "private") && req->object_ownership.n &&
        !str_is(req->object_ownership, "BucketOwnerEnforced"))
        return api_fault(call, &S3_ERR(InvalidBucketAclWithBlockPublicAccessError),
                         "Bucket cannot have public ACLs set with BlockPublicAccess enabled");
    if (req->acl.n && !str_is(req->acl, "private"))
        return api_fault(call, &S3_ERR(InvalidBucketAclWithObjectOwnership),
                         "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced "
                         "setting");
    return 0;
}

/* Names are of the whole world; in us-east-1 one's own bucket is made again without a word. */
static int
name_taken(struct api_call *call, const struct s3_bucket_row *row, bool *ret_again)
{
    bool own = str_eq(row->account, call->account);

    assert(s3_bucket_name_good(row->name));
    *ret_again = false;
    if (own && str_is(row->region, "us-east-1") && str_is(call->region, "us-east-1")) {
        *ret_again = true;
        return 0;
    }
    if (own) {
        struct s3_BucketAlreadyOwnedByYou *detail =
            ARENA_NEW(call->arena, struct s3_BucketAlreadyOwnedByYou);

        detail->bucket_name = row->name;
        return api_fault_detail(call, &S3_ERR(BucketAlreadyOwnedByYou), detail,
                                "Your previous request to create the named bucket succeeded and "
                                "you already own it.");
    }
    struct s3_BucketAlreadyExists *detail = ARENA_NEW(call->arena, struct s3_BucketAlreadyExists);

    detail->bucket_name = row->name;
    return api_fault_detail(call, &S3_ERR(BucketAlreadyExists), detail,
                            "The requested bucket name is not available. The bucket namespace is "
                            "shared by all users of the system. Please select a different name "
                            "and try again.");
}

static int
check_count(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, s3_bucket_by_account, row, call->account)
        n++;
    return n < S3_BUCKETS_MAX ? 0
                              : api_fault(call, &S3_ERR(TooManyBuckets),
                                          "You have attempted to create more buckets than allowed");
}

static int
authorize(struct api_call *call, const char *action, struct str name)
{
    const struct api_resource resource = {
        .arn = name.p ? str_cat(call->arena, S("arn:aws:s3:::"), name) : S("*")};

    return api_authorize_on(call, str_from(action), &resource, NULL);
}

int
s3_create_bucket(struct api_call *call, const struct s3_CreateBucketRequest *req,
                 struct s3_CreateBucketOutput *res)
{
    const struct s3_CreateBucketConfiguration *c = req->create_bucket_configuration;
    const struct s3_bucket_row *known;
    struct s3_bucket_row row = {
        .name = req->bucket,
        .account = call->account,
        .created_ms = call->now_ms,
        .ownership = req->object_ownership.n ? req->object_ownership : S("BucketOwnerEnforced"),
        .public_block = 15,
        .sse = S("AES256"),
        .sse_secret = s3_bucket_secret(call),
    };
    bool again = false;
    int r = authorize(call, "s3:CreateBucket", req->bucket);

    if (r == 0 && !s3_bucket_name_good(req->bucket))
        r = name_wrong(call, req->bucket);
    if (r == 0)
        r = refuse_unreached(call, req);
    if (r == 0)
        r = place_of(call, c ? c->location_constraint : STR_NONE, &row.region);
    if (r == 0 && !s3_ownership_good(row.ownership))
        r = api_fault(call, &S3_ERR(InvalidArgument), "Invalid x-amz-object-ownership header: %.*s",
                      STR_ARG(row.ownership));
    if (r == 0 && c)
        r = s3_tags_read(call, &c->tags, S3_TAGS_MAX, &row.tags);
    if (r)
        return r;
    res->location =
        str_is(row.region, "us-east-1")
            ? str_cat(call->arena, S("/"), req->bucket)
            : str_fmt(call->arena, "http://%.*s.s3.amazonaws.com/", STR_ARG(req->bucket));
    known = s3_bucket_get(call->txn, req->bucket);
    if (known) {
        r = name_taken(call, known, &again);
        if (r || again)
            return r;
    }
    r = check_count(call);
    return r ? r : s3_bucket_insert(call->txn, &row);
}

static bool
is_empty(struct txn *txn, struct str bucket)
{
    STORE_EACH(txn, s3_object_versions, row, bucket)
        return false;
    return true;
}

/* Uploads that nobody completed do not hold a bucket: they go with it. */
static int
drop_uploads(struct txn *txn, struct str bucket)
{
    int r = 0;

    assert(bucket.n > 0);
    STORE_EACH(txn, s3_upload_of_bucket, upload, bucket) {
        if (r >= 0)
            r = s3_upload_drop(txn, upload);
    }
    return r;
}

int
s3_delete_bucket(struct api_call *call, const struct s3_DeleteBucketRequest *req,
                 struct s3_DeleteBucketResult *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:DeleteBucket", &bucket);

    (void)res;
    if (r)
        return r;
    if (!is_empty(call->txn, bucket->name)) {
        struct s3_BucketNotEmpty *detail = ARENA_NEW(call->arena, struct s3_BucketNotEmpty);
        bool versions = s3_is_versioned(bucket);

        detail->bucket_name = bucket->name;
        return api_fault_detail(call, &S3_ERR(BucketNotEmpty), detail,
                                "The bucket you tried to delete is not empty%s",
                                versions ? ". You must delete all versions in the bucket." : "");
    }
    r = drop_uploads(call->txn, bucket->name);
    if (r >= 0)
        r = s3_rules_drop(call->txn, bucket->name);
    if (r >= 0)
        r = s3_notices_drop(call->txn, bucket->name);
    return r < 0 ? r : s3_bucket_delete(call->txn, bucket->name);
}

int
s3_head_bucket(struct api_call *call, const struct s3_HeadBucketRequest *req,
               struct s3_HeadBucketOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:ListBucket", &bucket);

    if (r)
        return r;
    res->bucket_region = bucket->region;
    res->access_point_alias = opt_bool(false);
    res->bucket_arn = str_cat(call->arena, S("arn:aws:s3:::"), bucket->name);
    return 0;
}

int
s3_list_buckets(struct api_call *call, const struct s3_ListBucketsRequest *req,
                struct s3_ListBucketsOutput *res)
{
    struct store_cursor c = store_seek(call->txn, &s3_bucket_by_account, STORE_KEYS(call->account));
    int64_t max = opt_i64_or(req->max_buckets, S3_BUCKETS_MAX);
    const struct s3_bucket_row *row;
    struct str after;
    int r = authorize(call, "s3:ListAllMyBuckets", STR_NONE);

    if (r)
        return r;
    if (max < 1 || max > S3_BUCKETS_MAX)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Argument max-buckets must be an integer between 1 and 10000");
    if (req->continuation_token.n) {
        if (!str_unbase64(call->arena, req->continuation_token, &after))
            return api_fault(call, &S3_ERR(InvalidArgument),
                             "The continuation token provided is incorrect");
        store_after(&c, STORE_KEYS(after));
    }
    API_PRESENT(&res->buckets);
    res->owner = s3_owner(call, call->account);
    res->prefix = req->prefix;
    while ((row = s3_bucket_by_account_next(&c))) {
        if (!str_starts(row->name, req->prefix) ||
            (req->bucket_region.n && !str_eq(row->region, req->bucket_region)))
            continue;
        if ((int64_t)res->buckets.n == max) {
            res->continuation_token =
                str_base64(call->arena, res->buckets.v[res->buckets.n - 1].name);
            break;
        }
        assert(str_eq(row->account, call->account));
        *LIST_PUSH(call->arena, &res->buckets) = (struct s3_Bucket){
            .name = row->name,
            .creation_date = opt_i64(row->created_ms),
            .bucket_arn = str_cat(call->arena, S("arn:aws:s3:::"), row->name),
            /* told to who asked for pages or a region only */
            .bucket_region = req->max_buckets.set || req->bucket_region.n ? row->region : STR_NONE,
        };
    }
    assert((int64_t)res->buckets.n <= max);
    return 0;
}

/* us-east-1 has an empty name here: it was there before there were others. */
int
s3_get_bucket_location(struct api_call *call, const struct s3_GetBucketLocationRequest *req,
                       struct s3_GetBucketLocationOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketLocation", &bucket);

    if (r)
        return r;
    bool first = str_is(bucket->region, "us-east-1");

    res->content_type = S("application/xml");
    res->document =
        str_fmt(call->arena,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"%s\"%s"
                "%.*s%s",
                s3_service.xmlns, first ? "/>" : ">", STR_ARG(first ? S("") : bucket->region),
                first ? "" : "</LocationConstraint>");
    return 0;
}

int
s3_get_bucket_versioning(struct api_call *call, const struct s3_GetBucketVersioningRequest *req,
                         struct s3_GetBucketVersioningOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketVersioning", &bucket);

    if (r == 0 && bucket->versioning.n)
        res->status = bucket->versioning;
    return r;
}

int
s3_put_bucket_versioning(struct api_call *call, const struct s3_PutBucketVersioningRequest *req,
                         struct s3_PutBucketVersioningResult *res)
{
    const struct s3_VersioningConfiguration *want = req->versioning_configuration;
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketVersioning", &bucket);

    (void)res;
    if (r)
        return r;
    if (req->mfa.n || str_is(want->mfa_delete, "Enabled"))
        return S3_NOT_YET(call, "MFA delete");
    if (!want->status.p)
        return api_fault(call, &S3_ERR(IllegalVersioningConfigurationException),
                         "The Versioning element must be specified");
    if (!str_is(want->status, "Enabled") && !str_is(want->status, "Suspended"))
        return api_fault(call, &S3_ERR(MalformedXML),
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema");
    struct s3_bucket_row row = *bucket;

    assert(str_eq(bucket->name, req->bucket));
    row.versioning = want->status;
    return s3_bucket_update(call->txn, &row);
}
