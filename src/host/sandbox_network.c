/*
 * Networks of sandboxes: VPCs, edges of subnets, security groups, public addresses.  Rows are
 * watched; what changed is looked at once at the end of the turn, and only what the privileged
 * process knows already is told again.  sandbox_driver.c says when the rest is told.
 */
#include "host/sandbox_internal.h"
#include "host/sandbox_rows.h"

#include "base/log.h"
#include "codec/ip.h"

#include <stdio.h>
#include <stdlib.h>

#define LEFT_KEY_MAX 64
#define FAR_MTU 8500 /* between regions */

/* What was sent of a subnet, to know whether it is another now. */
struct sent_subnet {
    uint64_t hash;
    size_t n;
    char id[30];
};

/* A key that lies in its own allocation: all that is kept of a group or class that was sent. */
struct sent {
    size_t n;
    char key[];
};

/* A machine that something was asked for. */

/* ---- sets of keys ---- */

static bool
remember(struct map *m, struct str key)
{
    assert(key.n > 0);
    if (map_get(m, key))
        return false;
    struct sent *sent = malloc(sizeof(*sent) + key.n);
    if (!sent)
        abort();
    sent->n = key.n;
    memcpy(sent->key, key.p, key.n);
    map_put(m, str_of(sent->key, key.n), sent);
    return true;
}

static void
forget_all(struct map *m)
{
    MAP_EACH(m, entry)
        free(entry->value);
    map_done(m);
}

static void sync_blocks(struct sandbox_vpc *vpc, struct txn *txn, struct str id);
static void edge_dirty(struct host_sandbox *s, struct str id);

/* ---- security groups ---- */

static void
send_group(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
           const struct ec2_security_group_row *group)
{
    struct priv_rule rules[PRIV_RULES_MAX];
    size_t n = 0;

    assert(str_eq(group->vpc_id, str_of(vpc->id, vpc->id_n)) && group->number > 0);
    STORE_EACH(txn, ec2_sg_rule_by_group, row, group->id)
        n += sandbox_rules_of(txn, row, &rules[n], PRIV_RULES_MAX - n);
    assert(n <= PRIV_RULES_MAX);
    struct priv_group req = {
        .vpc = (uint32_t)vpc->number, .group = (uint32_t)group->number, .n_rules = (uint32_t)n};
    sandbox_ask(s, PRIV_GROUP, &req, sizeof(req), str_of(rules, n * sizeof(rules[0])),
                sandbox_logged, "the rules of a security group");
    remember(&vpc->groups, group->id);
}

static uint32_t
class_number(const uint32_t *groups, size_t n)
{
    uint32_t h = (uint32_t)str_hash(str_of(groups, n * sizeof(*groups)), 0);

    assert(n > 0 && n <= PRIV_CLASS_GROUPS_MAX);
    return (h & 0x7fffffff) | 1;
}

/* The class of an interface's groups; what it needs is sent first.  0: no groups. */
static uint32_t
send_class(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
           const struct str_list *group_ids)
{
    struct priv_class req = {.vpc = (uint32_t)vpc->number};

    LIST_EACH(group_ids, id) {
        const struct ec2_security_group_row *group = ec2_security_group_get(txn, *id);

        if (!group || req.n_groups == PRIV_CLASS_GROUPS_MAX)
            continue;
        if (!map_get(&vpc->groups, group->id))
            send_group(s, vpc, txn, group);
        req.groups[req.n_groups++] = (uint32_t)group->number;
    }
    if (!req.n_groups)
        return 0;
    req.class = class_number(req.groups, req.n_groups);
    if (remember(&vpc->classes, str_of(&req.class, sizeof(req.class))))
        sandbox_ask(s, PRIV_CLASS, &req, sizeof(req), STR_NONE, sandbox_logged,
                    "a set of security groups");
    assert(req.class && req.n_groups <= PRIV_CLASS_GROUPS_MAX);
    return req.class;
}

void
sandbox_public_ip(struct host_sandbox *s, const struct sandbox_vpc *vpc, struct str public,
                  struct str private)
{
    struct priv_public_ip req = {.vpc = (uint32_t)vpc->number, .remove = !private.n};

