/* Rows in the words of the privileged process: rules of security groups, and launches. */
#include "host/sandbox_driver.h"

#include "codec/ip.h"

#include <stdio.h>
#include <stdlib.h>

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

/* ---- launches ---- */

static enum priv_init
init_kind(struct str init)
{
    return str_is(init, "systemd") ? PRIV_INIT_SYSTEMD : PRIV_INIT_WELKIN;
}

static bool
parse_mac(struct str text, uint8_t ret[6])
{
    for (size_t i = 0; i < 6; i++) {
        struct str byte = str_split(&text, ':');
        char hex[3] = {0};
        char *end;

        if (byte.n != 2)
            return false;
        memcpy(hex, byte.p, 2);
        ret[i] = (uint8_t)strtoul(hex, &end, 16);
        if (end != hex + 2)
            return false;
    }
    return text.p == NULL;
}

bool
host_sandbox_launch(const struct host_boot *boot, struct priv_launch *ret)
{
    const struct ec2_instance_row *instance = boot->instance;
    struct ip4_block subnet;
    uint32_t ip;

    if (!ip4_block_parse(boot->subnet->cidr, &subnet) ||
        !ip4_parse(boot->interface->private_ip, &ip) || !parse_mac(boot->interface->mac, ret->mac))
        return false;
    if (instance->rootfs.n >= sizeof(ret->image) || instance->id.n >= sizeof(ret->id))
        return false;
    memcpy(ret->id, instance->id.p, instance->id.n);
    memcpy(ret->image, instance->rootfs.p, instance->rootfs.n);
    snprintf(ret->hostname, sizeof(ret->hostname), "ip-%u-%u-%u-%u", ip >> 24, ip >> 16 & 255,
             ip >> 8 & 255, ip & 255);
    ret->vpc = (uint32_t)boot->vpc->number;
    ret->slot = (uint32_t)instance->uid_slot;
    ret->private_ip = ip;
    ret->prefix = subnet.bits;
    ret->gateway = ip4_block_nth(subnet, 1);
    ret->init = (uint8_t)init_kind(instance->init);
    if (boot->interface->public_ip.n)
        ip4_parse(boot->interface->public_ip, &ret->public_ip);
    ret->limits.cpu_milli = boot->cpu_milli;
    ret->limits.memory_bytes = boot->memory_bytes;
    return true;
}
