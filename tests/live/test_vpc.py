"""Networks of one's own: who reaches whom, and who does not."""
import errno
import json
import os
import socket

from cloud import check, json_request, page, same, wait
from lab import WORLD, allow, test

WEB = "#!/bin/sh\nmkdir -p /var/www\nhostname >/var/www/index.html\n" \
      "httpd -p 8080 -h /var/www\nhttpd -p 22 -h /var/www\n"


def name_of(about):
    return "ip-" + about["privateIpAddress"].replace(".", "-") + "\n"


def port(ip, number=22, timeout=0.6):
    """How a TCP port answers: "open", "refused", or "silent"."""
    with socket.socket() as s:
        s.settimeout(timeout)
        try:
            s.connect((ip, number))
            return "open"
        except OSError as why:
            return "refused" if why.errno == errno.ECONNREFUSED else "silent"


def fetch(cloud, id, host, number=8080):
    status, out = cloud.exec(id, "timeout", "1", "wget", "-qO-", f"http://{host}:{number}/")
    return out.decode() if status == 0 else None


class Network:
    """A VPC with a gateway, a route table that leads to it, and a group that lets the world in."""

    def __init__(self, cloud, cidr="10.20.0.0/16"):
        self.cloud, self.base = cloud, cidr.rsplit(".", 2)[0]
        self.vpc = cloud.call("CreateVpc", CidrBlock=cidr)["vpc"]["vpcId"]
        self.igw = cloud.call("CreateInternetGateway")["internetGateway"]["internetGatewayId"]
        cloud.call("AttachInternetGateway", InternetGatewayId=self.igw, VpcId=self.vpc)
        self.table = cloud.call("CreateRouteTable", VpcId=self.vpc)["routeTable"]["routeTableId"]
        self.route("Create")
        self.group = self.new_group("web", 22, 8080)
        self.subnets = []

    def route(self, verb):
        more = {} if verb == "Delete" else {"GatewayId": self.igw}
        self.cloud.call(f"{verb}Route", RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0",
                        **more)

    def new_group(self, name, *ports):
        id = self.cloud.call("CreateSecurityGroup", GroupName=name, GroupDescription="of a test",
                             VpcId=self.vpc)["groupId"]
        for number in ports:
            allow(self.cloud, id, "tcp", number, number)
        return id

    def subnet(self, third, table=None):
        id = self.cloud.call("CreateSubnet", VpcId=self.vpc,
                             CidrBlock=f"{self.base}.{third}.0/24")["subnet"]["subnetId"]
        if table:
            self.cloud.call("AssociateRouteTable", RouteTableId=table, SubnetId=id)
        self.subnets.append(id)
        return id

    def launch(self, subnet, public=True, group=None, **more):
        id, = self.cloud.launch(WEB, NetworkInterface=[{
            "DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": public,
            "SecurityGroupId": [group or self.group], **more}])
        self.cloud.booted(id)
        wait("its web server", lambda: self.cloud.exec(
            id, "wget", "-qO", "/dev/null", "http://127.0.0.1:8080/")[0] == 0)
        return id, self.cloud.instance(id)

    def delete(self, *ids):
        cloud = self.cloud
        cloud.terminate(*ids)
        for id in ids:
            cloud.wait_state(id, "terminated")
        for id in self.subnets:
            cloud.call("DeleteSubnet", SubnetId=id)
        cloud.call("DetachInternetGateway", InternetGatewayId=self.igw, VpcId=self.vpc)
        cloud.call("DeleteInternetGateway", InternetGatewayId=self.igw)
        cloud.call("DeleteRouteTable", RouteTableId=self.table)
        for group in cloud.call("DescribeSecurityGroups", Filter=[
                {"Name": "vpc-id", "Value": [self.vpc]}])["securityGroupInfo"]:
            if group["groupName"] != "default":
                cloud.call("DeleteSecurityGroup", GroupId=group["groupId"])
        cloud.call("DeleteVpc", VpcId=self.vpc)