    if (ip4_parse(public, &req.public_ip) && (!private.n || ip4_parse(private, &req.private_ip)))
        sandbox_ask(s, PRIV_PUBLIC_IP, &req, sizeof(req), STR_NONE, sandbox_logged,
                    "a public address");
}

static void
send_publics(struct host_sandbox *s, const struct sandbox_vpc *vpc, struct txn *txn,
             const struct ec2_interface_row *row)
{
    if (row->public_ip.n)
        sandbox_public_ip(s, vpc, row->public_ip, row->private_ip);
    STORE_EACH(txn, ec2_secondary_address_by_interface, more, row->id)
        if (more->public_ip.n)
            sandbox_public_ip(s, vpc, more->public_ip, more->private_ip);
}

bool
sandbox_has_more(const struct ec2_instance_row *row, const struct ec2_interface_row *primary)
{
    return row->more_interfaces || primary->more_addresses || !primary->source_dest_check;
}

void
sandbox_machine_network(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
                        struct str instance_id)
{
    struct sandbox_nics req = {0};

    sandbox_id(req.head.id, instance_id);
    STORE_EACH(txn, ec2_interface_by_instance, row, instance_id) {
        uint32_t class = sandbox_network_ready(s, vpc, txn, row);

        if (!sandbox_nic_add(txn, row, class, &req))
            log_warn("interface %.*s stays outside of its instance: Welkin has %d at most",
                     STR_ARG(row->id), PRIV_NICS_MAX);
        send_publics(s, vpc, txn, row);
    }
    if (req.head.n)
        sandbox_ask(s, PRIV_NICS, &req.head, sizeof(req.head),
                    str_of(req.nics, req.head.n * sizeof(req.nics[0])), sandbox_logged,
                    "a machine's interfaces");
}

static void
sync_machine(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(txn, id);
    const struct host_machine_row *seen = host_machine_get(txn, id);
    struct sandbox_vpc *vpc = row ? map_get(&s->vpcs, row->vpc_id) : NULL;
    const struct ec2_interface_row *primary =
        vpc ? ec2_interface_get(txn, row->interface_id) : NULL;

    if (!primary || !seen)
        return;
    /* One that starts was told of the rest with its launch, or is when its disk is open. */
    if (seen->phase == HOST_UP || (seen->phase == HOST_BOOTING && sandbox_has_more(row, primary)))
        sandbox_machine_network(s, vpc, txn, id);
}

void
sandbox_machine_dirty(struct host_sandbox *s, struct str instance_id)
{
    remember(&s->dirty_machines, instance_id);
    loop_defer(s->config.loop, &s->look);
}

/* The machine that has the interface is told of all that it has. */
static void
sync_interface(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_interface_row *row = ec2_interface_get(txn, id);

    if (row && row->instance_id.n)
        remember(&s->dirty_machines, row->instance_id);
}

/* An address that an interface had goes, unless another of the VPC has it now: adding replaces. */
static void
sync_left_public(struct host_sandbox *s, struct txn *txn, struct str key)
{
    struct str ip = key, vpc_id = str_split(&ip, ' ');
    const struct sandbox_vpc *vpc = map_get(&s->vpcs, vpc_id);
    const struct ec2_interface_row *now = ec2_interface_by_public_ip_get(txn, ip);
    const struct ec2_secondary_address_row *more = ec2_secondary_address_by_public_ip_get(txn, ip);
    struct str has = now ? now->vpc_id : more ? more->vpc_id : STR_NONE;

    assert(vpc_id.n > 0 && ip.n > 0);
    if (vpc && !str_eq(has, vpc_id))
        sandbox_public_ip(s, vpc, ip, STR_NONE);
}

/* A group that a class in use refers to is sent to every VPC that knows it. */
static void
sync_group(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_security_group_row *group = ec2_security_group_get(txn, id);
    struct sandbox_vpc *vpc = group ? map_get(&s->vpcs, group->vpc_id) : NULL;

    if (vpc && map_get(&vpc->groups, id))
        send_group(s, vpc, txn, group);
}

