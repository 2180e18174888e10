/*
 * Elastic IPs: public addresses that an account keeps.
 *
 * An address is taken out of the pool of public ones when it is allocated, and goes back when it
 * is released.  In between it is with at most one interface, which then has it as its public
 * address; so all that knows of public addresses (translation on the host, names, metadata) needs
 * to know nothing of Elastic IPs, and moving one is two rows in one transaction.
 *
 * Invariant: address.interface_id and private_ip name the interface, or the secondary address of
 * one, whose address_id names the address; or all are empty.
 */
#include "ec2/instance.h"

#include "codec/ip.h"
#include "ec2/row_ok.h"
#include "placement/quota.h"

enum {
    DOMAIN_NAME_MAX = 253,
    LABEL_MAX = 63,
};

/* What an Elastic IP is for: an interface's own address, or a secondary one of it. */
struct place {
    const struct ec2_interface_row *nic;
    const struct ec2_secondary_address_row *more; /* NULL: its own */
};

/* ---- finding and showing ---- */

static const struct ec2_address_row *
mine(struct api_call *call, const struct ec2_address_row *row)
{
    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

int
ec2_address_find(struct api_call *call, struct str id, const struct ec2_address_row **ret)
{
    const struct ec2_address_row *row = mine(call, ec2_address_get(call->txn, id));

    if (!row)
        return ec2_missing(call, &EC2_ERR(InvalidAllocationID_NotFound), "allocation",
                           &(struct str_list){&id, 1});
    assert(ec2_address_ok(row));
    *ret = row;
    return 0;
}

static int
find_ip(struct api_call *call, struct str ip, const struct ec2_address_row **ret)
{
    const struct ec2_address_row *row = mine(call, ec2_address_by_public_ip_get(call->txn, ip));
    uint32_t parsed;

    if (!ip4_parse(ip, &parsed))
        return api_fault(call, &EC2_ERR(InvalidParameterValue), "Invalid IPv4 address: %.*s",
                         STR_ARG(ip));
    if (!row)
        return api_fault(call, &EC2_ERR(InvalidAddress_NotFound), "Address '%.*s' not found.",
                         STR_ARG(ip));
    assert(ec2_address_ok(row) && str_eq(row->public_ip, ip));
    *ret = row;
    return 0;
}

static struct ec2_Address
show(struct api_call *call, const struct ec2_address_row *row)
{
    struct ec2_Address out = {
        .allocation_id = row->id,
        .domain = S("vpc"),
        .public_ip = row->public_ip,
        .public_ipv4_pool = S("amazon"),
        .network_border_group = row->region,
        .tags = ec2_tags_show(call->arena, &row->tags),
    };
    const struct ec2_interface_row *nic =
        row->interface_id.n ? ec2_interface_get(call->txn, row->interface_id) : NULL;

    assert((row->interface_id.n > 0) == (row->association_id.n > 0));
    if (!nic)
        return out;
    assert(!str_eq(nic->private_ip, row->private_ip) || str_eq(nic->address_id, row->id));
    out.association_id = row->association_id;
    out.network_interface_id = nic->id;
    out.network_interface_owner_id = nic->account;
    out.private_ip_address = row->private_ip;
    out.instance_id = ec2_text_show(nic->instance_id);
    out.subnet_id = nic->subnet_id;
    return out;
}

static int
put(struct txn *txn, const struct ec2_address_row *row)
{
    assert((row->interface_id.n > 0) == (row->association_id.n > 0));
    assert(ec2_address_ok(row));
    int r = ec2_address_update(txn, row);

    return r < 0 ? error_origin(-r, "address %.*s cannot be written", STR_ARG(row->id)) : 0;
}

/* ---- AllocateAddress, ReleaseAddress ---- */

/* An address is named by its public IP or by an id, and not by both. */
static int
one_name_check(struct api_call *call, struct str public_ip, struct str id, const char *kind)
{
    if (id.n && public_ip.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You may specify public IP or %s id, but not both in the same call", kind);
    if (!id.n && !public_ip.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Either public IP or %s id must be specified", kind);
    return 0;
}

static int
allocate_check(struct api_call *call, const struct ec2_AllocateAddressRequest *req)
{
    const char *unsupported = req->address.n                    ? "Address"
                              : req->customer_owned_ipv4_pool.n ? "CustomerOwnedIpv4Pool"
                              : req->ipam_pool_id.n             ? "IpamPoolId"
                              : req->public_ipv4_pool.n && !str_is(req->public_ipv4_pool, "amazon")
                                  ? "PublicIpv4Pool"
                                  : NULL;
    size_t n = 0;

    if (unsupported)
        return ec2_unsupported_parameter(call, unsupported);
    if (str_is(req->domain, "standard"))
        return api_fault(call, &EC2_ERR(UnsupportedOperation),
                         "The domain 'standard' is that of EC2-Classic, which is not available.");
    if (req->network_border_group.n && !str_eq(req->network_border_group, call->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for networkBorderGroup.",
                         STR_ARG(req->network_border_group));
    STORE_EACH(call->txn, ec2_address_by_owner, row, call->account, call->region)
        n++;
    if ((int64_t)n >= ec2_quota(call, QUOTA_ELASTIC_IPS))
        return api_fault(call, &EC2_ERR(AddressLimitExceeded),
                         "The maximum number of addresses has been reached.");
    return 0;
}

int
ec2_allocate_address(struct api_call *call, const struct ec2_AllocateAddressRequest *req,
                     struct ec2_AllocateAddressResult *res)
{
    static const char *const types[] = {"elastic-ip"};
    struct ec2_address_row row = {
        .id = api_id(call, "eipalloc"),
        .account = call->account,
        .region = call->region,
        .created_ms = call->now_ms,
    };
    int r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));

    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row.tags);
    if (r == 0)
        r = allocate_check(call, req);
    if (r == 0)
        r = ec2_public_ip_take(call, &row.public_ip);
    if (r)
        return r;
    assert(ec2_address_ok(&row));
    r = ec2_address_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "address %.*s cannot be written", STR_ARG(row.id));
    *res = (struct ec2_AllocateAddressResult){
        .allocation_id = row.id,
        .public_ipv4_pool = S("amazon"),
        .network_border_group = row.region,
        .domain = S("vpc"),
        .public_ip = row.public_ip,
    };
    return 0;
}

