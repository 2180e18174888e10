/* Ciphertext blobs: the format is in the header. */
#include "kms/cipher.h"

#include "base/error.h"
#include "codec/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define BLOB_VERSION 1
#define KEY_LABEL "welkin kms blob 1"
#define KEY_BYTES 32

static void
cipher_free(EVP_CIPHER_CTX **ctx)
{
    static_assert(KMS_BLOB_ARN_MAX == UINT8_MAX, "an ARN's length is one byte");
    EVP_CIPHER_CTX_free(*ctx);
}

/* ---- the form ---- */

/* The next n bytes, or false. */
static bool
take(struct str *rest, size_t n, struct str *ret)
{
    assert(str_ok(*rest));
    if (rest->n < n)
        return false;
    *ret = str_cut(*rest, 0, n);
    *rest = str_cut(*rest, n, rest->n);
    return true;
}

bool
kms_blob_read(struct str bytes, struct kms_blob *ret)
{
    struct str rest = bytes, mark;
    struct kms_blob blob;

    if (!take(&rest, 2, &mark) || mark.p[0] != BLOB_VERSION || mark.p[1] == 0)
        return false;
    if (!take(&rest, (uint8_t)mark.p[1], &blob.arn) ||
        !take(&rest, KMS_BLOB_MATERIAL_BYTES, &blob.material_id) ||
        !take(&rest, KMS_BLOB_SALT_BYTES, &blob.salt) ||
        !take(&rest, KMS_BLOB_NONCE_BYTES, &blob.nonce) || rest.n <= KMS_BLOB_TAG_BYTES)
        return false;
    blob.head = str_of(bytes.p, bytes.n - rest.n);
    blob.body = str_cut(rest, 0, rest.n - KMS_BLOB_TAG_BYTES);
    blob.tag = str_cut(rest, rest.n - KMS_BLOB_TAG_BYTES, rest.n);
    assert(blob.head.n + blob.body.n + blob.tag.n == bytes.n);
    *ret = blob;
    return true;
}

static char *
put_text(char *w, struct str s)
{
    assert(str_ok(s) && s.n <= UINT32_MAX);
    for (int shift = 24; shift >= 0; shift -= 8)
        *w++ = (char)(s.n >> shift);
    if (s.n)
        memcpy(w, s.p, s.n);
    return w + s.n;
}

struct str
kms_context_bytes(struct arena *a, const struct str_list *context)
{
    size_t n = 0;

    assert(context->n % 2 == 0);
    for (size_t i = 0; i < context->n; i++) {
        assert(context->v[i].n <= UINT32_MAX);
        n += 4 + context->v[i].n;
    }
    char *p = arena_alloc_raw(a, n), *w = p;
    for (size_t i = 0; i < context->n; i++)
        w = put_text(w, context->v[i]);
    assert(w == p + n);
    return str_of(p, n);
}

/* ---- the cryptography ---- */

static void
blob_key(struct str secret, struct str salt, uint8_t ret[KEY_BYTES])
{
    char input[sizeof(KEY_LABEL) - 1 + KMS_BLOB_SALT_BYTES];

    static_assert(KEY_BYTES == SHA256_LEN, "a blob's key is one HMAC");
    assert(secret.n > 0);
    assert(salt.n == KMS_BLOB_SALT_BYTES);
    memcpy(input, KEY_LABEL, sizeof(KEY_LABEL) - 1);
    memcpy(input + sizeof(KEY_LABEL) - 1, salt.p, salt.n);
    crypto_hmac_sha256(secret.p, secret.n, input, sizeof(input), ret);
}

static const uint8_t *
bytes_of(struct str s)
{
    return (const uint8_t *)s.p;
}

static EVP_CIPHER_CTX *
begin(struct str secret, const struct kms_blob *blob, bool seal)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[KEY_BYTES];

    blob_key(secret, blob->salt, key);
    int ok = ctx &&
             EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, bytes_of(blob->nonce), seal) > 0;
    OPENSSL_cleanse(key, sizeof(key));
    if (ok)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static bool
