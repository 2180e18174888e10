/*
 * The texts of Signature Version 4, shared by verifying, signing and explaining.  Only sigv4*.c
 * include this.
 */
#pragma once

#include "codec/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
/* A credential's parts may not be longer; AWS's own stay below 200 bytes. */
#define SIGV4_SCOPE_MAX_BYTES 256

struct sigv4_key {
    struct crypto_hmac hmac;
};

/* The last line of the canonical request; hex is room for a digest.  0 or a sigv4_error. */
int sigv4_payload(const struct sigv4_request *req, const struct sigv4_claim *claim, unsigned flags,
                  char hex[2 * SHA256_LEN], struct str *ret);

/* Digest of the canonical request; false when the request has more parts than can be signed. */
bool sigv4_canonical_hash(const struct sigv4_request *req, const struct sigv4_claim *claim,
                          unsigned flags, struct str payload, uint8_t ret[SHA256_LEN]);

/* algorithm, time, scope, digest.  Writes at most this; answers how many. */
#define SIGV4_TO_SIGN_MAX_BYTES (17 + 17 + SIGV4_SCOPE_MAX_BYTES + 1 + 64)
size_t sigv4_to_sign(char out[SIGV4_TO_SIGN_MAX_BYTES], const struct sigv4_claim *claim,
                     const uint8_t canonical[SHA256_LEN]);

/* Makes a signing key: four HMACs. */
void sigv4_derive(struct crypto_hmac *key, struct str secret, struct str date, struct str region,
                  struct str service);

/* Whether a list like "host;x-amz-date" has the name, in any case. */
bool sigv4_is_signed(struct str signed_headers, struct str name);

/* Whether a header that is there must be signed: x-amz-* but for the session token. */
bool sigv4_must_be_signed(struct str name);

/* date_ms as the 16 bytes of a stamp. */
void sigv4_stamp(char out[16], int64_t ms);
