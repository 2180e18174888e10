/* DescribeParameters: what is known of parameters beside their values. */
#include <stdlib.h>

#include "ssm/ssm.h"

enum { PAGE_MAX = 50, LOOKS_MAX = 20000 };

static struct ssm_ParameterMetadata
show(struct api_call *call, const struct ssm_parameter_row *row)
{
    struct ssm_version_row v = ssm_version_newest(row);
    struct ssm_found found = ssm_found_of(call, row, &v);

    ssm_parameter_assert(row);
    return (struct ssm_ParameterMetadata){
        .name = str_eq(row->account, call->account) ? row->name : found.arn,
        .arn = found.arn,
        .type = row->type,
        .key_id = row->key_id.n ? row->key_id : STR_NONE,
        .last_modified_date = opt_i64(row->modified_ms),
        .last_modified_user = row->modified_by,
        .description = row->description.n ? row->description : STR_NONE,
        .allowed_pattern = row->pattern.n ? row->pattern : STR_NONE,
        .version = opt_i64(row->version),
        .tier = row->tier,
        .policies = ssm_policies_show(call->arena, row->policies, row->policies_done),
        .data_type = row->data_type,
    };
}

/* The older form of filters: names begin with a value, the rest are equal. */
static struct ssm_filters
old_filters(struct arena *a, const struct ssm_ParametersFilterList *list)
{
    struct ssm_filters filters = {NULL, 0};

    LIST_EACH(list, filter) {
        assert(filter->values.n > 0);
        bool name = str_is(filter->key, "Name");

        *LIST_PUSH(a, &filters) = (struct ssm_filter){
            .key = name                          ? SSM_BY_NAME
                   : str_is(filter->key, "Type") ? SSM_BY_TYPE
                                                 : SSM_BY_KEY_ID,
            .option = name ? SSM_BEGINS_WITH : SSM_EQUALS,
            .values = filter->values,
        };
    }
    assert(filters.n == list->n);
    return filters;
}

static void
take(struct api_call *call, struct api_page *page, const struct ssm_filters *filters,
     const struct ssm_parameter_row *row, struct ssm_DescribeParametersResult *res)
{
    struct ssm_version_row v = ssm_version_newest(row);

    if (ssm_filters_match(filters, row, &v) && api_page_take(page, row->id))
        *LIST_PUSH(call->arena, &res->parameters) = show(call, row);
}

static void
own(struct api_call *call, struct api_page *page, const struct ssm_filters *filters,
    struct ssm_DescribeParametersResult *res)
{
    struct str start =
        str_fmt(call->arena, "%.*s/%.*s%.*s", STR_ARG(call->account), STR_ARG(call->region),
                STR_ARG(ssm_filters_prefix(call->arena, filters)));
    struct store_cursor c = store_seek(call->txn, &ssm_parameter_by_key, NULL, 0);
    const struct ssm_parameter_row *row;
    unsigned looks = 0;

    if (page->after.p)
        store_after(&c, STORE_KEYS(page->after));
    else
        store_from(&c, STORE_KEYS(start));
    while (!page->more && (row = ssm_parameter_by_key_next(&c)) && str_starts(row->id, start)) {
        take(call, page, filters, row, res);
        if (++looks >= LOOKS_MAX && !page->more) {
            page->more = true;
            page->last = row->id;
        }
    }
}

static int
by_id(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Parameters of other accounts that their policies let the caller read. */
static void
shared(struct api_call *call, struct api_page *page, const struct ssm_filters *filters,
       struct ssm_DescribeParametersResult *res)
{
    struct str_list ids = {NULL, 0};

    STORE_EACH(call->txn, ssm_parameter_by_share, row, call->region) {
        assert(row->share_id.n > 0 && str_is(row->tier, "Advanced"));
        if (str_eq(row->account, call->account))
            continue;
        struct ssm_version_row v = ssm_version_newest(row);
        const struct api_resource resource = {
            .arn = ssm_found_of(call, row, &v).arn,
            .account = row->account,
            .tags = &row->tags,
            .policy = row->share_policy,
            .policy_kind = POLICY_RESOURCE,
        };

        if (api_may(call, S("ssm:GetParameter"), &resource, NULL))
            *LIST_PUSH(call->arena, &ids) = row->id;
    }
    if (ids.n)
        qsort(ids.v, ids.n, sizeof(*ids.v), by_id);
    for (size_t i = 0; i < ids.n && !page->more; i++)
        take(call, page, filters, ssm_parameter_get(call->txn, ids.v[i]), res);
}

int
ssm_describe_parameters(struct api_call *call, const struct ssm_DescribeParametersRequest *req,
                        struct ssm_DescribeParametersResult *res)
{
    struct ssm_filters filters;
    struct api_page page;
    int r;

    if (req->filters.n && req->parameter_filters.n)
        return api_fault(call, &SSM_ERR(ValidationException),
                         "You can use either Filters or ParameterFilters in a single request.");
    r = ssm_filters_read(call, &req->parameter_filters, false, &filters);
    if (r == 0)
        r = ssm_page_open(call, req->next_token, req->max_results, PAGE_MAX, &page);
    if (r)
        return r;
    if (req->filters.n)
        filters = old_filters(call->arena, &req->filters);
    if (opt_bool_or(req->shared, false))
        shared(call, &page, &filters, res);
    else
        own(call, &page, &filters, res);
    API_PRESENT(&res->parameters);
    res->next_token = ssm_page_next(call, &page);
    return 0;
}
