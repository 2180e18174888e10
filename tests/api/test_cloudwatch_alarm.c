/* Alarms: put, evaluated minute by minute, described, and what they leave behind. */
#include "cloudwatch_help.h"

#include "gen/store/api_rows.h"

#define SIMPLE                                                                                     \
    "'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Sum', 'Period': 60, "                   \
    "'EvaluationPeriods': 1, 'Threshold': 10, 'ComparisonOperator': 'GreaterThanThreshold'"

static void
put_alarm(struct world *w, const char *name, const char *more)
{
    CWF(w, "PutMetricAlarm", "{'AlarmName': '%s', " SIMPLE "%s}", name, more);
}

static struct str
alarm_of(struct world *w, const char *name)
{
    struct str got = CWF(w, "DescribeAlarms",
                         "{'AlarmNames': ['%s'], 'AlarmTypes': ['MetricAlarm', "
                         "'CompositeAlarm']}",
                         name);
    struct str metric = json_path(got, "MetricAlarms.0");

    return metric.p ? metric : json_path(got, "CompositeAlarms.0");
}

static const char *
state(struct world *w, const char *name)
{
    return test_cstr(json_path(alarm_of(w, name), "StateValue"));
}
#define CHECK_STATE(w, name, want) CHECK_STR(str_from(state((w), (name))), (want))

static struct str
history(struct world *w, const char *name, const char *more)
{
    return CWF(w, "DescribeAlarmHistory", "{'AlarmName': '%s'%s}", name, more);
}

/* Events of that kind. */
static size_t
events(struct world *w, const char *detail_type)
{
    struct txn *txn = world_begin(w);
    size_t n = 0;

    STORE_EACH(txn, cloud_event_by_key, row) {
        n += str_is(row->detail_type, detail_type);
    }
    store_rollback(txn);
    return n;
}

TEST(an_alarm_has_no_data_then_goes_to_alarm_and_back, "CWAL-01")
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    put_alarm(w, "a", "");
    struct str got = alarm_of(w, "a");

    CHECK_STR(json_path(got, "StateValue"), "INSUFFICIENT_DATA");
    CHECK_STR(json_path(got, "StateReason"), "Unchecked: Initial alarm creation");
    CHECK_STR(json_path(got, "AlarmArn"), "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a");
    CHECK_STR(json_path(got, "ActionsEnabled"), "true");
    CHECK_STR(json_path(got, "Threshold"), "10");
    cw_put(w, "m", 50);
    world_advance(w, 60000);
    got = alarm_of(w, "a");
    CHECK_STR(json_path(got, "StateValue"), "ALARM");
    CHECK(str_starts(json_path(got, "StateReason"), S("Threshold Crossed: 1 datapoint [50.0 (")));
    CHECK(str_starts(json_path(got, "StateReasonData"), S("{\"version\":\"1.0\"")));
    cw_put(w, "m", 5);
    world_crash(w);
    CHECK_STATE(w, "a", "ALARM");
    world_advance(w, 60000);
    CHECK_STATE(w, "a", "OK");
    /* Three periods later there is nothing in its range. */
    world_advance(w, 180000);
    CHECK_STATE(w, "a", "INSUFFICIENT_DATA");
    CHECK_STR(json_path(alarm_of(w, "a"), "StateReason"),
              "Insufficient Data: 1 datapoint was unknown.");
    CHECK_INT(events(w, "CloudWatch Alarm State Change"), 3);
    CHECK_INT(events(w, "CloudWatch Alarm Configuration Change"), 1);
    /* Other accounts and Regions see nothing of it. */
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms"), 0);
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms"), 0);
    world_free(w);
}

TEST(m_of_n_datapoints_make_an_alarm)
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Maximum', "
        "'Period': 60, 'EvaluationPeriods': 3, 'DatapointsToAlarm': 2, 'Threshold': 10, "
        "'ComparisonOperator': 'GreaterThanOrEqualToThreshold', 'TreatMissingData': "
        "'notBreaching'}");
    static const struct {
        double value;
        const char *state;
    } rows[] = {{10, "OK"}, {1, "OK"}, {20, "ALARM"}, {1, "OK"}, {1, "OK"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cw_put(w, "m", rows[i].value);
        world_advance(w, 60000);
        CHECK_STATE(w, "a", rows[i].state);
    }
    CHECK_INT(
        json_count(history(w, "a", ", 'HistoryItemType': 'StateUpdate'"), "AlarmHistoryItems"), 3);
    world_free(w);
}

