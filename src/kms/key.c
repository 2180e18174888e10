/*
 * Keys: making, showing, listing, switching on and off, and the waiting room of deletion.
 *
 * An RSA key of 2,048 bits comes from the pool that CreateKeyPair uses too; larger ones are made
 * while the caller waits (docs/kms.md).
 */
#include "kms/kms.h"

enum { KEYS_PAGE = 100, LIMIT_MAX = 1000, WINDOW_MIN = 7, WINDOW_MAX = 30 };

const struct api_error kms_errors[KMS_N_ERRORS] = {
#define X(name) [KMS_ERROR_##name] = {#name, 400},
    KMS_ERRORS(X)
#undef X
};

/* ---- showing ---- */

bool
kms_is_replica(const struct kms_key_row *row)
{
    assert(row->region.n > 0);
    return row->multi_region && !str_eq(row->region, row->primary_region);
}

struct str
kms_old_spec(const struct kms_key_row *row)
{
    /* specs that came later have no value in the deprecated enum */
    return str_is(row->spec, "ECC_NIST_EDWARDS25519") ? STR_NONE : row->spec;
}

/* Names as a list of a reply: absent when there are none. */
static struct str_list
names_show(struct arena *a, const char *const *names)
{
    struct str_list list = {NULL, 0};

    for (; *names; names++)
        *LIST_PUSH(a, &list) = str_from(*names);
    return list;
}

static struct kms_MultiRegionConfiguration *
multi_region_show(struct api_call *call, const struct kms_key_row *row)
{
    struct kms_MultiRegionConfiguration *conf =
        ARENA_NEW(call->arena, struct kms_MultiRegionConfiguration);

    conf->multi_region_key_type = kms_is_replica(row) ? S("REPLICA") : S("PRIMARY");
    STORE_EACH(call->txn, kms_key_by_multi, other, row->account, row->id) {
        struct kms_MultiRegionKey shown = {.arn = other->arn, .region = other->region};

        if (kms_is_replica(other))
            *LIST_PUSH(call->arena, &conf->replica_keys) = shown;
        else
            *(conf->primary_key = ARENA_NEW(call->arena, struct kms_MultiRegionKey)) = shown;
    }
    API_PRESENT(&conf->replica_keys);
    return conf;
}

/* What the key can do with the usage that it was made for. */
static void
algorithms_show(struct api_call *call, const struct kms_key_row *row, struct kms_KeyMetadata *shown)
{
    const struct kms_spec *spec = kms_spec_find(row->spec);

    assert(spec);
    assert(kms_name_in(spec->usages, row->usage));
    if (str_is(row->usage, "ENCRYPT_DECRYPT"))
        shown->encryption_algorithms = names_show(call->arena, spec->encryption);
    else if (str_is(row->usage, "SIGN_VERIFY"))
        shown->signing_algorithms = names_show(call->arena, spec->signing);
    else if (str_is(row->usage, "GENERATE_VERIFY_MAC"))
        shown->mac_algorithms = names_show(call->arena, spec->mac);
    else
        *LIST_PUSH(call->arena, &shown->key_agreement_algorithms) = S("ECDH");
}

