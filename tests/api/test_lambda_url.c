/* Lambda: functions that are called by HTTP, at URLs of their own. */
#include "lambda_help.h"

#define URL "/2021-10-31/functions/f/url"
#define FORBIDDEN                                                                                  \
    "Forbidden. For troubleshooting Function URL authorization issues, see: "                      \
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

static struct str seen;   /* the event */
static const char *says_; /* what the function answers; "!…": its error */

static void
answer(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    seen = str_dup(&w->arena, asked->work.payload);
    says->error = says_[0] == '!';
    says->body = str_from(says_ + says->error);
}

static struct world *
world_with_url(const char *members)
{
    struct world *w = lambda_world(answer);

    says_ = "{\"fine\": 1}";
    seen = STR_NONE;
    lambda_create(w, "f");
    if (members)
        world_rest_ok(w, "lambda", "POST", URL, members);
    return w;
}

static void
let(struct world *w, const char *principal)
{
    world_rest_okf(w, "lambda", "POST", FUNCTIONS "/f/policy",
                   "{'StatementId': 'url', 'Action': 'lambda:InvokeFunctionUrl', 'Principal': "
                   "'%s', 'FunctionUrlAuthType': 'NONE'}",
                   principal);
    world_rest_okf(w, "lambda", "POST", FUNCTIONS "/f/policy",
                   "{'StatementId': 'call', 'Action': 'lambda:InvokeFunction', 'Principal': "
                   "'%s', 'InvokedViaFunctionUrl': true}",
                   principal);
}

static const char *
host_of(struct world *w)
{
    struct str url = json_path(world_rest_ok(w, "lambda", "GET", URL, NULL), "FunctionUrl");

    CHECK(str_starts(url, S("https://")) && str_ends(url, S(".lambda-url.us-east-1.on.aws/")));
    return test_cstr(str_cut(url, 8, url.n - 1));
}

/* An HTTP request to it, with up to one more header. */
static struct str
get(struct world *w, const char *host, const char *method, const char *path, const char *query,
    const char *name, const char *value, const char *body)
{
    struct http_header headers[] = {{S("Host"), str_from(host)},
                                    {S("Cookie"), S("a=1; b=2")},
                                    {S("User-Agent"), S("tester")},
                                    {str_from(name), str_from(value)}};
    const struct api_request req = {.http = {.method = str_from(method),
                                             .path = str_from(path),
                                             .query = str_from(query),
                                             .headers = headers,
                                             .n_headers = *name ? 4 : 3,
                                             .body = str_from(body)},
                                    .peer = S("192.0.2.7")};

    return world_answer(w, &req);
}

TEST(a_function_answers_at_its_url)
{
    struct world *w = world_with_url("{'AuthType': 'NONE'}");
    const char *host = host_of(w);

    CHECK_STR(json_path(get(w, host, "GET", "/", "", "", "", ""), "Message"), FORBIDDEN);
    CHECK_INT(w->http, 403);
    let(w, "*");
    struct str said =
        get(w, host, "POST", "/a/b", "x=1&x=2&y=%20", "Content-Type", "application/json", "{}");

    CHECK_INT(w->http, 200);
    CHECK_STR(said, "{\"fine\":1}");
    CHECK_STR(w->content_type, "application/json");
    CHECK_STR(json_path(seen, "version"), "2.0");
    CHECK_STR(json_path(seen, "rawPath"), "/a/b");
    CHECK_STR(json_path(seen, "rawQueryString"), "x=1&x=2&y=%20");
    CHECK_STR(json_path(seen, "queryStringParameters.x"), "1,2");
    CHECK_STR(json_path(seen, "queryStringParameters.y"), " ");
    CHECK_STR(json_path(seen, "cookies.1"), "b=2");
    CHECK_STR(json_path(seen, "headers.user-agent"), "tester");
    CHECK_STR(json_path(seen, "headers.x-forwarded-for"), "192.0.2.7");
    CHECK_STR(json_path(seen, "requestContext.http.method"), "POST");
    CHECK_STR(json_path(seen, "requestContext.http.sourceIp"), "192.0.2.7");
    CHECK_STR(json_path(seen, "requestContext.accountId"), "anonymous");
    CHECK_STR(json_path(seen, "requestContext.domainName"), host);
    CHECK_STR(json_path(seen, "body"), "{}");
    CHECK_STR(json_path(seen, "isBase64Encoded"), "false");
    get(w, host, "POST", "/", "", "Content-Type", "image/png", "abc");
    CHECK_STR(json_path(seen, "body"), "YWJj");
    CHECK_STR(json_path(seen, "isBase64Encoded"), "true");
    world_crash(w);
    get(w, host, "GET", "/", "", "", "", "");
    CHECK_INT(w->http, 200);
    get(w, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.lambda-url.us-east-1.on.aws", "GET", "/", "", "", "",
        "");
    CHECK_INT(w->http, 404);
    world_free(w);
}

