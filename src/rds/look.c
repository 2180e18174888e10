/*
 * A look at a DB instance: the step that its status waits for, if it came true.
 *
 * The machine is level-triggered: whatever stopped it (a power loss, a fault of the host), one that
 * should run is started again.
 */
#include "rds/engine.h"

#include "base/log.h"
#include "base/timefmt.h"

enum {
    AGENT_POLL_MS = 500,        /* consoles tell of no change */
    ENGINE_MS_MAX = 900 * 1000, /* longer than any engine takes to be there */
};

struct look {
    struct api_call *call;
    struct rds_instance_row row;
    const struct ec2_instance_row *machine; /* NULL: gone */
    int64_t next_ms;
};

static void
again(struct look *l, int64_t ms)
{
    assert(ms > 0);
    if (!l->next_ms || ms < l->next_ms)
        l->next_ms = ms;
}

static int
fail(struct look *l, struct str why)
{
    int r = rds_event_put(l->call, RDS_EVENT_FAILED, l->row.name);

    log_error("DB instance %.*s failed: %.*s", STR_ARG(l->row.name), STR_ARG(why));
    return r ? r : rds_instance_move(l->call, &l->row, RDS_FAILED, RDS_STEP_NONE);
}

/* ---- backups ---- */

/* "rds:NAME-2026-11-28-03-10" */
static int
backup_begin(struct look *l)
{
    struct str at = time_iso_s(l->call->arena, l->call->now_ms);
    struct str name = str_fmt(l->call->arena, "rds:%.*s-%.*s-%.*s-%.*s", STR_ARG(l->row.name), 10,
                              at.p, 2, at.p + 11, 2, at.p + 14);
    struct rds_snapshot_row made;
    int r = 0;

    assert(l->row.retention_days > 0 && at.n > 16);
    l->row.backed_ms = l->call->now_ms;
    if (rds_snapshot_by_name_get(l->call->txn, l->call->account, l->call->region, name))
        return rds_instance_move(l->call, &l->row, RDS_AVAILABLE, RDS_STEP_NONE);
    r = rds_snapshot_begin(l->call, &l->row, name, "automated", NULL, &made);
    if (r == 0)
        r = rds_instance_move(l->call, &l->row, RDS_BACKING_UP, RDS_STEP_SNAPSHOT);
    if (r == 0)
        r = rds_event_put(l->call, RDS_EVENT_BACKUP, l->row.name);
    return r;
}

/* ---- what comes when the engine is there ---- */

static int
created(struct look *l)
{
    int r;

    assert(!l->row.created_ms && l->machine);
    l->row.created_ms = l->call->now_ms;
    r = rds_event_put(l->call, l->row.source_id.n ? RDS_EVENT_RESTORED : RDS_EVENT_CREATED,
                      l->row.name);
    if (r == 0)
        r = l->row.retention_days
                ? backup_begin(l)
                : rds_instance_move(l->call, &l->row, RDS_AVAILABLE, RDS_STEP_NONE);
    return r;
}

static int
modified(struct look *l)
{
    bool class = rds_pair(&l->row.pending, "DBInstanceClass").p != NULL;
    bool storage = rds_pair(&l->row.pending, "AllocatedStorage").p != NULL;
    int r = 0;

    if (class)
        r = rds_event_put(l->call, RDS_EVENT_CLASS_END, l->row.name);
    if (r == 0 && storage)
        r = rds_event_put(l->call, RDS_EVENT_STORAGE_END, l->row.name);
    assert(l->row.now && l->row.pending.n > 0);
    l->row.pending = (struct str_list){0};
    l->row.now = false;
    return r ? r : rds_instance_move(l->call, &l->row, RDS_AVAILABLE, RDS_STEP_NONE);
}

static int
engine_there(struct look *l)
{
    static const enum rds_event told[RDS_N_STATUSES] = {
        [RDS_BACKING_UP] = RDS_EVENT_BACKED_UP,
        [RDS_REBOOTING] = RDS_EVENT_RESTARTED,
        [RDS_STARTING] = RDS_EVENT_STARTED,
    };
    int r = 0;

    if (l->row.status == RDS_CREATING)
        return created(l);
    if (l->row.status == RDS_MODIFYING)
        return modified(l);
    if (l->row.status != RDS_RESETTING) {
        assert(told[l->row.status]);
        r = rds_event_put(l->call, told[l->row.status], l->row.name);
    }
    return r ? r : rds_instance_move(l->call, &l->row, RDS_AVAILABLE, RDS_STEP_NONE);
}

/* ---- waiting ---- */

static int
wait_engine(struct look *l)
{
    struct str why;

    assert(l->row.serial > 0);
    if (!l->machine || l->machine->state == EC2_TERMINATED)
        return fail(l, l->machine ? l->machine->reason_message : S("its machine is gone"));
    if (l->machine->state == EC2_STOPPED)
        return l->row.status == RDS_CREATING
                   ? fail(l, l->machine->reason_message)
                   : rds_machine_power(l->call, &l->row, "StartInstances");
    switch (rds_machine_said(l->call, &l->row, &why)) {
    case RDS_SAID_READY:
        return engine_there(l);
    case RDS_SAID_FAILED:
        return fail(l, why);
    case RDS_SAID_NOTHING:
        break;
    }
    if (l->call->now_ms - l->row.since_ms > ENGINE_MS_MAX)
        return fail(l, S("its engine did not start in time"));
    if (l->machine->state == EC2_RUNNING)
        again(l, l->call->now_ms + AGENT_POLL_MS);
    return 0;
}

