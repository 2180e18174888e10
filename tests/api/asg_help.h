/* What tests of Auto Scaling share. */
#pragma once

#include "harness/world.h"

#define V "&Version=2011-01-01"
#define G "&AutoScalingGroupName="
#define INVALID "ValidationError"
#define IMAGE "ami-009d6802948d06e52"

/* A launch configuration of that name, with more members. */
UNUSED static void
config(struct world *w, const char *name, const char *more)
{
    world_okf(w,
              "Action=CreateLaunchConfiguration" V "&LaunchConfigurationName=%s&ImageId=" IMAGE
              "&InstanceType=t3.micro%s",
              name, more);
}

/* A group of the configuration lc in two zones; what is said in `more` comes last. */
UNUSED static struct str
group(struct world *w, const char *name, int min, int max, const char *more)
{
    return world_callf(w,
                       "Action=CreateAutoScalingGroup" V G "%s&LaunchConfigurationName=lc"
                       "&MinSize=%d&MaxSize=%d&AvailabilityZones.member.1=us-east-1a"
                       "&AvailabilityZones.member.2=us-east-1b%s",
                       name, min, max, more);
}

/* The same with its configuration, when it has booted. */
UNUSED static struct world *
world_with_group(int min, int max, const char *more)
{
    struct world *w = world_new();
    struct str made;

    config(w, "lc", "");
    made = group(w, "asg", min, max, more);
    CHECK_OK(w, made);
    world_advance(w, 1000);
    return w;
}

UNUSED static struct str
describe(struct world *w, const char *name)
{
    return world_okf(w, "Action=DescribeAutoScalingGroups" V "&AutoScalingGroupNames.member.1=%s",
                     name);
}

/* The group's instances in a state, "InService"; NULL: all. */
UNUSED static size_t
count(struct world *w, const char *name, const char *state)
{
    struct str list = xml_element(describe(w, name), "Instances");
    size_t n = 0;

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        n += !state || str_is(xml_text_at(list, "LifecycleState", i), state);
    return n;
}

/* The id of the n-th instance, by age. */
UNUSED static const char *
id_at(struct world *w, const char *name, size_t n)
{
    struct str list = xml_element(describe(w, name), "Instances");

    return str_cstr(test_arena(), xml_text_at(list, "InstanceId", n));
}

/* A member of the n-th activity, the newest first. */
UNUSED static struct str
activity(struct world *w, size_t n, const char *member)
{
    struct str reply = world_ok(w, "Action=DescribeScalingActivities" V);
    struct str one = xml_element_at(xml_element(reply, "Activities"), "member", n);

    return xml_text(one, member);
}

/* How many instances of EC2 are in a state. */
UNUSED static size_t
in_ec2(struct world *w, const char *state)
{
    struct str reply = world_okf(w,
                                 "Action=DescribeInstances&Filter.1.Name=instance-state-name"
                                 "&Filter.1.Value.1=%s",
                                 state);

    return xml_count(reply, "instanceId");
}

/* Every time, and every id of an instance, replaced by T and I. */
UNUSED static struct str
plain(struct str text)
{
    char *out = str_cstr(test_arena(), text), *to = out;

    for (const char *p = out; *p;) {
        if (p[0] == '2' && strlen(p) >= 20 && p[4] == '-' && p[19] == 'Z') {
            *to++ = 'T';
            p += 20;
        } else if (p[0] == 'i' && p[1] == '-' && strlen(p) >= 19) {
            *to++ = 'I';
            p += 19;
        } else {
            *to++ = *p++;
        }
    }
    return str_of(out, (size_t)(to - out));
}

/* The state of an instance of a group; p NULL: it is in none. */
UNUSED static struct str
state_of(struct world *w, const char *id)
{
    return xml_text(
        world_okf(w, "Action=DescribeAutoScalingInstances" V "&InstanceIds.member.1=%s", id),
        "LifecycleState");
}

UNUSED static void
desire(struct world *w, int n)
{
    world_okf(w, "Action=SetDesiredCapacity" V G "asg&DesiredCapacity=%d", n);
    world_advance(w, 1000);
}
