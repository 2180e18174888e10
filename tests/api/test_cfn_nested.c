/* Stacks in stacks. */
#include "api/cfn_bucket.h"
#include "api/cfn_help.h"

#define CHILD(name, value)                                                                         \
    "  " name ":\n"                                                                                \
    "    Type: AWS::CloudFormation::Stack\n"                                                       \
    "    Properties:\n"                                                                            \
    "      TemplateURL: " BUCKET "child\n"                                                         \
    "      Parameters: {Value: " value "}\n"

static const char child[] =
    "Parameters: {Value: {Type: String}}\n"
    "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub '/${Value}', Type: String, "
    "Value: !Ref Value}}}\n"
    "Outputs:\n  Name: {Value: !GetAtt P.Value}\n";

static struct str
value_of(struct world *w, const char *name)
{
    return json_path(world_json_okf(w, "ssm", "GetParameter", "{'Name':'%s'}", name),
                     "Parameter.Value");
}

static const char *
physical(struct world *w, const char *name, const char *logical)
{
    return xml_cstr(world_okf(w,
                              "Action=DescribeStackResource" V "&StackName=%s&LogicalResourceId=%s",
                              name, logical),
                    "PhysicalResourceId");
}

static size_t
parameters(struct world *w)
{
    return json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters");
}

