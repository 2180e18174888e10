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
    bool changed;             /* the group's row is to be written */
    int64_t next_ms;          /* when to look again; 0: when something happens */
};

/* ---- look.c ---- */

/* Takes the steps that are due.  0 or negative. */
int asg_look(struct asg_look *look);
void asg_look_next(struct asg_look *look, int64_t ms);
/* What the instances are of the desired capacity, by their weights; zone p NULL: in all zones. */
int64_t asg_live(const struct asg_look *look, struct str zone);

/* ---- launch.c ---- */

/* Launches one in a zone (p NULL: in the emptiest that has room).  *ret: whether it went well. */
int asg_launch(struct asg_look *look, struct str zone, struct str cause, bool *ret);
/* After a launch that failed: when the next one may be tried. */
void asg_launch_later(struct asg_look *look);

/* ---- victim.c ---- */

/* Which instance a scale-in ends; NULL: none may be. */
struct asg_instance_row *asg_victim(struct asg_look *look);

/* ---- refresh.c ---- */

/* Ends some of those that a refresh replaces, and the refresh when all are. */
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
