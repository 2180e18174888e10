"""Usage: client_autoscaling.py ENDPOINT: a group's life with boto3, without a change."""
import datetime
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url = sys.argv[1]
session = boto3.session.Session("650524209925", "test", region_name="us-east-1")
config = Config(retries={"max_attempts": 1})
asg = session.client("autoscaling", endpoint_url=url, config=config)
ec2 = session.client("ec2", endpoint_url=url, config=config)
NAME = {"AutoScalingGroupName": "g"}


def refused(code, fn, **params):
    try:
        fn(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")


def group():
    return asg.describe_auto_scaling_groups(AutoScalingGroupNames=["g"])["AutoScalingGroups"][0]


def states():
    return sorted(i["LifecycleState"] for i in group()["Instances"])


def wait_for(want):
    for _ in range(100):
        if states() == want:
            return [i["InstanceId"] for i in group()["Instances"]]
        time.sleep(0.05)
    raise AssertionError(f"{states()}, not {want}")


template = ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={
    "ImageId": "ami-009d6802948d06e52", "InstanceType": "t3.micro"})["LaunchTemplate"]
asg.create_auto_scaling_group(
    **NAME, MinSize=0, MaxSize=4, DesiredCapacity=2, AvailabilityZones=["us-east-1a", "us-east-1b"],
    LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "$Latest"},
    Tags=[{"Key": "Name", "Value": "web", "PropagateAtLaunch": True}])
refused("AlreadyExists", asg.create_auto_scaling_group, **NAME, MinSize=0, MaxSize=0,
        AvailabilityZones=["us-east-1a"], LaunchTemplate={"LaunchTemplateName": "template"})
first, second = wait_for(["InService", "InService"])
assert group()["Tags"][0]["PropagateAtLaunch"] is True
assert isinstance(group()["CreatedTime"], datetime.datetime)
assert {i["LaunchTemplate"]["Version"] for i in group()["Instances"]} == {"1"}
details = asg.describe_auto_scaling_instances(InstanceIds=[first])["AutoScalingInstances"][0]
assert (details["HealthStatus"], details["AutoScalingGroupName"]) == ("HEALTHY", "g")

moved = asg.enter_standby(**NAME, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
assert moved["Activities"][0]["Progress"] == 50
wait_for(["InService", "Standby"])
asg.exit_standby(**NAME, InstanceIds=[first])
wait_for(["InService", "InService"])
asg.set_instance_protection(**NAME, InstanceIds=[first], ProtectedFromScaleIn=True)
asg.set_desired_capacity(**NAME, DesiredCapacity=1)
assert wait_for(["InService"]) == [first]

asg.put_lifecycle_hook(**NAME, LifecycleHookName="hook", HeartbeatTimeout=300,
                       LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING")
arn = asg.put_scaling_policy(**NAME, PolicyName="steps", PolicyType="StepScaling",
                             AdjustmentType="ChangeInCapacity", StepAdjustments=[
                                 {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}])
asg.execute_policy(PolicyName=arn["PolicyARN"], MetricValue=80, BreachThreshold=70)
third = [i for i in wait_for(["InService", "Pending:Wait"]) if i != first][0]
asg.complete_lifecycle_action(**NAME, LifecycleHookName="hook", InstanceId=third,
                              LifecycleActionResult="CONTINUE")
wait_for(["InService", "InService"])
asg.put_scheduled_update_group_action(**NAME, ScheduledActionName="later", MinSize=1,
                                      Recurrence="0 8 * * MON-FRI")
action = asg.describe_scheduled_actions(**NAME)["ScheduledUpdateGroupActions"][0]
assert action["StartTime"].hour == 8 and action["StartTime"].weekday() < 5, action

pages = asg.get_paginator("describe_scaling_activities").paginate(
    **NAME, PaginationConfig={"PageSize": 2})
activities = [a for page in pages for a in page["Activities"]]
assert len(activities) == len({a["ActivityId"] for a in activities}) == 6, activities
assert all(a["StatusCode"] == "Successful" for a in activities), activities
refused("ResourceInUse", asg.delete_auto_scaling_group, **NAME)
asg.delete_auto_scaling_group(**NAME, ForceDelete=True)
for _ in range(100):
    if not asg.describe_auto_scaling_groups()["AutoScalingGroups"]:
        break
    time.sleep(0.05)
assert not asg.describe_auto_scaling_groups()["AutoScalingGroups"]
print("done")
