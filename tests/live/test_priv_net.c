/*
 * The network of sandboxes: security groups, spoofing, overlapping ranges, public addresses, the
 * router's listeners and the way out.
 */
#include "live/priv_lab.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVE "nc -ll -p 80 -e /bin/echo served & nc -ll -p 81 -e /bin/echo other & "

static const struct priv_rule egress_all = {.egress = 1, .protocol = PRIV_PROTO_ALL};

static struct lab *
lab_ready(void)
{
    struct lab *l = lab_new();

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    return l;
}

static void
boot(struct lab *l, uint32_t n, uint32_t class, const char *script)
{
    struct priv_launch p = lab_plan(n);

    p.class = class;
    lab_launch(l, &p, script);
}

static void
public_ip(struct lab *l, uint32_t vpc, uint32_t public, uint32_t private)
{
    const struct priv_public_ip q = {.vpc = vpc, .public_ip = public, .private_ip = private};

    lab_call(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0);
}

static struct str
get_within(struct lab *l, uint32_t n, const char *address, unsigned port, unsigned seconds)
{
    int status;

    return lab_exec(l, n, str_fmt(l->arena, "nc -w %u %s %u </dev/null 2>/dev/null", seconds,
                                  address, port).p, &status);
}

/* What machine n reads from a TCP port.  A loaded machine may take its time. */
static struct str
get(struct lab *l, uint32_t n, const char *address, unsigned port)
{
    return get_within(l, n, address, port, 10);
}

/* Whether it reads nothing there. */
static bool
cut_off(struct lab *l, uint32_t n, const char *address, unsigned port)
{
    return get_within(l, n, address, port, 1).n == 0;
}

static bool
pings_within(struct lab *l, uint32_t n, const char *address, unsigned seconds)
{
    int status;

    lab_exec(l, n, str_fmt(l->arena, "ping -c 1 -W %u %s", seconds, address).p, &status);
    return status == 0;
}

static bool
pings(struct lab *l, uint32_t n, const char *address)
{
    return pings_within(l, n, address, 10);
}

static bool
unheard(struct lab *l, uint32_t n, const char *address)
{
    return !pings_within(l, n, address, 1);
}

/* Waits until a command in the machine succeeds. */
static void
wait_for(struct lab *l, uint32_t n, const char *command)
{
    int status = 1;

    for (int i = 0; i < 500 && status != 0; i++) {
        lab_exec(l, n, command, &status);
        usleep(10000);
    }
    if (status != 0)
        FAIL("\"%s\" does not succeed in machine %u", command, n);
}

/* Waits until something in the machine listens on a TCP port. */
static void
wait_listening(struct lab *l, uint32_t n, unsigned port)
{
    wait_for(l, n, str_fmt(l->arena, "grep -q ':%04X 0*:0000 0A' /proc/net/tcp /proc/net/tcp6",
                           port).p);
}

/* Of SERVE. */
static void
wait_serving(struct lab *l, uint32_t n)
{
    wait_listening(l, n, 80);
    wait_listening(l, n, 81);
}

TEST(security_groups_allow_what_their_rules_say)
{
    const struct priv_rule web[] = {{.protocol = IPPROTO_TCP, .from = 80, .to = 80},
                                    egress_all};
    const struct priv_rule only_group_2[] = {
        {.protocol = IPPROTO_TCP, .from = 80, .to = 81, .peer = PRIV_PEER_GROUP, .group = 2},
        egress_all};
    const struct priv_rule pingable[] = {
        {.protocol = IPPROTO_ICMP, .from = 8, .to = -1, .ip = LAB_IP(3), .prefix = 32}, egress_all};
    const struct priv_rule mute[] = {
        {.protocol = IPPROTO_TCP, .from = 80, .to = 80},
        {.egress = 1, .protocol = IPPROTO_TCP, .from = 81, .to = 81}};
    struct lab *l = lab_ready();

    lab_group(l, 0, 2, web, 2);
    lab_class(l, 0, 2, 2);
    boot(l, 1, 2, SERVE "exec sleep 1000"); /* 172.31.0.17 */
    boot(l, 2, 2, SERVE "exec sleep 1000"); /* .18 */
    boot(l, 3, 1, "exec sleep 1000");       /* .19, in group 1 */
    wait_serving(l, 1);
    wait_serving(l, 2);
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "served");
    CHECK(cut_off(l, 3, "172.31.0.17", 81));
    CHECK(unheard(l, 3, "172.31.0.17"));

    /* A reference to itself: members only. */
    lab_group(l, 0, 2, only_group_2, 2);
    CHECK_STR(get(l, 2, "172.31.0.17", 81), "other");
    CHECK(cut_off(l, 3, "172.31.0.17", 80));
    struct priv_machine_class move = {.class = 2};
    snprintf(move.id, sizeof(move.id), "%s", lab_id(3));
    lab_call(l, PRIV_MACHINE_CLASS, &move, sizeof(move), NULL, 0);
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "served");
    move.class = 1;
    lab_call(l, PRIV_MACHINE_CLASS, &move, sizeof(move), NULL, 0);
    CHECK(cut_off(l, 3, "172.31.0.17", 80));

    /* ICMP by type and source. */
    lab_group(l, 0, 2, pingable, 2);
    CHECK(pings(l, 3, "172.31.0.17"));
    CHECK(unheard(l, 2, "172.31.0.17"));
    CHECK(cut_off(l, 3, "172.31.0.17", 80));

    /* Egress. */
    lab_group(l, 0, 2, mute, 2);
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "served"); /* replies pass */
    CHECK(cut_off(l, 2, "172.31.0.17", 80));
    lab_free(l);
}

