/*
 * Connections and what comes in on them.  http_conn.h has the states.
 *
 * Nothing here trusts a length: memory for a body grows with the bytes that came, at most
 * doubling; a head has one buffer and one deadline; what was refused is drained for a few
 * seconds, because closing with unread input resets the connection and the client would lose the
 * very answer that explains it.
 */
#include "loop/http_server.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/http_conn.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define ACCEPT_BATCH 64
#define READ_BUDGET_BYTES (128 * 1024) /* of one connection in one turn */
#define BODY_MOVES_BYTES (16 * KIB)    /* must come within body_timeout_ms */
#define CHUNK_ROOM_BYTES KIB           /* the least to read chunks into */
#define RESUME_MS 100
#define LINGER_MS 5000
#define HEAD_ANSWER_MAX_BYTES (128 * KIB)

static void on_event(struct loop_fd *source, uint32_t events);
static void on_timer(struct loop_timer *timer);

/* Listeners. */

static void
watch_listeners(struct http_server *s, bool watch)
{
    s->paused = !watch;
    for (struct http_listener *l = s->listeners; l; l = l->next)
        loop_fd_change(s->loop, &l->source, watch ? EPOLLIN : 0);
}

static void
on_resume(struct loop_timer *timer)
{
    watch_listeners(CONTAINER_OF(timer, struct http_server, resume), true);
}

