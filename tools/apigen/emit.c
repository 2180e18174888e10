/*
 * Writes the header (structs, handlers' prototypes, enum values) and the tables.
 *
 * Struct definitions need no sorting: containers come first and hold pointers only, maps'
 * entries next, then structures, which hold containers by value and each other by pointer.
 */
#include "apigen.h"

static void
add(struct buf *out, const char *text)
{
    buf_add_str(out, str_from(text));
}

/* ---- the header ---- */

/* Whether this container's C struct is defined by us and not by model.h. */
static bool
own_container(const struct gen *g, const struct shape *s)
{
    struct str prefix = S("struct ");

    return (s->kind == API_LIST || s->kind == API_MAP) &&
           str_starts(str_cut(s->c_name, prefix.n, s->c_name.n), g->name);
}

static void
container(const struct shape *s, struct buf *out)
{
    if (s->kind == API_MAP)
        buf_add_fmt(out, "%.*s {\n    %.*sEntry *v;\n    size_t n;\n};\n", STR_ARG(s->c_name),
                    STR_ARG(s->c_name));
    else
        buf_add_fmt(out, "%.*s {\n    %.*s *v;\n    size_t n;\n};\n", STR_ARG(s->c_name),
                    STR_ARG(s->members.v[0].type->c_name));
}

static void
struct_body(struct gen *g, const struct shape *s, const char *suffix, struct buf *out)
{
    buf_add_fmt(out, "%.*s%s {\n", STR_ARG(s->c_name), suffix);
    LIST_EACH(&s->members, m)
        buf_add_fmt(out, "    %.*s%.*s;\n", STR_ARG(member_decl(g, m->type)), STR_ARG(m->c_name));
    if (s->members.n == 0)
        add(out, "    char nothing_;\n");
    add(out, "};\n");
}

static bool
first_of_name(struct gen *g, struct map *seen, struct str name)
{
    if (map_find(seen, name))
        return false;
    map_put(&g->arena, seen, name, 1);
    return true;
}

#define ENUM_CONSTANTS_MAX 40

static void
enum_constants(struct gen *g, const struct shape *s, struct map *seen, struct buf *out)
{
    if (s->values.n > ENUM_CONSTANTS_MAX)
        return;
    LIST_EACH(&s->values, v) {
        struct str name = str_fmt(&g->arena, "%.*s_%.*s_%.*s", STR_ARG(macro(&g->arena, g->name)),
                                  STR_ARG(macro(&g->arena, s->name)),
                                  STR_ARG(macro(&g->arena, *v)));

        if (first_of_name(g, seen, name))
            buf_add_fmt(out, "#define %.*s S(\"%.*s\")\n", STR_ARG(name), STR_ARG(*v));
    }
}

void
emit_header(struct gen *g, struct buf *out)
{
    struct map seen = {0};

    buf_add_fmt(out,
                "/* The API of %.*s %.*s.  Made by apigen; api/model.h says what values look like. "
                "*/\n"
                "#pragma once\n\n#include \"api/model.h\"\n\n",
                STR_ARG(g->name), STR_ARG(g->version));
    for (size_t i = 0; i < g->shapes.n; i++)
        if (own_container(g, g->shapes.v[i]) && first_of_name(g, &seen, g->shapes.v[i]->c_name))
            container(g->shapes.v[i], out);
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];

        if (s->kind == API_MAP &&
            first_of_name(g, &seen, str_cat(&g->arena, s->c_name, S("Entry"))))
            struct_body(g, s, "Entry", out);
    }
    for (size_t i = 0; i < g->shapes.n; i++)
        if (g->shapes.v[i]->kind == API_STRUCT)
            struct_body(g, g->shapes.v[i], "", out);
    add(out, "\n");
    for (size_t i = 0; i < g->shapes.n; i++)
        if (g->shapes.v[i]->kind == API_ENUM)
            enum_constants(g, g->shapes.v[i], &seen, out);
    add(out, "\n/* Numbers of the structures, for tables that name one. */\n");
    for (size_t i = 0; i < g->shapes.n; i++)
        if (g->shapes.v[i]->kind == API_STRUCT)
            buf_add_fmt(out, "#define %.*s_SHAPE_%.*s %zu\n",
                        STR_ARG(macro(&g->arena, g->name)), STR_ARG(g->shapes.v[i]->name), i);
    add(out, "\n");
    LIST_EACH(&g->ops, op)
        if (op->handler.p)
            buf_add_fmt(out,
                        "int %.*s(struct api_call *call, const %.*s *req,\n    %.*s *res);\n",
                        STR_ARG(op->handler), STR_ARG(op->input->c_name),
                        STR_ARG(op->output->c_name));
    buf_add_fmt(out, "\nextern const struct api_service %.*s_service;\n", STR_ARG(g->name));
}

