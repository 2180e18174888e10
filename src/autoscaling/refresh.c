/*
 * Instance refreshes: all instances that a group has now are replaced, so many at a time that
 * enough healthy ones stay.  A row holds who is left; the engine ends them, and the group's own
 * growing replaces them.
 */
#include "autoscaling/engine.h"

enum { MIN_HEALTHY = 90 };

const struct asg_refresh_row *
asg_refresh_active(struct api_call *call, struct str group_id)
{
    STORE_EACH(call->txn, asg_refresh_by_group, row, group_id) {
        assert(row->total >= (int64_t)row->left.n && row->place < 0);
        return row->end_ms ? NULL : row;
    }
    return NULL;
}

static int
save(struct api_call *call, const struct asg_refresh_row *row)
{
    assert(row->min_healthy >= 0 && row->min_healthy <= 100);
    return asg_written(asg_refresh_update(call->txn, row), "refresh", row->id);
}

/* ---- the engine's side ---- */

static const struct asg_instance_row *
member(const struct asg_look *look, struct str id)
{
    LIST_EACH(&look->instances, row)
        if (str_eq(row->id, id))
            return row;
    return NULL;
}

static bool
matches(const struct asg_group_row *group, const struct asg_instance_row *row)
{
    return group->launch_config.n ? str_eq(group->launch_config, row->launch_config)
                                  : str_eq(group->template_id, row->template_id) &&
                                        str_eq(group->template_version, row->template_version);
}

/* Whether it is still to be replaced: it is there, and nothing exempts it. */
static bool
is_left(const struct asg_look *look, const struct asg_refresh_row *refresh, struct str id)
{
    const struct asg_instance_row *row = member(look, id);

    if (!row || (!asg_counts(row) && row->state != ASG_STANDBY))
        return false;
    if (row->state == ASG_STANDBY && str_is(refresh->standby, "Ignore"))
        return false;
    return !row->protected || !str_is(refresh->protected, "Ignore");
}

static bool
may_end(const struct asg_refresh_row *refresh, const struct asg_instance_row *row)
{
    if (row->state == ASG_STANDBY)
        return str_is(refresh->standby, "Terminate");
    return row->state == ASG_IN_SERVICE &&
           (!row->protected || str_is(refresh->protected, "Refresh"));
}

/* How many serve: the old ones, and new ones that are warm. */
static int64_t
serving(struct asg_look *look, const struct asg_refresh_row *refresh)
{
    int64_t n = 0;

    LIST_EACH(&look->instances, row) {
        int64_t warm_ms = row->service_ms + refresh->warmup_s * 1000;

        if (row->state != ASG_IN_SERVICE || row->unhealthy)
            continue;
        if (row->service_ms > refresh->start_ms && warm_ms > look->call->now_ms)
            asg_look_next(look, warm_ms);
        else
            n++;
    }
    return n;
}

static int
end_some(struct asg_look *look, const struct asg_refresh_row *refresh, int64_t budget)
{
    struct api_call *call = look->call;
    int r = 0;

    LIST_EACH(&look->instances, row) {
        bool serves = row->state == ASG_IN_SERVICE;

        if (r || !str_in(&refresh->left, row->id) || !may_end(refresh, row) ||
            (serves && budget <= 0))
            continue;
        budget -= serves;
        look->changed = true;
        r = asg_terminate_begin(call, &look->group, row,
                                str_fmt(call->arena,
                                        "At %.*s an instance was taken out of service in response "
                                        "to an instance refresh.",
                                        STR_ARG(asg_time(call))));
    }
    return r;
}

int
asg_refresh_step(struct asg_look *look)
{
    const struct asg_refresh_row *row = asg_refresh_active(look->call, look->group.id);
    const struct asg_group_row *g = &look->group;
    struct str_list left = {0};

    if (!row || asg_suspended(g, "InstanceRefresh") || asg_suspended(g, "Launch") ||
        asg_suspended(g, "Terminate"))
        return 0;
    struct asg_refresh_row changed = *row;

    LIST_EACH(&row->left, id)
        if (is_left(look, row, *id))
            *LIST_PUSH(look->call->arena, &left) = *id;
    changed.left = left;
    changed.status = S("InProgress");
    int64_t n = serving(look, row), live = asg_live(look, STR_NONE);
    int64_t need = (g->desired * row->min_healthy + 99) / 100;

    if (left.n == 0 && live == g->desired && n >= live) {
        changed.status = S("Successful");
        changed.end_ms = look->call->now_ms;
        return save(look->call, &changed);
    }
    /* when all serve, one may go in any case */
    int64_t budget = n >= g->desired ? MAX(n - need, 1) : n - need;
    int r = end_some(look, &changed, budget);

    return r ? r : save(look->call, &changed);
}

/* ---- StartInstanceRefresh ---- */

