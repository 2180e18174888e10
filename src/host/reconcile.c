/*
 * The reconciler of machines.
 *
 * It holds a little for each instance that has, or shall have, a machine: what the driver was
 * asked last (`doing`).  All else is in rows.  Whatever happens to an instance or to its machine
 * only puts it on the list of those to look at; the look compares three things and does the
 * one next step:
 *
 *   what shall be     the instance's state and generations
 *   what was seen     host_machine
 *   what is under way `doing`
 *
 * So no event can be lost, doubled or come too early, and a crash anywhere is mended by the pass
 * over all instances at the start.
 */
#include "host/storage.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

/* How long a guest may take to shut down after its power button was pressed, in real time. */
#define POWER_BUTTON_LIMIT_MS 30000

enum doing { IDLE, BOOTING, RUNNING, PRESSED, KILLING, REMOVING, FREEZING, FROZEN };

struct machine {
    struct host *host;
    struct machine *next_dirty;
    struct loop_timer patience; /* after the power button, then the kill */
    int64_t start_generation;   /* of the boot under way or running */
    enum doing doing;
    bool dirty;
    bool heard; /* since the boot under way began: a guest can be faster than our own news of it */
    uint8_t id_n;
    char id[30];
};

struct host {
    struct loop *loop;
    struct store *store;
    const struct host_driver *driver;
    struct map machines;
    struct host_storage *storage;
    struct machine *dirty; /* to be looked at, newest first */
    struct loop_task look;
};

static struct str
machine_id(const struct machine *m)
{
    return str_of(m->id, m->id_n);
}

/* Between two steps on it. */
static bool
machine_ok(const struct machine *m)
{
    assert(m->host && m->id_n > 0 && m->id_n <= sizeof(m->id));
    assert(m->doing <= FROZEN);
    assert(m->doing != PRESSED || m->patience.node.place);
    assert(map_get(&m->host->machines, machine_id(m)) == m);
    return true;
}

static void
mark(struct machine *m)
{
    struct host *host = m->host;

    assert(machine_ok(m));
    if (!m->dirty) {
        m->dirty = true;
        m->next_dirty = host->dirty;
        host->dirty = m;
    }
    loop_defer(host->loop, &host->look);
}

static void
power(struct machine *m, enum host_power how)
{
    struct host *host = m->host;
    int r = host->driver->power(host->driver->ctx, machine_id(m), how);

    assert(how == HOST_POWER_BUTTON || m->doing == KILLING || m->doing == RUNNING);
    if (r < 0)
        error_origin(-r, "instance %.*s cannot be signalled", STR_ARG(machine_id(m)));
}

static void
patience_ended(struct loop_timer *timer)
{
    struct machine *m = CONTAINER_OF(timer, struct machine, patience);

    if (m->doing != PRESSED)
        return;
    log_info("instance %.*s did not shut down in %d s and is killed", STR_ARG(machine_id(m)),
             POWER_BUTTON_LIMIT_MS / 1000);
    m->doing = KILLING;
    assert(m->patience.node.place == 0);
    power(m, HOST_POWER_KILL);
}

/* The machine of that id, made when it is not known. */
static struct machine *
machine_of(struct host *host, struct str id)
{
    struct machine *m = map_get(&host->machines, id);

    assert(id.n > 0);
    if (m)
        return m;
    if (id.n > sizeof(m->id))
        return NULL;
    m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->host = host;
    m->patience.fn = patience_ended;
    m->id_n = (uint8_t)id.n;
    memcpy(m->id, id.p, id.n);
    map_put(&host->machines, machine_id(m), m);
    assert(machine_ok(m));
    return m;
}

/* ---- writing what was seen ---- */

static bool
seen_ok(const struct host_machine_row *row)
{
    assert(row->id.n > 0);
    assert(row->phase >= HOST_NONE && row->phase <= HOST_FROZEN);
    assert(row->exit_kind >= HOST_EXIT_UNKNOWN && row->exit_kind <= HOST_EXIT_HOST_LOST);
    assert(row->phase != HOST_UP || (row->boots > 0 && row->booted_ms > 0));
    assert(row->phase == HOST_UP || row->boots >= 0);
    return true;
}

