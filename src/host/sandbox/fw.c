/*
 * The firewall of a VPC: one table in its network namespace.  In front of what is drawn here
 * stands the edge of the subnets (fw_subnet.c).
 *
 *   packet from a guest ──▶ spoof: (interface, source address, MAC) must be an element of @spoof,
 *                            or the interface one of @loose, whose check is off
 *      to the router     ──▶ input: always allowed (metadata, DHCP, DNS)
 *      to others         ──▶ forward: established ones pass
 *                              interface ─@class_of─▶ class ─@egress─▶ ce<class> ─▶ e<group> …
 *                              a rule that matches goes to `inside`, as do packets from outside:
 *                              interface ─@class_of─▶ class ─@ingress─▶ ci<class> ─▶ i<group> …
 *                              a rule that matches accepts
 *                            what falls through is dropped
 *
 * A machine is elements of sets only: an element costs 5 µs whatever the table holds.  Chains are
 * per group and per class, and a group is replaced as a whole in one transaction, so nothing ever
 * needs the kernel's rule handles and an edit does not depend on what was there.
 *
 * Machines are known by interface index, not name: indexes are ours (never reused in a namespace)
 * and a quarter of the size, so elements may go in before the interface exists.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <stdlib.h>

static void
chain_name(char to[FW_NAME_MAX], const char *prefix, uint32_t number)
{
    assert(prefix[0] != '\0' && strlen(prefix) + 10 < FW_NAME_MAX);
    text_set(to, FW_NAME_MAX, "%s%u", prefix, number);
}

/* ---- the table ---- */

static void
accept_established(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_match_ct(r, NFT_CT_ESTABLISHED | NFT_CT_RELATED);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* What the packet's interface (meta key) is, by a set of interfaces. */
static void
in_set(struct nft_tx *tx, const char *chain, uint32_t meta_key, const char *set, int verdict,
       const char *to)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_meta(r, meta_key, NFT_R0);
    nft_lookup(r, set, NFT_R0);
    nft_verdict(r, verdict, to);
    nft_rule_end(tx, r);
}

static void
accept_own(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_meta(r, NFT_META_IIF, NFT_R0);
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_SADDR, 4, NFT_R1);
    nft_payload(r, NFT_PAYLOAD_LL_HEADER, 6, 6, NFT_R2);
    nft_lookup(r, "spoof", NFT_R0);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* A guest that has no address yet asks for one. */
static void
accept_addressless(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    uint32_t zero = 0;

    nft_match_protocol(r, IPPROTO_UDP);
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_SADDR, 4, NFT_R8);
    nft_cmp(r, NFT_R8, NFT_CMP_EQ, &zero, sizeof(zero));
    nft_match_ports(r, 67, 67);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* Nobody outside may claim to be inside. */
static void
add_outside(struct nft_tx *tx, const struct vpc *v)
{
    const struct priv_vpc_open *o = &v->saved.open;
    struct nftnl_rule *r;

    nft_add_chain(tx, "outside");
    for (uint32_t i = 0; i < o->n_cidrs; i++) {
        r = nft_rule(tx, "outside");
        nft_match_cidr(r, NFT_SADDR, o->cidrs[i].ip, o->cidrs[i].prefix, false);
        nft_verdict(r, NF_DROP, NULL);
        nft_rule_end(tx, r);
    }
    r = nft_rule(tx, "outside");
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

int
fw_cidrs(struct vpc *v)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    nft_flush_chain(&tx, "outside");
    add_outside(&tx, v);
    return nft_commit(&tx, &v->nft);
}

