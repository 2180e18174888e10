/*
 * Secondary private addresses of network interfaces: a row each, beside the address that the
 * interface's own row has.
 *
 * Which addresses are taken is known by the subnet's pool, as of all others.  An address that moves
 * from one interface to another of the subnet stays taken meanwhile, and takes its Elastic IP
 * along: how an address fails over to a standby.
 */
#include "ec2/instance.h"

enum {
    ADDRESSES_MAX = 50, /* of an interface, whatever the type: what the largest types have */
};

/* ---- rows ---- */

static struct str
key_of(struct arena *arena, struct str interface_id, struct str ip)
{
    assert(interface_id.n > 0 && ip.n > 0);
    return str_fmt(arena, "%.*s/%.*s", STR_ARG(interface_id), STR_ARG(ip));
}

static int
put(struct txn *txn, const struct ec2_secondary_address_row *row)
{
    assert((row->public_ip.n > 0) == (row->address_id.n > 0));
    int r = ec2_secondary_address_update(txn, row);

    return r < 0 ? error_origin(-r, "address %.*s cannot be written", STR_ARG(row->id)) : 0;
}

const struct ec2_secondary_address_row *
ec2_secondary_of(struct txn *txn, const struct ec2_interface_row *row, struct str ip)
{
    const struct ec2_secondary_address_row *more =
        ec2_secondary_address_by_address_get(txn, row->vpc_id, ip);

    assert(row->vpc_id.n > 0);
    return more && str_eq(more->interface_id, row->id) ? more : NULL;
}

int
ec2_secondary_set_elastic(struct txn *txn, const struct ec2_secondary_address_row *row,
                          const struct ec2_address_row *address)
{
    struct ec2_secondary_address_row new = *row;

    new.public_ip = address ? address->public_ip : S("");
    new.address_id = address ? address->id : S("");
    return put(txn, &new);
}

static int
insert(struct api_call *call, struct ec2_interface_row *row, struct ec2_secondary_address_row *new)
{
    assert(new->private_ip.n > 0 && row->vpc_id.n > 0);
    new->id = key_of(call->arena, row->id, new->private_ip);
    new->interface_id = row->id;
    new->vpc_id = row->vpc_id;
    int r = ec2_number(call->txn, "secondary-address", &new->serial);

    if (r)
        return r;
    row->more_addresses++;
    r = ec2_secondary_address_insert(call->txn, new);
    return r < 0 ? error_origin(-r, "address %.*s cannot be written", STR_ARG(new->id)) : 0;
}

int
ec2_secondaries_drop(struct txn *txn, const struct ec2_interface_row *row)
{
    STORE_EACH(txn, ec2_secondary_address_by_interface, more, row->id) {
        int r = ec2_private_ip_return(txn, row->subnet_id, more->private_ip);

        if (!r && more->address_id.n)
            r = ec2_address_leave(txn, more->address_id);
        if (r)
            return r;
        r = ec2_secondary_address_delete(txn, more->id);
        if (r < 0)
            return error_origin(-r, "address %.*s cannot be deleted", STR_ARG(more->id));
    }
    return 0;
}

/* ---- how many ---- */

int
ec2_address_count_check(struct api_call *call, struct str type_name, int64_t n)
{
    const struct ec2_type *type = ec2_type_find(type_name);
    int64_t max = type ? type->addresses_per_interface : ADDRESSES_MAX;

    assert(max > 0);
    return n <= max ? 0
                    : api_fault(call, &EC2_ERR(PrivateIpAddressLimitExceeded),
                                "Number of private addresses will exceed limit.");
}

static int
limit_check(struct api_call *call, const struct ec2_interface_row *row, int64_t more)
{
    const struct ec2_instance_row *instance = ec2_instance_get(call->txn, row->instance_id);

    return ec2_address_count_check(call, instance ? instance->type : STR_NONE,
                                   1 + row->more_addresses + more);
}

