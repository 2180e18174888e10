/* Access keys, login profiles, the password policy, what an account says of itself, its report. */
#include "gen/store/iam_rows.h"
#include "harness/world.h"

TEST(an_access_key_is_told_once)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    struct str made = world_ok(w, "Action=CreateAccessKey&UserName=a");
    struct str id = xml_text(made, "AccessKeyId"), secret = xml_text(made, "SecretAccessKey");

    CHECK_INT(id.n, 20);
    CHECK(str_starts(id, S("AKIA")));
    CHECK_INT(secret.n, 40);
    CHECK_STR(xml_text(made, "Status"), "Active");
    CHECK_STR(xml_text(made, "UserName"), "a");
    world_crash(w);
    struct str list = world_ok(w, "Action=ListAccessKeys&UserName=a");

    CHECK(str_eq(xml_text(list, "AccessKeyId"), id));
    CHECK(str_find(list, secret) == SIZE_MAX);
    struct txn *txn = world_begin(w);

    CHECK(str_eq(iam_access_key_get(txn, id)->secret, secret));
    store_rollback(txn);
    world_ok(w, "Action=CreateAccessKey&UserName=a");
    world_refused(w, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2",
                  "Action=CreateAccessKey&UserName=a");
    CHECK_STR(xml_text(world_ok(w, "Action=ListAccessKeys&UserName=a&MaxItems=1"), "IsTruncated"),
              "true");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete access keys first.",
                  "Action=DeleteUser&UserName=a");
    world_free(w);
}

TEST(an_access_key_is_switched_off_and_deleted)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    struct str id = xml_text(world_ok(w, "Action=CreateAccessKey&UserName=a"), "AccessKeyId");

    world_okf(w, "Action=UpdateAccessKey&UserName=a&AccessKeyId=%.*s&Status=Inactive",
              STR_ARG(id));
    CHECK_STR(xml_text(world_ok(w, "Action=ListAccessKeys&UserName=a"), "Status"), "Inactive");
    world_refusedf(w, "InvalidInput", "Operation does not support status Expired",
                   "Action=UpdateAccessKey&UserName=a&AccessKeyId=%.*s&Status=Expired",
                   STR_ARG(id));
    world_refusedf(w, "NoSuchEntity", NULL,
                   "Action=UpdateAccessKey&UserName=b&AccessKeyId=%.*s&Status=Active",
                   STR_ARG(id));
    world_refusedf(w, "NoSuchEntity", NULL, "Action=DeleteAccessKey&AccessKeyId=%.*s",
                   STR_ARG(id));
    struct str used = world_okf(w, "Action=GetAccessKeyLastUsed&AccessKeyId=%.*s", STR_ARG(id));

    CHECK_STR(xml_text(used, "UserName"), "a");
    CHECK_STR(xml_text(used, "ServiceName"), "N/A");
    CHECK_STR(xml_text(used, "Region"), "N/A");
    CHECK(!xml_text(used, "LastUsedDate").p);
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "NoSuchEntity", NULL, "Action=GetAccessKeyLastUsed&AccessKeyId=%.*s",
                   STR_ARG(id));
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=DeleteAccessKey&UserName=a&AccessKeyId=%.*s", STR_ARG(id));
    world_okf(w, "Action=DeleteUser&UserName=a");
    world_free(w);
}

TEST(without_a_name_keys_are_the_callers)
{
    struct world *w = world_new();
    struct str id = xml_text(world_ok(w, "Action=CreateAccessKey"), "AccessKeyId");

    CHECK(str_eq(xml_text(world_ok(w, "Action=ListAccessKeys"), "AccessKeyId"), id));
    CHECK_STR(xml_text(world_ok(w, "Action=ListAccessKeys"), "UserName"), "");
    CHECK_STR(xml_text(xml_where(world_ok(w, "Action=GetAccountSummary"), "entry", "key",
                                 "AccountAccessKeysPresent"),
                       "value"),
              "1");
    world_okf(w, "Action=DeleteAccessKey&AccessKeyId=%.*s", STR_ARG(id));
    CHECK_INT(xml_count(world_ok(w, "Action=ListAccessKeys"), "AccessKeyId"), 0);
    world_free(w);
}

