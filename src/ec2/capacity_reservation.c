/*
 * The operations of On-Demand Capacity Reservations.
 *
 * A new reservation takes its hosts at once, or is refused.  An open one counts instances that run
 * already and match as its own, as on AWS.
 */
#include "ec2/capacity.h"
#include "ec2/placer.h"
#include "ec2/row_ok.h"

enum { COUNT_MAX = 1000, ENDED_SHOWN_MS = 3600 * 1000 };

/* ---- finding, showing ---- */

static bool
is_visible(const struct api_call *call, const struct ec2_capacity_reservation_row *row)
{
    return row && ec2_mine(call, row->account, row->region) &&
           (!row->ended_ms || row->ended_ms + ENDED_SHOWN_MS > call->now_ms);
}

int
ec2_capacity_find(struct api_call *call, struct str id,
                  const struct ec2_capacity_reservation_row **ret)
{
    int r = ec2_id_check(call, id, "cr", &EC2_ERR(InvalidCapacityReservationId_Malformed));
    const struct ec2_capacity_reservation_row *row =
        r ? NULL : ec2_capacity_reservation_get(call->txn, id);

    if (r)
        return r;
    if (!is_visible(call, row))
        return api_fault(call, &EC2_ERR(InvalidCapacityReservationId_NotFound),
                         "The capacity reservation ID '%.*s' does not exist", STR_ARG(id));
    assert(ec2_capacity_reservation_ok(row));
    *ret = row;
    return 0;
}

static struct str
state_name(const struct ec2_capacity_reservation_row *row)
{
    assert(row->state >= 0 && row->state < ec2_capacity_sm.n_states);
    return str_from(ec2_capacity_sm.states[row->state].name);
}

static struct ec2_CapacityReservation
reservation_show(struct api_call *call, const struct ec2_capacity_reservation_row *row)
{
    struct ec2_CapacityReservation out = {
        .capacity_reservation_id = row->id,
        .owner_id = row->account,
        .capacity_reservation_arn = ec2_arn(call, "capacity-reservation", row->id),
        .availability_zone = row->zone,
        .availability_zone_id = ec2_zone_id(call->arena, row->zone),
        .instance_type = row->type,
        .instance_platform = row->platform,
        .tenancy = row->tenancy,
        .total_instance_count = opt_i64(row->total),
        .available_instance_count = opt_i64((int64_t)row->hosts.n),
        .ebs_optimized = opt_bool(row->ebs_optimized),
        .ephemeral_storage = opt_bool(row->ephemeral_storage),
        .state = state_name(row),
        .start_date = opt_i64(row->created_ms),
        .end_date_type = row->end_ms ? S("limited") : S("unlimited"),
        .instance_match_criteria = row->match,
        .create_date = opt_i64(row->created_ms),
        .tags = ec2_tags_show(call->arena, &row->tags),
        .reservation_type = S("default"),
    };

    if (row->end_ms)
        out.end_date = opt_i64(row->end_ms);
    return out;
}

/* ---- CreateCapacityReservation ---- */

static int
create_refuse(struct api_call *call, const struct ec2_CreateCapacityReservationRequest *req)
{
    if (req->outpost_arn.n)
        return ec2_unsupported_parameter(call, "OutpostArn");
    if (req->placement_group_arn.n)
        return ec2_unsupported_parameter(call, "PlacementGroupArn");
    if (req->start_date.set)
        return ec2_unsupported_parameter(call, "StartDate");
    if (req->commitment_duration.set)
        return ec2_unsupported_parameter(call, "CommitmentDuration");
    if (req->delivery_preference.n)
        return ec2_unsupported_parameter(call, "DeliveryPreference");
    return 0;
}

static int
check_count(struct api_call *call, int64_t count)
{
    if (count >= 1 && count <= COUNT_MAX)
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%lld) for parameter instanceCount is invalid. Specify a number from 1 "
                     "to %d.",
                     (long long)count, COUNT_MAX);
}

/* EndDateType and EndDate belong together; *end_ms stays when neither is given. */
static int
check_end(struct api_call *call, struct str type, struct opt_i64 date, int64_t *end_ms)
{
    bool limited = str_is(type, "limited");

    if (date.set != limited)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "EndDate is given if, and only if, EndDateType is 'limited'");
    if (date.set && date.v <= call->now_ms)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "The EndDate of a Capacity Reservation must be in the future");
    if (type.n)
        *end_ms = opt_i64_or(date, 0);
    return 0;
}

