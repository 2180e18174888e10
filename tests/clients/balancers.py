"""Stock clients that make load balancers."""
import os

from cloud import same
from lab import beside
from stock import Terraform, environment, run

HERE = os.path.dirname(os.path.abspath(__file__))


@beside
def a_load_balancer_lives_with_boto3(lab):
    """made, waited for, rules, targets, attributes, pages, deleted"""
    cloud = lab.new_simulated("balancers")
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_elbv2.py"), cloud.url],
             env=environment()), "done\n", "output")


@beside
def load_balancers_are_kept_by_terraform(lab):
    """a load balancer with groups, listener, rules and a target; changes; nothing is left"""
    cloud = lab.new_simulated("balancer-terraform")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-elbv2"), "terraform-elbv2")
    tf.applies("8 added, 0 changed, 0 destroyed")
    changed = {"path": "/healthz", "idle": "30"}
    tf.applies("0 added, 2 changed, 0 destroyed", changed)
    tf("destroy", "-auto-approve", variables=changed)
    same(cloud.call("DescribeNetworkInterfaces")["networkInterfaceSet"], [], "what is left")
