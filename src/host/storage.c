/*
 * The reconciler of volumes and snapshots, by the rules of that of machines (reconcile.c).
 *
 *   volume     is to be in a guest   its row is attached, and the machine is up
 *              host_volume           whether it is, in whose, and how large
 *   snapshot   is to be made         its row is pending, and the machine that it waits for is down
 *              host_snapshot         whether what it holds is whole
 *
 * What no row of EC2 names any more is forgotten: the bytes of a volume with its row, those of a
 * snapshot when no copy of it, no image, no instance and no other snapshot stands on it.
 */
#include "host/storage.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

enum { ID_MAX = 30, AGAIN_MS = 1000, ARENA_BYTES_MAX = 16 << 20 };

enum doing { IDLE, MOVING_IN, MOVING_OUT, COPYING };

struct item { /* a volume or a snapshot's content */
    struct host_storage *s;
    struct item *next_dirty;
    struct loop_timer again; /* a device that the guest holds cannot go yet */
    enum doing doing;
    bool dirty;
    int refused; /* what the driver said when it would not even begin; 0: it has begun */
    int64_t generation, size_gib; /* what the driver was asked for */
    uint8_t instance_n, id_n;
    char instance[ID_MAX];
    char id[ID_MAX];
};

struct host_storage {
    struct host *host;
    struct loop *loop;
    struct store *store;
    const struct host_driver *driver;
    struct map items;
    struct item *dirty;
    struct loop_task look;
};

static struct str
item_id(const struct item *it)
{
    return str_of(it->id, it->id_n);
}

static void again(struct loop_timer *timer);

static void
mark(struct host_storage *s, struct str id)
{
    struct item *it = map_get(&s->items, id);

    assert(id.n > 0 && id.n <= ID_MAX);
    if (!it) {
        it = calloc(1, sizeof(*it));
        if (!it)
            abort();
        it->s = s;
        it->again.fn = again;
        it->id_n = (uint8_t)id.n;
        memcpy(it->id, id.p, id.n);
        map_put(&s->items, item_id(it), it);
    }
    if (!it->dirty) {
        it->dirty = true;
        it->next_dirty = s->dirty;
        s->dirty = it;
    }
    loop_defer(s->loop, &s->look);
}

static void
again(struct loop_timer *timer)
{
    struct item *it = CONTAINER_OF(timer, struct item, again);

    assert(it->doing == IDLE && it->id_n > 0);
    mark(it->s, item_id(it));
}

static bool
is_in_phase(struct txn *txn, struct str instance_id, enum host_phase phase)
{
    const struct host_machine_row *row = instance_id.n ? host_machine_get(txn, instance_id) : NULL;

    return row && row->phase == phase;
}

/* It runs, or is to boot and waits for its volumes. */
static bool
has_guest(struct txn *txn, struct str instance_id)
{
    const struct ec2_instance_row *row = ec2_instance_get(txn, instance_id);

    return is_in_phase(txn, instance_id, HOST_UP) ||
           (row && (row->state == EC2_PENDING || row->state == EC2_RUNNING) &&
            !row->launch_error.n);
}

/* ---- writing what was seen ---- */

static void
put_volume(struct host_storage *s, const struct host_volume_row *row)
{
    struct txn *txn = store_begin(s->store);
    int r =
        host_volume_get(txn, row->id) ? host_volume_update(txn, row) : host_volume_insert(txn, row);

    assert(row->phase >= HOST_VOLUME_OUT && row->phase <= HOST_VOLUME_FAILED);
    if (r < 0) {
        error_origin(-r, "the device of %.*s could not be written", STR_ARG(row->id));
        store_rollback(txn);
    } else {
        store_commit(txn);
    }
}

/* Once, not at each attempt. */
static void
put_busy(struct host_storage *s, struct host_volume_row *row)
{
    struct txn *txn = store_begin(s->store);
    const struct host_volume_row *before = host_volume_get(txn, row->id);
    bool said = before && before->reason.n;

    store_rollback(txn);
    row->phase = HOST_VOLUME_IN;
    row->reason = S(HOST_VOLUME_BUSY);
    if (!said)
        put_volume(s, row);
}

