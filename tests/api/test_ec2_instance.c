/* DescribeInstances, DescribeInstanceStatus, …CreditSpecifications, GetConsoleOutput. */
#include "harness/world.h"

#include "ec2/instance.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
#define ONE RUN "&MinCount=1&MaxCount=1"
#define HOUR_MS (3600 * 1000LL)

static size_t
shown(struct world *w, const char *query)
{
    return xml_count(world_ok(w, query), "amiLaunchIndex");
}

TEST(every_filter_of_the_tables_resolves)
{
    const char *bad = api_filter_table_error(&ec2_instance_filter_table);

    if (!bad)
        bad = api_filter_table_error(&ec2_instance_status_filter_table);
    if (!bad)
        bad = api_filter_table_error(&ec2_credit_filter_table);
    if (bad)
        FAIL("the filter %s does not resolve", bad);
}

TEST(instances_are_shown_by_reservation)
{
    struct world *w = world_new();

    world_ok(w, RUN "&MinCount=3&MaxCount=3");
    world_advance(w, 1000);
    world_ok(w, RUN "&MinCount=2&MaxCount=2");
    struct str all = world_ok(w, "Action=DescribeInstances");
    CHECK_INT(xml_count(all, "reservationId"), 2);
    CHECK_INT(xml_count(xml_element_at(all, "instancesSet", 0), "amiLaunchIndex"), 3);
    CHECK_INT(xml_count(xml_element_at(all, "instancesSet", 1), "amiLaunchIndex"), 2);

    /* Ids in any order, one twice: by reservation all the same. */
    const char *first = xml_cstr(xml_element_at(all, "instancesSet", 0), "instanceId");
    const char *second = xml_cstr(xml_element_at(all, "instancesSet", 1), "instanceId");
    struct str two =
        world_callf(w, "Action=DescribeInstances&InstanceId.1=%s&InstanceId.2=%s&InstanceId.3=%s",
                    second, first, second);
    CHECK_OK(w, two);
    CHECK_INT(xml_count(two, "reservationId"), 2);
    CHECK_INT(xml_count(two, "amiLaunchIndex"), 2);
    CHECK_STR(xml_text(two, "instanceId"), first);
    world_free(w);
}

TEST(unknown_ids_are_named_together)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"Action=DescribeInstances&InstanceId.1=i-00000000000000001", "InvalidInstanceID.NotFound",
         "The instance ID 'i-00000000000000001' does not exist"},
        {"Action=DescribeInstances&InstanceId.1=i-00000000000000001"
         "&InstanceId.2=i-00000000000000002",
         "InvalidInstanceID.NotFound",
         "The instance IDs 'i-00000000000000001, i-00000000000000002' do not exist"},
        {"Action=DescribeInstances&InstanceId.1=x", "InvalidInstanceID.Malformed",
         "Invalid id: \"x\" (expecting \"i-...\")"},
        {"Action=DescribeInstances&InstanceId.1=i-00000000000000001&MaxResults=5",
         "InvalidParameterCombination",
         "The parameter instancesSet cannot be used with the parameter maxResults"},
        {"Action=DescribeInstances&MaxResults=4", "InvalidParameterValue", NULL},
        {"Action=DescribeInstances&MaxResults=1001", "InvalidParameterValue", NULL},
        {"Action=DescribeInstances&NextToken=x", "InvalidParameterValue", NULL},
        {"Action=DescribeInstances&Filter.1.Name=colour&Filter.1.Value.1=red",
         "InvalidParameterValue", "The filter 'colour' is invalid"},
        {"Action=DescribeInstanceStatus&InstanceId.1=i-00000000000000001",
         "InvalidInstanceID.NotFound", NULL},
        {"Action=DescribeInstanceStatus&MaxResults=1", "InvalidParameterValue", NULL},
        {"Action=DescribeInstanceCreditSpecifications&InstanceId.1=i-00000000000000001",
         "InvalidInstanceID.NotFound", NULL},
        {"Action=GetConsoleOutput&InstanceId=i-00000000000000001", "InvalidInstanceID.NotFound",
         NULL},
        {"Action=GetConsoleOutput", "MissingParameter", NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refused(w, bad[i].code, bad[i].message, bad[i].query);
    world_free(w);
}

