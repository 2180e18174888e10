/* Auto Scaling: what users, hooks and accidents do to a group's instances. */
#include "asg_help.h"
#include "autoscaling/engine.h"
#include "gen/store/api_rows.h"
#include "gen/store/ec2_rows.h"

/* An instance of nobody's group, in a zone. */
static const char *
loner(struct world *w, const char *zone)
{
    struct str made = world_okf(w,
                                "Action=RunInstances&ImageId=" IMAGE "&InstanceType=t3.micro"
                                "&MinCount=1&MaxCount=1&Placement.AvailabilityZone=%s",
                                zone);

    world_advance(w, 1000);
    return xml_cstr(made, "instanceId");
}

/* How many events of that type there are. */
static size_t
events(struct world *w, const char *type)
{
    struct txn *txn = world_begin(w);
    size_t n = 0;

    STORE_EACH(txn, cloud_event_by_key, row)
        n += str_is(row->detail_type, type);
    store_rollback(txn);
    return n;
}

/* ---- TerminateInstanceInAutoScalingGroup ---- */

TEST(an_instance_is_terminated_with_and_without_a_successor)
{
    struct world *w = world_with_group(1, 2, "&DesiredCapacity=2");
    const char *first = id_at(w, "asg", 0);
    struct str reply = world_okf(w,
                                 "Action=TerminateInstanceInAutoScalingGroup" V "&InstanceId=%s"
                                 "&ShouldDecrementDesiredCapacity=true",
                                 first);

    CHECK_STR(plain(xml_text(reply, "Description")), "Terminating EC2 instance: I");
    CHECK_STR(plain(xml_text(reply, "Cause")),
              "At T instance I was taken out of service in response to a user request, shrinking "
              "the capacity from 2 to 1.");
    CHECK_STR(xml_text(reply, "StatusCode"), "InProgress");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", NULL), 1);
    world_refusedf(w, INVALID,
                   "Currently, desiredSize equals minSize (1). Terminating instance without "
                   "replacement will violate group's min size constraint. Either set "
                   "shouldDecrementDesiredCapacity flag to false or lower group's min size.",
                   "Action=TerminateInstanceInAutoScalingGroup" V "&InstanceId=%s"
                   "&ShouldDecrementDesiredCapacity=true",
                   id_at(w, "asg", 0));
    world_okf(w,
              "Action=TerminateInstanceInAutoScalingGroup" V "&InstanceId=%s"
              "&ShouldDecrementDesiredCapacity=false",
              id_at(w, "asg", 0));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_INT(in_ec2(w, "terminated"), 2);
    world_refusedf(
        w, INVALID,
        test_fmt("Instance Id not found - No managed instance found for instance ID: %s", first),
        "Action=TerminateInstanceInAutoScalingGroup" V "&InstanceId=%s"
        "&ShouldDecrementDesiredCapacity=false",
        first);
    world_free(w);
}

TEST(termination_protection_of_ec2_does_not_stop_a_group)
{
    struct world *w = world_with_group(0, 1, "&DesiredCapacity=1");

    world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&DisableApiTermination.Value=true",
              id_at(w, "asg", 0));
    desire(w, 0);
    CHECK_INT(in_ec2(w, "terminated"), 1);
    CHECK_INT(count(w, "asg", NULL), 0);
    world_free(w);
}

/* ---- health ---- */

TEST(an_instance_that_is_called_unhealthy_is_replaced_after_its_grace, "ASGH-08")
{
    struct world *w = world_with_group(1, 1, "&HealthCheckGracePeriod=300");
    const char *first = id_at(w, "asg", 0);

    world_okf(w, "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy", first);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, first), "InService");
    world_okf(w,
              "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy"
              "&ShouldRespectGracePeriod=false",
              first);
    world_advance(w, 1000);
    CHECK(!state_of(w, first).p);
    CHECK_STR(plain(activity(w, 1, "Cause")),
              "At T an instance was taken out of service in response to a user health-check.");
    world_advance(w, 300000);
    world_okf(w, "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy",
              id_at(w, "asg", 0));
    world_advance(w, 1000);
    CHECK_INT(in_ec2(w, "terminated"), 2);
    world_refusedf(w, INVALID, "Invalid health status: Ill. Valid values are: Healthy, Unhealthy",
                   "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Ill",
                   id_at(w, "asg", 0));
    world_refused(w, INVALID,
                  "Instance Id not found - No managed instance found for instance ID: i-1",
                  "Action=SetInstanceHealth" V "&InstanceId=i-1&HealthStatus=Healthy");
    world_free(w);
}

