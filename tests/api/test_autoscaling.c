/* Auto Scaling: configurations, groups, and what becomes of their instances. */
#include "asg_help.h"
#include "autoscaling/engine.h"

/* ---- launch configurations ---- */

TEST(a_launch_configuration_is_made_shown_and_deleted, "ASG-19 ASG-21")
{
    struct world *w = world_new();

    config(w, "lc",
           "&KeyName=k&SecurityGroups.member.1=sg-1&UserData=aGk%3D&InstanceMonitoring.Enabled="
           "false&BlockDeviceMappings.member.1.DeviceName=/dev/xvda&BlockDeviceMappings.member.1."
           "Ebs.VolumeSize=9&MetadataOptions.HttpTokens=required&AssociatePublicIpAddress=true");
    world_crash(w);
    struct str seen = world_ok(w, "Action=DescribeLaunchConfigurations" V
                                  "&LaunchConfigurationNames.member.1=lc");

    CHECK_STR(xml_text(seen, "ImageId"), IMAGE);
    CHECK_STR(xml_text(seen, "KeyName"), "k");
    CHECK_STR(xml_text(seen, "UserData"), "aGk=");
    CHECK_STR(xml_text(xml_element(seen, "SecurityGroups"), "member"), "sg-1");
    CHECK_STR(xml_text(seen, "DeviceName"), "/dev/xvda");
    CHECK_STR(xml_text(seen, "VolumeSize"), "9");
    CHECK_STR(xml_text(seen, "HttpTokens"), "required");
    CHECK_STR(xml_text(seen, "AssociatePublicIpAddress"), "true");
    CHECK_STR(xml_text(xml_element(seen, "InstanceMonitoring"), "Enabled"), "false");
    CHECK(str_starts(xml_text(seen, "LaunchConfigurationARN"),
                     S("arn:aws:autoscaling:us-east-1:000000000000:launchConfiguration:")));
    world_refused(w, "AlreadyExists",
                  "Launch Configuration by this name already exists - A launch configuration "
                  "already exists with the name lc",
                  "Action=CreateLaunchConfiguration" V "&LaunchConfigurationName=lc&ImageId=ami-1"
                  "&InstanceType=t3.micro");
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchConfigurations" V), "ImageId"), 0);
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DeleteLaunchConfiguration" V "&LaunchConfigurationName=lc");
    world_refused(w, INVALID,
                  "Launch configuration name not found - Launch configuration lc not found",
                  "Action=DeleteLaunchConfiguration" V "&LaunchConfigurationName=lc");
    world_free(w);
}

TEST(a_launch_configuration_that_says_too_little_or_too_much_is_refused)
{
    struct world *w = world_new();
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"&ImageId=ami-1", "Valid requests must contain either the InstanceID parameter or both "
                           "the ImageId and InstanceType parameters."},
        {"&ImageId=ami-1&InstanceType=t3.micro&UserData=%25", "User data must be base64 encoded."},
        {"&ImageId=ami-1&InstanceType=t3.micro&SpotPrice=1",
         "The parameter SpotPrice is not implemented by Welkin"},
        {"&ImageId=ami-1&InstanceType=t3.micro&IamInstanceProfile=none",
         "Invalid IamInstanceProfile: none"},
        {"&ImageId=ami-1&InstanceType=t3.micro&PlacementTenancy=x", "Invalid placement tenancy: x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message,
                       "Action=CreateLaunchConfiguration" V "&LaunchConfigurationName=a%s",
                       rows[i].more);
    world_free(w);
}

/* ---- groups ---- */

TEST(a_group_launches_what_it_desires_and_keeps_to_it, "ASG-01 ASG-15 ASG-17")
{
    struct world *w = world_with_group(1, 4, "&DesiredCapacity=3");
    struct str seen = describe(w, "asg");

    CHECK_INT(count(w, "asg", "InService"), 3);
    CHECK_INT(in_ec2(w, "running"), 3);
    CHECK_STR(xml_text(seen, "HealthCheckType"), "EC2");
    CHECK_STR(xml_text(seen, "DefaultCooldown"), "300");
    CHECK_STR(xml_text(seen, "HealthCheckGracePeriod"), "0");
    CHECK_STR(xml_text(xml_element(seen, "TerminationPolicies"), "member"), "Default");
    CHECK_STR(xml_text(seen, "ServiceLinkedRoleARN"),
              "arn:aws:iam::000000000000:role/aws-service-role/autoscaling.amazonaws.com/"
              "AWSServiceRoleForAutoScaling");
    CHECK_STR(activity(w, 0, "StatusCode"), "Successful");
    CHECK_STR(activity(w, 0, "Progress"), "100");
    CHECK_STR(plain(activity(w, 0, "Description")), "Launching a new EC2 instance: I");
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T a user request created an AutoScalingGroup changing the desired capacity from "
              "0 to 3.  At T an instance was started in response to a difference between desired "
              "and actual capacity, increasing the capacity from 0 to 3.");
    struct str tags = world_ok(w, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1="
                                  "aws:autoscaling:groupName&Version=2016-11-15");

    CHECK_INT(xml_count(tags, "resourceId"), 3);
    CHECK_STR(xml_text(tags, "value"), "asg");
    world_advance(w, 600000);
    CHECK_INT(count(w, "asg", NULL), 3);
    world_free(w);
}

