/*
 * The rules of security groups.
 *
 * A rule is a row with an id of its own; DescribeSecurityGroups shows the same rows folded into
 * permissions.  Authorize and Revoke are all or nothing: the first refusal rolls the call back.
 */
#include "ec2/security_group.h"
#include "ec2/row_ok.h"

enum { RULES_MAX = 60 }; /* of a group, one direction and one address family */

bool
ec2_rule_same(const struct ec2_sg_rule_row *a, const struct ec2_sg_rule_row *b)
{
    return str_eq(a->group_id, b->group_id) && a->egress == b->egress &&
           str_eq(a->protocol, b->protocol) && a->from_port == b->from_port &&
           a->to_port == b->to_port && str_eq(a->cidr4, b->cidr4) && str_eq(a->cidr6, b->cidr6) &&
           str_eq(a->prefix_list_id, b->prefix_list_id) &&
           str_eq(a->peer_group_id, b->peer_group_id);
}

/* A rule has one source, whatever of the four kinds. */
static bool
has_one_source(const struct ec2_sg_rule_row *rule)
{
    return !!rule->cidr4.n + !!rule->cidr6.n + !!rule->prefix_list_id.n + !!rule->peer_group_id.n ==
           1;
}

/* ---- showing ---- */

struct ec2_SecurityGroupRule
ec2_rule_show(struct api_call *call, const struct ec2_sg_rule_row *row)
{
    struct ec2_SecurityGroupRule out = {
        .security_group_rule_id = row->id,
        .group_id = row->group_id,
        .group_owner_id = row->account,
        .is_egress = opt_bool(row->egress),
        .ip_protocol = row->protocol,
        .from_port = opt_i64(row->from_port),
        .to_port = opt_i64(row->to_port),
        .cidr_ipv4 = ec2_text_show(row->cidr4),
        .cidr_ipv6 = ec2_text_show(row->cidr6),
        .prefix_list_id = ec2_text_show(row->prefix_list_id),
        .description = ec2_text_show(row->description),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .security_group_rule_arn = ec2_arn(call, "security-group-rule", row->id),
    };

    if (row->peer_group_id.n) {
        out.referenced_group_info = ARENA_NEW(call->arena, struct ec2_ReferencedSecurityGroup);
        out.referenced_group_info->group_id = row->peer_group_id;
        out.referenced_group_info->user_id = row->peer_account;
    }
    API_PRESENT(&out.tags);
    return out;
}

static struct ec2_IpPermission *
permission_of(struct api_call *call, struct ec2_IpPermissionList *list,
              const struct ec2_sg_rule_row *rule)
{
    /* Only these protocols have ports; the others' are not shown at all. */
    bool ports = str_is(rule->protocol, "tcp") || str_is(rule->protocol, "udp") ||
                 str_starts(rule->protocol, S("icmp"));

    LIST_EACH(list, p)
        if (str_eq(p->ip_protocol, rule->protocol) &&
            (!ports || (p->from_port.v == rule->from_port && p->to_port.v == rule->to_port)))
            return p;

    struct ec2_IpPermission *p = LIST_PUSH(call->arena, list);

    p->ip_protocol = rule->protocol;
    if (ports) {
        p->from_port = opt_i64(rule->from_port);
        p->to_port = opt_i64(rule->to_port);
    }
    API_PRESENT(&p->user_id_group_pairs);
    API_PRESENT(&p->ip_ranges);
    API_PRESENT(&p->ipv6_ranges);
    API_PRESENT(&p->prefix_list_ids);
    return p;
}

void
ec2_permission_add(struct api_call *call, struct ec2_IpPermissionList *list,
                   const struct ec2_sg_rule_row *rule)
{
    struct ec2_IpPermission *p = permission_of(call, list, rule);
    struct str description = ec2_text_show(rule->description);

    assert(has_one_source(rule));
    if (rule->cidr4.n)
        *LIST_PUSH(call->arena, &p->ip_ranges) =
            (struct ec2_IpRange){.cidr_ip = rule->cidr4, .description = description};
    else if (rule->cidr6.n)
        *LIST_PUSH(call->arena, &p->ipv6_ranges) =
            (struct ec2_Ipv6Range){.cidr_ipv6 = rule->cidr6, .description = description};
    else if (rule->prefix_list_id.n)
        *LIST_PUSH(call->arena, &p->prefix_list_ids) = (struct ec2_PrefixListId){
            .prefix_list_id = rule->prefix_list_id, .description = description};
    else
        *LIST_PUSH(call->arena, &p->user_id_group_pairs) =
            (struct ec2_UserIdGroupPair){.group_id = rule->peer_group_id,
                                         .user_id = rule->peer_account,
                                         .description = description};
}

