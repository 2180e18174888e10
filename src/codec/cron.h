/*
 * Cron expressions of five fields: minute, hour, day of the month, month, day of the week.
 *
 * A field is a list of `*`, N, A-B, each with an optional /STEP; months and days of the week may be
 * named (JAN, SUN); 0 and 7 are Sunday.  When both days are restricted either of them suffices, as
 * in crontab(5).
 */
#pragma once

#include "base/str.h"

struct cron {
    uint64_t minutes; /* a bit each */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field was `*` */
};

/* False when the text is no such expression. */
bool cron_parse(struct str text, struct cron *ret);

/* The first minute after `ms` that fits, in UTC; -1: none within the next eight years. */
int64_t cron_next(const struct cron *cron, int64_t ms);
