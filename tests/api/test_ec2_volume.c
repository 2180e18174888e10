/* Volumes: the roots that instances bring along. */
#include "harness/world.h"

#define TINY "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=welkin-tiny"

static struct str
run(struct world *w, const char *rest)
{
    struct str tiny = world_ok(w, TINY);

    return world_callf(w,
                       "Action=RunInstances&ImageId=%.*s&InstanceType=t3.nano&MinCount=1&"
                       "MaxCount=1&%s",
                       STR_ARG(xml_text(tiny, "imageId")), rest);
}

#define ROOT "BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs."

TEST(an_instance_brings_its_root_volume, "EBS-01")
{
    struct world *w = world_new();
    struct str instance = run(w, "TagSpecification.1.ResourceType=volume&"
                                 "TagSpecification.1.Tag.1.Key=Name&"
                                 "TagSpecification.1.Tag.1.Value=root");

    CHECK_OK(w, instance);
    struct str xml = world_ok(w, "Action=DescribeVolumes");
    struct str attachment = xml_element(xml, "attachmentSet");

    CHECK_INT(xml_count(xml_element(xml, "volumeSet"), "size"), 1);
    CHECK_STR(xml_text(xml, "size"), "8");
    CHECK_STR(xml_text(xml, "volumeType"), "gp3");
    CHECK_STR(xml_text(xml, "iops"), "3000");
    CHECK_STR(xml_text(xml, "throughput"), "125");
    CHECK_STR(xml_text(xml, "encrypted"), "false");
    CHECK_STR(xml_text(xml, "multiAttachEnabled"), "false");
    CHECK(str_starts(xml_text(xml, "snapshotId"), S("snap-")));
    CHECK(str_starts(xml_text(xml, "availabilityZone"), S("us-east-1")));
    CHECK(str_starts(xml_text(xml, "availabilityZoneId"), S("use1-az")));
    CHECK(str_eq(xml_text(attachment, "instanceId"), xml_text(instance, "instanceId")));
    CHECK_STR(xml_text(attachment, "device"), "/dev/xvda");
    CHECK_STR(xml_text(attachment, "status"), "attached");
    CHECK_STR(xml_text(attachment, "deleteOnTermination"), "true");
    CHECK_STR(xml_text(xml_element(xml, "tagSet"), "value"), "root");
    world_crash(w);
    CHECK(str_eq(xml_text(world_ok(w, "Action=DescribeVolumes"), "volumeId"),
                 xml_text(xml, "volumeId")));
    world_free(w);
}

TEST(a_mapping_changes_the_root)
{
    static const struct {
        const char *mapping, *element, *value;
    } rows[] = {
        {ROOT "VolumeSize=20", "size", "20"},
        {ROOT "VolumeType=gp2", "iops", "100"},
        {ROOT "VolumeType=gp2&BlockDeviceMapping.1.Ebs.VolumeSize=100", "iops", "300"},
        {ROOT "VolumeType=gp2&BlockDeviceMapping.1.Ebs.VolumeSize=10000", "iops", "16000"},
        {ROOT "Iops=4000", "iops", "4000"},
        {ROOT "Throughput=250", "throughput", "250"},
        {ROOT "VolumeType=io1&BlockDeviceMapping.1.Ebs.Iops=200", "iops", "200"},
        {ROOT "DeleteOnTermination=false", "deleteOnTermination", "false"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str made = run(w, rows[i].mapping);

        if (w->http != 200)
            FAIL("%s: %.*s", rows[i].mapping, STR_ARG(made));
        struct str id = xml_text(made, "instanceId");
        struct str xml = world_callf(w,
                                     "Action=DescribeVolumes&"
                                     "Filter.1.Name=attachment.instance-id&Filter.1.Value.1="
                                     "%.*s",
                                     STR_ARG(id));

        CHECK_STR(xml_text(xml, rows[i].element), rows[i].value);
    }
    world_free(w);
}

TEST(a_mapping_that_cannot_be_is_refused)
{
    static const struct {
        const char *mapping, *code, *message;
    } rows[] = {
        {ROOT "VolumeSize=4", "InvalidBlockDeviceMapping", NULL},
        {ROOT "VolumeSize=70000", "InvalidParameterValue",
         "Volume of 70000GiB is too large for volume type gp3 (Maximum is 65536GiB)"},
        {ROOT "VolumeType=st1", "InvalidParameterValue",
         "Volume of 8GiB is too small for volume type st1 (Minimum is 125GiB)"},
        {ROOT "VolumeType=gp2&BlockDeviceMapping.1.Ebs.Iops=100", "InvalidParameterCombination",
         "The parameter iops is not supported for gp2 volumes."},
        {ROOT "VolumeType=io1", "MissingParameter", NULL},
        {ROOT "VolumeType=io1&BlockDeviceMapping.1.Ebs.Iops=900", "InvalidParameterValue", NULL},
        {ROOT "Iops=100", "InvalidParameterValue", NULL},
        {ROOT "Iops=100000", "InvalidParameterValue", NULL},
        {ROOT "Throughput=5000", "InvalidParameterValue", NULL},
        {ROOT "KmsKeyId=x", "InvalidParameterDependency",
         "The parameter KmsKeyId requires the parameter Encrypted to be set."},
        {ROOT "SnapshotId=snap-0123456789abcdef0", "Unsupported", NULL},
        {ROOT "VolumeInitializationRate=100", "Unsupported", NULL},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdh&BlockDeviceMapping.1.VirtualName=ephemeral0",
         "Unsupported", NULL},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdh1&BlockDeviceMapping.1.Ebs.VolumeSize=10",
         "InvalidBlockDeviceMapping", "Invalid device name /dev/sdh1"},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdh", "MissingParameter",
         "The request must contain the parameter ebs"},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdh&BlockDeviceMapping.1.Ebs.VolumeType=gp3",
         "MissingParameter", "The request must contain the parameter size/snapshot"},
        {"BlockDeviceMapping.1.DeviceName=/dev/sdh&BlockDeviceMapping.1.Ebs.VolumeSize=1&"
         "BlockDeviceMapping.2.DeviceName=/dev/sdh&BlockDeviceMapping.2.Ebs.VolumeSize=1",
         "InvalidBlockDeviceMapping", "Duplicate device name '/dev/sdh' in mapping"},
        {"BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.VirtualName=ephemeral0",
         "InvalidBlockDeviceMapping", NULL},
        {"BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.NoDevice=",
         "InvalidBlockDeviceMapping", NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str xml = run(w, rows[i].mapping);

        if (!str_is(xml_text(xml, "Code"), rows[i].code))
            FAIL("%s: %.*s", rows[i].mapping, STR_ARG(xml));
        if (rows[i].message)
            CHECK_STR(xml_text(xml, "Message"), rows[i].message);
    }
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "volumeId"), 0);
    world_free(w);
}

