/* Uploads in parts: beginning, parts, looking and giving up. */
#include "s3/holds.h"

#include "codec/uri.h"

/* What an upload says of the object that it will be. */
struct s3_object_row
s3_upload_object(const struct s3_upload_row *upload)
{
    return (struct s3_object_row){.object_key = upload->object_key,
                                  .headers = upload->headers,
                                  .tags = upload->tags,
                                  .storage_class = upload->storage_class,
                                  .checksum_kind = upload->checksum_kind,
                                  .checksum_type = upload->checksum_type,
                                  .sse = upload->sse,
                                  .sse_key = upload->sse_key,
                                  .sse_blob = upload->sse_blob,
                                  .sse_bucket_key = upload->sse_bucket_key,
                                  .sse_c = upload->sse_c};
}

/* ---- CreateMultipartUpload ---- */

static int
sums_of(struct api_call *call, const struct s3_CreateMultipartUploadRequest *req,
        struct s3_upload_row *row)
{
    struct str name = req->checksum_algorithm.n ? req->checksum_algorithm : S("CRC64NVME");
    enum checksum_kind kind = checksum_find(name);
    bool whole = kind == CHECKSUM_CRC64NVME;

    if (!kind)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "Checksum algorithm provided is unsupported. Please try again with any of "
                         "the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    row->checksum_kind = str_from(checksum_name(kind));
    row->checksum_type = req->checksum_type.n ? req->checksum_type
                         : whole              ? S("FULL_OBJECT")
                                              : S("COMPOSITE");
    if ((whole && str_is(row->checksum_type, "COMPOSITE")) ||
        (!checksum_is_crc(kind) && str_is(row->checksum_type, "FULL_OBJECT")))
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "The %.*s checksum type cannot be used with the %.*s checksum algorithm.",
                         STR_ARG(row->checksum_type),
                         STR_ARG(str_lower(call->arena, row->checksum_kind)));
    assert(checksum_find(row->checksum_kind) == kind && row->checksum_type.n);
    return 0;
}

int
s3_create_multipart_upload(struct api_call *call, const struct s3_CreateMultipartUploadRequest *req,
                           struct s3_CreateMultipartUploadOutput *res)
{
    const struct s3_bucket_row *bucket;
    struct s3_object_row object = {.object_key = req->key};
    struct s3_upload_row row = {.object_key = req->key, .created_ms = call->now_ms};
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0)
        r = s3_describe(call, bucket, &object);
    if (r == 0)
        r = sums_of(call, req, &row);
    if (r)
        return r;
    row.id = s3_random(call, S3_UPLOAD_ID_BYTES);
    row.bucket = bucket->name;
    row.initiator = call->principal_arn;
    row.headers = object.headers;
    row.tags = object.tags;
    row.storage_class = object.storage_class;
    row.sse = object.sse;
    row.sse_key = object.sse_key;
    row.sse_blob = object.sse_blob;
    row.sse_bucket_key = object.sse_bucket_key;
    row.sse_c = object.sse_c;
    res->bucket = req->bucket;
    res->key = req->key;
    res->upload_id = row.id;
    if (req->checksum_algorithm.n) {
        res->checksum_algorithm = row.checksum_kind;
        res->checksum_type = row.checksum_type;
    }
    s3_tell_encryption(call, call->op->output, &object, res);
    return s3_upload_insert(call->txn, &row);
}

/* ---- parts ---- */

int
s3_upload_find(struct api_call *call, const struct s3_bucket_row *bucket, struct str key,
               struct str id, const struct s3_upload_row **ret)
{
    const struct s3_upload_row *row = s3_upload_get(call->txn, id);

    if (row && str_eq(row->bucket, bucket->name) && str_eq(row->object_key, key)) {
        s3_upload_assert(row);
        *ret = row;
        return 0;
    }
    struct s3_NoSuchUpload *detail = ARENA_NEW(call->arena, struct s3_NoSuchUpload);

    detail->upload_id = id;
    return api_fault_detail(call, &S3_ERR(NoSuchUpload), detail,
                            "The specified upload does not exist. The upload ID may be invalid, or "
                            "the upload may have been aborted or completed.");
}

static struct str
part_id(struct arena *a, struct str upload, int64_t number)
{
    assert(number >= 1 && number <= S3_PARTS_MAX);
    return str_fmt(a, "%.*s/%05lld", STR_ARG(upload), (long long)number);
}

static int
remove_part(struct txn *txn, const struct s3_part_row *part)
{
    int r = s3_pieces_release(txn, &part->pieces);

    return r < 0 ? r : s3_part_delete(txn, part->id);
}

int
s3_part_put(struct api_call *call, const struct s3_upload_row *upload, int64_t number,
            struct s3_part_row *part)
{
    const struct s3_part_row *old;
    int r = 0;

