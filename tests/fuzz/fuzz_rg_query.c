/*
 * Queries of Resource Groups.  The first byte chooses the type of the query, the rest is its text.
 * What must hold: a query that is refused is refused with a sentence; one that is read is within
 * the limits, has what its type has and nothing of the other, and reads the same a second time.
 */
#include <stdlib.h>

#include "resourcegroups/resourcegroups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_BYTES_MAX = 65536, ARENA_BYTES = 16 << 20 };

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
check_types(const struct rg_query *q)
{
    bool all = false;

    must(q->types.n > 0 && q->types.n <= RG_TYPES_MAX);
    LIST_EACH(&q->types, type) {
        const struct rg_type *known = rg_type_named(*type);

        must(known ? str_is(*type, known->name) : str_is(*type, "AWS::AllSupported"));
        all |= !known;
    }
    must(q->all == all);
}

static void
check_query(const struct rg_query *q, bool stack)
{
    check_types(q);
    must((q->stack.p != NULL) == stack && (!stack || !q->filters.n));
    must(!stack || str_starts(q->stack, S("arn:aws:cloudformation:")));
    must(q->filters.n <= RG_FILTERS_MAX);
    LIST_EACH(&q->filters, filter)
        must(filter->key.n > 0 && filter->values.n <= RG_VALUES_MAX);
}

static void
check_same(const struct rg_query *a, const struct rg_query *b)
{
    must(a->all == b->all && str_list_eq(&a->types, &b->types) && str_eq(a->stack, b->stack));
    must(a->filters.n == b->filters.n);
    for (size_t i = 0; i < a->filters.n; i++) {
        must(str_eq(a->filters.v[i].key, b->filters.v[i].key));
        must(str_list_eq(&a->filters.v[i].values, &b->filters.v[i].values));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > INPUT_BYTES_MAX)
        return 0;

    bool stack = data[0] == 's';
    struct str type = stack ? S("CLOUDFORMATION_STACK_1_0") : S("TAG_FILTERS_1_0");
    struct str text = str_of(data + 1, n - 1), why, why_again;
    struct rg_query query, again;
    struct arena a;

    arena_init(&a, ARENA_BYTES);
    bool read = rg_query_parse(&a, type, text, &query, &why);
    must(read == rg_query_parse(&a, type, text, &again, &why_again));
    must(read ? !why.p && !why_again.p : why.n > 0 && str_eq(why, why_again));
    if (read) {
        check_query(&query, stack);
        check_same(&query, &again);
    }
    must(!arena_spent(&a));
    arena_done(&a);
    return 0;
}
