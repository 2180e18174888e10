/*
 * Placement as a launch asks for it: what may be combined with what, which zone a launch that
 * names none gets, and what is said when there is no room.
 */
#include "ec2/capacity.h"
#include "ec2/placer.h"
#include "ec2/row_ok.h"

/* ---- what is asked for ---- */

static int
find_group(struct api_call *call, struct str name, struct str id,
           const struct ec2_placement_group_row **ret)
{
    const struct ec2_placement_group_row *row;

    if (name.n && id.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameters GroupName and GroupId cannot be used together");
    if (name.n)
        row = ec2_placement_group_by_name_get(call->txn, call->account, call->region, name);
    else
        row = ec2_placement_group_get(call->txn, id);
    if (!row || !ec2_mine(call, row->account, row->region))
        return api_fault(call, &EC2_ERR(InvalidPlacementGroup_Unknown),
                         "The Placement Group '%.*s' is unknown.", STR_ARG(name.n ? name : id));
    assert(ec2_placement_group_ok(row));
    *ret = row;
    return 0;
}

static int
check_partition(struct api_call *call, const struct ec2_placement_group_row *group,
                struct opt_i64 number)
{
    if (!number.set)
        return 0;
    if (!group || !str_is(group->strategy, "partition"))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter PartitionNumber can only be used with a placement group "
                         "whose strategy is 'partition'");
    if (number.v < 1 || number.v > group->partition_count)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%lld) for parameter PartitionNumber is invalid. The placement "
                         "group '%.*s' has the partitions 1 to %lld.",
                         (long long)number.v, STR_ARG(group->name),
                         (long long)group->partition_count);
    return 0;
}

/* What a group's strategy does not go with. */
static int
check_strategy(struct api_call *call, const struct ec2_placement_group_row *group,
               const struct ec2_type *type, struct str tenancy)
{
    bool shared = !tenancy.n || str_is(tenancy, "default");

    if (str_is(group->strategy, "cluster") && !ec2_type_clusters(type))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Cluster placement groups are not supported by the '%.*s' instance type. "
                         "Specify a supported instance type or change the placement group "
                         "strategy, and try again.",
                         STR_ARG(type->name));
    if (str_is(group->strategy, "spread") && !shared)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Spread placement groups cannot be used with tenancy '%.*s'",
                         STR_ARG(tenancy));
    if (str_is(group->spread_level, "host"))
        return api_fault(call, &EC2_ERR(Unsupported),
                         "The placement group '%.*s' spreads over hosts, which needs an Outpost",
                         STR_ARG(group->name));
    if (str_is(tenancy, "host"))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "Placement groups cannot be used with tenancy 'host'");
    if (str_is(group->strategy, "partition") && !shared && group->partition_count > 2)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A partition placement group with Dedicated Instances can have a maximum "
                         "of two partitions");
    return 0;
}

/* Tenancy host, which naming a host implies. */
static int
check_host(struct api_call *call, const struct ec2_placement_wish *wish,
           const struct ec2_type *type, struct ec2_instance_row *row)
{
    const struct ec2_dedicated_host_row *host;
    bool on_host = str_is(wish->tenancy, "host");

    row->host_id = wish->host_id.n ? wish->host_id : S("");
    row->affinity = S("");
    if (!on_host && (wish->host_id.n || str_is(wish->affinity, "host")))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "HostId and Affinity can only be used with tenancy 'host'");
    if (!on_host)
        return 0;
    if (!ec2_type_on_hosts(type))
        return api_fault(call, &EC2_ERR(UnsupportedHostConfiguration),
                         "The instance type %.*s is not supported on Dedicated Hosts",
                         STR_ARG(type->name));
    assert(!row->group_id.n);
    row->tenancy = S("host");
    row->affinity = wish->affinity.n ? wish->affinity : S("default");
    if (!wish->host_id.n)
        return 0;
    int r = ec2_dedicated_host_find(call, wish->host_id, &host);

    if (r == 0 && !ec2_dedicated_host_takes(host, type))
        r = api_fault(call, &EC2_ERR(InvalidHostConfiguration),
                      "The Dedicated Host '%.*s' does not support the instance type %.*s",
                      STR_ARG(host->id), STR_ARG(type->name));
    return r;
}

int
ec2_placement_check(struct api_call *call, const struct ec2_placement_wish *wish,
                    struct ec2_instance_row *row)
{
    const struct ec2_placement_group_row *group = NULL;
    const struct ec2_type *type = ec2_type_find(row->type);
    int r = 0;

    struct ec2_placement_wish implied = *wish;

    assert(type);
    if (wish->host_id.n && !wish->tenancy.n)
        implied.tenancy = S("host");
    wish = &implied;
    if (wish->group_name.n || wish->group_id.n)
        r = find_group(call, wish->group_name, wish->group_id, &group);
    if (r == 0)
        r = check_partition(call, group, wish->partition);
    if (r == 0 && group)
        r = check_strategy(call, group, type, wish->tenancy);
    if (r)
        return r;
    row->group_id = group ? group->id : S("");
    row->partition_number = opt_i64_or(wish->partition, 0);
    row->tenancy = wish->tenancy.n ? wish->tenancy : S("default");
    return check_host(call, wish, type, row);
}

/* ---- the zone of a launch that names none ---- */