@test
def a_vpc_that_instances_run_in_gets_further_addresses(lab):
    cloud = lab.cloud
    net = Network(cloud, "10.25.0.0/16")
    one, one_about = net.launch(net.subnet(1, net.table))
    block = cloud.call("AssociateVpcCidrBlock", VpcId=net.vpc,
                       CidrBlock="10.26.0.0/16")["cidrBlockAssociation"]["associationId"]
    net.base = "10.26"
    two, two_about = net.launch(net.subnet(1, net.table))
    same(fetch(cloud, one, two_about["privateIpAddress"]), name_of(two_about), "to the new block")
    same(fetch(cloud, two, one_about["privateIpAddress"]), name_of(one_about), "from the new block")
    same(page(two_about["ipAddress"]), name_of(two_about), "from outside")
    cloud.terminate(two)
    cloud.wait_state(two, "terminated")
    cloud.call("DeleteSubnet", SubnetId=net.subnets.pop())
    cloud.call("DisassociateVpcCidrBlock", AssociationId=block)
    net.delete(one)


# proves: VPC-01 SSH-03 SSH-04 SSH-06
@test
def a_subnet_is_public_by_its_route_and_an_instance_by_its_address(lab):
    cloud = lab.cloud
    net = Network(cloud)
    public, private = net.subnet(1, net.table), net.subnet(2)
    one, one_about = net.launch(public)
    hidden, hidden_about = net.launch(public, public=False)
    # It has a public address, but its subnet has the main route table, which leads nowhere.
    two, two_about = net.launch(private)
    same(page(one_about["ipAddress"]), name_of(one_about), "the public one")
    same(lab.from_world(one_about["ipAddress"], 8080), name_of(one_about), "from the world")
    same(fetch(cloud, one, WORLD, 80), "the world\n", "its way out")
    same(port(two_about["ipAddress"]), "silent", "SSH-04: without a route")
    same(fetch(cloud, two, WORLD, 80), None, "a way out without a route")
    check("ipAddress" not in hidden_about, "an address that nobody asked for")
    same(port(hidden_about["privateIpAddress"]), "silent", "SSH-06: without a public address")
    same(fetch(cloud, hidden, WORLD, 80), None, "a way out without a public address")
    for id in (hidden, two):
        same(cloud.imds(id, "/latest/meta-data/instance-id"), id, "metadata")
        same(fetch(cloud, id, one_about["privateIpAddress"]), name_of(one_about), "within the VPC")
        same(fetch(cloud, id, one_about["ipAddress"]), None, "a public address without a way out")
    same(fetch(cloud, one, two_about["privateIpAddress"]), name_of(two_about), "to the private one")
    # SSH-03: a group without the port drops; no RST says that there is anything.
    closed, closed_about = net.launch(public, group=net.new_group("closed", 8080))
    same(page(closed_about["ipAddress"]), name_of(closed_about), "the port that is open")
    same(port(closed_about["ipAddress"]), "silent", "SSH-03")
    # All of it changes at once, under what runs.
    table = cloud.call("DescribeRouteTables", Filter=[
        {"Name": "vpc-id", "Value": [net.vpc]},
        {"Name": "association.main", "Value": ["true"]}])["routeTableSet"][0]["routeTableId"]
    cloud.call("CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0",
               GatewayId=net.igw)
    same(port(two_about["ipAddress"]), "open", "with a route")
    same(fetch(cloud, two, WORLD, 80), "the world\n", "a way out with a route")
    net.route("Delete")
    # DeleteRoute answers when it is durable; the kernel is told in the same moment, not before.
    wait("the route to be gone", lambda: port(one_about["ipAddress"]) == "silent", 5)
    association, = (a["routeTableAssociationId"] for a in cloud.call(
        "DescribeRouteTables", RouteTableId=[net.table])["routeTableSet"][0]["associationSet"])
    cloud.call("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=table)
    same(port(one_about["ipAddress"]), "open", "with another table")
    # After a restart of the daemon as before.
    cloud.kill9()
    cloud.up()
    same(page(one_about["ipAddress"]), name_of(one_about), "after a restart")
    same(port(hidden_about["privateIpAddress"]), "silent", "after a restart")
    net.delete(one, hidden, two, closed)


# proves: SSH-05 VPC-04
@test
def a_network_acl_needs_rules_for_both_ways(lab):
    cloud = lab.cloud
    net = Network(cloud)
    subnet = net.subnet(1, net.table)
    id, about = net.launch(subnet)
    ip = about["ipAddress"]
    acl = cloud.call("CreateNetworkAcl", VpcId=net.vpc)["networkAcl"]["networkAclId"]
    first, = cloud.call("DescribeNetworkAcls", Filter=[
        {"Name": "association.subnet-id", "Value": [subnet]}])["networkAclSet"]

    def entry(verb, number, egress, ports, action="allow", cidr="0.0.0.0/0"):
        cloud.call(f"{verb}NetworkAclEntry", NetworkAclId=acl, RuleNumber=number, Egress=egress,
                   Protocol="6", RuleAction=action, CidrBlock=cidr,
                   PortRange={"From": ports[0], "To": ports[1]})

    same(port(ip), "open", "the default ACL")
    moved = cloud.call("ReplaceNetworkAclAssociation", NetworkAclId=acl, AssociationId=first[
        "associationSet"][0]["networkAclAssociationId"])["newAssociationId"]
    same(port(ip), "silent", "an ACL without rules")
    entry("Create", 100, False, (22, 22))
    same(port(ip), "silent", "replies have no rule")
    entry("Create", 100, True, (1024, 65535))
    same(port(ip), "open", "with ephemeral ports outbound")
    same(port(ip, 8080), "silent", "a port without a rule")
    same(cloud.imds(id, "/latest/meta-data/instance-id"), id, "metadata needs no rule")
    entry("Create", 50, False, (22, 22), "deny")
    same(port(ip), "silent", "the lower number decides")
    entry("Replace", 50, False, (22, 22), "deny", WORLD + "/32")
    same(port(ip), "open", "a rule for somebody else")
    same(lab.from_world(ip, 22), None, "who is denied")
    cloud.call("DeleteNetworkAclEntry", NetworkAclId=acl, RuleNumber=50, Egress=False)
    same(lab.from_world(ip, 22), name_of(about), "denied no more")
    cloud.call("ReplaceNetworkAclAssociation", AssociationId=moved,
               NetworkAclId=first["networkAclId"])
    same(port(ip, 8080), "open", "the default ACL again")
    cloud.call("DeleteNetworkAcl", NetworkAclId=acl)
    net.delete(id)


# proves: SSH-08 VPC-03
@test
def ssh_may_be_open_to_one_address(lab):
    cloud = lab.cloud
    net = Network(cloud)
    one = net.new_group("one")
    allow(cloud, one, "tcp", 22, 22, WORLD + "/32")
    id, about = net.launch(net.subnet(1, net.table), group=one)
    same(lab.from_world(about["ipAddress"], 22), name_of(about), "from that address")
    same(port(about["ipAddress"]), "silent", "from another one")
    net.delete(id)


@test
def two_networks_with_the_same_range_stay_apart(lab):
    cloud = lab.cloud
    nets = [Network(cloud), Network(cloud)]
    found = []
    for net in nets:
        subnet = net.subnet(1, net.table)
        found.append([net.launch(subnet), net.launch(subnet)])
    (a, a_about), (b, b_about) = found[0]
    (c, c_about), (d, d_about) = found[1]
    same((a_about["privateIpAddress"], b_about["privateIpAddress"]),
         (c_about["privateIpAddress"], d_about["privateIpAddress"]), "private addresses")
    cloud.sh(c, "echo of the second >/var/www/index.html")
    same(fetch(cloud, b, a_about["privateIpAddress"]), name_of(a_about), "the first one's own")
    same(fetch(cloud, d, c_about["privateIpAddress"]), "of the second\n", "the second one's own")
    same(page(c_about["ipAddress"]), "of the second\n", "by its public address")
    same(fetch(cloud, b, c_about["ipAddress"]), "of the second\n", "from the other by that")
    # An address that only the other has.
    cloud.terminate(d)
    cloud.wait_state(d, "terminated")
    same(fetch(cloud, c, d_about["privateIpAddress"]), None, "the first one's, from the second")
    nets[0].delete(a, b)
    nets[1].delete(c)


# proves: PS-14
@test
def an_isolated_subnet_cannot_read_parameters(lab):
    cloud = lab.cloud
    net = Network(cloud)
    cloud.json("ssm", "PutParameter", Name="/vpc/value", Value="of the store", Type="String")
    cloud.query("iam", "CreateUser", UserName="reader")
    cloud.query("iam", "PutUserPolicy", UserName="reader", PolicyName="read",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}))
    made = cloud.query("iam", "CreateAccessKey", UserName="reader")
    key, secret = (made.split(f"<{tag}>")[1].split("<")[0]
                   for tag in ("AccessKeyId", "SecretAccessKey"))
    isolated, public = net.subnet(1), net.subnet(2, net.table)
    host = "ssm.us-east-1.amazonaws.com"

    def value(id):
        headers, body = json_request(host, "ssm", "GetParameter", {"Name": "/vpc/value"},
                                     key=key, secret=secret)
        lines = ["POST / HTTP/1.1", f"Host: {host}", "Connection: close",
                 f"Content-Length: {len(body)}"]
        lines += [f"{k}: {v}" for k, v in headers.items() if k.lower() != "host"]
        status, out = cloud.exec(id, "timeout", "2", "nc", host, "80",
                                 input=("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        return b"of the store" in out

    one, _ = net.launch(isolated)
    two, _ = net.launch(public)
    hidden, _ = net.launch(public, public=False)
    check(value(two), "from a subnet with a route")
    check(not value(one), "from a subnet without a route")
    check(not value(hidden), "without a public address")
    cloud.call("AssociateRouteTable", RouteTableId=net.table, SubnetId=isolated)
    check(value(one), "with a route")
    net.delete(one, two, hidden)


@test
def names_and_dhcp_are_as_the_vpc_says(lab):
    cloud = lab.cloud
    net = Network(cloud)
    id, about = net.launch(net.subnet(1, net.table))
    ask = "printf '#!/bin/sh\\necho \"[$1] $domain | $dns | $ntpsrv\"\\n' >/tmp/show; " \
          "chmod +x /tmp/show; udhcpc -i eth0 -n -q -t 3 -T 1 -s /tmp/show -O ntpsrv 2>/dev/null"
    check("ec2.internal | 10.20.0.2 |" in cloud.sh(id, ask), "the default options")
    options = cloud.call("CreateDhcpOptions", DhcpConfiguration=[
        {"Key": "domain-name", "Value": ["example.test"]},
        {"Key": "domain-name-servers", "Value": ["AmazonProvidedDNS", "10.20.5.3"]},
        {"Key": "ntp-servers", "Value": ["169.254.169.123"]}])["dhcpOptions"]["dhcpOptionsId"]
    cloud.call("AssociateDhcpOptions", DhcpOptionsId=options, VpcId=net.vpc)
    out = cloud.sh(id, ask)
    check("example.test | 10.20.0.2 10.20.5.3 | 169.254.169.123" in out, out)
    cloud.call("AssociateDhcpOptions", DhcpOptionsId="default", VpcId=net.vpc)
    out = cloud.sh(id, ask)
    check("[bound]  |  |" in out, out)
    # Names: public ones only where the VPC has them, none at all without its resolver.
    name = about["privateDnsName"]
    check(about["privateIpAddress"] in cloud.sh(id, f"nslookup {name}"), "its own name")
    same(cloud.imds(id, "/latest/meta-data/public-hostname"), None, "a public host name")
    cloud.call("ModifyVpcAttribute", VpcId=net.vpc, EnableDnsHostnames={"Value": True})
    public = cloud.imds(id, "/latest/meta-data/public-hostname")
    same(public, cloud.instance(id)["dnsName"], "the public host name")
    check(about["privateIpAddress"] in cloud.sh(id, f"nslookup {public}"), "as AWS, from inside")
    cloud.call("ModifyVpcAttribute", VpcId=net.vpc, EnableDnsHostnames={"Value": False})
    cloud.call("ModifyVpcAttribute", VpcId=net.vpc, EnableDnsSupport={"Value": False})
    status, out = cloud.exec(id, "timeout", "2", "nslookup", name)
    check(status != 0, f"a name without a resolver: {out}")
    cloud.call("ModifyVpcAttribute", VpcId=net.vpc, EnableDnsSupport={"Value": True})
    check(about["privateIpAddress"] in cloud.sh(id, f"nslookup {name}"), "its own name again")
    net.delete(id)


# proves: ENI-04 ENI-08
@test
def an_interface_of_ones_own_keeps_its_addresses_from_instance_to_instance(lab):
    cloud = lab.cloud
    net = Network(cloud)
    nic = cloud.call("CreateNetworkInterface", SubnetId=net.subnet(1, net.table),
                     SecurityGroupId=[net.group])["networkInterface"]
    kept = cloud.call("AllocateAddress", Domain="vpc")
    cloud.call("AssociateAddress", AllocationId=kept["allocationId"],
               NetworkInterfaceId=nic["networkInterfaceId"])
    for turn in range(2):
        id, = cloud.launch(WEB + f"echo {turn} >/var/www/index.html\n", NetworkInterface=[
            {"DeviceIndex": 0, "NetworkInterfaceId": nic["networkInterfaceId"]}])
        cloud.booted(id)
        wait("its page", lambda turn=turn: page(kept["publicIp"]) == f"{turn}\n")
        same(cloud.sh(id, "cat /sys/class/net/eth0/address").strip(), nic["macAddress"], "its MAC")
        check(nic["privateIpAddress"] in cloud.sh(id, "ip addr show eth0"), "its address")
        cloud.terminate(id)
        cloud.wait_state(id, "terminated")
    cloud.call("DisassociateAddress", AssociationId=cloud.call("DescribeAddresses")[
        "addressesSet"][0]["associationId"])
    cloud.call("ReleaseAddress", AllocationId=kept["allocationId"])
    cloud.call("DeleteNetworkInterface", NetworkInterfaceId=nic["networkInterfaceId"])
    net.delete()


@test
def a_vpc_that_is_deleted_leaves_nothing_on_the_host(lab):
    cloud = lab.new_cloud("gone").up()  # one whose other networks are not on their way out
    run = os.path.join(cloud.data, "run", "netns")
    before = set(os.listdir(run)) if os.path.isdir(run) else set()
    links = set(os.listdir("/sys/class/net"))
    net = Network(cloud)
    id, about = net.launch(net.subnet(1, net.table))
    check(len(os.listdir(run)) > len(before), "no network namespace")
    net.delete(id)
    wait("its namespace to go", lambda: set(os.listdir(run)) <= before)
    wait("its link to go", lambda: set(os.listdir("/sys/class/net")) <= links)
    same(port(about["ipAddress"], timeout=0.3), "silent", "its address")
    again = Network(cloud)
    id, about = again.launch(again.subnet(1, again.table))
    same(page(about["ipAddress"]), name_of(about), "another one")
    again.delete(id)
    cloud.close()
