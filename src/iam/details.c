/*
 * GetAccountAuthorizationDetails: all users, groups, roles and policies of an account with all that
 * is said of them, a page at a time.  Page keys begin with a digit a kind, in the order in which
 * the kinds are walked, so that one Marker leads through all of them.
 */
#include "iam/holds.h"
#include "iam/document.h"
#include "iam/managed.h"

struct walk {
    struct api_call *call;
    const struct str_list *filter;
    struct api_page page;
    size_t spent;
    struct iam_GetAccountAuthorizationDetailsResponse *res;
};

static bool
wanted(const struct walk *w, struct str kind)
{
    return w->filter->n == 0 || str_in(w->filter, kind);
}

static bool
take(struct walk *w, char kind, struct str name)
{
    assert(kind >= '1' && kind <= '5');
    return api_page_take(&w->page, str_fmt(w->call->arena, "%c%.*s", kind, STR_ARG(name)));
}

/* What was put on the page: its inline documents, and others. */
static void
spend(struct walk *w, const struct iam_PolicyDetailList *inline_policies, size_t bytes)
{
    LIST_EACH(inline_policies, policy)
        bytes += policy->policy_document.n;
    iam_page_spend(&w->page, &w->spent, bytes);
}

static void
spend_versions(struct walk *w, const struct iam_ManagedPolicyDetail *policy)
{
    LIST_EACH(&policy->policy_version_list, version)
        iam_page_spend(&w->page, &w->spent, version->document.n);
}

