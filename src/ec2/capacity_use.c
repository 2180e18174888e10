/*
 * Capacity Reservations as instances use them.
 *
 * A reservation's row lists the hosts of its unused slots.  An instance that starts in it takes one
 * off the list and runs there; one that ends puts it back.  So what is reserved is claimed in the
 * placement module by either of them, and never by both once the transaction is committed.
 *
 *   active ──end date──▶ expired
 *     └─Cancel──▶ cancelled
 */
#include "ec2/capacity.h"

#include "ec2/placer.h"
#include "ec2/row_ok.h"
#include "loop/loop.h"

#include <stdlib.h>

static const struct sm_state states[] = {
    [EC2_CAPACITY_ACTIVE] = {"active", 0,
                             SM_TO(EC2_CAPACITY_EXPIRED) | SM_TO(EC2_CAPACITY_CANCELLED)},
    [EC2_CAPACITY_EXPIRED] = {"expired", 0, SM_FINAL},
    [EC2_CAPACITY_CANCELLED] = {"cancelled", 0, SM_FINAL},
};

const struct sm ec2_capacity_sm = {"capacity reservation", states, ARRAY_LEN(states)};

bool
ec2_capacity_fits(const struct ec2_capacity_reservation_row *row,
                  const struct ec2_instance_row *instance)
{
    return row->state == EC2_CAPACITY_ACTIVE && str_eq(row->account, instance->account) &&
           str_eq(row->zone, instance->zone) && str_eq(row->type, instance->type) &&
           str_eq(row->tenancy, instance->tenancy) && str_is(row->platform, "Linux/UNIX");
}

/* ---- an instance starts ---- */

/* A slot whose host has no fault comes off the list. */
static bool
take(struct txn *txn, struct arena *arena, const struct ec2_capacity_reservation_row *row,
     struct ec2_instance_row *instance, int *ret)
{
    struct ec2_capacity_reservation_row new = *row;
    struct str_list rest = {0};
    bool taken = false;

    LIST_EACH(&row->hosts, host) {
        if (!taken && !ec2_fault_at(txn, *host)) {
            instance->host = *host;
            taken = true;
        } else {
            *LIST_PUSH(arena, &rest) = *host;
        }
    }
    if (!taken)
        return false;
    instance->capacity_reservation_id = row->id;
    new.hosts = rest;
    assert(ec2_capacity_reservation_ok(&new));
    *ret = ec2_capacity_reservation_update(txn, &new);
    return true;
}

static int
exceeded(struct api_call *call)
{
    return api_fault(call, &EC2_ERR(ReservationCapacityExceeded),
                     "The requested reservation does not have sufficient compatible and available "
                     "capacity for this request.");
}

int
ec2_capacity_take(struct api_call *call, struct ec2_instance_row *instance)
{
    bool only = str_is(instance->capacity_preference, "capacity-reservations-only");
    int r = 0;

    assert(!instance->host.n);
    instance->capacity_reservation_id = S("");
    if (instance->capacity_target.n) {
        const struct ec2_capacity_reservation_row *row =
            ec2_capacity_reservation_get(call->txn, instance->capacity_target);

        if (!row || !ec2_capacity_fits(row, instance) ||
            !take(call->txn, call->arena, row, instance, &r))
            return exceeded(call);
        return r;
    }
    if (instance->group_id.n || str_is(instance->capacity_preference, "none"))
        return 0;
    STORE_EACH(call->txn, ec2_capacity_reservation_by_state, row, instance->account,
               instance->region, EC2_CAPACITY_ACTIVE)
        if (str_is(row->match, "open") && ec2_capacity_fits(row, instance) &&
            take(call->txn, call->arena, row, instance, &r))
            return r;
    return only ? exceeded(call) : 0;
}

/* ---- an instance ends ---- */

int
ec2_capacity_give_back(struct txn *txn, struct ec2_instance_row *instance)
{
    const struct ec2_capacity_reservation_row *row =
        instance->capacity_reservation_id.n
            ? ec2_capacity_reservation_get(txn, instance->capacity_reservation_id)
            : NULL;

    instance->capacity_reservation_id = S("");
    if (!row || row->state != EC2_CAPACITY_ACTIVE || !instance->host.n)
        return 0;
    struct ec2_capacity_reservation_row new = *row;
    struct arena arena;

    arena_init(&arena, (size_t)1 << 20);
    new.hosts = (struct str_list){0};
    LIST_EACH(&row->hosts, host)
        *LIST_PUSH(&arena, &new.hosts) = *host;
    *LIST_PUSH(&arena, &new.hosts) = instance->host;
    /* what a smaller InstanceCount left over is not reserved again */
    int64_t used = ec2_capacity_used(txn, row, instance->id);
    if (used + (int64_t) new.hosts.n > row->total)
        new.hosts.n--;
    assert(ec2_capacity_reservation_ok(&new));
    int r = ec2_capacity_reservation_update(txn, &new);
    arena_done(&arena);
    return r;
}

