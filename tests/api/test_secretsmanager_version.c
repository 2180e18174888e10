/* Versions: staging labels, tokens, what is kept, and reading many secrets at once. */
#include "secretsmanager_help.h"

#include <stdlib.h>

static void
put(struct world *w, const char *token, const char *value, const char *more)
{
    SM(w, "PutSecretValue", "{'SecretId':'one','SecretString':'%s','ClientRequestToken':'%s'%s}",
       value, token, more);
}

TEST(a_new_version_is_current_and_the_old_one_previous)
{
    struct world *w = world_new();

    sm_new(w, "one");
    put(w, SM_ID("2"), "second", "");
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "AWSPREVIOUS");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSCURRENT");
    put(w, SM_ID("3"), "third", "");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSPREVIOUS");
    SM_IS(sm_get(SM(w, "GetSecretValue", "{'SecretId':'one','VersionStage':'AWSPREVIOUS'}"),
                 "SecretString"),
          "second");
    SM_IS(sm_get(SM(w, "GetSecretValue", "{'SecretId':'one','VersionId':'" SM_ID("1") "'}"),
                 "SecretString"),
          "first");
    world_crash(w);
    SM_IS(sm_value(w, "one"), "third");
    SM_REFUSED(w, "ResourceNotFoundException",
               "Secrets Manager can't find the specified secret value for staging label: nowhere",
               "GetSecretValue", "{'SecretId':'one','VersionStage':'nowhere'}");
    SM_REFUSED(w, "ResourceNotFoundException",
               "Secrets Manager can't find the specified secret value for VersionId: " SM_ID("9"),
               "GetSecretValue", "{'SecretId':'one','VersionId':'" SM_ID("9") "'}");
    SM_REFUSED(w, "InvalidRequestException",
               "You provided a VersionStage that is not associated to the provided VersionId.",
               "GetSecretValue",
               "{'SecretId':'one','VersionId':'" SM_ID("1") "','VersionStage':'AWSCURRENT'}");
    world_free(w);
}

TEST(a_secret_without_a_value_has_none_to_read)
{
    struct world *w = world_new();
    struct str made = SM(w, "CreateSecret", "{'Name':'one'," SM_TOKEN("1") "}");

    CHECK(!json_path(made, "VersionId").p);
    SM_REFUSED(w, "ResourceNotFoundException",
               "Secrets Manager can't find the specified secret value for staging label: "
               "AWSCURRENT",
               "GetSecretValue", "{'SecretId':'one'}");
    /* the first version is the current one, whatever its labels */
    put(w, SM_ID("2"), "second", ",'VersionStages':['mine']");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSCURRENT,mine");
    world_free(w);
}

TEST(putting_is_idempotent_by_its_token)
{
    struct world *w = world_new();

    sm_new(w, "one");
    put(w, SM_ID("2"), "second", "");
    put(w, SM_ID("3"), "third", "");
    put(w, SM_ID("2"), "second", "");
    SM_IS(sm_value(w, "one"), "third");
    SM_REFUSED(w, "ResourceExistsException", NULL, "PutSecretValue",
               "{'SecretId':'one','SecretString':'other'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "ResourceExistsException", NULL, "PutSecretValue",
               "{'SecretId':'one','SecretBinary':'c2Vjb25k'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "InvalidRequestException",
               "You must provide either SecretString or SecretBinary.", "PutSecretValue",
               "{'SecretId':'one'," SM_TOKEN("4") "}");
    SM_REFUSED(
        w, "InvalidParameterException", NULL, "PutSecretValue",
        "{'SecretId':'one','SecretString':'x','RotationToken':'" SM_ID("5") "'," SM_TOKEN("4") "}");
    world_free(w);
}

