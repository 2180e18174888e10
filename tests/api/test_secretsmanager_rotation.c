/* Secrets that a function rotates, in the cloud's time. */
#include "gen/store/api_rows.h"
#include "gen/store/lambda_rows.h"
#include "lambda_help.h"
#include "secretsmanager_help.h"

#include <stdio.h>

#define HOUR (INT64_C(3600) * 1000)
#define DAY (24 * HOUR)

static struct {
    int n;
    char steps[512];   /* "createSecret setSecret …" */
    const char *fails; /* this step does, until it is set otherwise */
    bool idle;         /* it moves no label */
    struct str token, seen;
} rotates;

/* From inside the function, as AWS's templates of rotation functions do it. */
static struct str
sm_call(struct world *w, const char *op, struct str body)
{
    struct http_header headers[] = {
        {S("Host"), S("secretsmanager.us-east-1.amazonaws.com")},
        {S("Content-Type"), S("application/x-amz-json-1.1")},
        {S("X-Amz-Target"), str_from(test_fmt("secretsmanager.%s", op))},
    };
    const struct api_request req = {.http = {.method = S("POST"),
                                             .path = S("/"),
                                             .query = S(""),
                                             .headers = headers,
                                             .n_headers = ARRAY_LEN(headers),
                                             .body = body},
                                    .trusted = true,
                                    .account = S("000000000000"),
                                    .region = S("us-east-1")};
    int status;

    return world_from_function(w, &req, &status);
}

static void
rotate(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    struct str event = asked->work.payload, step = json_path(event, "Step");
    struct str id = json_path(event, "SecretId"), token = json_path(event, "ClientRequestToken");
    const char *versions = test_fmt("VersionIdsToStages.%.*s", STR_ARG(token));
    struct str is =
        sm_call(w, "DescribeSecret", str_fmt(&w->arena, "{\"SecretId\":\"%.*s\"}", STR_ARG(id)));

    rotates.n++;
    snprintf(rotates.steps + strlen(rotates.steps), sizeof(rotates.steps) - strlen(rotates.steps),
             "%.*s ", STR_ARG(step));
    rotates.token = str_dup(&w->arena, token);
    CHECK_STR(json_path(is, "RotationEnabled"), "true");
    CHECK(json_path(is, versions).p);
    if (rotates.fails && str_is(step, rotates.fails)) {
        says->error = true;
        says->body = S("{\"errorMessage\": \"no\"}");
        return;
    }
    rotates.seen = sm_call(w, "GetSecretValue",
                           str_fmt(&w->arena,
                                   "{\"SecretId\":\"%.*s\",\"VersionId\":\"%.*s\",\"VersionStage\":"
                                   "\"AWSPENDING\"}",
                                   STR_ARG(id), STR_ARG(token)));
    if (str_is(step, "createSecret"))
        sm_call(w, "PutSecretValue",
                str_fmt(&w->arena,
                        "{\"SecretId\":\"%.*s\",\"ClientRequestToken\":\"%.*s\",\"SecretString\":"
                        "\"made\",\"VersionStages\":[\"AWSPENDING\"]}",
                        STR_ARG(id), STR_ARG(token)));
    if (!str_is(step, "finishSecret") || rotates.idle)
        return;
    struct str from = STR_NONE;
    const struct str all = json_path(is, "VersionIdsToStages");

    for (const char *at = all.p; at && at + 36 < all.p + all.n && !from.p; at++)
        if (*at == '"' && at[37] == '"' &&
            str_is(json_path(is, test_fmt("VersionIdsToStages.%.36s.0", at + 1)), "AWSCURRENT"))
            from = str_of(at + 1, 36);
    CHECK(from.p);
    sm_call(w, "UpdateSecretVersionStage",
            str_fmt(&w->arena,
                    "{\"SecretId\":\"%.*s\",\"VersionStage\":\"AWSCURRENT\",\"MoveToVersionId\":"
                    "\"%.*s\",\"RemoveFromVersionId\":\"%.*s\"}",
                    STR_ARG(id), STR_ARG(token), STR_ARG(from)));
}

#define FUNCTION "'RotationLambdaARN':'" LAMBDA_ARN "f'"
#define ALL_STEPS "createSecret setSecret testSecret finishSecret "