TEST(a_machine_has_the_rules_of_all_its_groups_and_of_no_unknown_class)
{
    const struct priv_rule p80 = {.protocol = IPPROTO_TCP, .from = 80, .to = 80};
    const struct priv_rule p81[] = {{.protocol = IPPROTO_TCP, .from = 81, .to = 81}, egress_all};
    struct priv_class both = {.vpc = 0, .class = 7, .n_groups = 2, .groups = {3, 4}};
    struct lab *l = lab_ready();
    struct str says;

    boot(l, 1, 7, SERVE "exec sleep 1000");
    boot(l, 2, 1, "exec sleep 1000");
    wait_serving(l, 1);
    CHECK(cut_off(l, 2, "172.31.0.17", 80));
    lab_group(l, 0, 3, &p80, 1);
    lab_group(l, 0, 4, p81, 2);
    lab_call(l, PRIV_CLASS, &both, sizeof(both), NULL, 0);
    CHECK_STR(get(l, 2, "172.31.0.17", 80), "served");
    CHECK_STR(get(l, 2, "172.31.0.17", 81), "other");
    CHECK(pings(l, 1, "172.31.0.18"));
    both.n_groups = 1;
    CHECK_INT(lab_try(l, PRIV_CLASS, &both, sizeof(both), NULL, 0, &says), -EBUSY);
    struct priv_group_drop drop = {.vpc = 0, .group = 4};
    CHECK_INT(lab_try(l, PRIV_GROUP_DROP, &drop, sizeof(drop), NULL, 0, &says), -EBUSY);
    lab_kill(l, 1);
    lab_call(l, PRIV_CLASS, &both, sizeof(both), NULL, 0);
    lab_call(l, PRIV_GROUP_DROP, &drop, sizeof(drop), NULL, 0);
    drop.group = 3; /* with the class, which nothing is in any more */
    lab_call(l, PRIV_GROUP_DROP, &drop, sizeof(drop), NULL, 0);
    lab_free(l);
}

TEST(an_established_flow_survives_the_end_of_its_rule)
{
    const struct priv_rule p80[] = {{.protocol = IPPROTO_TCP, .from = 80, .to = 80}, egress_all};
    struct lab *l = lab_ready();

    lab_group(l, 0, 2, p80, 2);
    lab_class(l, 0, 2, 2);
    boot(l, 1, 2, "nc -l -p 80 -e /bin/cat; exec sleep 1000");
    boot(l, 2, 1, "read go; { echo one; sleep 1; echo two; sleep 1; } | nc 172.31.0.17 80; "
                  "exec sleep 1000");
    wait_listening(l, 1, 80);
    struct priv_console_write w = {.n = 1};
    snprintf(w.id, sizeof(w.id), "%s", lab_id(2));
    lab_call(l, PRIV_CONSOLE_WRITE, &w, sizeof(w), "\n", 1);
    lab_console(l, 2, "one");
    lab_group(l, 0, 2, &egress_all, 1);
    lab_console(l, 2, "two");
    lab_free(l);
}

TEST(a_machine_cannot_speak_with_anothers_address)
{
    struct lab *l = lab_ready();
    int status;

    boot(l, 1, 1, "exec sleep 1000");
    boot(l, 2, 1, "exec sleep 1000");
    CHECK(pings(l, 1, "172.31.0.18"));
    lab_exec(l, 1, "ip addr add 172.31.0.99/32 dev eth0; ping -c 1 -W 1 -I 172.31.0.99"
                   " 172.31.0.18", &status);
    CHECK(status != 0);
    lab_exec(l, 1, "ip addr del 172.31.0.99/32 dev eth0; ip link set eth0 down; ip link set eth0"
                   " address 02:00:00:00:00:77; ip link set eth0 up; "
                   "ip route add default via 172.31.0.1; ping -c 1 -W 1 172.31.0.18", &status);
    CHECK(status != 0);
    lab_free(l);
}

