/* Hibernation, with the sim host behind it: what may, what is told, and what survives what. */
#include "ec2/ec2.h"
#include "harness/world.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"
#define ROOT "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs."
#define ON "&HibernationOptions.Configured=true"
#define MICRO "&InstanceType=t3.micro"
#define MINUTE (60 * 1000LL)
#define DAY (24 * 60 * MINUTE)

static const char *
launch(struct world *w)
{
    const char *id = xml_cstr(world_ok(w, RUN MICRO ON ROOT "Encrypted=true"), "instanceId");

    world_advance(w, 2 * MINUTE);
    return id;
}

static struct str
describe(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

static void
check_state(struct world *w, const char *id, const char *want)
{
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), want);
}

static void
act(struct world *w, const char *what, const char *id)
{
    world_okf(w, "Action=%s&InstanceId.1=%s", what, id);
}

static void
hibernate(struct world *w, const char *id)
{
    act(w, "StopInstances&Hibernate=true", id);
    world_advance(w, 1000);
    check_state(w, id, "stopped");
    CHECK(host_sim_frozen(w->sim, str_from(id)));
}

static int64_t
boots(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    const struct host_machine_row *row = host_machine_get(txn, str_from(id));
    int64_t n = row ? row->boots : 0;

    store_rollback(txn);
    return n;
}

TEST(a_hibernated_instance_goes_on_where_it_was, "HIB-01 HIB-02")
{
    struct world *w = world_new();
    const char *id = launch(w);
    struct str before = describe(w, id);

    CHECK_STR(xml_text(xml_element(before, "hibernationOptions"), "configured"), "true");
    struct str reply = world_okf(w, "Action=StopInstances&Hibernate=true&InstanceId.1=%s", id);
    CHECK_STR(xml_text(xml_element(reply, "currentState"), "name"), "stopping");
    world_advance(w, 1000);
    struct str stopped = describe(w, id);
    CHECK_STR(xml_text(xml_element(stopped, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "code"),
              "Client.UserInitiatedHibernate");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "message"),
              "Client.UserInitiatedHibernate: User initiated hibernate");
    CHECK(str_starts(xml_text(stopped, "reason"), S("User initiated (")));
    CHECK(!xml_element(stopped, "ipAddress").p);
    CHECK(host_sim_frozen(w->sim, str_from(id)));

    world_okf(w, RUN MICRO); /* takes the public address */
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    struct str after = describe(w, id);
    CHECK_STR(xml_text(xml_element(after, "instanceState"), "name"), "running");
    CHECK(!xml_element(after, "stateReason").p);
    CHECK(host_sim_runs(w->sim, str_from(id)));
    CHECK_INT(boots(w, id), 1);
    CHECK(str_eq(xml_text(after, "privateIpAddress"), xml_text(before, "privateIpAddress")));
    CHECK(xml_text(after, "ipAddress").n &&
          !str_eq(xml_text(after, "ipAddress"), xml_text(before, "ipAddress")));
    /* and again, an ordinary stop: that one boots */
    world_advance(w, 2 * MINUTE);
    hibernate(w, id);
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    act(w, "StopInstances", id);
    world_advance(w, 1000);
    CHECK(!host_sim_frozen(w->sim, str_from(id)));
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    CHECK_INT(boots(w, id), 2);
    world_free(w);
}

TEST(what_cannot_be_hibernated_is_refused_at_launch, "HIB-04 HIB-06 HIB-07 HIB-08 KMS-04")
{
    static const struct {
        const char *form, *message;
    } rows[] = {
        {MICRO, "For hibernation, the root device volume must be encrypted."},
        {"&InstanceType=t3.large" ROOT "Encrypted=true",
         "For hibernation, the root device volume must be large enough for the instance's RAM "
         "(8192 MiB)."},
        {"&InstanceType=m5.metal" ROOT "Encrypted=true",
         "Hibernation is not supported for the instance type m5.metal."},
        {"&InstanceType=c1.medium" ROOT "Encrypted=true",
         "Hibernation is not supported for the instance type c1.medium."},
        {MICRO ROOT "Encrypted=true&BlockDeviceMapping.1.Ebs.VolumeType=standard",
         "For hibernation, the root device volume must be of type gp2, gp3, io1 or io2."},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, "UnsupportedHibernationConfiguration", rows[i].message, RUN ON "%s",
                       rows[i].form);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstances"), "instanceId"), 0);
    world_ok(w, RUN ON "&InstanceType=t3.large" ROOT
                       "Encrypted=true&BlockDeviceMapping.1.Ebs.VolumeSize=20");
    /* encrypted because all of the account's are */
    world_ok(w, "Action=EnableEbsEncryptionByDefault");
    world_ok(w, RUN ON MICRO);
    /* DescribeInstanceTypes says the same of memory: no type of 150 GiB or more hibernates */
    struct str types =
        world_ok(w, "Action=DescribeInstanceTypes&Filter.1.Name=hibernation-supported"
                    "&Filter.1.Value.1=true&Filter.2.Name=bare-metal"
                    "&Filter.2.Value.1=true");
    CHECK_INT(xml_count(types, "instanceType"), 0);
    world_free(w);
}