TEST(pages_show_each_instance_once_whatever_comes_and_goes)
{
    struct world *w = world_new();
    struct str token = S("");
    size_t seen = 0, pages = 0;

    for (int i = 0; i < 4; i++) {
        world_ok(w, RUN "&MinCount=3&MaxCount=3");
        world_advance(w, 1000);
    }
    do {
        struct str page =
            world_callf(w, "Action=DescribeInstances&MaxResults=5%s%s",
                        token.n ? "&NextToken=" : "", test_cstr(world_code(w, token)));
        CHECK_OK(w, page);
        seen += xml_count(page, "amiLaunchIndex");
        token = xml_text(page, "nextToken");
        if (pages++ == 0)
            world_ok(w, ONE); /* behind the last page */
        if (pages == 2)
            world_crash(w); /* a token is good after a restart */
    } while (token.n);
    CHECK_INT(seen, 13);
    CHECK_INT(pages, 3);
    world_free(w);
}

/*
 * Looking further than that many would take too long: the page ends, though nothing was found, and
 * the token leads on.  Replies that must be built count for more than rows.
 */
TEST(a_page_that_finds_little_ends_before_the_last_instance_was_looked_at)
{
    static const char *const run = "Action=RunInstances&ImageId=ami-009d6802948d06e52"
                                   "&InstanceType=t3.nano&MinCount=600&MaxCount=600";
    static const char *const look = "Action=DescribeInstances&MaxResults=5"
                                    "&Filter.1.Name=client-token&Filter.1.Value.1=mine";
    struct world *w = world_new();
    struct str xml, token;
    const char *id;

    world_ok(w, run);
    world_ok(w, run);
    world_advance(w, 1000);
    id = xml_cstr(world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                              "&InstanceType=t3.nano&MaxCount=1&ClientToken=mine"),
                  "instanceId");
    xml = world_ok(w, look);
    CHECK_INT(xml_count(xml, "instanceId"), 0);
    token = world_code(w, xml_text(xml, "nextToken"));
    CHECK(token.n);
    xml = world_okf(w, "%s&NextToken=%.*s", look, STR_ARG(token));
    CHECK_INT(xml_count(xml, "nextToken"), 0);
    CHECK_STR(xml_text(xml_element(xml, "instancesSet"), "instanceId"), id);
    /* A row tells it by itself, or everything is asked for at once: one page. */
    xml = world_ok(w, "Action=DescribeInstances&MaxResults=5&Filter.1.Name=image-id"
                      "&Filter.1.Value.1=ami-0123456789abcdef0");
    CHECK_INT(xml_count(xml, "nextToken"), 0);
    xml = world_ok(w, "Action=DescribeInstances&Filter.1.Name=client-token&Filter.1.Value.1=mine");
    CHECK_STR(xml_text(xml_element(xml, "instancesSet"), "instanceId"), id);
    world_free(w);
}

