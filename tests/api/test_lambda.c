/* Lambda: functions and what belongs to them; running them is test_lambda_invoke.c's. */
#include "gen/store/lambda_rows.h"
#include "lambda_help.h"

static void
refused(struct world *w, const char *code, const char *message, const char *method,
        const char *path, const char *json)
{
    world_rest_refused(w, code, message, "lambda", method, path, json);
}

static struct str
get(struct world *w, const char *path)
{
    return world_rest_ok(w, "lambda", "GET", path, "");
}

TEST(a_function_is_made_shown_and_deleted, "LAM-01 LAM-02 LAM-43")
{
    struct world *w = lambda_world(NULL);
    struct str made = lambda_create(w, "f");

    CHECK_INT(w->http, 201);
    CHECK_STR(json_path(made, "FunctionArn"), LAMBDA_ARN "f");
    CHECK_STR(json_path(made, "Version"), "$LATEST");
    CHECK_STR(json_path(made, "Timeout"), "3");
    CHECK_STR(json_path(made, "MemorySize"), "128");
    CHECK_STR(json_path(made, "State"), "Active");
    CHECK_STR(json_path(made, "LastUpdateStatus"), "Successful");
    CHECK_INT(json_path(made, "CodeSha256").n, 44);
    CHECK(!json_path(made, "VpcConfig").p && !json_path(made, "Environment").p);
    world_crash(w);
    struct str shown = get(w, FUNCTIONS "/f");

    CHECK_STR(json_path(shown, "Configuration.RevisionId"), json_cstr(made, "RevisionId"));
    CHECK_STR(json_path(get(w, FUNCTIONS "/" LAMBDA_ARN "f/configuration"), "Handler"),
              "index.handler");
    CHECK_STR(json_path(get(w, FUNCTIONS "/000000000000:function:f/configuration"), "Handler"),
              "index.handler");
    refused(
        w, "ResourceConflictException", "Function already exist: f", "POST", FUNCTIONS,
        str_cstr(
            &w->arena,
            str_fmt(&w->arena,
                    "{'FunctionName': 'f', 'Runtime': 'python3.12', 'Handler': 'a.b', " MEMBER_ROLE
                    ", 'Code': {'ZipFile': '%.*s'}}",
                    STR_ARG(lambda_zip(w, "")))));
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f", "");
    CHECK_INT(w->http, 204);
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "f", "GET",
            FUNCTIONS "/f", "");
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "f", "DELETE",
            FUNCTIONS "/f", "");
    struct txn *txn = world_begin(w);

    CHECK_INT(store_count(txn, &lambda_code_piece_table), 0);
    store_rollback(txn);
    world_free(w);
}

static const struct {
    const char *members, *code, *message;
} bad_rows[] = {
    {"'Runtime': 'python3.12', " MEMBER_ROLE ", 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException",
     "Runtime and Handler are mandatory parameters for functions created with deployment "
     "packages."},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', " MEMBER_ROLE ", 'Code': {}",
     "InvalidParameterValueException", "Please provide a source for function code."},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', " MEMBER_ROLE ", 'Code': {'ZipFile': 'AAAA'}",
     "InvalidParameterValueException",
     "Could not unzip uploaded file. Please check your file, then try to upload again."},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', " MEMBER_ROLE ", 'Code': {'ZipFile': ''}",
     "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', " MEMBER_ROLE
     ", 'Code': {'S3Bucket': 'nobodys', 'S3Key': 'k'}",
     "InvalidParameterValueException",
     "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The "
     "specified bucket does not exist"},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'Role': "
     "'arn:aws:iam::000000000000:role/other', 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException",
     "The role defined for the function cannot be assumed by Lambda."},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'Role': "
     "'arn:aws:iam::111111111111:role/other', 'Code': {'ZipFile': 'ZIP'}",
     "AccessDeniedException", "Cross-account pass role is not allowed."},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'Timeout': 901, " MEMBER_ROLE
     ", 'Code': {'ZipFile': 'ZIP'}",
     "ValidationException",
     "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: "
     "Member "
     "must have value less than or equal to 900"},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'MemorySize': 10241, " MEMBER_ROLE
     ", 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException",
     "'MemorySize' value failed to satisfy constraint: Member must have value less than or "
     "equal "
     "to 10240"},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'Environment': {'Variables': {'AWS_REGION': "
     "'x'}}, " MEMBER_ROLE ", 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException",
     "Lambda was unable to configure your environment variables because the environment "
     "variables you have provided contains reserved keys that are currently not supported for "
     "modification. Reserved keys used in this request: AWS_REGION"},
    {"'Runtime': 'python3.12', 'Handler': 'a.b', 'Architectures': ['arm64'], " MEMBER_ROLE
     ", 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException",
     "The parameter Architectures of other than x86_64 is not implemented by Welkin"},
    {"'Runtime': 'nodejs20.x', 'Handler': 'a.b', " MEMBER_ROLE ", 'Code': {'ZipFile': 'ZIP'}",
     "InvalidParameterValueException", NULL},
};