static void
add_spoof(struct nft_tx *tx, const struct vpc *v)
{
    struct nftnl_rule *r;

    nft_add_base_chain(tx, "spoof", "filter", NF_INET_PRE_ROUTING, -300, true);
    accept_own(tx, "spoof");
    in_set(tx, "spoof", NFT_META_IIF, "loose", NF_ACCEPT, NULL);
    add_outside(tx, v);
    in_set(tx, "spoof", NFT_META_IIF, "peers", NFT_GOTO, "outside");
    r = nft_rule(tx, "spoof");
    nft_match_iif(r, VPC_UP);
    nft_verdict(r, NFT_GOTO, "outside");
    nft_rule_end(tx, r);
    r = nft_rule(tx, "spoof");
    nft_match_iif(r, VPC_LO);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    accept_addressless(tx, "spoof");
}

/* What speaks to the router itself does so with its own address, also where the check is off. */
static void
add_guard(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_chain(tx, "guard_loose");
    accept_own(tx, "guard_loose");
    accept_addressless(tx, "guard_loose");
    r = nft_rule(tx, "guard_loose");
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
    nft_add_base_chain(tx, "guard", "filter", NF_INET_LOCAL_IN, -300, false);
    in_set(tx, "guard", NFT_META_IIF, "loose", NFT_GOTO, "guard_loose");
}

static void
add_input(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_base_chain(tx, "input", "filter", NF_INET_LOCAL_IN, 0, false);
    accept_established(tx, "input");
    r = nft_rule(tx, "input");
    nft_match_iif(r, VPC_UP);
    nft_match_protocol(r, IPPROTO_ICMP);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "input");
    nft_match_iif(r, VPC_UP);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
}

/* interface (meta key) → class → the class's chain. */
static void
to_class(struct nft_tx *tx, const char *chain, uint32_t meta_key, const char *vmap)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_meta(r, meta_key, NFT_R0);
    nft_map(r, "class_of", NFT_R0, NFT_R1);
    nft_vmap(r, vmap, NFT_R1);
    nft_rule_end(tx, r);
}

static void
add_forward(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_chain(tx, "inside");
    r = nft_rule(tx, "inside");
    nft_match_oif(r, VPC_UP);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    in_set(tx, "inside", NFT_META_OIF, "peers", NF_ACCEPT, NULL);
    to_class(tx, "inside", NFT_META_OIF, "ingress");
    r = nft_rule(tx, "inside");
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);

    nft_add_base_chain(tx, "forward", "filter", NF_INET_FORWARD, 0, true);
    accept_established(tx, "forward");
    r = nft_rule(tx, "forward");
    nft_match_ct(r, NFT_CT_INVALID);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "forward");
    nft_match_cidr(r, NFT_DADDR, 0xa9fe0000, 16, false); /* link-local does not leave its link */
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "forward");
    nft_match_iif(r, VPC_UP);
    nft_verdict(r, NFT_GOTO, "inside");
    nft_rule_end(tx, r);
    in_set(tx, "forward", NFT_META_IIF, "peers", NFT_GOTO, "inside");
    to_class(tx, "forward", NFT_META_IIF, "egress");
}

static void
add_nat(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_base_chain(tx, "dnat", "nat", NF_INET_PRE_ROUTING, -100, false);
    r = nft_rule(tx, "dnat");
    nft_match_iif(r, VPC_UP); /* a guest's packet to a public address goes out and comes back */
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_DADDR, 4, NFT_R0);
    nft_map(r, "public_in", NFT_R0, NFT_R1);
    nft_nat(r, NFT_NAT_DNAT, NFT_R1);
    nft_rule_end(tx, r);

    /* A mark is the private address of a NAT gateway, whose public one the packet gets. */
    nft_add_base_chain(tx, "snat", "nat", NF_INET_POST_ROUTING, 100, false);
    r = nft_rule(tx, "snat");
    nft_match_oif(r, VPC_UP);
    nft_meta(r, NFT_META_MARK, NFT_R0);
    nft_map(r, "public_out", NFT_R0, NFT_R1);
    nft_nat(r, NFT_NAT_SNAT, NFT_R1);
    nft_rule_end(tx, r);
    r = nft_rule(tx, "snat");
    nft_match_oif(r, VPC_UP);
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_SADDR, 4, NFT_R0);
    nft_map(r, "public_out", NFT_R0, NFT_R1);
    nft_nat(r, NFT_NAT_SNAT, NFT_R1);
    nft_rule_end(tx, r);
}

