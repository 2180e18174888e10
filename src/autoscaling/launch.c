/*
 * Launching: one instance of the first type that EC2 has room for, in the group's emptiest zone,
 * and in the next one when it has none.  Each attempt is an activity.  What fails everywhere is
 * tried again later, the longer the oftener it failed.
 */
#include "autoscaling/engine.h"

#include "gen/store/ec2_rows.h"

enum { RETRY_S = 15, RETRY_DOUBLED_MAX = 6 };

/* ---- where ---- */

/* The instances of the pool in a zone. */
static int64_t
warm_in(const struct asg_look *look, struct str zone)
{
    int64_t n = 0;

    LIST_EACH(&look->instances, row)
        n += row->warm && str_eq(row->zone, zone);
    return n;
}

/* The zone with the fewest instances, but those that were tried; p NULL: none is left. */
static struct str
emptiest_zone(const struct asg_look *look, bool warm, const struct str_list *tried)
{
    struct str best = STR_NONE;
    int64_t fewest = INT64_MAX;

    LIST_EACH(&look->group.zones, zone) {
        int64_t n = asg_live(look, *zone) + (warm ? warm_in(look, *zone) : 0);

        if (n < fewest && !str_in(tried, *zone)) {
            best = *zone;
            fewest = n;
        }
    }
    return best;
}

/* The group's subnet in a zone with the fewest instances; empty: the default one. */
static struct str
emptiest_subnet(const struct asg_look *look, struct str zone)
{
    struct str best = S("");
    size_t fewest = SIZE_MAX;

    LIST_EACH(&look->group.subnets, id) {
        const struct ec2_subnet_row *row = ec2_subnet_get(look->call->txn, *id);
        size_t n = 0;

        if (!row || !str_eq(row->zone, zone))
            continue;
        LIST_EACH(&look->instances, instance)
            n += str_eq(instance->subnet_id, *id);
        if (n < fewest) {
            best = *id;
            fewest = n;
        }
    }
    return best;
}

/* ---- with what ---- */

/*
 * A subnet of the group's goes into the template's first interface: EC2 takes no subnet beside
 * interfaces.  Those of the request stand for all of the template's.
 */
static void
take_interfaces(struct asg_look *look,
                const struct ec2_LaunchTemplateInstanceNetworkInterfaceSpecificationList *of,
                struct ec2_RunInstancesRequest *req)
{
    LIST_EACH(of, nic)
        *LIST_PUSH(look->call->arena, &req->network_interfaces) =
            (struct ec2_InstanceNetworkInterfaceSpecification){
                .associate_public_ip_address = nic->associate_public_ip_address,
                .delete_on_termination = nic->delete_on_termination,
                .description = nic->description,
                .device_index = nic->device_index,
                .groups = nic->groups,
                .interface_type = nic->interface_type,
                .network_card_index = nic->network_card_index,
                .network_interface_id = nic->network_interface_id,
                .private_ip_address = nic->private_ip_address,
                .private_ip_addresses = nic->private_ip_addresses,
                .secondary_private_ip_address_count = nic->secondary_private_ip_address_count,
                .subnet_id = nic->subnet_id,
            };
    assert(req->network_interfaces.n == of->n);
}

static int
from_template(struct asg_look *look, const struct asg_kind *kind,
              struct ec2_RunInstancesRequest *req, struct asg_instance_row *row)
{
    struct ec2_DescribeLaunchTemplateVersionsRequest ask = {.launch_template_id =
                                                                kind->template_id};
    struct ec2_DescribeLaunchTemplateVersionsResult found = {0};
    struct arena *a = look->call->arena;

    *LIST_PUSH(a, &ask.versions) =
        kind->template_version.n ? kind->template_version : S("$Default");
    int r = api_call_internal(look->call, "ec2", "DescribeLaunchTemplateVersions", &ask, &found,
                              ASG_VIA);

    if (r)
        return r;
    if (found.launch_template_versions.n != 1)
        return ASG_INVALID(look->call, "The specified launch template version does not exist.");
    row->template_id = kind->template_id;
    row->template_name = kind->template_name;
    row->template_version =
        str_fmt(a, "%lld", (long long)found.launch_template_versions.v[0].version_number.v);
    req->launch_template = ARENA_NEW(a, struct ec2_LaunchTemplateSpecification);
    *req->launch_template = (struct ec2_LaunchTemplateSpecification){
        .launch_template_id = kind->template_id, .version = row->template_version};
    req->instance_type = kind->type.n ? kind->type : STR_NONE;
    req->image_id = kind->image_id.n ? kind->image_id : STR_NONE;
    if (look->group.subnets.n && found.launch_template_versions.v[0].launch_template_data)
        take_interfaces(
            look, &found.launch_template_versions.v[0].launch_template_data->network_interfaces,
            req);
    assert(row->template_version.n > 0);
    return 0;
}

static int
from_config(struct asg_look *look, struct ec2_RunInstancesRequest *req,
            struct asg_instance_row *row)
{
    const struct asg_launch_config_row *config =
        asg_launch_config_look(look->call, look->from.launch_config);

    assert(config); /* one that a group has is not deleted */
    row->launch_config = config->name;
    asg_launch_config_request(look->call, config, req);
    if (config->tenancy.n) {
        req->placement = ARENA_NEW(look->call->arena, struct ec2_Placement);
        req->placement->tenancy = config->tenancy;
    }
    return 0;
}

static void
place(struct asg_look *look, struct str zone, struct str subnet,
      struct ec2_RunInstancesRequest *req)
{
    struct ec2_TagSpecification *spec = LIST_PUSH(look->call->arena, &req->tag_specifications);
    const struct asg_group_row *g = &look->group;

