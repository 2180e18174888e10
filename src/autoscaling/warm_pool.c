/*
 * Warm pools: instances that a group has booted before it needs them.  They wait stopped, running
 * or hibernated, and the group takes them before it launches others.
 *
 * An instance of the pool is a row that is `warm`; the states on its way in and out are those of
 * the group's.
 */
#include "autoscaling/engine.h"

#include "gen/store/ec2_rows.h"
#include "store/states.h"

enum { POOL_LAUNCHES_A_LOOK = 20 };

int64_t
asg_pool_size(const struct asg_group_row *g)
{
    int64_t prepared = g->pool_max >= 0 ? g->pool_max : g->max_size;

    return g->pool && !g->pool_ending ? MAX(g->pool_min, MAX(prepared - g->desired, 0)) : 0;
}

/* ---- in and out ---- */

/* Those of the pool, or on their way into it, that do not end. */
static bool
is_of_pool(const struct asg_instance_row *row)
{
    bool ends = row->state >= ASG_TERMINATING && row->state <= ASG_DETACHING;

    return row->returning || (row->warm && !ends);
}

int
asg_pool_rest(struct asg_look *look, struct asg_instance_row *row)
{
    struct api_call *call = look->call;
    struct str rest = look->group.pool_state;
    struct ec2_StopInstancesRequest ask = {0};
    struct ec2_StopInstancesResult res = {0};
    int r = 0;

    assert(row->warm && look->group.pool);
    if (str_is(rest, "Hibernated"))
        ask.hibernate = opt_bool(true);
    *LIST_PUSH(call->arena, &ask.instance_ids) = row->id;
    if (!str_is(rest, "Running"))
        r = api_call_internal(call, "ec2", "StopInstances", &ask, &res, ASG_VIA);
    if (r)
        return r;
    assert(row->state != ASG_IN_SERVICE && rest.n > 0);
    row->state = ASG_WARMED;
    row->rest = rest;
    row->returning = row->unhealthy = false;
    row->hooks_done = (struct str_list){0};
    r = asg_activity_end(call, row->activity, "Successful", S(""));
    return r ? r : asg_instance_save(call, row);
}

/* One that rests, in the zone (p NULL: in any) where the group has fewest. */
static struct asg_instance_row *
resting(struct asg_look *look, struct str zone)
{
    struct asg_instance_row *best = NULL;

    LIST_EACH(&look->instances, row) {
        const struct ec2_instance_row *ec2 = ec2_instance_get(look->call->txn, row->id);
        bool ready = row->state == ASG_WARMED && ec2 &&
                     (ec2->state == EC2_STOPPED || ec2->state == EC2_RUNNING);

        if (ready && (!zone.p || str_eq(zone, row->zone)) &&
            (!best || asg_live(look, row->zone) < asg_live(look, best->zone)))
            best = row;
    }
    return best;
}

int
asg_pool_take(struct asg_look *look, struct str zone, struct str cause, bool *ret)
{
    struct asg_instance_row *row = resting(look, zone);
    struct api_call *call = look->call;
    struct ec2_StartInstancesRequest ask = {0};
    struct ec2_StartInstancesResult res = {0};
    int r = 0;

    *ret = false;
    if (!row)
        return 0;
    *LIST_PUSH(call->arena, &ask.instance_ids) = row->id;
    if (ec2_instance_get(call->txn, row->id)->state == EC2_STOPPED)
        r = api_call_internal(call, "ec2", "StartInstances", &ask, &res, ASG_VIA);
    if (r > 0) { /* there is no room for it; perhaps there is for another one */
        call->fault = (struct api_fault){0};
        return 0;
    }
    struct asg_activity_row activity = {
        .instance_id = row->id,
        .description = str_fmt(call->arena, "Launching a new EC2 instance from warm pool: %.*s",
                               STR_ARG(row->id)),
        .cause = cause,
        .status = S("PreInService"),
        .progress = 30,
        .details = asg_details(call, row->subnet_id, row->zone),
    };
    if (r == 0)
        r = asg_activity_begin(call, &look->group, &activity);
    assert(row->warm && row->state == ASG_WARMED);
    row->warm = false;
    row->pooled = true;
    row->state = ASG_PENDING;
    row->activity = activity.id;
    look->changed = true;
    *ret = r == 0;
    return r ? r : asg_instance_save(call, row);
}

/* ---- its size ---- */

static int
pool_grow(struct asg_look *look, int64_t have, int64_t want)
{
    struct api_call *call = look->call;
    bool went = true;
    int r = 0;

    assert(have >= 0 && have < want);
    if (asg_suspended(&look->group, "Launch"))
        return 0;
    if (look->group.retry_ms > call->now_ms) {
        asg_look_next(look, look->group.retry_ms);
        return 0;
    }
    for (int64_t n = have; n < want && n < have + POOL_LAUNCHES_A_LOOK && r == 0 && went; n++) {
        r = asg_launch(look, STR_NONE, true,
                       str_fmt(call->arena,
                               "At %.*s an instance was started in response to a difference "
                               "between desired and actual warm pool capacity, increasing the "
                               "warm pool capacity from %lld to %lld.",
                               STR_ARG(asg_time(call)), (long long)have, (long long)want),
                       &went);
        if (!went)
            asg_launch_later(look);
    }
    return r;
}

