/*
 * Users: a name in an account.  Policies, groups, keys and devices hang on the user's id, so a user
 * that is renamed keeps them, and one that is made again under an old name has none of them.
 */
#include "iam/holds.h"
#include "iam/tag_ops.h"

static struct iam_User *
show_all(struct api_call *call, const struct iam_user_row *row)
{
    struct iam_User *user = arena_alloc(call->arena, sizeof(*user));

    iam_user_assert(row);
    *user = iam_user_show(call, row);
    user->permissions_boundary = iam_boundary_show(call, row->boundary);
    user->tags = iam_tags_show(call, &row->tags);
    return user;
}

static int
update(struct api_call *call, const struct iam_user_row *row)
{
    iam_user_assert(row);
    return iam_written(iam_user_update(call->txn, row), "user", row->id);
}

/* ---- CreateUser, GetUser, ListUsers, UpdateUser ---- */

int
iam_create_user(struct api_call *call, const struct iam_CreateUserRequest *req,
                struct iam_CreateUserResponse *res)
{
    struct iam_user_row row = {
        .id = iam_id(call, "AIDA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->user_name,
        .name_lower = str_lower(call->arena, req->user_name),
        .boundary = req->permissions_boundary,
        .created_ms = call->now_ms,
    };
    int r = iam_tags_put(call, &req->tags, &row.tags, &row.tags);

    if (r == 0)
        r = iam_user_name_free(call, req->user_name, STR_NONE);
    if (r == 0 && row.boundary.p)
        r = iam_boundary_check(call, row.boundary);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_USERS,
                            iam_count(call->txn, &iam_user_by_name, STORE_KEYS(call->account)) + 1);
    if (r == 0)
        r = iam_written(iam_user_insert(call->txn, &row), "user", row.id);
    if (r)
        return r;
    assert(iam_user_get(call->txn, row.id));
    res->user = show_all(call, &row);
    return 0;
}

int
iam_get_user(struct api_call *call, const struct iam_GetUserRequest *req,
             struct iam_GetUserResponse *res)
{
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r)
        return r;
    if (owner.row) {
        res->user = show_all(call, owner.row);
        return 0;
    }
    res->user = arena_alloc(call->arena, sizeof(*res->user));
    *res->user = iam_root_show(call);
    return 0;
}

int
iam_list_users(struct api_call *call, const struct iam_ListUsersRequest *req,
               struct iam_ListUsersResponse *res)
{
    struct api_page page;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->users);
    STORE_EACH(call->txn, iam_user_by_name, row, call->account) {
        if (str_starts(row->path, req->path_prefix) && api_page_take(&page, row->name_lower))
            *LIST_PUSH(call->arena, &res->users) = iam_user_show(call, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_user(struct api_call *call, const struct iam_UpdateUserRequest *req,
                struct iam_UpdateUserResult *res)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    (void)res;
    if (r == 0 && req->new_user_name.p)
        r = iam_user_name_free(call, req->new_user_name, row->id);
    if (r)
        return r;
    struct iam_user_row new = *row;

    assert(str_eq(row->account, call->account));
    if (req->new_user_name.p) {
        new.name = req->new_user_name;
        new.name_lower = str_lower(call->arena, new.name);
    }
    if (req->new_path.p)
        new.path = req->new_path;
    return update(call, &new);
}

/* ---- DeleteUser ---- */

/* What must be gone before the user goes, in the order in which it is told. */
static const struct {
    const struct store_index *by_user;
    const char *what;
} user_parts[] = {
    {&iam_access_key_by_user, "delete access keys"},
    {&iam_signing_certificate_by_user, "delete certificates"},
    {&iam_mfa_device_by_user, "remove tokens from principal"},
    {&iam_ssh_key_by_user, "remove referenced objects"},
    {&iam_service_credential_by_user, "remove referenced objects"},
};

int
iam_delete_user(struct api_call *call, const struct iam_DeleteUserRequest *req,
                struct iam_DeleteUserResult *res)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    (void)res;
    if (r)
        return r;
    if (iam_count(call->txn, &iam_member_by_user, STORE_KEYS(row->id)))
        return iam_conflict(call, "remove users from group");
    r = iam_policies_gone(call, row->id);
    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(user_parts); i++)
        if (iam_count(call->txn, user_parts[i].by_user, STORE_KEYS(row->id)))
            return iam_conflict(call, user_parts[i].what);
    assert(!iam_count(call->txn, &iam_inline_by_owner, STORE_KEYS(row->id)));
    if (row->login_created_ms)
        return iam_conflict(call, "delete login profile");
    assert(!iam_count(call->txn, &iam_member_by_user, STORE_KEYS(row->id)));
    return iam_written(iam_user_delete(call->txn, row->id), "user", row->id);
}

/* ---- permissions boundaries ---- */

int
iam_put_user_permissions_boundary(struct api_call *call,
                                  const struct iam_PutUserPermissionsBoundaryRequest *req,
                                  struct iam_PutUserPermissionsBoundaryResult *res)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    (void)res;
    if (r == 0)
        r = iam_boundary_check(call, req->permissions_boundary);
    if (r)
        return r;
    struct iam_user_row new = *row;

    new.boundary = req->permissions_boundary;
    return update(call, &new);
}

int
iam_delete_user_permissions_boundary(struct api_call *call,
                                     const struct iam_DeleteUserPermissionsBoundaryRequest *req,
                                     struct iam_DeleteUserPermissionsBoundaryResult *res)
{
    const struct iam_user_row *row;
    int r = iam_user_find(call, req->user_name, &row);

    (void)res;
    if (r)
        return r;
    if (!row->boundary.n)
        return api_fault(call, &IAM_ERR(NoSuchEntity),
                         "The user with name %.*s has no permissions boundary.",
                         STR_ARG(row->name));
    struct iam_user_row new = *row;

    new.boundary = STR_NONE;
    return update(call, &new);
}

/* ---- tags ---- */

IAM_TAG_OPS(user, User, iam_user_row, user_name, iam_user_find, update, IAM_KEYS_FOLDED)
IAM_TAG_LIST_OP(user, User, iam_user_row, user_name, iam_user_find)
