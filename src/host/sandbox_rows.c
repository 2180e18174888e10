/*
 * Rows into requests to the privileged process: rules of security groups, edges of subnets,
 * launches.
 */
#include "host/sandbox_rows.h"

#include "codec/ip.h"

#include <stdio.h>
#include <stdlib.h>

void
sandbox_id(char out[PRIV_ID_MAX], struct str id)
{
    size_t n = MIN(id.n, (size_t)PRIV_ID_MAX - 1);

    assert(id.n > 0 && id.n < PRIV_ID_MAX);
    memset(out, 0, PRIV_ID_MAX);
    memcpy(out, id.p, n);
}

/* ---- security groups ---- */

static int
protocol_number(struct str name)
{
    int64_t n;

    if (str_is(name, "tcp"))
        return 6;
    if (str_is(name, "udp"))
        return 17;
    if (str_is(name, "icmp"))
        return 1;
    if (str_is(name, "icmpv6"))
        return 58;
    return str_to_i64(name, &n) && n >= 0 && n <= 255 ? (int)n : PRIV_PROTO_ALL;
}

static bool
set_block(struct str cidr, struct priv_rule *rule)
{
    struct ip4_block block;

    if (!ip4_block_parse(cidr, &block))
        return false;
    rule->peer = PRIV_PEER_CIDR;
    rule->ip = ip4_block_canonical(block).ip;
    rule->prefix = block.bits;
    assert(rule->prefix <= 32);
    return true;
}

/* One for each address block of a prefix list. */
static size_t
add_list(struct txn *txn, struct str id, const struct priv_rule *like, struct priv_rule *out,
         size_t room)
{
    const struct ec2_prefix_list_row *list = ec2_prefix_list_get(txn, id);
    size_t n = 0;

    for (size_t i = 0; list && i < list->cidrs.n && n < room; i++) {
        out[n] = *like;
        n += set_block(list->cidrs.v[i], &out[n]);
        assert(n <= room);
    }
    return n;
}

size_t
sandbox_rules_of(struct txn *txn, const struct ec2_sg_rule_row *row, struct priv_rule *out,
                 size_t room)
{
    assert(room <= PRIV_RULES_MAX);
    if (!room)
        return 0;
    struct priv_rule rule = (struct priv_rule){
        .egress = row->egress,
        .protocol = (int16_t)protocol_number(row->protocol),
        .from = (int32_t)row->from_port,
        .to = (int32_t)row->to_port,
    };

    if (row->prefix_list_id.n)
        return add_list(txn, row->prefix_list_id, &rule, out, room);
    *out = rule;
    if (!row->peer_group_id.n)
        return set_block(row->cidr4, out);
    const struct ec2_security_group_row *peer = ec2_security_group_get(txn, row->peer_group_id);

    out->peer = PRIV_PEER_GROUP;
    out->group = peer ? (uint32_t)peer->number : 0;
    return peer != NULL;
}

/* ---- edges of subnets ---- */

/* Puts a route where its prefix belongs: the most specific first. */
static void
route_put(struct sandbox_subnet *s, const struct priv_route *route)
{
    uint32_t i = s->head.n_routes;

    assert(s->head.n_routes <= PRIV_ROUTES_MAX && route->prefix <= 32);
    if (i == PRIV_ROUTES_MAX)
        return;
    for (; i > 0 && s->routes[i - 1].prefix < route->prefix; i--)
        s->routes[i] = s->routes[i - 1];
    s->routes[i] = *route;
    s->head.n_routes++;
}

static struct str
table_of(const struct ec2_vpc_row *vpc, const struct ec2_subnet_row *subnet)
{
    return subnet->route_table_id.n ? subnet->route_table_id : vpc->main_route_table_id;
}

static bool
is_internet(const struct ec2_vpc_row *vpc, const struct ec2_route_row *row)
{
    return row->gateway_id.n && str_eq(row->gateway_id, vpc->internet_gateway_id);
}

