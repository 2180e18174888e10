/* Lambda: functions that run, in environments of the harness's making. */
#include "gen/store/lambda_rows.h"
#include "lambda_help.h"

#define INVOKE FUNCTIONS "/f/invocations"

static int n_runs;

/* Says what it was asked, or does what the event tells. */
static void
obey(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    struct str event = asked->work.payload, arn = asked->work.function_arn;

    n_runs++;
    says->prints = "said this\n";
    says->error = str_is(json_path(event, "fail"), "true");
    says->never = str_is(json_path(event, "never"), "true");
    if (str_is(json_path(event, "exit"), "true"))
        says->ends = "exit status 3";
    if (json_path(event, "ms").p)
        CHECK(str_to_i64(json_path(event, "ms"), &says->after_ms));
    says->body =
        str_fmt(&w->arena, "{\"nth\":%lld,\"arn\":\"%.*s\"}", (long long)asked->nth, STR_ARG(arn));
    if (says->error)
        says->body = S("{\"errorMessage\": \"no\", \"errorType\": \"ValueError\"}");
    if (json_path(event, "large").p)
        says->body = str_of(arena_alloc(&w->arena, 6291557), 6291557);
    if (json_path(event, "env").p)
        LIST_EACH(&asked->env, one)
            if (str_starts(*one, json_path(event, "env")))
                says->body = str_fmt(&w->arena, "\"%.*s\"", STR_ARG(*one));
}

static struct str
invoke(struct world *w, const char *event)
{
    return lambda_invoke_with(w, INVOKE, NULL, NULL, str_from(event));
}

TEST(a_function_answers_who_waits, "LAM-01 LAM-29 LAM-43")
{
    struct world *w = lambda_world(obey);
    size_t frozen;

    lambda_create(w, "f");
    struct str said = invoke(w, "{}");

    CHECK_INT(w->http, 200);
    CHECK_STR(said, "{\"nth\":1,\"arn\":\"" LAMBDA_ARN "f\"}");
    CHECK_STR(world_header(w, "X-Amz-Executed-Version"), "$LATEST");
    CHECK(!world_header(w, "X-Amz-Function-Error").p && !world_header(w, "X-Amz-Log-Result").p);
    CHECK_STR(invoke(w, ""), "{\"nth\":2,\"arn\":\"" LAMBDA_ARN "f\"}");
    CHECK(world_environments(w, &frozen) == 1 && frozen == 1);
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'Timeout': 5}");
    CHECK_INT(world_environments(w, NULL), 0);
    CHECK_STR(invoke(w, "{}"), "{\"nth\":1,\"arn\":\"" LAMBDA_ARN "f\"}");
    world_advance(w, 5 * 60 * 1000 + 1000);
    CHECK_INT(world_environments(w, NULL), 0);
    world_free(w);
}

TEST(what_a_function_printed_is_in_the_tail)
{
    struct world *w = lambda_world(obey);
    struct str log;

    lambda_create(w, "f");
    lambda_invoke_with(w, INVOKE, NULL, "Tail", S("{\"ms\": 30}"));
    CHECK(str_unbase64(&w->arena, world_header(w, "X-Amz-Log-Result"), &log));
    struct str want =
        str_fmt(&w->arena,
                "START RequestId: %.*s Version: $LATEST\nsaid this\nEND RequestId: %.*s\n"
                "REPORT RequestId: %.*s\tDuration: 30.00 ms\tBilled Duration: 30 ms\tMemory Size: "
                "128 MB\tMax Memory Used: 42 MB\tInit Duration: 20.00 ms\t\n",
                STR_ARG(w->request_id), STR_ARG(w->request_id), STR_ARG(w->request_id));

    CHECK_STR(log, want.p);
    world_free(w);
}

TEST(a_function_that_fails_tells_so_and_is_not_tried_again, "LAM-23")
{
    struct world *w = lambda_world(obey);

    lambda_create(w, "f");
    n_runs = 0;
    struct str said = invoke(w, "{\"fail\": true}");

    CHECK_INT(w->http, 200);
    CHECK_STR(world_header(w, "X-Amz-Function-Error"), "Unhandled");
    CHECK_STR(json_path(said, "errorType"), "ValueError");
    world_advance(w, 10 * 60 * 1000);
    CHECK_INT(n_runs, 1);
    said = invoke(w, "{\"exit\": true}");
    CHECK_STR(json_path(said, "errorType"), "Runtime.ExitError");
    CHECK_STR(json_path(said, "errorMessage"),
              str_fmt(&w->arena, "RequestId: %.*s Error: Runtime exited with error: exit status 3",
                      STR_ARG(w->request_id))
                  .p);
    CHECK_INT(world_environments(w, NULL), 0);
    said = invoke(w, "{\"large\": true}");
    CHECK_STR(json_path(said, "errorType"), "Function.ResponseSizeTooLarge");
    world_function_init_error(w, "{\"errorType\": \"Runtime.ImportModuleError\"}");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'Handler': 'x.y'}");
    said = invoke(w, "{}");
    CHECK_STR(json_path(said, "errorType"), "Runtime.ImportModuleError");
    CHECK_STR(world_header(w, "X-Amz-Function-Error"), "Unhandled");
    world_free(w);
}

