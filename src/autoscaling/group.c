/* Groups: making, changing and deleting them, and their processes. */
#include "autoscaling/autoscaling.h"

#include "gen/api/iam.h"
#include "gen/store/iam_rows.h"

#define ROLE_PATH "/aws-service-role/autoscaling.amazonaws.com/"
#define ROLE_NAME "AWSServiceRoleForAutoScaling"

enum { LIFE_MIN_S = 86400, LIFE_MAX_S = 365 * 86400 };

static const char *const processes[] = {
    "Launch",      "Terminate",       "AddToLoadBalancer", "AlarmNotification", "AZRebalance",
    "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy",  "ScheduledActions",
};

static bool
is_one_of(struct str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(s, names[i]))
            return true;
    return false;
}

/* ---- the service-linked role ---- */

static struct str
role_arn_of(struct api_call *call, struct str path, struct str name)
{
    return str_fmt(call->arena, "arn:aws:iam::%.*s:role%.*s%.*s", STR_ARG(call->account),
                   STR_ARG(path), STR_ARG(name));
}

/* The account's own is made when its first group is, by the caller, who must be allowed to. */
static int
role_ensure(struct api_call *call, struct str *ret)
{
    const struct iam_CreateServiceLinkedRoleRequest ask = {
        .aws_service_name = S(ASG_VIA),
        .description = S("Default Service-Linked Role enables access to AWS Services and Resources "
                         "used or managed by Auto Scaling"),
    };
    struct iam_CreateServiceLinkedRoleResponse made = {0};

    *ret = role_arn_of(call, S(ROLE_PATH), S(ROLE_NAME));
    if (iam_role_by_name_get(call->txn, call->account, str_lower(call->arena, S(ROLE_NAME))))
        return 0;
    return api_call_internal(call, "iam", "CreateServiceLinkedRole", &ask, &made, ASG_VIA);
}

static int
role_set(struct api_call *call, struct str wanted, struct asg_group_row *row)
{
    if (!wanted.n)
        return role_ensure(call, &row->role_arn);
    struct str prefix = role_arn_of(call, S(ROLE_PATH), S(""));
    struct str name = str_cut(wanted, prefix.n, wanted.n);

    if (!str_starts(wanted, prefix) ||
        !iam_role_by_name_get(call->txn, call->account, str_lower(call->arena, name)))
        return ASG_INVALID(call, "ARN specified for Service-Linked Role does not exist.");
    row->role_arn = wanted;
    return api_authorize_pass_role(call, wanted, ASG_VIA);
}

/* ---- what a group may be ---- */

int
asg_sizes_check(struct api_call *call, const struct asg_group_row *row)
{
    if (row->min_size < 0 || row->max_size < 0)
        return ASG_INVALID(call, "Group sizes must not be negative");
    if (row->min_size > row->max_size)
        return ASG_INVALID(call,
                           "Max bound, %lld, must be greater than or equal to min bound, %lld",
                           (long long)row->max_size, (long long)row->min_size);
    if (row->desired < row->min_size || row->desired > row->max_size)
        return ASG_INVALID(call,
                           "Desired capacity:%lld must be between the specified min size:%lld and "
                           "max size:%lld",
                           (long long)row->desired, (long long)row->min_size,
                           (long long)row->max_size);
    return 0;
}

/* Members that both operations have and that are not carried out. */
#define COMMON_REFUSALS(req)                                                                       \
    {(req)->availability_zone_ids.n, "AvailabilityZoneIds"},                                       \
        {opt_bool_or((req)->capacity_rebalance, false), "CapacityRebalance"},                      \
        {(req)->desired_capacity_type.n && !str_is((req)->desired_capacity_type, "units"),         \
         "DesiredCapacityType"},                                                                   \
        {(req)->availability_zone_distribution &&                                                  \
             str_is((req)->availability_zone_distribution->capacity_distribution_strategy,         \
                    "balanced-only"),                                                              \
         "AvailabilityZoneDistribution"},                                                          \
        {(req)->availability_zone_impairment_policy, "AvailabilityZoneImpairmentPolicy"},          \
        {opt_bool_or((req)->skip_zonal_shift_validation, false), "SkipZonalShiftValidation"},      \
        {reserves((req)->capacity_reservation_specification), "CapacityReservationSpecification"}, \
        {(req)->instance_lifecycle_policy, "InstanceLifecyclePolicy"},                             \
        {(req)->deletion_protection.n && !str_is((req)->deletion_protection, "none"),              \
         "DeletionProtection"},                                                                    \
        {str_is((req)->health_check_type, "EBS"), "HealthCheckType EBS"},                          \
    {                                                                                              \
        str_is((req)->health_check_type, "VPC_LATTICE"), "HealthCheckType VPC_LATTICE"             \
    }