/* ---- subnets ---- */

/* Gateways that packets of the VPC's subnets leave by, with the address that they get. */
static void
send_nats(struct host_sandbox *s, const struct sandbox_vpc *vpc, struct txn *txn,
          const struct ec2_vpc_row *row)
{
    STORE_EACH(txn, ec2_nat_gateway_by_vpc, nat, row->id)
        if (nat->interface_id.n && nat->public_ip.n)
            sandbox_public_ip(s, vpc, nat->public_ip, nat->private_ip);
}

/* Tells of the subnet unless that is what was told last; before the first launch in it. */
static void
send_subnet(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
            const struct ec2_vpc_row *row, const struct ec2_subnet_row *subnet)
{
    struct sent_subnet *sent = map_get(&vpc->subnets, subnet->id);
    struct sandbox_subnet now;

    assert(str_eq(subnet->vpc_id, row->id) && subnet->number > 0);
    sandbox_subnet_of(txn, row, subnet, &now);
    uint64_t seed = now.head.n_routes + (vpc->n_cidrs << 16);
    uint64_t hash = str_hash(str_of(now.tail, now.tail_n), seed);

    if (sent && sent->hash == hash)
        return;
    if (!sent) {
        sent = calloc(1, sizeof(*sent));
        if (!sent || subnet->id.n > sizeof(sent->id))
            abort();
        sent->n = subnet->id.n;
        memcpy(sent->id, subnet->id.p, sent->n);
        map_put(&vpc->subnets, str_of(sent->id, sent->n), sent);
    }
    sent->hash = hash;
    send_nats(s, vpc, txn, row);
    sandbox_ask(s, PRIV_SUBNET, &now.head, sizeof(now.head), str_of(now.tail, now.tail_n),
                sandbox_logged, "a subnet");
}

/*
 * The VPC whose edges a row is about: its own id, or that of a route table, of a network ACL, or of
 * an interface that routes lead to.
 */
static struct str
edge_vpc(struct txn *txn, struct str id)
{
    STORE_EACH(txn, ec2_route_by_gateway, route, id)
        return ec2_route_table_get(txn, route->route_table_id)->vpc_id;
    const struct ec2_route_table_row *table = ec2_route_table_get(txn, id);
    const struct ec2_network_acl_row *acl = ec2_network_acl_get(txn, id);

    return table ? table->vpc_id : acl ? acl->vpc_id : id;
}

static void
sync_edges(struct host_sandbox *s, struct txn *txn, struct str id)
{
    struct str vpc_id = edge_vpc(txn, id);
    const struct ec2_vpc_row *row = ec2_vpc_get(txn, vpc_id);
    struct sandbox_vpc *vpc = map_get(&s->vpcs, vpc_id);

    if (!row || !vpc)
        return;
    sync_blocks(vpc, txn, row->id);
    STORE_EACH(txn, ec2_subnet_by_vpc, subnet, row->id)
        if (map_get(&vpc->subnets, subnet->id))
            send_subnet(s, vpc, txn, row, subnet);
}

/* ---- peering ---- */

static void
send_peering(struct host_sandbox *s, const struct ec2_vpc_peering_row *row, bool on)
{
    const struct sandbox_vpc *ends[2] = {map_get(&s->vpcs, row->vpc_id),
                                         map_get(&s->vpcs, row->peer_vpc_id)};

    if (!ends[0] || !ends[1] || !ends[0]->open || !ends[1]->open)
        return;
    struct priv_link req = {.number = (uint32_t)row->number,
                            .vpcs = {(uint32_t)ends[0]->number, (uint32_t)ends[1]->number},
                            .mtu = row->peer_region.n ? FAR_MTU : 0,
                            .remove = !on};

    sandbox_ask(s, PRIV_PEER, &req, sizeof(req), STR_NONE, sandbox_logged,
                "a connection between VPCs");
}