TEST(a_login_profile_says_that_there_is_a_password)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_refused(w, "NoSuchEntity", "Login Profile for User a cannot be found.",
                  "Action=GetLoginProfile&UserName=a");
    world_refused(w, "PasswordPolicyViolation",
                  "Password does not conform to the account password policy.",
                  "Action=CreateLoginProfile&UserName=a&Password=weakweakweak");
    world_refused(w, "ValidationError", NULL, "Action=CreateLoginProfile&UserName=a");
    struct str made = world_ok(w, "Action=CreateLoginProfile&UserName=a&Password=Str0ng-enough&"
                                  "PasswordResetRequired=true");

    CHECK_STR(xml_text(made, "PasswordResetRequired"), "true");
    world_refused(w, "EntityAlreadyExists", "Login Profile for user a already exists.",
                  "Action=CreateLoginProfile&UserName=a&Password=Str0ng-enough");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete login profile first.",
                  "Action=DeleteUser&UserName=a");
    world_ok(w, "Action=UpdateLoginProfile&UserName=a&Password=0ther-strong");
    world_refused(w, "PasswordPolicyViolation", NULL,
                  "Action=UpdateLoginProfile&UserName=a&Password=short");
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=GetLoginProfile&UserName=a"), "PasswordResetRequired"),
              "true");
    world_ok(w, "Action=UpdateLoginProfile&UserName=a&PasswordResetRequired=false");
    CHECK_STR(xml_text(world_ok(w, "Action=GetLoginProfile&UserName=a"), "PasswordResetRequired"),
              "false");
    world_ok(w, "Action=DeleteLoginProfile&UserName=a");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteLoginProfile&UserName=a");
    world_refused(w, "NoSuchEntity", NULL, "Action=UpdateLoginProfile&UserName=a");
    world_ok(w, "Action=DeleteUser&UserName=a");
    world_free(w);
}

TEST(a_password_policy_is_kept_and_held)
{
    static const struct {
        const char *rule, *bad, *good;
    } rows[] = {
        {"MinimumPasswordLength=10", "123456789", "1234567890"},
        {"RequireSymbols=true", "abcdef", "abcde!"},
        {"RequireNumbers=true", "abcdef", "abcde1"},
        {"RequireUppercaseCharacters=true", "abcdef", "abcdeF"},
        {"RequireLowercaseCharacters=true", "ABCDEF", "ABCDEf"},
        {"HardExpiry=false", "short", "sixsix"},
    };
    struct world *w = world_new();

    world_refused(w, "NoSuchEntity",
                  "The Password Policy with domain name 000000000000 cannot be found.",
                  "Action=GetAccountPasswordPolicy");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteAccountPasswordPolicy");
    world_ok(w, "Action=CreateUser&UserName=a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world_okf(w, "Action=UpdateAccountPasswordPolicy&%s", rows[i].rule);
        world_refusedf(w, "PasswordPolicyViolation", NULL,
                       "Action=CreateLoginProfile&UserName=a&Password=%s", rows[i].bad);
        world_okf(w, "Action=CreateLoginProfile&UserName=a&Password=%s", rows[i].good);
        world_ok(w, "Action=DeleteLoginProfile&UserName=a");
    }
    world_refused(w, "ValidationError", NULL,
                  "Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=5");
    world_refused(w, "ValidationError", NULL,
                  "Action=UpdateAccountPasswordPolicy&MaxPasswordAge=1096");
    world_refused(w, "ValidationError", NULL,
                  "Action=UpdateAccountPasswordPolicy&PasswordReusePrevention=25");
    world_ok(w, "Action=UpdateAccountPasswordPolicy&MaxPasswordAge=90&PasswordReusePrevention=5&"
                "AllowUsersToChangePassword=true");
    world_crash(w);
    struct str policy = world_ok(w, "Action=GetAccountPasswordPolicy");

    CHECK_STR(xml_text(policy, "MinimumPasswordLength"), "6");
    CHECK_STR(xml_text(policy, "MaxPasswordAge"), "90");
    CHECK_STR(xml_text(policy, "PasswordReusePrevention"), "5");
    CHECK_STR(xml_text(policy, "ExpirePasswords"), "true");
    CHECK_STR(xml_text(policy, "AllowUsersToChangePassword"), "true");
    CHECK_STR(xml_text(policy, "RequireSymbols"), "false");
    world_ok(w, "Action=DeleteAccountPasswordPolicy");
    world_refused(w, "NoSuchEntity", NULL, "Action=GetAccountPasswordPolicy");
    world_free(w);
}

