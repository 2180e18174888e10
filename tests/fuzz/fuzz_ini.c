/*
 * Files of sections: what was set is what is read afterwards, setting it again changes nothing,
 * and other sections keep their values.
 */
#include "codec/ini.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct ini_pair pairs[] = {{S_INIT("region"), S_INIT("eu-west-1")},
                                            {S_INIT("b"), {NULL, 0}},
                                            {S_INIT("k"), S_INIT("")}};
    struct arena a;

    if (n < 1 || n > 1 << 16)
        return 0;
    char *exact = malloc(n);
    must(exact != NULL);
    memcpy(exact, data + 1, n - 1);
    struct str text = str_of(exact, n - 1);
    arena_init(&a, (size_t)4 << 20);
    struct str other = ini_get(text, S("x"), S("region"));
    struct str once = ini_set(&a, text, S("profile a"), pairs, ARRAY_LEN(pairs), data[0] & 1);
    must(ini_has_section(once, S("profile a")));
    must(str_is(ini_get(once, S("profile a"), S("Region")), "eu-west-1"));
    must(str_is(ini_get(once, S("profile a"), S("k")), ""));
    struct str now = ini_get(once, S("x"), S("region"));
    must(str_eq(now, other) && !now.p == !other.p);
    must(str_eq(ini_set(&a, once, S("profile a"), pairs, ARRAY_LEN(pairs), data[0] & 1), once));
    arena_done(&a);
    free(exact);
    return 0;
}
