/* Lambda: what becomes of asynchronous invocations, and how many there may be at once. */
#include "gen/store/lambda_rows.h"
#include "lambda_help.h"

#define INVOKE FUNCTIONS "/f/invocations"
#define CONFIG "/2019-09-25/functions/f/event-invoke-config"
#define CONCURRENCY "/2017-10-31/functions/f/concurrency"

static int n_runs, n_told;
static struct str told; /* what the function "told" got last */

/* Function `told` keeps its events; others do what theirs say. */
static void
obey(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    struct str event = asked->work.payload;

    if (str_ends(asked->work.function_arn, S(":told"))) {
        n_told++;
        told = str_dup(&w->arena, event);
        return;
    }
    n_runs++;
    says->error = str_is(json_path(event, "fail"), "true");
    if (json_path(event, "ms").p)
        CHECK(str_to_i64(json_path(event, "ms"), &says->after_ms));
    says->body = says->error ? S("{\"errorType\": \"ValueError\"}") : S("{\"fine\": 1}");
}

static struct world *
world_with(const char *config)
{
    struct world *w = lambda_world(obey);

    lambda_create(w, "f");
    lambda_create(w, "told");
    world_okf(
        w, "Action=PutRolePolicy&RoleName=runs&PolicyName=own&PolicyDocument=%.*s",
        STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                                "\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"*\"}]}"))));
    if (config)
        world_rest_ok(w, "lambda", "PUT", CONFIG, config);
    n_runs = n_told = 0;
    return w;
}

static void
send(struct world *w, const char *event)
{
    lambda_invoke_with(w, INVOKE, "Event", NULL, str_from(event));
    CHECK_INT(w->http, 202);
}

#define TO_TOLD(what) "'" what "': {'Destination': '" LAMBDA_ARN "told'}"

TEST(a_destination_is_told_of_what_failed_for_good, "LAM-24")
{
    struct world *w =
        world_with("{'MaximumRetryAttempts': 1, 'DestinationConfig': {" TO_TOLD("OnFailure") "}}");

    send(w, "{\"fail\": true}");
    world_advance(w, 30 * 1000);
    CHECK_INT(n_told, 0);
    world_crash(w);
    world_advance(w, 90 * 1000);
    CHECK(n_runs == 2 && n_told == 1);
    CHECK_STR(json_path(told, "version"), "1.0");
    CHECK_STR(json_path(told, "requestContext.functionArn"), LAMBDA_ARN "f:$LATEST");
    CHECK_STR(json_path(told, "requestContext.condition"), "RetriesExhausted");
    CHECK_STR(json_path(told, "requestContext.approximateInvokeCount"), "2");
    CHECK_STR(json_path(told, "requestPayload.fail"), "true");
    CHECK_STR(json_path(told, "responseContext.functionError"), "Unhandled");
    CHECK_STR(json_path(told, "responseContext.executedVersion"), "$LATEST");
    CHECK_STR(json_path(told, "responsePayload.errorType"), "ValueError");
    send(w, "{}");
    world_advance(w, 3600 * 1000);
    CHECK(n_runs == 3 && n_told == 1);
    world_free(w);
}

TEST(a_destination_is_told_of_success)
{
    struct world *w = world_with("{'DestinationConfig': {" TO_TOLD("OnSuccess") "}}");

    send(w, "{}");
    world_advance(w, 1000);
    CHECK_INT(n_told, 1);
    CHECK_STR(json_path(told, "requestContext.condition"), "Success");
    CHECK_STR(json_path(told, "responsePayload.fine"), "1");
    CHECK(!json_path(told, "responseContext.functionError").p);
    /* who may no longer is not told */
    world_ok(w, "Action=DeleteRolePolicy&RoleName=runs&PolicyName=own");
    send(w, "{}");
    world_advance(w, 1000);
    CHECK(n_runs == 2 && n_told == 1);
    world_free(w);
}

TEST(an_event_that_grows_too_old_is_given_up, "LAM-24")
{
    struct world *w = world_with(
        "{'MaximumEventAgeInSeconds': 90, 'DestinationConfig': {" TO_TOLD("OnFailure") "}}");

    send(w, "{\"fail\": true}");
    world_advance(w, 600 * 1000);
    CHECK(n_runs == 2 && n_told == 1);
    CHECK_STR(json_path(told, "requestContext.condition"), "EventAgeExceeded");
    world_free(w);
}

