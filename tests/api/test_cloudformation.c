/* Stacks: from templates to resources and back, and the events that tell of it. */
#include "api/cfn_help.h"

static const char one_group[] = "Resources:\n"
                                "  Team:\n"
                                "    Type: AWS::IAM::Group\n"
                                "Outputs:\n"
                                "  Arn: {Value: !GetAtt Team.Arn, Export: {Name: team-arn}}\n";

TEST(a_stack_is_created_and_deleted_with_aws_s_events, "CFN-01 CFN-10 CFNT-06")
{
    struct world *w = world_new();
    struct str made = create(w, "mine", IAM, one_group), id = xml_text(made, "StackId"), seen;

    CHECK_OK(w, made);
    CHECK(str_starts(id, S("arn:aws:cloudformation:us-east-1:000000000000:stack/mine/")));
    world_settle(w);
    check_status(w, "mine", "CREATE_COMPLETE");
    CHECK_STR(str_from(events(w, "mine")), "mine CREATE_IN_PROGRESS User Initiated\n"
                                           "Team CREATE_IN_PROGRESS\n"
                                           "Team CREATE_IN_PROGRESS Resource creation Initiated\n"
                                           "Team CREATE_COMPLETE\n"
                                           "mine CREATE_COMPLETE\n");
    seen = world_ok(w, "Action=ListGroups&Version=2010-05-08");
    CHECK(str_starts(xml_text(seen, "GroupName"), S("mine-Team-")));
    CHECK(str_eq(xml_text(stack(w, "mine"), "OutputValue"), xml_text(seen, "Arn")));
    CHECK_STR(xml_text(world_ok(w, "Action=ListExports" V), "Name"), "team-arn");
    world_crash(w);
    world_ok(w, "Action=DeleteStack" V "&StackName=mine");
    world_settle(w);
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 0);
    world_refused(w, "ValidationError", "Stack with id mine does not exist",
                  "Action=DescribeStacks" V "&StackName=mine");
    check_status(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=ListExports" V), "Name"), 0);
    world_free(w);
}

TEST(templates_are_refused_in_aws_s_words, "CFNT-01 CFNT-13 CFNT-24 VS-14 CFN-19")
{
    static const struct {
        const char *template, *code, *message;
    } rows[] = {
        {"Outputs: {}\n", "ValidationError",
         "Template format error: At least one Resources member must be defined."},
        {"hello", "ValidationError", "Template format error: unsupported structure."},
        {"{\"Resources\": {", "ValidationError",
         "Template format error: JSON not well-formed. (line 1, column 16)"},
        {"Conditions:\n  A: !Equals[!Ref B, prod]\nResources: {}\n", "ValidationError", NULL},
        {"Resourses: {}\n", "ValidationError",
         "Invalid template property or properties [Resourses]"},
        {"Resources: {A: {Type: AWS::No::Such}}\n", "ValidationError",
         "Template format error: Unrecognized resource types: [AWS::No::Such]"},
        {"Resources: {A: {Properties: {}}}\n", "ValidationError",
         "Template format error: [/Resources/A] Every Resources object must contain a Type "
         "member."},
        {"Resources: {A: {Type: AWS::IAM::Group, DependsOn: B}}\n", "ValidationError",
         "Template format error: Unresolved resource dependencies [B] in the Resources block of "
         "the template"},
        {"Resources: {A: {Type: AWS::IAM::Group, DependsOn: B}, B: {Type: AWS::IAM::Group, "
         "DependsOn: A}}\n",
         "ValidationError", "Circular dependency between resources: [A, B]"},
        {"a: &a [x]\nb: *a\n", "ValidationError",
         "Template error: YAML aliases are not allowed in CloudFormation templates"},
        {"a: &a [l, l, l, l, l, l, l, l, l]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
         "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
         "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
         "Resources: {A: {Type: AWS::IAM::Group, Metadata: [*f, *f, *f, *f, *f, *f, *f, *f]}}\n",
         "ValidationError",
         "Template error: YAML aliases are not allowed in CloudFormation templates"},
        {"Resources: {A: {Type: AWS::IAM::Group}}\nOutputs: {O: {Value: !GetAtt A.Nope}}\n",
         "ValidationError",
         "Template error: resource A does not support attribute type Nope in Fn::GetAtt"},
        {"Resources: {A: {Type: AWS::IAM::Group, Properties: {Path: !FindInMap [M, a, b]}}}\n",
         "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"},
        {"Mappings: {M: {x: {y: z}}}\nResources: {A: {Type: AWS::EC2::KeyPair, Properties: "
         "{KeyName: !FindInMap [M, a, b]}}}\n",
         "ValidationError", "Template error: Unable to get mapping for M::a::b"},
        {"Parameters: {P: {Type: String}}\nResources: {A: {Type: AWS::EC2::KeyPair}}\n",
         "ValidationError", "Parameters: [P] must have values"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(w, rows[i].template, rows[i].code, rows[i].message);
    world_free(w);
}

TEST(a_failed_creation_is_rolled_back, "CFN-13")
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=taken");
    CHECK_OK(w, create(w, "bad", NAMED,
                       "Resources:\n"
                       "  Good: {Type: AWS::IAM::Group}\n"
                       "  Bad: {Type: AWS::IAM::Group, DependsOn: Good, Properties: {GroupName: "
                       "taken}}\n"));
    world_settle(w);
    check_status(w, "bad", "ROLLBACK_COMPLETE");
    const char *all = events(w, "bad");
    CHECK(strstr(all, "Bad CREATE_FAILED Resource handler returned message: \"Group with name "
                      "taken already exists. (Service: Iam, Status Code: 409, Request ID: "));
    CHECK(strstr(all, "bad ROLLBACK_IN_PROGRESS The following resource(s) failed to create: "
                      "[Bad]. Rollback requested by user.\n"
                      "Bad DELETE_COMPLETE\n"
                      "Good DELETE_IN_PROGRESS\n"
                      "Good DELETE_COMPLETE\n"
                      "bad ROLLBACK_COMPLETE\n"));
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 1);
    struct str reply = update(w, "bad", NAMED, one_group);
    CHECK_FAULT(w, reply, "ValidationError");
    world_free(w);
}