TEST(a_group_is_refused_for_what_is_wrong_with_it, "ASG-01")
{
    struct world *w = world_new();
    static const struct {
        int min, max;
        const char *more, *message;
    } rows[] = {
        {2, 1, "", "Max bound, 1, must be greater than or equal to min bound, 2"},
        {1, 1, "&DesiredCapacity=2",
         "Desired capacity:2 must be between the specified min size:1 and max size:1"},
        {0, 1, "&AvailabilityZones.member.3=us-east-1q",
         "Invalid availability zones: [us-east-1a, us-east-1b, us-east-1q]"},
        {0, 1, "&VPCZoneIdentifier=subnet-12345678",
         "The subnet ID 'subnet-12345678' does not exist"},
        {0, 1, "&HealthCheckType=X",
         "Invalid Health Check Type: X. Valid values are: EC2, ELB, VPC_LATTICE, EBS"},
        {0, 1, "&TerminationPolicies.member.1=X", "Invalid termination policy: X"},
        {0, 1, "&DefaultCooldown=-1", "DefaultCooldown must not be negative"},
        {0, 1, "&LoadBalancerNames.member.1=x",
         "The parameter LoadBalancerNames is not implemented by Welkin"},
        {0, 1, "&ServiceLinkedRoleARN=arn:aws:iam::000000000000:role/x",
         "ARN specified for Service-Linked Role does not exist."},
        {0, 1, "&Tags.member.1.Key=aws:x&Tags.member.1.Value=y",
         "Tag keys that begin with aws: are reserved for internal use."},
    };

    config(w, "lc", "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str reply = group(w, "bad", rows[i].min, rows[i].max, rows[i].more);

        CHECK_FAULT(w, reply, INVALID);
        CHECK_STR(xml_text(reply, "Message"), rows[i].message);
    }
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V), "MinSize"), 0);
    world_refused(w, INVALID,
                  "Launch configuration name not found - A launch configuration with the name: "
                  "none does not exist",
                  "Action=CreateAutoScalingGroup" V G "a&LaunchConfigurationName=none&MinSize=0"
                  "&MaxSize=1&AvailabilityZones.member.1=us-east-1a");
    world_refused(w, INVALID,
                  "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, "
                  "InstanceId or MixedInstancesPolicy parameter.",
                  "Action=CreateAutoScalingGroup" V G "a&MinSize=0&MaxSize=1"
                  "&AvailabilityZones.member.1=us-east-1a");
    world_refused(w, INVALID, "At least one Availability Zone or VPC Subnet is required.",
                  "Action=CreateAutoScalingGroup" V G "a&LaunchConfigurationName=lc&MinSize=0"
                  "&MaxSize=1");
    CHECK_OK(w, group(w, "asg", 0, 0, ""));
    struct str reply = group(w, "asg", 0, 0, "");

    CHECK_FAULT(w, reply, "AlreadyExists");
    CHECK_STR(xml_text(reply, "Message"), "AutoScalingGroup by this name already exists - A group "
                                          "with the name asg already exists");
    world_free(w);
}

