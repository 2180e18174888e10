/*
 * Whether guests answer: the instance status check.
 *
 * Once a minute of the cloud's clock each guest that runs gets an empty datagram at a port that
 * nothing listens on, from the VPC's resolver.  A guest whose network works refuses it (ICMP port
 * unreachable), which the kernel hands us as an error of the socket.  It needs no program in the
 * guest, no raw socket here, and no rule of a security group: a guest always may talk to its
 * router.  Three datagrams, half a second apart, before one counts as silent.
 */
#include "guestnet/internal.h"

#include "base/log.h"
#include "base/map.h"
#include "codec/ip.h"
#include "gen/store/host_rows.h"
#include "store/states.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/errqueue.h> /* after netinet: it needs struct sockaddr */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ROUND_MS = 60 * 1000,
    TRY_MS = 500,
    TRIES = 3,
    PORT = 1, /* tcpmux: nobody's */
    ID_MAX = 30,
};

struct probe {
    struct guestnet_vpc *vpc;
    uint32_t ip;
    bool answered;
    uint8_t id_n;
    char id[ID_MAX];
};

struct place { /* the key of a probe: no padding */
    uint64_t vpc;
    uint64_t ip;
};

struct prober {
    struct guestnet *g;
    struct loop_timer minute, again;
    struct probe *v;
    size_t n, cap;
    struct place *places; /* the keys of by_place */
    struct map by_place;
    unsigned tries; /* of this round */
};

static struct guestnet_vpc *
vpc_of(struct guestnet *g, struct str id)
{
    struct guestnet_vpc *vpc = g->vpcs;

    while (vpc && !str_eq(guestnet_vpc_id(vpc), id))
        vpc = vpc->next;
    return vpc;
}

static struct place
place_of(const struct guestnet_vpc *vpc, uint32_t ip)
{
    assert(vpc && ip);
    return (struct place){.vpc = (uint64_t)(uintptr_t)vpc, .ip = ip};
}

static struct probe *
probe_new(struct prober *p)
{
    assert(p->n <= p->cap);
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->v = realloc(p->v, p->cap * sizeof(*p->v));
        p->places = realloc(p->places, p->cap * sizeof(*p->places));
        if (!p->v || !p->places)
            abort();
    }
    memset(&p->v[p->n], 0, sizeof(*p->v));
    return &p->v[p->n++];
}

static void
index_places(struct prober *p)
{
    assert(p->n <= p->cap);
    map_done(&p->by_place);
    map_init(&p->by_place, 0);
    for (size_t i = 0; i < p->n; i++) {
        p->places[i] = place_of(p->v[i].vpc, p->v[i].ip);
        map_put(&p->by_place, str_of(&p->places[i], sizeof(p->places[i])), &p->v[i]);
    }
}

/* All that run and whose network is open here. */
static void
collect(struct prober *p)
{
    struct txn *txn = store_begin(p->g->config.store);

    p->n = 0;
    STORE_EACH(txn, ec2_instance_by_state, row, EC2_RUNNING) {
        const struct host_machine_row *machine = host_machine_get(txn, row->id);
        struct guestnet_vpc *vpc = vpc_of(p->g, row->vpc_id);
        uint32_t ip;

        if (!vpc || !machine || machine->phase != HOST_UP || row->id.n > ID_MAX ||
            !ip4_parse(row->private_ip, &ip))
            continue;
        struct probe *probe = probe_new(p);

        probe->vpc = vpc;
        probe->ip = ip;
        probe->id_n = (uint8_t)row->id.n;
        memcpy(probe->id, row->id.p, row->id.n);
    }
    store_rollback(txn);
    index_places(p);
}

static void
ask(const struct probe *probe)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(probe->ip)};

    assert(probe->id_n <= ID_MAX);
    /* A failure is silence: an error that was pending, or a route that is gone. */
    if (sendto(probe->vpc->dns[0].fd, "", 0, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
        log_debug("%.*s cannot be asked: %s", (int)probe->id_n, probe->id, strerror(errno));
}

static void
try(struct prober *p)
{
    assert(p->n > 0);
    assert(p->tries < TRIES);
    p->tries++;
    for (size_t i = 0; i < p->n; i++)
        if (!p->v[i].answered)
            ask(&p->v[i]);
    loop_timer_set(p->g->config.loop, &p->again, LOOP_MONO,
                   loop_now_ms(p->g->config.loop, LOOP_MONO) + TRY_MS);
}

static void
minute_passed(struct loop_timer *timer)
{
    struct prober *p = CONTAINER_OF(timer, struct prober, minute);
    struct loop *loop = p->g->config.loop;

    loop_timer_set(loop, &p->minute, LOOP_CLOUD, loop_now_ms(loop, LOOP_CLOUD) + ROUND_MS);
    /* A round may still be on its way: the cloud's clock was advanced. */
    loop_timer_stop(loop, &p->again);
    collect(p);
    p->tries = 0;
    if (p->n)
        try(p);
}

static void
try_over(struct loop_timer *timer)
{
    struct prober *p = CONTAINER_OF(timer, struct prober, again);
    const struct guestnet_config *config = &p->g->config;
    bool silent = false;

    assert(p->tries > 0 && p->tries <= TRIES);
    for (size_t i = 0; i < p->n; i++)
        silent = silent || !p->v[i].answered;
    if (silent && p->tries < TRIES) {
        try(p);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        config->asked(config->ctx, str_of(p->v[i].id, p->v[i].id_n), p->v[i].answered);
    p->n = 0;
}

void
prober_answers(struct prober *p, struct guestnet_vpc *vpc, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct sockaddr_in to;
    char byte;
    struct iovec iov = {&byte, sizeof(byte)};

    assert(fd >= 0);
    for (;;) {
        struct msghdr msg = {.msg_name = &to,
                             .msg_namelen = sizeof(to),
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};

        if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
            struct sock_extended_err e;

            if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
                continue;
            memcpy(&e, CMSG_DATA(c), sizeof(e));
            if (e.ee_origin != SO_EE_ORIGIN_ICMP || e.ee_errno != ECONNREFUSED || !p->n)
                continue;
            struct place place = place_of(vpc, ntohl(to.sin_addr.s_addr));
            struct probe *probe = map_get(&p->by_place, str_of(&place, sizeof(place)));

            if (probe)
                probe->answered = true;
        }
    }
}

void
prober_add_vpc(int fd)
{
    int on = 1;

    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0)
        log_warn("the guests of a VPC cannot be asked whether they answer: %s", strerror(errno));
}

void
prober_forget(struct prober *p, const struct guestnet_vpc *vpc)
{
    size_t kept = 0;

    assert(p->n <= p->cap);
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].vpc != vpc)
            p->v[kept++] = p->v[i];
    if (kept == p->n)
        return;
    p->n = kept;
    index_places(p);
}

struct prober *
prober_new(struct guestnet *g)
{
    struct prober *p = calloc(1, sizeof(*p));

    assert(g->config.asked);
    if (!p)
        abort();
    p->g = g;
    p->minute.fn = minute_passed;
    p->again.fn = try_over;
    map_init(&p->by_place, 0);
    loop_timer_set(g->config.loop, &p->minute, LOOP_CLOUD,
                   loop_now_ms(g->config.loop, LOOP_CLOUD) + ROUND_MS);
    return p;
}

struct prober *
prober_free(struct prober *p)
{
    if (!p)
        return NULL;
    loop_timer_stop(p->g->config.loop, &p->minute);
    loop_timer_stop(p->g->config.loop, &p->again);
    map_done(&p->by_place);
    free(p->places);
    free(p->v);
    free(p);
    return NULL;
}
