/*
 * Going back: an update that failed, or that its parent takes back.  What was changed is changed
 * again, what was replaced comes back by its row; what was made goes with the cleanup.
 *
 * What needs its time is waited for (CFN_BACK): a nested stack that goes back by itself, an
 * instance that must stop first.
 */
#include "cloudformation/own.h"
#include "cloudformation/holds.h"

#define PROPS_MAX ((size_t)1 << 20)

static int
failed(struct cfn_look *look, struct cfn_resource_row *row, struct str why)
{
    row->phase = CFN_BACK_FAILED;
    return cfn_resource_status(look, row, "UPDATE_FAILED", why);
}

static int
settled(struct cfn_look *look, struct cfn_resource_row *row)
{
    assert(row->phase != CFN_OLD);
    row->phase = CFN_SETTLED;
    row->touched = CFN_UNTOUCHED;
    row->old_props = S("");
    return cfn_resource_status(look, row, "UPDATE_COMPLETE", STR_NONE);
}

/* It is looked at again. */
static int
wait_for(struct cfn_look *look, struct cfn_resource_row *row)
{
    row->phase = CFN_BACK;
    row->touched = CFN_CHANGED;
    cfn_resource_assert(row);
    int r = cfn_resource_update(look->call->txn, row);

    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

/* What goes back by itself: begun, and asked again until it is there. */
static int
revert_nested(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    enum cfn_seen seen;
    int r = cfn_own(run.type)->back(look, row, &run, &seen);

    assert(cfn_own(run.type) && cfn_own(run.type)->back);
    if (r < 0)
        return r;
    if (seen == CFN_NEVER)
        return failed(look, row, run.why);
    if (seen == CFN_YES) {
        if (row->old_props.n)
            row->props = row->old_props;
        row->attributes = cfn_print(look->call->arena, &run.attributes, PROPS_MAX);
        return settled(look, row);
    }
    return row->phase == CFN_BACK ? 0 : wait_for(look, row);
}

bool
cfn_run_back(struct cfn_look *look, const struct cfn_resource_row *row, struct cfn_run *run)
{
    struct json now = run->props, back = cfn_object();

    assert(str_eq(row->stack, look->stack.id));
    run->old_tags = cfn_stack_tags(look, &look->stack.tags);
    run->tags = cfn_stack_tags(look, &look->stack.before_tags);
    if (!row->old_props.n || !cfn_read(look->call->arena, row->old_props, &back))
        return false;
    run->old = now;
    run->props = cfn_object();
    for (size_t i = 0; i < back.n; i++)
        if (!str_is(back.names[i], "#made"))
            cfn_put(look->call->arena, &run->props, back.names[i], back.v[i]);
    return true;
}

static int
revert_change(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    bool changed = cfn_run_back(look, row, &run);
    int r = CFN_DONE;
    assert(!changed || row->old_props.n > 0);

    if (changed) {
        r = cfn_change(look, row, &run);
    } else if (!cfn_own(run.type)) {
        r = cfn_run_resume(&run);
    }
    if (r < 0)
        return r;
    if (r == CFN_RETRY)
        return wait_for(look, row);
    if (r != CFN_DONE)
        return failed(look, row, run.why);
    if (changed) {
        row->props = row->old_props;
        row->attributes = cfn_print(look->call->arena, &run.attributes, PROPS_MAX);
    }
    return settled(look, row);
}

/* The new one becomes the old one. */
static int
revert_replacement(struct cfn_look *look, struct cfn_resource_row *row)
{
    int r = 0;

    assert(row->touched == CFN_REPLACED);
    STORE_EACH(look->call->txn, cfn_resource_by_stack, other, row->stack) {
        if (other->phase != CFN_OLD || !str_eq(other->logical, row->logical) || r < 0 ||
            str_eq(other->physical, row->physical))
            continue;
        struct cfn_resource_row newer = *row, older = *other;

        r = cfn_resource_delete(look->call->txn, other->key);
        if (r == 0)
            r = cfn_keep_old(look, &newer);
        row->physical = older.physical;
        row->props = older.props;
        row->attributes = older.attributes;
        break;
    }
    return r < 0 ? r : settled(look, row);
}

static int
revert_one(struct cfn_look *look, struct cfn_resource_row *row)
{
    const struct cfn_own *own = cfn_own(cfn_type(row->type));
    bool nested = own && own->back;
    assert(look->stack.stage == CFN_REVERT);

    if (row->phase == CFN_REMOVED) {
        row->phase = CFN_SETTLED;
        return cfn_resource_update(look->call->txn, row);
    }
    if (row->phase == CFN_BACK)
        return nested ? revert_nested(look, row) : revert_change(look, row);
    if (row->phase == CFN_OLD || row->phase == CFN_BACK_FAILED || row->touched == CFN_MADE ||
        row->touched == CFN_TAKEN || (row->touched == CFN_UNTOUCHED && !row->old_props.n))
        return 0;
    int r = cfn_resource_status(look, row, "UPDATE_IN_PROGRESS", STR_NONE);

    if (r)
        return r;
    if (row->touched == CFN_REPLACED)
        return revert_replacement(look, row);
    return nested ? revert_nested(look, row) : revert_change(look, row);
}

static int
finish(struct cfn_look *look)
{
    struct cfn_stack_row *stack = &look->stack;
    int r = cfn_plan_back(look);

    assert(stack->stage == CFN_REVERT);
    if (r)
        return r;
    stack->template = stack->before_template;
    stack->processed = stack->before_processed;
    stack->params = stack->before_params;
    stack->tags = stack->before_tags;
    stack->stage = stack->with_parent ? CFN_HELD_BACK : CFN_REVERT_CLEANUP;
    if (!stack->with_parent)
        r = cfn_remove_begin(look);
    return r ? r : cfn_status(look, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", STR_NONE);
}

int
cfn_revert(struct cfn_look *look)
{
    struct cfn_stack_row *stack = &look->stack;
    struct str_list bad = {0};
    bool waits = false;
    int r = 0;

    assert(stack->stage == CFN_REVERT);
    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, stack->id) {
        struct cfn_resource_row row = *old;

        if (r == 0)
            r = revert_one(look, &row);
        waits = waits || row.phase == CFN_BACK;
        if (row.phase == CFN_BACK_FAILED)
            *LIST_PUSH(look->call->arena, &bad) = row.logical;
    }
    if (r < 0)
        return r;
    if (waits)
        return cfn_save(look);
    if (!bad.n)
        return finish(look);
    struct str all = str_join(look->call->arena, &bad, S(", "));

    stack->stage = CFN_REST;
    stack->failure = str_fmt(look->call->arena,
                             "The following resource(s) failed to update: [%.*s]. ", STR_ARG(all));
    return cfn_status(look, "UPDATE_ROLLBACK_FAILED", stack->failure);
}
