/*
 * Versions of a customer managed policy.  Numbers are never used again, so that "v3" means one
 * document for ever.
 */
#include "iam/holds.h"
#include "iam/document.h"
#include "iam/managed.h"

static int
version_missing(struct api_call *call, struct str arn, struct str version)
{
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "Policy %.*s version %.*s does not exist or is not attachable.", STR_ARG(arn),
                     STR_ARG(version));
}

static int
version_find(struct api_call *call, const struct iam_policy_row *policy, struct str version,
             const struct iam_policy_version_row **ret)
{
    int64_t number = iam_version_number(version);

    assert(policy->last_version >= 1);
    *ret = number ? iam_version_get(call, policy, number) : NULL;
    return *ret ? 0 : version_missing(call, policy->arn, version);
}

int
iam_create_policy_version(struct api_call *call, const struct iam_CreatePolicyVersionRequest *req,
                          struct iam_CreatePolicyVersionResponse *res)
{
    const struct iam_policy_row *row;
    int r = iam_managed_own(call, req->policy_arn, &row);

    if (r == 0 && iam_count(call->txn, &iam_policy_version_by_policy, STORE_KEYS(row->id)) >=
                      iam_quota(IAM_QUOTA_POLICY_VERSIONS))
        r = api_fault(call, &IAM_ERR(LimitExceeded),
                      "A managed policy can have up to 5 versions. Before you create a new "
                      "version, you must delete an existing version.");
    if (r == 0)
        r = iam_document_check(call, req->policy_document, POLICY_MANAGED);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_POLICY_SIZE, iam_document_size(req->policy_document));
    if (r)
        return r;
    struct iam_policy_row new = *row;

    assert(row->default_version > 0 && row->default_version <= row->last_version);
    new.last_version++;
    new.updated_ms = call->now_ms;
    if (opt_bool_or(req->set_as_default, false))
        new.default_version = new.last_version;
    const struct iam_policy_version_row version = {
        .id = str_fmt(call->arena, "%.*s/v%lld", STR_ARG(row->id), (long long)new.last_version),
        .policy_id = row->id,
        .number = new.last_version,
        .document = req->policy_document,
        .created_ms = call->now_ms,
    };

    assert(!iam_policy_version_get(call->txn, version.id)); /* numbers are never used again */
    r = iam_written(iam_policy_version_insert(call->txn, &version), "version", version.id);
    if (r == 0)
        r = iam_written(iam_policy_update(call->txn, &new), "policy", row->id);
    if (r)
        return r;
    res->policy_version = ARENA_NEW(call->arena, struct iam_PolicyVersion);
    *res->policy_version = iam_version_show(call, &new, &version, false);
    return 0;
}

int
iam_get_policy_version(struct api_call *call, const struct iam_GetPolicyVersionRequest *req,
                       struct iam_GetPolicyVersionResponse *res)
{
    const struct iam_policy_version_row *version;
    struct iam_managed policy;
    int r = iam_managed_find(call, req->policy_arn, &policy);

    if (r)
        return r;
    res->policy_version = ARENA_NEW(call->arena, struct iam_PolicyVersion);
    if (!policy.row) {
        if (!str_eq(policy.version, req->version_id))
            return version_missing(call, policy.arn, req->version_id);
        *res->policy_version = iam_version_show_aws(call, &policy, true);
        return 0;
    }
    r = version_find(call, policy.row, req->version_id, &version);
    if (r == 0)
        *res->policy_version = iam_version_show(call, policy.row, version, true);
    return r;
}

int
iam_list_policy_versions(struct api_call *call, const struct iam_ListPolicyVersionsRequest *req,
                         struct iam_ListPolicyVersionsResponse *res)
{
    struct iam_PolicyVersionList all = {0};
    struct iam_managed policy;
    struct api_page page;
    int r = iam_managed_find(call, req->policy_arn, &policy);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    if (!policy.row)
        *LIST_PUSH(call->arena, &all) = iam_version_show_aws(call, &policy, false);
    else
        STORE_EACH(call->txn, iam_policy_version_by_policy, version, policy.row->id)
            *LIST_PUSH(call->arena, &all) = iam_version_show(call, policy.row, version, false);
    API_PRESENT(&res->versions);
    /* The newest first.  A key is the number's distance from the greatest that there can be. */
    for (size_t i = all.n; i-- > 0;) {
        int64_t number = iam_version_number(all.v[i].version_id);
        assert(number > 0);
        struct str key = str_fmt(call->arena, "%019lld", (long long)(INT64_MAX - number));

        if (api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->versions) = all.v[i];
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_set_default_policy_version(struct api_call *call,
                               const struct iam_SetDefaultPolicyVersionRequest *req,
                               struct iam_SetDefaultPolicyVersionResult *res UNUSED)
{
    const struct iam_policy_version_row *version;
    const struct iam_policy_row *row;
    int r = iam_managed_own(call, req->policy_arn, &row);

    if (r == 0)
        r = version_find(call, row, req->version_id, &version);
    if (r)
        return r;
    struct iam_policy_row new = *row;

    assert(version->number > 0 && version->number <= row->last_version);
    /* UpdateDate is of the newest version, whichever is the default. */
    new.default_version = version->number;
    iam_policy_assert(&new);
    return iam_written(iam_policy_update(call->txn, &new), "policy", row->id);
}

int
iam_delete_policy_version(struct api_call *call, const struct iam_DeletePolicyVersionRequest *req,
                          struct iam_DeletePolicyVersionResult *res UNUSED)
{
    const struct iam_policy_version_row *version;
    const struct iam_policy_row *row;
    int r = iam_managed_own(call, req->policy_arn, &row);

    if (r == 0)
        r = version_find(call, row, req->version_id, &version);
    if (r == 0 && version->number == row->default_version)
        r = api_fault(call, &IAM_ERR(DeleteConflict),
                      "Cannot delete the default version of a policy.");
    if (r)
        return r;
    assert(version->number != row->default_version);
    return iam_written(iam_policy_version_delete(call->txn, version->id), "version", version->id);
}
