/*
 * What an account says of itself: its alias, and how much it has of everything.
 */
#include "iam/common.h"

enum { ALIAS_MIN = 3, ALIAS_MAX = 63, ACCOUNT_DIGITS = 12 };

/* ---- aliases ---- */

/*
 * The description's pattern has a look-ahead, which the validator does not know: small letters,
 * digits and single hyphens, none at an end.  An account's number is no alias.
 */
static bool
is_alias(struct str s)
{
    bool ok = s.n >= ALIAS_MIN && s.n <= ALIAS_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-';
    size_t digits = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';

        ok = ok && (digit || s.p[i] == '-' || (s.p[i] >= 'a' && s.p[i] <= 'z'));
        ok = ok && !(i > 0 && s.p[i] == '-' && s.p[i - 1] == '-');
        digits += digit;
    }
    assert(digits <= s.n);
    return ok && !(digits == s.n && s.n == ACCOUNT_DIGITS);
}

static int
alias_check(struct api_call *call, struct str alias)
{
    if (is_alias(alias))
        return 0;
    return api_fault(call, &IAM_ERR(ValidationError),
                     "1 validation error detected: Value '%.*s' at 'accountAlias' failed to "
                     "satisfy constraint: Member must satisfy regular expression pattern: "
                     "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
                     STR_ARG(alias));
}

/* Aliases are one namespace for all accounts.  A new one takes the place of the old. */
int
iam_create_account_alias(struct api_call *call, const struct iam_CreateAccountAliasRequest *req,
                         struct iam_CreateAccountAliasResult *res)
{
    const struct iam_account_row *account = iam_account_look(call);
    struct iam_account_row new = {.id = call->account};
    int r = alias_check(call, req->account_alias);

    (void)res;
    if (r)
        return r;
    if (iam_account_by_alias_get(call->txn, req->account_alias))
        return api_fault(call, &IAM_ERR(EntityAlreadyExists),
                         "The account alias %.*s already exists.", STR_ARG(req->account_alias));
    if (account)
        new = *account;
    new.alias = req->account_alias;
    assert(str_eq(new.id, call->account));
    return iam_account_put(call, &new);
}

int
iam_delete_account_alias(struct api_call *call, const struct iam_DeleteAccountAliasRequest *req,
                         struct iam_DeleteAccountAliasResult *res)
{
    const struct iam_account_row *account = iam_account_look(call);
    int r = alias_check(call, req->account_alias);

    (void)res;
    if (r)
        return r;
    if (!account || !str_eq(account->alias, req->account_alias))
        return api_fault(call, &IAM_ERR(NoSuchEntity), "The Account Alias %.*s cannot be found.",
                         STR_ARG(req->account_alias));
    struct iam_account_row new = *account;

    new.alias = STR_NONE;
    return iam_account_put(call, &new);
}

int
iam_list_account_aliases(struct api_call *call, const struct iam_ListAccountAliasesRequest *req,
                         struct iam_ListAccountAliasesResponse *res)
{
    const struct iam_account_row *account = iam_account_look(call);
    struct api_page page;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->account_aliases);
    if (account && account->alias.n && api_page_take(&page, account->alias))
        *LIST_PUSH(call->arena, &res->account_aliases) = account->alias;
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

/* ---- GetAccountSummary ---- */

