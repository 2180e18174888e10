/* Copies: new rows for bytes that stay where they are, and new wraps of their keys. */
#include "s3/s3.h"

#include "codec/uri.h"

#define COPY_MAX_BYTES ((int64_t)5 << 30)
#define SUM_AT_ONCE ((size_t)256 << 10)

/* "/bucket/key?versionId=v", coded. */
static bool
parse_source(struct api_call *call, struct str text, struct str *bucket, struct str *key,
             struct str *version)
{
    struct str query = text, path = str_split(&query, '?');

    *version = STR_NONE;
    if (query.p && str_starts(query, S("versionId=")))
        *version = str_cut(query, 10, query.n);
    else if (query.p)
        path = text; /* a '?' of the key's own */
    if (str_starts(path, S("/")))
        path = str_cut(path, 1, path.n);
    if (!uri_decode(call->arena, path, URI_LENIENT, &path) || !str_is_utf8(path))
        return false;
    *bucket = str_split(&path, '/');
    *key = path;
    return bucket->n && path.n;
}

/* The object that is copied, of which the caller may have the bytes. */
static int
open_source(struct api_call *call, const struct s3_bucket_row **ret_bucket,
            const struct s3_object_row **ret, struct s3_wrapping *ret_wrapping)
{
    struct str name, key, version, owner = s3_asked(call, "ExpectedSourceBucketOwner");

    if (!parse_source(call, s3_asked(call, "CopySource"), &name, &key, &version))
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Copy Source must mention the source bucket and key: "
                         "sourcebucket/sourcekey");
    const struct s3_bucket_row *bucket = s3_bucket_get(call->txn, name);
    int r;

    if (!bucket) {
        struct s3_NoSuchBucket *detail = ARENA_NEW(call->arena, struct s3_NoSuchBucket);

        detail->bucket_name = name;
        return api_fault_detail(call, &S3_ERR(NoSuchBucket), detail,
                                "The specified bucket does not exist");
    }
    r = s3_may(call, bucket, key, version.p ? "s3:GetObjectVersion" : "s3:GetObject");
    if (r == 0 && owner.n && !str_eq(owner, bucket->account))
        r = api_fault(call, &S3_ERR(AccessDenied), "Access Denied");
    if (r == 0)
        r = s3_find(call, bucket, key, version, ret);
    if (r == 0)
        r = s3_unlock(call, "CopySource", *ret, ret_wrapping);
    if (r == 0 &&
        (str_is((*ret)->storage_class, "GLACIER") || str_is((*ret)->storage_class, "DEEP_ARCHIVE")))
        r = api_fault(call, &S3_ERR(InvalidObjectState),
                      "Operation is not valid for the source object's storage class");
    *ret_bucket = bucket;
    return r;
}

/* One that changes nothing is refused. */
static int
check_self(struct api_call *call, const struct s3_CopyObjectRequest *req,
           const struct s3_bucket_row *bucket, const struct s3_object_row *source)
{
    bool same = str_eq(bucket->name, source->bucket) && str_eq(req->key, source->object_key) &&
                source->latest;

    if (!same || str_is(req->metadata_directive, "REPLACE") || req->storage_class.n ||
        req->website_redirect_location.n || req->server_side_encryption.n ||
        req->sse_customer_algorithm.n || req->checksum_algorithm.n)
        return 0;
    return api_fault(call, &S3_ERR(InvalidRequest),
                     "This copy request is illegal because it is trying to copy an object to "
                     "itself without changing the object's metadata, storage class, website "
                     "redirect location or encryption attributes.");
}

static int
take_description(struct api_call *call, const struct s3_CopyObjectRequest *req,
                 const struct s3_bucket_row *from, const struct s3_object_row *source,
                 const struct s3_bucket_row *bucket, struct s3_object_row *row,
                 struct s3_wrapping *ret)
{
    int r = s3_describe(call, bucket, row, ret);

    if (r)
        return r;
    if (req->metadata_directive.n && !str_is(req->metadata_directive, "COPY") &&
        !str_is(req->metadata_directive, "REPLACE"))
        return api_fault(call, &S3_ERR(InvalidArgument), "Unknown metadata directive.");
    if (!str_is(req->metadata_directive, "REPLACE"))
        row->headers = source->headers;
    if (str_is(req->tagging_directive, "REPLACE"))
        return 0;
    row->tags = source->tags;
    if (!row->tags.n)
        return 0;
    r = s3_may(call, from, source->object_key, "s3:GetObjectTagging");
    return r ? r : s3_may(call, bucket, row->object_key, "s3:PutObjectTagging");
}

/* Of one that came in parts the sum of all is known for one kind. */
static int
take_sums(struct api_call *call, struct str asked, const struct s3_object_row *source,
          struct s3_object_row *row)
{
    bool whole = str_is(source->checksum_type, "FULL_OBJECT");

