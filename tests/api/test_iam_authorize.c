/*
 * What policies may say of IAM's own operations: things that are yet to be made, roles that are
 * passed, boundaries and policies that are given.
 */
#include "harness/world.h"

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ALLOW(action, resource, condition)                                                         \
    "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":\"" resource                         \
    "\",\"Condition\":{" condition "}}"
#define LIMIT "arn:aws:iam::000000000000:policy/limit"
#define NO_LIMIT "arn:aws:iam::aws:policy/AdministratorAccess"
#define REFUSED(w, form) CHECK_FAULT(w, world_call(w, form), "AccessDenied")

static void
put_policy(struct world *w, const char *user, const char *json)
{
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=own&PolicyDocument=%.*s", user,
              STR_ARG(world_code(w, str_from(json))));
}

/* A cloud whose caller is the user `boss`, whom the policy lets do things. */
static struct world *
open_world(const char *json)
{
    struct world *w = world_new();

    world_okf(w, "Action=CreatePolicy&PolicyName=limit&PolicyDocument=%.*s",
              STR_ARG(world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
                                             "\"Resource\":\"*\"}")))));
    world_ok(w, "Action=CreateUser&UserName=boss");
    put_policy(w, "boss", json);
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=boss"));
    return w;
}

#define TEAM(type) "\"arn:aws:iam::000000000000:" type "/team/*\""
#define TEAMS                                                                                      \
    TEAM("user")                                                                                   \
    "," TEAM("group") "," TEAM("instance-profile") "," TEAM("mfa") "," TEAM("role") "," TEAM(      \
        "policy")

TEST(what_is_made_is_named_with_its_path, "IAM-02")
{
    struct world *w = open_world(
        POLICY("{\"Effect\":\"Allow\",\"Action\":\"iam:Create*\",\"Resource\":[" TEAMS "]}"));
    const char *document =
        test_cstr(world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
                                         "\"Resource\":\"*\"}"))));
    const char *trust = test_cstr(
        world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":"
                               "{\"Service\":\"ec2.amazonaws.com\"}}"))));
    const char *const forms[] = {
        "Action=CreateUser&UserName=x",
        "Action=CreateGroup&GroupName=x",
        "Action=CreateInstanceProfile&InstanceProfileName=x",
        "Action=CreateVirtualMFADevice&VirtualMFADeviceName=x",
        test_fmt("Action=CreateRole&RoleName=x&AssumeRolePolicyDocument=%s", trust),
        test_fmt("Action=CreatePolicy&PolicyName=x&PolicyDocument=%s", document),
    };

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        REFUSED(w, forms[i]);
        REFUSED(w, test_fmt("%s&Path=/other/", forms[i]));
        world_okf(w, "%s&Path=/team/a/", forms[i]);
    }
    world_refused(w, "AccessDenied",
                  "User: arn:aws:iam::000000000000:user/boss is not authorized to perform: "
                  "iam:CreateUser on resource: arn:aws:iam::000000000000:user/a/y because no "
                  "identity-based policy allows the iam:CreateUser action",
                  "Action=CreateUser&UserName=y&Path=/a/");
    world_free(w);
}

/* Everything, but roles only for instances of a region. */
#define FOR_INSTANCES(region)                                                                      \
    POLICY(ALLOW("[\"iam:*\",\"ec2:*\"]", "*",                                                     \
                 "") ","                                                                           \
                     "{\"Effect\":\"Deny\",\"Action\":\"iam:PassRole\",\"Resource\":\"*\","        \
                     "\"Condition\":{\"StringNotLike\":{\"iam:AssociatedResourceArn\":"            \
                     "\"arn:aws:ec2:" region ":000000000000:instance/*\"}}}")

