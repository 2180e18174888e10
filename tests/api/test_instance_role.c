/*
 * A role from IAM through EC2 and the metadata to a signed call: what an instance may do, since
 * when and until when.
 */
#include "base/timefmt.h"
#include "codec/json.h"
#include "guestnet/imds.h"
#include "harness/world.h"
#include "store/keys.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
#define TRUST(service)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":" \
    "\"" service "\"},\"Action\":\"sts:AssumeRole\"}]}"
#define ALLOW(action)                                                                              \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":" action          \
    ",\"Resource\":\"*\"}]}"
#define IDENTITY_CALL "Action=GetCallerIdentity&Version=2011-06-15"
#define KEYS_CALL "Action=DescribeKeyPairs&Version=2016-11-15"
#define VPCS_CALL "Action=DescribeVpcs&Version=2016-11-15"
#define HOUR_MS ((int64_t)3600 * 1000)

struct credentials {
    struct str access_key, secret, token;
};

/* ---- IAM ---- */

static const char *
coded(struct world *w, const char *policy)
{
    return str_cstr(test_arena(), world_code(w, str_from(policy)));
}

static void
make_role(struct world *w, const char *name, const char *trust, const char *policy)
{
    world_okf(w, "Action=CreateRole&RoleName=%s&AssumeRolePolicyDocument=%s", name,
              coded(w, trust));
    if (policy)
        world_okf(w, "Action=PutRolePolicy&RoleName=%s&PolicyName=p&PolicyDocument=%s", name,
                  coded(w, policy));
}

static void
make_profile(struct world *w, const char *name, const char *role)
{
    world_okf(w, "Action=CreateInstanceProfile&InstanceProfileName=%s", name);
    if (role)
        world_okf(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=%s&RoleName=%s", name,
                  role);
}

static struct credentials
make_user(struct world *w, const char *name, const char *policy)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=p&PolicyDocument=%s", name,
              coded(w, policy));
    struct str xml = world_okf(w, "Action=CreateAccessKey&UserName=%s", name);

    return (struct credentials){.access_key = xml_text(xml, "AccessKeyId"),
                                .secret = xml_text(xml, "SecretAccessKey")};
}

/* ---- the instance ---- */

static const char *
launch(struct world *w, const char *more)
{
    const char *id = xml_cstr(world_okf(w, RUN "%s", more), "instanceId");

    world_advance(w, 1000);
    return id;
}

/* What the instance reads at that path of meta-data/; p NULL when it is 404. */
static struct str
metadata(struct world *w, const char *id, const char *path)
{
    const struct imds_request req = {
        .method = HTTP_GET, .path = str_fmt(test_arena(), "/latest/meta-data/%s", path)};
    static const uint8_t nonce[8];
    struct imds_keys keys = {0};

    CHECK_INT(store_key_load(cloud_store(w->cloud), &w->env.env, "session", keys.session), 0);
    CHECK_INT(store_key_load(cloud_store(w->cloud), &w->env.env, "instance-role", keys.role), 0);
    struct txn *txn = world_begin(w);
    struct imds_reply reply = imds_answer(txn, test_arena(), ec2_instance_get(txn, str_from(id)),
                                          &keys, w->env.now_ms, nonce, &req);
    struct str body = str_dup(test_arena(), reply.body);
    store_rollback(txn);
    CHECK(reply.status == 200 || reply.status == 404);
    return reply.status == 200 ? body : STR_NONE;
}

static struct credentials
credentials_of(struct world *w, const char *id, const char *role)
{
    struct str path = str_fmt(test_arena(), "iam/security-credentials/%s", role);
    struct str text = metadata(w, id, str_cstr(test_arena(), path));
    struct json json;
    size_t at;

    if (!text.p || !json_parse(test_arena(), text, 100, &json, &at))
        FAIL("no credentials: %.*s", STR_ARG(text));
    CHECK_STR(json_text(&json, "Code"), "Success");
    return (struct credentials){json_text(&json, "AccessKeyId"),
                                json_text(&json, "SecretAccessKey"), json_text(&json, "Token")};
}

