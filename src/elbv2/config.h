/*
 * What a node is told: the listeners of its balancer with their rules as the API has them, and the
 * groups that they lead to, with the targets that this node may use.  One line of JSON, which
 * src/balancer/config.h reads.
 */
#pragma once

#include "elbv2/elbv2.h"

/* The line of a node, in the arena.  0 or negative. */
int
elb_config(struct txn *txn, struct arena *arena, const struct elb_node_row *node, struct str *ret);
