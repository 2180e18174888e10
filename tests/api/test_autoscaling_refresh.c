/* Auto Scaling: instance refreshes. */
#include "asg_help.h"
#include "cloudwatch_help.h"

static struct str
refresh(struct world *w)
{
    return world_ok(w, "Action=DescribeInstanceRefreshes" V G "asg");
}

TEST(a_refresh_replaces_all_instances_and_keeps_enough_of_them, "ASGD-05")
{
    struct world *w = world_with_group(0, 4, "&DesiredCapacity=4&DefaultInstanceWarmup=60");
    const char *first = id_at(w, "asg", 0);

    world_advance(w, 3600000);
    config(w, "lc2", "");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&LaunchConfigurationName=lc2");
    world_ok(w, "Action=StartInstanceRefresh" V G "asg&Preferences.MinHealthyPercentage=50");
    world_refused(w, "InstanceRefreshInProgress",
                  "An Instance Refresh is already in progress and blocks the execution of this "
                  "Instance Refresh.",
                  "Action=StartInstanceRefresh" V G "asg");
    world_advance(w, 1000);
    /* two are new and not warm: the other two wait */
    CHECK_INT(in_ec2(w, "terminated"), 2);
    CHECK_STR(xml_text(refresh(w), "Status"), "InProgress");
    CHECK_STR(xml_text(refresh(w), "PercentageComplete"), "50");
    CHECK_STR(xml_text(refresh(w), "InstancesToUpdate"), "2");
    world_crash(w);
    for (int i = 0; i < 20; i++) {
        world_advance(w, 10000);
        CHECK(in_ec2(w, "running") >= 2);
    }
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    CHECK_STR(xml_text(refresh(w), "PercentageComplete"), "100");
    CHECK_INT(count(w, "asg", "InService"), 4);
    CHECK_INT(in_ec2(w, "terminated"), 4);
    CHECK(!state_of(w, first).p);
    CHECK(str_find(world_ok(w, "Action=DescribeScalingActivities" V),
                   S("an instance was taken out of service in response to an instance refresh.")) !=
          SIZE_MAX);
    /* all are as the group wants them already */
    world_ok(w, "Action=StartInstanceRefresh" V G "asg&Preferences.SkipMatching=true");
    world_advance(w, 1000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    CHECK_INT(in_ec2(w, "terminated"), 4);
    world_free(w);
}

TEST(a_refresh_is_cancelled_and_refused)
{
    struct world *w = world_with_group(0, 2, "&DesiredCapacity=2&DefaultInstanceWarmup=600");

    world_refused(w, "ActiveInstanceRefreshNotFound",
                  "No in progress or pending Instance Refresh found for Auto Scaling group asg",
                  "Action=CancelInstanceRefresh" V G "asg");
    world_advance(w, 1000);
    world_ok(w, "Action=StartInstanceRefresh" V G "asg");
    world_advance(w, 1000);
    CHECK_INT(in_ec2(w, "terminated"), 1);
    world_ok(w, "Action=CancelInstanceRefresh" V G "asg");
    world_advance(w, 3600000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Cancelled");
    CHECK_INT(in_ec2(w, "running"), 2);
    CHECK_STR(xml_text(refresh(w), "MinHealthyPercentage"), "90");
    world_free(w);
}

/* A group of one zone and a version of a template that has three. */
static struct world *
world_of_template(const char *version, const char *more)
{
    static const char *const types[] = {"t3.small", "t3.medium"};
    struct world *w = world_new();

    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.micro");
    for (size_t i = 0; i < 2; i++)
        world_okf(w,
                  "Action=CreateLaunchTemplateVersion&LaunchTemplateName=tmpl&LaunchTemplateData."
                  "ImageId=" IMAGE "&LaunchTemplateData.InstanceType=%s",
                  types[i]);
    world_okf(w,
              "Action=CreateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl"
              "&LaunchTemplate.Version=%s&MinSize=0&MaxSize=10&AvailabilityZones.member.1=us-east-"
              "1a%s",
              version, more);
    world_advance(w, 1000);
    return w;
}

static size_t
of_type(struct world *w, const char *type)
{
    struct str list = xml_element(describe(w, "asg"), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        n += str_is(xml_text_at(list, "InstanceType", i), type);
    return n;
}

#define WANT(n)                                                                                    \
    "&DesiredConfiguration.LaunchTemplate.LaunchTemplateName=tmpl"                                 \
    "&DesiredConfiguration.LaunchTemplate.Version=" n
#define START "Action=StartInstanceRefresh" V G "asg&Preferences."

TEST(a_refresh_brings_another_version_which_becomes_the_groups_at_its_end)
{
    struct world *w = world_of_template("1", "&DesiredCapacity=4");
    size_t most = 0;

    world_advance(w, 60000);
    world_ok(w, START "MinHealthyPercentage=100&Preferences.MaxHealthyPercentage=150"
                      "&Preferences.InstanceWarmup=60" WANT("2"));
    CHECK_STR(xml_text(xml_element(refresh(w), "DesiredConfiguration"), "Version"), "2");
    for (int i = 0; i < 100 && !xml_text(refresh(w), "EndTime").p; i++) {
        CHECK_STR(xml_text(xml_element(describe(w, "asg"), "LaunchTemplate"), "Version"), "1");
        world_advance(w, 3000);
        most = MAX(most, count(w, "asg", NULL));
        CHECK(count(w, "asg", "InService") >= 4);
        if (i == 5)
            world_crash(w);
    }
    CHECK_INT(most, 6);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    CHECK_INT(of_type(w, "t3.small"), 4);
    CHECK_INT(count(w, "asg", NULL), 4);
    CHECK_STR(xml_text(xml_element(describe(w, "asg"), "LaunchTemplate"), "Version"), "2");
    /* what matches is skipped; the template becomes a policy of another type */
    world_ok(w, START "SkipMatching=true" WANT("2"));
    world_advance(w, 1000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    CHECK_INT(in_ec2(w, "terminated"), 4);
    world_ok(w, START "SkipMatching=true&Preferences.MinHealthyPercentage=0"
                      "&DesiredConfiguration.MixedInstancesPolicy.LaunchTemplate."
                      "LaunchTemplateSpecification.LaunchTemplateName=tmpl"
                      "&DesiredConfiguration.MixedInstancesPolicy.LaunchTemplate.Overrides."
                      "member.1.InstanceType=t3.nano");
    CHECK(xml_element(xml_element(refresh(w), "DesiredConfiguration"), "MixedInstancesPolicy").p);
    world_advance(w, 60000);
    CHECK_INT(of_type(w, "t3.nano"), 4);
    CHECK(xml_element(describe(w, "asg"), "MixedInstancesPolicy").p);
    world_free(w);
}

TEST(a_refresh_waits_at_its_checkpoints_and_bakes)
{
    struct world *w = world_of_template("1", "&DesiredCapacity=4");

    world_advance(w, 60000);
    world_ok(w, START "CheckpointPercentages.member.1=25&Preferences.CheckpointPercentages."
                      "member.2=100&Preferences.CheckpointDelay=600&Preferences.BakeTime=300"
                      "&Preferences.MinHealthyPercentage=0" WANT("2"));
    world_advance(w, 500000);
    CHECK_INT(of_type(w, "t3.small"), 1);
    CHECK_STR(xml_text(refresh(w), "PercentageComplete"), "25");
    CHECK_STR(xml_text(xml_element(refresh(w), "CheckpointPercentages"), "member"), "25");
    world_crash(w);
    world_advance(w, 200000);
    CHECK_INT(of_type(w, "t3.small"), 4);
    CHECK_STR(xml_text(refresh(w), "Status"), "Baking");
    world_advance(w, 300000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    world_free(w);
}

TEST(a_refresh_is_rolled_back_by_hand_and_by_an_alarm)
{
    struct world *w = world_of_template("1", "&DesiredCapacity=4");

    world_advance(w, 60000);
    world_refused(w, "ActiveInstanceRefreshNotFound", NULL,
                  "Action=RollbackInstanceRefresh" V G "asg");
    world_ok(w, START "InstanceWarmup=300&Preferences.MinHealthyPercentage=50" WANT("2"));
    world_advance(w, 10000);
    CHECK_INT(of_type(w, "t3.small"), 2);
    world_ok(w, "Action=RollbackInstanceRefresh" V G "asg");
    CHECK_STR(xml_text(refresh(w), "Status"), "RollbackInProgress");
    world_refused(w, "IrreversibleInstanceRefresh", NULL,
                  "Action=RollbackInstanceRefresh" V G "asg");
    world_advance(w, 3600000);
    CHECK_STR(xml_text(refresh(w), "Status"), "RollbackSuccessful");
    CHECK_STR(xml_text(refresh(w), "PercentageCompleteOnRollback"), "100");
    CHECK_INT(of_type(w, "t3.micro"), 4);
    CHECK_STR(xml_text(xml_element(describe(w, "asg"), "LaunchTemplate"), "Version"), "1");
    /* without a configuration of its own there is no way back */
    world_ok(w, START "InstanceWarmup=300");
    world_refused(w, "IrreversibleInstanceRefresh", NULL,
                  "Action=RollbackInstanceRefresh" V G "asg");
    world_ok(w, "Action=CancelInstanceRefresh" V G "asg&WaitForTransitioningInstances=false");
    CHECK_STR(xml_text(refresh(w), "Status"), "Cancelled");
    world_advance(w, 60000);

    cw_on_the_minute(w);
    CWF(w, "PutMetricAlarm",
        "{'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'Test', 'Statistic': 'Average', "
        "'Period': 60, 'EvaluationPeriods': 1, 'Threshold': %d, 'ComparisonOperator': "
        "'GreaterThanThreshold'}",
        50);
    world_ok(w, START "InstanceWarmup=300&Preferences.AutoRollback=true&Preferences."
                      "AlarmSpecification.Alarms.member.1=a" WANT("3"));
    world_advance(w, 10000);
    CHECK_INT(of_type(w, "t3.medium"), 1);
    cw_put(w, "m", 60);
    world_advance(w, 120000);
    CHECK_STR(xml_text(refresh(w), "Status"), "RollbackInProgress");
    CHECK_STR(xml_text(refresh(w), "RollbackReason"), "The alarm a is in state ALARM.");
    world_advance(w, 3600000);
    CHECK_STR(xml_text(refresh(w), "Status"), "RollbackSuccessful");
    CHECK_INT(of_type(w, "t3.micro"), 4);
    world_free(w);
}

TEST(a_refresh_that_comes_no_further_fails_after_an_hour)
{
    struct world *w =
        world_of_template("1", "&DesiredCapacity=1&NewInstancesProtectedFromScaleIn=true");

    world_ok(w, START "InstanceWarmup=0" WANT("2"));
    world_advance(w, 3500000);
    CHECK_STR(xml_text(refresh(w), "Status"), "InProgress");
    world_advance(w, 200000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Failed");
    CHECK_INT(of_type(w, "t3.micro"), 1);
    world_ok(w, START "ScaleInProtectedInstances=Refresh&Preferences.InstanceWarmup=0" WANT("2"));
    world_advance(w, 10000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    CHECK_INT(of_type(w, "t3.small"), 1);
    world_free(w);
}

TEST(a_refresh_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_of_template("$Latest", "");
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"AutoRollback=true",
         "AutoRollback requires a DesiredConfiguration, and a group whose launch template has a "
         "version other than $Latest and $Default"},
        {"AutoRollback=true" WANT("1"), NULL},
        {"CheckpointDelay=60", "CheckpointDelay requires CheckpointPercentages"},
        {"CheckpointPercentages.member.1=50&Preferences.CheckpointPercentages.member.2=50",
         "CheckpointPercentages must be unique numbers between 1 and 100 in ascending order"},
        {"MaxHealthyPercentage=110",
         "MinHealthyPercentage must be specified when MaxHealthyPercentage is specified"},
        {"MaxHealthyPercentage=200&Preferences.MinHealthyPercentage=50",
         "The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be greater "
         "than 100"},
        {"SkipMatching=true" WANT("9"), NULL},
        {"SkipMatching=true&Strategy=ReplaceRootVolume",
         "The parameter Strategy ReplaceRootVolume is not implemented by Welkin"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message, START "%s", rows[i].more);
    world_free(w);
}

TEST(a_refresh_renews_the_warm_pool_too)
{
    struct world *w = world_of_template("1", "&DesiredCapacity=1");

    world_ok(w, "Action=PutWarmPool" V G "asg&MaxGroupPreparedCapacity=3");
    world_advance(w, 60000);
    world_ok(w, START "InstanceWarmup=0" WANT("2"));
    world_advance(w, 120000);
    CHECK_STR(xml_text(refresh(w), "Status"), "Successful");
    struct str seen = world_ok(w, "Action=DescribeWarmPool" V G "asg");

    CHECK_INT(xml_count(seen, "InstanceId"), 2);
    CHECK_STR(xml_text(seen, "InstanceType"), "t3.small");
    CHECK_STR(xml_text_at(seen, "InstanceType", 1), "t3.small");
    world_free(w);
}
