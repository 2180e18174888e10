/* When groups are looked at: as api/looks.h says; what changes one, its instances or machines. */
#include "autoscaling/engine.h"

#include <stdlib.h>

#include "api/looks.h"
#include "base/log.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/elbv2_rows.h"
#include "gen/store/host_rows.h"

#define LOOK_BYTES_MAX ((size_t)64 << 20)

struct asg_engine {
    struct api_looks looks;
};

struct asg_engine_fault asg_engine_fault = {.looks = -1};

/* A call as the group's service-linked role, in the engine's transaction. */
static bool
call_init(struct api_looks *looks, struct txn *txn, const struct asg_group_row *row,
          struct api_call *ret)
{
    struct api_call finder = {.api = looks->api,
                              .arena = &looks->arena,
                              .txn = txn,
                              .account = row->account,
                              .region = row->region,
                              .now_ms = loop_now_ms(looks->loop, LOOP_CLOUD)};

    if (asg_as_service(&finder, row->role_arn, ret) != 0)
        return false;
    ret->service = &autoscaling_service;
    return true;
}

/* One transaction for one group.  Whether it came further. */
static bool
look_at(struct api_looks *looks, struct str id)
{
    if (asg_engine_fault.looks == 0)
        return false;
    asg_engine_fault.looks -= asg_engine_fault.looks > 0;
    struct txn *txn = store_begin(looks->store);
    const struct asg_group_row *row = asg_group_get(txn, id);
    struct asg_look look = {0};
    struct api_call call;
    int r = -EINVAL;

    if (row && call_init(looks, txn, row, &call)) {
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
    assert(!arena_spent(&looks->arena));
    return api_looks_commit(looks, txn, look.next_ms);
}

static void
list_groups(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    STORE_EACH(txn, asg_group_by_key, row)
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
}

/* ---- what wakes it ---- */

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
        api_looks_on_change(ctx, old_row, new_row);
}

/* Targets of others are no concern of this engine's. */
static void
on_target(void *ctx, const void *old_row, const void *new_row)
{
    struct asg_engine *e = ctx;
    const struct elb_target_row *row = new_row ? new_row : old_row;

    if (str_starts(row->target_id, S("i-")))
        api_looks_on_change(&e->looks, old_row, new_row);
}

/* What status checks look at. */
static void
on_machine(void *ctx, const void *old_row, const void *new_row)
{
    const struct host_machine_row *old = old_row, *new = new_row;

    if (old && new && (old->unreached_ms != new->unreached_ms || old->phase != new->phase))
        api_looks_on_change(ctx, old_row, new_row);
}

int
asg_engine_new(struct asg_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    static const struct api_looks_kind kind = {
        .bytes_max = LOOK_BYTES_MAX, .list = list_groups, .look = look_at};
    struct asg_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return error_origin(ENOMEM, "Auto Scaling's engine cannot be made");
    api_looks_init(&e->looks, &kind, loop, store, api);
    store_watch(store, &asg_group_table, api_looks_on_change, &e->looks);
    store_watch(store, &asg_instance_table, api_looks_on_change, &e->looks);
    store_watch(store, &asg_schedule_table, api_looks_on_change, &e->looks);
    store_watch(store, &asg_refresh_table, api_looks_on_change, &e->looks);
    store_watch(store, &ec2_fault_table, api_looks_on_change, &e->looks);
    store_watch(store, &elb_target_table, on_target, e);
    store_watch(store, &ec2_instance_table, on_instance, &e->looks);
    store_watch(store, &host_machine_table, on_machine, &e->looks);
    *ret = e;
    return 0;
}

struct asg_engine *
asg_engine_free(struct asg_engine *e)
{
    if (!e)
        return NULL;
    api_looks_done(&e->looks);
    free(e);
    return NULL;
}
