/*
 * Multi-Region keys: one id, one material, a row in each region.
 *
 * Shared by all copies: id, material, spec, usage, origin, rotation.  A copy has its own policy,
 * grants, aliases, tags, description and state.
 */
#include "kms/kms.h"

static int
primary_check(struct api_call *call, const struct kms_key_row *row)
{
    if (row->multi_region && !kms_is_replica(row))
        return 0;
    return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                     "%.*s is not a multi-region primary key.", STR_ARG(row->arn));
}

static struct kms_key_row
replica_of(struct api_call *call, const struct kms_ReplicateKeyRequest *req,
           const struct kms_key_row *row)
{
    struct kms_key_row replica = *row;

    replica.region = req->replica_region;
    assert(row->multi_region && !kms_is_replica(row));
    replica.arn = kms_key_arn(call->arena, replica.region, row->account, row->id);
    replica.created_ms = call->now_ms;
    replica.description = req->description.p ? req->description : S("");
    replica.policy = req->policy.p ? req->policy : kms_policy_default(call->arena, row->account);
    replica.deletion_ms = replica.deletion_days = replica.due_ms = 0;
    replica.on_demand = 0;
    if (str_is(row->origin, "EXTERNAL")) { /* each copy is imported for itself */
        replica.state = S("PendingImport");
        replica.material_id = S("");
    }
    return replica;
}

int
kms_replicate_key(struct api_call *call, const struct kms_ReplicateKeyRequest *req,
                  struct kms_ReplicateKeyResponse *res)
{
    const struct api_resource everything = {.arn = S("*")};
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id}, &row);

    /* a replica is made as a key is */
    if (r == 0)
        r = api_authorize_on(call, S("kms:CreateKey"), &everything, NULL);
    if (r == 0)
        r = primary_check(call, row);
    if (r)
        return r;
    struct kms_key_row replica = replica_of(call, req, row);

    if (kms_key_get(call->txn, replica.arn))
        return api_fault(call, &KMS_ERR(AlreadyExistsException), "Key %.*s already exists",
                         STR_ARG(replica.arn));
    r = kms_tags_of(call, &req->tags, &replica.tags);
    if (r == 0 && req->policy.p)
        r = kms_policy_check(call, req->policy, &replica,
                             opt_bool_or(req->bypass_policy_lockout_safety_check, false));
    if (r)
        return r;
    kms_key_assert(&replica);
    assert(kms_is_replica(&replica) && str_eq(replica.id, row->id));
    r = kms_key_insert(call->txn, &replica);
    if (r < 0)
        return error_origin(-r, "key %.*s cannot be written", STR_ARG(replica.arn));
    res->replica_key_metadata = kms_key_show(call, &replica);
    res->replica_policy = replica.policy;
    res->replica_tags = kms_tags_show(call->arena, &replica.tags);
    return 0;
}

int
kms_update_primary_region(struct api_call *call, const struct kms_UpdatePrimaryRegionRequest *req,
                          struct kms_UpdatePrimaryRegionResult *res UNUSED)
{
    const struct kms_key_row *row;
    int r = kms_key_find(call, &(struct kms_want){.id = req->key_id}, &row);

    if (r == 0)
        r = primary_check(call, row);
    if (r)
        return r;
    struct str arn = kms_key_arn(call->arena, req->primary_region, row->account, row->id);
    const struct kms_key_row *replica = kms_key_get(call->txn, arn);

    if (!replica)
        return kms_key_missing(call, arn);
    if (str_starts(replica->state, S("Pending")))
        return api_fault(call, &KMS_ERR(KMSInvalidStateException), "%.*s is %s.", STR_ARG(arn),
                         str_is(replica->state, "PendingImport") ? "pending import"
                                                                 : "pending deletion");
    assert(replica->multi_region && str_eq(replica->primary_region, row->region));
    STORE_EACH(call->txn, kms_key_by_multi, other, row->account, row->id) {
        struct kms_key_row new = *other;

        new.primary_region = replica->region;
        if (r == 0)
            r = kms_key_save(call->txn, &new);
    }
    return r;
}
