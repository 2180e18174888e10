/* What holds of S3's rows whatever was called. */
#include "s3/holds.h"

#include "codec/aws_endpoint.h"

enum { ALL_BLOCKS = S3_BLOCK_ACLS | S3_IGNORE_ACLS | S3_BLOCK_POLICY | S3_RESTRICT };

static bool
is_of(struct str s, const char *const *names)
{
    assert(names[0]);
    while (*names && !str_is(s, *names))
        names++;
    return *names != NULL;
}

/* k, v, k, v … without a key twice. */
static void
pairs_assert(const struct str_list *pairs, size_t max)
{
    assert(pairs->n % 2 == 0);
    assert(pairs->n / 2 <= max);
    for (size_t i = 0; i < pairs->n; i += 2) {
        assert(pairs->v[i].n > 0);
        assert(s3_pair(pairs, pairs->v[i]).p == pairs->v[i + 1].p);
    }
}

void
s3_bucket_assert(const struct s3_bucket_row *row)
{
    static const char *const states[] = {"", "Enabled", "Suspended", NULL};
    static const char *const keys[] = {"AES256", "aws:kms", NULL};

    assert(s3_bucket_name_good(row->name));
    assert(row->account.n == 12 && aws_region_like(row->region));
    assert(is_of(row->versioning, states));
    assert(!row->ownership.n || s3_ownership_good(row->ownership));
    assert(row->public_block >= -1 && row->public_block <= ALL_BLOCKS);
    assert(is_of(row->sse, keys));
    assert(!row->sse_key.n || str_is(row->sse, "aws:kms"));
    assert(!row->policy_public || row->policy.n);
    pairs_assert(&row->tags, S3_TAGS_MAX);
}

/* One of a key is bare: all that counts of it is that it is there. */
static void
marker_assert(const struct s3_object_row *row)
{
    assert(row->marker);
    assert(row->size == 0 && !row->data.n && !row->pieces.n);
    assert(!row->parts.n && !row->tags.n && !row->headers.n);
    assert(!row->sse_key.n && !row->sse_c.n);
}

/* Under a key of the customer's, of KMS, or of S3's own. */
static void
cipher_assert(struct str sse, struct str key, struct str blob, struct str customer)
{
    static const char *const kinds[] = {"", "AES256", "aws:kms", NULL};

    assert(is_of(sse, kinds));
    assert((sse.n == 0) == (customer.n > 0));
    assert(str_is(sse, "aws:kms") == (key.n > 0));
    assert((key.n > 0) == (blob.n > 0));
}

static void class_assert(struct str class)
{
    static const char *const classes[] = {"",           "REDUCED_REDUNDANCY",  "STANDARD_IA",
                                          "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
                                          "GLACIER",    "DEEP_ARCHIVE",        NULL};

    assert(is_of(class, classes));
}

void
s3_object_assert(const struct s3_object_row *row)
{
    static const char *const types[] = {"FULL_OBJECT", "COMPOSITE", NULL};

    assert(row->bucket.n > 0);
    assert(row->object_key.n > 0 && row->object_key.n <= S3_KEY_BYTES_MAX);
    assert(str_is(row->version, "null") || row->version.n == S3_VERSION_BYTES);
    assert(!row->latest || row->stale_ms == 0);
    assert(row->size >= 0);
    assert(row->headers.n % 2 == 0 && row->parts.n % 2 == 0);
    if (row->marker) {
        marker_assert(row);
        return;
    }
    pairs_assert(&row->tags, S3_OBJECT_TAGS_MAX);
    cipher_assert(row->sse, row->sse_key, row->sse_blob, row->sse_c);
    class_assert(row->storage_class);
    /* the digest of the bytes or, of parts, of their digests, with their number */
    assert(row->etag.n >= (size_t)2 * MD5_LEN);
    assert((row->etag.n == (size_t)2 * MD5_LEN) == (row->parts.n == 0));
    assert(row->crc64.n == checksum_bytes(CHECKSUM_CRC64NVME));
    assert(checksum_find(row->checksum_kind) != CHECKSUM_NONE && row->checksum.n > 0);
    assert(is_of(row->checksum_type, types));
    /* bytes are in files or in the row */
    assert(!row->pieces.n || !row->data.n);
}

void
s3_rule_assert(const struct s3_rule_row *row)
{
    static const char *const forms[] = {"rule", "and", "tag", "prefix", "", NULL};

    assert(row->rule.n > 0 && row->number >= 0);
    assert(str_starts(row->id, row->bucket) && row->id.n > row->bucket.n);
    assert(is_of(row->form, forms));
    assert(row->larger >= -1 && row->smaller >= -1);
    assert(row->days >= 0 && row->old_days >= 0 && row->abort_days >= 0);
    /* of three ways to expire one */
    assert((row->days > 0) + (row->date_ms != 0) + row->markers <= 1);
    assert(!row->old_kept || row->old_days);
    assert(!str_is(row->form, "tag") || row->tags.n == 2);
    /* an upload has neither tags nor a size */
    assert(!row->abort_days || (!row->tags.n && row->larger < 0 && row->smaller < 0));
    assert(row->tags.n % 2 == 0);
}

void
s3_upload_assert(const struct s3_upload_row *row)
{
    enum checksum_kind kind = checksum_find(row->checksum_kind);

    assert(row->id.n == S3_UPLOAD_ID_BYTES && row->bucket.n > 0);
    assert(row->object_key.n > 0 && row->object_key.n <= S3_KEY_BYTES_MAX);
    assert(kind != CHECKSUM_NONE);
    /* sums of all are joined of what can be joined */
    assert(str_is(row->checksum_type, "COMPOSITE") ? kind != CHECKSUM_CRC64NVME
                                                   : checksum_is_crc(kind));
    cipher_assert(row->sse, row->sse_key, row->sse_blob, row->sse_c);
    class_assert(row->storage_class);
    assert(row->headers.n % 2 == 0);
    pairs_assert(&row->tags, S3_OBJECT_TAGS_MAX);
}

void
s3_part_assert(const struct s3_part_row *row)
{
    assert(row->number >= 1 && row->number <= S3_PARTS_MAX);
    assert(str_starts(row->id, row->upload) && row->id.n == row->upload.n + 6);
    assert(row->md5.n == MD5_LEN && row->crc64.n == checksum_bytes(CHECKSUM_CRC64NVME));
    assert(row->checksum.n > 0);
    assert(row->etag.n == (size_t)2 * MD5_LEN);
    assert(row->size == 0 || (row->size > 0 && row->pieces.n > 0));
}