/* A call that is signed with the credentials, as the instance would send it. */
static struct str
call_as(struct world *w, const struct credentials *c, const char *form)
{
    bool sts = str_find(str_from(form), S("GetCallerIdentity")) != SIZE_MAX;
    struct http_header headers[8] = {
        {S("Host"), S("localhost:4566")},
        {S("Content-Type"), S("application/x-www-form-urlencoded")},
    };
    struct sigv4_request req = {.method = S("POST"),
                                .path = S("/"),
                                .query = S(""),
                                .headers = headers,
                                .n_headers = 2,
                                .body = str_from(form)};
    const struct sigv4_signer signer = {.access_key = c->access_key,
                                        .secret = c->secret,
                                        .token = c->token,
                                        .region = S("us-east-1"),
                                        .service = sts ? S("sts") : S("ec2"),
                                        .now_ms = w->env.now_ms};

    req.n_headers += sigv4_sign(test_arena(), &signer, &req, headers + 2);
    return world_request(w, &req);
}

static void
refused_as(struct world *w, const struct credentials *c, const char *code, const char *form)
{
    struct str xml = call_as(w, c, form);

    if (!str_is(xml_text(xml, "Code"), code))
        FAIL("HTTP %d, not %s: %.*s", w->http, code, STR_ARG(xml));
}

static void
allowed_as(struct world *w, const struct credentials *c, const char *form)
{
    struct str xml = call_as(w, c, form);

    if (w->http != 200)
        FAIL("HTTP %d: %.*s", w->http, STR_ARG(xml));
}

/* ---- tests ---- */

TEST(an_instance_acts_as_its_role_and_no_more, "ROLE-02 ROLE-03 ROLE-04 ROLE-05")
{
    struct world *w = world_new();

    make_role(w, "reader", TRUST("ec2.amazonaws.com"), ALLOW("\"ec2:DescribeKeyPairs\""));
    make_profile(w, "web", "reader");
    const char *id = launch(w, "&IamInstanceProfile.Name=web");
    CHECK_STR(metadata(w, id, "iam/security-credentials/"), "reader");
    struct credentials c = credentials_of(w, id, "reader");
    struct str me = call_as(w, &c, IDENTITY_CALL);
    struct str role = world_ok(w, "Action=GetRole&RoleName=reader");
    CHECK_STR(xml_text(me, "Arn"),
              str_fmt(test_arena(), "arn:aws:sts::000000000000:assumed-role/reader/%s", id).p);
    CHECK_STR(xml_text(me, "UserId"),
              str_fmt(test_arena(), "%.*s:%s", STR_ARG(xml_text(role, "RoleId")), id).p);
    CHECK_STR(xml_text(me, "Account"), "000000000000");
    allowed_as(w, &c, KEYS_CALL);
    refused_as(w, &c, "UnauthorizedOperation", VPCS_CALL);
    /* what the role may do is looked up at each call */
    world_okf(w, "Action=PutRolePolicy&RoleName=reader&PolicyName=p&PolicyDocument=%s",
              coded(w, ALLOW("\"ec2:DescribeVpcs\"")));
    allowed_as(w, &c, VPCS_CALL);
    refused_as(w, &c, "UnauthorizedOperation", KEYS_CALL);
    world_free(w);
}

