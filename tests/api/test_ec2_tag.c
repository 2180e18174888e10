/* Tags on every kind of resource that has them. */
#include "harness/world.h"

static struct str
tag(struct world *w, const char *action, struct str id, const char *rest)
{
    return world_callf(w, "Action=%s&ResourceId.1=%.*s&%s", action, STR_ARG(id), rest);
}

static struct str
vpc_of(struct world *w)
{
    return xml_text(world_ok(w, "Action=DescribeVpcs"), "vpcId");
}

/* How many tags DescribeTags shows. */
static size_t
count(struct world *w, const char *rest)
{
    struct str xml = world_callf(w, "Action=DescribeTags&%s", rest);

    if (w->http != 200)
        FAIL("%s: %.*s", rest, STR_ARG(xml));
    return xml_count(xml, "resourceId");
}

TEST(tags_are_made_shown_changed_and_deleted, "TAG-01 TAG-02")
{
    struct world *w = world_new();
    struct str vpc = vpc_of(w);
    struct str xml = tag(w, "CreateTags", vpc,
                         "Tag.1.Key=Name&Tag.1.Value=main&Tag.2.Key=Environment&Tag.2.Value=");

    CHECK_OK(w, xml);
    CHECK_STR(xml_text(xml, "return"), "true");
    xml = world_ok(w, "Action=DescribeTags");
    CHECK_INT(xml_count(xml, "resourceId"), 2);
    CHECK_STR(xml_text(xml_where(xml, "item", "key", "Name"), "value"), "main");
    CHECK_STR(xml_text(xml_where(xml, "item", "key", "Environment"), "value"), "");
    CHECK_STR(xml_text(xml, "resourceType"), "vpc");
    CHECK(str_eq(xml_text(xml, "resourceId"), vpc));
    /* A key that is there takes the new value; keys differ in case. */
    CHECK_OK(w, tag(w, "CreateTags", vpc,
                    "Tag.1.Key=Name&Tag.1.Value=other&Tag.2.Key=name&Tag.2.Value=x"));
    xml = world_ok(w, "Action=DescribeVpcs&Filter.1.Name=tag:Name&Filter.1.Value.1=other");
    CHECK_INT(xml_count(xml_element(xml, "tagSet"), "key"), 3);
    world_crash(w);
    CHECK_INT(count(w, "MaxResults=5"), 3);

    /* A value that is given must be the tag's. */
    CHECK_OK(w, tag(w, "DeleteTags", vpc, "Tag.1.Key=Name&Tag.1.Value=main"));
    CHECK_INT(count(w, "MaxResults=5"), 3);
    CHECK_OK(w, tag(w, "DeleteTags", vpc, "Tag.1.Key=Name&Tag.1.Value=other"));
    CHECK_INT(count(w, "MaxResults=5"), 2);
    CHECK_OK(w, tag(w, "DeleteTags", vpc, "Tag.1.Key=name&Tag.2.Key=none"));
    CHECK_INT(count(w, "MaxResults=5"), 1);
    CHECK_OK(w, tag(w, "DeleteTags", vpc, ""));
    CHECK_INT(count(w, "MaxResults=5"), 0);
    world_free(w);
}

