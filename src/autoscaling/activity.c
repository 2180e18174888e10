/*
 * Activities: what was done to a group and why, in AWS's words.  They are kept for six weeks,
 * longer than their group may live.
 */
#include "autoscaling/autoscaling.h"

#include "api/event.h"
#include "base/timefmt.h"
#include "codec/json.h"

#define KEPT_MS (INT64_C(42) * 24 * 3600 * 1000)
#define PLACES_A_MS 1024 /* activities of one millisecond that are told apart by their number */

struct str
asg_time(struct api_call *call)
{
    return time_iso_s(call->arena, call->now_ms);
}

static struct str
shortened(struct str s, size_t max)
{
    return str_cut(s, 0, max);
}

struct str
asg_cause(struct api_call *call, const struct asg_group_row *group, struct str sentence)
{
    struct str_list all = {0};

    LIST_EACH(&group->why, why)
        *LIST_PUSH(call->arena, &all) = *why;
    *LIST_PUSH(call->arena, &all) =
        str_fmt(call->arena, "At %.*s %.*s", STR_ARG(asg_time(call)), STR_ARG(sentence));
    return shortened(str_join(call->arena, &all, S("  ")), ASG_CAUSE_MAX);
}

void
asg_why(struct api_call *call, struct asg_group_row *group, struct str sentence)
{
    struct str_list why = {0};

    assert(sentence.n > 0 && sentence.p[sentence.n - 1] == '.');
    *LIST_PUSH(call->arena, &why) =
        str_fmt(call->arena, "At %.*s %.*s", STR_ARG(asg_time(call)), STR_ARG(sentence));
    group->why = why;
}

struct str
asg_details(struct api_call *call, struct str subnet_id, struct str zone)
{
    struct buf buf;

    buf_init(&buf, 1024);
    struct json_out o = {.buf = &buf};

    json_open(&o, '{');
    if (subnet_id.n)
        json_key_str(&o, "Subnet ID", subnet_id);
    json_key_str(&o, "Availability Zone", zone);
    json_close(&o, '}');
    struct str text = str_dup(call->arena, buf_str(&buf));

    assert(!buf_failed(&buf));
    buf_done(&buf);
    return text;
}

/* ---- rows ---- */

/* Those that began more than six weeks ago, of all groups of the account. */
static int
forget_old(struct api_call *call)
{
    struct store_cursor c =
        store_seek(call->txn, &asg_activity_by_owner, STORE_KEYS(call->account, call->region));
    const struct asg_activity_row *row;
    int r = 0;

    store_from(&c, STORE_KEYS(-(call->now_ms - KEPT_MS) * PLACES_A_MS));
    while (r == 0 && (row = asg_activity_by_owner_next(&c)))
        r = asg_written(asg_activity_delete(call->txn, row->id), "activity", row->id);
    return r;
}

int
asg_activity_begin(struct api_call *call, struct asg_group_row *group, struct asg_activity_row *row)
{
    int r = forget_old(call);

    if (r)
        return r;
    assert(row->description.n > 0 && row->cause.n > 0 && row->status.n > 0);
    assert(row->cause.n <= ASG_CAUSE_MAX && row->progress >= 0 && row->progress <= 100);
    row->id = api_uuid(call->env, call->arena);
    row->account = call->account;
    row->region = call->region;
    row->group_id = group->id;
    row->group_name = group->name;
    row->place = -(call->now_ms * PLACES_A_MS + group->activities % PLACES_A_MS);
    row->start_ms = call->now_ms;
    group->activities++;
    assert(asg_activity_ok(row));
    return asg_written(asg_activity_insert(call->txn, row), "activity", row->id);
}

int
asg_activity_step(struct api_call *call, struct str id, const char *status, int64_t progress)
{
    const struct asg_activity_row *old = asg_activity_get(call->txn, id);

    if (!old || old->end_ms)
        return 0;
    struct asg_activity_row row = *old;

    assert(progress >= 0 && progress <= 100);
    row.status = str_from(status);
    row.progress = progress;
    return asg_written(asg_activity_update(call->txn, &row), "activity", id);
}

int
asg_activity_end(struct api_call *call, struct str id, const char *status, struct str message)
{
    const struct asg_activity_row *old = asg_activity_get(call->txn, id);

    /* forgotten after six weeks, or ended before: an instance that left twice */
    if (!old || old->end_ms)
        return 0;
    struct asg_activity_row row = *old;

    row.status = str_from(status);
    row.progress = 100;
    row.end_ms = call->now_ms;
    if (message.n) {
        row.message = shortened(message, ASG_MESSAGE_MAX);
        row.description = str_fmt(call->arena, "%.*s.  Status Reason: %.*s",
                                  STR_ARG(row.description), STR_ARG(message));
    }
    assert(asg_activity_ok(&row));
    return asg_written(asg_activity_update(call->txn, &row), "activity", id);
}

bool
asg_activity_runs(struct api_call *call, struct str group_id)
{
    STORE_EACH(call->txn, asg_activity_by_group, row, group_id)
        if (!row->end_ms)
            return true;
    return false;
}

