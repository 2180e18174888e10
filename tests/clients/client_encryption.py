"""Usage: client_encryption.py ENDPOINT CA: in transit by TLS, and encrypted by the client."""
import os
import socket
import ssl
import subprocess
import sys

import boto3

url, authority = sys.argv[1:]
host, port = url.split("/")[2].split(":")

# an operation of each service that is always allowed and has nothing to find
SERVICES = {
    "autoscaling": "describe_auto_scaling_groups", "cloudformation": "list_stacks",
    "cloudwatch": "describe_alarms", "ec2": "describe_regions", "ecr": "describe_repositories",
    "iam": "list_users", "kms": "list_keys", "lambda": "list_functions",
    "resource-groups": "list_groups", "resourcegroupstaggingapi": "get_resources",
    "s3": "list_buckets", "secretsmanager": "list_secrets", "service-quotas": "list_services",
    "ssm": "describe_parameters", "sts": "get_caller_identity",
}


def client(name):
    return boto3.client(name, endpoint_url=f"https://{host}:{port}", verify=authority)


def shakes_hands(version):
    """With clients of that version of TLS and of no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else this side refuses by itself
    context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection((host, int(port))) as plain, \
                context.wrap_socket(plain, server_hostname=host) as secure:
            return secure.version()
    except ssl.SSLError as error:
        return error.reason


# every service, with a certificate that is checked
for service, operation in SERVICES.items():
    reply = getattr(client(service), operation)()
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200, reply
assert shakes_hands(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
assert shakes_hands(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
for old in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1:
    assert shakes_hands(old) not in ("TLSv1", "TLSv1.1"), old
# who does not know the authority does not talk
try:
    boto3.client("sts", endpoint_url=f"https://{host}:{port}").get_caller_identity()
    raise AssertionError("a certificate of nobody's was taken")
except boto3.exceptions.botocore.exceptions.SSLError:
    pass

# what the client encrypts the service never sees: the key goes beside it, wrapped by KMS
kms, s3 = client("kms"), client("s3")
master = kms.create_key()["KeyMetadata"]["KeyId"]
about = {"purpose": "letters"}
data = kms.generate_data_key(KeyId=master, KeySpec="AES_256", EncryptionContext=about)
text, iv = b"a secret of the client's\n" * 1000, os.urandom(16)


def cipher(way, key, body):
    return subprocess.run(["openssl", "enc", way, "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()],
                          input=body, check=True, capture_output=True).stdout


s3.create_bucket(Bucket="client-side")
s3.put_object(Bucket="client-side", Key="letter", Body=cipher("-e", data["Plaintext"], text),
              Metadata={"x-amz-key": data["CiphertextBlob"].hex()})
found = s3.get_object(Bucket="client-side", Key="letter")
body = found["Body"].read()
assert b"secret" not in body and len(body) >= len(text)
key = kms.decrypt(CiphertextBlob=bytes.fromhex(found["Metadata"]["x-amz-key"]),
                  EncryptionContext=about)["Plaintext"]
assert cipher("-d", key, body) == text
# without the key there is no text
kms.disable_key(KeyId=master)
try:
    kms.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=about)
    raise AssertionError("a key that is disabled decrypts")
except kms.exceptions.DisabledException:
    pass
print("done")