TEST(high_resolution_alarms_are_looked_at_each_ten_seconds, "CWM-08")
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'ExtendedStatistic': 'p90', "
        "'Period': 10, 'EvaluationPeriods': 1, 'Threshold': 1, "
        "'ComparisonOperator': 'LessThanThreshold'}");
    cw(w, "PutMetricData",
       "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Value': 0, "
       "'StorageResolution': 1}]}");
    world_advance(w, 10000);
    CHECK_STATE(w, "a", "ALARM");
    CHECK_STR(json_path(alarm_of(w, "a"), "ExtendedStatistic"), "p90");
    CHECK(!json_path(alarm_of(w, "a"), "Statistic").p);
    world_free(w);
}

TEST(few_samples_of_a_percentile_may_be_ignored)
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    for (int i = 0; i < 2; i++)
        CWF(w, "PutMetricAlarm",
            "{'AlarmName': 'a%d', 'MetricName': 'm', 'Namespace': 'Test', 'ExtendedStatistic': "
            "'p90', 'Period': 60, 'EvaluationPeriods': 1, 'Threshold': 1, 'ComparisonOperator': "
            "'LessThanThreshold', 'EvaluateLowSampleCountPercentile': '%s'}",
            i, i ? "ignore" : "evaluate");
    cw(w, "PutMetricData",
       "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Values': [0], 'Counts': [99]}]}");
    world_advance(w, 60000);
    CHECK_STATE(w, "a0", "ALARM");
    CHECK_STATE(w, "a1", "INSUFFICIENT_DATA");
    cw(w, "PutMetricData",
       "{'Namespace': 'Test', 'MetricData': [{'MetricName': 'm', 'Values': [0], 'Counts': "
       "[100]}]}");
    world_advance(w, 60000);
    CHECK_STATE(w, "a1", "ALARM");
    world_free(w);
}

TEST(an_update_overwrites_an_alarm_but_not_its_state_and_tags)
{
    struct world *w = world_new();

    cw_on_the_minute(w);
    put_alarm(w, "a",
              ", 'AlarmDescription': 'x', 'Tags': [{'Key': 'k', 'Value': 'v'}], 'Unit': "
              "'Count', 'ActionsEnabled': false");
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'test'}");
    CHECK_STATE(w, "a", "ALARM");
    put_alarm(w, "a", ", 'Tags': [{'Key': 'other', 'Value': 'v'}]");
    struct str got = alarm_of(w, "a");

    CHECK_STR(json_path(got, "StateValue"), "ALARM");
    CHECK_STR(json_path(got, "StateReason"), "test");
    CHECK_STR(json_path(got, "ActionsEnabled"), "true");
    CHECK(!json_path(got, "Unit").p && !json_path(got, "AlarmDescription").p);
    got = cw(w, "ListTagsForResource",
             "{'ResourceARN': 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:a'}");
    CHECK_STR(json_path(got, "Tags"), "[{\"Key\":\"k\",\"Value\":\"v\"}]");
    CHECK_INT(json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms"), 1);
    world_free(w);
}

