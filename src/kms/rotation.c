/* Rotation: a new version of a symmetric key's material; the old ones go on decrypting. */
#include "kms/kms.h"

enum { PERIOD_DAYS = 365, ON_DEMAND_MAX = 25, ROTATIONS_PAGE = 100, ROTATIONS_PAGE_MAX = 1000 };

/* Rotation is for symmetric encryption keys; a multi-Region key is rotated by its primary. */
static int
kind_check(struct api_call *call, const struct kms_key_row *row, bool changes)
{
    if (!str_is(row->spec, "SYMMETRIC_DEFAULT"))
        return api_fault(call, &KMS_ERR(UnsupportedOperationException), "%s", "");
    if (changes && kms_is_replica(row))
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "%.*s is not a multi-region primary key.", STR_ARG(row->arn));
    return 0;
}

static int
origin_check(struct api_call *call, const struct kms_key_row *row)
{
    if (str_is(row->origin, "AWS_KMS"))
        return 0;
    return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                     "%.*s origin is %.*s which is not valid for this operation.",
                     STR_ARG(row->arn), STR_ARG(row->origin));
}

/* A key that can be rotated automatically. */
static int
rotated_find(struct api_call *call, struct str id, const struct kms_key_row **ret)
{
    int r = kms_key_find(call, &(struct kms_want){.id = id}, ret);

    if (r == 0)
        r = kind_check(call, *ret, true);
    return r ? r : origin_check(call, *ret);
}

/* Rotation is a shared property: each region's copy says the same. */
static int
period_write(struct api_call *call, const struct kms_key_row *row, int64_t days, int64_t next_ms)
{
    int r = 0;

    assert((days == 0) == (next_ms == 0) && !kms_is_replica(row));
    STORE_EACH(call->txn, kms_key_by_multi, other, row->account, row->id) {
        struct kms_key_row new = *other;

        new.rotation_days = days;
        new.rotation_ms = next_ms;
        if (r == 0)
            r = kms_key_save(call->txn, &new);
    }
    return r;
}

int
kms_enable_key_rotation(struct api_call *call, const struct kms_EnableKeyRotationRequest *req,
                        struct kms_EnableKeyRotationResult *res UNUSED)
{
    const struct kms_key_row *row;
    int r = rotated_find(call, req->key_id, &row);

    if (r)
        return r;
    /* enabling again without a period leaves the schedule as it is */
    int64_t days = opt_i64_or(req->rotation_period_in_days,
                              row->rotation_days ? row->rotation_days : PERIOD_DAYS);

    assert(days > 0);
    if (row->rotation_days == days)
        return 0;
    return period_write(call, row, days, call->now_ms + days * KMS_DAY_MS);
}

int
kms_disable_key_rotation(struct api_call *call, const struct kms_DisableKeyRotationRequest *req,
                         struct kms_DisableKeyRotationResult *res UNUSED)
{
    const struct kms_key_row *row;
    int r = rotated_find(call, req->key_id, &row);

    return r ? r : period_write(call, row, 0, 0);
}

int
kms_get_key_rotation_status(struct api_call *call,
                            const struct kms_GetKeyRotationStatusRequest *req,
                            struct kms_GetKeyRotationStatusResponse *res)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_LOOKING | KMS_OF_OTHERS};
    int r = kms_key_find(call, &want, &row);

    if (r)
        return r;
    /* a key that cannot be rotated is told as one that is not; while deletion is pending nothing
     * is rotated, and AWS says so */
    bool on = row->rotation_days && !str_starts(row->state, S("Pending"));

    res->key_id = row->id;
    res->key_rotation_enabled = opt_bool(on);
    if (on) {
        res->rotation_period_in_days = opt_i64(row->rotation_days);
        res->next_rotation_date = opt_i64(row->rotation_ms);
    }
    return 0;
}

/* ---- on demand ---- */

