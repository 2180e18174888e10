/*
 * Route tables: the main one of a VPC, further ones, their routes, and which subnets use them.
 *
 * Every table has the VPC's local route, which is not a row.  The other rows are those that
 * somebody made; the host follows them (host/sandbox_subnet.c), so that a packet goes where the
 * most specific route says, and nowhere when there is none.
 */
#include "ec2/instance.h"
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum {
    TABLES_MAX = 200, /* of a VPC */
    ROUTES_MAX = 50,  /* of a table, besides the local one */
};

static const struct ec2_kind table_kind =
    EC2_KIND(ec2_route_table, InvalidRouteTableID_NotFound, "routeTable");

/* ---- looking up ---- */

static int
table_find(struct api_call *call, struct str id, const struct ec2_route_table_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &table_kind, id, &row);

    assert(r || ec2_route_table_ok(row));
    if (!r)
        *ret = row;
    return r;
}

static struct str
route_key(struct arena *arena, struct str table_id, struct str cidr)
{
    assert(table_id.n > 0);
    return str_fmt(arena, "%.*s/%.*s", STR_ARG(table_id), STR_ARG(cidr));
}

const struct ec2_vpc_row *
ec2_vpc_of_main_association(struct api_call *call, struct str association)
{
    const struct ec2_vpc_row *row = ec2_vpc_by_main_association_get(call->txn, association);

    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

static int
no_association(struct api_call *call, struct str id)
{
    return ec2_missing(call, &EC2_ERR(InvalidAssociationID_NotFound), "association",
                       &(struct str_list){&id, 1});
}

/* ---- showing ---- */

static struct ec2_RouteTableAssociationState *
associated(struct arena *arena)
{
    struct ec2_RouteTableAssociationState *state =
        ARENA_NEW(arena, struct ec2_RouteTableAssociationState);

    state->state = S("associated");
    return state;
}

static void
associations_show(struct api_call *call, const struct ec2_route_table_row *row,
                  const struct ec2_vpc_row *vpc, struct ec2_RouteTable *out)
{
    assert(str_eq(vpc->id, row->vpc_id));
    if (str_eq(vpc->main_route_table_id, row->id))
        *LIST_PUSH(call->arena, &out->associations) = (struct ec2_RouteTableAssociation){
            .main = opt_bool(true),
            .route_table_association_id = vpc->main_association_id,
            .route_table_id = row->id,
            .association_state = associated(call->arena),
        };
    STORE_EACH(call->txn, ec2_subnet_by_route_table, subnet, row->id)
        *LIST_PUSH(call->arena, &out->associations) = (struct ec2_RouteTableAssociation){
            .main = opt_bool(false),
            .route_table_association_id = subnet->route_association_id,
            .route_table_id = row->id,
            .subnet_id = subnet->id,
            .association_state = associated(call->arena),
        };
}

/* An instance leads on while it runs; whether it forwards is its own affair. */
static bool
route_leads(struct api_call *call, const struct ec2_vpc_row *vpc, struct str target,
            const struct ec2_instance_row *instance)
{
    const struct ec2_nat_gateway_row *nat = ec2_nat_gateway_get(call->txn, target);
    const struct ec2_vpc_peering_row *peering = ec2_vpc_peering_get(call->txn, target);

    assert(target.n > 0 && !(instance && (nat || peering)));
    return nat        ? !nat->ended_ms
           : peering  ? str_is(peering->state, "active")
           : instance ? instance->state == EC2_RUNNING
                      : str_eq(target, vpc->internet_gateway_id);
}

/* The instance that an interface which routes lead to is attached to, or NULL. */
static const struct ec2_instance_row *
instance_behind(struct api_call *call, struct str interface_id)
{
    const struct ec2_interface_row *nic = ec2_interface_get(call->txn, interface_id);

    return nic && nic->instance_id.n ? ec2_instance_get(call->txn, nic->instance_id) : NULL;
}

static struct ec2_Route
route_show(struct api_call *call, const struct ec2_vpc_row *vpc, const struct ec2_route_row *route)
{
    const struct ec2_instance_row *instance = instance_behind(call, route->gateway_id);
    bool leads = route_leads(call, vpc, route->gateway_id, instance);
    struct ec2_Route out = {
        .destination_cidr_block = route->cidr,
        .origin = S("CreateRoute"),
        .state = leads ? S("active") : S("blackhole"),
    };

    assert(route->cidr.n > 0 && route->gateway_id.n > 0);
    if (str_starts(route->gateway_id, S("nat-")))
        out.nat_gateway_id = route->gateway_id;
    else if (str_starts(route->gateway_id, S("pcx-")))
        out.vpc_peering_connection_id = route->gateway_id;
    else if (str_starts(route->gateway_id, S("eni-")))
        out.network_interface_id = route->gateway_id;
    else
        out.gateway_id = route->gateway_id;
    if (instance) {
        out.instance_id = instance->id;
        out.instance_owner_id = instance->account;
    }
    return out;
}

static struct ec2_RouteTable
table_show(struct api_call *call, const struct ec2_route_table_row *row)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, row->vpc_id);
    struct ec2_RouteTable out = {
        .route_table_id = row->id,
        .vpc_id = row->vpc_id,
        .owner_id = row->account,
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert(vpc);
    associations_show(call, row, vpc, &out);
    struct str_list cidrs = ec2_vpc_cidrs(call->txn, call->arena, vpc);

    LIST_EACH(&cidrs, cidr)
        *LIST_PUSH(call->arena, &out.routes) = (struct ec2_Route){
            .destination_cidr_block = *cidr,
            .gateway_id = S("local"),
            .origin = S("CreateRouteTable"),
            .state = S("active"),
        };
    STORE_EACH(call->txn, ec2_route_by_table, route, row->id)
        *LIST_PUSH(call->arena, &out.routes) = route_show(call, vpc, route);
    API_PRESENT(&out.associations);
    API_PRESENT(&out.propagating_vgws);
    API_PRESENT(&out.tags);
    return out;
}

