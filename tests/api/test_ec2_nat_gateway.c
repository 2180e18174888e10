/* NAT gateways and the routes that lead to them. */
#include "harness/world.h"

#define CREATE "Action=CreateNatGateway&SubnetId=%s&AllocationId=%s"
#define DESCRIBE "Action=DescribeNatGateways&NatGatewayId.1=%s"
#define DELETE "Action=DeleteNatGateway&NatGatewayId=%s"
#define ROUTE "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0&NatGatewayId=%s"

static const char *
any_subnet(struct world *w)
{
    return xml_cstr(world_ok(w, "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                                "&Filter.1.Value.1=us-east-1b"),
                    "subnetId");
}

static const char *
address(struct world *w)
{
    return xml_cstr(world_ok(w, "Action=AllocateAddress&Domain=vpc"), "allocationId");
}

static const char *
table_of(struct world *w, const char *vpc)
{
    return xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId");
}

TEST(a_nat_gateway_has_an_interface_and_an_elastic_ip, "VPC-02")
{
    struct world *w = world_new();
    const char *subnet = any_subnet(w), *allocation = address(w), *id, *nic, *ip;
    const char *form =
        test_fmt(CREATE "&ClientToken=once&TagSpecification.1.ResourceType=natgateway"
                        "&TagSpecification.1.Tag.1.Key=a"
                        "&TagSpecification.1.Tag.1.Value=b",
                 subnet, allocation);
    struct str xml = world_ok(w, form);

    id = xml_cstr(xml, "natGatewayId");
    CHECK(str_starts(str_from(id), S("nat-")));
    CHECK_STR(xml_text(xml, "state"), "pending");
    CHECK_STR(xml_text(xml, "connectivityType"), "public");
    CHECK_STR(xml_text(world_ok(w, form), "natGatewayId"), id);
    world_refusedf(w, "IdempotentParameterMismatch", NULL, CREATE "&ClientToken=once", subnet,
                   address(w));
    world_crash(w);
    xml = world_okf(w, DESCRIBE, id);
    CHECK_STR(xml_text(xml, "state"), "available");
    CHECK_STR(xml_text(xml, "allocationId"), allocation);
    CHECK_STR(xml_text(xml, "subnetId"), subnet);
    CHECK_STR(xml_text(xml, "value"), "b");
    nic = xml_cstr(xml, "networkInterfaceId");
    ip = xml_cstr(xml, "publicIp");

    xml = world_okf(w, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", nic);
    CHECK_STR(xml_text(xml, "interfaceType"), "nat_gateway");
    CHECK_STR(xml_text(xml, "requesterManaged"), "true");
    CHECK_STR(xml_text(xml, "description"), test_fmt("Interface for NAT Gateway %s", id));
    CHECK_STR(xml_text(xml, "sourceDestCheck"), "false");
    CHECK_STR(xml_text(xml, "publicIp"), ip);
    CHECK_STR(xml_text(xml_element(xml, "attachment"), "instanceOwnerId"), "amazon-aws");
    /* Nobody else has a hand in it. */
    world_refusedf(w, "OperationNotPermitted", NULL,
                   "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=%s"
                   "&Description.Value=x",
                   nic);
    world_refusedf(w, "OperationNotPermitted",
                   "You are not allowed to manage 'ela-attach' attachments.",
                   "Action=DetachNetworkInterface&AttachmentId=%s", xml_cstr(xml, "attachmentId"));
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DeleteNetworkInterface&NetworkInterfaceId=%s", nic);
    xml = world_okf(w, "Action=DescribeAddresses&AllocationId.1=%s", allocation);
    world_refusedf(w, "OperationNotPermitted", NULL, "Action=DisassociateAddress&AssociationId=%s",
                   xml_cstr(xml, "associationId"));
    world_refusedf(w, "InvalidIPAddress.InUse", NULL, "Action=ReleaseAddress&AllocationId=%s",
                   allocation);
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteSubnet&SubnetId=%s", subnet);

    CHECK_STR(xml_text(world_okf(w, DELETE, id), "natGatewayId"), id);
    xml = world_okf(w, DESCRIBE, id);
    CHECK_STR(xml_text(xml, "state"), "deleted");
    CHECK(xml_text(xml, "deleteTime").n > 0);
    (void)world_okf(w, DELETE, id);
    (void)world_okf(w, "Action=ReleaseAddress&AllocationId=%s", allocation);
    world_refusedf(w, "InvalidNetworkInterfaceID.NotFound", NULL,
                   "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", nic);
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", subnet);
    /* An hour later nothing is known of it. */
    world_advance(w, 3600 * 1000);
    world_refusedf(w, "NatGatewayNotFound", test_fmt("The Nat Gateway %s was not found", id),
                   DESCRIBE, id);
    world_free(w);
}

TEST(a_route_to_a_nat_gateway_is_a_black_hole_when_that_is_gone)
{
    struct world *w = world_new();
    const char *subnet = any_subnet(w), *nat, *table, *vpc, *other;
    struct str xml = world_okf(w, CREATE, subnet, address(w));

    nat = xml_cstr(xml, "natGatewayId");
    vpc = xml_cstr(xml, "vpcId");
    table = table_of(w, vpc);
    (void)world_okf(w, ROUTE, table, nat);
    xml = xml_where(world_okf(w, "Action=DescribeRouteTables&RouteTableId.1=%s", table), "item",
                    "destinationCidrBlock", "0.0.0.0/0");
    CHECK_STR(xml_text(xml, "natGatewayId"), nat);
    CHECK_STR(xml_text(xml, "state"), "active");
    CHECK_INT(xml_count(xml, "gatewayId"), 0);
    CHECK_INT(xml_count(world_okf(w,
                                  "Action=DescribeRouteTables&Filter.1.Name=route.nat-gateway-id"
                                  "&Filter.1.Value.1=%s",
                                  nat),
                        "routeTableId"),
              1);
    (void)world_okf(w, DELETE, nat);
    xml = xml_where(world_okf(w, "Action=DescribeRouteTables&RouteTableId.1=%s", table), "item",
                    "destinationCidrBlock", "0.0.0.0/0");
    CHECK_STR(xml_text(xml, "state"), "blackhole");
    world_refusedf(w, "InvalidNatGatewayID.NotFound",
                   test_fmt("The natGateway ID '%s' does not exist", nat),
                   "Action=ReplaceRoute&RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0"
                   "&NatGatewayId=%s",
                   table, nat);
    nat = xml_cstr(world_okf(w, CREATE, subnet, address(w)), "natGatewayId");
    (void)world_okf(w,
                    "Action=ReplaceRoute&RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0"
                    "&NatGatewayId=%s",
                    table, nat);
    other = xml_cstr(world_ok(w, "Action=CreateVpc&CidrBlock=10.1.0.0/16"), "vpcId");
    world_refusedf(w, "InvalidParameterValue", NULL, ROUTE, table_of(w, other), nat);
    world_refusedf(w, "InvalidParameterCombination", NULL, ROUTE "&GatewayId=igw-1", table, nat);
    world_free(w);
}

TEST(a_nat_gateway_that_cannot_be_fails)
{
    struct world *w = world_new();
    const char *taken = address(w), *vpc, *subnet;
    struct str xml;

    vpc = xml_cstr(world_ok(w, "Action=CreateVpc&CidrBlock=10.1.0.0/16"), "vpcId");
    subnet = xml_cstr(world_okf(w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.1.1.0/24", vpc),
                      "subnetId");
    xml = world_okf(w, CREATE, subnet, address(w));
    CHECK_STR(xml_text(xml, "state"), "pending");
    xml = world_okf(w, DESCRIBE, xml_cstr(xml, "natGatewayId"));
    CHECK_STR(xml_text(xml, "state"), "failed");
    CHECK_STR(xml_text(xml, "failureCode"), "Gateway.NotAttached");
    CHECK_STR(xml_text(xml, "failureMessage"),
              test_fmt("Network %s has no Internet gateway attached", vpc));

    subnet = any_subnet(w);
    (void)world_okf(w, CREATE, subnet, taken);
    xml = world_okf(w, CREATE, subnet, taken);
    xml = world_okf(w, DESCRIBE, xml_cstr(xml, "natGatewayId"));
    CHECK_STR(xml_text(xml, "failureCode"), "Resource.AlreadyAssociated");

    world_refusedf(w, "MissingParameter", NULL, "Action=CreateNatGateway&SubnetId=%s", subnet);
    world_refusedf(w, "InvalidAllocationID.NotFound", NULL, CREATE, subnet,
                   "eipalloc-0123456789abcdef0");
    world_refusedf(w, "InvalidSubnetID.NotFound", NULL, CREATE, "subnet-1", taken);
    world_refusedf(w, "InvalidParameterCombination", NULL, CREATE "&ConnectivityType=private",
                   subnet, taken);
    world_refusedf(w, "UnsupportedOperation", NULL, CREATE "&SecondaryPrivateIpAddressCount=1",
                   subnet, taken);
    world_refusedf(w, "UnsupportedOperation", NULL, CREATE "&AvailabilityMode=regional", subnet,
                   taken);
    world_refusedf(w, "NatGatewayNotFound", NULL, DELETE, "nat-0123456789abcdef0");
    world_account(w, "650524209925", "us-east-1");
    world_refusedf(w, "NatGatewayNotFound", NULL, DESCRIBE, xml_cstr(xml, "natGatewayId"));
    world_free(w);
}

TEST(a_private_nat_gateway_has_no_address_of_the_internet)
{
    struct world *w = world_new();
    const char *subnet = any_subnet(w);
    struct str xml = world_okf(w,
                               "Action=CreateNatGateway&SubnetId=%s&ConnectivityType=private"
                               "&PrivateIpAddress=172.31.16.99",
                               subnet);

    xml = world_okf(w, DESCRIBE, xml_cstr(xml, "natGatewayId"));
    CHECK_STR(xml_text(xml, "connectivityType"), "private");
    CHECK_STR(xml_text(xml, "privateIp"), "172.31.16.99");
    CHECK_INT(xml_count(xml, "publicIp"), 0);
    world_free(w);
}

TEST(nat_gateways_are_listed_by_filters_and_pages)
{
    static const struct {
        const char *filter;
        int n;
    } rows[] = {
        {"state&Filter.1.Value.1=available", 6},
        {"state&Filter.1.Value.1=deleted", 1},
        {"subnet-id&Filter.1.Value.1=subnet-*", 7},
        {"vpc-id&Filter.1.Value.1=vpc-1", 0},
        {"tag:a&Filter.1.Value.1=b", 1},
        {"nat-gateway-id&Filter.1.Value.1=nat-*", 7},
    };
    struct world *w = world_new();
    const char *b = any_subnet(w), *token = "";
    const char *a = xml_cstr(world_ok(w, "Action=DescribeSubnets&Filter.1.Name=availability-zone"
                                         "&Filter.1.Value.1=us-east-1a"),
                             "subnetId");
    size_t seen = 0, pages = 0;
    struct str xml;

#define PRIVATE "Action=CreateNatGateway&SubnetId=%s&ConnectivityType=private"
    xml = world_okf(w, PRIVATE, b);
    (void)world_okf(w, DELETE, xml_cstr(xml, "natGatewayId"));
    for (int i = 0; i < 4; i++)
        (void)world_okf(w, PRIVATE, b);
    xml = world_okf(w, PRIVATE, b);
    world_refusedf(w, "NatGatewayLimitExceeded", NULL, PRIVATE, b); /* five in a zone */
    (void)world_okf(w,
                    PRIVATE "&TagSpecification.1.ResourceType=natgateway"
                            "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
                    a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        xml = world_okf(w, "Action=DescribeNatGateways&Filter.1.Name=%s", rows[i].filter);
        if (xml_count(xml, "natGatewayId") != (size_t)rows[i].n)
            FAIL("%s: %zu", rows[i].filter, xml_count(xml, "natGatewayId"));
    }
    do {
        xml = world_okf(w, "Action=DescribeNatGateways&MaxResults=5%s", token);
        seen += xml_count(xml, "natGatewayId");
        token = test_fmt("&NextToken=%.*s", STR_ARG(xml_text(xml, "nextToken")));
    } while (++pages < 9 && xml_text(xml, "nextToken").n);
    CHECK_INT(seen, 7);
    CHECK_INT(pages, 2);
    world_free(w);
}
