/* What is done with keys of KMS: encryption, data keys, signatures, MACs, key agreement. */
#include "kms_help.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENSSL "/usr/bin/openssl"
#define PLAIN "c2VjcmV0IHdvcmRz" /* "secret words" */

/* ---- encryption ---- */

TEST(what_was_encrypted_is_decrypted_without_naming_the_key)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, ""), *arn = kms_arn(w, id);
    struct str sealed = KMS(w, "Encrypt", "{'KeyId':'%s','Plaintext':'" PLAIN "'}", id);
    const char *blob = kms_get(sealed, "CiphertextBlob");
    struct str again = KMS(w, "Encrypt", "{'KeyId':'%s','Plaintext':'" PLAIN "'}", id);

    CHECK_STR(json_path(sealed, "KeyId"), arn);
    CHECK_STR(json_path(sealed, "EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
    CHECK(!str_eq(json_path(again, "CiphertextBlob"), str_from(blob)));
    world_crash(w);
    struct str opened = KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", blob);
    CHECK_STR(json_path(opened, "Plaintext"), PLAIN);
    CHECK_STR(json_path(opened, "KeyId"), arn);
    CHECK_INT(json_path(opened, "KeyMaterialId").n, 64);
    KMS(w, "Decrypt", "{'CiphertextBlob':'%s','KeyId':'%s'}", blob, id);
    const char *other = kms_new_key(w, "");
    KMS_REFUSED(w, "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this "
                "operation.",
                "Decrypt", "{'CiphertextBlob':'%s','KeyId':'%s'}", blob, other);
    KMS_REFUSED(w, "InvalidCiphertextException", "", "Decrypt", "{'CiphertextBlob':'AAAA'}");
    world_free(w);
}

TEST(a_wrong_encryption_context_or_a_changed_byte_is_invalid_ciphertext)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str sealed =
        KMS(w, "Encrypt",
            "{'KeyId':'%s','Plaintext':'" PLAIN "','EncryptionContext':{'b':'2','a':'1'}}", id);
    struct str bytes;

    KMS(w, "Decrypt", "{'CiphertextBlob':'%s','EncryptionContext':{'a':'1','b':'2'}}",
        kms_get(sealed, "CiphertextBlob"));
    KMS_REFUSED(w, "InvalidCiphertextException", "", "Decrypt", "{'CiphertextBlob':'%s'}",
                kms_get(sealed, "CiphertextBlob"));
    KMS_REFUSED(w, "InvalidCiphertextException", "", "Decrypt",
                "{'CiphertextBlob':'%s','EncryptionContext':{'a':'1','b':'3'}}",
                kms_get(sealed, "CiphertextBlob"));
    CHECK(str_unbase64(test_arena(), json_path(sealed, "CiphertextBlob"), &bytes));
    for (size_t i = 80; i < bytes.n; i += 7) { /* behind the ARN, which names the key */
        char *changed = arena_dup(test_arena(), bytes.p, bytes.n);

        changed[i] ^= 1;
        KMS_REFUSED(w, "InvalidCiphertextException", "", "Decrypt",
                    "{'CiphertextBlob':'%s','EncryptionContext':{'a':'1','b':'2'}}",
                    test_cstr(str_base64(test_arena(), str_of(changed, bytes.n))));
    }
    world_free(w);
}