TEST(disabled_rollback_and_delete_on_failure, "CFN-14")
{
    static const char template[] =
        "Resources:\n"
        "  Good: {Type: AWS::IAM::Group}\n"
        "  Bad: {Type: AWS::IAM::Group, DependsOn: Good, Properties: {GroupName: taken}}\n";
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&Version=2010-05-08&GroupName=taken");
    CHECK_OK(w, create(w, "stays", NAMED "&DisableRollback=true", template));
    CHECK_OK(w, create(w, "nothing", NAMED "&OnFailure=DO_NOTHING", template));
    struct str id = xml_text(create(w, "goes", NAMED "&OnFailure=DELETE", template), "StackId");
    world_settle(w);
    check_status(w, "stays", "CREATE_FAILED");
    check_status(w, "nothing", "CREATE_FAILED");
    check_status(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK(strstr(events(w, "stays"),
                 "stays CREATE_FAILED The following resource(s) failed to create: [Bad]. \n"));
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&Version=2010-05-08"), "GroupName"), 3);
    world_free(w);
}

static const char keys[] = "Parameters: {Kind: {Type: String, Default: rsa}}\n"
                           "Resources:\n"
                           "  Group:\n"
                           "    Type: AWS::EC2::SecurityGroup\n"
                           "    Properties:\n"
                           "      GroupDescription: !Sub 'of ${Kind}'\n"
                           "      SecurityGroupIngress:\n"
                           "        - {IpProtocol: tcp, FromPort: 22, ToPort: '22', CidrIp: "
                           "0.0.0.0/0}\n"
                           "Outputs: {Id: {Value: !GetAtt Group.GroupId}, Name: {Value: !Ref "
                           "Group}}\n";

TEST(an_update_changes_in_place_or_replaces, "CFN-15 CFN-04")
{
    struct world *w = world_new();
    struct str more, first, second, seen;

    CHECK_OK(w, create(w, "net", "", keys));
    world_settle(w);
    check_status(w, "net", "CREATE_COMPLETE");
    first = xml_text_at(stack(w, "net"), "OutputValue", 0);
    seen = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%.*s", STR_ARG(first));
    CHECK_STR(xml_text(seen, "fromPort"), "22");
    CHECK_STR(xml_text(xml_where(seen, "item", "key", "aws:cloudformation:stack-name"), "value"),
              "net");
    CHECK_FAULT(w, update(w, "net", "", keys), "ValidationError");
    more = str_from(keys);
    char *changed = str_cstr(test_arena(), more);
    memcpy(strstr(changed, "'22'"), "'23'", 4);
    CHECK_OK(w, update(w, "net", "", changed));
    world_settle(w);
    check_status(w, "net", "UPDATE_COMPLETE");
    second = xml_text_at(stack(w, "net"), "OutputValue", 0);
    CHECK(str_eq(first, second));
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%.*s", STR_ARG(first)),
                       "toPort"),
              "23");
    CHECK_OK(w, update(w, "net",
                       "&Parameters.member.1.ParameterKey=Kind"
                       "&Parameters.member.1.ParameterValue=new",
                       changed));
    world_settle(w);
    check_status(w, "net", "UPDATE_COMPLETE");
    second = xml_text_at(stack(w, "net"), "OutputValue", 0);
    CHECK(!str_eq(first, second));
    CHECK(strstr(events(w, "net"),
                 "Group UPDATE_IN_PROGRESS Requested update requires the creation of a new "
                 "physical resource; hence creating one.\n"
                 "Group UPDATE_IN_PROGRESS Resource creation Initiated\n"
                 "Group UPDATE_COMPLETE\n"
                 "net UPDATE_COMPLETE_CLEANUP_IN_PROGRESS\n"
                 "Group DELETE_IN_PROGRESS\n"
                 "Group DELETE_COMPLETE\n"
                 "net UPDATE_COMPLETE\n"));
    world_refusedf(w, "InvalidGroup.NotFound", NULL, "Action=DescribeSecurityGroups&GroupId.1=%.*s",
                   STR_ARG(first));
    world_free(w);
}