static struct world *
world_that_rotates(void)
{
    struct world *w = lambda_world(rotate);

    memset(&rotates, 0, sizeof(rotates));
    lambda_create(w, "f");
    world_rest_okf(
        w, "lambda", "POST", FUNCTIONS "/f/policy",
        "{'StatementId':'s','Action':'lambda:InvokeFunction','Principal':"
        "'secretsmanager.amazonaws.com','SourceAccount':'000000000000','SourceArn':'%s'}",
        sm_new(w, "one"));
    return w;
}

static struct str
shown(struct world *w, const char *path)
{
    return json_path(SM(w, "DescribeSecret", "{'SecretId':'one'}"), path);
}

TEST(a_function_rotates_a_secret_in_four_steps, "SM-01")
{
    struct world *w = world_that_rotates();
    struct str said = SM(w, "RotateSecret",
                         "{'SecretId':'one'," FUNCTION ",'RotationRules':"
                         "{'AutomaticallyAfterDays':10}," SM_TOKEN("2") "}");

    CHECK_STR(json_path(said, "VersionId"), SM_ID("2"));
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSPENDING");
    SM_REFUSED(w, "ResourceNotFoundException",
               "Secrets Manager can't find the specified secret value for VersionId: " SM_ID("2"),
               "GetSecretValue", "{'SecretId':'one','VersionId':'" SM_ID("2") "'}");
    world_advance(w, 1000);
    CHECK_STR(str_from(rotates.steps), ALL_STEPS);
    CHECK_STR(rotates.token, SM_ID("2"));
    CHECK_STR(json_path(rotates.seen, "SecretString"), "made");
    SM_IS(sm_value(w, "one"), "made");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSCURRENT,AWSPENDING");
    SM_IS(sm_stages(w, "one", SM_ID("1")), "AWSPREVIOUS");
    CHECK_STR(shown(w, "RotationEnabled"), "true");
    CHECK_STR(shown(w, "RotationLambdaARN"), LAMBDA_ARN "f");
    CHECK_STR(shown(w, "RotationRules.AutomaticallyAfterDays"), "10");
    CHECK(shown(w, "LastRotatedDate").p && shown(w, "NextRotationDate").p);
    /* and again in the tenth day's window, by itself */
    world_crash(w);
    world_jump(w, 11 * DAY);
    world_advance(w, 2000);
    CHECK_INT(rotates.n, 8);
    CHECK(!str_is(rotates.token, SM_ID("2")));
    world_free(w);
}

TEST(a_rotation_that_fails_stays_pending_and_is_tried_again, "SM-01")
{
    struct world *w = world_that_rotates();

    rotates.fails = "testSecret";
    SM(w, "RotateSecret", "{'SecretId':'one'," FUNCTION "," SM_TOKEN("2") "}");
    world_advance(w, 1000);
    CHECK_STR(str_from(rotates.steps), "createSecret setSecret testSecret ");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "AWSPENDING");
    SM_IS(sm_value(w, "one"), "first");
    CHECK(!shown(w, "LastRotatedDate").p);
    SM(w, "RotateSecret", "{'SecretId':'one'," SM_TOKEN("2") "}");
    SM_REFUSED(w, "InvalidRequestException",
               "A previous rotation isn't complete. That rotation will be reattempted.",
               "RotateSecret", "{'SecretId':'one'," SM_TOKEN("3") "}");
    rotates.fails = NULL;
    world_crash(w);
    world_advance(w, 62000);
    SM_IS(sm_value(w, "one"), "made");
    CHECK_INT(rotates.n, 7);
    world_free(w);
}

TEST(a_function_that_moves_no_label_has_not_rotated, "SM-01")
{
    struct world *w = world_that_rotates();

    rotates.idle = true;
    SM(w, "RotateSecret", "{'SecretId':'one'," FUNCTION "," SM_TOKEN("2") "}");
    world_advance(w, 1000);
    CHECK(rotates.n == 4 && !shown(w, "LastRotatedDate").p);
    SM(w, "CancelRotateSecret", "{'SecretId':'one'}");
    CHECK_STR(shown(w, "RotationEnabled"), "false");
    world_advance(w, 10 * HOUR);
    CHECK_INT(rotates.n, 4);
    world_free(w);
}