struct ec2_IpPermissionList
ec2_rules_show(struct api_call *call, struct str group_id, bool egress)
{
    struct ec2_IpPermissionList out = {0};

    STORE_EACH(call->txn, ec2_sg_rule_by_group, rule, group_id)
        if (rule->egress == egress)
            ec2_permission_add(call, &out, rule);
    API_PRESENT(&out);
    return out;
}

/* ---- authorize ---- */

int
ec2_rule_insert(struct api_call *call, struct ec2_sg_rule_row *row)
{
    assert(has_one_source(row) && row->group_id.n > 0 && row->protocol.n > 0);
    assert(row->from_port <= row->to_port || str_starts(row->protocol, S("icmp")));
    row->id = api_id(call, "sgr");
    row->account = call->account;
    row->region = call->region;
    row->created_ms = call->now_ms;
    row->serial = 1;
    STORE_EACH(call->txn, ec2_sg_rule_by_group, rule, row->group_id)
        row->serial = rule->serial + 1; /* the last is the highest */

    assert(ec2_sg_rule_ok(row));
    int r = ec2_sg_rule_insert(call->txn, row);

    return r < 0 ? error_origin(-r, "rule %.*s cannot be written", STR_ARG(row->id)) : 0;
}

/* "0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW": how AWS's refusal calls a rule. */
static struct str
rule_words(struct arena *arena, const struct ec2_sg_rule_row *rule)
{
    struct str peer = rule->cidr4.n            ? rule->cidr4
                      : rule->cidr6.n          ? rule->cidr6
                      : rule->prefix_list_id.n ? rule->prefix_list_id
                                               : rule->peer_group_id;
    long long from = rule->from_port, to = rule->to_port;

    assert(has_one_source(rule));
    if (str_is(rule->protocol, "-1"))
        return str_fmt(arena, "%.*s, ALL, ALLOW", STR_ARG(peer));
    if (str_is(rule->protocol, "tcp") || str_is(rule->protocol, "udp"))
        return str_fmt(arena, "%.*s, %s, from port: %lld, to port: %lld, ALLOW", STR_ARG(peer),
                       str_is(rule->protocol, "tcp") ? "TCP" : "UDP", from, to);
    if (str_starts(rule->protocol, S("icmp"))) {
        struct str type = from < 0 ? S("ALL") : str_fmt(arena, "%lld", from);
        struct str code = to < 0 ? S("ALL") : str_fmt(arena, "%lld", to);

        return str_fmt(arena, "%.*s, %s, type: %.*s, code: %.*s, ALLOW", STR_ARG(peer),
                       str_is(rule->protocol, "icmp") ? "ICMP" : "ICMPv6", STR_ARG(type),
                       STR_ARG(code));
    }
    return str_fmt(arena, "%.*s, %.*s, ALLOW", STR_ARG(peer), STR_ARG(rule->protocol));
}

static int
duplicate_refuse(struct api_call *call, const struct ec2_sg_rule_row *rule)
{
    struct str words = rule_words(call->arena, rule);

    return api_fault(call, &EC2_ERR(InvalidPermission_Duplicate),
                     "the specified rule \"peer: %.*s\" already exists", STR_ARG(words));
}

/* The group's rule that says the same as `rule` and is not `but`, or NULL. */
static const struct ec2_sg_rule_row *
rule_like(struct api_call *call, const struct ec2_sg_rule_row *rule, struct str but)
{
    STORE_EACH(call->txn, ec2_sg_rule_by_group, row, rule->group_id)
        if (ec2_rule_same(row, rule) && !str_eq(row->id, but))
            return row;
    return NULL;
}

/* Counts a rule to the families that it is about: a group or a prefix list is about both. */
static void
count_families(const struct ec2_sg_rule_row *rule, unsigned n[2])
{
    assert(has_one_source(rule));
    n[0] += !rule->cidr6.n;
    n[1] += !rule->cidr4.n;
}

