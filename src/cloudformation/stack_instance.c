/*
 * Stack instances: the set's places in accounts and regions.  An instance is there as soon as it is
 * asked for; its stack comes when its turn does.
 */
#include "cloudformation/stack_set.h"
#include "cloudformation/holds.h"

#include "cloudformation/template.h"

#define PRINT_MAX ((size_t)2 << 20)
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)
#define OR_NONE(s) ((s).n ? (s) : STR_NONE)

/* What the three operations have in common. */
struct instances {
    struct cfn_set_request request;
    struct cfn_set_targets targets;
    const struct cloudformation_ParameterList *overrides; /* NULL: of a deletion */
};

static int
written(int r, struct str key)
{
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(key)) : r;
}

int
cfn_set_no_instance(struct api_call *call, struct str account, struct str region)
{
    return api_fault(call, &CFN_ERR(StackInstanceNotFoundException),
                     "StackInstance not found for account %.*s in region %.*s", STR_ARG(account),
                     STR_ARG(region));
}

static int
overrides(struct api_call *call, const struct instances *in,
          const struct cfn_stack_instance_row *old, struct str *ret)
{
    struct json root, before = cfn_object(), params;
    struct str wrong = cfn_template(call->arena, in->request.set->template, &root);

    if (wrong.p)
        return INVALID("%.*s", STR_ARG(wrong));
    if (old && old->params.n)
        cfn_read(call->arena, old->params, &before);
    int r = cfn_set_params(call, in->overrides, &before, &root, &params);

    *ret = cfn_print(call->arena, &params, PRINT_MAX);
    return r;
}

/* Whether the operation has something to do there. */
static int
take(struct api_call *call, const struct instances *in, const struct cfn_set_operation_row *op,
     struct str account, struct str region, bool *ret)
{
    struct str key = cfn_set_key(call->arena, op->set, account, region);
    const struct cfn_stack_instance_row *old = cfn_stack_instance_get(call->txn, key);
    struct cfn_stack_instance_row row =
        old ? *old
            : (struct cfn_stack_instance_row){
                  .key = key, .set = op->set, .account = account, .region = region};
    int r = 0;

    assert(str_eq(op->set, in->request.set->arn));
    *ret = old || str_is(op->action, "CREATE");
    if (!old && str_is(op->action, "UPDATE"))
        return cfn_set_no_instance(call, account, region);
    if (!*ret)
        return 0;
    if (in->overrides)
        r = overrides(call, in, old, &row.params);
    if (!str_is(op->action, "DELETE"))
        row.status = S("OUTDATED");
    row.detailed = S("PENDING");
    row.reason = S("");
    row.operation = op->id;
    if (r)
        return r;
    cfn_stack_instance_assert(&row);
    return written(old ? cfn_stack_instance_update(call->txn, &row)
                       : cfn_stack_instance_insert(call->txn, &row),
                   key);
}

static int
begin(struct api_call *call, const struct instances *in, struct str *ret_id)
{
    struct cfn_set_operation_row op;
    bool taken;
    int r = cfn_set_operation_new(call, &in->request, &op);

    if (r == 0)
        r = cfn_set_operation_aim(call, &op, in->request.prefs, &in->targets);
    for (size_t i = 0; i < op.regions.n; i++)
        for (size_t k = 0; k < op.accounts.n && r == 0; k++) {
            r = take(call, in, &op, op.accounts.v[k], op.regions.v[i], &taken);
            if (r == 0 && taken)
                r = cfn_set_operation_add(call, &op, i, k);
        }
    *ret_id = op.id;
    return r ? r : cfn_set_operation_begin(call, &op);
}

#define INSTANCES(req, set, verb)                                                                  \
    .request = {(set), (verb), (req)->operation_id, (req)->operation_preferences, false},          \
    .targets = {&(req)->accounts, &(req)->regions, (req)->deployment_targets}

int
cfn_create_stack_instances(struct api_call *call,
                           const struct cloudformation_CreateStackInstancesInput *req,
                           struct cloudformation_CreateStackInstancesOutput *res)
{
    const struct cfn_stack_set_row *set;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r)
        return r;
    const struct instances in = {INSTANCES(req, set, "CREATE"),
                                 .overrides = &req->parameter_overrides};

    return begin(call, &in, &res->operation_id);
}

