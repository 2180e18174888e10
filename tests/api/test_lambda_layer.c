/* Lambda: layers, their versions, who may have them, and functions that do. */
#include "gen/store/lambda_rows.h"
#include "lambda_help.h"

#define LAYERS "/2018-10-31/layers"
#define LAYER_ARN "arn:aws:lambda:us-east-1:000000000000:layer:"
#define CONFIGURATION FUNCTIONS "/f/configuration"
#define ABSENT "The resource you requested does not exist."

static size_t n_layers;

static void
count(struct world *w UNUSED, const struct function_asked *asked, struct function_says *says UNUSED)
{
    n_layers = asked->layers;
}

static struct str
publish(struct world *w, const char *name, const char *more)
{
    return world_rest_okf(w, "lambda", "POST", test_fmt(LAYERS "/%s/versions", name),
                          "{'Content': {'ZipFile': '%.*s'}%s}", STR_ARG(lambda_zip(w, name)), more);
}

TEST(versions_of_a_layer_are_published_shown_and_deleted, "LAM-03")
{
    struct world *w = lambda_world(NULL);
    struct str said = publish(w, "l",
                              ", 'Description': 'd', 'LicenseInfo': 'MIT', 'CompatibleRuntimes': "
                              "['python3.12'], 'CompatibleArchitectures': ['x86_64']");

    CHECK_INT(w->http, 201);
    CHECK_STR(json_path(said, "LayerArn"), LAYER_ARN "l");
    CHECK_STR(json_path(said, "LayerVersionArn"), LAYER_ARN "l:1");
    CHECK_STR(json_path(said, "Version"), "1");
    CHECK(json_path(said, "Content.CodeSha256").p && json_path(said, "Content.CodeSize").p);
    publish(w, "l", "");
    publish(w, "k", ", 'CompatibleRuntimes': ['python3.11']");
    said = world_rest_ok(w, "lambda", "GET", LAYERS "/l/versions/1", NULL);
    CHECK_STR(json_path(said, "LicenseInfo"), "MIT");
    CHECK_STR(json_path(said, "CompatibleRuntimes.0"), "python3.12");
    said =
        world_rest_ok(w, "lambda", "GET", LAYERS "?find=LayerVersion&Arn=" LAYER_ARN "l:1", NULL);
    CHECK_STR(json_path(said, "Description"), "d");
    said = world_rest_ok(w, "lambda", "GET", LAYERS "/l/versions?MaxItems=1", NULL);
    CHECK_STR(json_path(said, "LayerVersions.0.Version"), "2");
    said = world_rest_ok(w, "lambda", "GET",
                         test_fmt(LAYERS "/l/versions?Marker=%.*s",
                                  STR_ARG(world_code(w, json_path(said, "NextMarker")))),
                         NULL);
    CHECK_STR(json_path(said, "LayerVersions.0.Version"), "1");
    CHECK_INT(json_count(said, "LayerVersions"), 1);
    said = world_rest_ok(w, "lambda", "GET", LAYERS, NULL);
    CHECK_INT(json_count(said, "Layers"), 2);
    CHECK_STR(json_path(said, "Layers.1.LatestMatchingVersion.Version"), "2");
    said = world_rest_ok(w, "lambda", "GET", LAYERS "?CompatibleRuntime=python3.12", NULL);
    CHECK_INT(json_count(said, "Layers"), 1);
    CHECK_STR(json_path(said, "Layers.0.LatestMatchingVersion.Version"), "1");
    world_crash(w);
    for (int i = 0; i < 2; i++) { /* twice is no error */
        world_rest_ok(w, "lambda", "DELETE", LAYERS "/l/versions/2", NULL);
        CHECK_INT(w->http, 204);
    }
    world_rest_refused(w, "ResourceNotFoundException", ABSENT, "lambda", "GET",
                       LAYERS "/l/versions/2", NULL);
    world_rest_refused(w, "InvalidParameterValueException", "Layer Version Cannot be less than 1.",
                       "lambda", "GET", LAYERS "/l/versions/0", NULL);
    CHECK_STR(json_path(publish(w, "l", ""), "Version"), "3"); /* numbers are given once */
    world_rest_refused(w, "InvalidParameterValueException", NULL, "lambda", "POST",
                       LAYERS "/l/versions", "{'Content': {'ZipFile': 'AAAA'}}");
    world_account(w, "000000000000", "eu-west-1");
    said = world_rest_ok(w, "lambda", "GET", LAYERS, NULL);
    CHECK_INT(json_count(said, "Layers"), 0);
    world_free(w);
}