int
ec2_release_address(struct api_call *call, const struct ec2_ReleaseAddressRequest *req,
                    struct ec2_ReleaseAddressResult *res UNUSED)
{
    const struct ec2_address_row *row;

    int r = one_name_check(call, req->public_ip, req->allocation_id, "allocation");

    if (r == 0)
        r = req->public_ip.n ? find_ip(call, req->public_ip, &row)
                             : ec2_address_find(call, req->allocation_id, &row);
    if (r)
        return r;
    if (req->public_ip.n)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "You must specify an allocation id when releasing a VPC elastic IP "
                         "address");
    if (req->network_border_group.n && !str_eq(req->network_border_group, row->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for networkBorderGroup.",
                         STR_ARG(req->network_border_group));
    if (row->association_id.n)
        return api_fault(call, &EC2_ERR(InvalidIPAddress_InUse), "Address %.*s is in use.",
                         STR_ARG(row->public_ip));
    assert(!row->interface_id.n);
    r = ec2_public_ip_return(call->txn, row->public_ip);
    if (r)
        return r;
    r = ec2_address_delete(call->txn, row->id);
    return r < 0 ? error_origin(-r, "address %.*s cannot be deleted", STR_ARG(row->id)) : 0;
}

/* ---- AssociateAddress ---- */

/* The only interface of an instance that runs or is stopped. */
static int
target_of_instance(struct api_call *call, struct str id, const struct ec2_interface_row **ret)
{
    const struct ec2_instance_row *instance;
    int r = ec2_instance_find(call, id, &instance);

    if (r)
        return r;
    if (instance->state == EC2_PENDING || instance->state == EC2_SHUTTING_DOWN ||
        instance->state == EC2_TERMINATED)
        return api_fault(call, &EC2_ERR(InvalidInstanceID),
                         "The %.*s instance '%.*s' is not in a valid state for this operation.",
                         STR_ARG(ec2_instance_state_show(instance->state).name), STR_ARG(id));
    return ec2_interface_only(call, instance, ret);
}

static int
target_of_interface(struct api_call *call, struct str id, const struct ec2_interface_row **ret)
{
    int r = ec2_interface_manage(call, id, ret);
    const struct ec2_instance_row *instance =
        r ? NULL : ec2_instance_get(call->txn, (*ret)->instance_id);

    if (r || !instance || (instance->state != EC2_PENDING && instance->state != EC2_SHUTTING_DOWN))
        return r;
    return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                     "The %.*s instance to which '%.*s' is attached is not in a valid state for "
                     "this operation",
                     STR_ARG(ec2_instance_state_show(instance->state).name), STR_ARG(id));
}

