/*
 * The sockets of the guests' network, on loopback: a guest is known by its source address, and an
 * answer leaves from the address that was asked.
 */
#include "guestnet/internal.h"

#include "harness/world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

static int
udp_socket(const char *ip, bool pktinfo, struct sockaddr_in *ret)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    socklen_t n = sizeof(*ret);

    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(ip)};
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)ret, n) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)ret, &n) == 0);
    if (pktinfo)
        CHECK(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0);
    return fd;
}

TEST(an_answer_leaves_from_the_address_that_was_asked)
{
    struct sockaddr_in server, client, from;
    int s = udp_socket("0.0.0.0", true, &server), c = udp_socket("127.0.0.1", false, &client);
    struct datagram *d = ARENA_NEW(test_arena(), struct datagram);
    socklen_t n = sizeof(from);
    char text[16];

    CHECK(!datagram_receive(s, d)); /* nothing there, and it does not wait */
    server.sin_addr.s_addr = inet_addr("127.0.0.77");
    CHECK(sendto(c, "ask", 3, 0, (struct sockaddr *)&server, sizeof(server)) == 3);
    CHECK(datagram_receive(s, d));
    CHECK(d->n == 3 && memcmp(d->bytes, "ask", 3) == 0);
    CHECK(d->from.sin_port == client.sin_port && d->from.sin_addr.s_addr == client.sin_addr.s_addr);
    CHECK(d->at.ipi_addr.s_addr == inet_addr("127.0.0.77"));
    datagram_send(s, d, &d->from, "answer", 6);
    CHECK(recvfrom(c, text, sizeof(text), 0, (struct sockaddr *)&from, &n) == 6);
    CHECK(from.sin_addr.s_addr == inet_addr("127.0.0.77"));
    CHECK(from.sin_port == server.sin_port);
    close(s);
    close(c);
}

TEST(empty_and_oversized_datagrams_do_no_harm)
{
    struct sockaddr_in server, client;
    int s = udp_socket("127.0.0.1", true, &server), c = udp_socket("127.0.0.1", false, &client);
    struct datagram *d = ARENA_NEW(test_arena(), struct datagram);
    char *big = arena_alloc(test_arena(), 20000);

    CHECK(sendto(c, "", 0, 0, (struct sockaddr *)&server, sizeof(server)) == 0);
    CHECK(sendto(c, big, 20000, 0, (struct sockaddr *)&server, sizeof(server)) == 20000);
    CHECK(datagram_receive(s, d) && d->n == 0);
    CHECK(datagram_receive(s, d) && d->n <= DATAGRAM_MAX);
    CHECK(!datagram_receive(s, d));
    close(s);
    close(c);
}

