/* What stacks, resources and events look like from outside. */
#include "cloudformation/stack.h"

#include "cloudformation/parameter.h"
#include "cloudformation/trigger.h"
#include "cloudformation/load.h"

#define PAGE 100
#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)
#define OR_NONE(s) ((s).n ? (s) : STR_NONE)

static const struct api_page_rule page_rule = {.min = 1, .max = PAGE, .otherwise = PAGE};

/* A page of what is walked in the order of its keys. */
static int
page_open(struct api_call *call, struct str token, struct api_page *ret)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_open(call->arena, &scope, &page_rule, token, (struct opt_i64){0}, false, ret,
                         &call->fault);
}

static struct str
page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* Newest first: the key of a page is its place, counted from the newest. */
static struct str
place(struct api_call *call, size_t n)
{
    return str_fmt(call->arena, "%012zu", n);
}

/* In the order of the index by owner. */
static struct str
stack_place(struct api_call *call, const struct cfn_stack_row *row)
{
    return str_fmt(call->arena, "%015lld%.*s", (long long)row->created_ms, STR_ARG(row->id));
}

/* ---- stacks ---- */

static void
show_parameters(struct api_call *call, const struct cfn_stack_row *row,
                struct cloudformation_ParameterList *ret)
{
    struct json params, root;

    API_PRESENT(ret);
    if (!row->params.n || !cfn_read(call->arena, row->params, &params) ||
        cfn_load(call->arena, row->template, &root).p)
        return;
    for (size_t i = 0; i < params.n; i++) {
        bool secret = cfn_parameter_is_secret(&root, params.names[i]);

        *LIST_PUSH(call->arena, ret) = (struct cloudformation_Parameter){
            .parameter_key = params.names[i],
            .parameter_value = secret ? S("****") : json_text(&params.v[i], "Given"),
            .resolved_value = json_text(&params.v[i], "Resolved"),
        };
    }
}

static void
show_outputs(struct api_call *call, const struct cfn_stack_row *row,
             struct cloudformation_OutputList *ret)
{
    struct json outputs;

    API_PRESENT(ret);
    if (!row->outputs.n || !cfn_read(call->arena, row->outputs, &outputs))
        return;
    for (size_t i = 0; i < outputs.n; i++)
        *LIST_PUSH(call->arena, ret) = (struct cloudformation_Output){
            .output_key = json_text(&outputs.v[i], "Key"),
            .output_value = json_text(&outputs.v[i], "Value"),
            .description = json_text(&outputs.v[i], "Description"),
            .export_name = json_text(&outputs.v[i], "Export"),
        };
}

static struct opt_i64
time_or_none(int64_t ms)
{
    return ms ? opt_i64(ms) : (struct opt_i64){0};
}

/* A nested stack is as protected as its root. */
static bool
is_protected(struct api_call *call, const struct cfn_stack_row *row)
{
    const struct cfn_stack_row *root = row->root.n ? cfn_stack_get(call->txn, row->root) : row;

    return row->protected || (root && root->protected);
}

static struct cloudformation_Stack
show_stack(struct api_call *call, const struct cfn_stack_row *row)
{
    struct cloudformation_Stack s = {
        .stack_id = row->id,
        .stack_name = row->name,
        .change_set_id = OR_NONE(row->change_set),
        .description = OR_NONE(row->description),
        .creation_time = opt_i64(row->created_ms),
        .last_updated_time = time_or_none(row->updated_ms),
        .deletion_time = time_or_none(row->deleted_ms),
        .rollback_configuration = cfn_triggers_show(call->arena, &row->triggers, row->monitor_min),
        .stack_status = row->status,
        .stack_status_reason = OR_NONE(row->reason),
        .detailed_status = OR_NONE(row->detailed),
        .deletion_mode = row->force ? S("FORCE_DELETE_STACK") : STR_NONE,
        .disable_rollback = opt_bool(row->disable_rollback),
        .notification_arns = row->notify,
        .timeout_in_minutes = time_or_none(row->timeout_min),
        .capabilities = row->capabilities,
        .role_arn = OR_NONE(row->role),
        .parent_id = OR_NONE(row->parent),
        .root_id = OR_NONE(row->root),
        .enable_termination_protection = opt_bool(is_protected(call, row)),
        .drift_information = ARENA_NEW(call->arena, struct cloudformation_StackDriftInformation),
    };

    assert(s.stack_id.n > 0 && s.stack_status.n > 0 && row->tags.n % 2 == 0);
    s.drift_information->stack_drift_status = row->drift.n ? row->drift : S("NOT_CHECKED");
    s.drift_information->last_check_timestamp = time_or_none(row->drift_ms);
    API_PRESENT(&s.notification_arns);
    API_PRESENT(&s.capabilities);
    API_PRESENT(&s.tags);
    show_parameters(call, row, &s.parameters);
    show_outputs(call, row, &s.outputs);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &s.tags) =
            (struct cloudformation_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return s;
}

