"""Images that are made of instances, and what instances of them find on their disks."""
import os
import time

from cloud import AMI, check, page, same, wait
from lab import group, test


def image_ready(cloud, id):
    def ready():
        state = cloud.call("DescribeImages", ImageId=[id])["imagesSet"][0]["imageState"]
        check(state != "failed", "the image has failed")
        return state == "available"
    wait("the image", ready, 30, 0.05)


# proves: AMI-01 AMI-05 AMI-06
@test
def a_baked_image_boots_with_what_its_instance_had(lab):
    cloud = lab.cloud
    one, = cloud.launch("#!/bin/sh\necho x >>/root/count\n", ImageId=AMI)
    cloud.wait_state(one, "running")
    wait("the script", lambda: cloud.exec(one, "cat", "/root/count")[1] == b"x\n")
    cloud.sh(one, "mkdir -p /srv/a/b; echo baked >/srv/a/b/page; ln /srv/a/b/page /srv/hard; "
                  "ln -s /etc/passwd /srv/soft; chmod 4711 /srv/hard; chown 12:34 /srv/hard; "
                  "rm /etc/passwd-; rm -rf /var/empty; mkdir /var/empty; echo gone >/etc/motd; "
                  "rm -f /etc/motd; dd if=/dev/zero of=/srv/holes bs=1 count=1 seek=9999999")
    before = cloud.sh(one, "stat -c '%a %u:%g %h %Y' /srv/hard; ls -A / /etc /var")
    began = time.monotonic()
    image = cloud.call("CreateImage", InstanceId=one, Name="baked")["imageId"]
    image_ready(cloud, image)
    print(f"     CreateImage with a reboot: {time.monotonic() - began:.2f} s")
    wait("the instance again", lambda: cloud.exec(one, "cat", "/srv/a/b/page")[0] == 0)
    cloud.sh(one, "echo later >/srv/later")
    two, = cloud.launch("", ImageId=image)
    cloud.wait_state(two, "running")
    same(cloud.sh(two, "cat /srv/a/b/page /srv/hard; readlink /srv/soft; test -e /srv/later || echo no"),
         "baked\nbaked\n/etc/passwd\nno\n", "what was baked")
    same(cloud.sh(two, "stat -c '%a %u:%g %h %Y' /srv/hard; ls -A / /etc /var"), before, "its facts")
    same(cloud.sh(two, "stat -c %s /srv/holes; du -k /srv/holes | cut -f1").split()[0], "10000000",
         "a file with a hole")
    check(int(cloud.sh(two, "du -k /srv/holes").split()[0]) < 100, "the hole is a hole")
    # An image of an image, without a reboot; user data runs again, for it is another instance
    cloud.sh(two, "echo second >>/srv/a/b/page; rm /srv/soft")
    again = cloud.call("CreateImage", InstanceId=two, Name="again", NoReboot="true")["imageId"]
    image_ready(cloud, again)
    three, = cloud.launch("#!/bin/sh\necho x >>/root/count\n", ImageId=again)
    cloud.wait_state(three, "running")
    same(cloud.sh(three, "cat /srv/a/b/page; test -L /srv/soft || echo no"), "baked\nsecond\nno\n",
         "the second layer")
    wait("the script of the third", lambda: cloud.exec(three, "cat", "/root/count")[1] == b"x\nx\n")
    # What stands on a snapshot keeps it; then its folder goes
    snapshots = [cloud.call("DescribeImages", ImageId=[i])["imagesSet"][0]["blockDeviceMapping"][0]
                 ["ebs"]["snapshotId"] for i in (image, again)]
    for id in (image, again):
        cloud.call("DeregisterImage", ImageId=id, DeleteAssociatedSnapshots="true")
    time.sleep(0.2)
    layers = os.path.join(cloud.data, "images")
    check(all(os.path.isdir(os.path.join(layers, s)) for s in snapshots), "layers in use")
    cloud.call("RebootInstances", InstanceId=[three])
    wait("the third again", lambda: cloud.exec(three, "cat", "/root/count")[1] == b"x\nx\n")
    cloud.call("TerminateInstances", InstanceId=[one, two, three])
    wait("layers to go", lambda: not any(os.path.exists(os.path.join(layers, s)) for s in snapshots))


# What takes its time at a first start: something large is made, and then served.
INSTALL = """#!/bin/sh
mkdir -p /srv/www
dd if=/dev/urandom of=/srv/www/large bs=1M count=64 2>/dev/null
sha256sum /srv/www/large >/srv/www/index.html
"""
SERVE = "httpd -p 8080 -h /srv/www\n"


def to_page(cloud, in_web, script, image):
    began = time.monotonic()
    id, = cloud.launch(script, ImageId=image, SecurityGroupId=[in_web])
    cloud.wait_state(id, "running")
    ip = cloud.instance(id)["ipAddress"]
    text = wait("the page", lambda: page(ip), 60, 0.02)
    return id, text, time.monotonic() - began


# proves: UD-17 AMI-02
@test
def a_baked_image_serves_sooner_than_one_that_is_bootstrapped(lab):
    cloud = lab.cloud
    in_web = group(cloud, "baked-web", ("tcp", 8080, 8080))
    one, text, bootstrapped = to_page(cloud, in_web, INSTALL + SERVE, AMI)
    image = cloud.call("CreateImage", InstanceId=one, Name="served", NoReboot="true")["imageId"]
    image_ready(cloud, image)
    two, copy, baked = to_page(cloud, in_web, "#!/bin/sh\n" + SERVE, image)
    same(copy, text, "the page")
    print(f"     launch to page: bootstrapped {bootstrapped:.2f} s, baked {baked:.2f} s")
    check(baked < bootstrapped, "baking makes it no faster")
    cloud.call("TerminateInstances", InstanceId=[one, two])
