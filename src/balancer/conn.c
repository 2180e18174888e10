/*
 * A client's connection, and the one to a target that answers its request.
 *
 *            head complete: a page of ours ──────────────▶ answered
 *   HEAD ──▶ head complete: to a target ──▶ RELAY ──┬────▶ answered ──▶ HEAD, or CLOSING
 *    ▲                                              └────▶ TUNNEL (101)
 *    └── the next request, when both sides keep the connection
 *
 * Bytes go from a socket into a fifo (`in`), from there into the fifo of the other end (`out`), and
 * to its socket.  A fifo that is full is not read into, so who sends waits for who reads; and a
 * body is followed but never held.
 *
 * Descriptors are level-triggered, with what is wanted of them set anew after each step.
 */
#include "balancer/balancer.h"
#include "balancer/route.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum phase { HEAD, RELAY, TUNNEL, CLOSING };
enum body_kind { NONE, LENGTH, CHUNKED, TO_END };

/* A body on its way. */
struct body {
    enum body_kind kind;
    bool plain; /* without its chunks' sizes: who gets it knows none */
    uint64_t left;
    struct http_chunked chunks;
    bool done;
};

struct end {
    struct loop_fd source; /* fd -1: closed */
    uint32_t mask;
    struct fifo in, out;
    bool eof;
};

struct conn {
    struct bal *bal;
    struct conn *next, *prev;
    struct end client, server;
    uint32_t ip;
    uint16_t port, local_port;
    enum phase phase;
    struct loop_timer timer;
    int64_t deadline_ms;
    bool dead;

    /* the request */
    struct bal_config *config;
    const struct bal_listener *listener;
    const struct bal_action *action;
    struct bal_pick pick;
    bool keep, no_body, upgrade, old; /* HTTP/1.0 */
    struct body asked, answer;
    bool answering;         /* the answer's head went to the client */
    bool connected, reused; /* the server's end */
    bool server_keep;
    struct buf head; /* of a request without a body, to be sent again */
};

static void step(struct conn *c);

/* ---- ends ---- */

static void
end_close(struct conn *c, struct end *e)
{
    if (e->source.fd >= 0) {
        loop_fd_remove(c->bal->loop, &e->source);
        close(e->source.fd);
    }
    e->source.fd = -1;
}

static void
end_forget(struct end *e)
{
    fifo_done(&e->in);
    fifo_done(&e->out);
    e->eof = false;
}

static void
want(struct conn *c, struct end *e, uint32_t mask)
{
    if (e->source.fd >= 0 && e->mask != mask) {
        e->mask = mask;
        loop_fd_change(c->bal->loop, &e->source, mask);
    }
}

/* ---- the end of a connection and of a request ---- */

static void
conn_free(struct conn *c)
{
    struct bal *bal = c->bal;

    assert(bal->n_conns > 0 && (c->prev || bal->conns == c));
    loop_timer_stop(bal->loop, &c->timer);
    end_close(c, &c->client);
    end_close(c, &c->server);
    end_forget(&c->client);
    end_forget(&c->server);
    if (c->pick.target)
        bal_state_release(c->pick.target->state);
    bal_config_unref(c->config);
    buf_done(&c->head);
    if (c->prev)
        c->prev->next = c->next;
    else
        bal->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    bal->n_conns--;
    free(c);
}

/* A connection to a target that waits for another request ends when the target says anything. */
static void
on_idle(struct loop_fd *source, uint32_t events UNUSED)
{
    struct idle *idle = CONTAINER_OF(source, struct idle, source);

    assert(source->fd >= 0 && idle->state->n_idle > 0);
    loop_fd_remove(idle->state->bal->loop, source);
    close(source->fd);
    source->fd = -1;
    idle->state->n_idle--;
}

/* Keeps the server's end for another request; false: it is closed. */
static bool
keep_server(struct conn *c)
{
    struct bal_state *s = c->pick.target->state;

    assert(s->n_idle <= BAL_IDLE_MAX && s->outstanding > 0);
    if (c->server.source.fd < 0 || !c->asked.done || !c->server_keep || c->server.eof ||
        c->server.in.n || c->server.out.n || !s->wanted || s->n_idle == BAL_IDLE_MAX)
        return false;
    for (size_t i = 0; i < BAL_IDLE_MAX; i++) {
        struct idle *idle = &s->idle[i];

        if (idle->source.fd >= 0)
            continue;
        loop_fd_remove(c->bal->loop, &c->server.source);
        *idle = (struct idle){.source = {.fd = c->server.source.fd, .fn = on_idle}, .state = s};
        c->server.source.fd = -1;
        if (loop_fd_add(c->bal->loop, &idle->source, EPOLLIN) < 0) {
            close(idle->source.fd);
            idle->source.fd = -1;
            return false;
        }
        s->n_idle++;
        return true;
    }
    return false;
}

