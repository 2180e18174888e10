/* VPC peering connections, and further CIDR blocks of VPCs. */
#include "harness/world.h"

#define OTHER "650524209925"
#define CREATE "Action=CreateVpcPeeringConnection&VpcId=%s&PeerVpcId=%s"
#define ACCEPT "Action=AcceptVpcPeeringConnection&VpcPeeringConnectionId=%s"
#define REJECT "Action=RejectVpcPeeringConnection&VpcPeeringConnectionId=%s"
#define DELETE "Action=DeleteVpcPeeringConnection&VpcPeeringConnectionId=%s"
#define DESCRIBE "Action=DescribeVpcPeeringConnections&VpcPeeringConnectionId.1=%s"
#define OPTIONS "Action=ModifyVpcPeeringConnectionOptions&VpcPeeringConnectionId=%s"
#define ASSOCIATE "Action=AssociateVpcCidrBlock&VpcId=%s&CidrBlock=%s"
#define DISASSOCIATE "Action=DisassociateVpcCidrBlock&AssociationId=%s"

static const char *
vpc(struct world *w, const char *cidr)
{
    return xml_cstr(world_okf(w, "Action=CreateVpc&CidrBlock=%s", cidr), "vpcId");
}

static const char *
ask(struct world *w, const char *from, const char *to, const char *more)
{
    return xml_cstr(world_okf(w, CREATE "%s", from, to, more), "vpcPeeringConnectionId");
}

static struct str
status(struct world *w, const char *id)
{
    return xml_text(xml_element(world_okf(w, DESCRIBE, id), "status"), "code");
}

static const char *
main_table(struct world *w, const char *id)
{
    return xml_cstr(
        world_okf(w, "Action=DescribeRouteTables&Filter.1.Name=vpc-id&Filter.1.Value.1=%s", id),
        "routeTableId");
}

TEST(vpcs_of_an_account_are_connected_when_the_request_is_accepted, "VPC-05")
{
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b = vpc(w, "10.2.0.0/16"), *id, *table;
    struct str xml = world_okf(w, CREATE, a, b), side;

    id = xml_cstr(xml, "vpcPeeringConnectionId");
    CHECK(str_starts(str_from(id), S("pcx-")));
    CHECK_STR(xml_text(xml_element(xml, "status"), "code"), "initiating-request");
    world_refusedf(w, "VpcPeeringConnectionAlreadyExists", NULL, CREATE, b, a);
    xml = world_okf(w, DESCRIBE, id);
    CHECK_STR(xml_text(xml_element(xml, "status"), "code"), "pending-acceptance");
    CHECK_STR(xml_text(xml_element(xml, "status"), "message"),
              "Pending Acceptance by 000000000000");
    CHECK(xml_text(xml, "expirationTime").n > 0);
    CHECK_INT(xml_count(xml_element(xml, "accepterVpcInfo"), "cidrBlock"), 0);

    table = main_table(w, a);
    (void)world_okf(w,
                    "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=10.2.0.0/16"
                    "&VpcPeeringConnectionId=%s",
                    table, id);
#define ROUTE_STATE()                                                                              \
    xml_text(                                                                                      \
        xml_where(xml_element(world_okf(w, "Action=DescribeRouteTables&RouteTableId.1=%s", table), \
                              "routeSet"),                                                         \
                  "item", "vpcPeeringConnectionId", id),                                           \
        "state")
    CHECK_STR(ROUTE_STATE(), "blackhole");
    xml = world_okf(w, ACCEPT, id);
    CHECK_STR(xml_text(xml_element(xml, "status"), "code"), "provisioning");
    world_crash(w);
    xml = world_okf(w, DESCRIBE, id);
    CHECK_STR(xml_text(xml_element(xml, "status"), "message"), "Active");
    side = xml_element(xml, "accepterVpcInfo");
    CHECK_STR(xml_text(side, "cidrBlock"), "10.2.0.0/16");
    CHECK_STR(xml_text(side, "vpcId"), b);
    CHECK_STR(xml_text(side, "region"), "us-east-1");
    CHECK_STR(xml_text(side, "allowDnsResolutionFromRemoteVpc"), "false");
    CHECK_STR(ROUTE_STATE(), "active");
    world_refusedf(w, "InvalidStateTransition", NULL, ACCEPT, id);
    world_refusedf(w, "InvalidStateTransition", NULL, REJECT, id);

    xml = world_okf(
        w, OPTIONS "&AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc=true", id);
    CHECK_STR(xml_text(xml_element(xml, "accepterPeeringConnectionOptions"),
                       "allowDnsResolutionFromRemoteVpc"),
              "true");
    CHECK_INT(xml_count(xml, "requesterPeeringConnectionOptions"), 0);
    side = xml_element(world_okf(w, DESCRIBE, id), "accepterVpcInfo");
    CHECK_STR(xml_text(side, "allowDnsResolutionFromRemoteVpc"), "true");
    world_refusedf(w, "InvalidParameterCombination", NULL, OPTIONS, id);

    (void)world_okf(w, DELETE, id);
    (void)world_okf(w, DELETE, id);
    xml = world_okf(w, DESCRIBE, id);
    CHECK_STR(xml_text(xml_element(xml, "status"), "message"), "Deleted by 000000000000");
    CHECK_STR(ROUTE_STATE(), "blackhole");
    world_refusedf(
        w, "OperationNotPermitted",
        test_fmt("Peering %s is not active. Peering options can be added only to active "
                 "peerings.",
                 id),
        OPTIONS "&RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc=true", id);
    (void)ask(w, b, a, "");
    world_advance(w, 2 * 3600 * 1000);
    world_refusedf(w, "InvalidVpcPeeringConnectionID.NotFound",
                   test_fmt("The vpcPeeringConnection ID '%s' does not exist", id), DESCRIBE, id);
    world_free(w);
}

