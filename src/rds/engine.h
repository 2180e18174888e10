/*
 * The engine: brings DB instances and snapshots to what their rows say they shall be.  A look takes
 * one step in one transaction with the calls of EC2 that it makes.
 */
#pragma once

#include "loop/loop.h"
#include "rds/rds.h"

/* ---- look.c ---- */

/* One step of a DB instance.  *ret_next_ms: when to look again, 0: when something happens. */
int rds_look(struct api_call *call, struct str id, int64_t *ret_next_ms);

/* ---- engine.c ---- */

struct rds_engine;

int
rds_engine_new(struct rds_engine **ret, struct loop *loop, struct store *store, struct api *api);
struct rds_engine *rds_engine_free(struct rds_engine *engine);
