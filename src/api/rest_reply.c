/*
 * Replies of REST: status, headers and body of an output; faults.
 */
#include "api/encode_doc.h"
#include "api/encode_xml.h"
#include "api/rest.h"
#include "api/scalar.h"
#include "base/list.h"
#include "base/timefmt.h"

struct writer {
    struct api_call *call;
    const struct api_service *service;
    struct api_reply *reply;
    bool xml;
};

/* ---- headers ---- */

static struct str
time_text(struct arena *a, const struct api_shape *shape, int64_t ms)
{
    assert(shape->kind == API_TIME);
    switch (API_TIME_OF(shape)) {
    case API_TIME_ISO:
        return ms % 1000 ? time_iso(a, ms) : time_iso_s(a, ms);
    case API_TIME_UNIX:
        return str_fmt(a, "%lld", (long long)(ms / 1000));
    case API_TIME_DEFAULT:
    case API_TIME_HTTP:
        break;
    }
    return time_http(a, ms);
}

static struct str
number_text(struct arena *a, double v)
{
    struct buf b;

    buf_init(&b, 64);
    buf_add_f64(&b, v);
    struct str text = str_dup(a, buf_str(&b));

    buf_done(&b);
    return text;
}

static struct str
scalar_text(struct arena *a, const struct api_member *m, const struct api_shape *shape,
            const void *slot, bool element)
{
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
        return m->flags & API_JSON_TEXT ? str_base64(a, *api_slot_str(slot)) : *api_slot_str(slot);
    case API_BLOB:
    case API_DOCUMENT:
        return str_base64(a, *api_slot_str(slot));
    case API_BOOL:
        return api_slot_bool(slot, element) ? S("true") : S("false");
    case API_INT:
    case API_LONG:
        return str_fmt(a, "%lld", (long long)api_slot_i64(slot, element));
    case API_FLOAT:
    case API_DOUBLE:
        return number_text(a, api_slot_f64(slot, element));
    case API_TIME:
        return time_text(a, shape, api_slot_i64(slot, element));
    case API_STRUCT:
    case API_LIST:
    case API_MAP:
        break;
    }
    assert(!"a header holds scalars");
    return S("");
}

/* An element with a comma or a quote in it is quoted. */
static struct str
quoted(struct arena *a, struct str s)
{
    assert(str_ok(s));
    if (str_find_char(s, ',') == SIZE_MAX && str_find_char(s, '"') == SIZE_MAX)
        return s;
    char *out = arena_alloc_raw(a, 2 * s.n + 2);
    size_t n = 0;

    out[n++] = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            out[n++] = '\\';
        out[n++] = s.p[i];
    }
    out[n++] = '"';
    return str_of(out, n);
}

static struct str
list_text(const struct writer *x, const struct api_member *m, const struct api_shape *shape,
          const struct str_list *list)
{
    struct arena *a = x->call->arena;
    const struct api_shape *inner = &x->service->shapes[x->service->members[shape->first].shape];
    struct str_list parts = {0};

    assert(shape->kind == API_LIST);
    for (size_t i = 0; i < list->n; i++) {
        const char *item = (const char *)list->v + i * shape->size;
        struct str text = scalar_text(a, m, inner, item, true);

        *LIST_PUSH(a, &parts) = inner->kind <= API_ENUM ? quoted(a, text) : text;
    }
    return str_join(a, &parts, S(", "));
}

static void
put_header(const struct writer *x, const struct api_member *m, const void *slot)
{
    const struct api_shape *shape = &x->service->shapes[m->shape];
    struct str name = api_member_wire(x->service, m);
    struct str value = shape->kind == API_LIST ? list_text(x, m, shape, slot)
                                               : scalar_text(x->call->arena, m, shape, slot, false);

    assert(m->place == API_IN_HEADER);
    if (str_eq_nocase(name, S("Content-Type")))
        x->reply->content_type = str_dup(x->call->arena, value);
    else if (str_eq_nocase(name, S("Content-Length")))
        x->reply->length = *(const struct opt_i64 *)slot; /* the server's to say */
    else
        api_reply_header(x->call->arena, x->reply, name, value);
}

static void
put_headers(const struct writer *x, const struct api_member *m, const struct str_list *map)
{
    const struct api_shape *shape = &x->service->shapes[m->shape];
    size_t value_at = x->service->members[shape->first + 1].offset;
    struct str prefix = api_member_wire(x->service, m);

    assert(m->place == API_IN_HEADERS);
    for (size_t i = 0; i < map->n; i++) {
        const char *entry = (const char *)map->v + i * shape->size;
        struct str name = str_cat(x->call->arena, prefix, *api_slot_str(entry));

        api_reply_header(x->call->arena, x->reply, name, *api_slot_str(entry + value_at));
    }
}

