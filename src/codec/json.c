/*
 * Recursive descent, bounded by depth and by the number of values.  The text is checked to be
 * UTF-8 once and as a whole, so that the parts need no check.
 */
#include "codec/json.h"

#include "base/list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct parser {
    struct arena *arena;
    struct str text;
    size_t at, nodes_left;
    unsigned depth;
};

static bool value(struct parser *p, struct json *ret);

static void
blanks(struct parser *p)
{
    while (p->at < p->text.n && memchr(" \t\r\n", p->text.p[p->at], 4))
        p->at++;
}

static bool
take(struct parser *p, char c)
{
    blanks(p);
    if (p->at == p->text.n || p->text.p[p->at] != c)
        return false;
    p->at++;
    return true;
}

static bool
word(struct parser *p, const char *w)
{
    size_t n = strlen(w);

    if (p->text.n - p->at < n || memcmp(p->text.p + p->at, w, n) != 0)
        return false;
    p->at += n;
    return true;
}

static size_t
digits(struct parser *p)
{
    size_t from = p->at;

    while (p->at < p->text.n && p->text.p[p->at] >= '0' && p->text.p[p->at] <= '9')
        p->at++;
    return p->at - from;
}

static bool
number(struct parser *p, struct json *ret)
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
    *ret = (struct json){.kind = JSON_NUMBER, .text = str_cut(p->text, from, p->at)};
    return true;
}

/* ---- strings ---- */

static bool
hex4(struct parser *p, unsigned *ret)
{
    unsigned v = 0;

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

static size_t
utf8(char *out, unsigned c)
{
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

/* Behind a backslash.  Six bytes at least become four at most, so decoding never outgrows. */
static bool
escape(struct parser *p, char *out, size_t *n)
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
    *n += utf8(out + *n, c);
    return true;
}

/* How far the string goes, and whether it has escapes; the opening quote is behind us. */
static bool
string_end(const struct parser *p, size_t *ret_end, bool *ret_escapes)
{
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
string(struct parser *p, struct str *ret)
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

/* ---- containers ---- */

struct name_list {
    struct str *v;
    size_t n;
};

static bool
array(struct parser *p, struct json *ret)
{
    ret->kind = JSON_ARRAY;
    if (take(p, ']'))
        return true;
    do {
        struct json element;

        if (!value(p, &element))
            return false;
        *LIST_PUSH(p->arena, ret) = element;
    } while (take(p, ','));
    return take(p, ']');
}

static bool
object(struct parser *p, struct json *ret)
{
    struct name_list names = {0};

    ret->kind = JSON_OBJECT;
    if (take(p, '}'))
        return true;
    do {
        struct json member;
        struct str name;

        if (!take(p, '"') || !string(p, &name) || !take(p, ':') || !value(p, &member))
            return false;
        *LIST_PUSH(p->arena, &names) = name;
        *LIST_PUSH(p->arena, ret) = member;
    } while (take(p, ','));
    ret->names = names.v;
    return take(p, '}');
}

static bool
container(struct parser *p, struct json *ret, bool (*read)(struct parser *, struct json *))
{
    if (p->depth == JSON_DEPTH_MAX)
        return false;
    p->depth++;
    p->at++;
    bool ok = read(p, ret);

    p->depth--;
    return ok;
}

static bool
value(struct parser *p, struct json *ret)
{
    *ret = (struct json){.kind = JSON_NULL};
    blanks(p);
    if (p->at == p->text.n || p->nodes_left == 0)
        return false;
    p->nodes_left--;
    switch (p->text.p[p->at]) {
    case '{':
        return container(p, ret, object);
    case '[':
        return container(p, ret, array);
    case '"':
        p->at++;
        ret->kind = JSON_STRING;
        return string(p, &ret->text);
    case 't':
        *ret = (struct json){.kind = JSON_BOOL, .truth = true};
        return word(p, "true");
    case 'f':
        ret->kind = JSON_BOOL;
        return word(p, "false");
    case 'n':
        return word(p, "null");
    default:
        return number(p, ret);
    }
}

bool
json_parse(struct arena *a, struct str text, size_t nodes_max, struct json *ret, size_t *ret_at)
{
    struct parser p = {.arena = a, .text = text, .nodes_left = nodes_max};
    struct json whole;
    bool ok = text.n > 0 && str_is_utf8(text) && value(&p, &whole);

    blanks(&p);
    if (!ok || p.at != text.n) {
        *ret_at = p.at;
        return false;
    }
    *ret = whole;
    return true;
}

const struct json *
json_get_str(const struct json *j, struct str name)
{
    if (!j || j->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = j->n; i > 0; i--)
        if (str_eq(j->names[i - 1], name))
            return &j->v[i - 1];
    return NULL;
}

const struct json *
json_get(const struct json *j, const char *name)
{
    return json_get_str(j, str_from(name));
}

struct str
json_text(const struct json *j, const char *name)
{
    const struct json *m = json_get(j, name);

    return m && m->kind == JSON_STRING ? m->text : STR_NONE;
}

bool
json_i64(const struct json *j, int64_t *ret)
{
    return j && j->kind == JSON_NUMBER && str_to_i64(j->text, ret);
}

#define NUMBER_TEXT_MAX 400

bool
json_f64(const struct json *j, double *ret)
{
    char text[NUMBER_TEXT_MAX + 1];

    if (!j || j->kind != JSON_NUMBER || j->text.n > NUMBER_TEXT_MAX)
        return false;
    memcpy(text, j->text.p, j->text.n);
    text[j->text.n] = 0;
    double v = strtod(text, NULL);
    if (!isfinite(v))
        return false;
    *ret = v;
    return true;
}

/* ---- the writer ---- */

static void
before_value(struct json_out *o)
{
    if (o->comma)
        buf_add_char(o->buf, ',');
    o->comma = true;
}

void
json_open(struct json_out *o, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    before_value(o);
    buf_add_char(o->buf, bracket);
    o->comma = false;
}

void
json_close(struct json_out *o, char bracket)
{
    assert(bracket == '}' || bracket == ']');
    buf_add_char(o->buf, bracket);
    o->comma = true;
}

static void
quoted(struct buf *b, struct str s)
{
    size_t from = 0;

    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            buf_add_char(b, '\\');
            buf_add_char(b, (char)c);
        } else if (c == '\n') {
            buf_add_lit(b, "\\n");
        } else {
            buf_add_fmt(b, "\\u%04x", c);
        }
    }
    buf_add(b, s.p + from, s.n - from);
    buf_add_char(b, '"');
}