static void
forget_request(struct conn *c)
{
    if (c->pick.target) {
        if (!keep_server(c))
            end_close(c, &c->server);
        bal_state_release(c->pick.target->state);
    }
    end_forget(&c->server);
    c->pick = (struct bal_pick){0};
    c->config = bal_config_unref(c->config);
    c->action = NULL;
    c->listener = NULL;
    buf_reset(&c->head);
}

/* The answer is whole in client.out.  What was not read of the request ends the connection. */
static void
answered(struct conn *c)
{
    bool keep = c->keep && c->asked.done;

    assert(c->phase != TUNNEL && c->phase != CLOSING);
    forget_request(c);
    c->phase = keep ? HEAD : CLOSING;
    c->deadline_ms = 0;
}

/* ---- pages of our own ---- */

static void
put(struct fifo *f, struct buf *b)
{
    if (!buf_failed(b))
        fifo_put(f, b->p, b->n);
    buf_done(b);
}

static void
page(struct conn *c, unsigned status, struct str location)
{
    struct buf b;

    assert(!c->answering);
    buf_init(&b, BAL_HEAD_MAX);
    bal_page(c->bal, status, location, c->keep && c->asked.done, c->no_body, &b);
    put(&c->client.out, &b);
    answered(c);
}

/* The target failed.  A client that has part of an answer already can only be told by the end. */
static void
fail(struct conn *c, unsigned status)
{
    end_close(c, &c->server);
    if (c->answering)
        c->dead = true;
    else
        page(c, status, STR_NONE);
}

/* What never became a request. */
static void
reject(struct conn *c, unsigned status)
{
    c->keep = false;
    c->no_body = false;
    c->answering = false;
    page(c, status, STR_NONE);
}

/* ---- to a target ---- */

static void on_event(struct loop_fd *source, uint32_t events);
static void on_server(struct loop_fd *source, uint32_t events);

static bool
watch_server(struct conn *c, int fd)
{
    c->server.source = (struct loop_fd){.fd = fd, .fn = on_server};
    c->server.mask = EPOLLOUT;
    if (loop_fd_add(c->bal->loop, &c->server.source, EPOLLOUT) >= 0)
        return true;
    close(fd);
    c->server.source.fd = -1;
    return false;
}

/* One that waits from an earlier request. */
static bool
reuse(struct conn *c)
{
    struct bal_state *s = c->pick.target->state;

    for (size_t i = 0; i < BAL_IDLE_MAX; i++) {
        int fd = s->idle[i].source.fd;

        if (fd < 0)
            continue;
        loop_fd_remove(c->bal->loop, &s->idle[i].source);
        s->idle[i].source.fd = -1;
        s->n_idle--;
        c->connected = c->reused = true;
        return watch_server(c, fd);
    }
    return false;
}

static void
connect_server(struct conn *c)
{
    const struct bal_target *t = c->pick.target;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(t->port), .sin_addr.s_addr = htonl(t->ip)};
    const int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert(c->phase == RELAY && c->server.source.fd < 0 && t->port);
    c->connected = c->reused = false;
    if (fd < 0 || !watch_server(c, fd)) {
        fail(c, 500);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        fail(c, 502);
}

/* ---- a request ---- */

static const struct bal_listener *
listener_of(const struct bal_config *config, uint16_t port)
{
    LIST_EACH(&config->listeners, l)
        if (l->port == port)
            return l;
    return NULL;
}

static struct body
body_of(const struct http_head *head)
{
    struct body b = {.kind = head->chunked ? CHUNKED : head->content_length > 0 ? LENGTH : NONE};

    b.left = b.kind == LENGTH ? (uint64_t)head->content_length : 0;
    b.done = b.kind == NONE;
    return b;
}