#define SPOOF_KEY 16

static int
open_table(struct vpc *v, bool limits)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    nft_del_table(&tx);
    nft_add_table(&tx);
    nft_add_set(&tx, "spoof", SPOOF_KEY, 0);
    nft_add_set(&tx, "loose", 4, 0);
    nft_add_set(&tx, "peers", 4, 0);
    nft_add_set(&tx, "class_of", 4, 4);
    nft_add_set(&tx, "egress", 4, NFT_TO_CHAIN);
    nft_add_set(&tx, "ingress", 4, NFT_TO_CHAIN);
    nft_add_set(&tx, "public_in", 4, 4);
    nft_add_set(&tx, "public_out", 4, 4);
    add_spoof(&tx, v);
    fw_subnets_open(&tx, v);
    add_guard(&tx);
    add_input(&tx);
    add_forward(&tx);
    fw_flows_open(&tx, limits);
    add_nat(&tx);
    return nft_commit(&tx, &v->nft);
}

/* A kernel may have no limits: then all is as fast as it can be. */
int
fw_open(struct vpc *v)
{
    int r = open_table(v, true);

    v->saved.limits = r == 0;
    if (r != -ENOENT && r != -EOPNOTSUPP)
        return r;
    r = open_table(v, false);
    if (r == 0)
        log_warn("this kernel's nftables has no limits (CONFIG_NFT_LIMIT, CONFIG_NFT_OBJREF): "
                 "flows and instances are as fast as they can be");
    return r;
}

/* ---- machines ---- */

static struct fw_class *
class_find(const struct vpc *v, uint32_t class)
{
    assert(v->saved.n_classes == 0 || v->classes);
    for (uint32_t i = 0; i < v->saved.n_classes; i++)
        if (v->classes[i].class == class)
            return &v->classes[i];
    return NULL;
}

static void
element(struct nft_tx *tx, bool add, const char *set, const void *key, uint32_t n,
        const uint32_t *data)
{
    assert(n == 4 || n == 8 || n == SPOOF_KEY);
    if (add)
        nft_add_element(tx, set, key, n, data, data ? 4 : 0, NULL);
    else
        nft_del_element(tx, set, key, n);
}

static void
memberships(struct nft_tx *tx, const struct fw_class *c, const struct priv_nic *nic, bool add)
{
    char set[FW_NAME_MAX];

    assert(c->n_groups <= PRIV_CLASS_GROUPS_MAX);
    for (uint32_t i = 0; i < c->n_groups; i++) {
        chain_name(set, "g", c->groups[i]);
        for (uint32_t j = 0; j < nic->n_ips; j++) {
            uint32_t key = htonl(nic->ips[j]);

            element(tx, add, set, &key, sizeof(key), NULL);
        }
    }
}

static void
fw_nic(struct nft_tx *tx, const struct vpc *v, const struct machine *m, const struct nic *nic,
       bool add)
{
    const struct fw_class *c = class_find(v, nic->is.class);

    for (uint32_t i = 0; i < nic->is.n_ips; i++) {
        uint8_t key[SPOOF_KEY] = {0};
        uint32_t ip = htonl(nic->is.ips[i]);

        memcpy(key, &nic->ifindex, 4);
        memcpy(key + 4, &ip, 4);
        memcpy(key + 8, nic->is.mac, 6);
        element(tx, add, "spoof", key, sizeof(key), NULL);
    }
    if (nic->is.open) {
        const uint32_t via[2] = {nic->is.ips[0], nic->ifindex};

        element(tx, add, "loose", &nic->ifindex, 4, NULL);
        element(tx, add, "vias", via, sizeof(via), NULL);
    }
    element(tx, add, "class_of", &nic->ifindex, 4, &nic->is.class);
    element(tx, add, "subnet_of", &nic->ifindex, 4, &nic->is.subnet);
    fw_flows_nic(tx, v, m, nic, add);
    if (c)
        memberships(tx, c, &nic->is, add);
}

