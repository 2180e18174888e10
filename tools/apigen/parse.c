/*
 * The .api file, a line at a time: an unindented line opens a block (service, op, enum, type,
 * struct, union, error), an indented one belongs to the block above it.  Types may be used
 * before they are described, so their texts are kept and resolved when all lines were read.
 */
#include "apigen.h"

#include <stdio.h>
#include <stdlib.h>

void
die_at(const char *file, unsigned line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%u: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static size_t
map_slot(const struct map *m, struct str key)
{
    size_t i = str_hash(key, 0) & (m->cap - 1);

    while (m->keys[i].p && !str_eq(m->keys[i], key))
        i = (i + 1) & (m->cap - 1);
    return i;
}

uint32_t *
map_find(const struct map *m, struct str key)
{
    if (m->cap == 0)
        return NULL;
    size_t i = map_slot(m, key);

    return m->keys[i].p ? &m->values[i] : NULL;
}

void
map_put(struct arena *a, struct map *m, struct str key, uint32_t value)
{
    assert(key.p);
    if ((m->n + 1) * 2 > m->cap) {
        struct map grown = {.cap = MAX(m->cap * 2, (size_t)1024)};

        grown.keys = ARENA_ARRAY(a, struct str, grown.cap);
        grown.values = ARENA_ARRAY(a, uint32_t, grown.cap);
        for (size_t i = 0; i < m->cap; i++)
            if (m->keys[i].p)
                map_put(a, &grown, m->keys[i], m->values[i]);
        *m = grown;
    }
    size_t i = map_slot(m, key);

    m->n += m->keys[i].p == NULL;
    m->keys[i] = key;
    m->values[i] = value;
}

/* ---- lines ---- */

struct str_list
line_words(struct gen *g, unsigned line, struct str text)
{
    struct str_list words = {0};
    size_t i = 0;

    for (;;) {
        while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t'))
            i++;
        if (i == text.n || text.p[i] == '#')
            return words;
        size_t start = i;
        int depth = 0;
        bool quoted = false;

        for (; i < text.n; i++) {
            char c = text.p[i];

            if (quoted && c == '\\') {
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (!quoted) {
                if ((c == ' ' || c == '\t') && depth == 0)
                    break;
                depth += (c == '[' || c == '{' || c == '(') - (c == ']' || c == '}' || c == ')');
            }
        }
        if (quoted || depth)
            die_at(g->file, line, "a quote or bracket is not closed");
        *LIST_PUSH(&g->arena, &words) = str_cut(text, start, i);
    }
}

/* Takes the quotes and backslashes off a word that may have them. */
static struct str
unquote(struct gen *g, struct str word)
{
    if (word.n < 2 || word.p[0] != '"')
        return word;
    char *out = arena_alloc(&g->arena, word.n);
    size_t n = 0;

    for (size_t i = 1; i + 1 < word.n; i++) {
        if (word.p[i] == '\\' && i + 2 < word.n)
            i++;
        out[n++] = word.p[i];
    }
    return str_of(out, n);
}

/* If the word is KEY=VALUE with that key, cuts out the value. */
static bool
option(struct gen *g, struct str word, const char *key, struct str *ret)
{
    size_t n = strlen(key);

    if (word.n < n + 1 || memcmp(word.p, key, n) != 0 || word.p[n] != '=')
        return false;
    *ret = unquote(g, str_cut(word, n + 1, word.n));
    return true;
}

struct shape *
shape_find(struct gen *g, struct str name)
{
    uint32_t *i = map_find(&g->by_key, name);

    return i ? g->shapes.v[*i] : NULL;
}

struct shape *
shape_add(struct gen *g, struct str name, enum api_kind kind, unsigned line)
{
    struct shape *old = shape_find(g, name);

    if (old)
        die_at(g->file, line, "'%.*s' is already described in line %u", STR_ARG(name), old->line);
    struct shape *s = ARENA_NEW(&g->arena, struct shape);

    *s = (struct shape){
        .name = name,
        .key = name,
        .kind = kind,
        .min = API_NO_MIN,
        .max = API_NO_MAX,
        .line = line,
    };
    map_put(&g->arena, &g->by_key, name, (uint32_t)g->shapes.n);
    *LIST_PUSH(&g->arena, &g->shapes) = s;
    return s;
}

static void
protocol_line(struct gen *g, unsigned line, const struct str_list *w)
{
    static const char *const protocols[API_N_PROTOCOLS] = {"ec2",       "query",    "json",
                                                           "rest-json", "rest-xml", "cbor"};

    for (size_t i = 1; i < w->n; i++) {
        unsigned p = 0;

        if (str_is(w->v[i], "query-compatible")) {
            g->query_compatible = true;
            continue;
        }
        if (str_is(w->v[i], "bare-errors")) {
            g->bare_errors = true;
            continue;
        }
        while (p < API_N_PROTOCOLS && !str_is(w->v[i], protocols[p]))
            p++;
        if (p == API_N_PROTOCOLS)
            die_at(g->file, line, "unknown protocol '%.*s'", STR_ARG(w->v[i]));
        if (!g->protocols)
            g->protocol = (enum api_protocol)p;
        g->protocols |= 1u << p;
    }
    if ((g->protocols & 1u << API_EC2) && g->protocols != 1u << API_EC2)
        die_at(g->file, line, "ec2 goes with no other protocol");
}

static void
service_line(struct gen *g, unsigned line, const struct str_list *w)
{
    if (w->n < 2)
        die_at(g->file, line, "a line of the service needs a value");
    struct str key = w->v[0], value = w->v[1];

    if (str_is(key, "protocol")) {
        protocol_line(g, line, w);
    } else if (str_is(key, "endpoint")) {
        g->endpoint = value;
    } else if (str_is(key, "signing")) {
        g->signing = value;
    } else if (str_is(key, "xmlns")) {
        g->xmlns = value;
    } else if (str_is(key, "target")) {
        g->target = value;
        g->json = w->n > 2 ? w->v[2] : S("1.1");
        if (!str_is(g->json, "1.0") && !str_is(g->json, "1.1"))
            die_at(g->file, line, "the JSON protocols are 1.0 and 1.1");
    } else if (str_is(key, "global")) {
        g->global = value;
    } else {
        die_at(g->file, line, "a service has no '%.*s'", STR_ARG(key));
    }
}

static bool
is_method(struct str s)
{
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_is(s, methods[i]))
            return true;
    return false;
}

static void
op_head(struct gen *g, unsigned line, const struct str_list *w)
{
    int64_t http;

    if (w->n < 5 || !str_is(w->v[3], "->"))
        die_at(g->file, line, "an operation is written: op NAME IN -> OUT");
    struct op *op = LIST_PUSH(&g->arena, &g->ops);

    *op = (struct op){
        .name = w->v[1], .input_name = w->v[2], .output_name = w->v[4], .line = line};
    for (size_t i = 5; i < w->n; i++) {
        struct str word = w->v[i], value;

        if (option(g, word, "wrap", &op->wrap) || option(g, word, "root", &op->wrap))
            continue;
        if (is_method(word) && i + 1 < w->n && str_starts(w->v[i + 1], S("/"))) {
            op->method = word;
            op->uri = w->v[++i];
        } else if (str_to_i64(word, &http) && http >= 200 && http < 300) {
            op->http = (int)http;
        } else if (option(g, word, "page", &value)) {
            op->page_out = str_split(&value, '>');
            op->page_in = str_split(&value, ',');
            op->page_limit = value;
        } else if (str_is(word, "noauth")) {
            op->flags |= API_NO_AUTH;
        } else if (str_is(word, "deprecated")) {
            op->flags |= API_OP_DEPRECATED;
        } else {
            die_at(g->file, line, "an operation has no '%.*s'", STR_ARG(word));
        }
    }
}

static void
op_line(struct gen *g, unsigned line, const struct str_list *w)
{
    struct op *op = &g->ops.v[g->ops.n - 1];

    if (!str_is(w->v[0], "!"))
        die_at(g->file, line, "only errors (! A B) may follow an operation");
    for (size_t i = 1; i < w->n; i++)
        *LIST_PUSH(&g->arena, &op->errors) = w->v[i];
}

/* A bound as the tables hold it: as it is, but for floats in millionths. */
static bool
bound(struct str text, bool is_float, int64_t *ret)
{
    struct str tail = text, whole = str_split(&tail, '.');
    int64_t v, part = 0, unit = 1000000;

    if (!is_float)
        return str_to_i64(text, ret);
    for (size_t i = 0; i < tail.n; i++) {
        if (tail.p[i] < '0' || tail.p[i] > '9' || unit == 1)
            return false;
        unit /= 10;
        part += (tail.p[i] - '0') * unit;
    }
    if (!str_to_i64(whole, &v) || __builtin_mul_overflow(v, 1000000, &v))
        return false;
    return !__builtin_add_overflow(v, str_starts(text, S("-")) ? -part : part, ret);
}

/* "1..64", either side may be missing. */
static void
range(struct gen *g, unsigned line, struct str text, struct shape *s)
{
    size_t dots = str_find(text, S(".."));
    struct str lo = str_cut(text, 0, dots), hi = str_cut(text, dots + 2, text.n);
    bool is_float = s->kind == API_FLOAT || s->kind == API_DOUBLE;

    if (dots == SIZE_MAX || (lo.n && !bound(lo, is_float, &s->min)) ||
        (hi.n && !bound(hi, is_float, &s->max)) || s->min > s->max)
        die_at(g->file, line, "'%.*s' is not a range MIN..MAX", STR_ARG(text));
}

static bool
limit_word(struct gen *g, unsigned line, struct str word, struct shape *s)
{
    struct str value;

    if (option(g, word, "len", &value) || option(g, word, "range", &value))
        range(g, line, value, s);
    else if (!option(g, word, "re", &s->pattern))
        return false;
    return true;
}

static const struct {
    const char *name;
    enum api_kind kind;
    enum api_time time;
} bases[] = {
    {"string", API_STRING, 0},
    {"decimal", API_STRING, 0},
    {"int", API_INT, 0},
    {"long", API_LONG, 0},
    {"float", API_FLOAT, 0},
    {"double", API_DOUBLE, 0},
    {"bool", API_BOOL, 0},
    {"blob", API_BLOB, 0},
    {"json", API_DOCUMENT, 0},
    {"time", API_TIME, API_TIME_DEFAULT},
    {"time.iso", API_TIME, API_TIME_ISO},
    {"time.http", API_TIME, API_TIME_HTTP},
    {"time.unix", API_TIME, API_TIME_UNIX},
};

static void
type_head(struct gen *g, unsigned line, const struct str_list *w)
{
    if (w->n < 3)
        die_at(g->file, line, "a type is written: type NAME BASE LIMITS");
    struct shape *s = shape_add(g, w->v[1], API_STRING, line);
    size_t i;

    for (i = 0; i < ARRAY_LEN(bases); i++)
        if (str_is(w->v[2], bases[i].name))
            break;
    if (i == ARRAY_LEN(bases))
        die_at(g->file, line, "'%.*s' is not a base type", STR_ARG(w->v[2]));
    s->kind = bases[i].kind;
    s->time = bases[i].time;
    for (i = 3; i < w->n; i++) {
        if (str_is(w->v[i], "secret"))
            s->flags |= API_SECRET;
        else if (!limit_word(g, line, w->v[i], s))
            die_at(g->file, line, "a type has no '%.*s'", STR_ARG(w->v[i]));
    }
}

static void
struct_head(struct gen *g, unsigned line, const struct str_list *w)
{
    struct shape *s = shape_add(g, w->v[1], API_STRUCT, line);
    int64_t http;

    s->is_error = str_is(w->v[0], "error");
    s->code = s->name;
    if (str_is(w->v[0], "union"))
        s->flags |= API_UNION;
    for (size_t i = 2; i < w->n; i++) {
        if (str_is(w->v[i], "secret"))
            s->flags |= API_SECRET;
        else if (s->is_error && str_is(w->v[i], "fault"))
            s->fault = true;
        else if (s->is_error && str_to_i64(w->v[i], &http) && http >= 400 && http < 600)
            s->http = (int)http;
        else if (!option(g, w->v[i], "payload", &s->payload) &&
                 (!s->is_error || !option(g, w->v[i], "code", &s->code)))
            die_at(g->file, line, "a structure has no '%.*s'", STR_ARG(w->v[i]));
    }
    if (s->http == 0)
        s->http = s->fault ? 500 : 400;
}

/* "@header:x-amz-id": where the member is, and its name there. */
static bool
place_word(struct gen *g, unsigned line, struct str word, struct member *m)
{
    static const struct {
        const char *word;
        enum api_place place;
    } places[] = {
        {"@path", API_IN_PATH},       {"@query", API_IN_QUERY},   {"@header", API_IN_HEADER},
        {"@headers", API_IN_HEADERS}, {"@status", API_IN_STATUS},
    };
    struct str name = word, head = str_split(&name, ':');

    if (!str_starts(word, S("@")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (str_is(head, places[i].word)) {
            m->place = places[i].place;
            if (name.p)
                m->wire = name;
            return true;
        }
    die_at(g->file, line, "a member has no '%.*s'", STR_ARG(word));
}

static bool
flag_word(struct str word, struct member *m)
{
    static const struct {
        const char *word;
        enum api_member_flag flag;
    } flags[] = {
        {"token", API_TOKEN},
        {"deprecated", API_DEPRECATED},
        {"attr", API_ATTR},
        {"jsonvalue", API_JSON_TEXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_is(word, flags[i].word)) {
            m->flags |= flags[i].flag;
            return true;
        }
    return false;
}

static void
member_line(struct gen *g, unsigned line, const struct str_list *w)
{
    struct shape *s = g->shapes.v[g->shapes.n - 1];

    if (w->n < 2)
        die_at(g->file, line, "a member is written: NAME TYPE");
    struct member *m = LIST_PUSH(&g->arena, &s->members);

    *m = (struct member){.name = w->v[0], .type_text = w->v[1], .line = line};
    if (m->name.p[m->name.n - 1] == '!') {
        m->name.n--;
        m->required = true;
    }
    if (str_eq(m->name, s->payload))
        m->place = API_IN_PAYLOAD;
    for (size_t i = 2; i < w->n; i++) {
        struct str word = w->v[i];

        if (!option(g, word, "q", &m->query) && !option(g, word, "x", &m->xml) &&
            !option(g, word, "", &m->wire) && !place_word(g, line, word, m) &&
            !flag_word(word, m))
            die_at(g->file, line, "a member has no '%.*s'", STR_ARG(word));
    }
    if (m->flags & API_ATTR)
        s->flags |= API_ATTRS;
    for (size_t i = 0; i + 1 < s->members.n; i++)
        if (str_eq(s->members.v[i].name, m->name))
            die_at(g->file, line, "'%.*s' already has a member '%.*s'", STR_ARG(s->name),
                   STR_ARG(m->name));
}

/* ---- types ---- */

static struct shape *type_of(struct gen *g, unsigned line, struct str text);

static struct member
part(struct gen *g, unsigned line, const char *name, struct str type, struct str wire)
{
    return (struct member){
        .name = str_from(name),
        .type_text = type,
        .type = type_of(g, line, type),
        .query = wire,
        .xml = wire,
        .line = line,
    };
}

/* The last c outside of brackets, or SIZE_MAX. */
static size_t
find_outside(struct str s, char c)
{
    size_t at = SIZE_MAX;
    int depth = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == c && depth == 0)
            at = i;
        depth += (s.p[i] == '[' || s.p[i] == '{') - (s.p[i] == ']' || s.p[i] == '}');
    }
    return at;
}

static void
list_parts(struct gen *g, unsigned line, struct str inner, struct shape *s)
{
    size_t colon = find_outside(inner, ':');
    struct str element = colon == SIZE_MAX ? STR_NONE : str_cut(inner, colon + 1, inner.n);

    *LIST_PUSH(&g->arena, &s->members) =
        part(g, line, "element", str_cut(inner, 0, colon), element);
}

/* K:V or K:V key/value */
static void
map_parts(struct gen *g, unsigned line, struct str inner, struct shape *s)
{
    struct str_list w = line_words(g, line, inner);
    struct str key = S("key"), value = S("value");

    if (w.n == 2) {
        value = w.v[1];
        key = str_split(&value, '/');
    }
    size_t colon = w.n ? find_outside(w.v[0], ':') : SIZE_MAX;

    if (w.n > 2 || colon == SIZE_MAX || key.n == 0 || value.n == 0)
        die_at(g->file, line, "a map is written {KEY:VALUE} or {KEY:VALUE key/value}");
    struct member k = part(g, line, "key", str_cut(w.v[0], 0, colon), key);
    struct member v = part(g, line, "value", str_cut(w.v[0], colon + 1, w.v[0].n), value);

    if (k.type->kind != API_STRING && k.type->kind != API_ENUM)
        die_at(g->file, line, "the key of a map is text");
    *LIST_PUSH(&g->arena, &s->members) = k;
    *LIST_PUSH(&g->arena, &s->members) = v;
}

/* Where the limits begin: the first ( that is not within the brackets of a list or map. */
static size_t
find_limits(struct str s)
{
    int depth = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '(' && depth == 0)
            return i;
        depth += (s.p[i] == '[' || s.p[i] == '{') - (s.p[i] == ']' || s.p[i] == '}');
    }
    return s.n;
}

