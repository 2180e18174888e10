/*
 * Creating and updating: from the template to resources.
 *
 *   pending   what it depends on is there: begun, or settled when nothing of it changed
 *   begun     the type's calls are made, in this transaction: started, or failed
 *   started   ready, and all signals came: settled
 *
 * Each pass goes over all resources before the next one, so that what does not depend on each
 * other is seen to begin together.  The first failure ends the stage: what was under way is
 * cancelled.
 */
#include "cloudformation/group.h"
#include "cloudformation/import.h"
#include "cloudformation/own.h"
#include "cloudformation/holds.h"
#include "cloudformation/policy.h"
#include "cloudformation/trigger.h"
#include "cloudformation/type.h"
#include "cloudformation/template.h"

#define PROPS_MAX ((size_t)1 << 20)
#define LIST_CREATE "The following resource(s) failed to create: [%.*s]. "
#define LIST_UPDATE "The following resource(s) failed to update: [%.*s]. "
#define LIST_IMPORT "The following resource(s) failed to import: [%.*s]. "

/* ---- the plan ---- */

static struct str
policy_of(struct cfn_look *look, const struct json *resource, const char *name)
{
    struct json value;

    if (!json_get(resource, name) || !cfn_resolve(&look->scope, json_get(resource, name), &value))
        return STR_NONE;
    return cfn_scalar(&value);
}

/* What the engine knows of a resource by its template alone. */
static void
take_template(struct cfn_look *look, const struct json *resource, size_t number,
              struct cfn_resource_row *row)
{
    assert(resource->kind == JSON_OBJECT && row->logical.n);
    row->number = (int64_t)number;
    row->depends = cfn_depends(look->call->arena, &look->root, resource);
    row->on_delete = policy_of(look, resource, "DeletionPolicy");
    if (!row->on_delete.n) /* few types have one of their own */
        row->on_delete = json_text(cfn_type(row->type), "DeletionPolicy");
    row->on_replace = policy_of(look, resource, "UpdateReplacePolicy");
}

static int
plan_one(struct cfn_look *look, struct str logical, const struct json *resource, size_t number)
{
    struct arena *a = look->call->arena;
    struct str key = cfn_resource_key(a, look->stack.id, logical);
    const struct cfn_resource_row *old = cfn_resource_get(look->call->txn, key);
    struct cfn_resource_row row = old ? *old : (struct cfn_resource_row){0};
    int r;

    assert(resource->kind == JSON_OBJECT);
    if (!old)
        row = (struct cfn_resource_row){.key = key, .stack = look->stack.id, .logical = logical};
    if (!old || !old->physical.n)
        row.type = json_text(resource, "Type");
    take_template(look, resource, number, &row);
    row.phase = CFN_PENDING;
    row.touched = CFN_UNTOUCHED;
    row.configured = row.snapped = false;
    /* of the update before this one, unless it failed and was left as it was */
    if (!str_is(look->stack.status, "UPDATE_FAILED"))
        row.old_props = S("");
    r = old ? cfn_resource_update(look->call->txn, &row)
            : cfn_resource_insert(look->call->txn, &row);
    return r < 0 ? error_origin(-r, "resource %.*s cannot be written", STR_ARG(key)) : 0;
}

/* Those that the template has no more wait for the end of the update. */
static int
mark_removed(struct cfn_look *look)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, row, look->stack.id) {
        if (r < 0 || row->phase == CFN_PENDING)
            continue;
        struct cfn_resource_row changed = *row;

        changed.touched = CFN_UNTOUCHED;
        changed.phase = row->phase == CFN_GONE || !row->physical.n ? CFN_GONE : CFN_REMOVED;
        r = changed.phase == CFN_GONE ? cfn_resource_delete(look->call->txn, row->key)
                                      : cfn_resource_update(look->call->txn, &changed);
    }
    return r;
}

int
cfn_plan(struct cfn_look *look)
{
    const struct json *resources = json_get(&look->root, "Resources");
    bool wanted;
    int r = 0;

    assert(resources && resources->kind == JSON_OBJECT);
    for (size_t i = 0; i < resources->n && r == 0; i++) {
        if (!cfn_wanted(&look->scope, &resources->v[i], &wanted))
            return 1;
        if (wanted)
            r = plan_one(look, resources->names[i], &resources->v[i], i);
    }
    return r == 0 ? mark_removed(look) : r;
}

