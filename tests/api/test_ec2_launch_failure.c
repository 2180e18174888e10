/* Launches that are answered and then fail, and where instances come up again. */
#include "daemon/cloud.h"
#include "ec2/placer.h"
#include "placement_help.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
#define ONE RUN "&MinCount=1&MaxCount=1"
#define ROOT "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs."
#define GP2 "'ServiceCode': 'ebs', 'QuotaCode': 'L-D18FCD1D'"

static struct str
describe(struct world *w, struct str id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%.*s", STR_ARG(id));
}

static void
check_ended(struct world *w, struct str id, const char *code, const char *message)
{
    world_advance(w, 1000);
    struct str xml = describe(w, id);

    CHECK_STR(xml_text(xml_element(xml, "instanceState"), "name"), "terminated");
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "code"), code);
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "message"), message);
    CHECK_STR(xml_text(xml, "reason"), code);
    CHECK(!host_sim_runs(w->sim, id));
}

static struct str
launch(struct world *w, const char *form)
{
    return str_dup(&w->arena, xml_text(world_ok(w, form), "instanceId"));
}

TEST(a_launch_beyond_the_storage_quota_ends_terminated, "LAUNCH-08 LAUNCH-09 LAUNCH-13")
{
    struct world *w = world_new();

    w->storage_limit = 1;
    world_crash(w);
    struct str big = launch(w, ONE ROOT "VolumeType=gp2&BlockDeviceMapping.1.Ebs.VolumeSize=1020");
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(describe(w, big), "instanceState"), "name"), "running");
    struct str run = world_ok(w, ONE ROOT "VolumeType=gp2"),
               id = str_dup(&w->arena, xml_text(run, "instanceId"));
    CHECK_STR(xml_text(xml_element(run, "instanceState"), "name"), "pending");
    check_ended(w, id, "Client.VolumeLimitExceeded",
                "Client.VolumeLimitExceeded: Volume limit exceeded");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 2); /* once attached */
    /* another type, another account, another region */
    launch(w, ONE ROOT "VolumeType=gp3");
    world_account(w, "111122223333", "us-east-1");
    launch(w, ONE ROOT "VolumeType=gp2");
    world_account(w, "000000000000", "us-east-1");
    world_advance(w, 1000);
    CHECK_INT(host_sim_running(w->sim), 3);
    /* a restart counts the same, a volume that goes makes room, */
    world_crash(w);
    check_ended(w, launch(w, ONE ROOT "VolumeType=gp2"), "Client.VolumeLimitExceeded",
                "Client.VolumeLimitExceeded: Volume limit exceeded");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%.*s", STR_ARG(big));
    world_advance(w, 1000);
    big = launch(w, ONE ROOT "VolumeType=gp2&BlockDeviceMapping.1.Ebs.VolumeSize=1024");
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(describe(w, big), "instanceState"), "name"), "running");
    /* and so does a larger quota */
    check_ended(w, launch(w, ONE ROOT "VolumeType=gp2"), "Client.VolumeLimitExceeded",
                "Client.VolumeLimitExceeded: Volume limit exceeded");
    CHECK_STR(
        json_path(world_json_ok(w, "servicequotas", "GetServiceQuota", "{" GP2 "}"), "Quota.Value"),
        "1");
    world_json_ok(w, "servicequotas", "RequestServiceQuotaIncrease",
                  "{" GP2 ", 'DesiredValue': 2}");
    id = launch(w, ONE ROOT "VolumeType=gp2");
    world_advance(w, 1000);
    CHECK_STR(xml_text(xml_element(describe(w, id), "instanceState"), "name"), "running");
    world_free(w);
}

TEST(a_launch_from_a_damaged_snapshot_ends_terminated, "LAUNCH-10")
{
    struct world *w = world_new();
    struct str images = world_ok(w, "Action=DescribeImages&ImageId.1=ami-009d6802948d06e52");
    struct str snapshot = str_dup(&w->arena, xml_text(images, "snapshotId"));
    struct str before = launch(w, ONE);

    for (int on = 1; on >= 0; on--) {
        struct txn *txn = world_begin(w);
        bool known = ec2_fault_known(cloud_placer(w->cloud), txn, S("snapshot"), snapshot);

        CHECK(known && !ec2_fault_known(cloud_placer(w->cloud), txn, S("snapshot"), S("snap-1")));
        CHECK(ec2_fault_set(txn, S("snapshot"), snapshot, on, 1) == 0);
        store_commit(txn);
        world_flush(w);
        world_crash(w);
        struct str id = launch(w, ONE);

        if (on)
            check_ended(w, id, "Client.InternalError",
                        "Client.InternalError: Client error on launch");
        world_advance(w, 1000);
    }
    /* who was launched before has a volume of its own, and a repaired one serves again */
    CHECK_INT(host_sim_running(w->sim), 2);
    CHECK(host_sim_runs(w->sim, before));
    world_free(w);
}

TEST(a_start_is_on_another_host_and_a_reboot_is_not, "LIFE-08")
{
    struct world *w = world_new();
    struct str id = launch(w, ONE);

    world_advance(w, 1000);
    for (int i = 0; i < 5; i++) {
        struct str host = host_of(w, id);

        CHECK(host.n > 0);
        world_okf(w, "Action=RebootInstances&InstanceId.1=%.*s", STR_ARG(id));
        world_advance(w, 1000);
        CHECK(str_eq(host_of(w, id), host));
        world_okf(w, "Action=StopInstances&InstanceId.1=%.*s", STR_ARG(id));
        world_advance(w, 1000);
        CHECK(host_of(w, id).n == 0);
        if (i == 2)
            world_crash(w);
        world_okf(w, "Action=StartInstances&InstanceId.1=%.*s", STR_ARG(id));
        world_advance(w, 1000);
        CHECK(host_of(w, id).n > 0 && !str_eq(host_of(w, id), host));
    }
    world_free(w);
}
