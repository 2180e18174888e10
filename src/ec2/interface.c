/*
 * Network interfaces: the rows that instances bring along, their addresses, and what may be
 * changed of them.
 *
 * An address is taken in its pool and written in the interface's row in one transaction; nothing
 * else takes or gives addresses, so the pool's bits and the rows never disagree.
 */
#include "codec/aws_names.h"
#include "codec/ip.h"
#include "ec2/ec2.h"
#include "ec2/row_ok.h"

enum {
    MAC_TRIES_MAX = 16,
    PUBLIC_TRIES_MAX = 64,
};

struct str
ec2_private_dns_name(struct arena *arena, struct str region, struct str ip_text)
{
    uint32_t ip;

    return ip4_parse(ip_text, &ip) ? aws_private_name(arena, region, ip) : S("");
}

struct str
ec2_public_dns_name(struct arena *arena, struct str region, struct str ip_text)
{
    uint32_t ip;

    return ip4_parse(ip_text, &ip) ? aws_public_name(arena, region, ip) : S("");
}

/* ---- making and releasing ---- */

static int
mac_new(struct api_call *call, struct str *ret)
{
    for (unsigned i = 0; i < MAC_TRIES_MAX; i++) {
        uint8_t b[5];

        call->env->random(call->env, b, sizeof(b));
        /* 0e: locally administered, one station: what AWS gives its interfaces. */
        struct str mac =
            str_fmt(call->arena, "0e:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4]);

        if (!ec2_interface_by_mac_get(call->txn, mac)) {
            *ret = mac;
            return 0;
        }
    }
    return error_origin(EEXIST, "%d random MAC addresses were all in use", MAC_TRIES_MAX);
}

/* Takes the address that was asked for. */
static int
take_this(struct api_call *call, const struct ec2_pool *pool, struct str want)
{
    uint32_t ip;

    if (!ip4_parse(want, &ip))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter privateIpAddress is invalid. "
                         "This is not a valid IPv4 address.",
                         STR_ARG(want));
    if (!ec2_pool_has(pool, ip))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Address %.*s does not fall within the subnet's address range",
                         STR_ARG(want));
    if (ec2_pool_reserves(pool, ip))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Address %.*s is in subnet's reserved address range", STR_ARG(want));

    int r = ec2_pool_take(call->txn, pool, ip);

    if (r == -EADDRINUSE)
        return api_fault(call, &EC2_ERR(InvalidIPAddress_InUse), "Address %.*s is in use.",
                         STR_ARG(want));
    return r;
}

static int
take_any(struct api_call *call, const struct ec2_pool *pool, struct str *ret)
{
    uint32_t ip;
    int r = ec2_pool_take_lowest(call->txn, pool, &ip);

    if (r == -ENOSPC)
        return api_fault(call, &EC2_ERR(InsufficientFreeAddressesInSubnet),
                         "The specified subnet does not have enough free addresses to satisfy "
                         "the request.");
    if (r)
        return r;
    assert(ec2_pool_has(pool, ip) && !ec2_pool_reserves(pool, ip));
    *ret = ip4_text(call->arena, ip);
    return 0;
}

int
ec2_private_ip_take(struct api_call *call, const struct ec2_subnet_row *subnet, struct str want,
                    struct str *ret)
{
    struct ec2_pool pool = ec2_pool_subnet(subnet);

    if (!want.n)
        return take_any(call, &pool, ret);
    *ret = want;
    return take_this(call, &pool, want);
}

/*
 * Public addresses go round: the one behind the last that was given, so that an instance that was
 * stopped and started has another, as on AWS, and a stale address reaches nobody for long.
 */
static int
public_ip_take(struct txn *txn, const struct ec2_pool *pool, uint32_t *ret)
{
    uint64_t usable = pool->size - pool->reserved_low - pool->reserved_high;
    int64_t turn;

    assert(pool->size > (uint64_t)pool->reserved_low + pool->reserved_high);
    for (int i = 0; i < PUBLIC_TRIES_MAX; i++) {
        int r = ec2_number(txn, "public-address", &turn);

        if (r < 0)
            return r;
        *ret = (uint32_t)(pool->first + pool->reserved_low + (uint64_t)(turn - 1) % usable);
        r = ec2_pool_take(txn, pool, *ret);
        if (r != -EADDRINUSE)
            return r;
    }
    return ec2_pool_take_lowest(txn, pool, ret);
}

