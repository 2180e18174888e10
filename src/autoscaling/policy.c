/*
 * Scaling policies: simple, step and target tracking (tracking.c).  ExecutePolicy carries one out,
 * for users and for alarms.
 *
 * A simple policy waits out the cooldown of the one before; the others never do.  Predictive
 * scaling is refused.
 */
#include "autoscaling/autoscaling.h"

#include "base/buf.h"
#include "gen/store/cloudwatch_rows.h"

#include <math.h>
#include <stdlib.h>

enum { LOWER, UPPER, BY, PARTS };

struct step {
    double lower, upper; /* -INFINITY, INFINITY: none */
    int64_t by;
};

/* ---- steps ---- */

static struct str
bound_text(struct arena *a, struct opt_f64 bound)
{
    struct buf buf;

    if (!bound.set)
        return S("");
    buf_init(&buf, 64);
    buf_add_f64(&buf, bound.v);
    assert(!buf_failed(&buf));
    struct str text = str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

static struct str_list
steps_keep(struct arena *a, const struct autoscaling_StepAdjustmentList *list)
{
    struct str_list kept = {0};

    LIST_EACH(list, s) {
        *LIST_PUSH(a, &kept) = bound_text(a, s->metric_interval_lower_bound);
        *LIST_PUSH(a, &kept) = bound_text(a, s->metric_interval_upper_bound);
        *LIST_PUSH(a, &kept) = str_fmt(a, "%lld", (long long)s->scaling_adjustment.v);
    }
    assert(kept.n == list->n * PARTS);
    return kept;
}

static double
bound(struct arena *a, struct str text, double none)
{
    return text.n ? strtod(str_cstr(a, text), NULL) : none;
}

static struct step
step_of(struct arena *a, const struct str *texts)
{
    struct step s = {.lower = bound(a, texts[LOWER], -INFINITY),
                     .upper = bound(a, texts[UPPER], INFINITY)};
    bool ok = str_to_i64(texts[BY], &s.by);

    assert(ok && s.lower < s.upper);
    return ok ? s : (struct step){0};
}

static int
by_lower(const void *x, const void *y)
{
    const struct step *a = x, *b = y;

    return (a->lower > b->lower) - (a->lower < b->lower);
}

/* No gaps and no overlaps; an open end only at the ends, and on the side of its sign. */
static int
steps_check(struct api_call *call, const struct autoscaling_StepAdjustmentList *list)
{
    struct step *v = ARENA_ARRAY(call->arena, struct step, list->n);

    if (!list->n)
        return ASG_INVALID(call, "At least one StepAdjustment must be specified for policy type "
                                 "StepScaling");
    if (list->n > ASG_STEPS_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d step adjustments are allowed for a scaling policy.",
                         ASG_STEPS_MAX);
    for (size_t i = 0; i < list->n; i++) {
        const struct autoscaling_StepAdjustment *s = &list->v[i];

        v[i].lower =
            s->metric_interval_lower_bound.set ? s->metric_interval_lower_bound.v : -INFINITY;
        v[i].upper =
            s->metric_interval_upper_bound.set ? s->metric_interval_upper_bound.v : INFINITY;
        if (!(v[i].lower < v[i].upper))
            return ASG_INVALID(call, "StepAdjustment interval's lower bound must be less than its "
                                     "upper bound");
        if (!s->metric_interval_lower_bound.set && !s->metric_interval_upper_bound.set)
            return ASG_INVALID(call, "At least one of MetricIntervalLowerBound and "
                                     "MetricIntervalUpperBound must be specified");
    }
    qsort(v, list->n, sizeof(*v), by_lower);
    for (size_t i = 1; i < list->n; i++) {
        if (v[i].lower < v[i - 1].upper)
            return ASG_INVALID(call, "StepAdjustment intervals can't overlap");
        if (v[i].lower > v[i - 1].upper)
            return ASG_INVALID(call, "StepAdjustment intervals can't have gaps between them");
    }
    return 0;
}

/* ---- PutScalingPolicy ---- */

static int
type_check(struct api_call *call, const struct autoscaling_PutScalingPolicyType *req,
           const struct asg_policy_row *row)
{
    bool simple = str_is(row->type, "SimpleScaling");

    if (req->target_tracking_configuration)
        return ASG_INVALID(call,
                           "TargetTrackingConfiguration cannot be specified for policy type %.*s",
                           STR_ARG(row->type));
    if (str_is(row->type, "PredictiveScaling") || req->predictive_scaling_configuration)
        return asg_unsupported(call, "PolicyType PredictiveScaling");
    if (!simple && !str_is(row->type, "StepScaling"))
        return ASG_INVALID(call, "Unknown policy type '%.*s'", STR_ARG(row->type));
    if (!row->adjustment_type.n)
        return ASG_INVALID(call, "AdjustmentType must be specified for policy type %.*s",
                           STR_ARG(row->type));
    if (!str_is(row->adjustment_type, "ChangeInCapacity") &&
        !str_is(row->adjustment_type, "ExactCapacity") &&
        !str_is(row->adjustment_type, "PercentChangeInCapacity"))
        return ASG_INVALID(call, "%.*s is not a valid adjustment type",
                           STR_ARG(row->adjustment_type));
    if (row->magnitude && !str_is(row->adjustment_type, "PercentChangeInCapacity"))
        return ASG_INVALID(call, "MinAdjustmentMagnitude is supported only when AdjustmentType is "
                                 "PercentChangeInCapacity");
    return 0;
}

static int
members_check(struct api_call *call, const struct autoscaling_PutScalingPolicyType *req,
              const struct asg_policy_row *row)
{
    if (str_is(row->type, "SimpleScaling")) {
        if (!req->scaling_adjustment.set)
            return ASG_INVALID(call, "ScalingAdjustment must be specified for policy type "
                                     "SimpleScaling");
        if (req->step_adjustments.n)
            return ASG_INVALID(call, "StepAdjustments cannot be specified for policy type "
                                     "SimpleScaling");
        if (req->metric_aggregation_type.n || req->estimated_instance_warmup.set)
            return ASG_INVALID(call, "%s cannot be specified for policy type SimpleScaling",
                               req->metric_aggregation_type.n ? "MetricAggregationType"
                                                              : "EstimatedInstanceWarmup");
        return opt_i64_or(req->cooldown, 0) < 0 ? ASG_INVALID(call, "Cooldown must not be negative")
                                                : 0;
    }
    if (req->scaling_adjustment.set)
        return ASG_INVALID(call, "ScalingAdjustment cannot be specified for policy type "
                                 "StepScaling");
    if (req->cooldown.set)
        return ASG_INVALID(call, "Cooldown cannot be specified for policy type StepScaling");
    if (!str_is(row->aggregation, "Average") && !str_is(row->aggregation, "Minimum") &&
        !str_is(row->aggregation, "Maximum"))
        return ASG_INVALID(call, "%.*s is not a valid metric aggregation type",
                           STR_ARG(row->aggregation));
    return steps_check(call, &req->step_adjustments);
}

int
asg_put_scaling_policy(struct api_call *call, const struct autoscaling_PutScalingPolicyType *req,
                       struct autoscaling_PolicyARNType *res)
{
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);
    size_t n = 0;

    if (r)
        return r;
    const struct asg_policy_row *old =
        asg_policy_by_name_get(call->txn, group.id, req->policy_name);
    struct asg_policy_row row = {
        .group_id = group.id,
        .name = req->policy_name,
        .type = req->policy_type.n ? req->policy_type : S("SimpleScaling"),
        .adjustment_type = req->adjustment_type,
        .adjustment = opt_i64_or(req->scaling_adjustment, 0),
        /* MinAdjustmentStep is the older name */
        .magnitude =
            opt_i64_or(req->min_adjustment_magnitude, opt_i64_or(req->min_adjustment_step, 0)),
        .cooldown_s = opt_i64_or(req->cooldown, -1),
        .steps = steps_keep(call->arena, &req->step_adjustments),
        .warmup_s = opt_i64_or(req->estimated_instance_warmup, -1),
        .disabled = !opt_bool_or(req->enabled, true),
    };

    bool tracks = str_is(row.type, "TargetTrackingScaling");

    if (str_is(row.type, "StepScaling"))
        row.aggregation =
            req->metric_aggregation_type.n ? req->metric_aggregation_type : S("Average");
    r = tracks ? asg_tracking_set(call, req, &row) : type_check(call, req, &row);
    if (r == 0 && !tracks)
        r = members_check(call, req, &row);
    if (r)
        return r;
    STORE_EACH(call->txn, asg_policy_by_name, each, group.id)
        n += each->name.n > 0;
    if (!old && n >= ASG_POLICIES_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "Only %d scaling policies are allowed for an AutoScalingGroup.",
                         ASG_POLICIES_MAX);
    row.id = old ? old->id
                 : str_fmt(call->arena,
                           "arn:aws:autoscaling:%.*s:%.*s:scalingPolicy:%.*s:"
                           "autoScalingGroupName/%.*s:policyName/%.*s",
                           STR_ARG(call->region), STR_ARG(call->account),
                           STR_ARG(api_uuid(call->env, call->arena)), STR_ARG(group.name),
                           STR_ARG(row.name));
    if (old)
        r = asg_tracking_forget(call, &group, old);
    if (r == 0 && tracks)
        r = asg_tracking_alarms(call, &group, &row);
    if (r)
        return r;
    res->policy_arn = row.id;
    res->alarms = asg_policy_alarms(call, row.id, NULL);
    assert(asg_policy_ok(&row));
    return asg_written(old ? asg_policy_update(call->txn, &row)
                           : asg_policy_insert(call->txn, &row),
                       "policy", row.name);
}