TEST(every_kind_of_resource_can_be_tagged, "TAG-01")
{
    struct world *w = world_new();
    struct str image = xml_text(world_ok(w, "Action=DescribeImages&Filter.1.Name=name&"
                                            "Filter.1.Value.1=welkin-tiny"),
                                "imageId");
    struct str snapshot = xml_text(world_ok(w, "Action=DescribeImages&Filter.1.Name=name&"
                                               "Filter.1.Value.1=welkin-tiny"),
                                   "snapshotId");

    world_ok(w, "Action=CreateKeyPair&KeyName=k&KeyType=ed25519");
    CHECK_OK(w, world_callf(w,
                            "Action=RegisterImage&Name=mine&RootDeviceName=/dev/xvda&"
                            "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
                            "BlockDeviceMapping.1.Ebs.SnapshotId=%.*s",
                            STR_ARG(snapshot)));
    CHECK_OK(w, world_callf(w,
                            "Action=RunInstances&ImageId=%.*s&InstanceType=t3.nano&MinCount=1&"
                            "MaxCount=1",
                            STR_ARG(image)));
    const struct {
        const char *type, *show, *tag;
    } rows[] = {
        {"image", "Action=DescribeImages&Owner.1=self", "imageId"},
        {"instance", "Action=DescribeInstances", "instanceId"},
        {"key-pair", "Action=DescribeKeyPairs", "keyPairId"},
        {"network-interface", "Action=DescribeNetworkInterfaces", "networkInterfaceId"},
        {"security-group", "Action=DescribeSecurityGroups", "groupId"},
        {"security-group-rule", "Action=DescribeSecurityGroupRules", "securityGroupRuleId"},
        {"subnet", "Action=DescribeSubnets", "subnetId"},
        {"volume", "Action=DescribeVolumes", "volumeId"},
        {"vpc", "Action=DescribeVpcs", "vpcId"},
    };
    struct str form = S("Action=CreateTags&Tag.1.Key=Owner&Tag.1.Value=me");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str id = xml_text(world_ok(w, rows[i].show), rows[i].tag);

        if (!id.n)
            FAIL("%s shows no %s", rows[i].show, rows[i].tag);
        form = str_fmt(test_arena(), "%.*s&ResourceId.%zu=%.*s", STR_ARG(form), i + 1, STR_ARG(id));
    }
    CHECK_OK(w, world_call_str(w, form));
    struct str xml = world_ok(w, "Action=DescribeTags");

    CHECK_INT(xml_count(xml, "resourceId"), ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        /* In the order of the types, and on the resource itself. */
        CHECK_STR(xml_text_at(xml, "resourceType", i), rows[i].type);
        struct str shown =
            world_callf(w, "%s&Filter.1.Name=tag:Owner&Filter.1.Value.1=me", rows[i].show);

        if (w->http != 200 || !xml_text(shown, rows[i].tag).n)
            FAIL("%s: %.*s", rows[i].type, STR_ARG(shown));
        CHECK_INT(
            count(w, test_fmt("Filter.1.Name=resource-type&Filter.1.Value.1=%s", rows[i].type)), 1);
    }
    world_free(w);
}

TEST(tags_are_filtered)
{
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"Filter.1.Name=key&Filter.1.Value.1=Name", 2},
        {"Filter.1.Name=key&Filter.1.Value.1=N*&Filter.1.Value.2=Team", 3},
        {"Filter.1.Name=value&Filter.1.Value.1=red", 1},
        {"Filter.1.Name=resource-type&Filter.1.Value.1=vpc", 2},
        {"Filter.1.Name=resource-type&Filter.1.Value.1=instance", 0},
        {"Filter.1.Name=resource-id&Filter.1.Value.1=vpc-*", 2},
        {"Filter.1.Name=resource-id&Filter.1.Value.1=vpc-0123456789abcdef0", 0},
        {"Filter.1.Name=tag%3AName&Filter.1.Value.1=a", 1},
        {"Filter.1.Name=tag%3AName&Filter.1.Value.1=*", 2},
        {"Filter.1.Name=tag%3AName&Filter.1.Value.1=a&Filter.2.Name=resource-type&"
         "Filter.2.Value.1=subnet",
         0},
    };
    struct world *w = world_new();

    CHECK_OK(w, tag(w, "CreateTags", vpc_of(w),
                    "Tag.1.Key=Name&Tag.1.Value=a&Tag.2.Key=Team&Tag.2.Value=red"));
    CHECK_OK(w, tag(w, "CreateTags", xml_text(world_ok(w, "Action=DescribeSubnets"), "subnetId"),
                    "Tag.1.Key=Name&Tag.1.Value=b"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (count(w, rows[i].filter) != rows[i].n)
            FAIL("%s shows %zu", rows[i].filter, count(w, rows[i].filter));
    world_free(w);
}

TEST(tags_come_in_pages)
{
    struct world *w = world_new();
    struct str form =
        str_fmt(test_arena(), "Action=CreateTags&ResourceId.1=%.*s", STR_ARG(vpc_of(w)));
    struct str token = STR_NONE;
    size_t n = 0, pages = 0;

    for (unsigned i = 0; i < 12; i++)
        form = str_fmt(test_arena(), "%.*s&Tag.%u.Key=k%02u&Tag.%u.Value=v", STR_ARG(form), i + 1,
                       i, i + 1);
    CHECK_OK(w, world_call_str(w, form));
    do {
        struct str xml = token.p ? world_callf(w, "Action=DescribeTags&MaxResults=5&NextToken=%.*s",
                                               STR_ARG(token))
                                 : world_ok(w, "Action=DescribeTags&MaxResults=5");

        CHECK_INT(w->http, 200);
        for (size_t i = 0; i < xml_count(xml, "key"); i++, n++)
            CHECK(str_eq(xml_text_at(xml, "key", i), str_fmt(test_arena(), "k%02zu", n)));
        token = xml_text(xml, "nextToken");
        pages++;
    } while (token.n);
    CHECK_INT(n, 12);
    CHECK_INT(pages, 3);
    CHECK_FAULT(w, world_call(w, "Action=DescribeTags&MaxResults=4"), "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeTags&MaxResults=1001"), "InvalidParameterValue");
    world_free(w);
}