TEST(an_rsa_key_encrypts_what_fits_and_decrypts_when_it_is_named)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'KeySpec':'RSA_2048','KeyUsage':'ENCRYPT_DECRYPT'");
    const char *signer = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'");
    char long_text[192];

    memset(long_text, 'x', 191);
    long_text[191] = 0;
    struct str sealed = KMS(
        w, "Encrypt",
        "{'KeyId':'%s','Plaintext':'" PLAIN "','EncryptionAlgorithm':'RSAES_OAEP_SHA_256'}", id);
    const char *blob = kms_get(sealed, "CiphertextBlob");
    struct str opened = KMS(w, "Decrypt",
                            "{'KeyId':'%s','CiphertextBlob':'%s','EncryptionAlgorithm':"
                            "'RSAES_OAEP_SHA_256'}",
                            id, blob);
    CHECK_STR(json_path(opened, "Plaintext"), PLAIN);
    CHECK(!json_path(opened, "KeyMaterialId").p);
    KMS_REFUSED(w, "InvalidCiphertextException", NULL, "Decrypt",
                "{'KeyId':'%s','CiphertextBlob':'%s','EncryptionAlgorithm':'RSAES_OAEP_SHA_1'}", id,
                blob);
    KMS_REFUSED(w, "ValidationException",
                "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger "
                "than 190 bytes.",
                "Encrypt",
                "{'KeyId':'%s','Plaintext':'%s','EncryptionAlgorithm':'RSAES_OAEP_SHA_256'}", id,
                kms_base64(long_text));
    KMS_REFUSED(w, "InvalidKeyUsageException",
                "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.", "Encrypt",
                "{'KeyId':'%s','Plaintext':'" PLAIN "'}", id);
    KMS_REFUSED(
        w, "InvalidKeyUsageException",
        test_fmt("%s key usage is SIGN_VERIFY which is not valid for Encrypt.", kms_arn(w, signer)),
        "Encrypt", "{'KeyId':'%s','Plaintext':'" PLAIN "'}", signer);
    world_free(w);
}

TEST(reencryption_moves_a_ciphertext_to_another_key_and_context)
{
    struct world *w = world_new();
    const char *a = kms_new_key(w, ""), *b = kms_new_key(w, "");
    const char *blob =
        kms_get(KMS(w, "Encrypt",
                    "{'KeyId':'%s','Plaintext':'" PLAIN "','EncryptionContext':{'x':'1'}}", a),
                "CiphertextBlob");
    struct str moved = KMS(w, "ReEncrypt",
                           "{'CiphertextBlob':'%s','SourceEncryptionContext':{'x':'1'},"
                           "'DestinationKeyId':'%s','DestinationEncryptionContext':{'y':'2'}}",
                           blob, b);

    CHECK_STR(json_path(moved, "SourceKeyId"), kms_arn(w, a));
    CHECK_STR(json_path(moved, "KeyId"), kms_arn(w, b));
    CHECK_STR(json_path(moved, "SourceEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
    CHECK_STR(json_path(moved, "DestinationEncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
    struct str opened =
        KMS(w, "Decrypt", "{'CiphertextBlob':'%s','EncryptionContext':{'y':'2'},'KeyId':'%s'}",
            kms_get(moved, "CiphertextBlob"), b);
    CHECK_STR(json_path(opened, "Plaintext"), PLAIN);
    KMS_REFUSED(w, "IncorrectKeyException", NULL, "ReEncrypt",
                "{'CiphertextBlob':'%s','SourceEncryptionContext':{'x':'1'},'SourceKeyId':'%s',"
                "'DestinationKeyId':'%s'}",
                blob, b, b);
    world_free(w);
}

TEST(a_dry_run_says_what_would_be_and_does_nothing)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    static const char *const text =
        "The request would have succeeded, but the DryRun option is set.";

    KMS_REFUSED(w, "DryRunOperationException", text, "Encrypt",
                "{'KeyId':'%s','Plaintext':'eA==','DryRun':true}", id);
    KMS_REFUSED(w, "DryRunOperationException", text, "GenerateDataKeyPair",
                "{'KeyId':'%s','KeyPairSpec':'RSA_4096','DryRun':true}", id);
    KMS_REFUSED(w, "DryRunOperationException", text, "CreateGrant",
                "{'KeyId':'%s','GranteePrincipal':'arn:aws:iam::000000000000:user/x',"
                "'Operations':['Encrypt'],'DryRun':true}",
                id);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%s'}", id), "Grants"), 0);
    KMS_REFUSED(w, "InvalidCiphertextException", NULL, "Decrypt",
                "{'CiphertextBlob':'AAAA','DryRun':true}");
    KMS_REFUSED(w, "DryRunOperationException", text, "Decrypt",
                "{'KeyId':'%s','DryRun':true,'DryRunModifiers':['IGNORE_CIPHERTEXT']}", id);
    KMS_REFUSED(w, "ValidationException", NULL, "Decrypt",
                "{'KeyId':'%s','DryRunModifiers':['IGNORE_CIPHERTEXT']}", id);
    world_free(w);
}

/* ---- data keys ---- */

TEST(data_keys_come_in_plain_and_sealed)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str made = KMS(w, "GenerateDataKey",
                          "{'KeyId':'%s','KeySpec':'AES_256','EncryptionContext':{'a':'b'}}", id);
    struct str opened, bytes;

    CHECK(str_unbase64(test_arena(), json_path(made, "Plaintext"), &bytes));
    CHECK_INT(bytes.n, 32);
    opened = KMS(w, "Decrypt", "{'CiphertextBlob':'%s','EncryptionContext':{'a':'b'}}",
                 kms_get(made, "CiphertextBlob"));
    CHECK(str_eq(json_path(opened, "Plaintext"), json_path(made, "Plaintext")));
    made = KMS(w, "GenerateDataKeyWithoutPlaintext", "{'KeyId':'%s','NumberOfBytes':1024}", id);
    CHECK(!json_path(made, "Plaintext").p);
    opened = KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", kms_get(made, "CiphertextBlob"));
    CHECK(str_unbase64(test_arena(), json_path(opened, "Plaintext"), &bytes) && bytes.n == 1024);
    KMS_REFUSED(w, "ValidationException", "Please specify either number of bytes or key spec.",
                "GenerateDataKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "ValidationException", NULL, "GenerateDataKey",
                "{'KeyId':'%s','NumberOfBytes':1025}", id);
    KMS_REFUSED(w, "ValidationException", "NumberOfBytes is required.", "GenerateRandom", "{}");
    CHECK(str_unbase64(test_arena(),
                       json_path(KMS(w, "GenerateRandom", "{'NumberOfBytes':91}"), "Plaintext"),
                       &bytes) &&
          bytes.n == 91);
    world_free(w);
}

TEST(data_key_pairs_come_in_plain_and_sealed)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str made =
        KMS(w, "GenerateDataKeyPair", "{'KeyId':'%s','KeyPairSpec':'ECC_NIST_P384'}", id);
    struct str opened =
        KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", kms_get(made, "PrivateKeyCiphertextBlob"));

    CHECK(str_eq(json_path(opened, "Plaintext"), json_path(made, "PrivateKeyPlaintext")));
    CHECK(json_path(made, "PublicKey").p);
    CHECK_STR(json_path(made, "KeyPairSpec"), "ECC_NIST_P384");
    made = KMS(w, "GenerateDataKeyPairWithoutPlaintext", "{'KeyId':'%s','KeyPairSpec':'RSA_2048'}",
               id);
    CHECK(!json_path(made, "PrivateKeyPlaintext").p && json_path(made, "PublicKey").p);
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "GenerateDataKeyPair",
                "{'KeyId':'%s','KeyPairSpec':'SM2'}", id);
    world_free(w);
}

