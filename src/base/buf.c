/*
 * No maximum, no buffer: the limit is given at birth and enforced before memory is asked for.
 */
#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *b, size_t max_bytes)
{
    assert(max_bytes > 0);
    *b = (struct buf){.max = max_bytes};
}

void
buf_done(struct buf *b)
{
    assert(b->n <= b->cap);
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void
buf_reset(struct buf *b)
{
    assert(b->n <= b->cap);
    b->n = 0;
    b->failed = false;
}

void
buf_wipe(struct buf *b)
{
    assert(b->p || b->n == 0);
    if (b->n)
        explicit_bzero(b->p, b->n);
    buf_reset(b);
}

bool
buf_reserve(struct buf *b, size_t n)
{
    assert(b->n <= b->cap && b->cap <= b->max);
    assert(b->max > 0);
    if (b->cap - b->n >= n)
        return true;
    if (b->failed || n > b->max || b->n > b->max - n) {
        b->failed = true;
        return false;
    }
    size_t cap = MAX(b->cap * 2, (size_t)256);
    cap = MIN(MAX(cap, b->n + n), b->max);
    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
    assert(p || n == 0);
    if (n == 0 || !buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
    assert(b->n <= b->cap);
}

void
buf_add_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    assert(n >= 0);
    if (buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void
buf_add_i64(struct buf *b, int64_t v)
{
    char room[STR_I64_MAX];

    buf_add_str(b, str_i64(v, room));
}

void
buf_add_f64(struct buf *b, double v)
{
    char text[40];

    if (isnan(v)) {
        buf_add_lit(b, "NaN");
        return;
    }
    if (isinf(v)) {
        buf_add_str(b, v < 0 ? S("-Infinity") : S("Infinity"));
        return;
    }
    if (fabs(v) < 1e15 && v == (double)(int64_t)v) {
        buf_add_i64(b, (int64_t)v);
        return;
    }
    /* The shortest of the precisions that reads back. */
    for (int digits = 15; digits <= 17; digits++) {
        int n = snprintf(text, sizeof(text), "%.*g", digits, v);

        assert(n > 0 && n < (int)sizeof(text));
        if (digits == 17 || strtod(text, NULL) == v) {
            buf_add(b, text, (size_t)n);
            return;
        }
    }
}
