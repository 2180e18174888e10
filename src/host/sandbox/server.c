/*
 * Connections: accept, receive, answer, and a queue for whoever reads slowly.  A slow reader
 * loses console output (it can read that again) and at last its connection (LIST has the rest),
 * never this process's time.
 */
#include "host/sandbox/server.h"

#include "base/error.h"
#include "base/log.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HOST_SOCKET "../../host.sock" /* of DATA/run/stage */
#define QUEUE_BYTES (4u << 20)
#define QUEUE_CONSOLE_BYTES (1u << 20)
#define REQUESTS_A_TURN 16

struct out {
    struct out *next;
    size_t n, n_fds;
    int fds[PRIV_FDS_MAX];
    char bytes[];
};

int
call_reply(struct call *c, const void *p, size_t n, const void *tail, size_t tail_n)
{
    assert(sizeof(struct priv_header) + n + tail_n <= PRIV_MESSAGE_MAX);
    char *to = c->reply + sizeof(struct priv_header);

    memcpy(to, p, n);
    if (tail_n)
        memcpy(to + n, tail, tail_n);
    c->reply_n = n + tail_n;
    return 0;
}

static void
out_free(struct out *o)
{
    assert(o->n_fds <= PRIV_FDS_MAX);
    for (size_t i = 0; i < o->n_fds; i++)
        fd_close(&o->fds[i]);
    free(o);
}

static void
conn_close(struct host *h, struct conn *c)
{
    uint8_t bit = (uint8_t)(1u << c->slot);

    assert(c->slot < CONNS && h->conns[c->slot] == c);
    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (struct machine *m = h->by_id[b]; m; m = m->next)
            m->followers = (uint8_t)(m->followers & ~bit);
    exec_kill(h, 0, c->id);
    h->conns[c->slot] = NULL;
    source_close(h, &c->source);
    while (c->first) {
        struct out *o = c->first;

        assert(c->queued_bytes >= o->n);
        c->queued_bytes -= o->n;
        c->first = o->next;
        out_free(o);
    }
    assert(c->queued_bytes == 0);
    free(c);
}

static void
conn_queue(struct host *h, struct conn *c, const void *p, size_t n, const int *fds, size_t n_fds)
{
    struct out *o = c->queued_bytes + n > QUEUE_BYTES ? NULL : malloc(sizeof(*o) + n);

    assert(n > 0 && n_fds <= PRIV_FDS_MAX);
    if (!o) {
        c->doomed = true;
        return;
    }
    o->next = NULL;
    o->n = n;
    o->n_fds = 0;
    for (size_t i = 0; i < n_fds; i++) {
        int fd = dup(fds[i]);

        if (fd >= 0)
            o->fds[o->n_fds++] = fd;
    }
    memcpy(o->bytes, p, n);
    *c->last = o;
    c->last = &o->next;
    c->queued_bytes += n;
    assert(c->queued_bytes <= QUEUE_BYTES);
    source_change(h, &c->source, EPOLLIN | EPOLLOUT);
}

static void
conn_send(struct host *h, struct conn *c, const void *p, size_t n, const int *fds, size_t n_fds)
{
    assert(n >= sizeof(struct priv_header) && n <= PRIV_MESSAGE_MAX);
    if (c->doomed)
        return;
    int r = c->first ? -EAGAIN : fds_send(c->source.fd, p, n, fds, n_fds, MSG_DONTWAIT);
    if (r == -EAGAIN)
        conn_queue(h, c, p, n, fds, n_fds);
    else if (r < 0)
        c->doomed = true;
}

static void
conn_flush(struct host *h, struct conn *c)
{
    while (c->first) {
        struct out *o = c->first;
        int r = fds_send(c->source.fd, o->bytes, o->n, o->fds, o->n_fds, MSG_DONTWAIT);

        if (r == -EAGAIN)
            return;
        if (r < 0) {
            c->doomed = true;
            return;
        }
        c->first = o->next;
        c->queued_bytes -= o->n;
        assert(c->queued_bytes <= QUEUE_BYTES);
        out_free(o);
    }
    c->last = &c->first;
    assert(c->queued_bytes == 0);
    source_change(h, &c->source, EPOLLIN);
}

static struct conn *
conn_find(struct host *h, uint32_t id)
{
    for (size_t i = 0; i < CONNS; i++)
        if (h->conns[i] && h->conns[i]->id == id)
            return h->conns[i];
    return NULL;
}

/* Builds header and body in one buffer: SEQPACKET keeps them together. */
static size_t
message(char *to, uint16_t op, uint32_t seq, int status, const void *p, size_t n,
        const void *tail, size_t tail_n)
{
    const struct priv_header head = {.version = PRIV_VERSION, .op = op, .seq = seq,
                                     .status = status, .n = (uint32_t)(n + tail_n)};

    assert(sizeof(head) + n + tail_n <= PRIV_MESSAGE_MAX);
    memcpy(to, &head, sizeof(head));
    if (n)
        memcpy(to + sizeof(head), p, n);
    if (tail_n)
        memcpy(to + sizeof(head) + n, tail, tail_n);
    return sizeof(head) + n + tail_n;
}

static char outgoing[PRIV_MESSAGE_MAX];

void
answer(struct host *h, const struct ticket *t, int status, const void *p, size_t n)
{
    struct conn *c = conn_find(h, t->conn);

    if (c)
        conn_send(h, c, outgoing, message(outgoing, t->op, t->seq, status, p, n, NULL, 0), NULL, 0);
}

