/*
 * Names are looked up and sockets are waited for, both for as long as it takes: that is what the
 * threads are for.  They share with the loop two queues under one lock and an eventfd, and know
 * nothing else of the daemon.
 */
#include "daemon/poster.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, QUEUED_MAX = 256, HEAD_MAX = 8192, STOP_LOOK_MS = 200 };

struct job {
    struct job *next;
    struct arena arena;
    struct str id, host, port, path, request;
    bool tls;
    int status;
    const char *why; /* NULL: there was a reply */
};

struct poster {
    struct loop *loop;
    struct api_poster driver;
    struct api_poster_events events;
    struct loop_fd done_fd;
    pthread_t threads[THREADS];
    int n_threads;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    struct job *todo, **todo_end, *done, **done_end;
    size_t n;
    atomic_bool stop; /* read by connections without the lock */
    SSL_CTX *ssl;
};

/* ---- a connection ---- */

struct wire {
    int fd;
    SSL *ssl;
    int64_t until_ms;
    const atomic_bool *stop;
};

static int64_t
mono_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the socket is ready, or the time is up. */
static bool
wait_for(const struct wire *w, short events)
{
    struct pollfd p = {.fd = w->fd, .events = events};
    int64_t left_ms;

    assert(w->fd >= 0 && w->stop);
    while ((left_ms = w->until_ms - mono_ms()) > 0 && !*w->stop)
        if (poll(&p, 1, (int)MIN(left_ms, STOP_LOOK_MS)) > 0)
            return true;
    return false;
}

static bool
connect_to(struct wire *w, const struct addrinfo *to)
{
    int error = 0;
    socklen_t n = sizeof(error);

    w->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->fd < 0)
        return false;
    if (connect(w->fd, to->ai_addr, to->ai_addrlen) == 0 ||
        (errno == EINPROGRESS && wait_for(w, POLLOUT) &&
         getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0))
        return true;
    close(w->fd);
    w->fd = -1;
    return false;
}

/* Whether TLS wants another round. */
static bool
tls_again(const struct wire *w, int got)
{
    int e = SSL_get_error(w->ssl, got);

    return (e == SSL_ERROR_WANT_READ && wait_for(w, POLLIN)) ||
           (e == SSL_ERROR_WANT_WRITE && wait_for(w, POLLOUT));
}

static bool
begin_tls(struct wire *w, SSL_CTX *ctx, const char *host)
{
    int got;

    assert(!w->ssl && w->fd >= 0 && host[0] != '\0');
    w->ssl = ctx ? SSL_new(ctx) : NULL;
    if (!w->ssl || !SSL_set_fd(w->ssl, w->fd) || !SSL_set_tlsext_host_name(w->ssl, host) ||
        !SSL_set1_host(w->ssl, host))
        return false;
    while ((got = SSL_connect(w->ssl)) != 1)
        if (!tls_again(w, got))
            return false;
    return true;
}

static ssize_t
write_some(struct wire *w, struct str s)
{
    assert(s.n > 0 && w->fd >= 0);
    for (;;) {
        if (w->ssl) {
            int got = SSL_write(w->ssl, s.p, (int)MIN(s.n, 1u << 20));

            if (got > 0 || !tls_again(w, got))
                return got;
        } else {
            ssize_t got = send(w->fd, s.p, s.n, MSG_NOSIGNAL);

            if (got > 0 || errno != EAGAIN || !wait_for(w, POLLOUT))
                return got;
        }
    }
}

static ssize_t
read_some(struct wire *w, char *p, size_t n)
{
    assert(n > 0 && w->fd >= 0);
    for (;;) {
        if (w->ssl) {
            int got = SSL_read(w->ssl, p, (int)n);

            if (got > 0 || !tls_again(w, got))
                return got;
        } else {
            ssize_t got = recv(w->fd, p, n, 0);

            if (got >= 0 || errno != EAGAIN || !wait_for(w, POLLIN))
                return got;
        }
    }
}

/* "HTTP/1.1 204 …"; of the reply nothing else counts.  0: it is none. */
static int
read_status(struct wire *w)
{
    char head[HEAD_MAX];
    size_t n = 0;
    int64_t status;

    while (n < 12) {
        ssize_t got = read_some(w, head + n, sizeof(head) - n);

        if (got <= 0)
            return 0;
        n += (size_t)got;
    }
    struct str line = str_of(head, n);

    if (!str_starts(line, S("HTTP/1.")) || head[8] != ' ' ||
        !str_to_i64(str_cut(line, 9, 12), &status) || status < 100 || status > 599)
        return 0;
    return (int)status;
}

