/*
 * Customer managed policies, and the lists in which AWS's own stand beside them.
 */
#include "iam/document.h"
#include "iam/holds.h"
#include "iam/managed.h"
#include "iam/tag_ops.h"

static struct iam_Policy *
policy_show_all(struct api_call *call, const struct iam_managed *policy)
{
    const struct iam_boundary_counts counts = iam_boundaries_count(call);
    struct iam_Policy *shown = ARENA_NEW(call->arena, struct iam_Policy);

    *shown = iam_policy_show(call, policy, &counts);
    shown->description = policy->description.n ? policy->description : STR_NONE;
    if (policy->row)
        shown->tags = iam_tags_show(call, &policy->row->tags);
    return shown;
}

/* ---- CreatePolicy ---- */

static int
policy_check(struct api_call *call, const struct iam_CreatePolicyRequest *req,
             const struct iam_policy_row *row)
{
    int r = 0;

    assert(row->name_lower.n == row->name.n);
    if (iam_policy_by_name_get(call->txn, call->account, row->name_lower))
        r = api_fault(call, &IAM_ERR(EntityAlreadyExists),
                      "A policy called %.*s already exists. Duplicate names are not allowed.",
                      STR_ARG(row->name));
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_POLICIES,
                            iam_count(call->txn, &iam_policy_by_name, STORE_KEYS(call->account)) +
                                1);
    if (r == 0)
        r = iam_document_check(call, req->policy_document, POLICY_MANAGED);
    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_POLICY_SIZE, iam_document_size(req->policy_document));
    return r;
}

int
iam_create_policy(struct api_call *call, const struct iam_CreatePolicyRequest *req,
                  struct iam_CreatePolicyResponse *res)
{
    struct iam_policy_row row = {
        .id = iam_id(call, "ANPA"),
        .account = call->account,
        .path = iam_path(req->path),
        .name = req->policy_name,
        .name_lower = str_lower(call->arena, req->policy_name),
        .description = req->description,
        .default_version = 1,
        .last_version = 1,
        .created_ms = call->now_ms,
        .updated_ms = call->now_ms,
    };
    struct iam_policy_version_row version = {
        .id = str_fmt(call->arena, "%.*s/v1", STR_ARG(row.id)),
        .policy_id = row.id,
        .number = 1,
        .document = req->policy_document,
        .created_ms = call->now_ms,
    };
    const struct str_list none = {0};
    int r = policy_check(call, req, &row);

    row.arn = iam_arn(call, "policy", row.path, row.name);
    if (r == 0)
        r = iam_tags_put_cased(call, &req->tags, &none, &row.tags);
    if (r == 0)
        r = iam_written(iam_policy_insert(call->txn, &row), "policy", row.id);
    if (r == 0)
        r = iam_written(iam_policy_version_insert(call->txn, &version), "version", version.id);
    if (r)
        return r;
    iam_policy_assert(&row);
    const struct iam_managed policy = iam_managed_of(call, &row);

    res->policy = policy_show_all(call, &policy);
    /* The reply tells no description, that of GetPolicy does. */
    res->policy->description = STR_NONE;
    return 0;
}

/* ---- GetPolicy, ListPolicies ---- */

int
iam_get_policy(struct api_call *call, const struct iam_GetPolicyRequest *req,
               struct iam_GetPolicyResponse *res)
{
    struct iam_managed policy;
    int r = iam_managed_find(call, req->policy_arn, &policy);

    if (r == 0)
        res->policy = policy_show_all(call, &policy);
    return r;
}

struct policies_walk {
    struct api_call *call;
    const struct iam_ListPoliciesRequest *req;
    struct iam_boundary_counts counts;
    struct api_page page;
    struct iam_ListPoliciesResponse *res;
};

static void
list_policy(struct policies_walk *w, const struct iam_managed *policy, struct str key)
{
    const struct iam_Policy shown = iam_policy_show(w->call, policy, &w->counts);
    struct str usage = w->req->policy_usage_filter;
    bool attached = shown.attachment_count.v > 0;
    bool boundary = shown.permissions_boundary_usage_count.v > 0;

    assert(key.n > 1 && key.n <= IAM_PAGE_KEY_MAX);
    if (!str_starts(policy->path, w->req->path_prefix))
        return;
    if (opt_bool_or(w->req->only_attached, false) && !attached && !boundary)
        return;
    if (str_eq(usage, IAM_POLICY_USAGE_TYPE_PERMISSIONS_BOUNDARY) && !boundary)
        return;
    if (str_eq(usage, IAM_POLICY_USAGE_TYPE_PERMISSIONS_POLICY) && boundary && !attached)
        return;
    if (api_page_take(&w->page, key))
        *LIST_PUSH(w->call->arena, &w->res->policies) = shown;
}

int
iam_list_policies(struct api_call *call, const struct iam_ListPoliciesRequest *req,
                  struct iam_ListPoliciesResponse *res)
{
    struct policies_walk w = {.call = call, .req = req, .res = res};
    int r = iam_page_open(call, req->marker, req->max_items, &w.page);

    if (r)
        return r;
    w.counts = iam_boundaries_count(call);
    API_PRESENT(&res->policies);
    /* The account's own come first. */
    STORE_EACH(call->txn, iam_policy_by_name, row, call->account) {
        if (w.page.more || str_eq(req->scope, IAM_POLICY_SCOPE_TYPE_AWS))
            break;
        const struct iam_managed policy = iam_managed_of(call, row);

        list_policy(&w, &policy, str_fmt(call->arena, "0%.*s", STR_ARG(row->name_lower)));
    }
    size_t n;
    const struct managed_policy *aws = managed_policy_all(&n);

