/*
 * Network ACLs: numbered rules at the edge of a subnet, which know nothing of connections.
 *
 * The last rule of either direction denies what no other decided; it is shown, and is no row.
 * IPv6 rules are kept and shown: guests have no IPv6 that they could let through.
 */
#include "ec2/instance.h"
#include "ec2/network.h"
#include "ec2/row_ok.h"

enum {
    ACLS_MAX = 200,   /* of a VPC */
    ENTRIES_MAX = 20, /* of a direction */
    LAST_RULE = 32767,
    ALL_RULE = 100, /* of a default ACL: allows everything */
    PROTOCOL_MAX = 255,
    PORT_MAX = 65535,
    ICMP = 1,
    TCP = 6,
    UDP = 17,
    ICMPV6 = 58,
};

static const struct ec2_kind acl_kind =
    EC2_KIND(ec2_network_acl, InvalidNetworkAclID_NotFound, "networkAcl");

static int
acl_find(struct api_call *call, struct str id, const struct ec2_network_acl_row **ret)
{
    const void *row;
    int r = ec2_kind_find(call, &acl_kind, id, &row);

    assert(r || ec2_network_acl_ok(row));
    if (!r)
        *ret = row;
    return r;
}

static bool
is_default(struct txn *txn, const struct ec2_network_acl_row *row)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, row->vpc_id);

    return vpc && str_eq(vpc->network_acl_id, row->id);
}

/* ---- showing ---- */

static struct ec2_NetworkAclEntry
entry_show(struct api_call *call, const struct ec2_acl_entry_row *row)
{
    struct ec2_NetworkAclEntry out = {
        .cidr_block = ec2_text_show(row->cidr4),
        .ipv6_cidr_block = ec2_text_show(row->cidr6),
        .egress = opt_bool(row->egress),
        .protocol = str_fmt(call->arena, "%d", (int)row->protocol),
        .rule_action = row->allow ? S("allow") : S("deny"),
        .rule_number = opt_i64(row->number),
    };

    assert(row->number >= 1 && row->number <= LAST_RULE);
    if (row->protocol == ICMP || row->protocol == ICMPV6) {
        out.icmp_type_code = ARENA_NEW(call->arena, struct ec2_IcmpTypeCode);
        out.icmp_type_code->type = opt_i64(row->from_port);
        out.icmp_type_code->code = opt_i64(row->to_port);
    } else if (row->protocol == TCP || row->protocol == UDP) {
        out.port_range = ARENA_NEW(call->arena, struct ec2_PortRange);
        out.port_range->from = opt_i64(row->from_port);
        out.port_range->to = opt_i64(row->to_port);
    }
    return out;
}

static struct ec2_NetworkAcl
acl_show(struct api_call *call, const struct ec2_network_acl_row *row)
{
    struct ec2_NetworkAcl out = {
        .is_default = opt_bool(is_default(call->txn, row)),
        .network_acl_id = row->id,
        .vpc_id = row->vpc_id,
        .owner_id = row->account,
        .tags = ec2_tags_show(call->arena, &row->tags),
    };

    assert(row->vpc_id.n > 0);
    STORE_EACH(call->txn, ec2_subnet_by_network_acl, subnet, row->id)
        *LIST_PUSH(call->arena, &out.associations) = (struct ec2_NetworkAclAssociation){
            .network_acl_association_id = subnet->acl_association_id,
            .network_acl_id = row->id,
            .subnet_id = subnet->id,
        };
    for (int egress = 1; egress >= 0; egress--) {
        const struct ec2_acl_entry_row last = {
            .egress = egress, .number = LAST_RULE, .protocol = -1, .cidr4 = S("0.0.0.0/0")};

        STORE_EACH(call->txn, ec2_acl_entry_by_acl, entry, row->id, egress)
            *LIST_PUSH(call->arena, &out.entries) = entry_show(call, entry);
        *LIST_PUSH(call->arena, &out.entries) = entry_show(call, &last);
    }
    API_PRESENT(&out.associations);
    API_PRESENT(&out.tags);
    return out;
}

/* ---- CreateNetworkAcl, DeleteNetworkAcl ---- */

static struct str
entry_key(struct arena *arena, struct str acl_id, bool egress, int64_t number)
{
    assert(acl_id.n > 0);
    return str_fmt(arena, "%.*s/%s/%lld", STR_ARG(acl_id), egress ? "egress" : "ingress",
                   (long long)number);
}

