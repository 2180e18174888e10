#!/usr/bin/env python3
"""kill -9 at random moments while stacks are made, changed, taken back and deleted.

Usage: tests/live/kill_stacks.py BUILD_DIR [N]      KILL_SEED=… to draw the same again

Runs BUILD_DIR/welkin with the sim host (no root needed).  Clients, each an account of its own, lead
stacks with a nested one through creations, updates, updates and creations that fail, and
deletions, while the daemon is killed N times (25), each time with an operation under way, and
started again on the same data.  Every operation must end in AWS's state for it, with just the
resources that its template names: nothing left over, nothing missing, nothing done twice.

Needs python3 only.
"""
import hashlib
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
import xml.etree.ElementTree as xml

from cloud import sign
from kill_loop import Api, Cloud, Cut, Wrong, begin, end, together

CLIENTS = 4
ROUND_S = 0.12      # the longest that a daemon lives
WAIT_S = 20         # the longest that an operation takes
PARAMETERS = 5
VERSIONS = {"cloudformation": "2010-05-15", "iam": "2010-05-08", "ec2": "2016-11-15"}


def parameter(name, value, **more):
    return {"Type": "AWS::SSM::Parameter", **more,
            "Properties": {"Name": name, "Type": "String", "Value": value}}


def child():
    """The template of the nested stack."""
    return {"Parameters": {"V": {"Type": "String"}},
            "Resources": {"A": parameter({"Fn::Sub": "/child/a${V}"}, {"Ref": "V"}),
                          "B": parameter("/child/b", {"Fn::GetAtt": "A.Value"})},
            "Outputs": {"B": {"Value": {"Fn::GetAtt": "B.Value"}}}}


