/* Auto Scaling: policies that keep a metric at a value, with alarms of their own. */
#include "asg_help.h"
#include "cloudwatch_help.h"

#define TRACK "Action=PutScalingPolicy" V G "asg&PolicyName=t&PolicyType=TargetTrackingScaling"
#define T "&TargetTrackingConfiguration."
#define CPU T "PredefinedMetricSpecification.PredefinedMetricType=ASGAverageCPUUtilization"
#define BACKLOG                                                                                    \
    T "CustomizedMetricSpecification.MetricName=backlog" T                                         \
      "CustomizedMetricSpecification.Namespace=Test" T                                             \
      "CustomizedMetricSpecification.Statistic=Average"

static int
desired(struct world *w)
{
    return (int)strtol(xml_cstr(describe(w, "asg"), "DesiredCapacity"), NULL, 10);
}

/* A value each minute. */
static void
minutes(struct world *w, const char *metric, double value, int n)
{
    for (int i = 0; i < n; i++) {
        cw_put(w, metric, value);
        world_advance(w, 60000);
    }
}

static size_t
alarms(struct world *w)
{
    return json_count(cw(w, "DescribeAlarms", "{}"), "MetricAlarms");
}

TEST(a_policy_that_tracks_has_two_alarms_as_aws_makes_them, "ASGP-09")
{
    static const struct {
        const char *type, *metric;
    } rows[] = {{"ASGAverageCPUUtilization", "CPUUtilization"},
                {"ASGAverageNetworkIn", "NetworkIn"},
                {"ASGAverageNetworkOut", "NetworkOut"}};
    struct world *w = world_with_group(0, 4, "");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str made = world_okf(
            w, TRACK T "TargetValue=60" T "PredefinedMetricSpecification.PredefinedMetricType=%s",
            rows[i].type);
        struct str high = xml_text(made, "AlarmName"), low = xml_text_at(made, "AlarmName", 1);
        struct str arn = xml_text(made, "PolicyARN");
        struct str all = cw(w, "DescribeAlarms", "{}");

        CHECK(str_starts(high, S("TargetTracking-asg-AlarmHigh-")) && high.n == 29 + 36);
        CHECK(str_starts(low, S("TargetTracking-asg-AlarmLow-")));
        CHECK_INT(json_count(all, "MetricAlarms"), 2);
        CHECK_STR(json_path(all, "MetricAlarms.0.AlarmName"), str_cstr(test_arena(), high));
        CHECK_STR(json_path(all, "MetricAlarms.0.AlarmDescription"),
                  test_fmt("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy %.*s.",
                           STR_ARG(arn)));
        CHECK_STR(json_path(all, "MetricAlarms.0.MetricName"), rows[i].metric);
        CHECK_STR(json_path(all, "MetricAlarms.0.Namespace"), "AWS/EC2");
        CHECK_STR(json_path(all, "MetricAlarms.0.Dimensions.0.Value"), "asg");
        CHECK_STR(json_path(all, "MetricAlarms.0.Statistic"), "Average");
        CHECK_STR(json_path(all, "MetricAlarms.0.ComparisonOperator"), "GreaterThanThreshold");
        CHECK_STR(json_path(all, "MetricAlarms.0.AlarmActions.0"), str_cstr(test_arena(), arn));
        CHECK_NUMBER(all, "MetricAlarms.0.Threshold", 60);
        CHECK_NUMBER(all, "MetricAlarms.0.Period", 60);
        CHECK_NUMBER(all, "MetricAlarms.0.EvaluationPeriods", 3);
        CHECK_STR(json_path(all, "MetricAlarms.1.ComparisonOperator"), "LessThanThreshold");
        CHECK_NUMBER(all, "MetricAlarms.1.Threshold", 54);
        CHECK_NUMBER(all, "MetricAlarms.1.EvaluationPeriods", 15);
    }
    struct str seen = world_ok(w, "Action=DescribePolicies" V);

    CHECK_STR(xml_text(seen, "PredefinedMetricType"), "ASGAverageNetworkOut");
    CHECK_NUMBER(str_fmt(test_arena(), "{\"v\": %s}", xml_cstr(seen, "TargetValue")), "v", 60);
    CHECK_INT(xml_count(seen, "AlarmName"), 2);
    CHECK(!xml_text(seen, "AdjustmentType").p);
    /* disabled it has none; with its group it goes */
    world_ok(w, TRACK T "TargetValue=60" CPU "&Enabled=false");
    CHECK_INT(alarms(w), 0);
    world_ok(w, TRACK T "TargetValue=60" CPU);
    world_ok(w, "Action=DeletePolicy" V G "asg&PolicyName=t");
    CHECK_INT(alarms(w), 0);
    world_ok(w, TRACK T "TargetValue=60" CPU);
    world_ok(w, "Action=DeleteAutoScalingGroup" V G "asg&ForceDelete=true");
    world_advance(w, 1000);
    CHECK_INT(alarms(w), 0);
    world_free(w);
}