    row->crc64 = source->crc64;
    row->checksum_type = S("FULL_OBJECT");
    if (asked.n && !str_is(asked, "CRC64NVME") && !(whole && str_eq(asked, source->checksum_kind)))
        return S3_NOT_YET(call, "another checksum algorithm for a copy");
    if (whole && (!asked.n || str_eq(asked, source->checksum_kind))) {
        row->checksum_kind = source->checksum_kind;
        row->checksum = source->checksum;
    } else {
        row->checksum_kind = S("CRC64NVME");
        row->checksum = str_base64(call->arena, source->crc64);
    }
    bool digest = str_is(source->sse, "AES256") && source->etag.n == (size_t)2 * MD5_LEN;
    struct str md5;

    if (digest && str_unhex(call->arena, source->etag, &md5))
        row->etag = s3_etag(call, row->sse, (const uint8_t *)md5.p);
    else
        row->etag = s3_etag(call, S(""), NULL);
    return 0;
}

int
s3_copy_object(struct api_call *call, const struct s3_CopyObjectRequest *req,
               struct s3_CopyObjectOutput *res)
{
    const struct s3_bucket_row *from, *bucket;
    const struct s3_object_row *source;
    struct s3_object_row row = {.bucket = req->bucket, .object_key = req->key};
    struct s3_wrapping *wrapping = ARENA_ARRAY(call->arena, struct s3_wrapping, 2);
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0)
        r = open_source(call, &from, &source, &wrapping[0]);
    if (r == 0)
        r = s3_check_source(call, req->copy_source_if_match, req->copy_source_if_none_match,
                            req->copy_source_if_modified_since,
                            req->copy_source_if_unmodified_since, source);
    if (r == 0)
        r = check_self(call, req, bucket, source);
    if (r == 0 && source->size > COPY_MAX_BYTES)
        r = api_fault(call, &S3_ERR(InvalidRequest),
                      "The specified copy source is larger than the maximum allowable size for a "
                      "copy source: %lld",
                      (long long)COPY_MAX_BYTES);
    if (r == 0)
        r = take_description(call, req, from, source, bucket, &row, &wrapping[1]);
    if (r == 0)
        r = take_sums(call, req->checksum_algorithm, source, &row);
    if (r == 0)
        r = s3_check_write(call, bucket, req->key);
    if (r)
        return r;
    const struct s3_bytes old = s3_bytes_of(source, &wrapping[0]);
    struct s3_bytes bytes = s3_bytes_of(&row, &wrapping[1]);

    res->copy_source_version_id = s3_is_versioned(from) ? source->version : STR_NONE;
    /* before the old version goes, which may be the source */
    r = s3_bytes_copy(call, &old, 0, (uint64_t)source->size, false, &bytes);
    s3_bytes_into(&bytes, &row);
    if (r == 0)
        r = s3_version_add(call, bucket, &row);
    if (r == 0)
        r = s3_tell(call, bucket, &row, "ObjectCreated:Copy");
    if (r)
        return r;
    res->copy_object_result = ARENA_NEW(call->arena, struct s3_CopyObjectResult);
    res->copy_object_result->e_tag = s3_quoted(call->arena, row.etag);
    res->copy_object_result->last_modified = opt_i64(row.modified_ms);
    s3_tell_checksum(S3_SHAPE_CopyObjectResult, res->copy_object_result, &row);
    if (s3_is_versioned(bucket))
        res->version_id = row.version;
    s3_tell_encryption(call, call->op->output, &row, res);
    return 0;
}

/* ---- UploadPartCopy ---- */

static int
range_of(struct api_call *call, struct str text, const struct s3_object_row *source,
         struct s3_range *ret)
{
    uint64_t size = (uint64_t)source->size;
    struct str last = text;

    *ret = (struct s3_range){.bytes = size, .possible = true};
    if (!text.n)
        return 0;
    str_split(&last, '-');
    if (!last.n || str_starts(text, S("bytes=-")) || !s3_range_parse(text, UINT64_MAX, ret))
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "The x-amz-copy-source-range value must be of the form bytes=first-last "
                         "where first and last are the zero-based offsets of the first and last "
                         "bytes to copy");
    return ret->from + ret->bytes <= size
               ? 0
               : api_fault(call, &S3_ERR(InvalidArgument),
                           "Range specified is not valid for source object of size: %llu",
                           (unsigned long long)size);
}

