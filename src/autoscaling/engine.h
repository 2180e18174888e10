/*
 * The engine: brings groups to what their rows say they shall be.  Level-triggered: a look at a
 * group takes every step that is due, in one transaction with the calls of EC2 that it makes, so
 * that a crash between two steps loses nothing and launches nothing twice.
 */
#pragma once

#include "autoscaling/autoscaling.h"
#include "loop/loop.h"

/* A group with its instances, as long as a transaction. */
struct asg_look {
    struct api_call *call; /* as the service-linked role */
    struct asg_group_row group;
    struct asg_group_row from; /* what launches take: the group's, or what a refresh wants */
    struct asg_instance_list {
        struct asg_instance_row *v;
        size_t n;
    } instances;
    struct str_list impaired; /* ids whose status checks fail */
    int64_t surge;            /* how many more than it desires it has for now */
    bool changed;             /* the group's row is to be written */
    int64_t next_ms;          /* when to look again; 0: when something happens */
};

/* ---- look.c ---- */

/* Takes the steps that are due.  0 or negative. */
int asg_look(struct asg_look *look);
void asg_look_next(struct asg_look *look, int64_t ms);
/* What the instances are of the desired capacity, by their weights; zone p NULL: in all zones. */
int64_t asg_live(const struct asg_look *look, struct str zone);

/* Whether some instance of the group is on its way in or out. */
bool asg_is_moving(const struct asg_look *look);

/* ---- launch.c ---- */

/*
 * Launches one in a zone (p NULL: in the emptiest that has room), or takes it from the warm pool;
 * `warm`: into the pool.  *ret: whether it went well.
 */
int asg_launch(struct asg_look *look, struct str zone, bool warm, struct str cause, bool *ret);
/* After a launch that failed: when the next one may be tried. */
void asg_launch_later(struct asg_look *look);

/* ---- victim.c ---- */

/* Which instance a scale-in ends; NULL: none may be. */
struct asg_instance_row *asg_victim(struct asg_look *look);

/* ---- replace.c ---- */

int asg_replace_unhealthy(struct asg_look *look);
int asg_replace_old(struct asg_look *look);
/* How much of the capacity serves and is healthy. */
int64_t asg_serving(const struct asg_look *look);
/* By how much a group may exceed what it desires at that MaxHealthyPercentage. */
int64_t asg_room(int64_t desired, int64_t max_percent);

/* ---- warm_pool.c ---- */

int asg_pool_step(struct asg_look *look);
/* Puts one that has booted to rest.  Positive: EC2 refused. */
int asg_pool_rest(struct asg_look *look, struct asg_instance_row *row);
/* *ret: one of the pool is on its way into service. */
int asg_pool_take(struct asg_look *look, struct str zone, struct str cause, bool *ret);

/* ---- traffic.c ---- */

/* Registers one that comes into service; the row is the caller's to save. */
int asg_traffic_join(struct asg_look *look, struct asg_instance_row *row);
/* Deregisters one that leaves.  *ret: it has drained. */
int asg_traffic_leave(struct asg_look *look, struct asg_instance_row *row, bool *ret);
bool asg_traffic_unhealthy(struct asg_look *look, const struct asg_instance_row *row);
int asg_traffic_step(struct asg_look *look);

/* ---- metrics.c ---- */

int asg_metrics_put(struct asg_look *look);

/* ---- refresh.c ---- */

/* Ends some of those that a refresh replaces, and it when all are; says what is launched. */
int asg_refresh_step(struct asg_look *look);

/* ---- engine.c ---- */

struct asg_engine;

/* A failure point for tests: looks that are left before the engine stands still; negative: all. */
extern struct asg_engine_fault {
    int looks;
} asg_engine_fault;

int
asg_engine_new(struct asg_engine **ret, struct loop *loop, struct store *store, struct api *api);
struct asg_engine *asg_engine_free(struct asg_engine *engine);
