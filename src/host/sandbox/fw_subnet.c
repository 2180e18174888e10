/*
 * The edge of a subnet: its network ACL, which knows nothing of connections, and its route table.
 * It stands in front of the security groups (fw.c) and is asked for each packet, replies too.
 *
 *   from a guest ──▶ edge: same subnet ──────────────────────────────────────────▶ passes
 *                          interface ─@subnet_of─▶ subnet ─@subnet_out─▶ so<subnet>
 *                          so: entries of the ACL, egress, by number; else dropped
 *                          sr: to another guest of the VPC ──▶ to_subnet
 *                              else the routes, the most specific first; else dropped
 *                          gateway: passes when the guest has a public address
 *                          NAT gateway: passes, with a mark that says which address it gets
 *                          other VPC: passes when `steer` has led it there
 *                          interface: likewise, and on to its subnet
 *   from outside ──▶ edge: to_subnet: interface ─@subnet_of─▶ subnet ─@subnet_in─▶ si<subnet>
 *                          si: entries of the ACL, ingress; else dropped
 *
 *   before that ───▶ steer: interface ─@subnet_of─▶ subnet ─@subnet_steer─▶ sm<subnet>:
 *                          what a route leads to another VPC or to an interface gets a mark, by
 *                          which the kernel routes it
 *
 * A packet to one of the VPC's extra listeners, which stand for services out on the Internet, is
 * asked for likewise on its way in and back.  Metadata, names and DHCP belong to the network
 * itself: neither routes nor ACLs are asked about them, as on AWS.
 *
 * The chains of a subnet are replaced as a whole in one transaction, and a machine is one element.
 */
#include "host/sandbox/sandbox.h"

#include <arpa/inet.h>

enum { OUT, ROUTES, IN, STEER };
static const char *const kinds[] = {[OUT] = "so", [ROUTES] = "sr", [IN] = "si", [STEER] = "sm"};

/* ---- the table's own part ---- */

/* Where the packet goes to (meta key) has a subnet: on to that subnet's chain in the map. */
static void
to_chain(struct nft_tx *tx, const char *chain, uint32_t meta_key, const char *vmap)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_meta(r, meta_key, NFT_R0);
    nft_map(r, "subnet_of", NFT_R0, NFT_R1);
    nft_vmap(r, vmap, NFT_R1);
    nft_rule_end(tx, r);
}

static void
verdict(struct nft_tx *tx, const char *chain, int verdict, const char *to)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_verdict(r, verdict, to);
    nft_rule_end(tx, r);
}

static void
add_to_subnet(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_chain(tx, "to_guest");
    nft_add_chain(tx, "to_subnet");
    r = nft_rule(tx, "to_subnet");
    nft_match_oif(r, VPC_UP); /* what the router itself sends back where it came from */
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    verdict(tx, "to_subnet", NFT_GOTO, "to_guest");
    to_chain(tx, "to_guest", NFT_META_OIF, "subnet_in");
    verdict(tx, "to_guest", NF_DROP, NULL);

    nft_add_chain(tx, "gateway");
    r = nft_rule(tx, "gateway");
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_SADDR, 4, NFT_R0);
    nft_map(r, "public_out", NFT_R0, NFT_R1);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    verdict(tx, "gateway", NF_DROP, NULL);
}

static void
add_edge(struct nft_tx *tx)
{
    struct nftnl_rule *r;

    nft_add_base_chain(tx, "edge", "filter", NF_INET_FORWARD, -10, true);
    r = nft_rule(tx, "edge");
    nft_match_iif(r, VPC_UP);
    nft_verdict(r, NFT_GOTO, "to_subnet");
    nft_rule_end(tx, r);
    r = nft_rule(tx, "edge");
    nft_meta(r, NFT_META_IIF, NFT_R0);
    nft_lookup(r, "peers", NFT_R0);
    nft_verdict(r, NFT_GOTO, "to_guest"); /* and not on to elsewhere: peering is not transitive */
    nft_rule_end(tx, r);
    r = nft_rule(tx, "edge");
    nft_meta(r, NFT_META_IIF, NFT_R0);
    nft_map(r, "subnet_of", NFT_R0, NFT_R1);
    nft_meta(r, NFT_META_OIF, NFT_R0);
    nft_map(r, "subnet_of", NFT_R0, NFT_R2);
    nft_lookup(r, "same_subnet", NFT_R1);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    to_chain(tx, "edge", NFT_META_IIF, "subnet_out");
}

