/*
 * Deleting: by DeleteStack, after a creation that failed, and what an update left over.
 *
 * The order is that of creation, backwards: a resource goes when nothing that depends on it is
 * there. What cannot be deleted fails alone; the others go on, but for those that it depends on.
 */
#include "cloudformation/change_set.h"
#include "cloudformation/import.h"
#include "cloudformation/own.h"
#include "cloudformation/holds.h"

#define RETRY_MS 1000
#define GIVE_UP_MS ((int64_t)15 * 60 * 1000)

/* ---- what shall go ---- */

static bool
goes(const struct cfn_look *look, const struct cfn_resource_row *row)
{
    switch ((enum cfn_stage)look->stack.stage) {
    case CFN_CLEANUP:
        return row->phase == CFN_REMOVED || row->phase == CFN_OLD;
    case CFN_REVERT_CLEANUP:
        return row->phase == CFN_OLD || row->touched == CFN_MADE || row->touched == CFN_TAKEN;
    case CFN_DELETE:
    case CFN_ROLLBACK:
        return row->phase != CFN_GONE;
    case CFN_REST:
    case CFN_CREATE:
    case CFN_UPDATE:
    case CFN_REVERT:
    case CFN_HELD:
    case CFN_HELD_BACK:
    case CFN_IMPORT:
        break;
    }
    assert(!"a stage that deletes");
    return false;
}

int
cfn_remove_begin(struct cfn_look *look)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;

        if (r < 0 || !goes(look, old))
            continue;
        row.due_ms = row.deadline_ms = 0;
        row.phase = CFN_TO_DELETE;
        r = cfn_resource_update(look->call->txn, &row);
    }
    return r < 0 ? error_origin(-r, "resources of %.*s cannot be written", STR_ARG(look->stack.id))
                 : 0;
}

/* ---- one resource ---- */

static bool
is_rollback(const struct cfn_look *look)
{
    return look->stack.stage == CFN_ROLLBACK || look->stack.stage == CFN_REVERT_CLEANUP;
}

/* What a replacement left. */
static bool
is_leftover(const struct cfn_resource_row *row)
{
    assert(row->key.n > row->stack.n + 1);
    return str_find_char(str_cut(row->key, row->stack.n + 1, row->key.n), '/') != SIZE_MAX;
}

static struct str
policy_of(const struct cfn_resource_row *row)
{
    return is_leftover(row) ? row->on_replace : row->on_delete;
}

static bool
retained(const struct cfn_look *look, const struct cfn_resource_row *row)
{
    bool replaced = is_leftover(row), rolls_back = is_rollback(look);
    struct str policy = policy_of(row);

    if (str_in(&look->stack.retain, row->logical))
        return true;
    /* the new half of a replacement that is taken back is nobody's */
    if (replaced && rolls_back)
        return false;
    if (str_is(policy, "RetainExceptOnCreate") || (look->stack.retain_new && rolls_back))
        return !rolls_back && str_starts(policy, S("Retain"));
    return str_is(policy, "Retain");
}

/* Whether something that is still there depends on it. */
static bool
is_needed(struct cfn_look *look, const struct cfn_resource_row *row)
{
    bool needed = false;

    assert(str_eq(row->stack, look->stack.id));
    STORE_EACH(look->call->txn, cfn_resource_by_stack, other, row->stack) {
        bool there = (other->phase >= CFN_TO_DELETE && other->phase < CFN_GONE) ||
                     other->phase == CFN_FAILED;

        needed = needed || (there && str_in(&other->depends, row->logical));
        if (needed)
            break;
    }
    return needed;
}

/* Of an update nothing stays behind; a stack's own shows what became of it. */
static int
gone(struct cfn_look *look, struct cfn_resource_row *row, const char *status, struct str why)
{
    bool keeps = look->stack.stage == CFN_DELETE || look->stack.stage == CFN_ROLLBACK;

    row->phase = CFN_GONE;
    int r = cfn_signals_drop(look, row->key);

    if (r == 0)
        r = cfn_resource_status(look, row, status, why);

    if (r == 0 && (!keeps || is_leftover(row)))
        r = cfn_resource_delete(look->call->txn, row->key);
    return r;
}

