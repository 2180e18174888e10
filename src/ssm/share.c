/*
 * Resource policies of parameters: how one is shared with other accounts, which then read it by its
 * ARN.  Only advanced parameters can be shared, and each has one policy.
 */
#include "codec/crypto.h"
#include "policy/policy.h"
#include "ssm/ssm.h"

enum { POLICY_BYTES_MAX = 1024 };

static int
find(struct api_call *call, struct str arn, const struct ssm_parameter_row **ret)
{
    struct ssm_name name;

    if (!ssm_name_parse(call->arena, arn, call->account, call->region, &name) || !name.is_arn ||
        name.selector.p)
        return api_fault(call, &SSM_ERR(ResourcePolicyInvalidParameterException),
                         "Invalid resource ARN: %.*s", STR_ARG(arn));
    *ret = ssm_parameter_get(call->txn, ssm_name_key(call->arena, &name));
    if (!*ret || !str_eq((*ret)->account, call->account) || !str_eq((*ret)->region, call->region))
        return api_fault(call, &SSM_ERR(ResourceNotFoundException),
                         "The specified parameter to be shared could not be found.");
    ssm_parameter_assert(*ret);
    return 0;
}

/* The policy that a request names by id and hash must be the one that is there. */
static int
named(struct api_call *call, const struct ssm_parameter_row *row, struct str id, struct str hash)
{
    assert((row->share_id.n > 0) == (row->share_hash.n > 0));
    if (!row->share_id.n || !str_eq(row->share_id, id))
        return api_fault(call, &SSM_ERR(ResourcePolicyNotFoundException),
                         "No policies with the specified policy ID and hash could be found.");
    if (!str_eq(row->share_hash, hash))
        return api_fault(call, &SSM_ERR(ResourcePolicyConflictException),
                         "The hash provided in the call doesn't match the stored hash.");
    return 0;
}

static int
policy_check(struct api_call *call, struct str policy)
{
    struct policy *parsed = NULL;
    struct str why;

    if (policy.n > POLICY_BYTES_MAX)
        return api_fault(call, &SSM_ERR(ResourcePolicyLimitExceededException),
                         "A policy can't be greater than %d bytes in size.", POLICY_BYTES_MAX);
    int r = policy_parse(&parsed, policy, POLICY_RESOURCE, call->arena, &why);

    policy_free(parsed);
    if (r > 0)
        return api_fault(call, &SSM_ERR(MalformedResourcePolicyDocumentException), "%.*s",
                         STR_ARG(why));
    return r;
}

static int
save(struct api_call *call, const struct ssm_parameter_row *row)
{
    int r = ssm_parameter_update(call->txn, row);

    ssm_parameter_assert(row);
    return r < 0 ? error_origin(-r, "the policy of %.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ssm_put_resource_policy(struct api_call *call, const struct ssm_PutResourcePolicyRequest *req,
                        struct ssm_PutResourcePolicyResponse *res)
{
    const struct ssm_parameter_row *row;
    uint8_t digest[SHA256_LEN];
    int r = find(call, req->resource_arn, &row);

    if (r == 0)
        r = policy_check(call, req->policy);
    if (r)
        return r;
    if (!str_is(row->tier, "Advanced"))
        return api_fault(call, &SSM_ERR(ResourcePolicyInvalidParameterException),
                         "Only parameters of the advanced-parameter tier can be shared.");
    struct ssm_parameter_row new = *row;

    if (req->policy_id.n || req->policy_hash.n)
        r = named(call, row, req->policy_id, req->policy_hash);
    else if (row->share_id.n)
        r = api_fault(call, &SSM_ERR(ResourcePolicyLimitExceededException),
                      "The parameter has a resource policy. To change it, name its PolicyId and "
                      "PolicyHash.");
    else
        new.share_id = api_uuid(call->env, call->arena);
    if (r)
        return r;
    crypto_sha256(req->policy.p, req->policy.n, digest);
    new.share_policy = req->policy;
    new.share_hash = str_hex(call->arena, digest, sizeof(digest));
    res->policy_id = new.share_id;
    res->policy_hash = new.share_hash;
    return save(call, &new);
}

int
ssm_get_resource_policies(struct api_call *call, const struct ssm_GetResourcePoliciesRequest *req,
                          struct ssm_GetResourcePoliciesResponse *res)
{
    const struct ssm_parameter_row *row;
    struct api_page page;
    int r = find(call, req->resource_arn, &row);

    if (r == 0)
        r = ssm_page_open(call, req->next_token, req->max_results, 50, &page);
    if (r)
        return r;
    API_PRESENT(&res->policies);
    if (row->share_id.n && api_page_take(&page, row->share_id))
        *LIST_PUSH(call->arena, &res->policies) = (struct ssm_GetResourcePoliciesResponseEntry){
            .policy_id = row->share_id,
            .policy_hash = row->share_hash,
            .policy = row->share_policy,
        };
    res->next_token = ssm_page_next(call, &page);
    return 0;
}

int
ssm_delete_resource_policy(struct api_call *call, const struct ssm_DeleteResourcePolicyRequest *req,
                           struct ssm_DeleteResourcePolicyResponse *res UNUSED)
{
    const struct ssm_parameter_row *row;
    int r = find(call, req->resource_arn, &row);

    if (r == 0)
        r = named(call, row, req->policy_id, req->policy_hash);
    if (r)
        return r;
    struct ssm_parameter_row new = *row;

    new.share_id = new.share_hash = new.share_policy = S("");
    return save(call, &new);
}