/* Our own row: it can only fail with the store, which then stops the daemon. */
static void
write_seen(struct txn *txn, const struct host_machine_row *row)
{
    int r = host_machine_get(txn, row->id) ? host_machine_update(txn, row)
                                           : host_machine_insert(txn, row);

    assert(seen_ok(row));
    if (r < 0)
        error_origin(-r, "the machine of %.*s could not be written", STR_ARG(row->id));
}

static struct host_machine_row
seen_copy(struct txn *txn, struct str id)
{
    const struct host_machine_row *row = host_machine_get(txn, id);

    return row ? *row : (struct host_machine_row){.id = id};
}

static void
set_phase(struct machine *m, enum host_phase phase, enum host_exit kind, struct str reason)
{
    struct host *host = m->host;
    struct txn *txn = store_begin(host->store);
    struct host_machine_row row = seen_copy(txn, machine_id(m));
    assert(phase != HOST_FROZEN || m->doing == FROZEN);
    assert(phase != HOST_UP || m->doing == RUNNING);
    bool thawed = row.phase == HOST_FROZEN;

    row.phase = phase;
    row.exit_kind = kind;
    row.reason = reason;
    row.start_generation = m->start_generation;
    if (phase == HOST_UP) {
        const struct ec2_instance_row *instance = ec2_instance_get(txn, machine_id(m));

        row.booted_ms = loop_now_ms(host->loop, LOOP_CLOUD);
        row.reached_ms = m->heard ? row.booted_ms : 0;
        row.unreached_ms = 0;
        row.boots += !thawed;
        if (instance)
            row.reboot_generation = instance->reboot_generation;
    }
    write_seen(txn, &row);
    store_commit(txn);
    host_storage_machine(host->storage, machine_id(m), phase == HOST_REMOVED);
}

/* ---- the steps ---- */

/* False when the driver will not even try.  A frozen machine goes on, any other one boots. */
static bool
boot(struct machine *m, struct txn *txn, const struct ec2_instance_row *instance)
{
    struct host *host = m->host;
    int (*begin)(void *ctx, const struct host_boot *boot) =
        m->doing == FROZEN ? host->driver->thaw : host->driver->boot;
    struct host_boot spec = {
        .txn = txn,
        .instance = instance,
        .interface = ec2_interface_get(txn, instance->interface_id),
        .subnet = ec2_subnet_get(txn, instance->subnet_id),
        .vpc = ec2_vpc_get(txn, instance->vpc_id),
        .cpu_milli = (unsigned)instance->vcpus * 1000,
        .memory_bytes = (uint64_t)instance->memory_mib << 20,
    };

    assert(instance->vcpus > 0 && instance->memory_mib > 0);
    assert(instance->state == EC2_PENDING || instance->state == EC2_RUNNING);
    assert(m->doing == IDLE || m->doing == FROZEN);
    enum doing before = m->doing;
    m->start_generation = instance->start_generation;
    m->doing = BOOTING;
    m->heard = false;
    int r = spec.interface && spec.subnet && spec.vpc ? begin(host->driver->ctx, &spec) : -ENOENT;
    if (r < 0) {
        error_origin(-r, "instance %.*s cannot be booted", STR_ARG(instance->id));
        m->doing = before;
    }
    return r >= 0;
}

static void
press(struct machine *m)
{
    assert(m->doing == RUNNING || m->doing == FREEZING);
    m->doing = PRESSED;
    power(m, HOST_POWER_BUTTON);
    loop_timer_set(m->host->loop, &m->patience, LOOP_MONO,
                   loop_now_ms(m->host->loop, LOOP_MONO) + POWER_BUTTON_LIMIT_MS);
}

/* One that cannot be frozen is shut down. */
static void
freeze(struct machine *m)
{
    struct host *host = m->host;
    int r = host->driver->freeze(host->driver->ctx, machine_id(m));

    assert(m->doing == RUNNING);
    m->doing = FREEZING;
    if (r < 0) {
        assert(m->doing == FREEZING);
        error_origin(-r, "instance %.*s cannot be frozen", STR_ARG(machine_id(m)));
        press(m);
    }
}

