/*
 * Bytes from a web server: whole, cut anywhere, and closed early.
 */
#include "http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 64 << 20};
    struct str in = {(const char *)data, n};
    struct http_response res;
    struct url u;

    for (int closed = 0; closed < 2; closed++)
        if (http_parse(&a, in, closed, &res) == HTTP_DONE &&
            (res.used_bytes > n || res.body.n > n))
            abort();
    if (n > 4 && http_parse(&a, str_cut(in, 0, n / 2), false, &res) == HTTP_DONE &&
        res.used_bytes > n / 2)
        abort();
    if (url_parse(in, &u) && u.port == 0)
        abort();
    arena_done(&a);
    return 0;
}