static int
limit_check(struct api_call *call, const struct ec2_rule_list *rules)
{
    unsigned n[2] = {0};

    assert(rules->n > 0);
    STORE_EACH(call->txn, ec2_sg_rule_by_group, row, rules->v[0].group_id)
        if (row->egress == rules->v[0].egress)
            count_families(row, n);
    LIST_EACH(rules, rule)
        count_families(rule, n);
    if (n[0] > RULES_MAX || n[1] > RULES_MAX)
        return api_fault(call, &EC2_ERR(RulesPerSecurityGroupLimitExceeded),
                         "The maximum number of rules per security group has been reached.");
    return 0;
}

static int
duplicates_check(struct api_call *call, const struct ec2_rule_list *rules)
{
    LIST_EACH(rules, rule) {
        for (const struct ec2_sg_rule_row *other = rules->v; other < rule; other++)
            if (ec2_rule_same(rule, other))
                return api_fault(call, &EC2_ERR(InvalidParameterValue),
                                 "The same permission must not appear multiple times");
        if (rule_like(call, rule, STR_NONE))
            return duplicate_refuse(call, rule);
    }
    return 0;
}

static int
authorize(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
          const struct ec2_IpPermissionList *permissions, const struct ec2_rule_flat *flat,
          const struct ec2_TagSpecificationList *specs, struct ec2_SecurityGroupRuleList *ret)
{
    static const char *const kinds[] = {"security-group-rule"};
    struct ec2_rule_list rules;
    struct str_list tags = {0};
    int r = ec2_tags_only(call, specs, kinds, ARRAY_LEN(kinds));

    if (!r)
        r = ec2_tags_of(call, specs, kinds[0], &tags);
    if (!r)
        r = ec2_rules_parse(call, group, egress, permissions, flat, &rules);
    if (!r)
        r = limit_check(call, &rules); /* first: it bounds what follows */
    if (!r)
        r = duplicates_check(call, &rules);
    if (r)
        return r;
    LIST_EACH(&rules, rule) {
        rule->tags = tags;
        r = ec2_rule_insert(call, rule);
        if (r)
            return r;
        *LIST_PUSH(call->arena, ret) = ec2_rule_show(call, rule);
    }
    return 0;
}

int
ec2_authorize_security_group_ingress(struct api_call *call,
                                     const struct ec2_AuthorizeSecurityGroupIngressRequest *req,
                                     struct ec2_AuthorizeSecurityGroupIngressResult *res)
{
    const struct ec2_rule_flat flat = {
        .cidr = req->cidr_ip,
        .protocol = req->ip_protocol,
        .source_name = req->source_security_group_name,
        .source_owner = req->source_security_group_owner_id,
        .from_port = req->from_port,
        .to_port = req->to_port,
    };
    const struct ec2_security_group_row *group;
    int r = ec2_group_either_find(call, req->group_id, req->group_name, &group);

    if (!r)
        r = authorize(call, group, false, &req->ip_permissions, &flat, &req->tag_specifications,
                      &res->security_group_rules);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

/* Egress has the flat parameters in its description only to say that they are not supported. */
static int
flat_refuse(struct api_call *call, struct str cidr, struct str protocol, struct opt_i64 from,
            struct opt_i64 to, struct str source_name, struct str source_owner)
{
    const char *which = cidr.p           ? "cidrIp"
                        : protocol.p     ? "ipProtocol"
                        : from.set       ? "fromPort"
                        : to.set         ? "toPort"
                        : source_name.p  ? "sourceSecurityGroupName"
                        : source_owner.p ? "sourceSecurityGroupOwnerId"
                                         : NULL;

    if (!which)
        return 0;
    return api_fault(call, &EC2_ERR(UnknownParameter), "The parameter %s is not recognized", which);
}

int
ec2_authorize_security_group_egress(struct api_call *call,
                                    const struct ec2_AuthorizeSecurityGroupEgressRequest *req,
                                    struct ec2_AuthorizeSecurityGroupEgressResult *res)
{
    const struct ec2_security_group_row *group;
    int r = flat_refuse(call, req->cidr_ip, req->ip_protocol, req->from_port, req->to_port,
                        req->source_security_group_name, req->source_security_group_owner_id);

