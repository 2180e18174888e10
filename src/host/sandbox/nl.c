/*
 * See nl.h.  Requests are built with libmnl, which only knows how attributes are laid out.
 */
#include "host/sandbox/nl.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define RULE_PRIORITY 10000 /* of rules: behind the local table, before the main one */

int
nl_open(struct nl *nl, int protocol)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    int size = 4 << 20, on = 1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        int err = errno;

        close(fd);
        return -err;
    }
    /* Only the kernel may answer: in a guest's namespace the guest could, else, and without end. */
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        int err = errno;

        close(fd);
        return -err;
    }
    /* A batch goes in one datagram, so the buffer bounds it; FORCE may be refused, then smaller. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    *nl = (struct nl){.fd = fd};
    return 0;
}

void
nl_close(struct nl *nl)
{
    if (nl->fd >= 0)
        close(nl->fd);
    nl->fd = -1;
}

struct nlmsghdr *
nl_begin(struct nl_batch *b, uint16_t type, uint16_t flags)
{
    assert(b->count < NL_BATCH_MESSAGES && b->n + 512 < sizeof(b->buf));
    struct nlmsghdr *m = mnl_nlmsg_put_header(b->buf + b->n);

    m->nlmsg_type = type;
    m->nlmsg_flags = NLM_F_REQUEST | flags;
    m->nlmsg_seq = b->count;
    return m;
}

void
nl_end(struct nl_batch *b, struct nlmsghdr *m, int tolerate)
{
    assert(b->count < NL_BATCH_MESSAGES && m->nlmsg_len <= sizeof(b->buf) - b->n);
    b->tolerate[b->count++] = tolerate;
    b->n += MNL_ALIGN(m->nlmsg_len);
    assert(b->n <= sizeof(b->buf));
}

static int
send_all(struct nl *nl, const void *p, size_t n)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    assert(nl->fd >= 0 && n > 0);
    if (sendto(nl->fd, p, n, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    return 0;
}

/*
 * Reads what lies in the socket.  Answers the first error that is not tolerated and its sequence
 * number; fn sees all other messages.
 */
static int
read_answers(struct nl *nl, const struct nl_batch *b, uint32_t *ret_seq,
             void (*fn)(void *, const struct nlmsghdr *), void *arg)
{
    static char buf[65536] __attribute__((aligned(8)));
    int first = 0;

    assert(nl->fd >= 0);
    for (;;) {
        ssize_t got = recv(nl->fd, buf, sizeof(buf), MSG_DONTWAIT);

        if (got < 0)
            return errno == EAGAIN || first ? first : -errno;
        int left = (int)got;
        for (const struct nlmsghdr *m = (const void *)buf; mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left)) {
            const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

            if (m->nlmsg_type == NLMSG_ERROR && e->error && !first) {
                uint32_t i = m->nlmsg_seq;

                if (b && i < b->count && b->tolerate[i] == -e->error)
                    continue;
                first = e->error;
                if (ret_seq)
                    *ret_seq = i;
            } else if (fn && m->nlmsg_type >= NLMSG_MIN_TYPE) {
                fn(arg, m);
            }
        }
    }
}

int
nl_send(struct nl *nl, struct nl_batch *b)
{
    int r = send_all(nl, b->buf, b->n);

    if (r == 0)
        r = read_answers(nl, b, NULL, NULL, NULL);
    b->n = 0;
    b->count = 0;
    return r;
}

int
nl_send_raw(struct nl *nl, const void *p, size_t n, uint32_t *ret_seq)
{
    int r = send_all(nl, p, n);

    return r < 0 ? r : read_answers(nl, NULL, ret_seq, NULL, NULL);
}

int
nl_query(struct nl *nl, struct nl_batch *b, void (*fn)(void *arg, const struct nlmsghdr *m),
         void *arg)
{
    int r = send_all(nl, b->buf, b->n);

    if (r == 0)
        r = read_answers(nl, b, NULL, fn, arg);
    b->n = 0;
    b->count = 0;
    return r;
}

void
nl_add_link_up(struct nl_batch *b, int ifindex)
{
    struct nlmsghdr *m = nl_begin(b, RTM_NEWLINK, 0);
    struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

    assert(ifindex > 0);
    i->ifi_index = ifindex;
    i->ifi_flags = IFF_UP;
    i->ifi_change = IFF_UP;
    nl_end(b, m, 0);
}