/* Whether packets to a block leave a NAT gateway's own subnet by the internet gateway. */
static bool
nat_leads(struct txn *txn, const struct ec2_vpc_row *vpc, const struct ec2_nat_gateway_row *nat,
          struct ip4_block to)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, nat->subnet_id);
    bool leads = false;
    int bits = -1;

    if (!subnet || !nat->interface_id.n || nat->private)
        return false;
    STORE_EACH(txn, ec2_route_by_table, row, table_of(vpc, subnet)) {
        struct ip4_block block;

        if (!ip4_block_parse(row->cidr, &block) || !ip4_block_covers(block, to) ||
            (int)block.bits <= bits)
            continue;
        bits = (int)block.bits;
        leads = is_internet(vpc, row);
    }
    return leads;
}

/* Where a route leads to, when it leads anywhere. */
static void
route_to(struct txn *txn, const struct ec2_vpc_row *vpc, const struct ec2_route_row *row,
         struct ip4_block block, struct priv_route *ret)
{
    const struct ec2_nat_gateway_row *nat = ec2_nat_gateway_get(txn, row->gateway_id);
    const struct ec2_vpc_peering_row *peering = ec2_vpc_peering_get(txn, row->gateway_id);
    const struct ec2_interface_row *nic = ec2_interface_get(txn, row->gateway_id);

    if (is_internet(vpc, row)) {
        ret->to = PRIV_ROUTE_GATEWAY;
    } else if (nat && nat_leads(txn, vpc, nat, block) && ip4_parse(nat->private_ip, &ret->via)) {
        ret->to = PRIV_ROUTE_NAT;
    } else if (peering && str_is(peering->state, "active")) {
        ret->to = PRIV_ROUTE_PEER;
        ret->via = (uint32_t)peering->number;
    } else if (nic && ip4_parse(nic->private_ip, &ret->via)) {
        ret->to = PRIV_ROUTE_VIA;
    }
}

static void
routes_of(struct txn *txn, const struct ec2_vpc_row *vpc, struct str table_id,
          struct sandbox_subnet *s)
{
    STORE_EACH(txn, ec2_route_by_table, row, table_id) {
        struct ip4_block block;

        if (!ip4_block_parse(row->cidr, &block))
            continue;
        struct priv_route route = {
            .ip = block.ip, .prefix = block.bits, .to = PRIV_ROUTE_NOWHERE};

        route_to(txn, vpc, row, block, &route);
        route_put(s, &route);
    }
}

/* IPv6 entries have no meaning here: guests do not speak it. */
static void
entries_of(struct txn *txn, struct str acl_id, struct sandbox_subnet *s)
{
    STORE_EACH(txn, ec2_acl_entry_by_acl, row, acl_id) {
        struct ip4_block block;

        if (s->head.n_entries == PRIV_ENTRIES_MAX || !ip4_block_parse(row->cidr4, &block))
            continue;
        s->entries[s->head.n_entries++] = (struct priv_acl_entry){
            .egress = row->egress,
            .allow = row->allow,
            .protocol = (int16_t)row->protocol,
            .from = (int32_t)row->from_port,
            .to = (int32_t)row->to_port,
            .ip = block.ip,
            .prefix = block.bits,
        };
    }
}

void
sandbox_subnet_of(struct txn *txn, const struct ec2_vpc_row *vpc,
                  const struct ec2_subnet_row *subnet, struct sandbox_subnet *ret)
{
    assert(subnet->number > 0 && str_eq(subnet->vpc_id, vpc->id));
    ret->head =
        (struct priv_subnet){.vpc = (uint32_t)vpc->number, .subnet = (uint32_t)subnet->number};
    routes_of(txn, vpc, table_of(vpc, subnet), ret);
    entries_of(txn, subnet->network_acl_id, ret);
    size_t routes = ret->head.n_routes * sizeof(ret->routes[0]);
    size_t entries = ret->head.n_entries * sizeof(ret->entries[0]);

    assert(routes + entries <= sizeof(ret->tail));
    memcpy(ret->tail, ret->routes, routes);
    memcpy(ret->tail + routes, ret->entries, entries);
    ret->tail_n = routes + entries;
}

/* ---- launches ---- */

static enum priv_init
init_kind(struct str init)
{
    return str_is(init, "systemd") ? PRIV_INIT_SYSTEMD : PRIV_INIT_WELKIN;
}