    if (!r)
        r = ec2_group_find(call, req->group_id, &group);
    if (!r)
        r = authorize(call, group, true, &req->ip_permissions, NULL, &req->tag_specifications,
                      &res->security_group_rules);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

/* ---- revoke ---- */

struct revoked {
    struct ec2_IpPermissionList unknown;
    struct ec2_RevokedSecurityGroupRuleList rules;
};

static int
rule_delete(struct api_call *call, const struct ec2_sg_rule_row *row, struct revoked *out)
{
    int r = ec2_sg_rule_delete(call->txn, row->id);

    if (r < 0)
        return error_origin(-r, "rule %.*s cannot be deleted", STR_ARG(row->id));
    *LIST_PUSH(call->arena, &out->rules) = (struct ec2_RevokedSecurityGroupRule){
        .security_group_rule_id = row->id,
        .group_id = row->group_id,
        .is_egress = opt_bool(row->egress),
        .ip_protocol = row->protocol,
        .from_port = opt_i64(row->from_port),
        .to_port = opt_i64(row->to_port),
        .cidr_ipv4 = ec2_text_show(row->cidr4),
        .cidr_ipv6 = ec2_text_show(row->cidr6),
        .prefix_list_id = ec2_text_show(row->prefix_list_id),
        .referenced_group_id = ec2_text_show(row->peer_group_id),
        .description = ec2_text_show(row->description),
    };
    return 0;
}

static int
rule_find(struct api_call *call, const struct ec2_security_group_row *group, struct str id,
          const struct ec2_sg_rule_row **ret)
{
    const struct ec2_sg_rule_row *row;
    int r = ec2_id_check(call, id, "sgr", &EC2_ERR(InvalidSecurityGroupRuleId_Malformed));

    if (r)
        return r;
    row = ec2_sg_rule_get(call->txn, id);
    if (!row || !ec2_mine(call, row->account, row->region) || !str_eq(row->group_id, group->id))
        return ec2_missing(call, &EC2_ERR(InvalidSecurityGroupRuleId_NotFound),
                           "security group rule", &(struct str_list){&id, 1});
    assert(ec2_sg_rule_ok(row));
    *ret = row;
    return 0;
}

/* The group's rule of that id and direction. */
static int
rule_find_direction(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                    struct str id, const struct ec2_sg_rule_row **ret)
{
    int r = rule_find(call, group, id, ret);

    if (!r && (*ret)->egress != egress)
        r = ec2_missing(call, &EC2_ERR(InvalidSecurityGroupRuleId_NotFound), "security group rule",
                        &(struct str_list){&id, 1});
    return r;
}

static int
revoke_ids(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
           const struct str_list *ids, struct revoked *out)
{
    const struct ec2_sg_rule_row *row;

    LIST_EACH(ids, id) {
        int r = rule_find_direction(call, group, egress, *id, &row);

        if (!r)
            r = rule_delete(call, row, out);
        if (r)
            return r;
    }
    return 0;
}

/* In the default VPC a rule that is not there is told and not refused. */
static int
revoke_rules(struct api_call *call, const struct ec2_security_group_row *group,
             const struct ec2_rule_list *rules, struct revoked *out)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, group->vpc_id);

    assert(vpc);
    LIST_EACH(rules, rule) {
        const struct ec2_sg_rule_row *row = rule_like(call, rule, STR_NONE);
        int r = 0;

        if (row)
            r = rule_delete(call, row, out);
        else if (vpc && vpc->is_default)
            ec2_permission_add(call, &out->unknown, rule);
        else
            r = api_fault(call, &EC2_ERR(InvalidPermission_NotFound),
                          "The specified rule does not exist in this security group.");
        if (r)
            return r;
    }
    return 0;
}

static int
revoke(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
       const struct str_list *ids, const struct ec2_IpPermissionList *permissions,
       const struct ec2_rule_flat *flat, struct revoked *out)
{
    struct ec2_rule_list rules;

    if (ids->n && (permissions->n || (flat && ec2_rule_flat_given(flat))))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter securityGroupRuleIds may not be used in combination with "
                         "rule properties");
    if (ids->n)
        return revoke_ids(call, group, egress, ids, out);

    int r = ec2_rules_parse(call, group, egress, permissions, flat, &rules);

    return r ? r : revoke_rules(call, group, &rules, out);
}

