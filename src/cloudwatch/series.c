/* Periods of a metric as one number each. */
#include "cloudwatch/series.h"

#include "cloudwatch/pack.h"

/* Buckets of one time, a unit each, are one. */
static void
join_units(struct arena *arena, struct cloudwatch_bucket *into,
           const struct cloudwatch_bucket *more)
{
    struct cloudwatch_point point = {
        .set = into->set, .values = into->values, .n_values = into->n_values};

    assert(into->start_ms == more->start_ms && into->unit != more->unit);
    cloudwatch_point_add(arena, &point,
                         &(struct cloudwatch_point){
                             .set = more->set, .values = more->values, .n_values = more->n_values});
    into->set = point.set;
    into->values = point.values;
    into->n_values = point.n_values;
}

int
cloudwatch_series_read(struct txn *txn, struct arena *arena,
                       const struct cloudwatch_metric_name *metric,
                       const struct cloudwatch_stat *stat, const struct cloudwatch_range *range,
                       struct cloudwatch_series *ret)
{
    struct cloudwatch_buckets buckets;
    struct cloudwatch_series series = {0};
    int r = cloudwatch_metric_range(txn, arena, metric, range, &buckets);

    if (r < 0)
        return r;
    for (size_t i = 0; i < buckets.n;) {
        struct cloudwatch_bucket *bucket = &buckets.v[i];
        double value;

        assert(bucket->set.count > 0);
        while (++i < buckets.n && buckets.v[i].start_ms == bucket->start_ms)
            join_units(arena, bucket, &buckets.v[i]);
        assert(i == buckets.n || buckets.v[i].start_ms > bucket->start_ms);
        if (cloudwatch_stat_of(stat, bucket, &value))
            *LIST_PUSH(arena, &series) =
                (struct cloudwatch_series_point){bucket->start_ms, value, bucket->set.count};
    }
    *ret = series;
    return 0;
}
