/* Auto Scaling: warm pools, metrics of groups, lifetimes and maintenance policies. */
#include "asg_help.h"
#include "cloudwatch_help.h"
#include "gen/store/api_rows.h"
#include "gen/store/ec2_rows.h"

static struct str
pool(struct world *w)
{
    return world_ok(w, "Action=DescribeWarmPool" V G "asg");
}

/* How many of the pool are in a state. */
static size_t
warm(struct world *w, const char *state)
{
    struct str list = xml_element(pool(w), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        n += !state || str_is(xml_text_at(list, "LifecycleState", i), state);
    return n;
}

TEST(a_pool_holds_stopped_instances_and_gives_them_first)
{
    struct world *w = world_with_group(1, 4, "");

    world_ok(w, "Action=PutWarmPool" V G "asg&MinSize=1");
    world_advance(w, 60000);
    CHECK_INT(warm(w, "Warmed:Stopped"), 3);
    CHECK_INT(in_ec2(w, "stopped"), 3);
    CHECK_INT(count(w, "asg", NULL), 1); /* those of the pool are not shown as the group's */
    CHECK_STR(xml_text(pool(w), "PoolState"), "Stopped");
    CHECK_STR(xml_text(describe(w, "asg"), "WarmPoolSize"), "3");
    CHECK(str_starts(activity(w, 0, "Description"),
                     S("Launching a new EC2 instance into warm pool: i-")));
    world_crash(w);
    desire(w, 3);
    world_advance(w, 10000);
    CHECK_INT(count(w, "asg", "InService"), 3);
    CHECK_INT(warm(w, "Warmed:Stopped"), 1);
    CHECK(str_starts(activity(w, 0, "Description"),
                     S("Launching a new EC2 instance from warm pool: i-")));
    CHECK_INT(in_ec2(w, "terminated"), 0);
    /* the least size holds at the largest group */
    desire(w, 4);
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", "InService"), 4);
    CHECK_INT(warm(w, "Warmed:Stopped"), 1);
    /* one that is gone is launched again */
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s",
              test_cstr(xml_text(xml_element(pool(w), "Instances"), "InstanceId")));
    world_advance(w, 60000);
    CHECK_INT(warm(w, "Warmed:Stopped"), 1);
    CHECK_INT(in_ec2(w, "terminated"), 1);
    world_ok(w, "Action=DeleteWarmPool" V G "asg");
    world_advance(w, 60000);
    CHECK(!xml_element(pool(w), "WarmPoolConfiguration").p);
    CHECK_INT(in_ec2(w, "stopped"), 0);
    world_free(w);
}

TEST(a_pool_takes_back_what_a_scale_in_gives)
{
    struct world *w = world_with_group(0, 5, "&DesiredCapacity=2");
    const char *first = id_at(w, "asg", 0);

    world_ok(w, "Action=PutWarmPool" V G "asg&MaxGroupPreparedCapacity=2&PoolState=Running"
                "&InstanceReusePolicy.ReuseOnScaleIn=true");
    world_advance(w, 10000);
    CHECK_INT(warm(w, NULL), 0);
    desire(w, 0);
    world_advance(w, 10000);
    CHECK_INT(warm(w, "Warmed:Running"), 2);
    CHECK_INT(in_ec2(w, "running"), 2);
    CHECK_STR(state_of(w, first), "Warmed:Running");
    CHECK_STR(xml_text(pool(w), "ReuseOnScaleIn"), "true");
    desire(w, 2);
    CHECK_STR(state_of(w, first), "InService");
    CHECK_INT(in_ec2(w, "running"), 2);
    /* a smaller pool ends what is too many */
    desire(w, 0);
    world_ok(w, "Action=PutWarmPool" V G "asg&MaxGroupPreparedCapacity=1");
    world_advance(w, 10000);
    CHECK_INT(warm(w, "Warmed:Running"), 1);
    CHECK_INT(in_ec2(w, "terminated"), 1);
    world_refused(w, "ResourceInUse", NULL, "Action=DeleteAutoScalingGroup" V G "asg");
    world_ok(w, "Action=DeleteAutoScalingGroup" V G "asg&ForceDelete=true");
    world_advance(w, 10000);
    CHECK_INT(in_ec2(w, "terminated"), 2);
    world_free(w);
}

