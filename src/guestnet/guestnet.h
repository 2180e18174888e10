/*
 * What guests find on their network: metadata on 169.254.169.254, DHCP, and the resolver on
 * 169.254.169.253 and on the VPC's second address.  All of it is answered by the daemon's own
 * loop, on listeners inside the VPC's network namespace that the privileged process made; no
 * process and no package in the guest takes part.
 *
 * A guest is known by its source address, which the VPC's firewall does not let it forge.
 */
#pragma once

#include "host/priv.h"
#include "loop/loop.h"
#include "store/store.h"

struct guestnet;

struct guestnet_config {
    struct loop *loop;
    struct store *store;
    /* A guest was heard. */
    void (*heard)(void *ctx, struct str instance_id);
    /* A guest was asked, once a minute of the cloud's clock; NULL: none is. */
    void (*asked)(void *ctx, struct str instance_id, bool answered);
    /* A guest asked for metadata without a token, and got it or was refused; may be NULL. */
    void (*no_token)(void *ctx, struct str instance_id, bool refused);
    void *ctx;
    /* The host's resolver that public names are asked of, in host byte order; 0: there is none,
     * and they do not exist. */
    uint32_t upstream_dns;
    uint16_t upstream_port; /* 0: 53 */
};

/* 0 or -errno. */
int guestnet_new(struct guestnet **ret, const struct guestnet_config *config);
struct guestnet *guestnet_free(struct guestnet *g);

/*
 * A VPC's listeners, in the order of enum priv_listener; those before PRIV_LISTEN_EXTRA are ours
 * from now on.  When the API's are there (not -1) the names of AWS's endpoints lead to them.
 */
void guestnet_add_vpc(struct guestnet *g, struct str vpc_id, const int fds[PRIV_LISTEN_ALL]);

/* The VPC is gone: its listeners are closed, and who waits for an answer gets none. */
void guestnet_remove_vpc(struct guestnet *g, struct str vpc_id);

/* The first IPv4 nameserver of /etc/resolv.conf's text, or 0. */
uint32_t guestnet_nameserver(struct str resolv_conf);
