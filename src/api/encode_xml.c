/*
 * The reply of a large DescribeInstances is megabytes of short tags, so the cost is that of
 * short copies.  Tags come ready from the pool and are copied 32 bytes at a time, past their end
 * (the pool has slack, and room is reserved); a value is searched for what must be escaped on its
 * way, 16 bytes at a time, which hardly ever finds anything.
 */
#include "api/encode_xml.h"

#include "api/scalar.h"
#include "base/timefmt.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * What elements that are made one after the other (struct api_maker) point to in common: where in
 * the reply it was written.  What lies in the scratch is another thing each time.
 */
struct written {
    const void *p;
    const struct api_member *m;
    size_t at, n;
};

struct memo {
    const struct arena *scratch;
    struct written v[64];
};

struct writer {
    const struct api_service *service;
    struct buf *out;
    struct memo *memo; /* of the list that is being made; NULL: none is */
    /* The newest time that was written: neighbours in a list were often made in one second. */
    int64_t *time_s;
    char *time_text; /* TIME_ISO_LEN */
};

/* Room for n bytes and a copy's overshoot, or NULL when the reply is too large. */
static inline char *
room(struct buf *b, size_t n)
{
    n += 2 * API_POOL_SLACK;
    if (__builtin_expect(b->cap - b->n < n, 0) && !buf_reserve(b, n))
        return NULL;
    return b->p + b->n;
}

/* Copies n bytes; may write up to API_POOL_SLACK bytes more, and read as many from the pool. */
static inline char *
copy_pool(char *w, const char *p, size_t n)
{
    if (__builtin_expect(n <= API_POOL_SLACK, 1))
        memcpy(w, p, API_POOL_SLACK);
    else
        memcpy(w, p, n);
    return w + n;
}

static inline char *
start_tag(char *w, const struct writer *x, const struct api_member *m)
{
    *w = '<';
    return copy_pool(w + 1, x->service->pool + m->tag + 2, m->tag_n + 1u);
}

static inline char *
end_tag(char *w, const struct writer *x, const struct api_member *m)
{
    return copy_pool(w, x->service->pool + m->tag, m->tag_n + 3u);
}

static inline bool
is_special(unsigned char c)
{
    return c == '&' || c == '<' || c == '>' || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

#ifdef __SSE2__
/* Tab and newline count here as special too: they are rare, and the slow way knows better. */
static inline __m128i
special_in(__m128i v)
{
    __m128i hit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('&')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('<')));
    hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8('>')));
    return _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
}

static inline __m128i
load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void
store16(char *w, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)w, v);
}
#endif

/*
 * Copies a value and answers whether some of it must be escaped.  Its source has no slack, so the
 * last piece overlaps the one before.  What was loaded is looked at in registers: reading back what
 * was just stored in two pieces would wait for both stores.
 */
static inline bool
copy_value(char *w, const char *p, size_t n)
{
#ifdef __SSE2__
    __m128i hit = _mm_setzero_si128();

    if (n >= 16) {
        __m128i last = load16(p + n - 16);

        for (size_t i = 0; i + 16 < n; i += 16) {
            __m128i v = load16(p + i);

            hit = _mm_or_si128(hit, special_in(v));
            store16(w + i, v);
        }
        store16(w + n - 16, last);
        return _mm_movemask_epi8(_mm_or_si128(hit, special_in(last)));
    }
    if (n >= 8) {
        int64_t a, b;

        memcpy(&a, p, 8);
        memcpy(&b, p + n - 8, 8);
        memcpy(w, &a, 8);
        memcpy(w + n - 8, &b, 8);
        return _mm_movemask_epi8(special_in(_mm_set_epi64x(b, a)));
    }
    if (n >= 4) {
        int32_t a, b;

        memcpy(&a, p, 4);
        memcpy(&b, p + n - 4, 4);
        memcpy(w, &a, 4);
        memcpy(w + n - 4, &b, 4);
        return _mm_movemask_epi8(special_in(_mm_set_epi32(b, a, b, a)));
    }
#endif
    bool special = false;
    for (size_t i = 0; i < n; i++) {
        w[i] = p[i];
        special |= is_special((unsigned char)p[i]);
    }
    return special;
}