TEST(credentials_work_over_days_and_old_ones_end, "ROLE-08 ROLE-09")
{
    struct world *w = world_new();

    make_role(w, "reader", TRUST("ec2.amazonaws.com"), ALLOW("\"ec2:DescribeKeyPairs\""));
    make_profile(w, "web", "reader");
    const char *id = launch(w, "&IamInstanceProfile.Name=web");
    struct credentials first = credentials_of(w, id, "reader"), last = first;
    unsigned changes = 0;

    for (int hour = 0; hour < 72; hour++) {
        struct credentials now = credentials_of(w, id, "reader");

        allowed_as(w, &now, KEYS_CALL);
        if (!str_eq(now.access_key, last.access_key)) {
            changes++;
            allowed_as(w, &last, KEYS_CALL); /* the overlap */
            world_advance(w, HOUR_MS);
            hour++;
            refused_as(w, &last, "RequestExpired", KEYS_CALL);
            refused_as(w, &last, "ExpiredToken", IDENTITY_CALL);
            now = credentials_of(w, id, "reader");
            allowed_as(w, &now, KEYS_CALL);
        }
        last = now;
        if (hour == 30)
            world_crash(w);
        world_advance(w, HOUR_MS);
    }
    CHECK_INT(changes, 14);
    refused_as(w, &first, "RequestExpired", KEYS_CALL);
    world_free(w);
}

