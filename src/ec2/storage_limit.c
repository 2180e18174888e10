/*
 * How much storage an account may have in volumes of a type in a region: a quota of EBS, in TiB
 * (placement/quota.h).  Counted in a row, as vCPUs are (vcpu_limit.c), in GiB.
 *
 * A launch that would exceed it is not refused: EC2 answers, and the instance then ends.
 */
#include "ec2/volume.h"

#include "gen/store/servicequotas_rows.h"
#include "placement/quota.h"

#include <stdio.h>

enum { KEY_BYTES = 128, GIB_OF_TIB = 1024 };

struct use {
    const struct quota *quota;
    char room[KEY_BYTES];
    struct str key; /* ACCOUNT/REGION/CODE, in room */
};

static void
use_of(const struct ec2_volume_row *row, struct use *u)
{
    u->quota = quota_of_volume(row->type);
    int n = snprintf(u->room, sizeof(u->room), "%.*s/%.*s/%s", STR_ARG(row->account),
                     STR_ARG(row->region), u->quota->code);
    assert(n > 0 && n < KEY_BYTES && row->size_gib > 0);
    u->key = str_of(u->room, (size_t)n);
}

/* What is there, without the volume itself; counted anew when it was never counted. */
static int64_t
used(struct txn *txn, const struct ec2_volume_row *besides, const struct use *u)
{
    const struct ec2_storage_use_row *row = ec2_storage_use_get(txn, u->key);
    const struct ec2_volume_row *self = ec2_volume_get(txn, besides->id);
    bool counted = self && str_eq(self->type, besides->type);
    int64_t gib = 0;

    if (row)
        return row->gib - (counted ? self->size_gib : 0);
    STORE_EACH(txn, ec2_volume_by_owner, it, besides->account, besides->region)
        if (str_eq(it->type, besides->type) && !str_eq(it->id, besides->id))
            gib += it->size_gib;
    return gib;
}

static int
put(struct txn *txn, const struct use *u, int64_t gib)
{
    const struct ec2_storage_use_row row = {.id = u->key, .gib = gib};

    assert(gib >= 0);
    int r = ec2_storage_use_get(txn, u->key) ? ec2_storage_use_update(txn, &row)
                                             : ec2_storage_use_insert(txn, &row);
    return r < 0 ? error_origin(-r, "the storage in use cannot be written") : 0;
}

static int64_t
limit_of(struct txn *txn, const struct use *u)
{
    const struct servicequotas_value_row *row = servicequotas_value_get(txn, u->key);

    if (!row)
        row = servicequotas_value_get(txn, str_from(u->quota->code));
    return row ? row->value : QUOTA_DEFAULT;
}

int
ec2_storage_take(struct txn *txn, const struct ec2_volume_row *row, bool *ret_may)
{
    struct use u;

    use_of(row, &u);
    int64_t gib = used(txn, row, &u) + row->size_gib;

    *ret_may = gib <= limit_of(txn, &u) * GIB_OF_TIB;
    return *ret_may ? put(txn, &u, gib) : 0;
}

int
ec2_storage_give_back(struct txn *txn, const struct ec2_volume_row *row)
{
    struct use u;

    use_of(row, &u);
    assert(ec2_volume_get(txn, row->id));
    return put(txn, &u, used(txn, row, &u));
}