/* ---- signatures ---- */

static void
write_file(const char *path, struct str base64)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct str bytes;

    CHECK(str_unbase64(test_arena(), base64, &bytes));
    CHECK(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

/* What the status of `openssl ARGS` is. */
static int
openssl(const char *const *args)
{
    char *argv[24] = {(char *)"openssl"}, *env[] = {NULL};
    posix_spawn_file_actions_t actions;
    int status;
    pid_t pid;

    if (access(OPENSSL, X_OK) != 0)
        SKIP("there is no %s", OPENSSL);
    for (size_t i = 0; args[i]; i++)
        argv[i + 1] = (char *)args[i];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    CHECK(posix_spawn(&pid, OPENSSL, &actions, NULL, argv, env) == 0);
    posix_spawn_file_actions_destroy(&actions);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Signs with KMS, and lets the openssl program verify with the public key that KMS shows. */
static void
check_with_openssl(struct world *w, const char *spec, const char *algorithm, const char *digest,
                   const char *padding, const char *padding2)
{
    const char *id = kms_new_key(w, test_fmt("'KeySpec':'%s','KeyUsage':'SIGN_VERIFY'", spec));
    const char *key = test_fmt("%s/key", test_dir()), *sig = test_fmt("%s/sig", test_dir());
    const char *text = test_fmt("%s/text", test_dir());
    struct str signature =
        json_path(KMS(w, "Sign", "{'KeyId':'%s','Message':'" PLAIN "','SigningAlgorithm':'%s'}", id,
                      algorithm),
                  "Signature");

    write_file(key, json_path(KMS(w, "GetPublicKey", "{'KeyId':'%s'}", id), "PublicKey"));
    write_file(sig, signature);
    write_file(text, str_from(PLAIN));
    const char *const args[] = {"dgst",       digest,    "-verify", key,       "-keyform",
                                "DER",        "-sigopt", padding,   "-sigopt", padding2,
                                "-signature", sig,       text,      NULL};

    CHECK_INT(openssl(args), 0);
}

TEST(openssl_verifies_what_kms_signs)
{
    struct world *w = world_new();
    const char *key = test_fmt("%s/key", test_dir()), *sig = test_fmt("%s/sig", test_dir());
    const char *text = test_fmt("%s/text", test_dir());
    const char *id = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'");

    check_with_openssl(w, "RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", "-sha384",
                       "rsa_padding_mode:pkcs1", "rsa_padding_mode:pkcs1");
    check_with_openssl(w, "RSA_2048", "RSASSA_PSS_SHA_256", "-sha256", "rsa_padding_mode:pss",
                       "rsa_pss_saltlen:digest");
    write_file(key, json_path(KMS(w, "GetPublicKey", "{'KeyId':'%s'}", id), "PublicKey"));
    write_file(text, str_from(PLAIN));
    write_file(sig, json_path(KMS(w, "Sign",
                                  "{'KeyId':'%s','Message':'" PLAIN
                                  "','SigningAlgorithm':'ECDSA_SHA_256'}",
                                  id),
                              "Signature"));
    const char *const good[] = {"dgst", "-sha256",    "-verify", key,  "-keyform",
                                "DER",  "-signature", sig,       text, NULL};
    CHECK_INT(openssl(good), 0);
    write_file(text, str_from("b3RoZXI="));
    CHECK(openssl(good) != 0);
    world_free(w);
}

TEST(every_signing_algorithm_verifies_its_own_and_refuses_another)
{
    static const struct {
        const char *spec, *algorithm;
        size_t digest;
    } rows[] = {
        {"RSA_2048", "RSASSA_PSS_SHA_256", 32},
        {"RSA_2048", "RSASSA_PSS_SHA_384", 48},
        {"RSA_2048", "RSASSA_PSS_SHA_512", 64},
        {"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", 32},
        {"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", 48},
        {"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", 64},
        {"ECC_NIST_P256", "ECDSA_SHA_256", 32},
        {"ECC_NIST_P384", "ECDSA_SHA_384", 48},
        {"ECC_NIST_P521", "ECDSA_SHA_512", 64},
        {"ECC_SECG_P256K1", "ECDSA_SHA_256", 32},
        {"ECC_NIST_EDWARDS25519", "ED25519_SHA_512", 0},
    };
    static const char zeros[64];
    struct world *w = world_new();
    const char *id = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *type = rows[i].digest ? "DIGEST" : "RAW";
        const char *alg = rows[i].algorithm;
        const char *message =
            rows[i].digest ? test_cstr(str_base64(test_arena(), str_of(zeros, rows[i].digest)))
                           : PLAIN;

        if (i == 0 || strcmp(rows[i].spec, rows[i - 1].spec) != 0)
            id = kms_new_key(w, test_fmt("'KeySpec':'%s','KeyUsage':'SIGN_VERIFY'", rows[i].spec));
        struct str made = KMS(w, "Sign",
                              "{'KeyId':'%s','Message':'%s','MessageType':'%s',"
                              "'SigningAlgorithm':'%s'}",
                              id, message, type, alg);
        struct str seen = KMS(w, "Verify",
                              "{'KeyId':'%s','Message':'%s','MessageType':'%s','Signature':'%s',"
                              "'SigningAlgorithm':'%s'}",
                              id, message, type, kms_get(made, "Signature"), alg);
        CHECK_STR(json_path(seen, "SignatureValid"), "true");
        KMS_REFUSED(w, "KMSInvalidSignatureException", "", "Verify",
                    "{'KeyId':'%s','Message':'eA==','Signature':'%s','SigningAlgorithm':'%s'}", id,
                    kms_get(made, "Signature"), alg);
        KMS_REFUSED(w, "ValidationException",
                    rows[i].digest ? test_fmt("Digest is invalid length for algorithm %s.", alg)
                                   : NULL,
                    "Sign",
                    "{'KeyId':'%s','Message':'eA==','MessageType':'DIGEST','SigningAlgorithm':"
                    "'%s'}",
                    id, alg);
    }
    KMS_REFUSED(w, "InvalidKeyUsageException",
                "Algorithm ECDSA_SHA_256 is incompatible with key spec ECC_NIST_EDWARDS25519.",
                "Sign", "{'KeyId':'%s','Message':'eA==','SigningAlgorithm':'ECDSA_SHA_256'}", id);
    world_free(w);
}

TEST(macs_are_made_and_verified)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'");
    struct str made = KMS(w, "GenerateMac",
                          "{'KeyId':'%s','Message':'" PLAIN "','MacAlgorithm':'HMAC_SHA_256'}", id);

    CHECK_STR(json_path(KMS(w, "VerifyMac",
                            "{'KeyId':'%s','Message':'" PLAIN
                            "','MacAlgorithm':'HMAC_SHA_256','Mac':'%s'}",
                            id, kms_get(made, "Mac")),
                        "MacValid"),
              "true");
    KMS_REFUSED(w, "KMSInvalidMacException", "", "VerifyMac",
                "{'KeyId':'%s','Message':'eA==','MacAlgorithm':'HMAC_SHA_256','Mac':'%s'}", id,
                kms_get(made, "Mac"));
    KMS_REFUSED(w, "InvalidKeyUsageException",
                "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.", "GenerateMac",
                "{'KeyId':'%s','Message':'eA==','MacAlgorithm':'HMAC_SHA_512'}", id);
    KMS_REFUSED(w, "InvalidKeyUsageException",
                test_fmt("%s key usage is GENERATE_VERIFY_MAC which is not valid for Sign.",
                         kms_arn(w, id)),
                "Sign", "{'KeyId':'%s','Message':'eA==','SigningAlgorithm':'ECDSA_SHA_256'}", id);
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "GetPublicKey", "{'KeyId':'%s'}", id);
    world_free(w);
}