TEST(volumes_go_with_their_instance_or_stay, "EBS-02")
{
    struct world *w = world_new();
    struct str goes = xml_text(run(w, ""), "instanceId");
    struct str stays = xml_text(run(w, ROOT "DeleteOnTermination=false"), "instanceId");

    world_advance(w, 1000);
    CHECK_OK(w, world_callf(w, "Action=StopInstances&InstanceId.1=%.*s", STR_ARG(goes)));
    world_advance(w, 60000);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes&Filter.1.Name=status&"
                                    "Filter.1.Value.1=in-use"),
                        "size"),
              2);
    CHECK_OK(w, world_callf(w, "Action=TerminateInstances&InstanceId.1=%.*s&InstanceId.2=%.*s",
                            STR_ARG(goes), STR_ARG(stays)));
    world_advance(w, 60000);
    struct str xml = world_ok(w, "Action=DescribeVolumes");

    CHECK_INT(xml_count(xml, "size"), 1);
    CHECK_STR(xml_text(xml_element(xml, "volumeSet"), "status"), "available");
    CHECK(!xml_text(xml, "instanceId").p);
    world_free(w);
}

TEST(volumes_are_filtered_by_every_fact)
{
    static const struct {
        const char *filter, *value;
        size_t n;
    } rows[] = {
        {"attachment.attach-time", "20*", 2},
        {"attachment.delete-on-termination", "false", 1},
        {"attachment.device", "/dev/xvda", 2},
        {"attachment.instance-id", "i-*", 2},
        {"attachment.status", "attached", 2},
        {"availability-zone", "us-east-1*", 2},
        {"availability-zone-id", "use1-az*", 2},
        {"create-time", "20*", 2},
        {"encrypted", "false", 2},
        {"fast-restored", "true", 0},
        {"multi-attach-enabled", "false", 2},
        {"operator.managed", "false", 2},
        {"operator.principal", "*", 0},
        {"size", "20", 1},
        {"snapshot-id", "snap-*", 2},
        {"status", "in-use", 2},
        {"status", "available", 0},
        {"tag:Name", "root", 1},
        {"tag-key", "Name", 1},
        {"volume-id", "vol-*", 2},
        {"volume-type", "gp3", 2},
    };
    struct world *w = world_new();

    CHECK_OK(w, run(w, "TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=Name&"
                       "TagSpecification.1.Tag.1.Value=root"));
    CHECK_OK(w, run(w, ROOT "DeleteOnTermination=false&BlockDeviceMapping.1.Ebs.VolumeSize=20"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = world_code(w, str_from(rows[i].filter));
        struct str value = world_code(w, str_from(rows[i].value));
        struct str xml = world_callf(w,
                                     "Action=DescribeVolumes&Filter.1.Name=%.*s&"
                                     "Filter.1.Value.1=%.*s",
                                     STR_ARG(name), STR_ARG(value));

        if (w->http != 200 || xml_count(xml, "size") != rows[i].n)
            FAIL("%s=%s: %.*s", rows[i].filter, rows[i].value, STR_ARG(xml));
    }
    world_free(w);
}

TEST(the_status_of_volumes_is_shown)
{
    static const struct {
        const char *filter, *value;
        size_t n;
    } rows[] = {
        {"volume-status.status", "ok", 1},
        {"volume-status.status", "impaired", 0},
        {"volume-status.details-name", "io-enabled", 1},
        {"volume-status.details-status", "passed", 1},
        {"availability-zone", "us-east-1*", 1},
        {"action.code", "*", 0},
        {"action.description", "*", 0},
        {"action.event-id", "*", 0},
        {"event.description", "*", 0},
        {"event.event-id", "*", 0},
        {"event.event-type", "*", 0},
        {"event.not-after", "*", 0},
        {"event.not-before", "*", 0},
    };
    struct world *w = world_new();

    CHECK_OK(w, run(w, ""));
    struct str xml = world_ok(w, "Action=DescribeVolumeStatus");
    struct str id = xml_text(xml, "volumeId");

    CHECK_STR(xml_text(xml_element(xml, "volumeStatus"), "name"), "io-enabled");
    CHECK(str_starts(id, S("vol-0")));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        xml = world_callf(w, "Action=DescribeVolumeStatus&Filter.1.Name=%s&Filter.1.Value.1=%s",
                          rows[i].filter, rows[i].value);
        if (w->http != 200 || xml_count(xml, "volumeId") != rows[i].n)
            FAIL("%s=%s: %.*s", rows[i].filter, rows[i].value, STR_ARG(xml));
    }
    xml = world_callf(w, "Action=DescribeVolumeAttribute&VolumeId=%.*s&Attribute=autoEnableIO",
                      STR_ARG(id));
    CHECK_STR(xml_text(xml_element(xml, "autoEnableIO"), "value"), "false");
    xml = world_callf(w, "Action=DescribeVolumeAttribute&VolumeId=%.*s&Attribute=productCodes",
                      STR_ARG(id));
    CHECK_OK(w, xml);
    CHECK(xml_element(xml, "productCodes").p != NULL);
    CHECK_FAULT(w,
                world_callf(w, "Action=DescribeVolumeAttribute&VolumeId=%.*s&Attribute=colour",
                            STR_ARG(id)),
                "InvalidParameterValue");
    CHECK_FAULT(w,
                world_call(w, "Action=DescribeVolumeAttribute&VolumeId=vol-0123456789abcdef0&"
                              "Attribute=autoEnableIO"),
                "InvalidVolume.NotFound");
    world_free(w);
}

