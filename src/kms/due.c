/*
 * What happens to keys by itself, on the cloud's clock: deletion at the end of its waiting period,
 * yearly rotation, the expiry of imported material.
 *
 * Each key's row says when its next event is (due_ms, in an index).  Before a call of KMS all that
 * is due by then is done, in a transaction of its own; so nobody sees a key after its time, and a
 * cloud that was off does at its next call what it missed.
 */
#include "kms/kms.h"

enum { KEYS_A_CALL_MAX = 1000 };

static int64_t
earlier(int64_t a, int64_t b)
{
    assert(a >= 0 && b >= 0);
    return a == 0 || (b && b < a) ? b : a;
}

int64_t
kms_due_ms(struct txn *txn, const struct kms_key_row *row)
{
    int64_t due = row->deletion_ms;

    /* a key that is off is not rotated; when it is switched on again, what is overdue happens */
    if (row->rotation_days && str_is(row->state, "Enabled") && !kms_is_replica(row))
        due = earlier(due, row->rotation_ms);
    if (str_is(row->origin, "EXTERNAL"))
        STORE_EACH(txn, kms_material_by_owner, material, row->arn) {
            if (material->secret.n)
                due = earlier(due, material->expires_ms);
        }
    return due;
}

static struct store_cursor
due_keys(struct txn *txn)
{
    struct store_cursor c = store_seek(txn, &kms_key_by_due, NULL, 0);

    store_from(&c, STORE_KEYS((int64_t)1)); /* 0 is never */
    return c;
}

bool
kms_due_needed(struct api_call *call)
{
    struct store_cursor c = due_keys(call->txn);
    const struct kms_key_row *row = kms_key_by_due_next(&c);

    return row && row->due_ms <= call->now_ms;
}

/* ---- deletion ---- */

static int
forget_material(struct txn *txn, struct str owner)
{
    int r = 0;

    assert(owner.n > 0);
    STORE_EACH(txn, kms_material_by_owner, material, owner) {
        if (r == 0)
            r = kms_material_delete(txn, material->id);
    }
    return r;
}

static int
forget_names(struct txn *txn, struct str arn)
{
    int r = 0;

    STORE_EACH(txn, kms_alias_of_key, alias, arn) {
        if (r == 0)
            r = kms_alias_delete(txn, alias->arn);
    }
    STORE_EACH(txn, kms_grant_of_key, grant, arn) {
        if (r == 0)
            r = kms_grant_delete(txn, grant->id);
    }
    STORE_EACH(txn, kms_import_token_of_key, token, arn) {
        if (r == 0)
            r = kms_import_token_delete(txn, token->id);
    }
    return r;
}

/* The last replica has gone: the waiting period of its primary begins. */
static int
begin_waiting(struct txn *txn, const struct kms_key_row *primary, int64_t now_ms)
{
    struct kms_key_row new = *primary;

    assert(str_is(primary->state, "PendingReplicaDeletion") && primary->deletion_days > 0);
    new.state = S("PendingDeletion");
    new.deletion_ms = now_ms + primary->deletion_days *KMS_DAY_MS;
    return kms_key_save(txn, &new);
}

int
kms_key_remove(struct txn *txn, const struct kms_key_row *row, int64_t now_ms)
{
    const struct kms_key_row *primary = NULL;
    size_t others = 0, replicas = 0;
    struct arena scratch;
    int r = kms_key_delete(txn, row->arn);

    STORE_EACH(txn, kms_key_by_multi, other, row->account, row->id) {
        assert(!str_eq(other->arn, row->arn));
        others++;
        if (kms_is_replica(other))
            replicas++;
        else
            primary = other;
    }
    arena_init(&scratch, 4096);
    struct str owner = kms_material_owner(&scratch, row);

    if (r == 0)
        r = forget_names(txn, row->arn);
    if (r == 0 && (others == 0 || str_eq(owner, row->arn)))
        r = forget_material(txn, owner);
    arena_done(&scratch);
    if (r == 0 && primary && !replicas && str_is(primary->state, "PendingReplicaDeletion"))
        r = begin_waiting(txn, primary, now_ms);
    if (r < 0)
        return error_origin(-r, "key %.*s cannot be deleted", STR_ARG(row->arn));
    return 0;
}

/* ---- rotation ---- */

