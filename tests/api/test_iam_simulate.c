/* Simulation of policies, context keys, and the details of an account's authorization. */
#include "harness/world.h"

#define STATEMENT(text) "{\"Version\":\"2012-10-17\",\"Statement\":[" text "]}"
#define ALLOW(action, resource)                                                                    \
    "{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"
#define DENY(action, resource)                                                                     \
    "{\"Effect\":\"Deny\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}"
#define TRUST                                                                                      \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":" \
    "\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"
#define BUCKET "arn:aws:s3:::team"
#define USER "arn:aws:iam::000000000000:user/u"

static const char *
code(struct world *w, const char *text)
{
    return str_cstr(test_arena(), world_code(w, str_from(text)));
}

static struct str
custom(struct world *w, const char *policy, const char *more)
{
    return world_okf(w, "Action=SimulateCustomPolicy&PolicyInputList.member.1=%s&%s",
                     code(w, policy), more);
}

static const char *
decision(struct world *w, const char *policy, const char *more)
{
    return xml_cstr(custom(w, policy, more), "EvalDecision");
}

TEST(a_simulation_says_what_the_engine_would)
{
    struct world *w = world_new();
    const char *list = "ActionNames.member.1=s3%3AListBucket&ResourceArns.member.1=" BUCKET;

    CHECK_STR(str_from(decision(w, STATEMENT(ALLOW("s3:List*", BUCKET)), list)), "allowed");
    CHECK_STR(str_from(decision(w, STATEMENT(ALLOW("s3:Get*", BUCKET)), list)), "implicitDeny");
    CHECK_STR(str_from(decision(w, STATEMENT(ALLOW("s3:*", "*") "," DENY("s3:List*", "*")), list)),
              "explicitDeny");
    CHECK_STR(str_from(decision(w, STATEMENT(ALLOW("s3:*", BUCKET)),
                                "ActionNames.member.1=s3%3AListBucket")),
              "implicitDeny");
    world_free(w);
}

TEST(every_action_is_simulated_with_every_resource)
{
    struct world *w = world_new();
    const char *four = "ActionNames.member.1=s3%3AListBucket&ActionNames.member.2=s3%3AGetObject&"
                       "ResourceArns.member.1=" BUCKET "&ResourceArns.member.2=" BUCKET "%2Fx";
    struct str reply = custom(w, STATEMENT(ALLOW("s3:GetObject", BUCKET "/*")), four);

    CHECK_INT(xml_count(reply, "EvalDecision"), 4);
    CHECK_STR(xml_text_at(reply, "EvalDecision", 2), "implicitDeny");
    CHECK_STR(xml_text_at(reply, "EvalDecision", 3), "allowed");
    CHECK_STR(xml_text_at(reply, "EvalActionName", 3), "s3:GetObject");
    CHECK_STR(xml_text_at(reply, "EvalResourceDecision", 3), "allowed");
    reply = custom(w, STATEMENT(ALLOW("s3:GetObject", BUCKET "/*")),
                   test_fmt("%s&MaxItems=3", four));
    CHECK_INT(xml_count(reply, "EvalDecision"), 3);
    CHECK_STR(xml_text(reply, "IsTruncated"), "true");
    reply = custom(w, STATEMENT(ALLOW("s3:GetObject", BUCKET "/*")),
                   test_fmt("%s&Marker=%.*s", four,
                            STR_ARG(world_code(w, xml_text(reply, "Marker")))));
    CHECK_INT(xml_count(reply, "EvalDecision"), 1);
    CHECK_STR(xml_text(reply, "EvalDecision"), "allowed");
    world_free(w);
}

