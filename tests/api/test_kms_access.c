/* Who may use a key: its policy, IAM's policies where it lets them, grants, and services. */
#include "kms_help.h"

#define TEXT "'Plaintext':'c2VjcmV0'"
#define BOB "arn:aws:iam::000000000000:user/bob"
#define ALLOW(principal, action, condition)                                                        \
    "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" principal "\"},\"Action\":" action           \
    ",\"Resource\":\"*\"" condition "}"
#define ADMIN ALLOW("arn:aws:iam::000000000000:root", "\"kms:*\"", "")
/* Only administration: IAM policies of the account decide nothing about use. */
#define STRICT                                                                                     \
    ALLOW("arn:aws:iam::000000000000:root",                                                        \
          "[\"kms:PutKeyPolicy\",\"kms:CreateGrant\",\"kms:ListGrants\",\"kms:RevokeGrant\"]", "")

/* A user of the world's account; json may be NULL. */
static struct str
make_user(struct world *w, const char *name, const char *json)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    if (json)
        world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=own&PolicyDocument=%.*s", name,
                  STR_ARG(world_code(w, str_from(json))));
    return world_okf(w, "Action=CreateAccessKey&UserName=%s", name);
}

static const char *
user_policy(const char *action, const char *resource)
{
    return test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                    "\"%s\",\"Resource\":\"%s\"}]}",
                    action, resource);
}

/* Statements as the text of a JSON string. */
static const char *
quoted_policy(const char *statements)
{
    struct str text =
        str_fmt(test_arena(), "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    struct str out = S("");

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            out = str_cat(test_arena(), out, S("\\"));
        out = str_cat(test_arena(), out, str_cut(text, i, i + 1));
    }
    return test_cstr(out);
}

static void
put_policy(struct world *w, const char *id, const char *statements)
{
    world_json_ok(w, "kms", "PutKeyPolicy",
                  test_fmt("{\"KeyId\":\"%s\",\"Policy\":\"%s\"}", id, quoted_policy(statements)));
}

static struct str
grant(struct world *w, const char *id, const char *grantee, const char *operations,
      const char *more)
{
    return KMS(w, "CreateGrant", "{'KeyId':'%s','GranteePrincipal':'%s','Operations':[%s]%s}", id,
               grantee, operations, more);
}

TEST(iam_policies_speak_only_where_the_key_policy_lets_them)
{
    struct world *w = world_new();
    const char *open_key = kms_new_key(w, ""), *strict = kms_new_key(w, "");
    struct str bob = make_user(w, "bob", user_policy("kms:Encrypt", "*"));
    struct str eve = make_user(w, "eve", NULL);

    put_policy(w, strict, STRICT);
    world_as_reply(w, bob);
    KMS(w, "Encrypt", "{'KeyId':'%s'," TEXT "}", open_key);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", strict);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "GenerateDataKey",
                "{'KeyId':'%s','KeySpec':'AES_256'}", open_key);
    world_as_reply(w, eve);
    KMS_REFUSED(w, "AccessDeniedException",
                test_fmt("User: arn:aws:iam::000000000000:user/eve is not authorized to perform: "
                         "kms:Encrypt on resource: %s because no identity-based policy allows the "
                         "kms:Encrypt action",
                         kms_arn(w, open_key)),
                "Encrypt", "{'KeyId':'%s'," TEXT "}", open_key);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "CreateKey", "{}");
    world_free(w);
}

TEST(a_key_policy_allows_another_account_which_iam_there_must_allow_too)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, ""), *arn = kms_arn(w, id);

    world_account(w, "111111111111", "us-east-1");
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", arn);
    world_account(w, "000000000000", "us-east-1");
    put_policy(
        w, id,
        ADMIN "," ALLOW("arn:aws:iam::111111111111:root", "[\"kms:Encrypt\",\"kms:Decrypt\"]", ""));
    world_account(w, "111111111111", "us-east-1");
    const char *blob = kms_get(KMS(w, "Encrypt", "{'KeyId':'%s'," TEXT "}", arn), "CiphertextBlob");
    KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", blob);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "DisableKey", "{'KeyId':'%s'}", arn);
    struct str bob = make_user(w, "bob", user_policy("kms:Decrypt", arn));
    world_as_reply(w, bob);
    KMS(w, "Decrypt", "{'CiphertextBlob':'%s'}", blob);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", arn);
    world_free(w);
}