/* ---- CreateRouteTable, DeleteRouteTable ---- */

static int
create(struct api_call *call, const struct ec2_CreateRouteTableRequest *req, struct str hash,
       struct ec2_route_table_row *ret)
{
    const struct ec2_vpc_row *vpc;
    size_t n = 0;
    int r = ec2_vpc_find(call, req->vpc_id, &vpc);

    *ret = (struct ec2_route_table_row){
        .id = api_id(call, "rtb"),
        .account = call->account,
        .region = call->region,
        .client_token = req->client_token,
        .request_hash = hash,
        .created_ms = call->now_ms,
    };
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "route-table", &ret->tags);
    if (r)
        return r;
    ret->vpc_id = vpc->id;
    STORE_EACH(call->txn, ec2_route_table_by_vpc, row, vpc->id)
        n++;
    if (n >= TABLES_MAX)
        return api_fault(call, &EC2_ERR(RouteTableLimitExceeded),
                         "The maximum number of route tables has been reached.");
    assert(ec2_route_table_ok(ret));
    return ec2_unwritten(ec2_route_table_insert(call->txn, ret), ret->id);
}

int
ec2_create_route_table(struct api_call *call, const struct ec2_CreateRouteTableRequest *req,
                       struct ec2_CreateRouteTableResult *res)
{
    const struct ec2_route_table_row *before = NULL;
    struct str hash = ec2_request_hash(call, req);
    struct ec2_route_table_row row;

    if (req->client_token.n)
        before =
            ec2_route_table_by_token_get(call->txn, call->account, call->region, req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r)
        return r;
    res->route_table = ARENA_NEW(call->arena, struct ec2_RouteTable);
    *res->route_table = table_show(call, before ? before : &row);
    res->client_token = ec2_text_show(req->client_token);
    return 0;
}

int
ec2_route_table_drop(struct txn *txn, struct str id)
{
    int r = 0;

    assert(id.n > 0);
    STORE_EACH(txn, ec2_route_by_table, row, id)
        if (!r)
            r = ec2_unwritten(ec2_route_delete(txn, row->id), id);
    return r ? r : ec2_unwritten(ec2_route_table_delete(txn, id), id);
}

int
ec2_delete_route_table(struct api_call *call, const struct ec2_DeleteRouteTableRequest *req,
                       struct ec2_DeleteRouteTableResult *res UNUSED)
{
    const struct ec2_route_table_row *row;
    int r = table_find(call, req->route_table_id, &row);

