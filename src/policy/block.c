/*
 * The memory of one document: one block, so that a policy is one allocation, its size is known to
 * caches, and what is read together lies together.
 */
#include "policy/internal.h"

void *
block_alloc(struct block *b, size_t n, size_t align)
{
    size_t at = (b->used + align - 1) & ~(align - 1);

    assert(align && (align & (align - 1)) == 0);
    b->used = at + n;
    if (b->scratch)
        return arena_alloc(b->scratch, n);
    assert(b->used <= b->size); /* both passes ask for the same */
    return memset(b->p + at, 0, n);
}

struct str
block_text(struct block *b, struct str s)
{
    char *p = block_alloc(b, s.n, 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    return str_of(p, s.n);
}

struct str
block_lower(struct block *b, struct str s)
{
    char *p = block_alloc(b, s.n, 1);

    for (size_t i = 0; i < s.n; i++)
        p[i] = lower(s.p[i]);
    return str_of(p, s.n);
}
