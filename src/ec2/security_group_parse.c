/*
 * What a request says of rules.
 *
 * The same rule can be said in three forms (flat, IpPermissions, SecurityGroupRuleRequest) and
 * written in many ways: "6" is tcp, 10.1.2.3/8 is 10.0.0.0/8, ports of "all protocols" mean
 * nothing.  Here all become one canonical row, so that two rules are the same iff they are equal.
 */
#include "codec/ip.h"
#include "ec2/security_group.h"

enum { PORT_MAX = 65535, ICMP_MAX = 255, PROTOCOL_MAX = 255 };

int
ec2_rule_description_check(struct api_call *call, struct str description)
{
    if (ec2_description_ok(description))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Invalid rule description. Valid descriptions are strings less than 256 "
                     "characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
}

static int
protocol_parse(struct api_call *call, struct str s, struct str *ret)
{
    static const struct {
        const char *name;
        int64_t number;
    } known[] = {{"-1", -1}, {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}};
    int64_t number = -2;

    if (!s.p)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value 'null' for protocol. "
                         "VPC security group rules must specify protocols explicitly.");
    (void)str_to_i64(s, &number);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (number == known[i].number || str_eq_nocase(s, str_from(known[i].name))) {
            *ret = str_from(known[i].name);
            return 0;
        }
    if (number < 0 || number > PROTOCOL_MAX)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for IP protocol. Unknown protocol.", STR_ARG(s));
    assert(number >= 0 && number <= PROTOCOL_MAX);
    *ret = str_fmt(call->arena, "%d", (int)number);
    return 0;
}

static int
port_check(struct api_call *call, const char *what, int64_t port, int64_t min, int64_t max)
{
    assert(min <= max);
    if (port >= min && port <= max)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "%s (%lld) out of range", what,
                     (long long)port);
}

static int
icmp_parse(struct api_call *call, struct opt_i64 type, struct opt_i64 code,
           struct ec2_sg_rule_row *rule)
{
    bool v6 = str_is(rule->protocol, "icmpv6");
    int r;

    if (v6 && !type.set && !code.set)
        type = code = opt_i64(-1);
    if (!type.set || !code.set)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value 'Must specify both from and to ports with %s.' "
                         "for portRange.",
                         v6 ? "ICMPv6" : "ICMP");
    r = port_check(call, "ICMP type", type.v, -1, ICMP_MAX);
    if (!r) /* all types have all codes */
        r = port_check(call, "ICMP code", code.v, -1, type.v == -1 ? -1 : ICMP_MAX);
    if (r)
        return r;
    assert(type.v >= -1 && code.v >= -1);
    rule->from_port = type.v;
    rule->to_port = code.v;
    return 0;
}

/* Ports, or ICMP's type and code, of rule->protocol. */
static int
ports_parse(struct api_call *call, struct opt_i64 from, struct opt_i64 to,
            struct ec2_sg_rule_row *rule)
{
    int r;

    assert(rule->protocol.n > 0);
    if (str_starts(rule->protocol, S("icmp")))
        return icmp_parse(call, from, to, rule);
    if (!str_is(rule->protocol, "tcp") && !str_is(rule->protocol, "udp")) {
        rule->from_port = rule->to_port = -1; /* whatever was said: AWS ignores it */
        return 0;
    }
    if (!from.set || !to.set)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value 'Must specify both from and to ports with TCP/UDP.' "
                         "for portRange.");
    r = port_check(call, "TCP/UDP port", from.v, 0, PORT_MAX);
    if (!r)
        r = port_check(call, "TCP/UDP port", to.v, 0, PORT_MAX);
    if (r)
        return r;
    if (from.v > to.v)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid TCP/UDP port range (%lld:%lld)", (long long)from.v,
                         (long long)to.v);
    rule->from_port = from.v;
    rule->to_port = to.v;
    return 0;
}

static int
cidr_malformed(struct api_call *call, struct str s)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "CIDR block %.*s is malformed",
                     STR_ARG(s));
}

static int
cidr4_parse(struct api_call *call, struct str s, struct str *ret)
{
    struct ip4_block block;

    if (!ip4_block_parse(s, &block))
        return cidr_malformed(call, s);
    *ret = ip4_block_text(call->arena, ip4_block_canonical(block));
    return 0;
}

static int
cidr6_parse(struct api_call *call, struct str s, struct str *ret)
{
    struct ip6_block block;

    if (!ip6_block_parse(s, &block))
        return cidr_malformed(call, s);
    block = ip6_block_canonical(block);
    *ret = ip6_block_text(call->arena, &block);
    return 0;
}

/* Makes `peer` the source of the rule when it is in the network of the rule's group. */
static int
peer_set(struct api_call *call, const struct ec2_security_group_row *group,
         const struct ec2_security_group_row *peer, struct ec2_sg_rule_row *rule)
{
    assert(str_eq(peer->account, group->account));
    if (!str_eq(peer->vpc_id, group->vpc_id))
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "You have specified two resources that belong to different networks.");
    rule->peer_group_id = peer->id;
    rule->peer_account = peer->account;
    return 0;
}

