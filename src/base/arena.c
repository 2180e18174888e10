/*
 * Chunks double from 4 KiB to 1 MiB; a piece larger than that has a chunk of its own.  The
 * common call fits into the first chunk, which arena_reset() keeps.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_MIN_BYTES ((size_t)4096)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)
#define ALIGNMENT ((size_t)16)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size_bytes;
    _Alignas(16) char data[];
};

void
arena_init(struct arena *a, size_t max_bytes)
{
    assert(max_bytes > 0);
    *a = (struct arena){.max_bytes = max_bytes};
}

static void
free_from(struct arena_chunk *c)
{
    assert(!c || c->size_bytes > 0);
    while (c) {
        struct arena_chunk *next = c->next;

        free(c);
        c = next;
    }
}

void
arena_done(struct arena *a)
{
    free_from(a->chunk);
    a->chunk = NULL;
    a->used_bytes = 0;
    a->total_bytes = 0;
}

void
arena_reset(struct arena *a)
{
    assert(!a->chunk || a->used_bytes <= a->chunk->size_bytes);
    if (a->chunk) {
        free_from(a->chunk->next);
        a->chunk->next = NULL;
        if (a->chunk->size_bytes > CHUNK_MAX_BYTES) {
            free(a->chunk);
            a->chunk = NULL;
        }
    }
    a->used_bytes = 0;
    a->total_bytes = 0;
}

void
arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunk; c; c = c->next)
        explicit_bzero(c->data, c == a->chunk ? a->used_bytes : c->size_bytes);
    arena_reset(a);
}

bool
arena_holds(const struct arena *a, const void *p)
{
    assert(p);
    for (const struct arena_chunk *c = a->chunk; c; c = c->next)
        if ((uintptr_t)p - (uintptr_t)c->data < c->size_bytes)
            return true;
    return false;
}

bool
arena_spent(const struct arena *a)
{
    assert(a->max_bytes > 0);
    return a->total_bytes > a->max_bytes;
}

NORETURN static void
die(const char *why)
{
    fprintf(stderr, "welkin: %s\n", why);
    abort();
}

static void
add_chunk(struct arena *a, size_t n)
{
    size_t size = a->chunk ? MIN(a->chunk->size_bytes * 2, CHUNK_MAX_BYTES) : CHUNK_MIN_BYTES;

    assert(n > 0 && n % ALIGNMENT == 0);
    size = MAX(size, n);
    struct arena_chunk *c = malloc(sizeof(*c) + size);
    if (!c)
        die("out of memory");
    c->next = a->chunk;
    c->size_bytes = size;
    a->chunk = c;
    a->used_bytes = 0;
}

void *
arena_alloc_raw(struct arena *a, size_t n)
{
    assert(a->max_bytes > 0);
    if (n > SIZE_MAX / 4)
        die("arena: a request overflows");
    n = (MAX(n, 1) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    assert(n % ALIGNMENT == 0);
    a->total_bytes += n;
    if (a->total_bytes > a->max_bytes * 2)
        die("arena: twice its maximum was asked for");
    if (!a->chunk || a->chunk->size_bytes - a->used_bytes < n)
        add_chunk(a, n);

    void *p = a->chunk->data + a->used_bytes;

    a->used_bytes += n;
    assert(a->used_bytes <= a->chunk->size_bytes);
    return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
    return memset(arena_alloc_raw(a, n), 0, n);
}

void *
arena_dup(struct arena *a, const void *p, size_t n)
{
    void *copy = arena_alloc_raw(a, n);

    assert(p || n == 0);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

void *
arena_grow(struct arena *a, void *p, size_t old_n, size_t n)
{
    size_t old_size = (MAX(old_n, 1) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

    assert(p || old_n == 0);
    assert(n >= old_n);
    if (p && a->chunk && (char *)p + old_size == a->chunk->data + a->used_bytes) {
        size_t extra = ((n + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) - old_size;

        if (n <= old_size)
            return p;
        if (a->chunk->size_bytes - a->used_bytes >= extra &&
            a->total_bytes + extra <= a->max_bytes * 2) {
            a->used_bytes += extra;
            a->total_bytes += extra;
            return p;
        }
    }
    void *grown = arena_alloc_raw(a, n);
    if (old_n)
        memcpy(grown, p, old_n);
    return grown;
}
