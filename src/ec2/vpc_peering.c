/*
 * VPC peering connections: two VPCs, of one account or of two, of one region or of two, that reach
 * each other by private addresses once routes on both sides say so.
 *
 * A connection is one row with two sides.  Time moves it too: a request that nobody accepts in a
 * week has expired, and a connection that has ended is shown for some hours or days; both are read
 * off the clock, and rows that nobody is shown any more go with the account's next request.
 * Packets follow the state through the routes (src/host/sandbox_rows.c).
 */
#include "ec2/instance.h"
#include "codec/aws_names.h"
#include "ec2/network.h"

#include <stdlib.h>

enum {
    EXPIRES_MS = 7 * 24 * 3600 * 1000,
    SHORTLY_MS = 2 * 3600 * 1000,
    LONGER_MS = 2 * 24 * 3600 * 1000,
    NUMBERS = 65535,      /* the host has PRIV_PEERS */
    CONNECTIONS_MAX = 50, /* active ones of a VPC */
    PENDING_MAX = 25,     /* of an account */
};

typedef struct ec2_vpc_peering_row row_t;

/* ---- states ---- */

static struct str
state_of(const struct api_call *call, const row_t *row)
{
    return str_is(row->state, "pending-acceptance") && call->now_ms >= row->created_ms + EXPIRES_MS
               ? S("expired")
               : row->state;
}

/* When one that has ended ended; 0: it has not. */
static int64_t
ended(const struct api_call *call, const row_t *row)
{
    return str_is(state_of(call, row), "expired") ? row->created_ms + EXPIRES_MS : row->ended_ms;
}

/* The region of the VPC that was asked for. */
static struct str
asked_in(const row_t *row)
{
    return row->peer_region.n ? row->peer_region : row->region;
}

/* Whether the caller is who asked, or who was asked: where it calls counts too. */
static bool
asks(const struct api_call *call, const row_t *row)
{
    return ec2_mine(call, row->account, row->region);
}

static bool
is_asked(const struct api_call *call, const row_t *row)
{
    return ec2_mine(call, row->peer_account, asked_in(row));
}

/* How long it is shown to the caller after that, as AWS says for each state and side. */
static int64_t
shown_for(const struct api_call *call, const row_t *row)
{
    struct str state = state_of(call, row);
    bool requester = asks(call, row);

    if (str_is(state, "expired"))
        return LONGER_MS;
    if (str_is(state, "rejected"))
        return requester ? LONGER_MS : SHORTLY_MS;
    if (str_is(state, "deleted"))
        return str_eq(row->ended_by, call->account) ? SHORTLY_MS : LONGER_MS;
    return SHORTLY_MS;
}

static bool
visible(const struct api_call *call, const row_t *row)
{
    bool side = asks(call, row) || (is_asked(call, row) && !str_is(row->state, "failed"));
    int64_t end = ended(call, row);

    return side && (!end || call->now_ms < end + shown_for(call, row));
}

static struct str
message_of(struct api_call *call, const row_t *row)
{
    struct str state = state_of(call, row);

    if (str_is(state, "active"))
        return S("Active");
    if (str_is(state, "expired"))
        return S("Expired");
    if (str_is(state, "failed"))
        return S("Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range");
    if (str_is(state, "pending-acceptance"))
        return str_fmt(call->arena, "Pending Acceptance by %.*s", STR_ARG(row->peer_account));
    return str_fmt(call->arena, "%s by %.*s", str_is(state, "rejected") ? "Rejected" : "Deleted",
                   STR_ARG(row->ended_by));
}

/* ---- looking up ---- */

static const row_t *
mine(struct api_call *call, struct str id)
{
    const row_t *row = ec2_vpc_peering_get(call->txn, id);

    return row && visible(call, row) ? row : NULL;
}

int
ec2_vpc_peering_find(struct api_call *call, struct str id, const row_t **ret)
{
    const row_t *row = mine(call, id);

    if (!row)
        return ec2_missing(call, &EC2_ERR(InvalidVpcPeeringConnectionID_NotFound),
                           "vpcPeeringConnection", &(struct str_list){&id, 1});
    *ret = row;
    return 0;
}

