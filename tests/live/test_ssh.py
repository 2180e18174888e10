"""What an ssh client meets: users, pushed keys, a busy instance."""
import os
import socket
import subprocess

from cloud import check, same, wait
from lab import group, test
from test_image import ssh


def new_key(lab, name):
    """A key pair of the client's own: (private, public)."""
    path = os.path.join(lab.top, name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path],
                   check=True)
    with open(path, encoding="ascii") as private, open(path + ".pub", encoding="ascii") as public:
        return private.read(), public.read()


def debian_without_a_key(lab, **more):
    """A Debian instance that has no key pair and lets ssh in: (id, address)."""
    cloud = lab.cloud
    id, = cloud.launch(ImageId=lab.debian(cloud), **more)
    cloud.wait_state(id, "running")
    ip = cloud.instance(id)["ipAddress"]
    wait("sshd", lambda: banner(ip).startswith(b"SSH-2.0-OpenSSH"), 90, 0.3)
    return id, ip


def banner(ip):
    try:
        with socket.create_connection((ip, 22), 2) as s:
            return s.recv(64)
    except OSError:
        return b""


def push(cloud, id, user, public):
    reply = cloud.json("ec2-instance-connect", "SendSSHPublicKey", InstanceId=id,
                       InstanceOSUser=user, SSHPublicKey=public)
    same(reply["Success"], True, "SendSSHPublicKey")


def advance(cloud, time_span):
    done = cloud.run("clock", "advance", time_span, "--endpoint", cloud.endpoint)
    same(done.returncode, 0, "welkin clock")


# proves: SSH-02 SSH-10 SSH-11
@test
def a_pushed_key_opens_an_instance_without_a_key_pair_for_a_minute(lab):
    cloud = lab.cloud
    private, public = new_key(lab, "pushed")
    open_22 = group(cloud, "eic", ("tcp", 22, 22))
    id, ip = debian_without_a_key(lab, SecurityGroupId=[open_22], InstanceType="t3.small")
    check("keyName" not in cloud.instance(id), "it has a key pair")

    def denied(user, when):
        done = ssh(lab, ip, private, user, "id -un")
        check(done.returncode == 255 and f"{user}@{ip}: Permission denied" in done.stderr,
              f"{user} {when}: {done.returncode} {done.stderr}")

    def opens(user, when):
        done = ssh(lab, ip, private, user, "id -un")
        same((done.stdout, done.returncode), (user + "\n", 0), f"{user} {when}: {done.stderr}")

    denied("debian", "before the push")
    push(cloud, id, "debian", public)
    opens("debian", "after the push")
    # the key is that user's only, and a user that there is not has none
    denied("root", "with another's key")
    push(cloud, id, "ec2-user", public)
    denied("ec2-user", "who is not in this image")
    push(cloud, id, "debian", public)
    advance(cloud, "45s")
    opens("debian", "45 s after the push")
    advance(cloud, "16s")
    denied("debian", "61 s after the push")
    push(cloud, id, "debian", public)
    opens("debian", "after another push")


# proves: SSH-07
@test
def an_instance_that_is_too_busy_makes_ssh_time_out(lab):
    cloud = lab.cloud
    private, public = new_key(lab, "busy")
    open_22 = group(cloud, "busy", ("tcp", 22, 22))
    id, ip = debian_without_a_key(lab, SecurityGroupId=[open_22], InstanceType="t2.small")
    push(cloud, id, "debian", public)
    same(ssh(lab, ip, private, "debian", "id -un").stdout, "debian\n", "while it is idle")
    cloud.sh(id, "for i in $(seq 200); do (exec nice -n -20 sh -c 'while :; do :; done') "
             ">/dev/null 2>&1 </dev/null & echo $!; done >/run/busy")
    done = ssh(lab, ip, private, "debian", "id -un", patience=1)
    check(done.returncode == 255 and "timed out" in done.stderr, f"{done.returncode} {done.stderr}")
    cloud.sh(id, "kill -9 $(cat /run/busy)")
    push(cloud, id, "debian", public)
    same(ssh(lab, ip, private, "debian", "id -un").stdout, "debian\n", "when it is idle again")


class Elsewhere:
    """A second address of the world, from which somebody connects."""

    def __init__(self, lab, address):
        self.lab, self.address = lab, address
        lab.in_world("ip", "addr", "add", f"{address}/32", "dev", "lo")

    def banner(self, ip):
        return self.lab.in_world("python3", "-c", (
            "import socket, sys\n"
            f"s = socket.create_connection(({ip!r}, 22), 2, ({self.address!r}, 0))\n"
            "sys.stdout.write(s.recv(64).decode())"), must=False)

    def close(self):
        self.lab.in_world("ip", "addr", "del", f"{self.address}/32", "dev", "lo")


# proves: SSH-09
@test
def the_console_of_instance_connect_comes_from_its_own_range(lab):
    cloud = lab.cloud
    lists = cloud.call("DescribeManagedPrefixLists", Filter=[
        {"Name": "prefix-list-name", "Value": ["com.amazonaws.us-east-1.ec2-instance-connect"]}])
    list_id = lists["prefixListSet"][0]["prefixListId"]
    entries = cloud.call("GetManagedPrefixListEntries", PrefixListId=list_id)["entrySet"]
    same([e["cidr"] for e in entries], ["18.206.107.24/29"], "the service's range")
    closed = group(cloud, "connect")
    id, = cloud.launch("#!/bin/sh\nwhile :; do echo SSH-2.0-here | nc -l -p 22; done &\n",
                       SecurityGroupId=[closed])
    cloud.booted(id)
    ip = cloud.instance(id)["ipAddress"]
    service, other = Elsewhere(lab, "18.206.107.26"), Elsewhere(lab, "18.206.107.33")
    try:
        same(service.banner(ip), "", "the service, while nothing is allowed")
        cloud.call("AuthorizeSecurityGroupIngress", GroupId=closed, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
             "PrefixListIds": [{"PrefixListId": list_id}]}])
        wait("the service's way in", lambda: service.banner(ip) == "SSH-2.0-here\n", 10)
        same(other.banner(ip), "", "an address behind the range")
        cloud.call("RevokeSecurityGroupIngress", GroupId=closed, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
             "PrefixListIds": [{"PrefixListId": list_id}]}])
        wait("the way to close", lambda: service.banner(ip) == "", 10)
    finally:
        service.close()
        other.close()
