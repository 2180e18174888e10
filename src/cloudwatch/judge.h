/*
 * What an alarm makes of datapoints: its state, and the sentence that says why.  Pure.
 *
 * AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
#pragma once

#include "cloudwatch/series.h"
#include "base/buf.h"

enum cloudwatch_missing {
    CLOUDWATCH_MISSING,
    CLOUDWATCH_IGNORE,
    CLOUDWATCH_BREACHING,
    CLOUDWATCH_NOT_BREACHING,
};

/* The comparison of that name, or NULL. */
struct cloudwatch_comparison {
    const char *name;  /* "GreaterThanThreshold" */
    const char *words; /* "greater than" */
    bool (*breaches)(double value, double threshold);
};
const struct cloudwatch_comparison *cloudwatch_comparison(struct str name);

/* "breaching", …; empty is "missing".  False: it is none of them. */
bool cloudwatch_missing_parse(struct str name, enum cloudwatch_missing *ret);

struct cloudwatch_rule {
    const struct cloudwatch_comparison *comparison;
    double threshold;
    int64_t periods;  /* to evaluate: N */
    int64_t to_alarm; /* breaching ones that make an alarm: M; 0: N, and words of old */
    enum cloudwatch_missing missing;
    int64_t period_s;
    struct str statistic; /* for the data; empty: of an expression */
    struct str unit;      /* likewise; empty: any */
};

/* More than N are looked at, in case the newest have not come yet. */
#define CLOUDWATCH_RANGE_EXTRA 2

enum cloudwatch_state { CLOUDWATCH_OK, CLOUDWATCH_ALARM, CLOUDWATCH_NO_DATA, CLOUDWATCH_RETAIN };
extern const char *const cloudwatch_states[]; /* "OK", "ALARM", "INSUFFICIENT_DATA" */

struct cloudwatch_verdict {
    enum cloudwatch_state state;
    struct str reason;
    struct str data; /* JSON */
};

/*
 * The verdict on the series of N + CLOUDWATCH_RANGE_EXTRA periods that end at end_ms; reason and
 * data are made only of a state that is not `now`, the present one.
 */
void cloudwatch_judge(struct arena *arena, const struct cloudwatch_rule *rule,
                      const struct cloudwatch_series *series, int64_t end_ms, int64_t query_ms,
                      enum cloudwatch_state now, struct cloudwatch_verdict *ret);

/* A number as Java prints one, which is what messages and their data show: "1.0", "1.5E10". */
void cloudwatch_number(struct buf *out, double v);
/* "2026-11-27T23:10:00.000+0000" */
void cloudwatch_date(struct buf *out, int64_t ms);