static int
to_delete(struct cfn_look *look, struct cfn_resource_row *row)
{
    assert(row->phase == CFN_TO_DELETE);
    if (is_needed(look, row))
        return 0;
    if (!row->physical.n)
        return gone(look, row, "DELETE_COMPLETE", STR_NONE);
    if (row->touched == CFN_TAKEN && is_rollback(look)) {
        int r = cfn_import_undo(look, row);

        return r ? r : gone(look, row, "IMPORT_ROLLBACK_COMPLETE", STR_NONE);
    }
    if (retained(look, row))
        return gone(look, row, "DELETE_SKIPPED", STR_NONE);
    row->phase = CFN_DELETING;
    return cfn_resource_status(look, row, "DELETE_IN_PROGRESS", STR_NONE);
}

static int
failed(struct cfn_look *look, struct cfn_resource_row *row, struct str why)
{
    /* FORCE_DELETE_STACK: what cannot be deleted is left behind */
    if (look->stack.force && look->stack.stage == CFN_DELETE)
        return gone(look, row, "DELETE_SKIPPED", why);
    row->phase = CFN_FAILED;
    return cfn_resource_status(look, row, "DELETE_FAILED", why);
}

static void
look_at(struct cfn_look *look, int64_t ms)
{
    if (!look->next_ms || ms < look->next_ms)
        look->next_ms = ms;
}

static int
again(struct cfn_look *look, struct cfn_resource_row *row)
{
    int64_t now = look->call->now_ms;

    if (!row->deadline_ms)
        row->deadline_ms = now + GIVE_UP_MS;
    row->due_ms = now + RETRY_MS;
    assert(row->phase == CFN_DELETING && row->deadline_ms > 0);
    look_at(look, row->due_ms);
    int r = cfn_resource_update(look->call->txn, row);

    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

static int
deleting(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);

    assert(row->phase == CFN_DELETING && row->physical.n);
    if (row->due_ms > look->call->now_ms) {
        look_at(look, row->due_ms);
        return 0;
    }
    int r = CFN_DONE;

    /* the new half of a replacement that is taken back has nothing worth a snapshot */
    if (str_is(policy_of(row), "Snapshot") && !row->snapped &&
        !(is_leftover(row) && is_rollback(look))) {
        r = cfn_run_snapshot(&run);
        row->snapped = r == CFN_DONE;
    }
    if (r == CFN_DONE)
        r = cfn_unmake(look, row, &run);

    look->left--;
    if (r < 0)
        return r;
    if (r == CFN_RETRY && (!row->deadline_ms || look->call->now_ms < row->deadline_ms))
        return again(look, row);
    if (r != CFN_DONE)
        return failed(look, row, run.why);
    row->phase = CFN_GOING;
    row->due_ms = 0;
    r = cfn_resource_update(look->call->txn, row);
    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

static int
going(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    enum cfn_seen seen = CFN_YES;
    int r = cfn_see(look, row, &run, "Gone", &seen);

    assert(row->phase == CFN_GOING);
    if (r < 0)
        return r;
    if (r == CFN_REFUSED || seen == CFN_NEVER)
        return failed(look, row, run.why);
    return seen == CFN_YES ? gone(look, row, "DELETE_COMPLETE", STR_NONE) : 0;
}

/* ---- the stage ---- */

static int
pass(struct cfn_look *look, enum cfn_phase phase,
     int (*fn)(struct cfn_look *look, struct cfn_resource_row *row), bool *moved)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;

        if (r != 0 || row.phase != (int64_t)phase || (phase == CFN_DELETING && look->left <= 0))
            continue;
        r = fn(look, &row);
        *moved = *moved || row.phase != (int64_t)phase;
    }
    return r;
}

struct left {
    bool under_way;
    struct str_list failed;
};