/* Where it is; a secondary address that is gone has let it go. */
static struct place
place_of(struct txn *txn, const struct ec2_interface_row *nic, struct str private_ip)
{
    struct place place = {.nic = nic};

    assert(nic);
    if (private_ip.n && !str_eq(private_ip, nic->private_ip))
        place.more = ec2_secondary_of(txn, nic, private_ip);
    return place;
}

/* The address that the call names, and that it may have an Elastic IP. */
static int
target(struct api_call *call, const struct ec2_AssociateAddressRequest *req, struct place *ret)
{
    const struct ec2_interface_row *nic;

    if (req->instance_id.n && req->network_interface_id.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter InstanceId cannot be used with the parameter "
                         "NetworkInterfaceId");
    if (!req->instance_id.n && !req->network_interface_id.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "Either instance ID or network interface id must be specified");
    int r = req->instance_id.n ? target_of_instance(call, req->instance_id, &nic)
                               : target_of_interface(call, req->network_interface_id, &nic);
    if (r)
        return r;
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, nic->vpc_id);

    if (!vpc || !vpc->internet_gateway_id.n)
        return api_fault(call, &EC2_ERR(Gateway_NotAttached),
                         "Network %.*s is not attached to any internet gateway",
                         STR_ARG(nic->vpc_id));
    *ret = place_of(call->txn, nic, req->private_ip_address);
    if (req->private_ip_address.n && !ret->more &&
        !str_eq(req->private_ip_address, nic->private_ip))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The private IP address %.*s is not assigned to the network interface "
                         "'%.*s'",
                         STR_ARG(req->private_ip_address), STR_ARG(nic->id));
    return 0;
}

/* AllowReassociation=false: neither may the address be elsewhere, nor the interface have one. */
static int
association_check(struct api_call *call, const struct ec2_address_row *row,
                  const struct place *place)
{
    const struct ec2_interface_row *nic = place->nic;
    struct str has = place->more ? place->more->public_ip
                     : nic->address_id.n ? nic->public_ip
                                         : STR_NONE;
    struct str private_ip = place->more ? place->more->private_ip : nic->private_ip;

    if (row->association_id.n)
        return api_fault(call, &EC2_ERR(Resource_AlreadyAssociated),
                         "resource %.*s is already associated with associate-id %.*s",
                         STR_ARG(row->id), STR_ARG(row->association_id));
    if (has.n)
        return api_fault(call, &EC2_ERR(Resource_AlreadyAssociated),
                         "resource %.*s and %.*s is already associated with public address %.*s",
                         STR_ARG(nic->id), STR_ARG(private_ip), STR_ARG(has));
    return 0;
}

int
ec2_address_leave(struct txn *txn, struct str address_id)
{
    const struct ec2_address_row *row = ec2_address_get(txn, address_id);

    if (!row)
        return error_origin(EUCLEAN, "an interface has the address %.*s, which is not there",
                            STR_ARG(address_id));
    assert(row->interface_id.n > 0 && row->association_id.n > 0);
    struct ec2_address_row new = *row;

    new.association_id = new.interface_id = new.private_ip = S("");
    return put(txn, &new);
}

int
ec2_address_follow(struct txn *txn, struct str address_id, struct str interface_id)
{
    const struct ec2_address_row *row = ec2_address_get(txn, address_id);

    assert(row && row->interface_id.n > 0);
    struct ec2_address_row new = *row;

    new.interface_id = interface_id;
    return put(txn, &new);
}

static int
place_set(struct api_call *call, const struct place *place, const struct ec2_address_row *address)
{
    return place->more ? ec2_secondary_set_elastic(call->txn, place->more, address)
                       : ec2_interface_set_elastic(call, place->nic, address);
}

/* Takes the address from its interface. */
static int
dissociate(struct api_call *call, const struct ec2_address_row *row)
{
    const struct place place =
        place_of(call->txn, ec2_interface_get(call->txn, row->interface_id), row->private_ip);
    int r = ec2_address_leave(call->txn, row->id);

    assert(place.more || str_eq(place.nic->address_id, row->id));
    return r ? r : place_set(call, &place, NULL);
}