int
ec2_public_ip_take(struct api_call *call, struct str *ret)
{
    struct ec2_pool pool = ec2_pool_public();
    uint32_t ip;
    int r = public_ip_take(call->txn, &pool, &ip);

    if (r == -ENOSPC)
        return api_fault(call, &EC2_ERR(InsufficientAddressCapacity),
                         "Not enough available addresses to satisfy your request");
    if (r)
        return r;
    assert(ec2_pool_has(&pool, ip) && !ec2_pool_reserves(&pool, ip));
    *ret = ip4_text(call->arena, ip);
    return 0;
}

static int
address_return(struct txn *txn, const struct ec2_pool *pool, struct str text)
{
    uint32_t ip;

    if (!ip4_parse(text, &ip))
        return error_origin(EUCLEAN, "an interface has the address \"%.*s\"", STR_ARG(text));
    return ec2_pool_give(txn, pool, ip);
}

int
ec2_public_ip_return(struct txn *txn, struct str ip)
{
    struct ec2_pool pool = ec2_pool_public();

    return address_return(txn, &pool, ip);
}

int
ec2_private_ip_return(struct txn *txn, struct str subnet_id, struct str ip)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(txn, subnet_id);

    if (!subnet)
        return error_origin(EUCLEAN, "an interface is in the subnet %.*s, which is not there",
                            STR_ARG(subnet_id));
    struct ec2_pool pool = ec2_pool_subnet(subnet);

    return address_return(txn, &pool, ip);
}

/* Groups are asked of all but NAT gateways, which have none. */
static void
interface_ok(const struct ec2_interface_row *row)
{
    bool nat = row->nat_gateway_id.n > 0, service = row->requester.n > 0;

    assert(row->public_ip.n > 0 || !row->address_id.n);
    assert(nat == !row->group_ids.n && row->more_addresses >= 0);
    assert((row->instance_id.n > 0 || nat || service) == (row->attachment_id.n > 0));
    assert(!service || !nat);
    (void)service;
    (void)nat;
}

int
ec2_interface_put(struct txn *txn, const struct ec2_interface_row *row)
{
    interface_ok(row);
    int r = ec2_interface_update(txn, row);

    return r < 0 ? error_origin(-r, "interface %.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ec2_interface_make(struct api_call *call, const struct ec2_interface_want *want,
                   struct ec2_interface_row *ret)
{
    const struct ec2_subnet_row *subnet = want->subnet;
    bool nat = want->nat_gateway_id.n > 0, others = nat || want->requester.n > 0;
    bool attached = others || want->instance_id.n > 0;
    bool elsewhere = others && !want->instance_id.n; /* to no instance of EC2's */
    struct ec2_interface_row row = {
        .id = api_id(call, "eni"),
        .attachment_id = attached ? api_id(call, elsewhere ? "ela-attach" : "eni-attach")
                                  : STR_NONE,
        .account = call->account,
        .region = call->region,
        .vpc_id = subnet->vpc_id,
        .subnet_id = subnet->id,
        .zone = subnet->zone,
        .instance_id = want->instance_id,
        .device_index = want->device_index,
        .interface_type = want->interface_type,
        .nat_gateway_id = want->nat_gateway_id,
        .requester = want->requester,
        .auto_public = want->public_ip,
        .description = want->description,
        .group_ids = want->group_ids,
        .delete_on_termination = want->delete_on_termination,
        .source_dest_check = !nat,
        .status = attached ? S("in-use") : S("available"),
        .attached_ms = attached ? call->now_ms : 0,
        .created_ms = call->now_ms,
        .tags = want->tags,
        .client_token = want->client_token,
        .request_hash = want->request_hash,
    };
    int r = ec2_private_ip_take(call, subnet, want->private_ip, &row.private_ip);

    assert(want->group_ids.n <= EC2_GROUPS_PER_INTERFACE_MAX);
    interface_ok(&row);
    if (!r && want->public_ip)
        r = ec2_public_ip_take(call, &row.public_ip);
    if (!r)
        r = mac_new(call, &row.mac);
    if (r)
        return r;
    assert(ec2_interface_ok(&row));
    r = ec2_interface_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "interface %.*s cannot be written", STR_ARG(row.id));
    *ret = row;
    return ec2_secondaries_make(call, ret, &want->more_ips, want->more_count, NULL);
}

