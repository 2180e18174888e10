/*
 * A look at a group.  In this order, each step on what the one before left:
 *
 *   scheduled actions that are due
 *   each instance: what EC2 says of it, what hooks wait for, what a user wanted of it
 *   unhealthy ones end, and those that a refresh or the maximum lifetime replaces
 *   too few: launches; too many: the termination policies; just right: the zones are balanced
 *   the warm pool, likewise; the metrics of the minute
 *
 * A group that is being deleted only loses its instances, and then goes itself.
 */
#include "autoscaling/engine.h"

#include "api/event.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "gen/store/ec2_rows.h"
#include "store/states.h"

enum {
    LAUNCHES_A_LOOK = 20,
    IMBALANCE = 2,
    BALANCE_AGAIN_MS = 5 * 60 * 1000,
    HIBERNATE_AGAIN_MS = 10 * 1000
};

void
asg_look_next(struct asg_look *look, int64_t ms)
{
    assert(ms > 0);
    if (!look->next_ms || ms < look->next_ms)
        look->next_ms = ms;
}

int64_t
asg_live(const struct asg_look *look, struct str zone)
{
    int64_t n = 0;

    LIST_EACH(&look->instances, row)
        if (asg_counts(row) && (!zone.p || str_eq(row->zone, zone)))
            n += asg_weight(row);
    return n;
}

/* ---- what EC2 says ---- */

static const struct ec2_instance_row *
ec2_of(struct asg_look *look, const struct asg_instance_row *row)
{
    return ec2_instance_get(look->call->txn, row->id);
}

static bool
is_gone(const struct ec2_instance_row *ec2)
{
    return !ec2 || ec2->state == EC2_TERMINATED;
}

/* Which of those in service fail their status checks. */
static int
statuses_read(struct asg_look *look)
{
    struct ec2_DescribeInstanceStatusRequest ask = {0};
    struct ec2_DescribeInstanceStatusResult res = {0};

    LIST_EACH(&look->instances, row) {
        const struct ec2_instance_row *ec2 = ec2_of(look, row);

        if (row->state == ASG_IN_SERVICE && ec2 && ec2->state == EC2_RUNNING)
            *LIST_PUSH(look->call->arena, &ask.instance_ids) = row->id;
    }
    if (!ask.instance_ids.n || asg_suspended(&look->group, "HealthCheck"))
        return 0;
    int r = api_call_internal(look->call, "ec2", "DescribeInstanceStatus", &ask, &res, ASG_VIA);

    LIST_EACH(&res.instance_statuses, s)
        if (str_is(s->instance_status->status, "impaired") ||
            str_is(s->system_status->status, "impaired"))
            *LIST_PUSH(look->call->arena, &look->impaired) = s->instance_id;
    return r;
}

/* ---- waiting for hooks ---- */

static int
hook_event(struct asg_look *look, const struct asg_instance_row *row,
           const struct asg_hook_row *hook, bool launching)
{
    struct api_call *call = look->call;
    struct str of = row->warm ? S("WarmPool") : S("AutoScalingGroup");
    struct str_list resources = {0};
    struct buf buf;

    buf_init(&buf, 16 << 10);
    struct json_out o = {.buf = &buf};

    json_open(&o, '{');
    json_key_str(&o, "LifecycleActionToken", row->hook_token);
    json_key_str(&o, "AutoScalingGroupName", look->group.name);
    json_key_str(&o, "LifecycleHookName", hook->name);
    json_key_str(&o, "EC2InstanceId", row->id);
    json_key_str(&o, "LifecycleTransition", hook->transition);
    if (hook->metadata.n)
        json_key_str(&o, "NotificationMetadata", hook->metadata);
    json_key_str(&o, "Origin", launching ? (row->pooled ? S("WarmPool") : S("EC2")) : of);
    json_key_str(&o, "Destination", launching ? of : row->returning ? S("WarmPool") : S("EC2"));
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    *LIST_PUSH(call->arena, &resources) = look->group.id;
    int r = api_event_put(call, "aws.autoscaling",
                          launching ? "EC2 Instance-launch Lifecycle Action"
                                    : "EC2 Instance-terminate Lifecycle Action",
                          resources, str_dup(call->arena, buf_str(&buf)));

    buf_done(&buf);
    return r;
}

