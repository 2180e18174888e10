/*
 * NAT gateways: what instances without a public address reach the outside by.
 *
 * A gateway has an interface in its subnet, which nobody else may manage, and a public one gives
 * that interface an Elastic IP.  A packet that a route leads to the gateway leaves with that
 * address: the host follows rows of this table and routes (src/host/sandbox_rows.c).
 *
 * What AWS finds out only after the call has been answered makes a gateway that has failed here
 * too, at once.  Gateways that failed or were deleted are shown for an hour; their rows go with the
 * account's next call that makes one.
 */
#include "ec2/instance.h"
#include "ec2/network.h"
#include "placement/quota.h"

enum {
    GATEWAYS_MAX = 5, /* of an account in a zone, failed and deleted ones aside */
    SHOWN_MS = 3600 * 1000,
};

typedef struct ec2_nat_gateway_row row_t;

/* ---- looking up ---- */

static bool
visible(const struct api_call *call, const row_t *row)
{
    return !row->ended_ms || call->now_ms < row->ended_ms + SHOWN_MS;
}

static int
not_found(struct api_call *call, struct str id)
{
    return api_fault(call, &EC2_ERR(NatGatewayNotFound), "The Nat Gateway %.*s was not found",
                     STR_ARG(id));
}

static const row_t *
mine(struct api_call *call, struct str id)
{
    const row_t *row = ec2_nat_gateway_get(call->txn, id);

    return row && ec2_mine(call, row->account, row->region) && visible(call, row) ? row : NULL;
}

int
ec2_nat_gateway_find(struct api_call *call, struct str id, const row_t **ret)
{
    const row_t *row = mine(call, id);

    if (!row)
        return not_found(call, id);
    *ret = row;
    return 0;
}

/* ---- showing ---- */

static struct ec2_NatGateway
show(struct api_call *call, const row_t *row)
{
    bool failed = row->failure_code.n > 0;
    struct ec2_NatGateway out = {
        .create_time = opt_i64(row->created_ms),
        .nat_gateway_id = row->id,
        .state = failed          ? S("failed")
                 : row->ended_ms ? S("deleted")
                                 : S("available"),
        .failure_code = ec2_text_show(row->failure_code),
        .failure_message = ec2_text_show(row->failure_message),
        .subnet_id = row->subnet_id,
        .vpc_id = row->vpc_id,
        .connectivity_type = row->private ? S("private") : S("public"),
        .availability_mode = S("zonal"),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert(!failed || row->ended_ms);
    if (row->ended_ms)
        out.delete_time = opt_i64(row->ended_ms);
    *LIST_PUSH(call->arena, &out.nat_gateway_addresses) = (struct ec2_NatGatewayAddress){
        .allocation_id = ec2_text_show(row->allocation_id),
        .network_interface_id = ec2_text_show(row->shown_interface_id),
        .private_ip = ec2_text_show(row->private_ip),
        .public_ip = ec2_text_show(row->public_ip),
        .association_id = ec2_text_show(row->association_id),
        .is_primary = opt_bool(true),
        .status = failed ? S("failed") : S("succeeded"),
        .failure_message = ec2_text_show(row->failure_message),
    };
    API_PRESENT(&out.tags);
    return out;
}

/* ---- CreateNatGateway ---- */

static int
refuse(struct api_call *call, const struct ec2_CreateNatGatewayRequest *req)
{
    const char *name = str_is(req->availability_mode, "regional") ? "AvailabilityMode"
                       : req->availability_zone_addresses.n       ? "AvailabilityZoneAddress"
                       : req->secondary_allocation_ids.n          ? "SecondaryAllocationId"
                       : req->secondary_private_ip_addresses.n    ? "SecondaryPrivateIpAddress"
                       : opt_i64_or(req->secondary_private_ip_address_count, 0)
                           ? "SecondaryPrivateIpAddressCount"
                       : req->vpc_id.p && !req->subnet_id.p ? "VpcId"
                                                            : NULL;

    return name ? ec2_unsupported_parameter(call, name) : 0;
}

static int
limit_check(struct api_call *call, struct str zone)
{
    size_t n = 0;

    STORE_EACH(call->txn, ec2_nat_gateway_by_owner, row, call->account, call->region)
        n += !row->ended_ms && str_eq(row->zone, zone);
    return n < GATEWAYS_MAX ? 0
                            : api_fault(call, &EC2_ERR(NatGatewayLimitExceeded),
                                        "The maximum number of NAT gateways has been reached.");
}

/* The address that a public gateway shall have; a private one has none. */
static int
address_check(struct api_call *call, const struct ec2_CreateNatGatewayRequest *req, bool private,
              const struct ec2_address_row **ret)
{
    *ret = NULL;
    if (private && req->allocation_id.p)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A private NAT gateway cannot have an allocation ID");
    if (private)
        return 0;
    if (!req->allocation_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter allocationId");
    return ec2_address_find(call, req->allocation_id, ret);
}

static void
fail(row_t *row, const char *code, struct str sentence, int64_t now_ms)
{
    assert(code[0] && sentence.n > 0 && now_ms > 0);
    row->failure_code = str_from(code);
    row->failure_message = sentence;
    row->ended_ms = now_ms;
}

/* What AWS only finds when it has answered. */
static void
late_check(struct api_call *call, const struct ec2_subnet_row *subnet,
           const struct ec2_address_row *address, row_t *row)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, subnet->vpc_id);
    struct ec2_pool pool = ec2_pool_subnet(subnet);

    assert(vpc);
    if (!row->private && !vpc->internet_gateway_id.n)
        fail(
            row, "Gateway.NotAttached",
            str_fmt(call->arena, "Network %.*s has no Internet gateway attached", STR_ARG(vpc->id)),
            call->now_ms);
    else if (address && address->association_id.n)
        fail(row, "Resource.AlreadyAssociated",
             str_fmt(call->arena, "Elastic IP address [%.*s] is already associated",
                     STR_ARG(address->id)),
             call->now_ms);
    else if (!ec2_pool_free(call->txn, &pool))
        fail(row, "InsufficientFreeAddressesInSubnet",
             S("Subnet has insufficient free addresses to create this NAT gateway"), call->now_ms);
}

