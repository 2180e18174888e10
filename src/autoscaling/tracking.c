/*
 * Target tracking: a policy keeps a metric at a value.  It has two alarms of its own in CloudWatch,
 * put by the service-linked role: one a little while above the target (the group grows as the
 * metric asks), one long below nine tenths of it (the group shrinks, slowly).  They go with the
 * policy.
 *
 * The configuration is kept as it was sent, as JSON.
 */
#include "autoscaling/autoscaling.h"

#include "gen/api/cloudwatch.h"
#include "gen/store/cloudwatch_rows.h"

#include <math.h>

#define PUT_POLICY "PutScalingPolicy"
#define LOW_OF_TARGET 0.9

enum { PERIOD_S = 60, HIGH_PERIODS = 3, LOW_PERIODS = 15, GRADUALLY = 10 };

static const struct {
    const char *type, *metric;
} predefined[] = {
    {"ASGAverageCPUUtilization", "CPUUtilization"},
    {"ASGAverageNetworkIn", "NetworkIn"},
    {"ASGAverageNetworkOut", "NetworkOut"},
};

/* ---- the configuration ---- */

static const char *
metric_of(struct str type)
{
    for (size_t i = 0; i < ARRAY_LEN(predefined); i++)
        if (str_is(type, predefined[i].type))
            return predefined[i].metric;
    return NULL;
}

static int
customized_check(struct api_call *call, const struct autoscaling_CustomizedMetricSpecification *c)
{
    bool single = c->metric_name.n || c->namespace.n || c->statistic.n;

    if (c->metrics.n && (single || c->dimensions.n || c->unit.n || c->period.set))
        return ASG_INVALID(call, "CustomizedMetricSpecification must have either Metrics or one "
                                 "metric, and not both");
    if (c->metrics.n)
        return 0; /* CloudWatch looks at them */
    if (!c->metric_name.n || !c->namespace.n || !c->statistic.n)
        return ASG_INVALID(call, "MetricName, Namespace and Statistic must be specified in "
                                 "CustomizedMetricSpecification");
    return 0;
}

int
asg_tracking_set(struct api_call *call, const struct autoscaling_PutScalingPolicyType *req,
                 struct asg_policy_row *row)
{
    const struct autoscaling_TargetTrackingConfiguration *t = req->target_tracking_configuration;
    const struct autoscaling_PutScalingPolicyType kept = {.target_tracking_configuration =
                                                              req->target_tracking_configuration};
    const struct asg_refusal out_of_place[] = {
        {req->adjustment_type.n, "AdjustmentType"},
        {req->scaling_adjustment.set, "ScalingAdjustment"},
        {req->step_adjustments.n, "StepAdjustments"},
        {req->cooldown.set, "Cooldown"},
        {req->metric_aggregation_type.n, "MetricAggregationType"},
        {req->min_adjustment_magnitude.set || req->min_adjustment_step.set,
         "MinAdjustmentMagnitude"},
    };

    if (!t)
        return ASG_INVALID(call, "TargetTrackingConfiguration must be specified for policy type "
                                 "TargetTrackingScaling");
    for (size_t i = 0; i < ARRAY_LEN(out_of_place); i++)
        if (out_of_place[i].wanted)
            return ASG_INVALID(call, "%s cannot be specified for policy type TargetTrackingScaling",
                               out_of_place[i].member);
    if (!t->predefined_metric_specification == !t->customized_metric_specification)
        return ASG_INVALID(call, "Exactly one of PredefinedMetricSpecification and "
                                 "CustomizedMetricSpecification must be specified");
    if (!isfinite(t->target_value.v) || t->target_value.v <= 0)
        return ASG_INVALID(call, "TargetValue must be greater than 0");
    if (t->predefined_metric_specification) {
        struct str type = t->predefined_metric_specification->predefined_metric_type;

        if (!metric_of(type))
            return asg_unsupported(call, "PredefinedMetricType ALBRequestCountPerTarget");
        if (t->predefined_metric_specification->resource_label.n)
            return ASG_INVALID(call, "ResourceLabel cannot be specified for metric type %.*s",
                               STR_ARG(type));
    } else {
        int r = customized_check(call, t->customized_metric_specification);

        if (r)
            return r;
    }
    return asg_keep(call, PUT_POLICY, &kept, &row->tracking);
}

int
asg_tracking_get(struct api_call *call, const struct asg_policy_row *row,
                 struct autoscaling_TargetTrackingConfiguration **ret)
{
    struct autoscaling_PutScalingPolicyType kept = {0};
    int r = asg_kept(call, PUT_POLICY, row->tracking, &kept);

    if (r)
        return r;
    assert(kept.target_tracking_configuration);
    *ret = kept.target_tracking_configuration;
    return 0;
}

