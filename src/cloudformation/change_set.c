/*
 * Change sets: an update that is looked at before it is done.  What it would do is worked out
 * in the call that makes it, and kept.
 */
#include "cloudformation/change_set.h"
#include "cloudformation/convert.h"
#include "cloudformation/load.h"
#include "cloudformation/parameter.h"
#include "cloudformation/trigger.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

static const struct api_page_rule page_rule = {.min = 1, .max = 100, .otherwise = 100};

/* ---- finding ---- */

int
cfn_change_set_need(struct api_call *call, struct str name, struct str stack_name,
                    const struct cfn_change_set_row **ret)
{
    const struct cfn_stack_row *stack;

    *ret = NULL;
    if (str_starts(name, S("arn:"))) {
        *ret = cfn_change_set_get(call->txn, name);
        stack = *ret ? cfn_find(call, (*ret)->stack) : NULL;
        if (!stack)
            *ret = NULL;
    } else if (!stack_name.p) {
        return INVALID("StackName must be specified if ChangeSetName is not specified as an ARN.");
    } else {
        int r = cfn_need(call, stack_name, &stack);

        if (r)
            return r;
        STORE_EACH(call->txn, cfn_change_set_by_stack, row, stack->id)
            if (str_eq(row->name, name))
                *ret = row;
    }
    assert(!*ret || str_eq((*ret)->stack, stack->id));
    return *ret ? 0
                : api_fault(call, &CFN_ERR(ChangeSetNotFound), "ChangeSet [%.*s] does not exist",
                            STR_ARG(name));
}

/* ---- CreateChangeSet ---- */

static int
refuse_unreached(struct api_call *call, const struct cloudformation_CreateChangeSetInput *req)
{
    return req->deployment_mode.p
               ? api_fault(call, &CFN_ERR(UnsupportedOperation),
                           "Welkin does not implement the parameter DeploymentMode yet: nothing "
                           "was done.")
               : 0;
}

/* The stack that the set is for: there already, or made to be reviewed. */
static int
stack_for(struct api_call *call, const struct cloudformation_CreateChangeSetInput *req,
          struct cfn_stack_row *ret)
{
    const struct cfn_stack_row *old = cfn_find(call, req->stack_name);
    bool imports = str_is(req->change_set_type, "IMPORT");
    bool is_new = !old || old->deleted_ms || str_is(old->status, "REVIEW_IN_PROGRESS");
    bool creates = str_is(req->change_set_type, "CREATE") || (imports && is_new);
    int r;

    if (old && old->deleted_ms)
        old = NULL;
    if (!creates) {
        if (!old || str_is(old->status, "REVIEW_IN_PROGRESS"))
            return INVALID("Stack [%.*s] does not exist", STR_ARG(req->stack_name));
        if (old->stage != CFN_REST || !str_ends(old->status, S("_COMPLETE")) ||
            str_is(old->status, "ROLLBACK_COMPLETE"))
            return INVALID("Stack:%.*s is in %.*s state and can not be updated.", STR_ARG(old->id),
                           STR_ARG(old->status));
        *ret = *old;
        return 0;
    }
    if (old && !str_is(old->status, "REVIEW_IN_PROGRESS"))
        return INVALID("Stack [%.*s] already exists and cannot be created again with the "
                       "changeSet [%.*s].",
                       STR_ARG(req->stack_name), STR_ARG(req->change_set_name));
    if (old) {
        *ret = *old;
        return 0;
    }
    r = cfn_new_stack(call, req->stack_name, ret);
    return r ? r : cfn_change_set_review(call, ret);
}

static int
name_check(struct api_call *call, const struct cfn_stack_row *stack, struct str name)
{
    STORE_EACH(call->txn, cfn_change_set_by_stack, row, stack->id)
        if (str_eq(row->name, name))
            return api_fault(call, &CFN_ERR(AlreadyExistsException),
                             "ChangeSet %.*s already exists", STR_ARG(name));
    return 0;
}

