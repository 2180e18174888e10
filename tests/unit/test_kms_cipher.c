/* Ciphertext blobs and what is computed with keys: known answers, and bytes that are changed. */
#include "harness/harness.h"
#include "kms/cipher.h"
#include "kms/material.h"
#include "sys/env.h"

#include <stdio.h>

static struct str
hex(const char *digits)
{
    struct str bytes;

    CHECK(str_unhex(test_arena(), str_from(digits), &bytes));
    return bytes;
}

static const struct str_list no_context = {NULL, 0};

static struct str
key_bytes(void)
{
    return S("0123456789abcdef0123456789abcdef");
}

static struct str
sealed(struct env_fake *env, const struct str_list *context, struct str plain)
{
    struct str blob;

    CHECK_INT(kms_seal(&env->env, test_arena(), key_bytes(), S("arn:aws:kms:r:a:key/k"),
                       S("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"), context, plain, &blob),
              0);
    return blob;
}

TEST(a_blob_tells_its_key_and_opens_with_its_context_only)
{
    struct str pairs[] = {S("a"), S("1"), S("b"), S("")};
    const struct str_list context = {pairs, 4}, less = {pairs, 2};
    struct env_fake env;
    struct kms_blob blob;
    struct str plain;

    env_fake_init(&env, 7);
    struct str bytes = sealed(&env, &context, S("x"));
    CHECK(kms_blob_read(bytes, &blob));
    CHECK_STR(blob.arn, "arn:aws:kms:r:a:key/k");
    CHECK_STR(blob.material_id, "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm");
    CHECK_INT(kms_open(test_arena(), key_bytes(), &blob, &context, &plain), 0);
    CHECK_STR(plain, "x");
    CHECK_INT(kms_open(test_arena(), key_bytes(), &blob, &less, &plain), 1);
    CHECK_INT(kms_open(test_arena(), key_bytes(), &blob, &no_context, &plain), 1);
    CHECK_INT(
        kms_open(test_arena(), S("0123456789abcdef0123456789abcdeX"), &blob, &context, &plain), 1);
}

TEST(every_changed_byte_of_a_blob_is_noticed_and_every_short_one_refused)
{
    struct env_fake env;
    struct kms_blob blob;
    struct str plain;

    env_fake_init(&env, 7);
    struct str bytes = sealed(&env, &no_context, S("some words"));
    for (size_t i = 0; i < bytes.n; i++) {
        char *changed = arena_dup(test_arena(), bytes.p, bytes.n);

        changed[i] ^= 0x20;
        CHECK(!kms_blob_read(str_of(changed, bytes.n), &blob) ||
              kms_open(test_arena(), key_bytes(), &blob, &no_context, &plain) == 1);
        if (i < bytes.n - strlen("some words"))
            continue;
        CHECK(!kms_blob_read(str_cut(bytes, 0, i), &blob) ||
              kms_open(test_arena(), key_bytes(), &blob, &no_context, &plain) == 1);
    }
    for (size_t n = 0; n < 2 + 21 + 32 + 16 + 12 + 17; n++)
        CHECK(!kms_blob_read(str_cut(bytes, 0, n), &blob));
}

TEST(no_two_contexts_have_the_same_bytes)
{
    struct str ab_c[] = {S("ab"), S("c")}, a_bc[] = {S("a"), S("bc")};
    const struct str_list one = {ab_c, 2}, two = {a_bc, 2};

    CHECK(!str_eq(kms_context_bytes(test_arena(), &one), kms_context_bytes(test_arena(), &two)));
    CHECK_INT(kms_context_bytes(test_arena(), &no_context).n, 0);
}

