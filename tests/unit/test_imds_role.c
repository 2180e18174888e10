/*
 * An instance's role in its metadata: credentials in AWS's form that are always valid, and what is
 * told when there are none; the signatures of the identity document.
 */
#include "base/timefmt.h"
#include "codec/json.h"
#include "harness/iam_rows.h"
#include "harness/identity_keys.h"
#include "imds_ask.h"

#define CREDENTIALS MD "iam/security-credentials/"
#define WEB CREDENTIALS "web-role"
#define MINUTE_MS ((int64_t)60000)
#define WITH_WEB "&IamInstanceProfile.Name=web"

static struct world *
open_world(void)
{
    struct world *w = world_new();

    iam_rows_profile(w, "/", "web", iam_rows_role(w, "web-role", TRUST_EC2));
    return w;
}

static const struct json *
parse(struct str text)
{
    struct json *json = ARENA_NEW(test_arena(), struct json);
    size_t at;

    if (!json_parse(test_arena(), text, 100, json, &at) || json->kind != JSON_OBJECT)
        FAIL("no JSON object: %.*s", STR_ARG(text));
    return json;
}

static struct str
member(const struct json *json, const char *name)
{
    struct str text = json_text(json, name);

    if (!text.n)
        FAIL("there is no %s", name);
    return text;
}

static int64_t
member_ms(const struct json *json, const char *name)
{
    int64_t ms;

    CHECK(time_parse_iso(member(json, name), &ms));
    return ms;
}

TEST(credentials_have_the_form_that_sdks_read, "IMDS-10 IMDS-16 ROLE-02 ROLE-10")
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);
    struct imds_reply reply = get_with(w, id, WEB, STR_NONE);

    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.content_type, "text/plain");
    CHECK(reply.secret);
    CHECK_STR(get(w, id, CREDENTIALS), "web-role");
    CHECK_STR(get(w, id, MD "iam/"), "info\nsecurity-credentials/");
    CHECK(has_line(get(w, id, MD), "iam/"));
    const struct json *json = parse(reply.body);
    struct str want = str_fmt(
        test_arena(),
        "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"%.*s\",\n  \"Type\" : \"AWS-HMAC\",\n"
        "  \"AccessKeyId\" : \"%.*s\",\n  \"SecretAccessKey\" : \"%.*s\",\n"
        "  \"Token\" : \"%.*s\",\n  \"Expiration\" : \"%.*s\"\n}",
        STR_ARG(member(json, "LastUpdated")), STR_ARG(member(json, "AccessKeyId")),
        STR_ARG(member(json, "SecretAccessKey")), STR_ARG(member(json, "Token")),
        STR_ARG(member(json, "Expiration")));
    CHECK_STR(reply.body, str_cstr(test_arena(), want));
    CHECK(str_starts(member(json, "AccessKeyId"), S("ASIA")));
    CHECK_INT(member(json, "AccessKeyId").n, 20);
    CHECK_INT(member(json, "SecretAccessKey").n, 40);
    CHECK_INT(member_ms(json, "Expiration") - member_ms(json, "LastUpdated"), 6 * 3600 * 1000);
    world_free(w);
}

/* What the API's front makes of the credentials. */
static struct session
opened(const struct json *json)
{
    struct session s;

    CHECK(session_open(test_arena(), keys.session, member(json, "AccessKeyId"),
                       member(json, "Token"), &s));
    CHECK(str_eq(session_secret(test_arena(), keys.session, s.access_key),
                 member(json, "SecretAccessKey")));
    return s;
}

TEST(credentials_are_a_session_of_the_role_named_by_the_instance)
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);
    const struct json *json = parse(get(w, id, WEB));
    struct session s = opened(json);

    CHECK_INT(s.kind, SESSION_ROLE);
    CHECK_STR(s.owner_id, "AROAweb-role");
    CHECK_STR(s.name, id);
    CHECK(str_eq(s.account, w->account));
    CHECK(str_eq(session_key_account(test_arena(), s.access_key), w->account));
    CHECK_STR(s.instance_arn,
              str_fmt(test_arena(), "arn:aws:ec2:us-east-1:%.*s:instance/%s", STR_ARG(w->account),
                      id)
                  .p);
    CHECK_INT(s.policies.n + s.policy_arns.n + s.tags.n, 0);
    CHECK_INT(s.expires_ms / 1000 * 1000, member_ms(json, "Expiration"));
    CHECK(s.issued_ms <= w->env.now_ms && w->env.now_ms < s.expires_ms);
    world_free(w);
}