    if (number < 1 || number > S3_PARTS_MAX)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Part number must be an integer between 1 and 10000, inclusive");
    assert(part->md5.n == MD5_LEN && part->crc64.n == 8);
    part->id = part_id(call->arena, upload->id, number);
    part->upload = upload->id;
    part->number = number;
    part->modified_ms = call->now_ms;
    part->etag = s3_etag(call, upload->sse, (const uint8_t *)part->md5.p);
    s3_part_assert(part);
    old = s3_part_get(call->txn, part->id);
    if (old)
        r = remove_part(call->txn, old);
    return r < 0 ? r : s3_part_insert(call->txn, part);
}

/* The part's own sum is of the upload's kind, or it has none. */
static int
check_kind(struct api_call *call, const struct s3_upload_row *upload)
{
    struct str kind = str_from(checksum_name(call->upload->kind));

    if (!kind.n || str_eq(kind, upload->checksum_kind) ||
        str_is(upload->checksum_kind, "CRC64NVME"))
        return 0;
    return api_fault(call, &S3_ERR(InvalidRequest),
                     "Checksum Type mismatch occurred, expected checksum Type: %.*s, actual "
                     "checksum Type: %.*s",
                     STR_ARG(str_lower(call->arena, upload->checksum_kind)),
                     STR_ARG(str_lower(call->arena, kind)));
}

/* Parts are made an object by their blobs alone, so even a small one is one. */
static int
take_bytes(struct api_call *call, const struct s3_upload_row *upload, struct s3_part_row *part)
{
    const struct api_upload *u = call->upload;
    struct s3_object_row object = {0};
    enum checksum_kind kind = checksum_find(upload->checksum_kind);
    int r;

    part->size = (int64_t)u->bytes;
    part->md5 = str_of(u->md5, MD5_LEN);
    part->crc64 = str_of(u->crc64, sizeof(u->crc64));
    part->checksum = kind == CHECKSUM_CRC64NVME ? part->crc64
                     : u->kind == kind          ? str_of(u->checksum, checksum_bytes(kind))
                                                : STR_NONE;
    if (!u->in_blob)
        return s3_blob_of(call, buf_str(&u->data), &part->pieces);
    r = s3_pieces_take(call, &object);
    part->pieces = object.pieces;
    return r;
}

int
s3_upload_part(struct api_call *call, const struct s3_UploadPartRequest *req,
               struct s3_UploadPartOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_upload_row *upload;
    struct s3_part_row part = {0};
    struct s3_object_row object;
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0)
        r = s3_upload_find(call, bucket, req->key, req->upload_id, &upload);
    if (r)
        return r;
    object = s3_upload_object(upload);
    r = s3_customer_check(call, "", &object);
    if (r == 0)
        r = s3_check_digests(call);
    if (r == 0)
        r = check_kind(call, upload);
    if (r == 0)
        r = take_bytes(call, upload, &part);
    if (r == 0 && !part.checksum.n)
        r = api_fault(call, &S3_ERR(InvalidRequest),
                      "Checksum Type mismatch occurred, expected checksum Type: %.*s, actual "
                      "checksum Type: null",
                      STR_ARG(str_lower(call->arena, upload->checksum_kind)));
    if (r == 0)
        r = s3_part_put(call, upload, opt_i64_or(req->part_number, 0), &part);
    if (r)
        return r;
    res->e_tag = s3_quoted(call->arena, part.etag);
    object.checksum = str_base64(call->arena, part.checksum);
    s3_tell_checksum(call->op->output, res, &object);
    s3_tell_encryption(call, call->op->output, &object, res);
    return 0;
}

/* ---- giving up ---- */

int
s3_upload_drop(struct txn *txn, const struct s3_upload_row *upload)
{
    int r = 0;

    STORE_EACH(txn, s3_part_of_upload, part, upload->id) {
        if (r >= 0)
            r = remove_part(txn, part);
    }
    return r < 0 ? r : s3_upload_delete(txn, upload->id);
}

int
s3_abort_multipart_upload(struct api_call *call, const struct s3_AbortMultipartUploadRequest *req,
                          struct s3_AbortMultipartUploadOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_upload_row *upload;
    int r = s3_open(call, req->bucket, req->key, "s3:AbortMultipartUpload", &bucket);

    (void)res;
    if (r == 0 && req->if_match_initiated_time.set)
        r = S3_NOT_YET(call, "the conditions of directory buckets");
    if (r == 0)
        r = s3_upload_find(call, bucket, req->key, req->upload_id, &upload);
    return r ? r : s3_upload_drop(call->txn, upload);
}

/* ---- looking ---- */

static struct s3_Initiator *
initiator_of(struct api_call *call, struct str arn)
{
    struct s3_Initiator *initiator = ARENA_NEW(call->arena, struct s3_Initiator);

    initiator->id = arn;
    return initiator;
}

