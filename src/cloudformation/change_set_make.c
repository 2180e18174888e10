/*
 * What a change set would do, worked out in the call that makes it: in one transaction with the
 * sets of all nested stacks, for which nothing is made but rows.
 */
#include "cloudformation/change_set.h"

#include "cloudformation/diff.h"
#include "cloudformation/import.h"
#include "cloudformation/own.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)
#define NO_CHANGES                                                                                 \
    S("The submitted information didn't contain changes. Submit different information to create "  \
      "a change set.")
#define CHANGES_MAX ((size_t)3 << 20)
#define IMPORTS_MAX ((size_t)1 << 20)
/* Of stacks in stacks: a template may name itself, and more than once. */
#define LEVELS_MAX 10
#define NESTED_MAX 200

/* ---- rows ---- */

struct cfn_change_set_row
cfn_change_set_new(struct api_call *call, struct str name, struct str kind,
                   const struct cfn_stack_row *after)
{
    assert(name.n > 0 && after->id.n > 0);
    return (struct cfn_change_set_row){
        .id = str_fmt(call->arena, "arn:aws:cloudformation:%.*s:%.*s:changeSet/%.*s/%.*s",
                      STR_ARG(call->region), STR_ARG(call->account), STR_ARG(name),
                      STR_ARG(api_uuid(call->env, call->arena))),
        .stack = after->id,
        .name = name,
        .kind = kind,
        .created_ms = call->now_ms,
        .template = after->template,
        .processed = after->processed,
        .params = after->params,
        .tags = after->tags,
        .capabilities = after->capabilities,
        .notify = after->notify,
        .role = after->role,
        .monitor_min = after->monitor_min,
        .triggers = after->triggers,
        .actor = after->actor,
    };
}

int
cfn_change_set_review(struct api_call *call, struct cfn_stack_row *row)
{
    struct cfn_look look = {.call = call};

    row->actor = (struct str_list){0};
    row->status = S("REVIEW_IN_PROGRESS");
    int r = cfn_stack_insert(call->txn, row);

    if (r < 0)
        return error_origin(-r, "stack %.*s cannot be written", STR_ARG(row->id));
    look.stack = *row;
    r = cfn_status(&look, "REVIEW_IN_PROGRESS", S("User Initiated"));
    *row = look.stack;
    return r;
}

/* ---- the sets of nested stacks ---- */

struct nest {
    struct cfn_look *look;                /* the parent as it will be */
    const struct cfn_change_set_row *set; /* its set */
    struct str failed;                    /* id of a nested one that failed */
    int *left;                            /* how many more there may be */
};

static int
level(struct txn *txn, const struct cfn_change_set_row *row)
{
    int n = 0;

    for (; row->parent.n && n < LEVELS_MAX; n++) {
        row = cfn_change_set_get(txn, row->parent);
        assert(row);
    }
    return n;
}

/* The stack as it is, or one that is new. */
static int
stack_of(struct nest *n, struct str logical, struct cfn_stack_row *ret, bool *ret_new)
{
    struct api_call *call = n->look->call;
    const struct cfn_resource_row *row =
        cfn_resource_get(call->txn, cfn_resource_key(call->arena, n->look->stack.id, logical));
    const struct cfn_stack_row *old =
        row && row->physical.n ? cfn_stack_get(call->txn, row->physical) : NULL;

    *ret_new = !old || old->deleted_ms || !str_eq(old->parent, n->look->stack.id);
    if (!*ret_new)
        return *ret = *old, 0;
    int r = cfn_new_stack(call, cfn_nested_name(n->look, logical), ret);

    assert(r <= 0 || !"a name that is made is well-formed and new");
    if (r)
        return r;
    ret->parent = n->look->stack.id;
    ret->root = n->look->stack.root.n ? n->look->stack.root : n->look->stack.id;
    return cfn_change_set_review(call, ret);
}

static struct str
name_of(struct nest *n, struct str logical)
{
    struct arena *a = n->look->call->arena;
    struct str made = cfn_nested_name(n->look, logical);
    struct str tail = str_cut(made, made.n - 13, made.n); /* -123456789ABC */
    struct str head = str_fmt(a, "%.*s-%.*s", STR_ARG(n->set->name), STR_ARG(logical));

    return str_cat(a, str_cut(head, 0, 128 - tail.n), tail);
}