static int
pair_parse(struct api_call *call, const struct ec2_security_group_row *group,
           const struct ec2_UserIdGroupPair *pair, struct ec2_sg_rule_row *rule)
{
    const struct ec2_security_group_row *peer;
    int r;

    if (pair->vpc_peering_connection_id.n || pair->peering_status.n)
        return ec2_unsupported(call, "VpcPeeringConnectionId of a security group rule");
    if (!pair->group_id.p && !pair->group_name.p)
        return api_fault(call, &EC2_ERR(MissingParameter), "Source group ID missing.");
    if (pair->user_id.n && !str_eq(pair->user_id, call->account)) {
        struct str what = pair->group_id.p ? pair->group_id : pair->group_name;

        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "The security group '%.*s' does not exist", STR_ARG(what));
    }
    /* The name may stand beside the id, as Describe once showed pairs; the id counts. */
    r = pair->group_id.p ? ec2_group_find(call, pair->group_id, &peer)
                         : ec2_group_named_find(call, pair->group_name, &peer);
    if (r)
        return r;
    if (pair->vpc_id.n && !str_eq(pair->vpc_id, peer->vpc_id))
        return api_fault(call, &EC2_ERR(InvalidGroup_NotFound),
                         "The security group '%.*s' does not exist in VPC '%.*s'",
                         STR_ARG(peer->id), STR_ARG(pair->vpc_id));
    return peer_set(call, group, peer, rule);
}

static int
rule_push(struct api_call *call, struct ec2_rule_list *out, const struct ec2_sg_rule_row *common,
          struct str description, struct ec2_sg_rule_row **ret)
{
    int r = ec2_rule_description_check(call, description);

    if (r)
        return r;
    *ret = LIST_PUSH(call->arena, out);
    **ret = *common;
    (*ret)->description = description;
    return 0;
}

/* One permission: a rule for each of its sources. */
static int
permission_parse(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                 const struct ec2_IpPermission *p, struct ec2_rule_list *out)
{
    struct ec2_sg_rule_row common = {.group_id = group->id, .egress = egress}, *rule;
    size_t before = out->n;
    int r = protocol_parse(call, p->ip_protocol, &common.protocol);

    if (!r)
        r = ports_parse(call, p->from_port, p->to_port, &common);
    if (r)
        return r;
    LIST_EACH(&p->user_id_group_pairs, pair)
        if ((r = rule_push(call, out, &common, pair->description, &rule)) ||
            (r = pair_parse(call, group, pair, rule)))
            return r;
    LIST_EACH(&p->ip_ranges, range)
        if ((r = rule_push(call, out, &common, range->description, &rule)) ||
            (r = cidr4_parse(call, range->cidr_ip, &rule->cidr4)))
            return r;
    LIST_EACH(&p->ipv6_ranges, range)
        if ((r = rule_push(call, out, &common, range->description, &rule)) ||
            (r = cidr6_parse(call, range->cidr_ipv6, &rule->cidr6)))
            return r;
    LIST_EACH(&p->prefix_list_ids, list) {
        if ((r = rule_push(call, out, &common, list->description, &rule)) ||
            (r = ec2_prefix_list_use(call, list->prefix_list_id)))
            return r;
        rule->prefix_list_id = list->prefix_list_id;
    }
    if (out->n == before)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Missing source specification: include source security group or CIDR "
                         "information");
    assert(out->n > before);
    return 0;
}

/* SourceSecurityGroupName: all of TCP, UDP and ICMP from that group. */
static int
flat_source_parse(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                  const struct ec2_rule_flat *flat, struct ec2_rule_list *out)
{
    static const struct {
        const char *protocol;
        int to;
    } all[] = {{"tcp", PORT_MAX}, {"udp", PORT_MAX}, {"icmp", -1}};
    struct ec2_UserIdGroupPair pair = {.group_name = flat->source_name,
                                       .user_id = flat->source_owner};

    if (flat->cidr.p || flat->protocol.p || flat->from_port.set || flat->to_port.set)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter sourceSecurityGroupName may not be used in combination "
                         "with cidrIp, ipProtocol, fromPort or toPort");
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct ec2_sg_rule_row rule = {.group_id = group->id,
                                       .egress = egress,
                                       .protocol = str_from(all[i].protocol),
                                       .from_port = all[i].to < 0 ? -1 : 0,
                                       .to_port = all[i].to};
        int r = pair_parse(call, group, &pair, &rule);

        if (r)
            return r;
        *LIST_PUSH(call->arena, out) = rule;
    }
    return 0;
}

static int
flat_parse(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
           const struct ec2_rule_flat *flat, struct ec2_rule_list *out)
{
    struct ec2_IpRange range = {.cidr_ip = flat->cidr};
    struct ec2_IpPermission p = {.ip_protocol = flat->protocol,
                                 .from_port = flat->from_port,
                                 .to_port = flat->to_port,
                                 .ip_ranges = {&range, flat->cidr.p ? 1 : 0}};

    if (flat->source_name.p || flat->source_owner.p)
        return flat_source_parse(call, group, egress, flat, out);
    if (!flat->cidr.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Missing source specification: include source security group or CIDR "
                         "information");
    return permission_parse(call, group, egress, &p, out);
}

