"""How instances end, stop, start and come back."""
import json
import os
import signal
import time

from cloud import check, page, same, wait
from lab import allow, group, test

WEB = "#!/bin/sh\nmkdir -p /var/www\necho served >/var/www/index.html\nhttpd -p 8080 -h /var/www\n"


def protected_by_behaviour(cloud, behaviour, protected):
    id, = cloud.launch(InstanceInitiatedShutdownBehavior=behaviour,
                       DisableApiTermination=protected)
    cloud.booted(id)
    return id


# proves: LIFE-01 LIFE-02 LIFE-03 LIFE-04
@test
def eight_ways_to_end(lab):
    cloud = lab.cloud
    # The OS shuts down: the behaviour decides, whatever the protection says.
    for behaviour, end in (("stop", "stopped"), ("terminate", "terminated")):
        for protected in (False, True):
            id = protected_by_behaviour(cloud, behaviour, protected)
            cloud.exec(id, "shutdown", "-h", "now")
            cloud.wait_state(id, end)
            reason = cloud.instance(id)["stateReason"]
            same(reason["code"], "Client.InstanceInitiatedShutdown", f"{behaviour} {protected}")
    # stop is the default
    id, = cloud.launch()
    cloud.booted(id)
    cloud.exec(id, "poweroff")
    cloud.wait_state(id, "stopped")
    # The API: StopInstances stops, TerminateInstances is refused by the protection alone.
    for behaviour in ("stop", "terminate"):
        for protected in (False, True):
            id = protected_by_behaviour(cloud, behaviour, protected)
            cloud.stop_instance(id)
            if protected:
                text = cloud.refused("OperationNotPermitted", "TerminateInstances",
                                     InstanceId=[id])
                check("may not be terminated. Modify its 'disableApiTermination' instance "
                      "attribute and try again." in text, text)
                same(cloud.state(id), "stopped", "after the refusal")
                cloud.call("ModifyInstanceAttribute", InstanceId=id,
                           DisableApiTermination={"Value": False})
            cloud.terminate(id)
            cloud.wait_state(id, "terminated")


@test
def stop_protection_holds_against_the_api_only(lab):
    cloud = lab.cloud
    id, = cloud.launch(DisableApiStop=True)
    cloud.booted(id)
    cloud.refused("OperationNotPermitted", "StopInstances", InstanceId=[id])
    cloud.exec(id, "poweroff")
    cloud.wait_state(id, "stopped")


