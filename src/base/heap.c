/* Ten thousand timers are ordinary: a launched instance has one for each of its transitions. */
#include "base/heap.h"

#include <stdlib.h>

void
heap_done(struct heap *h)
{
    assert(h->n <= h->cap);
    for (size_t i = 0; i < h->n; i++)
        h->v[i]->place = 0;
    free(h->v);
    *h = (struct heap){0};
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void
set(struct heap *h, size_t i, struct heap_node *node)
{
    assert(i < h->n && node);
    h->v[i] = node;
    node->place = i + 1;
}

static void
sift(struct heap *h, size_t i)
{
    struct heap_node *node = h->v[i];

    assert(i < h->n);
    for (; i > 0 && before(node, h->v[(i - 1) / 2]); i = (i - 1) / 2)
        set(h, i, h->v[(i - 1) / 2]);
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->n)
            break;
        if (child + 1 < h->n && before(h->v[child + 1], h->v[child]))
            child++;
        if (!before(h->v[child], node))
            break;
        set(h, i, h->v[child]);
        i = child;
    }
    set(h, i, node);
}

void
heap_put(struct heap *h, struct heap_node *node, int64_t due)
{
    assert(node && h->n <= h->cap);
    heap_remove(h, node);
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->v = realloc(h->v, h->cap * sizeof(struct heap_node *));
        if (!h->v)
            abort();
    }
    node->due = due;
    node->order = h->order++;
    set(h, h->n++, node);
    sift(h, h->n - 1);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
    if (!node->place)
        return;
    size_t i = node->place - 1;
    assert(i < h->n && h->v[i] == node);
    struct heap_node *last = h->v[--h->n];
    node->place = 0;
    if (last == node)
        return;
    set(h, i, last);
    sift(h, i);
}

struct heap_node *
heap_first(const struct heap *h)
{
    assert(h->n <= h->cap);
    assert(h->n == 0 || h->v[0]->place == 1);
    return h->n ? h->v[0] : NULL;
}
