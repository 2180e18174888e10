/*
 * Names that are not ours are asked of the host's resolver, and what that does not answer in time
 * fails with SERVFAIL, because a guest that boots waits for each name.
 *
 * Questions that are forwarded get a number of ours (guests choose the same ones); their own
 * number and place are kept until the answer or the deadline.  They go by UDP; what upstream
 * truncates is asked again by TCP when the guest asked by TCP, and else passed on as it is, so
 * that the guest comes back by TCP itself.
 */
#include "guestnet/internal.h"

#include "base/log.h"
#include "codec/dns.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASKED_MAX 256
#define STREAMS_MAX 16
#define UPSTREAM_LIMIT_MS 3000
#define HEADER_BYTES 12
#define TRUNCATED 0x02 /* in the third byte of a message */

/* One question by TCP, a connection each: first the question lies in `bytes`, then the answer. */
struct stream {
    struct loop_fd source;
    struct asked *asked;
    bool sent;
    size_t n, done;
    uint8_t bytes[2 + UINT16_MAX];
};

struct asked {
    struct dns_forwarder *forwarder;
    struct loop_timer deadline;
    struct stream *stream; /* NULL: by UDP */
    bool busy;
    uint16_t id; /* ours */
    struct dns_question question;
};

struct dns_forwarder {
    struct loop *loop;
    struct loop_fd source;
    struct sockaddr_in upstream;
    unsigned next, n_streams;
    struct asked asked[ASKED_MAX];
};

static void
stream_free(struct stream *s)
{
    struct dns_forwarder *f = s->asked->forwarder;

    assert(f->n_streams <= STREAMS_MAX);
    assert(f->n_streams > 0);
    f->n_streams--;
    loop_fd_remove(f->loop, &s->source);
    close(s->source.fd);
    free(s);
}

/* Its place is free again; the question stays readable until the next one comes. */
static void
asked_end(struct asked *asked)
{
    assert(!asked->stream || asked->busy);
    asked->busy = false;
    loop_timer_stop(asked->forwarder->loop, &asked->deadline);
    if (asked->stream)
        stream_free(asked->stream);
    asked->stream = NULL;
}

static void
asked_fail(struct asked *asked)
{
    struct dns_query q;

    assert(asked->busy);
    asked_end(asked);
    if (dns_parse_query(str_of(asked->question.d.bytes, asked->question.d.n), &q))
        dns_reply_none(&asked->question, &q, DNS_SERVFAIL);
}

static void
too_late(struct loop_timer *timer)
{
    asked_fail(CONTAINER_OF(timer, struct asked, deadline));
}

static void
asked_limit(struct asked *asked)
{
    struct loop *loop = asked->forwarder->loop;

    assert(asked->busy);
    asked->deadline.fn = too_late;
    loop_timer_set(loop, &asked->deadline, LOOP_MONO,
                   loop_now_ms(loop, LOOP_MONO) + UPSTREAM_LIMIT_MS);
}