static int
preferences_read(struct api_call *call, const struct autoscaling_RefreshPreferences *p,
                 const struct asg_group_row *group, struct asg_refresh_row *row)
{
    const struct autoscaling_RefreshPreferences none = {0};

    p = p ? p : &none;
    const struct asg_refusal refusals[] = {
        {p->checkpoint_percentages.n, "CheckpointPercentages"},
        {p->checkpoint_delay.set, "CheckpointDelay"},
        {opt_bool_or(p->auto_rollback, false), "AutoRollback"},
        {p->alarm_specification, "AlarmSpecification"},
        {opt_i64_or(p->max_healthy_percentage, 100) != 100, "MaxHealthyPercentage"},
        {opt_i64_or(p->bake_time, 0) != 0, "BakeTime"},
    };
    int64_t usual = group->warmup_s >= 0 ? group->warmup_s : group->grace_s;

    row->min_healthy = opt_i64_or(p->min_healthy_percentage, MIN_HEALTHY);
    row->warmup_s = opt_i64_or(p->instance_warmup, usual);
    row->skip_matching = opt_bool_or(p->skip_matching, false);
    row->protected =
        p->scale_in_protected_instances.n ? p->scale_in_protected_instances : S("Wait");
    row->standby = p->standby_instances.n ? p->standby_instances : S("Wait");
    assert(row->min_healthy >= 0 && row->min_healthy <= 100 && row->warmup_s >= 0);
    return asg_refuse_first(call, refusals, ARRAY_LEN(refusals));
}

int
asg_start_instance_refresh(struct api_call *call,
                           const struct autoscaling_StartInstanceRefreshType *req,
                           struct autoscaling_StartInstanceRefreshAnswer *res)
{
    struct asg_refresh_row row = {.account = call->account,
                                  .region = call->region,
                                  .status = S("Pending"),
                                  .start_ms = call->now_ms};
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0 && req->strategy.n && !str_is(req->strategy, "Rolling"))
        r = asg_unsupported(call, "Strategy ReplaceRootVolume");
    if (r == 0 && req->desired_configuration)
        r = asg_unsupported(call, "DesiredConfiguration");
    if (r == 0)
        r = preferences_read(call, req->preferences, &group, &row);
    if (r)
        return r;
    if (asg_refresh_active(call, group.id))
        return api_fault(call, &ASG_ERR(InstanceRefreshInProgress),
                         "An Instance Refresh is already in progress and blocks the execution of "
                         "this Instance Refresh.");
    STORE_EACH(call->txn, asg_instance_by_group, instance, group.id)
        if (!row.skip_matching || !matches(&group, instance))
            *LIST_PUSH(call->arena, &row.left) = instance->id;
    row.id = api_uuid(call->env, call->arena);
    row.group_id = group.id;
    row.place = -call->now_ms;
    row.total = (int64_t)row.left.n;
    res->instance_refresh_id = row.id;
    return asg_written(asg_refresh_insert(call->txn, &row), "refresh", row.id);
}

/* ---- CancelInstanceRefresh, DescribeInstanceRefreshes ---- */

int
asg_cancel_instance_refresh(struct api_call *call,
                            const struct autoscaling_CancelInstanceRefreshType *req,
                            struct autoscaling_CancelInstanceRefreshAnswer *res)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);
    const struct asg_refresh_row *row = r ? NULL : asg_refresh_active(call, group.id);

    if (r)
        return r;
    if (req->wait_for_transitioning_instances.set && !req->wait_for_transitioning_instances.v)
        return asg_unsupported(call, "WaitForTransitioningInstances");
    if (!row)
        return api_fault(call, &ASG_ERR(ActiveInstanceRefreshNotFound),
                         "No in progress or pending Instance Refresh found for Auto Scaling group "
                         "%.*s",
                         STR_ARG(group.name));
    struct asg_refresh_row changed = *row;

    changed.status = S("Cancelled");
    changed.reason = S("Cancelled due to user request.");
    changed.end_ms = call->now_ms;
    res->instance_refresh_id = row->id;
    return save(call, &changed);
}

static struct autoscaling_InstanceRefresh
show(struct api_call *call, const struct asg_group_row *group, const struct asg_refresh_row *row)
{
    int64_t left = (int64_t)row->left.n;
    struct autoscaling_InstanceRefresh out = {
        .instance_refresh_id = row->id,
        .auto_scaling_group_name = group->name,
        .status = row->status,
        .status_reason = row->reason.n ? row->reason : STR_NONE,
        .start_time = opt_i64(row->start_ms),
        .end_time = {row->end_ms, row->end_ms != 0},
        .percentage_complete = opt_i64(str_is(row->status, "Successful") || !row->total
                                           ? 100
                                           : 100 * (row->total - left) / row->total),
        .instances_to_update = opt_i64(left),
        .strategy = S("Rolling"),
        .preferences = ARENA_NEW(call->arena, struct autoscaling_RefreshPreferences),
    };

    *out.preferences = (struct autoscaling_RefreshPreferences){
        .min_healthy_percentage = opt_i64(row->min_healthy),
        .max_healthy_percentage = opt_i64(100),
        .instance_warmup = opt_i64(row->warmup_s),
        .skip_matching = opt_bool(row->skip_matching),
        .auto_rollback = opt_bool(false),
        .scale_in_protected_instances = row->protected,
        .standby_instances = row->standby,
    };
    return out;
}

int
asg_describe_instance_refreshes(struct api_call *call,
                                const struct autoscaling_DescribeInstanceRefreshesType *req,
                                struct autoscaling_DescribeInstanceRefreshesAnswer *res)
{
    struct asg_group_row group;
    struct api_page page;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 50, &page);
    if (r)
        return r;
    API_PRESENT(&res->instance_refreshes);
    STORE_EACH(call->txn, asg_refresh_by_group, row, group.id) {
        struct str key = str_fmt(call->arena, "%020lld%.*s", (long long)(INT64_MAX + row->place),
                                 STR_ARG(row->id));

        if (req->instance_refresh_ids.n && !str_in(&req->instance_refresh_ids, row->id))
            continue;
        if (api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->instance_refreshes) = show(call, &group, row);
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}