#define GO                                                                                         \
    "Action=CompleteLifecycleAction" V G                                                           \
    "asg&LifecycleHookName=h&InstanceId=%s&LifecycleActionResult=CONTINUE"

TEST(hooks_are_waited_for_on_the_way_into_a_pool_and_out_of_it)
{
    struct world *w = world_with_group(0, 1, "");
    world_ok(w, "Action=PutLifecycleHook" V G "asg&LifecycleHookName=h&LifecycleTransition="
                "autoscaling:EC2_INSTANCE_LAUNCHING");
    world_ok(w, "Action=PutWarmPool" V G "asg");
    world_advance(w, 1000);
    const char *id = test_cstr(xml_text(xml_element(pool(w), "Instances"), "InstanceId"));

    CHECK_STR(state_of(w, id), "Warmed:Pending:Wait");
    world_refused(w, "ScalingActivityInProgress", NULL, "Action=DeleteWarmPool" V G "asg");
    world_okf(w, GO, id);
    world_advance(w, 10000);
    CHECK_STR(state_of(w, id), "Warmed:Stopped");
    desire(w, 1);
    CHECK_STR(state_of(w, id), "Pending:Wait");
    struct txn *txn = world_begin(w);
    size_t into = 0, out = 0;

    STORE_EACH(txn, cloud_event_by_key, row) {
        into +=
            str_find(row->detail, S("\"Origin\":\"EC2\",\"Destination\":\"WarmPool\"")) != SIZE_MAX;
        out +=
            str_find(row->detail,
                     S("\"Origin\":\"WarmPool\",\"Destination\":\"AutoScalingGroup\"")) != SIZE_MAX;
    }
    store_rollback(txn);
    CHECK_INT(into, 1);
    CHECK_INT(out, 1);
    world_okf(w, GO, id);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, id), "InService");
    world_free(w);
}

TEST(a_pool_hibernates_instances_that_can_and_tells_of_those_that_cannot)
{
    struct world *w = world_new();

    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=m5.large&LaunchTemplateData.HibernationOptions."
             "Configured=true&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/xvda"
             "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.Encrypted=true"
             "&LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=30");
    world_ok(w, "Action=CreateAutoScalingGroup" V G "asg&LaunchTemplate.LaunchTemplateName=tmpl"
                "&MinSize=0&MaxSize=1&AvailabilityZones.member.1=us-east-1a");
    world_ok(w, "Action=PutWarmPool" V G "asg&PoolState=Hibernated");
    world_advance(w, 300000);
    CHECK_INT(warm(w, "Warmed:Hibernated"), 1);
    CHECK_INT(in_ec2(w, "stopped"), 1);
    world_free(w);

    w = world_with_group(0, 1, "");
    world_ok(w, "Action=PutWarmPool" V G "asg&PoolState=Hibernated");
    world_advance(w, 10000);
    CHECK_INT(warm(w, "Warmed:Hibernated"), 0);
    CHECK(str_find(world_ok(w, "Action=DescribeScalingActivities" V), S("ibernat")) != SIZE_MAX);
    world_free(w);
}

