/* Managed and inline policies: versions, attachments, quotas, AWS's own. */
#include "codec/uri.h"
#include "harness/world.h"

#define ALLOW_S3                                                                                   \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\","         \
    "\"Resource\":\"*\"}}"
#define TRUST                                                                                      \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":" \
    "\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"
#define MINE "arn:aws:iam::000000000000:policy/"
#define AWS "arn:aws:iam::aws:policy/"

static const char *
code(struct world *w, const char *text)
{
    return str_cstr(test_arena(), world_code(w, str_from(text)));
}

/* A document of n characters that are no white space. */
static const char *
document_of(size_t n)
{
    size_t rest = strlen(ALLOW_S3) + strlen(",\"Id\":\"\"");

    return test_fmt("{\"Id\":\"%0*d\"%s,%s", (int)(n - rest), 0, "", &ALLOW_S3[1]);
}

static void
three_owners(struct world *w)
{
    world_ok(w, "Action=CreateUser&UserName=u");
    world_ok(w, "Action=CreateGroup&GroupName=g");
    world_okf(w, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%s", code(w, TRUST));
}

static const struct {
    const char *kind, *name, *member;
    int inline_max;
} owners[] = {
    {"User", "u", "UserName", 2048},
    {"Group", "g", "GroupName", 5120},
    {"Role", "r", "RoleName", 10240},
};

TEST(a_policy_has_what_it_was_made_with)
{
    struct world *w = world_new();
    struct str made = world_okf(w,
                                "Action=CreatePolicy&PolicyName=P&Path=/a/&Description=d&"
                                "Tags.member.1.Key=k&Tags.member.1.Value=v&PolicyDocument=%s",
                                code(w, ALLOW_S3));

    CHECK_STR(xml_text(made, "Arn"), MINE "a/P");
    CHECK(str_starts(xml_text(made, "PolicyId"), S("ANPA")));
    CHECK_STR(xml_text(made, "DefaultVersionId"), "v1");
    CHECK_STR(xml_text(made, "AttachmentCount"), "0");
    CHECK_STR(xml_text(made, "IsAttachable"), "true");
    struct str seen = world_ok(w, "Action=GetPolicy&PolicyArn=" MINE "a/P");

    CHECK_STR(xml_text(seen, "Description"), "d");
    CHECK_STR(xml_text(xml_element(seen, "Tags"), "Key"), "k");
    seen = world_ok(w, "Action=GetPolicyVersion&PolicyArn=" MINE "a/P&VersionId=v1");
    struct str text;

    CHECK(uri_decode(test_arena(), xml_text(seen, "Document"), 0, &text));
    CHECK_STR(text, ALLOW_S3);
    CHECK_STR(xml_text(seen, "IsDefaultVersion"), "true");
    world_refusedf(w, "EntityAlreadyExists",
                   "A policy called p already exists. Duplicate names are not allowed.",
                   "Action=CreatePolicy&PolicyName=p&PolicyDocument=%s", code(w, ALLOW_S3));
    world_account(w, "111111111111", "us-east-1");
    world_refused(w, "NoSuchEntity", "Policy " MINE "a/P was not found.",
                  "Action=GetPolicy&PolicyArn=" MINE "a/P");
    world_refused(w, "InvalidInput", "ARN arn:aws:s3:::bucket-of-mine is not valid.",
                  "Action=GetPolicy&PolicyArn=arn:aws:s3:::bucket-of-mine");
    world_free(w);
}

TEST(policies_are_measured_without_white_space)
{
    struct world *w = world_new();

    CHECK_INT(strlen(document_of(6144)), 6144);
    world_okf(w, "Action=CreatePolicy&PolicyName=fits&PolicyDocument=%s",
              code(w, test_fmt("%s%5000s", document_of(6144), "")));
    world_refusedf(w, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144",
                   "Action=CreatePolicy&PolicyName=big&PolicyDocument=%s",
                   code(w, document_of(6145)));
    CHECK_INT(w->http, 409);
    world_refused(w, "MalformedPolicyDocument", NULL,
                  "Action=CreatePolicy&PolicyName=bad&PolicyDocument=%7B%7D");
    three_owners(w);
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        const char *put =
            test_fmt("Action=Put%sPolicy&%s=%s", owners[i].kind, owners[i].member, owners[i].name);
        struct str kind = str_lower(test_arena(), str_from(owners[i].kind));
        size_t half = (size_t)owners[i].inline_max / 2;

        /* All of an owner's together; what is replaced does not count. */
        world_okf(w, "%s&PolicyName=a&PolicyDocument=%s", put, code(w, document_of(half)));
        world_okf(w, "%s&PolicyName=b&PolicyDocument=%s", put, code(w, document_of(half)));
        world_okf(w, "%s&PolicyName=b&PolicyDocument=%s", put, code(w, document_of(half)));
        world_refusedf(w, "LimitExceeded",
                       test_fmt("Maximum policy size of %d bytes exceeded for %.*s %s",
                                owners[i].inline_max, STR_ARG(kind), owners[i].name),
                       "%s&PolicyName=b&PolicyDocument=%s", put, code(w, document_of(half + 1)));
        /* White space is free, up to what a document may have. */
        const char *blank = code(w, test_fmt("%s%66000s", ALLOW_S3, ""));

        world_okf(w, "%s&PolicyName=b&PolicyDocument=%s", put, blank);
        world_refusedf(w, "LimitExceeded", NULL, "%s&PolicyName=a&PolicyDocument=%s", put, blank);
    }
    world_free(w);
}

