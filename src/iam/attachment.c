/*
 * Managed policies attached to users, groups and roles.  The three differ in how the owner is found
 * and in a quota; the rest is done once.
 */
#include "iam/managed.h"

static struct str
attachment_id(struct api_call *call, struct str owner_id, struct str policy_arn)
{
    return str_fmt(call->arena, "%.*s/%.*s", STR_ARG(owner_id), STR_ARG(policy_arn));
}

int
iam_attach(struct api_call *call, struct str owner_id, struct str policy_arn)
{
    const struct iam_attachment_row row = {
        .id = attachment_id(call, owner_id, policy_arn),
        .account = call->account,
        .owner_id = owner_id,
        .policy_arn = policy_arn,
        .attached_ms = call->now_ms,
    };

    return iam_written(iam_attachment_insert(call->txn, &row), "attachment", row.id);
}

static int
attach(struct api_call *call, struct str owner_id, struct str policy_arn, enum iam_quota quota)
{
    struct iam_managed policy;
    int r = iam_managed_attachable(call, policy_arn, &policy);

    if (r)
        return r;
    /* Attaching twice is no fault. */
    if (iam_attachment_get(call->txn, attachment_id(call, owner_id, policy_arn)))
        return 0;
    r = iam_quota_check(
        call, quota, iam_count(call->txn, &iam_attachment_by_owner, STORE_KEYS(owner_id)) + 1);
    return r ? r : iam_attach(call, owner_id, policy_arn);
}

static int
detach(struct api_call *call, struct str owner_id, struct str policy_arn)
{
    struct str id = attachment_id(call, owner_id, policy_arn);

    if (!iam_attachment_get(call->txn, id))
        return api_fault(call, &IAM_ERR(NoSuchEntity), "Policy %.*s was not found.",
                         STR_ARG(policy_arn));
    return iam_written(iam_attachment_delete(call->txn, id), "attachment", id);
}

static int
attached_page(struct api_call *call, struct str owner_id, struct str path_prefix,
              struct str marker, struct opt_i64 max_items, struct iam_AttachedPolicyList *ret,
              struct api_page *ret_page)
{
    int r = iam_page_open(call, marker, max_items, ret_page);
    unsigned place = 0;

    if (r)
        return r;
    API_PRESENT(ret);
    STORE_EACH(call->txn, iam_attachment_by_owner, row, owner_id) {
        /* An ARN may be longer than a Marker, so the place in the order stands for it. */
        struct str key = str_fmt(call->arena, "%04u", place++);
        struct iam_managed policy;
        bool found = iam_managed_get(call, row->policy_arn, &policy);

        assert(found);
        if (found && str_starts(policy.path, path_prefix) && api_page_take(ret_page, key))
            *LIST_PUSH(call->arena, ret) = (struct iam_AttachedPolicy){policy.name, policy.arn};
    }
    return 0;
}

/* ---- users ---- */

int
iam_attach_user_policy(struct api_call *call, const struct iam_AttachUserPolicyRequest *req,
                      struct iam_AttachUserPolicyResult *res UNUSED)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    return r ? r : attach(call, row->id, req->policy_arn, IAM_QUOTA_USER_ATTACHMENTS);
}

int
iam_detach_user_policy(struct api_call *call, const struct iam_DetachUserPolicyRequest *req,
                      struct iam_DetachUserPolicyResult *res UNUSED)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    return r ? r : detach(call, row->id, req->policy_arn);
}

int
iam_list_attached_user_policies(struct api_call *call,
                               const struct iam_ListAttachedUserPoliciesRequest *req,
                               struct iam_ListAttachedUserPoliciesResponse *res)
{
    const struct iam_user_row *row;
    struct api_page page;
    int r = iam_user_find(call, req->user_name, &row);

    if (r == 0)
        r = attached_page(call, row->id, req->path_prefix, req->marker, req->max_items,
                          &res->attached_policies, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}

/* ---- groups ---- */

int
iam_attach_group_policy(struct api_call *call, const struct iam_AttachGroupPolicyRequest *req,
                      struct iam_AttachGroupPolicyResult *res UNUSED)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, req->group_name, &row);

    return r ? r : attach(call, row->id, req->policy_arn, IAM_QUOTA_GROUP_ATTACHMENTS);
}

int
iam_detach_group_policy(struct api_call *call, const struct iam_DetachGroupPolicyRequest *req,
                      struct iam_DetachGroupPolicyResult *res UNUSED)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, req->group_name, &row);

    return r ? r : detach(call, row->id, req->policy_arn);
}

int
iam_list_attached_group_policies(struct api_call *call,
                               const struct iam_ListAttachedGroupPoliciesRequest *req,
                               struct iam_ListAttachedGroupPoliciesResponse *res)
{
    const struct iam_group_row *row;
    struct api_page page;
    int r = iam_group_find(call, req->group_name, &row);

    if (r == 0)
        r = attached_page(call, row->id, req->path_prefix, req->marker, req->max_items,
                          &res->attached_policies, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}

/* ---- roles ---- */

int
iam_attach_role_policy(struct api_call *call, const struct iam_AttachRolePolicyRequest *req,
                      struct iam_AttachRolePolicyResult *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, req->role_name, &row);

    return r ? r : attach(call, row->id, req->policy_arn, IAM_QUOTA_ROLE_ATTACHMENTS);
}

int
iam_detach_role_policy(struct api_call *call, const struct iam_DetachRolePolicyRequest *req,
                      struct iam_DetachRolePolicyResult *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, req->role_name, &row);

    return r ? r : detach(call, row->id, req->policy_arn);
}

int
iam_list_attached_role_policies(struct api_call *call,
                               const struct iam_ListAttachedRolePoliciesRequest *req,
                               struct iam_ListAttachedRolePoliciesResponse *res)
{
    const struct iam_role_row *row;
    struct api_page page;
    int r = iam_role_find(call, req->role_name, &row);

    if (r == 0)
        r = attached_page(call, row->id, req->path_prefix, req->marker, req->max_items,
                          &res->attached_policies, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}
