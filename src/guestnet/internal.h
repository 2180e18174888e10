/* What the files of guestnet share. */
#pragma once

#include "guestnet/guestnet.h"
#include "gen/store/ec2_rows.h"
#include "guestnet/imds.h"
#include "loop/http_server.h"

#include <netinet/in.h>

#define DATAGRAM_MAX 4096

struct guestnet_vpc {
    struct guestnet *g;
    struct guestnet_vpc *next;
    struct loop_fd dhcp, dns[2];
    uint8_t id_n;
    char id[30];
};

struct guestnet {
    struct guestnet_config config;
    struct http_server *imds;
    struct guestnet_vpc *vpcs;
    struct dns_forwarder *forwarder;
    uint8_t key[IMDS_KEY_BYTES];
};

static inline struct str
guestnet_vpc_id(const struct guestnet_vpc *vpc)
{
    return str_of(vpc->id, vpc->id_n);
}

/* A datagram with where it came in and from. */
struct datagram {
    size_t n;
    struct sockaddr_in from;
    struct in_pktinfo at;
    uint8_t bytes[DATAGRAM_MAX];
};
/* False when there is none to be had now. */
bool datagram_receive(int fd, struct datagram *ret);
/* Sends from the address that the question came to, out of the interface it came in by. */
void datagram_send(int fd, const struct datagram *to, const struct sockaddr_in *dest,
                   const void *bytes, size_t n);

/* The instance behind an address of a VPC, or NULL. */
const struct ec2_instance_row *guestnet_instance(struct txn *txn, struct str vpc_id, uint32_t ip);

void guestnet_dhcp(struct loop_fd *source, uint32_t events);
void guestnet_dns(struct guestnet_vpc *vpc, int fd);
struct dns_forwarder *dns_forwarder_new(struct loop *loop, uint32_t upstream);
struct dns_forwarder *dns_forwarder_free(struct dns_forwarder *f);
