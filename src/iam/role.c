/*
 * Roles.  A service-linked role is a row like the others with a service_name; here it is only kept
 * from being changed (service_role.c makes and deletes it).
 */
#include "iam/document.h"
#include "iam/holds.h"
#include "iam/managed.h"
#include "iam/tag_ops.h"

enum { SESSION_S_DEFAULT = 3600 };

/* ---- showing ---- */

struct iam_RoleLastUsed *
iam_role_used(struct api_call *call, const struct iam_role_row *row)
{
    struct iam_RoleLastUsed *used = ARENA_NEW(call->arena, struct iam_RoleLastUsed);

    assert(row->used_ms >= 0);
    /* A role that nobody used has an empty element. */
    if (row->used_ms)
        *used = (struct iam_RoleLastUsed){opt_i64(row->used_ms), row->used_region};
    return used;
}

struct iam_Role
iam_role_show(struct api_call *call, const struct iam_role_row *row)
{
    iam_role_assert(row);
    assert(row->max_session_s >= SESSION_S_DEFAULT);
    return (struct iam_Role){
        .path = row->path,
        .role_name = row->name,
        .role_id = row->id,
        .arn = iam_arn(call, "role", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
        .assume_role_policy_document = iam_trust_show(call, row->trust_policy),
        .description = row->description.n ? row->description : STR_NONE,
        .max_session_duration = opt_i64(row->max_session_s),
    };
}

static struct iam_Role *
role_show_all(struct api_call *call, const struct iam_role_row *row)
{
    struct iam_Role *role = ARENA_NEW(call->arena, struct iam_Role);

    *role = iam_role_show(call, row);
    role->permissions_boundary = iam_boundary_show(call, row->boundary);
    role->tags = iam_tags_show(call, &row->tags);
    return role;
}

/* ---- finding ---- */

int
iam_role_unprotected(struct api_call *call, const struct iam_role_row *row)
{
    if (!row->service_name.n)
        return 0;
    return api_fault(call, &IAM_ERR(UnmodifiableEntity),
                     "Cannot perform the operation on the protected role '%.*s' - this role is "
                     "only modifiable by AWS",
                     STR_ARG(row->name));
}

int
iam_role_open(struct api_call *call, struct str name, const struct iam_role_row **ret)
{
    int r = iam_role_find(call, name, ret);

    assert(r != 0 || str_eq((*ret)->account, call->account));
    return r ? r : iam_role_unprotected(call, *ret);
}

static int
role_put(struct api_call *call, const struct iam_role_row *row)
{
    iam_role_assert(row);
    return iam_written(iam_role_update(call->txn, row), "role", row->id);
}

/* ---- CreateRole ---- */

int
iam_create_role(struct api_call *call, const struct iam_CreateRoleRequest *req,
                struct iam_CreateRoleResponse *res)
{
    struct iam_role_row row = {
        .id = iam_id(call, "AROA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->role_name,
        .name_lower = str_lower(call->arena, req->role_name),
        .description = req->description,
        .max_session_s = opt_i64_or(req->max_session_duration, SESSION_S_DEFAULT),
        .boundary = req->permissions_boundary,
        .created_ms = call->now_ms,
    };
    const struct str_list none = {0};
    int r = 0;

    if (str_starts(row.path, S("/aws-service-role/")))
        r = api_fault(call, &IAM_ERR(InvalidInput),
                      "Paths beginning with /aws-service-role/ are reserved for service-linked "
                      "roles.");
    if (r == 0)
        r = iam_role_name_free(call, row.name);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_ROLES,
                            iam_count(call->txn, &iam_role_by_name, STORE_KEYS(call->account)) + 1);
    if (r == 0)
        r = iam_trust_check(call, req->assume_role_policy_document, &row.trust_policy);
    if (r == 0 && row.boundary.p)
        r = iam_boundary_check(call, row.boundary);
    if (r == 0)
        r = iam_tags_put(call, &req->tags, &none, &row.tags);
    if (r == 0)
        r = iam_written(iam_role_insert(call->txn, &row), "role", row.id);
    if (r == 0)
        res->role = role_show_all(call, &row);
    return r;
}

/* ---- GetRole, ListRoles ---- */

int
iam_get_role(struct api_call *call, const struct iam_GetRoleRequest *req,
             struct iam_GetRoleResponse *res)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, req->role_name, &row);

    if (r)
        return r;
    res->role = role_show_all(call, row);
    res->role->role_last_used = iam_role_used(call, row);
    return 0;
}

