/*
 * Rotation schedules: rate(N hours|days) and cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK
 * YEAR), in UTC, as Secrets Manager takes them.  Pure.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
#pragma once

#include "base/str.h"

struct schedule {
    int64_t every_ms;        /* of a rate; 0: it is a cron expression */
    bool hourly;             /* windows are counted in hours, and close after one */
    uint32_t hours;          /* bit 0 is 0:00 */
    uint32_t days;           /* of the month, bit 1 is the 1st; 0: the day of the week rules */
    bool last_day;           /* L: the last of the month, besides */
    uint16_t months;         /* bit 1 is January */
    uint8_t weekdays;        /* bit 0 is Sunday */
    uint8_t last_weekdays;   /* 6L: the last Friday */
    uint8_t nth_weekdays[6]; /* 6#3: the third Friday is bit 5 of [3] */
};

/* False: it is none that Secrets Manager takes. */
bool schedule_parse(struct str text, struct schedule *ret);
/* "3h": 1 to 24 hours. */
bool schedule_duration(struct str text, int64_t *ret_ms);

/* The begin of the first window after `ms`; 0: there is none within ten years. */
int64_t schedule_next(const struct schedule *schedule, int64_t ms);

/*
 * What is wrong with a schedule whose windows last duration_ms (0: the default), or NULL: a window
 * must not reach into the next one or into the next day, windows are at least four hours apart.
 */
const char *schedule_fault(const struct schedule *schedule, int64_t duration_ms, int64_t now_ms);
