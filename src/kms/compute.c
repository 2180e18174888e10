/*
 * What is computed with keys: signatures, MACs, RSA encryption, key agreement, unwrapping.
 *
 * Messages are hashed here and signed as digests, so that RAW and DIGEST are one path.
 */
#include "kms/material.h"

#include "base/error.h"
#include "kms/pkey.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define ED25519_BYTES 64

static const uint8_t *
bytes_of(struct str s)
{
    return (const uint8_t *)s.p;
}

/* ---- signing ---- */

enum scheme { RSA_PKCS1, RSA_PSS, ECDSA, PURE_ED25519 };

static const struct algorithm {
    const char *name;
    enum scheme scheme;
    const char *digest;
    size_t digest_bytes;
} algorithms[] = {
    {"RSASSA_PKCS1_V1_5_SHA_256", RSA_PKCS1, "SHA256", 32},
    {"RSASSA_PKCS1_V1_5_SHA_384", RSA_PKCS1, "SHA384", 48},
    {"RSASSA_PKCS1_V1_5_SHA_512", RSA_PKCS1, "SHA512", 64},
    {"RSASSA_PSS_SHA_256", RSA_PSS, "SHA256", 32},
    {"RSASSA_PSS_SHA_384", RSA_PSS, "SHA384", 48},
    {"RSASSA_PSS_SHA_512", RSA_PSS, "SHA512", 64},
    {"ECDSA_SHA_256", ECDSA, "SHA256", 32},
    {"ECDSA_SHA_384", ECDSA, "SHA384", 48},
    {"ECDSA_SHA_512", ECDSA, "SHA512", 64},
    {"ED25519_SHA_512", PURE_ED25519, NULL, 0},
};

static const struct algorithm *
algorithm_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (str_is(name, algorithms[i].name))
            return &algorithms[i];
    return NULL;
}

bool
kms_digest_fits(struct str name, struct str digest)
{
    const struct algorithm *alg = algorithm_find(name);

    return alg && alg->digest_bytes == digest.n;
}

bool
kms_signing_takes(struct str name, bool digest)
{
    const struct algorithm *alg = algorithm_find(name);

    return alg && !(digest && alg->scheme == PURE_ED25519);
}

/* The digest of the message, or the message when it is one already. */
static bool
digest_of(const struct algorithm *alg, struct str message, bool is_digest,
          uint8_t out[KMS_DIGEST_BYTES_MAX])
{
    size_t n;

    assert(alg->digest && alg->digest_bytes <= KMS_DIGEST_BYTES_MAX);
    if (is_digest) {
        assert(message.n == alg->digest_bytes);
        memcpy(out, message.p, message.n);
        return true;
    }
    return EVP_Q_digest(NULL, alg->digest, NULL, message.p, message.n, out, &n) > 0 &&
           n == alg->digest_bytes;
}

static bool
set_scheme(EVP_PKEY_CTX *ctx, const struct algorithm *alg)
{
    const EVP_MD *md = EVP_get_digestbyname(alg->digest);

    assert(md && (size_t)EVP_MD_get_size(md) == alg->digest_bytes);
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0)
        return false;
    if (alg->scheme == RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    if (alg->scheme == RSA_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    return true;
}

static int
ed25519_sign(struct arena *a, EVP_PKEY *key, struct str message, struct str *ret)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = ED25519_BYTES;
    uint8_t *out = arena_alloc_raw(a, n);
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) > 0 &&
              EVP_DigestSign(ctx, out, &n, bytes_of(message), message.n) > 0;

    EVP_MD_CTX_free(ctx);
    if (!ok)
        return error_origin(EIO, "libcrypto could not sign");
    assert(n == ED25519_BYTES);
    *ret = str_of(out, n);
    return 0;
}