static void
sync_peering(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_vpc_peering_row *row = ec2_vpc_peering_get(txn, id);

    if (row)
        send_peering(s, row, str_is(row->state, "active"));
}

static void close_vpc(struct host_sandbox *s, struct sandbox_vpc *vpc);

static void
close_gone(struct host_sandbox *s)
{
    struct sandbox_vpc *gone;

    do {
        gone = NULL;
        MAP_EACH(&s->vpcs, entry) {
            struct sandbox_vpc *vpc = entry->value;

            if (vpc->gone && vpc->open)
                gone = vpc;
        }
        if (gone)
            close_vpc(s, gone);
    } while (gone);
}

static void
look(struct loop_task *task)
{
    struct host_sandbox *s = CONTAINER_OF(task, struct host_sandbox, look);

    close_gone(s);
    struct txn *txn = store_begin(s->config.store);

    MAP_EACH(&s->dirty_edges, entry)
        sync_edges(s, txn, entry->key);
    MAP_EACH(&s->dirty_groups, entry)
        sync_group(s, txn, entry->key);
    MAP_EACH(&s->left_publics, entry)
        sync_left_public(s, txn, entry->key);
    MAP_EACH(&s->dirty_nics, entry)
        sync_interface(s, txn, entry->key);
    MAP_EACH(&s->dirty_machines, entry)
        sync_machine(s, txn, entry->key);
    MAP_EACH(&s->dirty_peerings, entry)
        sync_peering(s, txn, entry->key);
    store_rollback(txn);
    forget_all(&s->dirty_machines);
    forget_all(&s->dirty_peerings);
    forget_all(&s->dirty_edges);
    forget_all(&s->left_publics);
    forget_all(&s->dirty_groups);
    forget_all(&s->dirty_nics);
}

static void
edge_dirty(struct host_sandbox *s, struct str id)
{
    remember(&s->dirty_edges, id);
    loop_defer(s->config.loop, &s->look);
}

static void
route_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_route_row *row = new_row ? new_row : old_row;

    assert(row);
    edge_dirty(ctx, row->route_table_id);
}

static void
entry_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_acl_entry_row *row = new_row ? new_row : old_row;

    assert(row);
    edge_dirty(ctx, row->acl_id);
}

static void
subnet_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_subnet_row *row = old_row;
    struct sandbox_vpc *vpc = row ? map_get(&s->vpcs, row->vpc_id) : NULL;

    if (new_row && row)
        edge_dirty(s, row->vpc_id);
    if (new_row || !vpc || !map_get(&vpc->subnets, row->id))
        return;
    struct priv_subnet_drop req = {(uint32_t)vpc->number, (uint32_t)row->number};
    sandbox_ask(s, PRIV_SUBNET_DROP, &req, sizeof(req), STR_NONE, sandbox_logged,
                "to drop a subnet");
    free(map_remove(&vpc->subnets, row->id));
}

static void
rule_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_sg_rule_row *row = new_row ? new_row : old_row;

    assert(row);
    remember(&s->dirty_groups, row->group_id);
    loop_defer(s->config.loop, &s->look);
}

static void
group_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_security_group_row *row = old_row;
    struct sandbox_vpc *vpc = row && !new_row ? map_get(&s->vpcs, row->vpc_id) : NULL;

    if (!vpc || !map_get(&vpc->groups, row->id))
        return;
    struct priv_group_drop req = {(uint32_t)vpc->number, (uint32_t)row->number};
    sandbox_ask(s, PRIV_GROUP_DROP, &req, sizeof(req), STR_NONE, sandbox_logged,
                "to drop a security group");
    free(map_remove(&vpc->groups, row->id));
}

static void
public_left(struct host_sandbox *s, struct str vpc_id, struct str ip)
{
    char key[LEFT_KEY_MAX];
    int n = snprintf(key, sizeof(key), "%.*s %.*s", STR_ARG(vpc_id), STR_ARG(ip));

    assert(n > 0 && n < (int)sizeof(key));
    remember(&s->left_publics, str_of(key, (size_t)n));
    loop_defer(s->config.loop, &s->look);
}

