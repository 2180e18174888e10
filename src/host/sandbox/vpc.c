/*
 * A VPC is a network namespace that is a router: a leg to the host, a veth to each machine with a
 * /32 route, no bridge.  Ranges of different VPCs may overlap: the host knows only the links.
 *
 *   machine eth0 ── wk1000 ┐
 *   machine eth0 ── wk1001 ┼ VPC namespace ── up0 ════ wk<tag>v<number> ── host ── world
 *                          └ lo: 169.254.169.254, .253, base+2, gateways
 *
 * proxy_arp makes the router answer for every address of a subnet, so that machines of one
 * subnet reach each other through it, and through the firewall.
 *
 * The namespace is bound to DATA/run/netns/NUMBER and outlives this process, as do the listening
 * sockets in the keeper: a client that connects while no daemon runs waits in the backlog.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define IMDS 0xa9fea9feu /* 169.254.169.254 */
#define DNS 0xa9fea9fdu  /* 169.254.169.253 */
#define UPLINK_MTU 1500  /* what leaves a VPC is no larger; inside of it, 9001 */
#define METRIC 4096      /* of the host's routes into VPCs: any other route of that prefix wins */

struct vpc *
vpc_get(struct host *h, uint32_t number)
{
    return number < PRIV_VPCS ? h->vpcs[number] : NULL;
}

bool
vpc_ok(const struct host *h, const struct vpc *v)
{
    const struct priv_vpc_open *o = &v->saved.open;

    assert(v->saved.magic == VPC_MAGIC && o->number < PRIV_VPCS && h->vpcs[o->number] == v);
    assert(o->n_cidrs >= 1 && o->n_cidrs <= PRIV_CIDRS_MAX && o->n_extra <= ARRAY_LEN(o->extra));
    assert(v->netns >= 0 && v->route.fd >= 0 && v->nft.fd >= 0);
    assert(v->n_listeners == PRIV_LISTEN_EXTRA + o->n_extra);
    assert(v->saved.n_classes <= VPC_ENTRIES_MAX && v->saved.n_publics <= VPC_ENTRIES_MAX);
    assert(v->next_ifindex >= VPC_FIRST_IF && !(v->saved.host_routed >> o->n_cidrs));
    return true;
}

uint32_t
vpc_host_ip(const struct host *h, uint32_t number)
{
    assert(number < PRIV_VPCS);
    return h->links.ip + 2 * number;
}

uint32_t
vpc_router_ip(const struct host *h, uint32_t number)
{
    return h->links.ip + 2 * number + 1;
}

static void
link_name(const struct host *h, uint32_t number, char to[IFNAMSIZ])
{
    assert(number < PRIV_VPCS);
    text_set(to, IFNAMSIZ, "wk%sv%u", h->tag, number);
}

int
netns_inside(struct host *h, int netns, int (*fn)(void *arg), void *arg)
{
    assert(netns >= 0 && h->netns >= 0);
    if (setns(netns, CLONE_NEWNET) < 0)
        return error_origin(errno, "setns");
    int r = fn(arg);
    /* In the wrong namespace everything after this would do harm. */
    if (setns(h->netns, CLONE_NEWNET) < 0)
        abort();
    return r;
}

/* ---- state ---- */

int
vpc_save(struct host *h, const struct vpc *v)
{
    char name[32], next[40];
    size_t classes = v->saved.n_classes * sizeof(*v->classes);
    size_t publics = v->saved.n_publics * sizeof(*v->publics);

    text_set(name, sizeof(name), "vpc-%u", v->saved.open.number);
    text_set(next, sizeof(next), "%s.new", name);
    FD_CLEANUP int fd = openat(h->run, next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, &v->saved, sizeof(v->saved)) != sizeof(v->saved) ||
        (classes && write(fd, v->classes, classes) != (ssize_t)classes) ||
        (publics && write(fd, v->publics, publics) != (ssize_t)publics) ||
        renameat(h->run, next, h->run, name) < 0)
        return error_origin(errno, "state file of VPC %u", v->saved.open.number);
    return 0;
}

static struct vpc *
vpc_new(uint32_t number)
{
    struct vpc *v = calloc(1, sizeof(*v));

    assert(number < PRIV_VPCS);
    if (!v)
        return NULL;
    v->saved.magic = VPC_MAGIC;
    v->saved.open.number = number;
    v->netns = v->route.fd = v->nft.fd = -1;
    v->next_ifindex = VPC_FIRST_IF;
    for (size_t i = 0; i < ARRAY_LEN(v->listeners); i++)
        v->listeners[i] = -1;
    return v;
}

