/* Linear probing, at most three quarters full; deletion moves followers back. */
#include "base/map.h"

#include <stdlib.h>

void
map_init(struct map *m, uint64_t seed)
{
    *m = (struct map){.seed = seed};
}

void
map_done(struct map *m)
{
    assert(m->n <= m->cap);
    free(m->v);
    *m = (struct map){.seed = m->seed};
}

static size_t
home(const struct map *m, struct str key)
{
    assert(m->cap > 0 && (m->cap & (m->cap - 1)) == 0);
    return str_hash(key, m->seed) & (m->cap - 1);
}

/* The entry of the key, or the free one where it would go. */
static struct map_entry *
slot(const struct map *m, struct str key)
{
    size_t i = home(m, key);

    assert(m->n < m->cap);
    while (m->v[i].value && !str_eq(m->v[i].key, key))
        i = (i + 1) & (m->cap - 1);
    return &m->v[i];
}

void *
map_get(const struct map *m, struct str key)
{
    assert(str_ok(key));
    assert(m->n <= m->cap);
    return m->n ? slot(m, key)->value : NULL;
}

static void
grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 16, .n = m->n, .seed = m->seed};

    assert(m->n <= m->cap);
    bigger.v = calloc(bigger.cap, sizeof(*bigger.v));
    if (!bigger.v)
        abort();
    MAP_EACH(m, entry)
        *slot(&bigger, entry->key) = *entry;
    free(m->v);
    *m = bigger;
}

void *
map_put(struct map *m, struct str key, void *value)
{
    assert(str_ok(key));
    assert(value);
    if ((m->n + 1) * 4 > m->cap * 3)
        grow(m);
    struct map_entry *entry = slot(m, key);
    void *old = entry->value;
    *entry = (struct map_entry){key, value};
    m->n += old == NULL;
    return old;
}

void *
map_remove(struct map *m, struct str key)
{
    struct map_entry *entry = m->n ? slot(m, key) : NULL;

    assert(str_ok(key));
    if (!entry || !entry->value)
        return NULL;
    void *value = entry->value;
    size_t hole = (size_t)(entry - m->v), mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->v[i].value; i = (i + 1) & mask) {
        /* An entry may fill the hole unless its home lies behind the hole. */
        if (((i - home(m, m->v[i].key)) & mask) < ((i - hole) & mask))
            continue;
        m->v[hole] = m->v[i];
        hole = i;
    }
    m->v[hole] = (struct map_entry){0};
    m->n--;
    return value;
}