int
cfn_plan_back(struct cfn_look *look)
{
    struct cfn_look before;
    int r = cfn_look_before(look, &before);
    bool wanted;
    assert(look->stack.stage == CFN_REVERT);

    if (r)
        return r;
    const struct json *resources = json_get(&before.root, "Resources");

    for (size_t i = 0; r == 0 && i < resources->n; i++) {
        struct str key = cfn_resource_key(look->call->arena, look->stack.id, resources->names[i]);
        const struct cfn_resource_row *old = cfn_resource_get(look->call->txn, key);

        /* one that the template before did not want is of the update that goes */
        if (!old || !cfn_wanted(&before.scope, &resources->v[i], &wanted) || !wanted)
            continue;
        struct cfn_resource_row row = *old;

        take_template(&before, &resources->v[i], i, &row);
        r = cfn_resource_update(look->call->txn, &row);
    }
    return r < 0 ? error_origin(-r, "resources of %.*s cannot be written", STR_ARG(look->stack.id))
                 : r;
}

/* ---- one resource ---- */

struct json
cfn_stack_tags(struct cfn_look *look, const struct str_list *tags)
{
    struct arena *a = look->call->arena;
    struct json list = cfn_array();
    struct str_list all = {0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i++)
        *LIST_PUSH(a, &all) = tags->v[i];
    *LIST_PUSH(a, &all) = S("aws:cloudformation:stack-name");
    *LIST_PUSH(a, &all) = look->stack.name;
    *LIST_PUSH(a, &all) = S("aws:cloudformation:stack-id");
    *LIST_PUSH(a, &all) = look->stack.id;
    for (size_t i = 0; i + 1 < all.n; i += 2) {
        struct json tag = cfn_object();

        cfn_put(a, &tag, S("Key"), cfn_text(all.v[i]));
        cfn_put(a, &tag, S("Value"), cfn_text(all.v[i + 1]));
        cfn_push(a, &list, tag);
    }
    assert(list.n == all.n / 2);
    return list;
}

struct cfn_run
cfn_run_of(struct cfn_look *look, const struct cfn_resource_row *row)
{
    struct arena *a = look->call->arena;
    struct cfn_run run = {
        .call = look->call,
        .stack = look->stack.name,
        .logical = row->logical,
        .tags = cfn_stack_tags(look, &look->stack.tags),
        .type = cfn_type(row->type),
        .props = cfn_object(),
        .old = cfn_object(),
        .id = row->physical,
        .attributes = cfn_object(),
    };

    assert(str_eq(row->stack, look->stack.id));
    if (row->props.n)
        cfn_read(a, row->props, &run.old);
    if (row->attributes.n)
        cfn_read(a, row->attributes, &run.attributes);
    run.props = run.old;
    assert(run.type);
    return run;
}

static const struct json *
definition(struct cfn_look *look, const struct cfn_resource_row *row)
{
    return json_get_str(json_get(&look->root, "Resources"), row->logical);
}

bool
cfn_properties(struct cfn_look *look, const struct cfn_resource_row *row, struct json *ret)
{
    const struct json *in = json_get(definition(look, row), "Properties");

    *ret = cfn_object();
    if (in && !cfn_resolve(&look->scope, in, ret))
        return false;
    if (ret->kind == JSON_NULL) /* AWS::NoValue */
        *ret = cfn_object();
    return ret->kind == JSON_OBJECT ||
           cfn_wrong(&look->scope, "Properties of resource %.*s must be an object",
                     STR_ARG(row->logical));
}

static bool
list_equal(const struct str_list *x, const struct str_list *y)
{
    for (size_t i = 0; i < x->n && i < y->n; i++)
        if (!str_eq(x->v[i], y->v[i]))
            return false;
    return x->n == y->n;
}

/* The name that was made for it counts as given. */
static void
keep_name(struct cfn_look *look, struct cfn_run *run)
{
    struct str naming = json_text(json_get(run->type, "Naming"), "Property");
    const struct json *old = json_get_str(&run->old, naming);

    if (naming.p && old && !json_get_str(&run->props, naming) &&
        json_get_str(&run->old, S("#made")))
        cfn_put(look->call->arena, &run->props, naming, *old);
}

