/*
 * Parts become an object: its pieces are theirs, one behind the other, and its sums are made of
 * theirs.  No byte is read.
 */
#include "s3/s3.h"

struct assembly {
    struct api_call *call;
    const struct s3_upload_row *upload;
    enum checksum_kind kind;
    bool composite;
    struct s3_object_row *row;
    struct crypto_hash *md5s;
    struct checksum sums;              /* of the parts' sums */
    uint8_t whole[CHECKSUM_MAX_BYTES]; /* of all bytes, of a kind that can be joined */
    uint8_t crc64[8];
    size_t n;
};

static int
wrong_part(struct api_call *call)
{
    return api_fault(call, &S3_ERR(InvalidPart),
                     "One or more of the specified parts could not be found.  The part may not "
                     "have been uploaded, or the specified entity tag may not match the part's "
                     "entity tag.");
}

static int
too_small(struct api_call *call, const struct s3_part_row *part)
{
    struct s3_EntityTooSmall *detail = ARENA_NEW(call->arena, struct s3_EntityTooSmall);

    assert(part->size < S3_PART_BYTES_MIN);
    *detail = (struct s3_EntityTooSmall){.proposed_size = opt_i64(part->size),
                                         .min_size_allowed = opt_i64(S3_PART_BYTES_MIN),
                                         .part_number = opt_i64(part->number),
                                         .e_tag = part->etag};
    return api_fault_detail(call, &S3_ERR(EntityTooSmall), detail,
                            "Your proposed upload is smaller than the minimum allowed size");
}

/* The sum that the request says of a part. */
static int
check_sum(struct assembly *x, const struct s3_CompletedPart *said, const struct s3_part_row *part)
{
    struct str member = str_fmt(x->call->arena, "Checksum%s", checksum_name(x->kind));
    struct str sum = s3_read(S3_SHAPE_CompletedPart, said, member.p);

    if (!sum.p && x->composite)
        return api_fault(x->call, &S3_ERR(InvalidRequest),
                         "The upload was created using a %.*s checksum. The complete request must "
                         "include the checksum for each part. It was missing for part %lld in the "
                         "request.",
                         STR_ARG(str_lower(x->call->arena, x->upload->checksum_kind)),
                         (long long)part->number);
    return !sum.p || str_eq(sum, str_base64(x->call->arena, part->checksum)) ? 0
                                                                             : wrong_part(x->call);
}

static void
join(struct assembly *x, const struct s3_part_row *part)
{
    const uint8_t *sum = (const uint8_t *)part->checksum.p;
    const uint8_t *crc64 = (const uint8_t *)part->crc64.p;

    assert(part->crc64.n == sizeof(x->crc64) && part->md5.n == MD5_LEN);
    assert(part->checksum.n == checksum_bytes(x->kind));
    crypto_hash_add(x->md5s, part->md5.p, part->md5.n);
    checksum_add(&x->sums, sum, part->checksum.n);
    if (x->n == 0) {
        memcpy(x->whole, sum, part->checksum.n);
        memcpy(x->crc64, crc64, sizeof(x->crc64));
        return;
    }
    checksum_join(CHECKSUM_CRC64NVME, x->crc64, crc64, (uint64_t)part->size, x->crc64);
    if (checksum_is_crc(x->kind))
        checksum_join(x->kind, x->whole, sum, (uint64_t)part->size, x->whole);
}

static int
add_part(struct assembly *x, const struct s3_CompletedPart *said, bool last)
{
    struct arena *a = x->call->arena;
    int64_t number = opt_i64_or(said->part_number, 0);
    const struct s3_part_row *part = s3_part_get(
        x->call->txn, str_fmt(a, "%.*s/%05lld", STR_ARG(x->upload->id), (long long)number));
    int r;

    assert(number >= 1);
    if (!part || !str_eq(s3_bare_etag(said->e_tag), part->etag))
        return wrong_part(x->call);
    r = check_sum(x, said, part);
    if (r == 0 && !last && part->size < S3_PART_BYTES_MIN)
        r = too_small(x->call, part);
    if (r)
        return r;
    join(x, part);
    for (size_t i = 0; i < part->pieces.n; i++)
        *LIST_PUSH(a, &x->row->pieces) = part->pieces.v[i];
    /* keys are bound to bucket and key, which the object has too; a part of 0.3 has none */
    for (size_t i = 0; i < part->pieces.n / 3; i++)
        *LIST_PUSH(a, &x->row->file_keys) = i < part->file_keys.n ? part->file_keys.v[i] : S("");
    *LIST_PUSH(a, &x->row->parts) = str_fmt(a, "%lld", (long long)part->size);
    *LIST_PUSH(a, &x->row->parts) = str_base64(a, part->checksum);
    x->row->size += part->size;
    x->n++;
    assert(x->row->parts.n == 2 * x->n);
    return 0;
}

static int
add_parts(struct assembly *x, const struct s3_CompletedPartList *parts)
{
    int64_t before = 0;
    int r = 0;

    LIST_EACH(parts, said) {
        int64_t number = opt_i64_or(said->part_number, 0);

        if (number <= before)
            return api_fault(x->call, &S3_ERR(InvalidPartOrder),
                             "The list of parts was not in ascending order. The parts list must be "
                             "specified in order by part number.");
        before = number;
    }
    LIST_EACH(parts, said) {
        if (r == 0)
            r = add_part(x, said, said == parts->v + parts->n - 1);
    }
    assert(r != 0 || x->n == parts->n);
    return r;
}

