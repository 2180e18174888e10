/*
 * What the files of networks share: VPCs, subnets, route tables, internet gateways, network ACLs
 * and DHCP options.
 *
 * What is attached or associated stands in one row only: a VPC's row names its main route table,
 * its internet gateway and its DHCP options, a subnet's row its own route table and its network
 * ACL.  So moving an association is one update, and the host follows by watching those rows.
 */
#pragma once

#include "codec/ip.h"
#include "ec2/ec2.h"

/* ---- check.c: resources that are looked for alike ---- */

struct ec2_kind {
    const struct store_table *table;
    size_t account, region; /* offsets in its row */
    const struct api_error *missing;
    const char *what; /* "The what ID 'x' does not exist" */
};
#define EC2_KIND(name, error, text)                                                                \
    {                                                                                              \
        &name##_table, offsetof(struct name##_row, account), offsetof(struct name##_row, region),  \
            &EC2_ERR(error), text                                                                  \
    }

/* The caller's row of that id; or the fault `missing`. */
int
ec2_kind_find(struct api_call *call, const struct ec2_kind *kind, struct str id, const void **ret);
/* Whether the caller has all of them: what a Describe that names ids asks first. */
int ec2_kind_check(struct api_call *call, const struct ec2_kind *kind, const struct str_list *ids);
/* Logs that a row could not be written; what its callers answer. */
int ec2_unwritten(int r, struct str id);

/* The only tags are for `type`; they are put into *ret. */
int ec2_tags_made(struct api_call *call, const struct ec2_TagSpecificationList *specs,
                  const char *type, struct str_list *ret);
/* The request that a client token comes with again is the one that it came with first. */
int ec2_token_check(struct api_call *call, struct str before, struct str now);
/* More than one attribute in a call, or none, is refused. */
int ec2_one_attribute(struct api_call *call, unsigned n);
/* "10.1.2.3/16" as its network; the fault is InvalidParameterValue for that parameter. */
int
ec2_block_of(struct api_call *call, struct str text, const char *parameter, struct ip4_block *ret);

/* ---- vpc.c ---- */

struct ec2_vpc_want {
    struct str cidr, tenancy;
    bool is_default, dns_hostnames;
    struct str_list tags;
};
/*
 * A VPC with its main route table, its default network ACL and default security group.  Faults:
 * VpcLimitExceeded when the host can hold no more.
 */
int ec2_vpc_make(struct api_call *call, const struct ec2_vpc_want *want, struct ec2_vpc_row *ret);
int ec2_vpc_put(struct txn *txn, const struct ec2_vpc_row *row);
/* The rows of its main route table and of its default network ACL, whose ids it has. */
int ec2_vpc_surround(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc);
/* Ranges that no host on a network has. */
bool ec2_block_reserved(struct ip4_block block);
/* As the call that makes it shows it. */
struct ec2_Vpc *ec2_vpc_show_new(struct api_call *call, const struct ec2_vpc_row *row);
struct ec2_BlockPublicAccessStates *ec2_public_access_show(struct arena *arena);

/* Members of calls that give a VPC addresses, the first that Welkin does not have; or NULL. */
#define EC2_BLOCK_REFUSED(req)                                                                     \
    ((req)->ipv6_pool.p                              ? "Ipv6Pool"                                  \
     : (req)->ipv6_cidr_block.p                      ? "Ipv6CidrBlock"                             \
     : (req)->ipv4_ipam_pool_id.p                    ? "Ipv4IpamPoolId"                            \
     : (req)->ipv4_netmask_length.set                ? "Ipv4NetmaskLength"                         \
     : (req)->ipv6_ipam_pool_id.p                    ? "Ipv6IpamPoolId"                            \
     : (req)->ipv6_netmask_length.set                ? "Ipv6NetmaskLength"                         \
     : (req)->ipv6_cidr_block_network_border_group.p ? "Ipv6CidrBlockNetworkBorderGroup"           \
     : opt_bool_or((req)->amazon_provided_ipv6_cidr_block, false) ? "AmazonProvidedIpv6CidrBlock"  \
                                                                  : NULL)

