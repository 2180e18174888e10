"""Usage: client_lambda.py ENDPOINT: what programs do with functions by boto3, without a change."""
import io
import json
import sys
import zipfile

import boto3


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-east-1",
                        aws_access_key_id="test", aws_secret_access_key="test")


TRUST = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "lambda.amazonaws.com"}}]}
role = client("iam").create_role(RoleName="b", AssumeRolePolicyDocument=json.dumps(TRUST))
code = io.BytesIO()
with zipfile.ZipFile(code, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("index.py", "def handler(event, context):\n    return event\n")
s3, functions = client("s3"), client("lambda")
s3.create_bucket(Bucket="code")
s3.put_object(Bucket="code", Key="b.zip", Body=code.getvalue())
functions.create_function(FunctionName="b", Runtime="python3.12", Handler="index.handler",
                          Role=role["Role"]["Arn"], Code={"S3Bucket": "code", "S3Key": "b.zip"})
functions.get_waiter("function_active_v2").wait(FunctionName="b")
functions.update_function_code(FunctionName="b", ZipFile=code.getvalue())
functions.get_waiter("function_updated_v2").wait(FunctionName="b")
assert functions.publish_version(FunctionName="b")["Version"] == "1"
functions.create_alias(FunctionName="b", Name="live", FunctionVersion="1")
pages = functions.get_paginator("list_versions_by_function").paginate(
    FunctionName="b", PaginationConfig={"PageSize": 1})
assert [v["Version"] for v in pages.build_full_result()["Versions"]] == ["$LATEST", "1"]
try:
    functions.get_function(FunctionName="none")
    raise SystemExit("a function that is not there was found")
except functions.exceptions.ResourceNotFoundException as why:
    assert why.response["Error"]["Message"].startswith("Function not found: arn:aws:lambda:")
assert functions.invoke(FunctionName="b", InvocationType="DryRun")["StatusCode"] == 204
assert functions.invoke(FunctionName="b", InvocationType="Event",
                        Payload=b"{}")["StatusCode"] == 202
try:
    functions.invoke(FunctionName="b:live", Payload=b"{}")
    raise SystemExit("a simulated host ran a function")
except functions.exceptions.ServiceException as why:
    assert "--host sim" in why.response["Error"]["Message"]
functions.delete_function(FunctionName="b")
print("all went well")
