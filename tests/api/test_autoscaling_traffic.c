/* Auto Scaling: groups behind target groups of a load balancer. */
#include "asg_help.h"
#undef IMAGE
#include "elb_help.h"
#include "gen/store/elbv2_rows.h"

/* A balancer whose listener leads to a target group; its ARN, percent-coded. */
static const char *
target_group(struct world *w, const char *delay_s)
{
    const char *balancer = balancer_made(w, "web", ""), *arn = group_made(w, "tg", "");

    world_okf(w,
              "Action=ModifyTargetGroupAttributes" V2 "&TargetGroupArn=%s&Attributes.member.1.Key="
              "deregistration_delay.timeout_seconds&Attributes.member.1.Value=%s",
              arn, delay_s);
    listener_made(w, balancer, 80, arn);
    return arn;
}

/* The group `asg` in it, of as many instances. */
static const char *
behind(struct world *w, int n, const char *more)
{
    const char *arn = target_group(w, "60");

    config(w, "lc", "");
    CHECK_OK(w, group(w, "asg", 0, 4,
                      test_fmt("&DesiredCapacity=%d&TargetGroupARNs.member.1=%s%s", n, arn, more)));
    world_advance(w, 10000);
    return arn;
}

static size_t
targets(struct world *w, const char *arn, const char *state)
{
    struct str all = health_of(w, arn);
    size_t n = 0;

    for (size_t i = 0; i < xml_count(all, "TargetHealth"); i++)
        n += str_is(xml_text(xml_element_at(all, "TargetHealth", i), "State"), state);
    return n;
}

/* What a node would say of it. */
static void
falls_ill(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    struct elb_target_row row = {0};

    STORE_EACH(txn, elb_target_by_target, target, str_from(id))
        row = *target;
    CHECK(row.id.n > 0);
    row.health = S("unhealthy");
    row.reason = S("Target.Timeout");
    row.description = S("Request timed out");
    CHECK_INT(elb_target_update(txn, &row), 0);
    store_commit(txn);
    world_settle(w);
}

#define SOURCES "Action=DescribeTrafficSources" V G "asg"
#define GROUPS "Action=DescribeLoadBalancerTargetGroups" V G "asg"

TEST(instances_are_in_the_target_group_while_they_serve)
{
    struct world *w = world_new();
    const char *arn = behind(w, 2, "");

    CHECK_INT(targets(w, arn, "healthy"), 2);
    CHECK_STR(xml_text(world_ok(w, GROUPS), "State"), "InService");
    CHECK_STR(xml_text(world_ok(w, SOURCES), "Type"), "elbv2");
    CHECK_INT(xml_count(xml_element(describe(w, "asg"), "TargetGroupARNs"), "member"), 1);
    /* one that is scaled in drains before it ends */
    desire(w, 1);
    CHECK_INT(targets(w, arn, "draining"), 1);
    CHECK_INT(count(w, "asg", "Terminating"), 1);
    CHECK_INT(in_ec2(w, "running"), 2);
    world_crash(w);
    world_advance(w, 70000);
    CHECK_INT(in_ec2(w, "running"), 1);
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 1);
    world_ok(w, "Action=DeleteAutoScalingGroup" V G "asg&ForceDelete=true");
    world_advance(w, 70000);
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 0);
    CHECK_INT(in_ec2(w, "running"), 0);
    world_free(w);
}

TEST(an_instance_in_standby_is_not_in_the_target_group, "ASGH-03")
{
    struct world *w = world_new();
    const char *arn = behind(w, 1, ""), *id = id_at(w, "asg", 0);

    world_okf(w,
              "Action=EnterStandby" V G "asg&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=true",
              id);
    world_advance(w, 1000);
    CHECK_STR(state_of(w, id), "EnteringStandby");
    world_advance(w, 70000);
    CHECK_STR(state_of(w, id), "Standby");
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 0);
    world_okf(w, "Action=ExitStandby" V G "asg&InstanceIds.member.1=%s", id);
    world_advance(w, 10000);
    CHECK_INT(targets(w, arn, "healthy"), 1);
    /* likewise when it leaves */
    world_okf(w,
              "Action=DetachInstances" V G "asg&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=true",
              id);
    world_advance(w, 70000);
    CHECK(!state_of(w, id).p);
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 0);
    CHECK_INT(in_ec2(w, "running"), 1);
    world_free(w);
}

