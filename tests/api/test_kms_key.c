/* Keys of KMS: what they are, how they are named, and the states they go through. */
#include "kms_help.h"

#define ABSENT "1234abcd-12ab-34cd-56ef-1234567890ab"

TEST(a_symmetric_key_is_what_create_key_makes_by_default)
{
    struct world *w = world_new();
    struct str made = KMS(w, "CreateKey", "{'Description':'mine'}");
    const char *id = kms_get(made, "KeyMetadata.KeyId");
    struct str seen = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);

    CHECK(str_eq(json_path(made, "KeyMetadata"), json_path(seen, "KeyMetadata")));
    CHECK_STR(json_path(seen, "KeyMetadata.AWSAccountId"), "000000000000");
    CHECK_STR(json_path(seen, "KeyMetadata.Arn"), kms_arn(w, id));
    CHECK_STR(json_path(seen, "KeyMetadata.Description"), "mine");
    CHECK_STR(json_path(seen, "KeyMetadata.Enabled"), "true");
    CHECK_STR(json_path(seen, "KeyMetadata.EncryptionAlgorithms.0"), "SYMMETRIC_DEFAULT");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyManager"), "CUSTOMER");
    CHECK_STR(json_path(seen, "KeyMetadata.KeySpec"), "SYMMETRIC_DEFAULT");
    CHECK_STR(json_path(seen, "KeyMetadata.CustomerMasterKeySpec"), "SYMMETRIC_DEFAULT");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyState"), "Enabled");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyUsage"), "ENCRYPT_DECRYPT");
    CHECK_STR(json_path(seen, "KeyMetadata.MultiRegion"), "false");
    CHECK_STR(json_path(seen, "KeyMetadata.Origin"), "AWS_KMS");
    CHECK_INT(json_path(seen, "KeyMetadata.CurrentKeyMaterialId").n, 64);
    CHECK(!json_path(seen, "KeyMetadata.DeletionDate").p);
    CHECK(!json_path(seen, "KeyMetadata.MultiRegionConfiguration").p);
    world_crash(w);
    CHECK_STR(json_path(KMS(w, "DescribeKey", "{'KeyId':'%s'}", id), "KeyMetadata.KeyId"), id);
    world_free(w);
}

TEST(each_key_spec_says_what_it_can_do)
{
    static const struct {
        const char *spec, *usage, *list, *first;
        size_t n;
    } rows[] = {
        {"ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", "ECDSA_SHA_256", 1},
        {"ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", "ECDSA_SHA_384", 1},
        {"ECC_NIST_P521", "KEY_AGREEMENT", "KeyAgreementAlgorithms", "ECDH", 1},
        {"ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", "ECDSA_SHA_256", 1},
        {"ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", "ED25519_SHA_512", 1},
        {"RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", "RSAES_OAEP_SHA_1", 2},
        {"RSA_2048", "SIGN_VERIFY", "SigningAlgorithms", "RSASSA_PKCS1_V1_5_SHA_256", 6},
        {"HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", "HMAC_SHA_224", 1},
        {"HMAC_512", "GENERATE_VERIFY_MAC", "MacAlgorithms", "HMAC_SHA_512", 1},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str made =
            KMS(w, "CreateKey", "{'KeySpec':'%s','KeyUsage':'%s'}", rows[i].spec, rows[i].usage);

        CHECK_STR(json_path(made, test_fmt("KeyMetadata.%s.0", rows[i].list)), rows[i].first);
        CHECK_INT(json_count(made, test_fmt("KeyMetadata.%s", rows[i].list)), rows[i].n);
        CHECK(!json_path(made, "KeyMetadata.CurrentKeyMaterialId").p);
    }
    world_free(w);
}

TEST(what_create_key_refuses)
{
    struct world *w = world_new();

    KMS_REFUSED(w, "ValidationException",
                "You must specify a KeyUsage value for all KMS keys except for symmetric "
                "encryption keys.",
                "CreateKey", "{'KeySpec':'HMAC_256'}");
    KMS_REFUSED(w, "ValidationException",
                "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048", "CreateKey",
                "{'KeySpec':'RSA_2048','KeyUsage':'KEY_AGREEMENT'}");
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "CreateKey",
                "{'KeySpec':'ML_DSA_44','KeyUsage':'SIGN_VERIFY'}");
    KMS_REFUSED(w, "UnsupportedOperationException", NULL, "CreateKey",
                "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'cks-1'}");
    KMS_REFUSED(w, "ValidationException", NULL, "CreateKey", "{'KeySpec':'HMAC_random'}");
    KMS_REFUSED(w, "TagException", "Duplicate tag keys", "CreateKey",
                "{'Tags':[{'TagKey':'a','TagValue':'1'},{'TagKey':'a','TagValue':'2'}]}");
    KMS_REFUSED(w, "TagException", "Tags beginning with aws: are reserved", "CreateKey",
                "{'Tags':[{'TagKey':'AWS:a','TagValue':'1'}]}");
    KMS_REFUSED(w, "MalformedPolicyDocumentException", NULL, "CreateKey", "{'Policy':'no JSON'}");
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 0);
    world_free(w);
}

