"""The metadata service as it looks from inside an instance."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

from cloud import b64, check, same, wait
from lab import ami, group, test

TOKEN = "X-aws-ec2-metadata-token"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
ROOT = "/latest/meta-data/"


def with_token(token):
    return {TOKEN: token}


def walk(cloud, id, path, headers=None):
    """{path: value} of everything below a directory."""
    status, _, body = cloud.http(id, path, headers=headers)
    same(status, 200, path)
    found = {}
    for line in body.decode().splitlines():
        # public-keys/ lists 0=name; the directory is 0
        name = line.split("=")[0] + "/" if "=" in line else line
        if name.endswith("/"):
            found.update(walk(cloud, id, path + name, headers))
        else:
            status, _, value = cloud.http(id, path + name, headers=headers)
            same(status, 200, path + name)
            found[path + name] = value.decode()
    return found


# proves: IMDS-01 IMDS-03 IMDS-05 IMDS-12
@test
def the_tree_agrees_with_describe_instances(lab):
    cloud = lab.cloud
    key = cloud.call("CreateKeyPair", KeyName="walk", KeyType="ed25519")
    web = group(cloud, "walk-web", ("tcp", 80, 80))
    id, = cloud.launch("text", KeyName="walk", SecurityGroupId=[web],
                       InstanceType="t3.small", TagSpecification=[
                           {"ResourceType": "instance", "Tag": [{"Key": "Name", "Value": "w"}]}],
                       MetadataOptions={"InstanceMetadataTags": "enabled"})
    cloud.booted(id)
    listing = cloud.http(id, ROOT)[2].decode().splitlines()
    for name in ("ami-id", "hostname", "instance-id", "network/", "placement/", "public-keys/"):
        check(name in listing, f"{name} is not listed in {listing}")
    v1, token = walk(cloud, id, ROOT), cloud.token(id)
    same(walk(cloud, id, ROOT, with_token(token)), v1, "the tree by IMDSv2")
    about = cloud.instance(id)
    nic = about["networkInterfaceSet"][0]
    mac = f"network/interfaces/macs/{nic['macAddress']}/"
    want = {
        "ami-id": about["imageId"], "ami-launch-index": "0", "ami-manifest-path": "(unknown)",
        "hostname": about["privateDnsName"], "local-hostname": about["privateDnsName"],
        "instance-id": id, "instance-type": "t3.small", "mac": nic["macAddress"],
        "local-ipv4": about["privateIpAddress"], "public-ipv4": about["ipAddress"],
        "public-hostname": about["dnsName"], "security-groups": "walk-web",
        "placement/availability-zone": about["placement"]["availabilityZone"],
        "placement/availability-zone-id": about["placement"]["availabilityZoneId"],
        "placement/region": "us-east-1", "instance-life-cycle": "on-demand",
        "tags/instance/Name": "w", mac + "interface-id": nic["networkInterfaceId"],
        mac + "subnet-id": about["subnetId"], mac + "vpc-id": about["vpcId"],
        mac + "security-group-ids": web, mac + "owner-id": "000000000000",
        mac + "local-ipv4s": about["privateIpAddress"], mac + "public-ipv4s": about["ipAddress"],
        mac + "device-number": "0", "block-device-mapping/root": about["rootDeviceName"],
    }
    for path, value in want.items():
        same(v1.get(ROOT + path), value, path)
    reservation = cloud.call("DescribeInstances", InstanceId=[id])["reservationSet"][0]
    same(v1[ROOT + "reservation-id"], reservation["reservationId"], "reservation-id")
    public = v1[ROOT + "public-keys/0/openssh-key"]
    check(public.startswith("ssh-ed25519 ") and public.strip().endswith(" walk"), public)
    check("PRIVATE KEY" in key["keyMaterial"], "no private key")
    # Any process of any user reads it.
    out = cloud.sh(id, "su -s /bin/sh nobody -c 'wget -qO- http://169.254.169.254/latest/"
                   "meta-data/instance-id'")
    same(out, id, "what nobody reads")


@test
def each_instance_sees_itself_only(lab):
    cloud = lab.cloud
    one, two = cloud.launch(n=2)
    cloud.booted(one)
    cloud.booted(two)
    for id in (one, two):
        same(cloud.imds(id, ROOT + "instance-id"), id, "instance-id")
    token = cloud.token(one)
    same(cloud.http(one, ROOT, headers=with_token(token))[0], 200, "its own token")
    same(cloud.http(two, ROOT, headers=with_token(token))[0], 401, "another one's token")


@test
def tokens_are_needed_where_required_and_have_their_rules(lab):
    cloud = lab.cloud
    id, = cloud.launch("secret", MetadataOptions={"HttpTokens": "required"})
    cloud.booted(id)
    same(cloud.http(id, ROOT)[0], 401, "without a token")
    same(cloud.http(id, "/latest/user-data")[0], 401, "user data without a token")
    for ttl, status in ((1, 200), (21600, 200), (0, 400), (21601, 400), (-1, 400), ("x", 400),
                        ("", 400)):
        reply = cloud.http(id, "/latest/api/token", "PUT", {TTL: ttl})
        same(reply[0], status, f"a TTL of {ttl!r}")
        if status == 200:
            same(reply[1].get(TTL.lower()), str(ttl), "the TTL that is answered")
    same(cloud.http(id, "/latest/api/token", "PUT")[0], 400, "no TTL")
    same(cloud.http(id, "/latest/api/token", "PUT", {TTL: 60, "X-Forwarded-For": "10.0.0.9"})[0],
         403, "X-Forwarded-For")
    token = cloud.token(id, 2)
    same(cloud.http(id, ROOT, headers=with_token(token))[0], 200, "a fresh token")
    same(cloud.http(id, ROOT + "nonsense", headers=with_token(token))[0], 404, "an unknown key")
    for bad in ("", "x", token[:-2], token[:-4] + "AAA=", token + "A"):
        same(cloud.http(id, ROOT, headers=with_token(bad))[0], 401, f"the token {bad!r}")
    time.sleep(2.1)
    same(cloud.http(id, ROOT, headers=with_token(token))[0], 401, "an expired token")
    cloud.call("ModifyInstanceMetadataOptions", InstanceId=id, HttpTokens="optional")
    same(cloud.http(id, ROOT)[0], 200, "when tokens are optional")
    same(cloud.http(id, ROOT, headers=with_token(token))[0], 401, "an expired token all the same")


@test
def a_metadata_service_that_is_off_answers_403(lab):
    cloud = lab.cloud
    id, = cloud.launch("text")
    cloud.booted(id)
    cloud.call("ModifyInstanceMetadataOptions", InstanceId=id, HttpEndpoint="disabled")
    for path in ("/", ROOT, "/latest/user-data", "/latest/dynamic/instance-identity/document"):
        same(cloud.http(id, path)[0], 403, path)
    same(cloud.http(id, "/latest/api/token", "PUT", {TTL: 60})[0], 403, "a token")
    cloud.call("ModifyInstanceMetadataOptions", InstanceId=id, HttpEndpoint="enabled")
    same(cloud.http(id, ROOT)[0], 200, "when it is on again")


# proves: IMDS-06 IMDS-08 IMDS-09
@test
def what_an_instance_does_not_have_is_404(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    for path in ("ancestor-ami-ids", "elastic-gpus/associations/eg-1", "elastic-gpus/",
                 "elastic-inference/associations/eia-1", "elastic-inference/", "public-keys/",
                 "iam/", "iam/security-credentials/", "tags/instance/", "spot/instance-action",
                 "no/such/thing", "../user-data", "instance-id/x"):
        same(cloud.http(id, ROOT + path)[0], 404, path)
    for path in ("/latest/user-data", "/nonsense/meta-data/", "/latest/nonsense"):
        same(cloud.http(id, path)[0], 404, path)


@test
def the_root_device_has_its_virtual_names(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    at = ROOT + "block-device-mapping/"
    same(cloud.imds(id, at), "ami\nroot", "the listing")
    same(cloud.imds(id, at + "ami"), "xvda", "ami")
    same(cloud.imds(id, at + "root"), "/dev/xvda", "root")


# proves: IMDS-11
@test
def the_type_is_the_new_one_after_a_change(lab):
    cloud = lab.cloud
    id, = cloud.launch(InstanceType="t3.micro")
    cloud.booted(id)
    same(cloud.imds(id, ROOT + "instance-type"), "t3.micro", "at first")
    cloud.stop_instance(id)
    cloud.call("ModifyInstanceAttribute", InstanceId=id, InstanceType={"Value": "m5.large"})
    cloud.start_instance(id)
    cloud.booted(id)
    same(cloud.imds(id, ROOT + "instance-type"), "m5.large", "after the change")
    same(cloud.instance(id)["instanceType"], "m5.large", "by the API")


@test
def every_version_folder_serves_the_same(lab):
    cloud = lab.cloud
    id, = cloud.launch("text")
    cloud.booted(id)
    versions = cloud.http(id, "/")[2].decode().splitlines()
    for version in ("1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"):
        check(version in versions, f"{version} is not listed")
    for version in versions:
        same(cloud.imds(id, f"/{version}/meta-data/instance-id"), id, version)
    for version in versions[-2:]:
        same(cloud.imds(id, f"/{version}/user-data"), "text", version)
    same(cloud.http(id, "/latest/")[2].decode().splitlines(), ["dynamic", "meta-data", "user-data"],
         "/latest/")


@test
def the_identity_document_is_the_instance(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    about = cloud.instance(id)
    document = json.loads(cloud.imds(id, "/latest/dynamic/instance-identity/document"))
    for name, value in (("instanceId", id), ("imageId", about["imageId"]),
                        ("instanceType", about["instanceType"]), ("region", "us-east-1"),
                        ("accountId", "000000000000"), ("privateIp", about["privateIpAddress"]),
                        ("availabilityZone", about["placement"]["availabilityZone"]),
                        ("architecture", "x86_64"), ("version", "2017-09-30")):
        same(document[name], value, name)


# proves: IMDS-17
@test
def openssl_verifies_the_identity_document(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    at = "/latest/dynamic/instance-identity/"
    document = cloud.imds(id, at + "document").encode()
    status, pem = cloud.get("/_welkin/identity-certificate")
    same(status, 200, "the certificates")
    end = b"-----END CERTIFICATE-----\n"
    certificates = dict(zip(("signature", "pkcs7", "rsa2048"),
                            (c + end for c in pem.split(end))))
    folder = tempfile.mkdtemp(prefix="welkin-identity-")

    def openssl(*words):
        return subprocess.run(["openssl", *words], cwd=folder, capture_output=True)

    def write(name, content):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)

    try:
        for name in ("pkcs7", "rsa2048"):
            write("certificate", certificates[name])
            write("p7", b"-----BEGIN PKCS7-----\n" + cloud.imds(id, at + name).encode() +
                  b"\n-----END PKCS7-----\n")
            done = openssl("smime", "-verify", "-in", "p7", "-inform", "PEM", "-certfile",
                           "certificate", "-noverify")
            check(done.returncode == 0, f"{name}: {done.stderr!r}")
            same(done.stdout, document, f"what {name} holds")
        write("certificate", certificates["signature"])
        write("key", openssl("x509", "-pubkey", "-noout", "-in", "certificate").stdout)
        write("signature", base64.b64decode(cloud.imds(id, at + "signature")))
        write("document", document)
        done = openssl("dgst", "-sha256", "-verify", "key", "-signature", "signature", "document")
        same(done.stdout, b"Verified OK\n", "the signature")
        # and after a restart it is the same cloud
        cloud.kill9()
        cloud.up()
        same(cloud.get("/_welkin/identity-certificate"), (200, pem), "after a restart")
        same(cloud.imds(id, at + "signature").encode() != b"", True, "a signature")
    finally:
        shutil.rmtree(folder)


@test
def tags_come_and_go_with_their_option(lab):
    cloud = lab.cloud
    id, = cloud.launch(TagSpecification=[{"ResourceType": "instance",
                                          "Tag": [{"Key": "Name", "Value": "a b"}]}])
    cloud.booted(id)
    same(cloud.imds(id, ROOT + "tags/instance/Name"), None, "when off")
    cloud.call("ModifyInstanceMetadataOptions", InstanceId=id, InstanceMetadataTags="enabled")
    same(cloud.imds(id, ROOT + "tags/instance/Name"), "a b", "when on")
    cloud.call("CreateTags", ResourceId=[id], Tag=[{"Key": "Role", "Value": "db"}])
    same(cloud.imds(id, ROOT + "tags/instance/"), "Name\nRole", "a tag more")
    same(cloud.imds(id, ROOT + "tags/instance/Role"), "db", "its value")


# A container behind the instance: a network namespace one hop further in, which uses the
# instance's own address, so that its packets look like the instance's as with NAT.
NEST = """set -e
ip=$(ip -4 -o addr show eth0 | sed 's|.*inet \\([0-9.]*\\)/.*|\\1|')
gw=$(ip route | sed -n 's|^default via \\([0-9.]*\\) .*|\\1|p')
mac=$(cat /sys/class/net/eth0/address)
echo 1 >/proc/sys/net/ipv4/ip_forward
unshare -n sleep 1000 &
sleep 0.2
ip link add c0 type veth  # busybox calls the peer veth0 whatever one says
ip link set veth0 netns $!
ip link set c0 up
ip addr add 192.168.99.1/32 dev c0
ip addr del $(ip -4 -o addr show eth0 | sed 's|.*inet \\([0-9./]*\\) .*|\\1|') dev eth0
ip route add $gw dev eth0 scope link
ip route add default via $gw dev eth0
ip route add $ip/32 dev c0
echo 1 >/proc/sys/net/ipv4/conf/eth0/proxy_arp
echo 0 >/proc/sys/net/ipv4/neigh/eth0/proxy_delay
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
echo $! >/run/container
nsenter -t $! -n sh -ec "ip link set lo up; ip link set veth0 up; ip addr add $ip/32 dev veth0
    ip route add 192.168.99.1 dev veth0; ip route add default via 192.168.99.1"
