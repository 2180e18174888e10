"""A load balancer that really forwards: two instances in turn, from outside and from inside."""
import http.client
import re

from cloud import check, page, same, wait
from lab import group, test

WEB = ("#!/bin/sh\nmkdir -p /var/www/app\nhostname >/var/www/index.html\n"
       "echo app >/var/www/app/index.html\necho ok >/var/www/health\n"
       "httpd -p 8080 -h /var/www\n")


class Balancer:
    """A balancer in two zones with a group of instances behind port 80."""

    def __init__(self, cloud, name):
        self.cloud = cloud
        self.group = group(cloud, name, ("tcp", 80, 80, "0.0.0.0/0"))
        self.web = group(cloud, name + "-web", ("tcp", 8080, 8080, self.group))
        zones = [self.subnet(zone) for zone in ("us-east-1a", "us-east-1b")]
        self.vpc = zones[0]["vpcId"]
        self.subnets = [zone["subnetId"] for zone in zones]
        made = self.call("CreateLoadBalancer", Name=name,
                         **{"Subnets.member.1": self.subnets[0],
                            "Subnets.member.2": self.subnets[1],
                            "SecurityGroups.member.1": self.group})
        self.arn = self.of(made, "LoadBalancerArn")
        self.name = self.of(made, "DNSName")
        self.target_group = self.of(self.call(
            "CreateTargetGroup", Name=name, Protocol="HTTP", Port=8080, VpcId=self.vpc,
            HealthCheckPath="/health", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2), "TargetGroupArn")
        self.listener = self.of(self.call(
            "CreateListener", LoadBalancerArn=self.arn, Protocol="HTTP", Port=80,
            **{"DefaultActions.member.1.Type": "forward",
               "DefaultActions.member.1.TargetGroupArn": self.target_group}), "ListenerArn")

    def subnet(self, zone):
        return self.cloud.call("DescribeSubnets", Filter=[
            {"Name": "availability-zone", "Value": [zone]}])["subnetSet"][0]

    def call(self, action, **params):
        return self.cloud.query("elasticloadbalancing", action, **params)

    @staticmethod
    def of(reply, name):
        found = re.search(f"<{name}>([^<]*)</{name}>", reply)
        check(found, f"{name} of {reply}")
        return found.group(1)

    def launch(self):
        ids = [self.cloud.launch(WEB, SubnetId=subnet, SecurityGroupId=[self.web])[0]
               for subnet in self.subnets]
        for id in ids:
            self.cloud.booted(id)
        return ids

    def register(self, *ids):
        self.call("RegisterTargets", TargetGroupArn=self.target_group,
                  **{f"Targets.member.{n}.Id": id for n, id in enumerate(ids, 1)})

    def health(self):
        """State, or state and reason, of each target by its id."""
        reply = self.call("DescribeTargetHealth", TargetGroupArn=self.target_group)
        out = {}
        for one in re.findall(r"<member>(.*?)</TargetHealth>", reply, re.S):
            out[self.of(one, "Id")] = self.of(one, "State")
        return out

    def addresses(self):
        nics = self.cloud.call("DescribeNetworkInterfaces", Filter=[
            {"Name": "group-id", "Value": [self.group]}])["networkInterfaceSet"]
        return [nic["association"]["publicIp"] for nic in nics]

    def delete(self, *ids):
        self.call("DeleteLoadBalancer", LoadBalancerArn=self.arn)
        self.call("DeleteTargetGroup", TargetGroupArn=self.target_group)
        self.cloud.terminate(*ids)
        for id in ids:
            self.cloud.wait_state(id, "terminated")
        for id in (self.web, self.group):
            self.cloud.call("DeleteSecurityGroup", GroupId=id)


def rule(balancer, priority, path, **action):
    balancer.call("CreateRule", ListenerArn=balancer.listener, Priority=priority, **{
        "Conditions.member.1.Field": "path-pattern", "Conditions.member.1.Values.member.1": path},
        **{f"Actions.member.1.{name}".replace("__", "."): v for name, v in action.items()})


def asked(ip, cookie=None):
    """Body of / and the cookie AWSALB that came with it."""
    connection = http.client.HTTPConnection(ip, 80, timeout=5)
    connection.request("GET", "/", headers={"Cookie": f"x=y; {cookie}"} if cookie else {})
    reply = connection.getresponse()
    set_cookie = [v.split(";")[0] for v in reply.headers.get_all("Set-Cookie") or []]
    return reply.read().decode(), next((c for c in set_cookie if c.startswith("AWSALB=")), None)


