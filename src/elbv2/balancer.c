/*
 * Load balancers: made, changed, deleted.  A balancer's interfaces are made in the call that makes
 * it, so what EC2 refuses is told to its caller; its nodes follow, and then it is active.
 */
#include "elbv2/elbv2.h"

#include "gen/store/ec2_rows.h"

enum { FREE_ADDRESSES_MIN = 8, DNS_TRIES_MAX = 16 };

/* ---- subnets ---- */

/* The subnets of a call, of either way to name them. */
static int
subnets_named(struct api_call *call, const struct str_list *subnets,
              const struct elbv2_SubnetMappingList *mappings, struct str_list *ret)
{
    struct str_list ids = {0};

    if (subnets->n && mappings->n)
        return ELB_INVALID(call, "Only one of 'subnets' and 'subnetMappings' can be specified");
    LIST_EACH(mappings, m) {
        if (m->allocation_id.p || m->private_ipv4_address.p || m->ipv6_address.p ||
            m->source_nat_ipv6_prefix.p)
            return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                             "Addresses cannot be specified for the subnets of a load balancer of "
                             "type 'application'");
        *LIST_PUSH(call->arena, &ids) = m->subnet_id;
    }
    *ret = mappings->n ? ids : *subnets;
    if (ret->n > ELB_SUBNETS_MAX)
        return ELB_INVALID(call, "A load balancer cannot have more than '%d' subnets",
                           ELB_SUBNETS_MAX);
    return 0;
}

static int
zones_check(struct api_call *call, const struct ec2_SubnetList *subnets)
{
    LIST_EACH(subnets, subnet)
        for (const struct ec2_Subnet *other = subnets->v; other < subnet; other++) {
            if (!str_eq(other->vpc_id, subnet->vpc_id))
                return api_fault(call, &ELB_ERR(InvalidSubnet),
                                 "All subnets must belong to the same VPC: '%.*s'",
                                 STR_ARG(subnets->v[0].vpc_id));
            if (str_eq(other->availability_zone, subnet->availability_zone))
                return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                                 "A load balancer cannot be attached to multiple subnets in the "
                                 "same Availability Zone");
        }
    if (subnets->n < 2)
        return ELB_INVALID(
            call, "At least two subnets in two different Availability Zones must be specified");
    return 0;
}

/* They are the caller's, of one VPC, in two zones at least, with room; `known` ones have it. */
static int
subnets_check(struct api_call *call, const struct str_list *ids, const struct str_list *known,
              bool internal, struct str *ret_vpc_id)
{
    struct ec2_SubnetList found = {0};

    LIST_EACH(ids, id) {
        const struct ec2_DescribeSubnetsRequest ask = {.subnet_ids = {id, 1}};
        struct ec2_DescribeSubnetsResult reply = {0};
        struct api_call inner = *call;
        int r = api_call_internal(&inner, "ec2", "DescribeSubnets", &ask, &reply, ELB_VIA);

        if (r < 0)
            return r;
        if (r > 0 || reply.subnets.n != 1)
            return api_fault(call, &ELB_ERR(SubnetNotFound), "The subnet ID '%.*s' does not exist",
                             STR_ARG(*id));
        *LIST_PUSH(call->arena, &found) = reply.subnets.v[0];
    }
    int r = zones_check(call, &found);

    LIST_EACH(&found, subnet)
        if (!r && !str_in(known, subnet->subnet_id) &&
            subnet->available_ip_address_count.v < FREE_ADDRESSES_MIN)
            r = api_fault(call, &ELB_ERR(InvalidSubnet),
                          "Not enough IP space available in %.*s. ELB requires at least %d free IP "
                          "addresses in each subnet.",
                          STR_ARG(subnet->subnet_id), FREE_ADDRESSES_MIN);
    if (r)
        return r;
    *ret_vpc_id = found.v[0].vpc_id;
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, *ret_vpc_id);

    assert(vpc);
    if (!internal && !vpc->internet_gateway_id.n)
        return api_fault(call, &ELB_ERR(InvalidSubnet), "VPC %.*s has no internet gateway",
                         STR_ARG(vpc->id));
    return 0;
}

/* ---- security groups ---- */

static int
groups_check(struct api_call *call, struct str vpc_id, const struct str_list *ids,
             struct str_list *ret)
{
    *ret = (struct str_list){0};
    if (ids->n > ELB_SECURITY_GROUPS_MAX)
        return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                         "A load balancer cannot have more than '%d' security groups",
                         ELB_SECURITY_GROUPS_MAX);
    LIST_EACH(ids, id) {
        const struct ec2_security_group_row *row = ec2_security_group_get(call->txn, *id);

        if (!row || !str_eq(row->vpc_id, vpc_id))
            return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                             "One or more security groups are invalid");
        if (!str_in(ret, *id))
            *LIST_PUSH(call->arena, ret) = *id;
    }
    if (ret->n)
        return 0;
    const struct ec2_security_group_row *usual = ec2_security_group_by_name_get(
        call->txn, call->account, call->region, vpc_id, S("default"));

    if (!usual)
        return error_origin(EUCLEAN, "VPC %.*s has no default security group", STR_ARG(vpc_id));
    *LIST_PUSH(call->arena, ret) = usual->id;
    return 0;
}