static void
put_snapshot(struct host_storage *s, struct str id, bool whole, struct str reason)
{
    const struct host_snapshot_row row = {
        .id = id, .phase = whole ? HOST_SNAPSHOT_WHOLE : HOST_SNAPSHOT_FAILED, .reason = reason};
    struct txn *txn = store_begin(s->store);
    int r = host_snapshot_get(txn, id) ? host_snapshot_update(txn, &row)
                                       : host_snapshot_insert(txn, &row);

    assert(whole == !reason.n && id.n > 0 && id.n <= ID_MAX);
    if (r < 0) {
        error_origin(-r, "the snapshot %.*s could not be written", STR_ARG(id));
        store_rollback(txn);
    } else {
        store_commit(txn);
    }
}

/* ---- volumes ---- */

/* That one in which nothing was written yet has no bytes of its own. */
static bool
has_bytes(struct txn *txn, struct str id)
{
    const struct host_volume_row *seen = host_volume_get(txn, id);

    return seen && seen->phase != HOST_VOLUME_FAILED;
}

/* What it was made of may have been kept for it alone. */
static void
mark_source(struct host_storage *s, struct str id)
{
    struct txn *txn = store_begin(s->store);
    const struct ec2_volume_row *row = ec2_volume_get(txn, id);

    if (row && row->content.n)
        mark(s, row->content);
    store_rollback(txn);
}

static void
move_in(struct item *it, struct txn *txn, const struct ec2_volume_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->instance_id);
    const struct host_volume volume = {.id = row->id,
                                       .instance_id = row->instance_id,
                                       .device = row->device,
                                       .from = row->content,
                                       .bytes = (uint64_t)row->size_gib << 30,
                                       .nvme = instance && instance->nitro};
    struct host_storage *s = it->s;

    assert(row->instance_id.n > 0 && row->instance_id.n <= ID_MAX && row->size_gib > 0);
    it->doing = MOVING_IN;
    it->generation = row->attach_generation;
    it->size_gib = row->size_gib;
    it->instance_n = (uint8_t)row->instance_id.n;
    memcpy(it->instance, row->instance_id.p, row->instance_id.n);
    it->refused = s->driver->volume_in(s->driver->ctx, &volume);
}

static void
move_out(struct item *it, const struct host_volume_row *seen, bool force)
{
    struct host_storage *s = it->s;

    assert(it->doing == IDLE && seen->phase == HOST_VOLUME_IN);
    it->doing = MOVING_OUT;
    it->generation = seen->generation;
    it->size_gib = seen->size_gib;
    it->instance_n = (uint8_t)MIN(seen->instance_id.n, (size_t)ID_MAX);
    memcpy(it->instance, seen->instance_id.p, it->instance_n);
    it->refused = s->driver->volume_out(s->driver->ctx, seen->id, seen->instance_id, force);
}

static void
forget_volume(struct item *it)
{
    struct host_storage *s = it->s;
    struct txn *txn = store_begin(s->store);

    assert(it->doing == IDLE && s->driver->forget);
    if (s->driver->forget(s->driver->ctx, HOST_CONTENT_VOLUME, item_id(it)) < 0 ||
        host_volume_delete(txn, item_id(it)) < 0)
        store_rollback(txn);
    else
        store_commit(txn);
}

/* What to do after the look's transaction, because it writes. */
enum after { NOTHING, FORGET_VOLUME, FORGET_SNAPSHOT, NO_SOURCE };

static enum after
look_at_volume(struct item *it, struct txn *txn)
{
    const struct ec2_volume_row *row = ec2_volume_get(txn, item_id(it));
    const struct host_volume_row *seen = host_volume_get(txn, item_id(it));
    bool leaving = row && str_is(row->attach_state, "detaching");
    bool wanted = row && row->is_data && row->instance_id.n && !leaving &&
                  has_guest(txn, row->instance_id);
    bool in = seen && seen->phase == HOST_VOLUME_IN;
    bool this_one = seen && row && seen->generation == row->attach_generation;

    assert(it->doing == IDLE && (!row || row->attach_generation >= 0));
    assert(!in || (seen->instance_id.n > 0 && seen->size_gib > 0));
    if (in && is_in_phase(txn, seen->instance_id, HOST_FROZEN))
        return NOTHING; /* a hibernated guest has what it had */
    if (in && (!wanted || !this_one))
        move_out(it, seen, leaving && row->detach_force);
    else if (wanted && (!in || seen->size_gib < row->size_gib) &&
             !(this_one && seen->phase == HOST_VOLUME_FAILED))
        move_in(it, txn, row);
    else if (!row && seen)
        return FORGET_VOLUME;
    return NOTHING;
}

