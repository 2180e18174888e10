/* The resolver of a VPC over TCP: real sockets, a fake clock, an upstream of our own. */
#include "guestnet/internal.h"

#include "codec/ip.h"
#include "harness/world.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER 0xac1f0005

struct lab {
    struct world *w;
    struct loop *loop;
    struct guestnet *g;
    struct guestnet_vpc *vpc;
    int udp, tcp; /* upstream's; -1: there is none */
    uint16_t port;
    struct str heard; /* the last instance that was */
    unsigned asked;   /* instances, whether they answered or not */
};

static void
heard(void *ctx, struct str id)
{
    ((struct lab *)ctx)->heard = str_dup(test_arena(), id);
}

static void
asked(void *ctx, struct str id UNUSED, bool answered UNUSED)
{
    ((struct lab *)ctx)->asked++;
}

/* Both of upstream's sockets, on one port. */
static void
open_upstream(struct lab *lab)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);

    lab->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(bind(lab->udp, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(getsockname(lab->udp, (struct sockaddr *)&at, &n) == 0);
    lab->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(lab->tcp, (struct sockaddr *)&at, sizeof(at)) < 0)
        SKIP("port %u is in use over TCP", ntohs(at.sin_port));
    CHECK(listen(lab->tcp, 8) == 0);
    lab->port = ntohs(at.sin_port);
}

static struct lab *
lab_new(bool upstream)
{
    struct lab *lab = arena_alloc(test_arena(), sizeof(*lab));

    *lab = (struct lab){.w = world_new(), .udp = -1, .tcp = -1};
    if (upstream)
        open_upstream(lab);
    CHECK(loop_new(&lab->loop, &lab->w->env.env, true) == 0);
    struct guestnet_config config = {.loop = lab->loop,
                                     .store = cloud_store(lab->w->cloud),
                                     .heard = heard,
                                     .asked = asked,
                                     .ctx = lab,
                                     .upstream_dns = upstream ? INADDR_LOOPBACK : 0,
                                     .upstream_port = lab->port};
    int fds[PRIV_LISTEN_ALL];

    CHECK(guestnet_new(&lab->g, &config) == 0);
    fds[PRIV_LISTEN_API_TLS] = fds[PRIV_LISTEN_API_HTTP] = -1;
    for (size_t i = 0; i < PRIV_LISTEN_EXTRA; i++) {
        bool stream = i == PRIV_LISTEN_IMDS || i == PRIV_LISTEN_DNS_TCP ||
                      i == PRIV_LISTEN_DNS2_TCP;

        fds[i] = socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
        CHECK(fds[i] >= 0 && (!stream || listen(fds[i], 8) == 0));
    }
    guestnet_add_vpc(lab->g, xml_text(world_call(lab->w, "Action=DescribeVpcs"), "vpcId"), fds);
    lab->vpc = lab->g->vpcs;
    return lab;
}

static void
lab_free(struct lab *lab)
{
    guestnet_free(lab->g);
    loop_free(lab->loop);
    if (lab->udp >= 0) {
        close(lab->udp);
        close(lab->tcp);
    }
    world_free(lab->w);
}

static void
turns(struct lab *lab, int n)
{
    while (n-- > 0)
        CHECK(loop_turn(lab->loop, 1) == 0);
}

static int
guest(struct lab *lab, uint32_t peer)
{
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    dns_conn_open(lab->vpc, fds[1], peer);
    return fds[0];
}

/* A question with its length before it. */
static struct str
question(uint16_t id, const char *name)
{
    uint8_t b[300] = {0}, *w = b + 14;
    struct str rest = str_from(name);

    b[2] = (uint8_t)(id >> 8);
    b[3] = (uint8_t)id;
    b[4] = 1; /* recursion, please */
    b[7] = 1;
    while (rest.p) {
        struct str label = str_split(&rest, '.');

        *w++ = (uint8_t)label.n;
        memcpy(w, label.p, label.n);
        w += label.n;
    }
    w += 2;
    *w++ = DNS_A;
    w++;
    *w++ = 1;
    b[1] = (uint8_t)(w - b - 2);
    return str_dup(test_arena(), str_of(b, (size_t)(w - b)));
}

