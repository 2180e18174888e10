/* Networks of one's own: VPCs, subnets, gateways, routes, network ACLs, DHCP options. */
#include "ec2/ec2.h"
#include "gen/store/ec2_rows.h"
#include "harness/world.h"

static const char *
made(struct world *w, const char *tag, const char *form)
{
    return xml_cstr(world_ok(w, form), tag);
}

/* A VPC 10.0.0.0/16. */
static const char *
vpc_new(struct world *w)
{
    return made(w, "vpcId", "Action=CreateVpc&CidrBlock=10.0.0.0/16");
}

static const char *
subnet_new(struct world *w, const char *vpc, const char *cidr)
{
    return xml_cstr(world_okf(w, "Action=CreateSubnet&VpcId=%s&CidrBlock=%s", vpc, cidr),
                    "subnetId");
}

/* A gateway that is attached to the VPC. */
static const char *
gateway_new(struct world *w, const char *vpc)
{
    const char *igw = made(w, "internetGatewayId", "Action=CreateInternetGateway");

    (void)world_okf(w, "Action=AttachInternetGateway&InternetGatewayId=%s&VpcId=%s", igw, vpc);
    return igw;
}

static struct str
table_of(struct world *w, const char *rtb)
{
    return world_okf(w, "Action=DescribeRouteTables&RouteTableId.1=%s", rtb);
}

TEST(a_vpc_comes_with_what_stands_around_it, "VPC-07")
{
    struct world *w = world_new();
    struct str xml =
        world_ok(w, "Action=CreateVpc&CidrBlock=10.1.2.3/16&TagSpecification.1.ResourceType=vpc"
                    "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=mine");
    const char *vpc = xml_cstr(xml, "vpcId");

    CHECK(str_find(xml, S("<state>pending</state>")) != SIZE_MAX);
    CHECK_STR(xml_text(xml, "cidrBlock"), "10.1.0.0/16");
    CHECK_STR(xml_text(xml, "isDefault"), "false");
    CHECK_STR(xml_text(xml, "instanceTenancy"), "default");
    for (int crashed = 0; crashed < 2; crashed++) {
        xml = world_okf(w, "Action=DescribeVpcs&VpcId.1=%s", vpc);
        CHECK(str_find(xml, S("<state>available</state>")) != SIZE_MAX);
        CHECK_STR(xml_text(xml, "value"), "mine");
        xml = world_okf(w, "Action=DescribeRouteTables&Filter.1.Name=vpc-id&Filter.1.Value.1=%s",
                        vpc);
        CHECK_INT(xml_count(xml, "destinationCidrBlock"), 1);
        CHECK_STR(xml_text(xml, "destinationCidrBlock"), "10.1.0.0/16");
        CHECK_STR(xml_text(xml, "gatewayId"), "local");
        CHECK_STR(xml_text(xml, "main"), "true");
        xml = world_okf(w, "Action=DescribeNetworkAcls&Filter.1.Name=vpc-id&Filter.1.Value.1=%s",
                        vpc);
        CHECK_STR(xml_text(xml, "default"), "true");
        CHECK_INT(xml_count(xml, "ruleNumber"), 4);
        CHECK_INT(xml_count(xml, "networkAclAssociationId"), 0);
        xml = world_okf(w, "Action=DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1=%s",
                        vpc);
        CHECK_INT(xml_count(xml, "groupName"), 1);
        CHECK_STR(xml_text(xml, "groupName"), "default");
        world_crash(w);
    }
    /* Like the default VPC's, which the account has in the region by itself. */
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeDhcpOptions"), "dhcpOptionsId"), 1);
    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsSupport&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "true");
    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsHostnames&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "false");

    (void)world_okf(w, "Action=DeleteVpc&VpcId=%s", vpc);
    world_crash(w);
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, "Action=DescribeVpcs&VpcId.1=%s", vpc);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeRouteTables"), "main"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkAcls"), "default"), 1);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSecurityGroups"), "groupName"), 1);
    world_free(w);
}

TEST(what_no_vpc_can_be_is_refused)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"CidrBlock=10.0.0.0/15", "InvalidVpc.Range", "The CIDR '10.0.0.0/15' is invalid."},
        {"CidrBlock=10.0.0.0/29", "InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid."},
        {"CidrBlock=169.254.0.0/16", "InvalidVpc.Range", NULL},
        {"CidrBlock=239.0.0.0/16", "InvalidVpc.Range", NULL},
        {"CidrBlock=10.0.0.0", "InvalidParameterValue",
         "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
        {"InstanceTenancy=default", "MissingParameter", NULL},
        {"CidrBlock=10.0.0.0/16&InstanceTenancy=host", "InvalidParameterValue", NULL},
        {"CidrBlock=10.0.0.0/16&AmazonProvidedIpv6CidrBlock=true", "UnsupportedOperation",
         "The parameter AmazonProvidedIpv6CidrBlock is not implemented by Welkin"},
        {"CidrBlock=10.0.0.0/16&Ipv4IpamPoolId=ipam-pool-1", "UnsupportedOperation", NULL},
        {"CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=subnet"
         "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
         "InvalidParameterValue",
         "'subnet' is not a valid taggable resource type for this operation."},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, bad[i].message, "Action=CreateVpc&%s", bad[i].query);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 1);
    for (int i = 0; i < 4; i++)
        (void)vpc_new(w); /* the same range again: they are networks of their own */
    world_refused(w, "VpcLimitExceeded", "The maximum number of VPCs has been reached.",
                  "Action=CreateVpc&CidrBlock=10.0.0.0/16");
    world_account(w, "000000000000", "eu-west-1");
    (void)vpc_new(w);
    world_free(w);
}