int
iam_list_roles(struct api_call *call, const struct iam_ListRolesRequest *req,
               struct iam_ListRolesResponse *res)
{
    struct api_page page;
    size_t spent = 0;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->roles);
    STORE_EACH(call->txn, iam_role_by_name, row, call->account) {
        if (page.more)
            break;
        if (!str_starts(row->path, req->path_prefix) || !api_page_take(&page, row->name_lower))
            continue;
        *LIST_PUSH(call->arena, &res->roles) = iam_role_show(call, row);
        iam_page_spend(&page, &spent, row->trust_policy.n);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

/* ---- changing ---- */

int
iam_update_role(struct api_call *call, const struct iam_UpdateRoleRequest *req,
                struct iam_UpdateRoleResponse *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, req->role_name, &row);

    /* The description of a service-linked role is its owner's. */
    if (r == 0 && req->max_session_duration.set)
        r = iam_role_unprotected(call, row);
    if (r)
        return r;
    struct iam_role_row new = *row;

    /* A duration that is left out goes back to its default, a description stays. */
    if (req->description.p)
        new.description = req->description;
    new.max_session_s = opt_i64_or(req->max_session_duration, SESSION_S_DEFAULT);
    return role_put(call, &new);
}

int
iam_update_role_description(struct api_call *call,
                            const struct iam_UpdateRoleDescriptionRequest *req,
                            struct iam_UpdateRoleDescriptionResponse *res)
{
    const struct iam_role_row *row;
    int r = iam_role_find(call, req->role_name, &row);

    if (r)
        return r;
    struct iam_role_row new = *row;

    new.description = req->description;
    r = role_put(call, &new);
    if (r == 0)
        res->role = role_show_all(call, &new);
    return r;
}

int
iam_update_assume_role_policy(struct api_call *call,
                              const struct iam_UpdateAssumeRolePolicyRequest *req,
                              struct iam_UpdateAssumeRolePolicyResult *res UNUSED)
{
    const struct iam_role_row *row;
    struct iam_role_row new;
    int r = iam_role_open(call, req->role_name, &row);

    if (r)
        return r;
    new = *row;
    r = iam_trust_check(call, req->policy_document, &new.trust_policy);
    return r ? r : role_put(call, &new);
}

int
iam_put_role_permissions_boundary(struct api_call *call,
                                  const struct iam_PutRolePermissionsBoundaryRequest *req,
                                  struct iam_PutRolePermissionsBoundaryResult *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, req->role_name, &row);

    if (r == 0)
        r = iam_boundary_check(call, req->permissions_boundary);
    if (r)
        return r;
    struct iam_role_row new = *row;

    new.boundary = req->permissions_boundary;
    return role_put(call, &new);
}

int
iam_delete_role_permissions_boundary(struct api_call *call,
                                     const struct iam_DeleteRolePermissionsBoundaryRequest *req,
                                     struct iam_DeleteRolePermissionsBoundaryResult *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, req->role_name, &row);

    if (r == 0 && !row->boundary.n)
        r = api_fault(call, &IAM_ERR(NoSuchEntity),
                      "The role with name %.*s does not have a permissions boundary.",
                      STR_ARG(row->name));
    if (r)
        return r;
    struct iam_role_row new = *row;

    new.boundary = S("");
    return role_put(call, &new);
}

/* ---- DeleteRole ---- */

int
iam_delete_role(struct api_call *call, const struct iam_DeleteRoleRequest *req,
                struct iam_DeleteRoleResult *res UNUSED)
{
    const struct iam_role_row *row;
    int r = iam_role_open(call, req->role_name, &row);

    if (r == 0 && iam_count(call->txn, &iam_profile_by_role, STORE_KEYS(row->id)))
        r = iam_conflict(call, "remove roles from instance profile");
    if (r == 0)
        r = iam_policies_gone(call, row->id);
    if (r)
        return r;
    assert(!row->service_name.n);
    return iam_written(iam_role_delete(call->txn, row->id), "role", row->id);
}

/* ---- tags ---- */

IAM_TAG_OPS(role, Role, iam_role_row, role_name, iam_role_find, role_put, IAM_KEYS_FOLDED)
IAM_TAG_LIST_OP(role, Role, iam_role_row, role_name, iam_role_find)
