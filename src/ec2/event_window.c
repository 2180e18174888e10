/*
 * Event windows: the hours of the week in which a customer lets events reboot, stop or retire its
 * instances.
 *
 * A window is looked at when an event is made, and moves the event to where the window is open
 * (ec2_event_window_fit()).  Events that are there already keep their time whatever becomes of the
 * window.
 */
#include "ec2/event_window.h"

enum {
    WINDOWS_MAX = 200, /* of an account in a Region */
    NAME_CHARACTERS_MAX = 255,
    RANGES_MAX = EVENT_WINDOW_WEEK_HOURS / EVENT_WINDOW_RANGE_HOURS_MIN,
    RANGE_TEXTS = 4, /* in the row: day, hour, day, hour */
    PAGE_MIN = 20,
    PAGE_MAX = 500,
};

/* ---- the week of a row ---- */

static int64_t
hour(struct str text)
{
    int64_t n = 0;
    bool ok = str_to_i64(text, &n);

    assert(ok); /* we wrote it */
    return ok ? n : 0;
}

static struct ec2_week
week_of(const struct ec2_event_window_row *row)
{
    struct ec2_week week = {0};
    const char *why = row->cron.n ? ec2_week_add_cron(&week, row->cron) : NULL;
    const struct str *v = row->time_ranges.v;

    for (size_t i = 0; !why && i + RANGE_TEXTS <= row->time_ranges.n; i += RANGE_TEXTS)
        why = ec2_week_add(&week, v[i], hour(v[i + 1]), v[i + 2], hour(v[i + 3]));
    assert(!why && !ec2_week_check(&week));
    return week;
}

void
ec2_event_window_fit(struct txn *txn, const struct ec2_instance_row *instance,
                     struct ec2_event_want *want)
{
    const struct ec2_event_window_row *row = ec2_event_window_of(txn, instance);

    /* Maintenance of network and power does not wait for one. */
    if (!row || str_is(want->code, "system-maintenance"))
        return;
    struct ec2_week week = week_of(row);
    int64_t at_ms = ec2_week_next(&week, want->not_before_ms);
    int64_t later_ms = at_ms - want->not_before_ms;

    assert(later_ms >= 0);
    want->not_before_ms = at_ms;
    want->not_after_ms = MIN(want->not_after_ms + later_ms, ec2_week_end(&week, at_ms));
    if (want->deadline_ms)
        want->deadline_ms += later_ms;
}

/* ---- showing, finding ---- */

struct ec2_InstanceEventWindow *
ec2_event_window_show(struct api_call *call, const struct ec2_event_window_row *row,
                      const char *state)
{
    struct ec2_InstanceEventWindow *out = ARENA_NEW(call->arena, struct ec2_InstanceEventWindow);
    const struct str *v = row->time_ranges.v;

    assert(row->time_ranges.n % RANGE_TEXTS == 0);
    *out = (struct ec2_InstanceEventWindow){
        .instance_event_window_id = row->id,
        .name = ec2_text_show(row->name),
        .cron_expression = ec2_text_show(row->cron),
        .association_target = ec2_event_window_targets(call, row->id),
        .state = str_from(state),
        .tags = ec2_tags_show(call->arena, &row->tags),
    };
    for (size_t i = 0; i + RANGE_TEXTS <= row->time_ranges.n; i += RANGE_TEXTS)
        *LIST_PUSH(call->arena, &out->time_ranges) = (struct ec2_InstanceEventWindowTimeRange){
            .start_week_day = v[i],
            .start_hour = opt_i64(hour(v[i + 1])),
            .end_week_day = v[i + 2],
            .end_hour = opt_i64(hour(v[i + 3])),
        };
    return out;
}

int
ec2_event_window_find(struct api_call *call, struct str id, const struct ec2_event_window_row **ret)
{
    int r = ec2_id_check(call, id, "iew", &EC2_ERR(InvalidInstanceEventWindowID_Malformed));
    const struct ec2_event_window_row *row = r ? NULL : ec2_event_window_get(call->txn, id);

    if (r)
        return r;
    if (!row || !ec2_mine(call, row->account, row->region))
        return ec2_missing(call, &EC2_ERR(InvalidInstanceEventWindowID_NotFound),
                           "instance event window", &(struct str_list){&id, 1});
    *ret = row;
    return 0;
}

/* ---- CreateInstanceEventWindow, ModifyInstanceEventWindow ---- */

