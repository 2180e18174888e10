/*
 * What the cloud does to instances by itself: scheduled events fall due, and instances whose
 * hardware failed recover elsewhere.
 *
 * Level-triggered, like the reconciler: a look takes every step that is due, and then sets the
 * timer for the next one.  A fault or an event that changes, and the start of the daemon, only ask
 * for a look.
 *
 *   an active event, at its start   a reboot, or a stop; maintenance ends at its end
 *   an event that ended a week ago  is forgotten
 *   a fault of a host or rack       after RECOVERY_MS its running instances recover: the same
 *                                   instance, addresses and volumes on another host, what was in
 *                                   memory is lost.  One that does not recover by its type or its
 *                                   options is to be retired, and its event says so.
 *                                   Instances on a Dedicated Host recover with the host, if it is
 *                                   to recover (host_upkeep.c), and are to be retired if not
 *   a host that is not shared any   instances of accounts that it was shared with are to be
 *   more                            retired, unless it is shared with them again
 *
 *   a recovery that an alarm asks   at once, whatever the instance's options are, while a fault
 *   for                             covers it; without room again after RECOVERY_MS, three times a
 *                                   day
 *
 * A fault of a zone or of the network leaves nowhere to recover to.
 */
#include "ec2/dedicated_host.h"
#include "gen/store/ram_rows.h"

#include <stdlib.h>

#include "base/log.h"
#include "ec2/row_ok.h"
#include "loop/loop.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum {
    RECOVERY_MS = 2 * 60 * 1000, /* two checks that failed */
    RECOVERIES_MAX = 3,          /* a day, that alarms ask for */
    ARENA_BYTES_MAX = 1 << 20,
};
#define EVENT_SHOWN_MS (7 * DAY_MS)
#define RETIREMENT_NOTICE_MS (14 * DAY_MS)

struct ec2_upkeep {
    struct loop *loop;
    struct store *store;
    struct ec2_placer *placer;
    struct loop_task task;
    struct loop_timer timer;
};

/* ---- faults ---- */

int
ec2_instance_recover(struct ec2_placer *placer, struct txn *txn, const struct ec2_instance_row *row)
{
    struct ec2_instance_row new = *row;

    assert(row->state == EC2_RUNNING);
    if (ec2_placer_place(placer, txn, &new) != PLACEMENT_FOUND)
        return 1;
    new.reboot_generation++;
    assert(ec2_instance_ok(&new));
    int r = ec2_instance_update(txn, &new);

    if (r < 0)
        return error_origin(-r, "instance %.*s cannot be written", STR_ARG(row->id));
    log_info("instance %.*s recovers from %.*s on %.*s", STR_ARG(row->id), STR_ARG(row->host),
             STR_ARG(new.host));
    return 0;
}

/* ---- a look ---- */

struct look {
    struct txn *txn;
    struct ec2_placer *placer;
    struct env *env;
    struct arena *arena;
    int64_t now_ms, next_ms; /* next_ms: when there is something to do again */
};

static void
again_at(struct look *look, int64_t ms)
{
    look->next_ms = MIN(look->next_ms, ms);
}

static int
retire(struct look *look, const struct ec2_instance_row *row, struct str description)
{
    int64_t at_ms = look->now_ms + RETIREMENT_NOTICE_MS;
    const struct ec2_event_want want = {
        .instance_id = row->id,
        .code = S("instance-retirement"),
        .description = description,
        .not_before_ms = at_ms,
        .not_after_ms = at_ms,
    };
    struct str id;

    STORE_EACH(look->txn, ec2_event_by_instance, event, row->id)
        if (event->active && str_eq(event->code, want.code))
            return 0;
    again_at(look, at_ms);
    return ec2_event_make(look->txn, look->env, look->arena, &want, &id);
}

static bool
is_below(struct str host, struct str place)
{
    assert(place.n > 0);
    return str_starts(host, place) && (host.n == place.n || host.p[place.n] == '/');
}

/* Where a fault has lasted: the instance recovers or is to be retired.  1: there is no room. */
static int
recover(struct look *look, const struct ec2_instance_row *row)
{
    const struct ec2_type *type = ec2_type_find(row->type);

    assert(row->state == EC2_RUNNING && row->host.n > 0);
    if (type && type->recovers && str_is(row->auto_recovery, "default") &&
        !str_is(row->tenancy, "host"))
        return ec2_instance_recover(look->placer, look->txn, row);
    return retire(look, row, S(""));
}

static struct ec2_host_upkeep
hosts_of(const struct look *look)
{
    return (struct ec2_host_upkeep){look->txn, look->placer, look->env, look->arena, look->now_ms};
}

/* Dedicated Hosts that are to recover come first: what is left on them does not move. */
static int
recover_hosts(struct look *look, struct str place)
{
    const struct ec2_host_upkeep u = hosts_of(look);
    int r = 0;

    STORE_EACH(look->txn, ec2_dedicated_host_by_key, row) {
        if (r < 0 || !is_below(row->host, place) || row->failed ||
            !str_is(row->host_recovery, "on"))
            continue;
        r = ec2_host_recover(&u, row);
        if (r > 0)
            again_at(look, look->now_ms + RECOVERY_MS);
    }
    return MIN(r, 0);
}

