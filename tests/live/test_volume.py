"""Volumes beside the root: block devices of guests, and what their data lives through."""
import os
import subprocess

from cloud import check, same, wait
from lab import beside, test

DEVICE = "/dev/sdf"


def volume(cloud, id):
    return cloud.call("DescribeVolumes", VolumeId=[id])["volumeSet"][0]


def attachment(cloud, id):
    return (volume(cloud, id)["attachmentSet"] or [{}])[0].get("status")


def create(cloud, zone="us-east-1a", gib=1, **params):
    id = cloud.call("CreateVolume", AvailabilityZone=zone, Size=gib, **params)["volumeId"]
    wait("the volume", lambda: volume(cloud, id)["status"] == "available")
    return id


def attach(cloud, id, instance, device=DEVICE):
    cloud.call("AttachVolume", VolumeId=id, InstanceId=instance, Device=device)
    wait(f"{id} in {instance}", lambda: attachment(cloud, id) == "attached")


def detach(cloud, id, **params):
    cloud.call("DetachVolume", VolumeId=id, **params)
    wait(f"{id} to be available", lambda: volume(cloud, id)["status"] == "available")


@test
def the_data_of_a_volume_moves_from_one_instance_to_another(lab):
    cloud = lab.new_cloud("volume").up()
    try:
        a, = cloud.launch(InstanceType="t2.micro")
        b, = cloud.launch(InstanceType="t3.micro")
        zone = cloud.instance(a)["placement"]["availabilityZone"]
        same(cloud.instance(b)["placement"]["availabilityZone"], zone, "the zone of both")
        for id in (a, b):
            cloud.booted(id)
        vol = create(cloud, zone)
        attach(cloud, vol, a)
        same(cloud.sh(a, "readlink /dev/sdf").split(), ["xvdf"], "the link to the device")
        same(cloud.sh(a, "cat /sys/class/block/$("
                         "echo loop$((0x$(stat -Lc %T /dev/xvdf))))/size").split(),
             [str(2 << 20)], "sectors of the device")
        cloud.sh(a, "mke2fs /dev/xvdf >/dev/null && mkdir /data && mount -t ext2 /dev/xvdf /data")
        cloud.sh(a, "echo kept >/data/file; chown 1000:1000 /data/file; umount /data")
        detach(cloud, vol)
        check(cloud.exec(a, "test", "-e", "/dev/xvdf")[0] != 0, "the device is still there")
        attach(cloud, vol, b)
        out = cloud.sh(b, "mkdir /data && mount -t ext2 /dev/nvme1n1 /data && cat /data/file && "
                          "stat -c %u /data/file && readlink /dev/sdf && readlink /dev/xvdf && "
                          "ls -L /dev/disk/by-id")
        same(out.split(), ["kept", "1000", "nvme1n1", "nvme1n1",
                           "nvme-Amazon_Elastic_Block_Store_" + vol.replace("-", "")], "in the other")
    finally:
        cloud.close()


def hostile(cloud, vol):
    """What no guest can make: a node of the host's first disk on the volume's file system."""
    file = os.path.join(cloud.data, "volumes", vol)
    at = os.path.join(cloud.data, "at")
    os.makedirs(at, exist_ok=True)
    subprocess.run(["mount", "-o", "loop", file, at], check=True)
    try:
        disk = next(line.split() for line in open("/proc/partitions") if "vd" in line or "sd" in line)
        os.mknod(os.path.join(at, "disk"), 0o60666, os.makedev(int(disk[0]), int(disk[1])))
        os.chmod(os.path.join(at, "disk"), 0o666)
    finally:
        subprocess.run(["umount", at], check=True)