int64_t
ec2_capacity_used(struct txn *txn, const struct ec2_capacity_reservation_row *row,
                  struct str besides)
{
    int64_t n = 0;

    STORE_EACH(txn, ec2_instance_by_capacity, instance, row->id)
        n += !str_eq(instance->id, besides);
    return n;
}

/* ---- a reservation ends ---- */

int
ec2_capacity_end(struct txn *txn, const struct ec2_capacity_reservation_row *row,
                 enum ec2_capacity_state to, int64_t now_ms)
{
    struct ec2_capacity_reservation_row new = *row;
    int r = 0;

    if (!sm_allows(&ec2_capacity_sm, (unsigned)row->state, to))
        return error_origin(EPROTO, "capacity reservation %.*s must not go from %s to %s",
                            STR_ARG(row->id), states[row->state].name, states[to].name);
    new.state = to;
    new.ended_ms = now_ms;
    new.hosts = (struct str_list){0};
    /* Those that run go on where they are, as any other. */
    STORE_EACH(txn, ec2_instance_by_capacity, instance, row->id) {
        struct ec2_instance_row freed = *instance;

        freed.capacity_reservation_id = S("");
        assert(r || ec2_instance_ok(&freed));
        if (r == 0)
            r = ec2_instance_update(txn, &freed);
    }
    assert(r || ec2_capacity_reservation_ok(&new));
    return r ? r : ec2_capacity_reservation_update(txn, &new);
}

/* ---- end dates ---- */

struct ec2_capacity_clock {
    struct loop *loop;
    struct store *store;
    struct loop_timer timer;
    struct loop_task task;
};

static void
arm(struct ec2_capacity_clock *clock, struct txn *txn)
{
    loop_timer_stop(clock->loop, &clock->timer);
    STORE_EACH(txn, ec2_capacity_reservation_by_end, row, EC2_CAPACITY_ACTIVE)
        if (row->end_ms) {
            loop_timer_set(clock->loop, &clock->timer, LOOP_CLOUD, row->end_ms);
            break;
        }
}

static void
look(struct ec2_capacity_clock *clock)
{
    int64_t now_ms = loop_now_ms(clock->loop, LOOP_CLOUD);
    struct txn *txn = store_begin(clock->store);
    int r = 0;

    STORE_EACH(txn, ec2_capacity_reservation_by_end, row, EC2_CAPACITY_ACTIVE) {
        if (row->end_ms > now_ms || r < 0)
            break;
        if (row->end_ms)
            r = ec2_capacity_end(txn, row, EC2_CAPACITY_EXPIRED, now_ms);
    }
    if (r < 0)
        store_rollback(txn);
    else
        store_commit(txn);
    txn = store_begin(clock->store);
    arm(clock, txn);
    store_rollback(txn);
}

static void
due(struct loop_timer *timer)
{
    look(CONTAINER_OF(timer, struct ec2_capacity_clock, timer));
}

static void
later(struct loop_task *task)
{
    look(CONTAINER_OF(task, struct ec2_capacity_clock, task));
}

static void
changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_capacity_reservation_row *old = old_row, *new = new_row;
    struct ec2_capacity_clock *clock = ctx;

    if (new && (!old || old->end_ms != new->end_ms))
        loop_defer(clock->loop, &clock->task);
}

int
ec2_capacity_clock_new(struct ec2_capacity_clock **ret, struct loop *loop, struct store *store)
{
    struct ec2_capacity_clock *clock = calloc(1, sizeof(*clock));

    if (!clock)
        return error_origin(ENOMEM, "the clock of capacity reservations cannot be made");
    *clock = (struct ec2_capacity_clock){.loop = loop, .store = store};
    clock->timer.fn = due;
    clock->task.fn = later;
    store_watch(store, &ec2_capacity_reservation_table, changed, clock);
    loop_defer(loop, &clock->task);
    *ret = clock;
    return 0;
}

struct ec2_capacity_clock *
ec2_capacity_clock_free(struct ec2_capacity_clock *clock)
{
    if (!clock)
        return NULL;
    loop_timer_stop(clock->loop, &clock->timer);
    loop_task_cancel(clock->loop, &clock->task);
    free(clock);
    return NULL;
}
