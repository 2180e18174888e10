/*
 * The network of what RunInstances makes: its subnet and its interfaces.
 *
 * A request names either what its one interface shall be like, by members of its own, or a list of
 * interfaces; both become the same list here.  Members that are not carried out are refused by
 * name, as in instance_check.c.
 */
#include "ec2/instance.h"

#include <stdlib.h>

#define CARDS_MAX 1 /* network cards */

typedef struct ec2_InstanceNetworkInterfaceSpecification spec_t;

/* ---- what is not implemented ---- */

static bool
positive(struct opt_i64 n)
{
    return opt_i64_or(n, 0) != 0;
}

static int
refuse(struct api_call *call, const spec_t *i)
{
    const char *name = positive(i->ipv6_address_count) ? "Ipv6AddressCount"
                       : i->ipv6_addresses.n           ? "Ipv6Addresses"
                       : opt_bool_or(i->associate_carrier_ip_address, false)
                           ? "AssociateCarrierIpAddress"
                       : str_is(i->interface_type, "efa-only") ? "InterfaceType (efa-only)"
                       : opt_i64_or(i->network_card_index, 0) >= CARDS_MAX ? "NetworkCardIndex"
                       : i->ipv4_prefixes.n                                ? "Ipv4Prefix"
                       : positive(i->ipv4_prefix_count)                    ? "Ipv4PrefixCount"
                       : i->ipv6_prefixes.n                                ? "Ipv6Prefix"
                       : positive(i->ipv6_prefix_count)                    ? "Ipv6PrefixCount"
                       : opt_bool_or(i->primary_ipv6, false)               ? "PrimaryIpv6"
                       : i->ena_srd_specification                          ? "EnaSrdSpecification"
                       : i->connection_tracking_specification ? "ConnectionTrackingSpecification"
                       : i->ena_queue_count.set               ? "EnaQueueCount"
                                                              : NULL;

    if (!name)
        return 0;
    return ec2_unsupported_parameter(
        call, str_cstr(call->arena, str_fmt(call->arena, "NetworkInterface.%s", name)));
}

int
ec2_nics_refuse(struct api_call *call, const struct ec2_RunInstancesRequest *req)
{
    int r = 0;

    LIST_EACH(&req->network_interfaces, nic)
        if (!r)
            r = refuse(call, nic);
    return r;
}

/* ---- the subnet ---- */

static int
subnet_check(struct api_call *call, struct str subnet_id, const struct ec2_Placement *placement,
             struct ec2_launch *l)
{
    struct str zone;
    int r = ec2_zone_check(call, placement, &zone);
    bool free = !zone.n && !subnet_id.n;

    if (r == 0 && free)
        zone = ec2_launch_zone(call, l);
    if (r == 0)
        r = subnet_id.n ? ec2_subnet_find(call, subnet_id, &l->subnet)
                        : ec2_subnet_default(call, zone, &l->subnet);
    if (r)
        return r;
    if (zone.n && !str_eq(zone, l->subnet->zone))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter availabilityZone is invalid. Subnet '%.*s' "
                         "is in the availability zone %.*s",
                         STR_ARG(zone), STR_ARG(l->subnet->id), STR_ARG(l->subnet->zone));
    if (!ec2_type_offered(l->type, l->subnet->zone))
        return api_fault(call, &EC2_ERR(Unsupported),
                         "Your requested instance type (%.*s) is not supported in your requested "
                         "Availability Zone (%.*s). Please retry your request by not specifying "
                         "an Availability Zone or choosing another one.",
                         STR_ARG(l->type->name), STR_ARG(l->subnet->zone));
    l->vpc = ec2_vpc_get(call->txn, l->subnet->vpc_id);
    assert(l->vpc);
    l->model.vpc_id = l->vpc->id;
    l->model.vpc_number = l->vpc->number;
    l->model.subnet_id = l->subnet->id;
    l->model.zone = l->subnet->zone;
    /* a VPC may ask for more than its instances do */
    if (str_is(l->vpc->tenancy, "dedicated") && str_is(l->model.tenancy, "default"))
        l->model.tenancy = l->vpc->tenancy;
    return 0;
}

