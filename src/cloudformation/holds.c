/* What holds of the rows of stacks, change sets and stack sets whatever was called. */
#include "cloudformation/holds.h"

static bool
is_of(struct str s, const char *const *names)
{
    assert(names[0]);
    while (*names && !str_is(s, *names))
        names++;
    return *names != NULL;
}

/* What a stack says of itself is what the engine does with it. */
static bool
says_its_stage(const struct cfn_stack_row *row)
{
    static const char *const in_progress[] = {
        [CFN_CREATE] = "CREATE_IN_PROGRESS",
        [CFN_UPDATE] = "UPDATE_IN_PROGRESS",
        [CFN_CLEANUP] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        [CFN_REVERT] = "UPDATE_ROLLBACK_IN_PROGRESS",
        [CFN_REVERT_CLEANUP] = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        [CFN_ROLLBACK] = "ROLLBACK_IN_PROGRESS",
        [CFN_DELETE] = "DELETE_IN_PROGRESS",
        [CFN_HELD] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        [CFN_HELD_BACK] = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        [CFN_IMPORT] = "IMPORT_IN_PROGRESS",
    };

    static_assert(CFN_REST == 0 && CFN_IMPORT + 1 == ARRAY_LEN(in_progress), "a stage is missing");
    if (row->stage == CFN_REST)
        return str_ends(row->status, S("_COMPLETE")) || str_ends(row->status, S("_FAILED")) ||
               str_is(row->status, "REVIEW_IN_PROGRESS");
    return str_is(row->status, in_progress[row->stage]) ||
           (row->stage == CFN_IMPORT && str_is(row->status, "IMPORT_ROLLBACK_IN_PROGRESS"));
}

void
cfn_stack_assert(const struct cfn_stack_row *row)
{
    static const char *const on_failure[] = {"", "ROLLBACK", "DELETE", "DO_NOTHING", NULL};

    assert(str_starts(row->id, S("arn:aws:cloudformation:")));
    assert(row->account.n == 12 && row->region.n > 0 && row->name.n > 0);
    assert(row->stage >= CFN_REST && row->stage <= CFN_IMPORT);
    assert(says_its_stage(row));
    /* the name of a deleted one is free, and nothing is done with it any more */
    assert((row->deleted_ms > 0) == (row->live_name.n == 0));
    assert(!row->deleted_ms || (row->stage == CFN_REST && str_is(row->status, "DELETE_COMPLETE")));
    assert(!row->live_name.n || str_eq(row->live_name, row->name));
    assert(row->tags.n % 2 == 0 && row->before_tags.n % 2 == 0);
    assert(is_of(row->on_failure, on_failure));
    assert(row->timeout_min >= 0 && row->deadline_ms >= 0);
    assert(!row->parent.n || (row->root.n && !str_eq(row->parent, row->id)));
    assert(row->parent.n || !row->root.n);
    /* only what is nested waits for another's end */
    assert((row->stage != CFN_HELD && row->stage != CFN_HELD_BACK) || row->parent.n);
    assert(row->n_events >= 0);
}

void
cfn_resource_assert(const struct cfn_resource_row *row)
{
    assert(row->stack.n > 0 && row->logical.n > 0 && row->type.n > 0);
    assert(str_starts(row->key, row->stack) && row->key.n > row->stack.n + 1);
    assert(row->key.p[row->stack.n] == '/');
    assert(str_starts(str_cut(row->key, row->stack.n + 1, row->key.n), row->logical));
    assert(row->phase >= CFN_SETTLED && row->phase <= CFN_BACK_FAILED);
    assert(row->touched >= CFN_UNTOUCHED);
    assert(row->number >= 0 && row->count >= 0);
    assert(row->deadline_ms >= 0 && row->due_ms >= 0);
    assert(row->percent >= 0 && row->percent <= 100);
    /* what is deleted or kept aside is there */
    assert((row->phase != CFN_DELETING && row->phase != CFN_GOING && row->phase != CFN_OLD) ||
           row->physical.n);
    assert(row->phase != CFN_OLD || row->touched == CFN_UNTOUCHED);
    assert(!str_in(&row->depends, row->logical));
}

void
cfn_stack_set_assert(const struct cfn_stack_set_row *row)
{
    assert(str_ends(row->arn, row->id) && row->arn.n > row->id.n);
    assert(str_starts(row->id, row->name) && row->id.p[row->name.n] == ':');
    assert(row->account.n == 12 && row->region.n > 0);
    assert(!row->live_name.n || str_eq(row->live_name, row->name));
    assert(row->template.n > 0 && row->params.n > 0);
    assert(row->tags.n % 2 == 0);
    assert(row->admin_role.n > 0 && row->exec_role.n > 0);
}

/* A row whose key is OWNER/ACCOUNT/REGION. */
static bool
is_place(struct str key, struct str owner, struct str account, struct str region)
{
    return str_starts(key, owner) && str_ends(key, region) &&
           key.n == owner.n + account.n + region.n + 2;
}

void
cfn_stack_instance_assert(const struct cfn_stack_instance_row *row)
{
    static const char *const states[] = {"CURRENT", "OUTDATED", "INOPERABLE", NULL};

    assert(row->account.n > 0 && row->region.n > 0);
    assert(is_place(row->key, row->set, row->account, row->region));
    assert(!row->status.n || is_of(row->status, states));
    assert(row->detailed.n > 0 && row->operation.n > 0);
    assert(!str_is(row->status, "INOPERABLE") || row->detailed.n);
}

void
cfn_set_operation_assert(const struct cfn_set_operation_row *row)
{
    static const char *const actions[] = {"CREATE", "UPDATE", "DELETE", NULL};
    static const char *const running[] = {"RUNNING", "STOPPING", NULL};
    static const char *const ended[] = {"SUCCEEDED", "FAILED", "STOPPED", NULL};

    assert(row->set.n > 0 && row->id.n > 0);
    assert(str_starts(row->key, row->set) && str_ends(row->key, row->id));
    assert(is_of(row->action, actions));
    assert(is_of(row->status, row->running ? running : ended));
    assert(row->running == (row->ended_ms == 0));
    assert(!row->retain || str_is(row->action, "DELETE"));
}

void
cfn_set_target_assert(const struct cfn_set_target_row *row)
{
    static const char *const states[] = {"PENDING", "RUNNING",   "SUCCEEDED",
                                         "FAILED",  "CANCELLED", NULL};

    assert(is_place(row->key, row->operation, row->account, row->region));
    assert(str_starts(row->operation, row->set));
    assert(row->number >= 0);
    assert(is_of(row->status, states));
}