/* The machine is stopped: to be one of another class, or to stay so. */
static int
wait_halt(struct look *l)
{
    struct str class = rds_pair(&l->row.pending, "DBInstanceClass");
    int r;

    if (!l->machine || l->machine->state == EC2_TERMINATED)
        return fail(l, S("its machine is gone"));
    if (l->machine->state == EC2_RUNNING)
        return rds_machine_power(l->call, &l->row, "StopInstances");
    if (l->machine->state != EC2_STOPPED)
        return 0;
    if (l->row.status == RDS_STOPPING) {
        r = rds_event_put(l->call, RDS_EVENT_STOPPED, l->row.name);
        return r ? r : rds_instance_move(l->call, &l->row, RDS_STOPPED, RDS_STEP_NONE);
    }
    assert(l->row.status == RDS_MODIFYING && class.n > 3);
    r = rds_machine_class(l->call, &l->row, str_cut(class, 3, class.n));
    l->row.class = class;
    if (r == 0)
        r = rds_machine_tell(l->call, &l->row);
    if (r == 0)
        r = rds_machine_power(l->call, &l->row, "StartInstances");
    if (r > 0)
        return fail(l, l->call->fault.message);
    return r ? r : rds_instance_move(l->call, &l->row, RDS_MODIFYING, RDS_STEP_ENGINE);
}

static int
wait_snapshot(struct look *l)
{
    int r;

    if (rds_snapshot_runs(l->call, &l->row))
        return 0;
    switch ((enum rds_status)l->row.status) {
    case RDS_DELETING:
        r = rds_machine_power(l->call, &l->row, "TerminateInstances");
        return r ? r : rds_instance_move(l->call, &l->row, RDS_DELETING, RDS_STEP_END);
    case RDS_STOPPING:
        return rds_instance_move(l->call, &l->row, RDS_STOPPING, RDS_STEP_HALT);
    default:
        assert(l->row.status == RDS_BACKING_UP);
        r = rds_machine_tell(l->call, &l->row);
        return r ? r : rds_instance_move(l->call, &l->row, RDS_BACKING_UP, RDS_STEP_ENGINE);
    }
}

static int
wait_end(struct look *l)
{
    int r;

    assert(l->row.status == RDS_DELETING);
    if (l->machine && l->machine->state != EC2_TERMINATED)
        return 0;
    if (rds_snapshot_runs(l->call, &l->row)) /* one of before the deletion */
        return 0;
    r = rds_snapshots_expire(l->call, &l->row, true);
    if (r == 0)
        r = rds_event_put(l->call, RDS_EVENT_DELETED, l->row.name);
    return r ? r
             : rds_written(rds_instance_delete(l->call->txn, l->row.id), "DB instance",
                           l->row.name);
}

/* ---- an available one ---- */

/* When backups and what waits for a window are due. */
static int
available(struct look *l)
{
    struct rds_instance_row *row = &l->row;
    int64_t now_ms = l->call->now_ms, due_ms;

    assert(row->status == RDS_AVAILABLE && row->created_ms > 0);
    if (!l->machine || l->machine->state == EC2_TERMINATED)
        return fail(l, S("its machine is gone"));
    if (l->machine->state == EC2_STOPPED) {
        int r = rds_event_put(l->call, RDS_EVENT_RECOVERY, row->name);

        if (r == 0)
            r = rds_machine_tell(l->call, row);
        if (r == 0)
            r = rds_machine_power(l->call, row, "StartInstances");
        return r ? r : rds_instance_move(l->call, row, RDS_STARTING, RDS_STEP_ENGINE);
    }
    due_ms = !row->pending.n ? INT64_MAX
             : row->now      ? now_ms
                             : rds_window_next(row->maintenance_window, now_ms);
    if (due_ms <= now_ms || row->pending_verifier.n) {
        row->now = due_ms <= now_ms;
        int r = rds_modify_begin(l->call, row);

        return r > 0 ? fail(l, l->call->fault.message) : r;
    }
    if (row->pending.n)
        again(l, due_ms);
    if (!row->retention_days)
        return 0;
    due_ms = rds_window_next(row->backup_window, MAX(now_ms, row->backed_ms + RDS_DAY_MS / 2));
    if (due_ms <= now_ms) {
        int r = rds_snapshots_expire(l->call, row, false);

        return r ? r : backup_begin(l);
    }
    again(l, due_ms);
    return 0;
}

int
rds_look(struct api_call *call, struct str id, int64_t *ret_next_ms)
{
    const struct rds_instance_row *row = rds_instance_get(call->txn, id);
    struct look l = {.call = call, .row = *row};
    int r = 0;

    assert(row && rds_instance_ok(row));
    l.machine = rds_machine(call, row);
    switch ((enum rds_step)row->step) {
    case RDS_STEP_NONE:
        r = row->status == RDS_AVAILABLE ? available(&l) : 0;
        break;
    case RDS_STEP_HALT:
        r = wait_halt(&l);
        break;
    case RDS_STEP_ENGINE:
        r = wait_engine(&l);
        break;
    case RDS_STEP_SNAPSHOT:
        r = wait_snapshot(&l);
        break;
    case RDS_STEP_END:
        r = wait_end(&l);
        break;
    }
    *ret_next_ms = l.next_ms;
    return r;
}
