/* Nothing here is shared with apigen or with the codecs that are tested, but for model.h. */
#include "golden/vectors.h"

#include "base/timefmt.h"
#include "harness/harness.h"

#include <math.h>
#include <stdlib.h>

/* ---- descriptions ---- */

struct builder {
    struct arena *arena;
    const struct json *shapes;
    bool ec2;
    struct buf pool;
    struct api_shape *shape;
    struct api_member *member;
    struct str *shape_key;
    size_t n_shapes, n_members;
};

#define SHAPES_MAX 400
#define MEMBERS_MAX 2000
#define SLOT 16

static uint32_t
pool(struct builder *b, struct str s)
{
    uint32_t at = (uint32_t)b->pool.n;

    buf_add_str(&b->pool, s);
    buf_add_char(&b->pool, 0);
    return at;
}

static struct str
capital(struct builder *b, struct str s)
{
    struct str copy = str_dup(b->arena, s);

    if (copy.n && copy.p[0] >= 'a' && copy.p[0] <= 'z')
        ((char *)copy.p)[0] = (char)(copy.p[0] - 32);
    return copy;
}

static enum api_kind
kind_of(struct str type)
{
    static const struct {
        const char *type;
        enum api_kind kind;
    } kinds[] = {{"string", API_STRING},     {"integer", API_INT},   {"long", API_LONG},
                 {"float", API_FLOAT},       {"double", API_DOUBLE}, {"boolean", API_BOOL},
                 {"blob", API_BLOB},         {"timestamp", API_TIME}, {"structure", API_STRUCT},
                 {"list", API_LIST},         {"map", API_MAP}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(type, kinds[i].type))
            return kinds[i].kind;
    FAIL("unknown type %.*s", STR_ARG(type));
}

static uint16_t
element_size(const struct api_shape *s)
{
    switch ((enum api_kind)s->kind) {
    case API_BOOL:
        return sizeof(bool);
    case API_INT:
    case API_LONG:
    case API_TIME:
    case API_FLOAT:
    case API_DOUBLE:
        return 8;
    case API_STRUCT:
        return s->size;
    default:
        return SLOT;
    }
}

static uint16_t build(struct builder *b, const struct json *ref);

static const struct json *
target(struct builder *b, const struct json *ref)
{
    return json_get_str(b->shapes, json_text(ref, "shape"));
}

/* A trait of the reference, else of what it refers to. */
static struct str
trait(struct builder *b, const struct json *ref, const char *name)
{
    struct str own = json_text(ref, name);

    return own.p ? own : json_text(target(b, ref), name);
}

static void
put_member(struct builder *b, size_t at, struct str name, const struct json *ref, size_t offset,
           struct str query, struct str xml)
{
    b->member[at] = (struct api_member){
        .name = pool(b, name),
        .query = pool(b, query),
        .tag = pool(b, str_fmt(b->arena, "</%.*s>", STR_ARG(xml))),
        .offset = (uint16_t)offset,
        .name_n = (uint8_t)name.n,
        .query_n = (uint8_t)query.n,
        .tag_n = (uint8_t)xml.n,
    };
    b->member[at].shape = build(b, ref);
}

static size_t
reserve(struct builder *b, size_t n)
{
    size_t at = b->n_members;

    CHECK(at + n < MEMBERS_MAX);
    b->n_members += n;
    return at;
}

static void
build_struct(struct builder *b, size_t index, const struct json *shape)
{
    const struct json *members = json_get(shape, "members");
    size_t n = members->n, first = reserve(b, n);

    b->shape[index].first = (uint32_t)first;
    b->shape[index].n = (uint16_t)n;
    b->shape[index].size = (uint16_t)(n * SLOT + SLOT);
    for (size_t i = 0; i < n; i++) {
        const struct json *ref = &members->v[i];
        struct str name = members->names[i], wire = trait(b, ref, "locationName"), query;

        if (!wire.p)
            wire = name;
        query = json_text(ref, "queryName");
        if (!query.p)
            query = b->ec2 ? capital(b, wire) : wire;
        put_member(b, first + i, name, ref, i * SLOT, query, wire);
    }
}