TEST(a_group_grows_and_shrinks_by_hand, "ASG-03 ASG-07")
{
    struct world *w = world_with_group(1, 4, "");

    world_ok(w, "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=4");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 4);
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T a user request explicitly set group desired capacity changing the desired "
              "capacity from 1 to 4.  At T an instance was started in response to a difference "
              "between desired and actual capacity, increasing the capacity from 1 to 4.");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&MaxSize=2");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", NULL), 2);
    CHECK_INT(in_ec2(w, "running"), 2);
    CHECK_STR(plain(activity(w, 0, "Description")), "Terminating EC2 instance: I");
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T a user request update of AutoScalingGroup constraints to min: 1, max: 2, "
              "desired: 2 changing the desired capacity from 4 to 2.  At T an instance was taken "
              "out of service in response to a difference between desired and actual capacity, "
              "shrinking the capacity from 4 to 2.  At T instance I was selected for termination.");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&MinSize=2&MaxSize=3&DesiredCapacity=3");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 3);
    world_refused(w, INVALID,
                  "New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup.",
                  "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=4");
    world_refused(w, INVALID,
                  "New SetDesiredCapacity value 1 is below min value 2 for the AutoScalingGroup.",
                  "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=1");
    world_refused(w, INVALID, "AutoScalingGroup name not found - null",
                  "Action=SetDesiredCapacity" V G "none&DesiredCapacity=1");
    world_refused(w, INVALID, "AutoScalingGroup name not found - null",
                  "Action=UpdateAutoScalingGroup" V G "none&MaxSize=1");
    world_free(w);
}

TEST(an_instance_that_ends_or_stops_outside_is_replaced, "ASG-02 ASGH-05")
{
    struct world *w = world_with_group(2, 2, "");
    const char *first = id_at(w, "asg", 0);

    host_sim_exit(w->sim, str_from(first), HOST_EXIT_POWEROFF);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK(!str_is(str_from(id_at(w, "asg", 0)), first));
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T an instance was launched in response to an unhealthy instance needing to be "
              "replaced.");
    CHECK_STR(plain(activity(w, 1, "Cause")),
              "At T an instance was taken out of service in response to an EC2 health check "
              "indicating it has been terminated or stopped.");
    CHECK_STR(activity(w, 1, "StatusCode"), "Successful");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id_at(w, "asg", 0));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK_INT(in_ec2(w, "running"), 2);
    CHECK_INT(in_ec2(w, "terminated"), 2);
    world_free(w);
}

TEST(what_is_suspended_is_not_done, "ASGC-07 ASGR-07 ASGR-12")
{
    struct world *w = world_with_group(1, 3, "");

    world_ok(w, "Action=SuspendProcesses" V G "asg&ScalingProcesses.member.1=Launch"
                "&ScalingProcesses.member.2=ReplaceUnhealthy");
    struct str seen = describe(w, "asg");

    CHECK_STR(xml_text(seen, "ProcessName"), "Launch");
    CHECK_STR(plain(xml_text(seen, "SuspensionReason")), "User suspended at T");
    world_ok(w, "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=2");
    world_okf(w, "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy",
              id_at(w, "asg", 0));
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_STR(xml_text(describe(w, "asg"), "HealthStatus"), "Unhealthy");
    world_ok(w, "Action=ResumeProcesses" V G "asg");
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK_STR(xml_text(describe(w, "asg"), "HealthStatus"), "Healthy");
    world_refused(w, INVALID, "X is not a valid scaling process",
                  "Action=SuspendProcesses" V G "asg&ScalingProcesses.member.1=X");
    world_free(w);
}

TEST(a_group_goes_when_it_is_empty_or_forced)
{
    struct world *w = world_with_group(1, 1, "");

    world_refused(w, "ResourceInUse",
                  "Cannot delete launch configuration lc because it is attached to "
                  "AutoScalingGroup asg",
                  "Action=DeleteLaunchConfiguration" V "&LaunchConfigurationName=lc");
    world_refused(w, "ResourceInUse",
                  "You cannot delete an AutoScalingGroup while there are instances or pending Spot "
                  "instance request(s) still in the group.",
                  "Action=DeleteAutoScalingGroup" V G "asg");
    world_refused(w, INVALID, "AutoScalingGroup name not found - AutoScalingGroup 'none' not found",
                  "Action=DeleteAutoScalingGroup" V G "none");
    asg_engine_fault.looks = 0; /* the engine stands still, so that it can be seen */
    world_ok(w, "Action=DeleteAutoScalingGroup" V G "asg&ForceDelete=true");
    CHECK_STR(xml_text(describe(w, "asg"), "Status"), "Delete in progress");
    world_refused(w, INVALID, "AutoScalingGroup 'asg' is pending delete",
                  "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=1");
    asg_engine_fault.looks = -1;
    world_crash(w);
    world_advance(w, 1000);
    CHECK_INT(xml_count(describe(w, "asg"), "MinSize"), 0);
    CHECK_INT(in_ec2(w, "running"), 0);
    world_ok(w, "Action=DeleteLaunchConfiguration" V "&LaunchConfigurationName=lc");
    struct str gone =
        world_ok(w, "Action=DescribeScalingActivities" V "&IncludeDeletedGroups=true" G "asg");

    CHECK_STR(xml_text(gone, "AutoScalingGroupState"), "Deleted");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeScalingActivities" V), "Cause"), 0);
    world_free(w);
}

