/*
 * Texts of the requirement's seeds as they are printed, defects included: unchanged they do what
 * they do on AWS, and repaired as little as is needed they work.
 */
#include "api/cfn_help.h"

#include <stdio.h>

#define SEED "../shared/seeds/004_43fd51f0ad82bf28.txt"

/* Where the seeds are at hand, the text is looked up in them. */
static const char *
printed(const char *text)
{
    static char all[1 << 20];
    FILE *f = fopen(SEED, "r");

    if (f) {
        size_t n = fread(all, 1, sizeof(all) - 1, f);

        fclose(f);
        all[n] = '\0';
        if (!strstr(all, text))
            FAIL("the seed does not have: %s", text);
    }
    return text;
}

/* Each line so far to the right. */
static const char *
indent(const char *text, const char *by)
{
    struct str in = str_from(text), out = S("");

    while (in.n) {
        struct str line = str_split(&in, '\n');

        out = str_fmt(test_arena(), "%.*s%s%.*s\n", STR_ARG(out), by, STR_ARG(line));
    }
    return str_cstr(test_arena(), out);
}

static const char *
repaired(const char *text, const char *wrong, const char *right)
{
    struct str in = str_from(text), out = S("");
    size_t at;

    while ((at = str_find(in, str_from(wrong))) != SIZE_MAX) {
        out = str_fmt(test_arena(), "%.*s%.*s%s", STR_ARG(out), (int)at, in.p, right);
        in = str_cut(in, at + strlen(wrong), in.n);
    }
    return str_cstr(test_arena(), str_cat(test_arena(), out, in));
}

static struct str
value_of(struct world *w, const char *name)
{
    return json_path(world_json_okf(w, "ssm", "GetParameter", "{'Name':'%s'}", name),
                     "Parameter.Value");
}

#define PARAMETER(value)                                                                           \
    "  P:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Name: /p\n      Type: String\n"   \
    "      Value: " value "\n"

TEST(the_printed_find_in_map, "VS-11 CFNT-03 CFNT-04 CFNT-05")
{
    static const char template[] = "Mappings:\n"
                                   "  MapName: {TopLevelKey: {SecondaryLevelKey: found}}\n"
                                   "  AWSRegionArch2AMI: {us-east-1: {HVM64: ami-1}}\n"
                                   "Resources:\n" PARAMETER("%s");
    struct world *w = world_new();

    CHECK_OK(w, create(w, "one", "",
                       test_fmt(template, printed("!FindInMap [MapName, TopLevelKey, "
                                                  "SecondaryLevelKey]"))));
    world_settle(w);
    CHECK_STR(value_of(w, "/p"), "found");
    CHECK_OK(w, update(w, "one", "",
                       test_fmt(template, printed("!FindInMap [AWSRegionArch2AMI, !Ref "
                                                  "'AWS::Region', HVM64]"))));
    world_settle(w);
    CHECK_STR(value_of(w, "/p"), "ami-1");
    world_account(w, "000000000000", "eu-west-1");
    refused(w, test_fmt(template, "!FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', HVM64]"),
            "ValidationError",
            "Template error: Unable to get mapping for AWSRegionArch2AMI::eu-west-1::HVM64");
    /* what is mapped is fixed: functions have no place there */
    world_account(w, "000000000000", "us-east-1");
    refused(w, "Mappings: {M: {a: {b: !Ref 'AWS::Region'}}}\nResources:\n" PARAMETER("x"),
            "ValidationError",
            "Template format error: Every Mappings attribute must be a String "
            "or a List.");
    world_free(w);
}

static const char exports[] = "Outputs:\n"
                              "  StackSSHSecurityGroup:\n"
                              "    Description: This is an output\n"
                              "    Value: !Ref ServerSecurityGroup\n"
                              "    Export:\n"
                              "      Name: SSHSecurityGroup\n";
static const char instance[] =
    "MyInstance:\n"
    "  Type: AWS::EC2::Instance\n"
    "  Properties:\n"
    "    AvailabilityZone: us-east-1a\n"
    "    ImageId: ami-009d6802948d06e52\n"
    "    InstanceType: t2.micro\n"
    "    SecurityGroups:\n"
    "      - !Ref SSHSecurityGroup\n"
    "      - !ImportValue SSHSecurityGroup             # VERY IMPORTANT\n";

