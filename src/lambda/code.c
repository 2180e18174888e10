/*
 * A function's code: a ZIP archive, from the request or from S3, kept in pieces that fit a row.
 *
 * It is checked when it is taken: an environment that starts later can rely on it.
 */
#include "lambda/lambda.h"

#include "api/authorize.h"
#include "base/error.h"
#include "codec/crypto.h"
#include "codec/zip.h"
#include "gen/api/s3.h"

#define VIA "lambda.amazonaws.com"
#define PIECE_BYTES ((size_t)2 << 20)

/* ---- where it comes from ---- */

static int
reword(struct api_call *call)
{
    return lambda_bad(call,
                      "Error occurred while GetObject. S3 Error Code: %.*s. S3 Error Message: %.*s",
                      STR_ARG(call->fault.code), STR_ARG(call->fault.message));
}

static int
from_s3(struct api_call *call, const struct lambda_code_from *from, struct str *ret)
{
    const struct s3_HeadObjectRequest ask = {
        .bucket = from->s3_bucket, .key = from->s3_key, .version_id = from->s3_version};
    const struct s3_GetObjectRequest get = {
        .bucket = from->s3_bucket, .key = from->s3_key, .version_id = from->s3_version};
    struct s3_HeadObjectOutput head = {0};
    struct s3_GetObjectOutput got = {0};
    int r = api_call_internal(call, "s3", "HeadObject", &ask, &head, VIA);

    if (r == 0 && opt_i64_or(head.content_length, 0) > LAMBDA_ZIPPED_MAX)
        return lambda_bad(call, "Zipped size must be smaller than %d bytes", LAMBDA_ZIPPED_MAX);
    /* GetObject says what HeadObject, which has no body, cannot */
    if (r >= 0)
        r = api_call_internal(call, "s3", "GetObject", &get, &got, VIA);
    if (r > 0)
        return reword(call);
    *ret = got.body.p ? got.body : S("");
    return r;
}

static int
read_from(struct api_call *call, const struct lambda_code_from *from, struct str *ret)
{
    bool zip = from->zip_file.p != NULL, s3 = from->s3_bucket.p || from->s3_key.p;

    if (zip && s3)
        return lambda_bad(call,
                          "Please do not provide other FunctionCode parameters when providing "
                          "a ZipFile.");
    if (!zip && !s3)
        return lambda_bad(call, "Please provide a source for function code.");
    if (s3 && !(from->s3_bucket.p && from->s3_key.p))
        return lambda_bad(call, "Please provide both S3Bucket and S3Key.");
    if (s3)
        return from_s3(call, from, ret);
    *ret = from->zip_file;
    return 0;
}

static bool
discard(void *ctx UNUSED, const void *p UNUSED, size_t n UNUSED)
{
    return true;
}

static int
check(struct api_call *call, struct str archive, int64_t *ret_unzipped)
{
    static const char bad[] =
        "Could not unzip uploaded file. Please check your file, then try to upload again.";
    struct zip zip;

    if (!archive.n)
        return lambda_bad(call, "Uploaded file must be a non-empty zip");
    if (!zip_open(call->arena, archive, &zip))
        return lambda_bad(call, bad);
    if (!zip.n)
        return lambda_bad(call, "Uploaded file must be a non-empty zip");
    if (zip.bytes > LAMBDA_UNZIPPED_MAX)
        return lambda_bad(call, "Unzipped size must be smaller than %d bytes", LAMBDA_UNZIPPED_MAX);
    for (size_t i = 0; i < zip.n; i++)
        if (!zip_read(&zip, &zip.v[i], discard, NULL))
            return lambda_bad(call, bad);
    assert(archive.n <= LAMBDA_ZIPPED_MAX);
    *ret_unzipped = (int64_t)zip.bytes;
    return 0;
}

/* ---- where it is kept ---- */

static struct str
piece_key(struct arena *a, struct str code, size_t i)
{
    assert(code.n > 0 && i < 10000);
    return str_fmt(a, "%.*s/%04zu", STR_ARG(code), i);
}

