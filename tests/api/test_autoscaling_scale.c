/* Auto Scaling: policies, schedules, launch templates and refreshes. */
#include "asg_help.h"
#include "base/timefmt.h"

/* ---- policies ---- */

static void
policy(struct world *w, const char *name, const char *more)
{
    world_okf(w, "Action=PutScalingPolicy" V G "asg&PolicyName=%s%s", name, more);
}

static struct str
desired_after(struct world *w, const char *name, const char *more)
{
    world_okf(w, "Action=ExecutePolicy" V G "asg&PolicyName=%s%s", name, more);
    world_advance(w, 1000);
    return xml_text(describe(w, "asg"), "DesiredCapacity");
}

TEST(a_simple_policy_scales_and_waits_out_its_cooldown, "ASG-23 ASGP-03 ASGP-05")
{
    struct world *w = world_with_group(1, 10, "");

    policy(w, "out", "&AdjustmentType=ChangeInCapacity&ScalingAdjustment=2");
    policy(w, "half", "&AdjustmentType=PercentChangeInCapacity&ScalingAdjustment=-50");
    policy(w, "least",
           "&AdjustmentType=PercentChangeInCapacity&ScalingAdjustment=10"
           "&MinAdjustmentMagnitude=3");
    policy(w, "five", "&AdjustmentType=ExactCapacity&ScalingAdjustment=5&Cooldown=60");
    CHECK_STR(desired_after(w, "out", "&HonorCooldown=true"), "3");
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T a user request executed policy out changing the desired capacity from 1 to 3.  "
              "At T an instance was started in response to a difference between desired and actual "
              "capacity, increasing the capacity from 1 to 3.");
    world_refused(w, "ScalingActivityInProgress", NULL,
                  "Action=ExecutePolicy" V G "asg&PolicyName=out&HonorCooldown=true");
    world_refused(w, "ScalingActivityInProgress", NULL,
                  "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=1&HonorCooldown=true");
    CHECK_STR(desired_after(w, "half", ""), "2");
    CHECK_STR(desired_after(w, "least", ""), "5");
    CHECK_STR(desired_after(w, "out", ""), "7");
    world_advance(w, 300000);
    CHECK_STR(desired_after(w, "five", "&HonorCooldown=true"), "5");
    world_advance(w, 58000);
    world_refused(w, "ScalingActivityInProgress", NULL,
                  "Action=ExecutePolicy" V G "asg&PolicyName=out&HonorCooldown=true");
    world_advance(w, 3000);
    CHECK_STR(desired_after(w, "out", "&HonorCooldown=true"), "7");
    for (int i = 0; i < 3; i++)
        desired_after(w, "out", "");
    CHECK_STR(xml_text(describe(w, "asg"), "DesiredCapacity"), "10");
    world_free(w);
}

#define STEP(n, lower, upper, by)                                                                  \
    "&StepAdjustments.member." n ".MetricIntervalLowerBound=" lower "&StepAdjustments.member." n   \
    ".MetricIntervalUpperBound=" upper "&StepAdjustments.member." n ".ScalingAdjustment=" by
#define STEPS "&PolicyType=StepScaling&AdjustmentType=ChangeInCapacity"

