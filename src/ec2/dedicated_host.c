/*
 * Dedicated Hosts: a whole host of the region's model for one account.
 *
 * A row claims the host (placer.h) until it is released.  What is on a host stands on the
 * instances' rows; what fits on it beside is arithmetic over the host's kind.  A host that a fault
 * has hit is shown as under-assessment.
 */
#include "ec2/dedicated_host.h"
#include "ec2/row_ok.h"

#include <stdlib.h>

enum {
    HOSTS_PER_FAMILY_MAX = 5,
    HOSTS_CALL_MAX = 100,
    RELEASED_SHOWN_MS = 3600 * 1000,
};

/* ---- finding ---- */

static bool
is_owner(const struct api_call *call, const struct ec2_dedicated_host_row *row)
{
    return row && ec2_mine(call, row->account, row->region);
}

static bool
is_visible(const struct api_call *call, const struct ec2_dedicated_host_row *row)
{
    if (is_owner(call, row))
        return !row->released_ms || row->released_ms + RELEASED_SHOWN_MS > call->now_ms;
    return row && str_eq(row->region, call->region) && !row->released_ms &&
           ec2_host_shared_with(call->txn, row, call->account);
}

static int
not_found(struct api_call *call, struct str id)
{
    return api_fault(call, &EC2_ERR(InvalidHostID_NotFound),
                     "The specified Dedicated Host ID '%.*s' does not exist.", STR_ARG(id));
}

int
ec2_dedicated_host_find(struct api_call *call, struct str id,
                        const struct ec2_dedicated_host_row **ret)
{
    int r = ec2_id_check(call, id, "h", &EC2_ERR(InvalidHostID_Malformed));
    const struct ec2_dedicated_host_row *row = r ? NULL : ec2_dedicated_host_get(call->txn, id);

    if (r)
        return r;
    if (!is_visible(call, row) || row->released_ms)
        return not_found(call, id);
    if (row->failed)
        return api_fault(call, &EC2_ERR(InvalidHostState),
                         "The Dedicated Host '%.*s' must be in the available state to complete the "
                         "operation.",
                         STR_ARG(id));
    assert(ec2_dedicated_host_ok(row) && row->host.n > 0);
    *ret = row;
    return 0;
}

bool
ec2_dedicated_host_takes(const struct ec2_dedicated_host_row *row, const struct ec2_type *type)
{
    assert(row->instance_family.n > 0 || row->instance_type.n > 0);
    return row->instance_type.n ? str_eq(row->instance_type, type->name)
                                : str_eq(row->instance_family, type->family);
}

/* ---- AllocateHosts ---- */

static int
unsupported_host(struct api_call *call)
{
    return api_fault(call, &EC2_ERR(UnsupportedHostConfiguration),
                     "The requested configuration is currently not supported. Please check the "
                     "documentation for supported configurations.");
}

static int
allocate_refuse(struct api_call *call, const struct ec2_AllocateHostsRequest *req)
{
    if (str_is(req->host_maintenance, "on"))
        return ec2_unsupported_parameter(call, "HostMaintenance (on)");
    if (req->outpost_arn.n)
        return ec2_unsupported_parameter(call, "OutpostArn");
    if (req->asset_ids.n)
        return ec2_unsupported_parameter(call, "AssetId");
    return 0;
}

const struct ec2_type *
ec2_host_largest_type(struct str type_name, struct str family)
{
    const struct ec2_type *largest = type_name.n ? ec2_type_find(type_name) : NULL, *type;

    for (size_t i = 0; !type_name.n && (type = ec2_family_type(family, i)); i++)
        if (!largest || type->vcpus > largest->vcpus)
            largest = type;
    return largest;
}