TEST(a_policy_has_five_versions_and_numbers_are_never_used_again)
{
    struct world *w = world_new();

    world_okf(w, "Action=CreatePolicy&PolicyName=p&PolicyDocument=%s", code(w, ALLOW_S3));
    for (int i = 2; i <= 5; i++) {
        struct str made =
            world_okf(w, "Action=CreatePolicyVersion&PolicyArn=" MINE "p&PolicyDocument=%s",
                      code(w, ALLOW_S3));

        CHECK_STR(xml_text(made, "VersionId"), test_fmt("v%d", i));
        CHECK_STR(xml_text(made, "IsDefaultVersion"), "false");
    }
    world_refusedf(w, "LimitExceeded",
                   "A managed policy can have up to 5 versions. Before you create a new version, "
                   "you must delete an existing version.",
                   "Action=CreatePolicyVersion&PolicyArn=" MINE "p&PolicyDocument=%s",
                   code(w, ALLOW_S3));
    world_ok(w, "Action=DeletePolicyVersion&PolicyArn=" MINE "p&VersionId=v5");
    world_crash(w);
    CHECK_STR(xml_text(world_okf(w,
                                 "Action=CreatePolicyVersion&PolicyArn=" MINE
                                 "p&SetAsDefault=true&PolicyDocument=%s",
                                 code(w, ALLOW_S3)),
                       "VersionId"),
              "v6");
    struct str list = world_ok(w, "Action=ListPolicyVersions&PolicyArn=" MINE "p&MaxItems=2");

    CHECK_STR(xml_text_at(list, "VersionId", 0), "v6");
    CHECK_STR(xml_text_at(list, "VersionId", 1), "v4");
    list = world_okf(w, "Action=ListPolicyVersions&PolicyArn=" MINE "p&Marker=%.*s",
                     STR_ARG(world_code(w, xml_text(list, "Marker"))));
    CHECK_INT(xml_count(list, "VersionId"), 3);
    CHECK_INT(xml_count(list, "Document"), 0);
    world_refused(w, "DeleteConflict", "Cannot delete the default version of a policy.",
                  "Action=DeletePolicyVersion&PolicyArn=" MINE "p&VersionId=v6");
    world_ok(w, "Action=SetDefaultPolicyVersion&PolicyArn=" MINE "p&VersionId=v3");
    CHECK_STR(xml_text(world_ok(w, "Action=GetPolicy&PolicyArn=" MINE "p"), "DefaultVersionId"),
              "v3");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=SetDefaultPolicyVersion&PolicyArn=" MINE "p&VersionId=v5");
    world_refused(w, "DeleteConflict",
                  "This policy has more than one version. Before you delete a policy, you must "
                  "delete the policy's versions. The default version is deleted with the policy.",
                  "Action=DeletePolicy&PolicyArn=" MINE "p");
    world_free(w);
}