TEST(ranges_of_two_vpcs_may_overlap)
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(2);
    int status;

    lab_vpc(l, 5, LAB_CIDR);
    lab_open_class(l, 5);
    boot(l, 1, 1, "exec nc -ll -p 80 -e /bin/echo first");
    p.vpc = 5;
    p.private_ip = LAB_IP(1); /* the same address */
    lab_launch(l, &p, "exec nc -ll -p 80 -e /bin/echo second");
    p = lab_plan(3);
    p.vpc = 5;
    lab_launch(l, &p, "exec sleep 1000");
    boot(l, 4, 1, "exec sleep 1000");
    wait_listening(l, 1, 80);
    wait_listening(l, 2, 80);
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "second");
    CHECK_STR(get(l, 4, "172.31.0.17", 80), "first");
    CHECK(unheard(l, 4, "172.31.0.19")); /* it is in the other VPC */
    /* The host's route leads to the first VPC that claimed the range; who has no public address
     * does not answer. */
    CHECK_STR(lab_run(l, "busybox nc -w 1 172.31.0.17 80 </dev/null 2>/dev/null",
                      &status), "");
    public_ip(l, 0, LAB_PUBLIC(9), LAB_IP(1));
    CHECK_STR(lab_run(l, "busybox nc -w 10 172.31.0.17 80 </dev/null", &status), "first");
    lab_free(l);
}

TEST(a_public_address_leads_in_and_out)
{
    struct lab *l = lab_ready();
    struct priv_public_ip q = {.vpc = 0, .public_ip = LAB_PUBLIC(9), .private_ip = LAB_IP(1)};
    struct str says;
    int status;

    boot(l, 1, 1, SERVE "exec sleep 1000");
    boot(l, 2, 1, "sleep 1000");
    wait_serving(l, 1);
    lab_call(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0);
    CHECK_STR(lab_run(l, "busybox nc -w 10 172.31.0.17 80 </dev/null", &status), "served");
    CHECK_STR(lab_run(l, "busybox nc -w 10 198.18.0.9 80 </dev/null", &status), "served");
    CHECK(cut_off(l, 2, "198.18.0.9", 80)); /* it has no way out itself */
    public_ip(l, 0, LAB_PUBLIC(8), LAB_IP(2));
    CHECK_STR(get(l, 2, "198.18.0.9", 80), "served"); /* from inside as well, over the gateway */
    /* Another VPC sees the public address as its peer, and no private one. */
    struct priv_launch p = lab_plan(3);
    lab_vpc(l, 1, 0x0a000000);
    lab_open_class(l, 1);
    p.vpc = 1;
    p.private_ip = 0x0a000010;
    p.gateway = 0x0a000001;
    p.public_ip = LAB_PUBLIC(7);
    lab_launch(l, &p, "exec sleep 1000");
    CHECK_STR(get(l, 3, "198.18.0.9", 80), "served");
    CHECK(cut_off(l, 3, "172.31.0.17", 80));
    /* Moved to another machine: the old one loses it. */
    q.private_ip = LAB_IP(2);
    lab_call(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0);
    CHECK(!lab_run(l, "busybox nc -w 1 198.18.0.9 80 </dev/null 2>/dev/null", &status).n);
    q.remove = 1;
    lab_call(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0);
    lab_call(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0);
    q = (struct priv_public_ip){.public_ip = 0x08080808, .private_ip = LAB_IP(1)};
    CHECK_INT(lab_try(l, PRIV_PUBLIC_IP, &q, sizeof(q), NULL, 0, &says), -EINVAL);
    lab_free(l);
}

TEST(machines_reach_the_world_but_not_the_host)
{
    struct lab *l = lab_ready();
    int status;

    boot(l, 1, 1, "exec sleep 1000");
    CHECK(unheard(l, 1, "203.0.113.1")); /* without a public address nothing gets out */
    public_ip(l, 0, LAB_PUBLIC(9), LAB_IP(1));
    /* 203.0.113.1 knows no route to us: it answers because the host hides us. */
    CHECK(pings(l, 1, "203.0.113.1"));
    lab_run(l, "busybox nc -l -p 4444 </dev/null >/dev/null 2>&1 & sleep 0.2", &status);
    CHECK_STR(lab_run(l, "echo x | busybox nc -w 1 203.0.113.2 4445 2>&1 | grep -c .; true",
                      &status), "1");
    lab_exec(l, 1, "echo x | nc -w 1 203.0.113.2 4444", &status);
    CHECK(status != 0);
    lab_free(l);
}

static int
accept_from(int fd, char peer[16])
{
    struct sockaddr_in a;
    socklen_t n = sizeof(a);

    for (int i = 0; i < 1000; i++) {
        int c = accept(fd, (struct sockaddr *)&a, &n);

        if (c >= 0) {
            inet_ntop(AF_INET, &a.sin_addr, peer, 16);
            return c;
        }
        usleep(10000);
    }
    FAIL("nobody connects");
}

