/*
 * Lifecycle hooks: an instance waits until somebody says that it may go on, or for as long as the
 * heartbeat lasts.  The engine begins to wait and looks at what was said; EventBridge hears of it.
 */
#include "autoscaling/autoscaling.h"

enum {
    HEARTBEAT_MIN_S = 30,
    HEARTBEAT_MAX_S = 7200,
    HEARTBEAT_S = 3600,
    GLOBAL_HEARTBEATS = 100,
    GLOBAL_MAX_S = 48 * 3600,
};

/* How long heartbeats can make an instance wait. */
static int64_t
global_s(int64_t heartbeat_s)
{
    assert(heartbeat_s >= HEARTBEAT_MIN_S && heartbeat_s <= HEARTBEAT_MAX_S);
    return MIN(heartbeat_s * GLOBAL_HEARTBEATS, GLOBAL_MAX_S);
}

const struct asg_hook_row *
asg_hook_next(struct api_call *call, const struct asg_instance_row *row, const char *transition)
{
    STORE_EACH(call->txn, asg_hook_by_name, hook, row->group_id)
        if (str_is(hook->transition, transition) && !str_in(&row->hooks_done, hook->name))
            return hook;
    return NULL;
}

/* ---- PutLifecycleHook ---- */

static int
hook_check(struct api_call *call, const struct asg_hook_row *row, struct str target)
{
    if (!row->transition.n)
        return ASG_INVALID(call,
                           "LifecycleTransition is a required parameter for new lifecycle hooks");
    if (!str_is(row->transition, ASG_LAUNCHING) && !str_is(row->transition, ASG_TERMINATING_HOOK))
        return ASG_INVALID(call, "Invalid Lifecycle Transition Type: %.*s",
                           STR_ARG(row->transition));
    if (!str_is(row->result, "CONTINUE") && !str_is(row->result, "ABANDON"))
        return ASG_INVALID(call,
                           "Invalid Lifecycle Default Result: %.*s. Valid values are: "
                           "CONTINUE, ABANDON",
                           STR_ARG(row->result));
    if (row->heartbeat_s < HEARTBEAT_MIN_S || row->heartbeat_s > HEARTBEAT_MAX_S)
        return ASG_INVALID(call, "Heartbeat timeout must be between %d and %d seconds",
                           HEARTBEAT_MIN_S, HEARTBEAT_MAX_S);
    /* there are no queues and topics here, so the test message cannot arrive */
    if (target.n)
        return ASG_INVALID(call,
                           "Unable to publish test message to notification target %.*s. Please "
                           "check your target and role configuration and try to put lifecycle hook "
                           "again.",
                           STR_ARG(target));
    return 0;
}

static int
put(struct api_call *call, const struct asg_group_row *group,
    const struct autoscaling_LifecycleHookSpecification *h)
{
    struct str id =
        str_fmt(call->arena, "%.*s/%.*s", STR_ARG(group->id), STR_ARG(h->lifecycle_hook_name));
    const struct asg_hook_row *old = asg_hook_get(call->txn, id);
    struct asg_hook_row row = {.id = id,
                               .group_id = group->id,
                               .name = h->lifecycle_hook_name,
                               .heartbeat_s = HEARTBEAT_S,
                               .result = S("ABANDON")};
    size_t n = 0;

    if (old)
        row = *old;
    if (h->lifecycle_transition.n)
        row.transition = h->lifecycle_transition;
    if (h->default_result.n)
        row.result = h->default_result;
    if (h->notification_metadata.p)
        row.metadata = h->notification_metadata;
    row.heartbeat_s = opt_i64_or(h->heartbeat_timeout, row.heartbeat_s);
    int r = hook_check(call, &row, h->notification_target_arn);

    if (r)
        return r;
    STORE_EACH(call->txn, asg_hook_by_name, each, group->id)
        n += each->name.n > 0;
    if (!old && n >= ASG_HOOKS_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d lifecycle hooks are allowed for an AutoScalingGroup.",
                         ASG_HOOKS_MAX);
    assert(asg_hook_ok(&row));
    return asg_written(old ? asg_hook_update(call->txn, &row) : asg_hook_insert(call->txn, &row),
                       "hook", row.name);
}

int
asg_hooks_add(struct api_call *call, const struct asg_group_row *group,
              const struct autoscaling_LifecycleHookSpecificationList *list)
{
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++)
        r = put(call, group, &list->v[i]);
    return r;
}

int
asg_put_lifecycle_hook(struct api_call *call, const struct autoscaling_PutLifecycleHookType *req,
                       struct autoscaling_PutLifecycleHookAnswer *res UNUSED)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r)
        return r;
    return put(call, &group,
               &(struct autoscaling_LifecycleHookSpecification){
                   .lifecycle_hook_name = req->lifecycle_hook_name,
                   .lifecycle_transition = req->lifecycle_transition,
                   .notification_metadata = req->notification_metadata,
                   .heartbeat_timeout = req->heartbeat_timeout,
                   .default_result = req->default_result,
                   .notification_target_arn = req->notification_target_arn,
                   .role_arn = req->role_arn,
               });
}

/* ---- DescribeLifecycleHooks, DeleteLifecycleHook ---- */

