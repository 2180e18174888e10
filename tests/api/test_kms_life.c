/* What happens to keys in time: rotation, import and expiry, copies in other regions; grants. */
#include "kms_help.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define PLAIN "c2VjcmV0IHdvcmRz"

static const char *
sealed(struct world *w, const char *id)
{
    return kms_get(KMS(w, "Encrypt", "{'KeyId':'%s','Plaintext':'" PLAIN "'}", id),
                   "CiphertextBlob");
}

static void
check_opens(struct world *w, const char *blob)
{
    CHECK_STR(json_path(KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", blob), "Plaintext"), PLAIN);
}

/* ---- rotation ---- */

TEST(rotation_on_demand_keeps_the_old_material_for_decryption)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    const char *old = sealed(w, id);
    struct str before = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);

    CHECK_STR(json_path(KMS(w, "RotateKeyOnDemand", "{'KeyId':'%s'}", id), "KeyId"), id);
    struct str after = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK(!str_eq(json_path(before, "KeyMetadata.CurrentKeyMaterialId"),
                  json_path(after, "KeyMetadata.CurrentKeyMaterialId")));
    world_crash(w);
    check_opens(w, old);
    check_opens(w, sealed(w, id));
    struct str list = KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id);
    CHECK_INT(json_count(list, "Rotations"), 1);
    CHECK_STR(json_path(list, "Rotations.0.RotationType"), "ON_DEMAND");
    CHECK_STR(json_path(list, "Rotations.0.KeyMaterialState"), "CURRENT");
    list = KMS(w, "ListKeyRotations", "{'KeyId':'%s','IncludeKeyMaterial':'ALL_KEY_MATERIAL'}", id);
    CHECK_INT(json_count(list, "Rotations"), 2);
    CHECK(!json_path(list, "Rotations.0.RotationDate").p);
    for (int i = 1; i < 25; i++)
        KMS(w, "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "LimitExceededException",
                test_fmt("The on-demand rotations limit has been reached for the given keyId. No "
                         "more on-demand rotations can be performed for this key: %s",
                         kms_arn(w, id)),
                "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    world_free(w);
}

TEST(automatic_rotation_follows_the_clock_of_the_cloud)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str status = KMS(w, "GetKeyRotationStatus", "{'KeyId':'%s'}", id);

    CHECK_STR(json_path(status, "KeyRotationEnabled"), "false");
    CHECK(!json_path(status, "RotationPeriodInDays").p);
    KMS(w, "EnableKeyRotation", "{'KeyId':'%s','RotationPeriodInDays':90}", id);
    status = KMS(w, "GetKeyRotationStatus", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(status, "KeyRotationEnabled"), "true");
    CHECK_STR(json_path(status, "RotationPeriodInDays"), "90");
    CHECK(json_path(status, "NextRotationDate").p);
    const char *old = sealed(w, id);
    world_advance(w, 89 * KMS_DAY);
    CHECK_INT(json_count(KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id), "Rotations"), 0);
    world_advance(w, 2 * KMS_DAY);
    struct str list = KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id);
    CHECK_INT(json_count(list, "Rotations"), 1);
    CHECK_STR(json_path(list, "Rotations.0.RotationType"), "AUTOMATIC");
    check_opens(w, old);
    KMS(w, "DisableKey", "{'KeyId':'%s'}", id);
    world_advance(w, 180 * KMS_DAY);
    CHECK_INT(json_count(KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id), "Rotations"), 1);
    KMS(w, "EnableKey", "{'KeyId':'%s'}", id);
    CHECK_INT(json_count(KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id), "Rotations"), 3);
    KMS(w, "DisableKeyRotation", "{'KeyId':'%s'}", id);
    world_advance(w, 400 * KMS_DAY);
    CHECK_INT(json_count(KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id), "Rotations"), 3);
    check_opens(w, old);
    world_free(w);
}