TEST(a_vpc_that_is_used_cannot_be_deleted)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    const char *message = test_fmt("The vpc '%s' has dependencies and cannot be deleted.", vpc);
    const char *thing;

    thing = subnet_new(w, vpc, "10.0.0.0/24");
    world_refusedf(w, "DependencyViolation", message, "Action=DeleteVpc&VpcId=%s", vpc);
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", thing);
    thing = gateway_new(w, vpc);
    world_refusedf(w, "DependencyViolation", message, "Action=DeleteVpc&VpcId=%s", vpc);
    (void)world_okf(w, "Action=DetachInternetGateway&InternetGatewayId=%s&VpcId=%s", thing, vpc);
    thing = xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId");
    world_refusedf(w, "DependencyViolation", message, "Action=DeleteVpc&VpcId=%s", vpc);
    (void)world_okf(w, "Action=DeleteRouteTable&RouteTableId=%s", thing);
    thing = xml_cstr(world_okf(w, "Action=CreateNetworkAcl&VpcId=%s", vpc), "networkAclId");
    world_refusedf(w, "DependencyViolation", message, "Action=DeleteVpc&VpcId=%s", vpc);
    (void)world_okf(w, "Action=DeleteNetworkAcl&NetworkAclId=%s", thing);
    thing = xml_cstr(world_okf(w,
                               "Action=CreateSecurityGroup&GroupName=g&GroupDescription=d"
                               "&VpcId=%s",
                               vpc),
                     "groupId");
    world_refusedf(w, "DependencyViolation", message, "Action=DeleteVpc&VpcId=%s", vpc);
    (void)world_okf(w, "Action=DeleteSecurityGroup&GroupId=%s", thing);
    (void)world_okf(w, "Action=DeleteVpc&VpcId=%s", vpc);
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, "Action=DeleteVpc&VpcId=%s", vpc);

    world_account(w, "000000000000", "eu-west-1");
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, "Action=DeleteVpc&VpcId=%s", other);
    world_account(w, "650524209925", "us-east-1");
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, "Action=DeleteVpc&VpcId=%s", other);
    world_free(w);
}

TEST(names_in_a_vpc_are_switched_one_at_a_time)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    struct str xml;

    (void)world_okf(w, "Action=ModifyVpcAttribute&VpcId=%s&EnableDnsHostnames.Value=true", vpc);
    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsHostnames&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "true");
    (void)world_okf(w, "Action=ModifyVpcAttribute&VpcId=%s&EnableDnsHostnames.Value=false", vpc);
    (void)world_okf(w, "Action=ModifyVpcAttribute&VpcId=%s&EnableDnsSupport.Value=false", vpc);
    xml = world_okf(w, "Action=DescribeVpcAttribute&Attribute=enableDnsSupport&VpcId=%s", vpc);
    CHECK_STR(xml_text(xml, "value"), "false");
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=ModifyVpcAttribute&VpcId=%s&EnableDnsHostnames.Value=true", vpc);
    world_refusedf(w, "InvalidParameterCombination", NULL, "Action=ModifyVpcAttribute&VpcId=%s",
                   vpc);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=ModifyVpcAttribute&VpcId=%s&EnableDnsHostnames.Value=true"
                   "&EnableDnsSupport.Value=true",
                   vpc);
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=ModifyVpcAttribute&VpcId=%s"
                   "&EnableNetworkAddressUsageMetrics.Value=true",
                   vpc);
    world_free(w);
}

TEST(a_default_vpc_that_is_deleted_can_be_made_again)
{
    struct world *w = world_new();
    const char *vpc = made(w, "vpcId", "Action=DescribeVpcs");
    const char *igw = made(w, "internetGatewayId", "Action=DescribeInternetGateways");
    struct str subnets = world_ok(w, "Action=DescribeSubnets");

    world_refused(w, "DefaultVpcAlreadyExists",
                  "A Default VPC already exists for this account in this region.",
                  "Action=CreateDefaultVpc");
    world_refusedf(w, "DefaultSubnetAlreadyExistsInAvailabilityZone",
                   test_fmt("'%s' is already the default subnet in us-east-1a.",
                            xml_cstr(xml_where(subnets, "item", "availabilityZone", "us-east-1a"),
                                     "subnetId")),
                   "Action=CreateDefaultSubnet&AvailabilityZone=us-east-1a");
    for (size_t i = 0; i < 6; i++)
        (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s",
                        test_cstr(xml_text_at(subnets, "subnetId", i)));
    subnets = world_ok(w, "Action=CreateDefaultSubnet&AvailabilityZone=us-east-1c");
    CHECK_STR(xml_text(subnets, "cidrBlock"), "172.31.0.0/20");
    CHECK_STR(xml_text(subnets, "defaultForAz"), "true");
    CHECK_STR(xml_text(subnets, "mapPublicIpOnLaunch"), "true");
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", xml_cstr(subnets, "subnetId"));
    (void)world_okf(w, "Action=DetachInternetGateway&InternetGatewayId=%s&VpcId=%s", igw, vpc);
    (void)world_okf(w, "Action=DeleteVpc&VpcId=%s", vpc);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 0);
    world_refused(w, "DefaultVpcDoesNotExist", NULL,
                  "Action=CreateDefaultSubnet&AvailabilityZone=us-east-1a");
    world_crash(w);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), 0);

    struct str xml = world_ok(w, "Action=CreateDefaultVpc");
    CHECK_STR(xml_text(xml, "isDefault"), "true");
    CHECK_STR(xml_text(xml, "cidrBlock"), "172.31.0.0/16");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeSubnets"), "subnetId"), 6);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeInternetGateways"), "internetGatewayId"), 2);
    world_free(w);
}

