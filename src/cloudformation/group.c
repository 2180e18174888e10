/*
 * Groups of instances (AWS::AutoScaling::AutoScalingGroup): made and changed by the calls of the
 * type's block, as any resource; here is what is waited for, and the rolling update, a step a look,
 * each in the transaction of the calls that it makes.  A group that goes back rolls by the policy
 * of the template that it goes back to.
 */
#include "cloudformation/group.h"

#include "cloudformation/own.h"

#define STEPS_MAX 8

/* ---- policies ---- */

bool
cfn_update_policy(struct cfn_scope *scope, const struct json *resource, struct json *ret)
{
    const struct json *in = json_get(resource, "UpdatePolicy");

    assert(scope->root && (!resource || resource->kind == JSON_OBJECT));
    *ret = cfn_object();
    if (in && !cfn_resolve(scope, in, ret))
        return false;
    if (ret->kind == JSON_NULL)
        *ret = cfn_object();
    return true;
}

static bool
is_truth(const struct json *j)
{
    return str_is(cfn_scalar(j), "true") || str_is(cfn_scalar(j), "false");
}

/* One member of one name, which is true or false. */
static bool
is_switch(const struct json *in, const char *name)
{
    return in->kind == JSON_OBJECT && in->n == 1 && json_get(in, name) &&
           is_truth(json_get(in, name));
}

/* What is wrong with an UpdatePolicy; absent: nothing. */
static struct str
update_policy_wrong(struct arena *a, const struct json *policy)
{
    struct cfn_roll roll;

    if (policy->kind != JSON_OBJECT)
        return S("it must be an object");
    for (size_t i = 0; i < policy->n; i++) {
        struct str name = policy->names[i];
        const struct json *in = &policy->v[i];
        struct str wrong =
            str_is(name, "AutoScalingRollingUpdate") ? cfn_roll_policy(a, in, &roll)
            : str_is(name, "AutoScalingReplacingUpdate")
                ? is_switch(in, "WillReplace") ? STR_NONE : name
            : str_is(name, "AutoScalingScheduledAction")
                ? is_switch(in, "IgnoreUnmodifiedGroupSizeProperties") ? STR_NONE : name
                : name;

        if (wrong.p)
            return wrong;
    }
    return STR_NONE;
}

bool
cfn_creation_percent(const struct json *policy, int64_t *ret)
{
    struct str percent = cfn_scalar(
        json_get(json_get(policy, "AutoScalingCreationPolicy"), "MinSuccessfulInstancesPercent"));

    *ret = 100;
    return !percent.p || (str_to_i64(percent, ret) && *ret >= 0 && *ret <= 100);
}

bool
cfn_group_policies(struct cfn_scope *scope, struct str name, const struct json *resource)
{
    struct json policy;
    struct str wrong = STR_NONE;

    if (!json_get(resource, "UpdatePolicy"))
        return true;
    if (!cfn_update_policy(scope, resource, &policy))
        return false;
    wrong = json_get(cfn_type(json_text(resource, "Type")), "Rolling")
                ? update_policy_wrong(scope->arena, &policy)
                : S("the type has none");
    return !wrong.p || cfn_wrong(scope,
                                 "UpdatePolicy is not supported or not valid for resource %.*s: "
                                 "%.*s",
                                 STR_ARG(name), STR_ARG(wrong));
}

int
cfn_group_replaced(struct cfn_look *look, const struct cfn_run *run, const struct json *resource,
                   bool *ret)
{
    const struct json *what = json_get(run->type, "Rolling");
    struct json policy;
    assert(run->type && resource);

    *ret = false;
    if (!what || !cfn_update_policy(&look->scope, resource, &policy))
        return what ? 1 : 0;
    if (!str_is(cfn_scalar(cfn_path(&policy, S("AutoScalingReplacingUpdate.WillReplace"))), "true"))
        return 0;
    for (size_t i = 0; i < what->n; i++) {
        struct str name = cfn_scalar(&what->v[i]);

        *ret = *ret || !cfn_equal(json_get_str(&run->props, name), json_get_str(&run->old, name));
    }
    return 0;
}

/* ---- the group as it is ---- */

struct seen {
    struct json reply; /* the group, as DescribeAutoScalingGroups shows it */
    struct cfn_group group;
    struct str_list suspended;
};

