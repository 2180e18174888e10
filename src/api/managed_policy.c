/*
 * A binary search over the table that the build made, which is in order of the ARNs' bytes.
 */
#include "api/managed_policy.h"

#include "gen/data/managed_policies.h"

bool
managed_policy_find(struct str arn, struct managed_policy *ret)
{
    size_t low = 0, high = n_managed_policies;

    assert(str_ok(arn));
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(arn, managed_policies[mid].arn);

        if (order == 0) {
            *ret = managed_policies[mid];
            return true;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

const struct managed_policy *
managed_policy_all(size_t *ret_n)
{
    assert(ret_n);
    *ret_n = n_managed_policies;
    return managed_policies;
}
