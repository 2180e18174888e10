/* Rules of security groups, as rows, in the words of the privileged process. */
#include "host/sandbox_driver.h"

#include "codec/ip.h"

static int
protocol_number(struct str name)
{
    int64_t n;

    if (str_is(name, "tcp"))
        return 6;
    if (str_is(name, "udp"))
        return 17;
    if (str_is(name, "icmp"))
        return 1;
    if (str_is(name, "icmpv6"))
        return 58;
    return str_to_i64(name, &n) && n >= 0 && n <= 255 ? (int)n : PRIV_PROTO_ALL;
}

bool
host_sandbox_rule(struct txn *txn, const struct ec2_sg_rule_row *row, struct priv_rule *ret)
{
    struct ip4_block block;

    *ret = (struct priv_rule){
        .egress = row->egress,
        .protocol = (int16_t)protocol_number(row->protocol),
        .from = (int32_t)row->from_port,
        .to = (int32_t)row->to_port,
    };
    if (row->peer_group_id.n) {
        const struct ec2_security_group_row *peer = ec2_security_group_get(txn, row->peer_group_id);

        ret->peer = PRIV_PEER_GROUP;
        ret->group = peer ? (uint32_t)peer->number : 0;
        return peer != NULL;
    }
    if (!ip4_block_parse(row->cidr4, &block))
        return false;
    ret->peer = PRIV_PEER_CIDR;
    ret->ip = ip4_block_canonical(block).ip;
    ret->prefix = block.bits;
    return true;
}