/* Type or family: what the host is to be fit for is the largest that it takes. */
static int
check_configuration(struct api_call *call, struct str type_name, struct str family, struct str zone,
                    const struct ec2_type **ret)
{
    const struct ec2_type *largest = ec2_host_largest_type(type_name, family);

    if (type_name.n && family.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameters InstanceType and InstanceFamily cannot be used together");
    if (!type_name.n && !family.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter InstanceType or InstanceFamily");
    if (type_name.n && !largest)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Invalid value '%.*s' for InstanceType.", STR_ARG(type_name));
    if (!largest || !ec2_type_on_hosts(largest) || !ec2_type_offered(largest, zone))
        return unsupported_host(call);
    *ret = largest;
    return 0;
}

static int
check_limit(struct api_call *call, struct str family, int64_t wanted)
{
    int64_t n = wanted;

    assert(wanted >= 1 && family.n > 0);
    STORE_EACH(call->txn, ec2_dedicated_host_by_owner, row, call->account, call->region)
        n += !row->released_ms && str_eq(row->instance_family, family);
    if (n <= HOSTS_PER_FAMILY_MAX)
        return 0;
    return api_fault(call, &EC2_ERR(HostLimitExceeded),
                     "The number of Dedicated hosts you've requested (%lld) would bring your total "
                     "up to %lld for the specified group of instance types (%.*s). This exceeds "
                     "your current limit of %d.",
                     (long long)wanted, (long long)n, STR_ARG(family), HOSTS_PER_FAMILY_MAX);
}

/* Hosts that were released long ago go when new ones come. */
static int
forget_old(struct api_call *call)
{
    int r = 0;

    STORE_EACH(call->txn, ec2_dedicated_host_by_owner, row, call->account, call->region)
        if (r == 0 && !is_visible(call, row))
            r = ec2_dedicated_host_delete(call->txn, row->id);
    return r;
}

static int
allocate_one(struct api_call *call, const struct ec2_type *type,
             const struct ec2_dedicated_host_row *model, struct str *ret_id)
{
    struct ec2_dedicated_host_row row = *model;

    assert(type && model->zone.n > 0);
    row.id = api_id(call, "h");
    if (ec2_placer_allocate(api_placer(call), call->txn, &row, type) != PLACEMENT_FOUND)
        return api_fault(call, &EC2_ERR(InsufficientHostCapacity),
                         "There is not enough capacity to fulfill your Dedicated Host request in "
                         "the Availability Zone %.*s.",
                         STR_ARG(row.zone));
    assert(ec2_dedicated_host_ok(&row));
    int r = ec2_dedicated_host_insert(call->txn, &row);

    if (r < 0)
        return error_origin(-r, "Dedicated Host %.*s cannot be written", STR_ARG(row.id));
    *ret_id = row.id;
    return 0;
}

/* 1: the token was used for the same request, whose hosts are the answer. */
static int
repeat(struct api_call *call, const struct ec2_AllocateHostsRequest *req, struct str hash,
       struct ec2_AllocateHostsResult *res, bool *ret)
{
    *ret = false;
    if (!req->client_token.n)
        return 0;
    STORE_EACH(call->txn, ec2_dedicated_host_by_token, row, call->account, call->region,
               req->client_token) {
        if (!str_eq(row->request_hash, hash))
            return api_fault(call, &EC2_ERR(Idempotent_ParameterMismatch),
                             "Arguments on this idempotent request are inconsistent with arguments "
                             "used in previous request(s).");
        *LIST_PUSH(call->arena, &res->host_ids) = row->id;
        *ret = true;
    }
    return 0;
}

static int
allocate_check(struct api_call *call, const struct ec2_AllocateHostsRequest *req,
               struct ec2_dedicated_host_row *row, const struct ec2_type **ret_type)
{
    static const char *const types[] = {"dedicated-host"};
    const struct ec2_Placement place = {.availability_zone = req->availability_zone,
                                        .availability_zone_id = req->availability_zone_id};
    int64_t quantity = opt_i64_or(req->quantity, 1);
    int r = allocate_refuse(call, req);

    if (r == 0)
        r = ec2_zone_check(call, &place, &row->zone);
    if (r == 0 && !row->zone.n)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain the parameter AvailabilityZone");
    if (r == 0 && (quantity < 1 || quantity > HOSTS_CALL_MAX))
        r = api_fault(call, &EC2_ERR(InvalidParameterValue),
                      "Value (%lld) for parameter quantity is invalid. Specify a number from 1 to "
                      "%d.",
                      (long long)quantity, HOSTS_CALL_MAX);
    if (r == 0)
        r = check_configuration(call, req->instance_type, req->instance_family, row->zone,
                                ret_type);
    if (r == 0)
        r = check_limit(call, (*ret_type)->family, quantity);
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row->tags);
    return r;
}

int
ec2_allocate_hosts(struct api_call *call, const struct ec2_AllocateHostsRequest *req,
                   struct ec2_AllocateHostsResult *res)
{
    struct ec2_dedicated_host_row row = {
        .account = call->account,
        .region = call->region,
        .auto_placement = req->auto_placement.n ? req->auto_placement : S("off"),
        .host_recovery = req->host_recovery.n ? req->host_recovery : S("off"),
        .client_token = req->client_token,
        .request_hash = ec2_request_hash(call, req),
        .created_ms = call->now_ms,
    };
    const struct ec2_type *type;
    bool done;
    int r = repeat(call, req, row.request_hash, res, &done);

    if (r || done)
        return r;
    r = forget_old(call);
    if (r == 0)
        r = allocate_check(call, req, &row, &type);
    if (r)
        return r;
    assert(ec2_type_on_hosts(type));
    row.instance_family = type->family;
    row.instance_type = req->instance_type;
    for (int64_t i = 0; i < opt_i64_or(req->quantity, 1) && r == 0; i++)
        r = allocate_one(call, type, &row, LIST_PUSH(call->arena, &res->host_ids));
    return r;
}

/* ---- ModifyHosts, ReleaseHosts ---- */

static void
fail(struct api_call *call, struct ec2_UnsuccessfulItemList *list, struct str id, struct str code,
     struct str message)
{
    struct ec2_UnsuccessfulItem *item = LIST_PUSH(call->arena, list);

    item->resource_id = id;
    item->error = ARENA_NEW(call->arena, struct ec2_UnsuccessfulItemError);
    *item->error = (struct ec2_UnsuccessfulItemError){.code = code, .message = message};
}

static const struct ec2_dedicated_host_row *
find_or_fail(struct api_call *call, struct str id, struct ec2_UnsuccessfulItemList *list)
{
    const struct ec2_dedicated_host_row *row = ec2_dedicated_host_get(call->txn, id);

    if (is_owner(call, row) && !row->released_ms)
        return row;
    fail(call, list, id, S("Client.InvalidHostID.NotFound"),
         str_fmt(call->arena, "The specified Dedicated Host ID '%.*s' does not exist.",
                 STR_ARG(id)));
    return NULL;
}

/* An instance on the host; NULL: it is empty. */
static const struct ec2_instance_row *
occupant(struct api_call *call, const struct ec2_dedicated_host_row *host)
{
    assert(host->host.n > 0);
    STORE_EACH(call->txn, ec2_instance_by_host, row, host->host)
        return row;
    return NULL;
}

int
ec2_release_hosts(struct api_call *call, const struct ec2_ReleaseHostsRequest *req,
                  struct ec2_ReleaseHostsResult *res)
{
    int r = 0;

    LIST_EACH(&req->host_ids, id) {
        const struct ec2_dedicated_host_row *row = find_or_fail(call, *id, &res->unsuccessful);

        if (!row || r)
            continue;
        if (occupant(call, row)) {
            fail(call, &res->unsuccessful, *id, S("Client.InvalidHost.Occupied"),
                 str_fmt(call->arena, "Dedicated host '%.*s' cannot be released as it is occupied.",
                         STR_ARG(*id)));
            continue;
        }
        if (ec2_host_reservation_of(call->txn, row, call->now_ms).p) {
            fail(call, &res->unsuccessful, *id, S("Client.InvalidHostState"),
                 str_fmt(call->arena, "Dedicated host '%.*s' cannot be released as it is reserved.",
                         STR_ARG(*id)));
            continue;
        }
        struct ec2_dedicated_host_row new = *row;

        new.host = S("");
        new.released_ms = call->now_ms;
        assert(ec2_dedicated_host_ok(&new));
        r = ec2_dedicated_host_update(call->txn, &new);
        *LIST_PUSH(call->arena, &res->successful) = *id;
    }
    return r;
}

/* From one type to another of the family, or to all of the family and back. */
static int
reconfigure(struct api_call *call, const struct ec2_ModifyHostsRequest *req,
            struct ec2_dedicated_host_row *row, struct ec2_UnsuccessfulItemList *list, bool *ret)
{
    const struct ec2_type *type;
    int r = 0;

    assert(row->host.n > 0);
    *ret = false;
    if (req->instance_type.n || req->instance_family.n)
        r = check_configuration(call, req->instance_type, req->instance_family, row->zone, &type);
    if (r)
        return r;
    if ((req->instance_type.n || req->instance_family.n) &&
        !str_eq(type->family, row->instance_family)) {
        fail(call, list, row->id, S("Client.InvalidHostConfiguration"),
             S("A Dedicated Host keeps its instance family"));
        return 0;
    }
    STORE_EACH(call->txn, ec2_instance_by_host, instance, row->host)
        if (req->instance_type.n && !str_eq(instance->type, req->instance_type)) {
            fail(call, list, row->id, S("Client.InvalidHostConfiguration"),
                 S("Instances of another type run on the Dedicated Host"));
            return 0;
        }
    if (req->instance_type.n || req->instance_family.n)
        row->instance_type = req->instance_type.n ? req->instance_type : S("");
    *ret = true;
    return 0;
}

int
ec2_modify_hosts(struct api_call *call, const struct ec2_ModifyHostsRequest *req,
                 struct ec2_ModifyHostsResult *res)
{
    int r = 0;

    if (str_is(req->host_maintenance, "on"))
        return ec2_unsupported_parameter(call, "HostMaintenance (on)");
    LIST_EACH(&req->host_ids, id) {
        const struct ec2_dedicated_host_row *row = find_or_fail(call, *id, &res->unsuccessful);
        struct ec2_dedicated_host_row new;
        bool ok;

        if (!row || r)
            continue;
        new = *row;
        r = reconfigure(call, req, &new, &res->unsuccessful, &ok);
        if (r || !ok)
            continue;
        if (req->auto_placement.n)
            new.auto_placement = req->auto_placement;
        if (req->host_recovery.n)
            new.host_recovery = req->host_recovery;
        assert(ec2_dedicated_host_ok(&new));
        r = ec2_dedicated_host_update(call->txn, &new);
        *LIST_PUSH(call->arena, &res->successful) = *id;
    }
    return r;
}

/* ---- DescribeHosts ---- */

static const struct api_filter host_filters[] = {
    {"auto-placement", "AutoPlacement"},
    {"availability-zone", "AvailabilityZone"},
    {"client-token", "ClientToken"},
    {"instance-type", "HostProperties.InstanceType"},
    {"state", "State"},
    {"tag", API_FILTER_TAGS},
};
const struct api_filter_table ec2_dedicated_host_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_Host, host_filters);

