/*
 * As decode_doc.c, for elements.  A flat list has no element around it: each time its name comes
 * up is one more of its elements, even when others stand between.
 */
#include "api/decode_xml.h"

#include "api/decode_doc.h"
#include "api/decode_query.h"
#include "api/scalar.h"
#include "base/list.h"
#include "codec/xml.h"

struct decoder {
    const struct api_service *service;
    struct xml_in in;
    size_t bytes_left;
};

static bool decode_value(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag,
                         void *slot, bool element);

static bool
fail(struct decoder *d)
{
    d->in.failed = true;
    return false;
}

static void *
push(struct decoder *d, const struct api_shape *shape, struct str_list *list)
{
    assert(shape->size > 0);
    if (shape->size > d->bytes_left)
        return NULL;
    d->bytes_left -= shape->size;
    return list_push(d->in.arena, (void **)&list->v, &list->n, shape->size);
}

/* ---- containers ---- */

static bool
decode_entry(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag, char *item)
{
    const struct api_member *m = &d->service->members[shape->first];
    struct xml_tag child;

    while (xml_child(&d->in, tag, &child)) {
        bool value = str_eq(child.name, api_member_xml(d->service, &m[1]));

        if (!value && !str_eq(child.name, api_member_xml(d->service, &m[0])))
            xml_skip(&d->in, &child);
        else
            decode_value(d, &d->service->shapes[m[value].shape], &child, item + m[value].offset,
                         false);
    }
    return !d->in.failed;
}

/* One element of a list or entry of a map. */
static bool
decode_item(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag,
            struct str_list *list)
{
    const struct api_member *m = &d->service->members[shape->first];
    char *item = push(d, shape, list);

    if (!item)
        return fail(d);
    if (shape->kind == API_MAP)
        return decode_entry(d, shape, tag, item);
    return decode_value(d, &d->service->shapes[m->shape], tag, item, true);
}

static bool
decode_list(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag,
            struct str_list *list)
{
    struct str name = shape->kind == API_MAP
                          ? S("entry")
                          : api_member_xml(d->service, &d->service->members[shape->first]);
    struct xml_tag child;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    list->v = API_EMPTY;
    list->n = 0;
    while (xml_child(&d->in, tag, &child))
        if (!str_eq(child.name, name))
            xml_skip(&d->in, &child);
        else
            decode_item(d, shape, &child, list);
    return !d->in.failed;
}

static const struct api_member *
find_member(const struct decoder *d, const struct api_shape *shape, struct str name)
{
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &d->service->members[shape->first + i];

        if (m->place == API_IN_BODY && !(m->flags & API_ATTR) &&
            str_eq(xml_local_name(api_member_xml(d->service, m)), name))
            return m;
    }
    return NULL;
}

static void
decode_attrs(struct decoder *d, const struct api_shape *shape, const struct xml_tag *tag,
             void *base)
{
    struct str text;

    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &d->service->members[shape->first + i];

        if ((m->flags & API_ATTR) && xml_attr(&d->in, tag, api_member_xml(d->service, m), &text) &&
            api_scalar_parse(d->in.arena, &d->service->shapes[m->shape], text,
                             (char *)base + m->offset, false))
            fail(d);
    }
}

static bool
decode_members(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag, void *base)
{
    struct xml_tag child;

    decode_attrs(d, shape, tag, base);
    while (xml_child(&d->in, tag, &child)) {
        const struct api_member *m = find_member(d, shape, child.name);
        const struct api_shape *inner = m ? &d->service->shapes[m->shape] : NULL;
        void *slot = m ? (char *)base + m->offset : NULL;

        if (!m)
            xml_skip(&d->in, &child);
        else if ((inner->kind == API_LIST || inner->kind == API_MAP) && inner->flags & API_FLAT)
            decode_item(d, inner, &child, slot);
        else
            decode_value(d, inner, &child, slot, false);
    }
    return !d->in.failed;
}

/* ---- values ---- */

static bool
decode_struct(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag, void *slot,
              bool element)
{
    void *base = slot;

    assert(shape->kind == API_STRUCT);
    if (!element) {
        if (shape->size > d->bytes_left)
            return fail(d);
        d->bytes_left -= shape->size;
        base = arena_alloc(d->in.arena, shape->size);
        *(void **)slot = base;
    }
    return decode_members(d, shape, tag, base);
}

static bool
decode_value(struct decoder *d, const struct api_shape *shape, struct xml_tag *tag, void *slot,
             bool element)
{
    struct str text;

    assert(slot);
    if (shape->kind == API_STRUCT)
        return decode_struct(d, shape, tag, slot, element);
    if (shape->kind == API_LIST || shape->kind == API_MAP)
        return decode_list(d, shape, tag, slot);
    if (!xml_content(&d->in, tag, &text))
        return false;
    if (shape->kind > API_BLOB)
        text = str_trim(text);
    return !api_scalar_parse(d->in.arena, shape, text, slot, element) || fail(d);
}

int
api_decode_xml(const struct api_service *service, const struct api_shape *shape,
               struct arena *arena, struct str body, void *req, struct api_fault *fault)
{
    struct decoder d = {
        .service = service,
        .in = {.arena = arena, .text = body, .tags_left = API_VALUES_MAX},
        .bytes_left = API_DECODED_BYTES_MAX,
    };
    struct xml_tag root;

    assert(str_ok(body));
    assert(shape->kind == API_STRUCT);
    if (body.n == 0)
        return 0;
    if (str_is_utf8(body) && xml_root(&d.in, &root))
        decode_members(&d, shape, &root, req);
    else
        fail(&d);
    if (xml_end(&d.in))
        return 0;
    return api_refuse(fault, arena, "MalformedXML",
                      "The XML you provided was not well-formed or did not validate against our "
                      "published schema");
}
