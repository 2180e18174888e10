"""Usage: client_metrics_ec2.py ENDPOINT WELKIN: EC2's metrics and alarms that act, through boto3."""
import datetime
import subprocess
import sys

import boto3
from botocore.exceptions import ClientError

url, welkin = sys.argv[1:]
ec2 = boto3.client("ec2", endpoint_url=url)
cloudwatch = boto3.client("cloudwatch", endpoint_url=url)
STOP = "arn:aws:automate:us-east-1:ec2:stop"

id = ec2.run_instances(ImageId="ami-009d6802948d06e52", InstanceType="t3.micro", MinCount=1,
                       MaxCount=1, Monitoring={"Enabled": True})["Instances"][0]["InstanceId"]
ec2.get_waiter("instance_running").wait(InstanceIds=[id], WaiterConfig={"Delay": 1})
subprocess.run([welkin, "clock", "advance", "90s", "--endpoint", url.removeprefix("http://")],
               check=True, capture_output=True)

of = [{"Name": "InstanceId", "Value": id}]
metrics = cloudwatch.list_metrics(Namespace="AWS/EC2", Dimensions=of)["Metrics"]
names = {m["MetricName"] for m in metrics}
assert {"CPUUtilization", "NetworkIn", "NetworkPacketsOut", "StatusCheckFailed_System"} <= names, \
    names
now = datetime.datetime.now(datetime.timezone.utc)
minutes = datetime.timedelta(minutes=10)
for name, unit in ("CPUUtilization", "Percent"), ("StatusCheckFailed", "Count"):
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/EC2", MetricName=name, Dimensions=of, Period=60, StartTime=now - minutes,
        EndTime=now + minutes, Statistics=["Maximum"])["Datapoints"]
    assert points and all(p["Unit"] == unit and p["Maximum"] == 0 for p in points), points

alarm = dict(AlarmName="idle", Namespace="AWS/EC2", MetricName="CPUUtilization", Dimensions=of,
             Statistic="Average", Period=300, EvaluationPeriods=3, Threshold=1,
             ComparisonOperator="LessThanThreshold", AlarmActions=[STOP])
try:
    cloudwatch.put_metric_alarm(**dict(alarm, Dimensions=[dict(of[0], Value="i-abcd1234")]))
    raise AssertionError("an alarm on an instance that is not there")
except ClientError as error:
    fault = error.response["Error"]
    assert (fault["Code"], fault["Message"]) == (
        "ValidationError",
        "Invalid use of EC2 'Stop' action. i-abcd1234 is not a valid EC2 instance."), fault
cloudwatch.put_metric_alarm(**alarm)
cloudwatch.set_alarm_state(AlarmName="idle", StateValue="ALARM", StateReason="by hand")
ec2.get_waiter("instance_stopped").wait(InstanceIds=[id], WaiterConfig={"Delay": 1})
item, = cloudwatch.describe_alarm_history(AlarmName="idle",
                                          HistoryItemType="Action")["AlarmHistoryItems"]
assert item["HistorySummary"] == f"Successfully executed action {STOP}", item
print("done")
