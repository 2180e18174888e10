/* Names, passwords and tokens of users for one service. */
#include "harness/world.h"

#define CREATE "Action=CreateServiceSpecificCredential&UserName=a&ServiceName="

TEST(a_service_specific_credential_is_told_once_and_reset)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    struct str made = world_ok(w, CREATE "CodeCommit.amazonaws.com");
    struct str id = xml_text(made, "ServiceSpecificCredentialId");
    struct str password = xml_text(made, "ServicePassword");

    CHECK(str_starts(id, S("ACCA")) && id.n == 21);
    CHECK_INT(password.n, 60);
    CHECK_STR(xml_text(made, "ServiceName"), "codecommit.amazonaws.com");
    CHECK_STR(xml_text(made, "ServiceUserName"), "a-at-000000000000");
    CHECK(!xml_text(made, "ExpirationDate").p);
    made = world_ok(w, CREATE "codecommit.amazonaws.com&CredentialAgeDays=1");
    CHECK_STR(xml_text(made, "ServiceUserName"), "a+1-at-000000000000");
    CHECK_STR(xml_text(made, "ExpirationDate"), "2026-01-02T00:00:00Z");
    world_refused(w, "LimitExceeded",
                  "Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2",
                  CREATE "codecommit.amazonaws.com");
    world_refused(w, "NoSuchEntity",
                  "No such service sqs.amazonaws.com is supported for Service Specific Credentials",
                  CREATE "sqs.amazonaws.com");
    world_refused(w, "ValidationError", NULL,
                  CREATE "cassandra.amazonaws.com&CredentialAgeDays=36601");

    world_okf(w, "Action=UpdateServiceSpecificCredential&UserName=a&Status=Inactive&"
                 "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    world_refusedf(w, "InvalidInput", "Operation does not support status Expired",
                   "Action=UpdateServiceSpecificCredential&UserName=a&Status=Expired&"
                   "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    world_refusedf(w, "ValidationError", NULL,
                   "Action=ResetServiceSpecificCredential&UserName=b&"
                   "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    world_crash(w);
    world_advance(w, 60000);
    made = world_okf(w, "Action=ResetServiceSpecificCredential&UserName=a&"
                        "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    CHECK(!str_eq(xml_text(made, "ServicePassword"), password));
    CHECK_STR(xml_text(made, "Status"), "Inactive");
    CHECK_STR(xml_text(made, "CreateDate"), "2026-01-01T00:00:00Z");
    world_refused(w, "DeleteConflict",
                  "Cannot delete entity, must remove referenced objects first.",
                  "Action=DeleteUser&UserName=a");
    world_okf(w, "Action=DeleteServiceSpecificCredential&UserName=a&"
                 "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    world_refusedf(w, "NoSuchEntity", NULL,
                   "Action=DeleteServiceSpecificCredential&UserName=a&"
                   "ServiceSpecificCredentialId=%.*s", STR_ARG(id));
    world_free(w);
}

TEST(a_token_wraps_its_alias_and_its_secret)
{
    static const struct {
        const char *service, *begin;
    } rows[] = {
        {"bedrock.amazonaws.com", "ABSK"},
        {"logs.amazonaws.com", "ACWL"},
        {"cloudwatch.amazonaws.com", "APIAACWM"},
        {"aws-external-anthropic.amazonaws.com", "AEAA"},
    };
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str made = world_okf(w, CREATE "%s", rows[i].service), plain;
        struct str token = xml_text(made, "ServiceCredentialSecret");
        struct str alias = xml_text(made, "ServiceCredentialAlias");
        size_t head = strlen(rows[i].begin);

        CHECK(!xml_text(made, "ServicePassword").p);
        CHECK(str_starts(token, str_from(rows[i].begin)));
        CHECK(str_unbase64(test_arena(), str_cut(token, head, token.n), &plain));
        CHECK(str_starts(plain, str_cat(test_arena(), alias, S(":"))));
        CHECK_INT(plain.n, alias.n + 1 + 60);
    }
    world_free(w);
}

TEST(service_specific_credentials_are_listed_by_user_and_service)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    world_ok(w, CREATE "codecommit.amazonaws.com");
    world_ok(w, CREATE "bedrock.amazonaws.com");
    world_ok(w, "Action=CreateServiceSpecificCredential&UserName=b&"
                "ServiceName=codecommit.amazonaws.com");
    struct str all = world_ok(w, "Action=ListServiceSpecificCredentials&AllUsers=true");

    CHECK_INT(xml_count(all, "UserName"), 3);
    CHECK(!xml_text(all, "ServicePassword").p && !xml_text(all, "ServiceCredentialSecret").p);
    CHECK_INT(xml_count(world_ok(w, "Action=ListServiceSpecificCredentials&UserName=a"),
                        "UserName"),
              2);
    CHECK_INT(xml_count(world_ok(w, "Action=ListServiceSpecificCredentials&UserName=a&"
                                    "ServiceName=BEDROCK.amazonaws.com"),
                        "UserName"),
              1);
    world_refused(w, "ValidationError", NULL,
                  "Action=ListServiceSpecificCredentials&AllUsers=true&UserName=a");
    all = world_ok(w, "Action=ListServiceSpecificCredentials&AllUsers=true&MaxItems=2");
    all = world_okf(w, "Action=ListServiceSpecificCredentials&AllUsers=true&Marker=%.*s",
                    STR_ARG(xml_text(all, "Marker")));
    CHECK_INT(xml_count(all, "UserName"), 1);

    /* A name that was renamed away keeps its credential: who takes the name gets another. */
    world_ok(w, "Action=UpdateUser&UserName=a&NewUserName=old");
    world_ok(w, "Action=CreateUser&UserName=a");
    CHECK_STR(xml_text(world_ok(w, CREATE "bedrock.amazonaws.com"), "ServiceCredentialAlias"),
              "a+1-at-000000000000");
    all = world_ok(w, "Action=ListServiceSpecificCredentials&UserName=old");
    CHECK_STR(xml_text(all, "UserName"), "old");
    world_free(w);
}
