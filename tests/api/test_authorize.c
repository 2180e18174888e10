/*
 * Who may do what, from end to end: users and roles with policies, whose signed calls meet EC2.
 */
#include "api/explain.h"
#include "harness/world.h"

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

static void
put_policy(struct world *w, const char *user, const char *name, const char *json)
{
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=%s&PolicyDocument=%.*s", user, name,
              STR_ARG(world_code(w, str_from(json))));
}

/* A user with one inline policy (NULL: none) and the credentials of its first key. */
static struct str
make_user(struct world *w, const char *name, const char *json)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    if (json)
        put_policy(w, name, "own", json);
    return world_okf(w, "Action=CreateAccessKey&UserName=%s", name);
}

static const char *
make_group(struct world *w, const char *name)
{
    return test_cstr(
        xml_text(world_okf(w, "Action=CreateSecurityGroup&GroupName=%s&GroupDescription=d", name),
                 "groupId"));
}

TEST(a_user_without_policies_may_nothing, "IAM-01 IAM-08")
{
    struct world *w = world_new();

    world_as_reply(w, make_user(w, "bob", NULL));
    struct str xml = world_call(w, "Action=DescribeInstances");

    CHECK_INT(w->http, 403);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_starts(xml_text(xml, "Message"),
                     S("You are not authorized to perform this operation. User: "
                       "arn:aws:iam::000000000000:user/bob is not authorized to perform: "
                       "ec2:DescribeInstances because no identity-based policy allows the "
                       "ec2:DescribeInstances action. Encoded authorization failure message: ")));
    world_refused(w, "AccessDenied",
                  "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: "
                  "iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because no "
                  "identity-based policy allows the iam:ListUsers action",
                  "Action=ListUsers");
    CHECK_INT(w->http, 403);
    /* but who it is, it may know */
    CHECK_STR(xml_text(world_ok(w, "Action=GetCallerIdentity"), "Arn"),
              "arn:aws:iam::000000000000:user/bob");
    world_free(w);
}

TEST(a_policy_on_one_security_group_is_about_that_one, "IAM-01 IAM-02")
{
    struct world *w = world_new();
    const char *mine = make_group(w, "mine"), *other = make_group(w, "other");

    world_as_reply(w,
                   make_user(w, "bob",
                             test_fmt(POLICY("{\"Effect\":\"Allow\",\"Action\":"
                                             "\"ec2:AuthorizeSecurityGroupIngress\",\"Resource\":"
                                             "\"arn:aws:ec2:*:000000000000:security-group/%s\"}"),
                                      mine)));
    world_okf(w,
              "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=22&"
              "ToPort=22&CidrIp=10.0.0.0%%2F8",
              mine);
    /* by its name it is the same one */
    world_ok(w, "Action=AuthorizeSecurityGroupIngress&GroupName=mine&IpProtocol=tcp&FromPort=23&"
                "ToPort=23&CidrIp=10.0.0.0%2F8");
    struct str xml = world_callf(w,
                                 "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&"
                                 "FromPort=22&ToPort=22&CidrIp=10.0.0.0%%2F8",
                                 other);

    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_find(xml_text(xml, "Message"),
                   str_from(test_fmt("ec2:AuthorizeSecurityGroupIngress on resource: "
                                     "arn:aws:ec2:us-east-1:000000000000:security-group/%s "
                                     "because",
                                     other))) != SIZE_MAX);
    xml = world_callf(w, "Action=DeleteSecurityGroup&GroupId=%s", mine);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    /* before DryRun is answered */
    xml = world_callf(w, "Action=DeleteSecurityGroup&DryRun=true&GroupId=%s", mine);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    xml = world_callf(w,
                      "Action=AuthorizeSecurityGroupIngress&DryRun=true&GroupId=%s&"
                      "IpProtocol=tcp&FromPort=24&ToPort=24&CidrIp=10.0.0.0%%2F8",
                      mine);
    CHECK_FAULT(w, xml, "DryRunOperation");
    /* policies hold after a restart */
    world_crash(w);
    xml = world_callf(w, "Action=DeleteSecurityGroup&GroupId=%s", mine);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    world_free(w);
}

TEST(an_explicit_deny_beats_every_allow, "IAM-01")
{
    struct world *w = world_new();
    struct str key =
        make_user(w, "bob",
                  POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"},"
                         "{\"Sid\":\"NoKeys\",\"Effect\":\"Deny\",\"Action\":\"ec2:*KeyPair\","
                         "\"Resource\":\"*\"}"));

    world_as_reply(w, key);
    world_ok(w, "Action=DescribeKeyPairs");
    struct str xml = world_call(w, "Action=CreateKeyPair&KeyName=k");

    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_find(xml_text(xml, "Message"),
                   S("ec2:CreateKeyPair on resource: arn:aws:ec2:us-east-1:000000000000:"
                     "key-pair/k with an explicit deny in an identity-based policy. Encoded")) !=
          SIZE_MAX);
    /* a change counts at the next call */
    world_as_root(w);
    put_policy(w, "bob", "own",
               POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"}"));
    world_as_reply(w, key);
    world_ok(w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519");
    world_free(w);
}