static int
pool_shrink(struct asg_look *look, int64_t have, int64_t want)
{
    struct api_call *call = look->call;
    int64_t n = have;
    int r = 0;

    assert(want >= 0 && have > want);
    if (asg_suspended(&look->group, "Terminate"))
        return 0;
    LIST_EACH(&look->instances, row) {
        if (r || n <= want || !is_of_pool(row) || row->returning)
            continue;
        n--;
        look->changed = true;
        r = asg_terminate_begin(
            call, &look->group, row,
            str_fmt(call->arena,
                    "At %.*s an instance was taken out of the warm pool in response to a "
                    "difference between desired and actual warm pool capacity, shrinking the warm "
                    "pool capacity from %lld to %lld.",
                    STR_ARG(asg_time(call)), (long long)have, (long long)want));
    }
    return r;
}

int
asg_pool_step(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;
    int64_t have = 0, want = asg_pool_size(g);
    bool any = false;

    if (!g->pool)
        return 0;
    LIST_EACH(&look->instances, row) {
        bool gone = row->state == ASG_DETACHING && row->ending; /* forgotten in this look */

        have += is_of_pool(row) && !gone;
        any = any || ((row->warm || row->returning) && !gone);
    }
    assert(have >= 0 && want >= 0);
    if (g->pool_ending && !any) {
        g->pool = g->pool_ending = false;
        look->changed = true;
        return 0;
    }
    return have < want   ? pool_grow(look, have, want)
           : have > want ? pool_shrink(look, have, want)
                         : 0;
}

/* ---- PutWarmPool, DeleteWarmPool, DescribeWarmPool ---- */

int
asg_put_warm_pool(struct api_call *call, const struct autoscaling_PutWarmPoolType *req,
                  struct autoscaling_PutWarmPoolAnswer *res UNUSED)
{
    struct asg_group_row row;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r)
        return r;
    if (row.mixed.n)
        return ASG_INVALID(call, "You can't add a warm pool to an Auto Scaling group that has a "
                                 "mixed instances policy.");
    if (row.pool_ending)
        return ASG_INVALID(call, "The warm pool of Auto Scaling group %.*s is pending delete",
                           STR_ARG(row.name));
    if (asg_refresh_active(call, row.id))
        return api_fault(call, &ASG_ERR(InstanceRefreshInProgress),
                         "An Instance Refresh is in progress and blocks the change of the warm "
                         "pool.");
    if (!row.pool) {
        row.pool_max = -1;
        row.pool_min = 0;
        row.pool_state = S("Stopped");
        row.pool_reuse = false;
    }
    row.pool = true;
    row.pool_max = opt_i64_or(req->max_group_prepared_capacity, row.pool_max);
    row.pool_min = opt_i64_or(req->min_size, row.pool_min);
    if (req->pool_state.n)
        row.pool_state = req->pool_state;
    if (req->instance_reuse_policy)
        row.pool_reuse = opt_bool_or(req->instance_reuse_policy->reuse_on_scale_in, false);
    return asg_group_save(call, &row);
}

static struct str
no_pool(struct api_call *call, const struct asg_group_row *row)
{
    return str_fmt(call->arena, "No warm pool found for Auto Scaling group %.*s",
                   STR_ARG(row->name));
}

int
asg_delete_warm_pool(struct api_call *call, const struct autoscaling_DeleteWarmPoolType *req,
                     struct autoscaling_DeleteWarmPoolAnswer *res UNUSED)
{
    bool force = opt_bool_or(req->force_delete, false);
    struct asg_group_row row;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r)
        return r;
    if (!row.pool)
        return ASG_INVALID(call, "%.*s", STR_ARG(no_pool(call, &row)));
    STORE_EACH(call->txn, asg_instance_by_group, instance, row.id)
        if (!force && instance->warm && instance->state < ASG_IN_SERVICE)
            return api_fault(call, &ASG_ERR(ScalingActivityInProgress),
                             "You cannot delete a warm pool while there are scaling activities in "
                             "progress for it.");
    row.pool_ending = true;
    return asg_group_save(call, &row);
}

struct autoscaling_WarmPoolConfiguration *
asg_pool_show(struct api_call *call, const struct asg_group_row *row)
{
    struct autoscaling_WarmPoolConfiguration *out;

    if (!row->pool)
        return NULL;
    out = ARENA_NEW(call->arena, struct autoscaling_WarmPoolConfiguration);
    *out = (struct autoscaling_WarmPoolConfiguration){
        .max_group_prepared_capacity = {row->pool_max, row->pool_max >= 0},
        .min_size = opt_i64(row->pool_min),
        .pool_state = row->pool_state,
        .status = row->pool_ending ? S("PendingDelete") : STR_NONE,
    };
    if (row->pool_reuse) {
        out->instance_reuse_policy = ARENA_NEW(call->arena, struct autoscaling_InstanceReusePolicy);
        out->instance_reuse_policy->reuse_on_scale_in = opt_bool(true);
    }
    return out;
}

int
asg_describe_warm_pool(struct api_call *call, const struct autoscaling_DescribeWarmPoolType *req,
                       struct autoscaling_DescribeWarmPoolAnswer *res)
{
    struct asg_group_row row;
    struct api_page page;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 50, &page);
    if (r)
        return r;
    res->warm_pool_configuration = asg_pool_show(call, &row);
    API_PRESENT(&res->instances);
    STORE_EACH(call->txn, asg_instance_by_group, instance, row.id) {
        struct str key = str_fmt(call->arena, "%020lld%.*s", (long long)instance->joined_ms,
                                 STR_ARG(instance->id));

        if (instance->warm && api_page_take(&page, key))
            *LIST_PUSH(call->arena, &res->instances) = asg_instance_show(call, &row, instance);
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}