TEST(a_function_that_takes_too_long_is_ended, "LAM-33")
{
    struct world *w = lambda_world(obey);
    struct str log;

    lambda_create(w, "f");
    struct str said = lambda_invoke_with(w, INVOKE, NULL, "Tail", S("{\"never\": true}"));

    CHECK_STR(world_header(w, "X-Amz-Function-Error"), "Unhandled");
    CHECK_STR(json_path(said, "errorType"), "Sandbox.Timedout");
    CHECK_STR(json_path(said, "errorMessage"),
              str_fmt(&w->arena, "RequestId: %.*s Error: Task timed out after 3.00 seconds",
                      STR_ARG(w->request_id))
                  .p);
    CHECK(str_unbase64(&w->arena, world_header(w, "X-Amz-Log-Result"), &log));
    CHECK(str_ends(log, S(" Task timed out after 3.00 seconds\n\n")));
    CHECK_INT(world_environments(w, NULL), 0);
    world_free(w);
}

TEST(an_asynchronous_invocation_is_tried_three_times, "LAM-24")
{
    struct world *w = lambda_world(obey);

    lambda_create(w, "f");
    n_runs = 0;
    lambda_invoke_with(w, INVOKE, "Event", NULL, S("{\"fail\": true}"));
    CHECK_INT(w->http, 202);
    world_advance(w, 1000);
    CHECK_INT(n_runs, 1);
    world_advance(w, 61 * 1000);
    CHECK_INT(n_runs, 2);
    world_crash(w);
    world_advance(w, 121 * 1000);
    CHECK_INT(n_runs, 3);
    world_advance(w, 3600 * 1000);
    CHECK_INT(n_runs, 3);
    lambda_invoke_with(w, INVOKE, "Event", NULL, S("{}"));
    world_advance(w, 3600 * 1000);
    CHECK_INT(n_runs, 4);
    struct txn *txn = world_begin(w);

    CHECK_INT(store_count(txn, &lambda_event_table), 0);
    store_rollback(txn);
    world_free(w);
}

TEST(an_asynchronous_invocation_outlives_the_daemon, "LAM-24")
{
    struct world *w = lambda_world(obey);

    lambda_create(w, "f");
    n_runs = 0;
    lambda_invoke_with(w, INVOKE, "Event", NULL, S("{\"ms\": 500}"));
    world_advance(w, 100);
    CHECK_INT(n_runs, 1);
    world_crash(w);
    world_advance(w, 2000);
    CHECK_INT(n_runs, 2); /* it had not answered */
    world_free(w);
}

TEST(invoke_is_refused_as_aws_refuses_it, "LAM-33")
{
    struct world *w = lambda_world(obey);
    char *large = arena_alloc_raw(&w->arena, 6291457);

    memset(large, ' ', 6291457);
    lambda_create(w, "f");
    lambda_invoke_with(w, FUNCTIONS "/g/invocations", NULL, NULL, S("{}"));
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "ResourceNotFoundException");
    struct str said = lambda_invoke_with(w, INVOKE, NULL, NULL, str_of(large, 6291457));

    CHECK_INT(w->http, 413);
    CHECK_STR(json_path(said, "message"),
              "Request must be smaller than 6291456 bytes for the InvokeFunction operation");
    said = lambda_invoke_with(w, INVOKE, "Event", NULL, str_of(large, 1048577));
    CHECK_STR(json_path(said, "message"),
              "Request must be smaller than 1048576 bytes for the InvokeFunction operation");
    lambda_invoke_with(w, INVOKE, NULL, NULL, S("{not json"));
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "InvalidRequestContentException");
    lambda_invoke_with(w, INVOKE, "DryRun", NULL, S("{}"));
    CHECK_INT(w->http, 204);
    world_function_no_start(w, "There is no image.");
    said = invoke(w, "{}");
    CHECK_INT(w->http, 500);
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "ServiceException");
    CHECK_STR(json_path(said, "Message"), "There is no image.");
    world_ok(w, "Action=DeleteRole&RoleName=runs");
    said = invoke(w, "{}");
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "AccessDeniedException");
    world_free(w);
}

