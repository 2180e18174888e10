/* Nothing here is shared with apigen or with the codecs that are tested, but for model.h. */
#include "golden/vectors.h"

#include "harness/harness.h"

#include <stdlib.h>

/* ---- descriptions ---- */

struct builder {
    struct arena *arena;
    const struct json *shapes;
    enum api_protocol protocol;
    struct buf pool;
    struct api_shape *shape;
    struct api_member *member;
    struct str *shape_key;
    struct api_segment segment[16];
    struct api_condition condition[16];
    struct api_route route;
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
    } kinds[] = {{"string", API_STRING}, {"integer", API_INT},    {"long", API_LONG},
                 {"float", API_FLOAT},   {"double", API_DOUBLE},  {"boolean", API_BOOL},
                 {"blob", API_BLOB},     {"timestamp", API_TIME}, {"structure", API_STRUCT},
                 {"list", API_LIST},     {"map", API_MAP}};

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

static enum api_place
place_of(struct str location)
{
    static const struct {
        const char *name;
        enum api_place place;
    } places[] = {{"uri", API_IN_PATH},
                  {"querystring", API_IN_QUERY},
                  {"header", API_IN_HEADER},
                  {"headers", API_IN_HEADERS},
                  {"statusCode", API_IN_STATUS}};

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (str_is(location, places[i].name))
            return places[i].place;
    CHECK(!location.p);
    return API_IN_BODY;
}

static bool
is_true(const struct json *j, const char *name)
{
    const struct json *flag = json_get(j, name);

    return flag && flag->truth;
}

/* The others have all in the body, whatever the description says. */
static bool
is_rest(const struct builder *b)
{
    return b->protocol == API_REST_JSON || b->protocol == API_REST_XML;
}

static void
put_member(struct builder *b, size_t at, struct str name, const struct json *ref, size_t offset,
           struct str query, struct str xml)
{
    struct str own = json_text(ref, "locationName"), location = json_text(ref, "location");
    struct str wire = own.p ? own : str_is(location, "headers") ? S("") : name;

    b->member[at] = (struct api_member){
        .name = pool(b, name),
        .query = pool(b, query),
        .tag = pool(b, str_fmt(b->arena, "</%.*s>", STR_ARG(xml))),
        .offset = (uint16_t)offset,
        .name_n = (uint8_t)name.n,
        .query_n = (uint8_t)query.n,
        .tag_n = (uint8_t)xml.n,
        .wire = pool(b, wire),
        .wire_n = (uint8_t)wire.n,
        .place = is_rest(b) ? (uint8_t)place_of(location) : 0,
        .flags = (is_true(ref, "jsonvalue") ? API_JSON_TEXT : 0) |
                 (is_true(ref, "xmlAttribute") ? API_ATTR : 0),
    };
    b->member[at].shape = build(b, ref);
    b->member[at].kind = b->shape[b->member[at].shape].kind;
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
        struct str name = members->names[i], query;
        /* In REST the name that a structure has itself is that of a root. */
        bool root = !is_rest(b) || str_eq(name, json_text(shape, "payload"));
        struct str wire = root ? trait(b, ref, "locationName") : json_text(ref, "locationName");