TEST(an_instance_whose_hardware_fails_is_replaced_after_its_grace, "ASGH-05")
{
    struct world *w = world_with_group(1, 1, "&HealthCheckGracePeriod=90");
    const char *first = id_at(w, "asg", 0);
    struct txn *txn = world_begin(w);
    struct ec2_fault_row fault = {.id = S("host"), .kind = S("host"), .since_ms = w->env.now_ms};

    fault.target = ec2_instance_get(txn, str_from(first))->host;
    CHECK_INT(ec2_fault_insert(txn, &fault), 0);
    store_commit(txn);
    world_settle(w);
    world_advance(w, 60000);
    CHECK_STR(state_of(w, first), "InService");
    world_advance(w, 40000);
    CHECK(!state_of(w, first).p);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_STR(plain(activity(w, 1, "Cause")),
              "At T an instance was taken out of service in response to an EC2 instance status "
              "checks failure.");
    world_free(w);
}

/* ---- attach and detach ---- */

TEST(a_running_instance_is_attached_and_detached, "ASG-07")
{
    struct world *w = world_with_group(0, 2, "");
    const char *own = loner(w, "us-east-1a");

    world_okf(w, "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s", own);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, own), "InService");
    CHECK_STR(xml_text(describe(w, "asg"), "DesiredCapacity"), "1");
    CHECK_STR(plain(activity(w, 0, "Description")), "Attaching an existing EC2 instance: I");
    struct str tags = world_ok(w, "Action=DescribeInstances");

    CHECK_STR(xml_text(xml_where(tags, "item", "key", "aws:autoscaling:groupName"), "value"),
              "asg");
    struct str gone = world_okf(w,
                                "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s"
                                "&ShouldDecrementDesiredCapacity=true",
                                own);

    CHECK_STR(plain(xml_text(gone, "Cause")),
              "At T instance I was detached in response to a user request, shrinking the capacity "
              "from 1 to 0.");
    CHECK_STR(xml_text(gone, "Progress"), "50");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", NULL), 0);
    CHECK_INT(in_ec2(w, "running"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "tagSet"), 0);
    world_free(w);
}

TEST(each_condition_of_attaching_is_held, "ASG-08 ASG-09")
{
    struct world *w = world_with_group(1, 3, "");
    const char *far = loner(w, "us-east-1d"), *still = loner(w, "us-east-1a");
    const char *near = loner(w, "us-east-1b"), *more = loner(w, "us-east-1b");
    const char *member = id_at(w, "asg", 0);

    world_okf(w, "Action=StopInstances&InstanceId.1=%s", still);
    world_advance(w, 1000);
    world_refusedf(w, INVALID, NULL, "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s",
                   far);
    world_refusedf(w, INVALID, NULL, "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s",
                   still);
    world_refusedf(w, INVALID,
                   test_fmt("The instance %s is already part of AutoScalingGroup:asg", member),
                   "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s", member);
    world_refused(w, INVALID, "Instance [i-1] is invalid.",
                  "Action=AttachInstances" V G "asg&InstanceIds.member.1=i-1");
    /* three would be one too many: none is added */
    world_refusedf(w, INVALID,
                   "AutoScalingGroup asg has min-size=1, max-size=3, and desired-size=1. To attach "
                   "3 more instances, please update the AutoScalingGroup sizes appropriately.",
                   "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s"
                   "&InstanceIds.member.2=%s&InstanceIds.member.3=%s",
                   near, more, far);
    CHECK_INT(count(w, "asg", NULL), 1);
    world_okf(w, "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s&InstanceIds.member.2=%s",
              near, more);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 3);
    world_free(w);
}

TEST(an_instance_whose_image_is_gone_is_not_attached, "ASG-08")
{
    struct world *w = world_with_group(0, 2, "");
    const char *own = loner(w, "us-east-1a");
    struct txn *txn = world_begin(w);

    CHECK_INT(ec2_image_delete(txn, S(IMAGE)), 0);
    store_commit(txn);
    world_refusedf(w, INVALID, test_fmt("The AMI " IMAGE " of instance %s does not exist", own),
                   "Action=AttachInstances" V G "asg&InstanceIds.member.1=%s", own);
    world_free(w);
}

