"""Instances from launch templates: what runs in them is what the version says."""
from cloud import AMI, b64, same, wait
from lab import test


def script(word):
    return b64(f"#!/bin/sh\necho {word} >/root/word\n")


# proves: UD-14
@test
def an_instance_runs_the_user_data_of_its_template_s_version(lab):
    cloud = lab.cloud
    template = cloud.call("CreateLaunchTemplate", LaunchTemplateName="live", LaunchTemplateData={
        "ImageId": AMI, "InstanceType": "t3.micro", "UserData": script("first"),
        "MetadataOptions": {"InstanceMetadataTags": "enabled"}})["launchTemplate"]
    id = template["launchTemplateId"]
    cloud.call("CreateLaunchTemplateVersion", LaunchTemplateId=id, SourceVersion="1",
               LaunchTemplateData={"UserData": script("second")})
    ids = []
    for version, word in (("1", "first"), ("$Latest", "second")):
        made = cloud.call("RunInstances", MinCount=1, MaxCount=1, LaunchTemplate={
            "LaunchTemplateId": id, "Version": version})["instancesSet"][0]["instanceId"]
        cloud.launched.append((made, {}))
        ids.append(made)
        cloud.booted(made)
        wait("its word", lambda: cloud.exec(made, "cat", "/root/word")[1].decode() == word + "\n")
    same(cloud.imds(ids[1], "/latest/meta-data/tags/instance/aws:ec2launchtemplate:version"), "2",
         "its tag in the metadata")
    cloud.terminate(*ids)
    cloud.call("DeleteLaunchTemplate", LaunchTemplateId=id)
