/* Instance profiles on instances: at launch, later, and what becomes of them. */
#include "ec2/instance.h"
#include "harness/iam_rows.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
#define LIST "Action=DescribeIamInstanceProfileAssociations"
#define WEB_ARN "arn:aws:iam::000000000000:instance-profile/web"

/* A cloud with the profile `web` of a role, and `app` of another below a path. */
static struct world *
open_world(void)
{
    struct world *w = world_new();

    iam_rows_profile(w, "/", "web", iam_rows_role(w, "web-role", TRUST_EC2));
    iam_rows_profile(w, "/teams/a/", "app", iam_rows_role(w, "app-role", TRUST_EC2));
    return w;
}

static const char *
launch(struct world *w, const char *more)
{
    const char *id = xml_cstr(world_okf(w, RUN "%s", more), "instanceId");

    world_advance(w, 1000);
    return id;
}

static const char *
associate(struct world *w, const char *id, const char *profile)
{
    struct str xml = world_okf(w,
                               "Action=AssociateIamInstanceProfile&InstanceId=%s&"
                               "IamInstanceProfile.Name=%s",
                               id, profile);

    CHECK_STR(xml_text(xml, "state"), "associating");
    CHECK_STR(xml_text(xml, "instanceId"), id);
    return xml_cstr(xml, "associationId");
}

static struct str
shown_profile(struct world *w, const char *id)
{
    return xml_element(world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id),
                       "iamInstanceProfile");
}

TEST(an_instance_is_launched_with_a_profile_by_name_or_arn, "ROLE-05")
{
    struct world *w = open_world();
    struct str xml = world_ok(w, RUN "&IamInstanceProfile.Name=web");

    CHECK_STR(xml_text(xml_element(xml, "iamInstanceProfile"), "arn"), WEB_ARN);
    CHECK_STR(xml_text(xml_element(xml, "iamInstanceProfile"), "id"), "AIPAweb");
    const char *id = launch(w, "&IamInstanceProfile.Arn=arn:aws:iam::000000000000:"
                               "instance-profile/teams/a/app");
    CHECK_STR(xml_text(shown_profile(w, id), "id"), "AIPAapp");
    CHECK_STR(xml_text(shown_profile(w, id), "arn"),
              "arn:aws:iam::000000000000:instance-profile/teams/a/app");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 2);
    world_crash(w);
    CHECK_STR(xml_text(shown_profile(w, id), "id"), "AIPAapp");
    id = launch(w, "");
    CHECK(!shown_profile(w, id).p);
    world_free(w);
}

TEST(every_instance_of_a_launch_has_the_profile)
{
    struct world *w = open_world();

    world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&"
                "MinCount=3&MaxCount=3&IamInstanceProfile.Name=web");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 3);
    world_free(w);
}

static const struct {
    const char *profile, *code, *message;
} bad_profiles[] = {
    {"Name=nobody", "InvalidParameterValue",
     "Value (nobody) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance "
     "Profile name"},
    {"Name=WEB", "InvalidParameterValue",
     "Value (WEB) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile "
     "name"},
    {"Arn=arn:aws:iam::000000000000:instance-profile/nobody", "InvalidParameterValue",
     "Value (arn:aws:iam::000000000000:instance-profile/nobody) for parameter "
     "iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"},
    /* another account's, another path, another type, not an ARN */
    {"Arn=arn:aws:iam::111111111111:instance-profile/web", "InvalidParameterValue", NULL},
    {"Arn=arn:aws:iam::000000000000:instance-profile/app", "InvalidParameterValue", NULL},
    {"Arn=arn:aws:iam::000000000000:role/web", "InvalidParameterValue", NULL},
    {"Arn=web", "InvalidParameterValue", NULL},
    {"Name=web&IamInstanceProfile.Arn=" WEB_ARN, "InvalidParameterCombination",
     "The parameter 'iamInstanceProfile.name' may not be used in combination with "
     "'iamInstanceProfile.arn'"},
    {"Name=", "MissingParameter", NULL},
    {"Name=empty", "InvalidParameterValue",
     "IAM Instance Profile \"arn:aws:iam::000000000000:instance-profile/empty\" has no associated "
     "IAM Roles"},
};

TEST(what_is_no_profile_with_a_role_is_refused_everywhere)
{
    struct world *w = open_world();
    const char *id = launch(w, ""), *other = launch(w, "&IamInstanceProfile.Name=web");
    const char *association = xml_cstr(world_ok(w, LIST), "associationId");

    iam_rows_profile(w, "/", "empty", S(""));
    for (size_t i = 0; i < ARRAY_LEN(bad_profiles); i++) {
        const char *code = bad_profiles[i].code, *message = bad_profiles[i].message;

        world_refusedf(w, code, message, RUN "&IamInstanceProfile.%s", bad_profiles[i].profile);
        world_refusedf(w, code, message,
                       "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.%s", id,
                       bad_profiles[i].profile);
        world_refusedf(w, code, message,
                       "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
                       "IamInstanceProfile.%s",
                       association, bad_profiles[i].profile);
    }
    CHECK(!shown_profile(w, id).p);
    CHECK_STR(xml_text(shown_profile(w, other), "id"), "AIPAweb");
    world_refusedf(w, "MissingParameter", NULL,
                   "Action=AssociateIamInstanceProfile&InstanceId=%s", id);
    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "InvalidParameterValue", NULL, RUN "&IamInstanceProfile.Name=web");
    world_free(w);
}

