/* What stacks do beside being made: parameters, exports, signals, policies, change sets,
 * crashes. */
#include "api/cfn_help.h"
#include "harness/identity_keys.h"
#include "store/keys.h"

#include <stdio.h>
#include <time.h>

static const char param[] = "Parameters:\n"
                            "  Size: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /size}\n"
                            "Resources:\n"
                            "  P:\n"
                            "    Type: AWS::SSM::Parameter\n"
                            "    Properties: {Name: /mine, Type: String, Value: !Ref Size}\n"
                            "Outputs: {V: {Value: !GetAtt P.Value}}\n";

static void
put(struct world *w, const char *name, const char *value)
{
    world_json_okf(w, "ssm", "PutParameter",
                   "{'Name':'%s','Type':'String','Value':'%s','Overwrite':true}", name, value);
}

/* PS-04's other half, the CLI in an instance: tests/live/test_config.py. */
TEST(values_of_parameter_store_are_read_at_create_and_update_only, "CFNP-01 CFNP-02 CFNP-03 PS-04")
{
    struct world *w = world_new();

    refused(w, param, "ValidationError",
            "Unable to fetch parameters [/size] from parameter store for this account.");
    put(w, "/size", "small");
    CHECK_OK(w, create(w, "ssm", "", param));
    world_settle(w);
    check_status(w, "ssm", "CREATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "ssm"), "ResolvedValue"), "small");
    CHECK_STR(xml_text(stack(w, "ssm"), "OutputValue"), "small");
    put(w, "/size", "large");
    world_settle(w);
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/mine'}"), "Parameter.Value"),
        "small");
    CHECK_OK(w, world_call(w, "Action=UpdateStack" V "&StackName=ssm&UsePreviousTemplate=true"));
    world_settle(w);
    check_status(w, "ssm", "UPDATE_COMPLETE");
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/mine'}"), "Parameter.Value"),
        "large");
    world_refused(w, "ValidationError", "No updates are to be performed.",
                  "Action=UpdateStack" V "&StackName=ssm&UsePreviousTemplate=true");
    world_free(w);
}

TEST(metadata_of_templates_and_resources_are_told, "CFNT-15")
{
    static const char template[] =
        "Metadata: {AWS::CloudFormation::Interface: {ParameterGroups: []}, Mine: [1, two]}\n"
        "Resources:\n"
        "  A: {Type: AWS::IAM::Group, Metadata: {Object1: Location1, Deep: {x: [y]}}}\n";
    struct world *w = world_new();
    struct str body = world_code(w, str_from(template));

    struct str summary =
        world_okf(w, "Action=GetTemplateSummary" V "&TemplateBody=%.*s", STR_ARG(body));
    CHECK_STR(json_path(xml_text(summary, "Metadata"), "Mine.1"), "two");
    CHECK_OK(w, create(w, "meta", IAM, template));
    world_settle(w);
    struct str about =
        world_ok(w, "Action=DescribeStackResource" V "&StackName=meta&LogicalResourceId=A");
    CHECK_STR(json_path(xml_text(about, "Metadata"), "Object1"), "Location1");
    CHECK_STR(json_path(xml_text(about, "Metadata"), "Deep.x.0"), "y");
    world_free(w);
}

TEST(a_change_set_does_not_say_whether_the_update_will_succeed, "CFNC-02")
{
    static const char before[] = "Resources: {A: {Type: AWS::SSM::Parameter, Properties: "
                                 "{Name: /a, Type: String, Value: one}}}\n";
    static const char after[] = "Resources: {A: {Type: AWS::SSM::Parameter, Properties: "
                                "{Name: /a, Type: String, Value: two, AllowedPattern: one}}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "set", "", before));
    world_settle(w);
    world_okf(w, "Action=CreateChangeSet" V "&StackName=set&ChangeSetName=c&TemplateBody=%.*s",
              STR_ARG(world_code(w, str_from(after))));
    world_settle(w);
    struct str set = world_ok(w, "Action=DescribeChangeSet" V "&StackName=set&ChangeSetName=c");
    CHECK_STR(xml_text(set, "ExecutionStatus"), "AVAILABLE");
    CHECK_STR(xml_text(set, "Action"), "Modify");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=set&ChangeSetName=c");
    world_settle(w);
    check_status(w, "set", "UPDATE_ROLLBACK_COMPLETE");
    world_free(w);
}

TEST(an_update_that_fails_goes_back, "CFN-15")
{
    static const char before[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: one}}\n"
        "  G: {Type: AWS::IAM::Group}\n";
    static const char after[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a2, Type: String, Value: two}}\n"
        "  New: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n"
        "  Bad: {Type: AWS::IAM::Group, DependsOn: [A, New], Properties: {GroupName: taken}}\n";
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=taken");
    CHECK_OK(w, create(w, "back", IAM, before));
    world_settle(w);
    CHECK_OK(w, update(w, "back", NAMED, after));
    world_settle(w);
    check_status(w, "back", "UPDATE_ROLLBACK_COMPLETE");
    const char *all = strstr(events(w, "back"), "back UPDATE_ROLLBACK_IN_PROGRESS");
    CHECK(all);
    CHECK_STR(str_from(all),
              "back UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: "
              "[Bad]. \n"
              "A UPDATE_IN_PROGRESS\n"
              "A UPDATE_COMPLETE\n"
              "back UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS\n"
              "Bad DELETE_COMPLETE\n"
              "A DELETE_IN_PROGRESS\n"
              "New DELETE_IN_PROGRESS\n"
              "A DELETE_COMPLETE\n"
              "New DELETE_COMPLETE\n"
              "back UPDATE_ROLLBACK_COMPLETE\n");
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/a'}"), "Parameter.Value"),
        "one");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/a2'}");
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 2);
    CHECK_OK(w, update(w, "back", IAM, "Resources: {G: {Type: AWS::IAM::Group}}"));
    world_settle(w);
    check_status(w, "back", "UPDATE_COMPLETE");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/a'}");
    world_free(w);
}

