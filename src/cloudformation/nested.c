/*
 * Nested stacks: a stack is a resource of another.  Parent and child are two rows that the engine
 * looks at apart; what the parent wants is written into the child's row in the parent's
 * transaction, and what became of it is read from there.
 *
 *   parent            child
 *   creates           CREATE, then rests; when it fails it stays for the parent to delete
 *   updates           UPDATE, then is held with what it would clean up, until the parent cleans up
 *   goes back         REVERT, then is held again
 *   deletes           DELETE
 */
#include "cloudformation/change_set.h"
#include "cloudformation/own.h"

#define TYPE "AWS::CloudFormation::Stack"
#define NAME_CHARACTERS 128

bool
cfn_is_nested(struct str type)
{
    return str_is(type, TYPE);
}

static const struct cfn_stack_row *
child_of(struct cfn_look *look, struct str id)
{
    const struct cfn_stack_row *row = id.n ? cfn_stack_get(look->call->txn, id) : NULL;

    return row && str_eq(row->parent, look->stack.id) ? row : NULL;
}

/* The call as the child's look has it: its faults are the child's. */
static int
look_into(struct cfn_look *look, const struct cfn_stack_row *child, struct api_call *call,
          struct cfn_look *ret)
{
    *call = *look->call;
    return cfn_look_init(ret, call, child);
}

/* ---- what the properties say ---- */

static void
put_parameter(struct arena *a, struct str name, const struct json *value,
              struct cloudformation_ParameterList *ret)
{
    struct str text = cfn_scalar(value);
    struct str_list parts = {0};

    if (!text.p && value->kind == JSON_ARRAY) {
        for (size_t i = 0; i < value->n; i++)
            *LIST_PUSH(a, &parts) = cfn_scalar(&value->v[i]);
        text = str_join(a, &parts, S(","));
    }
    *LIST_PUSH(a, ret) = (struct cloudformation_Parameter){
        .parameter_key = name, .parameter_value = text.p ? text : S("")};
}

static void
put_tag(struct arena *a, struct str key, struct str value, struct cloudformation_TagList *ret)
{
    LIST_EACH(ret, tag) {
        if (str_eq(tag->key, key)) {
            tag->value = value;
            return;
        }
    }
    *LIST_PUSH(a, ret) = (struct cloudformation_Tag){.key = key, .value = value};
}

void
cfn_wish_of(struct cfn_look *look, const struct json *props, struct cfn_wish *ret)
{
    struct arena *a = look->call->arena;
    const struct json *parameters = json_get(props, "Parameters");
    const struct json *tags = json_get(props, "Tags");
    const struct json *notify = json_get(props, "NotificationARNs");

    assert(look->stack.tags.n % 2 == 0);
    *ret = (struct cfn_wish){0};
    API_PRESENT(&ret->parameters);
    API_PRESENT(&ret->tags);
    API_PRESENT(&ret->notify);
    for (size_t i = 0; parameters && i < parameters->n; i++)
        put_parameter(a, parameters->names[i], &parameters->v[i], &ret->parameters);
    for (size_t i = 0; i + 1 < look->stack.tags.n; i += 2)
        put_tag(a, look->stack.tags.v[i], look->stack.tags.v[i + 1], &ret->tags);
    for (size_t i = 0; tags && tags->kind == JSON_ARRAY && i < tags->n; i++)
        put_tag(a, json_text(&tags->v[i], "Key"), cfn_scalar(json_get(&tags->v[i], "Value")),
                &ret->tags);
    for (size_t i = 0; notify && notify->kind == JSON_ARRAY && i < notify->n; i++)
        *LIST_PUSH(a, &ret->notify) = cfn_scalar(&notify->v[i]);
    ret->in = (struct cfn_submission){
        .url = cfn_scalar(json_get(props, "TemplateURL")),
        .parameters = &ret->parameters,
        .capabilities = &look->stack.capabilities,
        .notify = &ret->notify,
        .tags = &ret->tags,
        .token = look->stack.token,
    };
}