static void
escape_slowly(struct buf *out, struct str s)
{
    size_t from = 0;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (!is_special(c))
            continue;
        buf_add(out, s.p + from, i - from);
        from = i + 1;
        if (c == '&')
            buf_add_lit(out, "&amp;");
        else if (c == '<')
            buf_add_lit(out, "&lt;");
        else if (c == '>')
            buf_add_lit(out, "&gt;");
        else if (c == '\r')
            buf_add_lit(out, "&#xD;"); /* a parser would turn it into a newline */
        else if (c == 0x7f)
            buf_add_lit(out, "&#x7F;");
        else
            buf_add_lit(out, "\xef\xbf\xbd");
    }
    buf_add(out, s.p + from, s.n - from);
}

void
api_xml_text(struct buf *out, struct str text)
{
    char *w = room(out, text.n);

    assert(str_ok(text));
    if (!w)
        return;
    if (copy_value(w, text.p, text.n))
        escape_slowly(out, text);
    else
        out->n += text.n;
}

/* As the value of an attribute. */
static void
write_quoted(struct buf *out, struct str text)
{
    assert(str_ok(text));
    while (text.p) {
        api_xml_text(out, str_split(&text, '"'));
        if (text.p)
            buf_add_lit(out, "&quot;");
    }
}

static void
open_element(const struct writer *x, const struct api_member *m)
{
    char *w = room(x->out, m->tag_n + 2u);

    if (w)
        x->out->n += (size_t)(start_tag(w, x, m) - w);
}

static void
close_element(const struct writer *x, const struct api_member *m)
{
    char *w = room(x->out, m->tag_n + 3u);

    if (w)
        x->out->n += (size_t)(end_tag(w, x, m) - w);
}

/* ---- scalars ---- */

static inline void
write_text(const struct writer *x, const struct api_member *m, struct str s)
{
    struct buf *b = x->out;
    char *w = room(b, 2u * m->tag_n + 5u + s.n + API_POOL_SLACK), *value;

    if (!w)
        return;
    value = start_tag(w, x, m);
    if (__builtin_expect(copy_value(value, s.p, s.n), 0)) {
        b->n += (size_t)(value - w);
        escape_slowly(b, s);
        close_element(x, m);
        return;
    }
    b->n += (size_t)(end_tag(value + s.n, x, m) - w);
}

/* For text that needs no escaping and is at most 32 bytes. */
static void
write_plain(const struct writer *x, const struct api_member *m, const char *p, size_t n)
{
    char *w = room(x->out, 2u * m->tag_n + 5u + n + API_POOL_SLACK), *end;

    if (!w)
        return;
    assert(n <= 32);
    end = start_tag(w, x, m);
    copy_value(end, p, n);
    x->out->n += (size_t)(end_tag(end + n, x, m) - w);
}

static void
write_i64(const struct writer *x, const struct api_member *m, int64_t v)
{
    char room[STR_I64_MAX];
    struct str s = str_i64(v, room);

    write_plain(x, m, s.p, s.n);
}

static void
write_f64(const struct writer *x, const struct api_member *m, double v)
{
    open_element(x, m);
    buf_add_f64(x->out, v);
    close_element(x, m);
}

static void
write_unix(const struct writer *x, const struct api_member *m, int64_t ms)
{
    if (ms % 1000 == 0)
        write_i64(x, m, ms / 1000);
    else
        write_f64(x, m, (double)ms / 1000);
}

static void
write_http_date(const struct writer *x, const struct api_member *m, int64_t ms)
{
    struct arena scratch;

    arena_init(&scratch, 4096);
    write_text(x, m, time_http(&scratch, ms));
    arena_done(&scratch);
}

