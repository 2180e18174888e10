/*
 * What all resources of IAM share: finding them by name, ids, ARNs, pages, tags, quotas.
 *
 * Functions that answer an int answer 0, positive with the call's fault set, or negative, so a
 * handler chains them: `r = iam_user_find(…); if (r == 0) r = …`.  IAM is global: all is of
 * call->account, whatever the region.  Names are one whatever their case.
 */
#pragma once

#include "gen/store/iam_rows.h"
#include "iam/errors.h"
#include "iam/iam.h"

/* ---- finding ---- */

/* The row, or NoSuchEntity in AWS's words. */
int iam_user_find(struct api_call *call, struct str name, const struct iam_user_row **ret);
int iam_group_find(struct api_call *call, struct str name, const struct iam_group_row **ret);
int iam_role_find(struct api_call *call, struct str name, const struct iam_role_row **ret);
int iam_profile_find(struct api_call *call, struct str name, const struct iam_profile_row **ret);

/*
 * EntityAlreadyExists when the account has another row of that kind with that name; `but` is the
 * id of the row that may have it (a renaming), or empty.
 */
int iam_user_name_free(struct api_call *call, struct str name, struct str but);
int iam_group_name_free(struct api_call *call, struct str name, struct str but);
int iam_role_name_free(struct api_call *call, struct str name);
int iam_profile_name_free(struct api_call *call, struct str name);
/* The same refusal for other things: "WHAT with name NAME already exists." */
int iam_exists(struct api_call *call, const char *what, struct str name);

/*
 * Whom an operation with an optional UserName is about: the user of that name, else the caller's
 * own.  id is the account and row is NULL for the root of the account, name is empty then.  A role
 * has no user: ValidationError "Must specify userName when calling with non-User credentials".
 */
struct iam_owner {
    struct str id, name;
    const struct iam_user_row *row;
};
int iam_owner_of(struct api_call *call, struct str user_name, struct iam_owner *ret);

/* ---- ids, ARNs ---- */

/* prefix ("AIDA", "AGPA", "AROA", "AIPA", "ANPA", "APKA", "ASCA", "ACCA") and 17 of A-Z2-7. */
struct str iam_id(struct api_call *call, const char *prefix);
/* An access key's id: "AKIA" and 16 of A-Z2-7, which tell the account (codec/session.h). */
struct str iam_access_key_id(struct api_call *call);
/* n random characters of A-Za-z0-9+/; wiped with the arena of a secret reply. */
struct str iam_secret(struct api_call *call, size_t n);
/* arn:aws:iam::ACCOUNT:TYPE/PATH/NAME of the call's account; path is "/" or "/…/". */
struct str iam_arn(struct api_call *call, const char *type, struct str path, struct str name);
/* Of an absent path "/". */
struct str iam_path(struct str path);

/* ---- service_role.c ---- */

struct api_resource;
/* What authorization knows of the role that CreateServiceLinkedRole is about to make. */
int iam_service_role_resource(struct api_call *call, struct str id, struct api_resource *ret);

/* ---- pages ---- */

/*
 * Lists of IAM: MaxItems (100 when absent), Marker, IsTruncated.
 *
 *   struct api_page page;
 *   int r = iam_page_open(call, req->marker, req->max_items, &page);
 *   …
 *   API_PRESENT(&res->users);
 *   STORE_EACH(call->txn, iam_user_by_name, row, call->account) {
 *       if (!str_starts(row->path, req->path_prefix) || !api_page_take(&page, row->name_lower))
 *           continue;
 *       …
 *   }
 *   IAM_PAGE_CLOSE(call, &page, res);
 *
 * Keys must grow from row to row and have at most IAM_PAGE_KEY_MAX bytes, or the Marker would be
 * longer than a Marker may be.
 */
enum { IAM_PAGE_KEY_MAX = 223 };
int iam_page_open(struct api_call *call, struct str marker, struct opt_i64 max_items,
                  struct api_page *ret);
/* An item of so many bytes was put on the page: one that is long ends before MaxItems. */
void iam_page_spend(struct api_page *page, size_t *spent, size_t bytes);
struct str iam_page_marker(struct api_call *call, const struct api_page *page);
#define IAM_PAGE_CLOSE(call, page, res)                                                            \
    ((res)->is_truncated = opt_bool((page)->more),                                                 \
     (res)->marker = iam_page_marker((call), (page)))
/* A page's key for an index that is in the order of a time: ms, then id. */
struct str iam_time_key(struct api_call *call, int64_t ms, struct str id);

/* ---- tags ---- */

enum { IAM_TAGS_MAX = 50 };
/*
 * `old` (k, v, k, v …) with the tags of a request; the newer value stands.  Refuses keys that are
 * twice in the request, "aws:", and too many.  Of users and roles a key is one whatever its case,
 * and the newer spelling stands; of all else (…_cased) the case counts.
 */
int iam_tags_put(struct api_call *call, const struct iam_TagList *tags,
                 const struct str_list *old, struct str_list *ret);
int iam_tags_put_cased(struct api_call *call, const struct iam_TagList *tags,
                       const struct str_list *old, struct str_list *ret);
