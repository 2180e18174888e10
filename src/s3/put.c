/* What is said of an object when it is made, and the simplest way to make one. */
#include "s3/s3.h"

#include "codec/uri.h"

#include <stdio.h>

/* ---- tags ---- */

static int
push_tag(struct api_call *call, struct str key, struct str value, struct str_list *ret)
{
    if (!key.n || str_chars(key) > 128)
        return api_fault(call, &S3_ERR(InvalidTag), "The TagKey you have provided is invalid");
    if (str_chars(value) > 256)
        return api_fault(call, &S3_ERR(InvalidTag), "The TagValue you have provided is invalid");
    if (s3_pair(ret, key).p)
        return api_fault(call, &S3_ERR(InvalidTag),
                         "Cannot provide multiple Tags with the same key");
    if (str_starts(key, S("aws:")) && !call->via.p)
        return api_fault(call, &S3_ERR(InvalidTag),
                         "System tags cannot be added/updated by requester");
    *LIST_PUSH(call->arena, ret) = key;
    *LIST_PUSH(call->arena, ret) = value.p ? value : S("");
    return 0;
}

static int
too_many_tags(struct api_call *call, size_t max)
{
    if (max == S3_OBJECT_TAGS_MAX)
        return api_fault(call, &S3_ERR(BadRequest), "Object tags cannot be greater than %zu", max);
    return api_fault(call, &S3_ERR(InvalidTag), "Bucket tag count cannot be greater than %zu", max);
}

int
s3_tags_read(struct api_call *call, const struct s3_TagList *tags, size_t max, struct str_list *ret)
{
    int r = 0;

    if (tags->n > max)
        return too_many_tags(call, max);
    LIST_EACH(tags, tag) {
        if (r == 0)
            r = push_tag(call, tag->key, tag->value, ret);
    }
    return r;
}

int
s3_tags_parse(struct api_call *call, struct str text, struct str_list *ret)
{
    struct str name, value;
    int r = 0;

    while (r == 0 && uri_query_next(&text, &name, &value)) {
        if (!uri_decode(call->arena, name, URI_PLUS_BLANK, &name) ||
            !uri_decode(call->arena, value.p ? value : S(""), URI_PLUS_BLANK, &value) ||
            !str_is_utf8(name) || !str_is_utf8(value))
            return api_fault(call, &S3_ERR(InvalidArgument),
                             "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded "
                             "URL query parameters without tag name duplicates.");
        if (ret->n == (size_t)2 * S3_OBJECT_TAGS_MAX)
            return too_many_tags(call, S3_OBJECT_TAGS_MAX);
        r = push_tag(call, name, value, ret);
    }
    return r;
}

/* ---- headers ---- */

static const struct {
    const char *member, *header;
} headers[] = {
    {"CacheControl", "cache-control"},
    {"ContentDisposition", "content-disposition"},
    {"ContentEncoding", "content-encoding"},
    {"ContentLanguage", "content-language"},
    {"ContentType", "content-type"},
    {"Expires", "expires"},
    {"WebsiteRedirectLocation", "x-amz-website-redirect-location"},
};

/* aws-chunked is how the body came, not what it is. */
static struct str
without_chunked(struct arena *a, struct str codings)
{
    struct str_list left = {0};

    while (codings.p) {
        struct str one = str_trim(str_split(&codings, ','));

        if (one.n && !str_is(one, "aws-chunked"))
            *LIST_PUSH(a, &left) = one;
    }
    return left.n ? str_join(a, &left, S(",")) : STR_NONE;
}

static const struct s3_TextMap *
metadata_of(const struct api_call *call)
{
    const struct api_member *m =
        api_member_find(call->service, api_shape(call->service, call->op->input), S("Metadata"));

    assert(m);
    return (const void *)((const char *)call->input + m->offset);
}

