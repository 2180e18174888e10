/*
 * Brings the states of volumes, snapshots, modifications and new images in line with what the host
 * saw.
 *
 *   volume     creating     available
 *              attaching    attached when the guest has the device, or when the instance is
 *                           stopped; available again when the host could not make it
 *              detaching    available when no guest has it any more
 *   snapshot   pending      completed or error, as the host says of what it holds; a copy shares
 *                           that, and is completed at once
 *   modification modifying  completed when the guest that has the volume sees its size
 *   image      pending      available when all its snapshots are, failed when one is in error
 *
 * Level-triggered: whatever changes only asks for a look, and a look goes over all that is on its
 * way, which indexes by state find without the rest.
 */
#include "ec2/instance.h"
#include "ec2/row_ok.h"
#include "ec2/volume.h"

#include <stdlib.h>

#include "base/log.h"
#include "loop/loop.h"

enum { ARENA_BYTES_MAX = 1 << 20 };

struct ec2_storage_reconciler {
    struct loop *loop;
    struct store *store;
    struct loop_task task;
};

struct view {
    struct txn *txn;
    struct arena *arena;
    int64_t now_ms;
};

/* ---- volumes ---- */

static int
put_volume(struct view *v, const struct ec2_volume_row *row)
{
    assert(ec2_volume_ok(row));
    return ec2_unwritten(ec2_volume_update(v->txn, row), row->id);
}

static int
look_creating(struct view *v, const struct ec2_volume_row *row)
{
    struct ec2_volume_row new = *row;

    assert(!row->instance_id.n);
    new.state = S("available");
    int r = put_volume(v, &new);

    return r ? r : ec2_notify_volume(v->txn, &new, "createVolume", v->now_ms);
}

static int
leave(struct view *v, struct ec2_volume_row *row)
{
    int r = ec2_volume_forget_key(v->txn, row);

    ec2_volume_leave(row);
    return r ? r : put_volume(v, row);
}

static int
look_attaching(struct view *v, const struct ec2_volume_row *row)
{
    const struct host_volume_row *seen = host_volume_get(v->txn, row->id);
    const struct ec2_instance_row *instance = ec2_instance_get(v->txn, row->instance_id);
    bool now = seen && seen->generation == row->attach_generation;
    struct ec2_volume_row new = *row;

    assert(row->instance_id.n > 0 && row->is_data);
    bool in = now && seen->phase == HOST_VOLUME_IN;

    if (!in && instance && instance->state != EC2_STOPPED)
        return 0;
    new.attach_state = S("");
    return put_volume(v, &new);
}

static int
look_detaching(struct view *v, const struct ec2_volume_row *row)
{
    const struct host_volume_row *seen = host_volume_get(v->txn, row->id);
    struct ec2_volume_row new = *row;

    assert(row->instance_id.n > 0 && row->is_data);
    return seen && seen->phase == HOST_VOLUME_IN ? 0 : leave(v, &new);
}

/* What is attached, and what its guest should have had at its start, but could not get. */
static int
look_failed(struct view *v, const struct host_volume_row *seen)
{
    const struct ec2_volume_row *row = ec2_volume_get(v->txn, seen->id);

    if (!row || !row->instance_id.n || row->attach_generation != seen->generation)
        return 0;
    struct ec2_volume_row new = *row;

    log_warn("volume %.*s could not be attached: %.*s", STR_ARG(row->id), STR_ARG(seen->reason));
    return leave(v, &new);
}

static int
look_at_volumes(struct view *v)
{
    int r = 0;

    STORE_EACH(v->txn, host_volume_by_phase, seen, HOST_VOLUME_FAILED)
        r = r ? r : look_failed(v, seen);

    STORE_EACH(v->txn, ec2_volume_by_state, row, S("creating"))
        r = r ? r : look_creating(v, row);
    STORE_EACH(v->txn, ec2_volume_by_attach_state, row, S("attaching"))
        r = r ? r : look_attaching(v, row);
    STORE_EACH(v->txn, ec2_volume_by_attach_state, row, S("detaching"))
        r = r ? r : look_detaching(v, row);
    return r;
}

static int
look_at_modifications(struct view *v)
{
    int r = 0;

    STORE_EACH(v->txn, ec2_volume_modification_by_state, row, S("modifying")) {
        const struct host_volume_row *seen = host_volume_get(v->txn, row->id);
        struct ec2_volume_modification_row new = *row;

        if (seen && seen->phase == HOST_VOLUME_IN && seen->size_gib < row->size_gib)
            continue;
        new.state = S("completed");
        new.ended_ms = v->now_ms;
        assert(ec2_modification_ok(&new));
        r = r ? r : ec2_unwritten(ec2_volume_modification_update(v->txn, &new), new.id);
    }
    return r;
}