/* Polls for a week in steps of ten minutes. */
TEST(who_reads_always_gets_valid_credentials_and_old_ones_overlap, "ROLE-08")
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);
    struct str last_key = S("");
    int64_t last_expires_ms = 0, start_ms = w->env.now_ms;
    unsigned changes = 0;

    while (w->env.now_ms - start_ms < 7 * 24 * 60 * MINUTE_MS) {
        struct session s = opened(parse(get(w, id, WEB)));

        CHECK(s.issued_ms <= w->env.now_ms);
        CHECK(s.expires_ms - w->env.now_ms > 59 * MINUTE_MS);
        if (!str_eq(s.access_key, last_key)) {
            /* whoever has the old ones has at least five minutes to come back */
            CHECK(!changes || last_expires_ms - w->env.now_ms > 5 * MINUTE_MS);
            changes++;
        } else {
            CHECK_INT(s.expires_ms, last_expires_ms);
        }
        last_key = str_dup(test_arena(), s.access_key);
        last_expires_ms = s.expires_ms;
        world_advance(w, 10 * MINUTE_MS);
    }
    CHECK_INT(changes, 34); /* a week is 33.6 times five hours */
    world_free(w);
}

TEST(a_restarted_daemon_gives_the_same_credentials)
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB), *other = launch(w, WITH_WEB);
    struct str before = get(w, id, WEB);

    CHECK(!str_eq(member(parse(before), "AccessKeyId"),
                  member(parse(get(w, other, WEB)), "AccessKeyId")));
    world_crash(w);
    CHECK(str_eq(get(w, id, WEB), before));
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    CHECK(str_eq(get(w, id, WEB), before));
    world_free(w);
}

TEST(a_running_instance_gains_loses_and_changes_its_role_at_once, "ROLE-20 ROLE-22")
{
    struct world *w = open_world();
    const char *id = launch(w, "");

    CHECK_INT(status(w, id, CREDENTIALS), 404);
    CHECK(!has_line(get(w, id, MD), "iam/"));
    struct str xml = world_okf(
        w, "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=web", id);
    struct str first = get(w, id, WEB);
    world_okf(w, "Action=DisassociateIamInstanceProfile&AssociationId=%s",
              xml_cstr(xml, "associationId"));
    CHECK_INT(status(w, id, WEB), 404);
    CHECK_INT(status(w, id, CREDENTIALS), 404);
    CHECK_INT(status(w, id, MD "iam/info"), 404);
    /* associated again, it has others: that is how a leaked session is got rid of */
    world_advance(w, 1000);
    xml = world_okf(
        w, "Action=AssociateIamInstanceProfile&InstanceId=%s&IamInstanceProfile.Name=web", id);
    CHECK(!str_eq(get(w, id, WEB), first));
    iam_rows_profile(w, "/", "app", iam_rows_role(w, "app-role", TRUST_EC2));
    world_okf(w,
              "Action=ReplaceIamInstanceProfileAssociation&AssociationId=%s&"
              "IamInstanceProfile.Name=app",
              xml_cstr(xml, "associationId"));
    CHECK_STR(get(w, id, CREDENTIALS), "app-role");
    CHECK_INT(status(w, id, WEB), 404);
    CHECK_STR(opened(parse(get(w, id, CREDENTIALS "app-role"))).owner_id, "AROAapp-role");
    world_free(w);
}

TEST(info_tells_of_the_profile, "IMDS-10")
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);
    struct str launched = member(parse(get(w, id, WEB)), "LastUpdated");
    struct str want = str_fmt(test_arena(),
                              "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"%.*s\",\n"
                              "  \"InstanceProfileArn\" : "
                              "\"arn:aws:iam::000000000000:instance-profile/web\",\n"
                              "  \"InstanceProfileId\" : \"AIPAweb\"\n}",
                              STR_ARG(launched));

    CHECK_STR(get(w, id, MD "iam/info"), str_cstr(test_arena(), want));
    world_free(w);
}