static int
describe_headers(struct api_call *call, struct s3_object_row *row)
{
    const struct s3_TextMap *metadata = metadata_of(call);
    size_t bytes = 0;

    row->headers = (struct str_list){0};
    assert(metadata);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct str value = s3_asked(call, headers[i].member);

        if (str_is(str_from(headers[i].member), "ContentEncoding"))
            value = without_chunked(call->arena, value);
        if (!value.n)
            continue;
        *LIST_PUSH(call->arena, &row->headers) = str_from(headers[i].header);
        *LIST_PUSH(call->arena, &row->headers) = value;
    }
    LIST_EACH(metadata, entry) {
        struct str name = str_lower(call->arena, entry->key);

        bytes += name.n + entry->value.n;
        *LIST_PUSH(call->arena, &row->headers) = str_cat(call->arena, S("x-amz-meta-"), name);
        *LIST_PUSH(call->arena, &row->headers) = entry->value;
    }
    return bytes <= S3_METADATA_BYTES_MAX
               ? 0
               : api_fault(call, &S3_ERR(MetadataTooLarge),
                           "Your metadata headers exceed the maximum allowed metadata size");
}

/* ---- what it is kept as ---- */

static int
describe_class(struct api_call *call, struct s3_object_row *row)
{
    static const char *const classes[] = {"REDUCED_REDUNDANCY",  "STANDARD_IA", "ONEZONE_IA",
                                          "INTELLIGENT_TIERING", "GLACIER_IR",  "GLACIER",
                                          "DEEP_ARCHIVE"};
    struct str asked = s3_asked(call, "StorageClass");

    if (!asked.n || str_is(asked, "STANDARD"))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (str_is(asked, classes[i])) {
            row->storage_class = asked;
            return 0;
        }
    return api_fault(call, &S3_ERR(InvalidStorageClass),
                     "The storage class you specified is not valid");
}

/* ---- encryption ---- */

static bool
wants_bucket_key(const struct api_call *call, bool otherwise)
{
    const struct api_member *m = api_member_find(
        call->service, api_shape(call->service, call->op->input), S("BucketKeyEnabled"));

    return m ? opt_bool_or(
                   *(const struct opt_bool *)(const void *)((const char *)call->input + m->offset),
                   otherwise)
             : otherwise;
}

static int
describe_encryption(struct api_call *call, const struct s3_bucket_row *bucket,
                    struct s3_object_row *row, struct s3_wrapping *ret)
{
    struct str asked = s3_asked(call, "ServerSideEncryption"), key = s3_asked(call, "SSEKMSKeyId");
    struct str customer = s3_asked(call, "SSECustomerAlgorithm");
    bool given = asked.n > 0;

    if (customer.n || s3_asked(call, "SSECustomerKey").n) {
        if (given)
            return api_fault(call, &S3_ERR(InvalidArgument),
                             "Server Side Encryption with Customer provided key is incompatible "
                             "with the encryption method specified");
        return s3_customer_seal(call, row, ret);
    }
    if (s3_asked(call, "SSEKMSEncryptionContext").n)
        return S3_NOT_YET(call, "the header x-amz-server-side-encryption-context");
    if (!given) {
        asked = bucket->sse;
        key = key.n ? key : bucket->sse_key;
    }
    if (str_is(asked, "AES256")) {
        row->sse = asked;
        return given && key.n
                   ? api_fault(call, &S3_ERR(InvalidArgument),
                               "Server Side Encryption with AWS KMS managed key requires HTTP "
                               "header x-amz-server-side-encryption : aws:kms")
                   : s3_bucket_seal(call, bucket, ret);
    }
    if (str_is(asked, "aws:kms")) {
        row->sse_bucket_key = wants_bucket_key(call, !given && bucket->sse_bucket_key);
        return s3_kms_seal(call, bucket, key, row, ret);
    }
    if (str_is(asked, "aws:kms:dsse"))
        return S3_NOT_YET(call, "the encryption aws:kms:dsse");
    return api_fault(call, &S3_ERR(InvalidArgument),
                     "The encryption method specified is not supported");
}

int
s3_describe(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_object_row *row,
            struct s3_wrapping *ret)
{
    int r = s3_acl_take(call, bucket, &row->acl);

