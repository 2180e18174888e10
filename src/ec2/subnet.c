/*
 * Subnets.
 *
 * Which route table and which network ACL a subnet has stands in its row.  Without a route table
 * of its own it has the VPC's main one, whichever that is at the time.
 */
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum {
    SUBNETS_MAX = 200, /* of a VPC */
    SUBNET_BITS_MAX = 28,
};

/* ---- looking up ---- */

const struct ec2_subnet_row *
ec2_subnet_at(struct txn *txn, struct str vpc_id, struct ip4_block block)
{
    STORE_EACH(txn, ec2_subnet_by_vpc, row, vpc_id) {
        struct ip4_block other;

        if (ip4_block_parse(row->cidr, &other) && ip4_block_overlaps(block, other))
            return row;
    }
    return NULL;
}

static const struct ec2_subnet_row *
mine(struct api_call *call, const struct ec2_subnet_row *row)
{
    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

const struct ec2_subnet_row *
ec2_subnet_of_route(struct api_call *call, struct str association)
{
    return mine(call, ec2_subnet_by_route_association_get(call->txn, association));
}

const struct ec2_subnet_row *
ec2_subnet_of_acl(struct api_call *call, struct str association)
{
    return mine(call, ec2_subnet_by_acl_association_get(call->txn, association));
}

/* ---- showing ---- */

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
        .block_public_access_states = ec2_public_access_show(call->arena),
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

/* ---- making ---- */

int
ec2_subnet_put(struct txn *txn, const struct ec2_subnet_row *row)
{
    assert(row->network_acl_id.n > 0 && row->number > 0);
    assert((row->route_table_id.n > 0) == (row->route_association_id.n > 0));
    assert(ec2_subnet_ok(row));
    return ec2_unwritten(ec2_subnet_update(txn, row), row->id);
}

int
ec2_subnet_make(struct api_call *call, const struct ec2_subnet_want *want,
                struct ec2_subnet_row *ret)
{
    struct ec2_subnet_row row = {
        .id = api_id(call, "subnet"),
        .account = call->account,
        .region = call->region,
        .vpc_id = want->vpc->id,
        .zone = want->zone.name,
        .zone_id = want->zone.id,
        .cidr = ip4_block_text(call->arena, want->block),
        .default_for_az = want->is_default,
        .map_public_ip = want->is_default,
        .network_acl_id = want->vpc->network_acl_id,
        .acl_association_id = api_id(call, "aclassoc"),
        .created_ms = call->now_ms,
        .tags = want->tags,
    };
    int r = ec2_number(call->txn, "subnet", &row.number);

    assert(str_starts(want->zone.name, call->region) && want->block.bits <= SUBNET_BITS_MAX);
    assert(r || ec2_subnet_ok(&row));
    if (!r)
        r = ec2_unwritten(ec2_subnet_insert(call->txn, &row), row.id);
    *ret = row;
    return r;
}

/* ---- CreateSubnet ---- */

static int
create_refuse(struct api_call *call, const struct ec2_CreateSubnetRequest *req)
{
    const char *name = req->ipv6_cidr_block.p                 ? "Ipv6CidrBlock"
                       : req->outpost_arn.p                   ? "OutpostArn"
                       : opt_bool_or(req->ipv6_native, false) ? "Ipv6Native"
                       : req->ipv4_ipam_pool_id.p             ? "Ipv4IpamPoolId"
                       : req->ipv4_netmask_length.set         ? "Ipv4NetmaskLength"
                       : req->ipv6_ipam_pool_id.p             ? "Ipv6IpamPoolId"
                       : req->ipv6_netmask_length.set         ? "Ipv6NetmaskLength"
                                                              : NULL;

    return name ? ec2_unsupported_parameter(call, name) : 0;
}

/* The zone of that name or id; the first when neither is given. */
static int
zone_of(struct api_call *call, struct str name, struct str id, struct ec2_zone *ret)
{
    const struct ec2_region *region = ec2_region_find(call->region);
    struct str_list names = {0};

    assert(region && region->n_zones > 0);
    if (name.p && id.p)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Only one of AvailabilityZone and AvailabilityZoneId may be specified");
    for (unsigned i = 0; i < region->n_zones; i++) {
        *ret = ec2_region_zone(call->arena, region, i);
        if ((!name.p && !id.p) || str_eq(ret->name, name) || str_eq(ret->id, id))
            return 0;
        *LIST_PUSH(call->arena, &names) = id.p ? ret->id : ret->name;
    }
    struct str all = str_join(call->arena, &names, S(", "));

    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter %s is invalid. Subnets can currently only be "
                     "created in the following availability zones: %.*s.",
                     STR_ARG(id.p ? id : name), id.p ? "availabilityZoneId" : "availabilityZone",
                     STR_ARG(all));
}

