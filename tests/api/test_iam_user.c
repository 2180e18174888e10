/* Users, their tags and boundaries; groups and who is in them. */
#include "gen/store/iam_rows.h"
#include "harness/world.h"

static void
must_write(int r)
{
    CHECK_INT(r, 0);
}

static bool
is_id(struct str id, const char *prefix)
{
    bool ok = id.n == 21 && str_starts(id, str_from(prefix));

    for (size_t i = 0; i < id.n; i++)
        ok = ok && ((id.p[i] >= 'A' && id.p[i] <= 'Z') || (id.p[i] >= '0' && id.p[i] <= '9'));
    return ok;
}

TEST(a_user_is_made_shown_renamed_and_deleted)
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateUser&UserName=Alice&Path=/team/");
    struct str id = xml_text(made, "UserId");

    CHECK(is_id(id, "AIDA"));
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:user/team/Alice");
    CHECK_STR(xml_text(made, "CreateDate"), "2026-01-01T00:00:00Z");
    CHECK(!xml_text(made, "PasswordLastUsed").p);
    CHECK(!xml_element(made, "PermissionsBoundary").p);
    CHECK(!xml_element(made, "Tags").p);
    world_refused(w, "EntityAlreadyExists", "User with name aLICE already exists.",
                  "Action=CreateUser&UserName=aLICE");
    CHECK_INT(w->http, 409);
    CHECK_STR(xml_text(world_ok(w, "Action=GetUser&UserName=ALICE"), "UserName"), "Alice");

    world_ok(w, "Action=CreateUser&UserName=bob");
    world_refused(w, "EntityAlreadyExists", "User with name BOB already exists.",
                  "Action=UpdateUser&UserName=alice&NewUserName=BOB");
    world_ok(w, "Action=UpdateUser&UserName=alice");
    world_ok(w, "Action=UpdateUser&UserName=alice&NewUserName=ALICE");
    world_ok(w, "Action=UpdateUser&UserName=alice&NewUserName=carol&NewPath=/");
    world_refused(w, "NoSuchEntity", "The user with name alice cannot be found.",
                  "Action=GetUser&UserName=alice");
    CHECK_INT(w->http, 404);
    world_crash(w);
    made = world_ok(w, "Action=GetUser&UserName=carol");
    CHECK(str_eq(xml_text(made, "UserId"), id));
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:user/carol");

    world_account(w, "111122223333", "eu-west-1");
    world_refused(w, "NoSuchEntity", NULL, "Action=GetUser&UserName=carol");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=ListUsers"), "UserName"), 2);
    world_ok(w, "Action=DeleteUser&UserName=carol");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteUser&UserName=carol");
    made = world_ok(w, "Action=CreateUser&UserName=carol");
    CHECK(!str_eq(xml_text(made, "UserId"), id));
    world_free(w);
}

TEST(users_that_may_not_be_are_refused)
{
    static const char *const bad[] = {
        "Action=CreateUser",
        "Action=CreateUser&UserName=a%2Fb",
        "Action=CreateUser&UserName=a%20b",
        "Action=CreateUser&UserName=%C3%A9",
        "Action=CreateUser&UserName=a&Path=team",
        "Action=CreateUser&UserName=a&Path=/team",
        "Action=CreateUser&UserName=a&Path=//",
        "Action=CreateUser&UserName=a&Path=/%20/",
        ("Action=CreateUser&UserName="
         "12345678901234567890123456789012345678901234567890123456789012345"),
        "Action=ListUsers&MaxItems=0",
        "Action=ListUsers&MaxItems=1001",
        "Action=ListUsers&Marker=nonsense",
        "Action=ListUsers&PathPrefix=team",
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        world_refused(w, "ValidationError", NULL, bad[i]);
        CHECK_INT(w->http, 400);
    }
    CHECK_STR(xml_text(world_ok(w, "Action=CreateUser&UserName=a&Path=/a//b/"), "Path"), "/a//b/");
    world_free(w);
}

TEST(the_root_is_shown_as_a_user)
{
    struct world *w = world_new();
    struct str me = world_ok(w, "Action=GetUser");

    CHECK_STR(xml_text(me, "Arn"), "arn:aws:iam::000000000000:root");
    CHECK_STR(xml_text(me, "UserId"), "000000000000");
    world_free(w);
}