/* ---- CreateLoadBalancer ---- */

static int
create_refuse(struct api_call *call, const struct elbv2_CreateLoadBalancerInput *req)
{
    if (req->type.p && !str_is(req->type, "application"))
        return elb_unsupported(call, "A load balancer of a type other than 'application'");
    if (req->ip_address_type.p && !str_is(req->ip_address_type, "ipv4"))
        return elb_unsupported(call, "An IP address type other than 'ipv4'");
    const char *name = req->customer_owned_ipv4_pool.p            ? "CustomerOwnedIpv4Pool"
                       : req->enable_prefix_for_ipv6_source_nat.p ? "EnablePrefixForIpv6SourceNat"
                       : req->ipam_pools                          ? "IpamPools"
                                                                  : NULL;

    return name ? elb_unsupported(call, name) : 0;
}

static int
limit_check(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, elb_balancer_by_owner, row, call->account, call->region) {
        (void)row;
        n++;
    }
    return n < ELB_BALANCERS_MAX
               ? 0
               : api_fault(call, &ELB_ERR(TooManyLoadBalancers),
                           "The maximum number of load balancers has been reached");
}

/* "NAME-1234567890.us-east-1.elb.amazonaws.com": what follows the name, nobody else has. */
static int
dns_name_new(struct api_call *call, struct elb_balancer_row *row)
{
    for (int i = 0; i < DNS_TRIES_MAX; i++) {
        uint32_t number;

        call->env->random(call->env, &number, sizeof(number));
        row->dns_name =
            str_lower(call->arena, str_fmt(call->arena, "%s%.*s-%u.%.*s.elb.amazonaws.com",
                                           row->internal ? "internal-" : "", STR_ARG(row->name),
                                           number, STR_ARG(row->region)));
        if (!elb_balancer_by_dns_get(call->txn, row->dns_name))
            return 0;
    }
    return error_origin(EEXIST, "%d random names were all in use", DNS_TRIES_MAX);
}

static bool
same_set(const struct str_list *a, const struct str_list *b)
{
    bool same = a->n == b->n;

    LIST_EACH(a, s)
        same = same && str_in(b, *s);
    return same;
}

/* Asked for again, it is there; another one of that name is refused. */
static int
again(struct api_call *call, const struct elb_balancer_row *before,
      const struct elb_balancer_row *wanted, const struct str_list *subnet_ids)
{
    struct str_list has = {0};

    STORE_EACH(call->txn, elb_node_by_balancer, node, before->id)
        *LIST_PUSH(call->arena, &has) = node->subnet_id;
    if (before->internal == wanted->internal && same_set(&has, subnet_ids) &&
        same_set(&before->security_group_ids, &wanted->security_group_ids))
        return 0;
    return api_fault(
        call, &ELB_ERR(DuplicateLoadBalancerName),
        "A load balancer with the same name '%.*s' exists, but with different settings",
        STR_ARG(wanted->name));
}

static int
make(struct api_call *call, struct elb_balancer_row *row, const struct str_list *subnet_ids)
{
    int r = limit_check(call);

    if (!r)
        r = dns_name_new(call, row);
    if (r)
        return r;
    row->id = str_fmt(call->arena,
                      "arn:aws:elasticloadbalancing:%.*s:%.*s:loadbalancer/app/%.*s/"
                      "%.*s",
                      STR_ARG(call->region), STR_ARG(call->account), STR_ARG(row->name),
                      STR_ARG(elb_hex(call)));
    assert(elb_balancer_ok(row));
    r = elb_written(elb_balancer_insert(call->txn, row), "load balancer", row->id);
    return r ? r : elb_nodes_set(call, row, subnet_ids);
}

int
elb_create_load_balancer(struct api_call *call, const struct elbv2_CreateLoadBalancerInput *req,
                         struct elbv2_CreateLoadBalancerOutput *res)
{
    struct str_list subnet_ids;
    struct elb_balancer_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .internal = str_is(req->scheme, "internal"),
        .created_ms = call->now_ms,
    };
    int r = create_refuse(call, req);

    if (!r)
        r = elb_name_check(call, "The load balancer", req->name);
    if (!r && str_starts(req->name, S("internal-")))
        r = ELB_INVALID(call, "The load balancer name '%.*s' cannot begin with 'internal-'",
                        STR_ARG(req->name));
    if (!r)
        r = subnets_named(call, &req->subnets, &req->subnet_mappings, &subnet_ids);
    if (!r)
        r = subnets_check(call, &subnet_ids, &(struct str_list){0}, row.internal, &row.vpc_id);
    if (!r)
        r = groups_check(call, row.vpc_id, &req->security_groups, &row.security_group_ids);
    if (!r)
        r = elb_tags_of(call, &req->tags, &row.tags);
    if (r)
        return r;
    const struct elb_balancer_row *before =
        elb_balancer_by_name_get(call->txn, call->account, call->region, req->name);

    r = before ? again(call, before, &row, &subnet_ids) : make(call, &row, &subnet_ids);
    if (r)
        return r;
    *LIST_PUSH(call->arena, &res->load_balancers) = elb_balancer_show(call, before ? before : &row);
    return 0;
}