int
ec2_interface_attach(struct api_call *call, const struct ec2_interface_row *row,
                     struct str instance_id, int64_t device_index, struct ec2_interface_row *ret)
{
    assert(!row->instance_id.n && instance_id.n > 0 && device_index >= 0);
    *ret = *row;
    ret->instance_id = instance_id;
    ret->attachment_id = api_id(call, "eni-attach");
    ret->status = S("in-use");
    ret->attached_ms = call->now_ms;
    ret->device_index = device_index;
    ret->delete_on_termination = false;
    return ec2_interface_put(call->txn, ret);
}

int
ec2_interface_detach(struct txn *txn, const struct ec2_interface_row *row)
{
    struct ec2_interface_row new = *row;

    assert(row->instance_id.n > 0);
    new.instance_id = new.attachment_id = S("");
    new.device_index = new.attached_ms = 0;
    new.delete_on_termination = false;
    new.status = S("available");
    return ec2_interface_put(txn, &new);
}

int
ec2_interface_drop_public(struct txn *txn, const struct ec2_interface_row *row)
{
    struct ec2_interface_row new = *row;

    if (!row->public_ip.n || row->address_id.n)
        return 0;
    int r = ec2_public_ip_return(txn, row->public_ip);

    if (r)
        return r;
    new.public_ip = S("");
    return ec2_interface_put(txn, &new);
}

int
ec2_interface_set_public(struct api_call *call, const struct ec2_interface_row *row, bool on,
                         struct str *ret_ip)
{
    struct ec2_interface_row new = *row;
    int r = 0;

    if (on && !row->public_ip.n) {
        r = ec2_public_ip_take(call, &new.public_ip);
        if (!r)
            r = ec2_interface_put(call->txn, &new);
    } else if (!on) {
        r = ec2_interface_drop_public(call->txn, row);
        new.public_ip = row->address_id.n ? row->public_ip : S("");
    }
    if (r)
        return r;
    assert(on == (new.public_ip.n > 0) || new.address_id.n);
    *ret_ip = new.public_ip;
    return 0;
}

/* ---- Elastic IPs ---- */

/*
 * Whether an interface that its Elastic IP has left gets an address of the cloud's own again: when
 * a start would give it one, and it is the only one of an instance that runs.
 */
static bool
regains_public(struct txn *txn, const struct ec2_interface_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->instance_id);
    unsigned n = 0;

    if (!instance || !row->auto_public ||
        (instance->state != EC2_RUNNING && instance->state != EC2_PENDING))
        return false;
    STORE_EACH(txn, ec2_interface_by_instance, other, instance->id)
        n++;
    return n == 1;
}

/* The primary interface's public address is the instance's. */
static int
instance_public_put(struct txn *txn, const struct ec2_interface_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, row->instance_id);

    if (!instance || row->device_index != 0)
        return 0;
    assert(str_eq(instance->interface_id, row->id));
    struct ec2_instance_row new = *instance;

    new.public_ip = row->public_ip;
    assert(ec2_instance_ok(&new));
    int r = ec2_instance_update(txn, &new);

    return r < 0 ? error_origin(-r, "instance %.*s cannot be written", STR_ARG(new.id)) : 0;
}

int
ec2_interface_set_elastic(struct api_call *call, const struct ec2_interface_row *row,
                          const struct ec2_address_row *address)
{
    struct ec2_interface_row new = *row;
    int r = 0;

    assert(!address || str_eq(address->interface_id, row->id));
    assert(address || row->address_id.n > 0);
    if (row->public_ip.n && !row->address_id.n)
        r = ec2_public_ip_return(call->txn, row->public_ip);
    new.public_ip = address ? address->public_ip : S("");
    new.address_id = address ? address->id : S("");
    if (!r && !address && regains_public(call->txn, row))
        r = ec2_public_ip_take(call, &new.public_ip);
    if (!r)
        r = ec2_interface_put(call->txn, &new);
    return r ? r : instance_public_put(call->txn, &new);
}