static void
say(int fd, struct str bytes)
{
    CHECK_INT(send(fd, bytes.p, bytes.n, MSG_NOSIGNAL), bytes.n);
}

/* The next answer, or an absent one. */
static struct str
hear(int fd)
{
    static uint8_t b[65535];
    uint8_t length[2];

    if (recv(fd, length, 2, 0) != 2)
        return STR_NONE;
    size_t n = (size_t)length[0] << 8 | length[1];
    CHECK_INT(recv(fd, b, n, MSG_WAITALL), n);
    return str_dup(test_arena(), str_of(b, n));
}

static bool
is_closed(int fd)
{
    char c;

    return recv(fd, &c, 1, 0) == 0;
}

static unsigned
id_of(struct str answer)
{
    CHECK(answer.n >= 12);
    return (unsigned)((uint8_t)answer.p[0] << 8 | (uint8_t)answer.p[1]);
}

static unsigned
rcode_of(struct str answer)
{
    CHECK(answer.n >= 12);
    return (uint8_t)answer.p[3] & 15u;
}

TEST(a_name_of_ours_is_answered_over_tcp)
{
    struct lab *lab = lab_new(false);
    int fd = guest(lab, PEER);

    say(fd, question(7, "ip-172-31-0-9.ec2.internal"));
    turns(lab, 1);
    struct str a = hear(fd);
    CHECK_INT(id_of(a), 7);
    CHECK_INT(rcode_of(a), DNS_NOERROR);
    CHECK(str_eq(str_cut(a, a.n - 4, a.n), S("\xac\x1f\x00\x09")));

    say(fd, question(8, "nobody.internal"));
    turns(lab, 1);
    CHECK_INT(rcode_of(hear(fd)), DNS_NXDOMAIN);
    close(fd);
    turns(lab, 1);
    CHECK_INT(lab->vpc->n_dns_conns, 0);
    lab_free(lab);
}

/* What a public name is to the guest, in hexadecimal. */
static struct str
address_of(struct lab *lab, const char *name)
{
    int fd = guest(lab, PEER);

    say(fd, question(9, name));
    turns(lab, 1);
    struct str a = hear(fd);
    CHECK(a.n > 4);
    close(fd);
    turns(lab, 1);
    return str_hex(test_arena(), (const uint8_t *)a.p + a.n - 4, 4);
}

TEST(a_peered_vpc_tells_its_private_addresses_when_it_is_told_to)
{
    struct lab *lab = lab_new(false);
    struct world *w = lab->w;
    const char *vpc = xml_cstr(world_ok(w, "Action=CreateVpc&CidrBlock=10.1.0.0/16"), "vpcId");
    const char *own = xml_cstr(world_ok(w, "Action=DescribeVpcs&Filter.1.Name=is-default"
                                           "&Filter.1.Value.1=true"),
                               "vpcId");
    const char *id, *name = "ec2-198-18-0-4.compute-1.amazonaws.com";
    struct str subnet = world_okf(w, "Action=CreateSubnet&VpcId=%s&CidrBlock=10.1.0.0/24", vpc);

    (void)world_okf(w,
                    "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceType=t3.micro"
                    "&MinCount=1&MaxCount=1&NetworkInterface.1.DeviceIndex=0"
                    "&NetworkInterface.1.AssociatePublicIpAddress=true"
                    "&NetworkInterface.1.SubnetId=%s",
                    xml_cstr(subnet, "subnetId"));
    CHECK_STR(address_of(lab, name), "c6120004");
    id = xml_cstr(world_okf(w,
                            "Action=CreateVpcPeeringConnection&VpcId=%s&PeerVpcId=%s", own, vpc),
                  "vpcPeeringConnectionId");
    (void)world_okf(w, "Action=AcceptVpcPeeringConnection&VpcPeeringConnectionId=%s", id);
    CHECK_STR(address_of(lab, name), "c6120004");
#define OPTION "Action=ModifyVpcPeeringConnectionOptions&VpcPeeringConnectionId=%s&"
#define ALLOW "PeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc="
    (void)world_okf(w, OPTION "Requester" ALLOW "true", id); /* of the other way */
    CHECK_STR(address_of(lab, name), "c6120004");
    (void)world_okf(w, OPTION "Accepter" ALLOW "true", id);
    CHECK_STR(address_of(lab, name), "0a010004");
    lab_free(lab);
}