static struct left
what_is_left(struct cfn_look *look)
{
    struct left left = {0};

    STORE_EACH(look->call->txn, cfn_resource_by_stack, row, look->stack.id) {
        left.under_way = left.under_way || row->phase == CFN_DELETING || row->phase == CFN_GOING;
        if (row->phase == CFN_FAILED && str_is(row->status, "DELETE_FAILED"))
            *LIST_PUSH(look->call->arena, &left.failed) = row->logical;
    }
    return left;
}

/* After an update: what could not be deleted is nobody's any more, as on AWS. */
static int
forget_failed(struct cfn_look *look)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, row, look->stack.id) {
        if (r < 0)
            break;
        if (row->phase == CFN_FAILED || row->phase == CFN_TO_DELETE) {
            r = cfn_resource_delete(look->call->txn, row->key);
        } else if (row->touched != CFN_UNTOUCHED || row->old_props.n) {
            struct cfn_resource_row row_copy = *row;

            row_copy.touched = CFN_UNTOUCHED;
            row_copy.old_props = S("");
            r = cfn_resource_update(look->call->txn, &row_copy);
        }
    }
    return r;
}

static int
finish(struct cfn_look *look, const struct left *left)
{
    static const char *const done[] = {
        [CFN_CLEANUP] = "UPDATE_COMPLETE",
        [CFN_REVERT_CLEANUP] = "UPDATE_ROLLBACK_COMPLETE",
        [CFN_ROLLBACK] = "ROLLBACK_COMPLETE",
        [CFN_DELETE] = "DELETE_COMPLETE",
    };
    struct cfn_stack_row *stack = &look->stack;
    assert((size_t)look->stack.stage < ARRAY_LEN(done) && done[look->stack.stage]);
    int64_t stage = stack->stage;
    bool update = stage == CFN_CLEANUP || stage == CFN_REVERT_CLEANUP;
    struct str all = str_join(look->call->arena, &left->failed, S(", "));
    int dropped = is_rollback(look) ? cfn_change_set_drop_unmade(look) : 0;

    if (dropped)
        return dropped;
    stack->stage = CFN_REST;
    if (update) {
        int r = forget_failed(look);

        return r < 0 ? r
                     : cfn_status(look, done[stage],
                                  left->failed.n ? S("Update successful. One or more resources "
                                                     "could not be deleted.")
                                                 : STR_NONE);
    }
    if (left->failed.n)
        return cfn_status(look, stage == CFN_ROLLBACK ? "ROLLBACK_FAILED" : "DELETE_FAILED",
                          str_fmt(look->call->arena,
                                  "The following resource(s) failed to delete: [%.*s]. ",
                                  STR_ARG(all)));
    if (stage == CFN_DELETE) {
        int r = cfn_exports_drop(look);

        STORE_EACH(look->call->txn, cfn_change_set_by_stack, row, stack->id)
            if (r == 0)
                r = cfn_change_set_drop(look->call, row);
        if (r < 0)
            return r;
        stack->live_name = S("");
        stack->deleted_ms = look->call->now_ms;
    }
    return cfn_status(look, done[stage], STR_NONE);
}

int
cfn_remove(struct cfn_look *look)
{
    int64_t stage = look->stack.stage;
    bool moved = true, busy = false;
    assert(stage != CFN_REST);
    int r = stage == CFN_CLEANUP || stage == CFN_REVERT_CLEANUP ? cfn_nested_clean(look, &busy) : 0;

    while (moved && r == 0) {
        moved = false;
        r = pass(look, CFN_TO_DELETE, to_delete, &moved);
        if (r == 0)
            r = pass(look, CFN_DELETING, deleting, &moved);
        if (r == 0)
            r = pass(look, CFN_GOING, going, &moved);
        moved = moved && look->left > 0;
    }
    if (r != 0)
        return r;
    struct left left = what_is_left(look);

    if (left.under_way || busy || look->left <= 0)
        return cfn_save(look);
    return finish(look, &left);
}
