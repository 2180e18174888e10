"""Usage: client_events.py ENDPOINT: what programs do with EventBridge by boto3, without a change."""
import json
import sys
import time

import boto3


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-east-1",
                        aws_access_key_id="test", aws_secret_access_key="test")


events = client("events")
PATTERN = json.dumps({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})
bus = events.create_event_bus(Name="orders", Tags=[{"Key": "a", "Value": "b"}])["EventBusArn"]
rule = events.put_rule(Name="large", EventBusName="orders", EventPattern=PATTERN)["RuleArn"]
assert rule == "arn:aws:events:us-east-1:000000000000:rule/orders/large"
events.put_rule(Name="there", EventPattern=json.dumps({"detail-type": ["order"]}))
target = bus.replace("orders", "default")
reply = events.put_targets(Rule="large", EventBusName="orders",
                           Targets=[{"Id": "1", "Arn": target}])
assert reply["FailedEntryCount"] == 0
events.put_targets(Rule="there", Targets=[{"Id": "1", "Arn": bus, "InputPath": "$.detail"}])
assert events.list_rule_names_by_target(TargetArn=bus)["RuleNames"] == ["there"]
reply = events.put_events(Entries=[
    {"EventBusName": bus, "Source": "shop", "DetailType": "order", "Detail": '{"total": 200}'},
    {"EventBusName": bus, "Source": "shop", "DetailType": "order", "Detail": "no"}])
assert reply["FailedEntryCount"] == 1 and reply["Entries"][1]["ErrorCode"] == "MalformedDetail"
event = {"id": "1", "account": "1", "source": "shop", "time": "2026-01-01T00:00:00Z",
         "region": "us-east-1", "resources": [], "detail-type": "order", "detail": {"total": 101}}
assert events.test_event_pattern(EventPattern=PATTERN, Event=json.dumps(event))["Result"]
pages = events.get_paginator("list_rules").paginate(PaginationConfig={"PageSize": 1})
assert [r["Name"] for r in pages.build_full_result()["Rules"]] == ["there"]
try:
    events.put_rule(Name="bad", EventPattern='{"source": []}')
    raise SystemExit("an empty list was taken")
except events.exceptions.InvalidEventPatternException as why:
    assert "Empty arrays are not allowed" in why.response["Error"]["Message"]
try:
    events.delete_rule(Name="there")
    raise SystemExit("a rule with targets was deleted")
except events.exceptions.ClientError as why:
    assert why.response["Error"]["Message"] == "Rule can't be deleted since it has targets."
for _ in range(50):  # both rules have looked at it
    counts = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Events", MetricName="MatchedEvents", Period=3600, Statistics=["Sum"],
        StartTime=time.time() - 7200, EndTime=time.time() + 60,
        Dimensions=[{"Name": "RuleName", "Value": "there"}])["Datapoints"]
    if counts and counts[0]["Sum"] >= 1:
        break
    time.sleep(0.1)
else:
    raise SystemExit("nobody heard of the order")
for name, at in (("large", "orders"), ("there", "default")):
    events.remove_targets(Rule=name, EventBusName=at, Ids=["1"])
    events.delete_rule(Name=name, EventBusName=at)
events.delete_event_bus(Name="orders")
assert [b["Name"] for b in events.list_event_buses()["EventBuses"]] == ["default"]
print("all went well")