TEST(the_printed_export_and_the_instance_that_imports_it,
     "VS-12 VS-13 CFNT-06 CFNT-08 CFNT-09 CFNT-10 CFNT-11")
{
    struct world *w = world_new();
    struct str seen;
    const char *importing =
        test_fmt("Resources:\n"
                 "  SSHSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: "
                 "{GroupDescription: local}}\n%s",
                 indent(printed(instance), "  "));

    CHECK_OK(w, create(w, "server", "", importing));
    world_settle(w);
    CHECK(strstr(events(w, "server"), "No export named SSHSecurityGroup found."));
    CHECK_OK(w, create(w, "ssh", "",
                       test_fmt("Resources:\n"
                                "  ServerSecurityGroup: {Type: AWS::EC2::SecurityGroup, "
                                "Properties: {GroupDescription: ssh}}\n%s",
                                printed(exports))));
    world_settle(w);
    CHECK_STR(xml_text(stack(w, "ssh"), "ExportName"), "SSHSecurityGroup");
    CHECK_STR(xml_text(world_ok(w, "Action=ListExports" V), "Name"), "SSHSecurityGroup");
    CHECK_OK(w, create(w, "server2", "", importing));
    world_advance(w, 5000);
    check_status(w, "server2", "CREATE_COMPLETE");
    seen = world_ok(w, "Action=DescribeInstances");
    CHECK_INT(xml_count(xml_element(seen, "networkInterfaceSet"), "groupId"), 2);
    world_refused(w, "ValidationError",
                  "Export SSHSecurityGroup cannot be deleted as it is in use by server2",
                  "Action=DeleteStack" V "&StackName=ssh");
    world_free(w);
}

TEST(the_printed_condition_lacks_a_blank, "VS-14 CFNT-12 CFNT-13")
{
    static const char text[] = "Conditions:\n"
                               "  CreateProductionResources: !Equals[!Ref EnvType, prod]\n";
    static const char rest[] = "Parameters: {EnvType: {Type: String}}\n"
                               "Resources:\n"
                               "  P:\n    Condition: CreateProductionResources\n"
                               "    Type: AWS::SSM::Parameter\n"
                               "    Properties: {Name: /p, Type: String, Value: x}\n"
                               "  Q:\n    Type: AWS::SSM::Parameter\n"
                               "    Properties: {Name: /q, Type: String, Value: x}\n";
    struct world *w = world_new();
    const char *broken = test_fmt("%s%s", printed(text), rest);
    const char *good = repaired(broken, "!Equals[", "!Equals [");
    struct str reply = create(w, "no", "", broken);

    CHECK_FAULT(w, reply, "ValidationError");
    CHECK(str_starts(xml_text(reply, "Message"),
                     S("Template format error: YAML not well-formed. (line 2, column ")));
    CHECK_OK(w, create(w, "dev",
                       "&Parameters.member.1.ParameterKey=EnvType"
                       "&Parameters.member.1.ParameterValue=dev",
                       good));
    world_settle(w);
    check_status(w, "dev", "CREATE_COMPLETE");
    world_json_refused(w, "ParameterNotFound", NULL, "ssm", "GetParameter", "{'Name':'/p'}");
    CHECK_OK(w, update(w, "dev",
                       "&Parameters.member.1.ParameterKey=EnvType"
                       "&Parameters.member.1.ParameterValue=prod",
                       good));
    world_settle(w);
    CHECK_STR(value_of(w, "/p"), "x");
    world_free(w);
}

TEST(the_printed_join_has_curly_quotes_and_other_blanks, "VS-15 CFNT-20 CFNT-21")
{
    static const char text[] = "!Join[\u00a0‘\u00a0: ’ , \u00a0[ a , b , c] ]";
    struct world *w = world_new();
    const char *broken = test_fmt("Resources:\n" PARAMETER("%s"), printed(text));

    refused(w, broken, "ValidationError", NULL);
    const char *good = repaired(broken, "!Join[", "!Join [");

    good = repaired(repaired(repaired(good, "‘", "'"), "’", "'"), "\u00a0", " ");
    CHECK_OK(w, create(w, "good", "", good));
    world_settle(w);
    CHECK_STR(value_of(w, "/p"), "a : b : c");
    world_free(w);
}

