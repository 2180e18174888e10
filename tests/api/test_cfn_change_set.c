/* Change sets of stacks in stacks. */
#include "api/cfn_bucket.h"
#include "api/cfn_help.h"

#define CHILD(name, key, value)                                                                    \
    "  " name ":\n"                                                                                \
    "    Type: AWS::CloudFormation::Stack\n"                                                       \
    "    Properties:\n"                                                                            \
    "      TemplateURL: " BUCKET key "\n"                                                          \
    "      Parameters: {Value: " value "}\n"
#define PARAMETER(logical, name, value)                                                            \
    "  " logical ": {Type: AWS::SSM::Parameter, Properties: {Name: " name ", Type: String, "       \
    "Value: " value "}}\n"

static const char leaf[] =
    "Parameters: {Value: {Type: String, AllowedPattern: '[a-z]*'}}\n"
    "Resources:\n" PARAMETER("P", "!Sub '/${Value}'",
                             "!Ref Value") "Outputs:\n  Name: {Value: !Ref P}\n";
static const char middle[] =
    "Parameters: {Value: {Type: String}}\nResources:\n" CHILD("Leaf", "leaf", "!Ref Value")
        PARAMETER("M", "!Sub '/m/${Value}'", "m");

static struct str
prepare(struct world *w, const char *name, const char *kind, const char *more, const char *template)
{
    return world_callf(w,
                       "Action=CreateChangeSet" V
                       "&StackName=%s&ChangeSetName=cs&ChangeSetType=%s&IncludeNestedStacks=true%s"
                       "&TemplateBody=%.*s",
                       name, kind, more, STR_ARG(world_code(w, str_from(template))));
}

static struct str
set(struct world *w, struct str id)
{
    return world_okf(w, "Action=DescribeChangeSet" V "&ChangeSetName=%.*s", STR_ARG(id));
}

static struct str
change(struct str seen, const char *logical, const char *member)
{
    return xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", logical), member);
}

static void
act(struct world *w, const char *what, const char *name)
{
    world_okf(w, "Action=%s" V "&StackName=%s&ChangeSetName=cs", what, name);
    world_settle(w);
}

static size_t
parameters(struct world *w)
{
    return json_count(world_json_ok(w, "ssm", "DescribeParameters", "{}"), "Parameters");
}

TEST(each_nested_stack_has_a_change_set_of_its_own, "CFNC-01 CFNN-03")
{
    struct world *w = world_new();
    struct str root, mid, low, seen, id;
    static const char top[] =
        "Resources:\n" CHILD("Mid", "middle", "one") PARAMETER("Top", "/top", "%s");

    bucket_put(w, "leaf", leaf);
    bucket_put(w, "middle", middle);
    root = xml_text(prepare(w, "root", "CREATE", "", test_fmt(top, "a")), "Id");
    seen = set(w, root);
    CHECK_STR(xml_text(seen, "IncludeNestedStacks"), "true");
    CHECK_STR(xml_text(seen, "ExecutionStatus"), "AVAILABLE");
    CHECK(!xml_text(seen, "ParentChangeSetId").p);
    CHECK_STR(change(seen, "Mid", "Action"), "Add");
    mid = change(seen, "Mid", "ChangeSetId");
    CHECK(str_find(mid, S(":changeSet/cs-Mid-")) != SIZE_MAX);
    seen = set(w, mid);
    CHECK(str_eq(xml_text(seen, "ParentChangeSetId"), root));
    CHECK_STR(xml_text(seen, "Status"), "CREATE_COMPLETE");
    CHECK_STR(xml_text(seen, "ExecutionStatus"), "UNAVAILABLE");
    CHECK_STR(xml_text(seen, "StatusReason"), "Executable from root change set");
    CHECK_STR(change(seen, "M", "Action"), "Add");
    low = change(seen, "Leaf", "ChangeSetId");
    seen = set(w, low);
    CHECK(str_eq(xml_text(seen, "ParentChangeSetId"), mid));
    CHECK(str_eq(xml_text(seen, "RootChangeSetId"), root));
    CHECK_STR(change(seen, "P", "Action"), "Add");
    id = xml_text(seen, "StackId");
    check_status(w, str_cstr(test_arena(), id), "REVIEW_IN_PROGRESS");
    CHECK_INT(parameters(w), 0);
    /* only the root's is executed and deleted */
    CHECK_FAULT(w, world_callf(w, "Action=ExecuteChangeSet" V "&ChangeSetName=%.*s", STR_ARG(low)),
                "InvalidChangeSetStatus");
    CHECK_FAULT(w, world_callf(w, "Action=DeleteChangeSet" V "&ChangeSetName=%.*s", STR_ARG(low)),
                "InvalidChangeSetStatus");
    world_crash(w);
    act(w, "ExecuteChangeSet", "root");
    check_status(w, "root", "CREATE_COMPLETE");
    check_status(w, str_cstr(test_arena(), id), "CREATE_COMPLETE");
    CHECK_INT(parameters(w), 3);
    CHECK_STR(xml_text(set(w, low), "ExecutionStatus"), "EXECUTE_COMPLETE");
    CHECK(str_eq(xml_text(stack(w, str_cstr(test_arena(), id)), "ChangeSetId"), low));
    world_free(w);
}

