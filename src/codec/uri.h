/*
 * Percent coding (RFC 3986), query strings and paths.  Nothing here allocates by itself: the
 * plain functions write into room that the caller has, the others into an arena.
 */
#pragma once

#include "base/str.h"

enum uri_flags {
    URI_KEEP_SLASH = 1 << 0, /* encode: '/' stays */
    URI_PLUS_BLANK = 1 << 1, /* decode: '+' is a blank, as in forms */
    URI_LENIENT = 1 << 2,    /* decode: a '%' without two digits stands for itself */
};

/* Letters, digits and - . _ ~ stay, all else becomes %XX in capitals: what SigV4 wants.
 * Writes at most 3 * s.n bytes at out; answers how many. */
size_t uri_encode_to(char *out, struct str s, unsigned flags);
struct str uri_encode(struct arena *a, struct str s, unsigned flags);

/* Writes at most s.n bytes at out, which may be where s is; SIZE_MAX when s is malformed. */
size_t uri_decode_to(char *out, struct str s, unsigned flags);
/* The byte that s[i] == '%' and two digits after it stand for, or -1. */
int uri_decode_one(struct str s, size_t i);
/* When nothing is coded *ret is s itself. */
bool uri_decode(struct arena *a, struct str s, unsigned flags, struct str *ret);

/*
 * Cuts the first `name=value` off a query string or form: `while (uri_query_next(&q, &n, &v))`.
 * Name and value are still coded; value.p is NULL when there is no '='.  Empty pieces ("&&")
 * are skipped.
 */
bool uri_query_next(struct str *rest, struct str *ret_name, struct str *ret_value);

/* One parameter of a query string, decoded; p is NULL when absent or malformed. */
struct str uri_query_get(struct arena *a, struct str query, struct str name);

/*
 * A path without empty, "." and ".." segments: "/a/../b//./c/" is "/b/c/".  ".." at the top is
 * dropped; the result begins with '/'.  Works on the text as it is: a coded %2e is no dot.
 * Writes at most MAX(path.n + 1, 1) bytes; out may be where path is if that begins with '/'.
 */
size_t uri_normalize_to(char *out, struct str path);
struct str uri_normalize(struct arena *a, struct str path);
