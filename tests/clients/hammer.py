"""Random calls of every implemented operation, by boto3 without its own validation.

The daemon lives, and never answers InternalError.  Operations are read from src/*/*.ops, so a new
service comes in by itself.  What replies hold is kept by the name under which it stood and sent
where a member of that name asks for it, so that calls get beyond the first look-up.  One seed is
one run: against a fresh daemon, the same calls.

Usage: hammer.py URL SEED CALLS [SERVICE…]
"""
import glob
import http.client
import os
import random
import re
import sys
import urllib.parse

import boto3
import botocore.exceptions
from botocore.config import Config

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
KEPT = 40  # values of a name
DEPTH = 5
REGION = "us-east-1"

ALLOW_ALL = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*",'
             '"Resource":"*"}]}')
STACK = ('{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String",'
         '"Value":"v"}}}}')
# Texts that mean something to some operation, and some that mean nothing to any.
TEXTS = ["a", "x-1", "t3.micro", "us-east-1a", "0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24",
         "arn:aws:iam::000000000000:role/a", "arn:aws:kms:us-east-1:000000000000:key/a", "alias/a",
         "/a/b", "default", "*", "tag:Name", "vpc-id", "instance-state-name", "key", "-", "\u00e9",
         "a" * 300, "2026-01-01T00:00:00Z", "cron(0 0 * * ? *)", "rate(1 day)", ALLOW_ALL, STACK,
         "ami-009d6802948d06e52", "https://x.example.com/", "bucket-a", "000000000000",
         "111111111111", "$Latest", ""]
# A dry run changes nothing, and a length that is not the body's makes the server wait for the rest.
LEFT_OUT = ("DryRun", "ContentLength")
NUMBERS = [0, 1, 1, 2, 3, 5, 8, 10, 30, 60, 100, 1000, -1, 2**31 - 1, 3600, 65535]


def services(session):
    """{name of a folder in src: botocore's name}."""
    known = {s.replace("-", ""): s for s in session.get_available_services()}
    for path in sorted(glob.glob(os.path.join(SOURCE, "*", "*.ops"))):
        name = os.path.splitext(os.path.basename(path))[0]
        if name in known:
            yield path, known[name]
        else:
            print(f"boto3 has no client for {name}: not called")


def operations(path):
    """Those with a handler: a line of three or more words that begins with a capital letter."""
    with open(path) as f:
        for line in f:
            if re.match(r"[A-Z]\w+\s+\w+\s+(read|write)\b", line):
                yield line.split()[0]


def plain(name):
    """instanceIds and InstanceId are one name."""
    return name.lower().rstrip("s")


class Died(Exception):
    """The daemon, and the call that it died of."""


def lives(url):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Hammer:
    def __init__(self, url, seed, only):
        self.url = url
        self.random = random.Random(seed)
        self.known, self.recent = {}, list(TEXTS)
        self.answers = {}  # code or "ok": how often
        self.reached = set()
        session = boto3.Session(region_name=REGION, aws_access_key_id="test",
                                aws_secret_access_key="test")
        config = Config(parameter_validation=False, retries={"max_attempts": 0}, read_timeout=60,
                        s3={"addressing_style": "path"})
        self.calls = []
        for path, service in services(session):
            if only and service not in only:
                continue
            client = session.client(service, endpoint_url=url, config=config)
            has = client.meta.service_model.operation_names
            self.calls += [(client, service, o) for o in operations(path) if o in has]

    # ---- what is sent ----

    def text(self, name, shape):
        r = self.random
        known = self.known.get(plain(name))
        if getattr(shape, "enum", None) and r.random() < .9:
            return r.choice(shape.enum)
        if known and r.random() < .75:
            return r.choice(known)
        return r.choice(self.recent[-600:] if r.random() < .4 else TEXTS)

    def value(self, name, shape, depth=0):
        r, kind = self.random, shape.type_name
        if kind == "structure":
            return {k: self.value(k, m, depth + 1) for k, m in shape.members.items()
                    if k not in LEFT_OUT and depth < DEPTH
                    and r.random() < (.95 if k in shape.required_members else
                                      .2 if depth == 0 else .35)}
        if kind == "list":
            return [self.value(name, shape.member, depth + 1)
                    for _ in range(r.choice([0, 1, 1, 1, 2, 3]))]
        if kind == "map":
            return {str(self.value(name, shape.key, depth + 1)):
                    self.value(name, shape.value, depth + 1) for _ in range(r.choice([0, 1, 2]))}
        if kind == "string":
            return self.text(name, shape)
        if kind in ("integer", "long"):
            return r.choice(NUMBERS)
        if kind == "boolean":
            return r.random() < .5
        if kind in ("float", "double"):
            return r.choice([0.0, 1.5, -1.0])
        if kind == "blob":
            return r.choice([b"", b"x", b"abc" * 20, r.randbytes(32)])
        return r.choice([0, 1600000000, 1900000000])  # a time

    # ---- what is learnt ----

    def keep(self, name, value):
        if isinstance(value, dict):
            for k, v in value.items():
                if k != "ResponseMetadata":
                    self.keep(k, v)
        elif isinstance(value, list):
            for v in value[:3]:
                self.keep(name, v)
        elif isinstance(value, str) and 0 < len(value) < 400:
            values = self.known.setdefault(plain(name), [])
            if value not in values:
                values.append(value)
                del values[:-KEPT]
                self.recent.append(value)
                del self.recent[:-4000]

    # ---- calling ----

    def call(self):
        """One call; None, or what must not be."""
        client, service, operation = self.random.choice(self.calls)
        shape = client.meta.service_model.operation_model(operation).input_shape
        params = self.value("", shape) if shape else {}
        try:
            reply = getattr(client, botocore.xform_name(operation))(**params)
        except botocore.exceptions.ClientError as e:
            status = e.response["ResponseMetadata"]["HTTPStatusCode"]
            code = str(e.response["Error"].get("Code"))
            self.answers[code] = self.answers.get(code, 0) + 1
            # 501 names what is not implemented; EC2 says 500 when there is no room.
            if status < 500 or status == 501 or code.startswith("Insufficient"):
                return None
            return f"{service} {operation}: {status} {code}: {params!r:.2000}"
        except Exception as e:  # boto3 cannot write such a request, or does not get an answer
            self.answers["unsent"] = self.answers.get("unsent", 0) + 1
            if not lives(self.url):
                raise Died(f"{service} {operation}: {e}: {params!r:.2000}") from e
            return None
        if "Body" in reply and hasattr(reply["Body"], "read"):
            reply["Body"].read()
        self.answers["ok"] = self.answers.get("ok", 0) + 1
        self.reached.add((service, operation))
        self.keep("", reply)
        return None


def main():
    if len(sys.argv) < 4:
        print(__doc__.splitlines()[-1], file=sys.stderr)
        return 2
    url, seed, calls, only = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    hammer = Hammer(url, seed, only)
    print(f"seed {seed}: {calls} calls of {len(hammer.calls)} operations")
    wrong = 0
    for i in range(calls):
        try:
            found = hammer.call()
        except Died as e:
            print(f"call {i}: the daemon died of {e}")
            return 1
        if found:
            wrong += 1
            print(f"call {i}: {found}", flush=True)
    print(f"{hammer.answers.get('ok', 0)} succeeded, of {len(hammer.reached)} operations; "
          f"{wrong} must not be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