TEST(names_of_endpoints_lead_to_the_api_inside_the_vpc)
{
    static const char *const ours[] = {
        "sts.us-east-1.amazonaws.com", "sts.amazonaws.com", "STS.US-EAST-1.AMAZONAWS.COM",
        "bucket.s3.dualstack.eu-west-1.amazonaws.com", "s3-fips.us-west-2.amazonaws.com",
        "ec2.us-east-1.api.aws", "abc.lambda-url.us-east-1.on.aws",
    };
    static const char *const others[] = {
        "www.example.com", "lb-1.eu-west-1.elb.amazonaws.com", "amazonaws.com",
        "ec2.cn-north-1.amazonaws.com.cn", "amazonlinux.us-east-1.amazonaws.com",
        "al2023-repos-us-east-1-de612dc2.s3.dualstack.us-east-1.amazonaws.com",
    };
    struct lab *lab = lab_new(false);
    int fd = guest(lab, PEER);

    lab->vpc->has_api = true;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        say(fd, question(1, ours[i]));
        turns(lab, 1);
        struct str a = hear(fd);
        CHECK_INT(rcode_of(a), DNS_NOERROR);
        CHECK(str_eq(str_cut(a, a.n - 4, a.n), S("\xa9\xfe\xaa\xc8")));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        say(fd, question(1, others[i]));
        turns(lab, 1);
        CHECK_INT(rcode_of(hear(fd)), DNS_NXDOMAIN); /* there is no upstream */
    }
    /* Where nothing listens the names stay what they are outside. */
    lab->vpc->has_api = false;
    say(fd, question(1, ours[0]));
    turns(lab, 1);
    CHECK_INT(rcode_of(hear(fd)), DNS_NXDOMAIN);
    close(fd);
    lab_free(lab);
}

TEST(questions_in_one_write_and_in_single_bytes_are_all_answered)
{
    struct lab *lab = lab_new(false);
    int fd = guest(lab, PEER);
    struct str q = question(1, "instance-data");

    for (uint16_t id = 0; id < 100; id++)
        say(fd, question(id, "instance-data"));
    turns(lab, 8);
    for (uint16_t id = 0; id < 100; id++)
        CHECK_INT(id_of(hear(fd)), id);
    for (size_t i = 0; i < q.n; i++) {
        CHECK(!hear(fd).p);
        say(fd, str_cut(q, i, i + 1));
        turns(lab, 1);
    }
    CHECK_INT(id_of(hear(fd)), 1);
    close(fd);
    lab_free(lab);
}

TEST(a_guest_that_ends_its_side_still_gets_its_answers)
{
    struct lab *lab = lab_new(false);
    int fd = guest(lab, PEER);

    say(fd, question(1, "instance-data"));
    say(fd, question(2, "instance-data"));
    shutdown(fd, SHUT_WR);
    turns(lab, 2);
    CHECK_INT(id_of(hear(fd)), 1);
    CHECK_INT(id_of(hear(fd)), 2);
    CHECK(is_closed(fd));
    CHECK_INT(lab->vpc->n_dns_conns, 0);
    close(fd);
    lab_free(lab);
}

