"""Faults of the hardware, by hand: what `welkin fault` says, and what status checks, recovery and
events make of it.  The same on the simulated host, where nothing runs."""
import json

from cloud import check, same, wait
from lab import test


def told(cloud, *args):
    """What a command prints."""
    done = cloud.run(*args, "--endpoint", cloud.endpoint)
    same(done.returncode, 0, f"welkin {' '.join(args)}: {done.stderr.decode()}")
    return done.stdout.decode()


def later(cloud, how_long):
    told(cloud, "clock", "advance", how_long)


def host_of(cloud, id):
    status, body = cloud.get("/_welkin/region?id=us-east-1a")
    same(status, 200, "the region")
    return next((h["host"] for h in json.loads(body)["hosts"] if id in h["instances"]), None)


def in_zone(cloud, **more):
    id, = cloud.launch("#!/bin/sh\n", Placement={"AvailabilityZone": "us-east-1a"}, **more)
    cloud.wait_state(id, "running")
    if cloud.host == "sandbox":
        cloud.booted(id)
    later(cloud, "61s")
    wait("its checks to pass", lambda: cloud.status(id) == ("ok", "ok"))
    return id


def an_instance_recovers(cloud, kind, target_of):
    id = in_zone(cloud)
    before, host = cloud.instance(id), host_of(cloud, id)
    target = target_of(host)
    if cloud.host == "sandbox":
        cloud.sh(id, "touch /run/in-memory; echo kept >/root/on-disk")
    said = told(cloud, "fault", kind, target, "on")
    check(id in said and host in said and f"kind {kind}, target {target}" in said, said)
    same(cloud.status(id), ("impaired", "impaired"), f"the checks after a fault of the {kind}")
    later(cloud, "2m")
    wait("the instance to recover", lambda: host_of(cloud, id) not in (host, None))
    check(not host_of(cloud, id).startswith(target + "/"), "it recovered to the broken place")
    wait("its checks to pass again", lambda: cloud.status(id)[0] == "ok")
    after = cloud.instance(id)
    for what in "privateIpAddress", "ipAddress", "launchTime":
        same(after[what], before[what], f"{what} after the recovery")
    if cloud.host == "sandbox":
        wait("what was in memory to be lost",
             lambda: cloud.exec(id, "test", "!", "-e", "/run/in-memory")[0] == 0)
        cloud.booted(id)
        same(cloud.sh(id, "cat /root/on-disk"), "kept\n", "its disk")
    said = told(cloud, "fault", kind, target, "off")
    check("faults" not in said, said)
    cloud.terminate(id)


def an_instance_cannot_flee(cloud, kind, target_of):
    id = in_zone(cloud)
    host = host_of(cloud, id)
    target = target_of(host)
    told(cloud, "fault", kind, target, "on")
    same(cloud.status(id), ("impaired", "impaired"), f"the checks after a fault of the {kind}")
    later(cloud, "3m")
    same((host_of(cloud, id), cloud.status(id)), (host, ("impaired", "impaired")), "later")
    if target == "us-east-1a":
        cloud.refused("InsufficientInstanceCapacity", "RunInstances", MinCount=1, MaxCount=1,
                      ImageId=cloud.instance(id)["imageId"], InstanceType="t3.micro",
                      Placement={"AvailabilityZone": "us-east-1a"})
    told(cloud, "fault", kind, target, "off")
    wait("its checks to pass again", lambda: cloud.status(id) == ("ok", "ok"))
    cloud.terminate(id)


def an_instance_is_retired(cloud):
    """One that does not recover: an event, in the hours of its window."""
    id = in_zone(cloud)
    host = host_of(cloud, id)
    cloud.call("ModifyInstanceMaintenanceOptions", InstanceId=id, AutoRecovery="disabled")
    window = cloud.call("CreateInstanceEventWindow",
                        CronExpression="* 2-6 * * SUN")["instanceEventWindow"]
    cloud.call("AssociateInstanceEventWindow",
               InstanceEventWindowId=window["instanceEventWindowId"],
               AssociationTarget={"InstanceId": [id]})
    told(cloud, "fault", "host", host, "on")
    later(cloud, "2m")

    def events():
        reply = cloud.call("DescribeInstanceStatus", InstanceId=[id], IncludeAllInstances=True)
        return reply["instanceStatusSet"][0].get("eventsSet")
    event, = wait("the retirement", events)
    same((event["code"], event["notBefore"][11:16]), ("instance-retirement", "02:00"), "the event")
    if cloud.host == "sandbox":
        scheduled = json.loads(cloud.imds(id, "/latest/meta-data/events/maintenance/scheduled"))
        same([e["Code"] for e in scheduled], ["instance-retirement"], "what the guest is told")
    # Stopping and starting it is the cure.
    cloud.stop_instance(id)
    cloud.start_instance(id)
    check(host_of(cloud, id) != host, "it started on the host that is broken")
    check(events()[0]["description"].startswith("[Completed]"), "the event is not over")
    same(cloud.status(id)[0], "ok", "the system check")
    told(cloud, "fault", "host", host, "off")
    cloud.terminate(id)


def a_place_that_is_none_is_refused(cloud):
    done = cloud.run("fault", "rack", "us-east-1a/r99999", "on", "--endpoint", cloud.endpoint)
    check(done.returncode != 0 and b"kind=zone, rack, host or network" in done.stderr,
          f"a rack that is not there: {done.stderr}")


def every_fault(lab, host):
    """Each with a cloud of its own: the clock only goes forward, and signatures have a time."""
    for n, (case, *more) in enumerate((
            (an_instance_recovers, "host", lambda host: host),
            (an_instance_recovers, "rack", lambda host: host.rpartition("/")[0]),
            (an_instance_cannot_flee, "zone", lambda host: host.split("/")[0]),
            (an_instance_cannot_flee, "network", lambda host: host.rpartition("/")[0]),
            (an_instance_is_retired,), (a_place_that_is_none_is_refused,))):
        cloud = lab.new_cloud(f"faults-{host}-{n}", host).up()
        try:
            case(cloud, *more)
        finally:
            cloud.close()


# proves: STAT-08 STAT-09 STAT-10 STAT-11 DR-19
@test
def a_fault_is_seen_in_checks_recovery_and_events(lab):
    every_fault(lab, "sandbox")


@test
def a_fault_is_seen_with_the_simulated_host_too(lab):
    every_fault(lab, "sim")