/* The subnet of a further interface: of the same zone, and of the same VPC. */
static int
further_subnet_check(struct api_call *call, struct str subnet_id, const struct ec2_launch *l,
                     const struct ec2_subnet_row **ret)
{
    int r = 0;

    assert(l->subnet && l->vpc);
    *ret = l->subnet;
    if (subnet_id.n)
        r = ec2_subnet_find(call, subnet_id, ret);
    if (r)
        return r;
    if (!str_eq((*ret)->zone, l->subnet->zone))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You may not attach a network interface to an instance if they are not in "
                         "the same availability zone");
    return str_eq((*ret)->vpc_id, l->vpc->id)
               ? 0
               : ec2_unsupported(call, "An interface of another VPC than the instance's");
}

/* ---- members that do not go together ---- */

static int
clash(struct api_call *call, const char *what)
{
    return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                     "Network interfaces and an instance-level %s may not be specified on the same "
                     "request",
                     what);
}

/* Members that must not stand beside NetworkInterfaces, which has them itself. */
static int
clashes_check(struct api_call *call, const struct ec2_RunInstancesRequest *req)
{
    if (req->subnet_id.n)
        return clash(call, "subnet ID");
    if (req->security_group_ids.n || req->security_groups.n)
        return clash(call, "security groups");
    if (req->private_ip_address.n)
        return clash(call, "private IP address");
    return 0;
}

static int
by_device_index(const void *a, const void *b)
{
    const spec_t *const *x = a, *const *y = b;

    return ((*x)->device_index.v > (*y)->device_index.v) -
           ((*x)->device_index.v < (*y)->device_index.v);
}

/* In the order of their indexes, which are all different and begin with 0. */
static int
in_order(struct api_call *call, const struct ec2_RunInstancesRequest *req,
         const struct ec2_launch *l, const spec_t ***ret)
{
    size_t n = req->network_interfaces.n;
    const spec_t **all = ARENA_ARRAY(call->arena, const spec_t *, n);

    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        all[i] = &req->network_interfaces.v[i];
        if (!all[i]->device_index.set)
            return api_fault(call, &EC2_ERR(MissingParameter),
                             "The request must contain the parameter "
                             "NetworkInterface.%zu.DeviceIndex",
                             i + 1);
    }
    qsort(all, n, sizeof(spec_t *), by_device_index);
    if (all[0]->device_index.v != 0)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The network interface with device index 0 must be specified");
    for (size_t i = 1; i < n; i++)
        if (all[i]->device_index.v == all[i - 1]->device_index.v)
            return api_fault(call, &EC2_ERR(InvalidParameterValue),
                             "Each network interface requires a unique device index.");
    *ret = all;
    return ec2_interface_slot_check(call, l->type, (int64_t)n, all[n - 1]->device_index.v);
}

/* ---- an interface ---- */

static int
type_check(struct api_call *call, struct str type, struct ec2_launch_nic *nic)
{
    if (str_is(type, "efa"))
        nic->type = type;
    else if (type.n && !str_is(type, "interface"))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter interfaceType is invalid. Valid values: "
                         "interface, efa, efa-only",
                         STR_ARG(type));
    return 0;
}

/* An interface that is there has all that could be said of a new one. */
static int
existing_check(struct api_call *call, const spec_t *i, const struct ec2_launch *l,
               struct ec2_launch_nic *nic)
{
    const char *what =
        i->subnet_id.p                                         ? "a subnet ID"
        : i->groups.n                                          ? "security groups"
        : i->private_ip_address.p || i->private_ip_addresses.n ? "a private IP address"
        : positive(i->secondary_private_ip_address_count) ? "a secondary private IP address count"
        : i->associate_public_ip_address.set              ? "a public IP address"
        : i->description.p                                ? "a description"
        : i->interface_type.p                             ? "an interface type"
        : opt_bool_or(i->delete_on_termination, false)    ? "delete on termination as true"
                                                          : NULL;

    assert(i->network_interface_id.p && !nic->existing);
    if (what)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A network interface may not specify a network interface ID and %s", what);
    if (l->max > 1)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A network interface ID may not be specified when more than one instance "
                         "is launched");
    int r = ec2_interface_manage(call, i->network_interface_id, &nic->existing);

    if (r)
        return r;
    if (nic->existing->attachment_id.n)
        return api_fault(call, &EC2_ERR(InvalidNetworkInterface_InUse), "Interface: [%.*s] in use.",
                         STR_ARG(nic->existing->id));
    for (size_t j = 0; j < l->nics.n; j++)
        if (l->nics.v[j].existing && str_eq(l->nics.v[j].existing->id, nic->existing->id))
            return api_fault(call, &EC2_ERR(InvalidNetworkInterface_InUse),
                             "Interface: [%.*s] in use.", STR_ARG(nic->existing->id));
    nic->group_ids = nic->existing->group_ids;
    nic->type = nic->existing->interface_type;
    return ec2_address_count_check(call, l->type->name, 1 + nic->existing->more_addresses);
}