TEST(conditions_see_the_encryption_context_and_the_alias)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str bob = make_user(w, "bob", NULL);

    KMS(w, "CreateAlias", "{'AliasName':'alias/mine','TargetKeyId':'%s'}", id);
    put_policy(
        w, id,
        ADMIN
        "," ALLOW(BOB, "\"kms:Encrypt\"",
                  ",\"Condition\":{\"StringEquals\":"
                  "{\"kms:EncryptionContext:team\":\"red\"}}") "," ALLOW(BOB, "\"kms:DescribeKey\"",
                                                                         ",\"Condition\":{"
                                                                         "\"StringEquals\":{\"kms:"
                                                                         "RequestAlias\":\"alias/"
                                                                         "mine\"}}"));
    world_as_reply(w, bob);
    KMS(w, "Encrypt", "{'KeyId':'%s'," TEXT ",'EncryptionContext':{'team':'red','x':'y'}}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt",
                "{'KeyId':'%s'," TEXT ",'EncryptionContext':{'team':'blue'}}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", id);
    KMS(w, "DescribeKey", "{'KeyId':'alias/mine'}");
    KMS_REFUSED(w, "AccessDeniedException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    world_free(w);
}

TEST(a_grant_allows_its_operations_under_its_constraints)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, ""), *arn = kms_arn(w, id);
    struct str bob = make_user(w, "bob", NULL);

    put_policy(w, id, STRICT);
    world_as_reply(w, bob);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", id);
    world_as_root(w);
    struct str made = grant(w, id, BOB, "'Encrypt','DescribeKey'",
                            ",'Constraints':{'EncryptionContextSubset':{'a':'1'}}");
    struct str list = KMS(w, "ListGrants", "{'KeyId':'%s'}", id);
    CHECK_INT(json_count(list, "Grants"), 1);
    CHECK_STR(json_path(list, "Grants.0.KeyId"), arn);
    CHECK_STR(json_path(list, "Grants.0.GranteePrincipal"), BOB);
    CHECK_STR(json_path(list, "Grants.0.IssuingAccount"), "arn:aws:iam::000000000000:root");
    CHECK_STR(json_path(list, "Grants.0.Constraints.EncryptionContextSubset.a"), "1");
    world_as_reply(w, bob);
    KMS(w, "Encrypt", "{'KeyId':'%s'," TEXT ",'EncryptionContext':{'a':'1','b':'2'}}", id);
    KMS(w, "Encrypt", "{'KeyId':'%s'," TEXT ",'EncryptionContext':{'a':'1'},'GrantTokens':['%s']}",
        id, kms_get(made, "GrantToken"));
    KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt",
                "{'KeyId':'%s'," TEXT ",'EncryptionContext':{'a':'2'}}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "GenerateDataKey",
                "{'KeyId':'%s','KeySpec':'AES_256','EncryptionContext':{'a':'1'}}", id);
    KMS_REFUSED(w, "InvalidGrantTokenException", NULL, "Encrypt",
                "{'KeyId':'%s'," TEXT ",'GrantTokens':['bm9uc2Vuc2U=']}", id);
    world_as_root(w);
    world_crash(w);
    KMS(w, "RevokeGrant", "{'KeyId':'%s','GrantId':'%s'}", id, kms_get(made, "GrantId"));
    world_as_reply(w, bob);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "DescribeKey", "{'KeyId':'%s'}", id);
    world_free(w);
}