static void
capacity_of(struct api_call *call, const struct placement_host *hw, const struct ec2_type *type,
            struct ec2_AvailableCapacity *out)
{
    unsigned all = MIN(hw->kind->vcpus / type->vcpus, hw->kind->memory_mib / type->memory_mib);
    unsigned left = MIN((hw->kind->vcpus - hw->vcpus_used) / type->vcpus,
                        (hw->kind->memory_mib - hw->memory_used_mib) / type->memory_mib);

    if (!all)
        return;
    *LIST_PUSH(call->arena, &out->available_instance_capacity) = (struct ec2_InstanceCapacity){
        .available_capacity = opt_i64(left),
        .instance_type = type->name,
        .total_capacity = opt_i64(all),
    };
}

static void
show_hardware(struct api_call *call, const struct ec2_dedicated_host_row *row, struct ec2_Host *out)
{
    struct placement_host hw;

    if (!placement_host(ec2_placer_placement(api_placer(call), call->txn), row->host, &hw))
        return;
    out->host_properties->cores = opt_i64(hw.kind->cores);
    out->host_properties->sockets = opt_i64(hw.kind->sockets);
    out->host_properties->total_vcpus = opt_i64(hw.kind->vcpus);
    if (hw.fault && !row->failed)
        out->state = S("under-assessment");
    out->available_capacity = ARENA_NEW(call->arena, struct ec2_AvailableCapacity);
    out->available_capacity->available_vcpus = opt_i64(hw.kind->vcpus - hw.vcpus_used);
    if (row->instance_type.n)
        capacity_of(call, &hw, ec2_type_find(row->instance_type), out->available_capacity);
    for (size_t i = 0; !row->instance_type.n && ec2_family_type(row->instance_family, i); i++)
        capacity_of(call, &hw, ec2_family_type(row->instance_family, i), out->available_capacity);
}

