/* GetMetricStatistics and ListMetrics. */
#include "cloudwatch/cloudwatch.h"
#include "cloudwatch/statistic.h"

enum { EXTENDED_MAX = 10, LIST_PAGE = 500 };

/* ---- GetMetricStatistics ---- */

static int
check_statistics(struct api_call *call, const struct cloudwatch_GetMetricStatisticsInput *req,
                 struct cloudwatch_stat extended[EXTENDED_MAX])
{
    if (!req->statistics.n && !req->extended_statistics.n)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterCombination),
                         "Must specify either Statistics or ExtendedStatistics");
    if (req->statistics.n && req->extended_statistics.n)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterCombination),
                         "The parameters Statistics and ExtendedStatistics are mutually exclusive "
                         "and you have specified both.");
    assert(req->extended_statistics.n <= EXTENDED_MAX);
    for (size_t i = 0; i < req->extended_statistics.n; i++) {
        struct str name = req->extended_statistics.v[i];

        if (!cloudwatch_stat_parse(name, &extended[i]) || cloudwatch_stat_is_plain(&extended[i]))
            return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                             "The value %.*s for parameter ExtendedStatistics is not supported.",
                             STR_ARG(name));
    }
    return 0;
}

static int
check_range(struct api_call *call, const struct cloudwatch_GetMetricStatisticsInput *req)
{
    int64_t start_ms = req->start_time.v, end_ms = req->end_time.v;
    int64_t period_ms = req->period.v * 1000;

    assert(period_ms > 0); /* the description asks for it */
    int r = cloudwatch_times_check(call, start_ms, end_ms, CLOUDWATCH_ERROR_InvalidParameterValue);

    if (r)
        return r;
    if (!cloudwatch_period_ok(req->period.v))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ] or "
                         "a multiple of 60.");
    int64_t points = (end_ms - start_ms) / period_ms + ((end_ms - start_ms) % period_ms > 0);

    if (points > CLOUDWATCH_POINTS_MAX)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterCombination),
                         "You have requested up to %lld datapoints, which exceeds the limit of %d. "
                         "You may reduce the datapoints requested by increasing Period, or "
                         "decreasing the time range.",
                         (long long)points, CLOUDWATCH_POINTS_MAX);
    return 0;
}

/* The bucket as the caller wants it; false: nothing that was asked for can be told of it. */
static bool
show_bucket(struct api_call *call, const struct cloudwatch_GetMetricStatisticsInput *req,
            const struct cloudwatch_stat *extended, const struct cloudwatch_bucket *bucket,
            struct cloudwatch_Datapoint *point)
{
    const struct {
        const char *name;
        double value;
        struct opt_f64 *to;
    } plain[] = {
        {"SampleCount", bucket->set.count, &point->sample_count},
        {"Average", bucket->set.sum / bucket->set.count, &point->average},
        {"Sum", bucket->set.sum, &point->sum},
        {"Minimum", bucket->set.min, &point->minimum},
        {"Maximum", bucket->set.max, &point->maximum},
    };
    double value;

    assert(bucket->set.count > 0 && bucket->unit < cloudwatch_n_units);
    point->timestamp = opt_i64(bucket->start_ms);
    point->unit = str_from(cloudwatch_units[bucket->unit]);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (str_in(&req->statistics, str_from(plain[i].name)))
            *plain[i].to = opt_f64(plain[i].value);
    for (size_t i = 0; i < req->extended_statistics.n; i++) {
        if (!cloudwatch_stat_of(&extended[i], bucket, &value))
            continue;
        *LIST_PUSH(call->arena, &point->extended_statistics) =
            (struct cloudwatch_FloatMapEntry){req->extended_statistics.v[i], opt_f64(value)};
    }
    return req->statistics.n || point->extended_statistics.n;
}

int
cloudwatch_get_metric_statistics(struct api_call *call,
                                 const struct cloudwatch_GetMetricStatisticsInput *req,
                                 struct cloudwatch_GetMetricStatisticsOutput *res)
{
    const struct cloudwatch_metric_name metric = {
        call->account, call->region, req->namespace, req->metric_name,
        cloudwatch_dimensions(call->arena, &req->dimensions)};
    struct cloudwatch_stat extended[EXTENDED_MAX];
    struct cloudwatch_buckets buckets = {0};
    struct cloudwatch_range range;
    int r = check_range(call, req);

    if (r == 0)
        r = check_statistics(call, req, extended);
    if (r)
        return r;
    if (cloudwatch_range_of(call, req->start_time.v, req->end_time.v, req->period.v, &range)) {
        range.unit = req->unit;
        r = cloudwatch_metric_range(call->txn, call->arena, &metric, &range, &buckets);
    }
    res->label = req->metric_name;
    API_PRESENT(&res->datapoints);
    LIST_EACH(&buckets, bucket) {
        struct cloudwatch_Datapoint point = {0};

        if (show_bucket(call, req, extended, bucket, &point))
            *LIST_PUSH(call->arena, &res->datapoints) = point;
    }
    return r;
}

/* ---- ListMetrics ---- */

static bool
passes(const struct api_call *call, const struct cloudwatch_ListMetricsInput *req,
       const struct cloudwatch_metric_row *row)
{
    cloudwatch_metric_assert(row);
    int64_t since_ms = req->recently_active.p ? 3 * CLOUDWATCH_HOUR_MS : CLOUDWATCH_PAST_MS;

    if (row->last_ms < call->now_ms - since_ms ||
        (req->namespace.p && !str_eq(req->namespace, row->namespace)) ||
        (req->metric_name.p && !str_eq(req->metric_name, row->name)) ||
        (req->owning_account.p && !str_eq(req->owning_account, row->account)))
        return false;
    LIST_EACH(&req->dimensions, filter) {
        struct str value = api_tags_get(&row->dimensions, filter->name);

        if (!value.p || (filter->value.p && !str_eq(filter->value, value)))
            return false;
    }
    return true;
}

static struct str
page_key(struct api_call *call, const struct cloudwatch_metric_row *row)
{
    return str_fmt(call->arena, "%.*s%c%.*s%c%.*s", STR_ARG(row->namespace), 1, STR_ARG(row->name),
                   1, STR_ARG(row->id));
}

int
cloudwatch_list_metrics(struct api_call *call, const struct cloudwatch_ListMetricsInput *req,
                        struct cloudwatch_ListMetricsOutput *res)
{
    static const struct api_page_rule rule = {.min = 1, .max = LIST_PAGE, .otherwise = LIST_PAGE};
    const struct api_page_scope scope = api_page_scope(call);
    bool linked = opt_bool_or(req->include_linked_accounts, false);
    struct api_page page;

    if (api_page_open(call->arena, &scope, &rule, req->next_token, (struct opt_i64){0}, false,
                      &page, &call->fault))
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "Request parameter NextToken is invalid");
    API_PRESENT(&res->metrics);
    STORE_EACH(call->txn, cloudwatch_metric_by_owner, row, call->account, call->region) {
        if (!passes(call, req, row))
            continue;
        if (!api_page_take(&page, page_key(call, row))) {
            if (page.more)
                break;
            continue;
        }
        *LIST_PUSH(call->arena, &res->metrics) = (struct cloudwatch_Metric){
            .namespace = row->namespace,
            .metric_name = row->name,
            .dimensions = cloudwatch_dimensions_show(call->arena, &row->dimensions),
        };
        if (linked)
            *LIST_PUSH(call->arena, &res->owning_accounts) = row->account;
    }
    res->next_token = api_page_next(call->arena, &scope, &page);
    return 0;
}
