/* Network interfaces, as instances bring them along. */
#include "ec2/ec2.h"
#include "harness/world.h"

#define AMI "ami-009d6802948d06e52"

static struct world *
world_with_image(void)
{
    struct world *w = world_new();
    struct txn *txn = store_begin(cloud_store(w->cloud));

    CHECK_INT(ec2_image_seed(txn, &w->env.env, S(AMI), S("tiny"), S("welkin")), 0);
    (void)store_commit(txn);
    world_flush(w);
    return w;
}

static const char *
run(struct world *w, const char *more)
{
    struct str xml =
        world_okf(w,
                  "Action=RunInstances&ImageId=" AMI "&InstanceType=t3.micro&MinCount=1"
                  "&MaxCount=1%s",
                  more);

    return xml_cstr(xml, "instanceId");
}

static struct str
interface_of(struct world *w, const char *instance)
{
    return world_okf(w,
                     "Action=DescribeNetworkInterfaces&Filter.1.Name=attachment.instance-id"
                     "&Filter.1.Value.1=%s",
                     instance);
}

TEST(an_instance_brings_an_interface, "ENI-02 ENI-05 ENI-07 ENI-08 ENI-09 ENI-10 VPC-12")
{
    struct world *w = world_with_image();
    const char *instance = run(w, "&Placement.AvailabilityZone=us-east-1b");
    struct str xml = interface_of(w, instance);
    struct str attachment = xml_element(xml, "attachment");

    CHECK_INT(xml_count(xml, "macAddress"), 1);
    CHECK(str_starts(xml_text(xml, "networkInterfaceId"), S("eni-")));
    CHECK(str_starts(xml_text(xml, "macAddress"), S("0e:")));
    CHECK_INT(xml_text(xml, "macAddress").n, 17);
    CHECK_STR(xml_text(xml, "availabilityZone"), "us-east-1b");
    CHECK(str_starts(xml_text(xml, "availabilityZoneId"), S("use1-az")));
    CHECK_STR(xml_text(xml, "privateIpAddress"), "172.31.16.4");
    CHECK_STR(xml_text(xml, "privateDnsName"), "ip-172-31-16-4.ec2.internal");
    CHECK_STR(xml_text(xml, "publicIp"), "198.18.0.4");
    CHECK_STR(xml_text(xml, "publicDnsName"), "ec2-198-18-0-4.compute-1.amazonaws.com");
    CHECK_STR(xml_text(xml, "ipOwnerId"), "amazon");
    CHECK_STR(xml_text(xml, "groupName"), "default");
    CHECK_STR(xml_text(xml, "sourceDestCheck"), "true");
    CHECK_STR(xml_text(xml, "interfaceType"), "interface");
    CHECK_STR(xml_text(xml, "ownerId"), "000000000000");
    CHECK_STR(xml_text(attachment, "instanceId"), instance);
    CHECK_STR(xml_text(attachment, "deviceIndex"), "0");
    CHECK_STR(xml_text(attachment, "status"), "attached");
    CHECK_STR(xml_text(attachment, "deleteOnTermination"), "true");
    CHECK(str_find(xml, S("<status>in-use</status>")) != SIZE_MAX);

    xml = world_okf(w, "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                       "&Filter.1.Value.1=us-east-1b");
    CHECK_STR(xml_text(xml, "availableIpAddressCount"), "4090");

    world_crash(w);
    CHECK_STR(xml_text(interface_of(w, instance), "privateIpAddress"), "172.31.16.4");
    world_free(w);
}

TEST(names_of_addresses_depend_on_the_region)
{
    struct arena *a = test_arena();

    CHECK_STR(ec2_private_dns_name(a, S("us-east-1"), S("172.31.0.5")),
              "ip-172-31-0-5.ec2.internal");
    CHECK_STR(ec2_private_dns_name(a, S("eu-west-1"), S("10.0.0.5")),
              "ip-10-0-0-5.eu-west-1.compute.internal");
    CHECK_STR(ec2_public_dns_name(a, S("us-east-1"), S("198.18.0.9")),
              "ec2-198-18-0-9.compute-1.amazonaws.com");
    CHECK_STR(ec2_public_dns_name(a, S("eu-west-1"), S("198.18.0.9")),
              "ec2-198-18-0-9.eu-west-1.compute.amazonaws.com");
}

TEST(addresses_are_the_lowest_free_or_the_one_that_was_asked_for)
{
    struct world *w = world_with_image();
    const char *zone = "&Placement.AvailabilityZone=us-east-1a", *first, *second;
    struct str xml = world_okf(w, "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                                  "&Filter.1.Value.1=us-east-1a");
    const char *subnet = test_fmt("&SubnetId=%.*s", STR_ARG(xml_text(xml, "subnetId")));

#define WITH(ip) test_fmt("%s&PrivateIpAddress=%s", subnet, ip)
    first = run(w, zone);
    second = run(w, zone);
    CHECK_STR(xml_text(interface_of(w, first), "privateIpAddress"), "172.31.0.4");
    CHECK_STR(xml_text(interface_of(w, second), "privateIpAddress"), "172.31.0.5");
    CHECK_STR(xml_text(interface_of(w, second), "publicIp"), "198.18.0.5");
    CHECK_STR(xml_text(interface_of(w, run(w, WITH("172.31.15.254"))), "privateIpAddress"),
              "172.31.15.254");
#define RUN "Action=RunInstances&ImageId=" AMI "&InstanceType=t3.micro&MinCount=1&MaxCount=1%s"
    world_refusedf(w, "InvalidIPAddress.InUse", "Address 172.31.0.5 is in use.", RUN,
                   WITH("172.31.0.5"));
    world_refusedf(w, "InvalidParameterValue",
                   "Address 172.31.16.4 does not fall within the subnet's address range", RUN,
                   WITH("172.31.16.4"));
    world_refusedf(w, "InvalidParameterValue",
                   "Address 172.31.0.3 is in subnet's reserved address range", RUN,
                   WITH("172.31.0.3"));
    world_refusedf(w, "InvalidParameterValue",
                   "Address 172.31.15.255 is in subnet's reserved address range", RUN,
                   WITH("172.31.15.255"));
    world_refusedf(w, "InvalidParameterValue", NULL, RUN, WITH("172.31.0"));

    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", first);
    world_advance(w, 60000);
    CHECK_INT(xml_count(interface_of(w, first), "networkInterfaceId"), 0);
    CHECK_STR(xml_text(interface_of(w, run(w, zone)), "privateIpAddress"), "172.31.0.4");
    world_free(w);
}

TEST(a_stop_takes_the_public_address_and_a_start_gives_another, "EIP-01 VPC-12")
{
    struct world *w = world_with_image();
    const char *instance = run(w, "");
    struct str before;

    world_advance(w, 1000);
    CHECK_STR(xml_text(interface_of(w, instance), "publicIp"), "198.18.0.4");
    before = xml_text(interface_of(w, instance), "privateIpAddress");
    (void)world_okf(w, "Action=StopInstances&InstanceId.1=%s", instance);
    world_advance(w, 60000);
    CHECK_INT(xml_count(interface_of(w, instance), "publicIp"), 0);
    CHECK(str_eq(xml_text(interface_of(w, instance), "privateIpAddress"), before));
    (void)world_okf(w, "Action=StartInstances&InstanceId.1=%s", instance);
    world_advance(w, 1000);
    CHECK_STR(xml_text(interface_of(w, instance), "publicIp"), "198.18.0.5");
    world_free(w);
}

TEST(attributes_of_an_interface_can_be_changed, "ENI-12")
{
    struct world *w = world_with_image();
    const char *instance = run(w, "");
    struct str xml = interface_of(w, instance);
    const char *eni = xml_cstr(xml, "networkInterfaceId");
    const char *attachment = xml_cstr(xml, "attachmentId");
    const char *group = xml_cstr(
        world_okf(w, "Action=CreateSecurityGroup&GroupName=web&GroupDescription=x"), "groupId");

#define MODIFY "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%s"
#define DESCRIBE "Action=DescribeNetworkInterfaceAttribute&NetworkInterfaceId=%s&Attribute="
    (void)world_okf(w, MODIFY "&Description.Value=the+first", eni);
    xml = world_okf(w, DESCRIBE "description", eni);
    CHECK_STR(xml_text(xml, "value"), "the first");
    CHECK_STR(xml_text(xml, "networkInterfaceId"), eni);

    (void)world_okf(w, MODIFY "&SecurityGroupId.1=%s", eni, group);
    xml = world_okf(w, DESCRIBE "groupSet", eni);
    CHECK_STR(xml_text(xml, "groupId"), group);
    CHECK_STR(xml_text(xml, "groupName"), "web");
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteSecurityGroup&GroupId=%s", group);

    (void)world_okf(w, MODIFY "&SourceDestCheck.Value=false", eni);
    xml = world_okf(w, DESCRIBE "sourceDestCheck", eni);
    CHECK_STR(xml_text(xml, "value"), "false");
    xml = world_okf(w, "Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=sourceDestCheck",
                    instance);
    CHECK_STR(xml_text(xml, "value"), "false");

    (void)world_okf(w, MODIFY "&Attachment.AttachmentId=%s&Attachment.DeleteOnTermination=false",
                    eni, attachment);
    xml = world_okf(w, DESCRIBE "attachment", eni);
    CHECK_STR(xml_text(xml, "deleteOnTermination"), "false");
    xml = world_okf(w, DESCRIBE "associatePublicIpAddress", eni);
    CHECK_STR(xml_text(xml, "associatePublicIpAddress"), "true");

    /* It outlives its instance, keeps its private address, loses the public one. */
    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
    world_advance(w, 60000);
    xml = world_okf(w, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", eni);
    CHECK(str_find(xml, S("<status>available</status>")) != SIZE_MAX);
    CHECK_INT(xml_count(xml, "attachment"), 0);
    CHECK_INT(xml_count(xml, "publicIp"), 0);
    CHECK_STR(xml_text(xml, "description"), "the first");
    world_free(w);
}

TEST(groups_of_an_instance_are_those_of_its_interface)
{
    struct world *w = world_with_image();
    const char *instance = run(w, "&SecurityGroup.1=default");
    const char *group = xml_cstr(
        world_okf(w, "Action=CreateSecurityGroup&GroupName=web&GroupDescription=x"), "groupId");
    struct str many = S("");

    (void)world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&GroupId.1=%s", instance,
                    group);
    CHECK_STR(xml_text(interface_of(w, instance), "groupId"), group);
    CHECK_INT(xml_count(interface_of(w, instance), "groupName"), 1);

    world_refusedf(w, "InvalidGroup.NotFound", NULL, RUN,
                   "&SecurityGroupId.1=sg-0123456789abcdef0");
    world_refusedf(w, "InvalidGroup.NotFound", NULL, RUN, "&SecurityGroup.1=nobody");
    world_refusedf(w, "InvalidGroupId.Malformed", NULL, RUN, "&SecurityGroupId.1=web");
    for (int i = 0; i < 6; i++) {
        struct str xml =
            world_okf(w, "Action=CreateSecurityGroup&GroupName=g%d&GroupDescription=x", i);

        many = str_fmt(test_arena(), "%.*s&SecurityGroupId.%d=%.*s", STR_ARG(many), i + 1,
                       STR_ARG(xml_text(xml, "groupId")));
    }
    world_refusedf(w, "SecurityGroupsPerInterfaceLimitExceeded",
                   "The maximum number of security groups per interface has been reached.", RUN,
                   many.p);
    world_free(w);
}

TEST(a_bad_change_of_an_interface_is_refused)
{
    static const struct {
        const char *change, *code;
    } bad[] = {
        {"", "InvalidParameterCombination"},
        {"&Description.Value=x&SourceDestCheck.Value=true", "InvalidParameterCombination"},
        {"&SecurityGroupId.1=sg-0123456789abcdef0", "InvalidGroup.NotFound"},
        {"&Attachment.AttachmentId=eni-attach-1&Attachment.DeleteOnTermination=true",
         "InvalidAttachmentID.NotFound"},
        {"&Attachment.DeleteOnTermination=true", "MissingParameter"},
        {"&AssociatePublicIpAddress=true", "UnsupportedOperation"},
        {"&EnablePrimaryIpv6=true", "UnsupportedOperation"},
        {"&EnaSrdSpecification.EnaSrdEnabled=true", "UnsupportedOperation"},
        {"&ConnectionTrackingSpecification.UdpTimeout=30", "UnsupportedOperation"},
    };
    struct world *w = world_with_image();
    const char *eni = xml_cstr(interface_of(w, run(w, "")), "networkInterfaceId");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, NULL, MODIFY "%s", eni, bad[i].change);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound",
                   "The networkInterface ID 'eni-0123456789abcdef0' does not exist",
                   MODIFY "&Description.Value=x", "eni-0123456789abcdef0");
    world_refusedf(w, "InvalidNetworkInterfaceId.Malformed", NULL, MODIFY "&Description.Value=x",
                   "i-1");
    world_refusedf(w, "MissingParameter", NULL,
                   "Action=DescribeNetworkInterfaceAttribute&NetworkInterfaceId=%s", eni);
    world_refusedf(w, "InvalidParameterValue", NULL, DESCRIBE "colour", eni);
    world_refusedf(
        w, "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface IDs 'eni-0123456789abcdef0, eni-0123456789abcdef1' do not exist",
        "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=eni-0123456789abcdef0"
        "&NetworkInterfaceId.2=eni-0123456789abcdef1");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s&MaxResults=5", eni);
    CHECK_INT(xml_count(world_okf(w,
                                  "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s"
                                  "&NetworkInterfaceId.2=%s",
                                  eni, eni),
                        "macAddress"),
              1);
    world_account(w, "650524209925", "us-east-1");
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL,
                   "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", eni);
    CHECK_INT(xml_count(world_okf(w, "Action=DescribeNetworkInterfaces"), "macAddress"), 0);
    world_free(w);
}

