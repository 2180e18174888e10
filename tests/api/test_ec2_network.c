/* The default VPC and what stands around it. */
#include "harness/world.h"

TEST(an_account_finds_its_default_vpc_at_its_first_call, "VPC-07")
{
    struct world *w = world_new();
    struct str xml =
        world_ok(w, "Action=DescribeVpcs&Filter.1.Name=is-default&Filter.1.Value.1=true");
    const char *vpc = xml_cstr(xml, "vpcId");

    CHECK_INT(xml_count(xml, "vpcId"), 1);
    CHECK_STR(xml_text(xml, "cidrBlock"), "172.31.0.0/16");
    CHECK_STR(xml_text(xml, "isDefault"), "true");
    CHECK_STR(xml_text(xml, "instanceTenancy"), "default");
    CHECK_STR(xml_text(xml, "ownerId"), "000000000000");
    CHECK(str_starts(xml_text(xml, "dhcpOptionsId"), S("dopt-")));

    xml = world_okf(w, "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=%s", vpc);
    CHECK_INT(xml_count(xml, "subnetId"), 6);
    CHECK_STR(xml_text(xml, "defaultForAz"), "true");
    CHECK_STR(xml_text(xml, "mapPublicIpOnLaunch"), "true");
    CHECK_STR(xml_text(xml, "availableIpAddressCount"), "4091");
    for (unsigned i = 0; i < 6; i++) {
        const char *cidr = test_fmt("172.31.%u.0/20", 16 * i);
        struct str one = world_okf(
            w, "Action=DescribeSubnets&Filter.1.Name=cidr-block&Filter.1.Value.1=%s", cidr);
        struct str zone = str_fmt(test_arena(), "us-east-1%c", 'a' + (char)i);

        CHECK_INT(xml_count(one, "subnetId"), 1);
        CHECK(str_eq(xml_text(one, "availabilityZone"), zone));
        CHECK(str_starts(xml_text(one, "availabilityZoneId"), S("use1-az")));
    }

    xml =
        world_okf(w, "Action=DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1=%s", vpc);
    CHECK_INT(xml_count(xml, "groupName"), 1);
    CHECK_STR(xml_text(xml, "groupName"), "default");
    CHECK_STR(xml_text(xml, "groupDescription"), "default VPC security group");
    CHECK_STR(xml_text(xml, "cidrIp"), "0.0.0.0/0");
    world_free(w);
}

TEST(a_vpc_is_of_one_account_and_region, "REG-01 REG-03")
{
    struct world *w = world_new();
    const char *first = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");

    world_account(w, "000000000000", "eu-west-1");
    const char *other_region = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");
    CHECK(strcmp(first, other_region) != 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSubnets"), "subnetId"), 3);
    world_callf(w, "Action=DescribeVpcs&VpcId.1=%s", first);
    CHECK_INT(w->http, 400);

    world_account(w, "650524209925", "us-east-1");
    const char *other_account = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");
    CHECK(strcmp(first, other_account) != 0 && strcmp(other_region, other_account) != 0);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeVpcs"), "ownerId"), "650524209925");

    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeVpcs"), "vpcId"), first);
    world_free(w);
}

TEST(the_default_vpc_survives_a_crash)
{
    struct world *w = world_new();
    const char *vpc = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");

    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeVpcs"), "vpcId"), vpc);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSubnets"), "subnetId"), 6);
    world_free(w);
}

TEST(a_dry_run_as_the_first_call_makes_nothing_half)
{
    struct world *w = world_new();

    world_call(w, "Action=DescribeVpcs&DryRun=true");
    CHECK_INT(w->http, 412);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSubnets"), "subnetId"), 6);
    world_free(w);
}