/* 0; positive with a fault: the set fails for that; negative. */
static int
submit(struct nest *n, const struct json *props, const struct cfn_stack_row *stack, bool is_new,
       struct cfn_stack_row *after)
{
    struct api_call *call = n->look->call;
    struct cfn_wish wish;

    cfn_wish_of(n->look, props, &wish);
    wish.in.later = true;
    *after = *stack;
    if (level(call->txn, n->set) >= LEVELS_MAX - 1 || *n->left <= 0)
        return INVALID("Welkin looks into %d levels and %d nested stacks at most.", LEVELS_MAX,
                       NESTED_MAX);
    --*n->left;
    return cfn_submit(call, &wish.in, is_new ? NULL : stack, after);
}

static int work_out(struct api_call *call, const struct cloudformation_CreateChangeSetInput *req,
                    const struct cfn_stack_row *before, const struct cfn_stack_row *after,
                    struct cfn_change_set_row *row, int *left);

static int
make(struct nest *n, struct str logical, const struct json *props,
     const struct cfn_stack_row *stack, bool is_new, struct cfn_change_set_row *ret)
{
    struct api_call *call = n->look->call;
    struct cfn_stack_row after;
    size_t mark = store_savepoint(call->txn);
    int r = submit(n, props, stack, is_new, &after);

    *ret = cfn_change_set_new(call, name_of(n, logical), is_new ? S("CREATE") : S("UPDATE"),
                              r > 0 ? stack : &after);
    ret->parent = n->set->id;
    ret->root = n->set->root.n ? n->set->root : n->set->id;
    ret->logical = logical;
    ret->nested = true;
    ret->import_existing = n->set->import_existing;
    /* its own nested ones find it by its row */
    int w = cfn_change_set_insert(call->txn, ret);

    if (r == 0 && w == 0)
        r = work_out(call, NULL, stack, &after, ret, n->left);
    if (r > 0) {
        store_rollback_to(call->txn, mark);
        ret->status = S("FAILED");
        ret->reason = call->fault.message;
        call->fault = (struct api_fault){0};
        w = cfn_change_set_insert(call->txn, ret);
    }
    assert(r < 0 || w != 0 || ret->status.n > 0);
    ret->execution = S("UNAVAILABLE");
    if (str_is(ret->status, "CREATE_COMPLETE"))
        ret->reason = S("Executable from root change set");
    if (r >= 0 && w == 0)
        w = cfn_change_set_update(call->txn, ret);
    return r < 0   ? r
           : w < 0 ? error_origin(-w, "change set %.*s cannot be written", STR_ARG(ret->id))
                   : 0;
}

static int
nest(void *ctx, struct str logical, const struct json *props, struct json *change,
     bool *ret_changes)
{
    struct nest *n = ctx;
    struct cfn_stack_row stack;
    struct cfn_change_set_row row;
    bool is_new;
    int r = stack_of(n, logical, &stack, &is_new);

    if (r == 0)
        r = make(n, logical, props, &stack, is_new, &row);
    if (r)
        return r;
    assert(str_eq(row.parent, n->set->id));
    *ret_changes = !str_eq(row.reason, NO_CHANGES);
    if (*ret_changes && str_is(row.status, "FAILED"))
        n->failed = row.id;
    cfn_put(n->look->call->arena, change, S("ChangeSetId"), cfn_text(row.id));
    return 0;
}

/* ---- what a set would do ---- */

static void
result(struct arena *a, struct cfn_change_set_row *row, bool same, struct str wrong,
       struct str nested)
{
    bool failed = same || wrong.p || nested.p;

    row->status = failed ? S("FAILED") : S("CREATE_COMPLETE");
    row->execution = failed ? S("UNAVAILABLE") : S("AVAILABLE");
    row->reason = wrong.p    ? wrong
                  : nested.p ? str_fmt(a,
                                       "Nested change set %.*s was not successfully created: "
                                       "Currently in FAILED.",
                                       STR_ARG(nested))
                  : same     ? NO_CHANGES
                             : S("");
}

static int
work_out(struct api_call *call, const struct cloudformation_CreateChangeSetInput *req,
         const struct cfn_stack_row *before, const struct cfn_stack_row *after,
         struct cfn_change_set_row *row, int *left)
{
    bool updates = str_is(row->kind, "UPDATE"), imports = str_is(row->kind, "IMPORT");
    struct cfn_look look;
    struct nest n = {.look = &look, .set = row, .left = left};
    const struct cfn_diff_nested hook = {.fn = nest, .ctx = &n};
    struct str wrong = STR_NONE;
    struct json changes;
    bool same = false;
    int r = cfn_look_init(&look, call, after);
    assert(req || !imports);

