/*
 * Addresses and blocks: whatever is accepted prints in a form that parses to the same value, and
 * that form is its own canonical form.
 */
#include <stdlib.h>

#include "codec/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
one_v4(struct arena *a, struct str s)
{
    struct ip4_block block, again;
    uint32_t ip, ip_again;

    if (ip4_parse(s, &ip))
        must(str_eq(ip4_text(a, ip), s)); /* there is only one way to write it */
    if (!ip4_block_parse(s, &block))
        return;
    must(str_eq(ip4_block_text(a, block), s));
    block = ip4_block_canonical(block);
    must(ip4_block_parse(ip4_block_text(a, block), &again) && again.ip == block.ip);
    must(ip4_block_canonical(again).ip == again.ip && ip4_block_covers(block, again));
    must(ip4_parse(ip4_text(a, ip4_block_nth(block, ip4_block_size(block) - 1)), &ip_again));
    must(ip4_block_has(block, ip_again));
}

static void
one_v6(struct arena *a, struct str s)
{
    struct ip6_block block, again;
    struct ip6 ip, ip_again;

    if (ip6_parse(s, &ip)) {
        struct str text = ip6_text(a, &ip);

        must(text.n <= IP6_TEXT_MAX && ip6_parse(text, &ip_again));
        must(memcmp(&ip, &ip_again, sizeof(ip)) == 0);
        must(str_eq(ip6_text(a, &ip_again), text));
    }
    if (!ip6_block_parse(s, &block))
        return;
    block = ip6_block_canonical(block);
    must(ip6_block_parse(ip6_block_text(a, &block), &again) && again.bits == block.bits);
    must(memcmp(&again.ip, &block.ip, sizeof(again.ip)) == 0);
    again = ip6_block_canonical(again);
    must(memcmp(&again.ip, &block.ip, sizeof(again.ip)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    char *exact = malloc(n ? n : 1); /* so that reading one byte too far is seen */

    must(exact);
    memcpy(exact, data, n);
    arena_init(&a, 1 << 16);
    one_v4(&a, str_of(exact, n));
    one_v6(&a, str_of(exact, n));
    arena_done(&a);
    free(exact);
    return 0;
}