TEST(a_policy_is_attached_and_detached)
{
    struct world *w = world_new();

    three_owners(w);
    world_okf(w, "Action=CreatePolicy&PolicyName=p&PolicyDocument=%s", code(w, ALLOW_S3));
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        const char *who = test_fmt("%s=%s", owners[i].member, owners[i].name);
        const char *kind = owners[i].kind;

        world_okf(w, "Action=Attach%sPolicy&%s&PolicyArn=" MINE "p", kind, who);
        world_okf(w, "Action=Attach%sPolicy&%s&PolicyArn=" MINE "p", kind, who);
        world_okf(w, "Action=Attach%sPolicy&%s&PolicyArn=" AWS "ReadOnlyAccess", kind, who);
        world_crash(w);
        struct str list = world_okf(w, "Action=ListAttached%sPolicies&%s", kind, who);

        CHECK_INT(xml_count(list, "PolicyArn"), 2);
        CHECK_STR(xml_text(list, "PolicyName"), "p");
        list = world_okf(w, "Action=ListAttached%sPolicies&%s&MaxItems=1", kind, who);
        CHECK_STR(xml_text(list, "IsTruncated"), "true");
        list = world_okf(w, "Action=ListAttached%sPolicies&%s&Marker=%.*s", kind, who,
                         STR_ARG(world_code(w, xml_text(list, "Marker"))));
        CHECK_STR(xml_text(list, "PolicyName"), "ReadOnlyAccess");
        CHECK_INT(xml_count(world_okf(w, "Action=ListAttached%sPolicies&%s&PathPrefix=/x/", kind,
                                      who),
                            "PolicyArn"),
                  0);
        world_refusedf(w, "NoSuchEntity",
                       "Policy " MINE "none does not exist or is not attachable.",
                       "Action=Attach%sPolicy&%s&PolicyArn=" MINE "none", kind, who);
        world_refusedf(w, "NoSuchEntity", "Policy " AWS "AWSDenyAll was not found.",
                       "Action=Detach%sPolicy&%s&PolicyArn=" AWS "AWSDenyAll", kind, who);
        world_refusedf(w, "NoSuchEntity", NULL, "Action=Attach%sPolicy&%s=none&PolicyArn=" MINE "p",
                       kind, owners[i].member);
    }
    struct str entities = world_ok(w, "Action=ListEntitiesForPolicy&PolicyArn=" MINE "p");

    CHECK_STR(xml_text(xml_element(entities, "PolicyUsers"), "UserName"), "u");
    CHECK_STR(xml_text(xml_element(entities, "PolicyGroups"), "GroupName"), "g");
    CHECK_STR(xml_text(xml_element(entities, "PolicyRoles"), "RoleName"), "r");
    entities = world_ok(w, "Action=ListEntitiesForPolicy&EntityFilter=Role&PolicyArn=" MINE "p");
    CHECK_INT(xml_count(entities, "UserName") + xml_count(entities, "GroupName"), 0);
    CHECK_STR(xml_text(entities, "RoleName"), "r");
    world_refused(w, "DeleteConflict", "Cannot delete a policy attached to entities.",
                  "Action=DeletePolicy&PolicyArn=" MINE "p");
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        world_okf(w, "Action=Detach%sPolicy&%s=%s&PolicyArn=" MINE "p", owners[i].kind,
                  owners[i].member, owners[i].name);
    world_ok(w, "Action=DeletePolicy&PolicyArn=" MINE "p");
    world_free(w);
}

TEST(ten_policies_are_attached_at_most)
{
    struct world *w = world_new();

    three_owners(w);
    for (int i = 0; i <= 10; i++)
        world_okf(w, "Action=CreatePolicy&PolicyName=p%d&PolicyDocument=%s", i, code(w, ALLOW_S3));
    for (size_t k = 0; k < ARRAY_LEN(owners); k++) {
        for (int i = 0; i < 10; i++)
            world_okf(w, "Action=Attach%sPolicy&%s=%s&PolicyArn=" MINE "p%d", owners[k].kind,
                      owners[k].member, owners[k].name, i);
        world_refusedf(w, "LimitExceeded",
                       test_fmt("Cannot exceed quota for PoliciesPer%s: 10", owners[k].kind),
                       "Action=Attach%sPolicy&%s=%s&PolicyArn=" MINE "p10", owners[k].kind,
                       owners[k].member, owners[k].name);
    }
    world_free(w);
}

