/* Making functions, showing them, and deleting them. */
#include "lambda/lambda.h"

#include "base/error.h"

static int
refuse_members(struct api_call *call, const struct lambda_CreateFunctionRequest *req)
{
    const struct {
        bool given;
        const char *name;
    } members[] = {
        {req->vpc_config &&
             (req->vpc_config->subnet_ids.n || req->vpc_config->security_group_ids.n),
         "VpcConfig"},
        {req->dead_letter_config && req->dead_letter_config->target_arn.n, "DeadLetterConfig"},
        {req->kms_key_arn.n, "KMSKeyArn"},
        {req->file_system_configs.n, "FileSystemConfigs"},
        {req->image_config, "ImageConfig"},
        {req->code_signing_config_arn.n, "CodeSigningConfigArn"},
        {req->capacity_provider_config, "CapacityProviderConfig"},
        {req->publish_to.n, "PublishTo"},
        {req->durable_config, "DurableConfig"},
        {req->tenancy_config, "TenancyConfig"},
        {req->code->image_uri.n, "ImageUri"},
        {req->code->source_kms_key_arn.n, "SourceKMSKeyArn"},
        {req->package_type.n && !str_is(req->package_type, "Zip"), "PackageType of other than Zip"},
    };
    const struct lambda_fixed fixed = {req->ephemeral_storage, req->logging_config, req->snap_start,
                                       req->tracing_config,    &req->architectures, &req->layers};

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].given)
            return lambda_unsupported(call, members[i].name);
    return lambda_fixed_check(call, &fixed);
}

static int
take_members(struct api_call *call, const struct lambda_CreateFunctionRequest *req,
             struct lambda_function_row *row)
{
    const struct lambda_code_from from = {req->code->zip_file, req->code->s3_bucket,
                                          req->code->s3_key, req->code->s3_object_version};
    int r = 0;

    if (!req->runtime.n || !req->handler.n)
        return lambda_bad(call,
                          "Runtime and Handler are mandatory parameters for functions created "
                          "with deployment packages.");
    row->handler = req->handler;
    row->description = req->description.p ? req->description : S("");
    r = lambda_take_runtime(call, req->runtime, row);
    if (r == 0)
        r = lambda_take_limits(call, req->timeout, req->memory_size, row);
    if (r == 0)
        r = lambda_take_environment(call, req->environment, row);
    if (r == 0)
        r = lambda_tags_put(call, &req->tags, &row->tags);
    if (r == 0)
        r = lambda_take_role(call, req->role, row);
    if (r == 0)
        r = lambda_code_take(call, &from, row, false);
    return r;
}

int
lambda_create_function(struct api_call *call, const struct lambda_CreateFunctionRequest *req,
                       struct lambda_FunctionConfiguration *res)
{
    struct lambda_function_row row = {.version = S(LAMBDA_LATEST),
                                      .timeout_s = LAMBDA_TIMEOUT_S,
                                      .memory_mib = LAMBDA_MEMORY_MIB,
                                      .environment = S("")};
    const struct lambda_function_row *shown = &row;
    struct lambda_name name;
    int r = lambda_name_plain(call, req->function_name, &name);

    if (r == 0 && !str_eq(name.account, call->account))
        r = api_fault(call, &LAMBDA_ERR(AccessDeniedException),
                      "Functions cannot be created in another account.");
    if (r == 0 && name.name.n > 64)
        r = api_fault(
            call, &LAMBDA_ERR(ValidationException),
            "1 validation error detected: Value '%.*s' at 'functionName' failed to satisfy "
            "constraint: Member must have length less than or equal to 64",
            STR_ARG(name.name));
    if (r == 0)
        r = refuse_members(call, req);
    if (r)
        return r;
    row.id = lambda_key(call->arena, &name, row.version);
    row.account = name.account;
    row.region = name.region;
    row.name = name.name;
    if (lambda_function_get(call->txn, row.id))
        return api_fault(call, &LAMBDA_ERR(ResourceConflictException),
                         "Function already exist: %.*s", STR_ARG(name.name));
    r = take_members(call, req, &row);
    if (r == 0)
        r = lambda_put(call, &row, true);
    if (r == 0 && opt_bool_or(req->publish, false))
        r = lambda_publish(call, lambda_function_get(call->txn, row.id), STR_NONE, &shown);
    if (r == 0)
        lambda_show_in(call, shown, res);
    return r;
}

int
lambda_get_function(struct api_call *call, const struct lambda_GetFunctionRequest *req,
                    struct lambda_GetFunctionResponse *res)
{
    const struct lambda_function_row *row, *latest;
    struct lambda_name name;
    int r = lambda_name_read(call, req->function_name, req->qualifier, &name);