static int
keep(struct api_call *call, struct str archive, struct str *ret)
{
    struct lambda_code_row row = {.id = api_uuid(call->env, call->arena)};
    int r = 0;

    for (size_t at = 0; at < archive.n && r >= 0; at += PIECE_BYTES) {
        const struct lambda_code_piece_row piece = {
            .id = piece_key(call->arena, row.id, (size_t)row.n_pieces++),
            .bytes = str_cut(archive, at, at + PIECE_BYTES)};

        r = lambda_code_piece_insert(call->txn, &piece);
    }
    assert(row.n_pieces > 0);
    *ret = row.id;
    return r < 0 ? r : lambda_code_insert(call->txn, &row);
}

int
lambda_code_read(struct txn *txn, struct arena *a, struct str code, struct str *ret)
{
    const struct lambda_code_row *row = lambda_code_get(txn, code);
    size_t n_pieces = row ? (size_t)row->n_pieces : 0, n = 0;
    char *p = arena_alloc_raw(a, n_pieces * PIECE_BYTES);

    for (size_t i = 0; i < n_pieces; i++) {
        const struct lambda_code_piece_row *piece =
            lambda_code_piece_get(txn, piece_key(a, code, i));

        if (!piece || piece->bytes.n > PIECE_BYTES)
            return error_origin(ENODATA, "the code %.*s is not whole", STR_ARG(code));
        memcpy(p + n, piece->bytes.p, piece->bytes.n);
        n += piece->bytes.n;
    }
    *ret = str_of(p, n);
    return row ? 0 : error_origin(ENODATA, "the code %.*s is gone", STR_ARG(code));
}

int
lambda_code_delete_all(struct api_call *call, struct str id)
{
    const struct lambda_code_row *code = lambda_code_get(call->txn, id);
    int64_t n = code ? code->n_pieces : 0;
    int r = 0;

    if (!code)
        return 0;
    assert(n > 0 && str_eq(code->id, id));
    for (int64_t i = 0; i < n && r >= 0; i++)
        r = lambda_code_piece_delete(call->txn, piece_key(call->arena, id, (size_t)i));
    return r < 0 ? r : lambda_code_delete(call->txn, id);
}

int
lambda_code_drop(struct api_call *call, const struct lambda_function_row *row)
{
    STORE_EACH(call->txn, lambda_function_by_name, other, row->account, row->region, row->name)
        if (!str_eq(other->id, row->id) && str_eq(other->code, row->code))
            return 0;
    return lambda_code_delete_all(call, row->code);
}

int
lambda_code_keep(struct api_call *call, const struct lambda_code_from *from, bool dry,
                 struct lambda_code_kept *ret)
{
    uint8_t digest[SHA256_LEN];
    struct str archive;
    int r = read_from(call, from, &archive);

    if (r == 0 && archive.n > LAMBDA_ZIPPED_MAX)
        r = api_fault(call, &LAMBDA_ERR(RequestTooLargeException),
                      "Zipped size must be smaller than %d bytes", LAMBDA_ZIPPED_MAX);
    if (r == 0)
        r = check(call, archive, &ret->unzipped);
    if (r)
        return r;
    crypto_sha256(archive.p, archive.n, digest);
    ret->sha256 = str_base64(call->arena, str_of(digest, sizeof(digest)));
    ret->bytes = (int64_t)archive.n;
    ret->code = S("");
    assert(ret->bytes > 0 && ret->unzipped >= 0);
    return dry ? 0 : keep(call, archive, &ret->code);
}

int
lambda_code_take(struct api_call *call, const struct lambda_code_from *from,
                 struct lambda_function_row *row, bool dry)
{
    const struct lambda_function_row old = *row;
    struct lambda_code_kept kept;
    int r = lambda_code_keep(call, from, dry, &kept);

    if (r)
        return r;
    row->code_sha256 = kept.sha256;
    row->code_bytes = kept.bytes;
    row->code_unzipped = kept.unzipped;
    r = lambda_layers_fit(call, row);
    if (r || dry)
        return r;
    row->code = kept.code;
    return old.code.n ? lambda_code_drop(call, &old) : 0;
}