static int
wait_begin(struct asg_look *look, struct asg_instance_row *row, const struct asg_hook_row *hook)
{
    bool launching = row->state < ASG_IN_SERVICE;
    int r;

    row->state = launching ? ASG_PENDING_WAIT : ASG_TERMINATING_WAIT;
    row->hook = hook->name;
    row->hook_token = api_uuid(look->call->env, look->call->arena);
    row->hook_result = S("");
    row->hook_since_ms = look->call->now_ms;
    row->hook_until_ms = look->call->now_ms + hook->heartbeat_s * 1000;
    r = asg_activity_step(look->call, row->activity,
                          launching ? "MidLifecycleAction" : "MidTerminatingLifecycleAction",
                          launching ? 40 : 60);
    if (r == 0)
        r = hook_event(look, row, hook, launching);
    asg_look_next(look, row->hook_until_ms);
    return r ? r : asg_instance_save(look->call, row);
}

/* What came of the wait: CONTINUE, ABANDON, or empty: it goes on.  *late: nobody said so. */
static struct str
wait_result(struct asg_look *look, const struct asg_instance_row *row, bool *late)
{
    const struct asg_hook_row *hook =
        asg_hook_by_name_get(look->call->txn, row->group_id, row->hook);

    assert(row->hook_token.n > 0);
    *late = false;
    if (row->hook_result.n)
        return row->hook_result;
    if (look->call->now_ms < row->hook_until_ms) {
        asg_look_next(look, row->hook_until_ms);
        return S("");
    }
    *late = true;
    assert(hook); /* one that is deleted gave its result */
    return hook->result;
}

static int
wait_end(struct asg_look *look, struct asg_instance_row *row, enum asg_state to)
{
    *LIST_PUSH(look->call->arena, &row->hooks_done) = row->hook;
    row->hook = row->hook_token = row->hook_result = S("");
    row->state = to;
    return asg_instance_save(look->call, row);
}

/* ---- one instance ---- */

/* Leaves the group; the row is dropped. */
static int
forget(struct asg_look *look, struct asg_instance_row *row)
{
    int r = asg_written(asg_instance_delete(look->call->txn, row->id), "instance", row->id);

    row->state = ASG_DETACHING; /* counts no more */
    row->ending = true;
    return r;
}

/* It came no further than pending. */
static int
launch_lost(struct asg_look *look, struct asg_instance_row *row, struct str message)
{
    const struct ec2_instance_row *ec2 = ec2_of(look, row);
    struct str activity = row->activity;
    int r = asg_activity_end(look->call, activity, "Cancelled", message);

    if (r == 0)
        r = asg_event(look->call, &look->group, asg_activity_get(look->call->txn, activity),
                      "EC2 Instance Launch Unsuccessful");
    asg_launch_later(look);
    if (r)
        return r;
    if (is_gone(ec2) || ec2->state == EC2_SHUTTING_DOWN)
        return forget(look, row);
    return asg_terminate_begin(look->call, &look->group, row,
                               str_fmt(look->call->arena,
                                       "At %.*s an instance was taken out of service in response "
                                       "to a launch that did not complete.",
                                       STR_ARG(asg_time(look->call))));
}

static int
into_service(struct asg_look *look, struct asg_instance_row *row)
{
    const struct asg_activity_row *activity;
    int r = asg_activity_end(look->call, row->activity, "Successful", S(""));

    if (r == 0)
        r = asg_traffic_join(look, row);
    row->state = ASG_IN_SERVICE;
    row->service_ms = look->call->now_ms;
    activity = asg_activity_get(look->call->txn, row->activity);
    if (r == 0 && activity && str_starts(activity->description, S("Launching")))
        r = asg_event(look->call, &look->group, activity, "EC2 Instance Launch Successful");
    if (look->group.cooling_ms > look->call->now_ms)
        look->group.cooling_ms = look->call->now_ms + look->group.cooling_s * 1000;
    look->group.failures = 0;
    look->changed = true;
    return r ? r : asg_instance_save(look->call, row);
}