/* A value of '@' and a tag is what the first interface has in that tag. */
static const struct {
    const char *filter, *value;
    int n;
} filter_rows[] = {
    {"addresses.association.owner-id", "amazon", 2},
    {"addresses.association.public-ip", "198.18.0.4", 1},
    {"addresses.primary", "true", 2},
    {"addresses.private-ip-address", "172.31.0.4", 1},
    {"association.allocation-id", "*", 0},
    {"association.association-id", "*", 0},
    {"association.ip-owner-id", "amazon", 2},
    {"association.public-dns-name", "ec2-198-18-0-4.*", 1},
    {"association.public-ip", "198.18.0.5", 1},
    {"attachment.attach-time", "2*", 2},
    {"attachment.attachment-id", "@attachmentId", 1},
    {"attachment.delete-on-termination", "true", 2},
    {"attachment.device-index", "0", 2},
    {"attachment.device-index", "1", 0},
    {"attachment.instance-id", "@instanceId", 1},
    {"attachment.instance-owner-id", "000000000000", 2},
    {"attachment.status", "attached", 2},
    {"availability-zone", "us-east-1a", 1},
    {"availability-zone-id", "@availabilityZoneId", 1},
    {"description", "nothing like it", 0},
    {"group-id", "@groupId", 2},
    {"group-name", "default", 2},
    {"interface-type", "interface", 2},
    {"interface-type", "nat_gateway", 0},
    {"ipv6-addresses.ipv6-address", "*", 0},
    {"mac-address", "@macAddress", 1},
    {"network-interface-id", "@networkInterfaceId", 1},
    {"operator.managed", "false", 2},
    {"operator.principal", "*", 0},
    {"owner-id", "000000000000", 2},
    {"private-dns-name", "ip-172-31-0-4.ec2.internal", 1},
    {"private-ip-address", "172.31.16.4", 1},
    {"requester-id", "*", 0},
    {"requester-managed", "true", 0},
    {"source-dest-check", "true", 2},
    {"status", "in-use", 2},
    {"status", "available", 0},
    {"subnet-id", "@subnetId", 1},
    {"tag:Name", "x", 0},
    {"tag-key", "Name", 0},
    {"vpc-id", "vpc-*", 2},
};