static int
put(struct txn *txn, const row_t *row)
{
    assert(row->number > 0 && row->vpc_id.n > 0);
    return ec2_unwritten(ec2_vpc_peering_update(txn, row), row->id);
}

/* ---- showing ---- */

static struct ec2_VpcPeeringConnectionVpcInfo *
side_show(struct api_call *call, const row_t *row, bool peer)
{
    struct ec2_VpcPeeringConnectionVpcInfo *out =
        ARENA_NEW(call->arena, struct ec2_VpcPeeringConnectionVpcInfo);
    struct str vpc_id = peer ? row->peer_vpc_id : row->vpc_id;
    const struct ec2_vpc_row *vpc = ended(call, row) ? NULL : ec2_vpc_get(call->txn, vpc_id);
    struct str_list cidrs = vpc    ? ec2_vpc_cidrs(call->txn, call->arena, vpc)
                            : peer ? row->peer_cidrs
                                   : row->cidrs;
    bool active = str_is(row->state, "active");

    out->owner_id = peer ? row->peer_account : row->account;
    out->vpc_id = vpc_id;
    out->region = peer ? asked_in(row) : row->region;
    /* The other side's addresses are told once it has accepted. */
    if (cidrs.n && (active || !peer)) {
        out->cidr_block = cidrs.v[0];
        LIST_EACH(&cidrs, cidr)
            *LIST_PUSH(call->arena, &out->cidr_block_set) =
                (struct ec2_CidrBlock){.cidr_block = *cidr};
    }
    if (active) {
        out->peering_options =
            ARENA_NEW(call->arena, struct ec2_VpcPeeringConnectionOptionsDescription);
        out->peering_options->allow_dns_resolution_from_remote_vpc =
            opt_bool(peer ? row->peer_dns : row->dns);
        out->peering_options->allow_egress_from_local_classic_link_to_remote_vpc = opt_bool(false);
        out->peering_options->allow_egress_from_local_vpc_to_remote_classic_link = opt_bool(false);
    }
    return out;
}

static struct ec2_VpcPeeringConnection
show(struct api_call *call, const row_t *row)
{
    struct ec2_VpcPeeringConnection out = {
        .vpc_peering_connection_id = row->id,
        .requester_vpc_info = side_show(call, row, false),
        .accepter_vpc_info = side_show(call, row, true),
        .status = ARENA_NEW(call->arena, struct ec2_VpcPeeringConnectionStateReason),
    };

    out.status->code = state_of(call, row);
    out.status->message = message_of(call, row);
    if (str_is(row->state, "pending-acceptance"))
        out.expiration_time = opt_i64(row->created_ms + EXPIRES_MS);
    if (asks(call, row))
        out.tags = ec2_tags_show(call->arena, &row->tags);
    API_PRESENT(&out.tags);
    assert(out.status->code.n > 0 && out.status->message.n > 0);
    return out;
}

/* ---- CreateVpcPeeringConnection ---- */

