/*
 * The daemon's end of the conversation with the privileged process.
 */
#include "host/priv.h"
#include "host/sandbox/sandbox.h"

#include "base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QUEUE_BYTES (8u << 20)
#define WAITING 1024 /* buckets of requests without an answer */

struct request {
    struct request *next; /* of the same bucket */
    uint32_t seq;
    uint16_t op;
    priv_reply_fn *fn;
    void *arg;
};

struct unsent {
    struct unsent *next;
    size_t n, n_fds;
    int fds[PRIV_FDS_MAX];
    char bytes[];
};

struct priv_conn {
    int fd;
    uint32_t seq;
    struct request *waiting[WAITING];
    struct unsent *first, **last;
    size_t queued_bytes;
    priv_reply_fn *event;
    void *event_arg;
    char in[PRIV_MESSAGE_MAX] __attribute__((aligned(16)));
};

int
priv_connect(struct priv_conn **ret, const char *data_dir)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    FD_CLEANUP int dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int size = 4 << 20;
    struct ucred who;
    socklen_t n = sizeof(who);

    assert(data_dir[0] != '\0');
    if (dir < 0 || fd < 0)
        return -errno;
    /* A path of any length fits this way into the 108 bytes of a socket's. */
    text_set(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/host.sock", dir);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        return -errno;
    /* The daemon's user may put another socket there: root does not talk to it. */
    if (who.uid != 0 && who.uid != geteuid())
        return error_origin(EPERM, "host.sock is served by user %u, not by root", who.uid);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    struct priv_conn *c = calloc(1, sizeof(*c));
    if (!c)
        return error_origin(ENOMEM, "connection to the privileged process");
    c->fd = fd_steal(&fd);
    c->last = &c->first;
    *ret = c;
    return 0;
}

static void
unsent_free(struct unsent *u)
{
    assert(u->n_fds <= PRIV_FDS_MAX);
    for (size_t i = 0; i < u->n_fds; i++)
        fd_close(&u->fds[i]);
    free(u);
}

struct priv_conn *
priv_conn_free(struct priv_conn *c)
{
    if (!c)
        return NULL;
    fd_close(&c->fd);
    for (size_t i = 0; i < WAITING; i++)
        while (c->waiting[i]) {
            struct request *q = c->waiting[i];
            struct priv_message m = {.op = q->op, .seq = q->seq, .status = -ECONNRESET,
                                     .body = S("the connection to the privileged process broke")};

            c->waiting[i] = q->next;
            if (q->fn)
                q->fn(q->arg, &m);
            free(q);
        }
    while (c->first) {
        struct unsent *u = c->first;

        c->first = u->next;
        unsent_free(u);
    }
    free(c);
    return NULL;
}

int
priv_fd(const struct priv_conn *c)
{
    return c->fd;
}

bool
priv_wants_write(const struct priv_conn *c)
{
    return c->first != NULL;
}

void
priv_on_event(struct priv_conn *c, priv_reply_fn *fn, void *arg)
{
    c->event = fn;
    c->event_arg = arg;
}

static int
queue(struct priv_conn *c, const char *p, size_t n, const int *fds, size_t n_fds)
{
    struct unsent *u = c->queued_bytes + n > QUEUE_BYTES ? NULL : malloc(sizeof(*u) + n);

    assert(n > 0 && n_fds <= PRIV_FDS_MAX);
    if (!u)
        return -ENOBUFS;
    u->next = NULL;
    u->n = n;
    u->n_fds = 0;
    memcpy(u->bytes, p, n);
    for (size_t i = 0; i < n_fds; i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

        if (fd < 0) {
            int err = errno;

            unsent_free(u);
            return -err;
        }
        u->fds[u->n_fds++] = fd;
    }
    *c->last = u;
    c->last = &u->next;
    c->queued_bytes += n;
    assert(c->queued_bytes <= QUEUE_BYTES);
    return 0;
}

static int
flush(struct priv_conn *c)
{
    assert(c->fd >= 0);
    while (c->first) {
        struct unsent *u = c->first;
        int r = fds_send(c->fd, u->bytes, u->n, u->fds, u->n_fds, MSG_DONTWAIT);

        if (r == -EAGAIN)
            return 0;
        if (r < 0)
            return r;
        c->first = u->next;
        c->queued_bytes -= u->n;
        assert(c->queued_bytes <= QUEUE_BYTES);
        unsent_free(u);
    }
    c->last = &c->first;
    assert(c->queued_bytes == 0);
    return 0;
}