/* The object's own sums and its ETag, of what was joined. */
static void
end_sums(struct assembly *x, uint8_t md5[MD5_LEN], uint8_t sums[CHECKSUM_MAX_BYTES])
{
    struct arena *a = x->call->arena;
    size_t bytes = checksum_bytes(x->kind);

    assert(x->n > 0 && x->row->parts.n == 2 * x->n);
    x->row->etag = str_fmt(a, "%.*s-%zu", STR_ARG(s3_etag(x->call, x->upload->sse, md5)), x->n);
    x->row->crc64 = str_of(arena_dup(a, x->crc64, sizeof(x->crc64)), sizeof(x->crc64));
    x->row->checksum =
        x->composite ? str_fmt(a, "%.*s-%zu", STR_ARG(str_base64(a, str_of(sums, bytes))), x->n)
                     : str_base64(a, str_of(x->whole, bytes));
}

static int
assemble(struct assembly *x, const struct s3_CompletedPartList *parts)
{
    uint8_t md5[MD5_LEN], sums[CHECKSUM_MAX_BYTES];

    x->md5s = crypto_hash_new(CRYPTO_MD5);
    checksum_begin(&x->sums, x->kind);
    int r = add_parts(x, parts);

    crypto_hash_end(x->md5s, md5);
    crypto_hash_free(x->md5s);
    checksum_end(&x->sums, sums);
    if (r == 0)
        end_sums(x, md5, sums);
    return r;
}

/* What the request says of the whole. */
static int
check_whole(struct assembly *x, const struct s3_CompleteMultipartUploadRequest *req)
{
    struct api_call *call = x->call;
    struct str member = str_fmt(call->arena, "Checksum%s", checksum_name(x->kind));
    struct str said = s3_asked(call, member.p);

    assert(x->row->etag.n > 0 && x->row->checksum.n > 0);
    if (req->checksum_type.n && !str_eq(req->checksum_type, x->upload->checksum_type))
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "The upload was created using the %.*s checksum mode. The complete "
                         "request must use the same checksum mode.",
                         STR_ARG(x->upload->checksum_type));
    if (said.p && !str_eq(said, x->row->checksum) &&
        !(x->composite && str_starts(x->row->checksum, said)))
        return api_fault(call, &S3_ERR(BadDigest),
                         "The %s you specified did not match the calculated checksum.",
                         checksum_name(x->kind));
    if (req->mpu_object_size.set && req->mpu_object_size.v != x->row->size)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "The provided 'x-amz-mp-object-size' header value %lld does not match "
                         "what was computed: %lld",
                         (long long)req->mpu_object_size.v, (long long)x->row->size);
    return 0;
}

int
s3_complete_multipart_upload(struct api_call *call,
                             const struct s3_CompleteMultipartUploadRequest *req,
                             struct s3_CompleteMultipartUploadOutput *res)
{
    const struct s3_bucket_row *bucket;
    struct s3_object_row row;
    struct assembly x = {.call = call, .row = &row};
    struct s3_wrapping unused;
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0)
        r = s3_upload_find(call, bucket, req->key, req->upload_id, &x.upload);
    if (r)
        return r;
    if (!req->multipart_upload || !req->multipart_upload->parts.n)
        return api_fault(call, &S3_ERR(MalformedXML),
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema");
    row = s3_upload_object(x.upload);
    x.kind = checksum_find(x.upload->checksum_kind);
    x.composite = str_is(x.upload->checksum_type, "COMPOSITE");
    /* the customer's key need not come again: no byte is read */
    if (req->sse_customer_key.n)
        r = s3_customer_open(call, "", &row, &unused);
    if (r == 0)
        r = assemble(&x, &req->multipart_upload->parts);
    if (r == 0)
        r = check_whole(&x, req);
    if (r == 0)
        r = s3_check_write(call, bucket, req->key);
    /* the parts' pieces are shared, and go with the upload: those that were left out for good */
    if (r == 0)
        r = s3_pieces_share(call->txn, &row.pieces);
    if (r == 0)
        r = s3_version_add(call, bucket, &row);
    if (r == 0)
        r = s3_upload_drop(call->txn, x.upload);
    if (r == 0)
        r = s3_tell(call, bucket, &row, "ObjectCreated:CompleteMultipartUpload");
    if (r)
        return r;
    res->location = str_fmt(call->arena, "https://%.*s.s3.%.*s.amazonaws.com/%.*s",
                            STR_ARG(bucket->name), STR_ARG(bucket->region), STR_ARG(req->key));
    res->bucket = req->bucket;
    res->key = req->key;
    res->e_tag = s3_quoted(call->arena, row.etag);
    if (s3_is_versioned(bucket))
        res->version_id = row.version;
    s3_tell_checksum(call->op->output, res, &row);
    s3_tell_encryption(call, call->op->output, &row, res);
    return 0;
}
