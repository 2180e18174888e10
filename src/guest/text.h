/*
 * Slices, an arena, and growing buffers: all the text handling that the guest
 * needs and nothing more.
 *
 * The guest is a program of its own, so it shares no code with the daemon.  The
 * boot worker is a short-lived process: memory comes from one arena with a hard
 * limit and is given back by exiting.  Reaching the limit calls `arena_full`,
 * which does not return; hostile user data meets that limit, not the OOM killer.
 */
#ifndef GUEST_TEXT_H
#define GUEST_TEXT_H

#include <stdarg.h>
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define S(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_ARG(s) (int)(s).n, (s).p
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

struct arena_chunk;

struct arena {
    struct arena_chunk *head;
    size_t used_bytes, max_bytes;
};

/* Not _Noreturn: only the attribute is part of a function's type, for pointers to it. */
#define NORETURN __attribute__((noreturn))

/* Called when an arena is at its limit; must not return. */
extern void (*arena_full)(void) NORETURN;

void *arena_alloc(struct arena *a, size_t n);
void arena_done(struct arena *a);
struct str arena_dup(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s);
struct str arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Text of a NUL-terminated string; NULL is the empty text. */
struct str str_c(const char *c);
bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
/* Offset of the first `what` at or after `from`, or SIZE_MAX. */
size_t str_find(struct str s, struct str what, size_t from);
size_t str_ifind(struct str s, struct str what, size_t from);
struct str str_cut(struct str s, size_t from, size_t to);
struct str str_trim(struct str s);
struct str str_ltrim(struct str s);
/* Takes one line off the front of *rest, without its \n or \r\n; false at the end. */
bool str_line(struct str *rest, struct str *ret_line);
/* Takes the text before the first `sep` off the front of *rest; false at the end. */
bool str_field(struct str *rest, char sep, struct str *ret_field);
/* Whole text as an unsigned number in `base`; false unless every byte is a digit. */
bool str_u64(struct str s, unsigned base, uint64_t *ret);
char ascii_lower(char c);
struct str str_lower(struct arena *a, struct str s);
/* Below, at or above 0: the order of bytes. */
int str_compare(struct str a, struct str b);

struct buf {
    struct arena *a;
    char *p;
    size_t n, cap, max_bytes;
    bool over; /* something did not fit and was left out */
};

struct buf buf_new(struct arena *a, size_t max_bytes);
void buf_add(struct buf *b, struct str s);
void buf_byte(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str buf_str(const struct buf *b);
/* Appends s as a JSON string, quotes included. */
void buf_json(struct buf *b, struct str s);

/* Decoders answer false when the input is not of that encoding. */
bool base64_decode(struct arena *a, struct str in, struct str *ret);
struct str quoted_printable_decode(struct arena *a, struct str in);
/* Inflates gzip; false when it is corrupt or larger than max_bytes. */
bool gunzip(struct arena *a, struct str in, size_t max_bytes, struct str *ret);
bool is_gzip(struct str in);
bool is_utf8(struct str in);
/* CRLF to LF, decided by the first line as cloud-init does. */
struct str dos2unix(struct arena *a, struct str in);

/* Days and seconds since 1970 as calendar text, in UTC. */
enum date_form { DATE_RFC2822, DATE_ISO };
/* "2026-11-21 01:36:20,123", as cloud-init stamps its log. */
enum { DATE_LOG_BYTES = 32 };
void date_log(char out[DATE_LOG_BYTES], int64_t unix_ms);
struct str date_text(struct arena *a, int64_t unix_ms, enum date_form form);

#endif
