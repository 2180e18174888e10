/*
 * Routes and requests of REST; rest_reply.c has the replies.
 *
 * A path is cut into slices on the stack and compared with the routes in their order, so that
 * finding an operation allocates nothing.  Segments are compared as they were sent: literals in
 * AWS's URIs have nothing that a client would percent-code.
 */
#include "api/rest.h"

#include "api/decode_doc.h"
#include "api/decode_xml.h"
#include "api/scalar.h"
#include "base/list.h"
#include "codec/uri.h"

static const struct api_error ERR_UNKNOWN_OPERATION = {"UnknownOperationException", 404};
static const struct api_error ERR_METHOD = {"MethodNotAllowed", 405};

/* ---- routes ---- */

struct path {
    struct str v[API_SEGMENTS_MAX];
    size_t n;
    struct str whole;
};

/* Without the empty segment of a slash at the end; a path of more segments than any route has
 * keeps the rest in the last one, for a greedy label. */
static void
cut_path(struct str whole, struct path *ret)
{
    struct str rest = str_starts(whole, S("/")) ? str_cut(whole, 1, whole.n) : whole;

    assert(str_ok(whole));
    ret->whole = whole;
    ret->n = 0;
    while (rest.p && rest.n) {
        if (ret->n == API_SEGMENTS_MAX - 1) {
            ret->v[ret->n++] = rest;
            return;
        }
        ret->v[ret->n++] = str_split(&rest, '/');
    }
}

static struct str
path_of(const struct api_request *req)
{
    return req->route.p ? req->route : req->http.path;
}

/* What a greedy label takes: from its segment to the end, slashes and all. */
static struct str
greedy(const struct path *path, size_t i)
{
    size_t from = (size_t)(path->v[i].p - path->whole.p);

    assert(i <= path->n);
    return str_cut(path->whole, from, path->whole.n);
}

static bool
fits_path(const struct api_service *s, const struct api_route *route, const struct path *path)
{
    const struct api_segment *segment = &s->segments[route->first_segment];

    for (size_t i = 0; i < route->n_segments; i++, segment++) {
        if (i >= path->n)
            return false;
        if (segment->kind == API_GREEDY)
            return true;
        if (segment->kind == API_LABEL ? path->v[i].n == 0
                                       : !str_is(path->v[i], api_text(s, segment->text)))
            return false;
    }
    return route->n_segments == path->n;
}

static bool
fits_condition(const struct api_service *s, const struct api_condition *c,
               const struct api_request *req)
{
    struct str want = str_from(api_text(s, c->name)), name, value, rest = req->http.query;

    if (c->header)
        return api_header(req, want).p != NULL;
    while (uri_query_next(&rest, &name, &value))
        if (str_eq(name, want))
            return !*api_text(s, c->value) || str_is(value, api_text(s, c->value));
    return false;
}

const struct api_route *
api_rest_route(const struct api_service *service, const struct api_request *req)
{
    struct path path;

    cut_path(path_of(req), &path);
    for (size_t i = 0; i < service->n_routes; i++) {
        const struct api_route *route = &service->routes[i];
        const struct api_condition *c = &service->conditions[route->first_condition];
        size_t n = 0;

        if (!str_is(req->http.method, api_text(service, route->method)) ||
            !fits_path(service, route, &path))
            continue;
        while (n < route->n_conditions && fits_condition(service, &c[n], req))
            n++;
        if (n == route->n_conditions)
            return route;
    }
    return NULL;
}

int
api_rest_find(struct api_call *call, const struct api_request *req)
{
    const struct api_route *route = api_rest_route(call->service, req);

    assert(call->service);
    if (!route && call->wire->protocol == API_REST_XML)
        return api_fault(call, &ERR_METHOD,
                         "The specified method is not allowed against this resource.");
    if (!route)
        return api_fault(call, &ERR_UNKNOWN_OPERATION, "%s", "");
    call->op = &call->service->ops[route->op];
    return 0;
}

