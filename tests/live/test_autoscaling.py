"""Groups of real instances."""
import hashlib
import http.client
import json
import re

from cloud import b64, check, page, same, sign, wait
from lab import group, test
from test_credentials import AWS, clients, put
from test_image import cloud_init_done
from test_role import TRUST

WEB = "#!/bin/sh\nmkdir -p /var/www\nhostname >/var/www/index.html\nhttpd -p 8080 -h /var/www\n"


def s3(cloud, method, path, body=b"", answer=False):
    """The status of a call of S3, or what it answered."""
    host = f"127.0.0.1:{cloud.port}"
    headers = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request(method, path, body, sign(host, body, service="s3", method=method, path=path,
                                                headers=headers))
    response = connection.getresponse()
    return response.read() if answer else response.status


def ask(cloud, action, **params):
    return cloud.query("autoscaling", action, **params)


def in_service(cloud, name):
    """The ids of a group's instances that are in service."""
    reply = ask(cloud, "DescribeAutoScalingGroups", **{"AutoScalingGroupNames.member.1": name})
    return [m[0] for m in re.findall(
        r"<InstanceId>(i-\w+)</InstanceId>(?:(?!</member>).)*<LifecycleState>(\w+)", reply)
        if m[1] == "InService"]


def make(cloud, name, n, sg):
    ask(cloud, "CreateLaunchConfiguration", LaunchConfigurationName=name,
        ImageId="ami-009d6802948d06e52", InstanceType="t3.micro",
        UserData=b64(WEB), **{"SecurityGroups.member.1": sg})
    ask(cloud, "CreateAutoScalingGroup", AutoScalingGroupName=name, LaunchConfigurationName=name,
        MinSize=n, MaxSize=n, **{"AvailabilityZones.member.1": "us-east-1a",
                                 "AvailabilityZones.member.2": "us-east-1b"})
    wait(f"{n} in service", lambda: len(in_service(cloud, name)) == n)


def serves(cloud, id):
    ip = cloud.instance(id)["ipAddress"]
    wait(f"the page of {id}", lambda: page(ip))


def forget(cloud, name):
    ask(cloud, "DeleteAutoScalingGroup", AutoScalingGroupName=name, ForceDelete="true")
    wait("the group's end", lambda: "<MinSize>" not in ask(
        cloud, "DescribeAutoScalingGroups", **{"AutoScalingGroupNames.member.1": name}))
    ask(cloud, "DeleteLaunchConfiguration", LaunchConfigurationName=name)


# proves: ASG-02
@test
def an_instance_that_ends_inside_is_replaced_by_its_group(lab):
    cloud = lab.cloud
    make(cloud, "web", 2, group(cloud, "asg-web", ("tcp", 8080, 8080, "0.0.0.0/0")))
    first, second = in_service(cloud, "web")
    serves(cloud, first)
    serves(cloud, second)
    same(cloud.imds(first, "/latest/meta-data/placement/availability-zone")[:9], "us-east-1", "its zone")
    cloud.booted(first)
    cloud.exec(first, "poweroff")
    wait("its successor", lambda: len(in_service(cloud, "web")) == 2
         and first not in in_service(cloud, "web"))
    check(second in in_service(cloud, "web"), "the other one stays")
    third, = (i for i in in_service(cloud, "web") if i != second)
    serves(cloud, third)
    forget(cloud, "web")
    same(cloud.state(third), "terminated", "after the group")


# proves: STAT-16
@test
def a_group_of_one_replaces_its_instance_and_keeps_no_address(lab):
    cloud = lab.cloud
    make(cloud, "one", 1, group(cloud, "asg-one", ("tcp", 8080, 8080, "0.0.0.0/0")))
    old, = in_service(cloud, "one")
    address = cloud.call("AllocateAddress")
    cloud.call("AssociateAddress", AllocationId=address["allocationId"], InstanceId=old)
    before = cloud.instance(old)
    same(before["ipAddress"], address["publicIp"], "its Elastic IP")
    cloud.booted(old)
    cloud.exec(old, "poweroff")
    wait("its successor", lambda: [i for i in in_service(cloud, "one") if i != old])
    new, = in_service(cloud, "one")
    after = cloud.instance(new)
    check(after["privateIpAddress"] != before["privateIpAddress"], "the private address was kept")
    check(after["ipAddress"] != address["publicIp"], "the Elastic IP was kept")
    same(cloud.call("DescribeAddresses", AllocationId=[address["allocationId"]])
         ["addressesSet"][0].get("instanceId"), None, "who has the Elastic IP")
    cloud.call("ReleaseAddress", AllocationId=address["allocationId"])
    forget(cloud, "one")


# What the role of an instance may do that completes its own hooks and keeps its state in S3.
WORKER = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Resource": "*", "Action": [
        "autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat",
        "s3:GetObject", "s3:PutObject"]}]})
