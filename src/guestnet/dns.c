/*
 * The resolver of a VPC.  Names of instances are arithmetic, those of AWS's endpoints lead to the
 * API that listens inside the VPC; all others are asked of the host's
 * resolver (dns_forward.c).  Questions come by UDP here and by TCP from dns_tcp.c.
 */
#include "guestnet/internal.h"
#include "host/functions.h"

#include "gen/store/rds_rows.h"

#include "codec/aws_endpoint.h"
#include "codec/aws_names.h"
#include "codec/dns.h"
#include "codec/ip.h"
#include "gen/store/elbv2_rows.h"

#define TTL_S 60
#define IMDS_IP 0xa9fea9fe /* 169.254.169.254 */

void
dns_reply(const struct dns_question *question, const void *bytes, size_t n)
{
    assert(!question->conn || question->fd < 0);
    assert(bytes || n == 0);
    if (question->conn)
        dns_conn_reply(question->conn, bytes, n);
    else
        datagram_send(question->fd, &question->d, &question->d.from, bytes, n);
}

void
dns_reply_none(const struct dns_question *question, const struct dns_query *q, enum dns_rcode rcode)
{
    uint8_t out[DNS_UDP_MAX];
    size_t n =
        dns_answer_none(str_of(question->d.bytes, question->d.n), q, rcode, out, sizeof(out));

    assert(q->name_n <= sizeof(q->name));
    assert(n > 0); /* a header and a name fit */
    dns_reply(question, out, n);
}

/* ---- names of ours ---- */

/* "mail.example.com" of "mail.example.com.". */
static struct str
without_dot(struct str name)
{
    return str_ends(name, S(".")) ? str_cut(name, 0, name.n - 1) : name;
}

/*
 * Whether a name is an endpoint of AWS's.  But for where Amazon Linux gets its packages from, which
 * no cloud of one's own has.
 */
static bool
is_endpoint(const struct guestnet_vpc *vpc, struct str name)
{
    static const struct str mirrors[] = {S_INIT("amazonlinux"), S_INIT("al2023-repos-"),
                                         S_INIT("packages")};
    struct aws_endpoint e;

    if (!vpc->has_api || !aws_endpoint_parse(name, &e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(mirrors); i++)
        if (str_starts(name, mirrors[i]) && (str_is(e.service, "s3") || !e.prefix.n))
            return false;
    return true;
}

static bool
vpc_has(struct txn *txn, const struct ec2_vpc_row *vpc, uint32_t ip)
{
    struct ip4_block block;

    if (ip4_block_parse(vpc->cidr, &block) && ip4_block_has(block, ip))
        return true;
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc->id)
        if (ip4_block_parse(row->cidr, &block) && ip4_block_has(block, ip))
            return true;
    return false;
}

/* Whether a VPC may be told the private addresses of another: an option of their connection. */
static bool
peer_tells(struct txn *txn, struct str vpc_id, struct str other_id)
{
    STORE_EACH(txn, ec2_vpc_peering_by_vpc, row, vpc_id)
        if (str_is(row->state, "active") && row->peer_dns && str_eq(row->peer_vpc_id, other_id))
            return true;
    STORE_EACH(txn, ec2_vpc_peering_by_peer_vpc, row, vpc_id)
        if (str_is(row->state, "active") && row->dns && str_eq(row->vpc_id, other_id))
            return true;
    return false;
}

/*
 * Inside the VPC a public name is the private address, as on AWS.  False: the address is nobody's.
 */
static bool
private_of(struct txn *txn, const struct ec2_vpc_row *vpc, struct str public_ip, uint32_t *ip)
{
    const struct ec2_interface_row *nic = ec2_interface_by_public_ip_get(txn, public_ip);
    const struct ec2_secondary_address_row *more =
        nic ? NULL : ec2_secondary_address_by_public_ip_get(txn, public_ip);
    struct str vpc_id = nic ? nic->vpc_id : more ? more->vpc_id : STR_NONE;

    if (vpc_id.n && vpc->dns_hostnames &&
        (str_eq(vpc_id, vpc->id) || peer_tells(txn, vpc->id, vpc_id)))
        ip4_parse(nic ? nic->private_ip : more->private_ip, ip);
    return vpc_id.n > 0;
}

/*
 * The addresses of a load balancer's nodes, another one first each time; 0: it is no name of one.
 * That of an internal one is told in every VPC, as on AWS: it is of use in its own.
 */
static size_t
balancer_ips(struct txn *txn, struct str name, unsigned turn, uint32_t ips[DNS_ADDRESSES_MAX])
{
    const struct elb_balancer_row *row = elb_balancer_by_dns_get(txn, name);
    uint32_t all[DNS_ADDRESSES_MAX];
    size_t n = 0;

    if (!row)
        return 0;
    STORE_EACH(txn, elb_node_by_balancer, node, row->id) {
        const struct ec2_interface_row *nic = ec2_interface_get(txn, node->id);

        if (nic && n < DNS_ADDRESSES_MAX &&
            ip4_parse(row->internal ? nic->private_ip : nic->public_ip, &all[n]))
            n++;
    }
    for (size_t i = 0; i < n; i++)
        ips[i] = all[(i + turn) % n];
    return n;
}

/*
 * Where the DB instance of that name is; false: it is none.  As on AWS the name of one that is not
 * public leads to its private address whoever asks, and here the others' do as well: a VPC's
 * resolver is asked by its own guests alone.
 */
