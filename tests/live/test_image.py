"""Images: a stock Debian with systemd and cloud-init, and images out of what others pack."""
import hashlib
import io
import json
import os
import subprocess
import tarfile
import time

from cloud import check, page, same, wait
from lab import Skip, allow, ami, group, test

BUSYBOX = "/bin/busybox"


# ---- Debian -----------------------------------------------------------------------------------

def ssh(lab, ip, key, user, command, port=22, patience=5):
    path = os.path.join(lab.top, "id-" + hashlib.sha256(key.encode()).hexdigest()[:8])
    if not os.path.exists(path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(key)
    return subprocess.run(
        ["ssh", "-i", path, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", f"ConnectTimeout={patience}",
         "-o", "LogLevel=ERROR", "-p", str(port), f"{user}@{ip}", command],
        capture_output=True, text=True, timeout=60)


def cloud_init_done(cloud, id):
    def done():
        status, out = cloud.exec(id, "cloud-init", "status")
        return "status: done" in out.decode() or "status: error" in out.decode()
    wait("cloud-init", done, 90, 0.3)
    out = cloud.sh(id, "cloud-init status --long")
    check("status: done" in out, out)
    return out


@test
def stock_cloud_init_runs_to_its_end_and_ssh_works(lab):
    cloud = lab.cloud
    image = lab.debian(cloud)
    rsa = cloud.call("CreateKeyPair", KeyName="rsa")["keyMaterial"]
    ed25519 = cloud.call("CreateKeyPair", KeyName="ed25519", KeyType="ed25519")["keyMaterial"]
    in_ssh = group(cloud, "ssh", ("tcp", 22, 22), ("tcp", 8080, 8080))
    config = "\n".join([
        "#cloud-config", "write_files:", "  - path: /etc/made", "    content: by cloud-config",
        "    permissions: '0640'", "users:", "  - default", "  - name: alice",
        "    sudo: ALL=(ALL) NOPASSWD:ALL", "runcmd:", "  - [sh, -xc, 'echo ran >>/root/ran']", ""])
    begin = time.monotonic()
    one, = cloud.launch("#!/bin/bash -x\necho script ran as $(id -un)\necho x >>/root/count\n"
                        "mkdir /srv/www; echo debian >/srv/www/index.html\n"
                        "busybox httpd -p 8080 -h /srv/www\n",
                        ImageId=image, KeyName="rsa", SecurityGroupId=[in_ssh],
                        InstanceType="t3.small", MetadataOptions={"HttpTokens": "required"})
    two, = cloud.launch(config, ImageId=image, KeyName="ed25519", SecurityGroupId=[in_ssh],
                        InstanceType="t3.small")
    for id in (one, two):
        cloud.wait_state(id, "running")
    ip = cloud.instance(one)["ipAddress"]
    wait("the page", lambda: page(ip) == "debian\n", 90, 0.1)
    print(f"     launch to page with systemd and cloud-init: {time.monotonic() - begin:.2f} s")
    for id in (one, two):
        check("DataSourceEc2" in cloud_init_done(cloud, id), "the data source")
        same(cloud.sh(id, "cloud-id").strip(), "aws", "cloud-id")
        same(cloud.sh(id, "cat /proc/1/comm").strip(), "systemd", "PID 1")
        wait("2/2 checks", lambda id=id: cloud.status(id) == ("ok", "ok"))
    # A script
    log = cloud.sh(one, "cat /var/log/cloud-init-output.log")
    check("++ id -un" in log and "script ran as root" in log, log)
    same(cloud.sh(one, "cat /root/count"), "x\n", "runs")
    # #cloud-config
    same(cloud.sh(two, "cat /etc/made; stat -c ' %a' /etc/made; cat /root/ran; id -un alice"),
         "by cloud-config 640\nran\nalice\n", "what cloud-config made")
    # The default user, with the key that CreateKeyPair made
    for id, key in ((one, rsa), (two, ed25519)):
        ip = cloud.instance(id)["ipAddress"]
        done = ssh(lab, ip, key, "admin" if cloud.exec(id, "id", "admin")[0] == 0 else "debian",
                   "sudo id -un; hostname")
        about = cloud.instance(id)
        same(done.stdout, "root\nip-" + about["privateIpAddress"].replace(".", "-") + "\n",
             f"ssh ({done.stderr})")
        done = ssh(lab, ip, rsa if key == ed25519 else ed25519, "debian", "id")
        check(done.returncode == 255 and "Permission denied" in done.stderr, "the other's key")
    state = cloud.exec(one, "systemctl", "is-system-running", "--wait")[1].decode().strip()
    same(state, "running", "systemd: " +
         cloud.exec(one, "systemctl", "--failed", "--no-legend")[1].decode())
    # From inside
    cloud.exec(one, "systemctl", "poweroff")
    cloud.wait_state(one, "stopped", 40)
    cloud.start_instance(one)
    cloud_init_done(cloud, one)
    same(cloud.sh(one, "cat /root/count"), "x\n", "user data after a stop and a start")
    cloud.stop_instance(two)
    cloud.terminate(one, two)


# ---- import -----------------------------------------------------------------------------------

class Tar:
    """A tar in memory."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w")

    def add(self, name, data=b"", mode=0o644, type=tarfile.REGTYPE, link="", uid=0):
        info = tarfile.TarInfo(name)
        data = data.encode() if isinstance(data, str) else data
        info.size, info.mode, info.type, info.linkname = len(data), mode, type, link
        info.uid = info.gid = uid
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def dir(self, name, mode=0o755):
        return self.add(name, mode=mode, type=tarfile.DIRTYPE)

    def link(self, name, to):
        return self.add(name, type=tarfile.SYMTYPE, link=to)

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def rootfs(tar, marker):
    """The least that boots with welkin-init."""
    with open(BUSYBOX, "rb") as f:
        busybox = f.read()
    for name in ("bin", "etc", "root", "proc", "sys", "dev", "run", "var", "var/log", "var/lib"):
        tar.dir(name)
    tar.dir("tmp", 0o1777)
    tar.add("bin/busybox", busybox, 0o755)
    for name in ("sh", "cat", "ls", "test", "wget", "stat", "mkdir", "touch"):
        tar.link(f"bin/{name}", "busybox")
    tar.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n").add("etc/group", "root:x:0:\n")
    return tar.add("etc/marker", marker)


def import_image(cloud, name, path):
    done = cloud.run("image", "import", name, path, "--data", cloud.data, "--endpoint",
                     cloud.endpoint)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def boots(cloud, name, marker):
    """Boots the image, whose user data must run; the instance."""
    id, = cloud.launch("#!/bin/sh\ncat /etc/marker >/root/seen\n",
                       ImageId=ami(cloud, f"welkin-{name}"
                                   if ami_exists(cloud, f"welkin-{name}") else name))
    cloud.booted(id)
    same(cloud.sh(id, "cat /root/seen"), marker, "what user data saw")
    return id


def ami_exists(cloud, name):
    return cloud.call("DescribeImages", Filter=[{"Name": "name", "Value": [name]}])["imagesSet"]


def layer_one():
    tar = rootfs(Tar(), "one\n")
    tar.dir("opt").dir("opt/d").add("opt/d/a", "a").add("opt/d/b", "b").add("opt/gone", "x")
    return tar.add("opt/owned", "o", 0o4711, uid=33).done()


def layer_two():
    tar = Tar().dir("etc").add("etc/marker", "two\n").dir("opt").add("opt/.wh.gone")
    return tar.dir("opt/d").add("opt/d/.wh..wh..opq").add("opt/d/c", "c").done()


def looks_right(cloud, id):
    same(cloud.sh(id, "ls -A /opt /opt/d"), "/opt:\naws\nd\nowned\n\n/opt/d:\nc\n", "the whiteouts")
    same(cloud.sh(id, "stat -c '%u %a' /opt/owned"), "33 4711\n", "owner and mode")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def oci(layers):
    """{name: bytes} of an OCI image layout."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    config = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
    files["blobs/sha256/" + sha(config)] = config
    described = []
    for layer in layers:
        files["blobs/sha256/" + sha(layer)] = layer
        described.append({"mediaType": "application/vnd.oci.image.layer.v1.tar",
                          "digest": "sha256:" + sha(layer), "size": len(layer)})
    manifest = json.dumps({"schemaVersion": 2, "layers": described,
                           "config": {"digest": "sha256:" + sha(config)}}).encode()
    files["blobs/sha256/" + sha(manifest)] = manifest
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [
        {"digest": "sha256:" + sha(manifest), "size": len(manifest),
         "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
    return files


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


@test
def a_root_file_system_in_a_tar_becomes_an_image(lab):
    cloud = lab.cloud
    for name, mode in (("plain", "w"), ("gz", "w:gz"), ("xz", "w:xz")):
        path = os.path.join(lab.top, f"rootfs-{name}.tar")
        data = rootfs(Tar(), name + "\n").done()
        fast = {"preset": 0} if mode.endswith("xz") else {}
        with tarfile.open(path, mode, **fast) as out, tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                out.addfile(member, tar.extractfile(member) if member.isreg() else None)
        status, text = import_image(cloud, f"tar-{name}", path)
        same(status, 0, text)
        boots(cloud, f"tar-{name}", name + "\n")


@test
def an_oci_layout_becomes_an_image(lab):
    cloud = lab.cloud
    files = oci([layer_one(), layer_two()])
    folder = os.path.join(lab.top, "oci")
    tar = Tar()
    for name, data in files.items():
        write(os.path.join(folder, name), data)
        tar.add(name, data)
    for name, path in (("oci-folder", folder),
                       ("oci-tar", write(os.path.join(lab.top, "oci.tar"), tar.done()))):
        status, text = import_image(cloud, name, path)
        same(status, 0, text)
        looks_right(cloud, boots(cloud, name, "two\n"))


@test
def a_docker_archive_becomes_an_image(lab):
    cloud = lab.cloud
    tar = Tar().add("manifest.json", json.dumps([{
        "Config": "c.json", "RepoTags": ["x:latest"], "Layers": ["1/layer.tar", "2/layer.tar"]}]))
    tar.add("c.json", "{}").add("1/layer.tar", layer_one()).add("2/layer.tar", layer_two())
    path = write(os.path.join(lab.top, "docker.tar"), tar.done())
    status, text = import_image(cloud, "docker", path)
    same(status, 0, text)
    looks_right(cloud, boots(cloud, "docker", "two\n"))
    status, text = import_image(cloud, "docker", path)
    check(status == 1 and "already" in text, text)


def docker(*layers, names=None):
    names = names or [f"{i}/layer.tar" for i in range(len(layers))]
    tar = Tar().add("manifest.json", json.dumps([{"Config": "c", "Layers": names}]))
    tar.add("c", "{}")
    for i, layer in enumerate(layers):
        tar.add(f"{i}/layer.tar", layer)
    return tar.done()


@test
def hostile_layers_write_nowhere_else(lab):
    cloud = lab.cloud
    outside = os.path.join(lab.top, "outside")
    os.makedirs(outside, exist_ok=True)
    secret = write(os.path.join(lab.top, "secret"), Tar().add("etc/secret", "s3cret").done())
    target = os.path.join(outside, "planted")
    evil = "#!/bin/sh\necho >/evil-ran\n"
    tool = ".welkin-import"

    def base():
        return rootfs(Tar(), "x\n")

    archives = {
        # a link to / and a file behind it
        "link": docker(base().link("up", "/").add("up" + target, "planted").done()),
        "link-up": docker(base().link("up", "../" * 12).add("up" + target, "planted").done()),
        "two": docker(base().link("up", outside).done(), Tar().add("up/planted", "p").done()),
        "dots": docker(base().add("../" * 12 + target[1:], "planted").done()),
        "absolute": docker(base().add(target, "planted").done()),
        "hard": docker(base().add("h", type=tarfile.LNKTYPE, link=secret)
                       .add("h", "planted").done()),
        # a whiteout behind a link
        "white": docker(base().link("up", lab.top).done(), Tar().add("up/.wh.outside").done()),
        "opaque": docker(base().link("up", lab.top).done(),
                         Tar().add("up/.wh..wh..opq").done()),
        # what the unpacking itself uses
        "tool-layer": docker(base().link(f"{tool}/layer", secret).done(), base().done()),
        "tool-folder": docker(base().link(tool, outside).done(), base().done()),
        "tool-busybox": docker(base().add(f"{tool}/busybox", evil, 0o755).done(), base().done()),
        "tool-white": docker(base().add(f".wh.{tool}").done(),
                             base().link(tool, outside).done(), base().done()),
        # a layer that is a link to a file of the host
        "linked": Tar().add("manifest.json", json.dumps([{"Layers": ["l.tar"]}]))
        .link("l.tar", secret).done(),
        "manifest": docker(base().done(), names=["../../" * 8 + secret]),
    }
    with open(secret, "rb") as f:
        kept = f.read()
    before = sorted(os.listdir(lab.top))
    for name, data in archives.items():
        path = write(os.path.join(outside, "archive.tar"), data)
        status, text = import_image(cloud, f"hostile-{name}", path)
        same(os.listdir(outside), ["archive.tar"], f"{name}: what it planted")
        same(sorted(os.listdir(lab.top)), before, f"{name}: what is beside it")
        root = os.path.join(cloud.data, "images", f"hostile-{name}")
        check(not os.path.lexists(os.path.join(root, "etc/secret")), f"{name}: reads the host")
        check(not os.path.lexists(os.path.join(root, "evil-ran")), f"{name}: a program of it ran")
        with open(secret, "rb") as f:
            same(f.read(), kept, f"{name}: a file of the host")
        if status == 0:
            check(not os.path.lexists(os.path.join(root, tool)), f"{name}: leaves {tool}")
        else:
            check(not os.path.exists(root), f"{name}: failed and left an image")
        left = [n for n in os.listdir(os.path.join(cloud.data, "images")) if n.startswith(".")]
        same(left, [], f"{name}: what is left of the work")


@test
def images_are_closed_to_the_users_of_the_host(lab):
    """An image's setuid programs are root's on the host too: nobody may reach them there."""
    cloud = lab.cloud
    data = rootfs(Tar(), "x\n").add("bin/su-root", b"x", 0o4755).done()
    path = write(os.path.join(lab.top, "setuid.tar"), data)
    status, text = import_image(cloud, "setuid", path)
    same(status, 0, text)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test",
                           "-e", os.path.join(cloud.data, "images/setuid/bin/su-root")])
    check(done.returncode != 0, "an ordinary user reaches a setuid program of an image")