/* As a reply shows them; absent when there are none. */
struct iam_TagList iam_tags_show(struct api_call *call, const struct str_list *tags);
/* A page of them, sorted by key, for the List…Tags operations; ret is present. */
int iam_tags_page(struct api_call *call, const struct str_list *tags, struct str marker,
                  struct opt_i64 max_items, struct iam_TagList *ret, struct api_page *ret_page);
/* All of List…Tags but finding the row. */
#define IAM_TAGS_LIST(call, row_tags, req, res, page)                                              \
    iam_tags_page((call), (row_tags), (req)->marker, (req)->max_items, &(res)->tags, (page))

/* ---- quotas ---- */

/* AWS's names and defaults. */
#define IAM_QUOTAS(X)                                                                              \
    X(USERS, "UsersPerAccount", 5000)                                                              \
    X(GROUPS, "GroupsPerAccount", 300)                                                             \
    X(ROLES, "RolesPerAccount", 1000)                                                              \
    X(PROFILES, "InstanceProfilesPerAccount", 1000)                                                \
    X(POLICIES, "PoliciesPerAccount", 1500)                                                        \
    X(POLICY_VERSIONS, "VersionsPerPolicy", 5)                                                     \
    X(POLICY_VERSIONS_IN_USE, "PolicyVersionsInUse", 10000)                                       \
    X(POLICY_SIZE, "PolicySize", 6144)                                                             \
    X(USER_POLICY_SIZE, "UserPolicySize", 2048)                                                    \
    X(GROUP_POLICY_SIZE, "GroupPolicySize", 5120)                                                  \
    X(ROLE_POLICY_SIZE, "RolePolicySize", 10240)                                                   \
    X(TRUST_POLICY_SIZE, "ACLSizePerRole", 2048)                                                   \
    X(USER_ATTACHMENTS, "PoliciesPerUser", 10)                                                     \
    X(GROUP_ATTACHMENTS, "PoliciesPerGroup", 10)                                                   \
    X(ROLE_ATTACHMENTS, "PoliciesPerRole", 10)                                                     \
    X(PROFILE_ROLES, "InstanceSessionsPerInstanceProfile", 1)                                      \
    X(USER_GROUPS, "GroupsPerUser", 10)                                                            \
    X(ACCESS_KEYS, "AccessKeysPerUser", 2)                                                         \
    X(MFA_DEVICES, "MFADevicesPerUser", 8)                                                         \
    X(SSH_KEYS, "SSHPublicKeysPerUser", 5)                                                         \
    X(SIGNING_CERTIFICATES, "CertificatesPerUser", 2)                                              \
    X(SERVICE_CREDENTIALS, "ContextSpecificCredentialsPerUserPerContext", 2)                       \
    X(SERVER_CERTIFICATES, "ServerCertificatesPerAccount", 20)                                     \
    X(OIDC_PROVIDERS, "OpenIdConnectProvidersPerAccount", 100)                                     \
    X(SAML_PROVIDERS, "SAMLProvidersPerAccount", 100)                                              \
    X(OIDC_CLIENTS, "ClientIdsPerOpenIdConnectProvider", 100)                                      \
    X(TAGS, "TagsPerResource", IAM_TAGS_MAX)

enum iam_quota {
#define X(name, text, value) IAM_QUOTA_##name,
    IAM_QUOTAS(X)
#undef X
        IAM_N_QUOTAS,
};
int64_t iam_quota(enum iam_quota quota);
/* LimitExceeded "Cannot exceed quota for NAME: VALUE" unless `wanted` (with the new one) fits. */
int iam_quota_check(struct api_call *call, enum iam_quota quota, int64_t wanted);
/* How many rows begin with these values of the index: iam_count(txn, &iam_user_by_name,
 * STORE_KEYS(call->account)). */
int64_t iam_count(struct txn *txn, const struct store_index *index, const struct store_key *keys,
                  unsigned n);

/* ---- deleting ---- */

/* DeleteConflict "Cannot delete entity, must WHAT first." */
int iam_conflict(struct api_call *call, const char *what);
/* A conflict while a user, group or role has attached or inline policies. */
int iam_policies_gone(struct api_call *call, struct str owner_id);

/* Forwards a failed write of the store: 0 stays 0. */
int iam_written(int r, const char *what, struct str id);

/* ---- permissions boundaries ---- */

/* Whether a managed policy of that ARN may be a boundary of something of this account. */
int iam_boundary_check(struct api_call *call, struct str arn);
/* As a reply shows it; NULL when there is none. */
struct iam_AttachedPermissionsBoundary *iam_boundary_show(struct api_call *call, struct str arn);

/* ---- what several resources show ---- */

/* A user without tags and boundary, as lists show it. */
struct iam_User iam_user_show(struct api_call *call, const struct iam_user_row *row);
/* The root of an account, where AWS shows it as a user. */
struct iam_User iam_root_show(struct api_call *call);
struct str iam_status(bool active);
/* What Status of an Update… operation says; "Expired" is for AWS to set: InvalidInput. */
int iam_status_read(struct api_call *call, struct str status, bool *ret_active);
/* The account's own row, or NULL, and a copy to change and iam_account_put(). */
const struct iam_account_row *iam_account_look(struct api_call *call);
int iam_account_put(struct api_call *call, const struct iam_account_row *row);