    if (r == 0 &&
        (s3_asked(call, "ObjectLockMode").n || s3_asked(call, "ObjectLockLegalHoldStatus").n))
        r = S3_NOT_YET(call, "object lock");
    if (r == 0)
        r = describe_headers(call, row);
    if (r == 0)
        r = describe_class(call, row);
    if (r == 0 && s3_asked(call, "Tagging").n)
        r = s3_tags_parse(call, s3_asked(call, "Tagging"), &row->tags);
    if (r == 0 && row->tags.n)
        r = s3_may(call, bucket, row->object_key, "s3:PutObjectTagging");
    if (r == 0)
        r = describe_encryption(call, bucket, row, ret);
    return r;
}

void
s3_tell_encryption(const struct api_call *call, uint16_t shape, const struct s3_object_row *row,
                   void *res)
{
    const struct api_member *m;

    if (row->sse_c.n) {
        s3_say(shape, res, "SSECustomerAlgorithm", S("AES256"));
        s3_say(shape, res, "SSECustomerKeyMD5", s3_asked(call, "SSECustomerKeyMD5"));
        return;
    }
    s3_say(shape, res, "ServerSideEncryption", row->sse);
    if (!row->sse_key.n)
        return;
    s3_say(shape, res, "SSEKMSKeyId", row->sse_key);
    m = api_member_find(&s3_service, api_shape(&s3_service, shape), S("BucketKeyEnabled"));
    if (m && row->sse_bucket_key)
        *(struct opt_bool *)(void *)((char *)res + m->offset) = opt_bool(true);
}

/* ---- sums ---- */

void
s3_tell_checksum(uint16_t shape, void *base, const struct s3_object_row *row)
{
    char member[32];

    if (!row->checksum.n)
        return;
    snprintf(member, sizeof(member), "Checksum%.*s", STR_ARG(row->checksum_kind));
    s3_say(shape, base, member, row->checksum);
    s3_say(shape, base, "ChecksumType", row->checksum_type);
}

static int
check_md5(struct api_call *call)
{
    struct str said = s3_asked(call, "ContentMD5"), digest;

    assert(call->upload);
    if (!said.p)
        return 0;
    if (!str_unbase64(call->arena, said, &digest) || digest.n != MD5_LEN)
        return api_fault(call, &S3_ERR(InvalidDigest),
                         "The Content-MD5 you specified was invalid.");
    return memcmp(digest.p, call->upload->md5, MD5_LEN) == 0
               ? 0
               : api_fault(call, &S3_ERR(BadDigest),
                           "The Content-MD5 you specified did not match what we received.");
}

int
s3_check_digests(struct api_call *call)
{
    static const char *const unknown[] = {"SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"};
    const struct api_upload *u = call->upload;
    enum checksum_kind kind = u->kind;
    struct str name = str_from(checksum_name(kind)), said, sum;
    int r = check_md5(call);

    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        if (s3_asked(call, str_fmt(call->arena, "Checksum%s", unknown[i]).p).p)
            return S3_NOT_YET(call, str_fmt(call->arena, "the checksum %s", unknown[i]).p);
    if (r || kind == CHECKSUM_NONE)
        return r;
    said = s3_asked(call, str_fmt(call->arena, "Checksum%.*s", STR_ARG(name)).p);
    if (!said.p)
        said = api_upload_trailer(
            u, str_lower(call->arena, str_cat(call->arena, S("x-amz-checksum-"), name)));
    if (!said.p)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "x-amz-sdk-checksum-algorithm specified, but no corresponding "
                         "x-amz-checksum-* or x-amz-trailer headers were found.");
    if (!str_unbase64(call->arena, said, &sum) || sum.n != checksum_bytes(kind))
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "Value for x-amz-checksum-%.*s header is invalid.",
                         STR_ARG(str_lower(call->arena, name)));
    return memcmp(sum.p, u->checksum, sum.n) == 0
               ? 0
               : api_fault(call, &S3_ERR(BadDigest),
                           "The %.*s you specified did not match the calculated checksum.",
                           STR_ARG(name));
}

/* ---- conditions of a write ---- */

struct str
s3_bare_etag(struct str etag)
{
    etag = str_trim(etag);
    return etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"'
               ? str_cut(etag, 1, etag.n - 1)
               : etag;
}