/* An instance as the reservation is for, to be placed. */
static struct ec2_instance_row
specimen(const struct ec2_capacity_reservation_row *row)
{
    return (struct ec2_instance_row){.account = row->account,
                                     .region = row->region,
                                     .zone = row->zone,
                                     .type = row->type,
                                     .tenancy = row->tenancy};
}

/* n more hosts, all or none. */
static int
reserve(struct api_call *call, struct ec2_capacity_reservation_row *row, unsigned n)
{
    const struct ec2_instance_row like = specimen(row);
    struct str_list hosts = {0};

    LIST_EACH(&row->hosts, host)
        *LIST_PUSH(call->arena, &hosts) = *host;
    if (!ec2_placer_reserve(api_placer(call), call->txn, call->arena, &like, n, &hosts))
        return ec2_no_room(call, &like);
    assert(hosts.n == row->hosts.n + n);
    row->hosts = hosts;
    return 0;
}

/* Instances that run, and match, and are in none: up to the reservation's size. */
static int
adopt(struct api_call *call, const struct ec2_capacity_reservation_row *row, unsigned max,
      unsigned *ret)
{
    int r = 0;

    *ret = 0;
    STORE_EACH(call->txn, ec2_instance_by_owner, instance, row->account, row->region) {
        struct ec2_instance_row new = *instance;

        if (*ret == max || r)
            break;
        if ((new.state != EC2_RUNNING &&new.state != EC2_PENDING) || !new.host.n ||
            new.capacity_reservation_id.n || new.group_id.n ||
            str_is(new.capacity_preference, "none") || !ec2_capacity_fits(row, &new))
            continue;
        new.capacity_reservation_id = row->id;
        assert(ec2_instance_ok(&new));
        r = ec2_instance_update(call->txn, &new);
        (*ret)++;
    }
    return r;
}

static int
create_check(struct api_call *call, const struct ec2_CreateCapacityReservationRequest *req,
             struct ec2_capacity_reservation_row *row)
{
    static const char *const types[] = {"capacity-reservation"};
    const struct ec2_Placement place = {.availability_zone = req->availability_zone,
                                        .availability_zone_id = req->availability_zone_id};
    const struct ec2_type *type = ec2_type_find(req->instance_type);
    int r = create_refuse(call, req);

    if (r == 0 && !type)
        r = api_fault(call, &EC2_ERR(InvalidParameterValue),
                      "Invalid value '%.*s' for InstanceType.", STR_ARG(req->instance_type));
    if (r == 0)
        r = ec2_zone_check(call, &place, &row->zone);
    if (r == 0 && !row->zone.n)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain the parameter AvailabilityZone");
    if (r == 0 && !ec2_type_offered(type, row->zone))
        r = api_fault(call, &EC2_ERR(Unsupported),
                      "Your requested instance type (%.*s) is not supported in your requested "
                      "Availability Zone (%.*s).",
                      STR_ARG(type->name), STR_ARG(row->zone));
    if (r == 0)
        r = check_count(call, req->instance_count.v);
    if (r == 0)
        r = check_end(call, req->end_date_type, req->end_date, &row->end_ms);
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row->tags);
    return r;
}

static int
forget_old(struct api_call *call)
{
    int r = 0;

    STORE_EACH(call->txn, ec2_capacity_reservation_by_owner, row, call->account, call->region)
        if (r == 0 && !is_visible(call, row))
            r = ec2_capacity_reservation_delete(call->txn, row->id);
    return r;
}

/* The reservation that the token made, or NULL. */
static int
repeated(struct api_call *call, struct str token, struct str hash,
         const struct ec2_capacity_reservation_row **ret)
{
    *ret = token.n ? ec2_capacity_reservation_by_token_get(call->txn, call->account, call->region,
                                                           token)
                   : NULL;
    if (*ret && !str_eq((*ret)->request_hash, hash))
        return api_fault(call, &EC2_ERR(Idempotent_ParameterMismatch),
                         "Arguments on this idempotent request are inconsistent with arguments "
                         "used in previous request(s).");
    return 0;
}

static int
create(struct api_call *call, struct ec2_capacity_reservation_row *row)
{
    unsigned adopted = 0;
    int r;

    assert(row->zone.n > 0 && row->total >= 1);
    row->id = api_id(call, "cr");
    assert(ec2_capacity_reservation_ok(row));
    r = ec2_capacity_reservation_insert(call->txn, row);
    if (r == 0 && str_is(row->match, "open"))
        r = adopt(call, row, (unsigned)row->total, &adopted);
    if (r == 0)
        r = reserve(call, row, (unsigned)row->total - adopted);
    assert(r || ec2_capacity_reservation_ok(row));
    return r ? r : ec2_capacity_reservation_update(call->txn, row);
}