static void
interface_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_interface_row *before = old_row, *after = new_row;

    assert(before || after);
    if (before && before->public_ip.n && !(after && str_eq(before->public_ip, after->public_ip)))
        public_left(s, before->vpc_id, before->public_ip);
    if (before && before->instance_id.n &&
        !(after && str_eq(before->instance_id, after->instance_id)))
        sandbox_machine_dirty(s, before->instance_id);
    if (before && !after)
        edge_dirty(s, before->id); /* its address may be another's now */
    if (!before || !after)
        return; /* a launch sends it, an exit ends it */
    remember(&s->dirty_nics, after->id);
    loop_defer(s->config.loop, &s->look);
}

static void
secondary_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_secondary_address_row *before = old_row, *after = new_row;

    assert(before || after);
    if (before && before->public_ip.n && !(after && str_eq(before->public_ip, after->public_ip)))
        public_left(s, before->vpc_id, before->public_ip);
    remember(&s->dirty_nics, after ? after->interface_id : before->interface_id);
    loop_defer(s->config.loop, &s->look);
}

static void
nat_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_nat_gateway_row *row = new_row ? new_row : old_row;

    assert(row);
    edge_dirty(ctx, row->vpc_id);
}

static void
peering_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_vpc_peering_row *row = new_row ? new_row : old_row;

    assert(row);
    remember(&s->dirty_peerings, row->id);
    edge_dirty(s, row->vpc_id);
    edge_dirty(s, row->peer_vpc_id);
}

/* ---- VPCs ---- */

static void
vpc_free(struct sandbox_vpc *vpc)
{
    forget_all(&vpc->groups);
    forget_all(&vpc->classes);
    forget_all(&vpc->subnets);
    free(vpc);
}

/* The VPC's connections are made once both sides are open. */
static void
peerings_dirty(struct host_sandbox *s, struct str vpc_id)
{
    struct txn *txn = store_begin(s->config.store);

    STORE_EACH(txn, ec2_vpc_peering_by_vpc, row, vpc_id)
        remember(&s->dirty_peerings, row->id);
    STORE_EACH(txn, ec2_vpc_peering_by_peer_vpc, row, vpc_id)
        remember(&s->dirty_peerings, row->id);
    store_rollback(txn);
    loop_defer(s->config.loop, &s->look);
}

static void vpc_answered(void *arg, struct priv_message *m);

static void
ask_vpc(struct sandbox_vpc *vpc)
{
    static const char more_blocks[] = "more addresses of a VPC";
    struct priv_vpc_open req = {.number = (uint32_t)vpc->number,
                                .n_cidrs = vpc->n_cidrs,
                                .n_extra = vpc->plain ? 0 : PRIV_LISTEN_ALL - PRIV_LISTEN_EXTRA,
                                .extra = {{PRIV_API_IP, 443}, {PRIV_API_IP, 80}}};

    assert(vpc->number >= 0 && vpc->number < PRIV_VPCS);
    sandbox_id(req.id, str_of(vpc->id, vpc->id_n));
    memcpy(req.cidrs, vpc->cidrs, sizeof(req.cidrs));
    vpc->n_told = vpc->n_cidrs;
    if (vpc->plain)
        memset(req.extra, 0, sizeof(req.extra));
    /* One that is open keeps its listeners: it is only told of further addresses. */
    sandbox_ask(vpc->s, PRIV_VPC_OPEN, &req, sizeof(req), STR_NONE,
                vpc->open ? sandbox_logged : vpc_answered, vpc->open ? (void *)more_blocks : vpc);
}