void
vpc_free(struct host *h, struct vpc *v)
{
    if (h->vpcs[v->saved.open.number] == v)
        h->vpcs[v->saved.open.number] = NULL;
    for (size_t i = 0; i < ARRAY_LEN(v->listeners); i++)
        fd_close(&v->listeners[i]);
    fd_close(&v->netns);
    nl_close(&v->route);
    nl_close(&v->nft);
    free(v->classes);
    free(v->publics);
    free(v->peers);
    free(v);
}

/* ---- listeners ---- */

static int
listen_at(int type, uint32_t ip, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    int on = 1;
    FD_CLEANUP int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert(type == SOCK_STREAM || type == SOCK_DGRAM);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (type == SOCK_DGRAM && (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
                               setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0))
        return -errno;
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -errno;
    if (type == SOCK_STREAM && listen(fd, 1024) < 0)
        return -errno;
    return fd_steal(&fd);
}

static int
make_listeners(void *arg)
{
    struct vpc *v = arg;
    const struct priv_vpc_open *o = &v->saved.open;
    const uint32_t base2 = o->cidrs[0].ip + 2;
    const struct {
        int type;
        uint32_t ip;
        uint16_t port;
    } wanted[PRIV_LISTEN_EXTRA] = {
        [PRIV_LISTEN_IMDS] = {SOCK_STREAM, IMDS, 80},
        [PRIV_LISTEN_DHCP] = {SOCK_DGRAM, 0, 67},
        [PRIV_LISTEN_DNS_UDP] = {SOCK_DGRAM, DNS, 53},
        [PRIV_LISTEN_DNS_TCP] = {SOCK_STREAM, DNS, 53},
        [PRIV_LISTEN_DNS2_UDP] = {SOCK_DGRAM, base2, 53},
        [PRIV_LISTEN_DNS2_TCP] = {SOCK_STREAM, base2, 53},
    };

    v->n_listeners = PRIV_LISTEN_EXTRA + o->n_extra;
    assert(v->n_listeners <= ARRAY_LEN(v->listeners));
    for (uint32_t i = 0; i < v->n_listeners; i++) {
        if (v->listeners[i] >= 0)
            continue;
        int fd = i < PRIV_LISTEN_EXTRA ? listen_at(wanted[i].type, wanted[i].ip, wanted[i].port)
                                       : listen_at(SOCK_STREAM, o->extra[i - PRIV_LISTEN_EXTRA].ip,
                                                   (uint16_t)o->extra[i - PRIV_LISTEN_EXTRA].port);
        if (fd < 0)
            return fd;
        v->listeners[i] = fd;
    }
    return 0;
}

static void
keep_listeners(struct host *h, const struct vpc *v, bool keep)
{
    char name[32];

    for (uint32_t i = 0; i < v->n_listeners; i++) {
        text_set(name, sizeof(name), "v%u.%u", v->saved.open.number, i);
        if (keep)
            keeper_put(h, name, v->listeners[i]);
        else
            keeper_drop(h, name);
    }
}

/* Two listeners may share an address. */
static bool
extra_is_new(const struct priv_vpc_open *o, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (o->extra[i].ip == o->extra[at].ip)
            return false;
    return true;
}

/* Gives an open VPC the extra listeners that it has not yet: it is older than they are. */
static int
add_extra(struct host *h, struct vpc *v, const struct priv_vpc_open *req)
{
    struct priv_vpc_open *o = &v->saved.open;
    const uint32_t old = o->n_extra;
    int r = 0;

    assert(vpc_ok(h, v) && req->n_extra <= ARRAY_LEN(o->extra));
    for (uint32_t i = old; i < req->n_extra && r == 0; i++) {
        struct nl_batch b = {0};

        o->extra[i] = req->extra[i];
        if (!extra_is_new(o, i))
            continue;
        nl_add_address(&b, VPC_LO, o->extra[i].ip, 32);
        r = nl_send(&v->route, &b);
        if (r == -EEXIST)
            r = 0;
    }
    o->n_extra = MAX(old, req->n_extra);
    if (r == 0)
        r = fw_services(v, old);
    if (r == 0)
        r = netns_inside(h, v->netns, make_listeners, v);
    if (r < 0) {
        o->n_extra = old;
        v->n_listeners = PRIV_LISTEN_EXTRA + old;
        for (uint32_t i = v->n_listeners; i < ARRAY_LEN(v->listeners); i++)
            fd_close(&v->listeners[i]);
        return r;
    }
    keep_listeners(h, v, true);
    return 0;
}

