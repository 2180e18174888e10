/*
 * Carries operations on stack sets out.  A look at one is one transaction: the stacks that were
 * under way are asked how they are, and as many targets as may run are begun, each by an ordinary
 * call of CreateStack, UpdateStack or DeleteStack as the account's execution role.  What may run is
 * computed anew from the targets' rows each time, so a crash between two looks changes nothing.
 *
 *   region         they come one after the other, or all together (RegionConcurrencyType)
 *   tolerance      more failures than that in one region end the operation
 *   concurrency    how many of a region's accounts are under way; where failures must stay below
 *                  the tolerance (STRICT, the default), never more than may still fail
 */
#include "cloudformation/stack_set.h"
#include "cloudformation/holds.h"

#include "api/actor.h"
#include "api/guard.h"
#include "base/log.h"
#include "cloudformation/template.h"

#define STARTS_MAX 16 /* stacks begun in one transaction */
#define SESSION "AWSCloudFormationStackSet"
#define VIA "cloudformation.amazonaws.com"

struct set_look {
    struct api *api;
    struct arena *arena;
    struct txn *txn;
    struct cfn_set_operation_row op;
    struct cfn_stack_set_row set;
    int64_t max, max_percent, tolerance, tolerance_percent; /* percents: -1, not given */
    bool soft, parallel;
    int left;                /* stacks that this look may still begin */
    struct api_call service; /* as whom nobody is asked: clock, randomness, the operator's */
};

struct tally {
    int64_t all, pending, running, failed;
};

static int
written(int r, struct str key)
{
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(key)) : 0;
}

/* ---- preferences ---- */

static int64_t
number(const struct json *prefs, const char *name, int64_t otherwise)
{
    int64_t v = otherwise;

    if (json_get(prefs, name))
        json_i64(json_get(prefs, name), &v);
    return v;
}

static void
take_prefs(struct set_look *look)
{
    struct json prefs;

    if (!cfn_read(look->arena, look->op.prefs, &prefs))
        prefs = cfn_object();
    look->max = number(&prefs, "MaxConcurrentCount", 1);
    look->max_percent = number(&prefs, "MaxConcurrentPercentage", -1);
    look->tolerance = number(&prefs, "FailureToleranceCount", 0);
    look->tolerance_percent = number(&prefs, "FailureTolerancePercentage", -1);
    look->soft = str_is(json_text(&prefs, "ConcurrencyMode"), "SOFT_FAILURE_TOLERANCE");
    look->parallel = str_is(json_text(&prefs, "RegionConcurrencyType"), "PARALLEL");
}

static int64_t
tolerated(const struct set_look *look, const struct tally *t)
{
    assert(t->all >= 0 && t->failed <= t->all);
    return look->tolerance_percent >= 0 ? t->all * look->tolerance_percent / 100 : look->tolerance;
}

/* How many more of a region may begin. */
static int64_t
room(const struct set_look *look, const struct tally *t)
{
    int64_t max = look->max_percent >= 0 ? MAX(t->all * look->max_percent / 100, 1) : look->max;

    assert(t->running <= t->all);
    if (!look->soft)
        max = MIN(max, tolerated(look, t) + 1 - t->failed);
    return max - t->running;
}

static struct tally
count(struct set_look *look, struct str region)
{
    struct tally t = {0};

    STORE_EACH(look->txn, cfn_set_target_by_operation, row, look->op.key) {
        if (!str_eq(row->region, region))
            continue;
        t.all++;
        t.pending += str_is(row->status, "PENDING");
        t.running += str_is(row->status, "RUNNING");
        t.failed += str_is(row->status, "FAILED");
    }
    assert(t.pending + t.running + t.failed <= t.all);
    return t;
}

/* ---- one target ---- */

