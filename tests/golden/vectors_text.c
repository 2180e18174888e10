/*
 * Bodies as text that does not depend on what a client does not see.  XML is read by a reader of
 * its own: the codec's is what is tested.
 */
#include "golden/vectors.h"

#include "base/timefmt.h"
#include "codec/doc.h"
#include "harness/harness.h"

#include <stdlib.h>

/* ---- XML ---- */

struct xml {
    struct str name, text;
    struct xml_list {
        struct xml *v;
        size_t n;
    } children;
};

static struct str
xml_decode(struct arena *a, struct str s)
{
    static const struct {
        const char *from;
        const char *to;
    } entities[] = {{"&lt;", "<"},
                    {"&gt;", ">"},
                    {"&amp;", "&"},
                    {"&quot;", "\""},
                    {"&apos;", "'"},
                    {"&#xD;", "\r"},
                    {"&#xA;", "\n"},
                    {"&#xa;", "\n"},
                    {"&#xd;", "\r"},
                    {"&#x85;", "\xc2\x85"},
                    {"&#x2028;", "\xe2\x80\xa8"},
                    {"&#10;", "\n"},
                    {"&#13;", "\r"}};
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        size_t k = ARRAY_LEN(entities);

        if (s.p[i] == '&')
            for (k = 0; k < ARRAY_LEN(entities); k++)
                if (str_starts(str_cut(s, i, s.n), str_from(entities[k].from)))
                    break;
        if (k < ARRAY_LEN(entities)) {
            i += strlen(entities[k].from) - 1;
            for (const char *c = entities[k].to; *c; c++)
                out[n++] = *c;
        } else {
            out[n++] = s.p[i];
        }
    }
    return str_of(out, n);
}

/* Cuts one element off *rest, which begins with '<'. */
static struct xml
xml_element(struct arena *a, struct str *rest)
{
    struct str head = str_cut(*rest, 1, str_find_char(*rest, '>'));
    bool empty = str_ends(head, S("/"));
    struct xml e = {.name = head, .text = S("")};

    for (size_t i = 0; i < head.n; i++)
        if (strchr(" \n\t/", head.p[i])) {
            e.name = str_cut(head, 0, i);
            break;
        }
    *rest = str_cut(*rest, head.n + 2, rest->n);
    while (!empty) {
        size_t lt = str_find_char(*rest, '<');

        CHECK(lt != SIZE_MAX);
        e.text = str_cat(a, e.text, xml_decode(a, str_cut(*rest, 0, lt)));
        *rest = str_cut(*rest, lt, rest->n);
        if (str_starts(*rest, S("<![CDATA["))) {
            size_t end = str_find(*rest, S("]]>"));

            e.text = str_cat(a, e.text, str_cut(*rest, 9, end));
            *rest = str_cut(*rest, end + 3, rest->n);
        } else if (str_starts(*rest, S("<!--"))) {
            *rest = str_cut(*rest, str_find(*rest, S("-->")) + 3, rest->n);
        } else if (str_starts(*rest, S("</"))) {
            *rest = str_cut(*rest, str_find_char(*rest, '>') + 1, rest->n);
            break;
        } else {
            struct xml child = xml_element(a, rest);

            *LIST_PUSH(a, &e.children) = child;
        }
    }
    return e;
}

static struct str
plain_value(struct arena *a, struct str s)
{
    char *end, *text = str_cstr(a, s);
    int64_t ms;
    double v;

    if (time_parse_iso(s, &ms) || time_parse_http(s, &ms))
        return str_fmt(a, "time %lld", (long long)ms);
    v = strtod(text, &end);
    if (s.n && !*end && strchr("0123456789-", text[0]))
        return str_fmt(a, "%.17g", v);
    return s;
}

