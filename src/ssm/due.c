/*
 * Carries out the policies of parameters when their time has come: one that has expired is deleted,
 * of the rest the event bus is told.
 *
 * Level-triggered: a row says when its next policy is due (due_ms, in an index), the timer is set
 * to the first of them, and what is overdue after a restart is done at the start.  A policy that
 * has done its work has its bit in policies_done, written with its event.
 */
#include <stdlib.h>

#include "base/log.h"
#include "loop/loop.h"
#include "ssm/ssm.h"

enum { ROWS_A_TURN = 256, ROW_BYTES_MAX = 256 << 10 };

struct ssm_reconciler {
    struct env *env;
    struct loop *loop;
    struct store *store;
    struct loop_task task;
    struct loop_timer timer;
};

/* The first parameter with a policy that is not done, or NULL. */
static const struct ssm_parameter_row *
first_due(struct txn *txn)
{
    struct store_cursor c = store_seek(txn, &ssm_parameter_by_due, NULL, 0);

    store_from(&c, STORE_KEYS((int64_t)1)); /* 0 is never */
    return ssm_parameter_by_due_next(&c);
}

static int
expire(struct ssm_reconciler *rec, struct txn *txn, const struct ssm_parameter_row *row,
       const struct ssm_policy *policy, int64_t now_ms)
{
    int r = ssm_policy_tell(txn, rec->env, row, policy, now_ms);

    assert(policy->kind == SSM_EXPIRATION && policy->at_ms <= now_ms);
    if (r == 0)
        r = ssm_expiry_tell(txn, rec->env, row, now_ms);
    return r ? r : ssm_parameter_remove(txn, row);
}

/* Does all that is due of one parameter. */
static int
carry_out(struct ssm_reconciler *rec, struct txn *txn, struct arena *arena,
          const struct ssm_parameter_row *row, int64_t now_ms)
{
    struct ssm_parameter_row new = *row;
    struct ssm_policies policies;
    struct str why;

    assert(row->due_ms > 0 && row->due_ms <= now_ms);
    ssm_parameter_assert(row);
    if (ssm_policies_parse(arena, row->policies, &policies, &why))
        return error_origin(EUCLEAN, "policies of %.*s cannot be read", STR_ARG(row->id));
    for (size_t i = 0; i < policies.n; i++) {
        if (new.policies_done >> i & 1 ||
            ssm_policy_due_ms(&policies, i, row->modified_ms) > now_ms)
            continue;
        if (policies.v[i].kind == SSM_EXPIRATION)
            return expire(rec, txn, row, &policies.v[i], now_ms);
        int r = ssm_policy_tell(txn, rec->env, row, &policies.v[i], now_ms);

        if (r)
            return r;
        new.policies_done |= INT64_C(1) << i;
        assert(new.policies_done != row->policies_done);
    }
    new.due_ms = ssm_policies_due_ms(&policies, new.policies_done, row->modified_ms);
    assert(!new.due_ms || new.due_ms > now_ms);
    return ssm_parameter_update(txn, &new);
}

static void
arm(struct ssm_reconciler *rec)
{
    struct txn *txn = store_begin(rec->store);
    const struct ssm_parameter_row *row = first_due(txn);

    assert(!row || row->due_ms > 0);
    if (row)
        loop_timer_set(rec->loop, &rec->timer, LOOP_CLOUD, row->due_ms);
    else
        loop_timer_stop(rec->loop, &rec->timer);
    store_rollback(txn);
}

static void
look(struct loop_task *task)
{
    struct ssm_reconciler *rec = CONTAINER_OF(task, struct ssm_reconciler, task);
    int64_t now_ms = loop_now_ms(rec->loop, LOOP_CLOUD);
    const struct ssm_parameter_row *row;
    struct arena arena;
    unsigned n = 0;
    int r = 0;

    arena_init(&arena, ROW_BYTES_MAX);
    while (r == 0 && n < ROWS_A_TURN) {
        struct txn *txn = store_begin(rec->store);

        row = first_due(txn);
        if (!row || row->due_ms > now_ms) {
            store_rollback(txn);
            break;
        }
        r = carry_out(rec, txn, &arena, row, now_ms);
        if (r == 0)
            store_commit(txn);
        else
            store_rollback(txn);
        arena_reset(&arena);
        n++;
    }
    arena_done(&arena);
    if (r)
        log_error("policies of parameters stay as they are until the next change");
    else if (n == ROWS_A_TURN)
        loop_defer(rec->loop, &rec->task);
    else
        arm(rec);
}

static void
timer_due(struct loop_timer *timer)
{
    struct ssm_reconciler *rec = CONTAINER_OF(timer, struct ssm_reconciler, timer);

    loop_defer(rec->loop, &rec->task);
}

static void
parameter_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct ssm_reconciler *rec = ctx;
    const struct ssm_parameter_row *old = old_row, *new = new_row;

    if ((old ? old->due_ms : 0) != (new ? new->due_ms : 0))
        loop_defer(rec->loop, &rec->task);
}

int
ssm_reconciler_new(struct ssm_reconciler **ret, struct env *env, struct loop *loop,
                   struct store *store)
{
    struct ssm_reconciler *rec = calloc(1, sizeof(*rec));

    if (!rec)
        return error_origin(ENOMEM, "the parameters' reconciler cannot be made");
    rec->env = env;
    rec->loop = loop;
    rec->store = store;
    rec->task.fn = look;
    rec->timer.fn = timer_due;
    store_watch(store, &ssm_parameter_table, parameter_changed, rec);
    loop_defer(loop, &rec->task);
    *ret = rec;
    return 0;
}

struct ssm_reconciler *
ssm_reconciler_free(struct ssm_reconciler *rec)
{
    if (!rec)
        return NULL;
    loop_timer_stop(rec->loop, &rec->timer);
    loop_task_cancel(rec->loop, &rec->task);
    free(rec);
    return NULL;
}