    if (r == 0 && !cfn_try(&look))
        return INVALID("%.*s", STR_ARG(look.scope.wrong));
    if (r == 0 && imports && (r = cfn_import_take(&look, req, &look.imports)) != 0)
        return r;
    if (r == 0 && row->import_existing)
        r = cfn_import_existing(&look, &look.imports, &wrong);
    if (r == 0)
        r = cfn_diff(&look, before, row->nested ? &hook : NULL, &changes);
    if (r > 0)
        return INVALID("%.*s", STR_ARG(look.scope.wrong));
    if (r == 0 && updates)
        r = row->nested ? cfn_is_same_alone(call, before, after, &same)
                        : cfn_is_same(call, before, after, &same);
    if (r == 0 && imports)
        r = cfn_import_alone(call, &changes);
    if (r)
        return r;
    row->imports = look.imports.n ? cfn_print(call->arena, &look.imports, IMPORTS_MAX) : S("");
    assert(changes.kind == JSON_ARRAY && (!imports || changes.n == look.imports.n));
    row->changes = cfn_print(call->arena, &changes, CHANGES_MAX);
    result(call->arena, row, same && !changes.n, wrong, n.failed);
    return 0;
}

int
cfn_change_set_work_out(struct api_call *call,
                        const struct cloudformation_CreateChangeSetInput *req,
                        const struct cfn_stack_row *before, const struct cfn_stack_row *after,
                        struct cfn_change_set_row *row)
{
    int left = NESTED_MAX;

    return work_out(call, req, before, after, row, &left);
}

/* ---- execution and end ---- */

const struct cfn_change_set_row *
cfn_change_set_nested(struct cfn_look *look, struct str logical)
{
    const struct cfn_change_set_row *ret = NULL;

    if (!look->stack.sets.n)
        return NULL;
    STORE_EACH(look->call->txn, cfn_change_set_by_parent, row, look->stack.sets)
        if (str_eq(row->logical, logical) && str_is(row->status, "CREATE_COMPLETE") &&
            str_is(row->execution, "UNAVAILABLE"))
            ret = row;
    return ret;
}

int
cfn_change_set_executed(struct txn *txn, const struct cfn_change_set_row *row)
{
    struct cfn_change_set_row done = *row;

    done.execution = S("EXECUTE_COMPLETE");
    done.reason = S("");
    int r = cfn_change_set_update(txn, &done);

    return r < 0 ? error_origin(-r, "change set %.*s cannot be written", STR_ARG(row->id)) : 0;
}

/* A stack that was never more than reviewed is gone with its change set. */
static int
drop_stack(struct api_call *call, struct str id)
{
    const struct cfn_stack_row *stack = cfn_stack_get(call->txn, id);
    struct cfn_look look = {.call = call};

    assert(stack);
    if (!stack->parent.n || stack->deleted_ms || !str_is(stack->status, "REVIEW_IN_PROGRESS"))
        return 0;
    look.stack = *stack;
    look.stack.live_name = S("");
    look.stack.deleted_ms = call->now_ms;
    return cfn_status(&look, "DELETE_COMPLETE", STR_NONE);
}

int
cfn_change_set_drop(struct api_call *call, const struct cfn_change_set_row *row)
{
    struct str id = row->id, stack = row->stack;
    int r = 0;

    STORE_EACH(call->txn, cfn_change_set_by_parent, below, id)
        if (r == 0)
            r = cfn_change_set_drop(call, below);
    if (r == 0)
        r = drop_stack(call, stack);
    if (r == 0)
        r = cfn_change_set_delete(call->txn, id);
    return r < 0 ? error_origin(-r, "change set %.*s cannot be deleted", STR_ARG(id)) : 0;
}

int
cfn_change_set_drop_unmade(struct cfn_look *look)
{
    struct api_call *call = look->call;
    int r = 0;

    STORE_EACH(call->txn, cfn_change_set_by_parent, row, look->stack.sets)
        if (r == 0 && look->stack.sets.n && str_is(row->execution, "UNAVAILABLE"))
            r = cfn_change_set_drop(call, row);
    return r;
}