static struct iam_UserDetail
user_detail(struct api_call *call, const struct iam_user_row *row)
{
    struct iam_UserDetail detail = {
        .path = row->path,
        .user_name = row->name,
        .user_id = row->id,
        .arn = iam_arn(call, "user", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
        .user_policy_list = iam_inline_show(call, row->id),
        .attached_managed_policies = iam_attached_show(call, row->id),
        .permissions_boundary = iam_boundary_show(call, row->boundary),
        .tags = iam_tags_show(call, &row->tags),
    };

    iam_user_assert(row);
    API_PRESENT(&detail.group_list);
    STORE_EACH(call->txn, iam_member_by_user, member, row->id) {
        const struct iam_group_row *group = iam_group_get(call->txn, member->group_id);

        assert(group);
        assert(str_eq(member->user_id, row->id) && str_eq(group->account, row->account));
        if (group)
            *LIST_PUSH(call->arena, &detail.group_list) = group->name;
    }
    return detail;
}

static struct iam_GroupDetail
group_detail(struct api_call *call, const struct iam_group_row *row)
{
    struct iam_GroupDetail detail = {
        .path = row->path,
        .group_name = row->name,
        .group_id = row->id,
        .arn = iam_arn(call, "group", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
        .group_policy_list = iam_inline_show(call, row->id),
        .attached_managed_policies = iam_attached_show(call, row->id),
    };

    iam_group_assert(row);
    API_PRESENT(&detail.group_policy_list);
    return detail;
}

static struct iam_RoleDetail
role_detail(struct api_call *call, const struct iam_role_row *row)
{
    struct iam_RoleDetail detail = {
        .path = row->path,
        .role_name = row->name,
        .role_id = row->id,
        .arn = iam_arn(call, "role", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
        .assume_role_policy_document = iam_trust_show(call, row->trust_policy),
        .role_policy_list = iam_inline_show(call, row->id),
        .attached_managed_policies = iam_attached_show(call, row->id),
        .permissions_boundary = iam_boundary_show(call, row->boundary),
        .tags = iam_tags_show(call, &row->tags),
        .role_last_used = iam_role_used(call, row),
    };

    iam_role_assert(row);
    API_PRESENT(&detail.role_policy_list);
    API_PRESENT(&detail.instance_profile_list);
    STORE_EACH(call->txn, iam_profile_by_role, profile, row->id)
        *LIST_PUSH(call->arena, &detail.instance_profile_list) = iam_profile_show(call, profile);
    return detail;
}

static struct iam_ManagedPolicyDetail
policy_detail(struct api_call *call, const struct iam_managed *policy,
              const struct iam_boundary_counts *counts)
{
    const struct iam_Policy shown = iam_policy_show(call, policy, counts);
    struct iam_ManagedPolicyDetail detail = {
        .policy_name = shown.policy_name,
        .policy_id = shown.policy_id,
        .arn = shown.arn,
        .path = shown.path,
        .default_version_id = shown.default_version_id,
        .attachment_count = shown.attachment_count,
        .permissions_boundary_usage_count = shown.permissions_boundary_usage_count,
        .is_attachable = shown.is_attachable,
        .description = policy->description.n ? policy->description : STR_NONE,
        .create_date = shown.create_date,
        .update_date = shown.update_date,
    };

    if (!policy->row) {
        *LIST_PUSH(call->arena, &detail.policy_version_list) =
            iam_version_show_aws(call, policy, true);
        return detail;
    }
    STORE_EACH(call->txn, iam_policy_version_by_policy, version, policy->row->id)
        *LIST_PUSH(call->arena, &detail.policy_version_list) =
            iam_version_show(call, policy->row, version, true);
    return detail;
}

/* Of AWS's policies those that something in the account uses. */
static void
walk_policies(struct walk *w)
{
    const struct iam_boundary_counts counts = iam_boundaries_count(w->call);
    struct iam_ManagedPolicyDetailList *list = &w->res->policies;
    size_t n;
    const struct managed_policy *aws = managed_policy_all(&n);

    if (wanted(w, IAM_ENTITY_TYPE_LOCAL_MANAGED_POLICY))
        STORE_EACH(w->call->txn, iam_policy_by_name, row, w->call->account) {
            if (!take(w, '4', row->name_lower))
                continue;
            const struct iam_managed policy = iam_managed_of(w->call, row);

            *LIST_PUSH(w->call->arena, list) = policy_detail(w->call, &policy, &counts);
            spend_versions(w, &list->v[list->n - 1]);
        }
    for (size_t i = 0; i < n && wanted(w, IAM_ENTITY_TYPE_AWS_MANAGED_POLICY); i++) {
        struct iam_managed policy;

        if (!iam_attachments_of(w->call, aws[i].arn) && !iam_boundary_uses(&counts, aws[i].arn))
            continue;
        if (!iam_managed_get(w->call, aws[i].arn, &policy) || !take(w, '5', policy.arn))
            continue;
        *LIST_PUSH(w->call->arena, list) = policy_detail(w->call, &policy, &counts);
        spend_versions(w, &list->v[list->n - 1]);
    }
}

static void
walk_entities(struct walk *w)
{
    struct api_call *call = w->call;

    if (wanted(w, IAM_ENTITY_TYPE_USER))
        STORE_EACH(call->txn, iam_user_by_name, row, call->account)
            if (take(w, '1', row->name_lower)) {
                struct iam_UserDetail *user = LIST_PUSH(call->arena, &w->res->user_detail_list);

                *user = user_detail(call, row);
                spend(w, &user->user_policy_list, 0);
            }
    if (wanted(w, IAM_ENTITY_TYPE_GROUP))
        STORE_EACH(call->txn, iam_group_by_name, row, call->account)
            if (take(w, '2', row->name_lower)) {
                struct iam_GroupDetail *group = LIST_PUSH(call->arena, &w->res->group_detail_list);

                *group = group_detail(call, row);
                spend(w, &group->group_policy_list, 0);
            }
    if (wanted(w, IAM_ENTITY_TYPE_ROLE))
        STORE_EACH(call->txn, iam_role_by_name, row, call->account)
            if (take(w, '3', row->name_lower)) {
                struct iam_RoleDetail *role = LIST_PUSH(call->arena, &w->res->role_detail_list);

                *role = role_detail(call, row);
                /* It is shown again in each of its profiles. */
                spend(w, &role->role_policy_list,
                      role->assume_role_policy_document.n * (1 + role->instance_profile_list.n));
            }
}

int
iam_get_account_authorization_details(struct api_call *call,
                                      const struct iam_GetAccountAuthorizationDetailsRequest *req,
                                      struct iam_GetAccountAuthorizationDetailsResponse *res)
{
    struct walk w = {.call = call, .filter = &req->filter, .res = res};
    int r = iam_page_open(call, req->marker, req->max_items, &w.page);

    if (r)
        return r;
    API_PRESENT(&res->user_detail_list);
    API_PRESENT(&res->group_detail_list);
    API_PRESENT(&res->role_detail_list);
    API_PRESENT(&res->policies);
    walk_entities(&w);
    walk_policies(&w);
    IAM_PAGE_CLOSE(call, &w.page, res);
    return 0;
}
