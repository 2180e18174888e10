/* Application Load Balancers, as calls see them: balancers, groups, attributes, tags. */
#include "api/elb_help.h"

TEST(a_load_balancer_is_made_shown_and_deleted, "")
{
    struct world *w = world_new();
    struct str made = world_okf(w, "Action=CreateLoadBalancer" V2 "&Name=web%s", two_subnets(w));
    const char *arn = arn_in(w, made, "LoadBalancerArn");

    CHECK(str_is(xml_text(made, "Code"), "provisioning"));
    CHECK(str_is(xml_text(made, "Scheme"), "internet-facing"));
    CHECK(str_is(xml_text(made, "Type"), "application"));
    CHECK(str_is(xml_text(made, "CanonicalHostedZoneId"), "Z35SXDOTRQ7X7K"));
    CHECK(str_starts(xml_text(made, "DNSName"), S("web-")));
    CHECK(str_ends(xml_text(made, "DNSName"), S(".us-east-1.elb.amazonaws.com")));
    CHECK(xml_count(made, "ZoneName") == 2);
    world_settle(w);
    struct str shown = world_ok(w, "Action=DescribeLoadBalancers" V2);
    CHECK(str_is(xml_text(shown, "Code"), "active"));

    /* an interface in each subnet, which is the service's */
    struct str nics = world_ok(w, "Action=DescribeNetworkInterfaces&Filter.1.Name=requester-id"
                                  "&Filter.1.Value.1=amazon-elb");
    CHECK(xml_count(nics, "networkInterfaceId") == 2);
    CHECK(str_starts(xml_text(nics, "description"), S("ELB app/web/")));
    CHECK(str_is(xml_text(nics, "requesterManaged"), "true"));
    CHECK(str_is(xml_text(nics, "instanceOwnerId"), "amazon-elb"));
    CHECK(xml_count(nics, "association") == 4); /* of the interface and of its address */
    const char *nic = xml_cstr(nics, "networkInterfaceId");
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", nic);
    world_refusedf(w, "AuthFailure", "You do not have permission to access the specified resource.",
                   "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%s"
                   "&Description.Value=mine",
                   nic);
    world_refusedf(w, "OperationNotPermitted", NULL,
                   "Action=DetachNetworkInterface&AttachmentId=%s", xml_cstr(nics, "attachmentId"));

    world_crash(w);
    world_okf(w, "Action=DeleteLoadBalancer" V2 "&LoadBalancerArn=%s", arn);
    world_okf(w, "Action=DeleteLoadBalancer" V2 "&LoadBalancerArn=%s", arn);
    CHECK(xml_count(world_ok(w, "Action=DescribeLoadBalancers" V2), "LoadBalancerArn") == 0);
    nics = world_ok(w, "Action=DescribeNetworkInterfaces");
    CHECK(xml_count(nics, "networkInterfaceId") == 0);
    world_refusedf(w, "LoadBalancerNotFound", NULL,
                   "Action=DescribeLoadBalancers" V2 "&LoadBalancerArns.member.1=%s", arn);
    world_free(w);
}

TEST(an_internal_load_balancer_has_no_public_address, "")
{
    struct world *w = world_new();
    struct str made =
        world_okf(w, "Action=CreateLoadBalancer" V2 "&Name=in&Scheme=internal%s", two_subnets(w));

    CHECK(str_starts(xml_text(made, "DNSName"), S("internal-in-")));
    CHECK(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "association") == 0);
    world_free(w);
}

