/*
 * Statistics by their names: the five plain ones, and those of the values themselves ("p99.9",
 * "tm90", "TM(10%:90%)", "PR(:300)", "IQM" …), which are known only while the values are.
 *
 * AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
 */
#pragma once

#include "cloudwatch/metric.h"

enum cloudwatch_stat_kind {
    CLOUDWATCH_SAMPLE_COUNT,
    CLOUDWATCH_AVERAGE,
    CLOUDWATCH_SUM,
    CLOUDWATCH_MINIMUM,
    CLOUDWATCH_MAXIMUM,
    CLOUDWATCH_PERCENTILE,
    CLOUDWATCH_TRIMMED_MEAN,
    CLOUDWATCH_WINSORIZED_MEAN,
    CLOUDWATCH_TRIMMED_COUNT,
    CLOUDWATCH_TRIMMED_SUM,
    CLOUDWATCH_PERCENTILE_RANK,
};

struct cloudwatch_stat {
    enum cloudwatch_stat_kind kind;
    bool percent;     /* the bounds are percentages of the values, else values */
    double low, high; /* of what counts: above low, up to high */
};

/* False: there is no such statistic. */
bool cloudwatch_stat_parse(struct str name, struct cloudwatch_stat *ret);
/* One of Statistic: not extended. */
bool cloudwatch_stat_is_plain(const struct cloudwatch_stat *stat);

/* False: it cannot be told of this bucket. */
bool cloudwatch_stat_of(const struct cloudwatch_stat *stat, const struct cloudwatch_bucket *bucket,
                        double *ret);