static int
into_pool(struct asg_look *look, struct asg_instance_row *row)
{
    const struct ec2_instance_row *ec2 = ec2_of(look, row);

    /* it cannot be stopped while it boots */
    if (!ec2 || ec2->state != EC2_RUNNING)
        return 0;
    int r = asg_pool_rest(look, row);

    /* one that will hibernate is not ready to at once */
    if (r > 0 && ec2->hibernation) {
        look->call->fault = (struct api_fault){0};
        asg_look_next(look, look->call->now_ms + HIBERNATE_AGAIN_MS);
        return 0;
    }
    return r > 0 ? launch_lost(look, row, look->call->fault.message) : r;
}

static int
pending(struct asg_look *look, struct asg_instance_row *row)
{
    const struct ec2_instance_row *ec2 = ec2_of(look, row);
    const struct asg_hook_row *hook;
    bool late;

    if (!ec2 || (ec2->state != EC2_PENDING && ec2->state != EC2_RUNNING))
        return launch_lost(look, row,
                           str_fmt(look->call->arena,
                                   "Instance became unhealthy while waiting for instance to be in "
                                   "InService state. Termination Reason: %.*s",
                                   STR_ARG(ec2 ? ec2->reason_message : S("unknown"))));
    if (row->state == ASG_PENDING_WAIT) {
        struct str result = wait_result(look, row, &late);

        if (!result.n)
            return 0;
        if (str_is(result, "CONTINUE"))
            return wait_end(look, row, ASG_PENDING_PROCEED);
        return launch_lost(
            look, row,
            str_fmt(look->call->arena,
                    "Instance failed to complete user's Lifecycle Action: Lifecycle "
                    "Action with token %.*s was abandoned: %s",
                    STR_ARG(row->hook_token),
                    late ? "Heartbeat Timeout" : "Lifecycle Action Completed with ABANDON Result"));
    }
    if (ec2->state == EC2_PENDING)
        return 0;
    hook = asg_hook_next(look->call, row, ASG_LAUNCHING);
    if (hook)
        return wait_begin(look, row, hook);
    return row->warm ? into_pool(look, row) : into_service(look, row);
}

static int
health_check(struct asg_look *look, struct asg_instance_row *row)
{
    const struct ec2_instance_row *ec2 = ec2_of(look, row);
    int64_t graced_ms = row->service_ms + look->group.grace_s * 1000;

    if (row->unhealthy || asg_suspended(&look->group, "HealthCheck"))
        return 0;
    if (!ec2 || (ec2->state != EC2_RUNNING && ec2->state != EC2_PENDING)) {
        row->why = S("an EC2 health check indicating it has been terminated or stopped");
    } else if (str_in(&look->impaired, row->id) || asg_traffic_unhealthy(look, row)) {
        if (look->call->now_ms < graced_ms) {
            asg_look_next(look, graced_ms);
            return 0;
        }
        row->why = str_in(&look->impaired, row->id) ? S("an EC2 instance status checks failure")
                                                    : S("an ELB system health check failure");
    } else {
        return 0;
    }
    row->unhealthy = true;
    return asg_instance_save(look->call, row);
}

static int
end_in_ec2(struct asg_look *look, struct asg_instance_row *row, const struct ec2_instance_row *ec2)
{
    struct ec2_TerminateInstancesRequest ask = {0};
    struct ec2_TerminateInstancesResult res = {0};
    struct ec2_AttributeBooleanValue off = {.value = opt_bool(false)};
    const struct ec2_ModifyInstanceAttributeRequest allow = {.instance_id = row->id,
                                                             .disable_api_termination = &off};
    struct ec2_ModifyInstanceAttributeResult allowed = {0};
    int r = 0;

    /* the protection is against users, not against Auto Scaling */
    if (ec2->disable_api_termination)
        r = api_call_internal(look->call, "ec2", "ModifyInstanceAttribute", &allow, &allowed,
                              ASG_VIA);
    *LIST_PUSH(look->call->arena, &ask.instance_ids) = row->id;
    if (r == 0)
        r = api_call_internal(look->call, "ec2", "TerminateInstances", &ask, &res, ASG_VIA);
    if (r > 0)
        return error_origin(EPROTO, "instance %.*s cannot be terminated: %.*s", STR_ARG(row->id),
                            STR_ARG(look->call->fault.message));
    row->state = row->hooks_done.n ? ASG_TERMINATING_PROCEED : ASG_TERMINATING;
    row->ending = true;
    if (r == 0)
        r = asg_activity_step(look->call, row->activity, "InProgress", 50);
    return r ? r : asg_instance_save(look->call, row);
}

