/* Auto Scaling: groups of several types. */
#include "asg_help.h"

#define M "&MixedInstancesPolicy."
#define O(n) M "LaunchTemplate.Overrides.member." n "."
#define BASE M "LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName=tmpl"
#define TWO BASE O("1") "InstanceType=t3.small" O("2") "InstanceType=t3.micro"
#define GROUP(max)                                                                                 \
    "Action=CreateAutoScalingGroup" V G "asg&MinSize=0&MaxSize=" max                               \
    "&AvailabilityZones.member.1=us-east-1a&AvailabilityZones.member.2=us-east-1c"

static struct world *
world_with_template(struct world *w)
{
    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.nano");
    return w;
}

/* How many instances of a type are in the group. */
static size_t
of_type(struct world *w, const char *type)
{
    struct str list = xml_element(describe(w, "asg"), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        n += str_is(xml_text_at(list, "InstanceType", i), type);
    return n;
}

TEST(the_first_type_that_has_room_is_launched_and_the_last_one_ends_first,
     "LT-03 ASGM-06 ASGT-02 ASGT-11")
{
    /* there is room for one m5.large, and for many t3.micro */
    struct world *w = world_with_template(
        world_new_region("kind one vcpus=4 memory=8192 sockets=1 cores=2 families=m5\n"
                         "kind other vcpus=64 memory=65536 sockets=1 cores=32 families=t3\n"
                         "zone us-east-1a racks=1 hosts=1*one,1*other\n"));

    world_ok(w, GROUP("9") BASE O("1") "InstanceType=m5.large" O("2") "InstanceType=t3.micro"
                                                                      "&DesiredCapacity=4");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&AvailabilityZones.member.1=us-east-1a");
    world_advance(w, 120000);
    CHECK_INT(of_type(w, "m5.large"), 1);
    CHECK_INT(of_type(w, "t3.micro"), 3);
    CHECK_INT(count(w, "asg", "InService"), 4);
    desire(w, 1);
    CHECK_INT(of_type(w, "m5.large"), 1);
    CHECK_INT(count(w, "asg", NULL), 1);
    world_crash(w);
    struct str seen = describe(w, "asg");

    CHECK_STR(xml_text(seen, "OnDemandAllocationStrategy"), "prioritized");
    CHECK_STR(xml_text(seen, "OnDemandPercentageAboveBaseCapacity"), "100");
    CHECK_INT(xml_count(xml_element(seen, "Overrides"), "InstanceType"), 2);
    CHECK(!xml_text(seen, "WeightedCapacity").p);
    CHECK_STR(xml_text(xml_element(seen, "LaunchTemplateSpecification"), "LaunchTemplateName"),
              "tmpl");
    world_free(w);
}

TEST(a_group_counts_its_instances_by_their_weights, "LT-03")
{
    struct world *w = world_with_template(world_new());

    world_ok(w, GROUP("20") BASE O("1") "InstanceType=t3.small" O("1") "WeightedCapacity=3" O(
                    "2") "InstanceType=t3.micro" O("2") "WeightedCapacity=1&DesiredCapacity=7");
    world_advance(w, 60000);
    CHECK_INT(of_type(w, "t3.small"), 3); /* 9 are the fewest that are enough */
    CHECK_STR(xml_text(xml_element(describe(w, "asg"), "Instances"), "WeightedCapacity"), "3");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeAutoScalingInstances" V), "WeightedCapacity"),
              "3");
    desire(w, 5);
    CHECK_INT(count(w, "asg", NULL), 2); /* 6; 3 would be too few */
    desire(w, 3);
    CHECK_INT(count(w, "asg", NULL), 1);
    /* another first type, of another template, in place of the policy; then a plain template */
    world_ok(
        w, "Action=CreateLaunchTemplate&LaunchTemplateName=mine&LaunchTemplateData.ImageId=" IMAGE);
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg" BASE O("1") "InstanceType=t3.medium" O(
                    "1") "LaunchTemplateSpecification.LaunchTemplateName=mine");
    desire(w, 4);
    CHECK_INT(of_type(w, "t3.medium"), 1);
    struct str list = xml_element(describe(w, "asg"), "Instances");

    CHECK_STR(xml_text_at(list, "LaunchTemplateName", 1), "mine");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl");
    CHECK(!xml_element(describe(w, "asg"), "MixedInstancesPolicy").p);
    desire(w, 5);
    CHECK_INT(of_type(w, "t3.nano"), 1);
    world_free(w);
}