def check_sticky(lb, ips):
    """A client that has the cookie stays where it was, by whichever node it comes."""
    lb.call("ModifyTargetGroupAttributes", TargetGroupArn=lb.target_group,
            **{"Attributes.member.1.Key": "stickiness.enabled",
               "Attributes.member.1.Value": "true"})
    who, cookie = wait("a cookie", lambda: (lambda got: got[1] and got)(asked(ips[0])))
    same({asked(ip, cookie)[0] for ip in ips for _ in range(3)}, {who}, "who answers the cookie")
    lb.call("ModifyTargetGroupAttributes", TargetGroupArn=lb.target_group,
            **{"Attributes.member.1.Key": "stickiness.enabled",
               "Attributes.member.1.Value": "false"})


# proves: ELB-01 ELB-02 ELB-03 ELB-04 ELB-05 ELB-06 ELB-08 ELB-20 ELB-26
@test
def a_load_balancer_forwards_to_what_is_healthy(lab):
    cloud = lab.cloud
    lb = Balancer(cloud, "front")
    wait("the balancer", lambda: "<Code>active<" in lb.call("DescribeLoadBalancers"))
    ips = lb.addresses()
    wait("a page of its own", lambda: "503 Service Temporarily Unavailable" in
         (page(ips[0], 80, timeout=2) or ""))
    ids = lb.launch()
    lb.register(*ids)
    wait("two healthy targets", lambda: list(lb.health().values()) == ["healthy"] * 2)
    for ip in ips:
        same(len({page(ip, 80) for _ in range(4)}), 2, f"the targets behind {ip}")
    same(page(ips[0], 80, "/app/index.html"), "app\n", "another path")
    check_sticky(lb, ips)

    # its name, inside; the targets themselves are for the balancer only
    inside = cloud.launch("#!/bin/sh\n", SubnetId=lb.subnets[0])[0]
    cloud.booted(inside)
    told = cloud.sh(inside, f"nslookup {lb.name}")
    check(all(ip in told for ip in ips), f"the name inside: {told}")
    said = [cloud.sh(inside, f"timeout 5 wget -qO- http://{ips[0]}/") for _ in range(4)]
    same(len(set(said)), 2, "the targets as an instance sees them")
    own = cloud.instance(ids[0])["privateIpAddress"]
    status, _ = cloud.exec(inside, "timeout", "2", "wget", "-qO-", f"http://{own}:8080/")
    check(status != 0, "a target answers others than the balancer")

    rule(lb, 1, "/old*", Type="redirect", RedirectConfig__StatusCode="HTTP_301",
         RedirectConfig__Path="/app/index.html")
    rule(lb, 2, "/no", Type="fixed-response", FixedResponseConfig__StatusCode="403",
         FixedResponseConfig__MessageBody="not here")
    wait("a rule", lambda: page(ips[0], 80, "/no") == "not here")
    check("301 Moved Permanently" in page(ips[0], 80, "/old"), "a redirect")

    # one answers no more as it should, one dies
    cloud.sh(ids[0], "rm /var/www/health")
    wait("an unhealthy target", lambda: lb.health()[ids[0]] == "unhealthy")
    reply = lb.call("DescribeTargetHealth", TargetGroupArn=lb.target_group)
    check("Health checks failed with these codes: [404]" in reply, "the reason: " + reply)
    same({page(ips[0], 80) for _ in range(4)},
         {cloud.sh(ids[1], "hostname")}, "who is left")
    cloud.sh(ids[0], "echo ok >/var/www/health")
    wait("it is healthy again", lambda: lb.health()[ids[0]] == "healthy")
    cloud.terminate(ids[1])
    wait("the other has left", lambda: ids[1] not in lb.health())
    same(len({page(ips[0], 80) for _ in range(4)}), 1, "one target")

    # the daemon comes back, and with it the nodes
    cloud.kill9()
    cloud.up()
    wait("pages again", lambda: page(lb.addresses()[1], 80, "/app/index.html", 2) == "app\n", 40)
    lb.delete(ids[0], inside)
