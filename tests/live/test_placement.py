"""Networks of instances that belong together, types that change, roots that are wiped."""
import os
import re
import subprocess
import sys
import time

from cloud import check, same, wait
from lab import WORLD, ami, group, test

# An echo request of 8,000 bytes that nobody may fragment, from within an instance's network.
PING = r"""
import os, socket, struct, sys, time
to, df, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.IPPROTO_IP, 10, 2 if df else 0)  # IP_MTU_DISCOVER
s.settimeout(1)
for seq in range(1, 4):
    packet = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, seq) + b"x" * n
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    packet = packet[:2] + struct.pack("!H", ~total & 0xffff) + packet[4:]
    try:
        s.sendto(packet, (to, 0))
        end = time.monotonic() + 1
        while time.monotonic() < end:
            reply = s.recv(65535)[20:]
            if reply[0] == 0 and reply[8:] == b"x" * n:
                print("answered")
                sys.exit()
            if reply[0] == 3 and reply[1] == 4:
                print("too large for", struct.unpack("!H", reply[6:8])[0])
                sys.exit()
    except (socket.timeout, TimeoutError):
        pass
    except OSError as why:
        print("too large" if why.errno == 90 else why)
        sys.exit()
print("nothing")
"""


def pid_of(cloud, id):
    """Process 1 of the instance, on the host."""
    for pid in cloud.sandboxes():
        with open(f"/proc/{pid}/cgroup") as f:
            if id in f.read():
                return str(pid)
    check(False, f"{id} does not run")


def ping(cloud, id, to, size, df=True):
    done = subprocess.run(["nsenter", "-t", pid_of(cloud, id), "-n", sys.executable, "-c", PING,
                           to, str(int(df)), str(size)], capture_output=True, text=True, timeout=20)
    check(done.returncode == 0, done.stderr)
    return done.stdout.strip()


def set_mtu(lab, mtu):
    """Of the way between the host and the world."""
    subprocess.run(["ip", "link", "set", "w0", "mtu", str(mtu)], check=True)
    lab.in_world("ip", "link", "set", "w1", "mtu", str(mtu))


BIG_PAGE = """#!/bin/sh
mkdir -p /var/www
dd if=/dev/zero of=/var/www/index.html bs=1M count=8 2>/dev/null
httpd -p 8080 -h /var/www
"""


# proves: PG-15
@test
def jumbo_frames_pass_within_a_vpc_and_not_through_its_gateway(lab):
    cloud = lab.cloud
    rules = group(cloud, "jumbo", ("icmp", -1, -1), ("tcp", 8080, 8080))
    one, two = cloud.launch(BIG_PAGE, 2, SecurityGroupId=[rules])
    cloud.booted(one)
    cloud.booted(two)
    same(cloud.sh(one, "cat /sys/class/net/eth0/mtu").strip(), "9001", "the MTU of eth0")
    set_mtu(lab, 9001)  # it is not the world that is narrow
    try:
        same(ping(cloud, one, cloud.instance(two)["privateIpAddress"], 8000), "answered",
             "8,000 bytes within the VPC")
        same(ping(cloud, one, WORLD, 1400), "answered", "1,400 bytes to the world")
        same(ping(cloud, one, WORLD, 8000), "too large for 1500", "8,000 bytes to the world")
        same(ping(cloud, one, WORLD, 8000, df=False), "answered", "8,000 bytes, in fragments")
    finally:
        set_mtu(lab, 1500)
    # What two of them send through the gateway finds out how large it may be.
    about = cloud.instance(two)
    for address in "privateIpAddress", "ipAddress":
        got = cloud.sh(one, f"timeout 20 wget -qO- http://{about[address]}:8080/ | wc -c")
        same(int(got), 8 << 20, f"bytes by its {address}")
    cloud.terminate(one, two)


SINK = "#!/bin/sh\nwhile :; do nc -l -p 5001 >/dev/null; done &\n"


def seconds_to_send(cloud, id, to, mib):
    begin = time.monotonic()
    cloud.sh(id, f"dd if=/dev/zero bs=1M count={mib} 2>/dev/null | nc {to} 5001", 60)
    return time.monotonic() - begin


def shapers(pid):
    """What could hold packets back in a network namespace: queues that are no plain ones, limits."""
    inside = ["nsenter", "-t", str(pid), "-n"]
    queues = subprocess.run([*inside, "tc", "qdisc", "show"], capture_output=True, text=True).stdout
    rules = subprocess.run([*inside, "nft", "list", "ruleset"], capture_output=True, text=True)
    return set(re.findall(r"^qdisc (\S+)", queues, re.M)) - {"noqueue"}, \
        re.findall(r"^.*limit rate.*$", rules.stdout, re.M)


def limited(cloud, name):
    """What the firewalls of all networks have in that map."""
    found, router = [], f"{cloud.data}/run/netns"
    for vpc in os.listdir(router) if os.path.isdir(router) else ():
        done = subprocess.run(["nsenter", f"--net={router}/{vpc}", "nft", "list", "map", "ip",
                               "welkin", name], capture_output=True, text=True)
        check(done.returncode == 0, done.stderr)
        found += re.findall(r' : ("?\w+"?)', "".join(
            re.findall(r"elements = {(.*?)}", done.stdout, re.S)))
    return sorted(found)


