/*
 * The datapoints of a span of time as bytes.
 *
 * A point is its place in the span (of seconds, minutes …), a statistic set, and the values that
 * the set counts while they are known: as long as nothing but values came, and with at most
 * CLOUDWATCH_POINT_VALUES_MAX different ones, of which the closest become one when there are more.
 * So percentiles of few values are exact, and a point's size is bounded.
 *
 *   varint   places since the point before, less one (the first: its place)
 *   byte     which of the following come
 *   8 bytes  SINGLE: the one value; nothing: SAME, all as the point before
 *   32       else count, sum, min, max
 *   …        VALUES: varint n, then n times value and count, each of 8 bytes
 */
#pragma once

#include "cloudwatch/metric.h"

struct cloudwatch_point {
    uint32_t place;
    struct cloudwatch_set set;
    const struct cloudwatch_value *values; /* sorted; all that the set counts, or none are known */
    size_t n_values;
};

struct cloudwatch_points {
    struct cloudwatch_point *v;
    size_t n;
};

/* Reads a blob; its points live in the arena.  False: it is none of ours. */
bool cloudwatch_unpack(struct arena *arena, struct str blob, struct cloudwatch_points *ret);
/* Writes points, sorted by place, into the arena. */
struct str cloudwatch_pack(struct arena *arena, const struct cloudwatch_points *points);

/* Adds what `more` counts to a point; what is new lives in the arena. */
void cloudwatch_point_add(struct arena *arena, struct cloudwatch_point *point,
                          const struct cloudwatch_point *more);
/* The same for the point at that place, which is made when there is none. */
void cloudwatch_points_add(struct arena *arena, struct cloudwatch_points *points,
                           const struct cloudwatch_point *more);