TEST(a_guest_that_never_reads_is_not_read_either)
{
    struct lab *lab = lab_new(false);
    int fd = guest(lab, PEER), sent = 0, got = 0;
    struct str q = question(1, "instance-data");

    /* Until nothing moves any more in either direction. */
    for (int quiet = 0; quiet < 3;) {
        ssize_t n = send(fd, q.p, q.n, MSG_NOSIGNAL);

        CHECK(n < 0 || (size_t)n == q.n);
        sent += n > 0;
        quiet = n > 0 ? 0 : quiet + 1;
        turns(lab, 1);
        CHECK(sent < 1000000);
    }
    for (int i = 0; i < 1000000 && got < sent; i++) {
        turns(lab, 1);
        while (hear(fd).p)
            got++;
    }
    CHECK_INT(got, sent);
    close(fd);
    lab_free(lab);
}

TEST(an_idle_connection_is_closed_and_one_in_use_is_not)
{
    struct lab *lab = lab_new(false);
    int idle = guest(lab, PEER), slow = guest(lab, PEER), busy = guest(lab, PEER);

    for (int s = 0; s < 11; s++) {
        say(busy, question(1, "instance-data"));
        if (s < 10)
            say(slow, S("\x01")); /* a question of 257 bytes, one a second */
        lab->w->env.mono_ns += 1000000000;
        turns(lab, 2);
        if (s < 10)
            CHECK(hear(busy).p);
    }
    CHECK(is_closed(idle) && is_closed(slow));
    CHECK_INT(lab->vpc->n_dns_conns, 1);
    close(idle);
    close(slow);
    close(busy);
    lab_free(lab);
}

TEST(connections_are_counted_by_address_and_by_vpc)
{
    struct lab *lab = lab_new(false);
    int fds[300];

    for (int i = 0; i < 9; i++)
        fds[i] = guest(lab, PEER);
    CHECK_INT(lab->vpc->n_dns_conns, 8);
    CHECK(is_closed(fds[8]));
    close(fds[0]);
    turns(lab, 1);
    CHECK_INT(lab->vpc->n_dns_conns, 7);
    for (int i = 9; i < 300; i++)
        fds[i] = guest(lab, PEER + (uint32_t)i);
    CHECK_INT(lab->vpc->n_dns_conns, 256);
    CHECK(is_closed(fds[299]));
    for (int i = 1; i < 300; i++)
        close(fds[i]);
    turns(lab, 2);
    CHECK_INT(lab->vpc->n_dns_conns, 0);
    lab_free(lab);
}

TEST(what_is_no_question_ends_the_connection)
{
    static const struct str bad[] = {
        S_INIT("\x00\x00"),               /* nothing */
        S_INIT("\xff\xff"),               /* longer than any question */
        S_INIT("\x00\x03xyz"),            /* no header */
        S_INIT("\x00\x0c\0\0\x80\0\0\1\0\0\0\0\0\0"), /* an answer */
        S_INIT("\x00\x0d\0\0\0\0\0\1\0\0\0\0\0\0\x05"), /* a name cut off */
    };
    struct lab *lab = lab_new(false);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int fd = guest(lab, PEER);

        say(fd, bad[i]);
        turns(lab, 1);
        CHECK(is_closed(fd));
        close(fd);
    }
    lab_free(lab);
}

/* ---- upstream ---- */

/* What upstream was asked over UDP; ret_from is who. */
static struct str
asked_udp(struct lab *lab, struct sockaddr_in *ret_from)
{
    static uint8_t b[512];
    socklen_t n_from = sizeof(*ret_from);
    ssize_t n = recvfrom(lab->udp, b, sizeof(b), 0, (struct sockaddr *)ret_from, &n_from);

    CHECK(n > 12);
    return str_of(b, (size_t)n);
}

static void
answer_udp(struct lab *lab, struct str q, const struct sockaddr_in *to, uint8_t flags)
{
    uint8_t b[512];

    memcpy(b, q.p, q.n);
    b[2] |= 0x80 | flags;
    CHECK_INT(sendto(lab->udp, b, q.n, 0, (const struct sockaddr *)to, sizeof(*to)), q.n);
}

