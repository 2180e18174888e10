/*
 * Instance profiles: what carries a role to an instance.  Who runs with one finds its role by the
 * row, so a role that is taken out is gone for all its instances at once.
 */
#include "iam/holds.h"
#include "iam/managed.h"
#include "iam/tag_ops.h"

#include "api/authorize.h"

struct iam_InstanceProfile
iam_profile_show(struct api_call *call, const struct iam_profile_row *row)
{
    struct iam_InstanceProfile profile = {
        .path = row->path,
        .instance_profile_name = row->name,
        .instance_profile_id = row->id,
        .arn = iam_arn(call, "instance-profile", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
    };
    const struct iam_role_row *role = row->role_id.n ? iam_role_get(call->txn, row->role_id) : NULL;

    assert(role || !row->role_id.n);
    iam_profile_assert(row);
    API_PRESENT(&profile.roles);
    if (role) {
        struct iam_Role *shown = LIST_PUSH(call->arena, &profile.roles);

        *shown = iam_role_show(call, role);
        shown->description = STR_NONE;
        shown->max_session_duration = (struct opt_i64){0};
    }
    return profile;
}

/* Of the document that it shows. */
static size_t
profile_bytes(struct api_call *call, const struct iam_profile_row *row)
{
    const struct iam_role_row *role = row->role_id.n ? iam_role_get(call->txn, row->role_id) : NULL;

    assert(role || !row->role_id.n);
    return role ? role->trust_policy.n : 0;
}

static struct iam_InstanceProfile *
profile_show_all(struct api_call *call, const struct iam_profile_row *row)
{
    struct iam_InstanceProfile *profile = ARENA_NEW(call->arena, struct iam_InstanceProfile);

    *profile = iam_profile_show(call, row);
    profile->tags = iam_tags_show(call, &row->tags);
    return profile;
}

static int
profile_put(struct api_call *call, const struct iam_profile_row *row)
{
    iam_profile_assert(row);
    return iam_written(iam_profile_update(call->txn, row), "instance profile", row->id);
}

/* ---- CreateInstanceProfile, DeleteInstanceProfile ---- */

int
iam_create_instance_profile(struct api_call *call,
                            const struct iam_CreateInstanceProfileRequest *req,
                            struct iam_CreateInstanceProfileResponse *res)
{
    struct iam_profile_row row = {
        .id = iam_id(call, "AIPA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->instance_profile_name,
        .name_lower = str_lower(call->arena, req->instance_profile_name),
        .created_ms = call->now_ms,
    };
    const struct str_list none = {0};
    int r = iam_profile_name_free(call, row.name);

    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_PROFILES,
                            iam_count(call->txn, &iam_profile_by_name, STORE_KEYS(call->account)) +
                                1);
    if (r == 0)
        r = iam_tags_put_cased(call, &req->tags, &none, &row.tags);
    if (r == 0)
        r = iam_written(iam_profile_insert(call->txn, &row), "instance profile", row.id);
    if (r == 0)
        res->instance_profile = profile_show_all(call, &row);
    return r;
}

int
iam_delete_instance_profile(struct api_call *call,
                            const struct iam_DeleteInstanceProfileRequest *req,
                            struct iam_DeleteInstanceProfileResult *res UNUSED)
{
    const struct iam_profile_row *row;
    int r = iam_profile_find(call, req->instance_profile_name, &row);

    if (r == 0 && row->role_id.n)
        r = iam_conflict(call, "remove roles from instance profile");
    if (r)
        return r;
    return iam_written(iam_profile_delete(call->txn, row->id), "instance profile", row->id);
}

/* ---- GetInstanceProfile and lists ---- */

int
iam_get_instance_profile(struct api_call *call, const struct iam_GetInstanceProfileRequest *req,
                         struct iam_GetInstanceProfileResponse *res)
{
    const struct iam_profile_row *row;
    int r = iam_profile_find(call, req->instance_profile_name, &row);

    if (r == 0)
        res->instance_profile = profile_show_all(call, row);
    return r;
}

int
iam_list_instance_profiles(struct api_call *call, const struct iam_ListInstanceProfilesRequest *req,
                           struct iam_ListInstanceProfilesResponse *res)
{
    struct api_page page;
    size_t spent = 0;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->instance_profiles);
    STORE_EACH(call->txn, iam_profile_by_name, row, call->account) {
        if (page.more)
            break;
        if (!str_starts(row->path, req->path_prefix) || !api_page_take(&page, row->name_lower))
            continue;
        *LIST_PUSH(call->arena, &res->instance_profiles) = iam_profile_show(call, row);
        iam_page_spend(&page, &spent, profile_bytes(call, row));
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_list_instance_profiles_for_role(struct api_call *call,
                                    const struct iam_ListInstanceProfilesForRoleRequest *req,
                                    struct iam_ListInstanceProfilesForRoleResponse *res)
{
    const struct iam_role_row *role;
    struct api_page page;
    size_t spent = 0;
    int r = iam_role_find(call, req->role_name, &role);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->instance_profiles);
    STORE_EACH(call->txn, iam_profile_by_role, row, role->id) {
        if (!api_page_take(&page, row->id))
            continue;
        *LIST_PUSH(call->arena, &res->instance_profiles) = iam_profile_show(call, row);
        iam_page_spend(&page, &spent, role->trust_policy.n);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

/* ---- the role in it ---- */

int
iam_add_role_to_instance_profile(struct api_call *call,
                                 const struct iam_AddRoleToInstanceProfileRequest *req,
                                 struct iam_AddRoleToInstanceProfileResult *res UNUSED)
{
    const struct iam_profile_row *row;
    const struct iam_role_row *role;
    int r = iam_profile_find(call, req->instance_profile_name, &row);

    if (r == 0)
        r = iam_role_open(call, req->role_name, &role);
    if (r == 0)
        r = api_authorize_pass_role(call, iam_arn(call, "role", role->path, role->name),
                                    "ec2.amazonaws.com");
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_PROFILE_ROLES, row->role_id.n ? 2 : 1);
    if (r)
        return r;
    struct iam_profile_row new = *row;

    new.role_id = role->id;
    assert(!row->role_id.n && str_eq(role->account, row->account));
    return profile_put(call, &new);
}

int
iam_remove_role_from_instance_profile(struct api_call *call,
                                      const struct iam_RemoveRoleFromInstanceProfileRequest *req,
                                      struct iam_RemoveRoleFromInstanceProfileResult *res UNUSED)
{
    const struct iam_profile_row *row;
    const struct iam_role_row *role;
    int r = iam_profile_find(call, req->instance_profile_name, &row);

    if (r == 0)
        r = iam_role_find(call, req->role_name, &role);
    if (r == 0 && !str_eq(row->role_id, role->id))
        r = api_fault(call, &IAM_ERR(NoSuchEntity),
                      "The role with name %.*s cannot be found in the instance profile.",
                      STR_ARG(role->name));
    if (r)
        return r;
    struct iam_profile_row new = *row;

    new.role_id = S("");
    assert(row->role_id.n > 0);
    return profile_put(call, &new);
}

/* ---- tags ---- */

IAM_TAG_OPS(instance_profile, InstanceProfile, iam_profile_row, instance_profile_name,
            iam_profile_find, profile_put, IAM_KEYS_CASED)
IAM_TAG_LIST_OP(instance_profile, InstanceProfile, iam_profile_row, instance_profile_name,
                iam_profile_find)