/* ---- finding ---- */

/* By its ARN, or by its name in a group. */
static int
policy_find(struct api_call *call, struct str group_name, struct str name,
            const struct asg_policy_row **ret, struct asg_group_row *group)
{
    const struct asg_policy_row *row = NULL;
    const struct asg_group_row *of = NULL;
    int r = 0;

    if (group_name.n)
        r = asg_group_find(call, group_name, group);
    if (r)
        return r;
    if (str_starts(name, S("arn:")))
        row = asg_policy_get(call->txn, name);
    else if (group_name.n)
        row = asg_policy_by_name_get(call->txn, group->id, name);
    else
        return ASG_INVALID(call, "An AutoScalingGroup name is required when the policy is not "
                                 "named by its ARN");
    if (row)
        of = asg_group_get(call->txn, row->group_id);
    if (!of || !str_eq(of->account, call->account) || !str_eq(of->region, call->region) ||
        (group_name.n && !str_eq(of->id, group->id)))
        return ASG_INVALID(call, "Policy name not found - No policy found with name: %.*s",
                           STR_ARG(name));
    *group = *of;
    *ret = row;
    return 0;
}

int
asg_delete_policy(struct api_call *call, const struct autoscaling_DeletePolicyType *req,
                  struct autoscaling_DeletePolicyResult *res UNUSED)
{
    const struct asg_policy_row *row;
    struct asg_group_row group;
    int r = policy_find(call, req->auto_scaling_group_name, req->policy_name, &row, &group);