TEST(only_what_was_configured_for_it_and_is_ready_hibernates, "HIB-01")
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_ok(w, RUN MICRO), "instanceId");

    world_advance(w, 2 * MINUTE);
    world_refusedf(w, "UnsupportedHibernationConfiguration",
                   test_fmt("The instance can't be hibernated because it was not configured at "
                            "launch for hibernation: %s",
                            id),
                   "Action=StopInstances&Hibernate=true&InstanceId.1=%s", id);
    check_state(w, id, "running");
    id = xml_cstr(world_ok(w, RUN MICRO ON ROOT "Encrypted=true"), "instanceId");
    world_advance(w, 2 * MINUTE - 1000);
    world_refusedf(w, "UnsupportedOperation",
                   test_fmt("The instance %s is not ready to hibernate yet. Retry in a few "
                            "minutes.",
                            id),
                   "Action=StopInstances&Hibernate=true&InstanceId.1=%s", id);
    world_advance(w, 1000);
    hibernate(w, id);
    act(w, "StopInstances&Hibernate=true", id); /* it is */
    check_state(w, id, "stopped");
    struct str list = world_ok(w, "Action=DescribeInstances&Filter.1.Name=hibernation-options."
                                  "configured&Filter.1.Value.1=true");
    CHECK_INT(xml_count(list, "instanceId"), 1);
    world_free(w);
}

TEST(a_hibernated_instance_keeps_its_type)
{
    struct world *w = world_new();
    const char *id = launch(w);

    hibernate(w, id);
    CHECK_FAULT(w,
                world_callf(w,
                            "Action=ModifyInstanceAttribute&InstanceType.Value=t3.small&"
                            "InstanceId=%s",
                            id),
                "UnsupportedOperation");
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    act(w, "StopInstances", id);
    world_advance(w, 1000);
    world_okf(w, "Action=ModifyInstanceAttribute&InstanceType.Value=t3.small&InstanceId=%s", id);
    world_free(w);
}

TEST(a_host_gives_a_hibernated_instance_s_room_to_others)
{
    struct world *w = world_new();
    const char *id = launch(w);
    struct txn *txn = world_begin(w);

    CHECK(ec2_instance_get(txn, str_from(id))->host.n > 0);
    store_rollback(txn);
    hibernate(w, id);
    txn = world_begin(w);
    CHECK(ec2_instance_get(txn, str_from(id))->host.n == 0);
    store_rollback(txn);
    world_free(w);
}