static int
associate(struct api_call *call, const struct ec2_address_row *row, struct place place,
          struct str *ret_id)
{
    struct str private_ip = place.more ? place.more->private_ip : place.nic->private_ip;
    struct str has = place.more ? place.more->address_id : place.nic->address_id;
    struct str nic_id = place.nic->id;
    int r = row->association_id.n ? dissociate(call, row) : 0;

    if (r == 0 && has.n)
        r = ec2_address_leave(call->txn, has);
    if (r)
        return r;
    struct ec2_address_row new = *row;

    new.association_id = api_id(call, "eipassoc");
    new.interface_id = nic_id;
    new.private_ip = private_ip;
    r = put(call->txn, &new);
    *ret_id = new.association_id;
    /* It may have been at another address of the same interface. */
    place = place_of(call->txn, ec2_interface_get(call->txn, nic_id), private_ip);
    return r ? r : place_set(call, &place, &new);
}

int
ec2_address_associate(struct api_call *call, const struct ec2_address_row *row,
                      const struct ec2_interface_row *nic, struct str *ret_id)
{
    return associate(call, row, place_of(call->txn, nic, STR_NONE), ret_id);
}

/* The address of a NAT gateway is the gateway's, and goes with it. */
static int
free_check(struct api_call *call, const struct ec2_address_row *row)
{
    const struct ec2_interface_row *nic =
        row->interface_id.n ? ec2_interface_get(call->txn, row->interface_id) : NULL;

    return nic && nic->nat_gateway_id.n ? ec2_interface_manage(call, nic->id, &nic) : 0;
}

int
ec2_associate_address(struct api_call *call, const struct ec2_AssociateAddressRequest *req,
                      struct ec2_AssociateAddressResult *res)
{
    const struct ec2_address_row *row;
    struct place place;

    int r = one_name_check(call, req->public_ip, req->allocation_id, "allocation");

    if (r == 0)
        r = req->public_ip.n ? find_ip(call, req->public_ip, &row)
                             : ec2_address_find(call, req->allocation_id, &row);
    if (r == 0)
        r = target(call, req, &place);
    if (r)
        return r;
    if (req->public_ip.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You must specify an allocation id when mapping an address to a VPC "
                         "instance");
    if (str_eq(row->interface_id, place.nic->id) &&
        str_eq(row->private_ip, place.more ? place.more->private_ip : place.nic->private_ip)) {
        /* asked again */
        res->association_id = row->association_id;
        return 0;
    }
    r = free_check(call, row);
    if (r == 0 && !opt_bool_or(req->allow_reassociation, true))
        r = association_check(call, row, &place);
    return r ? r : associate(call, row, place, &res->association_id);
}

int
ec2_disassociate_address(struct api_call *call, const struct ec2_DisassociateAddressRequest *req,
                         struct ec2_DisassociateAddressResult *res UNUSED)
{
    const struct ec2_address_row *row;

    int r = one_name_check(call, req->public_ip, req->association_id, "association");

    if (r == 0 && req->public_ip.n)
        r = find_ip(call, req->public_ip, &row);
    if (r)
        return r;
    if (req->public_ip.n)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "You must specify an association id when unmapping an address from a VPC "
                         "instance");
    row = mine(call, ec2_address_by_association_get(call->txn, req->association_id));
    if (!row)
        return ec2_missing(call, &EC2_ERR(InvalidAssociationID_NotFound), "association",
                           &(struct str_list){(struct str *)&req->association_id, 1});
    r = free_check(call, row);
    return r ? r : dissociate(call, row);
}

/* ---- DescribeAddresses ---- */

static const struct api_filter address_filters[] = {
    {"allocation-id", "AllocationId"},
    {"association-id", "AssociationId"},
    {"domain", "Domain"},
    {"instance-id", "InstanceId"},
    {"network-border-group", "NetworkBorderGroup"},
    {"network-interface-id", "NetworkInterfaceId"},
    {"network-interface-owner-id", "NetworkInterfaceOwnerId"},
    {"private-ip-address", "PrivateIpAddress"},
    {"public-ip", "PublicIp"},
    {"public-ipv4-pool", "PublicIpv4Pool"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table address_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Address, address_filters);

/* Ids that nothing of the caller's has, all in one fault. */
static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id)
        if (!mine(call, ec2_address_get(call->txn, *id)))
            *LIST_PUSH(call->arena, &missing) = *id;
    return missing.n
               ? ec2_missing(call, &EC2_ERR(InvalidAllocationID_NotFound), "allocation", &missing)
               : 0;
}