int
kms_signature_make(struct arena *a, struct str secret, struct str algorithm, struct str message,
                   bool digest, struct str *ret)
{
    const struct algorithm *alg = algorithm_find(algorithm);
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_private(secret);
    uint8_t hash[KMS_DIGEST_BYTES_MAX];
    size_t n;

    assert(alg);
    assert(!digest || alg->digest_bytes == message.n);
    if (!key)
        return error_origin(EIO, "a private key cannot be read");
    if (alg->scheme == PURE_ED25519)
        return ed25519_sign(a, key, message, ret);
    CLEANUP(kms_pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (!ctx || !digest_of(alg, message, digest, hash) || EVP_PKEY_sign_init(ctx) <= 0 ||
        !set_scheme(ctx, alg) || EVP_PKEY_sign(ctx, NULL, &n, hash, alg->digest_bytes) <= 0)
        return error_origin(EIO, "libcrypto could not sign");
    uint8_t *out = arena_alloc_raw(a, n);
    if (EVP_PKEY_sign(ctx, out, &n, hash, alg->digest_bytes) <= 0)
        return error_origin(EIO, "libcrypto could not sign");
    *ret = str_of(out, n);
    return 0;
}

static int
ed25519_verify(EVP_PKEY *key, struct str message, struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool begun = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) > 0;
    bool ok = begun && EVP_DigestVerify(ctx, bytes_of(signature), signature.n, bytes_of(message),
                                        message.n) == 1;

    EVP_MD_CTX_free(ctx);
    if (!begun)
        return error_origin(EIO, "libcrypto could not verify");
    return ok ? 0 : 1;
}

int
kms_signature_check(struct str public, struct str algorithm, struct str message, bool digest,
                    struct str signature)
{
    const struct algorithm *alg = algorithm_find(algorithm);
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_public(public);
    uint8_t hash[KMS_DIGEST_BYTES_MAX];

    assert(alg);
    assert(!digest || alg->digest_bytes == message.n);
    if (!key)
        return error_origin(EIO, "a public key cannot be read");
    if (alg->scheme == PURE_ED25519)
        return ed25519_verify(key, message, signature);
    CLEANUP(kms_pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (!ctx || !digest_of(alg, message, digest, hash) || EVP_PKEY_verify_init(ctx) <= 0 ||
        !set_scheme(ctx, alg))
        return error_origin(EIO, "libcrypto could not verify");
    int r = EVP_PKEY_verify(ctx, bytes_of(signature), signature.n, hash, alg->digest_bytes);

    ERR_clear_error();
    return r == 1 ? 0 : 1; /* a negative answer is a signature that is not even one */
}

/* ---- MACs ---- */

int
kms_mac(struct arena *a, struct str secret, struct str algorithm, struct str message,
        struct str *ret)
{
    static const struct {
        const char *name, *digest;
        size_t bytes;
    } macs[] = {
        {"HMAC_SHA_224", "SHA224", 28},
        {"HMAC_SHA_256", "SHA256", 32},
        {"HMAC_SHA_384", "SHA384", 48},
        {"HMAC_SHA_512", "SHA512", 64},
    };
    size_t i = 0, n;

    while (i < ARRAY_LEN(macs) && !str_is(algorithm, macs[i].name))
        i++;
    assert(i < ARRAY_LEN(macs));
    assert(secret.n > 0);
    uint8_t *out = arena_alloc_raw(a, macs[i].bytes);
    if (!EVP_Q_mac(NULL, "HMAC", NULL, macs[i].digest, NULL, secret.p, secret.n, bytes_of(message),
                   message.n, out, macs[i].bytes, &n) ||
        n != macs[i].bytes)
        return error_origin(EIO, "libcrypto could not make a MAC");
    *ret = str_of(out, n);
    return 0;
}

/* ---- RSA encryption ---- */

static const EVP_MD *
oaep_digest(struct str algorithm)
{
    assert(str_ends(algorithm, S("SHA_1")) || str_ends(algorithm, S("SHA_256")));
    return str_ends(algorithm, S("SHA_1")) ? EVP_sha1() : EVP_sha256();
}

size_t
kms_rsa_room(const struct kms_spec *spec, struct str algorithm)
{
    assert(spec->kind == KMS_RSA);
    return spec->bits / 8 - 2 * (size_t)EVP_MD_get_size(oaep_digest(algorithm)) - 2;
}

static bool
set_oaep(EVP_PKEY_CTX *ctx, struct str algorithm)
{
    const EVP_MD *md = oaep_digest(algorithm);

    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0;
}

int
kms_rsa_encrypt(struct arena *a, struct str public, struct str algorithm, struct str plain,
                struct str *ret)
{
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_public(public);
    CLEANUP(kms_pkey_ctx_free)
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    size_t n;