int
cfn_describe_stacks(struct api_call *call, const struct cloudformation_DescribeStacksInput *req,
                    struct cloudformation_DescribeStacksOutput *res)
{
    struct api_page page;
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->stacks);
    if (r)
        return r;
    if (req->stack_name.p) {
        const struct cfn_stack_row *row;

        r = cfn_need(call, req->stack_name, &row);
        if (r == 0)
            *LIST_PUSH(call->arena, &res->stacks) = show_stack(call, row);
        return r;
    }
    STORE_EACH(call->txn, cfn_stack_by_owner, row, call->account, call->region) {
        struct str key = stack_place(call, row);

        if (!row->deleted_ms && api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->stacks) = show_stack(call, row);
        if (page.more)
            break;
    }
    res->next_token = page_next(call, &page);
    return 0;
}

int
cfn_list_stacks(struct api_call *call, const struct cloudformation_ListStacksInput *req,
                struct cloudformation_ListStacksOutput *res)
{
    struct api_page page;
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->stack_summaries);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_stack_by_owner, row, call->account, call->region) {
        struct str key = stack_place(call, row);

        if ((req->stack_status_filter.n && !str_in(&req->stack_status_filter, row->status)) ||
            !api_page_take(&page, key))
            continue;
        struct cloudformation_StackDriftInformationSummary *drift =
            ARENA_NEW(call->arena, struct cloudformation_StackDriftInformationSummary);

        drift->stack_drift_status = row->drift.n ? row->drift : S("NOT_CHECKED");
        drift->last_check_timestamp = time_or_none(row->drift_ms);
        *LIST_PUSH(call->arena, &res->stack_summaries) = (struct cloudformation_StackSummary){
            .stack_id = row->id,
            .stack_name = row->name,
            .template_description = OR_NONE(row->description),
            .creation_time = opt_i64(row->created_ms),
            .last_updated_time = time_or_none(row->updated_ms),
            .deletion_time = time_or_none(row->deleted_ms),
            .parent_id = OR_NONE(row->parent),
            .root_id = OR_NONE(row->root),
            .stack_status = row->status,
            .stack_status_reason = OR_NONE(row->reason),
            .drift_information = drift,
        };
    }
    res->next_token = page_next(call, &page);
    return 0;
}

/* ---- events ---- */

/* Properties as they were given: without what the engine notes among them. */
static struct str
clean(struct api_call *call, struct str props)
{
    struct json j, ret = cfn_object();

    if (!props.n || !cfn_read(call->arena, props, &j))
        return STR_NONE;
    for (size_t i = 0; i < j.n; i++)
        if (j.names[i].n && j.names[i].p[0] != '#')
            cfn_put(call->arena, &ret, j.names[i], j.v[i]);
    return cfn_print(call->arena, &ret, (size_t)2 << 20);
}

static struct cloudformation_StackEvent
show_event(struct api_call *call, const struct cfn_stack_row *stack,
           const struct cfn_event_row *row)
{
    assert(str_eq(row->stack, stack->id) && row->status.n > 0);
    return (struct cloudformation_StackEvent){
        .stack_id = row->stack,
        .event_id = row->id,
        .stack_name = stack->name,
        .logical_resource_id = row->logical,
        .physical_resource_id = row->physical,
        .resource_type = row->type,
        .timestamp = opt_i64(row->at_ms),
        .resource_status = row->status,
        .resource_status_reason = OR_NONE(row->reason),
        .detailed_status = OR_NONE(row->detailed),
        .resource_properties = clean(call, row->props),
        .client_request_token = OR_NONE(row->token),
    };
}