TEST(filters_of_interfaces_tell_what_is_from_what_is_not)
{
    struct world *w = world_with_image();
    const char *instance = run(w, "&Placement.AvailabilityZone=us-east-1a");
    struct str one = interface_of(w, instance);

    (void)run(w, "&Placement.AvailabilityZone=us-east-1b");

    for (size_t i = 0; i < ARRAY_LEN(filter_rows); i++) {
        const char *value = filter_rows[i].value;
        struct str xml;

        if (value[0] == '@')
            value = xml_cstr(one, value + 1);
        xml = world_okf(w, "Action=DescribeNetworkInterfaces&Filter.1.Name=%s&Filter.1.Value.1=%s",
                        filter_rows[i].filter, value);

        if (xml_count(xml, "macAddress") != (size_t)filter_rows[i].n)
            FAIL("%s=%s has %zu, not %d", filter_rows[i].filter, filter_rows[i].value,
                 xml_count(xml, "macAddress"), filter_rows[i].n);
    }
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DescribeNetworkInterfaces&Filter.1.Name=colour&Filter.1.Value.1=red");
    world_free(w);
}

TEST(interfaces_come_in_pages)
{
    struct world *w = world_with_image();
    const char *token = "";
    unsigned seen = 0, pages = 0;
    struct str xml;

    (void)world_okf(w, "Action=RunInstances&ImageId=" AMI "&InstanceType=t3.micro&MinCount=12"
                       "&MaxCount=12");
    do {
        xml = world_okf(w, "Action=DescribeNetworkInterfaces&MaxResults=5%s", token);
        seen += (unsigned)xml_count(xml, "macAddress");
        token = test_fmt("&NextToken=%.*s", STR_ARG(xml_text(xml, "nextToken")));
    } while (++pages < 9 && xml_text(xml, "nextToken").n);
    CHECK_INT(pages, 3);
    CHECK_INT(seen, 12);
    world_free(w);
}

