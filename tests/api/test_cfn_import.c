/* Resources that are there already become a stack's. */
#include "api/cfn_bucket.h"
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

/* ---- ImportExistingResources ---- */

static struct str
prepare(struct world *w, const char *name, const char *kind, const char *text)
{
    return world_callf(
        w,
        "Action=CreateChangeSet" V
        "&StackName=%s&ChangeSetName=cs&ChangeSetType=%s&ImportExistingResources=true"
        "&Capabilities.member.1=CAPABILITY_NAMED_IAM&Tags.member.1.Key=team"
        "&Tags.member.1.Value=t&TemplateBody=%.*s",
        name, kind, STR_ARG(world_code(w, str_from(text))));
}

static struct str
action_of(struct world *w, const char *name, const char *logical)
{
    struct str seen =
        world_okf(w, "Action=DescribeChangeSet" V "&StackName=%s&ChangeSetName=cs", name);

    return xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", logical), "Action");
}

#define MINE                                                                                       \
    "  Mine: {Type: AWS::SSM::Parameter, DeletionPolicy: %s, Properties: {Name: /mine, Type: "     \
    "String, Value: %s}}\n"
#define NEW                                                                                        \
    "  New: {Type: AWS::SSM::Parameter, Properties: {Name: /new, Type: %s, Value: !GetAtt "        \
    "Mine.Value}}\n"

static struct str
text_of(struct world *w, const char *name)
{
    return json_path(world_json_okf(w, "ssm", "GetParameter", "{'Name':'%s'}", name),
                     "Parameter.Value");
}

TEST(a_change_set_imports_what_is_there_by_its_name)
{
    struct world *w = world_new();
    struct str seen;

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/mine','Type':'String','Value':'x'}");
    CHECK_OK(w, prepare(w, "app", "CREATE",
                        test_fmt("Resources:\n" MINE NEW, "RetainExceptOnCreate", "x", "String")));
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=app&ChangeSetName=cs");
    CHECK_STR(xml_text(seen, "ImportExistingResources"), "true");
    CHECK_STR(xml_text(seen, "Status"), "CREATE_COMPLETE");
    CHECK_STR(action_of(w, "app", "Mine"), "Import");
    CHECK_STR(xml_text(xml_where(seen, "ResourceChange", "LogicalResourceId", "Mine"),
                       "PhysicalResourceId"),
              "/mine");
    CHECK_STR(action_of(w, "app", "New"), "Add");
    world_crash(w);
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=app&ChangeSetName=cs");
    world_settle(w);
    check_status(w, "app", "CREATE_COMPLETE");
    CHECK_STR(str_from(events(w, "app")),
              "app REVIEW_IN_PROGRESS User Initiated\n"
              "app CREATE_IN_PROGRESS User Initiated\n"
              "Mine IMPORT_IN_PROGRESS Resource import started.\n"
              "Mine IMPORT_COMPLETE Resource import completed.\n"
              "Mine UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if "
              "applicable.\n"
              "Mine UPDATE_COMPLETE\n"
              "New CREATE_IN_PROGRESS\n"
              "New CREATE_IN_PROGRESS Resource creation Initiated\n"
              "New CREATE_COMPLETE\n"
              "app CREATE_COMPLETE\n");
    CHECK_STR(text_of(w, "/new"), "x");
    seen = world_json_ok(w, "ssm", "ListTagsForResource",
                         "{'ResourceType':'Parameter','ResourceId':'/mine'}");
    CHECK(str_find(seen, S("\"team\"")) != SIZE_MAX);
    /* it is the stack's: another does not take it, and fails to make it */
    CHECK_OK(w, prepare(w, "thief", "CREATE", test_fmt("Resources:\n" MINE, "Retain", "x")));
    CHECK_STR(action_of(w, "thief", "Mine"), "Add");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=thief&ChangeSetName=cs");
    world_settle(w);
    check_status(w, "thief", "ROLLBACK_COMPLETE");
    CHECK_STR(text_of(w, "/mine"), "x");
    /* nor does it itself by another name, which would delete it in the end */
    world_ok(w, "Action=DeleteChangeSet" V "&StackName=app&ChangeSetName=cs");
    CHECK_OK(w,
             prepare(w, "app", "UPDATE",
                     "Resources:\n  Renamed: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, "
                     "Properties: {Name: /mine, Type: String, Value: x}}\n"));
    CHECK_STR(action_of(w, "app", "Renamed"), "Add");
    world_ok(w, "Action=DeleteChangeSet" V "&StackName=app&ChangeSetName=cs");
    /* and changes and goes as any other */
    CHECK_OK(w, update(w, "app", "", test_fmt("Resources:\n" MINE NEW, "Delete", "y", "String")));
    world_settle(w);
    check_status(w, "app", "UPDATE_COMPLETE");
    CHECK_STR(text_of(w, "/mine"), "y");
    world_ok(w, "Action=DeleteStack" V "&StackName=app");
    world_settle(w);
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/mine'}");
    world_free(w);
}

