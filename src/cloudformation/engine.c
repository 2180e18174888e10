/*
 * When stacks are looked at: after a commit that changed one, a signal or a machine, and when
 * something falls due by the cloud's clock.  A look that cannot go on leaves the stack as it
 * is; the next one begins at the same place.
 */
#include "cloudformation/engine.h"

#include <stdlib.h>

#include "api/actor.h"
#include "base/log.h"
#include "cloudformation/import.h"
#include "cloudformation/stack_set.h"
#include "gen/store/autoscaling_rows.h"
#include "gen/store/cloudwatch_rows.h"
#include "gen/store/ec2_rows.h"

#define LOOK_BYTES_MAX ((size_t)256 << 20)

struct cfn_engine {
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct loop_task task;
    struct loop_timer timer;
    struct arena arena;
    int64_t next_ms;
};

static int
step(struct cfn_look *look)
{
    assert(look->left > 0 && look->stack.stage != CFN_REST);
    switch ((enum cfn_stage)look->stack.stage) {
    case CFN_CREATE:
    case CFN_UPDATE:
        return cfn_apply(look);
    case CFN_REVERT:
        return cfn_revert(look);
    case CFN_CLEANUP:
    case CFN_REVERT_CLEANUP:
    case CFN_ROLLBACK:
    case CFN_DELETE:
        return cfn_remove(look);
    case CFN_IMPORT:
        return cfn_import(look);
    case CFN_HELD:
    case CFN_HELD_BACK:
    case CFN_REST:
        break;
    }
    return 0;
}

struct cfn_engine_fault cfn_engine_fault = {.looks = -1};

/* One transaction for one stack.  Whether it came further. */
static bool
look_at(struct cfn_engine *e, struct str id)
{
    if (cfn_engine_fault.looks == 0)
        return false;
    cfn_engine_fault.looks -= cfn_engine_fault.looks > 0;
    struct txn *txn = store_begin(e->store);
    const struct cfn_stack_row *row = cfn_stack_get(txn, id);
    struct api_call call;
    struct cfn_look look;
    int r = -EINVAL;

    if (!row || row->stage == CFN_REST) {
        store_rollback(txn);
        return false;
    }
    if (api_actor_call(e->api, &e->arena, &row->actor, row->region, &call)) {
        call.txn = txn;
        r = cfn_look_init(&look, &call, row);
    }
    if (r == 0 && cfn_engine_fault.calls)
        look.left = cfn_engine_fault.calls;
    if (r == 0)
        r = step(&look);
    if (r != 0) {
        log_error("stack %.*s cannot be looked at: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
        return false;
    }
    bool changed = store_changed(txn);

    assert(look.next_ms >= 0);
    store_commit(txn);
    if (look.next_ms && (!e->next_ms || look.next_ms < e->next_ms))
        e->next_ms = look.next_ms;
    return changed;
}

/* The stacks that something is to be done with; one at a time, since each look is a transaction. */
static void
on_task(struct loop_task *task)
{
    struct cfn_engine *e = CONTAINER_OF(task, struct cfn_engine, task);
    struct str_list ids = {0};
    struct arena list;
    bool changed = false;

    arena_init(&list, (size_t)16 << 20);
    struct txn *txn = store_begin(e->store);
    struct store_cursor c = store_seek(txn, &cfn_stack_by_stage, NULL, 0);

    store_from(&c, STORE_KEYS((int64_t)CFN_CREATE));
    for (const struct cfn_stack_row *row; (row = cfn_stack_by_stage_next(&c));)
        *LIST_PUSH(&list, &ids) = str_dup(&list, row->id);
    store_rollback(txn);
    e->next_ms = 0;
    assert(e->arena.max_bytes == LOOK_BYTES_MAX);
    LIST_EACH(&ids, id) {
        arena_reset(&e->arena);
        changed = look_at(e, *id) || changed;
    }
    changed = cfn_sets_look(e->api, e->store, &e->arena) || changed;
    arena_wipe(&e->arena);
    arena_done(&list);
    if (changed)
        loop_defer(e->loop, &e->task);
    if (e->next_ms)
        loop_timer_set(e->loop, &e->timer, LOOP_CLOUD, e->next_ms);
}

static void
on_timer(struct loop_timer *timer)
{
    struct cfn_engine *e = CONTAINER_OF(timer, struct cfn_engine, timer);

    loop_defer(e->loop, &e->task);
}

static void
on_change(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    struct cfn_engine *e = ctx;

    loop_defer(e->loop, &e->task);
}

int
cfn_engine_new(struct cfn_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    static const struct store_table *const tables[] = {
        &cfn_stack_table,    &cfn_signal_table,   &cfn_set_operation_table,
        &ec2_instance_table, &ec2_volume_table,   &ec2_snapshot_table,
        &asg_instance_table, &asg_activity_table, &cloudwatch_alarm_table};
    struct cfn_engine *e = calloc(1, sizeof(*e));

    assert(loop && store && api);
    if (!e)
        return error_origin(ENOMEM, "CloudFormation's engine cannot be made");
    *e = (struct cfn_engine){.loop = loop,
                             .store = store,
                             .api = api,
                             .task = {.fn = on_task},
                             .timer = {.clock = LOOP_CLOUD, .fn = on_timer}};
    arena_init(&e->arena, LOOK_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        store_watch(store, tables[i], on_change, e);
    loop_defer(loop, &e->task);
    *ret = e;
    return 0;
}

struct cfn_engine *
cfn_engine_free(struct cfn_engine *e)
{
    if (!e)
        return NULL;
    loop_timer_stop(e->loop, &e->timer);
    loop_task_cancel(e->loop, &e->task);
    arena_done(&e->arena);
    free(e);
    return NULL;
}
