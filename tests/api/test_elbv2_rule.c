/* Listeners, rules and targets of load balancers. */
#include "api/elb_help.h"

TEST(a_listener_forwards_to_a_group_until_it_is_deleted, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", ""), *group = group_made(w, "tg", "");
    const char *listener = listener_made(w, arn, 80, group);
    struct str shown = world_okf(w, "Action=DescribeListeners" V2 "&LoadBalancerArn=%s", arn);

    CHECK(str_is(xml_text(shown, "Port"), "80"));
    CHECK(str_is(xml_text(shown, "Weight"), "1"));
    CHECK(str_is(xml_text(shown, "Enabled"), "false"));
    CHECK(xml_count(shown, "TargetGroupArn") == 2);
    shown = world_okf(w, "Action=DescribeTargetGroups" V2 "&LoadBalancerArn=%s", arn);
    CHECK(str_is(xml_text(xml_element(shown, "LoadBalancerArns"), "member"),
                 xml_cstr(world_ok(w, "Action=DescribeLoadBalancers" V2), "LoadBalancerArn")));
    world_refusedf(w, "DuplicateListener", NULL,
                   "Action=CreateListener" V2 "&LoadBalancerArn=%s&Protocol=HTTP&Port=80" FIXED,
                   arn);
    world_refusedf(w, "ResourceInUse", NULL, "Action=DeleteTargetGroup" V2 "&TargetGroupArn=%s",
                   group);
    world_refusedf(w, "ValidationError", "A listener port must be specified",
                   "Action=CreateListener" V2 "&LoadBalancerArn=%s&Protocol=HTTP" FIXED, arn);
    world_refusedf(w, "ValidationError", "A listener protocol must be specified",
                   "Action=CreateListener" V2 "&LoadBalancerArn=%s&Port=81" FIXED, arn);
    world_refusedf(w, "ValidationError", "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
                   "Action=CreateListener" V2 "&LoadBalancerArn=%s&Protocol=TCP&Port=81" FIXED,
                   arn);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateListener" V2 "&LoadBalancerArn=%s&Protocol=HTTPS&Port=81" FIXED,
                   arn);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateListener" V2
                   "&LoadBalancerArn=%s&Protocol=HTTP&Port=81&SslPolicy=x" FIXED,
                   arn);
    world_refused(w, "ValidationError",
                  "You must specify either listener ARNs or a load balancer "
                  "ARN",
                  "Action=DescribeListeners" V2);
    shown = world_okf(w, "Action=ModifyListener" V2 "&ListenerArn=%s&Port=8080" FIXED, listener);
    CHECK(str_is(xml_text(shown, "StatusCode"), "404"));
    world_crash(w);
    world_okf(w, "Action=DeleteTargetGroup" V2 "&TargetGroupArn=%s", group);
    world_okf(w, "Action=DeleteListener" V2 "&ListenerArn=%s", listener);
    world_refusedf(w, "ListenerNotFound", "One or more listeners not found",
                   "Action=DeleteListener" V2 "&ListenerArn=%s", listener);
    world_refusedf(w, "ListenerNotFound", NULL, "Action=DescribeRules" V2 "&ListenerArn=%s",
                   listener);
    world_free(w);
}

#define ACTIONS                                                                                    \
    "Action=CreateListener" V2 "&LoadBalancerArn=%s&Protocol=HTTP&Port=81"                         \
    "&DefaultActions.member.1."

/* `far` is a group in another VPC. */
static void
check_refused(struct world *w, const char *arn, const char *group, const char *far)
{
    world_refusedf(w, "InvalidConfigurationRequest", NULL,
                   ACTIONS "Type=forward"
                           "&DefaultActions.member.1.TargetGroupArn=%s",
                   arn, far);
    world_refusedf(w, "TargetGroupNotFound", NULL,
                   ACTIONS "Type=forward"
                           "&DefaultActions.member.1.TargetGroupArn=%s0",
                   arn, group);
    world_refusedf(w, "InvalidLoadBalancerAction", NULL, ACTIONS "Type=forward", arn);
    world_refusedf(w, "InvalidLoadBalancerAction", NULL, ACTIONS "Type=redirect", arn);
    world_refusedf(w, "InvalidLoadBalancerAction", NULL, ACTIONS "Type=fixed-response", arn);
    world_refusedf(w, "ValidationError", NULL, ACTIONS "Type=what", arn);
    world_refusedf(w, "ValidationError", NULL,
                   ACTIONS "Type=fixed-response"
                           "&DefaultActions.member.1.FixedResponseConfig.StatusCode=302",
                   arn);
    world_refusedf(w, "InvalidLoadBalancerAction", NULL,
                   ACTIONS "Type=fixed-response"
                           "&DefaultActions.member.1.FixedResponseConfig.StatusCode=200"
                           "&DefaultActions.member.1.FixedResponseConfig.ContentType=image/png",
                   arn);
    world_refusedf(w, "InvalidLoadBalancerAction", NULL,
                   ACTIONS "Type=redirect"
                           "&DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301",
                   arn);
    world_refusedf(w, "ValidationError", NULL,
                   ACTIONS "Type=redirect"
                           "&DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301"
                           "&DefaultActions.member.1.RedirectConfig.Port=x",
                   arn);
    world_refusedf(w, "TooManyActions", NULL,
                   ACTIONS "Type=fixed-response"
                           "&DefaultActions.member.1.FixedResponseConfig.StatusCode=404"
                           "&DefaultActions.member.2.Type=fixed-response"
                           "&DefaultActions.member.2.FixedResponseConfig.StatusCode=404",
                   arn);
}

