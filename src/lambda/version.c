/* Versions, which are $LATEST as it was, and aliases, which point to them. */
#include "lambda/lambda.h"

#include <stdio.h>

/* ---- versions ---- */

/* Whether a version would be the same as the newest one. */
static bool
is_same(const struct lambda_function_row *a, const struct lambda_function_row *b)
{
    return str_eq(a->code_sha256, b->code_sha256) && str_eq(a->runtime, b->runtime) &&
           str_eq(a->handler, b->handler) && str_eq(a->role, b->role) &&
           str_eq(a->environment, b->environment) && a->timeout_s == b->timeout_s &&
           a->memory_mib == b->memory_mib && str_list_eq(&a->layers, &b->layers);
}

static struct str
version_key(struct api_call *call, const struct lambda_function_row *latest, int64_t number)
{
    struct lambda_name name = lambda_name_of(latest);

    assert(number > 0);
    return lambda_key(call->arena, &name, str_fmt(call->arena, "%lld", (long long)number));
}

int
lambda_publish(struct api_call *call, const struct lambda_function_row *latest,
               struct str description, const struct lambda_function_row **ret)
{
    struct lambda_function_row row = *latest, after = *latest;

    assert(latest->number == 0);
    if (latest->published) {
        *ret = lambda_function_get(call->txn, version_key(call, latest, latest->published));
        if (*ret && is_same(*ret, latest))
            return 0;
    }
    after.published++;
    row.number = after.published;
    row.id = version_key(call, latest, row.number);
    row.version = str_fmt(call->arena, "%lld", (long long)row.number);
    row.tags = (struct str_list){0};
    row.published = row.reserved = 0;
    if (description.p)
        row.description = description;
    int r = lambda_function_update(call->txn, &after);

    if (r >= 0)
        r = lambda_put(call, &row, true);
    if (r >= 0)
        *ret = lambda_function_get(call->txn, row.id);
    return r;
}

int
lambda_publish_version(struct api_call *call, const struct lambda_PublishVersionRequest *req,
                       struct lambda_FunctionConfiguration *res)
{
    const struct lambda_function_row *latest, *version;
    struct lambda_name name;

    if (req->publish_to.n)
        return lambda_unsupported(call, "PublishTo");
    int r = lambda_find_plain(call, req->function_name, &name, &latest);

    if (r == 0)
        r = lambda_revision_check(call, req->revision_id, latest->revision);
    if (r == 0 && req->code_sha256.n && !str_eq(req->code_sha256, latest->code_sha256))
        r = lambda_bad(call,
                       "CodeSHA256 (%.*s) is different from current CodeSHA256 in $LATEST "
                       "(%.*s). Please try again with the CodeSHA256 in $LATEST.",
                       STR_ARG(req->code_sha256), STR_ARG(latest->code_sha256));
    if (r == 0)
        r = lambda_publish(call, latest, req->description, &version);
    if (r == 0)
        lambda_show_in(call, version, res);
    return r;
}

int
lambda_list_versions_by_function(struct api_call *call,
                                 const struct lambda_ListVersionsByFunctionRequest *req,
                                 struct lambda_ListVersionsByFunctionResponse *res)
{
    struct lambda_name name;
    struct api_page page;
    int r = lambda_list_open(call, req->function_name, req->marker, req->max_items, &name, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_function_by_name, row, name.account, name.region, name.name) {
        struct str key = str_fmt(call->arena, "%012lld", (long long)row->number);

        if (api_page_take(&page, key)) {
            struct lambda_FunctionConfiguration *out = LIST_PUSH(call->arena, &res->versions);

            lambda_show_in(call, row, out);
            if (!row->number)
                out->function_arn = str_cat(call->arena, out->function_arn, S(":" LAMBDA_LATEST));
        }
        if (page.more)
            break;
    }
    API_PRESENT(&res->versions);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

/* ---- aliases ---- */

const struct lambda_alias_row *
lambda_alias_find(struct txn *txn, struct arena *a, const struct lambda_name *name)
{
    return name->qualifier.n ? lambda_alias_get(txn, lambda_key(a, name, name->qualifier)) : NULL;
}

static void
show_alias(struct api_call *call, const struct lambda_alias_row *row,
           struct lambda_AliasConfiguration *out)
{
    const struct lambda_name name = {row->account, row->region, row->function, row->name};
    double weight;

    assert(row->weights.n == 0 || row->weights.n == 2);
    *out = (struct lambda_AliasConfiguration){
        .alias_arn = lambda_arn(call->arena, &name),
        .name = row->name,
        .function_version = row->version,
        .description = row->description,
        .revision_id = row->revision,
    };
    if (!row->weights.n || sscanf(str_cstr(call->arena, row->weights.v[1]), "%lf", &weight) != 1)
        return;
    out->routing_config = ARENA_NEW(call->arena, struct lambda_AliasRoutingConfiguration);
    *LIST_PUSH(call->arena, &out->routing_config->additional_version_weights) =
        (struct lambda_FloatMapEntry){.key = row->weights.v[0], .value = opt_f64(weight)};
}

static int
take_version(struct api_call *call, const struct lambda_name *name, struct str version,
             struct lambda_alias_row *row)
{
    struct lambda_name wanted = *name;