    if (!ctx || EVP_PKEY_encrypt_init(ctx) <= 0 || !set_oaep(ctx, algorithm) ||
        EVP_PKEY_encrypt(ctx, NULL, &n, bytes_of(plain), plain.n) <= 0)
        return error_origin(EIO, "libcrypto could not encrypt");
    uint8_t *out = arena_alloc_raw(a, n);
    if (EVP_PKEY_encrypt(ctx, out, &n, bytes_of(plain), plain.n) <= 0)
        return error_origin(EIO, "libcrypto could not encrypt");
    *ret = str_of(out, n);
    return 0;
}

int
kms_rsa_decrypt(struct arena *a, struct str secret, struct str algorithm, struct str cipher,
                struct str *ret)
{
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_private(secret);
    CLEANUP(kms_pkey_ctx_free)
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;

    if (!ctx || EVP_PKEY_decrypt_init(ctx) <= 0 || !set_oaep(ctx, algorithm))
        return error_origin(EIO, "libcrypto could not decrypt");
    size_t n = (size_t)EVP_PKEY_get_size(key);
    uint8_t *out = arena_alloc_raw(a, n);
    if (cipher.n != n || EVP_PKEY_decrypt(ctx, out, &n, bytes_of(cipher), cipher.n) <= 0) {
        ERR_clear_error();
        return 1;
    }
    *ret = str_of(out, n);
    return 0;
}

/* ---- key agreement ---- */

static bool
same_curve(EVP_PKEY *a, EVP_PKEY *b)
{
    assert(EVP_PKEY_is_a(a, "EC"));
    return EVP_PKEY_is_a(b, "EC") && EVP_PKEY_parameters_eq(a, b) == 1;
}

int
kms_derive(struct arena *a, struct str secret, struct str peer_der, struct str *ret)
{
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_private(secret);
    CLEANUP(kms_pkey_free) EVP_PKEY *peer = kms_pkey_public(peer_der);
    size_t n;

    if (!key)
        return error_origin(EIO, "a private key cannot be read");
    ERR_clear_error();
    if (!peer || !same_curve(key, peer))
        return 1;
    CLEANUP(kms_pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (!ctx || EVP_PKEY_derive_init(ctx) <= 0)
        return error_origin(EIO, "libcrypto could not agree on a key");
    /* the peer is checked to be a point of the curve */
    if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 1) <= 0 || EVP_PKEY_derive(ctx, NULL, &n) <= 0) {
        ERR_clear_error();
        return 1;
    }
    uint8_t *out = arena_alloc_raw(a, n);
    if (EVP_PKEY_derive(ctx, out, &n) <= 0)
        return 1;
    *ret = str_of(out, n);
    return 0;
}

/* ---- imported material ---- */

/* RFC 5649 with an AES-256 key. */
static int
aes_unwrap(struct arena *a, struct str key, struct str wrapped, struct str *ret)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *out = arena_alloc_raw(a, wrapped.n + 16);
    int n = 0;
    bool begun = cipher && ctx && EVP_DecryptInit_ex2(ctx, cipher, bytes_of(key), NULL, NULL) > 0;
    bool ok = begun && wrapped.n >= 16 && wrapped.n % 8 == 0 &&
              EVP_DecryptUpdate(ctx, out, &n, bytes_of(wrapped), (int)wrapped.n) > 0 && n > 0;

    assert(key.n == KMS_SYMMETRIC_BYTES && wrapped.n <= INT_MAX);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    if (!begun)
        return error_origin(EIO, "libcrypto has no AES key wrap");
    if (ok)
        *ret = str_of(out, (size_t)n);
    return ok ? 0 : 1;
}

int
kms_unwrap(struct arena *a, struct str secret, struct str algorithm, struct str wrapped,
           struct str *ret)
{
    CLEANUP(kms_pkey_free) EVP_PKEY *rsa = kms_pkey_private(secret);
    struct str key;

    if (!rsa)
        return error_origin(EIO, "a wrapping key cannot be read");
    size_t head = (size_t)EVP_PKEY_get_size(rsa);
    assert(head > 0);
    if (!str_starts(algorithm, S("RSA_AES_KEY_WRAP_")))
        return kms_rsa_decrypt(a, secret, algorithm, wrapped, ret);
    int r = kms_rsa_decrypt(a, secret, algorithm, str_cut(wrapped, 0, head), &key);

    if (r == 0 && key.n != KMS_SYMMETRIC_BYTES)
        r = 1;
    if (r == 0)
        r = aes_unwrap(a, key, str_cut(wrapped, head, wrapped.n), ret);
    return r;
}
