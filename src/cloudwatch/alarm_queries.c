/*
 * Alarms of expressions.  Their queries are kept as the JSON of a request that has nothing else,
 * and read with the tables that read requests.
 */
#include "cloudwatch/alarm.h"

#include "api/decode_doc.h"
#include "api/encode_doc.h"
#include "base/error.h"
#include "cloudwatch/query.h"
#include "codec/doc.h"

enum { QUERIES_BYTES_MAX = 120 << 10 };

#define INVALID(call, ...) api_fault((call), &CLOUDWATCH_ERR(ValidationError), __VA_ARGS__)

static const struct api_shape *
input(void)
{
    return api_shape(&cloudwatch_service, CLOUDWATCH_SHAPE_PutMetricAlarmInput);
}

/* Which query the alarm watches: the one that returns data. */
static struct cloudwatch_query *
watched(const struct cloudwatch_queries *q)
{
    struct cloudwatch_query *found = NULL;

    for (size_t i = 0; i < q->n; i++) {
        if (!opt_bool_or(q->v[i].of->return_data, true))
            continue;
        if (found)
            return NULL;
        found = &q->v[i];
    }
    return found;
}

/* All metrics by one period, which is the alarm's. */
static int
check_periods(const struct cloudwatch_queries *q)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->v[i].period_s && q->v[i].period_s != q->period_s)
            return INVALID(q->call, "Period must be the same for all metrics of an alarm");
    return 0;
}

/* What belongs to an alarm of one metric. */
static const char *
out_of_place(const struct cloudwatch_PutMetricAlarmInput *req)
{
    return req->namespace.p                              ? "Namespace"
           : req->dimensions.v                           ? "Dimensions"
           : req->period.set                             ? "Period"
           : req->unit.p                                 ? "Unit"
           : req->statistic.p                            ? "Statistic"
           : req->extended_statistic.p                   ? "ExtendedStatistic"
           : req->evaluate_low_sample_count_percentile.p ? "EvaluateLowSampleCountPercentile"
                                                         : NULL;
}

int
cloudwatch_alarm_fill_queries(struct api_call *call,
                              const struct cloudwatch_PutMetricAlarmInput *req,
                              struct cloudwatch_alarm_row *row)
{
    const struct cloudwatch_PutMetricAlarmInput kept = {.metrics = req->metrics};
    struct cloudwatch_queries queries;
    struct cloudwatch_math value;
    struct buf buf;
    int r = 0;

    if (out_of_place(req))
        return INVALID(call, "%s must not be specified with Metrics", out_of_place(req));
    r = cloudwatch_queries_open(call, "Metrics", &req->metrics, &queries);
    if (r)
        return r;
    struct cloudwatch_query *of = watched(&queries);

    if (!of)
        return INVALID(call, "Exactly one element of the metrics list should return data.");
    r = check_periods(&queries);
    if (r)
        return r;
    /* Once, for what only shows when it runs. */
    queries.end_ms = call->now_ms;
    queries.start_ms = call->now_ms - queries.period_s * 1000;
    r = cloudwatch_query_run(&queries, of, &value);
    if (r)
        return r;
    if (value.kind != CLOUDWATCH_SERIES)
        return INVALID(call, "The expression of an alarm must return one time series.");
    assert(queries.period_s > 0);
    row->period_s = queries.period_s;
    buf_init(&buf, QUERIES_BYTES_MAX);
    api_encode_doc(&cloudwatch_service, input(), API_DOC_JSON, &kept, &buf);
    row->queries = str_dup(call->arena, buf_str(&buf));
    if (buf_failed(&buf))
        r = INVALID(call, "Metrics must not be longer than 120 KB");
    buf_done(&buf);
    return r;
}

int
cloudwatch_alarm_queries(struct api_call *call, const struct cloudwatch_alarm_row *row,
                         struct cloudwatch_MetricDataQueryList *ret)
{
    struct cloudwatch_PutMetricAlarmInput kept = {0};

    assert(row->queries.n > 0);
    if (api_decode_doc(&cloudwatch_service, input(), &doc_json, call->arena, row->queries, &kept,
                       &call->fault))
        return error_origin(EUCLEAN, "the queries of %.*s cannot be read", STR_ARG(row->id));
    *ret = kept.metrics;
    return 0;
}

int
cloudwatch_alarm_series(struct api_call *call, const struct cloudwatch_alarm_row *row,
                        int64_t end_ms, struct cloudwatch_series *ret)
{
    struct cloudwatch_MetricDataQueryList list;
    struct cloudwatch_queries queries;
    struct cloudwatch_math value;
    int r = cloudwatch_alarm_queries(call, row, &list);

    *ret = (struct cloudwatch_series){0};
    if (r < 0)
        return r;
    r = cloudwatch_queries_open(call, "Metrics", &list, &queries);
    assert(r == 0); /* they were checked when they were put */
    assert(watched(&queries));
    queries.end_ms = end_ms;
    queries.start_ms =
        end_ms - (row->evaluation_periods + CLOUDWATCH_RANGE_EXTRA) * row->period_s * 1000;
    r = cloudwatch_query_run(&queries, watched(&queries), &value);
    if (r < 0)
        return r;
    /* What fails now and did not then (an array that is empty) has no data. */
    if (r == 0 && value.kind == CLOUDWATCH_SERIES)
        *ret = value.v[0].series;
    return 0;
}
