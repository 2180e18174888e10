/* Key policies: each key has one, named "default". */
#include "kms/access.h"

enum { POLICY_BYTES_MAX = 32768, POLICIES_PAGE = 100, PAGE_MAX = 1000 };

struct str
kms_policy_default(struct arena *a, struct str account)
{
    assert(account.n > 0);
    return str_fmt(a,
                   "{\n"
                   "  \"Version\" : \"2012-10-17\",\n"
                   "  \"Id\" : \"key-default-1\",\n"
                   "  \"Statement\" : [ {\n"
                   "    \"Sid\" : \"Enable IAM User Permissions\",\n"
                   "    \"Effect\" : \"Allow\",\n"
                   "    \"Principal\" : {\n"
                   "      \"AWS\" : \"arn:aws:iam::%.*s:root\"\n"
                   "    },\n"
                   "    \"Action\" : \"kms:*\",\n"
                   "    \"Resource\" : \"*\"\n"
                   "  } ]\n"
                   "}",
                   STR_ARG(account));
}

static int
name_check(struct api_call *call, struct str name)
{
    if (!name.p || str_is(name, "default"))
        return 0;
    return api_fault(call, &KMS_ERR(NotFoundException), "No such policy exists");
}

int
kms_get_key_policy(struct api_call *call, const struct kms_GetKeyPolicyRequest *req,
                   struct kms_GetKeyPolicyResponse *res)
{
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id, .allow = KMS_LOOKING}, &row);

    if (r == 0)
        r = name_check(call, req->policy_name);
    if (r)
        return r;
    res->policy = row->policy;
    res->policy_name = S("default");
    return 0;
}

int
kms_put_key_policy(struct api_call *call, const struct kms_PutKeyPolicyRequest *req,
                   struct kms_PutKeyPolicyResult *res UNUSED)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = name_check(call, req->policy_name);
    if (r == 0)
        r = kms_policy_check(call, req->policy, row,
                             opt_bool_or(req->bypass_policy_lockout_safety_check, false));
    if (r)
        return r;
    struct kms_key_row new = *row;

    new.policy = req->policy;
    return kms_key_save(call->txn, &new);
}

int
kms_list_key_policies(struct api_call *call, const struct kms_ListKeyPoliciesRequest *req,
                      struct kms_ListKeyPoliciesResponse *res)
{
    const struct kms_key_row *row;
    struct kms_listing listing;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id, .allow = KMS_LOOKING}, &row);

    if (r == 0)
        r = kms_listing_open(call, req->limit, PAGE_MAX, POLICIES_PAGE, req->marker, &listing);
    if (r)
        return r;
    if (kms_listing_takes(&listing, S("default")))
        *LIST_PUSH(call->arena, &res->policy_names) = S("default");
    API_PRESENT(&res->policy_names);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}

/* ---- what a policy may be ---- */

/*
 * The safety check: whoever puts the policy must be able to put another one.  The account's root
 * in a policy speaks for the account, so what IAM lets the caller do counts too.
 */
static int
lockout_check(struct api_call *call, struct str policy, const struct kms_key_row *row)
{
    struct kms_key_row future = *row;

    assert(policy.n > 0 && policy.n <= POLICY_BYTES_MAX);
    future.policy = policy;
    const struct api_resource resource = kms_resource_of(call, &future);

    if (api_may(call, S("kms:PutKeyPolicy"), &resource, NULL))
        return 0;
    return api_fault(call, &KMS_ERR(MalformedPolicyDocumentException),
                     "The new key policy will not allow you to update the key policy in the "
                     "future.");
}

int
kms_policy_check(struct api_call *call, struct str policy, const struct kms_key_row *row,
                 bool bypass)
{
    struct policy *parsed = NULL;
    struct str why;

    if (policy.n > POLICY_BYTES_MAX)
        return api_fault(call, &KMS_ERR(LimitExceededException),
                         "The key policy is larger than the limit of %d bytes", POLICY_BYTES_MAX);
    int r = policy_parse(&parsed, policy, POLICY_RESOURCE, call->arena, &why);

    policy_free(parsed);
    if (r > 0)
        return api_fault(call, &KMS_ERR(MalformedPolicyDocumentException), "%.*s", STR_ARG(why));
    return r < 0 || bypass ? r : lockout_check(call, policy, row);
}