TARGET = "/latest/meta-data/autoscaling/target-lifecycle-state"
COMPLETE = "aws --region us-east-1 autoscaling complete-lifecycle-action --lifecycle-action-result " \
           "CONTINUE --auto-scaling-group-name hooked --instance-id "
# It installs what serves, with the state that its predecessor left …
BEGIN = "mkdir -p /srv/www && aws --region us-east-1 s3 cp s3://worker-state/page " \
        "/srv/www/index.html && (busybox httpd -p 8080 -h /srv/www) && " + COMPLETE
# … and keeps state and log before it goes.
END = "aws --region us-east-1 autoscaling record-lifecycle-action-heartbeat " \
      "--lifecycle-hook-name out --auto-scaling-group-name hooked --instance-id {0} && " \
      "echo 'page of {0}' >/tmp/page && aws --region us-east-1 s3 cp /tmp/page " \
      "s3://worker-state/page && aws --region us-east-1 s3 cp /var/log/cloud-init.log " \
      "s3://worker-state/log && " + COMPLETE


def state(cloud, id):
    reply = ask(cloud, "DescribeAutoScalingInstances", **{"InstanceIds.member.1": id})
    return (re.findall("<LifecycleState>(.*?)<", reply) or [None])[0]


# proves: ASGL-04 ASGL-05 ASGL-08 ASGL-10
@test
def an_instance_completes_its_hooks_from_inside(lab):
    packed = clients(lab.build)
    cloud = lab.new_cloud("hooked").up()
    try:
        image = lab.debian(cloud)
        cloud.query("iam", "CreateRole", RoleName="worker", AssumeRolePolicyDocument=TRUST)
        cloud.query("iam", "PutRolePolicy", RoleName="worker", PolicyName="own",
                    PolicyDocument=WORKER)
        cloud.query("iam", "CreateInstanceProfile", InstanceProfileName="worker")
        cloud.query("iam", "AddRoleToInstanceProfile", InstanceProfileName="worker",
                    RoleName="worker")
        same(s3(cloud, "PUT", "/worker-state"), 200, "the bucket")
        same(s3(cloud, "PUT", "/worker-state/page", b"first page\n"), 200, "the first state")
        sg = group(cloud, "hooked", ("tcp", 8080, 8080, "0.0.0.0/0"))
        ask(cloud, "CreateLaunchConfiguration", LaunchConfigurationName="hooked", ImageId=image,
            InstanceType="t3.small", IamInstanceProfile="worker", **{"SecurityGroups.member.1": sg})
        hooks = {}
        for n, name, way in ((1, "in", "LAUNCHING"), (2, "out", "TERMINATING")):
            hooks |= {f"LifecycleHookSpecificationList.member.{n}.LifecycleHookName": name,
                      f"LifecycleHookSpecificationList.member.{n}.LifecycleTransition":
                      f"autoscaling:EC2_INSTANCE_{way}"}
        ask(cloud, "CreateAutoScalingGroup", AutoScalingGroupName="hooked", MinSize=0, MaxSize=1,
            DesiredCapacity=1, LaunchConfigurationName="hooked",
            **{"AvailabilityZones.member.1": "us-east-1a"}, **hooks)
        wait("the instance", lambda: cloud.call("DescribeInstances")["reservationSet"])
        id = cloud.call("DescribeInstances")["reservationSet"][0]["instancesSet"][0]["instanceId"]
        cloud.wait_state(id, "running")
        cloud_init_done(cloud, id)
        same(state(cloud, id), "Pending:Wait", "before its software is there")
        same(cloud.imds(id, TARGET, cloud.token(id)), "InService", "where it is going")
        status, out = cloud.exec(id, "tar", "-C", "/opt", "-xf", "-", input=packed, timeout=120)
        same(status, 0, out)
        put(cloud, id, "/usr/local/bin/aws", AWS)
        cloud.sh(id, "chmod 755 /usr/local/bin/aws")
        cloud.sh(id, BEGIN + f"{id} --lifecycle-hook-name in")
        wait("its service", lambda: state(cloud, id) == "InService")
        wait("its page", lambda: page(cloud.instance(id)["ipAddress"]) == "first page\n")
        ask(cloud, "SetDesiredCapacity", AutoScalingGroupName="hooked", DesiredCapacity=0)
        wait("the end's hook", lambda: state(cloud, id) == "Terminating:Wait")
        same(cloud.imds(id, TARGET, cloud.token(id)), "Terminated", "where it is going")
        check(page(cloud.instance(id)["ipAddress"]) == "first page\n", "it serves on")
        cloud.exec(id, "sh", "-c", END.format(id) + f"{id} --lifecycle-hook-name out")
        cloud.wait_state(id, "terminated")
        same(s3(cloud, "GET", "/worker-state/page", answer=True), f"page of {id}\n".encode(),
             "the state that it left")
        check(b"cloud-init" in s3(cloud, "GET", "/worker-state/log", answer=True), "its log")
    finally:
        cloud.close()
