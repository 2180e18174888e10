/*
 * SecureStrings: what KMS makes of them, and who may read them; branches of the tree by policy;
 * parameters of other accounts.
 */
#include "ssm_help.h"

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ALLOW(actions, resource)                                                                   \
    "{\"Effect\":\"Allow\",\"Action\":[" actions "],\"Resource\":\"" resource "\"}"
#define HIDDEN "hunter2-is-never-on-the-disk"

static struct str
make_user(struct world *w, const char *name, const char *json)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=p&PolicyDocument=%.*s", name,
              STR_ARG(world_code(w, str_from(json))));
    return world_okf(w, "Action=CreateAccessKey&UserName=%s", name);
}

static void
put_secret(struct world *w, const char *name, const char *more)
{
    SSM(w, "PutParameter", "{'Name':'%s','Value':'" HIDDEN "','Type':'SecureString'%s}", name,
        more);
}

TEST(a_secure_string_is_ciphertext_unless_decrypted, "PS-05 PS-08")
{
    struct world *w = world_new();

    put_secret(w, "/s/standard", "");
    put_secret(w, "/s/advanced", ",'Tier':'Advanced'");
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "/s/advanced" : "/s/standard";
        struct str r = SSM(w, "GetParameter", "{'Name':'%s'}", name);

        CHECK_STR(json_path(r, "Parameter.Type"), "SecureString");
        CHECK(json_path(r, "Parameter.Value").n > 60);
        CHECK(str_find(r, S(HIDDEN)) == SIZE_MAX);
        CHECK_STR(ssm_value(w, name), HIDDEN);
    }
    struct str r = SSM(w, "DescribeParameters", "{}");
    CHECK_STR(json_path(r, "Parameters.0.KeyId"), "alias/aws/ssm");
    world_crash(w);
    CHECK_STR(ssm_value(w, "/s/advanced"), HIDDEN);
    CHECK_STR(ssm_value(w, "/s/standard"), HIDDEN);
    r = SSM(w, "GetParameterHistory", "{'Name':'/s/advanced','WithDecryption':true}");
    CHECK_STR(json_path(r, "Parameters.0.Value"), HIDDEN);
    r = SSM(w, "GetParametersByPath", "{'Path':'/s','WithDecryption':true}");
    CHECK_STR(json_path(r, "Parameters.1.Value"), HIDDEN);
    world_free(w);
}

TEST(the_text_of_a_secure_string_is_nowhere_in_the_database, "PS-02 PS-08")
{
    struct world *w = world_new();

    put_secret(w, "/s/standard", "");
    put_secret(w, "/s/advanced", ",'Tier':'Advanced'");
    SSM(w, "PutParameter", "{'Name':'/s/standard','Value':'" HIDDEN "+','Overwrite':true}");
    ssm_put(w, "/s/plain", "this-one-is-on-the-disk");
    CHECK_STR(ssm_value(w, "/s/standard"), HIDDEN "+");
    world_flush(w);
    CHECK(disk_fake_holds(&w->disk, "this-one-is-on-the-disk", 23));
    CHECK(!disk_fake_holds(&w->disk, HIDDEN, strlen(HIDDEN)));
    const char *base64 = test_cstr(str_base64(test_arena(), S(HIDDEN)));
    CHECK(!disk_fake_holds(&w->disk, base64, strlen(base64) - 4));
    world_free(w);
}