    if (r)
        return r;
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, row->vpc_id);
    bool used = vpc && str_eq(vpc->main_route_table_id, row->id);

    STORE_EACH(call->txn, ec2_subnet_by_route_table, subnet, row->id)
        used = true;
    if (used)
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The routeTable '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(row->id));
    return ec2_route_table_drop(call->txn, row->id);
}

/* ---- routes ---- */

/* What a route may name: the members that CreateRoute and ReplaceRoute share. */
struct route_want {
    struct str table_id, cidr;
    struct str gateway_id; /* whichever target was named, but an instance */
    struct str instance_id;
    const char *refused; /* the member that Welkin does not have */
    unsigned n_targets;
};

#define ROUTE_WANT(req)                                                                            \
    (struct route_want)                                                                            \
    {                                                                                              \
        .table_id = (req)->route_table_id, .cidr = (req)->destination_cidr_block,                  \
        .gateway_id = (req)->nat_gateway_id.p              ? (req)->nat_gateway_id                 \
                      : (req)->vpc_peering_connection_id.p ? (req)->vpc_peering_connection_id      \
                      : (req)->network_interface_id.p      ? (req)->network_interface_id           \
                                                           : (req)->gateway_id,                    \
        .instance_id = (req)->instance_id,                                                         \
        .n_targets = !!(req)->nat_gateway_id.p + !!(req)->vpc_peering_connection_id.p +            \
                     !!(req)->network_interface_id.p + !!(req)->instance_id.p +                    \
                     !!(req)->gateway_id.p,                                                        \
        .refused = (req)->destination_prefix_list_id.p        ? "DestinationPrefixListId"          \
                   : (req)->destination_ipv6_cidr_block.p     ? "DestinationIpv6CidrBlock"         \
                   : (req)->vpc_endpoint_id.p                 ? "VpcEndpointId"                    \
                   : (req)->transit_gateway_id.p              ? "TransitGatewayId"                 \
                   : (req)->local_gateway_id.p                ? "LocalGatewayId"                   \
                   : (req)->carrier_gateway_id.p              ? "CarrierGatewayId"                 \
                   : (req)->core_network_arn.p                ? "CoreNetworkArn"                   \
                   : (req)->odb_network_arn.p                 ? "OdbNetworkArn"                    \
                   : (req)->egress_only_internet_gateway_id.p ? "EgressOnlyInternetGatewayId"      \
                                                              : NULL,                              \
    }

/* The table and the destination of a route, as a network. */
static int
route_place(struct api_call *call, const struct route_want *want,
            const struct ec2_route_table_row **ret_table, struct str *ret_cidr)
{
    struct ip4_block block;
    int r = want->refused ? ec2_unsupported_parameter(call, want->refused) : 0;

    if (!r)
        r = table_find(call, want->table_id, ret_table);
    if (!r && !want->cidr.p)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain the parameter destinationCidrBlock");
    if (!r)
        r = ec2_block_of(call, want->cidr, "destinationCidrBlock", &block);
    if (!r)
        *ret_cidr = ip4_block_text(call->arena, block);
    return r;
}

static int
foreign(struct api_call *call, const struct ec2_route_table_row *table, struct str gateway_id)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "route table %.*s and network gateway %.*s belong to different networks",
                     STR_ARG(table->id), STR_ARG(gateway_id));
}

static int
nat_check(struct api_call *call, const struct route_want *want,
          const struct ec2_route_table_row *table)
{
    const struct ec2_nat_gateway_row *row;

    if (ec2_nat_gateway_find(call, want->gateway_id, &row) || row->ended_ms)
        return ec2_missing(call, &EC2_ERR(InvalidNatGatewayID_NotFound), "natGateway",
                           &(struct str_list){(struct str *)&want->gateway_id, 1});
    return str_eq(row->vpc_id, table->vpc_id) ? 0 : foreign(call, table, row->id);
}