TEST(only_symmetric_keys_are_rotated)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'KeySpec':'ECC_NIST_P256','KeyUsage':'SIGN_VERIFY'");
    const char *external = kms_new_key(w, "'Origin':'EXTERNAL'");

    KMS_REFUSED(w, "UnsupportedOperationException", "", "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "UnsupportedOperationException", "", "EnableKeyRotation", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "UnsupportedOperationException", "", "ListKeyRotations", "{'KeyId':'%s'}", id);
    struct str r = KMS(w, "GetKeyRotationStatus", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(r, "KeyRotationEnabled"), "false");
    CHECK(!json_path(r, "RotationPeriodInDays").p);
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "EnableKeyRotation", "{'KeyId':'%s'}",
                external);
    world_free(w);
}

/* ---- import ---- */

/* Material under the public key of GetParametersForImport, in base64. */
static const char *
wrap(struct str parameters, struct str material)
{
    struct str der, out;
    size_t n;

    CHECK(str_unbase64(test_arena(), json_path(parameters, "PublicKey"), &der));
    const uint8_t *p = (const uint8_t *)der.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der.n);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    CHECK(key && ctx && EVP_PKEY_encrypt_init(ctx) > 0);
    CHECK(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0);
    CHECK(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0);
    CHECK(EVP_PKEY_encrypt(ctx, NULL, &n, (const uint8_t *)material.p, material.n) > 0);
    out = str_of(arena_alloc(test_arena(), n), n);
    CHECK(EVP_PKEY_encrypt(ctx, (uint8_t *)out.p, &out.n, (const uint8_t *)material.p, material.n) >
          0);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return test_cstr(str_base64(test_arena(), out));
}

static struct str
parameters(struct world *w, const char *id)
{
    return KMS(w, "GetParametersForImport",
               "{'KeyId':'%s','WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':"
               "'RSA_2048'}",
               id);
}

static struct str
import(struct world *w, const char *id, struct str params, const char *material, const char *more)
{
    return world_jsonf(w, "kms", "ImportKeyMaterial",
                       "{'KeyId':'%s','ImportToken':'%s','EncryptedKeyMaterial':'%s'%s}", id,
                       kms_get(params, "ImportToken"), wrap(params, str_from(material)), more);
}

#define MATERIAL "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"
#define FOREVER ",'ExpirationModel':'KEY_MATERIAL_DOES_NOT_EXPIRE'"

TEST(imported_material_makes_a_key_usable_and_only_it_comes_back)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'Origin':'EXTERNAL'"), *arn = kms_arn(w, id);
    const char *own = kms_new_key(w, "");
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);

    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "PendingImport");
    CHECK_STR(json_path(seen, "KeyMetadata.Origin"), "EXTERNAL");
    KMS_REFUSED(w, "KMSInvalidStateException", test_fmt("%s is pending import.", arn), "Encrypt",
                "{'KeyId':'%s','Plaintext':'eA=='}", id);
    KMS_REFUSED(
        w, "UnsupportedOperationException",
        test_fmt("%s origin is AWS_KMS which is not valid for this operation.", kms_arn(w, own)),
        "GetParametersForImport",
        "{'KeyId':'%s','WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':"
        "'RSA_2048'}",
        own);
    struct str params = parameters(w, id);
    CHECK(str_find(import(w, id, params, MATERIAL, ""),
                   S("A validTo date must be set if the ExpirationModel is "
                     "KEY_MATERIAL_EXPIRES")) != SIZE_MAX);
    CHECK_STR(json_path(import(w, id, params, "too short", FOREVER), "__type"),
              "IncorrectKeyMaterialException");
    struct str imported = import(w, id, params, MATERIAL, FOREVER);
    CHECK_STR(json_path(imported, "KeyId"), arn);
    seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "Enabled");
    CHECK_STR(json_path(seen, "KeyMetadata.ExpirationModel"), "KEY_MATERIAL_DOES_NOT_EXPIRE");
    const char *blob = sealed(w, id);
    KMS(w, "DeleteImportedKeyMaterial", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "KMSInvalidStateException", test_fmt("%s is pending import.", arn), "Decrypt",
                "{'CiphertextBlob':'%s'}", blob);
    CHECK_STR(json_path(import(w, id, params, OTHER, FOREVER), "__type"),
              "IncorrectKeyMaterialException");
    CHECK(json_path(import(w, id, params, MATERIAL, FOREVER), "KeyMaterialId").p);
    check_opens(w, blob);
    world_crash(w);
    check_opens(w, blob);
    world_free(w);
}

