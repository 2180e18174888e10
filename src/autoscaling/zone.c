/*
 * Where a group's instances go: zones, whose default subnets are meant, or subnets, whose zones
 * are the group's.
 */
#include "autoscaling/autoscaling.h"

#include "gen/store/ec2_rows.h"

enum { ZONES_MAX = 100 };

static void
add_sorted(struct arena *a, struct str_list *list, struct str s)
{
    size_t i;

    if (str_in(list, s))
        return;
    *LIST_PUSH(a, list) = s;
    for (i = list->n - 1; i > 0 && str_cmp(list->v[i - 1], s) > 0; i--)
        list->v[i] = list->v[i - 1];
    list->v[i] = s;
}

static int
subnets_read(struct api_call *call, struct str text, struct str_list *ids, struct str_list *zones)
{
    while (text.p) {
        struct str id = str_trim(str_split(&text, ','));
        const struct ec2_subnet_row *row = ec2_subnet_get(call->txn, id);

        if (!id.n)
            continue;
        if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
            return ASG_INVALID(call, "The subnet ID '%.*s' does not exist", STR_ARG(id));
        *LIST_PUSH(call->arena, ids) = id;
        add_sorted(call->arena, zones, row->zone);
    }
    assert(zones->n <= ids->n);
    return 0;
}

static int
zones_check(struct api_call *call, const struct str_list *zones, struct str role_arn)
{
    const struct ec2_DescribeAvailabilityZonesRequest ask = {.zone_names = *zones};
    struct ec2_DescribeAvailabilityZonesResult res = {0};
    struct api_call service;
    int r = asg_as_service(call, role_arn, &service);

    if (r == 0)
        r = api_call_internal(&service, "ec2", "DescribeAvailabilityZones", &ask, &res, ASG_VIA);
    if (r <= 0)
        return r;
    return ASG_INVALID(call, "Invalid availability zones: [%.*s]",
                       STR_ARG(str_join(call->arena, zones, S(", "))));
}

int
asg_zones_set(struct api_call *call, const struct str_list *zones, struct str subnets,
              struct asg_group_row *row)
{
    struct str_list ids = {0}, of_subnets = {0}, sorted = {0};
    int r = 0;

    assert(row->role_arn.n > 0);
    if (zones->n > ZONES_MAX)
        return ASG_INVALID(call, "A group has at most %d Availability Zones", ZONES_MAX);
    LIST_EACH(zones, zone)
        add_sorted(call->arena, &sorted, *zone);
    if (subnets.n)
        r = subnets_read(call, subnets, &ids, &of_subnets);
    if (r == 0 && ids.n && sorted.n && !str_list_eq(&sorted, &of_subnets))
        return ASG_INVALID(call, "The availability zones of the specified subnets and the Auto "
                                 "Scaling group do not match");
    if (r == 0 && !ids.n && !sorted.n)
        return ASG_INVALID(call, "At least one Availability Zone or VPC Subnet is required.");
    if (r == 0 && !ids.n)
        r = zones_check(call, &sorted, row->role_arn);
    if (r)
        return r;
    row->zones = ids.n ? of_subnets : sorted;
    row->subnets = ids;
    return 0;
}
