/* Instance refreshes: the operations.  refresh.c carries them out. */
#include "autoscaling/autoscaling.h"

enum { MIN_HEALTHY = 90, MAX_HEALTHY = 100, CHECKPOINT_DELAY_S = 3600 };

/* ---- StartInstanceRefresh ---- */

static int
checkpoints_read(struct api_call *call, const struct autoscaling_RefreshPreferences *p,
                 struct asg_refresh_row *row)
{
    int64_t before = 0;

    if (p->checkpoint_delay.set && !p->checkpoint_percentages.n)
        return ASG_INVALID(call, "CheckpointDelay requires CheckpointPercentages");
    LIST_EACH(&p->checkpoint_percentages, percent) {
        if (*percent <= before || *percent > 100)
            return ASG_INVALID(call, "CheckpointPercentages must be unique numbers between 1 and "
                                     "100 in ascending order");
        before = *percent;
        *LIST_PUSH(call->arena, &row->checkpoints) =
            str_fmt(call->arena, "%lld", (long long)*percent);
    }
    row->delay_s = opt_i64_or(p->checkpoint_delay, row->checkpoints.n ? CHECKPOINT_DELAY_S : 0);
    return 0;
}

static int
health_read(struct api_call *call, const struct autoscaling_RefreshPreferences *p,
            const struct asg_group_row *group, struct asg_refresh_row *row)
{
    row->min_healthy =
        opt_i64_or(p->min_healthy_percentage, group->keep_max ? group->keep_min : MIN_HEALTHY);
    row->max_healthy =
        opt_i64_or(p->max_healthy_percentage, group->keep_max ? group->keep_max : MAX_HEALTHY);
    if (p->max_healthy_percentage.set && !p->min_healthy_percentage.set)
        return ASG_INVALID(call, "MinHealthyPercentage must be specified when "
                                 "MaxHealthyPercentage is specified");
    if (row->max_healthy - row->min_healthy > 100)
        return ASG_INVALID(call, "The difference between MinHealthyPercentage and "
                                 "MaxHealthyPercentage cannot be greater than 100");
    return 0;
}

static int
preferences_read(struct api_call *call, const struct autoscaling_RefreshPreferences *p,
                 const struct asg_group_row *group, struct asg_refresh_row *row)
{
    const struct autoscaling_RefreshPreferences none = {0};
    int64_t usual = group->warmup_s >= 0 ? group->warmup_s : group->grace_s;

    p = p ? p : &none;
    row->warmup_s = opt_i64_or(p->instance_warmup, usual);
    row->skip_matching = opt_bool_or(p->skip_matching, false);
    row->auto_rollback = opt_bool_or(p->auto_rollback, false);
    row->bake_s = opt_i64_or(p->bake_time, 0);
    if (p->alarm_specification)
        row->alarms = p->alarm_specification->alarms;
    row->protected =
        p->scale_in_protected_instances.n ? p->scale_in_protected_instances : S("Wait");
    row->standby = p->standby_instances.n ? p->standby_instances : S("Wait");
    int r = checkpoints_read(call, p, row);

    if (r == 0)
        r = health_read(call, p, group, row);
    if (r == 0 && row->auto_rollback && !asg_refresh_reversible(group, row))
        r = ASG_INVALID(call, "AutoRollback requires a DesiredConfiguration, and a group whose "
                              "launch template has a version other than $Latest and $Default");
    return r;
}

static int
configuration_read(struct api_call *call, const struct autoscaling_DesiredConfiguration *c,
                   const struct asg_group_row *group, struct asg_refresh_row *row)
{
    struct asg_group_row want = *group;

    if (!c)
        return 0;
    int r = asg_launch_set(call, S(""), c->launch_template, c->mixed_instances_policy, &want);

    if (r)
        return r;
    if (want.mixed.n && want.pool)
        return ASG_INVALID(call, "You can't have a mixed instances policy in an Auto Scaling group "
                                 "that has a warm pool.");
    row->template_id = want.template_id;
    row->template_name = want.template_name;
    row->template_version = want.template_version;
    row->mixed = want.mixed;
    assert(row->template_id.n > 0);
    return 0;
}