static int
refuse(struct api_call *call, const struct ec2_CreateVpcPeeringConnectionRequest *req)
{
    if (req->peer_region.n && !ec2_region_find(req->peer_region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter peerRegion is invalid.",
                         STR_ARG(req->peer_region));
    if (!req->peer_vpc_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter peerVpcId");
    if (req->peer_owner_id.n && !aws_is_account(req->peer_owner_id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter peerOwnerId is invalid.",
                         STR_ARG(req->peer_owner_id));
    return 0;
}

static bool
joins(const row_t *row, struct str a, struct str b)
{
    return (str_eq(row->vpc_id, a) && str_eq(row->peer_vpc_id, b)) ||
           (str_eq(row->vpc_id, b) && str_eq(row->peer_vpc_id, a));
}

/* Not twice between the same VPCs, and not more than there may be. */
static int
others_check(struct api_call *call, const struct ec2_vpc_row *vpc, struct str peer_vpc_id)
{
    size_t pending = 0, active = 0;

    STORE_EACH(call->txn, ec2_vpc_peering_by_owner, row, call->account, call->region)
        pending += str_is(state_of(call, row), "pending-acceptance");
    for (int side = 0; side < 2; side++) {
        struct store_cursor c =
            side ? store_seek(call->txn, &ec2_vpc_peering_by_peer_vpc, STORE_KEYS(vpc->id))
                 : store_seek(call->txn, &ec2_vpc_peering_by_vpc, STORE_KEYS(vpc->id));
        const row_t *row;

        while ((row = store_next(&c)) != NULL) {
            bool on = str_is(state_of(call, row), "active");

            active += on;
            if (joins(row, vpc->id, peer_vpc_id) &&
                (on || str_is(state_of(call, row), "pending-acceptance")))
                return api_fault(call, &EC2_ERR(VpcPeeringConnectionAlreadyExists),
                                 "The VPC peering connection already exists: %.*s",
                                 STR_ARG(row->id));
        }
    }
    if (pending >= PENDING_MAX)
        return api_fault(call, &EC2_ERR(OutstandingVpcPeeringConnectionLimitExceeded),
                         "The maximum number of VPC peering connection requests has been reached.");
    return active < CONNECTIONS_MAX
               ? 0
               : api_fault(call, &EC2_ERR(ActiveVpcPeeringConnectionPerVpcLimitExceeded),
                           "The maximum number of VPC peering connections has been reached.");
}

static bool
overlap(const struct str_list *a, const struct str_list *b)
{
    LIST_EACH(a, x)
        LIST_EACH(b, y) {
            struct ip4_block one, two;

            if (ip4_block_parse(*x, &one) && ip4_block_parse(*y, &two) &&
                ip4_block_overlaps(one, two))
                return true;
        }
    return false;
}

static int
number_new(struct api_call *call, int64_t *ret)
{
    for (int i = 0; i < NUMBERS; i++) {
        int r = ec2_number(call->txn, "vpc-peering", ret);

        if (r)
            return r;
        *ret = 1 + (*ret - 1) % NUMBERS;
        assert(*ret >= 1 && *ret <= NUMBERS);
        if (!ec2_vpc_peering_by_number_get(call->txn, *ret))
            return 0;
    }
    return api_fault(call, &EC2_ERR(ActiveVpcPeeringConnectionPerVpcLimitExceeded),
                     "The host of this cloud holds no more than %d connections", NUMBERS);
}

/* Rows that neither side is shown any more. */
static int
sweep(struct api_call *call)
{
    STORE_EACH(call->txn, ec2_vpc_peering_by_owner, row, call->account, call->region) {
        int64_t end = ended(call, row);
        int r =
            end && call->now_ms >= end + LONGER_MS ? ec2_vpc_peering_delete(call->txn, row->id) : 0;

        if (r < 0)
            return error_origin(-r, "connection %.*s cannot be deleted", STR_ARG(row->id));
    }
    return 0;
}

/* The VPC that is asked for; one elsewhere that is not there makes a failed connection. */
static int
peer_find(struct api_call *call, const row_t *row, const struct ec2_vpc_row **ret)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, row->peer_vpc_id);

    if (is_asked(call, row))
        return ec2_vpc_find(call, row->peer_vpc_id, ret);
    *ret = vpc && str_eq(vpc->account, row->peer_account) && str_eq(vpc->region, asked_in(row))
               ? vpc
               : NULL;
    return 0;
}

static int
create(struct api_call *call, const struct ec2_CreateVpcPeeringConnectionRequest *req, row_t *row)
{
    const struct ec2_vpc_row *vpc = NULL, *peer = NULL;
    int r = refuse(call, req);

    *row = (row_t){
        .id = api_id(call, "pcx"),
        .region = call->region,
        .account = call->account,
        .peer_account = req->peer_owner_id.n ? req->peer_owner_id : call->account,
        .peer_vpc_id = req->peer_vpc_id,
        .state = S("pending-acceptance"),
        .created_ms = call->now_ms,
    };
    if (!str_eq(req->peer_region, call->region))
        row->peer_region = req->peer_region;
    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &vpc);
    if (!r)
        r = peer_find(call, row, &peer);
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "vpc-peering-connection", &row->tags);
    if (!r)
        r = others_check(call, vpc, row->peer_vpc_id);
    if (!r)
        r = sweep(call);
    if (!r)
        r = number_new(call, &row->number);
    if (r)
        return r;
    row->vpc_id = vpc->id;
    row->cidrs = ec2_vpc_cidrs(call->txn, call->arena, vpc);
    if (peer)
        row->peer_cidrs = ec2_vpc_cidrs(call->txn, call->arena, peer);
    if (!peer || str_eq(peer->id, vpc->id) || overlap(&row->cidrs, &row->peer_cidrs)) {
        row->state = S("failed");
        row->ended_ms = call->now_ms;
    }
    assert(row->number > 0 && row->vpc_id.n > 0 && row->cidrs.n > 0);
    return ec2_unwritten(ec2_vpc_peering_insert(call->txn, row), row->id);
}