/* ---- network.c ---- */

extern const struct ec2_kind ec2_vpc_kind, ec2_subnet_kind;

/* A default VPC with all around it; the caller writes it into the account's row. */
int ec2_default_vpc_make(struct api_call *call, struct ec2_vpc_row *ret);
/* A default subnet in the first /20 that is free; InsufficientCidrBlocks. */
int ec2_default_subnet_make(struct api_call *call, const struct ec2_vpc_row *vpc,
                            struct ec2_zone zone, struct ec2_subnet_row *ret);
const struct ec2_account_row *ec2_account_of(const struct api_call *call);

/* ---- subnet.c ---- */

struct ec2_subnet_want {
    const struct ec2_vpc_row *vpc;
    struct ec2_zone zone;
    struct ip4_block block;
    bool is_default;
    struct str_list tags;
};
int ec2_subnet_make(struct api_call *call, const struct ec2_subnet_want *want,
                    struct ec2_subnet_row *ret);
/* A subnet of the VPC that has an address of that block, or NULL. */
const struct ec2_subnet_row *
ec2_subnet_at(struct txn *txn, struct str vpc_id, struct ip4_block block);
int ec2_subnet_put(struct txn *txn, const struct ec2_subnet_row *row);
/* By the id of its association with a route table or a network ACL, the caller's; or NULL. */
const struct ec2_subnet_row *ec2_subnet_of_route(struct api_call *call, struct str association);
const struct ec2_subnet_row *ec2_subnet_of_acl(struct api_call *call, struct str association);

/* ---- route_table.c ---- */

/* A route of a table to a gateway; the newest. */
int ec2_route_make(struct txn *txn, struct arena *arena, struct str table_id, struct str cidr,
                   struct str gateway_id);
/* The table with its routes goes. */
int ec2_route_table_drop(struct txn *txn, struct str id);
/* The VPC whose main route table has that association, the caller's; or NULL. */
const struct ec2_vpc_row *
ec2_vpc_of_main_association(struct api_call *call, struct str association);

/* ---- network_acl.c ---- */

/* A new ACL's row and, for a default one, the rules that allow everything. */
int ec2_network_acl_make(struct txn *txn, struct arena *arena,
                         const struct ec2_network_acl_row *row, bool allow_all);
int ec2_network_acl_drop(struct txn *txn, struct str id);

/* ---- dhcp_options.c ---- */

/* The row of those that an account has in a region by itself, and whose id its own row has. */
int ec2_dhcp_options_default_make(struct txn *txn, struct arena *arena,
                                  const struct ec2_account_row *account);

/* ---- nat_gateway.c ---- */

/* One that is there, or was an hour ago; NatGatewayNotFound. */
int ec2_nat_gateway_find(struct api_call *call, struct str id,
                         const struct ec2_nat_gateway_row **ret);

/* ---- vpc_cidr.c ---- */

/* All CIDR blocks of a VPC, its first one first. */
struct str_list ec2_vpc_cidrs(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc);
/* Whether one of them has all of that block. */
bool ec2_vpc_covers(struct txn *txn, const struct ec2_vpc_row *vpc, struct ip4_block block);
void ec2_vpc_cidrs_show(struct api_call *call, const struct ec2_vpc_row *vpc, struct ec2_Vpc *out);
/* The VPC goes. */
int ec2_vpc_cidrs_drop(struct txn *txn, struct str vpc_id);

/* ---- vpc_peering.c ---- */

/* One that the caller's account has a side of; InvalidVpcPeeringConnectionID.NotFound. */
int ec2_vpc_peering_find(struct api_call *call, struct str id,
                         const struct ec2_vpc_peering_row **ret);
/* The VPC goes, and its connections with it. */
int ec2_vpc_peerings_end(struct api_call *call, struct str vpc_id);

/* ---- internet_gateway.c ---- */

int ec2_internet_gateway_find(struct api_call *call, struct str id,
                              const struct ec2_internet_gateway_row **ret);
