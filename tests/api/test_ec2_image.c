/* Images: who sees them, what they show, what may be made and changed of them. */
#include "harness/world.h"

#define AMAZON "ami-009d6802948d06e52"

#define TINY "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=welkin-tiny"

/* Registers an image on the root of the tiny one; its id. */
static struct str
made(struct world *w, const char *name)
{
    struct str tiny = world_ok(w, TINY);
    struct str snapshot = xml_text(tiny, "snapshotId");
    struct str xml = world_callf(
        w,
        "Action=RegisterImage&Name=%s&RootDeviceName=/dev/xvda&EnaSupport=true&Description=text&"
        "VirtualizationType=hvm&Architecture=x86_64&BootMode=uefi&"
        "TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=team&"
        "TagSpecification.1.Tag.1.Value=red&BlockDeviceMapping.1.DeviceName=/dev/xvda&"
        "BlockDeviceMapping.1.Ebs.SnapshotId=%.*s&BlockDeviceMapping.1.Ebs.VolumeType=gp3&"
        "BlockDeviceMapping.1.Ebs.VolumeSize=12&BlockDeviceMapping.1.Ebs.DeleteOnTermination="
        "false",
        name, STR_ARG(snapshot));

    CHECK_OK(w, xml);
    return xml_text(xml, "imageId");
}

static size_t
count(struct world *w, const char *rest)
{
    struct str xml = world_callf(w, "Action=DescribeImages&%s", rest);

    if (w->http != 200)
        FAIL("%s: %.*s", rest, STR_ARG(xml));
    return xml_count(xml, "imageId");
}

TEST(the_seeded_images_are_there, "AMI-01 AMI-03 AMI-04")
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=DescribeImages&ImageId.1=" AMAZON);

    CHECK_STR(xml_text(xml, "name"), "amzn2-ami-hvm-2.0.20181114-x86_64-gp2");
    CHECK_STR(xml_text(xml, "imageOwnerId"), "137112412989");
    CHECK_STR(xml_text(xml, "imageOwnerAlias"), "amazon");
    CHECK_STR(xml_text(xml, "imageState"), "available");
    CHECK_STR(xml_text(xml, "isPublic"), "true");
    CHECK_STR(xml_text(xml, "rootDeviceName"), "/dev/xvda");
    CHECK_STR(xml_text(xml, "rootDeviceType"), "ebs");
    CHECK_STR(xml_text(xml, "volumeSize"), "8");
    CHECK_STR(xml_text(xml, "volumeType"), "gp2");
    CHECK_STR(xml_text(xml, "virtualizationType"), "hvm");
    CHECK_STR(xml_text(xml, "creationDate"), "2018-11-14T00:00:00.000Z");
    CHECK_STR(xml_text(xml, "imageLocation"), "amazon/amzn2-ami-hvm-2.0.20181114-x86_64-gp2");
    CHECK_STR(xml_text(xml, "architecture"), "x86_64");
    CHECK_INT(count(w, "Owner.1=amazon"), 1);
    CHECK_INT(count(w, "Owner.1=137112412989"), 1);
    CHECK_INT(count(w, "Owner.1=self"), 0);
    CHECK_INT(count(w, "Owner.1=aws-marketplace"), 0);
    CHECK_INT(count(w, "Owner.1=welkin"), 3);
    CHECK_INT(count(w, "ExecutableBy.1=all"), 4);
    CHECK_INT(count(w, "ExecutableBy.1=self"), 0);

    struct str tiny = xml_text(world_ok(w, "Action=DescribeImages&Filter.1.Name=name&"
                                           "Filter.1.Value.1=welkin-tiny"),
                               "imageId");

    /* An id of AWS's belongs to its region; our own are everywhere under one id. */
    world_account(w, "111122223333", "eu-west-1");
    xml = world_call(w, "Action=DescribeImages&ImageId.1=" AMAZON);
    CHECK_FAULT(w, xml, "InvalidAMIID.NotFound");
    CHECK_STR(xml_text(xml, "Message"), "The image id '[" AMAZON "]' does not exist");
    xml = world_callf(w, "Action=DescribeImages&ImageId.1=%.*s", STR_ARG(tiny));
    CHECK_STR(xml_text(xml, "name"), "welkin-tiny");
    world_free(w);
}

