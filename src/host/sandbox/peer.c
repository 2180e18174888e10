/*
 * Links between VPCs: a veth from one VPC's namespace to the other's.
 *
 * What goes by a link is the subnets' affair (fw_subnet.c): their routes mark packets with the
 * link's number, and a rule sends what bears the mark to a table whose only route is the link.  So
 * two subnets of a VPC may have different ways to one address.  What comes by a link is from
 * outside, as what comes from the host is: ACLs and security groups of where it goes are asked.
 *
 * Neither end has an address: each knows the other by a neighbour that is always there.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>

#define FAR 0xa9fe0001u /* 169.254.0.1: whoever is at the other end */
static const uint8_t end_mac[2][6] = {{0x0a, 0xff, 0xff, 0x00, 0x01, 0x00},
                                      {0x0a, 0xff, 0xff, 0x00, 0x01, 0x01}};

static struct vpc_peer *
peer_of(const struct vpc *v, uint32_t number)
{
    for (uint32_t i = 0; i < v->n_peers; i++)
        if (v->peers[i].number == number)
            return &v->peers[i];
    return NULL;
}

struct find {
    const char *name;
    uint32_t ifindex;
};

static int
find_inside(void *arg)
{
    struct find *find = arg;

    find->ifindex = if_nametoindex(find->name);
    return 0;
}

/* The link's end in the namespace of a VPC, 0: none. */
static uint32_t
end_of(struct host *h, const struct vpc *v, const char *name)
{
    struct find find = {.name = name};

    netns_inside(h, v->netns, find_inside, &find);
    return find.ifindex;
}

static int
peer_note(struct vpc *v, const struct vpc_peer *peer)
{
    void *more = realloc(v->peers, (v->n_peers + 1) * sizeof(*peer));

    if (!more)
        return -ENOMEM;
    v->peers = more;
    v->peers[v->n_peers++] = *peer;
    return 0;
}

/* Forgets one end, so that its interface's number means nothing to the firewall any more. */
static void
peer_drop(struct vpc *v, struct vpc_peer *peer)
{
    struct nl_batch b = {0};

    assert(peer >= v->peers && peer < v->peers + v->n_peers);
    if (fw_peer(v, peer->ifindex, false) < 0)
        log_warn("the link %u of VPC %s stays in its firewall", peer->number, v->saved.open.id);
    nl_del_rule(&b, PEER_TABLE(peer->number), 0, peer->number);
    if (nl_send(&v->route, &b) < 0)
        log_warn("the rule of link %u stays in VPC %s", peer->number, v->saved.open.id);
    *peer = v->peers[--v->n_peers];
}

static int
make_link(struct host *h, struct vpc *ends[2], const char *name, uint32_t mtu, uint32_t ret[2])
{
    struct nl_batch b = {0};
    int r = 0;

    for (int i = 0; i < 2; i++)
        ret[i] = end_of(h, ends[i], name);
    if (ret[0] && ret[1])
        return 0;
    /* One end alone: its other VPC was closed, and the kernel has not cleaned up yet. */
    for (int i = 0; i < 2; i++) {
        nl_del_link(&b, name);
        nl_send(&ends[i]->route, &b);
        ret[i] = ends[i]->next_ifindex++;
    }
    const struct nl_end near = {
        .name = name, .ifindex = (int)ret[0], .netns_fd = -1, .mac = end_mac[0]};
    const struct nl_end far = {
        .name = name, .ifindex = (int)ret[1], .netns_fd = ends[1]->netns, .mac = end_mac[1]};
    nl_add_veth(&b, &near, &far, mtu ? mtu : 9001);
    r = nl_send(&ends[0]->route, &b);
    if (r < 0)
        return r;
    nl_add_link_up(&b, (int)ret[1]);
    return nl_send(&ends[1]->route, &b);
}

/* What leads to one end: neighbour, table, rule. */
static int
lead_to(struct vpc *v, uint32_t number, uint32_t ifindex, const uint8_t mac[6])
{
    struct nl_batch b = {0};

    nl_add_neighbour(&b, (int)ifindex, FAR, mac);
    nl_add_table_route(&b, PEER_TABLE(number), (int)ifindex, FAR);
    nl_add_rule(&b, PEER_TABLE(number), 0, number);
    return nl_send(&v->route, &b);
}

static int
peer_make(struct host *h, struct vpc *ends[2], uint32_t number, uint32_t mtu)
{
    uint32_t index[2];
    char name[IFNAMSIZ];

    text_set(name, sizeof(name), "px%u", number);
    int r = make_link(h, ends, name, mtu, index);

    for (int i = 0; i < 2 && r == 0; i++) {
        const struct vpc_peer peer = {number, ends[!i]->saved.open.number, index[i]};

        r = lead_to(ends[i], number, index[i], end_mac[!i]);
        if (r == 0)
            r = fw_peer(ends[i], index[i], true);
        if (r == 0 && !peer_of(ends[i], number))
            r = peer_note(ends[i], &peer);
    }
    return r;
}

int
peer_set(struct host *h, const struct priv_link *q, struct why *why)
{
    struct vpc *ends[2] = {vpc_get(h, q->vpcs[0]), vpc_get(h, q->vpcs[1])};
    struct vpc_peer *known[2] = {NULL, NULL};
    struct nl_batch b = {0};
    char name[IFNAMSIZ];

    for (int i = 0; i < 2; i++)
        known[i] = ends[i] ? peer_of(ends[i], q->number) : NULL;
    text_set(name, sizeof(name), "px%u", q->number);
    if (q->remove) {
        for (int i = 0; i < 2; i++)
            if (known[i])
                peer_drop(ends[i], known[i]);
        nl_del_link(&b, name);
        int r = ends[0] ? nl_send(&ends[0]->route, &b) : 0;
        return r < 0 ? why_set(why, -r, "link %u could not be removed: %s", q->number, strerror(-r))
                     : 0;
    }
    if (!ends[0] || !ends[1])
        return why_set(why, ENOENT, "VPC %u is not open", q->vpcs[ends[0] ? 1 : 0]);
    if (known[0] && known[1])
        return 0;
    int r = peer_make(h, ends, q->number, q->mtu);
    if (r < 0)
        return why_set(why, -r, "VPCs %u and %u could not be connected: %s", q->vpcs[0], q->vpcs[1],
                       strerror(-r));
    log_info("VPCs %u and %u are connected by link %u", q->vpcs[0], q->vpcs[1], q->number);
    return 0;
}

void
peers_forget(struct host *h, struct vpc *v)
{
    while (v->n_peers) {
        struct vpc_peer peer = v->peers[v->n_peers - 1];
        struct vpc *other = vpc_get(h, peer.other);
        struct vpc_peer *there = other ? peer_of(other, peer.number) : NULL;

        if (there)
            peer_drop(other, there);
        v->n_peers--;
    }
}