int
cfn_update_stack_instances(struct api_call *call,
                           const struct cloudformation_UpdateStackInstancesInput *req,
                           struct cloudformation_UpdateStackInstancesOutput *res)
{
    const struct cfn_stack_set_row *set;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r)
        return r;
    const struct instances in = {INSTANCES(req, set, "UPDATE"),
                                 .overrides = &req->parameter_overrides};

    return begin(call, &in, &res->operation_id);
}

int
cfn_delete_stack_instances(struct api_call *call,
                           const struct cloudformation_DeleteStackInstancesInput *req,
                           struct cloudformation_DeleteStackInstancesOutput *res)
{
    const struct cfn_stack_set_row *set;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r)
        return r;
    struct instances in = {INSTANCES(req, set, "DELETE")};

    in.request.retain = opt_bool_or(req->retain_stacks, false);
    return begin(call, &in, &res->operation_id);
}

/* ---- what they look like ---- */

static struct cloudformation_StackInstanceComprehensiveStatus *
detailed(struct api_call *call, const struct cfn_stack_instance_row *row)
{
    struct cloudformation_StackInstanceComprehensiveStatus *s =
        ARENA_NEW(call->arena, struct cloudformation_StackInstanceComprehensiveStatus);

    s->detailed_status = row->detailed;
    return s;
}

int
cfn_describe_stack_instance(struct api_call *call,
                            const struct cloudformation_DescribeStackInstanceInput *req,
                            struct cloudformation_DescribeStackInstanceOutput *res)
{
    const struct cfn_stack_set_row *set;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r)
        return r;
    const struct cfn_stack_instance_row *row = cfn_stack_instance_get(
        call->txn, cfn_set_key(call->arena, set->arn, req->stack_instance_account,
                               req->stack_instance_region));
    if (!row)
        return cfn_set_no_instance(call, req->stack_instance_account, req->stack_instance_region);
    res->stack_instance = ARENA_NEW(call->arena, struct cloudformation_StackInstance);
    *res->stack_instance = (struct cloudformation_StackInstance){
        .stack_set_id = set->id,
        .region = row->region,
        .account = row->account,
        .stack_id = OR_NONE(row->stack),
        .status = row->status,
        .stack_instance_status = detailed(call, row),
        .status_reason = OR_NONE(row->reason),
        .drift_status = S("NOT_CHECKED"),
        .last_operation_id = row->operation,
    };
    cfn_set_show_params(call, set->template, row->params,
                        &res->stack_instance->parameter_overrides);
    return 0;
}

static bool
wanted(const struct cloudformation_ListStackInstancesInput *req,
       const struct cfn_stack_instance_row *row)
{
    if ((req->stack_instance_account.p && !str_eq(req->stack_instance_account, row->account)) ||
        (req->stack_instance_region.p && !str_eq(req->stack_instance_region, row->region)))
        return false;
    LIST_EACH(&req->filters, f) {
        struct str value = str_is(f->name, "DETAILED_STATUS")     ? row->detailed
                           : str_is(f->name, "LAST_OPERATION_ID") ? row->operation
                                                                  : S("NOT_CHECKED");

        if (f->values.p && !str_eq(f->values, value))
            return false;
    }
    return true;
}

int
cfn_list_stack_instances(struct api_call *call,
                         const struct cloudformation_ListStackInstancesInput *req,
                         struct cloudformation_ListStackInstancesOutput *res)
{
    const struct cfn_stack_set_row *set;
    struct api_page page;
    int r = cfn_set_need(call, req->stack_set_name, req->call_as, &set);

    if (r == 0)
        r = cfn_set_page_open(call, req->next_token, req->max_results, &page);
    API_PRESENT(&res->summaries);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_stack_instance_by_set, row, set->arn) {
        if (!wanted(req, row) || !api_page_take(&page, row->key))
            continue;
        *LIST_PUSH(call->arena, &res->summaries) = (struct cloudformation_StackInstanceSummary){
            .stack_set_id = set->id,
            .region = row->region,
            .account = row->account,
            .stack_id = OR_NONE(row->stack),
            .status = row->status,
            .status_reason = OR_NONE(row->reason),
            .stack_instance_status = detailed(call, row),
            .drift_status = S("NOT_CHECKED"),
            .last_operation_id = row->operation,
        };
    }
    res->next_token = cfn_set_page_next(call, &page);
    return 0;
}