TEST(other_names_are_asked_of_upstream)
{
    struct lab *lab = lab_new(true);
    struct sockaddr_in from;
    int fd = guest(lab, PEER);

    say(fd, question(0x1234, "example.com"));
    turns(lab, 1);
    answer_udp(lab, asked_udp(lab, &from), &from, 0);
    turns(lab, 2);
    struct str a = hear(fd);
    CHECK_INT(id_of(a), 0x1234);
    CHECK(a.p[2] & 0x80);
    close(fd);
    lab_free(lab);
}

/* Upstream's side of a question by TCP: takes it and answers with n bytes. */
static void
answer_tcp(struct lab *lab, size_t n)
{
    static uint8_t b[2 + 65535];
    int fd = accept4(lab->tcp, NULL, NULL, 0);
    struct timeval limit = {.tv_sec = 5};

    CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
    turns(lab, 2);
    CHECK(recv(fd, b, 2, MSG_WAITALL) == 2);
    CHECK_INT(recv(fd, b + 2, (size_t)b[1], MSG_WAITALL), b[1]);
    memset(b + 40, 'x', sizeof(b) - 40);
    b[0] = (uint8_t)(n >> 8);
    b[1] = (uint8_t)n;
    b[4] |= 0x80;
    /* In two parts, cut inside the length. */
    CHECK_INT(send(fd, b, 1, 0), 1);
    turns(lab, 1);
    for (size_t at = 1; at < n + 2;) {
        ssize_t sent = send(fd, b + at, n + 2 - at, MSG_DONTWAIT);

        at += sent > 0 ? (size_t)sent : 0;
        turns(lab, 1);
    }
    turns(lab, 2);
    close(fd);
}

TEST(what_upstream_truncates_is_asked_again_over_tcp)
{
    struct lab *lab = lab_new(true);
    struct sockaddr_in from;
    int fd = guest(lab, PEER);

    for (int i = 0; i < 2; i++) {
        size_t n = i ? 65535 : 1000;

        say(fd, question((uint16_t)(5 + i), "long.example.com"));
        turns(lab, 1);
        answer_udp(lab, asked_udp(lab, &from), &from, 2);
        turns(lab, 2);
        answer_tcp(lab, n);
        struct str a = hear(fd);
        CHECK_INT(a.n, n);
        CHECK_INT(id_of(a), 5 + i);
        CHECK(a.p[2] & 0x80 && !(a.p[2] & 2));
    }
    close(fd);
    lab_free(lab);
}

TEST(an_upstream_that_is_silent_or_hangs_up_is_a_failure)
{
    struct lab *lab = lab_new(true);
    struct sockaddr_in from;
    int fd = guest(lab, PEER);

    say(fd, question(1, "silent.example.com"));
    turns(lab, 1);
    lab->w->env.mono_ns += 3100000000;
    turns(lab, 2);
    CHECK_INT(rcode_of(hear(fd)), DNS_SERVFAIL);
    asked_udp(lab, &from);

    say(fd, question(2, "rude.example.com"));
    turns(lab, 1);
    answer_udp(lab, asked_udp(lab, &from), &from, 2);
    turns(lab, 2);
    close(accept4(lab->tcp, NULL, NULL, 0));
    turns(lab, 3);
    CHECK_INT(rcode_of(hear(fd)), DNS_SERVFAIL);
    close(fd);
    lab_free(lab);
}

TEST(a_guest_that_leaves_is_forgotten_by_the_forwarder)
{
    struct lab *lab = lab_new(true);
    struct sockaddr_in from;
    int fd = guest(lab, PEER);

    say(fd, question(1, "a.example.com"));
    say(fd, question(2, "b.example.com"));
    turns(lab, 1);
    struct str q = asked_udp(lab, &from);
    close(fd);
    turns(lab, 1);
    CHECK_INT(lab->vpc->n_dns_conns, 0);
    answer_udp(lab, q, &from, 0);
    turns(lab, 2);
    lab->w->env.mono_ns += 4000000000;
    turns(lab, 2);
    lab_free(lab);
}