struct autoscaling_Activity
asg_activity_show(const struct asg_activity_row *row)
{
    assert(asg_activity_ok(row));
    return (struct autoscaling_Activity){
        .activity_id = row->id,
        .auto_scaling_group_name = row->group_name,
        .auto_scaling_group_arn = row->group_id,
        .description = row->description,
        .cause = row->cause,
        .start_time = opt_i64(row->start_ms),
        .end_time = {row->end_ms, row->end_ms != 0},
        .status_code = row->status,
        .status_message = row->message.n ? row->message : STR_NONE,
        .progress = opt_i64(row->progress),
        .details = row->details,
    };
}

/* ---- DescribeScalingActivities ---- */

struct asked {
    int64_t from_ms, to_ms;
    struct api_page page;
};

static int
filters_read(struct api_call *call, const struct autoscaling_FilterList *filters, struct asked *a)
{
    a->from_ms = call->now_ms - KEPT_MS;
    a->to_ms = INT64_MAX;
    LIST_EACH(filters, f) {
        bool lower = str_is(f->name, "StartTimeLowerBound");
        int64_t ms;

        if (!lower && !str_is(f->name, "StartTimeUpperBound"))
            return ASG_INVALID(call, "Invalid filter name: %.*s", STR_ARG(f->name));
        if (f->values.n != 1 || !time_parse_iso(f->values.v[0], &ms))
            return ASG_INVALID(call, "Invalid value for filter %.*s", STR_ARG(f->name));
        if (lower)
            a->from_ms = MAX(a->from_ms, ms);
        else
            a->to_ms = ms;
    }
    return 0;
}

/* Shows the row when it is asked for. */
static void
show_if(struct api_call *call, const struct autoscaling_DescribeScalingActivitiesType *req,
        struct asked *a, const struct asg_activity_row *row, struct autoscaling_ActivityList *list)
{
    const struct asg_group_row *group = asg_group_get(call->txn, row->group_id);

    if (row->start_ms < a->from_ms || row->start_ms > a->to_ms)
        return;
    if (req->activity_ids.n && !str_in(&req->activity_ids, row->id))
        return;
    if (!group && !opt_bool_or(req->include_deleted_groups, false))
        return;
    /* the order of the index: the larger the place, the older */
    struct str key =
        str_fmt(call->arena, "%020llu%.*s",
                (unsigned long long)(UINT64_C(1) << 63) + (uint64_t)row->place, STR_ARG(row->id));

    if (api_page_take(&a->page, key)) {
        struct autoscaling_Activity *out = LIST_PUSH(call->arena, list);

        *out = asg_activity_show(row);
        if (!group)
            out->auto_scaling_group_state = S("Deleted");
    }
}

int
asg_describe_scaling_activities(struct api_call *call,
                                const struct autoscaling_DescribeScalingActivitiesType *req,
                                struct autoscaling_ActivitiesType *res)
{
    struct asked a;
    int r = filters_read(call, &req->filters, &a);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 100, &a.page);
    if (r)
        return r;
    API_PRESENT(&res->activities);
    const struct asg_group_row *group =
        req->auto_scaling_group_name.p ? asg_group_look(call, req->auto_scaling_group_name) : NULL;
    bool deleted = opt_bool_or(req->include_deleted_groups, false);

    if (req->auto_scaling_group_name.p && !group && !deleted)
        return ASG_INVALID(call,
                           "AutoScalingGroup name not found - AutoScalingGroup '%.*s' not found",
                           STR_ARG(req->auto_scaling_group_name));
    STORE_EACH(call->txn, asg_activity_by_owner, row, call->account, call->region) {
        bool mine = !req->auto_scaling_group_name.p ||
                    str_eq(row->group_name, req->auto_scaling_group_name) ||
                    str_eq(row->group_id, req->auto_scaling_group_name);

        if (mine)
            show_if(call, req, &a, row, &res->activities);
        if (a.page.more)
            break;
    }
    res->next_token = asg_page_next(call, &a.page);
    return 0;
}

/* ---- events ---- */

int
asg_event(struct api_call *call, const struct asg_group_row *group,
          const struct asg_activity_row *activity, const char *detail_type)
{
    struct buf buf;
    struct str_list resources = {0};

    buf_init(&buf, 16 << 10);
    struct json_out o = {.buf = &buf};

    json_open(&o, '{');
    json_key_str(&o, "StatusCode", activity->status);
    json_key_str(&o, "Description", activity->description);
    json_key_str(&o, "AutoScalingGroupName", group->name);
    json_key_str(&o, "ActivityId", activity->id);
    json_key(&o, S("Details"));
    json_raw(&o, activity->details);
    json_key_str(&o, "RequestId", activity->id);
    json_key_str(&o, "StatusMessage", activity->message);
    json_key_str(&o, "EndTime", time_iso(call->arena, call->now_ms));
    json_key_str(&o, "EC2InstanceId", activity->instance_id);
    json_key_str(&o, "StartTime", time_iso(call->arena, activity->start_ms));
    json_key_str(&o, "Cause", activity->cause);
    json_close(&o, '}');
    *LIST_PUSH(call->arena, &resources) = group->id;
    if (activity->instance_id.n)
        *LIST_PUSH(call->arena, &resources) =
            str_fmt(call->arena, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(call->region),
                    STR_ARG(call->account), STR_ARG(activity->instance_id));
    assert(activity->details.n > 0 && !buf_failed(&buf));
    int r = api_event_put(call, "aws.autoscaling", detail_type, resources,
                          str_dup(call->arena, buf_str(&buf)));

    buf_done(&buf);
    return r;
}
