/* C values from the vectors' JSON, and as text that can be compared. */
#include "golden/vectors.h"
#include "harness/harness.h"

#include <math.h>
#include <stdlib.h>

static struct str
json_of(struct arena *a, const struct json *j)
{
    struct buf b;
    struct json_out out = {.buf = &b};

    buf_init(&b, 1 << 20);
    json_value(&out, j);
    struct str text = str_dup(a, buf_str(&b));

    buf_done(&b);
    return text;
}

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

        if (!value || value->kind == JSON_NULL)
            continue;
        /* A client's value of any kind that the wire has as JSON in a text. */
        if (m->flags & API_JSON_TEXT)
            *(struct str *)(void *)((char *)base + m->offset) =
                value->kind == JSON_STRING ? value->text : json_of(a, value);
        else
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

        if (j->v[i].kind == JSON_NULL) {
            if (shape->kind == API_MAP)
                *(struct str *)(void *)item = j->names[i];
        } else if (shape->kind == API_LIST) {
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
        *(struct str *)slot = j->kind == JSON_STRING ? j->text : json_of(a, j);
        return;
    case API_DOCUMENT:
        *(struct str *)slot = json_of(a, j);
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

        const struct str *text = (const void *)((const char *)base + m->offset);

        if (m->flags & API_JSON_TEXT)
            buf_add_str(out, text->p ? vector_json(a, *text) : S(""));
        else
            show(a, s, &s->shapes[m->shape], text, false, out);
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
show(struct arena *a, const struct api_service *s, const struct api_shape *shape, const void *slot,
     bool element, struct buf *out)
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
    case API_DOCUMENT:
        if (text->p)
            buf_add_str(out, vector_json(a, *text));
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