TEST(what_a_load_balancer_may_not_be_is_refused, "")
{
    struct world *w = world_new();
    const char *two = two_subnets(w), *a = subnet_in(w, "us-east-1a");
    const char *vpc = xml_cstr(world_ok(w, "Action=CreateVpc&CidrBlock=10.9.0.0/16"), "vpcId");
    const char *s1 = xml_cstr(world_okf(w,
                                        "Action=CreateSubnet&VpcId=%s&CidrBlock=10.9.0.0/24"
                                        "&AvailabilityZone=us-east-1a",
                                        vpc),
                              "subnetId");
    const char *s2 = xml_cstr(world_okf(w,
                                        "Action=CreateSubnet&VpcId=%s&CidrBlock=10.9.1.0/24"
                                        "&AvailabilityZone=us-east-1b",
                                        vpc),
                              "subnetId");
    const char *s3 = xml_cstr(world_okf(w,
                                        "Action=CreateSubnet&VpcId=%s&CidrBlock=10.9.2.0/28"
                                        "&AvailabilityZone=us-east-1b",
                                        vpc),
                              "subnetId");

    world_refusedf(w, "ValidationError",
                   "The load balancer name 'a_b' can only contain characters that are alphanumeric "
                   "characters or hyphens(-)",
                   "Action=CreateLoadBalancer" V2 "&Name=a_b%s", two);
    world_refusedf(w, "ValidationError", "The load balancer name '-a' cannot begin or end with '-'",
                   "Action=CreateLoadBalancer" V2 "&Name=-a%s", two);
    world_refusedf(w, "ValidationError",
                   "The load balancer name 'internal-a' cannot begin with 'internal-'",
                   "Action=CreateLoadBalancer" V2 "&Name=internal-a%s", two);
    world_refusedf(w, "ValidationError", NULL, "Action=CreateLoadBalancer" V2 "&Name=%033d%s", 0,
                   two);
    world_refusedf(w, "ValidationError",
                   "At least two subnets in two different Availability Zones must be specified",
                   "Action=CreateLoadBalancer" V2 "&Name=a&Subnets.member.1=%s", a);
    world_refusedf(w, "InvalidConfigurationRequest",
                   "A load balancer cannot be attached to multiple subnets in the same "
                   "Availability Zone",
                   "Action=CreateLoadBalancer" V2
                   "&Name=a&Subnets.member.1=%s&Subnets.member.2=%s&Subnets.member.3=%s",
                   s1, s2, s3);
    world_refusedf(w, "SubnetNotFound", "The subnet ID 'subnet-00000000000000000' does not exist",
                   "Action=CreateLoadBalancer" V2
                   "&Name=a&Subnets.member.1=subnet-00000000000000000&Subnets.member.2=%s",
                   a);
    world_refusedf(w, "InvalidSubnet", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&Subnets.member.1=%s&Subnets.member.2=%s",
                   a, s2);
    world_refusedf(w, "InvalidSubnet", test_fmt("VPC %s has no internet gateway", vpc),
                   "Action=CreateLoadBalancer" V2 "&Name=a&Subnets.member.1=%s&Subnets.member.2=%s",
                   s1, s2);
    for (int i = 0; i < 4; i++)
        world_okf(w, "Action=CreateNetworkInterface&SubnetId=%s", s3);
    world_refusedf(w, "InvalidSubnet", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&Scheme=internal&Subnets.member.1=%s"
                   "&Subnets.member.2=%s",
                   s1, s3);
    world_refusedf(w, "InvalidConfigurationRequest", "One or more security groups are invalid",
                   "Action=CreateLoadBalancer" V2 "&Name=a%s&SecurityGroups.member.1=sg-1", two);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&Type=network%s", two);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&IpAddressType=dualstack%s", two);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&CustomerOwnedIpv4Pool=ipv4pool-coip-1%s",
                   two);
    world_refusedf(w, "InvalidConfigurationRequest", NULL,
                   "Action=CreateLoadBalancer" V2 "&Name=a&SubnetMappings.member.1.SubnetId=%s"
                   "&SubnetMappings.member.1.AllocationId=eipalloc-1",
                   a);
    CHECK(xml_count(world_ok(w, "Action=DescribeLoadBalancers" V2), "LoadBalancerArn") == 0);
    world_free(w);
}

