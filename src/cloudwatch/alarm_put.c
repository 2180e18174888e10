/*
 * PutMetricAlarm.  An alarm of that name is overwritten whole, but for its state and its tags.
 */
#include "cloudwatch/action.h"
#include "cloudwatch/alarm.h"

#define INVALID(call, ...) api_fault((call), &CLOUDWATCH_ERR(ValidationError), __VA_ARGS__)

static int
absent(struct api_call *call, const char *member)
{
    return INVALID(call,
                   "1 validation error detected: Value null at '%s' failed to satisfy constraint: "
                   "Member must not be null",
                   member);
}

static int
check_statistic(struct api_call *call, const struct cloudwatch_PutMetricAlarmInput *req)
{
    struct cloudwatch_stat stat;

    if (req->statistic.p && req->extended_statistic.p)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterCombination),
                         "The parameters Statistic and ExtendedStatistic are mutually exclusive "
                         "and you have specified both.");
    if (!req->statistic.p && !req->extended_statistic.p)
        return INVALID(call, "Must specify either Statistic or ExtendedStatistic");
    if (req->extended_statistic.p &&
        (!cloudwatch_stat_parse(req->extended_statistic, &stat) || cloudwatch_stat_is_plain(&stat)))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "The value %.*s for parameter ExtendedStatistic is not supported.",
                         STR_ARG(req->extended_statistic));
    return 0;
}

/* How far back the alarm would look. */
static int
check_span(struct api_call *call, int64_t period_s, int64_t periods)
{
    assert(periods > 0);
    const int64_t day_s = 86400, week_s = 7 * day_s;

    if (!cloudwatch_period_ok(period_s) || period_s < 10)
        return INVALID(call, "Period must be 10, 20, 30 or a multiple of 60");
    if (period_s < 3600 && periods > day_s / period_s)
        return INVALID(call, "Metrics cannot be checked across more than a day (EvaluationPeriods "
                             "* Period must be <= 86400).");
    if (periods > week_s / period_s)
        return INVALID(call, "Metrics cannot be checked across more than a week "
                             "(EvaluationPeriods * Period must be <= 604800).");
    return 0;
}

/* The request is for one metric, without expressions. */
static int
fill_metric(struct api_call *call, const struct cloudwatch_PutMetricAlarmInput *req,
            struct cloudwatch_alarm_row *row)
{
    char *room = arena_alloc_raw(call->arena, CLOUDWATCH_METRIC_ID_BYTES);
    struct str_list dimensions = cloudwatch_dimensions(call->arena, &req->dimensions);
    struct str twice = cloudwatch_dimension_twice(&dimensions);
    int r = check_statistic(call, req);

    if (r)
        return r;
    if (!req->namespace.p)
        return absent(call, "namespace");
    if (!req->period.set)
        return absent(call, "period");
    if (twice.p)
        return INVALID(call, "The dimension %.*s is given more than once", STR_ARG(twice));
    row->namespace = req->namespace;
    row->metric_name = req->metric_name;
    row->dimensions = dimensions;
    row->statistic = req->statistic;
    row->extended = req->extended_statistic;
    row->low_samples = req->evaluate_low_sample_count_percentile;
    row->unit = req->unit;
    row->period_s = req->period.v;
    assert(dimensions.n <= 2 * CLOUDWATCH_DIMENSIONS_MAX);
    row->metric = cloudwatch_metric_id(
        &(struct cloudwatch_metric_name){call->account, call->region, row->namespace,
                                         row->metric_name, dimensions},
        room);
    return 0;
}

static int
refuse_unknown(struct api_call *call, const struct cloudwatch_PutMetricAlarmInput *req)
{
    if (req->evaluation_criteria)
        return cloudwatch_unsupported(call, "EvaluationCriteria");
    if (req->evaluation_interval.set)
        return cloudwatch_unsupported(call, "EvaluationInterval");
    if (req->threshold_metric_id.p)
        return cloudwatch_unsupported(call, "ThresholdMetricId");
    if (req->comparison_operator.p && !cloudwatch_comparison(req->comparison_operator))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "The ComparisonOperator %.*s, of anomaly detection, is not implemented by "
                         "Welkin.",
                         STR_ARG(req->comparison_operator));
    return 0;
}

