/* Fixed fields at fixed places, then options; nothing is trusted to be where it says. */
#include "codec/dhcp.h"

#define FIXED_BYTES 240 /* with the magic cookie */
#define DOMAIN_MAX 128  /* of bytes: so that a reply with all options fits */

static uint32_t
get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* OFFER, ACK and NAK are what servers say. */
static bool
is_of_client(uint8_t type)
{
    return type == DHCP_DISCOVER || type == DHCP_REQUEST || type == DHCP_DECLINE ||
           type == DHCP_RELEASE || type == DHCP_INFORM;
}

static void
take_option(struct dhcp_request *ret, uint8_t code, const uint8_t *p, uint8_t n)
{
    assert(p || n == 0);
    if (code == 53 && n == 1 && is_of_client(p[0]))
        ret->type = (enum dhcp_type)p[0];
    else if (code == 50 && n == 4)
        ret->wanted_ip = get32(p);
    else if (code == 54 && n == 4)
        ret->server_ip = get32(p);
}

bool
dhcp_parse(struct str bytes, struct dhcp_request *ret)
{
    static const uint8_t cookie[] = {99, 130, 83, 99};
    const uint8_t *p = (const uint8_t *)bytes.p;
    struct dhcp_request req = {0};

    assert(str_ok(bytes));
    /* op BOOTREQUEST, hardware Ethernet, six bytes of address */
    if (bytes.n < FIXED_BYTES || p[0] != 1 || p[1] != 1 || p[2] != 6 ||
        memcmp(p + 236, cookie, 4) != 0)
        return false;
    req.xid = get32(p + 4);
    req.flags = (uint16_t)(p[10] << 8 | p[11]);
    req.client_ip = get32(p + 12);
    memcpy(req.mac, p + 28, 6);
    for (size_t i = FIXED_BYTES; i < bytes.n && p[i] != 255;) {
        if (p[i] == 0) {
            i++;
            continue;
        }
        if (i + 2 > bytes.n || i + 2 + p[i + 1] > bytes.n)
            return false;
        take_option(&req, p[i], p + i + 2, p[i + 1]);
        i += 2 + (size_t)p[i + 1];
    }
    if (!req.type)
        return false;
    *ret = req;
    return true;
}

static uint8_t *
put_option(uint8_t *w, uint8_t code, const void *p, size_t n)
{
    assert(p && n > 0);
    assert(n <= 255);
    *w++ = code;
    *w++ = (uint8_t)n;
    memcpy(w, p, n);
    return w + n;
}

static uint8_t *
put_option32(uint8_t *w, uint8_t code, uint32_t v)
{
    uint8_t bytes[4];

    put32(bytes, v);
    return put_option(w, code, bytes, 4);
}

static uint8_t *
put_servers(uint8_t *w, uint8_t code, const struct dhcp_servers *servers)
{
    uint8_t bytes[4 * DHCP_SERVERS_MAX];

    assert(servers->n <= DHCP_SERVERS_MAX);
    for (unsigned i = 0; i < servers->n; i++)
        put32(bytes + (size_t)4 * i, servers->ip[i]);
    return servers->n ? put_option(w, code, bytes, (size_t)4 * servers->n) : w;
}

static uint8_t *
put_lease(uint8_t *w, const struct dhcp_lease *lease, bool with_times)
{
    uint8_t mtu[2] = {(uint8_t)(lease->mtu >> 8), (uint8_t)lease->mtu};

    assert(lease->prefix <= 32);
    if (with_times) {
        w = put_option32(w, 51, lease->lease_s);
        w = put_option32(w, 58, lease->lease_s / 2);
        w = put_option32(w, 59, lease->lease_s / 8 * 7);
    }
    w = put_option32(w, 1, lease->prefix ? UINT32_MAX << (32 - lease->prefix) : 0);
    w = put_option32(w, 3, lease->gateway);
    w = put_servers(w, 6, &lease->dns);
    w = put_servers(w, 42, &lease->ntp);
    w = put_servers(w, 44, &lease->netbios);
    if (lease->netbios_type)
        w = put_option(w, 46, &lease->netbios_type, 1);
    w = put_option(w, 26, mtu, 2);
    w = put_option(w, 12, lease->host_name.p, MIN(lease->host_name.n, (size_t)63));
    return lease->domain.n
               ? put_option(w, 15, lease->domain.p, MIN(lease->domain.n, (size_t)DOMAIN_MAX))
               : w;
}

size_t
dhcp_reply(const struct dhcp_request *req, enum dhcp_type type, const struct dhcp_lease *lease,
           uint8_t out[DHCP_REPLY_MAX])
{
    static const uint8_t cookie[] = {99, 130, 83, 99};
    uint8_t kind = (uint8_t)type;
    /* INFORM: the client has its address by other means and must get neither it nor a lease. */
    bool informs = req->type == DHCP_INFORM;

    memset(out, 0, DHCP_REPLY_MAX);
    out[0] = 2;
    out[1] = 1;
    out[2] = 6;
    put32(out + 4, req->xid);
    out[10] = (uint8_t)(req->flags >> 8);
    out[11] = (uint8_t)req->flags;
    if (type != DHCP_NAK) {
        put32(out + 12, req->client_ip);
        put32(out + 16, informs ? 0 : lease->ip);
        put32(out + 20, lease->server_ip);
    }
    memcpy(out + 28, req->mac, 6);
    memcpy(out + 236, cookie, 4);
    uint8_t *w = put_option(out + FIXED_BYTES, 53, &kind, 1);
    w = put_option32(w, 54, lease->server_ip);
    if (type != DHCP_NAK)
        w = put_lease(w, lease, !informs);
    *w++ = 255;
    /* Old clients want at least the 300 bytes of BOOTP. */
    size_t n = MAX((size_t)(w - out), (size_t)300);
    assert(n <= DHCP_REPLY_MAX);
    return n;
}
