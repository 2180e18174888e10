/* Alarms that act on instances. */
#include "cloudwatch_help.h"
#include "recovery_help.h"

#define AUTOMATE(what) "arn:aws:automate:us-east-1:ec2:" what
#define SWF(what)                                                                                  \
    "arn:aws:swf:us-east-1:000000000000:action/actions/AWS_EC2.InstanceId." what "/1.0"
/* Of %s in ALARM_JSON: action, metric, instance. */
#define ALARM_JSON                                                                                 \
    "{'AlarmName': 'a', 'AlarmActions': ['%s'], 'Namespace': 'AWS/EC2', 'MetricName': '%s', "      \
    "'Dimensions': [{'Name': 'InstanceId', 'Value': '%s'}], 'Statistic': 'Maximum', "              \
    "'Period': 60, 'EvaluationPeriods': 2, 'Threshold': 1, "                                       \
    "'ComparisonOperator': 'GreaterThanOrEqualToThreshold'}"

static void
put_alarm(struct world *w, const char *action, const char *metric, const char *id)
{
    CWF(w, "PutMetricAlarm", ALARM_JSON, action, metric, id);
}

/* To ALARM, by hand, from OK. */
static void
set(struct world *w, const char *state)
{
    CWF(w, "SetAlarmState", "{'AlarmName': 'a', 'StateValue': '%s', 'StateReason': 'a test'}",
        state);
    world_advance(w, 1000);
}

static struct str
instance(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

static const char *
state(struct world *w, const char *id)
{
    return str_cstr(&w->arena, xml_text(xml_element(instance(w, id), "instanceState"), "name"));
}

/* The summary of the newest action. */
static const char *
last_action(struct world *w)
{
    struct str items = cw(w, "DescribeAlarmHistory",
                          "{'AlarmName': 'a', 'HistoryItemType': "
                          "'Action'}");

    return str_cstr(&w->arena, json_path(items, "AlarmHistoryItems.0.HistorySummary"));
}

static struct str
host_of(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    struct str host = str_dup(&w->arena, ec2_instance_get(txn, str_from(id))->host);

    store_rollback(txn);
    return host;
}

TEST(an_alarm_stops_reboots_and_terminates_an_instance_by_either_form_of_arn, "CWAL-05")
{
    static const char *const forms[][3] = {
        {AUTOMATE("stop"), AUTOMATE("reboot"), AUTOMATE("terminate")},
        {SWF("Stop"), SWF("Reboot"), SWF("Terminate")},
    };

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct world *w = world_new();
        const char *id = run(w, "m5.large");

        put_alarm(w, forms[i][1], "CPUUtilization", id);
        set(w, "ALARM");
        struct txn *txn = world_begin(w);
        CHECK_INT(ec2_instance_get(txn, str_from(id))->reboot_generation, 1);
        store_rollback(txn);
        CHECK_STR(str_from(state(w, id)), "running");

        put_alarm(w, forms[i][0], "CPUUtilization", id);
        set(w, "OK");
        CHECK_STR(str_from(state(w, id)), "running");
        set(w, "ALARM");
        CHECK_STR(str_from(state(w, id)), "stopped");
        CHECK_STR(str_from(last_action(w)),
                  str_cstr(&w->arena,
                           str_fmt(&w->arena, "Successfully executed action %s", forms[i][0])));
        CHECK(str_starts(xml_text(instance(w, id), "reason"), S("User initiated (")));

        put_alarm(w, forms[i][2], "CPUUtilization", id);
        set(w, "OK");
        world_crash(w);
        set(w, "ALARM");
        CHECK_STR(str_from(state(w, id)), "terminated");
        world_free(w);
    }
}