/* ---- members outside of the body ---- */

struct reader {
    struct api_call *call;
    const struct api_service *service;
    const struct api_request *req;
    const struct api_shape *input;
    void *in;
};

static const struct api_member *
input_member(const struct reader *r, size_t i)
{
    assert(i < r->input->n);
    return &r->service->members[r->input->first + i];
}

static void *
slot_of(const struct reader *r, const struct api_member *m)
{
    return (char *)r->in + m->offset;
}

static int
bad_value(struct reader *r, const struct api_member *m, const char *want)
{
    return api_refuse(&r->call->fault, r->call->arena,
                      r->call->wire->protocol == API_REST_XML ? "InvalidArgument"
                                                              : "SerializationException",
                      "The value of %.*s is not %s", STR_ARG(api_member_wire(r->service, m)), want);
}

/* A scalar from a label, parameter or header. */
static int
read_scalar(struct reader *r, const struct api_member *m, const struct api_shape *shape,
            struct str text, void *slot, bool element)
{
    const char *want;

    if (!str_is_utf8(text))
        return bad_value(r, m, "UTF-8");
    if ((m->flags & API_JSON_TEXT) && m->place == API_IN_HEADER)
        return str_unbase64(r->call->arena, text, slot) ? 0 : bad_value(r, m, "base64 text");
    want = api_scalar_parse(r->call->arena, shape, text, slot, element);
    return want ? bad_value(r, m, want) : 0;
}

static int
push_scalar(struct reader *r, const struct api_member *m, const struct api_shape *list,
            struct str text)
{
    const struct api_member *element = &r->service->members[list->first];
    struct str_list *slot = slot_of(r, m); /* any list has this layout */
    void *item = list_push(r->call->arena, (void **)&slot->v, &slot->n, list->size);

    assert(list->kind == API_LIST);
    return read_scalar(r, m, &r->service->shapes[element->shape], text, item, true);
}

static int
read_labels(struct reader *r, const struct api_route *route)
{
    const struct api_segment *segment = &r->service->segments[route->first_segment];
    struct path path;
    struct str text;
    int result = 0;

    cut_path(path_of(r->req), &path);
    for (size_t i = 0; i < route->n_segments && !result; i++, segment++) {
        if (segment->kind == API_LITERAL)
            continue;
        const struct api_member *m = input_member(r, segment->member);

        text = segment->kind == API_GREEDY ? greedy(&path, i) : path.v[i];
        if (!uri_decode(r->call->arena, text, 0, &text))
            return bad_value(r, m, "percent-encoded well");
        result = read_scalar(r, m, &r->service->shapes[m->shape], text, slot_of(r, m), false);
    }
    return result;
}

/* ---- the query string ---- */

/* Into a map {K:V} or {K:[V]}. */
static void
put_parameter(struct reader *r, const struct api_member *m, struct str name, struct str value)
{
    const struct api_shape *map = &r->service->shapes[m->shape];
    const struct api_member *parts = &r->service->members[map->first];
    const struct api_shape *inner = &r->service->shapes[parts[1].shape];
    struct str_list *list = slot_of(r, m);
    char *entry = NULL;

    for (size_t i = 0; i < list->n; i++) {
        char *known = (char *)list->v + i * map->size;

        if (str_eq(*(struct str *)(void *)known, name))
            entry = known;
    }
    if (!entry)
        entry = list_push(r->call->arena, (void **)&list->v, &list->n, map->size);
    *(struct str *)(void *)entry = name;
    if (inner->kind == API_LIST)
        *LIST_PUSH(r->call->arena, (struct str_list *)(void *)(entry + parts[1].offset)) = value;
    else
        *(struct str *)(void *)(entry + parts[1].offset) = value;
}

