/*
 * Into a struct a value at a time, and back by the writer of JSON replies: what it wrote is read.
 */
#include "cloudformation/convert.h"

#include "api/encode_doc.h"
#include "api/scalar.h"
#include "cloudformation/tree.h"

#define TEXT_MAX ((size_t)4 << 20)

struct convert {
    const struct api_service *service;
    struct arena *arena;
    struct str wrong;
};

static bool value(struct convert *c, const struct api_shape *shape, const struct json *in,
                  void *slot, bool element);

static bool
wrong(struct convert *c, struct str name, const char *expected)
{
    assert(expected[0]);
    if (!c->wrong.p)
        c->wrong = str_fmt(c->arena, "%.*s: expected type: %s", STR_ARG(name), expected);
    assert(c->wrong.p);
    return false;
}

static bool
members(struct convert *c, const struct api_shape *shape, const struct json *in, void *base)
{
    assert(shape->kind == API_STRUCT && base);
    for (size_t i = 0; i < in->n; i++) {
        const struct api_member *m = api_member_find(c->service, shape, in->names[i]);

        if (!m)
            return wrong(c, in->names[i], "no such property");
        if (!value(c, &c->service->shapes[m->shape], &in->v[i], (char *)base + m->offset, false))
            return wrong(c, in->names[i], "another");
    }
    return true;
}

static bool
container(struct convert *c, const struct api_shape *shape, const struct json *in,
          struct str_list *list)
{
    const struct api_member *m = &c->service->members[shape->first];
    bool map = shape->kind == API_MAP;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    if (!map && in->kind != JSON_ARRAY && cfn_scalar(in).p) {
        /* one element is as good as a list of it */
        const struct json one = {.kind = JSON_ARRAY, .v = (struct json *)in, .n = 1};

        return container(c, shape, &one, list);
    }
    if (in->kind != (map ? JSON_OBJECT : JSON_ARRAY))
        return wrong(c, S("#"), map ? "JSONObject" : "JSONArray");
    list->v = API_EMPTY;
    list->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        char *item = list_push(c->arena, (void **)&list->v, &list->n, shape->size);

        if (map)
            *(struct str *)(void *)item = in->names[i];
        if (!value(c, &c->service->shapes[m[map].shape], &in->v[i], item + (map ? m[1].offset : 0),
                   !map))
            return false;
    }
    assert(list->n == in->n);
    return true;
}

static bool
scalar(struct convert *c, const struct api_shape *shape, const struct json *in, void *slot,
       bool element)
{
    struct str text = cfn_scalar(in);

    assert(slot && in->kind != JSON_NULL);
    if (!text.p && (shape->kind == API_STRING || shape->kind == API_DOCUMENT))
        text = cfn_print(c->arena, in, TEXT_MAX);
    if (!text.p)
        return wrong(c, S("#"), "String");
    if (shape->kind <= API_DOCUMENT) {
        *(struct str *)slot = text;
        return shape->kind != API_BLOB || str_unbase64(c->arena, text, slot) ||
               wrong(c, S("#"), "base64");
    }
    const char *expected = api_scalar_parse(c->arena, shape, text, slot, element);

    return !expected || wrong(c, S("#"), expected);
}

static bool
value(struct convert *c, const struct api_shape *shape, const struct json *in, void *slot,
      bool element)
{
    void *base = slot;

    if (in->kind == JSON_NULL)
        return true;
    switch ((enum api_kind)shape->kind) {
    case API_STRUCT:
        if (in->kind != JSON_OBJECT)
            return wrong(c, S("#"), "JSONObject");
        if (!element)
            *(void **)slot = base = arena_alloc(c->arena, shape->size);
        return members(c, shape, in, base);
    case API_LIST:
    case API_MAP:
        return container(c, shape, in, slot);
    default:
        return scalar(c, shape, in, slot, element);
    }
}

struct str
cfn_to_struct(const struct api_service *service, const struct api_shape *shape, struct arena *a,
              const struct json *in, void *base)
{
    struct convert c = {.service = service, .arena = a};

    assert(shape->kind == API_STRUCT && in->kind == JSON_OBJECT);
    members(&c, shape, in, base);
    return c.wrong;
}

/* What REST replies have in headers, or as the whole body: the writer of bodies leaves it out. */
static bool
outside_body(const struct api_service *service, const struct api_shape *shape, struct arena *a,
             const void *base, struct json *ret)
{
    const struct api_member *m = &service->members[shape->first];

    assert(shape->kind == API_STRUCT && ret->kind == JSON_OBJECT);
    for (const struct api_member *end = m + shape->n; m < end; m++) {
        const struct api_shape *inner = &service->shapes[m->shape];
        const void *slot = (const char *)base + m->offset;
        struct str name = str_of(api_text(service, m->name), m->name_n);
        struct json value = {.kind = JSON_NULL};

        if (API_IN_REPLY_BODY(m) || !api_is_set(m->kind, slot))
            continue;
        if (inner->kind == API_STRUCT &&
            !cfn_from_struct(service, inner, a, *(void *const *)slot, &value))
            return false;
        if (inner->kind == API_STRING || inner->kind == API_ENUM)
            value = cfn_text(*(const struct str *)slot);
        if (value.kind != JSON_NULL)
            cfn_put(a, ret, name, value);
    }
    return true;
}

bool
cfn_from_struct(const struct api_service *service, const struct api_shape *shape, struct arena *a,
                const void *base, struct json *ret)
{
    struct buf b;

    assert(shape->kind == API_STRUCT && base);
    buf_init(&b, TEXT_MAX);
    api_encode_doc(service, shape, API_DOC_JSON, base, &b);
    struct str text = buf_failed(&b) ? STR_NONE : str_dup(a, buf_str(&b));

    buf_wipe(&b);
    buf_done(&b);
    return text.p && cfn_read(a, text, ret) && ret->kind == JSON_OBJECT &&
           outside_body(service, shape, a, base, ret);
}