    wanted.qualifier = version;
    if (!lambda_function_get(call->txn, lambda_key(call->arena, name, version)))
        return lambda_not_found(call, &wanted);
    row->version = version;
    return 0;
}

static int
take_weights(struct api_call *call, const struct lambda_name *name,
             const struct lambda_AliasRoutingConfiguration *config, struct lambda_alias_row *row)
{
    struct lambda_name other = *name;

    if (!config)
        return 0;
    row->weights = (struct str_list){0};
    if (!config->additional_version_weights.n)
        return 0;
    const struct lambda_FloatMapEntry *e = &config->additional_version_weights.v[0];

    if (config->additional_version_weights.n > 1)
        return lambda_bad(call, "Number of items in AdditionalVersionWeights cannot be greater "
                                "than 1");
    if (str_eq(e->key, row->version))
        return lambda_bad(call,
                          "Invalid function version %.*s. Function version %.*s is already "
                          "included in routing configuration.",
                          STR_ARG(e->key), STR_ARG(e->key));
    if (str_is(row->version, LAMBDA_LATEST))
        return lambda_bad(call, "$LATEST is not supported for an alias pointing to more than 1 "
                                "version");
    other.qualifier = e->key;
    if (!lambda_function_get(call->txn, lambda_key(call->arena, name, e->key)))
        return lambda_not_found(call, &other);
    *LIST_PUSH(call->arena, &row->weights) = e->key;
    *LIST_PUSH(call->arena, &row->weights) = str_fmt(call->arena, "%.6f", e->value.v);
    assert(row->weights.n == 2);
    return 0;
}

static int
alias_not_found(struct api_call *call, const struct lambda_name *name)
{
    return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException), "Cannot find alias arn: %.*s",
                     STR_ARG(lambda_arn(call->arena, name)));
}

/* The function's name with the alias as its qualifier, and the alias if it is there. */
static int
find_alias(struct api_call *call, struct str function, struct str alias, struct lambda_name *name,
           const struct lambda_alias_row **ret)
{
    const struct lambda_function_row *latest;
    int r = lambda_find_plain(call, function, name, &latest);

    if (r)
        return r;
    name->qualifier = alias;
    *ret = lambda_alias_find(call->txn, call->arena, name);
    return 0;
}

int
lambda_create_alias(struct api_call *call, const struct lambda_CreateAliasRequest *req,
                    struct lambda_AliasConfiguration *res)
{
    const struct lambda_alias_row *old;
    struct lambda_name name;
    int r = find_alias(call, req->function_name, req->name, &name, &old);

    if (r)
        return r;
    if (old)
        return api_fault(call, &LAMBDA_ERR(ResourceConflictException), "Alias already exists: %.*s",
                         STR_ARG(lambda_arn(call->arena, &name)));
    struct lambda_alias_row row = {
        .id = lambda_key(call->arena, &name, req->name),
        .account = name.account,
        .region = name.region,
        .function = name.name,
        .name = req->name,
        .description = req->description.p ? req->description : S(""),
        .revision = api_uuid(call->env, call->arena),
    };
    r = take_version(call, &name, req->function_version, &row);
    if (r == 0)
        r = take_weights(call, &name, req->routing_config, &row);
    if (r == 0)
        r = lambda_alias_insert(call->txn, &row);
    if (r == 0)
        show_alias(call, &row, res);
    return r;
}

int
lambda_update_alias(struct api_call *call, const struct lambda_UpdateAliasRequest *req,
                    struct lambda_AliasConfiguration *res)
{
    const struct lambda_alias_row *old;
    struct lambda_name name;
    int r = find_alias(call, req->function_name, req->name, &name, &old);

    if (r)
        return r;
    if (!old)
        return alias_not_found(call, &name);
    struct lambda_alias_row row = *old;

    r = lambda_revision_check(call, req->revision_id, row.revision);
    if (r == 0 && req->function_version.p)
        r = take_version(call, &name, req->function_version, &row);
    if (r == 0)
        r = take_weights(call, &name, req->routing_config, &row);
    if (r)
        return r;
    if (req->description.p)
        row.description = req->description;
    row.revision = api_uuid(call->env, call->arena);
    r = lambda_alias_update(call->txn, &row);
    if (r == 0)
        show_alias(call, &row, res);
    return r;
}

int
lambda_delete_alias(struct api_call *call, const struct lambda_DeleteAliasRequest *req,
                    struct lambda_DeleteAliasResult *res UNUSED)
{
    const struct lambda_alias_row *old;
    struct lambda_name name;
    int r = find_alias(call, req->function_name, req->name, &name, &old);

    if (r || !old)
        return r;
    r = lambda_permissions_drop(call, &name, false);
    if (r >= 0)
        r = lambda_event_configs_drop(call, &name, false);
    if (r >= 0)
        r = lambda_urls_drop(call, &name, false);
    return r < 0 ? r : lambda_alias_delete(call->txn, old->id);
}

int
lambda_get_alias(struct api_call *call, const struct lambda_GetAliasRequest *req,
                 struct lambda_AliasConfiguration *res)
{
    const struct lambda_alias_row *row;
    struct lambda_name name;
    int r = find_alias(call, req->function_name, req->name, &name, &row);

    if (r == 0 && !row)
        r = alias_not_found(call, &name);
    if (r == 0)
        show_alias(call, row, res);
    return r;
}

int
lambda_list_aliases(struct api_call *call, const struct lambda_ListAliasesRequest *req,
                    struct lambda_ListAliasesResponse *res)
{
    struct lambda_name name;
    struct api_page page;
    int r = lambda_list_open(call, req->function_name, req->marker, req->max_items, &name, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_alias_by_function, row, name.account, name.region, name.name) {
        if (req->function_version.p && !str_eq(req->function_version, row->version))
            continue;
        if (api_page_take(&page, row->name))
            show_alias(call, row, LIST_PUSH(call->arena, &res->aliases));
        if (page.more)
            break;
    }
    API_PRESENT(&res->aliases);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}
