/*
 * How datapoints age: a table of resolutions.  New ones come into the first two tiers, whose spans
 * are short, so that a datapoint a minute rewrites little; the upkeep moves what is old enough
 * behind them, a metric's spans of a day, ten days … at once, and forgets it after 455 days.
 *
 * AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
 */
#pragma once

#include "cloudwatch/pack.h"
#include "loop/loop.h"

struct cloudwatch_tier {
    int64_t point_ms; /* of a datapoint */
    int64_t span_ms;  /* of a row */
    int64_t move_ms;  /* what moves at once: all spans that begin in such a time */
    int64_t keep_ms;  /* how long after the end of that time; of the last tier: until forgotten */
};

enum {
    CLOUDWATCH_TIER_SECONDS,
    CLOUDWATCH_TIER_MINUTES,
    CLOUDWATCH_TIER_DAYS,
    CLOUDWATCH_TIER_FIVE,
    CLOUDWATCH_TIER_HOURS,
    CLOUDWATCH_N_TIERS,
};
extern const struct cloudwatch_tier cloudwatch_tiers[CLOUDWATCH_N_TIERS];
#define CLOUDWATCH_KEEP_MS (455 * CLOUDWATCH_DAY_MS)

/* The finest resolution that a time of that age still has, as a tier. */
unsigned cloudwatch_tier_of_age(int64_t age_ms);

/* Where a time lies: the start of its span, and its place there. */
int64_t cloudwatch_span_start(unsigned tier, int64_t time_ms);
uint32_t cloudwatch_span_place(unsigned tier, int64_t time_ms);

/* The key of a span's row. */
#define CLOUDWATCH_SPAN_ID_BYTES 96
struct str cloudwatch_span_id(struct str metric, unsigned tier, unsigned unit, int64_t start_ms,
                              char room[CLOUDWATCH_SPAN_ID_BYTES]);

/* Adds points, by their places in the span, to the row of that tier and span. */
int cloudwatch_span_add(struct txn *txn, struct arena *arena, struct str metric, unsigned tier,
                        unsigned unit, int64_t start_ms,
                        const struct cloudwatch_points *points) MUST_USE;

/* The clock that moves old data, once an hour. */
struct cloudwatch_upkeep;
int cloudwatch_upkeep_new(struct cloudwatch_upkeep **ret, struct loop *loop, struct store *store);
struct cloudwatch_upkeep *cloudwatch_upkeep_free(struct cloudwatch_upkeep *upkeep);