/* PARENT-LOGICAL-12 capitals and digits. */
struct str
cfn_nested_name(struct cfn_look *look, struct str logical)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    struct api_call *call = look->call;
    struct str head =
        str_fmt(call->arena, "%.*s-%.*s", STR_ARG(look->stack.name), STR_ARG(logical));
    uint8_t random[12];
    char tail[12];

    call->env->random(call->env, random, sizeof(random));
    for (size_t i = 0; i < sizeof(tail); i++)
        tail[i] = set[random[i] % (sizeof(set) - 1)];
    head = str_cut(head, 0, NAME_CHARACTERS - sizeof(tail) - 1);
    assert(head.n > 0);
    return str_fmt(call->arena, "%.*s-%.12s", STR_ARG(head), tail);
}

/* ---- creating and updating ---- */

static int
refused(struct cfn_run *run, const struct api_call *call)
{
    run->why = call->fault.message;
    return CFN_REFUSED;
}

/* The nested stack's change set, when it is its parent's that is executed: as it was looked at. */
static void
follow_set(const struct cfn_change_set_row *set, struct cfn_wish *wish)
{
    if (!set)
        return;
    wish->in.url = STR_NONE;
    wish->in.text = set->template;
}

static void
follow_parent(struct cfn_look *look, const struct cfn_change_set_row *set,
              struct cfn_stack_row *child)
{
    child->imports = set ? set->imports : S("");
    child->sets = set ? set->id : S("");
    if (set)
        child->change_set = set->id;
    child->actor = look->stack.actor;
    child->role = look->stack.role;
    child->hold = look->stack.hold;
    child->with_parent = true;
    child->failure = S("");
    child->updated_ms = look->stack.stage == CFN_CREATE ? 0 : look->call->now_ms;
}

static int
nested_create(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct api_call call = *look->call;
    size_t mark = store_savepoint(call.txn);
    struct cfn_stack_row child;
    struct cfn_wish wish;
    int64_t minutes = 0;
    struct str timeout = cfn_scalar(json_get(&run->props, "TimeoutInMinutes"));
    const struct cfn_change_set_row *set = cfn_change_set_nested(look, row->logical);

    cfn_wish_of(look, &run->props, &wish);
    follow_set(set, &wish);
    if (timeout.p && (!str_to_i64(timeout, &minutes) || minutes < 1))
        return run->why = S("TimeoutInMinutes must be a number from 1"), CFN_REFUSED;
    int r = 0;

    if (set)
        child = *cfn_stack_get(call.txn, set->stack);
    else
        r = cfn_new_stack(&call, cfn_nested_name(look, row->logical), &child);
    if (r == 0)
        r = cfn_submit(&call, &wish.in, NULL, &child);
    if (r == 0) {
        child.parent = look->stack.id;
        child.root = look->stack.root.n ? look->stack.root : look->stack.id;
        child.on_failure = S("ROLLBACK");
        child.timeout_min = minutes;
        child.deadline_ms = minutes ? call.now_ms + minutes * 60000 : 0;
        follow_parent(look, set, &child);
        child.updated_ms = 0;
        child.disable_rollback = child.hold;
        r = cfn_begin(&call, &child, CFN_CREATE);
    }
    if (r == 0 && set)
        r = cfn_change_set_executed(call.txn, set);
    if (r != 0)
        store_rollback_to(call.txn, mark);
    if (r > 0)
        return refused(run, &call);
    assert(r < 0 || (child.id.n > 0 && child.root.n > 0));
    run->id = child.id;
    return r;
}

bool
cfn_has_nested(const struct json *root)
{
    const struct json *resources = json_get(root, "Resources");

    for (size_t i = 0; resources && i < resources->n; i++)
        if (cfn_is_nested(json_text(&resources->v[i], "Type")))
            return true;
    return false;
}

/* A child that would stay as it is takes no part in the update. */
static int
nested_update(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct cfn_change_set_row *set = cfn_change_set_nested(look, row->logical);
    const struct cfn_stack_row *old = child_of(look, run->id);
    struct api_call call = *look->call;
    size_t mark = store_savepoint(call.txn);
    struct cfn_stack_row child;
    struct cfn_wish wish;
    bool same = false;

    if (!old || old->deleted_ms || old->stage != CFN_REST)
        return run->why = str_fmt(call.arena, "Stack [%.*s] does not exist", STR_ARG(run->id)),
               CFN_REFUSED;
    child = *old;
    cfn_wish_of(look, &run->props, &wish);
    if (set && !str_eq(set->stack, old->id))
        set = NULL;
    follow_set(set, &wish);
    int r = cfn_submit(&call, &wish.in, old, &child);

    if (r == 0)
        r = cfn_is_same(&call, old, &child, &same);
    if (r == 0 && same && str_ends(old->status, S("_COMPLETE")))
        return CFN_DONE;
    if (r == 0) {
        cfn_keep_before(&child, old);
        child.deadline_ms = 0;
        follow_parent(look, set, &child);
        r = cfn_begin(&call, &child, CFN_UPDATE);
    }
    assert(r != 0 || str_eq(child.id, old->id));
    if (r == 0 && set)
        r = cfn_change_set_executed(call.txn, set);
    if (r != 0)
        store_rollback_to(call.txn, mark);
    return r > 0 ? refused(run, &call) : r;
}

