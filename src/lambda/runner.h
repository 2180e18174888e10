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

/* An invocation.  Slices are copied. */
struct lambda_order {
    const struct lambda_function_row *function; /* the version */
    struct str request_id, arn, client_context, payload;
    bool tail;                             /* the log is wanted */
    struct lambda_InvocationResponse *res; /* of one that is waited for, else NULL */
    struct api_call *call;                 /* likewise: whose reply comes later */
};
/*
 * 0: it is on its way.  Positive with the fault in `call`: TooManyRequestsException,
 * ServiceException, AccessDeniedException; negative.
 */
int lambda_run(struct api_call *call, const struct lambda_order *order);

/* ---- environment.c ---- */

/* NAME=value of a new environment; the role's credentials last LAMBDA_CREDENTIALS_MS. */
#define LAMBDA_CREDENTIALS_MS (INT64_C(12) * 3600 * 1000)
int lambda_environment_of(struct api_call *call, const struct lambda_function_row *function,
                          struct str_list *ret);
