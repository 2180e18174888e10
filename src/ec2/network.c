/*
 * VPCs and their subnets.
 *
 * An account has a default VPC in every region, and AWS makes it before anyone asks.  Here it is
 * made with the account's first call to EC2 in the region, in that call's transaction, so that
 * nobody ever sees the region without it.
 */
#include "codec/ip.h"
#include "ec2/ec2.h"

#define DEFAULT_CIDR S("172.31.0.0/16")

enum {
    DEFAULT_SUBNET_BITS = 20,
    DEFAULT_SUBNETS_MAX = 16, /* of that size in the default VPC */
    ACCOUNT_KEY_MAX = 64,
};

/* ---- the account's first call ---- */

static struct str
account_key(const struct api_call *call, char room[ACCOUNT_KEY_MAX])
{
    size_t n = call->account.n;

    assert(n + 1 + call->region.n <= ACCOUNT_KEY_MAX);
    memcpy(room, call->account.p, n);
    room[n++] = '/';
    memcpy(room + n, call->region.p, call->region.n);
    return str_of(room, n + call->region.n);
}

static const struct ec2_account_row *
account_get(const struct api_call *call)
{
    char room[ACCOUNT_KEY_MAX];

    return ec2_account_get(call->txn, account_key(call, room));
}

static bool
prepare_needed(struct api_call *call)
{
    return !account_get(call);
}

static int
default_subnet_make(struct api_call *call, const struct ec2_vpc_row *vpc, struct ec2_zone zone,
                    unsigned i)
{
    struct ip4_block block = {0};
    bool ok = ip4_block_parse(vpc->cidr, &block);

    assert(ok && i < DEFAULT_SUBNETS_MAX);
    (void)ok;
    block.ip = ip4_block_nth(block, (uint64_t)i << (32 - DEFAULT_SUBNET_BITS));
    block.bits = DEFAULT_SUBNET_BITS;

    const struct ec2_subnet_row row = {
        .id = api_id(call, "subnet"),
        .account = call->account,
        .region = call->region,
        .vpc_id = vpc->id,
        .zone = zone.name,
        .zone_id = zone.id,
        .cidr = ip4_block_text(call->arena, block),
        .default_for_az = true,
        .map_public_ip = true,
        .acl_association_id = api_id(call, "aclassoc"),
        .created_ms = call->now_ms,
    };
    int r = ec2_subnet_insert(call->txn, &row);

    return r < 0 ? error_origin(-r, "subnet %.*s cannot be written", STR_ARG(row.id)) : 0;
}

static int
default_vpc_make(struct api_call *call, struct str *ret_id)
{
    struct ec2_vpc_row row = {
        .id = api_id(call, "vpc"),
        .account = call->account,
        .region = call->region,
        .cidr = DEFAULT_CIDR,
        .is_default = true,
        .dns_support = true,
        .dns_hostnames = true,
        .tenancy = S("default"),
        .dhcp_options_id = api_id(call, "dopt"),
        .cidr_association_id = api_id(call, "vpc-cidr-assoc"),
        .main_route_table_id = api_id(call, "rtb"),
        .main_association_id = api_id(call, "rtbassoc"),
        .internet_gateway_id = api_id(call, "igw"),
        .network_acl_id = api_id(call, "acl"),
        .created_ms = call->now_ms,
    };
    const struct ec2_region *region = ec2_region_find(call->region);
    int r = ec2_number(call->txn, "vpc", &row.number);

    if (r)
        return r;
    r = ec2_vpc_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "VPC %.*s cannot be written", STR_ARG(row.id));
    for (unsigned i = 0; i < region->n_zones && !r; i++)
        r = default_subnet_make(call, &row, ec2_region_zone(call->arena, region, i), i);
    if (!r)
        r = ec2_group_default_make(call, row.id);
    if (r)
        return r;
    *ret_id = row.id;
    return 0;
}