int
cfn_create_change_set(struct api_call *call, const struct cloudformation_CreateChangeSetInput *req,
                      struct cloudformation_CreateChangeSetOutput *res)
{
    const struct cfn_submission in = {
        CFN_SUBMISSION(req),
        .previous_template = opt_bool_or(req->use_previous_template, false),
    };
    struct cfn_stack_row stack, after;
    bool imports = str_is(req->change_set_type, "IMPORT");
    int r = refuse_unreached(call, req);

    if (r == 0 && !imports && req->resources_to_import.n)
        r = INVALID("ResourcesToImport can only be specified for a change set of type IMPORT");
    if (r == 0 && imports && opt_bool_or(req->import_existing_resources, false))
        r = INVALID("ImportExistingResources cannot be specified for a change set of type IMPORT");
    if (r == 0 && imports && opt_bool_or(req->include_nested_stacks, false))
        r = INVALID("IncludeNestedStacks cannot be specified for a change set of type IMPORT");
    if (r == 0)
        r = stack_for(call, req, &stack);
    if (r == 0)
        r = name_check(call, &stack, req->change_set_name);
    if (r)
        return r;
    after = stack;
    after.imports = S("");
    r = cfn_submit(call, &in, stack.template.n ? &stack : NULL, &after);
    if (r)
        return r;
    struct cfn_change_set_row row =
        cfn_change_set_new(call, req->change_set_name,
                           req->change_set_type.p ? req->change_set_type : S("UPDATE"), &after);

    assert(str_eq(row.stack, stack.id));
    row.description = req->description;
    row.on_failure = req->on_stack_failure;
    row.token = req->client_token;
    row.nested = opt_bool_or(req->include_nested_stacks, false);
    row.import_existing = opt_bool_or(req->import_existing_resources, false);
    r = cfn_change_set_insert(call->txn, &row); /* nested ones find it by its row */
    if (r == 0)
        r = cfn_change_set_work_out(call, req, &stack, &after, &row);
    if (r > 0)
        return r;
    if (r == 0)
        r = cfn_change_set_update(call->txn, &row);
    res->id = row.id;
    res->stack_id = stack.id;
    return r < 0 ? error_origin(-r, "change set %.*s cannot be written", STR_ARG(row.id)) : 0;
}

/* ---- showing ---- */

#define OR_NONE(s) ((s).n ? (s) : STR_NONE)

static void
show_changes(struct api_call *call, const struct cfn_change_set_row *row,
             struct cloudformation_DescribeChangeSetOutput *res)
{
    const struct api_shape *shape = api_shape(&cloudformation_service, CLOUDFORMATION_SHAPE_Change);
    struct json changes;

    API_PRESENT(&res->changes);
    if (!cfn_read(call->arena, row->changes, &changes))
        return;
    for (size_t i = 0; i < changes.n; i++)
        cfn_to_struct(&cloudformation_service, shape, call->arena, &changes.v[i],
                      LIST_PUSH(call->arena, &res->changes));
}

static void
leave_values_out(struct cloudformation_ChangeList *changes)
{
    LIST_EACH(changes, change) {
        struct cloudformation_ResourceChange *r = change->resource_change;

        r->before_context = r->after_context = STR_NONE;
        LIST_EACH(&r->details, detail)
            detail->target->before_value = detail->target->after_value = STR_NONE;
    }
}

int
cfn_describe_change_set(struct api_call *call,
                        const struct cloudformation_DescribeChangeSetInput *req,
                        struct cloudformation_DescribeChangeSetOutput *res)
{
    const struct cfn_change_set_row *row;
    struct json params, root;
    int r = cfn_change_set_need(call, req->change_set_name, req->stack_name, &row);