TEST(what_a_function_answers_is_the_response)
{
    struct world *w = world_with_url("{'AuthType': 'NONE'}");
    const char *host = host_of(w);

    let(w, "*");
    says_ = "{\"statusCode\": 201, \"headers\": {\"Content-Type\": \"text/plain\", \"X-Own\": "
            "\"1\"}, \"cookies\": [\"c=3\"], \"body\": \"aGk=\", \"isBase64Encoded\": true}";
    CHECK_STR(get(w, host, "GET", "/", "", "", "", ""), "hi");
    CHECK_INT(w->http, 201);
    CHECK_STR(w->content_type, "text/plain");
    CHECK_STR(world_header(w, "X-Own"), "1");
    CHECK_STR(world_header(w, "Set-Cookie"), "c=3");
    says_ = "\"text\"";
    CHECK_STR(get(w, host, "GET", "/", "", "", "", ""), "text");
    says_ = "{\"statusCode\": \"x\"}";
    get(w, host, "GET", "/", "", "", "", "");
    CHECK_INT(w->http, 502);
    says_ = "!{\"errorMessage\": \"no\"}";
    get(w, host, "GET", "/", "", "", "", "");
    CHECK_INT(w->http, 502);
    world_rest_ok(w, "lambda", "PUT", "/2017-10-31/functions/f/concurrency",
                  "{'ReservedConcurrentExecutions': 0}");
    get(w, host, "GET", "/", "", "", "", "");
    CHECK_INT(w->http, 429);
    world_free(w);
}

TEST(a_url_of_iam_asks_who_calls, "LAM-41")
{
    struct world *w = world_with_url("{'AuthType': 'AWS_IAM'}");
    const char *host = host_of(w);
    struct http_header headers[] = {{S("Host"), str_from(host)}};
    const struct api_request req = {.http = {.method = S("GET"),
                                             .path = S("/"),
                                             .query = S(""),
                                             .headers = headers,
                                             .n_headers = 1,
                                             .body = S("")},
                                    .trusted = true,
                                    .account = w->account,
                                    .region = w->region};

    get(w, host, "GET", "/", "", "", "", "");
    CHECK_INT(w->http, 403);
    CHECK(!seen.p);
    world_ok(w, "Action=CreateUser&UserName=u");
    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=own&PolicyDocument=%.*s",
              STR_ARG(world_code(
                  w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                       "\"Action\":[\"lambda:InvokeFunctionUrl\",\"lambda:InvokeFunction\"],"
                       "\"Resource\":\"*\",\"Condition\":{\"Bool\":"
                       "{\"lambda:InvokedViaFunctionUrl\":\"true\"}}}]}"))));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=u"));
    world_send(w, &req, S("lambda"));
    CHECK_INT(w->http, 200);
    CHECK_STR(json_path(seen, "requestContext.authorizer.iam.userArn"),
              "arn:aws:iam::000000000000:user/u");
    CHECK_STR(json_path(seen, "requestContext.accountId"), "000000000000");
    world_as_root(w);
    world_ok(w, "Action=CreateUser&UserName=v");
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=v"));
    world_send(w, &req, S("lambda"));
    CHECK_INT(w->http, 403);
    world_free(w);
}

