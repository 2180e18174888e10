/*
 * Answers.  The usual one is a head and a small body in one send(2).  What the kernel does not
 * take at once is copied (or, from http_respond_buf(), kept) and follows when there is room.
 */
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/http_conn.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void
add_date(struct http_server *s)
{
    /* The cloud's time and not the system's: clients correct their clocks by this header. */
    int64_t now_s = loop_now_ms(s->loop, LOOP_CLOUD) / 1000;

    if (now_s != s->date_s) {
        struct arena a;
        arena_init(&a, 4096);
        struct str date = time_http(&a, now_s * 1000);
        assert(date.n == sizeof(s->date));
        memcpy(s->date, date.p, sizeof(s->date));
        s->date_s = now_s;
        arena_done(&a);
    }
    buf_add_lit(&s->head, "Date: ");
    buf_add(&s->head, s->date, sizeof(s->date));
    buf_add_lit(&s->head, "\r\n");
}

/* A value may hold what a client said: it must not end the line. */
static void
add_text(struct buf *b, struct str text)
{
    size_t at = b->n;

    assert(str_ok(text));
    buf_add_str(b, text);
    for (size_t i = at; i < b->n; i++)
        if ((unsigned char)b->p[i] < ' ' || b->p[i] == 0x7f)
            b->p[i] = ' ';
}

static void
begin_head(struct http_conn *c, unsigned status, const struct http_header *headers,
           size_t n_headers)
{
    struct http_server *s = c->server;
    struct buf *b = &s->head;

    assert(c->state == HELD && (headers || n_headers == 0));
    assert(status >= 100 && status <= 999);
    buf_reset(b);
    if (status == 200) {
        buf_add_lit(b, "HTTP/1.1 200 OK\r\n");
    } else {
        buf_add_lit(b, "HTTP/1.1 ");
        buf_add_i64(b, status);
        buf_add_char(b, ' ');
        buf_add_str(b, http_reason(status));
        buf_add_lit(b, "\r\n");
    }
    for (size_t i = 0; i < n_headers; i++) {
        add_text(b, headers[i].name);
        buf_add_lit(b, ": ");
        add_text(b, headers[i].value);
        buf_add_lit(b, "\r\n");
    }
    add_date(s);
    if (!c->listener || !c->x->req.head.keep_alive)
        c->last = true;
    if (c->last)
        buf_add_lit(b, "Connection: close\r\n");
    else if (c->x->req.head.minor == 0)
        buf_add_lit(b, "Connection: keep-alive\r\n");
}