int
s3_check_write(struct api_call *call, const struct s3_bucket_row *bucket, struct str key)
{
    const struct s3_object_row *latest = s3_latest(call->txn, bucket->name, key);
    struct str match = s3_asked(call, "IfMatch"), none = s3_asked(call, "IfNoneMatch");
    bool there = latest && !latest->marker;
    const char *failed = NULL;

    if (none.p && !str_is(none, "*"))
        return api_fault(call, &S3_ERR(NotImplemented),
                         "A header you provided implies functionality that is not implemented");
    if (none.p && there)
        failed = "If-None-Match";
    if (match.p && !there) {
        struct s3_NoSuchKey *detail = ARENA_NEW(call->arena, struct s3_NoSuchKey);

        detail->key = key;
        return api_fault_detail(call, &S3_ERR(NoSuchKey), detail,
                                "The specified key does not exist.");
    }
    if (match.p && !str_eq(s3_bare_etag(match), latest->etag))
        failed = "If-Match";
    if (!failed)
        return 0;
    struct s3_PreconditionFailed *detail = ARENA_NEW(call->arena, struct s3_PreconditionFailed);

    detail->condition = str_from(failed);
    return api_fault_detail(call, &S3_ERR(PreconditionFailed), detail,
                            "At least one of the pre-conditions you specified did not hold");
}

/* ---- PutObject ---- */

/* Only where the bytes are not encrypted under a key of somebody's is it their digest. */
struct str
s3_etag(struct api_call *call, struct str sse, const uint8_t md5[MD5_LEN])
{
    uint8_t random[MD5_LEN];

    static_assert(MD5_LEN == 16, "an entity tag has 32 digits");
    if (str_is(sse, "AES256"))
        return str_hex(call->arena, md5, MD5_LEN);
    call->env->random(call->env, random, sizeof(random));
    return str_hex(call->arena, random, sizeof(random));
}

struct str
s3_quoted(struct arena *a, struct str etag)
{
    return str_fmt(a, "\"%.*s\"", STR_ARG(etag));
}

static void
sum_of(struct api_call *call, struct s3_object_row *row)
{
    const struct api_upload *u = call->upload;
    bool own = u->kind != CHECKSUM_NONE;
    enum checksum_kind kind = own ? u->kind : CHECKSUM_CRC64NVME;

    row->checksum_kind = str_from(checksum_name(kind));
    row->checksum =
        str_base64(call->arena, str_of(own ? u->checksum : u->crc64, checksum_bytes(kind)));
    row->checksum_type = S("FULL_OBJECT");
    row->crc64 = str_of(u->crc64, sizeof(u->crc64));
    assert(row->checksum_kind.n && row->checksum.n);
}

int
s3_put_object(struct api_call *call, const struct s3_PutObjectRequest *req,
              struct s3_PutObjectOutput *res)
{
    const struct s3_bucket_row *bucket;
    struct s3_object_row row = {.bucket = req->bucket, .object_key = req->key};
    struct s3_wrapping *wrapping = ARENA_NEW(call->arena, struct s3_wrapping);
    struct s3_bytes bytes;
    int r = s3_open(call, req->bucket, req->key, "s3:PutObject", &bucket);

    if (r == 0 && req->write_offset_bytes.set)
        r = S3_NOT_YET(call, "the header x-amz-write-offset-bytes");
    if (r == 0)
        r = s3_check_digests(call);
    if (r == 0)
        r = s3_describe(call, bucket, &row, wrapping);
    if (r == 0)
        r = s3_check_write(call, bucket, req->key);
    if (r)
        return r;
    row.etag = s3_etag(call, row.sse, call->upload->md5);
    assert(row.etag.n == (size_t)2 * MD5_LEN);
    sum_of(call, &row);
    bytes = s3_bytes_of(&row, wrapping);
    r = s3_bytes_take(call, false, &bytes);
    s3_bytes_into(&bytes, &row);
    if (r == 0)
        r = s3_version_add(call, bucket, &row);
    if (r)
        return r;
    res->e_tag = s3_quoted(call->arena, row.etag);
    if (s3_is_versioned(bucket))
        res->version_id = row.version;
    s3_tell_encryption(call, call->op->output, &row, res);
    s3_tell_checksum(call->op->output, res, &row);
    return 0;
}