int
fw_nics(struct vpc *v, const struct machine *m, const struct nic *before, uint32_t n_before,
        const struct nic *after, uint32_t n_after)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    for (uint32_t i = 0; i < n_before; i++)
        fw_nic(&tx, v, m, &before[i], false);
    for (uint32_t i = 0; i < n_after; i++)
        fw_nic(&tx, v, m, &after[i], true);
    return nft_commit(&tx, &v->nft);
}

static int
machine_put(struct vpc *v, const struct machine *m, bool add)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    if (add)
        fw_flows_machine(&tx, v, m, true);
    for (uint32_t i = 0; i < m->n_nics; i++)
        fw_nic(&tx, v, m, &m->nics[i], add);
    if (!add)
        fw_flows_machine(&tx, v, m, false);
    return nft_commit(&tx, &v->nft);
}

int
fw_machine_add(struct vpc *v, struct machine *m)
{
    int r = machine_put(v, m, true);

    assert(m->n_nics > 0 && !m->filtered);
    m->filtered = r == 0;
    return r;
}

int
fw_machine_remove(struct vpc *v, struct machine *m)
{
    assert(m->filtered);
    m->filtered = false;
    return machine_put(v, m, false);
}

int
fw_peer(struct vpc *v, uint32_t ifindex, bool add)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    element(&tx, add, "peers", &ifindex, sizeof(ifindex), NULL);
    return nft_commit(&tx, &v->nft);
}

int
fw_reset_members(struct vpc *v)
{
    char set[FW_NAME_MAX];
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    nft_flush_set(&tx, "spoof");
    nft_flush_set(&tx, "loose");
    nft_flush_set(&tx, "vias");
    nft_flush_set(&tx, "peers");
    nft_flush_set(&tx, "class_of");
    nft_flush_set(&tx, "subnet_of");
    fw_flows_reset(&tx, v);
    for (uint32_t i = 0; i < v->saved.n_classes; i++)
        for (uint32_t j = 0; j < v->classes[i].n_groups; j++) {
            chain_name(set, "g", v->classes[i].groups[j]);
            nft_flush_set(&tx, set);
        }
    return nft_commit(&tx, &v->nft);
}

/* ---- groups ---- */

/* Groups exist as soon as anything names them: as empty chains and an empty set. */
static void
group_exists(struct nft_tx *tx, uint32_t group)
{
    char name[FW_NAME_MAX];

    chain_name(name, "i", group);
    nft_add_chain(tx, name);
    chain_name(name, "e", group);
    nft_add_chain(tx, name);
    chain_name(name, "g", group);
    nft_add_set(tx, name, 4, 0);
}

void
fw_match_service(struct nftnl_rule *r, int protocol, int32_t from, int32_t to)
{
    assert(protocol >= -1 && protocol <= 255);
    if (protocol >= 0)
        nft_match_protocol(r, (uint8_t)protocol);
    if ((protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && from >= 0)
        nft_match_ports(r, (uint16_t)from, (uint16_t)to);
    for (uint32_t i = 0; i < 2 && protocol == IPPROTO_ICMP; i++) {
        int32_t want = i ? to : from;
        uint8_t byte = (uint8_t)want;

        if (want < 0)
            continue;
        nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, i, 1, NFT_R8);
        nft_cmp(r, NFT_R8, NFT_CMP_EQ, &byte, 1);
    }
}

