/* What other services tell the default bus, as a function hears it. */
#include "events_help.h"
#include "cfn_help.h"
#include "gen/store/api_rows.h"
#include "s3_help.h"

#include <stdlib.h>

#define SOURCE(name) "{`source`: [`" name "`]}"

static struct world *
listening(const char *pattern)
{
    struct world *w = events_world();

    events_ok(w, "PutRule", test_fmt("{'Name': 'r', 'EventPattern': '%s'}", pattern));
    events_ok(w, "PutTargets", "{'Rule': 'r', 'Targets': [{'Id': '1', 'Arn': '" LAMBDA_ARN "f'}]}");
    return w;
}

/* The values at a path of the last n events, the oldest first, with blanks. */
static struct str
told(struct world *w, size_t n, const char *path)
{
    struct str all = S("");

    CHECK(events_n_heard >= n);
    for (size_t i = events_n_heard - n; i < events_n_heard; i++)
        all = str_fmt(&w->arena, "%.*s%s%.*s", STR_ARG(all), all.n ? " " : "",
                      STR_ARG(json_path(events_heard[i], path)));
    return all;
}

static int
by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The same, in order of the texts. */
static struct str
sorted(struct world *w, size_t n, const char *path)
{
    struct str_list all = {0};

    CHECK(events_n_heard >= n);
    for (size_t i = events_n_heard - n; i < events_n_heard; i++) {
        struct str text = json_path(events_heard[i], path);

        *LIST_PUSH(&w->arena, &all) = text.p ? text : S("");
    }
    qsort(all.v, all.n, sizeof(*all.v), by_text);
    return str_join(&w->arena, &all, S(" "));
}

TEST(states_of_instances_are_events)
{
    struct world *w = listening(SOURCE("aws.ec2"));
    const char *id;

    id = xml_cstr(world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                              "&MaxCount=1"),
                  "instanceId");
    events_hear(w);
    events_ok(w, "PutRule",
              "{'Name': 'r', 'EventPattern': '{`detail-type`: [`EC2 Instance State-change "
              "Notification`]}'}");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    CHECK_INT(events_hear(w), 2);
    CHECK_STR(sorted(w, 2, "detail.state"), "stopped stopping");
    CHECK_STR(json_path(events_heard[events_n_heard - 1], "detail-type"),
              "EC2 Instance State-change Notification");
    CHECK_STR(json_path(events_heard[events_n_heard - 1], "detail.instance-id"), id);
    CHECK_STR(json_path(events_heard[events_n_heard - 1], "resources.0"),
              test_fmt("arn:aws:ec2:us-east-1:000000000000:instance/%s", id));
    CHECK_INT(json_path(events_heard[events_n_heard - 1], "id").n, 36);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    CHECK_INT(events_hear(w), 2);
    CHECK_STR(sorted(w, 2, "detail.state"), "pending running");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    CHECK_INT(events_hear(w), 2);
    CHECK_STR(sorted(w, 2, "detail.state"), "shutting-down terminated");
    world_free(w);
}

TEST(nothing_is_written_of_instances_while_nobody_listens)
{
    struct world *w = listening(SOURCE("my.app"));
    struct txn *txn;

    world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1");
    world_advance(w, 1000);
    txn = world_begin(w);
    CHECK_INT(store_count(txn, &cloud_event_table), 0);
    store_rollback(txn);
    world_free(w);
}

TEST(volumes_and_snapshots_are_events)
{
    struct world *w = listening(SOURCE("aws.ec2"));
    const char *volume, *snapshot;

    volume =
        xml_cstr(world_ok(w, "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=1"), "volumeId");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "EBS Volume Notification");
    CHECK_STR(told(w, 1, "detail"), "{\"result\":\"available\",\"cause\":\"\",\"event\":"
                                    "\"createVolume\",\"request-id\":\"\"}");
    CHECK_STR(told(w, 1, "resources.0"),
              test_fmt("arn:aws:ec2:us-east-1:000000000000:volume/%s", volume));
    snapshot = xml_cstr(world_okf(w, "Action=CreateSnapshot&VolumeId=%s", volume), "snapshotId");
    world_advance(w, 60000);
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "EBS Snapshot Notification");
    CHECK_STR(told(w, 1, "detail.event"), "createSnapshot");
    CHECK_STR(told(w, 1, "detail.result"), "succeeded");
    CHECK_STR(told(w, 1, "detail.snapshot_id"),
              test_fmt("arn:aws:ec2::us-east-1:snapshot/%s", snapshot));
    CHECK_STR(told(w, 1, "detail.source"), test_fmt("arn:aws:ec2::us-east-1:volume/%s", volume));
    world_okf(w, "Action=DeleteVolume&VolumeId=%s", volume);
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail.event"), "deleteVolume");
    CHECK_STR(told(w, 1, "detail.result"), "deleted");
    world_free(w);
}

