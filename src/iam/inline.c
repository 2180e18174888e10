/*
 * Inline policies of users, groups and roles.  The quota is for all of an owner's together.
 */
#include "iam/document.h"
#include "iam/managed.h"

struct owner {
    const char *kind; /* "user" */
    struct str id, name;
    enum iam_quota quota;
};

static struct str
inline_id(struct api_call *call, const struct owner *owner, struct str name)
{
    return str_fmt(call->arena, "%.*s/%.*s", STR_ARG(owner->id), STR_ARG(name));
}

static int
inline_find(struct api_call *call, const struct owner *owner, struct str name,
            const struct iam_inline_row **ret)
{
    *ret = iam_inline_get(call->txn, inline_id(call, owner, name));
    if (*ret)
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "The %s policy with name %.*s cannot be found.", owner->kind, STR_ARG(name));
}

static int
inline_put(struct api_call *call, const struct owner *owner, struct str name, struct str document)
{
    const struct iam_inline_row row = {
        .id = inline_id(call, owner, name),
        .account = call->account,
        .owner_id = owner->id,
        .name = name,
        .document = document,
    };
    int64_t size = iam_document_size(document), quota = iam_quota(owner->quota);
    int r = iam_document_check(call, document, POLICY_IDENTITY);

    if (r)
        return r;
    STORE_EACH(call->txn, iam_inline_by_owner, other, owner->id)
        if (!str_eq(other->name, name))
            size += iam_document_size(other->document);
    if (size > quota)
        return api_fault(call, &IAM_ERR(LimitExceeded),
                         "Maximum policy size of %lld bytes exceeded for %s %.*s",
                         (long long)quota, owner->kind, STR_ARG(owner->name));
    if (iam_inline_get(call->txn, row.id))
        return iam_written(iam_inline_update(call->txn, &row), "policy", row.id);
    return iam_written(iam_inline_insert(call->txn, &row), "policy", row.id);
}

static int
inline_drop(struct api_call *call, const struct owner *owner, struct str name)
{
    const struct iam_inline_row *row;
    int r = inline_find(call, owner, name, &row);

    return r ? r : iam_written(iam_inline_delete(call->txn, row->id), "policy", row->id);
}

static int
inline_page(struct api_call *call, const struct owner *owner, struct str marker,
            struct opt_i64 max_items, struct str_list *ret, struct api_page *ret_page)
{
    int r = iam_page_open(call, marker, max_items, ret_page);

    if (r)
        return r;
    API_PRESENT(ret);
    STORE_EACH(call->txn, iam_inline_by_owner, row, owner->id)
        if (api_page_take(ret_page, row->name))
            *LIST_PUSH(call->arena, ret) = row->name;
    return 0;
}

/* ---- users ---- */

static int
user_owner(struct api_call *call, struct str name, struct owner *ret)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, name, &row);

    if (r == 0)
        *ret = (struct owner){"user", row->id, row->name, IAM_QUOTA_USER_POLICY_SIZE};
    return r;
}

int
iam_put_user_policy(struct api_call *call, const struct iam_PutUserPolicyRequest *req,
                   struct iam_PutUserPolicyResult *res UNUSED)
{
    struct owner owner;
    int r = user_owner(call, req->user_name, &owner);

    return r ? r : inline_put(call, &owner, req->policy_name, req->policy_document);
}

int
iam_get_user_policy(struct api_call *call, const struct iam_GetUserPolicyRequest *req,
                   struct iam_GetUserPolicyResponse *res)
{
    const struct iam_inline_row *row;
    struct owner owner;
    int r = user_owner(call, req->user_name, &owner);

    if (r == 0)
        r = inline_find(call, &owner, req->policy_name, &row);
    if (r)
        return r;
    res->user_name = owner.name;
    res->policy_name = row->name;
    res->policy_document = iam_document_show(call, row->document);
    return 0;
}

int
iam_delete_user_policy(struct api_call *call, const struct iam_DeleteUserPolicyRequest *req,
                      struct iam_DeleteUserPolicyResult *res UNUSED)
{
    struct owner owner;
    int r = user_owner(call, req->user_name, &owner);

    return r ? r : inline_drop(call, &owner, req->policy_name);
}

