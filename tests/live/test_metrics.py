"""What instances use, measured: the metrics of EC2 against what was really done."""
import datetime
import os
import re
import socket

from cloud import check, same, wait
from lab import allow, group, test

SENT = 1 << 20  # bytes
VCPUS = 2       # of the type


def points(cloud, id, metric):
    """The sums of a metric's minutes, oldest first."""
    now = datetime.datetime.now(datetime.timezone.utc)
    span = datetime.timedelta(minutes=20)
    status, body = cloud.raw("GetMetricStatistics", {
        "Namespace": "AWS/EC2", "MetricName": metric, "Period": 60,
        "StartTime": (now - span).strftime("%Y-%m-%dT%H:%M:00Z"),
        "EndTime": (now + span).strftime("%Y-%m-%dT%H:%M:00Z"),
        "Statistics": {"member": ["Sum"]},
        "Dimensions": {"member": [{"Name": "InstanceId", "Value": id}]}}, service="monitoring")
    same(status, 200, f"{metric}: {body!r}")
    minutes = re.findall(r"<member>.*?</member>", body.decode(), re.S)
    found = [(re.search(r"<Timestamp>(.*?)<", m)[1], float(re.search(r"<Sum>(.*?)<", m)[1]))
             for m in minutes]
    return [value for _, value in sorted(found)]


def a_minute_passes(cloud, id, metric):
    before = len(points(cloud, id, metric))
    done = cloud.run("clock", "advance", "60s", "--endpoint", cloud.endpoint)
    same(done.returncode, 0, f"welkin clock: {done.stderr!r}")
    wait("the minute to be measured", lambda: len(points(cloud, id, metric)) > before)


def burn(cloud, id):
    """Seconds of a processor, as the guest counts them."""
    said = cloud.sh(id, "i=0; while [ $i -lt 2000000 ]; do i=$((i+1)); done; times")
    return sum(int(m) * 60 + float(s)
               for m, s in re.findall(r"(\d+)m([\d.]+)s", said.splitlines()[0]))


def send(cloud, id):
    """Bytes to a listener in the guest."""
    with socket.create_connection((cloud.instance(id)["ipAddress"], 8080), 10) as s:
        s.sendall(os.urandom(SENT))
        s.shutdown(socket.SHUT_WR)
        s.recv(1)  # until the guest has read it


# proves: STAT-02 STAT-04 STAT-13 CWM-01
@test
def metrics_are_what_an_instance_really_used(lab):
    cloud = lab.new_cloud("metrics").up()
    try:
        open_group = group(cloud, "open")
        allow(cloud, open_group, "tcp", 8080, 8080)
        id, = cloud.launch("#!/bin/sh\n", InstanceType="m5.large", SecurityGroupId=[open_group],
                           Monitoring={"Enabled": True})
        cloud.booted(id)
        a_minute_passes(cloud, id, "CPUUtilization")
        measured = ("CPUUtilization", "NetworkIn", "NetworkOut", "MetadataNoToken")
        before = {m: len(points(cloud, id, m)) for m in measured}
        used = burn(cloud, id)
        cloud.exec(id, "sh", "-c", "(nc -l -p 8080 >/dev/null; true) >/dev/null 2>&1 &")
        wait("the listener", lambda: "1F90" in cloud.sh(id, "cat /proc/net/tcp /proc/net/tcp6"))
        send(cloud, id)
        for _ in range(3):
            cloud.imds(id, "/latest/meta-data/instance-id")
        cloud.imds(id, "/latest/meta-data/instance-id", cloud.token(id))
        a_minute_passes(cloud, id, "CPUUtilization")
        new = {m: sum(points(cloud, id, m)[before[m]:]) for m in measured}
        seconds = new["CPUUtilization"] / 100 * 60 * VCPUS
        check(used * 0.95 < seconds < used * 1.3 + 1, f"{seconds} s of CPU, and it used {used}")
        check(SENT < new["NetworkIn"] < 1.2 * SENT, f"NetworkIn {new['NetworkIn']} of {SENT}")
        check(0 < new["NetworkOut"] < SENT, f"NetworkOut {new['NetworkOut']}")
        same(new["MetadataNoToken"], 3, "calls without a token")
        same(set(points(cloud, id, "StatusCheckFailed")), {0}, "its checks")
        # A boot begins with new meters, and what does not run has no data.
        cloud.stop_instance(id)
        n = len(points(cloud, id, "CPUUtilization"))
        cloud.run("clock", "advance", "120s", "--endpoint", cloud.endpoint)
        same(len(points(cloud, id, "CPUUtilization")), n, "datapoints of a stopped instance")
        cloud.terminate(id)
    finally:
        cloud.close()