int
ec2_interface_drop(struct txn *txn, const struct ec2_interface_row *row)
{
    int r = ec2_private_ip_return(txn, row->subnet_id, row->private_ip);

    if (!r)
        r = ec2_secondaries_drop(txn, row);
    if (!r && row->address_id.n)
        r = ec2_address_leave(txn, row->address_id);
    else if (!r && row->public_ip.n)
        r = ec2_public_ip_return(txn, row->public_ip);
    if (r)
        return r;
    r = ec2_interface_delete(txn, row->id);
    return r < 0 ? error_origin(-r, "interface %.*s cannot be deleted", STR_ARG(row->id)) : 0;
}

int
ec2_interfaces_release(struct txn *txn, struct str instance_id)
{
    assert(instance_id.n > 0);
    STORE_EACH(txn, ec2_interface_by_instance, row, instance_id) {
        int r = ec2_interface_drop_public(txn, row);

        if (r)
            return r;
        row = ec2_interface_get(txn, row->id); /* without the cloud's own public address */
        assert(row);
        r = row->delete_on_termination ? ec2_interface_drop(txn, row)
                                       : ec2_interface_detach(txn, row);
        if (r)
            return r;
    }
    return 0;
}

/* ---- looking up and showing ---- */

static const struct ec2_interface_row *
interface_mine(struct api_call *call, struct str id)
{
    const struct ec2_interface_row *row = ec2_interface_get(call->txn, id);

    return row && ec2_mine(call, row->account, row->region) ? row : NULL;
}

int
ec2_interface_find(struct api_call *call, struct str id, const struct ec2_interface_row **ret)
{
    const struct ec2_interface_row *row;
    int r = ec2_id_check(call, id, "eni", &EC2_ERR(InvalidNetworkInterfaceId_Malformed));

    if (r)
        return r;
    row = interface_mine(call, id);
    if (!row)
        return ec2_missing(call, &EC2_ERR(InvalidNetworkInterfaceID_NotFound), "networkInterface",
                           &(struct str_list){&id, 1});
    assert(ec2_interface_ok(row));
    *ret = row;
    return 0;
}

struct str
ec2_requester(const struct api_call *call)
{
    const struct ec2_operator *operator= ec2_operator_find(call->via);

    if (operator)
        return str_from(operator->requester);
    return str_is(call->via, "elasticloadbalancing.amazonaws.com") ? S("amazon-elb") : S("");
}

int
ec2_interface_manage(struct api_call *call, struct str id, const struct ec2_interface_row **ret)
{
    int r = ec2_interface_find(call, id, ret);

    if (!r && (*ret)->requester.n && !str_eq(ec2_requester(call), (*ret)->requester))
        return api_fault(call, &EC2_ERR(AuthFailure),
                         "You do not have permission to access the specified resource.");
    if (r || !(*ret)->nat_gateway_id.n)
        return r;
    return api_fault(call, &EC2_ERR(OperationNotPermitted),
                     "You do not have permission to access the specified resource: the interface "
                     "'%.*s' is managed by the NAT gateway '%.*s'",
                     STR_ARG(id), STR_ARG((*ret)->nat_gateway_id));
}

static struct ec2_NetworkInterfaceAttachment *
attachment_show(struct api_call *call, const struct ec2_interface_row *row)
{
    if (!row->attachment_id.n)
        return NULL;
    struct ec2_NetworkInterfaceAttachment *out =
        ARENA_NEW(call->arena, struct ec2_NetworkInterfaceAttachment);

    out->attach_time = opt_i64(row->attached_ms);
    out->attachment_id = row->attachment_id;
    out->delete_on_termination = opt_bool(row->delete_on_termination);
    out->device_index = opt_i64(row->device_index);
    out->network_card_index = opt_i64(0);
    out->instance_id = row->requester.n ? STR_NONE : ec2_text_show(row->instance_id);
    out->instance_owner_id = row->nat_gateway_id.n ? S("amazon-aws")
                             : row->requester.n    ? row->requester
                                                   : row->account;
    out->status = S("attached");
    return out;
}

