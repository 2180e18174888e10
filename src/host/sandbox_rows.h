/* Rows as requests to the privileged process; for sandbox_driver.c. */
#pragma once

#include "host/host.h"
#include "host/priv.h"

void sandbox_id(char out[PRIV_ID_MAX], struct str id);
/*
 * How many rules of the firewall the row makes, at most `room`; 0 when it has no meaning here:
 * IPv6, which guests do not have yet.
 */
size_t sandbox_rules_of(struct txn *txn, const struct ec2_sg_rule_row *row, struct priv_rule *out,
                        size_t room);
/* Fills in the request from the rows; false when one of them is not what it should be. */
bool sandbox_launch_of(const struct host_boot *boot, struct priv_launch *ret);

/* The first interface of the list is the primary one; numbers of classes are for the caller. */
struct sandbox_nics {
    struct priv_nics head;
    struct priv_nic nics[PRIV_NICS_MAX];
};
/* One more interface, with its secondary addresses; false: its rows are not whole, or too many. */
bool sandbox_nic_add(struct txn *txn, const struct ec2_interface_row *row, uint32_t class,
                     struct sandbox_nics *ret);

struct sandbox_subnet {
    struct priv_subnet head;
    struct priv_route routes[PRIV_ROUTES_MAX];
    struct priv_acl_entry entries[PRIV_ENTRIES_MAX];
    size_t tail_n; /* what follows the head */
    char tail[PRIV_ROUTES_MAX * sizeof(struct priv_route) +
              PRIV_ENTRIES_MAX * sizeof(struct priv_acl_entry)];
};

/* The routes of its table (the VPC's main one when it has none) and the entries of its ACL. */
void sandbox_subnet_of(struct txn *txn, const struct ec2_vpc_row *vpc,
                       const struct ec2_subnet_row *subnet, struct sandbox_subnet *ret);
