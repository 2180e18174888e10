/*
 * A guest's datagram to the resolver: what is taken for a query is answered within the room that
 * there is, and an answer holds the question that was asked.
 */
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

static void
check_answer(struct str in, const struct dns_query *q, const uint8_t *out, size_t n, size_t max)
{
    struct dns_query again;

    if (n == 0)
        return;
    must(n <= max && n >= 12 + q->question_bytes);
    must(memcmp(out, in.p, 2) == 0 && (out[2] & 0x80));
    must(memcmp(out + 12, in.p + 12, q->question_bytes) == 0);
    /* an answer is no query, so that two resolvers never talk to each other for ever */
    must(!dns_parse_query(str_of(out, n), &again));
}

static void
check_query(struct arena *a, struct str in, const struct dns_query *q, size_t max)
{
    uint8_t *out = malloc(max ? max : 1);
    struct str name = str_of(q->name, q->name_n);
    uint32_t ip = 0;

    must(out != NULL && q->name_n <= DNS_NAME_MAX && q->name[q->name_n] == 0);
    check_answer(in, q, out, dns_answer_a(in, q, 1, 2, out, max), max);
    check_answer(in, q, out, dns_answer_ptr(in, q, name, 2, out, max), max);
    check_answer(in, q, out, dns_answer_none(in, q, DNS_SERVFAIL, out, max), max);
    if (aws_private_name_parse(name, &ip))
        must(str_starts(aws_private_name(a, S("x-y-1"), ip), str_cut(name, 0, 10)));
    dns_reverse_parse(name, &ip);
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct dns_query q;
    char *exact = malloc(n ? n : 1);

    must(exact != NULL);
    memcpy(exact, data, n);
    arena_init(&a, 1 << 16);
    if (dns_parse_query(str_of(exact, n), &q)) {
        check_query(&a, str_of(exact, n), &q, DNS_UDP_MAX);
        check_query(&a, str_of(exact, n), &q, q.id % 600);
    }
    arena_done(&a);
    free(exact);
    return 0;
}