TEST(an_image_is_registered_shown_shared_and_deregistered, "AMI-01 AMI-10 AMI-03")
{
    struct world *w = world_new();
    struct str id = made(w, "mine");
    struct str xml = world_callf(w, "Action=DescribeImages&ImageId.1=%.*s", STR_ARG(id));

    CHECK_STR(xml_text(xml, "name"), "mine");
    CHECK_STR(xml_text(xml, "description"), "text");
    CHECK_STR(xml_text(xml, "bootMode"), "uefi");
    CHECK_STR(xml_text(xml, "isPublic"), "false");
    CHECK_STR(xml_text(xml, "volumeSize"), "12");
    CHECK_STR(xml_text(xml, "volumeType"), "gp3");
    CHECK_STR(xml_text(xml, "deleteOnTermination"), "false");
    CHECK_STR(xml_text(xml, "enaSupport"), "true");
    CHECK_STR(xml_text(xml_element(xml, "tagSet"), "key"), "team");
    CHECK_INT(count(w, "Owner.1=self"), 1);

    world_account(w, "111122223333", "us-east-1");
    CHECK_FAULT(w, world_callf(w, "Action=DescribeImages&ImageId.1=%.*s", STR_ARG(id)),
                "InvalidAMIID.NotFound");
    CHECK_FAULT(w, world_callf(w, "Action=DeregisterImage&ImageId=%.*s", STR_ARG(id)),
                "InvalidAMIID.NotFound");
    world_account(w, "000000000000", "us-east-1");
    CHECK_OK(w, world_callf(w,
                            "Action=ModifyImageAttribute&ImageId=%.*s&"
                            "LaunchPermission.Add.1.UserId=111122223333",
                            STR_ARG(id)));
    xml = world_callf(w, "Action=DescribeImageAttribute&ImageId=%.*s&Attribute=launchPermission",
                      STR_ARG(id));
    CHECK_STR(xml_text(xml, "userId"), "111122223333");
    CHECK_INT(count(w, "ExecutableBy.1=111122223333"), 1);
    world_crash(w);

    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(count(w, "ExecutableBy.1=self"), 1);
    CHECK_FAULT(w, world_callf(w, "Action=DeregisterImage&ImageId=%.*s", STR_ARG(id)),
                "AuthFailure");
    CHECK_FAULT(
        w,
        world_callf(w, "Action=ModifyImageAttribute&ImageId=%.*s&Description.Value=x", STR_ARG(id)),
        "AuthFailure");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_FAULT(w, world_callf(w, "Action=DescribeImages&ImageId.1=%.*s", STR_ARG(id)),
                "InvalidAMIID.NotFound");
    world_account(w, "000000000000", "us-east-1");
    CHECK_OK(w, world_callf(w,
                            "Action=ModifyImageAttribute&ImageId=%.*s&OperationType=remove&"
                            "Attribute=launchPermission&UserId.1=111122223333",
                            STR_ARG(id)));
    world_account(w, "111122223333", "us-east-1");
    CHECK_INT(count(w, "ExecutableBy.1=self"), 0);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(
        xml_text(world_callf(w, "Action=DeregisterImage&ImageId=%.*s", STR_ARG(id)), "return"),
        "true");
    CHECK_FAULT(w, world_callf(w, "Action=DeregisterImage&ImageId=%.*s", STR_ARG(id)),
                "InvalidAMIID.NotFound");
    made(w, "mine");
    world_free(w);
}

