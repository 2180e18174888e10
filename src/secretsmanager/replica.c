/*
 * Replicas: secrets in other regions that follow their primary.  Each is sealed under a key of its
 * own region.  secret_changed() compares a primary with its replicas and writes what differs, so
 * that no operation need know what a replica has; what cannot be written (no key, a secret of the
 * same name) makes that replica Failed and leaves the primary's change alone, as in AWS.
 */
#include "secretsmanager/secretsmanager.h"

static struct str
replica_key(struct arena *a, const struct secret_row *primary, struct str region)
{
    assert(!primary->primary_region.n && !str_eq(primary->region, region));
    return str_fmt(a, "%.*s/%.*s", STR_ARG(primary->arn), STR_ARG(region));
}

struct str
secret_primary_region(struct txn *txn, const struct secret_row *secret)
{
    if (secret->primary_region.n)
        return secret->primary_region;
    STORE_EACH(txn, secret_replica_of_secret, replica, secret->arn) {
        assert(str_eq(replica->arn, secret->arn));
        return secret->region;
    }
    return STR_NONE;
}

struct secretsmanager_ReplicationStatusTypeList
secret_replicas_show(struct api_call *call, const struct secret_row *secret)
{
    struct secretsmanager_ReplicationStatusTypeList list = {NULL, 0};

    STORE_EACH(call->txn, secret_replica_of_secret, replica, secret->arn) {
        const struct secret_row *there =
            secret_get(call->txn, secret_arn_in(call->arena, secret, replica->region));
        struct secretsmanager_ReplicationStatusType *shown = LIST_PUSH(call->arena, &list);

        shown->region = replica->region;
        shown->kms_key_id =
            replica->kms_key_id.n ? replica->kms_key_id : S("alias/aws/secretsmanager");
        shown->status = replica->status;
        if (replica->message.n)
            shown->status_message = replica->message;
        if (there && there->accessed_ms)
            shown->last_accessed_date = opt_i64(there->accessed_ms);
    }
    return list;
}

/* ---- bringing a replica in line ---- */

static int
version_copy(struct api_call *call, const struct secret_row *primary,
             const struct secret_version_row *version, const struct secret_row *there)
{
    struct secret_version_row copy = {
        .id = secret_version_key(call->arena, there->arn, version->version_id),
        .arn = there->arn,
        .number = version->number,
        .version_id = version->version_id,
        .created_ms = version->created_ms,
        .stages = version->stages,
    };
    const struct secret_version_row *old = secret_version_get(call->txn, copy.id);
    struct secret_value value;

    assert(str_eq(version->arn, primary->arn) && !str_eq(there->arn, primary->arn));
    if (!version->sealed.n)
        return 0; /* it follows when it has a value */
    if (old) {
        copy = *old;
        copy.stages = version->stages;
        secret_version_assert(&copy);
        return secret_version_update(call->txn, &copy);
    }
    int r = secret_open(call, primary, version, &value);

    if (r == 0)
        r = secret_seal(call, there, &value, &copy);
    return r ? r : secret_version_insert(call->txn, &copy);
}

static int
versions_copy(struct api_call *call, const struct secret_row *primary,
              const struct secret_row *there)
{
    int r = 0;

    assert(str_eq(there->primary_region, primary->region));
    STORE_EACH(call->txn, secret_version_of_secret, version, primary->arn) {
        r = version_copy(call, primary, version, there);
        if (r)
            return r;
    }
    STORE_EACH(call->txn, secret_version_of_secret, old, there->arn) {
        assert(str_eq(old->arn, there->arn));
        struct str origin = secret_version_key(call->arena, primary->arn, old->version_id);

        if (!secret_version_get(call->txn, origin))
            r = secret_version_delete(call->txn, old->id);
        if (r)
            return r;
    }
    return 0;
}

static int
replica_write(struct api_call *call, const struct secret_row *primary,
              const struct secret_replica_row *replica)
{
    struct secret_row copy = *primary;
    const struct secret_row *old;

    copy.arn = secret_arn_in(call->arena, primary, replica->region);
    copy.region = replica->region;
    copy.kms_key_id = replica->kms_key_id;
    copy.primary_region = primary->region;
    copy.accessed_ms = 0;
    old = secret_get(call->txn, copy.arn);
    if (old)
        copy.accessed_ms = old->accessed_ms;
    secret_assert(&copy);
    int r = old ? secret_update(call->txn, &copy) : secret_insert(call->txn, &copy);

    return r ? r : versions_copy(call, primary, &copy);
}

static int
replica_note(struct api_call *call, const struct secret_replica_row *replica, const char *status,
             struct str message)
{
    struct secret_replica_row new = *replica;

    assert((message.n > 0) == (strcmp(status, "Failed") == 0));
    new.status = str_from(status);
    new.message = message;
    return secret_replica_update(call->txn, &new);
}

/* Negative only: what KMS refuses is written down. */
static int
replica_sync(struct api_call *call, const struct secret_row *primary,
             const struct secret_replica_row *replica)
{
    size_t mark = store_savepoint(call->txn);
    int r = replica_write(call, primary, replica);

    if (r == 0)
        return replica_note(call, replica, "InSync", STR_NONE);
    if (r < 0)
        return r;
    store_rollback_to(call->txn, mark);
    return replica_note(
        call, replica, "Failed",
        str_fmt(call->arena, "Replication failed: %.*s", STR_ARG(call->fault.message)));
}

/* A replica whose name was taken before it could be made stays Failed until it is added anew. */
static bool
is_blocked(struct api_call *call, const struct secret_row *primary,
           const struct secret_replica_row *replica)
{
    const struct secret_row *there =
        secret_by_name_get(call->txn, primary->account, replica->region, primary->name);

    assert(str_eq(replica->arn, primary->arn));
    return there && !str_eq(there->arn, secret_arn_in(call->arena, primary, replica->region));
}

