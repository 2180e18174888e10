/*
 * What every folder may use: the compiler's attributes, small macros and fixed
 * bounds.  Nothing here allocates, reads a clock or touches the kernel.
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define UNUSED __attribute__((unused))
#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

/* Rounds down, also below zero. */
static inline int64_t
floor_div(int64_t a, int64_t b)
{
    assert(b > 0);
    return a / b - (a % b < 0);
}

/* Takes a pointer out of a variable that a CLEANUP attribute would free. */
static inline void *
steal_pointer(void *pp)
{
    void *p = *(void **)pp;

    *(void **)pp = NULL;
    return p;
}
