/*
 * Digests of OpenSSL's libcrypto, by the way that was measured to be cheap: algorithms are
 * fetched once, contexts are reused, an HMAC key is kept as two digest states.  (The one-shot
 * calls look the algorithm up again each time, which costs more than hashing a request.)
 *
 * Safe in several threads: each has contexts of its own.  Nothing here fails but for want of
 * memory, and then the process aborts.
 */
#pragma once

#include "base/str.h"

#define SHA256_LEN 32
#define SHA1_LEN 20
#define MD5_LEN 16
#define CRYPTO_DIGEST_MAX 32

enum crypto_digest { CRYPTO_SHA256, CRYPTO_SHA1, CRYPTO_MD5 };

/* Bytes of a digest. */
size_t crypto_digest_len(enum crypto_digest kind);

void crypto_sha256(const void *p, size_t n, uint8_t ret[SHA256_LEN]);
void crypto_digest(enum crypto_digest kind, const void *p, size_t n, uint8_t *ret);

/* A digest of bytes that come piece by piece. */
struct crypto_hash;
struct crypto_hash *crypto_hash_new(enum crypto_digest kind);
void crypto_hash_add(struct crypto_hash *h, const void *p, size_t n);
/* Answers the digest and begins anew. */
void crypto_hash_end(struct crypto_hash *h, uint8_t *ret);
struct crypto_hash *crypto_hash_free(struct crypto_hash *h);

/* HMAC-SHA256 under a key that is used often.  Zero it before the first crypto_hmac_key(). */
struct crypto_hmac {
    void *inner, *outer;
};
/* Sets or changes the key. */
void crypto_hmac_key(struct crypto_hmac *h, const void *key, size_t n);
void crypto_hmac(const struct crypto_hmac *h, const void *p, size_t n, uint8_t ret[SHA256_LEN]);
/* Forgets the key and frees the states. */
void crypto_hmac_done(struct crypto_hmac *h);

/* HMAC-SHA256 once. */
void crypto_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
                        uint8_t ret[SHA256_LEN]);

/* Lower-case hexadecimal of a digest (n is a multiple of 4): 2 * n bytes, no NUL. */
void crypto_hex(char *out, const uint8_t *p, size_t n);
