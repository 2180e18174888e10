/*
 * A growing run of bytes with a maximum.  Writers never check: past the maximum (or out of
 * memory) the buffer stops growing and buf_failed() turns true; whoever sends it looks once.
 */
#pragma once

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);
/* Forgets the bytes, keeps the memory. */
void buf_reset(struct buf *b);

static inline bool
buf_failed(const struct buf *b)
{
    return b->failed;
}

static inline struct str
buf_str(const struct buf *b)
{
    assert(b->n <= b->cap);
    return str_of(b->p, b->n);
}

/* Forgets the bytes and overwrites them: they held a secret. */
void buf_wipe(struct buf *b);

/* Makes room for n more bytes; false (and failed) when that passes the maximum. */
bool buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_i64(struct buf *b, int64_t v);
/* A double so that it reads back the same: "1", "0.25", "1e+30", "NaN", "-Infinity". */
void buf_add_f64(struct buf *b, double v);

static inline void
buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

static inline void
buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

#define buf_add_lit(b, lit) buf_add((b), "" lit, sizeof(lit) - 1)