TEST(a_step_policy_takes_the_step_of_the_metric, "ASGP-04")
{
    struct world *w = world_with_group(1, 20, "");

    policy(w, "out",
           STEPS STEP("1", "0", "10", "1") "&StepAdjustments.member.2.MetricIntervalLowerBound=10"
                                           "&StepAdjustments.member.2.ScalingAdjustment=2");
    CHECK_STR(desired_after(w, "out", "&MetricValue=60&BreachThreshold=60"), "2");
    CHECK_STR(desired_after(w, "out", "&MetricValue=69.5&BreachThreshold=60"), "3");
    CHECK_STR(desired_after(w, "out", "&MetricValue=70&BreachThreshold=60"), "5");
    world_refused(w, INVALID,
                  "No step adjustment found for metric value 59 and breach threshold 60",
                  "Action=ExecutePolicy" V G "asg&PolicyName=out&MetricValue=59"
                  "&BreachThreshold=60");
    world_refused(w, INVALID,
                  "MetricValue and BreachThreshold must be specified for policy type StepScaling",
                  "Action=ExecutePolicy" V G "asg&PolicyName=out");
    struct str seen = world_ok(w, "Action=DescribePolicies" V G "asg&PolicyTypes.member.1="
                                  "StepScaling");

    CHECK_STR(xml_text(seen, "MetricAggregationType"), "Average");
    CHECK_STR(xml_text_at(seen, "MetricIntervalLowerBound", 1), "10");
    CHECK_INT(xml_count(seen, "MetricIntervalUpperBound"), 1);
    world_okf(w, "Action=DeletePolicy" V "&PolicyName=%.*s",
              STR_ARG(world_code(w, xml_text(seen, "PolicyARN"))));
    world_refused(w, INVALID, "Policy name not found - No policy found with name: out",
                  "Action=DeletePolicy" V G "asg&PolicyName=out");
    world_free(w);
}

TEST(a_policy_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_group(0, 1, "");
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"&PolicyType=X", "Unknown policy type 'X'"},
        {"&ScalingAdjustment=1", "AdjustmentType must be specified for policy type SimpleScaling"},
        {"&AdjustmentType=X", "X is not a valid adjustment type"},
        {"&AdjustmentType=ChangeInCapacity",
         "ScalingAdjustment must be specified for policy type SimpleScaling"},
        {"&AdjustmentType=ChangeInCapacity&ScalingAdjustment=1&MinAdjustmentMagnitude=2",
         "MinAdjustmentMagnitude is supported only when AdjustmentType is "
         "PercentChangeInCapacity"},
        {STEPS, "At least one StepAdjustment must be specified for policy type StepScaling"},
        {STEPS STEP("1", "0", "10", "1") STEP("2", "5", "20", "2"),
         "StepAdjustment intervals can't overlap"},
        {STEPS STEP("1", "0", "10", "1") STEP("2", "15", "20", "2"),
         "StepAdjustment intervals can't have gaps between them"},
        {STEPS "&Cooldown=1" STEP("1", "0", "10", "1"),
         "Cooldown cannot be specified for policy type StepScaling"},
        {"&PolicyType=PredictiveScaling",
         "The parameter PolicyType PredictiveScaling is not implemented by Welkin"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message,
                       "Action=PutScalingPolicy" V G "asg&PolicyName=p%s", rows[i].more);
    world_free(w);
}

/* ---- schedules ---- */

TEST(a_scheduled_action_changes_the_sizes_at_its_time, "ASG-06")
{
    struct world *w = world_with_group(1, 4, "");
    struct str at = time_iso_s(test_arena(), w->env.now_ms + 3600000);

    world_okf(w,
              "Action=PutScheduledUpdateGroupAction" V G "asg&ScheduledActionName=once"
              "&StartTime=%.*s&MinSize=2&DesiredCapacity=3",
              STR_ARG(at));
    struct str reply = world_callf(w,
                                   "Action=PutScheduledUpdateGroupAction" V G
                                   "asg&ScheduledActionName=again&StartTime=%.*s&MinSize=1",
                                   STR_ARG(at));

    CHECK_FAULT(w, reply, "AlreadyExists");
    world_advance(w, 3500000);
    CHECK_INT(count(w, "asg", NULL), 1);
    world_crash(w);
    world_advance(w, 200000);
    CHECK_INT(count(w, "asg", "InService"), 3);
    CHECK_STR(xml_text(describe(w, "asg"), "MinSize"), "2");
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T the scheduled action once executed. Setting min size from 1 to 2. Setting "
              "desired capacity from 1 to 3.  At T an instance was started in response to a "
              "difference between desired and actual capacity, increasing the capacity from 1 to "
              "3.");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeScheduledActions" V), "ScheduledActionARN"), 0);
    world_free(w);
}

