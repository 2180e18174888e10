/* Things of other services than EC2 in groups and in the Resource Groups Tagging API. */
#include "api/cfn_help.h"
#include "api/lambda_help.h"
#include "api/s3_help.h"

#define TAGGING "resourcegroupstaggingapi"

static const char template[] =
    "Resources:\n"
    "  B: {Type: AWS::S3::Bucket, Properties: {BucketName: tagged}}\n"
    "  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: f, Runtime: python3.12, "
    "Handler: index.h, Role: 'arn:aws:iam::000000000000:role/runs', Code: {ZipFile: x}}}\n"
    "  A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: a, ComparisonOperator: "
    "GreaterThanThreshold, EvaluationPeriods: 1, MetricName: M, Namespace: N, Period: 60, "
    "Statistic: Sum, Threshold: 1}}\n"
    "  R: {Type: AWS::ECR::Repository, Properties: {RepositoryName: images}}\n"
    "  V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}\n"
    "  N: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref V}}\n";

static const char *const arns[] = {
    "arn:aws:s3:::tagged",
    "arn:aws:lambda:us-east-1:000000000000:function:f",
    "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a",
    "arn:aws:ecr:us-east-1:000000000000:repository/images",
};

/* The tag `mine` of a thing; absent: it has none. */
static struct str
mine(struct world *w, const char *arn)
{
    struct str json =
        world_json_ok(w, TAGGING, "GetResources", "{'TagFilters': [{'Key': 'mine'}]}");

    for (size_t i = 0; i < json_count(json, "ResourceTagMappingList"); i++) {
        const char *tags = test_fmt("ResourceTagMappingList.%zu.Tags", i);

        if (!str_is(json_path(json, test_fmt("ResourceTagMappingList.%zu.ResourceARN", i)), arn))
            continue;
        for (size_t k = 0; k < json_count(json, tags); k++)
            if (str_is(json_path(json, test_fmt("%s.%zu.Key", tags, k)), "mine"))
                return json_path(json, test_fmt("%s.%zu.Value", tags, k));
    }
    return STR_NONE;
}

static struct world *
tagged_world(void)
{
    struct world *w = lambda_world(NULL);

    CHECK_OK(w, create(w, "all", "", template));
    world_settle(w);
    world_advance(w, 60000);
    check_status(w, "all", "CREATE_COMPLETE");
    return w;
}

TEST(a_group_of_a_stack_has_its_things_of_each_service, "RG-06")
{
    struct world *w = tagged_world();
    const char *id = xml_cstr(stack(w, "all"), "StackId");
    struct str reply = world_rest_okf(
        w, "resourcegroups", "POST", "/resources/search",
        "{\"ResourceQuery\": {\"Type\": \"CLOUDFORMATION_STACK_1_0\", \"Query\": "
        "\"{\\\"ResourceTypeFilters\\\": [\\\"AWS::AllSupported\\\"], \\\"StackIdentifier\\\": "
        "\\\"%s\\\"}\"}}",
        id);
    const char *text = str_cstr(test_arena(), reply);

    CHECK_INT(json_count(reply, "ResourceIdentifiers"), 6);
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        if (!strstr(text, arns[i]))
            FAIL("no %s in %s", arns[i], text);
    CHECK(strstr(text, "AWS::S3::Bucket") && strstr(text, "AWS::Lambda::Function"));
    CHECK(strstr(text, "AWS::CloudWatch::Alarm") && strstr(text, "AWS::EC2::NetworkAcl"));
    world_free(w);
}

TEST(things_of_each_service_are_tagged_in_one_call, "TAG-01")
{
    struct world *w = tagged_world();
    struct str reply, list = S("");

    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        list = str_fmt(test_arena(), "%.*s%s'%s'", STR_ARG(list), i ? ", " : "", arns[i]);
    reply = world_json_okf(w, TAGGING, "TagResources",
                           "{'ResourceARNList': [%.*s], 'Tags': {'mine': 'x'}}", STR_ARG(list));
    CHECK_INT(json_count(reply, "FailedResourcesMap"), 0);
    world_crash(w);
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        CHECK_STR(mine(w, arns[i]), "x");
    /* what a bucket had stays: its tags are one set to S3 */
    reply = S3_OK(w, 200, "PUT", "/tagged?tagging",
                  "<Tagging><TagSet><Tag><Key>own</Key><Value>1</Value></Tag><Tag><Key>mine</Key>"
                  "<Value>y</Value></Tag></TagSet></Tagging>");
    world_json_ok(w, TAGGING, "TagResources",
                  "{'ResourceARNList': ['arn:aws:s3:::tagged'], 'Tags': {'mine': 'z'}}");
    CHECK_STR(mine(w, arns[0]), "z");
    reply = S3_OK(w, 200, "GET", "/tagged?tagging", "");
    CHECK_STR(xml_text(xml_where(reply, "Tag", "Key", "own"), "Value"), "1");
    /* in another region there is no such bucket */
    world_account(w, "000000000000", "eu-west-1");
    CHECK(!mine(w, arns[0]).p);
    world_account(w, "000000000000", "us-east-1");
    reply = world_json_okf(w, TAGGING, "UntagResources",
                           "{'ResourceARNList': [%.*s], 'TagKeys': ['mine']}", STR_ARG(list));
    CHECK_INT(json_count(reply, "FailedResourcesMap"), 0);
    for (size_t i = 0; i < ARRAY_LEN(arns); i++)
        CHECK(!mine(w, arns[i]).p);
    world_json_ok(w, TAGGING, "UntagResources",
                  "{'ResourceARNList': ['arn:aws:s3:::tagged'], 'TagKeys': ['own']}");
    S3_OK(w, 404, "GET", "/tagged?tagging", "");
    /* another account's things are not ours to tag */
    world_account(w, "222222222222", "us-east-1");
    reply = world_json_okf(w, TAGGING, "TagResources",
                           "{'ResourceARNList': [%.*s], 'Tags': {'mine': 'x'}}", STR_ARG(list));
    CHECK_INT(json_count(reply, "FailedResourcesMap"), 4);
    world_free(w);
}