TEST(only_some_questions_wait_for_upstream_at_a_time)
{
    struct lab *lab = lab_new(true);
    struct sockaddr_in from;
    int fd = guest(lab, PEER), asked = 0;

    for (uint16_t id = 0; id < 20; id++)
        say(fd, question(id, "example.com"));
    shutdown(fd, SHUT_WR);
    turns(lab, 3);
    uint8_t b[512];
    while (recv(lab->udp, b, sizeof(b), MSG_PEEK) > 0 && asked < 8) {
        answer_udp(lab, asked_udp(lab, &from), &from, 0);
        asked++;
    }
    CHECK_INT(asked, 8);
    CHECK(recv(lab->udp, b, sizeof(b), 0) < 0);
    for (int i = 0; i < 12; i++) {
        turns(lab, 2);
        answer_udp(lab, asked_udp(lab, &from), &from, 0);
    }
    turns(lab, 2);
    for (int i = 0; i < 20; i++)
        CHECK(hear(fd).p);
    CHECK(is_closed(fd));
    close(fd);
    lab_free(lab);
}

TEST(an_instance_that_asks_for_a_name_was_heard)
{
    struct lab *lab = lab_new(false);
    struct str xml = world_call(lab->w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&"
                                        "InstanceType=t3.micro&MinCount=1&MaxCount=1");
    uint32_t ip;

    CHECK_INT(lab->w->http, 200);
    CHECK(ip4_parse(xml_text(xml, "privateIpAddress"), &ip));
    int stranger = guest(lab, ip + 1);
    CHECK(!lab->heard.p);
    int fd = guest(lab, ip);
    CHECK(str_eq(lab->heard, xml_text(xml, "instanceId")));
    close(fd);
    close(stranger);
    lab_free(lab);
}

/* Moves real time on, and the cloud's. */
static void
pass(struct lab *lab, int64_t real_ms, int64_t cloud_ms)
{
    lab->w->env.mono_ns += real_ms * 1000000;
    lab->w->env.now_ms += cloud_ms;
    turns(lab, 1);
}

TEST(a_round_of_asking_guests_ends_when_the_clock_is_advanced_into_the_next)
{
    struct lab *lab = lab_new(false);
    struct loop_fd *source = &lab->vpc->dns[0];
    struct str run = world_ok(lab->w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&InstanceT"
                                      "ype=t3.micro&MinCount=1&MaxCount=1");

    /* Nobody is really asked. */
    loop_fd_remove(lab->loop, source);
    close(source->fd);
    source->fd = -1;
    world_advance(lab->w, 10000);
    pass(lab, 0, 60000);
    for (int i = 0; i < 3; i++)
        pass(lab, 600, 0);
    CHECK_INT(lab->asked, 1);

    pass(lab, 0, 60000);
    world_okf(lab->w, "Action=TerminateInstances&InstanceId.1=%s", xml_cstr(run, "instanceId"));
    world_advance(lab->w, 10000);
    pass(lab, 0, 60000);
    pass(lab, 600, 0);
    CHECK_INT(lab->asked, 1);
    lab_free(lab);
}

TEST(a_listener_accepts_over_real_tcp)
{
    struct lab *lab = lab_new(false);
    struct sockaddr_in at;
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    CHECK(getsockname(lab->vpc->dns_tcp[1].fd, (struct sockaddr *)&at, &n) == 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        CHECK(errno == EINPROGRESS);
    turns(lab, 2);
    say(fd, question(3, "instance-data"));
    turns(lab, 2);
    CHECK_INT(id_of(hear(fd)), 3);
    close(fd);
    turns(lab, 1);
    lab_free(lab);
}
