/*
 * Secrets as Parameter Store reads them for its caller: /aws/reference/secretsmanager/NAME.  A
 * reading through it is inside a call that must not write.
 */
#include "secretsmanager_help.h"

#define REFERENCE "/aws/reference/secretsmanager/"
#define READ(w, id)                                                                                \
    world_json_okf((w), "ssm", "GetParameter", "{'Name':'" REFERENCE "%s','WithDecryption':true}", \
                   (id))
#define READ_REFUSED(w, code, message, id)                                                         \
    world_json_refusedf((w), (code), (message), "ssm", "GetParameter",                             \
                        "{'Name':'" REFERENCE "%s','WithDecryption':true}", (id))

TEST(parameter_store_reads_a_secret_by_its_reference, "PS-18 SM-03")
{
    struct world *w = world_new();

    sm_new(w, "app/db");
    SM(w, "PutSecretValue", "{'SecretId':'app/db','SecretString':'second'," SM_TOKEN("2") "}");
    struct str got = READ(w, "app/db");
    SM_IS(sm_get(got, "Parameter.Value"), "second");
    SM_IS(sm_get(got, "Parameter.Type"), "SecureString");
    SM_IS(sm_get(got, "Parameter.Name"), REFERENCE "app/db");
    SM_IS(sm_get(READ(w, "app/db:AWSPREVIOUS"), "Parameter.Value"), "first");
    SM_IS(sm_get(READ(w, "app/db:" SM_ID("1")), "Parameter.Value"), "first");
    world_json_refused(w, "ValidationException", NULL, "ssm", "GetParameter",
                       "{'Name':'" REFERENCE "app/db'}");
    READ_REFUSED(w, "ParameterNotFound", NULL, "none");
    SM(w, "CreateSecret", "{'Name':'bin','SecretBinary':'AAEC'," SM_TOKEN("1") "}");
    READ_REFUSED(w, "ValidationException", NULL, "bin");
    CHECK(!json_path(SM(w, "DescribeSecret", "{'SecretId':'app/db'}"), "LastAccessedDate").p);
    world_free(w);
}

TEST(a_reference_asks_secrets_manager_and_kms_for_its_caller, "PS-18")
{
    struct world *w = world_new();
    const char *key = sm_get(world_json_ok(w, "kms", "CreateKey", "{}"), "KeyMetadata.KeyId");
    const char *parameters =
        "{\"Effect\":\"Allow\",\"Action\":\"ssm:GetParameter\",\"Resource\":\"*\"}";
    const char *secrets = "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\","
                          "\"Resource\":\"*\"}";
    struct str bob = sm_user(w, "bob", parameters);
    struct str eve = sm_user(w, "eve", test_fmt("%s,%s", parameters, secrets));

    sm_new(w, "one");
    SM(w, "CreateSecret", "{'Name':'keyed','SecretString':'x','KmsKeyId':'%s'," SM_TOKEN("1") "}",
       key);
    world_as_reply(w, bob);
    READ_REFUSED(w, "AccessDeniedException", NULL, "one");
    world_as_reply(w, eve);
    SM_IS(sm_get(READ(w, "one"), "Parameter.Value"), "first");
    READ_REFUSED(w, "AccessDeniedException", NULL, "keyed");
    world_free(w);
}

TEST(a_reference_to_a_deleted_secret_ends_with_its_window)
{
    struct world *w = world_new();

    sm_new(w, "one");
    SM(w, "DeleteSecret", "{'SecretId':'one','RecoveryWindowInDays':7}");
    READ_REFUSED(w, "ValidationException", NULL, "one");
    /* nobody has called Secrets Manager itself since */
    world_advance(w, 8 * SM_DAY);
    READ_REFUSED(w, "ParameterNotFound", NULL, "one");
    world_free(w);
}
