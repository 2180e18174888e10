/*
 * Metrics of groups, namespace AWS/AutoScaling: each minute, those that a group has enabled.  They
 * are counted while the group is looked at.
 */
#include "autoscaling/engine.h"

#include "api/actor.h"
#include "gen/api/cloudwatch.h"

#define MINUTE_MS INT64_C(60000)

/* Which instances a metric counts; bits of 1 << enum asg_state. */
#define PENDING_STATES (1u << ASG_PENDING | 1u << ASG_PENDING_WAIT | 1u << ASG_PENDING_PROCEED)
#define ENDING_STATES                                                                              \
    (1u << ASG_TERMINATING | 1u << ASG_TERMINATING_WAIT | 1u << ASG_TERMINATING_PROCEED)
#define ALL_STATES ((1u << ASG_N_STATES) - 1)

enum of { GROUP, POOL, BOTH };

static const struct {
    const char *name;
    unsigned states; /* 0: of a column, below */
    enum of of;
    bool weighs;
} metrics[] = {
    {"GroupMinSize", 0, GROUP, false},
    {"GroupMaxSize", 0, GROUP, false},
    {"GroupDesiredCapacity", 0, GROUP, false},
    {"GroupInServiceInstances", 1u << ASG_IN_SERVICE, GROUP, false},
    {"GroupPendingInstances", PENDING_STATES, GROUP, false},
    {"GroupStandbyInstances", 1u << ASG_STANDBY, GROUP, false},
    {"GroupTerminatingInstances", ENDING_STATES, GROUP, false},
    {"GroupTotalInstances", ALL_STATES, GROUP, false},
    {"GroupInServiceCapacity", 1u << ASG_IN_SERVICE, GROUP, true},
    {"GroupPendingCapacity", PENDING_STATES, GROUP, true},
    {"GroupStandbyCapacity", 1u << ASG_STANDBY, GROUP, true},
    {"GroupTerminatingCapacity", ENDING_STATES, GROUP, true},
    {"GroupTotalCapacity", ALL_STATES, GROUP, true},
    {"WarmPoolDesiredCapacity", 0, POOL, false},
    {"WarmPoolWarmedCapacity", 1u << ASG_WARMED, POOL, true},
    {"WarmPoolPendingCapacity", PENDING_STATES, POOL, true},
    {"WarmPoolTerminatingCapacity", ENDING_STATES, POOL, true},
    {"WarmPoolTotalCapacity", ALL_STATES, POOL, true},
    {"GroupAndWarmPoolDesiredCapacity", 0, BOTH, false},
    {"GroupAndWarmPoolTotalCapacity", ALL_STATES, BOTH, true},
};

/* ---- counting ---- */

static int64_t
of_columns(const struct asg_group_row *g, size_t i)
{
    const char *name = metrics[i].name;

    if (strcmp(name, "GroupMinSize") == 0)
        return g->min_size;
    if (strcmp(name, "GroupMaxSize") == 0)
        return g->max_size;
    return (metrics[i].of != POOL ? g->desired : 0) +
           (metrics[i].of != GROUP ? asg_pool_size(g) : 0);
}

static int64_t
value_of(const struct asg_look *look, size_t i)
{
    int64_t n = 0;

    assert(i < ARRAY_LEN(metrics));
    if (!metrics[i].states)
        return of_columns(&look->group, i);
    LIST_EACH(&look->instances, row)
        if ((metrics[i].states >> row->state & 1) &&
            (metrics[i].of == BOTH || (metrics[i].of == POOL) == row->warm))
            n += metrics[i].weighs ? asg_weight(row) : 1;
    return n;
}