TEST(volumes_come_in_pages_to_their_owner, "REG-01 REG-03")
{
    struct world *w = world_new();
    struct str seen[7];
    struct str token = STR_NONE;
    size_t n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(seen); i++)
        CHECK_OK(w, run(w, ""));
    do {
        struct str xml = token.p
                             ? world_callf(w, "Action=DescribeVolumes&MaxResults=5&NextToken=%.*s",
                                           STR_ARG(token))
                             : world_ok(w, "Action=DescribeVolumes&MaxResults=5");
        size_t page = xml_count(xml, "size");

        CHECK(page > 0 && n + page <= ARRAY_LEN(seen));
        for (size_t i = 0; i < page; i++, n++) {
            /* Each volume names itself twice: in its attachment and of itself. */
            seen[n] = xml_text_at(xml, "volumeId", 2 * i);
            for (size_t j = 0; j < n; j++)
                CHECK(!str_eq(seen[j], seen[n]));
        }
        token = xml_text(xml, "nextToken");
    } while (token.n);
    CHECK_INT(n, ARRAY_LEN(seen));
    CHECK_FAULT(
        w, world_callf(w, "Action=DescribeVolumes&MaxResults=5&VolumeId.1=%.*s", STR_ARG(seen[0])),
        "InvalidParameterCombination");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVolumes&MaxResults=4"), "InvalidParameterValue");
    struct str xml = world_call(w, "Action=DescribeVolumes&VolumeId.1=vol-01234567&"
                                   "VolumeId.2=vol-12345678");

    CHECK_FAULT(w, xml, "InvalidVolume.NotFound");
    CHECK_STR(xml_text(xml, "Message"), "The volumes 'vol-01234567, vol-12345678' do not exist.");
    xml = world_call(w, "Action=DescribeVolumes&VolumeId.1=i-01234567");
    CHECK_FAULT(w, xml, "InvalidParameterValue");
    CHECK_STR(xml_text(xml, "Message"),
              "Value (i-01234567) for parameter volumes is invalid. Expected: 'vol-...'.");
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "size"), 0);
    CHECK_FAULT(w, world_callf(w, "Action=DescribeVolumes&VolumeId.1=%.*s", STR_ARG(seen[0])),
                "InvalidVolume.NotFound");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVolumes"), "size"), 0);
    world_free(w);
}
