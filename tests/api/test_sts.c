/* Who is calling, and temporary credentials from end to end. */
#include "codec/base32.h"
#include "codec/session.h"
#include "codec/totp.h"
#include "gen/store/iam_rows.h"
#include "harness/jwt_vectors.h"
#include "harness/world.h"
#include "iam/iam.h"

#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define ALLOW(action) "{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"*\"}"
#define TRUST_ACCOUNT                                                                              \
    POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:root\"},"     \
           "\"Action\":[\"sts:AssumeRole\",\"sts:TagSession\",\"sts:SetSourceIdentity\"]}")
#define ROLE_ARN "arn:aws:iam::000000000000:role/work"
#define ASSUME "Action=AssumeRole&RoleArn=" ROLE_ARN "&RoleSessionName=alice"

static const char *
coded(struct world *w, const char *json)
{
    return test_cstr(world_code(w, str_from(json)));
}

static struct str
make_user(struct world *w, const char *name, const char *json)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=PutUserPolicy&UserName=%s&PolicyName=own&PolicyDocument=%s", name,
              coded(w, json));
    return world_okf(w, "Action=CreateAccessKey&UserName=%s", name);
}

static struct str
make_role(struct world *w, const char *name, const char *trust, const char *json)
{
    struct str made = world_okf(w, "Action=CreateRole&RoleName=%s&AssumeRolePolicyDocument=%s",
                                name, coded(w, trust));

    world_okf(w, "Action=PutRolePolicy&RoleName=%s&PolicyName=own&PolicyDocument=%s", name,
              coded(w, json));
    return xml_text(made, "RoleId");
}

TEST(a_caller_learns_who_it_is)
{
    struct world *w = world_new();
    struct str me = world_call(w, "Action=GetCallerIdentity");

    CHECK_OK(w, me);
    CHECK_STR(xml_text(me, "Account"), "000000000000");
    CHECK_STR(xml_text(me, "Arn"), "arn:aws:iam::000000000000:root");
    CHECK(xml_text(me, "UserId").n > 0);

    world_account(w, "123456789012", "eu-west-1");
    me = world_call(w, "Action=GetCallerIdentity");
    CHECK_STR(xml_text(me, "Account"), "123456789012");
    CHECK_STR(xml_text(me, "Arn"), "arn:aws:iam::123456789012:root");
    world_free(w);
}

TEST(a_role_is_assumed_and_its_permissions_are_those_of_the_role, "STS-01 IAM-01 ROLE-02")
{
    struct world *w = world_new();
    struct str id = make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("ec2:DescribeInstances")));
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:AssumeRole")));

    world_as_reply(w, key);
    struct str made = world_ok(w, ASSUME);

    CHECK(str_starts(xml_text(made, "AccessKeyId"), S("ASIA")));
    CHECK_INT(xml_text(made, "SecretAccessKey").n, 40);
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:sts::000000000000:assumed-role/work/alice");
    CHECK(
        str_eq(xml_text(made, "AssumedRoleId"), str_fmt(test_arena(), "%.*s:alice", STR_ARG(id))));
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstances"), "UnauthorizedOperation");

    world_as_reply(w, made);
    world_ok(w, "Action=DescribeInstances");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    struct str me = world_ok(w, "Action=GetCallerIdentity");

    CHECK_STR(xml_text(me, "Arn"), "arn:aws:sts::000000000000:assumed-role/work/alice");
    CHECK(str_eq(xml_text(me, "UserId"), xml_text(made, "AssumedRoleId")));
    /* it costs no memory, so a restart does not lose it */
    world_crash(w);
    world_ok(w, "Action=DescribeInstances");
    world_as(w, xml_text(made, "AccessKeyId"), S("wrong"), xml_text(made, "SessionToken"));
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstances"), "AuthFailure");
    world_as(w, xml_text(made, "AccessKeyId"), xml_text(made, "SecretAccessKey"), STR_NONE);
    CHECK_FAULT(w, world_call(w, "Action=GetCallerIdentity"), "InvalidClientTokenId");
    world_free(w);
}

