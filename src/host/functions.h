/*
 * Execution environments of functions as sandboxes: the driver of struct api_functions.
 *
 * They are machines like instances, but of no rows: in a network of their own, where they reach the
 * API and their runtime's and nothing else; read-only but for /tmp; as a user without rights.  One
 * that a daemon left behind is ended by the next one's reconciler, which knows of no such instance.
 *
 *   DATA/images/lambda-RUNTIME   the image of a runtime, when there is one; else
 *   DATA/images/debian           has python3; else, of provided.*,
 *   DATA/images/tiny             has sh
 */
#pragma once

#include "api/functions.h"
#include "host/priv.h"
#include "loop/loop.h"

struct host_functions;

#define HOST_FUNCTIONS_VPC "vpc-lambda"
#define HOST_FUNCTIONS_MAX 1000

struct host_functions_config {
    struct loop *loop;
    const char *data_dir;
    void *ctx;
    /* Its network is there: as struct host_sandbox_config has it. */
    void (*vpc_opened)(void *ctx, struct str vpc_id, const int fds[PRIV_LISTEN_ALL]);
};

/* Connects to the privileged process.  0 or -errno. */
int host_functions_new(struct host_functions **ret, const struct host_functions_config *config);
struct host_functions *host_functions_free(struct host_functions *f);
const struct api_functions *host_functions_driver(struct host_functions *f);
void host_functions_attach(struct host_functions *f, const struct api_function_events *events);