TEST(subnets_divide_a_vpc)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    struct str xml = world_okf(w,
                               "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.1.7/28"
                               "&AvailabilityZone=us-east-1b&TagSpecification.1.ResourceType=subnet"
                               "&TagSpecification.1.Tag.1.Key=Name"
                               "&TagSpecification.1.Tag.1.Value=small",
                               vpc);
    const char *subnet = xml_cstr(xml, "subnetId");

    CHECK_STR(xml_text(xml, "state"), "available");
    CHECK_STR(xml_text(xml, "cidrBlock"), "10.0.1.0/28");
    CHECK_STR(xml_text(xml, "availabilityZone"), "us-east-1b");
    CHECK_STR(xml_text(xml, "availableIpAddressCount"), "11"); /* 16 but for five */
    CHECK_STR(xml_text(xml, "mapPublicIpOnLaunch"), "false");
    CHECK_STR(xml_text(xml, "defaultForAz"), "false");
    CHECK_STR(xml_text(xml, "value"), "small");
    xml = world_okf(w,
                    "Action=DescribeNetworkAcls&Filter.1.Name=association.subnet-id"
                    "&Filter.1.Value.1=%s",
                    subnet);
    CHECK_STR(xml_text(xml, "default"), "true");
    CHECK_STR(xml_text(xml, "vpcId"), vpc);

    (void)world_okf(w, "Action=ModifySubnetAttribute&SubnetId=%s&MapPublicIpOnLaunch.Value=true",
                    subnet);
    world_crash(w);
    xml = world_okf(w, "Action=DescribeSubnets&SubnetId.1=%s", subnet);
    CHECK_STR(xml_text(xml, "mapPublicIpOnLaunch"), "true");
    world_refusedf(
        w, "UnsupportedOperation", NULL,
        "Action=ModifySubnetAttribute&SubnetId=%s&AssignIpv6AddressOnCreation.Value=true", subnet);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=ModifySubnetAttribute&SubnetId=%s", subnet);
    xml = world_okf(w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.2.0/24&AvailabilityZoneId=%s",
                    vpc, "use1-az2");
    CHECK_STR(xml_text(xml, "availabilityZoneId"), "use1-az2");
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", subnet);
    world_refusedf(w, "InvalidSubnetID.NotFound", NULL, "Action=DeleteSubnet&SubnetId=%s", subnet);
    (void)subnet_new(w, vpc, "10.0.1.0/24"); /* its range is free again */
    world_free(w);
}

TEST(what_no_subnet_can_be_is_refused)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"CidrBlock=10.1.0.0/24", "InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."},
        {"CidrBlock=10.0.0.0/15", "InvalidSubnet.Range", NULL},
        {"CidrBlock=10.0.9.0/29", "InvalidSubnet.Range", NULL},
        {"CidrBlock=10.0.0.128/25", "InvalidSubnet.Conflict",
         "The CIDR '10.0.0.128/25' conflicts with another subnet"},
        {"CidrBlock=10.0.0.0/16", "InvalidSubnet.Conflict", NULL},
        {"CidrBlock=ten", "InvalidParameterValue", NULL},
        {"AvailabilityZone=us-east-1a", "MissingParameter", NULL},
        {"CidrBlock=10.0.9.0/24&AvailabilityZone=us-west-2a", "InvalidParameterValue",
         "Value (us-west-2a) for parameter availabilityZone is invalid. Subnets can currently only "
         "be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, "
         "us-east-1d, us-east-1e, us-east-1f."},
        {"CidrBlock=10.0.9.0/24&OutpostArn=arn:aws:outposts:a", "UnsupportedOperation", NULL},
        {"CidrBlock=10.0.9.0/24&Ipv6CidrBlock=::/64", "UnsupportedOperation", NULL},
    };
    struct world *w = world_new();
    const char *vpc = vpc_new(w);

    (void)subnet_new(w, vpc, "10.0.0.0/24");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, bad[i].message, "Action=CreateSubnet&VpcId=%s&%s", vpc,
                       bad[i].query);
    world_refused(w, "InvalidVpcID.NotFound", NULL,
                  "Action=CreateSubnet&VpcId=vpc-1&CidrBlock=10.0.9.0/24");
    for (int i = 1; i < 200; i++)
        (void)subnet_new(w, vpc, test_fmt("10.0.%d.0/24", i));
    world_refusedf(w, "SubnetLimitExceeded", "The maximum number of subnets has been reached.",
                   "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.240.0/24", vpc);
    world_free(w);
}

TEST(instances_live_in_subnets_of_ones_own, "VPC-12 ENI-05")
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    const char *subnet = subnet_new(w, vpc, "10.0.1.0/24");
    const char *run = "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
                      "&MinCount=1&MaxCount=1";
    struct str xml = world_okf(w, "%s&SubnetId=%s", run, subnet);
    const char *id = xml_cstr(xml, "instanceId");

    CHECK_STR(xml_text(xml, "vpcId"), vpc);
    CHECK_STR(xml_text(xml, "privateIpAddress"), "10.0.1.4");
    CHECK(!xml_text(xml, "ipAddress").n);
    xml = world_okf(w, "Action=DescribeSubnets&SubnetId.1=%s", subnet);
    CHECK_STR(xml_text(xml, "availableIpAddressCount"), "250");
    world_refusedf(w, "DependencyViolation",
                   test_fmt("The subnet '%s' has dependencies and cannot be deleted.", subnet),
                   "Action=DeleteSubnet&SubnetId=%s", subnet);
    (void)world_okf(w, "Action=ModifySubnetAttribute&SubnetId=%s&MapPublicIpOnLaunch.Value=true",
                    subnet);
    const char *second = xml_cstr(world_okf(w, "%s&SubnetId=%s", run, subnet), "instanceId");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", second);
    CHECK(xml_text(xml, "ipAddress").n > 0);
    xml = world_okf(w,
                    "%s&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=%s"
                    "&NetworkInterface.1.AssociatePublicIpAddress=false"
                    "&NetworkInterface.1.PrivateIpAddress=10.0.1.77",
                    run, subnet);
    CHECK_STR(xml_text(xml, "privateIpAddress"), "10.0.1.77");
    const char *third = xml_cstr(xml, "instanceId");
    xml = world_okf(w, "Action=DescribeInstances&InstanceId.1=%s", third);
    CHECK(!xml_text(xml, "ipAddress").n);
    /* A group of another network does not go with it. */
    world_refusedf(
        w, "InvalidParameter", NULL, "%s&SubnetId=%s&SecurityGroupId.1=%s", run, subnet,
        xml_cstr(world_ok(w, "Action=DescribeSecurityGroups&GroupName.1=default"), "groupId"));
    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s&InstanceId.3=%s",
                    id, second, third);
    world_advance(w, 60000);
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", subnet);
    (void)world_okf(w, "Action=DeleteVpc&VpcId=%s", vpc);
    world_free(w);
}

