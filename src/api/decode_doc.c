/*
 * No tree is made: the tables say what should come, and each value goes from the body to its
 * slot.  Clients mostly send members in the order of the description, so a look-up begins behind
 * the member that was last found.
 *
 * The sentences of mistakes are those that AWS's JSON services were seen to answer.
 */
#include "api/decode_doc.h"

#include "api/decode_query.h"
#include "api/scalar.h"
#include "base/list.h"
#include "base/timefmt.h"

#include <math.h>

struct decoder {
    const struct api_service *service;
    struct doc_in in;
    struct api_fault *fault;
    size_t bytes_left;
};

static int decode_value(struct decoder *d, const struct api_shape *shape, void *slot, bool element);

/* ---- refusals ---- */

static int
refuse(struct decoder *d, const char *message)
{
    return api_refuse(d->fault, d->in.arena, "SerializationException", "%s", message);
}

static int
no_document(struct decoder *d)
{
    return refuse(d, "");
}

static int
cannot_convert(struct decoder *d, const struct doc_value *v, const char *to)
{
    const char *from = "";

    switch (v->kind) {
    case DOC_LIST:
        return refuse(d, "Start of list found where not expected");
    case DOC_MAP:
        return refuse(d, "Start of structure or map found where not expected.");
    case DOC_BOOL:
        from = v->truth ? "TRUE_VALUE" : "FALSE_VALUE";
        break;
    case DOC_INT:
    case DOC_FLOAT:
    case DOC_NUMBER:
        from = "NUMBER_VALUE";
        break;
    case DOC_TEXT:
        from = "STRING_VALUE";
        break;
    case DOC_BYTES:
        from = "BYTE_STRING_VALUE";
        break;
    case DOC_NULL:
        from = "NULL_VALUE";
        break;
    }
    return api_refuse(d->fault, d->in.arena, "SerializationException",
                      "%s can not be converted to %s", from, to);
}

static bool
spend(struct decoder *d, size_t bytes)
{
    if (bytes > d->bytes_left)
        return false;
    d->bytes_left -= bytes;
    return true;
}

/* ---- scalars ---- */

static int
put_i64(void *slot, bool element, int64_t v)
{
    assert(slot);
    if (element)
        *(int64_t *)slot = v;
    else
        *(struct opt_i64 *)slot = opt_i64(v);
    return 0;
}

static int
decode_integer(struct decoder *d, const struct api_shape *shape, const struct doc_value *v,
               void *slot, bool element)
{
    int64_t i;

    assert(shape->kind == API_INT || shape->kind == API_LONG);
    if (v->kind < DOC_INT || v->kind > DOC_NUMBER)
        return cannot_convert(d, v, shape->kind == API_INT ? "an Integer" : "a Long");
    if (!doc_i64(v, &i) || (shape->kind == API_INT && i != (int32_t)i))
        return no_document(d);
    return put_i64(slot, element, i);
}

static bool
float_word(const struct doc_value *v, double *ret)
{
    if (v->kind != DOC_TEXT)
        return false;
    if (str_is(v->text, "NaN"))
        *ret = (double)NAN;
    else if (str_is(v->text, "Infinity"))
        *ret = (double)INFINITY;
    else if (str_is(v->text, "-Infinity"))
        *ret = -(double)INFINITY;
    else
        return false;
    return true;
}

static int
decode_float(struct decoder *d, const struct api_shape *shape, const struct doc_value *v,
             void *slot, bool element)
{
    double f;

    assert(shape->kind == API_FLOAT || shape->kind == API_DOUBLE);
    if (!doc_f64(v, &f) && !float_word(v, &f))
        return v->kind == DOC_NUMBER
                   ? no_document(d)
                   : cannot_convert(d, v, shape->kind == API_FLOAT ? "a Float" : "a Double");
    if (element)
        *(double *)slot = f;
    else
        *(struct opt_f64 *)slot = opt_f64(f);
    return 0;
}