/* The seed's numbers: 1500 messages, 10 instances, 0.1 s each, 10 s of latency. */
TEST(a_backlog_of_150_with_a_target_of_100_makes_fifteen_of_ten, "ASGP-10 ASGP-11 ASGP-12")
{
    struct world *w = world_with_group(0, 40, "&DesiredCapacity=10&DefaultInstanceWarmup=120");

    world_advance(w, 120000);
    cw_on_the_minute(w);
    world_ok(w, TRACK T "TargetValue=100" BACKLOG);
    minutes(w, "backlog", 1500.0 / 10, 2);
    CHECK_INT(desired(w), 10);
    minutes(w, "backlog", 1500.0 / 10, 1);
    CHECK_INT(desired(w), 15);
    CHECK(str_find(activity(w, 0, "Cause"), S(" in state ALARM triggered policy t changing the "
                                              "desired capacity from 10 to 15.")) != SIZE_MAX);
    /* those that warm up are not counted, and not ordered once more */
    world_crash(w);
    minutes(w, "backlog", 1500.0 / 10, 1);
    CHECK_INT(desired(w), 15);
    minutes(w, "backlog", 1500.0 / 15, 3);
    CHECK_INT(desired(w), 15);
    world_refused(w, INVALID,
                  "ExecutePolicy is not supported for policy type TargetTrackingScaling",
                  "Action=ExecutePolicy" V G "asg&PolicyName=t&MetricValue=1&BreachThreshold=1");
    world_free(w);
}

TEST(a_group_shrinks_slowly_and_only_when_every_policy_wants_it, "ASGP-08")
{
    struct world *w = world_with_group(1, 40, "&DesiredCapacity=4&DefaultInstanceWarmup=0");

    cw_on_the_minute(w);
    world_ok(w, TRACK T "TargetValue=100" BACKLOG T "DisableScaleIn=true");
    CHECK_INT(alarms(w), 1);
    minutes(w, "backlog", 10, 20);
    CHECK_INT(desired(w), 4);
    world_ok(w, TRACK T "TargetValue=100" BACKLOG);
    world_ok(w, "Action=PutScalingPolicy" V G "asg&PolicyName=u&PolicyType=TargetTrackingScaling" T
                "TargetValue=1" T "CustomizedMetricSpecification.MetricName=other" T
                "CustomizedMetricSpecification.Namespace=Test" T
                "CustomizedMetricSpecification.Statistic=Sum" T
                "CustomizedMetricSpecification.Dimensions.member.1.Name=d" T
                "CustomizedMetricSpecification.Dimensions.member.1.Value=v" T
                "CustomizedMetricSpecification.Unit=Count");
    minutes(w, "backlog", 10, 20);
    CHECK_INT(desired(w), 4); /* the other one knows nothing yet */
    world_ok(w, "Action=DeletePolicy" V G "asg&PolicyName=u");
    minutes(w, "backlog", 10, 2);
    CHECK(desired(w) >= 2 && desired(w) < 4);
    minutes(w, "backlog", 10, 10);
    CHECK_INT(desired(w), 1);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_free(w);
}

TEST(a_policy_tracks_an_expression_of_metrics, "ASGP-11")
{
#define Q(n) T "CustomizedMetricSpecification.Metrics.member." n "."
    struct world *w = world_with_group(1, 9, "&DesiredCapacity=2&DefaultInstanceWarmup=0");

    cw_on_the_minute(w);
    struct str made = world_ok(
        w, TRACK T
        "TargetValue=10" Q("1") "Id=a" Q("1") "ReturnData=false" Q("1") "MetricStat.Stat=Sum" Q(
            "1") "MetricStat.Metric.MetricName=messages" Q("1") "MetricStat.Metric.Namespace="
                                                                "Test" Q("2") "Id=b" Q(
                                                                    "2") "Expres"
                                                                         "sion="
                                                                         "a/2" Q(
                                                                             "2") "Label=backlog");

    CHECK_INT(xml_count(made, "AlarmName"), 2);
    minutes(w, "messages", 60, 3);
    CHECK_INT(desired(w), 6);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribePolicies" V), "Expression"), "a/2");
    world_free(w);
}

TEST(a_configuration_of_tracking_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_group(0, 1, "");
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"", "TargetTrackingConfiguration must be specified for policy type "
             "TargetTrackingScaling"},
        {CPU, NULL},
        {T "TargetValue=0" CPU, "TargetValue must be greater than 0"},
        {T "TargetValue=1", "Exactly one of PredefinedMetricSpecification and "
                            "CustomizedMetricSpecification must be specified"},
        {T "TargetValue=1" CPU BACKLOG, "Exactly one of PredefinedMetricSpecification and "
                                        "CustomizedMetricSpecification must be specified"},
        {T "TargetValue=1" CPU "&Cooldown=1",
         "Cooldown cannot be specified for policy type TargetTrackingScaling"},
        {T "TargetValue=1" CPU T "PredefinedMetricSpecification.ResourceLabel=x",
         "ResourceLabel cannot be specified for metric type ASGAverageCPUUtilization"},
        {T "TargetValue=1" T "PredefinedMetricSpecification.PredefinedMetricType=X", NULL},
        {T "TargetValue=1" T "CustomizedMetricSpecification.MetricName=x",
         "MetricName, Namespace and Statistic must be specified in CustomizedMetricSpecification"},
        {T "TargetValue=1" BACKLOG T "CustomizedMetricSpecification.Metrics.member.1.Id=a",
         "CustomizedMetricSpecification must have either Metrics or one metric, and not both"},
        {T "TargetValue=1" T "CustomizedMetricSpecification.Metrics.member.1.Id=a" T
           "CustomizedMetricSpecification.Metrics.member.1.Expression=(",
         NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message, TRACK "%s", rows[i].more);
    world_refused(w, INVALID,
                  "TargetTrackingConfiguration cannot be specified for policy type SimpleScaling",
                  "Action=PutScalingPolicy" V G "asg&PolicyName=p&AdjustmentType=ChangeInCapacity"
                  "&ScalingAdjustment=1" T "TargetValue=1" CPU);
    CHECK_INT(alarms(w), 0);
    world_free(w);
}