static bool
reserves(const struct autoscaling_CapacityReservationSpecification *s)
{
    return s && !str_is(s->capacity_reservation_preference, "default");
}

/* -1 and -1 take a policy away. */
static int
maintenance_set(struct api_call *call, const struct autoscaling_InstanceMaintenancePolicy *p,
                struct asg_group_row *row)
{
    int64_t min = p ? opt_i64_or(p->min_healthy_percentage, -2) : 0;
    int64_t max = p ? opt_i64_or(p->max_healthy_percentage, -2) : 0;

    if (!p)
        return 0;
    if (min == -2 || max == -2 || (min == -1) != (max == -1))
        return ASG_INVALID(call, "Both MinHealthyPercentage and MaxHealthyPercentage must be "
                                 "specified");
    if (min >= 0 && max - min > 100)
        return ASG_INVALID(call, "The difference between MinHealthyPercentage and "
                                 "MaxHealthyPercentage cannot be greater than 100");
    if (min >= 0 && max < 100)
        return ASG_INVALID(call, "MaxHealthyPercentage must be between 100 and 200");
    row->keep_min = MAX(min, 0);
    row->keep_max = MAX(max, 0);
    return 0;
}

static int
life_set(struct api_call *call, struct opt_i64 life_s, struct asg_group_row *row)
{
    if (life_s.set && life_s.v != 0 && (life_s.v < LIFE_MIN_S || life_s.v > LIFE_MAX_S))
        return ASG_INVALID(call, "MaxInstanceLifetime must be 0 or between %d and %d seconds",
                           LIFE_MIN_S, LIFE_MAX_S);
    if (life_s.set)
        row->max_life_s = life_s.v;
    return 0;
}

static int
health_type_set(struct api_call *call, struct str type, struct asg_group_row *row)
{
    if (!type.n)
        return 0;
    /* without a load balancer ELB asks nobody beside EC2 */
    if (!str_is(type, "EC2") && !str_is(type, "ELB"))
        return ASG_INVALID(call,
                           "Invalid Health Check Type: %.*s. Valid values are: EC2, ELB, "
                           "VPC_LATTICE, EBS",
                           STR_ARG(type));
    row->health_type = type;
    return 0;
}

static int
termination_set(struct api_call *call, const struct str_list *policies, struct asg_group_row *row)
{
    static const char *const known[] = {
        "Default",
        "OldestInstance",
        "NewestInstance",
        "OldestLaunchConfiguration",
        "AllocationStrategy",
        "ClosestToNextInstanceHour",
        "OldestLaunchTemplate",
    };

    LIST_EACH(policies, policy) {
        if (str_starts(*policy, S("arn:")))
            return asg_unsupported(call, "TerminationPolicies of Lambda functions");
        if (!is_one_of(*policy, known, ARRAY_LEN(known)))
            return ASG_INVALID(call, "Invalid termination policy: %.*s", STR_ARG(*policy));
    }
    if (policies->n)
        row->termination = *policies;
    return 0;
}

static int
seconds_set(struct api_call *call, struct opt_i64 s, const char *name, int64_t *ret)
{
    if (s.set && s.v < 0)
        return ASG_INVALID(call, "%s must not be negative", name);
    if (s.set)
        *ret = s.v;
    return 0;
}

/* ---- what it launches ---- */