/* The gateway's interface and its address. */
static int
equip(struct api_call *call, const struct ec2_subnet_row *subnet,
      const struct ec2_address_row *address, struct str private_ip, row_t *row)
{
    const struct ec2_interface_want want = {
        .subnet = subnet,
        .device_index = 1,
        .interface_type = S("nat_gateway"),
        .nat_gateway_id = row->id,
        .private_ip = private_ip,
        .description = str_fmt(call->arena, "Interface for NAT Gateway %.*s", STR_ARG(row->id)),
    };
    struct ec2_interface_row nic;
    int r = ec2_interface_make(call, &want, &nic);

    assert(!row->private || !address);
    if (r)
        return r;
    row->interface_id = row->shown_interface_id = nic.id;
    row->private_ip = nic.private_ip;
    if (!address)
        return 0;
    row->allocation_id = address->id;
    row->public_ip = address->public_ip;
    return ec2_address_associate(call, address, &nic, &row->association_id);
}

/* Rows of gateways that nobody is shown any more. */
static int
sweep(struct api_call *call)
{
    STORE_EACH(call->txn, ec2_nat_gateway_by_owner, row, call->account, call->region) {
        int r = visible(call, row) ? 0 : ec2_nat_gateway_delete(call->txn, row->id);

        if (r < 0)
            return error_origin(-r, "NAT gateway %.*s cannot be deleted", STR_ARG(row->id));
    }
    return 0;
}

