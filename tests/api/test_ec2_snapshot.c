/* Snapshots: how they are made, shared, copied and deleted; volumes of them. */
#include "harness/world.h"
#include "kms_help.h"

#define MAKE "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=2"
#define OTHER "111122223333"

static const char *
volume(struct world *w, const char *more)
{
    const char *id = xml_cstr(world_okf(w, MAKE "%s", more), "volumeId");

    world_settle(w);
    return id;
}

static const char *
snapshot(struct world *w, const char *volume_id)
{
    const char *id =
        xml_cstr(world_okf(w, "Action=CreateSnapshot&VolumeId=%s", volume_id), "snapshotId");

    world_advance(w, 100);
    return id;
}

static struct str
describe(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeSnapshots&SnapshotId.1=%s", id);
}

TEST(a_snapshot_is_made_of_a_volume_and_a_volume_of_it)
{
    struct world *w = world_new();
    const char *from = volume(w, "");
    struct str xml = world_okf(w,
                               "Action=CreateSnapshot&VolumeId=%s&Description=d&TagSpecification.1."
                               "ResourceType=snapshot&TagSpecification.1.Tag.1.Key=Name&"
                               "TagSpecification.1.Tag.1.Value=x",
                               from);
    const char *id = xml_cstr(xml, "snapshotId");

    CHECK_STR(xml_text(xml, "status"), "pending");
    world_refusedf(w, "IncorrectState", NULL,
                   "Action=CreateVolume&AvailabilityZone=us-east-1b&SnapshotId=%s", id);
    world_refusedf(w, "IncorrectState", NULL, "Action=DeleteVolume&VolumeId=%s", from);
    /* a daemon that comes back finishes what was begun */
    world_crash(w);
    world_advance(w, 100);
    xml = describe(w, id);
    CHECK_STR(xml_text(xml, "status"), "completed");
    CHECK_STR(xml_text(xml, "progress"), "100%");
    CHECK_STR(xml_text(xml, "volumeSize"), "2");
    CHECK_STR(xml_text(xml, "description"), "d");
    CHECK_STR(xml_text(xml, "value"), "x");
    CHECK_STR(xml_text(xml, "volumeId"), from);
    /* it outlives its volume, and another zone can have it */
    world_okf(w, "Action=DeleteVolume&VolumeId=%s", from);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=CreateVolume&AvailabilityZone=us-east-1b&SnapshotId=%s&Size=1", id);
    xml = world_okf(w, "Action=CreateVolume&AvailabilityZone=us-east-1b&SnapshotId=%s", id);
    CHECK_STR(xml_text(xml, "size"), "2");
    CHECK_STR(xml_text(xml, "snapshotId"), id);
    world_okf(w, "Action=DeleteSnapshot&SnapshotId=%s", id);
    world_refusedf(w, "InvalidSnapshot.NotFound", test_fmt("The snapshot '%s' does not exist.", id),
                   "Action=DeleteSnapshot&SnapshotId=%s", id);
    world_free(w);
}

TEST(a_snapshot_that_the_host_cannot_make_is_in_error)
{
    struct world *w = world_new();
    const char *from = volume(w, "");

    host_sim_fail_next_storage(w->sim, "The disk is full");
    struct str xml = describe(w, snapshot(w, from));

    CHECK_STR(xml_text(xml, "status"), "error");
    CHECK_STR(xml_text(xml, "statusMessage"), "The disk is full");
    host_sim_refuse_next_storage(w->sim);
    CHECK_STR(xml_text(describe(w, snapshot(w, from)), "statusMessage"),
              "the host could not begin to copy it");
    world_free(w);
}

