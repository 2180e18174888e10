/*
 * Operations on a group's instances.  They say what shall become of an instance; the engine does
 * it, and ends the activity that is begun here.
 */
#include "autoscaling/autoscaling.h"

#include "gen/store/ec2_rows.h"
#include "store/states.h"

enum { INSTANCES_MAX = 20 }; /* of a call */

struct str
asg_state_show(struct api_call *call, const struct asg_instance_row *row)
{
    static const struct str names[ASG_N_STATES] = {
        [ASG_PENDING] = S_INIT("Pending"),
        [ASG_PENDING_WAIT] = S_INIT("Pending:Wait"),
        [ASG_PENDING_PROCEED] = S_INIT("Pending:Proceed"),
        [ASG_IN_SERVICE] = S_INIT("InService"),
        [ASG_TERMINATING] = S_INIT("Terminating"),
        [ASG_TERMINATING_WAIT] = S_INIT("Terminating:Wait"),
        [ASG_TERMINATING_PROCEED] = S_INIT("Terminating:Proceed"),
        [ASG_DETACHING] = S_INIT("Detaching"),
        [ASG_ENTERING_STANDBY] = S_INIT("EnteringStandby"),
        [ASG_STANDBY] = S_INIT("Standby"),
    };

    struct str name = row->state == ASG_WARMED ? row->rest : names[row->state];

    assert(row->state >= 0 && row->state < ASG_N_STATES && name.n > 0);
    return row->warm ? str_fmt(call->arena, "Warmed:%.*s", STR_ARG(name)) : name;
}

int
asg_instance_save(struct api_call *call, const struct asg_instance_row *row)
{
    assert(asg_instance_ok(row));
    return asg_written(asg_instance_update(call->txn, row), "instance", row->id);
}

int
asg_instance_find(struct api_call *call, struct str id, struct asg_instance_row *ret,
                  struct asg_group_row *group)
{
    const struct asg_instance_row *row = asg_instance_get(call->txn, id);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
        return ASG_INVALID(call,
                           "Instance Id not found - No managed instance found for instance ID: "
                           "%.*s",
                           STR_ARG(id));
    const struct asg_group_row *of = asg_group_get(call->txn, row->group_id);

    assert(of);
    *ret = *row;
    *group = *of;
    return 0;
}

/* Those of a group that a request names, in one of two states. */
static int
members_find(struct api_call *call, const struct str_list *ids, const struct asg_group_row *group,
             unsigned states, const char *must, struct asg_instance_row **ret)
{
    if (!ids->n || ids->n > INSTANCES_MAX)
        return ASG_INVALID(call, "From 1 to %d instance IDs must be given", INSTANCES_MAX);
    *ret = ARENA_ARRAY(call->arena, struct asg_instance_row, ids->n);
    for (size_t i = 0; i < ids->n; i++) {
        const struct asg_instance_row *row = asg_instance_get(call->txn, ids->v[i]);

        if (!row || !str_eq(row->group_id, group->id))
            return ASG_INVALID(call, "The instance %.*s is not part of Auto Scaling group %.*s.",
                               STR_ARG(ids->v[i]), STR_ARG(group->name));
        if (!(states >> row->state & 1))
            return ASG_INVALID(call, "The instance %.*s is not in %s.", STR_ARG(row->id), must);
        for (size_t k = 0; k < i; k++)
            if (str_eq((*ret)[k].id, row->id))
                return ASG_INVALID(call, "The instance %.*s is given twice", STR_ARG(row->id));
        (*ret)[i] = *row;
    }
    return 0;
}

static int
sizes_refused(struct api_call *call, const struct asg_group_row *group, const char *what, size_t n)
{
    return ASG_INVALID(call,
                       "AutoScalingGroup %.*s has min-size=%lld, max-size=%lld, and "
                       "desired-size=%lld. To %s %zu more instance%s, please update the "
                       "AutoScalingGroup sizes appropriately.",
                       STR_ARG(group->name), (long long)group->min_size, (long long)group->max_size,
                       (long long)group->desired, what, n, n > 1 ? "s" : "");
}

/* ", shrinking the capacity from 2 to 1." or "." */
static struct str
change_text(struct api_call *call, const char *verb, int64_t from, int64_t to)
{
    return from == to ? S(".")
                      : str_fmt(call->arena, ", %s the capacity from %lld to %lld.", verb,
                                (long long)from, (long long)to);
}