static int
addresses_check(struct api_call *call, const spec_t *i, struct str private_ip,
                const struct ec2_launch *l, struct ec2_launch_nic *nic)
{
    int r =
        ec2_addresses_of(call, private_ip, &i->private_ip_addresses,
                         i->secondary_private_ip_address_count, &nic->private_ip, &nic->more_ips);

    assert(l->type && l->max >= 1);
    if (r)
        return r;
    nic->more_count = opt_i64_or(i->secondary_private_ip_address_count, 0);
    if ((nic->private_ip.n || nic->more_ips.n) && l->max > 1)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A private IP address may not be specified when more than one instance "
                         "is launched");
    return ec2_address_count_check(call, l->type->name,
                                   1 + (int64_t)nic->more_ips.n + nic->more_count);
}

/* One that is to be made, in nic->subnet. */
static int
made_check(struct api_call *call, const spec_t *i, struct str private_ip,
           const struct ec2_launch *l, bool only, struct ec2_launch_nic *nic)
{
    bool want_public = opt_bool_or(i->associate_public_ip_address, false);
    int r = type_check(call, i->interface_type, nic);

    assert(nic->subnet);
    if (!r)
        r = addresses_check(call, i, private_ip, l, nic);
    if (r)
        return r;
    if (want_public && !only)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The associatePublicIPAddress parameter cannot be specified when "
                         "launching with multiple network interfaces.");
    nic->public_ip =
        only && opt_bool_or(i->associate_public_ip_address, nic->subnet->map_public_ip);
    nic->delete_on_termination = opt_bool_or(i->delete_on_termination, true);
    nic->description = i->description.p ? i->description : S("");
    return 0;
}

static int
listed(struct api_call *call, const spec_t *i, const struct ec2_Placement *placement, bool only,
       struct ec2_launch *l)
{
    struct ec2_launch_nic nic = {.device_index = i->device_index.v};
    int r = i->network_interface_id.p ? existing_check(call, i, l, &nic) : 0;

    if (r)
        return r;
    struct str subnet_id = nic.existing ? nic.existing->subnet_id : i->subnet_id;

    r = nic.device_index == 0 ? subnet_check(call, subnet_id, placement, l)
                              : further_subnet_check(call, subnet_id, l, &nic.subnet);
    if (nic.device_index == 0)
        nic.subnet = l->subnet;
    if (!r && !nic.existing)
        r = ec2_groups_resolve(call, l->vpc->id, &i->groups, &(struct str_list){0}, &nic.group_ids);
    if (!r && !nic.existing)
        r = made_check(call, i, i->private_ip_address, l, only, &nic);
    assert(r || nic.subnet);
    *LIST_PUSH(call->arena, &l->nics) = nic;
    return r;
}

/* The one interface of a request that lists none. */
static int
implied(struct api_call *call, const struct ec2_RunInstancesRequest *req, struct ec2_launch *l)
{
    static const spec_t none;
    struct ec2_launch_nic nic = {0};
    int r = subnet_check(call, req->subnet_id, req->placement, l);

    assert(l->nics.n == 0);
    if (!r)
        r = ec2_groups_resolve(call, l->vpc->id, &req->security_group_ids, &req->security_groups,
                               &nic.group_ids);
    nic.subnet = l->subnet;
    if (!r)
        r = made_check(call, &none, req->private_ip_address, l, true, &nic);
    *LIST_PUSH(call->arena, &l->nics) = nic;
    return r;
}

int
ec2_launch_network(struct api_call *call, const struct ec2_RunInstancesRequest *req,
                   struct ec2_launch *l)
{
    const spec_t **all = NULL;

    assert(l->type && l->image);
    if (!req->network_interfaces.n)
        return implied(call, req, l);
    int r = clashes_check(call, req);

    if (!r)
        r = in_order(call, req, l, &all);
    for (size_t i = 0; i < req->network_interfaces.n && !r; i++)
        r = listed(call, all[i], req->placement, req->network_interfaces.n == 1, l);
    return r;
}