TEST(an_action_that_ec2_refuses_is_a_failed_line_of_the_history)
{
    struct world *w = world_new();
    const char *id = run(w, "m5.large");

    world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&DisableApiTermination.Value=true",
              id);
    put_alarm(w, AUTOMATE("terminate"), "CPUUtilization", id);
    set(w, "ALARM");
    CHECK_STR(str_from(state(w, id)), "running");
    CHECK(
        str_starts(str_from(last_action(w)), S("Failed to execute action " AUTOMATE("terminate"))));
    CHECK(strstr(last_action(w), "disableApiTermination"));
    /* Who may not stop instances has alarms that do not. */
    world_ok(w, "Action=CreateUser&UserName=watcher");
    struct str key = world_ok(w, "Action=CreateAccessKey&UserName=watcher");
    world_okf(
        w, "Action=PutUserPolicy&UserName=watcher&PolicyName=p&PolicyDocument=%.*s",
        STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                                "\"Action\":\"cloudwatch:*\",\"Resource\":\"*\"}}"))));
    world_as_reply(w, key);
    put_alarm(w, AUTOMATE("stop"), "CPUUtilization", id);
    set(w, "OK");
    set(w, "ALARM");
    CHECK(str_starts(str_from(last_action(w)), S("Failed to execute action " AUTOMATE("stop"))));
    CHECK(strstr(last_action(w), "not authorized"));
    world_as_root(w);
    CHECK_STR(str_from(state(w, id)), "running");
    world_free(w);
}

TEST(an_action_needs_an_instance_that_it_can_be_done_to)
{
    static const char *const any[][3] = {{AUTOMATE("stop"), SWF("Stop"), "Stop"},
                                         {AUTOMATE("terminate"), SWF("Terminate"), "Terminate"},
                                         {AUTOMATE("reboot"), SWF("Reboot"), "Reboot"},
                                         {AUTOMATE("recover"), SWF("Recover"), "Recover"}};
    struct world *w = world_new();
    const char *id = run(w, "t3.micro"), *old = run(w, "m1.small");

    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        for (size_t form = 0; form < 2; form++)
            world_json_refusedf(
                w, "ValidationError",
                test_fmt("Invalid use of EC2 '%s' action. i-abcd1234 is not a valid EC2 instance.",
                         any[i][2]),
                "cloudwatch", "PutMetricAlarm", ALARM_JSON, any[i][form], "CPUUtilization",
                "i-abcd1234");
    world_json_refused(w, "ValidationError",
                       "Invalid use of EC2 action. An EC2 action can only be used if the alarm is "
                       "monitoring an EC2 instance.",
                       "cloudwatch", "PutMetricAlarm",
                       "{'AlarmName': 'a', 'AlarmActions': ['" AUTOMATE(
                           "stop") "'], "
                                   "'Namespace': 'AWS/EC2', 'MetricName': 'CPUUtilization', "
                                   "'Statistic': 'Maximum', 'Period': 60, 'EvaluationPeriods': 2, "
                                   "'Threshold': 1, 'ComparisonOperator': 'GreaterThanThreshold'}");
    world_json_refusedf(w, "ValidationError",
                        "Invalid region eu-west-1 specified. Only us-east-1 is supported.",
                        "cloudwatch", "PutMetricAlarm", ALARM_JSON,
                        "arn:aws:automate:eu-west-1:ec2:stop", "CPUUtilization", id);
    /* A recovery is not for what the guest did itself, nor for every type. */
    world_json_refusedf(w, "ValidationError", NULL, "cloudwatch", "PutMetricAlarm", ALARM_JSON,
                        AUTOMATE("recover"), "StatusCheckFailed_Instance", id);
    world_json_refusedf(w, "ValidationError", NULL, "cloudwatch", "PutMetricAlarm", ALARM_JSON,
                        AUTOMATE("recover"), "StatusCheckFailed_System", old);
    put_alarm(w, AUTOMATE("stop"), "StatusCheckFailed_Instance", old);
    put_alarm(w, AUTOMATE("recover"), "StatusCheckFailed_System", id);
    /* Another account's instance, and one that is no more. */
    world_account(w, "111111111111", "us-east-1");
    world_json_refusedf(w, "ValidationError", NULL, "cloudwatch", "PutMetricAlarm", ALARM_JSON,
                        AUTOMATE("stop"), "CPUUtilization", id);
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_json_refusedf(w, "ValidationError", NULL, "cloudwatch", "PutMetricAlarm", ALARM_JSON,
                        AUTOMATE("stop"), "CPUUtilization", id);
    /* It is not there any more, and the action says so. */
    CHECK_STR(json_path(cw(w, "DescribeAlarms", "{}"), "MetricAlarms.0.AlarmName"), "a");
    set(w, "OK");
    set(w, "ALARM");
    CHECK(str_starts(str_from(last_action(w)), S("Failed to execute action ")));
    world_free(w);
}