int
ec2_network_acl_make(struct txn *txn, struct arena *arena, const struct ec2_network_acl_row *row,
                     bool allow_all)
{
    assert(ec2_network_acl_ok(row));
    int r = ec2_unwritten(ec2_network_acl_insert(txn, row), row->id);

    for (int egress = 0; egress < 2 && allow_all && !r; egress++) {
        const struct ec2_acl_entry_row entry = {
            .id = entry_key(arena, row->id, egress, ALL_RULE),
            .acl_id = row->id,
            .egress = egress,
            .number = ALL_RULE,
            .protocol = -1,
            .allow = true,
            .cidr4 = S("0.0.0.0/0"),
            .from_port = -1,
            .to_port = -1,
        };

        assert(ec2_acl_entry_ok(&entry));
        r = ec2_unwritten(ec2_acl_entry_insert(txn, &entry), entry.id);
    }
    return r;
}

int
ec2_network_acl_drop(struct txn *txn, struct str id)
{
    int r = 0;

    assert(id.n > 0);
    STORE_EACH(txn, ec2_acl_entry_by_acl, row, id)
        if (!r)
            r = ec2_unwritten(ec2_acl_entry_delete(txn, row->id), id);
    return r ? r : ec2_unwritten(ec2_network_acl_delete(txn, id), id);
}

static int
create(struct api_call *call, const struct ec2_CreateNetworkAclRequest *req, struct str hash,
       struct ec2_network_acl_row *ret)
{
    const struct ec2_vpc_row *vpc;
    size_t n = 0;
    int r = ec2_vpc_find(call, req->vpc_id, &vpc);

    *ret = (struct ec2_network_acl_row){
        .id = api_id(call, "acl"),
        .account = call->account,
        .region = call->region,
        .client_token = req->client_token,
        .request_hash = hash,
        .created_ms = call->now_ms,
    };
    if (!r)
        r = ec2_tags_made(call, &req->tag_specifications, "network-acl", &ret->tags);
    if (r)
        return r;
    ret->vpc_id = vpc->id;
    STORE_EACH(call->txn, ec2_network_acl_by_vpc, row, vpc->id)
        n++;
    if (n >= ACLS_MAX)
        return api_fault(call, &EC2_ERR(NetworkAclLimitExceeded),
                         "The maximum number of network ACLs has been reached.");
    return ec2_network_acl_make(call->txn, call->arena, ret, false);
}

int
ec2_create_network_acl(struct api_call *call, const struct ec2_CreateNetworkAclRequest *req,
                       struct ec2_CreateNetworkAclResult *res)
{
    const struct ec2_network_acl_row *before = NULL;
    struct str hash = ec2_request_hash(call, req);
    struct ec2_network_acl_row row;

    if (req->client_token.n)
        before =
            ec2_network_acl_by_token_get(call->txn, call->account, call->region, req->client_token);
    int r =
        before ? ec2_token_check(call, before->request_hash, hash) : create(call, req, hash, &row);
    if (r)
        return r;
    res->network_acl = ARENA_NEW(call->arena, struct ec2_NetworkAcl);
    *res->network_acl = acl_show(call, before ? before : &row);
    res->client_token = ec2_text_show(req->client_token);
    return 0;
}

int
ec2_delete_network_acl(struct api_call *call, const struct ec2_DeleteNetworkAclRequest *req,
                       struct ec2_DeleteNetworkAclResult *res UNUSED)
{
    const struct ec2_network_acl_row *row;
    int r = acl_find(call, req->network_acl_id, &row);

    if (r)
        return r;
    if (is_default(call->txn, row))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "cannot delete default network ACL %.*s", STR_ARG(row->id));
    STORE_EACH(call->txn, ec2_subnet_by_network_acl, subnet, row->id)
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The networkAcl '%.*s' has dependencies and cannot be deleted.",
                         STR_ARG(row->id));
    return ec2_network_acl_drop(call->txn, row->id);
}

/* ---- entries ---- */

/* "6", "tcp", "-1" or "all"; false when it is none. */
static bool
protocol_of(struct str text, int64_t *ret)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"tcp", TCP}, {"udp", UDP}, {"icmp", ICMP}, {"icmpv6", ICMPV6}, {"all", -1}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(text, str_from(names[i].name))) {
            *ret = names[i].number;
            return true;
        }
    return str_to_i64(text, ret) && *ret >= -1 && *ret <= PROTOCOL_MAX;
}