TEST(a_pool_is_refused_for_what_is_wrong_with_it)
{
    struct world *w = world_with_group(1, 1, "&DefaultInstanceWarmup=600");

    world_refused(w, INVALID, "No warm pool found for Auto Scaling group asg",
                  "Action=DeleteWarmPool" V G "asg");
    world_refused(w, INVALID, NULL, "Action=PutWarmPool" V G "asg&PoolState=Hot");
    world_refused(w, INVALID, NULL, "Action=PutWarmPool" V G "none");
    world_ok(w, "Action=StartInstanceRefresh" V G "asg");
    world_refused(w, "InstanceRefreshInProgress", NULL, "Action=PutWarmPool" V G "asg");
    world_advance(w, 1200000);
    world_ok(w,
             "Action=CreateLaunchTemplate&LaunchTemplateName=tmpl&LaunchTemplateData.ImageId=" IMAGE
             "&LaunchTemplateData.InstanceType=t3.micro");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&MixedInstancesPolicy.LaunchTemplate."
                "LaunchTemplateSpecification.LaunchTemplateName=tmpl");
    world_advance(w, 1000);
    world_refused(w, INVALID,
                  "You can't add a warm pool to an Auto Scaling group that has a mixed instances "
                  "policy.",
                  "Action=PutWarmPool" V G "asg");
    world_free(w);
}

/* ---- metrics ---- */

/* The newest value of a metric of the group in the last minutes; -1: none. */
static double
metric(struct world *w, const char *name)
{
    struct str reply =
        CWF(w, "GetMetricData",
            "{'StartTime': %lld, 'EndTime': %lld, 'MetricDataQueries': [{'Id': 'a', 'MetricStat': "
            "{'Stat': 'Average', 'Period': 60, 'Metric': {'Namespace': 'AWS/AutoScaling', "
            "'MetricName': '%s', 'Dimensions': [{'Name': 'AutoScalingGroupName', 'Value': "
            "'asg'}]}}}]}",
            cw_now(w) - 300, cw_now(w), name);

    return json_count(reply, "MetricDataResults.0.Values")
               ? cw_number(reply, "MetricDataResults.0.Values.0")
               : -1;
}

