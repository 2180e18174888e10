/* Alarms that scale groups. */
#include "asg_help.h"
#include "cloudwatch_help.h"

static const char *
policy_arn(struct world *w, const char *more)
{
    return test_cstr(xml_text(
        world_okf(w, "Action=PutScalingPolicy" V G "asg&PolicyName=p&%s", more), "PolicyARN"));
}

static void
alarm_with(struct world *w, const char *arn)
{
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Average', "
        "'Period': 60, 'EvaluationPeriods': 1, 'Threshold': 50, 'ComparisonOperator': "
        "'GreaterThanThreshold', 'AlarmActions': ['%s']}",
        arn);
}

static int
desired(struct world *w)
{
    return (int)strtol(xml_cstr(describe(w, "asg"), "DesiredCapacity"), NULL, 10);
}

static size_t
actions(struct world *w)
{
    return json_count(cw(w, "DescribeAlarmHistory", "{'HistoryItemType': 'Action'}"),
                      "AlarmHistoryItems");
}

TEST(an_alarm_executes_a_simple_policy_until_the_group_is_large_enough,
     "CWAL-04 ASGP-01 ASGP-02 ASGP-06 ASG-24")
{
    struct world *w = world_with_group(1, 3, "");

    cw_on_the_minute(w);
    alarm_with(w, policy_arn(w, "AdjustmentType=ChangeInCapacity&ScalingAdjustment=1&Cooldown=90"));
    static const struct {
        double value;
        int desired;
        size_t actions;
    } rows[] = {
        {10, 1, 0},
        {60, 2, 1},
        /* again each minute, but for the cooldown … */
        {70, 2, 1},
        {70, 3, 2},
        {70, 3, 2},
        /* … and the group's largest size */
        {70, 3, 2},
        {10, 3, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cw_put(w, "m", rows[i].value);
        world_advance(w, 60000);
        CHECK_INT(desired(w), rows[i].desired);
        CHECK_INT(actions(w), rows[i].actions);
    }
    world_free(w);
}

TEST(an_alarm_tells_a_step_policy_its_value)
{
    struct world *w = world_with_group(1, 9, "");

    cw_on_the_minute(w);
    alarm_with(w, policy_arn(w, "PolicyType=StepScaling&AdjustmentType=ChangeInCapacity&"
                                "StepAdjustments.member.1.MetricIntervalLowerBound=0&"
                                "StepAdjustments.member.1.MetricIntervalUpperBound=20&"
                                "StepAdjustments.member.1.ScalingAdjustment=1&"
                                "StepAdjustments.member.2.MetricIntervalLowerBound=20&"
                                "StepAdjustments.member.2.ScalingAdjustment=3"));
    cw_put(w, "m", 60);
    world_advance(w, 60000);
    CHECK_INT(desired(w), 2);
    cw_put(w, "m", 90);
    world_advance(w, 60000);
    CHECK_INT(desired(w), 5);
    cw_put(w, "m", 0);
    world_advance(w, 60000);
    /* A state that was set by hand has no value. */
    cw(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': 'ALARM', 'StateReason': 'x'}");
    CHECK_STR(json_path(cw(w, "DescribeAlarmHistory", "{'HistoryItemType': 'Action'}"),
                        "AlarmHistoryItems.0.HistorySummary"),
              test_fmt("Failed to execute action %s. Received error: \"The state has no value for "
                       "a step policy.\"",
                       json_cstr(cw(w, "DescribeAlarms", "{}"), "MetricAlarms.0.AlarmActions.0")));
    world_free(w);
}