TEST(alarms_have_tags)
{
#define ARN "'ResourceARN': 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:a'"
    struct world *w = world_new();

    put_alarm(w, "a", "");
    cw(w, "TagResource",
       "{" ARN ", 'Tags': [{'Key': 'x', 'Value': '1'}, {'Key': 'y', 'Value': "
       "'2'}]}");
    cw(w, "UntagResource", "{" ARN ", 'TagKeys': ['x', 'z']}");
    world_crash(w);
    CHECK_STR(json_path(cw(w, "ListTagsForResource", "{" ARN "}"), "Tags"),
              "[{\"Key\":\"y\",\"Value\":\"2\"}]");
    cw_refused(w, "InvalidParameterValueException", NULL, "TagResource",
               "{" ARN ", 'Tags': [{'Key': 'aws:x', 'Value': '1'}]}");
    cw_refused(w, "InvalidParameterValueException", NULL, "UntagResource",
               "{" ARN ", 'TagKeys': ['aws:x']}");
    struct buf b;

    buf_init(&b, 1 << 16);
    for (int i = 0; i < 50; i++)
        buf_add_fmt(&b, "%s{'Key': 'k%d', 'Value': ''}", i ? ", " : "", i);
    world_json_refusedf(w, "InvalidParameterValueException", "An alarm can have at most 50 tags.",
                        "cloudwatch", "TagResource", "{" ARN ", 'Tags': [%.*s]}",
                        STR_ARG(buf_str(&b)));
    buf_done(&b);
    world_account(w, "111122223333", "us-east-1");
    cw_refused(w, "ResourceNotFoundException", NULL, "ListTagsForResource", "{" ARN "}");
    cw_refused(w, "ResourceNotFoundException", NULL, "TagResource",
               "{" ARN ", 'Tags': [{'Key': 'x', 'Value': '1'}]}");
    cw_refused(w, "ResourceNotFoundException", NULL, "UntagResource",
               "{" ARN ", 'TagKeys': "
               "['x']}");
    world_free(w);
}

TEST(an_action_of_a_system_that_is_not_there_fails_in_the_history)
{
    struct world *w = world_new();

    put_alarm(w, "a",
              ", 'AlarmActions': ['arn:aws:ssm:us-east-1:000000000000:opsitem:3'], "
              "'OKActions': ['arn:aws:ssm:us-east-1:000000000000:opsitem:4']");
    cw(w, "SetAlarmState",
       "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'test', 'StateReasonData': '{}'}");
    struct str got = history(w, "a", "");

    /* The newest first. */
    CHECK_INT(json_count(got, "AlarmHistoryItems"), 3);
    CHECK_STR(json_path(got, "AlarmHistoryItems.0.HistoryItemType"), "Action");
    CHECK_STR(json_path(got, "AlarmHistoryItems.0.HistorySummary"),
              "Failed to execute action arn:aws:ssm:us-east-1:000000000000:opsitem:3. Received "
              "error: \"Welkin does not have the actions of ssm yet.\"");
    CHECK_STR(json_path(json_path(got, "AlarmHistoryItems.0.HistoryData"), "actionState"),
              "Failed");
    CHECK_STR(json_path(got, "AlarmHistoryItems.1.HistorySummary"),
              "Alarm updated from INSUFFICIENT_DATA to ALARM");
    CHECK_STR(json_path(json_path(got, "AlarmHistoryItems.1.HistoryData"), "newState.stateReason"),
              "test");
    CHECK_STR(json_path(got, "AlarmHistoryItems.2.HistorySummary"), "Alarm \"a\" created");
    /* The same state again is no change; disabled actions are not done. */
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'more'}");
    CHECK_STR(json_path(alarm_of(w, "a"), "StateReason"), "more");
    cw(w, "DisableAlarmActions", "{'AlarmNames': ['a', 'none']}");
    CHECK_STR(json_path(alarm_of(w, "a"), "ActionsEnabled"), "false");
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'test'}");
    CHECK_INT(json_count(history(w, "a", ", 'HistoryItemType': 'Action'"), "AlarmHistoryItems"), 1);
    cw(w, "EnableAlarmActions", "{'AlarmNames': ['a']}");
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'test'}");
    CHECK_INT(json_count(history(w, "a", ", 'HistoryItemType': 'Action'"), "AlarmHistoryItems"), 2);
    world_free(w);
}