struct str
ec2_launch_zone(struct api_call *call, const struct ec2_launch *l)
{
    const struct ec2_region *region = ec2_region_find(call->region);
    struct ec2_instance_row row = l->model;

    row.account = call->account;
    if (row.capacity_target.n) {
        const struct ec2_capacity_reservation_row *target =
            ec2_capacity_reservation_get(call->txn, row.capacity_target);

        assert(target && target->zone.n > 0);
        return target->zone;
    }
    if (str_is(row.tenancy, "host")) {
        const struct ec2_dedicated_host_row *host = NULL;

        if (!row.host_id.n && ec2_dedicated_host_choose(call, &row))
            call->fault = (struct api_fault){0};
        if (row.host_id.n)
            host = ec2_dedicated_host_get(call->txn, row.host_id);
        return host ? host->zone : STR_NONE;
    }
    for (unsigned i = 0; region && i < region->n_zones; i++) {
        struct ec2_zone zone = ec2_region_zone(call->arena, region, i);

        row.zone = zone.name;
        if (ec2_type_offered(l->type, zone.name) &&
            ec2_placer_try(api_placer(call), call->txn, &row, l->min) == PLACEMENT_FOUND)
            return zone.name;
    }
    return STR_NONE;
}

/* ---- no room ---- */

/* "us-east-1b, us-east-1c": other zones that have the type and room for one. */
static struct str
zones_with_room(struct api_call *call, const struct ec2_instance_row *row)
{
    const struct ec2_region *region = ec2_region_find(call->region);
    const struct ec2_type *type = ec2_type_find(row->type);
    struct ec2_instance_row there = *row;
    struct str_list zones = {0};

    there.account = call->account;
    for (unsigned i = 0; region && type && i < region->n_zones; i++) {
        there.zone = ec2_region_zone(call->arena, region, i).name;
        if (!str_eq(there.zone, row->zone) && ec2_type_offered(type, there.zone) &&
            ec2_placer_try(api_placer(call), call->txn, &there, 1) == PLACEMENT_FOUND)
            *LIST_PUSH(call->arena, &zones) = there.zone;
    }
    return str_join(call->arena, &zones, S(", "));
}

int
ec2_no_room(struct api_call *call, const struct ec2_instance_row *row)
{
    struct str zones = zones_with_room(call, row);
    struct str rest = STR_NONE;

    if (zones.n)
        rest = str_fmt(call->arena,
                       " You can currently get %.*s capacity by not specifying an Availability "
                       "Zone in your request or choosing %.*s.",
                       STR_ARG(row->type), STR_ARG(zones));
    return api_fault(call, &EC2_ERR(InsufficientInstanceCapacity),
                     "We currently do not have sufficient %.*s capacity in the Availability Zone "
                     "you requested (%.*s). Our system will be working on provisioning additional "
                     "capacity.%.*s",
                     STR_ARG(row->type), STR_ARG(row->zone), STR_ARG(rest));
}

static struct str
group_name(struct api_call *call, const struct ec2_instance_row *row)
{
    const struct ec2_placement_group_row *group = ec2_placement_group_get(call->txn, row->group_id);

    return group ? group->name : row->group_id;
}

static int
other_zone(struct api_call *call, const struct ec2_instance_row *row)
{
    struct str zone = ec2_cluster_zone(call->txn, row->group_id, row->id);

    assert(zone.n > 0);
    return api_fault(call, &EC2_ERR(InvalidPlacementGroup_InUse),
                     "The placement group '%.*s' is in use in another availability zone: %.*s",
                     STR_ARG(group_name(call, row)), STR_ARG(zone));
}

/* Chooses a host where none is named; a named one may be gone or elsewhere. */
static int
place_on_host(struct api_call *call, struct ec2_instance_row *row)
{
    const struct ec2_dedicated_host_row *host;

    if (!row->host_id.n)
        return ec2_dedicated_host_choose(call, row);
    int r = ec2_dedicated_host_find(call, row->host_id, &host);

    if (r == 0 && !str_eq(host->zone, row->zone))
        r = api_fault(call, &EC2_ERR(InvalidParameterCombination),
                      "The Dedicated Host '%.*s' is in the Availability Zone %.*s, the instance in "
                      "%.*s",
                      STR_ARG(host->id), STR_ARG(host->zone), STR_ARG(row->zone));
    return r;
}

int
ec2_instance_place(struct api_call *call, struct ec2_instance_row *row)
{
    int r = str_is(row->tenancy, "host") ? place_on_host(call, row) : ec2_capacity_take(call, row);

    assert(row->id.n > 0);
    if (r || row->host.n)
        return r;
    switch (ec2_placer_place(api_placer(call), call->txn, row)) {
    case PLACEMENT_FOUND:
        assert(row->host.n);
        return 0;
    case PLACEMENT_OTHER_ZONE:
        return other_zone(call, row);
    case PLACEMENT_SPREAD_FULL:
        return api_fault(call, &EC2_ERR(InsufficientInstanceCapacity),
                         "We currently do not have sufficient capacity to launch all of the "
                         "additional requested instances into Placement Group '%.*s' in the "
                         "Availability Zone %.*s: a spread placement group runs at most %d "
                         "instances in an Availability Zone, each on a rack of its own.",
                         STR_ARG(group_name(call, row)), STR_ARG(row->zone), PLACEMENT_SPREAD_MAX);
    case PLACEMENT_HOST_FULL:
        return api_fault(call, &EC2_ERR(InsufficientHostCapacity),
                         "There is not enough capacity on the Dedicated Host '%.*s' to launch or "
                         "start the instance",
                         STR_ARG(row->host_id));
    case PLACEMENT_NO_ROOM:
        break;
    }
    return ec2_no_room(call, row);
}
