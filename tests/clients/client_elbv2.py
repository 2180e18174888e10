"""Usage: client_elbv2.py ENDPOINT: a load balancer's life with boto3, without a change."""
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url = sys.argv[1]
session = boto3.session.Session("650524209925", "test", region_name="us-east-1")
config = Config(retries={"max_attempts": 1})
elb = session.client("elbv2", endpoint_url=url, config=config)
ec2 = session.client("ec2", endpoint_url=url, config=config)


def refused(error, fn, **params):
    try:
        fn(**params)
    except error:
        return
    except ClientError as other:
        raise AssertionError(f"{error} was expected, not {other}")
    raise AssertionError(f"{error} was expected")


vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
subnets = [s["SubnetId"] for s in ec2.describe_subnets(Filters=[
    {"Name": "availability-zone", "Values": ["us-east-1a", "us-east-1b"]}])["Subnets"]]
made = elb.create_load_balancer(Name="front", Subnets=subnets,
                                Tags=[{"Key": "a", "Value": "b"}])["LoadBalancers"][0]
arn = made["LoadBalancerArn"]
elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn],
                                               WaiterConfig={"Delay": 1, "MaxAttempts": 20})
refused(elb.exceptions.DuplicateLoadBalancerNameException, elb.create_load_balancer, Name="front",
        Subnets=subnets, Scheme="internal")
group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc,
                                TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
listener = elb.create_listener(
    LoadBalancerArn=arn, Protocol="HTTP", Port=80,
    DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]["ListenerArn"]
for n in range(1, 4):
    elb.create_rule(ListenerArn=listener, Priority=n, Conditions=[
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "n", "Value": str(n)}]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}])
refused(elb.exceptions.PriorityInUseException, elb.create_rule, ListenerArn=listener, Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/a"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}])
pages = elb.get_paginator("describe_rules").paginate(ListenerArn=listener,
                                                     PaginationConfig={"PageSize": 2})
rules = [rule for page in pages for rule in page["Rules"]]
assert [rule["Priority"] for rule in rules] == ["1", "2", "3", "default"], rules
elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "172.31.0.50", "Port": 8080}])
elb.get_waiter("target_in_service").wait(TargetGroupArn=group,
                                         WaiterConfig={"Delay": 1, "MaxAttempts": 20})
refused(elb.exceptions.ResourceInUseException, elb.delete_target_group, TargetGroupArn=group)
elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[
    {"Key": "deregistration_delay.timeout_seconds", "Value": "0"}])
elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "172.31.0.50"}])
elb.get_waiter("target_deregistered").wait(
    TargetGroupArn=group, Targets=[{"Id": "172.31.0.50", "Port": 8080}],
    WaiterConfig={"Delay": 1, "MaxAttempts": 20})
elb.delete_load_balancer(LoadBalancerArn=arn)
elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[arn])
elb.delete_target_group(TargetGroupArn=group)
print("done")