TEST(attributes_of_the_default_vpc)
{
    struct world *w = world_new();
    const char *vpc = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");
    struct str xml;

    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsSupport&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "true");
    CHECK_STR(xml_text(xml, "vpcId"), vpc);
    CHECK_INT(xml_count(xml, "enableDnsSupport"), 1);
    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsHostnames&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "true");
    CHECK_INT(xml_count(xml, "enableDnsHostnames"), 1);
    xml = world_okf(w,
                    "Action=DescribeVpcAttribute&Attribute=enableNetworkAddressUsageMetrics"
                    "&VpcId=%s",
                    vpc);
    CHECK_STR(xml_text(xml, "value"), "false");
    world_free(w);
}

TEST(what_stands_around_the_default_vpc, "VPC-01 VPC-04")
{
    struct world *w = world_new();
    struct str vpc_xml = world_ok(w, "Action=DescribeVpcs");
    const char *vpc = xml_cstr(vpc_xml, "vpcId");
    const char *igw = xml_cstr(world_ok(w, "Action=DescribeInternetGateways"), "internetGatewayId");
    struct str xml;

    xml = world_okf(w,
                    "Action=DescribeRouteTables&Filter.1.Name=vpc-id&Filter.1.Value.1=%s"
                    "&Filter.2.Name=association.main&Filter.2.Value.1=true",
                    vpc);
    CHECK_INT(xml_count(xml, "destinationCidrBlock"), 2);
    CHECK_STR(xml_text(xml, "destinationCidrBlock"), "172.31.0.0/16");
    CHECK_STR(xml_text(xml, "gatewayId"), "local");
    CHECK(str_find(xml, str_from(igw)) != SIZE_MAX);
    CHECK_STR(xml_text(xml, "main"), "true");

    xml = world_okf(w,
                    "Action=DescribeInternetGateways&Filter.1.Name=attachment.vpc-id"
                    "&Filter.1.Value.1=%s",
                    vpc);
    CHECK_STR(xml_text(xml, "internetGatewayId"), igw);

    xml = world_okf(w,
                    "Action=DescribeNetworkAcls&Filter.1.Name=default&Filter.1.Value.1=true"
                    "&Filter.2.Name=vpc-id&Filter.2.Value.1=%s",
                    vpc);
    CHECK_INT(xml_count(xml, "networkAclAssociationId"), 6);
    CHECK_INT(xml_count(xml, "ruleNumber"), 4);

    xml = world_ok(w, "Action=DescribeDhcpOptions");
    CHECK(str_eq(xml_text(xml, "dhcpOptionsId"), xml_text(vpc_xml, "dhcpOptionsId")));
    CHECK(str_find(xml, S("ec2.internal")) != SIZE_MAX);
    CHECK(str_find(xml, S("AmazonProvidedDNS")) != SIZE_MAX);
    world_account(w, "000000000000", "eu-west-1");
    xml = world_ok(w, "Action=DescribeDhcpOptions");
    CHECK(str_find(xml, S("eu-west-1.compute.internal")) != SIZE_MAX);
    world_free(w);
}