TEST(settings_of_events_are_merged_or_overwritten)
{
    struct world *w = world_with(NULL);
    static const char none[] = "The function " LAMBDA_ARN "f:$LATEST doesn't have an "
                               "EventInvokeConfig";

    world_rest_refused(w, "ResourceNotFoundException", none, "lambda", "GET", CONFIG, NULL);
    world_rest_refused(w, "ResourceNotFoundException", none, "lambda", "DELETE", CONFIG, NULL);
    world_rest_refused(w, "ResourceNotFoundException", none, "lambda", "POST", CONFIG,
                       "{'MaximumRetryAttempts': 1}");
    world_rest_refused(w, "InvalidParameterValueException", NULL, "lambda", "PUT", CONFIG, "{}");
    world_rest_ok(w, "lambda", "PUT", CONFIG, "{'MaximumRetryAttempts': 0}");
    struct str said =
        world_rest_ok(w, "lambda", "POST", CONFIG, "{'MaximumEventAgeInSeconds': 60}");

    CHECK_STR(json_path(said, "MaximumRetryAttempts"), "0");
    CHECK_STR(json_path(said, "MaximumEventAgeInSeconds"), "60");
    CHECK_STR(json_path(said, "FunctionArn"), LAMBDA_ARN "f:$LATEST");
    CHECK_STR(json_path(said, "DestinationConfig.OnSuccess"), "{}");
    world_rest_ok(w, "lambda", "PUT", CONFIG, "{'MaximumEventAgeInSeconds': 70}");
    said = world_rest_ok(w, "lambda", "GET", CONFIG, NULL);
    CHECK(!json_path(said, "MaximumRetryAttempts").p);
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    world_rest_ok(w, "lambda", "PUT", CONFIG "?Qualifier=1", "{'MaximumRetryAttempts': 0}");
    said = world_rest_ok(w, "lambda", "GET", CONFIG "/list?MaxItems=1", NULL);
    CHECK_INT(json_count(said, "FunctionEventInvokeConfigs"), 1);
    said = world_rest_okf(
        w, "lambda", "GET",
        test_fmt(CONFIG "/list?Marker=%.*s", STR_ARG(world_code(w, json_path(said, "NextMarker")))),
        "%s", "");
    CHECK_STR(json_path(said, "FunctionEventInvokeConfigs.0.FunctionArn"), LAMBDA_ARN "f:1");
    world_rest_ok(w, "lambda", "DELETE", CONFIG, NULL);
    world_rest_refused(w, "ResourceNotFoundException", none, "lambda", "GET", CONFIG, NULL);
    world_rest_refused(w, "ResourceNotFoundException", NULL, "lambda", "GET", CONFIG "?Qualifier=7",
                       NULL);
    world_ok(w, "Action=DeleteRolePolicy&RoleName=runs&PolicyName=own");
    world_rest_refused(w, "InvalidParameterValueException",
                       "The function's execution role does not have permissions to call "
                       "InvokeFunction on " LAMBDA_ARN "told",
                       "lambda", "PUT", CONFIG,
                       "{'DestinationConfig': {" TO_TOLD("OnFailure") "}}");
    world_free(w);
}

TEST(reserved_concurrency_is_the_functions_alone, "LAM-04 LAM-48")
{
    struct world *w = world_with(NULL);

    world_rest_ok(w, "lambda", "PUT", CONCURRENCY, "{'ReservedConcurrentExecutions': 2}");
    struct str said = world_rest_ok(w, "lambda", "GET", FUNCTIONS "/f", NULL);

    CHECK_STR(json_path(said, "Concurrency.ReservedConcurrentExecutions"), "2");
    said = world_rest_ok(w, "lambda", "GET", "/2016-08-19/account-settings", NULL);
    CHECK_STR(json_path(said, "AccountLimit.UnreservedConcurrentExecutions"), "998");
    send(w, "{\"ms\": 500}");
    send(w, "{\"ms\": 500}");
    world_advance(w, 100);
    said = lambda_invoke_with(w, INVOKE, NULL, NULL, S("{}"));
    CHECK_INT(w->http, 429);
    CHECK_STR(json_path(said, "Reason"), "ReservedFunctionConcurrentInvocationLimitExceeded");
    CHECK_STR(json_path(said, "message"), "Rate Exceeded.");
    lambda_invoke_with(w, FUNCTIONS "/told/invocations", NULL, NULL, S("{}"));
    CHECK_INT(w->http, 200);
    world_crash(w);
    said = world_rest_ok(w, "lambda", "GET", "/2019-09-30/functions/f/concurrency", NULL);
    CHECK_STR(json_path(said, "ReservedConcurrentExecutions"), "2");
    world_rest_refused(w, "InvalidParameterValueException",
                       "Specified ReservedConcurrentExecutions for function decreases account's "
                       "UnreservedConcurrentExecution below its minimum value of [100].",
                       "lambda", "PUT", "/2017-10-31/functions/told/concurrency",
                       "{'ReservedConcurrentExecutions': 899}");
    world_rest_ok(w, "lambda", "PUT", "/2017-10-31/functions/told/concurrency",
                  "{'ReservedConcurrentExecutions': 898}");
    world_rest_ok(w, "lambda", "DELETE", CONCURRENCY, NULL);
    CHECK_INT(w->http, 204);
    said = world_rest_ok(w, "lambda", "GET", "/2019-09-30/functions/f/concurrency", NULL);
    CHECK(!json_path(said, "ReservedConcurrentExecutions").p);
    world_free(w);
}

TEST(a_function_without_concurrency_gets_no_event)
{
    struct world *w = world_with("{'DestinationConfig': {" TO_TOLD("OnFailure") "}}");

    world_rest_ok(w, "lambda", "PUT", CONCURRENCY, "{'ReservedConcurrentExecutions': 0}");
    send(w, "{\"a\": 1}");
    world_advance(w, 1000);
    CHECK(n_runs == 0 && n_told == 1);
    CHECK_STR(json_path(told, "requestContext.condition"), "ZeroReservedConcurrency");
    CHECK_STR(json_path(told, "requestContext.approximateInvokeCount"), "0");
    CHECK(!json_path(told, "responseContext").p);
    lambda_invoke_with(w, INVOKE, NULL, NULL, S("{}"));
    CHECK_INT(w->http, 429);
    world_free(w);
}