    if (r == 0)
        r = asg_tracking_forget(call, &group, row);
    return r ? r : asg_written(asg_policy_delete(call->txn, row->id), "policy", row->name);
}

/* ---- DescribePolicies ---- */

static struct opt_i64
if_set(int64_t v)
{
    return (struct opt_i64){v, v >= 0};
}

static struct autoscaling_ScalingPolicy
show(struct api_call *call, const struct asg_group_row *group, const struct asg_policy_row *row)
{
    bool simple = str_is(row->type, "SimpleScaling");
    struct autoscaling_ScalingPolicy out = {
        .auto_scaling_group_name = group->name,
        .policy_name = row->name,
        .policy_arn = row->id,
        .policy_type = row->type,
        .adjustment_type = row->adjustment_type.n ? row->adjustment_type : STR_NONE,
        .min_adjustment_magnitude = {row->magnitude, row->magnitude != 0},
        .scaling_adjustment = {row->adjustment, simple},
        .cooldown = if_set(row->cooldown_s),
        .metric_aggregation_type = row->aggregation.n ? row->aggregation : STR_NONE,
        .estimated_instance_warmup = if_set(row->warmup_s),
        .enabled = opt_bool(!row->disabled),
    };

    /* what cannot be read is left out, and was told by asg_kept() */
    if (row->tracking.n)
        (void)asg_tracking_get(call, row, &out.target_tracking_configuration);
    out.alarms = asg_policy_alarms(call, row->id, NULL);
    API_PRESENT(&out.step_adjustments);
    for (size_t i = 0; i < row->steps.n; i += PARTS) {
        struct step s = step_of(call->arena, row->steps.v + i);

        *LIST_PUSH(call->arena, &out.step_adjustments) = (struct autoscaling_StepAdjustment){
            .metric_interval_lower_bound = {s.lower, isfinite(s.lower)},
            .metric_interval_upper_bound = {s.upper, isfinite(s.upper)},
            .scaling_adjustment = opt_i64(s.by),
        };
    }
    return out;
}