TEST(what_cannot_leave_a_group_is_refused)
{
    struct world *w = world_with_group(1, 1, "");
    const char *own = loner(w, "us-east-1a"), *member = id_at(w, "asg", 0);

    world_refusedf(w, INVALID,
                   test_fmt("The instance %s is not part of Auto Scaling group asg.", own),
                   "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s"
                   "&ShouldDecrementDesiredCapacity=false",
                   own);
    world_refusedf(w, INVALID,
                   "AutoScalingGroup asg has min-size=1, max-size=1, and desired-size=1. To detach "
                   "1 more instance, please update the AutoScalingGroup sizes appropriately.",
                   "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s"
                   "&ShouldDecrementDesiredCapacity=true",
                   member);
    world_refusedf(w, INVALID, test_fmt("The instance %s is not in Standby.", member),
                   "Action=ExitStandby" V G "asg&InstanceIds.member.1=%s", member);
    world_okf(w,
              "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=false",
              member);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_INT(in_ec2(w, "running"), 3);
    world_free(w);
}

/* ---- standby ---- */

TEST(an_instance_in_standby_is_left_alone_and_comes_back, "ASGH-01 ASGH-04")
{
    struct world *w = world_with_group(1, 3, "&DesiredCapacity=2");
    const char *own = id_at(w, "asg", 0);
    struct str reply = world_okf(w,
                                 "Action=EnterStandby" V G "asg&InstanceIds.member.1=%s"
                                 "&ShouldDecrementDesiredCapacity=true",
                                 own);

    CHECK_STR(plain(xml_text(reply, "Description")), "Moving EC2 instance to Standby: I");
    CHECK_STR(plain(xml_text(reply, "Cause")),
              "At T instance I was moved to standby in response to a user request, shrinking the "
              "capacity from 2 to 1.");
    world_advance(w, 1000);
    CHECK_STR(state_of(w, own), "Standby");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", own);
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", NULL), 2);
    CHECK_STR(state_of(w, own), "Standby");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", own);
    world_advance(w, 1000);
    reply = world_okf(w, "Action=ExitStandby" V G "asg&InstanceIds.member.1=%s", own);
    CHECK_STR(plain(xml_text(reply, "Cause")),
              "At T instance I was moved out of standby in response to a user request, increasing "
              "the capacity from 1 to 2.");
    CHECK_STR(xml_text(reply, "StatusCode"), "PreInService");
    world_advance(w, 1000);
    CHECK_STR(state_of(w, own), "InService");
    CHECK_INT(in_ec2(w, "running"), 2);
    /* without a decrement another one takes its place */
    world_okf(w,
              "Action=EnterStandby" V G "asg&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=false",
              own);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK_INT(count(w, "asg", NULL), 3);
    world_free(w);
}

/* ---- whom a scale-in ends ---- */

TEST(a_protected_instance_is_not_scaled_in, "ASG-13")
{
    struct world *w = world_with_group(0, 2,
                                       "&DesiredCapacity=2"
                                       "&NewInstancesProtectedFromScaleIn=true");
    const char *first = id_at(w, "asg", 0), *second = id_at(w, "asg", 1);

    desire(w, 1);
    CHECK_INT(count(w, "asg", "InService"), 2);
    world_okf(w,
              "Action=SetInstanceProtection" V G "asg&InstanceIds.member.1=%s"
              "&ProtectedFromScaleIn=false",
              second);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_STR(str_from(id_at(w, "asg", 0)), first);
    world_refused(w, INVALID, "The instance i-1 is not part of Auto Scaling group asg.",
                  "Action=SetInstanceProtection" V G "asg&InstanceIds.member.1=i-1"
                  "&ProtectedFromScaleIn=false");
    world_free(w);
}

/*
 * Three instances of one zone, of three ages and two configurations: the second has the older
 * configuration, and the third is closest to a full hour.
 */
static struct world *
three(const char *policy, const char *ids[3])
{
    struct world *w = world_new();

    config(w, "old", "");
    world_advance(w, 1000);
    config(w, "new", "");
    world_okf(w,
              "Action=CreateAutoScalingGroup" V G "asg&LaunchConfigurationName=new&MinSize=0"
              "&MaxSize=4&DesiredCapacity=1&AvailabilityZones.member.1=us-east-1a"
              "&TerminationPolicies.member.1=%s",
              policy);
    world_advance(w, 60 * 60000);
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchConfigurationName=old");
    desire(w, 2);
    world_advance(w, 20 * 60000);
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchConfigurationName=new");
    desire(w, 3);
    world_advance(w, 59 * 60000);
    for (size_t i = 0; i < 3; i++)
        ids[i] = id_at(w, "asg", i);
    return w;
}

