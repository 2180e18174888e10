"""CloudFormation's helpers inside instances: there without being installed, in every image."""
import time

from cloud import check, page, same, wait
from lab import group, test
from test_image import cloud_init_done

NAMES = "cfn-elect-cmd-leader\ncfn-get-metadata\ncfn-hup\ncfn-init\ncfn-send-cmd-result\ncfn-signal\n" \
    "eic_run_authorized_keys\n"
METADATA = ('{"AWS::CloudFormation::Init": {"config": {"packages": {"yum": {"httpd": []}}, "files": '
            '{"/var/www/html/index.html": {"content": "made by cfn-init", "mode": "000644"}}, '
            '"services": {"sysvinit": {"httpd": {"enabled": "true", "ensureRunning": "true"}}}}}}')


# proves: CINIT-17
@test
def the_tiny_image_has_the_helpers_and_a_yum_that_knows_them(lab):
    cloud = lab.cloud
    web = group(cloud, "web", ("tcp", 80, 80))
    begin = time.monotonic()
    id, = cloud.launch("#!/bin/bash -xe\nyum update -y aws-cfn-bootstrap\n"
                       f"echo '{METADATA}' | /opt/aws/bin/cfn-init -\n", SecurityGroupId=[web])
    cloud.booted(id)
    ip = cloud.instance(id)["ipAddress"]
    wait("the page", lambda: page(ip, 80) == "made by cfn-init", 30)
    print(f"     launch to the page of cfn-init: {time.monotonic() - begin:.2f} s")
    same(cloud.sh(id, "ls /opt/aws/bin"), NAMES, "the helpers")
    log = cloud.sh(id, "cat /var/log/cfn-init.log")
    check("[INFO] Yum installed ['httpd']" in log and "Build complete" in log, log)
    # What is enabled is there after a reboot.
    cloud.call("RebootInstances", InstanceId=[id])
    wait("the page after a reboot", lambda: page(ip, 80) == "made by cfn-init", 30)
    status, out = cloud.exec(id, "/opt/aws/bin/cfn-signal")
    check(status == 1 and b"No WaitConditionHandle URL" in out, out)


@test
def an_image_made_elsewhere_gets_the_helpers_at_its_launch(lab):
    cloud = lab.cloud
    image = lab.debian(cloud)
    id, = cloud.launch("#!/bin/bash\n/opt/aws/bin/cfn-get-metadata --help >/root/help\n", ImageId=image,
                       InstanceType="t3.small")
    cloud.wait_state(id, "running")
    cloud_init_done(cloud, id)
    same(cloud.sh(id, "ls /opt/aws/bin"), NAMES, "the helpers")
    check(cloud.sh(id, "cat /root/help").startswith("Usage: cfn-get-metadata [options]\n"), "its help")
    same(cloud.sh(id, "systemctl is-enabled cfn-hup || true").strip(), "disabled", "the unit of cfn-hup")
    cloud.sh(id, "echo '{\"AWS::CloudFormation::Init\": {\"config\": {\"users\": {\"u\": {}}}}}' | "
             "/opt/aws/bin/cfn-init -")
    check("/sbin/nologin" in cloud.sh(id, "getent passwd u"), "a user")
