/*
 * Internet gateways.  The VPC that one is attached to names it in its row; the routes to it are in
 * route tables, and lead somewhere only while it is attached.
 */
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum { GATEWAYS_MAX = 5 }; /* of an account in a region */

static const struct ec2_kind gateway_kind =
    EC2_KIND(ec2_internet_gateway, InvalidInternetGatewayID_NotFound, "internetGateway");

int
ec2_internet_gateway_find(struct api_call *call, struct str id,
                          const struct ec2_internet_gateway_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &gateway_kind, id, &row);

    assert(r || ec2_internet_gateway_ok(row));
    if (!r)
        *ret = row;
    return r;
}

/* ---- showing ---- */

static struct ec2_InternetGateway
gateway_show(struct api_call *call, const struct ec2_internet_gateway_row *row)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_by_gateway_get(call->txn, row->id);
    struct ec2_InternetGateway out = {
        .internet_gateway_id = row->id,
        .owner_id = row->account,
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert(!vpc || str_eq(vpc->account, row->account));
    if (vpc)
        *LIST_PUSH(call->arena, &out.attachments) = (struct ec2_InternetGatewayAttachment){
            .state = S("available"), /* what AWS says of a gateway that is attached */
            .vpc_id = vpc->id,
        };
    API_PRESENT(&out.attachments);
    API_PRESENT(&out.tags);
    return out;
}

/* ---- CreateInternetGateway, DeleteInternetGateway ---- */

int
ec2_create_internet_gateway(struct api_call *call,
                            const struct ec2_CreateInternetGatewayRequest *req,
                            struct ec2_CreateInternetGatewayResult *res)
{
    struct ec2_internet_gateway_row row = {
        .id = api_id(call, "igw"),
        .account = call->account,
        .region = call->region,
        .created_ms = call->now_ms,
    };
    size_t n = 0;
    int r = ec2_tags_made(call, &req->tag_specifications, "internet-gateway", &row.tags);

    if (r)
        return r;
    STORE_EACH(call->txn, ec2_internet_gateway_by_owner, other, call->account, call->region)
        n++;
    if (n >= GATEWAYS_MAX)
        return api_fault(call, &EC2_ERR(InternetGatewayLimitExceeded),
                         "The maximum number of internet gateways has been reached.");
    assert(ec2_internet_gateway_ok(&row));
    r = ec2_unwritten(ec2_internet_gateway_insert(call->txn, &row), row.id);
    res->internet_gateway = ARENA_NEW(call->arena, struct ec2_InternetGateway);
    *res->internet_gateway = gateway_show(call, &row);
    return r;
}

int
ec2_delete_internet_gateway(struct api_call *call,
                            const struct ec2_DeleteInternetGatewayRequest *req,
                            struct ec2_DeleteInternetGatewayResult *res UNUSED)
{
    const struct ec2_internet_gateway_row *row;
    int r = ec2_internet_gateway_find(call, req->internet_gateway_id, &row);

    if (r)
        return r;
    if (ec2_vpc_by_gateway_get(call->txn, row->id))
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The internetGateway '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(row->id));
    return ec2_unwritten(ec2_internet_gateway_delete(call->txn, row->id), row->id);
}

/* ---- AttachInternetGateway, DetachInternetGateway ---- */

int
ec2_attach_internet_gateway(struct api_call *call,
                            const struct ec2_AttachInternetGatewayRequest *req,
                            struct ec2_AttachInternetGatewayResult *res UNUSED)
{
    const struct ec2_internet_gateway_row *row;
    const struct ec2_vpc_row *vpc, *holder;
    struct ec2_vpc_row new;
    int r = ec2_internet_gateway_find(call, req->internet_gateway_id, &row);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &vpc);
    if (r)
        return r;
    holder = ec2_vpc_by_gateway_get(call->txn, row->id);
    if (holder)
        return api_fault(call, &EC2_ERR(Resource_AlreadyAssociated),
                         "resource %.*s is already attached to network %.*s", STR_ARG(row->id),
                         STR_ARG(holder->id));
    if (vpc->internet_gateway_id.n)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Network %.*s already has an internet gateway attached", STR_ARG(vpc->id));
    new = *vpc;
    new.internet_gateway_id = row->id;
    return ec2_vpc_put(call->txn, &new);
}

static bool
has_public(struct api_call *call, struct str vpc_id)
{
    STORE_EACH(call->txn, ec2_subnet_by_vpc, subnet, vpc_id)
        STORE_EACH(call->txn, ec2_interface_by_subnet, interface, subnet->id)
            if (interface->public_ip.n)
                return true;
    return false;
}

int
ec2_detach_internet_gateway(struct api_call *call,
                            const struct ec2_DetachInternetGatewayRequest *req,
                            struct ec2_DetachInternetGatewayResult *res UNUSED)
{
    const struct ec2_internet_gateway_row *row;
    const struct ec2_vpc_row *vpc;
    struct ec2_vpc_row new;
    int r = ec2_internet_gateway_find(call, req->internet_gateway_id, &row);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &vpc);
    if (r)
        return r;
    if (!str_eq(vpc->internet_gateway_id, row->id))
        return api_fault(call, &EC2_ERR(Gateway_NotAttached),
                         "resource %.*s is not attached to network %.*s", STR_ARG(row->id),
                         STR_ARG(vpc->id));
    if (has_public(call, vpc->id))
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "Network %.*s has some mapped public address(es). Please unmap those "
                         "public address(es) before detaching the gateway.",
                         STR_ARG(vpc->id));
    new = *vpc;
    new.internet_gateway_id = S("");
    return ec2_vpc_put(call->txn, &new);
}

/* ---- DescribeInternetGateways ---- */

static const struct api_filter gateway_filters[] = {
    {"attachment.state", "Attachments.State"},
    {"attachment.vpc-id", "Attachments.VpcId"},
    {"internet-gateway-id", "InternetGatewayId"},
    {"owner-id", "OwnerId"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table gateway_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InternetGateway, gateway_filters);

int
ec2_describe_internet_gateways(struct api_call *call,
                               const struct ec2_DescribeInternetGatewaysRequest *req,
                               struct ec2_DescribeInternetGatewaysResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &gateway_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->internet_gateway_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &gateway_kind, &req->internet_gateway_ids);
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_internet_gateway_by_owner, row, call->account, call->region) {
        if (req->internet_gateway_ids.n && !str_in(&req->internet_gateway_ids, row->id))
            continue;
        struct ec2_InternetGateway shown = gateway_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->internet_gateways) = shown;
    }
    API_PRESENT(&res->internet_gateways);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