TEST(an_inline_policy_is_put_shown_and_deleted)
{
    struct world *w = world_new();

    three_owners(w);
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        const char *who = test_fmt("%s=%s", owners[i].member, owners[i].name);
        const char *kind = owners[i].kind;
        struct str text;

        for (int n = 0; n < 3; n++)
            world_okf(w, "Action=Put%sPolicy&%s&PolicyName=p%d&PolicyDocument=%s", kind, who, n,
                      code(w, ALLOW_S3));
        world_crash(w);
        struct str seen = world_okf(w, "Action=Get%sPolicy&%s&PolicyName=p0", kind, who);

        CHECK(uri_decode(test_arena(), xml_text(seen, "PolicyDocument"), 0, &text));
        CHECK_STR(text, ALLOW_S3);
        CHECK_STR(xml_text(seen, owners[i].member), owners[i].name);
        seen = world_okf(w, "Action=List%sPolicies&%s&MaxItems=2", kind, who);
        CHECK_INT(xml_count(xml_element(seen, "PolicyNames"), "member"), 2);
        seen = world_okf(w, "Action=List%sPolicies&%s&Marker=%.*s", kind, who,
                         STR_ARG(world_code(w, xml_text(seen, "Marker"))));
        CHECK_STR(xml_text(seen, "member"), "p2");
        world_okf(w, "Action=Delete%sPolicy&%s&PolicyName=p0", kind, who);
        struct str lower = str_lower(test_arena(), str_from(kind));

        world_refusedf(w, "NoSuchEntity",
                       test_fmt("The %.*s policy with name p0 cannot be found.", STR_ARG(lower)),
                       "Action=Get%sPolicy&%s&PolicyName=p0", kind, who);
        world_refusedf(w, "NoSuchEntity", NULL, "Action=Delete%sPolicy&%s&PolicyName=p0", kind,
                       who);
        world_refusedf(w, "MalformedPolicyDocument", NULL,
                       "Action=Put%sPolicy&%s&PolicyName=p&PolicyDocument=%s", kind, who,
                       code(w, TRUST));
    }
    world_free(w);
}

TEST(aws_managed_policies_are_there_and_cannot_be_changed)
{
    struct world *w = world_new();
    struct str seen = world_ok(w, "Action=GetPolicy&PolicyArn=" AWS "AdministratorAccess");
    struct str text;

    CHECK_STR(xml_text(seen, "PolicyId"), "ANPAIWMBCKSKIEE64ZLYK");
    CHECK_STR(xml_text(seen, "CreateDate"), "2015-02-06T18:39:46Z");
    seen = world_ok(w, "Action=GetPolicyVersion&VersionId=v1&PolicyArn=" AWS
                       "AdministratorAccess");
    CHECK(uri_decode(test_arena(), xml_text(seen, "Document"), 0, &text));
    CHECK(str_find(text, S("\"Action\": \"*\"")) != SIZE_MAX);
    seen = world_ok(w, "Action=GetPolicy&PolicyArn=" AWS "ReadOnlyAccess");
    seen = world_okf(w, "Action=GetPolicyVersion&PolicyArn=" AWS "ReadOnlyAccess&VersionId=%.*s",
                     STR_ARG(xml_text(seen, "DefaultVersionId")));
    CHECK(xml_text(seen, "Document").n > 100000);
    world_ok(w, "Action=GetPolicy&PolicyArn=" AWS "service-role/AWSLambdaBasicExecutionRole");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=GetPolicyVersion&VersionId=v999&PolicyArn=" AWS "AdministratorAccess");
    world_refused(w, "AccessDenied", NULL, "Action=DeletePolicy&PolicyArn=" AWS "ReadOnlyAccess");
    CHECK_INT(w->http, 403);
    world_refusedf(w, "AccessDenied", NULL,
                   "Action=CreatePolicyVersion&PolicyArn=" AWS "ReadOnlyAccess&PolicyDocument=%s",
                   code(w, ALLOW_S3));
    world_free(w);
}

