"""Requests that no stock client sends: wrong, huge, slow, badly signed.

Each is answered with an AWS error or a closed connection, and the daemon neither dies nor grows.
"""
import datetime
import hashlib
import http.client
import select
import socket
import time
import urllib.parse

from cloud import VERSIONS, Fault, b64, check, flatten, parse, same, sign, wait
from lab import test

AMI = "ami-009d6802948d06e52"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def body_of(action, **params):
    return urllib.parse.urlencode({"Action": action, "Version": VERSIONS["ec2"],
                                   **flatten(params)}).encode()


def send(cloud, body, headers, method="POST", path="/"):
    """(status, error code or None, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    try:
        code = parse(text)["Errors"]["Error"]["Code"]
    except Exception:
        code = None
    return reply.status, code, text


def raw(cloud, data, timeout=20, pieces=None, pause=0.0):
    """What comes back for bytes on a socket; b"" for a connection that is just closed."""
    out = b""
    with socket.create_connection(("127.0.0.1", cloud.port), timeout) as s:
        try:
            for piece in pieces or [data]:
                s.sendall(piece)
                time.sleep(pause)
            while True:
                got = s.recv(65536)
                if not got:
                    return out
                out += got
                head, _, rest = out.partition(b"\r\n\r\n")
                length = [line.split(b":")[1] for line in head.split(b"\r\n")
                          if line.lower().startswith(b"content-length:")]
                if length and len(rest) >= int(length[0]):
                    return out
        except (ConnectionResetError, BrokenPipeError):
            return out


def alive(cloud):
    check(cloud.call("DescribeRegions")["regionInfo"], "the daemon does not answer")


@test
def parameters_out_of_bounds_have_their_errors(lab):
    cloud = lab.cloud
    good = {"ImageId": AMI, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}

    def refused(code, **change):
        params = {k: v for k, v in {**good, **change}.items() if v is not None}
        cloud.refused(code, "RunInstances", **params)

    refused("InvalidParameterValue", UserData=b64(b"x" * 16385))
    refused("InvalidUserData.Malformed", UserData="%%%")
    refused("InvalidAMIID.NotFound", ImageId="ami-0123456789abcdef0")
    refused("InvalidAMIID.Malformed", ImageId="nonsense")
    refused("MissingParameter", MinCount=None)
    refused("MissingParameter", MaxCount=None)
    refused("InvalidParameterValue", MinCount=0)
    refused("InvalidParameterValue", MinCount=2)
    refused("InvalidParameterValue", InstanceType="t9.enormous")
    refused("InvalidParameterValue", MinCount=-1, MaxCount=-1)
    for number in ("99999999999999999999999", "1e3", "one", "1.5"):
        refused("InvalidParameterValue", MaxCount=number)
    refused("InvalidGroup.NotFound", SecurityGroupId=["sg-0123456789abcdef0"])
    refused("InvalidKeyPair.NotFound", KeyName="nobody's")
    cloud.refused("InvalidInstanceID.Malformed", "DescribeInstances", InstanceId=["i-xyz"])
    cloud.refused("InvalidAction", "NoSuchAction")
    for n in (201, 9999):
        cloud.refused("FilterLimitExceeded", "DescribeInstances",
                      Filter=[{"Name": "instance-id", "Value": [f"i-{i:017x}" for i in range(n)]}])
    # Ten thousand filters are more parameters than a request may have.
    for n, code in ((300, "FilterLimitExceeded"), (10000, "InvalidQueryParameter")):
        cloud.refused(code, "DescribeInstances", Filter=[{"Name": "tag:a", "Value": ["b"]}] * n)
    cloud.refused("InvalidParameterValue", "DescribeInstances",
                  Filter=[{"Name": "no-such-filter", "Value": ["b"]}])
    alive(cloud)


@test
def bad_signatures_have_their_errors(lab):
    cloud = lab.cloud
    body = body_of("DescribeRegions")
    utc = datetime.timezone.utc
    now = datetime.datetime.now(utc)

    def signed(**more):
        headers = {**FORM, **more.pop("headers", {})}
        return sign(cloud.endpoint, body, headers=headers, **more)

    def expect(code, headers, data=body, status=None):
        have_status, have, text = send(cloud, data, headers)
        same(have, code, f"the error ({text[:300]!r})")
        check(have_status in ((status,) if status else (400, 401, 403)), f"status {have_status}")

    same(send(cloud, body, signed())[0], 200, "a good one")
    for minutes in (16, -16, 100000):
        expect("RequestExpired", signed(now=now - datetime.timedelta(minutes=minutes)))
    same(send(cloud, body, signed(now=now - datetime.timedelta(minutes=4)))[0], 200, "4 minutes")
    expect("AuthFailure", signed(key="AKIAIOSFODNN7EXAMPLE"))
    expect("AuthFailure", signed(secret="wrong"))
    expect("AuthFailure", signed(), data=body + b"&x=1")
    expect("RequestExpired", {**signed(), "x-amz-date": "20200101T000000Z"})
    a_minute_ago = (now - datetime.timedelta(minutes=1)).strftime("%Y%m%dT%H%M%SZ")
    expect("AuthFailure", {**signed(now=now), "x-amz-date": a_minute_ago})
    headers = signed(headers={"x-extra": "1"})
    expect("AuthFailure", {**headers, "x-extra": "2"})
    del headers["x-extra"]
    expect("AuthFailure", headers)
    # A header that is not signed does no harm, but x-amz-* and host must be.
    same(send(cloud, body, {**signed(), "x-other": "1"})[0], 200, "an extra header")
    expect("AuthFailure", signed(skip=("host",)))
    expect("MissingParameter", FORM)
    good = signed()["authorization"]
    for bad in ("", "Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 " + "x" * 5000,
                good.replace("Credential=", "Credentials="), good.replace("/aws4_request", ""),
                good.replace("Signature=", "Signature=zz"), good.split(", Signature")[0],
                good.replace("us-east-1/", "/"), good + ", Signature=00"):
        status, code, _ = send(cloud, body, {**signed(), "authorization": bad})
        check(status in (400, 401, 403) and code, f"{bad[:60]!r}: {status} {code}")
    for place in ({"region": "mars-1"}, {"service": "s3"}, {"service": "nonsense"}):
        status, code, text = send(cloud, body, signed(**place))
        check(status >= 400 and code != "InternalError", f"{place}: {status} {text[:200]!r}")
    alive(cloud)


def presigned(cloud, when, expires, secret="test"):
    """The query of a presigned GET."""
    import cloud as lib
    stamp, day = when.strftime("%Y%m%dT%H%M%SZ"), when.strftime("%Y%m%d")
    scope = f"{day}/us-east-1/ec2/aws4_request"
    query = urllib.parse.urlencode(sorted({
        "Action": "DescribeRegions", "Version": VERSIONS["ec2"], "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"test/{scope}", "X-Amz-Date": stamp, "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host"}.items()), quote_via=urllib.parse.quote, safe="-_.~")
    canonical = "\n".join(["GET", "/", query, f"host:{cloud.endpoint}", "", "host",
                           hashlib.sha256(b"").hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (day, "us-east-1", "ec2", "aws4_request"):
        key = lib._hmac(key, part)
    return query + "&X-Amz-Signature=" + lib._hmac(key, text).hex()


@test
def presigned_requests_end_when_they_say(lab):
    cloud = lab.cloud
    now = datetime.datetime.now(datetime.timezone.utc)

    def ask(when, expires, **more):
        return send(cloud, None, {}, "GET", "/?" + presigned(cloud, when, expires, **more))[:2]

    same(ask(now, 60), (200, None), "a good one")
    same(ask(now - datetime.timedelta(seconds=90), 60)[1], "RequestExpired", "an old one")
    same(ask(now, 60, secret="wrong")[1], "AuthFailure", "a wrong secret")
    for expires in (-1, 0, 604801, "x"):
        check(ask(now, expires)[0] in (400, 401, 403), f"expires in {expires}")


@test
def garbage_is_answered_or_closed_and_memory_stays_bounded(lab):
    cloud = lab.cloud
    for _ in range(3):
        alive(cloud)
    before = cloud.rss_kib()
    host = cloud.endpoint.encode()
    head = b"POST / HTTP/1.1\r\nHost: " + host + b"\r\n"
    # 64 MiB of a body: refused before it is read
    length = b"Content-Length: %d\r\n\r\n" % (64 << 20)
    for _ in range(4):
        reply = raw(cloud, b"", pieces=[head + length] + [b"x" * (1 << 20)] * 64)
        check(reply == b"" or reply.split(b" ")[1] in (b"413", b"400"), reply[:200])
    # signed bodies just below the limit, with many and with deep names
    for body in (b"&".join(b"a%d=b" % n for n in range(300000)),
                 b"Action=DescribeInstances&Version=2016-11-15&" + b"A." * 500000 + b"1=x",
                 b"Action=DescribeInstances&Version=2016-11-15&" +
                 b"&".join(b"Filter.%d.Value.%d=x" % (n, n) for n in range(200000)),
                 b"Action=DescribeInstances&InstanceId.999999999999=i-1&Version=2016-11-15",
                 b"<a>" * 1000000, b"{" * 1000000, b"%" * 1000000, bytes(range(256)) * 4000,
                 b"Action=" + b"X" * 1000000):
        for _ in range(2):
            status, _, text = send(cloud, body, sign(cloud.endpoint, body, headers=FORM))
            check(400 <= status < 500 or status in (501, 503), f"{body[:40]!r}: {status} "
                  f"{text[:200]!r}")
    # not HTTP, or nearly
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
                 b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000 + b"GET\r\n\r\n", b"\0" * 100000,
                 b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                 b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                 b"Content-Length: 5\r\n\r\n0\r\n\r\n",
                 b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 50000 + b"\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 1000000 + b"\r\n\r\n"):
        reply = raw(cloud, data)
        check(reply == b"" or reply.startswith(b"HTTP/1.1 4") or reply.startswith(b"HTTP/1.1 5"),
              f"{data[:50]!r}: {reply[:120]!r}")
    alive(cloud)
    after = cloud.rss_kib()
    print(f"     resident: {before} KiB before, {after} KiB after")
    check(after < before + 64 * 1024, f"{before} KiB before, {after} KiB after")


@test
def slow_and_split_requests_are_served_and_do_not_hold_up_others(lab):
    cloud = lab.cloud
    body = body_of("DescribeRegions")
    headers = sign(cloud.endpoint, body, headers=FORM)
    text = b"POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()).encode() \
        + b"Content-Length: %d\r\n\r\n" % len(body) + body
    reply = raw(cloud, b"", pieces=[text[i:i + 1] for i in range(len(text))])
    check(reply.startswith(b"HTTP/1.1 200 "), f"a byte at a time: {reply[:200]!r}")
    for cut in (5, 20, len(text) - len(body) - 2, len(text) - 3):
        reply = raw(cloud, b"", pieces=[text[:cut], text[cut:]], pause=0.02)
        check(reply.startswith(b"HTTP/1.1 200 "), f"cut at {cut}: {reply[:200]!r}")
    idle = [socket.create_connection(("127.0.0.1", cloud.port)) for _ in range(500)]
    for s in idle:
        s.sendall(text[:60])
    alive(cloud)
    same(select.select(idle, [], [], 0)[0], [], "half requests that ended before another was served")
    for s in idle:
        s.close()
    reply = raw(cloud, text * 50, timeout=5)
    same(reply.count(b"HTTP/1.1 200 ") > 0, True, "requests in one go")
    alive(cloud)
