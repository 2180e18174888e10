/*
 * VPCs.
 *
 * Each has a number, which is its network namespace on the host.  There are a few thousand of
 * them, so the number of a VPC that is gone is given again, as late as possible.
 */
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum {
    VPCS_MAX = 5, /* of an account in a region */
    VPC_BITS_MIN = 16,
    VPC_BITS_MAX = 28,
    VPC_NUMBERS = 2047, /* 1 … 2047: the host has PRIV_VPCS */
};

/* ---- showing ---- */

struct ec2_BlockPublicAccessStates *
ec2_public_access_show(struct arena *arena)
{
    struct ec2_BlockPublicAccessStates *out = ARENA_NEW(arena, struct ec2_BlockPublicAccessStates);

    out->internet_gateway_block_mode = S("off");
    return out;
}

static struct ec2_Vpc
vpc_show(struct api_call *call, const struct ec2_vpc_row *row)
{
    struct ec2_Vpc out = {
        .owner_id = row->account,
        .instance_tenancy = row->tenancy,
        .is_default = opt_bool(row->is_default),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .block_public_access_states = ec2_public_access_show(call->arena),
        .vpc_id = row->id,
        .state = S("available"),
        .cidr_block = row->cidr,
        .dhcp_options_id = row->dhcp_options_id,
    };

    ec2_vpc_cidrs_show(call, row, &out);
    return out;
}

/* ---- making ---- */

static int
number_new(struct api_call *call, int64_t *ret)
{
    for (int i = 0; i < VPC_NUMBERS; i++) {
        int r = ec2_number(call->txn, "vpc", ret);

        if (r)
            return r;
        *ret = 1 + (*ret - 1) % VPC_NUMBERS;
        if (!ec2_vpc_by_number_get(call->txn, *ret))
            return 0;
    }
    return api_fault(call, &EC2_ERR(VpcLimitExceeded),
                     "The host of this cloud holds no more than %d VPCs", VPC_NUMBERS);
}

int
ec2_vpc_put(struct txn *txn, const struct ec2_vpc_row *row)
{
    assert(row->main_route_table_id.n > 0 && row->number > 0);
    assert(ec2_vpc_ok(row));
    return ec2_unwritten(ec2_vpc_update(txn, row), row->id);
}

int
ec2_vpc_surround(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc)
{
    const struct ec2_route_table_row table = {
        .id = vpc->main_route_table_id,
        .account = vpc->account,
        .region = vpc->region,
        .vpc_id = vpc->id,
        .created_ms = vpc->created_ms,
    };
    const struct ec2_network_acl_row acl = {
        .id = vpc->network_acl_id,
        .account = vpc->account,
        .region = vpc->region,
        .vpc_id = vpc->id,
        .created_ms = vpc->created_ms,
    };
    assert(ec2_route_table_ok(&table));
    int r = ec2_unwritten(ec2_route_table_insert(txn, &table), table.id);

    return r ? r : ec2_network_acl_make(txn, arena, &acl, true);
}

int
ec2_vpc_make(struct api_call *call, const struct ec2_vpc_want *want, struct ec2_vpc_row *ret)
{
    const struct ec2_account_row *account = ec2_account_of(call);
    struct ec2_vpc_row row = {
        .id = api_id(call, "vpc"),
        .account = call->account,
        .region = call->region,
        .cidr = want->cidr,
        .is_default = want->is_default,
        .dns_support = true,
        .dns_hostnames = want->dns_hostnames,
        .tenancy = want->tenancy,
        .dhcp_options_id = account->dhcp_options_id,
        .cidr_association_id = api_id(call, "vpc-cidr-assoc"),
        .main_route_table_id = api_id(call, "rtb"),
        .main_association_id = api_id(call, "rtbassoc"),
        .network_acl_id = api_id(call, "acl"),
        .created_ms = call->now_ms,
        .tags = want->tags,
    };
    int r = number_new(call, &row.number);

    assert(account && account->dhcp_options_id.n > 0);
    assert(r || ec2_vpc_ok(&row));
    if (!r)
        r = ec2_unwritten(ec2_vpc_insert(call->txn, &row), row.id);
    if (!r)
        r = ec2_vpc_surround(call->txn, call->arena, &row);
    if (!r)
        r = ec2_group_default_make(call, row.id);
    *ret = row;
    return r;
}

/* ---- CreateVpc ---- */

static int
create_refuse(struct api_call *call, const struct ec2_CreateVpcRequest *req)
{
    const char *name = EC2_BLOCK_REFUSED(req);

    if (!name && req->vpc_encryption_control)
        name = "VpcEncryptionControl";
    return name ? ec2_unsupported_parameter(call, name) : 0;
}

bool
ec2_block_reserved(struct ip4_block block)
{
    static const struct ip4_block reserved[] = {
        {0x00000000, 8}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xe0000000, 3}};

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (ip4_block_overlaps(reserved[i], block))
            return true;
    return false;
}

static int
create_check(struct api_call *call, const struct ec2_CreateVpcRequest *req,
             struct ip4_block *ret_block)
{
    int r = create_refuse(call, req);