TEST(actions_are_checked_and_completed, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", ""), *group = group_made(w, "tg", "");
    const char *other = xml_cstr(world_ok(w, "Action=CreateVpc&CidrBlock=10.9.0.0/16"), "vpcId");
    const char *far = arn_in(w,
                             world_okf(w,
                                       "Action=CreateTargetGroup" V2 "&Name=far&Protocol=HTTP"
                                       "&Port=80&VpcId=%s",
                                       other),
                             "TargetGroupArn");

    check_refused(w, arn, group, far);
#define TUPLE "&DefaultActions.member.1.ForwardConfig.TargetGroups.member."
    world_refusedf(w, "ValidationError",
                   "The weight for each target group must be between 0 and 999, inclusive",
                   ACTIONS "Type=forward" TUPLE "1.TargetGroupArn=%s" TUPLE "1.Weight=1000", arn,
                   group);
    world_refusedf(w, "ValidationError", NULL,
                   ACTIONS "Type=forward" TUPLE "1.TargetGroupArn=%s&DefaultActions.member.1."
                           "ForwardConfig.TargetGroupStickinessConfig.Enabled=true",
                   arn, group);
    struct str made =
        world_okf(w,
                  ACTIONS "Type=redirect"
                          "&DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301"
                          "&DefaultActions.member.1.RedirectConfig.Protocol=HTTPS"
                          "&DefaultActions.member.1.RedirectConfig.Port=443",
                  arn);
    CHECK(str_is(xml_text(made, "Path"), "/#{path}") && str_is(xml_text(made, "Host"), "#{host}"));
    CHECK(str_is(xml_text(made, "Query"), "#{query}"));
    const char *green = group_made(w, "green", "");
    made = world_okf(w,
                     "Action=ModifyListener" V2 "&ListenerArn=%s&DefaultActions.member.1.Type="
                     "forward" TUPLE "1.TargetGroupArn=%s" TUPLE "1.Weight=90" TUPLE
                     "2.TargetGroupArn=%s" TUPLE "2.Weight=10",
                     arn_in(w, made, "ListenerArn"), group, green);
    CHECK(xml_count(made, "TargetGroupArn") == 2);
    CHECK(str_is(xml_text_at(made, "Weight", 1), "10"));
    world_free(w);
}

#define RULE                                                                                       \
    "Action=CreateRule" V2 "&ListenerArn=%s&Actions.member.1.Type=fixed-response"                  \
    "&Actions.member.1.FixedResponseConfig.StatusCode=200&Priority=%d"
#define FIELD "&Conditions.member.1.Field="
#define C1 "&Conditions.member.1."

/* The default rule stays as it is. */
static void
check_default_rule(struct world *w, const char *last)
{
    world_refusedf(w, "OperationNotPermitted", NULL, "Action=DeleteRule" V2 "&RuleArn=%s", last);
    world_refusedf(
        w, "OperationNotPermitted", NULL,
        "Action=ModifyRule" V2 "&RuleArn=%s" FIELD "path-pattern" C1 "Values.member.1=/b", last);
    world_refusedf(w, "OperationNotPermitted", NULL,
                   "Action=SetRulePriorities" V2 "&RulePriorities.member.1.RuleArn=%s"
                   "&RulePriorities.member.1.Priority=1",
                   last);
}

