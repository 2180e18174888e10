"""Usage: client_messaging.py ENDPOINT: topics and queues by boto3, an endpoint of HTTP that confirms
its subscription and checks signatures with openssl, and SQS's older protocol."""
import base64
import http.server
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

URL = sys.argv[1]


def client(service):
    return boto3.client(service, endpoint_url=URL, region_name="us-east-1",
                        aws_access_key_id="test", aws_secret_access_key="test")


sns, sqs, s3 = client("sns"), client("sqs"), client("s3")
posts = queue.Queue()


class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        posts.put((self.headers, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def path_of(url):
    return urllib.parse.urlsplit(url).path


def verify(message, names):
    """By the certificate that the message names, whose path is the daemon's too."""
    text = "".join(f"{n}\n{message[n]}\n" for n in names if n in message)
    pem = urllib.request.urlopen(URL + path_of(message["SigningCertURL"])).read()
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("cert", pem), ("text", text.encode()),
                           ("sig", base64.b64decode(message["Signature"]))):
            with open(f"{d}/{name}", "wb") as f:
                f.write(data)
        key = subprocess.run(["openssl", "x509", "-in", f"{d}/cert", "-pubkey", "-noout"],
                             check=True, capture_output=True).stdout
        with open(f"{d}/key", "wb") as f:
            f.write(key)
        digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
        done = subprocess.run(["openssl", "dgst", digest, "-verify", f"{d}/key", "-signature",
                               f"{d}/sig", f"{d}/text"], capture_output=True, text=True)
        return done.stdout.strip() == "Verified OK"


NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]

# ---- HTTP ----
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
topic = sns.create_topic(Name="calls")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="http",
              Endpoint=f"http://127.0.0.1:{server.server_port}/in?x=1")
headers, asked = posts.get(timeout=20)
assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
assert verify(asked, CONFIRMATION)
urllib.request.urlopen(asked["SubscribeURL"]).read()
for version in ("1", "2"):
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion",
                             AttributeValue=version)
    said = sns.publish(TopicArn=topic, Message="hä \"quoted\"\nline", Subject="Subject")
    headers, got = posts.get(timeout=20)
    assert got["MessageId"] == said["MessageId"] and got["Message"] == "hä \"quoted\"\nline"
    assert got["SignatureVersion"] == version and verify(got, NOTIFICATION)
    assert not verify({**got, "Message": "another"}, NOTIFICATION)
urllib.request.urlopen(got["UnsubscribeURL"]).read()
assert posts.get(timeout=20)[1]["Type"] == "UnsubscribeConfirmation"
assert not sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]

# ---- queues; boto3 checks the digests ----
q = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
waits = []


def wait():
    began = time.monotonic()
    got = client("sqs").receive_message(QueueUrl=q, WaitTimeSeconds=20,
                                        MessageAttributeNames=["All"])
    waits.append((time.monotonic() - began, got))


waiter = threading.Thread(target=wait)
waiter.start()
time.sleep(1)
sqs.send_message(QueueUrl=q, MessageBody="job", MessageAttributes={
    "n": {"DataType": "Number", "StringValue": "1.5"},
    "b": {"DataType": "Binary", "BinaryValue": b"\0\1"}})
waiter.join(30)
took, got = waits[0]
assert took < 10 and got["Messages"][0]["Body"] == "job", waits
assert got["Messages"][0]["MessageAttributes"]["b"]["BinaryValue"] == b"\0\1"
sqs.delete_message(QueueUrl=q, ReceiptHandle=got["Messages"][0]["ReceiptHandle"])
try:
    sqs.get_queue_url(QueueName="none")
    raise SystemExit("a queue that is not there was found")
except sqs.exceptions.QueueDoesNotExist as e:
    assert e.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", e.response

# ---- the older protocol, as SDKs before 2023 and other tools speak it ----
form = urllib.parse.urlencode({
    "Action": "SendMessage", "Version": "2012-11-05", "QueueUrl": q, "MessageBody": "old"})
request = AWSRequest("POST", URL + path_of(q), data=form,
                     headers={"Content-Type": "application/x-www-form-urlencoded"})
SigV4Auth(Credentials("test", "test"), "sqs", "us-east-1").add_auth(request)
reply = urllib.request.urlopen(urllib.request.Request(
    request.url, form.encode(), dict(request.headers))).read().decode()
assert "<MD5OfMessageBody>149603e6c03516362a8da23f624db945</MD5OfMessageBody>" in reply, reply
assert sqs.receive_message(QueueUrl=q)["Messages"][0]["Body"] == "old"

# ---- a bucket tells the queue ----
sqs.set_queue_attributes(QueueUrl=q, Attributes={"Policy": json.dumps({
    "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn}]})})
s3.create_bucket(Bucket="talks")
s3.put_bucket_notification_configuration(Bucket="talks", NotificationConfiguration={
    "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
s3.put_object(Bucket="talks", Key="a key", Body=b"x")
events = [json.loads(m["Body"]) for m in sqs.receive_message(
    QueueUrl=q, MaxNumberOfMessages=10)["Messages"]]
assert events[0]["Event"] == "s3:TestEvent", events
assert events[1]["Records"][0]["s3"]["object"]["key"] == "a+key", events
print("all went well")