int
cfn_describe_stack_events(struct api_call *call,
                          const struct cloudformation_DescribeStackEventsInput *req,
                          struct cloudformation_DescribeStackEventsOutput *res)
{
    const struct cfn_stack_row *stack;
    struct api_page page;
    struct str_list keys = {0};
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->stack_events);
    if (r == 0)
        r = cfn_need(call, req->stack_name, &stack);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_event_by_stack, row, stack->id)
        *LIST_PUSH(call->arena, &keys) = row->key;
    for (size_t i = keys.n; i > 0 && !page.more; i--) {
        /* new events come at the front of the list and must not move a page's begin */
        if (api_page_take(&page, place(call, 999999999 - i)))
            *LIST_PUSH(call->arena, &res->stack_events) =
                show_event(call, stack, cfn_event_get(call->txn, keys.v[i - 1]));
    }
    res->next_token = page_next(call, &page);
    return 0;
}

/* ---- resources ---- */

static bool
is_shown(const struct cfn_resource_row *row)
{
    return row->status.n && row->phase != CFN_OLD;
}

static struct cloudformation_StackResourceDriftInformation *
drift(struct api_call *call, const struct cfn_resource_row *row)
{
    struct cloudformation_StackResourceDriftInformation *d =
        ARENA_NEW(call->arena, struct cloudformation_StackResourceDriftInformation);

    d->stack_resource_drift_status = row->drift.n ? row->drift : S("NOT_CHECKED");
    d->last_check_timestamp = time_or_none(row->drift_ms);
    return d;
}

int
cfn_describe_stack_resource(struct api_call *call,
                            const struct cloudformation_DescribeStackResourceInput *req,
                            struct cloudformation_DescribeStackResourceOutput *res)
{
    const struct cfn_stack_row *stack = cfn_find(call, req->stack_name);
    const struct cfn_resource_row *row;

    if (!stack)
        return INVALID("Stack '%.*s' does not exist", STR_ARG(req->stack_name));
    row = cfn_resource_get(call->txn,
                           cfn_resource_key(call->arena, stack->id, req->logical_resource_id));
    if (!row || !is_shown(row))
        return INVALID("Resource %.*s does not exist for stack %.*s",
                       STR_ARG(req->logical_resource_id), STR_ARG(stack->name));
    res->stack_resource_detail = ARENA_NEW(call->arena, struct cloudformation_StackResourceDetail);
    *res->stack_resource_detail = (struct cloudformation_StackResourceDetail){
        .stack_name = stack->name,
        .stack_id = stack->id,
        .logical_resource_id = row->logical,
        .physical_resource_id = OR_NONE(row->physical),
        .resource_type = row->type,
        .last_updated_timestamp = opt_i64(row->changed_ms),
        .resource_status = row->status,
        .resource_status_reason = OR_NONE(row->reason),
        .metadata = row->metadata.n ? row->metadata : S("{}"),
        .drift_information = drift(call, row),
    };
    return 0;
}

/* The stack of which a physical id is a resource. */
static const struct cfn_stack_row *
owner_of(struct api_call *call, struct str physical)
{
    const struct cfn_stack_row *ret = NULL;

    STORE_EACH(call->txn, cfn_stack_by_owner, stack, call->account, call->region) {
        STORE_EACH(call->txn, cfn_resource_by_stack, row, stack->id)
            if (!ret && row->phase != CFN_GONE && str_eq(row->physical, physical))
                ret = stack;
    }
    return ret;
}

int
cfn_describe_stack_resources(struct api_call *call,
                             const struct cloudformation_DescribeStackResourcesInput *req,
                             struct cloudformation_DescribeStackResourcesOutput *res)
{
    const struct cfn_stack_row *stack = NULL;
    int r = 0;

