/*
 * Managed policies as one kind of thing, whether they are rows or compiled in.  What differs is
 * decided here once, so that no operation asks whose a policy is.
 */
#include "iam/holds.h"
#include "iam/managed.h"

#include "iam/document.h"

#define AWS_POLICIES "arn:aws:iam::aws:policy/"

/* ---- finding ---- */

const struct iam_policy_version_row *
iam_version_get(struct api_call *call, const struct iam_policy_row *policy, int64_t number)
{
    assert(number > 0 && number <= policy->last_version);
    return iam_policy_version_get(
        call->txn, str_fmt(call->arena, "%.*s/v%lld", STR_ARG(policy->id), (long long)number));
}

int64_t
iam_version_number(struct str version)
{
    int64_t n;

    if (!str_starts(version, S("v")) || !str_to_i64(str_cut(version, 1, version.n), &n))
        return 0;
    return MAX(n, 0);
}

struct iam_managed
iam_managed_of(struct api_call *call, const struct iam_policy_row *row)
{
    const struct iam_policy_version_row *version = iam_version_get(call, row, row->default_version);

    assert(version);
    iam_policy_assert(row);
    assert(version->number == row->default_version && version->document.n > 0);
    return (struct iam_managed){
        .arn = row->arn,
        .name = row->name,
        .path = row->path,
        .id = row->id,
        .description = row->description,
        .created_ms = row->created_ms,
        .updated_ms = row->updated_ms,
        .version = str_fmt(call->arena, "v%lld", (long long)row->default_version),
        .document = version->document,
        .row = row,
    };
}

static struct iam_managed
managed_of_aws(const struct managed_policy *policy)
{
    assert(str_starts(policy->arn, S(AWS_POLICIES)) && policy->document.n > 0);
    return (struct iam_managed){
        .arn = policy->arn,
        .name = policy->name,
        .path = policy->path,
        .id = policy->id,
        .created_ms = policy->created_ms,
        .updated_ms = policy->updated_ms,
        .version = policy->version,
        .document = policy->document,
    };
}

bool
iam_managed_get(struct api_call *call, struct str arn, struct iam_managed *ret)
{
    const struct iam_policy_row *row = iam_policy_by_arn_get(call->txn, arn);
    struct managed_policy aws;

    if (row && str_eq(row->account, call->account)) {
        *ret = iam_managed_of(call, row);
        return true;
    }
    if (!managed_policy_find(arn, &aws))
        return false;
    *ret = managed_of_aws(&aws);
    assert(!ret->row && ret->version.n > 0);
    return true;
}

static int
arn_check(struct api_call *call, struct str arn)
{
    if (str_starts(arn, S("arn:aws:iam::")) && str_find(arn, S(":policy/")) != SIZE_MAX)
        return 0;
    return api_fault(call, &IAM_ERR(InvalidInput), "ARN %.*s is not valid.", STR_ARG(arn));
}

int
iam_managed_find(struct api_call *call, struct str arn, struct iam_managed *ret)
{
    int r = arn_check(call, arn);

    if (r == 0 && !iam_managed_get(call, arn, ret))
        r = api_fault(call, &IAM_ERR(NoSuchEntity), "Policy %.*s was not found.", STR_ARG(arn));
    return r;
}

int
iam_managed_own(struct api_call *call, struct str arn, const struct iam_policy_row **ret)
{
    struct iam_managed policy;
    int r = iam_managed_find(call, arn, &policy);

    if (r)
        return r;
    if (!policy.row)
        return api_fault(call, &IAM_ERR(AccessDenied),
                         "User: %.*s is not authorized to perform: iam:%.*s on resource: policy "
                         "%.*s",
                         STR_ARG(call->principal_arn),
                         STR_ARG(api_op_name(call->service, call->op)), STR_ARG(arn));
    *ret = policy.row;
    assert(str_eq((*ret)->account, call->account));
    return 0;
}

