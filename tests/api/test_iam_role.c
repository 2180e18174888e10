/* Roles and instance profiles: made, shown, changed, kept apart, deleted in AWS's order. */
#include "codec/uri.h"
#include "harness/world.h"

#define EC2_TRUST                                                                                  \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":" \
    "\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"

static struct str
make_role(struct world *w, const char *name, const char *trust)
{
    struct str code = world_code(w, str_from(trust));

    return world_callf(w, "Action=CreateRole&RoleName=%s&AssumeRolePolicyDocument=%.*s", name,
                       STR_ARG(code));
}

static struct str
aws_trust(const char *principal)
{
    return str_fmt(test_arena(),
                   "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
                   "{\"AWS\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
                   principal);
}

static struct str
trust_shown(struct world *w, const char *role)
{
    struct str reply = world_okf(w, "Action=GetRole&RoleName=%s", role), text;

    CHECK(uri_decode(test_arena(), xml_text(reply, "AssumeRolePolicyDocument"), 0, &text));
    return text;
}

TEST(a_role_has_what_it_was_made_with)
{
    struct world *w = world_new();
    struct str trust = world_code(w, S(EC2_TRUST));
    struct str made = world_okf(
        w,
        "Action=CreateRole&RoleName=Web&Path=/app/&Description=for+web&MaxSessionDuration=7200&"
        "Tags.member.1.Key=team&Tags.member.1.Value=x&AssumeRolePolicyDocument=%.*s",
        STR_ARG(trust));

    CHECK_STR(xml_text(made, "RoleName"), "Web");
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:role/app/Web");
    CHECK(str_starts(xml_text(made, "RoleId"), S("AROA")));
    CHECK_INT(xml_text(made, "RoleId").n, 21);
    /* Percent-encoded as RFC 3986 has it: not even braces and colons stand for themselves. */
    CHECK(str_starts(xml_text(made, "AssumeRolePolicyDocument"),
                     S("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B")));
    struct str seen = world_ok(w, "Action=GetRole&RoleName=wEB");

    CHECK_STR(xml_text(seen, "Description"), "for web");
    CHECK_STR(xml_text(seen, "MaxSessionDuration"), "7200");
    CHECK_STR(xml_text(xml_element(seen, "Tags"), "Key"), "team");
    CHECK_INT(xml_count(seen, "RoleLastUsed"), 1);
    CHECK_STR(trust_shown(w, "Web"), EC2_TRUST);
    /* Lists tell less. */
    seen = world_ok(w, "Action=ListRoles&PathPrefix=/app/");
    CHECK_INT(xml_count(seen, "RoleName"), 1);
    CHECK_INT(xml_count(seen, "Tags"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=ListRoles&PathPrefix=/other/"), "RoleName"), 0);
    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "NoSuchEntity", "The role with name Web cannot be found.",
                  "Action=GetRole&RoleName=Web");
    world_free(w);
}

TEST(a_role_is_refused_as_iam_refuses_it)
{
    struct world *w = world_new();

    CHECK_OK(w, make_role(w, "r", EC2_TRUST));
    CHECK_FAULT(w, make_role(w, "R", EC2_TRUST), "EntityAlreadyExists");
    CHECK_STR(xml_text(make_role(w, "r", EC2_TRUST), "Message"),
              "Role with name r already exists.");
    CHECK_FAULT(w, make_role(w, "x", "{}"), "MalformedPolicyDocument");
    CHECK_FAULT(w, make_role(w, "x", "nonsense"), "MalformedPolicyDocument");
    CHECK_STR(xml_text(make_role(w, "x", aws_trust("arn:aws:iam::000000000000:user/nobody").p),
                       "Message"),
              "Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:user/nobody\"");
    CHECK_FAULT(w, make_role(w, "x", aws_trust("AIDAAAAAAAAAAAAAAAAAA").p),
                "MalformedPolicyDocument");
    /* 2,048 characters without white space. */
    struct str blank = str_fmt(test_arena(), "%3000s" EC2_TRUST, "");
    struct str big = str_fmt(test_arena(),
                             "{\"Version\":\"2012-10-17\",\"Id\":\"%0*d\",\"Statement\":[{"
                             "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
                             "\"Action\":\"sts:AssumeRole\"}]}",
                             2000, 0);

    CHECK_OK(w, make_role(w, "blank", blank.p));
    CHECK_FAULT(w, make_role(w, "x", big.p), "LimitExceeded");
    CHECK_STR(xml_text(make_role(w, "x", big.p), "Message"),
              "Cannot exceed quota for ACLSizePerRole: 2048");
    world_refused(w, "ValidationError", NULL,
                  "Action=UpdateRole&RoleName=r&MaxSessionDuration=3599");
    world_free(w);
}

TEST(a_trust_policy_keeps_whom_it_named_not_what_it_was_called)
{
    struct world *w = world_new();
    struct str id = xml_text(world_ok(w, "Action=CreateUser&UserName=ann&Path=/a/"), "UserId");
    struct str trust = aws_trust("arn:aws:iam::000000000000:user/a/ann");

    CHECK_OK(w, make_role(w, "r", trust.p));
    CHECK(str_eq(trust_shown(w, "r"), trust));
    world_crash(w);
    CHECK(str_eq(trust_shown(w, "r"), trust));
    world_ok(w, "Action=DeleteUser&UserName=ann");
    /* Nobody of that name any more: the id is shown, and another ann is another. */
    CHECK(str_find(trust_shown(w, "r"), id) != SIZE_MAX);
    world_ok(w, "Action=CreateUser&UserName=ann&Path=/a/");
    CHECK(str_find(trust_shown(w, "r"), id) != SIZE_MAX);
    CHECK_OK(w, make_role(w, "self", aws_trust("arn:aws:iam::000000000000:role/r").p));
    CHECK(str_find(trust_shown(w, "self"), S("role/r")) != SIZE_MAX);
    /* Of an account that has nothing here nobody can say who exists. */
    CHECK_OK(w, make_role(w, "far", aws_trust("arn:aws:iam::222222222222:user/bob").p));
    world_free(w);
}

TEST(a_role_is_changed_part_by_part)
{
    struct world *w = world_new();
    struct str trust = aws_trust("000000000000");
    struct str code = world_code(w, trust);

    CHECK_OK(w, make_role(w, "r", EC2_TRUST));
    world_ok(w, "Action=UpdateRole&RoleName=r&Description=a&MaxSessionDuration=43200");
    world_ok(w, "Action=UpdateRole&RoleName=r");
    struct str seen = world_ok(w, "Action=GetRole&RoleName=r");

    CHECK_STR(xml_text(seen, "Description"), "a");
    CHECK_STR(xml_text(seen, "MaxSessionDuration"), "3600");
    CHECK_STR(xml_text(world_ok(w, "Action=UpdateRoleDescription&RoleName=r&Description=b"),
                       "Description"),
              "b");
    world_okf(w, "Action=UpdateAssumeRolePolicy&RoleName=r&PolicyDocument=%.*s", STR_ARG(code));
    CHECK(str_eq(trust_shown(w, "r"), trust));
    world_ok(w, "Action=PutRolePermissionsBoundary&RoleName=r&PermissionsBoundary="
                "arn:aws:iam::aws:policy/PowerUserAccess");
    CHECK_STR(xml_text(world_ok(w, "Action=GetRole&RoleName=r"), "PermissionsBoundaryArn"),
              "arn:aws:iam::aws:policy/PowerUserAccess");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=PutRolePermissionsBoundary&RoleName=r&PermissionsBoundary="
                  "arn:aws:iam::000000000000:policy/none");
    world_ok(w, "Action=DeleteRolePermissionsBoundary&RoleName=r");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteRolePermissionsBoundary&RoleName=r");
    world_ok(w, "Action=TagRole&RoleName=r&Tags.member.1.Key=k&Tags.member.1.Value=v");
    CHECK_STR(xml_text(world_ok(w, "Action=ListRoleTags&RoleName=r"), "Value"), "v");
    world_ok(w, "Action=UntagRole&RoleName=r&TagKeys.member.1=K");
    CHECK_INT(xml_count(world_ok(w, "Action=ListRoleTags&RoleName=r"), "Key"), 0);
    world_free(w);
}