static void
build_container(struct builder *b, size_t index, const struct json *shape, bool map)
{
    size_t first = reserve(b, map ? 2 : 1);

    b->shape[index].first = (uint32_t)first;
    b->shape[index].n = map ? 2 : 1;
    b->shape[index].size = 2 * SLOT;
    for (size_t i = 0; i < (map ? 2u : 1u); i++) {
        const char *name = !map ? "member" : i ? "value" : "key";
        const struct json *ref = json_get(shape, name);
        struct str wire = json_text(ref, "locationName");

        if (!wire.p)
            wire = str_from(name);
        put_member(b, first + i, str_from(name), ref, i * SLOT, wire, wire);
    }
    if (!map)
        b->shape[index].size = element_size(&b->shape[b->member[first].shape]);
}

static unsigned
flags_of(struct builder *b, const struct json *ref)
{
    struct str format = trait(b, ref, "timestampFormat");
    const struct json *flat = json_get(ref, "flattened");
    unsigned flags = 0;

    if (!flat)
        flat = json_get(target(b, ref), "flattened");
    if (flat && flat->truth)
        flags |= API_FLAT;
    if (str_is(format, "iso8601"))
        flags |= API_TIME_ISO << 4;
    else if (str_is(format, "rfc822"))
        flags |= API_TIME_HTTP << 4;
    else if (str_is(format, "unixTimestamp"))
        flags |= API_TIME_UNIX << 4;
    return flags;
}

static uint16_t
build(struct builder *b, const struct json *ref)
{
    const struct json *shape = target(b, ref);
    unsigned flags = flags_of(b, ref);
    struct str key = str_fmt(b->arena, "%.*s %u", STR_ARG(json_text(ref, "shape")), flags);

    for (size_t i = 0; i < b->n_shapes; i++)
        if (str_eq(b->shape_key[i], key))
            return (uint16_t)i;
    size_t index = b->n_shapes++;

    CHECK(shape && index < SHAPES_MAX);
    b->shape_key[index] = key;
    b->shape[index].kind = kind_of(json_text(shape, "type"));
    b->shape[index].flags = (uint8_t)flags;
    if (b->shape[index].kind == API_STRUCT)
        build_struct(b, index, shape);
    else if (b->shape[index].kind == API_LIST || b->shape[index].kind == API_MAP)
        build_container(b, index, shape, b->shape[index].kind == API_MAP);
    return (uint16_t)index;
}

static uint16_t
build_side(struct builder *b, const struct json *ref)
{
    if (ref)
        return build(b, ref);
    size_t index = b->n_shapes++;

    b->shape_key[index] = S("(none)");
    b->shape[index] = (struct api_shape){.kind = API_STRUCT, .size = SLOT};
    return (uint16_t)index;
}

struct vector_model *
vector_model(struct arena *a, const struct json *suite, const struct json *given)
{
    struct vector_model *m = ARENA_NEW(a, struct vector_model);
    struct builder b = {
        .arena = a,
        .shapes = json_get(suite, "shapes"),
        .ec2 = str_is(json_text(json_get(suite, "metadata"), "protocol"), "ec2"),
        .shape = ARENA_ARRAY(a, struct api_shape, SHAPES_MAX),
        .member = ARENA_ARRAY(a, struct api_member, MEMBERS_MAX),
        .shape_key = ARENA_ARRAY(a, struct str, SHAPES_MAX),
    };
    const struct json *output = json_get(given, "output");
    struct str name = json_text(given, "name"), wrap = json_text(output, "resultWrapper");

    buf_init(&b.pool, 1 << 20);
    pool(&b, S(""));
    if (!wrap.p)
        wrap = str_fmt(a, "%.*sResult", STR_ARG(name));
    m->op = (struct api_op){
        .name = pool(&b, name),
        .wrap = pool(&b, wrap),
        .handler = API_NONE,
        .dry_run = API_NONE,
        .page_in = API_NONE,
        .page_limit = API_NONE,
        .page_out = API_NONE,
    };
    m->op.input = build_side(&b, json_get(given, "input"));
    m->op.output = build_side(&b, output);
    for (size_t i = 0; i < API_POOL_SLACK; i++)
        buf_add_char(&b.pool, 0);
    m->service = (struct api_service){
        .name = "vectors",
        .xmlns = "https://example.com/",
        .protocol = b.ec2 ? API_EC2 : API_QUERY,
        .pool = arena_dup(a, b.pool.p, b.pool.n),
        .shapes = b.shape,
        .members = b.member,
        .limits = ARENA_ARRAY(a, struct api_limit, 1),
        .ops = &m->op,
        .n_ops = 1,
    };
    buf_done(&b.pool);
    return m;
}

