/* What tests of placement look up in the rows. */
#pragma once

#include "ec2/ec2.h"
#include "harness/world.h"

/* Where the row says that the instance runs; empty: nowhere. */
static inline struct str
host_of(struct world *w, struct str id)
{
    struct txn *txn = world_begin(w);
    const struct ec2_instance_row *row = ec2_instance_get(txn, id);
    struct str host = row ? str_dup(&w->arena, row->host) : STR_NONE;

    store_rollback(txn);
    return host;
}