# proves: PG-05 PG-06 PG-14
@test
def nothing_shapes_the_traffic_of_a_cluster_but_its_limits(lab):
    cloud = lab.cloud
    before = set(limited(cloud, "speed_out"))  # of machines that may be on their way out
    rules = group(cloud, "cluster-net", ("tcp", 5001, 5001))
    cloud.call("CreatePlacementGroup", GroupName="fast", Strategy="cluster")
    types = cloud.call("DescribeInstanceTypes", InstanceType=["c5.large", "c5.18xlarge"])
    told = {t["instanceType"]: t["networkInfo"] for t in types["instanceTypeSet"]}
    same([(told[t]["networkPerformance"], told[t]["enaSupport"])
          for t in ("c5.large", "c5.18xlarge")],
         [("Up to 10 Gigabit", "required"), ("25 Gigabit", "required")], "what the types have")
    cloud.refused("InvalidParameterCombination", "RunInstances", ImageId=ami(cloud, "welkin-tiny"),
                  MinCount=1, MaxCount=1, InstanceType="t2.micro", Placement={"GroupName": "fast"})
    ids = cloud.launch(SINK, 2, InstanceType="c5.large", SecurityGroupId=[rules],
                       Placement={"GroupName": "fast"})
    try:
        for id in ids:
            cloud.booted(id)
            same(shapers(pid_of(cloud, id)), (set(), []), "what shapes in the guest")
        router = f"{cloud.data}/run/netns"
        for name in subprocess.run(["ls", router], capture_output=True, text=True).stdout.split():
            queues = subprocess.run(["nsenter", f"--net={router}/{name}", "tc", "qdisc", "show"],
                                    capture_output=True, text=True).stdout
            check("tbf" not in queues and "htb" not in queues, queues)
        same(len(limited(cloud, "cluster_of")), 2, "interfaces whose flows have 10 Gbit/s")
        same(len(set(limited(cloud, "speed_out")) - before), 2, "limits of two machines")
        to = cloud.instance(ids[1])["privateIpAddress"]
        # A gigabit and more: on a machine with much else to do some try gets it.
        wait("256 MiB in two seconds", lambda: seconds_to_send(cloud, ids[0], to, 256) < 2, 90)
    finally:
        cloud.terminate(*ids)
        for id in ids:
            cloud.wait_state(id, "terminated")
        same(set(limited(cloud, "speed_out")) - before, set(), "limits of machines that are gone")
        cloud.call("DeletePlacementGroup", GroupName="fast")


# proves: ITYPE-01
@test
def a_type_is_changed_while_the_instance_is_stopped(lab):
    cloud = lab.cloud
    id, = cloud.launch("#!/bin/sh\n", InstanceType="t2.nano")
    cloud.booted(id)
    change = {"InstanceId": id, "InstanceType": {"Value": "c5.4xlarge"}}
    cloud.refused("IncorrectInstanceState", "ModifyInstanceAttribute", **change)
    seen = hardware(cloud, id)
    same(seen[:2], ("t2.nano", 1), "the type in the metadata, and its processors")
    cloud.stop_instance(id)
    cloud.call("ModifyInstanceAttribute", **change)
    same(cloud.instance(id)["instanceType"], "c5.4xlarge", "the type")
    cloud.start_instance(id)
    cloud.booted(id)
    after = hardware(cloud, id)
    same(after[0], "c5.4xlarge", "the type in the metadata")
    same(after[1], min(16, os.cpu_count()), "its processors")
    same((seen[2], after[2]), (512 << 20, 32 << 30), "the memory that the guest may have")
    cloud.terminate(id)


def hardware(cloud, id):
    """(instance-type of the metadata, processors, bytes of memory)"""
    pid = pid_of(cloud, id)
    limit = None
    with open(f"/proc/{pid}/cgroup") as f:
        for line in f:
            number, controllers, path = line.strip().split(":", 2)
            if controllers == "memory" or number == "0":
                for name in (f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes",
                             f"/sys/fs/cgroup{path}/memory.max"):
                    try:
                        with open(name) as g:
                            limit = limit or int(g.read())
                    except (OSError, ValueError):
                        pass
    return cloud.imds(id, "/latest/meta-data/instance-type"), int(cloud.sh(id, "nproc")), limit


# proves: UD-10
@test
def a_script_that_wipes_the_root_volume_fails_the_instance_check(lab):
    cloud = lab.new_cloud("wiped").up()
    try:
        wipe = "#!/bin/sh\ncd /\nrm -rf $(ls | grep -vxE 'proc|sys|dev')\n"
        id, = cloud.launch(wipe)
        cloud.wait_state(id, "running")
        root = f"/proc/{pid_of(cloud, id)}/root"
        wait("the root to be empty", lambda: not os.path.lexists(f"{root}/usr"))

        def checked():
            done = cloud.run("clock", "advance", "61s", "--endpoint", cloud.endpoint)
            same(done.returncode, 0, "welkin clock")
            time.sleep(1.7)
            return cloud.status(id) == ("ok", "impaired")
        wait("the check to fail", checked, 15)
        same(cloud.state(id), "running", "its state")
        # One that ends itself is stopped, or terminated where that was asked for.
        for behaviour, end in ("stop", "stopped"), ("terminate", "terminated"):
            id, = cloud.launch("#!/bin/sh\npoweroff\n", InstanceInitiatedShutdownBehavior=behaviour)
            cloud.wait_state(id, end)
    finally:
        cloud.close()