int
asg_template_find(struct api_call *call, struct autoscaling_LaunchTemplateSpecification *t)
{
    struct ec2_DescribeLaunchTemplateVersionsRequest ask = {
        .launch_template_id = t->launch_template_id,
        .launch_template_name = t->launch_template_name,
    };
    struct ec2_DescribeLaunchTemplateVersionsResult found = {0};

    if (!t->launch_template_id.n == !t->launch_template_name.n)
        return ASG_INVALID(call, "Valid requests must contain either launchTemplateId or "
                                 "LaunchTemplateName");
    *LIST_PUSH(call->arena, &ask.versions) = t->version.n ? t->version : S("$Default");
    int r = api_call_internal(call, "ec2", "DescribeLaunchTemplateVersions", &ask, &found, ASG_VIA);

    if (r > 0 || (r == 0 && found.launch_template_versions.n != 1)) {
        struct str message = r > 0 ? call->fault.message : S("The version does not exist.");

        return ASG_INVALID(call, "You must use a valid fully-formed launch template. %.*s",
                           STR_ARG(message));
    }
    if (r < 0)
        return r;
    t->launch_template_id = found.launch_template_versions.v[0].launch_template_id;
    t->launch_template_name = found.launch_template_versions.v[0].launch_template_name;
    assert(t->launch_template_id.n > 0);
    return 0;
}

static int
template_set(struct api_call *call, const struct autoscaling_LaunchTemplateSpecification *t,
             struct asg_group_row *row)
{
    struct autoscaling_LaunchTemplateSpecification found = *t;
    int r = asg_template_find(call, &found);

    if (r)
        return r;
    row->template_id = found.launch_template_id;
    row->template_name = found.launch_template_name;
    row->template_version = t->version;
    row->launch_config = row->mixed = S("");
    return 0;
}

int
asg_launch_set(struct api_call *call, struct str config,
               const struct autoscaling_LaunchTemplateSpecification *template,
               const struct autoscaling_MixedInstancesPolicy *mixed, struct asg_group_row *row)
{
    if ((config.n > 0) + (template != NULL) + (mixed != NULL) != 1)
        return ASG_INVALID(call, "Valid requests must contain either LaunchTemplate, "
                                 "LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
                                 "parameter.");
    if (mixed)
        return asg_mixed_set(call, mixed, row);
    if (template)
        return template_set(call, template, row);
    const struct asg_launch_config_row *found = asg_launch_config_look(call, config);

    if (!found)
        return ASG_INVALID(call,
                           "Launch configuration name not found - A launch configuration with the "
                           "name: %.*s does not exist",
                           STR_ARG(config));
    row->launch_config = found->name;
    row->template_id = row->template_name = row->template_version = row->mixed = S("");
    return 0;
}

/* ---- CreateAutoScalingGroup ---- */

void
asg_desire(struct api_call *call, struct asg_group_row *group, int64_t desired, struct str why)
{
    assert(desired >= 0 && why.n > 0);
    if (desired == group->desired)
        return;
    asg_why(call, group,
            str_fmt(call->arena, "%.*s changing the desired capacity from %lld to %lld.",
                    STR_ARG(why), (long long)group->desired, (long long)desired));
    group->desired = desired;
    group->rebalancing = S("");
    group->failures = 0;
    group->retry_ms = 0;
}

