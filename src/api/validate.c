/*
 * One walk over the input.  The path to where the walk stands is a chain on the stack and is put
 * into words only when something is wrong, so a good request costs no text.
 *
 * Lengths of text are counted in characters.  A pattern that pattern.h does not know is not
 * checked here; the handler has to (IAM's account alias is the one such in use).
 */
#include "api/validate.h"

#include "api/pattern.h"
#include "api/scalar.h"
#include "base/list.h"

#define ERRORS_MAX 20
#define SHOWN_ELEMENTS_MAX 100

/* One step of the path: a member, or the index of an element. */
struct step {
    const struct step *up;
    const struct api_member *member;
    size_t index; /* from 1; 0 is a member */
};

struct checker {
    const struct api_service *service;
    struct arena *arena;
    struct api_fault *fault;
    struct buf words; /* of the query protocol's message */
    unsigned n_errors;
    bool ec2;
};

/* ---- words ---- */

/* Query: "tags.1.member.key".  EC2: "TagSpecification.1.Tag.2.Key", its last name "key". */
static struct str
path(const struct checker *c, const struct step *at)
{
    struct str head = at->up ? path(c, at->up) : S(""), tail;

    if (at->index)
        tail = str_fmt(c->arena, c->ec2 ? "%zu" : "%zu.member", at->index);
    else if (c->ec2)
        tail = str_of(c->service->pool + at->member->query, at->member->query_n);
    else
        tail = api_camel(c->arena, api_member_name(c->service, at->member));
    if (head.n == 0)
        return tail;
    return str_fmt(c->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(tail));
}

/* The parameter as EC2's messages name it: "maxResults". */
static struct str
parameter(const struct checker *c, const struct step *at)
{
    while (at->index && at->up)
        at = at->up;
    assert(at->member);
    return api_camel(c->arena,
                     str_of(c->service->pool + at->member->query, at->member->query_n));
}

/* Adds one of the query protocol's errors; `value` is how it is shown, absent: not at all. */
static void
collect(struct checker *c, const struct step *at, struct str value, const char *constraint)
{
    struct str where = path(c, at);

    assert(constraint[0] != '\0');
    if (c->n_errors++ >= ERRORS_MAX)
        return;
    if (c->n_errors > 1)
        buf_add_lit(&c->words, "; ");
    buf_add_lit(&c->words, "Value ");
    if (value.p) {
        buf_add_str(&c->words, value);
        buf_add_char(&c->words, ' ');
    }
    buf_add_fmt(&c->words, "at '%.*s' failed to satisfy constraint: %s", STR_ARG(where),
                constraint);
}

static bool
is_simple(const struct api_shape *shape)
{
    return shape->kind < API_STRUCT;
}

static struct str shown(const struct checker *c, const struct api_shape *shape, const void *slot,
                        bool element);

/* A list of simple values as Java prints one: '[a, b]', a map '{k=v}'. */
static struct str
shown_list(const struct checker *c, const struct api_shape *shape, const struct str_list *list)
{
    const struct api_member *m = &c->service->members[shape->first];
    bool map = shape->kind == API_MAP;
    const struct api_shape *inner = &c->service->shapes[m[map].shape];
    struct str_list parts = {0};

    assert(list->v || list->n == 0);
    if (c->ec2 || !is_simple(inner) || inner->kind == API_BLOB || inner->flags & API_SECRET)
        return STR_NONE;
    for (size_t i = 0; i < list->n && i < SHOWN_ELEMENTS_MAX; i++) {
        const char *item = (const char *)list->v + i * shape->size;
        struct str text = shown(c, inner, item + (map ? m[1].offset : 0), !map);

        text = text.n > 1 && text.p[0] == '\'' ? str_cut(text, 1, text.n - 1) : text;
        *LIST_PUSH(c->arena, &parts) =
            map ? str_fmt(c->arena, "%.*s=%.*s", STR_ARG(*api_slot_str(item)), STR_ARG(text))
                : text;
    }
    return str_fmt(c->arena, map ? "'{%.*s}'" : "'[%.*s]'",
                   STR_ARG(str_join(c->arena, &parts, S(", "))));
}