TEST(stacks_and_their_resources_are_events)
{
    struct world *w = listening(SOURCE("aws.cloudformation"));
    size_t n;

    CHECK_OK(w, create(w, "s", "",
                       "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: "
                       "/p, Type: String, Value: a}}}"));
    /* functions run side by side, so the order is nobody's */
    n = events_hear(w);
    CHECK_INT(n, 5);
    CHECK_STR(sorted(w, n, "detail.status-details.status"),
              "CREATE_COMPLETE CREATE_COMPLETE CREATE_IN_PROGRESS CREATE_IN_PROGRESS "
              "CREATE_IN_PROGRESS");
    CHECK_STR(sorted(w, n, "detail-type"),
              "CloudFormation Resource Status Change CloudFormation Resource Status Change "
              "CloudFormation Resource Status Change CloudFormation Stack Status Change "
              "CloudFormation Stack Status Change");
    CHECK_STR(sorted(w, n, "detail.resource-type"),
              "  AWS::SSM::Parameter AWS::SSM::Parameter AWS::SSM::Parameter");
    CHECK_STR(sorted(w, n, "detail.physical-resource-id"), "   /p /p");
    CHECK_STR(told(w, 1, "detail.stack-id"), xml_cstr(stack(w, "s"), "StackId"));
    world_ok(w, "Action=DetectStackDrift" V "&StackName=s");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "CloudFormation Drift Detection Status Change");
    CHECK_STR(told(w, 1, "detail.status-details.stack-drift-status"), "IN_SYNC");
    world_free(w);
}

TEST(parameters_and_alarms_are_events, "PS-10")
{
    struct world *w = listening("{`source`: [`aws.ssm`, `aws.cloudwatch`]}");

    world_json_ok(w, "ssm", "PutParameter", "{'Name': '/p', 'Type': 'String', 'Value': 'v'}");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "Parameter Store Change");
    CHECK_STR(told(w, 1, "detail.operation"), "Create");
    world_ok(w, "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=a&Namespace=N&MetricName=M"
                "&Statistic=Sum&Period=60&EvaluationPeriods=1&Threshold=1"
                "&ComparisonOperator=GreaterThanThreshold");
    events_hear(w);
    world_ok(w, "Action=SetAlarmState&Version=2010-08-01&AlarmName=a&StateValue=ALARM"
                "&StateReason=test");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "CloudWatch Alarm State Change");
    CHECK_STR(told(w, 1, "detail.state.value"), "ALARM");
    world_free(w);
}

TEST(objects_of_a_bucket_that_has_eventbridge_on_are_events)
{
    struct world *w = listening(SOURCE("aws.s3"));
    struct str r;

    S3_OK(w, 200, "PUT", "/bucket", "");
    S3_OK(w, 200, "PUT", "/bucket/k", "body");
    CHECK_INT(events_hear(w), 0);
    S3_OK(w, 200, "PUT", "/bucket?notification",
          "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>");
    r = S3_OK(w, 200, "GET", "/bucket?notification", "");
    CHECK_INT(xml_count(r, "EventBridgeConfiguration"), 1);
    S3_OK(w, 200, "PUT", "/bucket/k", "body");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "Object Created");
    CHECK_STR(told(w, 1, "resources.0"), "arn:aws:s3:::bucket");
    CHECK_STR(told(w, 1, "detail.bucket.name"), "bucket");
    CHECK_STR(told(w, 1, "detail.object.key"), "k");
    CHECK_STR(told(w, 1, "detail.object.size"), "4");
    CHECK_STR(told(w, 1, "detail.object.etag"), "841a2d689ad86bd1611447453c22c6fc");
    CHECK_INT(told(w, 1, "detail.object.sequencer").n, 16);
    CHECK_STR(told(w, 1, "detail.reason"), "PutObject");
    CHECK_STR(told(w, 1, "detail.requester"), "000000000000");
    S3_OK(w, 200, "PUT", "/bucket/l", "", "x-amz-copy-source: /bucket/k");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail.reason"), "CopyObject");
    S3_OK(w, 204, "DELETE", "/bucket/l", "");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail-type"), "Object Deleted");
    CHECK_STR(told(w, 1, "detail.deletion-type"), "Permanently Deleted");
    S3_OK(w, 200, "PUT", "/bucket?versioning",
          "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    S3_OK(w, 204, "DELETE", "/bucket/k", "");
    CHECK_INT(events_hear(w), 1);
    CHECK_STR(told(w, 1, "detail.deletion-type"), "Delete Marker Created");
    CHECK_INT(told(w, 1, "detail.object.version-id").n, 32);
    S3_OK(w, 200, "PUT", "/bucket?notification", "<NotificationConfiguration/>");
    S3_OK(w, 200, "PUT", "/bucket/k", "body");
    CHECK_INT(events_hear(w), 0);
    world_free(w);
}

