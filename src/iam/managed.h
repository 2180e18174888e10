/*
 * Managed policies, an account's own and AWS's, seen as one kind of thing; what is attached; roles
 * as replies show them.
 */
#pragma once

#include "api/managed_policy.h"
#include "iam/common.h"

struct iam_managed {
    struct str arn, name, path, id, description;
    int64_t created_ms, updated_ms;
    struct str version;               /* of the default: "v3" */
    struct str document;              /* of the default */
    const struct iam_policy_row *row; /* NULL: AWS's own */
};

/* False when there is none, or it is another account's. */
bool iam_managed_get(struct api_call *call, struct str arn, struct iam_managed *ret);
/* The same with InvalidInput for what is no ARN, and NoSuchEntity. */
int iam_managed_find(struct api_call *call, struct str arn, struct iam_managed *ret);
/* A policy that is changed: an account's own only. */
int iam_managed_own(struct api_call *call, struct str arn, const struct iam_policy_row **ret);
/* One that shall be attached: NoSuchEntity in other words. */
int iam_managed_attachable(struct api_call *call, struct str arn, struct iam_managed *ret);
/* Fills in the members of a row's view. */
struct iam_managed iam_managed_of(struct api_call *call, const struct iam_policy_row *row);

/* "v3" to 3; 0 when it is no version of ours. */
int64_t iam_version_number(struct str version);
const struct iam_policy_version_row *iam_version_get(struct api_call *call,
                                                     const struct iam_policy_row *policy,
                                                     int64_t number);
struct iam_PolicyVersion iam_version_show(struct api_call *call,
                                          const struct iam_policy_row *policy,
                                          const struct iam_policy_version_row *row,
                                          bool with_document);
/* The only version of an AWS managed policy. */
struct iam_PolicyVersion iam_version_show_aws(struct api_call *call,
                                              const struct iam_managed *policy,
                                              bool with_document);

/* How often policies are boundaries in the account, counted in one walk. */
struct iam_boundary_count {
    struct str arn;
    int64_t n;
};
struct iam_boundary_counts {
    struct iam_boundary_count *v;
    size_t n;
};
struct iam_boundary_counts iam_boundaries_count(struct api_call *call);
int64_t iam_boundary_uses(const struct iam_boundary_counts *counts, struct str arn);
int64_t iam_attachments_of(struct api_call *call, struct str arn);

/* A policy without description and tags, as lists show it. */
struct iam_Policy iam_policy_show(struct api_call *call, const struct iam_managed *policy,
                                  const struct iam_boundary_counts *counts);

/* What is attached to a user, group or role, in the order in which it was. */
struct iam_AttachedPolicyList iam_attached_show(struct api_call *call, struct str owner_id);
/* Its inline policies. */
struct iam_PolicyDetailList iam_inline_show(struct api_call *call, struct str owner_id);
/* Attaches without asking whether that is allowed. */
int iam_attach(struct api_call *call, struct str owner_id, struct str policy_arn);

/* Refuses to change a service-linked role. */
int iam_role_unprotected(struct api_call *call, const struct iam_role_row *row);
/* iam_role_find() and the above. */
int iam_role_open(struct api_call *call, struct str name, const struct iam_role_row **ret);
/* A role without tags, boundary and use, as lists show it. */
struct iam_Role iam_role_show(struct api_call *call, const struct iam_role_row *row);
struct iam_RoleLastUsed *iam_role_used(struct api_call *call, const struct iam_role_row *row);
/* With its role, without tags. */
struct iam_InstanceProfile iam_profile_show(struct api_call *call,
                                            const struct iam_profile_row *row);
