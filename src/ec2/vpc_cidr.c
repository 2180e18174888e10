/*
 * Further CIDR blocks of VPCs: a row each, beside the block that a VPC is made with.
 */
#include "ec2/network.h"

enum {
    BLOCKS_MAX = 5, /* of a VPC, its first one too */
    BITS_MIN = 16,
    BITS_MAX = 28,
};

struct str_list
ec2_vpc_cidrs(struct txn *txn, struct arena *arena, const struct ec2_vpc_row *vpc)
{
    struct str_list all = {0};

    assert(vpc->cidr.n > 0);
    *LIST_PUSH(arena, &all) = vpc->cidr;
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc->id)
        *LIST_PUSH(arena, &all) = row->cidr;
    return all;
}

bool
ec2_vpc_covers(struct txn *txn, const struct ec2_vpc_row *vpc, struct ip4_block block)
{
    struct ip4_block all;

    if (ip4_block_parse(vpc->cidr, &all) && ip4_block_covers(all, block))
        return true;
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc->id)
        if (ip4_block_parse(row->cidr, &all) && ip4_block_covers(all, block))
            return true;
    return false;
}

static struct ec2_VpcCidrBlockAssociation *
association_show(struct arena *arena, struct str id, struct str cidr, struct str state)
{
    struct ec2_VpcCidrBlockAssociation *out = ARENA_NEW(arena, struct ec2_VpcCidrBlockAssociation);

    assert(cidr.n > 0 && state.n > 0);
    out->association_id = id;
    out->cidr_block = cidr;
    out->cidr_block_state = ARENA_NEW(arena, struct ec2_VpcCidrBlockState);
    out->cidr_block_state->state = state;
    return out;
}

void
ec2_vpc_cidrs_show(struct api_call *call, const struct ec2_vpc_row *vpc, struct ec2_Vpc *out)
{
    *LIST_PUSH(call->arena, &out->cidr_block_association_set) =
        *association_show(call->arena, vpc->cidr_association_id, vpc->cidr, S("associated"));
    STORE_EACH(call->txn, ec2_vpc_cidr_by_vpc, row, vpc->id)
        *LIST_PUSH(call->arena, &out->cidr_block_association_set) =
            *association_show(call->arena, row->id, row->cidr, S("associated"));
}

int
ec2_vpc_cidrs_drop(struct txn *txn, struct str vpc_id)
{
    int r = 0;

    assert(vpc_id.n > 0);
    STORE_EACH(txn, ec2_vpc_cidr_by_vpc, row, vpc_id)
        if (!r)
            r = ec2_unwritten(ec2_vpc_cidr_delete(txn, row->id), row->id);
    return r;
}

/* ---- AssociateVpcCidrBlock ---- */

static int
refuse(struct api_call *call, const struct ec2_AssociateVpcCidrBlockRequest *req)
{
    const char *name = EC2_BLOCK_REFUSED(req);

    if (name)
        return ec2_unsupported_parameter(call, name);
    return req->cidr_block.p ? 0
                             : api_fault(call, &EC2_ERR(MissingParameter),
                                         "The request must contain the parameter cidrBlock");
}

/* Which of the three private ranges a block is of; -1: of none. */
static int
private_range(struct ip4_block block)
{
    static const struct ip4_block ranges[] = {{0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}};

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (ip4_block_overlaps(ranges[i], block))
            return (int)i;
    return -1;
}

/* A VPC keeps to one of the private ranges, beside what is public. */
static int
range_check(struct api_call *call, const struct ec2_vpc_row *vpc, struct str text,
            struct ip4_block block)
{
    struct ip4_block first = {0};
    bool parsed = ip4_block_parse(vpc->cidr, &first);
    int range = private_range(block), old = private_range(first);

    assert(parsed);
    (void)parsed;
    if (block.bits < BITS_MIN || block.bits > BITS_MAX || ec2_block_reserved(block))
        return api_fault(call, &EC2_ERR(InvalidVpc_Range), "The CIDR '%.*s' is invalid.",
                         STR_ARG(text));
    if (range >= 0 && range != old)
        return api_fault(call, &EC2_ERR(InvalidVpc_Range),
                         "The CIDR '%.*s' is restricted. Use a CIDR from the same private address "
                         "range as the current VPC CIDR, or use a publicly-routable CIDR.",
                         STR_ARG(text));
    return 0;
}

/* Neither the VPC itself nor one that it is connected with has these addresses. */
static int
free_check(struct api_call *call, const struct ec2_vpc_row *vpc, struct str text,
           struct ip4_block block)
{
    struct str_list own = ec2_vpc_cidrs(call->txn, call->arena, vpc);
    struct ip4_block other;