static bool
waits_for_host(struct txn *txn, const struct ec2_instance_row *row)
{
    const struct ec2_dedicated_host_row *host =
        row->host_id.n ? ec2_dedicated_host_get(txn, row->host_id) : NULL;

    return host && !host->failed && str_is(host->host_recovery, "on");
}

static int
look_at_fault(struct look *look, const struct ec2_fault_row *fault)
{
    struct store_cursor c = store_seek(look->txn, &ec2_instance_by_host, NULL, 0);
    const struct ec2_instance_row *row;

    if (!str_is(fault->kind, "host") && !str_is(fault->kind, "rack"))
        return 0;
    if (fault->since_ms + RECOVERY_MS > look->now_ms) {
        again_at(look, fault->since_ms + RECOVERY_MS);
        return 0;
    }
    int r = recover_hosts(look, fault->target);

    store_from(&c, STORE_KEYS(fault->target));
    while (r >= 0 && (row = ec2_instance_by_host_next(&c)) &&
           str_starts(row->host, fault->target)) {
        if (!is_below(row->host, fault->target) || row->state != EC2_RUNNING ||
            waits_for_host(look->txn, row))
            continue;
        r = recover(look, row);
        /* nowhere: perhaps later there is room */
        if (r > 0)
            again_at(look, look->now_ms + RECOVERY_MS);
    }
    return MIN(r, 0);
}

/* ---- recoveries that alarms ask for ---- */

/* One more attempt.  Negative, or 0 with what became of it in *row. */
static int
attempt(struct look *look, const struct ec2_instance_row *instance, struct ec2_recovery_row *row)
{
    assert(row->asked_ms > 0 && instance->state == EC2_RUNNING);
    if (look->now_ms - row->first_ms >= DAY_MS) {
        row->first_ms = look->now_ms;
        row->attempts = 0;
    }
    if (row->attempts >= RECOVERIES_MAX) {
        log_warn("instance %.*s has had its recoveries of this day", STR_ARG(instance->id));
        row->asked_ms = 0;
        return retire(look, instance, S(""));
    }
    row->attempts++;
    row->tried_ms = look->now_ms;
    int r = ec2_instance_recover(look->placer, look->txn, instance);

    if (r > 0)
        again_at(look, look->now_ms + RECOVERY_MS); /* perhaps there is room by then */
    if (r)
        return MIN(r, 0);
    row->asked_ms = 0;
    /* What it was to be retired for it has left. */
    return ec2_events_end(look->txn, instance->id, "instance-retirement", look->now_ms);
}

static int
look_at_asked(struct look *look, const struct ec2_recovery_row *asked)
{
    const struct ec2_instance_row *instance = ec2_instance_get(look->txn, asked->id);
    struct ec2_recovery_row new = *asked;
    int r = 0;

    if (!instance || instance->state == EC2_TERMINATED)
        return ec2_recovery_delete(look->txn, asked->id);
    if (!asked->asked_ms)
        return 0;
    /* One that was tried since it was asked for waits for room. */
    if (asked->tried_ms >= asked->asked_ms && asked->tried_ms + RECOVERY_MS > look->now_ms) {
        again_at(look, asked->tried_ms + RECOVERY_MS);
        return 0;
    }
    if (instance->state == EC2_RUNNING && ec2_fault_of(look->txn, instance))
        r = attempt(look, instance, &new);
    else
        new.asked_ms = 0; /* there is nothing to recover from */
    return r < 0 ? r : ec2_recovery_update(look->txn, &new);
}

/* ---- Dedicated Hosts ---- */

#define UNSHARED "The Dedicated Host is no longer shared with the account of the instance"

/* An instance of another account than the host's: may it be there? */
static int
look_at_guest(struct look *look, const struct ec2_dedicated_host_row *host,
              const struct ec2_instance_row *row)
{
    int r = 0;

    assert(!str_eq(row->account, host->account));
    if (!ec2_host_is_open_to(look->txn, host, row->account))
        return row->state == EC2_RUNNING ? retire(look, row, S(UNSHARED)) : 0;
    STORE_EACH(look->txn, ec2_event_by_instance, event, row->id)
        if (r == 0 && event->active && str_is(event->description, UNSHARED))
            r = ec2_event_end(look->txn, event, look->now_ms);
    return r;
}

static int
look_at_host(struct look *look, const struct ec2_dedicated_host_row *host)
{
    const struct ec2_host_upkeep u = hosts_of(look);
    int r = 0;

    if (host->released_ms)
        return 0;
    STORE_EACH(look->txn, ec2_instance_by_host, row, host->host)
        if (r == 0 && !str_eq(row->account, host->account))
            r = look_at_guest(look, host, row);
    return r ? r : ec2_host_let_go(&u, host);
}

static int
reboot(struct look *look, const struct ec2_instance_row *row)
{
    struct ec2_instance_row new = *row;

    new.reboot_generation++;
    assert(ec2_instance_ok(&new));
    return ec2_instance_update(look->txn, &new);
}