static int
add_version(struct txn *txn, struct env *env, struct arena *a, const struct kms_key_row *row,
            const char *rotation, int64_t now_ms, struct str *ret_id)
{
    struct str owner = kms_material_owner(a, row);
    const struct kms_material_row *last = NULL;
    struct kms_material made;
    int r = kms_material_make(env, a, kms_spec_find(row->spec), &made);

    STORE_EACH(txn, kms_material_by_owner, material, owner) {
        last = material;
        if (r == 0 && str_is(material->state, "CURRENT")) {
            struct kms_material_row old = *material;

            old.state = S("NON_CURRENT");
            r = kms_material_update(txn, &old);
        }
    }
    if (r < 0)
        return r;
    assert(last); /* a key that was not imported has material from its first day */
    kms_material_assert(last);
    *ret_id = kms_material_name(a, kms_family(a, row), made.secret);
    return kms_material_insert(
        txn, &(struct kms_material_row){
                 .id = str_fmt(a, "%.*s/%lld", STR_ARG(owner), (long long)last->number + 1),
                 .owner = owner,
                 .number = last->number + 1,
                 .material_id = *ret_id,
                 .secret = made.secret,
                 .state = S("CURRENT"),
                 .rotation = str_from(rotation),
                 .rotated_ms = now_ms,
             });
}

int
kms_rotate(struct txn *txn, struct env *env, struct arena *a, struct str arn, const char *rotation,
           int64_t now_ms)
{
    const struct kms_key_row *row = kms_key_get(txn, arn);
    struct str material_id;

    assert(row && str_is(row->spec, "SYMMETRIC_DEFAULT") && !str_is(row->origin, "EXTERNAL"));
    int r = add_version(txn, env, a, row, rotation, now_ms, &material_id);

    /* every region's copy of a multi-Region key has the same material */
    STORE_EACH(txn, kms_key_by_multi, other, row->account, row->id) {
        struct kms_key_row new = *other;

        new.material_id = material_id;
        if (r == 0)
            r = kms_key_save(txn, &new);
    }
    if (r < 0)
        return error_origin(-r, "key %.*s cannot be rotated", STR_ARG(arn));
    return 0;
}

/* One version for each period that has passed. */
static int
rotate_due(struct txn *txn, struct env *env, struct arena *a, struct str arn, int64_t now_ms)
{
    const struct kms_key_row *row;
    int r = 0;

    while (r == 0 && (row = kms_key_get(txn, arn)) && row->rotation_days &&
           row->rotation_ms <= now_ms) {
        int64_t next_ms = row->rotation_ms + row->rotation_days * KMS_DAY_MS;

        r = kms_rotate(txn, env, a, arn, "AUTOMATIC", row->rotation_ms);
        assert(next_ms > row->rotation_ms);
        STORE_EACH(txn, kms_key_by_multi, other, row->account, row->id) {
            struct kms_key_row new = *other;

            new.rotation_ms = next_ms;
            if (r == 0)
                r = kms_key_save(txn, &new);
        }
    }
    return r;
}

/* ---- expiry ---- */

void
kms_material_lost(struct kms_key_row *key, const struct kms_material_row *material)
{
    assert(str_is(key->origin, "EXTERNAL") && str_eq(material->owner, key->arn));
    if (str_is(material->state, "PENDING_ROTATION"))
        return;
    if (str_is(key->state, "Enabled") || str_is(key->state, "Disabled"))
        key->state = S("PendingImport");
}

static int
expire(struct txn *txn, const struct kms_key_row *row, int64_t now_ms)
{
    struct kms_key_row new = *row;
    int r = 0;

    assert(str_is(row->origin, "EXTERNAL"));
    STORE_EACH(txn, kms_material_by_owner, material, row->arn) {
        if (!material->secret.n || !material->expires_ms || material->expires_ms > now_ms)
            continue;
        struct kms_material_row gone = *material;

        gone.secret = S("");
        if (r == 0)
            r = kms_material_update(txn, &gone);
        kms_material_lost(&new, &gone);
    }
    return r == 0 ? kms_key_save(txn, &new) : r;
}

static int
advance(struct api_call *call, const struct kms_key_row *row)
{
    if (row->deletion_ms && row->deletion_ms <= call->now_ms)
        return kms_key_remove(call->txn, row, row->deletion_ms);
    if (str_is(row->origin, "EXTERNAL"))
        return expire(call->txn, row, call->now_ms);
    return rotate_due(call->txn, call->env, call->arena, row->arn, call->now_ms);
}

/* What was due is done: else the loop would meet the same key until its bound, at every call. */
static void
done_assert(struct api_call *call, struct str arn)
{
    const struct kms_key_row *key = kms_key_get(call->txn, arn);

    assert(!key || key->due_ms == 0 || key->due_ms > call->now_ms);
}

int
kms_due(struct api_call *call)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < KEYS_A_CALL_MAX && kms_due_needed(call); i++) {
        struct store_cursor c = due_keys(call->txn);
        const struct kms_key_row *key = kms_key_by_due_next(&c);
        struct str arn = str_dup(call->arena, key->arn);
        r = advance(call, key);
        if (r == 0)
            done_assert(call, arn);
    }
    return r;
}
