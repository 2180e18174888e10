/*
 * Traffic sources: target groups of Elastic Load Balancing, in which a group's instances are while
 * they serve.  An instance is registered when it comes into service, and deregistered and drained
 * before it leaves; what a target group says of its health counts when the group's health check
 * type is ELB.
 *
 * Calls write which target groups there shall be; the engine registers and deregisters.
 */
#include "autoscaling/engine.h"

#include "gen/api/elbv2.h"
#include "gen/store/elbv2_rows.h"

enum { SOURCES_MAX = 50, SOURCES_A_CALL = 10 };

/* ---- one instance ---- */

/* True: it was done; what a target group refuses (it may be gone) is left. */
static int
target_change(struct asg_look *look, struct str group, struct str id, bool in, bool *ret)
{
    struct elbv2_TargetDescriptionList targets = {0};
    struct api_call *call = look->call;
    int r;

    LIST_PUSH(call->arena, &targets)->id = id;
    if (in) {
        struct elbv2_RegisterTargetsInput ask = {.target_group_arn = group, .targets = targets};
        struct elbv2_RegisterTargetsOutput res = {0};

        r = api_call_internal(call, "elbv2", "RegisterTargets", &ask, &res, ASG_VIA);
    } else {
        struct elbv2_DeregisterTargetsInput ask = {.target_group_arn = group, .targets = targets};
        struct elbv2_DeregisterTargetsOutput res = {0};

        r = api_call_internal(call, "elbv2", "DeregisterTargets", &ask, &res, ASG_VIA);
    }
    *ret = r == 0;
    if (r > 0)
        call->fault = (struct api_fault){0};
    return MIN(r, 0);
}

static int
join_one(struct asg_look *look, struct asg_instance_row *row, struct str group)
{
    bool went = false;

    if (str_in(&row->sources, group))
        return 0;
    int r = target_change(look, group, row->id, true, &went);

    assert(!went || r == 0);
    if (went)
        *LIST_PUSH(look->call->arena, &row->sources) = group;
    return r;
}

int
asg_traffic_join(struct asg_look *look, struct asg_instance_row *row)
{
    int r = 0;

    if (asg_suspended(&look->group, "AddToLoadBalancer"))
        return 0;
    LIST_EACH(&look->group.sources, group)
        if (r == 0)
            r = join_one(look, row, *group);
    return r;
}

/* Whether it still drains in one of its target groups. */
static bool
drains(struct asg_look *look, const struct asg_instance_row *row)
{
    STORE_EACH(look->call->txn, elb_target_by_target, target, row->id)
        if (target->draining_until_ms && str_in(&row->sources, target->group_id))
            return true;
    return false;
}

int
asg_traffic_leave(struct asg_look *look, struct asg_instance_row *row, bool *ret)
{
    bool was = row->drains, went;
    int r = 0;

    assert(row->state >= ASG_TERMINATING && row->state < ASG_STANDBY);
    *ret = true;
    if (!row->sources.n || look->group.deleting)
        return 0;
    LIST_EACH(&row->sources, group)
        if (r == 0 && !was)
            r = target_change(look, *group, row->id, false, &went);
    row->drains = true;
    *ret = !drains(look, row);
    if (*ret) {
        row->sources = (struct str_list){0};
        row->drains = false;
    }
    return r ? r : asg_instance_save(look->call, row);
}

bool
asg_traffic_unhealthy(struct asg_look *look, const struct asg_instance_row *row)
{
    assert(row->state == ASG_IN_SERVICE);
    if (!str_is(look->group.health_type, "ELB"))
        return false;
    STORE_EACH(look->call->txn, elb_target_by_target, target, row->id)
        if (str_is(target->health, "unhealthy") && !target->draining_until_ms &&
            str_in(&row->sources, target->group_id))
            return true;
    return false;
}

/* ---- the group ---- */

static struct str_list
without(struct arena *a, const struct str_list *list, struct str s)
{
    struct str_list left = {0};

    LIST_EACH(list, each)
        if (!str_eq(*each, s))
            *LIST_PUSH(a, &left) = *each;
    assert(left.n + 1 >= list->n);
    return left;
}

