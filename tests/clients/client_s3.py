"""Usage: client_s3.py ENDPOINT FOLDER: what programs do with S3 through boto3, without a change."""
import hashlib
import os
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, folder = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url, config=Config(signature_version="s3v4"))
large = bytes(range(256)) * 80_000  # 20 MB: parts of 8 MiB
path = os.path.join(folder, "large.bin")
with open(path, "wb") as f:
    f.write(large)


def refused(code, fn, **params):
    try:
        fn(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"{code} was expected")


def read(**params):
    return s3.get_object(Bucket="boto", **params)["Body"].read()


s3.create_bucket(Bucket="boto")
refused("NoSuchKey", s3.get_object, Bucket="boto", Key="none")
refused("404", s3.head_object, Bucket="boto", Key="none")

# in parts, and whole
s3.upload_file(path, "boto", "large")
head = s3.head_object(Bucket="boto", Key="large", ChecksumMode="ENABLED")
assert head["ContentLength"] == len(large) and head["ETag"].endswith('-3"'), head
assert head["ChecksumType"] == "COMPOSITE", head
assert read(Key="large") == large
assert read(Key="large", Range="bytes=8388600-8388620") == large[8388600:8388621]
s3.download_file("boto", "large", path + ".again")
with open(path + ".again", "rb") as f:
    assert hashlib.sha256(f.read()).digest() == hashlib.sha256(large).digest()
with open(path, "rb") as f:
    s3.put_object(Bucket="boto", Key="whole", Body=f)
assert read(Key="whole") == large
s3.copy({"Bucket": "boto", "Key": "large"}, "boto", "copy")
assert read(Key="copy") == large

# sums
for kind in ("CRC32", "SHA1", "SHA256"):
    put = s3.put_object(Bucket="boto", Key=kind, Body=b"hello", ChecksumAlgorithm=kind)
    got = s3.get_object(Bucket="boto", Key=kind, ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" and got["Checksum" + kind] == put["Checksum" + kind]

# links
link = s3.generate_presigned_url("put_object", Params={"Bucket": "boto", "Key": "linked"})
with urllib.request.urlopen(urllib.request.Request(link, data=large, method="PUT")) as reply:
    assert reply.status == 200
link = s3.generate_presigned_url("get_object", Params={"Bucket": "boto", "Key": "linked"})
with urllib.request.urlopen(link) as reply:
    assert reply.read() == large

# lists
for i in range(25):
    s3.put_object(Bucket="boto", Key=f"p/{i:02}/x y+z", Body=b"")
pages = s3.get_paginator("list_objects_v2").paginate(
    Bucket="boto", Prefix="p/", Delimiter="/", PaginationConfig={"PageSize": 7})
assert [p["Prefix"] for page in pages for p in page["CommonPrefixes"]] == [
    f"p/{i:02}/" for i in range(25)]
assert s3.list_objects(Bucket="boto", Prefix="p/00")["Contents"][0]["Key"] == "p/00/x y+z"

# versions
s3.put_bucket_versioning(Bucket="boto", VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket="boto", Key="v", Body=b"1")["VersionId"]
s3.put_object(Bucket="boto", Key="v", Body=b"2")
assert s3.delete_object(Bucket="boto", Key="v")["DeleteMarker"]
refused("NoSuchKey", s3.get_object, Bucket="boto", Key="v")
assert read(Key="v", VersionId=first) == b"1"

# a customer's key needs TLS
refused("InvalidRequest", s3.put_object, Bucket="boto", Key="c", Body=b"x",
        SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32))
kms = s3.put_object(Bucket="boto", Key="k", Body=b"x", ServerSideEncryption="aws:kms")
assert kms["SSEKMSKeyId"].startswith("arn:aws:kms:"), kms

refused("BucketNotEmpty", s3.delete_bucket, Bucket="boto")
boto3.resource("s3", endpoint_url=url).Bucket("boto").object_versions.delete()
s3.delete_bucket(Bucket="boto")
print("done")