TEST(history_is_paged_both_ways_and_outlives_its_alarm)
{
    struct world *w = world_new();
    long long start = cw_now(w);

    put_alarm(w, "a", "");
    for (int i = 0; i < 6; i++) {
        world_advance(w, 1000);
        CWF(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': '%s', 'StateReason': 'r%d'}",
            i % 2 ? "OK" : "ALARM", i);
    }
    cw(w, "DeleteAlarms", "{'AlarmNames': ['a', 'none']}");
    CHECK_INT(json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms"), 0);
    world_crash(w);
    for (int ascending = 0; ascending < 2; ascending++) {
        const char *token = "";
        size_t n = 0;

        for (int pages = 0; pages < 5; pages++) {
            struct str got = history(w, "a",
                                     test_fmt(", 'MaxRecords': 3, 'ScanBy': 'Timestamp%s'%s",
                                              ascending ? "Ascending" : "Descending", token));

            for (size_t i = 0; i < json_count(got, "AlarmHistoryItems"); i++, n++)
                if (n == (ascending ? 0 : 7))
                    CHECK_STR(json_path(got, test_fmt("AlarmHistoryItems.%zu.HistorySummary", i)),
                              "Alarm \"a\" created");
            if (!json_path(got, "NextToken").p)
                break;
            token = test_fmt(", 'NextToken': '%s'", json_cstr(got, "NextToken"));
        }
        CHECK_INT(n, 8);
    }
    CHECK_INT(json_count(cw(w, "DescribeAlarmHistory", "{}"), "AlarmHistoryItems"), 8);
    CHECK_INT(json_count(CWF(w, "DescribeAlarmHistory", "{'StartDate': %lld, 'EndDate': %lld}",
                             start + 2, start + 3),
                         "AlarmHistoryItems"),
              2);
    CHECK_INT(json_count(cw(w, "DescribeAlarmHistory", "{'AlarmTypes': ['CompositeAlarm']}"),
                         "AlarmHistoryItems"),
              0);
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(json_count(cw(w, "DescribeAlarmHistory", "{}"), "AlarmHistoryItems"), 0);
    world_account(w, "000000000000", "us-east-1");
    world_advance(w, INT64_C(31) * 24 * 3600 * 1000);
    CHECK_INT(json_count(history(w, "a", ""), "AlarmHistoryItems"), 0);
    world_free(w);
}

TEST(alarms_are_described_by_filters_and_in_pages)
{
    struct world *w = world_new();

    for (int i = 0; i < 5; i++)
        put_alarm(w, test_fmt("a%d", i), "");
    put_alarm(w, "b", ", 'OKActions': ['arn:aws:ssm:us-east-1:000000000000:opsitem:4']");
    cw(w, "SetAlarmState", "{'AlarmName': 'a3', 'StateValue': 'OK', 'StateReason': 'x'}");
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"{}", 6},
        {"{'AlarmNames': ['a1', 'b', 'none']}", 2},
        {"{'AlarmNamePrefix': 'a'}", 5},
        {"{'StateValue': 'OK'}", 1},
        {"{'ActionPrefix': 'arn:aws:ssm:'}", 1},
        {"{'ActionPrefix': 'arn:aws:sns:'}", 0},
        {"{'AlarmTypes': ['CompositeAlarm']}", 0},
        {"{'MaxRecords': 4}", 4},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (json_count(cw(w, "DescribeAlarms", rows[i].filter), "MetricAlarms") != rows[i].n)
            FAIL("%s: not %zu", rows[i].filter, rows[i].n);
    struct str got = cw(w, "DescribeAlarms", "{'MaxRecords': 4}");

    got = CWF(w, "DescribeAlarms", "{'NextToken': '%s'}", json_cstr(got, "NextToken"));
    CHECK_INT(json_count(got, "MetricAlarms"), 2);
    CHECK(!json_path(got, "NextToken").p);
    got = cw(w, "DescribeAlarmsForMetric", "{'MetricName': 'm', 'Namespace': 'Test'}");
    CHECK_INT(json_count(got, "MetricAlarms"), 6);
    static const struct {
        const char *more;
        size_t n;
    } of_metric[] = {
        {"'Statistic': 'Sum'", 6},
        {"'Statistic': 'Average'", 0},
        {"'ExtendedStatistic': 'p9'", 0},
        {"'Period': 60", 6},
        {"'Period': 300", 0},
        {"'Unit': 'Count'", 0},
        {"'Dimensions': [{'Name': 'a', 'Value': 'b'}]", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(of_metric); i++) {
        got = CWF(w, "DescribeAlarmsForMetric", "{'MetricName': 'm', 'Namespace': 'Test', %s}",
                  of_metric[i].more);
        if (json_count(got, "MetricAlarms") != of_metric[i].n)
            FAIL("%s: not %zu", of_metric[i].more, of_metric[i].n);
    }
    world_free(w);
}

TEST(the_query_format_puts_and_describes_alarms)
{
    struct world *w = world_new();

    world_ok(w, "Action=PutMetricAlarm&AlarmName=a&MetricName=m&Namespace=Test&Statistic=Average&"
                "Period=300&EvaluationPeriods=2&Threshold=70&ComparisonOperator="
                "GreaterThanThreshold&Dimensions.member.1.Name=x&Dimensions.member.1.Value=y");
    struct str got = world_ok(w, "Action=DescribeAlarms");

    CHECK_STR(xml_text(got, "AlarmName"), "a");
    CHECK_STR(xml_text(got, "Threshold"), "70");
    CHECK_STR(xml_text(got, "StateValue"), "INSUFFICIENT_DATA");
    world_refused(w, "ResourceNotFound", NULL,
                  "Action=SetAlarmState&AlarmName=zz&StateValue=OK&StateReason=x");
    CHECK_INT(w->http, 404);
    world_free(w);
}

#define ALARM(rest) "{'AlarmName': 'b', " rest "}"
#define WITHOUT "'MetricName': 'm', 'Namespace': 'Test', "
static const struct {
    const char *operation, *code, *message, *json;
} bad_calls[] = {
    {"PutMetricAlarm", "ValidationError", NULL, ALARM(WITHOUT "'Period': 60")},
    {"PutMetricAlarm", "ValidationError",
     "1 validation error detected: Value null at 'evaluationPeriods' failed to satisfy "
     "constraint: Member must not be null",
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold'")},
    {"PutMetricAlarm", "ValidationError", NULL,
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 1")},
    {"PutMetricAlarm", "ValidationError", "Must specify either Statistic or ExtendedStatistic",
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 1, "
                   "'Threshold': 1, 'Period': 60")},
    {"PutMetricAlarm", "InvalidParameterCombinationException", NULL,
     ALARM(SIMPLE ", 'ExtendedStatistic': 'p9'")},
    {"PutMetricAlarm", "InvalidParameterValueException",
     "The value x9 for parameter ExtendedStatistic is not supported.",
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 1, "
                   "'Threshold': 1, 'Period': 60, 'ExtendedStatistic': 'x9'")},
    {"PutMetricAlarm", "ValidationError",
     "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= "
     "86400).",
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 1441, "
                   "'Threshold': 1, 'Period': 60, 'Statistic': 'Sum'")},
    {"PutMetricAlarm", "ValidationError", NULL,
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 8, "
                   "'Threshold': 1, 'Period': 86400, 'Statistic': 'Sum'")},
    {"PutMetricAlarm", "ValidationError", NULL,
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanThreshold', 'EvaluationPeriods': 1, "
                   "'Threshold': 1, 'Period': 5, 'Statistic': 'Sum'")},
    {"PutMetricAlarm", "ValidationError", NULL, ALARM(SIMPLE ", 'DatapointsToAlarm': 2")},
    {"PutMetricAlarm", "ValidationError",
     "Option never is not supported. Supported options for parameter TreatMissingData are "
     "breaching, notBreaching, ignore and missing.",
     ALARM(SIMPLE ", 'TreatMissingData': 'never'")},
    {"PutMetricAlarm", "ValidationError",
     "Option never is not supported. Supported options for parameter "
     "EvaluateLowSampleCountPercentile are evaluate and ignore.",
     ALARM(SIMPLE ", 'EvaluateLowSampleCountPercentile': 'never'")},
    {"PutMetricAlarm", "ValidationError", "Invalid arn syntax: foo",
     ALARM(SIMPLE ", 'AlarmActions': ['foo']")},
    {"PutMetricAlarm", "ValidationError", NULL,
     ALARM(SIMPLE ", 'Dimensions': [{'Name': 'a', 'Value': 'b'}, {'Name': 'a', 'Value': "
                  "'c'}]")},
    {"PutMetricAlarm", "ValidationError", NULL,
     ALARM(SIMPLE ", 'Metrics': [{'Id': 'm', 'Expression': '1'}]")},
    {"PutMetricAlarm", "InvalidParameterValueException",
     "The parameter ThresholdMetricId is not implemented by Welkin.",
     ALARM(SIMPLE ", 'ThresholdMetricId': 'x'")},
    {"PutMetricAlarm", "InvalidParameterValueException", NULL,
     ALARM(SIMPLE ", 'EvaluationInterval': 60")},
    {"PutMetricAlarm", "InvalidParameterValueException", NULL,
     ALARM(WITHOUT "'ComparisonOperator': 'LessThanLowerThreshold'")},
    {"PutMetricAlarm", "InvalidParameterValueException", NULL,
     ALARM(SIMPLE ", 'Tags': [{'Key': 'aws:x', 'Value': ''}]")},
    {"SetAlarmState", "ResourceNotFound", NULL, ALARM("'StateValue': 'OK', 'StateReason': 'x'")},
    {"SetAlarmState", "ValidationError", NULL,
     "{'AlarmName': 'a', 'StateValue': 'MAYBE', 'StateReason': 'x'}"},
    {"SetAlarmState", "InvalidFormatFault", NULL,
     "{'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'x', 'StateReasonData': '{'}"},
    {"DescribeAlarms", "InvalidNextToken", NULL, "{'NextToken': 'x'}"},
    {"DescribeAlarms", "ValidationError", NULL, "{'AlarmNames': ['a'], 'AlarmNamePrefix': 'a'}"},
    {"DescribeAlarms", "ValidationError", NULL, "{'MaxRecords': 101}"},
    {"DescribeAlarmHistory", "InvalidNextToken", NULL, "{'NextToken': 'x'}"},
    {"DescribeAlarmHistory", "InvalidParameterValueException", NULL, "{'AlarmContributorId': 'x'}"},
};

