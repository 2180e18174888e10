/* Interfaces that are attached and detached, several of an instance, and secondary addresses. */
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro&MinCount=1"           \
    "&MaxCount=1"
#define CREATE "Action=CreateNetworkInterface&SubnetId=%s"
#define ATTACH "Action=AttachNetworkInterface&NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=%d"
#define DETACH "Action=DetachNetworkInterface&AttachmentId=%s"
#define ASSIGN "Action=AssignPrivateIpAddresses&NetworkInterfaceId=%s"
#define UNASSIGN "Action=UnassignPrivateIpAddresses&NetworkInterfaceId=%s"

static const char *
subnet_in(struct world *w, const char *zone)
{
    return xml_cstr(world_okf(w,
                              "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                              "&Filter.1.Value.1=%s",
                              zone),
                    "subnetId");
}

static const char *
create(struct world *w, const char *subnet, const char *more)
{
    return xml_cstr(world_okf(w, CREATE "%s", subnet, more), "networkInterfaceId");
}

static const char *
run_in(struct world *w, const char *subnet)
{
    const char *id = xml_cstr(world_okf(w, RUN "&SubnetId=%s", subnet), "instanceId");

    world_advance(w, 1000);
    return id;
}

static struct str
nic(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", id);
}

static struct str
instance(struct world *w, const char *id)
{
    return world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", id);
}

/* Whether a list of addresses has this one. */
static bool
has(struct str xml, const char *ip)
{
    return str_find(xml, str_fmt(test_arena(), "<privateIpAddress>%s</privateIpAddress>", ip)) !=
           SIZE_MAX;
}

TEST(an_interface_moves_between_instances_with_all_that_it_has, "ENI-11 ENI-15 ENI-16")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b");
    const char *one = run_in(w, subnet), *two = run_in(w, subnet);
    const char *id = create(w, subnet, "&Description=moves&SecondaryPrivateIpAddressCount=1");
    struct str before = nic(w, id), xml;
    const char *attachment = xml_cstr(world_okf(w, ATTACH, id, one, 1), "attachmentId");

    CHECK(str_starts(str_from(attachment), S("eni-attach-")));
    xml = xml_element(nic(w, id), "attachment");
    CHECK_STR(xml_text(xml, "attachmentId"), attachment);
    CHECK_STR(xml_text(xml, "instanceId"), one);
    CHECK_STR(xml_text(xml, "deviceIndex"), "1");
    CHECK_STR(xml_text(xml, "status"), "attached");
    CHECK_STR(xml_text(xml, "deleteOnTermination"), "false");
    CHECK(str_find(nic(w, id), S("<status>in-use</status>")) != SIZE_MAX);
    xml = xml_element(instance(w, one), "networkInterfaceSet");
    CHECK_INT(xml_count(xml, "macAddress"), 2);
    CHECK_STR(xml_text_at(xml, "networkInterfaceId", 1), id);
    CHECK_INT(xml_count(xml, "primary"), 3);
    world_refusedf(w, "InvalidNetworkInterface.InUse", test_fmt("Interface: [%s] in use.", id),
                   ATTACH, id, two, 1);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("Network interface '%s' is currently in use.", id),
                   "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", id);
    world_crash(w);

    /* Warm: the second instance is stopped. */
    (void)world_okf(w, "Action=StopInstances&InstanceId.1=%s", two);
    world_advance(w, 60000);
    (void)world_okf(w, DETACH "&Force=true", attachment);
    CHECK_INT(xml_count(xml_element(instance(w, one), "networkInterfaceSet"), "macAddress"), 1);
    CHECK_INT(xml_count(nic(w, id), "attachment"), 0);
    (void)world_okf(w, ATTACH, id, two, 1);
    xml = nic(w, id);
    CHECK(str_eq(xml_text(xml, "macAddress"), xml_text(before, "macAddress")));
    CHECK(str_eq(xml_text(xml, "privateIpAddress"), xml_text(before, "privateIpAddress")));
    CHECK(str_eq(xml_element(xml, "privateIpAddressesSet"),
                 xml_element(before, "privateIpAddressesSet")));
    CHECK_STR(xml_text(xml, "description"), "moves");
    CHECK_STR(xml_text(xml_element(xml, "attachment"), "instanceId"), two);
    (void)world_okf(w, DETACH, xml_cstr(xml_element(xml, "attachment"), "attachmentId"));
    CHECK_STR(xml_text(nic(w, id), "status"), "available");
    world_free(w);
}

