"""Networks: security groups, regions and accounts with the same addresses, names."""
import time

from cloud import Fault, check, page, same, wait
from lab import HOST, WORLD, allow, ami, group, revoke, test

# "Within seconds" (EIP-05), on a machine that may have much else to do.
SECONDS = 10

WEB = "#!/bin/sh\nmkdir -p /var/www\nhostname >/var/www/index.html\nhttpd -p 8080 -h /var/www\n"


def fetch(cloud, id, ip, port=8080, timeout=10):
    """A page fetched from inside an instance, or None."""
    # Not wget's own -T: Debian's busybox 1.35 crashes on it.
    status, out = cloud.exec(id, "timeout", str(timeout), "wget", "-qO-", f"http://{ip}:{port}/")
    return out.decode() if status == 0 else None


def name_of(about):
    return "ip-" + about["privateIpAddress"].replace(".", "-") + "\n"


@test
def a_web_server_is_out_of_reach_until_a_rule_opens_it(lab):
    cloud = lab.cloud
    web = group(cloud, "closed")
    id, = cloud.launch(WEB, SecurityGroupId=[web])
    cloud.booted(id)
    about = cloud.instance(id)
    ip = about["ipAddress"]
    same(page(ip, timeout=0.5), None, "without a rule")
    allow(cloud, web, "tcp", 8080, 8080)
    same(page(ip), name_of(about), "at once with a rule")
    same(page(ip, 8081, timeout=0.3), None, "another port")
    revoke(cloud, web, "tcp", 8080, 8080)
    wait("the rule to go", lambda: page(ip, timeout=0.3) is None)
    allow(cloud, web, "tcp", 8080, 8080, "192.0.2.0/24")
    same(page(ip, timeout=0.3), None, "a rule for somebody else")
    same(lab.from_world(ip, 8080, 1), None, "from the world")
    allow(cloud, web, "tcp", 8000, 9000, WORLD + "/32")
    wait("a rule for the world", lambda: lab.from_world(ip, 8080, 1) == name_of(about))
    same(page(ip, timeout=0.3), None, "the rule for the world used by another")


@test
def a_group_that_refers_to_itself_lets_its_members_talk(lab):
    cloud = lab.cloud
    inner, outer = group(cloud, "members"), group(cloud, "others")
    allow(cloud, inner, "tcp", 8080, 8080, inner)
    one, two = cloud.launch(WEB, 2, SecurityGroupId=[inner])
    other, = cloud.launch(WEB, SecurityGroupId=[outer])
    for id in (one, two, other):
        cloud.booted(id)
    about = {id: cloud.instance(id) for id in (one, two, other)}
    same(fetch(cloud, one, about[two]["privateIpAddress"]), name_of(about[two]), "member to member")
    same(fetch(cloud, two, about[one]["privateIpAddress"]), name_of(about[one]), "and back")
    same(fetch(cloud, other, about[one]["privateIpAddress"], timeout=1), None,
         "from outside of the group")
    same(fetch(cloud, one, about[other]["privateIpAddress"], timeout=1), None, "to another group")
    # Who joins may; who leaves may not.
    cloud.call("ModifyInstanceAttribute", InstanceId=other, GroupId=[outer, inner])
    wait("the new member",
         lambda: fetch(cloud, other, about[one]["privateIpAddress"], timeout=1))
    cloud.call("ModifyInstanceAttribute", InstanceId=other, GroupId=[outer])
    wait("the former member",
         lambda: fetch(cloud, other, about[one]["privateIpAddress"], timeout=1) is None)
    # The default group is such a group from the start.
    a, b = cloud.launch(WEB, 2)
    cloud.booted(a)
    cloud.booted(b)
    b_about = cloud.instance(b)
    same(fetch(cloud, a, b_about["privateIpAddress"]), name_of(b_about), "in the default group")


