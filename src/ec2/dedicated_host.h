/*
 * Dedicated Hosts: dedicated_host.c has the operations, host_reservation.c what is paid for in
 * advance, host_share.c what accounts share, host_upkeep.c what the cloud does by itself.
 */
#pragma once

#include "ec2/instance.h"
#include "ec2/placer.h"

struct ec2_host_rows {
    const struct ec2_dedicated_host_row **v;
    size_t n;
};

/* ---- host_share.c ---- */

/* Whether its owner shares the host with the account. */
bool
ec2_host_shared_with(struct txn *txn, const struct ec2_dedicated_host_row *row, struct str account);
/* The hosts of others that are shared with the caller in this Region. */
struct ec2_host_rows ec2_hosts_shared(struct api_call *call);
/* Shares of the one share the other instead.  0 or negative. */
int ec2_host_share_move(struct txn *txn, const struct ec2_dedicated_host_row *from,
                        const struct ec2_dedicated_host_row *to, int64_t now_ms) MUST_USE;

/* ---- host_upkeep.c ---- */

struct ec2_host_upkeep {
    struct txn *txn;
    struct ec2_placer *placer;
    struct env *env;
    struct arena *arena;
    int64_t now_ms;
};
/*
 * The hardware of the host has failed for good, and it is to recover: another host takes its place
 * and its instances.  0, 1 (there is no room for another one now), or negative.
 */
int ec2_host_recover(const struct ec2_host_upkeep *u,
                     const struct ec2_dedicated_host_row *row) MUST_USE;
/* A host that was replaced goes when its last instance has gone.  0 or negative. */
int
ec2_host_let_go(const struct ec2_host_upkeep *u, const struct ec2_dedicated_host_row *row) MUST_USE;
/* Whether the account of an instance that runs on the host may be there. */
bool
ec2_host_is_open_to(struct txn *txn, const struct ec2_dedicated_host_row *row, struct str account);

/* ---- host_reservation.c ---- */

/* The reservation that the host is in now, p NULL: none. */
struct str
ec2_host_reservation_of(struct txn *txn, const struct ec2_dedicated_host_row *host, int64_t now_ms);
/* Reservations of the one host are of the other instead.  0 or negative. */
int ec2_host_reservation_move(struct txn *txn, struct arena *arena,
                              const struct ec2_dedicated_host_row *from,
                              const struct ec2_dedicated_host_row *to) MUST_USE;

/* ---- dedicated_host.c ---- */

/* The largest type that the host is to be fit for: the one, or of the family. */
const struct ec2_type *ec2_host_largest_type(struct str type_name, struct str family);