int
priv_send(struct priv_conn *c, enum priv_op op, const void *req, size_t n, const void *tail,
          size_t tail_n, const int *fds, size_t n_fds, priv_reply_fn *fn, void *arg)
{
    static char out[PRIV_MESSAGE_MAX];
    struct priv_header head = {.version = PRIV_VERSION, .op = (uint16_t)op,
                               .n = (uint32_t)(n + tail_n)};
    size_t total = sizeof(head) + n + tail_n;

    assert((req || n == 0) && (tail || tail_n == 0) && (fds || n_fds == 0));
    if (n > PRIV_MESSAGE_MAX || tail_n > PRIV_MESSAGE_MAX || total > PRIV_MESSAGE_MAX ||
        n_fds > PRIV_FDS_MAX)
        return -EMSGSIZE;
    struct request *q = malloc(sizeof(*q));
    if (!q)
        return -ENOMEM;
    if (++c->seq == 0)
        c->seq = 1;
    head.seq = c->seq;
    assert(head.seq != 0);
    memcpy(out, &head, sizeof(head));
    if (n)
        memcpy(out + sizeof(head), req, n);
    if (tail_n)
        memcpy(out + sizeof(head) + n, tail, tail_n);
    int r = c->first ? -EAGAIN : fds_send(c->fd, out, total, fds, n_fds, MSG_DONTWAIT);
    if (r == -EAGAIN)
        r = queue(c, out, total, fds, n_fds);
    if (r < 0) {
        free(q);
        return r;
    }
    *q = (struct request){.next = c->waiting[head.seq % WAITING], .seq = head.seq,
                          .op = head.op, .fn = fn, .arg = arg};
    c->waiting[head.seq % WAITING] = q;
    return 0;
}

static void
deliver(struct priv_conn *c, struct priv_message *m)
{
    assert(m->n_fds <= PRIV_FDS_MAX);
    if (m->seq == 0) {
        if (c->event)
            c->event(c->event_arg, m);
        return;
    }
    for (struct request **at = &c->waiting[m->seq % WAITING]; *at; at = &(*at)->next) {
        struct request *q = *at;

        if (q->seq != m->seq)
            continue;
        *at = q->next;
        if (q->fn)
            q->fn(q->arg, m);
        free(q);
        return;
    }
}

int
priv_process(struct priv_conn *c)
{
    int r = flush(c);

    assert(c->fd >= 0);
    while (r >= 0) {
        int fds[PRIV_FDS_MAX];
        size_t n_fds = PRIV_FDS_MAX;
        struct priv_header head;
        ssize_t n = fds_recv(c->fd, c->in, sizeof(c->in), fds, &n_fds, MSG_DONTWAIT);

        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
        memcpy(&head, c->in, MIN((size_t)n, sizeof(head)));
        if ((size_t)n < sizeof(head) || head.n != (size_t)n - sizeof(head))
            r = -EPROTO;
        else if (head.version != PRIV_VERSION)
            r = error_origin(EPROTO,
                             "the privileged process speaks version %u, this program %u: stop it "
                             "with the welkin that started it", head.version, PRIV_VERSION);
        struct priv_message m = {.op = head.op, .seq = head.seq, .status = head.status,
                                 .body = str_of(c->in + sizeof(head), head.n),
                                 .fds = fds, .n_fds = n_fds};
        if (r >= 0)
            deliver(c, &m);
        for (size_t i = 0; i < n_fds; i++)
            fd_close(&fds[i]);
    }
    return r;
}

int
priv_wait(struct priv_conn *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = (short)(POLLIN | (c->first ? POLLOUT : 0))};
    int n = poll(&p, 1, timeout_ms);

    assert(c->fd >= 0);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return n == 0 ? -ETIMEDOUT : priv_process(c);
}

struct wait {
    bool done;
    int status;
    struct arena *arena;
    struct priv_answer answer;
};

static void
waited(void *arg, struct priv_message *m)
{
    struct wait *w = arg;

    assert(!w->done);
    w->done = true;
    w->status = m->status;
    assert(m->n_fds <= PRIV_FDS_MAX);
    w->answer.body = str_dup(w->arena, m->body);
    for (size_t i = 0; i < m->n_fds; i++)
        w->answer.fds[w->answer.n_fds++] = fd_steal(&m->fds[i]);
}

/* The request's memory ends with priv_call_wait(): a late answer must not find it. */
static void
abandon(struct priv_conn *c, const struct wait *w)
{
    for (size_t i = 0; i < WAITING; i++)
        for (struct request *q = c->waiting[i]; q; q = q->next)
            if (q->arg == w)
                q->fn = NULL;
}

int
priv_call_wait(struct priv_conn *c, struct arena *arena, enum priv_op op, const void *req,
               size_t n, const void *tail, size_t tail_n, const int *fds, size_t n_fds,
               int timeout_ms, struct priv_answer *ret)
{
    struct wait w = {.arena = arena};
    int64_t until = mono_ns() + (int64_t)timeout_ms * 1000000;
    int r = priv_send(c, op, req, n, tail, tail_n, fds, n_fds, waited, &w);

    assert(timeout_ms > 0);
    while (r >= 0 && !w.done) {
        int64_t left = (until - mono_ns()) / 1000000;

        r = left <= 0 ? -ETIMEDOUT : priv_wait(c, (int)left + 1);
    }
    if (!w.done) {
        abandon(c, &w);
        return r;
    }
    if (ret)
        *ret = w.answer;
    else
        for (size_t i = 0; i < w.answer.n_fds; i++)
            fd_close(&w.answer.fds[i]);
    return w.status;
}