TEST(a_role_goes_into_a_profile_by_who_may_pass_it, "ROLE-13")
{
    struct world *w = open_world(POLICY(ALLOW(
        "[\"iam:CreateRole\",\"iam:CreateInstanceProfile\","
        "\"iam:AddRoleToInstanceProfile\"]",
        "*", "") "," ALLOW("\"iam:PassRole\"", "arn:aws:iam::000000000000:role/web/*",
                           "\"StringEquals\":{\"iam:PassedToService\":\"ec2.amazonaws.com\"}")));
    const char *trust = test_cstr(
        world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":"
                               "{\"Service\":\"ec2.amazonaws.com\"}}"))));

    world_okf(w, "Action=CreateRole&RoleName=mine&Path=/web/&AssumeRolePolicyDocument=%s", trust);
    world_okf(w, "Action=CreateRole&RoleName=admin&AssumeRolePolicyDocument=%s", trust);
    world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=p");
    world_refused(w, "AccessDenied",
                  "User: arn:aws:iam::000000000000:user/boss is not authorized to perform: "
                  "iam:PassRole on resource: arn:aws:iam::000000000000:role/admin because no "
                  "identity-based policy allows the iam:PassRole action",
                  "Action=AddRoleToInstanceProfile&InstanceProfileName=p&RoleName=admin");
    world_ok(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=p&RoleName=mine");
    world_as_root(w);
    put_policy(w, "boss", FOR_INSTANCES("us-east-1"));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=boss"));
#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&"          \
    "MaxCount=1&IamInstanceProfile.Name=p"
    struct str key[] = {w->access_key, w->secret};

    world_ok(w, RUN);
    world_as_root(w);
    put_policy(w, "boss", FOR_INSTANCES("eu-west-1"));
    world_as(w, key[0], key[1], STR_NONE);
    CHECK_FAULT(w, world_call(w, RUN), "UnauthorizedOperation");
    world_free(w);
}

TEST(only_some_policies_may_be_attached, "IAM-02")
{
    struct world *w = open_world(POLICY(ALLOW("\"iam:CreateUser\"", "*", "") "," ALLOW(
        "[\"iam:AttachUserPolicy\",\"iam:DetachUserPolicy\"]", "*",
        "\"ArnEquals\":{\"iam:PolicyARN\":\"" LIMIT "\"}")));

    world_ok(w, "Action=CreateUser&UserName=x");
    REFUSED(w, "Action=AttachUserPolicy&UserName=x&PolicyArn=" NO_LIMIT);
    REFUSED(w, "Action=DetachUserPolicy&UserName=x&PolicyArn=" NO_LIMIT);
    world_ok(w, "Action=AttachUserPolicy&UserName=x&PolicyArn=" LIMIT);
    world_ok(w, "Action=DetachUserPolicy&UserName=x&PolicyArn=" LIMIT);
    world_free(w);
}

TEST(who_is_made_and_changed_must_have_a_boundary, "IAM-02")
{
    struct world *w = open_world(
        POLICY(ALLOW("[\"iam:CreateUser\",\"iam:PutUserPermissionsBoundary\","
                     "\"iam:DeleteUserPermissionsBoundary\",\"iam:PutUserPolicy\","
                     "\"iam:AttachUserPolicy\"]",
                     "*", "\"StringEquals\":{\"iam:PermissionsBoundary\":\"" LIMIT "\"}")));
    const char *document =
        test_cstr(world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
                                         "\"Resource\":\"*\"}"))));

    REFUSED(w, "Action=CreateUser&UserName=x");
    REFUSED(w, "Action=CreateUser&UserName=x&PermissionsBoundary=" NO_LIMIT);
    world_ok(w, "Action=CreateUser&UserName=x&PermissionsBoundary=" LIMIT);
    world_okf(w, "Action=PutUserPolicy&UserName=x&PolicyName=p&PolicyDocument=%s", document);
    world_ok(w, "Action=AttachUserPolicy&UserName=x&PolicyArn=" NO_LIMIT);
    /* what is given counts, not what is there */
    REFUSED(w, "Action=PutUserPermissionsBoundary&UserName=x&PermissionsBoundary=" NO_LIMIT);
    world_ok(w, "Action=PutUserPermissionsBoundary&UserName=boss&PermissionsBoundary=" LIMIT);
    world_as_root(w);
    world_ok(w, "Action=DeleteUserPermissionsBoundary&UserName=boss");
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=boss"));
    CHECK_FAULT(w,
                world_callf(w, "Action=PutUserPolicy&UserName=boss&PolicyName=p&PolicyDocument=%s",
                            document),
                "AccessDenied");
    REFUSED(w, "Action=DeleteUserPermissionsBoundary&UserName=boss");
    world_ok(w, "Action=DeleteUserPermissionsBoundary&UserName=x");
    world_free(w);
}

