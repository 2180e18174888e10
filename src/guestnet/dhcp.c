/*
 * DHCP: an address is not leased but looked up; it is the interface's for as long as that lives.
 */
#include "guestnet/internal.h"

#include "base/list.h"
#include "codec/aws_names.h"
#include "codec/dhcp.h"
#include "codec/ip.h"

#define LEASE_S 3600
#define MTU 9001

static struct dhcp_servers
servers_of(const struct str_list *texts, uint32_t amazon)
{
    struct dhcp_servers servers = {0};

    LIST_EACH(texts, text)
        if (servers.n < DHCP_SERVERS_MAX) {
            servers.ip[servers.n] = amazon; /* stands for its name */
            ip4_parse(*text, &servers.ip[servers.n++]);
        }
    return servers;
}

/* What the VPC's DHCP options say; a VPC may have none. */
static void
options_of(struct txn *txn, struct arena *a, const struct ec2_vpc_row *vpc, struct ip4_block block,
           struct dhcp_lease *lease)
{
    const struct ec2_dhcp_options_row *options = ec2_dhcp_options_get(txn, vpc->dhcp_options_id);
    uint32_t resolver = ip4_block_nth(block, 2);

    if (!options)
        return;
    lease->dns = servers_of(&options->name_servers, resolver);
    lease->ntp = servers_of(&options->ntp_servers, 0);
    lease->netbios = servers_of(&options->netbios_servers, 0);
    lease->netbios_type = (uint8_t)options->netbios_type;
    lease->domain = str_dup(a, options->domain_name);
}

/* The lease of an interface; false when its rows are not whole. */
static bool
lease_of(struct txn *txn, struct arena *a, const struct ec2_interface_row *nic,
         struct dhcp_lease *ret)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, nic->subnet_id);
    const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, nic->vpc_id);
    struct ip4_block subnet_block, vpc_block;
    uint32_t ip;

    if (!subnet || !vpc || !ip4_block_parse(subnet->cidr, &subnet_block) ||
        !ip4_block_parse(vpc->cidr, &vpc_block) || !ip4_parse(nic->private_ip, &ip))
        return false;
    struct str name = aws_private_name(a, nic->region, ip);
    assert(ip4_block_has(subnet_block, ip));
    *ret = (struct dhcp_lease){
        .ip = ip,
        .server_ip = ip4_block_nth(subnet_block, 1),
        .gateway = ip4_block_nth(subnet_block, 1),
        .prefix = subnet_block.bits,
        .mtu = MTU,
        .lease_s = LEASE_S,
        .host_name = str_cut(name, 0, str_find_char(name, '.')),
    };
    options_of(txn, a, vpc, vpc_block, ret);
    return true;
}

static enum dhcp_type
verdict(const struct dhcp_request *req, const struct dhcp_lease *lease)
{
    uint32_t wanted = req->wanted_ip ? req->wanted_ip : req->client_ip;

    assert(lease->ip);
    if (req->type == DHCP_DISCOVER)
        return DHCP_OFFER;
    if (req->type == DHCP_INFORM)
        return DHCP_ACK;
    return wanted && wanted != lease->ip ? DHCP_NAK : DHCP_ACK;
}

/* The address of who asked; 0 when it is none of ours. */
static uint32_t
answer(struct guestnet_vpc *vpc, struct txn *txn, struct arena *a, const struct datagram *d)
{
    const struct sockaddr_in all = {
        .sin_family = AF_INET, .sin_port = htons(68), .sin_addr.s_addr = INADDR_BROADCAST};
    uint8_t out[DHCP_REPLY_MAX];
    struct dhcp_request req;
    struct dhcp_lease lease;

    if (!dhcp_parse(str_of(d->bytes, d->n), &req) || req.type == DHCP_DECLINE ||
        req.type == DHCP_RELEASE)
        return 0;
    struct str mac = str_fmt(a, "%02x:%02x:%02x:%02x:%02x:%02x", req.mac[0], req.mac[1], req.mac[2],
                             req.mac[3], req.mac[4], req.mac[5]);
    const struct ec2_interface_row *nic = ec2_interface_by_mac_get(txn, mac);
    if (!nic || !str_eq(nic->vpc_id, guestnet_vpc_id(vpc)) || !lease_of(txn, a, nic, &lease))
        return 0;
    if (req.server_ip && req.server_ip != lease.server_ip)
        return 0; /* meant for another server */
    struct sockaddr_in dest = all;
    if (req.client_ip == lease.ip)
        dest.sin_addr.s_addr = htonl(lease.ip); /* it has the address and renews it */
    size_t n = dhcp_reply(&req, verdict(&req, &lease), &lease, out);
    assert(n > 0 && n <= sizeof(out));
    datagram_send(vpc->dhcp.fd, d, &dest, out, n);
    return lease.ip;
}

void
guestnet_dhcp(struct loop_fd *source, uint32_t events UNUSED)
{
    struct guestnet_vpc *vpc = CONTAINER_OF(source, struct guestnet_vpc, dhcp);
    static struct datagram d;
    uint32_t heard[BATCH_MAX];
    size_t n = 0;
    struct arena arena;

    arena_init(&arena, (size_t)64 << 10);
    struct txn *txn = store_begin(vpc->g->config.store);
    for (; n < BATCH_MAX && datagram_receive(source->fd, &d); n++) {
        heard[n] = answer(vpc, txn, &arena, &d);
        arena_reset(&arena);
    }
    store_rollback(txn);
    assert(n <= BATCH_MAX);
    arena_done(&arena);
    guestnet_heard(vpc, heard, n);
}
