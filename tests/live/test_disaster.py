"""Disks that are lost: from inside, and with their machine."""
import time

from cloud import check, same, wait
from lab import test
from test_baked import image_ready


def answers(cloud, id):
    """Whether a shell inside runs a command."""
    return cloud.exec(id, "sh", "-c", "echo alive") == (0, b"alive\n")


# proves: EBS-07
@test
def what_is_deleted_inside_breaks_the_instance_and_no_other(lab):
    cloud = lab.cloud
    one, beside = cloud.launch("#!/bin/sh\n", 2)
    for id in one, beside:
        cloud.booted(id)
        check(answers(cloud, id), "a new instance")
    cloud.exec(one, "busybox", "rm", "-rf", "/bin", "/sbin", "/usr", "/lib", "/lib64", "/etc", "/root",
               "/var", "/srv", "/home")
    check(not answers(cloud, one), "a shell without its file")
    same(cloud.state(one), "running", "the state of what is broken inside")
    # the disk is what it is: another start does not mend it
    cloud.call("StopInstances", InstanceId=[one], Force="true")
    cloud.wait_state(one, "stopped")
    cloud.call("StartInstances", InstanceId=[one])
    cloud.wait_state(one, "running")
    check(not answers(cloud, one), "a shell without its file, after a start")
    # neither its image nor its neighbour has lost anything
    check(answers(cloud, beside), "its neighbour")
    new, = cloud.launch("#!/bin/sh\n")
    cloud.booted(new)
    check(answers(cloud, new), "an instance of the same image")
    cloud.terminate(one, beside, new)


def backed_up(cloud, id, name):
    image = cloud.call("CreateImage", InstanceId=id, Name=name, NoReboot="true")["imageId"]
    image_ready(cloud, image)
    return image


def newest_backup(cloud):
    images = cloud.call("DescribeImages", Owner=["self"], Filter=[
        {"Name": "name", "Value": ["backup-*"]}])["imagesSet"]
    return max(images, key=lambda image: image["name"])


# proves: DR-02 DR-03 DR-04 DR-25
@test
def a_lost_machine_comes_back_with_what_it_had_at_its_last_backup(lab):
    cloud = lab.cloud
    one, = cloud.launch("#!/bin/sh\n")
    cloud.booted(one)
    backups = []
    for n in range(3):
        cloud.sh(one, f"echo {n} >>/srv/journal")
        if n < 2:
            backups.append(backed_up(cloud, one, f"backup-{n}"))
    cloud.terminate(one)
    lost = time.monotonic()
    newest = newest_backup(cloud)
    same(newest["imageId"], backups[1], "the newest backup")
    # where it is: a snapshot, of this region
    snapshot = newest["blockDeviceMapping"][0]["ebs"]["snapshotId"]
    same(cloud.call("DescribeSnapshots", SnapshotId=[snapshot])["snapshotSet"][0]["status"],
         "completed", "the state of its snapshot")
    two, = cloud.launch("", ImageId=newest["imageId"])
    cloud.wait_state(two, "running")
    wait("the service again", lambda: cloud.exec(two, "cat", "/srv/journal")[0] == 0)
    took = time.monotonic() - lost
    print(f"     recovered in {took:.2f} s")
    check(took < 60, f"the time to recover: {took} s")
    # all until the backup, and nothing of what came after it
    same(cloud.sh(two, "cat /srv/journal"), "0\n1\n", "what is there again")
    cloud.terminate(two)
    for id in backups:
        cloud.call("DeregisterImage", ImageId=id, DeleteAssociatedSnapshots="true")
