"""Usage: client_s3.py ENDPOINT FOLDER: what programs do with S3 through boto3, without a change."""
import hashlib
import os
import sys
import urllib.request

import boto3
import urllib3
from botocore import UNSIGNED
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

# keys: of the customer (which needs TLS), of KMS, the bucket's default
key, other = os.urandom(32), os.urandom(32)
customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
refused("InvalidRequest", s3.put_object, Bucket="boto", Key="c", Body=b"x", **customer)
urllib3.disable_warnings()
tls = boto3.client("s3", endpoint_url=url.replace("http:", "https:"), verify=False,
                   config=Config(signature_version="s3v4"))
tls.put_object(Bucket="boto", Key="c", Body=large, **customer)
assert tls.get_object(Bucket="boto", Key="c", **customer)["Body"].read() == large
refused("InvalidRequest", tls.get_object, Bucket="boto", Key="c")
refused("AccessDenied", tls.get_object, Bucket="boto", Key="c", SSECustomerAlgorithm="AES256",
        SSECustomerKey=other)
tls.upload_file(path, "boto", "c-parts", ExtraArgs=customer)
got = tls.get_object(Bucket="boto", Key="c-parts", Range="bytes=8388600-8388620", **customer)
assert got["Body"].read() == large[8388600:8388621] and got["SSECustomerAlgorithm"] == "AES256"
tls.copy_object(Bucket="boto", Key="c-copy", CopySource={"Bucket": "boto", "Key": "c"},
                CopySourceSSECustomerAlgorithm="AES256", CopySourceSSECustomerKey=key)
assert read(Key="c-copy") == large
kms = s3.put_object(Bucket="boto", Key="k", Body=b"x", ServerSideEncryption="aws:kms")
assert kms["SSEKMSKeyId"].startswith("arn:aws:kms:"), kms
named = boto3.client("kms", endpoint_url=url).create_key()["KeyMetadata"]["Arn"]
s3.put_bucket_encryption(Bucket="boto", ServerSideEncryptionConfiguration={"Rules": [{
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": named},
    "BucketKeyEnabled": True}]})
s3.upload_file(path, "boto", "k-parts")
head = s3.head_object(Bucket="boto", Key="k-parts")
assert head["SSEKMSKeyId"] == named and head["BucketKeyEnabled"], head
assert read(Key="k-parts") == large
s3.delete_bucket_encryption(Bucket="boto")
assert s3.put_object(Bucket="boto", Key="s", Body=b"x")["ServerSideEncryption"] == "AES256"

# nobody, and pages of other origins
nobody = boto3.client("s3", endpoint_url=url, config=Config(signature_version=UNSIGNED))
refused("AccessDenied", nobody.get_object, Bucket="boto", Key="whole")
s3.delete_public_access_block(Bucket="boto")
s3.put_bucket_policy(Bucket="boto", Policy="""{"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::boto/*"}]}""")
assert s3.get_bucket_policy_status(Bucket="boto")["PolicyStatus"]["IsPublic"]
assert nobody.get_object(Bucket="boto", Key="whole")["Body"].read() == large
refused("AccessDenied", nobody.list_objects_v2, Bucket="boto")
refused("AccessDenied", nobody.put_object, Bucket="boto", Key="n", Body=b"x")
rules = [{"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET", "PUT"],
          "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]
s3.put_bucket_cors(Bucket="boto", CORSConfiguration={"CORSRules": rules})
assert s3.get_bucket_cors(Bucket="boto")["CORSRules"] == rules
web = urllib3.PoolManager()
page = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}
ask = web.request("OPTIONS", url + "/boto/v", headers={
    **page, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-acl"})
assert ask.status == 200 and ask.headers["Access-Control-Allow-Methods"] == "GET, PUT", ask.data
got = web.request("GET", url + "/boto/s", headers=page)
assert (got.status, got.data) == (200, b"x"), got.data
assert got.headers["Access-Control-Allow-Origin"] == page["Origin"], got.headers
# a page knows the root keys as everybody does: they are worth nothing there
link = s3.generate_presigned_url("put_object", Params={"Bucket": "boto", "Key": "page"})
assert web.request("PUT", link, body=b"x").status == 200
assert web.request("PUT", link, body=b"x", headers=page).status == 403
iam = boto3.client("iam", endpoint_url=url)
iam.create_user(UserName="s3-page")
iam.attach_user_policy(UserName="s3-page",
                       PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
own = iam.create_access_key(UserName="s3-page")["AccessKey"]
user = boto3.client("s3", endpoint_url=url, aws_access_key_id=own["AccessKeyId"],
                    aws_secret_access_key=own["SecretAccessKey"],
                    config=Config(signature_version="s3v4"))
link = user.generate_presigned_url("put_object", Params={"Bucket": "boto", "Key": "page"})
assert web.request("PUT", link, body=b"by a page", headers=page).status == 200
assert read(Key="page") == b"by a page"
# no other service is open to pages
assert web.request("GET", url + "/?Action=ListUsers", headers=page).status == 403

# forms
form = s3.generate_presigned_post("boto", "form/${filename}", Fields={"x-amz-meta-a": "b"},
                                  Conditions=[["content-length-range", 1, 100],
                                              {"x-amz-meta-a": "b"}])
sent = web.request("POST", form["url"], fields={**form["fields"], "file": ("f.txt", b"hello")})
assert sent.status == 204, sent.data
got = s3.get_object(Bucket="boto", Key="form/f.txt")
assert got["Body"].read() == b"hello" and got["Metadata"] == {"a": "b"}, got
sent = web.request("POST", form["url"],
                   fields={**form["fields"], "x-amz-meta-a": "c", "file": ("f.txt", b"hello")})
assert sent.status == 403 and b"Policy Condition failed" in sent.data, sent.data
sent = web.request("POST", form["url"], fields={**form["fields"], "file": ("f", b"x" * 101)})
assert sent.status == 400 and b"EntityTooLarge" in sent.data, sent.data

# websites
s3.put_object(Bucket="boto", Key="index.html", Body=b"<p>hi", ContentType="text/html")
s3.put_bucket_website(Bucket="boto", WebsiteConfiguration={
    "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}})
assert s3.get_bucket_website(Bucket="boto")["ErrorDocument"] == {"Key": "error.html"}
host = {"Host": "boto.s3-website-us-east-1.amazonaws.com"}
got = web.request("GET", url + "/", headers=host)
assert (got.status, got.data, got.headers["Content-Type"]) == (200, b"<p>hi", "text/html"), got.data
got = web.request("GET", url + "/none", headers=host)
assert got.status == 403 and b"<h1>403 Forbidden</h1>" in got.data, got.data  # he may not list
s3.delete_bucket_website(Bucket="boto")

refused("BucketNotEmpty", s3.delete_bucket, Bucket="boto")
boto3.resource("s3", endpoint_url=url).Bucket("boto").object_versions.delete()
s3.delete_bucket(Bucket="boto")
print("done")
