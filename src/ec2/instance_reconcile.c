/*
 * Brings an instance's state in line with what the host saw of its machine.
 *
 * Level-triggered: whatever happens only puts an instance on the list of those to look at, and
 * a look compares the two rows and takes every step that is due.  So it does not matter how many
 * events came, in which order, or whether the daemon died between two of them: the pass over
 * all instances at the start is the same look.
 *
 *   state          machine                         next
 *   pending        a start that cannot succeed     terminated, or stopped when it ran before
 *                  up, of this start               running
 *                  failed, of this start           terminated, or stopped when it ran before
 *                  down, of this start             running, then as below
 *   running        down by a reboot                (the host boots it again)
 *                  down, failed, none              by its shutdown behaviour, protected or not:
 *                                                  stopping, stopped or shutting-down, terminated
 *   stopping       down, failed, none              stopped
 *                  frozen, to be hibernated        stopped
 *   stopped        hibernated, and ended           its memory is lost: no more hibernated
 *   shutting-down  removed, or ended in this start terminated
 *   terminated     removed                         its range of user ids is given back
 *                  removed, and an hour passed     the rows go
 *
 * A row of the host is about one start of the instance; one about an earlier start says nothing
 * about this one, except that a machine that was asked to stop and never began has stopped.
 */
#include "ec2/instance.h"

#include <stdlib.h>

#include "base/log.h"
#include "ec2/row_ok.h"
#include "loop/loop.h"

enum {
    ID_BYTES_MAX = 24,
    LOOKS_MAX = 256,          /* in one transaction: rows with user data are large */
    REASONS_BYTES_MAX = 1 << 20,
};

struct look {
    uint8_t n;
    char id[ID_BYTES_MAX];
};

struct ec2_reconciler {
    struct loop *loop;
    struct store *store;
    struct loop_task task;
    struct loop_timer purge;
    struct look *looks; /* instances to look at, oldest first; some may be there twice */
    size_t n, cap, next;
};

static void
mark(struct ec2_reconciler *rec, struct str id)
{
    if (id.n > ID_BYTES_MAX) {
        error_origin(EINVAL, "instance id %.*s is too long", STR_ARG(id));
        return;
    }
    assert(rec->next <= rec->n && rec->n <= rec->cap);
    if (rec->n == rec->cap) {
        size_t cap = rec->cap ? rec->cap * 2 : 64;
        struct look *looks = realloc(rec->looks, cap * sizeof(*looks));

        if (!looks)
            abort();
        rec->looks = looks;
        rec->cap = cap;
    }
    struct look *look = &rec->looks[rec->n++];
    look->n = (uint8_t)id.n;
    memcpy(look->id, id.p, id.n);
    loop_defer(rec->loop, &rec->task);
}

/* ---- steps: each moves the row, or leaves it ---- */

struct view {
    struct txn *txn;
    struct arena *arena;
    int64_t now_ms;
    struct ec2_instance_row row;
    const struct host_machine_row *machine; /* NULL: the host has not begun */
    bool this_start;                        /* it is about this start of the instance */
};

static int
move(struct view *v, enum ec2_instance_state to, struct ec2_instance_why why)
{
    return ec2_instance_move(v->txn, &v->row, to, v->now_ms, why);
}

static struct ec2_instance_why
why_kept(const struct view *v)
{
    return (struct ec2_instance_why){v->row.reason_code, v->row.reason_message,
                                     v->row.transition_reason};
}

static bool
phase_is_end(int64_t phase)
{
    return phase == HOST_DOWN || phase == HOST_FAILED || phase == HOST_NONE ||
           phase == HOST_REMOVED;
}

static int
look_pending(struct view *v)
{
    enum ec2_instance_state back = v->row.start_generation == 1 ? EC2_TERMINATED : EC2_STOPPED;
    int64_t phase = v->machine ? v->machine->phase : HOST_NONE;

    if (v->row.launch_error.n)
        return move(v, back, ec2_instance_why_launch(v->row.launch_error));
    if (!v->this_start)
        return 0;
    if (phase == HOST_UP || phase == HOST_DOWN || phase == HOST_FAILED)
        v->row.hibernated = false;
    if (phase == HOST_UP || phase == HOST_DOWN)
        return move(v, EC2_RUNNING, INSTANCE_WHY_NONE);
    if (phase == HOST_FAILED)
        return move(v, back, ec2_instance_why_host(v->arena, v->machine->reason));
    return 0;
}

static int
look_running(struct view *v)
{
    struct ec2_instance_why why;

    if (!v->this_start || !phase_is_end(v->machine->phase))
        return 0;
    if (v->machine->phase == HOST_DOWN && v->machine->exit_kind == HOST_EXIT_REBOOT)
        return 0;
    if (v->machine->phase == HOST_DOWN && v->machine->exit_kind == HOST_EXIT_POWEROFF)
        why = ec2_instance_why_guest();
    else
        why = ec2_instance_why_host(v->arena, v->machine->reason.n
                                                  ? v->machine->reason
                                                  : S("The machine ended unexpectedly"));
    /* A host that went down ends nobody: its instances are stopped, whatever they chose. */
    bool ends = str_is(v->row.shutdown_behavior, "terminate") &&
                v->machine->exit_kind != HOST_EXIT_HOST_LOST;
    return move(v, ends ? EC2_SHUTTING_DOWN : EC2_STOPPING, why);
}

