/* Virtual MFA devices: seeds, pairs of codes, clocks that are wrong. */
#include "codec/base32.h"
#include "codec/totp.h"
#include "gen/store/iam_rows.h"
#include "harness/world.h"

#define PHONE "arn:aws:iam::000000000000:mfa/phone"

static struct str
make(struct world *w, const char *form)
{
    struct str made = world_ok(w, form), base32, seed;

    CHECK(str_unbase64(test_arena(), xml_text(made, "Base32StringSeed"), &base32));
    CHECK_INT(base32.n, 64);
    CHECK(base32_decode(test_arena(), base32, &seed));
    return seed;
}

/* A call with the codes of step now + offset and of the step after it. */
static struct str
with_pair(struct world *w, const char *form, struct str seed, int64_t offset)
{
    int64_t step = totp_step(w->env.now_ms) + offset;
    char a[TOTP_DIGITS], b[TOTP_DIGITS];

    totp_code(seed, step, a);
    totp_code(seed, step + 1, b);
    return world_callf(w, "%s&AuthenticationCode1=%.6s&AuthenticationCode2=%.6s", form, a, b);
}

#define ENABLE "Action=EnableMFADevice&UserName=a&SerialNumber=" PHONE
#define RESYNC "Action=ResyncMFADevice&UserName=a&SerialNumber=" PHONE

static void
check_bad_code(struct world *w, struct str reply)
{
    CHECK_FAULT(w, reply, "InvalidAuthenticationCode");
    CHECK_INT(w->http, 403);
    CHECK_STR(xml_text(reply, "Message"), "Authentication code for device is not valid.");
}

TEST(a_virtual_device_goes_through_its_life)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    struct str seed = make(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone");

    world_refused(w, "EntityAlreadyExists", "MFA device already exists.",
                  "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone");
    struct str list = world_ok(w, "Action=ListVirtualMFADevices&AssignmentStatus=Unassigned");

    CHECK_STR(xml_text(list, "SerialNumber"), PHONE);
    CHECK(!xml_text(list, "Base32StringSeed").p);
    CHECK(!xml_element(list, "User").p);
    world_refused(w, "NoSuchEntity", "MFA Device invalid for user.",
                  "Action=DeactivateMFADevice&UserName=a&SerialNumber=" PHONE);
    CHECK_FAULT(w, with_pair(w, RESYNC, seed, 0), "NoSuchEntity");
    CHECK_OK(w, with_pair(w, ENABLE, seed, 0));
    world_crash(w);
    struct str again = with_pair(w, ENABLE, seed, 5);

    CHECK_FAULT(w, again, "EntityAlreadyExists");
    CHECK_STR(xml_text(again, "Message"), "MFA Device for user a already exists.");
    again = with_pair(w, "Action=EnableMFADevice&UserName=b&SerialNumber=" PHONE, seed, 5);
    CHECK_STR(xml_text(again, "Message"), "MFA Device is already in use.");
    list = world_ok(w, "Action=ListMFADevices&UserName=a");
    CHECK_STR(xml_text(list, "SerialNumber"), PHONE);
    CHECK_STR(xml_text(list, "EnableDate"), "2026-01-01T00:00:00Z");
    list = world_ok(w, "Action=ListVirtualMFADevices&AssignmentStatus=Assigned");
    CHECK_STR(xml_text(xml_element(list, "User"), "UserName"), "a");
    CHECK_INT(xml_count(world_ok(w, "Action=ListVirtualMFADevices&AssignmentStatus=Unassigned"),
                        "SerialNumber"),
              0);
    world_refused(w, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.",
                  "Action=DeleteVirtualMFADevice&SerialNumber=" PHONE);
    world_refused(w, "DeleteConflict",
                  "Cannot delete entity, must remove tokens from principal first.",
                  "Action=DeleteUser&UserName=a");
    world_refused(w, "ValidationError", NULL,
                  "Action=GetMFADevice&UserName=a&SerialNumber=" PHONE);
    world_refused(w, "NoSuchEntity", NULL, "Action=GetMFADevice&UserName=b&SerialNumber=" PHONE);

    world_ok(w, "Action=DeactivateMFADevice&UserName=a&SerialNumber=" PHONE);
    CHECK_INT(xml_count(world_ok(w, "Action=ListMFADevices&UserName=a"), "SerialNumber"), 0);
    world_ok(w, "Action=DeleteVirtualMFADevice&SerialNumber=" PHONE);
    world_refused(w, "NoSuchEntity",
                  "VirtualMFADevice with serial number " PHONE " doesn't exist.",
                  "Action=DeleteVirtualMFADevice&SerialNumber=" PHONE);
    world_ok(w, "Action=DeleteUser&UserName=a");
    world_free(w);
}

