/* DeletionPolicy and UpdateReplacePolicy, and stacks that are deleted by force. */
#include "api/cfn_help.h"

#define GROUP(name, more) "  " name ": {Type: AWS::IAM::Group" more "}\n"
#define BAD "  Bad: {Type: AWS::IAM::Group, DependsOn: New, Properties: {GroupName: taken}}\n"
#define EXTENDED                                                                                   \
    "Transform: AWS::LanguageExtensions\nParameters: {P: {Type: String, Default: '%s'}}\n"

static size_t
groups(struct world *w)
{
    return xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName");
}

TEST(a_resource_is_retained_except_on_create, "CFND-04")
{
    static const char template[] =
        "Resources:\n" GROUP("New", ", DeletionPolicy: RetainExceptOnCreate");
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=taken");
    CHECK_OK(w, create(w, "fails", NAMED, test_fmt("%s%s", template, BAD)));
    world_settle(w);
    check_status(w, "fails", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "fails"), "New DELETE_COMPLETE\n"));
    CHECK_INT(groups(w), 1);
    /* what was made by an update that fails goes, too */
    CHECK_OK(w, create(w, "s", NAMED, "Resources:\n" GROUP("Old", "")));
    world_settle(w);
    CHECK_OK(w, update(w, "s", NAMED, test_fmt("%s" GROUP("Old", "") "%s", template, BAD)));
    world_settle(w);
    check_status(w, "s", "UPDATE_ROLLBACK_COMPLETE");
    CHECK_INT(groups(w), 2);
    /* and what was made well is kept */
    CHECK_OK(w, update(w, "s", NAMED, test_fmt("%s" GROUP("Old", ""), template)));
    world_settle(w);
    CHECK_OK(w, update(w, "s", NAMED, "Resources:\n" GROUP("Old", "")));
    world_settle(w);
    CHECK(strstr(events(w, "s"), "New DELETE_SKIPPED\n"));
    CHECK_INT(groups(w), 3);
    world_free(w);
}

TEST(policies_on_deletion_are_checked, "CFND-03")
{
    struct world *w = world_new();

    refused(w, "Resources: {A: {Type: AWS::IAM::Group, DeletionPolicy: Keep}}", "ValidationError",
            "Template error: Unrecognized DeletionPolicy Keep for resource A");
    refused(w, "Resources: {A: {Type: AWS::IAM::Group, UpdateReplacePolicy: RetainExceptOnCreate}}",
            "ValidationError",
            "Template error: Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A");
    refused(w, "Resources: {A: {Type: AWS::IAM::Group, DeletionPolicy: Snapshot}}",
            "ValidationError",
            "Template error: resource type AWS::IAM::Group does not support deletion policy "
            "Snapshot");
    refused(w, "Resources: {A: {Type: AWS::IAM::Group, DeletionPolicy: !Ref AWS::Region}}",
            "ValidationError",
            "Template format error: Every DeletionPolicy member must be a string.");
    /* with language extensions a function may make it; what it makes is checked alike */
    refused(w,
            test_fmt(EXTENDED "Resources: {A: {Type: AWS::CDK::Metadata, DeletionPolicy: !Ref P}}",
                     "Snapshot"),
            "ValidationError",
            "Template error: resource type AWS::CDK::Metadata does not support deletion policy "
            "Snapshot");
    CHECK_OK(w, create(w, "s", IAM "&Capabilities.member.2=CAPABILITY_AUTO_EXPAND",
                       test_fmt(EXTENDED "Resources: {A: {Type: AWS::IAM::Group, "
                                         "DeletionPolicy: !Ref P}}",
                                "Retain")));
    world_settle(w);
    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    world_settle(w);
    CHECK_INT(groups(w), 1);
    world_free(w);
}

TEST(a_stack_that_cannot_be_deleted_is_deleted_by_force, "CFND-05 CFN-10")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", NAMED,
                       "Resources:\n"
                       "  A: {Type: AWS::IAM::Group, Properties: {GroupName: a}}\n"
                       "  B: {Type: AWS::IAM::Group, DependsOn: A}\n"));
    world_settle(w);
    struct str id = xml_text(stack(w, "s"), "StackId");
    struct str why = world_callf(w, "Action=DeleteStack" V "&StackName=s"
                                    "&DeletionMode=FORCE_DELETE_STACK");

    CHECK_FAULT(w, why, "ValidationError");
    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=u");
    world_ok(w, "Action=AddUserToGroup&Version=2010-05-08&UserName=u&GroupName=a");
    world_ok(w, "Action=DeleteStack" V "&StackName=s&DeletionMode=STANDARD");
    world_settle(w);
    check_status(w, "s", "DELETE_FAILED");
    CHECK_INT(xml_count(stack(w, "s"), "DeletionMode"), 0);
    world_ok(w, "Action=DeleteStack" V "&StackName=s&DeletionMode=FORCE_DELETE_STACK");
    world_crash(w);
    world_settle(w);
    check_status(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK_STR(xml_text(stack(w, str_cstr(test_arena(), id)), "DeletionMode"), "FORCE_DELETE_STACK");
    CHECK(strstr(events(w, str_cstr(test_arena(), id)), "A DELETE_SKIPPED Resource handler"));
    CHECK_INT(groups(w), 1);
    world_free(w);
}

