/*
 * Account files of any bytes, edited.
 */
#include "accounts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 64 << 20};
    struct str in = {(const char *)data, n}, file = in, name = S("");

    str_field(&file, '\0', &name);
    struct str line = account_line(file, name);
    for (unsigned i = 0; i < 9; i++)
        account_field(line, i);
    struct str set = account_set(&a, file, name, 2, S("X"));
    if (line.n && !str_eq(account_field(account_line(set, name), 2), S("X")))
        abort();
    account_join(&a, file, name, S("user"));
    if (name.n)
        account_append(&a, file, name);
    account_name_ok(name);
    arena_done(&a);
    return 0;
}
