/*
 * Where functions run: execution environments, each of which carries out one invocation at a time.
 * Services know them by this; the daemon gives sandboxes (host/functions.c), tests a model.
 *
 *   start  ──▶  the environment loads the function and asks for work: `next`
 *   give   ──▶  an invocation                                        ◀──  `answered`, then `next`
 *   stop   ──▶  it is killed and forgotten; nothing is heard of it any more
 *
 * An environment that cannot be started, or whose runtime ends by itself, is told of by `ended` and
 * must still be stopped.  Events come from the loop, never from inside one of the driver's own
 * functions.
 */
#pragma once

#include "base/str.h"

#define API_FUNCTION_ID_MAX 32 /* with its NUL */

struct api_function_start {
    struct str id;       /* "lam-" and hexadecimal digits */
    struct str runtime;  /* python3.12, provided.al2023 */
    struct str code;     /* a ZIP archive, checked */
    struct str_list layers; /* likewise; all go to /opt, one after the other */
    struct str_list env; /* NAME=value; secret */
    int64_t memory_mib;
};

struct api_function_work {
    struct str request_id, function_arn, client_context, payload;
    int64_t deadline_ms; /* of the cloud's clock */
};

struct api_functions {
    void *ctx;
    /* How many there may be. */
    int64_t max;
    /*
     * 0 or -errno.  *ret_why: a sentence, when what is missing is for the operator to add (an image
     * with the runtime in it), else p NULL.  Slices are copied.
     */
    int (*start)(void *ctx, const struct api_function_start *start, struct str *ret_why);
    void (*give)(void *ctx, struct str id, const struct api_function_work *work);
    void (*stop)(void *ctx, struct str id);
    /* Between invocations it stands still. */
    void (*freeze)(void *ctx, struct str id, bool frozen);
    /* The most memory that it used, in MiB; 0: not known. */
    int64_t (*memory)(void *ctx, struct str id);
};

/* How the runtime's answer was taken: what it is told. */
enum api_function_taken { API_FUNCTION_TAKEN, API_FUNCTION_NOT_ITS, API_FUNCTION_TOO_LARGE };

struct api_function_events {
    void *ctx;
    void (*next)(void *ctx, struct str id);
    /* error: the body tells what went wrong; of the request that it was given last. */
    enum api_function_taken (*answered)(void *ctx, struct str id, struct str request_id, bool error,
                                        struct str body);
    /* The function could not be loaded. */
    void (*init_error)(void *ctx, struct str id, struct str body);
    /* It printed something. */
    void (*printed)(void *ctx, struct str id, struct str bytes);
    /* why: "exit status 1", "signal: killed"; p NULL: it never began, and sentence says why. */
    void (*ended)(void *ctx, struct str id, struct str why, struct str sentence);
};