TEST(a_role_in_use_is_not_deleted)
{
    struct world *w = world_new();
    struct str doc = world_code(w, S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
                                     "\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}"));

    CHECK_OK(w, make_role(w, "r", EC2_TRUST));
    world_okf(w, "Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument=%.*s", STR_ARG(doc));
    world_ok(w, "Action=AttachRolePolicy&RoleName=r&PolicyArn="
                "arn:aws:iam::aws:policy/ReadOnlyAccess");
    world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=i");
    world_ok(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=i&RoleName=r");
    world_refused(w, "DeleteConflict",
                  "Cannot delete entity, must remove roles from instance profile first.",
                  "Action=DeleteRole&RoleName=r");
    CHECK_INT(w->http, 409);
    world_ok(w, "Action=RemoveRoleFromInstanceProfile&InstanceProfileName=i&RoleName=r");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must detach all policies first.",
                  "Action=DeleteRole&RoleName=r");
    world_ok(w, "Action=DetachRolePolicy&RoleName=r&PolicyArn="
                "arn:aws:iam::aws:policy/ReadOnlyAccess");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete policies first.",
                  "Action=DeleteRole&RoleName=r");
    world_ok(w, "Action=DeleteRolePolicy&RoleName=r&PolicyName=p");
    world_ok(w, "Action=DeleteRole&RoleName=r");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteRole&RoleName=r");
    world_free(w);
}