@test
def egress_is_open_until_its_rule_is_revoked(lab):
    cloud = lab.cloud
    out = group(cloud, "egress")
    id, = cloud.launch(SecurityGroupId=[out])
    cloud.booted(id)
    same(fetch(cloud, id, WORLD, 80), "the world\n", "the world by the default rule")
    revoke(cloud, out, "-1", None, None, way="Egress")
    wait("no way out", lambda: fetch(cloud, id, WORLD, 80, timeout=1) is None)
    same(cloud.imds(id, "/latest/meta-data/instance-id"), id, "metadata needs no rule")
    allow(cloud, out, "tcp", 80, 80, WORLD + "/32", way="Egress")
    wait("the way out", lambda: fetch(cloud, id, WORLD, 80, timeout=1) == "the world\n")


@test
def instances_cannot_reach_the_host_or_take_another_address(lab):
    cloud = lab.cloud
    a, b = cloud.launch(WEB, 2)
    cloud.booted(a)
    cloud.booted(b)
    same(fetch(cloud, a, HOST, cloud.port, timeout=1), None, "the daemon's port on the host")
    victim = cloud.instance(b)["privateIpAddress"]
    check(fetch(cloud, a, victim), "not even its neighbour")
    free = victim.rsplit(".", 1)[0] + ".77"
    cloud.sh(a, f"ip addr add {free}/20 dev eth0")
    status, out = cloud.exec(a, "nc", "-w", "1", "-s", free, victim, "8080",
                             input=b"GET / HTTP/1.0\r\n\r\n")
    check(b"200 OK" not in out, "a made up source address passes")


# proves: REG-01 REG-03
@test
def two_accounts_and_two_regions_with_the_same_addresses_stay_apart(lab):
    cloud = lab.cloud
    places = [{"account": a, "region": r} for a in ("650524209925", "031780582162")
              for r in ("us-east-1", "eu-west-1")]
    found = []
    for where in places:
        web = group(cloud, "web", ("tcp", 8080, 8080), **where)
        cloud.call("CreateKeyPair", KeyName="same-name", **where)
        one, two = cloud.launch(WEB, 2, ImageId=ami(cloud, "welkin-tiny", **where),
                                SecurityGroupId=[web], **where)
        for id in (one, two):
            cloud.wait_state(id, "running", **where)
        found.append((where, one, two))
    cidrs, addresses = set(), []
    for where, one, two in found:
        vpc = cloud.call("DescribeVpcs", **where)["vpcSet"][0]
        same(vpc["ownerId"], where["account"], "the VPC's owner")
        cidrs.add(vpc["cidrBlock"])
        listed = [i["instanceId"] for r in cloud.call("DescribeInstances", **where)["reservationSet"]
                  for i in r["instancesSet"] if i["instanceState"]["name"] != "terminated"]
        same(sorted(listed), sorted([one, two]), f"instances of {where}")
        same(len(cloud.call("DescribeKeyPairs", **where)["keySet"]), 1, "key pairs")
        about = cloud.instance(two, **where)
        zone = about["placement"]["availabilityZone"]
        check(zone.startswith(where["region"]), zone)
        addresses.append(about["privateIpAddress"])
        wait("the page of its neighbour",
             lambda one=one, about=about: fetch(cloud, one, about["privateIpAddress"], timeout=1)
             == name_of(about))
        same(page(about["ipAddress"]), name_of(about), "by the public address")
        document = cloud.imds(one, "/latest/dynamic/instance-identity/document")
        check(f'"{where["account"]}"' in document and f'"{where["region"]}"' in document, document)
        suffix = ".ec2.internal" if where["region"] == "us-east-1" else \
            f".{where['region']}.compute.internal"
        check(cloud.imds(one, "/latest/meta-data/hostname").endswith(suffix), "host name")
    same(cidrs, {"172.31.0.0/16"}, "the CIDR of all four")
    same(len(set(addresses)), 1, f"the private address of all four, {addresses}")
    # Somebody else's instance does not exist.
    for where, one, _ in found:
        for other in places:
            if other == where:
                continue
            try:
                cloud.instance(one, **other)
                check(False, f"{other} sees an instance of {where}")
            except Fault as fault:
                same(fault.code, "InvalidInstanceID.NotFound", "the error")
    zones = cloud.call("DescribeAvailabilityZones", region="us-east-1")["availabilityZoneInfo"]
    same([z["zoneName"] for z in zones], [f"us-east-1{c}" for c in "abcdef"], "zones")