static bool
replaces(const struct cfn_run *run)
{
    const struct json *known = json_get(run->type, "Properties");

    for (size_t i = 0; known && i < known->n; i++)
        if (cfn_type_replaces(run->type, known->names[i]) &&
            !cfn_equal(json_get_str(&run->props, known->names[i]),
                       json_get_str(&run->old, known->names[i])))
            return true;
    return false;
}

static int
fail(struct cfn_look *look, struct cfn_resource_row *row, struct str why)
{
    assert(why.p);
    row->phase = CFN_FAILED;
    look->scope.wrong = STR_NONE;
    return cfn_resource_status(
        look, row, row->physical.n && row->touched != CFN_MADE ? "UPDATE_FAILED" : "CREATE_FAILED",
        why);
}

static int
settle(struct cfn_look *look, struct cfn_resource_row *row)
{
    assert(row->phase == CFN_STARTED && row->physical.p);
    row->phase = CFN_SETTLED;
    row->deadline_ms = row->due_ms = 0;
    return cfn_resource_status(
        look, row, row->touched == CFN_MADE ? "CREATE_COMPLETE" : "UPDATE_COMPLETE", STR_NONE);
}

static int
metadata(struct cfn_look *look, struct cfn_resource_row *row)
{
    const struct json *in = json_get(definition(look, row), "Metadata");
    struct json value;

    row->metadata = S("");
    if (in && cfn_resolve(&look->scope, in, &value))
        row->metadata = cfn_print(look->call->arena, &value, PROPS_MAX);
    look->scope.wrong = STR_NONE;
    return 0;
}

/* ---- pending ---- */

static struct str
policy(struct cfn_look *look, const struct cfn_resource_row *row)
{
    const struct cfn_stack_row *stack = &look->stack;
    struct str text = stack->policy_once.n ? stack->policy_once : stack->policy;

    return cfn_policy_denies(look->call->arena, text,
                             row->phase == CFN_REMOVED      ? "Update:Delete"
                             : row->touched == CFN_REPLACED ? "Update:Replace"
                                                            : "Update:Modify",
                             row->logical, row->type);
}

/* What the update takes away, before it does anything. */
static int
policy_of_removed(struct cfn_look *look, bool *failed)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;
        struct str denied = row.phase == CFN_REMOVED ? policy(look, &row) : STR_NONE;

        if (r != 0 || !denied.p)
            continue;
        row.touched = CFN_CHANGED;
        r = fail(look, &row, denied);
        *failed = true;
    }
    return r;
}

static bool
all_there(struct cfn_look *look, const struct cfn_resource_row *row)
{
    assert(row->phase == CFN_PENDING);
    for (size_t i = 0; i < row->depends.n; i++) {
        struct str key = cfn_resource_key(look->call->arena, look->stack.id, row->depends.v[i]);
        const struct cfn_resource_row *other = cfn_resource_get(look->call->txn, key);

        /* one that is not wanted has no row */
        if (other && other->phase != CFN_SETTLED && other->phase != CFN_REMOVED)
            return false;
    }
    return true;
}

/* It is there already, and becomes the stack's as it is. */
static int
take(struct cfn_look *look, struct cfn_resource_row *row, const struct json *identifiers)
{
    bool there;
    assert(!row->physical.n && identifiers->n > 0);

    look->left--;
    metadata(look, row);
    row->touched = CFN_TAKEN;
    row->physical = cfn_import_id(look->call->arena, identifiers);
    int r = cfn_import_one(look, row, identifiers, &there);

    if (r == 0 && there) {
        row->phase = CFN_SETTLED;
        return cfn_import_tag(look, row);
    }
    row->phase = CFN_FAILED;
    row->physical = row->props = row->attributes = S(""); /* nothing to go back to */
    return r ? r : cfn_resource_update(look->call->txn, row);
}