/* Those who serve go into a target group that is new, and out of one that was detached. */
int
asg_traffic_step(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;
    struct arena *a = look->call->arena;
    bool joins = g->sources_new.n && !asg_suspended(g, "AddToLoadBalancer");
    bool went;
    int r = 0;

    if (!joins && !g->sources_old.n)
        return 0;
    LIST_EACH(&look->instances, row) {
        if (r || row->state != ASG_IN_SERVICE)
            continue;
        for (size_t i = 0; joins && r == 0 && i < g->sources_new.n; i++)
            r = join_one(look, row, g->sources_new.v[i]);
        for (size_t i = 0; r == 0 && i < g->sources_old.n; i++)
            if (str_in(&row->sources, g->sources_old.v[i])) {
                r = target_change(look, g->sources_old.v[i], row->id, false, &went);
                row->sources = without(a, &row->sources, g->sources_old.v[i]);
            }
        if (r == 0)
            r = asg_instance_save(look->call, row);
    }
    assert(g->sources_new.n <= g->sources.n);
    if (joins)
        g->sources_new = (struct str_list){0};
    g->sources_old = (struct str_list){0};
    look->changed = true;
    return r;
}

/* ---- what there is to attach ---- */

static int
sources_add(struct api_call *call, const struct str_list *arns, struct asg_group_row *row)
{
    if (arns->n > SOURCES_A_CALL)
        return ASG_INVALID(call, "At most %d traffic sources can be attached at a time",
                           SOURCES_A_CALL);
    LIST_EACH(arns, arn) {
        const struct elb_target_group_row *group = elb_target_group_get(call->txn, *arn);

        if (!group || !str_eq(group->account, call->account) ||
            !str_eq(group->region, call->region))
            return ASG_INVALID(call, "Provided Target Groups may not be valid. Please ensure they "
                                     "exist and try again.");
        if (str_is(group->target_type, "ip"))
            return ASG_INVALID(call, "Provided Target Groups must have the target type instance.");
        if (str_in(&row->sources, *arn))
            continue;
        *LIST_PUSH(call->arena, &row->sources) = *arn;
        *LIST_PUSH(call->arena, &row->sources_new) = *arn;
        row->sources_old = without(call->arena, &row->sources_old, *arn);
    }
    if (row->sources.n > SOURCES_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d target groups can be attached to an AutoScalingGroup.",
                         SOURCES_MAX);
    return 0;
}

/* The ARNs of traffic sources, of which other kinds are refused. */
static int
sources_read(struct api_call *call, const struct autoscaling_TrafficSourceIdentifierList *list,
             struct str_list *arns)
{
    LIST_EACH(list, source) {
        bool arn = str_starts(source->identifier, S("arn:"));

        if (str_is(source->type, "elb") || (!source->type.n && !arn))
            return asg_unsupported(call, "TrafficSources of Classic Load Balancers");
        if (str_is(source->type, "vpc-lattice") ||
            str_starts(source->identifier, S("arn:aws:vpc-lattice:")))
            return asg_unsupported(call, "TrafficSources of VPC Lattice");
        if (source->type.n && !str_is(source->type, "elbv2"))
            return ASG_INVALID(call, "Invalid traffic source type: %.*s", STR_ARG(source->type));
        *LIST_PUSH(call->arena, arns) = source->identifier;
    }
    return 0;
}

int
asg_traffic_set(struct api_call *call, const struct str_list *arns,
                const struct autoscaling_TrafficSourceIdentifierList *sources,
                struct asg_group_row *row)
{
    struct str_list all = {0};

    LIST_EACH(arns, arn)
        *LIST_PUSH(call->arena, &all) = *arn;
    int r = sources_read(call, sources, &all);

    if (r == 0)
        r = sources_add(call, &all, row);
    row->sources_new = (struct str_list){0}; /* nobody serves yet */
    return r;
}

static int
attach(struct api_call *call, struct str name, const struct str_list *arns)
{
    struct asg_group_row row;
    int r = asg_group_find(call, name, &row);

    if (r == 0)
        r = sources_add(call, arns, &row);
    return r ? r : asg_group_save(call, &row);
}

static int
detach(struct api_call *call, struct str name, const struct str_list *arns)
{
    struct asg_group_row row;
    int r = asg_group_find(call, name, &row);

    if (r)
        return r;
    LIST_EACH(arns, arn) {
        if (!str_in(&row.sources, *arn))
            return ASG_INVALID(call, "Trying to remove Target Groups that are not part of the "
                                     "group");
        row.sources = without(call->arena, &row.sources, *arn);
        row.sources_new = without(call->arena, &row.sources_new, *arn);
        *LIST_PUSH(call->arena, &row.sources_old) = *arn;
    }
    return asg_group_save(call, &row);
}