static void
outputs(struct cfn_look *look, const struct cfn_stack_row *child, struct cfn_run *run)
{
    struct arena *a = look->call->arena;
    struct json list;

    run->attributes = cfn_object();
    if (!child->outputs.n || !cfn_read(a, child->outputs, &list))
        return;
    for (size_t i = 0; i < list.n; i++) {
        struct str key = json_text(&list.v[i], "Key");

        cfn_put(a, &run->attributes, str_fmt(a, "Outputs.%.*s", STR_ARG(key)),
                *json_get(&list.v[i], "Value"));
    }
}

static int
nested_ready(struct cfn_look *look, const struct cfn_resource_row *row,
             const struct cfn_stack_row *child, struct cfn_run *run, enum cfn_seen *ret)
{
    static const char *const good[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE",
                                       "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"};
    struct arena *a = look->call->arena;
    bool made = row->touched == CFN_MADE, ok = child->stage == CFN_HELD;

    assert(str_eq(child->parent, look->stack.id));
    *ret = CFN_NOT_YET;
    if (child->stage == CFN_CREATE || child->stage == CFN_UPDATE)
        return CFN_DONE;
    for (size_t i = 0; i < ARRAY_LEN(good) && child->stage == CFN_REST; i++)
        ok = ok || str_is(child->status, good[i]);
    *ret = ok ? CFN_YES : CFN_NEVER;
    if (ok)
        outputs(look, child, run);
    else if (made)
        run->why = str_fmt(a, "Embedded stack %.*s was not successfully created: %.*s",
                           STR_ARG(child->id), STR_ARG(child->failure));
    else
        run->why = str_fmt(a,
                           "Embedded stack %.*s was not successfully updated. Currently in %s with "
                           "reason: %.*s",
                           STR_ARG(child->id),
                           child->hold ? "UPDATE_FAILED" : "UPDATE_ROLLBACK_IN_PROGRESS",
                           STR_ARG(child->failure));
    return CFN_DONE;
}

static int
nested_look(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, bool gone,
            enum cfn_seen *ret)
{
    const struct cfn_stack_row *child = child_of(look, run->id);

    if (!gone && child)
        return nested_ready(look, row, child, run, ret);
    *ret = gone ? CFN_YES : CFN_NEVER;
    if (!gone)
        run->why = str_fmt(look->call->arena, "Stack [%.*s] does not exist", STR_ARG(run->id));
    if (!gone || !child || child->deleted_ms)
        return CFN_DONE;
    *ret = child->stage == CFN_DELETE ? CFN_NOT_YET : CFN_NEVER;
    run->why = str_fmt(look->call->arena, "Embedded stack %.*s was not successfully deleted: %.*s",
                       STR_ARG(child->id), STR_ARG(child->reason));
    return CFN_DONE;
}

/* ---- going back, cleaning up, deleting ---- */

int
cfn_nested_cancel(struct cfn_look *look, const struct cfn_resource_row *row)
{
    const struct cfn_stack_row *child =
        cfn_is_nested(row->type) ? child_of(look, row->physical) : NULL;
    struct cfn_stack_row changed;

    assert(str_eq(row->stack, look->stack.id));
    if (!child || (child->stage != CFN_CREATE && child->stage != CFN_UPDATE))
        return 0;
    changed = *child;
    changed.cancel = true;
    return cfn_stack_update(look->call->txn, &changed);
}

