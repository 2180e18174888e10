"""Functions with a layer and a URL, which read a parameter as their role: really run."""
import http.client
import json
import os

from cloud import check, same
from lab import test
from test_lambda import FUNCTIONS, TRUST, create, rest, zipped

# Without boto3, which the image need not have: the call is signed by hand.
CODE = '''
import datetime, hashlib, hmac, json, os, urllib.request
import colours
def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
def ssm(operation, body):
    host, region = os.environ["AWS_ENDPOINT_URL"].split("//")[1], os.environ["AWS_REGION"]
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day, body = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d"), json.dumps(body)
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": stamp,
               "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
               "x-amz-target": "AmazonSSM." + operation}
    names = ";".join(sorted(headers))
    canonical = "\\n".join(["POST", "/", ""] + [k + ":" + headers[k] for k in sorted(headers)] +
                          ["", names, hashlib.sha256(body.encode()).hexdigest()])
    scope = "/".join([day, region, "ssm", "aws4_request"])
    text = "\\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (day, region, "ssm", "aws4_request"):
        key = mac(key, part)
    headers["Authorization"] = ("AWS4-HMAC-SHA256 Credential=" + os.environ["AWS_ACCESS_KEY_ID"] +
                                "/" + scope + ", SignedHeaders=" + names + ", Signature=" +
                                mac(key, text).hex())
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/", body.encode(), headers)
    return json.load(urllib.request.urlopen(request))
def handler(event, context):
    said = ssm("GetParameter", {"Name": "/app/password", "WithDecryption": True})
    return {"statusCode": 201, "headers": {"Content-Type": "text/plain"},
            "body": " ".join([event["rawPath"], colours.BEST, said["Parameter"]["Value"]])}
'''
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "ssm:GetParameter",
    "Resource": "arn:aws:ssm:us-east-1:000000000000:parameter/app/*"}]})


def post(cloud, path, **members):
    status, _, body = rest(cloud, "POST", path, json.dumps(members).encode())
    same(status, 201, body)
    return json.loads(body)


# proves: PS-15 LAM-03
@test
def a_function_has_a_layer_a_url_and_parameters(lab):
    cloud = lab.new_cloud("lambda-more").up()
    try:
        lab.debian(cloud)
        cloud.query("iam", "CreateRole", RoleName="runs", AssumeRolePolicyDocument=TRUST)
        cloud.query("iam", "PutRolePolicy", RoleName="runs", PolicyName="p", PolicyDocument=POLICY)
        cloud.json("ssm", "PutParameter", Name="/app/password", Type="SecureString", Value="hunter2")
        layer = post(cloud, "/2018-10-31/layers/colours/versions",
                     Content={"ZipFile": zipped("python/colours.py", "BEST = 'green'\n")})
        create(cloud, "f", zipped("index.py", CODE), Layers=[layer["LayerVersionArn"]], Timeout=20)
        url = post(cloud, "/2021-10-31/functions/f/url", AuthType="NONE")["FunctionUrl"]
        host = url.split("/")[2]
        connection = http.client.HTTPConnection(f"127.0.0.1:{cloud.port}", timeout=60)
        connection.request("GET", "/a", headers={"Host": host})
        same(connection.getresponse().status, 403, "nobody was let in yet")
        post(cloud, FUNCTIONS + "/f/policy", StatementId="a", Action="lambda:InvokeFunctionUrl",
             Principal="*", FunctionUrlAuthType="NONE")
        post(cloud, FUNCTIONS + "/f/policy", StatementId="b", Action="lambda:InvokeFunction",
             Principal="*", InvokedViaFunctionUrl=True)
        connection = http.client.HTTPConnection(f"127.0.0.1:{cloud.port}", timeout=60)
        connection.request("GET", "/a", headers={"Host": host})
        reply = connection.getresponse()
        same((reply.status, reply.headers["Content-Type"], reply.read().decode()),
             (201, "text/plain", "/a green hunter2"), "the answer")
        check(os.path.isdir(os.path.join(cloud.data, "machines")), "it ran in a sandbox")
    finally:
        cloud.close()