/* Years 1 to 9999. */
static int
decode_time(struct decoder *d, const struct doc_value *v, void *slot, bool element)
{
    int64_t ms;
    double f;

    if (v->kind == DOC_TEXT && (time_parse_iso(v->text, &ms) || time_parse_http(v->text, &ms)))
        return put_i64(slot, element, ms);
    if (!doc_f64(v, &f))
        return cannot_convert(d, v, "a Timestamp");
    if (!(f > -62135596800.0 && f < 253402300800.0))
        return no_document(d);
    return put_i64(slot, element, (int64_t)floor(f * 1000 + 0.5));
}

static int
decode_blob(struct decoder *d, const struct doc_value *v, struct str *slot)
{
    if (v->kind == DOC_BYTES) {
        *slot = v->text;
        return 0;
    }
    if (v->kind != DOC_TEXT || d->in.format != &doc_json)
        return cannot_convert(d, v, "a Blob");
    return str_unbase64(d->in.arena, v->text, slot) ? 0 : no_document(d);
}

static int
decode_scalar(struct decoder *d, const struct api_shape *shape, const struct doc_value *v,
              void *slot, bool element)
{
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
        if (v->kind != DOC_TEXT)
            return cannot_convert(d, v, "a String");
        *(struct str *)slot = v->text;
        return 0;
    case API_BLOB:
        return decode_blob(d, v, slot);
    case API_BOOL:
        if (v->kind != DOC_BOOL)
            return cannot_convert(d, v, "a Boolean");
        if (element)
            *(bool *)slot = v->truth;
        else
            *(struct opt_bool *)slot = opt_bool(v->truth);
        return 0;
    case API_INT:
    case API_LONG:
        return decode_integer(d, shape, v, slot, element);
    case API_FLOAT:
    case API_DOUBLE:
        return decode_float(d, shape, v, slot, element);
    case API_TIME:
        return decode_time(d, v, slot, element);
    case API_DOCUMENT:
    case API_STRUCT:
    case API_LIST:
    case API_MAP:
        break;
    }
    assert(!"a scalar's shape");
    return -EINVAL;
}

/* ---- containers ---- */

static const struct api_member *
find_member(const struct decoder *d, const struct api_shape *shape, size_t from, struct str name)
{
    const struct api_member *m = &d->service->members[shape->first];

    for (size_t i = 0, at = from; i < shape->n; i++, at++) {
        if (at >= shape->n)
            at = 0;
        if (str_eq(api_member_wire(d->service, &m[at]), name) && m[at].place == API_IN_BODY)
            return &m[at];
    }
    return NULL;
}

static int
decode_members(struct decoder *d, const struct api_shape *shape, struct doc_value *v, void *base)
{
    size_t next = 0;
    struct str name;
    int r = 0;

    while (r == 0 && doc_more(&d->in, v, &name)) {
        const struct api_member *m = find_member(d, shape, next, name);

        if (!m) {
            doc_skip(&d->in);
            continue;
        }
        next = (size_t)(m - &d->service->members[shape->first]) + 1;
        r = decode_value(d, &d->service->shapes[m->shape], (char *)base + m->offset, false);
    }
    return r ? r : d->in.failed ? no_document(d) : 0;
}

static int
decode_struct(struct decoder *d, const struct api_shape *shape, struct doc_value *v, void *slot,
              bool element)
{
    void *base = slot;

    assert(shape->kind == API_STRUCT);
    if (v->kind == DOC_LIST)
        return cannot_convert(d, v, "");
    if (v->kind != DOC_MAP)
        return refuse(d, d->in.depth ? "Expected null" : ""); /* the whole body: no sentence */
    if (!element) {
        if (!spend(d, shape->size))
            return no_document(d);
        base = arena_alloc(d->in.arena, shape->size);
        *(void **)slot = base;
    }
    return decode_members(d, shape, v, base);
}

