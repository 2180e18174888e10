/*
 * Key material and what is computed with it.  Pure: no rows, no calls; libcrypto does the work.
 *
 * A secret is the bytes themselves of a symmetric or HMAC key, PKCS#8 (PrivateKeyInfo) of an
 * asymmetric one; a public key is SubjectPublicKeyInfo, as GetPublicKey shows it.  Results live in
 * the arena; secrets among them are the caller's to wipe where the arena is not wiped.
 *
 * Answers are 0, 1 (what was given is not good: bad length, wrong signature, wrong key) or -errno
 * (libcrypto failed; logged).
 */
#pragma once

#include "base/str.h"
#include "sys/env.h"

enum kms_kind { KMS_SYMMETRIC, KMS_HMAC, KMS_RSA, KMS_EC, KMS_ED25519, KMS_ABSENT };

#define KMS_SYMMETRIC_BYTES 32
#define KMS_DIGEST_BYTES_MAX 64

/* A KeySpec.  Lists end with NULL. */
struct kms_spec {
    const char *name;
    enum kms_kind kind; /* KMS_ABSENT: known to the API, not offered here */
    unsigned bits;      /* RSA: of the modulus; symmetric and HMAC: of the key */
    const char *curve;  /* libcrypto's name */
    const char *usages[3];
    const char *encryption[3], *signing[7], *mac[2];
};
/* NULL when there is none of that name. */
const struct kms_spec *kms_spec_find(struct str name);
bool kms_name_in(const char *const *names, struct str name);

struct kms_material {
    struct str secret, public;
};

/* Makes a new key.  RSA keys of 3,072 and 4,096 bits take up to some seconds. */
int kms_material_make(struct env *env, struct arena *a, const struct kms_spec *spec,
                      struct kms_material *ret);
/* Checks imported bytes: length, or that PKCS#8 holds a whole key of just that kind. */
int kms_material_read(struct arena *a, const struct kms_spec *spec, struct str bytes,
                      struct kms_material *ret);

/* Whether the digest given as a message has the algorithm's length. */
bool kms_digest_fits(struct str algorithm, struct str digest);
/* Whether the algorithm can be carried out here at all (ED25519_PH_SHA_512 cannot), and takes a
 * message (`digest` false) or a digest. */
bool kms_signing_takes(struct str algorithm, bool digest);
int kms_signature_make(struct arena *a, struct str secret, struct str algorithm, struct str message,
                       bool digest, struct str *ret);
int kms_signature_check(struct str public, struct str algorithm, struct str message, bool digest,
                        struct str signature);
/* HMAC_SHA_224 … */
int kms_mac(struct arena *a, struct str secret, struct str algorithm, struct str message,
            struct str *ret);

/* RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256.  kms_rsa_room() is the longest plaintext. */
size_t kms_rsa_room(const struct kms_spec *spec, struct str algorithm);
int kms_rsa_encrypt(struct arena *a, struct str public, struct str algorithm, struct str plain,
                    struct str *ret);
int kms_rsa_decrypt(struct arena *a, struct str secret, struct str algorithm, struct str cipher,
                    struct str *ret);
/* ECDH with a peer's SubjectPublicKeyInfo on the same curve. */
int kms_derive(struct arena *a, struct str secret, struct str peer, struct str *ret);

/*
 * Unwraps imported material: RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, or RSA_AES_KEY_WRAP_SHA_*: an
 * AES-256 key under OAEP, then the material under it as AES key wrap with padding (RFC 5649).
 */
int kms_unwrap(struct arena *a, struct str secret, struct str algorithm, struct str wrapped,
               struct str *ret);

/* 64 hexadecimal digits that tell one material of a key from another and tell nothing of it. */
struct str kms_material_name(struct arena *a, struct str family, struct str secret);