int
ec2_create_vpc_peering_connection(struct api_call *call,
                                  const struct ec2_CreateVpcPeeringConnectionRequest *req,
                                  struct ec2_CreateVpcPeeringConnectionResult *res)
{
    row_t row;
    int r = create(call, req, &row);

    if (r)
        return r;
    res->vpc_peering_connection = ARENA_NEW(call->arena, struct ec2_VpcPeeringConnection);
    *res->vpc_peering_connection = show(call, &row);
    res->vpc_peering_connection->expiration_time = opt_i64(row.created_ms + EXPIRES_MS);
    res->vpc_peering_connection->status->code = S("initiating-request");
    res->vpc_peering_connection->status->message =
        str_fmt(call->arena, "Initiating Request to %.*s", STR_ARG(row.peer_account));
    return 0;
}

/* ---- Accept, Reject, Delete ---- */

static int
wrong_state(struct api_call *call, const row_t *row)
{
    return api_fault(call, &EC2_ERR(InvalidStateTransition),
                     "Invalid state transition for %.*s, attempted to transition from %.*s",
                     STR_ARG(row->id), STR_ARG(state_of(call, row)));
}

/* What only the side that was asked may do, while it is asked. */
static int
pending_find(struct api_call *call, struct str id, const char *what, const char *done,
             const row_t **ret)
{
    int r = ec2_vpc_peering_find(call, id, ret);

    if (r)
        return r;
    if (!str_eq((*ret)->peer_account, call->account))
        return api_fault(call, &EC2_ERR(OperationNotPermitted), "User %.*s cannot %s peering %.*s",
                         STR_ARG(call->account), what, STR_ARG(id));
    if (!is_asked(call, *ret))
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "Incorrect region (%.*s) specified for this request. VPC peering "
                         "connection %.*s must be %s in region %.*s",
                         STR_ARG(call->region), STR_ARG(id), done, STR_ARG(asked_in(*ret)));
    return str_is(state_of(call, *ret), "pending-acceptance") ? 0 : wrong_state(call, *ret);
}

int
ec2_accept_vpc_peering_connection(struct api_call *call,
                                  const struct ec2_AcceptVpcPeeringConnectionRequest *req,
                                  struct ec2_AcceptVpcPeeringConnectionResult *res)
{
    const row_t *row;
    int r = pending_find(call, req->vpc_peering_connection_id, "accept", "accepted", &row);

    if (r)
        return r;
    row_t new = *row;

    assert(!row->ended_ms && str_eq(row->peer_account, call->account));
    new.state = S("active");
    res->vpc_peering_connection = ARENA_NEW(call->arena, struct ec2_VpcPeeringConnection);
    *res->vpc_peering_connection = show(call, &new);
    res->vpc_peering_connection->status->code = S("provisioning");
    res->vpc_peering_connection->status->message = S("Provisioning");
    return put(call->txn, &new);
}

static int
end(struct api_call *call, const row_t *row, const char *state)
{
    assert(!row->ended_ms);
    row_t new = *row;

    new.state = str_from(state);
    new.ended_by = call->account;
    new.ended_ms = call->now_ms;
    return put(call->txn, &new);
}