static void
add_services(struct nft_tx *tx)
{
    for (int out = 0; out < 2; out++) {
        const char *chain = out ? "service_out" : "service_in";

        nft_add_base_chain(tx, chain, "filter", out ? NF_INET_LOCAL_OUT : NF_INET_LOCAL_IN, -10,
                           false);
        struct nftnl_rule *r = nft_rule(tx, chain);
        nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, out ? NFT_SADDR : NFT_DADDR, 4, NFT_R0);
        nft_lookup(r, "services", NFT_R0);
        nft_meta(r, out ? NFT_META_OIF : NFT_META_IIF, NFT_R0);
        nft_map(r, "subnet_of", NFT_R0, NFT_R1);
        nft_vmap(r, out ? "subnet_in" : "subnet_out", NFT_R1);
        nft_rule_end(tx, r);
    }
}

static void
service_elements(struct nft_tx *tx, const struct priv_vpc_open *o, uint32_t first)
{
    assert(first <= o->n_extra);
    for (uint32_t i = first; i < o->n_extra; i++) {
        uint32_t ip = htonl(o->extra[i].ip);

        nft_add_element(tx, "services", &ip, sizeof(ip), NULL, 0, NULL);
    }
}

void
fw_subnets_open(struct nft_tx *tx, const struct vpc *v)
{
    nft_add_set(tx, "subnet_of", 4, 4);
    nft_add_set(tx, "same_subnet", 8, 0);
    nft_add_set(tx, "subnet_out", 4, NFT_TO_CHAIN);
    nft_add_set(tx, "subnet_in", 4, NFT_TO_CHAIN);
    nft_add_set(tx, "subnet_steer", 4, NFT_TO_CHAIN);
    nft_add_set(tx, "services", 4, 0);
    nft_add_set(tx, "vias", 8, 0);
    add_to_subnet(tx);
    add_edge(tx);
    nft_add_base_chain(tx, "steer", "filter", NF_INET_PRE_ROUTING, -150, false);
    to_chain(tx, "steer", NFT_META_IIF, "subnet_steer");
    add_services(tx);
    service_elements(tx, &v->saved.open, 0);
}

int
fw_services(struct vpc *v, uint32_t first)
{
    struct nft_tx tx;

    nft_begin(&tx, FW_TABLE);
    service_elements(&tx, &v->saved.open, first);
    return nft_commit(&tx, &v->nft);
}

/* ---- a subnet ---- */

static void
chain_of(char to[FW_NAME_MAX], size_t kind, uint32_t subnet)
{
    assert(kind < ARRAY_LEN(kinds) && subnet > 0);
    text_set(to, FW_NAME_MAX, "%s%u", kinds[kind], subnet);
}

/* Its chains and elements, whether or not they are there. */
static void
subnet_exists(struct nft_tx *tx, uint32_t subnet)
{
    const uint32_t same[2] = {subnet, subnet};
    char chain[FW_NAME_MAX];

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        chain_of(chain, i, subnet);
        nft_add_chain(tx, chain);
        nft_flush_chain(tx, chain);
    }
    nft_add_element(tx, "same_subnet", same, sizeof(same), NULL, 0, NULL);
    chain_of(chain, OUT, subnet);
    nft_add_element(tx, "subnet_out", &subnet, sizeof(subnet), NULL, 0, chain);
    chain_of(chain, IN, subnet);
    nft_add_element(tx, "subnet_in", &subnet, sizeof(subnet), NULL, 0, chain);
    chain_of(chain, STEER, subnet);
    nft_add_element(tx, "subnet_steer", &subnet, sizeof(subnet), NULL, 0, chain);
}

