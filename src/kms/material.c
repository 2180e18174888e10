/*
 * Keys as bytes: making them, and reading what somebody imports.
 *
 * Symmetric and HMAC keys come from the world's randomness, so that a simulated cloud is a function
 * of its seed; asymmetric ones from libcrypto's own generator.
 */
#include "kms/material.h"

#include "base/error.h"
#include "codec/crypto.h"
#include "kms/pkey.h"
#include "sys/rsa_pool.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define GROUP_NAME_MAX 64

/* ---- between keys and bytes ---- */

EVP_PKEY *
kms_pkey_private(struct str secret)
{
    const uint8_t *p = (const uint8_t *)secret.p;
    PKCS8_PRIV_KEY_INFO *info =
        secret.n <= LONG_MAX ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)secret.n) : NULL;
    EVP_PKEY *key = NULL;

    if (info && p == (const uint8_t *)secret.p + secret.n)
        key = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

EVP_PKEY *
kms_pkey_public(struct str der)
{
    const uint8_t *p = (const uint8_t *)der.p;
    EVP_PKEY *key = der.n <= LONG_MAX ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;

    if (key && p != (const uint8_t *)der.p + der.n) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static int
write_pair(struct arena *a, EVP_PKEY *key, struct kms_material *ret)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    uint8_t *private = NULL, *public = NULL;
    int private_n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &private) : -1;
    int public_n = i2d_PUBKEY(key, &public);

    PKCS8_PRIV_KEY_INFO_free(info);
    if (private_n > 0 && public_n > 0)
        *ret = (struct kms_material){
            .secret = str_of(arena_dup(a, private, (size_t)private_n), (size_t)private_n),
            .public = str_of(arena_dup(a, public, (size_t)public_n), (size_t)public_n),
        };
    OPENSSL_clear_free(private, private_n > 0 ? (size_t)private_n : 0);
    OPENSSL_free(public);
    assert(private_n <= 0 || public_n <= 0 || public_n < private_n); /* it holds both halves */
    return private_n > 0 && public_n > 0 ? 0 : error_origin(EIO, "libcrypto cannot write a key");
}

/* ---- making ---- */

static EVP_PKEY *
generate(const struct kms_spec *spec)
{
    switch (spec->kind) {
    case KMS_RSA:
        return spec->bits == RSA_POOL_BITS
                   ? rsa_pool_take()
                   : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)spec->bits);
    case KMS_EC:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", spec->curve);
    case KMS_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case KMS_SYMMETRIC:
    case KMS_HMAC:
    case KMS_ABSENT:
        break;
    }
    return NULL;
}

int
kms_material_make(struct env *env, struct arena *a, const struct kms_spec *spec,
                  struct kms_material *ret)
{
    assert(spec->kind != KMS_ABSENT);
    if (spec->kind == KMS_SYMMETRIC || spec->kind == KMS_HMAC) {
        size_t n = spec->bits / 8;

        assert(n > 0 && spec->bits % 8 == 0);
        void *p = arena_alloc_raw(a, n);

        env->random(env, p, n);
        *ret = (struct kms_material){.secret = str_of(p, n)};
        return 0;
    }
    CLEANUP(kms_pkey_free) EVP_PKEY *key = generate(spec);

    if (!key)
        return error_origin(EIO, "libcrypto could not make a key of %s", spec->name);
    return write_pair(a, key, ret);
}

/* ---- reading ---- */

static bool
is_kind(EVP_PKEY *key, const struct kms_spec *spec)
{
    char group[GROUP_NAME_MAX];

    switch (spec->kind) {
    case KMS_RSA:
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == (int)spec->bits;
    case KMS_EC:
        return EVP_PKEY_is_a(key, "EC") &&
               EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) > 0 &&
               strcmp(group, spec->curve) == 0;
    case KMS_ED25519:
        return EVP_PKEY_is_a(key, "ED25519");
    case KMS_SYMMETRIC:
    case KMS_HMAC:
    case KMS_ABSENT:
        break;
    }
    return false;
}

/* A private key whose public half does not belong to it would sign what nobody can verify. */
static bool
is_whole(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_pairwise_check(ctx) > 0 && EVP_PKEY_private_check(ctx) > 0;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int
kms_material_read(struct arena *a, const struct kms_spec *spec, struct str bytes,
                  struct kms_material *ret)
{
    assert(spec->kind != KMS_ABSENT);
    if (spec->kind == KMS_SYMMETRIC || spec->kind == KMS_HMAC) {
        if (bytes.n != spec->bits / 8)
            return 1;
        *ret = (struct kms_material){.secret = str_dup(a, bytes)};
        return 0;
    }
    CLEANUP(kms_pkey_free) EVP_PKEY *key = kms_pkey_private(bytes);

    if (!key || !is_kind(key, spec))
        return 1;
    /* an Ed25519 public key is always computed from its seed */
    if (spec->kind != KMS_ED25519 && !is_whole(key))
        return 1;
    return write_pair(a, key, ret);
}

struct str
kms_material_name(struct arena *a, struct str owner, struct str secret)
{
    uint8_t digest[SHA256_LEN];

    assert(secret.n > 0);
    crypto_hmac_sha256(secret.p, secret.n, owner.p, owner.n, digest);
    return str_hex(a, digest, sizeof(digest));
}