TEST(credentials_of_a_role_end_by_time_and_with_the_role, "STS-01 ROLE-09")
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:AssumeRole")));

    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("ec2:*")));
    world_as_reply(w, key);
    struct str made = world_ok(w, ASSUME "&DurationSeconds=900");

    world_as_reply(w, made);
    world_advance(w, 899 * 1000);
    world_ok(w, "Action=DescribeInstances");
    world_advance(w, 1000);
    CHECK_FAULT(w, world_call(w, "Action=DescribeInstances"), "RequestExpired");
    world_refused(w, "ExpiredToken", "The security token included in the request is expired",
                  "Action=GetCallerIdentity");
    CHECK_INT(w->http, 403);
    world_as_reply(w, key);
    made = world_ok(w, ASSUME);
    world_as_root(w);
    world_ok(w, "Action=DeleteRolePolicy&RoleName=work&PolicyName=own");
    world_ok(w, "Action=DeleteRole&RoleName=work");
    /* a new role of the same name is another one */
    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("ec2:*")));
    world_as_reply(w, made);
    world_refused(w, "InvalidClientTokenId",
                  "The security token included in the request is invalid",
                  "Action=GetCallerIdentity");
    world_free(w);
}

TEST(bad_calls_of_assume_role_name_their_fault, "STS-01")
{
    static const struct {
        const char *form, *code, *message;
    } bad[] = {
        {ASSUME "&DurationSeconds=899", "ValidationError", NULL},
        {ASSUME "&DurationSeconds=43201", "ValidationError", NULL},
        {ASSUME "&DurationSeconds=3601", "ValidationError",
         "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
        {"Action=AssumeRole&RoleArn=" ROLE_ARN, "ValidationError", NULL},
        {"Action=AssumeRole&RoleArn=" ROLE_ARN "&RoleSessionName=a%20b", "ValidationError", NULL},
        {"Action=AssumeRole&RoleArn=arn:aws:iam::12:role/working&RoleSessionName=ab",
         "ValidationError", "Request ARN is invalid"},
        {"Action=AssumeRole&RoleArn=" ROLE_ARN "s&RoleSessionName=ab", "AccessDenied",
         "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: sts:AssumeRole "
         "on resource: arn:aws:iam::000000000000:role/works"},
        {ASSUME "&Policy=%7B", "MalformedPolicyDocument", NULL},
        {ASSUME "&SerialNumber=arn:aws:iam::000000000000:mfa/bob&TokenCode=123456", "AccessDenied",
         "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
         "serial number is valid and associated with this user."},
        {ASSUME "&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.2.Key=A&"
                "Tags.member.2.Value=c",
         "ValidationError", NULL},
        {ASSUME "&TransitiveTagKeys.member.1=a", "ValidationError", NULL},
    };
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:*")));

    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("ec2:*")));
    world_refused(w, "AccessDenied", "Roles may not be assumed by root accounts.", ASSUME);
    world_as_reply(w, key);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refused(w, bad[i].code, bad[i].message, bad[i].form);
    struct str big = str_fmt(test_arena(), ASSUME);

    for (int i = 1; i <= 20; i++)
        big = str_fmt(test_arena(), "%.*s&Tags.member.%d.Key=k%d&Tags.member.%d.Value=%0250d",
                      STR_ARG(big), i, i, i, 0);
    CHECK_FAULT(w, world_call(w, big.p), "PackedPolicyTooLarge");
    world_free(w);
}

TEST(an_external_id_is_asked_for)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:AssumeRole")));

    make_role(w, "work",
              POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},"
                     "\"Action\":\"sts:AssumeRole\",\"Condition\":{\"StringEquals\":"
                     "{\"sts:ExternalId\":\"secret-7\",\"sts:RoleSessionName\":\"alice\"}}}"),
              POLICY(ALLOW("ec2:*")));
    world_as_reply(w, key);
    CHECK_FAULT(w, world_call(w, ASSUME), "AccessDenied");
    CHECK_FAULT(w, world_call(w, ASSUME "&ExternalId=other"), "AccessDenied");
    world_ok(w, ASSUME "&ExternalId=secret-7");
    world_free(w);
}

