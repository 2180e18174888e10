/* Images that are made of instances and of other images. */
#include "codec/json.h"
#include "harness/world.h"
#include "kms_help.h"

#define RUN "Action=RunInstances&InstanceType=t3.micro&MinCount=1&MaxCount=1&ImageId="
#define AMAZON "ami-009d6802948d06e52"
#define DATA "&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=2"
#define OTHER "111122223333"

static const char *
launch(struct world *w, const char *image, const char *more)
{
    const char *id = xml_cstr(world_okf(w, RUN "%s%s", image, more), "instanceId");

    world_advance(w, 1000);
    return id;
}

static struct str
describe(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeImages&ImageId.1=%s", id);
}

static int64_t
boots(struct world *w, const char *instance)
{
    struct txn *txn = world_begin(w);
    const struct host_machine_row *row = host_machine_get(txn, str_from(instance));
    int64_t n = row ? row->boots : 0;

    store_rollback(txn);
    return n;
}

TEST(an_image_is_made_of_an_instance_which_is_rebooted_for_it, "AMI-05 AMI-06")
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, DATA);
    struct str xml =
        world_okf(w, "Action=CreateImage&InstanceId=%s&Name=baked&Description=d", instance);
    const char *id = xml_cstr(xml, "imageId");

    CHECK_STR(xml_text(describe(w, id), "imageState"), "pending");
    world_refusedf(w, "InvalidAMIID.Unavailable", NULL, RUN "%s", id);
    world_advance(w, 1000);
    xml = describe(w, id);
    CHECK_STR(xml_text(xml, "imageState"), "available");
    CHECK_STR(xml_text(xml, "sourceInstanceId"), instance);
    CHECK_STR(xml_text(xml, "description"), "d");
    CHECK_INT(xml_count(xml, "ebs"), 2);
    CHECK_INT(boots(w, instance), 2);
    const char *snapshot = xml_cstr(xml, "snapshotId");

    xml = world_okf(w, "Action=DescribeSnapshots&SnapshotId.1=%s", snapshot);
    CHECK_STR(xml_text(xml, "description"),
              test_fmt("Created by CreateImage(%s) for %s", instance, id));
    world_refusedf(w, "InvalidSnapshot.InUse",
                   test_fmt("The snapshot %s is currently in use by %s", snapshot, id),
                   "Action=DeleteSnapshot&SnapshotId=%s", snapshot);
    /* what is launched of it has both volumes */
    const char *baked = launch(w, id, "");
    CHECK_INT(xml_count(world_okf(w,
                                  "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&"
                                  "Filter.1.Value.1=%s&Filter.2.Name=attachment.status&"
                                  "Filter.2.Value.1=attached",
                                  baked),
                        "attachTime"),
              2);
    xml = world_okf(w, "Action=DeregisterImage&ImageId=%s&DeleteAssociatedSnapshots=true", id);
    CHECK_INT(xml_count(xml, "returnCode"), 2);
    CHECK_STR(xml_text(xml, "returnCode"), "success");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSnapshots"), "snapshotId"), 0);
    world_free(w);
}

TEST(without_a_reboot_the_instance_runs_on, "AMI-06")
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, "");
    const char *id = xml_cstr(
        world_okf(w, "Action=CreateImage&InstanceId=%s&Name=baked&NoReboot=true", instance),
        "imageId");

    world_advance(w, 1000);
    CHECK_STR(xml_text(describe(w, id), "imageState"), "available");
    CHECK_INT(boots(w, instance), 1);
    /* of a stopped one too, and a crash in between is mended */
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    id = xml_cstr(world_okf(w, "Action=CreateImage&InstanceId=%s&Name=again", instance), "imageId");
    world_crash(w);
    world_advance(w, 1000);
    CHECK_STR(xml_text(describe(w, id), "imageState"), "available");
    CHECK_INT(boots(w, instance), 1);
    world_free(w);
}

TEST(an_instance_that_ends_while_it_is_copied_is_whole_in_its_image)
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, "");
    const char *id =
        xml_cstr(world_okf(w, "Action=CreateImage&InstanceId=%s&Name=baked", instance), "imageId");

    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(xml_text(describe(w, id), "imageState"), "available");
    world_free(w);
}