TEST(a_profile_is_associated_with_a_running_instance_once, "ROLE-20 ROLE-21")
{
    struct world *w = open_world();
    const char *id = launch(w, ""), *association = associate(w, id, "web");
    struct str xml = world_ok(w, LIST);

    CHECK(str_starts(str_from(association), S("iip-assoc-")));
    CHECK_STR(xml_text(xml, "associationId"), association);
    CHECK_STR(xml_text(xml, "instanceId"), id);
    CHECK_STR(xml_text(xml, "state"), "associated");
    CHECK_STR(xml_text(xml, "arn"), WEB_ARN);
    CHECK_STR(xml_text(xml, "id"), "AIPAweb");
    CHECK_STR(xml_text(shown_profile(w, id), "arn"), WEB_ARN);
    const char *sentence = str_cstr(
        test_arena(),
        str_fmt(test_arena(), "There is an existing association for instance %s", id));
    world_refusedf(w, "IncorrectState", sentence,
                   "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=app",
                   id);
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, LIST), "associationId"), association);
    world_free(w);
}

TEST(a_profile_is_associated_with_a_stopped_instance_and_outlives_the_stop, "ROLE-20")
{
    struct world *w = open_world();
    const char *id = launch(w, "");

    world_refused(w, "InvalidInstanceID.NotFound", NULL,
                  "Action=AssociateIamInstanceProfile&InstanceId=i-00000000000000000&"
                  "IamInstanceProfile.Name=web");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_refusedf(w, "IncorrectInstanceState", NULL,
                   "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=web",
                   id);
    world_advance(w, 1000);
    const char *association = associate(w, id, "web");
    /* what is stopped can be taken away, and not replaced */
    const char *sentence =
        str_cstr(test_arena(), str_fmt(test_arena(), "The association %s is not the active "
                                                     "association", association));
    world_refusedf(w, "IncorrectState", sentence,
                   "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
                   "IamInstanceProfile.Name=app",
                   association);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_STR(xml_text(shown_profile(w, id), "arn"), WEB_ARN);
    CHECK_STR(xml_text(world_ok(w, LIST), "associationId"), association);
    world_free(w);
}

TEST(an_association_is_taken_away, "ROLE-22")
{
    struct world *w = open_world();
    const char *id = launch(w, "&IamInstanceProfile.Name=web");
    const char *association = xml_cstr(world_ok(w, LIST), "associationId");
    struct str xml = world_okf(
        w, "Action=DisassociateIamInstanceProfile&AssociationId=%s", association);

    CHECK_STR(xml_text(xml, "state"), "disassociating");
    CHECK_STR(xml_text(xml, "associationId"), association);
    CHECK_STR(xml_text(xml, "arn"), WEB_ARN);
    CHECK(!shown_profile(w, id).p);
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 0);
    world_refusedf(w, "InvalidAssociationID.NotFound", NULL,
                   "Action=DisassociateIamInstanceProfile&AssociationId=%s", association);
    world_refusedf(w, "InvalidAssociationID.NotFound", NULL, LIST "&AssociationId.1=%s",
                   association);
    world_refused(w, "InvalidParameterValue", "Invalid value for associationId.",
                  "Action=DisassociateIamInstanceProfile&AssociationId=i-00000000000000000");
    associate(w, id, "app");
    world_free(w);
}

TEST(an_association_is_replaced_by_a_new_one)
{
    struct world *w = open_world();
    const char *id = launch(w, "&IamInstanceProfile.Name=web");
    const char *old = xml_cstr(world_ok(w, LIST), "associationId");
    struct str xml = world_okf(w,
                               "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
                               "IamInstanceProfile.Name=app",
                               old);

    CHECK_STR(xml_text(xml, "state"), "associating");
    CHECK_STR(xml_text(xml, "id"), "AIPAapp");
    CHECK(!str_is(xml_text(xml, "associationId"), old));
    CHECK_STR(xml_text(shown_profile(w, id), "id"), "AIPAapp");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 1);
    world_refusedf(w, "InvalidAssociationID.NotFound", NULL,
                   "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
                   "IamInstanceProfile.Name=web",
                   old);
    world_free(w);
}

