/*
 * Rows by key: open addressing with linear probing, at most three quarters full.  Removal moves
 * followers back instead of leaving tombstones, so a table never decays.
 *
 * The seed is drawn at start: whoever chooses names cannot choose collisions.  Nothing walks this
 * table, so no order depends on the seed and a simulation repeats.
 */
#include <stdlib.h>

#include "store/internal.h"

void
hash_done(struct hash *h)
{
    free(h->slots);
    *h = (struct hash){0};
}

/* The slot of the key, or the free one where it belongs. */
static size_t
find(const struct hash *h, const struct store_table *t, struct str key, uint64_t hash)
{
    size_t i = hash & (h->cap - 1);

    assert(h->n < h->cap);
    while (h->slots[i].v &&
           (h->slots[i].hash != hash || !str_eq(row_key(t, h->slots[i].v->row), key)))
        i = (i + 1) & (h->cap - 1);
    return i;
}

struct version *
hash_get(const struct hash *h, const struct store_table *t, struct str key, uint64_t seed)
{
    assert(h->n <= h->cap);
    assert(str_ok(key));
    return h->n ? h->slots[find(h, t, key, str_hash(key, seed))].v : NULL;
}

struct version *
hash_probable(const struct hash *h, struct str key, uint64_t seed)
{
    uint64_t hash = str_hash(key, seed);

    if (h->n == 0)
        return NULL;
    for (size_t i = hash & (h->cap - 1); h->slots[i].v; i = (i + 1) & (h->cap - 1))
        if (h->slots[i].hash == hash)
            return h->slots[i].v;
    return NULL;
}

static void
grow(struct hash *h)
{
    struct hash old = *h;

    assert(h->n <= h->cap);
    h->cap = MAX(old.cap * 2, 16);
    h->slots = store_alloc(h->cap * sizeof(*h->slots));
    memset(h->slots, 0, h->cap * sizeof(*h->slots));
    for (size_t i = 0; i < old.cap; i++) {
        size_t j = old.slots[i].hash & (h->cap - 1);

        if (!old.slots[i].v)
            continue;
        while (h->slots[j].v)
            j = (j + 1) & (h->cap - 1);
        h->slots[j] = old.slots[i];
    }
    free(old.slots);
}

void
hash_put(struct hash *h, const struct store_table *t, struct version *v, uint64_t seed)
{
    struct str key = row_key(t, v->row);
    uint64_t hash = str_hash(key, seed);
    size_t i;

    assert(key.n > 0);
    if ((h->n + 1) * 4 > h->cap * 3)
        grow(h);
    i = find(h, t, key, hash);
    h->n += !h->slots[i].v;
    h->slots[i] = (struct hash_slot){hash, v};
}

void
hash_remove(struct hash *h, const struct store_table *t, struct str key, uint64_t seed)
{
    size_t mask = h->cap - 1, hole, i;

    assert((h->cap & mask) == 0);
    assert(h->n > 0);
    hole = find(h, t, key, str_hash(key, seed));
    assert(h->slots[hole].v);
    for (i = (hole + 1) & mask; h->slots[i].v; i = (i + 1) & mask) {
        size_t home = h->slots[i].hash & mask;

        /* A follower may fill the hole unless its home lies behind the hole. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            h->slots[hole] = h->slots[i];
            hole = i;
        }
    }
    h->slots[hole].v = NULL;
    h->n--;
}