/* Quotas that are shown, under the summary's own names. */
static const struct {
    const char *name;
    enum iam_quota quota;
} summary_quotas[] = {
    {"UsersQuota", IAM_QUOTA_USERS},
    {"GroupsQuota", IAM_QUOTA_GROUPS},
    {"ServerCertificatesQuota", IAM_QUOTA_SERVER_CERTIFICATES},
    {"UserPolicySizeQuota", IAM_QUOTA_USER_POLICY_SIZE},
    {"GroupPolicySizeQuota", IAM_QUOTA_GROUP_POLICY_SIZE},
    {"GroupsPerUserQuota", IAM_QUOTA_USER_GROUPS},
    {"SigningCertificatesPerUserQuota", IAM_QUOTA_SIGNING_CERTIFICATES},
    {"AccessKeysPerUserQuota", IAM_QUOTA_ACCESS_KEYS},
    {"AttachedPoliciesPerGroupQuota", IAM_QUOTA_GROUP_ATTACHMENTS},
    {"AttachedPoliciesPerRoleQuota", IAM_QUOTA_ROLE_ATTACHMENTS},
    {"AttachedPoliciesPerUserQuota", IAM_QUOTA_USER_ATTACHMENTS},
    {"PoliciesQuota", IAM_QUOTA_POLICIES},
    {"PolicySizeQuota", IAM_QUOTA_POLICY_SIZE},
    {"PolicyVersionsInUseQuota", IAM_QUOTA_POLICY_VERSIONS_IN_USE},
    {"VersionsPerPolicyQuota", IAM_QUOTA_POLICY_VERSIONS},
    {"AssumeRolePolicySizeQuota", IAM_QUOTA_TRUST_POLICY_SIZE},
    {"InstanceProfilesQuota", IAM_QUOTA_PROFILES},
    {"RolePolicySizeQuota", IAM_QUOTA_ROLE_POLICY_SIZE},
    {"RolesQuota", IAM_QUOTA_ROLES},
};

/* Rows of the account that are counted. */
static const struct {
    const char *name;
    const struct store_index *index; /* begins with the account */
} summary_counts[] = {
    {"Users", &iam_user_by_name},
    {"Groups", &iam_group_by_name},
    {"Roles", &iam_role_by_name},
    {"Policies", &iam_policy_by_name},
    {"InstanceProfiles", &iam_profile_by_name},
    {"ServerCertificates", &iam_server_certificate_by_name},
    {"MFADevices", &iam_mfa_device_by_account},
    {"Providers", &iam_provider_by_account},
};

static void
add(struct api_call *call, struct iam_GetAccountSummaryResponse *res, const char *name, int64_t v)
{
    assert(name && v >= 0);
    *LIST_PUSH(call->arena, &res->summary_map) =
        (__typeof__(*res->summary_map.v)){str_from(name), opt_i64(v)};
}

static int64_t
count_of_owner(struct api_call *call, const struct store_index *by_user)
{
    assert(by_user);
    return iam_count(call->txn, by_user, STORE_KEYS(call->account));
}

int
iam_get_account_summary(struct api_call *call, const struct iam_GetAccountSummaryRequest *req,
                        struct iam_GetAccountSummaryResponse *res)
{
    int64_t devices = 0, versions = 0;

    (void)req;
    for (size_t i = 0; i < ARRAY_LEN(summary_counts); i++)
        add(call, res, summary_counts[i].name, count_of_owner(call, summary_counts[i].index));
    STORE_EACH(call->txn, iam_mfa_device_by_account, device, call->account)
        devices += device->user_id.n > 0;
    STORE_EACH(call->txn, iam_policy_by_name, policy, call->account)
        versions += iam_count(call->txn, &iam_policy_version_by_policy, STORE_KEYS(policy->id));
    add(call, res, "MFADevicesInUse", devices);
    add(call, res, "PolicyVersionsInUse", versions);
    /* The root's own: its keys and devices are rows whose user is the account. */
    add(call, res, "AccountMFAEnabled", count_of_owner(call, &iam_mfa_device_by_user) > 0);
    add(call, res, "AccountAccessKeysPresent", count_of_owner(call, &iam_access_key_by_user) > 0);
    add(call, res, "AccountSigningCertificatesPresent",
        count_of_owner(call, &iam_signing_certificate_by_user) > 0);
    add(call, res, "AccountPasswordPresent", 0);
    add(call, res, "GlobalEndpointTokenVersion", 1);
    for (size_t i = 0; i < ARRAY_LEN(summary_quotas); i++)
        add(call, res, summary_quotas[i].name, iam_quota(summary_quotas[i].quota));
    return 0;
}
