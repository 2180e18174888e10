/*
 * Bodies on their way in: whole, into memory that grows with what came, or piece by piece to who
 * asked for it so.  http_server.c has the connection's states.
 */
#include "loop/http_conn.h"

#include <stdlib.h>
#include <sys/uio.h>

#define KIB ((size_t)1024)
#define BODY_FIRST_BYTES (16 * KIB)
#define PIECE_BYTES (64 * KIB) /* the most that on_body() gets at once */

static bool
grow_body(struct exchange *x, size_t at_least, size_t at_most)
{
    size_t cap = MIN(MAX(MAX(x->body_cap * 2, BODY_FIRST_BYTES), at_least), at_most);

    assert(x->body_n <= x->body_cap);
    assert(at_least <= at_most);
    if (x->body_cap >= at_least)
        return true;
    char *p = realloc(x->body, cap);
    if (!p)
        return false;
    x->body = p;
    x->body_cap = cap;
    assert(cap >= at_least);
    return true;
}

/* The body is not read: the connection ends with the answer. */
static void
answer_now(struct http_conn *c)
{
    assert(!c->x->held);
    c->last = c->unread = true;
    conn_deliver(c, S(""), c->x->head_n);
}

/* Whether the body lies behind the head in the same buffer. */
static bool
body_fits(const struct exchange *x)
{
    assert(x->head_n <= x->in_cap && x->head_n <= x->in_n);
    return !x->req.head.chunked &&
           (uint64_t)x->req.head.content_length <= x->in_cap - x->head_n;
}

static uint64_t
max_body(const struct http_conn *c)
{
    const struct http_config *config = &c->server->config;

    return c->x->piecewise ? config->max_piecewise_bytes : config->max_body_bytes;
}

static enum http_body_way
ask_way(struct http_conn *c)
{
    struct http_request *req = &c->x->req;

    req->tls = c->tls != NULL;
    req->ctx = c->server->config.ctx;
    req->listener_ctx = c->listener ? c->listener->ctx : NULL;
    return c->server->config.on_head(req);
}

void
conn_begin_body(struct http_conn *c)
{
    struct exchange *x = c->x;
    const struct http_head *head = &x->req.head;
    const struct http_config *config = &c->server->config;
    enum http_body_way way = HTTP_WHOLE;

    assert(c->state == HEAD && x->head_n > 0 && x->head_n <= x->in_n);
    if (!head->chunked && head->content_length <= 0) {
        conn_deliver(c, S(""), x->head_n);
        return;
    }
    if (config->on_head && (head->chunked || !body_fits(x)))
        way = ask_way(c);
    x->piecewise = way == HTTP_PIECEWISE;
    if (way == HTTP_ANSWER) {
        answer_now(c);
        return;
    }
    if (!head->chunked && (uint64_t)head->content_length > max_body(c)) {
        conn_reject(c, 413);
        return;
    }
    c->state = BODY;
    if (head->expect_continue && x->in_n == x->head_n) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        struct iovec v = {(void *)go_on, sizeof(go_on) - 1};
        /* The send buffer is empty: it takes 25 bytes or the connection is broken. */
        if (conn_send(c, &v, 1) < 0) {
            conn_abort(c);
            return;
        }
    }
    conn_deadline(c, c->server->config.body_timeout_ms);
}

/* Hands a piece on; false when there is no use in reading more. */
static bool
pass_on(struct http_conn *c, struct str piece)
{
    assert(c->state == BODY && c->x->piecewise && piece.n > 0);
    c->x->taken += piece.n;
    return c->server->config.on_body(&c->x->req, piece);
}

/*
 * What came is in `body`, chunked as it is or already plain.  Chunks are decoded in place; the
 * bytes behind the last one belong to the next request and go where its head will be read.
 */