TEST(the_filter_instance_id_finds_by_id_and_by_pattern)
{
    struct world *w = world_new();
    struct str_list ids = {0};
    struct str xml, token;

    for (unsigned i = 0; i < 7; i++) {
        world_advance(w, 1000);
        *LIST_PUSH(test_arena(), &ids) =
            str_from(xml_cstr(world_ok(w, "Action=RunInstances&ImageId=ami-009d6802948d06e52"
                                          "&MinCount=1&MaxCount=1"),
                              "instanceId"));
    }
    struct str form = S("Action=DescribeInstances&MaxResults=5&Filter.1.Name=instance-id"
                        "&Filter.1.Value.8=i-0123456789abcdef0&Filter.1.Value.9=x");

    for (unsigned i = 0; i < 7; i++)
        form = str_fmt(test_arena(), "%.*s&Filter.1.Value.%u=%.*s", STR_ARG(form), 7 - i,
                       STR_ARG(ids.v[i]));
    xml = world_call_str(w, form);
    CHECK_INT(xml_count(xml, "instanceId"), 5);
    token = world_code(w, xml_text(xml, "nextToken"));
    for (unsigned i = 0; i < 5; i++)
        CHECK(str_find(xml, ids.v[i]) != SIZE_MAX);
    xml = world_okf(w, "%.*s&NextToken=%.*s", STR_ARG(form), STR_ARG(token));
    CHECK_INT(xml_count(xml, "instanceId"), 2);
    CHECK_INT(xml_count(xml, "nextToken"), 0);
    CHECK(str_find(xml, ids.v[5]) != SIZE_MAX && str_find(xml, ids.v[6]) != SIZE_MAX);
    /* other filters hold as well; a pattern is one */
    xml = world_okf(w,
                    "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=%.*s"
                    "&Filter.2.Name=instance-type&Filter.2.Value.1=m5.large",
                    STR_ARG(ids.v[0]));
    CHECK_INT(xml_count(xml, "instanceId"), 0);
    xml = world_ok(w, "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=i-*");
    CHECK_INT(xml_count(xml, "instanceId"), 7);
    world_account(w, "111122223333", "us-east-1");
    xml = world_okf(w, "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=%.*s",
                    STR_ARG(ids.v[0]));
    CHECK_INT(xml_count(xml, "instanceId"), 0);
    world_free(w);
}

TEST(a_token_is_good_for_its_operation_and_account_only)
{
    struct world *w = world_new();

    world_ok(w, RUN "&MinCount=6&MaxCount=6");
    world_advance(w, 100);
    const char *token = test_cstr(
        world_code(w, xml_text(world_ok(w, "Action=DescribeInstances&MaxResults=5"), "nextToken")));
    CHECK(*token);
    CHECK_FAULT(w, world_callf(w, "Action=DescribeInstanceStatus&MaxResults=5&NextToken=%s", token),
                "InvalidParameterValue");
    world_account(w, "111111111111", "us-east-1");
    CHECK_FAULT(w, world_callf(w, "Action=DescribeInstances&MaxResults=5&NextToken=%s", token),
                "InvalidParameterValue");
    world_free(w);
}

TEST(instances_are_of_one_account_and_region)
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_ok(w, ONE), "instanceId");
    static const char *const others[][2] = {{"000000000000", "eu-west-1"},
                                            {"111111111111", "us-east-1"}};
    static const char *const actions[] = {
        "DescribeInstances&InstanceId.1",
        "TerminateInstances&InstanceId.1",
        "StopInstances&InstanceId.1",
        "StartInstances&InstanceId.1",
        "RebootInstances&InstanceId.1",
        "GetConsoleOutput&InstanceId",
        "DescribeInstanceStatus&InstanceId.1",
        "DescribeInstanceAttribute&Attribute=userData&InstanceId",
        "ModifyInstanceAttribute&DisableApiStop.Value=true&InstanceId",
        "ModifyInstanceMetadataOptions&InstanceId",
    };

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        world_account(w, others[i][0], others[i][1]);
        CHECK_INT(shown(w, "Action=DescribeInstances"), 0);
        for (size_t j = 0; j < ARRAY_LEN(actions); j++)
            CHECK_FAULT(w, world_callf(w, "Action=%s=%s", actions[j], id),
                        "InvalidInstanceID.NotFound");
    }
    world_account(w, "000000000000", "us-east-1");
    CHECK_INT(shown(w, "Action=DescribeInstances"), 1);
    world_free(w);
}

TEST(names_differ_by_region)
{
    struct world *w = world_new();

    world_account(w, "000000000000", "eu-west-1");
    struct str image = xml_text(world_ok(w, "Action=DescribeImages&Filter.1.Name=name"
                                            "&Filter.1.Value.1=welkin-tiny"),
                                "imageId");
    struct str run = world_callf(w,
                                 "Action=RunInstances&MinCount=1&MaxCount=1&InstanceType=t3.micro"
                                 "&ImageId=%.*s",
                                 STR_ARG(image));
    CHECK_OK(w, run);
    world_advance(w, 1000);
    struct str seen = world_ok(w, "Action=DescribeInstances");
    CHECK(str_ends(xml_text(seen, "privateDnsName"), S(".eu-west-1.compute.internal")));
    CHECK(str_ends(xml_text(seen, "dnsName"), S(".eu-west-1.compute.amazonaws.com")));
    world_free(w);
}

