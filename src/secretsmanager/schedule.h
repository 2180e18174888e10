/*
 * Rotation schedules: rate(N hours|days) and cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK
 * YEAR), in UTC, as Secrets Manager takes them.  Pure.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
#pragma once

#include "codec/aws_schedule.h"

struct schedule {
    struct aws_schedule when;
    bool hourly; /* windows are counted in hours, and close after one */
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