TEST(rules_have_priorities_and_conditions, "ELB-26")
{
    struct world *w = world_new();
    const char *listener =
        listener_made(w, balancer_made(w, "web", ""), 80, group_made(w, "t", ""));
    struct str made =
        world_okf(w, RULE FIELD "path-pattern" C1 "Values.member.1=/img/*", listener, 10);
    const char *one = arn_in(w, made, "RuleArn");

    CHECK(str_is(xml_text(made, "Priority"), "10"));
    CHECK(str_is(xml_text(xml_element(made, "PathPatternConfig"), "member"), "/img/*"));
    const char *two =
        arn_in(w,
               world_okf(w,
                         RULE FIELD "http-header" C1 "HttpHeaderConfig.HttpHeaderName=User-Agent" C1
                                    "HttpHeaderConfig.Values.member.1=*curl*",
                         listener, 20),
               "RuleArn");
    world_refusedf(w, "PriorityInUse", "Priority '10' is currently in use",
                   RULE FIELD "path-pattern" C1 "Values.member.1=/b", listener, 10);
    world_okf(w,
              "Action=SetRulePriorities" V2 "&RulePriorities.member.1.RuleArn=%s"
              "&RulePriorities.member.1.Priority=20&RulePriorities.member.2.RuleArn=%s"
              "&RulePriorities.member.2.Priority=10",
              one, two);
    world_crash(w);
    struct str shown = world_okf(w, "Action=DescribeRules" V2 "&ListenerArn=%s", listener);
    CHECK(xml_count(shown, "RuleArn") == 3);
    CHECK(str_is(xml_text(shown, "Field"), "http-header"));
    CHECK(str_is(xml_text_at(shown, "Priority", 2), "default"));
    CHECK(str_is(xml_text_at(shown, "IsDefault", 2), "true"));
    const char *last = str_cstr(test_arena(), world_code(w, xml_text_at(shown, "RuleArn", 2)));

    check_default_rule(w, last);
    world_refusedf(w, "PriorityInUse", NULL,
                   "Action=SetRulePriorities" V2 "&RulePriorities.member.1.RuleArn=%s"
                   "&RulePriorities.member.1.Priority=10",
                   one);
    world_refusedf(w, "ValidationError", "Priority '5' was provided multiple times",
                   "Action=SetRulePriorities" V2 "&RulePriorities.member.1.RuleArn=%s"
                   "&RulePriorities.member.1.Priority=5&RulePriorities.member.2.RuleArn=%s"
                   "&RulePriorities.member.2.Priority=5",
                   one, two);
    shown = world_okf(w,
                      "Action=ModifyRule" V2 "&RuleArn=%s" FIELD "query-string" C1
                      "QueryStringConfig.Values.member.1.Key=v" C1
                      "QueryStringConfig.Values.member.1.Value=2",
                      one);
    CHECK(str_is(xml_text(shown, "StatusCode"), "200"));
    world_refusedf(w, "ValidationError", "Either conditions or actions must be specified",
                   "Action=ModifyRule" V2 "&RuleArn=%s", one);
    world_okf(w, "Action=DeleteRule" V2 "&RuleArn=%s", one);
    world_refusedf(w, "RuleNotFound", "One or more rules not found",
                   "Action=DeleteRule" V2 "&RuleArn=%s", one);
    world_free(w);
}

TEST(conditions_that_compare_nothing_are_refused, "")
{
    static const char *const bad[] = {
        FIELD "what" C1 "Values.member.1=a",
        FIELD "path-pattern",
        FIELD "path-pattern" C1 "Values.member.1=/a" C1 "Values.member.2=/b",
        FIELD "path-pattern" C1 "Values.member.1=/a" C1 "PathPatternConfig.Values.member.1=/b",
        FIELD "source-ip" C1 "Values.member.1=10.0.0.0/8",
        FIELD "source-ip",
        FIELD "source-ip" C1 "SourceIpConfig.Values.member.1=10.0.0.x",
        FIELD "http-request-method" C1 "HttpRequestMethodConfig.Values.member.1=get",
        FIELD "http-request-method",
        FIELD "http-header",
        FIELD "http-header" C1 "HttpHeaderConfig.Values.member.1=a",
        FIELD "http-header" C1 "HttpHeaderConfig.HttpHeaderName=Host" C1
              "HttpHeaderConfig.Values.member.1=a",
        FIELD "query-string",
        FIELD "query-string" C1 "QueryStringConfig.Values.member.1.Key=a",
        FIELD "host-header" C1 "HostHeaderConfig.RegexValues.member.1=a",
        FIELD "path-pattern" C1 "PathPatternConfig.Values.member.1=/*/*/*/*/*/*",
        FIELD "host-header" C1 "Values.member.1=a&Conditions.member.2.Field=host-header"
              "&Conditions.member.2.Values.member.1=b",
        "",
    };
    struct world *w = world_new();
    const char *listener =
        listener_made(w, balancer_made(w, "web", ""), 80, group_made(w, "t", ""));

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, "ValidationError", NULL, RULE "%s", listener, 5, bad[i]);
    CHECK(xml_count(world_okf(w, "Action=DescribeRules" V2 "&ListenerArn=%s", listener),
                    "RuleArn") == 1);
    world_refused(w, "ValidationError", NULL, "Action=DescribeRules" V2);
    world_free(w);
}