    for (size_t i = 0; i < n && !str_eq(req->scope, IAM_POLICY_SCOPE_TYPE_LOCAL); i++) {
        struct iam_managed policy;

        if (!w.page.more && iam_managed_get(call, aws[i].arn, &policy))
            list_policy(&w, &policy, str_fmt(call->arena, "1%.*s", STR_ARG(aws[i].arn)));
    }
    IAM_PAGE_CLOSE(call, &w.page, res);
    return 0;
}

/* ---- DeletePolicy ---- */

int
iam_delete_policy(struct api_call *call, const struct iam_DeletePolicyRequest *req,
                  struct iam_DeletePolicyResult *res UNUSED)
{
    const struct iam_policy_row *row;
    int r = iam_managed_own(call, req->policy_arn, &row);

    if (r)
        return r;
    const struct iam_boundary_counts counts = iam_boundaries_count(call);

    if (iam_attachments_of(call, row->arn) || iam_boundary_uses(&counts, row->arn))
        return api_fault(call, &IAM_ERR(DeleteConflict),
                         "Cannot delete a policy attached to entities.");
    if (iam_count(call->txn, &iam_policy_version_by_policy, STORE_KEYS(row->id)) > 1)
        return api_fault(call, &IAM_ERR(DeleteConflict),
                         "This policy has more than one version. Before you delete a policy, you "
                         "must delete the policy's versions. The default version is deleted with "
                         "the policy.");
    STORE_EACH(call->txn, iam_policy_version_by_policy, version, row->id) {
        r = iam_written(iam_policy_version_delete(call->txn, version->id), "version", version->id);
        if (r)
            return r;
    }
    assert(!iam_count(call->txn, &iam_policy_version_by_policy, STORE_KEYS(row->id)));
    return iam_written(iam_policy_delete(call->txn, row->id), "policy", row->id);
}

/* ---- tags ---- */

static int
policy_put(struct api_call *call, const struct iam_policy_row *row)
{
    iam_policy_assert(row);
    return iam_written(iam_policy_update(call->txn, row), "policy", row->id);
}

IAM_TAG_OPS(policy, Policy, iam_policy_row, policy_arn, iam_managed_own, policy_put, IAM_KEYS_CASED)

int
iam_list_policy_tags(struct api_call *call, const struct iam_ListPolicyTagsRequest *req,
                     struct iam_ListPolicyTagsResponse *res)
{
    const struct str_list none = {0};
    struct iam_managed policy;
    struct api_page page;
    int r = iam_managed_find(call, req->policy_arn, &policy);

    if (r == 0)
        r = IAM_TAGS_LIST(call, policy.row ? &policy.row->tags : &none, req, res, &page);
    if (r == 0)
        IAM_PAGE_CLOSE(call, &page, res);
    return r;
}

/* ---- ListEntitiesForPolicy ---- */

/* How the policy may be used by what is listed. */
struct usage {
    struct str arn;
    bool attached, boundary;
};

static bool
used_by(struct api_call *call, const struct usage *usage, struct str owner_id, struct str boundary)
{
    struct str id = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(owner_id), STR_ARG(usage->arn));

    assert(usage->attached || usage->boundary);
    return (usage->attached && iam_attachment_get(call->txn, id)) ||
           (usage->boundary && str_eq(boundary, usage->arn));
}

/* Whether something of that kind is asked for and on the page. */
static bool
entity_wanted(struct api_call *call, const struct iam_ListEntitiesForPolicyRequest *req,
              struct api_page *page, struct str kind, struct str path, struct str name_lower)
{
    assert(kind.n > 0 && name_lower.n > 0);
    if (req->entity_filter.p && !str_eq(req->entity_filter, kind))
        return false;
    /* Group, Role, User: the kinds are walked in this order. */
    return str_starts(path, req->path_prefix) &&
           api_page_take(page, str_fmt(call->arena, "%c%.*s", kind.p[0], STR_ARG(name_lower)));
}

int
iam_list_entities_for_policy(struct api_call *call,
                             const struct iam_ListEntitiesForPolicyRequest *req,
                             struct iam_ListEntitiesForPolicyResponse *res)
{
    const struct usage usage = {
        .arn = req->policy_arn,
        .attached = !str_eq(req->policy_usage_filter, IAM_POLICY_USAGE_TYPE_PERMISSIONS_BOUNDARY),
        .boundary = !str_eq(req->policy_usage_filter, IAM_POLICY_USAGE_TYPE_PERMISSIONS_POLICY),
    };
    struct iam_managed policy;
    struct api_page page;
    int r = iam_managed_find(call, req->policy_arn, &policy);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->policy_groups);
    API_PRESENT(&res->policy_roles);
    API_PRESENT(&res->policy_users);
    STORE_EACH(call->txn, iam_group_by_name, row, call->account)
        if (used_by(call, &usage, row->id, STR_NONE) &&
            entity_wanted(call, req, &page, IAM_ENTITY_TYPE_GROUP, row->path, row->name_lower))
            *LIST_PUSH(call->arena, &res->policy_groups) =
                (struct iam_PolicyGroup){row->name, row->id};
    STORE_EACH(call->txn, iam_role_by_name, row, call->account)
        if (used_by(call, &usage, row->id, row->boundary) &&
            entity_wanted(call, req, &page, IAM_ENTITY_TYPE_ROLE, row->path, row->name_lower))
            *LIST_PUSH(call->arena, &res->policy_roles) =
                (struct iam_PolicyRole){row->name, row->id};
    STORE_EACH(call->txn, iam_user_by_name, row, call->account)
        if (used_by(call, &usage, row->id, row->boundary) &&
            entity_wanted(call, req, &page, IAM_ENTITY_TYPE_USER, row->path, row->name_lower))
            *LIST_PUSH(call->arena, &res->policy_users) =
                (struct iam_PolicyUser){row->name, row->id};
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}