TEST(each_termination_policy_ends_whom_it_names,
     "ASGT-03 ASGT-05 ASGT-06 ASGT-07 ASGT-08 ASGT-09 ASGD-10 ASGD-11")
{
    static const struct {
        const char *policy;
        size_t victim;
    } rows[] = {
        {"Default", 1},
        {"OldestInstance", 0},
        {"NewestInstance", 2},
        {"OldestLaunchConfiguration", 1},
        {"ClosestToNextInstanceHour", 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *ids[3];
        struct world *w = three(rows[i].policy, ids);

        desire(w, 2);
        CHECK_INT(count(w, "asg", NULL), 2);
        for (size_t k = 0; k < 3; k++)
            if (state_of(w, ids[k]).p == NULL && k != rows[i].victim)
                FAIL("%s ended instance %zu", rows[i].policy, k);
        world_free(w);
    }
}

TEST(of_equals_the_one_closest_to_a_full_hour_ends_and_then_chance_decides, "ASGT-04")
{
    bool ended[2] = {false, false};

    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct world *w = world_new_seed(seed);
        const char *ids[2];

        config(w, "lc", "");
        world_ok(w, "Action=CreateAutoScalingGroup" V G "asg&LaunchConfigurationName=lc&MinSize=0"
                    "&MaxSize=3&DesiredCapacity=1&AvailabilityZones.member.1=us-east-1a");
        world_advance(w, 20 * 60000);
        const char *oldest = id_at(w, "asg", 0);

        desire(w, 3);
        world_advance(w, 39 * 60000);
        for (size_t i = 0; i < 2; i++)
            ids[i] = id_at(w, "asg", i + 1);
        desire(w, 2); /* it is 59 minutes old, the others 39 */
        CHECK(!state_of(w, oldest).p);
        desire(w, 1);
        for (size_t i = 0; i < 2; i++)
            ended[i] = ended[i] || !state_of(w, ids[i]).p;
        world_free(w);
    }
    CHECK(ended[0] && ended[1]);
}

TEST(the_zone_with_most_instances_loses_one_first, "ASGT-01")
{
    struct world *w = world_with_group(0, 5,
                                       "&DesiredCapacity=3"
                                       "&TerminationPolicies.member.1=NewestInstance");
    struct str list = xml_element(describe(w, "asg"), "Instances");
    struct str fuller = xml_text_at(list, "AvailabilityZone", 0);

    /* two are in the first one's zone */
    if (str_eq(fuller, xml_text_at(list, "AvailabilityZone", 1)) ==
        str_eq(fuller, xml_text_at(list, "AvailabilityZone", 2)))
        fuller = xml_text_at(list, "AvailabilityZone", 1);
    desire(w, 2);
    list = xml_element(describe(w, "asg"), "Instances");
    CHECK(!str_eq(xml_text_at(list, "AvailabilityZone", 0),
                  xml_text_at(list, "AvailabilityZone", 1)));
    world_free(w);
}

/* ---- hooks ---- */

#define HOOK(transition, more)                                                                     \
    "Action=PutLifecycleHook" V G "asg&LifecycleHookName=h&LifecycleTransition=autoscaling:"       \
    "EC2_INSTANCE_" transition more

TEST(a_launch_waits_for_its_hook, "ASGL-01")
{
    struct world *w = world_with_group(0, 2, "");

    world_ok(w, HOOK("LAUNCHING", "&NotificationMetadata=m"));
    struct str seen = world_ok(w, "Action=DescribeLifecycleHooks" V G "asg");

    CHECK_STR(xml_text(seen, "HeartbeatTimeout"), "3600");
    CHECK_STR(xml_text(seen, "GlobalTimeout"), "172800");
    CHECK_STR(xml_text(seen, "DefaultResult"), "ABANDON");
    desire(w, 1);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    CHECK_STR(activity(w, 0, "StatusCode"), "MidLifecycleAction");
    CHECK_INT(events(w, "EC2 Instance-launch Lifecycle Action"), 1);
    CHECK_INT(events(w, "EC2 Instance Launch Successful"), 0);
    world_crash(w);
    world_advance(w, 3000000);
    world_okf(w,
              "Action=RecordLifecycleActionHeartbeat" V G "asg&LifecycleHookName=h&InstanceId=%s",
              id_at(w, "asg", 0));
    world_advance(w, 3000000);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    world_okf(w,
              "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h&InstanceId=%s"
              "&LifecycleActionResult=CONTINUE",
              id_at(w, "asg", 0));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_INT(events(w, "EC2 Instance Launch Successful"), 1);
    world_refusedf(
        w, INVALID,
        test_fmt("No active Lifecycle Action found with instance ID %s", id_at(w, "asg", 0)),
        "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h&InstanceId=%s"
        "&LifecycleActionResult=CONTINUE",
        id_at(w, "asg", 0));
    world_free(w);
}