TEST(lists_of_users_have_pages_and_paths)
{
    struct world *w = world_new();
    struct str page, marker = {0};
    size_t seen = 0;

    for (int i = 0; i < 7; i++)
        world_okf(w, "Action=CreateUser&UserName=u%d&Path=/%s/", i, i < 5 ? "red" : "blue");
    do {
        page = marker.p ? world_okf(w, "Action=ListUsers&PathPrefix=/red&MaxItems=2&Marker=%.*s",
                                    STR_ARG(marker))
                        : world_ok(w, "Action=ListUsers&PathPrefix=/red&MaxItems=2");
        for (size_t i = 0; i < xml_count(page, "UserName"); i++) {
            char name[] = {'u', (char)('0' + seen++)};

            CHECK(str_eq(xml_text_at(page, "UserName", i), str_of(name, 2)));
        }
        marker = xml_text(page, "Marker");
        CHECK_STR(xml_text(page, "IsTruncated"), marker.p ? "true" : "false");
        if (seen == 2) /* what comes and goes between pages disturbs nothing */
            world_ok(w, "Action=DeleteUser&UserName=u1");
    } while (marker.p);
    CHECK_INT(seen, 5);
    CHECK_INT(xml_count(world_ok(w, "Action=ListUsers&PathPrefix=/"), "UserName"), 6);

    /* A marker is good for its operation and account, in every region. */
    page = world_ok(w, "Action=ListUsers&MaxItems=1");
    marker = xml_text(page, "Marker");
    world_refusedf(w, "ValidationError", "Invalid Marker.", "Action=ListGroups&Marker=%.*s",
                   STR_ARG(marker));
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "ValidationError", "Invalid Marker.", "Action=ListUsers&Marker=%.*s",
                   STR_ARG(marker));
    world_account(w, "000000000000", "eu-west-1");
    world_okf(w, "Action=ListUsers&Marker=%.*s", STR_ARG(marker));
    world_free(w);
}

TEST(keys_of_tags_of_users_are_one_whatever_their_case)
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=CreateUser&UserName=a&Tags.member.1.Key=Team&"
                                 "Tags.member.1.Value=One");

    CHECK_STR(xml_text(xml, "Key"), "Team");
    world_ok(w, "Action=TagUser&UserName=a&Tags.member.1.Key=team&Tags.member.1.Value=Two&"
                "Tags.member.2.Key=empty&Tags.member.2.Value=");
    xml = world_ok(w, "Action=ListUserTags&UserName=a&MaxItems=1");
    CHECK_STR(xml_text(xml, "Key"), "empty");
    CHECK_STR(xml_text(xml, "IsTruncated"), "true");
    xml = world_okf(w, "Action=ListUserTags&UserName=a&MaxItems=1&Marker=%.*s",
                    STR_ARG(xml_text(xml, "Marker")));
    CHECK_STR(xml_text(xml, "Key"), "team");
    CHECK_STR(xml_text(xml, "Value"), "Two");
    CHECK_STR(xml_text(xml, "IsTruncated"), "false");
    world_crash(w);
    CHECK_INT(xml_count(world_ok(w, "Action=GetUser&UserName=a"), "Key"), 2);
    CHECK_INT(xml_count(world_ok(w, "Action=ListUsers"), "Key"), 0);
    world_ok(w, "Action=UntagUser&UserName=a&TagKeys.member.1=TEAM&TagKeys.member.2=never");
    CHECK_INT(xml_count(world_ok(w, "Action=ListUserTags&UserName=a"), "Key"), 1);

    world_refused(w, "InvalidInput",
                  "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                  "Action=TagUser&UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=1&"
                  "Tags.member.2.Key=K&Tags.member.2.Value=2");
    world_refused(w, "InvalidInput", "Tag keys beginning with aws: are reserved for system use.",
                  "Action=TagUser&UserName=a&Tags.member.1.Key=AWS%3Ak&Tags.member.1.Value=1");
    world_refused(w, "InvalidInput", NULL, "Action=TagUser&UserName=a&Tags=");
    world_refused(w, "ValidationError", NULL,
                  "Action=TagUser&UserName=a&Tags.member.1.Key=a*&Tags.member.1.Value=1");
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=TagUser&UserName=b&Tags.member.1.Key=a&Tags.member.1.Value=1");
    world_free(w);
}