TEST(a_gateway_is_attached_to_one_vpc)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    struct str xml =
        world_ok(w, "Action=CreateInternetGateway&TagSpecification.1.ResourceType=internet-gateway"
                    "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=way");
    const char *igw = xml_cstr(xml, "internetGatewayId");
    const char *form = test_fmt("InternetGatewayId=%s&VpcId=%s", igw, vpc);

    CHECK_INT(xml_count(xml, "state"), 0);
    world_refusedf(w, "Gateway.NotAttached",
                   test_fmt("resource %s is not attached to network %s", igw, vpc),
                   "Action=DetachInternetGateway&%s", form);
    (void)world_okf(w, "Action=AttachInternetGateway&%s", form);
    world_crash(w);
    xml = world_okf(w, "Action=DescribeInternetGateways&InternetGatewayId.1=%s", igw);
    CHECK_STR(xml_text(xml, "vpcId"), vpc);
    CHECK_STR(xml_text(xml, "state"), "available");
    CHECK_STR(xml_text(xml, "value"), "way");
    world_refusedf(w, "Resource.AlreadyAssociated",
                   test_fmt("resource %s is already attached to network %s", igw, vpc),
                   "Action=AttachInternetGateway&InternetGatewayId=%s&VpcId=%s", igw, other);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("Network %s already has an internet gateway attached", vpc),
                   "Action=AttachInternetGateway&InternetGatewayId=%s&VpcId=%s",
                   made(w, "internetGatewayId", "Action=CreateInternetGateway"), vpc);
    world_refusedf(
        w, "DependencyViolation",
        test_fmt("The internetGateway '%s' has dependencies and cannot be deleted.", igw),
        "Action=DeleteInternetGateway&InternetGatewayId=%s", igw);

    /* A public address keeps it. */
    const char *subnet = subnet_new(w, vpc, "10.0.0.0/24");
    const char *id =
        xml_cstr(world_okf(w,
                           "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
                           "&MinCount=1&MaxCount=1&NetworkInterface.1.DeviceIndex=0"
                           "&NetworkInterface.1.SubnetId=%s"
                           "&NetworkInterface.1.AssociatePublicIpAddress=true",
                           subnet),
                 "instanceId");
    world_refusedf(w, "DependencyViolation",
                   test_fmt("Network %s has some mapped public address(es). Please unmap those "
                            "public address(es) before detaching the gateway.",
                            vpc),
                   "Action=DetachInternetGateway&%s", form);
    (void)world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    (void)world_okf(w, "Action=DetachInternetGateway&%s", form);
    (void)world_okf(w, "Action=DeleteInternetGateway&InternetGatewayId=%s", igw);
    world_refusedf(w, "InvalidInternetGatewayID.NotFound",
                   test_fmt("The internetGateway ID '%s' does not exist", igw),
                   "Action=AttachInternetGateway&%s", form);
    for (int i = 0; i < 3; i++)
        (void)world_ok(w, "Action=CreateInternetGateway");
    world_refused(w, "InternetGatewayLimitExceeded",
                  "The maximum number of internet gateways has been reached.",
                  "Action=CreateInternetGateway");
    world_free(w);
}

TEST(there_is_no_vpn_gateway_and_none_can_be_made)
{
    const char *bad = api_filter_table_error(&ec2_vpn_gateway_filter_table);
    struct world *w = world_new();

    if (bad)
        FAIL("%s", bad);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpnGateways&Filter.1.Name=attachment.vpc-id"
                                    "&Filter.1.Value.1=vpc-1&Filter.2.Name=attachment.state"
                                    "&Filter.2.Value.1=attached"),
                        "item"),
              0);
    world_refused(w, "InvalidVpnGatewayID.NotFound", "The vpnGateway ID 'vgw-1' does not exist",
                  "Action=DescribeVpnGateways&VpnGatewayId.1=vgw-1");
    world_refused(w, "InvalidParameterValue", "The filter 'vpc-id' is invalid",
                  "Action=DescribeVpnGateways&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1");
    world_refused(w, "DryRunOperation", NULL, "Action=DescribeVpnGateways&DryRun=true");
    CHECK_FAULT(w, world_call(w, "Action=CreateVpnGateway&Type=ipsec.1"), "UnsupportedOperation");
    world_free(w);
}

TEST(routes_lead_to_the_gateway_of_the_vpc, "VPC-01")
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    const char *igw = gateway_new(w, vpc), *foreign = gateway_new(w, other);
    const char *rtb =
        xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId");
    const char *route = test_fmt("RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0", rtb);
    struct str xml = world_okf(w, "Action=CreateRoute&%s&GatewayId=%s", route, igw);

    CHECK_STR(xml_text(xml, "return"), "true");
    xml = xml_where(table_of(w, rtb), "item", "destinationCidrBlock", "0.0.0.0/0");
    CHECK_STR(xml_text(xml, "gatewayId"), igw);
    CHECK_STR(xml_text(xml, "state"), "active");
    CHECK_STR(xml_text(xml, "origin"), "CreateRoute");
    world_refusedf(w, "RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists.",
                   "Action=CreateRoute&%s&GatewayId=%s", route, igw);
    world_refusedf(w, "RouteAlreadyExists", "The route identified by 10.0.0.0/16 already exists.",
                   "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=10.0.0.0/16"
                   "&GatewayId=%s",
                   rtb, igw);
    world_refusedf(w, "InvalidParameterValue",
                   "The destination CIDR block 10.0.3.0/24 is equal to or more specific than one "
                   "of this VPC's CIDR blocks. This route can target only an interface or an "
                   "instance.",
                   "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=10.0.3.0/24"
                   "&GatewayId=%s",
                   rtb, igw);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("route table %s and network gateway %s belong to different networks",
                            rtb, foreign),
                   "Action=ReplaceRoute&%s&GatewayId=%s", route, foreign);
    world_refusedf(w, "InvalidInternetGatewayID.NotFound", NULL,
                   "Action=ReplaceRoute&%s&GatewayId=igw-1", route);
    world_refusedf(w, "InvalidGatewayID.NotFound", NULL, "Action=ReplaceRoute&%s&GatewayId=way",
                   route);
    world_refusedf(w, "UnsupportedOperation",
                   "The parameter TransitGatewayId is not implemented by Welkin",
                   "Action=CreateRoute&%s&TransitGatewayId=tgw-1", route);
    world_refusedf(w, "MissingParameter", NULL, "Action=CreateRoute&%s", route);
    world_free(w);
}