TEST(without_sandboxes_functions_are_kept_but_do_not_run)
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    invoke(w, "{}");
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "ServiceException");
    world_free(w);
}

TEST(too_many_at_once_are_throttled, "LAM-04 LAM-48")
{
    struct world *w = lambda_world(obey);

    lambda_create(w, "f");
    for (int i = 0; i < 8; i++)
        lambda_invoke_with(w, INVOKE, "Event", NULL, S("{\"ms\": 2000}"));
    world_advance(w, 100);
    CHECK_INT(world_environments(w, NULL), 8);
    struct str said = invoke(w, "{}");

    CHECK_INT(w->http, 429);
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "TooManyRequestsException");
    CHECK_STR(json_path(said, "Reason"), "ConcurrentInvocationLimitExceeded");
    /* a ninth event waits for room */
    n_runs = 0;
    lambda_invoke_with(w, INVOKE, "Event", NULL, S("{}"));
    world_advance(w, 1000);
    CHECK_INT(n_runs, 0);
    world_advance(w, 10000);
    CHECK_INT(n_runs, 1);
    world_free(w);
}

TEST(versions_and_aliases_run_what_they_name, "LAM-45 LAM-46 LAM-47")
{
    struct world *w = lambda_world(obey);
    int first = 0;

    lambda_create(w, "f");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'MemorySize': 256}");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/aliases",
                  "{'Name': 'prod', 'FunctionVersion': '2', 'RoutingConfig': "
                  "{'AdditionalVersionWeights': {'1': 0.5}}}");
    lambda_invoke_with(w, FUNCTIONS "/f:1/invocations", NULL, NULL, S("{}"));
    CHECK_STR(world_header(w, "X-Amz-Executed-Version"), "1");
    for (int i = 0; i < 40; i++) {
        struct str said =
            lambda_invoke_with(w, FUNCTIONS "/f:prod/invocations", NULL, NULL, S("{}"));

        CHECK_STR(json_path(said, "arn"), LAMBDA_ARN "f:prod");
        first += str_is(world_header(w, "X-Amz-Executed-Version"), "1");
    }
    CHECK(first > 5 && first < 35);
    world_free(w);
}

TEST(a_function_has_its_roles_credentials, "LAM-30 LAM-41")
{
    struct world *w = lambda_world(obey);
    struct str key, secret, token;

    lambda_create(w, "f");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration",
                  "{'Environment': {'Variables': {'COLOUR': 'blue'}}}");
    CHECK_STR(invoke(w, "{\"env\": \"COLOUR=\"}"), "\"COLOUR=blue\"");
    CHECK_STR(invoke(w, "{\"env\": \"_HANDLER=\"}"), "\"_HANDLER=index.handler\"");
    CHECK_STR(invoke(w, "{\"env\": \"AWS_REGION=\"}"), "\"AWS_REGION=us-east-1\"");
    key = invoke(w, "{\"env\": \"AWS_ACCESS_KEY_ID=\"}");
    secret = invoke(w, "{\"env\": \"AWS_SECRET_ACCESS_KEY=\"}");
    token = invoke(w, "{\"env\": \"AWS_SESSION_TOKEN=\"}");
    world_as(w, str_cut(key, 19, key.n - 1), str_cut(secret, 23, secret.n - 1),
             str_cut(token, 19, token.n - 1));
    struct str who = world_ok(w, "Action=GetCallerIdentity");

    CHECK_STR(xml_text(who, "Arn"), "arn:aws:sts::000000000000:assumed-role/runs/f");
    /* which may nothing: all requests must be permitted */
    invoke(w, "{}");
    CHECK_INT(w->http, 403);
    CHECK_STR(world_header(w, "x-amzn-ErrorType"), "AccessDeniedException");
    world_free(w);
}

TEST(another_account_invokes_what_the_policy_lets_it, "LAM-41")
{
    struct world *w = lambda_world(obey);
    static const char path[] = FUNCTIONS "/" LAMBDA_ARN "f/invocations";

    lambda_create(w, "f");
    world_account(w, "111111111111", "us-east-1");
    lambda_invoke_with(w, path, NULL, NULL, S("{}"));
    CHECK_INT(w->http, 403);
    world_account(w, "000000000000", "us-east-1");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/policy",
                  "{'StatementId': 's', 'Action': 'lambda:InvokeFunction', 'Principal': "
                  "'111111111111'}");
    world_account(w, "111111111111", "us-east-1");
    lambda_invoke_with(w, path, NULL, NULL, S("{}"));
    CHECK_INT(w->http, 200);
    world_free(w);
}