/* Of the interface's own address, or of a further one. */
static struct ec2_NetworkInterfaceAssociation *
association_show(struct api_call *call, const struct ec2_interface_row *row, struct str public_ip,
                 struct str address_id)
{
    const struct ec2_vpc_row *vpc = ec2_vpc_get(call->txn, row->vpc_id);

    if (!public_ip.n)
        return NULL;
    struct ec2_NetworkInterfaceAssociation *out =
        ARENA_NEW(call->arena, struct ec2_NetworkInterfaceAssociation);

    const struct ec2_address_row *address =
        address_id.n ? ec2_address_get(call->txn, address_id) : NULL;

    out->ip_owner_id = address ? address->account : S("amazon");
    if (address) {
        out->allocation_id = address->id;
        out->association_id = address->association_id;
    }
    out->public_dns_name = vpc && vpc->dns_hostnames
                               ? ec2_public_dns_name(call->arena, row->region, public_ip)
                               : S("");
    out->public_ip = public_ip;
    return out;
}

struct str
ec2_interface_type_show(const struct ec2_interface_row *row)
{
    return row->interface_type.n ? row->interface_type : S("interface");
}

static void
secondaries_show(struct api_call *call, const struct ec2_interface_row *row,
                 struct ec2_NetworkInterface *out)
{
    STORE_EACH(call->txn, ec2_secondary_address_by_interface, more, row->id)
        *LIST_PUSH(call->arena, &out->private_ip_addresses) =
            (struct ec2_NetworkInterfacePrivateIpAddress){
                .association = association_show(call, row, more->public_ip, more->address_id),
                .primary = opt_bool(false),
                .private_dns_name =
                    ec2_private_dns_name(call->arena, row->region, more->private_ip),
                .private_ip_address = more->private_ip,
            };
}

struct ec2_NetworkInterface
ec2_interface_show(struct api_call *call, const struct ec2_interface_row *row)
{
    const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, row->subnet_id);
    struct ec2_NetworkInterface out = {
        .association = association_show(call, row, row->public_ip, row->address_id),
        .attachment = attachment_show(call, row),
        .availability_zone = row->zone,
        .availability_zone_id = subnet ? subnet->zone_id : STR_NONE,
        .description = row->description,
        .groups = ec2_groups_show(call, &row->group_ids),
        .interface_type = ec2_interface_type_show(row),
        .mac_address = row->mac,
        .network_interface_id = row->id,
        .owner_id = row->account,
        .private_dns_name = ec2_private_dns_name(call->arena, row->region, row->private_ip),
        .private_ip_address = row->private_ip,
        .requester_id = ec2_text_show(row->requester),
        .requester_managed = opt_bool(row->nat_gateway_id.n > 0 || row->requester.n > 0),
        .source_dest_check = opt_bool(row->source_dest_check),
        .status = row->status,
        .subnet_id = row->subnet_id,
        .tag_set = ec2_tags_show(call->arena, &row->tags),
        .vpc_id = row->vpc_id,
        .operator= ARENA_NEW(call->arena, struct ec2_OperatorResponse),
    };

    out.operator->managed = opt_bool(false);
    struct ec2_NetworkInterfacePrivateIpAddress *address =
        LIST_PUSH(call->arena, &out.private_ip_addresses);

    address->association = out.association;
    address->primary = opt_bool(true);
    address->private_dns_name = out.private_dns_name;
    address->private_ip_address = row->private_ip;
    if (out.association)
        out.public_dns_name = out.association->public_dns_name;
    if (row->more_addresses)
        secondaries_show(call, row, &out);
    API_PRESENT(&out.groups);
    API_PRESENT(&out.ipv6_addresses);
    API_PRESENT(&out.tag_set);
    return out;
}

/* ---- DescribeNetworkInterfaces ---- */