TEST(snapshots_are_listed_by_owner_page_and_filter)
{
    struct world *w = world_new();
    const char *from = volume(w, "");

    for (unsigned i = 0; i < 7; i++)
        snapshot(w, from);
    struct str xml = world_ok(w, "Action=DescribeSnapshots&MaxResults=5&Owner.1=self");

    CHECK_INT(xml_count(xml, "snapshotId"), 5);
    xml = world_okf(w, "Action=DescribeSnapshots&MaxResults=5&Owner.1=self&NextToken=%.*s",
                    STR_ARG(world_code(w, xml_text(xml, "nextToken"))));
    CHECK_INT(xml_count(xml, "snapshotId"), 2);
    CHECK_INT(
        xml_count(world_ok(w, "Action=DescribeSnapshots&Filter.1.Name=status&Filter.1.Value.1="
                              "pending"),
                  "snapshotId"),
        0);
    CHECK_INT(xml_count(world_okf(w,
                                  "Action=DescribeSnapshots&Filter.1.Name=volume-id&"
                                  "Filter.1.Value.1=%s",
                                  from),
                        "snapshotId"),
              7);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSnapshots&Owner.1=" OTHER), "snapshotId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSnapshots&RestorableBy.1=all"), "snapshotId"),
              0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSnapshots&RestorableBy.1=self"), "snapshotId"),
              7);
    world_refused(w, "InvalidUserID.Malformed", NULL, "Action=DescribeSnapshots&Owner.1=x");
    world_refused(w, "InvalidSnapshotID.Malformed", NULL,
                  "Action=DescribeSnapshots&SnapshotId.1=x");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=DescribeSnapshots&SnapshotId.1=%.*s&MaxResults=5",
                   STR_ARG(xml_text(xml, "snapshotId")));
    world_free(w);
}

TEST(a_snapshot_is_shared_with_an_account_and_with_all, "EBS-04")
{
    struct world *w = world_new();
    const char *id = snapshot(w, volume(w, ""));

    world_account(w, OTHER, "us-east-1");
    world_refusedf(w, "InvalidSnapshot.NotFound", NULL, "Action=DescribeSnapshots&SnapshotId.1=%s",
                   id);
    world_account(w, "000000000000", "us-east-1");
    world_okf(w,
              "Action=ModifySnapshotAttribute&SnapshotId=%s&Attribute=createVolumePermission&"
              "OperationType=add&UserId.1=" OTHER,
              id);
    CHECK_STR(xml_text(world_okf(w,
                                 "Action=DescribeSnapshotAttribute&SnapshotId=%s&Attribute="
                                 "createVolumePermission",
                                 id),
                       "userId"),
              OTHER);
    world_account(w, OTHER, "us-east-1");
    CHECK_STR(xml_text(describe(w, id), "ownerId"), "000000000000");
    world_okf(w, "Action=CreateVolume&AvailabilityZone=us-east-1a&SnapshotId=%s", id);
    world_refusedf(w, "AuthFailure", NULL, "Action=DeleteSnapshot&SnapshotId=%s", id);
    world_refusedf(
        w, "AuthFailure", NULL,
        "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.Group="
        "all",
        id);
    /* copied to another region it is the other account's own */
    world_account(w, OTHER, "eu-west-1");
    const char *copy =
        xml_cstr(world_okf(w, "Action=CopySnapshot&SourceRegion=us-east-1&SourceSnapshotId=%s", id),
                 "snapshotId");
    world_settle(w);
    struct str xml = describe(w, copy);
    CHECK_STR(xml_text(xml, "status"), "completed");
    CHECK_STR(xml_text(xml, "ownerId"), OTHER);
    CHECK_STR(xml_text(xml, "volumeId"), "vol-ffffffff");
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=ResetSnapshotAttribute&SnapshotId=%s&Attribute=createVolumePermission",
              id);
    world_okf(w,
              "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.Group=all",
              id);
    world_account(w, "222233334444", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSnapshots&RestorableBy.1=all"), "snapshotId"),
              1);
    /* what is copied stays when its source goes */
    world_account(w, "000000000000", "us-east-1");
    world_okf(w, "Action=DeleteSnapshot&SnapshotId=%s", id);
    world_account(w, OTHER, "eu-west-1");
    world_okf(w, "Action=CreateVolume&AvailabilityZone=eu-west-1a&SnapshotId=%s", copy);
    world_free(w);
}