TEST(only_what_changes_in_nested_stacks_is_told, "CFNC-01 CFNN-03")
{
    static const char top[] =
        "Resources:\n" CHILD("Mid", "middle", "one") PARAMETER("Top", "/top", "%s");
    struct world *w = world_new();
    struct str root, seen, id;

    bucket_put(w, "leaf", leaf);
    bucket_put(w, "middle", middle);
    CHECK_OK(w, create(w, "root", "", test_fmt(top, "a")));
    world_settle(w);
    /* the leaf's template */
    bucket_put(w, "leaf", test_fmt("%s  More: {Value: more}\n", leaf));
    root = xml_text(prepare(w, "root", "UPDATE", "", test_fmt(top, "a")), "Id");
    seen = set(w, root);
    CHECK_STR(xml_text(seen, "Status"), "CREATE_COMPLETE");
    CHECK_INT(xml_count(seen, "ResourceChange"), 1);
    CHECK_STR(change(seen, "Mid", "Action"), "Modify");
    CHECK_STR(change(seen, "Mid", "ChangeSource"), "Automatic");
    CHECK_STR(change(seen, "Mid", "Replacement"), "False");
    seen = set(w, change(seen, "Mid", "ChangeSetId"));
    CHECK_INT(xml_count(seen, "ResourceChange"), 1);
    CHECK_STR(xml_text(set(w, change(seen, "Leaf", "ChangeSetId")), "Status"), "CREATE_COMPLETE");
    id = xml_text(set(w, change(seen, "Leaf", "ChangeSetId")), "StackId");
    act(w, "ExecuteChangeSet", "root");
    check_status(w, "root", "UPDATE_COMPLETE");
    CHECK_INT(xml_count(stack(w, str_cstr(test_arena(), id)), "OutputKey"), 2);
    /* nothing changes anywhere, or only at the top */
    act(w, "DeleteChangeSet", "root");
    seen = set(w, xml_text(prepare(w, "root", "UPDATE", "", test_fmt(top, "a")), "Id"));
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    CHECK(
        str_starts(xml_text(seen, "StatusReason"), S("The submitted information didn't contain")));
    act(w, "DeleteChangeSet", "root");
    seen = set(w, xml_text(prepare(w, "root", "UPDATE", "", test_fmt(top, "b")), "Id"));
    CHECK_INT(xml_count(seen, "ResourceChange"), 1);
    CHECK_STR(change(seen, "Top", "Action"), "Modify");
    act(w, "ExecuteChangeSet", "root");
    check_status(w, "root", "UPDATE_COMPLETE");
    world_ok(w, "Action=DeleteStack" V "&StackName=root");
    world_settle(w);
    CHECK_INT(parameters(w), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 0);
    world_free(w);
}