static int
wrong(struct api_call *call, const char *what, const char *why)
{
    return api_fault(call, &EC2_ERR(InvalidParameterValue), "The %s of an event window %s", what,
                     why);
}

static struct str
number_text(struct api_call *call, int64_t n)
{
    return str_fmt(call->arena, "%lld", (long long)n);
}

static int
ranges_set(struct api_call *call, const struct ec2_InstanceEventWindowTimeRangeRequestList *ranges,
           struct ec2_week *week, struct ec2_event_window_row *row)
{
    if (ranges->n > RANGES_MAX)
        return wrong(call, "time ranges", "must not be more than a week has room for");
    row->time_ranges = (struct str_list){0};
    row->cron = S("");
    LIST_EACH(ranges, range) {
        const char *why =
            ec2_week_add(week, range->start_week_day, opt_i64_or(range->start_hour, -1),
                         range->end_week_day, opt_i64_or(range->end_hour, -1));

        if (why)
            return wrong(call, "time range", why);
        *LIST_PUSH(call->arena, &row->time_ranges) = range->start_week_day;
        *LIST_PUSH(call->arena, &row->time_ranges) = number_text(call, range->start_hour.v);
        *LIST_PUSH(call->arena, &row->time_ranges) = range->end_week_day;
        *LIST_PUSH(call->arena, &row->time_ranges) = number_text(call, range->end_hour.v);
    }
    return 0;
}

/* What both operations may say of name and time; absent members change nothing. */
static int
window_set(struct api_call *call, struct str name, struct str cron,
           const struct ec2_InstanceEventWindowTimeRangeRequestList *ranges,
           struct ec2_event_window_row *row)
{
    struct ec2_week week = {0};
    const char *why = NULL;
    int r = 0;

    if (cron.n && ranges->n)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "You can define either a set of time ranges or a cron expression, but not "
                         "both");
    if (str_chars(name) > NAME_CHARACTERS_MAX)
        return wrong(call, "name", "must not be longer than 255 characters");
    if (name.p)
        row->name = name;
    if (!cron.n && !ranges->n)
        return 0;
    if (ranges->n)
        r = ranges_set(call, ranges, &week, row);
    if (cron.n) {
        why = ec2_week_add_cron(&week, cron);
        row->cron = cron;
        row->time_ranges = (struct str_list){0};
    }
    if (r == 0 && why)
        r = wrong(call, "cron expression", why);
    if (r)
        return r;
    why = ec2_week_check(&week);
    return why ? wrong(call, "duration", why) : 0;
}

int
ec2_create_instance_event_window(struct api_call *call,
                                 const struct ec2_CreateInstanceEventWindowRequest *req,
                                 struct ec2_CreateInstanceEventWindowResult *res)
{
    static const char *const types[] = {"instance-event-window"};
    struct ec2_event_window_row row = {
        .account = call->account, .region = call->region, .created_ms = call->now_ms};
    int r = 0;

    if (!req->cron_expression.n && !req->time_ranges.n)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain the parameter TimeRange or CronExpression");
    if (r == 0)
        r = window_set(call, req->name, req->cron_expression, &req->time_ranges, &row);
    if (r == 0)
        r = ec2_tags_only(call, &req->tag_specifications, types, ARRAY_LEN(types));
    if (r == 0)
        r = ec2_tags_of(call, &req->tag_specifications, types[0], &row.tags);
    if (r == 0)
        r = ec2_limit_check(call, &ec2_event_window_by_owner, WINDOWS_MAX,
                            &EC2_ERR(InstanceEventWindowLimitExceeded), "event windows");
    if (r)
        return r;
    row.id = api_id(call, "iew");
    assert(row.cron.n > 0 || row.time_ranges.n > 0);
    r = ec2_event_window_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "event window %.*s cannot be written", STR_ARG(row.id));
    res->instance_event_window = ec2_event_window_show(call, &row, "creating");
    return 0;
}

int
ec2_modify_instance_event_window(struct api_call *call,
                                 const struct ec2_ModifyInstanceEventWindowRequest *req,
                                 struct ec2_ModifyInstanceEventWindowResult *res)
{
    const struct ec2_event_window_row *row;
    int r = ec2_event_window_find(call, req->instance_event_window_id, &row);

    if (r)
        return r;
    struct ec2_event_window_row new = *row;

