/*
 * What stands around a VPC: its main route table, internet gateway, network ACL and DHCP options.
 *
 * They cannot be made or changed yet, so they have no rows: they are told from the VPC's row, which
 * holds their ids, and say what the host really does with that VPC's packets.
 */
#include "codec/aws_names.h"
#include "ec2/ec2.h"

enum { ACL_LAST_RULE = 32767 }; /* the rule that denies what no other allowed */

/* Whether each id is in that column of one of the caller's VPCs; else the fault. */
static int
ids_check(struct api_call *call, const struct str_list *ids, size_t column,
          const struct api_error *error, const char *what)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        bool found = false;

        STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region)
            found |= str_eq(*(const struct str *)((const char *)vpc + column), *id);
        if (!found || !id->n)
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    return missing.n ? ec2_missing(call, error, what, &missing) : 0;
}

/* ---- route tables ---- */

static struct ec2_RouteTable
route_table_show(struct api_call *call, const struct ec2_vpc_row *vpc)
{
    struct ec2_RouteTable out = {
        .route_table_id = vpc->main_route_table_id,
        .vpc_id = vpc->id,
        .owner_id = vpc->account,
    };
    struct ec2_RouteTableAssociationState *state =
        ARENA_NEW(call->arena, struct ec2_RouteTableAssociationState);

    state->state = S("associated");
    *LIST_PUSH(call->arena, &out.associations) = (struct ec2_RouteTableAssociation){
        .main = opt_bool(true),
        .route_table_association_id = vpc->main_association_id,
        .route_table_id = vpc->main_route_table_id,
        .association_state = state,
    };
    *LIST_PUSH(call->arena, &out.routes) = (struct ec2_Route){
        .destination_cidr_block = vpc->cidr,
        .gateway_id = S("local"),
        .origin = S("CreateRouteTable"),
        .state = S("active"),
    };
    if (vpc->internet_gateway_id.n)
        *LIST_PUSH(call->arena, &out.routes) = (struct ec2_Route){
            .destination_cidr_block = S("0.0.0.0/0"),
            .gateway_id = vpc->internet_gateway_id,
            .origin = S("CreateRoute"),
            .state = S("active"),
        };
    API_PRESENT(&out.propagating_vgws);
    API_PRESENT(&out.tags);
    return out;
}

static const struct api_filter route_table_filters[] = {
    {"association.gateway-id", "Associations.GatewayId"},
    {"association.main", "Associations.Main"},
    {"association.route-table-association-id", "Associations.RouteTableAssociationId"},
    {"association.route-table-id", "Associations.RouteTableId"},
    {"association.subnet-id", "Associations.SubnetId"},
    {"owner-id", "OwnerId"},
    {"route-table-id", "RouteTableId"},
    {"route.destination-cidr-block", "Routes.DestinationCidrBlock"},
    {"route.destination-ipv6-cidr-block", "Routes.DestinationIpv6CidrBlock"},
    {"route.destination-prefix-list-id", "Routes.DestinationPrefixListId"},
    {"route.egress-only-internet-gateway-id", "Routes.EgressOnlyInternetGatewayId"},
    {"route.gateway-id", "Routes.GatewayId"},
    {"route.instance-id", "Routes.InstanceId"},
    {"route.nat-gateway-id", "Routes.NatGatewayId"},
    {"route.origin", "Routes.Origin"},
    {"route.state", "Routes.State"},
    {"route.transit-gateway-id", "Routes.TransitGatewayId"},
    {"route.vpc-peering-connection-id", "Routes.VpcPeeringConnectionId"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table route_table_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_RouteTable, route_table_filters);

int
ec2_describe_route_tables(struct api_call *call, const struct ec2_DescribeRouteTablesRequest *req,
                          struct ec2_DescribeRouteTablesResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &route_table_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->route_table_ids.n > 0, &listing);

    if (!r)
        r = ids_check(call, &req->route_table_ids,
                      offsetof(struct ec2_vpc_row, main_route_table_id),
                      &EC2_ERR(InvalidRouteTableID_NotFound), "routeTable");
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region) {
        if (req->route_table_ids.n &&
            !str_in(&req->route_table_ids, vpc->main_route_table_id))
            continue;
        struct ec2_RouteTable shown = route_table_show(call, vpc);

        if (ec2_listing_has(call, &listing, &shown, vpc->created_ms, vpc->main_route_table_id))
            *LIST_PUSH(call->arena, &res->route_tables) = shown;
    }
    API_PRESENT(&res->route_tables);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- internet gateways ---- */