static int
block_check(struct api_call *call, const struct ec2_CreateSubnetRequest *req,
            const struct ec2_vpc_row *vpc, struct ip4_block block)
{
    size_t n = 0;

    if (!ec2_vpc_covers(call->txn, vpc, block) || block.bits > SUBNET_BITS_MAX)
        return api_fault(call, &EC2_ERR(InvalidSubnet_Range), "The CIDR '%.*s' is invalid.",
                         STR_ARG(req->cidr_block));
    if (ec2_subnet_at(call->txn, vpc->id, block))
        return api_fault(call, &EC2_ERR(InvalidSubnet_Conflict),
                         "The CIDR '%.*s' conflicts with another subnet", STR_ARG(req->cidr_block));
    STORE_EACH(call->txn, ec2_subnet_by_vpc, row, vpc->id)
        n++;
    return n < SUBNETS_MAX ? 0
                           : api_fault(call, &EC2_ERR(SubnetLimitExceeded),
                                       "The maximum number of subnets has been reached.");
}

static struct ec2_Subnet *
made_show(struct api_call *call, const struct ec2_subnet_row *row)
{
    struct ec2_Subnet *out = ARENA_NEW(call->arena, struct ec2_Subnet);

    assert(ec2_subnet_ok(row));
    *out = subnet_show(call, row);
    return out;
}

int
ec2_create_subnet(struct api_call *call, const struct ec2_CreateSubnetRequest *req,
                  struct ec2_CreateSubnetResult *res)
{
    struct ec2_subnet_want want = {0};
    struct ec2_subnet_row row;
    int r = create_refuse(call, req);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &want.vpc);
    if (!r && !req->cidr_block.p)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
    if (!r)
        r = ec2_block_of(call, req->cidr_block, "cidrBlock", &want.block);
    if (!r)
        r = zone_of(call, req->availability_zone, req->availability_zone_id, &want.zone);
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "subnet", &want.tags);
    if (!r)
        r = block_check(call, req, want.vpc, want.block);
    if (!r)
        r = ec2_subnet_make(call, &want, &row);
    if (!r)
        res->subnet = made_show(call, &row);
    return r;
}

int
ec2_create_default_subnet(struct api_call *call, const struct ec2_CreateDefaultSubnetRequest *req,
                          struct ec2_CreateDefaultSubnetResult *res)
{
    const struct ec2_account_row *account = ec2_account_of(call);
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, account->default_vpc_id);
    struct ec2_subnet_row made;
    struct ec2_zone zone;

    assert(account);
    if (opt_bool_or(req->ipv6_native, false))
        return ec2_unsupported_parameter(call, "Ipv6Native");
    if (!req->availability_zone.p && !req->availability_zone_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter availabilityZone");
    if (!vpc)
        return api_fault(call, &EC2_ERR(DefaultVpcDoesNotExist),
                         "No default VPC exists for this account in this region.");
    int r = zone_of(call, req->availability_zone, req->availability_zone_id, &zone);

    if (r)
        return r;
    STORE_EACH(call->txn, ec2_subnet_by_vpc, row, vpc->id)
        if (row->default_for_az && str_eq(row->zone, zone.name))
            return api_fault(call, &EC2_ERR(DefaultSubnetAlreadyExistsInAvailabilityZone),
                             "'%.*s' is already the default subnet in %.*s.", STR_ARG(row->id),
                             STR_ARG(zone.name));
    r = ec2_default_subnet_make(call, vpc, zone, &made);
    if (!r)
        res->subnet = made_show(call, &made);
    return r;
}

