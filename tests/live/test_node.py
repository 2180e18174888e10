"""A node of a load balancer alone, as the daemon talks to it: what HTTP asks of who stands between."""
import http.server
import json
import os
import socket
import subprocess
import threading

from cloud import check, same, wait
from lab import test

FRONT, BACK, RAW = 18080, 18081, 18082


class Target(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        told = json.dumps({k.lower(): v for k, v in self.headers.items()}).encode()
        if self.path != "/chunked":
            self.answer(told)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"one", b"two"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        n, got = self.headers.get("Content-Length"), b""
        if n:
            got = self.rfile.read(int(n))
        while not n:
            size = int(self.rfile.readline(), 16)
            got += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        self.answer(b"%d" % len(got))

    def log_message(self, *_):
        pass


def backwards(listener):
    """A target that speaks another protocol once it was asked to."""
    while True:
        connection, _ = listener.accept()
        if b"Upgrade: backwards" not in connection.recv(4096):
            connection.close()
            continue
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: backwards\r\n"
                           b"Connection: Upgrade\r\n\r\n")
        while said := connection.recv(100):
            connection.sendall(said[::-1])
        connection.close()


def group(id, *ports):
    return {"id": id, "interval_s": 5, "timeout_s": 2, "healthy": 2, "unhealthy": 2, "path": "/",
            "matcher": "200", "check_port": "traffic-port", "algorithm": "round_robin",
            "slow_s": 0, "sticky": "", "sticky_cookie": "", "sticky_s": 60,
            "targets": [{"id": f"t{port}", "ip": "127.0.0.1", "port": port, "since": 1,
                         "draining": False} for port in ports]}


def forward(path, id):
    field = {"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}
    return {"Conditions": [field] if path else [], "Actions": [{"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": id, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": False}}}]}


CONFIG = {"idle_s": 60, "keep_s": 3600, "xff": "append", "xff_port": "false",
          "preserve_host": "false", "drop_invalid": "false",
          "groups": [group("web", BACK), group("none"), group("raw", RAW), group("dead", 1)],
          "listeners": [{"port": FRONT, "server": "true", "rules": [
              forward("/none", "none"), forward("/raw", "raw"), forward("/dead", "dead"),
              forward(None, "web")]}]}


def ask(*pieces):
    """All that comes until the end."""
    with socket.create_connection(("127.0.0.1", FRONT), timeout=10) as s:
        for piece in pieces:
            s.sendall(piece)
        return b"".join(iter(lambda: s.recv(65536), b""))


def get(path, more="", version="1.1"):
    return ask(f"GET {path} HTTP/{version}\r\nHost: h\r\nConnection: close\r\n{more}\r\n".encode())


def check_bodies():
    big = os.urandom(3 << 20)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    same(ask(head + b"Content-Length: %d\r\n\r\n" % len(big), big).split(b"\r\n\r\n")[-1],
         b"%d" % len(big), "a large body")
    chunks = b"".join(b"%x\r\n%s\r\n" % (1000, big[:1000]) for _ in range(300)) + b"0\r\n\r\n"
    same(ask(head + b"Transfer-Encoding: chunked\r\n\r\n", chunks).split(b"\r\n\r\n")[-1],
         b"300000", "a chunked body")
    same(get("/chunked").split(b"\r\n\r\n", 1)[1], b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", "chunks")
    same(ask(b"GET /chunked HTTP/1.0\r\n\r\n").split(b"\r\n\r\n", 1)[1], b"onetwo",
         "chunks for who knows none")


def check_upgrade():
    with socket.create_connection(("127.0.0.1", FRONT), timeout=10) as s:
        s.sendall(b"GET /raw HTTP/1.1\r\nHost: h\r\nUpgrade: backwards\r\n"
                  b"Connection: Upgrade\r\n\r\n")
        check(s.recv(4096).startswith(b"HTTP/1.1 101 "), "the upgrade")
        s.sendall(b"abc")
        same(s.recv(100), b"cba", "the other protocol")


@test
def a_node_forwards_as_http_asks(lab):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", BACK), Target)
    listener = socket.create_server(("127.0.0.1", RAW))
    for serve in (server.serve_forever, lambda: backwards(listener)):
        threading.Thread(target=serve, daemon=True).start()
    ours, its = socket.socketpair()
    node = subprocess.Popen([os.path.join(lab.build, "welkin-balancer")], stdin=its, user="nobody")
    its.close()
    try:
        ours.sendall(json.dumps(CONFIG).encode() + b"\n")
        wait("the target's health", lambda: b'"target":"t18081"' in ours.recv(4096))
        told = json.loads(get("/", "X-Forwarded-For: 1.2.3.4\r\nKeep-Alive: 5\r\n"
                              "Connection: content-length, x-gone\r\nX-Gone: y\r\n")
                          .split(b"\r\n\r\n", 1)[1])
        same((told["x-forwarded-for"], told["x-forwarded-proto"], told["x-forwarded-port"]),
             ("1.2.3.4, 127.0.0.1", "http", str(FRONT)), "who asked")
        same(told["host"], f"h:{FRONT}", "the host")
        check(told["x-amzn-trace-id"].startswith("Root=1-"), "the trace")
        check("keep-alive" not in told and "x-gone" not in told, f"headers of a connection: {told}")
        same(ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
                 b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").count(b" 200 OK"), 2,
             "two requests at once")
        check_bodies()
        check_upgrade()
        for path, status in (("/none", b"503"), ("/dead", b"502"), ("/raw", b"502")):
            same(get(path).split(b" ")[1], status, path)
        same(ask(b"TRACE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").split(b" ")[1], b"405", "TRACE")
        same(ask(b"GET / HTTP/1.1\r\n\r\n").split(b" ")[1], b"400", "no host")
        check(node.poll() is None, "the node has ended")
    finally:
        ours.close()
        same(node.wait(10), 0, "its end, without a daemon")
        server.shutdown()
        listener.close()