TEST(the_router_listens_for_metadata_dns_and_dhcp, "IMDS-01")
{
    struct priv_vpc_open q = {.number = 0, .id = "vpc-0", .n_cidrs = 1, .cidrs = {{LAB_CIDR, 16}},
                              .n_extra = 1, .extra = {{0xa9fea9fb, 443}}};
    struct lab *l = lab_new();
    char peer[16], text[600];

    lab_call(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0);
    CHECK_INT(l->n_vpc_fds, PRIV_LISTEN_EXTRA + 1);
    lab_subnet_open(l, 0, 1);
    public_ip(l, 0, LAB_PUBLIC(9), LAB_IP(1));
    boot(l, 1, 0, "(echo hello | nc -w 20 169.254.169.254 80) & "
                  "(echo tls | nc -w 20 169.254.169.251 443) & nslookup a.b 172.31.0.2 & "
                  "nslookup a.b 169.254.169.253 & "
                  "udhcpc -i eth0 -n -q -t 10 -T 2 -s /bin/true; exec sleep 1000");
    /* Class 0: no group lets anything through, and yet these are reached. */
    int c = accept_from(l->vpc_fds[PRIV_LISTEN_IMDS], peer);
    CHECK_STR(str_from(peer), "172.31.0.17");
    close(c);
    c = accept_from(l->vpc_fds[PRIV_LISTEN_EXTRA], peer);
    close(c);
    static const int udp[] = {PRIV_LISTEN_DNS_UDP, PRIV_LISTEN_DNS2_UDP, PRIV_LISTEN_DHCP};
    for (int k = 0; k < 3; k++) {
        struct sockaddr_in from;
        char control[64];
        struct iovec io = {text, sizeof(text)};
        struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &io,
                           .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof(control)};
        ssize_t n = -1;

        for (int i = 0; i < 1000 && n < 0; i++) {
            m.msg_controllen = sizeof(control);
            n = recvmsg(l->vpc_fds[udp[k]], &m, 0);
            if (n < 0)
                usleep(10000);
        }
        CHECK(n > 0);
        struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
        CHECK(cm && cm->cmsg_type == IP_PKTINFO);
        if (udp[k] != PRIV_LISTEN_DHCP)
            continue;
        /* A broadcast reply through the interface that asked reaches the guest. */
        struct in_pktinfo in;
        memcpy(&in, CMSG_DATA(cm), sizeof(in));
        in.ipi_spec_dst.s_addr = 0;
        memcpy(CMSG_DATA(cm), &in, sizeof(in));
        CHECK(in.ipi_ifindex >= 1000);
        text[0] = 2;                                    /* BOOTREPLY */
        memcpy(text + 16, &(uint32_t){htonl(LAB_IP(1))}, 4);
        static const uint8_t offer[] = {53, 1, 2, 54, 4, 172, 31, 0, 1, 255};
        memcpy(text + 240, offer, sizeof(offer));
        from.sin_addr.s_addr = INADDR_BROADCAST;
        io.iov_len = 300;
        CHECK_INT(sendmsg(l->vpc_fds[PRIV_LISTEN_DHCP], &m, 0), 300);
    }
    lab_console(l, 1, "select"); /* udhcpc: sending/broadcasting select: it has the offer */
    lab_free(l);
}

/* ---- edges of subnets ---- */

static const struct priv_acl_entry acl_open[] = {
    {.allow = 1, .protocol = PRIV_PROTO_ALL},
    {.egress = 1, .allow = 1, .protocol = PRIV_PROTO_ALL}};

static void
boot_in(struct lab *l, uint32_t n, uint32_t subnet, const char *script)
{
    struct priv_launch p = lab_plan(n);

    p.subnet = subnet;
    p.public_ip = LAB_PUBLIC(n);
    lab_launch(l, &p, script);
}

/* What the host reads from a machine's public address. */
static struct str
from_host(struct lab *l, uint32_t n)
{
    int status;

    return lab_run(l, str_fmt(l->arena, "busybox nc -w 1 198.18.0.%u 80 </dev/null 2>/dev/null; "
                                        "true", n).p, &status);
}

TEST(a_subnet_leads_where_its_routes_say, "SSH-04 VPC-01")
{
    const struct priv_route split[] = {{LAB_OUTSIDE, 32, PRIV_ROUTE_NOWHERE},
                                       {0, 0, PRIV_ROUTE_GATEWAY}};
    const struct priv_route only[] = {{LAB_OUTSIDE, 32, PRIV_ROUTE_GATEWAY}};
    struct priv_subnet q = {.subnet = 2, .n_entries = 2};
    struct lab *l = lab_ready();

    lab_subnet(l, &q, NULL, acl_open);
    boot_in(l, 1, 2, SERVE "exec sleep 1000");
    boot_in(l, 2, 1, "exec sleep 1000");
    wait_serving(l, 1);
    CHECK_STR(from_host(l, 1), ""); /* it has a public address, and its answers no way */
    CHECK(unheard(l, 1, "203.0.113.1"));
    CHECK_STR(get(l, 2, "172.31.0.17", 80), "served"); /* the local route */
    CHECK(cut_off(l, 2, "198.18.0.1", 80));
    q.n_routes = 1;
    lab_subnet(l, &q, &split[1], acl_open);
    CHECK_STR(from_host(l, 1), "served");
    CHECK(pings(l, 1, "203.0.113.1"));
    CHECK_STR(get(l, 2, "198.18.0.1", 80), "served");
    q.n_routes = 2; /* the most specific one counts */
    lab_subnet(l, &q, split, acl_open);
    CHECK_STR(from_host(l, 1), "served");
    CHECK(unheard(l, 1, "203.0.113.1"));
    q.n_routes = 1;
    lab_subnet(l, &q, only, acl_open);
    CHECK_STR(from_host(l, 1), "");
    CHECK(pings(l, 1, "203.0.113.1"));
    lab_free(l);
}