/* What a look decided to do after its transaction, because it writes. */
enum after { NOTHING, REBOOT, SAY_DOWN, SAY_FAILED, SAY_REMOVED };

/* It shall run. */
static enum after
look_up(struct machine *m, struct txn *txn, const struct ec2_instance_row *instance,
        const struct host_machine_row *seen)
{
    bool this_start = seen && seen->start_generation == instance->start_generation;
    bool rebooting = this_start && seen->phase == HOST_DOWN && seen->exit_kind == HOST_EXIT_REBOOT;

    assert(!seen || seen_ok(seen));
    assert(instance->state == EC2_PENDING || instance->state == EC2_RUNNING);
    if (instance->launch_error.n)
        return NOTHING; /* it shall not even begin */
    if (m->doing == FROZEN && instance->state == EC2_PENDING && !instance->hibernated) {
        m->doing = KILLING; /* its memory is not wanted any more: a boot follows */
        power(m, HOST_POWER_KILL);
        return NOTHING;
    }
    if (m->doing == FROZEN)
        return boot(m, txn, instance) ? NOTHING : SAY_FAILED;
    if (m->doing == IDLE && rebooting && host_snapshots_wait(txn, instance->id))
        return NOTHING; /* its disks are copied between the end and the start */
    if (m->doing == IDLE && host_volumes_wait(m->host->storage, txn, instance->id))
        return NOTHING;
    if (m->doing == IDLE && (!this_start || rebooting || seen->phase == HOST_NONE))
        return boot(m, txn, instance) ? NOTHING : SAY_FAILED;
    if (m->doing == RUNNING && this_start && instance->reboot_generation > seen->reboot_generation)
        return REBOOT;
    return NOTHING;
}

static void
reboot(struct machine *m)
{
    struct txn *txn = store_begin(m->host->store);
    struct host_machine_row row = seen_copy(txn, machine_id(m));
    const struct ec2_instance_row *instance = ec2_instance_get(txn, machine_id(m));

    assert(m->doing == RUNNING);
    if (instance)
        row.reboot_generation = instance->reboot_generation;
    write_seen(txn, &row);
    store_commit(txn);
    power(m, HOST_POWER_REBOOT);
}

/* It shall not run any more, and when `gone` its disk shall go too. */
static void
look_down(struct machine *m, struct txn *txn, const struct host_machine_row *seen, bool gone)
{
    struct host *host = m->host;

    assert(!seen || seen_ok(seen));
    if (m->doing == RUNNING && !gone) {
        press(m);
    } else if (gone && (m->doing == RUNNING || m->doing == PRESSED || m->doing == BOOTING ||
                        m->doing == FREEZING || m->doing == FROZEN)) {
        m->doing = KILLING;
        power(m, HOST_POWER_KILL);
    } else if (m->doing == IDLE && gone && seen && seen->phase != HOST_REMOVED &&
               !host_snapshots_wait(txn, machine_id(m))) {
        m->doing = REMOVING;
        int r = host->driver->remove(host->driver->ctx, machine_id(m));
        if (r < 0) {
            error_origin(-r, "the disk of %.*s cannot be removed", STR_ARG(machine_id(m)));
            m->doing = IDLE;
        }
    }
}

static void
forget(struct machine *m)
{
    assert(m->doing == IDLE);
    assert(!m->dirty);
    loop_timer_stop(m->host->loop, &m->patience);
    map_remove(&m->host->machines, machine_id(m));
    free(m);
}

/* The instance's row is gone; ours goes last. */
static void
drop_seen(struct machine *m)
{
    struct txn *txn = store_begin(m->host->store);

    assert(m->doing == IDLE);
    if (host_machine_delete(txn, machine_id(m)) < 0)
        store_rollback(txn);
    else
        store_commit(txn);
}

