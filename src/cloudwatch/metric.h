/*
 * Metrics: writing datapoints, and reading them as periods.
 *
 * A metric is an account, a region, a namespace, a name and a set of dimensions.  A collector that
 * runs each minute for a thousand things calls cloudwatch_metric_put() once a datapoint inside one
 * transaction of its own; that costs a digest and the update of one small row.
 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "gen/store/cloudwatch_rows.h"
#include "store/store.h"

enum {
    CLOUDWATCH_DIMENSIONS_MAX = 30,
    CLOUDWATCH_VALUES_MAX = 150,
    CLOUDWATCH_METRICS_MAX = 100000,  /* of the whole cloud: what bounds memory and disk */
    CLOUDWATCH_POINT_VALUES_MAX = 48, /* different ones that a stored datapoint remembers */
};

#define CLOUDWATCH_MINUTE_MS INT64_C(60000)
#define CLOUDWATCH_HOUR_MS (INT64_C(3600) * 1000)
#define CLOUDWATCH_DAY_MS (INT64_C(24) * 3600 * 1000)
/* How old a datapoint may be, and how far ahead, when it comes; -: before now. */
#define CLOUDWATCH_PAST_MS (14 * CLOUDWATCH_DAY_MS)
#define CLOUDWATCH_AHEAD_MS (2 * CLOUDWATCH_HOUR_MS)

/* A value and how often it was seen. */
struct cloudwatch_value {
    double value, count;
};

/* What a statistic is made of. */
struct cloudwatch_set {
    double count, sum, min, max;
};

/* Which metric. */
struct cloudwatch_metric_name {
    struct str account, region;
    struct str namespace;       /* "AWS/EC2" */
    struct str name;            /* "CPUUtilization" */
    struct str_list dimensions; /* name, value, name, value …; in any order, each name once */
};

/*
 * A datapoint: either values (n_values > 0), of which percentiles can be told, or a set, of which
 * they cannot.
 */
struct cloudwatch_datum {
    struct cloudwatch_metric_name metric;
    struct str unit; /* "Percent", one of StandardUnit; empty is "None" */
    int64_t time_ms;
    const struct cloudwatch_value *values;
    size_t n_values;           /* at most CLOUDWATCH_VALUES_MAX */
    struct cloudwatch_set set; /* when n_values is 0 */
    bool high_resolution;      /* kept by the second, else by the minute */
};

/*
 * Adds a datapoint to what its second or minute already has.  now_ms is the cloud's time.  0;
 * -ENOSPC: it is of a new metric, of which there are CLOUDWATCH_METRICS_MAX; or negative.
 */
int cloudwatch_metric_put(struct txn *txn, int64_t now_ms,
                          const struct cloudwatch_datum *datum) MUST_USE;

/* A period of a metric that has data, with the values, sorted, when they are known. */
struct cloudwatch_bucket {
    int64_t start_ms;
    unsigned unit; /* index into cloudwatch_units */
    struct cloudwatch_set set;
    const struct cloudwatch_value *values;
    size_t n_values;
};

struct cloudwatch_buckets {
    struct cloudwatch_bucket *v;
    size_t n;
};

struct cloudwatch_range {
    int64_t start_ms, end_ms; /* from, and up to but without */
    int64_t period_ms;        /* buckets begin at start_ms and multiples of this behind it */
    struct str unit;          /* p NULL: each unit apart, and buckets come once a unit */
};

/*
 * The periods of a metric that have data, by time and then unit; none of a metric that does not
 * exist.  0 or negative.
 */
int cloudwatch_metric_range(struct txn *txn, struct arena *arena,
                            const struct cloudwatch_metric_name *metric,
                            const struct cloudwatch_range *range,
                            struct cloudwatch_buckets *ret) MUST_USE;

/* The key of a metric's row: of the same metric always the same. */
#define CLOUDWATCH_METRIC_ID_BYTES 33
struct str cloudwatch_metric_id(const struct cloudwatch_metric_name *metric,
                                char room[CLOUDWATCH_METRIC_ID_BYTES]);

/* What is true of every row, as assertions (holds.c). */
void cloudwatch_metric_assert(const struct cloudwatch_metric_row *row);
void cloudwatch_span_assert(const struct cloudwatch_span_row *row);

/* The units that there are, "None" first; answers their number when it is none of them. */
extern const char *const cloudwatch_units[];
extern const unsigned cloudwatch_n_units;
unsigned cloudwatch_unit(struct str unit);
