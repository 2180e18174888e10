/*
 * Text is a slice {p, n} by value.  A slice owns nothing: it lives as long as what it points
 * into (the request, an arena, a row, a literal).  p == NULL means "absent" where a caller
 * distinguishes that from empty; every function here takes an absent slice as an empty one.
 * Slices are not NUL-terminated; str_cstr() makes a copy that is.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"

struct str {
    const char *p;
    size_t n;
};

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""
/* A literal as a slice; S() in expressions, S_INIT() in static tables. */
#define S(lit) ((struct str){(lit), sizeof(lit) - 1})
#define S_INIT(lit) {(lit), sizeof(lit) - 1}
#define STR_NONE ((struct str){NULL, 0})

/* Whether there is something to read where the slice says so; what takes a slice asserts it. */
static inline bool
str_ok(struct str s)
{
    return s.p || s.n == 0;
}

static inline struct str
str_from(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : STR_NONE;
}

static inline struct str
str_of(const void *p, size_t n)
{
    assert(p || n == 0);
    return (struct str){p, n};
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_is(struct str a, const char *cstr)
{
    return str_eq(a, str_from(cstr));
}

/* The bytes from i up to but without j; both are clamped to the slice. */
static inline struct str
str_cut(struct str s, size_t i, size_t j)
{
    assert(str_ok(s));
    i = MIN(i, s.n);
    j = MIN(MAX(i, j), s.n);
    return (struct str){s.p ? s.p + i : NULL, j - i};
}

/* Memory order, shorter first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* ASCII case does not count. */
bool str_eq_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first c or of the first needle, or SIZE_MAX. */
size_t str_find_char(struct str s, char c);
size_t str_find(struct str s, struct str needle);

/*
 * Cuts s at the first c: answers what is before it and leaves in *s what is after it.
 * Without a c the whole is answered and *s becomes absent (p == NULL), so that
 * `while (s.p)` walks all fields, empty ones included.
 */
struct str str_split(struct str *s, char c);

/* Without ASCII blanks (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* Matches a pattern of `*` (any run) and `?` (any one byte); `\*`, `\?`, `\\` are literal. */
bool str_glob(struct str pattern, struct str s);

/* Whole-slice numbers in base 10 with an optional '-'; false when malformed or out of range. */
bool str_to_i64(struct str s, int64_t *ret);
bool str_to_u64(struct str s, uint64_t *ret);

/* Eight bytes at a time, with a finaliser; for hash tables over data that clients do not choose
 * freely use it with a per-process seed. */
uint64_t str_hash(struct str s, uint64_t seed);

/* Copies into the arena. */
struct str str_dup(struct arena *a, struct str s);
/* NUL-terminated copy in the arena. */
char *str_cstr(struct arena *a, struct str s);
/* printf into the arena; the result is also NUL-terminated. */
struct str str_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str str_vfmt(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
struct str str_lower(struct arena *a, struct str s);
/* a then b. */
struct str str_cat(struct arena *a, struct str x, struct str y);

#define STR_I64_MAX 20
/* Decimal digits in the caller's room; the result lies somewhere in it. */
struct str str_i64(int64_t v, char room[STR_I64_MAX]);

/* Lower-case hexadecimal of n bytes. */
struct str str_hex(struct arena *a, const void *p, size_t n);
/* Bytes of a hexadecimal text; false when odd or not hexadecimal. */
bool str_unhex(struct arena *a, struct str hex, struct str *ret);

/* RFC 4648 base64 with padding.  Decoding ignores CR, LF and blanks, and refuses all else that
 * is not the alphabet, wrong padding or a length that is not a multiple of four. */
struct str str_base64(struct arena *a, struct str bytes);
bool str_unbase64(struct arena *a, struct str text, struct str *ret);

/* Whether the bytes are well-formed UTF-8. */
bool str_is_utf8(struct str s);
/* Writes one character, at most 4 bytes; answers how many. */
size_t str_put_utf8(char *out, uint32_t c);
/* How many characters there are in well-formed UTF-8. */
size_t str_chars(struct str s);

/* Bytes compared in time that depends on the length only.  Lengths are not secret. */
bool str_eq_consttime(struct str a, struct str b);

/* A list of slices; the generated structs of the API use it for lists of text. */
struct str_list {
    struct str *v;
    size_t n;
};

/* Whether they hold the same texts in the same order. */
bool str_list_eq(const struct str_list *a, const struct str_list *b);
bool str_in(const struct str_list *list, struct str s);
/* All with the separator between; empty (and not absent) when there are none. */
struct str str_join(struct arena *a, const struct str_list *list, struct str separator);
