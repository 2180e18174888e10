"""Groups of real instances."""
import re

from cloud import b64, check, page, same, wait
from lab import group, test

WEB = "#!/bin/sh\nmkdir -p /var/www\nhostname >/var/www/index.html\nhttpd -p 8080 -h /var/www\n"

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
