#!/usr/bin/env python3
"""kill -9 at random moments under load: what was answered stays, nothing stays by half.

Usage: tests/live/kill_loop.py BUILD_DIR [N]      KILL_SEED=… to draw the same again

Runs BUILD_DIR/welkin with the sim host (no root needed), lets eight clients, each an account of
its own, make, change and delete things, parameters and secrets too, kills the daemon N times (200)
and starts it again on the same data; now and then it is ended with SIGTERM instead.  Each client
knows what was answered; a call that was cut off may have happened or not, but only as a whole.
After each start every client compares that with what it is shown.

Needs python3 only.
"""

import datetime
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as xml

from cloud import JSON_TARGETS, b64, sign

CLIENTS = 8
LIVE_MAX = 12       # things a client keeps
ROUND_S = 0.16      # the longest that a daemon lives
START_LIMIT_S = 20
CLOCK_EVERY = 8     # rounds; then the clock goes on, so that terminated instances leave
END_EVERY = 10      # kills; then it is ended with SIGTERM once
CLOCK_STEP_MS = 2 * 3600 * 1000
IMAGE = "ami-009d6802948d06e52"
NAMES = [f"/kill/{i}" for i in range(3)]  # of parameters and of secrets, in each account
BLOBS_MAX = 4       # ciphertexts a client keeps


class Cut(Exception):
    """The connection broke: nobody knows whether the call was carried out."""


class Wrong(Exception):
    """What is shown contradicts what was answered."""


class Api:
    def __init__(self, cloud, account):
        self.cloud, self.account = cloud, account
        self.conn = None
        self.code = None
        self.calls = 0

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None

    def post(self, action, service, body, **headers):
        """Status and body of the reply."""
        now = datetime.datetime.now(datetime.timezone.utc) + \
            datetime.timedelta(milliseconds=self.cloud.ahead_ms)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        headers = sign(f"127.0.0.1:{self.cloud.port}", body, key=self.account, service=service,
                       now=now, headers=headers)
        try:
            if not self.conn:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.cloud.port, timeout=20)
            self.conn.request("POST", "/", body, headers)
            reply = self.conn.getresponse()
            text = reply.read()
        except socket.timeout:
            raise Wrong(f"{action}: no answer in 20 s")
        except (OSError, http.client.HTTPException):
            self.close()
            raise Cut()
        self.calls += 1
        return reply.status, text

    def refused(self, action, status, text, code):
        """Keeps the code of a refusal that may be."""
        self.code = code
        if status >= 500 or code in ("AuthFailure", "SignatureDoesNotMatch",
                                     "InvalidSignatureException"):
            raise Wrong(f"{action}: HTTP {status} {text.decode()[:300]}")

    def call(self, action, **params):
        """The reply's root element; None for a refusal whose code is in self.code."""
        form = {"Action": action, "Version": "2016-11-15"}
        form.update({k.replace("__", "."): v for k, v in params.items()})
        status, text = self.post(action, "ec2", urllib.parse.urlencode(form).encode(),
                                 content_type="application/x-www-form-urlencoded")
        root = xml.fromstring(text)
        for e in root.iter():
            e.tag = e.tag.rsplit("}", 1)[-1]
        if status == 200:
            return root
        return self.refused(action, status, text, root.findtext(".//Code"))

    def json(self, service, action, **params):
        """The reply of a service that speaks JSON, or None as above."""
        status, text = self.post(action, service, json.dumps(params).encode(),
                                 content_type="application/x-amz-json-1.1",
                                 x_amz_target=f"{JSON_TARGETS[service]}.{action}")
        reply = json.loads(text or b"{}")
        return reply if status == 200 else self.refused(action, status, text, reply["__type"])


class Thing:
    """A group, a key pair or an instance, and all that may be true of it."""

    def __init__(self, kind, ident, name):
        self.kind, self.id, self.name = kind, ident, name
        self.there = {True}      # may be there, may be gone
        self.tags = {}           # key -> values it may have; None is "no such tag"
        self.down = {False}      # was stopped and not started again
        self.protected = {False}

    def sure(self):
        return all(len(s) == 1 for s in [self.there, self.down, self.protected])