TEST(a_launch_that_is_abandoned_or_waits_too_long_ends, "ASGL-02")
{
    struct world *w = world_with_group(0, 2, "");
    struct str hooked;

    world_ok(w, HOOK("LAUNCHING", "&HeartbeatTimeout=60"));
    desire(w, 1);
    const char *first = id_at(w, "asg", 0);

    world_okf(w,
              "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h&InstanceId=%s"
              "&LifecycleActionResult=ABANDON",
              first);
    world_advance(w, 1000);
    CHECK(!state_of(w, first).p);
    hooked = world_ok(w, "Action=DescribeScalingActivities" V);
    CHECK(str_find(hooked, S("was abandoned: Lifecycle Action Completed with ABANDON Result")) !=
          SIZE_MAX);
    world_advance(w, 61000 + 15000);
    hooked = world_ok(w, "Action=DescribeScalingActivities" V);
    CHECK(str_find(hooked, S("was abandoned: Heartbeat Timeout")) != SIZE_MAX);
    /* whose default is to go on goes on */
    world_ok(w, HOOK("LAUNCHING", "&DefaultResult=CONTINUE"));
    world_advance(w, 200000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_free(w);
}

TEST(an_end_waits_for_its_hook, "ASGL-02 ASGL-05 ASGL-09")
{
    struct world *w = world_with_group(0, 1, "&DesiredCapacity=1");
    struct str token;
    struct txn *txn;

    world_ok(w, HOOK("TERMINATING", ""));
    desire(w, 0);
    CHECK_INT(count(w, "asg", "Terminating:Wait"), 1);
    CHECK_INT(in_ec2(w, "running"), 1);
    CHECK_INT(events(w, "EC2 Instance-terminate Lifecycle Action"), 1);
    world_advance(w, 3500000);
    CHECK_INT(in_ec2(w, "running"), 1);
    const char *own = id_at(w, "asg", 0);

    txn = world_begin(w);
    token = str_dup(test_arena(), asg_instance_get(txn, str_from(own))->hook_token);
    store_rollback(txn);
    world_okf(w,
              "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h"
              "&LifecycleActionToken=%.*s&LifecycleActionResult=CONTINUE",
              STR_ARG(token));
    world_advance(w, 1000);
    CHECK_INT(in_ec2(w, "running"), 0);
    CHECK_INT(count(w, "asg", NULL), 0);
    CHECK_INT(events(w, "EC2 Instance Terminate Successful"), 1);
    world_free(w);
}

TEST(a_hook_that_is_deleted_lets_who_waits_go_on)
{
    struct world *w = world_with_group(0, 1, "");

    world_ok(w, HOOK("LAUNCHING", "&DefaultResult=CONTINUE"));
    desire(w, 1);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    world_ok(w, "Action=DeleteLifecycleHook" V G "asg&LifecycleHookName=h");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_refused(w, INVALID, "Lifecycle Hook with name h was not found.",
                  "Action=DeleteLifecycleHook" V G "asg&LifecycleHookName=h");
    world_free(w);
}

TEST(a_hook_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_group(0, 1, "");
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"", "LifecycleTransition is a required parameter for new lifecycle hooks"},
        {"&LifecycleTransition=x", "Invalid Lifecycle Transition Type: x"},
        {"&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING&DefaultResult=x",
         "Invalid Lifecycle Default Result: x. Valid values are: CONTINUE, ABANDON"},
        {"&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING&HeartbeatTimeout=29",
         "Heartbeat timeout must be between 30 and 7200 seconds"},
        {"&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING&NotificationTargetARN=x",
         "Unable to publish test message to notification target x. Please check your target and "
         "role configuration and try to put lifecycle hook again."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message,
                       "Action=PutLifecycleHook" V G "asg&LifecycleHookName=h%s", rows[i].more);
    for (int i = 0; i < 50; i++)
        world_okf(w,
                  "Action=PutLifecycleHook" V G "asg&LifecycleHookName=h%d"
                  "&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING",
                  i);
    world_refused(w, "LimitExceeded",
                  "Only 50 lifecycle hooks are allowed for an AutoScalingGroup.",
                  HOOK("LAUNCHING", ""));
    world_free(w);
}

