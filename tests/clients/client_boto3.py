"""Usage: client_boto3.py ENDPOINT: what programs do with boto3, without a change."""
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url = sys.argv[1]
session = boto3.session.Session("650524209925", "test", region_name="eu-west-1")
config = Config(retries={"max_attempts": 1})
ec2 = session.client("ec2", endpoint_url=url, config=config)
sts = session.client("sts", endpoint_url=url, config=config)
FAST = {"Delay": 1, "MaxAttempts": 30}


def refused(code, fn, **params):
    try:
        fn(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")


assert sts.get_caller_identity()["Account"] == "650524209925"
assert "eu-west-1" in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
assert {z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]} == {
    "eu-west-1a", "eu-west-1b", "eu-west-1c"}
image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["welkin-tiny"]}])["Images"][0]

key = ec2.create_key_pair(KeyName="k", KeyType="ed25519")
assert "PRIVATE KEY" in key["KeyMaterial"]
refused("InvalidKeyPair.Duplicate", ec2.create_key_pair, KeyName="k")
group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=group,
        IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="10.0.0.0/8")

reply = ec2.run_instances(
    ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=5, MaxCount=5, KeyName="k",
    SecurityGroupIds=[group], UserData="#!/bin/sh\necho hi\n", ClientToken="once",
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "b"}]}])
ids = [i["InstanceId"] for i in reply["Instances"]]
assert [i["AmiLaunchIndex"] for i in reply["Instances"]] == list(range(5))
again = ec2.run_instances(
    ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=5, MaxCount=5, KeyName="k",
    SecurityGroupIds=[group], UserData="#!/bin/sh\necho hi\n", ClientToken="once",
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "b"}]}])
assert sorted(i["InstanceId"] for i in again["Instances"]) == sorted(ids), "not idempotent"
ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=FAST)
single = [ec2.run_instances(ImageId=image["ImageId"], InstanceType="t3.micro", MinCount=1,
                            MaxCount=1)["Instances"][0]["InstanceId"] for _ in range(6)]
pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
listed = [i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]]
assert len(pages) > 1 and sorted(listed) == sorted(ids + single), pages

attribute = ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="userData")
assert attribute["UserData"]["Value"] == "IyEvYmluL3NoCmVjaG8gaGkK"
for name in ("instanceType", "disableApiTermination", "disableApiStop", "ebsOptimized",
             "instanceInitiatedShutdownBehavior", "rootDeviceName", "blockDeviceMapping",
             "sourceDestCheck", "groupSet", "sriovNetSupport", "productCodes"):
    ec2.describe_instance_attribute(InstanceId=ids[0], Attribute=name)
refused("IncorrectInstanceState", ec2.modify_instance_attribute, InstanceId=ids[0],
        UserData={"Value": b"x"})
ec2.stop_instances(InstanceIds=[ids[0]])
ec2.get_waiter("instance_stopped").wait(InstanceIds=[ids[0]], WaiterConfig=FAST)
ec2.modify_instance_attribute(InstanceId=ids[0], UserData={"Value": b"new"})
ec2.modify_instance_attribute(InstanceId=ids[0], InstanceType={"Value": "t3.large"})
ec2.start_instances(InstanceIds=[ids[0]])
ec2.get_waiter("instance_running").wait(InstanceIds=[ids[0]], WaiterConfig=FAST)
status = ec2.describe_instance_status(InstanceIds=ids[1:2])["InstanceStatuses"][0]
assert status["SystemStatus"]["Status"] == "ok", status
assert ec2.describe_instances(InstanceIds=[ids[0]])["Reservations"][0]["Instances"][0][
    "InstanceType"] == "t3.large"
ec2.get_console_output(InstanceId=ids[0])

ec2.create_tags(Resources=[ids[0], group], Tags=[{"Key": "a", "Value": "1"}])
tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["a"]}])["Tags"]
assert sorted(t["ResourceId"] for t in tags) == sorted([ids[0], group])
ec2.delete_tags(Resources=[group], Tags=[{"Key": "a"}])

resource = session.resource("ec2", endpoint_url=url, config=config)
instance = resource.Instance(ids[1])
assert instance.state["Name"] == "running" and instance.tags[0]["Value"] == "b"
ec2.terminate_instances(InstanceIds=ids + single)
ec2.get_waiter("instance_terminated").wait(InstanceIds=ids + single, WaiterConfig=FAST)
ec2.delete_security_group(GroupId=group)
ec2.delete_key_pair(KeyName="k")
# Keys, as programs use them: data keys, signatures, aliases, and what is refused.
kms = session.client("kms", endpoint_url=url, config=config)
made = kms.create_key(Description="boto3", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
assert made["KeyState"] == "Enabled" and made["CreationDate"].year >= 2024
kms.create_alias(AliasName="alias/boto3", TargetKeyId=made["KeyId"])
context = {"purpose": "test"}
data = kms.generate_data_key(KeyId="alias/boto3", KeySpec="AES_256", EncryptionContext=context)
opened = kms.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=context)
assert opened["Plaintext"] == data["Plaintext"] and opened["KeyId"] == made["Arn"]
refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=data["CiphertextBlob"])
signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
signature = kms.sign(KeyId=signer, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
assert kms.verify(KeyId=signer, Message=b"x", Signature=signature,
                  SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
refused("KMSInvalidSignatureException", kms.verify, KeyId=signer, Message=b"y",
        Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
listed = [k["KeyId"] for page in kms.get_paginator("list_keys").paginate(
    PaginationConfig={"PageSize": 1}) for k in page["Keys"]]
assert sorted(listed) == sorted([made["KeyId"], signer])
kms.schedule_key_deletion(KeyId=signer, PendingWindowInDays=7)
refused("KMSInvalidStateException", kms.sign, KeyId=signer, Message=b"x",
        SigningAlgorithm="ECDSA_SHA_256")
refused("NotFoundException", kms.describe_key, KeyId="alias/none")

# Parameters: the tree of one application, its secrets, and what a new version leaves of the old.
ssm = session.client("ssm", endpoint_url=url, config=config)
for n in range(12):
    ssm.put_parameter(Name=f"/boto3/app/{n:02}", Value=str(n), Type="String")
ssm.put_parameter(Name="/boto3/secret", Value="hidden", Type="SecureString", Tier="Advanced",
                  Tags=[{"Key": "a", "Value": "b"}])
pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/boto3", Recursive=True))
assert [len(p["Parameters"]) for p in pages] == [10, 3]
assert ssm.get_parameter(Name="/boto3/secret")["Parameter"]["Value"] != "hidden"
secret = ssm.get_parameter(Name="/boto3/secret", WithDecryption=True)["Parameter"]
assert secret["Value"] == "hidden" and secret["LastModifiedDate"].year >= 2024
ssm.label_parameter_version(Name="/boto3/app/01", Labels=["good"])
ssm.put_parameter(Name="/boto3/app/01", Value="new", Overwrite=True)
assert ssm.get_parameter(Name="/boto3/app/01:good")["Parameter"]["Value"] == "1"
found = ssm.describe_parameters(ParameterFilters=[{"Key": "tag:a", "Values": ["b"]}])
assert [p["Name"] for p in found["Parameters"]] == ["/boto3/secret"]
try:
    ssm.get_parameter(Name="/boto3/none")
    raise AssertionError("it was found")
except ssm.exceptions.ParameterNotFound:
    pass
refused("ParameterAlreadyExists", ssm.put_parameter, Name="/boto3/secret", Value="x",
        Type="SecureString")
ssm.delete_parameters(Names=["/boto3/secret", "/boto3/app/01"])

print("done")