TEST(a_simulation_shows_the_statements_that_spoke_and_where_they_stand)
{
    struct world *w = world_new();
    struct str reply = custom(w,
                              "{\n"
                              "   \"Version\":\"2012-10-17\",\n"
                              "   \"Statement\":[{\n"
                              "      \"Condition\":{\"StringNotEquals\":{\"a:b\":\"}{\\\"\"}},\n"
                              "      \"Effect\":\"Allow\",\n"
                              "      \"Action\":\"s3:ListBucket\",\n"
                              "      \"Resource\":\"*\"\n"
                              "   }, " DENY("s3:Put*", "*") "]\n"
                              "}",
                              "ActionNames.member.1=s3%3AListBucket&"
                              "ActionNames.member.2=s3%3APutObject");
    struct str first = xml_element_at(reply, "MatchedStatements", 0);

    CHECK_INT(xml_count(first, "member"), 1);
    CHECK_STR(xml_text(first, "SourcePolicyId"), "PolicyInputList.1");
    CHECK_STR(xml_text(first, "SourcePolicyType"), "IAM Policy");
    CHECK_STR(xml_text(xml_element(first, "StartPosition"), "Line"), "3");
    CHECK_STR(xml_text(xml_element(first, "StartPosition"), "Column"), "16");
    CHECK_STR(xml_text(xml_element(first, "EndPosition"), "Line"), "8");
    CHECK_STR(xml_text(xml_element(first, "EndPosition"), "Column"), "4");
    struct str second = xml_element_at(reply, "MatchedStatements", 1);

    CHECK_STR(xml_text(xml_element(second, "StartPosition"), "Column"), "6");
    CHECK_STR(xml_text_at(reply, "EvalDecision", 1), "explicitDeny");
    /* A statement that is no list. */
    reply = custom(w, "{\"Statement\": " ALLOW("s3:ListBucket", "*") "}",
                   "ActionNames.member.1=s3%3AListBucket");
    CHECK_STR(xml_text(xml_element(reply, "StartPosition"), "Column"), "14");
    world_free(w);
}

#define WITH_CONDITION                                                                             \
    STATEMENT("{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::"     \
              "${aws:username}/*\",\"Condition\":{\"StringEquals\":{\"aws:RequestedRegion\":"      \
              "\"eu-west-1\"},\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"a\"]}}}")

TEST(a_simulation_tells_which_context_keys_are_missing)
{
    struct world *w = world_new();
    struct str reply = custom(w, STATEMENT("{\"Effect\":\"Allow\",\"Action\":\"s3:Get*\","
                                           "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
                                           "\"aws:RequestedRegion\":\"eu-west-1\"}}}"),
                              "ActionNames.member.1=s3%3AGetObject&"
                              "ActionNames.member.2=s3%3APutObject");

    CHECK_STR(xml_text_at(reply, "EvalDecision", 0), "implicitDeny");
    CHECK_STR(xml_text(xml_element_at(reply, "MissingContextValues", 0), "member"),
              "aws:RequestedRegion");
    /* The statement is not about this action. */
    CHECK_INT(xml_count(xml_element_at(reply, "MissingContextValues", 1), "member"), 0);
    const char *given =
        "ActionNames.member.1=s3%3AGetObject&ResourceArns.member.1=arn:aws:s3:::ann/x&"
        "ContextEntries.member.1.ContextKeyName=aws:username&"
        "ContextEntries.member.1.ContextKeyType=string&"
        "ContextEntries.member.1.ContextKeyValues.member.1=ann&"
        "ContextEntries.member.2.ContextKeyName=AWS:requestedregion&"
        "ContextEntries.member.2.ContextKeyType=string&"
        "ContextEntries.member.2.ContextKeyValues.member.1=eu-west-1";

    reply = custom(w, WITH_CONDITION, given);
    CHECK_STR(xml_text(reply, "EvalDecision"), "implicitDeny");
    CHECK_STR(xml_text(xml_element(xml_element(reply, "ResourceSpecificResults"),
                                   "MissingContextValues"),
                       "member"),
              "aws:TagKeys");
    reply = custom(w, WITH_CONDITION,
                   test_fmt("%s&ContextEntries.member.3.ContextKeyName=aws:TagKeys&"
                            "ContextEntries.member.3.ContextKeyType=stringList&"
                            "ContextEntries.member.3.ContextKeyValues.member.1=b&"
                            "ContextEntries.member.3.ContextKeyValues.member.2=a",
                            given));
    CHECK_STR(xml_text(reply, "EvalDecision"), "allowed");
    reply = world_okf(w, "Action=GetContextKeysForCustomPolicy&PolicyInputList.member.1=%s",
                      code(w, WITH_CONDITION));
    CHECK_INT(xml_count(xml_element(reply, "ContextKeyNames"), "member"), 3);
    world_free(w);
}

