/*
 * DHCP messages (RFC 2131, 2132): what a server must read, and the replies it writes.  Pure.
 */
#pragma once

#include "base/str.h"

#define DHCP_REPLY_MAX 576

enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER,
    DHCP_REQUEST,
    DHCP_DECLINE,
    DHCP_ACK,
    DHCP_NAK,
    DHCP_RELEASE,
    DHCP_INFORM,
};

/* Addresses are in the host's byte order; 0 is absent. */
struct dhcp_request {
    enum dhcp_type type;
    uint32_t xid;
    uint16_t flags;       /* 0x8000: answer by broadcast */
    uint32_t client_ip;   /* ciaddr: it has this address */
    uint32_t wanted_ip;   /* option 50 */
    uint32_t server_ip;   /* option 54: the request is for this server */
    uint8_t mac[6];
};

#define DHCP_SERVERS_MAX 4
struct dhcp_servers {
    unsigned n;
    uint32_t ip[DHCP_SERVERS_MAX];
};

struct dhcp_lease {
    uint32_t ip, server_ip, gateway;
    struct dhcp_servers dns, ntp, netbios; /* without any the option is left out */
    uint8_t netbios_type;                  /* 0: left out */
    unsigned prefix;
    uint16_t mtu;
    uint32_t lease_s;
    struct str host_name, domain; /* an empty one is left out; of a long one its beginning */
};

/* False when the bytes are no request from an Ethernet client. */
bool dhcp_parse(struct str bytes, struct dhcp_request *ret);

/*
 * Writes OFFER, ACK or NAK (lease is then only asked for server_ip) into out, at most
 * DHCP_REPLY_MAX bytes; answers how many.
 */
size_t dhcp_reply(const struct dhcp_request *req, enum dhcp_type type,
                  const struct dhcp_lease *lease, uint8_t out[DHCP_REPLY_MAX]);