static int
pending(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    bool is_new = !row->physical.n, anew = false;
    const struct json *import = is_new ? json_get_str(&look->imports, row->logical) : NULL;
    assert(row->phase == CFN_PENDING);

    if (import)
        return take(look, row, import);
    if (is_new)
        row->touched = CFN_MADE;
    if (!cfn_properties(look, row, &run.props))
        return fail(look, row, look->scope.wrong);
    metadata(look, row);
    row->phase = CFN_BEGUN;
    if (is_new) {
        struct str was = row->props;

        row->props = cfn_print(look->call->arena, &run.props, PROPS_MAX);
        int r = cfn_resource_status(look, row, "CREATE_IN_PROGRESS", STR_NONE);

        row->props = was;
        return r;
    }
    keep_name(look, &run);
    if (cfn_group_replaced(look, &run, definition(look, row), &anew))
        return fail(look, row, look->scope.wrong);
    struct json old = run.old;
    const struct json *made = json_get(&old, "#made");
    if (made)
        cfn_put(look->call->arena, &run.props, S("#made"), *made);
    if (cfn_equal(&run.props, &old) && list_equal(&look->stack.tags, &look->stack.before_tags) &&
        !cfn_is_nested(row->type)) {
        row->phase = CFN_SETTLED;
        return cfn_resource_update(look->call->txn, row);
    }
    row->touched = anew || replaces(&run) ? CFN_REPLACED : CFN_CHANGED;
    struct str denied = policy(look, row);

    if (denied.p) {
        row->touched = CFN_CHANGED; /* nothing to go back to, but it is told */
        return fail(look, row, denied);
    }
    return cfn_resource_status(look, row, "UPDATE_IN_PROGRESS",
                               row->touched == CFN_REPLACED
                                   ? S("Requested update requires the creation of a new physical "
                                       "resource; hence creating one.")
                                   : STR_NONE);
}

/* ---- begun ---- */

/* What CreationPolicy says.  False: it is not well-formed. */
static bool
signals(struct cfn_look *look, struct cfn_resource_row *row)
{
    const struct json *in = json_get(definition(look, row), "CreationPolicy");
    struct json policy;
    int64_t ms = (int64_t)5 * 60 * 1000, count = 1;

    if (!in)
        return true;
    if (!cfn_resolve(&look->scope, in, &policy))
        return false;
    const struct json *signal = json_get(&policy, "ResourceSignal");
    struct str timeout = cfn_scalar(json_get(signal, "Timeout"));
    struct str number = cfn_scalar(json_get(signal, "Count"));

    if ((timeout.p && !cfn_duration(timeout, &ms)) || (number.p && !str_to_i64(number, &count)) ||
        count < 0 || !json_get(cfn_type(row->type), "Signals") ||
        !cfn_creation_percent(&policy, &row->percent))
        return cfn_wrong(&look->scope,
                         "CreationPolicy is not supported or not valid for resource "
                         "%.*s",
                         STR_ARG(row->logical));
    row->count = count;
    assert(count >= 0 && ms >= 0);
    row->deadline_ms = look->call->now_ms + ms;
    return true;
}

static const char *
in_progress(const struct cfn_resource_row *row)
{
    return row->touched == CFN_MADE ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS";
}

static struct str
printed(struct cfn_look *look, const struct json *j)
{
    return cfn_print(look->call->arena, j, PROPS_MAX);
}

int
cfn_keep_old(struct cfn_look *look, const struct cfn_resource_row *row)
{
    struct cfn_resource_row old = *row;

    assert(row->physical.n > 0);
    old.key = str_fmt(look->call->arena, "%.*s/%.*s", STR_ARG(row->key), STR_ARG(row->physical));
    old.phase = CFN_OLD;
    old.touched = CFN_UNTOUCHED;
    old.depends = (struct str_list){0};
    cfn_resource_assert(&old);
    return cfn_resource_insert(look->call->txn, &old);
}

static int
create(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    struct str naming = json_text(json_get(run->type, "Naming"), "Property");
    bool named = naming.p && json_get_str(&run->props, naming);
    struct cfn_resource_row before = *row;
    int r = CFN_DONE;

    assert(row->phase == CFN_BEGUN);
    if (row->touched == CFN_REPLACED && named &&
        cfn_equal(json_get_str(&run->props, naming), json_get_str(&run->old, naming)) &&
        !json_get(&run->old, "#made")) {
        return fail(look, row,
                    str_fmt(look->call->arena,
                            "CloudFormation cannot update a stack when a custom-named resource "
                            "requires replacing. Rename %.*s and update the stack again.",
                            STR_ARG(cfn_scalar(json_get_str(&run->props, naming)))));
    }
    if (!signals(look, row))
        return fail(look, row, look->scope.wrong);
    run->id = STR_NONE;
    run->attributes = cfn_object();
    r = cfn_signals_drop(look, row->key);
    if (r == 0)
        r = cfn_make(look, row, run);
    if (r < 0)
        return r;
    if (r != CFN_DONE)
        return fail(look, row, run->why);
    if (naming.p && !named)
        cfn_put(look->call->arena, &run->props, S("#made"), cfn_bool(true));
    if (row->touched == CFN_REPLACED && (r = cfn_keep_old(look, &before)) < 0)
        return r;
    assert(run->id.p);
    row->physical = run->id;
    row->props = printed(look, &run->props);
    row->attributes = printed(look, &run->attributes);
    row->phase = CFN_STARTED;
    return cfn_resource_status(look, row, in_progress(row), S("Resource creation Initiated"));
}