static void
vpc_answered(void *arg, struct priv_message *m)
{
    struct sandbox_vpc *vpc = arg;
    struct host_sandbox *s = vpc->s;
    int fds[PRIV_LISTEN_ALL];

    assert(!vpc->open);
    if ((m->status == -EINVAL || m->status == -EEXIST) && !vpc->plain) {
        /* It runs since before there was an API inside VPCs: it changes no listeners (EINVAL) and
         * takes two at one address for a mistake (EEXIST). */
        log_warn("instances in %.*s do not reach the API by its names: `welkin down` and `welkin "
                 "up` change that",
                 (int)vpc->id_n, vpc->id);
        vpc->plain = true;
        ask_vpc(vpc);
        return;
    }
    if (m->status < 0 || m->n_fds < PRIV_LISTEN_EXTRA) {
        struct str why = m->status < 0 ? m->body : S("it came without its listeners");

        /* Forgotten, so that the next launch in it tries again. */
        log_error("the network of %.*s cannot be made: %.*s", (int)vpc->id_n, vpc->id,
                  STR_ARG(why));
        map_remove(&s->vpcs, str_of(vpc->id, vpc->id_n));
        vpc_free(vpc);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = i < m->n_fds ? m->fds[i] : -1;
        if (i < m->n_fds)
            m->fds[i] = -1;
    }
    s->config.vpc_opened(s->config.ctx, str_of(vpc->id, vpc->id_n), fds);
    vpc->open = true;
    if (vpc->gone)
        loop_defer(s->config.loop, &s->look);
    peerings_dirty(s, str_of(vpc->id, vpc->id_n));
    if (vpc->n_told == vpc->n_cidrs)
        return;
    ask_vpc(vpc);
    /* Subnets that were told of meanwhile know nothing of those blocks. */
    MAP_EACH(&vpc->subnets, entry)
        ((struct sent_subnet *)entry->value)->hash = 0;
    edge_dirty(s, str_of(vpc->id, vpc->id_n));
}

/* A block that is gone stays: no subnet is in it, and nobody has its addresses. */
static void
block_add(struct sandbox_vpc *vpc, struct str cidr)
{
    struct ip4_block block;

    if (!ip4_block_parse(cidr, &block) || vpc->n_cidrs == PRIV_CIDRS_MAX)
        return;
    for (uint32_t i = 0; i < vpc->n_cidrs; i++)
        if (vpc->cidrs[i].ip == block.ip && vpc->cidrs[i].prefix == block.bits)
            return;
    assert(vpc->n_cidrs < PRIV_CIDRS_MAX);
    vpc->cidrs[vpc->n_cidrs++] = (struct priv_cidr){block.ip, block.bits};
}

/* Blocks that the VPC has got; before its subnets in them are told of. */
static void
sync_blocks(struct sandbox_vpc *vpc, struct txn *txn, struct str id)
{
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, id)
        block_add(vpc, row->cidr);
    if (vpc->open && vpc->n_told < vpc->n_cidrs)
        ask_vpc(vpc);
}

static void
block_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_vpc_cidr_row *row = new_row ? new_row : old_row;

    assert(row);
    edge_dirty(ctx, row->vpc_id);
}

struct sandbox_vpc *
sandbox_vpc_open(struct host_sandbox *s, const struct ec2_vpc_row *row)
{
    struct sandbox_vpc *vpc = map_get(&s->vpcs, row->id);
    struct ip4_block block;

    if (vpc)
        return vpc;
    vpc = calloc(1, sizeof(*vpc));
    if (!vpc || row->id.n > sizeof(vpc->id) || !ip4_block_parse(row->cidr, &block)) {
        free(vpc);
        return NULL;
    }
    vpc->s = s;
    vpc->number = row->number;
    vpc->id_n = (uint8_t)row->id.n;
    memcpy(vpc->id, row->id.p, row->id.n);
    vpc->cidrs[vpc->n_cidrs++] = (struct priv_cidr){block.ip, block.bits};
    map_put(&s->vpcs, str_of(vpc->id, vpc->id_n), vpc);
    assert(vpc->n_cidrs == 1 && !vpc->open);
    ask_vpc(vpc);
    return vpc;
}