TEST(session_policies_limit_and_do_not_grant)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:AssumeRole")));

    make_role(w, "work", TRUST_ACCOUNT,
              POLICY(ALLOW("ec2:DescribeVpcs") "," ALLOW("ec2:DescribeSubnets")));
    world_as_reply(w, key);
    struct str made =
        world_okf(w, ASSUME "&Policy=%s",
                  coded(w, POLICY(ALLOW("ec2:DescribeVpcs") "," ALLOW("ec2:DescribeImages"))));

    CHECK(xml_text(made, "PackedPolicySize").n > 0);
    world_as_reply(w, made);
    world_ok(w, "Action=DescribeVpcs");
    struct str xml = world_call(w, "Action=DescribeSubnets");

    CHECK_FAULT(w, xml, "UnauthorizedOperation");
    CHECK(str_find(xml_text(xml, "Message"),
                   S("because no session policy allows the ec2:DescribeSubnets action")) !=
          SIZE_MAX);
    CHECK_FAULT(w, world_call(w, "Action=DescribeImages"), "UnauthorizedOperation");
    world_as_reply(w, key);
    made = world_ok(w, ASSUME "&PolicyArns.member.1.arn="
                              "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    world_as_reply(w, made);
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    world_free(w);
}

TEST(tags_and_source_identity_go_on_in_a_chain)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:*")));

    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("sts:*")));
    make_role(w, "next", TRUST_ACCOUNT,
              POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeVpcs\",\"Resource\":\"*\","
                     "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"red\","
                     "\"aws:SourceIdentity\":\"alice-1\"},\"Null\":"
                     "{\"aws:PrincipalTag/short\":\"true\"}}}"));
    world_as_reply(w, key);
    struct str made =
        world_ok(w, ASSUME "&SourceIdentity=alice-1&Tags.member.1.Key=team&Tags.member.1.Value=red&"
                           "Tags.member.2.Key=short&Tags.member.2.Value=x&"
                           "TransitiveTagKeys.member.1=team");

    CHECK_STR(xml_text(made, "SourceIdentity"), "alice-1");
    world_as_reply(w, made);
#define NEXT "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/next&RoleSessionName=b2"
    world_refused(w, "ValidationError",
                  "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                  "assumed by role chaining",
                  NEXT "&DurationSeconds=3601");
    CHECK_FAULT(w, world_call(w, NEXT "&SourceIdentity=mallory"), "AccessDenied");
    CHECK_FAULT(w, world_call(w, NEXT "&Tags.member.1.Key=Team&Tags.member.1.Value=blue"),
                "ValidationError");
    world_as_reply(w, world_ok(w, NEXT));
    world_ok(w, "Action=DescribeVpcs");
    world_free(w);
}

TEST(a_transitive_key_that_is_named_twice_counts_once)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:*")));

    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("sts:*")));
    make_role(w, "next", TRUST_ACCOUNT,
              POLICY("{\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeVpcs\",\"Resource\":\"*\","
                     "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"red\"}}}"));
    world_as_reply(w, key);
    world_as_reply(w, world_ok(w, ASSUME "&Tags.member.1.Key=team&Tags.member.1.Value=red&"
                                         "TransitiveTagKeys.member.1=team&"
                                         "TransitiveTagKeys.member.2=TEAM&"
                                         "TransitiveTagKeys.member.3=team"));
    /* nor does one that is named again when it is inherited already */
    world_as_reply(w, world_ok(w, "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/next&"
                                  "RoleSessionName=b2&TransitiveTagKeys.member.1=team"));
    world_ok(w, "Action=DescribeVpcs");
    world_free(w);
}