static struct str
state_of(const struct ec2_dedicated_host_row *row)
{
    if (row->released_ms)
        return row->failed ? S("released-permanent-failure") : S("released");
    return row->failed ? S("permanent-failure") : S("available");
}

static struct ec2_Host
host_show(struct api_call *call, const struct ec2_dedicated_host_row *row)
{
    struct ec2_HostProperties *properties = ARENA_NEW(call->arena, struct ec2_HostProperties);
    struct ec2_Host out = {
        .auto_placement = row->auto_placement,
        .availability_zone = row->zone,
        .availability_zone_id = ec2_zone_id(call->arena, row->zone),
        .client_token = ec2_text_show(row->client_token),
        .host_id = row->id,
        .host_properties = properties,
        .state = state_of(row),
        .allocation_time = opt_i64(row->created_ms),
        .host_recovery = row->host_recovery.n ? row->host_recovery : S("off"),
        .host_maintenance = S("off"),
        .allows_multiple_instance_types = row->instance_type.n ? S("off") : S("on"),
        .owner_id = row->account,
        .member_of_service_linked_resource_group = opt_bool(false),
    };

    /* tags are the owner's */
    if (is_owner(call, row))
        out.tags = ec2_tags_show(call->arena, &row->tags);
    /* one that is for a single type does not show its family, as Terraform's state expects */
    properties->instance_family =
        row->instance_type.n ? STR_NONE : ec2_text_show(row->instance_family);
    properties->instance_type = ec2_text_show(row->instance_type);
    API_PRESENT(&out.instances);
    if (row->released_ms) {
        out.release_time = opt_i64(row->released_ms);
        return out;
    }
    show_hardware(call, row, &out);
    if (is_owner(call, row))
        out.host_reservation_id = ec2_host_reservation_of(call->txn, row, call->now_ms);
    /* the owner sees all, a consumer what is its own */
    STORE_EACH(call->txn, ec2_instance_by_host, instance, row->host)
        if (is_owner(call, row) || str_eq(instance->account, call->account))
            *LIST_PUSH(call->arena, &out.instances) =
                (struct ec2_HostInstance){.instance_id = instance->id,
                                          .instance_type = instance->type,
                                          .owner_id = instance->account};
    return out;
}

