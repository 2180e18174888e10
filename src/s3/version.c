/*
 * The versions of a key.  At most one row of a key is the latest, and a bucket that never knew
 * versions has one row for each key, whose version is "null".
 */
#include "s3/holds.h"

const struct s3_object_row *
s3_latest(struct txn *txn, struct str bucket, struct str key)
{
    const struct s3_object_row *row = s3_object_latest_of_get(txn, bucket, key, true);

    assert(!row || (row->latest && str_eq(row->object_key, key)));
    return row;
}

static int
delete_row(struct txn *txn, const struct s3_object_row *row)
{
    int r = s3_pieces_release(txn, &row->pieces);

    return r < 0 ? r : s3_object_delete(txn, row->id);
}

/* The one that was the latest is one of the old ones now. */
static int
supersede(struct api_call *call, const struct s3_object_row *old)
{
    struct s3_object_row row = *old;

    assert(old->latest && old->stale_ms == 0);
    row.latest = false;
    row.stale_ms = call->now_ms;
    return s3_object_update(call->txn, &row);
}

int
s3_version_add(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_object_row *row)
{
    const struct s3_object_row *latest = s3_latest(call->txn, bucket->name, row->object_key);
    const struct s3_object_row *same = NULL;
    uint8_t id[16];
    int r = 0;

    assert(bucket->name.n > 0 && !row->latest);
    assert(row->object_key.n > 0);
    call->env->random(call->env, id, sizeof(id));
    row->id = str_hex(call->arena, id, sizeof(id));
    row->bucket = bucket->name;
    row->modified_ms = call->now_ms;
    row->latest = true;
    row->rank = latest ? latest->rank - 1 : 0;
    row->version =
        str_is(bucket->versioning, "Enabled") ? s3_random(call, S3_VERSION_BYTES) : S("null");
    if (str_is(row->version, "null"))
        same = s3_object_by_version_get(call->txn, bucket->name, row->object_key, row->version);
    assert(!same || !latest || same == latest || same->rank > latest->rank);
    if (latest && latest != same)
        r = supersede(call, latest);
    if (r >= 0 && same)
        r = delete_row(call->txn, same);
    s3_object_assert(row);
    return r < 0 ? r : s3_object_insert(call->txn, row);
}

int
s3_version_remove(struct txn *txn, const struct s3_object_row *row)
{
    struct s3_object_row next;
    const struct s3_object_row *found = NULL;
    struct str bucket = row->bucket, key = row->object_key;
    bool latest = row->latest;
    int r = delete_row(txn, row);

    assert(bucket.n > 0 && key.n > 0);
    if (r < 0 || !latest)
        return r;
    STORE_EACH(txn, s3_object_versions, older, bucket, key) {
        found = older;
        break;
    }
    if (!found)
        return 0;
    next = *found;
    assert(!next.latest && str_eq(next.object_key, key));
    next.latest = true;
    next.stale_ms = 0;
    s3_object_assert(&next);
    return s3_object_update(txn, &next);
}
