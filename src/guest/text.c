/*
 * Slices, arena, buffers, and calendar text.
 *
 * The arena is a list of malloc'd chunks that is freed as a whole.  It counts what
 * was asked for against a limit, so a parser that allocates in a loop stops at a
 * known size whatever it is fed.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t n, cap;
    max_align_t data[];
};

static NORETURN void
arena_abort(void)
{
    abort();
}

void (*arena_full)(void) NORETURN = arena_abort;

static const size_t chunk_bytes = 32 * 1024;

void *
arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    struct arena_chunk *c = a->head;

    assert(a->used_bytes <= a->max_bytes);
    if (need < n || need > a->max_bytes - a->used_bytes)
        arena_full();
    if (!c || c->cap - c->n < need) {
        size_t cap = need > chunk_bytes ? need : chunk_bytes;

        c = malloc(sizeof(*c) + cap);
        if (!c)
            arena_full();
        c->next = a->head;
        c->n = 0;
        c->cap = cap;
        a->head = c;
    }
    void *p = (char *)c->data + c->n;
    assert(c->n <= c->cap && c->cap - c->n >= need);
    c->n += need;
    a->used_bytes += need;
    assert(c->n <= c->cap && a->used_bytes <= a->max_bytes);
    memset(p, 0, n);
    return p;
}

void
arena_done(struct arena *a)
{
    while (a->head) {
        struct arena_chunk *next = a->head->next;

        free(a->head);
        a->head = next;
    }
    a->used_bytes = 0;
}

struct str
arena_dup(struct arena *a, struct str s)
{
    return (struct str){arena_cstr(a, s), s.n};
}

char *
arena_cstr(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);

    assert(s.p || s.n == 0);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

struct str
arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return S("");
    char *p = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct str){p, (size_t)n};
}

struct str
str_c(const char *c)
{
    return c ? (struct str){c, strlen(c)} : S("");
}

char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

struct str
str_lower(struct arena *a, struct str s)
{
    char *p = arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(p[i]);
    return (struct str){p, s.n};
}

int
str_compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n ? memcmp(a.p, b.p, n) : 0;

    return r ? r : (a.n > b.n) - (a.n < b.n);
}

bool
str_eq(struct str a, struct str b)
{
    assert((a.p || a.n == 0) && (b.p || b.n == 0));
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_ieq(struct str a, struct str b)
{
    assert((a.p || a.n == 0) && (b.p || b.n == 0));
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

bool
str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_cut(s, 0, prefix.n), prefix);
}

bool
str_istarts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_ieq(str_cut(s, 0, prefix.n), prefix);
}

size_t
str_find(struct str s, struct str what, size_t from)
{
    if (from > s.n || what.n == 0)
        return SIZE_MAX;
    const char *hit = memmem(s.p + from, s.n - from, what.p, what.n);
    assert(!hit || (hit >= s.p + from && hit + what.n <= s.p + s.n));
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t
str_ifind(struct str s, struct str what, size_t from)
{
    for (size_t i = from; i + what.n <= s.n; i++)
        if (str_ieq(str_cut(s, i, i + what.n), what))
            return i;
    return SIZE_MAX;
}

struct str
str_cut(struct str s, size_t from, size_t to)
{
    assert(s.p || s.n == 0);
    if (to > s.n)
        to = s.n;
    if (from >= to)
        return S("");
    return (struct str){s.p + from, to - from};
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_ltrim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

struct str
str_trim(struct str s)
{
    s = str_ltrim(s);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool
str_line(struct str *rest, struct str *ret_line)
{
    if (!str_field(rest, '\n', ret_line))
        return false;
    if (ret_line->n && ret_line->p[ret_line->n - 1] == '\r')
        ret_line->n--;
    return true;
}

bool
str_field(struct str *rest, char sep, struct str *ret_field)
{
    if (rest->n == 0)
        return false;
    const char *hit = memchr(rest->p, sep, rest->n);
    size_t n = hit ? (size_t)(hit - rest->p) : rest->n;

    *ret_field = (struct str){rest->p, n};
    size_t skip = hit ? n + 1 : n;
    assert(skip > 0 && skip <= rest->n);
    rest->p += skip;
    rest->n -= skip;
    return true;
}

bool
str_u64(struct str s, unsigned base, uint64_t *ret)
{
    uint64_t v = 0;

    assert(base >= 2 && base <= 36);
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 99;

        if (d >= base || v > (UINT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    *ret = v;
    return true;
}

struct buf
buf_new(struct arena *a, size_t max_bytes)
{
    assert(a);
    return (struct buf){.a = a, .max_bytes = max_bytes};
}

static bool
buf_room(struct buf *b, size_t n)
{
    assert(b->n <= b->cap && b->n <= b->max_bytes);
    if (n > b->max_bytes - b->n) {
        b->over = true;
        return false;
    }
    if (b->cap - b->n < n) {
        size_t cap = b->cap ? b->cap * 2 : 256;

        if (cap < b->n + n)
            cap = b->n + n;
        char *p = arena_alloc(b->a, cap);
        if (b->n)
            memcpy(p, b->p, b->n);
        b->p = p;
        b->cap = cap;
        assert(b->cap >= b->n + n);
    }
    return true;
}

void
buf_add(struct buf *b, struct str s)
{
    if (s.n == 0 || !buf_room(b, s.n))
        return;
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    assert(b->n <= b->cap);
}

void
buf_byte(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !buf_room(b, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    assert(b->n < b->cap);
}

struct str
buf_str(const struct buf *b)
{
    return b->n ? (struct str){b->p, b->n} : S("");
}

void
buf_json(struct buf *b, struct str s)
{
    buf_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            buf_fmt(b, "\\%c", c);
        else if (c == '\n')
            buf_add(b, S("\\n"));
        else if (c < 0x20 || c == 0x7f)
            buf_fmt(b, "\\u%04x", c);
        else
            buf_byte(b, (char)c);
    }
    buf_byte(b, '"');
}

struct civil {
    int64_t year;
    unsigned month, day, hour, min, sec, ms, weekday;
};

/* Hinnant's days-to-civil: eras of 400 years that begin on 1 March. */
static struct civil
civil_from(int64_t unix_ms)
{
    int64_t days = unix_ms / 86400000, rest = unix_ms % 86400000;

    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    assert(doe < 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    assert(doy < 366 && mp < 12);
    unsigned month = mp < 10 ? mp + 3 : mp - 9;

    return (struct civil){
        .year = (int64_t)yoe + era * 400 + (month <= 2),
        .month = month,
        .day = doy - (153 * mp + 2) / 5 + 1,
        .hour = (unsigned)(rest / 3600000),
        .min = (unsigned)(rest / 60000 % 60),
        .sec = (unsigned)(rest / 1000 % 60),
        .ms = (unsigned)(rest % 1000),
        .weekday = (unsigned)(((days % 7) + 11) % 7),
    };
}

struct str
date_text(struct arena *a, int64_t unix_ms, enum date_form form)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_from(unix_ms);

    assert(c.month >= 1 && c.month <= 12 && c.weekday < 7);
    if (form == DATE_RFC2822)
        return arena_fmt(a, "%.3s, %02u %.3s %lld %02u:%02u:%02u +0000", days + 3 * c.weekday,
                         c.day, months + 3 * (c.month - 1), (long long)c.year, c.hour, c.min,
                         c.sec);
    return arena_fmt(a, "%04lld-%02u-%02uT%02u:%02u:%02uZ", (long long)c.year, c.month, c.day,
                     c.hour, c.min, c.sec);
}

void
date_log(char out[DATE_LOG_BYTES], int64_t unix_ms)
{
    struct civil c = civil_from(unix_ms);

    assert(c.hour < 24 && c.min < 60 && c.sec < 60 && c.ms < 1000);
    snprintf(out, DATE_LOG_BYTES, "%04u-%02u-%02u %02u:%02u:%02u,%03u", (unsigned)c.year % 10000,
             c.month % 100, c.day % 100, c.hour % 100, c.min % 100, c.sec % 100, c.ms % 1000);
}
