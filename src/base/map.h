/*
 * A hash map from text to a pointer.  The key's bytes belong to whoever owns the value and must
 * stay while it is in (usually the key lies in the value).  Open addressing with tombstone-free
 * deletion.  The order of a walk is not defined: nothing that users see may depend on it.
 */
#pragma once

#include "base/str.h"

struct map_entry {
    struct str key;
    void *value; /* NULL: free */
};

struct map {
    struct map_entry *v;
    size_t n, cap; /* cap is 0 or a power of two */
    uint64_t seed;
};

void map_init(struct map *m, uint64_t seed);
void map_done(struct map *m);
void *map_get(const struct map *m, struct str key);
/* Puts a value in that is not NULL; an old one of the same key is replaced and answered. */
void *map_put(struct map *m, struct str key, void *value);
/* Takes out and answers the value, or NULL. */
void *map_remove(struct map *m, struct str key);

/* MAP_EACH(&m, entry) { entry->value … }; the body must not change the map. */
#define MAP_EACH(m, it)                                                                            \
    for (struct map_entry *it = (m)->v; it && it < (m)->v + (m)->cap; it++)                        \
        if (it->value)
