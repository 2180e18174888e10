/*
 * Slices: the only text type.  Parsers cut, never copy; whoever needs a copy names the arena
 * that shall hold it.
 */
#include "base/str.h"

#include <stdio.h>

int
str_cmp(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int r = n ? memcmp(a.p, b.p, n) : 0;

    assert(str_ok(a) && str_ok(b));
    return r ? r : (a.n > b.n) - (a.n < b.n);
}

static inline unsigned char
lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Eight bytes at once: sets the bit 0x20 of those that are A to Z. */
static inline uint64_t
lower8(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low7 = w & 0x7f * ones;
    uint64_t from_a = low7 + (0x80 - 'A') * ones, past_z = low7 + (0x7f - 'Z') * ones;

    return w | ((from_a ^ past_z) & ~w & 0x80 * ones) >> 2;
}

static inline bool
same8(const char *a, const char *b, size_t n)
{
    uint64_t x = 0, y = 0;

    assert(n <= 8);
    memcpy(&x, a, n);
    memcpy(&y, b, n);
    return x == y || lower8(x) == lower8(y);
}

bool
str_eq_nocase(struct str a, struct str b)
{
    size_t i = 0;

    assert(str_ok(a) && str_ok(b));
    if (a.n != b.n)
        return false;
    if (a.n >= 8) {
        for (; i + 8 <= a.n; i += 8)
            if (!same8(a.p + i, b.p + i, 8))
                return false;
        /* The last eight once more, with those that are left among them. */
        return same8(a.p + a.n - 8, b.p + a.n - 8, 8);
    }
    if (a.n >= 4)
        return same8(a.p, b.p, 4) && same8(a.p + a.n - 4, b.p + a.n - 4, 4);
    for (; i < a.n; i++)
        if (lower((unsigned char)a.p[i]) != lower((unsigned char)b.p[i]))
            return false;
    return true;
}