TEST(imported_material_expires_and_so_do_its_tokens)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'Origin':'EXTERNAL'");
    struct str params = parameters(w, id);
    long long until = w->env.now_ms / 1000 + 2 * 86400;

    import(w, id, params, MATERIAL, test_fmt(",'ValidTo':%lld", until));
    CHECK_INT(w->http, 200);
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(seen, "KeyMetadata.ExpirationModel"), "KEY_MATERIAL_EXPIRES");
    CHECK(json_path(seen, "KeyMetadata.ValidTo").p);
    const char *blob = sealed(w, id);
    world_advance(w, KMS_DAY + 1000);
    CHECK_STR(json_path(import(w, id, params, MATERIAL, FOREVER), "__type"),
              "ExpiredImportTokenException");
    check_opens(w, blob);
    world_advance(w, KMS_DAY);
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "Decrypt", "{'CiphertextBlob':'%s'}", blob);
    import(w, id, parameters(w, id), MATERIAL, FOREVER);
    check_opens(w, blob);
    KMS_REFUSED(w, "InvalidImportTokenException", NULL, "ImportKeyMaterial",
                "{'KeyId':'%s','ImportToken':'eA==','EncryptedKeyMaterial':'eA=='" FOREVER "}", id);
    world_free(w);
}

TEST(imported_keys_are_rotated_to_what_was_imported_for_it)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'Origin':'EXTERNAL'");
    struct str params = parameters(w, id);

    import(w, id, params, MATERIAL, FOREVER);
    const char *old = sealed(w, id);
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    import(w, id, params, OTHER,
           FOREVER ",'ImportType':'NEW_KEY_MATERIAL','KeyMaterialDescription':'second'");
    CHECK_INT(w->http, 200);
    struct str list =
        KMS(w, "ListKeyRotations", "{'KeyId':'%s','IncludeKeyMaterial':'ALL_KEY_MATERIAL'}", id);
    CHECK_STR(json_path(list, "Rotations.1.KeyMaterialState"), "PENDING_ROTATION");
    CHECK_STR(json_path(list, "Rotations.1.KeyMaterialDescription"), "second");
    KMS(w, "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    list = KMS(w, "ListKeyRotations", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(list, "Rotations.0.KeyMaterialState"), "CURRENT");
    CHECK_STR(json_path(list, "Rotations.0.ImportState"), "IMPORTED");
    check_opens(w, old);
    check_opens(w, sealed(w, id));
    world_free(w);
}

TEST(a_key_is_used_while_material_that_was_never_current_expires)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'Origin':'EXTERNAL'");
    struct str params = parameters(w, id);
    long long until = w->env.now_ms / 1000 + 3600;

    import(w, id, params, MATERIAL, FOREVER);
    const char *blob = sealed(w, id);
    import(w, id, params, OTHER,
           test_fmt(",'ValidTo':%lld,'ImportType':'NEW_KEY_MATERIAL'", until));
    CHECK_INT(w->http, 200);
    world_advance(w, 2 * 3600 * 1000);
    check_opens(w, blob);
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "Enabled");
    struct str list =
        KMS(w, "ListKeyRotations", "{'KeyId':'%s','IncludeKeyMaterial':'ALL_KEY_MATERIAL'}", id);
    CHECK_STR(json_path(list, "Rotations.1.ImportState"), "PENDING_IMPORT");
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    world_free(w);
}