/* ---- the tables ---- */

struct pool {
    struct gen *g;
    struct map at;
    struct buf text; /* as C literals */
    uint32_t bytes;
};

static uint32_t
pool_add(struct pool *p, struct str s)
{
    struct str key = s.p ? s : S("");
    uint32_t *known = map_find(&p->at, key);

    if (known)
        return *known;
    uint32_t at = p->bytes;

    assert(!memchr(key.p, 0, key.n));
    map_put(&p->g->arena, &p->at, key, at);
    add(&p->text, "    \"");
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];

        if (c == '"' || c == '\\')
            buf_add_fmt(&p->text, "\\%c", c);
        else if (c < 32 || c > 126)
            buf_add_fmt(&p->text, "\\%03o", c);
        else
            buf_add_char(&p->text, (char)c);
    }
    add(&p->text, "\\0\"\n");
    p->bytes += (uint32_t)key.n + 1;
    return at;
}

static uint32_t
pool_tag(struct pool *p, struct str name)
{
    return pool_add(p, str_fmt(&p->g->arena, "</%.*s>", STR_ARG(name)));
}

static bool
has_members(const struct shape *s)
{
    return s->kind == API_STRUCT || s->kind == API_LIST || s->kind == API_MAP;
}

static void
number_shapes(struct gen *g)
{
    uint32_t members = 0, values = 0;

    if (g->shapes.n >= API_NONE)
        die_at(g->file, 0, "there are more shapes than the tables can number");
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];

        s->index = (uint32_t)i;
        s->first = s->kind == API_ENUM ? values : members;
        if (has_members(s))
            members += (uint32_t)s->members.n;
        values += (uint32_t)s->values.n;
    }
}

static void
limit_value(struct buf *out, int64_t v)
{
    if (v == API_NO_MIN)
        add(out, "API_NO_MIN");
    else if (v == API_NO_MAX)
        add(out, "API_NO_MAX");
    else
        buf_add_fmt(out, "%lld", (long long)v);
}

static void
limits_table(struct gen *g, struct pool *pool, struct buf *out)
{
    struct map seen = {0};
    uint32_t n = 1;

    add(out, "static const struct api_limit limits[] = {\n    {API_NO_MIN, API_NO_MAX, 0},\n");
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];

        if (s->min == API_NO_MIN && s->max == API_NO_MAX && !s->pattern.p)
            continue;
        struct str key = str_fmt(&g->arena, "%lld %lld %.*s", (long long)s->min,
                                 (long long)s->max, STR_ARG(s->pattern));
        uint32_t *known = map_find(&seen, key);

        s->limit = known ? *known : n;
        if (known)
            continue;
        map_put(&g->arena, &seen, key, n++);
        add(out, "    {");
        limit_value(out, s->min);
        add(out, ", ");
        limit_value(out, s->max);
        buf_add_fmt(out, ", %u},\n", pool_add(pool, s->pattern));
    }
    add(out, "};\n\n");
}

