/*
 * PutMetricData.  All mistakes of a request are told at once, a line each, as AWS does; nothing is
 * kept of a request that has one.
 */
#include "cloudwatch/cloudwatch.h"

#include <math.h>

enum { MISTAKES_BYTES_MAX = 8192 };

struct check {
    struct api_call *call;
    const struct api_error *error; /* of the first mistake */
    struct buf words;
    size_t number; /* of the datum, from 1 */
};

static void
    PRINTF_LIKE(3, 4) mistake(struct check *c, const struct api_error *error, const char *fmt, ...)
{
    va_list ap;

    assert(error->code[0] != '\0' && c->number > 0);
    va_start(ap, fmt);
    struct str line = str_vfmt(c->call->arena, fmt, ap);

    va_end(ap);
    if (c->error)
        buf_add_char(&c->words, '\n');
    else
        c->error = error;
    buf_add_str(&c->words, line);
}
#define MISTAKE(c, code, fmt, ...) mistake((c), &CLOUDWATCH_ERR(code), fmt, ##__VA_ARGS__)

/* A number as Java prints one: what AWS's messages show. */
static const char *
shown(struct check *c, double v)
{
    if (isnan(v))
        return "NaN";
    if (isinf(v))
        return v < 0 ? "-\xe2\x88\x9e" : "\xe2\x88\x9e";
    return str_fmt(c->call->arena, "%g", v).p;
}

static void
check_number(struct check *c, const char *what, double v, double least)
{
    if (!(v >= least && v <= CLOUDWATCH_VALUE_MAX))
        MISTAKE(c, InvalidParameterValue,
                "The value %s for parameter MetricData.member.%zu.%s is "
                "invalid.",
                shown(c, v), c->number, what);
}

static void
exclusive(struct check *c, const struct api_error *error, const char *a, const char *b)
{
    mistake(c, error,
            "The parameters MetricData.member.%zu.%s and MetricData.member.%zu.%s are mutually "
            "exclusive and you have specified both.",
            c->number, a, c->number, b);
}

static void
check_set(struct check *c, const struct cloudwatch_StatisticSet *set)
{
    check_number(c, "StatisticValues.Sum", set->sum.v, -CLOUDWATCH_VALUE_MAX);
    check_number(c, "StatisticValues.Minimum", set->minimum.v, -CLOUDWATCH_VALUE_MAX);
    check_number(c, "StatisticValues.Maximum", set->maximum.v, -CLOUDWATCH_VALUE_MAX);
    if (!(set->sample_count.v > 0 && set->sample_count.v <= CLOUDWATCH_VALUE_MAX))
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.StatisticValues.SampleCount must be greater "
                "than 0.",
                c->number);
    if (set->maximum.v < set->minimum.v)
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.StatisticValues.Maximum must be greater than "
                "MetricData.member.%zu.StatisticValues.Minimum.",
                c->number, c->number);
}

static void
check_values(struct check *c, const struct cloudwatch_MetricDatum *d)
{
    if (d->values.n > CLOUDWATCH_VALUES_MAX)
        MISTAKE(c, InvalidParameterValue,
                "The collection MetricData.member.%zu.Values must not have a size greater than %d.",
                c->number, CLOUDWATCH_VALUES_MAX);
    if (d->counts.v && d->counts.n != d->values.n)
        MISTAKE(c, InvalidParameterValue,
                "The parameters MetricData.member.%zu.Values and MetricData.member.%zu.Counts must "
                "be of the same size.",
                c->number, c->number);
    LIST_EACH(&d->values, v)
        check_number(c, "Values", *v, -CLOUDWATCH_VALUE_MAX);
    LIST_EACH(&d->counts, v)
        check_number(c, "Counts", *v, 0);
}

static void
check_time(struct check *c, int64_t time_ms)
{
    if (time_ms < c->call->now_ms - CLOUDWATCH_PAST_MS)
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.Timestamp must specify a time within the past "
                "two weeks.",
                c->number);
    if (time_ms > c->call->now_ms + CLOUDWATCH_AHEAD_MS)
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.Timestamp must specify a time no more than "
                "two hours in the future.",
                c->number);
}