TEST(exports_in_use_neither_go_nor_change, "CFNT-07 CFNT-08 CFNT-09 CFNT-10")
{
    static const char exporting[] =
        "Parameters: {X: {Type: String, Default: one}}\n"
        "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref X}}}\n"
        "Outputs: {O: {Value: !Ref X, Export: {Name: shared}}}\n";
    static const char importing[] =
        "Resources: {Q: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
        "!ImportValue shared}}}\nOutputs: {V: {Value: !GetAtt Q.Value}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "early", "", importing));
    world_settle(w);
    check_status(w, "early", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "early"), "No export named shared found."));
    CHECK_OK(w, create(w, "one", "", exporting));
    world_settle(w);
    CHECK_OK(w, create(w, "two", "", importing));
    CHECK_OK(w, create(w, "again", "", exporting));
    world_settle(w);
    CHECK_STR(xml_text(stack(w, "two"), "OutputValue"), "one");
    check_status(w, "again", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "again"), "Export with name shared is already exported by stack one."));
    CHECK_STR(xml_text(world_ok(w, "Action=ListImports" V "&ExportName=shared"), "member"), "two");
    world_refused(w, "ValidationError", "Export shared cannot be deleted as it is in use by two",
                  "Action=DeleteStack" V "&StackName=one");
    CHECK_OK(w, update(w, "one",
                       "&Parameters.member.1.ParameterKey=X"
                       "&Parameters.member.1.ParameterValue=two",
                       exporting));
    world_settle(w);
    check_status(w, "one", "UPDATE_ROLLBACK_COMPLETE");
    world_ok(w, "Action=DeleteStack" V "&StackName=two");
    world_settle(w);
    world_ok(w, "Action=DeleteStack" V "&StackName=one");
    world_settle(w);
    world_refused(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=one");
    world_free(w);
}

static const char waits[] = "Resources:\n"
                            "  Wait:\n"
                            "    Type: AWS::CloudFormation::WaitCondition\n"
                            "    CreationPolicy: {ResourceSignal: {Timeout: PT2M, Count: 2}}\n"
                            "  After: {Type: AWS::SSM::Parameter, DependsOn: Wait, Properties: "
                            "{Type: String, Value: x}}\n";

static struct str
signal_of(struct world *w, const char *name, const char *status, const char *id)
{
    return world_callf(w,
                       "Action=SignalResource" V "&StackName=%s&LogicalResourceId=Wait&Status=%s"
                       "&UniqueId=%s",
                       name, status, id);
}

TEST(signals_hold_a_stack_until_they_came, "CSIG-01 CSIG-02 CSIG-03 CSIG-04 CSIG-05 CSIG-08")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "good", "", waits));
    CHECK_OK(w, create(w, "fails", "", waits));
    CHECK_OK(w, create(w, "late", "", waits));
    world_settle(w);
    check_status(w, "good", "CREATE_IN_PROGRESS");
    CHECK_OK(w, signal_of(w, "good", "SUCCESS", "i-1"));
    CHECK_FAULT(w, signal_of(w, "good", "SUCCESS", "i-1"), "ValidationError");
    CHECK_OK(w, signal_of(w, "fails", "FAILURE", "i-9"));
    CHECK_OK(w, signal_of(w, "late", "SUCCESS", "i-5"));
    world_settle(w);
    check_status(w, "good", "CREATE_IN_PROGRESS");
    world_crash(w);
    CHECK_OK(w, signal_of(w, "good", "SUCCESS", "i-2"));
    world_settle(w);
    check_status(w, "good", "CREATE_COMPLETE");
    CHECK_STR(str_from(events(w, "good")),
              "good CREATE_IN_PROGRESS User Initiated\n"
              "Wait CREATE_IN_PROGRESS\n"
              "Wait CREATE_IN_PROGRESS Resource creation Initiated\n"
              "Wait CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId i-1\n"
              "Wait CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId i-2\n"
              "Wait CREATE_COMPLETE\n"
              "After CREATE_IN_PROGRESS\n"
              "After CREATE_IN_PROGRESS Resource creation Initiated\n"
              "After CREATE_COMPLETE\n"
              "good CREATE_COMPLETE\n");
    check_status(w, "fails", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "fails"),
                 "Wait CREATE_FAILED Received FAILURE signal with UniqueId i-9\n"
                 "fails ROLLBACK_IN_PROGRESS"));
    world_advance(w, 119000);
    check_status(w, "late", "CREATE_IN_PROGRESS");
    world_advance(w, 2000);
    check_status(w, "late", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "late"), "Wait CREATE_FAILED Failed to receive 1 resource signal(s) "
                                    "within the specified duration\n"));
    world_free(w);
}