int
secret_changed(struct api_call *call, const struct secret_row *row)
{
    struct secret_row new = *row;

    assert(!row->primary_region.n);
    new.changed_ms = call->now_ms;
    secret_assert(&new);
    int r = secret_update(call->txn, &new);

    if (r < 0)
        return error_origin(-r, "%.*s cannot be written", STR_ARG(row->arn));
    STORE_EACH(call->txn, secret_replica_of_secret, replica, new.arn) {
        if (r == 0 && !is_blocked(call, &new, replica))
            r = replica_sync(call, &new, replica);
    }
    return r < 0 ? error_origin(-r, "replicas of %.*s cannot be written", STR_ARG(new.arn)) : r;
}

/* ---- adding ---- */

/* A secret of the same name is in the way: it goes, or the replica is Failed. */
static int
place_clear(struct api_call *call, const struct secret_row *primary,
            const struct secret_replica_row *replica, bool overwrite)
{
    const struct secret_row *there =
        secret_by_name_get(call->txn, primary->account, replica->region, primary->name);

    assert(str_is(replica->status, "InProgress"));
    if (!there)
        return 0;
    if (overwrite && !there->primary_region.n && !secret_primary_region(call->txn, there).n)
        return secret_remove(call->txn, there);
    return replica_note(call, replica, "Failed",
                        str_fmt(call->arena,
                                "Replication failed: Secret name %.*s already exists in region "
                                "%.*s.",
                                STR_ARG(primary->name), STR_ARG(replica->region)));
}

static int
replica_add(struct api_call *call, const struct secret_row *primary,
            const struct secretsmanager_ReplicaRegionType *wanted, bool overwrite)
{
    struct secret_replica_row row = {
        .id = replica_key(call->arena, primary, wanted->region),
        .arn = primary->arn,
        .region = wanted->region,
        .kms_key_id =
            str_is(wanted->kms_key_id, "alias/aws/secretsmanager") ? STR_NONE : wanted->kms_key_id,
        .status = S("InProgress"),
    };
    const struct secret_replica_row *old = secret_replica_get(call->txn, row.id);

    assert(wanted->region.n > 0 && !str_eq(wanted->region, primary->region));
    if (old && !str_is(old->status, "Failed"))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "Secret is already replicated to region %.*s.", STR_ARG(wanted->region));
    int r = old ? secret_replica_update(call->txn, &row) : secret_replica_insert(call->txn, &row);

    return r ? r : place_clear(call, primary, &row, overwrite);
}

int
secret_replicate(struct api_call *call, const struct secret_row *secret,
                 const struct secretsmanager_ReplicaRegionTypeList *regions, bool overwrite)
{
    int r = 0;

    if (!regions->n)
        return 0;
    LIST_EACH(regions, wanted) {
        if (!wanted->region.n || str_eq(wanted->region, secret->region))
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "Invalid replica region.");
        r = replica_add(call, secret, wanted, overwrite);
        if (r < 0)
            return error_origin(-r, "a replica of %.*s cannot be written", STR_ARG(secret->arn));
        if (r)
            return r;
    }
    return secret_changed(call, secret);
}

int
secretsmanager_replicate_secret_to_regions(
    struct api_call *call, const struct secretsmanager_ReplicateSecretToRegionsRequest *req,
    struct secretsmanager_ReplicateSecretToRegionsResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = secret_replicate(call, secret, &req->add_replica_regions,
                             opt_bool_or(req->force_overwrite_replica_secret, false));
    if (r)
        return r;
    res->arn = secret->arn;
    res->replication_status = secret_replicas_show(call, secret);
    return 0;
}

/* ---- taking away ---- */

int
secretsmanager_remove_regions_from_replication(
    struct api_call *call, const struct secretsmanager_RemoveRegionsFromReplicationRequest *req,
    struct secretsmanager_RemoveRegionsFromReplicationResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    STORE_EACH(call->txn, secret_replica_of_secret, replica, secret->arn) {
        const struct secret_row *there =
            secret_get(call->txn, secret_arn_in(call->arena, secret, replica->region));

        if (!str_in(&req->remove_replica_regions, replica->region))
            continue;
        if (there)
            r = secret_remove(call->txn, there);
        if (r == 0)
            r = secret_replica_delete(call->txn, replica->id);
        if (r)
            return error_origin(-r, "%.*s cannot be removed", STR_ARG(replica->id));
    }
    res->arn = secret->arn;
    res->replication_status = secret_replicas_show(call, secret);
    API_PRESENT(&res->replication_status);
    return secret_changed(call, secret);
}

int
secretsmanager_stop_replication_to_replica(
    struct api_call *call, const struct secretsmanager_StopReplicationToReplicaRequest *req,
    struct secretsmanager_StopReplicationToReplicaResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, SECRET_REPLICA_TOO, &secret);

    if (r)
        return r;
    if (!secret->primary_region.n)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You can only call StopReplicationToReplica on a replica secret.");
    struct str origin = secret_arn_in(call->arena, secret, secret->primary_region);
    const struct secret_row *primary = secret_get(call->txn, origin);
    struct secret_row new = *secret;

    assert(primary);
    assert(str_eq(primary->name, secret->name) && !primary->primary_region.n);
    new.primary_region = STR_NONE;
    r = secret_replica_delete(call->txn, replica_key(call->arena, primary, secret->region));
    if (r < 0)
        return error_origin(-r, "a replica of %.*s cannot be removed", STR_ARG(origin));
    res->arn = secret->arn;
    return secret_changed(call, &new);
}
