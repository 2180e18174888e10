/*
 * Inline policies of users, groups and roles.  The quota is for all of an owner's together.
 */
#include "iam/document.h"
#include "iam/managed.h"

/* White space does not count for the quota, but it must be kept somewhere. */
enum { INLINE_BYTES_MAX = 131072 };

struct owner {
    const char *kind; /* "user" */
    struct str id, name;
    enum iam_quota quota;
};

static struct str
inline_id(struct api_call *call, struct str owner_id, struct str name)
{
    assert(owner_id.n > 0 && name.n > 0);
    return str_fmt(call->arena, "%.*s/%.*s", STR_ARG(owner_id), STR_ARG(name));
}

static int
inline_find(struct api_call *call, const char *kind, struct str owner_id, struct str name,
            const struct iam_inline_row **ret)
{
    *ret = iam_inline_get(call->txn, inline_id(call, owner_id, name));
    if (*ret)
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "The %s policy with name %.*s cannot be found.",
                     kind, STR_ARG(name));
}

static int
inline_put(struct api_call *call, const struct owner *owner, struct str name, struct str document)
{
    const struct iam_inline_row row = {
        .id = inline_id(call, owner->id, name),
        .account = call->account,
        .owner_id = owner->id,
        .name = name,
        .document = document,
    };
    int64_t size = iam_document_size(document), quota = iam_quota(owner->quota);
    size_t bytes = document.n;
    int r = iam_document_check(call, document, POLICY_IDENTITY);

    assert(owner->id.n && name.n && quota > 0);
    if (r)
        return r;
    STORE_EACH(call->txn, iam_inline_by_owner, other, owner->id) {
        if (str_eq(other->name, name))
            continue;
        size += iam_document_size(other->document);
        assert(str_eq(other->account, call->account));
        bytes += other->document.n;
    }
    if (size > quota || bytes > INLINE_BYTES_MAX)
        return api_fault(call, &IAM_ERR(LimitExceeded),
                         "Maximum policy size of %lld bytes exceeded for %s %.*s", (long long)quota,
                         owner->kind, STR_ARG(owner->name));
    if (iam_inline_get(call->txn, row.id))
        return iam_written(iam_inline_update(call->txn, &row), "policy", row.id);
    return iam_written(iam_inline_insert(call->txn, &row), "policy", row.id);
}

static int
inline_drop(struct api_call *call, const char *kind, struct str owner_id, struct str name)
{
    const struct iam_inline_row *row;
    int r = inline_find(call, kind, owner_id, name, &row);

    return r ? r : iam_written(iam_inline_delete(call->txn, row->id), "policy", row->id);
}

static int
inline_page(struct api_call *call, struct str owner_id, struct str marker, struct opt_i64 max_items,
            struct str_list *ret, struct api_page *ret_page)
{
    int r = iam_page_open(call, marker, max_items, ret_page);

    if (r)
        return r;
    API_PRESENT(ret);
    STORE_EACH(call->txn, iam_inline_by_owner, row, owner_id)
        if (api_page_take(ret_page, row->name))
            *LIST_PUSH(call->arena, ret) = row->name;
    return 0;
}

/*
 * The twelve handlers: iam_put_user_policy(), iam_get_user_policy(), iam_delete_user_policy(),
 * iam_list_user_policies(), and the same of groups and roles.
 */
#define INLINE_OPS(kind, Kind, member, find_to_write, quota)                                       \
    int iam_put_##kind##_policy(struct api_call *call,                                             \
                                const struct iam_Put##Kind##PolicyRequest *req,                    \
                                struct iam_Put##Kind##PolicyResult *res UNUSED)                    \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        int r = find_to_write(call, req->member, &row);                                            \
                                                                                                   \
        if (r)                                                                                     \
            return r;                                                                              \
        const struct owner owner = {#kind, row->id, row->name, quota};                             \
                                                                                                   \
        return inline_put(call, &owner, req->policy_name, req->policy_document);                   \
    }                                                                                              \
    int iam_get_##kind##_policy(struct api_call *call,                                             \
                                const struct iam_Get##Kind##PolicyRequest *req,                    \
                                struct iam_Get##Kind##PolicyResponse *res)                         \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        const struct iam_inline_row *policy;                                                       \
        int r = iam_##kind##_find(call, req->member, &row);                                        \
                                                                                                   \
        if (r == 0)                                                                                \
            r = inline_find(call, #kind, row->id, req->policy_name, &policy);                      \
        if (r)                                                                                     \
            return r;                                                                              \
        res->member = row->name;                                                                   \
        res->policy_name = policy->name;                                                           \
        res->policy_document = iam_document_show(call, policy->document);                          \
        return 0;                                                                                  \
    }                                                                                              \
    int iam_delete_##kind##_policy(struct api_call *call,                                          \
                                   const struct iam_Delete##Kind##PolicyRequest *req,              \
                                   struct iam_Delete##Kind##PolicyResult *res UNUSED)              \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        int r = find_to_write(call, req->member, &row);                                            \
                                                                                                   \
        return r ? r : inline_drop(call, #kind, row->id, req->policy_name);                        \
    }                                                                                              \
    int iam_list_##kind##_policies(struct api_call *call,                                          \
                                   const struct iam_List##Kind##PoliciesRequest *req,              \
                                   struct iam_List##Kind##PoliciesResponse *res)                   \
    {                                                                                              \
        const struct iam_##kind##_row *row;                                                        \
        struct api_page page;                                                                      \
        int r = iam_##kind##_find(call, req->member, &row);                                        \
                                                                                                   \
        if (r == 0)                                                                                \
            r = inline_page(call, row->id, req->marker, req->max_items, &res->policy_names,        \
                            &page);                                                                \
        if (r == 0)                                                                                \
            IAM_PAGE_CLOSE(call, &page, res);                                                      \
        return r;                                                                                  \
    }

INLINE_OPS(user, User, user_name, iam_user_find, IAM_QUOTA_USER_POLICY_SIZE)
INLINE_OPS(group, Group, group_name, iam_group_find, IAM_QUOTA_GROUP_POLICY_SIZE)
INLINE_OPS(role, Role, role_name, iam_role_open, IAM_QUOTA_ROLE_POLICY_SIZE)
