/*
 * Operations on stack sets: what is asked for, and how far it is.  An operation and its targets
 * are rows; what becomes of them is the engine's.
 */
#include "cloudformation/stack_set.h"
#include "cloudformation/holds.h"

#include "cloudformation/convert.h"

#define TARGETS_MAX 10000
#define PRINT_MAX ((size_t)1 << 20)
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)
#define OR_NONE(s) ((s).n ? (s) : STR_NONE)

static int
written(int r, struct str key)
{
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(key)) : 0;
}

struct str
cfn_set_key(struct arena *a, struct str owner, struct str account, struct str region)
{
    assert(owner.n > 0 && account.p && region.p);
    return str_fmt(a, "%.*s/%.*s/%.*s", STR_ARG(owner), STR_ARG(account), STR_ARG(region));
}

/* ---- a new one ---- */

int
cfn_set_idle(struct api_call *call, const struct cfn_stack_set_row *set)
{
    STORE_EACH(call->txn, cfn_set_operation_by_set, row, set->arn)
        if (row->running)
            return api_fault(call, &CFN_ERR(OperationInProgressException),
                             "Another Operation on StackSet %.*s is in progress",
                             STR_ARG(set->arn));
    return 0;
}

static int
check_prefs(struct api_call *call, const struct cloudformation_StackSetOperationPreferences *p)
{
    if (p->failure_tolerance_count.set && p->failure_tolerance_percentage.set)
        return INVALID("Only one of FailureToleranceCount and FailureTolerancePercentage can be "
                       "specified");
    if (p->max_concurrent_count.set && p->max_concurrent_percentage.set)
        return INVALID("Only one of MaxConcurrentCount and MaxConcurrentPercentage can be "
                       "specified");
    return 0;
}

int
cfn_set_operation_new(struct api_call *call, const struct cfn_set_request *req,
                      struct cfn_set_operation_row *ret)
{
    static const struct cloudformation_StackSetOperationPreferences none = {0};
    const struct cloudformation_StackSetOperationPreferences *prefs =
        req->prefs ? req->prefs : &none;
    struct str id = req->id.p ? req->id : api_uuid(call->env, call->arena);
    const struct api_service *service = &cloudformation_service;
    struct json tree;

    *ret = (struct cfn_set_operation_row){
        .key = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(req->set->arn), STR_ARG(id)),
        .set = req->set->arn,
        .id = id,
        .action = str_from(req->action),
        .status = S("RUNNING"),
        .running = true,
        .retain = req->retain,
        .admin_role = req->set->admin_role,
        .exec_role = req->set->exec_role,
        .created_ms = call->now_ms,
    };
    if (!req->set->live_name.n)
        return api_fault(call, &CFN_ERR(StackSetNotFoundException), "StackSet %.*s not found",
                         STR_ARG(req->set->name));
    if (cfn_set_operation_get(call->txn, ret->key))
        return api_fault(call, &CFN_ERR(OperationIdAlreadyExistsException),
                         "Operation with id %.*s already exists", STR_ARG(id));
    int r = cfn_set_idle(call, req->set);

    if (r == 0)
        r = check_prefs(call, prefs);
    if (r)
        return r;
    if (!cfn_from_struct(service,
                         api_shape(service, CLOUDFORMATION_SHAPE_StackSetOperationPreferences),
                         call->arena, prefs, &tree))
        return INVALID("The operation preferences are too long");
    ret->prefs = cfn_print(call->arena, &tree, PRINT_MAX);
    cfn_set_operation_assert(ret);
    return 0;
}

/* ---- what it aims at ---- */

static void
add_once(struct api_call *call, struct str_list *to, const struct str_list *from)
{
    LIST_EACH(from, s)
        if (!str_in(to, *s))
            *LIST_PUSH(call->arena, to) = *s;
}

/* Which regions there are is no secret: it is not asked as the caller. */
static int
check_region(struct api_call *call, struct str region)
{
    struct api_call ask = *call;
    struct json in = cfn_object(), names = cfn_array(), out;
    struct str wrong;

    ask.principal = (struct policy_principal){.kind = POLICY_ROOT, .account = call->account};
    ask.session = NULL;
    cfn_push(call->arena, &names, cfn_text(region));
    cfn_put(call->arena, &in, S("RegionNames"), names);
    cfn_put(call->arena, &in, S("AllRegions"), cfn_bool(true));
    int r = cfn_ask(&ask, "ec2", "DescribeRegions", &in, &out, &wrong);

    return r > 0 ? INVALID("Region [%.*s] is not valid", STR_ARG(region)) : r;
}

static int
deployment(struct api_call *call, const struct cfn_set_targets *targets, struct str_list *accounts)
{
    const struct cloudformation_DeploymentTargets *d = targets->deployment;

    if (!d)
        return 0;
    if (targets->accounts->n)
        return INVALID("You can specify Accounts or DeploymentTargets, but not both");
    if (d->organizational_unit_ids.n)
        return cfn_set_unreached(call, "DeploymentTargets.OrganizationalUnitIds (it needs "
                                       "Organizations)");
    if (d->accounts_url.p)
        return cfn_set_unreached(call, "DeploymentTargets.AccountsUrl");
    if (d->account_filter_type.p && !str_is(d->account_filter_type, "NONE"))
        return cfn_set_unreached(call, "DeploymentTargets.AccountFilterType (it needs "
                                       "Organizations)");
    add_once(call, accounts, &d->accounts);
    return 0;
}