static struct ec2_InternetGateway
internet_gateway_show(struct api_call *call, const struct ec2_vpc_row *vpc)
{
    struct ec2_InternetGateway out = {
        .internet_gateway_id = vpc->internet_gateway_id,
        .owner_id = vpc->account,
    };

    *LIST_PUSH(call->arena, &out.attachments) = (struct ec2_InternetGatewayAttachment){
        .state = S("available"), /* what AWS says of a gateway that is attached */
        .vpc_id = vpc->id,
    };
    API_PRESENT(&out.tags);
    return out;
}

static const struct api_filter internet_gateway_filters[] = {
    {"attachment.state", "Attachments.State"},
    {"attachment.vpc-id", "Attachments.VpcId"},
    {"internet-gateway-id", "InternetGatewayId"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table internet_gateway_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InternetGateway, internet_gateway_filters);

int
ec2_describe_internet_gateways(struct api_call *call,
                               const struct ec2_DescribeInternetGatewaysRequest *req,
                               struct ec2_DescribeInternetGatewaysResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &internet_gateway_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->internet_gateway_ids.n > 0, &listing);

    if (!r)
        r = ids_check(call, &req->internet_gateway_ids,
                      offsetof(struct ec2_vpc_row, internet_gateway_id),
                      &EC2_ERR(InvalidInternetGatewayID_NotFound), "internetGateway");
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region) {
        if (!vpc->internet_gateway_id.n ||
            (req->internet_gateway_ids.n &&
             !str_in(&req->internet_gateway_ids, vpc->internet_gateway_id)))
            continue;
        struct ec2_InternetGateway shown = internet_gateway_show(call, vpc);

        if (ec2_listing_has(call, &listing, &shown, vpc->created_ms, vpc->internet_gateway_id))
            *LIST_PUSH(call->arena, &res->internet_gateways) = shown;
    }
    API_PRESENT(&res->internet_gateways);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- network ACLs ---- */

static struct ec2_NetworkAclEntry
acl_entry(bool egress, int number, struct str action)
{
    return (struct ec2_NetworkAclEntry){
        .cidr_block = S("0.0.0.0/0"),
        .egress = opt_bool(egress),
        .protocol = S("-1"),
        .rule_action = action,
        .rule_number = opt_i64(number),
    };
}

static struct ec2_NetworkAcl
network_acl_show(struct api_call *call, const struct ec2_vpc_row *vpc)
{
    struct ec2_NetworkAcl out = {
        .is_default = opt_bool(true),
        .network_acl_id = vpc->network_acl_id,
        .vpc_id = vpc->id,
        .owner_id = vpc->account,
    };

    STORE_EACH(call->txn, ec2_subnet_by_vpc, subnet, vpc->id)
        *LIST_PUSH(call->arena, &out.associations) = (struct ec2_NetworkAclAssociation){
            .network_acl_association_id = subnet->acl_association_id,
            .network_acl_id = vpc->network_acl_id,
            .subnet_id = subnet->id,
        };
    for (int egress = 1; egress >= 0; egress--) {
        *LIST_PUSH(call->arena, &out.entries) = acl_entry(egress, 100, S("allow"));
        *LIST_PUSH(call->arena, &out.entries) = acl_entry(egress, ACL_LAST_RULE, S("deny"));
    }
    API_PRESENT(&out.associations);
    API_PRESENT(&out.tags);
    return out;
}