/* A route may wait for a connection to be accepted. */
static int
peering_check(struct api_call *call, const struct route_want *want,
              const struct ec2_route_table_row *table)
{
    const struct ec2_vpc_peering_row *row;
    int r = ec2_vpc_peering_find(call, want->gateway_id, &row);

    if (r)
        return r;
    return str_eq(row->vpc_id, table->vpc_id) || str_eq(row->peer_vpc_id, table->vpc_id)
               ? 0
               : foreign(call, table, row->id);
}

/* An instance stands for its one interface: the route stays with that. */
static int
interface_check(struct api_call *call, struct route_want *want,
                const struct ec2_route_table_row *table)
{
    const struct ec2_instance_row *instance;
    const struct ec2_interface_row *row;
    int r = want->instance_id.p ? ec2_instance_find(call, want->instance_id, &instance)
                                : ec2_interface_manage(call, want->gateway_id, &row);

    if (!r && want->instance_id.p)
        r = ec2_interface_only(call, instance, &row);
    if (r)
        return r;
    want->gateway_id = row->id;
    return str_eq(row->vpc_id, table->vpc_id)
               ? 0
               : api_fault(call, &EC2_ERR(InvalidParameterValue),
                           "route table %.*s and interface %.*s belong to different networks",
                           STR_ARG(table->id), STR_ARG(row->id));
}

/* Whether the target is one that packets of this table's VPC can leave by. */
static int
target_check(struct api_call *call, struct route_want *want,
             const struct ec2_route_table_row *table)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, table->vpc_id);
    const struct ec2_internet_gateway_row *gateway;

    if (want->n_targets > 1)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A route has one target, and this request names %u", want->n_targets);
    if (want->instance_id.p || str_starts(want->gateway_id, S("eni-")))
        return interface_check(call, want, table);
    if (!want->gateway_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter gatewayId, natGatewayId, "
                         "networkInterfaceId, vpcPeeringConnectionId or transitGatewayId");
    if (str_starts(want->gateway_id, S("nat-")))
        return nat_check(call, want, table);
    if (str_starts(want->gateway_id, S("pcx-")))
        return peering_check(call, want, table);
    if (str_starts(want->gateway_id, S("vgw-")) || str_starts(want->gateway_id, S("vpce-")))
        return ec2_unsupported(call, "A route to a virtual private gateway or an endpoint");
    if (!str_starts(want->gateway_id, S("igw-")))
        return api_fault(call, &EC2_ERR(InvalidGatewayID_NotFound),
                         "The gateway ID '%.*s' does not exist", STR_ARG(want->gateway_id));
    int r = ec2_internet_gateway_find(call, want->gateway_id, &gateway);

    if (r)
        return r;
    assert(vpc);
    if (!str_eq(vpc->internet_gateway_id, gateway->id))
        return foreign(call, table, gateway->id);
    return 0;
}

/* A destination inside the VPC belongs to the local route, but for a subnet behind an appliance. */
static int
inside_check(struct api_call *call, const struct ec2_vpc_row *vpc, struct str cidr,
             struct str target)
{
    bool is_subnet = false;

    if (!str_starts(target, S("eni-")))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The destination CIDR block %.*s is equal to or more specific than one of "
                         "this VPC's CIDR blocks. This route can target only an interface or an "
                         "instance.",
                         STR_ARG(cidr));
    STORE_EACH(call->txn, ec2_subnet_by_vpc, row, vpc->id)
        is_subnet = is_subnet || str_eq(row->cidr, cidr);
    return is_subnet ? 0
                     : api_fault(call, &EC2_ERR(InvalidParameterValue),
                                 "The destination CIDR block %.*s is more specific than one of "
                                 "this VPC's CIDR blocks, and not the CIDR block of a subnet.",
                                 STR_ARG(cidr));
}

static int
destination_check(struct api_call *call, const struct ec2_route_table_row *table, struct str cidr,
                  struct str target)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, table->vpc_id);
    struct str_list local = ec2_vpc_cidrs(call->txn, call->arena, vpc);
    struct ip4_block block = {0};
    size_t n = 0;

    if (str_in(&local, cidr) || ec2_route_get(call->txn, route_key(call->arena, table->id, cidr)))
        return api_fault(call, &EC2_ERR(RouteAlreadyExists),
                         "The route identified by %.*s already exists.", STR_ARG(cidr));
    int r = ip4_block_parse(cidr, &block) && ec2_vpc_covers(call->txn, vpc, block)
                ? inside_check(call, vpc, cidr, target)
                : 0;
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_route_by_table, row, table->id)
        n++;
    return n < ROUTES_MAX ? 0
                          : api_fault(call, &EC2_ERR(RouteLimitExceeded),
                                      "The maximum number of routes has been reached.");
}