TEST(what_a_change_set_imported_stays_when_it_goes_back)
{
    static const char own[] = "Resources:\n  A: {Type: AWS::SSM::Parameter, Properties: {Name: /a, "
                              "Type: String, Value: a}}\n%s";
    struct world *w = world_new();
    struct str seen;

    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/mine','Type':'String','Value':'x'}");
    /* a policy that would delete it is refused by the set */
    CHECK_OK(w, prepare(w, "app", "CREATE", test_fmt("Resources:\n" MINE, "Delete", "x")));
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=app&ChangeSetName=cs");
    CHECK_STR(xml_text(seen, "Status"), "FAILED");
    CHECK_STR(xml_text(seen, "ExecutionStatus"), "UNAVAILABLE");
    CHECK_STR(xml_text(seen, "StatusReason"),
              "CloudFormation is attempting to import some resources because they already exist in "
              "your account. The resources must have the DeletionPolicy attribute set to 'Retain' "
              "or 'RetainExceptOnCreate' in the template for successful import. The affected "
              "resources are Mine ({Name=/mine})");
    world_ok(w, "Action=DeleteStack" V "&StackName=app");
    world_settle(w);
    /* a creation that fails after it, and an update */
    for (int updates = 0; updates < 2; updates++) {
        const char *broken = test_fmt(MINE NEW, "RetainExceptOnCreate", "x", "Nonsense");

        if (updates) {
            CHECK_OK(w, create(w, "app", "&Tags.member.1.Key=team&Tags.member.1.Value=t",
                               test_fmt(own, "")));
            world_settle(w);
        }
        CHECK_OK(w, prepare(w, "app", updates ? "UPDATE" : "CREATE", test_fmt(own, broken)));
        world_ok(w, "Action=ExecuteChangeSet" V "&StackName=app&ChangeSetName=cs");
        world_settle(w);
        check_status(w, "app", updates ? "UPDATE_ROLLBACK_COMPLETE" : "ROLLBACK_COMPLETE");
        CHECK(strstr(events(w, "app"), "Mine IMPORT_ROLLBACK_IN_PROGRESS\n"
                                       "Mine IMPORT_ROLLBACK_COMPLETE\n"));
        CHECK_STR(text_of(w, "/mine"), "x");
        seen = world_json_ok(w, "ssm", "ListTagsForResource",
                             "{'ResourceType':'Parameter','ResourceId':'/mine'}");
        CHECK(str_find(seen, S("\"team\"")) == SIZE_MAX);
        world_ok(w, "Action=DeleteStack" V "&StackName=app");
        world_settle(w);
        CHECK_STR(text_of(w, "/mine"), "x");
    }
    /* what is gone when the set is executed fails it */
    CHECK_OK(w, prepare(w, "app", "CREATE", test_fmt("Resources:\n" MINE, "Retain", "x")));
    world_json_ok(w, "ssm", "DeleteParameter", "{'Name':'/mine'}");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=app&ChangeSetName=cs");
    world_settle(w);
    check_status(w, "app", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "app"),
                 "Mine IMPORT_FAILED Resource of type 'AWS::SSM::Parameter' with identifier "
                 "'/mine' was not found.\n"
                 "app ROLLBACK_IN_PROGRESS The following resource(s) failed to import: [Mine]. "
                 "Rollback requested by user.\n"));
    CHECK_FAULT(w, prepare(w, "other", "IMPORT", "Resources: {A: {Type: AWS::CDK::Metadata}}"),
                "ValidationError");
    world_free(w);
}

