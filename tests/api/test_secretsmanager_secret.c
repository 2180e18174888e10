/* Secrets: made, found, changed, deleted, brought back, and never in plain on the disk. */
#include "secretsmanager_help.h"

#include <string.h>

TEST(a_secret_is_made_described_and_read)
{
    struct world *w = world_new();
    struct str made =
        SM(w, "CreateSecret",
           "{'Name':'app/db','Description':'of the app','SecretString':'hunter2',"
           "'Tags':[{'Key':'b','Value':'2'},{'Key':'a','Value':'1'}]," SM_TOKEN("1") "}");
    const char *arn = sm_get(made, "ARN");

    CHECK(str_glob(S("arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db-??????"),
                   str_from(arn)));
    SM_IS(sm_get(made, "VersionId"), SM_ID("1"));
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'app/db'}");
    SM_IS(sm_get(shown, "Description"), "of the app");
    SM_IS(sm_get(shown, "Tags.0.Key"), "a");
    SM_IS(sm_get(shown, "VersionIdsToStages." SM_ID("1") ".0"), "AWSCURRENT");
    CHECK(!json_path(shown, "LastAccessedDate").p && !json_path(shown, "RotationEnabled").p);
    CHECK(!json_path(shown, "KmsKeyId").p && !json_path(shown, "PrimaryRegion").p);
    struct str got = SM(w, "GetSecretValue", "{'SecretId':'%s'}", arn);
    SM_IS(sm_get(got, "SecretString"), "hunter2");
    SM_IS(sm_get(got, "Name"), "app/db");
    SM_IS(sm_get(got, "VersionStages.0"), "AWSCURRENT");
    CHECK(!json_path(got, "SecretBinary").p);
    world_crash(w);
    SM_IS(sm_value(w, "app/db"), "hunter2");
    SM(w, "CreateSecret", "{'Name':'bin','SecretBinary':'AAEC'," SM_TOKEN("1") "}");
    got = SM(w, "GetSecretValue", "{'SecretId':'bin'}");
    SM_IS(sm_get(got, "SecretBinary"), "AAEC");
    CHECK(!json_path(got, "SecretString").p);
    world_free(w);
}

TEST(a_partial_arn_finds_a_secret_and_other_accounts_and_regions_do_not)
{
    struct world *w = world_new();
    const char *arn = sm_new(w, "app/db");
    struct str partial = str_cut(str_from(arn), 0, strlen(arn) - strlen("-abcdef"));

    SM_IS(sm_value(w, test_cstr(partial)), "first");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "GetSecretValue", "{'SecretId':'%sx'}",
               arn);
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "DescribeSecret", "{'SecretId':'no'}");
    world_account(w, "000000000000", "eu-west-1");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "GetSecretValue", "{'SecretId':'%s'}",
               arn);
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "GetSecretValue",
               "{'SecretId':'app/db'}");
    world_account(w, "111111111111", "us-east-1");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "GetSecretValue",
               "{'SecretId':'app/db'}");
    SM_REFUSED(w, "AccessDeniedException", NULL, "GetSecretValue", "{'SecretId':'%s'}", arn);
    sm_new(w, "app/db");
    world_free(w);
}

TEST(the_token_makes_creation_idempotent)
{
    struct world *w = world_new();
    const char *arn = sm_new(w, "one");

    SM_IS(sm_new(w, "one"), arn);
    SM_REFUSED(w, "ResourceExistsException",
               test_fmt("You can't use ClientRequestToken " SM_ID(
                            "1") " because that value is already in use for a version of secret "
                                 "%s.",
                        arn),
               "CreateSecret", "{'Name':'one','SecretString':'other'," SM_TOKEN("1") "}");
    SM_REFUSED(w, "ResourceExistsException",
               "The operation failed because the secret one already exists.", "CreateSecret",
               "{'Name':'one','SecretString':'first'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "InvalidRequestException",
               "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
               "CreateSecret", "{'Name':'two','SecretString':'first'}");
    world_free(w);
}