static void
import_show(struct api_call *call, const struct kms_key_row *row, struct kms_KeyMetadata *shown)
{
    const struct kms_material_row *material = kms_material_current(call, row);

    if (!str_is(row->origin, "EXTERNAL") || !material || !material->secret.n)
        return;
    shown->expiration_model =
        material->expires_ms ? S("KEY_MATERIAL_EXPIRES") : S("KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (material->expires_ms)
        shown->valid_to = opt_i64(material->expires_ms);
}

struct kms_KeyMetadata *
kms_key_show(struct api_call *call, const struct kms_key_row *row)
{
    struct kms_KeyMetadata *shown = ARENA_NEW(call->arena, struct kms_KeyMetadata);

    *shown = (struct kms_KeyMetadata){
        .aws_account_id = row->account,
        .key_id = row->id,
        .arn = row->arn,
        .creation_date = opt_i64(row->created_ms),
        .enabled = opt_bool(str_is(row->state, "Enabled")),
        .description = row->description,
        .key_usage = row->usage,
        .key_state = row->state,
        .origin = row->origin,
        .key_manager = row->aws_service.n ? S("AWS") : S("CUSTOMER"),
        .customer_master_key_spec = kms_old_spec(row),
        .key_spec = row->spec,
        .multi_region = opt_bool(row->multi_region),
    };
    assert(shown->enabled.v == str_is(row->state, "Enabled"));
    algorithms_show(call, row, shown);
    import_show(call, row, shown);
    if (row->deletion_ms)
        shown->deletion_date = opt_i64(row->deletion_ms);
    if (str_is(row->state, "PendingReplicaDeletion"))
        shown->pending_deletion_window_in_days = opt_i64(row->deletion_days);
    if (row->multi_region)
        shown->multi_region_configuration = multi_region_show(call, row);
    if (str_is(row->spec, "SYMMETRIC_DEFAULT") && row->material_id.n)
        shown->current_key_material_id = row->material_id;
    return shown;
}

int
kms_describe_key(struct api_call *call, const struct kms_DescribeKeyRequest *req,
                 struct kms_DescribeKeyResponse *res)
{
    const struct kms_key_row *row;
    struct kms_want want = {
        .id = req->key_id, .allow = KMS_USING | KMS_ANY_STATE, .tokens = &req->grant_tokens};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        res->key_metadata = kms_key_show(call, row);
    return r;
}

int
kms_list_keys(struct api_call *call, const struct kms_ListKeysRequest *req,
              struct kms_ListKeysResponse *res)
{
    struct kms_listing listing;
    int r = kms_listing_open(call, req->limit, LIMIT_MAX, KEYS_PAGE, req->marker, &listing);

    if (r)
        return r;
    STORE_EACH(call->txn, kms_key_by_owner, row, call->account, call->region) {
        if (listing.page.more)
            break;
        if (kms_listing_takes(&listing, row->id))
            *LIST_PUSH(call->arena, &res->keys) =
                (struct kms_KeyListEntry){.key_id = row->id, .key_arn = row->arn};
    }
    API_PRESENT(&res->keys);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}

/* ---- making ---- */

struct str
kms_key_id(struct api_call *call, bool multi_region)
{
    uint8_t random[16];

    if (!multi_region)
        return api_uuid(call->env, call->arena);
    call->env->random(call->env, random, sizeof(random));
    struct str digits = str_hex(call->arena, random, sizeof(random));
    return str_fmt(call->arena, "mrk-%.*s", STR_ARG(digits));
}

static int
first_material(struct api_call *call, struct kms_key_row *row)
{
    struct str owner = kms_material_owner(call->arena, row);
    struct kms_material made;
    int r = kms_material_make(call->env, call->arena, kms_spec_find(row->spec), &made);

    assert(!str_is(row->origin, "EXTERNAL") && row->material_id.n == 0);
    if (r < 0)
        return r;
    row->material_id = kms_material_name(call->arena, kms_family(call->arena, row), made.secret);
    return kms_material_insert(call->txn, &(struct kms_material_row){
                                              .id = str_fmt(call->arena, "%.*s/1", STR_ARG(owner)),
                                              .owner = owner,
                                              .number = 1,
                                              .material_id = row->material_id,
                                              .secret = made.secret,
                                              .public = made.public,
                                              .state = S("CURRENT"),
                                          });
}

int
kms_key_make(struct api_call *call, struct kms_key_row *row)
{
    bool external = str_is(row->origin, "EXTERNAL");
    int r = 0;

    row->arn = kms_key_arn(call->arena, row->region, row->account, row->id);
    row->state = external ? S("PendingImport") : S("Enabled");
    if (!external)
        r = first_material(call, row);
    if (r == 0)
        r = kms_key_insert(call->txn, row);
    if (r < 0)
        return error_origin(-r, "key %.*s cannot be written", STR_ARG(row->arn));
    assert(r == 0);
    kms_key_assert(row);
    return 0;
}

int
kms_key_save(struct txn *txn, struct kms_key_row *row)
{
    kms_key_assert(row);
    row->due_ms = kms_due_ms(txn, row);
    int r = kms_key_update(txn, row);

    if (r < 0)
        return error_origin(-r, "key %.*s cannot be written", STR_ARG(row->arn));
    return 0;
}

/* Parameters of key stores that Welkin has not. */
static int
store_check(struct api_call *call, const struct kms_CreateKeyRequest *req)
{
    if (req->custom_key_store_id.p)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "Welkin has no custom key stores: CustomKeyStoreId is not supported.");
    if (req->xks_key_id.p)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "Welkin has no external key stores: XksKeyId is not supported.");
    if (req->origin.p && !str_is(req->origin, "AWS_KMS") && !str_is(req->origin, "EXTERNAL"))
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "Welkin has no custom key stores: Origin %.*s is not supported.",
                         STR_ARG(req->origin));
    return 0;
}

/* KeySpec and KeyUsage, with their defaults. */
static int
spec_check(struct api_call *call, const struct kms_CreateKeyRequest *req, struct kms_key_row *row)
{
    if (req->key_spec.p && req->customer_master_key_spec.p)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "You cannot specify KeySpec and CustomerMasterKeySpec in the same "
                         "request. CustomerMasterKeySpec is deprecated.");
    row->spec = req->key_spec.p ? req->key_spec : req->customer_master_key_spec;
    if (!row->spec.p)
        row->spec = S("SYMMETRIC_DEFAULT");
    const struct kms_spec *spec = kms_spec_find(row->spec);

    if (!spec || spec->kind == KMS_ABSENT)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "KeySpec %.*s is not supported in this region.", STR_ARG(row->spec));
    row->usage = req->key_usage;
    if (!row->usage.p && spec->kind != KMS_SYMMETRIC)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "You must specify a KeyUsage value for all KMS keys except for "
                         "symmetric encryption keys.");
    if (!row->usage.p)
        row->usage = S("ENCRYPT_DECRYPT");
    if (!kms_name_in(spec->usages, row->usage))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "KeyUsage %.*s is not compatible with KeySpec %.*s", STR_ARG(row->usage),
                         STR_ARG(row->spec));
    return 0;
}