int
ec2_reject_vpc_peering_connection(struct api_call *call,
                                  const struct ec2_RejectVpcPeeringConnectionRequest *req,
                                  struct ec2_RejectVpcPeeringConnectionResult *res)
{
    const row_t *row;
    int r =
        pending_find(call, req->vpc_peering_connection_id, "reject", "accepted or rejected", &row);

    res->return_ = opt_bool(true);
    return r ? r : end(call, row, "rejected");
}

/* Either side may end an active one, and the requester one that is still pending. */
int
ec2_delete_vpc_peering_connection(struct api_call *call,
                                  const struct ec2_DeleteVpcPeeringConnectionRequest *req,
                                  struct ec2_DeleteVpcPeeringConnectionResult *res)
{
    const row_t *row;
    int r = ec2_vpc_peering_find(call, req->vpc_peering_connection_id, &row);

    if (r)
        return r;
    bool pending = str_is(state_of(call, row), "pending-acceptance");

    res->return_ = opt_bool(true);
    if (str_is(row->state, "deleted"))
        return 0;
    if (!str_is(row->state, "active") && !pending)
        return wrong_state(call, row);
    if (pending && !str_eq(row->account, call->account))
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "User %.*s cannot delete peering %.*s", STR_ARG(call->account),
                         STR_ARG(row->id));
    return end(call, row, "deleted");
}

int
ec2_vpc_peerings_end(struct api_call *call, struct str vpc_id)
{
    int r = 0;

    assert(vpc_id.n > 0);
    STORE_EACH(call->txn, ec2_vpc_peering_by_vpc, row, vpc_id)
        if (!r && !ended(call, row))
            r = end(call, row, "deleted");
    STORE_EACH(call->txn, ec2_vpc_peering_by_peer_vpc, row, vpc_id)
        if (!r && !ended(call, row))
            r = end(call, row, "deleted");
    return r;
}

/* ---- ModifyVpcPeeringConnectionOptions ---- */

static int
option_check(struct api_call *call, const row_t *row, const char *side, bool own,
             const struct ec2_PeeringConnectionOptionsRequest *want)
{
    if (!want)
        return 0;
    if (!own)
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "User %.*s cannot modify %s peering options of %.*s in region %.*s",
                         STR_ARG(call->account), side, STR_ARG(row->id), STR_ARG(call->region));
    if (opt_bool_or(want->allow_egress_from_local_classic_link_to_remote_vpc, false) ||
        opt_bool_or(want->allow_egress_from_local_vpc_to_remote_classic_link, false))
        return ec2_unsupported(call, "ClassicLink");
    return 0;
}

static struct ec2_PeeringConnectionOptions *
option_show(struct arena *arena, bool dns)
{
    struct ec2_PeeringConnectionOptions *out =
        ARENA_NEW(arena, struct ec2_PeeringConnectionOptions);

    out->allow_dns_resolution_from_remote_vpc = opt_bool(dns);
    out->allow_egress_from_local_classic_link_to_remote_vpc = opt_bool(false);
    out->allow_egress_from_local_vpc_to_remote_classic_link = opt_bool(false);
    return out;
}

int
ec2_modify_vpc_peering_connection_options(
    struct api_call *call, const struct ec2_ModifyVpcPeeringConnectionOptionsRequest *req,
    struct ec2_ModifyVpcPeeringConnectionOptionsResult *res)
{
    const struct ec2_PeeringConnectionOptionsRequest *own =
                                                         req->requester_peering_connection_options,
                                                     *peer =
                                                         req->accepter_peering_connection_options;
    const row_t *row;
    int r = ec2_vpc_peering_find(call, req->vpc_peering_connection_id, &row);