bool
str_starts(struct str s, struct str prefix)
{
    assert(str_ok(s) && str_ok(prefix));
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
str_ends(struct str s, struct str suffix)
{
    assert(str_ok(s) && str_ok(suffix));
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t
str_find_char(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

    assert(str_ok(s));
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

size_t
str_find(struct str s, struct str needle)
{
    assert(str_ok(s) && str_ok(needle));
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return SIZE_MAX;
    const char *hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

struct str
str_split(struct str *s, char c)
{
    size_t i = str_find_char(*s, c);
    struct str head;

    assert(str_ok(*s));
    if (i == SIZE_MAX) {
        head = *s;
        *s = STR_NONE;
        return head;
    }
    head = str_of(s->p, i);
    *s = str_of(s->p + i + 1, s->n - i - 1);
    return head;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
    assert(str_ok(s));
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool
str_glob(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

    assert(str_ok(pattern) && str_ok(s));
    /* One level of backtracking is enough: only the last star can still grow. */
    for (;;) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
            continue;
        }
        if (i == s.n && p == pattern.n)
            return true;
        if (i < s.n && p < pattern.n) {
            bool escaped = pattern.p[p] == '\\' && p + 1 < pattern.n;
            char c = pattern.p[p + escaped];

            if ((!escaped && c == '?') || c == s.p[i]) {
                p += 1 + escaped;
                i++;
                continue;
            }
        }
        if (star == SIZE_MAX || mark >= s.n)
            return false;
        p = star + 1;
        i = ++mark;
    }
}

bool
str_to_u64(struct str s, uint64_t *ret)
{
    uint64_t v = 0;

    assert(str_ok(s) && ret);
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(s.p[i] - '0');

        if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *ret = v;
    return true;
}

bool
str_to_i64(struct str s, int64_t *ret)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t v;

    assert(ret);
    if (!str_to_u64(str_cut(s, negative, s.n), &v))
        return false;
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static inline uint64_t
hash_step(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

/* The journal keeps such hashes: one that differs would not read what an older Welkin wrote. */
uint64_t
str_hash(struct str s, uint64_t seed)
{
    uint64_t h = seed ^ (s.n * 0x9e3779b97f4a7c15u), word = 0;
    size_t i = 0, rest = s.n % sizeof(word);

    assert(str_ok(s));
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the rest is shifted down");
    for (; i + sizeof(word) <= s.n; i += sizeof(word)) {
        memcpy(&word, s.p + i, sizeof(word));
        h = hash_step(h, word);
    }
    if (rest && i) {
        memcpy(&word, s.p + s.n - sizeof(word), sizeof(word));
        h = hash_step(h, word >> 8 * (sizeof(word) - rest));
    } else if (rest) {
        memcpy(&word, s.p, rest);
        h = hash_step(h, word);
    }
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

struct str
str_dup(struct arena *a, struct str s)
{
    assert(str_ok(s));
    return s.p ? str_of(arena_dup(a, s.p, s.n), s.n) : s;
}

char *
str_cstr(struct arena *a, struct str s)
{
    char *p = arena_alloc_raw(a, s.n + 1);

    assert(str_ok(s));
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

struct str
str_vfmt(struct arena *a, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    assert(n >= 0);
    char *p = arena_alloc_raw(a, (size_t)n + 1);
    if ((size_t)n < sizeof(small))
        memcpy(p, small, (size_t)n + 1);
    else
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return str_of(p, (size_t)n);
}

struct str
str_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str s = str_vfmt(a, fmt, ap);
    va_end(ap);
    return s;
}

struct str
str_lower(struct arena *a, struct str s)
{
    char *p = arena_alloc_raw(a, s.n);

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)lower((unsigned char)s.p[i]);
    return str_of(p, s.n);
}

struct str
str_cat(struct arena *a, struct str x, struct str y)
{
    char *p = arena_alloc_raw(a, x.n + y.n);

    assert(str_ok(x) && str_ok(y));
    if (x.n)
        memcpy(p, x.p, x.n);
    if (y.n)
        memcpy(p + x.n, y.p, y.n);
    return str_of(p, x.n + y.n);
}

struct str
str_hex(struct arena *a, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = p;
    char *out = arena_alloc_raw(a, n * 2);

    assert(p || n == 0);
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    return str_of(out, n * 2);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
str_unhex(struct arena *a, struct str hex, struct str *ret)
{
    assert(str_ok(hex) && ret);
    if (hex.n % 2)
        return false;
    char *out = arena_alloc_raw(a, hex.n / 2);
    for (size_t i = 0; i < hex.n / 2; i++) {
        int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return false;
        out[i] = (char)(hi << 4 | lo);
    }
    *ret = str_of(out, hex.n / 2);
    return true;
}

struct str
str_base64(struct arena *a, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    char *out = arena_alloc_raw(a, n), *w = out;
    const unsigned char *in = (const unsigned char *)bytes.p;

    assert(str_ok(bytes));
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);

        *w++ = digits[v >> 18];
        *w++ = digits[v >> 12 & 63];
        *w++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *w++ = left > 2 ? digits[v & 63] : '=';
    }
    assert(w == out + n);
    return str_of(out, n);
}

static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
str_unbase64(struct arena *a, struct str text, struct str *ret)
{
    char *out = arena_alloc_raw(a, text.n / 4 * 3 + 3);
    size_t n = 0, digits = 0, pads = 0;
    uint32_t v = 0;

    assert(str_ok(text) && ret);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (is_blank(c))
            continue;
        int d = base64_digit(c);
        if (c == '=' && digits % 4 + pads >= 2 && pads < 2) {
            pads++;
            continue;
        }
        if (d < 0 || pads)
            return false;
        v = v << 6 | (uint32_t)d;
        if (++digits % 4 == 0) {
            out[n++] = (char)(v >> 16);
            out[n++] = (char)(v >> 8);
            out[n++] = (char)v;
        }
    }
    if ((digits + pads) % 4 || (digits % 4 == 0 && pads) || digits % 4 == 1)
        return false;
    if (digits % 4 == 2)
        out[n++] = (char)(v >> 4);
    if (digits % 4 == 3) {
        out[n++] = (char)(v >> 10);
        out[n++] = (char)(v >> 2);
    }
    assert(n <= text.n / 4 * 3);
    *ret = str_of(out, n);
    return true;
}

/* Bytes of the sequence that begins at p, or 0 when it is malformed (overlong, surrogate, cut). */
static size_t
utf8_sequence(const unsigned char *p, size_t n)
{
    assert(n > 0);
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

bool
str_is_utf8(struct str s)
{
    assert(str_ok(s));
    for (size_t i = 0; i < s.n;) {
        size_t len = utf8_sequence((const unsigned char *)s.p + i, s.n - i);

        if (!len)
            return false;
        i += len;
    }
    return true;
}

bool
str_eq_consttime(struct str a, struct str b)
{
    unsigned char diff = 0;

    assert(str_ok(a) && str_ok(b));
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        diff |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i];
    return ((volatile unsigned char *)&diff)[0] == 0;
}

bool
str_list_eq(const struct str_list *a, const struct str_list *b)
{
    assert((a->v || a->n == 0) && (b->v || b->n == 0));
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

bool
str_in(const struct str_list *list, struct str s)
{
    assert(list->v || list->n == 0);
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], s))
            return true;
    return false;
}

struct str
str_join(struct arena *a, const struct str_list *list, struct str separator)
{
    size_t n = 0;

    assert(list->v || list->n == 0);
    assert(str_ok(separator));
    for (size_t i = 0; i < list->n; i++)
        n += list->v[i].n + (i ? separator.n : 0);
    char *p = arena_alloc_raw(a, n), *w = p;
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            w = mempcpy(w, separator.p, separator.n);
        if (list->v[i].n)
            w = mempcpy(w, list->v[i].p, list->v[i].n);
    }
    assert(w == p + n);
    return str_of(p, n);
}

struct str
str_i64(int64_t v, char room[STR_I64_MAX])
{
    char *end = room + STR_I64_MAX, *p = end;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    assert(p >= room);
    return str_of(p, (size_t)(end - p));
}

size_t
str_chars(struct str s)
{
    size_t n = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

size_t
str_put_utf8(char *out, uint32_t c)
{
    assert(c <= 0x10ffff);
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}