/* ---- snapshots, and images of them ---- */

static int
look_at_snapshots(struct view *v)
{
    int r = 0;

    STORE_EACH(v->txn, ec2_snapshot_by_state, row, S("pending")) {
        const struct host_snapshot_row *seen = host_snapshot_get(v->txn, row->content);
        bool is_copy = str_is(row->volume_id, EC2_VOLUME_OF_COPIES);
        struct ec2_snapshot_row new = *row;

        if (!seen && !is_copy)
            continue;
        bool failed = seen && seen->phase == HOST_SNAPSHOT_FAILED;

        new.state = failed ? S("error") : S("completed");
        new.message = failed ? seen->reason : S("");
        new.completed_ms = failed ? 0 : v->now_ms;
        assert(ec2_snapshot_ok(&new));
        r = r ? r : ec2_unwritten(ec2_snapshot_update(v->txn, &new), new.id);
        if (r == 0 && !is_copy)
            r = ec2_notify_snapshot(v->txn, &new, v->now_ms);
    }
    return r;
}

/* "completed", "pending" or "error": the worst of the image's snapshots. */
static struct str
snapshots_state(struct view *v, const struct ec2_image_row *image)
{
    struct str worst = S("completed");
    struct str_list ids = {0};

    *LIST_PUSH(v->arena, &ids) = image->snapshot_id;
    LIST_EACH(&image->more_devices, text) {
        struct str id = ec2_device_of(v->arena, *text).ebs.snapshot_id;

        if (id.n)
            *LIST_PUSH(v->arena, &ids) = id;
    }
    LIST_EACH(&ids, id) {
        const struct ec2_snapshot_row *row = ec2_snapshot_get(v->txn, *id);

        if (!row || str_is(row->state, "error"))
            return S("error");
        if (str_is(row->state, "pending"))
            worst = row->state;
    }
    return worst;
}

static int
look_at_images(struct view *v)
{
    int r = 0;

    STORE_EACH(v->txn, ec2_image_by_state, row, S("pending")) {
        struct str state = snapshots_state(v, row);
        struct ec2_image_row new = *row;

        if (str_is(state, "pending"))
            continue;
        new.state = str_is(state, "error") ? S("failed") : S("available");
        assert(ec2_image_ok(&new));
        r = r ? r : ec2_unwritten(ec2_image_update(v->txn, &new), new.id);
    }
    return r;
}

/* ---- the look ---- */

static void
look(struct loop_task *task)
{
    struct ec2_storage_reconciler *rec = CONTAINER_OF(task, struct ec2_storage_reconciler, task);
    CLEANUP(arena_done) struct arena arena;
    struct view v = {.txn = store_begin(rec->store),
                     .arena = &arena,
                     .now_ms = loop_now_ms(rec->loop, LOOP_CLOUD)};

    arena_init(&arena, ARENA_BYTES_MAX);
    int r = look_at_volumes(&v);

    if (r == 0)
        r = look_at_modifications(&v);
    if (r == 0)
        r = look_at_snapshots(&v);
    if (r == 0)
        r = look_at_images(&v);
    if (r == 0)
        store_commit(v.txn);
    else
        store_rollback(v.txn);
}

static void
changed(void *ctx, const void *old_row UNUSED, const void *new_row)
{
    struct ec2_storage_reconciler *rec = ctx;

    if (new_row)
        loop_defer(rec->loop, &rec->task);
}

/* An instance that is stopped has what is attached to it. */
static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;

    if (old && new && old->state != new->state &&new->state == EC2_STOPPED)
        changed(ctx, old_row, new_row);
}

int
ec2_storage_reconciler_new(struct ec2_storage_reconciler **ret, struct loop *loop,
                           struct store *store)
{
    static const struct store_table *const tables[] = {
        &ec2_volume_table,   &ec2_volume_modification_table,
        &ec2_snapshot_table, &ec2_image_table,
        &host_volume_table,  &host_snapshot_table};
    struct ec2_storage_reconciler *rec = calloc(1, sizeof(*rec));

    if (!rec)
        return error_origin(ENOMEM, "the reconciler of storage cannot be made");
    rec->loop = loop;
    rec->store = store;
    rec->task.fn = look;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        store_watch(store, tables[i], changed, rec);
    store_watch(store, &ec2_instance_table, instance_changed, rec);
    loop_defer(loop, &rec->task);
    *ret = rec;
    return 0;
}

struct ec2_storage_reconciler *
ec2_storage_reconciler_free(struct ec2_storage_reconciler *rec)
{
    if (!rec)
        return NULL;
    loop_task_cancel(rec->loop, &rec->task);
    free(rec);
    return NULL;
}