int
ec2_create_capacity_reservation(struct api_call *call,
                                const struct ec2_CreateCapacityReservationRequest *req,
                                struct ec2_CreateCapacityReservationResult *res)
{
    struct ec2_capacity_reservation_row row = {
        .account = call->account,
        .region = call->region,
        .type = req->instance_type,
        .platform = req->instance_platform,
        .tenancy = req->tenancy.n ? req->tenancy : S("default"),
        .total = req->instance_count.v,
        .ebs_optimized = opt_bool_or(req->ebs_optimized, false),
        .ephemeral_storage = opt_bool_or(req->ephemeral_storage, false),
        .match = req->instance_match_criteria.n ? req->instance_match_criteria : S("open"),
        .client_token = req->client_token,
        .request_hash = ec2_request_hash(call, req),
        .created_ms = call->now_ms,
    };
    const struct ec2_capacity_reservation_row *before;
    int r = repeated(call, req->client_token, row.request_hash, &before);

    if (r == 0 && !before)
        r = forget_old(call);
    if (r == 0 && !before)
        r = create_check(call, req, &row);
    if (r == 0 && !before)
        r = create(call, &row);
    if (r)
        return r;
    res->capacity_reservation = ARENA_NEW(call->arena, struct ec2_CapacityReservation);
    *res->capacity_reservation = reservation_show(call, before ? before : &row);
    return 0;
}

/* ---- ModifyCapacityReservation, CancelCapacityReservation ---- */

static int
find_active(struct api_call *call, struct str id, const struct ec2_capacity_reservation_row **ret)
{
    int r = ec2_capacity_find(call, id, ret);

    if (r == 0 && (*ret)->state != EC2_CAPACITY_ACTIVE)
        r = api_fault(call, &EC2_ERR(IncorrectState),
                      "The capacity reservation '%.*s' is not in the 'active' state", STR_ARG(id));
    return r;
}

static int
resize(struct api_call *call, int64_t count, struct ec2_capacity_reservation_row *row)
{
    int64_t used = ec2_capacity_used(call->txn, row, STR_NONE);
    int64_t have = used + (int64_t)row->hosts.n;
    int r = check_count(call, count);

    if (r)
        return r;
    if (count < used)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "%lld instances run in the capacity reservation '%.*s'", (long long)used,
                         STR_ARG(row->id));
    row->total = count;
    if (count > have)
        return reserve(call, row, (unsigned)(count - have));
    assert(have - count <= (int64_t)row->hosts.n);
    row->hosts.n -= (size_t)(have - count);
    return 0;
}

int
ec2_modify_capacity_reservation(struct api_call *call,
                                const struct ec2_ModifyCapacityReservationRequest *req,
                                struct ec2_ModifyCapacityReservationResult *res)
{
    const struct ec2_capacity_reservation_row *row;
    struct ec2_capacity_reservation_row new;
    int r = 0;

    if (req->accept.set)
        return ec2_unsupported_parameter(call, "Accept");
    if (req->additional_info.n)
        return ec2_unsupported_parameter(call, "AdditionalInfo");
    r = find_active(call, req->capacity_reservation_id, &row);
    if (r)
        return r;
    new = *row;
    if (req->end_date_type.n || req->end_date.set)
        r = check_end(call, req->end_date_type, req->end_date, &new.end_ms);
    if (r == 0 && req->instance_count.set)
        r = resize(call, req->instance_count.v, &new);
    if (r == 0 && req->instance_match_criteria.n)
        new.match = req->instance_match_criteria;
    assert(r || ec2_capacity_reservation_ok(&new));
    if (r == 0)
        r = ec2_capacity_reservation_update(call->txn, &new);
    if (r == 0)
        res->return_ = opt_bool(true);
    return r;
}

int
ec2_cancel_capacity_reservation(struct api_call *call,
                                const struct ec2_CancelCapacityReservationRequest *req,
                                struct ec2_CancelCapacityReservationResult *res)
{
    const struct ec2_capacity_reservation_row *row;
    int r = find_active(call, req->capacity_reservation_id, &row);

    if (r == 0)
        r = ec2_capacity_end(call->txn, row, EC2_CAPACITY_CANCELLED, call->now_ms);
    if (r == 0)
        res->return_ = opt_bool(true);
    return r;
}

