/*
 * JSON (RFC 8259), strictly, a value at a time.  The text was checked to be UTF-8 as a whole, so
 * that its parts need no check.
 */
#include "codec/doc.h"

static void
blanks(struct doc_in *p)
{
    assert(p->at <= p->text.n);
    while (p->at < p->text.n && memchr(" \t\r\n", p->text.p[p->at], 4))
        p->at++;
}

static bool
take(struct doc_in *p, char c)
{
    assert(p->at <= p->text.n);
    blanks(p);
    if (p->at == p->text.n || p->text.p[p->at] != c)
        return false;
    p->at++;
    return true;
}

static bool
word(struct doc_in *p, const char *w)
{
    size_t n = strlen(w);

    assert(p->at <= p->text.n);
    if (p->text.n - p->at < n || memcmp(p->text.p + p->at, w, n) != 0)
        return false;
    p->at += n;
    return true;
}

static size_t
digits(struct doc_in *p)
{
    size_t from = p->at;

    assert(p->at <= p->text.n);
    while (p->at < p->text.n && p->text.p[p->at] >= '0' && p->text.p[p->at] <= '9')
        p->at++;
    return p->at - from;
}

static bool
number(struct doc_in *p, struct doc_value *ret)
{
    size_t from = p->at;

    word(p, "-");
    if (!word(p, "0") && digits(p) == 0)
        return false;
    if (word(p, ".") && digits(p) == 0)
        return false;
    if (word(p, "e") || word(p, "E")) {
        if (!word(p, "+"))
            word(p, "-");
        if (digits(p) == 0)
            return false;
    }
    ret->kind = DOC_NUMBER;
    ret->text = str_cut(p->text, from, p->at);
    return true;
}

/* ---- strings ---- */

static bool
hex4(struct doc_in *p, unsigned *ret)
{
    unsigned v = 0;

    assert(p->at <= p->text.n);
    if (p->text.n - p->at < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        char c = p->text.p[p->at + i];
        unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                            : 16;
        if (d > 15)
            return false;
        v = v << 4 | d;
    }
    p->at += 4;
    *ret = v;
    return true;
}

/* Behind a backslash.  Six bytes at least become four at most, so decoding never outgrows. */
static bool
escape(struct doc_in *p, char *out, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *hit;
    unsigned c, low;

    if (p->at == p->text.n)
        return false;
    hit = memchr(from, p->text.p[p->at], sizeof(from) - 1);
    if (hit) {
        out[(*n)++] = to[hit - from];
        p->at++;
        return true;
    }
    if (!word(p, "u") || !hex4(p, &c) || (c >= 0xdc00 && c <= 0xdfff))
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!word(p, "\\u") || !hex4(p, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *n += str_put_utf8(out + *n, c);
    return true;
}

/* How far the string goes, and whether it has escapes; the opening quote is behind us. */
static bool
string_end(const struct doc_in *p, size_t *ret_end, bool *ret_escapes)
{
    assert(p->at <= p->text.n);
    *ret_escapes = false;
    for (size_t i = p->at; i < p->text.n; i++) {
        unsigned char c = (unsigned char)p->text.p[i];

        if (c == '"') {
            *ret_end = i;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c == '\\') {
            *ret_escapes = true;
            i++;
        }
    }
    return false;
}

static bool
string(struct doc_in *p, struct str *ret)
{
    size_t end, n = 0;
    bool escapes;

    if (!string_end(p, &end, &escapes))
        return false;
    if (!escapes) {
        *ret = str_cut(p->text, p->at, end);
        p->at = end + 1;
        return true;
    }
    char *out = arena_alloc_raw(p->arena, end - p->at);

    while (p->at < end) {
        char c = p->text.p[p->at++];

        if (c != '\\')
            out[n++] = c;
        else if (!escape(p, out, &n))
            return false;
    }
    p->at++;
    *ret = str_of(out, n);
    return true;
}

/* ---- values ---- */

static bool
read_value(struct doc_in *p, struct doc_value *ret)
{
    switch (p->text.p[p->at]) {
    case '{':
    case '[':
        if (p->depth == DOC_DEPTH_MAX)
            return false;
        p->depth++;
        ret->kind = p->text.p[p->at++] == '{' ? DOC_MAP : DOC_LIST;
        return true;
    case '"':
        p->at++;
        ret->kind = DOC_TEXT;
        return string(p, &ret->text);
    case 't':
        ret->kind = DOC_BOOL;
        ret->truth = true;
        return word(p, "true");
    case 'f':
        ret->kind = DOC_BOOL;
        return word(p, "false");
    case 'n':
        return word(p, "null");
    default:
        return number(p, ret);
    }
}

static bool
json_next(struct doc_in *in, struct doc_value *ret)
{
    assert(in->depth <= DOC_DEPTH_MAX);
    *ret = (struct doc_value){.kind = DOC_NULL};
    if (in->failed)
        return false;
    blanks(in);
    if (in->at == in->text.n || in->values_left == 0)
        return doc_fail(in);
    in->values_left--;
    return read_value(in, ret) || doc_fail(in);
}

static bool
json_more(struct doc_in *in, struct doc_value *container, struct str *ret_name)
{
    bool map = container->kind == DOC_MAP;

    assert(map || container->kind == DOC_LIST);
    if (in->failed)
        return false;
    assert(in->depth > 0);
    if (take(in, map ? '}' : ']')) {
        in->depth--;
        return false;
    }
    if (container->begun && !take(in, ','))
        return doc_fail(in);
    container->begun = true;
    if (map && (!take(in, '"') || !string(in, ret_name) || !take(in, ':')))
        return doc_fail(in);
    return true;
}

const struct doc_format doc_json = {json_next, json_more};