TEST(a_user_has_fifty_tags_at_most)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    for (int i = 0; i < 50; i++)
        world_okf(w, "Action=TagUser&UserName=a&Tags.member.1.Key=k%d&Tags.member.1.Value=v", i);
    world_refused(w, "LimitExceeded", "The number of tags has reached the maximum limit.",
                  "Action=TagUser&UserName=a&Tags.member.1.Key=more&Tags.member.1.Value=v");
    CHECK_INT(w->http, 409);
    world_ok(w, "Action=TagUser&UserName=a&Tags.member.1.Key=K7&Tags.member.1.Value=v");
    world_free(w);
}

/* A customer managed policy, written as IAM's policies write it. */
static void
add_policy(struct world *w, const char *name)
{
    struct txn *txn = world_begin(w);
    const struct iam_policy_row row = {
        .id = str_fmt(test_arena(), "ANPA%s", name),
        .arn = str_fmt(test_arena(), "arn:aws:iam::000000000000:policy/%s", name),
        .account = S("000000000000"),
        .path = S("/"),
        .name = str_from(name),
        .name_lower = str_from(name),
    };

    must_write(iam_policy_insert(txn, &row));
    store_commit(txn);
}

TEST(a_user_has_a_permissions_boundary)
{
    struct world *w = world_new();
    const char *put = "Action=PutUserPermissionsBoundary&UserName=a&PermissionsBoundary="
                      "arn:aws:iam::000000000000:policy/";

    add_policy(w, "limits");
    struct str made = world_ok(w, "Action=CreateUser&UserName=a&PermissionsBoundary="
                                  "arn:aws:iam::000000000000:policy/limits");

    CHECK_STR(xml_text(made, "PermissionsBoundaryType"), "PermissionsBoundaryPolicy");
    world_ok(w, "Action=DeleteUserPermissionsBoundary&UserName=a");
    CHECK(!xml_text(world_ok(w, "Action=GetUser&UserName=a"), "PermissionsBoundaryArn").p);
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteUserPermissionsBoundary&UserName=a");
    world_refusedf(w, "NoSuchEntity", NULL, "%snone", put);
    world_refused(w, "ValidationError", NULL,
                  "Action=PutUserPermissionsBoundary&UserName=a&PermissionsBoundary="
                  "arn:aws:s3:::bucket12345");
    world_okf(w, "%slimits", put);
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=GetUser&UserName=a"), "PermissionsBoundaryArn"),
              "arn:aws:iam::000000000000:policy/limits");
    CHECK(!xml_text(world_ok(w, "Action=ListUsers"), "PermissionsBoundaryArn").p);
    world_ok(w, "Action=DeleteUser&UserName=a");
    world_free(w);
}

/* ---- groups ---- */

TEST(a_group_is_made_shown_renamed_and_deleted)
{
    struct world *w = world_new();
    struct str made = world_ok(w, "Action=CreateGroup&GroupName=Devs&Path=/x/");

    CHECK(is_id(xml_text(made, "GroupId"), "AGPA"));
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:group/x/Devs");
    world_refused(w, "EntityAlreadyExists", "Group with name devs already exists.",
                  "Action=CreateGroup&GroupName=devs");
    world_ok(w, "Action=CreateGroup&GroupName=ops");
    world_refused(w, "EntityAlreadyExists", NULL,
                  "Action=UpdateGroup&GroupName=ops&NewGroupName=DEVS");
    world_ok(w, "Action=UpdateGroup&GroupName=devs&NewGroupName=makers&NewPath=/y/");
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=GetGroup&GroupName=makers"), "Arn"),
              "arn:aws:iam::000000000000:group/y/makers");
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups"), "GroupName"), 2);
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups&PathPrefix=/y/"), "GroupName"), 1);
    CHECK_STR(xml_text(world_ok(w, "Action=ListGroups&MaxItems=1"), "IsTruncated"), "true");
    world_refused(w, "NoSuchEntity", "The group with name devs cannot be found.",
                  "Action=DeleteGroup&GroupName=devs");
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=ListGroups"), "GroupName"), 0);
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DeleteGroup&GroupName=makers");
    world_free(w);
}