static void
conn_free(struct http_conn *c)
{
    struct http_server *s = c->server;

    assert(c->state == CLOSED && !c->x && !c->queued);
    assert(s->stats.connections > 0 && c->source.fd < 0);
    loop_timer_stop(s->loop, &c->timer);
    buf_done(&c->out);
    peer_leave(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->stats.connections--;
    free(c);
    if (s->paused)
        watch_listeners(s, true);
}

static void
conn_new(struct http_listener *l, int fd, const union http_addr *addr)
{
    struct http_server *s = l->server;
    struct http_conn *c = calloc(1, sizeof(*c));

    assert(fd >= 0 && s->stats.connections < s->config.max_connections);
    if (!c) {
        close(fd);
        return;
    }
    c->source = (struct loop_fd){.fd = fd, .fn = on_event};
    c->timer.fn = on_timer;
    c->timer.clock = LOOP_MONO;
    c->server = s;
    c->listener = l;
    c->addr = *addr;
    c->sniff = s->config.tls != NULL;
    buf_init(&c->out, ANSWER_MAX_BYTES);
    if (!peer_join(c) ||
        loop_fd_add(s->loop, &c->source, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) < 0) {
        peer_leave(c);
        s->stats.refused++;
        close(fd);
        free(c);
        return;
    }
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->stats.connections++;
    s->stats.accepted++;
    conn_deadline(c, s->config.header_timeout_ms);
}

static void
on_listener(struct loop_fd *source, uint32_t events UNUSED)
{
    struct http_listener *l = CONTAINER_OF(source, struct http_listener, source);
    struct http_server *s = l->server;

    for (int i = 0; i < ACCEPT_BATCH; i++) {
        union http_addr addr = {0};
        socklen_t n = sizeof(addr);

        if (s->stats.connections >= s->config.max_connections) {
            watch_listeners(s, false);
            return;
        }
        int fd = accept4(source->fd, &addr.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_new(l, fd, &addr);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The connection stays in the backlog, and would wake us in every turn. */
            log_warn("cannot accept connections for now: %s", strerror(errno));
            watch_listeners(s, false);
            loop_timer_set(s->loop, &s->resume, LOOP_MONO,
                           loop_now_ms(s->loop, LOOP_MONO) + RESUME_MS);
            return;
        }
        /* What else accept(2) reports is the fate of that one connection. */
    }
}

/* Connections. */

bool
conn_enter(struct http_conn *c)
{
    bool outermost = !c->running;

    c->running = true;
    return outermost;
}

/* Whether there is something to do that no event will tell of. */
static bool
has_more(const struct http_conn *c)
{
    switch (c->state) {
    case CLOSED:
        return c->x && !c->x->told;
    case HELD:
    case STREAM:
    case FLUSH:
        return false;
    case HEAD:
        /* Behind an answer that was given later. */
        return conn_readable(c) || c->x->in_n > c->x->parsed_n;
    case IDLE:
    case BODY:
    case LINGER:
        /* More than this turn allows. */
        return conn_readable(c);
    }
    return false;
}

/* What holds of a connection between two calls on it: see http_conn.h. */
static bool
conn_ok(const struct http_conn *c)
{
    const struct exchange *x = c->x;

    assert((c->state == CLOSED) == (c->source.fd < 0));
    assert(c->out_sent <= c->out.n);
    switch (c->state) {
    case IDLE:
        assert(!x && c->out.n == 0);
        break;
    case HEAD:
    case BODY:
        assert(x && x->conn == c && !x->held && c->out.n == 0);
        assert(x->head_n <= x->in_n && x->in_n <= x->in_cap && x->body_n <= x->body_cap);
        break;
    case HELD:
        assert(x && x->held && c->out.n == 0);
        break;
    case STREAM:
        assert(x && x->held && !(c->chunked && c->sized));
        break;
    case FLUSH:
        assert(x && !x->held && c->out.n > 0);
        break;
    case LINGER:
        assert(!x && c->last && c->out.n == 0);
        break;
    case CLOSED:
        assert(!c->tls && !conn_readable(c) && (!x || x->held));
        break;
    }
    return true;
}

void
conn_leave(struct http_conn *c, bool outermost)
{
    struct http_server *s = c->server;

    assert(c->running);
    if (!outermost)
        return;
    c->running = false;
    assert(conn_ok(c));
    if (c->state == CLOSED && !c->x && !c->queued) {
        conn_free(c);
        return;
    }
    if (has_more(c) && !c->queued) {
        c->queued = true;
        c->next_ready = s->ready;
        s->ready = c;
        loop_defer(s->loop, &s->task);
    }
}

void
conn_deadline(struct http_conn *c, int in_ms)
{
    struct loop *loop = c->server->loop;

    assert(in_ms >= 0);
    c->deadline_ms = loop_now_ms(loop, LOOP_MONO) + in_ms;
    c->moved_before = c->moved;
    if (!c->timer.node.place || c->timer.node.due > c->deadline_ms)
        loop_timer_set(loop, &c->timer, LOOP_MONO, c->deadline_ms);
}

void
conn_no_deadline(struct http_conn *c)
{
    c->deadline_ms = INT64_MAX;
}

static ssize_t
socket_recv(struct http_conn *c, void *p, size_t n)
{
    assert(n > 0);
    ssize_t r = recv(c->source.fd, p, n, 0);

    assert(r <= (ssize_t)n);
    if (r < 0) {
        if (errno == EINTR)
            return socket_recv(c, p, n);
        if (errno == EAGAIN)
            c->readable = false;
        return -errno;
    }
    c->moved += (size_t)r;
    c->budget -= (int)r;
    /* A short read emptied the socket; whatever comes later raises a new edge.  The end of the
     * input raised its edge already. */
    if ((size_t)r < n && !c->half_closed)
        c->readable = false;
    return r;
}

static ssize_t
socket_send(struct http_conn *c, struct iovec *v, int n)
{
    struct msghdr msg = {.msg_iov = v, .msg_iovlen = (size_t)n};
    ssize_t r;

    do {
        r = n == 1 ? send(c->source.fd, v->iov_base, v->iov_len, MSG_NOSIGNAL)
                   : sendmsg(c->source.fd, &msg, MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    c->moved += (size_t)r;
    return r;
}

/* TLS may read much that makes no byte for us: it too stops at the end of the turn's budget. */
static ssize_t
tls_raw_recv(void *ctx, void *p, size_t n)
{
    struct http_conn *c = ctx;

    return c->readable && c->budget > 0 ? socket_recv(c, p, n) : -EAGAIN;
}

static ssize_t
tls_raw_send(void *ctx, const void *p, size_t n)
{
    struct iovec v = {(void *)p, n};

    return socket_send(ctx, &v, 1);
}

/* The first bytes of a connection. */
static ssize_t
recv_first(struct http_conn *c, void *p, size_t n)
{
    const struct tls_raw raw = {.ctx = c, .recv = tls_raw_recv, .send = tls_raw_send};
    ssize_t r = socket_recv(c, p, n);

    if (r <= 0)
        return r;
    c->sniff = false;
    if (*(unsigned char *)p != TLS_FIRST_BYTE)
        return r;
    c->tls = tls_accept(c->server->config.tls, &raw, str_of(p, (size_t)r));
    return c->tls ? conn_recv(c, p, n) : -ENOMEM;
}

ssize_t
conn_recv(struct http_conn *c, void *p, size_t n)
{
    assert(c->source.fd >= 0 && n > 0);
    if (c->sniff)
        return recv_first(c, p, n);
    /* What is dropped need not be understood. */
    if (!c->tls || c->state == LINGER)
        return socket_recv(c, p, n);
    ssize_t r = tls_recv(c->tls, p, n);
    c->tls_more = r > 0;
    return r;
}

ssize_t
conn_send(struct http_conn *c, struct iovec *v, int n)
{
    ssize_t sent = 0;

    assert(n > 0);
    if (!c->tls)
        return socket_send(c, v, n);
    for (int i = 0; i < n; i++) {
        ssize_t r = v[i].iov_len ? tls_send(c->tls, v[i].iov_base, v[i].iov_len) : 0;

        if (r < 0)
            return sent && r == -EAGAIN ? sent : r;
        sent += r;
        if ((size_t)r < v[i].iov_len)
            break;
    }
    return sent;
}

static bool
conn_holds(const struct http_conn *c)
{
    return c->state == HELD || c->state == STREAM;
}

static void
tell_gone(struct http_conn *c)
{
    struct exchange *x = c->x;

    assert(x->held);
    if (x->told)
        return;
    x->told = x->req.gone = true;
    if (x->req.on_gone)
        x->req.on_gone(&x->req);
}

void
conn_cut(struct http_conn *c)
{
    assert(c->running);
    if (c->state == BODY && c->x && c->x->piecewise)
        c->server->config.on_cut(&c->x->req);
}

void
conn_abort(struct http_conn *c)
{
    struct http_server *s = c->server;
    bool held = conn_holds(c);

    assert(c->running);
    if (c->state == CLOSED)
        return;
    conn_cut(c);
    loop_fd_remove(s->loop, &c->source);
    close(c->source.fd);
    c->source.fd = -1;
    c->readable = c->tls_more = false;
    c->tls = tls_conn_free(c->tls);
    c->state = CLOSED;
    loop_timer_stop(s->loop, &c->timer);
    if (held && c->x->held) {
        /* Its owner may be the one who calls us, so on_ready() tells. */
        c->x->req.gone = true;
    } else {
        exchange_put(s, c->x);
        c->x = NULL;
    }
}

/* After the last answer was taken by the kernel. */
static void
close_politely(struct http_conn *c)
{
    struct exchange *x = c->x;

    assert(c->last && c->state == FLUSH);
    if (c->tls)
        tls_goodbye(c->tls);
    if (!c->unread && x->in_n == 0 && !conn_readable(c)) {
        conn_abort(c);
        return;
    }
    exchange_put(c->server, x);
    c->x = NULL;
    shutdown(c->source.fd, SHUT_WR);
    c->state = LINGER;
    c->tls_more = false;
    conn_deadline(c, LINGER_MS);
}

/* All of an answer is written: on to the next request. */
static void
conn_next(struct http_conn *c)
{
    assert(c->out.n == c->out_sent && c->x);
    if (c->last) {
        close_politely(c);
        return;
    }
    if (c->x->in_n) {
        c->state = HEAD;
        conn_deadline(c, c->server->config.header_timeout_ms);
        return;
    }
    exchange_put(c->server, c->x);
    c->x = NULL;
    c->state = IDLE;
    conn_deadline(c, c->server->config.idle_timeout_ms);
}

void
conn_answered(struct http_conn *c)
{
    struct http_server *s = c->server;

    assert(c->state == FLUSH || c->state == CLOSED);
    if (!c->x)
        return; /* a rejection that could not be sent */
    s->stats.held -= c->x->held;
    assert(s->stats.held <= s->stats.connections);
    if (c->state == CLOSED) {
        exchange_put(s, c->x);
        c->x = NULL;
        return;
    }
    exchange_next(c->x);
    if (c->out_sent == c->out.n)
        conn_next(c);
}

/* Input. */

/* A larger buffer for the head, at least twice as large. */
static bool
grow_in(struct exchange *x)
{
    char *p = malloc(x->in_cap * 2);

    assert(x->in_n <= x->in_cap && x->in_cap <= SIZE_MAX / 2);
    if (!p)
        return false;
    memcpy(p, x->in, x->in_n);
    if (x->in != x->room)
        free(x->in);
    x->in = p;
    x->in_cap *= 2;
    return true;
}

void
conn_deliver(struct http_conn *c, struct str body, size_t next_at)
{
    struct http_server *s = c->server;
    struct exchange *x = c->x;

    assert(!x->held && next_at <= x->in_n && str_ok(body));
    x->next_at = next_at;
    x->req.body = body;
    x->req.tls = c->tls != NULL;
    x->req.ctx = s->config.ctx;
    x->req.listener_ctx = c->listener ? c->listener->ctx : NULL;
    x->held = true;
    c->state = HELD;
    c->want_drain = false;
    conn_no_deadline(c);
    s->stats.requests++;
    s->stats.held++;
    s->config.on_request(&x->req);
}

static void
parse_head(struct http_conn *c)
{
    struct exchange *x = c->x;
    size_t max = c->server->config.max_header_bytes;
    struct str in = str_of(x->in, x->in_n);

    assert(c->state == HEAD && x->in_n > x->parsed_n);
    x->req.peer = c->addr;
    int r = HTTP_MORE;
    if (x->parsed_n == 0 || http_head_may_end(in, x->parsed_n))
        r = http_parse_head(in, &x->req.head, &x->head_n);
    if (r == HTTP_MORE) {
        if (x->parsed_n == 0)
            conn_deadline(c, c->server->config.header_timeout_ms);
        x->parsed_n = x->in_n;
        if (x->in_n >= max)
            conn_reject(c, 431);
        return;
    }
    if (r == HTTP_COMPLETE && x->head_n > max)
        r = 431;
    if (r > 0) {
        conn_reject(c, (unsigned)r);
        return;
    }
    /* Chunks are read behind the head.  The head must be parsed where it stays. */
    if (x->req.head.chunked && x->in_cap - x->head_n < CHUNK_ROOM_BYTES) {
        if (!grow_in(x)) {
            conn_abort(c);
            return;
        }
        http_parse_head(str_of(x->in, x->in_n), &x->req.head, &x->head_n);
    }
    conn_begin_body(c);
}

static bool
may_read(const struct http_conn *c)
{
    return conn_readable(c) && c->budget > 0;
}

bool
conn_read_into(struct http_conn *c, char *p, size_t *n, size_t cap)
{
    if (!may_read(c))
        return false;
    assert(*n < cap);
    ssize_t r = conn_recv(c, p + *n, cap - *n);
    assert(r <= (ssize_t)(cap - *n));
    if (r > 0) {
        *n += (size_t)r;
        return true;
    }
    if (r != -EAGAIN)
        conn_abort(c);
    return false;
}

static bool
step_head(struct http_conn *c)
{
    struct exchange *x = c->x;

    if (x->in_n > x->parsed_n) {
        parse_head(c);
        return true;
    }
    if (x->in_n == x->in_cap && !grow_in(x)) {
        conn_abort(c);
        return false;
    }
    bool any = conn_read_into(c, x->in, &x->in_n, x->in_cap);
    if (c->state == HEAD && x->in_n == 0) {
        exchange_put(c->server, x);
        c->x = NULL;
        c->state = IDLE;
    }
    return any;
}

static bool
step_idle(struct http_conn *c)
{
    assert(!c->x && c->out.n == 0);
    if (!may_read(c))
        return false;
    c->x = exchange_get(c->server);
    if (!c->x) {
        conn_abort(c);
        return false;
    }
    c->x->conn = c;
    c->state = HEAD;
    return step_head(c);
}

static bool
step_linger(struct http_conn *c)
{
    char dropped[4096];
    size_t n = 0;

    assert(!c->x && c->last);
    return conn_read_into(c, dropped, &n, sizeof(dropped));
}

static bool
step(struct http_conn *c)
{
    switch (c->state) {
    case IDLE:
        return step_idle(c);
    case HEAD:
        return step_head(c);
    case BODY:
        return conn_step_body(c);
    case LINGER:
        return step_linger(c);
    case HELD:
    case STREAM:
    case FLUSH:
    case CLOSED:
        break;
    }
    return false;
}

static void
run(struct http_conn *c)
{
    c->budget = READ_BUDGET_BYTES;
    while (step(c))
        ;
}

static void
on_event(struct loop_fd *source, uint32_t events)
{
    struct http_conn *c = CONTAINER_OF(source, struct http_conn, source);
    bool outermost = conn_enter(c);

    assert(outermost);
    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_abort(c);
        conn_leave(c, outermost);
        return;
    }
    if (events & EPOLLRDHUP)
        c->half_closed = true;
    if (events & (EPOLLIN | EPOLLRDHUP))
        c->readable = true;
    if (events & EPOLLOUT && c->out.n) {
        conn_flush(c);
        if (c->state == FLUSH && c->out.n == 0)
            conn_next(c);
    }
    if (c->tls && events & EPOLLOUT && tls_wants_write(c->tls))
        c->tls_more = true;
    run(c);
    if (c->half_closed && conn_holds(c)) {
        tell_gone(c);
        run(c);
    }
    conn_leave(c, outermost);
}

static void
on_ready(struct loop_task *task)
{
    struct http_server *s = CONTAINER_OF(task, struct http_server, task);
    struct http_conn *c = s->ready;

    s->ready = NULL;
    while (c) {
        struct http_conn *next = c->next_ready;
        assert(c->queued);
        bool outermost = conn_enter(c);
        c->queued = false;
        if (c->state == CLOSED && c->x)
            tell_gone(c);
        else
            run(c);
        conn_leave(c, outermost);
        c = next;
    }
}

static void
on_timer(struct loop_timer *timer)
{
    struct http_conn *c = CONTAINER_OF(timer, struct http_conn, timer);
    const struct http_config *config = &c->server->config;
    uint64_t moved = c->moved - c->moved_before;

    if (c->deadline_ms == INT64_MAX)
        return;
    if (c->deadline_ms > loop_now_ms(c->server->loop, LOOP_MONO)) {
        loop_timer_set(c->server->loop, timer, LOOP_MONO, c->deadline_ms);
        return;
    }
    if (c->state == BODY && moved >= BODY_MOVES_BYTES) {
        conn_deadline(c, config->body_timeout_ms);
        return;
    }
    if ((c->state == FLUSH || c->state == STREAM) && moved > 0) {
        conn_deadline(c, config->write_timeout_ms);
        return;
    }
    bool outermost = conn_enter(c);
    if (c->state != IDLE && c->state != LINGER)
        c->server->stats.timeouts++;
    conn_abort(c);
    conn_leave(c, outermost);
}

/* The server. */

#define DEFAULT(field, value)                                                                      \
    do {                                                                                           \
        if (!s->config.field)                                                                      \
            s->config.field = (value);                                                             \
    } while (0)

int
http_server_new(struct http_server **ret, struct loop *loop, const struct http_config *config)
{
    struct http_server *s = calloc(1, sizeof(*s));

    assert(ret && loop);
    assert(config->on_request);
    if (!s)
        return error_origin(ENOMEM, "cannot make a server");
    s->loop = loop;
    s->config = *config;
    DEFAULT(max_header_bytes, 16 * KIB);
    DEFAULT(max_body_bytes, 1024 * KIB);
    DEFAULT(max_stream_bytes, 1024 * KIB);
    DEFAULT(header_timeout_ms, 10 * 1000);
    DEFAULT(body_timeout_ms, 20 * 1000);
    DEFAULT(idle_timeout_ms, 60 * 1000);
    DEFAULT(write_timeout_ms, 20 * 1000);
    DEFAULT(max_connections, 4096);
    s->config.max_header_bytes = MIN(MAX(s->config.max_header_bytes, KIB), 64 * KIB);
    s->task.fn = on_ready;
    s->resume.fn = on_resume;
    s->date_s = INT64_MIN;
    buf_init(&s->head, HEAD_ANSWER_MAX_BYTES);
    *ret = s;
    return 0;
}

int
http_server_listen(struct http_server *s, int fd, void *listener_ctx, struct http_listener **ret)
{
    struct http_listener *l = calloc(1, sizeof(*l));
    const int on = 1;

    assert(fd >= 0);
    if (!l)
        return error_origin(ENOMEM, "cannot listen");
    l->source = (struct loop_fd){.fd = fd, .fn = on_listener};
    l->server = s;
    l->ctx = listener_ctx;
    l->id = ++s->listener_ids;
    /* Accepted sockets inherit it; a unix socket has no use for it. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int r = loop_fd_add(s->loop, &l->source, s->paused ? 0 : EPOLLIN);
    if (r < 0) {
        free(l);
        return r;
    }
    l->next = s->listeners;
    l->link = &s->listeners;
    if (l->next)
        l->next->link = &l->next;
    s->listeners = l;
    if (ret)
        *ret = l;
    return 0;
}

void
http_server_unlisten(struct http_listener *l)
{
    struct http_server *s = l->server;

    assert(s->stats.connections > 0 || !s->conns);
    for (struct http_conn *c = s->conns, *next; c; c = next) {
        next = c->next;
        if (c->listener != l)
            continue;
        c->listener = NULL;
        if (c->x)
            c->x->req.listener_ctx = NULL;
        if (c->state == IDLE) {
            bool outermost = conn_enter(c);
            conn_abort(c);
            conn_leave(c, outermost);
        }
    }
    loop_fd_remove(s->loop, &l->source);
    close(l->source.fd);
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    free(l);
}

void
http_server_stop(struct http_server *s)
{
    while (s->listeners)
        http_server_unlisten(s->listeners);
}

struct http_server *
http_server_free(struct http_server *s)
{
    if (!s)
        return NULL;
    http_server_stop(s);
    loop_task_cancel(s->loop, &s->task);
    while (s->conns) {
        struct http_conn *c = s->conns;
        assert(!c->running);
        c->running = true;
        conn_abort(c);
        if (c->x)
            tell_gone(c);
        exchange_put(s, c->x);
        c->x = NULL;
        c->queued = false;
        conn_free(c);
    }
    loop_timer_stop(s->loop, &s->resume);
    while (s->free_exchanges) {
        struct exchange *x = s->free_exchanges;
        s->free_exchanges = x->next_free;
        free(x);
    }
    buf_done(&s->head);
    free(s);
    return NULL;
}

struct http_stats
http_server_stats(const struct http_server *s)
{
    return s->stats;
}

void
http_request_close(struct http_request *req)
{
    exchange_of(req)->conn->last = true;
}

int
http_request_fd(const struct http_request *req)
{
    return exchange_of(req)->conn->source.fd;
}