static struct shape *
anonymous(struct gen *g, unsigned line, struct str text)
{
    struct str body = text;
    struct shape s = {.min = API_NO_MIN, .max = API_NO_MAX, .line = line, .key = text};

    if (body.n && body.p[body.n - 1] == ')') {
        size_t open = find_limits(body);
        struct str_list w = line_words(g, line, str_cut(body, open + 1, body.n - 1));

        LIST_EACH(&w, word)
            if (!limit_word(g, line, *word, &s))
                die_at(g->file, line, "'%.*s' is not a limit", STR_ARG(*word));
        body = str_cut(body, 0, open);
    }
    if (str_starts(body, S("~"))) {
        s.flags |= API_FLAT;
        body = str_cut(body, 1, body.n);
    }
    struct str inner = str_cut(body, 1, body.n - (body.n > 0));

    if (body.n > 2 && body.p[0] == '[') {
        s.kind = API_LIST;
        list_parts(g, line, inner, &s);
    } else if (body.n > 2 && body.p[0] == '{') {
        s.kind = API_MAP;
        map_parts(g, line, inner, &s);
    } else {
        const struct shape *base = type_of(g, line, body);

        if (s.flags & API_FLAT || base->name.n || base->kind >= API_STRUCT)
            die_at(g->file, line, "'%.*s' is not a type", STR_ARG(text));
        s.kind = base->kind;
        s.time = base->time;
    }
    struct shape *added = shape_add(g, text, s.kind, line);

    *added = s;
    return added;
}