static void
forward(struct conn *c, const struct http_head *head)
{
    const struct bal_asked asked = {.config = c->config,
                                    .listener = c->listener,
                                    .head = head,
                                    .client = c->ip,
                                    .client_port = c->port,
                                    .upgrade = c->upgrade};
    struct bal_pick pick = bal_pick(c->bal, c->action, head);
    struct buf b;

    assert(!c->pick.target && c->server.source.fd < 0 && !c->server.out.n);
    if (!pick.target) {
        page(c, 503, STR_NONE);
        return;
    }
    c->pick = pick;
    bal_state_hold(pick.target->state);
    buf_init(&b, 2 * BAL_HEAD_MAX);
    bal_head_forward(c->bal, &asked, &b);
    if (buf_failed(&b)) {
        buf_done(&b);
        fail(c, 500);
        return;
    }
    if (c->asked.done)
        buf_add_str(&c->head, buf_str(&b));
    put(&c->server.out, &b);
    if (head->expect_continue)
        fifo_put(&c->client.out, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    c->phase = RELAY;
    c->server_keep = false;
    c->answer = (struct body){0};
    if (!reuse(c))
        connect_server(c);
}

static void
begin(struct conn *c, const struct http_head *head)
{
    struct arena scratch;
    struct bal_view view = {.head = head, .client = c->ip};

    c->keep = head->keep_alive;
    c->no_body = head->method == HTTP_HEAD;
    c->old = head->minor == 0;
    c->answering = false;
    c->asked = body_of(head);
    c->upgrade = head->known[HTTP_CONNECTION].p &&
                 http_has_token(head->known[HTTP_CONNECTION], S("upgrade")) &&
                 http_header_get(head, S("upgrade")).n && c->asked.done;
    c->listener = c->bal->config ? listener_of(c->bal->config, c->local_port) : NULL;
    if (!c->listener) {
        page(c, 503, STR_NONE); /* the listener has just gone */
        return;
    }
    if (str_is(head->method_name, "TRACE") || str_is(head->path, "*")) {
        page(c, str_is(head->path, "*") ? 400 : 405, STR_NONE);
        return;
    }
    c->config = bal_config_ref(c->bal->config);
    arena_init(&scratch, (size_t)8 << 20);
    c->action = &bal_route(c->listener, &view)->action;
    if (c->action->does == BAL_REDIRECT) {
        page(c, c->action->status, bal_redirect(&scratch, c->action, &view, c->local_port));
    } else if (c->action->does == BAL_RESPOND) {
        struct buf b;

        buf_init(&b, BAL_HEAD_MAX);
        bal_fixed(c->bal, c->action, c->keep && c->asked.done, c->no_body, &b);
        put(&c->client.out, &b);
        answered(c);
    } else {
        forward(c, head);
    }
    arena_done(&scratch);
}

/* Whether a head was there. */
static bool
take_head(struct conn *c)
{
    static struct http_head head;
    size_t used;

    if (!c->client.in.n)
        return false;
    int r = http_parse_head(fifo_str(&c->client.in), &head, &used);

    if (r == HTTP_MORE && c->client.in.n < BAL_HEAD_MAX)
        return false;
    if (r != HTTP_COMPLETE) {
        c->asked = (struct body){0};
        reject(c, r == HTTP_MORE ? 400 : (unsigned)r);
        return true;
    }
    begin(c, &head);
    fifo_drop(&c->client.in, used); /* the head's slices lie in it until here */
    return true;
}

/* ---- bodies ---- */

/* Moves what there is of a body.  -1: it is malformed; else whether anything was moved. */
static int
move(struct body *b, struct fifo *from, struct fifo *to)
{
    char scratch[4096];
    size_t n = MIN(from->n, to->n < BAL_PIPE_MAX ? BAL_PIPE_MAX - to->n : 0), used, made;
    int r;

    if (b->done || !n)
        return 0;
    switch (b->kind) {
    case LENGTH:
        n = (size_t)MIN((uint64_t)n, b->left);
        b->left -= n;
        b->done = !b->left;
        break;
    case CHUNKED: /* as it came; only its end is looked for */
        n = MIN(n, sizeof(scratch));
        r = http_chunked_decode(&b->chunks, from->p + from->at, n, scratch, &used, &made);
        if (r != HTTP_MORE && r != HTTP_COMPLETE)
            return -1;
        n = used;
        b->done = r == HTTP_COMPLETE;
        if (b->plain) {
            fifo_put(to, scratch, made);
            fifo_drop(from, n);
            return n > 0;
        }
        break;
    default:
        assert(b->kind == TO_END);
    }
    fifo_put(to, from->p + from->at, n);
    fifo_drop(from, n);
    return n > 0;
}

/* ---- a target's answer ---- */

static void
answer_body(struct conn *c, struct http_head *head, unsigned status)
{
    c->answer = body_of(head);
    if (c->no_body || status == 204 || status == 304)
        c->answer = (struct body){.done = true};
    else if (!head->chunked && head->content_length < 0)
        c->answer = (struct body){.kind = TO_END};
    c->server_keep = head->keep_alive && c->answer.kind != TO_END;
    c->answer.plain = head->chunked && c->old;
    if (c->answer.plain)
        head->chunked = false;
    if (c->answer.kind == TO_END || c->answer.plain)
        c->keep = false;
}

static void
answer_head(struct conn *c, struct http_head *head, unsigned status)
{
    struct buf b, cookies;

    if (status == 101 && !c->upgrade) {
        fail(c, 502);
        return;
    }
    assert(!c->answering && c->pick.target && c->action->does == BAL_FORWARD);
    answer_body(c, head, status);
    buf_init(&cookies, 4096);
    buf_init(&b, 2 * BAL_HEAD_MAX);
    bal_pick_cookies(c->bal, c->action, &c->pick, head, &cookies);
    bal_head_answer(c->bal, head, status, c->listener->server, c->keep && c->asked.done,
                    buf_str(&cookies), &b);
    put(&c->client.out, &b);
    buf_done(&cookies);
    c->answering = true;
    if (status == 101)
        c->phase = TUNNEL;
}

/* Whether it came further. */
static bool
take_answer(struct conn *c)
{
    static struct http_head head;
    unsigned status;
    size_t used;

    if (!c->server.in.n)
        return false;
    int r = http_parse_answer(fifo_str(&c->server.in), &head, &status, &used);

    if (r == HTTP_MORE && c->server.in.n < BAL_HEAD_MAX)
        return false;
    if (r != HTTP_COMPLETE) {
        fail(c, 502);
        return true;
    }
    if (status >= 200 || status == 101)
        answer_head(c, &head, status);
    /* a failed one has forgotten what it was read from; others of the kind 1xx say nothing */
    if (c->server.in.n)
        fifo_drop(&c->server.in, used);
    return true;
}

/* A connection that had waited may have been closed just then: the request is sent on another. */
static void
server_gone(struct conn *c)
{
    assert(c->phase == RELAY && c->pick.target);
    if (c->reused && !c->answering && !c->server.in.n && c->head.n) {
        end_close(c, &c->server);
        end_forget(&c->server);
        fifo_put(&c->server.out, c->head.p, c->head.n);
        connect_server(c);
    } else {
        fail(c, 502);
    }
}

static bool
relay(struct conn *c)
{
    int moved = move(&c->asked, &c->client.in, &c->server.out);

    if (moved < 0) {
        c->asked.done = false;
        fail(c, 400);
        return true;
    }
    if (!c->answering)
        return take_answer(c) || moved;
    int got = move(&c->answer, &c->server.in, &c->client.out);

    if (got < 0) {
        c->dead = true;
    } else if (c->answer.done || (c->answer.kind == TO_END && c->server.eof && !c->server.in.n)) {
        answered(c);
        return true;
    }
    return moved || got;
}

static bool
tunnel(struct conn *c)
{
    struct body up = {.kind = TO_END}, down = {.kind = TO_END};
    bool moved = move(&up, &c->client.in, &c->server.out) > 0;

    moved = move(&down, &c->server.in, &c->client.out) > 0 || moved;
    if ((c->client.eof && !c->client.in.n && !c->server.out.n) ||
        (c->server.eof && !c->server.in.n && !c->client.out.n))
        c->dead = true;
    return moved;
}

/* ---- steps ---- */

static void
read_end(struct end *e, size_t max)
{
    assert(max <= BAL_HEAD_MAX && e->in.n <= BAL_HEAD_MAX);
    while (e->source.fd >= 0 && !e->eof && e->in.n < max) {
        ssize_t n = fifo_recv(&e->in, e->source.fd, max);

        if (n == -EAGAIN)
            return;
        if (n <= 0)
            e->eof = true;
    }
}

static void
send_end(struct conn *c, struct end *e)
{
    if (e->source.fd >= 0 && e->out.n && fifo_send(&e->out, e->source.fd) < 0) {
        fifo_done(&e->out);
        e->eof = true;
        if (e == &c->client)
            c->dead = true;
    }
}

static void
set_timer(struct conn *c)
{
    const struct bal_config *config = c->config ? c->config : c->bal->config;
    int64_t ms = (c->phase == RELAY && !c->connected) ? BAL_CONNECT_MS
                                                      : (config ? config->idle_s : 60) * 1000;

    c->deadline_ms = bal_now_ms(c->bal) + ms;
    loop_timer_set(c->bal->loop, &c->timer, LOOP_MONO, c->deadline_ms);
}

/* What is wanted of the descriptors now. */
static void
set_wants(struct conn *c)
{
    bool server = c->server.source.fd >= 0;
    size_t room = c->phase == HEAD ? BAL_HEAD_MAX : BAL_PIPE_MAX;

    want(c, &c->client,
         (c->client.eof || c->client.in.n >= room ? 0 : (uint32_t)EPOLLIN) |
             (c->client.out.n ? (uint32_t)EPOLLOUT : 0));
    if (server)
        want(c, &c->server,
             !c->connected
                 ? (uint32_t)EPOLLOUT
                 : (c->server.eof || c->server.in.n >= BAL_HEAD_MAX ? 0 : (uint32_t)EPOLLIN) |
                       (c->server.out.n ? (uint32_t)EPOLLOUT : 0));
}

/* Whether the ends that are no more mean the end of it all. */
static void
look_at_ends(struct conn *c)
{
    bool idle = c->phase == HEAD && !c->client.out.n;

    if (c->phase == RELAY && c->server.eof &&
        (!c->answering || (!c->server.in.n && c->answer.kind != TO_END)))
        server_gone(c);
    /* A client that has left while its request is carried out gets no answer. */
    if (c->client.eof && (c->phase == RELAY || idle))
        c->dead = true;
    if (c->phase == CLOSING && !c->client.out.n) {
        shutdown(c->client.source.fd, SHUT_WR);
        c->dead = true;
    }
}

static void
step(struct conn *c)
{
    bool more = true;

    while (more && !c->dead) {
        read_end(&c->client, c->phase == HEAD ? BAL_HEAD_MAX : BAL_PIPE_MAX);
        if (c->connected)
            read_end(&c->server, BAL_HEAD_MAX);
        more = c->phase == HEAD     ? !c->client.out.n && take_head(c)
               : c->phase == RELAY  ? relay(c)
               : c->phase == TUNNEL ? tunnel(c)
                                    : false;
        if (c->connected)
            send_end(c, &c->server);
        bool waited = c->client.out.n > 0;

        send_end(c, &c->client);
        more = more || (waited && !c->client.out.n && c->phase != CLOSING);
        if (!more)
            look_at_ends(c);
    }
    if (c->dead) {
        conn_free(c);
        return;
    }
    set_wants(c);
    set_timer(c);
}

static void
on_event(struct loop_fd *source, uint32_t events)
{
    struct conn *c = CONTAINER_OF(source, struct conn, client.source);

    if (events & (EPOLLERR | EPOLLHUP))
        c->dead = true;
    step(c);
}

static void
on_server(struct loop_fd *source, uint32_t events)
{
    struct conn *c = CONTAINER_OF(source, struct conn, server.source);
    int error = 0;
    socklen_t len = sizeof(error);

    if (!c->connected) {
        if (getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
            fail(c, error == ETIMEDOUT ? 504 : 502);
        else
            c->connected = true;
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        read_end(&c->server, BAL_HEAD_MAX);
        c->server.eof = c->server.eof || c->server.in.n < BAL_HEAD_MAX;
    }
    step(c);
}

static void
on_timer(struct loop_timer *timer)
{
    struct conn *c = CONTAINER_OF(timer, struct conn, timer);

    if (c->phase == RELAY && !c->answering) {
        fail(c, 504);
        step(c);
    } else {
        conn_free(c);
    }
}

void
bal_conn_open(struct bal *bal, int fd, uint32_t ip, uint16_t port, uint16_t local_port)
{
    struct conn *c = calloc(1, sizeof(*c));

    assert(fd >= 0 && bal->n_conns < BAL_CONNS_MAX);
    if (!c)
        abort();
    c->bal = bal;
    c->ip = ip;
    c->port = port;
    c->local_port = local_port;
    c->server.source.fd = -1;
    c->client.source = (struct loop_fd){.fd = fd, .fn = on_event};
    c->client.mask = EPOLLIN;
    c->timer.fn = on_timer;
    c->asked.done = true;
    buf_init(&c->head, 2 * BAL_HEAD_MAX);
    c->next = bal->conns;
    if (c->next)
        c->next->prev = c;
    bal->conns = c;
    bal->n_conns++;
    if (loop_fd_add(bal->loop, &c->client.source, EPOLLIN) < 0) {
        close(fd);
        c->client.source.fd = -1;
        conn_free(c);
        return;
    }
    set_timer(c);
}

void
bal_conns_free(struct bal *bal)
{
    while (bal->conns)
        conn_free(bal->conns);
}