TEST(a_grant_token_is_good_in_the_region_of_its_grant_alone)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str made = grant(w, id, BOB, "'Encrypt','DescribeKey'", "");
    const char *token = kms_get(made, "GrantToken");

    world_account(w, "000000000000", "eu-west-1");
    KMS_REFUSED(w, "InvalidGrantTokenException", NULL, "RetireGrant", "{'GrantToken':'%s'}", token);
    world_account(w, "000000000000", "us-east-1");
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%s'}", id), "Grants"), 1);
    KMS(w, "RetireGrant", "{'GrantToken':'%s'}", token);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%s'}", id), "Grants"), 0);
    world_free(w);
}

TEST(a_denied_action_is_not_granted)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str bob = make_user(w, "bob",
                               "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","
                               "\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}");

    grant(w, id, BOB, "'Encrypt','DescribeKey'", "");
    world_as_reply(w, bob);
    KMS(w, "DescribeKey", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "Encrypt", "{'KeyId':'%s'," TEXT "}", id);
    world_free(w);
}

TEST(a_named_grant_is_made_once_and_a_grant_is_passed_on_in_part_only)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str bob = make_user(w, "bob", NULL);
    struct str a = grant(w, id, BOB, "'Encrypt','CreateGrant'", ",'Name':'n'");
    struct str b = grant(w, id, BOB, "'Encrypt','CreateGrant'", ",'Name':'n'");
    struct str c = grant(w, id, BOB, "'Encrypt'", ",'Name':'n'");

    CHECK(str_eq(json_path(a, "GrantId"), json_path(b, "GrantId")));
    CHECK(!str_eq(json_path(a, "GrantToken"), json_path(b, "GrantToken")));
    CHECK(!str_eq(json_path(a, "GrantId"), json_path(c, "GrantId")));
    KMS_REFUSED(w, "InvalidArnException",
                "ARN does not refer to a valid principal: arn:aws:iam::000000000000:group/x",
                "CreateGrant",
                "{'KeyId':'%s','GranteePrincipal':'arn:aws:iam::000000000000:group/x',"
                "'Operations':['Encrypt']}",
                id);
    KMS_REFUSED(w, "ValidationException", NULL, "CreateGrant",
                "{'KeyId':'%s','GranteePrincipal':'" BOB "','Operations':['Sign']}", id);
    struct str page = KMS(w, "ListGrants", "{'KeyId':'%s','Limit':1}", id);
    page = KMS(w, "ListGrants", "{'KeyId':'%s','Limit':1,'Marker':'%s'}", id,
               kms_get(page, "NextMarker"));
    CHECK_INT(json_count(page, "Grants"), 1);
    CHECK_STR(json_path(page, "Truncated"), "false");
    CHECK_INT(
        json_count(KMS(w, "ListGrants", "{'KeyId':'%s','GrantId':'%s'}", id, kms_get(a, "GrantId")),
                   "Grants"),
        1);
    world_as_reply(w, bob);
    grant(w, id, "arn:aws:iam::111111111111:root", "'Encrypt'", "");
    KMS_REFUSED(w, "AccessDeniedException", NULL, "CreateGrant",
                "{'KeyId':'%s','GranteePrincipal':'" BOB "','Operations':['Decrypt']}", id);
    world_free(w);
}