/* The operation, a filter, a value that matches and how many it matches; "*" is any. */
static const struct {
    const char *operation, *filter, *value;
    int n;
    const char *tag;
} filter_rows[] = {
    {"DescribeVpcs", "cidr", "172.31.0.0/16", 1, "vpcId"},
    {"DescribeVpcs", "cidr", "10.0.0.0/16", 0, "vpcId"},
    {"DescribeVpcs", "cidr-block-association.cidr-block", "172.31.0.0/16", 1, "vpcId"},
    {"DescribeVpcs", "cidr-block-association.association-id", "vpc-cidr-assoc-*", 1, "vpcId"},
    {"DescribeVpcs", "cidr-block-association.state", "associated", 1, "vpcId"},
    {"DescribeVpcs", "dhcp-options-id", "dopt-*", 1, "vpcId"},
    {"DescribeVpcs", "ipv6-cidr-block-association.ipv6-cidr-block", "*", 0, "vpcId"},
    {"DescribeVpcs", "ipv6-cidr-block-association.ipv6-pool", "*", 0, "vpcId"},
    {"DescribeVpcs", "ipv6-cidr-block-association.association-id", "*", 0, "vpcId"},
    {"DescribeVpcs", "ipv6-cidr-block-association.state", "*", 0, "vpcId"},
    {"DescribeVpcs", "is-default", "true", 1, "vpcId"},
    {"DescribeVpcs", "isDefault", "true", 1, "vpcId"},
    {"DescribeVpcs", "is-default", "false", 0, "vpcId"},
    {"DescribeVpcs", "owner-id", "000000000000", 1, "vpcId"},
    {"DescribeVpcs", "state", "available", 1, "vpcId"},
    {"DescribeVpcs", "state", "pending", 0, "vpcId"},
    {"DescribeVpcs", "tag:Name", "*", 0, "vpcId"},
    {"DescribeVpcs", "tag-key", "*", 0, "vpcId"},
    {"DescribeVpcs", "vpc-id", "vpc-*", 1, "vpcId"},
    {"DescribeSubnets", "availability-zone", "us-east-1a", 1, "subnetId"},
    {"DescribeSubnets", "availabilityZone", "us-east-1b", 1, "subnetId"},
    {"DescribeSubnets", "availability-zone-id", "use1-az1", 1, "subnetId"},
    {"DescribeSubnets", "availabilityZoneId", "use1-az1", 1, "subnetId"},
    {"DescribeSubnets", "available-ip-address-count", "4091", 6, "subnetId"},
    {"DescribeSubnets", "cidr-block", "172.31.16.0/20", 1, "subnetId"},
    {"DescribeSubnets", "cidr", "172.31.16.0/20", 1, "subnetId"},
    {"DescribeSubnets", "cidrBlock", "172.31.96.0/20", 0, "subnetId"},
    {"DescribeSubnets", "customer-owned-ipv4-pool", "*", 0, "subnetId"},
    {"DescribeSubnets", "default-for-az", "true", 6, "subnetId"},
    {"DescribeSubnets", "defaultForAz", "false", 0, "subnetId"},
    {"DescribeSubnets", "enable-dns64", "false", 6, "subnetId"},
    {"DescribeSubnets", "enable-lni-at-device-index", "1", 0, "subnetId"},
    {"DescribeSubnets", "ipv6-cidr-block-association.ipv6-cidr-block", "*", 0, "subnetId"},
    {"DescribeSubnets", "ipv6-cidr-block-association.association-id", "*", 0, "subnetId"},
    {"DescribeSubnets", "ipv6-cidr-block-association.state", "*", 0, "subnetId"},
    {"DescribeSubnets", "ipv6-native", "false", 6, "subnetId"},
    {"DescribeSubnets", "map-customer-owned-ip-on-launch", "true", 0, "subnetId"},
    {"DescribeSubnets", "map-public-ip-on-launch", "true", 6, "subnetId"},
    {"DescribeSubnets", "outpost-arn", "*", 0, "subnetId"},
    {"DescribeSubnets", "owner-id", "000000000000", 6, "subnetId"},
    {"DescribeSubnets", "private-dns-name-options-on-launch.hostname-type", "ip-name", 6,
     "subnetId"},
    {"DescribeSubnets", "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
     "false", 6, "subnetId"},
    {"DescribeSubnets", "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
     "true", 0, "subnetId"},
    {"DescribeSubnets", "state", "available", 6, "subnetId"},
    {"DescribeSubnets", "subnet-arn", "arn:aws:ec2:us-east-1:000000000000:subnet/*", 6, "subnetId"},
    {"DescribeSubnets", "subnet-id", "subnet-*", 6, "subnetId"},
    {"DescribeSubnets", "tag-key", "*", 0, "subnetId"},
    {"DescribeSubnets", "vpc-id", "vpc-0", 0, "subnetId"},
    {"DescribeRouteTables", "association.gateway-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "association.route-table-association-id", "rtbassoc-*", 1,
     "propagatingVgwSet"},
    {"DescribeRouteTables", "association.route-table-id", "rtb-*", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "association.subnet-id", "subnet-*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "association.main", "true", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "owner-id", "000000000000", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "route-table-id", "rtb-*", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.destination-cidr-block", "0.0.0.0/0", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.destination-ipv6-cidr-block", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.destination-prefix-list-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.egress-only-internet-gateway-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.gateway-id", "igw-*", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.instance-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.transit-gateway-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.vpc-peering-connection-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "tag-key", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.nat-gateway-id", "*", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.origin", "CreateRoute", 1, "propagatingVgwSet"},
    {"DescribeRouteTables", "route.state", "blackhole", 0, "propagatingVgwSet"},
    {"DescribeRouteTables", "vpc-id", "vpc-*", 1, "propagatingVgwSet"},
    {"DescribeInternetGateways", "attachment.state", "available", 1, "internetGatewayId"},
    {"DescribeInternetGateways", "attachment.vpc-id", "vpc-*", 1, "internetGatewayId"},
    {"DescribeInternetGateways", "internet-gateway-id", "igw-*", 1, "internetGatewayId"},
    {"DescribeInternetGateways", "owner-id", "1*", 0, "internetGatewayId"},
    {"DescribeInternetGateways", "tag-key", "*", 0, "internetGatewayId"},
    {"DescribeNetworkAcls", "association.association-id", "aclassoc-*", 1, "entrySet"},
    {"DescribeNetworkAcls", "association.network-acl-id", "acl-*", 1, "entrySet"},
    {"DescribeNetworkAcls", "association.subnet-id", "subnet-*", 1, "entrySet"},
    {"DescribeNetworkAcls", "default", "true", 1, "entrySet"},
    {"DescribeNetworkAcls", "entry.cidr", "0.0.0.0/0", 1, "entrySet"},
    {"DescribeNetworkAcls", "entry.icmp.code", "*", 0, "entrySet"},
    {"DescribeNetworkAcls", "entry.icmp.type", "*", 0, "entrySet"},
    {"DescribeNetworkAcls", "entry.ipv6-cidr", "*", 0, "entrySet"},
    {"DescribeNetworkAcls", "entry.port-range.from", "*", 0, "entrySet"},
    {"DescribeNetworkAcls", "entry.port-range.to", "*", 0, "entrySet"},
    {"DescribeNetworkAcls", "entry.protocol", "-1", 1, "entrySet"},
    {"DescribeNetworkAcls", "entry.rule-action", "deny", 1, "entrySet"},
    {"DescribeNetworkAcls", "entry.egress", "true", 1, "entrySet"},
    {"DescribeNetworkAcls", "entry.rule-number", "32767", 1, "entrySet"},
    {"DescribeNetworkAcls", "network-acl-id", "acl-*", 1, "entrySet"},
    {"DescribeNetworkAcls", "owner-id", "000000000000", 1, "entrySet"},
    {"DescribeNetworkAcls", "vpc-id", "vpc-*", 1, "entrySet"},
    {"DescribeDhcpOptions", "dhcp-options-id", "dopt-*", 1, "dhcpOptionsId"},
    {"DescribeDhcpOptions", "key", "domain-name", 1, "dhcpOptionsId"},
    {"DescribeDhcpOptions", "value", "AmazonProvidedDNS", 1, "dhcpOptionsId"},
    {"DescribeDhcpOptions", "owner-id", "000000000000", 1, "dhcpOptionsId"},
    {"DescribeDhcpOptions", "tag:a", "b", 0, "dhcpOptionsId"},
};