TEST(what_a_secret_cannot_be_is_refused_by_name)
{
    struct world *w = world_new();
    char *large = arena_alloc(test_arena(), 65537 + 1);

    SM_REFUSED(w, "ValidationException",
               "Invalid name. Must be a valid name containing alphanumeric characters, or any of "
               "the following: -/_+=.@!",
               "CreateSecret", "{'Name':'a b'," SM_TOKEN("1") "}");
    SM_REFUSED(w, "InvalidParameterException",
               "You can't specify both a binary secret value and a string secret value in the same "
               "secret.",
               "CreateSecret",
               "{'Name':'a','SecretString':'x','SecretBinary':'AAEC'," SM_TOKEN("1") "}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "CreateSecret",
               "{'Name':'a','Type':'Salesforce'," SM_TOKEN("1") "}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "CreateSecret",
               "{'Name':'a','Tags':[{'Key':'aws:x','Value':''}]," SM_TOKEN("1") "}");
    SM_REFUSED(
        w, "InvalidParameterException", NULL, "CreateSecret",
        "{'Name':'a','Tags':[{'Key':'x','Value':''},{'Key':'x','Value':''}]," SM_TOKEN("1") "}");
    SM_REFUSED(w, "ValidationException", NULL, "CreateSecret",
               "{'Name':'a','ClientRequestToken':'short'}");
    memset(large, 'x', 513);
    SM_REFUSED(w, "ValidationException", NULL, "CreateSecret", "{'Name':'%s'," SM_TOKEN("1") "}",
               large);
    large[512] = 0;
    SM_IS(sm_value(w, sm_new(w, large)), "first");
    memset(large, 'x', 65537);
    SM_REFUSED(w, "ValidationException", NULL, "CreateSecret",
               "{'Name':'a','SecretString':'%s'," SM_TOKEN("1") "}", large);
    /* 65,536 bytes, not characters */
    for (size_t i = 0; i < 65536; i += 2)
        memcpy(large + i, "\xc3\xa9", 2);
    large[65536] = 0;
    SM(w, "CreateSecret", "{'Name':'a','SecretString':'%s'," SM_TOKEN("1") "}", large);
    SM_IS(sm_value(w, "a"), large);
    large[65536] = 'x';
    SM_REFUSED(w, "ValidationException", NULL, "PutSecretValue",
               "{'SecretId':'a','SecretString':'%s'," SM_TOKEN("2") "}", large);
    world_free(w);
}

TEST(a_deleted_secret_can_be_restored_until_its_time_has_come)
{
    struct world *w = world_new();
    const char *arn = sm_new(w, "one");

    SM_REFUSED(w, "InvalidParameterException",
               "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
               "DeleteSecret", "{'SecretId':'one','RecoveryWindowInDays':6}");
    SM_REFUSED(w, "InvalidParameterException",
               "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
               "DeleteSecret",
               "{'SecretId':'one','RecoveryWindowInDays':7,'ForceDeleteWithoutRecovery':true}");
    SM(w, "DeleteSecret", "{'SecretId':'one','RecoveryWindowInDays':7}");
    CHECK(json_path(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "DeletedDate").p);
    SM_REFUSED(w, "InvalidRequestException", SM_DELETED, "GetSecretValue", "{'SecretId':'one'}");
    SM_REFUSED(w, "InvalidRequestException", SM_DELETED, "PutSecretValue",
               "{'SecretId':'one','SecretString':'x'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "InvalidRequestException", SM_DELETED, "TagResource",
               "{'SecretId':'one','Tags':[{'Key':'a','Value':'b'}]}");
    SM_REFUSED(
        w, "InvalidRequestException",
        "You can't perform this operation on the secret because it was already scheduled for "
        "deletion.",
        "DeleteSecret", "{'SecretId':'one'}");
    SM_REFUSED(w, "InvalidRequestException",
               "You can't create this secret because a secret with this name is already scheduled "
               "for deletion.",
               "CreateSecret", "{'Name':'one','SecretString':'x'," SM_TOKEN("2") "}");
    CHECK_INT(json_count(SM(w, "ListSecrets", "{}"), "SecretList"), 0);
    CHECK_INT(json_count(SM(w, "ListSecrets", "{'IncludePlannedDeletion':true}"), "SecretList"), 1);
    world_advance(w, 6 * SM_DAY);
    SM(w, "RestoreSecret", "{'SecretId':'one'}");
    SM_IS(sm_value(w, arn), "first");
    SM(w, "DeleteSecret", "{'SecretId':'one','RecoveryWindowInDays':7}");
    world_crash(w);
    world_advance(w, 7 * SM_DAY);
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "RestoreSecret", "{'SecretId':'one'}");
    CHECK(strcmp(sm_new(w, "one"), arn) != 0);
    world_free(w);
}