int
cfn_nested_again(struct cfn_look *look, const struct cfn_resource_row *row)
{
    const struct cfn_stack_row *child =
        cfn_is_nested(row->type) ? child_of(look, row->physical) : NULL;
    struct api_call call;
    struct cfn_look inner;

    if (!child || !str_is(child->status, "UPDATE_ROLLBACK_FAILED"))
        return 0;
    assert(child->parent.n > 0);
    int r = look_into(look, child, &call, &inner);

    STORE_EACH(call.txn, cfn_resource_by_stack, old, child->id) {
        struct cfn_resource_row changed = *old;

        if (r != 0 || changed.phase != CFN_BACK_FAILED)
            continue;
        changed.phase = CFN_FAILED;
        r = cfn_resource_update(call.txn, &changed);
        if (r == 0)
            r = cfn_nested_again(&inner, &changed);
    }
    inner.stack.stage = CFN_REVERT;
    inner.stack.with_parent = true;
    return r ? r : cfn_status(&inner, "UPDATE_ROLLBACK_IN_PROGRESS", STR_NONE);
}

static int
nested_back(struct cfn_look *look, struct cfn_resource_row *row UNUSED, struct cfn_run *run,
            enum cfn_seen *ret)
{
    const struct cfn_stack_row *child = child_of(look, run->id);
    struct api_call call;
    struct cfn_look inner;
    int r = 0;

    *ret = CFN_NOT_YET;
    if (!child || child->deleted_ms) {
        *ret = CFN_YES;
    } else if (child->stage == CFN_HELD_BACK) {
        *ret = CFN_YES;
        outputs(look, child, run);
    } else if (child->stage == CFN_REST) {
        bool failed = str_ends(child->status, S("_FAILED"));

        *ret = failed ? CFN_NEVER : CFN_YES;
        run->why = str_fmt(look->call->arena,
                           "Embedded stack %.*s was not successfully updated. Currently in %.*s "
                           "with reason: %.*s",
                           STR_ARG(child->id), STR_ARG(child->status), STR_ARG(child->failure));
    } else if (child->stage == CFN_HELD) {
        r = look_into(look, child, &call, &inner);
        inner.stack.stage = CFN_REVERT;
        if (r == 0)
            r = cfn_status(&inner, "UPDATE_ROLLBACK_IN_PROGRESS", STR_NONE);
    }
    return r;
}

/* In the parent's cleanup: what was held goes on, and is waited for. */
static int
clean(struct cfn_look *look, const struct cfn_stack_row *child)
{
    struct api_call call;
    struct cfn_look inner;
    int r = look_into(look, child, &call, &inner);

    assert(child->stage == CFN_HELD || child->stage == CFN_HELD_BACK);
    inner.stack.stage = child->stage == CFN_HELD ? CFN_CLEANUP : CFN_REVERT_CLEANUP;
    if (r == 0)
        r = cfn_remove_begin(&inner);
    return r ? r : cfn_save(&inner);
}

int
cfn_nested_clean(struct cfn_look *look, bool *ret_busy)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_stack_by_parent, child, look->stack.id) {
        bool held = child->stage == CFN_HELD || child->stage == CFN_HELD_BACK;

        if (r == 0 && held)
            r = clean(look, child);
        *ret_busy =
            *ret_busy || held || child->stage == CFN_CLEANUP || child->stage == CFN_REVERT_CLEANUP;
    }
    return r;
}

static int
nested_delete(struct cfn_look *look, struct cfn_resource_row *row UNUSED, struct cfn_run *run)
{
    const struct cfn_stack_row *child = child_of(look, run->id);
    struct api_call call;
    struct cfn_look inner;
    int r;

    if (!child || child->deleted_ms || child->stage == CFN_DELETE)
        return CFN_DONE;
    assert(str_eq(child->id, run->id));
    r = look_into(look, child, &call, &inner);
    if (r)
        return r;
    struct str why = cfn_exports_in_use(&inner, NULL);

    if (why.p)
        return run->why = why, CFN_REFUSED;
    inner.stack.stage = CFN_DELETE;
    inner.stack.actor = look->stack.actor;
    inner.stack.with_parent = true;
    inner.stack.retain = (struct str_list){0};
    r = cfn_remove_begin(&inner);
    return r ? r : cfn_status(&inner, "DELETE_IN_PROGRESS", S("User Initiated"));
}

const struct cfn_own cfn_own_stack = {
    .name = "stack",
    .create = nested_create,
    .update = nested_update,
    .back = nested_back,
    .delete_ = nested_delete,
    .look = nested_look,
};