"""


@test
def a_container_behind_the_instance_is_one_hop_too_far(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    same(cloud.instance(id)["metadataOptions"]["httpPutResponseHopLimit"], "1", "the default")
    status, out = cloud.exec(id, "sh", "-c", NEST.replace("sleep 1000 &", "sleep 1000 "
                                                         "</dev/null >/dev/null 2>&1 &"))
    check(status == 0, f"no container can be made: {out!r}")
    inside = ("nsenter", "-t", cloud.sh(id, "cat /run/container").strip(), "-n")
    wait("the container's network", lambda: cloud.http(id, ROOT, prefix=inside))
    same(cloud.http(id, ROOT + "instance-id", prefix=inside)[2].decode(), id, "IMDSv1 from it")
    same(cloud.http(id, "/latest/api/token", "PUT", {TTL: 60}, prefix=inside), None,
         "a token at hop limit 1")
    cloud.call("ModifyInstanceMetadataOptions", InstanceId=id, HttpPutResponseHopLimit=2)
    reply = cloud.http(id, "/latest/api/token", "PUT", {TTL: 60}, prefix=inside)
    check(reply and reply[0] == 200, f"a token at hop limit 2: {reply}")
    token = reply[2].decode()
    same(cloud.http(id, ROOT + "instance-id", headers=with_token(token), prefix=inside)[2].decode(),
         id, "IMDSv2 from it")