    if (r)
        return r;
    if (req->next_token.p)
        return api_fault(call, &CFN_ERR(UnsupportedOperation),
                         "Welkin does not implement the parameter NextToken of DescribeChangeSet "
                         "yet: nothing was done.");
    const struct cfn_stack_row *stack = cfn_stack_get(call->txn, row->stack);
    assert(stack && str_eq(stack->id, row->stack));

    *res = (struct cloudformation_DescribeChangeSetOutput){
        .change_set_name = row->name,
        .change_set_id = row->id,
        .stack_id = row->stack,
        .stack_name = stack->name,
        .description = OR_NONE(row->description),
        .creation_time = opt_i64(row->created_ms),
        .execution_status = row->execution,
        .status = row->status,
        .status_reason = OR_NONE(row->reason),
        .notification_arns = row->notify,
        .rollback_configuration = cfn_triggers_show(call->arena, &row->triggers, row->monitor_min),
        .capabilities = row->capabilities,
        .include_nested_stacks = opt_bool(row->nested),
        .parent_change_set_id = OR_NONE(row->parent),
        .root_change_set_id = OR_NONE(row->root),
        .on_stack_failure = OR_NONE(row->on_failure),
        .import_existing_resources = opt_bool(row->import_existing),
    };
    API_PRESENT(&res->notification_arns);
    API_PRESENT(&res->capabilities);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct cloudformation_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    if (cfn_read(call->arena, row->params, &params) &&
        !cfn_load(call->arena, row->template, &root).p)
        for (size_t i = 0; i < params.n; i++)
            *LIST_PUSH(call->arena, &res->parameters) = (struct cloudformation_Parameter){
                .parameter_key = params.names[i],
                .parameter_value = cfn_parameter_is_secret(&root, params.names[i])
                                       ? S("****")
                                       : json_text(&params.v[i], "Given"),
                .resolved_value = json_text(&params.v[i], "Resolved"),
            };
    show_changes(call, row, res);
    if (!opt_bool_or(req->include_property_values, false))
        leave_values_out(&res->changes);
    return 0;
}

int
cfn_list_change_sets(struct api_call *call, const struct cloudformation_ListChangeSetsInput *req,
                     struct cloudformation_ListChangeSetsOutput *res)
{
    const struct api_page_scope scope = api_page_scope(call);
    const struct cfn_stack_row *stack;
    struct api_page page;
    int r = cfn_need(call, req->stack_name, &stack);

    API_PRESENT(&res->summaries);
    if (r == 0)
        r = api_page_open(call->arena, &scope, &page_rule, req->next_token, (struct opt_i64){0},
                          false, &page, &call->fault);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_change_set_by_stack, row, stack->id) {
        struct str key =
            str_fmt(call->arena, "%015lld%.*s", (long long)row->created_ms, STR_ARG(row->id));

        if (api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->summaries) = (struct cloudformation_ChangeSetSummary){
                .stack_id = stack->id,
                .stack_name = stack->name,
                .change_set_id = row->id,
                .change_set_name = row->name,
                .execution_status = row->execution,
                .status = row->status,
                .status_reason = OR_NONE(row->reason),
                .creation_time = opt_i64(row->created_ms),
                .description = OR_NONE(row->description),
                .include_nested_stacks = opt_bool(row->nested),
                .parent_change_set_id = OR_NONE(row->parent),
                .root_change_set_id = OR_NONE(row->root),
                .import_existing_resources = opt_bool(row->import_existing),
            };
    }
    res->next_token = api_page_next(call->arena, &scope, &page);
    return 0;
}

/* ---- DeleteChangeSet, ExecuteChangeSet ---- */

int
cfn_delete_change_set(struct api_call *call, const struct cloudformation_DeleteChangeSetInput *req,
                      struct cloudformation_DeleteChangeSetOutput *res UNUSED)
{
    const struct cfn_change_set_row *row;
    int r = cfn_change_set_need(call, req->change_set_name, req->stack_name, &row);