TEST(an_association_ends_with_its_instance)
{
    struct world *w = open_world();
    const char *id = launch(w, "&IamInstanceProfile.Name=web");

    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 0);
    world_refusedf(w, "IncorrectInstanceState", NULL,
                   "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=web",
                   id);
    world_free(w);
}

TEST(a_dry_run_associates_nothing)
{
    struct world *w = open_world();

    launch(w, "");
    world_refused(w, "DryRunOperation", NULL, RUN "&IamInstanceProfile.Name=web&DryRun=true");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 0);
    world_free(w);
}

TEST(associations_are_the_accounts_and_the_regions_own)
{
    struct world *w = open_world();

    launch(w, "&IamInstanceProfile.Name=web");
    const char *association = xml_cstr(world_ok(w, LIST), "associationId");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 0);
    world_refusedf(w, "InvalidAssociationID.NotFound", NULL,
                   "Action=DisassociateIamInstanceProfile&AssociationId=%s", association);
    /* IAM is global: the profile is there in every region */
    struct str tiny = xml_text(
        world_ok(w, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=welkin-tiny"),
        "imageId");
    world_okf(w,
              "Action=RunInstances&ImageId=%.*s&InstanceType=t3.micro&MinCount=1&MaxCount=1&"
              "IamInstanceProfile.Name=web",
              STR_ARG(tiny));
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 1);
    world_account(w, "111111111111", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, LIST), "associationId"), 0);
    world_refusedf(w, "InvalidAssociationID.NotFound", NULL,
                   "Action=DisassociateIamInstanceProfile&AssociationId=%s", association);
    world_free(w);
}

TEST(associations_are_filtered_and_paged)
{
    struct world *w = open_world();
    const char *first = launch(w, "&IamInstanceProfile.Name=web");
    const char *first_association = xml_cstr(world_ok(w, LIST), "associationId");
    size_t n = 0;

    for (int i = 0; i < 6; i++)
        launch(w, "&IamInstanceProfile.Name=app");
    struct str xml = world_okf(w, LIST "&Filter.1.Name=instance-id&Filter.1.Value.1=%s", first);
    CHECK_INT(xml_count(xml, "associationId"), 1);
    CHECK_STR(xml_text(xml, "associationId"), first_association);
    xml = world_ok(w, LIST "&Filter.1.Name=state&Filter.1.Value.1=associated");
    CHECK_INT(xml_count(xml, "associationId"), 7);
    xml = world_ok(w, LIST "&Filter.1.Name=state&Filter.1.Value.1=disassociated");
    CHECK_INT(xml_count(xml, "associationId"), 0);
    world_refused(w, "InvalidParameterValue", NULL, LIST "&Filter.1.Name=x&Filter.1.Value.1=y");
    xml = world_okf(w, LIST "&AssociationId.1=%s&AssociationId.2=%s", first_association,
                    first_association);
    CHECK_INT(xml_count(xml, "associationId"), 1);
    world_refused(w, "InvalidParameterValue", NULL, LIST "&MaxResults=4");
    xml = world_ok(w, LIST "&MaxResults=5");
    n = xml_count(xml, "associationId");
    CHECK_INT(n, 5);
    xml = world_okf(w, LIST "&MaxResults=5&NextToken=%.*s",
                    STR_ARG(world_code(w, xml_text(xml, "nextToken"))));
    CHECK_INT(xml_count(xml, "associationId"), 2);
    CHECK(!xml_text(xml, "nextToken").p);
    world_free(w);
}

TEST(instances_are_found_by_their_profile)
{
    static const struct {
        const char *filter, *value;
        size_t n;
    } rows[] = {
        {"iam-instance-profile.arn", WEB_ARN, 1},
        {"iam-instance-profile.id", "AIPAapp", 2},
        {"iam-instance-profile.name", "app", 2},
        {"iam-instance-profile.name", "*", 3},
        {"iam-instance-profile.name", "teams", 0},
    };
    struct world *w = open_world();

    launch(w, "");
    launch(w, "&IamInstanceProfile.Name=web");
    launch(w, "&IamInstanceProfile.Name=app");
    launch(w, "&IamInstanceProfile.Name=app");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str xml =
            world_okf(w, "Action=DescribeInstances&Filter.1.Name=%s&Filter.1.Value.1=%s",
                      rows[i].filter, rows[i].value);

        if (xml_count(xml, "instanceId") != rows[i].n)
            FAIL("%s=%s: %.*s", rows[i].filter, rows[i].value, STR_ARG(xml));
    }
    world_free(w);
}

TEST(an_instance_shows_a_profile_that_was_deleted)
{
    struct world *w = open_world();
    const char *id = launch(w, "&IamInstanceProfile.Name=web");

    iam_rows_delete(w, &iam_profile_table, S("AIPAweb"));
    CHECK_STR(xml_text(shown_profile(w, id), "arn"), WEB_ARN);
    world_refused(w, "InvalidParameterValue", NULL, RUN "&IamInstanceProfile.Name=web");
    world_free(w);
}