/* A rack fails: the check, the alarm, the recovery. */
TEST(an_alarm_recovers_an_instance_whose_rack_fails, "STAT-14 PG-38 CWAL-05 CWAL-07 DR-17")
{
    struct world *w = world_new();
    struct str group, address, before, host, rack;

    world_ok(w, "Action=CreatePlacementGroup&GroupName=g&Strategy=partition&PartitionCount=2");
    const char *id =
        run(w, "t3.micro&Placement.GroupName=g&MaintenanceOptions.AutoRecovery=disabled"
               "&PrivateIpAddress=172.31.0.77");
    address = world_ok(w, "Action=AllocateAddress&Domain=vpc");
    world_okf(w, "Action=AssociateAddress&InstanceId=%s&AllocationId=%s", id,
              xml_cstr(address, "allocationId"));
    put_alarm(w, AUTOMATE("recover"), "StatusCheckFailed_System", id);
    world_advance(w, 4 * MINUTE_MS);
    CHECK_STR(json_path(cw(w, "DescribeAlarms", "{}"), "MetricAlarms.0.StateValue"), "OK");
    before = instance(w, id);
    host = host_of(w, id);
    rack = str_cut(host, 0, 0);
    for (size_t i = 0, slashes = 0; i < host.n && slashes < 2; i++)
        if ((slashes += host.p[i] == '/') == 2)
            rack = str_cut(host, 0, i);
    fault(w, "rack", rack, true);
    world_advance(w, 2 * MINUTE_MS);
    CHECK(str_eq(host_of(w, id), host)); /* two periods are not over */
    world_crash(w);
    world_advance(w, 2 * MINUTE_MS);
    CHECK(!str_starts(host_of(w, id), rack));
    CHECK_STR(str_from(last_action(w)), "Successfully executed action " AUTOMATE("recover"));
    struct str after = instance(w, id);
    static const char *const kept[] = {"privateIpAddress", "ipAddress",  "launchTime", "groupName",
                                       "partitionNumber",  "instanceId", "dnsName",    "subnetId"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (!xml_text(before, kept[i]).n)
            FAIL("no %s", kept[i]);
        CHECK_STR(xml_text(after, kept[i]), xml_cstr(before, kept[i]));
    }
    CHECK_STR(xml_text(after, "ipAddress"), xml_cstr(address, "publicIp"));
    CHECK_STR(str_from(state(w, id)), "running");
    world_advance(w, 3 * MINUTE_MS);
    CHECK_STR(json_path(cw(w, "DescribeAlarms", "{}"), "MetricAlarms.0.StateValue"), "OK");
    group = world_ok(w, "Action=DescribePlacementGroups");
    CHECK_STR(xml_text(group, "groupName"), "g");
    world_free(w);
}

TEST(an_instance_that_recovers_by_itself_needs_no_alarm_and_one_does_no_harm)
{
    struct world *w = world_new();
    const char *id = run(w, "t3.micro");
    struct str host = host_of(w, id);

    put_alarm(w, AUTOMATE("recover"), "StatusCheckFailed_System", id);
    world_advance(w, 4 * MINUTE_MS);
    fault(w, "host", host, true);
    world_advance(w, 10 * MINUTE_MS);
    CHECK(!str_eq(host_of(w, id), host));
    struct txn *txn = world_begin(w);
    CHECK_INT(ec2_instance_get(txn, str_from(id))->reboot_generation, 1);
    store_rollback(txn);
    world_free(w);
}
