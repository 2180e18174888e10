/* Bodies that clients compressed: what fits into a little fits into more, as the same bytes. */
#include <stdlib.h>

#include "codec/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LITTLE 1000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str little, large;
    struct arena a;

    arena_init(&a, (size_t)16 << 20);
    bool fits = gzip_inflate(&a, str_of(data, n), LITTLE, &little);
    bool is_one = gzip_inflate(&a, str_of(data, n), (size_t)1 << 20, &large);
    if (fits && (little.n > LITTLE || !is_one || !str_eq(little, large)))
        abort();
    if (is_one && !fits && large.n <= LITTLE)
        abort();
    arena_done(&a);
    return 0;
}
