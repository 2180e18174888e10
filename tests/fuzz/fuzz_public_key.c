/*
 * Public keys as UploadSSHPublicKey gets them.  What is read has two forms, and both are read to
 * the same key: nothing of the input but the key itself is kept.
 */
#include <stdlib.h>

#include "iam/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
same(struct arena *arena, struct str text, const struct public_key *key)
{
    struct public_key again;

    if (!public_key_read(arena, text, &again) || !str_eq(key->ssh, again.ssh) ||
        !str_eq(key->pem, again.pem) || !str_eq(key->fingerprint, again.fingerprint) ||
        key->bits != again.bits)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct public_key key;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    if (public_key_read(&arena, str_of(data, n), &key)) {
        if (str_find_char(key.ssh, '\n') != SIZE_MAX)
            abort();
        same(&arena, key.ssh, &key);
        same(&arena, key.pem, &key);
    }
    if (arena_spent(&arena))
        abort();
    arena_done(&arena);
    return 0;
}