static void
shape_size(const struct shape *s, struct buf *out)
{
    assert(s->c_name.n > 0);
    if (s->kind == API_STRUCT)
        buf_add_fmt(out, "sizeof(%.*s)", STR_ARG(s->c_name));
    else if (s->kind == API_LIST)
        buf_add_fmt(out, "sizeof(%.*s)", STR_ARG(s->members.v[0].type->c_name));
    else if (s->kind == API_MAP)
        buf_add_fmt(out, "sizeof(%.*sEntry)", STR_ARG(s->c_name));
    else
        add(out, "0");
}

static const char *const kinds[] = {
    "API_STRING", "API_ENUM", "API_BLOB", "API_DOCUMENT", "API_BOOL", "API_INT", "API_LONG",
    "API_FLOAT", "API_DOUBLE", "API_TIME", "API_STRUCT", "API_LIST", "API_MAP"};

static void
shapes_table(struct gen *g, struct pool *pool, struct buf *out)
{
    add(out, "static const struct api_shape shapes[] = {\n");
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];
        size_t n = s->kind == API_ENUM ? s->values.n : s->members.n;

        buf_add_fmt(out, "    {%u, %u, %zu, ", pool_add(pool, s->name), s->first, n);
        shape_size(s, out);
        buf_add_fmt(out, ", %u, %s, %u},\n", s->limit, kinds[s->kind],
                    s->flags | (unsigned)s->time << 4);
    }
    add(out, "};\n\n");
}

static void
members_table(struct gen *g, struct pool *pool, struct buf *out)
{
    add(out, "static const struct api_member members[] = {\n");
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];
        const char *suffix = s->kind == API_MAP ? "Entry" : "";

        LIST_EACH(&s->members, m) {
            unsigned flags = m->flags | (m->required ? (unsigned)API_REQUIRED : 0);

            if (m->name.n > UINT8_MAX || m->query.n > UINT8_MAX || m->xml.n > UINT8_MAX ||
                m->wire.n > UINT8_MAX)
                die_at(g->file, m->line, "a name is longer than the tables can say");
            /* One after the other: the order of texts must not depend on the compiler. */
            uint32_t name = pool_add(pool, m->name), query = pool_add(pool, m->query);
            uint32_t tag = pool_tag(pool, m->xml), wire = pool_add(pool, m->wire);

            buf_add_fmt(out, "    {%u, %u, %u, %u, %u, ", name, query, tag, wire,
                        m->type->index);
            if (s->kind == API_LIST)
                add(out, "0");
            else
                buf_add_fmt(out, "offsetof(%.*s%s, %.*s)", STR_ARG(s->c_name), suffix,
                            STR_ARG(m->c_name));
            buf_add_fmt(out, ", %zu, %zu, %zu, %zu, %u, %d, %s},\n", m->name.n, m->query.n,
                        m->wire.n, m->xml.n, flags, (int)m->place, kinds[m->type->kind]);
        }
    }
    add(out, "    {0},\n};\n\n");
}

static void
enums_table(struct gen *g, struct pool *pool, struct buf *out)
{
    add(out, "static const uint32_t enums[] = {\n");
    for (size_t i = 0; i < g->shapes.n; i++)
        LIST_EACH(&g->shapes.v[i]->values, v)
            buf_add_fmt(out, "    %u,\n", pool_add(pool, *v));
    add(out, "    0,\n};\n\n");
}

static void
errors_table(struct gen *g, struct pool *pool, struct buf *out, unsigned *ret_n)
{
    unsigned n = 0;

    add(out, "static const struct api_error_shape errors[] = {\n");
    for (size_t i = 0; i < g->shapes.n; i++) {
        struct shape *s = g->shapes.v[i];

        if (!s->is_error)
            continue;
        buf_add_fmt(out, "    {%u, %zu, %d, %s},\n", pool_add(pool, s->code), i, s->http,
                    s->fault ? "true" : "false");
        n++;
    }
    add(out, "    {0},\n};\n\nstatic const uint16_t op_errors[] = {\n");
    LIST_EACH(&g->ops, op)
        LIST_EACH(&op->errors, e)
            buf_add_fmt(out, "    %u,\n", shape_find(g, *e)->index);
    add(out, "    0,\n};\n\n");
    *ret_n = n;
}

