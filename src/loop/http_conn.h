/*
 * A connection, seen from inside the server: http_server.c accepts and reads, http_body.c takes
 * bodies, http_answer.c writes, http_pool.c keeps what they share.  Nobody else includes this.
 *
 *            first bytes            head complete         body complete
 *   IDLE ───────────────▶ HEAD ───────────────▶ BODY ───────────────▶ HELD ──▶ STREAM
 *    ▲  ▲                  ▲ │                    │                   │  │       │
 *    │  └── answer sent ───┼─┼────────────────────┼───────────────────┘  ▼       ▼
 *    │    (more input: HEAD) │ reject: an answer, then                  FLUSH ◀──┘
 *    └───────────────────────┼────────────────────┼────────────── all taken │
 *                            ▼                    ▼                         ▼
 *                          LINGER: sent a last answer, drops what still comes ──▶ CLOSED
 *
 * Invariants
 *  1. `x` is there in every state but IDLE (and may be gone in LINGER and CLOSED).
 *  2. Bytes wait in `out` only in STREAM and FLUSH; no request is read before they are gone.
 *  3. Descriptors are edge-triggered and registered once.  `readable` remembers that the kernel
 *     may have more, so that input can wait while a request is held.
 *  4. A connection is freed by conn_leave() only, when the outermost call on it returns.
 */
#pragma once

#include "loop/http_server.h"
#include "loop/tls.h"

#define EXCHANGE_ROOM_BYTES 4096 /* most requests fit */
#define COPY_MAX_BYTES 16384     /* a smaller body is copied behind the head: one send(2) */
#define ANSWER_MAX_BYTES ((size_t)1 << 30)

enum conn_state { IDLE, HEAD, BODY, HELD, STREAM, FLUSH, LINGER, CLOSED };

/* What a request needs while it is there; pooled. */
struct exchange {
    struct http_request req;
    struct http_conn *conn;
    struct exchange *next_free;

    char *in; /* `room`, or malloc'ed when that is too small */
    size_t in_n, in_cap;
    size_t parsed_n; /* bytes that were there when the head was last parsed */
    size_t head_n;
    size_t next_at; /* where the next request begins in `in` */

    char *body; /* malloc'ed, when the body does not fit behind the head */
    size_t body_n, body_cap;
    struct http_chunked chunks;
    bool piecewise; /* on_body() takes the body */
    uint64_t taken; /* bytes that it had */
    bool held; /* on_request() had it */
    bool told; /* on_gone() was called */

    char room[EXCHANGE_ROOM_BYTES];
};

/* Connections from one address to one listener. */
struct peer {
    struct peer *next;
    uint64_t listener_id;
    uint8_t addr[16];
    unsigned n;
};

struct http_conn {
    struct loop_fd source; /* fd is -1 once closed */
    struct http_server *server;
    struct http_listener *listener; /* NULL after unlisten */
    struct http_conn *next, *prev;
    struct http_conn *next_ready;
    struct peer *peer;
    struct exchange *x;
    struct tls_conn *tls; /* NULL: none (yet) */
    union http_addr addr;

    enum conn_state state;
    bool running;    /* some call on it is on the stack */
    bool queued;     /* in server->ready */
    bool readable;   /* recv(2) may give something */
    bool sniff;      /* its first byte will tell whether it is TLS */
    bool tls_more;   /* `tls` may give something without recv(2) */
    bool half_closed;
    bool last;       /* close after this answer */
    bool unread;     /* and drop what the client still sends */
    bool want_drain;
    bool no_body;    /* of a streamed answer: HEAD, 304 */
    bool chunked;    /* the streamed answer is */
    bool sized;      /* or has a length, of which `owed` is left */
    uint64_t owed;
    int budget;      /* bytes that may still be read in this turn */

    struct buf out;
    size_t out_sent;

    struct loop_timer timer;
    int64_t deadline_ms; /* may be later than the timer: it looks again when it fires */
    uint64_t moved, moved_before; /* bytes in or out, now and when the deadline was set */
};

struct http_listener {
    struct loop_fd source;
    struct http_server *server;
    struct http_listener *next, **link;
    uint64_t id;
    void *ctx;
};

#define PEER_BUCKETS 1024

struct http_server {
    struct loop *loop;
    struct http_config config;
    struct http_listener *listeners;
    struct http_conn *conns;
    struct http_conn *ready;
    struct loop_task task; /* goes on with `ready` */
    struct exchange *free_exchanges;
    unsigned n_free;
    bool paused; /* listeners are not watched */
    struct loop_timer resume;
    uint64_t listener_ids;
    struct peer *peers[PEER_BUCKETS];
    struct http_stats stats;

    struct buf head; /* the answer being written */
    int64_t date_s;
    char date[29];
};

static inline struct exchange *
exchange_of(const struct http_request *req)
{
    return CONTAINER_OF(req, struct exchange, req);
}

struct exchange *exchange_get(struct http_server *s);
/* Gives large buffers back and moves what belongs to the next request to the front. */
void exchange_next(struct exchange *x);
void exchange_put(struct http_server *s, struct exchange *x);

/* Counts one more connection; false when that is one too many (or memory is out). */
bool peer_join(struct http_conn *c);
void peer_leave(struct http_conn *c);

/* Marks the connection as being worked on; answers whether this is the outermost call. */
bool conn_enter(struct http_conn *c);
/* Frees the connection when that is due.  c may be gone afterwards. */
void conn_leave(struct http_conn *c, bool outermost);

/* Sets the time at which on_timer() looks whether something moved. */
void conn_deadline(struct http_conn *c, int in_ms);
void conn_no_deadline(struct http_conn *c);

/* Whether conn_recv() may give something without a new event. */
static inline bool
conn_readable(const struct http_conn *c)
{
    return c->readable || c->tls_more;
}

/* recv(2) and send(2), or TLS over them.  Bytes, 0 at the end of input, or -errno. */
ssize_t conn_recv(struct http_conn *c, void *p, size_t n);
ssize_t conn_send(struct http_conn *c, struct iovec *v, int n);

/* Reads into [*n, cap) of p; false when there is nothing (or no connection) any more. */
bool conn_read_into(struct http_conn *c, char *p, size_t *n, size_t cap);
/* Hands the request to its owner; the next one begins at next_at of what came. */
void conn_deliver(struct http_conn *c, struct str body, size_t next_at);
/* Who took the body so far gets no more of it. */
void conn_cut(struct http_conn *c);

/* http_body.c: when the head is there, and then step by step while it answers true. */
void conn_begin_body(struct http_conn *c);
bool conn_step_body(struct http_conn *c);

/* Closes at once.  Who holds its request is told in the next turn. */
void conn_abort(struct http_conn *c);
/* The answer is complete and its request is not needed any more. */
void conn_answered(struct http_conn *c);
/* Writes what waits. */
void conn_flush(struct http_conn *c);

/* The answer to what never became a request; the connection closes after it. */
void conn_reject(struct http_conn *c, unsigned status);