int
iam_managed_attachable(struct api_call *call, struct str arn, struct iam_managed *ret)
{
    int r = arn_check(call, arn);

    if (r == 0 && !iam_managed_get(call, arn, ret))
        r = api_fault(call, &IAM_ERR(NoSuchEntity),
                      "Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
    if (r == 0 && str_starts(arn, S(AWS_POLICIES "aws-service-role/")))
        r = api_fault(call, &IAM_ERR(PolicyNotAttachable),
                      "Cannot attach a Service Role Policy to a Customer Role.");
    return r;
}

/* ---- counting ---- */

static void
count_boundary(struct api_call *call, struct iam_boundary_counts *counts, struct str arn)
{
    if (!arn.n)
        return;
    LIST_EACH(counts, c) {
        if (str_eq(c->arn, arn)) {
            c->n++;
            assert(c->n > 1);
            return;
        }
    }
    *LIST_PUSH(call->arena, counts) = (struct iam_boundary_count){arn, 1};
}

/* An account has few boundaries, though many users. */
struct iam_boundary_counts
iam_boundaries_count(struct api_call *call)
{
    struct iam_boundary_counts counts = {0};

    STORE_EACH(call->txn, iam_user_by_name, row, call->account)
        count_boundary(call, &counts, row->boundary);
    STORE_EACH(call->txn, iam_role_by_name, row, call->account)
        count_boundary(call, &counts, row->boundary);
    return counts;
}

int64_t
iam_boundary_uses(const struct iam_boundary_counts *counts, struct str arn)
{
    LIST_EACH(counts, c)
        if (str_eq(c->arn, arn))
            return c->n;
    return 0;
}

int64_t
iam_attachments_of(struct api_call *call, struct str arn)
{
    return iam_count(call->txn, &iam_attachment_by_policy, STORE_KEYS(call->account, arn));
}

/* ---- showing ---- */

struct iam_Policy
iam_policy_show(struct api_call *call, const struct iam_managed *policy,
                const struct iam_boundary_counts *counts)
{
    return (struct iam_Policy){
        .policy_name = policy->name,
        .policy_id = policy->id,
        .arn = policy->arn,
        .path = policy->path,
        .default_version_id = policy->version,
        .attachment_count = opt_i64(iam_attachments_of(call, policy->arn)),
        .permissions_boundary_usage_count = opt_i64(iam_boundary_uses(counts, policy->arn)),
        .is_attachable = opt_bool(true),
        .create_date = opt_i64(policy->created_ms),
        .update_date = opt_i64(policy->updated_ms),
    };
}

struct iam_PolicyVersion
iam_version_show(struct api_call *call, const struct iam_policy_row *policy,
                 const struct iam_policy_version_row *row, bool with_document)
{
    assert(str_eq(row->policy_id, policy->id) && row->number <= policy->last_version);
    return (struct iam_PolicyVersion){
        .document = with_document ? iam_document_show(call, row->document) : STR_NONE,
        .version_id = str_fmt(call->arena, "v%lld", (long long)row->number),
        .is_default_version = opt_bool(row->number == policy->default_version),
        .create_date = opt_i64(row->created_ms),
    };
}

struct iam_PolicyVersion
iam_version_show_aws(struct api_call *call, const struct iam_managed *policy, bool with_document)
{
    assert(!policy->row);
    return (struct iam_PolicyVersion){
        .document = with_document ? iam_document_show(call, policy->document) : STR_NONE,
        .version_id = policy->version,
        .is_default_version = opt_bool(true),
        .create_date = opt_i64(policy->updated_ms),
    };
}

struct iam_AttachedPolicyList
iam_attached_show(struct api_call *call, struct str owner_id)
{
    struct iam_AttachedPolicyList list = {0};

    API_PRESENT(&list);
    STORE_EACH(call->txn, iam_attachment_by_owner, row, owner_id) {
        struct iam_managed policy;
        assert(str_eq(row->owner_id, owner_id));

        if (iam_managed_get(call, row->policy_arn, &policy))
            *LIST_PUSH(call->arena, &list) = (struct iam_AttachedPolicy){policy.name, policy.arn};
    }
    return list;
}

struct iam_PolicyDetailList
iam_inline_show(struct api_call *call, struct str owner_id)
{
    struct iam_PolicyDetailList list = {0};

    STORE_EACH(call->txn, iam_inline_by_owner, row, owner_id)
        *LIST_PUSH(call->arena, &list) =
            (struct iam_PolicyDetail){row->name, iam_document_show(call, row->document)};
    return list;
}