add_head(EVP_CIPHER_CTX *ctx, const struct kms_blob *blob, struct str context)
{
    int n;

    assert(blob->head.n > 0 && blob->head.n <= INT_MAX && context.n <= INT_MAX);
    return EVP_CipherUpdate(ctx, NULL, &n, bytes_of(blob->head), (int)blob->head.n) > 0 &&
           (context.n == 0 ||
            EVP_CipherUpdate(ctx, NULL, &n, bytes_of(context), (int)context.n) > 0);
}

/* Lays out a blob with an empty body of n bytes. */
static char *
lay_out(struct env *env, struct arena *a, struct str arn, struct str material_id, size_t n,
        struct kms_blob *ret, size_t *ret_n)
{
    size_t head = 2 + arn.n + KMS_BLOB_MATERIAL_BYTES + KMS_BLOB_SALT_BYTES + KMS_BLOB_NONCE_BYTES;
    char *p = arena_alloc(a, head + n + KMS_BLOB_TAG_BYTES), *w = p + 2;

    assert(arn.n <= KMS_BLOB_ARN_MAX && material_id.n == KMS_BLOB_MATERIAL_BYTES);
    p[0] = BLOB_VERSION;
    p[1] = (char)arn.n;
    memcpy(w, arn.p, arn.n);
    memcpy(w += arn.n, material_id.p, material_id.n);
    env->random(env, w + material_id.n, KMS_BLOB_SALT_BYTES + KMS_BLOB_NONCE_BYTES);
    *ret_n = head + n + KMS_BLOB_TAG_BYTES;
    bool whole = kms_blob_read(str_of(p, *ret_n), ret);
    assert(whole && ret->body.n == n);
    (void)whole;
    return p;
}

int
kms_seal(struct env *env, struct arena *a, struct str secret, struct str arn,
         struct str material_id, const struct str_list *context, struct str plain, struct str *ret)
{
    struct kms_blob blob;
    size_t blob_n;
    int n;

    assert(plain.n > 0 && plain.n <= INT_MAX && secret.n > 0);
    assert(arn.n > 0 && arn.n <= KMS_BLOB_ARN_MAX && material_id.n == KMS_BLOB_MATERIAL_BYTES);
    char *p = lay_out(env, a, arn, material_id, plain.n, &blob, &blob_n);
    CLEANUP(cipher_free) EVP_CIPHER_CTX *ctx = begin(secret, &blob, true);
    uint8_t *body = (uint8_t *)p + blob.head.n;

    if (!ctx || !add_head(ctx, &blob, kms_context_bytes(a, context)) ||
        EVP_EncryptUpdate(ctx, body, &n, bytes_of(plain), (int)plain.n) <= 0 ||
        EVP_EncryptFinal_ex(ctx, body + n, &n) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, KMS_BLOB_TAG_BYTES, body + plain.n) <= 0)
        return error_origin(EIO, "libcrypto could not encrypt");
    *ret = str_of(p, blob_n);
    return 0;
}

int
kms_open(struct arena *a, struct str secret, const struct kms_blob *blob,
         const struct str_list *context, struct str *ret)
{
    uint8_t *plain = arena_alloc_raw(a, blob->body.n);
    uint8_t tag[KMS_BLOB_TAG_BYTES];
    int n;

    assert(secret.n > 0 && blob->tag.n == sizeof(tag));
    CLEANUP(cipher_free) EVP_CIPHER_CTX *ctx = begin(secret, blob, false);
    memcpy(tag, blob->tag.p, sizeof(tag));
    if (!ctx || blob->body.n > INT_MAX || !add_head(ctx, blob, kms_context_bytes(a, context)) ||
        EVP_DecryptUpdate(ctx, plain, &n, bytes_of(blob->body), (int)blob->body.n) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) <= 0)
        return error_origin(EIO, "libcrypto could not decrypt");
    if (EVP_DecryptFinal_ex(ctx, plain + n, &n) <= 0) {
        OPENSSL_cleanse(plain, blob->body.n);
        return 1;
    }
    *ret = str_of(plain, blob->body.n);
    return 0;
}