def template(version, bucket, broken=False):
    """What is renamed is replaced, what has another value is changed."""
    made = {f"P{i}": parameter(f"/p{i}/{version if i % 2 else 0}",
                               {"Fn::GetAtt": f"P{i - 1}.Value"} if i else str(version))
            for i in range(PARAMETERS)}
    made["Child"] = {"Type": "AWS::CloudFormation::Stack", "Properties": {
        "TemplateURL": f"https://{bucket}.s3.us-east-1.amazonaws.com/child",
        "Parameters": {"V": str(version)}}}
    made["Last"] = parameter("/last", {"Fn::GetAtt": "Child.Outputs.B"})
    made["Net"] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    made["Sub"] = {"Type": "AWS::EC2::Subnet", "Properties": {
        "VpcId": {"Ref": "Net"}, "CidrBlock": f"10.0.{version % 200}.0/24"}}
    made["Group"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {
        "GroupDescription": "kill", "VpcId": {"Ref": "Net"}, "GroupName": "kill"}}
    made["Role"] = {"Type": "AWS::IAM::Role", "Properties": {
        "RoleName": f"role{version}", "AssumeRolePolicyDocument": {"Statement": {
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole"}}}}
    if broken:
        made["Bad"] = parameter("/taken", "x", DependsOn=sorted(made))
    return json.dumps({"Resources": made})


def resources(version):
    """What is there beside the stacks when they are at a version; None: nothing of them."""
    if version is None:
        return {"parameters": {"/taken": "0"}, "roles": [], "subnets": [], "groups": []}
    v = str(version)
    named = {f"/p{i}/{version if i % 2 else 0}": v for i in range(PARAMETERS)}
    return {"parameters": {"/taken": "0", f"/child/a{v}": v, "/child/b": v, "/last": v, **named},
            "roles": [f"role{v}"], "subnets": [f"10.0.{version % 200}.0/24"], "groups": ["kill"]}


class Operation:
    def __init__(self, kind, version, end, token):
        self.kind, self.version, self.end, self.token = kind, version, end, token
        self.answered = self.over = False


class Client:
    def __init__(self, cloud, number, seed):
        self.rng = random.Random(f"{seed}/{number}")
        self.api = Api(cloud, f"{number + 1:012d}")
        self.bucket = f"kill-{number}"
        self.version = None     # of the stack; None: there is none
        self.serial = 0
        self.id = None
        self.left_over = False  # the stack of a creation that failed
        self.op = None
        self.done = {}

    # ---- calls ----

    def query(self, service, action, **params):
        form = {"Action": action, "Version": VERSIONS[service]}
        form.update({k.replace("__", "."): v for k, v in params.items()})
        status, text = self.api.post(action, service, urllib.parse.urlencode(form).encode(),
                                     content_type="application/x-www-form-urlencoded")
        root = xml.fromstring(text)
        for e in root.iter():
            e.tag = e.tag.rsplit("}", 1)[-1]
        if status != 200:
            raise Wrong(f"{action}: HTTP {status} {text.decode()[:400]}")
        return root

    def stack(self, action, **params):
        return self.query("cloudformation", action, **params)

    def put(self, path, body):
        host = f"127.0.0.1:{self.api.cloud.port}"
        headers = sign(host, body, key=self.api.account, service="s3", method="PUT", path=path,
                       headers={"x-amz-content-sha256": hashlib.sha256(body).hexdigest()})
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("PUT", path, body, headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        if reply.status != 200:
            raise Wrong(f"PUT {path}: HTTP {reply.status} {text.decode()[:400]}")

    def prepare(self):
        self.put(f"/{self.bucket}", b"")
        self.put(f"/{self.bucket}/child", json.dumps(child()).encode())
        self.api.json("ssm", "PutParameter", Name="/taken", Type="String", Value="0")

    # ---- operations ----

    def choose(self):
        self.serial += 1
        token = f"t{self.serial}"
        if self.left_over or (self.version is not None and self.rng.random() < 0.3):
            return Operation("delete", None, "DELETE_COMPLETE", token)
        if self.version is None:
            kind = self.rng.choice(["create", "create", "create that fails"])
            return Operation(kind, self.serial, "CREATE_COMPLETE" if kind == "create"
                             else "ROLLBACK_COMPLETE", token)
        kind = self.rng.choice(["update", "update that fails"])
        return Operation(kind, self.serial, "UPDATE_COMPLETE" if kind == "update"
                         else "UPDATE_ROLLBACK_COMPLETE", token)

    def begin(self):
        """The call again, if nobody knows whether it came: its token makes it one."""
        op = self.op
        form = {"ClientRequestToken": op.token, "StackName": "kill"}
        if op.kind == "delete":
            self.stack("DeleteStack", **{**form, "StackName": self.id})
        else:
            form.update(TemplateBody=template(op.version, self.bucket, "fails" in op.kind),
                        Capabilities__member__1="CAPABILITY_NAMED_IAM")
            action = "CreateStack" if op.kind.startswith("create") else "UpdateStack"
            self.id = self.stack(action, **form).findtext(".//StackId")
        op.answered = True

    def state(self):
        return self.stack("DescribeStacks", StackName=self.id).findtext(".//StackStatus")

    def wait(self):
        limit = time.monotonic() + WAIT_S
        while self.state().endswith("_IN_PROGRESS"):
            if time.monotonic() > limit:
                raise Wrong(f"{self.op.kind}: still {self.state()}")
            time.sleep(0.003)
        self.op.over = True

    def work(self):
        try:
            while True:
                self.step()
        except Cut:
            pass

    def step(self):
        self.op = self.op or self.choose()
        if not self.op.answered:
            self.begin()
        if not self.op.over:
            self.wait()
        self.check(self.op)
        if self.op.kind in ("create", "update"):
            self.version = self.op.version
        if self.op.kind == "delete":
            self.version = None
        self.left_over = self.op.kind == "create that fails"
        self.done[self.op.kind] = self.done.get(self.op.kind, 0) + 1
        self.op = None

    # ---- what must be ----

    def check(self, op):
        if self.state() != op.end:
            raise Wrong(f"{op.kind} ended as {self.state()}:\n" + "\n".join(self.told()))
        version = op.version if op.kind in ("create", "update") else \
            self.version if op.kind == "update that fails" else None
        shown, want = self.look(), resources(version)
        if shown != want:
            raise Wrong(f"after a {op.kind} there are {shown}, not {want}:\n" +
                        "\n".join(self.told()))
        if op.kind in ("create", "delete"):
            told = self.told(op.token)
            if len(told) != len(set(told)):
                raise Wrong(f"{op.kind} told twice:\n" + "\n".join(told))
        if version is not None:
            self.check_rows()

    def told(self, token=None):
        events = self.stack("DescribeStackEvents", StackName=self.id).findall(".//member")
        return [" ".join(e.findtext(k) or "" for k in (
            "LogicalResourceId", "PhysicalResourceId", "ResourceStatus", "ResourceStatusReason"))
            for e in events if token in (None, e.findtext("ClientRequestToken"))][::-1]

    def check_rows(self):
        rows = self.stack("DescribeStackResources", StackName=self.id).findall(".//member")
        want = set(json.loads(template(0, self.bucket))["Resources"])
        have = [r.findtext("LogicalResourceId") for r in rows]
        if sorted(have) != sorted(want) or not all(
                r.findtext("ResourceStatus").endswith("_COMPLETE") for r in rows):
            raise Wrong(f"the stack's resources are {have}")

    def look(self):
        pages = {"Path": "/", "Recursive": True}
        found = {}
        while pages:
            reply = self.api.json("ssm", "GetParametersByPath", **pages)
            found.update({p["Name"]: p["Value"] for p in reply["Parameters"]})
            pages = {**pages, "NextToken": reply["NextToken"]} if reply.get("NextToken") else None
        roles = self.query("iam", "ListRoles").findall(".//RoleName")
        nets = self.query("ec2", "DescribeVpcs", Filter__1__Name="is-default",
                          Filter__1__Value__1="false").findall("vpcSet/item/vpcId")
        subnets, groups = [], []
        for net in nets:
            of = {"Filter__1__Name": "vpc-id", "Filter__1__Value__1": net.text}
            subnets += self.query("ec2", "DescribeSubnets", **of).findall("subnetSet/item/cidrBlock")
            groups += self.query("ec2", "DescribeSecurityGroups", **of).findall(
                "securityGroupInfo/item/groupName")
        return {"parameters": found, "roles": sorted(r.text for r in roles),
                "subnets": sorted(s.text for s in subnets),
                "groups": sorted(g.text for g in groups if g.text != "default")}

    def end(self):
        """What is under way goes on to its end, and all of it is deleted."""
        if self.op:
            self.step()
        if self.version is not None or self.left_over:
            self.serial += 1
            self.op = Operation("delete", None, "DELETE_COMPLETE", f"t{self.serial}")
            self.step()
        stacks = self.stack("DescribeStacks").findall(".//StackName")
        if stacks:
            raise Wrong(f"stacks are left: {[s.text for s in stacks]}")


def everyone(clients, fn, failures):
    for t in together(clients, fn, failures):
        t.join()


def one_round(cloud, clients, rng, points):
    """A kill counts when it comes into an operation."""
    failures = []
    cloud.start()
    threads = together(clients, Client.work, failures)
    time.sleep(rng.uniform(0, ROUND_S))
    under_way = [c.op.kind for c in clients if c.op and not c.op.over]
    cloud.kill()
    for t in threads:
        t.join()
    for c in clients:
        c.api.close()
    for kind in under_way:
        points[kind] = points.get(kind, 0) + 1
    return failures, bool(under_way)


def main():
    rounds, seed, folder = begin(__doc__, 25, "welkin-kill-stacks.")
    rng, cloud = random.Random(seed), Cloud(os.path.abspath(sys.argv[1]), folder)
    clients = [Client(cloud, i, seed) for i in range(CLIENTS)]
    began, kills, failures, points = time.monotonic(), 0, [], {}
    try:
        cloud.start()
        everyone(clients, Client.prepare, failures)
        cloud.end()
        while kills < rounds and not failures:
            failures, counts = one_round(cloud, clients, rng, points)
            kills += counts
        if not failures:
            cloud.start()
            everyone(clients, Client.end, failures)
    except Wrong as e:
        failures.append(str(e))
    finally:
        cloud.stop()
    done = {}
    for c in clients:
        for kind, n in c.done.items():
            done[kind] = done.get(kind, 0) + n
    end(folder, kills, failures,
        f"{kills} kills in {time.monotonic() - began:.1f} s, which came into {points}; "
        f"ended well: {done}")


if __name__ == "__main__":
    main()
