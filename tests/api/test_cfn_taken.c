/*
 * What is there already is no stack's to make: neither is it taken over, nor does it go with the
 * rollback.  The sentences are those of awslabs/aws-api-gateway-developer-portal#543 (buckets),
 * svdgraaf/serverless-screenshot#2 (a bucket of one's own), awslabs/cdk-serverless-clamscan#1382
 * (bucket policies); that of alarms and hooks is what CloudFormation's handlers say
 * (cloudformation-cli-java-plugin).
 */
#include "api/cfn_help.h"

static void
check_taken(struct world *w, const char *template, const char *event)
{
    struct str id = xml_text(create(w, "taken", "", template), "StackId");

    world_settle(w);
    check_status(w, "taken", "ROLLBACK_COMPLETE");
    const char *all = events(w, "taken");
    CHECK(id.p && strstr(all, "Resource creation Initiated") == NULL);
    if (!strstr(all, event))
        FAIL("not %s in\n%s", event, all);
    world_ok(w, "Action=DeleteStack" V "&StackName=taken");
    world_settle(w);
}

TEST(a_bucket_that_is_there_is_not_taken_over, "CFN-13")
{
    static const char bucket[] =
        "Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: mine}}}";
    static const char policy[] =
        "Resources: {P: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: mine, PolicyDocument: "
        "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: "
        "'arn:aws:s3:::mine/*', Principal: {AWS: '000000000000'}}]}}}}";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "own", "", bucket));
    world_settle(w);
    check_status(w, "own", "CREATE_COMPLETE");
    check_taken(w, bucket, "B CREATE_FAILED mine already exists\n");
    CHECK_OK(w, create(w, "policy", "", policy));
    world_settle(w);
    check_status(w, "policy", "CREATE_COMPLETE");
    check_taken(w, policy, "P CREATE_FAILED The bucket policy already exists on bucket mine.\n");
    /* another account's */
    world_account(w, "222222222222", "us-east-1");
    check_taken(w, bucket, "B CREATE_FAILED mine already exists\n");
    world_account(w, "000000000000", "us-east-1");
    check_status(w, "own", "CREATE_COMPLETE");
    /* and they are there still */
    world_ok(w, "Action=DeleteStack" V "&StackName=policy");
    world_settle(w);
    world_ok(w, "Action=DeleteStack" V "&StackName=own");
    world_settle(w);
    CHECK_OK(w, create(w, "own", "", bucket));
    world_settle(w);
    check_status(w, "own", "CREATE_COMPLETE");
    world_free(w);
}

TEST(an_alarm_that_is_there_is_not_taken_over, "CFN-13")
{
    static const char alarm[] =
        "Resources: {A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: mine, "
        "ComparisonOperator: GreaterThanThreshold, EvaluationPeriods: 1, MetricName: M, Namespace: "
        "N, Period: 60, Statistic: Sum, Threshold: 1}}}";
    static const char composite[] =
        "Resources: {C: {Type: AWS::CloudWatch::CompositeAlarm, Properties: {AlarmName: mine, "
        "AlarmRule: 'FALSE'}}}";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "own", "", alarm));
    world_settle(w);
    check_status(w, "own", "CREATE_COMPLETE");
    check_taken(w, alarm,
                "A CREATE_FAILED Resource handler returned message: \"Resource of type "
                "'AWS::CloudWatch::Alarm' with identifier 'mine' already exists.\"");
    check_taken(w, composite,
                "C CREATE_FAILED Resource handler returned message: \"Resource of type "
                "'AWS::CloudWatch::CompositeAlarm' with identifier 'mine' already exists.\"");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAlarms&Version=2010-08-01"), "AlarmArn"), 1);
    world_free(w);
}