static void
add_rule(struct nft_tx *tx, const char *chain, const struct priv_rule *q)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    uint32_t offset = q->egress ? NFT_DADDR : NFT_SADDR;
    char set[FW_NAME_MAX];

    assert(q->peer == PRIV_PEER_CIDR ? q->prefix <= 32 : q->group > 0);
    if (q->peer == PRIV_PEER_CIDR) {
        nft_match_cidr(r, offset, q->ip, q->prefix, false);
    } else {
        chain_name(set, "g", q->group);
        nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, 4, NFT_R0);
        nft_lookup(r, set, NFT_R0);
    }
    fw_match_service(r, q->protocol, q->from, q->to);
    if (q->egress)
        nft_verdict(r, NFT_GOTO, "inside");
    else
        nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

int
fw_group(struct vpc *v, uint32_t group, const struct priv_rule *rules, uint32_t n, struct why *why)
{
    char in[FW_NAME_MAX], out[FW_NAME_MAX];
    struct nft_tx tx;

    assert(group && n <= PRIV_RULES_MAX);
    chain_name(in, "i", group);
    chain_name(out, "e", group);
    nft_begin(&tx, FW_TABLE);
    group_exists(&tx, group);
    nft_flush_chain(&tx, in);
    nft_flush_chain(&tx, out);
    for (uint32_t i = 0; i < n; i++) {
        if (rules[i].peer == PRIV_PEER_GROUP && rules[i].group != group)
            group_exists(&tx, rules[i].group);
        add_rule(&tx, rules[i].egress ? out : in, &rules[i]);
    }
    int r = nft_commit(&tx, &v->nft);
    return r < 0 ? why_set(why, -r, "the rules of group %u could not be loaded: %s", group,
                           strerror(-r))
                 : 0;
}

/* ---- classes ---- */

static bool
class_used(const struct host *h, const struct vpc *v, uint32_t class)
{
    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (const struct machine *m = h->by_id[b]; m; m = m->next)
            for (uint32_t i = 0; i < m->n_nics; i++)
                if (machine_alive(m) && m->saved.vpc == v->saved.open.number &&
                    m->nics[i].is.class == class)
                    return true;
    return false;
}

/* Chains and elements of a class; and of the machines that were put in it before it was known. */
static void
class_add(struct nft_tx *tx, struct host *h, const struct vpc *v, const struct fw_class *c)
{
    char chain[FW_NAME_MAX], group[FW_NAME_MAX];

    assert(c->class > 0 && c->n_groups > 0);
    for (int out = 0; out < 2; out++) {
        chain_name(chain, out ? "ce" : "ci", c->class);
        nft_add_chain(tx, chain);
        nft_flush_chain(tx, chain);
        for (uint32_t i = 0; i < c->n_groups; i++) {
            group_exists(tx, c->groups[i]);
            chain_name(group, out ? "e" : "i", c->groups[i]);
            struct nftnl_rule *r = nft_rule(tx, chain);
            nft_verdict(r, NFT_JUMP, group);
            nft_rule_end(tx, r);
        }
        nft_add_element(tx, out ? "egress" : "ingress", &c->class, 4, NULL, 0, chain);
    }
    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (const struct machine *m = h->by_id[b]; m; m = m->next)
            for (uint32_t i = 0; i < m->n_nics; i++)
                if (m->filtered && m->saved.vpc == v->saved.open.number &&
                    m->nics[i].is.class == c->class)
                    memberships(tx, c, &m->nics[i].is, true);
}

static void
class_remove(struct nft_tx *tx, const struct fw_class *c)
{
    char chain[FW_NAME_MAX];

    assert(c->class > 0);
    for (int out = 0; out < 2; out++) {
        chain_name(chain, out ? "ce" : "ci", c->class);
        nft_del_element(tx, out ? "egress" : "ingress", &c->class, 4);
        nft_flush_chain(tx, chain);
        nft_del_chain(tx, chain);
    }
}

