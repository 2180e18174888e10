"""Volumes and images with Terraform, on the simulated host: sandboxes have no devices for them."""
import os

from cloud import same
from lab import beside
from stock import Terraform

HERE = os.path.dirname(os.path.abspath(__file__))


@beside
def terraform_keeps_volumes_snapshots_and_images(lab):
    """volumes of each origin, an attachment, snapshots, images; a volume grows; nothing is left"""
    cloud = lab.new_simulated("volumes")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-volume"), "terraform-volume")
    tf.applies("10 added, 0 changed, 0 destroyed")
    volume = tf.output("volume")
    about = cloud.call("DescribeVolumes", VolumeId=[volume])["volumeSet"][0]
    same(about["attachmentSet"][0]["instanceId"], tf.output("instance"), "the attachment")
    changed = {"size": "3", "name": "second"}
    tf.applies("0 added, 2 changed, 0 destroyed", changed)
    same(tf.output("volume"), volume, "the volume that has grown")
    about = cloud.call("DescribeVolumes", VolumeId=[volume])["volumeSet"][0]
    same((about["size"], about["status"]), ("3", "in-use"), "its size")
    tf("destroy", "-auto-approve", variables=changed)
    for operation, members in (("DescribeVolumes", "volumeSet"),
                               ("DescribeSnapshots", "snapshotSet")):
        same(cloud.call(operation)[members], [], operation)
