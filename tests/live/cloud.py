"""A real Welkin daemon for tests, and a client for it out of the standard library.

The client signs for itself, so that what passes here does not lean on an AWS SDK; the stock
clients have a suite of their own (tests/clients).
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as ET

VERSION = "2016-11-15"
VERSIONS = {"ec2": VERSION, "cloudformation": "2010-05-15", "iam": "2010-05-08", "sts": "2011-06-15",
            "monitoring": "2010-08-01", "autoscaling": "2011-01-01",
            "elasticloadbalancing": "2015-12-01", "rds": "2014-10-31"}
JSON_TARGETS = {"ec2-instance-connect": "AWSEC2InstanceConnectService",
                "kms": "TrentService", "secretsmanager": "secretsmanager", "ssm": "AmazonSSM"}
AMI = "ami-009d6802948d06e52"  # Amazon Linux 2 to its users; boots the tiny image


class Fault(Exception):
    """An error that the API answered."""

    def __init__(self, status, code, message):
        super().__init__(f"{code} ({status}): {message}")
        self.status, self.code, self.message = status, code, message


class Failed(Exception):
    """What a test found."""


def check(truth, text):
    if not truth:
        raise Failed(text)


def same(have, want, what):
    if have != want:
        raise Failed(f"{what}: {have!r}, not {want!r}")


def wait(what, fn, seconds=20, step=0.03):
    """The first true answer of fn; fails with `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = fn()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(step)


# ---- Signature Version 4 ----------------------------------------------------------------------

def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(host, body, key="test", secret="test", region="us-east-1", service="ec2", now=None,
         method="POST", path="/", query="", headers=None, skip=()):
    """The headers of a signed request.  `headers` are signed too, but for those in `skip`."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    all_headers = {"host": host, "x-amz-date": stamp}
    all_headers.update({k.lower(): v for k, v in (headers or {}).items()})
    signed = sorted(set(all_headers) - set(skip))
    canonical = "\n".join([method, path, query] + [f"{k}:{all_headers[k]}" for k in signed] +
                          ["", ";".join(signed), hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    k = _hmac(("AWS4" + secret).encode(), day)
    for part in (region, service, "aws4_request"):
        k = _hmac(k, part)
    all_headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(signed)}, "
        f"Signature={hmac.new(k, text.encode(), hashlib.sha256).hexdigest()}")
    return all_headers


def _value(element):
    """Texts, lists for sets of items, and dicts."""
    children = list(element)
    if not children:
        if element.tag.split("}")[-1].endswith("Set") and not (element.text or "").strip():
            return []
        return element.text or ""
    if all(c.tag.split("}")[-1] == "item" for c in children):
        return [_value(c) for c in children]
    return {c.tag.split("}")[-1]: _value(c) for c in children}


def parse(body):
    return _value(ET.fromstring(body))


def flatten(params, prefix=""):
    """{"Filter": [{"Name": "a", "Value": ["b"]}]} to Filter.1.Name=a, Filter.1.Value.1=b."""
    out = {}
    items = params.items() if isinstance(params, dict) else enumerate(params, 1)
    for name, v in items:
        name = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(v, (dict, list, tuple)):
            out.update(flatten(v, name))
        elif isinstance(v, bool):
            out[name] = "true" if v else "false"
        elif v is not None:
            out[name] = str(v)
    return out


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def json_request(host, service, action, params, **more):
    """(headers, body) of a signed call of a service that speaks JSON; `more` is sign()'s."""
    body = json.dumps(params).encode()
    headers = {"content-type": "application/x-amz-json-1.1",
               "x-amz-target": f"{JSON_TARGETS[service]}.{action}"}
    return sign(host, body, service=service, headers=headers, **more), body


_ports = itertools.count(4600)


def free_port():
    """A port that this process gave to nobody yet: daemons start at the same time."""
    for port in itertools.islice(_ports, 900):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port")


# ---- the daemon -------------------------------------------------------------------------------

class Cloud:
    """A daemon with its data folder.  close() leaves nothing behind."""

    def __init__(self, build, data, host="sandbox", port=None):
        self.binary = os.path.join(os.path.abspath(build), "welkin")
        self.data, self.host = data, host
        self.port = port or free_port()
        self.endpoint = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.endpoint}"
        self.log = data.rstrip("/") + ".log"
        self.process = None
        self.last_words = ""
        self.launched = []  # (instance id, account and region), for who cleans up
        os.makedirs(data, exist_ok=True)
        os.chmod(data, 0o755)

    def up(self, *more):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [self.binary, "up", "--data", self.data, "--listen", self.endpoint,
                 "--host", self.host, *more], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait("the daemon's Ready.", lambda: self._is_ready(begin), 60, 0.01)
        return self

    def _is_ready(self, begin):
        with open(self.log, "rb") as log:
            log.seek(begin)
            text = log.read()
        if self.process.poll() is not None:
            raise Failed("the daemon ended: " + text.decode(errors="replace")[-2000:])
        return b"\nReady.\n" in b"\n" + text

    def kill9(self):
        """As a crash would.  What was answered before must not be lost."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        self.process.terminate()
        status = self.process.wait(30)
        self.process = None
        return status

    def run(self, *args, **more):
        return subprocess.run([self.binary, *args], capture_output=True, timeout=300, **more)

    def down(self):
        """Ends the daemon, its privileged process and every sandbox."""
        if self.process:
            self.kill9()
        if self.host == "sandbox" and os.path.exists(os.path.join(self.data, "host.sock")):
            done = self.run("down", "--data", self.data)
            check(done.returncode == 0, "welkin down: " + done.stderr.decode(errors="replace"))

    def close(self):
        try:
            self.down()
        except BaseException:  # tells more than that the folder stays
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        finally:
            if os.path.exists(self.log):
                with open(self.log, errors="replace") as log:
                    self.last_words = "".join(log.readlines()[-14:])
                os.unlink(self.log)
        # The privileged process may still be emptying its trash.
        wait(f"{self.data} to go", lambda: shutil.rmtree(self.data, ignore_errors=True) or
             not os.path.exists(self.data))

    def children(self, keeper=True):
        """Process ids of the daemon's own binary that serve this data folder.

        keeper: also the one that only holds the consoles' descriptors."""
        pids = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    argv = f.read().split(b"\0")
                with open(f"/proc/{pid}/comm") as f:
                    comm = f.read().strip()
            except OSError:
                continue
            if argv[0] in (self.binary.encode(), b"welkin-host", b"welkin-keep") \
                    and self.data.encode() in argv \
                    and (keeper or comm != "welkin-keep"):
                pids.append(int(pid))
        return pids

    def kill9_both(self, keeper=False):
        """kill -9 of the daemon and of the privileged process; sandboxes are left alone."""
        for pid in self.children(keeper):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.process:
            self.process.wait()
            self.process = None
        wait("the killed processes to be gone", lambda: not self.children(keeper))

    def sandboxes(self):
        """Process ids, on the host, of the PID 1 of every running machine of this cloud."""
        ids = set(os.listdir(os.path.join(self.data, "machines")))
        pids = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status") as f:
                    nspid = next(line.split()[1:] for line in f if line.startswith("NSpid:"))
                with open(f"/proc/{pid}/cgroup") as f:
                    cgroup = f.read()
            except (OSError, StopIteration):
                continue
            if len(nspid) > 1 and nspid[-1] == "1" and any(id in cgroup for id in ids):
                pids.append(int(pid))
        return pids

    def forget_run_state(self):
        """What a reboot of the host empties."""
        for name in ("run", "host.sock"):
            path = os.path.join(self.data, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

    def said(self):
        """The end of its log."""
        if os.path.exists(self.log):
            with open(self.log, errors="replace") as log:
                return "".join(log.readlines()[-14:])
        return self.last_words

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(line.split()[1] for line in f if line.startswith("VmRSS:")))

    # ---- the API ----

    def raw(self, action, params=None, account="test", region="us-east-1", service="ec2",
            secret="test", token=None, now=None):
        """Status and body of a signed call.  `account` is the access key."""
        fields = {"Action": action, "Version": VERSIONS[service], **flatten(params or {})}
        body = urllib.parse.urlencode(fields).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if token:
            headers["x-amz-security-token"] = token
        return self.post(body, sign(self.endpoint, body, key=account, region=region,
                                    service=service, secret=secret, now=now, headers=headers))

    def post(self, body, headers):
        """(status, body) of a signed request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def get(self, path):
        """(status, body) of a path of the daemon itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def call(self, action, account="test", region="us-east-1", **params):
        status, body = self.raw(action, params, account, region)
        reply = parse(body)
        if status != 200:
            error = reply["Errors"]["Error"]
            raise Fault(status, error["Code"], error["Message"])
        return reply

    def json(self, service, action, **params):
        """A call of a service that speaks JSON, as the account's root; its reply."""
        headers, body = json_request(self.endpoint, service, action, params)
        status, reply = self.post(body, headers)
        reply = json.loads(reply or b"{}")
        if status != 200:
            raise Fault(status, reply["__type"], reply.get("message") or reply.get("Message"))
        return reply

    def query(self, service, action, **params):
        """A call of a service of the query protocol as the account's root; its body."""
        status, body = self.raw(action, params, service=service)
        check(status == 200, f"{action}: {body!r}")
        return body.decode()

    def refused(self, code, action, **params):
        """The call must answer the error; answers its text."""
        try:
            self.call(action, **params)
        except Fault as fault:
            same(fault.code, code, f"the error of {action}")
            return fault.message
        raise Failed(f"{action} went through instead of {code}")

    def launch(self, user_data=None, n=1, **params):
        """Ids of new instances."""
        where = {k: params.pop(k) for k in ("account", "region") if k in params}
        params.setdefault("ImageId", AMI)
        params.setdefault("InstanceType", "t3.micro")
        if user_data is not None:
            params["UserData"] = b64(user_data)
        reply = self.call("RunInstances", MinCount=n, MaxCount=n, **where, **params)
        ids = [i["instanceId"] for i in reply["instancesSet"]]
        self.launched += [(id, where) for id in ids]
        return ids

    def instance(self, id, **where):
        reply = self.call("DescribeInstances", InstanceId=[id], **where)
        return reply["reservationSet"][0]["instancesSet"][0]

    def state(self, id, **where):
        return self.instance(id, **where)["instanceState"]["name"]

    def wait_state(self, id, state, seconds=30, **where):
        try:
            wait(f"{id} {state}", lambda: self.state(id, **where) == state, seconds)
        except Failed as why:
            raise Failed(f"{why} (it is {self.state(id, **where)})") from None

    def stop_instance(self, id):
        self.call("StopInstances", InstanceId=[id])
        self.wait_state(id, "stopped", 45)

    def start_instance(self, id):
        self.call("StartInstances", InstanceId=[id])
        self.wait_state(id, "running")

    def terminate(self, *ids, **where):
        if ids:
            self.call("TerminateInstances", InstanceId=list(ids), **where)

    def reboot_instance(self, id):
        """Reboots and waits until the next boot is done."""
        self.sh(id, "touch /run/before-reboot")  # /run is gone with the boot
        self.call("RebootInstances", InstanceId=[id])
        wait(f"{id} to boot again",
             lambda: self.exec(id, "sh", "-c", "test ! -e /run/before-reboot -a "
                               "-e /run/cloud-init/result.json")[0] == 0, 45)

    def status(self, id):
        """(system, instance) status checks of a running instance."""
        reply = self.call("DescribeInstanceStatus", InstanceId=[id])["instanceStatusSet"]
        return (reply[0]["systemStatus"]["status"], reply[0]["instanceStatus"]["status"]) \
            if reply else None

    # ---- inside ----

    def exec(self, id, *argv, input=b"", timeout=60):
        """(exit status, output) of a program in the instance."""
        done = subprocess.run([self.binary, "exec", "--data", self.data, id, "--", *argv],
                              input=input, capture_output=True, timeout=timeout)
        return done.returncode, done.stdout + done.stderr

    def sh(self, id, script, timeout=60):
        """Output of a shell script in the instance, which must succeed."""
        status, out = self.exec(id, "sh", "-c", script, timeout=timeout)
        check(status == 0, f"`{script}` in {id} ended with {status}: {out!r}")
        return out.decode(errors="replace")

    def console(self, id):
        done = self.run("console", id, "--no-follow", "--endpoint", self.endpoint)
        return done.stdout.decode(errors="replace")

    def booted(self, id, seconds=30):
        """Waits until the instance's cloud-init (or what stands in for it) is done with a boot."""
        self.wait_state(id, "running", seconds)
        wait(f"{id} to finish its boot",
             lambda: self.exec(id, "test", "-e", "/run/cloud-init/result.json")[0] == 0, seconds)

    def http(self, id, path, method="GET", headers=None, address="169.254.169.254", prefix=(),
             port=80):
        """(status, headers, body) of an HTTP request made inside the instance; None: no answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", "Connection: close"]
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        status, out = self.exec(id, "timeout", "3", *prefix, "nc", address, str(port),
                                input=request)
        if not out.startswith(b"HTTP/1."):
            return None
        head, _, body = out.partition(b"\r\n\r\n")
        head = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:])
        return int(head[0].split()[1]), {k.lower(): v for k, v in fields.items()}, body

    def token(self, id, ttl=600):
        reply = self.http(id, "/latest/api/token", "PUT",
                          {"X-aws-ec2-metadata-token-ttl-seconds": ttl})
        check(reply and reply[0] == 200, f"no token: {reply}")
        return reply[2].decode()

    def imds(self, id, path, token=None):
        """Text at a metadata path, or None where that is 404."""
        headers = {"X-aws-ec2-metadata-token": token} if token else {}
        reply = self.http(id, path, headers=headers)
        check(reply and reply[0] in (200, 404), f"{path}: {reply}")
        return reply[2].decode() if reply[0] == 200 else None


# ---- the page of an instance ------------------------------------------------------------------

def page(ip, port=8080, path="/", timeout=10):
    """Body of a page, or None when there is none to be had.

    Who expects None gives a short timeout; a page that is there may take its time on a loaded
    machine."""
    connection = http.client.HTTPConnection(ip, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