TEST(one_that_cannot_be_frozen_is_shut_down)
{
    struct world *w = world_new();
    const char *id = launch(w);

    host_sim_fail_next_freeze(w->sim, "a process waits in the kernel");
    act(w, "StopInstances&Hibernate=true", id);
    world_advance(w, 1000);
    struct str stopped = describe(w, id);
    CHECK_STR(xml_text(xml_element(stopped, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "code"),
              "Client.UserInitiatedHibernate");
    CHECK(!host_sim_frozen(w->sim, str_from(id)));
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    CHECK_INT(boots(w, id), 2);
    world_free(w);
}

TEST(one_that_does_not_wake_is_stopped_and_boots_next)
{
    struct world *w = world_new();
    const char *id = launch(w);

    hibernate(w, id);
    host_sim_fail_next_boot(w->sim, "nothing wakes it");
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    struct str stopped = describe(w, id);
    CHECK_STR(xml_text(xml_element(stopped, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(stopped, "stateReason"), "message"),
              "Server.InternalError: nothing wakes it");
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    check_state(w, id, "running");
    CHECK_INT(boots(w, id), 2);
    world_free(w);
}

TEST(memory_does_not_outlive_the_host_and_the_instance_says_so)
{
    struct world *w = world_new();
    const char *id = launch(w);

    hibernate(w, id);
    world_crash(w); /* the daemon alone: nothing is lost */
    world_advance(w, 1000);
    CHECK(host_sim_frozen(w->sim, str_from(id)));
    CHECK_STR(xml_text(xml_element(describe(w, id), "stateReason"), "code"),
              "Client.UserInitiatedHibernate");
    world_power_loss(w);
    world_advance(w, 1000);
    struct str lost = describe(w, id);
    CHECK_STR(xml_text(xml_element(lost, "instanceState"), "name"), "stopped");
    CHECK_STR(xml_text(xml_element(lost, "stateReason"), "message"),
              "Server.InternalError: The memory of the hibernated instance is lost. The host was "
              "restarted");
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    check_state(w, id, "running");
    CHECK_INT(boots(w, id), 2);
    world_free(w);
}

TEST(sixty_days_are_kept_and_no_more, "HIB-11")
{
    static const struct {
        int64_t days, boots;
    } rows[] = {{59, 1}, {61, 2}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new();
        const char *id = launch(w);

        hibernate(w, id);
        world_advance(w, rows[i].days * DAY);
        check_state(w, id, "stopped");
        act(w, "StartInstances", id);
        world_advance(w, 1000);
        check_state(w, id, "running");
        CHECK_INT(boots(w, id), rows[i].boots);
        world_free(w);
    }
}

TEST(a_hibernated_instance_can_be_terminated)
{
    struct world *w = world_new();
    const char *id = launch(w);

    hibernate(w, id);
    act(w, "TerminateInstances", id);
    world_advance(w, 1000);
    check_state(w, id, "terminated");
    CHECK(!host_sim_frozen(w->sim, str_from(id)));
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    world_free(w);
}

/* Its key is asked for again, and without it the memory waits. */
TEST(a_start_without_the_key_leaves_it_hibernated, "LAUNCH-11")
{
    struct world *w = world_new();
    struct str made = world_json_ok(w, "kms", "CreateKey", "{}");
    const char *key = json_cstr(made, "KeyMetadata.KeyId");
    const char *id = xml_cstr(world_okf(w,
                                        RUN MICRO ON ROOT "Encrypted=true&BlockDeviceMapping.1."
                                                          "Ebs.KmsKeyId=%s",
                                        key),
                              "instanceId");

    world_advance(w, 2 * MINUTE);
    hibernate(w, id);
    world_json_okf(w, "kms", "DisableKey", "{'KeyId':'%s'}", key);
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    check_state(w, id, "stopped");
    CHECK_STR(xml_text(xml_element(describe(w, id), "stateReason"), "code"),
              "Client.InternalError");
    CHECK(host_sim_frozen(w->sim, str_from(id)));
    world_crash(w);
    world_json_okf(w, "kms", "EnableKey", "{'KeyId':'%s'}", key);
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    check_state(w, id, "running");
    CHECK_INT(boots(w, id), 1);
    world_free(w);
}

/* Credits are earned and spent while it runs, and what it used before is not charged again. */
TEST(a_hibernated_instance_spends_no_credits)
{
    struct world *w = world_new();
    const char *id = launch(w);

    host_sim_use(w->sim, str_from(id), 2000);
    world_advance(w, 5 * MINUTE);
    hibernate(w, id);
    struct txn *txn = world_begin(w);
    const struct host_credit_row *row = host_credit_get(txn, str_from(id));
    CHECK(row);
    int64_t before = row->surplus + row->charged - row->balance;
    store_rollback(txn);
    world_advance(w, 60 * MINUTE);
    act(w, "StartInstances", id);
    world_advance(w, 1000);
    host_sim_use(w->sim, str_from(id), 0);
    world_advance(w, 2 * MINUTE);
    txn = world_begin(w);
    row = host_credit_get(txn, str_from(id));
    int64_t after = row->surplus + row->charged - row->balance;
    CHECK(after <= before + 2 * 2 * 1000000); /* at most what the last look had not seen */
    store_rollback(txn);
    world_free(w);
}