static void
talk(struct job *job, struct wire *w, SSL_CTX *ssl)
{
    struct str rest = job->request;

    assert(!job->why && !job->status);
    if (job->tls && !begin_tls(w, ssl, job->host.p)) {
        job->why = "the TLS connection cannot be made, or its certificate is not trusted";
        return;
    }
    while (rest.n) {
        ssize_t got = write_some(w, rest);

        if (got <= 0) {
            job->why = "the connection was lost";
            return;
        }
        rest = str_cut(rest, (size_t)got, rest.n);
    }
    job->status = read_status(w);
    if (!job->status)
        job->why = "there was no reply in time, or it was not HTTP";
}

static void
carry_out(struct job *job, const struct poster *p)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct wire w = {.fd = -1, .until_ms = mono_ms() + API_POST_TIMEOUT_MS, .stop = &p->stop};
    struct addrinfo *all = NULL;

    assert(job->host.n && job->port.n && job->request.n);
    if (getaddrinfo(job->host.p, job->port.p, &hints, &all) != 0) {
        job->why = "the host's name is not known";
        return;
    }
    for (const struct addrinfo *to = all; to && w.fd < 0; to = to->ai_next)
        connect_to(&w, to);
    freeaddrinfo(all);
    if (w.fd < 0) {
        job->why = "the host cannot be reached";
        return;
    }
    talk(job, &w, p->ssl);
    SSL_free(w.ssl);
    ERR_clear_error();
    close(w.fd);
}

/* ---- the threads ---- */

static void
append(struct job ***end, struct job *job)
{
    assert(**end == NULL);
    job->next = NULL;
    **end = job;
    *end = &job->next;
}

static void *
work(void *arg)
{
    struct poster *p = arg;
    uint64_t one = 1;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        struct job *job = p->todo;

        if (!job) {
            pthread_cond_wait(&p->more, &p->lock);
            continue;
        }
        p->todo = job->next;
        if (!p->todo)
            p->todo_end = &p->todo;
        pthread_mutex_unlock(&p->lock);
        carry_out(job, p);
        pthread_mutex_lock(&p->lock);
        append(&p->done_end, job);
        if (write(p->done_fd.fd, &one, sizeof(one)) < 0)
            log_warn("a request's outcome cannot be told: %s", strerror(errno));
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void
job_free(struct job *job)
{
    arena_wipe(&job->arena);
    arena_done(&job->arena);
    free(job);
}

/* ---- the loop's side ---- */

static void
on_done(struct loop_fd *source, uint32_t events UNUSED)
{
    struct poster *p = CONTAINER_OF(source, struct poster, done_fd);
    struct job *job;
    uint64_t n;

    if (read(source->fd, &n, sizeof(n)) < 0)
        return;
    assert(p->events.posted);
    pthread_mutex_lock(&p->lock);
    job = p->done;
    p->done = NULL;
    p->done_end = &p->done;
    pthread_mutex_unlock(&p->lock);
    while (job) {
        struct job *next = job->next;

        assert(p->n > 0 && (job->status > 0) == (job->why == NULL));
        p->n--;
        p->events.posted(p->events.ctx, job->id, job->status, str_from(job->why));
        job_free(job);
        job = next;
    }
}

/* Host, port and path of a URL.  False: it has none. */
static bool
take_url(struct job *job, struct str url, struct str *ret_authority)
{
    struct str rest = url, scheme = str_split(&rest, ':'), host, port;

    job->tls = str_is(scheme, "https");
    if ((!job->tls && !str_is(scheme, "http")) || !str_starts(rest, S("//")))
        return false;
    rest = str_cut(rest, 2, rest.n);
    size_t at = 0;

    while (at < rest.n && rest.p[at] != '/' && rest.p[at] != '?' && rest.p[at] != '#')
        at++;
    struct str authority = str_cut(rest, 0, at), path = str_cut(rest, at, rest.n);

    size_t user = str_find_char(authority, '@'), hash = str_find_char(path, '#');

    path = str_cut(path, 0, MIN(hash, path.n));
    if (user != SIZE_MAX)
        authority = str_cut(authority, user + 1, authority.n);
    *ret_authority = authority;
    if (str_starts(authority, S("["))) {
        size_t end = str_find_char(authority, ']');

        host = str_cut(authority, 1, MIN(end, authority.n));
        port = str_cut(authority, MIN(end, authority.n - 1) + 2, authority.n);
    } else {
        port = authority;
        host = str_split(&port, ':');
    }
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f)
            return false;
    job->host = str_from(str_cstr(&job->arena, host));
    job->port = str_from(str_cstr(&job->arena, port.n ? port : job->tls ? S("443") : S("80")));
    job->path = path.n && path.p[0] == '/' ? path : str_cat(&job->arena, S("/"), path);
    return host.n > 0;
}