static bool
parse_mac(struct str text, uint8_t ret[6])
{
    for (size_t i = 0; i < 6; i++) {
        struct str byte = str_split(&text, ':');
        char hex[3] = {0};
        char *end;

        if (byte.n != 2)
            return false;
        memcpy(hex, byte.p, 2);
        ret[i] = (uint8_t)strtoul(hex, &end, 16);
        if (end != hex + 2)
            return false;
    }
    return text.p == NULL;
}

/* The number of the cluster placement group that it is in; 0: in none. */
static uint32_t
cluster_of(struct txn *txn, const struct ec2_instance_row *row)
{
    const struct ec2_placement_group_row *group =
        row && row->group_id.n ? ec2_placement_group_get(txn, row->group_id) : NULL;

    return group && str_is(group->strategy, "cluster") ? (uint32_t)str_hash(group->id, 0) | 1 : 0;
}

bool
sandbox_nic_add(struct txn *txn, const struct ec2_interface_row *row, uint32_t class,
                struct sandbox_nics *ret)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, row->subnet_id);
    struct priv_nic *nic = &ret->nics[ret->head.n];
    struct ip4_block block;

    if (ret->head.n == PRIV_NICS_MAX || row->device_index >= PRIV_NICS_MAX || !subnet ||
        !ip4_block_parse(subnet->cidr, &block) || !parse_mac(row->mac, nic->mac) ||
        !ip4_parse(row->private_ip, &nic->ips[0]))
        return false;
    nic->index = (uint32_t)row->device_index;
    nic->class = class;
    nic->subnet = (uint32_t)subnet->number;
    nic->cluster = cluster_of(txn, ec2_instance_get(txn, row->instance_id));
    nic->prefix = block.bits;
    nic->gateway = ip4_block_nth(block, 1);
    nic->open = !row->source_dest_check;
    nic->n_ips = 1;
    STORE_EACH(txn, ec2_secondary_address_by_interface, more, row->id)
        if (nic->n_ips < PRIV_NIC_IPS_MAX && ip4_parse(more->private_ip, &nic->ips[nic->n_ips]))
            nic->n_ips++;
    ret->head.n++;
    return true;
}

bool
sandbox_launch_of(const struct host_boot *boot, struct priv_launch *ret)
{
    const struct ec2_instance_row *instance = boot->instance;
    struct ip4_block subnet;
    uint32_t ip;

    assert(str_eq(boot->subnet->vpc_id, boot->vpc->id));
    assert(boot->vpc->number >= 0 && boot->subnet->number > 0);
    if (!ip4_block_parse(boot->subnet->cidr, &subnet) ||
        !ip4_parse(boot->interface->private_ip, &ip) || !parse_mac(boot->interface->mac, ret->mac))
        return false;
    sandbox_id(ret->id, instance->id);
    assert(ip4_block_has(subnet, ip));
    if (instance->rootfs.n >= sizeof(ret->image))
        return false;
    memcpy(ret->image, instance->rootfs.p, instance->rootfs.n);
    snprintf(ret->hostname, sizeof(ret->hostname), "ip-%u-%u-%u-%u", ip >> 24, ip >> 16 & 255,
             ip >> 8 & 255, ip & 255);
    ret->vpc = (uint32_t)boot->vpc->number;
    ret->slot = (uint32_t)instance->uid_slot;
    ret->private_ip = ip;
    ret->prefix = subnet.bits;
    ret->subnet = (uint32_t)boot->subnet->number;
    ret->cluster = cluster_of(boot->txn, instance);
    ret->gateway = ip4_block_nth(subnet, 1);
    ret->init = (uint8_t)init_kind(instance->init);
    if (boot->interface->public_ip.n)
        ip4_parse(boot->interface->public_ip, &ret->public_ip);
    if (instance->network_mbit <= PRIV_MBIT_MAX) /* no host is faster */
        ret->mbit = (uint32_t)instance->network_mbit;
    ret->limits.cpu_milli = boot->cpu_milli;
    ret->limits.memory_bytes = boot->memory_bytes;
    return true;
}