TEST(a_route_without_its_gateway_leads_nowhere)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    const char *igw = gateway_new(w, vpc), *foreign = gateway_new(w, other);
    const char *rtb =
        xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId");
    const char *route = test_fmt("RouteTableId=%s&DestinationCidrBlock=0.0.0.0/0", rtb);
    struct str xml;

    (void)world_okf(w, "Action=CreateRoute&%s&GatewayId=%s", route, igw);
    (void)world_okf(w, "Action=DetachInternetGateway&InternetGatewayId=%s&VpcId=%s", igw, vpc);
    xml = xml_where(table_of(w, rtb), "item", "destinationCidrBlock", "0.0.0.0/0");
    CHECK_STR(xml_text(xml, "state"), "blackhole");
    (void)world_okf(w, "Action=DetachInternetGateway&InternetGatewayId=%s&VpcId=%s", foreign,
                    other);
    (void)world_okf(w, "Action=AttachInternetGateway&InternetGatewayId=%s&VpcId=%s", foreign, vpc);
    (void)world_okf(w, "Action=ReplaceRoute&%s&GatewayId=%s", route, foreign);
    world_crash(w);
    xml = xml_where(table_of(w, rtb), "item", "destinationCidrBlock", "0.0.0.0/0");
    CHECK_STR(xml_text(xml, "gatewayId"), foreign);
    CHECK_STR(xml_text(xml, "state"), "active");

    (void)world_okf(w, "Action=DeleteRoute&%s", route);
    CHECK_INT(xml_count(table_of(w, rtb), "destinationCidrBlock"), 1);
    world_refusedf(
        w, "InvalidRoute.NotFound",
        test_fmt("no route with destination-cidr-block 0.0.0.0/0 in route table %s", rtb),
        "Action=DeleteRoute&%s", route);
    world_refusedf(w, "InvalidParameterValue",
                   "There is no route defined for '0.0.0.0/0' in the route table. Use CreateRoute "
                   "instead.",
                   "Action=ReplaceRoute&%s&GatewayId=%s", route, foreign);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("cannot remove local route 10.0.0.0/16 in route table %s", rtb),
                   "Action=DeleteRoute&RouteTableId=%s&DestinationCidrBlock=10.0.0.0/16", rtb);
    for (int i = 0; i < 50; i++)
        (void)world_okf(w,
                        "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=192.0.%d.0/24"
                        "&GatewayId=%s",
                        rtb, i, foreign);
    world_refusedf(w, "RouteLimitExceeded", NULL, "Action=CreateRoute&%s&GatewayId=%s", route,
                   foreign);
    world_free(w);
}

TEST(a_subnet_has_a_route_table_of_its_own_or_the_main_one)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    const char *subnet = subnet_new(w, vpc, "10.0.0.0/24");
    const char *form = test_fmt("VpcId=%s&ClientToken=once", vpc);
    const char *rtb = xml_cstr(world_okf(w, "Action=CreateRouteTable&%s", form), "routeTableId");
    const char *second =
        xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId");
    struct str xml = world_okf(w, "Action=CreateRouteTable&%s", form);

    CHECK_STR(xml_text(xml, "routeTableId"), rtb);
    world_refusedf(w, "IdempotentParameterMismatch", NULL,
                   "Action=CreateRouteTable&VpcId=%s&ClientToken=once", other);
    xml = world_okf(w, "Action=AssociateRouteTable&RouteTableId=%s&SubnetId=%s", rtb, subnet);
    const char *association = xml_cstr(xml, "associationId");
    CHECK_STR(xml_text(xml, "state"), "associated");
    CHECK(strncmp(association, "rtbassoc-", 9) == 0);
    xml = world_okf(w,
                    "Action=DescribeRouteTables&Filter.1.Name=association.subnet-id"
                    "&Filter.1.Value.1=%s",
                    subnet);
    CHECK_STR(xml_text(xml, "routeTableId"), rtb);
    CHECK_STR(xml_text(xml, "main"), "false");
    world_refusedf(w, "Resource.AlreadyAssociated",
                   test_fmt("the specified association for route table %s conflicts with an "
                            "existing association",
                            second),
                   "Action=AssociateRouteTable&RouteTableId=%s&SubnetId=%s", second, subnet);
    world_refusedf(w, "DependencyViolation",
                   test_fmt("The routeTable '%s' has dependencies and cannot be deleted.", rtb),
                   "Action=DeleteRouteTable&RouteTableId=%s", rtb);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=AssociateRouteTable&RouteTableId=%s&SubnetId=%s", rtb,
                   subnet_new(w, other, "10.0.0.0/24"));

    xml = world_okf(w, "Action=ReplaceRouteTableAssociation&AssociationId=%s&RouteTableId=%s",
                    association, second);
    const char *moved = xml_cstr(xml, "newAssociationId");
    CHECK(strcmp(moved, association) != 0);
    world_refusedf(w, "InvalidAssociationID.NotFound",
                   test_fmt("The association ID '%s' does not exist", association),
                   "Action=DisassociateRouteTable&AssociationId=%s", association);
    (void)world_okf(w, "Action=DeleteRouteTable&RouteTableId=%s", rtb);
    (void)world_okf(w, "Action=DisassociateRouteTable&AssociationId=%s", moved);
    CHECK_INT(xml_count(table_of(w, second), "subnetId"), 0);

    /* The main one changes hands. */
    xml = world_okf(w,
                    "Action=DescribeRouteTables&Filter.1.Name=association.main"
                    "&Filter.1.Value.1=true&Filter.2.Name=vpc-id&Filter.2.Value.1=%s",
                    vpc);
    const char *main = xml_cstr(xml, "routeTableId");
    association = xml_cstr(xml, "routeTableAssociationId");
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("cannot disassociate the main route table association %s", association),
                   "Action=DisassociateRouteTable&AssociationId=%s", association);
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteRouteTable&RouteTableId=%s", main);
    (void)world_okf(w, "Action=ReplaceRouteTableAssociation&AssociationId=%s&RouteTableId=%s",
                    association, second);
    world_crash(w);
    CHECK_STR(xml_text(table_of(w, second), "main"), "true");
    (void)world_okf(w, "Action=DeleteRouteTable&RouteTableId=%s", main);
    world_free(w);
}