int
asg_start_instance_refresh(struct api_call *call,
                           const struct autoscaling_StartInstanceRefreshType *req,
                           struct autoscaling_StartInstanceRefreshAnswer *res)
{
    struct asg_refresh_row row = {.account = call->account,
                                  .region = call->region,
                                  .status = S("Pending"),
                                  .start_ms = call->now_ms,
                                  .moved_ms = call->now_ms};
    struct asg_group_row group, want;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0 && req->strategy.n && !str_is(req->strategy, "Rolling"))
        r = asg_unsupported(call, "Strategy ReplaceRootVolume");
    if (r == 0)
        r = configuration_read(call, req->desired_configuration, &group, &row);
    if (r == 0)
        r = preferences_read(call, req->preferences, &group, &row);
    if (r)
        return r;
    if (asg_refresh_active(call, group.id))
        return api_fault(call, &ASG_ERR(InstanceRefreshInProgress),
                         "An Instance Refresh is already in progress and blocks the execution of "
                         "this Instance Refresh.");
    want = group;
    asg_refresh_apply(&row, &want);
    STORE_EACH(call->txn, asg_instance_by_group, instance, group.id)
        if (!row.skip_matching || !asg_matches(call, &want, instance))
            *LIST_PUSH(call->arena, &row.left) = instance->id;
    row.id = api_uuid(call->env, call->arena);
    row.group_id = group.id;
    assert(row.min_healthy >= 0 && row.max_healthy >= 100);
    row.place = -call->now_ms;
    row.total = (int64_t)row.left.n;
    res->instance_refresh_id = row.id;
    return asg_written(asg_refresh_insert(call->txn, &row), "refresh", row.id);
}

/* ---- CancelInstanceRefresh, RollbackInstanceRefresh ---- */

static int
active_find(struct api_call *call, struct str name, struct asg_group_row *group,
            struct asg_refresh_row *ret)
{
    int r = asg_group_find(call, name, group);
    const struct asg_refresh_row *row = r ? NULL : asg_refresh_active(call, group->id);

    if (r == 0 && !row)
        return api_fault(call, &ASG_ERR(ActiveInstanceRefreshNotFound),
                         "No in progress or pending Instance Refresh found for Auto Scaling group "
                         "%.*s",
                         STR_ARG(group->name));
    if (row)
        *ret = *row;
    return r;
}

int
asg_cancel_instance_refresh(struct api_call *call,
                            const struct autoscaling_CancelInstanceRefreshType *req,
                            struct autoscaling_CancelInstanceRefreshAnswer *res)
{
    struct asg_group_row group;
    struct asg_refresh_row row;
    int r = active_find(call, req->auto_scaling_group_name, &group, &row);

    if (r)
        return r;
    row.reason = S("Cancelled due to user request.");
    row.status = S("Cancelling");
    if (!opt_bool_or(req->wait_for_transitioning_instances, true)) {
        row.status = S("Cancelled");
        row.end_ms = call->now_ms;
    }
    res->instance_refresh_id = row.id;
    return asg_refresh_save(call, &row);
}

int
asg_rollback_instance_refresh(struct api_call *call,
                              const struct autoscaling_RollbackInstanceRefreshType *req,
                              struct autoscaling_RollbackInstanceRefreshAnswer *res)
{
    struct asg_group_row group;
    struct asg_refresh_row row;
    int r = active_find(call, req->auto_scaling_group_name, &group, &row);

    if (r)
        return r;
    if (row.rollback_ms || str_is(row.status, "Cancelling") ||
        !asg_refresh_reversible(&group, &row))
        return api_fault(call, &ASG_ERR(IrreversibleInstanceRefresh),
                         "The Instance Refresh of Auto Scaling group %.*s cannot be rolled back.",
                         STR_ARG(group.name));
    asg_refresh_undo(call, &group, &row, S("Rollback due to user request."));
    res->instance_refresh_id = row.id;
    return asg_refresh_save(call, &row);
}