TEST(users_join_and_leave_groups)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateGroup&GroupName=g");
    for (int i = 0; i < 3; i++) {
        world_okf(w, "Action=CreateUser&UserName=u%d", i);
        world_okf(w, "Action=AddUserToGroup&GroupName=g&UserName=u%d", i);
    }
    world_ok(w, "Action=AddUserToGroup&GroupName=G&UserName=U0"); /* again is no fault */
    world_refused(w, "NoSuchEntity", "The group with name h cannot be found.",
                  "Action=AddUserToGroup&GroupName=h&UserName=nobody");
    world_refused(w, "NoSuchEntity", "The user with name nobody cannot be found.",
                  "Action=AddUserToGroup&GroupName=g&UserName=nobody");
    world_crash(w);
    struct str page = world_ok(w, "Action=GetGroup&GroupName=g&MaxItems=2");

    CHECK_INT(xml_count(page, "UserName"), 2);
    page = world_okf(w, "Action=GetGroup&GroupName=g&Marker=%.*s",
                     STR_ARG(xml_text(page, "Marker")));
    CHECK_INT(xml_count(page, "UserName"), 1);

    /* Renaming touches no membership. */
    world_ok(w, "Action=UpdateUser&UserName=u0&NewUserName=zero");
    world_ok(w, "Action=UpdateGroup&GroupName=g&NewGroupName=group");
    CHECK_STR(xml_text(world_ok(w, "Action=ListGroupsForUser&UserName=zero"), "GroupName"),
              "group");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must remove users from group first.",
                  "Action=DeleteUser&UserName=zero");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must remove users from group first.",
                  "Action=DeleteGroup&GroupName=group");
    for (int twice = 0; twice < 2; twice++) /* again is no fault */
        world_ok(w, "Action=RemoveUserFromGroup&GroupName=group&UserName=zero");
    world_ok(w, "Action=DeleteUser&UserName=zero");
    CHECK_INT(xml_count(world_ok(w, "Action=GetGroup&GroupName=group"), "UserName"), 2);
    world_free(w);
}

TEST(a_user_is_in_ten_groups_at_most)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    for (int i = 0; i <= 10; i++) {
        world_okf(w, "Action=CreateGroup&GroupName=g%d", i);
        if (i < 10)
            world_okf(w, "Action=AddUserToGroup&GroupName=g%d&UserName=a", i);
    }
    world_refused(w, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10",
                  "Action=AddUserToGroup&GroupName=g10&UserName=a");
    struct str page = world_ok(w, "Action=ListGroupsForUser&UserName=a&MaxItems=9");

    CHECK_STR(xml_text(page, "IsTruncated"), "true");
    page = world_okf(w, "Action=ListGroupsForUser&UserName=a&Marker=%.*s",
                     STR_ARG(xml_text(page, "Marker")));
    CHECK_INT(xml_count(page, "GroupName"), 1);
    world_free(w);
}

/* ---- what keeps a user ---- */

static void
add_policies(struct world *w, struct str owner)
{
    struct txn *txn = world_begin(w);
    const struct iam_attachment_row attached = {.id = str_cat(test_arena(), owner, S("/x")),
                                                .account = S("000000000000"),
                                                .owner_id = owner,
                                                .policy_arn = S("x")};
    const struct iam_inline_row written = {.id = str_cat(test_arena(), owner, S("/y")),
                                           .account = S("000000000000"),
                                           .owner_id = owner,
                                           .name = S("y")};

    must_write(iam_attachment_insert(txn, &attached));
    must_write(iam_inline_insert(txn, &written));
    store_commit(txn);
}

TEST(a_user_or_group_with_policies_stays)
{
    struct world *w = world_new();
    struct str user = xml_text(world_ok(w, "Action=CreateUser&UserName=a"), "UserId");
    struct str group = xml_text(world_ok(w, "Action=CreateGroup&GroupName=a"), "GroupId");

    add_policies(w, user);
    add_policies(w, group);
    world_refused(w, "DeleteConflict", "Cannot delete entity, must detach all policies first.",
                  "Action=DeleteUser&UserName=a");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must detach all policies first.",
                  "Action=DeleteGroup&GroupName=a");
    struct txn *txn = world_begin(w);

    must_write(iam_attachment_delete(txn, str_cat(test_arena(), user, S("/x"))));
    must_write(iam_attachment_delete(txn, str_cat(test_arena(), group, S("/x"))));
    store_commit(txn);
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete policies first.",
                  "Action=DeleteUser&UserName=a");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete policies first.",
                  "Action=DeleteGroup&GroupName=a");
    world_free(w);
}
