/*
 * An engine that looks at things one by one: stacks, groups.
 *
 * It is level-triggered.  A look is one transaction for one thing, with the calls that it makes;
 * one that cannot go on leaves the thing as it is, and the next begins at the same place.  Looks
 * come after commits that are watched, after looks that changed something, and when something falls
 * due by the cloud's clock.
 */
#pragma once

#include "base/list.h"
#include "loop/loop.h"
#include "store/store.h"

struct api;
struct api_looks;

struct api_looks_kind {
    size_t bytes_max; /* of the memory of one look */
    /* The ids of what there is to look at; they lie in the arena. */
    void (*list)(struct txn *txn, struct arena *arena, struct str_list *ids);
    /* Begins and ends a transaction; whether it came further.  looks->arena is its own. */
    bool (*look)(struct api_looks *looks, struct str id);
    /* NULL, or what is looked at when all of them were; likewise. */
    bool (*after)(struct api_looks *looks);
};

struct api_looks {
    const struct api_looks_kind *kind;
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct loop_task task;
    struct loop_timer timer;
    struct arena arena;
    int64_t next_ms; /* the earliest that a look of this round asked for; 0: none did */
};

/* The first round is the next thing that the loop does. */
void api_looks_init(struct api_looks *looks, const struct api_looks_kind *kind, struct loop *loop,
                    struct store *store, struct api *api);
void api_looks_done(struct api_looks *looks);
/* A store_watch_fn: any change asks for a round. */
void api_looks_on_change(void *looks, const void *old_row, const void *new_row);
/* Ends a look that went well; next_ms: when to look again, or 0.  Answers what look() does. */
bool api_looks_commit(struct api_looks *looks, struct txn *txn, int64_t next_ms);
