/*
 * Groups of instances in stacks: the printed texts of the requirement's seed, their creation and
 * update policies.  That a group which is made tells of signals that did not come as of an update
 * is in F5Networks/f5-aws-cloudformation#168, getsocial-rnd/neo4j-aws-causal-cluster#2 and
 * aws-samples/amazon-ec2-gitlab-runner#4.  Nothing runs in simulated instances: the tests say what
 * cfn-signal would.
 */
#include "api/cfn_help.h"
#include "base/timefmt.h"
#include "cloudformation/engine.h"

#include <stdio.h>

#define SEED "../shared/seeds/004_43fd51f0ad82bf28.txt"
#define ASG "&Version=2011-01-01"

static const char group_text[] =
    "Parameters:\n"
    "  LatestLinuxAmiId:\n"
    "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'\n"
    "    Default: '/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2'\n"
    "\n"
    "\n"
    "Resources: \n"
    "  AutoScalingGroup:\n"
    "    Type: AWS::AutoScaling::AutoScalingGroup\n"
    "    Properties:\n"
    "      AvailabilityZones: \n"
    "        Fn::GetAZs: \n"
    "          Ref: \"AWS::Region\"\n"
    "      LaunchConfigurationName:\n"
    "        Ref: LaunchConfig\n"
    "      DesiredCapacity: '3'\n"
    "      MinSize: '1'\n"
    "      MaxSize: '4'\n"
    "    CreationPolicy:\n"
    "      ResourceSignal:\n"
    "        Count: '3'\n"
    "        Timeout: PT15M\n"
    "\n"
    "\n"
    "  LaunchConfig:\n"
    "    Type: AWS::AutoScaling::LaunchConfiguration\n"
    "    Properties:\n"
    "      ImageId: !Ref LatestLinuxAmiId\n"
    "      InstanceType: t3.micro\n"
    "      UserData:\n"
    "        \"Fn::Base64\":\n"
    "          !Sub |\n"
    "            #!/bin/bash -xe\n"
    "            yum update -y aws-cfn-bootstrap\n"
    "            /opt/aws/bin/cfn-signal -e $? --stack ${AWS::StackName} --resource "
    "AutoScalingGroup --region ${AWS::Region}\n";

static const char rolling_text[] =
    "UpdatePolicy:\n"
    "  AutoScalingRollingUpdate:\n"
    "    MinInstancesInService: '1'\n"
    "    MaxBatchSize: '2'\n"
    "    # how much time to wait for the signal\n"
    "    PauseTime: PT1M\n"
    "    WaitOnResourceSignals: 'true'\n"
    "    # we can suspend processes during the update\n"
    "    # SuspendProcesses:\n"
    "    # - list of processes...\n"
    "  AutoScalingScheduledAction:\n"
    "    # Prevent Scheduled Actions from modifying min/max/desired for CloudFormation\n"
    "    IgnoreUnmodifiedGroupSizeProperties: 'true'\n";

static const char replacing_text[] = "UpdatePolicy:\n"
                                     "  AutoScalingReplacingUpdate:\n"
                                     "    WillReplace: 'true'\n";

/* ---- texts ---- */

/* Where the seeds are at hand, the text is looked up in them. */
static void
is_printed(const char *text)
{
    static char all[1 << 20];
    FILE *f = fopen(SEED, "r");

    if (!f)
        return;
    size_t n = fread(all, 1, sizeof(all) - 1, f);

    fclose(f);
    all[n] = '\0';
    if (!strstr(all, text))
        FAIL("the seed does not have: %s", text);
}

/* The printed group with one text in another's place. */
static const char *
with(const char *text, const char *was, const char *is)
{
    struct str in = str_from(text);
    size_t at = str_find(in, str_from(was));

    CHECK(at != SIZE_MAX);
    return test_fmt("%.*s%s%s", (int)at, text, is, text + at + strlen(was));
}

/* The same with a policy, indented as an attribute of the group. */
static const char *
with_policy(const char *text, const char *policy)
{
    struct str in = str_from(policy), out = S("");

    while (in.n) {
        struct str line = str_split(&in, '\n');

        out = str_fmt(test_arena(), "%.*s    %.*s\n", STR_ARG(out), STR_ARG(line));
    }
    return with(text, "    CreationPolicy:", test_fmt("%.*s    CreationPolicy:", STR_ARG(out)));
}

static const char *
larger(const char *text)
{
    return with(text, "InstanceType: t3.micro", "InstanceType: t3.small");
}