    if (r)
        return r;
    if (!own && !peer)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination), "No attributes specified.");
    if (!str_is(row->state, "active"))
        return api_fault(call, &EC2_ERR(OperationNotPermitted),
                         "Peering %.*s is not active. Peering options can be added only to active "
                         "peerings.",
                         STR_ARG(row->id));
    r = option_check(call, row, "requester", asks(call, row), own);
    if (!r)
        r = option_check(call, row, "accepter", is_asked(call, row), peer);
    if (r)
        return r;
    row_t new = *row;

    if (own) {
        new.dns = opt_bool_or(own->allow_dns_resolution_from_remote_vpc, new.dns);
        res->requester_peering_connection_options = option_show(call->arena, new.dns);
    }
    if (peer) {
        new.peer_dns = opt_bool_or(peer->allow_dns_resolution_from_remote_vpc, new.peer_dns);
        res->accepter_peering_connection_options = option_show(call->arena, new.peer_dns);
    }
    return put(call->txn, &new);
}

/* ---- DescribeVpcPeeringConnections ---- */

static const struct api_filter peering_filters[] = {
    {"accepter-vpc-info.cidr-block", "AccepterVpcInfo.CidrBlock"},
    {"accepter-vpc-info.owner-id", "AccepterVpcInfo.OwnerId"},
    {"accepter-vpc-info.vpc-id", "AccepterVpcInfo.VpcId"},
    {"requester-vpc-info.cidr-block", "RequesterVpcInfo.CidrBlock"},
    {"requester-vpc-info.owner-id", "RequesterVpcInfo.OwnerId"},
    {"requester-vpc-info.vpc-id", "RequesterVpcInfo.VpcId"},
    {"status-code", "Status.Code"},
    {"status-message", "Status.Message"},
    {"tag", API_FILTER_TAGS},
    {"vpc-peering-connection-id", "VpcPeeringConnectionId"},
};
static const struct api_filter_table peering_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_VpcPeeringConnection, peering_filters);

struct row_list {
    const row_t **v;
    size_t n;
};

static int
by_time(const void *a, const void *b)
{
    const row_t *const *x = a, *const *y = b;
    int d = ((*x)->created_ms > (*y)->created_ms) - ((*x)->created_ms < (*y)->created_ms);

    return d ? d : str_cmp((*x)->id, (*y)->id);
}

/* Those of both sides that the caller is shown, in the order of their making. */
static struct row_list
all_of(struct api_call *call, const struct str_list *ids)
{
    struct row_list all = {0};

    STORE_EACH(call->txn, ec2_vpc_peering_by_owner, row, call->account, call->region)
        if (visible(call, row) && (!ids->n || str_in(ids, row->id)))
            *LIST_PUSH(call->arena, &all) = row;
    STORE_EACH(call->txn, ec2_vpc_peering_by_peer, row, call->account, call->region)
        if (visible(call, row) && (!ids->n || str_in(ids, row->id)) &&
            !str_eq(row->account, call->account))
            *LIST_PUSH(call->arena, &all) = row;
    STORE_EACH(call->txn, ec2_vpc_peering_by_peer_region, row, call->account, call->region)
        if (visible(call, row) && (!ids->n || str_in(ids, row->id)))
            *LIST_PUSH(call->arena, &all) = row;
    if (all.n)
        qsort(all.v, all.n, sizeof(*all.v), by_time);
    return all;
}

int
ec2_describe_vpc_peering_connections(struct api_call *call,
                                     const struct ec2_DescribeVpcPeeringConnectionsRequest *req,
                                     struct ec2_DescribeVpcPeeringConnectionsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct str_list missing = {0};
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &peering_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->vpc_peering_connection_ids.n > 0, &listing);

    if (r)
        return r;
    LIST_EACH(&req->vpc_peering_connection_ids, id)
        if (!mine(call, *id))
            *LIST_PUSH(call->arena, &missing) = *id;
    if (missing.n)
        return ec2_missing(call, &EC2_ERR(InvalidVpcPeeringConnectionID_NotFound),
                           "vpcPeeringConnection", &missing);
    struct row_list all = all_of(call, &req->vpc_peering_connection_ids);

    LIST_EACH(&all, row) {
        struct ec2_VpcPeeringConnection shown = show(call, *row);

        if (ec2_listing_has(call, &listing, &shown, (*row)->created_ms, (*row)->id))
            *LIST_PUSH(call->arena, &res->vpc_peering_connections) = shown;
    }
    API_PRESENT(&res->vpc_peering_connections);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