TEST(a_load_balancer_asked_for_again_is_the_same, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", "");

    CHECK_IS(balancer_made(w, "web", ""), arn);
    world_refusedf(w, "DuplicateLoadBalancerName",
                   "A load balancer with the same name 'web' exists, but with different settings",
                   "Action=CreateLoadBalancer" V2 "&Name=web&Scheme=internal%s", two_subnets(w));
    /* another account and another Region have their own */
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "LoadBalancerNotFound", NULL,
                   "Action=DescribeLoadBalancers" V2 "&LoadBalancerArns.member.1=%s", arn);
    world_refusedf(w, "LoadBalancerNotFound", NULL,
                   "Action=ModifyLoadBalancerAttributes" V2 "&LoadBalancerArn=%s"
                   "&Attributes.member.1.Key=idle_timeout.timeout_seconds"
                   "&Attributes.member.1.Value=5",
                   arn);
    CHECK(strcmp(balancer_made(w, "web", ""), arn) != 0);
    world_free(w);
}

TEST(subnets_and_security_groups_of_a_load_balancer_change, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", "");
    const char *group = xml_cstr(world_okf(w,
                                           "Action=CreateSecurityGroup&GroupName=lb"
                                           "&GroupDescription=lb&VpcId=%s",
                                           vpc_of(w)),
                                 "groupId");

    world_okf(w, "Action=SetSecurityGroups" V2 "&LoadBalancerArn=%s&SecurityGroups.member.1=%s",
              arn, group);
    struct str nics = world_okf(w,
                                "Action=DescribeNetworkInterfaces&Filter.1.Name=group-id"
                                "&Filter.1.Value.1=%s",
                                group);
    CHECK(xml_count(nics, "networkInterfaceId") == 2);
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteSecurityGroup&GroupId=%s", group);
    world_refusedf(w, "InvalidConfigurationRequest", "One or more security groups are invalid",
                   "Action=SetSecurityGroups" V2
                   "&LoadBalancerArn=%s&SecurityGroups.member.1=sg-00000000000000000",
                   arn);
    struct str set = world_okf(w,
                               "Action=SetSubnets" V2 "&LoadBalancerArn=%s%s"
                               "&Subnets.member.3=%s",
                               arn, two_subnets(w), subnet_in(w, "us-east-1c"));
    CHECK(xml_count(set, "ZoneName") == 3);
    set = world_okf(w,
                    "Action=SetSubnets" V2 "&LoadBalancerArn=%s&Subnets.member.1=%s"
                    "&Subnets.member.2=%s",
                    arn, subnet_in(w, "us-east-1b"), subnet_in(w, "us-east-1c"));
    CHECK(xml_count(set, "ZoneName") == 2);
    CHECK(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId") == 2);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=SetSubnets" V2 "&LoadBalancerArn=%s&Subnets.member.1=%s", arn,
                   subnet_in(w, "us-east-1b"));
    world_okf(w, "Action=SetIpAddressType" V2 "&LoadBalancerArn=%s&IpAddressType=ipv4", arn);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=SetIpAddressType" V2 "&LoadBalancerArn=%s&IpAddressType=dualstack", arn);
    world_free(w);
}

/* The value of an attribute in a reply. */
static const char *
attribute(struct str reply, const char *key)
{
    struct str member = xml_where(reply, "member", "Key", key);

    return member.p ? xml_cstr(member, "Value") : "(none)";
}