static void
thunks(struct gen *g, struct buf *out, unsigned *ret_n)
{
    unsigned n = 0;

    LIST_EACH(&g->ops, op)
        if (op->handler.p)
            buf_add_fmt(out,
                        "static int\nrun_%.*s(struct api_call *call, const void *req, void *res)\n"
                        "{\n    return %.*s(call, req, res);\n}\n\n",
                        STR_ARG(op->name), STR_ARG(op->handler));
    add(out, "static api_handler *const handlers[] = {\n");
    LIST_EACH(&g->ops, op)
        if (op->handler.p) {
            buf_add_fmt(out, "    run_%.*s,\n", STR_ARG(op->name));
            n++;
        }
    add(out, "    NULL,\n};\n\n");
    *ret_n = n;
}

/* The number of a member within its struct, or API_NONE when no name is given. */
static unsigned
member_number(struct gen *g, const struct op *op, const struct shape *s, struct str name)
{
    if (name.n == 0)
        return API_NONE;
    for (size_t i = 0; i < s->members.n; i++)
        if (str_eq(s->members.v[i].name, name))
            return (unsigned)i;
    die_at(g->file, op->line, "paging of '%.*s' names '%.*s', which '%.*s' does not have",
           STR_ARG(op->name), STR_ARG(name), STR_ARG(s->name));
}

/* REST JSON services do not refuse a dry run that would do: Lambda answers as if it was done. */
static unsigned
dry_run_number(const struct gen *g, const struct op *op)
{
    if (g->protocol == API_REST_JSON)
        return API_NONE;
    for (size_t i = 0; i < op->input->members.n; i++)
        if (str_is(op->input->members.v[i].name, "DryRun") &&
            op->input->members.v[i].type->kind == API_BOOL)
            return (unsigned)i;
    return API_NONE;
}

static void
resources_table(struct gen *g, struct pool *pool, struct buf *out)
{
    add(out, "static const struct api_resource_type resources[] = {\n");
    LIST_EACH(&g->resources, r) {
        uint32_t name = pool_add(pool, r->name), arn = pool_add(pool, r->arn);

        buf_add_fmt(out, "    {%u, %u},\n", name, arn);
    }
    add(out, "    {0},\n};\n\n");
}

static void
ons_table(struct gen *g, struct pool *pool, struct buf *out, size_t *ret_n)
{
    *ret_n = 0;
    add(out, "static const struct api_on ons[] = {\n");
    LIST_EACH(&g->ops, op)
        LIST_EACH(&op->ons, on) {
            size_t resource = on->resource == SIZE_MAX ? API_NONE : on->resource;

            buf_add_fmt(out, "    {%u, %zu, {", pool_add(pool, on->action), resource);
            for (size_t i = 0; i < API_ON_DEPTH; i++)
                buf_add_fmt(out, "%u, ", on->path[i]);
            buf_add_fmt(out, "}, %u},\n", on->flags);
            ++*ret_n;
        }
    add(out, "    {0},\n};\n\n");
    if (*ret_n >= API_NONE)
        die_at(g->file, 0, "there are more decisions than the tables can number");
}

