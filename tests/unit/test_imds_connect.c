/* What the metadata tell for a while: keys of EC2 Instance Connect, and scheduled events. */
#include "ec2/ec2.h"
#include "harness/identity_keys.h"
#include "imds_ask.h"

#define ACTIVE MD "managed-ssh-keys/active-keys/"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzvfE+qS09w+okgrO0gY7jryF0lSCxdEO/O0UaUhuZe"
#define PUSH "{'InstanceId':'%s','InstanceOSUser':'%s','SSHPublicKey':'%s'}"

static void
push(struct world *w, const char *id, const char *user, const char *key)
{
    struct str reply =
        world_json_okf(w, "ec2instanceconnect", "SendSSHPublicKey", PUSH, id, user, key);

    CHECK_STR(json_path(reply, "Success"), "true");
    CHECK(json_path(reply, "RequestId").n == 36);
}

TEST(a_pushed_key_is_in_the_metadata_for_a_minute)
{
    struct world *w = world_new();
    const char *id = launch(w, ""), *other = launch(w, "");
    struct str text;

    world_advance(w, 1000);
    CHECK(!has_line(get(w, id, MD), "managed-ssh-keys/"));
    push(w, id, "ec2-user", KEY " me");
    push(w, id, "root", KEY);
    text = get(w, id, ACTIVE "ec2-user");
    CHECK(has_line(text, KEY " me"));
    CHECK(has_line(text, str_cstr(test_arena(), str_fmt(test_arena(), "#Instance=%s", id))));
    CHECK_STR(get(w, id, ACTIVE), "ec2-user\nroot");
    CHECK(!has_line(get(w, other, MD), "managed-ssh-keys/"));
    world_advance(w, 30000);
    push(w, id, "ec2-user", KEY " second");
    world_crash(w);
    world_advance(w, 31000);
    text = get(w, id, ACTIVE "ec2-user");
    CHECK(has_line(text, KEY " second"));
    CHECK(!has_line(text, KEY " me"));
    CHECK_STR(get(w, id, ACTIVE), "ec2-user");
    world_advance(w, 30000);
    CHECK(!has_line(get(w, id, MD), "managed-ssh-keys/"));
    world_free(w);
}

TEST(a_key_is_pushed_only_to_an_instance_of_ones_own_that_runs)
{
    struct world *w = world_new();
    const char *id = launch(w, ""), *service = "ec2instanceconnect";

    world_advance(w, 1000);
    world_json_refusedf(w, "InvalidArgsException", NULL, service, "SendSSHPublicKey", PUSH, id,
                        "ec2-user",
                        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIKzvfE+qS09w+okgrO0gY7jryF0lSCxdEO/"
                        "O0UaUhuZe somebody@somewhere");
    world_json_refusedf(w, "EC2InstanceNotFoundException", NULL, service, "SendSSHPublicKey", PUSH,
                        "i-0123456789abcdef0", "ec2-user", KEY);
    world_json_refusedf(w, "EC2InstanceNotFoundException", NULL, service, "SendSSHPublicKey",
                        "{'InstanceId':'%s','InstanceOSUser':'a','AvailabilityZone':'us-east-1f',"
                        "'SSHPublicKey':'%s'}",
                        id, KEY);
    world_account(w, "111122223333", "us-east-1");
    world_json_refusedf(w, "EC2InstanceNotFoundException", NULL, service, "SendSSHPublicKey", PUSH,
                        id, "ec2-user", KEY);
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    world_json_refusedf(w, "EC2InstanceStateInvalidException", NULL, service, "SendSSHPublicKey",
                        PUSH, id, "ec2-user", KEY);
    world_free(w);
}

TEST(scheduled_events_are_told_in_the_metadata)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    int64_t at_ms = w->env.env.now_ms(&w->env.env) + 3600000;
    const struct ec2_event_want want = {.instance_id = str_from(id),
                                        .code = S("system-reboot"),
                                        .not_before_ms = at_ms,
                                        .not_after_ms = at_ms};
    struct str event, told;

    CHECK_STR(get(w, id, MD "events/maintenance/scheduled"), "[]");
    struct txn *txn = store_begin(cloud_store(w->cloud));
    CHECK_INT(ec2_event_make(txn, &w->env.env, test_arena(), &want, &event), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_advance(w, 1000);
    told = get(w, id, MD "events/maintenance/scheduled");
    CHECK_STR(json_path(told, "0.Code"), "system-reboot");
    CHECK_STR(json_path(told, "0.State"), "active");
    CHECK(str_eq(json_path(told, "0.EventId"), event));
    CHECK(str_ends(json_path(told, "0.NotBefore"), S(" GMT")));
    CHECK_STR(get(w, id, MD "events/maintenance/history"), "[]");
    world_advance(w, 2 * 3600000);
    CHECK_STR(get(w, id, MD "events/maintenance/scheduled"), "[]");
    told = get(w, id, MD "events/maintenance/history");
    CHECK_STR(json_path(told, "0.State"), "completed");
    CHECK(str_starts(json_path(told, "0.Description"), S("[Completed] ")));
    world_free(w);
}

TEST(a_history_of_events_that_is_too_long_is_still_whole)
{
    struct world *w = world_new();
    const char *id = launch(w, "");
    struct txn *txn = store_begin(cloud_store(w->cloud));

    for (int i = 0; i < 400; i++) {
        const struct ec2_event_row row = {
            .id = str_fmt(test_arena(), "instance-event-%017d", i),
            .account = S("000000000000"),
            .region = S("us-east-1"),
            .instance_id = str_from(id),
            .code = S("system-reboot"),
            .description = S("The \"instance\" is rebooted"),
            .not_before_ms = w->env.now_ms,
            .not_after_ms = w->env.now_ms,
            .ended_ms = w->env.now_ms,
            .created_ms = w->env.now_ms,
        };
        CHECK_INT(ec2_event_insert(txn, &row), 0);
    }
    (void)store_commit(txn);
    world_flush(w);
    struct str told = get(w, id, MD "events/maintenance/history");
    CHECK(json_count(told, "") > 100);
    CHECK(str_ends(told, S("}]")));
    world_free(w);
}
