/*
 * Mixed instances policies: a group launches On-Demand Instances of several types, the first of the
 * list that EC2 has room for, and counts each by its weight.  Shares of Spot Instances are refused.
 *
 * The policy is kept as it was sent, as JSON, with the ids of its templates.
 */
#include "autoscaling/autoscaling.h"

#define CREATE_GROUP "CreateAutoScalingGroup"

enum { OVERRIDES_MAX = 40, WEIGHT_MAX = 999 };

int
asg_mixed_get(struct api_call *call, const struct asg_group_row *group,
              struct autoscaling_MixedInstancesPolicy **ret)
{
    struct autoscaling_CreateAutoScalingGroupType kept = {0};
    int r = asg_kept(call, CREATE_GROUP, group->mixed, &kept);

    if (r)
        return r;
    assert(kept.mixed_instances_policy && kept.mixed_instances_policy->launch_template);
    *ret = kept.mixed_instances_policy;
    return 0;
}

/* ---- what may be in one ---- */

static int
weight_of(struct api_call *call, struct str text, int64_t *ret)
{
    *ret = 0;
    if (text.n && (!str_to_i64(text, ret) || *ret < 1 || *ret > WEIGHT_MAX))
        return ASG_INVALID(call, "WeightedCapacity must be a number between 1 and %d", WEIGHT_MAX);
    return 0;
}

static int
overrides_check(struct api_call *call, struct autoscaling_LaunchTemplateOverridesList *list)
{
    size_t weighted = 0;
    int64_t weight;

    if (list->n > OVERRIDES_MAX)
        return ASG_INVALID(call, "A mixed instances policy has at most %d overrides",
                           OVERRIDES_MAX);
    LIST_EACH(list, o) {
        if (o->instance_requirements)
            return asg_unsupported(call, "InstanceRequirements");
        if (!o->instance_type.n)
            return ASG_INVALID(call, "Each override must have an InstanceType");
        for (struct autoscaling_LaunchTemplateOverrides *before = list->v; before < o; before++)
            if (str_eq(before->instance_type, o->instance_type))
                return ASG_INVALID(call, "Duplicate instance type %.*s in the overrides",
                                   STR_ARG(o->instance_type));
        int r = weight_of(call, o->weighted_capacity, &weight);

        if (r == 0 && o->launch_template_specification)
            r = asg_template_find(call, o->launch_template_specification);
        if (r)
            return r;
        weighted += weight > 0;
    }
    if (weighted && weighted < list->n)
        return ASG_INVALID(call, "WeightedCapacity must be specified for all instance types or for "
                                 "none");
    return 0;
}

static int
distribution_check(struct api_call *call, struct autoscaling_InstancesDistribution *d)
{
    int64_t percent = opt_i64_or(d->on_demand_percentage_above_base_capacity, 100);

    if (percent < 0 || percent > 100)
        return ASG_INVALID(call, "OnDemandPercentageAboveBaseCapacity must be between 0 and 100");
    if (opt_i64_or(d->on_demand_base_capacity, 0) < 0)
        return ASG_INVALID(call, "OnDemandBaseCapacity must not be negative");
    const struct asg_refusal refusals[] = {
        {percent < 100, "OnDemandPercentageAboveBaseCapacity below 100 (Spot Instances)"},
        {str_is(d->on_demand_allocation_strategy, "lowest-price"),
         "OnDemandAllocationStrategy lowest-price"},
        {d->spot_max_price.n, "SpotMaxPrice"},
        {d->spot_instance_pools.set, "SpotInstancePools"},
        {d->spot_allocation_strategy.n && !str_is(d->spot_allocation_strategy, "lowest-price"),
         "SpotAllocationStrategy other than lowest-price"},
    };
    int r = asg_refuse_first(call, refusals, ARRAY_LEN(refusals));

    if (r)
        return r;
    if (d->on_demand_allocation_strategy.n &&
        !str_is(d->on_demand_allocation_strategy, "prioritized"))
        return ASG_INVALID(call, "Invalid OnDemandAllocationStrategy: %.*s",
                           STR_ARG(d->on_demand_allocation_strategy));
    /* what AWS shows where nothing was said */
    d->on_demand_allocation_strategy = S("prioritized");
    d->on_demand_base_capacity = opt_i64(opt_i64_or(d->on_demand_base_capacity, 0));
    d->on_demand_percentage_above_base_capacity = opt_i64(percent);
    d->spot_allocation_strategy = S("lowest-price");
    return 0;
}

int
asg_mixed_set(struct api_call *call, const struct autoscaling_MixedInstancesPolicy *policy,
              struct asg_group_row *row)
{
    struct autoscaling_MixedInstancesPolicy *old, p = *policy;
    struct autoscaling_InstancesDistribution d = {0};
    struct autoscaling_LaunchTemplate template = {0};
    struct autoscaling_LaunchTemplateSpecification spec;
    int r = row->mixed.n ? asg_mixed_get(call, row, &old) : 0;

    if (r)
        return r;
    /* of a policy that there is, each half may be changed alone */
    if (!p.launch_template && row->mixed.n)
        p.launch_template = old->launch_template;
    if (!p.instances_distribution && row->mixed.n)
        p.instances_distribution = old->instances_distribution;
    if (!p.launch_template || !p.launch_template->launch_template_specification)
        return ASG_INVALID(call, "A launch template must be specified in MixedInstancesPolicy");
    template = *p.launch_template;
    spec = *template.launch_template_specification;
    template.launch_template_specification = &spec;
    if (p.instances_distribution)
        d = *p.instances_distribution;
    r = asg_template_find(call, &spec);
    if (r == 0)
        r = overrides_check(call, &template.overrides);
    if (r == 0)
        r = distribution_check(call, &d);
    if (r)
        return r;
    row->template_id = spec.launch_template_id;
    row->template_name = spec.launch_template_name;
    row->template_version = spec.version;
    row->launch_config = S("");
    p.launch_template = &template;
    p.instances_distribution = &d;
    const struct autoscaling_CreateAutoScalingGroupType kept = {.mixed_instances_policy = &p};

    return asg_keep(call, CREATE_GROUP, &kept, &row->mixed);
}

/* ---- what is launched ---- */

int
asg_kinds(struct api_call *call, const struct asg_group_row *group, struct asg_kind_list *ret)
{
    const struct asg_kind plain = {.template_id = group->template_id,
                                   .template_name = group->template_name,
                                   .template_version = group->template_version,
                                   .weight = 1};
    struct autoscaling_MixedInstancesPolicy *policy = NULL;
    int r = group->mixed.n ? asg_mixed_get(call, group, &policy) : 0;

    *ret = (struct asg_kind_list){0};
    if (r)
        return r;
    assert(!policy || group->template_id.n > 0);
    if (policy)
        LIST_EACH(&policy->launch_template->overrides, o) {
            const struct autoscaling_LaunchTemplateSpecification *t =
                o->launch_template_specification;
            struct asg_kind *kind = LIST_PUSH(call->arena, ret);

            *kind = plain;
            kind->type = o->instance_type;
            kind->image_id = o->image_id;
            r = weight_of(call, o->weighted_capacity, &kind->weight);
            kind->weight = MAX(kind->weight, 1);
            if (t) {
                kind->template_id = t->launch_template_id;
                kind->template_name = t->launch_template_name;
                kind->template_version = t->version;
            }
        }
    if (!ret->n)
        *LIST_PUSH(call->arena, ret) = plain;
    assert(r == 0 && ret->n <= OVERRIDES_MAX);
    return r;
}