static bool
take_piece(struct http_conn *c)
{
    struct exchange *x = c->x;
    size_t raw = x->body_n, used = raw, made = raw;
    int r = HTTP_MORE;

    assert(c->state == BODY && raw > 0 && raw <= x->body_cap);
    if (x->req.head.chunked)
        r = http_chunked_decode(&x->chunks, x->body, raw, x->body, &used, &made);
    else if (x->taken + raw == (uint64_t)x->req.head.content_length)
        r = HTTP_COMPLETE;
    assert(used <= raw && made <= raw);
    if (r > 0 || x->taken + made > max_body(c)) {
        conn_cut(c);
        conn_reject(c, r > 0 ? (unsigned)r : 413);
        return true;
    }
    x->body_n = 0;
    if (made && !pass_on(c, str_of(x->body, made))) {
        answer_now(c);
        return true;
    }
    if (r != HTTP_COMPLETE)
        return true;
    size_t left = raw - used;

    if (left > x->in_cap - x->head_n) { /* more than the next head may have: nobody does that */
        answer_now(c);
        return true;
    }
    memcpy(x->in + x->head_n, x->body + used, left);
    x->in_n = x->head_n + left;
    assert(x->in_n <= x->in_cap);
    conn_deliver(c, S(""), x->head_n);
    return true;
}

static bool
step_piecewise(struct http_conn *c)
{
    struct exchange *x = c->x;
    size_t come = x->in_n - x->head_n, most = PIECE_BYTES;
    size_t room = MAX(come, PIECE_BYTES); /* what came with a head may be more than a piece */

    if (!grow_body(x, room, room)) {
        conn_abort(c);
        return false;
    }
    if (x->body_n)
        return take_piece(c);
    if (come) {
        assert(come <= x->body_cap);
        memcpy(x->body, x->in + x->head_n, come);
        x->body_n = come;
        x->in_n = x->head_n;
        return true;
    }
    if (!x->req.head.chunked)
        most = (size_t)MIN((uint64_t)most, (uint64_t)x->req.head.content_length - x->taken);
    assert(most > 0 && most <= x->body_cap);
    return conn_read_into(c, x->body, &x->body_n, most);
}

static bool
step_chunked(struct http_conn *c)
{
    struct exchange *x = c->x;
    size_t max = c->server->config.max_body_bytes, raw = x->in_n - x->head_n, used, made;

    assert(x->head_n <= x->in_n && x->in_n <= x->in_cap);
    if (raw == 0)
        return conn_read_into(c, x->in, &x->in_n, x->in_cap);
    if (!grow_body(x, x->body_n + raw, max + x->in_cap)) {
        conn_abort(c);
        return false;
    }
    int r = http_chunked_decode(&x->chunks, x->in + x->head_n, raw, x->body + x->body_n, &used,
                                &made);
    assert(r > 0 || (used <= raw && made <= raw));
    if (r > 0) {
        conn_reject(c, (unsigned)r);
        return true;
    }
    x->body_n += made;
    assert(x->body_n <= x->body_cap);
    if (x->body_n > max)
        conn_reject(c, 413);
    else if (r == HTTP_COMPLETE)
        conn_deliver(c, str_of(x->body, x->body_n), x->head_n + used);
    else
        x->in_n = x->head_n;
    return true;
}

bool
conn_step_body(struct http_conn *c)
{
    struct exchange *x = c->x;
    size_t length = (size_t)x->req.head.content_length;

    assert(c->state == BODY && !x->held && x->head_n <= x->in_n);
    if (x->piecewise)
        return step_piecewise(c);
    if (x->req.head.chunked)
        return step_chunked(c);
    if (body_fits(x)) {
        if (x->in_n - x->head_n < length)
            return conn_read_into(c, x->in, &x->in_n, x->in_cap);
        conn_deliver(c, str_of(x->in + x->head_n, length), x->head_n + length);
        return true;
    }
    if (x->in_n > x->head_n) {
        size_t come = x->in_n - x->head_n;
        assert(come <= length);
        if (!grow_body(x, come, length)) {
            conn_abort(c);
            return false;
        }
        memcpy(x->body, x->in + x->head_n, come);
        x->body_n = come;
        x->in_n = x->head_n;
    }
    if (x->body_n == length) {
        conn_deliver(c, str_of(x->body, length), x->head_n);
        return true;
    }
    if (!grow_body(x, x->body_n + 1, length)) {
        conn_abort(c);
        return false;
    }
    return conn_read_into(c, x->body, &x->body_n, x->body_cap);
}

