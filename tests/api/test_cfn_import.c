/* Resources that are there already become a stack's. */
#include "api/cfn_help.h"

static struct str
import(struct world *w, const char *name, const char *resources, const char *template)
{
    return world_callf(
        w,
        "Action=CreateChangeSet" V
        "&StackName=%s&ChangeSetName=import&ChangeSetType=IMPORT%s&TemplateBody=%.*s",
        name, resources, STR_ARG(world_code(w, str_from(template))));
}

#define ONE(n, type, logical, key, value)                                                          \
    "&ResourcesToImport.member." n ".ResourceType=" type "&ResourcesToImport.member." n            \
    ".LogicalResourceId=" logical "&ResourcesToImport.member." n                                   \
    ".ResourceIdentifier.entry.1.key=" key "&ResourcesToImport.member." n                          \
    ".ResourceIdentifier.entry.1.value=" value

static const char template[] =
    "Resources:\n"
    "  P: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /mine, Type: "
    "String, Value: x}}\n"
    "  G: {Type: AWS::EC2::SecurityGroup, DeletionPolicy: Delete, Properties: {GroupDescription: "
    "g, GroupName: mine}}\n"
    "%s"
    "Outputs: {Value: {Value: !GetAtt P.Value}, Group: {Value: !GetAtt G.GroupId}}\n";

TEST(resources_that_are_there_become_a_stack_s)
{
    struct world *w = world_new();
    struct str group, seen;

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/mine','Type':'String','Value':'x'}");
    group = xml_text(world_ok(w, "Action=CreateSecurityGroup&GroupName=mine&GroupDescription=g"),
                     "groupId");
    const char *both = test_fmt("&Tags.member.1.Key=team&Tags.member.1.Value=t" ONE(
                                    "1", "AWS::SSM::Parameter", "P", "Name", "/mine")
                                    ONE("2", "AWS::EC2::SecurityGroup", "G", "Id", "%.*s"),
                                STR_ARG(group));

    CHECK_OK(w, import(w, "adopt", both, test_fmt(template, "")));
    check_status(w, "adopt", "REVIEW_IN_PROGRESS");
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=adopt&ChangeSetName=import");
    CHECK_STR(xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", "P"), "Action"),
              "Import");
    CHECK_STR(
        xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", "G"), "PhysicalResourceId"),
        str_cstr(test_arena(), group));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=adopt&ChangeSetName=import");
    world_settle(w);
    check_status(w, "adopt", "IMPORT_COMPLETE");
    CHECK_STR(str_from(events(w, "adopt")),
              "adopt REVIEW_IN_PROGRESS User Initiated\n"
              "adopt IMPORT_IN_PROGRESS User Initiated\n"
              "P IMPORT_IN_PROGRESS Resource import started.\n"
              "P IMPORT_COMPLETE Resource import completed.\n"
              "G IMPORT_IN_PROGRESS Resource import started.\n"
              "G IMPORT_COMPLETE Resource import completed.\n"
              "P UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if applicable.\n"
              "P UPDATE_COMPLETE\n"
              "G UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if applicable.\n"
              "G UPDATE_COMPLETE\n"
              "adopt IMPORT_COMPLETE\n");
    CHECK(str_eq(
        xml_text(xml_where(stack(w, "adopt"), "member", "OutputKey", "Group"), "OutputValue"),
        group));
    seen = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%.*s", STR_ARG(group));
    CHECK_STR(xml_text(xml_where(seen, "item", "key", "team"), "value"), "t");
    world_crash(w);
    /* from now on they are the stack's */
    CHECK_OK(w, import(w, "thief", both, test_fmt(template, "")));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=thief&ChangeSetName=import");
    world_settle(w);
    check_status(w, "thief", "IMPORT_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "thief"), "P IMPORT_FAILED /mine already exists in stack adopt\n"));
    world_ok(w, "Action=DeleteStack" V "&StackName=thief");
    world_settle(w);
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/mine'}"), "Parameter.Value"),
        "x");
    world_free(w);
}

TEST(an_import_changes_nothing_else_and_may_fail)
{
    static const char more[] =
        "  Q: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /q, Type: "
        "String, Value: %s}}\n";
    static const char small[] = "Resources:\n"
                                "  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: "
                                "String, Value: %d}}\n%s";
    struct world *w = world_new();
    struct str reply;

    CHECK_OK(w, create(w, "own", "", test_fmt(small, 1, "")));
    world_settle(w);
    reply = import(w, "own", ONE("1", "AWS::SSM::Parameter", "Q", "Name", "/q"),
                   test_fmt(small, 2, test_fmt(more, "v")));
    CHECK_STR(xml_text(reply, "Message"),
              "You have modified resources [A] in your template that are not being imported. "
              "Update, create or delete operations cannot be executed during import operations.");
    reply = import(w, "own", ONE("1", "AWS::SSM::Parameter", "Q", "Name", "/q"),
                   test_fmt(small, 1,
                            "  Q: {Type: AWS::SSM::Parameter, Properties: {Name: /q, Type: String, "
                            "Value: v}}\n"));
    CHECK_STR(xml_text(reply, "Message"),
              "The following resources to import [Q] must have DeletionPolicy attribute specified "
              "in the template.");
    CHECK_FAULT(w, import(w, "own", "", test_fmt(small, 1, test_fmt(more, "v"))),
                "ValidationError");
    /* it is not there */
    CHECK_OK(w, import(w, "own", ONE("1", "AWS::SSM::Parameter", "Q", "Name", "/q"),
                       test_fmt(small, 1, test_fmt(more, "v"))));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=own&ChangeSetName=import");
    world_settle(w);
    check_status(w, "own", "IMPORT_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "own"),
                 "Q IMPORT_FAILED Resource of type 'AWS::SSM::Parameter' with identifier '/q' was "
                 "not found.\n"
                 "own IMPORT_ROLLBACK_IN_PROGRESS The following resource(s) failed to import: [Q]. "
                 "\n"));
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStackResources" V "&StackName=own"),
                        "LogicalResourceId"),
              1);
    /* it is, and the stack goes on living */
    world_ok(w, "Action=DeleteChangeSet" V "&StackName=own&ChangeSetName=import");
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/q','Type':'String','Value':'v'}");
    CHECK_OK(w, import(w, "own", ONE("1", "AWS::SSM::Parameter", "Q", "Name", "/q"),
                       test_fmt(small, 1, test_fmt(more, "v"))));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=own&ChangeSetName=import");
    world_settle(w);
    check_status(w, "own", "IMPORT_COMPLETE");
    CHECK_OK(w, update(w, "own", "", test_fmt(small, 2, test_fmt(more, "w"))));
    world_settle(w);
    check_status(w, "own", "UPDATE_COMPLETE");
    CHECK_STR(
        json_path(world_json_ok(w, "ssm", "GetParameter", "{'Name':'/q'}"), "Parameter.Value"),
        "w");
    world_ok(w, "Action=DeleteStack" V "&StackName=own");
    world_settle(w);
    world_json_ok(w, "ssm", "GetParameter", "{'Name':'/q'}");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/a'}");
    world_free(w);
}