int
fw_class(struct host *h, struct vpc *v, const struct priv_class *req, struct why *why)
{
    struct fw_class c = {.class = req->class, .n_groups = req->n_groups};
    struct fw_class *known = class_find(v, req->class);
    struct nft_tx tx;

    assert(req->class > 0 && req->n_groups <= PRIV_CLASS_GROUPS_MAX);
    memcpy(c.groups, req->groups, c.n_groups * sizeof(c.groups[0]));
    if (known && memcmp(known, &c, sizeof(c)) == 0)
        return 0;
    if (known && class_used(h, v, c.class))
        return why_set(why, EBUSY, "class %u is in use with other groups", c.class);
    if (!known && c.n_groups == 0)
        return 0;
    if (!known && v->saved.n_classes >= VPC_ENTRIES_MAX)
        return why_set(why, ENOSPC, "a VPC has %d classes at most", VPC_ENTRIES_MAX);
    if (!known) {
        void *more = realloc(v->classes, (v->saved.n_classes + 1) * sizeof(c));

        if (!more)
            return why_set(why, ENOMEM, "out of memory");
        v->classes = more;
    }
    nft_begin(&tx, FW_TABLE);
    if (known)
        class_remove(&tx, known);
    if (c.n_groups)
        class_add(&tx, h, v, &c);
    int r = nft_commit(&tx, &v->nft);
    if (r < 0)
        return why_set(why, -r, "class %u could not be loaded: %s", c.class, strerror(-r));
    if (c.n_groups)
        *(known ? known : &v->classes[v->saved.n_classes++]) = c;
    else
        *known = v->classes[--v->saved.n_classes];
    assert(v->saved.n_classes <= VPC_ENTRIES_MAX);
    return vpc_save(h, v);
}

static bool
class_has(const struct fw_class *c, uint32_t group)
{
    for (uint32_t i = 0; i < c->n_groups; i++)
        if (c->groups[i] == group)
            return true;
    return false;
}

/* Classes that no machine is in go with it. */
int
fw_group_drop(struct host *h, struct vpc *v, uint32_t group, struct why *why)
{
    char name[FW_NAME_MAX];
    struct nft_tx tx;
    int r = 0;

    assert(group > 0);
    for (uint32_t i = v->saved.n_classes; r == 0 && i-- > 0;) {
        struct priv_class none = {.class = v->classes[i].class};

        if (class_has(&v->classes[i], group))
            r = fw_class(h, v, &none, why); /* the last one takes its place */
    }
    if (r < 0)
        return r;
    nft_begin(&tx, FW_TABLE);
    group_exists(&tx, group);
    chain_name(name, "i", group);
    nft_flush_chain(&tx, name); /* a group that names itself */
    nft_del_chain(&tx, name);
    chain_name(name, "e", group);
    nft_flush_chain(&tx, name);
    nft_del_chain(&tx, name);
    chain_name(name, "g", group);
    nft_del_set(&tx, name);
    r = nft_commit(&tx, &v->nft);
    return r < 0 ? why_set(why, -r, "group %u could not be removed: a rule names it", group) : 0;
}

/* ---- public addresses ---- */

int
fw_public_ip(struct vpc *v, const struct vpc_public *add, const struct vpc_public *remove,
             size_t n_remove)
{
    struct nft_tx tx;
    uint32_t out, in;

    assert(add || n_remove == 0 || remove);
    nft_begin(&tx, FW_TABLE);
    for (size_t i = 0; i < n_remove; i++) {
        out = htonl(remove[i].public_ip);
        in = htonl(remove[i].private_ip);
        nft_del_element(&tx, "public_in", &out, 4);
        nft_del_element(&tx, "public_out", &in, 4);
    }
    if (add) {
        out = htonl(add->public_ip);
        in = htonl(add->private_ip);
        nft_add_element(&tx, "public_in", &out, 4, &in, 4, NULL);
        nft_add_element(&tx, "public_out", &in, 4, &out, 4, NULL);
    }
    return nft_commit(&tx, &v->nft);
}