/* Gives bob a device whose seed is known. */
static const char *
give_device(struct world *w, struct str *ret_seed)
{
    struct str made = world_ok(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=bob");
    struct str serial = xml_text(made, "SerialNumber");
    struct txn *txn = store_begin(cloud_store(w->cloud));
    struct iam_mfa_device_row row = *iam_mfa_device_get(txn, serial);

    CHECK(base32_decode(test_arena(), row.seed, ret_seed));
    STORE_EACH(txn, iam_user_by_key, user) {
        row.user_id = user->id;
    }
    CHECK(iam_mfa_device_update(txn, &row) == 0);
    store_commit(txn);
    return coded(w, test_cstr(serial));
}

static struct str
code_now(struct world *w, struct str seed, int64_t steps)
{
    char *code = arena_alloc(test_arena(), TOTP_DIGITS + 1);

    totp_code(seed, totp_step(w->env.now_ms) + steps, code);
    return str_of(code, TOTP_DIGITS);
}

TEST(a_device_vouches_once_with_each_code)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:*") "," ALLOW("iam:ListUsers")));
    struct str seed;

    make_role(w, "work",
              POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:"
                     "root\"},\"Action\":\"sts:AssumeRole\",\"Condition\":{\"Bool\":"
                     "{\"aws:MultiFactorAuthPresent\":\"true\"}}}"),
              POLICY(ALLOW("ec2:*")));
    const char *serial = give_device(w, &seed);

    world_as_reply(w, key);
    CHECK_FAULT(w, world_call(w, ASSUME), "AccessDenied");
    struct str code = code_now(w, seed, 0);

    world_okf(w, ASSUME "&SerialNumber=%s&TokenCode=%.*s", serial, STR_ARG(code));
    struct str xml =
        world_callf(w, ASSUME "&SerialNumber=%s&TokenCode=%.*s", serial, STR_ARG(code));

    CHECK_FAULT(w, xml, "AccessDenied");
    CHECK_STR(xml_text(xml, "Message"),
              "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    /* IAM takes a user's session only when a device vouched for it */
    struct str plain = world_ok(w, "Action=GetSessionToken");
    struct str vouched = world_okf(w, "Action=GetSessionToken&SerialNumber=%s&TokenCode=%.*s",
                                   serial, STR_ARG(code_now(w, seed, 1)));

    world_as_reply(w, plain);
    CHECK_STR(xml_text(world_ok(w, "Action=GetCallerIdentity"), "Arn"),
              "arn:aws:iam::000000000000:user/bob");
    CHECK_FAULT(w, world_call(w, "Action=ListUsers"), "InvalidClientTokenId");
    CHECK_FAULT(w, world_call(w, ASSUME), "AccessDenied");
    CHECK_FAULT(w, world_call(w, "Action=GetSessionToken"), "AccessDenied");
    world_as_reply(w, vouched);
    world_ok(w, "Action=ListUsers");
    world_ok(w, ASSUME);
    world_free(w);
}

TEST(a_federated_user_has_what_both_sides_allow)
{
    struct world *w = world_new();
    struct str key =
        make_user(w, "bob", POLICY(ALLOW("sts:GetFederationToken") "," ALLOW("ec2:Describe*")));
    struct str me;

    world_as_reply(w, key);
    struct str none = world_ok(w, "Action=GetFederationToken&Name=guest");
    struct str some =
        world_okf(w, "Action=GetFederationToken&Name=guest&Policy=%s",
                  coded(w, POLICY(ALLOW("ec2:DescribeVpcs") "," ALLOW("ec2:CreateKeyPair"))));

    CHECK_STR(xml_text(some, "FederatedUserId"), "000000000000:guest");
    world_as_reply(w, none);
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs"), "UnauthorizedOperation");
    world_as_reply(w, some);
    world_ok(w, "Action=DescribeVpcs");
    CHECK_FAULT(w, world_call(w, "Action=CreateKeyPair&KeyName=k"), "UnauthorizedOperation");
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    me = world_ok(w, "Action=GetCallerIdentity");
    CHECK_STR(xml_text(me, "Arn"), "arn:aws:sts::000000000000:federated-user/guest");
    CHECK_STR(xml_text(me, "UserId"), "000000000000:guest");
    world_free(w);
}