TEST(a_retained_resource_stays, "CFND-01 CFND-02 CFND-04")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "keep", IAM,
                       "Resources:\n"
                       "  Kept: {Type: AWS::IAM::Group, DeletionPolicy: Retain}\n"
                       "  Gone: {Type: AWS::IAM::Group}\n"));
    world_settle(w);
    struct str id = xml_text(stack(w, "keep"), "StackId");
    world_ok(w, "Action=DeleteStack" V "&StackName=keep");
    world_settle(w);
    check_status(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK(strstr(events(w, str_cstr(test_arena(), id)), "Kept DELETE_SKIPPED\n"));
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 1);
    refused(w, "Resources: {A: {Type: AWS::IAM::Group, DeletionPolicy: Snapshot}}",
            "ValidationError", NULL);
    world_free(w);
}

TEST(a_protected_stack_is_not_deleted, "CFN-17")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "safe", IAM "&EnableTerminationProtection=true",
                       "Resources: {A: {Type: AWS::IAM::Group}}"));
    world_settle(w);
    world_refused(w, "ValidationError",
                  "Stack [safe] cannot be deleted while TerminationProtection is enabled",
                  "Action=DeleteStack" V "&StackName=safe");
    world_ok(w, "Action=UpdateTerminationProtection" V
                "&StackName=safe&EnableTerminationProtection=false");
    world_ok(w, "Action=DeleteStack" V "&StackName=safe");
    world_settle(w);
    world_refused(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=safe");
    world_free(w);
}

static struct str
change_set(struct world *w, const char *stack_name, const char *more, const char *template)
{
    return world_callf(w, "Action=CreateChangeSet" V "&StackName=%s%s&TemplateBody=%.*s",
                       stack_name, more, STR_ARG(world_code(w, str_from(template))));
}

TEST(a_change_set_tells_what_an_update_would_do, "CFNC-01")
{
    static const char one[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: one}}\n"
        "  B: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '${A}/b', Type: String, Value: "
        "!Ref A}}\n"
        "  C: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: c}}\n";
    static const char two[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a2, Type: String, Value: one}}\n"
        "  B: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '${A}/b', Type: String, Value: "
        "!Ref A}}\n"
        "  D: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: d}}\n";
    struct world *w = world_new();
    struct str seen;

    CHECK_OK(w, change_set(w, "set", "&ChangeSetName=first&ChangeSetType=CREATE", one));
    check_status(w, "set", "REVIEW_IN_PROGRESS");
    CHECK_FAULT(w, change_set(w, "no", "&ChangeSetName=first", one), "ValidationError");
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=set&ChangeSetName=first");
    CHECK_INT(xml_count(seen, "ResourceChange"), 3);
    CHECK_STR(xml_text(seen, "ExecutionStatus"), "AVAILABLE");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=set&ChangeSetName=first");
    world_settle(w);
    check_status(w, "set", "CREATE_COMPLETE");
    world_refused(w, "InvalidChangeSetStatus", NULL,
                  "Action=ExecuteChangeSet" V "&StackName=set&ChangeSetName=first");
    CHECK_OK(w, change_set(w, "set", "&ChangeSetName=same", one));
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=set&ChangeSetName=same");
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    CHECK_STR(xml_text(seen, "StatusReason"),
              "The submitted information didn't contain changes. Submit different information to "
              "create a change set.");
    CHECK_OK(w, change_set(w, "set", "&ChangeSetName=next", two));
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=set&ChangeSetName=next");
    struct str a = xml_where(seen, "ResourceChange", "LogicalResourceId", "A");
    struct str b = xml_where(seen, "ResourceChange", "LogicalResourceId", "B");

    CHECK_STR(xml_text(a, "Action"), "Modify");
    CHECK_STR(xml_text(a, "Replacement"), "True");
    CHECK_STR(xml_text(a, "RequiresRecreation"), "Always");
    CHECK_STR(xml_text(b, "Replacement"), "Conditional");
    CHECK_STR(xml_text(b, "CausingEntity"), "A");
    CHECK_STR(xml_text(b, "Evaluation"), "Dynamic");
    CHECK_STR(xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", "C"), "Action"),
              "Remove");
    CHECK_STR(xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", "D"), "Action"),
              "Add");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=set&ChangeSetName=next");
    world_settle(w);
    check_status(w, "set", "UPDATE_COMPLETE");
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/a2/b'}"), "Parameter.Value"),
        "/a2");
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 3);
    world_free(w);
}

TEST(five_hundred_parameters_are_a_second, "CFN-02")
{
    struct world *w = world_new();
    struct str text = S("Resources:\n");
    struct timespec from, to;

    for (int i = 0; i < 500; i++)
        text = str_fmt(test_arena(),
                       "%.*s  P%d: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
                       "v}}\n",
                       STR_ARG(text), i);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    CHECK_OK(w, create(w, "big", "", str_cstr(test_arena(), text)));
    world_settle(w);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    check_status(w, "big", "CREATE_COMPLETE");
    double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    if (took > 5) /* sanitizers and a loaded machine are slow; docs/cloudformation.md has numbers */
        FAIL("500 parameters took %.2f s", took);
    printf("500 parameters: %.2f s\n", took);
    world_ok(w, "Action=DeleteStack" V "&StackName=big");
    world_settle(w);
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 0);
    world_free(w);
}

