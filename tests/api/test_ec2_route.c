/* Routes to network interfaces and to instances: NAT instances and appliances. */
#include "gen/store/ec2_rows.h"
#include "harness/world.h"

struct net {
    struct world *w;
    const char *vpc, *subnet, *other, *rtb;
};

static struct net
net_new(void)
{
    struct net n = {.w = world_new()};

    n.vpc = xml_cstr(world_ok(n.w, "Action=CreateVpc&CidrBlock=10.0.0.0/16"), "vpcId");
    n.subnet = xml_cstr(world_okf(n.w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.1.0/24", n.vpc),
                        "subnetId");
    n.other = xml_cstr(world_okf(n.w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.0.2.0/24", n.vpc),
                       "subnetId");
    n.rtb = xml_cstr(world_okf(n.w, "Action=CreateRouteTable&VpcId=%s", n.vpc), "routeTableId");
    return n;
}

static const char *
instance_new(struct net *n)
{
    const char *id = xml_cstr(world_okf(n->w,
                                        "Action=RunInstances&ImageId=ami-009d6802948d06e52"
                                        "&MinCount=1&MaxCount=1&SubnetId=%s",
                                        n->subnet),
                              "instanceId");

    world_advance(n->w, 1000);
    return id;
}

static const char *
interface_of(struct net *n, const char *instance)
{
    return xml_cstr(world_okf(n->w, "Action=DescribeInstances&InstanceId.1=%s", instance),
                    "networkInterfaceId");
}

static const char *
interface_new(struct net *n)
{
    return xml_cstr(world_okf(n->w, "Action=CreateNetworkInterface&SubnetId=%s", n->subnet),
                    "networkInterfaceId");
}

/* As DescribeRouteTables shows the route. */
static struct str
route(struct net *n, const char *cidr)
{
    struct str xml = world_okf(n->w, "Action=DescribeRouteTables&RouteTableId.1=%s", n->rtb);

    return xml_where(xml_element(xml, "routeSet"), "item", "destinationCidrBlock", cidr);
}

#define CREATE "Action=CreateRoute&RouteTableId=%s&DestinationCidrBlock=%s"
#define REPLACE "Action=ReplaceRoute&RouteTableId=%s&DestinationCidrBlock=%s"
#define ALL "0.0.0.0/0"
#define ATTACH "Action=AttachNetworkInterface&DeviceIndex=1&NetworkInterfaceId=%s&InstanceId=%s"

TEST(a_route_leads_to_an_instance_while_it_runs, "VPC-02")
{
    struct net n = net_new();
    const char *id = instance_new(&n), *eni = interface_of(&n, id);
    struct str shown;

    (void)world_okf(n.w, CREATE "&InstanceId=%s", n.rtb, ALL, id);
    world_crash(n.w);
    shown = route(&n, ALL);
    CHECK_STR(xml_text(shown, "instanceId"), id);
    CHECK_STR(xml_text(shown, "instanceOwnerId"), "000000000000");
    CHECK_STR(xml_text(shown, "networkInterfaceId"), eni);
    CHECK_STR(xml_text(shown, "origin"), "CreateRoute");
    CHECK_STR(xml_text(shown, "state"), "active");
    CHECK_INT(xml_count(shown, "gatewayId"), 0);
    CHECK_INT(xml_count(world_okf(n.w,
                                  "Action=DescribeRouteTables&Filter.1.Name=route.instance-id"
                                  "&Filter.1.Value.1=%s",
                                  id),
                        "routeTableId"),
              1);
    (void)world_okf(n.w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(n.w, 60000);
    CHECK_STR(xml_text(route(&n, ALL), "state"), "blackhole");
    CHECK_STR(xml_text(route(&n, ALL), "instanceId"), id);
    (void)world_okf(n.w, "Action=StartInstances&InstanceId.1=%s", id);
    world_advance(n.w, 1000);
    CHECK_STR(xml_text(route(&n, ALL), "state"), "active");
    (void)world_okf(n.w, "Action=TerminateInstances&InstanceId.1=%s", id);
    world_advance(n.w, 60000);
    shown = route(&n, ALL);
    CHECK_STR(xml_text(shown, "state"), "blackhole");
    CHECK_STR(xml_text(shown, "networkInterfaceId"), eni);
    CHECK_INT(xml_count(shown, "instanceId"), 0);
    (void)world_okf(n.w, "Action=DeleteRoute&RouteTableId=%s&DestinationCidrBlock=" ALL, n.rtb);
    world_free(n.w);
}

TEST(a_route_leads_to_an_interface_wherever_it_is_attached, "VPC-02 ENI-11")
{
    struct net n = net_new();
    const char *a = instance_new(&n), *b = instance_new(&n), *eni = interface_new(&n), *attachment;

    (void)world_okf(n.w, CREATE "&NetworkInterfaceId=%s", n.rtb, "192.0.2.0/24", eni);
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "state"), "blackhole");
    attachment = xml_cstr(world_okf(n.w, ATTACH, eni, a), "attachmentId");
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "state"), "active");
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "instanceId"), a);
    world_refusedf(n.w, "InvalidInstanceID",
                   test_fmt("There are multiple interfaces attached to instance '%s'. Please "
                            "specify an interface ID for the operation instead.",
                            a),
                   CREATE "&InstanceId=%s", n.rtb, ALL, a);
    (void)world_okf(n.w, "Action=DetachNetworkInterface&AttachmentId=%s", attachment);
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "state"), "blackhole");
    (void)world_okf(n.w, ATTACH, eni, b);
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "instanceId"), b);
    /* Another target for the same destination. */
    (void)world_okf(n.w, REPLACE "&InstanceId=%s", n.rtb, "192.0.2.0/24", a);
    CHECK_STR(xml_text(route(&n, "192.0.2.0/24"), "networkInterfaceId"), interface_of(&n, a));
    world_free(n.w);
}