/* ---- DeleteLoadBalancer ---- */

int
elb_delete_load_balancer(struct api_call *call, const struct elbv2_DeleteLoadBalancerInput *req,
                         struct elbv2_DeleteLoadBalancerOutput *res UNUSED)
{
    const struct elb_balancer_row *row = elb_balancer_get(call->txn, req->load_balancer_arn);

    /* What is not there is deleted already, as on AWS; what is no ARN of one is refused. */
    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region)) {
        int r = elb_balancer_find(call, req->load_balancer_arn, &row);

        return r > 0 && str_is(call->fault.code, "LoadBalancerNotFound") ? 0 : r;
    }
    if (str_is(elb_attribute(ELB_OF_BALANCER, &row->attributes, "deletion_protection.enabled"),
               "true"))
        return api_fault(call, &ELB_ERR(OperationNotPermitted),
                         "Load balancer '%.*s' cannot be deleted because deletion protection is "
                         "enabled",
                         STR_ARG(row->id));
    int r = elb_nodes_set(call, row, &(struct str_list){0});

    STORE_EACH(call->txn, elb_listener_by_balancer, listener, row->id)
        if (!r)
            r = elb_listener_drop(call, listener);
    return r ? r : elb_written(elb_balancer_delete(call->txn, row->id), "load balancer", row->id);
}

/* ---- what may be changed of one ---- */

int
elb_set_security_groups(struct api_call *call, const struct elbv2_SetSecurityGroupsInput *req,
                        struct elbv2_SetSecurityGroupsOutput *res)
{
    const struct elb_balancer_row *row;
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (!r && req->enforce_security_group_inbound_rules_on_private_link_traffic.p)
        r = api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                      "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported for "
                      "load balancers of type 'application'");
    if (r)
        return r;
    struct elb_balancer_row new = *row;

    r = groups_check(call, row->vpc_id, &req->security_groups, &new.security_group_ids);
    if (!r)
        r = elb_written(elb_balancer_update(call->txn, &new), "load balancer", new.id);
    if (!r)
        r = elb_nodes_regroup(call, &new);
    res->security_group_ids = new.security_group_ids;
    return r;
}

int
elb_set_subnets(struct api_call *call, const struct elbv2_SetSubnetsInput *req,
                struct elbv2_SetSubnetsOutput *res)
{
    struct str_list subnet_ids, known = {0};
    const struct elb_balancer_row *row;
    struct str vpc_id = S("");
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (!r && req->ip_address_type.p && !str_is(req->ip_address_type, "ipv4"))
        r = elb_unsupported(call, "An IP address type other than 'ipv4'");
    if (!r && req->enable_prefix_for_ipv6_source_nat.p)
        r = elb_unsupported(call, "EnablePrefixForIpv6SourceNat");
    if (!r)
        r = subnets_named(call, &req->subnets, &req->subnet_mappings, &subnet_ids);
    if (r)
        return r;
    STORE_EACH(call->txn, elb_node_by_balancer, node, row->id)
        *LIST_PUSH(call->arena, &known) = node->subnet_id;
    r = subnets_check(call, &subnet_ids, &known, row->internal, &vpc_id);
    if (!r && !str_eq(vpc_id, row->vpc_id))
        r = api_fault(call, &ELB_ERR(InvalidSubnet),
                      "The subnets must belong to the VPC '%.*s' of the load balancer",
                      STR_ARG(row->vpc_id));
    if (!r)
        r = elb_nodes_set(call, row, &subnet_ids);
    if (r)
        return r;
    res->availability_zones = elb_zones_show(call, row);
    res->ip_address_type = S("ipv4");
    return 0;
}

int
elb_set_ip_address_type(struct api_call *call, const struct elbv2_SetIpAddressTypeInput *req,
                        struct elbv2_SetIpAddressTypeOutput *res)
{
    const struct elb_balancer_row *row;
    int r = elb_balancer_find(call, req->load_balancer_arn, &row);

    if (!r && !str_is(req->ip_address_type, "ipv4"))
        r = elb_unsupported(call, "An IP address type other than 'ipv4'");
    res->ip_address_type = S("ipv4");
    return r;
}