TEST(a_boundary_and_a_resource_policy_count_in_a_simulation)
{
    struct world *w = world_new();
    const char *list = "ActionNames.member.1=s3%3AListBucket&ResourceArns.member.1=" BUCKET;
    const char *boundary =
        test_fmt("%s&PermissionsBoundaryPolicyInputList.member.1=%s", list,
                 code(w, STATEMENT(ALLOW("ec2:*", "*"))));
    struct str reply = custom(w, STATEMENT(ALLOW("*", "*")), boundary);

    CHECK_STR(xml_text(reply, "EvalDecision"), "implicitDeny");
    CHECK_STR(xml_text(reply, "AllowedByPermissionsBoundary"), "false");
    CHECK_INT(xml_count(reply, "SourcePolicyId"), 0);
    const char *resource = test_fmt(
        "%s&CallerArn=arn:aws:iam::111111111111:user/far&"
        "ResourceOwner=arn:aws:iam::000000000000:root&ResourcePolicy=%s",
        list,
        code(w, STATEMENT("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111111111111\"},"
                          "\"Action\":\"s3:*\",\"Resource\":\"" BUCKET "\"}")));

    reply = custom(w, STATEMENT(ALLOW("ec2:*", "*")), resource);
    CHECK_STR(xml_text(reply, "EvalDecision"), "implicitDeny");
    struct str details = xml_element(reply, "EvalDecisionDetails");

    CHECK_STR(xml_text(xml_where(details, "entry", "key", "Resource Policy"), "value"), "allowed");
    CHECK_STR(xml_text(xml_where(details, "entry", "key", "IAM Policy"), "value"), "implicitDeny");
    reply = custom(w, STATEMENT(ALLOW("s3:*", "*")), resource);
    CHECK_STR(xml_text(reply, "EvalDecision"), "allowed");
    CHECK(xml_where(reply, "member", "SourcePolicyType", "Resource Policy").p != NULL);
    world_refusedf(w, "InvalidInput", NULL,
                   "Action=SimulateCustomPolicy&PolicyInputList.member.1=%s&%s&ResourcePolicy=x",
                   code(w, STATEMENT(ALLOW("*", "*"))), list);
    world_free(w);
}

TEST(a_scenario_of_ec2_is_allowed_when_all_its_resources_are)
{
    struct world *w = world_new();
    const char *three = "ActionNames.member.1=ec2%3ARunInstances&ResourceHandlingOption="
                        "EC2-Classic-InstanceStore&"
                        "ResourceArns.member.1=arn:aws:ec2:us-east-1:000000000000:instance/*&"
                        "ResourceArns.member.2=arn:aws:ec2:us-east-1::image/*&"
                        "ResourceArns.member.3=arn:aws:ec2:us-east-1:000000000000:"
                        "security-group/*";
    struct str reply = custom(w, STATEMENT(ALLOW("ec2:*", "*")), three);

    CHECK_INT(xml_count(reply, "EvalDecision"), 1);
    CHECK_INT(xml_count(reply, "EvalResourceDecision"), 3);
    CHECK_STR(xml_text(reply, "EvalDecision"), "allowed");
    reply = custom(w, STATEMENT(ALLOW("ec2:*", "*") "," DENY("*", "arn:aws:ec2:*::image/*")),
                   three);
    CHECK_STR(xml_text(reply, "EvalDecision"), "explicitDeny");
    CHECK_STR(xml_text_at(reply, "EvalResourceDecision", 0), "allowed");
    CHECK_STR(xml_text_at(reply, "EvalResourceDecision", 1), "explicitDeny");
    world_refusedf(w, "InvalidInput", NULL,
                   "Action=SimulateCustomPolicy&PolicyInputList.member.1=%s&"
                   "ActionNames.member.1=ec2:RunInstances&ResourceHandlingOption=EC2-VPC-EBS",
                   code(w, STATEMENT(ALLOW("*", "*"))));
    world_free(w);
}