TEST(the_primary_interface_stays, "ENI-13")
{
    struct world *w = world_new();
    const char *id = run_in(w, subnet_in(w, "us-east-1a"));
    struct str primary = xml_element(instance(w, id), "networkInterfaceSet");

    world_refusedf(w, "OperationNotPermitted",
                   "The network interface at device index 0 and networkCard index 0 cannot be "
                   "detached.",
                   DETACH "&Force=true", xml_cstr(primary, "attachmentId"));
    world_free(w);
}

TEST(a_type_has_so_many_interfaces_and_addresses, "ENI-03 ENI-14")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b"), *id = run_in(w, subnet);
    const char *extra = create(w, subnet, ""), *many;
    struct str primary = xml_element(instance(w, id), "networkInterfaceSet");

    /* t3.micro: two interfaces of two addresses each. */
    many = create(w, subnet, "&SecondaryPrivateIpAddressCount=2");
    world_refusedf(w, "PrivateIpAddressLimitExceeded",
                   "Number of private addresses will exceed limit.", ATTACH, many, id, 1);
    world_refusedf(w, "InvalidParameterValue", NULL, ATTACH, extra, id, 2);
    (void)world_okf(w, ATTACH, extra, id, 1);
    world_refusedf(
        w, "InvalidParameterValue",
        test_fmt("Instance '%s' already has an interface attached at device index '1'.", id),
        ATTACH, many, id, 1);
    many = create(w, subnet, "");
    world_refusedf(w, "AttachmentLimitExceeded", "Interface count 3 exceeds the limit for t3.micro",
                   ATTACH, many, id, 2);
    (void)world_okf(w, ASSIGN "&SecondaryPrivateIpAddressCount=1",
                    xml_cstr(primary, "networkInterfaceId"));
    world_refusedf(
        w, "PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.",
        ASSIGN "&SecondaryPrivateIpAddressCount=1", xml_cstr(primary, "networkInterfaceId"));
    world_refusedf(w, "AttachmentLimitExceeded", NULL,
                   RUN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.2.DeviceIndex=1"
                       "&NetworkInterface.3.DeviceIndex=2");
    world_refused(w, "PrivateIpAddressLimitExceeded", NULL,
                  RUN "&NetworkInterface.1.DeviceIndex=0"
                      "&NetworkInterface.1.SecondaryPrivateIpAddressCount=2");
    world_free(w);
}

TEST(an_attachment_that_cannot_be_is_refused, "ENI-17")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b"), *other = subnet_in(w, "us-east-1a");
    const char *id = run_in(w, subnet), *far = create(w, other, ""), *near = create(w, subnet, "");
    const char *vpc = xml_cstr(nic(w, near), "vpcId");
    struct str sibling = world_okf(w,
                                   "Action=CreateSubnet&CidrBlock=172.31.200.0/24&VpcId=%s"
                                   "&AvailabilityZone=us-east-1b",
                                   vpc);

    /* Another subnet of the zone will do. */
    (void)world_okf(w, ATTACH, create(w, xml_cstr(sibling, "subnetId"), ""), id, 1);
    world_refusedf(w, "InvalidParameterCombination",
                   "You may not attach a network interface to an instance if they are not in the "
                   "same availability zone",
                   ATTACH, far, id, 1);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL, ATTACH, "eni-0123456789abcdef0",
                   id, 1);
    world_refusedf(w, "InvalidInstanceID.NotFound", NULL, ATTACH, near, "i-0123456789abcdef0", 1);
    world_refusedf(w, "UnsupportedOperation", NULL, ATTACH "&NetworkCardIndex=1", near, id, 1);
    world_refusedf(w, "InvalidAttachmentID.NotFound",
                   "The network interface attachment ID 'eni-attach-0123456789abcdef0' does not "
                   "exist",
                   DETACH, "eni-attach-0123456789abcdef0");
    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    world_refusedf(w, "IncorrectState", NULL, ATTACH, near, id, 1);
    world_account(w, "650524209925", "us-east-1");
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL, ATTACH, near, id, 1);
    world_free(w);
}