/* Whatever step the daemon dies after, a stack ends where AWS would have it end. */
TEST(a_stack_survives_crashes_anywhere, "CFN-13 CFN-15")
{
    static const char template[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: a}}\n"
        "  I: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-009d6802948d06e52, "
        "InstanceType: "
        "t3.micro, SecurityGroupIds: [!GetAtt G.GroupId]}}\n"
        "  G: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}\n"
        "  B: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref I}}\n";

    for (int seed = 0; seed < 12; seed++) {
        struct world *w = world_new_seed((uint64_t)seed + 1);

        world_hold_disk(w, seed % 2);
        CHECK_OK(w, create(w, "crash", "", template));
        world_flush(w);
        for (int i = 0; i < 40; i++) {
            if (i % 7 == seed % 7)
                world_crash(w);
            world_advance(w, 10 + seed);
            if (i % 3 == seed % 3)
                world_flush(w);
        }
        world_flush(w);
        check_status(w, "crash", "CREATE_COMPLETE");
        CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 1);
        CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 2);
        world_ok(w, "Action=DeleteStack" V "&StackName=crash");
        world_flush(w);
        for (int i = 0; i < 60; i++) {
            if (i % 5 == seed % 5)
                world_crash(w);
            world_advance(w, 200);
            if (i % 3 == seed % 3)
                world_flush(w);
        }
        world_flush(w);
        world_refused(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=crash");
        CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 0);
        CHECK_INT(xml_count(world_ok(w, "Action=DescribeSecurityGroups"), "groupName"), 1);
        world_free(w);
    }
}

TEST(an_instance_is_made_with_groups_by_name_and_id, "CFNT-11 CFNT-18 VS-13 CFN-04")
{
    static const char template[] =
        "Resources:\n"
        "  Mine: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: mine}}\n"
        "  Server:\n"
        "    Type: AWS::EC2::Instance\n"
        "    CreationPolicy: {ResourceSignal: {Timeout: PT5M}}\n"
        "    Properties:\n"
        "      ImageId: ami-009d6802948d06e52\n"
        "      InstanceType: t2.micro\n"
        "      SecurityGroups: [!Ref Mine, !ImportValue SSHSecurityGroup]\n"
        "      UserData: {Fn::Base64: !Sub '#!/bin/sh\\necho ${AWS::StackName}'}\n"
        "Outputs: {Ip: {Value: !GetAtt Server.PrivateIp}}\n";
    static const char exporting[] =
        "Resources:\n"
        "  ServerSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: "
        "ssh}}\n"
        "Outputs:\n"
        "  StackSSHSecurityGroup:\n"
        "    Description: The SSH Security Group for our Company\n"
        "    Value: !Ref ServerSecurityGroup\n"
        "    Export:\n"
        "      Name: SSHSecurityGroup\n";
    struct world *w = world_new();
    struct str seen;

    CHECK_OK(w, create(w, "ssh", "", exporting));
    world_settle(w);
    CHECK_OK(w, create(w, "server", "", template));
    world_advance(w, 5000);
    check_status(w, "server", "CREATE_IN_PROGRESS");
    seen = world_ok(w, "Action=DescribeInstances");
    CHECK_INT(xml_count(xml_element(seen, "networkInterfaceSet"), "groupId"), 2);
    CHECK_OK(w, world_callf(w,
                            "Action=SignalResource" V
                            "&StackName=server&LogicalResourceId=Server&Status=SUCCESS"
                            "&UniqueId=%.*s",
                            STR_ARG(xml_text(seen, "instanceId"))));
    world_settle(w);
    check_status(w, "server", "CREATE_COMPLETE");
    CHECK(str_eq(xml_text(stack(w, "server"), "OutputValue"), xml_text(seen, "privateIpAddress")));
    world_free(w);
}

TEST(user_data_of_a_template_goes_through_base64, "UD-18")
{
    static const char template[] = "Resources:\n"
                                   "  Server:\n"
                                   "    Type: AWS::EC2::Instance\n"
                                   "    Properties:\n"
                                   "      ImageId: ami-009d6802948d06e52\n"
                                   "      InstanceType: t2.micro\n"
                                   "      UserData: %s\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "coded", "",
                       test_fmt(template, "{Fn::Base64: !Sub 'echo ${AWS::StackName} | tee /x'}")));
    world_settle(w);
    struct str id = xml_text(world_ok(w, "Action=DescribeInstances"), "instanceId");
    struct str seen = world_okf(w,
                                "Action=DescribeInstanceAttribute&Attribute=userData&"
                                "InstanceId=%.*s",
                                STR_ARG(id));
    CHECK(str_eq(xml_text(xml_element(seen, "userData"), "value"),
                 str_base64(test_arena(), S("echo coded | tee /x"))));
    /* Plain text is no base64, and the API says so. */
    CHECK_OK(w, create(w, "plain", "", test_fmt(template, "'echo plain | tee /x'")));
    world_settle(w);
    check_status(w, "plain", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "plain"), "Invalid BASE64 encoding of user data"));
    world_free(w);
}

