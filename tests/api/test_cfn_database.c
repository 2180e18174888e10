/* Stacks with databases: the requirement's texts as printed, and what a deletion leaves. */
#include "api/cfn_help.h"

#include <stdio.h>

#define SEED "../shared/seeds/004_43fd51f0ad82bf28.txt"
#define RDS "&Version=2014-10-31"

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

static void
wait_status(struct world *w, const char *name, const char *status)
{
    for (int i = 0; i < 200 && !str_is(xml_text(stack(w, name), "StackStatus"), status); i++)
        world_advance(w, 1000);
    check_status(w, name, status);
}

#define MAPPING "Mappings: {AWSRegionArch2AMI: {us-east-1: {HVM64: ami-009d6802948d06e52}}}\n"

static const char vs16[] = "Resources:\n"
                           "  Ec2Instance:\n"
                           "    Type: AWS::EC2::Instance\n"
                           "    Properties:\n"
                           "      ImageId: !FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', "
                           "HVM64]\n"
                           "    DependsOn: MyDB                  #IMPORTANT LINE\n"
                           "\n"
                           "\n"
                           "  MyDB:\n"
                           "    Type: AWS::RDS::DBInstance\n"
                           "    Properties:\n"
                           "      AllocatedStorage: '5'\n"
                           "      DBInstanceClass: db.t2.micro\n";

/* The text says neither where its images are nor what engine the database is of: AWS fails it. */
TEST(an_instance_waits_for_the_database_that_it_depends_on, "VS-16 CFNT-25 RDS-01")
{
    struct world *w = world_new();
    struct str reply = create(w, "printed", "", printed(vs16));
    const char *said;

    CHECK_FAULT(w, reply, "ValidationError"); /* there is no such mapping */
    CHECK_OK(w, create(w, "mapped", "", test_fmt(MAPPING "%s", vs16)));
    wait_status(w, "mapped", "ROLLBACK_COMPLETE");
    said = events(w, "mapped");
    CHECK(strstr(said, "MyDB CREATE_FAILED"));
    CHECK(strstr(said, "Member must not be null"));
    CHECK(!strstr(said, "Ec2Instance CREATE_IN_PROGRESS"));

    CHECK_OK(w, create(w, "engine", "",
                       test_fmt(MAPPING "%s      Engine: mysql\n      MasterUsername: master\n"
                                        "      MasterUserPassword: correct-horse\n",
                                vs16)));
    wait_status(w, "engine", "ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "engine"), "RDS does not support creating a DB instance with the "
                                      "following combination: DBInstanceClass=db.t2.micro"));

    static const char repaired[] =
        MAPPING "Resources:\n"
                "  Ec2Instance:\n"
                "    Type: AWS::EC2::Instance\n"
                "    Properties:\n"
                "      ImageId: !FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', HVM64]\n"
                "    DependsOn: MyDB                  #IMPORTANT LINE\n"
                "  MyDB:\n"
                "    Type: AWS::RDS::DBInstance\n"
                "    Properties:\n"
                "      AllocatedStorage: '20'\n"
                "      DBInstanceClass: db.t3.micro\n"
                "      Engine: mysql\n"
                "      MasterUsername: master\n"
                "      MasterUserPassword: correct-horse\n"
                "Outputs: {Where: {Value: !GetAtt MyDB.Endpoint.Address}}\n";

    CHECK_OK(w, create(w, "right", "", repaired));
    wait_status(w, "right", "CREATE_COMPLETE");
    said = events(w, "right");
    const char *there = strstr(said, "MyDB CREATE_COMPLETE");
    const char *begun = strstr(said, "Ec2Instance CREATE_IN_PROGRESS");

    CHECK(there && begun && there < begun);
    CHECK(str_ends(xml_text(stack(w, "right"), "OutputValue"), S(".rds.amazonaws.com")));
    world_free(w);
}