static struct str
request_of(struct job *job, const struct api_post *post, struct str authority)
{
    struct buf buf;

    buf_init(&buf, (size_t)4 << 20);
    buf_add_fmt(&buf,
                "POST %.*s HTTP/1.1\r\nHost: %.*s\r\nContent-Length: %zu\r\n"
                "Connection: close\r\n",
                STR_ARG(job->path), STR_ARG(authority), post->body.n);
    for (size_t i = 0; i < post->n_headers; i++)
        buf_add_fmt(&buf, "%.*s: %.*s\r\n", STR_ARG(post->headers[i].name),
                    STR_ARG(post->headers[i].value));
    buf_add_lit(&buf, "\r\n");
    buf_add_str(&buf, post->body);
    struct str text = buf_failed(&buf) ? STR_NONE : str_dup(&job->arena, buf_str(&buf));

    buf_wipe(&buf);
    buf_done(&buf);
    return text;
}

static SSL_CTX *
new_ssl(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_default_verify_paths(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

/* What a request needs that no other made before: most clouds never send one.  NULL, or why not. */
static const char *
prepare(struct poster *p, bool tls)
{
    while (p->n_threads < THREADS && pthread_create(&p->threads[p->n_threads], NULL, work, p) == 0)
        p->n_threads++;
    if (!p->n_threads)
        return "no thread can be started for it";
    if (tls && !p->ssl)
        p->ssl = new_ssl();
    return tls && !p->ssl ? "TLS cannot be set up" : NULL;
}

static int
post(void *ctx, const struct api_post *what)
{
    struct poster *p = ctx;

    assert(what->id.n > 0 && what->id.n < API_POST_ID_MAX);
    struct job *job = p->n < QUEUED_MAX ? calloc(1, sizeof(*job)) : NULL;
    struct str authority = STR_NONE;
    uint64_t one = 1;

    if (!job)
        return -EAGAIN;
    arena_init(&job->arena, (size_t)16 << 20);
    job->id = str_dup(&job->arena, what->id);
    if (!take_url(job, what->url, &authority))
        job->why = "the URL is malformed";
    else if (!(job->request = request_of(job, what, authority)).p)
        job->why = "the message is too long";
    else
        job->why = prepare(p, job->tls);
    p->n++;
    pthread_mutex_lock(&p->lock);
    append(job->why ? &p->done_end : &p->todo_end, job);
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
    if (job->why && write(p->done_fd.fd, &one, sizeof(one)) < 0)
        log_warn("a request's outcome cannot be told: %s", strerror(errno));
    return 0;
}

/* ---- life ---- */

int
poster_new(struct poster **ret, struct loop *loop)
{
    struct poster *p = calloc(1, sizeof(*p));

    if (!p)
        return error_origin(ENOMEM, "the poster cannot be made");
    p->loop = loop;
    p->driver = (struct api_poster){.ctx = p, .post = post};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    p->todo_end = &p->todo;
    p->done_end = &p->done;
    p->done_fd = (struct loop_fd){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .fn = on_done};
    int r = p->done_fd.fd < 0 ? -errno : loop_fd_add(loop, &p->done_fd, EPOLLIN);

    if (r < 0) {
        poster_free(p);
        return error_origin(-r, "the poster cannot be made");
    }
    *ret = p;
    return 0;
}

const struct api_poster *
poster_driver(struct poster *p)
{
    return &p->driver;
}

void
poster_attach(struct poster *p, const struct api_poster_events *events)
{
    assert(events->posted && !p->events.posted);
    p->events = *events;
}

struct poster *
poster_free(struct poster *p)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    for (struct job *next, *job = p->todo; job; job = next) {
        next = job->next;
        job_free(job);
    }
    for (struct job *next, *job = p->done; job; job = next) {
        next = job->next;
        job_free(job);
    }
    if (p->done_fd.fd >= 0) {
        loop_fd_remove(p->loop, &p->done_fd);
        close(p->done_fd.fd);
    }
    SSL_CTX_free(p->ssl);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->more);
    free(p);
    return NULL;
}
