"""Hibernation: the very same processes go on; and encrypted disks, which it needs."""
import glob
import os
import subprocess
import time

from cloud import check, page, same, wait
from lab import group, test

DEVICE = "/dev/xvda"
ENCRYPTED = [{"DeviceName": DEVICE, "Ebs": {"Encrypted": True}}]
# A counter that is nowhere but in memory, a shell variable, told on port 8080 by the same process.
COUNTER = """#!/bin/sh
echo run >>/root/user-data-runs
mkdir -p /run/counter
cat >/root/counter.sh <<'END'
n=0
while :; do
    n=$((n + 1))
    echo $n $$ >/run/counter/new && mv /run/counter/new /run/counter/index.html
    sleep 0.05
done
END
sh /root/counter.sh >/dev/null 2>&1 &
httpd -p 8080 -h /run/counter
"""


def hibernating(cloud, **params):
    id, = cloud.launch(COUNTER, HibernationOptions={"Configured": True},
                       BlockDeviceMapping=ENCRYPTED, **params)
    cloud.booted(id)
    wait("the counter", lambda: cloud.exec(id, "test", "-e", "/run/counter/index.html")[0] == 0)
    return id


def counter(cloud, id):
    n, pid = cloud.sh(id, "cat /run/counter/index.html").split()
    return int(n), pid


def uptime(cloud, id):
    return float(cloud.sh(id, "cat /proc/uptime").split()[0])


def processes(cloud, id):
    """Pid and start time of every process that lives on; `exec` itself is not among them."""
    # One of the counter's may end between the list and its reading, for which cat answers 1.
    _, out = cloud.exec(id, "sh", "-c", "exec cat /proc/[0-9]*/stat 2>/dev/null")
    out = out.decode()
    rows = [line.rsplit(")", 1) for line in out.splitlines()]
    alive = {(head.split(" ", 1)[0], rest.split()[19], head.split("(")[1]) for head, rest in rows}
    return {(pid, began) for pid, began, name in alive if pid == "1" or name in ("httpd", "sh")}


def ready(cloud):
    """The two minutes that AWS waits for its agent."""
    done = cloud.run("clock", "advance", "2m", "--endpoint", cloud.endpoint)
    check(done.returncode == 0, done.stderr.decode())


def hibernate(cloud, id):
    cloud.call("StopInstances", InstanceId=[id], Hibernate=True)
    cloud.wait_state(id, "stopped")