TEST(pages_may_call_a_url_when_cors_says_so)
{
    struct world *w = world_with_url("{'AuthType': 'NONE', 'Cors': {'AllowOrigins': "
                                     "['https://a.example'], 'AllowMethods': ['GET'], "
                                     "'ExposeHeaders': ['x-own'], 'MaxAge': 0}}");
    const char *host = host_of(w);

    let(w, "*");
    get(w, host, "GET", "/", "", "Origin", "https://a.example", "");
    CHECK_STR(world_header(w, "Access-Control-Allow-Origin"), "https://a.example");
    CHECK_STR(world_header(w, "Access-Control-Expose-Headers"), "x-own");
    CHECK(!world_header(w, "Access-Control-Allow-Methods").p);
    get(w, host, "GET", "/", "", "Origin", "https://b.example", "");
    CHECK(!world_header(w, "Access-Control-Allow-Origin").p);
    seen = STR_NONE;
    get(w, host, "OPTIONS", "/", "", "Access-Control-Request-Method", "GET", "");
    CHECK(w->http == 200 && !seen.p);
    world_free(w);
}

TEST(urls_are_made_changed_listed_and_deleted)
{
    struct world *w = world_with_url(NULL);

    world_rest_refused(w, "ResourceNotFoundException", "The resource you requested does not exist.",
                       "lambda", "GET", URL, NULL);
    world_rest_refused(w, "InvalidParameterValueException", NULL, "lambda", "POST", URL,
                       "{'AuthType': 'NONE', 'InvokeMode': 'RESPONSE_STREAM'}");
    struct str said = world_rest_ok(w, "lambda", "POST", URL, "{'AuthType': 'NONE'}");

    CHECK_INT(w->http, 201);
    CHECK_STR(json_path(said, "FunctionArn"), LAMBDA_ARN "f");
    CHECK_STR(json_path(said, "InvokeMode"), "BUFFERED");
    world_rest_refused(w, "ResourceConflictException", NULL, "lambda", "POST", URL,
                       "{'AuthType': 'NONE'}");
    said = world_rest_ok(w, "lambda", "PUT", URL,
                         "{'AuthType': 'AWS_IAM', 'Cors': {'AllowCredentials': true}}");
    CHECK_STR(json_path(said, "AuthType"), "AWS_IAM");
    CHECK_STR(json_path(said, "Cors.AllowCredentials"), "true");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/aliases",
                  "{'Name': 'live', 'FunctionVersion': '1'}");
    world_rest_ok(w, "lambda", "POST", URL "?Qualifier=live", "{'AuthType': 'NONE'}");
    world_crash(w);
    said = world_rest_ok(w, "lambda", "GET", "/2021-10-31/functions/f/urls?MaxItems=1", NULL);
    CHECK_STR(json_path(said, "FunctionUrlConfigs.0.AuthType"), "AWS_IAM");
    said = world_rest_ok(w, "lambda", "GET",
                         test_fmt("/2021-10-31/functions/f/urls?Marker=%.*s",
                                  STR_ARG(world_code(w, json_path(said, "NextMarker")))),
                         NULL);
    CHECK_STR(json_path(said, "FunctionUrlConfigs.0.FunctionArn"), LAMBDA_ARN "f:live");
    world_rest_ok(w, "lambda", "DELETE", URL, NULL);
    CHECK_INT(w->http, 204);
    world_rest_refused(w, "ResourceNotFoundException", NULL, "lambda", "DELETE", URL, NULL);
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f/aliases/live", NULL);
    said = world_rest_ok(w, "lambda", "GET", "/2021-10-31/functions/f/urls", NULL);
    CHECK_INT(json_count(said, "FunctionUrlConfigs"), 0);
    world_free(w);
}