static const struct api_filter interface_filters[] = {
    {"addresses.association.owner-id", "PrivateIpAddresses.Association.IpOwnerId"},
    {"addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"},
    {"addresses.primary", "PrivateIpAddresses.Primary"},
    {"addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"},
    {"association.allocation-id", "Association.AllocationId"},
    {"association.association-id", "Association.AssociationId"},
    {"association.ip-owner-id", "Association.IpOwnerId"},
    {"association.public-dns-name", "Association.PublicDnsName"},
    {"association.public-ip", "Association.PublicIp"},
    {"attachment.attach-time", "Attachment.AttachTime"},
    {"attachment.attachment-id", "Attachment.AttachmentId"},
    {"attachment.delete-on-termination", "Attachment.DeleteOnTermination"},
    {"attachment.device-index", "Attachment.DeviceIndex"},
    {"attachment.instance-id", "Attachment.InstanceId"},
    {"attachment.instance-owner-id", "Attachment.InstanceOwnerId"},
    {"attachment.status", "Attachment.Status"},
    {"availability-zone", "AvailabilityZone"},
    {"availability-zone-id", "AvailabilityZoneId"},
    {"description", "Description"},
    {"group-id", "Groups.GroupId"},
    {"group-name", "Groups.GroupName"},
    {"interface-type", "InterfaceType"},
    {"ipv6-addresses.ipv6-address", "Ipv6Addresses.Ipv6Address"},
    {"mac-address", "MacAddress"},
    {"network-interface-id", "NetworkInterfaceId"},
    {"operator.managed", "Operator.Managed"},
    {"operator.principal", "Operator.Principal"},
    {"owner-id", "OwnerId"},
    {"private-dns-name", "PrivateDnsName"},
    {"private-ip-address", "PrivateIpAddresses.PrivateIpAddress"},
    {"requester-id", "RequesterId"},
    {"requester-managed", "RequesterManaged"},
    {"source-dest-check", "SourceDestCheck"},
    {"status", "Status"},
    {"subnet-id", "SubnetId"},
    {"tag", API_FILTER_TAGS},
    {"vpc-id", "VpcId"},
};
static const struct api_filter_table interface_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_NetworkInterface, interface_filters);

static void
describe_one(struct api_call *call, struct ec2_listing *listing,
             const struct ec2_interface_row *row, struct ec2_NetworkInterfaceList *out)
{
    struct ec2_NetworkInterface shown = ec2_interface_show(call, row);

    if (ec2_listing_has(call, listing, &shown, row->created_ms, row->id))
        *LIST_PUSH(call->arena, out) = shown;
}

/* The ids that were asked for; there are no pages then, so their order is free. */
static int
describe_ids(struct api_call *call, struct ec2_listing *listing, const struct str_list *ids,
             struct ec2_NetworkInterfaceList *out)
{
    struct str_list missing = {0};

    LIST_EACH(ids, id) {
        int r = ec2_id_check(call, *id, "eni", &EC2_ERR(InvalidNetworkInterfaceId_Malformed));

        if (r)
            return r;
        if (!interface_mine(call, *id))
            *LIST_PUSH(call->arena, &missing) = *id;
    }
    if (missing.n)
        return ec2_missing(call, &EC2_ERR(InvalidNetworkInterfaceID_NotFound), "networkInterface",
                           &missing);
    for (size_t i = 0; i < ids->n; i++)
        if (!str_in(&(struct str_list){ids->v, i}, ids->v[i])) /* named twice, shown once */
            describe_one(call, listing, interface_mine(call, ids->v[i]), out);
    return 0;
}

int
ec2_describe_network_interfaces(struct api_call *call,
                                const struct ec2_DescribeNetworkInterfacesRequest *req,
                                struct ec2_DescribeNetworkInterfacesResult *res)
{
    static const struct api_page_rule rule = API_PAGE_EC2("networkInterfaceIdSet");
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &interface_table, &req->filters, &rule, req->next_token,
                             req->max_results, req->network_interface_ids.n > 0, &listing);

    if (!r && req->network_interface_ids.n)
        r = describe_ids(call, &listing, &req->network_interface_ids, &res->network_interfaces);
    if (r)
        return r;
    if (!req->network_interface_ids.n)
        STORE_EACH(call->txn, ec2_interface_by_owner, row, call->account, call->region) {
            if (listing.page.more)
                break;
            describe_one(call, &listing, row, &res->network_interfaces);
        }
    API_PRESENT(&res->network_interfaces);
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- attributes ---- */