# proves: HIB-01 HIB-02
@test
def a_hibernated_instance_goes_on_with_the_same_processes(lab):
    cloud = lab.new_cloud("hibernate").up()
    try:
        rules = group(cloud, "web", ("tcp", 8080, 8080))
        id = hibernating(cloud, SecurityGroupId=[rules])
        before = cloud.instance(id)
        wait("its page", lambda: lab.from_world(before["ipAddress"], 8080))
        refused = cloud.refused("UnsupportedOperation", "StopInstances", InstanceId=[id],
                                Hibernate=True)
        check("not ready to hibernate" in refused, refused)
        ready(cloud)
        n, pid = counter(cloud, id)
        alive, up = processes(cloud, id), uptime(cloud, id)
        check(len(alive) >= 3, f"processes: {alive}")

        hibernate(cloud, id)
        stopped = cloud.instance(id)
        same(stopped["stateReason"]["code"], "Client.UserInitiatedHibernate", "the reason")
        same(stopped["stateReason"]["message"],
             "Client.UserInitiatedHibernate: User initiated hibernate", "the reason")
        same(lab.from_world(before["ipAddress"], 8080), None, "the page of a hibernated instance")
        same(page(before["privateIpAddress"], 8080), None, "the page at its private address")
        status, out = cloud.exec(id, "true")
        check(status != 0, f"exec in a hibernated instance: {out!r}")
        # Nothing of it runs: not one tick of its processor time passes.
        used = cpu(cloud, id)
        time.sleep(0.5)
        same(cpu(cloud, id), used, "the processor time of a hibernated instance")

        # The daemon and its helper die and come back: it is still there, and still frozen.
        cloud.kill9_both()
        cloud.up()
        same(cloud.state(id), "stopped", "after kill -9 of both")
        same(cpu(cloud, id), used, "the processor time after kill -9 of both")

        # Somebody else has its public address meanwhile.
        cloud.launch()
        cloud.start_instance(id)
        after = cloud.instance(id)
        same(after["privateIpAddress"], before["privateIpAddress"], "the private address")
        check(after["ipAddress"] != before["ipAddress"], "the public address is the same")
        m, same_pid = counter(cloud, id)
        same(same_pid, pid, "the counter's process")
        check(n <= m < n + 200, f"the counter was {n} and is {m}")
        check(alive <= processes(cloud, id), f"{alive} became {processes(cloud, id)}")
        check(uptime(cloud, id) > up, "the uptime began anew")
        same(cloud.sh(id, "cat /root/user-data-runs").split(), ["run"], "runs of the user data")
        wait("the counter to go on", lambda: counter(cloud, id)[0] > m)
        wait("its page at the new address", lambda: lab.from_world(after["ipAddress"], 8080))
        same(metadata(cloud, id, "public-ipv4"), after["ipAddress"], "public-ipv4 inside")
        same(metadata(cloud, id, "hibernation/configured"), "true", "hibernation/configured")
        same(cloud.status(id)[0], "ok", "the system status")
        # It stops and boots as others do.
        cloud.stop_instance(id)
        cloud.start_instance(id)
        cloud.booted(id)
        check(uptime(cloud, id) >= 0 and cloud.exec(id, "test", "-e", "/run/counter")[0] != 0,
              "an ordinary stop kept the memory")
    finally:
        cloud.close()


def metadata(cloud, id, path):
    return cloud.sh(id, f"wget -q -O - http://169.254.169.254/latest/meta-data/{path}")


def cpu(cloud, id):
    """Processor time of all of the instance's processes."""
    total = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup") as f:
                if id not in f.read():
                    continue
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total[pid] = int(fields[11]) + int(fields[12])
    check(total, f"{id} has no processes")
    return total


@test
def a_hibernated_instance_does_not_survive_the_host(lab):
    cloud = lab.new_cloud("hibernate-lost").up()
    try:
        id = hibernating(cloud)
        ready(cloud)
        hibernate(cloud, id)
        # Its processes die while nobody looks: the memory is gone, and the instance says so.
        victims = list(cpu(cloud, id))
        cloud.kill9_both(keeper=True)
        for pid in victims:
            try:
                os.kill(int(pid), 9)
            except ProcessLookupError:
                pass
        thaw(id)
        cloud.up()
        wait("the reason", lambda: "memory of the hibernated instance is lost" in
             cloud.instance(id)["stateReason"]["message"])
        cloud.start_instance(id)
        cloud.booted(id)
        same(cloud.sh(id, "cat /root/user-data-runs").split(), ["run"], "runs of the user data")
        check(cloud.exec(id, "test", "-e", "/run/counter")[0] != 0, "the memory is still there")
    finally:
        cloud.close()


def thaw(id):
    """Lets what was killed while it was frozen die, as a reboot does."""
    for path in glob.glob(f"/sys/fs/cgroup/**/welkin-*/{id}/freezer.state", recursive=True):
        with open(path, "w") as f:
            f.write("THAWED")
    for path in glob.glob(f"/sys/fs/cgroup/**/welkin-*/{id}/cgroup.freeze", recursive=True):
        with open(path, "w") as f:
            f.write("0")
    wait("the dead to go", lambda: not any(
        id in open(f"/proc/{p}/cgroup").read() for p in filter(str.isdigit, os.listdir("/proc"))
        if os.path.exists(f"/proc/{p}/cgroup")))