static int
ended(struct asg_look *look, struct asg_instance_row *row)
{
    const struct asg_activity_row *activity;
    int r = asg_activity_end(look->call, row->activity, "Successful", S(""));

    activity = asg_activity_get(look->call->txn, row->activity);
    if (r == 0 && activity)
        r = asg_event(look->call, &look->group, activity, "EC2 Instance Terminate Successful");
    if (look->group.cooling_ms > look->call->now_ms)
        look->group.cooling_ms = look->call->now_ms + look->group.cooling_s * 1000;
    look->changed = true;
    return r ? r : forget(look, row);
}

static int
terminating(struct asg_look *look, struct asg_instance_row *row)
{
    const struct ec2_instance_row *ec2 = ec2_of(look, row);
    const struct asg_hook_row *hook;
    bool late, left;

    if (is_gone(ec2))
        return ended(look, row);
    if (row->ending)
        return 0;
    int r = asg_traffic_leave(look, row, &left);

    if (r || !left)
        return r;
    if (row->state == ASG_TERMINATING_WAIT) {
        struct str result = look->group.deleting ? S("ABANDON") : wait_result(look, row, &late);

        if (!result.n)
            return 0;
        /* ABANDON ends the wait for all hooks, CONTINUE for this one */
        while (str_is(result, "ABANDON") &&
               (hook = asg_hook_next(look->call, row, ASG_TERMINATING_HOOK)))
            *LIST_PUSH(look->call->arena, &row->hooks_done) = hook->name;
        return wait_end(look, row, ASG_TERMINATING_PROCEED);
    }
    hook = look->group.deleting || ec2->state != EC2_RUNNING
               ? NULL
               : asg_hook_next(look->call, row, ASG_TERMINATING_HOOK);
    if (hook)
        return wait_begin(look, row, hook);
    if (row->returning && look->group.pool && !look->group.pool_ending &&
        ec2->state == EC2_RUNNING) {
        row->warm = true;
        row->returning = false;
        return into_pool(look, row);
    }
    return end_in_ec2(look, row, ec2);
}

static int
detach(struct asg_look *look, struct asg_instance_row *row)
{
    struct ec2_DeleteTagsRequest ask = {0};
    struct ec2_DeleteTagsResult res = {0};
    bool left;
    int r = asg_traffic_leave(look, row, &left);

    if (r || !left)
        return r;
    r = asg_activity_end(look->call, row->activity, "Successful", S(""));

    *LIST_PUSH(look->call->arena, &ask.resources) = row->id;
    *LIST_PUSH(look->call->arena, &ask.tags) =
        (struct ec2_Tag){.key = S("aws:autoscaling:groupName")};
    if (r == 0 && !is_gone(ec2_of(look, row)))
        r = api_call_internal(look->call, "ec2", "DeleteTags", &ask, &res, ASG_VIA);
    if (r > 0)
        return error_origin(EPROTO, "instance %.*s cannot be untagged", STR_ARG(row->id));
    return r ? r : forget(look, row);
}

static int
step(struct asg_look *look, struct asg_instance_row *row)
{
    bool left;
    int r;

    assert(asg_instance_ok(row));
    switch ((enum asg_state)row->state) {
    case ASG_PENDING:
    case ASG_PENDING_WAIT:
    case ASG_PENDING_PROCEED:
        return pending(look, row);
    case ASG_IN_SERVICE:
        return health_check(look, row);
    case ASG_TERMINATING:
    case ASG_TERMINATING_WAIT:
    case ASG_TERMINATING_PROCEED:
        return terminating(look, row);
    case ASG_DETACHING:
        return detach(look, row);
    case ASG_ENTERING_STANDBY:
        r = asg_traffic_leave(look, row, &left);
        if (r || !left)
            return r;
        r = asg_activity_end(look->call, row->activity, "Successful", S(""));
        row->state = ASG_STANDBY;
        row->unhealthy = false;
        return r ? r : asg_instance_save(look->call, row);
    case ASG_WARMED:
        return is_gone(ec2_of(look, row)) || ec2_of(look, row)->state == EC2_SHUTTING_DOWN
                   ? forget(look, row)
                   : 0;
    case ASG_STANDBY:
    case ASG_N_STATES:
        break;
    }
    return 0;
}