TEST(two_keys_agree_on_a_secret)
{
    struct world *w = world_new();
    const char *a = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'KEY_AGREEMENT'");
    const char *b = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'KEY_AGREEMENT'");
    struct str keys[2] = {KMS(w, "GetPublicKey", "{'KeyId':'%s'}", a),
                          KMS(w, "GetPublicKey", "{'KeyId':'%s'}", b)};
    static const char *const form =
        "{'KeyId':'%s','KeyAgreementAlgorithm':'ECDH','PublicKey':'%s'}";
    struct str one = world_json_ok(w, "kms", "DeriveSharedSecret",
                                   test_fmt(form, a, kms_get(keys[1], "PublicKey")));
    struct str two = world_json_ok(w, "kms", "DeriveSharedSecret",
                                   test_fmt(form, b, kms_get(keys[0], "PublicKey")));

    CHECK(json_path(one, "SharedSecret").n > 0);
    CHECK(str_eq(json_path(one, "SharedSecret"), json_path(two, "SharedSecret")));
    CHECK_STR(json_path(one, "KeyOrigin"), "AWS_KMS");
    world_json_refused(w, "ValidationException", "", "kms", "DeriveSharedSecret",
                       test_fmt(form, a, "AAAA"));
    const char *c = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'");
    world_json_refused(w, "InvalidKeyUsageException",
                       test_fmt("%s key usage is SIGN_VERIFY which is not valid for "
                                "DeriveSharedSecret.",
                                kms_arn(w, c)),
                       "kms", "DeriveSharedSecret",
                       test_fmt(form, c, kms_get(keys[1], "PublicKey")));
    world_free(w);
}