TEST(hooks_health_checks_and_schedules_work_with_several_types, "ASGL-11")
{
    struct world *w = world_with_template(world_new());

    world_ok(w, GROUP("4") TWO "&LifecycleHookSpecificationList.member.1.LifecycleHookName=h"
                               "&LifecycleHookSpecificationList.member.1.LifecycleTransition="
                               "autoscaling:EC2_INSTANCE_LAUNCHING");
    world_ok(w, "Action=PutScheduledUpdateGroupAction" V G "asg&ScheduledActionName=up"
                "&Recurrence=*%20*%20*%20*%20*&DesiredCapacity=1");
    world_advance(w, 61000);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    const char *first = id_at(w, "asg", 0);

    world_okf(w,
              "Action=CompleteLifecycleAction" V G "asg&LifecycleHookName=h&InstanceId=%s"
              "&LifecycleActionResult=CONTINUE",
              first);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, first), "InService");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", first);
    world_advance(w, 1000);
    CHECK(!state_of(w, first).p);
    CHECK_INT(count(w, "asg", "Pending:Wait"), 1);
    world_free(w);
}

TEST(a_mixed_instances_policy_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_template(world_new());
    static const struct {
        const char *more, *message;
    } rows[] = {
        {M "InstancesDistribution.OnDemandBaseCapacity=1",
         "A launch template must be specified in MixedInstancesPolicy"},
        {TWO "&LaunchTemplate.LaunchTemplateName=tmpl",
         "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId "
         "or MixedInstancesPolicy parameter."},
        {TWO M "InstancesDistribution.OnDemandPercentageAboveBaseCapacity=50",
         "The parameter OnDemandPercentageAboveBaseCapacity below 100 (Spot Instances) is not "
         "implemented by Welkin"},
        {TWO M "InstancesDistribution.OnDemandPercentageAboveBaseCapacity=101",
         "OnDemandPercentageAboveBaseCapacity must be between 0 and 100"},
        {TWO M "InstancesDistribution.OnDemandBaseCapacity=-1",
         "OnDemandBaseCapacity must not be negative"},
        {TWO M "InstancesDistribution.OnDemandAllocationStrategy=lowest-price",
         "The parameter OnDemandAllocationStrategy lowest-price is not implemented by Welkin"},
        {TWO M "InstancesDistribution.OnDemandAllocationStrategy=x",
         "Invalid OnDemandAllocationStrategy: x"},
        {TWO M "InstancesDistribution.SpotMaxPrice=1",
         "The parameter SpotMaxPrice is not implemented by Welkin"},
        {TWO O("2") "WeightedCapacity=2",
         "WeightedCapacity must be specified for all instance types or for none"},
        {TWO O("2") "WeightedCapacity=1000", "WeightedCapacity must be a number between 1 and 999"},
        {TWO O("3") "InstanceType=t3.small", "Duplicate instance type t3.small in the overrides"},
        {BASE O("1") "WeightedCapacity=1", "Each override must have an InstanceType"},
        {BASE O("1") "InstanceRequirements.VCpuCount.Min=1" O(
             "1") "InstanceRequirements.MemoryMiB.Min=1",
         "The parameter InstanceRequirements is not implemented by Welkin"},
        {TWO O("1") "LaunchTemplateSpecification.LaunchTemplateName=none", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message, GROUP("1") "%s", rows[i].more);
    world_free(w);
}