/* ---- the group ---- */

static int
grow(struct asg_look *look, int64_t live, int64_t target)
{
    struct asg_group_row *g = &look->group;
    struct api_call *call = look->call;
    bool went = true;
    int r = 0;

    assert(live < target);
    if (asg_suspended(g, "Launch"))
        return 0;
    for (int n = 0; n < LAUNCHES_A_LOOK && asg_live(look, STR_NONE) < target && r == 0 && went;
         n++) {
        struct str cause;

        if (g->replacing > 0)
            cause = str_fmt(call->arena,
                            "At %.*s an instance was launched in response to an unhealthy instance "
                            "needing to be replaced.",
                            STR_ARG(asg_time(call)));
        else
            cause = asg_cause(call, g,
                              str_fmt(call->arena,
                                      "an instance was started in response to a difference between "
                                      "desired and actual capacity, increasing the capacity from "
                                      "%lld to %lld.",
                                      (long long)live, (long long)target));
        if (g->retry_ms > call->now_ms) {
            asg_look_next(look, g->retry_ms);
            break;
        }
        r = asg_launch(look, STR_NONE, false, cause, &went);
        if (!went)
            asg_launch_later(look);
        else if (g->replacing > 0)
            g->replacing--;
    }
    return r;
}

static struct str
shrink_cause(struct asg_look *look, const struct asg_instance_row *row, int64_t from, int64_t to)
{
    struct api_call *call = look->call;
    struct asg_group_row *g = &look->group;

    if (g->rebalancing.n)
        asg_why(call, g,
                str_fmt(call->arena,
                        "instances were launched to balance instances in zones %.*s with other "
                        "zones resulting in more than desired number of instances in the group.",
                        STR_ARG(g->rebalancing)));
    struct str now = asg_time(call);

    return asg_cause(call, g,
                     str_fmt(call->arena,
                             "an instance was taken out of service in response to a difference "
                             "between desired and actual capacity, shrinking the capacity from "
                             "%lld to %lld.  At %.*s instance %.*s was selected for termination.",
                             (long long)from, (long long)to, STR_ARG(now), STR_ARG(row->id)));
}

/* A rebalance waits until what it launched is in service. */
static bool
rebalance_waits(const struct asg_look *look)
{
    LIST_EACH(&look->instances, row)
        if (look->group.rebalancing.n && row->state < ASG_IN_SERVICE && !row->warm)
            return true;
    return false;
}

static int
shrink(struct asg_look *look, int64_t live, int64_t target)
{
    struct asg_instance_row *row;
    int r = 0;

    assert(live > target);
    if (asg_suspended(&look->group, "Terminate") || rebalance_waits(look))
        return 0;
    for (int64_t n = live; r == 0 && n > target; n -= asg_weight(row)) {
        row = asg_victim(look);
        /* one that weighs too much would make it too small */
        if (!row || n - asg_weight(row) < target)
            break;
        row->returning = look->group.pool && look->group.pool_reuse && !look->group.pool_ending;
        r = asg_terminate_begin(look->call, &look->group, row,
                                shrink_cause(look, row, live, target));
        look->changed = true;
    }
    return r;
}

bool
asg_is_moving(const struct asg_look *look)
{
    LIST_EACH(&look->instances, row)
        if (!row->warm && row->state != ASG_IN_SERVICE && row->state != ASG_STANDBY)
            return true;
    return false;
}

/* A zone that has at least two more than another, or that the group has left: one is launched
 * elsewhere, and being one too many makes that zone lose one. */