TEST(images_are_filtered_by_every_fact)
{
    static const struct {
        const char *filter, *value;
        size_t n; /* of mine and three that are seeded */
    } rows[] = {
        {"architecture", "x86_64", 5},
        {"block-device-mapping.delete-on-termination", "false", 1},
        {"block-device-mapping.device-name", "/dev/xvda", 4},
        {"block-device-mapping.encrypted", "false", 5},
        {"block-device-mapping.snapshot-id", "snap-*", 5},
        {"block-device-mapping.volume-size", "12", 1},
        {"block-device-mapping.volume-type", "gp2", 1},
        {"creation-date", "2018-11-14T*", 1},
        {"description", "text", 1},
        {"ena-support", "true", 5},
        {"free-tier-eligible", "true", 0},
        {"hypervisor", "xen", 5},
        {"image-allowed", "*", 0},
        {"image-id", AMAZON, 1},
        {"image-type", "machine", 5},
        {"is-public", "true", 4},
        {"kernel-id", "*", 0},
        {"manifest-location", "amazon/*", 1},
        {"name", "amzn2-ami-hvm-*-x86_64-gp2", 1},
        {"owner-alias", "amazon", 1},
        {"owner-id", "000000000000", 1},
        {"platform", "windows", 1},
        {"product-code", "*", 0},
        {"product-code.type", "*", 0},
        {"ramdisk-id", "*", 0},
        {"root-device-name", "/dev/xvda", 4},
        {"root-device-type", "ebs", 5},
        {"source-image-id", "*", 0},
        {"source-image-region", "*", 0},
        {"source-instance-id", "*", 0},
        {"sriov-net-support", "simple", 4},
        {"state", "available", 5},
        {"state-reason-code", "*", 0},
        {"state-reason-message", "*", 0},
        {"tag:team", "red", 1},
        {"tag-key", "team", 1},
        {"virtualization-type", "hvm", 5},
    };
    struct world *w = world_new();

    made(w, "mine");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str value = world_code(w, str_from(rows[i].value));
        struct str name = world_code(w, str_from(rows[i].filter));
        struct str xml = world_callf(w,
                                     "Action=DescribeImages&Filter.1.Name=%.*s&"
                                     "Filter.1.Value.1=%.*s",
                                     STR_ARG(name), STR_ARG(value));

        if (w->http != 200 || xml_count(xml, "imageId") != rows[i].n)
            FAIL("%s=%s shows %zu: %.*s", rows[i].filter, rows[i].value, xml_count(xml, "imageId"),
                 STR_ARG(xml));
    }
    world_free(w);
}

TEST(images_come_in_pages)
{
    struct world *w = world_new();
    struct str first = world_ok(w, "Action=DescribeImages&MaxResults=2");
    struct str token = xml_text(first, "nextToken");
    struct str rest =
        world_callf(w, "Action=DescribeImages&MaxResults=2&NextToken=%.*s", STR_ARG(token));

    CHECK_INT(xml_count(first, "imageId"), 2);
    CHECK_INT(xml_count(rest, "imageId"), 2);
    CHECK(!xml_text(rest, "nextToken").p);
    CHECK(str_cmp(xml_text_at(first, "imageId", 1), xml_text(rest, "imageId")) < 0);
    world_free(w);
}