TEST(a_network_acl_knows_no_connections, "SSH-05 VPC-04")
{
    const struct priv_route out = {.to = PRIV_ROUTE_GATEWAY};
    const struct priv_acl_entry all_out = acl_open[1],
                                web_in = {.allow = 1, .protocol = IPPROTO_TCP, .from = 80,
                                          .to = 80},
                                ephemeral_out = {.egress = 1, .allow = 1, .protocol = IPPROTO_TCP,
                                                 .from = 1024, .to = 65535},
                                low_out = {.egress = 1, .allow = 1, .protocol = IPPROTO_TCP,
                                           .from = 1, .to = 1023},
                                deny_host = {.protocol = -1, .ip = 0x64400000, .prefix = 10};
    const struct {
        struct priv_acl_entry v[3];
        uint32_t n;
        const char *host, *same, *other; /* what is read from there */
    } rows[] = {
        {{web_in, all_out}, 2, "served", "served", "served"},
        {{web_in, ephemeral_out}, 2, "served", "served", "served"},
        {{web_in, low_out}, 2, "", "served", ""},   /* replies go to ephemeral ports */
        {{web_in}, 1, "", "served", ""},
        {{all_out}, 1, "", "served", ""},           /* within the subnet nobody asks */
        {{deny_host, web_in, all_out}, 3, "", "served", "served"},
        {{web_in, deny_host, all_out}, 3, "served", "served", "served"}, /* the first counts */
    };
    struct priv_subnet q = {.subnet = 2, .n_routes = 1};
    struct lab *l = lab_ready();

    lab_subnet_open(l, 0, 2);
    boot_in(l, 1, 2, SERVE "exec sleep 1000");
    boot_in(l, 2, 2, "exec sleep 1000");
    boot_in(l, 3, 1, "exec sleep 1000");
    wait_serving(l, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        q.n_entries = rows[i].n;
        lab_subnet(l, &q, &out, rows[i].v);
        if (!str_is(from_host(l, 1), rows[i].host) ||
            !str_is(get(l, 2, "172.31.0.17", 80), rows[i].same) ||
            !str_is(get(l, 3, "172.31.0.17", 80), rows[i].other))
            FAIL("row %zu", i);
    }
    lab_free(l);
}

TEST(services_are_out_on_the_internet_and_metadata_is_not, "PS-14")
{
    struct priv_vpc_open o = {.number = 0, .id = "vpc-0", .n_cidrs = 1, .cidrs = {{LAB_CIDR, 16}},
                              .n_extra = 1, .extra = {{0xa9fea9fb, 443}}};
    const struct priv_route out = {.to = PRIV_ROUTE_GATEWAY};
    const struct priv_acl_entry no_replies[] = {
        {.egress = 1, .allow = 1, .protocol = PRIV_PROTO_ALL}};
    struct priv_subnet q = {.subnet = 1, .n_entries = 2};
    const char *service = "nc -w 1 169.254.169.251 443 -e /bin/true",
               *metadata = "nc -w 1 169.254.169.254 80 -e /bin/true";
    struct lab *l = lab_new();
    int status;

    lab_call(l, PRIV_VPC_OPEN, &o, sizeof(o), NULL, 0);
    lab_open_class(l, 0);
    lab_subnet(l, &q, NULL, acl_open);
    boot_in(l, 1, 1, "exec sleep 1000");
    lab_exec(l, 1, service, &status);
    CHECK(status != 0);
    lab_exec(l, 1, metadata, &status);
    CHECK_INT(status, 0);
    q.n_routes = 1;
    lab_subnet(l, &q, &out, acl_open);
    lab_exec(l, 1, service, &status);
    CHECK_INT(status, 0);
    q.n_entries = 1;
    lab_subnet(l, &q, &out, no_replies);
    lab_exec(l, 1, service, &status);
    CHECK(status != 0);
    lab_exec(l, 1, metadata, &status);
    CHECK_INT(status, 0);
    lab_free(l);
}