TEST(a_launch_brings_several_interfaces, "ENI-15 ENI-16")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b"), *own = create(w, subnet, ""), *id, *kept;
    struct str xml;

    xml = world_okf(w,
                    RUN "&NetworkInterface.1.DeviceIndex=1&NetworkInterface.1.NetworkInterfaceId=%s"
                        "&NetworkInterface.2.DeviceIndex=0&NetworkInterface.2.SubnetId=%s"
                        "&NetworkInterface.2.PrivateIpAddresses.1.PrivateIpAddress=172.31.16.60"
                        "&NetworkInterface.2.PrivateIpAddresses.1.Primary=true"
                        "&NetworkInterface.2.PrivateIpAddresses.2.PrivateIpAddress=172.31.16.61",
                    own, subnet);
    id = xml_cstr(xml, "instanceId");
    xml = xml_element(xml, "networkInterfaceSet");
    CHECK_INT(xml_count(xml, "macAddress"), 2);
    CHECK_STR(xml_text_at(xml, "networkInterfaceId", 1), own);
    CHECK_STR(xml_text(xml, "privateIpAddress"), "172.31.16.60");
    CHECK(has(xml, "172.31.16.61"));
    /* No public address comes by itself to one that has several. */
    CHECK_INT(xml_count(xml, "publicIp"), 0);
    kept = xml_cstr(xml, "networkInterfaceId");
    world_advance(w, 1000);
    (void)world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    (void)world_okf(w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(w, 1000);
    xml = instance(w, id);
    CHECK_INT(xml_count(xml_element(xml, "networkInterfaceSet"), "macAddress"), 2);
    CHECK_INT(xml_count(xml, "publicIp"), 0);

    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    CHECK_STR(xml_text(nic(w, own), "status"), "available");
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL,
                   "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", kept);
    (void)world_okf(w, CREATE "&PrivateIpAddress=172.31.16.61", subnet);

    world_refused(w, "InvalidParameterCombination",
                  "The associatePublicIPAddress parameter cannot be specified when launching with "
                  "multiple network interfaces.",
                  RUN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.2.DeviceIndex=1"
                      "&NetworkInterface.1.AssociatePublicIpAddress=true");
    world_refused(w, "InvalidParameterValue",
                  "Each network interface requires a unique device index.",
                  RUN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.2.DeviceIndex=0");
    world_refused(w, "InvalidParameterValue",
                  "The network interface with device index 0 must be specified",
                  RUN "&NetworkInterface.1.DeviceIndex=1");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   RUN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=%s"
                       "&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.SubnetId=%s",
                   subnet, subnet_in(w, "us-east-1a"));
    world_free(w);
}

TEST(a_secondary_address_fails_over_to_a_standby, "ENI-25")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b");
    const char *one = create(w, subnet, ""), *two = create(w, subnet, "");
    struct str address = world_ok(w, "Action=AllocateAddress&Domain=vpc"), xml;
    const char *allocation = xml_cstr(address, "allocationId");

    xml = world_okf(w, ASSIGN "&PrivateIpAddress.1=172.31.16.200", one);
    CHECK_STR(xml_text(xml, "networkInterfaceId"), one);
    CHECK_STR(xml_text(xml_element(xml, "assignedPrivateIpAddressesSet"), "privateIpAddress"),
              "172.31.16.200");
    (void)world_okf(w,
                    "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s"
                    "&PrivateIpAddress=172.31.16.200",
                    allocation, one);
    world_refusedf(w, "InvalidParameterValue", "[172.31.16.200] assigned, but move is not allowed.",
                   ASSIGN "&PrivateIpAddress.1=172.31.16.200", two);
    (void)world_okf(w, ASSIGN "&PrivateIpAddress.1=172.31.16.200&AllowReassignment=true", two);
    CHECK(!has(nic(w, one), "172.31.16.200"));
    CHECK(has(nic(w, two), "172.31.16.200"));
    /* Its Elastic IP came along. */
    xml = world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", allocation);
    CHECK_STR(xml_text(xml, "networkInterfaceId"), two);
    CHECK_STR(xml_text(xml, "privateIpAddress"), "172.31.16.200");
    world_crash(w);
    CHECK(str_eq(xml_text(nic(w, two), "publicIp"), xml_text(address, "publicIp")));
    world_refusedf(w, "InvalidParameterValue", NULL,
                   ASSIGN "&PrivateIpAddress.1=%s&AllowReassignment=true", two,
                   xml_cstr(nic(w, one), "privateIpAddress"));
    (void)world_okf(w, UNASSIGN "&PrivateIpAddress.1=172.31.16.200", two);
    xml = world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", allocation);
    CHECK_INT(xml_count(xml, "associationId"), 0);
    world_refusedf(
        w, "InvalidParameterValue",
        test_fmt("Some of the specified addresses are not assigned to interface %s", two),
        UNASSIGN "&PrivateIpAddress.1=172.31.16.200", two);
    world_free(w);
}