TEST(another_account_is_asked, "VPC-05")
{
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b, *id, *more = "&PeerOwnerId=" OTHER;

    world_account(w, OTHER, "us-east-1");
    b = vpc(w, "10.2.0.0/16");
    world_account(w, "000000000000", "us-east-1");
    id = ask(w, a, b, more);
    world_refusedf(w, "OperationNotPermitted", NULL, ACCEPT, id);
    world_refusedf(w, "OperationNotPermitted", NULL, REJECT, id);
    world_account(w, OTHER, "us-east-1");
    CHECK_STR(status(w, id), "pending-acceptance");
    world_refusedf(w, "OperationNotPermitted", NULL, DELETE, id);
    (void)world_okf(w, REJECT, id);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(status(w, id), "rejected");
    world_refusedf(w, "InvalidStateTransition", NULL, DELETE, id);

    id = ask(w, a, b, more);
    world_account(w, OTHER, "us-east-1");
    (void)world_okf(w, ACCEPT, id);
    CHECK_INT(
        xml_count(world_ok(w, "Action=DescribeVpcPeeringConnections"), "vpcPeeringConnectionId"),
        2);
    world_refusedf(
        w, "OperationNotPermitted", NULL,
        OPTIONS "&RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc=true", id);
    (void)world_okf(w,
                    "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=10.1.0.0/16"
                    "&VpcPeeringConnectionId=%s",
                    main_table(w, b), id);
    /* The VPC goes, and the connection with it. */
    (void)world_okf(w, "Action=DeleteVpc&VpcId=%s", b);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(xml_text(xml_element(world_okf(w, DESCRIBE, id), "status"), "message"),
              "Deleted by " OTHER);
    world_account(w, "111111111111", "us-east-1");
    world_refusedf(w, "InvalidVpcPeeringConnectionID.NotFound", NULL, DESCRIBE, id);
    world_account(w, "000000000000", "eu-west-1");
    world_refusedf(w, "InvalidVpcPeeringConnectionID.NotFound", NULL, DESCRIBE, id);
    world_free(w);
}