@test
def a_volume_gives_its_guest_nothing_of_the_host(lab):
    cloud = lab.new_cloud("hostile").up()
    try:
        a, b = cloud.launch(n=2, InstanceType="t2.micro")
        for id in (a, b):
            cloud.booted(id)
        vol, other = create(cloud), create(cloud)
        attach(cloud, vol, a)
        cloud.sh(a, "mke2fs /dev/xvdf >/dev/null")
        detach(cloud, vol)
        hostile(cloud, vol)
        attach(cloud, vol, a)
        attach(cloud, other, b)
        cloud.sh(a, "mkdir -p /data && mount -t ext2 /dev/xvdf /data && test -b /data/disk")
        status, out = cloud.exec(a, "head", "-c", "1", "/data/disk")
        check(status != 0 and b"denied" in out, f"a node of the host's disk opened: {out!r}")
        status, out = cloud.exec(a, "mount", "-o", "remount,bind,dev", "/data")
        check(status != 0, "nodev was taken away")
        cloud.sh(a, "mkdir /more && mount --bind /data /more")
        check(cloud.exec(a, "mount", "-o", "remount,bind,dev", "/more")[0] != 0, "of a bind")
        check(cloud.exec(a, "head", "-c", "1", "/more/disk")[0] != 0, "the disk of a bind")
        # Another instance's device, by its number: the guest's own node opens nothing, and the
        # kernel's name is not there.
        cloud.sh(a, "umount /more && umount /data && test ! -e /dev/loop0")
        status, out = cloud.exec(a, "losetup", "-d", "/dev/xvdf")
        check(status != 0, "a guest cleared its loop device")
        cloud.sh(a, "mount -t ext2 /dev/xvdf /data && umount /data")
        same(cloud.exec(a, "mount", "-t", "ext2", "-o", "journal_path=/etc/passwd", "/dev/xvdf",
                        "/data")[0] != 0, True, "an option that opens the host's files")
        # A file system that panics on errors, mounted, says otherwise.
        out = cloud.sh(a, "mount -t ext2 -o errors=panic /dev/xvdf /data; cat /proc/mounts")
        line = next(l for l in out.splitlines() if " /data " in l)
        check("errors=panic" not in line and line.startswith("/dev/xvdf "), line)
        # Kept by a bind, a node opens nothing once the volume is gone.
        cloud.sh(a, "umount /data; touch /kept && mount --bind /dev/xvdf /kept")
        detach(cloud, vol)
        check(cloud.exec(a, "head", "-c", "1", "/kept")[0] != 0, "a node outlived its volume")
        attach(cloud, vol, b, "/dev/sdg")
        check(cloud.exec(a, "head", "-c", "1", "/kept")[0] != 0, "another's volume was read")
    finally:
        cloud.close()


@test
def a_volume_lives_through_stops_kills_and_detaches_as_a_disk_does(lab):
    cloud = lab.new_cloud("disk").up()
    try:
        a, = cloud.launch(InstanceType="t2.micro")
        cloud.booted(a)
        vol = create(cloud)
        attach(cloud, vol, a)
        cloud.sh(a, "mke2fs /dev/xvdf >/dev/null; mkdir /data; mount /dev/xvdf /data; echo 1 >/data/n")
        # The daemon and its helper die: it is still mounted, and what is mounted next is too.
        cloud.kill9_both()
        cloud.up()
        same(cloud.sh(a, "cat /data/n; echo 2 >/data/n; umount /data; mount /dev/xvdf /data; "
                         "cat /data/n").split(), ["1", "2"], "after kill -9 of both")
        # Mounted, it stays until the guest lets it go.
        cloud.call("DetachVolume", VolumeId=vol)
        wait("busy", lambda: attachment(cloud, vol) == "busy")
        same(cloud.sh(a, "cat /data/n").split(), ["2"], "while it is detaching")
        cloud.sh(a, "umount /data")
        wait("available", lambda: volume(cloud, vol)["status"] == "available")
        # A stopped instance has it at its next boot, before its first program.
        attach(cloud, vol, a)
        cloud.sh(a, "mount /dev/xvdf /data; echo 3 >/data/n; sync")
        cloud.stop_instance(a)
        same(attachment(cloud, vol), "attached", "while the instance is stopped")
        cloud.start_instance(a)
        cloud.booted(a)
        same(cloud.sh(a, "mount /dev/xvdf /data; cat /data/n").split(), ["3"], "after a stop")
        cloud.reboot_instance(a)
        same(cloud.sh(a, "mount /dev/xvdf /data; cat /data/n").split(), ["3"], "after a reboot")
        # By force: the guest has an error, the next one has the data.
        cloud.sh(a, "echo 4 >/data/n; sync")
        detach(cloud, vol, Force=True)
        check(cloud.exec(a, "sh", "-c", "echo 3 | dd of=/dev/xvdf bs=512 seek=9 conv=fsync")[0] != 0
              or not cloud.exec(a, "test", "-b", "/dev/xvdf")[0] == 0, "a dead device is written")
        b, = cloud.launch(InstanceType="t2.micro")
        cloud.booted(b)
        attach(cloud, vol, b)
        same(cloud.sh(b, "mkdir /data; mount /dev/xvdf /data; cat /data/n").split(), ["4"],
             "after a detach by force")
        cloud.exec(a, "sh", "-c", "echo 5 >/data/n; sync")
        same(cloud.sh(b, "umount /data; mount /dev/xvdf /data; cat /data/n").split(), ["4"],
             "what the first wrote then")
    finally:
        cloud.close()
