/*
 * Public keys as ImportKeyPair gets them.  What is read is one line that is read again to the same
 * key: nothing of the input but the key itself goes into authorized_keys.
 */
#include <stdlib.h>

#include "ec2/key_material.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct key_material key, again;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    if (key_material_read(&arena, str_of(data, n), S("name"), &key)) {
        if (str_find_char(key.public_line, '\n') != SIZE_MAX)
            abort();
        if (!key_material_read(&arena, key.public_line, S("name"), &again) ||
            !str_eq(key.public_line, again.public_line) ||
            !str_eq(key.fingerprint, again.fingerprint) || !str_eq(key.type, again.type))
            abort();
    }
    if (arena_spent(&arena))
        abort();
    arena_done(&arena);
    return 0;
}