TEST(labels_move_as_they_are_told)
{
    struct world *w = world_new();

    sm_new(w, "one");
    put(w, SM_ID("2"), "second", ",'VersionStages':['AWSPENDING','blue']");
    SM_IS(sm_value(w, "one"), "first");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSPENDING,blue");
    SM_REFUSED(w, "InvalidParameterException",
               "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is "
               "currently attached to version " SM_ID(
                   "1") ", so you must explicitly reference that version in RemoveFromVersionId.",
               "UpdateSecretVersionStage",
               "{'SecretId':'one','VersionStage':'AWSCURRENT','MoveToVersionId':'" SM_ID("2") "'}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "UpdateSecretVersionStage",
               "{'SecretId':'one','VersionStage':'AWSCURRENT','RemoveFromVersionId':'" SM_ID(
                   "2") "','MoveToVersionId':'" SM_ID("2") "'}");
    SM_REFUSED(
        w, "InvalidParameterException",
        "You can only move staging label AWSCURRENT to a different secret version. It "
        "can\u2019t be completely removed.",
        "UpdateSecretVersionStage",
        "{'SecretId':'one','VersionStage':'AWSCURRENT','RemoveFromVersionId':'" SM_ID("1") "'}");
    SM_REFUSED(w, "ResourceNotFoundException", NULL, "UpdateSecretVersionStage",
               "{'SecretId':'one','VersionStage':'new','MoveToVersionId':'" SM_ID("9") "'}");
    /* what a rotation function does in its last step */
    SM(w, "UpdateSecretVersionStage",
       "{'SecretId':'one','VersionStage':'AWSCURRENT','RemoveFromVersionId':'" SM_ID(
           "1") "','MoveToVersionId':'" SM_ID("2") "'}");
    SM_IS(sm_value(w, "one"), "second");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "AWSPREVIOUS");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSCURRENT,AWSPENDING,blue");
    SM(w, "UpdateSecretVersionStage",
       "{'SecretId':'one','VersionStage':'AWSPENDING','RemoveFromVersionId':'" SM_ID("2") "'}");
    SM(w, "UpdateSecretVersionStage",
       "{'SecretId':'one','VersionStage':'AWSCURRENT','RemoveFromVersionId':'" SM_ID(
           "2") "','MoveToVersionId':'" SM_ID("1") "'}");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "AWSCURRENT");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSPREVIOUS,blue");
    world_free(w);
}

TEST(a_version_has_twenty_labels_at_most)
{
    struct world *w = world_new();

    sm_new(w, "one");
    for (int i = 0; i < 19; i++)
        SM(w, "UpdateSecretVersionStage",
           "{'SecretId':'one','VersionStage':'l%d','MoveToVersionId':'" SM_ID("1") "'}", i);
    SM_REFUSED(w, "LimitExceededException", NULL, "UpdateSecretVersionStage",
               "{'SecretId':'one','VersionStage':'l19','MoveToVersionId':'" SM_ID("1") "'}");
    world_free(w);
}

TEST(deprecated_versions_are_listed_on_demand_and_go_after_a_day)
{
    struct world *w = world_new();

    sm_new(w, "one");
    for (int i = 0; i < 99; i++)
        put(w, test_fmt("%032d", i), "x", "");
    struct str shown = SM(w, "ListSecretVersionIds", "{'SecretId':'one'}");
    CHECK_INT(json_count(shown, "Versions"), 2);
    SM_IS(sm_get(shown, "Versions.0.VersionStages.0"), "AWSPREVIOUS");
    SM_IS(sm_get(shown, "Versions.1.KmsKeyIds.0"), "DefaultEncryptionKey");
    CHECK_INT(
        json_count(SM(w, "ListSecretVersionIds", "{'SecretId':'one','IncludeDeprecated':true}"),
                   "Versions"),
        100);
    SM_REFUSED(w, "LimitExceededException", NULL, "PutSecretValue",
               "{'SecretId':'one','SecretString':'y'," SM_TOKEN("2") "}");
    world_advance(w, SM_DAY);
    put(w, SM_ID("2"), "y", "");
    SM_REFUSED(w, "ResourceNotFoundException", NULL, "GetSecretValue",
               "{'SecretId':'one','VersionId':'" SM_ID("1") "'}");
    world_free(w);
}

