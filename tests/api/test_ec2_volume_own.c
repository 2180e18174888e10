/* Volumes that are made by themselves, and where they are attached. */
#include "ec2/placer.h"
#include "harness/world.h"
#include "kms_help.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&MaxCount=" \
    "1"
#define IN_A "&Placement.AvailabilityZone=us-east-1a"
#define MAKE "Action=CreateVolume&AvailabilityZone=us-east-1a"

static const char *
volume(struct world *w, const char *more)
{
    const char *id = xml_cstr(world_okf(w, MAKE "%s", more), "volumeId");

    world_settle(w);
    return id;
}

static const char *
launch(struct world *w, const char *more)
{
    const char *id = xml_cstr(world_okf(w, RUN "%s", more), "instanceId");

    world_advance(w, 1000);
    return id;
}

static struct str
describe(struct world *w, const char *id)
{
    return xml_element(world_okf(w, "Action=DescribeVolumes&VolumeId.1=%s", id), "volumeSet");
}

static const char *
attached(struct world *w, const char *id)
{
    return xml_cstr(xml_element(describe(w, id), "attachmentSet"), "status");
}

static const char *
state(struct world *w, const char *id)
{
    return xml_cstr(describe(w, id), "status");
}

TEST(a_volume_is_made_shown_and_deleted)
{
    struct world *w = world_new();
    struct str xml = world_ok(w, MAKE "&Size=10&VolumeType=gp3&TagSpecification.1.ResourceType="
                                      "volume&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1."
                                      "Tag.1.Value=data");
    const char *id = xml_cstr(xml, "volumeId");

    CHECK_STR(xml_text(xml, "status"), "creating");
    CHECK_STR(xml_text(xml, "iops"), "3000");
    world_settle(w);
    CHECK_STR(str_from(state(w, id)), "available");
    CHECK_STR(xml_text(describe(w, id), "value"), "data");
    world_crash(w);
    CHECK_STR(str_from(state(w, id)), "available");
    /* in no other account or region */
    world_account(w, "111122223333", "us-east-1");
    world_refusedf(w, "InvalidVolume.NotFound", NULL, "Action=DeleteVolume&VolumeId=%s", id);
    world_account(w, "000000000000", "eu-west-1");
    world_refusedf(w, "InvalidVolume.NotFound", NULL, "Action=DeleteVolume&VolumeId=%s", id);
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=DeleteVolume&VolumeId=%s", id);
    world_refusedf(w, "InvalidVolume.NotFound", test_fmt("The volume '%s' does not exist.", id),
                   "Action=DeleteVolume&VolumeId=%s", id);
    world_free(w);
}

TEST(a_client_token_makes_one_volume)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=1&ClientToken=t");

    CHECK_STR(str_from(volume(w, "&Size=1&ClientToken=t")), id);
    world_refused(w, "IdempotentParameterMismatch", NULL, MAKE "&Size=2&ClientToken=t");
    world_free(w);
}