TEST(a_window_is_thirty_days_unless_it_is_said)
{
    struct world *w = world_new();

    sm_new(w, "one");
    SM(w, "DeleteSecret", "{'SecretId':'one'}");
    world_advance(w, 30 * SM_DAY - 1000);
    SM(w, "DescribeSecret", "{'SecretId':'one'}");
    world_advance(w, 2000);
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "DescribeSecret", "{'SecretId':'one'}");
    sm_new(w, "one");
    SM(w, "DeleteSecret", "{'SecretId':'one','ForceDeleteWithoutRecovery':true}");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "DescribeSecret", "{'SecretId':'one'}");
    /* once more is no error, and without force it is one */
    SM_IS(sm_get(SM(w, "DeleteSecret", "{'SecretId':'one','ForceDeleteWithoutRecovery':true}"),
                 "Name"),
          "one");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "DeleteSecret", "{'SecretId':'one'}");
    world_free(w);
}

TEST(an_update_changes_what_it_names)
{
    struct world *w = world_new();

    sm_new(w, "one");
    struct str changed =
        SM(w, "UpdateSecret", "{'SecretId':'one','Description':'new'," SM_TOKEN("2") "}");
    CHECK(!json_path(changed, "VersionId").p);
    SM_IS(sm_value(w, "one"), "first");
    changed = SM(w, "UpdateSecret", "{'SecretId':'one','SecretString':'second'," SM_TOKEN("2") "}");
    SM_IS(sm_get(changed, "VersionId"), SM_ID("2"));
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_get(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "Description"), "new");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "AWSPREVIOUS");
    SM_REFUSED(w, "InvalidRequestException", NULL, "UpdateSecret",
               "{'SecretId':'one','SecretString':'x'}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "UpdateSecret",
               "{'SecretId':'one','Type':'Salesforce'," SM_TOKEN("3") "}");
    world_free(w);
}

TEST(tags_are_put_and_taken_away)
{
    struct world *w = world_new();

    sm_new(w, "one");
    SM(w, "TagResource",
       "{'SecretId':'one','Tags':[{'Key':'b','Value':'2'},{'Key':'a','Value':'1'}]}");
    SM(w, "TagResource", "{'SecretId':'one','Tags':[{'Key':'b','Value':'3'}]}");
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    CHECK_INT(json_count(shown, "Tags"), 2);
    SM_IS(sm_get(shown, "Tags.1.Value"), "3");
    SM(w, "UntagResource", "{'SecretId':'one','TagKeys':['a','none']}");
    shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    CHECK_INT(json_count(shown, "Tags"), 1);
    SM_IS(sm_get(shown, "Tags.0.Key"), "b");
    for (int i = 0; i < 49; i++)
        SM(w, "TagResource", "{'SecretId':'one','Tags':[{'Key':'t%d','Value':''}]}", i);
    SM_REFUSED(w, "InvalidParameterException", NULL, "TagResource",
               "{'SecretId':'one','Tags':[{'Key':'too-many','Value':''}]}");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "UntagResource",
               "{'SecretId':'none','TagKeys':['a']}");
    world_free(w);
}

TEST(no_value_lies_in_plain_on_the_disk)
{
    struct world *w = world_new();

    SM(w, "CreateSecret",
       "{'Name':'one','SecretString':'xyzzy-plain-text-1','Description':'xyzzy-told-to-all'"
       "," SM_TOKEN("1") "}");
    SM(w, "PutSecretValue",
       "{'SecretId':'one','SecretString':'xyzzy-plain-text-2'," SM_TOKEN("2") "}");
    SM_IS(sm_value(w, "one"), "xyzzy-plain-text-2");
    world_flush(w);
    CHECK(disk_fake_holds(&w->disk, "xyzzy-told-to-all", strlen("xyzzy-told-to-all")));
    CHECK(!disk_fake_holds(&w->disk, "xyzzy-plain", strlen("xyzzy-plain")));
    world_free(w);
}