TEST(a_machine_in_a_subnet_that_was_not_told_of_goes_nowhere)
{
    struct priv_subnet_drop drop = {.subnet = 3};
    struct lab *l = lab_ready();
    struct str says;

    boot_in(l, 1, 3, SERVE "exec sleep 1000");
    boot_in(l, 2, 1, "exec sleep 1000");
    wait_serving(l, 1);
    CHECK(cut_off(l, 2, "172.31.0.17", 80));
    CHECK_STR(from_host(l, 1), "");
    lab_subnet_open(l, 0, 3);
    CHECK_STR(get(l, 2, "172.31.0.17", 80), "served");
    CHECK_STR(from_host(l, 1), "served");
    CHECK_INT(lab_try(l, PRIV_SUBNET_DROP, &drop, sizeof(drop), NULL, 0, &says), -EBUSY);
    lab_kill(l, 1);
    lab_call(l, PRIV_SUBNET_DROP, &drop, sizeof(drop), NULL, 0);
    lab_call(l, PRIV_SUBNET_DROP, &drop, sizeof(drop), NULL, 0); /* not there is no error */
    lab_free(l);
}

TEST(a_number_of_a_vpc_that_is_not_used_any_more_can_be_given_again)
{
    struct priv_vpc_open q = {.number = 0, .id = "vpc-other", .n_cidrs = 1,
                              .cidrs = {{0x0a000000, 16}}};
    struct lab *l = lab_ready();
    struct str says;

    boot(l, 1, 1, "exec sleep 1000");
    CHECK_INT(lab_try(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0, &says), -EBUSY);
    lab_kill(l, 1);
    lab_call(l, PRIV_VPC_OPEN, &q, sizeof(q), NULL, 0);
    lab_open_class(l, 0);
    lab_subnet_open(l, 0, 1);
    struct priv_launch p = lab_plan(2);
    p.private_ip = 0x0a000010;
    p.gateway = 0x0a000001;
    lab_launch(l, &p, "exec sleep 1000");
    CHECK(unheard(l, 2, "172.31.0.17"));
    lab_free(l);
}

/* ---- interfaces, NAT gateways, links between VPCs ---- */

static struct priv_nic
nic_plan(uint32_t index, uint32_t n)
{
    struct priv_nic nic = {.index = index, .class = 1, .subnet = 1, .prefix = 20,
                           .gateway = LAB_CIDR + 1, .n_ips = 1, .ips = {LAB_IP(n)}};

    memcpy(nic.mac, (uint8_t[]){0x0e, 0, 0, 0, 1, (uint8_t)n}, sizeof(nic.mac));
    return nic;
}

/* The interface that lab_plan() gives a machine. */
static struct priv_nic
nic_first(uint32_t n)
{
    const struct priv_launch p = lab_plan(n);
    struct priv_nic nic = nic_plan(0, n);

    nic.prefix = p.prefix;
    nic.gateway = p.gateway;
    memcpy(nic.mac, p.mac, sizeof(nic.mac));
    return nic;
}

static void
nics(struct lab *l, uint32_t n, const struct priv_nic *list, uint32_t count)
{
    struct priv_nics q = {.n = count};

    snprintf(q.id, sizeof(q.id), "%s", lab_id(n));
    lab_call(l, PRIV_NICS, &q, sizeof(q), list, count * sizeof(*list));
}

TEST(an_interface_is_plugged_into_a_running_machine_and_moves, "ENI-11 ENI-18 ENI-19")
{
    struct lab *l = lab_ready();
    struct priv_nic one[] = {nic_first(1), nic_plan(1, 40)};
    struct priv_nic two[] = {nic_first(2), nic_plan(1, 40)};
    struct priv_nic three = nic_first(3);
    int status;

    boot(l, 1, 1, "nc -ll -p 80 -e /bin/echo first & exec sleep 1000");
    boot(l, 2, 1, "nc -ll -p 80 -e /bin/echo second & exec sleep 1000");
    boot(l, 3, 1, "exec sleep 1000");
    wait_listening(l, 1, 80);
    wait_listening(l, 2, 80);
    CHECK(cut_off(l, 3, "172.31.0.56", 80));
    nics(l, 1, one, 2);
    nics(l, 1, one, 2); /* told again */
    CHECK_STR(get(l, 3, "172.31.0.56", 80), "first");
    CHECK_STR(lab_exec(l, 1, "cat /sys/class/net/eth1/address", &status), "0e:00:00:00:01:28");
    /* Replies leave by it, and what it asks for itself comes back by it. */
    lab_exec(l, 1, "ping -c 1 -W 10 -I 172.31.0.56 172.31.0.19", &status);
    CHECK_INT(status, 0);
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "first");
    /* To the other machine, with address and MAC. */
    nics(l, 1, one, 1);
    lab_exec(l, 1, "test -e /sys/class/net/eth1", &status);
    CHECK(status != 0);
    CHECK(cut_off(l, 3, "172.31.0.56", 80));
    nics(l, 2, two, 2);
    CHECK_STR(get(l, 3, "172.31.0.56", 80), "second");
    CHECK_STR(lab_exec(l, 2, "cat /sys/class/net/eth1/address", &status), "0e:00:00:00:01:28");
    /* A secondary address of eth0 comes, serves and goes. */
    one[0].ips[one[0].n_ips++] = LAB_IP(41);
    nics(l, 1, one, 1);
    CHECK_STR(get(l, 3, "172.31.0.57", 80), "first");
    one[0].n_ips--;
    nics(l, 1, one, 1);
    CHECK(cut_off(l, 3, "172.31.0.57", 80));
    two[0].ips[two[0].n_ips++] = LAB_IP(41);
    nics(l, 2, two, 2);
    CHECK_STR(get(l, 3, "172.31.0.57", 80), "second");
    /* Its groups count. */
    two[1].class = 9;
    nics(l, 2, two, 2);
    CHECK(cut_off(l, 3, "172.31.0.56", 80));
    nics(l, 3, &three, 1);
    lab_free(l);
}