static struct cfn_stack_instance_row
instance_of(struct set_look *look, const struct cfn_set_target_row *target)
{
    struct str key = cfn_set_key(look->arena, target->set, target->account, target->region);
    const struct cfn_stack_instance_row *row = cfn_stack_instance_get(look->txn, key);

    assert(row);
    cfn_stack_instance_assert(row);
    return *row;
}

/* A target's new state, and its instance's. */
static int
set_state(struct set_look *look, const struct cfn_set_target_row *old,
          struct cfn_stack_instance_row *instance, const char *status, struct str reason)
{
    struct cfn_set_target_row row = *old;
    bool good = str_is(str_from(status), "SUCCEEDED"), deletes = str_is(look->op.action, "DELETE");

    row.status = str_from(status);
    row.reason = reason.p ? reason : S("");
    instance->detailed = str_from(status);
    instance->reason = row.reason;
    if (good && !deletes)
        instance->status = S("CURRENT");
    if (str_is(row.status, "FAILED") && deletes) {
        instance->status = S("INOPERABLE");
        instance->detailed = S("INOPERABLE");
    }
    cfn_set_target_assert(&row);
    cfn_stack_instance_assert(instance);
    int r = written(cfn_set_target_update(look->txn, &row), row.key);

    if (r < 0)
        return r;
    if (good && deletes)
        return written(cfn_stack_instance_delete(look->txn, instance->key), instance->key);
    return written(cfn_stack_instance_update(look->txn, instance), instance->key);
}

/* The first thing that went wrong in what a stack did last. */
static struct str
why_failed(struct set_look *look, const struct cfn_stack_row *stack)
{
    struct str why = stack->reason;
    bool found = false;

    assert(stack->id.n > 0);
    STORE_EACH(look->txn, cfn_event_by_stack, event, stack->id) {
        bool own = str_eq(event->logical, stack->name);

        if (own && str_is(event->reason, "User Initiated")) {
            found = false;
            why = stack->reason;
        }
        if (own || found || !str_ends(event->status, S("_FAILED")))
            continue;
        found = true;
        why = str_fmt(look->arena,
                      "ResourceLogicalId:%.*s, ResourceType:%.*s, ResourceStatusReason:%.*s.",
                      STR_ARG(event->logical), STR_ARG(event->type), STR_ARG(event->reason));
    }
    return why;
}

/* How a stack that was begun is. */
static int
poll(struct set_look *look, const struct cfn_set_target_row *target)
{
    struct cfn_stack_instance_row instance = instance_of(look, target);
    const struct cfn_stack_row *stack = cfn_stack_get(look->txn, instance.stack);
    bool deletes = str_is(look->op.action, "DELETE");

    assert(str_is(target->status, "RUNNING"));
    if (stack && stack->stage != CFN_REST)
        return 0;
    bool good = deletes ? !stack || stack->deleted_ms
                        : stack && (str_is(stack->status, "CREATE_COMPLETE") ||
                                    str_is(stack->status, "UPDATE_COMPLETE"));

    return set_state(look, target, &instance, good ? "SUCCEEDED" : "FAILED",
                     good || !stack ? STR_NONE : why_failed(look, stack));
}

/* ---- as whom ---- */

static struct str
role_name(struct str arn)
{
    struct str name = arn;

    for (size_t i = 0; i < arn.n; i++)
        if (arn.p[i] == '/')
            name = str_cut(arn, i + 1, arn.n);
    assert(name.n <= arn.n);
    return name;
}

static int
as_actor(struct set_look *look, const struct str_list *actor, struct str region,
         struct api_call *ret)
{
    assert(region.n > 0);
    if (!actor->n || !api_actor_call(look->api, look->arena, actor, region, ret))
        return -EINVAL;
    ret->txn = look->txn;
    return 0;
}

