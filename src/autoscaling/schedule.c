/*
 * Scheduled actions: other sizes at a time, once or by a cron expression.  A row says when it is
 * due next; the engine carries it out in the look that finds it due, and writes the next time.
 */
#include "autoscaling/autoscaling.h"

#include "codec/cron.h"

#define YEAR_MS (INT64_C(366) * 24 * 3600 * 1000)

/* What a request says of an action, in either operation. */
typedef struct autoscaling_ScheduledUpdateGroupActionRequest wanted;

/* Zones without a name's rules: UTC and fixed offsets.  What is to be added for UTC. */
static bool
zone_offset(struct str zone, int64_t *ret_ms)
{
    int64_t hours = 0;

    *ret_ms = 0;
    if (!zone.n || str_is(zone, "UTC") || str_is(zone, "Etc/UTC") || str_is(zone, "GMT") ||
        str_is(zone, "Etc/GMT"))
        return true;
    if (!str_starts(zone, S("Etc/GMT")) || zone.n < 9 || zone.n > 10 ||
        !str_to_i64(str_cut(zone, 8, zone.n), &hours) || hours < 0 || hours > 14)
        return false;
    if (zone.p[7] != '+' && zone.p[7] != '-')
        return false;
    /* Etc/GMT+5 is five hours behind */
    *ret_ms = (zone.p[7] == '+' ? hours : -hours) * 3600 * 1000;
    return true;
}

/* When it is due first after `ms`; 0: never again. */
static int64_t
due_after(const struct asg_schedule_row *row, int64_t ms)
{
    struct cron cron;
    int64_t offset_ms, at_ms;

    if (!row->recurrence.n)
        return row->start_ms > ms ? row->start_ms : 0;
    if (row->start_ms > ms)
        return row->start_ms;
    bool ok = cron_parse(row->recurrence, &cron) && zone_offset(row->time_zone, &offset_ms);

    assert(ok);
    if (!ok)
        return 0;
    at_ms = cron_next(&cron, MAX(ms - offset_ms, 0));
    if (at_ms < 0 || (row->end_ms && at_ms + offset_ms > row->end_ms))
        return 0;
    return at_ms + offset_ms;
}

/* ---- the engine's side ---- */

static struct str
change(struct api_call *call, struct str text, const char *what, int64_t from, int64_t to)
{
    return from == to ? text
                      : str_fmt(call->arena, "%.*s Setting %s from %lld to %lld.", STR_ARG(text),
                                what, (long long)from, (long long)to);
}

static void
carry_out(struct api_call *call, struct asg_group_row *group, const struct asg_schedule_row *row)
{
    int64_t min = row->min_size >= 0 ? row->min_size : group->min_size;
    int64_t max = row->max_size >= 0 ? row->max_size : group->max_size;
    int64_t desired = row->desired >= 0 ? row->desired : group->desired;
    struct str text =
        str_fmt(call->arena, "the scheduled action %.*s executed.", STR_ARG(row->name));

    /* sizes that do not go together any more: the bounds rule */
    max = MAX(max, min);
    desired = MAX(min, MIN(desired, max));
    text = change(call, text, "min size", group->min_size, min);
    text = change(call, text, "max size", group->max_size, max);
    text = change(call, text, "desired capacity", group->desired, desired);
    group->min_size = min;
    group->max_size = max;
    if (desired == group->desired)
        return;
    group->desired = desired;
    group->rebalancing = S("");
    group->retry_ms = 0;
    asg_why(call, group, text);
}

int
asg_schedules_due(struct api_call *call, struct asg_group_row *group, int64_t *ret_next_ms)
{
    struct store_cursor c = store_seek(call->txn, &asg_schedule_by_due, STORE_KEYS(group->id));
    const struct asg_schedule_row *row;
    bool ran = false;
    int r = 0;

    *ret_next_ms = 0;
    store_from(&c, STORE_KEYS((int64_t)1)); /* 0 is never */
    while (r == 0 && (row = asg_schedule_by_due_next(&c)) && row->due_ms <= call->now_ms) {
        struct asg_schedule_row changed = *row;

        changed.due_ms = due_after(row, call->now_ms);
        if (!asg_suspended(group, "ScheduledActions")) {
            carry_out(call, group, row);
            ran = true;
        }
        /* one that is over goes, as on AWS */
        r = asg_written(changed.due_ms ? asg_schedule_update(call->txn, &changed)
                                       : asg_schedule_delete(call->txn, row->id),
                        "action", changed.name);
    }
    if (r == 0 && ran)
        r = asg_group_save(call, group);
    c = store_seek(call->txn, &asg_schedule_by_due, STORE_KEYS(group->id));
    store_from(&c, STORE_KEYS((int64_t)1));
    row = asg_schedule_by_due_next(&c);
    if (row)
        *ret_next_ms = row->due_ms;
    return r;
}

/* ---- PutScheduledUpdateGroupAction ---- */