TEST(an_account_has_one_alias_and_no_two_accounts_the_same)
{
    static const char *const bad[] = {"ab", "-abc", "abc-", "a--b", "Abc", "a_b", "123456789012"};
    struct world *w = world_new();

    CHECK_INT(xml_count(world_ok(w, "Action=ListAccountAliases"), "member"), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, "ValidationError", NULL, "Action=CreateAccountAlias&AccountAlias=%s",
                       bad[i]);
    world_ok(w, "Action=CreateAccountAlias&AccountAlias=first-one");
    world_ok(w, "Action=CreateAccountAlias&AccountAlias=second");
    world_account(w, "111122223333", "us-east-1");
    world_refused(w, "EntityAlreadyExists", "The account alias second already exists.",
                  "Action=CreateAccountAlias&AccountAlias=second");
    world_ok(w, "Action=CreateAccountAlias&AccountAlias=first-one");
    world_account(w, "000000000000", "us-east-1");
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=ListAccountAliases"), "member"), "second");
    CHECK_STR(xml_text(world_ok(w, "Action=GetUser"), "UserName"), "second");
    world_refused(w, "NoSuchEntity", NULL, "Action=DeleteAccountAlias&AccountAlias=first-one");
    world_ok(w, "Action=DeleteAccountAlias&AccountAlias=second");
    CHECK_INT(xml_count(world_ok(w, "Action=ListAccountAliases"), "member"), 0);
    world_free(w);
}

