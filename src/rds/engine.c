/* When things of RDS are looked at: as api/looks.h says. */
#include "rds/engine.h"

#include <stdlib.h>

#include "api/actor.h"
#include "api/looks.h"
#include "base/log.h"

#define LOOK_BYTES_MAX ((size_t)16 << 20)

struct rds_engine {
    struct api_looks looks;
};

static bool
is_snapshot(struct str id)
{
    return str_starts(id, S("arn:"));
}

/* One step of a DB instance or a snapshot, as its account. */
static bool
look_at(struct api_looks *looks, struct str id)
{
    struct txn *txn = store_begin(looks->store);
    const struct rds_instance_row *db = is_snapshot(id) ? NULL : rds_instance_get(txn, id);
    const struct rds_snapshot_row *snapshot = is_snapshot(id) ? rds_snapshot_get(txn, id) : NULL;
    struct api_call call;
    int64_t next_ms = 0;
    int r = 0;

    assert(!db || !snapshot);
    if (db || snapshot) {
        struct str_list actor =
            api_actor_account(&looks->arena, db ? db->account : snapshot->account);

        r = api_actor_call(looks->api, &looks->arena, &actor, db ? db->region : snapshot->region,
                           &call)
                ? 0
                : -EINVAL;
        call.txn = txn;
        call.service = &rds_service;
        if (r == 0)
            r = db ? rds_look(&call, id, &next_ms) : rds_snapshot_step(&call, id);
    }
    if (r != 0) {
        log_error("%.*s cannot be looked at: %.*s", STR_ARG(id),
                  STR_ARG(r > 0 ? call.fault.message : str_from(strerror(-r))));
        store_rollback(txn);
        return false;
    }
    assert(!arena_spent(&looks->arena));
    return api_looks_commit(looks, txn, next_ms);
}

static void
list(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    STORE_EACH(txn, rds_snapshot_by_key, row)
        if (str_is(row->status, "creating"))
            *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
    STORE_EACH(txn, rds_instance_by_key, row)
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
}

/* Of operators' things alone: tenants' change often, and are none of ours. */
static void
on_instance(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *row = new_row ? new_row : old_row;
    struct api_looks *looks = ctx;

    if (str_is(row->account, RDS_MACHINES))
        api_looks_on_change(looks, old_row, new_row);
}

static void
on_image(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_image_row *row = new_row ? new_row : old_row;

    if (str_is(row->account, RDS_MACHINES))
        api_looks_on_change(ctx, old_row, new_row);
}

int
rds_engine_new(struct rds_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    static const struct api_looks_kind kind = {
        .bytes_max = LOOK_BYTES_MAX, .list = list, .look = look_at};
    struct rds_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return error_origin(ENOMEM, "the engine of RDS cannot be made");
    api_looks_init(&e->looks, &kind, loop, store, api);
    store_watch(store, &rds_instance_table, api_looks_on_change, &e->looks);
    store_watch(store, &rds_snapshot_table, api_looks_on_change, &e->looks);
    store_watch(store, &ec2_instance_table, on_instance, &e->looks);
    store_watch(store, &ec2_image_table, on_image, &e->looks);
    *ret = e;
    return 0;
}

struct rds_engine *
rds_engine_free(struct rds_engine *e)
{
    if (!e)
        return NULL;
    api_looks_done(&e->looks);
    free(e);
    return NULL;
}