/* The material that was imported for the next rotation becomes the current one. */
static int
rotate_imported(struct api_call *call, const struct kms_key_row *row)
{
    const struct kms_material_row *pending = NULL, *current = kms_material_current(call, row);
    struct kms_key_row key = *row;

    STORE_EACH(call->txn, kms_material_by_owner, material, row->arn) {
        kms_material_assert(material);
        if (str_is(material->state, "PENDING_ROTATION"))
            pending = material;
    }
    if (!pending || !pending->secret.n)
        return api_fault(call, &KMS_ERR(KMSInvalidStateException),
                         "%.*s has no key material pending rotation.", STR_ARG(row->arn));
    assert(current);
    assert(current != pending && str_is(current->state, "CURRENT"));
    struct kms_material_row old = *current, new = *pending;

    old.state = S("NON_CURRENT");
    new.state = S("CURRENT");
    new.rotation = S("ON_DEMAND");
    new.rotated_ms = call->now_ms;
    key.material_id = new.material_id;
    int r = kms_material_update(call->txn, &old);

    if (r == 0)
        r = kms_material_update(call->txn, &new);
    if (r < 0)
        return error_origin(-r, "material of %.*s cannot be written", STR_ARG(row->arn));
    return kms_key_save(call->txn, &key);
}

int
kms_rotate_key_on_demand(struct api_call *call, const struct kms_RotateKeyOnDemandRequest *req,
                         struct kms_RotateKeyOnDemandResponse *res)
{
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id}, &row);

    if (r == 0)
        r = kind_check(call, row, true);
    if (r)
        return r;
    if (row->on_demand >= ON_DEMAND_MAX)
        return api_fault(call, &KMS_ERR(LimitExceededException),
                         "The on-demand rotations limit has been reached for the given keyId. No "
                         "more on-demand rotations can be performed for this key: %.*s",
                         STR_ARG(row->arn));
    r = str_is(row->origin, "EXTERNAL") && !row->multi_region ? rotate_imported(call, row)
                                                              : origin_check(call, row);
    if (r == 0 && str_is(row->origin, "AWS_KMS"))
        r = kms_rotate(call->txn, call->env, call->arena, row->arn, "ON_DEMAND", call->now_ms);
    if (r)
        return r;
    struct kms_key_row new = *kms_key_get(call->txn, row->arn);

    new.on_demand++;
    res->key_id = row->id;
    return kms_key_save(call->txn, &new);
}

/* ---- the list ---- */

static struct kms_RotationsListEntry
show(const struct kms_key_row *row, const struct kms_material_row *material)
{
    struct kms_RotationsListEntry shown = {
        .key_id = row->id,
        .key_material_id = material->material_id,
        .key_material_state = material->state,
    };

    kms_material_assert(material);
    if (material->rotation.n) {
        shown.rotation_date = opt_i64(material->rotated_ms);
        shown.rotation_type = material->rotation;
    }
    if (!str_is(row->origin, "EXTERNAL"))
        return shown;
    shown.import_state = material->secret.n ? S("IMPORTED") : S("PENDING_IMPORT");
    if (material->description.n)
        shown.key_material_description = material->description;
    if (material->secret.n)
        shown.expiration_model =
            material->expires_ms ? S("KEY_MATERIAL_EXPIRES") : S("KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (material->secret.n && material->expires_ms)
        shown.valid_to = opt_i64(material->expires_ms);
    return shown;
}

int
kms_list_key_rotations(struct api_call *call, const struct kms_ListKeyRotationsRequest *req,
                       struct kms_ListKeyRotationsResponse *res)
{
    bool all = str_is(req->include_key_material, "ALL_KEY_MATERIAL");
    const struct kms_key_row *row;
    struct kms_listing listing;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id, .allow = KMS_LOOKING}, &row);

    if (r == 0)
        r = kind_check(call, row, false);
    if (r == 0)
        r = kms_listing_open(call, req->limit, ROTATIONS_PAGE_MAX, ROTATIONS_PAGE, req->marker,
                             &listing);
    if (r)
        return r;
    STORE_EACH(call->txn, kms_material_by_owner, material, kms_material_owner(call->arena, row)) {
        if (!all && !material->rotation.n)
            continue;
        if (kms_listing_takes(&listing,
                              str_fmt(call->arena, "%020lld", (long long)material->number)))
            *LIST_PUSH(call->arena, &res->rotations) = show(row, material);
    }
    API_PRESENT(&res->rotations);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}
