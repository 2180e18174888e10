/*
 * Managed policies attached to users, groups and roles.  The three differ in how the owner is found
 * and in a quota; the rest is done once.
 */
#include "iam/managed.h"

static struct str
attachment_id(struct api_call *call, struct str owner_id, struct str policy_arn)
{
    assert(owner_id.n > 0 && policy_arn.n > 0);
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

    assert(owner_id.n && str_starts(policy_arn, S("arn:aws:iam::")));
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
    assert(str_eq(policy.arn, policy_arn));
    r = iam_quota_check(call, quota,
                        iam_count(call->txn, &iam_attachment_by_owner, STORE_KEYS(owner_id)) + 1);
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
attached_page(struct api_call *call, struct str owner_id, struct str path_prefix, struct str marker,
              struct opt_i64 max_items, struct iam_AttachedPolicyList *ret,
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
        assert(str_eq(row->account, call->account) && str_eq(row->owner_id, owner_id));
        if (found && str_starts(policy.path, path_prefix) && api_page_take(ret_page, key))
            *LIST_PUSH(call->arena, ret) = (struct iam_AttachedPolicy){policy.name, policy.arn};
    }
    return 0;
}

/*
 * The nine handlers: iam_attach_user_policy(), iam_detach_user_policy(),
 * iam_list_attached_user_policies(), and the same of groups and roles.
 */
#define ATTACHMENT_OPS(kind, Kind, member, find_to_write, quota)                                   \
    int iam_attach_##kind##_policy(struct api_call *call,                                          \
                                   const struct iam_Attach##Kind##PolicyRequest *req,              \
                                   struct iam_Attach##Kind##PolicyResult *res UNUSED)              \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        int r = find_to_write(call, req->member, &row);                                            \
                                                                                                   \
        return r ? r : attach(call, row->id, req->policy_arn, quota);                              \
    }                                                                                              \
    int iam_detach_##kind##_policy(struct api_call *call,                                          \
                                   const struct iam_Detach##Kind##PolicyRequest *req,              \
                                   struct iam_Detach##Kind##PolicyResult *res UNUSED)              \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        int r = find_to_write(call, req->member, &row);                                            \
                                                                                                   \
        return r ? r : detach(call, row->id, req->policy_arn);                                     \
    }                                                                                              \
    int iam_list_attached_##kind##_policies(                                                       \
        struct api_call *call, const struct iam_ListAttached##Kind##PoliciesRequest *req,          \
        struct iam_ListAttached##Kind##PoliciesResponse *res)                                      \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        struct api_page page;                                                                      \
        int r = iam_##kind##_find(call, req->member, &row);                                        \
                                                                                                   \
        if (r == 0)                                                                                \
            r = attached_page(call, row->id, req->path_prefix, req->marker, req->max_items,        \
                              &res->attached_policies, &page);                                     \
        if (r == 0)                                                                                \
            IAM_PAGE_CLOSE(call, &page, res);                                                      \
        return r;                                                                                  \
    }

ATTACHMENT_OPS(user, User, user_name, iam_user_find, IAM_QUOTA_USER_ATTACHMENTS)
ATTACHMENT_OPS(group, Group, group_name, iam_group_find, IAM_QUOTA_GROUP_ATTACHMENTS)
ATTACHMENT_OPS(role, Role, role_name, iam_role_open, IAM_QUOTA_ROLE_ATTACHMENTS)
