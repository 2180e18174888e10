/* Host names of services: whatever is read lies in the name or is a constant, and fits together. */
#include "codec/aws_endpoint.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *exact = malloc(n ? n : 1);
    struct aws_endpoint e;

    must(exact != NULL);
    memcpy(exact, data, n);
    if (aws_endpoint_parse(str_of(exact, n), &e)) {
        must(e.service.n > 0 && e.service.n <= 63 && e.prefix.n + e.service.n < n);
        must(aws_region_like(e.region));
        must(str_find_char(e.service, '.') == SIZE_MAX);
        must(str_find(str_of(exact, n), e.prefix) != SIZE_MAX);
    }
    free(exact);
    return 0;
}
