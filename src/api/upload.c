/*
 * Sums are made of the bytes as the object has them; x-amz-content-sha256 speaks of the same bytes,
 * since it is a digest only where nothing is encoded.
 */
#include "api/upload.h"

#include "api/wire.h"
#include "base/log.h"

#include <stdlib.h>

static const struct api_error ERR_SHA256 = {"XAmzContentSHA256Mismatch", 400};
static const struct api_error ERR_SIGNATURE = {"SignatureDoesNotMatch", 403};
static const struct api_error ERR_INCOMPLETE = {"IncompleteBody", 400};
static const struct api_error ERR_TOO_LARGE = {"EntityTooLarge", 400};
static const struct api_error ERR_NO_LENGTH = {"MissingContentLength", 411};

#define SIGNED_PREFIX "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

/* The kind of the sum that headers or trailers name. */
static enum checksum_kind
kind_of(const struct api_request *req)
{
    struct str prefix = S("x-amz-checksum-"), trailers = api_header(req, S("x-amz-trailer"));
    enum checksum_kind kind = CHECKSUM_NONE;

    for (size_t i = 0; i < req->http.n_headers && !kind; i++) {
        struct str name = req->http.headers[i].name;

        if (str_eq_nocase(str_cut(name, 0, prefix.n), prefix))
            kind = checksum_find(str_cut(name, prefix.n, name.n));
    }
    while (trailers.p && !kind) {
        struct str name = str_trim(str_split(&trailers, ','));

        if (str_eq_nocase(str_cut(name, 0, prefix.n), prefix))
            kind = checksum_find(str_cut(name, prefix.n, name.n));
    }
    return kind ? kind : checksum_find(api_header(req, S("x-amz-sdk-checksum-algorithm")));
}

static struct str
content_sha256(const struct api_request *req)
{
    return api_header(req, S("x-amz-content-sha256"));
}

struct api_upload *
api_upload_new(struct env *env, const struct api_request *req)
{
    struct api_upload *u = calloc(1, sizeof(*u));
    struct str said = content_sha256(req);

    if (!u)
        abort();
    u->env = env;
    u->begun_ms = env->now_ms(env);
    u->kind = kind_of(req);
    u->encoded = str_starts(said, S("STREAMING-"));
    u->has_sha256 = said.n == 2 * SHA256_LEN;
    u->md5_hash = crypto_hash_new(CRYPTO_MD5);
    if (u->has_sha256)
        u->sha256_hash = crypto_hash_new(CRYPTO_SHA256);
    checksum_begin(&u->sum, u->kind);
    checksum_begin(&u->sum64, CHECKSUM_CRC64NVME);
    buf_init(&u->data, API_UPLOAD_INLINE_BYTES);
    if (u->encoded)
        aws_chunked_begin(&u->chunks, NULL, STR_NONE, STR_NONE, STR_NONE);
    return u;
}

void
api_upload_signed(struct api_upload *u, const struct sigv4_claim *claim, struct str secret)
{
    if (u->key || !str_starts(claim->content_sha256, S(SIGNED_PREFIX)))
        return;
    assert(u->encoded && u->bytes == 0);
    assert(claim->scope.n <= sizeof(u->scope));
    assert(claim->signature.n == sizeof(u->seed));
    u->key = sigv4_key_new(claim, secret);
    memcpy(u->stamp, claim->stamp, sizeof(u->stamp));
    memcpy(u->scope, claim->scope.p, claim->scope.n);
    memcpy(u->seed, claim->signature.p, sizeof(u->seed));
    u->scope_n = claim->scope.n;
    aws_chunked_begin(&u->chunks, u->key, str_of(u->stamp, sizeof(u->stamp)),
                      str_of(u->scope, u->scope_n), str_of(u->seed, sizeof(u->seed)));
}

/* ---- taking bytes ---- */

static int
begin_blob(struct api_upload *u)
{
    int r = api_sealed_blob_new(u->env, &u->blob);

    if (r == 0)
        r = api_sealed_blob_add(u->blob, buf_str(&u->data));
    buf_wipe(&u->data);
    buf_done(&u->data);
    return r;
}

static int
take(void *ctx, struct str data)
{
    struct api_upload *u = ctx;
    int r = 0;

    assert(!u->ended);
    if (data.n > API_UPLOAD_MAX_BYTES - u->bytes)
        return API_UPLOAD_TOO_LARGE;
    crypto_hash_add(u->md5_hash, data.p, data.n);
    if (u->sha256_hash)
        crypto_hash_add(u->sha256_hash, data.p, data.n);
    checksum_add(&u->sum, data.p, data.n);
    checksum_add(&u->sum64, data.p, data.n);
    u->bytes += data.n;
    if (!u->blob && (u->apart || u->bytes > API_UPLOAD_INLINE_BYTES))
        r = begin_blob(u);
    if (r < 0)
        return r;
    if (u->blob)
        return api_sealed_blob_add(u->blob, data);
    buf_add_str(&u->data, data);
    return buf_failed(&u->data) ? -ENOMEM : 0;
}

