"""Groups that scale by themselves, and stacks whose groups are rolled, with Terraform."""
import os
import re
import threading

from cloud import same, wait
from lab import beside
from stock import Cli, Terraform

HERE = os.path.dirname(os.path.abspath(__file__))


def running(cloud):
    """{id: type} of what runs."""
    filters = [{"Name": "instance-state-name", "Value": ["running"]}]
    reply = cloud.call("DescribeInstances", Filter=filters)
    return {i["instanceId"]: i["instanceType"] for r in reply["reservationSet"]
            for i in r["instancesSet"]}


@beside
def groups_that_scale_are_kept_by_terraform(lab):
    """mixed instances, target tracking, a warm pool, a refresh; nothing is left"""
    cloud = lab.new_simulated("scaling")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-scaling"), "terraform-scaling")
    tf.applies("5 added, 0 changed, 0 destroyed")
    same(sorted(running(cloud).values()), ["t3.micro", "t3.small", "t3.small"], "what was launched")
    pool = cloud.query("autoscaling", "DescribeWarmPool", AutoScalingGroupName="warm")
    same(pool.count("<InstanceId>"), 1, "the warm pool")
    alarms = cloud.query("monitoring", "DescribeAlarms")
    same(sorted(re.findall("<AlarmName>TargetTracking-mixed-(Alarm(?:High|Low))-", alarms)),
         ["AlarmHigh", "AlarmHigh", "AlarmLow"], "the alarms")
    # Another type is a version of the template, which a refresh brings to the second group.
    changed = {"target": "60", "type": "t3.nano", "weight": "2"}
    tf.applies("0 added, 4 changed, 0 destroyed", changed)
    wait("the refresh", lambda: "t3.nano" in running(cloud).values()
         and "t3.micro" not in running(cloud).values())
    same(set(re.findall("<Threshold>([0-9.]+)<", cloud.query("monitoring", "DescribeAlarms"))),
         {"60", "54", "10"}, "the thresholds")
    tf("destroy", "-auto-approve", variables=changed)
    same(running(cloud), {}, "what is left")
    same("<AlarmName>" in cloud.query("monitoring", "DescribeAlarms"), False, "alarms that are left")


@beside
def a_stack_whose_group_rolls_is_kept_by_terraform(lab):
    """signals, an empty second plan, an update that rolls, destroy"""
    cloud = lab.new_simulated("rolling")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-rolling"), "terraform-rolling")
    told, over = set(), threading.Event()

    def signal():
        # what cfn-signal in each instance would say: nothing runs in simulated ones
        while not over.wait(0.2):
            for id in set(running(cloud)) - told:
                params = {"StackName": "rolling", "LogicalResourceId": "Group", "UniqueId": id,
                          "Status": "SUCCESS"}
                if cloud.raw("SignalResource", params, service="cloudformation")[0] == 200:
                    told.add(id)

    thread = threading.Thread(target=signal)
    thread.start()
    try:
        tf.applies("1 added, 0 changed, 0 destroyed")
        first = running(cloud)
        same(list(first.values()), ["t3.micro"] * 2, "what was launched")
        changed = {"type": "t3.small"}
        tf.applies("0 added, 1 changed, 0 destroyed", changed)
        second = running(cloud)
        same(list(second.values()), ["t3.small"] * 2, "after the update")
        same(set(first) & set(second), set(), "instances that were not rolled")
        same(told >= set(first) | set(second), True, "all have signalled")
        tf("destroy", "-auto-approve", variables=changed)
        same(running(cloud), {}, "what is left")
    finally:
        over.set()
        thread.join()


# proves: ASGR-08
@beside
def processes_are_suspended_by_the_command_line(lab):
    """suspend-processes, resume-processes"""
    cloud = lab.new_simulated("processes")
    cli = Cli(lab.venv("bin", "aws"), cloud.url, True)
    group = ("--auto-scaling-group-name", "g")
    cli.text("autoscaling", "create-launch-configuration", "--launch-configuration-name", "c",
             "--image-id", "ami-009d6802948d06e52", "--instance-type", "t3.micro")
    cli.text("autoscaling", "create-auto-scaling-group", *group, "--launch-configuration-name", "c",
             "--min-size", "0", "--max-size", "1", "--availability-zones", "us-east-1a")
    cli.text("autoscaling", "suspend-processes", *group, "--scaling-processes", "Launch")
    cli.text("autoscaling", "set-desired-capacity", *group, "--desired-capacity", "1")
    seen = cli.json("autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"][0]
    same([p["ProcessName"] for p in seen["SuspendedProcesses"]], ["Launch"], "what is suspended")
    same((running(cloud), seen["Instances"]), ({}, []), "what was launched")
    cli.text("autoscaling", "resume-processes", *group)
    wait("the instance", lambda: len(running(cloud)) == 1)