TEST(policies_of_groups_and_managed_ones_count)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", NULL);

    world_ok(w, "Action=CreateGroup&GroupName=ops");
    world_ok(w, "Action=AddUserToGroup&GroupName=ops&UserName=bob");
    world_ok(w, "Action=AttachGroupPolicy&GroupName=ops&PolicyArn="
                "arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAmazonEC2ReadOnlyAccess");
    world_as_reply(w, key);
    world_ok(w, "Action=DescribeInstances");
    CHECK_FAULT(w, world_call(w, "Action=CreateKeyPair&KeyName=k"), "UnauthorizedOperation");
    world_as_root(w);
    struct str made = world_okf(
        w, "Action=CreatePolicy&PolicyName=keys&PolicyDocument=%.*s",
        STR_ARG(world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:CreateKeyPair\","
                                       "\"Resource\":\"*\"}")))));
    struct str arn = world_code(w, xml_text(made, "Arn"));

    world_okf(w, "Action=AttachUserPolicy&UserName=bob&PolicyArn=%.*s", STR_ARG(arn));
    world_as_reply(w, key);
    world_ok(w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519");
    world_as_root(w);
    world_ok(w, "Action=RemoveUserFromGroup&GroupName=ops&UserName=bob");
    world_as_reply(w, key);
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstances"), "UnauthorizedOperation");
    world_free(w);
}

TEST(a_boundary_limits_what_policies_allow)
{
    struct world *w = world_new();
    struct str key = make_user(
        w, "bob", POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"}"));

    world_ok(w, "Action=PutUserPermissionsBoundary&UserName=bob&PermissionsBoundary="
                "arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAmazonEC2ReadOnlyAccess");
    world_as_reply(w, key);
    world_ok(w, "Action=DescribeInstances");
    struct str xml = world_call(w, "Action=CreateKeyPair&KeyName=k");

    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_find(xml_text(xml, "Message"),
                   S("because no permissions boundary allows the ec2:CreateKeyPair action")) !=
          SIZE_MAX);
    world_free(w);
}

TEST(tags_of_things_and_requests_are_conditions, "IAM-02 IAM-03 TAG-06")
{
    struct world *w = world_new();
    const char *red = make_group(w, "red"), *blue = make_group(w, "blue");
    struct str xml;

    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=red", red);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=blue", blue);
    world_as_reply(
        w, make_user(w, "bob",
                     POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:DeleteSecurityGroup\","
                            "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
                            "{\"aws:ResourceTag/team\":\"red\",\"ec2:ResourceTag/team\":\"red\"}}},"
                            "{\"Effect\":\"Allow\",\"Action\":\"ec2:CreateKeyPair\","
                            "\"Resource\":\"*\"},"
                            "{\"Effect\":\"Allow\",\"Action\":\"ec2:CreateTags\",\"Resource\":"
                            "\"arn:aws:ec2:*:*:key-pair/*\",\"Condition\":{\"StringEquals\":"
                            "{\"ec2:CreateAction\":\"CreateKeyPair\","
                            "\"aws:RequestTag/team\":\"red\"},"
                            "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\"]}}}")));
    xml = world_callf(w, "Action=DeleteSecurityGroup&GroupId=%s", blue);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    world_okf(w, "Action=DeleteSecurityGroup&GroupId=%s", red);
#define KEY_TAG "&TagSpecification.1.Tag."
#define KEY_OF "&KeyType=ed25519&TagSpecification.1.ResourceType=key-pair"
    world_ok(w, "Action=CreateKeyPair&KeyName=a&KeyType=ed25519");
    world_ok(w, "Action=CreateKeyPair&KeyName=b" KEY_OF KEY_TAG "1.Key=team" KEY_TAG "1.Value=red");
    xml = world_call(w, "Action=CreateKeyPair&KeyName=c" KEY_OF KEY_TAG "1.Key=team" KEY_TAG
                        "1.Value=blue");
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_find(xml_text(xml, "Message"), S("perform: ec2:CreateTags on")) != SIZE_MAX);
    xml = world_call(w, "Action=CreateKeyPair&KeyName=c" KEY_OF KEY_TAG "1.Key=team" KEY_TAG
                        "1.Value=red" KEY_TAG "2.Key=x" KEY_TAG "2.Value=y");
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    /* not by CreateTags itself */
    xml = world_callf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=red", blue);
    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    world_free(w);
}