static int
ids_check(struct api_call *call, const struct str_list *ids)
{
    LIST_EACH(ids, id) {
        int r = ec2_id_check(call, *id, "h", &EC2_ERR(InvalidHostID_Malformed));

        if (r)
            return r;
        if (!is_visible(call, ec2_dedicated_host_get(call->txn, *id)))
            return not_found(call, *id);
    }
    return 0;
}

static int
by_age(const void *a, const void *b)
{
    const struct ec2_dedicated_host_row *x = *(const struct ec2_dedicated_host_row *const *)a;
    const struct ec2_dedicated_host_row *y = *(const struct ec2_dedicated_host_row *const *)b;

    if (x->created_ms != y->created_ms)
        return x->created_ms < y->created_ms ? -1 : 1;
    return str_cmp(x->id, y->id);
}

/* The caller's own, and those that others share with it, the oldest first. */
static struct ec2_host_rows
all_visible(struct api_call *call)
{
    struct ec2_host_rows list = ec2_hosts_shared(call);

    STORE_EACH(call->txn, ec2_dedicated_host_by_owner, row, call->account, call->region)
        if (is_visible(call, row))
            *LIST_PUSH(call->arena, &list) = row;
    if (list.n)
        qsort(list.v, list.n, sizeof(list.v[0]), by_age);
    return list;
}