/* ---- what there is ---- */

static const char *
resource_id(struct world *w, const char *logical)
{
    return str_cstr(
        test_arena(),
        xml_text(world_okf(w, "Action=DescribeStackResource" V "&StackName=s&LogicalResourceId=%s",
                           logical),
                 "PhysicalResourceId"));
}

static struct str
group(struct world *w)
{
    return world_okf(w, "Action=DescribeAutoScalingGroups" ASG "&AutoScalingGroupNames.member.1=%s",
                     resource_id(w, "AutoScalingGroup"));
}

/* Ids of the group's instances in service. */
static struct str_list
instances(struct world *w)
{
    struct str list = xml_element(group(w), "Instances");
    struct str_list ret = {0};

    for (size_t i = 0; i < xml_count(list, "InstanceId"); i++)
        if (str_is(xml_text_at(list, "LifecycleState", i), "InService"))
            *LIST_PUSH(test_arena(), &ret) = xml_text_at(list, "InstanceId", i);
    return ret;
}

/* How many instances of EC2 run as a type. */
static size_t
running(struct world *w, const char *type)
{
    return xml_count(world_okf(w,
                               "Action=DescribeInstances&Version=2016-11-15"
                               "&Filter.1.Name=instance-state-name&Filter.1.Value.1=running"
                               "&Filter.2.Name=instance-type&Filter.2.Value.1=%s",
                               type),
                     "instanceId");
}

static struct str_list said; /* instances that signalled */

static struct world *
new_world(void)
{
    said = (struct str_list){0};
    return world_new();
}

/* As its instances would, each once. */
static void
signal_all(struct world *w)
{
    struct str_list ids = instances(w);

    LIST_EACH(&ids, id) {
        if (str_in(&said, *id))
            continue;
        *LIST_PUSH(test_arena(), &said) = *id;
        world_callf(w,
                    "Action=SignalResource" V "&StackName=s&LogicalResourceId=AutoScalingGroup"
                    "&Status=SUCCESS&UniqueId=%.*s",
                    STR_ARG(*id));
    }
    world_settle(w);
}

/* Time goes by, and every instance that comes signals. */
static void
go_on(struct world *w, const char *until)
{
    for (int i = 0; i < 60 && !str_is(xml_text(stack(w, "s"), "StackStatus"), until); i++) {
        world_advance(w, 2000);
        signal_all(w);
    }
    check_status(w, "s", until);
}

static void
make(struct world *w, const char *text)
{
    CHECK_OK(w, create(w, "s", "", text));
    go_on(w, "CREATE_COMPLETE");
}

/* Events of the group from the newest update on, ids of instances as I. */
static const char *
told(struct world *w, const char *from)
{
    const char *all = events(w, "s"), *begin = all;

    for (const char *p = all; (p = strstr(p, from)); p++)
        begin = p;
    struct str in = str_from(begin), out = S("");

    while (in.n) {
        struct str line = str_split(&in, '\n');

        if (str_starts(line, S("AutoScalingGroup ")) || str_starts(line, S("s ")))
            out = str_fmt(test_arena(), "%.*s%.*s\n", STR_ARG(out), STR_ARG(line));
    }
    char *text = str_cstr(test_arena(), out), *to = text;

    for (const char *p = text; *p;)
        if (strncmp(p, "i-0", 3) == 0 || strncmp(p, "i-1", 3) == 0 ||
            (strncmp(p, "i-", 2) == 0 && strlen(p) > 19 && strspn(p + 2, "0123456789abcdef") == 17))
            *to++ = 'I', p += 19;
        else
            *to++ = *p++;
    *to = '\0';
    return text;
}

#define GROUP "AutoScalingGroup "
#define MAKING GROUP "CREATE_IN_PROGRESS"
#define CHANGING GROUP "UPDATE_IN_PROGRESS"

/* ---- the tests ---- */