TEST(what_a_volume_cannot_be_is_refused)
{
    static const struct {
        const char *form, *code, *message;
    } rows[] = {
        {"", "MissingParameter", "The request must contain the parameter size/snapshot"},
        {"&Size=70000&VolumeType=gp3", "InvalidParameterValue", NULL},
        {"&Size=10&VolumeType=st1", "InvalidParameterValue", NULL},
        {"&Size=10&VolumeType=io2", "MissingParameter", NULL},
        {"&Size=10&VolumeType=gp2&Iops=100", "InvalidParameterCombination", NULL},
        {"&Size=10&VolumeType=gp4", "InvalidParameterValue", NULL},
        {"&Size=10&KmsKeyId=x", "InvalidParameterDependency", NULL},
        {"&Size=10&MultiAttachEnabled=true", "InvalidParameterCombination",
         "The parameter multiAttachEnabled is not supported for gp2 volumes."},
        {"&Size=10&VolumeType=io1&Iops=100&MultiAttachEnabled=true", "UnsupportedOperation", NULL},
        {"&Size=10&OutpostArn=x", "UnsupportedOperation", NULL},
        {"&Size=10&VolumeInitializationRate=100", "UnsupportedOperation", NULL},
        {"&SnapshotId=snap-0123456789abcdef0", "InvalidSnapshot.NotFound",
         "The snapshot 'snap-0123456789abcdef0' does not exist."},
        {"&SnapshotId=x", "InvalidSnapshotID.Malformed", NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        world_refusedf(w, rows[i].code, rows[i].message, MAKE "%s", rows[i].form);
    world_refused(w, "InvalidParameterValue", "Invalid availability zone: [us-east-1z]",
                  "Action=CreateVolume&Size=1&AvailabilityZone=us-east-1z");
    world_refused(w, "MissingParameter", NULL, "Action=CreateVolume&Size=1");
    world_free(w);
}

TEST(storage_beyond_the_quota_is_no_volume, "EBS-03")
{
    struct world *w = world_new();

    w->storage_limit = 1;
    world_crash(w);
    const char *id = volume(w, "&Size=1000&VolumeType=gp2");
    world_refused(w, "VolumeLimitExceeded", NULL, MAKE "&Size=25&VolumeType=gp2");
    world_refusedf(w, "VolumeLimitExceeded", NULL, "Action=ModifyVolume&VolumeId=%s&Size=1025", id);
    volume(w, "&Size=1000&VolumeType=gp3");
    world_okf(w, "Action=DeleteVolume&VolumeId=%s", id);
    volume(w, "&Size=1000&VolumeType=gp2");
    /* what starts from a damaged snapshot is in error */
    const char *snapshot = xml_cstr(
        world_okf(w, "Action=CreateSnapshot&VolumeId=%s", volume(w, "&Size=1&VolumeType=gp3")),
        "snapshotId");
    world_advance(w, 100);
    struct txn *txn = world_begin(w);
    CHECK_INT(ec2_fault_set(txn, S("snapshot"), str_from(snapshot), true, 1), 0);
    store_commit(txn);
    CHECK_STR(str_from(state(w, volume(w, test_fmt("&VolumeType=gp3&SnapshotId=%s", snapshot)))),
              "error");
    world_free(w);
}

TEST(a_volume_is_attached_to_a_running_instance_and_detached)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4"), *instance = launch(w, IN_A);
    struct str xml =
        world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);

    CHECK_STR(xml_text(xml, "status"), "attaching");
    CHECK_STR(xml_text(xml, "deleteOnTermination"), "false");
    CHECK_STR(str_from(state(w, id)), "in-use");
    world_advance(w, 100);
    CHECK_STR(str_from(attached(w, id)), "attached");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    CHECK_INT(xml_count(xml_element(xml, "blockDeviceMapping"), "ebs"), 2);
    CHECK_STR(xml_text_at(xml, "deviceName", 1), "/dev/sdf");
    /* a restart of the daemon and one of the instance change nothing */
    world_crash(w);
    world_advance(w, 100);
    CHECK_STR(str_from(attached(w, id)), "attached");
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(str_from(attached(w, id)), "attached");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(str_from(attached(w, id)), "attached");
    xml =
        world_okf(w, "Action=DetachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    CHECK_STR(xml_text(xml, "status"), "detaching");
    world_advance(w, 100);
    CHECK_STR(str_from(state(w, id)), "available");
    world_refusedf(w, "IncorrectState", test_fmt("Volume '%s' is in the 'available' state.", id),
                   "Action=DetachVolume&VolumeId=%s", id);
    world_free(w);
}

TEST(a_stopped_instance_takes_volumes_and_lets_them_go)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4"), *instance = launch(w, IN_A);

    world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_settle(w);
    CHECK_STR(str_from(attached(w, id)), "attached");
    world_okf(w, "Action=DetachVolume&VolumeId=%s", id);
    world_settle(w);
    CHECK_STR(str_from(state(w, id)), "available");
    world_free(w);
}

TEST(a_volume_that_the_host_cannot_attach_is_available_again)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4"), *instance = launch(w, IN_A);

    host_sim_fail_next_storage(w->sim, "This host has no loop devices");
    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_advance(w, 100);
    CHECK_STR(str_from(state(w, id)), "available");
    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_advance(w, 100);
    CHECK_STR(str_from(attached(w, id)), "attached");
    /* one that a start does not get is none of the instance's any more */
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    host_sim_fail_next_storage(w->sim, "This host has no loop devices");
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(str_from(state(w, id)), "available");
    world_free(w);
}

