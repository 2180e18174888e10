"""An image without AWS's helpers: nobody signals, until user data installs them."""
import os
import subprocess

from cloud import check, same
from lab import ami, test
from test_cloudformation import SELF_SIGNAL, Stack

SIGNAL = SELF_SIGNAL.replace("STATUS", "0").replace("ami-009d6802948d06e52", "IMAGE")


# proves: CSIG-11
@test
def a_stack_on_an_image_without_helpers_fails_until_they_are_installed(lab):
    cloud = lab.cloud
    archive = os.path.join(lab.top, "bare.tar")
    subprocess.run(["tar", "-C", os.path.join(cloud.data, "images", "tiny"), "--exclude=./opt/aws", "-cf",
                    archive, "."], check=True)
    done = cloud.run("image", "import", "bare", archive, "--no-helpers", "--data", cloud.data,
                     "--endpoint", cloud.endpoint)
    check(done.returncode == 0, done.stdout + done.stderr)
    template = SIGNAL.replace("IMAGE", ami(cloud, "welkin-bare"))
    stack = Stack(cloud, "bare", template.replace("PT5M", "PT6S"))
    id = ""
    while not id:
        id, _ = stack.resource()
    cloud.booted(id)
    status, _ = cloud.exec(id, "ls", "/opt/aws")
    check(status != 0, "the image has helpers")
    stack.wait("ROLLBACK_COMPLETE")
    same([reason for name, status, reason in stack.events()
          if name == "MyInstance" and status == "CREATE_FAILED"],
         ["Failed to receive 1 resource signal(s) within the specified duration"], "why")
    stack.delete()
    # downloaded onto the instance they do what they do elsewhere
    mended = Stack(cloud, "mended", template.replace(
        "sleep 1\n", "yum install -y aws-cfn-bootstrap\n"))
    mended.wait("CREATE_COMPLETE")
    mended.delete()
