/*
 * Operators: services of the cloud that run what they offer on instances.  As on AWS, such an
 * instance and its volumes belong to an account of the service, so that no tenant sees or touches
 * them; its interface is in the tenant's subnet, under the tenant's security groups, and is the
 * tenant's to see but the service's to change.
 */
#include "ec2/ec2.h"

static const struct ec2_operator operators[] = {
    {"rds.amazonaws.com", "amazon-rds"},
};

const struct ec2_operator *
ec2_operator_find(struct str principal)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_is(principal, operators[i].principal))
            return &operators[i];
    return NULL;
}

bool
ec2_operator_calls(const struct api_call *call, struct str principal)
{
    assert(!call->via.p || call->via.n > 0);
    return ec2_operator_find(principal) && str_eq(call->via, principal);
}