/* Of each service: what its custom name makes known is found by it. */
TEST(resources_of_each_service_are_found_by_their_names)
{
    static const char many[] =
        "Resources:\n"
        "  R: {Type: AWS::IAM::Role, DeletionPolicy: Retain, Properties: {RoleName: mine, "
        "AssumeRolePolicyDocument: {Statement: {Effect: Allow, Principal: {Service: "
        "ec2.amazonaws.com}, Action: 'sts:AssumeRole'}}}}\n"
        "  U: {Type: AWS::IAM::User, DeletionPolicy: Retain, Properties: {UserName: mine}}\n"
        "  K: {Type: AWS::EC2::KeyPair, DeletionPolicy: Retain, Properties: {KeyName: mine}}\n"
        "  E: {Type: AWS::ECR::Repository, DeletionPolicy: Retain, Properties: {RepositoryName: "
        "mine}}\n"
        "  G: {Type: AWS::EC2::SecurityGroup, Properties: {GroupName: mine, GroupDescription: g}}\n"
        "  N: {Type: AWS::IAM::Role, DeletionPolicy: Retain, Properties: {RoleName: !Ref P, "
        "AssumeRolePolicyDocument: {Statement: {Effect: Allow, Principal: {Service: "
        "ec2.amazonaws.com}, Action: 'sts:AssumeRole'}}}}\n"
        "  P: {Type: AWS::IAM::User}\n";
    struct world *w = world_new();

    world_okf(w, "Action=CreateRole&Version=2010-05-08&RoleName=mine&AssumeRolePolicyDocument=%.*s",
              STR_ARG(world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
                                      "\"Allow\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"},"
                                      "\"Action\":\"sts:AssumeRole\"}}"))));
    world_ok(w, "Action=CreateUser&Version=2010-05-08&UserName=mine");
    world_ok(w, "Action=CreateKeyPair&KeyName=mine");
    world_json_ok(w, "ecr", "CreateRepository", "{'repositoryName':'mine'}");
    CHECK_OK(w, prepare(w, "app", "CREATE", many));
    static const struct {
        const char *logical, *action;
    } rows[] = {{"R", "Import"}, {"U", "Import"}, {"K", "Import"}, {"E", "Import"},
                {"G", "Add"},    {"N", "Add"},    {"P", "Add"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(action_of(w, "app", rows[i].logical), rows[i].action);
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=app&ChangeSetName=cs");
    world_settle(w);
    check_status(w, "app", "CREATE_COMPLETE");
    world_ok(w, "Action=DeleteStack" V "&StackName=app");
    world_settle(w);
    world_ok(w, "Action=GetRole&Version=2010-05-08&RoleName=mine");
    world_free(w);
}

/* What `cdk import` asks for. */
TEST(a_summary_tells_by_what_resources_could_be_imported)
{
    static const char all[] =
        "Resources:\n"
        "  B: {Type: AWS::S3::Bucket}\n"
        "  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}\n"
        "  C: {Type: AWS::S3::Bucket}\n"
        "  V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}\n"
        "  W: {Type: AWS::CloudFormation::WaitConditionHandle}\n"
        "  A: {Type: AWS::EC2::VolumeAttachment, Properties: {VolumeId: v, InstanceId: i}}\n";
    struct world *w = world_new();
    struct str seen = world_okf(w, "Action=GetTemplateSummary" V "&TemplateBody=%.*s",
                                STR_ARG(world_code(w, str_from(all))));
    struct str list = xml_element(seen, "ResourceIdentifierSummaries");
    struct str one = xml_where(list, "member", "ResourceType", "AWS::S3::Bucket");

    CHECK_INT(xml_count(list, "ResourceType"), 4);
    CHECK_STR(xml_element(one, "LogicalResourceIds"),
              "<LogicalResourceIds><member>B</member><member>C</member></LogicalResourceIds>");
    CHECK_STR(xml_element(one, "ResourceIdentifiers"),
              "<ResourceIdentifiers><member>BucketName</member></ResourceIdentifiers>");
    CHECK_STR(xml_element(xml_where(list, "member", "ResourceType", "AWS::EC2::VPC"),
                          "ResourceIdentifiers"),
              "<ResourceIdentifiers><member>VpcId</member></ResourceIdentifiers>");
    CHECK_STR(xml_element(xml_where(list, "member", "ResourceType", "AWS::EC2::VolumeAttachment"),
                          "ResourceIdentifiers"),
              "<ResourceIdentifiers><member>VolumeId,InstanceId</member></ResourceIdentifiers>");
    seen = world_ok(w, "Action=DescribeType" V "&Type=RESOURCE&TypeName=AWS::EC2::VPC");
    CHECK(strstr(str_cstr(test_arena(), seen), "primaryIdentifier"));
    world_free(w);
}

/* The parts of a physical id have an order; those of a request's map have none. */
TEST(a_resource_of_two_identifiers_is_imported_in_either_order)
{
    static const char one[] =
        "Resources:\n"
        "  P: {Type: AWS::IAM::RolePolicy, DeletionPolicy: Retain, Properties: {RoleName: r, "
        "PolicyName: p, PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, "
        "Action: 's3:*', "
        "Resource: '*'}]}}}\n"
        "Outputs: {Id: {Value: !Ref P}}\n";
    struct world *w = world_new();

    world_ok(w,
             "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument="
             "%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%7B%22Effect%22:%22Allow%22,"
             "%22Action%22:%22sts:AssumeRole%22,%22Principal%22:%7B%22AWS%22:%22*%22%7D%7D%5D%7D");
    world_ok(w, "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&PolicyDocument="
                "%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%7B%22Effect%22:%22Allow%22,"
                "%22Action%22:%22s3:*%22,%22Resource%22:%22*%22%7D%5D%7D");
    CHECK_OK(
        w,
        import(w, "two",
               IAM ONE("1", "AWS::IAM::RolePolicy", "P", "RoleName",
                       "r") "&ResourcesToImport.member.1.ResourceIdentifier.entry.2.key=PolicyName"
                            "&ResourcesToImport.member.1.ResourceIdentifier.entry.2.value=p",
               one));
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=two&ChangeSetName=import");
    world_settle(w);
    check_status(w, "two", "IMPORT_COMPLETE");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeStackResources" V "&StackName=two"),
                       "PhysicalResourceId"),
              "p|r");
    world_free(w);
}

