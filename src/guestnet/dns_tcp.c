/*
 * Questions over TCP (RFC 7766): each message with its length in front, many on one connection,
 * answered as they are ready.
 *
 * A guest is hostile: it may open connections and say nothing, ask and never read, or send byte
 * by byte.  So connections are counted by VPC and by address, one that has not brought a whole
 * question or taken an answer for a while is closed, and no more questions are read while too
 * many wait for upstream or too many answers wait for the guest.
 */
#include "guestnet/internal.h"

#include "base/buf.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNS_MAX 256 /* of a VPC */
#define PEER_CONNS_MAX 8
#define IDLE_MS 10000
#define PAUSE_MS 1000 /* when no descriptor is left */
#define WAITING_MAX 8
#define BACKLOG_BYTES ((size_t)16 << 10)
/* The answers to all that waits may be long ones. */
#define OUT_MAX_BYTES (BACKLOG_BYTES + (size_t)(WAITING_MAX + 1) * (2 + UINT16_MAX))

struct dns_conn {
    struct loop_fd source;
    struct guestnet_vpc *vpc;
    struct dns_conn *next, **link;
    struct loop_timer idle;
    uint32_t peer, events;
    unsigned waiting; /* questions without an answer */
    bool running;     /* conn_run() is on the stack */
    bool ended;       /* the guest sends no more */
    bool broken;
    struct buf out;
    size_t out_sent;
    size_t in_n;
    uint8_t in[2 + DATAGRAM_MAX];
};

static struct loop *
loop_of(const struct guestnet_vpc *vpc)
{
    return vpc->g->config.loop;
}

static void
conn_free(struct dns_conn *c)
{
    assert(c->waiting <= WAITING_MAX && !c->running);
    assert(c->vpc->n_dns_conns > 0);
    c->vpc->n_dns_conns--;
    dns_forwarder_forget(c->vpc->g->forwarder, c);
    loop_timer_stop(loop_of(c->vpc), &c->idle);
    loop_fd_remove(loop_of(c->vpc), &c->source);
    close(c->source.fd);
    *c->link = c->next;
    assert(c->link != &c->next);
    if (c->next)
        c->next->link = c->link;
    buf_done(&c->out);
    free(c);
}

static void
too_idle(struct loop_timer *timer)
{
    conn_free(CONTAINER_OF(timer, struct dns_conn, idle));
}

static void
stay(struct dns_conn *c)
{
    struct loop *loop = loop_of(c->vpc);

    loop_timer_set(loop, &c->idle, LOOP_MONO, loop_now_ms(loop, LOOP_MONO) + IDLE_MS);
}

/* ---- in ---- */

static bool
may_take(const struct dns_conn *c)
{
    assert(c->out_sent <= c->out.n);
    return !c->broken && c->waiting < WAITING_MAX && c->out.n - c->out_sent < BACKLOG_BYTES;
}

/* The length of the message that `in` begins with; 0: it is not there as a whole. */
static size_t
message_bytes(const struct dns_conn *c)
{
    size_t n = c->in_n < 2 ? 0 : (size_t)c->in[0] << 8 | c->in[1];

    assert(c->in_n <= sizeof(c->in));
    return n && c->in_n >= 2 + n ? n : 0;
}

/* Whether a message begins that will never be a question. */
static bool
is_nonsense(const struct dns_conn *c)
{
    size_t n = c->in_n < 2 ? DATAGRAM_MAX : (size_t)c->in[0] << 8 | c->in[1];

    return n == 0 || n > DATAGRAM_MAX;
}

/* Answers, or passes on, the whole questions that are there. */
static void
take(struct dns_conn *c)
{
    struct dns_question question = {.vpc = c->vpc, .conn = c, .fd = -1};
    struct arena arena;
    size_t n;

    assert(c->running);
    if (is_nonsense(c))
        c->broken = true;
    if (!may_take(c) || !message_bytes(c))
        return;
    arena_init(&arena, (size_t)64 << 10);
    struct txn *txn = store_begin(c->vpc->g->config.store);
    while (may_take(c) && (n = message_bytes(c)) > 0) {
        assert(n <= DATAGRAM_MAX);
        question.d.n = n;
        memcpy(question.d.bytes, c->in + 2, n);
        c->in_n -= 2 + n;
        assert(c->in_n <= sizeof(c->in));
        memmove(c->in, c->in + 2 + n, c->in_n);
        c->waiting++;
        assert(c->waiting <= WAITING_MAX);
        if (!dns_answer(&question, txn, &arena))
            c->broken = true;
        arena_reset(&arena);
        stay(c);
    }
    store_rollback(txn);
    arena_done(&arena);
}

static void
receive(struct dns_conn *c)
{
    ssize_t n;

    assert(c->in_n <= sizeof(c->in));
    if (c->ended || !may_take(c) || c->in_n == sizeof(c->in))
        return;
    n = recv(c->source.fd, c->in + c->in_n, sizeof(c->in) - c->in_n, MSG_DONTWAIT);
    assert(n <= (ssize_t)(sizeof(c->in) - c->in_n));
    if (n > 0)
        c->in_n += (size_t)n;
    else if (n == 0)
        c->ended = true;
    else if (errno != EAGAIN && errno != EINTR)
        c->broken = true;
}

/* ---- out ---- */

