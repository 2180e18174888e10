/* What was said of a function's asynchronous invocations: retries, age, destinations. */
#include "lambda/runner.h"

static void
show(struct api_call *call, const struct lambda_event_config_row *row,
     struct lambda_FunctionEventInvokeConfig *out)
{
    const struct lambda_name name = {row->account, row->region, row->function, row->qualifier};
    struct arena *a = call->arena;

    *out = (struct lambda_FunctionEventInvokeConfig){
        .last_modified = opt_i64(row->modified_ms),
        .function_arn = lambda_arn(a, &name),
        .destination_config = ARENA_NEW(a, struct lambda_DestinationConfig),
    };
    if (row->retries)
        out->maximum_retry_attempts = opt_i64(row->retries - 1);
    if (row->age_s)
        out->maximum_event_age_in_seconds = opt_i64(row->age_s);
    out->destination_config->on_success = ARENA_NEW(a, struct lambda_OnSuccess);
    out->destination_config->on_failure = ARENA_NEW(a, struct lambda_OnFailure);
    if (row->on_success.n)
        out->destination_config->on_success->destination = row->on_success;
    if (row->on_failure.n)
        out->destination_config->on_failure->destination = row->on_failure;
}

/* The thing whose configuration it is, which must be there; *ret is its configuration, or NULL. */
static int
find(struct api_call *call, struct str function, struct str qualifier, struct lambda_name *name,
     const struct lambda_function_row **version, const struct lambda_event_config_row **ret)
{
    int r = lambda_name_read(call, function, qualifier, name);

    if (r == 0)
        r = lambda_find_version(call, name, false, version);
    if (r)
        return r;
    assert(str_eq((*version)->name, name->name));
    if (!name->qualifier.p)
        name->qualifier = S(LAMBDA_LATEST);
    *ret = lambda_event_config_get(call->txn, lambda_key(call->arena, name, name->qualifier));
    return 0;
}

static int
none(struct api_call *call, const struct lambda_name *name)
{
    return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                     "The function %.*s doesn't have an EventInvokeConfig",
                     STR_ARG(lambda_arn(call->arena, name)));
}

/* Takes what is given into the row. */
static int
take(struct api_call *call, const struct lambda_function_row *version,
     const struct lambda_PutFunctionEventInvokeConfigRequest *req,
     struct lambda_event_config_row *row)
{
    const struct lambda_DestinationConfig *to = req->destination_config;
    int r = 0;

    if (!req->maximum_retry_attempts.set && !req->maximum_event_age_in_seconds.set && !to)
        return lambda_bad(call, "You must specify at least one of error handling or destination "
                                "setting.");
    if (req->maximum_retry_attempts.set)
        row->retries = req->maximum_retry_attempts.v + 1;
    if (req->maximum_event_age_in_seconds.set)
        row->age_s = req->maximum_event_age_in_seconds.v;
    if (to && to->on_success)
        row->on_success = to->on_success->destination.p ? to->on_success->destination : S("");
    if (to && to->on_failure)
        row->on_failure = to->on_failure->destination.p ? to->on_failure->destination : S("");
    if (to && to->on_success)
        r = lambda_destination_check(call, version, row->on_success);
    if (r == 0 && to && to->on_failure)
        r = lambda_destination_check(call, version, row->on_failure);
    row->modified_ms = call->now_ms;
    assert(row->retries >= 0 && row->retries <= 3 && row->age_s >= 0);
    return r;
}

static int
put(struct api_call *call, const struct lambda_PutFunctionEventInvokeConfigRequest *req, bool merge,
    struct lambda_FunctionEventInvokeConfig *res)
{
    const struct lambda_event_config_row *old;
    const struct lambda_function_row *version;
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name, &version, &old);

    if (r == 0 && merge && !old)
        r = none(call, &name);
    if (r)
        return r;
    struct lambda_event_config_row row = {.id = lambda_key(call->arena, &name, name.qualifier),
                                          .account = name.account,
                                          .region = name.region,
                                          .function = name.name,
                                          .qualifier = name.qualifier};

    if (merge)
        row = *old;
    r = take(call, version, req, &row);
    if (r == 0)
        r = old ? lambda_event_config_update(call->txn, &row)
                : lambda_event_config_insert(call->txn, &row);
    if (r == 0)
        show(call, &row, res);
    return r;
}

int
lambda_put_function_event_invoke_config(
    struct api_call *call, const struct lambda_PutFunctionEventInvokeConfigRequest *req,
    struct lambda_FunctionEventInvokeConfig *res)
{
    return put(call, req, false, res);
}

int
lambda_update_function_event_invoke_config(
    struct api_call *call, const struct lambda_UpdateFunctionEventInvokeConfigRequest *req,
    struct lambda_FunctionEventInvokeConfig *res)
{
    const struct lambda_PutFunctionEventInvokeConfigRequest same = {
        req->function_name, req->qualifier, req->maximum_retry_attempts,
        req->maximum_event_age_in_seconds, req->destination_config};

    return put(call, &same, true, res);
}

int
lambda_get_function_event_invoke_config(
    struct api_call *call, const struct lambda_GetFunctionEventInvokeConfigRequest *req,
    struct lambda_FunctionEventInvokeConfig *res)
{
    const struct lambda_event_config_row *row;
    const struct lambda_function_row *version;
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name, &version, &row);

    if (r == 0 && !row)
        r = none(call, &name);
    if (r == 0)
        show(call, row, res);
    return r;
}

int
lambda_delete_function_event_invoke_config(
    struct api_call *call, const struct lambda_DeleteFunctionEventInvokeConfigRequest *req,
    struct lambda_DeleteFunctionEventInvokeConfigResult *res UNUSED)
{
    const struct lambda_event_config_row *row;
    const struct lambda_function_row *version;
    struct lambda_name name;
    int r = find(call, req->function_name, req->qualifier, &name, &version, &row);

    if (r == 0 && !row)
        r = none(call, &name);
    return r ? r : lambda_event_config_delete(call->txn, row->id);
}

int
lambda_list_function_event_invoke_configs(
    struct api_call *call, const struct lambda_ListFunctionEventInvokeConfigsRequest *req,
    struct lambda_ListFunctionEventInvokeConfigsResponse *res)
{
    struct lambda_name name;
    struct api_page page;
    int r = lambda_list_open(call, req->function_name, req->marker, req->max_items, &name, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_event_config_by_function, row, name.account, name.region,
               name.name) {
        if (api_page_take(&page, row->qualifier))
            show(call, row, LIST_PUSH(call->arena, &res->function_event_invoke_configs));
        if (page.more)
            break;
    }
    API_PRESENT(&res->function_event_invoke_configs);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

int
lambda_event_configs_drop(struct api_call *call, const struct lambda_name *name, bool all)
{
    int r = 0;

    STORE_EACH(call->txn, lambda_event_config_by_function, row, name->account, name->region,
               name->name)
        if (r >= 0 && (all || str_eq(row->qualifier, name->qualifier)))
            r = lambda_event_config_delete(call->txn, row->id);
    return r;
}