/* A value of %ELEMENT is what that element of the first instance says. */
static const struct {
    const char *filter, *yes, *no;
} filters[] = {
    {"architecture", "x86_64", "arm64"},
    {"availability-zone", "us-east-1?", "us-east-2*"},
    {"availability-zone-id", "%availabilityZoneId", "x"},
    {"block-device-mapping.delete-on-termination", "true", "false"},
    {"block-device-mapping.device-name", "/dev/xvda", "/dev/sdb"},
    {"block-device-mapping.status", "attached", "detached"},
    {"block-device-mapping.volume-id", "%volumeId", "vol-0"},
    {"client-token", "tok", "other"},
    {"current-instance-boot-mode", "legacy-bios", "uefi"},
    {"dns-name", "%dnsName", "x"},
    {"ebs-optimized", "false", "true"},
    {"ena-support", "*", "x"},
    {"enclave-options.enabled", "false", "true"},
    {"hibernation-options.configured", "false", "true"},
    {"hypervisor", "xen", "ovm"},
    {"image-id", "ami-009d*", "ami-1"},
    {"instance-id", "%instanceId", "i-0"},
    {"instance-state-code", "16", "80"},
    {"instance-state-name", "running", "stopped"},
    {"instance-type", "t3.*", "m5.*"},
    {"instance.group-id", "%groupId", "sg-0"},
    {"instance.group-name", "default", "other"},
    {"ip-address", "%ipAddress", "1.2.3.4"},
    {"launch-index", "0", "1"},
    {"launch-time", "%launchTime", "2001*"},
    {"maintenance-options.auto-recovery", "default", "disabled"},
    {"metadata-options.http-endpoint", "enabled", "disabled"},
    {"metadata-options.http-protocol-ipv4", "enabled", "disabled"},
    {"metadata-options.http-protocol-ipv6", "disabled", "enabled"},
    {"metadata-options.http-put-response-hop-limit", "1", "2"},
    {"metadata-options.http-tokens", "optional", "required"},
    {"metadata-options.instance-metadata-tags", "disabled", "enabled"},
    {"metadata-options.state", "applied", "pending"},
    {"monitoring-state", "disabled", "enabled"},
    {"network-interface.addresses.association.ip-owner-id", "amazon", "x"},
    {"network-interface.addresses.association.public-ip", "%ipAddress", "1.2.3.4"},
    {"network-interface.addresses.primary", "true", "false"},
    {"network-interface.addresses.private-dns-name", "%privateDnsName", "x"},
    {"network-interface.addresses.private-ip-address", "%privateIpAddress", "10.0.0.1"},
    {"network-interface.association.ip-owner-id", "amazon", "x"},
    {"network-interface.association.public-dns-name", "%dnsName", "x"},
    {"network-interface.association.public-ip", "%ipAddress", "1.2.3.4"},
    {"network-interface.attachment.attachment-id", "%attachmentId", "x"},
    {"network-interface.attachment.delete-on-termination", "true", "false"},
    {"network-interface.attachment.device-index", "0", "1"},
    {"network-interface.attachment.instance-id", "%instanceId", "i-0"},
    {"network-interface.attachment.instance-owner-id", "000000000000", "1"},
    {"network-interface.attachment.network-card-index", "0", "1"},
    {"network-interface.attachment.status", "attached", "detached"},
    {"network-interface.availability-zone", "us-east-1*", "x"},
    {"network-interface.deny-all-igw-traffic", "false", "true"},
    {"network-interface.description", "", "x"},
    {"network-interface.group-id", "%groupId", "sg-0"},
    {"network-interface.group-name", "default", "x"},
    {"network-interface.ipv6-native", "false", "true"},
    {"network-interface.mac-address", "%macAddress", "x"},
    {"network-interface.network-interface-id", "%networkInterfaceId", "eni-0"},
    {"network-interface.operator.managed", "false", "true"},
    {"network-interface.owner-id", "000000000000", "1"},
    {"network-interface.private-dns-name", "%privateDnsName", "x"},
    {"network-interface.private-ip-address", "%privateIpAddress", "x"},
    {"network-interface.public-dns-name", "%dnsName", "x"},
    {"network-interface.requester-managed", "false", "true"},
    {"network-interface.source-dest-check", "true", "false"},
    {"network-interface.status", "in-use", "available"},
    {"network-interface.subnet-id", "%subnetId", "subnet-0"},
    {"network-interface.tag-key", "nic", "x"},
    {"network-interface.tag-value", "one", "nic"},
    {"network-interface.vpc-id", "%vpcId", "vpc-0"},
    {"network-performance-options.bandwidth-weighting", "default", "vpc-1"},
    {"operator.managed", "false", "true"},
    {"owner-id", "000000000000", "111111111111"},
    {"platform-details", "Linux*", "Windows"},
    {"private-dns-name", "%privateDnsName", "x"},
    {"private-dns-name-options.enable-resource-name-dns-a-record", "false", "true"},
    {"private-dns-name-options.enable-resource-name-dns-aaaa-record", "false", "true"},
    {"private-dns-name-options.hostname-type", "ip-name", "resource-name"},
    {"private-ip-address", "%privateIpAddress", "10.0.0.1"},
    {"reservation-id", "%reservationId", "r-0"},
    {"root-device-name", "/dev/xvda", "/dev/sda1"},
    {"root-device-type", "ebs", "instance-store"},
    {"source-dest-check", "true", "false"},
    {"subnet-id", "%subnetId", "subnet-0"},
    {"tag-key", "Name", "web"},
    {"tag-value", "web", "Name"},
    {"tag:Name", "w?b", "x"},
    {"tenancy", "default", "host"},
    {"usage-operation", "RunInstances", "x"},
    {"virtualization-type", "hvm", "paravirtual"},
    {"vpc-id", "%vpcId", "vpc-0"},
};