TEST(network_acls_hold_numbered_rules, "VPC-04")
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    struct str xml = world_okf(w,
                               "Action=CreateNetworkAcl&VpcId=%s"
                               "&TagSpecification.1.ResourceType=network-acl"
                               "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
                               vpc);
    const char *acl = xml_cstr(xml, "networkAclId");
    const char *about = test_fmt("Action=DescribeNetworkAcls&NetworkAclId.1=%s", acl);
    const char *entry = test_fmt("NetworkAclId=%s&Egress=false&RuleNumber=100", acl);

    CHECK_STR(xml_text(xml, "default"), "false");
    CHECK_INT(xml_count(xml, "ruleNumber"), 2); /* nothing passes */
    (void)world_okf(w,
                    "Action=CreateNetworkAclEntry&%s&Protocol=tcp&RuleAction=allow"
                    "&CidrBlock=10.1.2.3/8&PortRange.From=22&PortRange.To=22",
                    entry);
    (void)world_okf(w,
                    "Action=CreateNetworkAclEntry&NetworkAclId=%s&Egress=false&RuleNumber=50"
                    "&Protocol=1&RuleAction=deny&CidrBlock=0.0.0.0/0&Icmp.Type=8&Icmp.Code=-1",
                    acl);
    (void)world_okf(w,
                    "Action=CreateNetworkAclEntry&NetworkAclId=%s&Egress=true&RuleNumber=100"
                    "&Protocol=-1&RuleAction=allow&Ipv6CidrBlock=2001:db8:0::/32",
                    acl);
    world_crash(w);
    xml = xml_element(world_ok(w, about), "entrySet");
    CHECK_INT(xml_count(xml, "ruleNumber"), 5);
    CHECK_STR(xml_text_at(xml, "ruleNumber", 0), "100");
    CHECK_STR(xml_text(xml, "ipv6CidrBlock"), "2001:db8::/32");
    CHECK_STR(xml_text_at(xml, "ruleNumber", 1), "32767");
    CHECK_STR(xml_text_at(xml, "ruleNumber", 2), "50");
    CHECK_STR(xml_text(xml_element(xml, "icmpTypeCode"), "type"), "8");
    CHECK_STR(xml_text_at(xml, "ruleNumber", 3), "100");
    CHECK_STR(xml_text(xml_element(xml, "portRange"), "from"), "22");
    CHECK(str_find(xml, S("10.0.0.0/8")) != SIZE_MAX);

    world_refusedf(w, "NetworkAclEntryAlreadyExists",
                   "The network acl entry identified by 100 already exists.",
                   "Action=CreateNetworkAclEntry&%s&Protocol=-1&RuleAction=allow"
                   "&CidrBlock=0.0.0.0/0",
                   entry);
    (void)world_okf(w,
                    "Action=ReplaceNetworkAclEntry&%s&Protocol=17&RuleAction=deny"
                    "&CidrBlock=0.0.0.0/0&PortRange.From=53&PortRange.To=54",
                    entry);
    xml = xml_element(world_ok(w, about), "portRange");
    CHECK_STR(xml_text(xml, "to"), "54");
    (void)world_okf(w, "Action=DeleteNetworkAclEntry&%s", entry);
    world_refusedf(w, "InvalidNetworkAclEntry.NotFound",
                   "The network acl entry identified by 100 does not exist.",
                   "Action=DeleteNetworkAclEntry&%s", entry);
    world_refusedf(w, "InvalidNetworkAclEntry.NotFound", NULL,
                   "Action=ReplaceNetworkAclEntry&%s&Protocol=-1&RuleAction=deny"
                   "&CidrBlock=0.0.0.0/0",
                   entry);
    world_free(w);
}

TEST(a_subnet_has_one_network_acl, "VPC-04")
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *subnet = subnet_new(w, vpc, "10.0.0.0/24");
    const char *acl =
        xml_cstr(world_okf(w, "Action=CreateNetworkAcl&VpcId=%s", vpc), "networkAclId");
    const char *about = test_fmt("Action=DescribeNetworkAcls&NetworkAclId.1=%s", acl);
    struct str xml;

    xml = world_okf(w,
                    "Action=DescribeNetworkAcls&Filter.1.Name=association.subnet-id"
                    "&Filter.1.Value.1=%s",
                    subnet);
    const char *first = xml_cstr(xml, "networkAclId");
    xml = world_okf(w, "Action=ReplaceNetworkAclAssociation&AssociationId=%s&NetworkAclId=%s",
                    xml_cstr(xml, "networkAclAssociationId"), acl);
    const char *association = xml_cstr(xml, "newAssociationId");
    xml = world_ok(w, about);
    CHECK_STR(xml_text(xml, "networkAclAssociationId"), association);
    CHECK_STR(xml_text(xml, "subnetId"), subnet);
    world_refusedf(w, "DependencyViolation",
                   test_fmt("The networkAcl '%s' has dependencies and cannot be deleted.", acl),
                   "Action=DeleteNetworkAcl&NetworkAclId=%s", acl);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("cannot delete default network ACL %s", first),
                   "Action=DeleteNetworkAcl&NetworkAclId=%s", first);
    (void)world_okf(w, "Action=ReplaceNetworkAclAssociation&AssociationId=%s&NetworkAclId=%s",
                    association, first);
    (void)world_okf(w, "Action=DeleteNetworkAcl&NetworkAclId=%s", acl);
    world_refusedf(w, "InvalidNetworkAclID.NotFound", NULL,
                   "Action=DeleteNetworkAcl&NetworkAclId=%s", acl);
    world_free(w);
}