int
asg_describe_policies(struct api_call *call, const struct autoscaling_DescribePoliciesType *req,
                      struct autoscaling_PoliciesType *res)
{
    struct asg_group_row only;
    struct api_page page;
    int r = asg_page_open(call, req->next_token, req->max_records, 50, &page);

    if (r == 0 && req->auto_scaling_group_name.n)
        r = asg_group_find(call, req->auto_scaling_group_name, &only);
    if (r)
        return r;
    API_PRESENT(&res->scaling_policies);
    STORE_EACH(call->txn, asg_group_by_name, group, call->account, call->region) {
        if (req->auto_scaling_group_name.n && !str_eq(group->id, only.id))
            continue;
        STORE_EACH(call->txn, asg_policy_by_name, row, group->id) {
            bool named = !req->policy_names.n || str_in(&req->policy_names, row->name) ||
                         str_in(&req->policy_names, row->id);
            bool typed = !req->policy_types.n || str_in(&req->policy_types, row->type);
            struct str key =
                str_fmt(call->arena, "%.*s\n%.*s", STR_ARG(group->name), STR_ARG(row->name));

            if (named && typed && api_page_take(&page, key))
                *LIST_PUSH(call->arena, &res->scaling_policies) = show(call, group, row);
        }
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}

int
asg_describe_adjustment_types(struct api_call *call,
                              const struct autoscaling_DescribeAdjustmentTypesRequest *req UNUSED,
                              struct autoscaling_DescribeAdjustmentTypesAnswer *res)
{
    static const struct str types[] = {S_INIT("ChangeInCapacity"), S_INIT("ExactCapacity"),
                                       S_INIT("PercentChangeInCapacity")};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        LIST_PUSH(call->arena, &res->adjustment_types)->adjustment_type = types[i];
    return 0;
}

/* ---- ExecutePolicy ---- */

/*
 * Of a percentage: towards zero, but at least one; then at least the magnitude.  The group's bounds
 * hold whatever the policy says.
 */
static int64_t
adjusted(const struct asg_group_row *group, const struct asg_policy_row *row, int64_t by)
{
    int64_t want = group->desired + by;

    if (str_is(row->adjustment_type, "ExactCapacity"))
        want = by;
    if (str_is(row->adjustment_type, "PercentChangeInCapacity")) {
        int64_t change = group->desired * by / 100;

        if (change == 0 && by != 0 && group->desired != 0)
            change = by > 0 ? 1 : -1;
        if (by != 0 && llabs(change) < row->magnitude)
            change = by > 0 ? row->magnitude : -row->magnitude;
        want = group->desired + change;
    }
    return MAX(group->min_size, MIN(want, group->max_size));
}

/* Above the threshold the lower bound belongs to the step, below it the upper one does. */
static bool
step_holds(const struct step *s, double over)
{
    return over >= 0 ? over >= s->lower && over < s->upper : over > s->lower && over <= s->upper;
}

static int
step_find(struct api_call *call, const struct asg_policy_row *row,
          const struct autoscaling_ExecutePolicyType *req, int64_t *ret)
{
    if (!req->metric_value.set || !req->breach_threshold.set)
        return ASG_INVALID(call, "MetricValue and BreachThreshold must be specified for policy "
                                 "type StepScaling");
    for (size_t i = 0; i < row->steps.n; i += PARTS) {
        struct step s = step_of(call->arena, row->steps.v + i);

        if (step_holds(&s, req->metric_value.v - req->breach_threshold.v)) {
            *ret = s.by;
            return 0;
        }
    }
    return ASG_INVALID(call, "No step adjustment found for metric value %g and breach threshold %g",
                       req->metric_value.v, req->breach_threshold.v);
}

/* Which members belong to which type, and who may call it. */
static int
execute_check(struct api_call *call, const struct asg_policy_row *row,
              const struct autoscaling_ExecutePolicyType *req)
{
    bool simple = str_is(row->type, "SimpleScaling");

    if (row->tracking.n && !str_is(call->via, ASG_ALARMS))
        return ASG_INVALID(call, "ExecutePolicy is not supported for policy type "
                                 "TargetTrackingScaling");
    if (simple && (req->metric_value.set || req->breach_threshold.set))
        return ASG_INVALID(call, "MetricValue and BreachThreshold are not supported for policy "
                                 "type SimpleScaling");
    if (!simple && req->honor_cooldown.set)
        return ASG_INVALID(call, "HonorCooldown is not supported for policy type %.*s",
                           STR_ARG(row->type));
    return 0;
}

/* The capacity that the policy wants now. */
static int
wanted_by(struct api_call *call, const struct asg_group_row *group,
          const struct asg_policy_row *row, const struct autoscaling_ExecutePolicyType *req,
          int64_t *ret)
{
    int64_t by = row->adjustment;
    int r = 0;

    if (row->tracking.n)
        return asg_tracking_want(call, group, row, req->metric_value.v, ret);
    if (row->steps.n)
        r = step_find(call, row, req, &by);
    if (r == 0)
        *ret = adjusted(group, row, by);
    return r;
}

/* "a user request executed policy P", "a monitor alarm A in state ALARM triggered policy P" */
static struct str
executed_by(struct api_call *call, const struct asg_policy_row *row)
{
    const struct cloudwatch_alarm_row *alarm = NULL;

    if (str_is(call->via, ASG_ALARMS))
        asg_policy_alarms(call, row->id, &alarm);
    return alarm ? str_fmt(call->arena, "a monitor alarm %.*s in state %.*s triggered policy %.*s",
                           STR_ARG(alarm->name), STR_ARG(alarm->state), STR_ARG(row->name))
                 : str_fmt(call->arena, "a user request executed policy %.*s", STR_ARG(row->name));
}

int
asg_execute_policy(struct api_call *call, const struct autoscaling_ExecutePolicyType *req,
                   struct autoscaling_ExecutePolicyResult *res UNUSED)
{
    const struct asg_policy_row *row;
    struct asg_group_row group;
    int64_t want = 0;
    int r = policy_find(call, req->auto_scaling_group_name, req->policy_name, &row, &group);

    if (r == 0)
        r = execute_check(call, row, req);
    if (r)
        return r;
    bool simple = str_is(row->type, "SimpleScaling");

    /* alarms are not heard */
    if (str_is(call->via, ASG_ALARMS) &&
        (row->disabled || asg_suspended(&group, "AlarmNotification")))
        return 0;
    r = wanted_by(call, &group, row, req, &want);
    if (r)
        return r;
    if (simple && opt_bool_or(req->honor_cooldown, false) && group.cooling_ms > call->now_ms)
        return api_fault(call, &ASG_ERR(ScalingActivityInProgress),
                         "Scaling activity is in its cooldown period and blocks this action");
    if (want == group.desired)
        return 0;
    asg_desire(call, &group, want, executed_by(call, row));
    if (simple) {
        group.cooling_s = row->cooldown_s >= 0 ? row->cooldown_s : group.cooldown_s;
        group.cooling_ms = call->now_ms + group.cooling_s * 1000;
    }
    return asg_group_save(call, &group);
}