TEST(a_group_tells_its_metrics_each_minute, "ASG-10")
{
    struct world *w = world_with_group(1, 5, "&DesiredCapacity=3");

    world_refused(w, INVALID, NULL,
                  "Action=EnableMetricsCollection" V G "asg&Granularity=5Minutes");
    world_refused(w, INVALID, "Metric X is not supported",
                  "Action=EnableMetricsCollection" V G
                  "asg&Granularity=1Minute&Metrics.member.1=X");
    world_advance(w, 180000);
    CHECK(metric(w, "GroupDesiredCapacity") == -1);
    world_ok(w, "Action=EnableMetricsCollection" V G "asg&Granularity=1Minute");
    world_okf(w,
              "Action=EnterStandby" V G "asg&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=true",
              id_at(w, "asg", 0));
    world_advance(w, 180000);
    static const struct {
        const char *name;
        double value;
    } rows[] = {
        {"GroupMinSize", 1},
        {"GroupMaxSize", 5},
        {"GroupDesiredCapacity", 2},
        {"GroupInServiceInstances", 2},
        {"GroupPendingInstances", 0},
        {"GroupStandbyInstances", 1},
        {"GroupTerminatingInstances", 0},
        {"GroupTotalInstances", 3},
        {"GroupInServiceCapacity", 2},
        {"WarmPoolDesiredCapacity", 0},
        {"GroupAndWarmPoolTotalCapacity", 3},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (metric(w, rows[i].name) != rows[i].value)
            FAIL("%s is %g", rows[i].name, metric(w, rows[i].name));
    CHECK_INT(xml_count(describe(w, "asg"), "Granularity"), 20);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeMetricCollectionTypes" V), "Metric"), 20);
    /* by the minute, and none of one that is not collected any more */
    world_ok(w, "Action=DisableMetricsCollection" V G "asg&Metrics.member.1=GroupMinSize");
    CHECK_INT(xml_count(describe(w, "asg"), "Granularity"), 19);
    world_crash(w);
    world_advance(w, 600000);
    CHECK(metric(w, "GroupMinSize") == -1);
    CHECK(metric(w, "GroupMaxSize") == 5);
    world_ok(w, "Action=DisableMetricsCollection" V G "asg");
    CHECK_INT(xml_count(describe(w, "asg"), "Granularity"), 0);
    world_free(w);
}

/* ---- lifetimes and maintenance ---- */

#define DAY_MS INT64_C(86400000)

TEST(an_instance_that_served_too_long_is_replaced)
{
    struct world *w = world_with_group(2, 2, "&MaxInstanceLifetime=86400");
    const char *first = id_at(w, "asg", 0), *second = id_at(w, "asg", 1);

    CHECK_STR(xml_text(describe(w, "asg"), "MaxInstanceLifetime"), "86400");
    world_jump(w, DAY_MS - 60000);
    world_settle(w);
    CHECK_STR(state_of(w, first), "InService");
    world_jump(w, 60000);
    for (int i = 0; i < 40; i++) {
        world_advance(w, 50);
        CHECK(in_ec2(w, "running") + in_ec2(w, "pending") >= 1); /* one at a time */
    }
    world_advance(w, 60000);
    CHECK(!state_of(w, first).p && !state_of(w, second).p);
    CHECK_INT(count(w, "asg", "InService"), 2);
    CHECK_INT(in_ec2(w, "terminated"), 2);
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&MaxInstanceLifetime=0");
    CHECK(!xml_text(describe(w, "asg"), "MaxInstanceLifetime").p);
    world_refused(w, INVALID, "MaxInstanceLifetime must be 0 or between 86400 and 31536000 seconds",
                  "Action=UpdateAutoScalingGroup" V G "asg&MaxInstanceLifetime=60");
    world_free(w);
}

TEST(a_maintenance_policy_launches_before_it_ends_anything)
{
    struct world *w = world_with_group(2, 2,
                                       "&InstanceMaintenancePolicy.MinHealthyPercentage=100"
                                       "&InstanceMaintenancePolicy.MaxHealthyPercentage=150"
                                       "&MaxInstanceLifetime=86400");
    const char *first = id_at(w, "asg", 0);
    bool more = false;

    CHECK_STR(xml_text(describe(w, "asg"), "MaxHealthyPercentage"), "150");
    /* an unhealthy one first gets a successor */
    world_okf(w,
              "Action=SetInstanceHealth" V "&InstanceId=%s&HealthStatus=Unhealthy"
              "&ShouldRespectGracePeriod=false",
              first);
    for (int i = 0; i < 100; i++) {
        world_advance(w, 20);
        size_t n = in_ec2(w, "running"), coming = in_ec2(w, "pending");

        more = more || n + coming == 3;
        CHECK(n >= 2 && n + coming <= 3);
    }
    CHECK(more && !state_of(w, first).p);
    CHECK_INT(count(w, "asg", "InService"), 2);
    /* and so do those that are too old */
    world_jump(w, DAY_MS);
    for (int i = 0; i < 200; i++) {
        world_advance(w, 20);
        CHECK(in_ec2(w, "running") >= 2 && in_ec2(w, "running") <= 3);
    }
    /* EC2 shows no more of the unhealthy one of yesterday */
    CHECK_INT(in_ec2(w, "terminated"), 2);
    CHECK_INT(count(w, "asg", "InService"), 2);
    world_ok(w, "Action=UpdateAutoScalingGroup" V G
                "asg&InstanceMaintenancePolicy.MinHealthyPercentage=-1"
                "&InstanceMaintenancePolicy.MaxHealthyPercentage=-1");
    CHECK(!xml_element(describe(w, "asg"), "InstanceMaintenancePolicy").p);
    static const struct {
        const char *more, *message;
    } rows[] = {
        {"&InstanceMaintenancePolicy.MinHealthyPercentage=90",
         "Both MinHealthyPercentage and MaxHealthyPercentage must be specified"},
        {"&InstanceMaintenancePolicy.MinHealthyPercentage=50"
         "&InstanceMaintenancePolicy.MaxHealthyPercentage=200",
         "The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be greater "
         "than 100"},
        {"&InstanceMaintenancePolicy.MinHealthyPercentage=50"
         "&InstanceMaintenancePolicy.MaxHealthyPercentage=-1",
         "Both MinHealthyPercentage and MaxHealthyPercentage must be specified"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message, "Action=UpdateAutoScalingGroup" V G "asg%s",
                       rows[i].more);
    world_free(w);
}
