/*
 * Interfaces of a machine beside the one that it was launched with, and secondary addresses of all
 * of them: while it runs, a veth is made from its VPC's namespace into its own, and taken away.
 *
 * In the guest an interface is set up as AWS's ec2-net-utils do it: its addresses, and a table of
 * its own for what leaves from them, so that a reply goes out where its question came in.  That is
 * done from outside, by netlink in the guest's namespace, because not every image has such helpers
 * and a hot-plugged interface finds no DHCP client that waits for it.
 *
 * The router's end is named by the MAC address, which nobody else has: so what is there already is
 * found again after a restart of this process, of which the machine's state only says the indexes.
 */
#include "host/sandbox/sandbox.h"

#include "base/log.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#define GUEST_TABLE(index) (10000 + (index)) /* as ec2-net-utils number them */

static void
near_name(char to[IFNAMSIZ], const uint8_t mac[6])
{
    text_set(to, IFNAMSIZ, "wn%02x%02x%02x%02x%02x", mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* ---- inside the guest ---- */

struct guest {
    const struct nic *before, *after; /* of one MAC; NULL: it was, or will be, not there */
};

/* A message each: what one of them meets must not keep the others. */
static void
say(struct nl *nl, struct nl_batch *b)
{
    int r = nl_send(nl, b);

    if (r < 0)
        log_debug("an interface of a guest: %s", strerror(-r));
}

static bool
has(const struct nic *nic, uint32_t ip)
{
    for (uint32_t i = 0; nic && i < nic->is.n_ips; i++)
        if (nic->is.ips[i] == ip)
            return true;
    return false;
}

/*
 * Secondary addresses of eth0 are alone: were one of the subnet there before the DHCP client has
 * set eth0's own, all that the guest says would come from it.
 */
static unsigned
prefix_of(const struct nic *nic, uint32_t at)
{
    assert(at < nic->is.n_ips);
    return nic->is.index == 0 && at > 0 ? 32 : nic->is.prefix;
}

static void
drop_addresses(struct nl *nl, const struct nic *before, const struct nic *after, int ifindex)
{
    for (uint32_t i = 0; i < before->is.n_ips; i++) {
        struct nl_batch b = {0};

        if (has(after, before->is.ips[i]))
            continue;
        if (before->is.index) {
            nl_del_rule(&b, GUEST_TABLE(before->is.index), before->is.ips[i], 0);
            say(nl, &b);
        }
        if (ifindex) {
            nl_del_address(&b, ifindex, before->is.ips[i], prefix_of(before, i));
            say(nl, &b);
        }
    }
}

/*
 * The own address of eth0 is its DHCP client's, or was set at the launch.  A further interface
 * comes behind it, whichever is set up first: when both are in one subnet what says nothing of its
 * source goes by eth0.
 */
static void
add_addresses(struct nl *nl, const struct nic *before, const struct nic *after, int ifindex)
{
    struct nl_batch b = {0};

    for (uint32_t i = after->is.index ? 0 : 1; i < after->is.n_ips; i++) {
        if (before && has(before, after->is.ips[i]))
            continue;
        if (!after->is.index) {
            nl_add_address(&b, ifindex, after->is.ips[i], prefix_of(after, i));
            say(nl, &b);
            continue;
        }
        nl_add_address_alone(&b, ifindex, after->is.ips[i], after->is.prefix);
        say(nl, &b);
        nl_add_rule(&b, GUEST_TABLE(after->is.index), after->is.ips[i], 0);
        say(nl, &b);
    }
    if (!after->is.index || before)
        return;
    nl_add_link_up(&b, ifindex);
    say(nl, &b);
    nl_add_route(&b, ifindex, after->is.gateway & ~(0xffffffffu >> after->is.prefix),
                 after->is.prefix, 0, GUEST_TABLE(after->is.index), false);
    say(nl, &b);
    nl_add_table_route(&b, GUEST_TABLE(after->is.index), ifindex, after->is.gateway);
    say(nl, &b);
}

static int
set_up(void *arg)
{
    const struct guest *g = arg;
    char name[IFNAMSIZ];
    struct nl nl;

    text_set(name, sizeof(name), "eth%u", (g->after ? g->after : g->before)->is.index);
    int r = nl_open(&nl, NETLINK_ROUTE);

    if (r < 0)
        return r;
    int ifindex = (int)if_nametoindex(name);

    if (g->before)
        drop_addresses(&nl, g->before, g->after, ifindex);
    if (g->after && ifindex)
        add_addresses(&nl, g->before, g->after, ifindex);
    nl_close(&nl);
    return 0;
}

/* ---- the links ---- */

static bool
same(const uint8_t a[6], const uint8_t b[6])
{
    return memcmp(a, b, 6) == 0;
}

static const struct nic *
nic_of(const struct nic *nics, uint32_t n, const uint8_t mac[6])
{
    for (uint32_t i = 0; i < n; i++)
        if (same(nics[i].is.mac, mac))
            return &nics[i];
    return NULL;
}

struct found {
    const char *name;
    uint32_t ifindex;
};

static int
look_inside(void *arg)
{
    struct found *found = arg;

    found->ifindex = if_nametoindex(found->name);
    return 0;
}

static int
make_link(struct host *h, struct vpc *v, struct nic *nic, int netns, struct why *why)
{
    static const uint8_t router_mac[6] = VPC_ROUTER_MAC;
    char name[IFNAMSIZ], inside[IFNAMSIZ];
    struct nl_batch b = {0};

    near_name(name, nic->is.mac);
    struct found found = {.name = name};
    netns_inside(h, v->netns, look_inside, &found);
    nic->ifindex = found.ifindex;
    if (nic->ifindex)
        return 0;
    nic->ifindex = v->next_ifindex++;
    text_set(inside, sizeof(inside), "eth%u", nic->is.index);
    const struct nl_end near = {
        .name = name, .ifindex = (int)nic->ifindex, .netns_fd = -1, .mac = router_mac};
    const struct nl_end far = {.name = inside, .netns_fd = netns, .mac = nic->is.mac};
    nl_add_veth(&b, &near, &far, 9001);
    int r = nl_send(&v->route, &b);
    if (r < 0)
        return why_set(why, -r, "the interface %s could not be made: %s", inside, strerror(-r));
    nl_add_proxy_at_once(&b, (int)nic->ifindex);
    nl_add_address(&b, VPC_LO, nic->is.gateway, 32);
    r = nl_send(&v->route, &b);
    return r < 0
               ? why_set(why, -r, "the interface %s could not be set up: %s", inside, strerror(-r))
               : 0;
}

/* ---- interfaces that routes may lead to ---- */

static void
via_drop(struct vpc *v, const struct nic *nic)
{
    struct nl_batch b = {0};

    if (!nic->is.open)
        return;
    nl_del_rule(&b, VIA_TABLE(nic->ifindex), 0, nic->is.ips[0]);
    say(&v->route, &b);
}

/* What fw_subnet.c has marked with the interface's address goes to it, wherever it wants to. */
static int
via_set(struct vpc *v, const struct nic *before, const struct nic *now)
{
    struct nl_batch b = {0};

    assert(!before || same(before->is.mac, now->is.mac));
    if (before && (!now->is.open || before->is.ips[0] != now->is.ips[0]))
        via_drop(v, before);
    if (!now->is.open)
        return 0;
    nl_add_table_route(&b, VIA_TABLE(now->ifindex), (int)now->ifindex, now->is.ips[0]);
    nl_add_rule(&b, VIA_TABLE(now->ifindex), 0, now->is.ips[0]);
    return nl_send(&v->route, &b);
}

void
machine_vias_drop(struct vpc *v, const struct machine *m)
{
    for (uint32_t i = 0; i < m->n_nics; i++)
        via_drop(v, &m->nics[i]);
}

/* The router's ways to the addresses of an interface, and no more to those that it has lost. */
static int
lead_to(struct vpc *v, const struct nic *before, const struct nic *after)
{
    int r = 0;

    for (uint32_t i = 0; before && i < before->is.n_ips; i++) {
        struct nl_batch b = {0};

        if (has(after, before->is.ips[i]))
            continue;
        nl_del_route(&b, (int)before->ifindex, before->is.ips[i], 32, 0);
        say(&v->route, &b);
    }
    for (uint32_t i = 0; i < after->is.n_ips && r == 0; i++) {
        struct nl_batch b = {0};

        nl_add_route(&b, (int)after->ifindex, after->is.ips[i], 32, 0, 0, false);
        nl_add_neighbour(&b, (int)after->ifindex, after->is.ips[i], after->is.mac);
        r = nl_send(&v->route, &b);
    }
    return r < 0 ? r : via_set(v, before, after);
}

/* Links that the list has no more; of an adopted machine those that are only known by index. */
static void
remove_others(struct host *h, struct machine *m, struct vpc *v, const struct nic *nics, uint32_t n,
              int netns)
{
    char name[IFNAMSIZ];
    struct nl_batch b = {0};

    for (size_t i = 0; i < ARRAY_LEN(m->saved.more_ifindexes); i++) {
        uint32_t index = m->saved.more_ifindexes[i];
        bool stays = index == 0;

        for (uint32_t j = 0; j < n && !stays; j++)
            stays = nics[j].ifindex == index;
        if (stays)
            continue;
        nl_del_link_index(&b, (int)index);
        say(&v->route, &b);
    }
    for (uint32_t i = 1; i < m->n_nics; i++) {
        struct guest guest = {.before = &m->nics[i]};

        if (nic_of(nics, n, m->nics[i].is.mac))
            continue;
        near_name(name, m->nics[i].is.mac);
        via_drop(v, &m->nics[i]);
        nl_del_link(&b, name);
        say(&v->route, &b);
        netns_inside(h, netns, set_up, &guest);
    }
}

/* ---- the order of things ---- */

static int
check(const struct machine *m, const struct nic *nics, struct why *why)
{
    const struct priv_nic *first = &nics[0].is;

    if (first->ips[0] != m->saved.private_ip || !same(first->mac, m->saved.mac) ||
        first->subnet != m->saved.subnet)
        return why_set(why, EINVAL, "the first interface of %s is another", m->saved.id);
    return 0;
}

/* All that there shall be is made and found; nothing is given up yet. */
static int
make_all(struct host *h, struct machine *m, struct vpc *v, struct nic *nics, uint32_t n, int netns,
         struct why *why)
{
    int r = 0;

    nics[0].ifindex = m->saved.ifindex;
    for (uint32_t i = 1; i < n && r == 0; i++)
        r = make_link(h, v, &nics[i], netns, why);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        r = lead_to(v, nic_of(m->nics, m->n_nics, nics[i].is.mac), &nics[i]);
        if (r < 0)
            why_set(why, -r, "nothing leads to interface %u of %s: %s", i, m->saved.id,
                    strerror(-r));
    }
    return r;
}

static int
replace(struct host *h, struct machine *m, struct nic *nics, uint32_t n, int netns, struct why *why)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);

    assert(v && n > 0);
    int r = make_all(h, m, v, nics, n, netns, why);
    if (r < 0)
        return r;
    r = m->filtered ? fw_nics(v, m, m->nics, m->n_nics, nics, n) : 0;
    if (r < 0)
        return why_set(why, -r, "the security groups of %s could not be changed", m->saved.id);
    remove_others(h, m, v, nics, n, netns);
    for (uint32_t i = 0; i < n; i++) {
        struct guest guest = {.before = nic_of(m->nics, m->n_nics, nics[i].is.mac),
                              .after = &nics[i]};

        netns_inside(h, netns, set_up, &guest);
    }
    free(m->nics);
    m->nics = nics;
    m->n_nics = n;
    m->saved.class = nics[0].is.class;
    memset(m->saved.more_ifindexes, 0, sizeof(m->saved.more_ifindexes));
    for (uint32_t i = 1; i < n; i++)
        m->saved.more_ifindexes[i - 1] = nics[i].ifindex;
    return machine_save(h, m);
}