static int
prepare(struct api_call *call)
{
    char room[ACCOUNT_KEY_MAX];
    struct ec2_account_row row = {
        .account = call->account, .region = call->region, .created_ms = call->now_ms};

    if (!ec2_region_find(call->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "There is no region '%.*s'",
                         STR_ARG(call->region));
    int r = default_vpc_make(call, &row.default_vpc_id);

    if (r)
        return r;
    row.id = account_key(call, room);
    r = ec2_account_insert(call->txn, &row);
    return r < 0 ? error_origin(-r, "account %.*s cannot be written", STR_ARG(row.id)) : 0;
}

const struct api_service_hooks ec2_hooks = {
    .service = &ec2_service,
    .prepare_needed = prepare_needed,
    .prepare = prepare,
    .resource = ec2_resource,
    .context = ec2_context,
};

/* ---- looking up ---- */

/*
 * AWS answers a malformed id of a VPC or a subnet like one that nothing has, unlike those of most
 * other resources.
 */
int
ec2_vpc_find(struct api_call *call, struct str id, const struct ec2_vpc_row **ret)
{
    const struct ec2_vpc_row *row = ec2_vpc_get(call->txn, id);

    if (!row || !ec2_mine(call, row->account, row->region))
        return ec2_missing(call, &EC2_ERR(InvalidVpcID_NotFound), "vpc",
                           &(struct str_list){&id, 1});
    *ret = row;
    return 0;
}

int
ec2_subnet_find(struct api_call *call, struct str id, const struct ec2_subnet_row **ret)
{
    const struct ec2_subnet_row *row = ec2_subnet_get(call->txn, id);

    if (!row || !ec2_mine(call, row->account, row->region))
        return ec2_missing(call, &EC2_ERR(InvalidSubnetID_NotFound), "subnet",
                           &(struct str_list){&id, 1});
    *ret = row;
    return 0;
}

int
ec2_vpc_default(struct api_call *call, const struct ec2_vpc_row **ret)
{
    const struct ec2_account_row *account = account_get(call);
    const struct ec2_vpc_row *row =
        account ? ec2_vpc_get(call->txn, account->default_vpc_id) : NULL;

    if (!row)
        return api_fault(call, &EC2_ERR(VPCIdNotSpecified),
                         "No default VPC for this user. GroupName is only supported for "
                         "EC2-Classic and default VPC.");
    *ret = row;
    return 0;
}

int
ec2_subnet_default(struct api_call *call, struct str zone, const struct ec2_subnet_row **ret)
{
    const struct ec2_vpc_row *vpc;
    int r = ec2_vpc_default(call, &vpc);

    if (r)
        return r;
    STORE_EACH(call->txn, ec2_subnet_by_vpc, row, vpc->id)
        if (row->default_for_az && (!zone.n || str_eq(row->zone, zone))) {
            *ret = row;
            return 0;
        }
    if (zone.n)
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid availability zone: [%.*s]",
                         STR_ARG(zone));
    return api_fault(call, &EC2_ERR(MissingInput),
                     "No subnets found for the default VPC '%.*s'. Please specify a subnet.",
                     STR_ARG(vpc->id));
}

/* ---- DescribeVpcs, DescribeVpcAttribute ---- */

static struct ec2_BlockPublicAccessStates *
public_access_show(struct arena *arena)
{
    struct ec2_BlockPublicAccessStates *out = ARENA_NEW(arena, struct ec2_BlockPublicAccessStates);

    out->internet_gateway_block_mode = S("off");
    return out;
}

static struct ec2_Vpc
vpc_show(struct api_call *call, const struct ec2_vpc_row *row)
{
    struct ec2_VpcCidrBlockState *state = ARENA_NEW(call->arena, struct ec2_VpcCidrBlockState);
    struct ec2_Vpc out = {
        .owner_id = row->account,
        .instance_tenancy = row->tenancy,
        .is_default = opt_bool(row->is_default),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .block_public_access_states = public_access_show(call->arena),
        .vpc_id = row->id,
        .state = S("available"),
        .cidr_block = row->cidr,
        .dhcp_options_id = row->dhcp_options_id,
    };

    state->state = S("associated");
    *LIST_PUSH(call->arena, &out.cidr_block_association_set) = (struct ec2_VpcCidrBlockAssociation){
        .association_id = row->cidr_association_id,
        .cidr_block = row->cidr,
        .cidr_block_state = state,
    };
    return out;
}

