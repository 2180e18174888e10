/* See looks.h.  The list is made before the first look, since each look is a transaction. */
#include "api/looks.h"

#define LIST_BYTES_MAX ((size_t)16 << 20)

static void
on_task(struct loop_task *task)
{
    struct api_looks *looks = CONTAINER_OF(task, struct api_looks, task);
    struct str_list ids = {0};
    struct arena list;
    bool changed = false;

    arena_init(&list, LIST_BYTES_MAX);
    struct txn *txn = store_begin(looks->store);

    looks->kind->list(txn, &list, &ids);
    store_rollback(txn);
    looks->next_ms = 0;
    assert(looks->arena.max_bytes == looks->kind->bytes_max);
    LIST_EACH(&ids, id) {
        arena_reset(&looks->arena);
        changed = looks->kind->look(looks, *id) || changed;
    }
    if (looks->kind->after)
        changed = looks->kind->after(looks) || changed;
    arena_wipe(&looks->arena);
    arena_done(&list);
    if (changed)
        loop_defer(looks->loop, &looks->task);
    if (looks->next_ms)
        loop_timer_set(looks->loop, &looks->timer, LOOP_CLOUD, looks->next_ms);
}

static void
on_timer(struct loop_timer *timer)
{
    struct api_looks *looks = CONTAINER_OF(timer, struct api_looks, timer);

    loop_defer(looks->loop, &looks->task);
}

void
api_looks_on_change(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    struct api_looks *looks = ctx;

    loop_defer(looks->loop, &looks->task);
}

bool
api_looks_commit(struct api_looks *looks, struct txn *txn, int64_t next_ms)
{
    bool changed = store_changed(txn);

    assert(next_ms >= 0);
    store_commit(txn);
    if (next_ms && (!looks->next_ms || next_ms < looks->next_ms))
        looks->next_ms = next_ms;
    return changed;
}

void
api_looks_init(struct api_looks *looks, const struct api_looks_kind *kind, struct loop *loop,
               struct store *store, struct api *api)
{
    assert(loop && store && api && kind->list && kind->look);
    *looks = (struct api_looks){.kind = kind,
                                .loop = loop,
                                .store = store,
                                .api = api,
                                .task = {.fn = on_task},
                                .timer = {.clock = LOOP_CLOUD, .fn = on_timer}};
    arena_init(&looks->arena, kind->bytes_max);
    loop_defer(loop, &looks->task);
}

void
api_looks_done(struct api_looks *looks)
{
    loop_timer_stop(looks->loop, &looks->timer);
    loop_task_cancel(looks->loop, &looks->task);
    arena_done(&looks->arena);
}