TEST(creating_a_function_is_refused_as_aws_refuses_it, "LAM-33")
{
    struct world *w = lambda_world(NULL);
    struct str zip = lambda_zip(w, "");

    lambda_role(w, "other", "ec2.amazonaws.com");
    for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
        struct str members = str_from(bad_rows[i].members);
        size_t at = str_find(members, S("'ZIP'"));

        if (at != SIZE_MAX)
            members = str_fmt(&w->arena, "%.*s'%.*s'%.*s", STR_ARG(str_cut(members, 0, at)),
                              STR_ARG(zip), STR_ARG(str_cut(members, at + 5, members.n)));
        refused(w, bad_rows[i].code, bad_rows[i].message, "POST", FUNCTIONS,
                str_cstr(&w->arena,
                         str_fmt(&w->arena, "{'FunctionName': 'f', %.*s}", STR_ARG(members))));
    }
    CHECK_INT(json_count(get(w, FUNCTIONS), "Functions"), 0);
    world_free(w);
}

TEST(a_function_changes, "LAM-30")
{
    struct world *w = lambda_world(NULL);
    struct str made = lambda_create(w, "f");
    struct str changed = world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration",
                                       "{'Timeout': 10, 'Environment': {'Variables': {'COLOUR': "
                                       "'blue'}}, 'Description': 'new'}");

    CHECK_STR(json_path(changed, "Timeout"), "10");
    CHECK_STR(json_path(changed, "Environment.Variables.COLOUR"), "blue");
    CHECK_STR(json_path(changed, "MemorySize"), "128");
    CHECK(!str_eq(json_path(changed, "RevisionId"), json_path(made, "RevisionId")));
    refused(w, "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
            "PUT", FUNCTIONS "/f/configuration", "{'Timeout': 11, 'RevisionId': 'old'}");
    struct str zip = lambda_zip(w, "another = 1");
    struct str dry = world_rest_okf(w, "lambda", "PUT", FUNCTIONS "/f/code",
                                    "{'ZipFile': '%.*s', 'DryRun': true}", STR_ARG(zip));

    CHECK(!str_eq(json_path(dry, "CodeSha256"), json_path(made, "CodeSha256")));
    CHECK_STR(json_path(get(w, FUNCTIONS "/f/configuration"), "CodeSha256"),
              json_cstr(made, "CodeSha256"));
    struct str code = world_rest_okf(w, "lambda", "PUT", FUNCTIONS "/f/code", "{'ZipFile': '%.*s'}",
                                     STR_ARG(zip));

    CHECK_STR(json_path(code, "CodeSha256"), json_cstr(dry, "CodeSha256"));
    struct txn *txn = world_begin(w);

    CHECK_INT(store_count(txn, &lambda_code_table), 1);
    store_rollback(txn);
    refused(w, "InvalidParameterValueException", "Please provide a source for function code.",
            "PUT", FUNCTIONS "/f/code", "{}");
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "g", "PUT",
            FUNCTIONS "/g/code", "{}");
    world_free(w);
}