static void
ops_table(struct gen *g, struct pool *pool, struct buf *out)
{
    unsigned handler = 0;
    size_t error = 0, on = 0;

    add(out, "static const struct api_op ops[] = {\n");
    LIST_EACH(&g->ops, op) {
        unsigned dry_run = dry_run_number(g, op);
        unsigned flags = op->flags | (dry_run == API_NONE ? 0 : (unsigned)API_DRY_RUN);
        struct str wrap_text = op->wrap.p                      ? op->wrap
                               : g->protocol == API_REST_XML ? op->output->name
                                                             : str_cat(&g->arena, op->name,
                                                                       S("Result"));
        uint32_t name = pool_add(pool, op->name), wrap = pool_add(pool, wrap_text);
        unsigned page_in = member_number(g, op, op->input, op->page_in);
        unsigned limit = member_number(g, op, op->input, op->page_limit);
        unsigned page_out = member_number(g, op, op->output, op->page_out);

        buf_add_fmt(out, "    {%u, %u, %zu, %zu, %u, %u, ", name, wrap, error, op->errors.n,
                    op->input->kept ? op->input->index : (unsigned)API_NONE,
                    op->output->kept ? op->output->index : (unsigned)API_NONE);
        buf_add_fmt(out, "%u, %u, %d, %u, %u, %u, %u, %zu, %zu},\n",
                    op->handler.p ? handler++ : (unsigned)API_NONE, flags, op->http, dry_run,
                    page_in, limit, page_out, on, op->ons.n);
        error += op->errors.n;
        on += op->ons.n;
    }
    add(out, "    {0},\n};\n\n");
}

static void
route_row(struct gen *g, struct pool *pool, const struct op *op, size_t *segment,
          size_t *condition, struct buf *routes, struct buf *segments, struct buf *conditions)
{
    const struct route *r = &op->route;

    buf_add_fmt(routes, "    {%u, %zu, %zu, %zu, %zu, %zu},\n", pool_add(pool, op->method),
                *segment, *condition, r->op, r->segments.n, r->conditions.n);
    LIST_EACH(&r->segments, s) {
        bool label = str_starts(*s, S("{"));

        buf_add_fmt(segments, "    {%u, %u, %s},\n", pool_add(pool, label ? S("") : *s),
                    label ? route_label(g, op, *s) : (unsigned)API_NONE,
                    !label                   ? "API_LITERAL"
                    : str_ends(*s, S("+}")) ? "API_GREEDY"
                                             : "API_LABEL");
    }
    LIST_EACH(&r->conditions, c) {
        uint32_t name = pool_add(pool, c->name), value = pool_add(pool, c->value);

        buf_add_fmt(conditions, "    {%u, %u, %s},\n", name, value,
                    c->header ? "true" : "false");
    }
    *segment += r->segments.n;
    *condition += r->conditions.n;
}

static void
routes_tables(struct gen *g, struct pool *pool, struct buf *out, size_t *ret_n)
{
    struct op **v = routes_sorted(g, ret_n);
    struct buf segments, conditions;
    size_t segment = 0, condition = 0;

    buf_init(&segments, out->max);
    buf_init(&conditions, out->max);
    add(out, "static const struct api_route routes[] = {\n");
    for (size_t i = 0; i < *ret_n; i++)
        route_row(g, pool, v[i], &segment, &condition, out, &segments, &conditions);
    add(out, "    {0},\n};\n\nstatic const struct api_segment segments[] = {\n");
    buf_add_str(out, buf_str(&segments));
    add(out, "    {0},\n};\n\nstatic const struct api_condition conditions[] = {\n");
    buf_add_str(out, buf_str(&conditions));
    add(out, "    {0},\n};\n\n");
    out->failed |= buf_failed(&segments) || buf_failed(&conditions);
    buf_done(&segments);
    buf_done(&conditions);
}

static void
quoted_or_null(struct buf *out, const char *name, struct str value)
{
    if (value.p)
        buf_add_fmt(out, "    .%s = \"%.*s\",\n", name, STR_ARG(value));
}