TEST(bad_calls_of_alarms_name_their_fault)
{
    struct world *w = world_new();

    put_alarm(w, "a", "");
    for (size_t i = 0; i < ARRAY_LEN(bad_calls); i++)
        cw_refused(w, bad_calls[i].code, bad_calls[i].message, bad_calls[i].operation,
                   bad_calls[i].json);
    CHECK_INT(json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms"), 1);
    world_free(w);
}

TEST(an_account_has_so_many_alarms_in_a_region)
{
    struct world *w = world_new();

    for (int i = 0; i < 5000; i++)
        put_alarm(w, test_fmt("a%d", i), "");
    world_json_refusedf(w, "LimitExceededFault", NULL, "cloudwatch", "PutMetricAlarm",
                        "{'AlarmName': 'more', " SIMPLE "}");
    put_alarm(w, "a7", "");
    world_account(w, "000000000000", "eu-west-1");
    put_alarm(w, "more", "");
    world_free(w);
}

TEST(alarms_act_only_as_who_put_them_may, "CWM-09")
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=u");
    struct str key = str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=u"));
    struct str policy = world_code(
        w,
        S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
          "[\"cloudwatch:PutMetricAlarm\",\"cloudwatch:DescribeAlarms\"],\"Resource\":[\"arn:aws:"
          "cloudwatch:us-east-1:000000000000:alarm:mine-*\",\"*\"]}}"));

    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(policy));
    world_as_reply(w, key);
    put_alarm(w, "mine-1", "");
    cw_refused(w, "AccessDeniedException", NULL, "DeleteAlarms", "{'AlarmNames': ['mine-1']}");
    world_json_refusedf(w, "AccessDeniedException", NULL, "cloudwatch", "PutMetricAlarm",
                        "{'AlarmName': 'mine-2', " SIMPLE
                        ", 'Tags': [{'Key': 'a', 'Value': 'b'}]}");
    world_free(w);
}