static void
carry_out(struct machine *m, enum after after)
{
    switch (after) {
    case NOTHING:
        break;
    case REBOOT:
        reboot(m);
        break;
    case SAY_DOWN:
        set_phase(m, HOST_DOWN, HOST_EXIT_UNKNOWN, S(""));
        break;
    case SAY_FAILED:
        set_phase(m, HOST_FAILED, HOST_EXIT_UNKNOWN,
                  S("the host could not begin to boot it; the daemon's log says why"));
        break;
    case SAY_REMOVED:
        set_phase(m, HOST_REMOVED, HOST_EXIT_UNKNOWN, S(""));
        break;
    }
}

static void
look_at(struct machine *m)
{
    struct txn *txn = store_begin(m->host->store);
    const struct ec2_instance_row *instance = ec2_instance_get(txn, machine_id(m));
    const struct host_machine_row *seen = host_machine_get(txn, machine_id(m));
    bool done = false, orphan = seen && !instance;
    enum after after = NOTHING;

    assert(machine_ok(m) && !m->dirty);
    switch (instance ? (enum ec2_instance_state)instance->state : EC2_TERMINATED) {
    case EC2_PENDING:
    case EC2_RUNNING:
        after = look_up(m, txn, instance, seen);
        break;
    case EC2_STOPPING:
    case EC2_STOPPED:
        /* What should go is gone already: say so, for whoever waits for it. */
        if (m->doing == IDLE && seen && seen->phase == HOST_UP)
            after = SAY_DOWN;
        if (m->doing == RUNNING && instance->hibernated)
            freeze(m);
        else
            look_down(m, txn, seen, false);
        break;
    case EC2_SHUTTING_DOWN:
    case EC2_TERMINATED:
        look_down(m, txn, seen, true);
        done = m->doing == IDLE && (!seen || seen->phase == HOST_REMOVED);
        if (done && !seen && instance && instance->state == EC2_SHUTTING_DOWN)
            after = SAY_REMOVED; /* it never came to be */
        break;
    }
    store_rollback(txn);
    carry_out(m, after);
    if (done && orphan)
        drop_seen(m);
    if (done && !m->dirty)
        forget(m);
}

static void
look(struct loop_task *task)
{
    struct host *host = CONTAINER_OF(task, struct host, look);
    struct machine *m = host->dirty, *oldest_first = NULL;

    host->dirty = NULL;
    while (m) {
        struct machine *next = m->next_dirty;

        m->next_dirty = oldest_first;
        oldest_first = m;
        m = next;
    }
    while ((m = oldest_first)) {
        oldest_first = m->next_dirty;
        m->dirty = false;
        look_at(m);
    }
}

/* ---- what wakes it ---- */

static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *row = new_row ? new_row : old_row;
    struct machine *m = machine_of(ctx, row->id);

    if (m)
        mark(m);
}

static void
on_booted(void *ctx, struct str id)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    assert(id.n > 0);
    /* It shall go already, and the kill may have come before there was anything to kill. */
    if (m && m->doing == KILLING)
        power(m, HOST_POWER_KILL);
    /* It may have been adopted while it booted. */
    if (!m || m->doing != BOOTING)
        return;
    m->doing = RUNNING;
    assert(machine_ok(m));
    set_phase(m, HOST_UP, HOST_EXIT_UNKNOWN, S(""));
    mark(m);
}

static void
on_frozen(void *ctx, struct str id)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    if (!m || m->doing != FREEZING)
        return;
    m->doing = FROZEN;
    assert(machine_ok(m));
    set_phase(m, HOST_FROZEN, HOST_EXIT_UNKNOWN, S(""));
    mark(m);
}

static void
on_not_frozen(void *ctx, struct str id, struct str reason)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    log_warn("instance %.*s could not be hibernated and is shut down: %.*s", STR_ARG(id),
             STR_ARG(reason));
    if (m && m->doing == FREEZING)
        press(m);
}

static void
on_failed(void *ctx, struct str id, struct str reason)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    log_warn("instance %.*s could not be booted: %.*s", STR_ARG(id), STR_ARG(reason));
    if (!m)
        return;
    m->doing = IDLE;
    assert(machine_ok(m));
    set_phase(m, HOST_FAILED, HOST_EXIT_UNKNOWN, reason);
    mark(m);
}

