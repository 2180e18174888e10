/* Deleting: a version for good, or, where versions are kept, the key behind a marker. */
#include "s3/s3.h"

struct deleted {
    struct str version; /* that is gone, or of the marker that was made; p NULL: of none */
    bool marker;        /* it is or was one */
};

/* A marker in front of all versions. */
static int
hide(struct api_call *call, const struct s3_bucket_row *bucket, struct str key, struct deleted *ret)
{
    struct s3_object_row row = {.object_key = key, .marker = true};
    int r = s3_version_add(call, bucket, &row);

    assert(s3_is_versioned(bucket));
    *ret = (struct deleted){row.version, true};
    assert(r || (row.latest && row.version.n));
    return r ? r : s3_tell(call, bucket, &row, "ObjectRemoved:DeleteMarkerCreated");
}

static int
delete_one(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
           struct str version, struct deleted *ret)
{
    const struct s3_object_row *row;

    assert(key.n > 0 && key.n <= S3_KEY_BYTES_MAX);
    *ret = (struct deleted){version, false};
    if (!version.p && s3_is_versioned(bucket))
        return hide(call, bucket, key, ret);
    row = version.p ? s3_object_by_version_get(call->txn, bucket->name, key, version)
                    : s3_latest(call->txn, bucket->name, key);
    if (!row && version.p && !str_is(version, "null") && version.n != S3_VERSION_BYTES)
        return api_fault(call, &S3_ERR(InvalidArgument), "Invalid version id specified");
    if (!row)
        return 0;
    assert(str_eq(row->bucket, bucket->name) && str_eq(row->object_key, key));
    ret->marker = row->marker;
    int r = s3_version_remove(call->txn, row);

    return r ? r : s3_tell(call, bucket, row, "ObjectRemoved:Delete");
}

int
s3_delete_object(struct api_call *call, const struct s3_DeleteObjectRequest *req,
                 struct s3_DeleteObjectOutput *res)
{
    const struct s3_bucket_row *bucket;
    struct deleted deleted;
    int r = s3_open(call, req->bucket, req->key,
                    req->version_id.p ? "s3:DeleteObjectVersion" : "s3:DeleteObject", &bucket);

    if (r == 0 && req->mfa.n)
        r = S3_NOT_YET(call, "MFA delete");
    if (r == 0 && (req->if_match_last_modified_time.set || req->if_match_size.set))
        r = S3_NOT_YET(call, "the conditions of directory buckets");
    if (r == 0 && req->if_match.p)
        r = s3_check_write(call, bucket, req->key);
    if (r == 0)
        r = delete_one(call, bucket, req->key, req->version_id, &deleted);
    if (r)
        return r;
    res->version_id = deleted.version;
    assert(!deleted.marker || deleted.version.p || !s3_is_versioned(bucket));
    if (deleted.marker)
        res->delete_marker = opt_bool(true);
    return 0;
}

static int
delete_of_many(struct api_call *call, const struct s3_bucket_row *bucket, bool quiet,
               const struct s3_ObjectIdentifier *o, struct s3_DeleteObjectsOutput *res)
{
    size_t mark = store_savepoint(call->txn);
    struct deleted deleted;
    int r = s3_may(call, bucket, o->key,
                   o->version_id.p ? "s3:DeleteObjectVersion" : "s3:DeleteObject");

    if (r == 0)
        r = s3_check_key(call, o->key);
    if (r == 0 && (o->e_tag.p || o->last_modified_time.set || o->size.set))
        r = S3_NOT_YET(call, "conditions of DeleteObjects");
    if (r == 0)
        r = delete_one(call, bucket, o->key, o->version_id, &deleted);
    if (r > 0) {
        store_rollback_to(call->txn, mark);
        assert(call->fault.code.n > 0);
        *LIST_PUSH(call->arena, &res->errors) = (struct s3_Error){.key = o->key,
                                                                  .version_id = o->version_id,
                                                                  .code = call->fault.code,
                                                                  .message = call->fault.message};
    } else if (r == 0 && !quiet) {
        struct s3_DeletedObject *told = LIST_PUSH(call->arena, &res->deleted);

        told->key = o->key;
        told->version_id = o->version_id;
        if (deleted.marker) {
            told->delete_marker = opt_bool(true);
            told->delete_marker_version_id = deleted.version;
        }
    }
    return MIN(r, 0);
}

int
s3_delete_objects(struct api_call *call, const struct s3_DeleteObjectsRequest *req,
                  struct s3_DeleteObjectsOutput *res)
{
    const struct s3_bucket_row *bucket = s3_bucket_get(call->txn, req->bucket);
    bool quiet = opt_bool_or(req->delete->quiet, false);
    int r = s3_check_document(call);

    /* each key is asked for; the bucket as such is not, but it must be there */
    if (r == 0 &&
        (!bucket || !str_eq(bucket->region, call->region) || req->expected_bucket_owner.n))
        r = s3_open(call, req->bucket, STR_NONE, "s3:DeleteObject", &bucket);
    if (r == 0 && req->mfa.n)
        r = S3_NOT_YET(call, "MFA delete");
    if (r)
        return r;
    if (!req->delete->objects.n || req->delete->objects.n > S3_LIST_MAX)
        return api_fault(call, &S3_ERR(MalformedXML),
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema");
    assert(bucket && str_eq(bucket->region, call->region));
    LIST_EACH(&req->delete->objects, o) {
        if (r == 0)
            r = delete_of_many(call, bucket, quiet, o, res);
    }
    assert(res->errors.n + res->deleted.n <= req->delete->objects.n);
    return r;
}