TEST(public_parameters_name_the_newest_images, "CFNP-05 VS-18")
{
    static const char template[] =
        "Parameters:\n"
        "  LatestLinuxAmiId:\n"
        "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'\n"
        "    Default: '/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2'\n"
        "  LatestWindowsAmiId:\n"
        "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'\n"
        "    Default: "
        "'/aws/service/ami-windows-latest/Windows_Server-2016-English-Core-Base'\n"
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Name: /linux, Type: String, "
        "Value: !Ref LatestLinuxAmiId}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "latest", "", template));
    world_settle(w);
    check_status(w, "latest", "CREATE_COMPLETE");
    struct str seen = stack(w, "latest");
    CHECK_INT(xml_count(seen, "ResolvedValue"), 2);
    for (size_t i = 0; i < 2; i++) {
        struct str image = xml_text_at(seen, "ResolvedValue", i);

        CHECK(str_starts(image, S("ami-")));
        world_okf(w, "Action=DescribeImages&ImageId.1=%.*s", STR_ARG(image));
    }
    CHECK(!str_eq(xml_text_at(seen, "ResolvedValue", 0), xml_text_at(seen, "ResolvedValue", 1)));
    world_free(w);
}

TEST(a_stack_policy_protects_resources, "CFNS-01")
{
    static const char template[] =
        "Resources:\n"
        "  CriticalSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: "
        "g, SecurityGroupIngress: [{IpProtocol: tcp, FromPort: %d, ToPort: %d, CidrIp: "
        "10.0.0.0/8}]}}\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: v%d}}\n"
        "  U: {Type: AWS::IAM::Group, Properties: {Path: /%d/}}\n";
    static const char policy[] =
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"Update:*\",\"Principal\":\"*\","
        "\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"Update:*\",\"Principal\":\"*\","
        "\"Resource\":\"LogicalResourceId/CriticalSecurityGroup\"},{\"Effect\":\"Deny\","
        "\"Action\":\"Update:*\",\"Principal\":\"*\",\"Resource\":\"*\",\"Condition\":{"
        "\"StringEquals\":{\"ResourceType\":[\"AWS::IAM::Group\"]}}}]}";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "safe", IAM, test_fmt(template, 1, 1, 1, 1)));
    world_settle(w);
    world_okf(w, "Action=SetStackPolicy" V "&StackName=safe&StackPolicyBody=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    CHECK(str_eq(
        xml_text(world_ok(w, "Action=GetStackPolicy" V "&StackName=safe"), "StackPolicyBody"),
        str_from(policy)));
    CHECK_OK(w, update(w, "safe", IAM, test_fmt(template, 1, 1, 2, 1)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_COMPLETE");
    CHECK_OK(w, update(w, "safe", IAM, test_fmt(template, 2, 2, 2, 1)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "safe"),
                 "CriticalSecurityGroup UPDATE_FAILED Action denied by stack policy: Statement "
                 "[#2] does not allow [Update:*] for resource [CriticalSecurityGroup]\n"));
    CHECK_OK(w, update(w, "safe", IAM, test_fmt(template, 1, 1, 2, 2)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "safe"), "Statement [#3] does not allow [Update:*] for resource [U]"));
    CHECK_OK(w, update(w, "safe", "",
                       "Resources: {P: {Type: AWS::SSM::Parameter, Properties: "
                       "{Type: String, Value: v2}}}"));
    world_settle(w);
    check_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSecurityGroups"), "groupName"), 2);
    struct str once =
        world_code(w, S("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"Update:*\","
                        "\"Principal\":\"*\",\"Resource\":\"*\"}]}"));
    CHECK_OK(w,
             update(w, "safe", test_fmt("%s&StackPolicyDuringUpdateBody=%.*s", IAM, STR_ARG(once)),
                    test_fmt(template, 3, 3, 2, 3)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_COMPLETE");
    world_free(w);
}

TEST(a_stack_calls_as_its_caller_or_its_role)
{
    static const char template[] =
        "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: "
        "v}}}";
    static const char reading[] =
        "Parameters: {Zone: {Type: 'AWS::SSM::Parameter::Value<String>', Default: "
        "/aws/service/global-infrastructure/regions/us-east-1/longName}}\n"
        "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /q, Type: String, Value: "
        "!Ref Zone}}}";
    struct world *w = world_new();
    struct str key;

    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=joe");
    world_okf(w,
              "Action=PutUserPolicy&Version=2010-05-08&UserName=joe&PolicyName=p"
              "&PolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
                                      "\"Allow\",\"Action\":[\"cloudformation:*\","
                                      "\"iam:PassRole\"],\"Resource\":\"*\"}}"))));
    world_okf(w,
              "Action=CreateRole&Version=2010-05-08&RoleName=maker"
              "&AssumeRolePolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
                                      "\"Allow\",\"Principal\":{\"Service\":"
                                      "\"cloudformation.amazonaws.com\"},\"Action\":"
                                      "\"sts:AssumeRole\"}}"))));
    world_okf(w,
              "Action=PutRolePolicy&Version=2010-05-08&RoleName=maker&PolicyName=p"
              "&PolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
                                      "\"Allow\",\"Action\":\"ssm:*\",\"Resource\":\"*\"}}"))));
    key = world_ok(w, "Action=CreateAccessKey&Version=2010-05-08&UserName=joe");
    world_as_reply(w, key);
    CHECK_OK(w, create(w, "mine", "", template));
    world_settle(w);
    check_status(w, "mine", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "mine"), "is not authorized to perform: ssm:PutParameter on resource: "
                                    "arn:aws:ssm:us-east-1:000000000000:parameter/p"));
    CHECK_OK(w, create(w, "role", "&RoleARN=arn:aws:iam::000000000000:role/maker", template));
    world_settle(w);
    check_status(w, "role", "CREATE_COMPLETE");
    /* and what its parameters name is read so: the CDK's deploying role may not read parameters */
    refused(w, reading, "ValidationError",
            "AccessDenied. User doesn't have permission to call ssm:GetParameters");
    CHECK_OK(w, create(w, "read", "&RoleARN=arn:aws:iam::000000000000:role/maker", reading));
    world_settle(w);
    check_status(w, "read", "CREATE_COMPLETE");
    world_as_root(w);
    world_ok(w, "Action=DeleteUserPolicy&Version=2010-05-08&UserName=joe&PolicyName=p");
    world_as_reply(w, key);
    CHECK_FAULT(w, world_call(w, "Action=DeleteStack" V "&StackName=role"), "AccessDenied");
    world_free(w);
}

