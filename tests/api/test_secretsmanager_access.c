/* Who may do what with a secret: IAM, resource policies, KMS. */
#include "secretsmanager_help.h"

#define OTHER "111111111111"
#define POLICY(effect, principal, action, more)                                                    \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect                             \
    "\",\"Principal\":" principal ",\"Action\":\"" action "\",\"Resource\":\"*\"" more "}]}"

/* A document as the text of a JSON string. */
static const char *
quoted(const char *json)
{
    struct str out = S("");

    for (; *json; json++)
        out = str_cat(test_arena(), out, *json == '"' ? S("\\\"") : str_of(json, 1));
    return test_cstr(out);
}

static const char *
put_policy(const char *id, const char *policy, bool block)
{
    return test_fmt("{\"SecretId\":\"%s\",\"ResourcePolicy\":\"%s\",\"BlockPublicPolicy\":%s}", id,
                    quoted(policy), block ? "true" : "false");
}

/* A key of KMS whose policy lets another account use it. */
static const char *
shared_key(struct world *w)
{
    const char *policy =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":["
        "\"arn:aws:iam::000000000000:root\",\"arn:aws:iam::" OTHER ":root\"]},"
        "\"Action\":\"kms:*\",\"Resource\":\"*\"}]}";

    return sm_get(
        world_json_ok(w, "kms", "CreateKey", test_fmt("{\"Policy\":\"%s\"}", quoted(policy))),
        "KeyMetadata.KeyId");
}