static bool
database_at(struct txn *txn, struct arena *a, struct str name, uint32_t *ip)
{
    const struct rds_instance_row *db =
        str_ends(name, S(".rds.amazonaws.com"))
            ? rds_instance_by_address_get(txn, str_lower(a, name))
            : NULL;
    const struct ec2_instance_row *machine =
        db && db->created_ms ? ec2_instance_get(txn, db->instance_id) : NULL;

    return machine && ip4_parse(machine->private_ip, ip);
}

/* A name of ours: NXDOMAIN when nobody has it, an empty answer for types other than A. */
static size_t
answer_ours(struct txn *txn, struct guestnet_vpc *vpc, struct arena *a, const struct datagram *d,
            const struct dns_query *q, uint8_t *out, size_t max)
{
    struct str name = str_of(q->name, q->name_n), bytes = str_of(d->bytes, d->n);
    const struct ec2_vpc_row *row = ec2_vpc_get(txn, guestnet_vpc_id(vpc));
    const struct ec2_interface_row *nic = NULL;
    uint32_t ip = 0;

    if (!row && !is_endpoint(vpc, name))
        return 0;
    if (!row)
        return q->type == DNS_A ? dns_answer_a(bytes, q, PRIV_API_IP, TTL_S, out, max)
                                : dns_answer_none(bytes, q, DNS_NOERROR, out, max);
    if (q->type == DNS_PTR && dns_reverse_parse(name, &ip)) {
        const struct ec2_address_row *elastic = ec2_address_by_public_ip_get(txn, ip4_text(a, ip));

        if (elastic && elastic->ptr_record.n)
            return dns_answer_ptr(bytes, q, without_dot(elastic->ptr_record), TTL_S, out, max);
        nic = vpc_has(txn, row, ip) ? guestnet_interface(txn, row->id, ip4_text(a, ip)) : NULL;
        if (!nic)
            return vpc_has(txn, row, ip) ? dns_answer_none(bytes, q, DNS_NXDOMAIN, out, max) : 0;
        return dns_answer_ptr(bytes, q, aws_private_name(a, nic->region, ip), TTL_S, out, max);
    }
    uint32_t ips[DNS_ADDRESSES_MAX];
    size_t n = balancer_ips(txn, name, q->id, ips);

    if (n)
        return q->type == DNS_A ? dns_answer_as(bytes, q, ips, n, TTL_S, out, max)
                                : dns_answer_none(bytes, q, DNS_NOERROR, out, max);
    if (str_is(name, "instance-data") || str_is(name, "instance-data.ec2.internal"))
        ip = IMDS_IP;
    else if (database_at(txn, a, name, &ip)) {
        assert(ip != 0);
    } else if (aws_public_name_parse(name, &ip)) {
        if (!private_of(txn, row, ip4_text(a, ip), &ip))
            return 0;
    } else if (is_endpoint(vpc, name)) {
        ip = PRIV_API_IP;
    } else if (!aws_private_name_parse(name, &ip) || !vpc_has(txn, row, ip)) {
        return 0;
    }
    return q->type == DNS_A ? dns_answer_a(bytes, q, ip, TTL_S, out, max)
                            : dns_answer_none(bytes, q, DNS_NOERROR, out, max);
}

/* Names below these can only be ours: they are never asked of the outside. */
static bool
is_internal(struct str name)
{
    return str_ends(name, S(".internal")) || str_is(name, "internal");
}

bool
dns_answer(const struct dns_question *question, struct txn *txn, struct arena *a)
{
    struct dns_forwarder *forwarder = question->vpc->g->forwarder;
    struct dns_query q;
    uint8_t out[DNS_UDP_MAX];

    assert(question->vpc && question->d.n <= DATAGRAM_MAX);
    const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, guestnet_vpc_id(question->vpc));

    /* That of functions has no row. */
    bool support = vpc ? vpc->dns_support
                       : str_is(guestnet_vpc_id(question->vpc), HOST_FUNCTIONS_VPC);

    if (!support) /* as if nobody was there */
        return false;
    if (!dns_parse_query(str_of(question->d.bytes, question->d.n), &q))
        return false;
    size_t n = answer_ours(txn, question->vpc, a, &question->d, &q, out, sizeof(out));
    assert(n <= sizeof(out));
    if (n)
        dns_reply(question, out, n);
    else if (is_internal(str_of(q.name, q.name_n)))
        dns_reply_none(question, &q, DNS_NXDOMAIN);
    else if (!dns_forward(forwarder, question))
        dns_reply_none(question, &q, dns_forwarder_exists(forwarder) ? DNS_SERVFAIL : DNS_NXDOMAIN);
    return true;
}

void
guestnet_dns(struct guestnet_vpc *vpc, int fd)
{
    static struct dns_question question;
    uint32_t heard[BATCH_MAX];
    size_t n = 0;
    struct arena arena;

    assert(fd >= 0);
    arena_init(&arena, (size_t)64 << 10);
    struct txn *txn = store_begin(vpc->g->config.store);
    question.vpc = vpc;
    question.fd = fd;
    for (; n < BATCH_MAX && datagram_receive(fd, &question.d); n++) {
        dns_answer(&question, txn, &arena);
        heard[n] = ntohl(question.d.from.sin_addr.s_addr);
        arena_reset(&arena);
    }
    store_rollback(txn);
    arena_done(&arena);
    guestnet_heard(vpc, heard, n);
}