int
ec2_secondaries_make(struct api_call *call, struct ec2_interface_row *row,
                     const struct str_list *ips, int64_t count, struct str_list *ret)
{
    int64_t n = (int64_t)ips->n + count;

    assert(count >= 0);
    if (!n)
        return 0; /* nearly always: launches come by here */
    const struct ec2_subnet_row *subnet = ec2_subnet_get(call->txn, row->subnet_id);
    int r = limit_check(call, row, n);

    assert(subnet);
    for (int64_t i = 0; i < n && !r; i++) {
        struct ec2_secondary_address_row new = {0};
        struct str want = (size_t)i < ips->n ? ips->v[i] : STR_NONE;

        r = ec2_private_ip_take(call, subnet, want, &new.private_ip);
        if (!r)
            r = insert(call, row, &new);
        if (!r && ret)
            *LIST_PUSH(call->arena, ret) = new.private_ip;
    }
    return r ? r : ec2_interface_put(call->txn, row);
}

int
ec2_addresses_of(struct api_call *call, struct str primary,
                 const struct ec2_PrivateIpAddressSpecificationList *list, struct opt_i64 count,
                 struct str *ret_primary, struct str_list *ret_more)
{
    *ret_primary = primary;
    if (count.set && (count.v < 0 || count.v > ADDRESSES_MAX))
        return api_fault(call, &EC2_ERR(PrivateIpAddressLimitExceeded),
                         "Number of private addresses will exceed limit.");
    LIST_EACH(list, p) {
        bool first = p->primary.set ? p->primary.v : list->n == 1 && !primary.n;

        if (!p->private_ip_address.n)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "The request must contain the parameter privateIpAddress");
        if (!first) {
            *LIST_PUSH(call->arena, ret_more) = p->private_ip_address;
            continue;
        }
        if (ret_primary->n && !str_eq(*ret_primary, p->private_ip_address))
            return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                             "Only one primary private IP address can be specified.");
        *ret_primary = p->private_ip_address;
    }
    if (ret_more->n && opt_i64_or(count, 0))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You may specify secondary private IP addresses or how many of them, but "
                         "not both in the same call");
    return 0;
}

/* ---- AssignPrivateIpAddresses ---- */

/* Whether the address, which somebody else has, may come: only a secondary one of the subnet. */
static int
move_check(struct api_call *call, const struct ec2_interface_row *row, bool allowed, struct str ip)
{
    const struct ec2_secondary_address_row *more =
        ec2_secondary_address_by_address_get(call->txn, row->vpc_id, ip);
    const struct ec2_interface_row *from =
        more ? ec2_interface_get(call->txn, more->interface_id) : NULL;

    if (ec2_interface_by_address_get(call->txn, row->vpc_id, ip))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Address %.*s is the primary address of a network interface.",
                         STR_ARG(ip));
    if (!from)
        return 0;
    if (!allowed || !str_eq(from->subnet_id, row->subnet_id) ||
        !ec2_mine(call, from->account, from->region))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "[%.*s] assigned, but move is not allowed.", STR_ARG(ip));
    return 0;
}

/* Takes a secondary address from the interface that has it, with its Elastic IP. */
static int
move_here(struct api_call *call, struct ec2_interface_row *row,
          const struct ec2_secondary_address_row *more)
{
    const struct ec2_interface_row *from = ec2_interface_get(call->txn, more->interface_id);
    struct ec2_secondary_address_row new = *more;
    struct ec2_interface_row left = *from;

    assert(from->more_addresses > 0 && !str_eq(from->id, row->id));
    left.more_addresses--;
    int r = ec2_secondary_address_delete(call->txn, more->id);

    if (r < 0)
        return error_origin(-r, "address %.*s cannot be deleted", STR_ARG(more->id));
    r = ec2_interface_put(call->txn, &left);
    if (!r)
        r = insert(call, row, &new);
    return r || !new.address_id.n ? r : ec2_address_follow(call->txn, new.address_id, row->id);
}

/* One of the addresses that the call names.  What the interface has already it keeps. */
static int
assign_this(struct api_call *call, struct ec2_interface_row *row, struct str ip,
            struct str_list *done)
{
    const struct ec2_secondary_address_row *more =
        ec2_secondary_address_by_address_get(call->txn, row->vpc_id, ip);
    int r = 0;