TEST(bad_tags_name_their_fault, "TAG-01")
{
    static const struct {
        const char *id, *rest, *code, *message;
    } rows[] = {
        {NULL, "", "MissingParameter", NULL},
        {NULL, "Tag.1.Value=x", "MissingParameter", NULL},
        {NULL, "Tag.1.Key=x", "InvalidParameterValue",
         "Tag value cannot be null. Use empty string instead."},
        {NULL, "Tag.1.Key=&Tag.1.Value=x", "InvalidParameterValue", NULL},
        {NULL, "Tag.1.Key=aws:x&Tag.1.Value=x", "InvalidParameterValue",
         "Value ( aws:x ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved "
         "for internal use"},
        {NULL, "Tag.1.Key=AWS:x&Tag.1.Value=x", "InvalidParameterValue", NULL},
        {NULL, "Tag.1.Key=x&Tag.1.Value=x&Tag.2.Key=x&Tag.2.Value=y", "InvalidParameterValue",
         "Duplicate tag key 'x' specified."},
        {NULL, "Tag.1.Key=x&Tag.1.Value=y&DryRun=true", "DryRunOperation", NULL},
        {"10.0.0.1", "Tag.1.Key=x&Tag.1.Value=y", "InvalidID", "The ID '10.0.0.1' is not valid"},
        {"foo-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidID",
         "The ID 'foo-0123456789abcdef0' is not valid"},
        {"i-12", "Tag.1.Key=x&Tag.1.Value=y", "InvalidID", "The ID 'i-12' is not valid"},
        {"i-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidInstanceID.NotFound",
         "The instance ID 'i-0123456789abcdef0' does not exist"},
        {"vol-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidVolume.NotFound",
         "The volume 'vol-0123456789abcdef0' does not exist."},
        {"vpc-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidVpcID.NotFound",
         "The vpc ID 'vpc-0123456789abcdef0' does not exist"},
        {"subnet-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidSubnetID.NotFound",
         "The subnet ID 'subnet-0123456789abcdef0' does not exist"},
        {"sg-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidGroup.NotFound",
         "The security group 'sg-0123456789abcdef0' does not exist"},
        {"eni-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidNetworkInterfaceID.NotFound",
         "The networkInterface ID 'eni-0123456789abcdef0' does not exist"},
        {"ami-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidAMIID.NotFound",
         "The image id '[ami-0123456789abcdef0]' does not exist"},
        {"key-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y", "InvalidKeyPair.NotFound", NULL},
        {"sgr-0123456789abcdef0", "Tag.1.Key=x&Tag.1.Value=y",
         "InvalidSecurityGroupRuleId.NotFound", NULL},
        {"ami-009d6802948d06e52", "Tag.1.Key=x&Tag.1.Value=y", "UnsupportedOperation", NULL},
    };
    struct world *w = world_new();
    struct str vpc = vpc_of(w);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str xml =
            tag(w, "CreateTags", rows[i].id ? str_from(rows[i].id) : vpc, rows[i].rest);

        if (!str_is(xml_text(xml, "Code"), rows[i].code))
            FAIL("%s %s: %.*s", rows[i].id ? rows[i].id : "", rows[i].rest, STR_ARG(xml));
        if (rows[i].message)
            CHECK_STR(xml_text(xml, "Message"), rows[i].message);
    }
    CHECK_FAULT(w, world_call(w, "Action=CreateTags&Tag.1.Key=x&Tag.1.Value=y"),
                "MissingParameter");
    CHECK_FAULT(w, tag(w, "DeleteTags", vpc, "Tag.1.Key=aws:x"), "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeTags&Filter.1.Name=x&Filter.1.Value.1=y"),
                "InvalidParameterValue");
    CHECK_INT(count(w, "MaxResults=5"), 0);
    world_free(w);
}

