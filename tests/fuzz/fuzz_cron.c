/* Cron expressions.  The next moment is a full minute ahead, and nothing lies between. */
#include <stdlib.h>

#include "codec/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int64_t ms = INT64_C(1795788300000), next;
    struct cron cron;

    if (!cron_parse(str_of(data, n), &cron))
        return 0;
    next = cron_next(&cron, ms);
    if (next != -1 && (next <= ms || next % 60000))
        abort();
    if (next != -1 && cron_next(&cron, next - 1) != next)
        abort();
    return 0;
}