void
json_key(struct json_out *o, struct str name)
{
    before_value(o);
    quoted(o->buf, name);
    buf_add_char(o->buf, ':');
    o->comma = false;
}

void
json_str(struct json_out *o, struct str s)
{
    before_value(o);
    quoted(o->buf, s);
}

void
json_int(struct json_out *o, int64_t v)
{
    before_value(o);
    buf_add_i64(o->buf, v);
}

void
json_float(struct json_out *o, double v)
{
    if (!isfinite(v)) {
        json_str(o, isnan(v) ? S("NaN") : v < 0 ? S("-Infinity") : S("Infinity"));
        return;
    }
    before_value(o);
    if (fabs(v) < 1e15 && v == (double)(int64_t)v)
        buf_add_i64(o->buf, (int64_t)v);
    else
        buf_add_fmt(o->buf, "%.17g", v);
}

void
json_bool(struct json_out *o, bool v)
{
    before_value(o);
    buf_add_str(o->buf, v ? S("true") : S("false"));
}

void
json_null(struct json_out *o)
{
    before_value(o);
    buf_add_lit(o->buf, "null");
}

void
json_raw(struct json_out *o, struct str json)
{
    before_value(o);
    buf_add_str(o->buf, json);
}

void
json_value(struct json_out *o, const struct json *j)
{
    switch (j->kind) {
    case JSON_NULL:
        json_null(o);
        return;
    case JSON_BOOL:
        json_bool(o, j->truth);
        return;
    case JSON_NUMBER:
        json_raw(o, j->text);
        return;
    case JSON_STRING:
        json_str(o, j->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        json_open(o, j->kind == JSON_ARRAY ? '[' : '{');
        for (size_t i = 0; i < j->n; i++) {
            if (j->kind == JSON_OBJECT)
                json_key(o, j->names[i]);
            json_value(o, &j->v[i]);
        }
        json_close(o, j->kind == JSON_ARRAY ? ']' : '}');
        return;
    }
}