#define TARGET "&TargetGroupArn=%s&Targets.member.1.Id=%s"

TEST(a_target_is_initial_then_healthy_then_drains, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", ""), *group = group_made(w, "tg", "");
    const char *id = instance_in(w, "us-east-1a"), *far = instance_in(w, "us-east-1d");

    world_okf(w, "Action=RegisterTargets" V2 TARGET, group, id);
    CHECK_IS(health_is(w, group, id), "unused Target.NotInUse");
    listener_made(w, arn, 80, group);
    world_settle(w);
    CHECK_IS(health_is(w, group, id), "initial Elb.InitialHealthChecking");
    world_advance(w, 2000);
    CHECK_IS(health_is(w, group, id), "healthy");
    CHECK(str_is(xml_text(health_of(w, group), "HealthCheckPort"), "80"));

    /* the load balancer has no node in its zone */
    world_okf(w, "Action=RegisterTargets" V2 TARGET, group, far);
    world_advance(w, 2000);
    CHECK_IS(health_is(w, group, far), "unused Target.NotInUse");

    /* a stopped one is out, and comes back */
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 2000);
    CHECK_IS(health_is(w, group, id), "unused Target.InvalidState");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 100);
    world_advance(w, 3000);
    CHECK_IS(health_is(w, group, id), "healthy");

    world_okf(w, "Action=DeregisterTargets" V2 TARGET, group, id);
    CHECK_IS(health_is(w, group, id), "draining Target.DeregistrationInProgress");
    world_crash(w);
    world_advance(w, 299000);
    CHECK_IS(health_is(w, group, id), "draining Target.DeregistrationInProgress");
    world_advance(w, 2000);
    CHECK_IS(health_is(w, group, id), "");

    /* one that is terminated leaves by itself */
    world_okf(w, "Action=RegisterTargets" V2 TARGET "&Targets.member.1.Port=81", group, id);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 2000);
    CHECK_IS(health_is(w, group, id), "");
    world_free(w);
}

TEST(what_is_no_target_is_refused, "")
{
    struct world *w = world_new();
    const char *group = group_made(w, "tg", ""), *ips = group_made(w, "ips", "&TargetType=ip");
    const char *id = instance_in(w, "us-east-1a");

    world_refusedf(w, "InvalidTarget", NULL, "Action=RegisterTargets" V2 TARGET, group,
                   "i-00000000000000000");
    world_refusedf(w, "ValidationError", "Instance ID '10.0.0.1' is not valid",
                   "Action=RegisterTargets" V2 TARGET, group, "10.0.0.1");
    world_refusedf(w, "ValidationError", NULL,
                   "Action=RegisterTargets" V2 TARGET "&Targets.member.1.AvailabilityZone=all",
                   group, id);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_refusedf(w, "InvalidTarget",
                   test_fmt("The following targets are not in a running state and cannot be "
                            "registered: '%s'",
                            id),
                   "Action=RegisterTargets" V2 TARGET, group, id);
    world_okf(w, "Action=RegisterTargets" V2 TARGET, ips, "172.31.0.77");
    world_refusedf(w, "ValidationError", "The IP address 'x' is not a valid IPv4 address",
                   "Action=RegisterTargets" V2 TARGET, ips, "x");
    world_refusedf(w, "ValidationError", NULL, "Action=RegisterTargets" V2 TARGET, ips, "8.8.8.8");
    world_refusedf(w, "ValidationError", NULL, "Action=RegisterTargets" V2 TARGET, ips, "10.1.1.1");
    world_okf(w, "Action=RegisterTargets" V2 TARGET "&Targets.member.1.AvailabilityZone=all", ips,
              "10.1.1.1");
    struct str one = world_okf(w, "Action=DescribeTargetHealth" V2 TARGET, ips, "172.31.0.78");
    CHECK(str_is(xml_text(one, "Reason"), "Target.NotRegistered"));
    CHECK(xml_count(one, "TargetHealth") == 1);
    world_refusedf(w, "InvalidTarget", NULL, "Action=DescribeTargetHealth" V2 TARGET, group,
                   "i-00000000000000000");
    world_refusedf(w, "TargetGroupNotFound", NULL, "Action=DescribeTargetHealth" V2 TARGET "0",
                   "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1", id);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=DescribeTargetHealth" V2 "&TargetGroupArn=%s&Include.member.1=All", ips);
    /* nobody uses the group: it leaves at once */
    world_okf(w, "Action=DeregisterTargets" V2 TARGET, ips, "172.31.0.77");
    CHECK_IS(health_is(w, ips, "172.31.0.77"), "");
    world_free(w);
}