void
host_storage_volume(struct host_storage *s, struct str id, int status, struct str reason)
{
    struct item *it = map_get(&s->items, id);

    if (!it || (it->doing != MOVING_IN && it->doing != MOVING_OUT))
        return;
    bool in = it->doing == MOVING_IN;

    assert(status <= 0 && it->instance_n > 0);
    struct host_volume_row row = {.id = item_id(it),
                                  .instance_id = str_of(it->instance, it->instance_n),
                                  .generation = it->generation,
                                  .size_gib = it->size_gib,
                                  .phase = in ? HOST_VOLUME_IN : HOST_VOLUME_OUT,
                                  .reason = S("")};

    it->doing = IDLE;
    if (status < 0 && in) {
        row.phase = HOST_VOLUME_FAILED;
        row.reason = reason;
    }
    if (status < 0 && !in) {
        /* it is busy, and goes as soon as the guest lets it */
        put_busy(s, &row);
        loop_timer_set(s->loop, &it->again, LOOP_MONO, loop_now_ms(s->loop, LOOP_MONO) + AGAIN_MS);
        return;
    }
    put_volume(s, &row);
    mark(s, item_id(it));
    if (in)
        host_look_again(s->host, row.instance_id);
    mark_source(s, item_id(it));
}

/* ---- snapshots ---- */

static bool
stands_on(struct str rootfs, struct str content)
{
    assert(content.n > 0);
    while (rootfs.n)
        if (str_eq(str_split(&rootfs, ':'), content))
            return true;
    return false;
}

/* Seldom asked: when a snapshot went, or an instance whose image may have gone before. */
static bool
is_needed(struct txn *txn, struct str content)
{
    assert(content.n > 0);
    STORE_EACH(txn, ec2_snapshot_by_content, row, content)
        return true;
    STORE_EACH(txn, ec2_volume_by_content, row, content)
        if (!has_bytes(txn, row->id))
            return true;
    STORE_EACH(txn, ec2_snapshot_by_key, row)
        if (stands_on(row->rootfs, content))
            return true;
    STORE_EACH(txn, ec2_image_by_key, row)
        if (stands_on(row->rootfs, content))
            return true;
    STORE_EACH(txn, ec2_instance_by_key, row)
        if (row->uid_slot && stands_on(row->rootfs, content))
            return true;
    return false;
}

static enum after
copy(struct item *it, struct txn *txn, const struct ec2_snapshot_row *row)
{
    const struct ec2_volume_row *volume = ec2_volume_get(txn, row->volume_id);
    struct host_storage *s = it->s;

    if (row->reboot_generation && is_in_phase(txn, row->instance_id, HOST_UP))
        return NOTHING;
    if (!volume || (!volume->is_data && !volume->instance_id.n))
        return NO_SOURCE;
    const struct host_snapshot want = {
        .id = row->content,
        .volume_id = volume->id,
        .instance_id = volume->instance_id,
        .is_root = !volume->is_data,
        .from = volume->content,
        .bytes = (uint64_t)volume->size_gib << 30,
    };

    assert(it->doing == IDLE && volume->size_gib > 0);
    it->doing = COPYING;
    it->instance_n = (uint8_t)MIN(volume->instance_id.n, (size_t)ID_MAX);
    memcpy(it->instance, volume->instance_id.p, it->instance_n);
    it->refused = s->driver->snapshot(s->driver->ctx, &want);
    return NOTHING;
}

static enum after
look_at_snapshot(struct item *it, struct txn *txn)
{
    const struct ec2_snapshot_row *row = ec2_snapshot_get(txn, item_id(it));
    const struct host_snapshot_row *seen = host_snapshot_get(txn, item_id(it));

    assert(it->doing == IDLE && (!row || row->size_gib > 0));
    assert(!seen || (seen->phase == HOST_SNAPSHOT_FAILED) == (seen->reason.n > 0));
    if (row && !seen && str_is(row->state, "pending") && str_eq(row->content, row->id) &&
        !str_is(row->volume_id, EC2_VOLUME_OF_COPIES))
        return copy(it, txn, row);
    return seen && !is_needed(txn, item_id(it)) ? FORGET_SNAPSHOT : NOTHING;
}