static void
write_time(const struct writer *x, const struct api_member *m, const struct api_shape *shape,
           int64_t ms)
{
    enum api_time form = API_TIME_OF(shape);
    char text[TIME_ISO_LEN];
    size_t n = TIME_ISO_LEN;

    assert(shape->kind == API_TIME);
    if (form == API_TIME_UNIX) {
        write_unix(x, m, ms);
        return;
    }
    if (form == API_TIME_HTTP) {
        write_http_date(x, m, ms);
        return;
    }
    int64_t s = floor_div(ms, 1000);
    bool whole = x->service->protocol != API_REST_XML && !x->service->milliseconds;

    if (s != *x->time_s) {
        time_iso_buf(s * 1000, x->time_text);
        *x->time_s = s;
    }
    memcpy(text, x->time_text, TIME_ISO_LEN);
    if (!whole)
        time_iso_buf(ms, text);
    if (whole && x->service->protocol != API_EC2) {
        n = TIME_ISO_LEN - 4;
        text[n - 1] = 'Z';
    }
    write_plain(x, m, text, n);
}

static void
write_blob(const struct writer *x, const struct api_member *m, struct str bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    assert(str_ok(bytes));
    open_element(x, m);
    char *w = bytes.n <= x->out->max ? room(x->out, (bytes.n + 2) / 3 * 4) : NULL;
    if (!w) {
        x->out->failed = true;
        return;
    }
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned v = (unsigned)(unsigned char)bytes.p[i] << 16;

        v |= left > 1 ? (unsigned)(unsigned char)bytes.p[i + 1] << 8 : 0;
        v |= left > 2 ? (unsigned)(unsigned char)bytes.p[i + 2] : 0;
        *w++ = alphabet[v >> 18];
        *w++ = alphabet[v >> 12 & 63];
        *w++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
        *w++ = left > 2 ? alphabet[v & 63] : '=';
    }
    x->out->n = (size_t)(w - x->out->p);
    close_element(x, m);
}

/* ---- structures ---- */

static struct written *
written_of(const struct writer *x, const struct api_member *m, const void *p)
{
    uintptr_t h = ((uintptr_t)p >> 3) ^ ((uintptr_t)m >> 4);

    return &x->memo->v[(h ^ h >> 6) % ARRAY_LEN(x->memo->v)];
}

/* Writes once more what was written of p before; false when it was not. */
static inline bool
write_again(const struct writer *x, const struct api_member *m, const void *p)
{
    const struct written *w;
    char *to;

    if (!x->memo)
        return false;
    w = written_of(x, m, p);
    if (w->p != p || w->m != m)
        return false;
    to = room(x->out, w->n);
    assert(w->at + w->n <= x->out->n);
    if (to) {
        memcpy(to, x->out->p + w->at, w->n);
        x->out->n += w->n;
    }
    return true;
}

static inline void
note_written(const struct writer *x, const struct api_member *m, const void *p, size_t at)
{
    if (!x->memo || buf_failed(x->out) || p == API_EMPTY || arena_holds(x->memo->scratch, p))
        return;
    assert(at <= x->out->n);
    *written_of(x, m, p) = (struct written){p, m, at, x->out->n - at};
}

static void
write_value(const struct writer *x, const struct api_member *m, const void *slot, bool element);

static void
write_members(const struct writer *x, uint32_t first, size_t n, const void *base)
{
    const struct api_member *m = &x->service->members[first];

    assert(base || n == 0);
    for (const struct api_member *end = m + n; m < end; m++) {
        const void *slot = (const char *)base + m->offset;

        /* Most members are text, and most of the others are absent. */
        if (!api_is_set(m->kind, slot) || !API_IN_REPLY_BODY(m) || m->flags & API_ATTR)
            continue;
        if (m->kind <= API_ENUM)
            write_text(x, m, *api_slot_str(slot));
        else
            write_value(x, m, slot, false);
    }
}

