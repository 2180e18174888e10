/*
 * The engine of load balancers: from rows to nodes, and from what nodes say to rows.
 *
 * With a driver (the sandbox host) nodes are processes that really check and forward.  Without one
 * (the simulated host) it is a model of states alone: a balancer is active at once, and a target is
 * healthy a second after its instance runs and a listener leads to its group.
 */
#pragma once

#include "api/balancers.h"
#include "loop/loop.h"
#include "store/store.h"

struct api;
struct elb_engine;

int
elb_engine_new(struct elb_engine **ret, struct loop *loop, struct store *store, struct api *api);
struct elb_engine *elb_engine_free(struct elb_engine *e);
/* Nodes run from now on; *ret is where they are told of. */
void elb_engine_run(struct elb_engine *e, const struct api_balancers *driver,
                    struct api_balancer_events *ret);