static int
create(struct api_call *call, const struct ec2_CreateNatGatewayRequest *req, struct str hash,
       row_t *ret)
{
    const struct ec2_address_row *address = NULL;
    const struct ec2_subnet_row *subnet = NULL;
    int r = refuse(call, req);

    *ret = (row_t){
        .id = api_id(call, "nat"),
        .account = call->account,
        .region = call->region,
        .private = str_is(req->connectivity_type, "private"),
        .client_token = req->client_token,
        .request_hash = hash,
        .created_ms = call->now_ms,
    };
    if (!r && !req->subnet_id.p)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain the parameter subnetId");
    if (!r)
        r = ec2_subnet_find(call, req->subnet_id, &subnet);
    if (!r)
        r = address_check(call, req, ret->private, &address);
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "natgateway", &ret->tags);
    if (!r)
        r = limit_check(call, subnet->zone);
    if (!r)
        r = sweep(call);
    if (r)
        return r;
    ret->vpc_id = subnet->vpc_id;
    ret->subnet_id = subnet->id;
    ret->zone = subnet->zone;
    late_check(call, subnet, address, ret);
    if (!ret->ended_ms)
        r = equip(call, subnet, address, req->private_ip_address, ret);
    assert(r || ret->ended_ms || ret->interface_id.n > 0);
    return r ? r : ec2_unwritten(ec2_nat_gateway_insert(call->txn, ret), ret->id);
}

int
ec2_create_nat_gateway(struct api_call *call, const struct ec2_CreateNatGatewayRequest *req,
                       struct ec2_CreateNatGatewayResult *res)
{
    const row_t *before = NULL;
    struct str hash = ec2_request_hash(call, req);
    row_t row;

    if (req->client_token.n)
        before =
            ec2_nat_gateway_by_token_get(call->txn, call->account, call->region, req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r)
        return r;
    res->nat_gateway = ARENA_NEW(call->arena, struct ec2_NatGateway);
    *res->nat_gateway = show(call, before ? before : &row);
    if (!before) {
        res->nat_gateway->state = S("pending");
        res->nat_gateway->delete_time = (struct opt_i64){0};
        res->nat_gateway->failure_code = res->nat_gateway->failure_message = STR_NONE;
    }
    res->client_token = ec2_text_show(req->client_token);
    return 0;
}

/* ---- DeleteNatGateway ---- */

int
ec2_delete_nat_gateway(struct api_call *call, const struct ec2_DeleteNatGatewayRequest *req,
                       struct ec2_DeleteNatGatewayResult *res)
{
    const row_t *row = NULL;
    int r = ec2_nat_gateway_find(call, req->nat_gateway_id, &row);

    if (r)
        return r;
    row_t new = *row;
    const struct ec2_interface_row *nic =
        row->interface_id.n ? ec2_interface_get(call->txn, row->interface_id) : NULL;

    assert((nic != NULL) == !row->ended_ms);
    res->nat_gateway_id = row->id;
    if (!nic)
        return 0; /* it has failed, or is deleted already */
    r = ec2_interface_drop(call->txn, nic);
    new.interface_id = S("");
    new.ended_ms = call->now_ms;
    return r ? r : ec2_unwritten(ec2_nat_gateway_update(call->txn, &new), new.id);
}

/* ---- DescribeNatGateways ---- */

static const struct api_filter nat_filters[] = {
    {"nat-gateway-id", "NatGatewayId"}, {"state", "State"},  {"subnet-id", "SubnetId"},
    {"tag", API_FILTER_TAGS},           {"vpc-id", "VpcId"},
};
static const struct api_filter_table nat_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_NatGateway, nat_filters);

int
ec2_describe_nat_gateways(struct api_call *call, const struct ec2_DescribeNatGatewaysRequest *req,
                          struct ec2_DescribeNatGatewaysResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2("natGatewayIdSet");
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &nat_table, &req->filter, &rule, req->next_token,
                             req->max_results, req->nat_gateway_ids.n > 0, &listing);

    if (r)
        return r;
    LIST_EACH(&req->nat_gateway_ids, id)
        if (!mine(call, *id))
            return not_found(call, *id);
    STORE_EACH(call->txn, ec2_nat_gateway_by_owner, row, call->account, call->region) {
        if (!visible(call, row) ||
            (req->nat_gateway_ids.n && !str_in(&req->nat_gateway_ids, row->id)))
            continue;
        struct ec2_NatGateway shown = show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->nat_gateways) = shown;
    }
    API_PRESENT(&res->nat_gateways);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