TEST(a_principal_is_simulated_with_all_its_policies)
{
    struct world *w = world_new();
    const char *ask = "Action=SimulatePrincipalPolicy&PolicySourceArn=" USER
                      "&ActionNames.member.1=s3%3AListBucket";

    world_ok(w, "Action=CreateUser&UserName=u");
    world_ok(w, "Action=CreateGroup&GroupName=g");
    CHECK_STR(xml_text(world_ok(w, ask), "EvalDecision"), "implicitDeny");
    world_okf(w, "Action=PutGroupPolicy&GroupName=g&PolicyName=gp&PolicyDocument=%s",
              code(w, STATEMENT(ALLOW("s3:*", "*"))));
    world_ok(w, "Action=AddUserToGroup&GroupName=g&UserName=u");
    struct str reply = world_ok(w, ask);

    CHECK_STR(xml_text(reply, "EvalDecision"), "allowed");
    CHECK_STR(xml_text(reply, "SourcePolicyId"), "group_g_gp");
    world_ok(w, "Action=AttachUserPolicy&UserName=u&PolicyArn=arn:aws:iam::aws:policy/AWSDenyAll");
    reply = world_ok(w, ask);
    CHECK_STR(xml_text(reply, "EvalDecision"), "explicitDeny");
    CHECK_STR(xml_text(reply, "SourcePolicyId"), "AWSDenyAll");
    world_ok(w, "Action=DetachUserPolicy&UserName=u&PolicyArn=arn:aws:iam::aws:policy/AWSDenyAll");
    world_ok(w, "Action=PutUserPermissionsBoundary&UserName=u&PermissionsBoundary="
                "arn:aws:iam::aws:policy/AmazonEC2FullAccess");
    reply = world_ok(w, ask);
    CHECK_STR(xml_text(reply, "EvalDecision"), "implicitDeny");
    CHECK_STR(xml_text(reply, "AllowedByPermissionsBoundary"), "false");
    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%s",
              code(w, WITH_CONDITION));
    CHECK_INT(xml_count(xml_element(world_ok(w, "Action=GetContextKeysForPrincipalPolicy&"
                                                "PolicySourceArn=" USER),
                                    "ContextKeyNames"),
                        "member"),
              3);
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=SimulatePrincipalPolicy&ActionNames.member.1=s3:Get&"
                  "PolicySourceArn=arn:aws:iam::000000000000:role/none");
    world_refused(w, "InvalidInput",
                  "Invalid Entity Arn: arn:aws:iam::000000000000:root does not clearly define "
                  "entity type and name.",
                  "Action=SimulatePrincipalPolicy&ActionNames.member.1=s3:Get&"
                  "PolicySourceArn=arn:aws:iam::000000000000:root");
    world_free(w);
}

/* ---- GetAccountAuthorizationDetails ---- */

static void
furnish(struct world *w)
{
    world_ok(w, "Action=CreateUser&UserName=u&Tags.member.1.Key=k&Tags.member.1.Value=v");
    world_ok(w, "Action=CreateGroup&GroupName=g");
    world_ok(w, "Action=AddUserToGroup&GroupName=g&UserName=u");
    world_okf(w, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%s", code(w, TRUST));
    world_ok(w, "Action=CreateInstanceProfile&InstanceProfileName=i");
    world_ok(w, "Action=AddRoleToInstanceProfile&InstanceProfileName=i&RoleName=r");
    world_okf(w, "Action=CreatePolicy&PolicyName=p&PolicyDocument=%s",
              code(w, STATEMENT(ALLOW("s3:*", "*"))));
    world_okf(w, "Action=CreatePolicyVersion&PolicyArn=arn:aws:iam::000000000000:policy/p&"
                 "PolicyDocument=%s",
              code(w, STATEMENT(ALLOW("ec2:*", "*"))));
    world_okf(w, "Action=PutUserPolicy&UserName=u&PolicyName=in&PolicyDocument=%s",
              code(w, STATEMENT(ALLOW("sqs:*", "*"))));
    world_ok(w, "Action=AttachRolePolicy&RoleName=r&PolicyArn="
                "arn:aws:iam::000000000000:policy/p");
    world_ok(w, "Action=AttachGroupPolicy&GroupName=g&PolicyArn="
                "arn:aws:iam::aws:policy/AWSDenyAll");
}

TEST(the_authorization_details_of_an_account_are_whole)
{
    struct world *w = world_new();

    furnish(w);
    struct str all = world_ok(w, "Action=GetAccountAuthorizationDetails");
    struct str user = xml_element(all, "UserDetailList");
    struct str role = xml_element(all, "RoleDetailList");
    struct str policies = xml_element(all, "Policies");

    CHECK_STR(xml_text(xml_element(user, "GroupList"), "member"), "g");
    CHECK(str_starts(xml_text(xml_element(user, "UserPolicyList"), "PolicyDocument"),
                     S("%7B%22Version%22%3A%22")));
    CHECK_STR(xml_text(xml_element(user, "Tags"), "Key"), "k");
    CHECK_STR(xml_text(xml_element(all, "GroupDetailList"), "PolicyName"), "AWSDenyAll");
    CHECK_STR(xml_text(xml_element(role, "InstanceProfileList"), "InstanceProfileName"), "i");
    CHECK(str_starts(xml_text(role, "AssumeRolePolicyDocument"), S("%7B%22Version")));
    CHECK_STR(xml_text(xml_element(role, "AttachedManagedPolicies"), "PolicyName"), "p");
    CHECK_INT(xml_count(policies, "PolicyId"), 2);
    CHECK_INT(xml_count(policies, "Document"), 3);
    CHECK_STR(xml_text(policies, "AttachmentCount"), "1");
    static const struct {
        const char *filter;
        const char *element;
    } filters[] = {
        {"User", "UserId"},
        {"Group", "GroupId"},
        {"Role", "RoleDetailList"},
        {"LocalManagedPolicy", "PolicyId"},
        {"AWSManagedPolicy", "PolicyId"},
    };

    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct str one = world_okf(
            w, "Action=GetAccountAuthorizationDetails&Filter.member.1=%s", filters[i].filter);

        CHECK_INT(xml_count(one, filters[i].element), 1);
        CHECK_INT(xml_count(one, "UserId") + xml_count(one, "GroupId") +
                      xml_count(one, "PolicyId") +
                      xml_count(xml_element(one, "RoleDetailList"), "RolePolicyList"),
                  1);
    }
    world_free(w);
}