    if (r == 0)
        r = lambda_find_version(call, &name, false, &row);
    if (r == 0)
        r = lambda_find(call, &name, &latest);
    if (r)
        return r;
    res->configuration = lambda_show(call, row);
    if (name.qualifier.p)
        res->configuration->function_arn = lambda_arn(call->arena, &name);
    res->code = ARENA_NEW(call->arena, struct lambda_FunctionCodeLocation);
    res->code->repository_type = S("S3");
    if (latest->reserved) {
        res->concurrency = ARENA_NEW(call->arena, struct lambda_Concurrency);
        res->concurrency->reserved_concurrent_executions =
            opt_i64(latest->reserved - LAMBDA_RESERVED(0));
    }
    for (size_t i = 0; i < latest->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct lambda_TextMapEntry){.key = latest->tags.v[i], .value = latest->tags.v[i + 1]};
    return 0;
}

int
lambda_get_function_configuration(struct api_call *call,
                                  const struct lambda_GetFunctionConfigurationRequest *req,
                                  struct lambda_FunctionConfiguration *res)
{
    const struct lambda_function_row *row;
    struct lambda_name name;
    int r = lambda_name_read(call, req->function_name, req->qualifier, &name);

    if (r == 0)
        r = lambda_find_version(call, &name, false, &row);
    if (r)
        return r;
    lambda_show_in(call, row, res);
    if (name.qualifier.p)
        res->function_arn = lambda_arn(call->arena, &name);
    return 0;
}

/* Nobody can give a function either, so there is none. */
int
lambda_get_function_code_signing_config(
    struct api_call *call, const struct lambda_GetFunctionCodeSigningConfigRequest *req,
    struct lambda_GetFunctionCodeSigningConfigResponse *res)
{
    const struct lambda_function_row *row;
    struct lambda_name name;
    int r = lambda_find_plain(call, req->function_name, &name, &row);

    res->code_signing_config_arn = S("");
    res->function_name = name.name;
    return r;
}

int
lambda_list_functions(struct api_call *call, const struct lambda_ListFunctionsRequest *req,
                      struct lambda_ListFunctionsResponse *res)
{
    bool all = str_is(req->function_version, "ALL");
    struct api_page page;

    if (req->master_region.p && !str_is(req->master_region, "ALL"))
        return lambda_unsupported(call, "MasterRegion");
    int r = lambda_page_open(call, req->marker, req->max_items, 50, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_function_by_name, row, call->account, call->region) {
        struct str key =
            str_fmt(call->arena, "%.*s %012lld", STR_ARG(row->name), (long long)row->number);

        if (row->number && !all)
            continue;
        if (api_page_take(&page, key))
            lambda_show_in(call, row, LIST_PUSH(call->arena, &res->functions));
        if (page.more)
            break;
    }
    API_PRESENT(&res->functions);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

/* ---- DeleteFunction ---- */

static int
delete_version(struct api_call *call, const struct lambda_name *name)
{
    const struct lambda_function_row *row;

    if (str_is(name->qualifier, LAMBDA_LATEST))
        return lambda_bad(call, "$LATEST version cannot be deleted without deleting the function.");
    STORE_EACH(call->txn, lambda_alias_by_function, alias, name->account, name->region,
               name->name) {
        if (str_eq(alias->version, name->qualifier) ||
            (alias->weights.n && str_eq(alias->weights.v[0], name->qualifier)))
            return api_fault(call, &LAMBDA_ERR(ResourceConflictException),
                             "Unable to delete version because the following aliases reference it: "
                             "[%.*s]",
                             STR_ARG(alias->name));
    }
    row = lambda_function_get(call->txn, lambda_key(call->arena, name, name->qualifier));
    if (!row)
        return 0; /* as AWS does */
    int r = lambda_code_drop(call, row);

    if (r >= 0)
        r = lambda_permissions_drop(call, name, false);
    if (r >= 0)
        r = lambda_event_configs_drop(call, name, false);
    return r < 0 ? r : lambda_function_delete(call->txn, row->id);
}

/* All rows that are the function's. */
static int
delete_all(struct api_call *call, const struct lambda_name *name)
{
    int r = lambda_permissions_drop(call, name, true);

    if (r >= 0)
        r = lambda_event_configs_drop(call, name, true);
    STORE_EACH(call->txn, lambda_alias_by_function, alias, name->account, name->region, name->name)
        if (r >= 0)
            r = lambda_alias_delete(call->txn, alias->id);
    STORE_EACH(call->txn, lambda_event_by_function, event, name->account, name->region, name->name)
        if (r >= 0)
            r = lambda_event_delete(call->txn, event->id);
    STORE_EACH(call->txn, lambda_function_by_name, row, name->account, name->region, name->name) {
        struct str id = str_dup(call->arena, row->id);

        if (r >= 0)
            r = lambda_code_drop(call, row);
        if (r >= 0)
            r = lambda_function_delete(call->txn, id);
    }
    return r;
}

int
lambda_delete_function(struct api_call *call, const struct lambda_DeleteFunctionRequest *req,
                       struct lambda_DeleteFunctionResponse *res)
{
    const struct lambda_function_row *row;
    struct lambda_name name;
    int r = lambda_name_read(call, req->function_name, req->qualifier, &name);

    if (r == 0)
        r = lambda_find(call, &name, &row);
    if (r)
        return r;
    r = name.qualifier.p ? delete_version(call, &name) : delete_all(call, &name);
    res->status_code = opt_i64(204);
    return r;
}
