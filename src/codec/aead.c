/*
 * The cipher is fetched once and contexts are kept: setting one up costs more than a token.
 */
#include "codec/aead.h"

#include "base/log.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

static EVP_CIPHER *cipher;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_end;

static _Thread_local EVP_CIPHER_CTX *mine;

static void
must(bool ok)
{
    if (!ok) {
        log_error("libcrypto has no AES-256-GCM, or no memory");
        abort();
    }
}

static void
free_context(void *ctx)
{
    EVP_CIPHER_CTX_free(ctx);
}

static void
fetch(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    must(cipher && pthread_key_create(&thread_end, free_context) == 0);
}

static EVP_CIPHER_CTX *
context(void)
{
    if (!mine) {
        pthread_once(&fetch_once, fetch);
        mine = EVP_CIPHER_CTX_new();
        must(mine && pthread_setspecific(thread_end, mine) == 0);
    }
    return mine;
}

void
aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
          struct str bound, struct str plain, uint8_t *ret)
{
    EVP_CIPHER_CTX *ctx = context();
    int n = 0, last;

    assert(str_ok(bound) && str_ok(plain));
    assert(plain.n <= INT_MAX - AEAD_TAG_BYTES && bound.n <= INT_MAX);
    must(EVP_EncryptInit_ex2(ctx, cipher, key, nonce, NULL));
    if (bound.n)
        must(EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)bound.p, (int)bound.n));
    n = 0;
    if (plain.n)
        must(EVP_EncryptUpdate(ctx, ret, &n, (const uint8_t *)plain.p, (int)plain.n));
    must(EVP_EncryptFinal_ex(ctx, ret + n, &last) && (size_t)(n + last) == plain.n);
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, ret + plain.n));
}

bool
aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
          struct str bound, struct str sealed, uint8_t *ret)
{
    EVP_CIPHER_CTX *ctx = context();
    uint8_t tag[AEAD_TAG_BYTES];
    int n = 0, last;

    assert(str_ok(bound) && str_ok(sealed));
    if (sealed.n < AEAD_TAG_BYTES || sealed.n > INT_MAX)
        return false;
    size_t bytes = sealed.n - AEAD_TAG_BYTES;

    memcpy(tag, sealed.p + bytes, AEAD_TAG_BYTES);
    must(EVP_DecryptInit_ex2(ctx, cipher, key, nonce, NULL));
    if (bound.n)
        must(EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)bound.p, (int)bound.n));
    n = 0;
    if (bytes)
        must(EVP_DecryptUpdate(ctx, ret, &n, (const uint8_t *)sealed.p, (int)bytes));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag));
    return EVP_DecryptFinal_ex(ctx, ret + n, &last) > 0;
}