static int
schedule_check(struct api_call *call, const struct asg_schedule_row *row)
{
    struct cron cron;
    int64_t offset_ms;

    if (row->min_size < 0 && row->max_size < 0 && row->desired < 0)
        return ASG_INVALID(call, "At least one of minSize, maxSize or desiredCapacity must be "
                                 "specified");
    if (row->min_size >= 0 && row->max_size >= 0 && row->min_size > row->max_size)
        return ASG_INVALID(call, "Given max size %lld is lower than given min size %lld",
                           (long long)row->max_size, (long long)row->min_size);
    if (row->recurrence.n && !cron_parse(row->recurrence, &cron))
        return ASG_INVALID(call, "Given recurrence string: %.*s is invalid",
                           STR_ARG(row->recurrence));
    if (row->time_zone.n && !row->recurrence.n)
        return ASG_INVALID(call, "TimeZone can only be specified with Recurrence");
    if (!zone_offset(row->time_zone, &offset_ms))
        return asg_unsupported(call, "TimeZone (of other zones than UTC and Etc/GMT±N)");
    if (row->start_ms && row->start_ms < call->now_ms)
        return ASG_INVALID(call, "Given start time is in the past");
    if (row->end_ms && row->end_ms < call->now_ms)
        return ASG_INVALID(call, "Given end time is in the past");
    if (row->start_ms && row->end_ms && row->end_ms <= row->start_ms)
        return ASG_INVALID(call, "Given end time is earlier than given start time");
    if (row->start_ms > call->now_ms + YEAR_MS)
        return ASG_INVALID(call, "Given start time is more than a year in the future");
    if (!row->recurrence.n && !row->start_ms)
        return ASG_INVALID(call, "Either Recurrence or StartTime must be specified");
    return 0;
}

static int
put(struct api_call *call, const struct asg_group_row *group, const wanted *w)
{
    const struct asg_schedule_row *old =
        asg_schedule_by_name_get(call->txn, group->id, w->scheduled_action_name);
    struct asg_schedule_row row = {
        .group_id = group->id,
        .name = w->scheduled_action_name,
        .start_ms = opt_i64_or(w->start_time, 0),
        .end_ms = opt_i64_or(w->end_time, 0),
        .recurrence = w->recurrence,
        .time_zone = w->time_zone,
        .min_size = opt_i64_or(w->min_size, -1),
        .max_size = opt_i64_or(w->max_size, -1),
        .desired = opt_i64_or(w->desired_capacity, -1),
    };
    int r = schedule_check(call, &row);
    size_t n = 0;

    if (r)
        return r;
    STORE_EACH(call->txn, asg_schedule_by_name, each, group->id) {
        n += each->name.n > 0;
        if (!row.recurrence.n && !each->recurrence.n && each->start_ms == row.start_ms &&
            !str_eq(each->name, row.name))
            return api_fault(call, &ASG_ERR(AlreadyExists),
                             "Scheduled action with the given time already exists");
    }
    if (!old && n >= ASG_SCHEDULES_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d scheduled actions are allowed for an AutoScalingGroup.",
                         ASG_SCHEDULES_MAX);
    row.id = old ? old->id
                 : str_fmt(call->arena,
                           "arn:aws:autoscaling:%.*s:%.*s:scheduledUpdateGroupAction:%.*s:"
                           "autoScalingGroupName/%.*s:scheduledActionName/%.*s",
                           STR_ARG(call->region), STR_ARG(call->account),
                           STR_ARG(api_uuid(call->env, call->arena)), STR_ARG(group->name),
                           STR_ARG(row.name));
    row.due_ms = due_after(&row, call->now_ms);
    assert(row.due_ms == 0 || row.due_ms > call->now_ms);
    assert(asg_schedule_ok(&row));
    return asg_written(old ? asg_schedule_update(call->txn, &row)
                           : asg_schedule_insert(call->txn, &row),
                       "action", row.name);
}

int
asg_put_scheduled_update_group_action(
    struct api_call *call, const struct autoscaling_PutScheduledUpdateGroupActionType *req,
    struct autoscaling_PutScheduledUpdateGroupActionResult *res UNUSED)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r)
        return r;
    /* Time is StartTime's older name */
    return put(call, &group,
               &(wanted){
                   .scheduled_action_name = req->scheduled_action_name,
                   .start_time = req->start_time.set ? req->start_time : req->time,
                   .end_time = req->end_time,
                   .recurrence = req->recurrence,
                   .min_size = req->min_size,
                   .max_size = req->max_size,
                   .desired_capacity = req->desired_capacity,
                   .time_zone = req->time_zone,
               });
}

/* ---- batches: what fails is told, the rest is done ---- */