TEST(policies_are_listed_by_scope_path_and_use)
{
    struct world *w = world_new();

    three_owners(w);
    world_okf(w, "Action=CreatePolicy&PolicyName=a&Path=/x/&PolicyDocument=%s", code(w, ALLOW_S3));
    world_okf(w, "Action=CreatePolicy&PolicyName=b&PolicyDocument=%s", code(w, ALLOW_S3));
    world_ok(w, "Action=AttachUserPolicy&UserName=u&PolicyArn=" AWS "PowerUserAccess");
    world_ok(w, "Action=PutRolePermissionsBoundary&RoleName=r&PermissionsBoundary=" MINE "b");
    static const struct {
        const char *filter, *first;
        size_t n;
    } lists[] = {
        {"Scope=Local", "a", 2},
        {"Scope=Local&PathPrefix=/x/", "a", 1},
        {"OnlyAttached=true", "b", 2},
        {"Scope=AWS&OnlyAttached=true", "PowerUserAccess", 1},
        {"PolicyUsageFilter=PermissionsBoundary", "b", 1},
        {"Scope=Local&PolicyUsageFilter=PermissionsPolicy", "a", 1},
        {"Scope=AWS&PathPrefix=/job-function/", "SystemAdministrator", 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct str list = world_okf(w, "Action=ListPolicies&%s", lists[i].filter);

        CHECK_INT(xml_count(list, "PolicyName"), lists[i].n);
        CHECK_STR(xml_text(list, "PolicyName"), lists[i].first);
    }
    struct str boundary = world_ok(w, "Action=GetPolicy&PolicyArn=" MINE "b");

    CHECK_STR(xml_text(boundary, "PermissionsBoundaryUsageCount"), "1");
    CHECK_STR(xml_text(world_ok(w, "Action=ListEntitiesForPolicy&PolicyUsageFilter="
                                   "PermissionsBoundary&PolicyArn=" MINE "b"),
                       "RoleName"),
              "r");
    world_refused(w, "DeleteConflict", "Cannot delete a policy attached to entities.",
                  "Action=DeletePolicy&PolicyArn=" MINE "b");
    /* Every policy once, whatever the size of a page. */
    size_t all = 0;
    struct str page = world_ok(w, "Action=ListPolicies&MaxItems=7");

    for (;;) {
        all += xml_count(page, "PolicyName");
        if (str_is(xml_text(page, "IsTruncated"), "false"))
            break;
        page = world_okf(w, "Action=ListPolicies&MaxItems=7&Marker=%.*s",
                         STR_ARG(world_code(w, xml_text(page, "Marker"))));
    }
    CHECK_INT(all, xml_count(world_ok(w, "Action=ListPolicies&MaxItems=1000"), "PolicyName"));
    CHECK(all > 60);
    world_free(w);
}

TEST(a_policy_has_tags)
{
    struct world *w = world_new();

    world_okf(w, "Action=CreatePolicy&PolicyName=p&PolicyDocument=%s", code(w, ALLOW_S3));
    world_ok(w, "Action=TagPolicy&PolicyArn=" MINE
                "p&Tags.member.1.Key=k&Tags.member.1.Value=v");
    CHECK_STR(xml_text(world_ok(w, "Action=ListPolicyTags&PolicyArn=" MINE "p"), "Value"), "v");
    world_ok(w, "Action=UntagPolicy&PolicyArn=" MINE "p&TagKeys.member.1=k");
    CHECK_INT(xml_count(world_ok(w, "Action=ListPolicyTags&PolicyArn=" MINE "p"), "Key"), 0);
    /* of all but users and roles the case of a key counts, and something must be asked for */
    world_ok(w, "Action=TagPolicy&PolicyArn=" MINE "p&Tags.member.1.Key=Team&Tags.member.1.Value=v&"
                "Tags.member.2.Key=team&Tags.member.2.Value=v");
    CHECK_INT(xml_count(world_ok(w, "Action=ListPolicyTags&PolicyArn=" MINE "p"), "Key"), 2);
    world_refused(w, "InvalidInput", NULL, "Action=TagPolicy&PolicyArn=" MINE "p&Tags=");
    world_refused(w, "InvalidInput", NULL, "Action=UntagPolicy&PolicyArn=" MINE "p&TagKeys=");
    world_ok(w, "Action=UntagPolicy&PolicyArn=" MINE "p&TagKeys.member.1=Team");
    world_ok(w, "Action=UntagPolicy&PolicyArn=" MINE "p&TagKeys.member.1=team");
    CHECK_INT(xml_count(world_ok(w, "Action=ListPolicyTags&PolicyArn=" AWS "ReadOnlyAccess"),
                        "Key"),
              0);
    world_free(w);
}