@test
def names_of_instances_resolve_inside(lab):
    cloud = lab.cloud
    a, b = cloud.launch(n=2)
    cloud.booted(a)
    about = cloud.instance(b)
    out = cloud.sh(a, f"nslookup {about['privateDnsName']}")
    check(about["privateIpAddress"] in out, out)
    # From inside, the public name leads to the private address.
    out = cloud.sh(a, f"nslookup {about['dnsName']}")
    check(about["privateIpAddress"] in out, out)


@test
def a_hundred_instances_boot_and_end(lab):
    cloud = lab.cloud
    begin = time.monotonic()
    ids = cloud.launch("#!/bin/sh\necho up >/root/up\n", 100)

    def states():
        reply = cloud.call("DescribeInstances", Filter=[
            {"Name": "instance-id", "Value": ids}])
        return {i["instanceState"]["name"] for r in reply["reservationSet"]
                for i in r["instancesSet"]}
    wait("all to run", lambda: states() == {"running"}, 60)
    print(f"     100 instances: {time.monotonic() - begin:.2f} s")
    for id in (ids[0], ids[50], ids[99]):
        cloud.booted(id)
        same(cloud.sh(id, "cat /root/up"), "up\n", id)
    cloud.terminate(*ids)
    wait("all to end", lambda: states() == {"terminated"}, 60)


# proves: EIP-01 EIP-05
@test
def an_elastic_ip_is_remapped_within_seconds_and_outlives_a_restart(lab):
    cloud = lab.cloud
    web = group(cloud, "elastic")
    allow(cloud, web, "tcp", 8080, 8080)
    ids = cloud.launch(WEB, 2, SecurityGroupId=[web])
    for id in ids:
        cloud.booted(id)
    one, two = (cloud.instance(id) for id in ids)
    kept = cloud.call("AllocateAddress", Domain="vpc")
    ip, allocation = kept["publicIp"], kept["allocationId"]
    same(page(ip, 8080, timeout=0.3), None, "an address that is with nobody")
    cloud.call("AssociateAddress", AllocationId=allocation, InstanceId=ids[0])
    wait("the first instance", lambda: page(ip, timeout=0.3) == name_of(one), SECONDS)
    same(page(one["ipAddress"], 8080, timeout=0.3), None, "the address that it had before")
    same(cloud.imds(ids[0], "/latest/meta-data/public-ipv4"), ip, "what the metadata says")
    cloud.call("AssociateAddress", AllocationId=allocation, InstanceId=ids[1])
    wait("the second instance", lambda: page(ip, timeout=0.3) == name_of(two), SECONDS)
    again = cloud.instance(ids[0])["ipAddress"]
    wait("the first by its new address", lambda: page(again, timeout=0.5) == name_of(one), SECONDS)
    same(lab.from_world(ip, 8080), name_of(two), "as the world sees it")
    cloud.stop_instance(ids[1])
    cloud.call("StartInstances", InstanceId=[ids[1]])
    cloud.wait_state(ids[1], "running")
    wait("its shell", lambda: cloud.exec(ids[1], "httpd", "-p", "8080", "-h", "/var/www")[0] == 0)
    wait("the second after a stop", lambda: page(ip, timeout=0.5) == name_of(two))
    cloud.kill9()
    cloud.up()
    same(page(ip), name_of(two), "after a restart of the daemon")
    association, = (a["associationId"] for a in cloud.call("DescribeAddresses")["addressesSet"])
    cloud.call("DisassociateAddress", AssociationId=association)
    wait("nobody", lambda: page(ip, timeout=0.3) is None, SECONDS)
    cloud.call("ReleaseAddress", AllocationId=allocation)
