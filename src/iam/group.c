/*
 * Groups, and who is in them: a row a membership, by the ids of both, so that neither renaming
 * touches it.
 */
#include "iam/holds.h"
#include "iam/common.h"

static struct iam_Group
show(struct api_call *call, const struct iam_group_row *row)
{
    iam_group_assert(row);
    return (struct iam_Group){
        .path = row->path,
        .group_name = row->name,
        .group_id = row->id,
        .arn = iam_arn(call, "group", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
    };
}

/* ---- CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup ---- */

int
iam_create_group(struct api_call *call, const struct iam_CreateGroupRequest *req,
                 struct iam_CreateGroupResponse *res)
{
    const struct iam_group_row row = {
        .id = iam_id(call, "AGPA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->group_name,
        .name_lower = str_lower(call->arena, req->group_name),
        .created_ms = call->now_ms,
    };
    int r = iam_group_name_free(call, req->group_name, STR_NONE);

    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_GROUPS,
                            iam_count(call->txn, &iam_group_by_name, STORE_KEYS(call->account)) +
                                1);
    if (r == 0)
        r = iam_written(iam_group_insert(call->txn, &row), "group", row.id);
    if (r)
        return r;
    iam_group_assert(&row);
    res->group = arena_alloc(call->arena, sizeof(*res->group));
    *res->group = show(call, &row);
    return 0;
}

int
iam_get_group(struct api_call *call, const struct iam_GetGroupRequest *req,
              struct iam_GetGroupResponse *res)
{
    const struct iam_group_row *group;
    struct api_page page;
    int r = iam_group_find(call, req->group_name, &group);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    res->group = arena_alloc(call->arena, sizeof(*res->group));
    *res->group = show(call, group);
    API_PRESENT(&res->users);
    STORE_EACH(call->txn, iam_member_by_group, member, group->id) {
        const struct iam_user_row *user = iam_user_get(call->txn, member->user_id);

        assert(user);
        assert(str_eq(member->group_id, group->id) && str_eq(user->account, group->account));
        if (api_page_take(&page, user->id))
            *LIST_PUSH(call->arena, &res->users) = iam_user_show(call, user);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_list_groups(struct api_call *call, const struct iam_ListGroupsRequest *req,
                struct iam_ListGroupsResponse *res)
{
    struct api_page page;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->groups);
    STORE_EACH(call->txn, iam_group_by_name, row, call->account) {
        if (str_starts(row->path, req->path_prefix) && api_page_take(&page, row->name_lower))
            *LIST_PUSH(call->arena, &res->groups) = show(call, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_group(struct api_call *call, const struct iam_UpdateGroupRequest *req,
                 struct iam_UpdateGroupResult *res)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, req->group_name, &row);

    (void)res;
    if (r == 0 && req->new_group_name.p)
        r = iam_group_name_free(call, req->new_group_name, row->id);
    if (r)
        return r;
    struct iam_group_row new = *row;

    if (req->new_group_name.p) {
        new.name = req->new_group_name;
        new.name_lower = str_lower(call->arena, new.name);
    }
    if (req->new_path.p)
        new.path = req->new_path;
    iam_group_assert(&new);
    return iam_written(iam_group_update(call->txn, &new), "group", new.id);
}

int
iam_delete_group(struct api_call *call, const struct iam_DeleteGroupRequest *req,
                 struct iam_DeleteGroupResult *res)
{
    const struct iam_group_row *row;
    int r = iam_group_find(call, req->group_name, &row);

    (void)res;
    if (r)
        return r;
    if (iam_count(call->txn, &iam_member_by_group, STORE_KEYS(row->id)))
        return iam_conflict(call, "remove users from group");
    r = iam_policies_gone(call, row->id);
    return r ? r : iam_written(iam_group_delete(call->txn, row->id), "group", row->id);
}

/* ---- members ---- */

struct membership {
    const struct iam_group_row *group;
    const struct iam_user_row *user;
    struct str id;
    const struct iam_member_row *row; /* NULL: the user is not in the group */
};

static int
membership_look(struct api_call *call, struct str group_name, struct str user_name,
                struct membership *ret)
{
    int r = iam_group_find(call, group_name, &ret->group);

    if (r == 0)
        r = iam_user_find(call, user_name, &ret->user);
    if (r)
        return r;
    ret->id = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(ret->group->id), STR_ARG(ret->user->id));
    ret->row = iam_member_get(call->txn, ret->id);
    assert(!ret->row || str_eq(ret->row->user_id, ret->user->id));
    return 0;
}

int
iam_add_user_to_group(struct api_call *call, const struct iam_AddUserToGroupRequest *req,
                      struct iam_AddUserToGroupResult *res)
{
    struct membership m;
    int r = membership_look(call, req->group_name, req->user_name, &m);

    (void)res;
    if (r || m.row)
        return r;
    r = iam_quota_check(call, IAM_QUOTA_USER_GROUPS,
                        iam_count(call->txn, &iam_member_by_user, STORE_KEYS(m.user->id)) + 1);
    if (r)
        return r;
    const struct iam_member_row row = {
        .id = m.id,
        .account = call->account,
        .group_id = m.group->id,
        .user_id = m.user->id,
    };

    return iam_written(iam_member_insert(call->txn, &row), "member", row.id);
}

int
iam_remove_user_from_group(struct api_call *call, const struct iam_RemoveUserFromGroupRequest *req,
                           struct iam_RemoveUserFromGroupResult *res)
{
    struct membership m;
    int r = membership_look(call, req->group_name, req->user_name, &m);

    (void)res;
    if (r || !m.row)
        return r;
    return iam_written(iam_member_delete(call->txn, m.id), "member", m.id);
}

int
iam_list_groups_for_user(struct api_call *call, const struct iam_ListGroupsForUserRequest *req,
                         struct iam_ListGroupsForUserResponse *res)
{
    const struct iam_user_row *user;
    struct api_page page;
    int r = iam_user_find(call, req->user_name, &user);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->groups);
    STORE_EACH(call->txn, iam_member_by_user, member, user->id) {
        const struct iam_group_row *group = iam_group_get(call->txn, member->group_id);

        assert(group);
        assert(str_eq(member->user_id, user->id));
        if (api_page_take(&page, group->id))
            *LIST_PUSH(call->arena, &res->groups) = show(call, group);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}
