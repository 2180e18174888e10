/* What a user's own keys may do to that user, and whom calls without a name are about. */
#include "codec/base32.h"
#include "codec/session.h"
#include "codec/totp.h"
#include "harness/world.h"

/* A user who may do everything, and calls from now on. */
static void
become(struct world *w, const char *name)
{
    world_okf(w, "Action=CreateUser&UserName=%s", name);
    world_okf(w, "Action=AttachUserPolicy&UserName=%s&PolicyArn="
                 "arn:aws:iam::aws:policy/AdministratorAccess", name);
    world_as_reply(w, world_okf(w, "Action=CreateAccessKey&UserName=%s", name));
}

TEST(without_a_name_a_users_calls_are_about_the_user, "IAM-01")
{
    struct world *w = world_new();

    become(w, "alice");
    CHECK_STR(xml_text(world_ok(w, "Action=GetUser"), "UserName"), "alice");
    struct str keys = world_ok(w, "Action=ListAccessKeys");

    CHECK_STR(xml_text(keys, "UserName"), "alice");
    CHECK_STR(session_key_account(test_arena(), xml_text(keys, "AccessKeyId")), "000000000000");
    world_ok(w, "Action=CreateAccessKey");
    world_refused(w, "LimitExceeded", NULL, "Action=CreateAccessKey");
    world_as_root(w);
    CHECK_INT(xml_count(world_ok(w, "Action=ListAccessKeys&UserName=alice"), "AccessKeyId"), 2);
    world_free(w);
}

TEST(who_has_a_device_manages_devices_with_it_only)
{
    static const char denied[] = "To complete this action, please ensure that you are "
                                 "authenticated with an MFA device that is enabled for this user.";
    struct world *w = world_new();
    char a[TOTP_DIGITS], b[TOTP_DIGITS];
    struct str base32, seed;

    become(w, "alice");
    struct str made = world_ok(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=d");

    CHECK(str_unbase64(test_arena(), xml_text(made, "Base32StringSeed"), &base32));
    CHECK(base32_decode(test_arena(), base32, &seed));
    totp_code(seed, totp_step(w->env.now_ms), a);
    totp_code(seed, totp_step(w->env.now_ms) + 1, b);
    const char *serial = "SerialNumber=arn:aws:iam::000000000000:mfa/d";

    world_okf(w, "Action=EnableMFADevice&UserName=alice&%s&AuthenticationCode1=%.6s&"
                 "AuthenticationCode2=%.6s", serial, a, b);
    world_refusedf(w, "AccessDenied", denied, "Action=DeactivateMFADevice&UserName=alice&%s",
                   serial);
    world_refusedf(w, "AccessDenied", denied,
                   "Action=EnableMFADevice&UserName=alice&%sx&AuthenticationCode1=%.6s&"
                   "AuthenticationCode2=%.6s", serial, a, b);
    totp_code(seed, totp_step(w->env.now_ms) + 2, a);
    world_as_reply(w, world_okf(w, "Action=GetSessionToken&%s&TokenCode=%.6s", serial, a));
    world_okf(w, "Action=DeactivateMFADevice&UserName=alice&%s", serial);
    world_as_root(w);
    CHECK_INT(xml_count(world_ok(w, "Action=ListMFADevices&UserName=alice"), "SerialNumber"), 0);
    world_free(w);
}
