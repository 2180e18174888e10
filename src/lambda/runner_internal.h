/* What the files of the runner share: environments, their work, and the queue of events. */
#pragma once

#include "base/buf.h"
#include "lambda/runner.h"

/* An invocation on its way. */
struct lambda_work {
    struct arena arena; /* of its texts */
    struct str request_id, arn, client_context, payload, version;
    bool tail;
    lambda_done_fn *done; /* NULL: nobody waits (any more) */
    void *ctx;
    int64_t given_ms;
};

enum environment_state { STARTING, BUSY, ENDING, IDLE };

struct environment {
    struct environment *next;
    struct lambda_runner *runner;
    struct arena arena; /* of its texts */
    struct str id, function, account, region, name, revision;
    enum environment_state state;
    bool frozen, stale, reported;
    bool well;                /* its last invocation did not fail */
    struct lambda_work *work; /* STARTING, BUSY */
    struct loop_timer timer;
    struct buf log; /* since the work began */
    int64_t started_ms, ready_ms, timeout_s, memory_mib;
};

struct lambda_runner {
    struct loop *loop;
    struct store *store;
    struct api *api;
    const struct api_functions *driver;
    struct environment *all;
    int64_t n;
    struct loop_task look, sweep;
    struct loop_timer due;
    struct lambda_flight *flights; /* events that run */
};

static inline int64_t
lambda_now_ms(const struct lambda_runner *runner)
{
    return loop_now_ms(runner->loop, LOOP_CLOUD);
}

#define LAMBDA_LOOK_BYTES ((size_t)256 << 20)

/* ---- events.c ---- */

void lambda_events_init(struct lambda_runner *runner);
void lambda_events_done(struct lambda_runner *runner);