static void
add_entry(struct nft_tx *tx, uint32_t subnet, const struct priv_acl_entry *e)
{
    char chain[FW_NAME_MAX], routes[FW_NAME_MAX];

    assert(e->prefix <= 32 && e->allow <= 1 && e->egress <= 1);
    chain_of(chain, e->egress ? OUT : IN, subnet);
    chain_of(routes, ROUTES, subnet);
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_match_cidr(r, e->egress ? NFT_DADDR : NFT_SADDR, e->ip, e->prefix, false);
    fw_match_service(r, e->protocol, e->from, e->to);
    if (!e->allow)
        nft_verdict(r, NF_DROP, NULL);
    else if (e->egress)
        nft_verdict(r, NFT_GOTO, routes);
    else
        nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* Whether the interface is there that the packet was led to: (its address, its index) in @vias. */
static void
add_via(struct nft_tx *tx, const char *chain, const struct priv_route *route)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_match_cidr(r, NFT_DADDR, route->ip, route->prefix, false);
    nft_meta(r, NFT_META_MARK, NFT_R0);
    nft_cmp(r, NFT_R0, NFT_CMP_EQ, &route->via, sizeof(route->via));
    nft_meta(r, NFT_META_OIF, NFT_R1);
    nft_lookup(r, "vias", NFT_R0);
    nft_verdict(r, NFT_GOTO, "to_subnet");
    nft_rule_end(tx, r);
}

static void
add_route(struct nft_tx *tx, const char *chain, const struct priv_route *route)
{
    struct nftnl_rule *r;
    uint32_t nat = htonl(route->via);

    if (route->to == PRIV_ROUTE_VIA)
        add_via(tx, chain, route);
    r = nft_rule(tx, chain);
    nft_match_cidr(r, NFT_DADDR, route->ip, route->prefix, false);
    switch ((enum priv_route_to)route->to) {
    case PRIV_ROUTE_GATEWAY:
        nft_verdict(r, NFT_GOTO, "gateway");
        break;
    case PRIV_ROUTE_NAT:
        nft_set_mark(r, &nat);
        nft_verdict(r, NF_ACCEPT, NULL);
        break;
    case PRIV_ROUTE_PEER: /* while the other VPC is not open it would go where all else goes */
        nft_meta(r, NFT_META_OIF, NFT_R0);
        nft_lookup(r, "peers", NFT_R0);
        nft_verdict(r, NF_ACCEPT, NULL);
        nft_rule_end(tx, r);
        r = nft_rule(tx, chain);
        nft_match_cidr(r, NFT_DADDR, route->ip, route->prefix, false);
        nft_verdict(r, NF_DROP, NULL);
        break;
    case PRIV_ROUTE_VIA: /* the interface is not there, or takes only what is for it */
    case PRIV_ROUTE_NOWHERE:
        nft_verdict(r, NF_DROP, NULL);
        break;
    }
    nft_rule_end(tx, r);
}

/* Whether all that a route has is the VPC's own. */
static bool
route_inside(const struct priv_vpc_open *o, const struct priv_route *route)
{
    for (uint32_t i = 0; i < o->n_cidrs; i++)
        if (route->prefix >= o->cidrs[i].prefix &&
            !((uint64_t)(route->ip ^ o->cidrs[i].ip) >> (32 - o->cidrs[i].prefix)))
            return route->to == PRIV_ROUTE_VIA;
    return false;
}

static void
add_routes(struct nft_tx *tx, const struct vpc *v, uint32_t subnet, const struct priv_route *routes,
           uint32_t n)
{
    const struct priv_vpc_open *o = &v->saved.open;
    char chain[FW_NAME_MAX];
    struct nftnl_rule *r;

    assert(n <= PRIV_ROUTES_MAX);
    chain_of(chain, ROUTES, subnet);
    for (uint32_t i = 0; i < n; i++)
        if (route_inside(o, &routes[i]))
            add_route(tx, chain, &routes[i]);
    r = nft_rule(tx, chain);
    nft_meta(r, NFT_META_OIF, NFT_R0);
    nft_map(r, "subnet_of", NFT_R0, NFT_R1);
    nft_verdict(r, NFT_GOTO, "to_subnet");
    nft_rule_end(tx, r);
    for (uint32_t i = 0; i < o->n_cidrs; i++) { /* the local route, to an address of nobody */
        r = nft_rule(tx, chain);
        nft_match_cidr(r, NFT_DADDR, o->cidrs[i].ip, o->cidrs[i].prefix, false);
        nft_verdict(r, NF_DROP, NULL);
        nft_rule_end(tx, r);
    }
    for (uint32_t i = 0; i < n; i++)
        if (!route_inside(o, &routes[i]))
            add_route(tx, chain, &routes[i]);
}