static struct str
shown(const struct checker *c, const struct api_shape *shape, const void *slot, bool element)
{
    struct str s;

    if (shape->flags & API_SECRET)
        return STR_NONE;
    if (shape->kind == API_LIST || shape->kind == API_MAP)
        return shown_list(c, shape, slot);
    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
        s = api_excerpt(*api_slot_str(slot), 500);
        return c->ec2 ? s : str_fmt(c->arena, "'%.*s'", STR_ARG(s));
    case API_INT:
    case API_LONG:
        return str_fmt(c->arena, c->ec2 ? "%lld" : "'%lld'",
                       (long long)api_slot_i64(slot, element));
    case API_FLOAT:
    case API_DOUBLE:
        return str_fmt(c->arena, c->ec2 ? "%g" : "'%g'", api_slot_f64(slot, element));
    default:
        return STR_NONE;
    }
}

/*
 * A value that breaks a limit.  `ec2` and `query` are the tail of the message in each protocol.
 * Positive when the walk shall stop.
 */
static int
refuse_value(struct checker *c, const struct step *at, const struct api_shape *shape,
             const void *slot, const char *ec2, const char *query)
{
    struct str value = shown(c, shape, slot, at->index != 0);

    if (!c->ec2) {
        collect(c, at, value, query);
        return 0;
    }
    /* AWS puts blanks around a number and none around a text. */
    bool text = shape->kind < API_BOOL;

    return api_refuse(c->fault, c->arena, "InvalidParameterValue",
                      text ? "Value (%.*s) for parameter %.*s is invalid.%s%s"
                           : "Value ( %.*s ) for parameter %.*s is invalid.%s%s",
                      STR_ARG(value), STR_ARG(parameter(c, at)), *ec2 ? " " : "", ec2);
}

static int
missing(struct checker *c, const struct step *at)
{
    if (!c->ec2) {
        collect(c, at, S("null"), "Member must not be null");
        return 0;
    }
    return api_refuse(c->fault, c->arena, "MissingParameter",
                      "The request must contain the parameter %.*s", STR_ARG(path(c, at)));
}

/* ---- limits ---- */

static const char *
words(const struct checker *c, const char *fmt, long long v)
{
    return str_fmt(c->arena, "%s %lld", fmt, v).p;
}

static int
check_length(struct checker *c, const struct step *at, const struct api_shape *shape,
             const struct api_limit *limit, int64_t n, const void *slot)
{
    assert(n >= 0 && slot);
    if (n < limit->min)
        return refuse_value(c, at, shape, slot, words(c, "The minimum length is", limit->min),
                            words(c, "Member must have length greater than or equal to",
                                  limit->min));
    if (n > limit->max)
        return refuse_value(c, at, shape, slot, words(c, "The maximum length is", limit->max),
                            words(c, "Member must have length less than or equal to",
                                  limit->max));
    return 0;
}

static int
check_range(struct checker *c, const struct step *at, const struct api_shape *shape,
            const struct api_limit *limit, const void *slot)
{
    bool element = at->index != 0, is_float = shape->kind == API_FLOAT || shape->kind == API_DOUBLE;
    double unit = is_float ? 1e-6 : 1;
    bool low, high;

    assert(slot);
    if (is_float) {
        double v = api_slot_f64(slot, element);

        low = limit->min != API_NO_MIN && !(v >= (double)limit->min * unit);
        high = limit->max != API_NO_MAX && !(v <= (double)limit->max * unit);
    } else {
        low = api_slot_i64(slot, element) < limit->min;
        high = api_slot_i64(slot, element) > limit->max;
    }
    if (!low && !high)
        return 0;
    double edge = (double)(low ? limit->min : limit->max) * unit;
    const char *side = low ? "greater" : "less";

    return refuse_value(
        c, at, shape, slot,
        str_fmt(c->arena, "Expecting a value %s than %.12g.", side, edge).p,
        str_fmt(c->arena, "Member must have value %s than or equal to %.12g", side, edge).p);
}

static int
check_pattern(struct checker *c, const struct step *at, const struct api_shape *shape,
              const char *pattern, const void *slot)
{
    if (!*pattern || api_pattern_match(pattern, *api_slot_str(slot)) != API_MATCH_NO)
        return 0;
    return refuse_value(
        c, at, shape, slot, str_fmt(c->arena, "It must match %s", pattern).p,
        str_fmt(c->arena, "Member must satisfy regular expression pattern: %s", pattern).p);
}

static struct str
enum_values(const struct checker *c, const struct api_shape *shape)
{
    struct str_list all = {0};

    for (uint32_t i = 0; i < shape->n; i++)
        *LIST_PUSH(c->arena, &all) =
            str_from(api_text(c->service, c->service->enums[shape->first + i]));
    return str_join(c->arena, &all, S(", "));
}