/* ---- an environment for working hours ---- */

/* The function of the two rules: what it is told to do with the stack. */
static void
manage(struct world *w, const struct function_asked *asked, struct function_says *says)
{
    struct str act = json_path(asked->work.payload, "do");
    struct str template = S("Resources: {I: {Type: AWS::EC2::Instance, Properties: {ImageId: "
                            "ami-009d6802948d06e52, InstanceType: t3.micro}}}");
    struct http_header headers[] = {
        {S("Host"), S("cloudformation.us-east-1.amazonaws.com")},
        {S("Content-Type"), S("application/x-www-form-urlencoded")},
    };
    const struct api_request req = {
        .http = {.method = S("POST"),
                 .path = S("/"),
                 .query = S(""),
                 .headers = headers,
                 .n_headers = ARRAY_LEN(headers),
                 .body = str_fmt(
                     &w->arena, "Action=%.*s&Version=2010-05-15&StackName=dev%s%.*s", STR_ARG(act),
                     str_is(act, "CreateStack") ? "&TemplateBody=" : "",
                     STR_ARG(str_is(act, "CreateStack") ? world_code(w, template) : S("")))},
        .trusted = true,
        .account = S("000000000000"),
        .region = S("us-east-1")};
    int status;
    struct str reply = world_from_function(w, &req, &status);

    if (status != 200)
        FAIL("%.*s", STR_ARG(reply));
    says->body = S("null");
}

static struct str
dev_state(struct world *w)
{
    struct str all = world_ok(w, "Action=DescribeInstances");
    struct str live = xml_where(all, "instanceState", "name", "running");

    return live.p ? S("running") : S("none");
}

/* On to so many minutes after midnight of the cloud's clock. */
static void
go_to(struct world *w, int64_t minute)
{
    const int64_t day = 24 * 60 * INT64_C(60000);
    int64_t now = w->env.now_ms, at = now - now % day + minute * 60000;

    world_jump(w, (at > now ? at : at + day) - now);
    world_advance(w, 2000);
}

TEST(an_environment_is_there_in_working_hours_alone, "CFN-06")
{
    struct world *w = lambda_world(manage);

    lambda_create(w, "f");
    world_rest_ok(w, "lambda", "POST", FUNCTIONS "/f/policy",
                  "{'StatementId': 'e', 'Action': 'lambda:InvokeFunction', 'Principal': "
                  "'events.amazonaws.com', 'SourceArn': '" EVENTS_RULE "dev-*'}");
    events_ok(w, "PutRule", "{'Name': 'dev-up', 'ScheduleExpression': 'cron(0 8 * * ? *)'}");
    events_ok(w, "PutRule", "{'Name': 'dev-down', 'ScheduleExpression': 'cron(0 17 * * ? *)'}");
    events_ok(w, "PutTargets",
              "{'Rule': 'dev-up', 'Targets': [{'Id': '1', 'Arn': '" LAMBDA_ARN
              "f', 'Input': '{`do`: `CreateStack`}'}]}");
    go_to(w, 7 * 60); /* tomorrow, if need be */
    events_ok(w, "PutTargets",
              "{'Rule': 'dev-down', 'Targets': [{'Id': '1', 'Arn': '" LAMBDA_ARN
              "f', 'Input': '{`do`: `DeleteStack`}'}]}");
    for (int day = 0; day < 2; day++) {
        go_to(w, 7 * 60 + 59);
        CHECK_STR(dev_state(w), "none");
        go_to(w, 8 * 60);
        CHECK_STR(dev_state(w), "running");
        check_status(w, "dev", "CREATE_COMPLETE");
        go_to(w, 16 * 60 + 59);
        CHECK_STR(dev_state(w), "running");
        go_to(w, 17 * 60);
        CHECK_STR(dev_state(w), "none");
    }
    world_free(w);
}
