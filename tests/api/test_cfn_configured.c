/*
 * CONFIGURATION_COMPLETE: what is told of types whose service checks what it made.  The order is
 * that of event lists that users of SAM and of the CDK published: the resource, then the stack when
 * all of its resources came so far, then their completion.
 */
#include "api/cfn_help.h"

static const char template[] =
    "Resources:\n"
    "  Bucket: {Type: AWS::S3::Bucket, UpdateReplacePolicy: Delete, Properties: {BucketName: "
    "'%s'}}\n"
    "  Name: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n";

/* How many events of the stack have the detailed status. */
static size_t
told(struct world *w)
{
    return xml_count(world_ok(w, "Action=DescribeStackEvents" V "&StackName=s"), "DetailedStatus");
}

TEST(a_resource_is_configured_before_it_is_complete, "CFN-18")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", "", test_fmt(template, "one")));
    world_settle(w);
    CHECK_STR(str_from(events(w, "s")),
              "s CREATE_IN_PROGRESS User Initiated\n"
              "Bucket CREATE_IN_PROGRESS\n"
              "Name CREATE_IN_PROGRESS\n"
              "Bucket CREATE_IN_PROGRESS Resource creation Initiated\n"
              "Name CREATE_IN_PROGRESS Resource creation Initiated\n"
              "Bucket CREATE_IN_PROGRESS - CONFIGURATION_COMPLETE Eventual consistency check "
              "initiated\n"
              "Name CREATE_COMPLETE\n"
              "s CREATE_IN_PROGRESS - CONFIGURATION_COMPLETE Eventual consistency check initiated\n"
              "Bucket CREATE_COMPLETE\n"
              "s CREATE_COMPLETE\n");
    /* a stack that is complete has no detailed status any more */
    CHECK_INT(xml_count(stack(w, "s"), "DetailedStatus"), 0);
    CHECK_OK(w, update(w, "s", "", test_fmt(template, "two")));
    world_settle(w);
    /* it is told of again, of what the update made, and not of the stack */
    CHECK_INT(told(w), 3);
    CHECK(str_find(str_from(events(w, "s")),
                   S("Bucket UPDATE_IN_PROGRESS - CONFIGURATION_COMPLETE")) != SIZE_MAX);
    world_free(w);
}

TEST(a_stack_is_configured_when_all_of_it_is, "CFN-18")
{
    static const char waits[] = "Resources:\n"
                                "  Bucket: {Type: AWS::S3::Bucket}\n"
                                "  Wait:\n"
                                "    Type: AWS::CloudFormation::WaitCondition\n"
                                "    CreationPolicy: {ResourceSignal: {Timeout: PT1H}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", "", waits));
    world_settle(w);
    CHECK_INT(told(w), 1);
    world_ok(w, "Action=SignalResource" V "&StackName=s&LogicalResourceId=Wait&Status=SUCCESS"
                "&UniqueId=a");
    world_settle(w);
    check_status(w, "s", "CREATE_COMPLETE");
    world_free(w);
}