static void
forget_snapshot(struct item *it)
{
    struct host_storage *s = it->s;
    struct txn *txn = store_begin(s->store);

    assert(it->doing == IDLE && s->driver->forget);
    if (s->driver->forget(s->driver->ctx, HOST_CONTENT_SNAPSHOT, item_id(it)) < 0 ||
        host_snapshot_delete(txn, item_id(it)) < 0)
        store_rollback(txn);
    else
        store_commit(txn);
}

void
host_storage_snapshot(struct host_storage *s, struct str id, int status, struct str reason)
{
    struct item *it = map_get(&s->items, id);

    if (!it || it->doing != COPYING)
        return;
    it->doing = IDLE;
    assert(status <= 0 && (status == 0 || reason.n > 0));
    if (status < 0)
        log_warn("snapshot %.*s could not be made: %.*s", STR_ARG(id), STR_ARG(reason));
    put_snapshot(s, item_id(it), status == 0, status < 0 ? reason : S(""));
    if (it->instance_n)
        host_look_again(s->host, str_of(it->instance, it->instance_n));
    mark(s, item_id(it));
}

bool
host_volumes_wait(struct host_storage *s, struct txn *txn, struct str instance_id)
{
    bool wait = false;

    assert(instance_id.n > 0);
    STORE_EACH(txn, ec2_volume_by_instance, row, instance_id) {
        const struct host_volume_row *seen = host_volume_get(txn, row->id);
        bool this_one = seen && seen->generation == row->attach_generation;

        if (row->is_data && !str_is(row->attach_state, "detaching") &&
            !(this_one && seen->phase != HOST_VOLUME_OUT)) {
            wait = true;
            mark(s, row->id);
        }
    }
    return wait;
}

bool
host_snapshots_wait(struct txn *txn, struct str instance_id)
{
    assert(instance_id.n > 0);
    STORE_EACH(txn, ec2_volume_by_instance, volume, instance_id)
        STORE_EACH(txn, ec2_snapshot_by_volume, row, volume->id)
            if (str_is(row->state, "pending") && !host_snapshot_get(txn, row->content))
                return true;
    return false;
}

/* ---- the look ---- */

/* The same as when the driver begins and fails, once the look's transaction is over. */
static void
not_begun(struct item *it)
{
    int r = it->refused;

    assert(r < 0 && it->doing != IDLE);
    it->refused = 0;
    if (it->doing == COPYING)
        host_storage_snapshot(it->s, item_id(it), r, S("the host could not begin to copy it"));
    else
        host_storage_volume(it->s, item_id(it), r, S("the host could not begin to move it"));
}

static void
look_at(struct item *it)
{
    struct host_storage *s = it->s;

    assert(!it->dirty && map_get(&s->items, item_id(it)) == it);
    bool is_volume = str_starts(item_id(it), S("vol-"));

    assert(is_volume || str_starts(item_id(it), S("snap-")));
    if (it->doing != IDLE)
        return; /* its event asks for another look */
    struct txn *txn = store_begin(s->store);
    enum after after = is_volume ? look_at_volume(it, txn) : look_at_snapshot(it, txn);

    store_rollback(txn);
    if (it->refused)
        not_begun(it);
    else if (after == FORGET_VOLUME)
        forget_volume(it);
    else if (after == FORGET_SNAPSHOT)
        forget_snapshot(it);
    else if (after == NO_SOURCE)
        put_snapshot(s, item_id(it), false, S("The volume is gone"));
    if (it->doing == IDLE && !it->dirty && !it->again.node.place) {
        map_remove(&s->items, item_id(it));
        free(it);
    }
}

static void
look(struct loop_task *task)
{
    struct host_storage *s = CONTAINER_OF(task, struct host_storage, look);
    struct item *it = s->dirty;

    s->dirty = NULL;
    while (it) {
        struct item *next = it->next_dirty;

        it->dirty = false;
        look_at(it);
        it = next;
    }
}

