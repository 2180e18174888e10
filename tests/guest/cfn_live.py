#!/usr/bin/python3
"""The CloudFormation helpers in a tiny image, against a CloudFormation and a metadata service of
this script's own, which checks what they send.

  tests/guest/cfn_live.py INITBIN TINY_SCRIPT

Needs root (a network and a mount namespace of its own).  Without it: says so and ends with 77.
"""
import base64
import hashlib
import hmac
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse
import zipfile
from xml.sax.saxutils import escape

if os.geteuid() != 0:
    print("cfn_live.py: not root, skipped")
    sys.exit(77)
if "CFN_LIVE_TOP" not in os.environ:
    # The folder is removed here, where nothing is mounted in it, and not inside.
    top = tempfile.mkdtemp(prefix="welkin-cfn-live-")
    os.environ["CFN_LIVE_TOP"] = top
    r = subprocess.run(["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork",
                        "--kill-child", sys.executable] + sys.argv)
    subprocess.run(["rm", "-rf", "--one-file-system", top])
    sys.exit(r.returncode)

INIT, TINY = sys.argv[1:3]
TOP = os.environ["CFN_LIVE_TOP"]
ROOT = TOP + "/root"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/s/7d2e3dd0-f5f3-11e7-93f5-50a686e4bb4a"
DOCUMENT = '{\n  "accountId" : "123456789012",\n  "instanceId" : "i-0123456789abcdef0"\n}'
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
ROLE = ("ASIAROLE", "roleSecret/x", "sessionToken==")
passed = failed = 0