/* Ports of TCP and UDP, type and code of ICMP, nothing of others. */
static int
entry_ports(struct api_call *call, const struct ec2_PortRange *ports,
            const struct ec2_IcmpTypeCode *icmp, struct ec2_acl_entry_row *row)
{
    row->from_port = row->to_port = -1;
    if (row->protocol == ICMP || row->protocol == ICMPV6) {
        if (!icmp || !icmp->type.set || !icmp->code.set)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "The request must contain the parameter icmpTypeCode.%s",
                             icmp && icmp->type.set ? "code" : "type");
        row->from_port = icmp->type.v;
        row->to_port = icmp->code.v;
        return row->from_port >= -1 && row->from_port <= 255 && row->to_port >= -1 &&
                       row->to_port <= 255
                   ? 0
                   : api_fault(call, &EC2_ERR(InvalidParameterValue),
                               "Value (%lld, %lld) for parameter icmpTypeCode is invalid.",
                               (long long)row->from_port, (long long)row->to_port);
    }
    if (row->protocol != TCP && row->protocol != UDP)
        return 0;
    if (!ports || !ports->from.set || !ports->to.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter portRange.%s",
                         ports && ports->from.set ? "to" : "from");
    row->from_port = ports->from.v;
    row->to_port = ports->to.v;
    return row->from_port >= 0 && row->to_port <= PORT_MAX && row->from_port <= row->to_port
               ? 0
               : api_fault(call, &EC2_ERR(InvalidParameterValue),
                           "Value (%lld-%lld) for parameter portRange is invalid.",
                           (long long)row->from_port, (long long)row->to_port);
}

static int
entry_range(struct api_call *call, struct str cidr4, struct str cidr6,
            struct ec2_acl_entry_row *row)
{
    struct ip4_block block;
    struct ip6_block block6;

    row->cidr4 = row->cidr6 = S("");
    if (!cidr4.p == !cidr6.p)
        return api_fault(
            call, cidr4.p ? &EC2_ERR(InvalidParameterCombination) : &EC2_ERR(MissingParameter),
            "Exactly one of cidrBlock and ipv6CidrBlock must be specified");
    if (cidr4.p) {
        int r = ec2_block_of(call, cidr4, "cidrBlock", &block);

        if (!r)
            row->cidr4 = ip4_block_text(call->arena, block);
        return r;
    }
    if (!ip6_block_parse(cidr6, &block6))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter ipv6CidrBlock is invalid. This is not a valid "
                         "CIDR block.",
                         STR_ARG(cidr6));
    block6 = ip6_block_canonical(block6);
    row->cidr6 = ip6_block_text(call->arena, &block6);
    return 0;
}

/* An entry from the request of CreateNetworkAclEntry or ReplaceNetworkAclEntry, which are alike. */
static int
entry_of(struct api_call *call, const struct ec2_CreateNetworkAclEntryRequest *req,
         struct ec2_acl_entry_row *ret)
{
    const struct ec2_network_acl_row *acl;
    int r = acl_find(call, req->network_acl_id, &acl);

    if (r)
        return r;
    *ret = (struct ec2_acl_entry_row){
        .acl_id = acl->id,
        .egress = req->egress.v,
        .number = req->rule_number.v,
        .allow = str_is(req->rule_action, "allow"),
    };
    if (ret->number < 1 || ret->number >= LAST_RULE)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter ruleNumber is invalid. It must be from 1 to "
                         "%d.",
                         (long long)ret->number, LAST_RULE - 1);
    if (!protocol_of(req->protocol, &ret->protocol))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for IP protocol. Unknown protocol.",
                         STR_ARG(req->protocol));
    r = entry_ports(call, req->port_range, req->icmp_type_code, ret);
    if (!r)
        r = entry_range(call, req->cidr_block, req->ipv6_cidr_block, ret);
    ret->id = entry_key(call->arena, acl->id, ret->egress, ret->number);
    return r;
}

static int
no_entry(struct api_call *call, int64_t number)
{
    return api_fault(call, &EC2_ERR(InvalidNetworkAclEntry_NotFound),
                     "The network acl entry identified by %lld does not exist.", (long long)number);
}

int
ec2_create_network_acl_entry(struct api_call *call,
                             const struct ec2_CreateNetworkAclEntryRequest *req,
                             struct ec2_CreateNetworkAclEntryResult *res UNUSED)
{
    struct ec2_acl_entry_row row;
    size_t n = 0;
    int r = entry_of(call, req, &row);