/* Headers too many for the limit: ours, and the client must not wait for ever. */
static void
check_head(struct http_conn *c)
{
    struct buf *b = &c->server->head;

    if (!buf_failed(b))
        return;
    log_error("the headers of an answer are larger than %zu bytes", b->max);
    assert(c->out.n == 0);
    buf_reset(b);
    buf_add_lit(b, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n");
    c->last = true;
    c->no_body = true;
}

/* Puts aside what the kernel did not take of v. */
static void
keep_rest(struct http_conn *c, const struct iovec *v, int n, size_t sent)
{
    for (int i = 0; i < n; i++) {
        size_t skip = MIN(sent, v[i].iov_len);
        assert(skip <= v[i].iov_len);
        buf_add(&c->out, (const char *)v[i].iov_base + skip, v[i].iov_len - skip);
        sent -= skip;
    }
    assert(sent == 0);
    if (buf_failed(&c->out)) {
        log_error("an answer is larger than %zu bytes, or memory is out", c->out.max);
        conn_abort(c);
    }
}

/* Sends v, or puts it behind what waits. */
static void
write_out(struct http_conn *c, struct iovec *v, int n)
{
    size_t total = 0, sent = 0;

    for (int i = 0; i < n; i++)
        total += v[i].iov_len;
    if (c->out.n == 0) {
        ssize_t r = conn_send(c, v, n);
        if (r < 0 && r != -EAGAIN) {
            conn_abort(c);
            return;
        }
        sent = r < 0 ? 0 : (size_t)r;
        assert(sent <= total);
    }
    if (sent == total)
        return;
    if (c->out.n == 0)
        conn_deadline(c, c->server->config.write_timeout_ms);
    keep_rest(c, v, n, sent);
}

/* Sends a head and the body in `owned`, which is taken over when a part of it must wait. */
static void
write_owned(struct http_conn *c, struct iovec v[2], struct buf *owned)
{
    ssize_t r = conn_send(c, v, 2);
    size_t sent = r > 0 ? (size_t)r : 0;

    assert(c->out.n == 0 && c->out_sent == 0);
    if (r < 0 && r != -EAGAIN) {
        conn_abort(c);
        return;
    }
    if (sent == v[0].iov_len + v[1].iov_len)
        return;
    conn_deadline(c, c->server->config.write_timeout_ms);
    if (sent < v[0].iov_len) {
        keep_rest(c, v, 2, sent);
        return;
    }
    c->out = *owned;
    c->out_sent = sent - v[0].iov_len;
    assert(c->out_sent < c->out.n);
    *owned = (struct buf){.max = owned->max};
}

static void
finish(struct http_conn *c)
{
    assert(c->state == HELD || c->state == STREAM || c->state == CLOSED);
    if (c->state != CLOSED)
        c->state = FLUSH;
    conn_answered(c);
}

/* Whether the answer may have a body, and Content-Length for it. */
static bool
add_length(struct http_conn *c, unsigned status, size_t n)
{
    struct buf *b = &c->server->head;
    bool none = status < 200 || status == 204 || status == 304;

    if (!none) {
        buf_add_lit(b, "Content-Length: ");
        buf_add_i64(b, (int64_t)n);
        buf_add_lit(b, "\r\n");
    }
    buf_add_lit(b, "\r\n");
    return !none && c->x->req.head.method != HTTP_HEAD;
}

/* owned: the buffer that holds body, to be taken over when that saves a copy. */
static void
respond(struct http_request *req, unsigned status, const struct http_header *headers,
        size_t n_headers, struct str body, struct buf *owned)
{
    struct http_conn *c = exchange_of(req)->conn;
    struct buf *head = &c->server->head;
    bool outermost = conn_enter(c);

    assert(c->state == HELD || c->state == CLOSED);
    assert(c->out.n == 0);
    if (c->state == HELD) {
        c->no_body = false;
        begin_head(c, status, headers, n_headers);
        if (!add_length(c, status, body.n))
            c->no_body = true;
        check_head(c);
        if (c->no_body)
            body.n = 0;

        struct iovec v[2] = {{head->p, head->n}, {(void *)body.p, body.n}};
        if (owned && body.n > COPY_MAX_BYTES) {
            write_owned(c, v, owned);
        } else if (body.n <= COPY_MAX_BYTES && (buf_add_str(head, body), !buf_failed(head))) {
            v[0] = (struct iovec){head->p, head->n};
            write_out(c, v, 1);
        } else {
            write_out(c, v, 2);
        }
    }
    finish(c);
    conn_leave(c, outermost);
}

void
http_respond(struct http_request *req, unsigned status, const struct http_header *headers,
             size_t n_headers, struct str body)
{
    respond(req, status, headers, n_headers, body, NULL);
}

void
http_respond_buf(struct http_request *req, unsigned status, const struct http_header *headers,
                 size_t n_headers, struct buf *body)
{
    assert(body->n <= body->cap);
    respond(req, status, headers, n_headers, buf_str(body), body);
    buf_done(body);
}

void
http_stream_begin(struct http_request *req, unsigned status, const struct http_header *headers,
                  size_t n_headers)
{
    struct http_conn *c = exchange_of(req)->conn;
    bool outermost = conn_enter(c);

    assert(status >= 200);
    assert(c->state == HELD || c->state == CLOSED);
    if (c->state == HELD) {
        c->no_body = req->head.method == HTTP_HEAD || status == 204 || status == 304;
        c->chunked = req->head.minor == 1;
        c->sized = false;
        /* Only the end of the connection can tell an old client the end of the answer. */
        c->last |= !c->chunked;
        begin_head(c, status, headers, n_headers);
        if (c->chunked && status != 204)
            buf_add_lit(&c->server->head, "Transfer-Encoding: chunked\r\n");
        buf_add_lit(&c->server->head, "\r\n");
        check_head(c);
        c->state = STREAM;
        struct iovec v = {c->server->head.p, c->server->head.n};
        write_out(c, &v, 1);
    }
    conn_leave(c, outermost);
}

void
http_stream_begin_sized(struct http_request *req, unsigned status,
                        const struct http_header *headers, size_t n_headers, uint64_t length)
{
    struct http_conn *c = exchange_of(req)->conn;
    bool outermost = conn_enter(c);

    assert(status >= 200 && status != 204 && status != 304);
    assert(length <= INT64_MAX);
    assert(c->state == HELD || c->state == CLOSED);
    if (c->state == HELD) {
        c->chunked = false;
        c->sized = true;
        c->owed = length;
        begin_head(c, status, headers, n_headers);
        c->no_body = !add_length(c, status, length);
        check_head(c);
        c->state = STREAM;
        struct iovec v = {c->server->head.p, c->server->head.n};
        write_out(c, &v, 1);
    }
    conn_leave(c, outermost);
}

int
http_stream_write(struct http_request *req, struct str data)
{
    struct http_conn *c = exchange_of(req)->conn;
    char size[20];
    int r = 0;

    if (c->state == CLOSED)
        return -EPIPE;
    assert(c->state == STREAM);
    assert(c->out_sent <= c->out.n && !(c->chunked && c->sized));
    /* A chunk of no bytes would be the last one. */
    if (data.n == 0 || c->no_body)
        return 0;
    if (c->out.n > c->out_sent &&
        c->out.n - c->out_sent + data.n > c->server->config.max_stream_bytes) {
        c->want_drain = true;
        return -EAGAIN;
    }
    bool outermost = conn_enter(c);
    if (c->sized) {
        assert(data.n <= c->owed);
        c->owed -= data.n;
    }
    int n = snprintf(size, sizeof(size), "%zx\r\n", data.n);
    struct iovec v[3] = {{size, (size_t)n}, {(void *)data.p, data.n}, {(void *)"\r\n", 2}};
    if (c->chunked)
        write_out(c, v, 3);
    else
        write_out(c, v + 1, 1);
    if (c->state == CLOSED)
        r = -EPIPE;
    conn_leave(c, outermost);
    return r;
}

void
http_stream_end(struct http_request *req)
{
    struct http_conn *c = exchange_of(req)->conn;
    struct iovec v = {(void *)"0\r\n\r\n", 5};
    bool outermost = conn_enter(c);

    assert(c->state == STREAM || c->state == CLOSED);
    /* the client waits for bytes that do not come: only the end of the connection can tell it */
    if (c->state == STREAM && c->sized && c->owed && !c->no_body)
        conn_abort(c);
    if (c->state == STREAM && c->chunked && !c->no_body)
        write_out(c, &v, 1);
    finish(c);
    conn_leave(c, outermost);
}

void
conn_flush(struct http_conn *c)
{
    assert(c->running && c->out_sent <= c->out.n);
    while (c->out_sent < c->out.n) {
        struct iovec v = {c->out.p + c->out_sent, c->out.n - c->out_sent};
        ssize_t r = conn_send(c, &v, 1);
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            conn_abort(c);
            return;
        }
        c->out_sent += (size_t)r;
    }
    buf_done(&c->out);
    buf_init(&c->out, ANSWER_MAX_BYTES);
    c->out_sent = 0;
    if (c->state == STREAM) {
        conn_no_deadline(c);
        if (c->want_drain) {
            c->want_drain = false;
            if (c->x->req.on_drain)
                c->x->req.on_drain(&c->x->req);
        }
    }
}

void
conn_reject(struct http_conn *c, unsigned status)
{
    const struct http_config *config = &c->server->config;
    struct http_request *req = &c->x->req;
    struct str type = S("text/plain"), body;

    assert(c->x && !c->x->held && status >= 400 && status <= 599);
    req->ctx = config->ctx;
    req->listener_ctx = c->listener ? c->listener->ctx : NULL;
    if (config->on_reject)
        body = config->on_reject(req, status, &type);
    else
        body = http_reason(status);
    c->server->stats.rejected++;
    c->last = c->unread = true;
    c->state = HELD;
    struct http_header header = {S("Content-Type"), type};
    http_respond(req, status, &header, 1, body);
}