/* What is not in the body, of an output or of an error.  Answers the payload, or NULL. */
static const struct api_member *
put_places(const struct writer *x, const struct api_shape *shape, const void *base, bool *ret_body)
{
    const struct api_member *payload = NULL;

    *ret_body = false;
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &x->service->members[shape->first + i];
        const void *slot = (const char *)base + m->offset;

        if (m->place == API_IN_PAYLOAD)
            payload = m;
        *ret_body |= API_IN_REPLY_BODY(m);
        if (!api_is_set(m->kind, slot))
            continue;
        if (m->place == API_IN_HEADER)
            put_header(x, m, slot);
        else if (m->place == API_IN_HEADERS)
            put_headers(x, m, slot);
        else if (m->place == API_IN_STATUS)
            x->reply->status = (int)api_slot_i64(slot, false);
    }
    return payload;
}

/* ---- bodies ---- */

static void
default_type(const struct writer *x, struct str type)
{
    assert(type.n > 0);
    if (x->reply->content_type.n == 0)
        x->reply->content_type = type;
}

static void
put_payload(const struct writer *x, const struct api_member *m, const void *slot)
{
    const struct api_shape *shape = &x->service->shapes[m->shape];
    struct buf *body = &x->reply->body;

    assert(m->place == API_IN_PAYLOAD);
    if (!api_is_set(shape->kind, slot))
        return;
    if (shape->kind <= API_BLOB) {
        default_type(x, shape->kind == API_BLOB ? S("application/octet-stream") : S("text/plain"));
        buf_add_str(body, *api_slot_str(slot));
    } else if (x->xml) {
        default_type(x, S("application/xml"));
        api_encode_xml_payload(x->service, m, slot, body);
    } else {
        default_type(x, S("application/json"));
        api_encode_doc_member(x->service, m, API_DOC_JSON, slot, body);
    }
}

/* S3 names the request twice: AWS's second name of it is one that only AWS can read. */
static void
host_id(struct api_call *call, struct api_reply *reply)
{
    api_reply_header(call->arena, reply, S("x-amz-request-id"), call->request_id);
    api_reply_header(call->arena, reply, S("x-amz-id-2"), call->request_id);
}

void
api_rest_encode(struct api_call *call, const struct api_request *req, const void *out,
                struct api_reply *reply)
{
    const struct api_shape *output = api_shape(call->service, call->op->output);
    struct writer x = {call, call->service, reply, call->wire->protocol == API_REST_XML};
    bool body;

    assert(out && call->op);
    (void)req;
    reply->status = call->op->http ? call->op->http : 200;
    if (x.xml && call->service->bare_errors)
        host_id(call, reply);
    const struct api_member *payload = put_places(&x, output, out, &body);

    if (reply->status == 204 || reply->status == 304)
        return;
    if (payload) {
        put_payload(&x, payload, (const char *)out + payload->offset);
    } else if (x.xml && body) {
        default_type(&x, S("application/xml"));
        api_encode_xml_root(call->service, call->op, out, &reply->body);
    } else if (!x.xml && (body || output->n == 0) && !(call->op->flags & API_NO_OUTPUT)) {
        default_type(&x, S("application/json"));
        api_encode_doc(call->service, output, API_DOC_JSON, out, &reply->body);
    }
}

/* ---- faults ---- */

void
api_rest_encode_fault(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    const struct api_error_shape *error =
        call->service ? api_error_find(call->service, call->fault.code) : NULL;
    struct writer x = {call, call->service, reply, call->wire->protocol == API_REST_XML};
    bool body;

    assert(call->fault.http >= 300);
    (void)req;
    reply->content_type = STR_NONE;
    if (call->fault.detail)
        put_places(&x, api_shape(call->service, error->shape), call->fault.detail, &body);
    reply->status = call->fault.http;
    if (x.xml) {
        if (call->service && call->service->bare_errors)
            host_id(call, reply);
        reply->content_type = S("application/xml");
        api_encode_xml_fault(call->service, &call->fault, call->request_id, &reply->body);
        return;
    }
    struct str type =
        error ? str_from(api_text(call->service, call->service->shapes[error->shape].name))
              : call->fault.code;

    api_reply_header(call->arena, reply, S("x-amzn-errortype"), type);
    reply->content_type = S("application/json");
    api_encode_doc_fault(call->service, &call->fault, STR_NONE, API_DOC_JSON, &reply->body);
}