/* ---- multi-Region keys ---- */

TEST(a_multi_region_key_opens_everywhere_what_it_sealed_anywhere)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'MultiRegion':true,'Description':'here'");
    const char *single = kms_new_key(w, ""), *blob = sealed(w, id);
    const char *lost = sealed(w, single);

    CHECK(str_starts(str_from(id), S("mrk-")));
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "ReplicateKey",
                "{'KeyId':'%s','ReplicaRegion':'eu-west-1'}", single);
    struct str made = KMS(w, "ReplicateKey", "{'KeyId':'%s','ReplicaRegion':'eu-west-1'}", id);
    CHECK_STR(json_path(made, "ReplicaKeyMetadata.KeyId"), id);
    CHECK_STR(json_path(made, "ReplicaKeyMetadata.Description"), "");
    CHECK_STR(json_path(made, "ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType"),
              "REPLICA");
    KMS_REFUSED(w, "AlreadyExistsException", NULL, "ReplicateKey",
                "{'KeyId':'%s','ReplicaRegion':'eu-west-1'}", id);
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(seen, "KeyMetadata.MultiRegionConfiguration.ReplicaKeys.0.Region"),
              "eu-west-1");
    KMS(w, "RotateKeyOnDemand", "{'KeyId':'%s'}", id);
    world_account(w, "000000000000", "eu-west-1");
    check_opens(w, blob);
    check_opens(w, sealed(w, id));
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Decrypt", "{'CiphertextBlob':'%s'}", lost);
    KMS_REFUSED(w, "UnsupportedOperationException",
                test_fmt("%s is not a multi-region primary key.", kms_arn(w, id)), "ReplicateKey",
                "{'KeyId':'%s','ReplicaRegion':'us-west-2'}", id);
    blob = sealed(w, id);
    world_account(w, "000000000000", "us-east-1");
    check_opens(w, blob);
    world_free(w);
}

TEST(a_primary_moves_and_waits_for_its_replicas_to_go)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'MultiRegion':true");

    KMS_REFUSED(w, "NotFoundException", NULL, "UpdatePrimaryRegion",
                "{'KeyId':'%s','PrimaryRegion':'eu-west-1'}", id);
    KMS(w, "ReplicateKey", "{'KeyId':'%s','ReplicaRegion':'eu-west-1'}", id);
    KMS(w, "EnableKeyRotation", "{'KeyId':'%s'}", id);
    KMS(w, "UpdatePrimaryRegion", "{'KeyId':'%s','PrimaryRegion':'eu-west-1'}", id);
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "DisableKeyRotation", "{'KeyId':'%s'}",
                id);
    world_account(w, "000000000000", "eu-west-1");
    struct str status = KMS(w, "GetKeyRotationStatus", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(status, "RotationPeriodInDays"), "365");
    struct str gone = KMS(w, "ScheduleKeyDeletion", "{'KeyId':'%s','PendingWindowInDays':7}", id);
    CHECK_STR(json_path(gone, "KeyState"), "PendingReplicaDeletion");
    CHECK(!json_path(gone, "DeletionDate").p);
    world_advance(w, 30 * KMS_DAY);
    world_account(w, "000000000000", "us-east-1");
    KMS(w, "ScheduleKeyDeletion", "{'KeyId':'%s','PendingWindowInDays':7}", id);
    world_advance(w, 7 * KMS_DAY + 1000);
    KMS_REFUSED(w, "NotFoundException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    world_account(w, "000000000000", "eu-west-1");
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "PendingDeletion");
    CHECK(json_path(seen, "KeyMetadata.DeletionDate").p);
    world_advance(w, 7 * KMS_DAY);
    KMS_REFUSED(w, "NotFoundException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    world_free(w);
}