# proves: LIFE-05
@test
def a_disk_outlives_a_stop_but_memory_does_not(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    cloud.sh(id, "echo kept >/root/file; echo lost >/run/file; dd if=/dev/urandom of=/srv/big "
             "bs=1M count=8 2>/dev/null; rm /etc/motd; mkdir -p /opt/a/b; ln -s /root/file /opt/a/b/l;"
             "chown 1000:33 /opt/a; chmod 2750 /opt/a; sync")
    digest = cloud.sh(id, "sha256sum /srv/big")
    cloud.stop_instance(id)
    cloud.start_instance(id)
    cloud.booted(id)
    same(cloud.sh(id, "cat /opt/a/b/l; sha256sum /srv/big"), "kept\n" + digest, "the disk")
    same(cloud.sh(id, "stat -c '%u:%g %a' /opt/a; ls /etc/motd /run/file 2>/dev/null; true"),
         "1000:33 2750\n", "owners, modes and what is gone")


# proves: LIFE-06
@test
def termination_deletes_the_volumes_that_say_so(lab):
    cloud = lab.cloud
    gone, kept = cloud.launch(n=2)
    for id in (gone, kept):
        cloud.wait_state(id, "running")
    volume = {id: cloud.instance(id)["blockDeviceMapping"][0]["ebs"] for id in (gone, kept)}
    same(volume[gone]["deleteOnTermination"], "true", "the default of a root volume")
    cloud.call("ModifyInstanceAttribute", InstanceId=kept, BlockDeviceMapping=[
        {"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}])
    machine = os.path.join(cloud.data, "machines", gone)
    check(os.path.isdir(machine), "the disk is not where this test looks")
    cloud.terminate(gone, kept)
    cloud.wait_state(gone, "terminated")
    cloud.wait_state(kept, "terminated")
    cloud.refused("InvalidVolume.NotFound", "DescribeVolumes",
                  VolumeId=[volume[gone]["volumeId"]])
    left = cloud.call("DescribeVolumes", VolumeId=[volume[kept]["volumeId"]])["volumeSet"]
    same(left[0]["status"], "available", "the volume that is kept")
    wait("the disk to be deleted", lambda: not os.path.exists(machine))


# proves: LIFE-07
@test
def stop_and_start_change_the_public_address_only(lab):
    cloud = lab.cloud
    web = group(cloud, "life-07", ("tcp", 8080, 8080))
    id, = cloud.launch("#cloud-boothook\n" + WEB, SecurityGroupId=[web])
    cloud.booted(id)
    before = cloud.instance(id)
    wait("the page", lambda: page(before["ipAddress"]) == "served\n")
    cloud.reboot_instance(id)
    same(cloud.instance(id)["ipAddress"], before["ipAddress"], "after a reboot")
    cloud.stop_instance(id)
    check("ipAddress" not in cloud.instance(id), "a stopped instance has a public address")
    cloud.start_instance(id)
    after = cloud.instance(id)
    same(after["privateIpAddress"], before["privateIpAddress"], "the private address")
    check(after["ipAddress"] != before["ipAddress"], "the public address is the same")
    wait("the page at the new address", lambda: page(after["ipAddress"]) == "served\n")
    same(page(before["ipAddress"], timeout=0.5), None, "the old address")
    cloud.booted(id)
    same(cloud.imds(id, "/latest/meta-data/public-ipv4"), after["ipAddress"], "metadata")


# proves: LIFE-09
@test
def an_instance_goes_through_the_states_by_their_names(lab):
    cloud = lab.cloud
    seen = []

    def note(reply):
        for change in reply["instancesSet"]:
            seen.extend([change["previousState"]["name"], change["currentState"]["name"]])

    reply = cloud.call("RunInstances", ImageId="ami-009d6802948d06e52", MinCount=1, MaxCount=1,
                       InstanceType="t3.micro")["instancesSet"][0]
    id = reply["instanceId"]
    cloud.launched.append((id, {}))
    seen.append(reply["instanceState"]["name"])
    cloud.wait_state(id, "running")
    note(cloud.call("StopInstances", InstanceId=[id]))
    cloud.wait_state(id, "stopped")
    note(cloud.call("StartInstances", InstanceId=[id]))
    cloud.wait_state(id, "running")
    note(cloud.call("TerminateInstances", InstanceId=[id]))
    cloud.wait_state(id, "terminated")
    seen.append("terminated")
    same(seen, ["pending", "running", "stopping", "stopped", "pending", "running",
                "shutting-down", "terminated"], "states")


@test
def reboot_from_inside_is_a_reboot(lab):
    cloud = lab.cloud
    id, = cloud.launch()
    cloud.booted(id)
    before = cloud.instance(id)
    cloud.sh(id, "touch /run/before-reboot /root/kept")
    cloud.exec(id, "reboot")
    wait("the next boot", lambda: cloud.exec(
        id, "sh", "-c", "test ! -e /run/before-reboot -a -e /run/cloud-init/result.json")[0] == 0)
    after = cloud.instance(id)
    for name in ("instanceState", "launchTime", "ipAddress", "privateIpAddress"):
        same(after[name], before[name], name)
    cloud.sh(id, "test -e /root/kept")


# ---- daemons that die -------------------------------------------------------------------------

@test
def a_killed_daemon_leaves_instances_running(lab):
    cloud = lab.new_cloud("killed").up()
    try:
        web = group(cloud, "web", ("tcp", 8080, 8080))
        id, = cloud.launch(WEB + "while :; do date +%s.%N; sleep 0.05; done >/dev/console &\n",
                           SecurityGroupId=[web])
        cloud.booted(id)
        ip = cloud.instance(id)["ipAddress"]
        wait("the page", lambda: page(ip) == "served\n")
        for kill in (cloud.kill9, cloud.kill9_both):
            before = cloud.instance(id)
            start = cloud.sh(id, "cut -d' ' -f22 /proc/1/stat")
            kill()
            same(page(ip), "served\n", "the page while no daemon runs")
            cloud.up()
            after = cloud.instance(id)
            same(after, before, "the instance after the restart")
            same(page(ip), "served\n", "the page after the restart")
            same(cloud.imds(id, "/latest/meta-data/instance-id"), id, "metadata")
            same(cloud.sh(id, "cut -d' ' -f22 /proc/1/stat"), start, "its PID 1")
            text = cloud.console(id)
            wait("the console to go on", lambda text=text: len(cloud.console(id)) > len(text))
            check("Welkin init" in cloud.console(id), "the console forgot its beginning")
        # The firewall still is the API's.
        revoke_and_check(cloud, web, ip)
        cloud.stop_instance(id)
        cloud.start_instance(id)
    finally:
        cloud.close()


def revoke_and_check(cloud, web, ip):
    cloud.call("RevokeSecurityGroupIngress", GroupId=web, IpProtocol="tcp", FromPort=8080,
               ToPort=8080, CidrIp="0.0.0.0/0")
    wait("the page to be out of reach", lambda: page(ip, timeout=0.3) is None)
    allow(cloud, web, "tcp", 8080, 8080)
    wait("the page to be back", lambda: page(ip) == "served\n")


@test
def an_instance_that_dies_while_nobody_looks_is_found(lab):
    cloud = lab.new_cloud("died").up()
    try:
        for kill in (cloud.kill9, cloud.kill9_both):
            stops, = cloud.launch("#!/bin/sh\n(sleep 1; poweroff) &\n")
            ends, = cloud.launch("#!/bin/sh\n(sleep 1; poweroff) &\n",
                                 InstanceInitiatedShutdownBehavior="terminate")
            lives, = cloud.launch()
            for id in (stops, ends, lives):
                cloud.wait_state(id, "running")
            kill()
            time.sleep(1.5)
            cloud.up()
            cloud.wait_state(stops, "stopped")
            cloud.wait_state(ends, "terminated")
            same(cloud.state(lives), "running", "the one that lives")
            cloud.start_instance(stops)
            cloud.terminate(stops, lives)
    finally:
        cloud.close()


@test
def a_host_that_reboots_loses_no_instance(lab):
    """Everything is killed and what a reboot empties is deleted."""
    cloud = lab.new_cloud("rebooted").up()
    try:
        web = group(cloud, "web", ("tcp", 8080, 8080))
        id, = cloud.launch("#cloud-boothook\n" + WEB + "echo boot >>/root/boots\n",
                           SecurityGroupId=[web])
        cloud.booted(id)
        before = cloud.instance(id)
        inits = cloud.sandboxes()
        same(len(inits), 1, "sandboxes")
        cloud.kill9_both(keeper=True)
        for pid in inits:
            os.kill(pid, signal.SIGKILL)
        wait("the sandboxes to end", lambda: not any(os.path.exists(f"/proc/{p}") for p in inits))
        done = cloud.run("down", "--data", cloud.data)  # takes the namespaces and rules away
        check(done.returncode == 0, done.stderr.decode())
        cloud.forget_run_state()
        cloud.up()
        cloud.wait_state(id, "stopped")
        same(cloud.instance(id)["privateIpAddress"], before["privateIpAddress"], "its address")
        cloud.start_instance(id)
        cloud.booted(id)
        same(cloud.sh(id, "cat /root/boots"), "boot\nboot\n", "the disk")
        wait("the page", lambda: page(cloud.instance(id)["ipAddress"]) == "served\n")
    finally:
        cloud.close()


@test
def a_reset_cloud_is_empty_and_works_on(lab):
    cloud = lab.new_cloud("reset").up()
    try:
        for _ in range(3):
            web = group(cloud, "web", ("tcp", 8080, 8080))
            ids = cloud.launch(WEB, 2, SecurityGroupId=[web])
            for id in ids:
                cloud.booted(id)
                same(cloud.imds(id, "/latest/meta-data/instance-id"), id, "metadata")
                ip = cloud.instance(id)["ipAddress"]
                wait("the page", lambda ip=ip: page(ip) == "served\n")
            done = cloud.run("reset", "--yes", "--endpoint", cloud.endpoint)
            check(done.returncode == 0, done.stderr.decode())
            same(cloud.call("DescribeInstances")["reservationSet"], [], "instances")
        wait("the sandboxes to end", lambda: not cloud.sandboxes())
        same(os.listdir(os.path.join(cloud.data, "machines")), [], "disks")
    finally:
        cloud.close()


@test
def down_ends_every_sandbox_and_leaves_nothing_on_the_host(lab):
    def interfaces():
        return sorted(os.listdir("/proc/sys/net/ipv4/conf"))

    before = interfaces()
    cloud = lab.new_cloud("down").up()
    try:
        id, = cloud.launch()
        cloud.booted(id)
        check(interfaces() != before, "no interface was made")
        with open("/proc/self/mountinfo") as f:
            mounts = sum(cloud.data in line for line in f)
        inits = cloud.sandboxes()
        same(cloud.stop(), 0, "the daemon's exit status")
        check(os.path.exists(f"/proc/{inits[0]}"), "the instance ended with the daemon")
        cloud.down()
        wait("the sandbox to end", lambda: not os.path.exists(f"/proc/{inits[0]}"))
        # of other clouds some may still be going meanwhile
        wait("the interfaces to go", lambda: not set(interfaces()) - set(before))
        with open("/proc/self/mountinfo") as f:
            check(sum(cloud.data in line for line in f) <= mounts, "mounts are left")
        wait("the processes to go", lambda: not cloud.children())
        check(os.path.isdir(os.path.join(cloud.data, "machines", id)), "the disk is gone")
        cloud.up()
        cloud.wait_state(id, "stopped")
        cloud.start_instance(id)
    finally:
        cloud.close()


def checks(cloud, id):
    """(system, instance) status."""
    about, = cloud.call("DescribeInstanceStatus", InstanceId=[id])["instanceStatusSet"]
    return about["systemStatus"]["status"], about["instanceStatus"]["status"]


def later(cloud, how_long):
    done = cloud.run("clock", "advance", how_long, "--endpoint", cloud.endpoint)
    same(done.returncode, 0, "welkin clock")


# proves: STAT-05 STAT-12
@test
def a_guest_that_loses_its_network_fails_its_check_and_a_reboot_mends_it(lab):
    cloud = lab.new_cloud("checks").up()
    try:
        id, = cloud.launch("#!/bin/sh\n")
        cloud.booted(id)
        later(cloud, "61s")
        time.sleep(1.7)
        same(checks(cloud, id), ("ok", "ok"), "a guest that works")
        cloud.sh(id, "ip link set eth0 down")
        later(cloud, "61s")
        wait("the check to fail", lambda: checks(cloud, id) == ("ok", "impaired"))
        cloud.call("RebootInstances", InstanceId=[id])
        wait("the guest after a reboot", lambda: checks(cloud, id) == ("ok", "ok"))
        later(cloud, "61s")
        time.sleep(1.7)
        same(checks(cloud, id), ("ok", "ok"), "after the reboot")
        # A scheduled event, told in the metadata and carried out.
        done = cloud.run("event", id, "instance-stop", "--in", "5m", "--endpoint", cloud.endpoint)
        same(done.returncode, 0, f"welkin event: {done.stderr}")
        told = json.loads(cloud.imds(id, "/latest/meta-data/events/maintenance/scheduled"))
        same([(e["Code"], e["State"]) for e in told], [("instance-stop", "active")], "what is told")
        later(cloud, "5m")
        cloud.wait_state(id, "stopped")
    finally:
        cloud.close()


def busy_cpu(cloud, id):
    """Seconds of processor that a busy loop of two seconds gets."""
    out = cloud.sh(id, "timeout 2 sh -c 'while :; do :; done'; times")
    total = 0.0
    for text in out.split()[2:4]:  # of the children, user and system: "0m1.98s"
        minutes, seconds = text.rstrip("s").split("m")
        total += 60 * float(minutes) + float(seconds)
    return total


# proves: ITYPE-10
@test
def a_standard_instance_without_credits_gets_its_baseline_and_no_more(lab):
    cloud = lab.new_cloud("credits").up()
    try:
        # A t3 begins without credits; the baseline of a nano is a tenth of a processor.
        id, = cloud.launch("#!/bin/sh\n", InstanceType="t3.nano",
                           CreditSpecification={"CpuCredits": "standard"})
        cloud.booted(id)
        used = busy_cpu(cloud, id)
        check(used < 0.4, f"a standard instance without credits used {used} s of 2 s")
        cloud.call("ModifyInstanceCreditSpecification", InstanceCreditSpecification=[
            {"InstanceId": id, "CpuCredits": "unlimited"}])
        # On a machine with much else to do a try may get little.
        wait(f"an unlimited one to use much more than {used} s",
             lambda: busy_cpu(cloud, id) > 2 * used, 60)
    finally:
        cloud.close()


@test
def an_instance_that_is_terminated_while_it_reboots_goes(lab):
    """The kill may find no process: one has ended, and the next has not begun."""
    cloud = lab.cloud
    ids = [cloud.launch()[0] for _ in range(8)]
    for id in ids:
        cloud.booted(id)
    for number, id in enumerate(ids):
        cloud.call("RebootInstances", InstanceId=[id])
        time.sleep(number * 0.002)
        cloud.call("TerminateInstances", InstanceId=[id])
    for id in ids:
        wait(f"{id} to be gone", lambda: cloud.state(id) == "terminated", 15, 0.05)


@test
def four_hundred_instances_boot(lab):
    """What makes them holds more than 1,024 descriptors then, and theirs come after those."""
    cloud = lab.cloud
    ids = [id for _ in range(8) for id in cloud.launch(n=50, InstanceType="t3.nano")]
    for id in ids:
        cloud.booted(id, 60)
    for at in range(0, len(ids), 50):
        cloud.call("TerminateInstances", InstanceId=ids[at:at + 50])
    for id in ids:
        wait(f"{id} to be gone", lambda: cloud.state(id) == "terminated", 60, 0.05)