TEST(attributes_have_defaults_and_limits, "")
{
    struct world *w = world_new();
    const char *arn = balancer_made(w, "web", ""), *group = group_made(w, "tg", "");
    const char *listener = listener_made(w, arn, 80, group);
    struct str all =
        world_okf(w, "Action=DescribeLoadBalancerAttributes" V2 "&LoadBalancerArn=%s", arn);

    CHECK_IS(attribute(all, "idle_timeout.timeout_seconds"), "60");
    CHECK_IS(attribute(all, "routing.http2.enabled"), "true");
    all = world_okf(w,
                    "Action=ModifyLoadBalancerAttributes" V2 "&LoadBalancerArn=%s"
                    "&Attributes.member.1.Key=idle_timeout.timeout_seconds"
                    "&Attributes.member.1.Value=5"
                    "&Attributes.member.2.Key=deletion_protection.enabled"
                    "&Attributes.member.2.Value=true",
                    arn);
    CHECK_IS(attribute(all, "idle_timeout.timeout_seconds"), "5");
    world_refusedf(w, "OperationNotPermitted", NULL,
                   "Action=DeleteLoadBalancer" V2 "&LoadBalancerArn=%s", arn);
#define LB_ATTRIBUTE                                                                               \
    "Action=ModifyLoadBalancerAttributes" V2 "&LoadBalancerArn=%s&Attributes.member.1.Key=%s"      \
    "&Attributes.member.1.Value=%s"
    world_refusedf(w, "ValidationError", "Load balancer attribute key 'what' is not recognized",
                   LB_ATTRIBUTE, arn, "what", "1");
    world_refusedf(w, "ValidationError", NULL, LB_ATTRIBUTE, arn, "idle_timeout.timeout_seconds",
                   "4001");
    world_refusedf(w, "ValidationError", NULL, LB_ATTRIBUTE, arn, "deletion_protection.enabled",
                   "yes");
    world_refusedf(w, "ValidationError", NULL, LB_ATTRIBUTE, arn, "waf.fail_open.enabled", "true");
    world_okf(w, LB_ATTRIBUTE, arn, "waf.fail_open.enabled", "false");

#define TG_ATTRIBUTE                                                                               \
    "Action=ModifyTargetGroupAttributes" V2 "&TargetGroupArn=%s&Attributes.member.1.Key=%s"        \
    "&Attributes.member.1.Value=%s"
    all = world_okf(w, "Action=DescribeTargetGroupAttributes" V2 "&TargetGroupArn=%s", group);
    CHECK_IS(attribute(all, "deregistration_delay.timeout_seconds"), "300");
    CHECK_IS(attribute(all, "slow_start.duration_seconds"), "0");
    world_okf(w, TG_ATTRIBUTE, group, "slow_start.duration_seconds", "30");
    world_okf(w, TG_ATTRIBUTE, group, "slow_start.duration_seconds", "0");
    world_refusedf(w, "ValidationError", NULL, TG_ATTRIBUTE, group, "slow_start.duration_seconds",
                   "29");
    world_refusedf(w, "ValidationError",
                   "'deregistration_delay.timeout_seconds' value '3601' must be between '0-3600' "
                   "inclusive",
                   TG_ATTRIBUTE, group, "deregistration_delay.timeout_seconds", "3601");
    world_refusedf(w, "ValidationError", NULL, TG_ATTRIBUTE, group, "stickiness.type", "source_ip");
    world_refusedf(w, "ValidationError", NULL, TG_ATTRIBUTE, group, "stickiness.type",
                   "app_cookie");
    world_okf(w, TG_ATTRIBUTE, group, "stickiness.app_cookie.cookie_name", "sid");
    world_okf(w, TG_ATTRIBUTE, group, "stickiness.type", "app_cookie");
    world_refusedf(w, "ValidationError", NULL, TG_ATTRIBUTE, group,
                   "stickiness.app_cookie.cookie_name", "AWSALB");
    world_crash(w);
    all = world_okf(w, "Action=DescribeTargetGroupAttributes" V2 "&TargetGroupArn=%s", group);
    CHECK_IS(attribute(all, "stickiness.app_cookie.cookie_name"), "sid");

    all = world_okf(w,
                    "Action=ModifyListenerAttributes" V2 "&ListenerArn=%s&Attributes.member.1.Key="
                    "routing.http.response.server.enabled&Attributes.member.1.Value=false",
                    listener);
    CHECK_IS(attribute(all, "routing.http.response.server.enabled"), "false");
    world_okf(w, "Action=DescribeListenerAttributes" V2 "&ListenerArn=%s", listener);
    world_free(w);
}