class Client:
    def __init__(self, cloud, number, seed):
        self.rng = random.Random(f"{seed}/{number}")
        self.api = Api(cloud, f"{number + 1:012d}")
        self.things = {}
        self.unsure = []         # creations that were cut off: (kind, name, n, form)
        # (service, name) -> values that it may have; None is "not there"
        self.values = {(s, n): {None} for s in ("ssm", "secretsmanager") for n in NAMES}
        self.key = None          # of KMS
        self.blobs = []          # (ciphertext, text)
        self.serial = 0
        self.acknowledged = 0
        self.cut = 0

    def name(self):
        self.serial += 1
        return f"t{self.serial}-{self.rng.randrange(10 ** 6)}"

    # ---- what is done ----

    def change(self, sets, action, **params):
        """One call that brings each (set, value) of `sets` about: both are possible if cut off."""
        before = [(s, set(s)) for s, _ in sets]
        for s, value in sets:
            s.add(value)
        done = self.api.call(action, **params)
        for (s, value), (_, old) in zip(sets, before):
            s.clear()
            s.update({value} if done is not None else old)
        self.acknowledged += done is not None
        return done is not None

    def create(self, kind, n, action, **params):
        name = self.name()
        form = {k: v.replace("NAME", name) for k, v in params.items()}
        self.unsure.append((kind, name, n, action, form))
        root = self.api.call(action, **form)
        self.unsure.pop()
        if root is None:
            raise Wrong(f"{action} is refused: {self.api.code}")
        self.acknowledged += 1
        path = {"group": ".//groupId", "key": ".//keyPairId",
                "instance": "instancesSet/item/instanceId"}[kind]
        ids = [e.text for e in root.findall(path)]
        if kind == "instance" and len(ids) != n:
            raise Wrong(f"RunInstances answered {len(ids)} of {n}")
        for ident in ids[:n]:
            thing = Thing(kind, ident, name)
            if kind == "instance":
                thing.tags["batch"] = {name}
            self.things[ident] = thing

    def pick(self, kind):
        found = [t for t in self.things.values() if t.kind == kind and t.there == {True}]
        return self.rng.choice(found) if found else None

    def run_instances(self):
        n = self.rng.randint(1, 3)
        tag = "TagSpecification.1."
        self.create("instance", n, "RunInstances", ImageId=IMAGE, InstanceType="t3.micro",
                    MinCount=str(n), MaxCount=str(n), ClientToken="NAME",
                    **{tag + "ResourceType": "instance", tag + "Tag.1.Key": "batch",
                       tag + "Tag.1.Value": "NAME"})

    def make_group(self):
        self.create("group", 1, "CreateSecurityGroup", GroupName="NAME", GroupDescription="kill")

    def make_key(self):
        self.create("key", 1, "CreateKeyPair", KeyName="NAME", KeyType="ed25519")

    def tag(self):
        thing = self.pick(self.rng.choice(["group", "instance", "key"]))
        if not thing:
            return
        key = f"k{self.rng.randrange(3)}"
        values = thing.tags.setdefault(key, {None})
        if self.rng.random() < 0.3:
            self.change([(values, None)], "DeleteTags", ResourceId__1=thing.id, Tag__1__Key=key)
            return
        value = str(self.rng.randrange(1000))
        self.change([(values, value)], "CreateTags", ResourceId__1=thing.id, Tag__1__Key=key,
                    Tag__1__Value=value)

    def delete(self):
        thing = self.pick(self.rng.choice(["group", "instance", "instance", "key"]))
        if not thing or True in thing.protected:
            return
        if thing.kind == "group":
            self.change([(thing.there, False)], "DeleteSecurityGroup", GroupId=thing.id)
        elif thing.kind == "key":
            self.change([(thing.there, False)], "DeleteKeyPair", KeyPairId=thing.id)
        else:
            batch = [t for t in self.things.values()
                     if t.name == thing.name and t.there == {True} and True not in t.protected]
            self.change([(t.there, False) for t in batch], "TerminateInstances",
                        **{f"InstanceId.{i + 1}": t.id for i, t in enumerate(batch)})

    def power(self):
        thing = self.pick("instance")
        if not thing:
            return
        if self.rng.random() < 0.5:
            self.change([(thing.down, True)], "StopInstances", InstanceId__1=thing.id)
        else:
            self.change([(thing.down, False)], "StartInstances", InstanceId__1=thing.id)

    def protect(self):
        thing = self.pick("instance")
        if thing:
            value = self.rng.random() < 0.5
            self.change([(thing.protected, value)], "ModifyInstanceAttribute",
                        InstanceId=thing.id, DisableApiTermination__Value=str(value).lower())

    def done(self, service, action, **params):
        """The reply of a call that nothing stands in the way of."""
        reply = self.api.json(service, action, **params)
        if reply is None:
            raise Wrong(f"{action} is refused: {self.api.code}")
        self.acknowledged += 1
        return reply

    def put_value(self):
        """Makes, changes or deletes a parameter or a secret."""
        (service, name), values = self.rng.choice(list(self.values.items()))
        there = values != {None}
        value = None if there and self.rng.random() < 0.3 else self.name()
        token = str(uuid.UUID(int=self.rng.getrandbits(128)))
        values.add(value)
        if service == "ssm" and value is None:
            self.done(service, "DeleteParameter", Name=name)
        elif service == "ssm":
            self.done(service, "PutParameter", Name=name, Value=value, Overwrite=there,
                      Type="String" if name == NAMES[0] else "SecureString")
        elif value is None:
            self.done(service, "DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
        elif there:
            self.done(service, "PutSecretValue", SecretId=name, SecretString=value,
                      ClientRequestToken=token)
        else:
            self.done(service, "CreateSecret", Name=name, SecretString=value,
                      ClientRequestToken=token)
        values.clear()
        values.add(value)

    def encrypt(self):
        if not self.key:
            self.key = self.done("kms", "CreateKey")["KeyMetadata"]["KeyId"]
        text = b64(self.name())
        blob = self.done("kms", "Encrypt", KeyId=self.key, Plaintext=text)["CiphertextBlob"]
        self.blobs = self.blobs[-BLOBS_MAX + 1:] + [(blob, text)]

    def rotate(self):
        if self.key and self.api.json("kms", "RotateKeyOnDemand", KeyId=self.key) is None:
            if self.api.code != "LimitExceededException":
                raise Wrong(f"RotateKeyOnDemand is refused: {self.api.code}")
            self.key = None  # the next one; what this one encrypted opens still

    def step(self):
        acts = [(20, self.run_instances), (8, self.make_group), (3, self.make_key),
                (24, self.tag), (24, self.delete), (14, self.power), (7, self.protect), (24, self.put_value),
                (8, self.encrypt), (2, self.rotate)]
        if sum(t.there != {False} for t in self.things.values()) >= LIVE_MAX:
            acts = acts[3:]
        self.rng.choices([fn for _, fn in acts], [w for w, _ in acts])[0]()

    def work(self):
        try:
            while True:
                self.step()
        except Cut:
            self.cut += 1

    # ---- what is there ----

    def look(self):
        """{id: (kind, name, tags, state)} of all that this account is shown."""
        shown = {}

        def tags_of(item):
            return {t.findtext("key"): t.findtext("value") or ""
                    for t in item.findall("tagSet/item")}

        for item in self.api.call("DescribeSecurityGroups").findall("securityGroupInfo/item"):
            shown[item.findtext("groupId")] = ("group", item.findtext("groupName"),
                                               tags_of(item), "")
        for item in self.api.call("DescribeKeyPairs").findall("keySet/item"):
            shown[item.findtext("keyPairId")] = ("key", item.findtext("keyName"), tags_of(item), "")
        self.whole = {}
        for item in self.api.call("DescribeInstances").findall("reservationSet/item"):
            for i in item.findall("instancesSet/item"):
                tags = tags_of(i)
                ident = i.findtext("instanceId")
                shown[ident] = ("instance", tags.get("batch"), tags,
                                i.findtext("instanceState/name"))
                self.whole[ident] = (item.findtext("reservationId"), i)
        return shown

    def check_parts(self, shown):
        """Each instance has just its interface and its volume, and they have it."""
        nics = self.api.call("DescribeNetworkInterfaces").findall("networkInterfaceSet/item")
        volumes = self.api.call("DescribeVolumes").findall("volumeSet/item")
        of_nics = [n.findtext("attachment/instanceId") for n in nics]
        of_volumes = [v.findtext("attachmentSet/item/instanceId") for v in volumes]
        addresses = [n.findtext("privateIpAddress") for n in nics]
        alive = sorted(i for i, t in shown.items()
                       if t[0] == "instance" and t[3] != "terminated")
        if len(set(addresses)) != len(addresses):
            raise Wrong("an address was given twice")
        for what, owners in [("interfaces", of_nics), ("volumes", of_volumes)]:
            if sorted(map(str, owners)) != alive:
                raise Wrong(f"{what} are of {owners}, instances are {alive}")

    def settle(self, possible, truth, what):
        if truth not in possible:
            raise Wrong(f"{what} is {truth!r}, and only {possible!r} can be")
        possible.clear()
        possible.add(truth)

    def adopt(self, shown):
        """Creations that were cut off: all of it is there, or nothing."""
        for kind, name, n, action, form in self.unsure:
            ids = [i for i, s in shown.items() if s[0] == kind and s[1] == name]
            if len(ids) not in (0, n):
                raise Wrong(f"{len(ids)} of {n} of one {action} are there ({name})")
            if len({self.whole[i][0] for i in ids if i in self.whole}) > 1:
                raise Wrong(f"one {action} has several reservations ({name})")
            if action == "RunInstances":
                # the client tries again with its token: it gets the same ones, or the first ones
                again = self.api.call(action, **form)
                got = [e.text for e in again.findall("instancesSet/item/instanceId")] \
                    if again is not None else []
                if len(got) != n or (ids and sorted(got) != sorted(ids)):
                    raise Wrong(f"{action} again with its token is {got}, and {ids} was there")
                ids = got
            for ident in ids:
                thing = self.things[ident] = Thing(kind, ident, name)
                if kind == "instance":
                    thing.tags["batch"] = {name}
                    thing.down = {True, False}
        retried = any(action == "RunInstances" for _, _, _, action, _ in self.unsure)
        self.unsure = []
        return self.look() if retried else shown

    def check_thing(self, thing, seen):
        there = seen is not None and seen[3] not in ("shutting-down", "terminated")
        self.settle(thing.there, there, f"that {thing.id} is there")
        if not there:
            return
        for key, values in thing.tags.items():
            self.settle(values, seen[2].get(key), f"tag {key} of {thing.id}")
        for key in seen[2]:
            if key not in thing.tags:
                raise Wrong(f"{thing.id} has a tag {key} that nobody gave it")
        if thing.kind != "instance":
            return
        down = seen[3] in ("stopping", "stopped")
        # All machines of the sim host end with the daemon, so any instance may be down.
        if not down:
            self.settle(thing.down, False, f"that {thing.id} was stopped")
        thing.down = {down}
        reply = self.api.call("DescribeInstanceAttribute", InstanceId=thing.id,
                              Attribute="disableApiTermination")
        self.settle(thing.protected, reply.findtext("disableApiTermination/value") == "true",
                    f"protection of {thing.id}")

    def read(self, reply, missing, member):
        if reply is None and self.api.code != missing:
            raise Wrong(f"{member} cannot be read: {self.api.code}")
        return reply and reply[member]

    def value(self, service, name):
        if service == "ssm":
            reply = self.api.json(service, "GetParameter", Name=name, WithDecryption=True)
            return self.read(reply and reply["Parameter"], "ParameterNotFound", "Value")
        reply = self.api.json(service, "GetSecretValue", SecretId=name)
        return self.read(reply, "ResourceNotFoundException", "SecretString")

    def check_values(self):
        for (service, name), values in self.values.items():
            self.settle(values, self.value(service, name), f"{service}'s {name}")
        for blob, text in self.blobs:
            reply = self.api.json("kms", "Decrypt", CiphertextBlob=blob)
            if reply is None or reply["Plaintext"] != text:
                raise Wrong(f"what was encrypted does not open: {reply} {self.api.code}")

    def check(self):
        self.check_values()
        shown = self.adopt(self.look())
        self.check_parts(shown)
        for ident, thing in list(self.things.items()):
            self.check_thing(thing, shown.get(ident))
            if thing.there == {False} and ident not in shown:
                del self.things[ident]
        for ident, seen in shown.items():
            if ident not in self.things and seen[1] != "default":
                raise Wrong(f"{ident} ({seen}) is there, and nobody made it")


class Cloud:
    def __init__(self, build, folder):
        self.program = os.path.join(build, "welkin")
        self.data = os.path.join(folder, "data")
        self.log = os.path.join(folder, "log")
        self.ahead_ms = 0
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.proc = None

    def start(self):
        self.proc = subprocess.Popen(
            [self.program, "up", "--data", self.data, "--host", "sim", "--sim-boot-ms", "10",
             "--listen", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        ready = threading.Event()
        threading.Thread(target=self.drain, args=(self.proc, ready), daemon=True).start()
        if not ready.wait(START_LIMIT_S) or self.proc.poll() is not None:
            raise Wrong(f"the daemon does not start (exit status {self.proc.poll()})")

    def drain(self, proc, ready):
        with open(self.log, "ab") as log:
            for line in proc.stderr:
                log.write(line)
                if line == b"Ready.\n":
                    ready.set()
        ready.set()

    def kill(self):
        status = self.proc.poll()
        if status is not None:
            raise Wrong(f"the daemon ended by itself, exit status {status}")
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()

    def end(self):
        """The polite way: what is under way is answered or cut off, and it ends well."""
        self.proc.terminate()
        try:
            status = self.proc.wait(timeout=20)
        except subprocess.TimeoutExpired:
            raise Wrong("the daemon does not end within 20 s of SIGTERM")
        if status != 0:
            raise Wrong(f"the daemon ended with status {status} after SIGTERM")

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    def advance_clock(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        conn.request("POST", f"/_welkin/clock?action=advance&ms={CLOCK_STEP_MS}")
        reply = conn.getresponse()
        reply.read()
        conn.close()
        if reply.status != 200:
            raise Wrong(f"the clock: HTTP {reply.status}")
        self.ahead_ms += CLOCK_STEP_MS


def together(clients, fn, failures):
    def one(client):
        try:
            fn(client)
        except Exception as e:  # a thread's failure is the run's
            failures.append(f"account {client.api.account}: {type(e).__name__} {e}")

    threads = [threading.Thread(target=one, args=(c,)) for c in clients]
    for t in threads:
        t.start()
    return threads


def one_round(cloud, clients, rng, number, how):
    failures = []
    cloud.start()
    for t in together(clients, Client.check, failures):
        t.join()
    if failures:
        return failures
    if number % CLOCK_EVERY == CLOCK_EVERY - 1:
        cloud.advance_clock()
    threads = together(clients, Client.work, failures)
    time.sleep(rng.uniform(0, ROUND_S))
    how(cloud)
    for t in threads:
        t.join()
    for c in clients:
        c.api.close()
    return failures


def begin(usage, rounds, name):
    """What the command line asks for: (rounds, seed, folder); `rounds` is the default."""
    if len(sys.argv) not in (2, 3):
        sys.exit(usage)
    seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(10 ** 9)))
    print(f"KILL_SEED={seed}", flush=True)
    folder = tempfile.mkdtemp(prefix=name)
    os.chmod(folder, 0o755)  # started by root, the daemon is somebody else
    return int(sys.argv[2]) if len(sys.argv) == 3 else rounds, seed, folder


def end(folder, kills, failures, told):
    """Says what came of it, and exits so."""
    for text in failures:
        print(f"FAIL after {kills} kills: {text}")
    if failures:
        print(f"the data and the log are in {folder}")
    else:
        shutil.rmtree(folder)
    print(told)
    print(f"{kills} passed, {len(failures)} failed, 0 skipped")
    sys.exit(1 if failures else 0)


def main():
    rounds, seed, folder = begin(__doc__, 200, "welkin-kill.")
    rng, cloud = random.Random(seed), Cloud(os.path.abspath(sys.argv[1]), folder)
    clients = [Client(cloud, i, seed) for i in range(CLIENTS)]
    began, kills, failures = time.monotonic(), 0, []
    try:
        while kills < rounds and not failures:
            failures = one_round(cloud, clients, rng, kills, Cloud.kill)
            kills += not failures
            if kills % END_EVERY == 0 and not failures:
                failures = one_round(cloud, clients, rng, kills, Cloud.end)
        if not failures:
            cloud.start()
            for t in together(clients, Client.check, failures):
                t.join()
    except Wrong as e:
        failures.append(str(e))
    finally:
        cloud.stop()
    end(folder, kills, failures,
        f"{kills} kills in {time.monotonic() - began:.1f} s: "
        f"{sum(c.api.calls for c in clients)} calls answered, "
        f"{sum(c.acknowledged for c in clients)} changes acknowledged, "
        f"{sum(c.cut for c in clients)} calls cut off")


if __name__ == "__main__":
    main()