static void
check_datum(struct check *c, const struct cloudwatch_MetricDatum *d)
{
    struct str_list dimensions = cloudwatch_dimensions(c->call->arena, &d->dimensions);
    struct str twice = cloudwatch_dimension_twice(&dimensions);
    int64_t resolution = opt_i64_or(d->storage_resolution, 60);

    assert(dimensions.n <= 2 * CLOUDWATCH_DIMENSIONS_MAX);

    if (d->value.set && d->statistic_values)
        exclusive(c, &CLOUDWATCH_ERR(InvalidParameterCombination), "Value", "StatisticValues");
    if (d->value.set && d->values.n)
        exclusive(c, &CLOUDWATCH_ERR(InvalidParameterValue), "Value", "Values");
    if (d->statistic_values && d->values.n)
        exclusive(c, &CLOUDWATCH_ERR(InvalidParameterCombination), "Values", "StatisticValues");
    if (!d->value.set && !d->statistic_values && !d->values.n)
        MISTAKE(c, MissingParameter, "The parameter MetricData.member.%zu.Value is required.",
                c->number);
    if (d->value.set)
        check_number(c, "Value", d->value.v, -CLOUDWATCH_VALUE_MAX);
    if (d->statistic_values)
        check_set(c, d->statistic_values);
    check_values(c, d);
    check_time(c, opt_i64_or(d->timestamp, c->call->now_ms));
    if (twice.p)
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.Dimensions has the name %.*s more than once.",
                c->number, STR_ARG(twice));
    if (resolution != 1 && resolution != 60)
        MISTAKE(c, InvalidParameterValue,
                "The parameter MetricData.member.%zu.StorageResolution must be a value in the set "
                "[ 1, 60 ].",
                c->number);
}

static int
check_request(struct api_call *call, const struct cloudwatch_PutMetricDataInput *req)
{
    struct check c = {.call = call, .number = 1};
    int r = 0;

    if (req->entity_metric_data.n)
        return cloudwatch_unsupported(call, "EntityMetricData");
    if (call->request && call->request->http.body.n > CLOUDWATCH_PUT_BYTES_MAX)
        return api_fault(call, &(struct api_error){"RequestEntityTooLarge", 413},
                         "Request size exceeded %d bytes", CLOUDWATCH_PUT_BYTES_MAX);
    if (str_starts(req->namespace, S("AWS/")) && !call->via.p) /* services have theirs */
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "The value AWS/ for parameter Namespace is invalid.");
    if (!req->metric_data.n)
        return api_fault(call, &CLOUDWATCH_ERR(MissingParameter),
                         "The parameter MetricData is required.");
    if (req->metric_data.n > CLOUDWATCH_METRICS_A_PUT)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "The collection MetricData must not have a size greater than %d.",
                         CLOUDWATCH_METRICS_A_PUT);
    buf_init(&c.words, MISTAKES_BYTES_MAX);
    for (; c.number <= req->metric_data.n && !buf_failed(&c.words); c.number++)
        check_datum(&c, &req->metric_data.v[c.number - 1]);
    if (c.error)
        r = api_fault(call, c.error, "%.*s", STR_ARG(buf_str(&c.words)));
    buf_done(&c.words);
    return r;
}

static int
put_datum(struct api_call *call, struct str namespace, const struct cloudwatch_MetricDatum *d)
{
    struct cloudwatch_value values[CLOUDWATCH_VALUES_MAX];
    struct cloudwatch_datum datum = {
        .metric = {call->account, call->region, namespace, d->metric_name,
                   cloudwatch_dimensions(call->arena, &d->dimensions)},
        .unit = d->unit,
        .time_ms = opt_i64_or(d->timestamp, call->now_ms),
        .values = values,
        .high_resolution = opt_i64_or(d->storage_resolution, 60) == 1,
    };

    if (d->statistic_values) {
        const struct cloudwatch_StatisticSet *s = d->statistic_values;

        datum.set =
            (struct cloudwatch_set){s->sample_count.v, s->sum.v, s->minimum.v, s->maximum.v};
    }
    if (d->value.set)
        values[datum.n_values++] = (struct cloudwatch_value){d->value.v, 1};
    for (size_t i = 0; i < d->values.n; i++) {
        double count = d->counts.n ? d->counts.v[i] : 1;

        if (count > 0)
            values[datum.n_values++] = (struct cloudwatch_value){d->values.v[i], count};
    }
    assert(datum.n_values <= CLOUDWATCH_VALUES_MAX);
    assert(!datum.n_values || !d->statistic_values);
    /* Values that all were seen no times are no data. */
    return datum.n_values || d->statistic_values
               ? cloudwatch_metric_put(call->txn, call->now_ms, &datum)
               : 0;
}

int
cloudwatch_put_metric_data(struct api_call *call, const struct cloudwatch_PutMetricDataInput *req,
                           struct cloudwatch_PutMetricDataResult *res UNUSED)
{
    int r = check_request(call, req);

    for (size_t i = 0; i < req->metric_data.n && r == 0; i++)
        r = put_datum(call, req->namespace, &req->metric_data.v[i]);
    if (r == -ENOSPC)
        return api_fault(call, &CLOUDWATCH_ERR(LimitExceeded),
                         "Welkin keeps at most %d different metrics.", CLOUDWATCH_METRICS_MAX);
    return r;
}
