"""Usage: client_cloudwatch.py ENDPOINT PROTOCOL: metrics and alarms with boto3.

PROTOCOL is one of those that the service has; SDKs differ in which they like best, and botocore
speaks all of them.
"""
import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, protocol = sys.argv[1:]
session = boto3.session.Session()
loader = session._session.get_component("data_loader")
model = loader.load_service_model("cloudwatch", "service-2")
assert protocol in model["metadata"]["protocols"], model["metadata"]
model["metadata"]["protocols"] = [protocol]
model["metadata"]["protocol"] = protocol
cw = session.client("cloudwatch", endpoint_url=url, config=Config(retries={"max_attempts": 1}))
now = datetime.datetime.now(datetime.timezone.utc)
window = {"StartTime": now - datetime.timedelta(minutes=5),
          "EndTime": now + datetime.timedelta(minutes=5)}


def refused(code, fn, **params):
    try:
        fn(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} was expected")


sent = []
cw.meta.events.register("before-send.cloudwatch.*", lambda request, **_: sent.append(request))

cw.put_metric_data(Namespace="Test", MetricData=[
    {"MetricName": "one", "Value": 1.5, "Unit": "Seconds", "Timestamp": now},
    {"MetricName": "set", "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1,
                                              "Maximum": 4}},
    {"MetricName": "many", "Values": [1, 2, 3], "Counts": [1, 1, 8], "StorageResolution": 1}])
kinds = {"json": "application/x-amz-json-1.0", "smithy-rpc-v2-cbor": "application/cbor",
         "query": "application/x-www-form-urlencoded"}
kind = sent[-1].headers["Content-Type"]
assert (kind if isinstance(kind, str) else kind.decode()).startswith(kinds[protocol]), kind
got = cw.get_metric_statistics(Namespace="Test", MetricName="one", Period=60,
                               Statistics=["Average", "Sum"], **window)
assert got["Label"] == "one" and got["Datapoints"][0]["Average"] == 1.5, got
assert got["Datapoints"][0]["Unit"] == "Seconds", got
assert got["Datapoints"][0]["Timestamp"].tzinfo, got
got = cw.get_metric_statistics(Namespace="Test", MetricName="many", Period=60,
                               ExtendedStatistics=["p50"], **window)
assert got["Datapoints"][0]["ExtendedStatistics"] == {"p50": 3.0}, got

# Over 10 KB botocore compresses.
cw.put_metric_data(Namespace="Large", MetricData=[
    {"MetricName": f"metric-{i}", "Value": i, "Dimensions": [{"Name": "host", "Value": "x" * 50}]}
    for i in range(600)])
assert sent[-1].headers["Content-Encoding"] in (b"gzip", "gzip"), sent[-1].headers
pages = list(cw.get_paginator("list_metrics").paginate(Namespace="Large"))
assert len(pages) == 2 and sum(len(p["Metrics"]) for p in pages) == 600, pages

got = cw.get_metric_data(MetricDataQueries=[
    {"Id": "m", "ReturnData": False, "MetricStat": {
        "Metric": {"Namespace": "Test", "MetricName": "set"}, "Period": 60, "Stat": "Sum"}},
    {"Id": "e", "Expression": "m * 2", "Label": "double"}], **window)
assert [(r["Label"], r["Values"]) for r in got["MetricDataResults"]] == [("double", [20.0])], got

rule = {"EvaluationPeriods": 1, "Threshold": 0.5, "ComparisonOperator": "GreaterThanThreshold"}
cw.put_metric_alarm(AlarmName="a", Namespace="Test", MetricName="one", Statistic="Maximum",
                    Period=60, Tags=[{"Key": "k", "Value": "v"}], **rule)
alarm = cw.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
assert alarm["StateValue"] == "INSUFFICIENT_DATA" and alarm["Threshold"] == 0.5, alarm
cw.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
cw.get_waiter("alarm_exists").wait(AlarmNames=["a"])
assert cw.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == [
    {"Key": "k", "Value": "v"}]
history = cw.describe_alarm_history(AlarmName="a", HistoryItemType="StateUpdate")
assert history["AlarmHistoryItems"][0]["HistorySummary"] == (
    "Alarm updated from INSUFFICIENT_DATA to ALARM"), history
cw.delete_alarms(AlarmNames=["a"])
assert not cw.describe_alarms()["MetricAlarms"]

# Old codes, by which programs know them.
refused("ResourceNotFound", cw.set_alarm_state, AlarmName="b", StateValue="OK", StateReason="x")
refused("InvalidParameterValue", cw.put_metric_data, Namespace="AWS/X",
        MetricData=[{"MetricName": "m", "Value": 1}])
refused("InvalidParameterCombination", cw.get_metric_statistics, Namespace="N", MetricName="m",
        Period=1, Statistics=["Sum"], StartTime=now - datetime.timedelta(days=1), EndTime=now)
refused("ValidationError", cw.put_metric_alarm, AlarmName="x", MetricName="m", **rule)
print("ok")