TEST(a_stack_in_a_stack_hands_its_outputs_on, "CFNN-01 CFNN-02 CFNN-03")
{
    static const char parent[] = "Resources:\n" CHILD("One", "%s") CHILD(
        "Two",
        "!Sub '${One.Outputs.Name}-two'") "Outputs: {Two: {Value: !GetAtt Two.Outputs.Name}}\n";
    struct world *w = world_new();
    struct str id, seen;

    bucket_put(w, "child", child);
    id = xml_text(
        create(w, "root", "&Tags.member.1.Key=team&Tags.member.1.Value=x", test_fmt(parent, "one")),
        "StackId");
    world_settle(w);
    check_status(w, "root", "CREATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "root"), "OutputValue"), "one-two");
    CHECK_STR(value_of(w, "/one"), "one");
    const char *one = physical(w, "root", "One");
    CHECK(strstr(one, ":stack/root-One-"));
    seen = stack(w, one);
    CHECK(str_eq(xml_text(seen, "ParentId"), id));
    CHECK(str_eq(xml_text(seen, "RootId"), id));
    CHECK_STR(xml_text(xml_where(seen, "member", "Key", "team"), "Value"), "x");
    CHECK(!xml_text(stack(w, "root"), "RootId").p);
    CHECK_STR(str_from(events(w, "root")), "root CREATE_IN_PROGRESS User Initiated\n"
                                           "One CREATE_IN_PROGRESS\n"
                                           "One CREATE_IN_PROGRESS Resource creation Initiated\n"
                                           "One CREATE_COMPLETE\n"
                                           "Two CREATE_IN_PROGRESS\n"
                                           "Two CREATE_IN_PROGRESS Resource creation Initiated\n"
                                           "Two CREATE_COMPLETE\n"
                                           "root CREATE_COMPLETE\n");
    /* an update of the parent is one of its children, also when only their template changed */
    bucket_put(w, "child", test_fmt("%s  More: {Value: more}\n", child));
    world_ok(w, "Action=UpdateStack" V "&StackName=root&UsePreviousTemplate=true");
    world_settle(w);
    check_status(w, "root", "UPDATE_COMPLETE");
    CHECK_INT(xml_count(stack(w, one), "OutputKey"), 2);
    CHECK_OK(w, update(w, "root", "", test_fmt(parent, "uno")));
    world_settle(w);
    check_status(w, "root", "UPDATE_COMPLETE");
    check_status(w, one, "UPDATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "root"), "OutputValue"), "uno-two");
    CHECK_INT(parameters(w), 2);
    CHECK(strstr(events(w, one), "P UPDATE_COMPLETE\n"));
    /* a child whose properties and template stay takes no part, but is told of */
    size_t n =
        xml_count(world_okf(w, "Action=DescribeStackEvents" V "&StackName=%s", one), "EventId");
    world_ok(w, "Action=UpdateStack" V "&StackName=root&UsePreviousTemplate=true");
    world_settle(w);
    check_status(w, "root", "UPDATE_COMPLETE");
    CHECK_INT(
        xml_count(world_okf(w, "Action=DescribeStackEvents" V "&StackName=%s", one), "EventId"), n);
    world_ok(w, "Action=DeleteStack" V "&StackName=root");
    world_settle(w);
    CHECK_INT(parameters(w), 0);
    check_status(w, one, "DELETE_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 0);
    world_free(w);
}

TEST(a_child_that_is_not_made_takes_its_parent_back, "CFNN-01")
{
    struct world *w = world_new();
    struct str id;

    bucket_put(w, "child", child);
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    id = xml_text(create(w, "bad", "", "Resources:\n" CHILD("A", "fine") CHILD("B", "taken")),
                  "StackId");
    world_settle(w);
    check_status(w, "bad", "ROLLBACK_COMPLETE");
    const char *all = events(w, "bad");
    const char *b = physical(w, "bad", "B");
    CHECK(
        strstr(all, test_fmt("B CREATE_FAILED Embedded stack %s was not successfully created: The "
                             "following resource(s) failed to create: [P]. \n"
                             "bad ROLLBACK_IN_PROGRESS The following resource(s) failed to "
                             "create: [B]. Rollback requested by user.\n",
                             b)));
    all = events(w, b);
    CHECK(strstr(all, " CREATE_FAILED The following resource(s) failed to create: [P]. \n"));
    CHECK(strstr(all, " DELETE_IN_PROGRESS User Initiated\n"));
    check_status(w, b, "DELETE_COMPLETE");
    CHECK_INT(parameters(w), 1);
    /* what the child's template lacks is told by the parent's event */
    CHECK_OK(w, create(w, "lacks", "",
                       "Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: "
                       "{TemplateURL: " BUCKET "child}}}"));
    CHECK_OK(w, create(w, "none", "",
                       "Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: "
                       "{TemplateURL: " BUCKET "none}}}"));
    CHECK_OK(w, create(w, "output", "",
                       "Resources:\n" CHILD(
                           "A", "a") "Outputs: {O: {Value: !GetAtt A.Outputs.Nope}}\n"));
    world_settle(w);
    CHECK(strstr(events(w, "lacks"), "A CREATE_FAILED Parameters: [Value] must have values\n"));
    CHECK(
        strstr(events(w, "none"), "A CREATE_FAILED S3 error: The specified key does not exist.\n"));
    CHECK(strstr(events(w, "output"), "Output 'Nope' not found in stack 'arn:aws:cloudformation:"));
    CHECK(id.n);
    world_free(w);
}

TEST(children_go_back_with_their_parent, "CFNN-03 CFN-15")
{
    static const char parent[] = "Resources:\n" CHILD("A", "%s") CHILD("B", "%s") "%s";
    static const char bad[] =
        "  Bad: {Type: AWS::SSM::Parameter, DependsOn: [A, B], Properties: {Name: /taken, Type: "
        "String, Value: x}}\n";
    struct world *w = world_new();

    bucket_put(w, "child", child);
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/taken','Type':'String','Value':'x'}");
    CHECK_OK(w, create(w, "root", "", test_fmt(parent, "a1", "b1", "")));
    world_settle(w);
    check_status(w, "root", "CREATE_COMPLETE");
    const char *a = physical(w, "root", "A"), *b = physical(w, "root", "B");
    /* the parent fails when its children were updated */
    CHECK_OK(w, update(w, "root", "", test_fmt(parent, "a2", "b1", bad)));
    world_settle(w);
    check_status(w, "root", "UPDATE_ROLLBACK_COMPLETE");
    check_status(w, a, "UPDATE_ROLLBACK_COMPLETE");
    check_status(w, b, "CREATE_COMPLETE");
    CHECK_STR(value_of(w, "/a1"), "a1");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/a2'}");
    const char *last = strstr(events(w, a), "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    CHECK(last && strstr(last, " UPDATE_ROLLBACK_IN_PROGRESS\n"
                               "P UPDATE_IN_PROGRESS\n"
                               "P UPDATE_COMPLETE\n"));
    last = strstr(events(w, "root"), "root UPDATE_ROLLBACK_IN_PROGRESS");
    CHECK_STR(str_from(last), "root UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed "
                              "to create: [Bad]. \n"
                              "A UPDATE_IN_PROGRESS\n"
                              "B UPDATE_IN_PROGRESS\n"
                              "B UPDATE_COMPLETE\n"
                              "A UPDATE_COMPLETE\n"
                              "root UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS\n"
                              "Bad DELETE_COMPLETE\n"
                              "root UPDATE_ROLLBACK_COMPLETE\n");
    /* a child fails by itself */
    CHECK_OK(w, update(w, "root", "", test_fmt(parent, "taken", "b3", "")));
    world_settle(w);
    check_status(w, "root", "UPDATE_ROLLBACK_COMPLETE");
    check_status(w, a, "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "root"),
                 test_fmt("A UPDATE_FAILED Embedded stack %s was not successfully updated. "
                          "Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: The following "
                          "resource(s) failed to update: [P]. \n",
                          a)));
    CHECK_STR(value_of(w, "/a1"), "a1");
    CHECK_STR(value_of(w, "/b1"), "b1");
    CHECK_INT(parameters(w), 3);
    /* and all is well again */
    CHECK_OK(w, update(w, "root", "", test_fmt(parent, "a4", "b4", "")));
    world_settle(w);
    check_status(w, "root", "UPDATE_COMPLETE");
    CHECK_STR(value_of(w, "/a4"), "a4");
    CHECK_INT(parameters(w), 3);
    world_free(w);
}

TEST(a_child_is_as_protected_and_as_capable_as_its_root, "CFN-17 CFNN-05")
{
    struct world *w = world_new();

    bucket_put(w, "child", "Resources: {G: {Type: AWS::IAM::Group}}");
    bucket_put(w, "middle",
               "Resources: {C: {Type: AWS::CloudFormation::Stack, Properties: "
               "{TemplateURL: " BUCKET "child}}}");
    static const char parent[] = "Resources: {M: {Type: AWS::CloudFormation::Stack, Properties: "
                                 "{TemplateURL: " BUCKET "middle}}}";

    CHECK_OK(w, create(w, "poor", "", parent));
    world_settle(w);
    check_status(w, "poor", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "poor"), "M CREATE_FAILED Embedded stack"));
    CHECK_OK(w, create(w, "root", IAM "&EnableTerminationProtection=true", parent));
    world_settle(w);
    check_status(w, "root", "CREATE_COMPLETE");
    const char *middle = physical(w, "root", "M");
    const char *inner = physical(w, middle, "C");
    CHECK(str_eq(xml_text(stack(w, inner), "RootId"), xml_text(stack(w, "root"), "StackId")));
    CHECK(str_eq(xml_text(stack(w, inner), "ParentId"), str_from(middle)));
    CHECK_STR(xml_text(stack(w, inner), "EnableTerminationProtection"), "true");
    world_refusedf(w, "ValidationError", NULL, "Action=DeleteStack" V "&StackName=%s", inner);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=UpdateTerminationProtection" V
                   "&StackName=%s&EnableTerminationProtection=false",
                   inner);
    world_ok(w, "Action=UpdateTerminationProtection" V
                "&StackName=root&EnableTerminationProtection=false");
    world_ok(w, "Action=DeleteStack" V "&StackName=root");
    world_settle(w);
    check_status(w, inner, "DELETE_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 0);
    world_free(w);
}
