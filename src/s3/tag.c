/* Tags of buckets and of objects. */
#include "s3/s3.h"

static void
tell(struct api_call *call, const struct str_list *tags, struct s3_TagList *ret)
{
    assert(tags->n % 2 == 0 && !ret->n);
    API_PRESENT(ret);
    for (size_t i = 0; i + 1 < tags->n; i += 2)
        *LIST_PUSH(call->arena, ret) = (struct s3_Tag){tags->v[i], tags->v[i + 1]};
    assert(ret->n == tags->n / 2);
}

static int
set_bucket(struct api_call *call, const struct s3_bucket_row *bucket, const struct str_list *tags)
{
    struct s3_bucket_row row = *bucket;

    assert(tags->n % 2 == 0 && tags->n / 2 <= S3_TAGS_MAX);
    row.tags = *tags;
    return s3_bucket_update(call->txn, &row);
}

int
s3_put_bucket_tagging(struct api_call *call, const struct s3_PutBucketTaggingRequest *req,
                      struct s3_PutBucketTaggingResult *res)
{
    const struct s3_bucket_row *bucket;
    struct str_list tags = {0};
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketTagging", &bucket);

    (void)res;
    if (r == 0)
        r = s3_check_document(call);
    if (r == 0)
        r = s3_tags_read(call, &req->tagging->tag_set, S3_TAGS_MAX, &tags);
    return r ? r : set_bucket(call, bucket, &tags);
}

int
s3_get_bucket_tagging(struct api_call *call, const struct s3_GetBucketTaggingRequest *req,
                      struct s3_GetBucketTaggingOutput *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketTagging", &bucket);

    if (r)
        return r;
    if (!bucket->tags.n)
        return api_fault(call, &S3_ERR(NoSuchTagSet), "The TagSet does not exist");
    tell(call, &bucket->tags, &res->tag_set);
    return 0;
}

int
s3_delete_bucket_tagging(struct api_call *call, const struct s3_DeleteBucketTaggingRequest *req,
                         struct s3_DeleteBucketTaggingResult *res)
{
    static const struct str_list none = {0};
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:PutBucketTagging", &bucket);

    (void)res;
    return r ? r : set_bucket(call, bucket, &none);
}

/* ---- objects ---- */

/* Opens a version for reading or setting its tags. */
static int
open_object(struct api_call *call, struct str name, struct str key, struct str version,
            const char *action, const char *version_action, struct str *ret_version,
            const struct s3_object_row **ret)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, name, key, version.p ? version_action : action, &bucket);

    if (r == 0)
        r = s3_find(call, bucket, key, version, ret);
    if (r == 0 && s3_is_versioned(bucket))
        *ret_version = (*ret)->version;
    assert(r != 0 || !(*ret)->marker);
    return r;
}

static int
set_object(struct api_call *call, const struct s3_object_row *object, const struct str_list *tags)
{
    struct s3_object_row row = *object;

    assert(!object->marker);
    assert(tags->n % 2 == 0 && tags->n / 2 <= S3_OBJECT_TAGS_MAX);
    row.tags = *tags;
    return s3_object_update(call->txn, &row);
}

int
s3_put_object_tagging(struct api_call *call, const struct s3_PutObjectTaggingRequest *req,
                      struct s3_PutObjectTaggingOutput *res)
{
    const struct s3_object_row *object;
    struct str_list tags = {0};
    int r = open_object(call, req->bucket, req->key, req->version_id, "s3:PutObjectTagging",
                        "s3:PutObjectVersionTagging", &res->version_id, &object);

    if (r == 0)
        r = s3_check_document(call);
    if (r == 0)
        r = s3_tags_read(call, &req->tagging->tag_set, S3_OBJECT_TAGS_MAX, &tags);
    return r ? r : set_object(call, object, &tags);
}

int
s3_get_object_tagging(struct api_call *call, const struct s3_GetObjectTaggingRequest *req,
                      struct s3_GetObjectTaggingOutput *res)
{
    const struct s3_object_row *object;
    int r = open_object(call, req->bucket, req->key, req->version_id, "s3:GetObjectTagging",
                        "s3:GetObjectVersionTagging", &res->version_id, &object);

    if (r == 0)
        tell(call, &object->tags, &res->tag_set);
    return r;
}

int
s3_delete_object_tagging(struct api_call *call, const struct s3_DeleteObjectTaggingRequest *req,
                         struct s3_DeleteObjectTaggingOutput *res)
{
    static const struct str_list none = {0};
    const struct s3_object_row *object;
    int r = open_object(call, req->bucket, req->key, req->version_id, "s3:DeleteObjectTagging",
                        "s3:DeleteObjectVersionTagging", &res->version_id, &object);

    return r ? r : set_object(call, object, &none);
}