TEST(what_cannot_be_attached_or_detached_is_refused)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4"), *used = volume(w, "&Size=4"),
               *instance = launch(w, IN_A),
               *other = launch(w, "&Placement.AvailabilityZone=us-east-1b");
    struct str xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
    const char *root = xml_cstr(xml_element(xml, "blockDeviceMapping"), "volumeId");

    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", used, instance);
    world_advance(w, 100);
    world_refusedf(w, "VolumeInUse", test_fmt("%s is already attached to an instance", used),
                   "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdg", used, instance);
    world_refusedf(
        w, "InvalidParameterValue",
        "Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use",
        "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_refusedf(
        w, "InvalidParameterValue",
        "Value (/dev/sdk1) for parameter device is invalid. /dev/sdk1 is not a valid EBS "
        "device name.",
        "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdk1", id, instance);
    world_refusedf(w, "InvalidVolume.ZoneMismatch",
                   test_fmt("The volume '%s' is not in the same availability zone as instance '%s'",
                            id, other),
                   "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, other);
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL,
                   "Action=AttachVolume&VolumeId=%s&InstanceId=i-0123456789abcdef0&Device=/dev/sdf",
                   id);
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdg&EbsCardIndex=1",
                   id, instance);
    world_refusedf(w, "VolumeInUse",
                   test_fmt("Volume %s is currently attached to %s", used, instance),
                   "Action=DeleteVolume&VolumeId=%s", used);
    world_refusedf(w, "InvalidAttachment.NotFound", NULL,
                   "Action=DetachVolume&VolumeId=%s&InstanceId=%s", used, other);
    world_refusedf(w, "OperationNotPermitted",
                   test_fmt("Unable to detach root volume '%s' from instance '%s'", root, instance),
                   "Action=DetachVolume&VolumeId=%s", root);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", other);
    world_advance(w, 1000);
    world_refusedf(w, "IncorrectState", test_fmt("Instance '%s' is not 'running'.", other),
                   "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdg", id, other);
    /* as many as the type's bus takes: 28 with an interface and the root */
    for (unsigned i = 0; i < 25; i++) {
        world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/xvdb%c",
                  volume(w, "&Size=1"), instance, (char)('a' + i));
    }
    world_refusedf(w, "AttachmentLimitExceeded", NULL,
                   "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdz", id, instance);
    world_free(w);
}

TEST(a_launch_brings_volumes_beside_its_root)
{
    struct world *w = world_new();
    const char *from = volume(w, "&Size=3");
    const char *snapshot =
        xml_cstr(world_okf(w, "Action=CreateSnapshot&VolumeId=%s", from), "snapshotId");

    world_advance(w, 100);
    const char *instance = launch(
        w,
        test_fmt("&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize=2"
                 "&BlockDeviceMapping.2.DeviceName=/dev/sdg&BlockDeviceMapping.2.Ebs.SnapshotId=%s"
                 "&BlockDeviceMapping.2.Ebs.DeleteOnTermination=false"
                 "&BlockDeviceMapping.3.DeviceName=/dev/sdh&BlockDeviceMapping.3.NoDevice=",
                 snapshot));
    struct str xml =
        world_okf(w,
                  "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=%s"
                  "&Filter.2.Name=attachment.status&Filter.2.Value.1=attached",
                  instance);

    CHECK_INT(xml_count(xml, "attachTime"), 3);
    CHECK_INT(xml_count(xml, "size"), 3);
    xml = xml_element(world_okf(w, "Action=DescribeVolumes&Filter.1.Name=attachment.device"
                                   "&Filter.1.Value.1=/dev/sdg"),
                      "volumeSet");
    const char *kept = xml_cstr(xml, "volumeId");

    CHECK_STR(xml_text(xml, "snapshotId"), snapshot);
    CHECK_STR(xml_text(xml, "size"), "3");
    world_okf(
        w,
        "Action=ModifyInstanceAttribute&InstanceId=%s&BlockDeviceMapping.1.DeviceName=/dev/sdf"
        "&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
        instance);
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 2);
    CHECK_STR(str_from(state(w, kept)), "available");
    world_free(w);
}

TEST(a_detach_waits_for_the_guest_unless_it_is_by_force)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=1"), *instance = launch(w, IN_A);

    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_advance(w, 100);
    CHECK_STR(str_from(attached(w, id)), "attached");
    host_sim_hold_volumes(w->sim, true);
    struct str xml = world_okf(w, "Action=DetachVolume&VolumeId=%s", id);
    CHECK_STR(xml_text(xml, "status"), "detaching");
    world_advance(w, 5000);
    CHECK_STR(str_from(attached(w, id)), "busy");
    CHECK_STR(str_from(state(w, id)), "in-use");
    world_crash(w);
    world_advance(w, 5000);
    CHECK_STR(str_from(attached(w, id)), "busy");
    world_okf(w, "Action=DetachVolume&VolumeId=%s&Force=true", id);
    world_advance(w, 5000);
    CHECK_STR(str_from(state(w, id)), "available");
    world_free(w);
}