TEST(a_key_tells_its_account_and_a_message_what_was_refused)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:Nothing")));
    struct str made = world_ok(w, "Action=GetSessionToken");
    struct str info = world_okf(w, "Action=GetAccessKeyInfo&AccessKeyId=%.*s",
                                STR_ARG(xml_text(made, "AccessKeyId")));

    CHECK_STR(xml_text(info, "Account"), "000000000000");
    world_as_reply(w, key);
    struct str said = xml_text(world_call(w, "Action=DescribeVpcs"), "Message");
    size_t at = str_find(said, S("message: "));

    CHECK(at != SIZE_MAX);
    struct str code = str_cut(said, at + strlen("message: "), said.n);

    /* details are not for who was refused */
    CHECK_FAULT(
        w, world_callf(w, "Action=DecodeAuthorizationMessage&EncodedMessage=%.*s", STR_ARG(code)),
        "AccessDenied");
    world_as_root(w);
    struct str told = xml_text(
        world_okf(w, "Action=DecodeAuthorizationMessage&EncodedMessage=%.*s", STR_ARG(code)),
        "DecodedMessage");

    CHECK(str_starts(told, S("{\"allowed\":false,\"explicitDeny\":false,")));
    CHECK(str_find(told, S("\"action\":\"ec2:DescribeVpcs\"")) != SIZE_MAX);
    CHECK(str_find(told, S("\"arn\":\"arn:aws:iam::000000000000:user/bob\"")) != SIZE_MAX);
    world_account(w, "111122223333", "us-east-1");
    CHECK_FAULT(
        w, world_callf(w, "Action=DecodeAuthorizationMessage&EncodedMessage=%.*s", STR_ARG(code)),
        "InvalidAuthorizationMessageException");
    world_free(w);
}

TEST(a_role_of_another_account_is_assumed_when_both_sides_say_so)
{
    struct world *w = world_new();
    struct str key = make_user(w, "bob", POLICY(ALLOW("sts:AssumeRole")));
    struct str other = make_user(w, "eve", POLICY(ALLOW("ec2:*")));

    world_account(w, "111122223333", "us-east-1");
    make_role(w, "work", TRUST_ACCOUNT, POLICY(ALLOW("ec2:DescribeKeyPairs")));
    world_ok(w, "Action=CreateKeyPair&KeyName=theirs&KeyType=ed25519");
#define THEIRS "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/work&RoleSessionName=b2"
    world_as_reply(w, other);
    CHECK_FAULT(w, world_call(w, THEIRS), "AccessDenied");
    world_as_reply(w, key);
    world_as_reply(w, world_ok(w, THEIRS));
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeKeyPairs"), "keyName"), "theirs");
    CHECK_STR(xml_text(world_ok(w, "Action=GetCallerIdentity"), "Account"), "111122223333");
    world_free(w);
}

/* ---- web identities ---- */

#define PROVIDER "arn:aws:iam::000000000000:oidc-provider/issuer.example.com/x"

/* As `welkin iam jwks` does. */
static int
put_keys(struct world *w, const char *arn, struct str keys, size_t *ret_n)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    const char *why = NULL;
    int r = iam_jwks_put(txn, test_arena(), str_from(arn), keys, ret_n, &why);

    CHECK((r > 0) == (why != NULL));
    if (r == 0)
        store_commit(txn);
    else
        store_rollback(txn);
    return r;
}

static void
make_provider(struct world *w)
{
    size_t n = 0;

    world_ok(w, "Action=CreateOpenIDConnectProvider&Url=https%3A%2F%2Fissuer.example.com%2Fx&"
                "ClientIDList.member.1=client-1");
    CHECK_INT(put_keys(w, PROVIDER, S(JWT_KEYS), &n), 0);
    CHECK(n >= 2); /* RSA and EC */
}