int
ec2_route_make(struct txn *txn, struct arena *arena, struct str table_id, struct str cidr,
               struct str gateway_id)
{
    struct ec2_route_row row = {
        .id = route_key(arena, table_id, cidr),
        .route_table_id = table_id,
        .cidr = cidr,
        .gateway_id = gateway_id,
    };
    int r = ec2_number(txn, "route", &row.serial);

    assert(r || ec2_route_ok(&row));
    return r ? r : ec2_unwritten(ec2_route_insert(txn, &row), row.id);
}

int
ec2_create_route(struct api_call *call, const struct ec2_CreateRouteRequest *req,
                 struct ec2_CreateRouteResult *res)
{
    struct route_want want = ROUTE_WANT(req);
    const struct ec2_route_table_row *table;
    struct str cidr;
    int r = route_place(call, &want, &table, &cidr);

    if (!r)
        r = target_check(call, &want, table);
    if (!r)
        r = destination_check(call, table, cidr, want.gateway_id);
    if (!r)
        r = ec2_route_make(call->txn, call->arena, table->id, cidr, want.gateway_id);
    res->return_ = opt_bool(true);
    return r;
}

int
ec2_replace_route(struct api_call *call, const struct ec2_ReplaceRouteRequest *req,
                  struct ec2_ReplaceRouteResult *res UNUSED)
{
    struct route_want want = ROUTE_WANT(req);
    const struct ec2_route_table_row *table;
    struct str cidr;
    int r = opt_bool_or(req->local_target, false) ? ec2_unsupported_parameter(call, "LocalTarget")
                                                  : route_place(call, &want, &table, &cidr);

    if (!r)
        r = target_check(call, &want, table);
    if (r)
        return r;
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, table->vpc_id);
    const struct ec2_route_row *row =
        ec2_route_get(call->txn, route_key(call->arena, table->id, cidr));
    struct str_list local = ec2_vpc_cidrs(call->txn, call->arena, vpc);

    if (str_in(&local, cidr))
        return ec2_unsupported(call, "Another target of the local route");
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "There is no route defined for '%.*s' in the route table. "
                         "Use CreateRoute instead.",
                         STR_ARG(cidr));
    struct ec2_route_row new = *row;
    struct ip4_block block;

    if (ip4_block_parse(cidr, &block) && ec2_vpc_covers(call->txn, vpc, block))
        r = inside_check(call, vpc, cidr, want.gateway_id);
    if (r)
        return r;
    new.gateway_id = want.gateway_id;
    assert(ec2_route_ok(&new));
    return ec2_unwritten(ec2_route_update(call->txn, &new), new.id);
}

int
ec2_delete_route(struct api_call *call, const struct ec2_DeleteRouteRequest *req,
                 struct ec2_DeleteRouteResult *res UNUSED)
{
    const struct route_want want = {
        .table_id = req->route_table_id,
        .cidr = req->destination_cidr_block,
        .refused = req->destination_prefix_list_id.p    ? "DestinationPrefixListId"
                   : req->destination_ipv6_cidr_block.p ? "DestinationIpv6CidrBlock"
                                                        : NULL,
    };
    const struct ec2_route_table_row *table;
    struct str cidr;
    int r = route_place(call, &want, &table, &cidr);

    if (r)
        return r;
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, table->vpc_id);
    struct str key = route_key(call->arena, table->id, cidr);
    struct str_list local = ec2_vpc_cidrs(call->txn, call->arena, vpc);

    if (str_in(&local, cidr))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "cannot remove local route %.*s in route table %.*s", STR_ARG(cidr),
                         STR_ARG(table->id));
    if (!ec2_route_get(call->txn, key))
        return api_fault(call, &EC2_ERR(InvalidRoute_NotFound),
                         "no route with destination-cidr-block %.*s in route table %.*s",
                         STR_ARG(cidr), STR_ARG(table->id));
    return ec2_unwritten(ec2_route_delete(call->txn, key), key);
}