int
ec2_rules_parse(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                const struct ec2_IpPermissionList *permissions, const struct ec2_rule_flat *flat,
                struct ec2_rule_list *ret)
{
    struct ec2_rule_list out = {0};
    bool has_flat = flat && ec2_rule_flat_given(flat);
    int r = 0;

    if (has_flat && permissions->n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter ipPermissions may not be used in combination with "
                         "cidrIp, ipProtocol, fromPort, toPort or sourceSecurityGroupName");
    if (has_flat)
        r = flat_parse(call, group, egress, flat, &out);
    else if (!permissions->n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Missing source specification: include source security group or CIDR "
                         "information");
    LIST_EACH(permissions, p)
        if (!r)
            r = permission_parse(call, group, egress, p, &out);
    if (r)
        return r;
    assert(out.n > 0);
    *ret = out;
    return 0;
}

/* ---- ModifySecurityGroupRules ---- */

/* The kinds of a rule's source, which a rule keeps for its life. */
enum source { SOURCE_CIDR4, SOURCE_CIDR6, SOURCE_PREFIX_LIST, SOURCE_GROUP };

static const struct {
    const char *parameter, *rule;
} sources[] = {
    [SOURCE_CIDR4] = {"CidrIpv4", "IPv4 CIDR"},
    [SOURCE_CIDR6] = {"CidrIpv6", "IPv6 CIDR"},
    [SOURCE_PREFIX_LIST] = {"PrefixListId", "prefix list"},
    [SOURCE_GROUP] = {"ReferencedGroupId", "referenced group"},
};

static enum source
source_of(const struct ec2_sg_rule_row *rule)
{
    assert(rule->cidr4.n || rule->cidr6.n || rule->prefix_list_id.n || rule->peer_group_id.n);
    return rule->cidr4.n            ? SOURCE_CIDR4
           : rule->cidr6.n          ? SOURCE_CIDR6
           : rule->prefix_list_id.n ? SOURCE_PREFIX_LIST
                                    : SOURCE_GROUP;
}

static int
update_source_parse(struct api_call *call, const struct ec2_security_group_row *group,
                    const struct ec2_sg_rule_row *old,
                    const struct ec2_SecurityGroupRuleRequest *req, struct ec2_sg_rule_row *rule)
{
    const struct str given[] = {
        [SOURCE_CIDR4] = req->cidr_ipv4,
        [SOURCE_CIDR6] = req->cidr_ipv6,
        [SOURCE_PREFIX_LIST] = req->prefix_list_id,
        [SOURCE_GROUP] = req->referenced_group_id,
    };
    struct ec2_UserIdGroupPair pair = {.group_id = req->referenced_group_id};
    enum source was = source_of(old), now = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(given); i++)
        if (given[i].p) {
            now = i;
            n++;
        }
    if (n == 0)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain exactly one of: cidrIp, cidrIpv6, "
                         "prefixListId, or referencedGroupId");
    if (n > 1)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can "
                         "be specified");
    if (now != was)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid rule type for security group rule '%.*s'. You may not specify "
                         "%s for an existing %s rule.",
                         STR_ARG(old->id), sources[now].parameter, sources[was].rule);
    assert(n == 1 && given[now].p);
    switch (now) {
    case SOURCE_CIDR4:
        return cidr4_parse(call, given[now], &rule->cidr4);
    case SOURCE_CIDR6:
        return cidr6_parse(call, given[now], &rule->cidr6);
    case SOURCE_PREFIX_LIST:
        rule->prefix_list_id = given[now];
        return ec2_prefix_list_use(call, given[now]);
    case SOURCE_GROUP:
        return pair_parse(call, group, &pair, rule);
    }
    return error_origin(EINVAL, "a rule's source is of kind %d", (int)now);
}

int
ec2_rule_parse_update(struct api_call *call, const struct ec2_security_group_row *group,
                      const struct ec2_sg_rule_row *old,
                      const struct ec2_SecurityGroupRuleRequest *req, struct ec2_sg_rule_row *ret)
{
    struct ec2_sg_rule_row rule = *old;
    int r = protocol_parse(call, req->ip_protocol, &rule.protocol);

    assert(str_eq(old->group_id, group->id));
    if (r)
        return r;
    if (str_is(rule.protocol, "-1") &&
        (opt_i64_or(req->from_port, -1) != -1 || opt_i64_or(req->to_port, -1) != -1))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "You may not specify all protocols and specific ports. Please specify "
                         "each protocol and port range combination individually, or all "
                         "protocols and no port range.");
    r = ports_parse(call, req->from_port, req->to_port, &rule);
    if (!r)
        r = ec2_rule_description_check(call, req->description);
    if (!r)
        r = update_source_parse(call, group, old, req, &rule);
    if (r)
        return r;
    rule.description = req->description;
    *ret = rule;
    return 0;
}