TEST(a_route_to_a_subnet_leads_by_an_appliance)
{
    struct net n = net_new();
    const char *eni = interface_new(&n);

    (void)world_okf(n.w, CREATE "&NetworkInterfaceId=%s", n.rtb, "10.0.2.0/24", eni);
    CHECK_STR(xml_text(route(&n, "10.0.2.0/24"), "networkInterfaceId"), eni);
    world_refusedf(n.w, "InvalidParameterValue", NULL, CREATE "&NetworkInterfaceId=%s", n.rtb,
                   "10.0.2.0/25", eni);
    world_refusedf(n.w, "RouteAlreadyExists", NULL, CREATE "&NetworkInterfaceId=%s", n.rtb,
                   "10.0.0.0/16", eni);
    world_refusedf(n.w, "UnsupportedOperation", NULL, REPLACE "&NetworkInterfaceId=%s", n.rtb,
                   "10.0.0.0/16", eni);
    const char *igw = xml_cstr(world_ok(n.w, "Action=CreateInternetGateway"), "internetGatewayId");
    (void)world_okf(n.w, "Action=AttachInternetGateway&InternetGatewayId=%s&VpcId=%s", igw, n.vpc);
    world_refusedf(n.w, "InvalidParameterValue",
                   "The destination CIDR block 10.0.2.0/24 is equal to or more specific than one "
                   "of this VPC's CIDR blocks. This route can target only an interface or an "
                   "instance.",
                   REPLACE "&GatewayId=%s", n.rtb, "10.0.2.0/24", igw);
    world_free(n.w);
}

TEST(what_no_route_can_lead_to_is_refused)
{
    struct net n = net_new();
    const char *mine = interface_new(&n), *nat, *stranger;
    const char *elsewhere = xml_cstr(
        world_ok(n.w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"),
        "instanceId");

    world_refusedf(n.w, "InvalidNetworkInterfaceID.NotFound",
                   "The networkInterface ID 'eni-0123456789abcdef0' does not exist",
                   CREATE "&NetworkInterfaceId=eni-0123456789abcdef0", n.rtb, ALL);
    world_refusedf(n.w, "InvalidInstanceID.NotFound", NULL,
                   CREATE "&InstanceId=i-0123456789abcdef0", n.rtb, ALL);
    world_refusedf(n.w, "InvalidParameterValue",
                   test_fmt("route table %s and interface %s belong to different networks", n.rtb,
                            interface_of(&n, elsewhere)),
                   CREATE "&InstanceId=%s", n.rtb, ALL, elsewhere);
    world_refusedf(n.w, "InvalidParameterCombination", NULL,
                   CREATE "&NetworkInterfaceId=%s&InstanceId=%s", n.rtb, ALL, mine, elsewhere);
    world_refusedf(n.w, "InvalidGatewayID.NotFound", NULL, CREATE "&GatewayId=way", n.rtb, ALL);
    nat = xml_cstr(
        world_okf(n.w, "Action=CreateNatGateway&SubnetId=%s&ConnectivityType=private", n.subnet),
        "natGatewayId");
    stranger = xml_cstr(world_okf(n.w, "Action=DescribeNatGateways&NatGatewayId.1=%s", nat),
                        "networkInterfaceId");
    world_refusedf(n.w, "OperationNotPermitted", NULL, CREATE "&NetworkInterfaceId=%s", n.rtb, ALL,
                   stranger);
    world_account(n.w, "210987654321", "us-east-1");
    world_refusedf(n.w, "InvalidRouteTableID.NotFound", NULL, CREATE "&NetworkInterfaceId=%s",
                   n.rtb, ALL, mine);
    world_free(n.w);
}

/* The limit of an instance's network that its host is told. */
static int64_t
mbit_of(struct world *w, const char *id)
{
    struct txn *txn = world_begin(w);
    int64_t mbit = ec2_instance_get(txn, str_from(id))->network_mbit;

    store_rollback(txn);
    return mbit;
}

TEST(an_instance_has_the_network_of_its_type)
{
    static const struct {
        const char *type;
        int64_t mbit;
    } rows[] = {
        {"t3.micro", 5000}, {"c5.large", 10000}, {"m5.12xlarge", 12000}, {"m1.small", 1200}};
    struct world *w = world_new();
    const char *id = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        id = xml_cstr(world_okf(w,
                                "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1"
                                "&MaxCount=1&InstanceType=%s",
                                rows[i].type),
                      "instanceId");
        CHECK_INT(mbit_of(w, id), rows[i].mbit);
        world_advance(w, 1000);
    }
    (void)world_okf(w, "Action=StopInstances&InstanceId.1=%s", id);
    world_advance(w, 60000);
    (void)world_okf(w, "Action=ModifyInstanceAttribute&InstanceId=%s&InstanceType.Value=t3.micro",
                    id);
    CHECK_INT(mbit_of(w, id), 5000);
    world_free(w);
}