    if (r)
        return r;
    if (ec2_acl_entry_get(call->txn, row.id))
        return api_fault(call, &EC2_ERR(NetworkAclEntryAlreadyExists),
                         "The network acl entry identified by %lld already exists.",
                         (long long)row.number);
    STORE_EACH(call->txn, ec2_acl_entry_by_acl, other, row.acl_id, row.egress)
        n++;
    if (n >= ENTRIES_MAX)
        return api_fault(call, &EC2_ERR(NetworkAclEntryLimitExceeded),
                         "The maximum number of network acl entries has been reached.");
    assert(ec2_acl_entry_ok(&row));
    return ec2_unwritten(ec2_acl_entry_insert(call->txn, &row), row.id);
}

int
ec2_replace_network_acl_entry(struct api_call *call,
                              const struct ec2_ReplaceNetworkAclEntryRequest *req,
                              struct ec2_ReplaceNetworkAclEntryResult *res UNUSED)
{
    const struct ec2_CreateNetworkAclEntryRequest same = {
        .network_acl_id = req->network_acl_id,
        .rule_number = req->rule_number,
        .protocol = req->protocol,
        .rule_action = req->rule_action,
        .egress = req->egress,
        .cidr_block = req->cidr_block,
        .ipv6_cidr_block = req->ipv6_cidr_block,
        .icmp_type_code = req->icmp_type_code,
        .port_range = req->port_range,
    };
    struct ec2_acl_entry_row row;
    int r = entry_of(call, &same, &row);

    if (r)
        return r;
    assert(ec2_acl_entry_ok(&row));
    return ec2_acl_entry_get(call->txn, row.id)
               ? ec2_unwritten(ec2_acl_entry_update(call->txn, &row), row.id)
               : no_entry(call, row.number);
}

int
ec2_delete_network_acl_entry(struct api_call *call,
                             const struct ec2_DeleteNetworkAclEntryRequest *req,
                             struct ec2_DeleteNetworkAclEntryResult *res UNUSED)
{
    const struct ec2_network_acl_row *acl;
    int r = acl_find(call, req->network_acl_id, &acl);

    if (r)
        return r;
    struct str key = entry_key(call->arena, acl->id, req->egress.v, req->rule_number.v);

    return ec2_acl_entry_get(call->txn, key)
               ? ec2_unwritten(ec2_acl_entry_delete(call->txn, key), key)
               : no_entry(call, req->rule_number.v);
}

/* ---- ReplaceNetworkAclAssociation ---- */

int
ec2_replace_network_acl_association(struct api_call *call,
                                    const struct ec2_ReplaceNetworkAclAssociationRequest *req,
                                    struct ec2_ReplaceNetworkAclAssociationResult *res)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_of_acl(call, req->association_id);
    const struct ec2_network_acl_row *acl;
    struct ec2_subnet_row new;
    int r = acl_find(call, req->network_acl_id, &acl);

    if (r)
        return r;
    if (!subnet)
        return ec2_missing(call, &EC2_ERR(InvalidAssociationID_NotFound), "association",
                           &(struct str_list){(struct str *)&req->association_id, 1});
    if (!str_eq(acl->vpc_id, subnet->vpc_id))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Network ACL %.*s and subnet %.*s belong to different networks",
                         STR_ARG(acl->id), STR_ARG(subnet->id));
    new = *subnet;
    new.network_acl_id = acl->id;
    new.acl_association_id = api_id(call, "aclassoc");
    res->new_association_id = new.acl_association_id;
    return ec2_subnet_put(call->txn, &new);
}

/* ---- DescribeNetworkAcls ---- */

static const struct api_filter acl_filters[] = {
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
static const struct api_filter_table acl_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_NetworkAcl, acl_filters);

int
ec2_describe_network_acls(struct api_call *call, const struct ec2_DescribeNetworkAclsRequest *req,
                          struct ec2_DescribeNetworkAclsResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2(NULL);
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &acl_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->network_acl_ids.n > 0, &listing);

    if (!r)
        r = ec2_kind_check(call, &acl_kind, &req->network_acl_ids);
    if (r)
        return r;
    STORE_EACH(call->txn, ec2_network_acl_by_owner, row, call->account, call->region) {
        if (req->network_acl_ids.n && !str_in(&req->network_acl_ids, row->id))
            continue;
        struct ec2_NetworkAcl shown = acl_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->network_acls) = shown;
    }
    API_PRESENT(&res->network_acls);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
