/* Groups as DescribeAutoScalingGroups shows them, and the account's limits. */
#include "autoscaling/autoscaling.h"

static struct str
if_any(struct str s)
{
    return s.n ? s : STR_NONE;
}

static struct autoscaling_LaunchTemplateSpecification *
template_show(struct api_call *call, struct str id, struct str name, struct str version)
{
    struct autoscaling_LaunchTemplateSpecification *out;

    if (!id.n)
        return NULL;
    out = ARENA_NEW(call->arena, struct autoscaling_LaunchTemplateSpecification);
    *out = (struct autoscaling_LaunchTemplateSpecification){
        .launch_template_id = id, .launch_template_name = name, .version = if_any(version)};
    return out;
}

/* Told only where the group weighs. */
static struct str
weight_show(struct api_call *call, const struct asg_group_row *group,
            const struct asg_instance_row *row)
{
    return group->mixed.n && str_find(group->mixed, S("\"WeightedCapacity\"")) != SIZE_MAX
               ? str_fmt(call->arena, "%lld", (long long)asg_weight(row))
               : STR_NONE;
}

struct autoscaling_Instance
asg_instance_show(struct api_call *call, const struct asg_group_row *group,
                  const struct asg_instance_row *row)
{
    return (struct autoscaling_Instance){
        .instance_id = row->id,
        .instance_type = row->type,
        .availability_zone = row->zone,
        .lifecycle_state = asg_state_show(call, row),
        .health_status = row->unhealthy ? S("Unhealthy") : S("Healthy"),
        .launch_configuration_name = if_any(row->launch_config),
        .launch_template =
            template_show(call, row->template_id, row->template_name, row->template_version),
        .image_id = if_any(row->image_id),
        .protected_from_scale_in = opt_bool(row->protected),
        .weighted_capacity = weight_show(call, group, row),
    };
}

static struct autoscaling_AutoScalingGroup
show(struct api_call *call, const struct asg_group_row *row, bool instances)
{
    struct autoscaling_AutoScalingGroup out = {
        .auto_scaling_group_name = row->name,
        .auto_scaling_group_arn = row->id,
        .launch_configuration_name = if_any(row->launch_config),
        .launch_template = row->mixed.n ? NULL
                                        : template_show(call, row->template_id, row->template_name,
                                                        row->template_version),
        .min_size = opt_i64(row->min_size),
        .max_size = opt_i64(row->max_size),
        .desired_capacity = opt_i64(row->desired),
        .default_cooldown = opt_i64(row->cooldown_s),
        .availability_zones = row->zones,
        .health_check_type = row->health_type,
        .health_check_grace_period = opt_i64(row->grace_s),
        .created_time = opt_i64(row->created_ms),
        .placement_group = if_any(row->placement_group),
        .vpc_zone_identifier = str_join(call->arena, &row->subnets, S(",")),
        .status = row->deleting ? S("Delete in progress") : STR_NONE,
        .tags = asg_tags_show(call, row),
        .termination_policies = row->termination,
        .new_instances_protected_from_scale_in = opt_bool(row->protect),
        .service_linked_role_arn = row->role_arn,
        .context = if_any(row->context),
        .default_instance_warmup = {row->warmup_s, row->warmup_s >= 0},
        .capacity_rebalance = opt_bool(false),
        .max_instance_lifetime = {row->max_life_s, row->max_life_s > 0},
    };
    int64_t n_warm = 0;

    /* what cannot be read is left out, and was told by asg_kept() */
    if (row->mixed.n)
        (void)asg_mixed_get(call, row, &out.mixed_instances_policy);
    API_PRESENT(&out.load_balancer_names);
    API_PRESENT(&out.target_group_arns);
    API_PRESENT(&out.traffic_sources);
    LIST_EACH(&row->sources, arn) {
        *LIST_PUSH(call->arena, &out.target_group_arns) = *arn;
        *LIST_PUSH(call->arena, &out.traffic_sources) =
            (struct autoscaling_TrafficSourceIdentifier){*arn, S("elbv2")};
    }
    API_PRESENT(&out.instances);
    API_PRESENT(&out.suspended_processes);
    API_PRESENT(&out.enabled_metrics);
    for (size_t i = 0; i < row->suspended.n; i += 2)
        *LIST_PUSH(call->arena, &out.suspended_processes) =
            (struct autoscaling_SuspendedProcess){row->suspended.v[i], row->suspended.v[i + 1]};
    if (instances)
        STORE_EACH(call->txn, asg_instance_by_group, instance, row->id)
            if (!instance->warm)
                *LIST_PUSH(call->arena, &out.instances) = asg_instance_show(call, row, instance);
    LIST_EACH(&row->metrics, name)
        *LIST_PUSH(call->arena, &out.enabled_metrics) =
            (struct autoscaling_EnabledMetric){*name, S("1Minute")};
    if (row->keep_max) {
        out.instance_maintenance_policy =
            ARENA_NEW(call->arena, struct autoscaling_InstanceMaintenancePolicy);
        out.instance_maintenance_policy->min_healthy_percentage = opt_i64(row->keep_min);
        out.instance_maintenance_policy->max_healthy_percentage = opt_i64(row->keep_max);
    }
    out.warm_pool_configuration = asg_pool_show(call, row);
    if (row->pool)
        STORE_EACH(call->txn, asg_instance_by_group, instance, row->id)
            n_warm += instance->warm;
    out.warm_pool_size = (struct opt_i64){n_warm, row->pool};
    assert(asg_group_ok(row));
    return out;
}