TEST(the_authorization_details_come_in_pages)
{
    struct world *w = world_new();
    size_t seen = 0, pages = 1;

    furnish(w);
    struct str page = world_ok(w, "Action=GetAccountAuthorizationDetails&MaxItems=2");

    for (;;) {
        seen += xml_count(page, "UserId") + xml_count(page, "GroupId") +
                xml_count(page, "PolicyId") +
                xml_count(xml_element(page, "RoleDetailList"), "RolePolicyList");
        if (str_is(xml_text(page, "IsTruncated"), "false"))
            break;
        pages++;
        page = world_okf(w, "Action=GetAccountAuthorizationDetails&MaxItems=2&Marker=%.*s",
                         STR_ARG(world_code(w, xml_text(page, "Marker"))));
    }
    CHECK_INT(seen, 5);
    CHECK_INT(pages, 3);
    world_free(w);
}

/* ---- what is long ---- */

static const char *
padded(struct world *w)
{
    return code(w, test_fmt("%s%130000s", STATEMENT(ALLOW("s3:*", "*")), ""));
}

TEST(a_page_of_long_documents_ends_before_it_is_full)
{
    struct world *w = world_new();
    const char *document = padded(w);
    size_t seen = 0, pages = 0;
    struct str marker = S("");

    for (int i = 0; i < 6; i++) {
        world_okf(w, "Action=CreatePolicy&PolicyName=p%d&PolicyDocument=%s", i, document);
        for (int k = 0; k < 4; k++)
            world_okf(w, "Action=CreatePolicyVersion&PolicyDocument=%s&PolicyArn="
                         "arn:aws:iam::000000000000:policy/p%d",
                      document, i);
    }
    do {
        struct str page = world_okf(w, "Action=GetAccountAuthorizationDetails%s%.*s",
                                    marker.n ? "&Marker=" : "", STR_ARG(marker));

        CHECK(page.n < 12 << 20);
        seen += xml_count(page, "PolicyId");
        pages++;
        marker = world_code(w, xml_text(page, "Marker"));
    } while (marker.n);
    CHECK_INT(seen, 6);
    CHECK_INT(pages, 2);
    world_free(w);
}

TEST(a_simulation_has_limits)
{
    struct world *w = world_new();
    const char *document = padded(w);
    struct str form = S("Action=SimulateCustomPolicy&ActionNames.member.1=s3:GetObject");

    for (int i = 1; i <= 17; i++)
        form = str_fmt(test_arena(), "%.*s&PolicyInputList.member.%d=%s", STR_ARG(form), i,
                       document);
    CHECK_FAULT(w, world_call_str(w, form), "InvalidInput");
    /* Statements that are asked 1,048,576 times are enough for a page. */
    const char *many = ALLOW("s3:GetObject", "*");

    for (int i = 1; i < 999; i++)
        many = test_fmt("%s," ALLOW("s3:GetObject", "*"), many);
    form = str_fmt(test_arena(), "Action=SimulateCustomPolicy&PolicyInputList.member.1=%s&"
                                 "ActionNames.member.1=s3:GetObject",
                   code(w, test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", many)));
    for (int i = 1; i <= 30; i++)
        form = str_fmt(test_arena(), "%.*s&ResourceArns.member.%d=arn:aws:s3:::b/%d",
                       STR_ARG(form), i, i);
    struct str reply = world_call_str(w, form);

    CHECK_OK(w, reply);
    CHECK_STR(xml_text(reply, "IsTruncated"), "true");
    CHECK_INT(xml_count(reply, "EvalDecision"), 21);
    world_free(w);
}