static int
decode_list(struct decoder *d, const struct api_shape *shape, struct doc_value *v,
            struct str_list *list)
{
    const struct api_member *m = &d->service->members[shape->first];
    bool map = shape->kind == API_MAP;
    struct str name;
    int r = 0;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    if (v->kind != (map ? DOC_MAP : DOC_LIST))
        return v->kind == DOC_LIST || v->kind == DOC_MAP
                   ? cannot_convert(d, v, "")
                   : refuse(d, map ? "Expected map or null" : "Expected list or null");
    list->v = API_EMPTY;
    list->n = 0;
    while (r == 0 && doc_more(&d->in, v, &name)) {
        if (!spend(d, shape->size))
            return no_document(d);
        char *item = list_push(d->in.arena, (void **)&list->v, &list->n, shape->size);

        if (map) {
            *(struct str *)(void *)item = name;
            r = decode_value(d, &d->service->shapes[m[1].shape], item + m[1].offset, false);
        } else {
            r = decode_value(d, &d->service->shapes[m->shape], item, true);
        }
    }
    return r ? r : d->in.failed ? no_document(d) : 0;
}

/* ---- values ---- */

/* A name may come twice, and then the last one counts. */
static void
clear(const struct api_shape *shape, void *slot)
{
    if (shape->kind == API_BOOL)
        *(struct opt_bool *)slot = (struct opt_bool){0};
    else if (shape->kind == API_FLOAT || shape->kind == API_DOUBLE)
        *(struct opt_f64 *)slot = (struct opt_f64){0};
    else if (shape->kind == API_STRUCT)
        *(void **)slot = NULL;
    else if (shape->kind >= API_INT && shape->kind <= API_TIME)
        *(struct opt_i64 *)slot = (struct opt_i64){0};
    else
        *(struct str *)slot = STR_NONE; /* lists and maps too are {pointer, number} */
}

static int
decode_null(struct decoder *d, const struct api_shape *shape, void *slot, bool element)
{
    if (element && d->in.depth == 0)
        return no_document(d);
    if (element && shape->kind >= API_BOOL && shape->kind <= API_STRUCT)
        return cannot_convert(d, &(struct doc_value){.kind = DOC_NULL}, "an element of a list");
    if (!element)
        clear(shape, slot);
    return 0;
}

static int
decode_value(struct decoder *d, const struct api_shape *shape, void *slot, bool element)
{
    struct doc_value v;

    assert(slot && d->in.depth <= DOC_DEPTH_MAX);
    if (shape->kind == API_DOCUMENT) {
        size_t from = d->in.at;

        if (d->in.format != &doc_json || !doc_skip(&d->in))
            return no_document(d);
        *(struct str *)slot = str_trim(str_cut(d->in.text, from, d->in.at));
        return 0;
    }
    if (!doc_next(&d->in, &v))
        return no_document(d);
    if (v.kind == DOC_NULL)
        return decode_null(d, shape, slot, element);
    if (shape->kind == API_STRUCT)
        return decode_struct(d, shape, &v, slot, element);
    if (shape->kind == API_LIST || shape->kind == API_MAP)
        return decode_list(d, shape, &v, slot);
    return decode_scalar(d, shape, &v, slot, element);
}

static int
decode(const struct api_service *service, const struct api_shape *shape,
       const struct doc_format *format, struct arena *arena, struct str body, void *slot,
       bool element, struct api_fault *fault)
{
    struct decoder d = {
        .service = service,
        .in = {.format = format, .arena = arena, .text = body, .values_left = API_VALUES_MAX},
        .fault = fault,
        .bytes_left = API_DECODED_BYTES_MAX,
    };

    if (format == &doc_json && !str_is_utf8(body))
        return no_document(&d);
    int r = decode_value(&d, shape, slot, element);

    return r ? r : doc_end(&d.in) ? 0 : no_document(&d);
}

int
api_decode_doc(const struct api_service *service, const struct api_shape *shape,
               const struct doc_format *format, struct arena *arena, struct str body, void *req,
               struct api_fault *fault)
{
    assert(str_ok(body));
    assert(shape->kind == API_STRUCT);
    if (body.n == 0)
        return 0;
    return decode(service, shape, format, arena, body, req, true, fault);
}

int
api_decode_doc_member(const struct api_service *service, const struct api_member *m,
                      const struct doc_format *format, struct arena *arena, struct str body,
                      void *slot, struct api_fault *fault)
{
    assert(str_ok(body));
    return decode(service, &service->shapes[m->shape], format, arena, body, slot, false, fault);
}