TEST(versions_are_numbered_and_stay_as_they_are, "LAM-44 LAM-45")
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    struct str first = world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");

    CHECK_INT(w->http, 201);
    CHECK_STR(json_path(first, "Version"), "1");
    CHECK_STR(json_path(first, "FunctionArn"), LAMBDA_ARN "f:1");
    CHECK_STR(
        json_path(world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}"), "Version"),
        "1");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'MemorySize': 256}");
    CHECK_STR(
        json_path(world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}"), "Version"),
        "2");
    CHECK_STR(json_path(get(w, FUNCTIONS "/f:1/configuration"), "MemorySize"), "128");
    CHECK_STR(json_path(get(w, FUNCTIONS "/f/configuration?Qualifier=2"), "MemorySize"), "256");
    struct str page = get(w, FUNCTIONS "/f/versions?MaxItems=2");

    CHECK_STR(json_path(page, "Versions.0.Version"), "$LATEST");
    CHECK_STR(json_path(page, "Versions.1.Version"), "1");
    page = get(w, str_cstr(&w->arena, str_fmt(&w->arena, FUNCTIONS "/f/versions?Marker=%.*s",
                                              STR_ARG(json_path(page, "NextMarker")))));
    CHECK_INT(json_count(page, "Versions"), 1);
    CHECK_STR(json_path(page, "Versions.0.Version"), "2");
    refused(w, "InvalidParameterValueException",
            "$LATEST version cannot be deleted without deleting the function.", "DELETE",
            FUNCTIONS "/f?Qualifier=%24LATEST", "");
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f?Qualifier=1", "");
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "f:1", "GET",
            FUNCTIONS "/f:1", "");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'MemorySize': 512}");
    CHECK_STR(
        json_path(world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}"), "Version"),
        "3");
    world_free(w);
}

TEST(aliases_point_to_versions, "LAM-46 LAM-47")
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/configuration", "{'MemorySize': 256}");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/versions", "{}");
    struct str made = world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/aliases",
                                    "{'Name': 'prod', 'FunctionVersion': '1'}");

    CHECK_STR(json_path(made, "AliasArn"), LAMBDA_ARN "f:prod");
    CHECK_STR(json_path(get(w, FUNCTIONS "/f:prod/configuration"), "MemorySize"), "128");
    CHECK_STR(json_path(get(w, FUNCTIONS "/f:prod/configuration"), "FunctionArn"),
              LAMBDA_ARN "f:prod");
    refused(w, "ResourceConflictException", "Alias already exists: " LAMBDA_ARN "f:prod", "POST",
            FUNCTIONS "/f/aliases", "{'Name': 'prod', 'FunctionVersion': '1'}");
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "f:9", "POST",
            FUNCTIONS "/f/aliases", "{'Name': 'dev', 'FunctionVersion': '9'}");
    struct str both = world_rest_ok(w, "lambda", "PUT", FUNCTIONS "/f/aliases/prod",
                                    "{'RoutingConfig': {'AdditionalVersionWeights': {'2': 0.25}}}");

    CHECK_STR(json_path(both, "RoutingConfig.AdditionalVersionWeights.2"), "0.25");
    refused(w, "ResourceConflictException",
            "Unable to delete version because the following aliases reference it: [prod]", "DELETE",
            FUNCTIONS "/f?Qualifier=2", "");
    CHECK_INT(json_count(get(w, FUNCTIONS "/f/aliases"), "Aliases"), 1);
    CHECK_INT(json_count(get(w, FUNCTIONS "/f/aliases?FunctionVersion=2"), "Aliases"), 0);
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f/aliases/prod", "");
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f/aliases/prod", "");
    refused(w, "ResourceNotFoundException", "Cannot find alias arn: " LAMBDA_ARN "f:prod", "GET",
            FUNCTIONS "/f/aliases/prod", "");
    refused(w, "ResourceNotFoundException", "Cannot find alias arn: " LAMBDA_ARN "f:prod", "PUT",
            FUNCTIONS "/f/aliases/prod", "{}");
    world_free(w);
}

