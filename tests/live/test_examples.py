"""The user data samples, as written."""
import os

from cloud import check, same
from lab import test

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/user-data")


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as f:
        return f.read()


@test
def the_samples_of_user_data_do_what_they_say(lab):
    cloud = lab.cloud
    script, config, hook, mime = (cloud.launch(sample(n))[0] for n in (
        "script.sh", "cloud-config.yaml", "boothook.sh", "mime.txt"))
    for id in (script, config, hook, mime):
        cloud.booted(id)
        cloud.reboot_instance(id)
    check(cloud.sh(script, "cat /root/script").startswith("script ran on ip-"), "script")
    same(cloud.sh(config, "cat /root/cloud-config; stat -c %a /root/cloud-config"),
         "written by cloud-config\nrun by runcmd\n600\n", "cloud-config")
    same(len(cloud.sh(hook, "cat /root/boots").splitlines()), 2, "boots")
    same(cloud.sh(mime, "cat /root/starts"), "started\nstarted\n", "starts")