int
cfn_set_operation_aim(struct api_call *call, struct cfn_set_operation_row *op,
                      const struct cloudformation_StackSetOperationPreferences *prefs,
                      const struct cfn_set_targets *targets)
{
    int r = deployment(call, targets, &op->accounts);

    if (r)
        return r;
    add_once(call, &op->accounts, targets->accounts);
    LIST_EACH(targets->regions, region) {
        r = r ? r : check_region(call, *region);
    }
    if (r)
        return r;
    for (size_t i = 0; prefs && i < prefs->region_order.n; i++) {
        if (!str_in(targets->regions, prefs->region_order.v[i]))
            return INVALID("RegionOrder contains %.*s, which is not one of the regions",
                           STR_ARG(prefs->region_order.v[i]));
        if (!str_in(&op->regions, prefs->region_order.v[i]))
            *LIST_PUSH(call->arena, &op->regions) = prefs->region_order.v[i];
    }
    add_once(call, &op->regions, targets->regions);
    if (!op->accounts.n)
        return INVALID("You must specify Accounts or DeploymentTargets");
    if (!op->regions.n)
        return INVALID("You must specify Regions");
    if (op->accounts.n * op->regions.n > TARGETS_MAX)
        return INVALID("An operation has at most %d stack instances", TARGETS_MAX);
    assert(op->accounts.n && op->regions.n);
    return 0;
}

int
cfn_set_operation_add(struct api_call *call, const struct cfn_set_operation_row *op, size_t region,
                      size_t account)
{
    struct str a = op->accounts.v[account], r = op->regions.v[region];
    const struct cfn_set_target_row row = {
        .key = cfn_set_key(call->arena, op->key, a, r),
        .operation = op->key,
        .set = op->set,
        .account = a,
        .region = r,
        .number = (int64_t)(region * op->accounts.n + account),
        .status = S("PENDING"),
    };

    assert(account < op->accounts.n && region < op->regions.n);
    cfn_set_target_assert(&row);
    return written(cfn_set_target_insert(call->txn, &row), row.key);
}

int
cfn_set_operation_begin(struct api_call *call, const struct cfn_set_operation_row *op)
{
    cfn_set_operation_assert(op);
    return written(cfn_set_operation_insert(call->txn, op), op->key);
}

/* ---- what it looks like ---- */

static int
find(struct api_call *call, struct str set_name, struct str id, struct str call_as,
     const struct cfn_stack_set_row **ret_set, const struct cfn_set_operation_row **ret)
{
    int r = cfn_set_need(call, set_name, call_as, ret_set);

    if (r)
        return r;
    *ret = cfn_set_operation_get(
        call->txn, str_fmt(call->arena, "%.*s/%.*s", STR_ARG((*ret_set)->arn), STR_ARG(id)));
    return *ret ? 0
                : api_fault(call, &CFN_ERR(OperationNotFoundException), "Operation %.*s not found",
                            STR_ARG(id));
}

static struct cloudformation_StackSetOperationPreferences *
show_prefs(struct api_call *call, const struct cfn_set_operation_row *row)
{
    const struct api_service *service = &cloudformation_service;
    struct cloudformation_StackSetOperationPreferences *prefs =
        ARENA_NEW(call->arena, struct cloudformation_StackSetOperationPreferences);
    struct json tree;

    if (cfn_read(call->arena, row->prefs, &tree))
        cfn_to_struct(service,
                      api_shape(service, CLOUDFORMATION_SHAPE_StackSetOperationPreferences),
                      call->arena, &tree, prefs);
    return prefs;
}

static struct cloudformation_StackSetOperationStatusDetails *
details(struct api_call *call, const struct cfn_set_operation_row *row)
{
    struct cloudformation_StackSetOperationStatusDetails *d =
        ARENA_NEW(call->arena, struct cloudformation_StackSetOperationStatusDetails);
    int64_t failed = 0;

    STORE_EACH(call->txn, cfn_set_target_by_operation, target, row->key)
        failed += str_is(target->status, "FAILED");
    d->failed_stack_instances_count = opt_i64(failed);
    return d;
}

static struct opt_i64
ended(const struct cfn_set_operation_row *row)
{
    return row->ended_ms ? opt_i64(row->ended_ms) : (struct opt_i64){0};
}

int
cfn_describe_stack_set_operation(struct api_call *call,
                                 const struct cloudformation_DescribeStackSetOperationInput *req,
                                 struct cloudformation_DescribeStackSetOperationOutput *res)
{
    const struct cfn_stack_set_row *set;
    const struct cfn_set_operation_row *row;
    int r = find(call, req->stack_set_name, req->operation_id, req->call_as, &set, &row);

