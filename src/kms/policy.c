/* Key policies: each key has one, named "default". */
#include "kms/kms.h"

#include "codec/json.h"

enum { POLICY_BYTES_MAX = 32768, POLICY_NODES_MAX = 20000, POLICIES_PAGE = 100, PAGE_MAX = 1000 };

struct str
kms_policy_default(struct arena *a, struct str account)
{
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
                   void *res UNUSED)
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