TEST(roles_and_profiles_come_in_pages, "ROLE-16")
{
    struct world *w = world_new();

    for (int i = 0; i < 5; i++) {
        CHECK_OK(w, make_role(w, test_fmt("r%d", i), EC2_TRUST));
        world_okf(w, "Action=CreateInstanceProfile&InstanceProfileName=i%d", i);
        world_okf(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=i%d&RoleName=r0", i);
    }
    static const struct {
        const char *action, *element;
    } lists[] = {
        {"ListRoles", "RoleId"},
        {"ListInstanceProfiles", "InstanceProfileId"},
        {"ListInstanceProfilesForRole&RoleName=r0", "InstanceProfileId"},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct str page = world_okf(w, "Action=%s&MaxItems=3", lists[i].action);

        CHECK_INT(xml_count(page, lists[i].element), 3);
        CHECK_STR(xml_text(page, "IsTruncated"), "true");
        page = world_okf(w, "Action=%s&MaxItems=3&Marker=%.*s", lists[i].action,
                         STR_ARG(world_code(w, xml_text(page, "Marker"))));
        CHECK_INT(xml_count(page, lists[i].element), 2);
        CHECK_STR(xml_text(page, "IsTruncated"), "false");
    }
    world_free(w);
}

TEST(role_and_profile_are_made_apart, "ROLE-07")
{
    struct world *w = world_new();

    CHECK_OK(w, make_role(w, "r", EC2_TRUST));
    CHECK_INT(xml_count(world_ok(w, "Action=ListInstanceProfilesForRole&RoleName=r"),
                        "InstanceProfileName"),
              0);
    CHECK_INT(xml_count(world_ok(w, "Action=ListInstanceProfiles"), "InstanceProfileName"), 0);
    world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=r");
    CHECK_INT(xml_count(world_ok(w, "Action=ListInstanceProfilesForRole&RoleName=r"),
                        "InstanceProfileName"),
              0);
    world_free(w);
}

TEST(an_instance_profile_lives_through_its_verbs,
     "ROLE-14 ROLE-15 ROLE-16 ROLE-17 ROLE-18 ROLE-19")
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=Web&Path=/x/");

    CHECK(str_starts(xml_text(made, "InstanceProfileId"), S("AIPA")));
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:instance-profile/x/Web");
    CHECK_INT(xml_count(made, "Roles"), 1);
    CHECK_INT(xml_count(made, "RoleName"), 0);
    world_refused(w, "EntityAlreadyExists", "Instance Profile web already exists.",
                  "Action=CreateInstanceProfile&InstanceProfileName=web");
    CHECK_INT(w->http, 409);
    CHECK_OK(w, make_role(w, "r", EC2_TRUST));
    CHECK_OK(w, make_role(w, "other", EC2_TRUST));
    world_refused(w, "NoSuchEntity", "Instance Profile none cannot be found.",
                  "Action=AddRoleToInstanceProfile&InstanceProfileName=none&RoleName=r");
    CHECK_INT(w->http, 404);
    world_refused(w, "NoSuchEntity", "The role with name none cannot be found.",
                  "Action=AddRoleToInstanceProfile&InstanceProfileName=Web&RoleName=none");
    world_ok(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=Web&RoleName=r");
    world_refused(w, "LimitExceeded",
                  "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
                  "Action=AddRoleToInstanceProfile&InstanceProfileName=Web&RoleName=other");
    CHECK_INT(w->http, 409);
    world_crash(w);
    struct str seen = world_ok(w, "Action=GetInstanceProfile&InstanceProfileName=Web");

    CHECK_STR(xml_text(xml_element(seen, "Roles"), "RoleName"), "r");
    CHECK_STR(xml_text(world_ok(w, "Action=ListInstanceProfiles"), "InstanceProfileName"), "Web");
    CHECK_STR(xml_text(world_ok(w, "Action=ListInstanceProfilesForRole&RoleName=r"),
                       "InstanceProfileName"),
              "Web");
    world_refused(w, "DeleteConflict",
                  "Cannot delete entity, must remove roles from instance profile first.",
                  "Action=DeleteInstanceProfile&InstanceProfileName=Web");
    CHECK_INT(w->http, 409);
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=RemoveRoleFromInstanceProfile&InstanceProfileName=Web&RoleName=other");
    world_ok(w, "Action=RemoveRoleFromInstanceProfile&InstanceProfileName=Web&RoleName=r");
    world_ok(w, "Action=TagInstanceProfile&InstanceProfileName=Web&Tags.member.1.Key=k&"
                "Tags.member.1.Value=v");
    CHECK_STR(xml_text(world_ok(w, "Action=ListInstanceProfileTags&InstanceProfileName=Web"),
                       "Value"),
              "v");
    world_ok(w, "Action=UntagInstanceProfile&InstanceProfileName=Web&TagKeys.member.1=k");
    world_ok(w, "Action=DeleteInstanceProfile&InstanceProfileName=Web");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=GetInstanceProfile&InstanceProfileName=Web");
    world_free(w);
}

TEST(a_service_linked_role_is_aws_s)
{
    struct world *w = world_new();
    struct str made = world_ok(
        w, "Action=CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com&"
           "CustomSuffix=two");

    CHECK_STR(xml_text(made, "Arn"),
              "arn:aws:iam::000000000000:role/aws-service-role/autoscaling.amazonaws.com/"
              "AWSServiceRoleForAutoScaling_two");
    CHECK_STR(xml_text(world_ok(w, "Action=ListAttachedRolePolicies&RoleName="
                                   "AWSServiceRoleForAutoScaling_two"),
                       "PolicyArn"),
              "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy");
    world_ok(w, "Action=CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com");
    world_refused(w, "InvalidInput",
                  "Service role name AWSServiceRoleForAutoScaling has been taken in this account, "
                  "please try a different suffix.",
                  "Action=CreateServiceLinkedRole&AWSServiceName=autoscaling.amazonaws.com");
    world_refused(w, "InvalidInput", "Custom suffix is not allowed for ecs.amazonaws.com",
                  "Action=CreateServiceLinkedRole&AWSServiceName=ecs.amazonaws.com&CustomSuffix=a");
    world_refused(w, "InvalidInput", NULL,
                  "Action=CreateServiceLinkedRole&AWSServiceName=none.amazonaws.com");
    static const char *const forbidden[] = {
        "DeleteRole&RoleName=%s",
        "AttachRolePolicy&RoleName=%s&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess",
        "DetachRolePolicy&RoleName=%s&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess",
        "DeleteRolePolicy&RoleName=%s&PolicyName=p",
        "PutRolePolicy&RoleName=%s&PolicyName=p&PolicyDocument=x",
        "UpdateAssumeRolePolicy&RoleName=%s&PolicyDocument=x",
        "UpdateRole&RoleName=%s&MaxSessionDuration=7200",
        "DeleteRolePermissionsBoundary&RoleName=%s",
    };

    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        struct str form =
            str_of(forbidden[i], str_find(str_from(forbidden[i]), S("%s")));

        world_refusedf(w, "UnmodifiableEntity",
                       "Cannot perform the operation on the protected role "
                       "'AWSServiceRoleForAutoScaling' - this role is only modifiable by AWS",
                       "Action=%.*sAWSServiceRoleForAutoScaling%s", STR_ARG(form),
                       forbidden[i] + form.n + 2);
    }
    world_ok(w, "Action=UpdateRole&RoleName=AWSServiceRoleForAutoScaling&Description=mine");
    world_ok(w, "Action=CreateUser&UserName=u");
    world_refused(w, "PolicyNotAttachable",
                  "Cannot attach a Service Role Policy to a Customer Role.",
                  "Action=AttachUserPolicy&UserName=u&PolicyArn=arn:aws:iam::aws:policy/"
                  "aws-service-role/AutoScalingServiceRolePolicy");
    world_free(w);
}