/* The administration role as CloudFormation assumes it; *ret_why: AWS's sentence. */
static bool
as_admin(struct set_look *look, struct api_call *ret, struct str *ret_why)
{
    struct api_call call = look->service;

    call.account = look->set.account;
    struct str_list actor = {0};

    if (api_role_trusts(&call, look->op.admin_role, VIA))
        actor = api_actor_role(&call, look->op.admin_role, S(SESSION));
    if (as_actor(look, &actor, look->set.region, ret) == 0)
        return true;
    struct str name = role_name(look->op.admin_role);

    assert(look->op.admin_role.n > 0);
    *ret_why = str_fmt(look->arena,
                       "Account %.*s should have '%.*s' role with trust relationship to "
                       "CloudFormation service.",
                       STR_ARG(look->set.account), STR_ARG(name));
    return false;
}

/* The execution role, which the administration role must be allowed to assume and which trusts it.
 * 0, 1 with *ret_why, negative. */
static int
as_executor(struct set_look *look, const struct cfn_set_target_row *target, struct api_call *ret,
            struct str *ret_why)
{
    struct api_call admin;
    struct json in = cfn_object(), out;
    struct str arn = str_fmt(look->arena, "arn:aws:iam::%.*s:role/%.*s", STR_ARG(target->account),
                             STR_ARG(look->op.exec_role));
    struct str name = role_name(look->op.admin_role), wrong;

    assert(look->op.exec_role.n > 0 && target->account.n > 0);
    if (!as_admin(look, &admin, ret_why))
        return 1;
    cfn_put(look->arena, &in, S("RoleArn"), cfn_text(arn));
    cfn_put(look->arena, &in, S("RoleSessionName"), cfn_text(S(SESSION)));
    int r = cfn_ask(&admin, "sts", "AssumeRole", &in, &out, &wrong);

    if (r < 0)
        return r;
    if (r == 0) {
        admin.account = target->account;
        struct str_list actor = api_actor_role(&admin, arn, S(SESSION));

        return as_actor(look, &actor, target->region, ret);
    }
    *ret_why = str_fmt(look->arena,
                       "Account %.*s should have '%.*s' role with trust relationship to Role "
                       "'%.*s'.",
                       STR_ARG(target->account), STR_ARG(look->op.exec_role), STR_ARG(name));
    return 1;
}

/* ---- beginning ---- */

static struct json
pairs(struct arena *a, const struct str_list *tags)
{
    struct json list = cfn_array();

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i + 1 < tags->n; i += 2) {
        struct json tag = cfn_object();

        cfn_put(a, &tag, S("Key"), cfn_text(tags->v[i]));
        cfn_put(a, &tag, S("Value"), cfn_text(tags->v[i + 1]));
        cfn_push(a, &list, tag);
    }
    return list;
}

/* The set's parameters, and over them the instance's, as far as the template asks for them. */
static struct json
params_of(struct set_look *look, const struct cfn_stack_instance_row *instance)
{
    struct arena *a = look->arena;
    struct json all = cfn_object(), own = cfn_object(), root, list = cfn_array();

    assert(str_eq(instance->set, look->set.arn));
    if (look->set.params.n)
        cfn_read(a, look->set.params, &all);
    if (instance->params.n)
        cfn_read(a, instance->params, &own);
    for (size_t i = 0; i < own.n; i++)
        cfn_put(a, &all, own.names[i], own.v[i]);
    if (cfn_template(a, look->set.template, &root).p)
        return list;
    for (size_t i = 0; i < all.n; i++) {
        struct json one = cfn_object();

        if (!json_get_str(json_get(&root, "Parameters"), all.names[i]))
            continue;
        cfn_put(a, &one, S("ParameterKey"), cfn_text(all.names[i]));
        cfn_put(a, &one, S("ParameterValue"), all.v[i]);
        cfn_push(a, &list, one);
    }
    return list;
}

