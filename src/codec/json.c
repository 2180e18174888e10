/*
 * The tree over the reader of codec/doc.h, and the writer.
 */
#include "codec/json.h"

#include "base/list.h"
#include "codec/doc.h"

#include <math.h>
#include <stdlib.h>

static const enum json_kind kinds[] = {
    [DOC_NULL] = JSON_NULL,   [DOC_BOOL] = JSON_BOOL,  [DOC_NUMBER] = JSON_NUMBER,
    [DOC_TEXT] = JSON_STRING, [DOC_LIST] = JSON_ARRAY, [DOC_MAP] = JSON_OBJECT,
};

static bool
fill(struct doc_in *in, struct json *ret)
{
    struct doc_value v;
    struct str name;
    struct name_list {
        struct str *v;
        size_t n;
    } names = {0};

    if (!doc_next(in, &v))
        return false;
    *ret = (struct json){.kind = kinds[v.kind], .truth = v.truth, .text = v.text};
    if (v.kind != DOC_LIST && v.kind != DOC_MAP)
        return true;
    while (doc_more(in, &v, &name)) {
        struct json element;

        if (!fill(in, &element))
            return false;
        *LIST_PUSH(in->arena, ret) = element;
        if (v.kind == DOC_MAP)
            *LIST_PUSH(in->arena, &names) = name;
    }
    ret->names = names.v;
    return !in->failed;
}

bool
json_parse(struct arena *a, struct str text, size_t nodes_max, struct json *ret, size_t *ret_at)
{
    struct doc_in in = {
        .format = &doc_json, .arena = a, .text = text, .values_left = nodes_max};
    struct json whole;
    bool ok = text.n > 0 && str_is_utf8(text) && fill(&in, &whole);

    assert(str_ok(text) && nodes_max > 0);
    if (!ok || !doc_end(&in)) {
        *ret_at = in.at;
        return false;
    }
    *ret = whole;
    return true;
}

const struct json *
json_get_str(const struct json *j, struct str name)
{
    assert(!j || j->kind == JSON_OBJECT || !j->names);
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

bool
json_f64(const struct json *j, double *ret)
{
    struct doc_value v = {.kind = DOC_NUMBER};

    if (!j || j->kind != JSON_NUMBER)
        return false;
    v.text = j->text;
    return doc_f64(&v, ret);
}

/* ---- the writer ---- */

static void
before_value(struct json_out *o)
{
    assert(!buf_failed(o->buf) || o->buf->max > 0);
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

    assert(str_ok(s));
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
    if (from < s.n)
        buf_add(b, s.p + from, s.n - from);
    buf_add_char(b, '"');
}

void
json_key(struct json_out *o, struct str name)
{
    assert(str_ok(name));
    before_value(o);
    quoted(o->buf, name);
    buf_add_char(o->buf, ':');
    o->comma = false;
}

void
json_str(struct json_out *o, struct str s)
{
    assert(str_ok(s));
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
json_key_str(struct json_out *o, const char *name, struct str s)
{
    assert(name[0] != '\0');
    json_key(o, str_from(name));
    json_str(o, s);
}

void
json_key_int(struct json_out *o, const char *name, int64_t v)
{
    assert(name[0] != '\0');
    json_key(o, str_from(name));
    json_int(o, v);
}

void
json_float(struct json_out *o, double v)
{
    bool word = !isfinite(v);

    before_value(o);
    if (word)
        buf_add_char(o->buf, '"');
    buf_add_f64(o->buf, v);
    if (word)
        buf_add_char(o->buf, '"');
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
    assert(str_ok(json));
    before_value(o);
    buf_add_str(o->buf, json);
}

void
json_value(struct json_out *o, const struct json *j)
{
    assert(j->kind <= JSON_OBJECT);
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