TEST(the_codes_of_a_pair_follow_each_other_and_count_once)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    struct str seed = make(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone");
    int64_t step = totp_step(w->env.now_ms);
    char a[TOTP_DIGITS], b[TOTP_DIGITS];

    totp_code(seed, step, a);
    totp_code(seed, step + 1, b);
    check_bad_code(w, world_callf(w, ENABLE "&AuthenticationCode1=%.6s&AuthenticationCode2=%.6s",
                                  b, a));
    check_bad_code(w, world_callf(w, ENABLE "&AuthenticationCode1=%.6s&AuthenticationCode2=%.6s",
                                  a, a));
    CHECK_OK(w, with_pair(w, ENABLE, seed, 0));
    check_bad_code(w, with_pair(w, RESYNC, seed, 0));
    check_bad_code(w, with_pair(w, RESYNC, seed, 1)); /* its first was the second */
    CHECK_OK(w, with_pair(w, RESYNC, seed, 2));
    world_ok(w, "Action=DeactivateMFADevice&UserName=a&SerialNumber=" PHONE);
    world_crash(w);
    check_bad_code(w, with_pair(w, ENABLE, seed, 2));
    CHECK_OK(w, with_pair(w, ENABLE, seed, 4));
    world_free(w);
}

TEST(a_devices_clock_may_be_eight_hours_off_and_is_learnt)
{
    static const struct {
        int64_t offset; /* of the first code */
        bool ok;
    } rows[] = {{999, true}, {1000, false}, {-999, true}, {-1000, false}};
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str seed = make(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone");
        struct str reply = with_pair(w, ENABLE, seed, rows[i].offset);

        if (!rows[i].ok) {
            check_bad_code(w, reply);
        } else {
            CHECK_OK(w, reply);
            world_advance(w, 3600000);
            /* From where the clock was, not from ours. */
            check_bad_code(w, with_pair(w, RESYNC, seed, rows[i].offset + 1001));
            CHECK_OK(w, with_pair(w, RESYNC, seed, rows[i].offset + 900));
            world_ok(w, "Action=DeactivateMFADevice&UserName=a&SerialNumber=" PHONE);
        }
        world_ok(w, "Action=DeleteVirtualMFADevice&SerialNumber=" PHONE);
    }
    world_free(w);
}

TEST(a_user_has_eight_devices_at_most)
{
    struct world *w = world_new();
    struct str last = {0};

    world_ok(w, "Action=CreateUser&UserName=a");
    for (int i = 0; i <= 8; i++) {
        struct str seed = make(
            w, test_fmt("Action=CreateVirtualMFADevice&VirtualMFADeviceName=d%d&Path=/p/", i));

        last = with_pair(w,
                         test_fmt("Action=EnableMFADevice&UserName=a&SerialNumber="
                                  "arn:aws:iam::000000000000:mfa/p/d%d",
                                  i),
                         seed, 0);
    }
    CHECK_FAULT(w, last, "LimitExceeded");
    struct str page = world_ok(w, "Action=ListMFADevices&UserName=a&MaxItems=7");

    page = world_okf(w, "Action=ListMFADevices&UserName=a&Marker=%.*s",
                     STR_ARG(xml_text(page, "Marker")));
    CHECK_INT(xml_count(page, "SerialNumber"), 1);
    page = world_ok(w, "Action=ListVirtualMFADevices&MaxItems=8");
    page = world_okf(w, "Action=ListVirtualMFADevices&Marker=%.*s",
                     STR_ARG(xml_text(page, "Marker")));
    CHECK_STR(xml_text(page, "SerialNumber"), "arn:aws:iam::000000000000:mfa/p/d8");
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=ListVirtualMFADevices"), "SerialNumber"), 0);
    world_refused(w, "NoSuchEntity", NULL,
                  "Action=DeleteVirtualMFADevice&SerialNumber=arn:aws:iam::000000000000:mfa/p/d8");
    world_free(w);
}

TEST(keys_of_tags_of_devices_differ_by_case)
{
    struct world *w = world_new();

    make(w, "Action=CreateVirtualMFADevice&VirtualMFADeviceName=phone&Tags.member.1.Key=Team&"
            "Tags.member.1.Value=one&Tags.member.2.Key=team&Tags.member.2.Value=two");
    CHECK_INT(xml_count(world_ok(w, "Action=ListMFADeviceTags&SerialNumber=" PHONE), "Key"), 2);
    world_ok(w, "Action=TagMFADevice&SerialNumber=" PHONE
                "&Tags.member.1.Key=TEAM&Tags.member.1.Value=three");
    world_ok(w, "Action=UntagMFADevice&SerialNumber=" PHONE "&TagKeys.member.1=team");
    world_crash(w);
    struct str tags = world_ok(w, "Action=ListMFADeviceTags&SerialNumber=" PHONE);

    CHECK_STR(xml_text_at(tags, "Key", 0), "TEAM");
    CHECK_STR(xml_text_at(tags, "Key", 1), "Team");
    world_refused(w, "InvalidInput", "The provided tag map must not be null/empty.",
                  "Action=TagMFADevice&Tags=&SerialNumber=" PHONE);
    world_refused(w, "InvalidInput", "The provided tag keys must not be null/empty.",
                  "Action=UntagMFADevice&TagKeys=&SerialNumber=" PHONE);
    world_refused(w, "InvalidInput", NULL,
                  "Action=TagMFADevice&SerialNumber=" PHONE
                  "&Tags.member.1.Key=aws%3Ax&Tags.member.1.Value=three");
    world_free(w);
}