TEST(what_no_rule_of_an_acl_can_be_is_refused)
{
    static const struct {
        const char *query, *code, *message;
    } bad[] = {
        {"RuleNumber=0&Protocol=-1&CidrBlock=0.0.0.0/0", "InvalidParameterValue", NULL},
        {"RuleNumber=32767&Protocol=-1&CidrBlock=0.0.0.0/0", "InvalidParameterValue", NULL},
        {"RuleNumber=1&Protocol=256&CidrBlock=0.0.0.0/0", "InvalidParameterValue", NULL},
        {"RuleNumber=1&Protocol=6&CidrBlock=0.0.0.0/0", "MissingParameter", NULL},
        {"RuleNumber=1&Protocol=6&CidrBlock=0.0.0.0/0&PortRange.From=9&PortRange.To=8",
         "InvalidParameterValue", NULL},
        {"RuleNumber=1&Protocol=1&CidrBlock=0.0.0.0/0", "MissingParameter", NULL},
        {"RuleNumber=1&Protocol=1&CidrBlock=0.0.0.0/0&Icmp.Type=256&Icmp.Code=0",
         "InvalidParameterValue", NULL},
        {"RuleNumber=1&Protocol=-1", "MissingParameter", NULL},
        {"RuleNumber=1&Protocol=-1&CidrBlock=0.0.0.0/0&Ipv6CidrBlock=::/0",
         "InvalidParameterCombination", NULL},
        {"RuleNumber=1&Protocol=-1&CidrBlock=all", "InvalidParameterValue", NULL},
        {"RuleNumber=1&Protocol=-1&Ipv6CidrBlock=all", "InvalidParameterValue", NULL},
    };
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    const char *acl =
        xml_cstr(world_okf(w, "Action=CreateNetworkAcl&VpcId=%s", vpc), "networkAclId");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, bad[i].message,
                       "Action=CreateNetworkAclEntry&NetworkAclId=%s&Egress=false"
                       "&RuleAction=allow&%s",
                       acl, bad[i].query);
    for (int i = 1; i <= 20; i++)
        (void)world_okf(w,
                        "Action=CreateNetworkAclEntry&NetworkAclId=%s&Egress=false"
                        "&RuleAction=allow&RuleNumber=%d&Protocol=all&CidrBlock=0.0.0.0/0",
                        acl, i);
    world_refusedf(w, "NetworkAclEntryLimitExceeded",
                   "The maximum number of network acl entries has been reached.",
                   "Action=CreateNetworkAclEntry&NetworkAclId=%s&Egress=false"
                   "&RuleAction=allow&RuleNumber=21&Protocol=all&CidrBlock=0.0.0.0/0",
                   acl);
    world_free(w);
}

TEST(dhcp_options_are_given_to_vpcs)
{
    static const struct {
        const char *query, *code;
    } bad[] = {
        {"DhcpConfiguration.1.Key=colour&DhcpConfiguration.1.Value.1=red", "InvalidParameterValue"},
        {"DhcpConfiguration.1.Key=domain-name", "MissingParameter"},
        {"DhcpConfiguration.1.Key=domain-name-servers&DhcpConfiguration.1.Value.1=here",
         "InvalidParameterValue"},
        {"DhcpConfiguration.1.Key=ntp-servers&DhcpConfiguration.1.Value.1=AmazonProvidedDNS",
         "InvalidParameterValue"},
        {"DhcpConfiguration.1.Key=netbios-node-type&DhcpConfiguration.1.Value.1=3",
         "InvalidParameterValue"},
        {"DhcpConfiguration.1.Key=ipv6-address-preferred-lease-time"
         "&DhcpConfiguration.1.Value.1=140",
         "UnsupportedOperation"},
        {"DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.b"
         "&DhcpConfiguration.2.Key=domain-name&DhcpConfiguration.2.Value.1=c.d",
         "InvalidParameterValue"},
        {"DhcpConfiguration.1.Key=ntp-servers&DhcpConfiguration.1.Value.1=1.1.1.1"
         "&DhcpConfiguration.1.Value.2=1.1.1.2&DhcpConfiguration.1.Value.3=1.1.1.3"
         "&DhcpConfiguration.1.Value.4=1.1.1.4&DhcpConfiguration.1.Value.5=1.1.1.5",
         "InvalidParameterValue"},
    };
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    struct str xml = world_ok(
        w, "Action=CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name"
           "&DhcpConfiguration.1.Value.1=example.com&DhcpConfiguration.2.Key=domain-name-servers"
           "&DhcpConfiguration.2.Value.1=10.2.5.1&DhcpConfiguration.2.Value.2=10.2.5.2"
           "&DhcpConfiguration.3.Key=netbios-node-type&DhcpConfiguration.3.Value.1=2");
    const char *options = xml_cstr(xml, "dhcpOptionsId");
    const char *first = made(w, "dhcpOptionsId", "Action=DescribeVpcs");

    CHECK_INT(xml_count(xml, "key"), 3);
    CHECK_INT(xml_count(xml, "value"), 4);
    (void)world_okf(w, "Action=AssociateDhcpOptions&DhcpOptionsId=%s&VpcId=%s", options, vpc);
    world_crash(w);
    xml = world_okf(w, "Action=DescribeVpcs&VpcId.1=%s", vpc);
    CHECK_STR(xml_text(xml, "dhcpOptionsId"), options);
    world_refusedf(
        w, "DependencyViolation",
        test_fmt("The dhcpOptions '%s' has dependencies and cannot be deleted.", options),
        "Action=DeleteDhcpOptions&DhcpOptionsId=%s", options);
    (void)world_okf(w, "Action=AssociateDhcpOptions&DhcpOptionsId=default&VpcId=%s", vpc);
    xml = world_okf(w, "Action=DescribeVpcs&VpcId.1=%s", vpc);
    CHECK_STR(xml_text(xml, "dhcpOptionsId"), "default");
    (void)world_okf(w, "Action=DeleteDhcpOptions&DhcpOptionsId=%s", options);
    world_refusedf(w, "InvalidDhcpOptionID.NotFound",
                   test_fmt("The dhcpOption ID '%s' does not exist", options),
                   "Action=AssociateDhcpOptions&DhcpOptionsId=%s&VpcId=%s", options, vpc);
    (void)world_okf(w, "Action=AssociateDhcpOptions&DhcpOptionsId=%s&VpcId=%s", first, vpc);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        world_refusedf(w, bad[i].code, NULL, "Action=CreateDhcpOptions&%s", bad[i].query);
    world_free(w);
}

