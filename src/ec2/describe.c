/*
 * What all Describe operations begin and end with: filters and pages of this call.
 */
#include "ec2/ec2.h"

int
ec2_filters(struct api_call *call, const struct api_filter_table *table,
            const struct ec2_FilterList *filters, struct api_filter_set *ret)
{
    return api_filter_compile(call->arena, table, API_FILTER_PAIRS(filters), ret, &call->fault);
}

int
ec2_page_open(struct api_call *call, const struct api_page_rule *rule, struct str token,
              struct opt_i64 max_results, bool has_ids, struct api_page *ret)
{
    struct api_page_scope scope = api_page_scope(call);

    return api_page_open(call->arena, &scope, rule, token, max_results, has_ids, ret, &call->fault);
}

struct str
ec2_page_next(struct api_call *call, const struct api_page *page)
{
    struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}