static int64_t
number(const struct json *j, const char *name)
{
    int64_t n = 0;

    str_to_i64(cfn_scalar(json_get(j, name)), &n);
    return n;
}

/* Launched of something else than the group launches now, or where it does not any more. */
static bool
is_obsolete(const struct json *group, const struct json *instance, const struct json *subnets)
{
    static const char *const how[] = {"LaunchTemplateId", "Version"};
    const struct json *now = json_get(group, "LaunchTemplate");
    const struct json *was = json_get(instance, "LaunchTemplate");
    const struct json *zones = json_get(group, "AvailabilityZones");
    struct str zone = json_text(instance, "AvailabilityZone"),
               id = json_text(instance, "InstanceId");
    struct str subnet = cfn_scalar(json_get_str(subnets, id));
    struct str places = json_text(group, "VPCZoneIdentifier");
    bool there = false;
    assert(group && instance && subnets->kind == JSON_OBJECT);

    if (!cfn_equal(json_get(group, "LaunchConfigurationName"),
                   json_get(instance, "LaunchConfigurationName")))
        return true;
    for (size_t i = 0; now && i < ARRAY_LEN(how); i++)
        if (!was || !cfn_equal(json_get(now, how[i]), json_get(was, how[i])))
            return true;
    for (size_t i = 0; zones && i < zones->n; i++)
        there = there || str_eq(cfn_scalar(&zones->v[i]), zone);
    return !there || (subnet.p && places.n && str_find(places, subnet) == SIZE_MAX);
}

/* {INSTANCE: SUBNET}, which Auto Scaling does not tell. */
static int
subnets_of(struct cfn_run *run, const struct json *instances, struct json *ret)
{
    struct arena *a = run->call->arena;
    struct json ids = cfn_array(), in, reply;
    struct str wrong;

    *ret = cfn_object();
    for (size_t i = 0; instances && i < instances->n; i++)
        cfn_push(a, &ids, *json_get(&instances->v[i], "InstanceId"));
    if (!ids.n)
        return 0;
    in = cfn_object();
    struct json filter = cfn_single(a, "Name", cfn_text(S("instance-id")));

    cfn_put(a, &filter, S("Values"), ids);
    cfn_push(a, cfn_put(a, &in, S("Filters"), cfn_array()), filter);
    int r = cfn_ask(run->call, "ec2", "DescribeInstances", &in, &reply, &wrong);
    const struct json *all = r == 0 ? json_get(&reply, "Reservations") : NULL;

    for (size_t i = 0; all && i < all->n; i++) {
        const struct json *list = json_get(&all->v[i], "Instances");

        for (size_t k = 0; list && k < list->n; k++)
            if (json_get(&list->v[k], "SubnetId"))
                cfn_put(a, ret, json_text(&list->v[k], "InstanceId"),
                        *json_get(&list->v[k], "SubnetId"));
    }
    assert(ret->n <= ids.n);
    /* who may not see instances is told what else can be told */
    return r < 0 ? r : 0;
}

/* Instances that are no part of its capacity are not the group's for us. */
static bool
counts(struct str state)
{
    return !str_is(state, "Standby") && !str_starts(state, S("Detach")) &&
           !str_is(state, "EnteringStandby");
}

static int
see_group(struct cfn_run *run, struct seen *ret)
{
    struct arena *a = run->call->arena;
    struct json names = cfn_array(), in, reply, subnets;

    assert(run->id.n > 0);
    *ret = (struct seen){0};
    cfn_push(a, &names, cfn_text(run->id));
    in = cfn_single(a, "AutoScalingGroupNames", names);
    int r = cfn_run_ask(run, "DescribeAutoScalingGroups", &in, &reply);
    const struct json *group = r == CFN_DONE ? cfn_path(&reply, S("AutoScalingGroups.0")) : NULL;

    if (r != CFN_DONE)
        return r;
    if (!group) {
        run->why = str_fmt(a, "AutoScalingGroup %.*s not found", STR_ARG(run->id));
        return CFN_REFUSED;
    }
    const struct json *instances = json_get(group, "Instances");
    const struct json *suspended = json_get(group, "SuspendedProcesses");

    r = subnets_of(run, instances, &subnets);
    ret->reply = *group;
    ret->group = (struct cfn_group){.min = number(group, "MinSize"),
                                    .max = number(group, "MaxSize"),
                                    .desired = number(group, "DesiredCapacity")};
    for (size_t i = 0; instances && i < instances->n; i++) {
        struct str state = json_text(&instances->v[i], "LifecycleState");

        if (counts(state))
            *LIST_PUSH(a, &ret->group) = (struct cfn_group_instance){
                .id = json_text(&instances->v[i], "InstanceId"),
                .in_service = str_is(state, "InService"),
                .obsolete = is_obsolete(group, &instances->v[i], &subnets),
            };
    }
    for (size_t i = 0; suspended && i < suspended->n; i++)
        *LIST_PUSH(a, &ret->suspended) = json_text(&suspended->v[i], "ProcessName");
    return r;
}

