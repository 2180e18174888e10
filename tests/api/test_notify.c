/* What other services tell topics and queues. */
#include "cloudwatch_help.h"
#include "sns_help.h"

#define ALARM                                                                                      \
    "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Average', "          \
    "'Period': "                                                                                   \
    "60, 'EvaluationPeriods': 1, 'Threshold': 50.5, 'ComparisonOperator': "                        \
    "'GreaterThanThreshold', 'AlarmDescription': 'hot', 'Dimensions': [{'Name': 'd', 'Value': "    \
    "'v'}], 'AlarmActions': ['" SNS_ARN "t'], 'OKActions': ['" SNS_ARN "none']}"

TEST(an_alarm_tells_a_topic, "STAT-15 SNS-02")
{
    struct world *w = world_new();

    sns_topic(w, "t");
    sqs_open_queue(w, "q", "");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    CWF(w, "PutMetricAlarm", "%s", ALARM);
    CWF(w, "SetAlarmState", "%s",
        "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'a test'}");
    world_advance(w, 100);
    struct str body = json_path(sqs_take(w, "q"), "Messages.0.Body");
    struct str message = json_path(body, "Message");

    CHECK_STR(json_path(body, "Subject"), "ALARM: \"a\" in US East (N. Virginia)");
    static const struct {
        const char *path, *is;
    } rows[] = {
        {"AlarmName", "a"},
        {"AlarmDescription", "hot"},
        {"AWSAccountId", "000000000000"},
        {"NewStateValue", "ALARM"},
        {"OldStateValue", "INSUFFICIENT_DATA"},
        {"NewStateReason", "a test"},
        {"Region", "US East (N. Virginia)"},
        {"AlarmArn", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"},
        {"AlarmActions.0", SNS_ARN "t"},
        {"Trigger.MetricName", "m"},
        {"Trigger.Statistic", "AVERAGE"},
        {"Trigger.Dimensions.0.name", "d"},
        {"Trigger.Threshold", "50.5"},
        {"Trigger.TreatMissingData", "missing"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(json_path(message, rows[i].path), rows[i].is);
    CWF(w, "SetAlarmState", "%s",
        "{'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'another'}");
    struct str history = cw(w, "DescribeAlarmHistory", "{'HistoryItemType': 'Action'}");

    CHECK(str_find(history, S("Failed to execute action " SNS_ARN "none")) != SIZE_MAX);
    CHECK(str_find(history, S("Successfully executed action " SNS_ARN "t")) != SIZE_MAX);
    world_free(w);
}

TEST(a_rule_sends_events_to_queues_and_topics)
{
    struct world *w = world_new();

    sqs_open_queue(w, "q", "");
    sns_topic(w, "t");
    sns_subscribe(w, "t", "sqs", SQS_ARN "q", "");
    world_json_ok(w, "events", "PutRule",
                  "{\"Name\": \"r\", \"EventPattern\": \"{\\\"source\\\":[\\\"mine\\\"]}\"}");
    world_json_ok(w, "events", "PutTargets",
                  "{'Rule': 'r', 'Targets': [{'Id': '1', 'Arn': '" SQS_ARN "q'}]}");
    world_json_ok(w, "events", "PutEvents",
                  "{\"Entries\": [{\"Source\": \"mine\", \"DetailType\": \"d\", \"Detail\": "
                  "\"{\\\"a\\\":1}\"}]}");
    world_advance(w, 1000);
    struct str got = sqs_take(w, "q");

    CHECK_INT(json_count(got, "Messages"), 1);
    CHECK_STR(json_path(json_path(got, "Messages.0.Body"), "detail.a"), "1");
    world_free(w);
}