int
asg_describe_lifecycle_hooks(struct api_call *call,
                             const struct autoscaling_DescribeLifecycleHooksType *req,
                             struct autoscaling_DescribeLifecycleHooksAnswer *res)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r)
        return r;
    API_PRESENT(&res->lifecycle_hooks);
    STORE_EACH(call->txn, asg_hook_by_name, row, group.id) {
        if (req->lifecycle_hook_names.n && !str_in(&req->lifecycle_hook_names, row->name))
            continue;
        *LIST_PUSH(call->arena, &res->lifecycle_hooks) = (struct autoscaling_LifecycleHook){
            .lifecycle_hook_name = row->name,
            .auto_scaling_group_name = group.name,
            .lifecycle_transition = row->transition,
            .notification_metadata = row->metadata.n ? row->metadata : STR_NONE,
            .heartbeat_timeout = opt_i64(row->heartbeat_s),
            .global_timeout = opt_i64(global_s(row->heartbeat_s)),
            .default_result = row->result,
        };
    }
    return 0;
}

static int
hook_find(struct api_call *call, const struct asg_group_row *group, struct str name,
          const struct asg_hook_row **ret)
{
    *ret = asg_hook_by_name_get(call->txn, group->id, name);
    if (!*ret)
        return ASG_INVALID(call, "Lifecycle Hook with name %.*s was not found.", STR_ARG(name));
    assert(str_eq((*ret)->group_id, group->id));
    return 0;
}

/* Instances that wait for it wait no longer: its default is their result. */
int
asg_delete_lifecycle_hook(struct api_call *call,
                          const struct autoscaling_DeleteLifecycleHookType *req,
                          struct autoscaling_DeleteLifecycleHookAnswer *res UNUSED)
{
    const struct asg_hook_row *hook;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = hook_find(call, &group, req->lifecycle_hook_name, &hook);
    if (r)
        return r;
    STORE_EACH(call->txn, asg_instance_by_group, row, group.id) {
        struct asg_instance_row changed = *row;

        if (!row->hook_token.n || !str_eq(row->hook, hook->name))
            continue;
        changed.hook_result = hook->result;
        r = asg_instance_save(call, &changed);
        if (r)
            return r;
    }
    return asg_written(asg_hook_delete(call->txn, hook->id), "hook", hook->name);
}

/* ---- CompleteLifecycleAction, RecordLifecycleActionHeartbeat ---- */

/* The instance that waits for the hook: by its token, or its id. */
static int
waiting_find(struct api_call *call, const struct asg_group_row *group, struct str hook,
             struct str token, struct str instance_id, struct asg_instance_row *ret)
{
    if (!token.n && !instance_id.n)
        return ASG_INVALID(call, "Either LifecycleActionToken or InstanceId must be provided");
    STORE_EACH(call->txn, asg_instance_by_group, row, group->id) {
        if (!row->hook_token.n || !str_eq(row->hook, hook) || row->hook_result.n)
            continue;
        if (token.n ? str_eq(row->hook_token, token) : str_eq(row->id, instance_id)) {
            *ret = *row;
            return 0;
        }
    }
    return token.n ? ASG_INVALID(call, "No active Lifecycle Action found with token %.*s",
                                 STR_ARG(token))
                   : ASG_INVALID(call, "No active Lifecycle Action found with instance ID %.*s",
                                 STR_ARG(instance_id));
}

int
asg_complete_lifecycle_action(struct api_call *call,
                              const struct autoscaling_CompleteLifecycleActionType *req,
                              struct autoscaling_CompleteLifecycleActionAnswer *res UNUSED)
{
    const struct asg_hook_row *hook;
    struct asg_instance_row row;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = hook_find(call, &group, req->lifecycle_hook_name, &hook);
    if (r == 0 && !str_is(req->lifecycle_action_result, "CONTINUE") &&
        !str_is(req->lifecycle_action_result, "ABANDON"))
        return ASG_INVALID(call,
                           "Invalid Lifecycle Action Result: %.*s. Valid values are: "
                           "CONTINUE, ABANDON",
                           STR_ARG(req->lifecycle_action_result));
    if (r == 0)
        r = waiting_find(call, &group, hook->name, req->lifecycle_action_token, req->instance_id,
                         &row);
    if (r)
        return r;
    row.hook_result = req->lifecycle_action_result;
    return asg_instance_save(call, &row);
}

int
asg_record_lifecycle_action_heartbeat(
    struct api_call *call, const struct autoscaling_RecordLifecycleActionHeartbeatType *req,
    struct autoscaling_RecordLifecycleActionHeartbeatAnswer *res UNUSED)
{
    const struct asg_hook_row *hook;
    struct asg_instance_row row;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = hook_find(call, &group, req->lifecycle_hook_name, &hook);
    if (r == 0)
        r = waiting_find(call, &group, hook->name, req->lifecycle_action_token, req->instance_id,
                         &row);
    if (r)
        return r;
    row.hook_until_ms = MIN(call->now_ms + hook->heartbeat_s * 1000,
                            row.hook_since_ms + global_s(hook->heartbeat_s) * 1000);
    assert(row.hook_until_ms > row.hook_since_ms);
    return asg_instance_save(call, &row);
}

int
asg_describe_lifecycle_hook_types(
    struct api_call *call, const struct autoscaling_DescribeLifecycleHookTypesRequest *req UNUSED,
    struct autoscaling_DescribeLifecycleHookTypesAnswer *res)
{
    *LIST_PUSH(call->arena, &res->lifecycle_hook_types) = S(ASG_LAUNCHING);
    *LIST_PUSH(call->arena, &res->lifecycle_hook_types) = S(ASG_TERMINATING_HOOK);
    return 0;
}