/* A launch that failed since: the newest activity tells. */
static int
failed_activity(struct cfn_run *run, int64_t since_ms, struct str *ret)
{
    struct arena *a = run->call->arena;
    struct json in = cfn_single(a, "AutoScalingGroupName", cfn_text(run->id)), reply;

    cfn_put(a, &in, S("MaxRecords"), cfn_text(S("1")));
    int r = cfn_run_ask(run, "DescribeScalingActivities", &in, &reply);
    const struct json *last = r == CFN_DONE ? cfn_path(&reply, S("Activities.0")) : NULL;
    struct str start = json_text(last, "StartTime");
    int64_t at = 0;

    *ret = STR_NONE;
    assert(run->id.n > 0 && since_ms >= 0);
    if (!last || !str_is(json_text(last, "StatusCode"), "Failed"))
        return r;
    /* seconds, maybe with a fraction */
    if (str_to_i64(str_split(&start, '.'), &at) && at * 1000 + 999 < since_ms)
        return r;
    *ret = str_fmt(a, "Group did not stabilize. Last scaling activity: %.*s",
                   STR_ARG(json_text(last, "StatusMessage")));
    return r;
}

/* ---- a rolling update ---- */

static int
call_group(struct cfn_run *run, const char *operation, struct json in)
{
    struct json reply;

    cfn_put(run->call->arena, &in, S("AutoScalingGroupName"), cfn_text(run->id));
    return cfn_run_ask(run, operation, &in, &reply);
}

static int
resize(struct cfn_run *run, const struct cfn_roll_step *step)
{
    struct arena *a = run->call->arena;
    struct json in = cfn_object();

    if (step->set_min >= 0)
        cfn_put(a, &in, S("MinSize"), cfn_text(str_fmt(a, "%lld", (long long)step->set_min)));
    if (step->set_desired >= 0)
        cfn_put(a, &in, S("DesiredCapacity"),
                cfn_text(str_fmt(a, "%lld", (long long)step->set_desired)));
    return in.n ? call_group(run, "UpdateAutoScalingGroup", in) : CFN_DONE;
}

static int
processes(struct cfn_run *run, const char *operation, const struct str_list *names)
{
    struct arena *a = run->call->arena;
    struct json list = cfn_array();

    LIST_EACH(names, name)
        cfn_push(a, &list, cfn_text(*name));
    return list.n ? call_group(run, operation, cfn_single(a, "ScalingProcesses", list)) : CFN_DONE;
}

static int
terminate(struct cfn_run *run, const struct cfn_roll_step *step)
{
    struct arena *a = run->call->arena;
    int r = CFN_DONE;

    assert(step->replaced <= step->end.n);
    for (size_t i = 0; i < step->end.n && r == CFN_DONE; i++) {
        struct json in = cfn_single(a, "InstanceId", cfn_text(step->end.v[i])), reply;

        cfn_put(a, &in, S("ShouldDecrementDesiredCapacity"), cfn_bool(i >= step->replaced));
        r = cfn_run_ask(run, "TerminateInstanceInAutoScalingGroup", &in, &reply);
        /* it went by itself meanwhile */
        if (r == CFN_REFUSED && str_find(run->why, S("not found")) != SIZE_MAX)
            r = CFN_DONE;
    }
    return r;
}