TEST(the_first_ipv4_nameserver_is_taken)
{
    static const struct {
        const char *text;
        uint32_t ip;
    } rows[] = {
        {"nameserver 10.0.0.2\n", 0x0a000002},
        {"# nameserver 9.9.9.9\nsearch x\nnameserver\t10.0.0.3 \nnameserver 1.1.1.1\n", 0x0a000003},
        {"nameserver ::1\nnameserver 10.0.0.4", 0x0a000004},
        {"nameserver 10.0.0.256\n", 0},
        {"nameserver\n", 0},
        {"", 0},
        {"options edns0\n", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_INT(guestnet_nameserver(str_from(rows[i].text)), rows[i].ip);
    CHECK_INT(guestnet_nameserver(STR_NONE), 0);
}

/* ---- metadata over a real connection ---- */

struct bench {
    struct world *w;
    struct loop *loop;
    struct guestnet *g;
    struct sockaddr_in imds;
    struct str instance_id;
    unsigned heard;
};

static void
heard(void *ctx, struct str id)
{
    struct bench *b = ctx;

    CHECK(str_eq(id, b->instance_id));
    b->heard++;
}

/* An instance whose address is `ip`, and the service of its VPC on loopback. */
static void
bench_open(struct bench *b, const char *ip)
{
    int fds[PRIV_LISTEN_ALL];
    struct sockaddr_in unused;
    socklen_t n = sizeof(b->imds);

    *b = (struct bench){.w = world_new()};
    struct str xml = world_call(b->w, "Action=RunInstances&ImageId=ami-009d6802948d06e52&"
                                      "InstanceType=t3.micro&MinCount=1&MaxCount=1");
    b->instance_id = xml_text(xml, "instanceId");
    world_advance(b->w, 1000);
    struct txn *txn = world_begin(b->w);
    struct ec2_interface_row nic =
        *ec2_interface_get(txn, ec2_instance_get(txn, b->instance_id)->interface_id);
    struct str vpc = str_dup(test_arena(), nic.vpc_id);
    nic.private_ip = str_from(ip);
    CHECK(ec2_interface_update(txn, &nic) == 0);
    store_commit(txn);

    CHECK(loop_new(&b->loop, &b->w->env.env, true) == 0);
    struct guestnet_config config = {
        .loop = b->loop, .store = cloud_store(b->w->cloud), .heard = heard, .ctx = b};
    CHECK(guestnet_new(&b->g, &config) == 0);
    fds[PRIV_LISTEN_API_TLS] = fds[PRIV_LISTEN_API_HTTP] = -1;
    for (int i = 0; i < PRIV_LISTEN_EXTRA; i++) {
        bool tcp = i == PRIV_LISTEN_IMDS || i == PRIV_LISTEN_DNS_TCP || i == PRIV_LISTEN_DNS2_TCP;
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.1")};

        if (!tcp) {
            fds[i] = udp_socket("127.0.0.1", true, &unused);
            continue;
        }
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(bind(fds[i], (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fds[i], 8) == 0);
    }
    CHECK(getsockname(fds[PRIV_LISTEN_IMDS], (struct sockaddr *)&b->imds, &n) == 0);
    guestnet_add_vpc(b->g, vpc, fds);
}

static void
bench_close(struct bench *b)
{
    guestnet_free(b->g);
    loop_free(b->loop);
    world_free(b->w);
}

static int
dial(const struct bench *b)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && connect(fd, (const struct sockaddr *)&b->imds, sizeof(b->imds)) == 0);
    return fd;
}

/* Sends a request and turns the loop until an answer is whole. */
static struct str
ask(struct bench *b, int fd, const char *request)
{
    char *text = arena_alloc(test_arena(), 8192);
    ssize_t got = 0;

    CHECK(send(fd, request, strlen(request), 0) == (ssize_t)strlen(request));
    for (int i = 0; i < 200 && got <= 0; i++) {
        loop_turn(b->loop, 10);
        got = recv(fd, text, 8192, MSG_DONTWAIT);
    }
    CHECK(got > 0);
    return str_of(text, (size_t)got);
}

#define GET_ID "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
#define PUT_TOKEN                                                                                  \
    "PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\nContent-Length: 0\r\n"             \
    "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"

TEST(a_guest_is_known_by_its_address, "IMDS-01")
{
    struct bench b;

    bench_open(&b, "127.0.0.1");
    int fd = dial(&b);
    struct str reply = ask(&b, fd, GET_ID);
    CHECK(str_starts(reply, S("HTTP/1.1 200 OK\r\n")));
    CHECK(str_find(reply, S("\r\nServer: EC2ws\r\n")) != SIZE_MAX);
    CHECK(str_ends(reply, b.instance_id));
    CHECK_INT(b.heard, 1);
    close(fd);
    bench_close(&b);
}

TEST(who_is_no_instance_is_told_nothing)
{
    struct bench b;

    bench_open(&b, "127.0.0.99");
    int fd = dial(&b);
    struct str reply = ask(&b, fd, GET_ID);
    CHECK(str_starts(reply, S("HTTP/1.1 404 ")));
    CHECK(str_find(reply, b.instance_id) == SIZE_MAX);
    CHECK_INT(b.heard, 0);
    close(fd);
    bench_close(&b);
}

TEST(a_token_is_given_and_taken_over_a_connection)
{
    struct bench b;

    bench_open(&b, "127.0.0.1");
    int fd = dial(&b);
    struct str reply = ask(&b, fd, PUT_TOKEN "\r\n");
    CHECK(str_starts(reply, S("HTTP/1.1 200 OK\r\n")));
    CHECK(str_find(reply, S("\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\n")) != SIZE_MAX);
    struct str token = str_cut(reply, reply.n - 56, reply.n);
    reply = ask(
        &b, fd,
        str_cstr(test_arena(), str_fmt(test_arena(),
                                       "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n"
                                       "X-aws-ec2-metadata-token: %.*s\r\n\r\n",
                                       STR_ARG(token))));
    CHECK(str_ends(reply, b.instance_id));
    /* the very header that SSRF through a proxy cannot avoid */
    reply = ask(&b, fd, PUT_TOKEN "X-Forwarded-For: 10.0.0.9\r\n\r\n");
    CHECK(str_starts(reply, S("HTTP/1.1 403 ")));
    close(fd);
    bench_close(&b);
}