static int
create_refuse(struct api_call *call, const struct autoscaling_CreateAutoScalingGroupType *req)
{
    const struct asg_refusal refusals[] = {
        COMMON_REFUSALS(req),
        {req->instance_id.p, "InstanceId"},
        {req->load_balancer_names.n, "LoadBalancerNames"},
    };
    int r = asg_refuse_first(call, refusals, ARRAY_LEN(refusals));
    size_t n = 0;

    if (r)
        return r;
    if (asg_group_look(call, req->auto_scaling_group_name))
        return api_fault(call, &ASG_ERR(AlreadyExists),
                         "AutoScalingGroup by this name already exists - A group with the name "
                         "%.*s already exists",
                         STR_ARG(req->auto_scaling_group_name));
    STORE_EACH(call->txn, asg_group_by_name, row, call->account, call->region)
        n += row->name.n > 0;
    if (n >= ASG_GROUPS_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d AutoScalingGroups are allowed for this account.", ASG_GROUPS_MAX);
    return 0;
}

static int
create_row(struct api_call *call, const struct autoscaling_CreateAutoScalingGroupType *req,
           struct asg_group_row *row)
{
    *row = (struct asg_group_row){
        .account = call->account,
        .region = call->region,
        .name = req->auto_scaling_group_name,
        .created_ms = call->now_ms,
        .min_size = req->min_size.v,
        .max_size = req->max_size.v,
        .desired = opt_i64_or(req->desired_capacity, req->min_size.v),
        .cooldown_s = 300,
        .health_type = S("EC2"),
        .placement_group = req->placement_group,
        .protect = opt_bool_or(req->new_instances_protected_from_scale_in, false),
        .context = req->context,
        .warmup_s = -1,
    };
    *LIST_PUSH(call->arena, &row->termination) = S("Default");
    row->id = str_fmt(call->arena,
                      "arn:aws:autoscaling:%.*s:%.*s:autoScalingGroup:%.*s:"
                      "autoScalingGroupName/%.*s",
                      STR_ARG(call->region), STR_ARG(call->account),
                      STR_ARG(api_uuid(call->env, call->arena)), STR_ARG(row->name));
    int r = asg_sizes_check(call, row);

    if (r == 0)
        r = seconds_set(call, req->default_cooldown, "DefaultCooldown", &row->cooldown_s);
    if (r == 0)
        r = seconds_set(call, req->health_check_grace_period, "HealthCheckGracePeriod",
                        &row->grace_s);
    if (r == 0 && opt_i64_or(req->default_instance_warmup, -1) != -1)
        r = seconds_set(call, req->default_instance_warmup, "DefaultInstanceWarmup",
                        &row->warmup_s);
    if (r == 0)
        r = health_type_set(call, req->health_check_type, row);
    if (r == 0)
        r = termination_set(call, &req->termination_policies, row);
    if (r == 0)
        r = maintenance_set(call, req->instance_maintenance_policy, row);
    if (r == 0)
        r = life_set(call, req->max_instance_lifetime, row);
    return r;
}

int
asg_create_auto_scaling_group(struct api_call *call,
                              const struct autoscaling_CreateAutoScalingGroupType *req,
                              struct autoscaling_CreateAutoScalingGroupResult *res UNUSED)
{
    struct asg_group_row row;
    int r = create_refuse(call, req);

    if (r == 0)
        r = create_row(call, req, &row);
    if (r == 0)
        r = asg_launch_set(call, req->launch_configuration_name, req->launch_template,
                           req->mixed_instances_policy, &row);
    if (r == 0)
        r = role_set(call, req->service_linked_role_arn, &row);
    if (r == 0)
        r = asg_zones_set(call, &req->availability_zones, req->vpc_zone_identifier, &row);
    if (r == 0)
        r = asg_tags_put(call, &req->tags, &row);
    if (r == 0)
        r = asg_traffic_set(call, &req->target_group_arns, &req->traffic_sources, &row);
    if (r)
        return r;
    if (row.desired > 0)
        asg_why(call, &row,
                str_fmt(call->arena,
                        "a user request created an AutoScalingGroup changing the desired capacity "
                        "from 0 to %lld.",
                        (long long)row.desired));
    assert(asg_group_ok(&row));
    r = asg_written(asg_group_insert(call->txn, &row), "group", row.name);
    return r ? r : asg_hooks_add(call, &row, &req->lifecycle_hook_specification_list);
}

/* ---- UpdateAutoScalingGroup, SetDesiredCapacity ---- */

static int
update_sizes(struct api_call *call, const struct autoscaling_UpdateAutoScalingGroupType *req,
             struct asg_group_row *row)
{
    struct asg_group_row want = *row;
    int r;

    want.min_size = opt_i64_or(req->min_size, row->min_size);
    want.max_size = opt_i64_or(req->max_size, row->max_size);
    want.desired = opt_i64_or(req->desired_capacity, row->desired);
    if (!req->desired_capacity.set && want.min_size <= want.max_size)
        want.desired = MAX(want.min_size, MIN(want.desired, want.max_size));
    r = asg_sizes_check(call, &want);
    if (r)
        return r;
    row->min_size = want.min_size;
    row->max_size = want.max_size;
    asg_desire(call, row, want.desired,
               str_fmt(call->arena,
                       "a user request update of AutoScalingGroup constraints to min: %lld, max: "
                       "%lld, desired: %lld",
                       (long long)want.min_size, (long long)want.max_size,
                       (long long)want.desired));
    return 0;
}

static int
update_rest(struct api_call *call, const struct autoscaling_UpdateAutoScalingGroupType *req,
            struct asg_group_row *row)
{
    int r = seconds_set(call, req->default_cooldown, "DefaultCooldown", &row->cooldown_s);

    if (r == 0)
        r = seconds_set(call, req->health_check_grace_period, "HealthCheckGracePeriod",
                        &row->grace_s);
    if (req->default_instance_warmup.set && req->default_instance_warmup.v == -1)
        row->warmup_s = -1;
    else if (r == 0)
        r = seconds_set(call, req->default_instance_warmup, "DefaultInstanceWarmup",
                        &row->warmup_s);
    if (r == 0)
        r = health_type_set(call, req->health_check_type, row);
    if (r == 0)
        r = termination_set(call, &req->termination_policies, row);
    if (r == 0)
        r = maintenance_set(call, req->instance_maintenance_policy, row);
    if (r == 0)
        r = life_set(call, req->max_instance_lifetime, row);
    if (r == 0 && row->pool && row->mixed.n)
        return ASG_INVALID(call, "You can't have a mixed instances policy in an Auto Scaling group "
                                 "that has a warm pool.");
    if (r == 0 && req->service_linked_role_arn.n)
        r = role_set(call, req->service_linked_role_arn, row);
    if (r == 0 && (req->availability_zones.n || req->vpc_zone_identifier.n))
        r = asg_zones_set(call, &req->availability_zones, req->vpc_zone_identifier, row);
    if (req->placement_group.p)
        row->placement_group = req->placement_group;
    if (req->context.p)
        row->context = req->context;
    row->protect = opt_bool_or(req->new_instances_protected_from_scale_in, row->protect);
    return r;
}

int
asg_update_auto_scaling_group(struct api_call *call,
                              const struct autoscaling_UpdateAutoScalingGroupType *req,
                              struct autoscaling_UpdateAutoScalingGroupResult *res UNUSED)
{
    const struct asg_refusal refusals[] = {COMMON_REFUSALS(req)};
    struct asg_group_row row;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r == 0)
        r = asg_refuse_first(call, refusals, ARRAY_LEN(refusals));
    if (r == 0 &&
        (req->launch_configuration_name.n || req->launch_template || req->mixed_instances_policy))
        r = asg_launch_set(call, req->launch_configuration_name, req->launch_template,
                           req->mixed_instances_policy, &row);
    if (r == 0)
        r = update_sizes(call, req, &row);
    if (r == 0)
        r = update_rest(call, req, &row);
    if (r)
        return r;
    /* what kept a launch from succeeding may be mended by it */
    row.retry_ms = 0;
    return asg_group_save(call, &row);
}

