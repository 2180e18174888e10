/*
 * What the metadata say of pushed keys, and the user's name: nothing but keys comes out.
 */
#include "connect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 8 << 20};
    struct str in = {(const char *)data, n};
    struct str keys = connect_keys(&a, in), line;

    while (str_line(&keys, &line))
        if (!str_starts(line, S("ssh-rsa ")) && !str_starts(line, S("ssh-ed25519 ")))
            abort();
    if (connect_user_ok(in) && str_find(in, S("/"), 0) != SIZE_MAX)
        abort();
    arena_done(&a);
    return 0;
}