/* What suspends processes while it rolls begins so, and ends with them as they were. */
static int
suspend(struct cfn_run *run, struct cfn_roll *roll, const struct seen *seen)
{
    LIST_EACH(&roll->suspend, name)
        if (!str_in(&seen->suspended, *name) && !str_in(&roll->suspended, *name))
            *LIST_PUSH(run->call->arena, &roll->suspended) = *name;
    return processes(run, "SuspendProcesses", &roll->suspended);
}

static int
carry_out(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run,
          struct cfn_roll *roll, const struct seen *seen, const struct cfn_roll_step *step,
          bool begins)
{
    int r = begins && roll->total ? suspend(run, roll, seen) : CFN_DONE;

    if (r == CFN_DONE)
        r = resize(run, step);
    if (r == CFN_DONE)
        r = terminate(run, step);
    if (r == CFN_DONE && roll->at == CFN_ROLL_OVER)
        r = processes(run, "ResumeProcesses", &roll->suspended);
    for (size_t i = 0; i < step->events.n && r == CFN_DONE; i++)
        r = cfn_resource_status(look, row, "UPDATE_IN_PROGRESS", step->events.v[i]);
    return r;
}

/* Steps that are due. */
static int
roll_on(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run,
        enum cfn_seen *ret)
{
    struct arena *a = look->call->arena;
    struct cfn_roll_step step = {0};
    struct cfn_roll roll;
    struct seen seen;
    struct str why;
    int64_t good = 0, bad = 0;
    int r = CFN_DONE;

    assert(row->rolling.n && (row->phase == CFN_STARTED || look->stack.stage == CFN_REVERT));
    *ret = CFN_NOT_YET;
    if (!cfn_roll_read(a, row->rolling, &roll))
        return error_origin(EUCLEAN, "the update of %.*s cannot be read", STR_ARG(row->key));
    for (int i = 0; i < STEPS_MAX && r == CFN_DONE; i++) {
        bool begins = roll.at == CFN_ROLL_BEGIN;

        /* those that come early are told when they are awaited */
        if (roll.at == CFN_ROLL_WAIT)
            r = cfn_signals_tell(look, row, &good, &bad);
        if (r == CFN_DONE)
            r = see_group(run, &seen);
        if (r != CFN_DONE ||
            !cfn_roll_next(a, &roll, &seen.group, good, bad, look->call->now_ms, &step))
            break;
        r = carry_out(look, row, run, &roll, &seen, &step, begins);
    }
    if (r == CFN_DONE && step.failed.p) {
        for (size_t i = 0; i < step.events.n && r == CFN_DONE; i++)
            r = cfn_resource_status(look, row, "UPDATE_IN_PROGRESS", step.events.v[i]);
        run->why = step.failed;
        *ret = CFN_NEVER;
    }
    if (r == CFN_DONE && roll.at == CFN_ROLL_SETTLE && *ret != CFN_NEVER) {
        r = failed_activity(run, roll.since_ms, &why);
        if (r == CFN_DONE && why.p)
            run->why = why, *ret = CFN_NEVER;
    }
    if (r == CFN_DONE && roll.at == CFN_ROLL_OVER)
        *ret = CFN_YES;
    if (step.look_ms && (!look->next_ms || step.look_ms < look->next_ms))
        look->next_ms = step.look_ms;
    /* of one that failed the state tells what to undo */
    row->rolling = *ret == CFN_YES ? S("") : cfn_roll_print(a, &roll);
    int w = cfn_resource_update(look->call->txn, row);

    return w < 0 ? w : r;
}

/* Begins to roll by a policy; nothing happens when it has none. */
static int
roll_begin(struct cfn_look *look, struct cfn_resource_row *row, const struct json *policy,
           const struct str_list *suspended)
{
    const struct json *in = json_get(policy, "AutoScalingRollingUpdate");
    struct cfn_roll roll;

    assert(row->touched != CFN_MADE); /* what is made waits by its CreationPolicy */
    row->count = 0;
    row->deadline_ms = 0;
    row->rolling = S("");
    /* it was checked when the template was taken */
    if (in && !cfn_roll_policy(look->call->arena, in, &roll).p) {
        roll.since_ms = look->call->now_ms;
        roll.suspended = *suspended;
        row->rolling = cfn_roll_print(look->call->arena, &roll);
    }
    return cfn_signals_drop(look, row->key);
}