static const struct api_filter vpc_filters[] = {
    {"cidr", "CidrBlock"},
    {"cidr-block", "CidrBlock"},
    {"cidrBlock", "CidrBlock"},
    {"cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"},
    {"cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"},
    {"cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"},
    {"dhcp-options-id", "DhcpOptionsId"},
    {"dhcpOptionsId", "DhcpOptionsId"},
    {"ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"},
    {"ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
    {"ipv6-cidr-block-association.ipv6-pool", "Ipv6CidrBlockAssociationSet.Ipv6Pool"},
    {"ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
    {"is-default", "IsDefault"},
    {"isDefault", "IsDefault"},
    {"owner-id", "OwnerId"},
    {"state", "State"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table vpc_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Vpc, vpc_filters);

int
ec2_describe_vpcs(struct api_call *call, const struct ec2_DescribeVpcsRequest *req,
                  struct ec2_DescribeVpcsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct str_list missing = {0};
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &vpc_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->vpc_ids.n > 0, &listing);

    if (r)
        return r;
    LIST_EACH(&req->vpc_ids, id) {
        const struct ec2_vpc_row *row = ec2_vpc_get(call->txn, *id);

        if (!row || !ec2_mine(call, row->account, row->region))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    if (missing.n)
        return ec2_missing(call, &EC2_ERR(InvalidVpcID_NotFound), "vpc", &missing);

    STORE_EACH(call->txn, ec2_vpc_by_owner, row, call->account, call->region) {
        if (req->vpc_ids.n && !str_in(&req->vpc_ids, row->id))
            continue;
        struct ec2_Vpc shown = vpc_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->vpcs) = shown;
    }
    API_PRESENT(&res->vpcs);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

int
ec2_describe_vpc_attribute(struct api_call *call, const struct ec2_DescribeVpcAttributeRequest *req,
                           struct ec2_DescribeVpcAttributeResult *res)
{
    const struct ec2_vpc_row *row;
    int r = ec2_vpc_find(call, req->vpc_id, &row);

    if (r)
        return r;
    if (str_is(req->attribute, "enableDnsSupport"))
        res->enable_dns_support = ec2_flag_show(call->arena, row->dns_support);
    else if (str_is(req->attribute, "enableDnsHostnames"))
        res->enable_dns_hostnames = ec2_flag_show(call->arena, row->dns_hostnames);
    else if (str_is(req->attribute, "enableNetworkAddressUsageMetrics"))
        res->enable_network_address_usage_metrics = ec2_flag_show(call->arena, false);
    else
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                         STR_ARG(req->attribute));
    res->vpc_id = row->id;
    return 0;
}

/* ---- DescribeSubnets ---- */

static struct ec2_Subnet
subnet_show(struct api_call *call, const struct ec2_subnet_row *row)
{
    struct ec2_pool pool = ec2_pool_subnet(row);
    struct ec2_PrivateDnsNameOptionsOnLaunch *names =
        ARENA_NEW(call->arena, struct ec2_PrivateDnsNameOptionsOnLaunch);
    struct ec2_Subnet out = {
        .availability_zone_id = row->zone_id,
        .map_customer_owned_ip_on_launch = opt_bool(false),
        .owner_id = row->account,
        .assign_ipv6_address_on_creation = opt_bool(false),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .subnet_arn = ec2_arn(call, "subnet", row->id),
        .enable_dns64 = opt_bool(false),
        .ipv6_native = opt_bool(false),
        .private_dns_name_options_on_launch = names,
        .block_public_access_states = public_access_show(call->arena),
        .subnet_id = row->id,
        .state = S("available"),
        .vpc_id = row->vpc_id,
        .cidr_block = row->cidr,
        .available_ip_address_count = opt_i64((int64_t)ec2_pool_free(call->txn, &pool)),
        .availability_zone = row->zone,
        .default_for_az = opt_bool(row->default_for_az),
        .map_public_ip_on_launch = opt_bool(row->map_public_ip),
    };

    names->hostname_type = S("ip-name");
    names->enable_resource_name_dns_a_record = opt_bool(false);
    names->enable_resource_name_dns_aaaa_record = opt_bool(false);
    API_PRESENT(&out.ipv6_cidr_block_association_set);
    return out;
}

static const struct api_filter subnet_filters[] = {
    {"availability-zone", "AvailabilityZone"},
    {"availabilityZone", "AvailabilityZone"},
    {"availability-zone-id", "AvailabilityZoneId"},
    {"availabilityZoneId", "AvailabilityZoneId"},
    {"available-ip-address-count", "AvailableIpAddressCount"},
    {"cidr", "CidrBlock"},
    {"cidr-block", "CidrBlock"},
    {"cidrBlock", "CidrBlock"},
    {"customer-owned-ipv4-pool", "CustomerOwnedIpv4Pool"},
    {"default-for-az", "DefaultForAz"},
    {"defaultForAz", "DefaultForAz"},
    {"enable-dns64", "EnableDns64"},
    {"enable-lni-at-device-index", "EnableLniAtDeviceIndex"},
    {"ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"},
    {"ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
    {"ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
    {"ipv6-native", "Ipv6Native"},
    {"map-customer-owned-ip-on-launch", "MapCustomerOwnedIpOnLaunch"},
    {"map-public-ip-on-launch", "MapPublicIpOnLaunch"},
    {"outpost-arn", "OutpostArn"},
    {"owner-id", "OwnerId"},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
     "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord"},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
     "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord"},
    {"private-dns-name-options-on-launch.hostname-type",
     "PrivateDnsNameOptionsOnLaunch.HostnameType"},
    {"state", "State"},
    {"subnet-arn", "SubnetArn"},
    {"subnet-id", "SubnetId"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table subnet_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Subnet, subnet_filters);

int
ec2_describe_subnets(struct api_call *call, const struct ec2_DescribeSubnetsRequest *req,
                     struct ec2_DescribeSubnetsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct str_list missing = {0};
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &subnet_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->subnet_ids.n > 0, &listing);

    if (r)
        return r;
    LIST_EACH(&req->subnet_ids, id) {
        const struct ec2_subnet_row *row = ec2_subnet_get(call->txn, *id);

        if (!row || !ec2_mine(call, row->account, row->region))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    if (missing.n)
        return ec2_missing(call, &EC2_ERR(InvalidSubnetID_NotFound), "subnet", &missing);

    STORE_EACH(call->txn, ec2_subnet_by_owner, row, call->account, call->region) {
        if (req->subnet_ids.n && !str_in(&req->subnet_ids, row->id))
            continue;
        struct ec2_Subnet shown = subnet_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->subnets) = shown;
    }
    API_PRESENT(&res->subnets);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
