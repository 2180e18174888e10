"""What an unmodified program in a Debian instance finds by itself: credentials, endpoint, trust."""
import glob
import io
import json
import os
import tarfile

import lab as lab_module
from cloud import check, parse, same, wait
from lab import Skip, test
from test_image import cloud_init_done
from test_role import TRUST

ACCOUNT = "000000000000"
ALLOWED = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": ["ec2:DescribeInstances", "sts:AssumeRole"], "Resource": "*"}]})
OF_ACCOUNT = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]})
# An AWS CLI as pip installs it, in a folder of its own.
AWS = "#!/bin/sh\nPYTHONPATH=/opt/aws exec python3 -m awscli \"$@\"\n"
# What ECS's agent is to a container: credentials by HTTP.
SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open("/root/container.json", "rb").read())
http.server.HTTPServer(("127.0.0.1", 8123), Handler).serve_forever()
"""
WHO = "aws sts get-caller-identity --query Arn --output text"
INSTANCES = "aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' " \
            "--output text"
BOTO3 = """
import boto3
print(boto3.client("sts").get_caller_identity()["Arn"])
ec2 = boto3.client("ec2", region_name="us-east-1")
print(ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"])
"""


def clients(build):
    """The clients of PyPI as a tar of /opt/aws, as pip installed them."""
    why = lab_module.fetch_python_clients(build)
    if why:
        raise Skip(why)
    packages, = glob.glob(os.path.join(build, "venv", "lib", "python3*", "site-packages"))

    def wanted(info):
        return None if info.name == "aws/awscli/examples" else info

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("awscli", "boto3", "botocore", "colorama", "dateutil", "docutils", "jmespath",
                     "pyasn1", "rsa", "s3transfer", "six.py", "urllib3", "yaml"):
            tar.add(os.path.join(packages, name), "aws/" + name, filter=wanted)
    return out.getvalue()


def make_role(cloud, name, trust=TRUST):
    cloud.query("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)
    cloud.query("iam", "PutRolePolicy", RoleName=name, PolicyName="own", PolicyDocument=ALLOWED)


def make_user(cloud, name):
    """A user's keys: (id, secret)."""
    cloud.query("iam", "CreateUser", UserName=name)
    cloud.query("iam", "PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=ALLOWED)
    made = parse(cloud.query("iam", "CreateAccessKey", UserName=name).encode())
    key = made["CreateAccessKeyResult"]["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def session_of(cloud, key):
    """Temporary credentials of a user, as a container gets them."""
    status, body = cloud.raw("GetSessionToken", account=key[0], secret=key[1], service="sts")
    same(status, 200, body)
    made = parse(body)["GetSessionTokenResult"]["Credentials"]
    return {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"],
            "Token": made["SessionToken"], "Expiration": made["Expiration"]}


def put(cloud, id, path, text):
    status, out = cloud.exec(id, "sh", "-c", f'mkdir -p "$(dirname {path})" && cat >{path}',
                             input=text.encode())
    same(status, 0, out)


def keys(name, key):
    return f"[{name}]\naws_access_key_id = {key[0]}\naws_secret_access_key = {key[1]}\n"


def user(name):
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def role_is_found(cloud, id):
    """With nothing configured: by the names of AWS, over TLS."""
    role = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/{id}"
    same(cloud.sh(id, "env | grep ^AWS_ || true"), "", "the environment")
    same(cloud.sh(id, WHO).strip(), role, "the AWS CLI")
    same(cloud.sh(id, f"{INSTANCES} --region us-east-1").strip(), id, "DescribeInstances")
    same(cloud.sh(id, f"cat >/root/b.py <<'E'\n{BOTO3}E\nPYTHONPATH=/opt/aws python3 /root/b.py"),
         f"{role}\n{id}\n", "boto3")
    for command, code, text in (
            ("aws ec2 describe-vpcs", "UnauthorizedOperation",
             "when calling the DescribeVpcs operation: You are not authorized to perform this "
             f"operation. User: {role} is not authorized to perform: ec2:DescribeVpcs because no "
             "identity-based policy allows the ec2:DescribeVpcs action. Encoded authorization "
             "failure message: "),
            ("aws iam list-users", "AccessDenied",
             f"when calling the ListUsers operation: User: {role} is not authorized to perform: "
             "iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because no "
             "identity-based policy allows the iam:ListUsers action")):
        status, out = cloud.exec(id, "sh", "-c", f"{command} --region us-east-1")
        check(status and f"({code}) {text}" in out.decode(), out)
    return role


def sources_in_order(cloud, id, role):
    """Each source of credentials hides those below it; the role is below all."""
    named = {n: make_user(cloud, n) for n in ("env", "other", "shared", "config", "box")}
    make_role(cloud, "chain", OF_ACCOUNT)

    def who(before="", more=""):
        return cloud.sh(id, f"{before} {WHO} {more}").strip()

    # from below, so that each that is added hides all that were there before
    put(cloud, id, "/root/server.py", SERVER)
    put(cloud, id, "/root/container.json", json.dumps(session_of(cloud, named["box"])))
    cloud.sh(id, "python3 /root/server.py >/dev/null 2>&1 & sleep 1")
    box = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:8123/"
    same(who(box), user("box"), "the container's credentials")
    put(cloud, id, "/root/.aws/config", keys("default", named["config"]) + "region = eu-west-1\n")
    same(who(box), user("config"), "the config file")
    put(cloud, id, "/root/.aws/credentials",
        keys("default", named["shared"]) + keys("other", named["other"]))
    same(who(box), user("shared"), "the shared credentials file")
    put(cloud, id, "/root/.aws/config", keys("default", named["config"]) + "region = eu-west-1\n"
        f"role_arn = arn:aws:iam::{ACCOUNT}:role/chain\nsource_profile = other\n"
        "role_session_name = cli\n")
    same(who(box), f"arn:aws:sts::{ACCOUNT}:assumed-role/chain/cli", "an assumed role")
    env = f"{box} AWS_ACCESS_KEY_ID={named['env'][0]} AWS_SECRET_ACCESS_KEY={named['env'][1]}"
    same(who(env), user("env"), "the environment")
    same(who(env, "--profile other"), user("other"), "--profile")
    # regions likewise: the file's, the environment's, the command line's
    for before, more, region in (("", "", "eu-west-1"),
                                 ("AWS_DEFAULT_REGION=eu-west-2", "", "eu-west-2"),
                                 ("AWS_DEFAULT_REGION=eu-west-2", "--region us-east-1",
                                  "us-east-1")):
        zone = cloud.sh(id, f"{env} {before} aws ec2 describe-instances --debug {more} 2>&1 | "
                        "grep -o 'https://ec2[^/\"]*' | head -1").strip()
        same(zone, f"https://ec2.{region}.amazonaws.com", f"region: {before} {more}")
    # and all the way back
    same(who(box, "--profile other"), user("other"), "without the environment")
    cloud.sh(id, "rm -r /root/.aws")
    same(who(box), user("box"), "without files")
    same(who(), role, "the role again")


# proves: CREDP-01 ROLE-01 ROLE-04 ROLE-12 ROLE-20 ROLE-22 IAM-01 IAM-08
@test
def a_program_in_debian_finds_its_role_and_sources_above_it_in_order(lab):
    packed = clients(lab.build)
    cloud = lab.new_cloud("credentials").up()
    try:
        image = lab.debian(cloud)
        make_role(cloud, "web")
        cloud.query("iam", "CreateInstanceProfile", InstanceProfileName="web")
        cloud.query("iam", "AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="web")
        id, = cloud.launch(ImageId=image, InstanceType="t3.small",
                           IamInstanceProfile={"Name": "web"})
        cloud.wait_state(id, "running")
        cloud_init_done(cloud, id)
        status, out = cloud.exec(id, "tar", "-C", "/opt", "-xf", "-", input=packed, timeout=120)
        same(status, 0, out)
        put(cloud, id, "/usr/local/bin/aws", AWS)
        cloud.sh(id, "chmod 755 /usr/local/bin/aws")
        role = role_is_found(cloud, id)
        sources_in_order(cloud, id, role)
        # Without its profile it has nothing, at the next call; and with it again everything.
        association, = cloud.call("DescribeIamInstanceProfileAssociations")[
            "iamInstanceProfileAssociationSet"]
        cloud.call("DisassociateIamInstanceProfile", AssociationId=association["associationId"])
        status, out = cloud.exec(id, "sh", "-c", WHO)
        check(status and b"Unable to locate credentials" in out, out)
        cloud.call("AssociateIamInstanceProfile", InstanceId=id,
                   IamInstanceProfile={"Name": "web"})
        wait("the role", lambda: cloud.exec(id, "sh", "-c", WHO)[1].decode().strip() == role, 20, 1)
    finally:
        cloud.close()