int
asg_metrics_put(struct asg_look *look)
{
    struct asg_group_row *g = &look->group;
    struct arena *a = look->call->arena;
    struct cloudwatch_PutMetricDataInput ask = {.namespace = S("AWS/AutoScaling")};
    struct cloudwatch_PutMetricDataResult res = {0};
    int64_t minute_ms = look->call->now_ms - look->call->now_ms % MINUTE_MS;
    struct str_list actor = api_actor_account(a, g->account);
    struct cloudwatch_DimensionList dimensions = {0};
    struct api_call call;

    if (!g->metrics.n)
        return 0;
    asg_look_next(look, minute_ms + MINUTE_MS);
    if (g->metrics_ms >= minute_ms)
        return 0;
    g->metrics_ms = minute_ms;
    look->changed = true;
    *LIST_PUSH(a, &dimensions) = (struct cloudwatch_Dimension){S("AutoScalingGroupName"), g->name};
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (str_in(&g->metrics, str_from(metrics[i].name)))
            *LIST_PUSH(a, &ask.metric_data) =
                (struct cloudwatch_MetricDatum){.metric_name = str_from(metrics[i].name),
                                                .dimensions = dimensions,
                                                .timestamp = opt_i64(minute_ms),
                                                .value = opt_f64((double)value_of(look, i)),
                                                .unit = S("None")};
    assert(ask.metric_data.n == g->metrics.n);
    if (!api_actor_call(look->call->api, a, &actor, g->region, &call))
        return error_origin(EPROTO, "the account %.*s cannot be a caller", STR_ARG(g->account));
    call.txn = look->call->txn;
    int r = api_call_internal(&call, "cloudwatch", "PutMetricData", &ask, &res, ASG_VIA);

    look->call->fault = call.fault;
    return r;
}

/* ---- EnableMetricsCollection, DisableMetricsCollection ---- */

static bool
is_metric(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        if (str_is(name, metrics[i].name))
            return true;
    return false;
}

static int
names_check(struct api_call *call, const struct str_list *names)
{
    LIST_EACH(names, name)
        if (!is_metric(*name))
            return ASG_INVALID(call, "Metric %.*s is not supported", STR_ARG(*name));
    return 0;
}

int
asg_enable_metrics_collection(struct api_call *call,
                              const struct autoscaling_EnableMetricsCollectionQuery *req,
                              struct autoscaling_EnableMetricsCollectionResult *res UNUSED)
{
    struct str_list all = {0};
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0 && !str_is(req->granularity, "1Minute"))
        return ASG_INVALID(call, "Granularity %.*s is not supported. Valid values are: 1Minute",
                           STR_ARG(req->granularity));
    if (r == 0)
        r = names_check(call, &req->metrics);
    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        struct str name = str_from(metrics[i].name);

        if (!req->metrics.n || str_in(&req->metrics, name) || str_in(&group.metrics, name))
            *LIST_PUSH(call->arena, &all) = name;
    }
    assert(all.n > 0);
    group.metrics = all;
    return asg_group_save(call, &group);
}

int
asg_disable_metrics_collection(struct api_call *call,
                               const struct autoscaling_DisableMetricsCollectionQuery *req,
                               struct autoscaling_DisableMetricsCollectionResult *res UNUSED)
{
    struct str_list left = {0};
    struct asg_group_row group;
    int r = asg_group_find(call, req->auto_scaling_group_name, &group);

    if (r == 0)
        r = names_check(call, &req->metrics);
    if (r)
        return r;
    LIST_EACH(&group.metrics, name)
        if (req->metrics.n && !str_in(&req->metrics, *name))
            *LIST_PUSH(call->arena, &left) = *name;
    group.metrics = left;
    return asg_group_save(call, &group);
}

int
asg_describe_metric_collection_types(
    struct api_call *call,
    const struct autoscaling_DescribeMetricCollectionTypesRequest *req UNUSED,
    struct autoscaling_DescribeMetricCollectionTypesAnswer *res)
{
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        LIST_PUSH(call->arena, &res->metrics)->metric = str_from(metrics[i].name);
    LIST_PUSH(call->arena, &res->granularities)->granularity = S("1Minute");
    return 0;
}