class Cloud:
    metadata = {}
    status = "CREATE_COMPLETE"
    calls = []
    puts = []
    signals = []
    gets = []
    fail_next = []
    messages = []
    leader = "i-0123456789abcdef0"


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sigv4_good(method, path, headers, body, key, secret, service):
    """A verification of its own, so that a mistake in the helpers is not one here."""
    m = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, "
                 r"SignedHeaders=([^,]+), Signature=([0-9a-f]+)$", headers.get("Authorization", ""))
    if not m or m[1] != key or m[4] != service or "host" not in m[5].split(";"):
        return False
    canonical = "\n".join([method, path, ""] +
                          ["%s:%s" % (h, headers[h].strip()) for h in m[5].split(";")] +
                          ["", m[5], hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"], "/".join(m.group(2, 3, 4)) + "/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    k = ("AWS4" + secret).encode()
    for part in (m[2], m[3], m[4], "aws4_request"):
        k = hmac256(k, part)
    return hmac256(k, text).hex() == m[6]


ARCHIVES = {"/x.tar": "w", "/x.tar.gz": "w:gz", "/x.tgz": "w:gz", "/x.tar.bz2": "w:bz2", "/x.zip": "zip"}


def archive(kind):
    """sub/file in a tar, or a zip."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("sub/file", "hello")
        return out.getvalue()
    with tarfile.open(fileobj=out, mode=kind) as t:
        info = tarfile.TarInfo("sub/file")
        info.size = 5
        t.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b""):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self):
        body = self.body()
        if self.path == "/latest/api/token":
            return self.answer(200, "tok")
        Cloud.puts.append((self.headers["Host"], self.path, self.headers.get("Content-Type"),
                           json.loads(body)))
        self.answer(200)

    def do_GET(self):
        if self.headers["Host"] == "169.254.169.254":
            items = {"meta-data/instance-id": "i-0123456789abcdef0",
                     "dynamic/instance-identity/document": DOCUMENT,
                     "dynamic/instance-identity/signature": "AAAA\nBBBB=",
                     "meta-data/iam/security-credentials/web": json.dumps(
                         {"AccessKeyId": ROLE[0], "SecretAccessKey": ROLE[1], "Token": ROLE[2]})}
            item = items.get(self.path[len("/latest/"):])
            return self.answer(200 if item else 404, item or "")
        Cloud.gets.append((self.headers["Host"], self.path, dict(self.headers)))
        if self.headers["Host"] == "private.s3.amazonaws.com":
            good = sigv4_good("GET", self.path, self.headers, b"", ROLE[0], ROLE[1], "s3")
            what = archive("w:gz") if self.path.endswith(".tar.gz") else "from s3"
            return self.answer(200 if good else 403, what if good else "SignatureDoesNotMatch")
        if self.path == "/basic":
            want = "Basic " + base64.b64encode(b"joe:pass").decode()
            return self.answer(200 if self.headers.get("Authorization") == want else 401, "basic")
        if self.path == "/template":
            return self.answer(200, "Hello {{name}}")
        if self.path in ARCHIVES:
            return self.answer(200, archive(ARCHIVES[self.path]))
        if self.path == "/evil.tar":
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as t:
                t.addfile(tarfile.TarInfo("../../evil"), io.BytesIO())
            return self.answer(200, out.getvalue())
        self.answer(404, "no such file")

    def do_POST(self):
        raw = self.body()
        q = {k: v[0] for k, v in urllib.parse.parse_qs(raw.decode(), keep_blank_values=True).items()}
        auth = self.headers.get("Authorization", "")
        Cloud.calls.append((self.headers["Host"], q, dict(self.headers)))
        identity = "CFN_V1 " + base64.b64encode(DOCUMENT.encode()).decode() + ":AAAABBBB="
        good = auth == identity or any(
            sigv4_good("POST", self.path, self.headers, raw, k[0], k[1],
                       "sqs" if "sqs" in self.headers["Host"] else "cloudformation")
            for k in (KEY, ROLE))
        if Cloud.fail_next:
            return self.answer(*Cloud.fail_next.pop(0))
        if not good:
            return self.error(403, "Sender", "SignatureDoesNotMatch", "who are you")
        if q["Action"] == "SendMessage":
            Cloud.messages.append((self.path, json.loads(q["MessageBody"])))
            return self.answer(200, "<SendMessageResponse/>")
        if q["Action"] == "ElectCommandLeader":
            return self.answer(200, "<ElectCommandLeaderResponse><ElectCommandLeaderResult><ListenerId>%s"
                               "</ListenerId></ElectCommandLeaderResult></ElectCommandLeaderResponse>" % Cloud.leader)
        if q.get("StackName") != STACK:
            return self.error(400, "Sender", "ValidationError",
                              "Stack '%s' does not exist" % q.get("StackName"))
        if q["Action"] == "SignalResource":
            Cloud.signals.append((q["LogicalResourceId"], q["UniqueId"], q["Status"]))
            return self.answer(200, "<SignalResourceResponse/>")
        metadata = Cloud.metadata.get(q["LogicalResourceId"])
        self.answer(200, "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>"
                    "<LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>i-1</PhysicalResourceId>"
                    "<ResourceStatus>%s</ResourceStatus><LastUpdatedTimestamp>2026-11-27T13:00:00Z"
                    "</LastUpdatedTimestamp>%s</StackResourceDetail></DescribeStackResourceResult>"
                    "</DescribeStackResourceResponse>"
                    % (q["LogicalResourceId"], Cloud.status,
                       "" if metadata is None else "<Metadata>%s</Metadata>"
                       % escape(json.dumps(metadata), {'"': "&quot;"})))

    def error(self, status, kind, code, message):
        self.answer(status, "<ErrorResponse><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message>"
                    "</Error></ErrorResponse>" % (kind, code, escape(message)))


def ok(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAILED %s: %s" % (name, detail))


def run(*argv, stdin=None):
    r = subprocess.run(["chroot", ROOT] + list(argv), capture_output=True, text=True, input=stdin,
                       timeout=120, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
    return r.returncode, r.stdout, r.stderr


def helper(name, *argv, **kw):
    return run("/opt/aws/bin/" + name, *argv, **kw)


def read(path):
    try:
        with open(ROOT + path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def init(config, *more, **kw):
    Cloud.metadata["R"] = {"AWS::CloudFormation::Init": config}
    Cloud.metadata["R"].update(kw)
    return helper("cfn-init", "-s", STACK, "-r", "R", "--region", "us-east-1", *more)


def log():
    return read("/var/log/cfn-init.log")


def setup():
    subprocess.run(["sh", TINY, ROOT, INIT], check=True)
    # A /dev of its own: never the host's, which a slip would damage.
    subprocess.run("set -e; mount -t proc proc {0}/proc; mount -t tmpfs dev {0}/dev; mknod {0}/dev/null c 1 3;"
                   "mknod {0}/dev/zero c 1 5; mknod {0}/dev/urandom c 1 9; chmod 666 {0}/dev/*; ip link set lo up;"
                   "ip addr add 169.254.169.254/32 dev lo".format(ROOT), shell=True, check=True)
    with open(ROOT + "/etc/hosts", "a") as f:
        f.write("127.0.0.1 cloudformation.us-east-1.amazonaws.com private.s3.amazonaws.com files\n")
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def signal():
    r = helper("cfn-signal", "-e", "0", "--stack", STACK, "--resource", "W", "--region", "us-east-1")
    ok("cfn-signal -e 0", r == (0, "", "") and Cloud.signals[-1] == ("W", "i-0123456789abcdef0", "SUCCESS"), r)
    ok("the region is the host", Cloud.calls[-1][0] == "cloudformation.us-east-1.amazonaws.com")
    helper("cfn-signal", "--exit-code=3", "--stack", STACK, "--resource", "W", "-i", "me")
    ok("cfn-signal -e 3", Cloud.signals[-1] == ("W", "me", "FAILURE"))
    helper("cfn-signal", "-s", "false", "--stack", STACK, "--resource", "W")
    ok("cfn-signal -s false", Cloud.signals[-1][2] == "FAILURE")
    r = helper("cfn-signal", "-e", "0", "--stack", "other", "--resource", "W")
    ok("an error is code and message",
       r == (1, "", "ValidationError: Stack 'other' does not exist\n"), r)
    n = len(Cloud.calls)
    Cloud.fail_next = [(500, "broken"), (503, "busy")]
    r = helper("cfn-signal", "-e", "0", "--stack", STACK, "--resource", "W")
    ok("what may pass is tried again", r[0] == 0 and len(Cloud.calls) == n + 3, r)
    for who, argv in (("key", ["--access-key", KEY[0], "--secret-key", KEY[1]]), ("role", ["--role", "web"])):
        r = helper("cfn-signal", "--stack", STACK, "--resource", "W", *argv)
        ok("signed with a " + who, r[0] == 0 and Cloud.calls[-1][2]["Authorization"].startswith("AWS4"), r)
    ok("with its token", Cloud.calls[-1][2].get("X-Amz-Security-Token") == ROLE[2])
    url = "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/a/b?Signature=x%2B"
    with open(ROOT + "/etc/hosts", "a") as f:
        f.write("127.0.0.1 cloudformation-waitcondition-us-east-1.s3.amazonaws.com\n")
    r = helper("cfn-signal", "-e", "1", "-d", 'da"ta', url)
    ok("a wait condition's handle", r == (0, "CloudFormation signaled successfully with FAILURE.\n", "")
       and Cloud.puts[-1] == ("cloudformation-waitcondition-us-east-1.s3.amazonaws.com", "/a/b?Signature=x%2B", "",
                              {"Status": "FAILURE", "Reason": "Configuration failed.", "Data": 'da"ta',
                               "UniqueId": "i-0123456789abcdef0"}), (r, Cloud.puts))
    r = helper("cfn-signal", "-r", "fine", base64.b64encode(url.encode()).decode())
    ok("a handle in base64", r[0] == 0 and Cloud.puts[-1][3]["Reason"] == "fine", r)
    r = helper("cfn-signal", "-e", "x", url)
    ok("optparse's status and words",
       r[0] == 2 and r[2].endswith("cfn-signal: error: option -e: invalid integer value: 'x'\n"), r)
    r = helper("cfn-signal")
    ok("nothing to signal", r[0] == 1 and r[2].startswith(
        "Error: No WaitConditionHandle URL or logical resource id specified\nUsage: cfn-signal [options]"), r)


def metadata():
    Cloud.metadata["M"] = {"a": {"b.c": [1, True, "\u00e9\U0001f600"]}, "s": "text"}
    r = helper("cfn-get-metadata", "-s", STACK, "-r", "M", "--region", "us-east-1")
    ok("all of it", r[0] == 0 and r[1] == json.dumps(Cloud.metadata["M"], indent=4) + "\n", r)
    r = helper("cfn-get-metadata", "-s", STACK, "-r", "M", "-k", r"a.b\.c")
    ok("a key with a dot", r[1] == json.dumps(Cloud.metadata["M"]["a"]["b.c"], indent=4) + "\n", r)
    ok("a string bare", helper("cfn-get-metadata", "-s", STACK, "-r", "M", "-k", "s")[1] == "text\n")
    r = helper("cfn-get-metadata", "-s", STACK, "-r", "M", "-k", "z")
    ok("an absent key", r == (1, "", "Error: z is not present in the metadata for M\n"), r)


VERBATIM = {"config": {
    "packages": {"yum": {"httpd": []}},
    "files": {"/var/www/html/index.html": {
        "content": "<h1>Hello World from EC2 instance!</h1>\n<p>This was created using cfn-init</p>\n",
        "mode": "000644"}},
    "commands": {"hello": {"command": "echo 'hello world'"}},
    "services": {"sysvinit": {"httpd": {"enabled": "true", "ensureRunning": "true"}}}}}


def page():
    # httpd listens at [::]:80 of the same network, where this script already is: so on a port.
    return run("sh", "-c", "/etc/init.d/httpd status")[0] == 0


def as_written(path):
    """What changes when it is written; not when it was read or given the mode that it has."""
    s = os.stat(ROOT + path)
    return s.st_ino, s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns


def verbatim():
    ok("yum update of what Welkin provides", run("yum", "update", "-y", "aws-cfn-bootstrap")[0] == 0)
    ok("yum has not what it has not", run("yum", "install", "-y", "oracle")[0] == 1)
    ok("httpd is not installed yet", run("rpm", "-q", "httpd") == (1, "package httpd is not installed\n", ""))
    with open(ROOT + "/root/seed", "w") as f:
        f.write("#!/bin/bash -xe\nyum update -y aws-cfn-bootstrap\n/opt/aws/bin/cfn-init -s %s -r R "
                "--region us-east-1 || error_exit 'Failed to run cfn-init'\necho after\n" % STACK)
    os.chmod(ROOT + "/root/seed", 0o755)
    Cloud.metadata["R"] = {"Comment": "x", "AWS::CloudFormation::Init": VERBATIM}
    r = run("/root/seed")
    ok("the seed's script", r[0] == 0 and r[1].endswith("after\n"), r + (log(),))
    ok("index.html", read("/var/www/html/index.html") == VERBATIM["config"]["files"]
       ["/var/www/html/index.html"]["content"])
    ok("httpd runs", page())
    ok("and is enabled", os.path.islink(ROOT + "/etc/rc.d/rc3.d/S85httpd"))
    for line in ("-----------------------Starting build-----------------------", "Running configSet default",
                 "Running config config", "Yum installed ['httpd']", "Command hello succeeded",
                 "enabled service httpd", "Started httpd successfully",
                 "-----------------------Build complete-----------------------"):
        ok("logged: " + line, re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[INFO\] %s$" % re.escape(line),
                                        log(), re.M), log())
    ok("the command's output", re.search(r"P\d+ \[INFO\] \thello world$", read("/var/log/cfn-init-cmd.log"), re.M))
    ok("metadata.json", json.loads(read("/var/lib/cfn-init/data/metadata.json")) == Cloud.metadata["R"])
    ok("the work is done", read("/var/lib/cfn-init/resume_db.json") == "{}")
    ok("no signature is logged", "CFN_V1" not in read("/var/log/cfn-wire.log") and
       "Request: POST http://cloudformation" in read("/var/log/cfn-wire.log"))
    before = as_written("/var/www/html/index.html"), read("/var/run/httpd.pid")
    os.truncate(ROOT + "/var/log/cfn-init.log", 0)
    r = run("/root/seed")
    ok("a second run changes nothing", r[0] == 0 and as_written("/var/www/html/index.html") == before[0]
       and read("/var/run/httpd.pid") == before[1] and "Yum installed" not in log() and "Started" not in log(),
       log())
    os.unlink(ROOT + "/var/www/html/index.html")
    run("service", "httpd", "stop")
    ok("stopped by hand", not page())
    r = run("/root/seed")
    ok("a run restores what was broken by hand", r[0] == 0 and page() and
       os.path.exists(ROOT + "/var/www/html/index.html"), log())
    run("service", "httpd", "stop")
    boot = read("/var/lib/cloud/scripts/per-boot/50-services")
    ok("what is enabled is started at boot", boot and
       run("/var/lib/cloud/scripts/per-boot/50-services")[0] == 0 and page(), boot)
    run("systemctl", "disable", "httpd")
    ok("nothing is when nothing is enabled", not read("/var/lib/cloud/scripts/per-boot/50-services"))
    run("systemctl", "stop", "httpd")
    ok("systemctl is-active", run("systemctl", "is-active", "httpd") == (3, "inactive\n", ""))


# proves: CINIT-02
def packages():
    version = run("rpm", "-q", "--queryformat", "%{VERSION}", "bash")[1]
    run("yum", "remove", "-y", "httpd")

    def httpd(versions):
        os.truncate(ROOT + "/var/log/cfn-init.log", 0)
        return init({"config": {"packages": {"yum": {"httpd": versions}}}})

    r = httpd(["0.1"])
    ok("a version that there is not", r == (
        1, "", "Error occurred during build: Yum does not have httpd-0.1 available for installation\n") and
       run("rpm", "-q", "httpd")[0] == 1, r)
    r = httpd([version])
    ok("the version that is asked for", r[0] == 0 and "Yum installed ['httpd']" in log() and
       run("rpm", "-q", "--queryformat", "%{VERSION}", "httpd")[1] == version, (r, log()))
    r = httpd([version])
    ok("is not installed again", r[0] == 0 and "Yum installed" not in log(), (r, log()))
    r = httpd([])
    ok("no version is any version", r[0] == 0 and "Yum installed" not in log(), (r, log()))
    run("yum", "remove", "-y", "httpd")
    r = httpd([])
    ok("or the latest", r[0] == 0 and "Yum installed ['httpd']" in log(), (r, log()))
    r = init({"config": {"packages": {"msi": {"x": "https://x/x.msi"}}}})
    ok("another's manager is a warning", r[0] == 0 and "[WARNING] Unsupported package manager: msi" in log(), r)


EVERYTHING = {"config": {
    "services": {"sysvinit": {"all": {"enabled": "true", "ensureRunning": True}}},
    "commands": {"2-after": {"command": "cat /opt/all/conf >>/opt/all/order"},
                 "1-before": {"command": ["sh", "-c", "echo $(stat -c %U:%G:%a /opt/all/conf) >/opt/all/order"]}},
    "files": {"/opt/all/conf": {"content": {"answer": 42}, "owner": "allu", "group": "allg", "mode": "000640"},
              "/etc/init.d/all": {"mode": "000755", "content":
                                  "#!/bin/sh\ncase $1 in start) touch /run/all;; stop) rm -f /run/all;; "
                                  "status) test -e /run/all;; esac\n"}},
    "sources": {"/opt/all": "http://files/x.tar.gz"},
    "users": {"allu": {"groups": ["allg"], "uid": "611", "homeDir": "/opt/all"}},
    "groups": {"allg": {"gid": "612"}},
    "packages": {"yum": {"httpd": []}}}}
# The order in which AWS works through the sections, as the log tells it; sources and files are silent.
DONE = ["Yum installed", "group allg", "user allu", "Command 1-before", "Command 2-after", "enabled service all"]


def declared():
    """What EVERYTHING says shall be, as it is."""
    tree = run("sh", "-c", "cd /opt/all && find . | sort | xargs stat -c '%n %U %G %a' && cat conf order sub/file; "
               "stat -c %a /etc/init.d/all; id allu; rpm -q httpd; test -e /run/all && chkconfig all && echo runs")
    return re.sub(r" [0-9]+ (conf|order)", "", tree[1])


# proves: CINIT-03 CINIT-18
def everything():
    run("yum", "remove", "-y", "httpd")
    os.truncate(ROOT + "/var/log/cfn-init.log", 0)
    r = init(EVERYTHING)
    first = declared()
    at = [log().find(word) for word in DONE]
    ok("every section", r[0] == 0 and first.rstrip().endswith("runs"), (r, first, log()))
    ok("in AWS's order, whatever the template's", -1 not in at and at == sorted(at), (at, log()))
    times = [os.stat(ROOT + path).st_ctime_ns for path in ("/opt/all/sub/file", "/opt/all/conf", "/opt/all/order")]
    ok("sources, files, commands", times == sorted(times), times)
    ok("each saw what those before it made", read("/opt/all/order") == "allu:allg:640\n" + read("/opt/all/conf"),
       read("/opt/all/order"))
    # The same declaration from another beginning: the same end.
    for wrong in ("chown root:root /opt/all/conf; chmod 777 /opt/all/conf; rm -r /opt/all/sub",
                  "rm -rf /opt/all /run/all; chkconfig all off", "yum remove -y httpd; echo x >/opt/all/conf"):
        run("sh", "-c", wrong)
        r = init(EVERYTHING)
        run("rm", "-f", "/opt/all/conf.bak")
        ok("after " + wrong, r[0] == 0 and declared() == first, (r, declared(), first))


# proves: CINIT-06
def files():
    r = init({"config": {"files": {
        "/etc/app/json": {"content": {"k": ["v", 1]}, "mode": "000600", "owner": "www-data", "group": "adm"},
        "/etc/app/b64": {"content": base64.b64encode(b"raw\0").decode(), "encoding": "base64"},
        "/etc/app/link": {"content": "/etc/app/json", "mode": "120644"},
        "/etc/app/must": {"content": "{{#l}}<{{a}}>{{/l}}{{{r}}}", "context": {"l": [{"a": "1"}, {"a": "&"}], "r": "&"}},
        "/etc/app/web": {"source": "http://files/template", "context": {"name": "web"}},
        "/etc/app/s3": {"source": "https://private.s3.amazonaws.com/x", "authentication": "S3Access"},
        "/etc/app/basic": {"source": "http://files/basic"}}}},
        **{"AWS::CloudFormation::Authentication": {
            "S3Access": {"type": "S3", "roleName": "web", "buckets": ["private"]},
            "b": {"type": "basic", "username": "joe", "password": "pass", "uris": ["files"]}}})
    st = os.stat(ROOT + "/etc/app/json")
    ok("files", r[0] == 0, (r, log()))
    ok("JSON content, mode and owner", read("/etc/app/json") == '{"k": ["v", 1]}' and
       (st.st_mode & 0o777, st.st_uid, st.st_gid) == (0o600, 33, 4), st)
    st = os.stat(ROOT + "/etc/app/must")
    ok("the default owner and mode", (st.st_mode & 0o777, st.st_uid, st.st_gid) == (0o644, 0, 0), st)
    ok("base64", read("/etc/app/b64") == "raw\0")
    ok("a link", os.readlink(ROOT + "/etc/app/link") == "/etc/app/json")
    ok("Mustache", read("/etc/app/must") == "<1><&amp;>&", read("/etc/app/must"))
    ok("a template from the web", read("/etc/app/web") == "Hello web")
    ok("S3 with a role", read("/etc/app/s3") == "from s3")
    ok("basic", read("/etc/app/basic") == "basic")
    r = init({"config": {"files": {"/etc/app/json": {"content": "new"}}}})
    ok("the old one is kept", read("/etc/app/json") == "new" and read("/etc/app/json.bak") == '{"k": ["v", 1]}')
    r = init({"config": {"files": {"/x": {"content": "y", "owner": "nobody-knows"}}}})
    ok("an unknown owner", r == (1, "", "Error occurred during build: nobody-knows is not a valid user name\n")
       and not os.path.exists(ROOT + "/x"), r)
    r = init({"config": {"files": {"/gone": {"source": "http://files/forbidden", "authentication": "?"}}}})
    ok("a file that is not there", r[0] == 1 and "Failed to retrieve http://files/forbidden: HTTP Error 404" in r[2], r)


# proves: CINIT-04
def accounts():
    config = {"config": {"groups": {"g1": {"gid": "45"}, "g2": {}},
                         "users": {"u1": {"groups": ["g1", "g2"], "uid": "50", "homeDir": "/tmp"}, "u2": {}}}}
    r = init(config)
    passwd, group = read("/etc/passwd"), read("/etc/group")
    ok("groups and users", r[0] == 0 and re.search(r"^u1:x:50:\d+::/tmp:/sbin/nologin$", passwd, re.M) and
       "\ng1:x:45:u1\n" in group, (r, passwd, group))
    ok("a system id", 200 < int(re.search(r"^u2:x:(\d+):", passwd, re.M)[1]) < 1000)
    ok("a locked password", re.search(r"^u1:!:", read("/etc/shadow"), re.M))
    r = init(config)
    ok("again without change", r[0] == 0 and read("/etc/passwd") == passwd and read("/etc/group") == group)
    r = init({"config": {"users": {"u2": {"groups": ["g2"]}}}})
    ok("of a user that is there only the groups change", r[0] == 0 and read("/etc/passwd") == passwd and
       re.search(r"^g2:x:\d+:u1,u2$", read("/etc/group"), re.M), (r, read("/etc/group")))
    r = init({"config": {"groups": {"g1": {"gid": "46"}}}})
    ok("another gid", r[2] == "Error occurred during build: Group g1 exists with gid 45, but gid 46 was requested\n", r)


# proves: CINIT-05
def sources():
    r = init({"config": {"sources": {"/srv/x": "http://files/x.tar.gz"}}})
    ok("sources", r[0] == 0 and read("/srv/x/sub/file") == "hello", (r, log()))
    for name in ARCHIVES:
        to = "/srv/kinds" + name
        r = init({"config": {"sources": {to: "http://files" + name}}})
        ok("sources of " + name, r[0] == 0 and read(to + "/sub/file") == "hello", (r, log()))
    r = init({"config": {"sources": {"/srv/s3": "https://private.s3.amazonaws.com/x.tar.gz"}}},
             **{"AWS::CloudFormation::Authentication": {
                 "a": {"type": "S3", "roleName": "web", "buckets": ["private"]}}})
    ok("sources of S3 with a role", r[0] == 0 and read("/srv/s3/sub/file") == "hello", (r, log()))
    r = init({"config": {"sources": {"/srv/y/z": "http://files/evil.tar"}}})
    ok("an archive that leads out", r[0] == 1 and "is not a sub-path of /srv/y/z" in r[2] and
       not os.path.exists(ROOT + "/evil") and not os.path.exists(ROOT + "/srv/evil"), r)


# proves: CINIT-07
def commands():
    c = {"commands": {
        "b": {"command": ["sh", "-c", "echo $A-$B $(pwd) >>/out"], "env": {"A": "1", "PATH": "/bin"}, "cwd": "/tmp"},
        "a": {"command": "echo first >>/out"},
        "c": {"command": "echo no >>/out", "test": "test -e /nowhere"},
        "d": {"command": "exit 3", "ignoreErrors": "true"},
        "e": {"command": "id -un >>/out; chmod 666 /out", "runas": "root", "waitAfterCompletion": "0"}}}
    r = init({"config": c})
    ok("commands in order, with env, cwd, test, runas", r[0] == 0 and read("/out") == "first\n1- /tmp\nroot\n",
       (r, read("/out"), log()))
    ok("a test that fails", "[INFO] Test failed with code 1\n" in log())
    ok("ignored errors", "[ERROR] Command d (exit 3) failed\n" in log())
    r = init({"config": {"commands": {"x": {"command": "false"}, "y": {"command": "touch /never"}}}})
    ok("a command that fails", r == (1, "", "Error occurred during build: Command x failed\n") and
       not os.path.exists(ROOT + "/never"), r)
    ok("is in the log", "[ERROR] -----------------------BUILD FAILED!------------------------\n" in log())
    start = time.time()
    r = init({"config": {"commands": {"x": {"command": "sleep 30 & echo started"}}}})
    ok("a daemon left behind is not waited for", r[0] == 0 and time.time() - start < 10)


# proves: CINIT-10
def sets():
    def put(w):
        return {"commands": {"x": {"command": "echo %s >>/sets" % w}}}
    c = {"configSets": {"ascending": ["one", {"ConfigSet": "rest"}], "rest": ["two"], "default": "three"},
         "one": put("1"), "two": put("2"), "three": put("3")}
    r = init(c, "-c", "ascending,default")
    ok("config sets", r[0] == 0 and read("/sets") == "1\n2\n3\n", (r, read("/sets")))
    r = init(c, "--configsets", "nope")
    ok("an unknown set", r == (1, "", "Error occurred during build: Error: no ConfigSet named nope exists\n"), r)
    c["configSets"]["rest"] = [{"ConfigSet": "ascending"}]
    r = init(c, "-c", "default")
    ok("a loop", r[0] == 1 and "circular dependency" in r[2], r)
    r = helper("cfn-init", "-s", STACK, "-r", "None", "--region", "us-east-1")
    ok("no metadata", r == (1, "", "Error: None does not specify any metadata\n"), r)
    Cloud.metadata["N"] = {"x": "y"}
    r = helper("cfn-init", "-s", STACK, "-r", "N")
    ok("no Init", r[0] == 1 and "Could not find 'AWS::CloudFormation::Init' key in metadata for N." in r[2], r)
    r = helper("cfn-init", "-", stdin=json.dumps({"AWS::CloudFormation::Init": {"config": put("stdin")}}))
    ok("from stdin", r[0] == 0 and read("/sets").endswith("stdin\n"), r)


def put_magic(text, file="test.txt", sign=">", **more):
    return {"command": 'echo "$MAGIC" %s %s' % (sign, file), "env": {"MAGIC": text}, "cwd": "~", **more}


# proves: CINIT-03 CINIT-06 CINIT-07 CINIT-10
def documented():
    """The examples of AWS's page about AWS::CloudFormation::Init."""
    both = {"ascending": ["config1", "config2"], "descending": ["config2", "config1"]}
    c = {"configSets": both, "config1": {"commands": {"test": put_magic("I come from config1.")}},
         "config2": {"commands": {"test": put_magic("I come from config2.")}}}
    for name, last in (("ascending", "2"), ("descending", "1")):
        r = init(c, "-v", "-c", name)
        ok("config set " + name, r[0] == 0 and read("/root/test.txt") == "I come from config%s.\n" % last, (r, log()))
    ok("-v tells more", "[DEBUG] No test for command test\n" in log() and "[INFO] Running config config1\n" in log(),
       log())
    c = {"configSets": {"test1": ["1"], "test2": [{"ConfigSet": "test1"}, "2"], "default": [{"ConfigSet": "test2"}]},
         "1": {"commands": {"test": put_magic("I come from the environment!")}},
         "2": {"commands": {"test": put_magic("I am test 2!", sign=">>")}}}
    for name, text in (("test1", "I come from the environment!\n"),
                       ("test2", "I come from the environment!\nI am test 2!\n")):
        run("rm", "/root/test.txt")
        r = init(c, "-c", name)
        ok("a set of sets: " + name, r[0] == 0 and read("/root/test.txt") == text, (r, read("/root/test.txt")))
    run("rm", "/root/test.txt")
    r = init(c)
    ok("the default set", r[0] == 0 and read("/root/test.txt").endswith("test 2!\n"), r)
    run("rm", "/root/test.txt")
    c = {"config": {"commands": {
        "test": put_magic("one", test="test ! -e ~/test.txt", ignoreErrors="false"),
        "test2": put_magic("two", "test2.txt", test="test ! -e ~/test2.txt", ignoreErrors="false")}}}
    r = init(c)
    ok("commands that need not run twice", r[0] == 0 and read("/root/test2.txt") == "two\n", (r, log()))
    with open(ROOT + "/root/test.txt", "w") as f:
        f.write("mine\n")
    ok("and do not", init(c)[0] == 0 and read("/root/test.txt") == "mine\n", log())
    with open(ROOT + "/etc/init.d/sendmail", "w") as f:
        f.write("#!/bin/sh\n# chkconfig: 2345 80 30\necho $1 >>/sendmail; exit 0\n")
    os.chmod(ROOT + "/etc/init.d/sendmail", 0o755)
    r = init({"config": {
        "files": {"/tmp/setup.mysql": {"content": "CREATE DATABASE test;\n", "mode": "000644", "owner": "root",
                                       "group": "root"},
                  "/tmp/myfile2.txt": {"content": "/tmp/myfile1.txt", "mode": "120644"},
                  "/tmp/foo.txt": {"content": "{{name}} says {{#up}}up{{/up}}{{^down}}not down{{/down}}\n",
                                   "context": {"name": "M", "up": True, "down": False}}},
        "groups": {"groupOne": {}, "groupTwo": {"gid": "145"}},
        "users": {"myUser": {"groups": ["groupOne", "groupTwo"], "uid": "150", "homeDir": "/tmp"}},
        "services": {"sysvinit": {"sendmail": {"enabled": "false", "ensureRunning": "false"}}}}})
    ok("files, groups, users", r[0] == 0 and read("/tmp/setup.mysql") == "CREATE DATABASE test;\n" and
       os.readlink(ROOT + "/tmp/myfile2.txt") == "/tmp/myfile1.txt" and
       read("/tmp/foo.txt") == "M says upnot down\n" and
       run("id", "myUser")[1].split()[0] == "uid=150(myUser)" and
       read("/sendmail") == "status\nstop\n" and run("chkconfig", "sendmail")[0] == 1, (r, log(), read("/sendmail")))


# proves: CINIT-08
def triggers():
    os.makedirs(ROOT + "/etc/init.d", exist_ok=True)
    with open(ROOT + "/etc/init.d/svc", "w") as f:
        f.write("#!/bin/sh\necho $1 >>/svc; exit 0\n")
    os.chmod(ROOT + "/etc/init.d/svc", 0o755)
    c = {"config": {"files": {"/etc/svc.conf": {"content": "1"}},
                    "services": {"systemd": {"svc": {"ensureRunning": True, "files": ["/etc/svc.conf"]}}}}}
    init(c)
    ok("a changed file restarts", read("/svc") == "restart\n", read("/svc"))
    init(c)
    ok("an unchanged one does not", read("/svc") == "restart\nstatus\n", read("/svc"))
    svc = c["config"]["services"]["systemd"]["svc"]

    def restarts(what):
        os.truncate(ROOT + "/svc", 0)
        r = init(c)
        ok(what, r[0] == 0 and "restart" in read("/svc").split(), (r, read("/svc"), log()))

    c["config"]["sources"] = {"/srv/trigger": "http://files/x.tar.gz"}
    svc["sources"] = ["/srv/trigger"]
    restarts("a source that was unpacked restarts")
    del c["config"]["sources"], svc["sources"]
    run("yum", "remove", "-y", "httpd")
    c["config"]["packages"] = {"yum": {"httpd": []}}
    svc["packages"] = {"yum": ["httpd"]}
    restarts("a package that was installed restarts")
    with open(ROOT + "/svc", "w") as f:
        f.write("restart\nstatus\n")
    init(c)
    ok("one that was there does not", "restart" not in read("/svc")[len("restart\n"):], read("/svc"))
    with open(ROOT + "/svc", "w") as f:
        f.write("restart\nstatus\n")
    c["config"]["commands"] = {"k": {"command": "true"}}
    c["config"]["services"]["systemd"]["svc"]["commands"] = "k"
    init(c)
    ok("a command restarts", read("/svc") == "restart\nstatus\nrestart\n", read("/svc"))


def hup():
    conf = {"/etc/cfn/cfn-hup.conf": "[main]\nstack=%s\nregion=us-east-1\ninterval=1\n" % STACK,
            "/etc/cfn/hooks.d/r.conf": "[reload]\ntriggers=post.add, post.update\n"
            "path=Resources.H.Metadata.AWS::CloudFormation::Init\n"
            'action=echo "$CFN_OLD_METADATA>$CFN_NEW_METADATA" >>/hup\nrunas=root\n'}
    os.makedirs(ROOT + "/etc/cfn/hooks.d", exist_ok=True)
    for path, text in conf.items():
        with open(ROOT + path, "w") as f:
            f.write(text)
    key = "AWS::CloudFormation::Init"
    Cloud.metadata["H"] = {key: {"v": "1"}, "other": 1}
    r = helper("cfn-hup", "--no-daemon")
    ok("post.add", r[0] == 0 and read("/hup") == '>{"v": "1"}\n', (r, read("/hup"), read("/var/log/cfn-hup.log")))
    Cloud.metadata["H"]["other"] = 2
    helper("cfn-hup", "--no-daemon")
    ok("elsewhere nothing", read("/hup").count("\n") == 1)
    Cloud.metadata["H"][key] = {"v": "2"}
    Cloud.status = "UPDATE_IN_PROGRESS"
    helper("cfn-hup", "--no-daemon")
    ok("not while it is in progress", read("/hup").count("\n") == 1)
    Cloud.status = "UPDATE_COMPLETE"
    helper("cfn-hup", "--no-daemon")
    ok("post.update with old and new", read("/hup").endswith('\n{"v": "1"}>{"v": "2"}\n'), read("/hup"))
    ok("is logged", "[INFO] Data has changed from previous state; action for reload will be run\n"
       in read("/var/log/cfn-hup.log"))
    Cloud.metadata["H"][key] = {"v": "3"}
    ok("as a service", run("service", "cfn-hup", "start")[0] == 0)
    for _ in range(100):
        if '"3"' in read("/hup"):
            break
        time.sleep(0.1)
    ok("the daemon looks at once", '{"v": "2"}>{"v": "3"}' in read("/hup"), read("/hup"))
    ok("and goes on", run("service", "cfn-hup", "status")[0] == 0 and run("service", "cfn-hup", "stop")[0] == 0)
    with open(ROOT + "/etc/cfn/cfn-hup.conf", "w") as f:
        f.write("[main]\nregion=us-east-1\n")
    r = helper("cfn-hup", "--no-daemon")
    ok("no stack", r == (1, "", "Error: [main] section must contain stack option\n"), r)


def command_hooks():
    with open(ROOT + "/etc/hosts", "a") as f:
        f.write("127.0.0.1 sqs.us-east-1.amazonaws.com\n")
    elect = ["-s", STACK, "-c", "backup", "-i", "42", "-l", Cloud.leader, "--region", "us-east-1"]
    r = helper("cfn-elect-cmd-leader", *elect)
    ok("the leader", r == (0, "", "") and "ListenerId" not in Cloud.calls[-1][1], r)
    Cloud.leader = "i-other"
    ok("another leads", helper("cfn-elect-cmd-leader", *elect)[0] == 5)
    r = helper("cfn-elect-cmd-leader", "-s", STACK)
    ok("a command is needed", r[0] == 1 and r[2].startswith("Error: You must specify CommandName\nUsage:"), r)
    r = helper("cfn-send-cmd-result", "-d", "D", "-c", "backup", "-i", "42", "-l", "me", "-e", "1", "-q",
               "https://sqs.us-east-1.amazonaws.com/123456789012/q", "--access-key", ROLE[0], "--secret-key",
               ROLE[1], "--token", ROLE[2], "went", "wrong")
    ok("a result", r == (0, "", "") and Cloud.messages == [("/123456789012/q", {
        "DispatcherId": "D", "CommandName": "backup", "InvocationId": "42", "ListenerId": "me", "Data": "",
        "Message": "went wrong", "Status": "FAILURE"})], (r, Cloud.messages))


setup()
for part in (signal, metadata, verbatim, packages, everything, files, accounts, sources, commands, sets, documented, triggers, hup, command_hooks):
    part()
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed > 0)
