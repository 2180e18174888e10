/* Keys are derived and nonces are counted here; the cipher itself is aead.c's. */
#include "codec/sealed.h"

#include "codec/crypto.h"

#define VERSION 1
#define LABEL "welkin file key 1"

static void
nonce_of(uint64_t number, bool last, uint8_t ret[AEAD_NONCE_BYTES])
{
    memset(ret, 0, AEAD_NONCE_BYTES);
    for (int i = 0; i < 8; i++)
        ret[i] = (uint8_t)(number >> (56 - 8 * i));
    ret[AEAD_NONCE_BYTES - 1] = last;
}

void
sealed_put(const uint8_t key[AEAD_KEY_BYTES], uint64_t number, bool last, struct str plain,
           uint8_t *ret)
{
    uint8_t nonce[AEAD_NONCE_BYTES];

    assert(plain.n > 0 && plain.n <= SEALED_CHUNK_BYTES);
    assert(last || plain.n == SEALED_CHUNK_BYTES);
    nonce_of(number, last, nonce);
    aead_seal(key, nonce, STR_NONE, plain, ret);
}

bool
sealed_get(const uint8_t key[AEAD_KEY_BYTES], uint64_t number, bool last, struct str sealed,
           uint8_t *ret)
{
    uint8_t nonce[AEAD_NONCE_BYTES];

    assert(sealed.n <= SEALED_STORED_BYTES);
    nonce_of(number, last, nonce);
    return aead_open(key, nonce, STR_NONE, sealed, ret);
}

static void
derive(const uint8_t wrapping[AEAD_KEY_BYTES], const uint8_t salt[SEALED_SALT_BYTES],
       uint8_t ret[AEAD_KEY_BYTES])
{
    uint8_t text[sizeof(LABEL) + SEALED_SALT_BYTES] = LABEL;

    memcpy(text + sizeof(LABEL), salt, SEALED_SALT_BYTES);
    crypto_hmac_sha256(wrapping, AEAD_KEY_BYTES, text, sizeof(text), ret);
}

void
sealed_wrap(const uint8_t wrapping[AEAD_KEY_BYTES], const uint8_t salt[SEALED_SALT_BYTES],
            struct str bound, const uint8_t key[AEAD_KEY_BYTES], uint8_t ret[SEALED_WRAPPED_BYTES])
{
    static const uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t once[AEAD_KEY_BYTES];

    derive(wrapping, salt, once);
    ret[0] = VERSION;
    memcpy(ret + 1, salt, SEALED_SALT_BYTES);
    aead_seal(once, nonce, bound, str_of(key, AEAD_KEY_BYTES), ret + 1 + SEALED_SALT_BYTES);
    explicit_bzero(once, sizeof(once));
}

bool
sealed_unwrap(const uint8_t wrapping[AEAD_KEY_BYTES], struct str bound, struct str wrapped,
              uint8_t ret[AEAD_KEY_BYTES])
{
    static const uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t once[AEAD_KEY_BYTES];

    if (wrapped.n != SEALED_WRAPPED_BYTES || wrapped.p[0] != VERSION)
        return false;
    derive(wrapping, (const uint8_t *)wrapped.p + 1, once);
    bool good =
        aead_open(once, nonce, bound, str_cut(wrapped, 1 + SEALED_SALT_BYTES, wrapped.n), ret);

    explicit_bzero(once, sizeof(once));
    return good;
}
