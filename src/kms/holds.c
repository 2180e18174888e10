/*
 * What holds of KMS's rows whatever was called: asked where a row is found and where one is
 * written, so that a mistake of one operation does not become the ciphertext of another.
 */
#include "kms/kms.h"

enum { ID_DIGITS = 64, TOKEN_KEY_BYTES = 32 };

static const char *const key_states[] = {
    "Enabled", "Disabled", "PendingImport", "PendingDeletion", "PendingReplicaDeletion", NULL,
};

static const char *const material_states[] = {
    "CURRENT",
    "NON_CURRENT",
    "PENDING_ROTATION",
    NULL,
};

/* The waiting room of deletion: a date, or for a primary key the days that it will wait. */
static void
deletion_assert(const struct kms_key_row *row)
{
    bool waits = str_is(row->state, "PendingDeletion");
    bool waits_for_replicas = str_is(row->state, "PendingReplicaDeletion");

    assert((row->deletion_ms != 0) == waits);
    assert((row->deletion_days != 0) == (waits || waits_for_replicas));
    assert(!waits_for_replicas || (row->multi_region && !kms_is_replica(row)));
}

static void
rotation_assert(const struct kms_key_row *row)
{
    bool symmetric = str_is(row->spec, "SYMMETRIC_DEFAULT");

    assert((row->rotation_days != 0) == (row->rotation_ms != 0));
    assert(row->rotation_days == 0 || (symmetric && str_is(row->origin, "AWS_KMS")));
    assert(row->on_demand == 0 || symmetric);
    assert(row->rotation_days >= 0 && row->on_demand >= 0);
}

void
kms_key_assert(const struct kms_key_row *row)
{
    const struct kms_spec *spec = kms_spec_find(row->spec);
    bool external = str_is(row->origin, "EXTERNAL");

    assert(str_ends(row->arn, row->id) && str_starts(row->arn, S("arn:aws:kms:")));
    assert(str_starts(row->id, S("mrk-")) == row->multi_region);
    assert(row->multi_region == (row->primary_region.n > 0));
    assert(spec && spec->kind != KMS_ABSENT && kms_name_in(spec->usages, row->usage));
    assert(external || str_is(row->origin, "AWS_KMS"));
    assert(kms_name_in(key_states, row->state));
    assert(external || !str_is(row->state, "PendingImport"));
    /* only a key that nothing was ever imported into has no material, and it is never in use */
    assert(row->material_id.n == ID_DIGITS || (external && row->material_id.n == 0));
    assert(row->material_id.n || str_starts(row->state, S("Pending")));
    assert(!row->aws_service.n || (!external && !row->multi_region && row->deletion_ms == 0));
    assert(row->policy.n > 0 && row->tags.n % 2 == 0);
    deletion_assert(row);
    rotation_assert(row);
}

void
kms_material_assert(const struct kms_material_row *row)
{
    assert(row->number >= 1 && row->material_id.n == ID_DIGITS);
    assert(kms_name_in(material_states, row->state));
    assert((row->rotation.n > 0) == (row->rotated_ms != 0));
}

void
kms_grant_assert(const struct kms_grant_row *row)
{
    assert(row->id.n == ID_DIGITS && row->token_key.n == TOKEN_KEY_BYTES);
    assert(row->operations.n > 0 && row->grantee.n > 0);
    assert(row->subset.n % 2 == 0 && row->equals.n % 2 == 0);
    assert(row->has_equals || row->equals.n == 0);
    assert(row->issuer.n > 0 && str_find(row->key_arn, row->account) != SIZE_MAX);
}