static int
look_stopping(struct view *v)
{
    bool ended = !v->machine || !v->this_start || phase_is_end(v->machine->phase);
    bool frozen = !ended && v->row.hibernated && v->machine->phase == HOST_FROZEN;

    if (!ended && !frozen)
        return 0;
    v->row.hibernated = frozen; /* else it was shut down instead */
    return move(v, EC2_STOPPED, why_kept(v));
}

/* The next start of one that has lost its memory is a boot, and says so. */
static int
look_stopped(struct view *v)
{
    if (!v->row.hibernated || (v->machine && !phase_is_end(v->machine->phase)))
        return 0;
    struct ec2_instance_why why =
        ec2_instance_why_forgot(v->arena, v->machine ? v->machine->reason : S(""));

    log_warn("instance %.*s: %.*s", STR_ARG(v->row.id), STR_ARG(why.message));
    v->row.hibernated = false;
    v->row.reason_code = why.code;
    v->row.reason_message = why.message;
    v->row.transition_reason = why.transition;
    assert(ec2_instance_ok(&v->row));
    return ec2_instance_update(v->txn, &v->row);
}

static int
look_shutting_down(struct view *v)
{
    if (!v->machine)
        return 0; /* the host will say `removed`, also of what never began */
    if (v->machine->phase != HOST_REMOVED &&
        (!v->this_start || !phase_is_end(v->machine->phase) ||
         v->machine->exit_kind == HOST_EXIT_REBOOT || ec2_snapshots_pending(v->txn, v->row.id)))
        return 0;
    return move(v, EC2_TERMINATED, why_kept(v));
}

static int
delete_rows(struct view *v)
{
    struct str reservation_id = v->row.reservation_id;
    int r;

    assert(v->row.state == EC2_TERMINATED && v->row.uid_slot == 0 && v->row.terminated_ms);
    r = ec2_events_forget(v->txn, v->row.id);
    if (r == 0 && ec2_status_report_get(v->txn, v->row.id))
        r = ec2_status_report_delete(v->txn, v->row.id);
    if (r == 0)
        r = ec2_instance_delete(v->txn, v->row.id);
    if (r < 0)
        return r;
    STORE_EACH(v->txn, ec2_instance_by_reservation, other, reservation_id)
        return 0;
    if (!ec2_reservation_get(v->txn, reservation_id))
        return 0;
    return ec2_reservation_delete(v->txn, reservation_id);
}

static int
look_terminated(struct view *v)
{
    bool removed = !v->machine || v->machine->phase == HOST_REMOVED;

    assert(!v->row.interface_id.n && !v->row.root_volume_id.n);
    if (removed && v->row.uid_slot) {
        int r = ec2_slot_give_back(v->txn, v->row.uid_slot);

        v->row.uid_slot = 0;
        assert(r || ec2_instance_ok(&v->row));
        if (r == 0)
            r = ec2_instance_update(v->txn, &v->row);
        if (r)
            return r;
    }
    if (removed && v->now_ms >= v->row.terminated_ms + INSTANCE_TERMINATED_SHOWN_MS)
        return delete_rows(v);
    return 0;
}

static int
step(struct view *v)
{
    assert(!v->this_start || v->machine);
    switch ((enum ec2_instance_state)v->row.state) {
    case EC2_PENDING:
        return look_pending(v);
    case EC2_RUNNING:
        return look_running(v);
    case EC2_STOPPING:
        return look_stopping(v);
    case EC2_SHUTTING_DOWN:
        return look_shutting_down(v);
    case EC2_TERMINATED:
        return look_terminated(v);
    case EC2_STOPPED:
        return look_stopped(v);
    }
    return error_origin(EUCLEAN, "instance %.*s has state %lld", STR_ARG(v->row.id),
                        (long long)v->row.state);
}

/* Takes all steps that are due.  Negative when the store refused; the caller rolls back. */
static int
look_at(struct ec2_reconciler *rec, struct txn *txn, struct arena *arena, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(txn, id);

    if (!row)
        return 0;
    struct view v = {
        .txn = txn,
        .arena = arena,
        .now_ms = loop_now_ms(rec->loop, LOOP_CLOUD),
        .row = *row,
        .machine = host_machine_get(txn, id),
    };
    v.this_start = v.machine && v.machine->start_generation == row->start_generation;
    for (int64_t before = -1; before != v.row.state;) {
        before = v.row.state;
        int r = step(&v);
        if (r)
            return r;
    }
    return 0;
}

/* ---- the pass ---- */

