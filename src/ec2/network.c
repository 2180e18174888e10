/*
 * The default VPC, and looking networks up.
 *
 * An account has a default VPC in every region, and AWS makes it before anyone asks.  Here it is
 * made with the account's first call to EC2 in the region, in that call's transaction, so that
 * nobody ever sees the region without it.
 *
 * Databases of before networks could be made hold default VPCs without rows for what stands around
 * them; ec2_networks_complete() gives them theirs when the daemon starts.
 */
#include "ec2/network.h"
#include "ec2/row_ok.h"

#define DEFAULT_CIDR S("172.31.0.0/16")

enum {
    DEFAULT_SUBNET_BITS = 20,
    DEFAULT_SUBNETS_MAX = 16, /* of that size in the default VPC */
    ACCOUNT_KEY_MAX = 64,
    COMPLETE_BYTES_MAX = 64 << 20,
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

const struct ec2_account_row *
ec2_account_of(const struct api_call *call)
{
    char room[ACCOUNT_KEY_MAX];

    return ec2_account_get(call->txn, account_key(call, room));
}

static bool
prepare_needed(struct api_call *call)
{
    return !ec2_account_of(call) && !str_is(call->account, EC2_OPERATOR_ACCOUNT);
}

int
ec2_default_subnet_make(struct api_call *call, const struct ec2_vpc_row *vpc, struct ec2_zone zone,
                        struct ec2_subnet_row *ret)
{
    struct ec2_subnet_want want = {.vpc = vpc, .zone = zone, .is_default = true};
    struct ip4_block all = {0};
    bool ok = ip4_block_parse(vpc->cidr, &all);

    assert(vpc->is_default && zone.name.n > 0);
    assert(ok && all.bits <= DEFAULT_SUBNET_BITS);
    (void)ok;
    want.block.bits = DEFAULT_SUBNET_BITS;
    for (uint64_t i = 0; i < DEFAULT_SUBNETS_MAX; i++) {
        want.block.ip = ip4_block_nth(all, i << (32 - DEFAULT_SUBNET_BITS));
        if (!ec2_subnet_at(call->txn, vpc->id, want.block))
            return ec2_subnet_make(call, &want, ret);
    }
    return api_fault(call, &EC2_ERR(InsufficientCidrBlocks),
                     "There are not enough free CIDR blocks in VPC '%.*s' for a default subnet",
                     STR_ARG(vpc->id));
}

/* Its gateway's row, and the route to it: what makes the default VPC's subnets public. */
static int
default_way_out(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc)
{
    const struct ec2_internet_gateway_row gateway = {
        .id = vpc->internet_gateway_id,
        .account = vpc->account,
        .region = vpc->region,
        .created_ms = vpc->created_ms,
    };
    assert(vpc->is_default && vpc->main_route_table_id.n > 0);
    assert(ec2_internet_gateway_ok(&gateway));
    int r = ec2_unwritten(ec2_internet_gateway_insert(txn, &gateway), gateway.id);

    return r ? r : ec2_route_make(txn, arena, vpc->main_route_table_id, S("0.0.0.0/0"), gateway.id);
}

int
ec2_default_vpc_make(struct api_call *call, struct ec2_vpc_row *ret)
{
    const struct ec2_vpc_want want = {
        .cidr = DEFAULT_CIDR,
        .tenancy = S("default"),
        .is_default = true,
        .dns_hostnames = true,
    };
    const struct ec2_region *region = ec2_region_find(call->region);
    struct ec2_subnet_row subnet;
    int r = ec2_vpc_make(call, &want, ret);

    assert(region && region->n_zones > 0 && region->n_zones <= DEFAULT_SUBNETS_MAX);
    ret->internet_gateway_id = api_id(call, "igw");
    if (!r)
        r = ec2_vpc_put(call->txn, ret);
    if (!r)
        r = default_way_out(call->txn, call->arena, ret);
    for (unsigned i = 0; i < region->n_zones && !r; i++)
        r = ec2_default_subnet_make(call, ret, ec2_region_zone(call->arena, region, i), &subnet);
    return r;
}

static int
prepare(struct api_call *call)
{
    char room[ACCOUNT_KEY_MAX];
    struct ec2_account_row row = {
        .account = call->account, .region = call->region, .created_ms = call->now_ms};
    struct ec2_vpc_row vpc;

    if (!ec2_region_find(call->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "There is no region '%.*s'",
                         STR_ARG(call->region));
    row.id = account_key(call, room);
    row.dhcp_options_id = api_id(call, "dopt");
    int r = ec2_dhcp_options_default_make(call->txn, call->arena, &row);
    if (!r) /* VPCs find their DHCP options in it */
        r = ec2_unwritten(ec2_account_insert(call->txn, &row), row.id);
    if (!r)
        r = ec2_default_vpc_make(call, &vpc);
    if (r)
        return r;
    row.default_vpc_id = vpc.id;
    return ec2_unwritten(ec2_account_update(call->txn, &row), row.id);
}

/* ---- older clouds ---- */

static int
complete_vpc(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc)
{
    int r = ec2_vpc_surround(txn, arena, vpc);

    if (!r && vpc->internet_gateway_id.n)
        r = default_way_out(txn, arena, vpc);
    STORE_EACH(txn, ec2_subnet_by_vpc, row, vpc->id) {
        struct ec2_subnet_row new = *row;

        if (!r && !new.number)
            r = ec2_number(txn, "subnet", &new.number);
        new.network_acl_id = vpc->network_acl_id;
        if (!r)
            r = ec2_subnet_put(txn, &new);
    }
    return r;
}

int
ec2_networks_complete(struct txn *txn)
{
    struct arena arena;
    int r = 0;

    arena_init(&arena, COMPLETE_BYTES_MAX);
    STORE_EACH(txn, ec2_account_by_key, row) {
        const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, row->default_vpc_id);
        struct ec2_account_row new = *row;

        if (r || row->dhcp_options_id.n || !vpc)
            continue;
        new.dhcp_options_id = vpc->dhcp_options_id;
        r = ec2_dhcp_options_default_make(txn, &arena, &new);
        if (!r)
            r = ec2_unwritten(ec2_account_update(txn, &new), new.id);
        if (!r)
            r = complete_vpc(txn, &arena, vpc);
    }
    arena_done(&arena);
    return r;
}

const struct api_service_hooks ec2_hooks = {
    .service = &ec2_service,
    .prepare_needed = prepare_needed,
    .prepare = prepare,
    .resource = ec2_resource,
    .context = ec2_context,
};

int
ec2_create_default_vpc(struct api_call *call, const struct ec2_CreateDefaultVpcRequest *req UNUSED,
                       struct ec2_CreateDefaultVpcResult *res)
{
    const struct ec2_account_row *account = ec2_account_of(call);
    struct ec2_account_row new;
    struct ec2_vpc_row vpc;

