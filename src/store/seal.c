/*
 * Secrets on disk: AES-256-GCM under the root key.
 *
 *   1 | nonce, 12 bytes | ciphertext | tag, 16 bytes
 *
 * Table, column and key of the row are authenticated with it, so a sealed value that somebody
 * copies into another row does not open there.  Nonces are random: at 2^32 secrets written under
 * one key the chance of two alike is 2^-33.  Empty text is an empty blob, since a column that is
 * new in a table begins so.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "store/internal.h"

enum { SEAL_VERSION = 1, NONCE_BYTES = 12, TAG_BYTES = 16, HEAD_BYTES = 1 + NONCE_BYTES };

int
seal_init(struct seal *seal)
{
    seal->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    seal->ctx = EVP_CIPHER_CTX_new();
    if (!seal->cipher || !seal->ctx)
        return error_origin(ENOTSUP, "libcrypto has no AES-256-GCM");
    return 0;
}

void
seal_set_key(struct seal *seal, const uint8_t key[STORE_ROOT_KEY_BYTES])
{
    assert(key);
    memcpy(seal->key, key, STORE_ROOT_KEY_BYTES);
    seal->has_key = true;
}

void
seal_done(struct seal *seal)
{
    OPENSSL_cleanse(seal->key, sizeof(seal->key));
    EVP_CIPHER_CTX_free(seal->ctx);
    EVP_CIPHER_free(seal->cipher);
    *seal = (struct seal){0};
}

/* Names hold no NUL, so no two (table, column, key) look alike. */
static bool
add_place(struct seal *seal, bool closing, const struct store_table *t,
          const struct store_column *c, struct str key)
{
    const struct str pieces[] = {{t->name, strlen(t->name) + 1}, {c->name, strlen(c->name) + 1},
                                 key};
    int n;

    assert(strlen(t->name) > 0 && strlen(c->name) > 0);
    assert(key.n > 0);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        const unsigned char *p = (const unsigned char *)pieces[i].p;

        if (pieces[i].n == 0)
            continue;
        if (!(closing ? EVP_EncryptUpdate(seal->ctx, NULL, &n, p, (int)pieces[i].n)
                      : EVP_DecryptUpdate(seal->ctx, NULL, &n, p, (int)pieces[i].n)))
            return false;
    }
    return true;
}

bool
seal_close(struct seal *seal, struct env *env, const struct store_table *t,
           const struct store_column *c, struct str key, struct str plain, struct buf *b)
{
    unsigned char *out;
    int n, last;

    assert(str_ok(plain));
    assert(c->type == STORE_SECRET);
    if (plain.n == 0)
        return true;
    assert(seal->has_key);
    if (!buf_reserve(b, HEAD_BYTES + plain.n + TAG_BYTES))
        return false;
    out = (unsigned char *)b->p + b->n;
    out[0] = SEAL_VERSION;
    env->random(env, out + 1, NONCE_BYTES);
    if (!EVP_EncryptInit_ex(seal->ctx, seal->cipher, NULL, seal->key, out + 1) ||
        !add_place(seal, true, t, c, key) ||
        !EVP_EncryptUpdate(seal->ctx, out + HEAD_BYTES, &n, (const unsigned char *)plain.p,
                           (int)plain.n) ||
        !EVP_EncryptFinal_ex(seal->ctx, out + HEAD_BYTES + n, &last) ||
        !EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
                             out + HEAD_BYTES + plain.n))
        return false;
    assert((size_t)(n + last) == plain.n);
    b->n += HEAD_BYTES + plain.n + TAG_BYTES;
    return true;
}

bool
seal_open(struct seal *seal, struct arena *a, const struct store_table *t,
          const struct store_column *c, struct str key, struct str sealed, struct str *ret)
{
    const unsigned char *in = (const unsigned char *)sealed.p;
    unsigned char tag[TAG_BYTES], *plain;
    size_t bytes;
    int n, last;

    assert(str_ok(sealed));
    assert(c->type == STORE_SECRET);
    if (sealed.n == 0) {
        *ret = S("");
        return true;
    }
    if (!seal->has_key || sealed.n <= HEAD_BYTES + TAG_BYTES || in[0] != SEAL_VERSION)
        return false;
    bytes = sealed.n - HEAD_BYTES - TAG_BYTES;
    plain = arena_alloc_raw(a, bytes);
    memcpy(tag, in + HEAD_BYTES + bytes, TAG_BYTES);
    if (!EVP_DecryptInit_ex(seal->ctx, seal->cipher, NULL, seal->key, in + 1) ||
        !add_place(seal, false, t, c, key) ||
        !EVP_DecryptUpdate(seal->ctx, plain, &n, in + HEAD_BYTES, (int)bytes) ||
        !EVP_CIPHER_CTX_ctrl(seal->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) ||
        EVP_DecryptFinal_ex(seal->ctx, plain + n, &last) <= 0)
        return false;
    *ret = str_of(plain, bytes);
    return true;
}
