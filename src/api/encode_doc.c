/* One walk for both forms: they differ in how a scalar and a bracket are written. */
#include "api/encode_doc.h"

#include "api/scalar.h"
#include "base/timefmt.h"
#include "codec/cbor.h"
#include "codec/json.h"

struct writer {
    const struct api_service *service;
    struct json_out json;
    bool cbor;
};

static struct buf *
out_of(const struct writer *x)
{
    return x->json.buf;
}

/* ---- brackets and names ---- */

static void
open_map(struct writer *x)
{
    if (x->cbor)
        cbor_open_map(out_of(x));
    else
        json_open(&x->json, '{');
}

static void
open_list(struct writer *x)
{
    if (x->cbor)
        cbor_open_list(out_of(x));
    else
        json_open(&x->json, '[');
}

static void
close_bracket(struct writer *x, char bracket)
{
    if (x->cbor)
        cbor_close(out_of(x));
    else
        json_close(&x->json, bracket);
}

static void
write_name(struct writer *x, struct str name)
{
    if (x->cbor)
        cbor_text(out_of(x), name);
    else
        json_key(&x->json, name);
}

/* ---- scalars ---- */

static void
write_text(struct writer *x, struct str s)
{
    assert(str_ok(s));
    if (x->cbor)
        cbor_text(out_of(x), s);
    else
        json_str(&x->json, s);
}

static void
write_null(struct writer *x)
{
    if (x->cbor)
        cbor_null(out_of(x));
    else
        json_null(&x->json);
}

static void
write_i64(struct writer *x, int64_t v)
{
    if (x->cbor)
        cbor_int(out_of(x), v);
    else
        json_int(&x->json, v);
}

static void
write_f64(struct writer *x, double v)
{
    if (x->cbor)
        cbor_float(out_of(x), v);
    else
        json_float(&x->json, v);
}

static void
write_time(struct writer *x, const struct api_shape *shape, int64_t ms)
{
    enum api_time form = API_TIME_OF(shape);
    struct arena scratch;

    assert(shape->kind == API_TIME);
    if (!x->cbor && (form == API_TIME_ISO || form == API_TIME_HTTP)) {
        arena_init(&scratch, 4096);
        json_str(&x->json, form == API_TIME_HTTP ? time_http(&scratch, ms)
                           : ms % 1000           ? time_iso(&scratch, ms)
                                                 : time_iso_s(&scratch, ms));
        arena_done(&scratch);
        return;
    }
    if (x->cbor)
        cbor_tag(out_of(x), 1);
    if (ms % 1000 == 0)
        write_i64(x, ms / 1000);
    else
        write_f64(x, (double)ms / 1000);
}

static void
write_blob(struct writer *x, struct str bytes)
{
    struct arena scratch;

    assert(str_ok(bytes));
    if (x->cbor) {
        cbor_bytes(out_of(x), bytes);
        return;
    }
    arena_init(&scratch, 2 * bytes.n + 4096);
    json_str(&x->json, str_base64(&scratch, bytes));
    arena_wipe(&scratch);
    arena_done(&scratch);
}

/* ---- structures ---- */

static void
write_value(struct writer *x, const struct api_shape *shape, const void *slot, bool element);

static void
write_members(struct writer *x, const struct api_shape *shape, const void *base)
{
    const struct api_member *m = &x->service->members[shape->first];

    assert(shape->kind == API_STRUCT);
    for (const struct api_member *end = m + shape->n; m < end; m++) {
        const struct api_shape *inner = &x->service->shapes[m->shape];
        const void *slot = (const char *)base + m->offset;

        if (!API_IN_REPLY_BODY(m) || !api_is_set(m->kind, slot))
            continue;
        write_name(x, api_member_wire(x->service, m));
        write_value(x, inner, slot, false);
    }
}

