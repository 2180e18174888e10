/*
 * Rotation schedules.  What is taken has windows that go forward and begin at a full hour, and the
 * check of its windows ends.
 */
#include <stdlib.h>

#include "secretsmanager/schedule.h"

#define HOUR_MS ((int64_t)3600000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int64_t ms = 1795788300000, next; /* 2026-11-27T14:05:00Z */
    struct schedule s;

    if (n > 256 || !schedule_parse(str_of(data, n), &s))
        return 0;
    next = schedule_next(&s, ms);
    if (next && (next <= ms || next % HOUR_MS))
        abort();
    if (next && schedule_next(&s, next - 1) != next && !s.when.every_ms)
        abort();
    if (!next && !schedule_fault(&s, 0, ms))
        abort();
    schedule_fault(&s, HOUR_MS, ms);
    return 0;
}
