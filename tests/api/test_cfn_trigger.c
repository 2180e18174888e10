/* Rollback triggers: alarms that take a creation or an update back. */
#include "api/cfn_help.h"

#define CW "&Version=2010-08-01"
#define ARN "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
#define TRIGGER(n, name, type)                                                                     \
    "&RollbackConfiguration.RollbackTriggers.member." n ".Arn=" ARN name                           \
    "&RollbackConfiguration.RollbackTriggers.member." n ".Type=AWS::CloudWatch::" type
#define MINUTES(n) "&RollbackConfiguration.MonitoringTimeInMinutes=" n

static const char template[] = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, "
                               "Type: String, Value: '%d'}}}";

static void
alarm_is(struct world *w, const char *name, const char *state)
{
    world_okf(w, "Action=SetAlarmState" CW "&AlarmName=%s&StateValue=%s&StateReason=test", name,
              state);
    world_settle(w);
}

static struct world *
world_with_alarms(void)
{
    struct world *w = world_new();

    world_ok(w, "Action=PutMetricAlarm" CW "&AlarmName=a&Namespace=N&MetricName=M&Statistic=Sum"
                "&Period=86400&EvaluationPeriods=1&Threshold=1"
                "&ComparisonOperator=GreaterThanThreshold");
    world_ok(w, "Action=PutCompositeAlarm" CW "&AlarmName=c&AlarmRule=ALARM(a)");
    alarm_is(w, "a", "OK");
    return w;
}

TEST(an_alarm_takes_a_creation_back)
{
    struct world *w = world_with_alarms();

    CHECK_OK(w, create(w, "s", TRIGGER("1", "a", "Alarm") MINUTES("10"), test_fmt(template, 1)));
    world_settle(w);
    /* what is made is watched so long */
    check_status(w, "s", "CREATE_IN_PROGRESS");
    world_advance(w, 9 * 60 * 1000);
    check_status(w, "s", "CREATE_IN_PROGRESS");
    world_crash(w);
    alarm_is(w, "a", "ALARM");
    world_settle(w);
    check_status(w, "s", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "s"), "s ROLLBACK_IN_PROGRESS Rollback trigger [" ARN
                                 "a] is in ALARM state. Rollback requested by user.\n"));
    CHECK_STR(xml_text(stack(w, "s"), "Arn"), ARN "a");
    CHECK_STR(xml_text(stack(w, "s"), "MonitoringTimeInMinutes"), "10");
    world_free(w);
}

TEST(a_creation_ends_when_no_alarm_went_off_in_its_time)
{
    struct world *w = world_with_alarms();

    CHECK_OK(w, create(w, "s", TRIGGER("1", "a", "Alarm") MINUTES("10"), test_fmt(template, 1)));
    world_settle(w);
    world_advance(w, 10 * 60 * 1000);
    check_status(w, "s", "CREATE_COMPLETE");
    alarm_is(w, "a", "ALARM");
    check_status(w, "s", "CREATE_COMPLETE");
    world_free(w);
}

TEST(an_alarm_takes_an_update_back_and_triggers_are_kept)
{
    struct world *w = world_with_alarms();

    CHECK_OK(w, create(w, "s", TRIGGER("1", "c", "CompositeAlarm"), test_fmt(template, 1)));
    world_settle(w);
    check_status(w, "s", "CREATE_COMPLETE");
    /* those of before are the update's, too, as it says no others */
    CHECK_OK(w, update(w, "s", MINUTES("5"), test_fmt(template, 2)));
    world_settle(w);
    check_status(w, "s", "UPDATE_IN_PROGRESS");
    alarm_is(w, "a", "ALARM");
    for (int i = 0; i < 5; i++)
        world_advance(w, 1000);
    check_status(w, "s", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "s"),
                 "s UPDATE_ROLLBACK_IN_PROGRESS Rollback trigger [" ARN "c] is in ALARM state.\n"));
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p'}"), "Parameter.Value"),
        "1");
    /* an empty list takes them away */
    CHECK_OK(w, update(w, "s", "&RollbackConfiguration.RollbackTriggers=", test_fmt(template, 3)));
    world_settle(w);
    check_status(w, "s", "UPDATE_COMPLETE");
    CHECK_INT(xml_count(stack(w, "s"), "Arn"), 0);
    world_free(w);
}

TEST(a_trigger_that_is_missing_takes_a_stack_back)
{
    struct world *w = world_with_alarms();

    CHECK_OK(w, create(w, "s", TRIGGER("1", "a", "Alarm") TRIGGER("2", "nobody", "Alarm"),
                       test_fmt(template, 1)));
    world_settle(w);
    check_status(w, "s", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "s"), "Rollback trigger [" ARN "nobody] does not exist."));
    /* an alarm is of the type that it is */
    CHECK_OK(w, create(w, "t", TRIGGER("1", "a", "CompositeAlarm"), test_fmt(template, 1)));
    world_settle(w);
    check_status(w, "t", "ROLLBACK_COMPLETE");
    CHECK_FAULT(w, create(w, "u", TRIGGER("1", "a", "Dashboard"), test_fmt(template, 1)),
                "ValidationError");
    /* five at most */
    CHECK_FAULT(w,
                create(w, "u",
                       TRIGGER("1", "a", "Alarm") TRIGGER("2", "a", "Alarm")
                           TRIGGER("3", "a", "Alarm") TRIGGER("4", "a", "Alarm")
                               TRIGGER("5", "a", "Alarm") TRIGGER("6", "a", "Alarm"),
                       test_fmt(template, 1)),
                "ValidationError");
    world_free(w);
}