TEST(a_grant_is_retired_by_whom_it_names)
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, "");
    struct str bob = make_user(w, "bob", NULL), eve = make_user(w, "eve", NULL);
    struct str a = grant(w, id, "arn:aws:iam::111111111111:root", "'Encrypt'",
                         ",'RetiringPrincipal':'" BOB "'");
    struct str b = grant(w, id, BOB, "'Encrypt'", "");
    struct str retirable = KMS(w, "ListRetirableGrants", "{'RetiringPrincipal':'" BOB "'}");

    CHECK_INT(json_count(retirable, "Grants"), 1);
    CHECK(str_eq(json_path(retirable, "Grants.0.GrantId"), json_path(a, "GrantId")));
    world_as_reply(w, eve);
    KMS_REFUSED(w, "AccessDeniedException", NULL, "RetireGrant", "{'GrantToken':'%s'}",
                kms_get(a, "GrantToken"));
    world_as_reply(w, bob);
    KMS(w, "RetireGrant", "{'GrantToken':'%s'}", kms_get(a, "GrantToken"));
    KMS_REFUSED(w, "InvalidGrantTokenException", NULL, "RetireGrant", "{'GrantToken':'%s'}",
                kms_get(a, "GrantToken"));
    KMS_REFUSED(w, "AccessDeniedException", NULL, "RetireGrant", "{'KeyId':'%s','GrantId':'%s'}",
                kms_arn(w, id), kms_get(b, "GrantId"));
    world_as_root(w);
    KMS(w, "RetireGrant", "{'KeyId':'%s','GrantId':'%s'}", kms_arn(w, id), kms_get(b, "GrantId"));
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%s'}", id), "Grants"), 0);
    KMS_REFUSED(w, "ValidationException", "Grant token OR (grant ID, key ID) must be specified",
                "RetireGrant", "{'KeyId':'%s'}", id);
    KMS_REFUSED(w, "InvalidGrantIdException", NULL, "RevokeGrant",
                "{'KeyId':'%s','GrantId':'nonsense'}", id);
    KMS_REFUSED(w, "NotFoundException", NULL, "RevokeGrant", "{'KeyId':'%s','GrantId':'%s'}", id,
                kms_get(b, "GrantId"));
    world_free(w);
}

#define READ_K "{'Name':'/k','WithDecryption':true}"

TEST(parameter_store_uses_a_key_as_its_caller_may, "KMS-01 PS-13")
{
    struct world *w = world_new();
    const char *id = kms_new_key(w, ""), *reads = user_policy("*", "*");
    struct str ann = make_user(w, "ann", reads), bob = make_user(w, "bob", reads);

    world_json_okf(w, "ssm", "PutParameter",
                   "{'Name':'/k','Value':'v','Type':'SecureString','KeyId':'%s'}", id);
    put_policy(w, id,
               STRICT "," ALLOW("arn:aws:iam::000000000000:user/ann", "\"kms:Decrypt\"",
                                ",\"Condition\":{\"StringEquals\":{\"kms:ViaService\":"
                                "\"ssm.us-east-1.amazonaws.com\"}}"));
    world_as_reply(w, ann);
    CHECK_STR(json_path(world_json_ok(w, "ssm", "GetParameter", READ_K), "Parameter.Value"), "v");
    struct str blob =
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/k'}"), "Parameter.Value");
    world_json_refusedf(w, "AccessDeniedException", NULL, "kms", "Decrypt",
                        "{'CiphertextBlob':'%.*s','EncryptionContext':{'PARAMETER_ARN':"
                        "'arn:aws:ssm:us-east-1:000000000000:parameter/k'}}",
                        STR_ARG(blob));
    /* all of IAM is allowed to bob, and the key's policy does not let IAM speak */
    world_as_reply(w, bob);
    world_json_refused(w, "AccessDeniedException", NULL, "ssm", "GetParameter", READ_K);
    world_as_root(w);
    struct str given = grant(w, id, BOB, "'Decrypt'",
                             ",'Constraints':{'EncryptionContextEquals':{'PARAMETER_ARN':"
                             "'arn:aws:ssm:us-east-1:000000000000:parameter/k'}}");
    world_as_reply(w, bob);
    CHECK_STR(json_path(world_json_ok(w, "ssm", "GetParameter", READ_K), "Parameter.Value"), "v");
    world_json_refused(w, "AccessDeniedException", NULL, "ssm", "PutParameter",
                       "{'Name':'/k','Value':'w','Overwrite':true}");
    world_as_root(w);
    world_json_okf(w, "kms", "RevokeGrant", "{'KeyId':'%s','GrantId':'%s'}", id,
                   json_cstr(given, "GrantId"));
    world_as_reply(w, bob);
    world_json_refused(w, "AccessDeniedException", NULL, "ssm", "GetParameter", READ_K);
    world_free(w);
}
