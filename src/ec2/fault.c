/*
 * Faults of the hardware, which the operator switches on and off.  A fault is a row: status checks
 * and placement look at it, nothing else happens to the machine by itself.  A snapshot that is
 * damaged is one too: nothing starts from it.
 */
#include "ec2/placer.h"
#include "ec2/volume.h"

#define SNAPSHOT "snapshot"

static const struct {
    const char *kind;
    unsigned depth; /* of the places that it is about: 1 zone, 2 rack, 3 host; 0: each of them */
} kinds[] = {{"zone", 1}, {"rack", 2}, {"host", 3}, {"network", 0}};

static unsigned
depth_of(struct str path)
{
    unsigned depth = 1;

    assert(path.n > 0);
    for (size_t i = 0; i < path.n; i++)
        depth += path.p[i] == '/';
    return depth;
}

static bool
snapshot_known(struct txn *txn, struct str id)
{
    if (ec2_snapshot_get(txn, id))
        return true;
    STORE_EACH(txn, ec2_image_by_key, row)
        if (id.n && str_eq(row->snapshot_id, id))
            return true;
    return false;
}

bool
ec2_snapshot_is_damaged(struct txn *txn, struct str id)
{
    STORE_EACH(txn, ec2_fault_by_target, row, id)
        if (str_is(row->kind, SNAPSHOT))
            return true;
    return false;
}

bool
ec2_fault_known(struct ec2_placer *placer, struct txn *txn, struct str kind, struct str target)
{
    if (str_is(kind, SNAPSHOT))
        return snapshot_known(txn, target);
    if (!placement_known(ec2_placer_placement(placer, txn), target) ||
        !ec2_region_find(str_cut(target, 0, placement_zone_of(target).n - 1)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(kind, kinds[i].kind))
            return !kinds[i].depth || kinds[i].depth == depth_of(target);
    return false;
}

int
ec2_fault_set(struct txn *txn, struct str kind, struct str target, bool on, int64_t now_ms)
{
    char id[PLACEMENT_PATH_BYTES + 16];
    struct ec2_fault_row row = {.kind = kind, .target = target, .since_ms = now_ms};

    assert(kind.n < 16 && target.n < PLACEMENT_PATH_BYTES);
    memcpy(id, kind.p, kind.n);
    id[kind.n] = ':';
    memcpy(id + kind.n + 1, target.p, target.n);
    row.id = str_of(id, kind.n + 1 + target.n);
    bool is = ec2_fault_get(txn, row.id) != NULL;

    if (is == on)
        return 0;
    return on ? ec2_fault_insert(txn, &row) : ec2_fault_delete(txn, row.id);
}

const struct ec2_fault_row *
ec2_fault_at(struct txn *txn, struct str place)
{
    const struct ec2_fault_row *oldest = NULL;

    assert(place.n > 0);
    for (size_t n = 1; n <= place.n; n++) {
        if (n < place.n && place.p[n] != '/')
            continue;
        STORE_EACH(txn, ec2_fault_by_target, fault, str_cut(place, 0, n))
            if (!oldest || fault->since_ms < oldest->since_ms)
                oldest = fault;
    }
    return oldest;
}

const struct ec2_fault_row *
ec2_fault_of(struct txn *txn, const struct ec2_instance_row *row)
{
    return ec2_fault_at(txn, row->host.n ? row->host : row->zone);
}