/* ---- DescribeInstanceRefreshes ---- */

static struct autoscaling_RefreshPreferences *
preferences_show(struct api_call *call, const struct asg_refresh_row *row)
{
    struct autoscaling_RefreshPreferences *out =
        ARENA_NEW(call->arena, struct autoscaling_RefreshPreferences);
    int64_t percent;

    *out = (struct autoscaling_RefreshPreferences){
        .min_healthy_percentage = opt_i64(row->min_healthy),
        .max_healthy_percentage = opt_i64(MAX(row->max_healthy, 100)),
        .instance_warmup = opt_i64(row->warmup_s),
        .skip_matching = opt_bool(row->skip_matching),
        .auto_rollback = opt_bool(row->auto_rollback),
        .scale_in_protected_instances = row->protected,
        .standby_instances = row->standby,
        .checkpoint_delay = {row->delay_s, row->checkpoints.n > 0},
        .bake_time = {row->bake_s, row->bake_s > 0},
    };
    LIST_EACH(&row->checkpoints, text)
        if (str_to_i64(*text, &percent))
            *LIST_PUSH(call->arena, &out->checkpoint_percentages) = percent;
    if (row->alarms.n) {
        out->alarm_specification = ARENA_NEW(call->arena, struct autoscaling_AlarmSpecification);
        out->alarm_specification->alarms = row->alarms;
    }
    return out;
}

static struct autoscaling_DesiredConfiguration *
configuration_show(struct api_call *call, const struct asg_refresh_row *row)
{
    struct autoscaling_DesiredConfiguration *out;
    const struct asg_group_row group = {.mixed = row->mixed};

    if (!row->template_id.n)
        return NULL;
    out = ARENA_NEW(call->arena, struct autoscaling_DesiredConfiguration);
    if (row->mixed.n) {
        /* what cannot be read is left out, and was told by asg_kept() */
        (void)asg_mixed_get(call, &group, &out->mixed_instances_policy);
        return out;
    }
    out->launch_template = ARENA_NEW(call->arena, struct autoscaling_LaunchTemplateSpecification);
    *out->launch_template = (struct autoscaling_LaunchTemplateSpecification){
        .launch_template_id = row->template_id,
        .launch_template_name = row->template_name,
        .version = row->template_version.n ? row->template_version : STR_NONE,
    };
    return out;
}

static int64_t
percent_of(int64_t left, int64_t total, bool done)
{
    assert(left >= 0 && total >= 0);
    return done || !total ? 100 : MAX(0, 100 * (total - left) / total);
}

static struct autoscaling_InstanceRefresh
show(struct api_call *call, const struct asg_group_row *group, const struct asg_refresh_row *row)
{
    int64_t left = (int64_t)row->left.n;
    bool done = str_is(row->status, "Successful") || str_is(row->status, "RollbackSuccessful");
    struct autoscaling_InstanceRefresh out = {
        .instance_refresh_id = row->id,
        .auto_scaling_group_name = group->name,
        .status = row->status,
        .status_reason = row->reason.n ? row->reason : STR_NONE,
        .start_time = opt_i64(row->start_ms),
        .end_time = {row->end_ms, row->end_ms != 0},
        .percentage_complete = opt_i64(percent_of(left, row->total, done && !row->rollback_ms)),
        .instances_to_update = opt_i64(left),
        .strategy = S("Rolling"),
        .preferences = preferences_show(call, row),
        .desired_configuration = configuration_show(call, row),
    };

    if (row->rollback_ms) {
        out.rollback_details = ARENA_NEW(call->arena, struct autoscaling_RollbackDetails);
        *out.rollback_details = (struct autoscaling_RollbackDetails){
            .rollback_reason = row->rollback_reason,
            .rollback_start_time = opt_i64(row->rollback_ms),
            .percentage_complete_on_rollback = opt_i64(percent_of(left, row->rollback_total, done)),
            .instances_to_update_on_rollback = opt_i64(left),
        };
    }
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