TEST(a_recurring_action_comes_again, "ASG-06 ASGR-15")
{
    struct world *w = world_with_group(0, 4, "");

    world_ok(w, "Action=PutScheduledUpdateGroupAction" V G "asg&ScheduledActionName=up"
                "&Recurrence=0%208%20*%20*%20*&DesiredCapacity=2");
    world_ok(w, "Action=PutScheduledUpdateGroupAction" V G "asg&ScheduledActionName=down"
                "&Recurrence=0%2018%20*%20*%20*&DesiredCapacity=0&TimeZone=Etc/GMT-2");
    for (int day = 0; day < 2; day++) {
        struct civil c = time_civil(w->env.now_ms);

        world_advance(w, ((31 - c.hour) % 24 + 1) * INT64_C(3600000));
        CHECK_INT(count(w, "asg", NULL), 2);
        world_advance(w, 7 * INT64_C(3600000)); /* 15 o'clock and a little */
        CHECK_INT(count(w, "asg", NULL), 2);
        world_advance(w, 2 * INT64_C(3600000));
        CHECK_INT(count(w, "asg", NULL), 0);
    }
    world_ok(w, "Action=SuspendProcesses" V G "asg&ScalingProcesses.member.1=ScheduledActions");
    world_advance(w, 24 * INT64_C(3600000));
    CHECK_INT(in_ec2(w, "running"), 0);
    world_ok(w, "Action=DeleteScheduledAction" V G "asg&ScheduledActionName=up");
    world_refused(w, INVALID, "Scheduled action name not found",
                  "Action=DeleteScheduledAction" V G "asg&ScheduledActionName=up");
    world_free(w);
}

TEST(a_scheduled_action_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_group(0, 1, "");
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"&Recurrence=0%201%20*%20*%20*",
         "At least one of minSize, maxSize or desiredCapacity must be specified"},
        {"&Recurrence=x&MinSize=1", "Given recurrence string: x is invalid"},
        {"&MinSize=2&MaxSize=1&Recurrence=0%201%20*%20*%20*",
         "Given max size 1 is lower than given min size 2"},
        {"&MinSize=1&StartTime=2001-01-01T00:00:00Z", "Given start time is in the past"},
        {"&MinSize=1", "Either Recurrence or StartTime must be specified"},
        {"&MinSize=1&Recurrence=0%201%20*%20*%20*&TimeZone=Europe/Paris",
         "The parameter TimeZone (of other zones than UTC and Etc/GMT±N) is not implemented by "
         "Welkin"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message,
                       "Action=PutScheduledUpdateGroupAction" V G "asg&ScheduledActionName=a%s",
                       rows[i].more);
    struct str reply =
        world_ok(w, "Action=BatchPutScheduledUpdateGroupAction" V G
                    "asg&ScheduledUpdateGroupActions.member.1.ScheduledActionName=good"
                    "&ScheduledUpdateGroupActions.member.1.Recurrence=0%201%20*%20*%20*"
                    "&ScheduledUpdateGroupActions.member.1.MinSize=1"
                    "&ScheduledUpdateGroupActions.member.2.ScheduledActionName=bad");

    CHECK_STR(xml_text(reply, "ScheduledActionName"), "bad");
    CHECK_STR(xml_text(reply, "ErrorCode"), INVALID);
    reply = world_ok(w, "Action=BatchDeleteScheduledAction" V G "asg&ScheduledActionNames.member.1="
                        "good&ScheduledActionNames.member.2=bad");
    CHECK_INT(xml_count(reply, "ErrorCode"), 1);
    world_free(w);
}

/* ---- launch templates ---- */

static void
template_version(struct world *w, const char *type)
{
    world_okf(w,
              "Action=CreateLaunchTemplateVersion&LaunchTemplateName=tmpl&LaunchTemplateData."
              "ImageId=" IMAGE "&LaunchTemplateData.InstanceType=%s",
              type);
}