/* ---- interfaces of one's own ---- */

#define CREATE "Action=CreateNetworkInterface&SubnetId=%s"
#define LAUNCH                                                                                     \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1"          \
    "&MaxCount=1&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.NetworkInterfaceId=%s"

static const char *
first_subnet(struct world *w)
{
    return xml_cstr(world_ok(w, "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                                "&Filter.1.Value.1=us-east-1b"),
                    "subnetId");
}

TEST(an_interface_is_made_and_deleted_by_itself, "ENI-01 ENI-02 ENI-08 ENI-10")
{
    struct world *w = world_new();
    const char *subnet = first_subnet(w);
    const char *form =
        test_fmt(CREATE "&Description=mine&PrivateIpAddress=172.31.16.77&ClientToken=once"
                        "&TagSpecification.1.ResourceType=network-interface"
                        "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
                 subnet);
    struct str xml = world_ok(w, form);
    const char *id = xml_cstr(xml, "networkInterfaceId"), *mac = xml_cstr(xml, "macAddress");

    CHECK_STR(xml_text(xml, "status"), "pending");
    CHECK_STR(xml_text(xml, "privateIpAddress"), "172.31.16.77");
    CHECK_STR(xml_text(xml, "description"), "mine");
    CHECK_STR(xml_text(xml, "groupName"), "default");
    CHECK_INT(xml_count(xml, "attachment"), 0);
    CHECK_STR(xml_text(world_ok(w, form), "networkInterfaceId"), id);
    world_refusedf(w, "IdempotentParameterMismatch", NULL, CREATE "&ClientToken=once", subnet);
    world_refusedf(w, "InvalidIPAddress.InUse", NULL, CREATE "&PrivateIpAddress=172.31.16.77",
                   subnet);
    world_refusedf(w, "UnsupportedOperation", NULL, CREATE "&Ipv4PrefixCount=1", subnet);
    world_refusedf(w, "UnsupportedOperation", NULL, CREATE "&InterfaceType=trunk", subnet);
    world_refusedf(w, "InvalidSubnetID.NotFound", NULL, CREATE, "subnet-1");
    world_crash(w);
    xml = world_okf(w, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", id);
    CHECK_STR(xml_text(xml, "status"), "available");
    CHECK_STR(xml_text(xml, "macAddress"), mac);
    CHECK_STR(xml_text(xml, "value"), "b");
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteSubnet&SubnetId=%s", subnet);
    (void)world_okf(w, "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", id);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL,
                   "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", id);
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", subnet);
    world_free(w);
}

TEST(an_instance_has_the_source_check_of_the_interface_that_it_was_launched_with)
{
    struct world *w = world_new();
    const char *id = xml_cstr(world_okf(w, CREATE, first_subnet(w)), "networkInterfaceId");

    (void)world_okf(w,
                    "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%s"
                    "&SourceDestCheck.Value=false",
                    id);
    const char *instance = xml_cstr(world_okf(w, LAUNCH, id), "instanceId");
    struct str xml = world_okf(
        w, "Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=sourceDestCheck", instance);

    CHECK_STR(xml_text(xml, "value"), "false");
    world_free(w);
}

TEST(an_interface_that_is_there_becomes_the_primary_one_of_a_launch)
{
    struct world *w = world_new();
    struct str nic = world_okf(w, CREATE, first_subnet(w));
    const char *id = xml_cstr(nic, "networkInterfaceId");
    const char *ip = xml_cstr(nic, "privateIpAddress"), *mac = xml_cstr(nic, "macAddress");
    struct str address = world_ok(w, "Action=AllocateAddress&Domain=vpc");

    (void)world_okf(w, "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s",
                    xml_cstr(address, "allocationId"), id);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   LAUNCH "&NetworkInterface.1.SubnetId=%s", id, first_subnet(w));
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   LAUNCH "&NetworkInterface.1.DeleteOnTermination=true", id);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL, LAUNCH,
                   "eni-0123456789abcdef0");
    for (int turn = 0; turn < 2; turn++) {
        struct str xml = world_okf(w, LAUNCH, id);
        const char *instance = xml_cstr(xml, "instanceId");

        CHECK_STR(xml_text(xml, "networkInterfaceId"), id);
        CHECK_STR(xml_text(xml, "privateIpAddress"), ip);
        CHECK_STR(xml_text(xml, "macAddress"), mac);
        CHECK_STR(xml_text(xml, "availabilityZone"), "us-east-1b");
        world_refusedf(w, "InvalidNetworkInterface.InUse",
                       test_fmt("Interface: [%s] in use.", id), LAUNCH, id);
        world_refusedf(w, "InvalidParameterValue",
                       test_fmt("Network interface '%s' is currently in use.", id),
                       "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", id);
        world_settle(w);
        xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", instance);
        CHECK(str_eq(xml_text(xml, "ipAddress"), xml_text(address, "publicIp")));
        (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", instance);
        world_advance(w, 60000);
        /* It outlives the instance, with its Elastic IP. */
        xml = world_okf(w, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", id);
        CHECK_STR(xml_text(xml, "status"), "available");
        CHECK(str_eq(xml_text(xml, "publicIp"), xml_text(address, "publicIp")));
    }
    world_free(w);
}
