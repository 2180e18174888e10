/*
 * Cron expressions of event windows.  What is taken opens whole hours, and of a window that is long
 * enough the next moment is within it and less than a week away.
 */
#include <stdlib.h>

#include "ec2/event_window.h"

#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const int64_t ms = 1795788300000; /* 2026-11-27T14:05:00Z */
    struct ec2_week week = {0};
    unsigned open = 0;

    if (ec2_week_add_cron(&week, str_of((const char *)data, n)))
        return 0;
    for (unsigned i = 0; i < EVENT_WINDOW_WEEK_HOURS; i++)
        open += week.open[i];
    if (open < EVENT_WINDOW_RANGE_HOURS_MIN || n > EVENT_WINDOW_CRON_BYTES_MAX)
        abort();
    if (ec2_week_check(&week))
        return 0;
    int64_t next = ec2_week_next(&week, ms), end = ec2_week_end(&week, next);

    if (next < ms || next >= ms + WEEK_MS || end <= next || end > next + WEEK_MS)
        abort();
    if (ec2_week_next(&week, next) != next)
        abort();
    return 0;
}
