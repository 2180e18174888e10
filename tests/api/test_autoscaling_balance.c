/* Auto Scaling: groups in balance over their zones, and the processes that one may suspend. */
#include "asg_help.h"
#include "cloudwatch_help.h"

/* The group's instances in a zone. */
static size_t
in_zone(struct world *w, const char *zone)
{
    struct str list = xml_element(describe(w, "asg"), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        n += str_is(xml_text_at(list, "AvailabilityZone", i), zone);
    return n;
}

/* The oldest of the group's instances that are in the zone; `n` of them. */
static const char *
one_of(struct world *w, const char *zone, size_t n)
{
    struct str list = xml_element(describe(w, "asg"), "Instances");

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        if (str_is(xml_text_at(list, "AvailabilityZone", i), zone) && n-- == 0)
            return test_cstr(xml_text_at(list, "InstanceId", i));
    return NULL;
}

static void
process(struct world *w, const char *action, const char *name)
{
    world_okf(w, "Action=%s" V G "asg&ScalingProcesses.member.1=%s", action, name);
    world_advance(w, 1000);
}

/* ---- balance ---- */

TEST(a_zone_that_lost_its_instances_gets_new_ones_before_the_others_lose_any,
     "ASGR-01 ASGR-03 ASGR-06")
{
    struct world *w = world_with_group(0, 4, "&DesiredCapacity=4");
    bool more = false;

    /* both of one zone leave, at the cost of the group's size: 2 and 0, and no more than 2 */
    world_okf(w,
              "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s&InstanceIds.member.2=%s"
              "&ShouldDecrementDesiredCapacity=true",
              one_of(w, "us-east-1b", 0), one_of(w, "us-east-1b", 1));
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&MaxSize=2");
    for (int i = 0; i < 200; i++) {
        world_advance(w, 20);
        size_t n = count(w, "asg", "InService") + count(w, "asg", "Pending");

        more = more || n == 3;
        CHECK(n >= 2 && n <= 3);
        CHECK(count(w, "asg", "InService") >= 2);
    }
    CHECK(more);
    CHECK_INT(in_zone(w, "us-east-1a"), 1);
    CHECK_INT(in_zone(w, "us-east-1b"), 1);
    CHECK(str_starts(activity(w, 0, "Description"), S("Terminating EC2 instance: ")));
    CHECK(str_starts(activity(w, 1, "Description"), S("Launching a new EC2 instance: ")));
    world_free(w);
}

TEST(a_zone_whose_room_comes_back_gets_its_part, "ASGR-04")
{
    struct world *w = world_new_region("kind small vcpus=2 memory=4096 sockets=1 cores=1 "
                                       "families=*\n"
                                       "zone us-east-1b racks=1 hosts=1*small\n"
                                       "zone * racks=1 hosts=9*small\n");
    const char *other = xml_cstr(world_ok(w, "Action=RunInstances&ImageId=" IMAGE
                                             "&InstanceType=t3.micro&MinCount=1&MaxCount=1"
                                             "&Placement.AvailabilityZone=us-east-1b"),
                                 "instanceId");

    world_advance(w, 1000);
    config(w, "lc", "");
    CHECK_OK(w, group(w, "asg", 2, 2, ""));
    world_advance(w, 10 * 60000);
    CHECK_INT(in_zone(w, "us-east-1a"), 2);
    CHECK_STR(activity(w, 0, "StatusCode"), "Failed");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", other);
    world_advance(w, 6 * 60000);
    CHECK_INT(in_zone(w, "us-east-1a"), 1);
    CHECK_INT(in_zone(w, "us-east-1b"), 1);
    world_free(w);
}

/* ---- processes ---- */

TEST(without_terminate_nothing_ends_and_without_azrebalance_nothing_is_balanced,
     "ASGR-07 ASGR-10 ASGR-13")
{
    struct world *w = world_with_group(0, 4, "&DesiredCapacity=3");

    process(w, "SuspendProcesses", "Terminate");
    desire(w, 1);
    CHECK_INT(count(w, "asg", "InService"), 3);
    process(w, "ResumeProcesses", "Terminate");
    CHECK_INT(count(w, "asg", NULL), 1);
    process(w, "SuspendProcesses", "AZRebalance");
    desire(w, 2);
    const char *left = in_zone(w, "us-east-1a") ? "us-east-1a" : "us-east-1b";

    world_okf(w,
              "Action=UpdateAutoScalingGroup" V G "asg&AvailabilityZones.member.1=%s"
              "&AvailabilityZones.member.2=us-east-1d",
              left);
    world_advance(w, 600000);
    CHECK_INT(in_zone(w, "us-east-1d"), 0);
    process(w, "ResumeProcesses", "AZRebalance");
    CHECK_INT(in_zone(w, "us-east-1d"), 1);
    CHECK_INT(in_zone(w, left), 1);
    world_free(w);
}

TEST(without_launch_a_group_does_not_grow_and_without_healthcheck_nothing_is_ill, "ASGR-09 ASGR-11")
{
    struct world *w = world_with_group(1, 2, "");
    const char *id = id_at(w, "asg", 0);

    process(w, "SuspendProcesses", "Launch");
    desire(w, 2);
    CHECK_INT(count(w, "asg", NULL), 1);
    process(w, "ResumeProcesses", "Launch");
    CHECK_INT(count(w, "asg", "InService"), 2);
    process(w, "SuspendProcesses", "HealthCheck");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 600000);
    CHECK_STR(state_of(w, id), "InService");
    CHECK(!xml_where(describe(w, "asg"), "member", "HealthStatus", "Unhealthy").p);
    process(w, "ResumeProcesses", "HealthCheck");
    world_advance(w, 60000);
    CHECK(!state_of(w, id).p);
    CHECK_INT(count(w, "asg", "InService"), 2);
    world_free(w);
}

