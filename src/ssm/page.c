/* MaxResults and NextToken: the same in every list of Parameter Store. */
#include "ssm/ssm.h"

int
ssm_page_open(struct api_call *call, struct str token, struct opt_i64 max_results, int64_t max,
              struct api_page *ret)
{
    const struct api_page_scope scope = api_page_scope(call);
    const struct api_page_rule rule = {.min = 1, .max = max, .otherwise = max};

    assert(!max_results.set || (max_results.v >= 1 && max_results.v <= max));
    /* what is left to refuse is the token */
    if (api_page_open(call->arena, &scope, &rule, token, max_results, false, ret, &call->fault))
        return api_fault(call, &SSM_ERR(InvalidNextToken), "The specified token isn't valid.");
    return 0;
}

struct str
ssm_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}