TEST(attributes_of_an_image_are_read_and_changed)
{
    static const struct {
        const char *change, *attribute, *element, *value;
    } rows[] = {
        {"Description.Value=new", "description", "description", "new"},
        {"Attribute=description&Value=newer", "description", "description", "newer"},
        {"ImdsSupport.Value=v2.0", "imdsSupport", "imdsSupport", "v2.0"},
        {"LaunchPermission.Add.1.Group=all", "launchPermission", "group", "all"},
        {"LaunchPermission.Remove.1.Group=all&LaunchPermission.Add.1.UserId=111122223333",
         "launchPermission", "userId", "111122223333"},
        {"Attribute=launchPermission&OperationType=add&UserGroup.1=all", "launchPermission",
         "group", "all"},
    };
    static const char *const others[] = {"bootMode",     "deregistrationProtection",
                                         "kernel",       "lastLaunchedTime",
                                         "productCodes", "ramdisk",
                                         "tpmSupport",   "sriovNetSupport",
                                         "uefiData"};
    struct world *w = world_new();
    struct str id = made(w, "mine");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(w, world_callf(w, "Action=ModifyImageAttribute&ImageId=%.*s&%s", STR_ARG(id),
                                rows[i].change));
        struct str xml = world_callf(w, "Action=DescribeImageAttribute&ImageId=%.*s&Attribute=%s",
                                     STR_ARG(id), rows[i].attribute);

        if (str_find(xml_element(xml, rows[i].element), str_from(rows[i].value)) == SIZE_MAX)
            FAIL("%s: %.*s", rows[i].change, STR_ARG(xml));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct str xml = world_callf(w, "Action=DescribeImageAttribute&ImageId=%.*s&Attribute=%s",
                                     STR_ARG(id), others[i]);

        CHECK_OK(w, xml);
        CHECK(str_eq(xml_text(xml, "imageId"), id));
    }
    CHECK_FAULT(w,
                world_callf(w,
                            "Action=DescribeImageAttribute&ImageId=%.*s&"
                            "Attribute=blockDeviceMapping",
                            STR_ARG(id)),
                "AuthFailure");
    CHECK_FAULT(
        w,
        world_callf(w, "Action=DescribeImageAttribute&ImageId=%.*s&Attribute=colour", STR_ARG(id)),
        "InvalidParameterValue");
    world_free(w);
}

static const struct {
    const char *form, *code, *message;
} bad_images[] = {
    {"Action=DescribeImages&ImageId.1=i-0123456789abcdef0", "InvalidAMIID.Malformed",
     "Invalid id: \"i-0123456789abcdef0\" (expecting \"ami-...\")"},
    {"Action=DescribeImages&ImageId.1=ami-xyz", "InvalidAMIID.Malformed",
     "Invalid id: \"ami-xyz\""},
    {"Action=DescribeImages&ImageId.1=ami-01234567&ImageId.2=ami-12345678", "InvalidAMIID.NotFound",
     "The image ids '[ami-01234567, ami-12345678]' do not exist"},
    {"Action=DescribeImages&Owner.1=me", "InvalidUserID.Malformed", "Invalid user id: \"me\""},
    {"Action=DescribeImages&Filter.1.Name=colour&Filter.1.Value.1=x", "InvalidParameterValue",
     NULL},
    {"Action=RegisterImage", "MissingParameter", NULL},
    {"Action=RegisterImage&Name=ab", "InvalidAMIName.Malformed", NULL},
    {"Action=RegisterImage&Name=a%2Ab%2Ac", "InvalidAMIName.Malformed", NULL},
    {"Action=RegisterImage&Name=mine", "InvalidAMIName.Duplicate", NULL},
    {"Action=RegisterImage&Name=other", "InvalidBlockDeviceMapping",
     "No root snapshot specified in device mapping."},
    {"Action=RegisterImage&Name=other&RootDeviceName=/dev/xvda&"
     "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
     "BlockDeviceMapping.1.Ebs.SnapshotId=snap-0123456789abcdef0",
     "InvalidSnapshot.NotFound", "The snapshot 'snap-0123456789abcdef0' does not exist."},
    {"Action=RegisterImage&Name=other&RootDeviceName=/dev/xvda&"
     "BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=x",
     "InvalidSnapshotID.Malformed", NULL},
    {"Action=RegisterImage&Name=other&RootDeviceName=/dev/xvda&"
     "BlockDeviceMapping.1.DeviceName=/dev/sdh&BlockDeviceMapping.1.Ebs.VolumeSize=1",
     "UnsupportedOperation", NULL},
    {"Action=RegisterImage&Name=other&ImageLocation=bucket/manifest.xml", "UnsupportedOperation",
     NULL},
    {"Action=RegisterImage&Name=other&VirtualizationType=paravirtual", "UnsupportedOperation",
     NULL},
    {"Action=RegisterImage&Name=other&TpmSupport=v2.0", "UnsupportedOperation", NULL},
    {"Action=DeregisterImage&ImageId=" AMAZON, "AuthFailure", "Not authorized for image:" AMAZON},
    {"Action=DescribeImageAttribute&ImageId=" AMAZON "&Attribute=description", "AuthFailure", NULL},
    {"Action=ModifyImageAttribute&ImageId=%s", "InvalidParameterCombination",
     "No attributes specified."},
    {"Action=ModifyImageAttribute&ImageId=%s&Attribute=colour&Value=red", "InvalidParameterValue",
     NULL},
    {"Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=12",
     "InvalidAMIAttributeItemValue", "Invalid attribute item value \"12\" for userId item type."},
    {"Action=ModifyImageAttribute&ImageId=%s&OperationType=add&UserGroup.1=some",
     "InvalidAMIAttributeItemValue", NULL},
    {"Action=ModifyImageAttribute&ImageId=%s&ProductCode.1=abc", "UnsupportedOperation", NULL},
    {"Action=ModifyImageAttribute&ImageId=%s&ImdsSupport.Value=v1.0", "InvalidParameterValue",
     NULL},
    {"Action=DeregisterImage&ImageId=%s&DryRun=true", "DryRunOperation", NULL},
};