int
ec2_describe_network_interface_attribute(
    struct api_call *call, const struct ec2_DescribeNetworkInterfaceAttributeRequest *req,
    struct ec2_DescribeNetworkInterfaceAttributeResult *res)
{
    const struct ec2_interface_row *row;
    int r = ec2_interface_find(call, req->network_interface_id, &row);

    if (r)
        return r;
    if (str_is(req->attribute, "description")) {
        res->description = ARENA_NEW(call->arena, struct ec2_AttributeValue);
        res->description->value = row->description; /* also when it is empty */
    } else if (str_is(req->attribute, "groupSet")) {
        res->groups = ec2_groups_show(call, &row->group_ids);
    } else if (str_is(req->attribute, "sourceDestCheck")) {
        res->source_dest_check = ec2_flag_show(call->arena, row->source_dest_check);
    } else if (str_is(req->attribute, "attachment")) {
        res->attachment = attachment_show(call, row);
    } else if (str_is(req->attribute, "associatePublicIpAddress")) {
        res->associate_public_ip_address = opt_bool(row->auto_public);
    } else if (!req->attribute.p) {
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter attribute");
    } else {
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter attribute is invalid. Unknown attribute.",
                         STR_ARG(req->attribute));
    }
    res->network_interface_id = row->id;
    return 0;
}

/* What ModifyNetworkInterfaceAttribute was asked for and Welkin does not have, or NULL. */
static const char *
modify_unsupported(const struct ec2_ModifyNetworkInterfaceAttributeRequest *req)
{
    return req->ena_srd_specification               ? "EnaSrdSpecification"
           : req->enable_primary_ipv6.set           ? "EnablePrimaryIpv6"
           : req->connection_tracking_specification ? "ConnectionTrackingSpecification"
           : req->associate_public_ip_address.set   ? "AssociatePublicIpAddress"
           : req->associated_subnet_ids.n           ? "AssociatedSubnetIds"
           : req->attachment && req->attachment->default_ena_queue_count.set
               ? "Attachment.DefaultEnaQueueCount"
           : req->attachment && req->attachment->ena_queue_count.set ? "Attachment.EnaQueueCount"
                                                                     : NULL;
}

static int
modify_attachment(struct api_call *call, struct ec2_interface_row *new,
                  const struct ec2_NetworkInterfaceAttachmentChanges *changes)
{
    if (!changes->attachment_id.p)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter attachment.attachmentId");
    if (!new->attachment_id.n || !str_eq(changes->attachment_id, new->attachment_id))
        return api_fault(call, &EC2_ERR(InvalidAttachmentID_NotFound),
                         "The network interface attachment ID '%.*s' does not exist",
                         STR_ARG(changes->attachment_id));
    if (!changes->delete_on_termination.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter attachment.deleteOnTermination");
    assert(new->instance_id.n > 0);
    new->delete_on_termination = changes->delete_on_termination.v;
    return 0;
}

/* The primary interface's flag is the instance's too: DescribeInstances shows both. */
static int
source_dest_check_put(struct api_call *call, const struct ec2_interface_row *row)
{
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, row->instance_id);

    if (!instance || row->device_index != 0)
        return 0;
    assert(str_eq(instance->interface_id, row->id));
    struct ec2_instance_row new = *instance;

    new.source_dest_check = row->source_dest_check;
    assert(ec2_instance_ok(&new));
    int r = ec2_instance_update(call->txn, &new);

    return r < 0 ? error_origin(-r, "instance %.*s cannot be written", STR_ARG(new.id)) : 0;
}

static int
modify(struct api_call *call, struct ec2_interface_row *new,
       const struct ec2_ModifyNetworkInterfaceAttributeRequest *req)
{
    if (req->description) {
        new->description = req->description->value;
        return 0;
    }
    if (req->groups.n)
        return ec2_groups_resolve(call, new->vpc_id, &req->groups, &(struct str_list){0},
                                  &new->group_ids);
    if (req->attachment)
        return modify_attachment(call, new, req->attachment);

    assert(req->source_dest_check);
    if (!req->source_dest_check->value.set)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter sourceDestCheck.value");
    new->source_dest_check = req->source_dest_check->value.v;
    return source_dest_check_put(call, new);
}