static void
on_exited(void *ctx, struct str id, enum host_exit kind)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    if (!m)
        return;
    loop_timer_stop(host->loop, &m->patience);
    if (m->doing == PRESSED && kind == HOST_EXIT_REBOOT)
        kind = HOST_EXIT_POWEROFF; /* it was to stop, whatever it called that */
    m->doing = IDLE;
    assert(machine_ok(m));
    set_phase(m, HOST_DOWN, kind, S(""));
    mark(m);
}

static void
on_removed(void *ctx, struct str id)
{
    struct host *host = ctx;
    struct machine *m = map_get(&host->machines, id);

    if (!m)
        return;
    m->doing = IDLE;
    assert(machine_ok(m));
    set_phase(m, HOST_REMOVED, HOST_EXIT_KILLED, S(""));
    mark(m);
}

static void on_inspected(void *ctx, struct str id, bool wiped);

static void
on_volume_moved(void *ctx, struct str id, int status, struct str reason)
{
    host_storage_volume(((struct host *)ctx)->storage, id, status, reason);
}

static void
on_snapshotted(void *ctx, struct str id, int status, struct str reason)
{
    host_storage_snapshot(((struct host *)ctx)->storage, id, status, reason);
}

void
host_look_again(struct host *host, struct str instance_id)
{
    struct machine *m = map_get(&host->machines, instance_id);

    if (m)
        mark(m);
}

struct host_events
host_events(struct host *host)
{
    return (struct host_events){.ctx = host,
                                .booted = on_booted,
                                .failed = on_failed,
                                .exited = on_exited,
                                .removed = on_removed,
                                .frozen = on_frozen,
                                .not_frozen = on_not_frozen,
                                .inspected = on_inspected,
                                .volume_moved = on_volume_moved,
                                .snapshotted = on_snapshotted};
}

void
host_heard(struct host *host, struct str id)
{
    struct machine *m = map_get(&host->machines, id);

    if (!m)
        return;
    m->heard = true;
    if (m->doing != RUNNING)
        return;
    struct txn *txn = store_begin(host->store);
    struct host_machine_row row = seen_copy(txn, id);
    if (row.phase != HOST_UP || row.reached_ms) {
        store_rollback(txn);
        return;
    }
    row.reached_ms = loop_now_ms(host->loop, LOOP_CLOUD);
    write_seen(txn, &row);
    store_commit(txn);
}

/* What the instance's own check found; `what` goes on after "instance ID". */
static void
note_check(struct host *host, struct str id, bool passed, const char *what)
{
    struct machine *m = map_get(&host->machines, id);
    struct txn *txn = store_begin(host->store);
    struct host_machine_row row = seen_copy(txn, id);

    assert(what[0] != '\0');
    if (!m || m->doing != RUNNING || row.phase != HOST_UP || !row.unreached_ms == passed) {
        store_rollback(txn);
        return;
    }
    row.unreached_ms = passed ? 0 : loop_now_ms(host->loop, LOOP_CLOUD);
    write_seen(txn, &row);
    store_commit(txn);
    log_info("instance %.*s %s", STR_ARG(id), passed ? "passes its check again" : what);
}

static void
on_inspected(void *ctx, struct str id, bool wiped)
{
    note_check(ctx, id, !wiped, "has nothing left on its root volume");
}

/* One that answers may still be running out of memory alone. */
void
host_asked(struct host *host, struct str id, bool answered)
{
    const struct host_driver *driver = host->driver;

    if (answered && driver->inspect && driver->inspect(driver->ctx, id) >= 0)
        return;
    note_check(host, id, answered, "does not answer on its network");
}

/* ---- life ---- */

static void
adopt(void *ctx, struct str id, bool frozen)
{
    struct machine *m = machine_of(ctx, id);

    if (m)
        m->doing = frozen ? FROZEN : RUNNING;
}

/*
 * After a restart: what runs is taken over, even when the daemon died before it wrote that it
 * does; what rows call up and does not run any more went down while nobody looked.
 */
