/* Tags of functions, and what an account may have and has. */
#include "lambda/lambda.h"

int
lambda_tags_put(struct api_call *call, const struct lambda_TextMap *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (!tag->key.n || tag->key.n > 128 || tag->value.n > 256)
            return lambda_bad(call, "A tag has a key of 1 to 128 characters and a value of up to "
                                    "256.");
        if (api_tag_reserved(call, tag->key))
            return lambda_bad(call, "Tag keys that begin with aws: are reserved for AWS use.");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
    }
    if (api_tags_own(all) > LAMBDA_TAGS_MAX)
        return lambda_bad(call, "The number of tags exceeds the limit of %d", LAMBDA_TAGS_MAX);
    assert(all->n % 2 == 0);
    return 0;
}

static int
find(struct api_call *call, struct str arn, const struct lambda_function_row **ret)
{
    struct lambda_name name;

    if (str_find(arn, S(":function:")) == SIZE_MAX)
        return lambda_unsupported(call, "Resource of other than a function");
    int r = lambda_name_read(call, arn, STR_NONE, &name);

    if (r == 0 && name.qualifier.p)
        return lambda_bad(call, "Tags on function aliases and versions are not supported. Please "
                                "specify a function ARN.");
    return r ? r : lambda_find(call, &name, ret);
}

int
lambda_tag_resource(struct api_call *call, const struct lambda_TagResourceRequest *req,
                    struct lambda_TagResourceResult *res UNUSED)
{
    const struct lambda_function_row *row;
    int r = find(call, req->resource, &row);

    if (r)
        return r;
    struct lambda_function_row new = *row;

    r = lambda_tags_put(call, &req->tags, &new.tags);
    return r ? r : lambda_function_update(call->txn, &new);
}

int
lambda_untag_resource(struct api_call *call, const struct lambda_UntagResourceRequest *req,
                      struct lambda_UntagResourceResult *res UNUSED)
{
    const struct lambda_function_row *row;
    int r = find(call, req->resource, &row);

    if (r)
        return r;
    struct lambda_function_row new = *row;

    new.tags = api_tags_without(call->arena, &row->tags, &req->tag_keys);
    return lambda_function_update(call->txn, &new);
}

int
lambda_list_tags(struct api_call *call, const struct lambda_ListTagsRequest *req,
                 struct lambda_ListTagsResponse *res)
{
    const struct lambda_function_row *row;
    int r = find(call, req->resource, &row);

    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct lambda_TextMapEntry){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return 0;
}

int
lambda_get_account_settings(struct api_call *call,
                            const struct lambda_GetAccountSettingsRequest *req UNUSED,
                            struct lambda_GetAccountSettingsResponse *res)
{
    int64_t bytes = 0, n = 0;

    STORE_EACH(call->txn, lambda_function_by_name, row, call->account, call->region) {
        bytes += row->code_bytes;
        n += row->number == 0;
    }
    res->account_limit = ARENA_NEW(call->arena, struct lambda_AccountLimit);
    *res->account_limit = (struct lambda_AccountLimit){
        .total_code_size = opt_i64(INT64_C(80530636800)),
        .code_size_unzipped = opt_i64(LAMBDA_UNZIPPED_MAX),
        .code_size_zipped = opt_i64(LAMBDA_ZIPPED_MAX),
        .concurrent_executions = opt_i64(LAMBDA_CONCURRENT_MAX),
        .unreserved_concurrent_executions = opt_i64(
            LAMBDA_CONCURRENT_MAX - lambda_reserved(call, call->account, call->region, NULL)),
    };
    res->account_usage = ARENA_NEW(call->arena, struct lambda_AccountUsage);
    *res->account_usage = (struct lambda_AccountUsage){.total_code_size = opt_i64(bytes),
                                                       .function_count = opt_i64(n)};
    return 0;
}