int
ec2_modify_network_interface_attribute(struct api_call *call,
                                       const struct ec2_ModifyNetworkInterfaceAttributeRequest *req,
                                       struct ec2_ModifyNetworkInterfaceAttributeResult *res UNUSED)
{
    const char *unsupported = modify_unsupported(req);
    const struct ec2_interface_row *row;
    struct ec2_interface_row new;
    unsigned n =
        !!req->description + !!req->groups.n + !!req->attachment + !!req->source_dest_check;
    int r = ec2_interface_manage(call, req->network_interface_id, &row);

    if (r)
        return r;
    /* Of those that a service has: an account's own get one when their instance starts. */
    if (row->requester.n && req->associate_public_ip_address.set)
        return ec2_interface_set_public(call, row, req->associate_public_ip_address.v,
                                        &(struct str){0});
    if (unsupported)
        return ec2_unsupported(call, unsupported);
    if (n == 0)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination), "No attributes specified.");
    if (n > 1)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Fields for multiple attribute types specified: %s%s%s%s",
                         req->description ? "description " : "", req->groups.n ? "groupSet " : "",
                         req->attachment ? "attachment " : "",
                         req->source_dest_check ? "sourceDestCheck " : "");
    new = *row;
    r = modify(call, &new, req);
    return r ? r : ec2_interface_put(call->txn, &new);
}

int
ec2_reset_network_interface_attribute(struct api_call *call,
                                      const struct ec2_ResetNetworkInterfaceAttributeRequest *req,
                                      struct ec2_ResetNetworkInterfaceAttributeResult *res UNUSED)
{
    const struct ec2_interface_row *row;
    struct ec2_interface_row new;
    int r = ec2_interface_manage(call, req->network_interface_id, &row);

    if (r)
        return r;
    if (!req->source_dest_check.p)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination), "No attributes specified.");
    if (!str_is(req->source_dest_check, "sourceDestCheck") &&
        !str_is(req->source_dest_check, "true"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter sourceDestCheck is invalid.",
                         STR_ARG(req->source_dest_check));
    new = *row;
    new.source_dest_check = true;
    r = source_dest_check_put(call, &new);
    return r ? r : ec2_interface_put(call->txn, &new);
}

/* The interface that an instance's own attributes are about. */
int
ec2_interface_only(struct api_call *call, const struct ec2_instance_row *instance,
               const struct ec2_interface_row **ret)
{
    const struct ec2_interface_row *only = NULL;
    unsigned n = 0;

    STORE_EACH(call->txn, ec2_interface_by_instance, row, instance->id) {
        only = row;
        n++;
    }
    if (n == 0)
        return api_fault(call, &EC2_ERR(IncorrectInstanceState),
                         "The instance '%.*s' has no network interface", STR_ARG(instance->id));
    if (n > 1)
        return api_fault(call, &EC2_ERR(InvalidInstanceID),
                         "There are multiple interfaces attached to instance '%.*s'. Please "
                         "specify an interface ID for the operation instead.",
                         STR_ARG(instance->id));
    assert(str_eq(only->account, instance->account) && only->attachment_id.n > 0);
    *ret = only;
    return 0;
}

int
ec2_interface_set_groups(struct api_call *call, const struct ec2_instance_row *instance,
                         const struct str_list *group_ids)
{
    const struct ec2_interface_row *row;
    struct ec2_interface_row new;
    int r = ec2_interface_only(call, instance, &row);

    if (r)
        return r;
    new = *row;
    r = ec2_groups_resolve(call, row->vpc_id, group_ids, &(struct str_list){0}, &new.group_ids);
    return r ? r : ec2_interface_put(call->txn, &new);
}

int
ec2_interface_set_source_dest_check(struct api_call *call, const struct ec2_instance_row *instance,
                                    bool on)
{
    const struct ec2_interface_row *row;
    struct ec2_interface_row new;
    int r = ec2_interface_only(call, instance, &row);

    if (r)
        return r;
    new = *row;
    new.source_dest_check = on;
    return ec2_interface_put(call->txn, &new);
}