/* ---- values ---- */

static void fill(struct arena *a, const struct api_service *s, const struct api_shape *shape,
                 const struct json *j, void *slot, bool element);

static double
float_of(const struct json *j)
{
    double v;

    if (j->kind == JSON_STRING)
        return str_is(j->text, "NaN") ? (double)NAN
                                      : (j->text.p[0] == '-' ? -1.0 : 1.0) * (double)INFINITY;
    CHECK(json_f64(j, &v));
    return v;
}

static void
fill_members(struct arena *a, const struct api_service *s, const struct api_shape *shape,
             const struct json *j, void *base)
{
    for (size_t i = 0; i < shape->n; i++) {
        const struct api_member *m = &s->members[shape->first + i];
        const struct json *value = json_get_str(j, api_member_name(s, m));

        if (value && value->kind != JSON_NULL)
            fill(a, s, &s->shapes[m->shape], value, (char *)base + m->offset, false);
    }
}

static void
fill_container(struct arena *a, const struct api_service *s, const struct api_shape *shape,
               const struct json *j, struct str_list *list)
{
    const struct api_member *m = &s->members[shape->first];
    char *v = j->n ? arena_alloc(a, j->n * shape->size) : API_EMPTY;

    for (size_t i = 0; i < j->n; i++) {
        char *item = v + i * shape->size;

        if (shape->kind == API_LIST) {
            fill(a, s, &s->shapes[m->shape], &j->v[i], item, true);
        } else {
            *(struct str *)(void *)item = j->names[i];
            fill(a, s, &s->shapes[m[1].shape], &j->v[i], item + m[1].offset, false);
        }
    }
    list->v = (void *)v;
    list->n = j->n;
}

static void
fill(struct arena *a, const struct api_service *s, const struct api_shape *shape,
     const struct json *j, void *slot, bool element)
{
    int64_t v = 0;
    void *inner;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
        *(struct str *)slot = j->text;
        return;
    case API_BOOL:
        if (element)
            *(bool *)slot = j->truth;
        else
            *(struct opt_bool *)slot = opt_bool(j->truth);
        return;
    case API_INT:
    case API_LONG:
    case API_TIME:
        v = shape->kind == API_TIME ? (int64_t)llround(float_of(j) * 1000) : 0;
        CHECK(shape->kind == API_TIME || json_i64(j, &v));
        if (element)
            *(int64_t *)slot = v;
        else
            *(struct opt_i64 *)slot = opt_i64(v);
        return;
    case API_FLOAT:
    case API_DOUBLE:
        if (element)
            *(double *)slot = float_of(j);
        else
            *(struct opt_f64 *)slot = opt_f64(float_of(j));
        return;
    case API_STRUCT:
        inner = element ? slot : arena_alloc(a, shape->size);
        if (!element)
            *(void **)slot = inner;
        fill_members(a, s, shape, j, inner);
        return;
    case API_LIST:
    case API_MAP:
        fill_container(a, s, shape, j, slot);
        return;
    }
}

void *
vector_fill(struct arena *a, const struct api_service *s, const struct api_shape *shape,
            const struct json *j)
{
    void *value = arena_alloc(a, shape->size);

    fill_members(a, s, shape, j, value);
    return value;
}

static void show(struct arena *a, const struct api_service *s, const struct api_shape *shape,
                 const void *slot, bool element, struct buf *out);

static void
show_members(struct arena *a, const struct api_service *s, const struct api_shape *shape,
             const void *base, struct buf *out)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < shape->n; i++) {
        const struct api_member *m = &s->members[shape->first + i];
        size_t before = out->n;

        buf_add_fmt(out, "%.*s=", STR_ARG(api_member_name(s, m)));
        size_t value = out->n;

        show(a, s, &s->shapes[m->shape], (const char *)base + m->offset, false, out);
        if (out->n == value)
            out->n = before; /* absent */
        else
            buf_add_char(out, ' ');
    }
    buf_add_char(out, '}');
}

