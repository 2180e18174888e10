/*
 * Lists {v, n}: v is NULL when the list is absent, n is 0 when it is empty.  LIST_PUSH keeps no
 * capacity: it doubles whenever n is a power of two, in the arena that the list lives in.
 */
#pragma once

#include "base/arena.h"

/* Walks a list: LIST_EACH(&req->filters, f) use(f->name); */
#define LIST_EACH(list, it)                                                                        \
    for (__typeof__(*(list)->v) *it = (list)->v; it && it < (list)->v + (list)->n; it++)

/* Answers the address of a new zeroed last element. */
#define LIST_PUSH(arena, list)                                                                     \
    ((__typeof__((list)->v))list_push((arena), (void **)&(list)->v, &(list)->n,                    \
                                      sizeof(*(list)->v)))

static inline void *
list_push(struct arena *a, void **v, size_t *n, size_t size)
{
    assert(size > 0 && (*v || *n == 0));
    if (*n == 0)
        *v = arena_alloc_raw(a, size);
    else if ((*n & (*n - 1)) == 0)
        *v = arena_grow(a, *v, *n * size, *n * 2 * size);
    return memset((char *)*v + (*n)++ * size, 0, size);
}