/* ---- DescribeCapacityReservations, GetCapacityReservationUsage ---- */

static const struct api_filter capacity_filters[] = {
    {"availability-zone", "AvailabilityZone"},
    {"availability-zone-id", "AvailabilityZoneId"},
    {"end-date", "EndDate"},
    {"end-date-type", "EndDateType"},
    {"instance-match-criteria", "InstanceMatchCriteria"},
    {"instance-platform", "InstancePlatform"},
    {"instance-type", "InstanceType"},
    {"owner-id", "OwnerId"},
    {"start-date", "StartDate"},
    {"state", "State"},
    {"tenancy", "Tenancy"},
    {"tag", API_FILTER_TAGS},
};
const struct api_filter_table ec2_capacity_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_CapacityReservation, capacity_filters);

int
ec2_describe_capacity_reservations(struct api_call *call,
                                   const struct ec2_DescribeCapacityReservationsRequest *req,
                                   struct ec2_DescribeCapacityReservationsResult *res)
{
    static const struct api_page_rule rule = {
        .min = 1, .max = 1000, .ids = "capacityReservationIdSet"};
    const struct ec2_capacity_reservation_row *found;
    struct ec2_listing listing;
    int r =
        ec2_listing_open(call, &ec2_capacity_filter_table, &req->filters, &rule, req->next_token,
                         req->max_results, req->capacity_reservation_ids.n > 0, &listing);

    LIST_EACH(&req->capacity_reservation_ids, id)
        r = r ? r : ec2_capacity_find(call, *id, &found);
    if (r)
        return r;
    API_PRESENT(&res->capacity_reservations);
    STORE_EACH(call->txn, ec2_capacity_reservation_by_owner, row, call->account, call->region) {
        if (!is_visible(call, row) ||
            (req->capacity_reservation_ids.n && !str_in(&req->capacity_reservation_ids, row->id)))
            continue;
        struct ec2_CapacityReservation shown = reservation_show(call, row);

        if (ec2_listing_has(call, &listing, &shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->capacity_reservations) = shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}

/* One account uses it: there is one page. */
int
ec2_get_capacity_reservation_usage(struct api_call *call,
                                   const struct ec2_GetCapacityReservationUsageRequest *req,
                                   struct ec2_GetCapacityReservationUsageResult *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = 1000};
    const struct ec2_capacity_reservation_row *row;
    struct api_page page;
    int r = ec2_page_open(call, &rule, req->next_token, req->max_results, false, &page);

    if (r == 0)
        r = ec2_capacity_find(call, req->capacity_reservation_id, &row);
    if (r)
        return r;
    int64_t used = ec2_capacity_used(call->txn, row, STR_NONE);

    res->capacity_reservation_id = row->id;
    res->instance_type = row->type;
    res->total_instance_count = opt_i64(row->total);
    res->available_instance_count = opt_i64((int64_t)row->hosts.n);
    res->state = state_name(row);
    API_PRESENT(&res->instance_usages);
    if (used)
        *LIST_PUSH(call->arena, &res->instance_usages) = (struct ec2_InstanceUsage){
            .account_id = row->account, .used_instance_count = opt_i64(used)};
    return 0;
}

/* ---- RunInstances CapacityReservationSpecification ---- */

int
ec2_capacity_check(struct api_call *call, const struct ec2_CapacityReservationSpecification *want,
                   struct ec2_instance_row *row)
{
    const struct ec2_CapacityReservationTarget *target =
        want ? want->capacity_reservation_target : NULL;
    const struct ec2_capacity_reservation_row *found;

    row->capacity_preference = want && want->capacity_reservation_preference.n
                                   ? want->capacity_reservation_preference
                                   : S("");
    row->capacity_target = S("");
    if (!target)
        return 0;
    if (target->capacity_reservation_resource_group_arn.n)
        return ec2_unsupported_parameter(call, "CapacityReservationSpecification."
                                               "CapacityReservationTarget."
                                               "CapacityReservationResourceGroupArn");
    if (row->capacity_preference.n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "CapacityReservationPreference and CapacityReservationTarget cannot be "
                         "used together");
    if (row->group_id.n || str_is(row->tenancy, "host"))
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "A Capacity Reservation cannot be targeted from a placement group or a "
                         "Dedicated Host");
    int r = ec2_capacity_find(call, target->capacity_reservation_id, &found);

    if (r == 0)
        row->capacity_target = found->id;
    return r;
}