static struct shape *
type_of(struct gen *g, unsigned line, struct str text)
{
    struct shape *s = shape_find(g, text);

    if (s)
        return s;
    if (text.n && strchr("[{~", text.p[0]) != NULL)
        return anonymous(g, line, text);
    if (text.n && text.p[text.n - 1] == ')')
        return anonymous(g, line, text);
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        if (str_is(text, bases[i].name)) {
            s = shape_add(g, text, bases[i].kind, line);
            s->name = S("");
            s->time = bases[i].time;
            return s;
        }
    die_at(g->file, line, "the type '%.*s' is not described", STR_ARG(text));
}

/* ---- after the last line ---- */

static struct str
with_case(struct gen *g, struct str name, bool upper)
{
    char *p = arena_dup(&g->arena, name.p, name.n);

    if (upper && p[0] >= 'a' && p[0] <= 'z')
        p[0] = (char)(p[0] - 32);
    if (!upper && p[0] >= 'A' && p[0] <= 'Z')
        p[0] = (char)(p[0] + 32);
    return str_of(p, name.n);
}

/* What a member is called on the wire where the description does not say it. */
static void
wire_names(struct gen *g, const struct shape *owner, struct member *m)
{
    bool ec2 = g->protocol == API_EC2;

    if (owner->kind == API_LIST) {
        if (!m->xml.p)
            m->xml = ec2 ? S("item") : S("member");
        m->query = m->wire = m->xml;
        return;
    }
    struct str common = m->wire.p ? m->wire : m->name;

    if (!m->query.p)
        m->query = ec2 && !m->wire.p ? with_case(g, m->name, true) : common;
    if (!m->xml.p)
        m->xml = ec2 && !m->wire.p ? with_case(g, m->name, false) : common;
    m->wire = common;
}