TEST(filters_of_networks_tell_what_is_from_what_is_not)
{
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(filter_rows); i++) {
        struct str q =
            str_fmt(test_arena(), "Action=%s&Filter.1.Name=%s&Filter.1.Value.1=%s",
                    filter_rows[i].operation, filter_rows[i].filter, filter_rows[i].value);
        size_t n = xml_count(world_ok(w, test_cstr(q)), filter_rows[i].tag);

        if (n != (size_t)filter_rows[i].n)
            FAIL("%s %s=%s has %zu, not %d", filter_rows[i].operation, filter_rows[i].filter,
                 filter_rows[i].value, n, filter_rows[i].n);
    }
    world_free(w);
}

TEST(tags_of_networks_can_be_asked_for)
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=DescribeSubnets&MaxResults=5");
    const char *subnet = xml_cstr(xml, "subnetId");
    const char *vpc = xml_cstr(world_ok(w, "Action=DescribeVpcs"), "vpcId");

    (void)world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=Name&Tag.1.Value=one", subnet);
    (void)world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=Name&Tag.1.Value=net", vpc);
    xml = world_ok(w, "Action=DescribeSubnets&Filter.1.Name=tag:Name&Filter.1.Value.1=one");
    CHECK_INT(xml_count(xml, "subnetId"), 1);
    CHECK_STR(xml_text(xml, "subnetId"), subnet);
    CHECK_STR(xml_text(xml, "value"), "one");
    xml = world_ok(w, "Action=DescribeVpcs&Filter.1.Name=tag-key&Filter.1.Value.1=Name");
    CHECK_STR(xml_text(xml, "vpcId"), vpc);
    xml = world_ok(w, "Action=DescribeVpcs&Filter.1.Name=tag:Name&Filter.1.Value.1=one");
    CHECK_INT(xml_count(xml, "vpcId"), 0);
    world_free(w);
}