TEST(the_way_of_a_request_is_a_condition)
{
    struct world *w = world_new();
    struct str key = make_user(
        w, "bob",
        POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeVpcs\",\"Resource\":\"*\","
               "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeSubnets\",\"Resource\":\"*\","
               "\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"true\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeKeyPairs\",\"Resource\":\"*\","
               "\"Condition\":{\"StringEquals\":{\"aws:SourceVpc\":\"vpc-1\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeTags\",\"Resource\":\"*\","
               "\"Condition\":{\"StringEquals\":{\"aws:RequestedRegion\":\"eu-west-1\"}}},"
               "{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeImages\",\"Resource\":\"*\","
               "\"Condition\":{\"StringLike\":{\"aws:UserAgent\":\"welkin*\"},"
               "\"StringEquals\":{\"aws:username\":\"bob\",\"aws:PrincipalTag/team\":\"red\","
               "\"aws:PrincipalType\":\"User\",\"aws:PrincipalAccount\":\"000000000000\"},"
               "\"Null\":{\"aws:TokenIssueTime\":\"true\",\"aws:MultiFactorAuthPresent\":"
               "\"true\"}}}"));

    world_ok(w, "Action=TagUser&UserName=bob&Tags.member.1.Key=team&Tags.member.1.Value=red");
    world_as_reply(w, key);
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    w->peer = S("203.0.113.9");
    world_ok(w, "Action=DescribeVpcs");
    w->peer = S("203.0.114.9");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    w->secure = true;
    world_ok(w, "Action=DescribeSubnets");
    CHECK_FAULT(w, world_call(w, "Action=DescribeKeyPairs"), "UnauthorizedOperation");
    w->source_vpc = S("vpc-1");
    world_ok(w, "Action=DescribeKeyPairs");
    w->source_vpc = S("");
    CHECK_FAULT(w, world_call(w, "Action=DescribeTags"), "UnauthorizedOperation");
    w->region = S("eu-west-1");
    world_ok(w, "Action=DescribeTags");
    CHECK_FAULT(w, world_call(w, "Action=DescribeImages"), "UnauthorizedOperation");
    w->user_agent = S("welkin-test/1");
    world_ok(w, "Action=DescribeImages");
    world_free(w);
}

/* What RunInstances needs, piece by piece: without any one of them it is refused. */
TEST(run_instances_is_asked_about_all_that_it_uses_and_makes, "IAM-02 IAM-03")
{
    static const char *const pieces[] = {
        "\"arn:aws:ec2:us-east-1::image/ami-*\"",
        "\"arn:aws:ec2:us-east-1:000000000000:subnet/*\"",
        "\"arn:aws:ec2:us-east-1:000000000000:security-group/*\"",
        "\"arn:aws:ec2:us-east-1:000000000000:key-pair/k\"",
        "\"arn:aws:ec2:us-east-1:000000000000:instance/*\"",
        "\"arn:aws:ec2:us-east-1:000000000000:volume/*\"",
        "\"arn:aws:ec2:us-east-1:000000000000:network-interface/*\"",
    };
    static const char run[] = "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&"
                              "MaxCount=1&InstanceType=t3.micro&KeyName=k";
    struct world *w = world_new();
    struct str key = make_user(w, "bob", NULL);

    world_ok(w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519");
    for (size_t gone = 0; gone <= ARRAY_LEN(pieces); gone++) {
        struct str_list kept = {0};

        for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
            if (i != gone)
                *LIST_PUSH(test_arena(), &kept) = str_from(pieces[i]);
        world_as_root(w);
        put_policy(w, "bob", "own",
                   test_fmt(POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:RunInstances\","
                                   "\"Resource\":[%.*s],\"Condition\":{\"StringEqualsIfExists\":"
                                   "{\"ec2:InstanceType\":\"t3.micro\"}}}"),
                            STR_ARG(str_join(test_arena(), &kept, S(",")))));
        world_as_reply(w, key);
        struct str xml = world_call(w, run);

        if (gone == ARRAY_LEN(pieces))
            CHECK_OK(w, xml);
        else
            CHECK_FAULT(w, xml, "UnauthorizedOperation");
    }
    CHECK_FAULT(w,
                world_call(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&"
                              "MaxCount=1&InstanceType=t3.large&KeyName=k"),
                "UnauthorizedOperation");
    CHECK_FAULT(w,
                world_call(w, test_fmt("%s&TagSpecification.1.ResourceType=instance&"
                                       "TagSpecification.1.Tag.1.Key=a&"
                                       "TagSpecification.1.Tag.1.Value=b",
                                       run)),
                "UnauthorizedOperation");
    world_free(w);
}