TEST(a_vpc_of_another_region_is_asked_there, "VPC-05")
{
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b, *id;
    struct str xml;

    world_account(w, "000000000000", "eu-west-1");
    b = vpc(w, "10.2.0.0/16");
    world_account(w, "000000000000", "us-east-1");
    id = ask(w, a, b,
             "&PeerRegion=eu-west-1&TagSpecification.1.ResourceType=vpc-peering-connection"
             "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b");
    CHECK_STR(status(w, id), "pending-acceptance");
    world_refusedf(w, "OperationNotPermitted",
                   test_fmt("Incorrect region (us-east-1) specified for this request. VPC peering "
                            "connection %s must be accepted in region eu-west-1",
                            id),
                   ACCEPT, id);
    world_refusedf(w, "OperationNotPermitted",
                   test_fmt("Incorrect region (us-east-1) specified for this request. VPC peering "
                            "connection %s must be accepted or rejected in region eu-west-1",
                            id),
                   REJECT, id);
    world_account(w, "000000000000", "ap-south-1");
    world_refusedf(w, "InvalidVpcPeeringConnectionID.NotFound", NULL, DESCRIBE, id);
    world_account(w, "000000000000", "eu-west-1");
    (void)world_okf(w, ACCEPT, id);
    world_crash(w);
    for (int i = 0; i < 2; i++) { /* both sides see both */
        world_account(w, "000000000000", i ? "us-east-1" : "eu-west-1");
        xml = world_ok(w, "Action=DescribeVpcPeeringConnections");
        CHECK_INT(xml_count(xml, "vpcPeeringConnectionId"), 1);
        CHECK_STR(xml_text(xml_element(xml, "status"), "code"), "active");
        CHECK_STR(xml_text(xml_element(xml, "requesterVpcInfo"), "region"), "us-east-1");
        CHECK_STR(xml_text(xml_element(xml, "requesterVpcInfo"), "cidrBlock"), "10.1.0.0/16");
        CHECK_STR(xml_text(xml_element(xml, "accepterVpcInfo"), "region"), "eu-west-1");
        CHECK_STR(xml_text(xml_element(xml, "accepterVpcInfo"), "cidrBlock"), "10.2.0.0/16");
        CHECK_INT(xml_count(xml, "key"), (size_t)i); /* tags are of a region */
        (void)world_okf(w,
                        "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=10.%d.0.0/16"
                        "&VpcPeeringConnectionId=%s",
                        main_table(w, i ? a : b), i ? 2 : 1, id);
        /* Each side has its own options, in its own region. */
        (void)world_okf(w,
                        OPTIONS "&%sPeeringConnectionOptions"
                                ".AllowDnsResolutionFromRemoteVpc=true",
                        id, i ? "Requester" : "Accepter");
        world_refusedf(w, "OperationNotPermitted", NULL,
                       OPTIONS "&%sPeeringConnectionOptions"
                               ".AllowDnsResolutionFromRemoteVpc=true",
                       id, i ? "Accepter" : "Requester");
    }
    world_refusedf(w, "VpcPeeringConnectionAlreadyExists", NULL, CREATE "&PeerRegion=eu-west-1", a,
                   b);
    /* Groups of the other VPC are not to be named. */
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=AuthorizeSecurityGroupIngress&GroupName=default"
                   "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=1"
                   "&IpPermissions.1.ToPort=2&IpPermissions.1.Groups.1.GroupId=sg-01"
                   "&IpPermissions.1.Groups.1.VpcPeeringConnectionId=%s",
                   id);
    world_account(w, "000000000000", "eu-west-1");
    (void)world_okf(w, DELETE, id);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(status(w, id), "deleted");
    world_free(w);
}

TEST(a_stack_connects_vpcs_of_two_regions)
{
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b, *template;

    world_account(w, "000000000000", "eu-west-1");
    b = vpc(w, "10.2.0.0/16");
    world_account(w, "000000000000", "us-east-1");
    template = test_fmt("{\"Resources\": {\"P\": {\"Type\": \"AWS::EC2::VPCPeeringConnection\","
                        "\"Properties\": {\"VpcId\": \"%s\", \"PeerVpcId\": \"%s\","
                        "\"PeerRegion\": \"eu-west-1\"}}}}",
                        a, b);
    (void)world_okf(w, "Action=CreateStack&Version=2010-05-15&StackName=s&TemplateBody=%.*s",
                    STR_ARG(world_code(w, str_from(template))));
    world_advance(w, 5000);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeStacks&Version=2010-05-15"), "StackStatus"),
              "CREATE_COMPLETE");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_STR(xml_text(xml_element(world_ok(w, "Action=DescribeVpcPeeringConnections"), "status"),
                       "code"),
              "active");
    world_free(w);
}