static void
xml_show(struct arena *a, const struct xml *e, struct buf *out)
{
    buf_add_fmt(out, "<%.*s>", STR_ARG(e->name));
    if (e->children.n == 0 && (str_trim(e->text).n || str_find_char(e->text, '\n') == SIZE_MAX))
        buf_add_str(out, plain_value(a, e->text));
    /* By name, and in their order where names are equal. */
    bool *done = arena_alloc(a, e->children.n);
    for (size_t round = 0; round < e->children.n; round++) {
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < e->children.n; i++)
            if (!done[i] &&
                (best == SIZE_MAX || str_cmp(e->children.v[i].name, e->children.v[best].name) < 0))
                best = i;
        done[best] = true;
        struct str name = e->children.v[best].name;

        if (!str_is(name, "requestId") && !str_is(name, "ResponseMetadata"))
            xml_show(a, &e->children.v[best], out);
    }
    buf_add_fmt(out, "</%.*s>", STR_ARG(e->name));
}

struct str
vector_xml(struct arena *a, struct str xml)
{
    struct buf out;

    xml = str_trim(xml);
    if (str_starts(xml, S("<?")))
        xml = str_trim(str_cut(xml, str_find(xml, S("?>")) + 2, xml.n));
    CHECK(str_starts(xml, S("<")));
    struct xml root = xml_element(a, &xml);

    CHECK(str_trim(xml).n == 0);
    buf_init(&out, 1 << 20);
    xml_show(a, &root, &out);
    struct str text = str_dup(a, buf_str(&out));

    buf_done(&out);
    return text;
}

/* ---- JSON and CBOR ---- */

static int
part_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str
number_text(struct arena *a, const struct doc_value *v)
{
    double f = 0;

    CHECK(doc_f64(v, &f));
    return str_fmt(a, "%s%.17g", v->is_time ? "time " : "", f);
}

static struct str doc_show(struct arena *a, struct doc_in *in);

static struct str
container_show(struct arena *a, struct doc_in *in, struct doc_value *v)
{
    struct str_list parts = {0};
    struct str name = STR_NONE;

    while (doc_more(in, v, &name)) {
        struct str value = doc_show(a, in);

        if (v->kind == DOC_LIST)
            *LIST_PUSH(a, &parts) = value;
        else if (!str_is(value, "null"))
            *LIST_PUSH(a, &parts) = str_fmt(a, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
    }
    if (v->kind == DOC_MAP && parts.n)
        qsort(parts.v, parts.n, sizeof(*parts.v), part_order);
    return str_fmt(a, v->kind == DOC_MAP ? "{%.*s}" : "[%.*s]",
                   STR_ARG(str_join(a, &parts, S(","))));
}

static struct str
doc_show(struct arena *a, struct doc_in *in)
{
    struct doc_value v;

    if (!doc_next(in, &v))
        return S("(broken)");
    switch (v.kind) {
    case DOC_NULL:
        return S("null");
    case DOC_BOOL:
        return v.truth ? S("true") : S("false");
    case DOC_INT:
    case DOC_FLOAT:
    case DOC_NUMBER:
        return number_text(a, &v);
    case DOC_TEXT:
        return str_fmt(a, "\"%.*s\"", STR_ARG(plain_value(a, v.text)));
    case DOC_BYTES:
        return str_fmt(a, "bytes %.*s", STR_ARG(str_hex(a, v.text.p, v.text.n)));
    case DOC_LIST:
    case DOC_MAP:
        break;
    }
    return container_show(a, in, &v);
}

static struct str
doc_text(struct arena *a, struct str body, const struct doc_format *format)
{
    struct doc_in in = {.format = format, .arena = a, .text = body, .values_left = 10000};
    struct str text = doc_show(a, &in);

    return doc_end(&in) ? text : str_fmt(a, "(no document: %.*s)", STR_ARG(body));
}

struct str
vector_json(struct arena *a, struct str json)
{
    return doc_text(a, json, &doc_json);
}

struct str
vector_cbor(struct arena *a, struct str cbor)
{
    return doc_text(a, cbor, &doc_cbor);
}

struct str
vector_plain(struct arena *a, struct str s)
{
    return plain_value(a, s);
}