TEST(an_update_waits_for_its_monitoring_time_and_may_be_cancelled_in_it)
{
    static const char template[] =
        "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p%d, Type: String, Value: "
        "x}}}";
#define MONITOR "&RollbackConfiguration.MonitoringTimeInMinutes=%d"
    struct world *w = world_new();

    CHECK_FAULT(w, create(w, "m", test_fmt(MONITOR, 181), test_fmt(template, 1)),
                "ValidationError");
    CHECK_OK(w, create(w, "m", test_fmt(MONITOR, 10), test_fmt(template, 1)));
    world_settle(w);
    check_status(w, "m", "CREATE_COMPLETE"); /* without triggers only updates wait */
    CHECK_STR(xml_text(stack(w, "m"), "MonitoringTimeInMinutes"), "10");
    CHECK_OK(w, update(w, "m", "", test_fmt(template, 2))); /* it keeps its configuration */
    world_settle(w);
    check_status(w, "m", "UPDATE_IN_PROGRESS");
    world_advance(w, 9 * 60 * 1000);
    world_crash(w);
    check_status(w, "m", "UPDATE_IN_PROGRESS");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p1'}");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p2'}");
    world_advance(w, 60 * 1000);
    check_status(w, "m", "UPDATE_COMPLETE");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/p1'}");
    /* time to look, and to go back */
    CHECK_OK(w, update(w, "m", "", test_fmt(template, 3)));
    world_settle(w);
    world_ok(w, "Action=CancelUpdateStack" V "&StackName=m");
    world_settle(w);
    check_status(w, "m", "UPDATE_ROLLBACK_COMPLETE");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p2'}");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/p3'}");
    /* a change set has its own */
    CHECK_OK(w, world_callf(w,
                            "Action=CreateChangeSet" V "&StackName=m&ChangeSetName=c"
                            "&RollbackConfiguration.MonitoringTimeInMinutes=0&TemplateBody=%.*s",
                            STR_ARG(world_code(w, str_from(test_fmt(template, 4))))));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=m&ChangeSetName=c");
    world_settle(w);
    check_status(w, "m", "UPDATE_COMPLETE");
    world_free(w);
}

TEST(only_the_resource_types_of_the_request_are_touched)
{
    static const char template[] =
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: %s}}\n"
        "  U: {Type: AWS::IAM::User}\n%s";
#define TYPES(one) "&ResourceTypes.member.1=" one
    struct world *w = world_new();
    const char *both = TYPES("AWS::SSM::*") "&ResourceTypes.member.2=AWS::IAM::User" IAM;
    struct str reply, key;

    reply = create(w, "types", TYPES("AWS::SSM::*") IAM, test_fmt(template, "a", ""));
    CHECK_FAULT(w, reply, "ValidationError");
    CHECK(str_find(xml_text(reply, "Message"), S("[AWS::IAM::User]")) != SIZE_MAX);
    CHECK_OK(w, create(w, "types", both, test_fmt(template, "a", "")));
    world_settle(w);
    check_status(w, "types", "CREATE_COMPLETE");
    /* of an update what changes: the user stays */
    CHECK_OK(w, update(w, "types", TYPES("AWS::SSM::Parameter") IAM, test_fmt(template, "b", "")));
    world_settle(w);
    check_status(w, "types", "UPDATE_COMPLETE");
    CHECK_FAULT(w,
                update(w, "types", TYPES("AWS::SSM::Parameter") IAM,
                       test_fmt(template, "b", "  K: {Type: AWS::KMS::Key}\n")),
                "ValidationError");
    CHECK_FAULT(w,
                world_callf(w,
                            "Action=CreateChangeSet" V "&StackName=types&ChangeSetName=c" IAM TYPES(
                                "AWS::IAM::*") "&TemplateBody=%.*s",
                            STR_ARG(world_code(w, str_from(test_fmt(template, "c", ""))))),
                "ValidationError");
    /* policies see them */
    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=joe");
    world_okf(
        w,
        "Action=PutUserPolicy&Version=2010-05-08&UserName=joe&PolicyName=p"
        "&PolicyDocument=%.*s",
        STR_ARG(world_code(
            w, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                 "\"Action\":[\"cloudformation:*\",\"ssm:*\"],\"Resource\":\"*\"},{\"Effect\":"
                 "\"Deny\",\"Action\":\"cloudformation:CreateStack\",\"Resource\":\"*\","
                 "\"Condition\":{\"Null\":{\"cloudformation:ResourceTypes\":\"true\"}}},"
                 "{\"Effect\":\"Deny\",\"Action\":\"cloudformation:CreateChangeSet\","
                 "\"Resource\":\"*\",\"Condition\":{\"StringLike\":{"
                 "\"cloudformation:ChangeSetName\":\"bad*\"}}}]}"))));
    key = world_ok(w, "Action=CreateAccessKey&Version=2010-05-08&UserName=joe");
    world_as_reply(w, key);
    static const char one[] = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: "
                              "String, Value: v}}}";
    CHECK_FAULT(w, create(w, "joe", "", one), "AccessDenied");
    CHECK_OK(w, create(w, "joe", TYPES("AWS::SSM::*"), one));
    CHECK_FAULT(w,
                world_callf(w,
                            "Action=CreateChangeSet" V "&StackName=new&ChangeSetName=bad1"
                            "&ChangeSetType=CREATE&TemplateBody=%.*s",
                            STR_ARG(world_code(w, str_from(one)))),
                "AccessDenied");
    CHECK_OK(w, world_callf(w,
                            "Action=CreateChangeSet" V "&StackName=new&ChangeSetName=good"
                            "&ChangeSetType=CREATE&TemplateBody=%.*s",
                            STR_ARG(world_code(w, str_from(one)))));
    world_free(w);
}