int
ec2_describe_addresses(struct api_call *call, const struct ec2_DescribeAddressesRequest *req,
                       struct ec2_DescribeAddressesResult *res)
{
    struct api_filter_set set;
    int r = ec2_filters(call, &address_table, &req->filters, &set);

    if (r == 0)
        r = ids_check(call, &req->allocation_ids);
    LIST_EACH(&req->public_ips, ip) {
        const struct ec2_address_row *row;

        if (r == 0)
            r = find_ip(call, *ip, &row);
    }
    if (r)
        return r;
    API_PRESENT(&res->addresses);
    STORE_EACH(call->txn, ec2_address_by_owner, row, call->account, call->region) {
        struct ec2_Address shown = show(call, row);

        if ((req->allocation_ids.n || req->public_ips.n) &&
            !str_in(&req->allocation_ids, row->id) && !str_in(&req->public_ips, row->public_ip))
            continue;
        if (api_filter_match(&set, &shown))
            *LIST_PUSH(call->arena, &res->addresses) = shown;
    }
    return 0;
}

/* ---- the name that an address has in reverse: the VPC's resolver answers it ---- */

static struct ec2_AddressAttribute
attribute_show(const struct ec2_address_row *row)
{
    return (struct ec2_AddressAttribute){
        .public_ip = row->public_ip,
        .allocation_id = row->id,
        .ptr_record = ec2_text_show(row->ptr_record),
    };
}

int
ec2_describe_addresses_attribute(struct api_call *call,
                                 const struct ec2_DescribeAddressesAttributeRequest *req,
                                 struct ec2_DescribeAddressesAttributeResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 1000};
    struct api_page page;
    int r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &page);

    if (r == 0)
        r = ids_check(call, &req->allocation_ids);
    if (r)
        return r;
    API_PRESENT(&res->addresses);
    STORE_EACH(call->txn, ec2_address_by_owner, row, call->account, call->region) {
        if (req->allocation_ids.n && !str_in(&req->allocation_ids, row->id))
            continue;
        struct str at = str_fmt(call->arena, "%016llx/%.*s", (unsigned long long)row->created_ms,
                                STR_ARG(row->id));

        if (api_page_take(&page, at))
            *LIST_PUSH(call->arena, &res->addresses) = attribute_show(row);
    }
    res->next_token = ec2_page_next(call, &page);
    return 0;
}

/* Labels of letters, digits and '-' between dots, at least two of them. */
static bool
domain_name_ok(struct str name)
{
    unsigned labels = 0;

    if (str_ends(name, S(".")))
        name = str_cut(name, 0, name.n - 1);
    if (!name.n || name.n > DOMAIN_NAME_MAX)
        return false;
    while (name.p) {
        struct str label = str_split(&name, '.');

        if (!label.n || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i] | 0x20;

            if (!(c >= 'a' && c <= 'z') && !(label.p[i] >= '0' && label.p[i] <= '9') &&
                label.p[i] != '-')
                return false;
        }
        labels++;
    }
    return labels >= 2;
}

static int
ptr_put(struct api_call *call, struct str id, struct str name, struct ec2_AddressAttribute **ret)
{
    const struct ec2_address_row *row;
    int r = ec2_address_find(call, id, &row);

    if (r)
        return r;
    struct ec2_address_row new = *row;

    new.ptr_record = !name.n || str_ends(name, S(".")) ? name : str_cat(call->arena, name, S("."));
    *ret = ARENA_NEW(call->arena, struct ec2_AddressAttribute);
    **ret = attribute_show(&new);
    return put(call->txn, &new);
}

int
ec2_modify_address_attribute(struct api_call *call,
                             const struct ec2_ModifyAddressAttributeRequest *req,
                             struct ec2_ModifyAddressAttributeResult *res)
{
    if (!req->domain_name.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter domainName");
    if (!domain_name_ok(req->domain_name))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter domainName is invalid.",
                         STR_ARG(req->domain_name));
    return ptr_put(call, req->allocation_id, req->domain_name, &res->address);
}

int
ec2_reset_address_attribute(struct api_call *call,
                            const struct ec2_ResetAddressAttributeRequest *req,
                            struct ec2_ResetAddressAttributeResult *res)
{
    assert(str_is(req->attribute, "domain-name")); /* the only one of its enum */
    return ptr_put(call, req->allocation_id, S(""), &res->address);
}