/* ---- DeleteSubnet ---- */

int
ec2_delete_subnet(struct api_call *call, const struct ec2_DeleteSubnetRequest *req,
                  struct ec2_DeleteSubnetResult *res UNUSED)
{
    const struct ec2_subnet_row *row;
    int r = ec2_subnet_find(call, req->subnet_id, &row);

    if (r)
        return r;
    STORE_EACH(call->txn, ec2_interface_by_subnet, interface, row->id)
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The subnet '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(row->id));
    struct ec2_pool pool = ec2_pool_subnet(row);

    r = ec2_pool_drop(call->txn, &pool);
    return r ? r : ec2_unwritten(ec2_subnet_delete(call->txn, row->id), row->id);
}

/* ---- ModifySubnetAttribute ---- */

static bool
is_true(const struct ec2_AttributeBooleanValue *v)
{
    return v && opt_bool_or(v->value, false);
}

/* What Welkin does not have; what is so anyway may be asked for. */
static int
modify_refuse(struct api_call *call, const struct ec2_ModifySubnetAttributeRequest *req)
{
    struct str names = req->private_dns_hostname_type_on_launch;
    const char *name = is_true(req->assign_ipv6_address_on_creation) ? "AssignIpv6AddressOnCreation"
                       : is_true(req->map_customer_owned_ip_on_launch)
                           ? "MapCustomerOwnedIpOnLaunch"
                       : req->customer_owned_ipv4_pool.p      ? "CustomerOwnedIpv4Pool"
                       : is_true(req->enable_dns64)           ? "EnableDns64"
                       : names.p && !str_is(names, "ip-name") ? "PrivateDnsHostnameTypeOnLaunch"
                       : is_true(req->enable_resource_name_dns_a_record_on_launch)
                           ? "EnableResourceNameDnsARecordOnLaunch"
                       : is_true(req->enable_resource_name_dns_aaaa_record_on_launch)
                           ? "EnableResourceNameDnsAAAARecordOnLaunch"
                       : req->enable_lni_at_device_index.set       ? "EnableLniAtDeviceIndex"
                       : is_true(req->disable_lni_at_device_index) ? "DisableLniAtDeviceIndex"
                                                                   : NULL;

    return name ? ec2_unsupported_parameter(call, name) : 0;
}

int
ec2_modify_subnet_attribute(struct api_call *call,
                            const struct ec2_ModifySubnetAttributeRequest *req,
                            struct ec2_ModifySubnetAttributeResult *res UNUSED)
{
    const struct ec2_subnet_row *row;
    struct ec2_subnet_row new;
    unsigned n = !!req->map_public_ip_on_launch + !!req->assign_ipv6_address_on_creation +
                 !!req->map_customer_owned_ip_on_launch + !!req->enable_dns64 +
                 !!req->private_dns_hostname_type_on_launch.p +
                 !!req->enable_resource_name_dns_a_record_on_launch +
                 !!req->enable_resource_name_dns_aaaa_record_on_launch +
                 !!req->disable_lni_at_device_index;
    int r = modify_refuse(call, req);

    if (!r)
        r = ec2_one_attribute(call, n);
    if (!r)
        r = ec2_subnet_find(call, req->subnet_id, &row);
    if (r || !req->map_public_ip_on_launch)
        return r;
    new = *row;
    new.map_public_ip = opt_bool_or(req->map_public_ip_on_launch->value, new.map_public_ip);
    return ec2_subnet_put(call->txn, &new);
}

/* ---- DescribeSubnets ---- */

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
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &subnet_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->subnet_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &ec2_subnet_kind, &req->subnet_ids);
    if (r)
        return r;
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