TEST(change_sets_of_nested_stacks_go_with_their_root)
{
    struct world *w = world_new();
    static const char top[] =
        "Resources:\n" CHILD("Mid", "middle", "%s") PARAMETER("Top", "/top", "a");
    struct str seen, mid;

    bucket_put(w, "leaf", leaf);
    bucket_put(w, "middle", middle);
    CHECK_OK(w, prepare(w, "root", "CREATE", "", test_fmt(top, "one")));
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 3);
    act(w, "DeleteChangeSet", "root");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 1);
    CHECK_OK(w, prepare(w, "root", "CREATE", "", test_fmt(top, "one")));
    world_ok(w, "Action=DeleteStack" V "&StackName=root");
    world_settle(w);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 0);
    /* what cannot be looked at fails the sets above it */
    seen = set(w, xml_text(prepare(w, "root", "CREATE", "", test_fmt(top, "ONE")), "Id"));
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    mid = change(seen, "Mid", "ChangeSetId");
    CHECK_STR(xml_text(seen, "StatusReason"),
              test_fmt("Nested change set %.*s was not successfully created: Currently in FAILED.",
                       STR_ARG(mid)));
    seen = set(w, mid);
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    seen = set(w, change(seen, "Leaf", "ChangeSetId"));
    CHECK_STR(xml_text(seen, "StatusReason"), "Parameter 'Value' must match pattern [a-z]*");
    CHECK_FAULT(w, world_call(w, "Action=ExecuteChangeSet" V "&StackName=root&ChangeSetName=cs"),
                "InvalidChangeSetStatus");
    act(w, "DeleteChangeSet", "root");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 1);
    /* a creation that fails before it comes to a nested stack leaves none to be reviewed */
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/top','Type':'String','Value':'x'}");
    CHECK_OK(w, prepare(w, "root", "CREATE", "",
                        "Resources:\n" CHILD("Mid", "middle", "!GetAtt Top.Value")
                            PARAMETER("Top", "/top", "a")));
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 3);
    act(w, "ExecuteChangeSet", "root");
    check_status(w, "root", "ROLLBACK_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 1);
    world_free(w);
}

TEST(a_nested_stack_is_looked_at_with_what_is_known)
{
    struct world *w = world_new();
    const char *top = "Resources:\n" CHILD("One", "leaf", "first")
        CHILD("Two", "leaf", "!GetAtt One.Outputs.Name") CHILD("Self", "self", "x");
    struct str seen, two;

    /* a template that names itself has an end */
    bucket_put(w, "self",
               "Parameters: {Value: {Type: String}}\nResources:\n" CHILD("Self", "self", "x"));
    bucket_put(w, "leaf",
               "Parameters: {Value: {Type: String, MaxLength: 6}}\nResources:\n" PARAMETER(
                   "P", "!Sub '/x${Value}'", "!Ref Value") "Outputs: {Name: {Value: first}}\n");
    seen = set(w, xml_text(prepare(w, "root", "CREATE", "", top), "Id"));
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 13);
    two = set(w, change(seen, "Two", "ChangeSetId"));
    CHECK_STR(xml_text(two, "Status"), "CREATE_COMPLETE");
    CHECK_STR(xml_text(two, "ParameterValue"), "{{changeSet:KNOWN_AFTER_APPLY}}");
    act(w, "DeleteChangeSet", "root");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 1);
    /* nor may it name itself so often that there is none in sight */
    bucket_put(w, "self",
               "Parameters: {Value: {Type: String}}\nResources:\n" CHILD("A", "self", "x")
                   CHILD("B", "self", "x") CHILD("C", "self", "x"));
    seen = set(w, xml_text(prepare(w, "root", "CREATE", "", top), "Id"));
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    act(w, "DeleteChangeSet", "root");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 1);
    /* without IncludeNestedStacks nobody looks */
    CHECK_OK(w, create(w, "plain", "", "Resources:\n" CHILD("One", "leaf", "a")));
    world_settle(w);
    seen = world_okf(w, "Action=CreateChangeSet" V
                        "&StackName=plain&ChangeSetName=cs&UsePreviousTemplate=true");
    seen = set(w, xml_text(seen, "Id"));
    CHECK_STR(change(seen, "One", "ChangeSource"), "Automatic");
    CHECK(!change(seen, "One", "ChangeSetId").p);
    CHECK_STR(xml_text(seen, "IncludeNestedStacks"), "false");
    world_free(w);
}