TEST(resource_types_of_every_service_are_made_and_deleted)
{
    static const char template[] =
        "Resources:\n"
        "  Role:\n"
        "    Type: AWS::IAM::Role\n"
        "    Properties:\n"
        "      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, "
        "Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]}\n"
        "      ManagedPolicyArns: [!Ref Managed, 'arn:aws:iam::aws:policy/ReadOnlyAccess']\n"
        "      Policies: [{PolicyName: in, PolicyDocument: {Version: 2012-10-17, Statement: "
        "[{Effect: Allow, Action: 's3:*', Resource: '*'}]}}]\n"
        "  Managed: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Version: "
        "2012-10-17, Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}}}\n"
        "  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}\n"
        "  Team: {Type: AWS::IAM::Group}\n"
        "  User: {Type: AWS::IAM::User, Properties: {Groups: [!Ref Team], Tags: [{Key: a, Value: "
        "b}]}}\n"
        "  Access: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref User}}\n"
        "  Key: {Type: AWS::KMS::Key, Properties: {EnableKeyRotation: true, Tags: [{Key: a, "
        "Value: b}]}}\n"
        "  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/mine, TargetKeyId: !Ref "
        "Key}}\n"
        "  Pair: {Type: AWS::EC2::KeyPair, Properties: {KeyName: pair}}\n"
        "  Inline: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, Roles: [!Ref Role], "
        "PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: '*', Resource: "
        "'*'}]}}}\n"
        "  Joins: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: !Ref Team, Users: "
        "[!Ref Other]}}\n"
        "  Other: {Type: AWS::IAM::User}\n"
        "  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}\n"
        "  In: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !GetAtt Group.GroupId, "
        "IpProtocol: tcp, FromPort: 80, ToPort: 80, SourceSecurityGroupId: !GetAtt "
        "Group.GroupId}}\n"
        "  Hidden: {Type: AWS::SecretsManager::Secret, Properties: {Name: hidden, "
        "GenerateSecretString: {SecretStringTemplate: '{\"user\":\"joe\"}', GenerateStringKey: "
        "password, PasswordLength: 20}}}\n"
        "Outputs:\n"
        "  RoleArn: {Value: !GetAtt Role.Arn}\n"
        "  Secret: {Value: !GetAtt Access.SecretAccessKey}\n"
        "  KeyArn: {Value: !GetAtt Key.Arn}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "all", IAM "&Tags.member.1.Key=team&Tags.member.1.Value=x", template));
    world_settle(w);
    check_status(w, "all", "CREATE_COMPLETE");
    CHECK(str_starts(xml_text_at(stack(w, "all"), "OutputValue", 0),
                     S("arn:aws:iam::000000000000:role/all-Role-")));
    CHECK_INT(xml_text_at(stack(w, "all"), "OutputValue", 1).n, 40);
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStackResources" V "&StackName=all"), "member"),
              15);
    struct str hidden =
        json_path(world_json_ok(w, "secretsmanager", "GetSecretValue", "{'SecretId':'hidden'}"),
                  "SecretString");
    CHECK_STR(json_path(hidden, "user"), "joe");
    CHECK_INT(json_path(hidden, "password").n, 20);
    world_ok(w, "Action=DeleteStack" V "&StackName=all");
    world_settle(w);
    world_refused(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=all");
    CHECK_INT(xml_count(world_ok(w, "Action=ListRoles&Version=2010-05-08"), "RoleName"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=ListUsers&Version=2010-05-08"), "UserName"), 0);
    CHECK_INT(json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSecurityGroups"), "groupName"), 1);
    world_json_refused(w, "ResourceNotFoundException", NULL, "secretsmanager", "GetSecretValue",
                       "{'SecretId':'hidden'}");
    world_free(w);
}

/* A call that an instance signs with its identity document. */
static struct str
as_instance(struct world *w, struct identity *id, const char *instance, const char *form)
{
    struct arena *a = test_arena();
    struct str document = str_fmt(a,
                                  "{\"accountId\":\"000000000000\",\"instanceId\":\"%s\","
                                  "\"region\":\"us-east-1\"}",
                                  instance);
    struct str signature = identity_sign(id, a, IDENTITY_SIGNATURE, document, w->env.now_ms),
               line = S("");

    while (signature.p)
        line = str_cat(a, line, str_split(&signature, '\n'));
    const struct http_header headers[] = {
        {S("Host"), S("localhost:4566")},
        {S("Content-Type"), S("application/x-www-form-urlencoded")},
        {S("Authorization"),
         str_fmt(a, "CFN_V1 %.*s:%.*s", STR_ARG(str_base64(a, document)), STR_ARG(line))},
    };
    const struct sigv4_request req = {.method = S("POST"),
                                      .path = S("/"),
                                      .query = S(""),
                                      .headers = headers,
                                      .n_headers = ARRAY_LEN(headers),
                                      .body = str_from(form)};

    return world_request(w, &req);
}

TEST(an_instance_without_a_role_asks_about_its_own_stack_only, "CSIG-07 CINIT-13")
{
    static const char template[] =
        "Resources:\n"
        "  Server:\n"
        "    Type: AWS::EC2::Instance\n"
        "    Metadata: {AWS::CloudFormation::Init: {config: {files: {/a: {content: !Sub "
        "'${AWS::StackName}'}}}}}\n"
        "    Properties: {ImageId: ami-009d6802948d06e52, InstanceType: t2.micro}\n"
        "  Wait:\n"
        "    Type: AWS::CloudFormation::WaitCondition\n"
        "    CreationPolicy: {ResourceSignal: {Timeout: PT2M, Count: 1}}\n";
    struct world *w = world_new();
    struct identity *id, *forged = identity_for_test();

    CHECK(store_identity_load(cloud_store(w->cloud), &w->env.env, &id) == 0);
    CHECK_OK(w, create(w, "one", "", template));
    CHECK_OK(w, create(w, "two", "", waits));
    world_advance(w, 1000);
    struct str about =
        world_ok(w, "Action=DescribeStackResource" V "&StackName=one&LogicalResourceId=Server");
    const char *instance = xml_cstr(about, "PhysicalResourceId");
    const char *ask = "Action=DescribeStackResource" V "&StackName=one&LogicalResourceId=Server";

    about = as_instance(w, id, instance, ask);
    CHECK_OK(w, about);
    CHECK_STR(
        json_path(xml_text(about, "Metadata"), "AWS::CloudFormation::Init.config.files./a.content"),
        "one");
    CHECK_FAULT(w, as_instance(w, forged, instance, ask), "InvalidClientTokenId");
    CHECK_FAULT(w, as_instance(w, id, "i-00000000000000000", ask), "InvalidClientTokenId");
    CHECK_FAULT(w, as_instance(w, id, instance, "Action=DescribeStacks" V), "AccessDenied");
    CHECK_FAULT(w,
                as_instance(w, id, instance,
                            "Action=SignalResource" V
                            "&StackName=two&LogicalResourceId=Wait&Status=SUCCESS&UniqueId=x"),
                "AccessDenied");
    CHECK_FAULT(w, as_instance(w, id, instance, "Action=ListUsers&Version=2010-05-08"),
                "MissingAuthenticationToken");
    CHECK_OK(w, as_instance(w, id, instance,
                            "Action=SignalResource" V
                            "&StackName=one&LogicalResourceId=Wait&Status=SUCCESS&UniqueId=x"));
    world_advance(w, 1000);
    check_status(w, "one", "CREATE_COMPLETE");
    identity_free(id);
    identity_free(forged);
    world_free(w);
}

TEST(an_update_is_cancelled_and_goes_back, "CFN-15 CFN-18")
{
    static const char template[] =
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: %s}}\n"
        "%s";
    static const char wait[] = "  Wait:\n"
                               "    Type: AWS::CloudFormation::WaitCondition\n"
                               "    DependsOn: P\n"
                               "    CreationPolicy: {ResourceSignal: {Timeout: PT2M}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "stop", "", test_fmt(template, "one", "")));
    world_settle(w);
    world_refused(w, "ValidationError",
                  "CancelUpdateStack cannot be called from current stack status",
                  "Action=CancelUpdateStack" V "&StackName=stop");
    CHECK_OK(w, update(w, "stop", "", test_fmt(template, "two", wait)));
    world_settle(w);
    check_status(w, "stop", "UPDATE_IN_PROGRESS");
    CHECK_FAULT(w, update(w, "stop", "", test_fmt(template, "three", "")), "ValidationError");
    world_refused(w, "ValidationError", NULL, "Action=DeleteStack" V "&StackName=stop");
    world_ok(w, "Action=CancelUpdateStack" V "&StackName=stop");
    world_settle(w);
    check_status(w, "stop", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "stop"), "Wait CREATE_FAILED Resource creation cancelled\n"
                                    "stop UPDATE_ROLLBACK_IN_PROGRESS User Initiated\n"
                                    "P UPDATE_IN_PROGRESS\n"
                                    "P UPDATE_COMPLETE\n"));
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/p'}"), "Parameter.Value"),
        "one");
    CHECK_OK(w, update(w, "stop", "", test_fmt(template, "two", "")));
    world_settle(w);
    check_status(w, "stop", "UPDATE_COMPLETE");
    world_free(w);
}
