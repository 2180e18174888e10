"""EventBridge by stock clients."""
import os

from cloud import check, same
from lab import beside
from stock import Terraform, environment, run

HERE = os.path.dirname(os.path.abspath(__file__))


@beside
def events_are_sent_by_boto3(lab):
    """buses, rules, targets, entries, patterns, pages, metrics"""
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_events.py"),
              lab.new_simulated("events").url], env=environment()).strip(), "all went well", "boto3")


@beside
def rules_are_kept_by_terraform(lab):
    """apply, an empty plan, changes in place, destroy"""
    tf = Terraform(lab, lab.new_simulated("rules"), os.path.join(HERE, "terraform-events"),
                   "terraform-events")
    tf.applies("10 added, 0 changed, 0 destroyed")
    same(tf.output("rule"), "arn:aws:events:us-east-1:000000000000:rule/orders/stopped", "the rule")
    changed = {"state": "DISABLED", "colour": "green"}
    tf.applies(variables=changed)
    check("10 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")
