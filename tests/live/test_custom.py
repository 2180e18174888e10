"""The bucket cleaner: a custom resource whose function really empties the bucket, live."""
import hashlib
import http.client
import json
import xml.etree.ElementTree as ET

from cloud import check, same, sign, wait
from lab import test

# Without boto3, which the image need not have: the calls are signed by hand.
CODE = '''
import cfnresponse, datetime, hashlib, hmac, os, re, urllib.parse, urllib.request
def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
def s3(method, path, query=""):
    base = os.environ["AWS_ENDPOINT_URL"]
    host, region = base.split("//")[1], os.environ["AWS_REGION"]
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": stamp,
               "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"]}
    names = ";".join(sorted(headers))
    canonical = "\\n".join([method, path, query] +
                          [k + ":" + headers[k] for k in sorted(headers)] + ["", names, empty])
    scope = "/".join([day, region, "s3", "aws4_request"])
    text = "\\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (day, region, "s3", "aws4_request"):
        key = mac(key, part)
    headers["Authorization"] = ("AWS4-HMAC-SHA256 Credential=" + os.environ["AWS_ACCESS_KEY_ID"] +
                                "/" + scope + ", SignedHeaders=" + names + ", Signature=" +
                                mac(key, text).hex())
    request = urllib.request.Request(base + path + ("?" + query if query else ""), method=method,
                                     headers=headers)
    return urllib.request.urlopen(request).read().decode()
def handler(event, context):
    bucket = event["ResourceProperties"]["BucketName"]
    try:
        n = 0
        if event["RequestType"] == "Delete":
            for key in re.findall("<Key>(.*?)</Key>", s3("GET", "/" + bucket, "list-type=2")):
                s3("DELETE", "/" + bucket + "/" + urllib.parse.quote(key))
                n += 1
        print("emptied", n)
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Emptied": str(n)}, bucket + "-cleaner")
    except Exception as why:
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, bucket + "-cleaner", reason=str(why))
'''

CLEANER = json.dumps({
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole"}]},
            "Policies": [{"PolicyName": "empty", "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": ["s3:ListBucket", "s3:DeleteObject"],
                    "Resource": "*"}]}}]}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {
            "Runtime": "python3.12", "Handler": "index.handler", "Timeout": 30,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Code": {"ZipFile": CODE}}}},
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]},
                        "Export": {"Name": "EmptyS3BucketLambda"}}}})

# As printed, but for the dot behind the export's name.
PRINTED = """
Resources:
  myBucketResource:
    Type: AWS::S3::Bucket
  cleanupBucketOnDelete:
    Type: Custom::cleanupbucket
    Properties:
      ServiceToken: !ImportValue EmptyS3BucketLambda
      BucketName: !Ref myBucketResource
"""


def s3(cloud, method, path, body=b""):
    host = f"127.0.0.1:{cloud.port}"
    headers = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request(method, path, body, sign(host, body, service="s3", method=method, path=path,
                                                headers=headers))
    return connection.getresponse().status


def status(cloud, stack):
    code, body = cloud.raw("DescribeStacks", {"StackName": stack}, service="cloudformation")
    return ET.fromstring(body).findtext(".//{*}StackStatus") if code == 200 else None


def make(cloud, stack, template):
    code, body = cloud.raw("CreateStack", {"StackName": stack, "TemplateBody": template,
                                           "Capabilities.member.1": "CAPABILITY_IAM"},
                           service="cloudformation")
    same(code, 200, body)
    wait(f"{stack} is made", lambda: status(cloud, stack) != "CREATE_IN_PROGRESS", 40)
    if status(cloud, stack) != "CREATE_COMPLETE":
        _, body = cloud.raw("DescribeStackEvents", {"StackName": stack}, service="cloudformation")
        check(False, f"{stack}: {[e.text for e in ET.fromstring(body).iter() if 'Reason' in e.tag]}")


# proves: CFNX-01 CFNX-04 CFNX-08 LAM-15
@test
def a_function_empties_a_bucket_before_it_is_deleted(lab):
    cloud = lab.new_cloud("custom").up()
    try:
        lab.debian(cloud)
        make(cloud, "cleaner", CLEANER)
        make(cloud, "bucket", PRINTED)
        _, body = cloud.raw("DescribeStackResources", {"StackName": "bucket"},
                            service="cloudformation")
        ids = {m.findtext("{*}LogicalResourceId"): m.findtext("{*}PhysicalResourceId")
               for m in ET.fromstring(body).iter() if m.tag.endswith("member")}
        bucket = ids["myBucketResource"]
        same(ids["cleanupBucketOnDelete"], f"{bucket}-cleaner", "the physical id")
        for key in ("a.txt", "folder/b%20c.txt"):
            same(s3(cloud, "PUT", f"/{bucket}/{key}", b"x"), 200, key)
        cloud.raw("DeleteStack", {"StackName": "bucket"}, service="cloudformation")
        wait("the stack is gone", lambda: status(cloud, "bucket") is None, 40)
        same(s3(cloud, "HEAD", f"/{bucket}"), 404, "the bucket")
    finally:
        cloud.close()