TEST(a_mapping_changes_what_the_image_maps)
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, DATA);
    const char *id = xml_cstr(
        world_okf(w,
                  "Action=CreateImage&InstanceId=%s&Name=baked&NoReboot=true"
                  "&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.NoDevice="
                  "&BlockDeviceMapping.2.DeviceName=/dev/xvda&BlockDeviceMapping.2.Ebs.VolumeSize=9"
                  "&BlockDeviceMapping.3.DeviceName=/dev/sdg&BlockDeviceMapping.3.Ebs.VolumeSize=3",
                  instance),
        "imageId");
    struct str xml = describe(w, id);

    CHECK_INT(xml_count(xml, "ebs"), 2);
    CHECK_STR(xml_text(xml, "volumeSize"), "9");
    CHECK_STR(xml_text_at(xml, "deviceName", 1), "/dev/sdg");
    world_refusedf(
        w, "InvalidBlockDeviceMapping", NULL,
        "Action=CreateImage&InstanceId=%s&Name=other&BlockDeviceMapping.1.DeviceName=/dev/xvda&"
        "BlockDeviceMapping.1.Ebs.VolumeSize=1",
        instance);
    world_refusedf(
        w, "InvalidBlockDeviceMapping", NULL,
        "Action=CreateImage&InstanceId=%s&Name=other&BlockDeviceMapping.1.DeviceName=/dev/xvda&"
        "BlockDeviceMapping.1.Ebs.Encrypted=true",
        instance);
    world_refusedf(w, "InvalidAMIName.Duplicate", NULL,
                   "Action=CreateImage&InstanceId=%s&Name=baked", instance);
    world_refusedf(w, "InvalidAMIName.Malformed", NULL, "Action=CreateImage&InstanceId=%s&Name=a*b",
                   instance);
    world_refused(w, "InvalidInstanceID.NotFound", NULL,
                  "Action=CreateImage&InstanceId=i-0123456789abcdef0&Name=other");
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    world_refusedf(w, "IncorrectInstanceState", NULL, "Action=CreateImage&InstanceId=%s&Name=other",
                   instance);
    world_free(w);
}

TEST(an_image_whose_snapshot_fails_has_failed)
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, "");

    host_sim_fail_next_storage(w->sim, "The disk is full");
    const char *id = xml_cstr(
        world_okf(w, "Action=CreateImage&InstanceId=%s&Name=baked&NoReboot=true", instance),
        "imageId");
    world_advance(w, 1000);
    CHECK_STR(xml_text(describe(w, id), "imageState"), "failed");
    world_free(w);
}

TEST(an_image_is_copied_to_another_region_and_account, "AMI-03 AMI-13 AMI-14 AMI-09")
{
    struct world *w = world_new();
    const char *instance = launch(w, AMAZON, "");
    const char *id = xml_cstr(
        world_okf(w, "Action=CreateImage&InstanceId=%s&Name=baked&NoReboot=true", instance),
        "imageId");

    world_advance(w, 1000);
    const char *snapshot = xml_cstr(describe(w, id), "snapshotId");
    /* another zone of the region has it as it is */
    launch(w, id, "&Placement.AvailabilityZone=us-east-1b");
    world_account(w, "000000000000", "eu-west-1");
    world_refusedf(w, "InvalidAMIID.NotFound", NULL, RUN "%s", id);
    struct str xml = world_okf(
        w, "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=copy&ClientToken=t", id);
    const char *copy = xml_cstr(xml, "imageId");
    CHECK_STR(
        xml_text(world_okf(w,
                           "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=copy&"
                           "ClientToken=t",
                           id),
                 "imageId"),
        copy);
    world_settle(w);
    xml = describe(w, copy);
    CHECK_STR(xml_text(xml, "imageState"), "available");
    CHECK_STR(xml_text(xml, "sourceImageId"), id);
    CHECK_STR(xml_text(xml, "sourceImageRegion"), "us-east-1");
    CHECK(!str_is(xml_text(xml, "snapshotId"), snapshot));
    launch(w, copy, "");
    /* whom it is shared with may launch it, and copy it once he may read its snapshot */
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=" OTHER, id);
    world_account(w, OTHER, "us-east-1");
    launch(w, id, "");
    world_refusedf(w, "InvalidRequest",
                   "You do not have permission to access the storage of this ami",
                   "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=mine", id);
    world_account(w, "000000000000", "us-east-1");
    world_okf(w,
              "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.UserId="
              "" OTHER,
              snapshot);
    world_account(w, OTHER, "us-east-1");
    const char *mine = xml_cstr(
        world_okf(w, "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=mine", id),
        "imageId");
    world_settle(w);
    CHECK_STR(xml_text(describe(w, mine), "imageOwnerId"), OTHER);
    world_free(w);
}

