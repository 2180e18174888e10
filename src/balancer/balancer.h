/*
 * A node of a load balancer: a program of its own that takes connections in the node's network
 * namespace, checks targets and forwards requests.
 *
 *   node.c    the line to the daemon, listeners, what is known of targets
 *   check.c   health checks
 *   conn.c    a client's connection and the target's that answers it
 *   head.c    heads and pages that are written
 *   pick.c    which target
 *   fifo.c    bytes on their way
 *
 * It knows nothing but what it is told (config.h), holds no secret, and has no file open.  All it
 * keeps of a peer is bounded: BAL_CONNS_MAX connections, of each two buffers each way.
 */
#pragma once

#include "balancer/config.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "codec/http.h"
#include "loop/loop.h"

#include <sys/types.h>

enum {
    BAL_CONNS_MAX = 2000,
    BAL_HEAD_MAX = 64 << 10, /* of a request or an answer */
    BAL_PIPE_MAX = 32 << 10, /* bytes that wait in one place; a head may be longer */
    BAL_IDLE_MAX = 16,       /* connections to a target that wait for a request */
    BAL_CONNECT_MS = 10000,
};

struct bal;

/* ---- fifo.c ---- */

/* Bytes on their way.  Memory is held only while there are some. */
struct fifo {
    char *p;
    size_t at, n, cap;
};
static inline struct str
fifo_str(const struct fifo *f)
{
    return str_of(f->p ? f->p + f->at : NULL, f->n);
}
void fifo_put(struct fifo *f, const void *p, size_t n);
void fifo_drop(struct fifo *f, size_t n);
void fifo_done(struct fifo *f);
/* Reads what there is, up to `max` bytes in the fifo: bytes, 0 at the end, or -errno. */
ssize_t fifo_recv(struct fifo *f, int fd, size_t max);
/* Sends what it takes: bytes that are left, or -errno. */
ssize_t fifo_send(struct fifo *f, int fd);

/* ---- what is known of a target ---- */

struct idle {
    struct loop_fd source;
    struct bal_state *state;
};

enum bal_health { BAL_INITIAL, BAL_HEALTHY, BAL_UNHEALTHY };

struct bal_state {
    struct bal *bal;
    struct str key;       /* in its own allocation */
    bool wanted;          /* the configuration has it */
    unsigned outstanding; /* requests; a state goes when it has none and is not wanted */
    int64_t healthy_ms;   /* since when, monotonic */
    struct idle idle[BAL_IDLE_MAX];
    size_t n_idle;

    /* check.c */
    const struct bal_group *group;   /* of the newest configuration, while wanted */
    const struct bal_target *target; /* likewise */
    enum bal_health health;
    unsigned streak;      /* of results that speak against it */
    unsigned last_status; /* why it is unhealthy, or would be */
    bool timed_out;
    struct loop_timer timer;
    struct loop_fd check; /* fd -1: none is under way */
    bool connected;
    struct fifo in;
};

struct bal_port {
    struct bal_port *next;
    struct bal *bal;
    uint16_t port;
    struct loop_fd source;
    bool wanted;
};

struct bal {
    struct loop *loop;
    struct env *env;
    struct bal_config *config; /* NULL: nothing was told yet */
    struct bal_port *ports;
    struct map states;
    struct conn *conns;
    unsigned n_conns;
    struct loop_fd control;
    bool control_writes; /* it is asked for room */
    struct fifo told, says;
};

int64_t bal_now_ms(const struct bal *bal);
int64_t bal_wall_s(const struct bal *bal);

/* ---- node.c ---- */

int bal_init(struct bal *bal, struct loop *loop, struct env *env, int control);
void bal_done(struct bal *bal);
/* Carries a configuration out, which is the node's from now on. */
void bal_apply(struct bal *bal, struct bal_config *config);
/* A line to the daemon. */
void bal_say(struct bal *bal, struct str line);
/* One request more or less is on its way to a target. */
void bal_state_hold(struct bal_state *state);
void bal_state_release(struct bal_state *state);

/* ---- check.c ---- */

void bal_check_init(struct bal_state *state);
/* Begins now, when it was not wanted before. */
void bal_check_start(struct bal_state *state);
void bal_check_stop(struct bal_state *state);

/* ---- pick.c ---- */

/* Where a request goes, and the cookies that say so. */
struct bal_pick {
    struct bal_group *group;
    struct bal_target *target; /* NULL: the group has none */
};
struct bal_pick
bal_pick(struct bal *bal, const struct bal_action *action, const struct http_head *head);
/* Set-Cookie headers of an answer; `answer` is the target's. */
void bal_pick_cookies(struct bal *bal, const struct bal_action *action, const struct bal_pick *pick,
                      const struct http_head *answer, struct buf *out);

/* ---- head.c ---- */

struct bal_asked {
    const struct bal_config *config;
    const struct bal_listener *listener;
    const struct http_head *head;
    uint32_t client;
    uint16_t client_port;
    bool upgrade; /* it asks for another protocol */
};
/* The head as the target gets it. */
void bal_head_forward(struct bal *bal, const struct bal_asked *asked, struct buf *out);
/* The head of a target's answer as the client gets it; `extra` are whole header lines. */
void bal_head_answer(struct bal *bal, const struct http_head *head, unsigned status, bool server,
                     bool keep, struct str extra, struct buf *out);
/* Whole answers of the node's own.  location: of a redirect, else absent. */
void bal_page(struct bal *bal, unsigned status, struct str location, bool keep, bool no_body,
              struct buf *out);
void bal_fixed(struct bal *bal, const struct bal_action *action, bool keep, bool no_body,
               struct buf *out);

/* ---- conn.c ---- */

/* A connection that was accepted, which is its from now on. */
void bal_conn_open(struct bal *bal, int fd, uint32_t ip, uint16_t port, uint16_t local_port);
void bal_conns_free(struct bal *bal);