/* ---- associations ---- */

int
ec2_associate_route_table(struct api_call *call, const struct ec2_AssociateRouteTableRequest *req,
                          struct ec2_AssociateRouteTableResult *res)
{
    const struct ec2_route_table_row *table;
    const struct ec2_subnet_row *subnet;
    struct ec2_subnet_row new;

    if (req->gateway_id.p || req->public_ipv4_pool.p)
        return ec2_unsupported_parameter(call, req->gateway_id.p ? "GatewayId" : "PublicIpv4Pool");
    if (!req->subnet_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Either 'subnetId' or 'gatewayId' should be provided.");
    int r = table_find(call, req->route_table_id, &table);

    if (!r)
        r = ec2_subnet_find(call, req->subnet_id, &subnet);
    if (r)
        return r;
    if (!str_eq(table->vpc_id, subnet->vpc_id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Route table %.*s and subnet %.*s belong to different networks",
                         STR_ARG(table->id), STR_ARG(subnet->id));
    if (subnet->route_association_id.n)
        return api_fault(call, &EC2_ERR(Resource_AlreadyAssociated),
                         "the specified association for route table %.*s conflicts with an "
                         "existing association",
                         STR_ARG(table->id));
    new = *subnet;
    new.route_table_id = table->id;
    new.route_association_id = api_id(call, "rtbassoc");
    res->association_id = new.route_association_id;
    res->association_state = associated(call->arena);
    return ec2_subnet_put(call->txn, &new);
}

int
ec2_disassociate_route_table(struct api_call *call,
                             const struct ec2_DisassociateRouteTableRequest *req,
                             struct ec2_DisassociateRouteTableResult *res UNUSED)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_of_route(call, req->association_id);
    struct ec2_subnet_row new;

    if (ec2_vpc_of_main_association(call, req->association_id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "cannot disassociate the main route table association %.*s",
                         STR_ARG(req->association_id));
    if (!subnet)
        return no_association(call, req->association_id);
    new = *subnet;
    new.route_table_id = new.route_association_id = S("");
    return ec2_subnet_put(call->txn, &new);
}

int
ec2_replace_route_table_association(struct api_call *call,
                                    const struct ec2_ReplaceRouteTableAssociationRequest *req,
                                    struct ec2_ReplaceRouteTableAssociationResult *res)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_of_route(call, req->association_id);
    const struct ec2_vpc_row *vpc = ec2_vpc_of_main_association(call, req->association_id);
    const struct ec2_route_table_row *table;
    int r = table_find(call, req->route_table_id, &table);

    if (r)
        return r;
    if (!subnet && !vpc)
        return no_association(call, req->association_id);
    if (!str_eq(table->vpc_id, subnet ? subnet->vpc_id : vpc->id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Route table %.*s and association %.*s belong to different networks",
                         STR_ARG(table->id), STR_ARG(req->association_id));
    res->new_association_id = api_id(call, "rtbassoc");
    res->association_state = associated(call->arena);
    if (subnet) {
        struct ec2_subnet_row new = *subnet;

        new.route_table_id = table->id;
        new.route_association_id = res->new_association_id;
        return ec2_subnet_put(call->txn, &new);
    }
    struct ec2_vpc_row new = *vpc;

    new.main_route_table_id = table->id;
    new.main_association_id = res->new_association_id;
    return ec2_vpc_put(call->txn, &new);
}

/* ---- DescribeRouteTables ---- */

static const struct api_filter table_filters[] = {
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
static const struct api_filter_table table_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_RouteTable, table_filters);

int
ec2_describe_route_tables(struct api_call *call, const struct ec2_DescribeRouteTablesRequest *req,
                          struct ec2_DescribeRouteTablesResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &table_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->route_table_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &table_kind, &req->route_table_ids);
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_route_table_by_owner, row, call->account, call->region) {
        if (req->route_table_ids.n && !str_in(&req->route_table_ids, row->id))
            continue;
        struct ec2_RouteTable shown = table_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->route_tables) = shown;
    }
    API_PRESENT(&res->route_tables);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