/* An activity about one instance that a user asked for. */
static int
begin(struct api_call *call, struct asg_group_row *group, struct asg_instance_row *row,
      const char *description, struct str cause, const char *status, int64_t progress,
      struct asg_activity_row *ret)
{
    *ret = (struct asg_activity_row){
        .instance_id = row->id,
        .description = str_fmt(call->arena, "%s: %.*s", description, STR_ARG(row->id)),
        .cause = str_fmt(call->arena, "At %.*s %.*s", STR_ARG(asg_time(call)), STR_ARG(cause)),
        .status = str_from(status),
        .progress = progress,
        .details = asg_details(call, row->subnet_id, row->zone),
    };
    int r = asg_activity_begin(call, group, ret);

    row->activity = ret->id;
    return r;
}

/* ---- TerminateInstanceInAutoScalingGroup ---- */

int
asg_terminate_begin(struct api_call *call, struct asg_group_row *group,
                    struct asg_instance_row *row, struct str cause)
{
    struct asg_activity_row activity = {
        .instance_id = row->id,
        .description = str_fmt(call->arena, "%s: %.*s",
                               row->returning ? "Returning EC2 instance to warm pool"
                                              : "Terminating EC2 instance",
                               STR_ARG(row->id)),
        .cause = cause,
        .status = S("InProgress"),
        .details = asg_details(call, row->subnet_id, row->zone),
    };
    int r = asg_activity_end(call, row->activity, "Cancelled", S(""));

    assert(row->state < ASG_TERMINATING || row->state >= ASG_ENTERING_STANDBY);
    if (r == 0)
        r = asg_activity_begin(call, group, &activity);
    row->activity = activity.id;
    row->state = ASG_TERMINATING;
    row->hook = row->hook_token = row->hook_result = S("");
    row->hooks_done = (struct str_list){0};
    return r ? r : asg_instance_save(call, row);
}

int
asg_terminate_instance_in_auto_scaling_group(
    struct api_call *call, const struct autoscaling_TerminateInstanceInAutoScalingGroupType *req,
    struct autoscaling_ActivityType *res)
{
    bool decrement = opt_bool_or(req->should_decrement_desired_capacity, false);
    struct asg_instance_row row;
    struct asg_group_row group;
    int r = asg_instance_find(call, req->instance_id, &row, &group);

    if (r)
        return r;
    bool ends = row.state >= ASG_TERMINATING && row.state <= ASG_DETACHING;
    int64_t before = group.desired;

    if (!ends && decrement && asg_counts(&row)) {
        if (group.desired <= group.min_size)
            return ASG_INVALID(call,
                               "Currently, desiredSize equals minSize (%lld). Terminating instance "
                               "without replacement will violate group's min size constraint. "
                               "Either set shouldDecrementDesiredCapacity flag to false or lower "
                               "group's min size.",
                               (long long)group.min_size);
        group.desired--;
    }
    struct str rest = change_text(call, "shrinking", before, group.desired);

    /* what ends already is told as it goes */
    if (!ends)
        r = asg_terminate_begin(call, &group, &row,
                                str_fmt(call->arena,
                                        "At %.*s instance %.*s was taken out of service in "
                                        "response to a user request%.*s",
                                        STR_ARG(asg_time(call)), STR_ARG(row.id), STR_ARG(rest)));
    if (r == 0)
        r = asg_group_save(call, &group);
    if (r)
        return r;
    const struct asg_activity_row *activity = asg_activity_get(call->txn, row.activity);

    if (activity) {
        res->activity = ARENA_NEW(call->arena, struct autoscaling_Activity);
        *res->activity = asg_activity_show(activity);
    }
    return 0;
}

/* ---- SetInstanceHealth, SetInstanceProtection ---- */

int
asg_set_instance_health(struct api_call *call, const struct autoscaling_SetInstanceHealthQuery *req,
                        struct autoscaling_SetInstanceHealthResult *res UNUSED)
{
    bool healthy = str_is(req->health_status, "Healthy");
    struct asg_instance_row row;
    struct asg_group_row group;
    int r = asg_instance_find(call, req->instance_id, &row, &group);

    if (r)
        return r;
    if (!healthy && !str_is(req->health_status, "Unhealthy"))
        return ASG_INVALID(call,
                           "Invalid health status: %.*s. Valid values are: Healthy, Unhealthy",
                           STR_ARG(req->health_status));
    if (!healthy && opt_bool_or(req->should_respect_grace_period, true) &&
        call->now_ms < row.service_ms + group.grace_s * 1000)
        return 0;
    row.unhealthy = !healthy;
    row.why = healthy ? S("") : S("a user health-check");
    return asg_instance_save(call, &row);
}