/* Whether all is so already: a daemon that comes back tells of every machine. */
static bool
settled(const struct machine *m, const struct nic *now, uint32_t n)
{
    uint32_t links = 0;

    for (size_t i = 0; i < ARRAY_LEN(m->saved.more_ifindexes); i++)
        links += m->saved.more_ifindexes[i] != 0;
    if (m->n_nics != n || links != n - 1)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct priv_nic *a = &m->nics[i].is, *b = &now[i].is;

        if (a->index != b->index || a->class != b->class || a->subnet != b->subnet ||
            a->cluster != b->cluster || a->open != b->open || a->n_ips != b->n_ips ||
            !same(a->mac, b->mac) || memcmp(a->ips, b->ips, sizeof(a->ips)) != 0)
            return false;
    }
    return true;
}

int
machine_nics(struct host *h, struct machine *m, const struct priv_nics *q,
             const struct priv_nic *nics, struct why *why)
{
    char path[32];
    struct nic *now = calloc(q->n, sizeof(*now));

    if (!now)
        return why_set(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < q->n; i++)
        memcpy(&now[i].is, &nics[i], sizeof(now[i].is));
    if (settled(m, now, q->n)) {
        free(now);
        return 0;
    }
    text_set(path, sizeof(path), "/proc/%u/ns/net", m->saved.pid);
    FD_CLEANUP int netns = open(path, O_RDONLY | O_CLOEXEC);
    int r = check(m, now, why);

    if (r == 0 && netns < 0)
        r = why_set(why, ESRCH, "machine %s has ended", m->saved.id);
    if (r == 0)
        r = replace(h, m, now, q->n, netns, why);
    if (m->nics != now)
        free(now);
    return r;
}