/* Facts that no instance here has: known, and nothing passes. */
static const char *const never[] = {
    "affinity",
    "capacity-reservation-id",
    "host-id",
    "iam-instance-profile.arn",
    "iam-instance-profile.id",
    "instance-lifecycle",
    "ipv6-address",
    "kernel-id",
    "key-name",
    "network-interface.addresses.association.allocation-id",
    "network-interface.addresses.association.association-id",
    "network-interface.addresses.association.carrier-ip",
    "network-interface.association.allocation-id",
    "network-interface.association.association-id",
    "network-interface.association.carrier-ip",
    "network-interface.ipv4-prefixes.ipv4-prefix",
    "network-interface.ipv6-addresses.ipv6-address",
    "network-interface.outpost-arn",
    "network-interface.requester-id",
    "operator.principal",
    "outpost-arn",
    "placement-partition-number",
    "platform",
    "product-code",
    "product-code.type",
    "ramdisk-id",
    "requester-id",
    "spot-instance-request-id",
    "state-reason-code",
    "state-reason-message",
    "tpm-support",
};

static size_t
filtered(struct world *w, const char *name, struct str value)
{
    struct str code = world_code(w, value);
    struct str reply = world_callf(
        w, "Action=DescribeInstances&Filter.1.Name=%s&Filter.1.Value.1=%.*s", name, STR_ARG(code));

    if (w->http != 200)
        FAIL("%s=%.*s: %.*s", name, STR_ARG(value), STR_ARG(reply));
    return xml_count(reply, "amiLaunchIndex");
}

TEST(every_filter_lets_pass_what_it_says)
{
    struct world *w = world_new();

    world_ok(w, ONE "&ClientToken=tok&TagSpecification.1.ResourceType=instance"
                    "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web"
                    "&TagSpecification.2.ResourceType=network-interface"
                    "&TagSpecification.2.Tag.1.Key=nic&TagSpecification.2.Tag.1.Value=one");
    world_advance(w, 1000);
    struct str all = world_ok(w, "Action=DescribeInstances");
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct str yes = str_from(filters[i].yes);

        if (str_starts(yes, S("%")))
            yes = xml_text(all, filters[i].yes + 1);
        if (filtered(w, filters[i].filter, yes) != 1)
            FAIL("%s=%.*s hides the instance: %.*s", filters[i].filter, STR_ARG(yes), STR_ARG(all));
        if (filtered(w, filters[i].filter, str_from(filters[i].no)) != 0)
            FAIL("%s=%s shows the instance", filters[i].filter, filters[i].no);
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (filtered(w, never[i], S("*")) != 0)
            FAIL("%s=* shows the instance", never[i]);
    world_free(w);
}