TEST(a_functions_policy_is_its_permissions, "LAM-41")
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    refused(w, "ResourceNotFoundException", "The resource you requested does not exist.", "GET",
            FUNCTIONS "/f/policy", "");
    struct str said = world_rest_ok(
        w, "lambda", "POST", FUNCTIONS "/f/policy",
        "{'StatementId': 's', 'Action': 'lambda:InvokeFunction', 'Principal': "
        "'s3.amazonaws.com', 'SourceArn': 'arn:aws:s3:::b', 'SourceAccount': '000000000000'}");
    struct str statement = json_path(said, "Statement");

    CHECK_STR(statement, "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
                         "\"s3.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":"
                         "\"" LAMBDA_ARN "f\",\"Condition\":{\"StringEquals\":"
                         "{\"AWS:SourceAccount\":\"000000000000\"},\"ArnLike\":"
                         "{\"AWS:SourceArn\":\"arn:aws:s3:::b\"}}}");
    struct str policy = get(w, FUNCTIONS "/f/policy");

    CHECK_STR(json_path(json_path(policy, "Policy"), "Statement.0.Sid"), "s");
    CHECK_STR(json_path(json_path(policy, "Policy"), "Id"), "default");
    refused(w, "ResourceConflictException",
            "The statement id (s) provided already exists. Please provide a new statement id, or "
            "remove the existing statement.",
            "POST", FUNCTIONS "/f/policy",
            "{'StatementId': 's', 'Action': 'lambda:InvokeFunction', 'Principal': '*'}");
    refused(w, "PreconditionFailedException", NULL, "DELETE",
            FUNCTIONS "/f/policy/s?RevisionId=other", "");
    refused(w, "ResourceNotFoundException", "Statement t is not found in resource policy.",
            "DELETE", FUNCTIONS "/f/policy/t", "");
    world_rest_ok(w, "lambda", "DELETE", FUNCTIONS "/f/policy/s", "");
    CHECK_INT(w->http, 204);
    refused(w, "ResourceNotFoundException", "No policy is associated with the given resource.",
            "DELETE", FUNCTIONS "/f/policy/s", "");
    world_free(w);
}

TEST(functions_are_listed_by_pages_of_their_own_account_and_region)
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "a");
    lambda_create(w, "b");
    lambda_create(w, "c");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/b/versions", "{}");
    struct str page = get(w, FUNCTIONS "?MaxItems=2");

    CHECK_STR(json_path(page, "Functions.1.FunctionName"), "b");
    page = get(w, str_cstr(&w->arena, str_fmt(&w->arena, FUNCTIONS "?Marker=%.*s",
                                              STR_ARG(json_path(page, "NextMarker")))));
    CHECK_INT(json_count(page, "Functions"), 1);
    CHECK(!json_path(page, "NextMarker").p);
    CHECK_INT(json_count(get(w, FUNCTIONS "?FunctionVersion=ALL"), "Functions"), 4);
    struct str settings = get(w, "/2016-08-19/account-settings");

    CHECK_STR(json_path(settings, "AccountUsage.FunctionCount"), "3");
    CHECK_STR(json_path(settings, "AccountLimit.ConcurrentExecutions"), "1000");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(json_count(get(w, FUNCTIONS), "Functions"), 0);
    refused(w, "ResourceNotFoundException",
            "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')", "GET",
            FUNCTIONS "/" LAMBDA_ARN "a", "");
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(json_count(get(w, FUNCTIONS), "Functions"), 0);
    refused(w, "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:111111111111:function:a", "GET",
            FUNCTIONS "/a", "");
    world_free(w);
}

TEST(functions_have_tags)
{
    struct world *w = lambda_world(NULL);

    lambda_create(w, "f");
    world_rest_ok(w, "lambda", "POST", "/2017-03-31/tags/" LAMBDA_ARN "f",
                  "{'Tags': {'team': 'red', 'stage': 'dev'}}");
    world_rest_ok(w, "lambda", "DELETE", "/2017-03-31/tags/" LAMBDA_ARN "f?tagKeys=stage", "");
    struct str tags = get(w, "/2017-03-31/tags/" LAMBDA_ARN "f");

    CHECK_INT(json_count(tags, "Tags"), 1);
    CHECK_STR(json_path(get(w, FUNCTIONS "/f"), "Tags.team"), "red");
    refused(w, "InvalidParameterValueException",
            "Tags on function aliases and versions are not supported. Please specify a function "
            "ARN.",
            "GET", "/2017-03-31/tags/" LAMBDA_ARN "f:1", "");
    refused(w, "ResourceNotFoundException", "Function not found: " LAMBDA_ARN "g", "GET",
            "/2017-03-31/tags/" LAMBDA_ARN "g", "");
    world_free(w);
}
