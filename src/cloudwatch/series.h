/* A series: values by time, at most one a period, the oldest first. */
#pragma once

#include "cloudwatch/metric.h"
#include "cloudwatch/statistic.h"

struct cloudwatch_series_point {
    int64_t ms;
    double value;
    double count; /* how many samples there were; 0: of an expression */
};

struct cloudwatch_series {
    struct cloudwatch_series_point *v;
    size_t n;
};

/*
 * A statistic of a metric in a range.  Data of several units is one, unless the range names one.
 * 0 or negative.
 */
int cloudwatch_series_read(struct txn *txn, struct arena *arena,
                           const struct cloudwatch_metric_name *metric,
                           const struct cloudwatch_stat *stat, const struct cloudwatch_range *range,
                           struct cloudwatch_series *ret) MUST_USE;