/* n characters of two bytes each, percent-coded. */
static const char *
letters(size_t n)
{
    struct str s = S("");

    for (size_t i = 0; i < n; i++)
        s = str_cat(test_arena(), s, S("%C3%A9"));
    return test_cstr(s);
}

TEST(tags_have_limits, "TAG-01")
{
    struct world *w = world_new();
    struct str vpc = vpc_of(w);
    struct str form = str_fmt(test_arena(), "Action=CreateTags&ResourceId.1=%.*s", STR_ARG(vpc));

    for (unsigned i = 1; i <= 50; i++)
        form = str_fmt(test_arena(), "%.*s&Tag.%u.Key=k%u&Tag.%u.Value=v", STR_ARG(form), i, i, i);
    CHECK_FAULT(w, world_callf(w, "%.*s&Tag.51.Key=k51&Tag.51.Value=v", STR_ARG(form)),
                "TagLimitExceeded");
    CHECK_INT(count(w, "MaxResults=5"), 0);
    CHECK_OK(w, world_call_str(w, form));
    CHECK_INT(count(w, "MaxResults=1000"), 50);
    CHECK_FAULT(w, tag(w, "CreateTags", vpc, "Tag.1.Key=more&Tag.1.Value=x"), "TagLimitExceeded");
    CHECK_OK(w, tag(w, "CreateTags", vpc, "Tag.1.Key=k7&Tag.1.Value=x"));
    CHECK_OK(w, tag(w, "DeleteTags", vpc, ""));

    /* Characters count, not bytes. */
    CHECK_OK(w, tag(w, "CreateTags", vpc,
                    test_fmt("Tag.1.Key=%s&Tag.1.Value=%s", letters(128), letters(256))));
    CHECK_FAULT(w, tag(w, "CreateTags", vpc, test_fmt("Tag.1.Key=%s&Tag.1.Value=x", letters(129))),
                "InvalidParameterValue");
    CHECK_FAULT(w, tag(w, "CreateTags", vpc, test_fmt("Tag.1.Key=x&Tag.1.Value=%s", letters(257))),
                "InvalidParameterValue");
    world_free(w);
}

TEST(one_bad_resource_of_many_tags_none, "REG-01 REG-03")
{
    struct world *w = world_new();
    struct str vpc = vpc_of(w);

    CHECK_FAULT(w,
                world_callf(w,
                            "Action=CreateTags&ResourceId.1=%.*s&"
                            "ResourceId.2=i-0123456789abcdef0&Tag.1.Key=a&Tag.1.Value=b",
                            STR_ARG(vpc)),
                "InvalidInstanceID.NotFound");
    CHECK_INT(count(w, "MaxResults=5"), 0);
    world_account(w, "111122223333", "us-east-1");
    CHECK_FAULT(w, tag(w, "CreateTags", vpc, "Tag.1.Key=a&Tag.1.Value=b"), "InvalidVpcID.NotFound");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_FAULT(w, tag(w, "CreateTags", vpc, "Tag.1.Key=a&Tag.1.Value=b"), "InvalidVpcID.NotFound");
    world_free(w);
}

TEST(ids_without_number_are_refused_and_end_nobody)
{
    static const char *const lists[][2] = {
        {"DescribeImages&ImageId", "ami-"},         {"DescribeInstances&InstanceId", "i-"},
        {"DescribeKeyPairs&KeyName", "key"},        {"DescribeSecurityGroups&GroupId", "sg-"},
        {"DescribeVolumes&VolumeId", "vol-"},       {"DescribeVpcs&VpcId", "vpc-"},
        {"DescribeInstanceTypes&InstanceType", ""}, {"DescribeAvailabilityZones&ZoneName", ""},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct buf form;

        buf_init(&form, (size_t)4 << 20);
        buf_add_fmt(&form, "Version=2016-11-15&Action=%.*s",
                    (int)strcspn(lists[i][0], "&"), lists[i][0]);
        for (unsigned k = 1; k <= 19000; k++)
            buf_add_fmt(&form, "%s.%u=%s%08x", strchr(lists[i][0], '&'), k, lists[i][1], k);
        world_call_str(w, buf_str(&form));
        buf_done(&form);
        CHECK_INT(w->http, 400);
    }
    world_free(w);
}
