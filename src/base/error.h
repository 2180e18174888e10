/*
 * Two kinds of failure, never mixed.  A negative int is ours: -errno, forwarded untouched by
 * `if (r < 0) return r;`, logged once where it began.  A positive one is the caller's: a fault
 * of the API that is answered and not logged.
 */
#pragma once

#include "base/base.h"

/* Logs where and why something of ours failed; answers -err.  `err` is a positive errno. */
int error_origin_(int err, const char *file, int line, const char *fmt, ...) PRINTF_LIKE(4, 5);
#define error_origin(err, ...) error_origin_((err), __FILE__, __LINE__, __VA_ARGS__)