TEST(keys_that_are_not_there_are_told_as_kms_tells_them)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");

    KMS_REFUSED(w, "NotFoundException",
                "Key 'arn:aws:kms:us-east-1:000000000000:key/" ABSENT "' does not exist",
                "DescribeKey", "{'KeyId':'" ABSENT "'}");
    KMS_REFUSED(w, "NotFoundException", "Invalid keyId 'fake-key-id'", "DescribeKey",
                "{'KeyId':'fake-key-id'}");
    KMS_REFUSED(w, "NotFoundException", "Invalid keyId 'mrk-fake-key-id'", "DescribeKey",
                "{'KeyId':'mrk-fake-key-id'}");
    KMS_REFUSED(w, "NotFoundException", "Invalid keyId '134f2428cec14b25a1ae9048164dba47'",
                "DescribeKey", "{'KeyId':'134f2428cec14b25a1ae9048164dba47'}");
    KMS_REFUSED(w, "NotFoundException",
                "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.", "DescribeKey",
                "{'KeyId':'alias/none'}");
    KMS_REFUSED(w, "InvalidArnException", NULL, "DescribeKey",
                "{'KeyId':'arn:aws:iam::000000000000:user/x'}");
    KMS_REFUSED(w, "NotFoundException", NULL, "EnableKey", "{'KeyId':'alias/none'}");
    world_account(w, "000000000000", "eu-west-1");
    KMS_REFUSED(w, "NotFoundException", "Invalid arn us-east-1", "DescribeKey",
                "{'KeyId':'arn:aws:kms:us-east-1:000000000000:key/%s'}", id);
    KMS_REFUSED(w, "NotFoundException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    world_free(w);
}

TEST(a_disabled_key_does_nothing_until_it_is_enabled)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    const char *arn = kms_arn(w, id);

    KMS(w, "DisableKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(KMS(w, "DescribeKey", "{'KeyId':'%s'}", id), "KeyMetadata.Enabled"),
              "false");
    KMS_REFUSED(w, "DisabledException", test_fmt("%s is disabled.", arn), "Encrypt",
                "{'KeyId':'%s','Plaintext':'eA=='}", id);
    KMS_REFUSED(w, "DisabledException", NULL, "GenerateDataKey",
                "{'KeyId':'%s','KeySpec':'AES_256'}", id);
    KMS_REFUSED(w, "DisabledException", NULL, "EnableKeyRotation", "{'KeyId':'%s'}", id);
    KMS(w, "UpdateKeyDescription", "{'KeyId':'%s','Description':'still'}", id);
    KMS(w, "EnableKey", "{'KeyId':'%s'}", arn);
    KMS(w, "Encrypt", "{'KeyId':'%s','Plaintext':'eA=='}", id);
    CHECK_STR(json_path(KMS(w, "DescribeKey", "{'KeyId':'%s'}", id), "KeyMetadata.Description"),
              "still");
    world_free(w);
}