int
asg_set_desired_capacity(struct api_call *call,
                         const struct autoscaling_SetDesiredCapacityType *req,
                         struct autoscaling_SetDesiredCapacityResult *res UNUSED)
{
    struct asg_group_row row;
    int64_t want = req->desired_capacity.v;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r)
        return r;
    if (want < row.min_size)
        return ASG_INVALID(call,
                           "New SetDesiredCapacity value %lld is below min value %lld for the "
                           "AutoScalingGroup.",
                           (long long)want, (long long)row.min_size);
    if (want > row.max_size)
        return ASG_INVALID(call,
                           "New SetDesiredCapacity value %lld is above max value %lld for the "
                           "AutoScalingGroup.",
                           (long long)want, (long long)row.max_size);
    if (opt_bool_or(req->honor_cooldown, false) && row.cooling_ms > call->now_ms)
        return api_fault(call, &ASG_ERR(ScalingActivityInProgress),
                         "Scaling activity is in its cooldown period and blocks this action");
    asg_desire(call, &row, want, S("a user request explicitly set group desired capacity"));
    return asg_group_save(call, &row);
}

/* ---- DeleteAutoScalingGroup ---- */

int
asg_group_remove(struct api_call *call, const struct asg_group_row *group)
{
    int r = 0;

    STORE_EACH(call->txn, asg_activity_by_group, row, group->id)
        if (r == 0)
            r = asg_activity_end(call, row->id, "Cancelled", S(""));
    STORE_EACH(call->txn, asg_policy_by_name, row, group->id) {
        if (r == 0)
            r = asg_tracking_forget(call, group, row);
        if (r == 0)
            r = asg_written(asg_policy_delete(call->txn, row->id), "policy", row->name);
    }
    STORE_EACH(call->txn, asg_schedule_by_name, row, group->id)
        if (r == 0)
            r = asg_written(asg_schedule_delete(call->txn, row->id), "action", row->name);
    STORE_EACH(call->txn, asg_hook_by_name, row, group->id)
        if (r == 0)
            r = asg_written(asg_hook_delete(call->txn, row->id), "hook", row->name);
    STORE_EACH(call->txn, asg_refresh_by_group, row, group->id)
        if (r == 0)
            r = asg_written(asg_refresh_delete(call->txn, row->id), "refresh", row->id);
    return r ? r : asg_written(asg_group_delete(call->txn, group->id), "group", group->name);
}