static const char vs21[] = "{\n"
                           "    \"Statement\": [\n"
                           "        {\n"
                           "            \"Effect\": \"Allow\",\n"
                           "            \"Action\": \"Update:*\",\n"
                           "            \"Principal\": \"*\",\n"
                           "            \"Resource\": \"*\"\n"
                           "        },\n"
                           "        {\n"
                           "            \"Effect\": \"Deny\",\n"
                           "            \"Action\": \"Update:*\",\n"
                           "            \"Principal\": \"*\",\n"
                           "            \"Resource\": \"LogicalResourceId/CriticalSecurityGroup\"\n"
                           "        },\n"
                           "        {\n"
                           "            \"Effect\" : \"Deny\",\n"
                           "            \"Action\" : \"Update:*\",\n"
                           "            \"Principal\": \"*\",\n"
                           "            \"Resource\" : \"*\",\n"
                           "            \"Condition\" : {\n"
                           "              \"StringEquals\" : {\n"
                           "                \"ResourceType\" : [\"AWS::RDS::DBInstance\"]\n"
                           "              }\n"
                           "            }\n"
                           "        }\n"
                           "    ]\n"
                           "}\n";

TEST(a_stack_policy_protects_a_group_and_every_database, "VS-21 CFNS-02 RDS-07")
{
    static const char template[] =
        "Resources:\n"
        "  CriticalSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: "
        "g, Tags: [{Key: a, Value: '%d'}]}}\n"
        "  Db: {Type: AWS::RDS::DBInstance, DeletionPolicy: Delete, Properties: {Engine: postgres, "
        "DBInstanceClass: db.t3.micro, AllocatedStorage: '%d', MasterUsername: me, "
        "MasterUserPassword: correct-horse}}\n"
        "  Other: {Type: AWS::SSM::Parameter, Properties: {Name: /o, Type: String, Value: '%d'}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "safe", "", test_fmt(template, 1, 20, 1)));
    wait_status(w, "safe", "CREATE_COMPLETE");
    world_okf(w, "Action=SetStackPolicy" V "&StackName=safe&StackPolicyBody=%.*s",
              STR_ARG(world_code(w, str_from(printed(vs21)))));
    CHECK_OK(w, update(w, "safe", "", test_fmt(template, 1, 20, 2)));
    wait_status(w, "safe", "UPDATE_COMPLETE");
    CHECK_OK(w, update(w, "safe", "", test_fmt(template, 2, 20, 2)));
    wait_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "safe"),
                 "CriticalSecurityGroup UPDATE_FAILED Action denied by stack policy: Statement "
                 "[#2] does not allow [Update:*] for resource [CriticalSecurityGroup]\n"));
    CHECK_OK(w, update(w, "safe", "", test_fmt(template, 1, 40, 2)));
    wait_status(w, "safe", "UPDATE_ROLLBACK_COMPLETE");
    CHECK(strstr(events(w, "safe"), "Db UPDATE_FAILED Action denied by stack policy: Statement "
                                    "[#3] does not allow [Update:*] for resource [Db]\n"));
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeDBInstances" RDS), "AllocatedStorage"), "20");
    world_free(w);
}

/* The database's part: no policy, Snapshot and Delete. */
TEST(a_database_leaves_a_snapshot_unless_it_is_to_leave_none, "CFND-03 CFND-04 RDS-09")
{
    static const char template[] =
        "Resources: {Db: {Type: AWS::RDS::DBInstance, %sProperties: {Engine: mysql, "
        "DBInstanceClass: db.t3.micro, AllocatedStorage: '20', MasterUsername: me, "
        "MasterUserPassword: correct-horse, BackupRetentionPeriod: 0}}}\n";
    static const struct {
        const char *policy;
        size_t left;
    } cases[] = {{"", 1}, {"DeletionPolicy: Snapshot, ", 1}, {"DeletionPolicy: Delete, ", 0}};
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str id, x;

        CHECK_OK(w, create(w, "s", "", test_fmt(template, cases[i].policy)));
        wait_status(w, "s", "CREATE_COMPLETE");
        id = xml_text(stack(w, "s"), "StackId");
        world_ok(w, "Action=DeleteStack" V "&StackName=s");
        wait_status(w, str_cstr(test_arena(), world_code(w, id)), "DELETE_COMPLETE");
        CHECK_INT(xml_count(world_ok(w, "Action=DescribeDBInstances" RDS), "DBInstance"), 0);
        x = world_ok(w, "Action=DescribeDBSnapshots" RDS);
        CHECK_INT(xml_count(x, "DBSnapshot"), cases[i].left);
        if (cases[i].left)
            world_okf(w, "Action=DeleteDBSnapshot" RDS "&DBSnapshotIdentifier=%.*s",
                      STR_ARG(xml_text(x, "DBSnapshotIdentifier")));
    }
    world_free(w);
}