/* ---- operations ---- */

int
asg_attach_load_balancer_target_groups(
    struct api_call *call, const struct autoscaling_AttachLoadBalancerTargetGroupsType *req,
    struct autoscaling_AttachLoadBalancerTargetGroupsResultType *res UNUSED)
{
    return attach(call, req->auto_scaling_group_name, &req->target_group_arns);
}

int
asg_detach_load_balancer_target_groups(
    struct api_call *call, const struct autoscaling_DetachLoadBalancerTargetGroupsType *req,
    struct autoscaling_DetachLoadBalancerTargetGroupsResultType *res UNUSED)
{
    return detach(call, req->auto_scaling_group_name, &req->target_group_arns);
}

int
asg_attach_traffic_sources(struct api_call *call,
                           const struct autoscaling_AttachTrafficSourcesType *req,
                           struct autoscaling_AttachTrafficSourcesResultType *res UNUSED)
{
    struct str_list arns = {0};
    int r = sources_read(call, &req->traffic_sources, &arns);

    if (r == 0 && opt_bool_or(req->skip_zonal_shift_validation, false))
        r = asg_unsupported(call, "SkipZonalShiftValidation");
    return r ? r : attach(call, req->auto_scaling_group_name, &arns);
}

int
asg_detach_traffic_sources(struct api_call *call,
                           const struct autoscaling_DetachTrafficSourcesType *req,
                           struct autoscaling_DetachTrafficSourcesResultType *res UNUSED)
{
    struct str_list arns = {0};
    int r = sources_read(call, &req->traffic_sources, &arns);

    return r ? r : detach(call, req->auto_scaling_group_name, &arns);
}

/* Adding, Added, or InService when one of the instances is healthy. */
static struct str
state_of(struct api_call *call, const struct asg_group_row *row, struct str arn)
{
    struct str state = str_in(&row->sources_new, arn) ? S("Adding") : S("Added");

    STORE_EACH(call->txn, asg_instance_by_group, instance, row->id) {
        if (instance->state < ASG_IN_SERVICE && !instance->warm)
            state = S("Adding");
        STORE_EACH(call->txn, elb_target_by_target, target, instance->id, arn)
            if (str_is(target->health, "healthy") && !target->draining_until_ms)
                return S("InService");
    }
    return state;
}

int
asg_describe_load_balancer_target_groups(
    struct api_call *call, const struct autoscaling_DescribeLoadBalancerTargetGroupsRequest *req,
    struct autoscaling_DescribeLoadBalancerTargetGroupsResponse *res)
{
    struct asg_group_row row;
    struct api_page page;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 100, &page);
    if (r)
        return r;
    API_PRESENT(&res->load_balancer_target_groups);
    LIST_EACH(&row.sources, arn)
        if (api_page_take(&page, *arn))
            *LIST_PUSH(call->arena, &res->load_balancer_target_groups) =
                (struct autoscaling_LoadBalancerTargetGroupState){*arn, state_of(call, &row, *arn)};
    res->next_token = asg_page_next(call, &page);
    return 0;
}

int
asg_describe_traffic_sources(struct api_call *call,
                             const struct autoscaling_DescribeTrafficSourcesRequest *req,
                             struct autoscaling_DescribeTrafficSourcesResponse *res)
{
    bool all = !req->traffic_source_type.n || str_is(req->traffic_source_type, "elbv2");
    struct asg_group_row row;
    struct api_page page;
    int r = asg_group_find(call, req->auto_scaling_group_name, &row);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 50, &page);
    if (r)
        return r;
    API_PRESENT(&res->traffic_sources);
    LIST_EACH(&row.sources, arn)
        if (all && api_page_take(&page, *arn))
            *LIST_PUSH(call->arena, &res->traffic_sources) =
                (struct autoscaling_TrafficSourceState){.traffic_source = *arn,
                                                        .identifier = *arn,
                                                        .type = S("elbv2"),
                                                        .state = state_of(call, &row, *arn)};
    res->next_token = asg_page_next(call, &page);
    return 0;
}