static int
update(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct json *made = json_get(&run->old, "#made");
    struct json props = cfn_object(), tags = cfn_stack_tags(look, &look->stack.before_tags);

    assert(row->phase == CFN_BEGUN && row->touched == CFN_CHANGED);
    /* what the type does not know is kept aside */
    for (size_t i = 0; i < run->props.n; i++)
        if (!str_is(run->props.names[i], "#made"))
            cfn_put(look->call->arena, &props, run->props.names[i], run->props.v[i]);
    run->props = props;
    run->old_tags = tags;
    int r = cfn_change(look, row, run);

    if (r < 0)
        return r;
    if (r == CFN_RETRY)
        return 0; /* begun it stays, until it is still */
    if (r != CFN_DONE)
        return fail(look, row, run->why);
    if (made)
        cfn_put(look->call->arena, &run->props, S("#made"), *made);
    if (!row->old_props.n)
        row->old_props = row->props;
    row->props = printed(look, &run->props);
    row->attributes = printed(look, &run->attributes);
    row->phase = CFN_STARTED;
    int w = cfn_resource_update(look->call->txn, row);

    return w < 0 ? error_origin(-w, "resource %.*s cannot be written", STR_ARG(row->key)) : 0;
}

static int
begun(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);

    assert(look->left > 0);
    look->left--;
    if (!cfn_properties(look, row, &run.props))
        return fail(look, row, look->scope.wrong);
    if (row->touched != CFN_CHANGED)
        return create(look, row, &run);
    keep_name(look, &run);
    return update(look, row, &run);
}

/* ---- started ---- */

static void
look_at(struct cfn_look *look, int64_t ms)
{
    if (ms && (!look->next_ms || ms < look->next_ms))
        look->next_ms = ms;
}

/*
 * Signals that came, and those that did not: whether they are enough.  The row's phase says whether
 * there are too few; of a group some may be bad.
 */
static int
take_signals(struct cfn_look *look, struct cfn_resource_row *row, bool *ret_enough)
{
    struct arena *a = look->call->arena;
    int64_t good, bad, missing;
    int r = cfn_signals_tell(look, row, &good, &bad);
    bool group = json_get(cfn_type(row->type), "Rolling") != NULL;

    assert(row->phase == CFN_STARTED || row->phase == CFN_FAILED);
    *ret_enough = good >= row->count;
    missing = row->count - good - (group ? bad : 0);
    if (r < 0 || row->phase == CFN_FAILED || !row->count)
        return r;
    bool late = missing > 0 && look->call->now_ms >= row->deadline_ms;

    if (late && !group)
        return fail(look, row,
                    str_fmt(a,
                            "Failed to receive %lld resource signal(s) within the specified "
                            "duration",
                            (long long)missing));
    if (!group)
        return 0;
    if (late) /* AWS tells so of a group that is being made, too */
        r = cfn_resource_status(look, row, "UPDATE_IN_PROGRESS", cfn_roll_lost(a, missing));
    struct str why = cfn_roll_enough(a, good, bad, late ? missing : 0, row->count, row->percent);

    *ret_enough = late || missing <= 0;
    return r == 0 && why.p ? fail(look, row, why) : r;
}

