/*
 * The resolver of a VPC.  Names of instances are arithmetic; all others are asked of the host's
 * resolver, and what that does not answer in time fails at once with SERVFAIL, because a guest
 * that boots waits for each name.
 *
 * Questions that are forwarded get a number of ours (guests choose the same ones); their own
 * number and place are kept until the answer or the deadline.
 */
#include "guestnet/internal.h"

#include "base/log.h"
#include "codec/aws_names.h"
#include "codec/dns.h"
#include "codec/ip.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASKED_MAX 256
#define UPSTREAM_LIMIT_MS 3000
#define TTL_S 60
#define IMDS_IP 0xa9fea9fe /* 169.254.169.254 */

struct asked {
    struct loop_timer deadline;
    bool busy;
    int fd;             /* the listener to answer by */
    uint16_t id;        /* ours */
    struct datagram from; /* the question */
};

struct dns_forwarder {
    struct loop *loop;
    struct loop_fd source;
    uint32_t upstream;
    unsigned next;
    struct asked asked[ASKED_MAX];
};

static void
send_none(int fd, const struct datagram *d, const struct dns_query *q, enum dns_rcode rcode)
{
    uint8_t out[DNS_UDP_MAX];
    size_t n = dns_answer_none(str_of(d->bytes, d->n), q, rcode, out, sizeof(out));

    if (n)
        datagram_send(fd, d, &d->from, out, n);
}

/* ---- forwarding ---- */

static void
too_late(struct loop_timer *timer)
{
    struct asked *asked = CONTAINER_OF(timer, struct asked, deadline);
    struct dns_query q;

    asked->busy = false;
    if (dns_parse_query(str_of(asked->from.bytes, asked->from.n), &q))
        send_none(asked->fd, &asked->from, &q, DNS_SERVFAIL);
}