static int
check_enum(struct checker *c, const struct step *at, const struct api_shape *shape,
           const void *slot)
{
    assert(shape->kind == API_ENUM);
    if (shape->flags & API_OPEN || api_enum_has(c->service, shape, *api_slot_str(slot)))
        return 0;
    return refuse_value(c, at, shape, slot, "",
                        str_fmt(c->arena, "Member must satisfy enum value set: [%.*s]",
                                STR_ARG(enum_values(c, shape)))
                            .p);
}

/* ---- the walk ---- */

static int check_value(struct checker *c, const struct step *at, const struct api_shape *shape,
                       const void *slot);

static int
check_members(struct checker *c, const struct step *at, uint32_t first, size_t n,
              const void *base)
{
    assert(base || n == 0);
    for (size_t i = 0; i < n; i++) {
        const struct api_member *m = &c->service->members[first + i];
        const struct api_shape *shape = &c->service->shapes[m->shape];
        const void *slot = (const char *)base + m->offset;
        const struct step step = {.up = at, .member = m};
        int r = 0;

        if (api_is_set(shape->kind, slot))
            r = check_value(c, &step, shape, slot);
        else if (m->flags & API_REQUIRED)
            r = missing(c, &step);
        if (r)
            return r;
    }
    return 0;
}

/* Whether a simple value keeps to its limits; one that is absent does. */
static bool
satisfies(const struct checker *c, const struct api_shape *shape, const void *slot, bool element)
{
    const struct api_limit *limit = &c->service->limits[shape->limit];

    assert(slot);
    if (shape->kind == API_ENUM)
        return !api_slot_str(slot)->p || shape->flags & API_OPEN ||
               api_enum_has(c->service, shape, *api_slot_str(slot));
    if (shape->limit == 0 || (!element && !api_is_set(shape->kind, slot)))
        return true;
    if (shape->kind == API_FLOAT || shape->kind == API_DOUBLE) {
        double v = api_slot_f64(slot, element) * 1e6;

        return (limit->min == API_NO_MIN || v >= (double)limit->min) &&
               (limit->max == API_NO_MAX || v <= (double)limit->max);
    }
    if (shape->kind == API_INT || shape->kind == API_LONG)
        return api_slot_i64(slot, element) >= limit->min &&
               api_slot_i64(slot, element) <= limit->max;
    if (shape->kind > API_BLOB || !api_slot_str(slot)->p)
        return true;
    struct str s = *api_slot_str(slot);
    int64_t n = shape->kind == API_BLOB ? (int64_t)s.n : (int64_t)str_chars(s);
    const char *pattern = api_text(c->service, limit->pattern);

    return n >= limit->min && n <= limit->max &&
           (!*pattern || api_pattern_match(pattern, s) != API_MATCH_NO);
}

/* All that a simple value must satisfy, in AWS's order: "[Member must …, Member must …]". */
static const char *
all_constraints(const struct checker *c, const struct api_shape *shape)
{
    const struct api_limit *limit = &c->service->limits[shape->limit];
    bool number = shape->kind >= API_INT;
    double unit = shape->kind == API_FLOAT || shape->kind == API_DOUBLE ? 1e-6 : 1;
    const char *what = number ? "value" : "length", *pattern;
    struct str_list parts = {0};

    assert(shape->kind <= API_MAP);
    if (shape->kind == API_ENUM)
        return str_fmt(c->arena, "[Member must satisfy enum value set: [%.*s]]",
                       STR_ARG(enum_values(c, shape)))
            .p;
    if (limit->max != API_NO_MAX)
        *LIST_PUSH(c->arena, &parts) =
            str_fmt(c->arena, "Member must have %s less than or equal to %.12g", what,
                    (double)limit->max * unit);
    if (limit->min != API_NO_MIN)
        *LIST_PUSH(c->arena, &parts) =
            str_fmt(c->arena, "Member must have %s greater than or equal to %.12g", what,
                    (double)limit->min * unit);
    pattern = api_text(c->service, limit->pattern);
    if (*pattern)
        *LIST_PUSH(c->arena, &parts) =
            str_fmt(c->arena, "Member must satisfy regular expression pattern: %s", pattern);
    return str_fmt(c->arena, "[%.*s]", STR_ARG(str_join(c->arena, &parts, S(", ")))).p;
}