TEST(parameters_are_held_to_their_constraints, "CFNT-02")
{
    static const char template[] =
        "Parameters:\n"
        "  P: {%s}\n"
        "Resources: {A: {Type: AWS::SSM::Parameter, Properties: {Name: /p, Type: String, Value: "
        "!Join ['+', !Split [',', !Join [',', [!Ref P]]]]}}}\n";
    static const struct {
        const char *definition, *value, *message;
    } rows[] = {
        {"Type: String, AllowedValues: [a, b]", "c", "Parameter 'P' must be one of AllowedValues"},
        {"Type: String, AllowedPattern: '[a-z]+'", "A", "Parameter 'P' must match pattern [a-z]+"},
        {"Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: small letters", "A",
         "Parameter 'P' failed to satisfy constraint: small letters"},
        {"Type: String, MaxLength: 2", "abc", "Parameter 'P' must contain at most 2 characters"},
        {"Type: String, MinLength: '2'", "a", "Parameter 'P' must contain at least 2 characters"},
        {"Type: Number, MinValue: 2", "1", "Parameter 'P' must be a number not less than 2"},
        {"Type: Number, MaxValue: 2", "3", "Parameter 'P' must be a number not greater than 2"},
        {"Type: Number", "x", "Parameter 'P' must be a number"},
        {"Type: AWS::EC2::KeyPair::KeyName", "nope",
         "Parameter validation failed: parameter value nope for parameter name P does not exist"},
        {"Type: Nonsense", "x", "Template format error: Unrecognized parameter type: Nonsense"},
        {"Type: String", NULL, "Parameters: [P] must have values"},
    };
    struct world *w = world_new();
    struct str reply;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *more = rows[i].value ? test_fmt("&Parameters.member.1.ParameterKey=P"
                                                    "&Parameters.member.1.ParameterValue=%s",
                                                    rows[i].value)
                                         : "";

        reply = create(w, "params", more, test_fmt(template, rows[i].definition));
        if (!str_is(xml_text(reply, "Message"), rows[i].message))
            FAIL("%s: %.*s", rows[i].definition, STR_ARG(reply));
    }
    reply = create(w, "params",
                   "&Parameters.member.1.ParameterKey=Q&Parameters.member.1.ParameterValue=x",
                   test_fmt(template, "Type: String, Default: x"));
    CHECK_STR(xml_text(reply, "Message"), "Parameters: [Q] do not exist in the template");
    CHECK_OK(w, create(w, "hidden",
                       "&Parameters.member.1.ParameterKey=P&Parameters.member.1.ParameterValue=xyz",
                       test_fmt(template, "Type: String, NoEcho: true")));
    world_settle(w);
    check_status(w, "hidden", "CREATE_COMPLETE");
    CHECK_STR(xml_text(stack(w, "hidden"), "ParameterValue"), "****");
    reply = world_ok(w, "Action=DescribeStackEvents" V "&StackName=hidden");
    CHECK(str_find(reply, S("xyz")) == SIZE_MAX);
    CHECK(str_find(reply, S("****")) != SIZE_MAX);
    world_free(w);
}

TEST(lists_of_stacks_and_events_come_in_pages_and_stay_at_home, "CFN-09")
{
    static const char none[] = "Resources: {A: {Type: AWS::SSM::Parameter, Properties: {Type: "
                               "String, Value: x}}}";
    struct world *w = world_new();
    struct str page;
    size_t n = 0;

    for (int i = 0; i < 105; i++)
        CHECK_OK(w, create(w, test_fmt("s%d", i), "", none));
    CHECK_FAULT(w, create(w, "s1", "", none), "AlreadyExistsException");
    CHECK_FAULT(w, create(w, "1bad", "", none), "ValidationError");
    world_settle(w);
    page = world_ok(w, "Action=DescribeStacks" V);
    n = xml_count(page, "StackId");
    CHECK_INT(n, 100);
    page = world_okf(w, "Action=DescribeStacks" V "&NextToken=%.*s",
                     STR_ARG(world_code(w, xml_text(page, "NextToken"))));
    CHECK_INT(n + xml_count(page, "StackId"), 105);
    CHECK(!xml_text(page, "NextToken").p);
    CHECK_INT(
        xml_count(world_ok(w, "Action=ListStacks" V "&StackStatusFilter.member.1=DELETE_COMPLETE"),
                  "StackId"),
        0);
    const char *id = xml_cstr(stack(w, "s1"), "StackId");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeStacks" V), "StackId"), 0);
    world_refusedf(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=%s", id);
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "ValidationError", NULL, "Action=DescribeStacks" V "&StackName=%s", id);
    world_free(w);
}
