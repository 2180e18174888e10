/* What tests of load balancers share. */
#pragma once

#include "harness/world.h"

#define V2 "&Version=2015-12-01"
#define IMAGE "ami-009d6802948d06e52"
#define FORWARD "&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn="
#define FIXED                                                                                      \
    "&DefaultActions.member.1.Type=fixed-response"                                                 \
    "&DefaultActions.member.1.FixedResponseConfig.StatusCode=404"

/* A default subnet of the zone "us-east-1a". */
UNUSED static const char *
subnet_in(struct world *w, const char *zone)
{
    return xml_cstr(world_okf(w,
                              "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                              "&Filter.1.Value.1=%s",
                              zone),
                    "subnetId");
}

UNUSED static const char *
vpc_of(struct world *w)
{
    return xml_cstr(
        world_ok(w, "Action=DescribeVpcs&Filter.1.Name=is-default&Filter.1.Value.1=true"), "vpcId");
}

/* "&Subnets.member.1=…&Subnets.member.2=…" of two zones. */
UNUSED static const char *
two_subnets(struct world *w)
{
    return test_fmt("&Subnets.member.1=%s&Subnets.member.2=%s", subnet_in(w, "us-east-1a"),
                    subnet_in(w, "us-east-1b"));
}

/* Each answers an ARN, percent-coded to be put into forms. */
UNUSED static const char *
arn_in(struct world *w, struct str reply, const char *name)
{
    struct str arn = xml_text(reply, name);

    CHECK(arn.n > 0);
    return str_cstr(test_arena(), world_code(w, arn));
}

UNUSED static const char *
balancer_made(struct world *w, const char *name, const char *more)
{
    return arn_in(
        w, world_okf(w, "Action=CreateLoadBalancer" V2 "&Name=%s%s%s", name, two_subnets(w), more),
        "LoadBalancerArn");
}

UNUSED static const char *
group_made(struct world *w, const char *name, const char *more)
{
    return arn_in(w,
                  world_okf(w,
                            "Action=CreateTargetGroup" V2 "&Name=%s&Protocol=HTTP&Port=80&VpcId=%s"
                            "%s",
                            name, vpc_of(w), more),
                  "TargetGroupArn");
}

UNUSED static const char *
listener_made(struct world *w, const char *balancer, int port, const char *group)
{
    return arn_in(w,
                  world_okf(w,
                            "Action=CreateListener" V2
                            "&LoadBalancerArn=%s&Protocol=HTTP&Port=%d" FORWARD "%s",
                            balancer, port, group),
                  "ListenerArn");
}

UNUSED static const char *
instance_in(struct world *w, const char *zone)
{
    const char *id = xml_cstr(world_okf(w,
                                        "Action=RunInstances&ImageId=" IMAGE
                                        "&InstanceType=t3.micro&MinCount=1&MaxCount=1&SubnetId=%s",
                                        subnet_in(w, zone)),
                              "instanceId");
    world_advance(w, 1000);
    return id;
}

UNUSED static struct str
health_of(struct world *w, const char *group)
{
    return world_okf(w, "Action=DescribeTargetHealth" V2 "&TargetGroupArn=%s", group);
}

/* "healthy", or "unused Target.NotInUse", of the target of that id. */
UNUSED static const char *
health_is(struct world *w, const char *group, const char *target)
{
    struct str one = STR_NONE, all = health_of(w, group);

    for (size_t i = 0; i < xml_count(all, "TargetHealth"); i++)
        if (str_is(xml_text_at(all, "Id", i), target))
            one = xml_element_at(all, "TargetHealth", i);
    if (!one.p)
        return "";
    return xml_text(one, "Reason").p
               ? test_fmt("%s %s", xml_cstr(one, "State"), xml_cstr(one, "Reason"))
               : xml_cstr(one, "State");
}
#define CHECK_IS(got, want)                                                                        \
    do {                                                                                           \
        const char *got_ = (got);                                                                  \
        if (strcmp(got_, (want)) != 0)                                                             \
            FAIL("\"%s\" is not \"%s\"", got_, (want));                                            \
    } while (0)