static int
text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
show_container(struct arena *a, const struct api_service *s, const struct api_shape *shape,
               const struct str_list *list, struct buf *out)
{
    struct str_list parts = {0};

    for (size_t i = 0; i < list->n; i++) {
        const char *item = (const char *)list->v + i * shape->size;
        struct buf one;

        buf_init(&one, 1 << 20);
        if (shape->kind == API_MAP)
            show_members(a, s, shape, item, &one);
        else
            show(a, s, &s->shapes[s->members[shape->first].shape], item, true, &one);
        *LIST_PUSH(a, &parts) = str_dup(a, buf_str(&one));
        buf_done(&one);
    }
    if (parts.n == 0)
        return;
    if (shape->kind == API_MAP)
        qsort(parts.v, parts.n, sizeof(*parts.v), text_order);
    buf_add_char(out, '[');
    LIST_EACH(&parts, part)
        buf_add_fmt(out, "%.*s,", STR_ARG(*part));
    buf_add_char(out, ']');
}

static void
show(struct arena *a, const struct api_service *s, const struct api_shape *shape,
     const void *slot, bool element, struct buf *out)
{
    const struct str *text = slot;
    const struct opt_i64 *number = slot;
    const struct opt_bool *flag = slot;
    const struct opt_f64 *real = slot;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
        if (text->p)
            buf_add_fmt(out, "\"%.*s\"", STR_ARG(*text));
        return;
    case API_BOOL:
        if (element || flag->set)
            buf_add_fmt(out, "%d", element ? *(const bool *)slot : flag->v);
        return;
    case API_INT:
    case API_LONG:
    case API_TIME:
        if (element || number->set)
            buf_add_i64(out, element ? *(const int64_t *)slot : number->v);
        return;
    case API_FLOAT:
    case API_DOUBLE:
        if (element || real->set)
            buf_add_fmt(out, "%.17g", element ? *(const double *)slot : real->v);
        return;
    case API_STRUCT:
        if (!element && !*(const void *const *)slot)
            return;
        show_members(a, s, shape, element ? slot : *(const void *const *)slot, out);
        return;
    case API_LIST:
    case API_MAP:
        show_container(a, s, shape, slot, out);
        return;
    }
}

struct str
vector_show(struct arena *a, const struct api_service *s, const struct api_shape *shape,
            const void *value)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    show_members(a, s, shape, value, &out);
    struct str text = str_dup(a, buf_str(&out));

    buf_done(&out);
    return text;
}

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
    } entities[] = {{"&lt;", "<"},   {"&gt;", ">"},      {"&amp;", "&"},   {"&quot;", "\""},
                    {"&apos;", "'"}, {"&#xD;", "\r"},    {"&#xA;", "\n"},  {"&#xa;", "\n"},
                    {"&#xd;", "\r"}, {"&#x85;", "\xc2\x85"}, {"&#x2028;", "\xe2\x80\xa8"},
                    {"&#10;", "\n"}, {"&#13;", "\r"}};
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
            if (!done[i] && (best == SIZE_MAX ||
                             str_cmp(e->children.v[i].name, e->children.v[best].name) < 0))
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

void
vector_each(const char *file,
            void (*fn)(struct arena *a, const struct json *suite, const struct json *one))
{
    struct arena *keep = test_arena();
    struct str path = str_fmt(keep, "%s/vectors/protocols/%s", test_shared(), file);
    struct str text = test_read_file(str_cstr(keep, path));
    struct json suites;
    size_t at;

    if (!json_parse(keep, text, 1000000, &suites, &at))
        FAIL("%s is not JSON at byte %zu", file, at);
    CHECK(suites.n > 0);
    for (size_t i = 0; i < suites.n; i++) {
        const struct json *cases = json_get(&suites.v[i], "cases");

        for (size_t j = 0; j < cases->n; j++) {
            struct arena a;

            arena_init(&a, 64 << 20);
            fn(&a, &suites.v[i], &cases->v[j]);
            arena_done(&a);
        }
    }
}