TEST(versions_are_listed_in_pages)
{
    struct world *w = world_new();

    sm_new(w, "one");
    for (int i = 2; i < 7; i++)
        put(w, test_fmt("%032d", i), "x", "");
    struct str page =
        SM(w, "ListSecretVersionIds", "{'SecretId':'one','IncludeDeprecated':true,'MaxResults':4}");
    CHECK_INT(json_count(page, "Versions"), 4);
    SM_IS(sm_get(page, "Versions.0.VersionId"), SM_ID("1"));
    page = SM(w, "ListSecretVersionIds",
              "{'SecretId':'one','IncludeDeprecated':true,'MaxResults':4,'NextToken':'%s'}",
              sm_get(page, "NextToken"));
    CHECK_INT(json_count(page, "Versions"), 2);
    CHECK(!json_path(page, "NextToken").p);
    SM_REFUSED(w, "InvalidNextTokenException", NULL, "ListSecretVersionIds",
               "{'SecretId':'one','NextToken':'forged'}");
    SM_REFUSED(w, "ResourceNotFoundException", SM_MISSING, "ListSecretVersionIds",
               "{'SecretId':'none'}");
    world_free(w);
}

TEST(a_reading_is_noted_once_a_day)
{
    struct world *w = world_new();
    int64_t day, changes;

    sm_new(w, "one");
    sm_value(w, "one");
    day = w->env.now_ms - w->env.now_ms % SM_DAY;
    struct str shown = SM(w, "DescribeSecret", "{'SecretId':'one'}");
    CHECK_INT(strtod(sm_get(shown, "LastAccessedDate"), NULL), day / 1000);
    changes = (int64_t)w->disk.n_ops;
    sm_value(w, "one");
    CHECK_INT(w->disk.n_ops, changes);
    world_advance(w, SM_DAY);
    sm_value(w, "one");
    CHECK((int64_t)w->disk.n_ops > changes);
    shown = SM(w, "ListSecretVersionIds", "{'SecretId':'one'}");
    CHECK_INT(strtod(sm_get(shown, "Versions.0.LastAccessedDate"), NULL), (day + SM_DAY) / 1000);
    world_free(w);
}

TEST(many_values_are_read_at_once_with_an_error_for_each_that_is_not)
{
    struct world *w = world_new();

    sm_new(w, "one");
    sm_new(w, "two");
    sm_new(w, "gone");
    SM(w, "DeleteSecret", "{'SecretId':'gone'}");
    struct str got = SM(w, "BatchGetSecretValue", "{'SecretIdList':['one','none','two','gone']}");
    CHECK_INT(json_count(got, "SecretValues"), 2);
    SM_IS(sm_get(got, "SecretValues.1.Name"), "two");
    SM_IS(sm_get(got, "SecretValues.1.SecretString"), "first");
    CHECK_INT(json_count(got, "Errors"), 2);
    SM_IS(sm_get(got, "Errors.0.SecretId"), "none");
    SM_IS(sm_get(got, "Errors.0.ErrorCode"), "ResourceNotFoundException");
    SM_IS(sm_get(got, "Errors.1.Message"), SM_DELETED);
    got = SM(w, "BatchGetSecretValue",
             "{'Filters':[{'Key':'name','Values':['one','two']}],'MaxResults':1}");
    SM_IS(sm_get(got, "SecretValues.0.Name"), "one");
    got = SM(w, "BatchGetSecretValue",
             "{'Filters':[{'Key':'name','Values':['one','two']}],'MaxResults':1,'NextToken':'%s'}",
             sm_get(got, "NextToken"));
    SM_IS(sm_get(got, "SecretValues.0.Name"), "two");
    CHECK(!json_path(got, "NextToken").p);
    SM_REFUSED(w, "InvalidParameterException",
               "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
               "BatchGetSecretValue",
               "{\"SecretIdList\":[\"one\"],\"Filters\":[{\"Key\":\"name\",\"Values\":[\"x\"]}]}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "BatchGetSecretValue", "{}");
    SM_REFUSED(w, "InvalidParameterException", NULL, "BatchGetSecretValue",
               "{'SecretIdList':['one'],'MaxResults':2}");
    world_free(w);
}