int
asg_set_instance_protection(struct api_call *call,
                            const struct autoscaling_SetInstanceProtectionQuery *req,
                            struct autoscaling_SetInstanceProtectionAnswer *res UNUSED)
{
    unsigned states = 1u << ASG_IN_SERVICE | 1u << ASG_ENTERING_STANDBY | 1u << ASG_STANDBY;
    struct asg_instance_row *rows;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = members_find(call, &req->instance_ids, &group, states,
                         "InService or EnteringStandby or Standby", &rows);
    for (size_t i = 0; r == 0 && i < req->instance_ids.n; i++) {
        rows[i].protected = req->protected_from_scale_in.v;
        r = asg_instance_save(call, &rows[i]);
    }
    return r;
}

/* ---- AttachInstances ---- */

static int
attach_check(struct api_call *call, const struct asg_group_row *group, struct str id,
             const struct ec2_instance_row **ret)
{
    const struct ec2_instance_row *row = ec2_instance_get(call->txn, id);
    const struct asg_instance_row *member = asg_instance_get(call->txn, id);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
        return ASG_INVALID(call, "Instance [%.*s] is invalid.", STR_ARG(id));
    if (member) {
        const struct asg_group_row *of = asg_group_get(call->txn, member->group_id);

        assert(of);
        return ASG_INVALID(call, "The instance %.*s is already part of AutoScalingGroup:%.*s",
                           STR_ARG(id), STR_ARG(of->name));
    }
    if (row->state != EC2_RUNNING)
        return ASG_INVALID(call, "Instance %.*s is not in the running state", STR_ARG(id));
    const struct ec2_image_row *image = ec2_image_get(call->txn, row->image_id);

    if (!image)
        return ASG_INVALID(call, "The AMI %.*s of instance %.*s does not exist",
                           STR_ARG(row->image_id), STR_ARG(id));
    if (!str_in(&group->zones, row->zone))
        return ASG_INVALID(call,
                           "The Availability Zone %.*s of instance %.*s is not one of Auto Scaling "
                           "group %.*s",
                           STR_ARG(row->zone), STR_ARG(id), STR_ARG(group->name));
    *ret = row;
    return 0;
}

/* The group's name and those of its tags that its instances have. */
static int
tag_attached(struct api_call *call, const struct asg_group_row *group, struct str id)
{
    struct ec2_CreateTagsRequest ask = {0};
    struct ec2_CreateTagsResult res = {0};
    struct api_call service;
    int r = asg_as_service(call, group->role_arn, &service);

    *LIST_PUSH(call->arena, &ask.resources) = id;
    *LIST_PUSH(call->arena, &ask.tags) =
        (struct ec2_Tag){.key = S("aws:autoscaling:groupName"), .value = group->name};
    for (size_t i = 0; i < group->tags.n; i += 3)
        if (str_is(group->tags.v[i + 2], "true"))
            *LIST_PUSH(call->arena, &ask.tags) =
                (struct ec2_Tag){.key = group->tags.v[i], .value = group->tags.v[i + 1]};
    if (r == 0)
        r = api_call_internal(&service, "ec2", "CreateTags", &ask, &res, ASG_VIA);
    if (r > 0)
        call->fault = service.fault;
    return r;
}

static int
attach_one(struct api_call *call, struct asg_group_row *group, const struct ec2_instance_row *ec2,
           int64_t before, int64_t after)
{
    struct asg_instance_row row = {
        .id = ec2->id,
        .group_id = group->id,
        .account = call->account,
        .region = call->region,
        .zone = ec2->zone,
        .subnet_id = ec2->subnet_id,
        .type = ec2->type,
        .image_id = ec2->image_id,
        .state = ASG_PENDING,
        .protected = group->protect,
        .joined_ms = call->now_ms,
    };
    struct asg_activity_row activity;
    int r = begin(call, group, &row, "Attaching an existing EC2 instance",
                  str_fmt(call->arena,
                          "an instance was attached in response to a user request, increasing the "
                          "capacity from %lld to %lld.",
                          (long long)before, (long long)after),
                  "PreInService", 50, &activity);

    assert(after > before && asg_instance_ok(&row));
    if (r == 0)
        r = asg_written(asg_instance_insert(call->txn, &row), "instance", row.id);
    return r ? r : tag_attached(call, group, row.id);
}

int
asg_attach_instances(struct api_call *call, const struct autoscaling_AttachInstancesQuery *req,
                     struct autoscaling_AttachInstancesResult *res UNUSED)
{
    const struct str_list *ids = &req->instance_ids;
    const struct ec2_instance_row *ec2 = NULL;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r)
        return r;
    if (!ids->n || ids->n > INSTANCES_MAX)
        return ASG_INVALID(call, "From 1 to %d instance IDs must be given", INSTANCES_MAX);
    if (group.desired + (int64_t)ids->n > group.max_size)
        return sizes_refused(call, &group, "attach", ids->n);
    int64_t before = group.desired;

    group.desired += (int64_t)ids->n;
    LIST_EACH(ids, id) {
        r = attach_check(call, &group, *id, &ec2);
        if (r == 0)
            r = attach_one(call, &group, ec2, before, group.desired);
        if (r)
            return r;
    }
    return asg_group_save(call, &group);
}