TEST(a_function_has_its_layers_also_after_they_are_deleted, "LAM-03")
{
    struct world *w = lambda_world(count);
    static const char two[] = "{'Layers': ['" LAYER_ARN "l:1', '" LAYER_ARN "k:1']}";

    lambda_create(w, "f");
    publish(w, "l", "");
    publish(w, "k", "");
    struct str said = world_rest_ok(w, "lambda", "PUT", CONFIGURATION, two);

    CHECK_STR(json_path(said, "Layers.0.Arn"), LAYER_ARN "l:1");
    CHECK(json_path(said, "Layers.1.CodeSize").p);
    lambda_invoke_with(w, FUNCTIONS "/f/invocations", NULL, NULL, S("{}"));
    CHECK_INT(n_layers, 2);
    world_rest_ok(w, "lambda", "DELETE", LAYERS "/l/versions/1", NULL);
    world_rest_refused(w, "ResourceNotFoundException", ABSENT, "lambda", "GET",
                       LAYERS "/l/versions/1", NULL);
    world_crash(w);
    /* a change of something else leaves them */
    said = world_rest_ok(w, "lambda", "PUT", CONFIGURATION, "{'Timeout': 9}");
    CHECK_INT(json_count(said, "Layers"), 2);
    n_layers = 0;
    lambda_invoke_with(w, FUNCTIONS "/f/invocations", NULL, NULL, S("{}"));
    CHECK_INT(n_layers, 2);
    world_rest_ok(w, "lambda", "PUT", CONFIGURATION, two);
    said = world_rest_ok(w, "lambda", "PUT", CONFIGURATION, "{'Layers': []}");
    CHECK_INT(json_count(said, "Layers"), 0);
    world_rest_refused(w, "InvalidParameterValueException",
                       "Layer version " LAYER_ARN "l:1 does not exist.", "lambda", "PUT",
                       CONFIGURATION, two);
    struct txn *txn = world_begin(w);

    CHECK_INT(store_count(txn, &lambda_layer_version_table), 1);
    CHECK_INT(store_count(txn, &lambda_code_table), 2);
    store_rollback(txn);
    world_free(w);
}

TEST(a_function_takes_no_more_layers_than_aws_lets_it, "LAM-03")
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    publish(w, "l", "");
    publish(w, "l", "");
    world_rest_refused(w, "InvalidParameterValueException",
                       "You cannot reference more than 5 layers.", "lambda", "PUT", CONFIGURATION,
                       "{'Layers': ['" LAYER_ARN "a:1', '" LAYER_ARN "b:1', '" LAYER_ARN
                       "c:1', '" LAYER_ARN "d:1', '" LAYER_ARN "e:1', '" LAYER_ARN "f:1']}");
    world_rest_refused(w, "InvalidParameterValueException",
                       "Two different versions of the same layer are not allowed to be referenced "
                       "in the same function. " LAYER_ARN "l:1 and " LAYER_ARN
                       "l:2 are versions of the same layer.",
                       "lambda", "PUT", CONFIGURATION,
                       "{'Layers': ['" LAYER_ARN "l:1', '" LAYER_ARN "l:2']}");
    world_rest_refused(w, "InvalidParameterValueException",
                       "Layer version arn:aws:lambda:eu-west-1:000000000000:layer:l:1 does not "
                       "exist.",
                       "lambda", "PUT", CONFIGURATION,
                       "{'Layers': ['arn:aws:lambda:eu-west-1:000000000000:layer:l:1']}");
    world_free(w);
}

TEST(another_account_has_a_layer_when_its_policy_says_so)
{
    struct world *w = lambda_world(NULL);
    static const char add[] = "{'StatementId': 's', 'Action': 'lambda:GetLayerVersion', "
                              "'Principal': '111111111111'}";
    static const char path[] = LAYERS "/l/versions/1/policy";
    static const char arn[] = LAYERS "?find=LayerVersion&Arn=" LAYER_ARN "l:1";

    publish(w, "l", "");
    world_account(w, "111111111111", "us-east-1");
    world_rest_refused(w, "AccessDeniedException", NULL, "lambda", "GET", arn, NULL);
    world_account(w, "000000000000", "us-east-1");
    world_rest_refused(w, "ResourceNotFoundException",
                       "No policy is associated with the given resource.", "lambda", "GET", path,
                       NULL);
    struct str said = world_rest_ok(w, "lambda", "POST", path, add);

    CHECK_STR(json_path(json_path(said, "Statement"), "Principal.AWS"),
              "arn:aws:iam::111111111111:root");
    world_rest_refused(w, "ResourceConflictException", NULL, "lambda", "POST", path, add);
    world_rest_refused(w, "ResourceNotFoundException", NULL, "lambda", "POST",
                       LAYERS "/l/versions/7/policy", add);
    CHECK_STR(json_path(json_path(world_rest_ok(w, "lambda", "GET", path, NULL), "Policy"),
                        "Statement.0.Resource"),
              LAYER_ARN "l:1");
    world_account(w, "111111111111", "us-east-1");
    lambda_role(w, "runs", "lambda.amazonaws.com");
    world_rest_ok(w, "lambda", "GET", arn, NULL);
    world_rest_okf(w, "lambda", "POST", FUNCTIONS,
                   "{'FunctionName': 'g', 'Runtime': 'python3.12', 'Handler': 'a.b', 'Layers': "
                   "['" LAYER_ARN "l:1'], 'Role': 'arn:aws:iam::111111111111:role/runs', 'Code': "
                   "{'ZipFile': '%.*s'}}",
                   STR_ARG(lambda_zip(w, "x")));
    world_account(w, "000000000000", "us-east-1");
    world_rest_refused(w, "PreconditionFailedException", NULL, "lambda", "DELETE",
                       LAYERS "/l/versions/1/policy/s?RevisionId=x", NULL);
    world_rest_ok(w, "lambda", "DELETE", LAYERS "/l/versions/1/policy/s", NULL);
    CHECK_INT(w->http, 204);
    world_rest_refused(w, "ResourceNotFoundException", NULL, "lambda", "DELETE",
                       LAYERS "/l/versions/1/policy/s", NULL);
    world_free(w);
}