TEST(a_role_of_a_service_is_named_before_it_is_there)
{
    struct world *w = open_world(
        POLICY(ALLOW("\"iam:CreateServiceLinkedRole\"",
                     "arn:aws:iam::*:role/aws-service-role/*/AWSServiceRoleFor*",
                     "\"StringLike\":{\"iam:AWSServiceName\":\"autoscaling.amazonaws.com\"}")));

    world_ok(w, "Action=CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com");
    world_refused(w, "AccessDenied",
                  "User: arn:aws:iam::000000000000:user/boss is not authorized to perform: "
                  "iam:CreateServiceLinkedRole on resource: arn:aws:iam::000000000000:role/"
                  "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot because no "
                  "identity-based policy allows the iam:CreateServiceLinkedRole action",
                  "Action=CreateServiceLinkedRole&AWSServiceName=spot.amazonaws.com");
    world_free(w);
}

TEST(a_list_is_about_what_it_lists)
{
    struct world *w = open_world(POLICY(ALLOW("\"iam:List*\"", "arn:aws:iam::*:role/a/*", "")));
    static const char *const rows[][3] = {
        {"Action=ListUsers", "ListUsers", "arn:aws:iam::000000000000:user/"},
        {"Action=ListUsers&PathPrefix=/x/", "ListUsers", "arn:aws:iam::000000000000:user/x/"},
        {"Action=ListRoles", "ListRoles", "arn:aws:iam::000000000000:role/"},
        {"Action=ListPolicies", "ListPolicies", "policy path /"},
        {"Action=ListVirtualMFADevices", "ListVirtualMFADevices", "arn:aws:iam::000000000000:mfa/"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, "AccessDenied",
                       test_fmt("User: arn:aws:iam::000000000000:user/boss is not authorized to "
                                "perform: iam:%s on resource: %s because no identity-based policy "
                                "allows the iam:%s action",
                                rows[i][1], rows[i][2], rows[i][1]),
                       "%s", rows[i][0]);
    world_ok(w, "Action=ListRoles&PathPrefix=/a/");
    world_free(w);
}

/* Policies are kept compiled; nobody may see an old one. */
TEST(a_changed_policy_counts_at_once, "IAM-01")
{
    struct world *w = open_world(POLICY(ALLOW("\"ec2:DescribeVpcs\"", "*", "")));
    struct str me[] = {w->access_key, w->secret};
    const char *subnets =
        test_cstr(world_code(w, S(POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeSubnets\","
                                         "\"Resource\":\"*\"}"))));

    world_ok(w, "Action=DescribeVpcs");
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    world_as_root(w);
    world_okf(w, "Action=CreatePolicyVersion&PolicyArn=" LIMIT "&PolicyDocument=%s", subnets);
    world_ok(w, "Action=AttachUserPolicy&UserName=boss&PolicyArn=" LIMIT);
    world_as(w, me[0], me[1], STR_NONE);
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    world_as_root(w);
    world_ok(w, "Action=SetDefaultPolicyVersion&VersionId=v2&PolicyArn=" LIMIT);
    world_as(w, me[0], me[1], STR_NONE);
    world_ok(w, "Action=DescribeSubnets");
    world_as_root(w);
    world_ok(w, "Action=PutUserPermissionsBoundary&UserName=boss&PermissionsBoundary=" LIMIT);
    world_as(w, me[0], me[1], STR_NONE);
    world_ok(w, "Action=DescribeSubnets");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    world_as_root(w);
    world_ok(w, "Action=SetDefaultPolicyVersion&VersionId=v1&PolicyArn=" LIMIT);
    world_as(w, me[0], me[1], STR_NONE);
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    world_free(w);
}

/* The same refusal in the words of a JSON service. */
TEST(a_json_service_refuses_in_json, "IAM-01")
{
    struct world *w = open_world(POLICY(ALLOW("\"kms:ListAliases\"", "*", "")));

    world_json_ok(w, "kms", "ListAliases", "{}");
    world_json_refused(w, "AccessDeniedException",
                       "User: arn:aws:iam::000000000000:user/boss is not authorized to perform: "
                       "kms:ListKeys on resource: * because no identity-based policy allows the "
                       "kms:ListKeys action",
                       "kms", "ListKeys", "{}");
    CHECK_INT(w->http, 400);
    world_free(w);
}