/* ---- what wakes it ---- */

static void
volume_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_volume_row *row = new_row ? new_row : old_row;

    assert(row && row->id.n > 0);
    if (row->is_data)
        mark(ctx, row->id);
    if (!new_row && row->content.n)
        mark(ctx, row->content);
}

static void
snapshot_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_snapshot_row *row = new_row ? new_row : old_row;

    assert(row && row->content.n > 0);
    mark(ctx, row->content);
}

/* A machine that is up, or is no more: its volumes, and what waits for its end. */
static void
machine_looked(struct host_storage *s, struct str instance_id)
{
    struct txn *txn = store_begin(s->store);

    assert(instance_id.n > 0);
    STORE_EACH(txn, ec2_volume_by_instance, row, instance_id) {
        if (row->is_data)
            mark(s, row->id);
        STORE_EACH(txn, ec2_snapshot_by_volume, snapshot, row->id)
            if (str_is(snapshot->state, "pending"))
                mark(s, snapshot->content);
    }
    STORE_EACH(txn, host_volume_by_instance, row, instance_id)
        mark(s, row->id);
    store_rollback(txn);
}

void
host_storage_machine(struct host_storage *s, struct str instance_id, bool gone)
{
    machine_looked(s, instance_id);
    if (!gone)
        return;
    struct txn *txn = store_begin(s->store);

    STORE_EACH(txn, host_snapshot_by_key, row)
        mark(s, row->id);
    store_rollback(txn);
}

/* ---- life ---- */

/*
 * A host that was restarted has no devices, and a machine that is not up has not seen any: what is
 * to be in one is put in anew.
 */
static void
lost(struct host_storage *s)
{
    struct str_list ids = {0};
    CLEANUP(arena_done) struct arena arena;
    struct txn *txn = store_begin(s->store);

    arena_init(&arena, ARENA_BYTES_MAX);
    STORE_EACH(txn, host_volume_by_phase, row, HOST_VOLUME_IN)
        if (!is_in_phase(txn, row->instance_id, HOST_UP) &&
            !is_in_phase(txn, row->instance_id, HOST_FROZEN))
            *LIST_PUSH(&arena, &ids) = row->id;
    int r = 0;
    LIST_EACH(&ids, id) {
        struct host_volume_row row = *host_volume_get(txn, *id);

        row.phase = HOST_VOLUME_OUT;
        r = r < 0 ? r : host_volume_update(txn, &row);
    }
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
}

void
host_storage_start(struct host_storage *s)
{
    lost(s);
    struct txn *txn = store_begin(s->store);

    STORE_EACH(txn, ec2_volume_by_attach_state, row, S("attaching"))
        mark(s, row->id);
    STORE_EACH(txn, host_volume_by_key, row)
        mark(s, row->id);
    STORE_EACH(txn, ec2_snapshot_by_state, row, S("pending"))
        mark(s, row->content);
    STORE_EACH(txn, host_snapshot_by_key, row)
        mark(s, row->id);
    store_rollback(txn);
}

int
host_storage_new(struct host_storage **ret, struct host *host, struct loop *loop,
                 struct store *store, const struct host_driver *driver)
{
    struct host_storage *s = calloc(1, sizeof(*s));

    if (!s)
        return error_origin(ENOMEM, "the host's storage cannot be made");
    assert(driver->no_volumes || (driver->volume_in && driver->volume_out));
    assert(driver->no_snapshots || driver->snapshot);
    assert((driver->no_volumes && driver->no_snapshots) || driver->forget);
    s->host = host;
    s->loop = loop;
    s->store = store;
    s->driver = driver;
    s->look.fn = look;
    store_watch(store, &ec2_volume_table, volume_changed, s);
    store_watch(store, &ec2_snapshot_table, snapshot_changed, s);
    *ret = s;
    return 0;
}

struct host_storage *
host_storage_free(struct host_storage *s)
{
    if (!s)
        return NULL;
    MAP_EACH(&s->items, entry) {
        struct item *it = entry->value;

        loop_timer_stop(s->loop, &it->again);
        free(it);
    }
    loop_task_cancel(s->loop, &s->look);
    map_done(&s->items);
    free(s);
    return NULL;
}
