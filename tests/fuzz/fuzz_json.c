/*
 * Whatever is accepted, written and read again is written the same, and every value counts
 * towards the limit that was given.
 */
#include <stdlib.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NODES_MAX 5000

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static size_t
count(const struct json *j)
{
    size_t n = 1;

    for (size_t i = 0; i < j->n; i++)
        n += count(&j->v[i]);
    return n;
}

static void
write_it(const struct json *j, struct buf *b)
{
    struct json_out o = {b, false};

    buf_init(b, (size_t)16 << 20);
    json_value(&o, j);
    must(!buf_failed(b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct json j, again;
    struct buf first, second;
    size_t at = 0;
    char *exact = malloc(n ? n : 1); /* so that reading one byte too far is seen */

    must(exact);
    memcpy(exact, data, n);
    arena_init(&a, (size_t)16 << 20);
    if (json_parse(&a, str_of(exact, n), NODES_MAX, &j, &at)) {
        must(count(&j) <= NODES_MAX);
        write_it(&j, &first);
        must(json_parse(&a, buf_str(&first), NODES_MAX, &again, &at));
        write_it(&again, &second);
        must(str_eq(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
    } else {
        must(at <= n);
    }
    must(!arena_spent(&a));
    arena_done(&a);
    free(exact);
    return 0;
}