/* How many ICMP messages a machine has got. */
static struct str
icmp_seen(struct lab *l, uint32_t n)
{
    int status;

    return lab_exec(l, n, "grep ^Icmp: /proc/net/snmp | tail -n 1 | cut -d' ' -f2", &status);
}

TEST(a_check_of_addresses_that_is_off_lets_a_machine_forward, "ENI-09")
{
    const char *forged = "ip addr add 172.31.0.99/32 dev lo 2>/dev/null; "
                         "ping -c 1 -W 1 -I 172.31.0.99 172.31.0.18";
    struct lab *l = lab_ready();
    struct priv_nic nic = nic_first(1);
    struct str before;
    int status;

    boot(l, 1, 1, "exec sleep 1000");
    boot(l, 2, 1, "exec sleep 1000");
    CHECK(pings(l, 1, "172.31.0.18"));
    before = icmp_seen(l, 2);
    lab_exec(l, 1, forged, &status);
    CHECK(status != 0 && str_eq(icmp_seen(l, 2), before));
    nic.open = 1;
    nics(l, 1, &nic, 1);
    lab_exec(l, 1, forged, &status);
    CHECK(!str_eq(icmp_seen(l, 2), before));
    /* To the router itself it speaks with its own address only. */
    lab_exec(l, 1, "ping -c 1 -W 1 -I 172.31.0.99 169.254.169.254", &status);
    CHECK(status != 0);
    CHECK(pings(l, 1, "169.254.169.254"));
    lab_free(l);
}

TEST(a_nat_gateway_leads_out_and_not_in, "VPC-02")
{
    const struct priv_route nat = {0, 0, PRIV_ROUTE_NAT, LAB_IP(200)};
    struct priv_subnet q = {.subnet = 2, .n_entries = 2, .n_routes = 1};
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    int status;

    lab_subnet(l, &q, &nat, acl_open);
    p.subnet = 2;
    lab_launch(l, &p, SERVE "exec sleep 1000");
    wait_serving(l, 1);
    CHECK(unheard(l, 1, "203.0.113.1")); /* the gateway has no address yet */
    public_ip(l, 0, LAB_PUBLIC(20), LAB_IP(200));
    CHECK(pings(l, 1, "203.0.113.1"));
    CHECK(!lab_run(l, "busybox nc -w 1 198.18.0.20 80 </dev/null 2>/dev/null", &status).n);

    /* Who is spoken to sees the gateway's address. */
    lab_vpc(l, 1, 0x0a000000);
    lab_open_class(l, 1);
    p = lab_plan(3);
    p.vpc = 1;
    p.private_ip = 0x0a000010;
    p.gateway = 0x0a000001;
    p.public_ip = LAB_PUBLIC(7);
    lab_launch(l, &p, "nc -ll -p 80 -e /bin/cat & exec sleep 1000");
    wait_listening(l, 3, 80);
    lab_exec(l, 1, "(sleep 60 | nc 198.18.0.7 80) >/dev/null 2>&1 &", &status);
    wait_for(l, 3, "grep -q '140012C6:.... 01 ' /proc/net/tcp /proc/net/tcp6");
    lab_free(l);
}