TEST(images_of_the_cloud_are_copied_too)
{
    struct world *w = world_new();
    const char *id = xml_cstr(
        world_ok(w, "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=" AMAZON "&Name=mine"),
        "imageId");

    world_settle(w);
    CHECK_STR(xml_text(describe(w, id), "imageState"), "available");
    launch(w, id, "");
    world_refused(
        w, "InvalidAMIID.NotFound", NULL,
        "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=ami-0123456789abcdef0&Name="
        "other");
    world_refused(w, "UnsupportedOperation", NULL,
                  "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=" AMAZON
                  "&Name=other&DestinationOutpostArn=x");
    world_free(w);
}

/* With the key's policy as it is, no other account may use it. */
TEST(an_encrypted_image_needs_its_key, "KMS-02 AMI-11 AMI-12 AMI-15 AMI-16")
{
    struct world *w = world_new();
    const char *managed =
        xml_cstr(world_ok(w, "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=" AMAZON
                             "&Name=managed&Encrypted=true"),
                 "imageId");
    struct str key = str_dup(&w->arena, json_path(KMS(w, "CreateKey", "{}"), "KeyMetadata.Arn"));
    const char *own =
        xml_cstr(world_okf(w,
                           "Action=CopyImage&SourceRegion=us-east-1&SourceImageId=" AMAZON
                           "&Name=own&Encrypted=true&KmsKeyId=%.*s",
                           STR_ARG(world_code(w, key))),
                 "imageId");

    world_settle(w);
    CHECK_STR(xml_text(describe(w, own), "encrypted"), "true");
    world_refusedf(w, "InvalidParameter",
                   "Snapshots encrypted with the AWS Managed CMK can’t be shared. Specify another "
                   "snapshot.",
                   "Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=" OTHER,
                   managed);
    world_refusedf(w, "InvalidParameter", NULL,
                   "Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.Group=all", own);
    world_okf(w, "Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=" OTHER,
              own);
    /* its owner launches it, on an encrypted root under the same key */
    const char *instance = launch(w, own, "");
    struct str xml = world_okf(w,
                               "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&"
                               "Filter.1.Value.1=%s",
                               instance);
    CHECK(str_eq(xml_text(xml, "kmsKeyId"), key));
    /* whom it is shared with does not, as long as the key is not shared */
    world_account(w, OTHER, "us-east-1");
    instance = launch(w, own, "");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK_STR(xml_text(xml_element(xml, "instanceState"), "name"), "terminated");
    CHECK_STR(xml_text(xml_element(xml, "stateReason"), "code"), "Client.InternalError");
    world_account(w, "000000000000", "us-east-1");
    struct str policy = S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                          "\"Principal\":{\"AWS\":[\"arn:aws:iam::000000000000:root\","
                          "\"arn:aws:iam::" OTHER ":root\"]},\"Action\":\"kms:*\","
                          "\"Resource\":\"*\"}]}");
    struct buf b;
    struct json_out o = {.buf = &b};

    buf_init(&b, 4096);
    json_open(&o, '{');
    json_key(&o, S("KeyId"));
    json_str(&o, key);
    json_key(&o, S("Policy"));
    json_str(&o, policy);
    json_close(&o, '}');
    world_json_ok(w, "kms", "PutKeyPolicy", test_cstr(buf_str(&b)));
    buf_done(&b);
    world_account(w, OTHER, "us-east-1");
    instance = launch(w, own, "");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK_STR(xml_text(xml_element(xml, "instanceState"), "name"), "running");
    world_free(w);
}