TEST(a_rotation_that_is_not_immediate_only_tests, "SM-01")
{
    struct world *w = world_that_rotates();

    SM(w, "RotateSecret",
       "{'SecretId':'one'," FUNCTION ",'RotateImmediately':false,'RotationRules':"
       "{'ScheduleExpression':'rate(4 hours)','Duration':'2h'}," SM_TOKEN("2") "}");
    world_advance(w, 1000);
    CHECK_STR(str_from(rotates.steps), "testSecret ");
    CHECK_STR(json_path(rotates.seen, "SecretString"), "first");
    SM_IS(sm_stages(w, "one", SM_ID("2")), "");
    CHECK(!shown(w, "LastRotatedDate").p);
    CHECK_STR(shown(w, "RotationRules.ScheduleExpression"), "rate(4 hours)");
    CHECK_STR(shown(w, "RotationRules.Duration"), "2h");
    world_jump(w, 4 * HOUR);
    world_advance(w, 2000);
    CHECK_INT(rotates.n, 5);
    SM_IS(sm_value(w, "one"), "made");
    CHECK(shown(w, "LastRotatedDate").p);
    SM(w, "DeleteSecret", "{'SecretId':'one'}");
    world_jump(w, 2 * DAY);
    world_advance(w, 2000);
    CHECK_INT(rotates.n, 5);
    world_free(w);
}

TEST(a_function_must_let_the_service_call_it, "SM-01")
{
    struct world *w = world_that_rotates();
    static const char refused[] =
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
        "policy grants access to the principal secretsmanager.amazonaws.com.";

    sm_new(w, "two"); /* the policy names another secret */
    SM_REFUSED(w, "AccessDeniedException", refused, "RotateSecret",
               "{'SecretId':'two'," FUNCTION "," SM_TOKEN("2") "}");
    SM_IS(sm_stages(w, "two", SM_ID("2")), "");
    world_as_reply(w, sm_user(w, "u",
                              "{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:*\",\"Resource\":"
                              "\"*\"}"));
    SM_REFUSED(w, "AccessDeniedException", refused, "RotateSecret",
               "{'SecretId':'one'," FUNCTION "," SM_TOKEN("2") "}");
    world_as_root(w);
    /* what it may no longer call fails, and waits */
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f", NULL);
    world_free(w);
}

TEST(rotation_tells_of_itself, "SM-01")
{
    struct world *w = world_that_rotates();
    size_t n = 0;

    SM(w, "RotateSecret", "{'SecretId':'one'," FUNCTION "," SM_TOKEN("2") "}");
    world_advance(w, 1000);
    struct txn *txn = world_begin(w);

    STORE_EACH(txn, cloud_event_by_key, row)
        if (str_is(row->source, "aws.secretsmanager"))
            CHECK_STR(json_path(row->detail, "eventName"),
                      n++ ? "RotationSucceeded" : "RotationStarted");
    CHECK_INT(store_count(txn, &lambda_event_table), 0);
    store_rollback(txn);
    CHECK_INT(n, 2);
    world_free(w);
}

TEST(a_stack_turns_rotation_on_and_off, "SM-01")
{
    struct world *w = world_that_rotates();
    const char *arn = sm_get(SM(w, "DescribeSecret", "{'SecretId':'one'}"), "ARN");

    world_okf(w, "Action=CreateStack&StackName=s&TemplateBody=%.*s",
              STR_ARG(world_code(
                  w, str_fmt(&w->arena,
                             "Resources:\n  R:\n    Type: AWS::SecretsManager::RotationSchedule\n"
                             "    Properties: {SecretId: '%s', RotationLambdaARN: '" LAMBDA_ARN
                             "f', RotationRules: {AutomaticallyAfterDays: 30}}\n",
                             arn))));
    world_advance(w, 5000);
    CHECK_STR(str_from(rotates.steps), ALL_STEPS);
    CHECK_STR(shown(w, "RotationEnabled"), "true");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeStacks&StackName=s"), "StackStatus"),
              "CREATE_COMPLETE");
    world_ok(w, "Action=DeleteStack&StackName=s");
    world_advance(w, 5000);
    CHECK_STR(shown(w, "RotationEnabled"), "false");
    world_free(w);
}