TEST(what_the_balancer_finds_ill_is_replaced_where_the_group_asks_it, "ASGH-06 ASGH-07")
{
    struct world *w = world_new();
    const char *arn = behind(w, 1, "&HealthCheckGracePeriod=100"), *id = id_at(w, "asg", 0);

    /* the group asks EC2 alone */
    falls_ill(w, id);
    world_advance(w, 300000);
    CHECK_STR(state_of(w, id), "InService");
    world_ok(w, "Action=UpdateAutoScalingGroup" V G "asg&HealthCheckType=ELB");
    world_advance(w, 100000);
    CHECK(!state_of(w, id).p);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK(str_find(plain(world_ok(w, "Action=DescribeScalingActivities" V)),
                   S("At T an instance was taken out of service in response to an ELB system "
                     "health check failure.")) != SIZE_MAX);
    /* a young one has its grace */
    id = id_at(w, "asg", 0);
    desire(w, 2);
    falls_ill(w, id_at(w, "asg", 1));
    world_advance(w, 10000);
    CHECK_INT(count(w, "asg", "InService"), 2);
    /* and both checks count: one that EC2 does not run is replaced as well */
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 100000);
    CHECK(!state_of(w, id).p);
    CHECK(targets(w, arn, "healthy") >= 1);
    world_free(w);
}

TEST(without_addtoloadbalancer_nobody_is_registered_then_or_later, "ASGR-16")
{
    struct world *w = world_new();
    const char *arn = behind(w, 0, "");

    world_ok(w, "Action=SuspendProcesses" V G "asg&ScalingProcesses.member.1=AddToLoadBalancer");
    desire(w, 1);
    world_ok(w, "Action=ResumeProcesses" V G "asg");
    world_advance(w, 60000);
    CHECK_INT(count(w, "asg", "InService"), 1);
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 0);
    desire(w, 2);
    world_advance(w, 10000);
    CHECK_INT(targets(w, arn, "healthy"), 1);
    world_free(w);
}

TEST(target_groups_are_attached_and_detached)
{
    struct world *w = world_new();
    const char *arn = target_group(w, "0");

    config(w, "lc", "");
    CHECK_OK(w, group(w, "asg", 1, 4, ""));
    world_advance(w, 1000);
    world_okf(w, "Action=AttachLoadBalancerTargetGroups" V G "asg&TargetGroupARNs.member.1=%s",
              arn);
    world_advance(w, 10000);
    CHECK_INT(targets(w, arn, "healthy"), 1);
    world_okf(w, "Action=DetachLoadBalancerTargetGroups" V G "asg&TargetGroupARNs.member.1=%s",
              arn);
    world_advance(w, 10000);
    CHECK_INT(xml_count(health_of(w, arn), "TargetHealth"), 0);
    CHECK_INT(xml_count(world_ok(w, GROUPS), "State"), 0);
    world_okf(w,
              "Action=AttachTrafficSources" V G "asg&TrafficSources.member.1.Identifier=%s"
              "&TrafficSources.member.1.Type=elbv2",
              arn);
    world_advance(w, 10000);
    CHECK_INT(targets(w, arn, "healthy"), 1);
    world_okf(w, "Action=DetachTrafficSources" V G "asg&TrafficSources.member.1.Identifier=%s",
              arn);
    world_advance(w, 10000);
    CHECK_INT(xml_count(world_ok(w, SOURCES), "State"), 0);
    CHECK_INT(count(w, "asg", "InService"), 1);

    static const struct {
        const char *more, *message;
    } rows[] = {
        {"AttachLoadBalancerTargetGroups" V G "asg&TargetGroupARNs.member.1=arn:aws:x",
         "Provided Target Groups may not be valid. Please ensure they exist and try again."},
        {"DetachLoadBalancerTargetGroups" V G "asg&TargetGroupARNs.member.1=arn:aws:x",
         "Trying to remove Target Groups that are not part of the group"},
        {"AttachTrafficSources" V G "asg&TrafficSources.member.1.Identifier=classic"
         "&TrafficSources.member.1.Type=elb",
         "The parameter TrafficSources of Classic Load Balancers is not implemented by Welkin"},
        {"AttachTrafficSources" V G "asg&TrafficSources.member.1.Identifier=arn:aws:x"
         "&TrafficSources.member.1.Type=vpc-lattice",
         "The parameter TrafficSources of VPC Lattice is not implemented by Welkin"},
        {"AttachTrafficSources" V G "asg&TrafficSources.member.1.Identifier=arn:aws:x"
         "&TrafficSources.member.1.Type=x",
         "Invalid traffic source type: x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, INVALID, rows[i].message, "Action=%s", rows[i].more);
    /* another account's are none */
    world_account(w, "111122223333", "us-east-1");
    config(w, "lc", "");
    CHECK_OK(w, group(w, "asg", 0, 1, ""));
    world_refusedf(w, INVALID, NULL,
                   "Action=AttachLoadBalancerTargetGroups" V G "asg&TargetGroupARNs.member.1=%s",
                   arn);
    world_free(w);
}