/* Looks at one alone, after a whole batch could not be written: the others shall not suffer. */
static void
look_alone(struct ec2_reconciler *rec, struct str id)
{
    struct txn *txn = store_begin(rec->store);
    struct arena arena;

    arena_init(&arena, REASONS_BYTES_MAX);
    if (look_at(rec, txn, &arena, id) == 0) {
        store_commit(txn);
    } else {
        store_rollback(txn);
        log_error("instance %.*s stays as it is", STR_ARG(id));
    }
    arena_done(&arena);
}

static void
look_at_batch(struct ec2_reconciler *rec, const struct look *looks, size_t n)
{
    struct txn *txn = store_begin(rec->store);
    struct arena arena;
    int r = 0;

    assert(n > 0 && n <= LOOKS_MAX);
    arena_init(&arena, REASONS_BYTES_MAX);
    for (size_t i = 0; i < n && r == 0; i++)
        r = look_at(rec, txn, &arena, str_of(looks[i].id, looks[i].n));
    if (r == 0)
        store_commit(txn);
    else
        store_rollback(txn);
    arena_done(&arena);
    for (size_t i = 0; i < n && r != 0; i++)
        look_alone(rec, str_of(looks[i].id, looks[i].n));
}

/* The next hour that is over: rows of terminated instances are in the order of their ends. */
static void
purge_arm(struct ec2_reconciler *rec)
{
    struct txn *txn = store_begin(rec->store);

    STORE_EACH(txn, ec2_instance_by_state, row, EC2_TERMINATED) {
        int64_t due_ms = row->terminated_ms + INSTANCE_TERMINATED_SHOWN_MS;

        /* One that is due and still here waits for the host, whose row will wake us. */
        if (due_ms <= loop_now_ms(rec->loop, LOOP_CLOUD))
            continue;
        loop_timer_set(rec->loop, &rec->purge, LOOP_CLOUD, due_ms);
        break;
    }
    store_rollback(txn);
}

static void
purge_due(struct loop_timer *timer)
{
    struct ec2_reconciler *rec = CONTAINER_OF(timer, struct ec2_reconciler, purge);
    struct txn *txn = store_begin(rec->store);
    int64_t now_ms = loop_now_ms(rec->loop, LOOP_CLOUD);

    STORE_EACH(txn, ec2_instance_by_state, row, EC2_TERMINATED) {
        if (row->terminated_ms + INSTANCE_TERMINATED_SHOWN_MS > now_ms)
            break;
        mark(rec, row->id);
    }
    store_rollback(txn);
    loop_defer(rec->loop, &rec->task);
}

static void
look(struct loop_task *task)
{
    struct ec2_reconciler *rec = CONTAINER_OF(task, struct ec2_reconciler, task);
    struct look batch[LOOKS_MAX];

    /* A commit calls our watches, which add to the list: the batch is a copy. */
    while (rec->next < rec->n) {
        size_t n = MIN(rec->n - rec->next, (size_t)LOOKS_MAX);

        memcpy(batch, rec->looks + rec->next, n * sizeof(*batch));
        rec->next += n;
        look_at_batch(rec, batch, n);
    }
    assert(rec->next == rec->n);
    rec->n = rec->next = 0;
    purge_arm(rec);
}

/* ---- what wakes it ---- */

static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;

    if (!new || (old && old->state == new->state))
        return;
    /* Here and not where it is moved: what a dry run moved never happened. */
    log_info("instance %.*s is %s%s%s", STR_ARG(new->id),
             ec2_instance_sm.states[new->state].name, old ? ", was " : "",
             old ? ec2_instance_sm.states[old->state].name : "");
    mark(ctx, new->id);
}

static void
machine_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct host_machine_row *old = old_row, *new = new_row;

    if (old && new && old->phase == new->phase && old->start_generation == new->start_generation)
        return;
    mark(ctx, new ? new->id : old->id);
}

int
ec2_reconciler_new(struct ec2_reconciler **ret, struct loop *loop, struct store *store)
{
    struct ec2_reconciler *rec = calloc(1, sizeof(*rec));

    if (!rec)
        return error_origin(ENOMEM, "the instances' reconciler cannot be made");
    rec->loop = loop;
    rec->store = store;
    rec->task.fn = look;
    rec->purge.fn = purge_due;
    store_watch(store, &ec2_instance_table, instance_changed, rec);
    store_watch(store, &host_machine_table, machine_changed, rec);
    struct txn *txn = store_begin(store);
    STORE_EACH(txn, ec2_instance_by_key, row)
        mark(rec, row->id);
    store_rollback(txn);
    *ret = rec;
    return 0;
}

struct ec2_reconciler *
ec2_reconciler_free(struct ec2_reconciler *rec)
{
    if (!rec)
        return NULL;
    loop_timer_stop(rec->loop, &rec->purge);
    loop_task_cancel(rec->loop, &rec->task);
    free(rec->looks);
    free(rec);
    return NULL;
}