/* Sums of a part have to be made of its bytes. */
static int
sum_bytes(struct api_call *call, const struct s3_bytes *source, const struct s3_range *range,
          enum checksum_kind kind, struct s3_part_row *part)
{
    uint8_t *md5 = arena_alloc(call->arena, MD5_LEN), *crc64 = arena_alloc(call->arena, 8);
    uint8_t *sum = arena_alloc(call->arena, CHECKSUM_MAX_BYTES);
    struct crypto_hash *hash = crypto_hash_new(CRYPTO_MD5);
    struct api_stream *stream = NULL;
    struct checksum own, all;
    struct str some = {.p = arena_alloc_raw(call->arena, SUM_AT_ONCE)};
    ssize_t n = 0;
    int r;

    checksum_begin(&own, kind);
    checksum_begin(&all, CHECKSUM_CRC64NVME);
    if (source->pieces.n) {
        r = s3_bytes_stream(call, source, range->from, range->bytes, &stream);
    } else {
        r = s3_bytes_open(call, source, &some);
        some = str_cut(some, (size_t)range->from, (size_t)(range->from + range->bytes));
        n = (ssize_t)some.n;
    }
    while (r == 0 &&
           (n > 0 || (stream && (n = api_stream_read(stream, (char *)some.p, SUM_AT_ONCE)) > 0))) {
        crypto_hash_add(hash, some.p, (size_t)n);
        checksum_add(&own, some.p, (size_t)n);
        checksum_add(&all, some.p, (size_t)n);
        n = 0;
    }
    crypto_hash_end(hash, md5);
    crypto_hash_free(hash);
    checksum_end(&own, sum);
    checksum_end(&all, crc64);
    part->md5 = str_of(md5, MD5_LEN);
    part->crc64 = str_of(crc64, 8);
    part->checksum = str_of(sum, checksum_bytes(kind));
    return r ? r : (int)MIN(n, 0);
}

/* The part of an upload, of bytes that are there. */
static int
take_range(struct api_call *call, const struct s3_upload_row *upload, const struct s3_bytes *source,
           const struct s3_range *range, struct s3_part_row *part)
{
    const struct s3_object_row object = s3_upload_object(upload);
    struct s3_wrapping *wrapping = ARENA_NEW(call->arena, struct s3_wrapping);
    struct s3_bytes bytes = s3_bytes_of(&object, wrapping);
    int r = s3_unlock(call, "", &object, wrapping);

    if (r == 0 && str_is(object.sse, "AES256"))
        r = s3_bucket_seal(call, s3_bucket_get(call->txn, upload->bucket), wrapping);
    if (r == 0)
        r = sum_bytes(call, source, range, checksum_find(upload->checksum_kind), part);
    if (r == 0)
        r = s3_bytes_copy(call, source, range->from, range->bytes, true, &bytes);
    s3_part_hold(&bytes, part);
    return r;
}

int
s3_upload_part_copy(struct api_call *call, const struct s3_UploadPartCopyRequest *req,
                    struct s3_UploadPartCopyOutput *res)
{
    const struct s3_bucket_row *from, *bucket;
    const struct s3_object_row *source;
    const struct s3_upload_row *upload;
    struct s3_wrapping *wrapping = ARENA_NEW(call->arena, struct s3_wrapping);
    struct s3_part_row part = {0};
    struct s3_bytes bytes;
    struct s3_range range;
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0)
        r = s3_upload_find(call, bucket, req->key, req->upload_id, &upload);
    if (r == 0)
        r = open_source(call, &from, &source, wrapping);
    if (r == 0)
        r = s3_check_source(call, req->copy_source_if_match, req->copy_source_if_none_match,
                            req->copy_source_if_modified_since,
                            req->copy_source_if_unmodified_since, source);
    if (r == 0)
        r = range_of(call, req->copy_source_range, source, &range);
    if (r == 0 && (int64_t)range.bytes > COPY_MAX_BYTES)
        r = api_fault(call, &S3_ERR(EntityTooLarge),
                      "Your proposed upload exceeds the maximum allowed size");
    if (r)
        return r;
    bytes = s3_bytes_of(source, wrapping);
    r = take_range(call, upload, &bytes, &range, &part);
    if (r == 0)
        r = s3_part_put(call, upload, opt_i64_or(req->part_number, 0), &part);
    if (r)
        return r;
    res->copy_source_version_id = s3_is_versioned(from) ? source->version : STR_NONE;
    res->copy_part_result = ARENA_NEW(call->arena, struct s3_CopyPartResult);
    res->copy_part_result->e_tag = s3_quoted(call->arena, part.etag);
    res->copy_part_result->last_modified = opt_i64(part.modified_ms);
    s3_say(S3_SHAPE_CopyPartResult, res->copy_part_result,
           str_fmt(call->arena, "Checksum%.*s", STR_ARG(upload->checksum_kind)).p,
           str_base64(call->arena, part.checksum));
    return 0;
}