TEST(tags_go_to_the_instances_that_are_launched_after)
{
    struct world *w = world_with_group(
        1, 2,
        "&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.1.PropagateAtLaunch=true"
        "&Tags.member.2.Key=b&Tags.member.2.Value=2");
    struct str tags = world_ok(w, "Action=DescribeInstances");

    CHECK_STR(xml_text(xml_where(tags, "item", "key", "a"), "value"), "1");
    CHECK(!xml_where(tags, "item", "key", "b").p);
    world_ok(w, "Action=CreateOrUpdateTags" V "&Tags.member.1.ResourceId=asg&Tags.member.1."
                "ResourceType=auto-scaling-group&Tags.member.1.Key=c&Tags.member.1.Value=3"
                "&Tags.member.1.PropagateAtLaunch=true");
    world_ok(w, "Action=DeleteTags" V "&Tags.member.1.ResourceId=asg&Tags.member.1."
                "ResourceType=auto-scaling-group&Tags.member.1.Key=a");
    struct str seen = world_ok(w, "Action=DescribeTags" V "&Filters.member.1.Name="
                                  "propagate-at-launch&Filters.member.1.Values.member.1=true");

    CHECK_INT(xml_count(seen, "Key"), 1);
    CHECK_STR(xml_text(seen, "Key"), "c");
    CHECK_STR(xml_text(seen, "ResourceType"), "auto-scaling-group");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V "&Filters.member.1.Name="
                                    "tag:c&Filters.member.1.Values.member.1=3"),
                        "MinSize"),
              1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" V "&Filters.member.1.Name="
                                    "tag-key&Filters.member.1.Values.member.1=a"),
                        "MinSize"),
              0);
    world_refused(w, INVALID, "AutoScalingGroup not found - AutoScaling Group none not found",
                  "Action=DeleteTags" V "&Tags.member.1.ResourceId=none&Tags.member.1."
                  "ResourceType=auto-scaling-group&Tags.member.1.Key=a");
    world_free(w);
}

TEST(groups_instances_and_activities_are_shown_in_pages)
{
    struct world *w = world_with_group(3, 3, "");
    static const struct {
        const char *action, *member;
    } rows[] = {
        {"DescribeAutoScalingInstances", "InstanceId"},
        {"DescribeScalingActivities", "ActivityId"},
        {"DescribeAutoScalingGroups", "MinSize"},
        {"DescribeLaunchConfigurations", "ImageId"},
    };

    CHECK_OK(w, group(w, "b", 0, 0, ""));
    CHECK_OK(w, group(w, "c", 0, 0, ""));
    config(w, "lc2", "");
    config(w, "lc3", "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str page = world_okf(w, "Action=%s" V "&MaxRecords=2", rows[i].action);
        struct str token = world_code(w, xml_text(page, "NextToken"));

        CHECK_INT(xml_count(page, rows[i].member), 2);
        page = world_okf(w, "Action=%s" V "&NextToken=%.*s", rows[i].action, STR_ARG(token));
        CHECK_INT(xml_count(page, rows[i].member), 1);
        CHECK(!xml_text(page, "NextToken").p);
        world_refusedf(w, "InvalidNextToken", NULL, "Action=%s" V "&NextToken=x", rows[i].action);
    }
    world_free(w);
}

TEST(what_there_is_in_an_account_is_counted)
{
    struct world *w = world_with_group(0, 0, "");
    struct str limits = world_ok(w, "Action=DescribeAccountLimits" V);

    CHECK_STR(xml_text(limits, "NumberOfAutoScalingGroups"), "1");
    CHECK_STR(xml_text(limits, "NumberOfLaunchConfigurations"), "1");
    CHECK_STR(xml_text(limits, "MaxNumberOfAutoScalingGroups"), "500");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeScalingProcessTypes" V), "ProcessName"), 9);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAdjustmentTypes" V), "AdjustmentType"), 3);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeTerminationPolicyTypes" V), "member"),
              "AllocationStrategy");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeLifecycleHookTypes" V), "member"),
              "autoscaling:EC2_INSTANCE_LAUNCHING");
    world_free(w);
}