static void
address(struct nl_batch *b, uint16_t type, uint16_t flags, int ifindex, uint32_t ip,
        unsigned prefix, uint32_t more, int tolerate)
{
    struct nlmsghdr *m = nl_begin(b, type, flags);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(m, sizeof(*a));

    assert(prefix <= 32);
    a->ifa_family = AF_INET;
    a->ifa_prefixlen = (uint8_t)prefix;
    a->ifa_index = (uint32_t)ifindex;
    mnl_attr_put_u32(m, IFA_LOCAL, htonl(ip));
    mnl_attr_put_u32(m, IFA_ADDRESS, htonl(ip));
    if (prefix < 31)
        mnl_attr_put_u32(m, IFA_BROADCAST, htonl(ip | (uint32_t)(0xffffffffu >> prefix)));
    if (more)
        mnl_attr_put_u32(m, IFA_FLAGS, more);
    nl_end(b, m, tolerate);
}

void
nl_add_address(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix)
{
    address(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, ip, prefix, 0, EEXIST);
}

void
nl_add_address_alone(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix)
{
    address(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, ip, prefix, IFA_F_NOPREFIXROUTE,
            EEXIST);
}

void
nl_del_address(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix)
{
    address(b, RTM_DELADDR, 0, ifindex, ip, prefix, 0, EADDRNOTAVAIL);
}

static struct nlmsghdr *
route(struct nl_batch *b, uint16_t type, uint16_t flags, int ifindex, uint32_t ip, unsigned prefix,
      uint32_t gateway, uint32_t metric)
{
    struct nlmsghdr *m = nl_begin(b, type, flags);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(m, sizeof(*r));

    assert(prefix <= 32);
    r->rtm_family = AF_INET;
    r->rtm_dst_len = (uint8_t)prefix;
    r->rtm_table = RT_TABLE_MAIN;
    r->rtm_protocol = RTPROT_STATIC;
    r->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    r->rtm_type = RTN_UNICAST;
    if (prefix)
        mnl_attr_put_u32(m, RTA_DST, htonl(ip));
    if (gateway)
        mnl_attr_put_u32(m, RTA_GATEWAY, htonl(gateway));
    if (metric)
        mnl_attr_put_u32(m, RTA_PRIORITY, metric);
    mnl_attr_put_u32(m, RTA_OIF, (uint32_t)ifindex);
    return m;
}

void
nl_add_route(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix, uint32_t gateway,
             uint32_t metric, bool exclusive)
{
    uint16_t flags = NLM_F_CREATE | (exclusive ? NLM_F_EXCL : NLM_F_REPLACE);

    nl_end(b, route(b, RTM_NEWROUTE, flags, ifindex, ip, prefix, gateway, metric), 0);
}

void
nl_del_route(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix, uint32_t metric)
{
    struct nlmsghdr *m = route(b, RTM_DELROUTE, 0, ifindex, ip, prefix, 0, metric);
    struct rtmsg *r = mnl_nlmsg_get_payload(m);

    r->rtm_scope = RT_SCOPE_NOWHERE; /* matches any */
    r->rtm_protocol = 0;
    nl_end(b, m, ESRCH);
}

void
nl_add_table_route(struct nl_batch *b, uint32_t table, int ifindex, uint32_t gateway)
{
    struct nlmsghdr *m =
        route(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ifindex, 0, 0, gateway, 0);
    struct rtmsg *r = mnl_nlmsg_get_payload(m);

    r->rtm_table = RT_TABLE_UNSPEC;
    r->rtm_flags = RTNH_F_ONLINK;
    mnl_attr_put_u32(m, RTA_TABLE, table);
    nl_end(b, m, 0);
}

