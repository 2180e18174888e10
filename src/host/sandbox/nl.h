/*
 * Netlink by hand: several messages in one send, and their errors.
 *
 * The kernel works through a request while send(2) runs, so that every answer lies in the socket
 * when send returns: no waiting, no state, and no process of `ip` or `nft` (1.6 and 2 ms each).
 */
#pragma once

#include "base/base.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define NL_BATCH_MESSAGES 12

/* A socket belongs to the network namespace in which it was opened, for ever. */
struct nl {
    int fd;
    uint32_t seq;
};

/* Messages that go in one send.  For rtnetlink they are not a transaction. */
struct nl_batch {
    size_t n;
    unsigned count;
    int tolerate[NL_BATCH_MESSAGES]; /* an errno that is no failure of that message */
    char buf[4096] __attribute__((aligned(8)));
};

/* protocol: NETLINK_ROUTE or NETLINK_NETFILTER.  0 or -errno. */
int nl_open(struct nl *nl, int protocol);
void nl_close(struct nl *nl);

/* Starts a message; attributes follow by mnl_attr_put*(), then nl_end(). */
struct nlmsghdr *nl_begin(struct nl_batch *b, uint16_t type, uint16_t flags);
void nl_end(struct nl_batch *b, struct nlmsghdr *m, int tolerate);

/* 0 or the first error of a message, -errno. */
int nl_send(struct nl *nl, struct nl_batch *b);
/* The same for raw bytes, every error counted: for nftables batches.  *ret_seq: which failed. */
int nl_send_raw(struct nl *nl, const void *p, size_t n, uint32_t *ret_seq);

/* Sends one request and calls fn for each message of the answer. */
int nl_query(struct nl *nl, struct nl_batch *b, void (*fn)(void *arg, const struct nlmsghdr *m),
             void *arg);

/* ---- messages that more than one file needs; addresses in host byte order ---- */

void nl_add_link_up(struct nl_batch *b, int ifindex);
/* EEXIST is no failure. */
void nl_add_address(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix);
/* gateway 0: on the link.  Replaces, or with exclusive fails with EEXIST.  metric 0: none. */
void nl_add_route(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix, uint32_t gateway,
                  uint32_t metric, bool exclusive);
/* The default route of a table of its own; the gateway need not be on a network of the link's. */
void nl_add_table_route(struct nl_batch *b, uint32_t table, int ifindex, uint32_t gateway);
/* Which packets look in that table first: those from an address, or (from 0) with a mark. */
void nl_add_rule(struct nl_batch *b, uint32_t table, uint32_t from, uint32_t mark);
void nl_del_rule(struct nl_batch *b, uint32_t table, uint32_t from, uint32_t mark);
/* The same without the route to its network that the kernel makes for it. */
void nl_add_address_alone(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix);
/* EADDRNOTAVAIL is no failure. */
void nl_del_address(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix);
/* ESRCH is no failure. */
void nl_del_route(struct nl_batch *b, int ifindex, uint32_t ip, unsigned prefix, uint32_t metric);

/* An entry that needs no ARP and is not counted against the host's neighbour table. */
void nl_add_neighbour(struct nl_batch *b, int ifindex, uint32_t ip, const uint8_t mac[6]);

/* Has the interface answer for others at once, not after up to 0.8 s (the default's random). */
void nl_add_proxy_at_once(struct nl_batch *b, int ifindex);

/* One end of a veth pair. */
struct nl_end {
    const char *name;
    int ifindex;        /* 0: the kernel's choice */
    int netns_fd;       /* -1: where the socket is */
    const uint8_t *mac; /* NULL: the kernel's choice */
};
void nl_add_veth(struct nl_batch *b, const struct nl_end *near, const struct nl_end *far,
                 uint32_t mtu);
void nl_del_link(struct nl_batch *b, const char *name);
void nl_del_link_index(struct nl_batch *b, int ifindex);