static struct json
request(struct set_look *look, const struct cfn_stack_instance_row *instance, struct str stack)
{
    struct arena *a = look->arena;
    struct json in = cfn_object(), capabilities = cfn_array();

    assert(stack.n > 0);
    cfn_put(a, &in, S("StackName"), cfn_text(stack));
    if (str_is(look->op.action, "DELETE"))
        return in;
    LIST_EACH(&look->set.capabilities, c)
        cfn_push(a, &capabilities, cfn_text(*c));
    cfn_put(a, &in, S("TemplateBody"), cfn_text(look->set.template));
    cfn_put(a, &in, S("Parameters"), params_of(look, instance));
    cfn_put(a, &in, S("Capabilities"), capabilities);
    cfn_put(a, &in, S("Tags"), pairs(a, &look->set.tags));
    return in;
}

/* The call in the account and region.  0: begun, 1 with *ret_why: refused, 2: nothing to do. */
static int
call_stack(struct set_look *look, struct api_call *call, struct cfn_stack_instance_row *instance,
           struct str *ret_why)
{
    bool deletes = str_is(look->op.action, "DELETE");
    const struct cfn_stack_row *stack = cfn_stack_get(look->txn, instance->stack);
    bool is_new = !stack || stack->deleted_ms;
    struct str name = is_new ? str_fmt(look->arena, "StackSet-%.*s-%.*s", STR_ARG(look->set.name),
                                       STR_ARG(api_uuid(call->env, look->arena)))
                             : stack->id;
    struct json in = request(look, instance, name), out;
    struct str wrong;

    assert(str_eq(instance->set, look->set.arn));
    if (deletes && is_new)
        return 2;
    int r = cfn_ask(call, "cloudformation",
                    deletes  ? "DeleteStack"
                    : is_new ? "CreateStack"
                             : "UpdateStack",
                    &in, &out, &wrong);

    if (r < 0)
        return r;
    if (r > 0 && !wrong.p && str_is(call->fault.message, "No updates are to be performed."))
        return 2;
    if (r > 0) {
        *ret_why = wrong.p ? wrong : call->fault.message;
        return 1;
    }
    if (!deletes)
        instance->stack = json_text(&out, "StackId");
    return 0;
}

static int
start(struct set_look *look, const struct cfn_set_target_row *target)
{
    struct cfn_stack_instance_row instance = instance_of(look, target);
    bool forgets = look->op.retain || !instance.stack.n;
    struct api_call call;
    struct str why = STR_NONE;

    assert(look->left > 0 && str_is(target->status, "PENDING"));
    look->left--;
    if (str_is(look->op.action, "DELETE") && forgets)
        return set_state(look, target, &instance, "SUCCEEDED", STR_NONE);
    int r = as_executor(look, target, &call, &why);

    if (r == 0)
        r = call_stack(look, &call, &instance, &why);
    if (r < 0)
        return r;
    return set_state(look, target, &instance,
                     r == 0   ? "RUNNING"
                     : r == 1 ? "FAILED"
                              : "SUCCEEDED",
                     why);
}

/* ---- the operation ---- */

/* Targets that are in a state, each given to a step. */
static int
each(struct set_look *look, const char *status, struct str region, int64_t max,
     int (*step)(struct set_look *look, const struct cfn_set_target_row *target))
{
    int r = 0;

    assert(step && status[0]);
    STORE_EACH(look->txn, cfn_set_target_by_operation, row, look->op.key) {
        if (r < 0 || max <= 0)
            break;
        if (!str_is(row->status, status) || (region.p && !str_eq(row->region, region)))
            continue;
        r = step(look, row);
        max--;
    }
    return r;
}

static int
cancel(struct set_look *look, const struct cfn_set_target_row *target)
{
    struct cfn_stack_instance_row instance = instance_of(look, target);
    bool stopped = str_is(look->op.status, "STOPPING");

    return set_state(look, target, &instance, "CANCELLED",
                     stopped ? S("Cancelled since the operation was stopped")
                             : S("Cancelled since failure tolerance has exceeded"));
}