TEST(all_filters_must_hold_and_any_value)
{
    struct world *w = world_new();

    world_ok(w, ONE);
    world_advance(w, 1000);
    CHECK_INT(shown(w, "Action=DescribeInstances&Filter.1.Name=instance-state-name"
                       "&Filter.1.Value.1=stopped&Filter.1.Value.2=running"
                       "&Filter.2.Name=tenancy&Filter.2.Value.1=default"),
              1);
    CHECK_INT(shown(w, "Action=DescribeInstances&Filter.1.Name=instance-state-name"
                       "&Filter.1.Value.1=running&Filter.2.Name=tenancy"
                       "&Filter.2.Value.1=host"),
              0);
    world_free(w);
}

TEST(a_terminated_instance_is_shown_for_an_hour)
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_ok(w, ONE), "instanceId");

    world_advance(w, 1000);
    CHECK_OK(w, world_callf(w, "Action=TerminateInstances&InstanceId.1=%s", id));
    world_advance(w, 1000);
    struct str seen = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(xml_element(seen, "instanceState"), "name"), "terminated");
    CHECK(!xml_element(seen, "privateIpAddress").p && !xml_element(seen, "vpcId").p);
    CHECK_INT(xml_count(seen, "networkInterfaceId") + xml_count(seen, "volumeId"), 0);
    world_advance(w, HOUR_MS - 5000);
    CHECK_INT(shown(w, "Action=DescribeInstances"), 1);
    world_crash(w);
    world_advance(w, 5000);
    CHECK_INT(shown(w, "Action=DescribeInstances"), 0);
    CHECK_FAULT(w, world_callf(w, "Action=DescribeInstances&InstanceId.1=%s", id),
                "InvalidInstanceID.NotFound");
    /* Nothing of it is left in any table. */
    struct txn *txn = world_begin(w);
    CHECK_INT(store_count(txn, &ec2_instance_table), 0);
    CHECK_INT(store_count(txn, &ec2_reservation_table), 0);
    CHECK_INT(store_count(txn, &ec2_interface_table), 0);
    CHECK_INT(store_count(txn, &ec2_volume_table), 0);
    CHECK_INT(store_count(txn, &host_machine_table), 0);
    store_rollback(txn);
    world_free(w);
}

/* "ok": the summary of "instanceStatus", behind its details. */
static struct str
summary(struct str xml, const char *which)
{
    struct str one = xml_element(xml, which);
    size_t n = xml_count(one, "status");

    return n ? xml_text_at(one, "status", n - 1) : STR_NONE;
}

TEST(status_checks_pass_when_the_guest_was_heard_or_after_a_minute)
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_ok(w, ONE), "instanceId");

    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInstanceStatus"), "instanceId"), 0);
    struct str all = world_ok(w, "Action=DescribeInstanceStatus&IncludeAllInstances=true");
    CHECK_STR(xml_text(xml_element(all, "instanceState"), "name"), "pending");
    CHECK_STR(summary(all, "instanceStatus"), "not-applicable");
    CHECK_STR(summary(all, "systemStatus"), "not-applicable");

    world_advance(w, 1000);
    struct str young = world_ok(w, "Action=DescribeInstanceStatus");
    CHECK_STR(summary(young, "instanceStatus"), "initializing");
    CHECK_STR(summary(young, "systemStatus"), "ok");
    CHECK_STR(xml_text(young, "name"), "running");

    world_advance(w, 60000);
    struct str old = world_ok(w, "Action=DescribeInstanceStatus");
    CHECK_STR(summary(old, "instanceStatus"), "ok");
    CHECK_STR(xml_text(xml_element(xml_element(old, "instanceStatus"), "details"), "name"),
              "reachability");
    CHECK_STR(summary(old, "attachedEbsStatus"), "ok");

    host_heard(cloud_host(w->cloud), str_from(id));
    CHECK_OK(w, world_callf(w, "Action=RebootInstances&InstanceId.1=%s", id));
    world_advance(w, 1000);
    CHECK_STR(summary(world_ok(w, "Action=DescribeInstanceStatus"), "instanceStatus"),
              "initializing");
    host_heard(cloud_host(w->cloud), str_from(id));
    CHECK_STR(summary(world_ok(w, "Action=DescribeInstanceStatus"), "instanceStatus"), "ok");
    world_free(w);
}