TEST(a_link_leads_from_vpc_to_vpc_by_the_routes_of_both, "VPC-05")
{
    const struct priv_route there = {0x0a000000, 16, PRIV_ROUTE_PEER, 7},
                            back = {LAB_CIDR, 16, PRIV_ROUTE_PEER, 7},
                            out = {0, 0, PRIV_ROUTE_GATEWAY, 0};
    struct priv_subnet near = {.subnet = 2, .n_entries = 2, .n_routes = 1},
                       far = {.vpc = 1, .subnet = 1, .n_entries = 2, .n_routes = 1};
    struct priv_link link = {.number = 7, .vpcs = {0, 1}};
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);

    lab_vpc(l, 1, 0x0a000000);
    lab_open_class(l, 1);
    lab_subnet(l, &near, &there, acl_open);
    p.subnet = 2;
    lab_launch(l, &p, SERVE "exec sleep 1000");
    boot(l, 2, 1, "exec sleep 1000"); /* in a subnet without the route */
    p = lab_plan(3);
    p.vpc = 1;
    p.private_ip = 0x0a000010;
    p.gateway = 0x0a000001;
    lab_launch(l, &p, SERVE "exec sleep 1000");
    wait_serving(l, 1);
    wait_serving(l, 3);
    CHECK(cut_off(l, 1, "10.0.0.16", 80)); /* a route and no link */
    lab_call(l, PRIV_PEER, &link, sizeof(link), NULL, 0);
    lab_call(l, PRIV_PEER, &link, sizeof(link), NULL, 0);
    CHECK(cut_off(l, 1, "10.0.0.16", 80)); /* no way back */
    lab_subnet(l, &far, &back, acl_open);
    CHECK_STR(get(l, 1, "10.0.0.16", 80), "served");
    CHECK_STR(get(l, 3, "172.31.0.17", 80), "served");
    CHECK(cut_off(l, 2, "10.0.0.16", 80));
    CHECK(cut_off(l, 3, "172.31.0.18", 80)); /* its answers have no way */
    /* Nobody gets out by the other's gateway. */
    near.n_routes = 1;
    lab_subnet(l, &near, &(struct priv_route){0, 0, PRIV_ROUTE_PEER, 7}, acl_open);
    far.n_routes = 1;
    lab_subnet(l, &far, &out, acl_open);
    CHECK(unheard(l, 1, "203.0.113.1"));
    lab_subnet(l, &near, &there, acl_open);
    lab_subnet(l, &far, &back, acl_open);
    CHECK_STR(get(l, 1, "10.0.0.16", 80), "served");
    link.remove = 1;
    lab_call(l, PRIV_PEER, &link, sizeof(link), NULL, 0);
    CHECK(cut_off(l, 1, "10.0.0.16", 80));
    link.remove = 0;
    lab_call(l, PRIV_PEER, &link, sizeof(link), NULL, 0);
    CHECK_STR(get(l, 1, "10.0.0.16", 80), "served");
    lab_free(l);
}

TEST(a_route_leads_by_an_interface_whose_check_is_off, "ENI-09 VPC-02")
{
    const struct priv_route by_2 = {0xcb007100, 24, PRIV_ROUTE_VIA, LAB_IP(2)},
                            inside = {LAB_CIDR + 0x100, 24, PRIV_ROUTE_VIA, LAB_IP(2)},
                            back = {LAB_CIDR, 28, PRIV_ROUTE_VIA, LAB_IP(2)};
    struct priv_subnet q = {.subnet = 2, .n_entries = 2, .n_routes = 1};
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    struct priv_nic nic = nic_first(2);

    p.subnet = 2;
    lab_subnet(l, &q, &by_2, acl_open);
    lab_launch(l, &p, SERVE "exec sleep 1000");
    boot(l, 2, 1, "ip addr add 203.0.113.77/32 dev lo; echo 1 >/proc/sys/net/ipv4/ip_forward; "
                  "exec sleep 1000");
    wait_serving(l, 1);
    wait_for(l, 2, "grep -q 1 /proc/sys/net/ipv4/ip_forward");
    CHECK(unheard(l, 1, "203.0.113.77")); /* the check is on */
    nic.open = 1;
    nics(l, 2, &nic, 1);
    CHECK(pings(l, 1, "203.0.113.77"));
    CHECK(pings(l, 2, "172.31.0.17")); /* and what is its own is as before */
    nic.open = 0;
    nics(l, 2, &nic, 1);
    CHECK(unheard(l, 1, "203.0.113.77"));

    /* A subnet behind an appliance: both ways, and nothing when it is gone. */
    p = lab_plan(3);
    p.subnet = 3;
    p.private_ip = LAB_CIDR + 0x110;
    p.gateway = LAB_CIDR + 0x101;
    p.prefix = 24;
    q.subnet = 3;
    lab_subnet(l, &q, &back, acl_open);
    lab_launch(l, &p, SERVE "exec sleep 1000");
    wait_serving(l, 3);
    q.subnet = 2;
    lab_subnet(l, &q, &inside, acl_open);
    CHECK(cut_off(l, 1, "172.31.1.16", 80));
    nic.open = 1;
    nics(l, 2, &nic, 1);
    CHECK_STR(get(l, 1, "172.31.1.16", 80), "served");
    nics(l, 2, &nic, 1);
    wait_for(l, 2, "grep -q '^Ip: [12] 64 [0-9]* 0 0 [1-9]' /proc/net/snmp"); /* ForwDatagrams */
    lab_kill(l, 2);
    lab_wait_exit(l, 2);
    CHECK(cut_off(l, 1, "172.31.1.16", 80));
    lab_free(l);
}