int
asg_delete_auto_scaling_group(struct api_call *call,
                              const struct autoscaling_DeleteAutoScalingGroupType *req,
                              struct autoscaling_DeleteAutoScalingGroupResult *res UNUSED)
{
    const struct asg_group_row *found = asg_group_look(call, req->auto_scaling_group_name);
    size_t n = 0;

    if (!found)
        return ASG_INVALID(call,
                           "AutoScalingGroup name not found - AutoScalingGroup '%.*s' not found",
                           STR_ARG(req->auto_scaling_group_name));
    struct asg_group_row row = *found;

    STORE_EACH(call->txn, asg_instance_by_group, instance, row.id)
        n += instance->id.n > 0;
    if (n == 0 && (opt_bool_or(req->force_delete, false) || !asg_activity_runs(call, row.id)))
        return asg_group_remove(call, &row);
    if (!opt_bool_or(req->force_delete, false))
        return n ? api_fault(call, &ASG_ERR(ResourceInUse),
                             "You cannot delete an AutoScalingGroup while there are instances or "
                             "pending Spot instance request(s) still in the group.")
                 : api_fault(call, &ASG_ERR(ScalingActivityInProgress),
                             "You cannot delete an AutoScalingGroup while there are scaling "
                             "activities in progress for that group.");
    row.deleting = true;
    return asg_group_save(call, &row);
}

/* ---- SuspendProcesses, ResumeProcesses ---- */

static int
processes_change(struct api_call *call, const struct autoscaling_ScalingProcessQuery *req,
                 bool suspend)
{
    struct str_list which = req->scaling_processes, left = {0};
    struct asg_group_row row;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r)
        return r;
    LIST_EACH(&which, name)
        if (!is_one_of(*name, processes, ARRAY_LEN(processes)))
            return ASG_INVALID(call, "%.*s is not a valid scaling process", STR_ARG(*name));
    for (size_t i = 0; which.n == 0 && i < ARRAY_LEN(processes); i++)
        *LIST_PUSH(call->arena, &left) = str_from(processes[i]);
    if (which.n == 0)
        which = left;
    left = (struct str_list){0};
    for (size_t i = 0; i < row.suspended.n; i += 2) {
        if (!suspend && str_in(&which, row.suspended.v[i]))
            continue;
        *LIST_PUSH(call->arena, &left) = row.suspended.v[i];
        *LIST_PUSH(call->arena, &left) = row.suspended.v[i + 1];
    }
    LIST_EACH(&which, name) {
        if (!suspend || asg_suspended(&row, str_cstr(call->arena, *name)))
            continue;
        *LIST_PUSH(call->arena, &left) = *name;
        *LIST_PUSH(call->arena, &left) =
            str_fmt(call->arena, "User suspended at %.*s", STR_ARG(asg_time(call)));
    }
    assert(left.n % 2 == 0);
    row.suspended = left;
    return asg_group_save(call, &row);
}

int
asg_suspend_processes(struct api_call *call, const struct autoscaling_ScalingProcessQuery *req,
                      struct autoscaling_SuspendProcessesResult *res UNUSED)
{
    return processes_change(call, req, true);
}

int
asg_resume_processes(struct api_call *call, const struct autoscaling_ScalingProcessQuery *req,
                     struct autoscaling_ResumeProcessesResult *res UNUSED)
{
    return processes_change(call, req, false);
}

int
asg_describe_scaling_process_types(
    struct api_call *call, const struct autoscaling_DescribeScalingProcessTypesRequest *req UNUSED,
    struct autoscaling_ProcessesType *res)
{
    for (size_t i = 0; i < ARRAY_LEN(processes); i++)
        LIST_PUSH(call->arena, &res->processes)->process_name = str_from(processes[i]);
    return 0;
}
