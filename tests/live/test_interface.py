"""Interfaces that come, go and move; NAT gateways; peered VPCs."""
from cloud import page, same, wait
from lab import WORLD, test
from test_vpc import Network, fetch, name_of


def primary(about):
    return about["networkInterfaceSet"][0]["networkInterfaceId"]


# proves: ENI-11 ENI-15 ENI-16 ENI-18 ENI-19 ENI-25
@test
def an_interface_moves_to_another_instance_and_its_traffic_follows(lab):
    cloud = lab.cloud
    net = Network(cloud)
    subnet = net.subnet(1, net.table)
    (one, one_about), (two, two_about) = net.launch(subnet), net.launch(subnet)
    client, _ = net.launch(subnet)
    nic = cloud.call("CreateNetworkInterface", SubnetId=subnet,
                     SecurityGroupId=[net.group])["networkInterface"]
    id, ip, mac = nic["networkInterfaceId"], nic["privateIpAddress"], nic["macAddress"]
    eip = cloud.call("AllocateAddress", Domain="vpc")
    same(fetch(cloud, client, ip), None, "before it is attached")
    # Hot: the instance runs.
    held = cloud.call("AttachNetworkInterface", NetworkInterfaceId=id, InstanceId=one,
                      DeviceIndex=1)["attachmentId"]
    wait("the interface", lambda: fetch(cloud, client, ip) == name_of(one_about))
    same(cloud.sh(one, "cat /sys/class/net/eth1/address").strip(), mac, "eth1")
    macs = f"/latest/meta-data/network/interfaces/macs/{mac}/"
    same(cloud.imds(one, macs + "device-number"), "1", "metadata")
    same(cloud.imds(one, macs + "local-ipv4s"), ip, "metadata")
    same(fetch(cloud, one, WORLD, 80), "the world\n", "eth0 still leads out")
    cloud.call("AssociateAddress", AllocationId=eip["allocationId"], NetworkInterfaceId=id)
    wait("the Elastic IP", lambda: page(eip["publicIp"]) == name_of(one_about))
    # Both processes die and come back: it is there still.
    cloud.kill9_both()
    cloud.up()
    wait("the interface again", lambda: fetch(cloud, client, ip) == name_of(one_about))
    same(page(eip["publicIp"]), name_of(one_about), "the Elastic IP after a restart")
    cloud.call("DetachNetworkInterface", AttachmentId=held)
    wait("eth1 to go", lambda: cloud.exec(one, "test", "-e", "/sys/class/net/eth1")[0] != 0)
    same(fetch(cloud, client, ip), None, "detached")
    # Warm: the instance is stopped, and boots with it.
    cloud.stop_instance(two)
    cloud.call("AttachNetworkInterface", NetworkInterfaceId=id, InstanceId=two, DeviceIndex=1)
    cloud.start_instance(two)
    cloud.booted(two)
    cloud.sh(two, "httpd -p 8080 -h /var/www")
    wait("the other instance", lambda: fetch(cloud, client, ip) == name_of(two_about))
    same(page(eip["publicIp"]), name_of(two_about), "the Elastic IP moved along")
    same(cloud.sh(two, "cat /sys/class/net/eth1/address").strip(), mac, "the same MAC")
    # A secondary address fails over.
    spare = net.base + ".1.200"
    for who, about in ((one, one_about), (two, two_about)):
        cloud.call("AssignPrivateIpAddresses", NetworkInterfaceId=primary(about),
                   PrivateIpAddress=[spare], AllowReassignment=True)
        wait("the secondary address", lambda: fetch(cloud, client, spare) == name_of(about))
    cloud.terminate(two)
    cloud.wait_state(two, "terminated")
    cloud.call("DisassociateAddress", AssociationId=cloud.call(
        "DescribeAddresses", AllocationId=[eip["allocationId"]])["addressesSet"][0]["associationId"])
    cloud.call("ReleaseAddress", AllocationId=eip["allocationId"])
    cloud.call("DeleteNetworkInterface", NetworkInterfaceId=id)
    net.delete(one, client)


# proves: VPC-02 VPC-05
@test
def a_private_subnet_reaches_out_by_a_nat_gateway_and_a_peered_vpc_by_its_routes(lab):
    cloud = lab.cloud
    net, other = Network(cloud), Network(cloud, "10.21.0.0/16")
    table = cloud.call("CreateRouteTable", VpcId=net.vpc)["routeTable"]["routeTableId"]
    public, private = net.subnet(1, net.table), net.subnet(2, table)
    hidden, hidden_about = net.launch(private, public=False)
    far, far_about = other.launch(other.subnet(1, other.table))
    same(fetch(cloud, hidden, WORLD, 80), None, "without a gateway")
    eip = cloud.call("AllocateAddress", Domain="vpc")
    nat = cloud.call("CreateNatGateway", SubnetId=public,
                     AllocationId=eip["allocationId"])["natGateway"]["natGatewayId"]
    cloud.call("CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0",
               NatGatewayId=nat)
    wait("the NAT gateway", lambda: fetch(cloud, hidden, WORLD, 80) == "the world\n")
    same(fetch(cloud, hidden, far_about["ipAddress"]), name_of(far_about), "by its public address")

    # Private addresses of the other VPC: a connection, and routes on both sides.
    ip = far_about["privateIpAddress"]
    peering = cloud.call("CreateVpcPeeringConnection", VpcId=net.vpc, PeerVpcId=other.vpc)[
        "vpcPeeringConnection"]["vpcPeeringConnectionId"]
    cloud.call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=peering)
    cloud.call("CreateRoute", RouteTableId=table, DestinationCidrBlock="10.21.0.0/16",
               VpcPeeringConnectionId=peering)
    same(fetch(cloud, hidden, ip), None, "without a way back")
    cloud.call("CreateRoute", RouteTableId=other.table, DestinationCidrBlock="10.20.0.0/16",
               VpcPeeringConnectionId=peering)
    wait("the other VPC", lambda: fetch(cloud, hidden, ip) == name_of(far_about))
    same(fetch(cloud, far, hidden_about["privateIpAddress"]), name_of(hidden_about), "and back")
    cloud.kill9_both()
    cloud.up()
    wait("the other VPC again", lambda: fetch(cloud, hidden, ip) == name_of(far_about))
    wait("the NAT gateway again", lambda: fetch(cloud, hidden, WORLD, 80) == "the world\n")
    cloud.call("DeleteVpcPeeringConnection", VpcPeeringConnectionId=peering)
    wait("the end of the connection", lambda: fetch(cloud, hidden, ip) is None)
    cloud.call("DeleteNatGateway", NatGatewayId=nat)
    wait("the end of the gateway", lambda: fetch(cloud, hidden, WORLD, 80) is None)
    cloud.call("ReleaseAddress", AllocationId=eip["allocationId"])
    cloud.terminate(hidden)
    cloud.wait_state(hidden, "terminated")
    for subnet in net.subnets:
        cloud.call("DeleteSubnet", SubnetId=subnet)
    net.subnets = []
    cloud.call("DeleteRouteTable", RouteTableId=table)
    net.delete()
    other.delete(far)
