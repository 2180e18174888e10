/*
 * Ranges of user ids.
 *
 * A sandbox maps its users to a range of the host's that no other living sandbox has.  Slots
 * are dense: with n rows, slots 1 … n have been used.  So the lowest free one is the first that
 * nobody holds, or n + 1, found without a walk over the instances.
 */
#include "ec2/instance.h"

int
ec2_slot_take(struct txn *txn, struct str instance_id, int64_t max, int64_t *ret)
{
    char room[STR_I64_MAX];
    int64_t slot;

    assert(instance_id.n);
    STORE_EACH(txn, ec2_uid_slot_by_holder, row, S("")) {
        struct ec2_uid_slot_row taken = *row;

        taken.holder = instance_id;
        slot = row->slot;
        int r = ec2_uid_slot_update(txn, &taken);
        if (r == 0)
            *ret = slot;
        return r;
    }
    slot = (int64_t)store_count(txn, &ec2_uid_slot_table) + 1;
    if (slot > max)
        return -ENOSPC;
    const struct ec2_uid_slot_row fresh = {
        .id = str_i64(slot, room), .slot = slot, .holder = instance_id};
    int r = ec2_uid_slot_insert(txn, &fresh);
    if (r == 0)
        *ret = slot;
    return r;
}

int
ec2_slot_give_back(struct txn *txn, int64_t slot)
{
    char room[STR_I64_MAX];

    assert(slot >= 1);
    const struct ec2_uid_slot_row *row = ec2_uid_slot_get(txn, str_i64(slot, room));

    if (!row)
        return error_origin(ENOENT, "range %lld of user ids was never taken", (long long)slot);
    struct ec2_uid_slot_row free_again = *row;
    free_again.holder = S("");
    return ec2_uid_slot_update(txn, &free_again);
}