static void
steer(struct nft_tx *tx, const char *chain, const struct priv_route *route)
{
    struct nftnl_rule *r = nft_rule(tx, chain);

    nft_match_cidr(r, NFT_DADDR, route->ip, route->prefix, false);
    if (route->to == PRIV_ROUTE_PEER || route->to == PRIV_ROUTE_VIA)
        nft_set_mark(r, &route->via);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* In the order of the routes, so that the first that has the address decides. */
static void
add_steering(struct nft_tx *tx, const struct vpc *v, uint32_t subnet,
             const struct priv_route *routes, uint32_t n)
{
    const struct priv_vpc_open *o = &v->saved.open;
    char chain[FW_NAME_MAX];
    struct nftnl_rule *r;

    chain_of(chain, STEER, subnet);
    for (uint32_t i = 0; i < n; i++)
        if (route_inside(o, &routes[i]))
            steer(tx, chain, &routes[i]);
    for (uint32_t i = 0; i < o->n_cidrs; i++) {
        r = nft_rule(tx, chain);
        nft_match_cidr(r, NFT_DADDR, o->cidrs[i].ip, o->cidrs[i].prefix, false);
        nft_verdict(r, NF_ACCEPT, NULL);
        nft_rule_end(tx, r);
    }
    for (uint32_t i = 0; i < n; i++)
        if (!route_inside(o, &routes[i]))
            steer(tx, chain, &routes[i]);
    verdict(tx, chain, NF_ACCEPT, NULL);
}

int
fw_subnet(struct vpc *v, const struct priv_subnet *q, const void *tail, struct why *why)
{
    const struct priv_route *routes = tail;
    const struct priv_acl_entry *entries = (const void *)(routes + q->n_routes);
    char chain[FW_NAME_MAX];
    struct nft_tx tx;

    assert(q->subnet && q->n_routes <= PRIV_ROUTES_MAX && q->n_entries <= PRIV_ENTRIES_MAX);
    nft_begin(&tx, FW_TABLE);
    subnet_exists(&tx, q->subnet);
    for (uint32_t i = 0; i < q->n_entries; i++)
        add_entry(&tx, q->subnet, &entries[i]);
    add_routes(&tx, v, q->subnet, routes, q->n_routes);
    add_steering(&tx, v, q->subnet, routes, q->n_routes);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        chain_of(chain, i, q->subnet);
        verdict(&tx, chain, NF_DROP, NULL);
    }
    int r = nft_commit(&tx, &v->nft);
    return r < 0 ? why_set(why, -r, "the rules of subnet %u could not be loaded: %s", q->subnet,
                           strerror(-r))
                 : 0;
}

static bool
subnet_used(const struct host *h, const struct vpc *v, uint32_t subnet)
{
    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (const struct machine *m = h->by_id[b]; m; m = m->next)
            for (uint32_t i = 0; i < m->n_nics; i++)
                if (machine_alive(m) && m->saved.vpc == v->saved.open.number &&
                    m->nics[i].is.subnet == subnet)
                    return true;
    return false;
}

int
fw_subnet_drop(struct host *h, struct vpc *v, uint32_t subnet, struct why *why)
{
    const uint32_t same[2] = {subnet, subnet};
    char chain[FW_NAME_MAX];
    struct nft_tx tx;

    assert(subnet > 0);
    if (subnet_used(h, v, subnet))
        return why_set(why, EBUSY, "machines run in subnet %u", subnet);
    nft_begin(&tx, FW_TABLE);
    subnet_exists(&tx, subnet);
    nft_del_element(&tx, "same_subnet", same, sizeof(same));
    nft_del_element(&tx, "subnet_out", &subnet, sizeof(subnet));
    nft_del_element(&tx, "subnet_in", &subnet, sizeof(subnet));
    nft_del_element(&tx, "subnet_steer", &subnet, sizeof(subnet));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        chain_of(chain, i, subnet);
        nft_del_chain(&tx, chain);
    }
    int r = nft_commit(&tx, &v->nft);
    return r < 0 ? why_set(why, -r, "subnet %u could not be removed: %s", subnet, strerror(-r)) : 0;
}