/* An event whose time has come, of an instance that runs. */
static int
carry_out(struct look *look, const struct ec2_event_row *event, const struct ec2_instance_row *row)
{
    const struct ec2_instance_why why = {
        .code = S("Server.ScheduledStop"),
        .message = S("Server.ScheduledStop: Stopped due to a scheduled retirement"),
        .transition = S("Server.ScheduledStop"),
    };
    struct ec2_instance_row new = *row;

    log_info("event %.*s of %.*s: %.*s", STR_ARG(event->id), STR_ARG(row->id),
             STR_ARG(event->code));
    if (str_is(event->code, "instance-reboot") || str_is(event->code, "system-reboot"))
        return reboot(look, row);
    if (str_is(event->code, "instance-stop") || str_is(event->code, "instance-retirement"))
        return ec2_instance_move(look->txn, &new, EC2_STOPPING, look->now_ms, why);
    return 0;
}

static int
look_at_event(struct look *look, const struct ec2_event_row *event)
{
    const struct ec2_instance_row *row = ec2_instance_get(look->txn, event->instance_id);
    int64_t due_ms = !event->active                              ? event->ended_ms + EVENT_SHOWN_MS
                     : str_is(event->code, "system-maintenance") ? event->not_after_ms
                                                                 : event->not_before_ms;
    int r = 0;

    if (due_ms > look->now_ms) {
        again_at(look, due_ms);
        return 0;
    }
    if (!event->active) {
        r = ec2_event_delete(look->txn, event->id);
        return r < 0 ? error_origin(-r, "event %.*s cannot be deleted", STR_ARG(event->id)) : 0;
    }
    again_at(look, look->now_ms + EVENT_SHOWN_MS);
    if (row && row->state == EC2_RUNNING)
        r = carry_out(look, event, row);
    return r ? r : ec2_event_end(look->txn, event, look->now_ms);
}

static int
look_at_all(struct look *look)
{
    int r = 0;

    STORE_EACH(look->txn, ec2_fault_by_key, fault)
        if (r == 0)
            r = look_at_fault(look, fault);
    STORE_EACH(look->txn, ec2_recovery_by_key, asked)
        if (r == 0)
            r = look_at_asked(look, asked);
    STORE_EACH(look->txn, ec2_dedicated_host_by_key, host)
        if (r == 0)
            r = look_at_host(look, host);
    STORE_EACH(look->txn, ec2_event_by_key, event)
        if (r == 0)
            r = look_at_event(look, event);
    return r;
}

static void
look(struct loop_task *task)
{
    struct ec2_upkeep *u = CONTAINER_OF(task, struct ec2_upkeep, task);
    struct arena arena;
    struct look look = {
        .txn = store_begin(u->store),
        .placer = u->placer,
        .env = loop_env(u->loop),
        .arena = &arena,
        .now_ms = loop_now_ms(u->loop, LOOP_CLOUD),
        .next_ms = INT64_MAX,
    };

    arena_init(&arena, ARENA_BYTES_MAX);
    if (look_at_all(&look) == 0) {
        store_commit(look.txn);
    } else {
        store_rollback(look.txn);
        log_error("what is due to instances stays undone");
    }
    arena_done(&arena);
    if (look.next_ms < INT64_MAX)
        loop_timer_set(u->loop, &u->timer, LOOP_CLOUD, look.next_ms);
}

static void
due(struct loop_timer *timer)
{
    struct ec2_upkeep *u = CONTAINER_OF(timer, struct ec2_upkeep, timer);

    loop_defer(u->loop, &u->task);
}

static void
changed(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    struct ec2_upkeep *u = ctx;

    loop_defer(u->loop, &u->task);
}

/* What ran on a Dedicated Host does not any more. */
static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;

    if (old && old->host_id.n && old->host.n && (!new || !str_eq(old->host, new->host)))
        changed(ctx, old_row, new_row);
}

int
ec2_upkeep_new(struct ec2_upkeep **ret, struct loop *loop, struct store *store,
               struct ec2_placer *placer)
{
    struct ec2_upkeep *u = calloc(1, sizeof(*u));

    if (!u)
        return error_origin(ENOMEM, "the instances' upkeep cannot be made");
    u->loop = loop;
    u->store = store;
    u->placer = placer;
    u->task.fn = look;
    u->timer.fn = due;
    store_watch(store, &ec2_event_table, changed, u);
    store_watch(store, &ec2_fault_table, changed, u);
    store_watch(store, &ec2_recovery_table, changed, u);
    store_watch(store, &ec2_dedicated_host_table, changed, u);
    store_watch(store, &ram_association_table, changed, u);
    store_watch(store, &ec2_instance_table, instance_changed, u);
    loop_defer(loop, &u->task);
    *ret = u;
    return 0;
}

struct ec2_upkeep *
ec2_upkeep_free(struct ec2_upkeep *u)
{
    if (!u)
        return NULL;
    loop_timer_stop(u->loop, &u->timer);
    loop_task_cancel(u->loop, &u->task);
    free(u);
    return NULL;
}