TEST(the_summary_counts)
{
    static const struct {
        const char *key, *value;
    } rows[] = {
        {"Users", "2"},
        {"UsersQuota", "5000"},
        {"Groups", "1"},
        {"GroupsQuota", "300"},
        {"Roles", "0"},
        {"MFADevices", "1"},
        {"MFADevicesInUse", "0"},
        {"AccountMFAEnabled", "0"},
        {"AccountAccessKeysPresent", "0"},
        {"AccountPasswordPresent", "0"},
        {"AccessKeysPerUserQuota", "2"},
        {"PolicyVersionsInUse", "0"},
        {"PolicyVersionsInUseQuota", "10000"},
        {"AssumeRolePolicySizeQuota", "2048"},
        {"GlobalEndpointTokenVersion", "1"},
    };
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    world_ok(w, "Action=CreateGroup&GroupName=g");
    world_ok(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone");
    struct str summary = world_ok(w, "Action=GetAccountSummary");

    CHECK_INT(xml_count(summary, "entry"), 34);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(xml_text(xml_where(summary, "entry", "key", rows[i].key), "value"),
                  rows[i].value);
    world_account(w, "111122223333", "us-east-1");
    summary = world_ok(w, "Action=GetAccountSummary");
    CHECK_STR(xml_text(xml_where(summary, "entry", "key", "Users"), "value"), "0");
    world_free(w);
}

/* ---- the credential report ---- */

static struct str
report(struct world *w)
{
    struct str text;

    CHECK(str_unbase64(test_arena(), xml_text(world_ok(w, "Action=GetCredentialReport"), "Content"),
                       &text));
    return text;
}

static struct str
line(struct str text, size_t n)
{
    struct str row = {0};

    for (size_t i = 0; i <= n; i++) {
        CHECK(text.p);
        row = str_split(&text, '\n');
    }
    return row;
}

#define KEYS_NONE "false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A"
#define CERTS_NONE "false,N/A,false,N/A"

TEST(a_credential_report_lists_who_can_prove_what)
{
    struct world *w = world_new();

    world_refused(w, "ReportNotPresent", NULL, "Action=GetCredentialReport");
    CHECK_INT(w->http, 410);
    world_ok(w, "Action=CreateUser&UserName=Zoe");
    world_ok(w, "Action=CreateUser&UserName=a%2Cb");
    world_ok(w, "Action=UpdateAccountPasswordPolicy&MaxPasswordAge=1");
    world_ok(w, "Action=CreateLoginProfile&UserName=Zoe&Password=Str0ng-enough");
    world_advance(w, 1000);
    struct str id = xml_text(world_ok(w, "Action=CreateAccessKey&UserName=Zoe"), "AccessKeyId");

    world_okf(w, "Action=UpdateAccessKey&UserName=Zoe&AccessKeyId=%.*s&Status=Inactive",
              STR_ARG(id));
    struct str made = world_ok(w, "Action=GenerateCredentialReport");

    CHECK_STR(xml_text(made, "State"), "STARTED");
    CHECK_STR(xml_text(made, "Description"),
              "No report exists. Starting a new report generation task");
    made = world_ok(w, "Action=GenerateCredentialReport");
    CHECK_STR(xml_text(made, "State"), "COMPLETE");
    CHECK(!xml_text(made, "Description").p);
    world_crash(w);
    struct str text = report(w);

    CHECK(str_starts(text, S("user,arn,user_creation_time,password_enabled,password_last_used,"
                             "password_last_changed,password_next_rotation,mfa_active,")));
    CHECK(str_ends(line(text, 0), S("cert_1_active,cert_1_last_rotated,cert_2_active,"
                                    "cert_2_last_rotated")));
    CHECK_STR(line(text, 1),
              "<root_account>,arn:aws:iam::000000000000:root,1970-01-01T00:00:00Z,false,N/A,N/A,"
              "not_supported,false," KEYS_NONE "," CERTS_NONE);
    CHECK_STR(line(text, 2),
              "\"a,b\",\"arn:aws:iam::000000000000:user/a,b\",2026-01-01T00:00:00Z,false,N/A,N/A,"
              "N/A,false," KEYS_NONE "," CERTS_NONE);
    CHECK_STR(line(text, 3),
              "Zoe,arn:aws:iam::000000000000:user/Zoe,2026-01-01T00:00:00Z,true,no_information,"
              "2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,false,false,2026-01-01T00:00:01Z,N/A,N/A,"
              "N/A,false,N/A,N/A,N/A,N/A," CERTS_NONE);
    CHECK(!str_ends(text, S("\n")));
    world_free(w);
}

TEST(a_credential_report_is_kept_for_four_hours)
{
    struct world *w = world_new();

    world_ok(w, "Action=GenerateCredentialReport");
    world_ok(w, "Action=CreateUser&UserName=late");
    world_advance(w, 4 * 3600 * 1000);
    CHECK_STR(xml_text(world_ok(w, "Action=GenerateCredentialReport"), "State"), "COMPLETE");
    CHECK(str_find(report(w), S("late")) == SIZE_MAX);
    world_advance(w, 1);
    world_refused(w, "ReportExpired", NULL, "Action=GetCredentialReport");
    CHECK_STR(xml_text(world_ok(w, "Action=GenerateCredentialReport"), "State"), "STARTED");
    CHECK(str_find(report(w), S("late")) != SIZE_MAX);
    world_account(w, "111122223333", "us-east-1");
    world_refused(w, "ReportNotPresent", NULL, "Action=GetCredentialReport");
    world_free(w);
}