TEST(a_printed_group_is_made_when_its_three_instances_say_so, "ASGC-01 CSIG-01 CSIG-08")
{
    struct world *w = new_world();

    is_printed(group_text);
    CHECK_OK(w, create(w, "s", "", group_text));
    world_advance(w, 2000);
    CHECK_INT(instances(w).n, 3);
    check_status(w, "s", "CREATE_IN_PROGRESS");
    world_crash(w);
    signal_all(w);
    check_status(w, "s", "CREATE_COMPLETE");
    CHECK_STR(str_from(told(w, "s CREATE_IN_PROGRESS User")),
              "s CREATE_IN_PROGRESS User Initiated\n" MAKING "\n" MAKING
              " Resource creation Initiated\n" MAKING
              " - CONFIGURATION_COMPLETE Eventual consistency check initiated\n"
              "s CREATE_IN_PROGRESS - CONFIGURATION_COMPLETE Eventual consistency check "
              "initiated\n" MAKING " Received SUCCESS signal with UniqueId I\n" MAKING
              " Received SUCCESS signal with UniqueId I\n" MAKING
              " Received SUCCESS signal with UniqueId I\n" GROUP "CREATE_COMPLETE\n"
              "s CREATE_COMPLETE\n");
    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    for (int i = 0; i < 30; i++)
        world_advance(w, 2000);
    CHECK_INT(running(w, "t3.micro"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeLaunchConfigurations" ASG), "member"), 0);
    world_free(w);
}

TEST(a_group_that_does_not_signal_enough_goes_back, "CSIG-03 CSIG-04")
{
    static const char some[] = "    CreationPolicy:\n"
                               "      AutoScalingCreationPolicy: "
                               "{MinSuccessfulInstancesPercent: '60'}\n";
    struct world *w = new_world();

    CHECK_OK(w, create(w, "s", "&DisableRollback=true", group_text));
    world_advance(w, 2000);
    world_okf(w,
              "Action=SignalResource" V "&StackName=s&LogicalResourceId=AutoScalingGroup"
              "&Status=SUCCESS&UniqueId=%.*s",
              STR_ARG(instances(w).v[0]));
    world_advance(w, 15 * 60 * 1000);
    check_status(w, "s", "CREATE_FAILED");
    CHECK(strstr(events(w, "s"),
                 CHANGING " Failed to receive 2 resource signal(s) for the current batch.  Each "
                          "resource signal timeout is counted as a FAILURE.\n" GROUP
                          "CREATE_FAILED Received 1 SUCCESS signal(s) out of 3.  Unable to satisfy "
                          "100% MinSuccessfulInstancesPercent requirement\n"));
    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    for (int i = 0; i < 30; i++)
        world_advance(w, 2000);
    /* two of three are enough, when it is said so */
    CHECK_OK(w, create(w, "s", "", with(group_text, "    CreationPolicy:\n", some)));
    world_advance(w, 2000);
    struct str_list ids = instances(w);

    CHECK_INT(ids.n, 3);
    for (size_t i = 0; i < 3; i++)
        world_okf(w,
                  "Action=SignalResource" V "&StackName=s&LogicalResourceId=AutoScalingGroup"
                  "&Status=%s&UniqueId=%.*s",
                  i ? "SUCCESS" : "FAILURE", STR_ARG(ids.v[i]));
    world_settle(w);
    check_status(w, "s", "CREATE_COMPLETE");
    world_free(w);
}

TEST(instances_stay_as_they_are_without_an_update_policy, "ASGC-02 ASGC-03")
{
    struct world *w = new_world();

    make(w, group_text);
    struct str_list before = instances(w), after;

    CHECK_OK(w, update(w, "s", "", larger(group_text)));
    go_on(w, "UPDATE_COMPLETE");
    after = instances(w);
    CHECK(str_list_eq(&before, &after));
    CHECK_INT(running(w, "t3.micro"), 3);
    CHECK_STR(xml_text(group(w), "LaunchConfigurationName"), resource_id(w, "LaunchConfig"));
    world_free(w);
}

TEST(a_printed_rolling_update_renews_two_at_a_time, "ASGC-04 ASGC-05")
{
    struct world *w = new_world();

    is_printed(rolling_text);
    make(w, with_policy(group_text, rolling_text));
    CHECK_OK(w, update(w, "s", "", larger(with_policy(group_text, rolling_text))));
    world_settle(w);
    world_crash(w);
    go_on(w, "UPDATE_COMPLETE");
    CHECK_STR(
        str_from(told(w, "s UPDATE_IN_PROGRESS User")),
        "s UPDATE_IN_PROGRESS User Initiated\n" CHANGING "\n" CHANGING
        " Rolling update initiated. Terminating 3 obsolete instance(s) in batches of 2, while "
        "keeping at least 1 instance(s) in service. Waiting on resource signals with a timeout "
        "of PT1M when new instances are added to the autoscaling group.\n" CHANGING
        " Temporarily setting autoscaling group MinSize and DesiredCapacity to 3.\n" CHANGING
        " Terminating instance(s) [I,I]; replacing with 2 new instance(s).\n" CHANGING
        " Successfully terminated instance(s) [I,I] (Progress 67%).\n" CHANGING
        " New instance(s) added to autoscaling group - Waiting on 2 resource signal(s) with a "
        "timeout of PT1M.\n" CHANGING " Received SUCCESS signal with UniqueId I\n" CHANGING
        " Received SUCCESS signal with UniqueId I\n" CHANGING
        " Terminating instance(s) [I]; replacing with 1 new instance(s).\n" CHANGING
        " Successfully terminated instance(s) [I] (Progress 100%).\n" CHANGING
        " New instance(s) added to autoscaling group - Waiting on 1 resource signal(s) with a "
        "timeout of PT1M.\n" CHANGING " Received SUCCESS signal with UniqueId I\n" GROUP
        "UPDATE_COMPLETE\n"
        "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS\n"
        "s UPDATE_COMPLETE\n");
    CHECK_INT(running(w, "t3.micro"), 0);
    CHECK_INT(running(w, "t3.small"), 3);
    CHECK_STR(xml_text(group(w), "MinSize"), "1");
    CHECK_STR(xml_text(group(w), "DesiredCapacity"), "3");
    world_free(w);
}

/* What is told of a rolling update whose engine dies after so many looks; negative: it lives. */
static const char *
told_of_update(int looks)
{
    const char *text = with_policy(group_text, rolling_text), *ret;
    struct world *w = new_world();

    make(w, text);
    cfn_engine_fault.looks = looks;
    CHECK_OK(w, update(w, "s", "", larger(text)));
    for (int i = 0; i < 4; i++) {
        world_advance(w, 2000);
        signal_all(w);
    }
    cfn_engine_fault.looks = -1;
    world_crash(w);
    go_on(w, "UPDATE_COMPLETE");
    CHECK_INT(running(w, "t3.small"), 3);
    CHECK_INT(running(w, "t3.micro"), 0);
    CHECK_STR(xml_text(group(w), "MinSize"), "1");
    ret = told(w, "s UPDATE_IN_PROGRESS User");
    world_free(w);
    return ret;
}

TEST(a_rolling_update_survives_the_engines_death_at_any_look)
{
    const char *whole = told_of_update(-1);

    for (int looks = 0; looks < 20; looks++)
        CHECK_STR(str_from(told_of_update(looks)), whole);
}

TEST(a_rolling_update_whose_instances_do_not_signal_goes_back)
{
    struct world *w = new_world();

    make(w, with_policy(group_text, rolling_text));
    CHECK_OK(w, update(w, "s", "", larger(with_policy(group_text, rolling_text))));
    for (int i = 0; i < 20; i++)
        world_advance(w, 2000);
    check_status(w, "s", "UPDATE_IN_PROGRESS");
    CHECK_INT(running(w, "t3.micro"), 1);
    world_advance(w, 60 * 1000);
    check_status(w, "s", "UPDATE_ROLLBACK_IN_PROGRESS");
    CHECK(strstr(events(w, "s"),
                 CHANGING " Failed to receive 2 resource signal(s) for the current batch.  Each "
                          "resource signal timeout is counted as a FAILURE.\n" GROUP
                          "UPDATE_FAILED Received 0 SUCCESS signal(s) out of 3.  Unable to satisfy "
                          "100% MinSuccessfulInstancesPercent requirement\n"
                          "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to "
                          "update: [AutoScalingGroup]. \n"));
    world_crash(w);
    /* those that are launched of the old configuration say so, too */
    go_on(w, "UPDATE_ROLLBACK_COMPLETE");
    CHECK_INT(running(w, "t3.micro"), 3);
    CHECK_INT(running(w, "t3.small"), 0);
    CHECK(strstr(told(w, "s UPDATE_ROLLBACK_IN_PROGRESS"),
                 " Rolling update initiated. Terminating 2 obsolete instance(s) in batches of 2, "
                 "while keeping at least 1 instance(s) in service."));
    CHECK_STR(xml_text(group(w), "MinSize"), "1");
    CHECK_STR(xml_text(group(w), "DesiredCapacity"), "3");
    world_free(w);
}

TEST(sizes_that_a_schedule_set_are_kept, "ASGC-06")
{
    const char *ignores[] = {"", rolling_text};

    for (size_t i = 0; i < ARRAY_LEN(ignores); i++) {
        struct world *w = new_world();
        const char *text = i ? with_policy(group_text, ignores[i]) : group_text;

        make(w, text);
        world_okf(w,
                  "Action=PutScheduledUpdateGroupAction" ASG "&AutoScalingGroupName=%s"
                  "&ScheduledActionName=up&MinSize=2&MaxSize=5&DesiredCapacity=4"
                  "&StartTime=%.*s",
                  resource_id(w, "AutoScalingGroup"),
                  STR_ARG(time_iso(test_arena(), w->env.env.now_ms(&w->env.env) + 60000)));
        for (int k = 0; k < 40; k++)
            world_advance(w, 2000);
        CHECK_INT(instances(w).n, 4);
        CHECK_OK(w, update(w, "s", "", larger(text)));
        go_on(w, "UPDATE_COMPLETE");
        for (int k = 0; k < 10; k++)
            world_advance(w, 2000);
        CHECK_INT(instances(w).n, i ? 4 : 3);
        CHECK_STR(xml_text(group(w), "MinSize"), i ? "2" : "1");
        CHECK_STR(xml_text(group(w), "MaxSize"), i ? "5" : "4");
        world_free(w);
    }
}

TEST(processes_are_suspended_while_a_group_is_renewed, "ASGC-07")
{
    const char *text = with_policy(group_text, with(rolling_text,
                                                    "    # SuspendProcesses:\n"
                                                    "    # - list of processes...\n",
                                                    "    SuspendProcesses:\n"
                                                    "    - AZRebalance\n"
                                                    "    - ScheduledActions\n"));
    struct world *w = new_world();

    make(w, text);
    CHECK_INT(xml_count(group(w), "ProcessName"), 0);
    world_okf(w,
              "Action=SuspendProcesses" ASG "&AutoScalingGroupName=%s"
              "&ScalingProcesses.member.1=ScheduledActions",
              resource_id(w, "AutoScalingGroup"));
    CHECK_OK(w, update(w, "s", "", larger(text)));
    world_advance(w, 2000);
    CHECK_INT(xml_count(group(w), "ProcessName"), 2);
    go_on(w, "UPDATE_COMPLETE");
    /* what was suspended before stays so */
    CHECK_INT(xml_count(group(w), "ProcessName"), 1);
    CHECK_STR(xml_text(group(w), "ProcessName"), "ScheduledActions");
    world_free(w);
}

TEST(a_printed_replacing_update_makes_a_second_group, "ASGC-08")
{
    struct world *w = new_world();

    is_printed(replacing_text);
    make(w, with_policy(group_text, replacing_text));
    const char *old = resource_id(w, "AutoScalingGroup");
    /* a new group that does not say that it works goes, and the old one stays */
    CHECK_OK(w, update(w, "s", "", larger(with_policy(group_text, replacing_text))));
    world_advance(w, 4000);
    CHECK_INT(running(w, "t3.micro"), 3);
    CHECK_INT(running(w, "t3.small"), 3);
    CHECK(strstr(events(w, "s"), CHANGING " Requested update requires the creation of a new "
                                          "physical resource; hence creating one.\n"));
    world_advance(w, 15 * 60 * 1000);
    for (int i = 0; i < 30; i++)
        world_advance(w, 2000);
    check_status(w, "s", "UPDATE_ROLLBACK_COMPLETE");
    CHECK_STR(str_from(resource_id(w, "AutoScalingGroup")), old);
    CHECK_INT(running(w, "t3.micro"), 3);
    CHECK_INT(running(w, "t3.small"), 0);
    /* one that does takes its place */
    CHECK_OK(w, update(w, "s", "", larger(with_policy(group_text, replacing_text))));
    go_on(w, "UPDATE_COMPLETE");
    CHECK(strcmp(resource_id(w, "AutoScalingGroup"), old) != 0);
    CHECK_INT(running(w, "t3.micro"), 0);
    CHECK_INT(running(w, "t3.small"), 3);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" ASG), "AutoScalingGroupARN"),
              1);
    world_free(w);
}

static const char template_group[] =
    "Resources:\n"
    "  Template:\n"
    "    Type: AWS::EC2::LaunchTemplate\n"
    "    Properties: {LaunchTemplateData: {ImageId: ami-009d6802948d06e52, InstanceType: %s}}\n"
    "  AutoScalingGroup:\n"
    "    Type: AWS::AutoScaling::AutoScalingGroup\n"
    "    UpdatePolicy: {AutoScalingRollingUpdate: {MinInstancesInService: 1, PauseTime: PT10S}}\n"
    "    Properties:\n"
    "      AvailabilityZones: [us-east-1a]\n"
    "      LaunchTemplate:\n"
    "        LaunchTemplateId: !Ref Template\n"
    "        Version: !GetAtt Template.LatestVersionNumber\n"
    "      MinSize: 1\n"
    "      MaxSize: 2\n";

TEST(a_new_version_of_a_launch_template_renews_a_group_that_pauses, "ASGC-05")
{
    struct world *w = new_world();

    make(w, test_fmt(template_group, "t3.micro"));
    CHECK_INT(running(w, "t3.micro"), 1);
    CHECK_OK(w, update(w, "s", "", test_fmt(template_group, "t3.small")));
    go_on(w, "UPDATE_COMPLETE");
    CHECK_STR(str_from(told(w, "s UPDATE_IN_PROGRESS User")),
              "s UPDATE_IN_PROGRESS User Initiated\n" CHANGING "\n" CHANGING
              " Rolling update initiated. Terminating 1 obsolete instance(s) in batches of 1, "
              "while keeping at least 1 instance(s) in service. Pausing for PT10S when new "
              "instances are added to the autoscaling group.\n" CHANGING
              " Temporarily setting autoscaling group MinSize and DesiredCapacity to 2.\n" CHANGING
              " New instance(s) added to autoscaling group - Pausing for PT10S.\n" CHANGING
              " Terminating instance(s) [I]; replacing with 0 new instance(s).\n" CHANGING
              " Successfully terminated instance(s) [I] (Progress 100%).\n" GROUP
              "UPDATE_COMPLETE\n"
              "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS\n"
              "s UPDATE_COMPLETE\n");
    CHECK_INT(running(w, "t3.micro"), 0);
    CHECK_INT(running(w, "t3.small"), 1);
    CHECK_STR(xml_text(group(w), "MinSize"), "1");
    world_free(w);
}

TEST(update_policies_are_checked)
{
    static const struct {
        const char *policy, *wrong;
    } rows[] = {
        {"{AutoScallingRollingUpdate: {MaxBatchSize: 1}}", "AutoScallingRollingUpdate"},
        {"{AutoScalingRollingUpdate: {MaxBatchSize: 0}}", "MaxBatchSize"},
        {"{AutoScalingReplacingUpdate: {WillReplace: maybe}}", "AutoScalingReplacingUpdate"},
        {"{AutoScalingScheduledAction: {Ignore: true}}", "AutoScalingScheduledAction"},
    };
    struct world *w = new_world();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(w, with_policy(group_text, test_fmt("UpdatePolicy: %s\n", rows[i].policy)),
                "ValidationError",
                test_fmt("UpdatePolicy is not supported or not valid for resource "
                         "AutoScalingGroup: %s",
                         rows[i].wrong));
    refused(w,
            "Resources: {A: {Type: AWS::SSM::Parameter, UpdatePolicy: {AutoScalingRollingUpdate: "
            "{}}, Properties: {Type: String, Value: x}}}",
            "ValidationError",
            "UpdatePolicy is not supported or not valid for resource A: the type has none");
    /* what only the group can tell fails its update */
    make(w, group_text);
    CHECK_OK(w, update(w, "s", "",
                       larger(with_policy(group_text, "UpdatePolicy: {AutoScalingRollingUpdate: "
                                                      "{MinInstancesInService: 4}}\n"))));
    go_on(w, "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "s"), GROUP "UPDATE_FAILED MinInstancesInService must be less than the "
                                       "autoscaling group's MaxSize\n"));
    CHECK_INT(running(w, "t3.micro"), 3);
    world_free(w);
}

TEST(a_group_that_launches_nothing_does_not_stabilize)
{
    struct world *w = new_world();

    CHECK_OK(w, create(w, "s", "&DisableRollback=true",
                       with(group_text, "      InstanceType: t3.micro\n",
                            "      InstanceType: t3.micro\n      KeyName: nobody\n")));
    for (int i = 0; i < 10; i++)
        world_advance(w, 2000);
    check_status(w, "s", "CREATE_FAILED");
    CHECK(strstr(events(w, "s"), "CREATE_FAILED Group did not stabilize. Last scaling activity: "));
    world_free(w);
}