/* One region as far as it goes: *ret_open, it is not done; *ret_failed, it failed too often. */
static int
region_step(struct set_look *look, struct str region, bool *ret_open, bool *ret_failed)
{
    struct tally t = count(look, region);
    int r = 0;

    /* a target may be done as soon as it begins, which makes room */
    while (r == 0 && look->left > 0 && t.pending && t.failed <= tolerated(look, &t) &&
           room(look, &t) > 0) {
        r = each(look, "PENDING", region, 1, start);
        t = count(look, region);
    }
    *ret_open = t.pending || t.running;
    *ret_failed = t.failed > tolerated(look, &t);
    assert(t.all >= t.failed);
    return r;
}

static int
finish(struct set_look *look, bool failed)
{
    bool stopped = str_is(look->op.status, "STOPPING");

    assert(look->op.running);
    look->op.running = false;
    look->op.ended_ms = look->service.now_ms;
    look->op.status = stopped ? S("STOPPED") : failed ? S("FAILED") : S("SUCCEEDED");
    cfn_set_operation_assert(&look->op);
    return written(cfn_set_operation_update(look->txn, &look->op), look->op.key);
}

static int
step(struct set_look *look)
{
    bool stopped = str_is(look->op.status, "STOPPING"), failed = false, open = false, all_done;
    int r = each(look, "RUNNING", STR_NONE, INT64_MAX, poll);

    assert(look->op.running);
    for (size_t i = 0; r == 0 && i < look->op.regions.n; i++) {
        struct tally t = count(look, look->op.regions.v[i]);

        failed = failed || t.failed > tolerated(look, &t);
    }
    for (size_t i = 0; r == 0 && i < look->op.regions.n && !stopped && !failed; i++) {
        r = region_step(look, look->op.regions.v[i], &open, &failed);
        if (open && !look->parallel)
            break;
    }
    if (r == 0 && (stopped || failed))
        r = each(look, "PENDING", STR_NONE, INT64_MAX, cancel);
    if (r < 0)
        return r;
    all_done = true;
    STORE_EACH(look->txn, cfn_set_target_by_operation, row, look->op.key)
        all_done = all_done && !str_is(row->status, "PENDING") && !str_is(row->status, "RUNNING");
    return all_done ? finish(look, failed) : 0;
}

static bool
look_at(struct api *api, struct store *store, struct arena *arena, struct str key)
{
    struct txn *txn = store_begin(store);
    const struct cfn_set_operation_row *op = cfn_set_operation_get(txn, key);
    const struct cfn_stack_set_row *set = op ? cfn_stack_set_get(txn, op->set) : NULL;

    if (!set || !op->running) {
        store_rollback(txn);
        return false;
    }
    struct set_look look = {.api = api,
                            .arena = arena,
                            .txn = txn,
                            .op = *op,
                            .set = *set,
                            .left = STARTS_MAX,
                            .service = api_call_of_operator(api, arena)};

    look.service.txn = txn;
    take_prefs(&look);
    assert(str_eq(look.set.arn, look.op.set));
    int r = step(&look);

    if (r < 0) {
        log_error("operation %.*s cannot be looked at: %s", STR_ARG(key), strerror(-r));
        store_rollback(txn);
        return false;
    }
    bool changed = store_changed(txn);

    store_commit(txn);
    return changed;
}

bool
cfn_sets_look(struct api *api, struct store *store, struct arena *arena)
{
    struct txn *txn = store_begin(store);
    struct str_list keys = {0};
    struct arena list;
    bool changed = false;

    arena_init(&list, (size_t)4 << 20);
    STORE_EACH(txn, cfn_set_operation_by_running, row, (int64_t) true)
        *LIST_PUSH(&list, &keys) = str_dup(&list, row->key);
    store_rollback(txn);
    LIST_EACH(&keys, key) {
        arena_reset(arena);
        changed = look_at(api, store, arena, *key) || changed;
    }
    arena_wipe(arena);
    arena_done(&list);
    return changed;
}