int
ec2_describe_hosts(struct api_call *call, const struct ec2_DescribeHostsRequest *req,
                   struct ec2_DescribeHostsResult *res)
{
    static const struct api_page_rule rule = {.min = 5, .max = 500, .ids = "hostIdSet"};
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &ec2_dedicated_host_filter_table, &req->filter, &rule,
                             req->next_token, req->max_results, req->host_ids.n > 0, &listing);

    if (r == 0)
        r = ids_check(call, &req->host_ids);
    if (r)
        return r;
    API_PRESENT(&res->hosts);
    struct ec2_host_rows rows = all_visible(call);

    for (size_t i = 0; i < rows.n; i++) {
        if (req->host_ids.n && !str_in(&req->host_ids, rows.v[i]->id))
            continue;
        struct ec2_Host shown = host_show(call, rows.v[i]);

        if (ec2_listing_has(call, &listing, &shown, rows.v[i]->created_ms, rows.v[i]->id))
            *LIST_PUSH(call->arena, &res->hosts) = shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* ---- instances on hosts ---- */

static bool
has_room(struct api_call *call, const struct ec2_dedicated_host_row *host,
         const struct ec2_instance_row *row, const struct ec2_type *type)
{
    struct ec2_instance_row there = *row;

    if (host->released_ms || host->failed || !str_is(host->auto_placement, "on") ||
        !ec2_dedicated_host_takes(host, type) || (row->zone.n && !str_eq(host->zone, row->zone)))
        return false;
    there.account = call->account;
    there.host_id = host->id;
    there.zone = host->zone;
    return ec2_placer_try(api_placer(call), call->txn, &there, 1) == PLACEMENT_FOUND;
}

/* Those of others are for what the own ones have no room for. */
int
ec2_dedicated_host_choose(struct api_call *call, struct ec2_instance_row *row)
{
    const struct ec2_type *type = ec2_type_find(row->type);

    assert(type && str_is(row->tenancy, "host") && !row->host_id.n);
    STORE_EACH(call->txn, ec2_dedicated_host_by_owner, host, call->account, call->region) {
        if (!has_room(call, host, row, type))
            continue;
        row->host_id = host->id;
        return 0;
    }
    struct ec2_host_rows shared = ec2_hosts_shared(call);

    for (size_t i = 0; i < shared.n; i++) {
        if (!has_room(call, shared.v[i], row, type))
            continue;
        row->host_id = shared.v[i]->id;
        return 0;
    }
    return api_fault(call, &EC2_ERR(InsufficientHostCapacity),
                     "There is no Dedicated Host with auto-placement on that has capacity for the "
                     "instance type %.*s",
                     STR_ARG(row->type));
}