void
event(struct host *h, uint16_t op, const void *p, size_t n, const void *tail, size_t tail_n,
      uint8_t conns)
{
    size_t total = message(outgoing, op, 0, 0, p, n, tail, tail_n);

    assert(op >= PRIV_EV_EXITED);
    for (size_t i = 0; i < CONNS; i++) {
        struct conn *c = h->conns[i];

        if (!c || !(conns ? conns >> i & 1 : c->want_events))
            continue;
        if (op == PRIV_EV_CONSOLE && c->queued_bytes > QUEUE_CONSOLE_BYTES)
            continue;
        conn_send(h, c, outgoing, total, NULL, 0);
    }
}

void
event_to(struct host *h, uint32_t conn, uint16_t op, const void *p, size_t n)
{
    struct conn *c = conn_find(h, conn);

    assert(op >= PRIV_EV_EXITED);
    if (c)
        conn_send(h, c, outgoing, message(outgoing, op, 0, 0, p, n, NULL, 0), NULL, 0);
}

static void
handle(struct host *h, struct conn *conn, char *in, size_t n, int *fds, size_t n_fds)
{
    static char reply[PRIV_MESSAGE_MAX];
    struct priv_header head;
    struct call c = {.conn = conn, .fds = fds, .n_fds = n_fds, .reply = reply};
    int r;

    assert(n >= sizeof(head) && n <= PRIV_MESSAGE_MAX);
    memcpy(&head, in, sizeof(head));
    c.ticket = (struct ticket){.conn = conn->id, .seq = head.seq, .op = head.op};
    c.req = in + sizeof(head);
    if (head.version != PRIV_VERSION)
        r = why_set(&c.why, EPROTO, "the privileged process speaks version %u, not %u",
                    PRIV_VERSION, head.version);
    else if (head.n != n - sizeof(head) || head.seq == 0)
        r = why_set(&c.why, EINVAL, "the message is not well formed");
    else
        r = priv_dispatch(h, &c, head.op, head.n);
    if (r < 0) {
        answer(h, &c.ticket, r, c.why.text, strlen(c.why.text));
    } else if (!c.later) {
        head = (struct priv_header){.version = PRIV_VERSION, .op = c.ticket.op,
                                    .seq = c.ticket.seq, .n = (uint32_t)c.reply_n};
        memcpy(reply, &head, sizeof(head));
        conn_send(h, conn, reply, sizeof(head) + c.reply_n, c.reply_fds, c.n_reply_fds);
    }
}

static void
conn_event(struct host *h, struct source *s, uint32_t events)
{
    static char in[PRIV_MESSAGE_MAX] __attribute__((aligned(16)));
    struct conn *c = CONTAINER_OF(s, struct conn, source);

    if (events & EPOLLOUT)
        conn_flush(h, c);
    for (int i = 0; i < REQUESTS_A_TURN && !c->doomed && !h->stopping; i++) {
        int fds[PRIV_FDS_MAX];
        size_t n_fds = PRIV_FDS_MAX;
        ssize_t n = fds_recv(s->fd, in, sizeof(in), fds, &n_fds, MSG_DONTWAIT);

        if (n == -EAGAIN)
            break;
        if (n < (ssize_t)sizeof(struct priv_header))
            c->doomed = true; /* closed, or not one of ours */
        else
            handle(h, c, in, (size_t)n, fds, n_fds);
        for (size_t k = 0; k < n_fds; k++)
            fd_close(&fds[k]);
    }
    if (c->doomed)
        conn_close(h, c);
}

static void
accept_event(struct host *h, struct source *s, uint32_t events)
{
    FD_CLEANUP int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred who;
    socklen_t n = sizeof(who);
    uint32_t slot = 0;
    int size = 4 << 20;

    (void)events;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        return;
    if (who.uid != 0 && who.uid != h->config->daemon_uid) {
        log_warn("user %u may not connect", who.uid);
        return;
    }
    /* The last one is root's: who took over the daemon cannot keep `welkin down` out. */
    uint32_t room = who.uid == 0 ? CONNS : CONNS - 1;
    while (slot < room && h->conns[slot])
        slot++;
    struct conn *c = slot < room ? calloc(1, sizeof(*c)) : NULL;
    if (!c) {
        log_warn("more than %d connections", CONNS);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    c->source = (struct source){.fd = fd_steal(&fd), .fn = conn_event};
    c->id = ++h->next_conn;
    c->slot = slot;
    c->last = &c->first;
    h->conns[slot] = c;
    if (source_add(h, &c->source, EPOLLIN) < 0)
        conn_close(h, c);
}

int
server_open(struct host *h)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = HOST_SOCKET};

    h->listener = (struct source){.fn = accept_event};
    h->listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(HOST_SOCKET);
    /* Whoever connects is checked by SO_PEERCRED; the mode only keeps others from trying. */
    if (h->listener.fd < 0 || bind(h->listener.fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        chmod(HOST_SOCKET, 0660) < 0 ||
        (geteuid() == 0 && chown(HOST_SOCKET, h->config->daemon_uid, (gid_t)-1) < 0) ||
        listen(h->listener.fd, 16) < 0)
        return error_origin(errno, "host.sock");
    return source_add(h, &h->listener, EPOLLIN);
}

void
server_close(struct host *h)
{
    for (size_t i = 0; i < CONNS; i++)
        if (h->conns[i]) {
            conn_flush(h, h->conns[i]);
            conn_close(h, h->conns[i]);
        }
    source_close(h, &h->listener);
    unlink(HOST_SOCKET);
}