static void
on_upstream(struct loop_fd *source, uint32_t events UNUSED)
{
    struct dns_forwarder *f = CONTAINER_OF(source, struct dns_forwarder, source);
    uint8_t bytes[DATAGRAM_MAX];
    ssize_t n;

    while ((n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 12) {
        uint16_t id = (uint16_t)(bytes[0] << 8 | bytes[1]);
        struct asked *asked = &f->asked[id % ASKED_MAX];

        if (!asked->busy || asked->id != id)
            continue;
        asked->busy = false;
        loop_timer_stop(f->loop, &asked->deadline);
        memcpy(bytes, asked->from.bytes, 2);
        datagram_send(asked->fd, &asked->from, &asked->from.from, bytes, (size_t)n);
    }
}

/* False when it cannot be asked now. */
static bool
forward(struct dns_forwarder *f, int fd, const struct datagram *d)
{
    struct env *env = loop_env(f->loop);
    struct asked *asked = &f->asked[f->next++ % ASKED_MAX];
    uint8_t random[2];

    if (f->source.fd < 0 || asked->busy)
        return false;
    /* An answer is taken by a number that cannot be guessed, in the place that it names. */
    env->random(env, random, sizeof(random));
    asked->id = (uint16_t)((random[0] << 8 | random[1]) / ASKED_MAX * ASKED_MAX +
                           (asked - f->asked));
    asked->deadline.fn = too_late;
    asked->from = *d;
    asked->fd = fd;
    uint8_t bytes[DATAGRAM_MAX];
    memcpy(bytes, d->bytes, d->n);
    bytes[0] = (uint8_t)(asked->id >> 8);
    bytes[1] = (uint8_t)asked->id;
    if (send(f->source.fd, bytes, d->n, MSG_DONTWAIT) < 0)
        return false;
    asked->busy = true;
    loop_timer_set(f->loop, &asked->deadline, LOOP_MONO,
                   loop_now_ms(f->loop, LOOP_MONO) + UPSTREAM_LIMIT_MS);
    return true;
}

struct dns_forwarder *
dns_forwarder_new(struct loop *loop, uint32_t upstream)
{
    struct dns_forwarder *f = calloc(1, sizeof(*f));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(53),
                             .sin_addr.s_addr = htonl(upstream)};

    if (!f)
        abort();
    f->loop = loop;
    f->upstream = upstream;
    f->source.fn = on_upstream;
    f->source.fd = upstream ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (f->source.fd >= 0 && (connect(f->source.fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
                              loop_fd_add(loop, &f->source, EPOLLIN) < 0)) {
        log_warn("the host's resolver cannot be reached: names outside do not resolve in guests");
        close(f->source.fd);
        f->source.fd = -1;
    }
    return f;
}

struct dns_forwarder *
dns_forwarder_free(struct dns_forwarder *f)
{
    if (!f)
        return NULL;
    for (int i = 0; i < ASKED_MAX; i++)
        loop_timer_stop(f->loop, &f->asked[i].deadline);
    if (f->source.fd >= 0) {
        loop_fd_remove(f->loop, &f->source);
        close(f->source.fd);
    }
    free(f);
    return NULL;
}

/* ---- names of ours ---- */

/* A name of ours: NXDOMAIN when nobody has it, an empty answer for types other than A. */
static size_t
answer_ours(struct txn *txn, struct guestnet_vpc *vpc, struct arena *a, const struct datagram *d,
            const struct dns_query *q, uint8_t *out, size_t max)
{
    struct str name = str_of(q->name, q->name_n), bytes = str_of(d->bytes, d->n);
    const struct ec2_vpc_row *row = ec2_vpc_get(txn, guestnet_vpc_id(vpc));
    const struct ec2_interface_row *nic = NULL;
    struct ip4_block block;
    uint32_t ip = 0;

    if (!row || !ip4_block_parse(row->cidr, &block))
        return 0;
    if (q->type == DNS_PTR && dns_reverse_parse(name, &ip)) {
        nic = ip4_block_has(block, ip)
                  ? ec2_interface_by_address_get(txn, row->id, ip4_text(a, ip))
                  : NULL;
        if (!nic)
            return ip4_block_has(block, ip) ? dns_answer_none(bytes, q, DNS_NXDOMAIN, out, max) : 0;
        return dns_answer_ptr(bytes, q, aws_private_name(a, nic->region, ip), TTL_S, out, max);
    }
    if (str_is(name, "instance-data") || str_is(name, "instance-data.ec2.internal"))
        ip = IMDS_IP;
    else if (aws_public_name_parse(name, &ip)) {
        /* Inside the VPC a public name is the private address, as on AWS. */
        nic = ec2_interface_by_public_ip_get(txn, ip4_text(a, ip));
        if (nic && str_eq(nic->vpc_id, row->id))
            ip4_parse(nic->private_ip, &ip);
        else if (!nic)
            return 0;
    } else if (!aws_private_name_parse(name, &ip) || !ip4_block_has(block, ip)) {
        return 0;
    }
    return q->type == DNS_A ? dns_answer_a(bytes, q, ip, TTL_S, out, max)
                            : dns_answer_none(bytes, q, DNS_NOERROR, out, max);
}

/* Names below these can only be ours: they are never asked of the outside. */
static bool
is_internal(struct str name)
{
    return str_ends(name, S(".internal")) || str_is(name, "internal");
}

static void
answer(struct guestnet_vpc *vpc, struct txn *txn, struct arena *a, int fd,
       const struct datagram *d)
{
    struct dns_query q;
    uint8_t out[DNS_UDP_MAX];

    if (!dns_parse_query(str_of(d->bytes, d->n), &q))
        return;
    size_t n = answer_ours(txn, vpc, a, d, &q, out, sizeof(out));
    if (n)
        datagram_send(fd, d, &d->from, out, n);
    else if (is_internal(str_of(q.name, q.name_n)))
        send_none(fd, d, &q, DNS_NXDOMAIN);
    else if (!forward(vpc->g->forwarder, fd, d))
        send_none(fd, d, &q, vpc->g->forwarder->upstream ? DNS_SERVFAIL : DNS_NXDOMAIN);
}

void
guestnet_dns(struct guestnet_vpc *vpc, int fd)
{
    static struct datagram d;
    struct arena arena;

    arena_init(&arena, (size_t)64 << 10);
    struct txn *txn = store_begin(vpc->g->config.store);
    for (int i = 0; i < 64 && datagram_receive(fd, &d); i++) {
        answer(vpc, txn, &arena, fd, &d);
        arena_reset(&arena);
    }
    store_rollback(txn);
    arena_done(&arena);
}