int
iam_list_user_policies(struct api_call *call, const struct iam_ListUserPoliciesRequest *req,
                      struct iam_ListUserPoliciesResponse *res)
{
    struct owner owner;
    struct api_page page;
    int r = user_owner(call, req->user_name, &owner);

    if (r == 0)
        r = inline_page(call, &owner, req->marker, req->max_items, &res->policy_names, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}

/* ---- groups ---- */

static int
group_owner(struct api_call *call, struct str name, struct owner *ret)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, name, &row);

    if (r == 0)
        *ret = (struct owner){"group", row->id, row->name, IAM_QUOTA_GROUP_POLICY_SIZE};
    return r;
}

int
iam_put_group_policy(struct api_call *call, const struct iam_PutGroupPolicyRequest *req,
                   struct iam_PutGroupPolicyResult *res UNUSED)
{
    struct owner owner;
    int r = group_owner(call, req->group_name, &owner);

    return r ? r : inline_put(call, &owner, req->policy_name, req->policy_document);
}

int
iam_get_group_policy(struct api_call *call, const struct iam_GetGroupPolicyRequest *req,
                   struct iam_GetGroupPolicyResponse *res)
{
    const struct iam_inline_row *row;
    struct owner owner;
    int r = group_owner(call, req->group_name, &owner);

    if (r == 0)
        r = inline_find(call, &owner, req->policy_name, &row);
    if (r)
        return r;
    res->group_name = owner.name;
    res->policy_name = row->name;
    res->policy_document = iam_document_show(call, row->document);
    return 0;
}

int
iam_delete_group_policy(struct api_call *call, const struct iam_DeleteGroupPolicyRequest *req,
                      struct iam_DeleteGroupPolicyResult *res UNUSED)
{
    struct owner owner;
    int r = group_owner(call, req->group_name, &owner);

    return r ? r : inline_drop(call, &owner, req->policy_name);
}

int
iam_list_group_policies(struct api_call *call, const struct iam_ListGroupPoliciesRequest *req,
                      struct iam_ListGroupPoliciesResponse *res)
{
    struct owner owner;
    struct api_page page;
    int r = group_owner(call, req->group_name, &owner);

    if (r == 0)
        r = inline_page(call, &owner, req->marker, req->max_items, &res->policy_names, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}

/* ---- roles ---- */

static int
role_owner(struct api_call *call, struct str name, struct owner *ret)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, name, &row);

    if (r == 0)
        *ret = (struct owner){"role", row->id, row->name, IAM_QUOTA_ROLE_POLICY_SIZE};
    return r;
}

static int
role_owner_open(struct api_call *call, struct str name, struct owner *ret)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, name, &row);

    return r ? r : role_owner(call, name, ret);
}

int
iam_put_role_policy(struct api_call *call, const struct iam_PutRolePolicyRequest *req,
                   struct iam_PutRolePolicyResult *res UNUSED)
{
    struct owner owner;
    int r = role_owner_open(call, req->role_name, &owner);

    return r ? r : inline_put(call, &owner, req->policy_name, req->policy_document);
}

int
iam_get_role_policy(struct api_call *call, const struct iam_GetRolePolicyRequest *req,
                   struct iam_GetRolePolicyResponse *res)
{
    const struct iam_inline_row *row;
    struct owner owner;
    int r = role_owner(call, req->role_name, &owner);

    if (r == 0)
        r = inline_find(call, &owner, req->policy_name, &row);
    if (r)
        return r;
    res->role_name = owner.name;
    res->policy_name = row->name;
    res->policy_document = iam_document_show(call, row->document);
    return 0;
}

int
iam_delete_role_policy(struct api_call *call, const struct iam_DeleteRolePolicyRequest *req,
                      struct iam_DeleteRolePolicyResult *res UNUSED)
{
    struct owner owner;
    int r = role_owner_open(call, req->role_name, &owner);

    return r ? r : inline_drop(call, &owner, req->policy_name);
}

int
iam_list_role_policies(struct api_call *call, const struct iam_ListRolePoliciesRequest *req,
                      struct iam_ListRolePoliciesResponse *res)
{
    struct owner owner;
    struct api_page page;
    int r = role_owner(call, req->role_name, &owner);

    if (r == 0)
        r = inline_page(call, &owner, req->marker, req->max_items, &res->policy_names, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}