/*
 * Simple elements, keys or values: however many break their limits, that is one mistake, of the
 * list or map.
 */
static void
check_elements(struct checker *c, const struct step *at, const struct api_shape *shape,
               const struct api_member *m, const struct str_list *list, const char *whose)
{
    const struct api_shape *inner = &c->service->shapes[m->shape];
    size_t offset = shape->kind == API_MAP ? m->offset : 0;
    bool good = true;

    for (size_t i = 0; i < list->n && good; i++)
        good = satisfies(c, inner, (const char *)list->v + i * shape->size + offset,
                         shape->kind == API_LIST);
    if (!good)
        collect(c, at, inner->flags & API_SECRET ? STR_NONE : shown(c, shape, list, false),
                str_fmt(c->arena, "%s must satisfy constraint: %s", whose,
                        all_constraints(c, inner))
                    .p);
}

static int
check_list(struct checker *c, const struct step *at, const struct api_shape *shape,
           const void *slot)
{
    const struct api_limit *limit = &c->service->limits[shape->limit];
    const struct str_list *list = slot; /* any list has this layout */
    const struct api_member *element = &c->service->members[shape->first];
    const char *v = (const char *)list->v;
    bool map = shape->kind == API_MAP;
    int r = check_length(c, at, shape, limit, (int64_t)list->n, slot);

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    if (!c->ec2 && map)
        check_elements(c, at, shape, element, list, "Map keys");
    if (!c->ec2 && is_simple(&c->service->shapes[element[map].shape])) {
        check_elements(c, at, shape, &element[map], list, map ? "Map value" : "Member");
        return r;
    }
    for (size_t i = 0; i < list->n && !r; i++) {
        const struct step step = {.up = at, .member = element, .index = i + 1};
        const void *item = v + i * shape->size;

        if (map) /* keys of query and JSON were checked above */
            r = check_members(c, &step, shape->first + !c->ec2, 1 + c->ec2, item);
        else
            r = check_value(c, &step, &c->service->shapes[element->shape], item);
    }
    return r;
}

static int
check_text(struct checker *c, const struct step *at, const struct api_shape *shape,
           const void *slot)
{
    const struct api_limit *limit = &c->service->limits[shape->limit];
    struct str s = *api_slot_str(slot);

    if (shape->kind == API_ENUM)
        return check_enum(c, at, shape, slot);
    if (shape->limit == 0)
        return 0;
    int64_t n = shape->kind == API_BLOB ? (int64_t)s.n : (int64_t)str_chars(s);
    int r = check_length(c, at, shape, limit, n, slot);

    if (r || shape->kind == API_BLOB)
        return r;
    return check_pattern(c, at, shape, api_text(c->service, limit->pattern), slot);
}

static int
check_value(struct checker *c, const struct step *at, const struct api_shape *shape,
            const void *slot)
{
    const void *inner;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
        return check_text(c, at, shape, slot);
    case API_INT:
    case API_LONG:
    case API_FLOAT:
    case API_DOUBLE:
        return shape->limit
                   ? check_range(c, at, shape, &c->service->limits[shape->limit], slot)
                   : 0;
    case API_STRUCT:
        inner = api_slot_struct(slot, at->index != 0);
        return check_members(c, at, shape->first, shape->n, inner);
    case API_LIST:
    case API_MAP:
        return check_list(c, at, shape, slot);
    case API_DOCUMENT:
    case API_BOOL:
    case API_TIME:
        return 0;
    }
    return 0;
}

int
api_validate(const struct api_service *service, enum api_protocol protocol,
             const struct api_shape *input, struct arena *arena, const void *req,
             struct api_fault *fault)
{
    struct checker c = {
        .service = service,
        .arena = arena,
        .fault = fault,
        .ec2 = protocol == API_EC2,
    };

    assert(input->kind == API_STRUCT);
    buf_init(&c.words, 1 << 16);
    int r = check_members(&c, NULL, input->first, input->n, req);
    if (r == 0 && c.n_errors)
        r = api_refuse(fault, arena,
                       protocol > API_QUERY && !service->query_compatible ? "ValidationException"
                                                                          : "ValidationError",
                       "%u validation error%s detected: %.*s", c.n_errors,
                       c.n_errors == 1 ? "" : "s", STR_ARG(buf_str(&c.words)));
    buf_done(&c.words);
    return r;
}
