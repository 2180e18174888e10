/*
 * A binary heap of timers, smallest due time first.  Intrusive: the node lies in what waits.
 * Equal times come out in the order in which they were put in, so that a simulation run again
 * from its seed sees the same order.
 */
#pragma once

#include "base/base.h"

struct heap_node {
    int64_t due;
    uint64_t order;  /* set by heap_put() */
    size_t place;    /* index + 1, or 0 when it is in no heap */
};

struct heap {
    struct heap_node **v;
    size_t n, cap;
    uint64_t order;
};

void heap_done(struct heap *h);
/* Puts a node in; one that is in already is moved to its new time.  Aborts when out of memory. */
void heap_put(struct heap *h, struct heap_node *node, int64_t due);
/* Takes a node out; one that is not in is left alone. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The first node, or NULL.  It stays in. */
struct heap_node *heap_first(const struct heap *h);
