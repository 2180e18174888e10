/* Whatever is read as base32 is written as it was. */
#include <stdlib.h>

#include "codec/base32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_of(data, n), bytes;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    if (base32_decode(&arena, text, &bytes) && !str_eq(base32_encode(&arena, bytes), text))
        abort();
    if (!base32_decode(&arena, base32_encode(&arena, text), &bytes) || !str_eq(bytes, text))
        abort();
    arena_done(&arena);
    return 0;
}