/* ---- DetachInstances, EnterStandby, ExitStandby ---- */

struct leaving {
    unsigned states;                /* from which it may be done */
    const char *must;               /* their names */
    const char *what;               /* for refusals by size */
    const char *description, *done; /* of the activity */
    enum asg_state to;
};

static const struct leaving detaching = {
    .states = 1u << ASG_IN_SERVICE | 1u << ASG_STANDBY,
    .must = "InService or Standby",
    .what = "detach",
    .description = "Detaching EC2 instance",
    .done = "detached",
    .to = ASG_DETACHING,
};
static const struct leaving standing_by = {
    .states = 1u << ASG_IN_SERVICE,
    .must = "InService",
    .what = "put in standby",
    .description = "Moving EC2 instance to Standby",
    .done = "moved to standby",
    .to = ASG_ENTERING_STANDBY,
};

static int
leave(struct api_call *call, const struct leaving *how, struct str name, const struct str_list *ids,
      bool decrement, struct autoscaling_ActivityList *list)
{
    struct asg_instance_row *rows;
    struct asg_activity_row activity;
    struct asg_group_row group;
    int64_t counted = 0;
    int r = asg_group_find(call, name, &group);

    if (r == 0)
        r = members_find(call, ids, &group, how->states, how->must, &rows);
    if (r)
        return r;
    for (size_t i = 0; i < ids->n; i++)
        counted += decrement && asg_counts(&rows[i]);
    if (group.desired - counted < group.min_size)
        return sizes_refused(call, &group, how->what, (size_t)counted);
    int64_t before = group.desired;

    group.desired -= counted;
    API_PRESENT(list);
    for (size_t i = 0; i < ids->n && r == 0; i++) {
        struct str rest = change_text(call, "shrinking", before, group.desired);

        r = begin(call, &group, &rows[i], how->description,
                  str_fmt(call->arena, "instance %.*s was %s in response to a user request%.*s",
                          STR_ARG(rows[i].id), how->done, STR_ARG(rest)),
                  "InProgress", 50, &activity);
        rows[i].state = how->to;
        if (r == 0)
            r = asg_instance_save(call, &rows[i]);
        *LIST_PUSH(call->arena, list) = asg_activity_show(&activity);
    }
    return r ? r : asg_group_save(call, &group);
}

int
asg_detach_instances(struct api_call *call, const struct autoscaling_DetachInstancesQuery *req,
                     struct autoscaling_DetachInstancesAnswer *res)
{
    return leave(call, &detaching, req->auto_scaling_group_name, &req->instance_ids,
                 req->should_decrement_desired_capacity.v, &res->activities);
}

int
asg_enter_standby(struct api_call *call, const struct autoscaling_EnterStandbyQuery *req,
                  struct autoscaling_EnterStandbyAnswer *res)
{
    return leave(call, &standing_by, req->auto_scaling_group_name, &req->instance_ids,
                 req->should_decrement_desired_capacity.v, &res->activities);
}

int
asg_exit_standby(struct api_call *call, const struct autoscaling_ExitStandbyQuery *req,
                 struct autoscaling_ExitStandbyAnswer *res)
{
    const struct str_list *ids = &req->instance_ids;
    struct asg_instance_row *rows;
    struct asg_activity_row activity;
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = members_find(call, ids, &group, 1u << ASG_STANDBY, "Standby", &rows);
    if (r)
        return r;
    if (group.desired + (int64_t)ids->n > group.max_size)
        return sizes_refused(call, &group, "move out of standby", ids->n);
    int64_t before = group.desired;

    group.desired += (int64_t)ids->n;
    API_PRESENT(&res->activities);
    for (size_t i = 0; i < ids->n && r == 0; i++) {
        struct str rest = change_text(call, "increasing", before, group.desired);

        r = begin(call, &group, &rows[i], "Moving EC2 instance out of Standby",
                  str_fmt(call->arena,
                          "instance %.*s was moved out of standby in response to a user "
                          "request%.*s",
                          STR_ARG(rows[i].id), STR_ARG(rest)),
                  "PreInService", 30, &activity);
        rows[i].state = ASG_PENDING;
        if (r == 0)
            r = asg_instance_save(call, &rows[i]);
        *LIST_PUSH(call->arena, &res->activities) = asg_activity_show(&activity);
    }
    return r ? r : asg_group_save(call, &group);
}
