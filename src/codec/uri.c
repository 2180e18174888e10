/* A table says which bytes stay; everything else follows from it. */
#include "codec/uri.h"

#define HEX "0123456789ABCDEF"

static const bool unreserved[256] = {
    ['-'] = true,         ['.'] = true,         ['_'] = true,         ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

size_t
uri_encode_to(char *out, struct str s, unsigned flags)
{
    size_t n = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (unreserved[c] || (c == '/' && (flags & URI_KEEP_SLASH))) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = HEX[c >> 4];
            out[n++] = HEX[c & 15];
        }
    }
    return n;
}

struct str
uri_encode(struct arena *a, struct str s, unsigned flags)
{
    char *out = arena_alloc_raw(a, s.n * 3);

    assert(s.n <= SIZE_MAX / 4);
    return str_of(out, uri_encode_to(out, s, flags));
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
uri_decode_one(struct str s, size_t i)
{
    assert(i < s.n && s.p[i] == '%');
    if (i + 2 >= s.n)
        return -1;
    int high = hex_value(s.p[i + 1]), low = hex_value(s.p[i + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t
uri_decode_to(char *out, struct str s, unsigned flags)
{
    size_t n = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int byte = uri_decode_one(s, i);
            if (byte < 0 && !(flags & URI_LENIENT))
                return SIZE_MAX;
            if (byte >= 0) {
                c = (char)byte;
                i += 2;
            }
        } else if (c == '+' && (flags & URI_PLUS_BLANK)) {
            c = ' ';
        }
        out[n++] = c;
    }
    return n;
}

bool
uri_decode(struct arena *a, struct str s, unsigned flags, struct str *ret)
{
    bool coded = s.n && memchr(s.p, '%', s.n);

    assert(str_ok(s));
    if (!coded && (flags & URI_PLUS_BLANK))
        coded = s.n && memchr(s.p, '+', s.n);
    if (!coded) {
        *ret = s;
        return true;
    }
    char *out = arena_alloc_raw(a, s.n);
    size_t n = uri_decode_to(out, s, flags);
    if (n == SIZE_MAX)
        return false;
    *ret = str_of(out, n);
    return true;
}

bool
uri_query_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    assert(str_ok(*rest));
    while (rest->p) {
        struct str piece = str_split(rest, '&');
        if (piece.n == 0)
            continue;
        *ret_name = str_split(&piece, '=');
        *ret_value = piece;
        return true;
    }
    return false;
}

/* Whether a coded name stands for NAME.  Needs no room: a form may hold millions of names. */
static bool
name_is(struct str coded, struct str name)
{
    size_t at = 0;

    assert(str_ok(coded) && str_ok(name));
    for (size_t i = 0; i < coded.n; i++, at++) {
        int c = (unsigned char)coded.p[i];
        if (c == '%') {
            c = uri_decode_one(coded, i);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c < 0 || at == name.n || (unsigned char)name.p[at] != c)
            return false;
    }
    return at == name.n;
}

struct str
uri_query_get(struct arena *a, struct str query, struct str name)
{
    struct str n, v, decoded;

    assert(str_ok(query) && str_ok(name));
    while (uri_query_next(&query, &n, &v)) {
        if (!name_is(n, name))
            continue;
        if (!v.p)
            return S("");
        return uri_decode(a, v, URI_PLUS_BLANK, &decoded) ? decoded : STR_NONE;
    }
    return STR_NONE;
}

size_t
uri_normalize_to(char *out, struct str path)
{
    size_t n = 0, i = 0;
    bool open = true; /* the result ends with a segment that a '/' must follow */

    assert(str_ok(path));
    while (i < path.n) {
        struct str rest = str_cut(path, i, path.n);
        size_t slash = str_find_char(rest, '/');
        struct str segment = str_cut(rest, 0, slash);

        i += segment.n + 1;
        open = slash == SIZE_MAX;
        if (segment.n == 0 || str_eq(segment, S("."))) {
            open = false;
        } else if (str_eq(segment, S(".."))) {
            while (n && out[--n] != '/')
                ;
            open = false;
        } else {
            out[n++] = '/';
            memmove(out + n, segment.p, segment.n);
            n += segment.n;
        }
    }
    if (n == 0 || !open)
        out[n++] = '/';
    return n;
}

struct str
uri_normalize(struct arena *a, struct str path)
{
    char *out = arena_alloc_raw(a, path.n + 1);

    return str_of(out, uri_normalize_to(out, path));
}
