"""Stock clients that publish metrics and put alarms; each speaks a format of its own."""
import json
import os
import time

from cloud import same
from lab import Skip, beside
from stock import Cli, Terraform, environment, run

HERE = os.path.dirname(os.path.abspath(__file__))
# As the material prints them, but for the line breaks.
PUT = ("aws cloudwatch put-metric-data --metric-name FunnyMetric --namespace Custom --value 1243 "
       "--dimensions InstanceId=1-23456789,InstanceType=m1.small --profile aws-devops "
       "--region eu-west-1")
GET = ("aws cloudwatch get-metric-statistics --namespace AWS/EC2 --metric-name CPUUtilization "
       "--dimensions Name=InstanceId,Value=i-06e91bf508fd3bf9f --statistics Maximum "
       "--start-time 2019-09-10T00:00:00 --end-time 2019-09-11T00:00:00 --period 360 "
       "--profile aws-devops --region eu-west-1")


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def printed_commands(lab, name, program, by_env):
    """The two commands, unchanged; and an alarm."""
    cloud = lab.new_simulated(name)
    config = os.path.join(lab.top, f"{name}-config")
    with open(config, "w") as f:
        f.write("[profile aws-devops]\naws_access_key_id = test\naws_secret_access_key = test\n")
    more = [] if by_env else ["--endpoint-url", cloud.url]
    env = environment(AWS_CONFIG_FILE=config, **({"AWS_ENDPOINT_URL": cloud.url} if by_env else {}))

    def aws(command):
        return run([program, *command.split()[1:], *more, "--output", "json"], env=env)

    same(aws(PUT).strip(), "", "put-metric-data")
    same(json.loads(aws(GET)), {"Label": "CPUUtilization", "Datapoints": []}, "statistics of 2019")
    got = json.loads(aws("aws cloudwatch get-metric-statistics --namespace Custom --metric-name "
                         "FunnyMetric --dimensions Name=InstanceId,Value=1-23456789 "
                         "Name=InstanceType,Value=m1.small --statistics Maximum SampleCount "
                         f"--start-time {stamp(-300)} --end-time {stamp(300)} --period 60 "
                         "--region eu-west-1"))
    same(got["Datapoints"][0]["Maximum"], 1243.0, "the value")
    metrics = json.loads(aws("aws cloudwatch list-metrics --namespace Custom --region eu-west-1"))
    same(len(metrics["Metrics"][0]["Dimensions"]), 2, "its dimensions")
    cli = Cli(program, cloud.url, by_env)
    cli.json("cloudwatch", "put-metric-alarm", "--alarm-name", "a", "--metric-name", "m",
             "--namespace", "N", "--statistic", "Average", "--period", "60", "--threshold", "1",
             "--comparison-operator", "GreaterThanThreshold", "--evaluation-periods", "1")
    cli.json("cloudwatch", "set-alarm-state", "--alarm-name", "a", "--state-value", "ALARM",
             "--state-reason", "test")
    same(cli.text("cloudwatch", "describe-alarms", "--query", "MetricAlarms[].StateValue"),
         "ALARM", "its state")
    cli.refused("ResourceNotFound", "cloudwatch", "set-alarm-state", "--alarm-name", "b",
                "--state-value", "OK", "--state-reason", "x")
    cli.refused("InvalidParameterValue", "cloudwatch", "put-metric-data", "--namespace", "AWS/X",
                "--metric-name", "m", "--value", "1")


# proves: CWM-10 CWM-13
@beside
def the_aws_cli_version_1_publishes_the_printed_metric(lab):
    """by JSON 1.0"""
    printed_commands(lab, "metrics1", lab.venv("bin", "aws"), True)


# proves: CWM-10 CWM-13
@beside
def the_aws_cli_version_2_publishes_the_printed_metric(lab):
    """by Query, or by what newer ones speak"""
    if not os.path.exists("/usr/bin/aws"):
        raise Skip("apt-get install awscli")
    printed_commands(lab, "metrics2", "/usr/bin/aws", False)


# proves: CWM-07 CWM-08 CWM-12
@beside
def boto3_publishes_metrics_and_puts_alarms(lab):
    """by JSON, RPC v2 CBOR and Query, large requests compressed"""
    for protocol in ("json", "smithy-rpc-v2-cbor", "query"):
        same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_cloudwatch.py"),
                  lab.new_simulated(f"metrics-{protocol}").url, protocol],
                 env=environment()).strip(), "ok", f"boto3 by {protocol}")


@beside
def alarms_are_kept_by_terraform(lab):
    """apply, an empty plan, a change in place, destroy"""
    cloud = lab.new_simulated("cloudwatch")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-cloudwatch"), "terraform-cloudwatch")
    tf.applies("4 added, 0 changed, 0 destroyed")
    changed = {"threshold": "40"}
    tf.applies("0 added, 3 changed, 0 destroyed", changed)
    tf("destroy", "-auto-approve", variables=changed)
    left = Cli(lab.venv("bin", "aws"), cloud.url, True).json("cloudwatch", "describe-alarms")
    same(left["MetricAlarms"], [], "what is left")