TEST(a_role_that_does_not_trust_ec2_gives_no_credentials, "ROLE-03")
{
    static const char *const denying[] = {
        TRUST_LAMBDA,
        "",
        "{}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
        "{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"},{\"Effect\":"
        "\"Deny\",\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\"}]}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
        "{\"Service\":\"ec2.amazonaws.com\"},\"Action\":\"sts:TagSession\"}]}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
        "{\"AWS\":\"000000000000\"},\"Action\":\"sts:AssumeRole\"}]}",
    };
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);
    struct str before = get(w, id, WEB);

    for (size_t i = 0; i < ARRAY_LEN(denying); i++) {
        iam_rows_role(w, "web-role", denying[i]);
        struct imds_reply reply = get_with(w, id, WEB, STR_NONE);
        CHECK_INT(reply.status, 200);
        CHECK(!reply.secret);
        const struct json *json = parse(reply.body);
        CHECK_STR(member(json, "Code"), "AssumeRoleUnauthorizedAccess");
        CHECK_STR(member(json, "Message"),
                  "EC2 cannot assume the role web-role.  Please see documentation at "
                  "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html"
                  "#troubleshoot_iam-ec2_errors-info-doc.");
        CHECK_INT(json->n, 3);
        CHECK_STR(get(w, id, CREDENTIALS), "web-role");
    }
    iam_rows_role(w, "web-role", TRUST_EC2);
    CHECK(str_eq(get(w, id, WEB), before));
    world_free(w);
}

TEST(a_role_that_was_taken_away_leaves_a_profile_without, "ROLE-18")
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);

    iam_rows_profile(w, "/", "web", S(""));
    CHECK_INT(status(w, id, WEB), 404);
    CHECK_INT(status(w, id, CREDENTIALS), 404);
    CHECK_STR(get(w, id, MD "iam/"), "info");
    const struct json *info = parse(get(w, id, MD "iam/info"));
    CHECK_STR(member(info, "Code"), "Success");
    CHECK(str_starts(member(info, "Message"), S("Instance Profile does not contain a role.")));
    CHECK_STR(member(info, "InstanceProfileId"), "AIPAweb");
    iam_rows_profile(w, "/", "web", S("AROAweb-role"));
    CHECK_INT(status(w, id, WEB), 200);
    iam_rows_delete(w, &iam_role_table, S("AROAweb-role"));
    CHECK_INT(status(w, id, WEB), 404);
    CHECK_INT(status(w, id, CREDENTIALS), 404);
    world_free(w);
}

TEST(a_profile_that_was_deleted_is_not_found_even_if_another_has_its_name)
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB);

    iam_rows_delete(w, &iam_profile_table, S("AIPAweb"));
    const struct json *info = parse(get(w, id, MD "iam/info"));
    CHECK_STR(member(info, "Code"), "InstanceProfileNotFound");
    CHECK(str_starts(member(info, "Message"),
                     S("Instance Profile with Id AIPAweb cannot be found.  Please see")));
    CHECK(!json_get(info, "InstanceProfileArn"));
    CHECK_INT(status(w, id, CREDENTIALS), 404);
    world_free(w);
}

TEST(credentials_need_a_token_where_tokens_are_required, "IMDS-10")
{
    struct world *w = open_world();
    const char *id = launch(w, WITH_WEB "&MetadataOptions.HttpTokens=required");
    struct imds_reply refused = get_with(w, id, WEB, STR_NONE);

    CHECK_INT(refused.status, 401);
    CHECK(!refused.secret && str_find(refused.body, S("ASIA")) == SIZE_MAX);
    CHECK_INT(get_with(w, id, WEB, put_token(w, id, "60", false).body).status, 200);
    world_free(w);
}

TEST(a_path_of_any_letters_is_quoted)
{
    struct world *w = world_new();

    iam_rows_profile(w, "/a\"b\\c/", "odd", iam_rows_role(w, "web-role", TRUST_EC2));
    const char *id = launch(w, "&IamInstanceProfile.Name=odd");
    CHECK_STR(member(parse(get(w, id, MD "iam/info")), "InstanceProfileArn"),
              "arn:aws:iam::000000000000:instance-profile/a\"b\\c/odd");
    world_free(w);
}

TEST(the_identity_document_is_signed, "IMDS-17")
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct identity *identity = identity_for_test();

    keys.identity = identity;
    struct str document = get(w, id, "/latest/dynamic/instance-identity/document");
    struct str signature = get(w, id, "/latest/dynamic/instance-identity/signature");
    CHECK(identity_verify(identity, test_arena(), document, signature));
    /* what openssl says of the other two is in test_identity.c; the document is inside */
    static const char *const paths[] = {"/latest/dynamic/instance-identity/pkcs7",
                                        "/latest/dynamic/instance-identity/rsa2048"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct str raw;

        CHECK(str_unbase64(test_arena(), get(w, id, paths[i]), &raw));
        CHECK(str_find(raw, document) != SIZE_MAX);
    }
    CHECK_STR(get(w, id, "/latest/dynamic/instance-identity/"),
              "document\npkcs7\nrsa2048\nsignature");
    identity_free(identity);
    world_free(w);
}