/* A stack in the stack may change by itself: that is not what the template says. */
TEST(an_import_beside_a_stack_in_the_stack_leaves_that_alone)
{
    static const char parent[] =
        "Resources:\n"
        "  One: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: " BUCKET "child}}\n"
        "  Of: {Type: AWS::SSM::Parameter, Properties: {Name: /of, Type: String, Value: !GetAtt "
        "One.Outputs.Name}}\n"
        "%s";
    static const char more[] =
        "  Q: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: /q, Type: "
        "String, Value: v}}\n";
    struct world *w = world_new();
    struct str seen;

    bucket_put(w, "child",
               "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /p, "
               "Type: String, Value: x}}}\n"
               "Outputs: {Name: {Value: !Ref P}}\n");
    CHECK_OK(w, create(w, "own", "", test_fmt(parent, "")));
    world_settle(w);
    check_status(w, "own", "CREATE_COMPLETE");
    world_json_ok(w, "ssm", "PutParameter", "{'Name':'/q','Type':'String','Value':'v'}");
    CHECK_OK(w, import(w, "own", ONE("1", "AWS::SSM::Parameter", "Q", "Name", "/q"),
                       test_fmt(parent, more)));
    seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=own&ChangeSetName=import");
    CHECK_INT(xml_count(seen, "ResourceChange"), 1);
    CHECK_STR(xml_text(seen, "Action"), "Import");
    world_ok(w, "Action=ExecuteChangeSet" V "&StackName=own&ChangeSetName=import");
    world_settle(w);
    check_status(w, "own", "IMPORT_COMPLETE");
    CHECK(!strstr(events(w, "own"), "One UPDATE"));
    world_free(w);
}