/* ---- who may ---- */

TEST(an_account_neither_sees_nor_changes_what_is_anothers)
{
    struct world *w = world_with_group(1, 1, "");
    const char *own = id_at(w, "asg", 0);

    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V), "MinSize"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingInstances" V), "InstanceId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeScalingActivities" V), "Cause"), 0);
    world_refusedf(w, INVALID, NULL,
                   "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy", own);
    world_refused(w, INVALID, NULL, "Action=DeleteAutoScalingGroup" V G "asg");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V), "MinSize"), 0);
    world_refused(w, INVALID, NULL, "Action=DeleteAutoScalingGroup" V G "asg");
    world_free(w);
}

TEST(a_caller_needs_a_policy_and_the_role_of_the_service_does_the_rest)
{
    struct world *w = world_new();
    struct str key;

    config(w, "lc", "");
    world_ok(w, "Action=CreateUser&UserName=u&Version=2010-05-08");
    key = world_ok(w, "Action=CreateAccessKey&UserName=u&Version=2010-05-08");
    world_as_reply(w, key);
    CHECK_FAULT(w, group(w, "asg", 1, 1, ""), "AccessDenied");
    world_as(w, STR_NONE, STR_NONE, STR_NONE);
    world_okf(w,
              "Action=PutUserPolicy&UserName=u&PolicyName=p&Version=2010-05-08&PolicyDocument=%.*s",
              STR_ARG(world_code(
                  w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
                       "\"autoscaling:*\",\"Resource\":\"*\"}}"))));
    world_as_reply(w, key);
    /* the first group of an account makes the service's role */
    CHECK_FAULT(w, group(w, "asg", 1, 1, ""), "AccessDenied");
    world_as(w, STR_NONE, STR_NONE, STR_NONE);
    world_ok(w, "Action=CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com"
                "&Version=2010-05-08");
    world_as_reply(w, key);
    CHECK_OK(w, group(w, "asg", 1, 1, ""));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_free(w);
}

/* ---- whatever happens ---- */

TEST(whatever_is_killed_a_group_comes_back_to_what_it_desires, "ASG-01 ASG-02 ASG-04")
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world *w = world_new_seed(seed);
        uint64_t rng = seed;

        config(w, "lc", "");
        CHECK_OK(w, group(w, "asg", 1, 4, "&DesiredCapacity=2"));
        for (int i = 0; i < 40; i++) {
            uint64_t draw = env_fake_draw(&rng);
            size_t n = count(w, "asg", NULL);
            const char *id = n ? id_at(w, "asg", draw / 16 % n) : "i-0";

            switch (draw % 8) {
            case 0:
                if (host_sim_runs(w->sim, str_from(id)))
                    host_sim_exit(w->sim, str_from(id), HOST_EXIT_POWEROFF);
                break;
            case 1:
                world_callf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
                break;
            case 2:
                world_callf(w, "Action=StopInstances&InstanceId.1=%s", id);
                break;
            case 3:
                world_okf(w, "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=%d",
                          (int)(draw / 16 % 4 + 1));
                break;
            case 4:
                world_crash(w);
                break;
            case 5:
                host_sim_fail_next_boot(w->sim, "No memory is left");
                break;
            case 6:
                world_callf(w, "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy",
                            id);
                break;
            default:
                if (host_sim_runs(w->sim, str_from(id)))
                    host_sim_exit(w->sim, str_from(id), HOST_EXIT_CRASHED);
                break;
            }
            world_advance(w, (int64_t)(draw / 64 % 400));
            /* 10 % or one over the maximum, while zones are balanced */
            CHECK(in_ec2(w, "running") + in_ec2(w, "pending") <= 5);
        }
        world_crash(w);
        world_advance(w, 20 * 60000);
        struct str desired = xml_text(describe(w, "asg"), "DesiredCapacity");
        int64_t want = 0;

        CHECK(str_to_i64(desired, &want) && want >= 1 && want <= 4);
        CHECK_INT(count(w, "asg", "InService"), want);
        CHECK_INT(count(w, "asg", NULL), want);
        CHECK_INT(in_ec2(w, "running"), want);
        world_free(w);
    }
}