    /* one that is not there is deleted already, where its stack is known */
    if (r > 0 && str_is(call->fault.code, "ChangeSetNotFound") &&
        !str_starts(req->change_set_name, S("arn:")))
        return 0;
    if (r)
        return r;
    if (row->parent.n)
        return api_fault(call, &CFN_ERR(InvalidChangeSetStatus),
                         "ChangeSet [%.*s] is deleted with its root change set [%.*s]",
                         STR_ARG(row->id), STR_ARG(row->root));
    return cfn_change_set_drop(call, row);
}

/* What was looked at against the old state says nothing about the new one. */
static int
drop_others(struct api_call *call, const struct cfn_change_set_row *but)
{
    int r = 0;

    STORE_EACH(call->txn, cfn_change_set_by_stack, row, but->stack)
        if (r == 0 && !str_eq(row->id, but->id))
            r = cfn_change_set_drop(call, row);
    return r;
}

static void
take_over(struct cfn_stack_row *stack, const struct cfn_change_set_row *row)
{
    const struct cfn_stack_row old = *stack;
    assert(str_eq(stack->id, row->stack) && row->template.n > 0);

    cfn_keep_before(stack, &old);
    stack->template = row->template;
    stack->processed = row->processed;
    stack->params = row->params;
    stack->tags = row->tags;
    stack->capabilities = row->capabilities;
    stack->notify = row->notify;
    stack->role = row->role;
    stack->monitor_min = row->monitor_min;
    stack->triggers = row->triggers;
    stack->actor = row->actor;
    stack->change_set = row->id;
    stack->policy_once = S("");
    stack->with_parent = false;
}

static int
begin_import(struct api_call *call, struct cfn_stack_row *stack)
{
    struct cfn_look look;
    int r = cfn_look_init(&look, call, stack);

    if (r)
        return r;
    look.stack.stage = CFN_IMPORT;
    return cfn_status(&look, "IMPORT_IN_PROGRESS", S("User Initiated"));
}

int
cfn_execute_change_set(struct api_call *call,
                       const struct cloudformation_ExecuteChangeSetInput *req,
                       struct cloudformation_ExecuteChangeSetOutput *res UNUSED)
{
    const struct cfn_change_set_row *row;
    int r = cfn_change_set_need(call, req->change_set_name, req->stack_name, &row);

    if (r)
        return r;
    if (!str_is(row->execution, "AVAILABLE"))
        return api_fault(call, &CFN_ERR(InvalidChangeSetStatus),
                         "ChangeSet [%.*s] cannot be executed in its current status of [%.*s]",
                         STR_ARG(row->id), STR_ARG(row->status));
    bool creates = str_is(row->kind, "CREATE");
    struct cfn_stack_row stack = *cfn_stack_get(call->txn, row->stack);
    struct json root;

    take_over(&stack, row);
    if (cfn_load(call->arena, stack.template, &root).p)
        return error_origin(EUCLEAN, "change set %.*s has no template", STR_ARG(row->id));
    stack.description = json_text(&root, "Description");
    stack.token = req->client_request_token.p ? req->client_request_token : S("");
    stack.hold = opt_bool_or(req->disable_rollback, false) || str_is(row->on_failure, "DO_NOTHING");
    if (creates) {
        stack.disable_rollback = stack.hold;
        stack.on_failure = row->on_failure.n ? row->on_failure : S("ROLLBACK");
    }
    stack.retain_new = opt_bool_or(req->retain_except_on_create, false);
    stack.updated_ms = call->now_ms;
    stack.imports = row->imports;
    stack.sets = row->nested ? row->id : S("");
    r = str_is(row->kind, "IMPORT") ? begin_import(call, &stack)
                                    : cfn_begin(call, &stack, creates ? CFN_CREATE : CFN_UPDATE);
    if (r == 0)
        r = drop_others(call, row);
    return r ? r : cfn_change_set_executed(call->txn, row);
}