TEST(each_private_address_may_have_an_elastic_ip, "ENI-04")
{
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b"), *id;
    struct str one = world_ok(w, "Action=AllocateAddress&Domain=vpc");
    struct str two = world_ok(w, "Action=AllocateAddress&Domain=vpc"), xml;

#define ASSOCIATE "Action=AssociateAddress&AllocationId=%s&NetworkInterfaceId=%s"
    id = create(w, subnet,
                "&PrivateIpAddresses.1.PrivateIpAddress=172.31.16.50&PrivateIpAddresses.1.Primary="
                "true&PrivateIpAddresses.2.PrivateIpAddress=172.31.16.51");
    (void)world_okf(w, ASSOCIATE, xml_cstr(one, "allocationId"), id);
    (void)world_okf(w, ASSOCIATE "&PrivateIpAddress=172.31.16.51", xml_cstr(two, "allocationId"),
                    id);
    world_refusedf(w, "Resource.AlreadyAssociated", NULL,
                   ASSOCIATE "&PrivateIpAddress=172.31.16.51&AllowReassociation=false",
                   xml_cstr(one, "allocationId"), id);
    world_refusedf(w, "InvalidParameterValue", NULL, ASSOCIATE "&PrivateIpAddress=172.31.16.52",
                   xml_cstr(one, "allocationId"), id);
    xml = xml_element(nic(w, id), "privateIpAddressesSet");
    CHECK(str_eq(xml_text_at(xml, "publicIp", 0), xml_text(one, "publicIp")));
    CHECK(str_eq(xml_text_at(xml, "publicIp", 1), xml_text(two, "publicIp")));

    /* From one address of the interface to the other: that one's is with nothing then. */
    (void)world_okf(w, ASSOCIATE "&PrivateIpAddress=172.31.16.51", xml_cstr(one, "allocationId"),
                    id);
    xml = xml_element(nic(w, id), "privateIpAddressesSet");
    CHECK_INT(xml_count(xml, "publicIp"), 1);
    CHECK(str_eq(xml_text(xml, "publicIp"), xml_text(one, "publicIp")));
    xml = world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", xml_cstr(two, "allocationId"));
    CHECK_INT(xml_count(xml, "associationId"), 0);
    (void)world_okf(w, "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", id);
    xml = world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", xml_cstr(one, "allocationId"));
    CHECK_INT(xml_count(xml, "associationId"), 0);
    world_free(w);
}

TEST(addresses_that_do_not_go_together_are_refused)
{
    static const struct {
        const char *more, *code;
    } bad[] = {
        {"&PrivateIpAddress=172.31.16.9&PrivateIpAddresses.1.PrivateIpAddress=172.31.16.8"
         "&PrivateIpAddresses.1.Primary=true",
         "InvalidParameterCombination"},
        {"&PrivateIpAddresses.1.PrivateIpAddress=172.31.16.8&PrivateIpAddresses.1.Primary=false"
         "&SecondaryPrivateIpAddressCount=1",
         "InvalidParameterCombination"},
        {"&SecondaryPrivateIpAddressCount=51", "PrivateIpAddressLimitExceeded"},
        {"&PrivateIpAddresses.1.Primary=true", "MissingParameter"},
        {"&PrivateIpAddresses.1.PrivateIpAddress=10.0.0.8&PrivateIpAddresses.1.Primary=false",
         "InvalidParameterValue"},
    };
    struct world *w = world_new();
    const char *subnet = subnet_in(w, "us-east-1b"), *id = create(w, subnet, "");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, NULL, CREATE "%s", subnet, bad[i].more);
    world_refusedf(w, "InvalidParameterCombination", NULL, ASSIGN, id);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   ASSIGN "&PrivateIpAddress.1=172.31.16.9&SecondaryPrivateIpAddressCount=1", id);
    world_refusedf(w, "InvalidParameterValue", NULL, ASSIGN "&SecondaryPrivateIpAddressCount=0",
                   id);
    world_refusedf(w, "UnsupportedOperation", NULL, ASSIGN "&Ipv4PrefixCount=1", id);
    world_refusedf(w, "MissingParameter", NULL, UNASSIGN, id);
    world_free(w);
}

TEST(the_check_of_source_and_destination_can_be_reset)
{
    struct world *w = world_new();
    const char *id = create(w, subnet_in(w, "us-east-1b"), "");

    (void)world_okf(w,
                    "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%s"
                    "&SourceDestCheck.Value=false",
                    id);
    CHECK_STR(xml_text(nic(w, id), "sourceDestCheck"), "false");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=ResetNetworkInterfaceAttribute&NetworkInterfaceId=%s", id);
    (void)world_okf(w,
                    "Action=ResetNetworkInterfaceAttribute&NetworkInterfaceId=%s"
                    "&SourceDestCheck=sourceDestCheck",
                    id);
    CHECK_STR(xml_text(nic(w, id), "sourceDestCheck"), "true");
    world_free(w);
}