@test
def an_encrypted_disk_is_ciphertext_on_the_host(lab):
    cloud = lab.new_cloud("encrypted").up()
    try:
        secret = "xyzzy-plugh-" + os.urandom(8).hex()
        name = "name-" + os.urandom(8).hex()
        key = cloud.json("kms", "CreateKey")["KeyMetadata"]
        devices = [{"DeviceName": DEVICE, "Ebs": {"Encrypted": True, "KmsKeyId": key["KeyId"],
                                                  "VolumeSize": 9}}]
        script = f"#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo {secret}; done >/root/{name}\n"
        id, = cloud.launch(script, BlockDeviceMapping=devices)
        plain, = cloud.launch(script)
        for i in (id, plain):
            cloud.booted(i)
            cloud.sh(i, "sync")
        # As large as the volume, which an ordinary disk is not.
        blocks = cloud.sh(id, "df -k / | tail -1").split()[1]
        check(8 << 20 < int(blocks) <= 9 << 20, f"{blocks} KiB, not 9 GiB")
        # Reboots, stops and starts of it.
        cloud.reboot_instance(id)
        cloud.stop_instance(id)
        cloud.stop_instance(plain)
        for text in (secret, name):
            check(found(cloud, plain, text), f"{text} is not on the plain disk: a blind test")
            check(not found(cloud, id, text), f"{text} is on the encrypted disk")
        check(not os.path.exists(os.path.join(cloud.data, "machines", id, "upper")),
              "the folder of an ordinary disk")
        # No loop device or mount is left of a stopped one.
        loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True).stdout
        check(id not in loops, loops)
        cloud.json("kms", "DisableKey", KeyId=key["KeyId"])
        cloud.call("StartInstances", InstanceId=[id])
        cloud.wait_state(id, "stopped")
        same(cloud.instance(id)["stateReason"]["message"],
             "Client.InternalError: Client error on launch", "without its key")
        cloud.json("kms", "EnableKey", KeyId=key["KeyId"])
        cloud.start_instance(id)
        cloud.booted(id)
        same(cloud.sh(id, f"head -1 /root/{name}").strip(), secret, "what was written")
        cloud.terminate(id)
        cloud.wait_state(id, "terminated")
        wait("its disk to go", lambda: id not in os.listdir(os.path.join(cloud.data, "machines")))
    finally:
        cloud.close()


def found(cloud, id, text):
    """Whether the text is in, or names, any file of the machine's folder on the host."""
    for folder, folders, files in os.walk(os.path.join(cloud.data, "machines", id)):
        if any(text in name for name in folders + files):
            return True
        if any(text.encode() in piece for name in files
               for piece in pieces(os.path.join(folder, name))):
            return True
    return False


def pieces(path):
    """What is in a file, hole by hole."""
    if not os.path.isfile(path) or os.path.islink(path):
        return
    with open(path, "rb") as f:
        at, size = 0, os.fstat(f.fileno()).st_size
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            yield os.pread(f.fileno(), end - at, at)
            at = end


# proves: HIB-01
@test
def systemd_hibernates_on_an_encrypted_disk(lab):
    cloud = lab.new_cloud("hibernate-debian").up()
    try:
        image = lab.debian(cloud)
        id, = cloud.launch("#!/bin/sh\necho run >>/root/runs\n", ImageId=image,
                           HibernationOptions={"Configured": True}, BlockDeviceMapping=ENCRYPTED)
        cloud.booted(id, 90)
        ready(cloud)
        # systemd keeps when it began, and each unit the id of its start.
        asks = "systemctl show -p UserspaceTimestampMonotonic; " \
               "systemctl show -p InvocationID,MainPID systemd-journald ssh"
        before = cloud.sh(id, asks)
        hibernate(cloud, id)
        cloud.kill9()
        cloud.up()
        cloud.start_instance(id)
        same(cloud.sh(id, asks), before, "systemd and its services")
        same(cloud.sh(id, "cat /root/runs").split(), ["run"], "runs of the user data")
        cloud.sh(id, f"getent hosts {socket_name(cloud, id)}")
    finally:
        cloud.close()


def socket_name(cloud, id):
    """A name that only the VPC's resolver knows."""
    return cloud.instance(id)["privateDnsName"]
