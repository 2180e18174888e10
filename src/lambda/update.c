/* Changes of a function's $LATEST; versions never change. */
#include "lambda/lambda.h"

/* The function as the request names it, to be changed by the caller of RevisionId. */
static int
begin(struct api_call *call, struct str text, struct str revision, struct lambda_function_row *ret)
{
    const struct lambda_function_row *row;
    struct lambda_name name;
    int r = lambda_find_plain(call, text, &name, &row);

    if (r == 0)
        r = lambda_revision_check(call, revision, row->revision);
    if (r == 0)
        *ret = *row;
    return r;
}

int
lambda_update_function_code(struct api_call *call,
                            const struct lambda_UpdateFunctionCodeRequest *req,
                            struct lambda_FunctionConfiguration *res)
{
    const struct lambda_code_from from = {req->zip_file, req->s3_bucket, req->s3_key,
                                          req->s3_object_version};
    const struct lambda_fixed fixed = {.architectures = &req->architectures};
    const struct lambda_function_row *shown;
    struct lambda_function_row row;
    bool dry = opt_bool_or(req->dry_run, false);

    if (req->image_uri.n || req->publish_to.n || req->source_kms_key_arn.n)
        return lambda_unsupported(call, req->image_uri.n    ? "ImageUri"
                                        : req->publish_to.n ? "PublishTo"
                                                            : "SourceKMSKeyArn");
    int r = lambda_fixed_check(call, &fixed);

    if (r == 0)
        r = begin(call, req->function_name, req->revision_id, &row);
    if (r == 0)
        r = lambda_code_take(call, &from, &row, dry);
    if (r == 0 && !dry)
        r = lambda_put(call, &row, false);
    if (r)
        return r;
    shown = &row;
    if (!dry && opt_bool_or(req->publish, false))
        r = lambda_publish(call, lambda_function_get(call->txn, row.id), STR_NONE, &shown);
    if (r == 0)
        lambda_show_in(call, shown, res);
    return r;
}

int
lambda_update_function_configuration(struct api_call *call,
                                     const struct lambda_UpdateFunctionConfigurationRequest *req,
                                     struct lambda_FunctionConfiguration *res)
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
        {req->capacity_provider_config, "CapacityProviderConfig"},
        {req->durable_config, "DurableConfig"},
    };
    const struct lambda_fixed fixed = {.ephemeral_storage = req->ephemeral_storage,
                                       .logging_config = req->logging_config,
                                       .snap_start = req->snap_start,
                                       .tracing_config = req->tracing_config,
                                       .architectures = &(struct str_list){0}};
    struct lambda_function_row row;

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].given)
            return lambda_unsupported(call, members[i].name);
    int r = lambda_fixed_check(call, &fixed);

    if (r == 0)
        r = begin(call, req->function_name, req->revision_id, &row);
    if (r == 0 && req->runtime.p)
        r = lambda_take_runtime(call, req->runtime, &row);
    if (r == 0)
        r = lambda_take_limits(call, req->timeout, req->memory_size, &row);
    if (r == 0)
        r = lambda_take_environment(call, req->environment, &row);
    if (r == 0 && req->role.p)
        r = lambda_take_role(call, req->role, &row);
    struct str_list had = row.layers;

    if (r == 0 && req->layers.v)
        r = lambda_take_layers(call, &req->layers, &row);
    if (r)
        return r;
    if (req->handler.p)
        row.handler = req->handler;
    if (req->description.p)
        row.description = req->description;
    r = lambda_put(call, &row, false);
    if (r == 0)
        r = lambda_layers_release(call, &had);
    if (r == 0)
        lambda_show_in(call, &row, res);
    return r;
}