TEST(the_printed_parameters_of_parameter_store_have_curly_quotes, "VS-17 CFNP-01 CFNP-02")
{
    static const char text[] =
        "Parameters:\n"
        "  InstanceType:\n"
        "    Type: 'AWS::SSM::Parameter::Value<String>’           #VERY IMPORTANT\n"
        "    Default: /EC2/InstanceType\n"
        "\n"
        "\n"
        "  ImageId: \n"
        "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>’ #VERY IMPORTANT\n"
        "    Default: /EC2/AMI_ID\n";
    static const char rest[] = "Resources:\n"
                               "  I: {Type: AWS::EC2::Instance, Properties: {InstanceType: !Ref "
                               "InstanceType, ImageId: !Ref ImageId}}\n";
    struct world *w = world_new();
    const char *broken = test_fmt("%s%s", printed(text), rest);
    const char *good = repaired(broken, "’", "'");
    struct str reply = create(w, "no", "", broken), seen;

    CHECK_FAULT(w, reply, "ValidationError");
    CHECK(str_starts(xml_text(reply, "Message"),
                     S("Template format error: YAML not well-formed. (line ")));
    refused(w, good, "ValidationError",
            "Unable to fetch parameters [/EC2/InstanceType] from parameter store for this "
            "account.");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/EC2/InstanceType','Type':'String','Value':'t3.micro'}");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name':'/EC2/AMI_ID','Type':'String','Value':'ami-009d6802948d06e52'}");
    CHECK_OK(w, create(w, "good", "", good));
    world_advance(w, 5000);
    check_status(w, "good", "CREATE_COMPLETE");
    seen = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(seen, "instanceType"), "t3.micro");
    CHECK_STR(xml_text(seen, "imageId"), "ami-009d6802948d06e52");
    CHECK_STR(xml_text(xml_where(stack(w, "good"), "member", "ParameterKey", "InstanceType"),
                       "ResolvedValue"),
              "t3.micro");
    world_free(w);
}

TEST(the_printed_public_parameters, "VS-18 CFNP-05")
{
    static const char text[] =
        "Parameters:\n"
        "  LatestLinuxAmiId:\n"
        "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'\n"
        "    # obtain list with\n"
        "    # aws ssm get-parameters-by-path --path /aws/service/ami-amazon-linux-latest  --query "
        "'Parameters[].Name'\n"
        "    Default: '/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2'\n"
        "\n"
        "\n"
        "  # this works for Windows too\n"
        "  LatestWindowsAmiId:\n"
        "    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'\n"
        "    # obtain list with\n"
        "    # aws ssm get-parameters-by-path --path \"/aws/service/ami-windows-latest\" --region "
        "us-east-1\n"
        "    Default: '/aws/service/ami-windows-latest/Windows_Server-2016-English-Core-Base'\n";
    struct world *w = world_new();
    struct str seen;

    CHECK_OK(
        w, create(w, "latest", "",
                  test_fmt("%sResources:\n" PARAMETER("!Ref LatestWindowsAmiId"), printed(text))));
    world_settle(w);
    check_status(w, "latest", "CREATE_COMPLETE");
    seen = stack(w, "latest");
    CHECK_INT(xml_count(seen, "ResolvedValue"), 2);
    for (size_t i = 0; i < 2; i++)
        world_okf(w, "Action=DescribeImages&ImageId.1=%.*s",
                  STR_ARG(xml_text_at(seen, "ResolvedValue", i)));
    CHECK(str_eq(value_of(w, "/p"),
                 xml_text(xml_where(seen, "member", "ParameterKey", "LatestWindowsAmiId"),
                          "ResolvedValue")));
    world_free(w);
}

/* Its third statement is about databases, which are not there yet. */
TEST(the_printed_stack_policy_is_taken, "CFNS-01")
{
    static const char text[] =
        "{\n    \"Statement\": [\n        {\n            \"Effect\": \"Allow\",\n"
        "            \"Action\": \"Update:*\",\n            \"Principal\": \"*\",\n"
        "            \"Resource\": \"*\"\n        },\n        {\n"
        "            \"Effect\": \"Deny\",\n            \"Action\": \"Update:*\",\n"
        "            \"Principal\": \"*\",\n"
        "            \"Resource\": \"LogicalResourceId/CriticalSecurityGroup\"\n        },\n"
        "        {\n            \"Effect\" : \"Deny\",\n            \"Action\" : \"Update:*\",\n"
        "            \"Principal\": \"*\",\n            \"Resource\" : \"*\",\n"
        "            \"Condition\" : {\n              \"StringEquals\" : {\n"
        "                \"ResourceType\" : [\"AWS::RDS::DBInstance\"]\n              }\n"
        "            }\n        }\n    ]\n}\n";
    static const char template[] =
        "Resources:\n"
        "  CriticalSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: "
        "d%d}}\n" PARAMETER("v%d");
    struct world *w = world_new();

    CHECK_OK(w, create(w, "safe", "", test_fmt(template, 1, 1)));
    world_settle(w);
    world_okf(w, "Action=SetStackPolicy" V "&StackName=safe&StackPolicyBody=%.*s",
              STR_ARG(world_code(w, str_from(printed(text)))));
    CHECK_OK(w, update(w, "safe", "", test_fmt(template, 1, 2)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_COMPLETE");
    CHECK_OK(w, update(w, "safe", "", test_fmt(template, 2, 2)));
    world_settle(w);
    check_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "safe"),
                 "CriticalSecurityGroup UPDATE_FAILED Action denied by stack policy: Statement "
                 "[#2] does not allow [Update:*] for resource [CriticalSecurityGroup]\n"));
    world_free(w);
}
