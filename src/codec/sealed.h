/*
 * Bytes on a disk that are read in ranges, encrypted: AES-256-GCM in chunks.
 *
 *   file    chunk 0 | chunk 1 | …          SEALED_CHUNK_BYTES of plain text each but for the last
 *   chunk   ciphertext | tag, 16
 *   nonce   number of the chunk, 8, big-endian | 0, 0, 0 | 1 if it is the last, else 0
 *
 * A file has a key of its own, 32 random bytes that encrypt nothing else, so numbers are nonces: a
 * file is written once.  Chunks that were changed, moved, dropped or brought from another file are
 * not authentic; that the end was cut off shows because how many bytes there are is authenticated
 * with the key:
 *
 *   wrapped key   1 | salt, 16 | ciphertext, 32 | tag, 16
 *
 * under HMAC-SHA256(wrapping key, label | salt), a key that is used once, its nonce zero; `bound`
 * (whose file it is, and of how many bytes) is authenticated with it.  The first byte is the
 * version.
 */
#pragma once

#include "codec/aead.h"

#define SEALED_CHUNK_BYTES ((size_t)16 << 10)
#define SEALED_STORED_BYTES (SEALED_CHUNK_BYTES + AEAD_TAG_BYTES)
enum {
    SEALED_SALT_BYTES = 16,
    SEALED_WRAPPED_BYTES = 1 + SEALED_SALT_BYTES + AEAD_KEY_BYTES + AEAD_TAG_BYTES,
};

/* One that is the last begins before `bytes` and ends there. */
static inline bool
sealed_is_last(uint64_t number, uint64_t bytes)
{
    return (number + 1) * SEALED_CHUNK_BYTES >= bytes;
}

/* Writes plain.n + AEAD_TAG_BYTES bytes. */
void sealed_put(const uint8_t key[AEAD_KEY_BYTES], uint64_t number, bool last, struct str plain,
                uint8_t *ret);
/* Writes sealed.n - AEAD_TAG_BYTES bytes, which are worth nothing when this is false. */
bool sealed_get(const uint8_t key[AEAD_KEY_BYTES], uint64_t number, bool last, struct str sealed,
                uint8_t *ret);

/* `salt` is random. */
void
sealed_wrap(const uint8_t wrapping[AEAD_KEY_BYTES], const uint8_t salt[SEALED_SALT_BYTES],
            struct str bound, const uint8_t key[AEAD_KEY_BYTES], uint8_t ret[SEALED_WRAPPED_BYTES]);
bool sealed_unwrap(const uint8_t wrapping[AEAD_KEY_BYTES], struct str bound, struct str wrapped,
                   uint8_t ret[AEAD_KEY_BYTES]);
