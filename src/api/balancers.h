/*
 * Nodes of load balancers: the processes that take and forward connections, as the service that
 * has them run (src/elbv2) sees them.  A driver makes them be: host/balancers.c as sandboxes.
 *
 * A node is known by its network interface.  It is told its configuration as one line of JSON, any
 * number of times; and it says lines of its own, what it found of targets.
 */
#pragma once

#include "base/str.h"

enum { API_BALANCER_LINE_MAX = 4 << 20 };

/* Called from the loop, never from inside a driver's own function. */
struct api_balancer_events {
    void *ctx;
    /* It runs and wants to be told. */
    void (*up)(void *ctx, struct str node);
    /* It cannot run, or does not any more; it has been stopped. */
    void (*ended)(void *ctx, struct str node, struct str why);
    void (*said)(void *ctx, struct str node, struct str line);
};

/* Functions that answer an int answer 0 when it is on its way, or -errno. */
struct api_balancers {
    void *ctx;
    /* slot: see elb_node. */
    int (*start)(void *ctx, struct str node, unsigned slot);
    void (*stop)(void *ctx, struct str node);
    int (*tell)(void *ctx, struct str node, struct str line);
};