    if (!req->placement)
        req->placement = ARENA_NEW(look->call->arena, struct ec2_Placement);
    if (!subnet.n)
        req->placement->availability_zone = zone;
    else if (req->network_interfaces.n)
        req->network_interfaces.v[0].subnet_id = subnet;
    else
        req->subnet_id = subnet;
    if (g->placement_group.n)
        req->placement->group_name = g->placement_group;
    spec->resource_type = S("instance");
    *LIST_PUSH(look->call->arena, &spec->tags) =
        (struct ec2_Tag){.key = S("aws:autoscaling:groupName"), .value = g->name};
    for (size_t i = 0; i < g->tags.n; i += 3)
        if (str_is(g->tags.v[i + 2], "true"))
            *LIST_PUSH(look->call->arena, &spec->tags) =
                (struct ec2_Tag){.key = g->tags.v[i], .value = g->tags.v[i + 1]};
    assert(spec->tags.n >= 1);
}

/* ---- the attempt ---- */

static int
launched(struct asg_look *look, const struct ec2_Instance *made, struct asg_activity_row *activity,
         struct asg_instance_row *row)
{
    struct api_call *call = look->call;

    row->id = made->instance_id;
    row->group_id = look->group.id;
    row->account = call->account;
    row->region = call->region;
    row->zone = made->placement->availability_zone;
    row->subnet_id = made->subnet_id;
    row->type = made->instance_type;
    row->image_id = made->image_id;
    row->state = ASG_PENDING;
    row->protected = look->group.protect;
    row->joined_ms = call->now_ms;
    row->activity = activity->id;
    assert(asg_instance_ok(row));
    activity->instance_id = row->id;
    activity->description = str_fmt(call->arena, "Launching a new EC2 instance%s: %.*s",
                                    row->warm ? " into warm pool" : "", STR_ARG(row->id));
    activity->status = S("PreInService");
    activity->progress = 30;
    activity->details = asg_details(call, row->subnet_id, row->zone);
    int r = asg_written(asg_activity_update(call->txn, activity), "activity", activity->id);

    if (r == 0)
        r = asg_written(asg_instance_insert(call->txn, row), "instance", row->id);
    *LIST_PUSH(call->arena, &look->instances) = *row;
    return r;
}

static int
failed(struct asg_look *look, struct asg_activity_row *activity)
{
    struct str message = look->call->fault.message;
    bool stop = message.n && message.p[message.n - 1] == '.';
    int r = asg_activity_end(look->call, activity->id, "Failed",
                             str_fmt(look->call->arena, "%.*s%s Launching EC2 instance failed.",
                                     STR_ARG(message), stop ? "" : "."));

    look->call->fault = (struct api_fault){0};
    return r ? r
             : asg_event(look->call, &look->group, asg_activity_get(look->call->txn, activity->id),
                         "EC2 Instance Launch Unsuccessful");
}

/* 0: launched; positive: EC2 refused, its fault is told by the activity; negative. */
static int
attempt(struct asg_look *look, const struct asg_kind *kind, struct str zone, bool warm,
        struct str cause)
{
    struct ec2_RunInstancesRequest req = {.min_count = opt_i64(1), .max_count = opt_i64(1)};
    struct str subnet = emptiest_subnet(look, zone);
    struct ec2_Reservation res = {0};
    struct asg_instance_row row = {.weight = kind->weight, .warm = warm};
    struct asg_activity_row activity = {
        .description = S("Launching a new EC2 instance"),
        .cause = cause,
        .status = S("InProgress"),
        .details = asg_details(look->call, subnet, zone),
    };
    int r = asg_activity_begin(look->call, &look->group, &activity);

    look->changed = true;
    if (r)
        return r;
    r = kind->template_id.n ? from_template(look, kind, &req, &row) : from_config(look, &req, &row);
    if (r == 0) {
        place(look, zone, subnet, &req);
        req.client_token = activity.id;
        r = api_call_internal(look->call, "ec2", "RunInstances", &req, &res, ASG_VIA);
    }
    if (r == 0) {
        assert(res.instances.n == 1);
        return launched(look, &res.instances.v[0], &activity, &row);
    }
    if (r < 0)
        return r;
    r = failed(look, &activity);
    return r < 0 ? r : 1;
}

int
asg_launch(struct asg_look *look, struct str zone, bool warm, struct str cause, bool *ret)
{
    struct str_list tried = {0};
    struct str next = zone.p ? zone : emptiest_zone(look, warm, &tried);
    struct asg_kind_list kinds;
    int r = asg_kinds(look->call, &look->from, &kinds);

    assert(look->group.zones.n > 0 && cause.n > 0);
    *ret = false;
    if (r == 0 && !warm)
        r = asg_pool_take(look, zone, cause, ret);
    if (r || *ret)
        return r;
    r = 1;
    while (r > 0 && next.p) {
        for (size_t i = 0; i < kinds.n && r > 0; i++)
            r = attempt(look, &kinds.v[i], next, warm, cause);
        *LIST_PUSH(look->call->arena, &tried) = next;
        next = zone.p ? STR_NONE : emptiest_zone(look, warm, &tried);
    }
    *ret = r == 0;
    return MIN(r, 0);
}

void
asg_launch_later(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;

    assert(g->failures >= 0);
    g->retry_ms =
        look->call->now_ms + (INT64_C(1000) * RETRY_S << MIN(g->failures, RETRY_DOUBLED_MAX));
    g->failures++;
    look->changed = true;
    asg_look_next(look, g->retry_ms);
}