TEST(a_request_that_cannot_be_fails_or_expires)
{
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b = vpc(w, "10.1.128.0/17"), *c = vpc(w, "10.3.0.0/16");
    const char *id = ask(w, a, b, "");
    struct str xml = xml_element(world_okf(w, DESCRIBE, id), "status");

    CHECK_STR(xml_text(xml, "code"), "failed");
    CHECK_STR(xml_text(xml, "message"),
              "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range");
    world_refusedf(w, "InvalidStateTransition", NULL, ACCEPT, id);
    CHECK_STR(status(w, ask(w, a, "vpc-0123456789abcdef0", "&PeerOwnerId=" OTHER)), "failed");
    CHECK_STR(status(w, ask(w, a, a, "")), "failed");
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, CREATE, a, "vpc-0123456789abcdef0");
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, CREATE, "vpc-0123456789abcdef0", a);
    world_refusedf(w, "InvalidParameterValue", NULL, CREATE "&PeerRegion=eu-west-9", a, b);
    CHECK_STR(status(w, ask(w, a, b, "&PeerRegion=eu-west-1")), "failed"); /* it is not there */
    world_refusedf(w, "InvalidParameterValue", NULL, CREATE "&PeerOwnerId=me", a, b);
    world_refusedf(w, "MissingParameter", NULL, "Action=CreateVpcPeeringConnection&VpcId=%s", a);

    id = ask(w, a, c, "");
    world_advance(w, INT64_C(7) * 24 * 3600 * 1000);
    CHECK_STR(status(w, id), "expired");
    world_refusedf(w, "InvalidStateTransition", NULL, ACCEPT, id);
    (void)ask(w, a, c, "");
    world_free(w);
}

TEST(peering_connections_are_listed_by_filters_and_pages)
{
    static const struct {
        const char *filter;
        int n;
    } rows[] = {
        {"status-code&Filter.1.Value.1=active", 1},
        {"status-code&Filter.1.Value.1=pending-acceptance", 2},
        {"requester-vpc-info.cidr-block&Filter.1.Value.1=10.1.0.0/16", 2},
        {"requester-vpc-info.owner-id&Filter.1.Value.1=000000000000", 3},
        {"accepter-vpc-info.cidr-block&Filter.1.Value.1=10.2.0.0/16", 1},
        {"accepter-vpc-info.owner-id&Filter.1.Value.1=1", 0},
        {"status-message&Filter.1.Value.1=Active", 1},
        {"tag:a&Filter.1.Value.1=b", 1},
        {"vpc-peering-connection-id&Filter.1.Value.1=pcx-*", 3},
    };
    struct world *w = world_new();
    const char *a = vpc(w, "10.1.0.0/16"), *b = vpc(w, "10.2.0.0/16"), *c = vpc(w, "10.3.0.0/16");
    struct str xml;

    (void)world_okf(w, ACCEPT, ask(w, a, b, ""));
    (void)ask(w, a, c,
              "&TagSpecification.1.ResourceType=vpc-peering-connection"
              "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b");
    (void)ask(w, b, c, "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        xml = world_okf(w, "Action=DescribeVpcPeeringConnections&Filter.1.Name=%s", rows[i].filter);
        if (xml_count(xml, "vpcPeeringConnectionId") != (size_t)rows[i].n)
            FAIL("%s: %zu", rows[i].filter, xml_count(xml, "vpcPeeringConnectionId"));
    }
    xml = world_ok(w, "Action=DescribeVpcPeeringConnections&MaxResults=5");
    CHECK_INT(xml_count(xml, "vpcPeeringConnectionId"), 3);
    world_refused(w, "InvalidParameterValue", NULL,
                  "Action=DescribeVpcPeeringConnections&MaxResults=4");
    world_free(w);
}

TEST(a_cluster_spans_peered_vpcs, "PG-11")
{
    struct world *w = world_new();
    const char *ids[2] = {vpc(w, "10.1.0.0/16"), vpc(w, "10.2.0.0/16")};
    struct str zones[2];

    (void)world_okf(w, ACCEPT, ask(w, ids[0], ids[1], ""));
    (void)world_ok(w, "Action=CreatePlacementGroup&GroupName=g&Strategy=cluster");
    for (int i = 0; i < 2; i++) {
        const char *subnet =
            xml_cstr(world_okf(w,
                               "Action=CreateSubnet&VpcId=%s&CidrBlock=10.%d.1.0/24"
                               "&AvailabilityZone=us-east-1a",
                               ids[i], i + 1),
                     "subnetId");
        struct str xml = world_okf(w,
                                   "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                                   "&MaxCount=1&InstanceType=c5.large&SubnetId=%s"
                                   "&Placement.GroupName=g",
                                   subnet);

        zones[i] = xml_text(xml, "availabilityZone");
        CHECK_STR(xml_text(xml_element(xml, "placement"), "groupName"), "g");
        CHECK_STR(xml_text(xml, "vpcId"), ids[i]);
    }
    CHECK(str_eq(zones[0], zones[1]));
    world_free(w);
}