/* ---- launches ---- */

TEST(instances_are_spread_over_the_zones, "ASGT-01")
{
    struct world *w = world_with_group(4, 4, "");
    struct str list = xml_element(describe(w, "asg"), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < 4; i++)
        n += str_is(xml_text_at(list, "AvailabilityZone", i), "us-east-1a");
    CHECK_INT(n, 2);
    world_free(w);
}

TEST(a_group_whose_zones_change_moves_its_instances, "ASGR-02")
{
    struct world *w = world_with_group(2, 2, "");

    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&AvailabilityZones.member.1=us-east-1a"
                "&AvailabilityZones.member.2=us-east-1d");
    world_advance(w, 1000);
    struct str list = xml_element(describe(w, "asg"), "Instances");

    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK(!xml_where(list, "member", "AvailabilityZone", "us-east-1b").p);
    CHECK(xml_where(list, "member", "AvailabilityZone", "us-east-1d").p);
    CHECK_STR(plain(activity(w, 0, "Cause")),
              "At T instances were launched to balance instances in zones us-east-1b with other "
              "zones resulting in more than desired number of instances in the group.  At T an "
              "instance was taken out of service in response to a difference between desired and "
              "actual capacity, shrinking the capacity from 3 to 2.  At T instance I was selected "
              "for termination.");
    CHECK_STR(plain(activity(w, 1, "Cause")),
              "At T availability zones us-east-1d had 0 instances respectively. An instance was "
              "launched to aid in balancing the group's zones.");
    world_free(w);
}

TEST(a_zone_that_takes_no_instance_of_the_type_is_left_out)
{
    struct world *w = world_new();

    config(w, "lc", "");
    world_ok(w, "Action=CreateAutoScalingGroup" V G "asg&LaunchConfigurationName=lc&MinSize=2"
                "&MaxSize=2&AvailabilityZones.member.1=us-east-1a"
                "&AvailabilityZones.member.2=us-east-1c");
    world_advance(w, 600000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK_INT(in_ec2(w, "terminated"), 0);
    CHECK(str_starts(activity(w, 0, "StatusMessage"),
                     S("Your requested instance type (t3.micro) is not supported in your requested "
                       "Availability Zone (us-east-1c).")));
    world_free(w);
}

TEST(a_launch_that_ec2_refuses_is_told_and_tried_again)
{
    struct world *w = world_new();

    config(w, "lc", "&KeyName=none");
    CHECK_OK(w, group(w, "asg", 1, 1, ""));
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", NULL), 0);
    CHECK_STR(activity(w, 0, "StatusCode"), "Failed");
    CHECK_STR(activity(w, 0, "StatusMessage"),
              "The key pair 'none' does not exist. Launching EC2 instance failed.");
    CHECK_STR(activity(w, 0, "Description"),
              "Launching a new EC2 instance.  Status Reason: The key pair 'none' does not exist. "
              "Launching EC2 instance failed.");
    world_ok(w, "Action=CreateKeyPair&KeyName=none");
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_free(w);
}

TEST(an_instance_that_does_not_boot_is_replaced)
{
    struct world *w = world_new();

    config(w, "lc", "");
    host_sim_fail_next_boot(w->sim, "No memory is left");
    CHECK_OK(w, group(w, "asg", 1, 1, ""));
    world_advance(w, 200);
    CHECK_STR(activity(w, 0, "StatusCode"), "Cancelled");
    CHECK(str_starts(activity(w, 0, "StatusMessage"),
                     S("Instance became unhealthy while waiting for instance to be in InService "
                       "state. Termination Reason: Server.InternalError")));
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    world_free(w);
}

TEST(a_crash_between_any_two_looks_launches_nothing_twice, "ASG-01")
{
    struct world *w = world_new();

    config(w, "lc", "");
    asg_engine_fault.looks = 0;
    CHECK_OK(w, group(w, "asg", 3, 3, ""));
    for (int i = 0; i < 12; i++) {
        asg_engine_fault.looks = 1;
        world_crash(w);
        world_advance(w, 30);
        CHECK(in_ec2(w, "running") + in_ec2(w, "pending") <= 3);
    }
    asg_engine_fault.looks = -1;
    world_crash(w);
    world_advance(w, 1000);
    CHECK_INT(count(w, "asg", "InService"), 3);
    CHECK_INT(in_ec2(w, "running"), 3);
    world_free(w);
}