    if (!req->name.p && !req->cron_expression.n && !req->time_ranges.n)
        r = api_fault(call, &EC2_ERR(MissingParameter),
                      "The request must contain one of the parameters Name, TimeRange, "
                      "CronExpression");
    if (r == 0)
        r = window_set(call, req->name, req->cron_expression, &req->time_ranges, &new);
    if (r)
        return r;
    r = ec2_event_window_update(call->txn, &new);
    if (r < 0)
        return error_origin(-r, "event window %.*s cannot be written", STR_ARG(new.id));
    res->instance_event_window = ec2_event_window_show(call, &new, "creating");
    return 0;
}

/* ---- DeleteInstanceEventWindow ---- */

int
ec2_delete_instance_event_window(struct api_call *call,
                                 const struct ec2_DeleteInstanceEventWindowRequest *req,
                                 struct ec2_DeleteInstanceEventWindowResult *res)
{
    const struct ec2_event_window_row *row;
    int r = ec2_event_window_find(call, req->instance_event_window_id, &row);

    if (r)
        return r;
    if (ec2_event_window_targets(call, row->id) && !opt_bool_or(req->force_delete, false))
        return api_fault(call, &EC2_ERR(DependencyViolation),
                         "The event window '%.*s' is associated with targets. Disassociate them, "
                         "or specify ForceDelete.",
                         STR_ARG(row->id));
    r = ec2_event_window_drop_targets(call->txn, row->id);
    if (r < 0)
        return r;
    res->instance_event_window_state =
        ARENA_NEW(call->arena, struct ec2_InstanceEventWindowStateChange);
    *res->instance_event_window_state = (struct ec2_InstanceEventWindowStateChange){
        .instance_event_window_id = str_dup(call->arena, row->id), .state = S("deleting")};
    r = ec2_event_window_delete(call->txn, row->id);
    return r < 0 ? error_origin(-r, "event window cannot be deleted") : 0;
}

/* ---- DescribeInstanceEventWindows ---- */

static const struct api_filter window_filters[] = {
    {"dedicated-host-id", "AssociationTarget.DedicatedHostIds"},
    {"event-window-name", "Name"},
    {"instance-id", "AssociationTarget.InstanceIds"},
    {"instance-tag", API_FILTER_OWN},
    {"instance-tag-key", "AssociationTarget.Tags.Key"},
    {"instance-tag-value", "AssociationTarget.Tags.Value"},
    {"tag", API_FILTER_TAGS},
};
const struct api_filter_table ec2_event_window_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_InstanceEventWindow, window_filters);

/* The filter instance-tag, KEY=VALUE. */
static bool
tag_passes(struct api_call *call, const struct ec2_FilterList *filters,
           const struct api_filter_set *set, const struct ec2_InstanceEventWindow *shown)
{
    if (!ec2_filter_given(filters, "instance-tag"))
        return true;
    if (!shown->association_target)
        return false;
    LIST_EACH(&shown->association_target->tags, tag)
        if (api_filter_allows(
                set, "instance-tag",
                str_fmt(call->arena, "%.*s=%.*s", STR_ARG(tag->key), STR_ARG(tag->value))))
            return true;
    return false;
}

int
ec2_describe_instance_event_windows(struct api_call *call,
                                    const struct ec2_DescribeInstanceEventWindowsRequest *req,
                                    struct ec2_DescribeInstanceEventWindowsResult *res)
{
    static const struct api_page_rule rule = {
        .min = PAGE_MIN, .max = PAGE_MAX, .ids = "InstanceEventWindowId"};
    const struct str_list *ids = &req->instance_event_window_ids;
    struct ec2_listing listing;
    int r = ec2_listing_open(call, &ec2_event_window_filter_table, &req->filters, &rule,
                             req->next_token, req->max_results, ids->n > 0, &listing);

    LIST_EACH(ids, id) {
        const struct ec2_event_window_row *row;

        if (r == 0)
            r = ec2_event_window_find(call, *id, &row);
    }
    if (r)
        return r;
    API_PRESENT(&res->instance_event_windows);
    STORE_EACH(call->txn, ec2_event_window_by_owner, row, call->account, call->region) {
        if (ids->n && !str_in(ids, row->id))
            continue;
        const struct ec2_InstanceEventWindow *shown = ec2_event_window_show(call, row, "active");

        if (tag_passes(call, &req->filters, &listing.filters, shown) &&
            ec2_listing_has(call, &listing, shown, row->created_ms, row->id))
            *LIST_PUSH(call->arena, &res->instance_event_windows) = *shown;
    }
    res->next_token = ec2_listing_next(call, &listing);
    return 0;
}
