"""Several addresses on one server: which way answers go, and a certificate for each."""
import os
import subprocess
import tempfile

from cloud import check, same, wait
from lab import WORLD, allow, test
from test_interface import primary
from test_placement import pid_of
from test_vpc import Network, fetch, name_of


def ip(cloud, id, *args):
    """Of iproute2 in the instance's network: the tiny image's knows no tables of such numbers."""
    done = subprocess.run(["nsenter", "-t", pid_of(cloud, id), "-n", "ip", *args],
                          capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    return done.stdout


# proves: ENI-21 VPC-08
@test
def two_interfaces_of_a_subnet_need_a_route_table_each_and_a_second_address_does_not(lab):
    cloud = lab.cloud
    net = Network(cloud, "10.34.0.0/16")
    subnet = net.subnet(1, net.table)
    (server, about), (client, _) = net.launch(subnet), net.launch(subnet)
    spare = cloud.call("AssignPrivateIpAddresses", NetworkInterfaceId=primary(about),
                    SecondaryPrivateIpAddressCount=1)[
        "assignedPrivateIpAddressesSet"][0]["privateIpAddress"]
    nic = cloud.call("CreateNetworkInterface", SubnetId=subnet,
                     SecurityGroupId=[net.group])["networkInterface"]
    cloud.call("AttachNetworkInterface", NetworkInterfaceId=nic["networkInterfaceId"],
               InstanceId=server, DeviceIndex=1)
    second = nic["privateIpAddress"]
    wait("eth1", lambda: fetch(cloud, client, second) == name_of(about))
    # In the guest: what comes from eth1's address has a table of its own, all else leaves by eth0.
    check(f"from {second} lookup 10001" in ip(cloud, server, "rule"), "eth1's rule")
    check("default via 10.34.1.1 dev eth1" in ip(cloud, server, "route", "show", "table", "10001"),
          "eth1's table")
    routes = ip(cloud, server, "route")
    check("default via 10.34.1.1 dev eth0" in routes and "default via 10.34.1.1 dev eth1" not in
          routes, f"the main table: {routes}")
    same(fetch(cloud, server, WORLD, 80), "the world\n", "the world")
    # Without that, answers of eth1 leave by eth0, with an address that is not eth0's.
    rule = "from", second, "lookup", "10001"
    ip(cloud, server, "rule", "del", *rule)
    same(fetch(cloud, client, second), None, "answers that go the other way")
    same(fetch(cloud, client, spare), name_of(about), "a second address of eth0")
    ip(cloud, server, "rule", "add", *rule)
    wait("eth1 again", lambda: fetch(cloud, client, second) == name_of(about))
    cloud.terminate(server)
    cloud.wait_state(server, "terminated")
    cloud.call("DeleteNetworkInterface", NetworkInterfaceId=nic["networkInterfaceId"])
    net.delete(client)


SITES = """
import http.server, ssl, sys, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.name.encode())
for name, ip in zip(sys.argv[1::2], sys.argv[2::2]):
    server = http.server.ThreadingHTTPServer((ip, 443), Page)
    server.name = name
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"/root/{name}.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
"""


def certificate(folder, name):
    """A file with the certificate of a site; what the site itself needs."""
    cert, key = (os.path.join(folder, f"{name}.{kind}") for kind in ("crt", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    with open(cert, "rb") as a, open(key, "rb") as b:
        return cert, a.read() + b.read()


# proves: ENI-23
@test
def a_server_has_a_site_and_a_certificate_on_each_of_its_addresses(lab):
    cloud = lab.cloud
    net = Network(cloud, "10.35.0.0/16")
    allow(cloud, net.group, "tcp", 443, 443)
    subnet, names = net.subnet(1, net.table), ("one.example", "two.example")
    id, = cloud.launch(ImageId=lab.debian(cloud), InstanceType="t3.small", NetworkInterface=[{
        "DeviceIndex": 0, "SubnetId": subnet, "SecurityGroupId": [net.group],
        "SecondaryPrivateIpAddressCount": 1}])
    cloud.booted(id, 90)
    check(f"src {cloud.instance(id)['privateIpAddress']} " in ip(cloud, id, "route", "get", WORLD),
          "what the server says itself is from its own address")
    nic = cloud.instance(id)["networkInterfaceSet"][0]
    ips = [a["privateIpAddress"] for a in nic["privateIpAddressesSet"]]
    public = []
    for one in ips:
        eip = cloud.call("AllocateAddress", Domain="vpc")
        cloud.call("AssociateAddress", AllocationId=eip["allocationId"], PrivateIpAddress=one,
                   NetworkInterfaceId=nic["networkInterfaceId"])
        public.append(eip)
    with tempfile.TemporaryDirectory() as folder:
        files = [certificate(folder, name) for name in names]
        for name, (_, both) in zip(names, files):
            same(cloud.exec(id, "sh", "-c", f"cat >/root/{name}.pem", input=both)[0], 0, name)
        cloud.exec(id, "sh", "-c", "cat >/root/sites.py", input=SITES.encode())
        pairs = " ".join(f"{name} {one}" for name, one in zip(names, ips))
        cloud.sh(id, f"setsid python3 /root/sites.py {pairs} >/root/log 2>&1 </dev/null &")

        def site(i, trusted):
            return lab.in_world("curl", "-s", "-m", "3", "--cacert", files[trusted][0],
                                "--resolve", f"{names[i]}:443:{public[i]['publicIp']}",
                                f"https://{names[i]}/", must=False)
        for i in range(2):
            wait(names[i], lambda: site(i, i) == names[i], 30)
            same(site(i, 1 - i), "", f"{names[i]} with the other's certificate")
    cloud.terminate(id)
    cloud.wait_state(id, "terminated", 60)
    for eip in public:
        cloud.call("ReleaseAddress", AllocationId=eip["allocationId"])
    net.delete()