/* ---- what the engine asks ---- */

static int
group_create(struct cfn_look *look UNUSED, struct cfn_resource_row *row, struct cfn_run *run)
{
    row->rolling = S("");
    return cfn_run_create(run);
}

static int
group_update(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run)
{
    const struct json *resources = json_get(&look->root, "Resources");
    const struct str_list none = {0};

    if (!cfn_update_policy(&look->scope, json_get_str(resources, row->logical), &run->policy))
        return run->why = look->scope.wrong, CFN_REFUSED;
    int r = cfn_run_update(run);

    return r == CFN_DONE ? roll_begin(look, row, &run->policy, &none) : r;
}

static int
group_delete(struct cfn_look *look UNUSED, struct cfn_resource_row *row UNUSED, struct cfn_run *run)
{
    return cfn_run_delete(run);
}

static int
group_look(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run, bool gone,
           enum cfn_seen *ret)
{
    struct seen seen;
    int64_t in_service = 0;
    int r = CFN_DONE;

    assert(*ret == CFN_YES && run->type);
    if (gone)
        return cfn_run_look(run, "Gone", ret);
    if (row->rolling.n)
        return roll_on(look, row, run, ret);
    if (row->touched == CFN_CHANGED)
        return CFN_DONE; /* it changes at its own pace */
    r = see_group(run, &seen);
    if (r != CFN_DONE)
        return r;
    for (size_t i = 0; i < seen.group.n; i++)
        in_service += seen.group.v[i].in_service;
    if (in_service >= seen.group.desired)
        return CFN_DONE;
    *ret = CFN_NOT_YET;
    r = failed_activity(run, 0, &run->why);
    if (r == CFN_DONE && run->why.p)
        *ret = CFN_NEVER;
    return r;
}

/* The policy of the template that the stack goes back to. */
static int
policy_before(struct cfn_look *look, const struct cfn_resource_row *row, struct json *ret)
{
    struct cfn_look before;

    assert(look->stack.stage == CFN_REVERT);
    int r = cfn_look_before(look, &before);

    if (r)
        return r;
    const struct json *resources = json_get(&before.root, "Resources");

    if (!cfn_update_policy(&before.scope, json_get_str(resources, row->logical), ret))
        *ret = cfn_object();
    return 0;
}

/* Sizes that were set for the time of the update, where the template does not say others. */
static int
undo_resize(struct cfn_run *run, const struct cfn_roll *roll)
{
    const struct json *ignore =
        cfn_path(&run->policy, S("AutoScalingScheduledAction.IgnoreUnmodifiedGroupSizeProperties"));
    const struct cfn_roll_step step = {.set_min = roll->min,
                                       .set_desired =
                                           str_is(cfn_scalar(ignore), "true") ? roll->desired : -1};

    return roll->resized ? resize(run, &step) : CFN_DONE;
}

static int
group_back(struct cfn_look *look, struct cfn_resource_row *row, struct cfn_run *run,
           enum cfn_seen *ret)
{
    struct cfn_roll roll = {0};
    int r = row->phase == CFN_BACK ? CFN_DONE : policy_before(look, row, &run->policy);

    *ret = CFN_YES;
    /* nothing of it was changed yet when the update failed */
    if (row->phase != CFN_BACK && !row->old_props.n)
        return r;
    if (row->phase != CFN_BACK && r == 0) {
        if (cfn_roll_read(look->call->arena, row->rolling, &roll))
            r = undo_resize(run, &roll);
        cfn_run_back(look, row, run);
        if (r == CFN_DONE)
            r = cfn_run_update(run);
        if (r == CFN_DONE)
            r = roll_begin(look, row, &run->policy, &roll.suspended);
        if (r == CFN_DONE && !row->rolling.n)
            r = processes(run, "ResumeProcesses", &roll.suspended);
    }
    if (r == CFN_DONE && row->rolling.n)
        r = roll_on(look, row, run, ret);
    if (r == CFN_REFUSED)
        *ret = CFN_NEVER;
    return MIN(r, 0);
}

const struct cfn_own cfn_own_group = {
    .name = "group",
    .create = group_create,
    .update = group_update,
    .back = group_back,
    .delete_ = group_delete,
    .look = group_look,
};
