/*
 * What the cloud does to Dedicated Hosts by itself.
 *
 * Host recovery: when the hardware of a host with HostRecovery has failed, the account gets another
 * host with the same properties, shares and reservation.  Instances that run restart there as the
 * same instances; those that have stopped and belong to the host belong to the new one.  Instances
 * that cannot be moved, because their disks are in the hardware, stay and are to be retired; the
 * failed host goes when the last of them has gone.
 */
#include "ec2/dedicated_host.h"

#include "base/log.h"
#include "ec2/row_ok.h"

enum { ID_DIGITS = 17 };

bool
ec2_host_is_open_to(struct txn *txn, const struct ec2_dedicated_host_row *row, struct str account)
{
    return str_eq(row->account, account) || ec2_host_shared_with(txn, row, account);
}

/* Instances of the owner and of those that it shares with. */
static int
move_instances(const struct ec2_host_upkeep *u, const struct ec2_dedicated_host_row *from,
               const struct ec2_dedicated_host_row *to)
{
    int r = 0;

    STORE_EACH(u->txn, ec2_instance_by_host, row, from->host) {
        const struct ec2_type *type = ec2_type_find(row->type);
        struct ec2_instance_row new = *row;

        if (r < 0 || row->state != EC2_RUNNING || !type || type->instance_store)
            continue;
        new.host = to->host;
        new.host_id = to->id;
        new.reboot_generation++;
        assert(ec2_instance_ok(&new));
        r = ec2_instance_update(u->txn, &new);
    }
    STORE_EACH(u->txn, ec2_instance_by_state, row, (int64_t)EC2_STOPPED) {
        struct ec2_instance_row new = *row;

        if (r < 0 || !str_eq(row->host_id, from->id))
            continue;
        new.host_id = to->id;
        assert(ec2_instance_ok(&new));
        r = ec2_instance_update(u->txn, &new);
    }
    return r;
}

int
ec2_host_recover(const struct ec2_host_upkeep *u, const struct ec2_dedicated_host_row *row)
{
    const struct ec2_type *type = ec2_host_largest_type(row->instance_type, row->instance_family);
    struct ec2_dedicated_host_row new = *row, old = *row;
    uint8_t random[(ID_DIGITS + 1) / 2];

    assert(type && str_is(row->host_recovery, "on") && !row->failed && !row->released_ms);
    u->env->random(u->env, random, sizeof(random));
    new.id = str_fmt(u->arena, "h-%.*s", ID_DIGITS, str_hex(u->arena, random, sizeof(random)).p);
    new.client_token = S("");
    new.created_ms = u->now_ms;
    if (ec2_placer_allocate(u->placer, u->txn, &new, type) != PLACEMENT_FOUND)
        return 1;
    old.failed = true;
    assert(ec2_dedicated_host_ok(&new));
    int r = ec2_dedicated_host_insert(u->txn, &new);
    assert(r || ec2_dedicated_host_ok(&old));
    if (r == 0)
        r = ec2_dedicated_host_update(u->txn, &old);
    if (r == 0)
        r = move_instances(u, row, &new);
    if (r < 0)
        return error_origin(-r, "Dedicated Host %.*s cannot recover", STR_ARG(row->id));
    log_info("Dedicated Host %.*s at %.*s recovers as %.*s at %.*s", STR_ARG(row->id),
             STR_ARG(row->host), STR_ARG(new.id), STR_ARG(new.host));
    r = ec2_host_reservation_move(u->txn, u->arena, row, &new);
    return r ? r : ec2_host_share_move(u->txn, row, &new, u->now_ms);
}

int
ec2_host_let_go(const struct ec2_host_upkeep *u, const struct ec2_dedicated_host_row *row)
{
    struct ec2_dedicated_host_row new = *row;

    if (!row->failed || row->released_ms)
        return 0;
    STORE_EACH(u->txn, ec2_instance_by_host, instance, row->host)
        if (instance->host.n)
            return 0;
    new.host = S("");
    new.released_ms = u->now_ms;
    assert(ec2_dedicated_host_ok(&new));
    int r = ec2_dedicated_host_update(u->txn, &new);

    return r < 0 ? error_origin(-r, "Dedicated Host %.*s cannot be released", STR_ARG(row->id)) : 0;
}