TEST(a_key_of_ones_own_encrypts_and_its_state_counts, "PS-08")
{
    struct world *w = world_new();
    const char *id = json_cstr(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");

    put_secret(w, "/k", test_fmt(",'KeyId':'%s'", id));
    CHECK_STR(ssm_value(w, "/k"), HIDDEN);
    SSM_REFUSED(w, "InvalidKeyId", "Invalid keyId alias/none", "PutParameter",
                "{'Name':'/m','Value':'v','Type':'SecureString','KeyId':'alias/none'}");
    SSM_REFUSED(w, "ParameterNotFound", "", "GetParameter", "{'Name':'/m'}");
    world_json_okf(w, "kms", "DisableKey", "{'KeyId':'%s'}", id);
    SSM_REFUSED(w, "InvalidKeyId", NULL, "GetParameter", "{'Name':'/k','WithDecryption':true}");
    SSM_REFUSED(w, "InvalidKeyId", NULL, "PutParameter",
                "{'Name':'/k','Value':'v','Overwrite':true}");
    SSM(w, "GetParameter", "{'Name':'/k'}");
    world_json_okf(w, "kms", "EnableKey", "{'KeyId':'%s'}", id);
    CHECK_STR(ssm_value(w, "/k"), HIDDEN);
    world_free(w);
}

TEST(a_ciphertext_is_bound_to_its_parameter, "PS-08")
{
    struct world *w = world_new();
    const char *id = json_cstr(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");

    put_secret(w, "/k", test_fmt(",'KeyId':'%s'", id));
    const char *blob = json_cstr(SSM(w, "GetParameter", "{'Name':'/k'}"), "Parameter.Value");
    struct str r =
        world_json_okf(w, "kms", "Decrypt",
                       "{'CiphertextBlob':'%s','EncryptionContext':"
                       "{'PARAMETER_ARN':'arn:aws:ssm:us-east-1:000000000000:parameter/k'}}",
                       blob);
    CHECK_STR(json_path(r, "Plaintext"), test_cstr(str_base64(test_arena(), S(HIDDEN))));
    world_json_refusedf(w, "InvalidCiphertextException", NULL, "kms", "Decrypt",
                        "{'CiphertextBlob':'%s'}", blob);
    world_free(w);
}

TEST(a_team_has_its_branch_only, "PS-09 PS-12")
{
    struct world *w = world_new();

    ssm_put(w, "/teamA/x", "a");
    ssm_put(w, "/teamB/x", "b");
    world_as_reply(
        w, make_user(w, "ann",
                     POLICY(ALLOW("\"ssm:GetParameter*\",\"ssm:PutParameter\"",
                                  "arn:aws:ssm:us-east-1:000000000000:parameter/teamA/*"))));
    CHECK_STR(ssm_value(w, "/teamA/x"), "a");
    CHECK_STR(ssm_value(w, "/teamA/x:1"), "a");
    ssm_put(w, "/teamA/y", "new");
    SSM_REFUSED(
        w, "AccessDeniedException",
        "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: "
        "ssm:GetParameter on resource: arn:aws:ssm:us-east-1:000000000000:parameter/teamB/x "
        "because no identity-based policy allows the ssm:GetParameter action",
        "GetParameter", "{'Name':'/teamB/x'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameters",
                "{'Names':['/teamA/x','/teamB/x']}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "DeleteParameter", "{'Name':'/teamA/x'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParametersByPath", "{'Path':'/teamB'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "DescribeParameters", "{}");
    struct str r = SSM(w, "GetParametersByPath", "{'Path':'/teamA/'}");
    CHECK_INT(json_count(r, "Parameters"), 2);
    world_free(w);
}

TEST(permission_for_a_path_is_permission_for_all_below, "PS-09")
{
    struct world *w = world_new();

    ssm_put(w, "/a/b/c", "deep");
    world_as_reply(w, make_user(w, "ann",
                                POLICY(ALLOW("\"ssm:GetParametersByPath\"",
                                             "arn:aws:ssm:us-east-1:000000000000:parameter/"
                                             "a") ","
                                                  "{\"Effect\":\"Deny\",\"Action\":\"ssm:*"
                                                  "\",\"Resource\":"
                                                  "\"arn:aws:ssm:us-east-1:000000000000:"
                                                  "parameter/a/b\"}")));
    struct str r = SSM(w, "GetParametersByPath", "{'Path':'/a','Recursive':true}");
    CHECK_STR(json_path(r, "Parameters.0.Value"), "deep");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParametersByPath", "{'Path':'/a/b'}");
    world_free(w);
}

TEST(condition_keys_tell_of_overwriting_and_tags, "PS-09")
{
    struct world *w = world_new();

    SSM(w, "PutParameter",
        "{'Name':'/t','Value':'v','Type':'String','Tags':[{'Key':'team','Value':'a'}]}");
    ssm_put(w, "/u", "v");
    world_as_reply(
        w,
        make_user(w, "ann",
                  POLICY("{\"Effect\":\"Allow\",\"Action\":\"ssm:GetParameter\",\"Resource\":\"*\","
                         "\"Condition\":{\"StringEquals\":{\"ssm:resourceTag/team\":\"a\"}}},"
                         "{\"Effect\":\"Allow\",\"Action\":\"ssm:PutParameter\",\"Resource\":\"*\","
                         "\"Condition\":{\"StringEquals\":{\"ssm:Overwrite\":\"false\"}}}")));
    CHECK_STR(ssm_value(w, "/t"), "v");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameter", "{'Name':'/u'}");
    ssm_put(w, "/v", "v");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "PutParameter",
                "{'Name':'/v','Value':'w','Overwrite':true}");
    world_free(w);
}

TEST(condition_keys_tell_of_recursion_and_policies, "PS-09")
{
    struct world *w = world_new();

    ssm_put(w, "/a/b/c", "deep");
    world_as_reply(
        w,
        make_user(w, "ann",
                  POLICY(ALLOW("\"ssm:GetParametersByPath\",\"ssm:PutParameter\"",
                               "*") ","
                                    "{\"Effect\":\"Deny\",\"Action\":\"ssm:GetParametersByPath\","
                                    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
                                    "{\"ssm:Recursive\":\"true\"}}},"
                                    "{\"Effect\":\"Deny\",\"Action\":\"ssm:PutParameter\","
                                    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
                                    "{\"ssm:Policies\":\"true\"}}}")));
    SSM(w, "GetParametersByPath", "{'Path':'/a/b'}");
    SSM(w, "GetParametersByPath", "{'Path':'/a/b','Recursive':false}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParametersByPath",
                "{'Path':'/a/b','Recursive':true}");
    SSM(w, "PutParameter", "{'Name':'/p','Value':'v','Type':'String','Tier':'Advanced'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "PutParameter",
                "{\"Name\":\"/q\",\"Value\":\"v\",\"Type\":\"String\",\"Tier\":\"Advanced\","
                "\"Policies\":\"[{\\\"Type\\\":\\\"Expiration\\\",\\\"Version\\\":\\\"1.0\\\","
                "\\\"Attributes\\\":{\\\"Timestamp\\\":\\\"2040-01-01T00:00:00.000Z\\\"}}]\"}");
    world_free(w);
}

TEST(a_role_reads_its_branch_with_temporary_keys, "PS-09 PS-12 PS-13")
{
    struct world *w = world_new();
    struct str trust = S(POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":"
                                "\"arn:aws:iam::000000000000:root\"},"
                                "\"Action\":\"sts:AssumeRole\"}"));
    struct str reads = S(POLICY(
        ALLOW("\"ssm:GetParameter\"", "arn:aws:ssm:us-east-1:000000000000:parameter/teamA/*")));
    const char *id = json_cstr(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");

    ssm_put(w, "/teamA/x", "a");
    ssm_put(w, "/teamB/x", "b");
    put_secret(w, "/teamA/k", test_fmt(",'KeyId':'%s'", id));
    world_okf(w, "Action=CreateRole&RoleName=team&AssumeRolePolicyDocument=%.*s",
              STR_ARG(world_code(w, trust)));
    world_okf(w, "Action=PutRolePolicy&RoleName=team&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, reads)));
    world_as_reply(w, make_user(w, "ann", POLICY(ALLOW("\"sts:AssumeRole\"", "*"))));
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameter", "{'Name':'/teamA/x'}");
    world_as_reply(w, world_okf(w, "Action=AssumeRole&RoleSessionName=alice&RoleArn="
                                   "arn:aws:iam::000000000000:role/team"));
    CHECK_STR(ssm_value(w, "/teamA/x"), "a");
    SSM_REFUSED(
        w, "AccessDeniedException",
        "User: arn:aws:sts::000000000000:assumed-role/team/alice is not authorized to perform: "
        "ssm:GetParameter on resource: arn:aws:ssm:us-east-1:000000000000:parameter/teamB/x "
        "because no identity-based policy allows the ssm:GetParameter action",
        "GetParameter", "{'Name':'/teamB/x'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "PutParameter",
                "{'Name':'/teamA/x','Value':'w','Overwrite':true}");
    SSM(w, "GetParameter", "{'Name':'/teamA/k'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameter",
                "{'Name':'/teamA/k','WithDecryption':true}");
    world_free(w);
}

TEST(to_read_a_secure_string_the_caller_needs_the_key_too, "PS-12 PS-13")
{
    struct world *w = world_new();
    const char *id = json_cstr(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");
    const char *ssm_only = POLICY(ALLOW("\"ssm:*\"", "*"));

    put_secret(w, "/k", test_fmt(",'KeyId':'%s'", id));
    world_as_reply(w, make_user(w, "ann", ssm_only));
    struct str r = world_json(w, "ssm", "GetParameter", "{'Name':'/k','WithDecryption':true}");
    CHECK_INT(w->http, 400);
    CHECK(str_find(r, S("AccessDeniedException")) != SIZE_MAX);
    CHECK(str_starts(json_path(r, "Message"),
                     S("User: arn:aws:iam::000000000000:user/ann is not authorized to perform: "
                       "kms:Decrypt on resource: arn:aws:kms:us-east-1:000000000000:key/")));
    CHECK(str_find(r, S("Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException")) !=
          SIZE_MAX);
    SSM(w, "GetParameter", "{'Name':'/k'}");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "PutParameter",
                "{'Name':'/k','Value':'v','Overwrite':true}");
    /* who may use the account's default key: all in it, through Parameter Store */
    put_secret(w, "/d", "");
    CHECK_STR(ssm_value(w, "/d"), HIDDEN);
    world_as_root(w);
    world_as_reply(w, make_user(w, "bob", POLICY(ALLOW("\"ssm:*\",\"kms:Decrypt\"", "*"))));
    CHECK_STR(ssm_value(w, "/k"), HIDDEN);
    world_free(w);
}

TEST(a_shared_parameter_is_read_by_its_arn, "PS-11")
{
    struct world *w = world_new();
    const char *arn = "arn:aws:ssm:us-east-1:000000000000:parameter/shared/x";

    SSM(w, "PutParameter", "{'Name':'/shared/x','Value':'v','Type':'String','Tier':'Advanced'}");
    ssm_put(w, "/standard", "v");
    world_account(w, "111122223333", "us-east-1");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameter", "{'Name':'%s'}", arn);
    world_account(w, "000000000000", "us-east-1");
    const char *policy = "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":"
                         "\\\"Allow\\\",\\\"Principal\\\":{\\\"AWS\\\":\\\"111122223333\\\"},"
                         "\\\"Action\\\":[\\\"ssm:GetParameter\\\",\\\"ssm:GetParameters\\\"],"
                         "\\\"Resource\\\":\\\"*\\\"}]}";
    struct str r =
        SSM(w, "PutResourcePolicy", "{\"ResourceArn\":\"%s\",\"Policy\":\"%s\"}", arn, policy);
    const char *id = json_cstr(r, "PolicyId"), *hash = json_cstr(r, "PolicyHash");
    CHECK_STR(json_path(SSM(w, "GetResourcePolicies", "{'ResourceArn':'%s'}", arn),
                        "Policies.0.PolicyId"),
              id);
    world_account(w, "111122223333", "us-east-1");
    r = SSM(w, "GetParameter", "{'Name':'%s'}", arn);
    CHECK_STR(json_path(r, "Parameter.Value"), "v");
    CHECK_STR(json_path(r, "Parameter.Name"), arn);
    r = SSM(w, "DescribeParameters", "{'Shared':true}");
    CHECK_STR(json_path(r, "Parameters.0.Name"), arn);
    SSM_REFUSED(w, "AccessDeniedException", NULL, "DeleteParameter", "{'Name':'%s'}", arn);
    world_account(w, "000000000000", "us-east-1");
    SSM_REFUSED(w, "ResourcePolicyConflictException", NULL, "DeleteResourcePolicy",
                "{'ResourceArn':'%s','PolicyId':'%s','PolicyHash':'x'}", arn, id);
    SSM_REFUSED(w, "ResourcePolicyNotFoundException", NULL, "DeleteResourcePolicy",
                "{'ResourceArn':'%s','PolicyId':'x','PolicyHash':'%s'}", arn, hash);
    SSM_REFUSED(w, "ResourcePolicyInvalidParameterException", NULL, "PutResourcePolicy",
                "{\"ResourceArn\":\"arn:aws:ssm:us-east-1:000000000000:parameter/standard\","
                "\"Policy\":\"%s\"}",
                policy);
    SSM_REFUSED(w, "MalformedResourcePolicyDocumentException", NULL, "PutResourcePolicy",
                "{'ResourceArn':'%s','Policy':'{}'}", arn);
    SSM_REFUSED(w, "ResourceNotFoundException", NULL, "GetResourcePolicies",
                "{'ResourceArn':'arn:aws:ssm:us-east-1:000000000000:parameter/none'}");
    SSM(w, "DeleteResourcePolicy", "{'ResourceArn':'%s','PolicyId':'%s','PolicyHash':'%s'}", arn,
        id, hash);
    world_account(w, "111122223333", "us-east-1");
    SSM_REFUSED(w, "AccessDeniedException", NULL, "GetParameter", "{'Name':'%s'}", arn);
    world_free(w);
}

TEST(a_secret_is_referenced_only_with_decryption)
{
    struct world *w = world_new();

    SSM_REFUSED(w, "ValidationException",
                "WithDecryption flag must be True for retrieving a Secret Manager secret.",
                "GetParameter", "{'Name':'/aws/reference/secretsmanager/s1'}");
    world_free(w);
}