/* The member of that place and name; without a name (a map), the first. */
static const struct api_member *
find_place(const struct reader *r, enum api_place place, struct str name)
{
    for (size_t i = 0; i < r->input->n; i++) {
        const struct api_member *m = input_member(r, i);
        bool map = r->service->shapes[m->shape].kind == API_MAP;

        if (m->place != place || map != (name.p == NULL))
            continue;
        if (map || str_eq(api_member_wire(r->service, m), name))
            return m;
    }
    return NULL;
}

static bool
is_condition(const struct reader *r, const struct api_route *route, struct str name)
{
    const struct api_condition *c = &r->service->conditions[route->first_condition];

    for (size_t i = 0; i < route->n_conditions; i++)
        if (!c[i].header && str_is(name, api_text(r->service, c[i].name)))
            return true;
    return false;
}

static int
read_parameter(struct reader *r, const struct api_route *route, struct str name, struct str value)
{
    const struct api_member *m = find_place(r, API_IN_QUERY, name);
    const struct api_member *map = find_place(r, API_IN_QUERY, STR_NONE);

    if (map && !is_condition(r, route, name) && !str_starts(name, S("X-Amz-")))
        put_parameter(r, map, name, value);
    if (!m)
        return 0;
    if (r->service->shapes[m->shape].kind == API_LIST)
        return push_scalar(r, m, &r->service->shapes[m->shape], value);
    return read_scalar(r, m, &r->service->shapes[m->shape], value, slot_of(r, m), false);
}

static int
read_query(struct reader *r, const struct api_route *route)
{
    struct str rest = r->req->http.query, name, value;
    int result = 0;

    while (!result && uri_query_next(&rest, &name, &value)) {
        if (!uri_decode(r->call->arena, name, URI_PLUS_BLANK, &name) ||
            !uri_decode(r->call->arena, value.p ? value : S(""), URI_PLUS_BLANK, &value) ||
            !str_is_utf8(name) || !str_is_utf8(value))
            return api_refuse(&r->call->fault, r->call->arena,
                              r->call->wire->protocol == API_REST_XML ? "InvalidURI"
                                                                      : "SerializationException",
                              "Couldn't parse the specified URI.");
        result = read_parameter(r, route, name, value);
    }
    return result;
}

/* ---- headers ---- */

/* Cuts one element off a list: a quoted one may have commas, and \" and \\ in it. */
static struct str
next_element(struct arena *a, struct str *rest)
{
    struct str s = str_trim(*rest);

    assert(str_ok(*rest));
    if (!str_starts(s, S("\"")))
        return str_trim(str_split(rest, ','));
    char *out = arena_alloc_raw(a, s.n);
    size_t n = 0, i = 1;

    for (; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        out[n++] = s.p[i];
    }
    *rest = str_cut(s, MIN(i + 1, s.n), s.n);
    str_split(rest, ','); /* what may stand between the quote and the comma */
    return str_of(out, n);
}

/* "Mon, 16 Dec 2019 23:48:18 GMT" has a comma of its own. */
static struct str
next_date(struct str *rest)
{
    struct str s = str_trim(*rest);
    size_t comma = str_find_char(s, ',');

    assert(str_ok(*rest));
    if (comma == SIZE_MAX || s.n == 0 || (s.p[0] >= '0' && s.p[0] <= '9'))
        return str_trim(str_split(rest, ','));
    struct str tail = str_cut(s, comma + 1, s.n);
    size_t n = str_find_char(tail, ',');
    struct str date = str_trim(str_cut(s, 0, n == SIZE_MAX ? s.n : comma + 1 + n));

    *rest = n == SIZE_MAX ? STR_NONE : str_cut(tail, n + 1, tail.n);
    return date;
}

static int
read_header_list(struct reader *r, const struct api_member *m, struct str value)
{
    const struct api_shape *list = &r->service->shapes[m->shape];
    const struct api_shape *element = &r->service->shapes[r->service->members[list->first].shape];
    enum api_time form = API_TIME_OF(element);
    bool dates = element->kind == API_TIME && (form == API_TIME_DEFAULT || form == API_TIME_HTTP);
    int result = 0;

    while (!result && value.p)
        result = push_scalar(r, m, list,
                             dates ? next_date(&value) : next_element(r->call->arena, &value));
    return result;
}