TEST(a_vpc_has_further_cidr_blocks)
{
    struct world *w = world_new();
    const char *id = vpc(w, "10.1.0.0/16"), *peer = vpc(w, "10.2.0.0/16"), *first, *more, *subnet;
    struct str xml = world_okf(w, ASSOCIATE, id, "10.3.0.0/16");

    CHECK_STR(xml_text(xml_element(xml, "cidrBlockAssociation"), "state"), "associating");
    more = xml_cstr(xml, "associationId");
    world_crash(w);
    xml = world_okf(w, "Action=DescribeVpcs&VpcId.1=%s", id);
    CHECK_STR(xml_text(xml, "cidrBlock"), "10.1.0.0/16");
    xml = xml_element(xml, "cidrBlockAssociationSet");
    first = xml_cstr(xml, "associationId");
    CHECK_STR(xml_text_at(xml, "cidrBlock", 1), "10.3.0.0/16");
    CHECK_STR(xml_text_at(xml, "associationId", 1), more);
    CHECK_STR(xml_text_at(xml, "state", 1), "associated");
    xml = world_okf(w, "Action=DescribeRouteTables&RouteTableId.1=%s", main_table(w, id));
    CHECK_INT(xml_count(xml, "gatewayId"), 2); /* local, both */

    world_refusedf(w, "InvalidVpc.Range", NULL, ASSOCIATE, id, "10.3.128.0/17");
    world_refusedf(w, "InvalidVpc.Range", NULL, ASSOCIATE, id, "10.4.0.0/15");
    world_refusedf(w, "InvalidVpc.Range",
                   "The CIDR '192.168.0.0/16' is restricted. Use a CIDR from the same private "
                   "address range as the current VPC CIDR, or use a publicly-routable CIDR.",
                   ASSOCIATE, id, "192.168.0.0/16");
    (void)world_okf(w, ACCEPT, ask(w, id, peer, ""));
    world_refusedf(w, "InvalidVpc.Range", NULL, ASSOCIATE, id, "10.2.4.0/24");
    world_refusedf(w, "UnsupportedOperation", NULL,
                   "Action=AssociateVpcCidrBlock&VpcId=%s&AmazonProvidedIpv6CidrBlock=true", id);
    world_refusedf(w, "MissingParameter", NULL, "Action=AssociateVpcCidrBlock&VpcId=%s", id);

    subnet = xml_cstr(world_okf(w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.3.7.0/24", id),
                      "subnetId");
    world_refusedf(w, "InvalidCidrBlock.InUse", NULL, DISASSOCIATE, more);
    (void)world_okf(w, "Action=DeleteSubnet&SubnetId=%s", subnet);
    world_refusedf(w, "OperationNotPermitted",
                   test_fmt("The vpc CIDR block with association ID %s may not be disassociated. "
                            "It is the primary IPv4 CIDR block of the VPC",
                            first),
                   DISASSOCIATE, first);
    xml = world_okf(w, DISASSOCIATE, more);
    CHECK_STR(xml_text(xml_element(xml, "cidrBlockAssociation"), "state"), "disassociating");
    world_refusedf(w, "InvalidVpcCidrBlockAssociationID.NotFound", NULL, DISASSOCIATE, more);
    for (int i = 0; i < 4; i++)
        (void)world_okf(w, ASSOCIATE, id, test_fmt("10.%d.0.0/16", 10 + i));
    world_refusedf(w, "CidrLimitExceeded", NULL, ASSOCIATE, id, "10.20.0.0/16");
    world_account(w, OTHER, "us-east-1");
    world_refusedf(w, "InvalidVpcID.NotFound", NULL, ASSOCIATE, id, "10.30.0.0/16");
    world_free(w);
}
