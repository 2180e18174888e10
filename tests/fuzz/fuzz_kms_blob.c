/*
 * Ciphertext blobs as callers send them back.  Whatever can be read as one covers its input, and
 * does not open: no fuzzer has the key.
 */
#include <stdlib.h>

#include "kms/cipher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct str_list no_context = {NULL, 0};
    struct str input = str_of(data, n), plain;
    struct kms_blob blob;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    if (n <= 6144 && kms_blob_read(input, &blob)) {
        if (blob.head.p != input.p || blob.tag.p + blob.tag.n != input.p + input.n ||
            blob.head.n + blob.body.n + blob.tag.n != input.n)
            abort();
        if (kms_open(&arena, S("0123456789abcdef0123456789abcdef"), &blob, &no_context, &plain) !=
            1)
            abort();
    }
    if (arena_spent(&arena))
        abort();
    arena_done(&arena);
    return 0;
}
