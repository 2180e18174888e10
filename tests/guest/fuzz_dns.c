/*
 * A datagram that says it is the answer to our question.
 */
#include "http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a = {.max_bytes = 1 << 20};
    struct str in = {(const char *)data, n};
    uint8_t ip[4];

    if (n >= 2)
        dns_answer(in, (uint16_t)(data[0] << 8 | data[1]), ip);
    struct str q = dns_query(&a, in, 7);
    if (q.n > 512 || (q.n && dns_answer(q, 7, ip) != DNS_BAD))
        abort(); /* a question is no answer */
    arena_done(&a);
    return 0;
}
