/* Which keys there are and what each can do: facts of KMS as one table. */
#include "kms/material.h"

#define RSA_SIGNING                                                                                \
    {                                                                                              \
        "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",     \
            "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"                       \
    }
#define RSA(spec_bits)                                                                             \
    {                                                                                              \
        "RSA_" #spec_bits, KMS_RSA, spec_bits, NULL, {"ENCRYPT_DECRYPT", "SIGN_VERIFY"},           \
            {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}, RSA_SIGNING                                \
    }
#define HMAC(spec_bits)                                                                            \
    {                                                                                              \
        .name = "HMAC_" #spec_bits, .kind = KMS_HMAC, .bits = spec_bits,                           \
        .usages = {"GENERATE_VERIFY_MAC"}, .mac = {                                                \
            "HMAC_SHA_" #spec_bits                                                                 \
        }                                                                                          \
    }

static const struct kms_spec specs[] = {
    {"SYMMETRIC_DEFAULT",
     KMS_SYMMETRIC,
     8 * KMS_SYMMETRIC_BYTES,
     NULL,
     {"ENCRYPT_DECRYPT"},
     {"SYMMETRIC_DEFAULT"}},
    RSA(2048),
    RSA(3072),
    RSA(4096),
    {.name = "ECC_NIST_P256",
     .kind = KMS_EC,
     .curve = "prime256v1",
     .usages = {"SIGN_VERIFY", "KEY_AGREEMENT"},
     .signing = {"ECDSA_SHA_256"}},
    {.name = "ECC_NIST_P384",
     .kind = KMS_EC,
     .curve = "secp384r1",
     .usages = {"SIGN_VERIFY", "KEY_AGREEMENT"},
     .signing = {"ECDSA_SHA_384"}},
    {.name = "ECC_NIST_P521",
     .kind = KMS_EC,
     .curve = "secp521r1",
     .usages = {"SIGN_VERIFY", "KEY_AGREEMENT"},
     .signing = {"ECDSA_SHA_512"}},
    {.name = "ECC_SECG_P256K1",
     .kind = KMS_EC,
     .curve = "secp256k1",
     .usages = {"SIGN_VERIFY"},
     .signing = {"ECDSA_SHA_256"}},
    /* libcrypto 3.0 has no Ed25519ph, so only the pure form is told of */
    {.name = "ECC_NIST_EDWARDS25519",
     .kind = KMS_ED25519,
     .usages = {"SIGN_VERIFY"},
     .signing = {"ED25519_SHA_512"}},
    HMAC(224),
    HMAC(256),
    HMAC(384),
    HMAC(512),
    {.name = "SM2", .kind = KMS_ABSENT},
    {.name = "ML_DSA_44", .kind = KMS_ABSENT},
    {.name = "ML_DSA_65", .kind = KMS_ABSENT},
    {.name = "ML_DSA_87", .kind = KMS_ABSENT},
};

/* The API's enum of key specs, each of which has its row. */
static_assert(ARRAY_LEN(specs) == 17, "KeySpec of the description");

const struct kms_spec *
kms_spec_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        if (str_is(name, specs[i].name))
            return &specs[i];
    return NULL;
}

bool
kms_name_in(const char *const *names, struct str name)
{
    for (; *names; names++)
        if (str_is(name, *names))
            return true;
    return false;
}