/* Tags for the volumes of a launch are not those of its instances. */
TEST(each_thing_of_a_launch_has_its_own_tags, "IAM-03")
{
    static const char run[] = "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&"
                              "MaxCount=1&InstanceType=t3.micro&TagSpecification.1.Tag.1.Key=team&"
                              "TagSpecification.1.Tag.1.Value=red&"
                              "TagSpecification.1.ResourceType=";
    struct world *w = world_new();

    world_as_reply(
        w, make_user(w, "bob",
                     POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:CreateTags\","
                            "\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":"
                            "\"ec2:RunInstances\",\"NotResource\":\"arn:aws:ec2:*:*:instance/*\"},"
                            "{\"Effect\":\"Allow\",\"Action\":\"ec2:RunInstances\","
                            "\"Resource\":\"arn:aws:ec2:*:*:instance/*\",\"Condition\":"
                            "{\"StringEquals\":{\"aws:RequestTag/team\":\"red\"}}}")));
    CHECK_FAULT(w, world_callf(w, "%svolume", run), "UnauthorizedOperation");
    world_okf(w, "%sinstance", run);
    world_free(w);
}

TEST(a_decision_is_explained)
{
    struct world *w = world_new();
    struct api_answer answer;
    struct str why;
    struct api_question q = {.principal = S("arn:aws:iam::000000000000:user/bob"),
                             .action = S("ec2:StopInstances"),
                             .resource = S("arn:aws:ec2:us-east-1:000000000000:instance/i-1")};
    struct str pair[] = {S("aws:ResourceTag/team"), S("red")};

    make_user(w, "bob",
              POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:Describe*\",\"Resource\":\"*\"},"
                     "{\"Sid\":\"Reds\",\"Effect\":\"Allow\",\"Action\":\"ec2:*\","
                     "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
                     "{\"aws:ResourceTag/team\":\"red\"}}}"));
    CHECK_INT(api_explain(cloud_api(w->cloud), test_arena(), &q, &answer, &why), 0);
    CHECK(!answer.allowed);
    CHECK_STR(answer.decided_by, "no identity-based policy");
    CHECK_INT(answer.policies.n, 1);
    CHECK(str_ends(answer.policies.v[0], S("/own")));
    q.context = (struct str_list){pair, 2};
    CHECK_INT(api_explain(cloud_api(w->cloud), test_arena(), &q, &answer, &why), 0);
    CHECK(answer.allowed);
    CHECK_STR(answer.decided_by, "statement 2 (Reds) of an identity-based policy");
    CHECK(str_eq(answer.policy, answer.policies.v[0]));
    q.principal = S("arn:aws:iam::000000000000:root");
    CHECK_INT(api_explain(cloud_api(w->cloud), test_arena(), &q, &answer, &why), 0);
    CHECK(answer.allowed);
    CHECK_STR(answer.decided_by, "being root");
    q.principal = S("arn:aws:iam::000000000000:user/nobody");
    CHECK_INT(api_explain(cloud_api(w->cloud), test_arena(), &q, &answer, &why), 1);
    CHECK(why.n > 0);
    world_free(w);
}

/* A policy on one's own user is about operations that name nobody, too. */
TEST(things_of_iam_are_named_by_their_arns, "IAM-02")
{
    struct world *w = world_new();
    struct str key = make_user(
        w, "bob",
        POLICY("{\"Effect\":\"Allow\",\"Action\":[\"iam:ListAccessKeys\",\"iam:TagUser\","
               "\"iam:CreateUser\"],\"Resource\":[\"arn:aws:iam::*:user/${aws:username}\","
               "\"arn:aws:iam::*:user/dev-*\"]},"
               "{\"Effect\":\"Allow\",\"Action\":\"iam:GetPolicy\",\"Resource\":"
               "\"arn:aws:iam::aws:policy/*\"},"
               "{\"Effect\":\"Allow\",\"Action\":\"iam:ListUserTags\",\"Resource\":\"*\","
               "\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/team\":\"red\"}}}"));

    world_ok(w, "Action=CreateUser&UserName=eve");
    world_as_reply(w, key);
    world_ok(w, "Action=ListAccessKeys");
    world_ok(w, "Action=ListAccessKeys&UserName=bob");
    world_refused(w, "AccessDenied",
                  "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: "
                  "iam:ListAccessKeys on resource: arn:aws:iam::000000000000:user/eve because no "
                  "identity-based policy allows the iam:ListAccessKeys action",
                  "Action=ListAccessKeys&UserName=eve");
    world_ok(w, "Action=CreateUser&UserName=dev-1");
    CHECK_FAULT(w, world_call(w, "Action=CreateUser&UserName=ops-1"), "AccessDenied");
    CHECK_FAULT(w, world_call(w, "Action=ListUserTags&UserName=bob"), "AccessDenied");
    world_ok(w, "Action=TagUser&UserName=bob&Tags.member.1.Key=team&Tags.member.1.Value=red");
    world_ok(w, "Action=ListUserTags&UserName=bob");
    world_ok(w, "Action=GetPolicy&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess");
    world_free(w);
}