        if (!wire.p)
            wire = name;
        query = json_text(ref, "queryName");
        if (!query.p)
            query = b->protocol == API_EC2 ? capital(b, wire) : wire;
        put_member(b, first + i, name, ref, i * SLOT, query, wire);
        if (is_rest(b) && str_eq(name, json_text(shape, "payload")))
            b->member[first + i].place = API_IN_PAYLOAD;
        if (b->member[first + i].flags & API_ATTR)
            b->shape[index].flags |= API_ATTRS;
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
    b->shape[index].kind =
        is_true(shape, "document") ? API_DOCUMENT : kind_of(json_text(shape, "type"));
    b->shape[index].name = pool(b, json_text(ref, "shape"));
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

/* ---- routes ---- */

static void
build_route(struct builder *b, const struct json *http, const struct api_shape *input)
{
    struct str query = json_text(http, "requestUri"), path = str_split(&query, '?');
    struct api_route *r = &b->route;

    r->method = pool(b, json_text(http, "method"));
    path = str_cut(path, 1, path.n);
    while (path.p && path.n) {
        struct str part = str_split(&path, '/');
        struct api_segment *segment = &b->segment[r->n_segments++];
        bool greedy = str_ends(part, S("+}"));

        *segment = (struct api_segment){.text = pool(b, part), .member = API_NONE};
        if (!str_starts(part, S("{")))
            continue;
        part = str_cut(part, 1, part.n - (greedy ? 2 : 1));
        segment->kind = greedy ? API_GREEDY : API_LABEL;
        for (uint16_t i = 0; i < input->n; i++)
            if (str_eq(part, str_of(b->pool.p + b->member[input->first + i].wire,
                                    b->member[input->first + i].wire_n)))
                segment->member = i;
        CHECK(segment->member != API_NONE);
    }
    while (query.p) {
        struct str value = str_split(&query, '&'), name = str_split(&value, '=');

        if (name.n)
            b->condition[r->n_conditions++] =
                (struct api_condition){.name = pool(b, name), .value = pool(b, value)};
    }
}

static void
build_error(struct builder *b, const struct json *given, struct vector_model *m)
{
    const struct json *errors = json_get(given, "errors");
    const struct json *ref = errors && errors->n ? &errors->v[0] : NULL;

    if (!ref)
        return;
    const struct json *shape = target(b, ref), *error = json_get(shape, "error");
    struct str code = json_text(error, "code");
    int64_t http = is_true(shape, "fault") ? 500 : 400;

    json_i64(json_get(error, "httpStatusCode"), &http);
    m->error.shape = build(b, ref);
    m->error.code = pool(b, code.p ? code : json_text(ref, "shape"));
    m->error.http = (uint16_t)http;
    m->error.fault = http >= 500;
    m->service.n_errors = 1;
}

static enum api_protocol
protocol_of(struct str name)
{
    static const char *const names[API_N_PROTOCOLS] = {
        "ec2", "query", "json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"};

    for (unsigned i = 0; i < API_N_PROTOCOLS; i++)
        if (str_is(name, names[i]))
            return (enum api_protocol)i;
    FAIL("unknown protocol %.*s", STR_ARG(name));
}

static void
build_op(struct builder *b, const struct json *given, struct vector_model *m)
{
    const struct json *output = json_get(given, "output"), *http = json_get(given, "http");
    struct str name = json_text(given, "name"), wrap = json_text(output, "resultWrapper");
    int64_t status = 0;

    if (!wrap.p)
        wrap = str_fmt(b->arena, "%.*sResult", STR_ARG(name));
    json_i64(json_get(http, "responseCode"), &status);
    m->op = (struct api_op){
        .name = pool(b, name),
        .wrap = pool(b, wrap),
        .handler = API_NONE,
        .flags = output ? 0 : API_NO_OUTPUT,
        .http = (uint16_t)status,
        .dry_run = API_NONE,
        .page_in = API_NONE,
        .page_limit = API_NONE,
        .page_out = API_NONE,
    };
    m->op.input = build_side(b, json_get(given, "input"));
    m->op.output = build_side(b, output);
    if (is_rest(b))
        build_route(b, http, &b->shape[m->op.input]);
}

struct vector_model *
vector_model(struct arena *a, const struct json *suite, const struct json *given)
{
    struct vector_model *m = ARENA_NEW(a, struct vector_model);
    struct builder *b = ARENA_NEW(a, struct builder);
    const struct json *meta = json_get(suite, "metadata");

    b->arena = a;
    b->shapes = json_get(suite, "shapes");
    b->protocol = protocol_of(json_text(meta, "protocol"));
    b->shape = ARENA_ARRAY(a, struct api_shape, SHAPES_MAX);
    b->member = ARENA_ARRAY(a, struct api_member, MEMBERS_MAX);
    b->shape_key = ARENA_ARRAY(a, struct str, SHAPES_MAX);
    buf_init(&b->pool, 1 << 20);
    pool(b, S(""));
    build_op(b, given, m);
    build_error(b, given, m);
    for (size_t i = 0; i < API_POOL_SLACK; i++)
        buf_add_char(&b->pool, 0);
    m->service.name = "vectors";
    m->service.version = "2020-01-01";
    m->service.xmlns = "https://example.com/";
    m->service.target = str_cstr(a, json_text(meta, "targetPrefix"));
    m->service.json = str_cstr(a, json_text(meta, "jsonVersion"));
    m->service.protocol = b->protocol;
    m->service.protocols = (uint8_t)(1u << b->protocol);
    m->service.query_compatible = json_get(meta, "awsQueryCompatible") != NULL;
    m->service.pool = arena_dup(a, b->pool.p, b->pool.n);
    m->service.shapes = b->shape;
    m->service.members = b->member;
    m->service.limits = ARENA_ARRAY(a, struct api_limit, 1);
    m->service.errors = &m->error;
    m->service.ops = &m->op;
    m->service.n_ops = 1;
    m->service.routes = &b->route;
    m->service.segments = b->segment;
    m->service.conditions = b->condition;
    m->service.n_routes = b->route.method ? 1 : 0;
    buf_done(&b->pool);
    return m;
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