int
ec2_revoke_security_group_ingress(struct api_call *call,
                                  const struct ec2_RevokeSecurityGroupIngressRequest *req,
                                  struct ec2_RevokeSecurityGroupIngressResult *res)
{
    const struct ec2_rule_flat flat = {
        .cidr = req->cidr_ip,
        .protocol = req->ip_protocol,
        .source_name = req->source_security_group_name,
        .source_owner = req->source_security_group_owner_id,
        .from_port = req->from_port,
        .to_port = req->to_port,
    };
    const struct ec2_security_group_row *group;
    struct revoked out = {0};
    int r = ec2_group_either_find(call, req->group_id, req->group_name, &group);

    if (!r)
        r = revoke(call, group, false, &req->security_group_rule_ids, &req->ip_permissions, &flat,
                   &out);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    res->unknown_ip_permissions = out.unknown;
    res->revoked_security_group_rules = out.rules;
    return 0;
}

int
ec2_revoke_security_group_egress(struct api_call *call,
                                 const struct ec2_RevokeSecurityGroupEgressRequest *req,
                                 struct ec2_RevokeSecurityGroupEgressResult *res)
{
    const struct ec2_security_group_row *group;
    struct revoked out = {0};
    int r = flat_refuse(call, req->cidr_ip, req->ip_protocol, req->from_port, req->to_port,
                        req->source_security_group_name, req->source_security_group_owner_id);

    if (!r)
        r = ec2_group_find(call, req->group_id, &group);
    if (!r)
        r = revoke(call, group, true, &req->security_group_rule_ids, &req->ip_permissions, NULL,
                   &out);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    res->unknown_ip_permissions = out.unknown;
    res->revoked_security_group_rules = out.rules;
    return 0;
}

/* ---- modify ---- */

static int
rule_put(struct api_call *call, const struct ec2_sg_rule_row *row)
{
    assert(has_one_source(row));
    assert(ec2_sg_rule_ok(row));
    int r = ec2_sg_rule_update(call->txn, row);

    return r < 0 ? error_origin(-r, "rule %.*s cannot be written", STR_ARG(row->id)) : 0;
}

static int
rule_modify(struct api_call *call, const struct ec2_security_group_row *group,
            const struct ec2_SecurityGroupRuleUpdate *update)
{
    const struct ec2_sg_rule_row *old;
    struct ec2_sg_rule_row new;
    int r = rule_find(call, group, update->security_group_rule_id, &old);

    if (r)
        return r;
    if (!update->security_group_rule)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter securityGroupRule");
    r = ec2_rule_parse_update(call, group, old, update->security_group_rule, &new);
    if (r)
        return r;
    if (rule_like(call, &new, old->id))
        return duplicate_refuse(call, &new);
    return rule_put(call, &new);
}

int
ec2_modify_security_group_rules(struct api_call *call,
                                const struct ec2_ModifySecurityGroupRulesRequest *req,
                                struct ec2_ModifySecurityGroupRulesResult *res)
{
    const struct ec2_security_group_row *group;
    int r = ec2_group_find(call, req->group_id, &group);

    LIST_EACH(&req->security_group_rules, update)
        if (!r)
            r = rule_modify(call, group, update);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

static int
describe_put(struct api_call *call, const struct ec2_sg_rule_row *row, struct str description)
{
    struct ec2_sg_rule_row new = *row;

    new.description = description;
    return rule_put(call, &new);
}

/* New descriptions for rules that are named by id, or by what they say. */
static int
update_descriptions(struct api_call *call, const struct ec2_security_group_row *group, bool egress,
                    const struct ec2_IpPermissionList *permissions,
                    const struct ec2_SecurityGroupRuleDescriptionList *by_id)
{
    const struct ec2_sg_rule_row *row;
    struct ec2_rule_list rules = {0};
    int r = 0;

    if (!permissions->n == !by_id->n)
        return api_fault(call,
                         permissions->n ? &EC2_ERR(InvalidParameterCombination)
                                        : &EC2_ERR(MissingParameter),
                         "The request must contain either ipPermissions or "
                         "securityGroupRuleDescriptions");
    LIST_EACH(by_id, item) {
        r = ec2_rule_description_check(call, item->description);
        if (!r)
            r = rule_find_direction(call, group, egress, item->security_group_rule_id, &row);
        if (!r)
            r = describe_put(call, row, item->description);
        if (r)
            return r;
    }
    if (permissions->n)
        r = ec2_rules_parse(call, group, egress, permissions, NULL, &rules);
    LIST_EACH(&rules, rule) {
        row = rule_like(call, rule, STR_NONE);
        if (!row)
            return api_fault(call, &EC2_ERR(InvalidPermission_NotFound),
                             "The specified rule does not exist in this security group.");
        if ((r = describe_put(call, row, rule->description)))
            return r;
    }
    return r;
}

int
ec2_update_rule_descriptions_ingress(
    struct api_call *call, const struct ec2_UpdateSecurityGroupRuleDescriptionsIngressRequest *req,
    struct ec2_UpdateSecurityGroupRuleDescriptionsIngressResult *res)
{
    const struct ec2_security_group_row *group;
    int r = ec2_group_either_find(call, req->group_id, req->group_name, &group);