static void
write_container(struct writer *x, const struct api_shape *shape, const struct str_list *list)
{
    const struct api_member *m = &x->service->members[shape->first];
    bool map = shape->kind == API_MAP;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    assert(list->v || list->n == 0);
    if (map)
        open_map(x);
    else
        open_list(x);
    for (size_t i = 0; i < list->n && !buf_failed(out_of(x)); i++) {
        const char *item = (const char *)list->v + i * shape->size;
        const struct api_shape *inner = &x->service->shapes[m[map].shape];
        /* A number in a list is always there; anything else may be absent. */
        bool may_lack = map || inner->kind < API_BOOL || inner->kind > API_STRUCT;

        if (map) {
            write_name(x, *api_slot_str(item));
            item += m[1].offset;
        }
        if (may_lack && !api_is_set(inner->kind, item))
            write_null(x);
        else
            write_value(x, inner, item, !map);
    }
    close_bracket(x, map ? '}' : ']');
}

static void
write_value(struct writer *x, const struct api_shape *shape, const void *slot, bool element)
{
    assert(slot && shape->kind <= API_MAP);
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
        write_text(x, *api_slot_str(slot));
        return;
    case API_BLOB:
        write_blob(x, *api_slot_str(slot));
        return;
    case API_DOCUMENT:
        assert(!x->cbor); /* the protocol has none */
        json_raw(&x->json, *api_slot_str(slot));
        return;
    case API_BOOL:
        if (x->cbor)
            cbor_bool(out_of(x), api_slot_bool(slot, element));
        else
            json_bool(&x->json, api_slot_bool(slot, element));
        return;
    case API_INT:
    case API_LONG:
        write_i64(x, api_slot_i64(slot, element));
        return;
    case API_FLOAT:
    case API_DOUBLE:
        write_f64(x, api_slot_f64(slot, element));
        return;
    case API_TIME:
        write_time(x, shape, api_slot_i64(slot, element));
        return;
    case API_STRUCT:
        open_map(x);
        write_members(x, shape, api_slot_struct(slot, element));
        close_bracket(x, '}');
        return;
    case API_LIST:
    case API_MAP:
        write_container(x, shape, slot);
        return;
    }
}

void
api_encode_doc(const struct api_service *service, const struct api_shape *shape, enum api_doc form,
               const void *base, struct buf *out)
{
    struct writer x = {service, {.buf = out}, form == API_DOC_CBOR};

    assert(shape->kind == API_STRUCT);
    write_value(&x, shape, base, true);
}

void
api_encode_doc_member(const struct api_service *service, const struct api_member *m,
                      enum api_doc form, const void *slot, struct buf *out)
{
    struct writer x = {service, {.buf = out}, form == API_DOC_CBOR};

    assert(slot);
    write_value(&x, &service->shapes[m->shape], slot, false);
}

/* ---- refusals ---- */

/* What the shape of an error calls its message. */
static struct str
message_name(const struct api_service *service, const struct api_shape *shape)
{
    assert(!shape || shape->kind == API_STRUCT);
    for (unsigned i = 0; shape && i < shape->n; i++) {
        struct str name = api_member_wire(service, &service->members[shape->first + i]);

        if (str_eq_nocase(name, S("message")))
            return name;
    }
    return S("message");
}

void
api_encode_doc_fault(const struct api_service *service, const struct api_fault *fault,
                     struct str type, enum api_doc form, struct buf *out)
{
    const struct api_error_shape *error = service ? api_error_find(service, fault->code) : NULL;
    const struct api_shape *shape = error ? &service->shapes[error->shape] : NULL;
    struct writer x = {service, {.buf = out}, form == API_DOC_CBOR};

    assert(!fault->detail || shape);
    open_map(&x);
    if (type.p) {
        write_name(&x, S("__type"));
        write_text(&x, type);
    }
    if (fault->message.n) {
        write_name(&x, message_name(service, shape));
        write_text(&x, fault->message);
    }
    if (fault->detail)
        write_members(&x, shape, fault->detail);
    close_bracket(&x, '}');
}
