"""Functions that really run: in a sandbox, by an image's python3, with their role's credentials."""
import base64
import http.client
import io
import json
import os
import time
import zipfile

from cloud import check, same, sign, wait
from lab import WORLD, test

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole"}]})
FUNCTIONS = "/2015-03-31/functions"
ROLE = "arn:aws:iam::000000000000:role/runs"

CODE = '''
import logging, os, socket, time, urllib.request
times = 0
def handler(event, context):
    global times
    times += 1
    print("asked for", event["do"])
    logging.getLogger().warning("careful")
    return globals()[event["do"]](event, context)
def look(event, context):
    seen = {"times": times, "uid": os.getuid(), "arn": context.invoked_function_arn,
            "left": context.get_remaining_time_in_millis(), "colour": os.environ["COLOUR"],
            "key": os.environ["AWS_ACCESS_KEY_ID"][:4], "request": context.aws_request_id}
    try:
        open("/etc/x", "w")
    except OSError as why:
        seen["etc"] = why.errno
    with open("/tmp/x", "w") as f:
        f.write("written")
    seen["name"] = socket.gethostbyname("s3.us-east-1.amazonaws.com")
    return seen
def outside(event, context):
    return urllib.request.urlopen("http://%s/" % event["ip"], timeout=2).read().decode()
def sleep(event, context):
    time.sleep(10)
def fail(event, context):
    raise ValueError("no such luck")
def leave(event, context):
    os._exit(3)
def swell(event, context):
    return len(bytearray(300 << 20))
'''
BOOTSTRAP = '''#!/bin/sh
while :; do
  curl -sS -o /tmp/event -D /tmp/head "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *\\([^\\r]*\\).*/\\1/Ip' /tmp/head)
  curl -sS -d "{\\"got\\": $(cat /tmp/event)}" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
'''


def zipped(name, text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, text)
    return base64.b64encode(file.getvalue()).decode()


def rest(cloud, method, path, body=b"", **headers):
    """(status, headers, body) of a call of Lambda."""
    host = f"127.0.0.1:{cloud.port}"
    headers = sign(host, body, service="lambda", method=method, path=path, headers=headers)
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read()


def create(cloud, name, code, runtime="python3.12", **members):
    status, _, body = rest(cloud, "POST", FUNCTIONS, json.dumps(
        {"FunctionName": name, "Runtime": runtime, "Handler": "index.handler", "Role": ROLE,
         "Code": {"ZipFile": code}, **members}).encode())
    same(status, 201, body)


def invoke(cloud, name, event):
    """The payload, the kind of error, and the tail of the log."""
    status, headers, body = rest(cloud, "POST", f"{FUNCTIONS}/{name}/invocations",
                                 json.dumps(event).encode(), **{"X-Amz-Log-Type": "Tail"})
    same(status, 200, body)
    return (json.loads(body), headers.get("X-Amz-Function-Error"),
            base64.b64decode(headers["X-Amz-Log-Result"]).decode())


def machines(cloud):
    folder = os.path.join(cloud.data, "machines")
    return [id for id in os.listdir(folder) if id.startswith("lam-")]


# proves: LAM-01 LAM-29 LAM-30
@test
def functions_run_in_sandboxes_that_are_kept_warm(lab):
    cloud = lab.new_cloud("lambda").up()
    try:
        lab.debian(cloud)
        cloud.query("iam", "CreateRole", RoleName="runs", AssumeRolePolicyDocument=TRUST)
        create(cloud, "f", zipped("index.py", CODE), Environment={"Variables": {"COLOUR": "blue"}})
        seen, error, log = invoke(cloud, "f", {"do": "look"})
        same((error, seen["times"], seen["uid"], seen["colour"], seen["key"], seen["etc"],
              seen["name"]), (None, 1, 993, "blue", "ASIA", 30, "169.254.170.200"), "seen inside")
        same(seen["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f", "the ARN")
        check(0 < seen["left"] <= 3000, f"remaining time {seen['left']}")
        check("asked for look\n[WARNING]" in log and f"START RequestId: {seen['request']}" in log,
              f"the log: {log}")
        same(invoke(cloud, "f", {"do": "look"})[0]["times"], 2, "the same environment")
        same(invoke(cloud, "f", {"do": "outside", "ip": WORLD})[0], "the world\n", "from outside")

        failed, error, log = invoke(cloud, "f", {"do": "fail"})
        same((error, failed["errorType"], failed["errorMessage"]),
             ("Unhandled", "ValueError", "no such luck"), "an exception")
        check("in fail" in failed["stackTrace"][-1], f"{failed['stackTrace']}")
        failed, error, _ = invoke(cloud, "f", {"do": "leave"})
        same(failed["errorType"], "Runtime.ExitError", "an end of the runtime")
        check(failed["errorMessage"].endswith("Runtime exited with error: exit status 3"),
              failed["errorMessage"])
        failed, _, _ = invoke(cloud, "f", {"do": "swell"})
        check(failed["errorMessage"].endswith("signal: killed"), failed["errorMessage"])
        began = time.monotonic()
        failed, error, log = invoke(cloud, "f", {"do": "sleep"})
        same(failed["errorType"], "Sandbox.Timedout", "a timeout")
        check(failed["errorMessage"].endswith("Task timed out after 3.00 seconds"), f"{failed}")
        check(2.5 < time.monotonic() - began < 8, "it took its time")
        wait("the sandboxes of what ended are gone", lambda: not machines(cloud))

        create(cloud, "g", zipped("bootstrap", BOOTSTRAP), "provided.al2023")
        same(invoke(cloud, "g", {"a": 1})[0], {"got": {"a": 1}}, "a runtime of its own")
        left = machines(cloud)
        cloud.kill9()
        cloud.up()
        same(invoke(cloud, "f", {"do": "look"})[0]["times"], 1, "after a restart")
        wait("what the old daemon left is gone", lambda: not set(left) & set(machines(cloud)))
    finally:
        cloud.close()