    if (more && !str_eq(more->interface_id, row->id))
        r = move_here(call, row, more);
    else if (!more)
        return ec2_secondaries_make(call, row, &(struct str_list){&ip, 1}, 0, done);
    if (!r)
        *LIST_PUSH(call->arena, done) = ip;
    return r ? r : ec2_interface_put(call->txn, row);
}

static int
assign_check(struct api_call *call, const struct ec2_AssignPrivateIpAddressesRequest *req,
             const struct ec2_interface_row *row)
{
    int64_t count = opt_i64_or(req->secondary_private_ip_address_count, 0), new = count;

    if (req->ipv4_prefixes.n || opt_i64_or(req->ipv4_prefix_count, 0))
        return ec2_unsupported_parameter(call, "Ipv4Prefix");
    if ((req->private_ip_addresses.n > 0) == req->secondary_private_ip_address_count.set)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Either the secondary private IP addresses or how many of them must be "
                         "specified, and not both");
    if (count < 0 || (req->secondary_private_ip_address_count.set && !count))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter secondaryPrivateIpAddressCount is invalid.",
                         (long long)count);
    LIST_EACH(&req->private_ip_addresses, ip) {
        int r = ec2_secondary_of(call->txn, row, *ip)
                    ? 0
                    : move_check(call, row, opt_bool_or(req->allow_reassignment, false), *ip);

        if (r)
            return r;
        new += !ec2_secondary_of(call->txn, row, *ip);
    }
    return limit_check(call, row, new);
}

int
ec2_assign_private_ip_addresses(struct api_call *call,
                                const struct ec2_AssignPrivateIpAddressesRequest *req,
                                struct ec2_AssignPrivateIpAddressesResult *res)
{
    const struct ec2_interface_row *row;
    struct str_list done = {0};
    struct ec2_interface_row new;
    int r = ec2_interface_manage(call, req->network_interface_id, &row);

    if (!r)
        r = assign_check(call, req, row);
    if (r)
        return r;
    new = *row;
    for (size_t i = 0; i < req->private_ip_addresses.n && !r; i++)
        r = assign_this(call, &new, req->private_ip_addresses.v[i], &done);
    if (!r)
        r = ec2_secondaries_make(call, &new, &(struct str_list){0},
                                 opt_i64_or(req->secondary_private_ip_address_count, 0), &done);
    LIST_EACH(&done, ip)
        *LIST_PUSH(call->arena, &res->assigned_private_ip_addresses) =
            (struct ec2_AssignedPrivateIpAddress){.private_ip_address = *ip};
    res->network_interface_id = new.id;
    return r;
}

/* ---- UnassignPrivateIpAddresses ---- */

static int
unassign(struct api_call *call, struct ec2_interface_row *row,
         const struct ec2_secondary_address_row *more)
{
    int r = ec2_private_ip_return(call->txn, row->subnet_id, more->private_ip);

    if (!r && more->address_id.n)
        r = ec2_address_leave(call->txn, more->address_id);
    if (r)
        return r;
    assert(row->more_addresses > 0);
    row->more_addresses--;
    r = ec2_secondary_address_delete(call->txn, more->id);
    return r < 0 ? error_origin(-r, "address %.*s cannot be deleted", STR_ARG(more->id)) : 0;
}

int
ec2_unassign_private_ip_addresses(struct api_call *call,
                                  const struct ec2_UnassignPrivateIpAddressesRequest *req,
                                  struct ec2_UnassignPrivateIpAddressesResult *res UNUSED)
{
    const struct ec2_interface_row *row;
    struct ec2_interface_row new;
    int r = ec2_interface_manage(call, req->network_interface_id, &row);

    if (r)
        return r;
    if (req->ipv4_prefixes.n)
        return ec2_unsupported_parameter(call, "Ipv4Prefix");
    if (!req->private_ip_addresses.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter privateIpAddress");
    new = *row;
    for (size_t i = 0; i < req->private_ip_addresses.n && !r; i++) {
        const struct ec2_secondary_address_row *more =
            ec2_secondary_of(call->txn, row, req->private_ip_addresses.v[i]);

        r = more ? unassign(call, &new, more)
                 : api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Some of the specified addresses are not assigned to interface %.*s",
                             STR_ARG(new.id));
    }
    return r ? r : ec2_interface_put(call->txn, &new);
}