/* ---- filters ---- */

/* tag-key, tag-value and tag:KEY; all must hold. */
static bool
filter_holds(const struct asg_group_row *row, const struct autoscaling_Filter *f)
{
    struct str key = str_starts(f->name, S("tag:")) ? str_cut(f->name, 4, f->name.n) : STR_NONE;

    for (size_t i = 0; i < row->tags.n; i += 3) {
        struct str k = row->tags.v[i], v = row->tags.v[i + 1];

        if (key.p ? str_eq(k, key) && str_in(&f->values, v)
                  : str_in(&f->values, str_is(f->name, "tag-key") ? k : v))
            return true;
    }
    return false;
}

static int
filters_check(struct api_call *call, const struct autoscaling_FilterList *filters)
{
    LIST_EACH(filters, f)
        if (!str_is(f->name, "tag-key") && !str_is(f->name, "tag-value") &&
            !str_starts(f->name, S("tag:")))
            return ASG_INVALID(call,
                               "Filter type %.*s is not correct. Allowed Filter types are: "
                               "tag-key, tag-value, tag:<key>",
                               STR_ARG(f->name));
    return 0;
}

int
asg_describe_auto_scaling_groups(struct api_call *call,
                                 const struct autoscaling_AutoScalingGroupNamesType *req,
                                 struct autoscaling_AutoScalingGroupsType *res)
{
    const struct str_list *names = &req->auto_scaling_group_names;
    struct api_page page;
    int r = filters_check(call, &req->filters);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 50, &page);
    if (r)
        return r;
    API_PRESENT(&res->auto_scaling_groups);
    STORE_EACH(call->txn, asg_group_by_name, row, call->account, call->region) {
        bool wanted = !names->n || str_in(names, row->name) || str_in(names, row->id);

        LIST_EACH(&req->filters, f)
            wanted = wanted && filter_holds(row, f);
        if (wanted && api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->auto_scaling_groups) =
                show(call, row, opt_bool_or(req->include_instances, true));
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}

int
asg_describe_auto_scaling_instances(struct api_call *call,
                                    const struct autoscaling_DescribeAutoScalingInstancesType *req,
                                    struct autoscaling_AutoScalingInstancesType *res)
{
    struct api_page page;
    int r = asg_page_open(call, req->next_token, req->max_records, 50, &page);

    if (r)
        return r;
    API_PRESENT(&res->auto_scaling_instances);
    STORE_EACH(call->txn, asg_instance_by_owner, row, call->account, call->region) {
        const struct asg_group_row *group = asg_group_get(call->txn, row->group_id);

        assert(group);
        if (req->instance_ids.n && !str_in(&req->instance_ids, row->id))
            continue;
        if (api_page_take(&page, row->id))
            *LIST_PUSH(call->arena, &res->auto_scaling_instances) =
                (struct autoscaling_AutoScalingInstanceDetails){
                    .instance_id = row->id,
                    .instance_type = row->type,
                    .auto_scaling_group_name = group->name,
                    .availability_zone = row->zone,
                    .lifecycle_state = asg_state_show(call, row),
                    /* upper case here, unlike in a group: AWS's way */
                    .health_status = row->unhealthy ? S("UNHEALTHY") : S("HEALTHY"),
                    .launch_configuration_name = if_any(row->launch_config),
                    .launch_template = template_show(call, row->template_id, row->template_name,
                                                     row->template_version),
                    .image_id = if_any(row->image_id),
                    .protected_from_scale_in = opt_bool(row->protected),
                    .weighted_capacity = weight_show(call, group, row),
                };
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}

/* ---- what there is ---- */

int
asg_describe_account_limits(struct api_call *call,
                            const struct autoscaling_DescribeAccountLimitsRequest *req UNUSED,
                            struct autoscaling_DescribeAccountLimitsAnswer *res)
{
    int64_t groups = 0, configs = 0;

    STORE_EACH(call->txn, asg_group_by_name, group, call->account, call->region)
        groups += group->name.n > 0;
    STORE_EACH(call->txn, asg_launch_config_by_name, config, call->account, call->region)
        configs += config->name.n > 0;
    assert(groups <= ASG_GROUPS_MAX && configs <= ASG_CONFIGS_MAX);
    *res = (struct autoscaling_DescribeAccountLimitsAnswer){
        .max_number_of_auto_scaling_groups = opt_i64(ASG_GROUPS_MAX),
        .max_number_of_launch_configurations = opt_i64(ASG_CONFIGS_MAX),
        .number_of_auto_scaling_groups = opt_i64(groups),
        .number_of_launch_configurations = opt_i64(configs),
    };
    return 0;
}

int
asg_describe_termination_policy_types(
    struct api_call *call,
    const struct autoscaling_DescribeTerminationPolicyTypesRequest *req UNUSED,
    struct autoscaling_DescribeTerminationPolicyTypesAnswer *res)
{
    static const struct str types[] = {
        S_INIT("AllocationStrategy"),
        S_INIT("ClosestToNextInstanceHour"),
        S_INIT("Default"),
        S_INIT("NewestInstance"),
        S_INIT("OldestInstance"),
        S_INIT("OldestLaunchConfiguration"),
        S_INIT("OldestLaunchTemplate"),
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        *LIST_PUSH(call->arena, &res->termination_policy_types) = types[i];
    return 0;
}