TEST(networks_that_are_not_there_are_named)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"Action=DescribeVpcs&VpcId.1=vpc-0123456789abcdef0", "InvalidVpcID.NotFound",
         "The vpc ID 'vpc-0123456789abcdef0' does not exist"},
        {"Action=DescribeVpcs&VpcId.1=nonsense&VpcId.2=vpc-1", "InvalidVpcID.NotFound",
         "The vpc IDs 'nonsense, vpc-1' do not exist"},
        {"Action=DescribeVpcs&Filter.1.Name=colour&Filter.1.Value.1=red", "InvalidParameterValue",
         NULL},
        {"Action=DescribeVpcAttribute&Attribute=enableDnsSupport&VpcId=vpc-1",
         "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist"},
        {"Action=DescribeSubnets&SubnetId.1=subnet-1", "InvalidSubnetID.NotFound",
         "The subnet ID 'subnet-1' does not exist"},
        {"Action=DescribeRouteTables&RouteTableId.1=rtb-1", "InvalidRouteTableID.NotFound",
         "The routeTable ID 'rtb-1' does not exist"},
        {"Action=DescribeInternetGateways&InternetGatewayId.1=igw-1",
         "InvalidInternetGatewayID.NotFound", "The internetGateway ID 'igw-1' does not exist"},
        {"Action=DescribeNetworkAcls&NetworkAclId.1=acl-1", "InvalidNetworkAclID.NotFound",
         "The networkAcl ID 'acl-1' does not exist"},
        {"Action=DescribeDhcpOptions&DhcpOptionsId.1=dopt-1", "InvalidDhcpOptionID.NotFound",
         "The dhcpOption ID 'dopt-1' does not exist"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str xml = world_call(w, bad[i].query);

        CHECK_STR(xml_text(xml, "Code"), bad[i].code);
        if (bad[i].message)
            CHECK_STR(xml_text(xml, "Message"), bad[i].message);
        CHECK(w->http >= 400);
    }
    world_free(w);
}

TEST(subnets_come_in_pages_and_by_id)
{
    struct world *w = world_new();
    struct str xml = world_ok(w, "Action=DescribeSubnets&MaxResults=5");
    const char *token = xml_cstr(xml, "nextToken");
    const char *one = xml_cstr(xml, "subnetId");

    CHECK_INT(xml_count(xml, "subnetId"), 5);
    CHECK(*token);
    xml = world_okf(w, "Action=DescribeSubnets&MaxResults=5&NextToken=%s", token);
    CHECK_INT(xml_count(xml, "subnetId"), 1);
    CHECK(!xml_text(xml, "nextToken").n);
    CHECK(str_find(xml, str_from(one)) == SIZE_MAX);

    xml = world_okf(w, "Action=DescribeSubnets&SubnetId.1=%s", one);
    CHECK_INT(xml_count(xml, "subnetId"), 1);
    CHECK_STR(xml_text(xml, "subnetId"), one);
    world_free(w);
}