static struct shape *
op_struct(struct gen *g, const struct op *op, struct str name, const char *suffix)
{
    struct shape *s;

    if (str_is(name, "-"))
        return shape_add(g, str_cat(&g->arena, op->name, str_from(suffix)), API_STRUCT, op->line);
    s = shape_find(g, name);
    if (!s || s->kind != API_STRUCT)
        die_at(g->file, op->line, "'%.*s' is not a described structure", STR_ARG(name));
    return s;
}

static int
op_order(const void *a, const void *b)
{
    return str_cmp(((const struct op *)a)->name, ((const struct op *)b)->name);
}

/* Whether a secret is anywhere in a shape; shapes may hold themselves. */
static bool
holds_secret(struct shape *s, const struct op *op)
{
    if (s->flags & API_SECRET)
        return true;
    if (s->seen == op)
        return false;
    s->seen = op;
    LIST_EACH(&s->members, m)
        if (holds_secret(m->type, op))
            return true;
    return false;
}

static void
resolve(struct gen *g)
{
    /* Resolving a type may add shapes; those have their parts resolved already. */
    for (size_t i = 0; i < g->shapes.n; i++)
        LIST_EACH(&g->shapes.v[i]->members, m)
            if (!m->type)
                m->type = type_of(g, m->line, m->type_text);
    for (size_t i = 0; i < g->shapes.n; i++)
        LIST_EACH(&g->shapes.v[i]->members, m)
            wire_names(g, g->shapes.v[i], m);
    LIST_EACH(&g->ops, op) {
        op->input = op_struct(g, op, op->input_name, "Request");
        op->output = op_struct(g, op, op->output_name, "Result");
        if (str_is(op->output_name, "-"))
            op->flags |= API_NO_OUTPUT;
        if (holds_secret(op->input, op) || holds_secret(op->output, op))
            op->flags |= API_OP_SECRET;
        if (op->uri.p)
            route_parse(g, op);
        LIST_EACH(&op->errors, e) {
            const struct shape *s = shape_find(g, *e);

            if (!s || !s->is_error)
                die_at(g->file, op->line, "'%.*s' is not a described error", STR_ARG(*e));
        }
    }
    if (g->ops.n)
        qsort(g->ops.v, g->ops.n, sizeof(*g->ops.v), op_order);
    for (size_t i = 1; i < g->ops.n; i++)
        if (str_eq(g->ops.v[i - 1].name, g->ops.v[i].name))
            die_at(g->file, g->ops.v[i].line, "the operation '%.*s' is described twice",
                   STR_ARG(g->ops.v[i].name));
}