/* ---- making one ---- */

static int
open_sockets(void *arg)
{
    struct vpc *v = arg;
    int r = nl_open(&v->route, NETLINK_ROUTE);

    return r < 0 ? r : nl_open(&v->nft, NETLINK_NETFILTER);
}

static int
inside_new(void *arg)
{
    static const struct {
        const char *path, *value;
    } settings[] = {
        {"/proc/sys/net/ipv4/ip_forward", "1"},
        {"/proc/sys/net/ipv4/conf/default/proxy_arp", "1"},
        {"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
        {"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
        {"/proc/sys/net/ipv4/conf/all/send_redirects", "0"},
        {"/proc/sys/net/ipv4/conf/default/send_redirects", "0"},
        {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
        {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        int r = file_put(AT_FDCWD, settings[i].path, "%s", settings[i].value);

        if (r < 0 && r != -ENOENT)
            return error_origin(-r, "%s", settings[i].path);
    }
    return open_sockets(arg);
}

/* A new namespace, bound to a file. */
static int
make_netns(struct host *h, struct vpc *v)
{
    char path[32], self[32];

    assert(v->netns < 0);
    text_set(path, sizeof(path), "netns/%u", v->saved.open.number);
    int file = openat(h->run, path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    fd_close(&file);
    if (unshare(CLONE_NEWNET) < 0)
        return error_origin(errno, "unshare network namespace");
    v->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (setns(h->netns, CLONE_NEWNET) < 0)
        abort();
    if (v->netns < 0)
        return error_origin(errno, "/proc/self/ns/net");
    text_set(self, sizeof(self), "/proc/self/fd/%d", v->netns);
    /* Our working directory is DATA/run/stage. */
    text_set(path, sizeof(path), "../netns/%u", v->saved.open.number);
    if (mount(self, path, NULL, MS_BIND, NULL) < 0)
        return error_origin(errno, "network namespace %s", path);
    return netns_inside(h, v->netns, inside_new, v);
}

static int
make_uplink(struct host *h, struct vpc *v)
{
    uint32_t number = v->saved.open.number;
    uint32_t host_ip = vpc_host_ip(h, number);
    char name[IFNAMSIZ], path[64];
    struct nl_batch b = {0};

    assert(v->netns >= 0);
    link_name(h, number, name);
    const struct nl_end near = {.name = name, .netns_fd = -1};
    const struct nl_end far = {.name = "up0", .ifindex = VPC_UP, .netns_fd = v->netns};
    nl_add_veth(&b, &near, &far, UPLINK_MTU);
    int r = nl_send(&h->route, &b);
    if (r == -EEXIST) { /* of a namespace that the kernel has not cleaned up yet */
        nl_del_link(&b, name);
        nl_send(&h->route, &b);
        nl_add_veth(&b, &near, &far, UPLINK_MTU);
        r = nl_send(&h->route, &b);
    }
    if (r < 0)
        return error_origin(-r, "link %s", name);
    text_set(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    file_put(AT_FDCWD, path, "1");
    nl_add_address(&b, (int)if_nametoindex(name), host_ip, 31);
    r = nl_send(&h->route, &b);
    nl_add_link_up(&b, VPC_LO);
    nl_add_address(&b, VPC_LO, IMDS, 32);
    nl_add_address(&b, VPC_LO, DNS, 32);
    nl_add_address(&b, VPC_LO, v->saved.open.cidrs[0].ip + 2, 32);
    for (uint32_t i = 0; i < v->saved.open.n_extra; i++)
        if (extra_is_new(&v->saved.open, i))
            nl_add_address(&b, VPC_LO, v->saved.open.extra[i].ip, 32);
    nl_add_address(&b, VPC_UP, host_ip + 1, 31);
    nl_add_link_up(&b, VPC_UP);
    nl_add_route(&b, VPC_UP, 0, 0, host_ip, 0, false);
    return r < 0 ? r : nl_send(&v->route, &b);
}

/*
 * The host is only led to ranges that nobody on the Internet has: else whoever may make a VPC
 * would draw the host's own traffic into a guest.
 */
static bool
is_private(const struct priv_cidr *c)
{
    static const struct priv_cidr ranges[] = {
        {0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0x64400000, 10}, {0xc6120000, 15}};

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c->prefix >= ranges[i].prefix && !((c->ip ^ ranges[i].ip) >> (32 - ranges[i].prefix)))
            return true;
    return false;
}

/* Whether an interface of the host, other than ours, is in that range. */
static bool
host_uses(const struct host *h, const struct priv_cidr *c)
{
    struct ifaddrs *all, *a;
    char ours[16];
    bool found = false;

    text_set(ours, sizeof(ours), "wk%s", h->tag);
    if (getifaddrs(&all) < 0)
        return true; /* better no route than a wrong one */
    for (a = all; a && !found; a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !a->ifa_netmask ||
            strncmp(a->ifa_name, ours, strlen(ours)) == 0)
            continue;
        uint32_t ip = ntohl(((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr.s_addr);
        uint32_t mask = ntohl(((struct sockaddr_in *)(void *)a->ifa_netmask)->sin_addr.s_addr);
        uint32_t common = mask & (uint32_t)(0xffffffffull << (32 - c->prefix));

        found = ((ip ^ c->ip) & common) == 0;
    }
    freeifaddrs(all);
    return found;
}

static void
route_from_host(struct host *h, struct vpc *v)
{
    struct priv_vpc_open *o = &v->saved.open;
    char name[IFNAMSIZ];

    link_name(h, o->number, name);
    for (uint32_t i = 0; i < o->n_cidrs; i++) {
        struct nl_batch b = {0};

        if (v->saved.host_routed & 1u << i)
            continue;
        if (!is_private(&o->cidrs[i])) {
            log_info("VPC %s: %s/%u is not reachable from this host: it is no private range", o->id,
                     ip_text(o->cidrs[i].ip), o->cidrs[i].prefix);
            continue;
        }
        if (host_uses(h, &o->cidrs[i])) {
            log_info("VPC %s: %s/%u is not reachable from this host, which uses it itself", o->id,
                     ip_text(o->cidrs[i].ip), o->cidrs[i].prefix);
            continue;
        }
        nl_add_route(&b, (int)if_nametoindex(name), o->cidrs[i].ip, o->cidrs[i].prefix,
                     vpc_router_ip(h, o->number), METRIC, true);
        int r = nl_send(&h->route, &b);
        if (r == 0)
            v->saved.host_routed |= 1u << i;
        else if (r == -EEXIST)
            log_info("VPC %s: %s/%u on this host leads to an earlier VPC", o->id,
                     ip_text(o->cidrs[i].ip), o->cidrs[i].prefix);
    }
}

static int
vpc_make(struct host *h, struct vpc *v, struct why *why)
{
    int r = fw_host_open(h);

    if (r < 0)
        return why_set(why, -r, "the host's firewall or forwarding could not be set up: %s",
                       strerror(-r));
    r = make_netns(h, v);
    if (r == 0)
        r = fw_open(v);
    if (r == 0)
        r = make_uplink(h, v);
    if (r == 0)
        r = netns_inside(h, v->netns, make_listeners, v);
    if (r < 0)
        return why_set(why, -r, "the network of VPC %s could not be made: %s", v->saved.open.id,
                       strerror(-r));
    route_from_host(h, v);
    return vpc_save(h, v);
}

static void
unbind(struct host *h, uint32_t number)
{
    char path[32];

    text_set(path, sizeof(path), "../netns/%u", number);
    umount2(path, MNT_DETACH);
    unlink(path);
    text_set(path, sizeof(path), "vpc-%u", number);
    unlinkat(h->run, path, 0);
}

/* Further CIDRs; those that it has it keeps. */
static int
add_cidrs(struct vpc *v, const struct priv_vpc_open *req, struct why *why)
{
    struct priv_vpc_open *o = &v->saved.open;
    uint32_t before = o->n_cidrs;

    for (uint32_t i = 0; i < req->n_cidrs; i++) {
        bool has = false;

        for (uint32_t j = 0; j < o->n_cidrs && !has; j++)
            has = memcmp(&o->cidrs[j], &req->cidrs[i], sizeof(o->cidrs[j])) == 0;
        if (has)
            continue;
        if (o->n_cidrs == PRIV_CIDRS_MAX)
            return why_set(why, ENOSPC, "VPC %s has had %d CIDRs: close it first", o->id,
                           PRIV_CIDRS_MAX);
        o->cidrs[o->n_cidrs++] = req->cidrs[i];
    }
    int r = o->n_cidrs > before ? fw_cidrs(v) : 0;
    return r < 0 ? why_set(why, -r, "the firewall of VPC %s could not be changed", o->id) : 0;
}

int
vpc_open(struct host *h, const struct priv_vpc_open *req, struct vpc **ret, struct why *why)
{
    struct vpc *v = vpc_get(h, req->number);

    assert(req->number < PRIV_VPCS && req->n_cidrs >= 1 && req->n_cidrs <= PRIV_CIDRS_MAX);
    if (v && strcmp(v->saved.open.id, req->id) != 0) {
        /* Its number was given again: the daemon was killed before it could close it. */
        int r = vpc_close(h, v, why);

        if (r < 0)
            return r;
        v = NULL;
    }
    if (v) {
        if (memcmp(&v->saved.open.cidrs[0], &req->cidrs[0], sizeof(req->cidrs[0])) != 0)
            return why_set(why, EINVAL, "the first CIDR of an open VPC cannot change");
        uint32_t n_both = MIN(req->n_extra, v->saved.open.n_extra);
        if (memcmp(req->extra, v->saved.open.extra, n_both * sizeof(req->extra[0])) != 0)
            return why_set(why, EINVAL,
                           "the listeners of an open VPC cannot change: close it first");
        int r = req->n_extra > n_both ? add_extra(h, v, req) : 0;
        if (r < 0)
            return why_set(why, -r, "VPC %s cannot have more listeners: %s", req->id,
                           strerror(-r));
        r = add_cidrs(v, req, why);
        if (r < 0)
            return r;
        route_from_host(h, v);
        *ret = v;
        return vpc_save(h, v);
    }
    v = vpc_new(req->number);
    if (!v)
        return why_set(why, ENOMEM, "out of memory");
    v->saved.open = *req;
    memcpy(v->saved.boot_id, h->boot_id, sizeof(v->saved.boot_id));
    int r = vpc_make(h, v, why);
    if (r < 0) {
        vpc_free(h, v);
        unbind(h, req->number);
        return r;
    }
    h->vpcs[req->number] = v;
    assert(vpc_ok(h, v));
    keep_listeners(h, v, true);
    log_info("VPC %s is open as number %u", req->id, req->number);
    *ret = v;
    return 0;
}

int
vpc_close(struct host *h, struct vpc *v, struct why *why)
{
    uint32_t number = v->saved.open.number;

    assert(vpc_ok(h, v));
    if (v->n_machines)
        return why_set(why, EBUSY, "%u machines run in VPC %s", v->n_machines, v->saved.open.id);
    log_info("VPC %s is closed", v->saved.open.id);
    keep_listeners(h, v, false);
    peers_forget(h, v);
    vpc_free(h, v);
    unbind(h, number); /* interfaces, routes and rules go with the namespace */
    return 0;
}

/* ---- adoption ---- */

static void
highest_index(void *arg, const struct nlmsghdr *m)
{
    const struct ifinfomsg *i = mnl_nlmsg_get_payload(m);
    uint32_t *highest = arg;

    *highest = MAX(*highest, (uint32_t)i->ifi_index);
}

static int
read_state(struct host *h, struct vpc *v)
{
    char name[32];
    uint32_t number = v->saved.open.number;

    text_set(name, sizeof(name), "vpc-%u", number);
    FD_CLEANUP int fd = openat(h->run, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, &v->saved, sizeof(v->saved)) != sizeof(v->saved) ||
        v->saved.magic != VPC_MAGIC || v->saved.open.number != number ||
        memcmp(v->saved.boot_id, h->boot_id, sizeof(h->boot_id)) != 0 ||
        v->saved.open.n_cidrs < 1 || v->saved.open.n_cidrs > PRIV_CIDRS_MAX ||
        v->saved.open.n_extra > ARRAY_LEN(v->saved.open.extra) ||
        v->saved.n_classes > VPC_ENTRIES_MAX || v->saved.n_publics > VPC_ENTRIES_MAX) {
        v->saved.open.number = number;
        v->saved.n_classes = v->saved.n_publics = 0;
        return -ESTALE;
    }
    size_t classes = v->saved.n_classes * sizeof(*v->classes);
    size_t publics = v->saved.n_publics * sizeof(*v->publics);
    v->classes = malloc(classes + 1);
    v->publics = malloc(publics + 1);
    if (!v->classes || !v->publics || read(fd, v->classes, classes) != (ssize_t)classes ||
        read(fd, v->publics, publics) != (ssize_t)publics)
        return -EIO;
    return 0;
}

int
vpc_adopt(struct host *h, uint32_t number)
{
    struct vpc *v = vpc_new(number);
    struct nl_batch b = {0};
    uint32_t highest = VPC_FIRST_IF - 1;
    char name[32];

    int r = v ? read_state(h, v) : -ENOMEM;
    text_set(name, sizeof(name), "netns/%u", number);
    if (r == 0) {
        v->netns = openat(h->run, name, O_RDONLY | O_CLOEXEC);
        r = v->netns < 0 || ioctl(v->netns, NS_GET_NSTYPE) != CLONE_NEWNET ? -ESTALE : 0;
    }
    if (r == 0)
        r = netns_inside(h, v->netns, open_sockets, v);
    if (r == 0) {
        struct nlmsghdr *m = nl_begin(&b, RTM_GETLINK, NLM_F_DUMP);
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        nl_end(&b, m, 0);
        r = nl_query(&v->route, &b, highest_index, &highest);
        v->next_ifindex = highest + 1;
    }
    for (uint32_t i = 0; r == 0 && i < PRIV_LISTEN_EXTRA + v->saved.open.n_extra; i++) {
        text_set(name, sizeof(name), "v%u.%u", number, i);
        v->listeners[i] = keeper_take(h, name);
    }
    if (r == 0)
        r = netns_inside(h, v->netns, make_listeners, v);
    if (r == 0)
        r = fw_reset_members(v);
    if (r < 0) {
        if (v)
            vpc_free(h, v);
        unbind(h, number);
        return r;
    }
    h->vpcs[number] = v;
    assert(vpc_ok(h, v));
    keep_listeners(h, v, true);
    log_info("VPC %s, number %u, is adopted", v->saved.open.id, number);
    return 0;
}

/* ---- public addresses ---- */

int
vpc_public_ip(struct host *h, struct vpc *v, const struct priv_public_ip *q, struct why *why)
{
    const struct vpc_public want = {q->public_ip, q->private_ip};
    struct vpc_public old[2];
    struct nl_batch b = {0};
    char name[IFNAMSIZ];
    uint32_t n_old = 0, n = 0;

    assert(vpc_ok(h, v) && q->public_ip && h->pool.prefix);
    if ((q->public_ip ^ h->pool.ip) >> (32 - h->pool.prefix))
        return why_set(why, EINVAL, "%s is not in the pool of public addresses",
                       ip_text(q->public_ip));
    if (!q->remove && v->saved.n_publics >= VPC_ENTRIES_MAX)
        return why_set(why, ENOSPC, "a VPC has %d public addresses at most", VPC_ENTRIES_MAX);
    struct vpc_public *kept = calloc(v->saved.n_publics + 1, sizeof(*kept));
    if (!kept)
        return why_set(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < v->saved.n_publics; i++) {
        const struct vpc_public *p = &v->publics[i];
        bool hit =
            p->public_ip == want.public_ip || (!q->remove && p->private_ip == want.private_ip);

        if (hit && n_old < ARRAY_LEN(old))
            old[n_old++] = *p;
        else
            kept[n++] = *p;
    }
    if (!q->remove)
        kept[n++] = want;
    int r = fw_public_ip(v, q->remove ? NULL : &want, old, n_old);
    if (r < 0) {
        free(kept);
        return why_set(why, -r, "the address %s could not be translated", ip_text(q->public_ip));
    }
    free(v->publics);
    v->publics = kept;
    v->saved.n_publics = n;
    assert(n <= VPC_ENTRIES_MAX);
    link_name(h, v->saved.open.number, name);
    int index = (int)if_nametoindex(name);
    for (uint32_t i = 0; i < n_old; i++)
        nl_del_route(&b, index, old[i].public_ip, 32, 0);
    if (!q->remove)
        nl_add_route(&b, index, q->public_ip, 32, vpc_router_ip(h, v->saved.open.number), 0, false);
    r = b.count ? nl_send(&h->route, &b) : 0;
    if (r < 0)
        return why_set(why, -r, "the host has no route to %s: %s", ip_text(q->public_ip),
                       strerror(-r));
    return vpc_save(h, v);
}
