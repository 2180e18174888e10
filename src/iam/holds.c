/*
 * What holds of IAM's rows whatever was called: asked where a row is found by its name and where
 * one is written.  src/api decides by these rows, so one that is not whole would let somebody in
 * or keep somebody out.
 */
#include "iam/holds.h"

#include "iam/common.h"

enum {
    ID_CHARS = 21, /* AIDA and 17 more */
    ACCESS_KEY_CHARS = 20,
    SEED_CHARS = 64,
    SESSION_S_MIN = 3600,
    SESSION_S_MAX = 43200,
};

/* What has a path and a name: unique in the account by the name in lower case. */
static void
named_assert(const char *prefix, struct str id, struct str account, struct str path,
             struct str name, struct str name_lower)
{
    assert(id.n == ID_CHARS && str_starts(id, str_from(prefix)));
    assert(account.n > 0);
    assert(path.n > 0 && path.p[0] == '/' && path.p[path.n - 1] == '/');
    assert(name.n > 0 && str_eq_nocase(name, name_lower));
    for (size_t i = 0; i < name_lower.n; i++)
        assert(name_lower.p[i] < 'A' || name_lower.p[i] > 'Z');
}

static void
boundary_assert(struct str boundary)
{
    assert(boundary.n == 0 || str_starts(boundary, S("arn:aws:iam::")));
}

static void
tags_assert(const struct str_list *tags)
{
    assert(tags->n % 2 == 0);
    assert(tags->n <= 2 * IAM_TAGS_MAX);
}

void
iam_user_assert(const struct iam_user_row *row)
{
    named_assert("AIDA", row->id, row->account, row->path, row->name, row->name_lower);
    boundary_assert(row->boundary);
    tags_assert(&row->tags);
    /* without a login profile there is no password to be changed */
    assert(row->login_created_ms || (!row->login_reset && !row->login_changed_ms));
}

void
iam_group_assert(const struct iam_group_row *row)
{
    named_assert("AGPA", row->id, row->account, row->path, row->name, row->name_lower);
}

void
iam_role_assert(const struct iam_role_row *row)
{
    named_assert("AROA", row->id, row->account, row->path, row->name, row->name_lower);
    boundary_assert(row->boundary);
    tags_assert(&row->tags);
    assert(row->trust_policy.n > 0);
    assert(row->max_session_s >= SESSION_S_MIN && row->max_session_s <= SESSION_S_MAX);
    /* the path says whose a service-linked role is, and no other may have it */
    assert((row->service_name.n > 0) == str_starts(row->path, S("/aws-service-role/")));
}

void
iam_profile_assert(const struct iam_profile_row *row)
{
    named_assert("AIPA", row->id, row->account, row->path, row->name, row->name_lower);
    tags_assert(&row->tags);
    assert(row->role_id.n == 0 || str_starts(row->role_id, S("AROA")));
}

void
iam_policy_assert(const struct iam_policy_row *row)
{
    named_assert("ANPA", row->id, row->account, row->path, row->name, row->name_lower);
    tags_assert(&row->tags);
    assert(str_ends(row->arn, row->name) && str_find(row->arn, row->account) != SIZE_MAX);
    assert(row->default_version >= 1 && row->default_version <= row->last_version);
}

void
iam_access_key_assert(const struct iam_access_key_row *row)
{
    assert(row->id.n == ACCESS_KEY_CHARS && str_starts(row->id, S("AKIA")));
    assert(row->secret.n > 0);
    assert(str_eq(row->user_id, row->account) || str_starts(row->user_id, S("AIDA")));
}

void
iam_mfa_device_assert(const struct iam_mfa_device_row *row)
{
    assert(str_starts(row->id, S("arn:aws:iam::")) && str_find(row->id, S(":mfa/")) != SIZE_MAX);
    assert(row->seed.n == SEED_CHARS);
    assert((row->user_id.n > 0) == (row->enabled_ms != 0));
    assert(row->pair_step >= 0 && row->last_step >= 0);
    tags_assert(&row->tags);
}

void
iam_server_certificate_assert(const struct iam_server_certificate_row *row)
{
    named_assert("ASCA", row->id, row->account, row->path, row->name, row->name_lower);
    assert(row->body.n > 0 && row->private_key.n > 0);
    tags_assert(&row->tags);
}

void
iam_provider_assert(const struct iam_provider_row *row)
{
    bool oidc = str_is(row->kind, "oidc");

    assert(oidc || str_is(row->kind, "saml"));
    assert(row->url.n > 0 && str_ends(row->id, row->url));
    assert(str_find(row->id, oidc ? S(":oidc-provider/") : S(":saml-provider/")) != SIZE_MAX);
    assert(oidc || (!row->client_ids.n && !row->thumbprints.n && row->document.n > 0));
    assert((int64_t)row->client_ids.n <= iam_quota(IAM_QUOTA_OIDC_CLIENTS));
    tags_assert(&row->tags);
}