TEST(networks_can_be_tagged, "TAG-01")
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w);
    const struct {
        const char *id, *describe, *tag;
    } things[] = {
        {vpc, "DescribeVpcs", "vpcId"},
        {xml_cstr(world_okf(w, "Action=CreateRouteTable&VpcId=%s", vpc), "routeTableId"),
         "DescribeRouteTables", "routeTableId"},
        {made(w, "internetGatewayId", "Action=CreateInternetGateway"), "DescribeInternetGateways",
         "internetGatewayId"},
        {xml_cstr(world_okf(w, "Action=CreateNetworkAcl&VpcId=%s", vpc), "networkAclId"),
         "DescribeNetworkAcls", "networkAclId"},
        {made(w, "dhcpOptionsId",
              "Action=CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name"
              "&DhcpConfiguration.1.Value.1=a.b"),
         "DescribeDhcpOptions", "dhcpOptionsId"},
    };

    for (size_t i = 0; i < ARRAY_LEN(things); i++) {
        (void)world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=n&Tag.1.Value=%zu",
                        things[i].id, i);
        struct str xml = world_okf(w, "Action=%s&Filter.1.Name=tag:n&Filter.1.Value.1=%zu",
                                   things[i].describe, i);
        CHECK_STR(xml_text(xml, things[i].tag), things[i].id);
    }
    world_free(w);
}

TEST(what_a_vpc_is_asked_for_by_policies)
{
    struct world *w = world_new();
    const char *vpc = vpc_new(w), *other = vpc_new(w);
    struct str policy =
        str_fmt(test_arena(),
                "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                "[\"ec2:CreateSubnet\",\"ec2:CreateRouteTable\",\"ec2:DeleteVpc\"],\"Resource\":["
                "\"arn:aws:ec2:us-east-1:000000000000:vpc/%s\","
                "\"arn:aws:ec2:us-east-1:000000000000:subnet/*\"]}]}",
                vpc);

    (void)world_ok(w, "Action=CreateUser&UserName=net");
    (void)world_okf(w, "Action=PutUserPolicy&UserName=net&PolicyName=p&PolicyDocument=%.*s",
                    STR_ARG(world_code(w, policy)));
    world_as_reply(w, world_ok(w, "Action=CreateAccessKey&UserName=net"));
    (void)subnet_new(w, vpc, "10.0.0.0/24");
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.0.0/24", other);
    world_refusedf(w, "UnauthorizedOperation", NULL, "Action=CreateRouteTable&VpcId=%s", vpc);
    world_refusedf(w, "UnauthorizedOperation", NULL, "Action=DeleteVpc&VpcId=%s", other);
    world_refused(w, "UnauthorizedOperation", NULL, "Action=CreateInternetGateway");
    world_refusedf(w, "DependencyViolation", NULL, "Action=DeleteVpc&VpcId=%s", vpc);
    world_free(w);
}

/* A database of before networks had rows of their own. */
TEST(a_default_vpc_of_an_older_cloud_gets_what_stands_around_it)
{
    static const char *const shown[] = {"DescribeVpcs",        "DescribeSubnets",
                                        "DescribeRouteTables", "DescribeInternetGateways",
                                        "DescribeNetworkAcls", "DescribeDhcpOptions"};
    struct world *w = world_new();
    struct str before[ARRAY_LEN(shown)];
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        before[i] = world_okf(w, "Action=%s", shown[i]);
    struct txn *txn = world_begin(w);
    STORE_EACH(txn, ec2_route_by_key, row)
        r |= ec2_route_delete(txn, row->id);
    STORE_EACH(txn, ec2_route_table_by_key, row)
        r |= ec2_route_table_delete(txn, row->id);
    STORE_EACH(txn, ec2_internet_gateway_by_key, row)
        r |= ec2_internet_gateway_delete(txn, row->id);
    STORE_EACH(txn, ec2_acl_entry_by_key, row)
        r |= ec2_acl_entry_delete(txn, row->id);
    STORE_EACH(txn, ec2_network_acl_by_key, row)
        r |= ec2_network_acl_delete(txn, row->id);
    STORE_EACH(txn, ec2_dhcp_options_by_key, row)
        r |= ec2_dhcp_options_delete(txn, row->id);
    STORE_EACH(txn, ec2_subnet_by_key, row) {
        struct ec2_subnet_row old = *row;

        old.number = 0;
        old.network_acl_id = S("");
        r |= ec2_subnet_update(txn, &old);
    }
    STORE_EACH(txn, ec2_account_by_key, row) {
        struct ec2_account_row old = *row;

        old.dhcp_options_id = S("");
        r |= ec2_account_update(txn, &old);
    }
    CHECK_INT(r, 0);
    store_commit(txn);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeRouteTables"), "routeTableId"), 0);
    world_flush(w);
    world_crash(w);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        const char *end = "</requestId>";
        struct str now = world_okf(w, "Action=%s", shown[i]);
        size_t at = str_find(now, str_from(end)), was = str_find(before[i], str_from(end));

        CHECK(str_eq(str_cut(now, at, now.n), str_cut(before[i], was, before[i].n)));
    }
    world_free(w);
}