/* RFC 4231, test case 2. */
TEST(macs_are_those_of_rfc_4231)
{
    static const struct {
        const char *algorithm, *mac;
    } rows[] = {
        {"HMAC_SHA_224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
        {"HMAC_SHA_256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"HMAC_SHA_384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                         "8e2240ca5e69e2c78b3239ecfab21649"},
        {"HMAC_SHA_512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                         "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    };
    struct str mac;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(kms_mac(test_arena(), S("Jefe"), str_from(rows[i].algorithm),
                          S("what do ya want for nothing?"), &mac),
                  0);
        CHECK(str_eq(mac, hex(rows[i].mac)));
    }
}

/* RFC 8032, 7.1, test 2: the seed as PKCS#8, the public key as SubjectPublicKeyInfo. */
TEST(ed25519_signs_as_rfc_8032_says)
{
    struct str secret = hex("302e020100300506032b657004220420"
                            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    struct str public = hex("302a300506032b6570032100"
                            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    struct kms_material read;
    struct str signature;

    CHECK_INT(
        kms_material_read(test_arena(), kms_spec_find(S("ECC_NIST_EDWARDS25519")), secret, &read),
        0);
    CHECK(str_eq(read.public, public));
    CHECK_INT(kms_signature_make(test_arena(), secret, S("ED25519_SHA_512"), S("\x72"), false,
                                 &signature),
              0);
    CHECK(
        str_eq(signature, hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")));
    CHECK_INT(kms_signature_check(public, S("ED25519_SHA_512"), S("\x72"), false, signature), 0);
    CHECK_INT(kms_signature_check(public, S("ED25519_SHA_512"), S("\x73"), false, signature), 1);
}

static struct kms_material
made(const char *spec)
{
    struct kms_material material;

    CHECK_INT(kms_material_make(env_real(), test_arena(), kms_spec_find(str_from(spec)), &material),
              0);
    return material;
}

TEST(imported_keys_must_be_of_the_key_s_own_kind)
{
    static const char *const specs[] = {
        "SYMMETRIC_DEFAULT", "HMAC_224",        "HMAC_512", "ECC_NIST_P256",
        "ECC_NIST_P384",     "ECC_SECG_P256K1", "RSA_2048", "ECC_NIST_EDWARDS25519"};
    struct kms_material read;

    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        for (size_t j = 0; j < ARRAY_LEN(specs); j++) {
            struct kms_material other = made(specs[j]);

            CHECK_INT(kms_material_read(test_arena(), kms_spec_find(str_from(specs[i])),
                                        other.secret, &read),
                      i == j ? 0 : 1);
            if (i == j)
                CHECK(str_eq(read.public, other.public) && str_eq(read.secret, other.secret));
        }
    struct kms_material key = made("ECC_NIST_P256");
    CHECK_INT(kms_material_read(test_arena(), kms_spec_find(S("ECC_NIST_P256")),
                                str_cat(test_arena(), key.secret, S("x")), &read),
              1);
}

/* "twenty bytes of key!" under key_bytes() by RFC 5649, as pyca/cryptography wraps it. */
#define AES_WRAPPED "b3c6ad3981536290d5ca3f77f02a7d9f43cc635f0bc1caf2d50926bd1be595ab"

TEST(material_is_unwrapped_under_both_kinds_of_wrapping)
{
    struct kms_material rsa = made("RSA_2048");
    struct str wrapped, plain;

    CHECK_INT(
        kms_rsa_encrypt(test_arena(), rsa.public, S("RSAES_OAEP_SHA_256"), key_bytes(), &wrapped),
        0);
    CHECK_INT(kms_unwrap(test_arena(), rsa.secret, S("RSAES_OAEP_SHA_256"), wrapped, &plain), 0);
    CHECK(str_eq(plain, key_bytes()));
    CHECK_INT(kms_unwrap(test_arena(), rsa.secret, S("RSAES_OAEP_SHA_1"), wrapped, &plain), 1);
    CHECK_INT(kms_unwrap(test_arena(), rsa.secret, S("RSA_AES_KEY_WRAP_SHA_256"), wrapped, &plain),
              1);
    struct str both = str_cat(test_arena(), wrapped, hex(AES_WRAPPED));
    CHECK_INT(kms_unwrap(test_arena(), rsa.secret, S("RSA_AES_KEY_WRAP_SHA_256"), both, &plain), 0);
    CHECK_STR(plain, "twenty bytes of key!");
    CHECK_INT(kms_unwrap(test_arena(), rsa.secret, S("RSA_AES_KEY_WRAP_SHA_256"),
                         str_cut(both, 0, both.n - 8), &plain),
              1);
}
