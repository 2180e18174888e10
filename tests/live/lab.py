"""What the end-to-end tests stand on: a way to write one, and the world they run in.

A test is a function with a sentence for a name, decorated with @test, that takes the lab.  A line
`# proves: UD-12` above it names the rows of the requirement that it shows (tools/coverage-spec
counts them).

The lab is a network namespace of its own, so that no other daemon on this machine, nor anything
else that uses 198.18.0.0/15, is in the way.  Its only interface leads to a second namespace, the
world, where 203.0.113.10 answers.
"""
import concurrent.futures
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from cloud import Cloud, Failed, Fault, check, wait

WORLD = "203.0.113.10"
HOST = "203.0.113.1"

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients",
                       "requirements.txt")

tests = []


class Skip(Exception):
    pass


def test(fn):
    tests.append(fn)
    return fn


def beside(fn):
    """A test that mostly waits, on a cloud of its own: begun at the start, beside the others."""
    fn.beside = True
    return test(fn)


def _run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def fetching(build):
    """Suites that run at the same time fetch what they share once."""
    with open(os.path.join(build, "fetching"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def fetch_python_clients(build):
    """BUILD_DIR/venv with the stock clients of PyPI, once a build folder; why not, or None."""
    with fetching(build):
        return _fetch_python_clients(os.path.join(build, "venv"))


def _fetch_python_clients(venv):
    stamp = os.path.join(venv, "requirements.txt")
    if os.path.exists(stamp) and open(stamp).read() == open(CLIENTS).read():
        return None
    for argv in (["/usr/bin/python3", "-m", "venv", venv],
                 [os.path.join(venv, "bin", "python"), "-m", "pip", "install", "-q",
                  "--disable-pip-version-check", "--retries", "1", "-r", CLIENTS]):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            return "the clients of PyPI cannot be installed: " + \
                (done.stderr or done.stdout).strip().splitlines()[-1]
    shutil.copy(CLIENTS, stamp)
    return None


class Lab:
    def __init__(self, build, cache):
        self.build, self.cache = build, cache
        self.why_no_venv = None
        self.top = tempfile.mkdtemp(prefix="welkin-e2e-")
        os.chmod(self.top, 0o755)
        self._cloud = None
        self.clouds = []
        self._world = self._server = None
        self._debian = self._debian_log = None

    def venv(self, *path):
        """Something of the stock clients in Python."""
        if self.why_no_venv:
            raise Skip(self.why_no_venv)
        return os.path.join(self.build, "venv", *path)

    # ---- the network ----

    def isolate(self):
        """Moves this process, and so all that it starts, to a network of its own."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x40000000) != 0:  # CLONE_NEWNET
            raise Skip(f"no network namespace can be made: {os.strerror(ctypes.get_errno())}")
        _run("ip", "link", "set", "lo", "up")
        self._world = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        pid = str(self._world.pid)
        mine = os.readlink("/proc/self/ns/net")
        wait("a namespace for the world", lambda: os.readlink(f"/proc/{pid}/ns/net") != mine)
        _run("ip", "link", "add", "w0", "type", "veth", "peer", "name", "w1", "netns", pid)
        _run("ip", "addr", "add", f"{HOST}/24", "dev", "w0")
        _run("ip", "link", "set", "w0", "up")
        _run("ip", "route", "add", "default", "via", WORLD)
        for argv in (["addr", "add", f"{WORLD}/24", "dev", "w1"], ["link", "set", "w1", "up"],
                     ["route", "add", "198.18.0.0/15", "via", HOST],
                     ["link", "set", "lo", "up"]):
            _run("nsenter", "-t", pid, "-n", "ip", *argv)
        folder = os.path.join(self.top, "world")
        os.mkdir(folder)
        with open(os.path.join(folder, "index.html"), "w") as f:
            f.write("the world\n")
        self._seen = open(os.path.join(self.top, "world.log"), "w+")
        self._server = subprocess.Popen(
            ["nsenter", "-t", pid, "-n", sys.executable, "-u", "-m", "http.server", "80",
             "--bind", WORLD, "--directory", folder], stdout=self._seen, stderr=self._seen)

    def from_world(self, ip, port, timeout=10):
        """A page as a client elsewhere sees it, or None."""
        done = subprocess.run(["nsenter", "-t", str(self._world.pid), "-n", "curl", "-s",
                               "-m", str(timeout), f"http://{ip}:{port}/"],
                              capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def in_world(self, *argv, must=True):
        """Output of a program that runs elsewhere; empty when it fails and need not succeed."""
        done = subprocess.run(["nsenter", "-t", str(self._world.pid), "-n", *argv],
                              capture_output=True, text=True, timeout=30)
        check(done.returncode == 0 or not must, f"{argv}: {done.stderr.strip()}")
        return done.stdout if done.returncode == 0 else ""

    def world_saw(self):
        """The log of the world's web server: who asked for what."""
        with open(os.path.join(self.top, "world.log")) as f:
            return f.read()

    # ---- clouds ----

    def new_cloud(self, name, host="sandbox"):
        """A cloud of the test's own; it must close() it."""
        cloud = Cloud(self.build, os.path.join(self.top, name), host)
        cloud.thread = threading.get_ident()
        self.clouds.append(cloud)
        return cloud

    def last_words(self):
        """Of the daemon that the test that failed in this thread has used."""
        mine = [c for c in self.clouds if c.thread == threading.get_ident()] or self.clouds
        return f"\n    the daemon's last words:\n{mine[-1].said()}" if mine else ""

    @property
    def cloud(self):
        """The cloud that tests share which leave it as they found it."""
        if not self._cloud:
            self._cloud = self.new_cloud("shared").up()
        return self._cloud

    def sweep(self):
        """Terminates what a test left in the shared cloud."""
        if not self._cloud:
            return
        if not self._cloud.process or self._cloud.process.poll() is not None:
            self._cloud.close()
            self._cloud = None
            return
        launched, self._cloud.launched = self._cloud.launched, []
        for id, where in launched:
            if self._cloud.state(id, **where) in ("shutting-down", "terminated"):
                continue
            if self._cloud.call("DescribeInstanceAttribute", InstanceId=id, **where,
                                Attribute="disableApiTermination")[
                                    "disableApiTermination"]["value"] == "true":
                self._cloud.call("ModifyInstanceAttribute", InstanceId=id, **where,
                                 DisableApiTermination={"Value": False})
            self._cloud.terminate(id, **where)

    # ---- the Debian image ----

    def start_debian(self):
        """Begins to build the image, once; it is kept in the cache for the next time."""
        if os.path.isdir(os.path.join(self.cache, "images", "debian")):
            return
        if not shutil.which("mmdebstrap"):
            return
        os.makedirs(self.cache, exist_ok=True)
        self._debian_log = open(os.path.join(self.top, "debian.log"), "w+")
        self._debian = subprocess.Popen(
            [os.path.join(self.build, "welkin"), "image", "build", "debian", "--data", self.cache],
            stdout=self._debian_log, stderr=self._debian_log, stdin=subprocess.DEVNULL,
            start_new_session=True)

    def debian(self, cloud):
        """Gives the cloud the image; its AMI id."""
        image = os.path.join(self.cache, "images", "debian")
        if self._debian:
            status = self._debian.wait(600)
            self._debian = None
            if status != 0:
                self._debian_log.seek(0)
                last = [line for line in self._debian_log.read().splitlines() if line][-4:]
                raise Skip("the Debian image cannot be built: " + " | ".join(last))
        if not os.path.isdir(image):
            raise Skip("mmdebstrap is not installed, or the Debian image could not be built")
        target = os.path.join(cloud.data, "images", "debian")
        if not os.path.isdir(target):
            # Links where that is possible: the launcher never writes to an image.
            if subprocess.run(["cp", "-al", image, target], capture_output=True).returncode:
                shutil.rmtree(target, ignore_errors=True)
                _run("cp", "-a", image, target)
        return ami(cloud, "welkin-debian-12")

    def database(self, cloud):
        """Gives the cloud the image of the database engines, which is kept in the cache."""
        image = os.path.join(self.cache, "images", "database")
        if not shutil.which("mmdebstrap"):
            raise Skip("mmdebstrap is not installed: the database image cannot be built")
        if not os.path.isdir(image):
            os.makedirs(os.path.dirname(image), exist_ok=True)
            script = os.path.join(os.path.dirname(__file__), "..", "..", "images", "database.sh")
            done = subprocess.run([script, image + ".new"], capture_output=True, text=True)
            if done.returncode:
                shutil.rmtree(image + ".new", ignore_errors=True)
                last = [line for line in done.stderr.splitlines() if line][-4:]
                raise Skip("the database image cannot be built: " + " | ".join(last))
            os.rename(image + ".new", image)
        # the agent is the working tree's, whenever the packages were fetched
        agent = os.path.join(image, "var/lib/cloud/scripts/per-boot/50-database")
        _run("install", "-m", "755",
             os.path.join(os.path.dirname(__file__), "..", "..", "images", "database-agent.sh"),
             agent)
        target = os.path.join(cloud.data, "images", "database")
        if not os.path.isdir(target):
            if subprocess.run(["cp", "-al", image, target], capture_output=True).returncode:
                shutil.rmtree(target, ignore_errors=True)
                _run("cp", "-a", image, target)
        cloud.run("image", "alias", "welkin-database", "database", "--init", "welkin",
                  "--endpoint", cloud.endpoint)
        return ami(cloud, "welkin-database")

    def close(self):
        if self._debian:
            os.killpg(self._debian.pid, signal.SIGTERM)
            self._debian.wait()
        for cloud in self.clouds:
            try:
                cloud.close()
            except (Failed, subprocess.SubprocessError) as why:
                print(f"cleaning up {cloud.data}: {why}", file=sys.stderr)
        for process in (self._server, self._world):
            if process:
                process.kill()
                process.wait()
        shutil.rmtree(self.top, ignore_errors=True)


def group(cloud, name, *rules, **where):
    """A new security group of the default VPC with rules (protocol, from, to, peer); its id."""
    id = cloud.call("CreateSecurityGroup", GroupName=name, GroupDescription="of a test",
                    **where)["groupId"]
    for rule in rules:
        allow(cloud, id, *rule, **where)
    return id


def permission(protocol, first, last, peer):
    one = {"IpProtocol": protocol, "FromPort": first, "ToPort": last}
    if peer.startswith("sg-"):
        one["Groups"] = [{"GroupId": peer}]
    else:
        one["IpRanges"] = [{"CidrIp": peer}]
    return [one]


def allow(cloud, id, protocol, first, last, peer="0.0.0.0/0", way="Ingress", **where):
    cloud.call(f"AuthorizeSecurityGroup{way}", GroupId=id,
               IpPermissions=permission(protocol, first, last, peer), **where)


def revoke(cloud, id, protocol, first, last, peer="0.0.0.0/0", way="Ingress", **where):
    cloud.call(f"RevokeSecurityGroup{way}", GroupId=id,
               IpPermissions=permission(protocol, first, last, peer), **where)


def ami(cloud, name, **where):
    reply = cloud.call("DescribeImages", Filter=[{"Name": "name", "Value": [name]}], **where)
    check(reply["imagesSet"], f"there is no image {name}")
    return reply["imagesSet"][0]["imageId"]


# ---- running them -----------------------------------------------------------------------------

def _attempt(lab, t, why_not):
    """Runs a test.  "ok", "skip" or "FAIL", and the line that says so."""
    begin = time.monotonic()
    try:
        if why_not:
            raise Skip(why_not)
        t(lab)
        result, text = "ok", ""
    except Skip as why:
        result, text = "skip", f": {why}"
    except (Failed, Fault, OSError, subprocess.SubprocessError) as why:
        result, text = "FAIL", f": {why}"
        frames = [f for f in traceback.extract_tb(why.__traceback__)
                  if not f.filename.endswith(("lab.py", "cloud.py", "subprocess.py"))]
        text += "".join(f"\n    {os.path.basename(f.filename)}:{f.lineno}" for f in frames)
    except Exception:  # a test's own mistake must not hide the others
        result, text = "FAIL", ":\n" + traceback.format_exc()
    if result == "FAIL":
        text += lab.last_words()
    return result, f"{result:4} {t.__name__} ({time.monotonic() - begin:.2f} s){text}"


def run(lab, names, why_not=None, threads=1):
    """Runs the tests whose names hold one of `names` (all without any); `threads` of those that
    run beside the others.  The exit status."""
    count = {"ok": 0, "FAIL": 0, "skip": 0}
    chosen = [t for t in tests if not names or any(n in t.__name__ for n in names)]
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        begun = {t: pool.submit(_attempt, lab, t, why_not)
                 for t in chosen if hasattr(t, "beside")}
        try:
            for t in sorted(chosen, key=lambda t: t in begun):
                result, line = begun[t].result() if t in begun else _attempt(lab, t, why_not)
                count[result] += 1
                print(line, flush=True)
                if not why_not:
                    lab.sweep()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    print(f"{count['ok']} passed, {count['FAIL']} failed, {count['skip']} skipped")
    return 1 if count["FAIL"] else 0