TEST(a_group_launches_from_a_version_of_a_template, "LT-02 ASGT-10")
{
    struct world *w = world_new();
    struct str list;

    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.micro");
    world_ok(w, "Action=CreateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl"
                "&LaunchTemplate.Version=$Latest&MinSize=0&MaxSize=4&DesiredCapacity=1"
                "&AvailabilityZones.member.1=us-east-1a"
                "&TerminationPolicies.member.1=OldestLaunchTemplate");
    world_advance(w, 1000);
    list = describe(w, "asg");
    CHECK_STR(xml_text(list, "LaunchTemplateName"), "tmpl");
    CHECK_STR(xml_text(list, "Version"), "$Latest");
    CHECK_STR(xml_text(xml_element(list, "Instances"), "Version"), "1");
    template_version(w, "t3.small");
    desire(w, 2);
    list = xml_element(describe(w, "asg"), "Instances");
    CHECK_STR(xml_text_at(list, "InstanceType", 1), "t3.small");
    CHECK_STR(xml_text_at(list, "Version", 1), "2");
    desire(w, 1);
    CHECK_STR(xml_text(xml_element(describe(w, "asg"), "Instances"), "Version"), "2");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl");
    desire(w, 2);
    list = xml_element(describe(w, "asg"), "Instances");
    CHECK_STR(xml_text_at(list, "Version", 1), "1");
    config(w, "lc", "");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchConfigurationName=lc");
    CHECK(!xml_text(xml_element(describe(w, "asg"), "LaunchTemplate"), "none").p);
    CHECK_STR(xml_text(describe(w, "asg"), "LaunchConfigurationName"), "lc");
    world_free(w);
}

TEST(a_subnet_goes_into_the_interface_of_a_template, "LT-02")
{
    struct world *w = world_new();
    struct str subnets = world_ok(w, "Action=DescribeSubnets");
    struct str list;

    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.micro&LaunchTemplateData."
             "NetworkInterface.1.DeviceIndex=0&LaunchTemplateData.NetworkInterface.1."
             "AssociatePublicIpAddress=false");
    world_okf(w,
              "Action=CreateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl"
              "&MinSize=1&MaxSize=1&VPCZoneIdentifier=%s",
              xml_cstr(subnets, "subnetId"));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    list = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(list, "subnetId"), xml_cstr(subnets, "subnetId"));
    CHECK(!xml_text(list, "ipAddress").p);
    CHECK_STR(xml_text(describe(w, "asg"), "VPCZoneIdentifier"), xml_cstr(subnets, "subnetId"));
    CHECK_STR(xml_text(xml_element(describe(w, "asg"), "AvailabilityZones"), "member"),
              xml_cstr(subnets, "availabilityZone"));
    world_refusedf(w, INVALID,
                   "The availability zones of the specified subnets and the Auto Scaling group do "
                   "not match",
                   "Action=UpdateAutoScalingGroup" V G "asg&AvailabilityZones.member.1=eu-west-1a"
                   "&VPCZoneIdentifier=%s",
                   xml_cstr(subnets, "subnetId"));
    world_free(w);
}

TEST(a_template_that_is_not_there_is_refused)
{
    struct world *w = world_new();
    static const char *const rows[] = {
        "&LaunchTemplate.LaunchTemplateName=none",
        "&LaunchTemplate.LaunchTemplateId=lt-0123456789abcdef0",
        "&LaunchTemplate.LaunchTemplateName=tmpl&LaunchTemplate.Version=9",
        "&LaunchTemplate.Version=1",
        "&LaunchTemplate.LaunchTemplateName=tmpl&LaunchConfigurationName=lc",
    };

    config(w, "lc", "");
    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.micro");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, NULL,
                       "Action=CreateAutoScalingGroup" V G "asg&MinSize=0&MaxSize=1"
                       "&AvailabilityZones.member.1=us-east-1a%s",
                       rows[i]);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V), "MinSize"), 0);
    world_free(w);
}
