/* Ranges: what is possible lies within the object. */
#include "s3/s3.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct s3_range range;
    uint64_t size;

    if (n < sizeof(size) || n > 1000)
        return 0;
    memcpy(&size, data, sizeof(size));
    if (data[0] & 1)
        size &= 0xffff;
    if (!s3_range_parse(str_of(data + sizeof(size), n - sizeof(size)), size, &range))
        return 0;
    if (range.possible &&
        (range.bytes == 0 || range.from >= size || range.bytes > size - range.from))
        abort();
    return 0;
}