static void
tell_failed(struct api_call *call, struct str name,
            struct autoscaling_FailedScheduledUpdateGroupActionRequestList *list)
{
    *LIST_PUSH(call->arena, list) = (struct autoscaling_FailedScheduledUpdateGroupActionRequest){
        .scheduled_action_name = name,
        .error_code = call->fault.code,
        .error_message = call->fault.message,
    };
    call->fault = (struct api_fault){0};
}

int
asg_batch_put_scheduled_update_group_action(
    struct api_call *call, const struct autoscaling_BatchPutScheduledUpdateGroupActionType *req,
    struct autoscaling_BatchPutScheduledUpdateGroupActionAnswer *res)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    API_PRESENT(&res->failed_scheduled_update_group_actions);
    for (size_t i = 0; r == 0 && i < req->scheduled_update_group_actions.n; i++) {
        const wanted *w = &req->scheduled_update_group_actions.v[i];

        r = put(call, &group, w);
        if (r > 0) {
            tell_failed(call, w->scheduled_action_name,
                        &res->failed_scheduled_update_group_actions);
            r = 0;
        }
    }
    return r;
}

static int
delete_one(struct api_call *call, const struct asg_group_row *group, struct str name)
{
    const struct asg_schedule_row *row = asg_schedule_by_name_get(call->txn, group->id, name);

    if (!row)
        return ASG_INVALID(call, "Scheduled action name not found");
    return asg_written(asg_schedule_delete(call->txn, row->id), "action", name);
}

int
asg_batch_delete_scheduled_action(struct api_call *call,
                                  const struct autoscaling_BatchDeleteScheduledActionType *req,
                                  struct autoscaling_BatchDeleteScheduledActionAnswer *res)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    API_PRESENT(&res->failed_scheduled_actions);
    for (size_t i = 0; r == 0 && i < req->scheduled_action_names.n; i++) {
        r = delete_one(call, &group, req->scheduled_action_names.v[i]);
        if (r > 0) {
            tell_failed(call, req->scheduled_action_names.v[i], &res->failed_scheduled_actions);
            r = 0;
        }
    }
    return r;
}

int
asg_delete_scheduled_action(struct api_call *call,
                            const struct autoscaling_DeleteScheduledActionType *req,
                            struct autoscaling_DeleteScheduledActionResult *res UNUSED)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    return r ? r : delete_one(call, &group, req->scheduled_action_name);
}

/* ---- DescribeScheduledActions ---- */

static struct opt_i64
if_any(int64_t v, int64_t none)
{
    return (struct opt_i64){v, v != none};
}

static struct autoscaling_ScheduledUpdateGroupAction
show(const struct asg_group_row *group, const struct asg_schedule_row *row)
{
    /* a recurring one begins when it is next due */
    struct opt_i64 start = if_any(row->recurrence.n ? row->due_ms : row->start_ms, 0);

    return (struct autoscaling_ScheduledUpdateGroupAction){
        .auto_scaling_group_name = group->name,
        .scheduled_action_name = row->name,
        .scheduled_action_arn = row->id,
        .time = start,
        .start_time = start,
        .end_time = if_any(row->end_ms, 0),
        .recurrence = row->recurrence.n ? row->recurrence : STR_NONE,
        .min_size = if_any(row->min_size, -1),
        .max_size = if_any(row->max_size, -1),
        .desired_capacity = if_any(row->desired, -1),
        .time_zone = row->time_zone.n ? row->time_zone : STR_NONE,
    };
}

static bool
is_asked(const struct autoscaling_DescribeScheduledActionsType *req,
         const struct asg_schedule_row *row)
{
    /* names exclude the times */
    if (req->scheduled_action_names.n)
        return str_in(&req->scheduled_action_names, row->name) ||
               str_in(&req->scheduled_action_names, row->id);
    return (!req->start_time.set || row->due_ms >= req->start_time.v) &&
           (!req->end_time.set || row->due_ms <= req->end_time.v);
}

int
asg_describe_scheduled_actions(struct api_call *call,
                               const struct autoscaling_DescribeScheduledActionsType *req,
                               struct autoscaling_ScheduledActionsType *res)
{
    struct asg_group_row only;
    struct api_page page;
    int r = asg_page_open(call, req->next_token, req->max_records, 50, &page);

    if (r == 0 && req->auto_scaling_group_name.n)
        r = asg_group_find(call, req->auto_scaling_group_name, &only);
    if (r)
        return r;
    API_PRESENT(&res->scheduled_update_group_actions);
    STORE_EACH(call->txn, asg_group_by_name, group, call->account, call->region) {
        if (req->auto_scaling_group_name.n && !str_eq(group->id, only.id))
            continue;
        STORE_EACH(call->txn, asg_schedule_by_name, row, group->id) {
            struct str key =
                str_fmt(call->arena, "%.*s\n%.*s", STR_ARG(group->name), STR_ARG(row->name));

            if (is_asked(req, row) && api_page_take(&page, key))
                *LIST_PUSH(call->arena, &res->scheduled_update_group_actions) = show(group, row);
        }
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}