TEST(the_end_of_a_service_linked_role_can_be_asked_for)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateServiceLinkedRole&AWSServiceName=spot.amazonaws.com");
    CHECK_OK(w, make_role(w, "mine", EC2_TRUST));
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteServiceLinkedRole&RoleName=mine");
    struct str task = xml_text(
        world_ok(w, "Action=DeleteServiceLinkedRole&RoleName=AWSServiceRoleForEC2Spot"),
        "DeletionTaskId");

    CHECK(str_starts(
        task, S("task/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot/")));
    world_refused(w, "NoSuchEntity", NULL, "Action=GetRole&RoleName=AWSServiceRoleForEC2Spot");
    world_crash(w);
    CHECK_STR(xml_text(world_okf(w,
                                 "Action=GetServiceLinkedRoleDeletionStatus&DeletionTaskId=%.*s",
                                 STR_ARG(task)),
                       "Status"),
              "SUCCEEDED");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=GetServiceLinkedRoleDeletionStatus&DeletionTaskId=task/x");
    world_account(w, "111111111111", "us-east-1");
    world_refusedf(w, "NoSuchEntity", NULL,
                   "Action=GetServiceLinkedRoleDeletionStatus&DeletionTaskId=%.*s", STR_ARG(task));
    world_free(w);
}