static const struct api_filter network_acl_filters[] = {
    {"association.association-id", "Associations.NetworkAclAssociationId"},
    {"association.network-acl-id", "Associations.NetworkAclId"},
    {"association.subnet-id", "Associations.SubnetId"},
    {"default", "IsDefault"},
    {"entry.cidr", "Entries.CidrBlock"},
    {"entry.egress", "Entries.Egress"},
    {"entry.icmp.code", "Entries.IcmpTypeCode.Code"},
    {"entry.icmp.type", "Entries.IcmpTypeCode.Type"},
    {"entry.ipv6-cidr", "Entries.Ipv6CidrBlock"},
    {"entry.port-range.from", "Entries.PortRange.From"},
    {"entry.port-range.to", "Entries.PortRange.To"},
    {"entry.protocol", "Entries.Protocol"},
    {"entry.rule-action", "Entries.RuleAction"},
    {"entry.rule-number", "Entries.RuleNumber"},
    {"network-acl-id", "NetworkAclId"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table network_acl_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_NetworkAcl, network_acl_filters);

int
ec2_describe_network_acls(struct api_call *call, const struct ec2_DescribeNetworkAclsRequest *req,
                          struct ec2_DescribeNetworkAclsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &network_acl_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->network_acl_ids.n > 0, &listing);

    if (!r)
        r = ids_check(call, &req->network_acl_ids, offsetof(struct ec2_vpc_row, network_acl_id),
                      &EC2_ERR(InvalidNetworkAclID_NotFound), "networkAcl");
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region) {
        if (req->network_acl_ids.n && !str_in(&req->network_acl_ids, vpc->network_acl_id))
            continue;
        struct ec2_NetworkAcl shown = network_acl_show(call, vpc);

        if (ec2_listing_has(call, &listing, &shown, vpc->created_ms, vpc->network_acl_id))
            *LIST_PUSH(call->arena, &res->network_acls) = shown;
    }
    API_PRESENT(&res->network_acls);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- DHCP options ---- */

static void
dhcp_push(struct arena *arena, struct ec2_DhcpOptions *out, struct str key, struct str value)
{
    struct ec2_DhcpConfiguration *c = LIST_PUSH(arena, &out->dhcp_configurations);

    c->key = key;
    *LIST_PUSH(arena, &c->values) = (struct ec2_AttributeValue){.value = value};
}

static struct ec2_DhcpOptions
dhcp_options_show(struct api_call *call, const struct ec2_vpc_row *vpc)
{
    struct ec2_DhcpOptions out = {.owner_id = vpc->account,
                                  .dhcp_options_id = vpc->dhcp_options_id};

    dhcp_push(call->arena, &out, S("domain-name"), aws_private_domain(call->arena, vpc->region));
    dhcp_push(call->arena, &out, S("domain-name-servers"), S("AmazonProvidedDNS"));
    API_PRESENT(&out.tags);
    return out;
}

static const struct api_filter dhcp_options_filters[] = {
    {"dhcp-options-id", "DhcpOptionsId"},
    {"key", "DhcpConfigurations.Key"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
    {"value", "DhcpConfigurations.Values.Value"},
};
static const struct api_filter_table dhcp_options_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_DhcpOptions, dhcp_options_filters);

int
ec2_describe_dhcp_options(struct api_call *call, const struct ec2_DescribeDhcpOptionsRequest *req,
                          struct ec2_DescribeDhcpOptionsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &dhcp_options_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->dhcp_options_ids.n > 0, &listing);

    if (!r)
        r = ids_check(call, &req->dhcp_options_ids, offsetof(struct ec2_vpc_row, dhcp_options_id),
                      &EC2_ERR(InvalidDhcpOptionID_NotFound), "dhcpOption");
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region) {
        if (req->dhcp_options_ids.n && !str_in(&req->dhcp_options_ids, vpc->dhcp_options_id))
            continue;
        struct ec2_DhcpOptions shown = dhcp_options_show(call, vpc);

        if (ec2_listing_has(call, &listing, &shown, vpc->created_ms, vpc->dhcp_options_id))
            *LIST_PUSH(call->arena, &res->dhcp_options) = shown;
    }
    API_PRESENT(&res->dhcp_options);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
