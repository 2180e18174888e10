/* Tokens and key sets of strangers: whatever the bytes, a token that nobody signed is refused. */
#include <stdlib.h>

#include "codec/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A line is the token, all that follows it the key set. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str keys = str_of(data, n), token = str_split(&keys, '\n');
    struct arena a;
    struct jwt jwt;

    arena_init(&a, (size_t)64 << 20);
    jwt_keys_count(&a, keys);
    if (jwt_parse(&a, token, &jwt) == JWT_OK) {
        if (jwt_verify(&a, &jwt, S("{\"keys\":[]}")) != JWT_NO_KEY)
            abort();
        jwt_verify(&a, &jwt, keys);
    }
    arena_done(&a);
    return 0;
}