TEST(what_cannot_be_done_with_a_snapshot_is_refused)
{
    static const struct {
        const char *form, *code, *message;
    } rows[] = {
        {"ModifySnapshotAttribute&SnapshotId=%s", "InvalidParameterCombination", NULL},
        {"ModifySnapshotAttribute&SnapshotId=%s&Attribute=productCodes&OperationType=add&UserId.1="
         "" OTHER,
         "InvalidParameterValue", NULL},
        {"ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.UserId=x",
         "InvalidUserID.Malformed", NULL},
        {"ModifySnapshotAttribute&SnapshotId=%s&UserId.1=" OTHER, "InvalidParameterCombination",
         NULL},
        {"CopySnapshot&SourceSnapshotId=%s&SourceRegion=xx-east-1", "InvalidParameterValue", NULL},
        {"CopySnapshot&SourceSnapshotId=%s&SourceRegion=eu-west-1", "InvalidSnapshot.NotFound",
         NULL},
        {"CopySnapshot&SourceSnapshotId=%s&SourceRegion=us-east-1&KmsKeyId=x",
         "InvalidParameterDependency", NULL},
        {"CopySnapshot&SourceSnapshotId=%s&SourceRegion=us-east-1&DestinationOutpostArn=x",
         "UnsupportedOperation", NULL},
        {"CopySnapshot&SourceSnapshotId=%s&SourceRegion=us-east-1&DestinationRegion=eu-west-1",
         "InvalidParameterValue", NULL},
    };
    struct world *w = world_new();
    const char *id = snapshot(w, volume(w, ""));

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str form = str_from(rows[i].form);
        size_t at = str_find(form, S("%s"));

        world_refusedf(w, rows[i].code, rows[i].message, "Action=%.*s%s%s", (int)at, form.p, id,
                       rows[i].form + at + 2);
    }
    world_refused(w, "InvalidVolume.NotFound", NULL,
                  "Action=CreateSnapshot&VolumeId=vol-0123456789abcdef0");
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=CreateSnapshot&VolumeId=%s&Location=local", volume(w, ""));
    world_free(w);
}

TEST(an_encrypted_snapshot_is_shared_with_its_key_alone)
{
    struct world *w = world_new();
    const char *id = snapshot(w, volume(w, "&Encrypted=true"));

    world_refusedf(
        w, "OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared",
        "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.UserId="
        "" OTHER,
        id);
    world_refusedf(
        w, "OperationNotPermitted", NULL,
        "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.Group="
        "all",
        id);
    /* a copy under a key of the account's own can be shared, and is of use with that key alone */
    struct str key = str_dup(&w->arena, json_path(KMS(w, "CreateKey", "{}"), "KeyMetadata.Arn"));
    const char *copy = xml_cstr(
        world_okf(w, "Action=CopySnapshot&SourceRegion=us-east-1&SourceSnapshotId=%s&KmsKeyId=%.*s",
                  id, STR_ARG(world_code(w, key))),
        "snapshotId");
    world_settle(w);
    CHECK(str_eq(xml_text(describe(w, copy), "kmsKeyId"), key));
    world_okf(w,
              "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.UserId="
              "" OTHER,
              copy);
    world_account(w, OTHER, "us-east-1");
    struct str xml =
        world_okf(w, "Action=CreateVolume&AvailabilityZone=us-east-1a&SnapshotId=%s", copy);
    world_settle(w);
    CHECK_STR(xml_text(world_okf(w, "Action=DescribeVolumes&VolumeId.1=%.*s",
                                 STR_ARG(xml_text(xml, "volumeId"))),
                       "status"),
              "error");
    xml = world_okf(w, "Action=CopySnapshot&SourceRegion=us-east-1&SourceSnapshotId=%s", copy);
    CHECK_STR(xml_text(describe(w, xml_cstr(xml, "snapshotId")), "statusMessage"),
              "Given key ID is not accessible");
    world_free(w);
}

TEST(all_volumes_of_an_instance_in_one_call)
{
    struct world *w = world_new();
    struct str xml = world_ok(
        w,
        "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1&"
        "MaxCount=1&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeSize="
        "1&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a&"
        "TagSpecification.1.Tag.1.Value=b");
    const char *instance = xml_cstr(xml, "instanceId");

    world_advance(w, 1000);
    xml = world_okf(w,
                    "Action=CreateSnapshots&InstanceSpecification.InstanceId=%s&CopyTagsFromSource="
                    "volume",
                    instance);
    CHECK_INT(xml_count(xml, "snapshotId"), 2);
    CHECK_INT(xml_count(xml, "key"), 2);
    world_advance(w, 100);
    xml = world_okf(w,
                    "Action=CreateSnapshots&InstanceSpecification.InstanceId=%s&"
                    "InstanceSpecification.ExcludeBootVolume=true",
                    instance);
    CHECK_INT(xml_count(xml, "snapshotId"), 1);
    world_advance(w, 100);
    CHECK_INT(
        xml_count(world_ok(w, "Action=DescribeSnapshots&Filter.1.Name=status&Filter.1.Value.1="
                              "completed"),
                  "snapshotId"),
        3);
    world_refusedf(w, "InvalidVolume.NotFound", NULL,
                   "Action=CreateSnapshots&InstanceSpecification.InstanceId=%s&"
                   "InstanceSpecification.ExcludeDataVolumeId.1=vol-0123456789abcdef0",
                   instance);
    world_free(w);
}
