/* Host names: what is read as an address is the name of that address and of no other. */
#include <stdlib.h>

#include "codec/aws_names.h"
#include "codec/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

/* The labels that say the address are written in one way only. */
static void
check_label(struct str name, struct str made)
{
    struct str rest = name, made_rest = made;

    must(str_eq_nocase(str_split(&rest, '.'), str_split(&made_rest, '.')));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    char *exact = malloc(n ? n : 1);
    struct str name = str_of(exact, n);
    uint32_t ip, other;

    must(exact != NULL);
    memcpy(exact, data, n);
    arena_init(&a, 1 << 16);
    if (aws_private_name_parse(name, &ip)) {
        check_label(name, aws_private_name(&a, S("eu-west-1"), ip));
        must(!aws_public_name_parse(name, &other));
    }
    if (aws_public_name_parse(name, &ip))
        check_label(name, aws_public_name(&a, S("eu-west-1"), ip));
    dns_reverse_parse(name, &ip);
    arena_done(&a);
    free(exact);
    return 0;
}