static void
rule(struct nl_batch *b, uint16_t type, uint16_t flags, uint32_t table, uint32_t from,
     uint32_t mark, int tolerate)
{
    struct nlmsghdr *m = nl_begin(b, type, flags);
    struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(m, sizeof(*r));

    r->family = AF_INET;
    r->table = RT_TABLE_UNSPEC;
    r->action = FR_ACT_TO_TBL;
    r->src_len = from ? 32 : 0;
    if (from)
        mnl_attr_put_u32(m, FRA_SRC, htonl(from));
    else
        mnl_attr_put_u32(m, FRA_FWMARK, mark);
    mnl_attr_put_u32(m, FRA_TABLE, table);
    mnl_attr_put_u32(m, FRA_PRIORITY, RULE_PRIORITY);
    nl_end(b, m, tolerate);
}

void
nl_add_rule(struct nl_batch *b, uint32_t table, uint32_t from, uint32_t mark)
{
    rule(b, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, table, from, mark, EEXIST);
}

void
nl_del_rule(struct nl_batch *b, uint32_t table, uint32_t from, uint32_t mark)
{
    rule(b, RTM_DELRULE, 0, table, from, mark, ENOENT);
}

void
nl_add_neighbour(struct nl_batch *b, int ifindex, uint32_t ip, const uint8_t mac[6])
{
    struct nlmsghdr *m = nl_begin(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
    struct ndmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));

    n->ndm_family = AF_INET;
    n->ndm_ifindex = ifindex;
    n->ndm_state = NUD_PERMANENT;
    mnl_attr_put_u32(m, NDA_DST, htonl(ip));
    mnl_attr_put(m, NDA_LLADDR, 6, mac);
    nl_end(b, m, 0);
}

void
nl_add_proxy_at_once(struct nl_batch *b, int ifindex)
{
    struct nlmsghdr *m = nl_begin(b, RTM_SETNEIGHTBL, 0);
    struct ndtmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));

    n->ndtm_family = AF_INET;
    mnl_attr_put_strz(m, NDTA_NAME, "arp_cache");
    struct nlattr *parms = mnl_attr_nest_start(m, NDTA_PARMS);
    mnl_attr_put_u32(m, NDTPA_IFINDEX, (uint32_t)ifindex);
    mnl_attr_put_u64(m, NDTPA_PROXY_DELAY, 0);
    mnl_attr_nest_end(m, parms);
    nl_end(b, m, 0);
}

static void
put_end(struct nlmsghdr *m, const struct nl_end *end, uint32_t mtu)
{
    assert(mtu >= 576 && strlen(end->name) < IFNAMSIZ);
    mnl_attr_put_strz(m, IFLA_IFNAME, end->name);
    mnl_attr_put_u32(m, IFLA_MTU, mtu);
    /* The default is a queue for each possible CPU: memory that an instance does not need. */
    mnl_attr_put_u32(m, IFLA_NUM_TX_QUEUES, 1);
    mnl_attr_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
    if (end->mac)
        mnl_attr_put(m, IFLA_ADDRESS, 6, end->mac);
    if (end->netns_fd >= 0)
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t)end->netns_fd);
}

/* The near end is born up, the far end down: its owner brings it up. */
void
nl_add_veth(struct nl_batch *b, const struct nl_end *near, const struct nl_end *far, uint32_t mtu)
{
    struct nlmsghdr *m = nl_begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

    i->ifi_index = near->ifindex;
    i->ifi_flags = IFF_UP;
    i->ifi_change = IFF_UP;
    put_end(m, near, mtu);
    struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);
    mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
    struct ifinfomsg *p = mnl_nlmsg_put_extra_header(m, sizeof(*p));
    p->ifi_index = far->ifindex;
    put_end(m, far, mtu);
    mnl_attr_nest_end(m, peer);
    mnl_attr_nest_end(m, data);
    mnl_attr_nest_end(m, info);
    nl_end(b, m, 0);
}

void
nl_del_link(struct nl_batch *b, const char *name)
{
    struct nlmsghdr *m = nl_begin(b, RTM_DELLINK, 0);

    mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(m, IFLA_IFNAME, name);
    nl_end(b, m, ENODEV);
}

void
nl_del_link_index(struct nl_batch *b, int ifindex)
{
    struct nlmsghdr *m = nl_begin(b, RTM_DELLINK, 0);
    struct ifinfomsg *i = mnl_nlmsg_put_extra_header(m, sizeof(*i));

    i->ifi_index = ifindex;
    nl_end(b, m, ENODEV);
}