static const char volumes[] =
    "Resources:\n"
    "  Kept: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}\n"
    "  Disk:\n"
    "    Type: AWS::EC2::Volume\n"
    "    DeletionPolicy: Snapshot\n"
    "    Properties: {Size: 1, AvailabilityZone: us-east-1a}\n"
    "  Gone: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
    "x}}\n";

static struct str
snapshots(struct world *w)
{
    return world_ok(w, "Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self");
}

TEST(a_snapshot_is_taken_of_a_volume_that_goes, "CFND-01 CFND-02 CFND-03 CFND-04")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", "", volumes));
    for (int i = 0; i < 10; i++)
        world_advance(w, 1000);
    check_status(w, "s", "CREATE_COMPLETE");
    struct str id = xml_text(stack(w, "s"), "StackId");
    struct str disk = xml_text(
        world_ok(w, "Action=DescribeStackResource" V "&StackName=s&LogicalResourceId=Disk"),
        "PhysicalResourceId");

    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    world_crash(w);
    for (int i = 0; i < 20; i++)
        world_advance(w, 1000);
    check_status(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK_INT(xml_count(snapshots(w), "snapshotId"), 1);
    CHECK_STR(xml_text(snapshots(w), "volumeId"), str_cstr(test_arena(), disk));
    CHECK_STR(xml_text(snapshots(w), "status"), "completed");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes&Version=2016-11-15"), "volumeId"), 0);
    const char *told = events(w, str_cstr(test_arena(), id));

    CHECK(strstr(told, "Kept DELETE_SKIPPED\n"));
    CHECK(strstr(told, "Disk DELETE_COMPLETE\n"));
    CHECK(strstr(told, "Gone DELETE_COMPLETE\n"));
    world_free(w);
}

TEST(a_volume_that_an_update_drops_leaves_a_snapshot, "CFND-01 CFND-03")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", "", volumes));
    for (int i = 0; i < 10; i++)
        world_advance(w, 1000);
    CHECK_OK(w, update(w, "s", "",
                       "Resources:\n"
                       "  Gone: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "
                       "x}}\n"));
    for (int i = 0; i < 20; i++)
        world_advance(w, 1000);
    check_status(w, "s", "UPDATE_COMPLETE");
    CHECK_INT(xml_count(snapshots(w), "snapshotId"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes&Version=2016-11-15"), "volumeId"), 0);
    world_free(w);
}

/* What the template of a failed update said of a resource is not what its stack has. */
TEST(an_update_that_goes_back_takes_its_deletion_policies_back, "CFND-02 CFN-15")
{
    static const char before[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: '1'}}\n"
        "  K: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /k, Type: "
        "String, Value: '1'}}\n";
    static const char after[] =
        "Resources:\n"
        "  A: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /a, Type: "
        "String, Value: '1'}}\n"
        "  K: {Type: AWS::SSM::Parameter, Properties: {Name: /k, Type: String, Value: '2'}}\n"
        "  Bad: {Type: AWS::SSM::Parameter, DependsOn: [A, K], Properties: {Name: /taken, Type: "
        "String, Value: x}}\n";
    struct world *w = world_new();

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    CHECK_OK(w, create(w, "s", "", before));
    world_settle(w);
    CHECK_OK(w, update(w, "s", "", after));
    world_settle(w);
    check_status(w, "s", "UPDATE_ROLLBACK_COMPLETE");
    world_ok(w, "Action=DeleteStack" V "&StackName=s");
    world_settle(w);
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/a'}");
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/k'}");
    world_free(w);
}

TEST(a_condition_is_the_name_of_one)
{
    struct world *w = world_new();

    refused(w,
            "Conditions: {C: !Equals [a, b]}\n"
            "Resources: {A: {Type: AWS::IAM::Group, Condition: {Condition: C}}}",
            "ValidationError", "Template format error: Every Condition member must be a string.");
    refused(w,
            "Conditions: {C: !Equals [a, b]}\n"
            "Resources: {A: {Type: AWS::IAM::Group}}\n"
            "Outputs: {O: {Value: x, Condition: !Condition C}}",
            "ValidationError", "Template format error: Every Condition member must be a string.");
    world_free(w);
}