    if (own.n >= BLOCKS_MAX)
        return api_fault(call, &EC2_ERR(CidrLimitExceeded),
                         "This network '%.*s' has met its maximum number of allowed CIDRs: %d",
                         STR_ARG(vpc->id), BLOCKS_MAX);
    STORE_EACH(call->txn, ec2_vpc_peering_by_vpc, row, vpc->id)
        if (str_is(row->state, "active"))
            LIST_EACH(&row->peer_cidrs, cidr)
                *LIST_PUSH(call->arena, &own) = *cidr;
    STORE_EACH(call->txn, ec2_vpc_peering_by_peer_vpc, row, vpc->id)
        if (str_is(row->state, "active"))
            LIST_EACH(&row->cidrs, cidr)
                *LIST_PUSH(call->arena, &own) = *cidr;
    LIST_EACH(&own, cidr)
        if (ip4_block_parse(*cidr, &other) && ip4_block_overlaps(block, other))
            return api_fault(call, &EC2_ERR(InvalidVpc_Range),
                             "The CIDR '%.*s' conflicts with the CIDR '%.*s'", STR_ARG(text),
                             STR_ARG(*cidr));
    return 0;
}

int
ec2_associate_vpc_cidr_block(struct api_call *call,
                             const struct ec2_AssociateVpcCidrBlockRequest *req,
                             struct ec2_AssociateVpcCidrBlockResult *res)
{
    struct ec2_vpc_cidr_row row = {.account = call->account, .region = call->region};
    const struct ec2_vpc_row *vpc;
    struct ip4_block block;
    int r = refuse(call, req);

    if (!r)
        r = ec2_vpc_find(call, req->vpc_id, &vpc);
    if (!r)
        r = ec2_block_of(call, req->cidr_block, "cidrBlock", &block);
    if (!r)
        r = range_check(call, vpc, req->cidr_block, block);
    if (!r)
        r = free_check(call, vpc, req->cidr_block, block);
    if (!r)
        r = ec2_number(call->txn, "vpc-cidr", &row.serial);
    if (r)
        return r;
    row.id = api_id(call, "vpc-cidr-assoc");
    row.vpc_id = vpc->id;
    row.cidr = ip4_block_text(call->arena, block);
    res->vpc_id = vpc->id;
    res->cidr_block_association = association_show(call->arena, row.id, row.cidr, S("associating"));
    assert(row.serial > 0 && row.cidr.n > 0);
    return ec2_unwritten(ec2_vpc_cidr_insert(call->txn, &row), row.id);
}

/* ---- DisassociateVpcCidrBlock ---- */

static int
association_find(struct api_call *call, struct str id, const struct ec2_vpc_cidr_row **ret)
{
    const struct ec2_vpc_cidr_row *row = ec2_vpc_cidr_get(call->txn, id);

    STORE_EACH(call->txn, ec2_vpc_by_owner, vpc, call->account, call->region)
        if (str_eq(vpc->cidr_association_id, id))
            return api_fault(
                call, &EC2_ERR(OperationNotPermitted),
                "The vpc CIDR block with association ID %.*s may not be disassociated. "
                "It is the primary IPv4 CIDR block of the VPC",
                STR_ARG(id));
    if (!row || !ec2_mine(call, row->account, row->region))
        return api_fault(call, &EC2_ERR(InvalidVpcCidrBlockAssociationID_NotFound),
                         "The vpc CIDR block association ID '%.*s' does not exist", STR_ARG(id));
    *ret = row;
    return 0;
}

int
ec2_disassociate_vpc_cidr_block(struct api_call *call,
                                const struct ec2_DisassociateVpcCidrBlockRequest *req,
                                struct ec2_DisassociateVpcCidrBlockResult *res)
{
    const struct ec2_vpc_cidr_row *row = NULL;
    struct ip4_block block = {0};
    int r = association_find(call, req->association_id, &row);

    if (r)
        return r;
    if (ip4_block_parse(row->cidr, &block) && ec2_subnet_at(call->txn, row->vpc_id, block))
        return api_fault(call, &EC2_ERR(InvalidCidrBlock_InUse),
                         "The vpc CIDR block with association ID %.*s may not be disassociated. It "
                         "is in use by a subnet",
                         STR_ARG(row->id));
    res->vpc_id = row->vpc_id;
    res->cidr_block_association =
        association_show(call->arena, row->id, row->cidr, S("disassociating"));
    return ec2_unwritten(ec2_vpc_cidr_delete(call->txn, row->id), row->id);
}