TEST(without_alarmnotification_alarms_execute_no_policy, "ASGR-14")
{
    struct world *w = world_with_group(1, 3, "");
    struct str made = world_ok(w, "Action=PutScalingPolicy" V G "asg&PolicyName=p"
                                  "&AdjustmentType=ChangeInCapacity&ScalingAdjustment=1");

    cw_on_the_minute(w);
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Average', "
        "'Period': 60, 'EvaluationPeriods': 1, 'Threshold': 50, 'ComparisonOperator': "
        "'GreaterThanThreshold', 'AlarmActions': ['%s']}",
        xml_cstr(made, "PolicyARN"));
    process(w, "SuspendProcesses", "AlarmNotification");
    cw_put(w, "m", 60);
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", NULL), 1);
    /* a user still may */
    world_ok(w, "Action=ExecutePolicy" V G "asg&PolicyName=p");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", NULL), 2);
    process(w, "ResumeProcesses", "AlarmNotification");
    world_advance(w, 300000);
    cw_put(w, "m", 60);
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", NULL), 3);
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T a monitor alarm a in state ALARM triggered policy p changing the desired "
              "capacity from 2 to 3.  At T an instance was started in response to a difference "
              "between desired and actual capacity, increasing the capacity from 2 to 3.");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribePolicies" V), "AlarmName"), "a");
    world_free(w);
}

/* ---- who waits for a hook ---- */

/* With a launch hook h, one instance, which waits. */
static const char *
waits(struct world *w)
{
    world_ok(w, "Action=PutLifecycleHook" V G "asg&LifecycleHookName=h&LifecycleTransition="
                "autoscaling:EC2_INSTANCE_LAUNCHING");
    desire(w, 1);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    return id_at(w, "asg", 0);
}

static void
goes_on(struct world *w, const char *id)
{
    world_okf(w,
              "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h&InstanceId=%s"
              "&LifecycleActionResult=CONTINUE",
              id);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, id), "InService");
}

TEST(an_instance_gets_its_address_and_interface_before_it_serves, "ASGL-06")
{
    struct world *w = world_with_group(0, 1, "");
    const char *id = waits(w);
    struct str eip = world_ok(w, "Action=AllocateAddress");
    struct str seen = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
    struct str nic =
        world_okf(w, "Action=CreateNetworkInterface&SubnetId=%s", xml_cstr(seen, "subnetId"));

    world_okf(w, "Action=AssociateAddress&AllocationId=%s&InstanceId=%s",
              xml_cstr(eip, "allocationId"), id);
    world_okf(w, "Action=AttachNetworkInterface&NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=1",
              xml_cstr(nic, "networkInterfaceId"), id);
    CHECK_STR(state_of(w, id), "Pending:Wait");
    goes_on(w, id);
    seen = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
    CHECK_STR(xml_text(seen, "ipAddress"), xml_cstr(eip, "publicIp"));
    CHECK_INT(xml_count(seen, "networkInterfaceId"), 2);
    world_free(w);
}

TEST(an_instance_is_put_behind_firewall_and_monitor_before_it_serves, "ASGL-07")
{
    struct world *w = world_with_group(0, 1, "");
    const char *id = waits(w);
    struct str sg = world_ok(w, "Action=CreateSecurityGroup&GroupName=wall&GroupDescription=x");

    world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&GroupId.1=%s", id,
              xml_cstr(sg, "groupId"));
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'CPUUtilization', 'Namespace': 'AWS/EC2', 'Statistic': "
        "'Average', 'Period': 300, 'EvaluationPeriods': 1, 'Threshold': 90, 'ComparisonOperator': "
        "'GreaterThanThreshold', 'Dimensions': [{'Name': 'InstanceId', 'Value': '%s'}]}",
        id);
    world_advance(w, 20 * 60000);
    CHECK_STR(state_of(w, id), "Pending:Wait");
    CHECK_STR(json_path(cw(w, "DescribeAlarms", "{}"), "MetricAlarms.0.StateValue"), "OK");
    goes_on(w, id);
    CHECK(str_find(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id),
                   S("<groupName>wall</groupName>")) != SIZE_MAX);
    world_free(w);
}