    API_PRESENT(&res->stack_resources);
    if (!req->stack_name.p == !req->physical_resource_id.p)
        return INVALID("Either StackName or PhysicalResourceId must be specified, but not both");
    if (req->stack_name.p)
        r = cfn_need(call, req->stack_name, &stack);
    else if (!(stack = owner_of(call, req->physical_resource_id)))
        return INVALID("Stack for %.*s does not exist", STR_ARG(req->physical_resource_id));
    if (r)
        return r;
    assert(stack);
    STORE_EACH(call->txn, cfn_resource_by_stack, row, stack->id) {
        if (!is_shown(row) ||
            (req->logical_resource_id.p && !str_eq(row->logical, req->logical_resource_id)))
            continue;
        if (res->stack_resources.n == 100)
            break; /* ListStackResources has them all */
        *LIST_PUSH(call->arena, &res->stack_resources) = (struct cloudformation_StackResource){
            .stack_name = stack->name,
            .stack_id = stack->id,
            .logical_resource_id = row->logical,
            .physical_resource_id = OR_NONE(row->physical),
            .resource_type = row->type,
            .timestamp = opt_i64(row->changed_ms),
            .resource_status = row->status,
            .resource_status_reason = OR_NONE(row->reason),
            .drift_information = drift(call, row),
        };
    }
    if (req->logical_resource_id.p && !res->stack_resources.n)
        return INVALID("Resource %.*s does not exist for stack %.*s",
                       STR_ARG(req->logical_resource_id), STR_ARG(stack->name));
    return 0;
}

int
cfn_list_stack_resources(struct api_call *call,
                         const struct cloudformation_ListStackResourcesInput *req,
                         struct cloudformation_ListStackResourcesOutput *res)
{
    const struct cfn_stack_row *stack;
    struct api_page page;
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->stack_resource_summaries);
    if (r == 0)
        r = cfn_need(call, req->stack_name, &stack);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_resource_by_stack, row, stack->id) {
        struct str key =
            str_fmt(call->arena, "%08lld%.*s", (long long)row->number, STR_ARG(row->key));

        if (!is_shown(row) || !api_page_take(&page, key))
            continue;
        struct cloudformation_StackResourceDriftInformationSummary *summary =
            ARENA_NEW(call->arena, struct cloudformation_StackResourceDriftInformationSummary);

        summary->stack_resource_drift_status = row->drift.n ? row->drift : S("NOT_CHECKED");
        summary->last_check_timestamp = time_or_none(row->drift_ms);
        *LIST_PUSH(call->arena, &res->stack_resource_summaries) =
            (struct cloudformation_StackResourceSummary){
                .logical_resource_id = row->logical,
                .physical_resource_id = OR_NONE(row->physical),
                .resource_type = row->type,
                .last_updated_timestamp = opt_i64(row->changed_ms),
                .resource_status = row->status,
                .resource_status_reason = OR_NONE(row->reason),
                .drift_information = summary,
            };
    }
    res->next_token = page_next(call, &page);
    return 0;
}

/* ---- exports ---- */

int
cfn_list_exports(struct api_call *call, const struct cloudformation_ListExportsInput *req,
                 struct cloudformation_ListExportsOutput *res)
{
    struct api_page page;
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->exports);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_export_by_owner, row, call->account, call->region) {
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->exports) = (struct cloudformation_Export){
                .exporting_stack_id = row->stack,
                .name = row->name,
                .value = row->value,
            };
        if (page.more)
            break;
    }
    res->next_token = page_next(call, &page);
    return 0;
}

int
cfn_list_imports(struct api_call *call, const struct cloudformation_ListImportsInput *req,
                 struct cloudformation_ListImportsOutput *res)
{
    struct str key = cfn_export_key(call->arena, call->account, call->region, req->export_name);
    struct api_page page;
    int r = page_open(call, req->next_token, &page);

    API_PRESENT(&res->imports);
    if (r)
        return r;
    STORE_EACH(call->txn, cfn_import_by_export, row, key) {
        const struct cfn_stack_row *stack = cfn_stack_get(call->txn, row->stack);

        if (stack && api_page_take(&page, row->stack))
            *LIST_PUSH(call->arena, &res->imports) = stack->name;
    }
    if (!res->imports.n && !page.more)
        return INVALID("Export '%.*s' is not imported by any stack.", STR_ARG(req->export_name));
    res->next_token = page_next(call, &page);
    return 0;
}