TEST(the_verbs_of_profiles_in_order_on_a_running_instance,
     "ROLE-14 ROLE-15 ROLE-16 ROLE-17 ROLE-18 ROLE-19 ROLE-20 ROLE-21 ROLE-22")
{
    struct world *w = world_new();
    const char *id = launch(w, "");

    make_role(w, "app", TRUST("ec2.amazonaws.com"), NULL);
    world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=app");
    world_refused(w, "EntityAlreadyExists", NULL,
                  "Action=CreateInstanceProfile&InstanceProfileName=app");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=AddRoleToInstanceProfile&InstanceProfileName=app&RoleName=nobody");
    world_ok(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=app&RoleName=app");
    CHECK_INT(xml_count(world_ok(w, "Action=ListInstanceProfiles"), "InstanceProfileName"), 1);
    struct str xml = world_ok(w, "Action=ListInstanceProfilesForRole&RoleName=app");
    CHECK_STR(xml_text(xml, "InstanceProfileName"), "app");
    xml = world_ok(w, "Action=GetInstanceProfile&InstanceProfileName=app");
    struct str profile_id = xml_text(xml, "InstanceProfileId");
    CHECK_STR(xml_text(xml, "RoleName"), "app");
    CHECK(!metadata(w, id, "iam/info").p);
    world_okf(w, "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=app",
              id);
    CHECK(str_find(metadata(w, id, "iam/info"), profile_id) != SIZE_MAX);
    struct credentials c = credentials_of(w, id, "app");
    allowed_as(w, &c, IDENTITY_CALL);
    xml = world_ok(w, "Action=DescribeIamInstanceProfileAssociations");
    CHECK_STR(xml_text(xml, "instanceId"), id);
    CHECK(str_eq(xml_text(xml, "id"), profile_id));
    CHECK_STR(xml_text(xml, "state"), "associated");
    world_okf(w, "Action=DisassociateIamInstanceProfile&AssociationId=%s",
              xml_cstr(xml, "associationId"));
    CHECK(!metadata(w, id, "iam/security-credentials/app").p);
    CHECK(!metadata(w, id, "iam/").p);
    world_refused(w, "DeleteConflict", NULL,
                  "Action=DeleteInstanceProfile&InstanceProfileName=app");
    world_ok(w, "Action=RemoveRoleFromInstanceProfile&InstanceProfileName=app&RoleName=app");
    world_ok(w, "Action=DeleteInstanceProfile&InstanceProfileName=app");
    world_refused(w, "NoSuchEntity", NULL, "Action=GetInstanceProfile&InstanceProfileName=app");
    world_free(w);
}

TEST(a_role_that_is_gone_ends_its_credentials, "ROLE-18")
{
    struct world *w = world_new();

    make_role(w, "app", TRUST("ec2.amazonaws.com"), NULL);
    make_profile(w, "app", "app");
    const char *id = launch(w, "&IamInstanceProfile.Name=app");
    struct credentials c = credentials_of(w, id, "app");

    world_ok(w, "Action=RemoveRoleFromInstanceProfile&InstanceProfileName=app&RoleName=app");
    CHECK(!metadata(w, id, "iam/security-credentials/app").p);
    /* what was given out holds until it expires, or its role is deleted */
    allowed_as(w, &c, IDENTITY_CALL);
    world_ok(w, "Action=DeleteRole&RoleName=app");
    call_as(w, &c, IDENTITY_CALL);
    CHECK_INT(w->http, 403);
    world_free(w);
}

TEST(trust_that_is_given_later_gives_credentials, "ROLE-03")
{
    struct world *w = world_new();

    make_role(w, "app", TRUST("lambda.amazonaws.com"), NULL);
    make_profile(w, "app", "app");
    const char *id = launch(w, "&IamInstanceProfile.Name=app");
    struct str text = metadata(w, id, "iam/security-credentials/app");

    CHECK(str_find(text, S("\"AssumeRoleUnauthorizedAccess\"")) != SIZE_MAX);
    CHECK(str_find(text, S("Token")) == SIZE_MAX);
    world_okf(w, "Action=UpdateAssumeRolePolicy&RoleName=app&PolicyDocument=%s",
              coded(w, TRUST("ec2.amazonaws.com")));
    struct credentials c = credentials_of(w, id, "app");
    allowed_as(w, &c, IDENTITY_CALL);
    world_free(w);
}

TEST(a_role_is_passed_only_by_who_may_pass_it, "ROLE-13")
{
    struct world *w = world_new();

    make_role(w, "app", TRUST("ec2.amazonaws.com"), NULL);
    make_profile(w, "app", "app");
    const char *id = launch(w, "");
    struct credentials starter = make_user(w, "starter", ALLOW("\"ec2:*\""));
    struct credentials passer =
        make_user(w, "passer",
                  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "\"ec2:*\",\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\","
                  "\"Resource\":\"arn:aws:iam::000000000000:role/app\",\"Condition\":{"
                  "\"StringEquals\":{\"iam:PassedToService\":\"ec2.amazonaws.com\"}}}]}");
    const char *run = RUN "&IamInstanceProfile.Name=app&Version=2016-11-15";
    const char *associate =
        str_fmt(test_arena(),
                "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=app"
                "&Version=2016-11-15",
                id)
            .p;

    allowed_as(w, &starter, RUN "&Version=2016-11-15");
    refused_as(w, &starter, "UnauthorizedOperation", run);
    refused_as(w, &starter, "UnauthorizedOperation", associate);
    allowed_as(w, &passer, associate);
    allowed_as(w, &passer, run);
    /* another role is not the one that may be passed */
    make_role(w, "admin", TRUST("ec2.amazonaws.com"), NULL);
    make_profile(w, "admin", "admin");
    refused_as(w, &passer, "UnauthorizedOperation",
               RUN "&IamInstanceProfile.Name=admin&Version=2016-11-15");
    struct str xml = world_ok(w, "Action=DescribeIamInstanceProfileAssociations");
    const char *replace =
        str_fmt(test_arena(),
                "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
                "IamInstanceProfile.Name=admin&Version=2016-11-15",
                xml_cstr(xml, "associationId"))
            .p;
    refused_as(w, &passer, "UnauthorizedOperation", replace);
    world_free(w);
}

TEST(policies_name_the_instance_of_an_association_and_its_profile)
{
    struct world *w = world_new();

    make_role(w, "app", TRUST("ec2.amazonaws.com"), NULL);
    make_profile(w, "app", "app");
    const char *mine = launch(w, "&IamInstanceProfile.Name=app");
    const char *other = launch(w, "&IamInstanceProfile.Name=app");
    const char *policy =
        str_fmt(test_arena(),
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                "\"ec2:DisassociateIamInstanceProfile\",\"Resource\":"
                "\"arn:aws:ec2:us-east-1:000000000000:instance/%s\"},{\"Effect\":\"Allow\","
                "\"Action\":[\"ec2:AssociateIamInstanceProfile\",\"iam:PassRole\"],"
                "\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":"
                "\"ec2:AssociateIamInstanceProfile\",\"Resource\":\"*\",\"Condition\":{"
                "\"StringNotEquals\":{\"ec2:NewInstanceProfile\":"
                "\"arn:aws:iam::000000000000:instance-profile/app\"}}}]}",
                mine)
            .p;
    struct credentials c = make_user(w, "one", policy);
    const struct {
        const char *instance, *code;
    } rows[] = {{other, "UnauthorizedOperation"}, {mine, NULL}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str xml = world_okf(w,
                                   "Action=DescribeIamInstanceProfileAssociations&"
                                   "Filter.1.Name=instance-id&Filter.1.Value.1=%s",
                                   rows[i].instance);
        const char *form = str_fmt(test_arena(),
                                   "Action=DisassociateIamInstanceProfile&AssociationId=%s&"
                                   "Version=2016-11-15",
                                   xml_cstr(xml, "associationId"))
                               .p;

        if (rows[i].code)
            refused_as(w, &c, rows[i].code, form);
        else
            allowed_as(w, &c, form);
    }
    make_profile(w, "second", "app");
    refused_as(w, &c, "UnauthorizedOperation",
               str_fmt(test_arena(),
                       "Action=AssociateIamInstanceProfile&InstanceId=%s&"
                       "IamInstanceProfile.Name=second&Version=2016-11-15",
                       mine)
                   .p);
    allowed_as(w, &c,
               str_fmt(test_arena(),
                       "Action=AssociateIamInstanceProfile&InstanceId=%s&"
                       "IamInstanceProfile.Name=app&Version=2016-11-15",
                       mine)
                   .p);
    world_free(w);
}

/* ---- where a group takes its instance ---- */

TEST(a_member_of_a_group_is_told_where_it_is_taken)
{
    struct world *w = world_new();
#define OF_G "&Version=2011-01-01&AutoScalingGroupName=g"

    world_ok(w, "Action=CreateLaunchConfiguration&Version=2011-01-01&LaunchConfigurationName=c"
                "&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro");
    world_ok(w, "Action=CreateAutoScalingGroup" OF_G "&LaunchConfigurationName=c&MinSize=0"
                "&MaxSize=1&AvailabilityZones.member.1=us-east-1a&LifecycleHookSpecificationList."
                "member.1.LifecycleHookName=h&LifecycleHookSpecificationList.member.1."
                "LifecycleTransition=autoscaling:EC2_INSTANCE_TERMINATING");
    world_ok(w, "Action=PutWarmPool" OF_G "&PoolState=Running");
    world_advance(w, 1000);
    const char *id = xml_cstr(world_ok(w, "Action=DescribeInstances"), "instanceId");
    const char *path = "autoscaling/target-lifecycle-state";

    CHECK_STR(metadata(w, id, path), "Warmed:Running");
    world_ok(w, "Action=SetDesiredCapacity" OF_G "&DesiredCapacity=1");
    world_advance(w, 1000);
    CHECK_STR(metadata(w, id, path), "InService");
    world_okf(w,
              "Action=EnterStandby" OF_G "&InstanceIds.member.1=%s"
              "&ShouldDecrementDesiredCapacity=true",
              id);
    world_advance(w, 1000);
    CHECK_STR(metadata(w, id, path), "Standby");
    world_okf(w, "Action=ExitStandby" OF_G "&InstanceIds.member.1=%s", id);
    world_advance(w, 1000);
    world_ok(w, "Action=DeleteWarmPool" OF_G "&ForceDelete=true");
    world_ok(w, "Action=SetDesiredCapacity" OF_G "&DesiredCapacity=0");
    world_advance(w, 1000);
    CHECK_STR(metadata(w, id, path), "Terminated");
    world_okf(w,
              "Action=CompleteLifecycleAction" OF_G "&LifecycleHookName=h&InstanceId=%s"
              "&LifecycleActionResult=CONTINUE",
              id);
    /* an instance of no group is told nothing */
    id = xml_cstr(world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType="
                              "t3.micro&MinCount=1&MaxCount=1"),
                  "instanceId");
    CHECK(!metadata(w, id, path).p);
    world_free(w);
}