    if (r)
        return r;
    res->stack_set_operation = ARENA_NEW(call->arena, struct cloudformation_StackSetOperation);
    *res->stack_set_operation = (struct cloudformation_StackSetOperation){
        .operation_id = row->id,
        .stack_set_id = set->id,
        .action = row->action,
        .status = row->status,
        .operation_preferences = show_prefs(call, row),
        .retain_stacks =
            str_is(row->action, "DELETE") ? opt_bool(row->retain) : (struct opt_bool){0},
        .administration_role_arn = row->admin_role,
        .execution_role_name = row->exec_role,
        .creation_timestamp = opt_i64(row->created_ms),
        .end_timestamp = ended(row),
        .status_details = details(call, row),
    };
    return 0;
}

int
cfn_list_stack_set_operations(struct api_call *call,
                              const struct cloudformation_ListStackSetOperationsInput *req,
                              struct cloudformation_ListStackSetOperationsOutput *res)
{
    const struct cfn_stack_set_row *set;
    struct api_page page;
    struct str_list keys = {0};
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r == 0)
        r = cfn_set_page_open(call, req->next_token, req->max_results, &page);
    API_PRESENT(&res->summaries);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_set_operation_by_set, row, set->arn)
        *LIST_PUSH(call->arena, &keys) = row->key;
    /* newest first: the key of a page is its place, counted from the newest */
    for (size_t i = 0; i < keys.n; i++) {
        const struct cfn_set_operation_row *row =
            cfn_set_operation_get(call->txn, keys.v[keys.n - 1 - i]);

        if (!api_page_take(&page, str_fmt(call->arena, "%012zu", i)))
            continue;
        *LIST_PUSH(call->arena, &res->summaries) = (struct cloudformation_StackSetOperationSummary){
            .operation_id = row->id,
            .action = row->action,
            .status = row->status,
            .creation_timestamp = opt_i64(row->created_ms),
            .end_timestamp = ended(row),
            .status_details = details(call, row),
            .operation_preferences = show_prefs(call, row),
        };
    }
    res->next_token = cfn_set_page_next(call, &page);
    return 0;
}

/* The function that may hold an account back does not exist: there is no Lambda. */
static struct cloudformation_AccountGateResult *
gate(struct api_call *call, const struct cfn_set_target_row *row)
{
    struct cloudformation_AccountGateResult *g =
        ARENA_NEW(call->arena, struct cloudformation_AccountGateResult);

    g->status = S("SKIPPED");
    g->status_reason = str_fmt(call->arena,
                               "Function not found: arn:aws:lambda:%.*s:%.*s:function:"
                               "AWSCloudFormationStackSetAccountGate",
                               STR_ARG(row->region), STR_ARG(row->account));
    return g;
}

static bool
wanted(const struct cloudformation_OperationResultFilterList *filters,
       const struct cfn_set_target_row *row)
{
    LIST_EACH(filters, f)
        if (f->values.p && !str_eq(f->values, row->status))
            return false;
    return true;
}

int
cfn_list_stack_set_operation_results(
    struct api_call *call, const struct cloudformation_ListStackSetOperationResultsInput *req,
    struct cloudformation_ListStackSetOperationResultsOutput *res)
{
    const struct cfn_stack_set_row *set;
    const struct cfn_set_operation_row *op;
    struct api_page page;
    int r = find(call, req->stack_set_name, req->operation_id, req->call_as, &set, &op);

    if (r == 0)
        r = cfn_set_page_open(call, req->next_token, req->max_results, &page);
    API_PRESENT(&res->summaries);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_set_target_by_operation, row, op->key) {
        bool pending = str_is(row->status, "PENDING") || str_is(row->status, "CANCELLED");

        if (!wanted(&req->filters, row) ||
            !api_page_take(&page, str_fmt(call->arena, "%012lld", (long long)row->number)))
            continue;
        *LIST_PUSH(call->arena, &res->summaries) =
            (struct cloudformation_StackSetOperationResultSummary){
                .account = row->account,
                .region = row->region,
                .status = row->status,
                .status_reason = OR_NONE(row->reason),
                .account_gate_result = pending ? NULL : gate(call, row),
            };
    }
    res->next_token = cfn_set_page_next(call, &page);
    return 0;
}

int
cfn_stop_stack_set_operation(struct api_call *call,
                             const struct cloudformation_StopStackSetOperationInput *req,
                             struct cloudformation_StopStackSetOperationOutput *res UNUSED)
{
    const struct cfn_stack_set_row *set;
    const struct cfn_set_operation_row *old;
    int r = find(call, req->stack_set_name, req->operation_id, req->call_as, &set, &old);

    if (r)
        return r;
    if (!old->running)
        return api_fault(call, &CFN_ERR(InvalidOperationException),
                         "Operation %.*s is in status %.*s and cannot be stopped", STR_ARG(old->id),
                         STR_ARG(old->status));
    struct cfn_set_operation_row row = *old;

    row.status = S("STOPPING");
    return written(cfn_set_operation_update(call->txn, &row), row.key);
}
