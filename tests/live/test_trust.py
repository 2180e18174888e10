"""Names and trust inside instances: AWS's endpoints lead to the daemon, over TLS that is trusted."""
import os
import subprocess

from cloud import check, same, sign, wait
from lab import Skip, test
from test_image import cloud_init_done

EC2 = "ec2.eu-west-1.amazonaws.com"
STS = "sts.us-east-1.amazonaws.com"
CALLER = "Action=GetCallerIdentity&Version=2011-06-15"


def certificate(cloud):
    with open(os.path.join(cloud.data, "ca.pem")) as f:
        return f.read()


def refused(cloud, id, host=STS):
    """What an unsigned call of an endpoint inside the instance is told."""
    reply = cloud.http(id, "/?" + CALLER, address=host)
    check(reply and reply[0] in (400, 403), f"{host}: {reply}")
    return reply[2].decode()


@test
def a_tiny_instance_reaches_the_api_by_the_names_of_aws(lab):
    cloud = lab.cloud
    id, = cloud.launch("#!/bin/sh\nenv >/root/env\n")
    cloud.booted(id)
    same(cloud.sh(id, f"wget -qO- http://{STS}/_welkin/ca.pem"), certificate(cloud), "ca.pem")
    for host in (STS, "sts.amazonaws.com", "sts.us-east-1.api.aws"):
        check("MissingAuthenticationToken" in refused(cloud, id, host), host)
    check("MissingParameter" in refused(cloud, id, "ec2.eu-west-1.amazonaws.com"), "ec2's refusal")
    # Neither credentials nor an endpoint; and no trust store that a variable could name.
    check("AWS_" not in cloud.sh(id, "cat /root/env"), "the environment of user data")
    # The admin API is not for guests,
    same(cloud.http(id, "/_welkin/status", address=STS)[0], 403, "the admin API")
    # and keys that everybody knows make nobody the owner of the cloud.
    headers = sign(STS, b"", method="GET", query=CALLER, service="sts")
    headers.pop("host")
    reply = cloud.http(id, "/?" + CALLER, address=STS, headers=headers)
    check(reply[0] == 403 and b"InvalidClientTokenId" in reply[2], f"test/test inside: {reply}")


# proves: REG-04
@test
def endpoints_inside_outlive_the_daemon_and_the_privileged_process(lab):
    cloud = lab.new_cloud("trust").up("--allow-test-keys")
    try:
        id, = cloud.launch()
        cloud.booted(id)
        before = certificate(cloud)
        headers = sign(STS, b"", method="GET", query=CALLER, service="sts")
        headers.pop("host")
        reply = cloud.http(id, "/?" + CALLER, address=STS, headers=headers)
        check(reply[0] == 200 and b"000000000000" in reply[2], f"--allow-test-keys: {reply}")
        zones = "Action=DescribeAvailabilityZones&Version=2016-11-15"
        headers = sign(EC2, b"", method="GET", query=zones, service="ec2", region="eu-west-1")
        headers.pop("host")
        reply = cloud.http(id, "/?" + zones, address=EC2, headers=headers)
        check(reply[0] == 200 and b"eu-west-1a" in reply[2], f"the region of the scope: {reply}")
        cloud.kill9()
        cloud.up()
        check("MissingAuthenticationToken" in refused(cloud, id), "after the daemon")
        cloud.kill9_both()
        cloud.up()
        check("MissingAuthenticationToken" in refused(cloud, id), "after both")
        same(certificate(cloud), before, "the authority")
    finally:
        cloud.close()


@test
def the_host_trusts_what_is_installed(lab):
    """In a mount namespace: the machine's own trust store stays as it is."""
    if not os.path.isdir("/usr/local/share/ca-certificates"):
        raise Skip("this machine's trust store is not Debian's")
    cloud = lab.cloud
    copy, extra = os.path.join(lab.top, "ssl"), os.path.join(lab.top, "extra")
    os.makedirs(extra)
    script = f"""set -e
cp -a /etc/ssl {copy}
mount --bind {copy} /etc/ssl
mount --bind {extra} /usr/local/share/ca-certificates
url=https://localhost:{cloud.port}/_welkin/health
curl -sS $url && exit 3
{cloud.binary} trust --install --data {cloud.data}
curl -sS $url
openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=Evil -out {extra}/ca.pem
{cloud.binary} trust --install --data {extra} && exit 4
exit 0
"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
    check(done.returncode == 0 and '"ready"' in done.stdout, f"{done.returncode}: {done.stdout}"
          f"{done.stderr}")
    check("is not the certificate of a Welkin" in done.stderr, done.stderr)
    check(os.path.exists(os.path.join(extra, "welkin.crt")), "the certificate")


@test
def a_debian_instance_trusts_what_answers_for_aws(lab):
    cloud = lab.cloud
    image = lab.debian(cloud)
    id, = cloud.launch("#!/bin/sh\nenv >/root/env\n", ImageId=image, InstanceType="t3.small")
    cloud.wait_state(id, "running")
    cloud_init_done(cloud, id)
    for host in (STS, "my-bucket.s3.dualstack.eu-west-1.amazonaws.com", "ec2.us-east-1.api.aws"):
        out = cloud.sh(id, f"curl -sS -w '%{{http_code}} %{{ssl_verify_result}}' https://{host}/")
        check(out.endswith(" 0"), f"curl https://{host}/: {out}")
    # By the directory of hashed names alone, as programs with OpenSSL may do,
    cloud.sh(id, f"openssl s_client -no-CAfile -CApath /etc/ssl/certs -verify_return_error "
             f"-servername {STS} -connect {STS}:443 </dev/null >/dev/null 2>&1")
    # by Python, and not under another name.
    cloud.sh(id, "python3 -c 'import urllib.request as u; "
             f"print(u.urlopen(\"https://{STS}/_welkin/ca.pem\").status)'")
    status, out = cloud.exec(id, "curl", "-sS", "--connect-to", f"::{STS}:443",
                             "https://www.example.com/")
    same(status, 60, f"another name: {out}")
    bundle = "AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt"
    check(bundle in cloud.sh(id, "cat /root/env"), "the environment of user data")
    check(bundle in cloud.sh(id, "bash -lc env"), "the environment of a login shell")
    same(cloud.sh(id, "grep -c '^AWS_' /etc/environment").strip(), "1", "/etc/environment")
    check("AWS_ACCESS" not in cloud.sh(id, "cat /root/env"), "credentials in the environment")
    # It stays when the tools make the bundle anew,
    cloud.sh(id, "update-ca-certificates --fresh >/dev/null 2>&1")
    cloud.sh(id, f"curl -sS https://{STS}/ -o /dev/null")
    # and stays away when the owner of the instance does not want it.
    cloud.sh(id, "rm /usr/local/share/ca-certificates/welkin.crt && "
             "update-ca-certificates --fresh >/dev/null 2>&1")
    status, _ = cloud.exec(id, "curl", "-sS", f"https://{STS}/")
    same(status, 60, "without the certificate")
    cloud.stop_instance(id)
    cloud.start_instance(id)
    wait("the network", lambda: cloud.exec(id, "curl", "-sSk", f"https://{STS}/")[0] == 0, 30)
    status, _ = cloud.exec(id, "curl", "-sS", f"https://{STS}/")
    same(status, 60, "after a stop and a start")
