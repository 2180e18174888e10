"""A role on a real instance: its credentials inside, and what they open outside."""
import datetime
import http.server
import json
import os
import shutil
import subprocess
import threading

from cloud import check, same
from lab import Skip, test

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
READ = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "ec2:DescribeKeyPairs", "Resource": "*"}]})
ROOT = "/latest/meta-data/iam/security-credentials/"
WHOLE_ENVIRONMENT = "tr '\\0' '\\n' </proc/1/environ; env; cat /root/env"


def make_role(cloud, name):
    cloud.query("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    cloud.query("iam", "PutRolePolicy", RoleName=name, PolicyName="read", PolicyDocument=READ)
    cloud.query("iam", "CreateInstanceProfile", InstanceProfileName=name)
    cloud.query("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=name)


def credentials(cloud, id, role):
    return json.loads(cloud.imds(id, ROOT + role, cloud.token(id)))


def call_as(cloud, document, action, service="ec2", now=None):
    """(status, body) of a call with an instance's credentials."""
    return cloud.raw(action, account=document["AccessKeyId"], secret=document["SecretAccessKey"],
                     token=document["Token"], service=service, now=now)


def cloud_now(cloud):
    text = json.loads(cloud.get("/_welkin/clock")[1])["now"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


# proves: IMDS-10 IMDS-16 ROLE-04 ROLE-08 ROLE-20 ROLE-22
@test
def an_instance_gains_a_role_uses_it_for_days_and_loses_it(lab):
    cloud = lab.new_cloud("role").up()
    try:
        make_role(cloud, "s3access")
        id, = cloud.launch("#!/bin/sh\nenv >/root/env\n")
        cloud.booted(id)
        same(cloud.imds(id, ROOT), None, "before")
        made = cloud.call("AssociateIamInstanceProfile", InstanceId=id,
                          IamInstanceProfile={"Name": "s3access"})
        association = made["iamInstanceProfileAssociation"]["associationId"]
        same(cloud.imds(id, ROOT), "s3access", "the role's name")
        first = credentials(cloud, id, "s3access")
        same(list(first), ["Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey",
                           "Token", "Expiration"], "members")
        same((first["Code"], first["Type"]), ("Success", "AWS-HMAC"), "Code and Type")
        status, body = call_as(cloud, first, "GetCallerIdentity", "sts")
        check(f":assumed-role/s3access/{id}<".encode() in body, f"{status} {body!r}")
        same(call_as(cloud, first, "DescribeKeyPairs")[0], 200, "what the role may")
        same(call_as(cloud, first, "DescribeVpcs")[0], 403, "what it may not")
        # The daemon is killed: the same credentials, and they work.
        cloud.kill9()
        cloud.up()
        same(credentials(cloud, id, "s3access"), first, "after a crash")
        for _ in range(3):
            done = cloud.run("clock", "advance", "1d", "--endpoint", cloud.endpoint)
            same(done.returncode, 0, "welkin clock")
            fresh, now = credentials(cloud, id, "s3access"), cloud_now(cloud)
            same(call_as(cloud, fresh, "DescribeKeyPairs", now=now)[0], 200, "a day later")
        status, body = call_as(cloud, first, "DescribeKeyPairs", now=now)
        check(status != 200 and b"RequestExpired" in body, f"old ones: {status} {body!r}")
        # Nothing of it is anywhere but in the metadata.
        inside = cloud.sh(id, WHOLE_ENVIRONMENT)
        for word in ("AWS", "SECRET", "TOKEN", first["AccessKeyId"]):
            check(word not in inside, f"{word} is in {inside}")
        with open(cloud.log, encoding="utf-8", errors="replace") as log:
            said = log.read()
        for secret in (first["SecretAccessKey"], first["Token"], fresh["SecretAccessKey"]):
            check(secret not in said, "a secret is in the log")
        status, body = cloud.raw("DisassociateIamInstanceProfile",
                                 {"AssociationId": association}, now=now)
        same(status, 200, body)
        same(cloud.imds(id, ROOT), None, "afterwards")
        same(cloud.imds(id, "/latest/meta-data/iam/info"), None, "info afterwards")
    finally:
        cloud.close()


class Metadata(http.server.BaseHTTPRequestHandler):
    """The instance's own metadata service, for a client that runs beside it."""
    cloud = id = None

    def answer(self):
        headers = {k: v for k, v in self.headers.items() if k.lower().startswith("x-aws-")}
        status, fields, body = self.cloud.http(self.id, self.path, self.command, headers)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            if name.startswith("x-aws-"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


# proves: ROLE-12 CREDP-01
@test
def the_aws_cli_finds_the_role_by_itself(lab):
    aws = shutil.which("aws")
    if not aws:
        raise Skip("the AWS CLI is not installed")
    cloud = lab.cloud
    make_role(cloud, "cli")
    id, = cloud.launch(IamInstanceProfile={"Name": "cli"})
    cloud.booted(id)
    handler = type("Handler", (Metadata,), {"cloud": cloud, "id": id})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = os.path.join(lab.top, "cli-home")
    os.makedirs(folder, exist_ok=True)

    def who(*words, **more):
        """The Arn that the CLI's caller has."""
        env = {"PATH": os.environ["PATH"], "HOME": folder, "AWS_DEFAULT_REGION": "us-east-1",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
               **more}
        done = subprocess.run([aws, "sts", "get-caller-identity", "--endpoint-url", cloud.url,
                               "--query", "Arn", "--output", "text", *words], env=env,
                              capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, done.stderr)
        return done.stdout.strip()

    role = f"arn:aws:sts::000000000000:assumed-role/cli/{id}"
    try:
        same(who(), role, "with nothing configured")
        # Each source that stands above it wins, and it is back without.
        environment = {"AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "test"}
        same(who(**environment), "arn:aws:iam::111111111111:root", "keys in the environment")
        os.makedirs(os.path.join(folder, ".aws"))
        with open(os.path.join(folder, ".aws", "credentials"), "w", encoding="ascii") as file:
            file.write("[default]\naws_access_key_id = 222222222222\n"
                       "aws_secret_access_key = test\n"
                       "[other]\naws_access_key_id = 333333333333\n"
                       "aws_secret_access_key = test\n")
        same(who(), "arn:aws:iam::222222222222:root", "the shared credentials file")
        same(who(**environment), "arn:aws:iam::111111111111:root", "the environment again")
        same(who("--profile", "other", **environment), "arn:aws:iam::333333333333:root",
             "a profile on the command line")
        shutil.rmtree(os.path.join(folder, ".aws"))
        same(who(), role, "with nothing configured again")
    finally:
        server.shutdown()
        server.server_close()