TEST(a_target_group_is_made_changed_and_deleted, "")
{
    struct world *w = world_new();
    const char *vpc = vpc_of(w);
    struct str made = world_okf(w,
                                "Action=CreateTargetGroup" V2 "&Name=tg&Protocol=HTTP&Port=8080"
                                "&VpcId=%s&HealthCheckPath=/health",
                                vpc);
    const char *arn = arn_in(w, made, "TargetGroupArn");

    CHECK(str_is(xml_text(made, "HealthCheckPort"), "traffic-port"));
    CHECK(str_is(xml_text(made, "HealthCheckPath"), "/health"));
    CHECK(str_is(xml_text(made, "HttpCode"), "200"));
    CHECK(str_is(xml_text(made, "HealthCheckIntervalSeconds"), "30"));
    CHECK(str_is(xml_text(made, "HealthCheckTimeoutSeconds"), "5"));
    CHECK(str_is(xml_text(made, "HealthyThresholdCount"), "5"));
    CHECK(str_is(xml_text(made, "UnhealthyThresholdCount"), "2"));
    CHECK(str_is(xml_text(made, "TargetType"), "instance"));
    world_refusedf(w, "DuplicateTargetGroupName",
                   "A target group with the same name 'tg' exists, but with different settings",
                   "Action=CreateTargetGroup" V2 "&Name=tg&Protocol=HTTP&Port=1&VpcId=%s", vpc);
    made = world_okf(w,
                     "Action=ModifyTargetGroup" V2 "&TargetGroupArn=%s&Matcher.HttpCode=200-299,302"
                     "&HealthCheckIntervalSeconds=6&HealthCheckTimeoutSeconds=2"
                     "&HealthyThresholdCount=2&HealthCheckPort=81",
                     arn);
    CHECK(str_is(xml_text(made, "HttpCode"), "200-299,302"));
    CHECK(str_is(xml_text(made, "HealthCheckPort"), "81"));
#define MODIFY "Action=ModifyTargetGroup" V2 "&TargetGroupArn=%s"
    world_refusedf(w, "ValidationError", "Health check interval must be greater than the timeout.",
                   MODIFY "&HealthCheckTimeoutSeconds=6", arn);
    world_refusedf(w, "ValidationError",
                   "Health check matcher HTTP code '500' must be within '200-499' inclusive",
                   MODIFY "&Matcher.HttpCode=500", arn);
    world_refusedf(w, "ValidationError", NULL, MODIFY "&HealthCheckPath=x", arn);
    world_refusedf(w, "ValidationError", NULL, MODIFY "&HealthCheckPort=0", arn);
    world_refusedf(w, "ValidationError", NULL, MODIFY "&HealthCheckProtocol=HTTPS", arn);
    world_refusedf(w, "ValidationError", NULL, MODIFY "&HealthCheckEnabled=false", arn);
    world_refusedf(w, "InvalidConfigurationRequest", NULL, MODIFY "&Matcher.GrpcCode=0", arn);
    world_refusedf(w, "ValidationError", "The VPC ID 'vpc-1' is not found",
                   "Action=CreateTargetGroup" V2 "&Name=x&Protocol=HTTP&Port=1&VpcId=vpc-1");
    world_refusedf(w, "ValidationError", "A protocol must be specified",
                   "Action=CreateTargetGroup" V2 "&Name=x&Port=1&VpcId=%s", vpc);
    world_refusedf(w, "ValidationError", "A port must be specified",
                   "Action=CreateTargetGroup" V2 "&Name=x&Protocol=HTTP&VpcId=%s", vpc);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateTargetGroup" V2 "&Name=x&TargetType=lambda");
    world_refusedf(w, "ValidationError", NULL,
                   "Action=CreateTargetGroup" V2 "&Name=x&Protocol=TCP&Port=1&VpcId=%s", vpc);
    world_crash(w);
    CHECK(
        str_is(xml_text(world_ok(w, "Action=DescribeTargetGroups" V2 "&Names.member.1=tg"), "Port"),
               "8080"));
    world_refused(w, "TargetGroupNotFound", "One or more target groups not found",
                  "Action=DescribeTargetGroups" V2 "&Names.member.1=other");
    world_okf(w, "Action=DeleteTargetGroup" V2 "&TargetGroupArn=%s", arn);
    world_okf(w, "Action=DeleteTargetGroup" V2 "&TargetGroupArn=%s", arn);
    CHECK(xml_count(world_ok(w, "Action=DescribeTargetGroups" V2), "TargetGroupArn") == 0);
    world_free(w);
}