int
kms_create_key(struct api_call *call, const struct kms_CreateKeyRequest *req,
               struct kms_CreateKeyResponse *res)
{
    struct kms_key_row row = {
        .account = call->account,
        .region = call->region,
        .created_ms = call->now_ms,
        .description = req->description,
        .origin = req->origin.p ? req->origin : S("AWS_KMS"),
        .multi_region = opt_bool_or(req->multi_region, false),
        .policy = req->policy.p ? req->policy : kms_policy_default(call->arena, call->account),
    };
    int r = store_check(call, req);

    if (r == 0)
        r = spec_check(call, req, &row);
    if (r == 0)
        r = kms_tags_of(call, &req->tags, &row.tags);
    row.id = kms_key_id(call, row.multi_region);
    row.arn = kms_key_arn(call->arena, call->region, call->account, row.id);
    if (row.multi_region)
        row.primary_region = call->region;
    if (r == 0 && req->policy.p)
        r = kms_policy_check(call, req->policy, &row,
                             opt_bool_or(req->bypass_policy_lockout_safety_check, false));
    if (r == 0)
        r = kms_key_make(call, &row);
    if (r == 0)
        res->key_metadata = kms_key_show(call, &row);
    return r;
}

/* ---- small changes ---- */

static int
change_state(struct api_call *call, struct str id, const char *state)
{
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = id, .allow = KMS_WHILE_DISABLED}, &row);

    if (r)
        return r;
    struct kms_key_row new = *row;

    assert(str_is(row->state, "Enabled") || str_is(row->state, "Disabled"));
    new.state = str_from(state);
    return kms_key_save(call->txn, &new);
}

int
kms_enable_key(struct api_call *call, const struct kms_EnableKeyRequest *req,
               struct kms_EnableKeyResult *res UNUSED)
{
    return change_state(call, req->key_id, "Enabled");
}

int
kms_disable_key(struct api_call *call, const struct kms_DisableKeyRequest *req,
                struct kms_DisableKeyResult *res UNUSED)
{
    return change_state(call, req->key_id, "Disabled");
}

int
kms_update_key_description(struct api_call *call, const struct kms_UpdateKeyDescriptionRequest *req,
                           struct kms_UpdateKeyDescriptionResult *res UNUSED)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    if (r)
        return r;
    struct kms_key_row new = *row;

    new.description = req->description;
    return kms_key_save(call->txn, &new);
}

/* ---- deletion ---- */

static bool
has_replicas(struct api_call *call, const struct kms_key_row *row)
{
    bool any = false;

    assert(row->region.n > 0);
    if (!row->multi_region || kms_is_replica(row))
        return false;
    STORE_EACH(call->txn, kms_key_by_multi, other, row->account, row->id) {
        any = any || kms_is_replica(other);
    }
    return any;
}

int
kms_schedule_key_deletion(struct api_call *call, const struct kms_ScheduleKeyDeletionRequest *req,
                          struct kms_ScheduleKeyDeletionResponse *res)
{
    int64_t days = opt_i64_or(req->pending_window_in_days, WINDOW_MAX);
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, &row);

    if (r)
        return r;
    if (days < WINDOW_MIN || days > WINDOW_MAX)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "PendingWindowInDays must be between %d and %d (inclusive)", WINDOW_MIN,
                         WINDOW_MAX);
    struct kms_key_row new = *row;
    bool wait = has_replicas(call, row);

    assert(!str_starts(row->state, S("Pending")) || str_is(row->state, "PendingImport"));
    new.state = wait ? S("PendingReplicaDeletion") : S("PendingDeletion");
    new.deletion_days = days;
    new.deletion_ms = wait ? 0 : call->now_ms + days *KMS_DAY_MS;
    r = kms_key_save(call->txn, &new);
    *res = (struct kms_ScheduleKeyDeletionResponse){
        .key_id = row->arn,
        .key_state = new.state,
        .pending_window_in_days = opt_i64(days),
    };
    if (new.deletion_ms)
        res->deletion_date = opt_i64(new.deletion_ms);
    return r;
}

int
kms_cancel_key_deletion(struct api_call *call, const struct kms_CancelKeyDeletionRequest *req,
                        struct kms_CancelKeyDeletionResponse *res)
{
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id, .allow = KMS_ANY_STATE}, &row);

    if (r)
        return r;
    if (!str_is(row->state, "PendingDeletion") && !str_is(row->state, "PendingReplicaDeletion"))
        return api_fault(call, &KMS_ERR(KMSInvalidStateException), "%.*s is not pending deletion.",
                         STR_ARG(row->arn));
    const struct kms_material_row *material = kms_material_current(call, row);
    struct kms_key_row new = *row;

    assert(row->deletion_days >= WINDOW_MIN && row->deletion_days <= WINDOW_MAX);
    new.state = material && material->secret.n ? S("Disabled") : S("PendingImport");
    new.deletion_ms = new.deletion_days = 0;
    res->key_id = row->arn;
    return kms_key_save(call->txn, &new);
}