TEST(iam_policies_see_names_and_conditions)
{
    struct world *w = world_new();
    struct str bob = sm_user(
        w, "bob",
        "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":"
        "\"arn:aws:secretsmanager:*:*:secret:app/*\",\"Condition\":{\"StringEquals\":{"
        "\"secretsmanager:VersionStage\":\"AWSCURRENT\"}}},"
        "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:DescribeSecret\",\"Resource\":\"*\","
        "\"Condition\":{\"StringEquals\":{\"secretsmanager:ResourceTag/team\":\"blue\"}}},"
        "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:DeleteSecret\",\"Resource\":\"*\","
        "\"Condition\":{\"NumericGreaterThanEquals\":{\"secretsmanager:RecoveryWindowInDays\":10}}"
        "}");
    const char *arn = sm_new(w, "app/db");

    sm_new(w, "other");
    SM(w, "TagResource", "{'SecretId':'other','Tags':[{'Key':'team','Value':'blue'}]}");
    world_as_reply(w, bob);
    SM(w, "GetSecretValue", "{'SecretId':'app/db','VersionStage':'AWSCURRENT'}");
    SM_REFUSED(w, "AccessDeniedException",
               test_fmt("User: arn:aws:iam::000000000000:user/bob is not authorized to perform: "
                        "secretsmanager:GetSecretValue on resource: %s because no identity-based "
                        "policy allows the secretsmanager:GetSecretValue action",
                        arn),
               "GetSecretValue", "{'SecretId':'app/db'}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "GetSecretValue",
               "{'SecretId':'other','VersionStage':'AWSCURRENT'}");
    SM(w, "DescribeSecret", "{'SecretId':'other'}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "DescribeSecret", "{'SecretId':'app/db'}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "DeleteSecret",
               "{'SecretId':'other','RecoveryWindowInDays':7}");
    SM(w, "DeleteSecret", "{'SecretId':'other','RecoveryWindowInDays':10}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "BatchGetSecretValue", "{'SecretIdList':['x']}");
    world_free(w);
}

TEST(creation_can_be_bound_to_a_tag_a_name_and_a_key)
{
    struct world *w = world_new();
    const char *key = sm_get(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.Arn");
    struct str bob = sm_user(
        w, "bob",
        test_fmt("{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:CreateSecret\",\"Resource\":"
                 "\"*\",\"Condition\":{\"StringEquals\":{\"aws:RequestTag/team\":\"blue\","
                 "\"secretsmanager:KmsKeyArn\":\"%s\"},\"StringLike\":{\"secretsmanager:Name\":"
                 "\"app/*\"}}},{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}",
                 key));

    world_json_okf(w, "kms", "CreateAlias", "{'AliasName':'alias/app','TargetKeyId':'%s'}",
                   strrchr(key, '/') + 1);
    world_as_reply(w, bob);
    SM(w, "CreateSecret",
       "{'Name':'app/a','SecretString':'x','KmsKeyId':'alias/app','Tags':[{'Key':'team','Value':"
       "'blue'}]," SM_TOKEN("1") "}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "CreateSecret",
               "{'Name':'app/b','KmsKeyId':'alias/app','Tags':[{'Key':'team','Value':'red'}]"
               "," SM_TOKEN("1") "}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "CreateSecret",
               "{'Name':'b','KmsKeyId':'alias/app','Tags':[{'Key':'team','Value':'blue'}]"
               "," SM_TOKEN("1") "}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "CreateSecret",
               "{'Name':'app/b','Tags':[{'Key':'team','Value':'blue'}]," SM_TOKEN("1") "}");
    world_free(w);
}

TEST(a_batch_tells_what_the_caller_may_not_read)
{
    struct world *w = world_new();
    struct str bob = sm_user(
        w, "bob",
        "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:BatchGetSecretValue\",\"Resource\":"
        "\"*\"},{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":"
        "\"arn:aws:secretsmanager:*:*:secret:app/*\"}");

    sm_new(w, "app/db");
    sm_new(w, "other");
    world_as_reply(w, bob);
    struct str got = SM(w, "BatchGetSecretValue", "{'SecretIdList':['app/db','other']}");
    CHECK_INT(json_count(got, "SecretValues"), 1);
    SM_IS(sm_get(got, "Errors.0.ErrorCode"), "AccessDeniedException");
    SM_REFUSED(w, "AccessDeniedException", NULL, "BatchGetSecretValue",
               "{'Filters':[{'Key':'name','Values':['app']}]}");
    world_free(w);
}

TEST(a_resource_policy_lets_another_account_in_and_keeps_users_out)
{
    struct world *w = world_new();
    const char *key = shared_key(w);
    const char *arn =
        sm_get(SM(w, "CreateSecret",
                  "{'Name':'one','SecretString':'first','KmsKeyId':'%s'," SM_TOKEN("1") "}", key),
               "ARN");
    struct str bob =
        sm_user(w, "bob", "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}");

    world_json_ok(
        w, "secretsmanager", "PutResourcePolicy",
        put_policy("one",
                   POLICY("Allow", "{\"AWS\":\"" OTHER "\"}", "secretsmanager:GetSecretValue", ""),
                   true));
    CHECK(json_path(SM(w, "GetResourcePolicy", "{'SecretId':'one'}"), "ResourcePolicy").n > 0);
    world_account(w, OTHER, "us-east-1");
    SM_IS(sm_value(w, arn), "first");
    SM_REFUSED(w, "AccessDeniedException", NULL, "DescribeSecret", "{'SecretId':'%s'}", arn);
    world_account(w, "000000000000", "us-east-1");
    world_json_ok(w, "secretsmanager", "PutResourcePolicy",
                  put_policy("one",
                             POLICY("Deny", "{\"AWS\":\"arn:aws:iam::000000000000:user/bob\"}",
                                    "secretsmanager:GetSecretValue", ""),
                             false));
    world_as_reply(w, bob);
    SM_REFUSED(w, "AccessDeniedException", NULL, "GetSecretValue", "{'SecretId':'one'}");
    SM(w, "DeleteResourcePolicy", "{'SecretId':'one'}");
    SM_IS(sm_value(w, "one"), "first");
    CHECK(!json_path(SM(w, "GetResourcePolicy", "{'SecretId':'one'}"), "ResourcePolicy").p);
    world_free(w);
}

TEST(the_default_key_is_not_for_other_accounts)
{
    struct world *w = world_new();
    const char *arn = sm_new(w, "one");

    world_json_ok(w, "secretsmanager", "PutResourcePolicy",
                  put_policy("one",
                             POLICY("Allow", "{\"AWS\":\"" OTHER "\"}", "secretsmanager:*", ""),
                             false));
    world_account(w, OTHER, "us-east-1");
    SM_REFUSED(w, "InvalidRequestException",
               "You can't access a secret from a different AWS account if you encrypt the secret "
               "with the default KMS service key.",
               "GetSecretValue", "{'SecretId':'%s'}", arn);
    world_free(w);
}

/* What BlockPublicPolicy says of a policy. */
static bool
is_blocked(struct world *w, const char *policy)
{
    struct str reply =
        world_json(w, "secretsmanager", "PutResourcePolicy", put_policy("one", policy, true));

    CHECK(w->http == 200 || str_ends(json_path(reply, "__type"), S("PublicPolicyException")));
    return w->http != 200;
}

TEST(public_policies_are_blocked_when_asked)
{
    struct world *w = world_new();

    sm_new(w, "one");
    CHECK(is_blocked(w, POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue", "")));
    CHECK(is_blocked(w, POLICY("Allow", "{\"AWS\":\"*\"}", "secretsmanager:*", "")));
    CHECK(is_blocked(w, POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue",
                               ",\"Condition\":{\"StringLike\":{\"aws:PrincipalOrgID\":\"*\"}}")));
    CHECK(is_blocked(w, POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue",
                               ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}")));
    CHECK(!is_blocked(w, POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue",
                                ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":"
                                "\"o-abcdefghij\"}}")));
    CHECK(!is_blocked(w, POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue",
                                ",\"Condition\":{\"StringEquals\":{\"aws:SourceVpce\":\"vpce-1\"}"
                                "}")));
    CHECK(!is_blocked(w, POLICY("Allow", "{\"AWS\":\"" OTHER "\"}", "secretsmanager:*", "")));
    CHECK(!is_blocked(w, POLICY("Deny", "\"*\"", "secretsmanager:GetSecretValue",
                                ",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}")));
    /* it is a question of asking */
    world_json_ok(w, "secretsmanager", "PutResourcePolicy",
                  put_policy("one", POLICY("Allow", "\"*\"", "secretsmanager:*", ""), false));
    world_free(w);
}

TEST(a_policy_is_validated_for_syntax_reach_and_lockout)
{
    struct world *w = world_new();
    const char *lockout = POLICY("Deny", "\"*\"", "secretsmanager:*", "");

    sm_new(w, "one");
    SM_REFUSED(w, "MalformedPolicyDocumentException",
               "This resource policy contains a syntax error.", "PutResourcePolicy",
               "{'SecretId':'one','ResourcePolicy':'{}'}");
    SM_REFUSED(w, "MalformedPolicyDocumentException", NULL, "ValidateResourcePolicy",
               "{'ResourcePolicy':'no JSON'}");
    world_json_refused(w, "MalformedPolicyDocumentException",
                       "This resource policy will not allow you to manage this secret in the "
                       "future.",
                       "secretsmanager", "PutResourcePolicy", put_policy("one", lockout, false));
    struct str got = world_json_ok(
        w, "secretsmanager", "ValidateResourcePolicy",
        test_fmt("{\"SecretId\":\"one\",\"ResourcePolicy\":\"%s\"}", quoted(lockout)));
    SM_IS(sm_get(got, "PolicyValidationPassed"), "false");
    SM_IS(sm_get(got, "ValidationErrors.0.CheckName"), "LockOutCheck");
    got = world_json_ok(
        w, "secretsmanager", "ValidateResourcePolicy",
        test_fmt("{\"ResourcePolicy\":\"%s\"}",
                 quoted(POLICY("Allow", "\"*\"", "secretsmanager:GetSecretValue", ""))));
    SM_IS(sm_get(got, "ValidationErrors.0.CheckName"), "BlockPublicPolicyCheck");
    got = world_json_ok(
        w, "secretsmanager", "ValidateResourcePolicy",
        test_fmt("{\"ResourcePolicy\":\"%s\"}",
                 quoted(POLICY("Allow", "{\"AWS\":\"" OTHER "\"}", "secretsmanager:*", ""))));
    SM_IS(sm_get(got, "PolicyValidationPassed"), "true");
    CHECK_INT(json_count(got, "ValidationErrors"), 0);
    char *large = memset(arena_alloc(test_arena(), 20482), ' ', 20481);
    SM_REFUSED(w, "ValidationException", NULL, "PutResourcePolicy",
               "{'SecretId':'one','ResourcePolicy':'%s'}", large);
    world_free(w);
}

TEST(a_value_needs_its_key)
{
    struct world *w = world_new();
    const char *key = sm_get(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");
    struct str bob = sm_user(
        w, "bob", "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:*\",\"Resource\":\"*\"}");

    SM_REFUSED(w, "EncryptionFailure", NULL, "CreateSecret",
               "{'Name':'one','SecretString':'x','KmsKeyId':'alias/none'," SM_TOKEN("1") "}");
    SM(w, "CreateSecret", "{'Name':'one','SecretString':'first','KmsKeyId':'%s'," SM_TOKEN("1") "}",
       key);
    SM_IS(sm_get(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "KmsKeyId"), key);
    SM_IS(sm_get(SM(w, "ListSecretVersionIds", "{'SecretId':'one'}"), "Versions.0.KmsKeyIds.0"),
          key);
    world_as_reply(w, bob);
    SM_REFUSED(w, "AccessDeniedException", "Access to KMS is not allowed", "GetSecretValue",
               "{'SecretId':'one'}");
    SM_REFUSED(w, "AccessDeniedException", "Access to KMS is not allowed", "PutSecretValue",
               "{'SecretId':'one','SecretString':'x'," SM_TOKEN("2") "}");
    /* the key of the service itself is for whoever may use the service */
    SM_IS(sm_value(w, sm_new(w, "two")), "first");
    world_as(w, STR_NONE, STR_NONE, STR_NONE);
    world_json_ok(w, "kms", "DisableKey", test_fmt("{\"KeyId\":\"%s\"}", key));
    SM_REFUSED(w, "DecryptionFailure", NULL, "GetSecretValue", "{'SecretId':'one'}");
    SM_REFUSED(w, "EncryptionFailure", NULL, "PutSecretValue",
               "{'SecretId':'one','SecretString':'x'," SM_TOKEN("2") "}");
    struct str got = SM(w, "BatchGetSecretValue", "{'SecretIdList':['one','two']}");
    SM_IS(sm_get(got, "Errors.0.ErrorCode"), "DecryptionFailure");
    SM_IS(sm_get(got, "SecretValues.0.Name"), "two");
    world_free(w);
}

TEST(a_new_key_takes_over_the_versions_in_use)
{
    struct world *w = world_new();
    const char *key = sm_get(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");

    SM(w, "CreateSecret", "{'Name':'one','SecretString':'first','KmsKeyId':'%s'," SM_TOKEN("1") "}",
       key);
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'second'," SM_TOKEN("2") "}");
    SM(w, "UpdateSecret",
       "{'SecretId':'one','KmsKeyId':'alias/aws/secretsmanager'," SM_TOKEN("3") "}");
    world_json_ok(w, "kms", "ScheduleKeyDeletion", test_fmt("{\"KeyId\":\"%s\"}", key));
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_get(SM(w, "GetSecretValue", "{'SecretId':'one','VersionStage':'AWSPREVIOUS'}"),
                 "SecretString"),
          "first");
    CHECK(!json_path(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "KmsKeyId").p);
    world_free(w);
}