static int
started(struct cfn_look *look, struct cfn_resource_row *row)
{
    struct cfn_run run = cfn_run_of(look, row);
    enum cfn_seen seen = CFN_YES;
    bool enough;
    const char *wait = row->touched == CFN_CHANGED ? "Updated" : "Ready";
    int r = cfn_see(look, row, &run, wait, &seen);

    assert(row->phase == CFN_STARTED);
    if (r < 0)
        return r;
    if (r == CFN_REFUSED || seen == CFN_NEVER)
        return fail(look, row, run.why);
    if (json_get(run.type, wait) || cfn_own(run.type))
        row->attributes = printed(look, &run.attributes);
    if (row->touched != CFN_CHANGED && !row->configured && json_get(run.type, "Consistency"))
        return cfn_configured(look, row);
    if (row->rolling.n)
        return 0; /* its signals are the rolling update's */
    r = take_signals(look, row, &enough);
    if (r < 0 || row->phase == CFN_FAILED)
        return r;
    if (seen == CFN_YES && enough)
        return settle(look, row);
    look_at(look, row->deadline_ms);
    return 0;
}

/* ---- the stage ---- */

static int
pass(struct cfn_look *look, enum cfn_phase phase,
     int (*fn)(struct cfn_look *look, struct cfn_resource_row *row), bool *moved, bool *failed)
{
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;

        if (row.phase == CFN_FAILED)
            *failed = true;
        if (r != 0 || row.phase != (int64_t)phase || *failed ||
            (phase == CFN_BEGUN && look->left <= 0) ||
            (phase == CFN_PENDING && !all_there(look, &row)))
            continue;
        r = fn(look, &row);
        *moved = *moved || row.phase != (int64_t)phase || row.configured != old->configured;
        *failed = *failed || row.phase == CFN_FAILED;
    }
    return r;
}

struct failures {
    struct str_list creates, updates, imports;
};

/* Cancels what is under way, and lists what failed. */
static int
cancel(struct cfn_look *look, struct failures *ret)
{
    struct arena *a = look->call->arena;
    int r = 0;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, old, look->stack.id) {
        struct cfn_resource_row row = *old;
        bool made = row.touched == CFN_MADE;

        if (r < 0)
            break;
        if (row.phase == CFN_BEGUN || row.phase == CFN_STARTED) {
            assert(row.touched != CFN_UNTOUCHED);
            r = cfn_nested_cancel(look, &row);
            if (r < 0)
                break;
            row.phase = CFN_FAILED;
            r = cfn_resource_status(look, &row, made ? "CREATE_FAILED" : "UPDATE_FAILED",
                                    made ? S("Resource creation cancelled")
                                         : S("Resource update cancelled"));
        } else if (row.phase == CFN_PENDING) {
            row.phase = CFN_SETTLED;
            r = row.physical.n ? cfn_resource_update(look->call->txn, &row)
                               : cfn_resource_delete(look->call->txn, row.key);
        }
        if (row.phase == CFN_FAILED)
            *LIST_PUSH(a, row.touched == CFN_TAKEN ? &ret->imports
                          : made                   ? &ret->creates
                                                   : &ret->updates) = row.logical;
    }
    return r;
}

static struct str
failures_told(struct arena *a, const struct failures *f)
{
    struct str c = str_join(a, &f->creates, S(", ")), u = str_join(a, &f->updates, S(", ")),
               i = str_join(a, &f->imports, S(", ")), ret = S("");

    if (f->creates.n)
        ret = str_fmt(a, LIST_CREATE, STR_ARG(c));
    if (f->updates.n)
        ret = str_fmt(a, "%.*s" LIST_UPDATE, STR_ARG(ret), STR_ARG(u));
    if (f->imports.n)
        ret = str_fmt(a, "%.*s" LIST_IMPORT, STR_ARG(ret), STR_ARG(i));
    return ret;
}

/* The stage failed; `why` is absent when resources did. */
static int
fail_stage(struct cfn_look *look, struct str why)
{
    struct arena *a = look->call->arena;
    struct cfn_stack_row *stack = &look->stack;
    struct failures failed = {0};
    int r = cancel(look, &failed);
    struct str reason = S("");

    if (r < 0)
        return r;
    if (why.p)
        reason = stack->stage == CFN_UPDATE ? why : str_cat(a, why, S(" "));
    else
        reason = failures_told(a, &failed);
    stack->failure = reason;
    if (stack->stage == CFN_UPDATE) {
        stack->stage = stack->hold ? CFN_REST : CFN_REVERT;
        return cfn_status(look, stack->hold ? "UPDATE_FAILED" : "UPDATE_ROLLBACK_IN_PROGRESS",
                          reason);
    }
    assert(stack->stage == CFN_CREATE);
    /* what becomes of a nested one is its parent's choice */
    if (stack->hold || stack->with_parent || str_is(stack->on_failure, "DO_NOTHING")) {
        stack->stage = CFN_REST;
        return cfn_status(look, "CREATE_FAILED", reason);
    }
    bool gone = str_is(stack->on_failure, "DELETE");

    stack->stage = gone ? CFN_DELETE : CFN_ROLLBACK;
    r = cfn_remove_begin(look);
    return r ? r
             : cfn_status(look, gone ? "DELETE_IN_PROGRESS" : "ROLLBACK_IN_PROGRESS",
                          str_fmt(a, "%.*s%s requested by user.", STR_ARG(reason),
                                  gone ? "Delete" : "Rollback"));
}