/* ---- composite alarms ---- */

TEST(a_composite_alarm_follows_the_alarms_of_its_rule, "CWAL-02")
{
    struct world *w = world_new();

    put_alarm(w, "a", "");
    put_alarm(w, "b", "");
    cw(w, "PutCompositeAlarm",
       "{'AlarmName': 'both', 'AlarmRule': 'ALARM(a) AND NOT (OK(b) OR INSUFFICIENT_DATA(b))', "
       "'AlarmDescription': 'x', 'OKActions': ['arn:aws:ssm:us-east-1:000000000000:opsitem:4']}");
    cw(w, "PutCompositeAlarm", "{'AlarmName': 'over', 'AlarmRule': 'ALARM(both) OR FALSE'}");
    world_settle(w);
    CHECK_STATE(w, "both", "OK");
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'x'}");
    world_settle(w);
    CHECK_STATE(w, "both", "OK");
    world_crash(w);
    cw(w, "SetAlarmState", "{'AlarmName': 'b', 'StateValue': 'ALARM', 'StateReason': 'x'}");
    world_settle(w);
    CHECK_STATE(w, "both", "ALARM");
    CHECK_STATE(w, "over", "ALARM");
    CHECK(str_starts(json_path(alarm_of(w, "both"), "StateReason"),
                     S("arn:aws:cloudwatch:us-east-1:000000000000:alarm:")));
    CHECK(str_find(json_path(alarm_of(w, "both"), "StateReason"),
                   S(" transitioned to ALARM at ")) != SIZE_MAX);
    struct str got = cw(w, "DescribeAlarms", "{'ChildrenOfAlarmName': 'both'}");

    CHECK_INT(json_count(got, "MetricAlarms"), 2);
    got = cw(w, "DescribeAlarms", "{'ParentsOfAlarmName': 'both'}");
    CHECK_INT(json_count(got, "CompositeAlarms"), 1);
    CHECK_STR(json_path(got, "CompositeAlarms.0.AlarmName"), "over");
    got = history(w, "both", ", 'AlarmTypes': ['CompositeAlarm']");
    CHECK_INT(json_count(got, "AlarmHistoryItems"), 4);
    world_free(w);
}