TEST(a_stack_makes_a_layer_a_url_and_what_is_said_of_events, "CFNL-04 LAM-03")
{
    struct world *w = lambda_world(NULL);
    static const char template[] =
        "Resources:\n"
        "  L: {Type: AWS::Lambda::LayerVersion, Properties: {LayerName: l, CompatibleRuntimes: "
        "[python3.12], Content: {S3Bucket: code, S3Key: l.zip}}}\n"
        "  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: f, Runtime: python3.12, "
        "Handler: index.handler, Role: 'arn:aws:iam::000000000000:role/runs', "
        "ReservedConcurrentExecutions: 3, Layers: [!Ref L], Code: {S3Bucket: code, S3Key: l.zip, "
        "S3ObjectVersion: '%.*s'}}}\n"
        "  U: {Type: AWS::Lambda::Url, Properties: {AuthType: %s, TargetFunctionArn: !GetAtt "
        "F.Arn}}\n"
        "  E: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref F, Qualifier: "
        "$LATEST, MaximumRetryAttempts: 1}}\n"
        "Outputs:\n  Url: {Value: !GetAtt U.FunctionUrl}\n";
    struct str bytes, version;

    CHECK(str_unbase64(&w->arena, lambda_zip(w, "x"), &bytes));
    world_rest_ok(w, "s3", "PUT", "/code", NULL);
    struct http_header headers[] = {{S("Host"), S("s3.us-east-1.amazonaws.com")}};
    struct api_request put = {.http = {.method = S("PUT"),
                                       .path = S("/code/l.zip"),
                                       .query = S(""),
                                       .headers = headers,
                                       .n_headers = 1,
                                       .body = bytes},
                              .trusted = true,
                              .account = w->account,
                              .region = w->region};

    world_rest_ok(w, "s3", "PUT", "/code?versioning",
                  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    world_send(w, &put, S("s3"));
    CHECK_INT(w->http, 200);
    version = world_header(w, "x-amz-version-id");
    CHECK(version.p);
    const char *first = test_fmt(template, STR_ARG(version), "NONE");

    world_okf(w, "Action=CreateStack&StackName=s&TemplateBody=%.*s",
              STR_ARG(world_code(w, str_from(first))));
    world_advance(w, 10000);
    struct str stack = world_ok(w, "Action=DescribeStacks&StackName=s");

    CHECK_STR(xml_text(stack, "StackStatus"), "CREATE_COMPLETE");
    CHECK(str_ends(xml_text(stack, "OutputValue"), S(".lambda-url.us-east-1.on.aws/")));
    struct str said = world_rest_ok(w, "lambda", "GET", FUNCTIONS "/f", NULL);

    CHECK_STR(json_path(said, "Configuration.Layers.0.Arn"), LAYER_ARN "l:1");
    CHECK_STR(json_path(said, "Concurrency.ReservedConcurrentExecutions"), "3");
    said = world_rest_ok(w, "lambda", "GET", "/2019-09-25/functions/f/event-invoke-config", NULL);
    CHECK_STR(json_path(said, "MaximumRetryAttempts"), "1");
    world_okf(w, "Action=UpdateStack&StackName=s&TemplateBody=%.*s",
              STR_ARG(world_code(w, str_from(test_fmt(template, STR_ARG(version), "AWS_IAM")))));
    world_advance(w, 10000);
    said = world_rest_ok(w, "lambda", "GET", "/2021-10-31/functions/f/url", NULL);
    CHECK_STR(json_path(said, "AuthType"), "AWS_IAM");
    world_ok(w, "Action=DeleteStack&StackName=s");
    world_advance(w, 10000);
    said = world_rest_ok(w, "lambda", "GET", LAYERS, NULL);
    CHECK_INT(json_count(said, "Layers"), 0);
    world_free(w);
}