static char
block_head(struct gen *g, unsigned line, const struct str_list *w)
{
    struct str kind = w->v[0];

    if (w->n < 2)
        die_at(g->file, line, "'%.*s' needs a name", STR_ARG(kind));
    if (str_is(kind, "service")) {
        if (g->name.p || w->n != 3)
            die_at(g->file, line, "one line is: service NAME VERSION");
        g->name = w->v[1];
        g->version = w->v[2];
        g->endpoint = g->signing = g->name;
        return 's';
    }
    if (str_is(kind, "op")) {
        op_head(g, line, w);
        return 'o';
    }
    if (str_is(kind, "enum")) {
        struct shape *s = shape_add(g, w->v[1], API_ENUM, line);

        for (size_t i = 2; i < w->n; i++)
            *LIST_PUSH(&g->arena, &s->values) = unquote(g, w->v[i]);
        return 'e';
    }
    if (str_is(kind, "type")) {
        type_head(g, line, w);
        return 't';
    }
    if (!str_is(kind, "struct") && !str_is(kind, "union") && !str_is(kind, "error"))
        die_at(g->file, line, "'%.*s' opens no block", STR_ARG(kind));
    struct_head(g, line, w);
    return 'm';
}

void
parse_api(struct gen *g, const char *path, struct str text)
{
    char block = 0;
    unsigned line = 0;

    g->file = path;
    while (text.p) {
        struct str raw = str_split(&text, '\n');
        struct str_list w = line_words(g, ++line, raw);

        if (w.n == 0)
            continue;
        if (raw.p[0] != ' ' && raw.p[0] != '\t')
            block = block_head(g, line, &w);
        else if (block == 's')
            service_line(g, line, &w);
        else if (block == 'o')
            op_line(g, line, &w);
        else if (block == 'm')
            member_line(g, line, &w);
        else
            die_at(g->file, line, "an indented line belongs to no block");
    }
    if (!g->name.p || !g->protocols)
        die_at(g->file, line, "the service has no name or no protocol");
    resolve(g);
}