    assert(account);
    if (ec2_vpc_get(call->txn, account->default_vpc_id))
        return api_fault(call, &EC2_ERR(DefaultVpcAlreadyExists),
                         "A Default VPC already exists for this account in this region.");
    int r = ec2_default_vpc_make(call, &vpc);

    if (r)
        return r;
    assert(ec2_vpc_ok(&vpc) && vpc.is_default);
    new = *account;
    new.default_vpc_id = vpc.id;
    res->vpc = ec2_vpc_show_new(call, &vpc);
    return ec2_unwritten(ec2_account_update(call->txn, &new), new.id);
}

/* ---- looking up ---- */

/*
 * AWS answers a malformed id of a VPC or a subnet like one that nothing has, unlike those of most
 * other resources.
 */
const struct ec2_kind ec2_vpc_kind = EC2_KIND(ec2_vpc, InvalidVpcID_NotFound, "vpc");
const struct ec2_kind ec2_subnet_kind = EC2_KIND(ec2_subnet, InvalidSubnetID_NotFound, "subnet");

int
ec2_vpc_find(struct api_call *call, struct str id, const struct ec2_vpc_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &ec2_vpc_kind, id, &row);

    assert(r || ec2_vpc_ok(row));
    if (!r)
        *ret = row;
    return r;
}

int
ec2_subnet_find(struct api_call *call, struct str id, const struct ec2_subnet_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &ec2_subnet_kind, id, &row);

    assert(r || ec2_subnet_ok(row));
    if (!r)
        *ret = row;
    return r;
}

int
ec2_vpc_default(struct api_call *call, const struct ec2_vpc_row **ret)
{
    const struct ec2_account_row *account = ec2_account_of(call);
    const struct ec2_vpc_row *row =
        account ? ec2_vpc_get(call->txn, account->default_vpc_id) : NULL;

    if (!row)
        return api_fault(call, &EC2_ERR(VPCIdNotSpecified),
                         "No default VPC for this user. GroupName is only supported for "
                         "EC2-Classic and default VPC.");
    assert(ec2_vpc_ok(row) && row->is_default);
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