static void
flush(struct dns_conn *c)
{
    size_t before = c->out_sent;

    if (buf_failed(&c->out))
        c->broken = true;
    while (c->out_sent < c->out.n) {
        ssize_t n = send(c->source.fd, c->out.p + c->out_sent, c->out.n - c->out_sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                c->broken = true;
            break;
        }
        c->out_sent += (size_t)n;
        assert(c->out_sent <= c->out.n);
    }
    if (c->out_sent > before)
        stay(c);
    if (c->out_sent == c->out.n) {
        buf_done(&c->out); /* most connections ask once and wait */
        c->out_sent = 0;
    }
}

/* ---- the two together ---- */

static void
watch_for_what_helps(struct dns_conn *c)
{
    uint32_t want = (!c->ended && may_take(c) ? EPOLLIN : 0u) |
                    (c->out.n > c->out_sent ? EPOLLOUT : 0u);

    assert(c->running);
    if (want == c->events)
        return;
    c->events = want;
    if (loop_fd_change(loop_of(c->vpc), &c->source, want) < 0)
        c->broken = true;
}

/* Goes on as far as it can; c may be gone afterwards. */
static void
conn_run(struct dns_conn *c)
{
    assert(!c->running);
    c->running = true;
    take(c);
    receive(c);
    do {
        take(c);
        flush(c);
    } while (may_take(c) && message_bytes(c));
    watch_for_what_helps(c);
    c->running = false;
    /* What is left of `in` when the guest has ended is no whole question. */
    if (c->broken || (c->ended && !c->waiting && c->out.n == c->out_sent))
        conn_free(c);
}

void
dns_conn_reply(struct dns_conn *c, const void *bytes, size_t n)
{
    uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};

    assert(c->waiting > 0 && n <= UINT16_MAX);
    c->waiting--;
    buf_add(&c->out, length, sizeof(length));
    buf_add(&c->out, bytes, n);
    if (!c->running)
        conn_run(c);
}

static void
on_conn(struct loop_fd *source, uint32_t events)
{
    struct dns_conn *c = CONTAINER_OF(source, struct dns_conn, source);

    if (events & (EPOLLERR | EPOLLHUP))
        conn_free(c); /* both directions are closed: nobody reads an answer */
    else
        conn_run(c);
}

/* ---- connections ---- */

static bool
is_one_too_many(const struct guestnet_vpc *vpc, uint32_t peer)
{
    unsigned n = 0;

    for (const struct dns_conn *c = vpc->dns_conns; c; c = c->next)
        n += c->peer == peer;
    return vpc->n_dns_conns >= CONNS_MAX || n >= PEER_CONNS_MAX;
}

void
dns_conn_open(struct guestnet_vpc *vpc, int fd, uint32_t peer)
{
    struct dns_conn *c = is_one_too_many(vpc, peer) ? NULL : calloc(1, sizeof(*c));

    assert(fd >= 0);
    if (c) {
        c->source = (struct loop_fd){.fd = fd, .fn = on_conn};
        c->events = EPOLLIN;
    }
    if (!c || loop_fd_add(loop_of(vpc), &c->source, c->events) < 0) {
        free(c);
        close(fd);
        return;
    }
    c->vpc = vpc;
    c->peer = peer;
    c->idle.fn = too_idle;
    buf_init(&c->out, OUT_MAX_BYTES);
    c->link = &vpc->dns_conns;
    c->next = vpc->dns_conns;
    if (c->next)
        c->next->link = &c->next;
    vpc->dns_conns = c;
    vpc->n_dns_conns++;
    assert(vpc->n_dns_conns <= CONNS_MAX);
    stay(c);
    guestnet_heard(vpc, &peer, 1);
}

void
dns_conns_free(struct guestnet_vpc *vpc)
{
    loop_timer_stop(loop_of(vpc), &vpc->dns_pause);
    while (vpc->dns_conns)
        conn_free(vpc->dns_conns);
    assert(vpc->n_dns_conns == 0);
}

/* ---- listeners ---- */

static void
watch_listeners(struct guestnet_vpc *vpc, uint32_t events)
{
    for (size_t i = 0; i < ARRAY_LEN(vpc->dns_tcp); i++)
        if (vpc->dns_tcp[i].fd >= 0)
            loop_fd_change(loop_of(vpc), &vpc->dns_tcp[i], events);
}

static void
pause_is_over(struct loop_timer *timer)
{
    watch_listeners(CONTAINER_OF(timer, struct guestnet_vpc, dns_pause), EPOLLIN);
}

void
guestnet_dns_accept(struct guestnet_vpc *vpc, int listener)
{
    struct loop *loop = loop_of(vpc);

    assert(listener >= 0);
    for (int i = 0; i < 64; i++) {
        struct sockaddr_in from = {0};
        socklen_t n = sizeof(from);
        int fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            dns_conn_open(vpc, fd, ntohl(from.sin_addr.s_addr));
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            log_warn("connections for names cannot be accepted: %s", strerror(errno));
            watch_listeners(vpc, 0);
            vpc->dns_pause.fn = pause_is_over;
            loop_timer_set(loop, &vpc->dns_pause, LOOP_MONO,
                           loop_now_ms(loop, LOOP_MONO) + PAUSE_MS);
        }
        return;
    }
}