TEST(a_volume_grows_and_changes_while_it_is_used)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4&VolumeType=gp2"), *instance = launch(w, IN_A);

    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_advance(w, 100);
    struct str xml = world_okf(w, "Action=ModifyVolume&VolumeId=%s&Size=8&VolumeType=gp3", id);

    CHECK_STR(xml_text(xml, "modificationState"), "modifying");
    CHECK_STR(xml_text(xml, "originalSize"), "4");
    CHECK_STR(xml_text(xml, "targetSize"), "8");
    CHECK_STR(xml_text(xml, "targetVolumeType"), "gp3");
    CHECK_STR(xml_text(xml, "targetIops"), "3000");
    world_refusedf(w, "IncorrectModificationState", NULL, "Action=ModifyVolume&VolumeId=%s&Size=9",
                   id);
    world_advance(w, 100);
    xml = world_okf(w, "Action=DescribeVolumesModifications&VolumeId.1=%s", id);
    CHECK_STR(xml_text(xml, "modificationState"), "completed");
    CHECK_STR(xml_text(xml, "progress"), "100");
    world_refusedf(w, "VolumeModificationRateExceeded",
                   "You've reached the maximum modification rate per volume limit. Wait at least 6 "
                   "hours between modifications per EBS volume.",
                   "Action=ModifyVolume&VolumeId=%s&Size=9", id);
    world_advance(w, 6 * 3600 * 1000);
    world_refusedf(w, "InvalidParameterValue", "New size cannot be smaller than existing size",
                   "Action=ModifyVolume&VolumeId=%s&Size=7", id);
    world_refusedf(w, "MissingParameter", NULL, "Action=ModifyVolume&VolumeId=%s", id);
    world_okf(w, "Action=ModifyVolume&VolumeId=%s&Iops=3500", id);
    CHECK_STR(xml_text(describe(w, id), "size"), "8");
    CHECK_STR(xml_text(describe(w, id), "iops"), "3500");
    CHECK_STR(xml_text(describe(w, id), "throughput"), "125");
    world_refused(w, "InvalidVolume.NotFound", NULL,
                  "Action=DescribeVolumesModifications&VolumeId.1=vol-0123456789abcdef0");
    world_free(w);
}

TEST(the_switches_of_a_volume)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4");

    world_okf(w, "Action=ModifyVolumeAttribute&VolumeId=%s&AutoEnableIO.Value=true", id);
    CHECK_STR(
        xml_text(
            world_okf(w, "Action=DescribeVolumeAttribute&VolumeId=%s&Attribute=autoEnableIO", id),
            "value"),
        "true");
    world_refusedf(w, "MissingParameter", NULL, "Action=ModifyVolumeAttribute&VolumeId=%s", id);
    world_okf(w, "Action=EnableVolumeIO&VolumeId=%s", id);
    world_refused(w, "InvalidVolume.NotFound", NULL,
                  "Action=EnableVolumeIO&VolumeId=vol-0123456789abcdef0");
    world_free(w);
}

TEST(an_encrypted_volume_is_unsealed_while_its_instance_runs)
{
    struct world *w = world_new();
    const char *id = volume(w, "&Size=4&Encrypted=true"), *instance = launch(w, IN_A);
    struct str arn = str_dup(&w->arena, xml_text(describe(w, id), "kmsKeyId"));

    CHECK(str_starts(arn, S("arn:aws:kms:us-east-1:000000000000:key/")));
    world_okf(w, "Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", id, instance);
    world_advance(w, 100);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%.*s'}", STR_ARG(arn)), "Grants"), 1);
    world_okf(w, "Action=DetachVolume&VolumeId=%s", id);
    world_advance(w, 100);
    CHECK_INT(json_count(KMS(w, "ListGrants", "{'KeyId':'%.*s'}", STR_ARG(arn)), "Grants"), 0);
    /* under a key that is not usable none is made */
    CHECK_STR(str_from(state(w, volume(w, "&Size=4&Encrypted=true&KmsKeyId=alias/none"))), "error");
    world_free(w);
}
