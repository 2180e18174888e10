/* When stacks are looked at: as api/looks.h says; what changes a stack, a signal or a machine. */
#include "cloudformation/engine.h"

#include <stdlib.h>

#include "api/actor.h"
#include "api/looks.h"
#include "base/log.h"
#include "cloudformation/import.h"
#include "cloudformation/stack_set.h"
#include "gen/store/autoscaling_rows.h"
#include "gen/store/cloudwatch_rows.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/rds_rows.h"

#define LOOK_BYTES_MAX ((size_t)256 << 20)

struct cfn_engine {
    struct api_looks looks;
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
look_at(struct api_looks *looks, struct str id)
{
    assert(id.n > 0 && cfn_engine_fault.looks >= -1);
    if (cfn_engine_fault.looks == 0)
        return false;
    cfn_engine_fault.looks -= cfn_engine_fault.looks > 0;
    struct txn *txn = store_begin(looks->store);
    const struct cfn_stack_row *row = cfn_stack_get(txn, id);
    struct api_call call;
    struct cfn_look look;
    int r = -EINVAL;

    if (!row || row->stage == CFN_REST) {
        store_rollback(txn);
        return false;
    }
    if (api_actor_call(looks->api, &looks->arena, &row->actor, row->region, &call)) {
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
    return api_looks_commit(looks, txn, look.next_ms);
}

/* The stacks that something is to be done with. */
static void
list_stacks(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    struct store_cursor c = store_seek(txn, &cfn_stack_by_stage, NULL, 0);

    store_from(&c, STORE_KEYS((int64_t)CFN_CREATE));
    for (const struct cfn_stack_row *row; (row = cfn_stack_by_stage_next(&c));) {
        assert(row->stage >= CFN_CREATE);
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
    }
}

static bool
look_at_sets(struct api_looks *looks)
{
    return cfn_sets_look(looks->api, looks->store, &looks->arena);
}

int
cfn_engine_new(struct cfn_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    static const struct store_table *const tables[] = {
        &cfn_stack_table,    &cfn_signal_table,   &cfn_set_operation_table,
        &ec2_instance_table, &ec2_volume_table,   &ec2_snapshot_table,
        &asg_instance_table, &asg_activity_table, &cloudwatch_alarm_table,
        &rds_instance_table};
    static const struct api_looks_kind kind = {
        .bytes_max = LOOK_BYTES_MAX, .list = list_stacks, .look = look_at, .after = look_at_sets};
    struct cfn_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return error_origin(ENOMEM, "CloudFormation's engine cannot be made");
    api_looks_init(&e->looks, &kind, loop, store, api);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        store_watch(store, tables[i], api_looks_on_change, &e->looks);
    *ret = e;
    return 0;
}

struct cfn_engine *
cfn_engine_free(struct cfn_engine *e)
{
    if (!e)
        return NULL;
    api_looks_done(&e->looks);
    free(e);
    return NULL;
}