static void
settle(struct machine *m, bool host_restarted)
{
    struct txn *txn = store_begin(m->host->store);
    const struct ec2_instance_row *instance = ec2_instance_get(txn, machine_id(m));
    const struct host_machine_row *seen = host_machine_get(txn, machine_id(m));
    bool seen_up = seen && seen->phase == HOST_UP;
    bool seen_frozen = seen && seen->phase == HOST_FROZEN;
    bool starts = instance && instance->state == EC2_PENDING;

    assert(m->doing == IDLE || m->doing == RUNNING || m->doing == FROZEN);
    /* A frozen one belongs to the start that it was frozen in, whatever is to come of it. */
    starts = starts && m->doing != FROZEN && !(m->doing == IDLE && seen_frozen);
    m->start_generation = starts ? instance->start_generation : seen ? seen->start_generation : 0;
    bool up = m->doing == RUNNING && (!seen_up || seen->start_generation != m->start_generation);
    bool lost = m->doing == IDLE && (seen_up || seen_frozen);
    bool frozen = m->doing == FROZEN && !seen_frozen;
    assert(up + lost + frozen <= 1);
    store_rollback(txn);
    if (lost && seen_frozen)
        log_warn("what the hibernated instance %.*s had in memory is lost", STR_ARG(machine_id(m)));
    if (up)
        set_phase(m, HOST_UP, HOST_EXIT_UNKNOWN, S(""));
    else if (frozen)
        set_phase(m, HOST_FROZEN, HOST_EXIT_UNKNOWN, S(""));
    else if (lost)
        set_phase(m, HOST_DOWN, host_restarted ? HOST_EXIT_HOST_LOST : HOST_EXIT_UNKNOWN,
                  host_restarted ? S("The host was restarted") : S(""));
    mark(m);
}

/* Whether the host is another one, or was started anew, since the daemon last looked. */
static int
note_boot(struct host *host, bool *ret_restarted)
{
    struct txn *txn = store_begin(host->store);
    const struct host_boot_row *row = host_boot_get(txn, S("boot"));
    struct host_boot_row now = {.id = S("boot"),
                                .boot_id = host->driver->boot_id(host->driver->ctx)};

    *ret_restarted = row && !str_eq(row->boot_id, now.boot_id);
    assert(now.boot_id.n > 0);
    int r = row ? host_boot_update(txn, &now) : host_boot_insert(txn, &now);
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    return r;
}

int
host_start(struct host *host)
{
    bool restarted = false;
    int r = host->driver->list(host->driver->ctx, adopt, host);

    if (r >= 0)
        r = note_boot(host, &restarted);
    if (r < 0)
        return r;
    struct txn *txn = store_begin(host->store);
    STORE_EACH(txn, ec2_instance_by_key, instance)
        machine_of(host, instance->id);
    /* Those whose instance is gone: their disk, and then their row, shall go too. */
    STORE_EACH(txn, host_machine_by_key, seen)
        machine_of(host, seen->id);
    store_rollback(txn);
    MAP_EACH(&host->machines, entry)
        settle(entry->value, restarted);
    host_storage_start(host->storage);
    return 0;
}

int
host_new(struct host **ret, struct loop *loop, struct store *store,
         const struct host_driver *driver)
{
    struct host *host = calloc(1, sizeof(*host));

    assert(driver->list && driver->boot_id && driver->cpu && driver->limit && driver->console);
    assert(driver->boot && driver->thaw && driver->power && driver->freeze && driver->remove);
    if (!host)
        return error_origin(ENOMEM, "the host cannot be made");
    host->loop = loop;
    host->store = store;
    host->driver = driver;
    host->look.fn = look;
    int r = host_storage_new(&host->storage, host, loop, store, driver);
    if (r < 0) {
        free(host);
        return r;
    }
    store_watch(store, &ec2_instance_table, instance_changed, host);
    *ret = host;
    return 0;
}

struct host *
host_free(struct host *host)
{
    if (!host)
        return NULL;
    MAP_EACH(&host->machines, entry) {
        struct machine *m = entry->value;

        loop_timer_stop(host->loop, &m->patience);
        free(m);
    }
    host_storage_free(host->storage);
    loop_task_cancel(host->loop, &host->look);
    map_done(&host->machines);
    free(host);
    return NULL;
}