TEST(lists_of_load_balancers_have_pages, "")
{
    struct world *w = world_new();
    struct str page;
    size_t n = 0;

    for (int i = 0; i < 5; i++)
        group_made(w, test_fmt("tg%d", i), "");
    for (const char *marker = "";;) {
        page = world_okf(w, "Action=DescribeTargetGroups" V2 "&PageSize=2%s", marker);
        n += xml_count(page, "TargetGroupName");
        CHECK(xml_count(page, "TargetGroupName") <= 2);
        if (!xml_text(page, "NextMarker").n)
            break;
        marker = test_fmt("&Marker=%s", arn_in(w, page, "NextMarker"));
    }
    CHECK(n == 5);
    world_refused(w, "ValidationError", NULL, "Action=DescribeTargetGroups" V2 "&PageSize=0");
    world_refused(w, "ValidationError", NULL, "Action=DescribeTargetGroups" V2 "&Marker=x");
    page = world_ok(w, "Action=DescribeAccountLimits" V2);
    CHECK(str_is(xml_text(xml_where(page, "member", "Name", "target-groups"), "Max"), "3000"));
    world_free(w);
}

TEST(load_balancers_groups_listeners_and_rules_have_tags, "")
{
    struct world *w = world_new();
    const char *things[4];

    things[0] = balancer_made(w, "web", "&Tags.member.1.Key=a&Tags.member.1.Value=1");
    things[1] = group_made(w, "tg", "&Tags.member.1.Key=a&Tags.member.1.Value=1");
    things[2] = listener_made(w, things[0], 80, things[1]);
    things[3] =
        arn_in(w, world_okf(w, "Action=DescribeRules" V2 "&ListenerArn=%s", things[2]), "RuleArn");
    for (size_t i = 0; i < ARRAY_LEN(things); i++) {
        world_okf(w,
                  "Action=AddTags" V2 "&ResourceArns.member.1=%s&Tags.member.1.Key=b"
                  "&Tags.member.1.Value=2&Tags.member.2.Key=c&Tags.member.2.Value=3",
                  things[i]);
        world_okf(w, "Action=RemoveTags" V2 "&ResourceArns.member.1=%s&TagKeys.member.1=c",
                  things[i]);
        struct str tags =
            world_okf(w, "Action=DescribeTags" V2 "&ResourceArns.member.1=%s", things[i]);
        CHECK(xml_count(tags, "Key") == (i < 2 ? 2 : 1));
        CHECK(str_is(xml_text(xml_where(tags, "member", "Key", "b"), "Value"), "2"));
    }
    world_refusedf(w, "DuplicateTagKeys", NULL,
                   "Action=AddTags" V2 "&ResourceArns.member.1=%s&Tags.member.1.Key=b"
                   "&Tags.member.1.Value=2&Tags.member.2.Key=b&Tags.member.2.Value=3",
                   things[0]);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=AddTags" V2 "&ResourceArns.member.1=%s&Tags.member.1.Key=aws:x"
                   "&Tags.member.1.Value=2",
                   things[0]);
    for (int i = 0; i < 48; i++)
        world_okf(w, "Action=AddTags" V2 "&ResourceArns.member.1=%s&Tags.member.1.Key=k%d",
                  things[0], i);
    world_refusedf(w, "TooManyTags", NULL,
                   "Action=AddTags" V2 "&ResourceArns.member.1=%s&Tags.member.1.Key=more",
                   things[0]);
    world_refused(w, "LoadBalancerNotFound", NULL,
                  "Action=DescribeTags" V2 "&ResourceArns.member.1=arn:aws:elasticloadbalancing:"
                  "us-east-1:000000000000:loadbalancer/app/x/1");
    world_free(w);
}