static int
finish(struct cfn_look *look)
{
    int r = cfn_outputs(look);

    assert(look->stack.stage == CFN_CREATE || look->stack.stage == CFN_UPDATE);
    if (r > 0)
        return fail_stage(look, look->scope.wrong);
    if (r < 0)
        return r;
    if (look->stack.stage == CFN_CREATE) {
        look->stack.stage = CFN_REST;
        return cfn_status(look, "CREATE_COMPLETE", STR_NONE);
    }
    look->stack.stage = look->stack.with_parent ? CFN_HELD : CFN_CLEANUP;
    r = look->stack.with_parent ? 0 : cfn_remove_begin(look);
    return r ? r : cfn_status(look, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STR_NONE);
}

static bool
under_way(struct cfn_look *look)
{
    bool any = false;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, row, look->stack.id)
        any = any || (row->phase >= CFN_PENDING && row->phase <= CFN_STARTED);
    return any;
}

/* Whether nothing is left to be configured, and something is not complete yet. */
static bool
is_configured(struct cfn_look *look)
{
    bool all = true, any = false;

    STORE_EACH(look->call->txn, cfn_resource_by_stack, row, look->stack.id) {
        bool waits = row->phase == CFN_STARTED && row->configured;

        any = any || waits;
        all = all && (waits || row->phase == CFN_SETTLED);
    }
    return all && any;
}

/*
 * An update that is done waits so long before it cleans up: it may still be cancelled.  With
 * triggers so does a creation: an alarm may still go off.
 */
static bool
monitors(struct cfn_look *look)
{
    struct cfn_stack_row *stack = &look->stack;

    if ((stack->stage != CFN_UPDATE && !stack->triggers.n) || !stack->monitor_min ||
        under_way(look))
        return false;
    if (!stack->monitor_ms)
        stack->monitor_ms = look->call->now_ms + stack->monitor_min * 60000;
    if (look->call->now_ms >= stack->monitor_ms)
        return false;
    look_at(look, stack->monitor_ms);
    return true;
}

int
cfn_apply(struct cfn_look *look)
{
    bool moved = true, failed = false;
    int r = look->stack.stage == CFN_UPDATE ? policy_of_removed(look, &failed) : 0;

    assert(look->stack.stage == CFN_CREATE || look->stack.stage == CFN_UPDATE);
    while (moved && !failed && r == 0) {
        moved = false;
        r = pass(look, CFN_PENDING, pending, &moved, &failed);
        if (r == 0)
            r = pass(look, CFN_BEGUN, begun, &moved, &failed);
        if (r == 0)
            r = pass(look, CFN_STARTED, started, &moved, &failed);
        if (r == 0 && look->stack.stage == CFN_CREATE && !look->stack.detailed.n && !failed &&
            is_configured(look))
            r = cfn_stack_configured(look);
        moved = moved && look->left > 0;
    }
    if (r != 0)
        return r;
    if (failed)
        return fail_stage(look, STR_NONE);
    struct str alarm;

    r = cfn_triggers_look(look, &alarm);
    if (r < 0 || alarm.p)
        return r < 0 ? r : fail_stage(look, alarm);
    bool waits = monitors(look);

    if (look->stack.cancel && (waits || under_way(look))) {
        /* who cancels wants it back as it was, if it ever was */
        look->stack.hold = !look->stack.before_template.n;
        return fail_stage(look, S("User Initiated"));
    }
    if (look->stack.deadline_ms && look->call->now_ms >= look->stack.deadline_ms && under_way(look))
        return fail_stage(look, S("Stack creation time exceeded the specified timeout."));
    look_at(look, look->stack.deadline_ms);
    return waits || under_way(look) ? cfn_save(look) : finish(look);
}
