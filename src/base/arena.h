/*
 * Memory by lifetime: an arena belongs to one call or one turn of the loop, gives memory
 * until it is reset, and never frees a single piece.
 *
 * Every arena is born with a maximum.  Past it the arena goes on giving memory up to twice
 * the maximum, so that no caller needs to check, but arena_spent() turns true: dispatch then
 * rolls the call back and answers InternalError.  Past twice the maximum the process aborts:
 * inputs are bounded long before, so this is our bug and never a client's doing.
 */
#pragma once

#include "base/base.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first */
    size_t used_bytes;         /* of the newest chunk */
    size_t total_bytes;        /* handed out since the last reset */
    size_t max_bytes;
};

/* Makes an empty arena that is meant to hold at most max_bytes.  Allocates nothing yet. */
void arena_init(struct arena *a, size_t max_bytes);

/* Frees all memory.  The arena may be used again. */
void arena_done(struct arena *a);

/* Forgets all that was handed out and keeps one chunk, so that a reused arena is free of malloc. */
void arena_reset(struct arena *a);

/* Answers n zeroed bytes, aligned for any type.  Never NULL; n may be 0. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull, malloc));

/* Like arena_alloc(), but the bytes are not zeroed. */
void *arena_alloc_raw(struct arena *a, size_t n) __attribute__((returns_nonnull, malloc));

/* Like arena_reset(), but overwrites what was handed out: it held a secret. */
void arena_wipe(struct arena *a);

/* Copies n bytes. */
void *arena_dup(struct arena *a, const void *p, size_t n);

/*
 * Grows a piece from old_n to n bytes; in place when it is the newest piece and room is left,
 * else by copying.  New bytes are not zeroed.
 */
void *arena_grow(struct arena *a, void *p, size_t old_n, size_t n);

/* Whether p lies in memory of the arena, handed out or not. */
bool arena_holds(const struct arena *a, const void *p);

/* Whether more than max_bytes were handed out. */
bool arena_spent(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))