    if (r)
        return r;
    if (!req->cidr_block.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
    r = ec2_block_of(call, req->cidr_block, "cidrBlock", ret_block);
    if (r)
        return r;
    if (ret_block->bits < VPC_BITS_MIN || ret_block->bits > VPC_BITS_MAX ||
        ec2_block_reserved(*ret_block))
        return api_fault(call, &EC2_ERR(InvalidVpc_Range), "The CIDR '%.*s' is invalid.",
                         STR_ARG(req->cidr_block));
    if (str_is(req->instance_tenancy, "host"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (host) for parameter instanceTenancy is invalid. Invalid tenancy "
                         "for a VPC.");
    return 0;
}

static int
limit_check(struct api_call *call)
{
    size_t n = 0;

    STORE_EACH(call->txn, ec2_vpc_by_owner, row, call->account, call->region)
        n++;
    return n < VPCS_MAX ? 0
                        : api_fault(call, &EC2_ERR(VpcLimitExceeded),
                                    "The maximum number of VPCs has been reached.");
}

struct ec2_Vpc *
ec2_vpc_show_new(struct api_call *call, const struct ec2_vpc_row *row)
{
    struct ec2_Vpc *out = ARENA_NEW(call->arena, struct ec2_Vpc);

    *out = vpc_show(call, row);
    out->state = S("pending");
    return out;
}

int
ec2_create_vpc(struct api_call *call, const struct ec2_CreateVpcRequest *req,
               struct ec2_CreateVpcResult *res)
{
    struct ec2_vpc_want want = {.tenancy = S("default")};
    struct ip4_block block;
    struct ec2_vpc_row row;
    int r = create_check(call, req, &block);

    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "vpc", &want.tags);
    if (!r)
        r = limit_check(call);
    if (r)
        return r;
    assert(block.bits >= VPC_BITS_MIN && block.bits <= VPC_BITS_MAX);
    want.cidr = ip4_block_text(call->arena, block);
    if (req->instance_tenancy.n)
        want.tenancy = req->instance_tenancy;
    r = ec2_vpc_make(call, &want, &row);
    if (!r)
        res->vpc = ec2_vpc_show_new(call, &row);
    return r;
}

/* ---- DeleteVpc ---- */

/* Whether something is in it that it did not come with. */
static bool
vpc_used(struct api_call *call, const struct ec2_vpc_row *vpc)
{
    if (vpc->internet_gateway_id.n)
        return true;
    STORE_EACH(call->txn, ec2_subnet_by_vpc, row, vpc->id)
        return true;
    STORE_EACH(call->txn, ec2_security_group_by_vpc, row, vpc->id)
        if (!str_is(row->name, "default"))
            return true;
    STORE_EACH(call->txn, ec2_route_table_by_vpc, row, vpc->id)
        if (!str_eq(row->id, vpc->main_route_table_id))
            return true;
    STORE_EACH(call->txn, ec2_network_acl_by_vpc, row, vpc->id)
        if (!str_eq(row->id, vpc->network_acl_id))
            return true;
    return false;
}

int
ec2_delete_vpc(struct api_call *call, const struct ec2_DeleteVpcRequest *req,
               struct ec2_DeleteVpcResult *res UNUSED)
{
    const struct ec2_security_group_row *group;
    const struct ec2_vpc_row *vpc;
    int r = ec2_vpc_find(call, req->vpc_id, &vpc);

    if (r)
        return r;
    if (vpc_used(call, vpc))
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The vpc '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(vpc->id));
    assert(!vpc->internet_gateway_id.n);
    r = ec2_group_default(call, vpc->id, &group);
    if (!r)
        r = ec2_group_drop(call->txn, group->id);
    if (!r)
        r = ec2_route_table_drop(call->txn, vpc->main_route_table_id);
    if (!r)
        r = ec2_network_acl_drop(call->txn, vpc->network_acl_id);
    if (!r)
        r = ec2_vpc_peerings_end(call, vpc->id);
    if (!r)
        r = ec2_vpc_cidrs_drop(call->txn, vpc->id);
    return r ? r : ec2_unwritten(ec2_vpc_delete(call->txn, vpc->id), vpc->id);
}

/* ---- ModifyVpcAttribute ---- */

int
ec2_modify_vpc_attribute(struct api_call *call, const struct ec2_ModifyVpcAttributeRequest *req,
                         struct ec2_ModifyVpcAttributeResult *res UNUSED)
{
    const struct ec2_AttributeBooleanValue *support = req->enable_dns_support,
                                           *names = req->enable_dns_hostnames,
                                           *metrics = req->enable_network_address_usage_metrics;
    const struct ec2_vpc_row *row;
    struct ec2_vpc_row new;
    int r = ec2_one_attribute(call, !!support + !!names + !!metrics);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &row);
    if (r)
        return r;
    if (metrics && opt_bool_or(metrics->value, false))
        return ec2_unsupported_parameter(call, "EnableNetworkAddressUsageMetrics");
    new = *row;
    if (support)
        new.dns_support = opt_bool_or(support->value, new.dns_support);
    if (names)
        new.dns_hostnames = opt_bool_or(names->value, new.dns_hostnames);
    if (names && new.dns_hostnames && !new.dns_support)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "DNS hostnames can be enabled only where DNS support is enabled");
    return ec2_vpc_put(call->txn, &new);
}

/* ---- DescribeVpcs, DescribeVpcAttribute ---- */

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
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &vpc_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->vpc_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &ec2_vpc_kind, &req->vpc_ids);
    if (r)
        return r;
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