static int
failure_of(int chunked)
{
    /* what `take` answered comes back through the decoder as it is, but for this one */
    return chunked == AWS_CHUNKED_MALFORMED         ? API_UPLOAD_MALFORMED
           : chunked == AWS_CHUNKED_WRONG_SIGNATURE ? API_UPLOAD_WRONG_SIGNATURE
           : chunked == AWS_CHUNKED_CUT_SHORT       ? API_UPLOAD_CUT_SHORT
                                                    : chunked;
}

bool
api_upload_add(struct api_upload *u, struct str data)
{
    assert(!u->ended);
    if (!u->failure && data.n)
        u->failure =
            u->encoded ? failure_of(aws_chunked_add(&u->chunks, data, take, u)) : take(u, data);
    return u->failure == 0;
}

static void
end_sums(struct api_upload *u)
{
    assert(!u->ended);
    u->ended = true;
    if (!u->failure && u->encoded)
        u->failure = failure_of(aws_chunked_end(&u->chunks));
    crypto_hash_end(u->md5_hash, u->md5);
    if (u->sha256_hash)
        crypto_hash_end(u->sha256_hash, u->sha256);
    checksum_end(&u->sum, u->checksum);
    checksum_end(&u->sum64, u->crc64);
}

static void
on_durable(struct blobs_finish *finish, int result)
{
    struct api_upload *u = CONTAINER_OF(finish, struct api_upload, finish);

    if (result < 0)
        u->failure = error_origin(-result, "a body cannot be made durable: %s", strerror(-result));
    if (u->failure)
        u->blob = api_sealed_blob_free(u->blob);
    u->later(u->later_ctx);
}

bool
api_upload_end_later(struct api_upload *u, void (*fn)(void *ctx), void *ctx)
{
    int r = 0;

    end_sums(u);
    u->later = fn;
    u->later_ctx = ctx;
    u->finish.fn = on_durable;
    if (u->blob && !u->failure)
        r = api_sealed_blob_end(u->blob, fn ? &u->finish : NULL);
    if (r == -EINPROGRESS)
        return false;
    if (r < 0)
        u->failure = r;
    if (u->failure)
        u->blob = api_sealed_blob_free(u->blob);
    return true;
}

void
api_upload_end(struct api_upload *u)
{
    bool ended = api_upload_end_later(u, NULL, NULL);

    assert(ended);
}

struct api_upload *
api_upload_free(struct api_upload *u)
{
    uint8_t unused[CHECKSUM_MAX_BYTES];

    if (!u)
        return NULL;
    if (!u->ended) {
        checksum_end(&u->sum, unused);
        checksum_end(&u->sum64, unused);
    }
    if (u->finish.job)
        u->env->blobs->driver->forget(u->env->blobs, &u->finish);
    if (u->blob && u->ended && !u->kept)
        blobs_remove(u->env->blobs, str_of(u->blob->name, sizeof(u->blob->name)));
    api_sealed_blob_free(u->blob);
    crypto_hash_free(u->md5_hash);
    crypto_hash_free(u->sha256_hash);
    aws_chunked_done(&u->chunks);
    sigv4_key_free(u->key);
    buf_wipe(&u->data);
    buf_done(&u->data);
    free(u);
    return NULL;
}

/* ---- looking at it ---- */

struct str
api_upload_trailer(const struct api_upload *u, struct str name)
{
    return aws_chunked_trailer(&u->chunks, name);
}

static int
check_length(struct api_call *call, const struct api_request *req)
{
    struct str said = api_header(req, S("x-amz-decoded-content-length"));
    uint64_t bytes;

    if (!call->upload->encoded)
        return 0;
    if (!str_to_u64(said, &bytes))
        return api_fault(call, &ERR_NO_LENGTH, "You must provide the Content-Length HTTP header.");
    return bytes == call->upload->bytes
               ? 0
               : api_fault(call, &ERR_INCOMPLETE,
                           "You did not provide the number of bytes specified by the "
                           "Content-Length HTTP header");
}

int
api_upload_check(struct api_call *call, const struct api_request *req)
{
    const struct api_upload *u = call->upload;
    char hex[2 * SHA256_LEN];

    assert(u->ended);
    switch (u->failure) {
    case API_UPLOAD_GOOD:
        break;
    case API_UPLOAD_WRONG_SIGNATURE:
        return api_fault(call, &ERR_SIGNATURE,
                         "The request signature we calculated does not match the signature you "
                         "provided. Check your key and signing method.");
    case API_UPLOAD_TOO_LARGE:
        return api_fault(call, &ERR_TOO_LARGE,
                         "Your proposed upload exceeds the maximum allowed size");
    case API_UPLOAD_MALFORMED:
    case API_UPLOAD_CUT_SHORT:
        return api_fault(call, &ERR_INCOMPLETE, "The request body terminated unexpectedly");
    default:
        return u->failure;
    }
    int r = check_length(call, req);
    if (r || !u->has_sha256)
        return r;
    crypto_hex(hex, u->sha256, SHA256_LEN);
    return str_eq(content_sha256(req), str_of(hex, sizeof(hex)))
               ? 0
               : api_fault(call, &ERR_SHA256,
                           "The provided 'x-amz-content-sha256' header does not match what was "
                           "computed.");
}