static int
check_rule(struct api_call *call, const struct cloudwatch_PutMetricAlarmInput *req)
{
    struct str low = req->evaluate_low_sample_count_percentile;
    enum cloudwatch_missing missing;

    if (!req->comparison_operator.p)
        return absent(call, "comparisonOperator");
    if (!req->evaluation_periods.set)
        return absent(call, "evaluationPeriods");
    if (!req->threshold.set)
        return absent(call, "threshold");
    if (!(req->threshold.v >= -CLOUDWATCH_VALUE_MAX && req->threshold.v <= CLOUDWATCH_VALUE_MAX))
        return INVALID(call, "The value for parameter Threshold is invalid.");
    if (req->datapoints_to_alarm.set && req->datapoints_to_alarm.v > req->evaluation_periods.v)
        return INVALID(call, "DatapointsToAlarm must be less than or equal to EvaluationPeriods");
    if (!cloudwatch_missing_parse(req->treat_missing_data, &missing))
        return INVALID(call,
                       "Option %.*s is not supported. Supported options for parameter "
                       "TreatMissingData are breaching, notBreaching, ignore and missing.",
                       STR_ARG(req->treat_missing_data));
    if (low.p && !str_is(low, "evaluate") && !str_is(low, "ignore"))
        return INVALID(call,
                       "Option %.*s is not supported. Supported options for parameter "
                       "EvaluateLowSampleCountPercentile are evaluate and ignore.",
                       STR_ARG(low));
    return 0;
}

/* What the actions' systems say to it. */
static int
check_actions(struct api_call *call, const struct cloudwatch_alarm_row *row)
{
    const struct str_list *lists[] = {&row->ok_actions, &row->alarm_actions, &row->missing_actions};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        LIST_EACH(lists[i], arn) {
            const struct cloudwatch_action *action = cloudwatch_action_find(*arn);

            assert(action);
            if (r == 0 && action->check)
                r = action->check(call, row, *arn);
        }
    return r;
}

int
cloudwatch_put_metric_alarm(struct api_call *call, const struct cloudwatch_PutMetricAlarmInput *req,
                            struct cloudwatch_PutMetricAlarmResult *res UNUSED)
{
    const struct cloudwatch_alarm_row *old = cloudwatch_alarm_find(call, req->alarm_name);
    const struct cloudwatch_alarm_common common = {
        req->alarm_name,  req->alarm_description, req->actions_enabled,
        &req->ok_actions, &req->alarm_actions,    &req->insufficient_data_actions,
        &req->tags};
    struct cloudwatch_alarm_row row = {
        .evaluation_periods = opt_i64_or(req->evaluation_periods, 0),
        .datapoints = opt_i64_or(req->datapoints_to_alarm, 0),
        .comparison = req->comparison_operator,
        .missing = req->treat_missing_data,
    };
    struct buf number;
    int r = refuse_unknown(call, req);

    if (r == 0)
        r = check_rule(call, req);
    if (r)
        return r;
    if (old && old->composite)
        return INVALID(call, "The alarm %.*s is a composite alarm", STR_ARG(req->alarm_name));
    if (!req->metric_name.p == !req->metrics.n)
        return INVALID(call, "Must specify either MetricName or Metrics, and not both");
    r = req->metrics.n ? cloudwatch_alarm_fill_queries(call, req, &row)
                       : fill_metric(call, req, &row);
    if (r == 0)
        r = check_span(call, row.period_s, row.evaluation_periods);
    if (r == 0)
        r = cloudwatch_alarm_fill(call, &common, old, &row);
    if (r == 0)
        r = check_actions(call, &row);
    if (r)
        return r;
    row.fast = row.period_s < 60;
    buf_init(&number, 64);
    buf_add_f64(&number, req->threshold.v);
    row.threshold = buf_str(&number);
    r = cloudwatch_alarm_keep(call, old, &row);
    buf_done(&number);
    return r;
}
