/*
 * How fast a machine may be in all, by its type, and how fast one flow: 5 Gbit/s, and 10 between
 * two members of one cluster placement group.
 *
 *   forward ──▶ flows: short packets pass
 *                      interface in ─@speed_out─▶ limit of its machine: what is more is dropped
 *                      interface out ─@speed_in─▶ likewise
 *                      interface in ─@cluster_of─▶ cluster; (cluster, interface out) @cluster_has
 *                          ──▶ flows_near: more than 10 Gbit/s of its flow: dropped
 *                      more than 5 Gbit/s of its flow: dropped
 *
 * All interfaces of a machine have one limit: a second one makes it no faster.
 *
 * It is a limit and not a queue: a queue that paces would have to be made for each interface, so
 * for each launch, and not every kernel has one that knows flows (sch_fq).  This stands in the
 * VPC's table once, and costs a launch outside of clusters nothing.  TCP settles at the limit.  A
 * flow that was quiet may send a second's worth at once: the kernel's limits are so by the second.
 *
 * Only packets of 1024 bytes and more count, those of whoever sends in bulk: with smaller ones
 * nobody gets near a limit, and questions and answers need not be looked up.
 */
#include "host/sandbox/sandbox.h"

#include <arpa/inet.h>

enum {
    SHORT = 1024,      /* bytes; what is shorter is not counted */
    FLOWS_MAX = 65536, /* of a VPC that are counted at a time, of each limit */
    QUIET_MS = 10000,
    FLOW_KEY = 20, /* source, destination, protocol, ports; and where to: it may pass twice */
};
#define GBIT 125000000ull

/* More than the limit is dropped.  Of ICMP no packet is like another where ports would be. */
static void
add_limit(struct nft_tx *tx, const char *chain, const char *meter, uint64_t bytes_per_s)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    const uint8_t icmp = IPPROTO_ICMP;

    nft_add_meter(tx, meter, FLOW_KEY, FLOWS_MAX, QUIET_MS);
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, NFT_SADDR, 8, NFT_R0);
    nft_meta(r, NFT_META_L4PROTO, NFT_R2);
    nft_cmp(r, NFT_R2, NFT_CMP_NEQ, &icmp, sizeof(icmp));
    nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4, NFT_R3);
    nft_meta(r, NFT_META_OIF, NFT_R4);
    nft_over(r, meter, NFT_R0, QUIET_MS, bytes_per_s);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
}

static void
add_speed(struct nft_tx *tx, uint32_t meta_key, const char *set)
{
    nft_add_limit_set(tx, set, 4);
    struct nftnl_rule *r = nft_rule(tx, "flows");

    nft_meta(r, meta_key, NFT_R0);
    nft_over_limit_of(r, set, NFT_R0);
    nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
}

void
fw_flows_open(struct nft_tx *tx, bool limits)
{
    const uint16_t less = htons(SHORT);
    struct nftnl_rule *r;

    nft_add_set(tx, "cluster_of", 4, 4);
    nft_add_set(tx, "cluster_has", 8, 0);
    if (!limits)
        return;
    nft_add_base_chain(tx, "flows", "filter", NF_INET_FORWARD, 10, false);
    nft_add_chain(tx, "flows_near");
    r = nft_rule(tx, "flows");
    nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 2, sizeof(less), NFT_R8);
    nft_cmp(r, NFT_R8, NFT_CMP_LT, &less, sizeof(less));
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    add_speed(tx, NFT_META_IIF, "speed_out");
    add_speed(tx, NFT_META_OIF, "speed_in");
    r = nft_rule(tx, "flows");
    nft_meta(r, NFT_META_IIF, NFT_R0);
    nft_map(r, "cluster_of", NFT_R0, NFT_R0);
    nft_meta(r, NFT_META_OIF, NFT_R1);
    nft_lookup(r, "cluster_has", NFT_R0);
    nft_verdict(r, NFT_GOTO, "flows_near");
    nft_rule_end(tx, r);
    add_limit(tx, "flows", "flows_5", 5 * GBIT);
    add_limit(tx, "flows_near", "flows_10", 10 * GBIT);
}

/* ---- machines ---- */

enum { SPEED_OUT, SPEED_IN };
static const char *const speeds[] = {[SPEED_OUT] = "speed_out", [SPEED_IN] = "speed_in"};

static void
limit_name(char to[FW_NAME_MAX], size_t way, const struct machine *m)
{
    assert(way < ARRAY_LEN(speeds) && m->saved.ifindex > 0);
    text_set(to, FW_NAME_MAX, "%s_%u", speeds[way], m->saved.ifindex);
}

void
fw_flows_machine(struct nft_tx *tx, const struct vpc *v, const struct machine *m, bool add)
{
    char name[FW_NAME_MAX];

    assert(m->saved.mbit <= PRIV_MBIT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(speeds) && m->saved.mbit && v->saved.limits; i++) {
        limit_name(name, i, m);
        if (add)
            nft_add_limit(tx, name, m->saved.mbit * (GBIT / 1000));
        else
            nft_del_limit(tx, name);
    }
}

void
fw_flows_nic(struct nft_tx *tx, const struct vpc *v, const struct machine *m, const struct nic *nic,
             bool add)
{
    const uint32_t member[2] = {nic->is.cluster, nic->ifindex};
    char name[FW_NAME_MAX];

    assert(nic->ifindex > 0);
    for (size_t i = 0; i < ARRAY_LEN(speeds) && m->saved.mbit && v->saved.limits; i++) {
        limit_name(name, i, m);
        if (add)
            nft_add_limit_element(tx, speeds[i], &nic->ifindex, 4, name);
        else
            nft_del_element(tx, speeds[i], &nic->ifindex, 4);
    }
    if (!nic->is.cluster)
        return;
    if (add) {
        nft_add_element(tx, "cluster_of", &nic->ifindex, 4, &nic->is.cluster, 4, NULL);
        nft_add_element(tx, "cluster_has", member, sizeof(member), NULL, 0, NULL);
    } else {
        nft_del_element(tx, "cluster_of", &nic->ifindex, 4);
        nft_del_element(tx, "cluster_has", member, sizeof(member));
    }
}

void
fw_flows_reset(struct nft_tx *tx, const struct vpc *v)
{
    nft_flush_set(tx, "cluster_of");
    nft_flush_set(tx, "cluster_has");
    for (size_t i = 0; i < ARRAY_LEN(speeds) && v->saved.limits; i++)
        nft_flush_set(tx, speeds[i]);
}
