/* Whether a grant speaks of a request.  Pure. */
#include "kms/kms.h"

#include <stdlib.h>

static int
by_key(const void *a, const void *b)
{
    return str_cmp(((const struct kms_TextMapEntry *)a)->key,
                   ((const struct kms_TextMapEntry *)b)->key);
}

struct str_list
kms_pairs(struct arena *a, const struct kms_TextMap *map)
{
    struct str_list pairs = {NULL, 0};

    if (!map || !map->n)
        return pairs;
    struct kms_TextMapEntry *v = arena_dup(a, map->v, map->n * sizeof(*map->v));

    qsort(v, map->n, sizeof(*v), by_key);
    for (size_t i = 0; i < map->n; i++) {
        *LIST_PUSH(a, &pairs) = v[i].key;
        *LIST_PUSH(a, &pairs) = v[i].value;
    }
    assert(pairs.n == 2 * map->n);
    return pairs;
}

struct kms_TextMap
kms_pairs_show(struct arena *a, const struct str_list *pairs)
{
    struct kms_TextMap map = {API_EMPTY, 0};

    assert(pairs->n % 2 == 0);
    for (size_t i = 0; i < pairs->n; i += 2)
        *LIST_PUSH(a, &map) =
            (struct kms_TextMapEntry){.key = pairs->v[i], .value = pairs->v[i + 1]};
    return map;
}

/* Whether all of `part` is in `whole`; both sorted by key. */
static bool
has_all(const struct str_list *whole, const struct str_list *part)
{
    size_t i = 0;

    assert(whole->n % 2 == 0 && part->n % 2 == 0);
    for (size_t j = 0; j < part->n; j += 2) {
        while (i < whole->n && str_cmp(whole->v[i], part->v[j]) < 0)
            i += 2;
        if (i == whole->n || !str_eq(whole->v[i], part->v[j]) ||
            !str_eq(whole->v[i + 1], part->v[j + 1]))
            return false;
    }
    return true;
}

bool
kms_constraints_met(const struct kms_grant_row *grant, const struct str_list *context)
{
    assert(context->n % 2 == 0 && grant->subset.n % 2 == 0 && grant->equals.n % 2 == 0);
    if (grant->has_equals && (grant->equals.n != context->n || !has_all(context, &grant->equals)))
        return false;
    return has_all(context, &grant->subset);
}

bool
kms_principal_is(struct str name, const struct policy_principal *principal)
{
    if (!name.n)
        return false;
    if (principal->kind == POLICY_SERVICE)
        return str_eq(name, principal->service);
    assert(principal->arn.n > 0);
    return str_eq(name, principal->arn) || str_eq(name, principal->role_arn);
}