/* Without a signature. */
static struct str
web_call(struct world *w, const char *token)
{
    struct http_header headers[] = {
        {S("Host"), S("localhost")},
        {S("Content-Type"), S("application/x-www-form-urlencoded")},
    };
    const struct sigv4_request req = {
        .method = S("POST"),
        .path = S("/"),
        .headers = headers,
        .n_headers = ARRAY_LEN(headers),
        .body = str_fmt(test_arena(),
                        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=%s&"
                        "RoleSessionName=web&WebIdentityToken=%s",
                        "arn:aws:iam::000000000000:role/work", token),
    };

    return world_request(w, &req);
}

TEST(a_token_of_a_provider_gets_a_role_without_a_signature)
{
    static const struct {
        const char *token, *code, *message;
    } bad[] = {
        {JWT_NONE, "InvalidIdentityToken", NULL},
        {JWT_OTHER_KID, "InvalidIdentityToken", NULL},
        {JWT_OTHER_AUD, "InvalidIdentityToken", "Incorrect token audience"},
        {JWT_OTHER_ISS, "InvalidIdentityToken",
         "No OpenIDConnect provider found in your account for https://other.example.com"},
        {JWT_OTHER_SUB, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
        {JWT_ES256 "A", "InvalidIdentityToken", NULL},
    };
    struct world *w = world_new();

    make_provider(w);
    make_role(w, "work",
              POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::"
                     "000000000000:oidc-provider/issuer.example.com/x\"},\"Action\":"
                     "\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{\"StringEquals\":"
                     "{\"issuer.example.com/x:aud\":\"client-1\","
                     "\"issuer.example.com/x:sub\":\"repo:me/app\"}}}"),
              POLICY(ALLOW("ec2:DescribeVpcs")));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str xml = web_call(w, bad[i].token);

        CHECK_FAULT(w, xml, bad[i].code);
        if (bad[i].message)
            CHECK_STR(xml_text(xml, "Message"), bad[i].message);
    }
    web_call(w, JWT_RS256);
    CHECK_INT(w->http, 200);
    struct str made = web_call(w, JWT_ES256);

    CHECK_OK(w, made);
    CHECK_STR(xml_text(made, "SubjectFromWebIdentityToken"), "repo:me/app");
    CHECK_STR(xml_text(made, "Audience"), "client-1");
    world_as_reply(w, made);
    world_ok(w, "Action=DescribeVpcs");
    CHECK_FAULT(w, world_call(w, "Action=DescribeSubnets"), "UnauthorizedOperation");
    CHECK_STR(xml_text(world_ok(w, "Action=GetCallerIdentity"), "Arn"),
              "arn:aws:sts::000000000000:assumed-role/work/web");
    world_advance(w, 3600 * 1000);
    CHECK_FAULT(w, web_call(w, JWT_ES256), "ExpiredTokenException");
    world_free(w);
}

TEST(keys_are_given_to_openid_providers_and_outlive_the_daemon)
{
    struct world *w = world_new();
    size_t n = 0;

    CHECK_INT(put_keys(w, PROVIDER, S(JWT_KEYS), &n), 1);
    make_provider(w);
    CHECK_INT(put_keys(w, PROVIDER, S("{\"keys\":[]}"), &n), 1);
    CHECK_INT(put_keys(w, PROVIDER, S("{}"), &n), 1);
    CHECK_INT(put_keys(w, PROVIDER, S("no JSON"), &n), 1);
    struct str metadata =
        str_fmt(test_arena(), "<EntityDescriptor entityID=\"x\"><IDPSSODescriptor/><!--%01000d-->"
                              "</EntityDescriptor>", 0);

    world_okf(w, "Action=CreateSAMLProvider&Name=corp&SAMLMetadataDocument=%.*s",
              STR_ARG(world_code(w, metadata)));
    CHECK_INT(put_keys(w, "arn:aws:iam::000000000000:saml-provider/corp", S(JWT_KEYS), &n), 1);
    make_role(w, "work",
              POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"" PROVIDER
                     "\"},\"Action\":\"sts:AssumeRoleWithWebIdentity\"}"),
              POLICY(ALLOW("ec2:DescribeVpcs")));
    world_crash(w);
    CHECK_OK(w, web_call(w, JWT_RS256));
    world_free(w);
}
