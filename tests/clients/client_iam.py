"""Usage: client_iam.py ENDPOINT: identities with boto3: users, groups and all that proves one."""
import base64
import csv
import hashlib
import hmac
import io
import struct
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url = sys.argv[1]
session = boto3.session.Session("111122223333", "test", region_name="eu-west-1")
iam = session.client("iam", endpoint_url=url, config=Config(retries={"max_attempts": 1}))


def refused(code, fn, **params):
    try:
        fn(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")


def openssl(*argv):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True).stdout


def totp(seed, step):
    mac = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def users_and_groups():
    user = iam.create_user(UserName="alice", Path="/team/", Tags=[{"Key": "a", "Value": "1"}])
    assert user["User"]["Arn"] == "arn:aws:iam::111122223333:user/team/alice", user
    refused("EntityAlreadyExists", iam.create_user, UserName="Alice")
    iam.get_waiter("user_exists").wait(UserName="alice", WaiterConfig={"Delay": 1,
                                                                       "MaxAttempts": 2})
    for i in range(5):
        iam.create_user(UserName=f"u{i}")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) == 3 and sum(len(p["Users"]) for p in pages) == 6, pages
    iam.create_group(GroupName="devs")
    iam.add_user_to_group(GroupName="devs", UserName="alice")
    assert iam.get_group(GroupName="devs")["Users"][0]["UserName"] == "alice"
    iam.update_user(UserName="alice", NewUserName="bob", NewPath="/")
    assert iam.list_groups_for_user(UserName="bob")["Groups"][0]["GroupName"] == "devs"
    iam.tag_user(UserName="bob", Tags=[{"Key": "A", "Value": "2"}])
    assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "A", "Value": "2"}]
    refused("DeleteConflict", iam.delete_user, UserName="bob")
    refused("NoSuchEntity", iam.get_user, UserName="alice")


def keys_and_passwords():
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    assert len(key["SecretAccessKey"]) == 40 and key["AccessKeyId"].startswith("AKIA"), key
    iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert iam.list_access_keys(UserName="bob")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["AccessKeyLastUsed"]["ServiceName"] == "N/A", used
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireNumbers=True)
    refused("PasswordPolicyViolation", iam.create_login_profile, UserName="bob", Password="short1")
    iam.create_login_profile(UserName="bob", Password="long-enough-1")
    refused("EntityAlreadyExists", iam.create_login_profile, UserName="bob",
            Password="long-enough-1")
    iam.create_account_alias(AccountAlias="my-cloud")
    assert iam.list_account_aliases()["AccountAliases"] == ["my-cloud"]
    assert iam.get_account_summary()["SummaryMap"]["Users"] == 6


def devices():
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, seed, step = device["SerialNumber"], device["Base32StringSeed"], int(time.time()) // 30
    refused("InvalidAuthenticationCode", iam.enable_mfa_device, UserName="bob",
            SerialNumber=serial, AuthenticationCode1=totp(seed, step),
            AuthenticationCode2=totp(seed, step))
    iam.enable_mfa_device(UserName="bob", SerialNumber=serial,
                          AuthenticationCode1=totp(seed, step - 1),
                          AuthenticationCode2=totp(seed, step))
    iam.resync_mfa_device(UserName="bob", SerialNumber=serial,
                          AuthenticationCode1=totp(seed, step + 1),
                          AuthenticationCode2=totp(seed, step + 2))
    assert iam.list_mfa_devices(UserName="bob")["MFADevices"][0]["SerialNumber"] == serial
    refused("DeleteConflict", iam.delete_virtual_mfa_device, SerialNumber=serial)
    return serial


def certificates(top):
    key, cert = f"{top}/key", f"{top}/cert"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
            "-keyout", key, "-out", cert)
    body, private, public = open(cert).read(), open(key).read(), openssl("pkey", "-in", key,
                                                                         "-pubout")
    up = iam.upload_server_certificate(ServerCertificateName="web", CertificateBody=body,
                                       PrivateKey=private)["ServerCertificateMetadata"]
    assert up["Expiration"] > up["UploadDate"], up
    got = iam.get_server_certificate(ServerCertificateName="web")["ServerCertificate"]
    assert got["CertificateBody"].strip() == body.strip() and "PRIVATE" not in str(got), got
    signing = iam.upload_signing_certificate(UserName="bob", CertificateBody=body)["Certificate"]
    assert len(signing["CertificateId"]) == 32, signing
    ssh = iam.upload_ssh_public_key(UserName="bob", SSHPublicKeyBody=public)["SSHPublicKey"]
    line = iam.get_ssh_public_key(UserName="bob", SSHPublicKeyId=ssh["SSHPublicKeyId"],
                                  Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"]
    digest = hashlib.md5(base64.b64decode(line.split()[1])).hexdigest()
    assert ssh["Fingerprint"].replace(":", "") == digest, ssh
    service = iam.create_service_specific_credential(
        UserName="bob", ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]
    assert service["ServiceUserName"] == "bob-at-111122223333", service
    return signing, ssh, service


def report():
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    rows = list(csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode())))
    bob = [r for r in rows if r["user"] == "bob"][0]
    assert len(rows) == 7 and rows[0]["user"] == "<root_account>", rows
    assert (bob["mfa_active"], bob["password_enabled"], bob["access_key_1_active"],
            bob["cert_1_active"]) == ("true", "true", "false", "true"), bob


def remove(serial, signing, ssh, service):
    iam.deactivate_mfa_device(UserName="bob", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_signing_certificate(UserName="bob", CertificateId=signing["CertificateId"])
    iam.delete_ssh_public_key(UserName="bob", SSHPublicKeyId=ssh["SSHPublicKeyId"])
    iam.delete_service_specific_credential(
        UserName="bob", ServiceSpecificCredentialId=service["ServiceSpecificCredentialId"])
    iam.delete_login_profile(UserName="bob")
    for key in iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    iam.remove_user_from_group(GroupName="devs", UserName="bob")
    iam.delete_server_certificate(ServerCertificateName="web")
    iam.delete_group(GroupName="devs")
    for user in iam.list_users()["Users"]:
        iam.delete_user(UserName=user["UserName"])
    iam.delete_account_alias(AccountAlias="my-cloud")
    iam.delete_account_password_policy()
    assert iam.get_account_summary()["SummaryMap"]["Users"] == 0


users_and_groups()
keys_and_passwords()
phone = devices()
with tempfile.TemporaryDirectory() as folder:
    made = certificates(folder)
report()
remove(phone, *made)
print("done")