/* ---- alarms ---- */

static struct cloudwatch_DimensionList
dimensions(struct arena *a, const struct autoscaling_MetricDimensionList *list)
{
    struct cloudwatch_DimensionList out = {0};

    LIST_EACH(list, d)
        *LIST_PUSH(a, &out) = (struct cloudwatch_Dimension){d->name, d->value};
    return out;
}

static struct cloudwatch_MetricDataQuery
query(struct arena *a, const struct autoscaling_TargetTrackingMetricDataQuery *q)
{
    struct cloudwatch_MetricDataQuery out = {.id = q->id,
                                             .expression = q->expression,
                                             .label = q->label,
                                             .return_data = q->return_data,
                                             .period = q->period};

    if (q->metric_stat) {
        out.metric_stat = ARENA_NEW(a, struct cloudwatch_MetricStat);
        out.metric_stat->stat = q->metric_stat->stat;
        out.metric_stat->unit = q->metric_stat->unit;
        out.metric_stat->period = opt_i64(opt_i64_or(q->metric_stat->period, PERIOD_S));
        out.metric_stat->metric = ARENA_NEW(a, struct cloudwatch_Metric);
        *out.metric_stat->metric = (struct cloudwatch_Metric){
            .namespace = q->metric_stat->metric->namespace,
            .metric_name = q->metric_stat->metric->metric_name,
            .dimensions = dimensions(a, &q->metric_stat->metric->dimensions)};
    } else if (!out.period.set) {
        out.period = opt_i64(PERIOD_S);
    }
    return out;
}

/* What both alarms look at. */
static void
watch(struct api_call *call, const struct asg_group_row *group,
      const struct autoscaling_TargetTrackingConfiguration *t,
      struct cloudwatch_PutMetricAlarmInput *ask)
{
    const struct autoscaling_CustomizedMetricSpecification *c = t->customized_metric_specification;

    if (!c) {
        ask->namespace = S("AWS/EC2");
        ask->metric_name =
            str_from(metric_of(t->predefined_metric_specification->predefined_metric_type));
        ask->statistic = S("Average");
        *LIST_PUSH(call->arena, &ask->dimensions) =
            (struct cloudwatch_Dimension){S("AutoScalingGroupName"), group->name};
    } else if (!c->metrics.n) {
        ask->namespace = c->namespace;
        ask->metric_name = c->metric_name;
        ask->statistic = c->statistic;
        ask->unit = c->unit;
        ask->dimensions = dimensions(call->arena, &c->dimensions);
    }
    if (c && c->metrics.n)
        LIST_EACH(&c->metrics, q)
            *LIST_PUSH(call->arena, &ask->metrics) = query(call->arena, q);
    else
        ask->period = opt_i64(c ? opt_i64_or(c->period, PERIOD_S) : PERIOD_S);
}

static int
alarm_put(struct api_call *call, struct api_call *service, const struct asg_group_row *group,
          const struct autoscaling_TargetTrackingConfiguration *t, bool high,
          struct asg_policy_row *row)
{
    struct cloudwatch_PutMetricAlarmInput ask = {
        .alarm_name =
            str_fmt(call->arena, "TargetTracking-%.*s-%s-%.*s", STR_ARG(group->name),
                    high ? "AlarmHigh" : "AlarmLow", STR_ARG(api_uuid(call->env, call->arena))),
        .alarm_description =
            str_fmt(call->arena, "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy %.*s.",
                    STR_ARG(row->id)),
        .evaluation_periods = opt_i64(high ? HIGH_PERIODS : LOW_PERIODS),
        .comparison_operator = high ? S("GreaterThanThreshold") : S("LessThanThreshold"),
        .threshold = {t->target_value.v * (high ? 1 : LOW_OF_TARGET), true},
    };
    struct cloudwatch_PutMetricAlarmResult res = {0};

    *LIST_PUSH(call->arena, &ask.alarm_actions) = row->id;
    watch(call, group, t, &ask);
    int r = api_call_internal(service, "cloudwatch", "PutMetricAlarm", &ask, &res, ASG_VIA);

    *LIST_PUSH(call->arena, &row->alarms) = ask.alarm_name;
    return r > 0 ? ASG_INVALID(call, "The alarms of the policy cannot be made: %.*s",
                               STR_ARG(service->fault.message))
                 : r;
}

int
asg_tracking_alarms(struct api_call *call, const struct asg_group_row *group,
                    struct asg_policy_row *row)
{
    struct autoscaling_TargetTrackingConfiguration *t;
    struct api_call service;
    int r = asg_tracking_get(call, row, &t);