static int
read_header(struct reader *r, const struct api_member *m)
{
    struct str value = api_header(r->req, api_member_wire(r->service, m));

    assert(m->place == API_IN_HEADER);
    if (!value.p || value.n == 0)
        return 0;
    if (r->service->shapes[m->shape].kind == API_LIST)
        return read_header_list(r, m, value);
    return read_scalar(r, m, &r->service->shapes[m->shape], value, slot_of(r, m), false);
}

static int
read_headers(struct reader *r, const struct api_member *m)
{
    struct str prefix = api_member_wire(r->service, m);

    assert(m->place == API_IN_HEADERS);
    for (size_t i = 0; i < r->req->http.n_headers; i++) {
        const struct http_header *h = &r->req->http.headers[i];

        if (!str_eq_nocase(str_cut(h->name, 0, prefix.n), prefix) || h->name.n == prefix.n)
            continue;
        if (!str_is_utf8(h->value))
            return bad_value(r, m, "UTF-8");
        put_parameter(r, m, str_cut(h->name, prefix.n, h->name.n), h->value);
    }
    return 0;
}

/* ---- the body ---- */

static int
read_document(struct reader *r, const struct api_shape *shape, void *base)
{
    struct api_call *call = r->call;

    if (call->wire->protocol == API_REST_XML)
        return api_decode_xml(call->service, shape, call->arena, r->req->http.body, base,
                              &call->fault);
    return api_decode_doc(call->service, shape, &doc_json, call->arena, r->req->http.body, base,
                          &call->fault);
}

static int
read_payload(struct reader *r, const struct api_member *m)
{
    const struct api_shape *shape = &r->service->shapes[m->shape];
    struct str body = r->req->http.body;
    void *slot = slot_of(r, m);

    assert(m->place == API_IN_PAYLOAD);
    if (body.n == 0)
        return 0;
    if (shape->kind == API_STRUCT && r->call->wire->protocol == API_REST_XML) {
        void *base = arena_alloc(r->call->arena, shape->size);

        *(void **)slot = base;
        return read_document(r, shape, base);
    }
    if (shape->kind <= API_BLOB) {
        if (shape->kind != API_BLOB && !str_is_utf8(body))
            return bad_value(r, m, "UTF-8");
        *(struct str *)slot = body;
        return 0;
    }
    return api_decode_doc_member(r->service, m, &doc_json, r->call->arena, body, slot,
                                 &r->call->fault);
}

static const struct api_route *
route_of(const struct api_call *call)
{
    const struct api_service *s = call->service;

    for (size_t i = 0; i < s->n_routes; i++)
        if (&s->ops[s->routes[i].op] == call->op)
            return &s->routes[i];
    assert(!"an operation that was found by its route");
    return NULL;
}

int
api_rest_decode(struct api_call *call, const struct api_request *req, void *in)
{
    const struct api_shape *input = api_shape(call->service, call->op->input);
    const struct api_route *route = route_of(call);
    struct reader r = {call, call->service, req, input, in};
    bool body = false, payload = false;
    int result = read_labels(&r, route);

    assert(in);
    if (!result)
        result = read_query(&r, route);
    for (size_t i = 0; i < input->n && !result; i++) {
        const struct api_member *m = input_member(&r, i);

        payload |= m->place == API_IN_PAYLOAD;
        body |= m->place == API_IN_BODY;
        if (m->place == API_IN_HEADER)
            result = read_header(&r, m);
        else if (m->place == API_IN_HEADERS)
            result = read_headers(&r, m);
        else if (m->place == API_IN_PAYLOAD)
            result = read_payload(&r, m);
    }
    if (!result && body && !payload)
        result = read_document(&r, input, in);
    return result;
}
