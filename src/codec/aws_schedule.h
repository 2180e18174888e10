/*
 * Schedules as AWS writes them: rate(5 minutes), rate(1 day), and cron(MINUTES HOURS DAY-OF-MONTH
 * MONTH DAY-OF-WEEK YEAR), of which one of the two days is "?".  In UTC.  Pure.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */
#pragma once

#include "base/str.h"

enum { AWS_SCHEDULE_YEAR_MIN = 1970, AWS_SCHEDULE_YEAR_MAX = 2199 };

struct aws_schedule {
    int64_t every_ms;        /* of a rate; 0: it is a cron expression */
    uint64_t minutes;        /* bit 0 is :00 */
    uint32_t hours;          /* bit 0 is 0:00 */
    uint32_t days;           /* of the month, bit 1 is the 1st; 0: the day of the week rules */
    bool last_day;           /* L: the last of the month, besides */
    uint8_t near_day;        /* 15W: the weekday nearest to the 15th; 31 with last_day: LW */
    uint16_t months;         /* bit 1 is January */
    uint8_t weekdays;        /* bit 0 is Sunday */
    uint8_t last_weekdays;   /* 6L: the last Friday */
    uint8_t nth_weekdays[6]; /* 6#3: the third Friday is bit 5 of [3] */
    uint64_t years[4];       /* bit 0 of [0] is 1970 */
};

/* False: it is none. */
bool aws_schedule_parse(struct str text, struct aws_schedule *ret);

/* The first minute after `ms` that a cron expression names; 0: there is none. */
int64_t aws_schedule_next(const struct aws_schedule *cron, int64_t ms);