TEST(bad_calls_of_images_name_their_fault)
{
    struct world *w = world_new();
    struct str id = made(w, "mine");

    for (size_t i = 0; i < ARRAY_LEN(bad_images); i++) {
        struct str form = str_from(bad_images[i].form);
        size_t at = str_find(form, S("%s"));

        if (at != SIZE_MAX)
            form = str_fmt(test_arena(), "%.*s%.*s%s", (int)at, form.p, STR_ARG(id),
                           bad_images[i].form + at + 2);
        struct str xml = world_call_str(w, form);

        if (!str_is(xml_text(xml, "Code"), bad_images[i].code))
            FAIL("%s: %.*s", bad_images[i].form, STR_ARG(xml));
        if (bad_images[i].message)
            CHECK_STR(xml_text(xml, "Message"), bad_images[i].message);
    }
    CHECK_INT(count(w, "Owner.1=self"), 1);
    world_free(w);
}

TEST(a_small_volume_or_another_architecture_does_not_fit_a_snapshot)
{
    struct world *w = world_new();
    struct str tiny = world_ok(w, TINY);
    struct str form = str_fmt(test_arena(),
                              "Action=RegisterImage&Name=mine&"
                              "RootDeviceName=/dev/sda1&BlockDeviceMapping.1.DeviceName=/dev/sda1&"
                              "BlockDeviceMapping.1.Ebs.SnapshotId=%.*s",
                              STR_ARG(xml_text(tiny, "snapshotId")));

    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.VolumeSize=4", STR_ARG(form)),
                "InvalidBlockDeviceMapping");
    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.VolumeSize=99999", STR_ARG(form)),
                "InvalidParameterValue");
    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.VolumeType=io1", STR_ARG(form)),
                "MissingParameter");
    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.Iops=100", STR_ARG(form)),
                "InvalidParameterCombination");
    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.VolumeType=tape", STR_ARG(form)),
                "InvalidParameterValue");
    CHECK_FAULT(w, world_callf(w, "%.*s&BlockDeviceMapping.1.Ebs.Encrypted=true", STR_ARG(form)),
                "InvalidBlockDeviceMapping");
    CHECK_FAULT(w, world_callf(w, "%.*s&Architecture=arm64", STR_ARG(form)),
                "InvalidParameterValue");
    CHECK_OK(w, world_callf(w, "%.*s&Architecture=x86_64", STR_ARG(form)));
    world_free(w);
}
