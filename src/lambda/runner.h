/*
 * Runs functions: execution environments, each for one invocation at a time, kept warm between
 * them, and the queue of asynchronous invocations.
 *
 *   STARTING ── next ──▶ BUSY ── answered ──▶ ENDING ── next ──▶ IDLE ──▶ BUSY …
 *      └──────────────────┴── timeout, init error, end of the runtime ──▶ gone
 *
 * An environment is for one state of one function: another RevisionId needs another one.  Nothing
 * here is durable but rows lambda_event: an invocation that somebody waits for ends with the
 * daemon, an asynchronous one is tried again.
 */
#pragma once

#include "api/functions.h"
#include "lambda/lambda.h"
#include "loop/loop.h"

/* 0 or -errno. */
int lambda_runner_new(struct lambda_runner **ret, struct loop *loop, struct store *store);
struct lambda_runner *lambda_runner_free(struct lambda_runner *runner);
/* From now on there is where to run functions; the driver must outlive the runner. */
void lambda_runner_start(struct lambda_runner *runner, struct api *api,
                         const struct api_functions *driver, struct api_function_events *ret);

/* What an invocation ended with.  Slices live until the callee returns. */
struct lambda_outcome {
    bool failed;
    struct str payload;
    struct str sentence; /* it could not be run at all, and that is for the caller to know */
    struct str last;     /* of the log */
    struct str request_id, version, tail;
};
typedef void lambda_done_fn(void *ctx, const struct lambda_outcome *how);

/* An invocation.  Slices are copied. */
struct lambda_order {
    const struct lambda_function_row *function; /* the version */
    struct str request_id, arn, client_context, payload;
    bool tail; /* the log is wanted */
};
struct lambda_work;
/*
 * 0: it is on its way.  Positive with the fault in `call`: TooManyRequestsException,
 * ServiceException, AccessDeniedException; negative.
 */
int lambda_run(struct api_call *call, const struct lambda_order *order, struct lambda_work **ret);
/* Who is told of its end, once, in a later turn; done NULL: nobody any more, and it goes on. */
void lambda_work_await(struct lambda_work *work, lambda_done_fn *done, void *ctx);

/* ---- destination.c ---- */

/* A call as the function's role, in the transaction of `call`; false: Lambda may not assume it. */
bool lambda_as_role(struct api_call *call, const struct lambda_function_row *function,
                    struct api_call *ret);
/* Whether the role may send there; InvalidParameterValueException.  Empty: nowhere. */
int lambda_destination_check(struct api_call *call, const struct lambda_function_row *function,
                             struct str arn, bool dead_letter);
/* The end of an asynchronous invocation. */
struct lambda_told {
    const struct lambda_event_row *event;
    const struct lambda_function_row *function; /* the version */
    const struct lambda_outcome *how;           /* of the last attempt; NULL: there was none */
    const char *condition;
    struct str on_success, on_failure;
};
/* Tells it where it is wanted. */
void lambda_tell(struct api_call *call, const struct lambda_told *told);

/* ---- environment.c ---- */

/* NAME=value of a new environment; the role's credentials last LAMBDA_CREDENTIALS_MS. */
#define LAMBDA_CREDENTIALS_MS (INT64_C(12) * 3600 * 1000)
int lambda_environment_of(struct api_call *call, const struct lambda_function_row *function,
                          struct str_list *ret);
