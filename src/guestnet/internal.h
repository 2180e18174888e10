/* What the files of guestnet share. */
#pragma once

#include "guestnet/guestnet.h"

#include "codec/dns.h"
#include "gen/store/ec2_rows.h"
#include "guestnet/imds.h"
#include "loop/http_server.h"

#include <netinet/in.h>

#define DATAGRAM_MAX 4096
#define BATCH_MAX 64 /* datagrams that are answered before others have their turn */

struct guestnet_vpc {
    struct guestnet *g;
    struct guestnet_vpc *next;
    struct http_listener *imds;
    struct loop_fd dhcp, dns[2], dns_tcp[2];
    struct dns_conn *dns_conns;
    unsigned n_dns_conns;
    struct loop_timer dns_pause; /* until connections are accepted again */
    bool has_api; /* the API listens in it */
    uint8_t id_n;
    char id[30];
};

struct guestnet {
    struct guestnet_config config;
    struct http_server *imds;
    struct guestnet_vpc *vpcs;
    struct dns_forwarder *forwarder;
    struct prober *prober; /* NULL: nobody wants to know */
    struct imds_keys keys;
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

/* The interface that has a private address of a VPC, its own or a secondary one; or NULL. */
const struct ec2_interface_row *guestnet_interface(struct txn *txn, struct str vpc_id,
                                                   struct str ip);
/* The instance behind it, or NULL. */
const struct ec2_instance_row *guestnet_instance(struct txn *txn, struct str vpc_id, uint32_t ip);

/* The instances behind n addresses (0: nobody's) were heard.  No transaction may be open. */
void guestnet_heard(struct guestnet_vpc *vpc, const uint32_t *ips, size_t n);

void guestnet_dhcp(struct loop_fd *source, uint32_t events);
void guestnet_dns(struct guestnet_vpc *vpc, int fd);
void guestnet_dns_accept(struct guestnet_vpc *vpc, int listener);

/* ---- probe.c: whether guests answer ---- */

struct prober;
struct prober *prober_new(struct guestnet *g);
struct prober *prober_free(struct prober *p);
/* The VPC's resolver asks its guests from now on. */
void prober_add_vpc(int fd);
/* Its guests are asked no more. */
void prober_forget(struct prober *p, const struct guestnet_vpc *vpc);
/* The socket has errors: what guests answered. */
void prober_answers(struct prober *p, struct guestnet_vpc *vpc, int fd);

/* ---- names ---- */

struct dns_conn;

/* A question, and the way that its answer goes. */
struct dns_question {
    struct guestnet_vpc *vpc;
    struct dns_conn *conn; /* over TCP; NULL: over UDP, by `fd`, to where d came from */
    int fd;
    struct datagram d;     /* over TCP: its bytes only */
};

/*
 * False when it is no question, or the VPC has no resolver (DNS support is off).  Else it is
 * answered once: now, or when upstream has answered.
 */
bool dns_answer(const struct dns_question *question, struct txn *txn, struct arena *a);
void dns_reply(const struct dns_question *question, const void *bytes, size_t n);
void dns_reply_none(const struct dns_question *question, const struct dns_query *q,
                    enum dns_rcode rcode);

/* Serves a connection, which is its from now on. */
void dns_conn_open(struct guestnet_vpc *vpc, int fd, uint32_t peer);
void dns_conns_free(struct guestnet_vpc *vpc);
/* The connection may be gone afterwards. */
void dns_conn_reply(struct dns_conn *c, const void *bytes, size_t n);

struct dns_forwarder *dns_forwarder_new(struct loop *loop, uint32_t upstream, uint16_t port);
struct dns_forwarder *dns_forwarder_free(struct dns_forwarder *f);
/* Whether there is an upstream at all. */
bool dns_forwarder_exists(const struct dns_forwarder *f);
/* Copies the question and asks it; false when it cannot be asked now. */
bool dns_forward(struct dns_forwarder *f, const struct dns_question *question);
/* Nobody waits any more for what the connection asked, or anyone in that VPC. */
void dns_forwarder_forget(struct dns_forwarder *f, const struct dns_conn *conn);
void dns_forwarder_forget_vpc(struct dns_forwarder *f, const struct guestnet_vpc *vpc);