TEST(a_key_waits_for_its_deletion_and_is_gone_at_its_time)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, ""), *arn = kms_arn(w, id);

    KMS(w, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'%s'}", id);
    const char *blob =
        kms_get(KMS(w, "Encrypt", "{'KeyId':'%s','Plaintext':'eA=='}", id), "CiphertextBlob");
    KMS_REFUSED(w, "ValidationException", NULL, "ScheduleKeyDeletion",
                "{'KeyId':'%s','PendingWindowInDays':6}", id);
    KMS_REFUSED(w, "KMSInvalidStateException", test_fmt("%s is not pending deletion.", arn),
                "CancelKeyDeletion", "{'KeyId':'%s'}", id);
    struct str reply = KMS(w, "ScheduleKeyDeletion", "{'KeyId':'%s','PendingWindowInDays':7}", id);
    CHECK_STR(json_path(reply, "KeyId"), arn);
    CHECK_STR(json_path(reply, "KeyState"), "PendingDeletion");
    CHECK_STR(json_path(reply, "PendingWindowInDays"), "7");
    CHECK(json_path(reply, "DeletionDate").p);
    KMS_REFUSED(w, "KMSInvalidStateException", test_fmt("%s is pending deletion.", arn), "Encrypt",
                "{'KeyId':'%s','Plaintext':'eA=='}", id);
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "EnableKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "KMSInvalidStateException", NULL, "ScheduleKeyDeletion", "{'KeyId':'%s'}", id);
    world_advance(w, 6 * KMS_DAY);
    KMS(w, "CancelKeyDeletion", "{'KeyId':'%s'}", id);
    reply = KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    CHECK_STR(json_path(reply, "KeyMetadata.KeyState"), "Disabled");
    CHECK(!json_path(reply, "KeyMetadata.DeletionDate").p);
    KMS(w, "ScheduleKeyDeletion", "{'KeyId':'%s'}", id);
    world_advance(w, 30 * KMS_DAY - 1000);
    KMS(w, "DescribeKey", "{'KeyId':'alias/a'}");
    world_crash(w);
    world_advance(w, 1000);
    KMS_REFUSED(w, "NotFoundException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "NotFoundException", NULL, "DescribeKey", "{'KeyId':'alias/a'}");
    KMS_REFUSED(w, "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist, does not "
                "exist in this region, or you are not allowed to access.",
                "Decrypt", "{'CiphertextBlob':'%s'}", blob);
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 0);
    CHECK_INT(json_count(KMS(w, "ListAliases", "{}"), "Aliases"), 0);
    world_free(w);
}

TEST(keys_are_listed_in_pages_and_by_account_and_region)
{
    struct world *w = world_new();

    for (int i = 0; i < 5; i++)
        kms_new_key(w, "");
    struct str page = KMS(w, "ListKeys", "{'Limit':2}");

    CHECK_INT(json_count(page, "Keys"), 2);
    CHECK_STR(json_path(page, "Truncated"), "true");
    page = KMS(w, "ListKeys", "{'Limit':2,'Marker':'%s'}", kms_get(page, "NextMarker"));
    page = KMS(w, "ListKeys", "{'Limit':2,'Marker':'%s'}", kms_get(page, "NextMarker"));
    CHECK_INT(json_count(page, "Keys"), 1);
    CHECK_STR(json_path(page, "Truncated"), "false");
    CHECK(!json_path(page, "NextMarker").p);
    KMS_REFUSED(w, "InvalidMarkerException", NULL, "ListKeys", "{'Marker':'nonsense'}");
    KMS_REFUSED(w, "ValidationException", NULL, "ListKeys", "{'Limit':0}");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 0);
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(json_count(KMS(w, "ListKeys", "{}"), "Keys"), 0);
    world_free(w);
}

TEST(tags_of_a_key_are_set_changed_and_taken_away)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "'Tags':[{'TagKey':'b','TagValue':'1'}]");

    KMS(w, "TagResource",
        "{'KeyId':'%s','Tags':[{'TagKey':'a','TagValue':'2'},{'TagKey':'b','TagValue':'3'}]}", id);
    struct str tags = KMS(w, "ListResourceTags", "{'KeyId':'%s'}", id);

    CHECK_INT(json_count(tags, "Tags"), 2);
    CHECK_STR(json_path(tags, "Tags.0.TagKey"), "a");
    CHECK_STR(json_path(tags, "Tags.1.TagValue"), "3");
    tags = KMS(w, "ListResourceTags", "{'KeyId':'%s','Limit':1}", id);
    CHECK_INT(json_count(tags, "Tags"), 1);
    tags = KMS(w, "ListResourceTags", "{'KeyId':'%s','Limit':1,'Marker':'%s'}", id,
               kms_get(tags, "NextMarker"));
    CHECK_STR(json_path(tags, "Tags.0.TagKey"), "b");
    KMS(w, "UntagResource", "{'KeyId':'%s','TagKeys':['a','none']}", id);
    CHECK_INT(json_count(KMS(w, "ListResourceTags", "{'KeyId':'%s'}", id), "Tags"), 1);
    KMS_REFUSED(w, "TagException", NULL, "UntagResource", "{'KeyId':'%s','TagKeys':['aws:x']}", id);
    world_free(w);
}

