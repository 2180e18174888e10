/*
 * What holds of Parameter Store's rows whatever was called: asked where rows are found and where
 * they are written.
 */
#include "ssm/ssm.h"

static bool
is_of(struct str s, const char *const *names)
{
    while (*names && !str_is(s, *names))
        names++;
    return *names != NULL;
}

void
ssm_parameter_assert(const struct ssm_parameter_row *row)
{
    static const char *const types[] = {"String", "StringList", "SecureString", NULL};
    static const char *const tiers[] = {"Standard", "Advanced", NULL};
    size_t scope = row->account.n + 1 + row->region.n;
    bool advanced = str_is(row->tier, "Advanced");

    assert(str_starts(row->id, row->account) && row->id.n > scope && row->id.p[scope] == '/');
    assert(str_eq(row->parent, ssm_key_parent(row->id)) && str_ends(row->id, row->name));
    assert(is_of(row->type, types) && is_of(row->tier, tiers));
    assert(str_is(row->type, "SecureString") == (row->key_id.n > 0));
    /* the versions that are kept are without a gap, the newest in the row itself */
    assert(row->oldest >= 1 && row->oldest <= row->version);
    assert(row->version - row->oldest < SSM_VERSIONS_MAX);
    assert(row->labels.n <= SSM_LABELS_MAX);
    assert(row->tags.n % 2 == 0);
    /* policies and shares are of the advanced tier, which nothing leaves */
    assert(advanced || (!row->policies.n && !row->share_id.n));
    assert(row->due_ms == 0 || (row->due_ms > 0 && row->policies.n));
    assert((row->share_id.n > 0) == (row->share_policy.n > 0));
    assert((row->share_id.n > 0) == (row->share_hash.n > 0));
    assert(row->policies_done >> SSM_POLICIES_MAX == 0);
}

void
ssm_version_assert(const struct ssm_parameter_row *row, const struct ssm_version_row *version)
{
    assert(str_eq(version->parameter, row->id));
    assert(version->version >= row->oldest && version->version <= row->version);
    assert(version->labels.n <= SSM_LABELS_MAX);
    assert(str_is(version->type, "SecureString") == (version->key_id.n > 0));
}
