/*
 * A request's body of any size: taken piece by piece, decoded (aws-chunked), summed, and put into a
 * blob once it is larger than a row may hold.  Operations of services whose hooks say `uploads` and
 * whose payload is bytes get theirs so, whether it came whole or in pieces: call->upload.
 *
 *   who has the head        api_upload_begin(): the signature is checked before a byte is taken
 *   who has the bytes       api_upload_add() … api_upload_end(), then api_handle() with it
 *   dispatch                refuses what was not what its head said
 *   the handler             sets `kept` when a row names the blob and has its key
 *   who began it            api_upload_free(): what is not kept is gone
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
#pragma once

#include "api/api.h"
#include "api/sealed_blob.h"
#include "codec/aws_chunked.h"
#include "codec/checksum.h"
#include "sys/blobs.h"

#define API_UPLOAD_INLINE_BYTES SEALED_CHUNK_BYTES
#define API_UPLOAD_MAX_BYTES ((uint64_t)5 << 30)

struct api_upload {
    uint64_t bytes;               /* decoded */
    struct buf data;              /* the bytes, unless they are in a blob */
    struct api_sealed_blob *blob; /* or NULL; encrypted */
    bool kept;                    /* a row names it, and keeps its key */
    int64_t begun_ms;
    uint8_t md5[MD5_LEN];
    enum checksum_kind kind;              /* that the request speaks of; CHECKSUM_NONE: of none */
    uint8_t checksum[CHECKSUM_MAX_BYTES]; /* of that kind */
    uint8_t crc64[8];                     /* always */

    /* Inside. */
    struct env *env;
    bool encoded, ended;
    bool apart;                 /* a blob, however few bytes */
    struct blobs_finish finish; /* while the blob is made durable */
    void (*later)(void *ctx);
    void *later_ctx;
    struct aws_chunked chunks;
    struct sigv4_key *key; /* of signed chunks */
    char stamp[16], scope[256], seed[2 * SHA256_LEN];
    size_t scope_n;
    struct crypto_hash *md5_hash, *sha256_hash;
    struct checksum sum, sum64;
    bool has_sha256;
    uint8_t sha256[SHA256_LEN];
    int failure; /* negative: ours; else enum api_upload_failure */
};

enum api_upload_failure {
    API_UPLOAD_GOOD,
    API_UPLOAD_MALFORMED,
    API_UPLOAD_WRONG_SIGNATURE,
    API_UPLOAD_CUT_SHORT,
    API_UPLOAD_TOO_LARGE,
};

/* What there is to do with a request of which only the head is there. */
enum api_upload_begun {
    API_UPLOAD_NONE, /* take its body whole */
    API_UPLOAD_BEGUN,
    API_UPLOAD_REFUSED, /* the reply is there */
};
enum api_upload_begun
api_upload_begin(struct api *api, struct arena *arena, const struct api_request *req,
                 struct api_upload **ret, struct api_reply *reply);
/* False: there is no use in taking more; call api_handle(), which will say why. */
bool api_upload_add(struct api_upload *upload, struct str data);
void api_upload_end(struct api_upload *upload);
/* The same without waiting for a disk: when this is false, `fn` is called when it has ended. */
bool api_upload_end_later(struct api_upload *upload, void (*fn)(void *ctx), void *ctx);
struct api_upload *api_upload_free(struct api_upload *upload);

/* ---- for dispatch and auth ---- */

/* For what the headers say: coding, sums.  No byte yet. */
struct api_upload *api_upload_new(struct env *env, const struct api_request *req);
/* The signature was good: chunks are signed on from it. */
void
api_upload_signed(struct api_upload *upload, const struct sigv4_claim *claim, struct str secret);
/* Whether it came as its head said: 0, positive with the fault, negative. */
int api_upload_check(struct api_call *call, const struct api_request *req);
/* A trailer's value, p NULL when there was none. */
struct str api_upload_trailer(const struct api_upload *upload, struct str name);