TEST(bad_composite_alarms_name_their_fault)
{
    static const struct {
        const char *code, *message, *json;
    } bad[] = {
        {"ValidationError", NULL, "{'AlarmName': 'c', 'AlarmRule': 'ALARM(a'}"},
        {"ValidationError", NULL, "{'AlarmName': 'c', 'AlarmRule': 'ALARM(a) AND'}"},
        {"ValidationError", NULL, "{'AlarmName': 'c', 'AlarmRule': 'alarm(a)'}"},
        {"ValidationError", NULL, "{'AlarmName': 'c', 'AlarmRule': 'ALARM(a) ALARM(a)'}"},
        {"ValidationError",
         "Could not save the composite alarm as alarms [zz] in the alarm rule do not exist",
         "{'AlarmName': 'c', 'AlarmRule': 'ALARM(zz)'}"},
        {"ValidationError", NULL, "{'AlarmName': 'c', 'AlarmRule': 'ALARM(c)'}"},
        {"ValidationError", NULL, "{'AlarmName': 'a', 'AlarmRule': 'TRUE'}"},
        {"ValidationError", NULL,
         "{'AlarmName': 'c', 'AlarmRule': 'TRUE', 'AlarmActions': "
         "['arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:x']}"},
        {"ValidationError", "Invalid arn syntax: x",
         "{'AlarmName': 'c', 'AlarmRule': 'TRUE', 'AlarmActions': ['x']}"},
        {"InvalidParameterValueException",
         "The parameter ActionsSuppressor is not implemented by Welkin.",
         "{'AlarmName': 'c', 'AlarmRule': 'TRUE', 'ActionsSuppressor': 'a'}"},
    };
    struct world *w = world_new();

    put_alarm(w, "a", "");
    cw(w, "PutCompositeAlarm", "{'AlarmName': 'one', 'AlarmRule': 'TRUE'}");
    cw(w, "PutCompositeAlarm", "{'AlarmName': 'two', 'AlarmRule': 'NOT ALARM( one )'}");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cw_refused(w, bad[i].code, bad[i].message, "PutCompositeAlarm", bad[i].json);
    world_json_refusedf(w, "ValidationError", NULL, "cloudwatch", "PutMetricAlarm",
                        "{'AlarmName': 'one', " SIMPLE "}");
    cw_refused(w, "ValidationError", NULL, "DeleteAlarms", "{'AlarmNames': ['one', 'two']}");
    cw_refused(w, "ValidationError", NULL, "DescribeAlarms",
               "{'ParentsOfAlarmName': 'a', 'StateValue': 'OK'}");
    world_free(w);
}