    if (r == 0)
        r = asg_as_service(call, group->role_arn, &service);
    service.env = call->env;
    row->alarms = (struct str_list){0};
    if (r == 0 && !row->disabled)
        r = alarm_put(call, &service, group, t, true, row);
    if (r == 0 && !row->disabled && !opt_bool_or(t->disable_scale_in, false))
        r = alarm_put(call, &service, group, t, false, row);
    assert(r || row->alarms.n <= 2);
    return r;
}

int
asg_tracking_forget(struct api_call *call, const struct asg_group_row *group,
                    const struct asg_policy_row *row)
{
    const struct cloudwatch_DeleteAlarmsInput ask = {.alarm_names = row->alarms};
    struct cloudwatch_DeleteAlarmsResult res = {0};
    struct api_call service;

    if (!row->alarms.n)
        return 0;
    int r = asg_as_service(call, group->role_arn, &service);

    if (r == 0)
        r = api_call_internal(&service, "cloudwatch", "DeleteAlarms", &ask, &res, ASG_VIA);
    if (r > 0)
        call->fault = service.fault;
    return r;
}

struct autoscaling_AlarmList
asg_policy_alarms(struct api_call *call, struct str arn, const struct cloudwatch_alarm_row **loud)
{
    struct autoscaling_AlarmList list = {0};

    assert(str_starts(arn, S("arn:")));
    API_PRESENT(&list);
    STORE_EACH(call->txn, cloudwatch_alarm_by_owner, row, call->account, call->region) {
        bool alarms = str_in(&row->alarm_actions, arn), ok = str_in(&row->ok_actions, arn),
             missing = str_in(&row->missing_actions, arn);

        if (!alarms && !ok && !missing)
            continue;
        *LIST_PUSH(call->arena, &list) = (struct autoscaling_Alarm){row->name, row->id};
        if (loud && ((alarms && str_is(row->state, "ALARM")) || (ok && str_is(row->state, "OK")) ||
                     (missing && str_is(row->state, "INSUFFICIENT_DATA"))))
            *loud = row;
    }
    return list;
}

/* ---- what it makes of a value ---- */

/* How many instances the metric is of: those that serve and are warm.  *moving: not all are. */
static int64_t
warm(struct api_call *call, const struct asg_group_row *group, const struct asg_policy_row *row,
     bool *moving)
{
    int64_t usual = group->warmup_s >= 0 ? group->warmup_s : group->cooldown_s;
    int64_t warmup_s = row->warmup_s >= 0 ? row->warmup_s : usual, n = 0;

    *moving = false;
    STORE_EACH(call->txn, asg_instance_by_group, each, group->id) {
        bool serves = each->state == ASG_IN_SERVICE;

        if (serves && each->service_ms + warmup_s * 1000 <= call->now_ms)
            n += asg_weight(each);
        else if (each->state != ASG_STANDBY && !each->warm)
            *moving = true;
    }
    return n;
}

/* Whether every policy that may make the group smaller wants it to be. */
static bool
all_are_low(struct api_call *call, const struct asg_group_row *group)
{
    STORE_EACH(call->txn, asg_policy_by_name, row, group->id) {
        struct str low = row->alarms.n == 2 ? row->alarms.v[1] : STR_NONE;
        const struct cloudwatch_alarm_row *alarm =
            low.p ? cloudwatch_alarm_get(
                        call->txn,
                        str_fmt(call->arena, "arn:aws:cloudwatch:%.*s:%.*s:alarm:%.*s",
                                STR_ARG(call->region), STR_ARG(call->account), STR_ARG(low)))
                  : NULL;

        if (alarm && !str_is(alarm->state, "ALARM"))
            return false;
    }
    return true;
}

int
asg_tracking_want(struct api_call *call, const struct asg_group_row *group,
                  const struct asg_policy_row *row, double value, int64_t *ret)
{
    struct autoscaling_TargetTrackingConfiguration *t;
    bool moving;
    int r = asg_tracking_get(call, row, &t);

    *ret = group->desired;
    if (r)
        return r;
    int64_t n = warm(call, group, row, &moving);
    double ratio = value / t->target_value.v;
    /* a metric a little beside a whole number of instances asks for no other one */
    double want = ceil((double)n * ratio - 1e-9);

    assert(t->target_value.v > 0 && n >= 0);
    if (ratio > 1) {
        *ret = MAX(group->desired, (int64_t)MIN(want, (double)group->max_size));
    } else if (ratio < LOW_OF_TARGET && !moving && !opt_bool_or(t->disable_scale_in, false) &&
               all_are_low(call, group)) {
        int64_t least = group->desired - MAX(group->desired / GRADUALLY, 1);

        *ret = MIN(group->desired, MAX((int64_t)MAX(want, 0), least));
    }
    *ret = MAX(group->min_size, MIN(*ret, group->max_size));
    return 0;
}