static uint16_t
get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, size_t v)
{
    assert(v <= 0xffff);
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* The question as upstream gets it. */
static void
put_question(const struct asked *asked, uint8_t *p)
{
    assert(asked->question.d.n >= HEADER_BYTES && asked->question.d.n <= DATAGRAM_MAX);
    memcpy(p, asked->question.d.bytes, asked->question.d.n);
    put16(p, asked->id);
}

/* ---- TCP ---- */

/* 1: all that was wanted is done; 0: later; -errno. */
static int
stream_move(struct stream *s)
{
    assert(s->done <= s->n && s->n <= sizeof(s->bytes));
    while (s->done < s->n) {
        ssize_t n = s->sent ? recv(s->source.fd, s->bytes + s->done, s->n - s->done, MSG_DONTWAIT)
                            : send(s->source.fd, s->bytes + s->done, s->n - s->done,
                                   MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        s->done += (size_t)n;
        assert(s->done <= s->n);
        if (s->sent && s->done == 2)
            s->n = 2 + (size_t)get16(s->bytes);
    }
    return 1;
}

static void
on_stream(struct loop_fd *source, uint32_t events UNUSED)
{
    struct stream *s = CONTAINER_OF(source, struct stream, source);
    struct asked *asked = s->asked;
    int r = stream_move(s);

    assert(asked->busy && asked->stream == s);
    if (r == 1 && !s->sent) {
        s->sent = true;
        s->done = 0;
        s->n = 2; /* the length of the answer */
        r = loop_fd_change(asked->forwarder->loop, source, EPOLLIN);
    }
    if (r == 0)
        return;
    if (r < 0 || s->n < 2 + HEADER_BYTES || get16(s->bytes + 2) != asked->id) {
        asked_fail(asked);
        return;
    }
    asked->stream = NULL; /* its bytes are still needed */
    asked_end(asked);
    memcpy(s->bytes + 2, asked->question.d.bytes, 2);
    dns_reply(&asked->question, s->bytes + 2, s->n - 2);
    stream_free(s);
}

/* Asks again by TCP; the place stays taken. */
static bool
stream_ask(struct asked *asked)
{
    struct dns_forwarder *f = asked->forwarder;
    int fd = f->n_streams < STREAMS_MAX
                 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
                 : -1;
    struct stream *s = fd < 0 ? NULL : malloc(sizeof(*s));

    assert(asked->busy && !asked->stream && asked->question.conn);
    if (s) {
        s->source = (struct loop_fd){.fd = fd, .fn = on_stream};
        s->asked = asked;
        s->sent = false;
        s->done = 0;
        s->n = 2 + asked->question.d.n;
        put16(s->bytes, asked->question.d.n);
        put_question(asked, s->bytes + 2);
    }
    if (!s ||
        (connect(fd, (struct sockaddr *)&f->upstream, sizeof(f->upstream)) < 0 &&
         errno != EINPROGRESS) ||
        loop_fd_add(f->loop, &s->source, EPOLLOUT) < 0) {
        free(s);
        if (fd >= 0)
            close(fd);
        return false;
    }
    f->n_streams++;
    asked->stream = s;
    asked_limit(asked);
    return true;
}

/* ---- UDP ---- */

/* n may be more than there was room for. */
static void
upstream_answered(struct asked *asked, uint8_t *bytes, size_t n)
{
    bool whole = n <= DATAGRAM_MAX;

    assert(asked->busy && !asked->stream && n >= HEADER_BYTES);
    if (asked->question.conn && (!whole || (bytes[2] & TRUNCATED))) {
        if (!stream_ask(asked))
            asked_fail(asked);
        return;
    }
    if (!whole) {
        asked_fail(asked);
        return;
    }
    asked_end(asked);
    memcpy(bytes, asked->question.d.bytes, 2);
    dns_reply(&asked->question, bytes, n);
}

static void
on_upstream(struct loop_fd *source, uint32_t events UNUSED)
{
    struct dns_forwarder *f = CONTAINER_OF(source, struct dns_forwarder, source);
    uint8_t bytes[DATAGRAM_MAX];
    ssize_t n;

    while ((n = recv(source->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC)) >= HEADER_BYTES) {
        uint16_t id = get16(bytes);
        struct asked *asked = &f->asked[id % ASKED_MAX];

        if (asked->busy && !asked->stream && asked->id == id)
            upstream_answered(asked, bytes, (size_t)n);
    }
}

bool
dns_forward(struct dns_forwarder *f, const struct dns_question *question)
{
    struct env *env = loop_env(f->loop);
    struct asked *asked = &f->asked[f->next++ % ASKED_MAX];
    uint8_t random[2], bytes[DATAGRAM_MAX];

    assert(question->d.n >= HEADER_BYTES && question->d.n <= DATAGRAM_MAX);
    if (f->source.fd < 0 || asked->busy)
        return false;
    /* An answer is taken by a number that cannot be guessed, in the place that it names. */
    env->random(env, random, sizeof(random));
    asked->id = (uint16_t)(get16(random) / ASKED_MAX * ASKED_MAX + (asked - f->asked));
    assert(asked->id % ASKED_MAX == asked - f->asked);
    asked->question = *question;
    put_question(asked, bytes);
    if (send(f->source.fd, bytes, question->d.n, MSG_DONTWAIT) < 0)
        return false;
    asked->busy = true;
    asked_limit(asked);
    return true;
}

void
dns_forwarder_forget(struct dns_forwarder *f, const struct dns_conn *conn)
{
    assert(conn);
    for (int i = 0; i < ASKED_MAX; i++)
        if (f->asked[i].busy && f->asked[i].question.conn == conn)
            asked_end(&f->asked[i]);
}

void
dns_forwarder_forget_vpc(struct dns_forwarder *f, const struct guestnet_vpc *vpc)
{
    for (int i = 0; i < ASKED_MAX; i++)
        if (f->asked[i].busy && f->asked[i].question.vpc == vpc)
            asked_end(&f->asked[i]);
}

bool
dns_forwarder_exists(const struct dns_forwarder *f)
{
    return f->upstream.sin_addr.s_addr != 0;
}

struct dns_forwarder *
dns_forwarder_new(struct loop *loop, uint32_t upstream, uint16_t port)
{
    struct dns_forwarder *f = calloc(1, sizeof(*f));

    if (!f)
        abort();
    f->loop = loop;
    f->upstream = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons(port ? port : 53),
                                       .sin_addr.s_addr = htonl(upstream)};
    for (int i = 0; i < ASKED_MAX; i++)
        f->asked[i].forwarder = f;
    f->source.fn = on_upstream;
    f->source.fd = upstream ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (f->source.fd >= 0 &&
        (connect(f->source.fd, (struct sockaddr *)&f->upstream, sizeof(f->upstream)) < 0 ||
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
        asked_end(&f->asked[i]);
    if (f->source.fd >= 0) {
        loop_fd_remove(f->loop, &f->source);
        close(f->source.fd);
    }
    free(f);
    return NULL;
}