TEST(every_filter_of_the_status_lets_pass_what_it_says)
{
    static const struct {
        const char *filter, *yes, *no;
    } rows[] = {
        {"attached-ebs-status.status", "ok", "impaired"},
        {"availability-zone", "us-east-1*", "x"},
        {"availability-zone-id", "use1-*", "x"},
        {"instance-state-code", "16", "80"},
        {"instance-state-name", "running", "stopped"},
        {"instance-status.reachability", "passed", "failed"},
        {"instance-status.status", "ok", "impaired"},
        {"operator.managed", "false", "true"},
        {"system-status.reachability", "passed", "failed"},
        {"system-status.status", "ok", "impaired"},
        {"event.code", NULL, "*"},
        {"event.description", NULL, "*"},
        {"event.instance-event-id", NULL, "*"},
        {"event.not-after", NULL, "*"},
        {"event.not-before", NULL, "*"},
        {"event.not-before-deadline", NULL, "*"},
        {"operator.principal", NULL, "*"},
    };
    struct world *w = world_new();

    world_ok(w, ONE);
    world_advance(w, 120000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int no = rows[i].yes == NULL; no < 2; no++) {
            struct str reply =
                world_callf(w, "Action=DescribeInstanceStatus&Filter.1.Name=%s&Filter.1.Value.1=%s",
                            rows[i].filter, no ? rows[i].no : rows[i].yes);

            CHECK_OK(w, reply);
            if (xml_count(reply, "instanceId") != (size_t)!no)
                FAIL("%s: %.*s", rows[i].filter, STR_ARG(reply));
        }
    world_free(w);
}

TEST(the_console_is_answered_in_base64)
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_ok(w, ONE), "instanceId");
    struct str out, decoded;

    world_advance(w, 1000);
    out = world_callf(w, "Action=GetConsoleOutput&Latest=true&InstanceId=%s", id);
    CHECK_OK(w, out);
    CHECK_STR(xml_text(out, "instanceId"), id);
    CHECK(xml_text(out, "timestamp").n > 0);
    CHECK(str_unbase64(test_arena(), xml_text(out, "output"), &decoded));
    CHECK(str_find(decoded, str_from(id)) != SIZE_MAX);
    world_free(w);
}

TEST(credit_specifications_follow_the_family)
{
    static const struct {
        const char *query, *credits;
    } rows[] = {
        {"t2.micro", "standard"},
        {"t3.micro", "unlimited"},
        {"t2.micro&CreditSpecification.CpuCredits=unlimited", "unlimited"},
        {"t3.micro&CreditSpecification.CpuCredits=standard", "standard"},
        {"m5.large", "standard"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str run = world_callf(w,
                                     "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                                     "&MaxCount=1&InstanceType=%s",
                                     rows[i].query);
        CHECK_OK(w, run);
        struct str one =
            world_callf(w, "Action=DescribeInstanceCreditSpecifications&InstanceId.1=%s",
                        xml_cstr(run, "instanceId"));
        CHECK_OK(w, one);
        CHECK_STR(xml_text(one, "cpuCredits"), rows[i].credits);
    }
    struct str unlimited = world_ok(w, "Action=DescribeInstanceCreditSpecifications");
    CHECK_INT(xml_count(unlimited, "cpuCredits"), 2);
    struct str none = world_ok(w, "Action=DescribeInstanceCreditSpecifications"
                                  "&Filter.1.Name=instance-id&Filter.1.Value.1=i-0");
    CHECK_INT(xml_count(none, "cpuCredits"), 0);
    world_free(w);
}