TEST(an_alias_stands_for_a_key)
{
    struct world *w = world_new();
    const char *a = kms_new_key(w, ""), *b = kms_new_key(w, "");
    const char *mac = kms_new_key(w, "'KeySpec':'HMAC_256','KeyUsage':'GENERATE_VERIFY_MAC'");

    KMS(w, "CreateAlias", "{'AliasName':'alias/mine/x','TargetKeyId':'%s'}", a);
    KMS_REFUSED(w, "AlreadyExistsException",
                "An alias with the name arn:aws:kms:us-east-1:000000000000:alias/mine/x already "
                "exists",
                "CreateAlias", "{'AliasName':'alias/mine/x','TargetKeyId':'%s'}", b);
    KMS_REFUSED(w, "ValidationException",
                "Alias must start with the prefix \"alias/\". Please see "
                "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
                "CreateAlias", "{'AliasName':'mine','TargetKeyId':'%s'}", a);
    KMS_REFUSED(w, "NotAuthorizedException", "", "CreateAlias",
                "{'AliasName':'alias/aws/ssm','TargetKeyId':'%s'}", a);
    KMS_REFUSED(w, "ValidationException", "Aliases must refer to keys. Not aliases", "CreateAlias",
                "{'AliasName':'alias/b','TargetKeyId':'alias/mine/x'}");
    KMS_REFUSED(w, "ValidationException", NULL, "UpdateAlias",
                "{'AliasName':'alias/mine/x','TargetKeyId':'%s'}", mac);
    KMS_REFUSED(w, "NotFoundException",
                "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.", "UpdateAlias",
                "{'AliasName':'alias/none','TargetKeyId':'%s'}", a);
    KMS(w, "UpdateAlias", "{'AliasName':'alias/mine/x','TargetKeyId':'%s'}", b);
    struct str seen =
        KMS(w, "DescribeKey", "{'KeyId':'arn:aws:kms:us-east-1:000000000000:alias/mine/x'}");
    CHECK_STR(json_path(seen, "KeyMetadata.KeyId"), b);
    struct str list = KMS(w, "ListAliases", "{'KeyId':'%s'}", b);
    CHECK_INT(json_count(list, "Aliases"), 1);
    CHECK_STR(json_path(list, "Aliases.0.TargetKeyId"), b);
    CHECK_INT(json_count(KMS(w, "ListAliases", "{'KeyId':'%s'}", a), "Aliases"), 0);
    KMS(w, "DeleteAlias", "{'AliasName':'alias/mine/x'}");
    KMS_REFUSED(w, "NotFoundException", NULL, "DeleteAlias", "{'AliasName':'alias/mine/x'}");
    world_free(w);
}

TEST(a_key_has_a_policy_that_does_not_lock_its_owner_out)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str policy = KMS(w, "GetKeyPolicy", "{'KeyId':'%s'}", id);
    static const char *const locked =
        "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","
        "\\\"Principal\\\":{\\\"AWS\\\":\\\"arn:aws:iam::222222222222:root\\\"},"
        "\\\"Action\\\":\\\"kms:*\\\",\\\"Resource\\\":\\\"*\\\"}]}";

    CHECK_STR(json_path(policy, "PolicyName"), "default");
    CHECK(str_find(json_path(policy, "Policy"), S("arn:aws:iam::000000000000:root")) != SIZE_MAX);
    CHECK_STR(json_path(KMS(w, "ListKeyPolicies", "{'KeyId':'%s'}", id), "PolicyNames.0"),
              "default");
    KMS_REFUSED(w, "NotFoundException", "No such policy exists", "GetKeyPolicy",
                "{'KeyId':'%s','PolicyName':'other'}", id);
    KMS_REFUSED(w, "MalformedPolicyDocumentException", NULL, "PutKeyPolicy",
                "{'KeyId':'%s','Policy':'{}'}", id);
    struct str request = str_fmt(test_arena(), "{\"KeyId\":\"%s\",\"Policy\":\"%s\"}", id, locked);
    struct str reply = world_json(w, "kms", "PutKeyPolicy", test_cstr(request));
    CHECK_STR(json_path(reply, "message"),
              "The new key policy will not allow you to update the key policy in the future.");
    request = str_fmt(test_arena(),
                      "{\"KeyId\":\"%s\",\"Policy\":\"%s\","
                      "\"BypassPolicyLockoutSafetyCheck\":true}",
                      id, locked);
    world_json_ok(w, "kms", "PutKeyPolicy", test_cstr(request));
    /* now not even the root of the key's account may */
    KMS_REFUSED(w, "AccessDeniedException", NULL, "GetKeyPolicy", "{'KeyId':'%s'}", id);
    world_free(w);
}
