"""Where routes lead: to instances that forward, to VPCs of other regions."""
import shutil
import subprocess

from cloud import check, same, wait
from lab import WORLD, Skip, allow, ami, test
from test_placement import pid_of, ping
from test_vpc import Network, fetch


def masquerade(cloud, id):
    """What user data of a NAT instance does with iptables: forwards, and hides who asks."""
    if not shutil.which("nft"):
        raise Skip("nft is not installed")
    inside = ["nsenter", "-t", pid_of(cloud, id), "-n"]
    subprocess.run([*inside, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
    subprocess.run([*inside, "nft", "-f", "-"], check=True, text=True, input="""
table ip nat {
    chain post { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
}
""")


def route_of(cloud, table):
    routes = cloud.call("DescribeRouteTables",
                        RouteTableId=[table])["routeTableSet"][0]["routeSet"]
    return next(r for r in routes if r["destinationCidrBlock"] == "0.0.0.0/0")


# proves: VPC-02 ENI-09
@test
def a_nat_instance_leads_a_private_subnet_out(lab):
    cloud = lab.cloud
    net = Network(cloud, "10.31.0.0/16")
    private = cloud.call("CreateRouteTable", VpcId=net.vpc)["routeTable"]["routeTableId"]
    subnets = net.subnet(1, net.table), net.subnet(2, private)
    allow(cloud, net.group, "-1", -1, -1, "10.31.0.0/16")
    nat, _ = net.launch(subnets[0])
    inner, about = net.launch(subnets[1], public=False)
    masquerade(cloud, nat)
    world = lambda: fetch(cloud, inner, WORLD, 80)
    same(world(), None, "the world from a subnet without a route")
    cloud.call("CreateRoute", RouteTableId=private, DestinationCidrBlock="0.0.0.0/0",
               InstanceId=nat)
    same(route_of(cloud, private)["state"], "active", "the route's state")
    same(world(), None, "the world by an instance that checks addresses")
    cloud.call("ModifyInstanceAttribute", InstanceId=nat, SourceDestCheck={"Value": False})
    wait("the world by the NAT instance", lambda: world() == "the world\n")
    same(lab.in_world("curl", "-s", "-m", "1", f"http://{about['privateIpAddress']}:8080/",
                      must=False), "", "a private instance from the world")
    cloud.call("ModifyInstanceAttribute", InstanceId=nat, SourceDestCheck={"Value": True})
    wait("nothing of the world", lambda: world() is None)
    cloud.call("ModifyInstanceAttribute", InstanceId=nat, SourceDestCheck={"Value": False})
    wait("the world again", lambda: world() == "the world\n")
    cloud.stop_instance(nat)
    same(route_of(cloud, private)["state"], "blackhole", "the route's state")
    same(world(), None, "the world by a stopped instance")
    cloud.start_instance(nat)
    cloud.booted(nat)
    masquerade(cloud, nat)
    same(route_of(cloud, private)["state"], "active", "the route's state")
    wait("the world by the started instance", lambda: world() == "the world\n")
    own = cloud.call("DescribeRouteTables", RouteTableId=[private])["routeTableSet"][0]
    cloud.call("DisassociateRouteTable",
               AssociationId=own["associationSet"][0]["routeTableAssociationId"])
    cloud.call("DeleteRouteTable", RouteTableId=private)
    net.delete(nat, inner)


class There:
    """The cloud as a client of another region sees it."""

    def __init__(self, cloud, region):
        self._cloud, self._where = cloud, {"region": region}

    def call(self, action, **params):
        return self._cloud.call(action, **self._where, **params)

    def launch(self, *args, **params):
        image = ami(self._cloud, "welkin-tiny")  # AWS's own ids are of one region
        return self._cloud.launch(*args, ImageId=image, **self._where, **params)

    def instance(self, id):
        return self._cloud.instance(id, **self._where)

    def terminate(self, *ids):
        self._cloud.terminate(*ids, **self._where)

    def wait_state(self, id, state):
        self._cloud.wait_state(id, state, **self._where)

    def booted(self, id):
        self.wait_state(id, "running")

    def __getattr__(self, name):
        return getattr(self._cloud, name)


# proves: VPC-05
@test
def vpcs_of_two_regions_reach_each_other(lab):
    near, far = lab.cloud, There(lab.cloud, "eu-west-1")
    nets = Network(near, "10.32.0.0/16"), Network(far, "10.33.0.0/16")
    ids, about = zip(*(net.launch(net.subnet(1, net.table)) for net in nets))
    for net in nets:
        allow(net.cloud, net.group, "icmp", -1, -1)
    pcx = near.call("CreateVpcPeeringConnection", VpcId=nets[0].vpc, PeerVpcId=nets[1].vpc,
                    PeerRegion="eu-west-1")["vpcPeeringConnection"]["vpcPeeringConnectionId"]
    near.refused("OperationNotPermitted", "AcceptVpcPeeringConnection",
                 VpcPeeringConnectionId=pcx)
    far.call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=pcx)
    for net, other in (nets, nets[::-1]):
        net.cloud.call("CreateRoute", RouteTableId=net.table, VpcPeeringConnectionId=pcx,
                       DestinationCidrBlock=other.base + ".0.0/16")
    to = about[1]["privateIpAddress"]
    wait("the other region", lambda: fetch(near, ids[0], to))
    check(fetch(near, ids[1], about[0]["privateIpAddress"]), "and back")
    same(ping(near, ids[0], to, 8400), "answered", "8,400 bytes to the other region")
    same(ping(near, ids[0], to, 8800), "too large for 8500", "8,800 bytes to the other region")
    near.call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=pcx)
    wait("nothing of the other region", lambda: fetch(near, ids[0], to) is None)
    for net, id in zip(nets, ids):
        net.delete(id)