static int
balance(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;
    struct api_call *call = look->call;
    int64_t fewest = INT64_MAX, most = 0;
    struct str heavy = STR_NONE, light = STR_NONE;
    bool went;

    LIST_EACH(&g->zones, zone) {
        int64_t n = asg_live(look, *zone);

        if (n < fewest) {
            fewest = n;
            light = *zone;
        }
    }
    LIST_EACH(&look->instances, row) {
        bool left = !str_in(&g->zones, row->zone);
        int64_t n = left ? INT64_MAX : asg_live(look, row->zone);

        if (row->state == ASG_IN_SERVICE && !row->protected && n > most) {
            most = n;
            heavy = row->zone;
        }
    }
    if (!heavy.p || most < fewest + IMBALANCE)
        return 0;
    if (g->balance_ms > call->now_ms) {
        asg_look_next(look, g->balance_ms);
        return 0;
    }
    assert(light.p && !str_eq(light, heavy));
    int r = asg_launch(look, most == INT64_MAX ? STR_NONE : light, false,
                       str_fmt(call->arena,
                               "At %.*s availability zones %.*s had %lld instances respectively. "
                               "An instance was launched to aid in balancing the group's zones.",
                               STR_ARG(asg_time(call)), STR_ARG(light), (long long)fewest),
                       &went);

    if (r < 0)
        return r;
    look->changed = true;
    if (went) {
        g->rebalancing = heavy;
    } else {
        g->balance_ms = call->now_ms + BALANCE_AGAIN_MS;
        asg_look_next(look, g->balance_ms);
    }
    return 0;
}

static int
size(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;
    int64_t live = asg_live(look, STR_NONE), target = g->desired + look->surge;

    if (live < target)
        return grow(look, live, target);
    if (live > target)
        return shrink(look, live, target);
    if (look->surge || asg_is_moving(look))
        return 0;
    if (g->why.n || g->replacing || g->rebalancing.n) {
        g->why = (struct str_list){0};
        g->replacing = 0;
        g->rebalancing = S("");
        look->changed = true;
    }
    return asg_suspended(g, "AZRebalance") || asg_suspended(g, "Launch") ||
                   asg_suspended(g, "Terminate")
               ? 0
               : balance(look);
}

static int
delete_step(struct asg_look *look)
{
    struct api_call *call = look->call;
    int r = 0;

    LIST_EACH(&look->instances, row) {
        bool ends = row->state >= ASG_TERMINATING && row->state <= ASG_DETACHING;

        if (r == 0 && !ends)
            r = asg_terminate_begin(call, &look->group, row,
                                    str_fmt(call->arena,
                                            "At %.*s a user request force deleted AutoScaling "
                                            "group changing the desired capacity from %lld to 0.  "
                                            "At %.*s instance %.*s was selected for termination.",
                                            STR_ARG(asg_time(call)), (long long)look->group.desired,
                                            STR_ARG(asg_time(call)), STR_ARG(row->id)));
        if (r == 0)
            r = step(look, row);
    }
    if (r)
        return r;
    STORE_EACH(call->txn, asg_instance_by_group, row, look->group.id)
        return asg_group_save(call, &look->group);
    return asg_group_remove(call, &look->group);
}

int
asg_look(struct asg_look *look)
{
    int64_t due_ms = 0;
    int r = 0;

    STORE_EACH(look->call->txn, asg_instance_by_group, row, look->group.id)
        *LIST_PUSH(look->call->arena, &look->instances) = *row;
    if (look->group.deleting)
        return delete_step(look);
    look->from = look->group;
    r = asg_schedules_due(look->call, &look->group, &due_ms);
    if (due_ms)
        asg_look_next(look, due_ms);
    if (r == 0)
        r = statuses_read(look);
    LIST_EACH(&look->instances, row)
        if (r == 0)
            r = step(look, row);
    if (r == 0)
        r = asg_traffic_step(look);
    if (r == 0)
        r = asg_replace_unhealthy(look);
    if (r == 0)
        r = asg_refresh_step(look);
    if (r == 0)
        r = asg_replace_old(look);
    if (r == 0)
        r = size(look);
    if (r == 0)
        r = asg_pool_step(look);
    if (r == 0)
        r = asg_metrics_put(look);
    if (r > 0)
        return error_origin(EPROTO, "group %.*s: %.*s", STR_ARG(look->group.name),
                            STR_ARG(look->call->fault.message));
    return r || !look->changed ? r : asg_group_save(look->call, &look->group);
}