    if (!r)
        r = update_descriptions(call, group, false, &req->ip_permissions,
                                &req->security_group_rule_descriptions);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

int
ec2_update_rule_descriptions_egress(
    struct api_call *call, const struct ec2_UpdateSecurityGroupRuleDescriptionsEgressRequest *req,
    struct ec2_UpdateSecurityGroupRuleDescriptionsEgressResult *res)
{
    const struct ec2_security_group_row *group;
    int r = ec2_group_either_find(call, req->group_id, req->group_name, &group);

    if (!r)
        r = update_descriptions(call, group, true, &req->ip_permissions,
                                &req->security_group_rule_descriptions);
    if (r)
        return r;
    res->return_ = opt_bool(true);
    return 0;
}

/* ---- DescribeSecurityGroupRules ---- */

static const struct api_filter rule_filters[] = {
    {"group-id", "GroupId"},
    {"security-group-rule-id", "SecurityGroupRuleId"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table rule_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_SecurityGroupRule, rule_filters);

static int
describe_check(struct api_call *call, const struct str_list *ids)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        const struct ec2_sg_rule_row *row = ec2_sg_rule_get(call->txn, *id);
        int r = ec2_id_check(call, *id, "sgr", &EC2_ERR(InvalidSecurityGroupRuleId_Malformed));

        if (r)
            return r;
        if (!row || !ec2_mine(call, row->account, row->region))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    return missing.n ? ec2_missing(call, &EC2_ERR(InvalidSecurityGroupRuleId_NotFound),
                                   "security group rule", &missing)
                     : 0;
}

/* The group that the filters ask for by its id alone: its rules have an index of their own. */
static struct str
only_group(const struct ec2_FilterList *filters)
{
    LIST_EACH(filters, f)
        if (str_is(f->name, "group-id") && f->values.n == 1 &&
            str_find_char(f->values.v[0], '*') == SIZE_MAX &&
            str_find_char(f->values.v[0], '?') == SIZE_MAX)
            return f->values.v[0];
    return STR_NONE;
}

static void
describe_one(struct api_call *call, const struct ec2_DescribeSecurityGroupRulesRequest *req,
             struct ec2_listing *listing, const struct ec2_sg_rule_row *row,
             struct ec2_SecurityGroupRuleList *out)
{
    if (listing->page.more ||
        (req->security_group_rule_ids.n && !str_in(&req->security_group_rule_ids, row->id)))
        return;
    struct ec2_SecurityGroupRule shown = ec2_rule_show(call, row);
    /* The order of the index: by group, then by serial. */
    struct str place = str_fmt(call->arena, "%.*s/%016llx", STR_ARG(row->group_id),
                               (unsigned long long)row->serial);

    if (ec2_listing_has(call, listing, &shown, 0, place))
        *LIST_PUSH(call->arena, out) = shown;
}

int
ec2_describe_security_group_rules(struct api_call *call,
                                  const struct ec2_DescribeSecurityGroupRulesRequest *req,
                                  struct ec2_DescribeSecurityGroupRulesResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct str group = only_group(&req->filters);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &rule_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->security_group_rule_ids.n > 0, &listing);

    if (!r)
        r = describe_check(call, &req->security_group_rule_ids);
    if (r)
        return r;
    if (group.p)
        STORE_EACH(call->txn, ec2_sg_rule_by_owner, row, call->account, call->region, group)
            describe_one(call, req, &listing, row, &res->security_group_rules);
    else
        STORE_EACH(call->txn, ec2_sg_rule_by_owner, row, call->account, call->region)
            describe_one(call, req, &listing, row, &res->security_group_rules);
    API_PRESENT(&res->security_group_rules);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
