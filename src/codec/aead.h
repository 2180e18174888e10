/*
 * AES-256-GCM of OpenSSL's libcrypto for tokens: what clients hold for us and must neither read
 * nor change.  A sealed text is AEAD_TAG_BYTES longer than the plain one; the nonce is kept by the
 * caller and must never be used twice under one key (random ones: up to 2^32 texts).
 *
 * Each thread has a context of its own.  Nothing here fails but for want of memory, and then the
 * process aborts.
 */
#pragma once

#include "base/str.h"

enum { AEAD_KEY_BYTES = 32, AEAD_NONCE_BYTES = 12, AEAD_TAG_BYTES = 16 };

/* Writes plain.n + AEAD_TAG_BYTES bytes to ret.  `bound` is authenticated and not kept. */
void aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound, struct str plain, uint8_t *ret);
/* Writes sealed.n - AEAD_TAG_BYTES bytes to ret, which is worth nothing when this is false. */
bool aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound, struct str sealed, uint8_t *ret);