static void
service_table(struct gen *g, const struct pool *pool, unsigned n_errors, unsigned n_handlers,
              size_t n_routes, size_t n_ons, struct buf *out)
{
    static const char *const protocols[API_N_PROTOCOLS] = {
        "API_EC2", "API_QUERY", "API_JSON", "API_REST_JSON", "API_REST_XML", "API_CBOR"};
    size_t n_members = 0;

    for (size_t i = 0; i < g->shapes.n; i++)
        n_members += g->shapes.v[i]->members.n;
    buf_add_fmt(out, "const struct api_service %.*s_service = {\n", STR_ARG(g->name));
    quoted_or_null(out, "name", g->name);
    quoted_or_null(out, "version", g->version);
    quoted_or_null(out, "endpoint", g->endpoint);
    quoted_or_null(out, "signing", g->signing);
    quoted_or_null(out, "xmlns", g->xmlns);
    quoted_or_null(out, "target", g->target);
    quoted_or_null(out, "json", g->json);
    quoted_or_null(out, "global", g->global);
    buf_add_fmt(out,
                "    .protocol = %s,\n    .protocols = %u,\n    .query_compatible = %s,\n"
                "    .bare_errors = %s,\n    .milliseconds = %s,\n",
                protocols[g->protocol], g->protocols, g->query_compatible ? "true" : "false",
                g->bare_errors ? "true" : "false", g->milliseconds ? "true" : "false");
    buf_add_fmt(out,
                "    .pool = pool,\n    .shapes = shapes,\n"
                "    .members = members,\n    .limits = limits,\n    .enums = enums,\n"
                "    .errors = errors,\n    .op_errors = op_errors,\n    .ops = ops,\n"
                "    .resources = resources,\n    .ons = ons,\n"
                "    .handlers = handlers,\n    .routes = routes,\n    .segments = segments,\n"
                "    .conditions = conditions,\n    .n_shapes = %zu,\n    .n_ops = %zu,\n"
                "    .n_errors = %u,\n    .n_handlers = %u,\n    .n_routes = %zu,\n"
                "    .n_resources = %zu,\n    .n_ons = %zu,\n"
                "    .n_members = %zu,\n    .pool_bytes = %u,\n};\n",
                g->shapes.n, g->ops.n, n_errors, n_handlers, n_routes, g->resources.n, n_ons,
                n_members, pool->bytes);
}

void
emit_tables(struct gen *g, struct buf *out)
{
    struct pool pool = {.g = g};
    struct buf tables;
    unsigned n_errors, n_handlers;
    size_t n_routes, n_ons;

    buf_init(&tables, out->max);
    buf_init(&pool.text, out->max);
    pool_add(&pool, S(""));
    number_shapes(g);
    limits_table(g, &pool, &tables);
    shapes_table(g, &pool, &tables);
    members_table(g, &pool, &tables);
    enums_table(g, &pool, &tables);
    errors_table(g, &pool, &tables, &n_errors);
    thunks(g, &tables, &n_handlers);
    resources_table(g, &pool, &tables);
    ons_table(g, &pool, &tables, &n_ons);
    ops_table(g, &pool, &tables);
    routes_tables(g, &pool, &tables, &n_routes);
    service_table(g, &pool, n_errors, n_handlers, n_routes, n_ons, &tables);

    buf_add_fmt(out,
                "/* The tables of %.*s.  Made by apigen; see api/model.h. */\n"
                "#include \"gen/api/%.*s.h\"\n\nstatic const char pool[] =\n",
                STR_ARG(g->name), STR_ARG(g->name));
    buf_add_str(out, buf_str(&pool.text));
    /* Writers copy tags in pieces of fixed size, API_POOL_SLACK at most, past a tag's end. */
    add(out, "    \"");
    for (size_t i = 0; i < API_POOL_SLACK; i++)
        add(out, "\\0");
    add(out, "\";\n\n");
    buf_add_str(out, buf_str(&tables));
    out->failed |= buf_failed(&tables) || buf_failed(&pool.text);
    buf_done(&tables);
    buf_done(&pool.text);
}