/* Takes the '>' of the start tag off again and writes the attributes before it. */
static void
write_attrs(const struct writer *x, const struct api_shape *shape, const void *base)
{
    const struct api_member *m = &x->service->members[shape->first];
    struct buf *out = x->out;

    if (buf_failed(out))
        return;
    assert(out->n > 0 && out->p[out->n - 1] == '>');
    out->n--;
    for (const struct api_member *end = m + shape->n; m < end; m++) {
        struct str name = api_member_xml(x->service, m);

        if (!(m->flags & API_ATTR))
            continue;
        if (str_starts(name, S("xsi:")))
            buf_add_lit(out, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
        const struct str *value = api_slot_str((const char *)base + m->offset);

        if (!value->p)
            continue;
        buf_add_char(out, ' ');
        buf_add_str(out, name);
        buf_add_lit(out, "=\"");
        write_quoted(out, *value);
        buf_add_char(out, '"');
    }
    buf_add_char(out, '>');
}

/* The elements of a list that are made while they are written. */
static void
write_made(const struct writer *x, const struct api_member *element, const struct api_shape *shape,
           struct api_maker *maker)
{
    struct arena scratch;
    struct memo memo = {.scratch = &scratch};
    struct writer made = *x;

    assert(shape->kind == API_LIST && x->service->shapes[element->shape].kind == API_STRUCT);
    arena_init(&scratch, API_MAKER_SCRATCH_BYTES);
    made.memo = &memo;
    for (size_t i = 0; i < maker->n && !buf_failed(x->out); i++) {
        void *item = arena_alloc_raw(&scratch, shape->size);

        maker->make(maker, i, &scratch, item);
        write_value(&made, element, item, true);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

static void
write_struct(const struct writer *x, const struct api_member *m, const struct api_shape *shape,
             const void *p, bool may_be_shared)
{
    size_t at = x->out->n;

    if (may_be_shared && write_again(x, m, p))
        return;
    open_element(x, m);
    if (shape->flags & API_ATTRS)
        write_attrs(x, shape, p);
    write_members(x, shape->first, shape->n, p);
    close_element(x, m);
    if (may_be_shared)
        note_written(x, m, p, at);
}

static void
write_list(const struct writer *x, const struct api_member *m, const struct api_shape *shape,
           const void *slot)
{
    const struct str_list *list = slot; /* any list has this layout */
    const struct api_member *element = &x->service->members[shape->first];
    size_t at = x->out->n;
    bool flat = shape->flags & API_FLAT;
    const char *v = (const char *)list->v;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    if (list->n == 0) {
        if (!flat) {
            open_element(x, m);
            if (!buf_failed(x->out))
                x->out->p[x->out->n - 1] = '/';
            buf_add_char(x->out, '>');
        }
        return;
    }
    if (write_again(x, m, v))
        return;
    if (!flat)
        open_element(x, m);
    if (list->n == API_MADE)
        write_made(x, element, shape, (struct api_maker *)list->v);
    for (size_t i = 0; list->n != API_MADE && i < list->n && !buf_failed(x->out); i++) {
        const void *item = v + i * shape->size;

        if (shape->kind == API_LIST) {
            struct api_member named = *element;

            if (flat) {
                named.tag = m->tag;
                named.tag_n = m->tag_n;
            }
            write_value(x, &named, item, true);
            continue;
        }
        if (flat)
            open_element(x, m);
        else
            buf_add_lit(x->out, "<entry>");
        write_members(x, shape->first, 2, item);
        if (flat)
            close_element(x, m);
        else
            buf_add_lit(x->out, "</entry>");
    }
    if (!flat)
        close_element(x, m);
    if (list->n != API_MADE)
        note_written(x, m, v, at);
}

static void
write_value(const struct writer *x, const struct api_member *m, const void *slot, bool element)
{
    const struct api_shape *shape = &x->service->shapes[m->shape];

    assert(slot);
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_DOCUMENT:
        write_text(x, m, *api_slot_str(slot));
        return;
    case API_BLOB:
        write_blob(x, m, *api_slot_str(slot));
        return;
    case API_BOOL:
        if (api_slot_bool(slot, element))
            write_plain(x, m, "true", 4);
        else
            write_plain(x, m, "false", 5);
        return;
    case API_INT:
    case API_LONG:
        write_i64(x, m, api_slot_i64(slot, element));
        return;
    case API_FLOAT:
    case API_DOUBLE:
        write_f64(x, m, api_slot_f64(slot, element));
        return;
    case API_TIME:
        write_time(x, m, shape, api_slot_i64(slot, element));
        return;
    case API_STRUCT:
        write_struct(x, m, shape, api_slot_struct(slot, element), !element);
        return;
    case API_LIST:
    case API_MAP:
        write_list(x, m, shape, slot);
        return;
    }
}

/* ---- replies ---- */

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
add_c(struct buf *out, const char *text)
{
    buf_add_str(out, str_from(text));
}

static void
add_xmlns(const struct api_service *service, struct buf *out)
{
    if (!service || !service->xmlns)
        return;
    buf_add_lit(out, " xmlns=\"");
    write_quoted(out, str_from(service->xmlns));
    buf_add_char(out, '"');
}

/* With the description's xmlns, which ec2 sends with a slash at its end. */
static void
open_response(const struct api_service *service, struct str op, struct buf *out)
{
    struct str xmlns = str_from(service->xmlns);

    assert(op.n > 0);
    buf_add_lit(out, XML_HEAD "<");
    buf_add_str(out, op);
    buf_add_lit(out, "Response xmlns=\"");
    api_xml_text(out, xmlns);
    if (service->protocol == API_EC2 && !str_ends(xmlns, S("/")))
        buf_add_char(out, '/');
    buf_add_lit(out, "\">");
}

void
api_encode_xml(const struct api_service *service, const struct api_op *op, const void *res,
               struct str request_id, struct buf *out)
{
    int64_t time_s = INT64_MIN;
    char time_text[TIME_ISO_LEN];
    const struct writer x = {service, out, NULL, &time_s, time_text};
    const struct api_shape *output = &service->shapes[op->output];
    struct str name = api_op_name(service, op);

    assert(output->kind == API_STRUCT);
    open_response(service, name, out);
    if (service->protocol == API_EC2) {
        buf_add_lit(out, "<requestId>");
        api_xml_text(out, request_id);
        buf_add_lit(out, "</requestId>");
        if (output->n == 0)
            buf_add_lit(out, "<return>true</return>"); /* what older clients look for */
        write_members(&x, output->first, output->n, res);
    } else {
        /* one that is declared but has no members is there too: clients look for it */
        if (!(op->flags & API_NO_OUTPUT)) {
            buf_add_char(out, '<');
            add_c(out, api_text(service, op->wrap));
            buf_add_char(out, '>');
            write_members(&x, output->first, output->n, res);
            buf_add_lit(out, "</");
            add_c(out, api_text(service, op->wrap));
            buf_add_char(out, '>');
        }
        buf_add_lit(out, "<ResponseMetadata><RequestId>");
        api_xml_text(out, request_id);
        buf_add_lit(out, "</RequestId></ResponseMetadata>");
    }
    buf_add_lit(out, "</");
    buf_add_str(out, name);
    buf_add_lit(out, "Response>");
}

void
api_encode_fault(const struct api_service *service, const struct api_fault *fault,
                 struct str request_id, struct buf *out)
{
    bool ec2 = service && service->protocol == API_EC2;

    assert(fault->code.n > 0);
    if (ec2) {
        buf_add_lit(out, XML_HEAD "<Response><Errors><Error><Code>");
    } else {
        buf_add_lit(out, XML_HEAD "<ErrorResponse");
        add_xmlns(service, out);
        buf_add_lit(out, "><Error><Type>");
        buf_add_str(out, fault->sender ? S("Sender") : S("Receiver"));
        buf_add_lit(out, "</Type><Code>");
    }
    api_xml_text(out, fault->code);
    buf_add_lit(out, "</Code><Message>");
    api_xml_text(out, fault->message);
    buf_add_str(out, ec2 ? S("</Message></Error></Errors><RequestID>")
                         : S("</Message></Error><RequestId>"));
    api_xml_text(out, request_id);
    buf_add_str(out, ec2 ? S("</RequestID></Response>") : S("</RequestId></ErrorResponse>"));
}

/* ---- rest-xml ---- */

void
api_encode_xml_root(const struct api_service *service, const struct api_op *op, const void *res,
                    struct buf *out)
{
    int64_t time_s = INT64_MIN;
    char time_text[TIME_ISO_LEN];
    const struct writer x = {service, out, NULL, &time_s, time_text};
    const struct api_shape *output = &service->shapes[op->output];

    assert(output->kind == API_STRUCT);
    buf_add_lit(out, XML_HEAD "<");
    add_c(out, api_text(service, op->wrap));
    add_xmlns(service, out);
    buf_add_char(out, '>');
    if (output->flags & API_ATTRS)
        write_attrs(&x, output, res);
    write_members(&x, output->first, output->n, res);
    buf_add_lit(out, "</");
    add_c(out, api_text(service, op->wrap));
    buf_add_char(out, '>');
}

void
api_encode_xml_payload(const struct api_service *service, const struct api_member *m,
                       const void *slot, struct buf *out)
{
    int64_t time_s = INT64_MIN;
    char time_text[TIME_ISO_LEN];
    const struct writer x = {service, out, NULL, &time_s, time_text};
    const struct api_shape *shape = &service->shapes[m->shape];
    const void *base = api_slot_struct(slot, false);

    assert(shape->kind == API_STRUCT && base);
    buf_add_lit(out, XML_HEAD "<");
    buf_add_str(out, api_member_xml(service, m));
    add_xmlns(service, out);
    buf_add_char(out, '>');
    if (shape->flags & API_ATTRS)
        write_attrs(&x, shape, base);
    write_members(&x, shape->first, shape->n, base);
    close_element(&x, m);
}

void
api_encode_xml_fault(const struct api_service *service, const struct api_fault *fault,
                     struct str request_id, struct buf *out)
{
    const struct api_error_shape *error = service ? api_error_find(service, fault->code) : NULL;
    bool bare = service && service->bare_errors;
    int64_t time_s = INT64_MIN;
    char time_text[TIME_ISO_LEN];
    const struct writer x = {service, out, NULL, &time_s, time_text};

    assert(fault->code.n > 0 && (!fault->detail || error));
    buf_add_lit(out, XML_HEAD);
    if (!bare) {
        buf_add_lit(out, "<ErrorResponse");
        add_xmlns(service, out);
        buf_add_lit(out, "><Error><Type>");
        buf_add_str(out, fault->sender ? S("Sender") : S("Receiver"));
        buf_add_lit(out, "</Type>");
    } else {
        buf_add_lit(out, "<Error>");
    }
    buf_add_lit(out, "<Code>");
    api_xml_text(out, error ? str_from(api_text(service, error->code)) : fault->code);
    buf_add_lit(out, "</Code><Message>");
    api_xml_text(out, fault->message);
    buf_add_lit(out, "</Message>");
    if (fault->detail) {
        const struct api_shape *shape = &service->shapes[error->shape];

        write_members(&x, shape->first, shape->n, fault->detail);
    }
    if (!bare)
        buf_add_lit(out, "</Error>");
    buf_add_lit(out, "<RequestId>");
    api_xml_text(out, request_id);
    buf_add_lit(out, "</RequestId>");
    if (bare) {
        buf_add_lit(out, "<HostId>");
        api_xml_text(out, request_id);
        buf_add_lit(out, "</HostId>");
    }
    buf_add_str(out, bare ? S("</Error>") : S("</ErrorResponse>"));
}
