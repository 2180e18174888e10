/*
 * When groups are looked at: after a commit that changed one, its instances or their machines, and
 * when something falls due by the cloud's clock.  A look that cannot go on leaves the group as it
 * is; the next one begins at the same place.
 */
#include "autoscaling/engine.h"

#include <stdlib.h>

#include "base/log.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/host_rows.h"

#define LOOK_BYTES_MAX ((size_t)64 << 20)
#define LIST_BYTES_MAX ((size_t)16 << 20)

struct asg_engine {
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct loop_task task;
    struct loop_timer timer;
    struct arena arena;
    int64_t next_ms;
};

struct asg_engine_fault asg_engine_fault = {.looks = -1};

/* A call as the group's service-linked role, in the engine's transaction. */
static bool
call_init(struct asg_engine *e, struct txn *txn, const struct asg_group_row *row,
          struct api_call *ret)
{
    struct api_call finder = {.api = e->api,
                              .arena = &e->arena,
                              .txn = txn,
                              .account = row->account,
                              .region = row->region,
                              .now_ms = loop_now_ms(e->loop, LOOP_CLOUD)};

    if (asg_as_service(&finder, row->role_arn, ret) != 0)
        return false;
    ret->service = &autoscaling_service;
    return true;
}

/* One transaction for one group.  Whether it came further. */
static bool
look_at(struct asg_engine *e, struct str id)
{
    if (asg_engine_fault.looks == 0)
        return false;
    asg_engine_fault.looks -= asg_engine_fault.looks > 0;
    struct txn *txn = store_begin(e->store);
    const struct asg_group_row *row = asg_group_get(txn, id);
    struct asg_look look = {0};
    struct api_call call;
    int r = -EINVAL;

    if (row && call_init(e, txn, row, &call)) {
        look.call = &call;
        look.group = *row;
        r = asg_look(&look);
    }
    if (r != 0) {
        if (row)
            log_error("group %.*s cannot be looked at: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
        return false;
    }
    bool changed = store_changed(txn);

    assert(look.next_ms >= 0 && !arena_spent(&e->arena));
    store_commit(txn);
    if (look.next_ms && (!e->next_ms || look.next_ms < e->next_ms))
        e->next_ms = look.next_ms;
    return changed;
}

static void
on_task(struct loop_task *task)
{
    struct asg_engine *e = CONTAINER_OF(task, struct asg_engine, task);
    struct str_list ids = {0};
    struct arena list;
    bool changed = false;

    arena_init(&list, LIST_BYTES_MAX);
    struct txn *txn = store_begin(e->store);

    STORE_EACH(txn, asg_group_by_key, row)
        *LIST_PUSH(&list, &ids) = str_dup(&list, row->id);
    store_rollback(txn);
    e->next_ms = 0;
    LIST_EACH(&ids, id) {
        arena_reset(&e->arena);
        changed = look_at(e, *id) || changed;
    }
    arena_wipe(&e->arena);
    arena_done(&list);
    if (changed)
        loop_defer(e->loop, &e->task);
    if (e->next_ms)
        loop_timer_set(e->loop, &e->timer, LOOP_CLOUD, e->next_ms);
    else
        loop_timer_stop(e->loop, &e->timer);
}

static void
on_timer(struct loop_timer *timer)
{
    struct asg_engine *e = CONTAINER_OF(timer, struct asg_engine, timer);

    loop_defer(e->loop, &e->task);
}

/* ---- what wakes it ---- */

static void
on_change(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    struct asg_engine *e = ctx;

    loop_defer(e->loop, &e->task);
}

static bool
is_member(const struct ec2_instance_row *row)
{
    return row && api_tags_get(&row->tags, S("aws:autoscaling:groupName")).p;
}

/* Instances of no group are most of all, and change often. */
static void
on_instance(void *ctx, const void *old_row, const void *new_row)
{
    if (is_member(old_row) || is_member(new_row))
        on_change(ctx, old_row, new_row);
}

/* What status checks look at. */
static void
on_machine(void *ctx, const void *old_row, const void *new_row)
{
    const struct host_machine_row *old = old_row, *new = new_row;

    if (old && new && (old->unreached_ms != new->unreached_ms || old->phase != new->phase))
        on_change(ctx, old_row, new_row);
}

int
asg_engine_new(struct asg_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    struct asg_engine *e = calloc(1, sizeof(*e));

    assert(loop && store && api);
    if (!e)
        return error_origin(ENOMEM, "Auto Scaling's engine cannot be made");
    *e = (struct asg_engine){.loop = loop,
                             .store = store,
                             .api = api,
                             .task = {.fn = on_task},
                             .timer = {.clock = LOOP_CLOUD, .fn = on_timer}};
    arena_init(&e->arena, LOOK_BYTES_MAX);
    store_watch(store, &asg_group_table, on_change, e);
    store_watch(store, &asg_instance_table, on_change, e);
    store_watch(store, &asg_schedule_table, on_change, e);
    store_watch(store, &asg_refresh_table, on_change, e);
    store_watch(store, &ec2_fault_table, on_change, e);
    store_watch(store, &ec2_instance_table, on_instance, e);
    store_watch(store, &host_machine_table, on_machine, e);
    loop_defer(loop, &e->task);
    *ret = e;
    return 0;
}

struct asg_engine *
asg_engine_free(struct asg_engine *e)
{
    if (!e)
        return NULL;
    loop_timer_stop(e->loop, &e->timer);
    loop_task_cancel(e->loop, &e->task);
    arena_done(&e->arena);
    free(e);
    return NULL;
}