int
s3_list_parts(struct api_call *call, const struct s3_ListPartsRequest *req,
              struct s3_ListPartsOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_upload_row *upload;
    const struct s3_part_row *part;
    int64_t max = MIN(opt_i64_or(req->max_parts, S3_LIST_MAX), S3_LIST_MAX);
    int64_t after = opt_i64_or(req->part_number_marker, 0);
    int r = s3_open(call, req->bucket, req->key, "s3:ListMultipartUploadParts", &bucket);

    if (r == 0)
        r = s3_upload_find(call, bucket, req->key, req->upload_id, &upload);
    if (r)
        return r;
    struct store_cursor c = store_seek(call->txn, &s3_part_of_upload, STORE_KEYS(upload->id));

    store_from(&c, STORE_KEYS(after + 1));
    res->is_truncated = opt_bool(false);
    res->next_part_number_marker = opt_i64(0);
    while ((part = s3_part_of_upload_next(&c))) {
        if ((int64_t)res->parts.n >= max) {
            res->is_truncated = opt_bool(true);
            break;
        }
        s3_part_assert(part);
        struct s3_Part *told = LIST_PUSH(call->arena, &res->parts);
        struct s3_object_row sum = {.checksum_kind = upload->checksum_kind,
                                    .checksum = str_base64(call->arena, part->checksum)};

        told->part_number = opt_i64(part->number);
        told->last_modified = opt_i64(part->modified_ms);
        told->e_tag = s3_quoted(call->arena, part->etag);
        told->size = opt_i64(part->size);
        s3_tell_checksum(S3_SHAPE_Part, told, &sum);
        res->next_part_number_marker = opt_i64(part->number);
    }
    res->bucket = req->bucket;
    res->key = req->key;
    res->upload_id = upload->id;
    res->part_number_marker = opt_i64(after);
    res->max_parts = opt_i64(max);
    res->storage_class = upload->storage_class.n ? upload->storage_class : S("STANDARD");
    res->owner = s3_owner(call, bucket->account);
    res->initiator = initiator_of(call, upload->initiator);
    res->checksum_algorithm = upload->checksum_kind;
    res->checksum_type = upload->checksum_type;
    assert((int64_t)res->parts.n <= MAX(max, 0));
    return 0;
}

static void
tell_upload(struct api_call *call, const struct s3_bucket_row *bucket,
            const struct s3_upload_row *row, bool coded, struct s3_MultipartUpload *ret)
{
    *ret = (struct s3_MultipartUpload){
        .upload_id = row->id,
        .key = coded ? uri_encode(call->arena, row->object_key, URI_KEEP_SLASH) : row->object_key,
        .initiated = opt_i64(row->created_ms),
        .storage_class = row->storage_class.n ? row->storage_class : S("STANDARD"),
        .owner = s3_owner(call, bucket->account),
        .initiator = initiator_of(call, row->initiator),
        .checksum_algorithm = row->checksum_kind,
        .checksum_type = row->checksum_type,
    };
}

int
s3_list_multipart_uploads(struct api_call *call, const struct s3_ListMultipartUploadsRequest *req,
                          struct s3_ListMultipartUploadsOutput *res)
{
    const struct s3_bucket_row *bucket;
    const struct s3_upload_row *row, *marked = s3_upload_get(call->txn, req->upload_id_marker);
    int64_t max = MIN(opt_i64_or(req->max_uploads, S3_LIST_MAX), S3_LIST_MAX);
    bool coded = str_is(req->encoding_type, "url");
    int r = s3_open(call, req->bucket, STR_NONE, "s3:ListBucketMultipartUploads", &bucket);

    if (r == 0 && req->delimiter.n)
        r = S3_NOT_YET(call, "the delimiter of ListMultipartUploads");
    if (r)
        return r;
    struct store_cursor c = store_seek(call->txn, &s3_upload_of_bucket, STORE_KEYS(bucket->name));

    if (marked && req->key_marker.n)
        store_after(&c, STORE_KEYS(marked->object_key, marked->created_ms, marked->id));
    else if (req->key_marker.n)
        store_after(&c, STORE_KEYS(req->key_marker, INT64_MAX));
    res->is_truncated = opt_bool(false);
    while ((row = s3_upload_of_bucket_next(&c))) {
        if (!str_starts(row->object_key, req->prefix))
            continue;
        if ((int64_t)res->uploads.n >= max) {
            res->is_truncated = opt_bool(true);
            break;
        }
        tell_upload(call, bucket, row, coded, LIST_PUSH(call->arena, &res->uploads));
        res->next_key_marker = res->uploads.v[res->uploads.n - 1].key;
        res->next_upload_id_marker = row->id;
    }
    res->bucket = req->bucket;
    res->key_marker = req->key_marker.p ? req->key_marker : S("");
    res->upload_id_marker = req->upload_id_marker.p ? req->upload_id_marker : S("");
    res->prefix = req->prefix;
    res->max_uploads = opt_i64(max);
    res->encoding_type = req->encoding_type;
    return 0;
}
