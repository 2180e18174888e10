/*
 * The metrics of functions, namespace AWS/Lambda: what happened in a minute is counted in memory
 * and put at its end, of the function, of what of it was invoked, and of all functions together.
 * The minute in which the daemon ends is lost.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
#include "lambda/runner_internal.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "base/error.h"
#include "gen/api/cloudwatch.h"

#include <stdlib.h>

#define VIA "lambda.amazonaws.com"
#define MINUTE_MS INT64_C(60000)
#define PUT_BYTES_MAX ((size_t)4 << 20)

enum { VALUES_MAX = 150 }; /* that percentiles are told of */

/* A minute of what was invoked by one ARN. */
struct lambda_tally {
    struct lambda_tally *next;
    struct arena arena; /* of its texts */
    struct str account, region, name, arn;
    struct tallied {
        double count, sum, min, max;
    } of[LAMBDA_METRICS];
    double durations[VALUES_MAX];
};

static const struct {
    const char *name, *unit;
    bool always; /* 0 is told too, once anything was counted */
} metrics[LAMBDA_METRICS] = {
    [LAMBDA_INVOCATIONS] = {"Invocations", "Count", false},
    [LAMBDA_ERRORS_METRIC] = {"Errors", "Count", false},
    [LAMBDA_THROTTLES] = {"Throttles", "Count", true},
    [LAMBDA_DURATION] = {"Duration", "Milliseconds", false},
    [LAMBDA_CONCURRENT] = {"ConcurrentExecutions", "Count", false},
    [LAMBDA_UNDELIVERED] = {"DestinationDeliveryFailures", "Count", false},
};

/* ---- counting ---- */

static struct lambda_tally *
tally_of(struct lambda_runner *runner, const struct lambda_counted *what)
{
    struct lambda_tally *t = runner->tallies;
    int64_t now_ms = lambda_now_ms(runner);

    while (t && !str_eq(t->arn, what->arn))
        t = t->next;
    if (t)
        return t;
    t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    arena_init(&t->arena, 4096);
    t->account = str_dup(&t->arena, what->account);
    t->region = str_dup(&t->arena, what->region);
    t->name = str_dup(&t->arena, what->name);
    t->arn = str_dup(&t->arena, what->arn);
    t->next = runner->tallies;
    if (!runner->tallies)
        loop_timer_set(runner->loop, &runner->minute, LOOP_CLOUD,
                       now_ms - now_ms % MINUTE_MS + MINUTE_MS);
    runner->tallies = t;
    return t;
}

void
lambda_count(struct lambda_runner *runner, const struct lambda_counted *what,
             enum lambda_metric metric, double value)
{
    struct lambda_tally *t = tally_of(runner, what);
    struct tallied *of = &t->of[metric];

    assert(metric < LAMBDA_METRICS && value >= 0 && what->arn.n > 0);
    if (metric == LAMBDA_DURATION && of->count < VALUES_MAX)
        t->durations[(size_t)of->count] = value;
    of->min = of->count > 0 ? MIN(of->min, value) : value;
    of->max = MAX(of->max, value);
    of->sum += value;
    of->count++;
}

/* ---- putting ---- */

static void
add(struct arena *a, struct cloudwatch_PutMetricDataInput *ask, const struct lambda_tally *t,
    enum lambda_metric metric, const struct cloudwatch_DimensionList *dimensions, int64_t time_ms)
{
    struct tallied of = t->of[metric];
    struct cloudwatch_MetricDatum *d;

    if (of.count == 0 && metrics[metric].always)
        of.count = 1; /* none in this minute */
    if (of.count == 0)
        return;
    d = LIST_PUSH(a, &ask->metric_data);
    *d = (struct cloudwatch_MetricDatum){.metric_name = str_from(metrics[metric].name),
                                         .dimensions = *dimensions,
                                         .timestamp = opt_i64(time_ms),
                                         .unit = str_from(metrics[metric].unit)};
    if (metric == LAMBDA_DURATION && of.count <= VALUES_MAX) {
        for (size_t i = 0; i < (size_t)of.count; i++)
            *LIST_PUSH(a, &d->values) = t->durations[i];
        return;
    }
    d->statistic_values = ARENA_NEW(a, struct cloudwatch_StatisticSet);
    *d->statistic_values = (struct cloudwatch_StatisticSet){.sample_count = opt_f64(of.count),
                                                            .sum = opt_f64(of.sum),
                                                            .minimum = opt_f64(of.min),
                                                            .maximum = opt_f64(of.max)};
}

/* Of all functions, of the function, and of the version or alias that was named. */
static int
put(struct lambda_runner *runner, struct arena *a, struct txn *txn, const struct lambda_tally *t,
    int64_t time_ms)
{
    struct cloudwatch_PutMetricDataInput ask = {.namespace = S("AWS/Lambda")};
    struct cloudwatch_PutMetricDataResult res = {0};
    struct str_list actor = api_actor_account(a, t->account);
    size_t at = str_find(t->arn, S(":function:"));
    struct str resource = str_cut(t->arn, at + sizeof(":function:") - 1, t->arn.n);
    struct cloudwatch_DimensionList all = {0}, one = {0}, part = {0};
    struct api_call call;

    assert(at != SIZE_MAX && str_starts(resource, t->name));
    *LIST_PUSH(a, &one) = (struct cloudwatch_Dimension){S("FunctionName"), t->name};
    *LIST_PUSH(a, &part) = (struct cloudwatch_Dimension){S("FunctionName"), t->name};
    *LIST_PUSH(a, &part) = (struct cloudwatch_Dimension){S("Resource"), resource};
    for (size_t i = 0; i < LAMBDA_METRICS; i++) {
        add(a, &ask, t, i, &all, time_ms);
        add(a, &ask, t, i, &one, time_ms);
        if (!str_eq(resource, t->name))
            add(a, &ask, t, i, &part, time_ms);
    }
    if (!api_actor_call(runner->api, a, &actor, t->region, &call))
        return error_origin(EPROTO, "the account %.*s cannot be a caller", STR_ARG(t->account));
    call.txn = txn;
    return api_call_internal(&call, "cloudwatch", "PutMetricData", &ask, &res, VIA);
}

static void
forget(struct lambda_runner *runner)
{
    struct lambda_tally *t;

    while ((t = runner->tallies)) {
        runner->tallies = t->next;
        arena_done(&t->arena);
        free(t);
    }
}

static void
minute_is_over(struct loop_timer *timer)
{
    struct lambda_runner *runner = CONTAINER_OF(timer, struct lambda_runner, minute);
    int64_t now_ms = lambda_now_ms(runner), time_ms = now_ms - now_ms % MINUTE_MS - MINUTE_MS;
    struct txn *txn = store_begin(runner->store);

    assert(runner->api);
    for (const struct lambda_tally *t = runner->tallies; t; t = t->next) {
        struct arena a;

        assert(t->of[LAMBDA_ERRORS_METRIC].count == t->of[LAMBDA_INVOCATIONS].count);
        arena_init(&a, PUT_BYTES_MAX);
        if (put(runner, &a, txn, t, time_ms) != 0)
            error_origin(EIO, "metrics of %.*s cannot be put", STR_ARG(t->arn));
        arena_done(&a);
    }
    store_commit(txn);
    forget(runner);
}

void
lambda_metrics_init(struct lambda_runner *runner)
{
    runner->minute.fn = minute_is_over;
}

void
lambda_metrics_done(struct lambda_runner *runner)
{
    loop_timer_stop(runner->loop, &runner->minute);
    forget(runner);
}