/* Its row is gone, and with it all that could run in it. */
static void
close_vpc(struct host_sandbox *s, struct sandbox_vpc *vpc)
{
    struct priv_vpc req = {.number = (uint32_t)vpc->number};

    assert(map_get(&s->vpcs, str_of(vpc->id, vpc->id_n)) == vpc);
    assert(vpc->gone && vpc->open);
    s->config.vpc_closed(s->config.ctx, str_of(vpc->id, vpc->id_n));
    sandbox_ask(s, PRIV_VPC_CLOSE, &req, sizeof(req), STR_NONE, sandbox_logged, "to close a VPC");
    map_remove(&s->vpcs, str_of(vpc->id, vpc->id_n));
    vpc_free(vpc);
}

static void
vpc_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_vpc_row *row = old_row;
    struct sandbox_vpc *vpc = row ? map_get(&s->vpcs, row->id) : NULL;

    if (vpc && new_row)
        edge_dirty(s, row->id);
    if (vpc && !new_row) {
        vpc->gone = true;
        loop_defer(s->config.loop, &s->look);
    }
}

/* ---- life ---- */

uint32_t
sandbox_network_ready(struct host_sandbox *s, struct sandbox_vpc *vpc, struct txn *txn,
                      const struct ec2_interface_row *nic)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, nic->subnet_id);
    const struct ec2_vpc_row *row = ec2_vpc_get(txn, nic->vpc_id);

    if (row)
        sync_blocks(vpc, txn, row->id);
    if (subnet && row && !map_get(&vpc->subnets, subnet->id))
        send_subnet(s, vpc, txn, row, subnet);
    return send_class(s, vpc, txn, &nic->group_ids);
}

/* Opens the networks of all instances that are alive, so that their metadata goes on. */
static void
reopen(struct host_sandbox *s)
{
    struct txn *txn = store_begin(s->config.store);

    STORE_EACH(txn, ec2_instance_by_key, row) {
        const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, row->vpc_id);
        const struct ec2_interface_row *nic = ec2_interface_get(txn, row->interface_id);
        struct sandbox_vpc *open;

        if (row->state == EC2_TERMINATED || row->state == EC2_STOPPED || !vpc || !nic)
            continue;
        open = sandbox_vpc_open(s, vpc);
        if (!open)
            continue;
        sandbox_network_ready(s, open, txn, nic);
        /* It may have changed in the daemon's last moment. */
        if (row->state == EC2_RUNNING)
            sandbox_machine_network(s, open, txn, row->id);
        else if (nic->public_ip.n)
            sandbox_public_ip(s, open, nic->public_ip, nic->private_ip);
    }
    STORE_EACH(txn, ec2_address_by_key, row) {
        if (!row->association_id.n)
            MAP_EACH(&s->vpcs, entry)
                sandbox_public_ip(s, entry->value, row->public_ip, STR_NONE);
    }
    store_rollback(txn);
}

void
sandbox_network_attach(struct host_sandbox *s)
{
    struct store *store = s->config.store;

    store_watch(store, &ec2_sg_rule_table, rule_changed, s);
    store_watch(store, &ec2_security_group_table, group_changed, s);
    store_watch(store, &ec2_interface_table, interface_changed, s);
    store_watch(store, &ec2_secondary_address_table, secondary_changed, s);
    store_watch(store, &ec2_vpc_cidr_table, block_changed, s);
    store_watch(store, &ec2_nat_gateway_table, nat_changed, s);
    store_watch(store, &ec2_vpc_peering_table, peering_changed, s);
    store_watch(store, &ec2_route_table, route_changed, s);
    store_watch(store, &ec2_acl_entry_table, entry_changed, s);
    store_watch(store, &ec2_subnet_table, subnet_changed, s);
    store_watch(store, &ec2_vpc_table, vpc_changed, s);
    reopen(s);
}

void
sandbox_network_init(struct host_sandbox *s)
{
    s->look.fn = look;
}

void
sandbox_network_done(struct host_sandbox *s)
{
    MAP_EACH(&s->vpcs, entry)
        vpc_free(entry->value);
    map_done(&s->vpcs);
    forget_all(&s->dirty_groups);
    forget_all(&s->dirty_nics);
    forget_all(&s->dirty_edges);
    forget_all(&s->left_publics);
    forget_all(&s->dirty_machines);
    forget_all(&s->dirty_peerings);
}
