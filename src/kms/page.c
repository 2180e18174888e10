/* Limit, Marker, NextMarker, Truncated: the same in every list of KMS. */
#include "kms/kms.h"

int
kms_listing_open(struct api_call *call, struct opt_i64 limit, int64_t max, int64_t otherwise,
                 struct str marker, struct kms_listing *ret)
{
    const struct api_page_scope scope = api_page_scope(call);
    const struct api_page_rule rule = {.min = 1, .max = max, .otherwise = otherwise};

    assert(otherwise >= 1 && otherwise <= max);
    if (limit.set && (limit.v < 1 || limit.v > max))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "1 validation error detected: Value '%lld' at 'limit' failed to satisfy "
                         "constraint: Member must have value %s than or equal to %lld",
                         (long long)limit.v, limit.v < 1 ? "greater" : "less",
                         (long long)(limit.v < 1 ? 1 : max));
    /* what is left to refuse is the marker */
    if (api_page_open(call->arena, &scope, &rule, marker, limit, false, &ret->page, &call->fault))
        return api_fault(call, &KMS_ERR(InvalidMarkerException), "Invalid marker");
    return 0;
}

bool
kms_listing_takes(struct kms_listing *listing, struct str key)
{
    return api_page_take(&listing->page, key);
}

void
kms_listing_end(struct api_call *call, const struct kms_listing *listing, struct str *marker,
                struct opt_bool *truncated)
{
    const struct api_page_scope scope = api_page_scope(call);

    assert(!listing->page.more || listing->page.last.p);
    *marker = api_page_next(call->arena, &scope, &listing->page);
    *truncated = opt_bool(listing->page.more);
}
