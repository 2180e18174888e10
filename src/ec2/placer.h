/*
 * Between rows and the placement module: which instances occupy which hosts.
 *
 * Rows are the truth (ec2_instance.host, .group_id …); the module's state is made from them at the
 * start and follows each commit.  What a transaction has placed but not committed is counted too,
 * and is taken back when the transaction turns out to have been rolled back.
 */
#pragma once

#include "ec2/ec2.h"
#include "placement/placement.h"

struct ec2_placer;

/*
 * `model` is a description as in data/region_model.txt; absent: that one.  0, or negative with a
 * sentence in why.
 */
int ec2_placer_new(struct ec2_placer **ret, struct store *store, struct str model,
                   char why[STORE_WHY_BYTES]) MUST_USE;
struct ec2_placer *ec2_placer_free(struct ec2_placer *placer);

/*
 * Finds a host for an instance that starts, or another one for an instance that has one (recovery:
 * faults are avoided): writes row->host and, in a partition group, row->partition_number.  The
 * caller writes the row in the same transaction.
 */
enum placement_answer
ec2_placer_place(struct ec2_placer *placer, struct txn *txn, struct ec2_instance_row *row) MUST_USE;
/* Finds an empty host for a Dedicated Host that is to be fit for `type`: writes row->host. */
enum placement_answer ec2_placer_allocate(struct ec2_placer *placer, struct txn *txn,
                                          struct ec2_dedicated_host_row *row,
                                          const struct ec2_type *type) MUST_USE;
/*
 * Adds the hosts of n instances like the row to *hosts, all or none.  Nothing is taken: the row
 * with the hosts, written in the same transaction, does that when it is committed.
 */
bool ec2_placer_reserve(struct ec2_placer *placer, struct txn *txn, struct arena *arena,
                        const struct ec2_instance_row *like, unsigned n, struct str_list *hosts);
/* Whether there is a host for it now; takes nothing.  Without a group: for n alike. */
enum placement_answer ec2_placer_try(struct ec2_placer *placer, struct txn *txn,
                                     const struct ec2_instance_row *row, unsigned n);

/* The zone that a cluster is in, by its running or stopped members but `besides`; absent: none. */
struct str ec2_cluster_zone(struct txn *txn, struct str group_id, struct str besides);

/* A member of the group that is not terminated; NULL: there is none. */
const struct ec2_instance_row *
ec2_group_member(struct txn *txn, struct str group_id, struct str besides);

/* ---- fault.c ---- */

/* Whether such a fault can be: zone, rack or host of a place of that kind, network of any; and
 * snapshot of one of an image. */
bool ec2_fault_known(struct ec2_placer *placer, struct txn *txn, struct str kind,
                     struct str target);
/* Begins or ends it; what is so already stays.  0 or negative. */
int ec2_fault_set(struct txn *txn, struct str kind, struct str target, bool on,
                  int64_t now_ms) MUST_USE;
/* The oldest fault that a host, or whatever place, suffers from; NULL: none. */
const struct ec2_fault_row *ec2_fault_at(struct txn *txn, struct str place);

/* To look at, without what was rolled back. */
struct placement *ec2_placer_placement(struct ec2_placer *placer, struct txn *txn);
