/*
 * Dedicated Hosts that other accounts may use: what Resource Access Manager's rows say of them.
 *
 * A consumer launches onto a shared host as onto its own, and sees of it what is its own.  It
 * changes and releases nothing.  When the sharing ends, instances of consumers run on, and are to
 * be retired in two weeks (instance_upkeep.c) unless the host is shared again.
 */
#include "ec2/dedicated_host.h"

#include "gen/store/ram_rows.h"

#include <stdio.h>

enum { ARN_BYTES = 128, KEY_BYTES = 384 };

static struct str
arn_of(const struct ec2_dedicated_host_row *row, char room[ARN_BYTES])
{
    int n = snprintf(room, ARN_BYTES, "arn:aws:ec2:%.*s:%.*s:dedicated-host/%.*s",
                     STR_ARG(row->region), STR_ARG(row->account), STR_ARG(row->id));

    assert(n > 0 && n < ARN_BYTES);
    return str_of(room, (size_t)n);
}

static bool
is_with(struct txn *txn, struct str share, struct str entity)
{
    char room[KEY_BYTES];
    int n = snprintf(room, sizeof(room), "%.*s %.*s", STR_ARG(share), STR_ARG(entity));

    assert(n > 0 && n < KEY_BYTES);
    const struct ram_association_row *row = ram_association_get(txn, str_of(room, (size_t)n));

    return row && str_is(row->status, "ASSOCIATED");
}

bool
ec2_host_shared_with(struct txn *txn, const struct ec2_dedicated_host_row *row, struct str account)
{
    char room[ARN_BYTES];
    struct str arn = arn_of(row, room);

    STORE_EACH(txn, ram_association_by_entity, a, row->region, arn)
        if (str_is(a->status, "ASSOCIATED") && is_with(txn, a->share, account))
            return true;
    return false;
}

static void
take(struct api_call *call, struct str arn, struct ec2_host_rows *list)
{
    size_t slash = str_find_char(arn, '/');
    const struct ec2_dedicated_host_row *row =
        slash == SIZE_MAX ? NULL
                          : ec2_dedicated_host_get(call->txn, str_cut(arn, slash + 1, arn.n));

    if (!row || row->released_ms)
        return;
    /* one host may be in several shares */
    LIST_EACH(list, known)
        if (*known == row)
            return;
    *LIST_PUSH(call->arena, list) = row;
}

struct ec2_host_rows
ec2_hosts_shared(struct api_call *call)
{
    struct ec2_host_rows list = {0};

    STORE_EACH(call->txn, ram_association_by_entity, mine, call->region, call->account) {
        if (!str_is(mine->status, "ASSOCIATED"))
            continue;
        STORE_EACH(call->txn, ram_association_by_share, a, mine->share, S("RESOURCE"))
            if (str_is(a->status, "ASSOCIATED"))
                take(call, a->entity, &list);
    }
    return list;
}

/* The association of the share with `to`, instead of that with `from`. */
static int
reassociate(struct txn *txn, const struct ram_association_row *from, struct str to, int64_t now_ms)
{
    struct ram_association_row old = *from, new = *from;
    char room[KEY_BYTES];
    int n = snprintf(room, sizeof(room), "%.*s %.*s", STR_ARG(from->share), STR_ARG(to));

    assert(n > 0 && n < KEY_BYTES);
    new.id = str_of(room, (size_t)n);
    new.entity = to;
    new.created_ms = new.updated_ms = old.updated_ms = now_ms;
    old.status = S("DISASSOCIATED");
    int r = ram_association_insert(txn, &new);

    return r < 0 ? r : ram_association_update(txn, &old);
}

int
ec2_host_share_move(struct txn *txn, const struct ec2_dedicated_host_row *from,
                    const struct ec2_dedicated_host_row *to, int64_t now_ms)
{
    char old_room[ARN_BYTES], new_room[ARN_BYTES];
    struct str old = arn_of(from, old_room), new = arn_of(to, new_room);
    int r = 0;

    assert(str_eq(from->account, to->account));
    STORE_EACH(txn, ram_association_by_entity, a, from->region, old)
        if (r == 0 && str_is(a->status, "ASSOCIATED"))
            r = reassociate(txn, a, new, now_ms);
    return r < 0 ? error_origin(-r, "shares of Dedicated Host %.*s cannot be written",
                                STR_ARG(from->id))
                 : 0;
}
