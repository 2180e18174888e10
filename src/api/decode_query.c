/*
 * The pairs are sorted by their names, part by part and numbers by value; then all that belongs
 * to a member or to an element of a list lies together, and one walk down the shapes fills in
 * the struct.  A list's length is counted before it is allocated, so sparse or hostile numbers
 * cost nothing, and no order of the pairs makes it slower than the sort.
 */
#include "api/decode_query.h"

#include "api/scalar.h"
#include "codec/uri.h"

#include <stdlib.h>

#define SHOWN_MAX 200

struct pair {
    struct str key, value;
    uint32_t order; /* in the request: makes the sort a total one */
};

struct decoder {
    const struct api_service *service;
    struct arena *arena;
    struct api_fault *fault;
    size_t bytes_left;
    unsigned depth;
};

/* Pairs [v, v + n) whose names are equal up to `at`, which lies behind a dot or the end. */
struct span {
    const struct pair *v;
    size_t n, at;
};

static int decode_value(struct decoder *d, const struct api_member *m, struct span span,
                        void *out, bool element);

/* ---- names ---- */

/* Without leading zeros, so that equal numbers are equal text. */
static bool
is_number(struct str s)
{
    assert(str_ok(s));
    if (s.n > 1 && s.p[0] == '0')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* Numbers by value and before all else; the rest by bytes. */
static int
part_cmp(struct str a, struct str b)
{
    bool a_number = is_number(a), b_number = is_number(b);

    assert(str_ok(a) && str_ok(b));
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (!a_number)
        return str_cmp(a, b);
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return str_cmp(a, b);
}

static int
pair_cmp(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    struct str rest_a = a->key, rest_b = b->key;

    while (rest_a.p && rest_b.p) {
        int r = part_cmp(str_split(&rest_a, '.'), str_split(&rest_b, '.'));

        if (r)
            return r;
    }
    if (rest_a.p || rest_b.p)
        return rest_a.p ? 1 : -1;
    return (a->order > b->order) - (a->order < b->order);
}

static struct str
part_at(const struct pair *pair, size_t at)
{
    struct str rest = str_cut(pair->key, at, pair->key.n);

    assert(at <= pair->key.n);
    return str_split(&rest, '.');
}

/* Whether a pair's name goes on behind `at`. */
static bool
goes_on(const struct pair *pair, size_t at)
{
    return at <= pair->key.n;
}

/* Cuts off *rest the pairs that have the same next part as its first. */
static struct span
cut_group(struct span *rest, struct str *ret_part)
{
    assert(rest->n > 0 && goes_on(&rest->v[0], rest->at));
    struct str part = part_at(&rest->v[0], rest->at);
    size_t n = 1;

    while (n < rest->n && goes_on(&rest->v[n], rest->at) &&
           str_eq(part, part_at(&rest->v[n], rest->at)))
        n++;
    struct span group = {rest->v, n, rest->at + part.n + 1};

    rest->v += n;
    rest->n -= n;
    *ret_part = part;
    return group;
}

/* ---- refusals ---- */

static int
unknown(struct decoder *d, struct str part)
{
    return api_refuse(d->fault, d->arena, "UnknownParameter",
                      "The parameter %.*s is not recognized",
                      STR_ARG(api_excerpt(part, SHOWN_MAX)));
}

/* ec2 refuses what it does not know, query services ignore it. */
static int
stray(struct decoder *d, struct str part)
{
    return d->service->protocol == API_EC2 ? unknown(d, part) : 0;
}

static int
malformed(struct decoder *d, const char *why, struct str name)
{
    struct str shown = str_is_utf8(name) ? api_excerpt(name, SHOWN_MAX) : S("(not UTF-8)");

    assert(why[0] != '\0');
    return api_refuse(d->fault, d->arena, "InvalidQueryParameter", "%s: %.*s", why,
                      STR_ARG(shown));
}

static void *
take(struct decoder *d, size_t n, size_t size)
{
    size_t bytes;

    assert(size > 0);
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > d->bytes_left)
        return NULL;
    d->bytes_left -= bytes;
    return arena_alloc(d->arena, bytes);
}

/* ---- values ---- */

static int
decode_struct(struct decoder *d, uint32_t first, uint16_t n_members, struct span span, void *out)
{
    assert(out || n_members == 0);
    /* Names that end here sort before those that go on, so the first pair tells. */
    if (span.n && !goes_on(&span.v[0], span.at))
        return malformed(d, "A structure was expected", span.v[0].key);
    while (span.n) {
        struct str part;
        struct span group = cut_group(&span, &part);
        const struct api_member *m = &d->service->members[first], *end = m + n_members;

        while (m < end && !str_eq(str_of(d->service->pool + m->query, m->query_n), part))
            m++;
        int r = m < end ? decode_value(d, m, group, (char *)out + m->offset, false)
                        : stray(d, part);
        if (r)
            return r;
    }
    return 0;
}

/* How many different numbers lead the span; SIZE_MAX and the part when one is no number. */
static size_t
count_elements(struct span span, struct str *ret_part)
{
    size_t n = 0;

    assert(span.n > 0);
    while (span.n) {
        cut_group(&span, ret_part);
        if (!is_number(*ret_part))
            return SIZE_MAX;
        n++;
    }
    return n;
}

/* Both lists and maps: {v, n} of elements of shape->size bytes. */
static int
decode_elements(struct decoder *d, const struct api_shape *shape, struct span span, void *out)
{
    struct str_list *list = out; /* any list has this layout */
    const struct api_member *element = &d->service->members[shape->first];
    struct str part = STR_NONE;

    assert(span.n > 0 && shape->size > 0);
    size_t n = count_elements(span, &part);

    if (n == SIZE_MAX)
        return stray(d, part);
    char *v = take(d, n, shape->size);
    if (!v)
        return malformed(d, "The request asks for too many elements", span.v[0].key);
    for (size_t i = 0; i < n; i++) {
        struct span group = cut_group(&span, &part);
        void *slot = v + i * shape->size;
        int r = shape->kind == API_MAP ? decode_struct(d, shape->first, 2, group, slot)
                                       : decode_value(d, element, group, slot, true);
        if (r)
            return r;
    }
    list->v = (void *)v;
    list->n = n;
    return 0;
}

/* Walks over the "member" or "entry" that stands before the number unless the list is flat. */
static int
decode_list(struct decoder *d, const struct api_shape *shape, struct span span, void *out)
{
    const struct api_member *element = &d->service->members[shape->first];
    struct str_list *list = out;

    assert(shape->kind == API_LIST || shape->kind == API_MAP);
    if (!goes_on(&span.v[0], span.at)) {
        if (span.v[0].value.n || span.n > 1)
            return malformed(d, "A list was expected", span.v[0].key);
        list->v = API_EMPTY;
        return 0;
    }
    if (d->service->protocol == API_EC2 || shape->flags & API_FLAT)
        return decode_elements(d, shape, span, out);
    struct str want = shape->kind == API_MAP
                          ? S("entry")
                          : str_of(d->service->pool + element->query, element->query_n);

    while (span.n) {
        struct str part;
        struct span group = cut_group(&span, &part);
        int r;

        if (str_eq(part, want) && goes_on(&group.v[0], group.at))
            r = decode_elements(d, shape, group, out);
        else
            r = stray(d, part);
        if (r)
            return r;
    }
    return 0;
}

static int
decode_scalar(struct decoder *d, const struct api_member *m, const struct api_shape *shape,
              struct span span, void *out, bool element)
{
    const struct pair *pair = &span.v[0];
    struct str shown = api_excerpt(pair->value, SHOWN_MAX);
    const char *want;

    assert(shape->kind < API_STRUCT);
    if (goes_on(pair, span.at))
        return stray(d, part_at(pair, span.at));
    if (span.n > 1) {
        if (goes_on(&span.v[1], span.at))
            return stray(d, part_at(&span.v[1], span.at));
        return malformed(d, "A parameter was given more than once", pair->key);
    }
    want = api_scalar_parse(d->arena, shape, pair->value, out, element);
    if (!want)
        return 0;
    if (d->service->protocol != API_EC2)
        return api_refuse(d->fault, d->arena, "MalformedInput", "%.*s is not %s: '%.*s'",
                          STR_ARG(api_excerpt(pair->key, SHOWN_MAX)), want, STR_ARG(shown));
    struct str name = api_camel(d->arena, str_of(d->service->pool + m->query, m->query_n));

    return api_refuse(d->fault, d->arena, "InvalidParameterValue",
                      "Value (%.*s) for parameter %.*s is invalid. Expecting %s.",
                      STR_ARG(shown), STR_ARG(name), want);
}

static int
decode_value(struct decoder *d, const struct api_member *m, struct span span, void *out,
             bool element)
{
    const struct api_shape *shape = &d->service->shapes[m->shape];
    int r;

    assert(span.n > 0);
    if (d->depth == API_DEPTH_MAX)
        return malformed(d, "A parameter is nested too deeply", span.v[0].key);
    d->depth++;
    if (shape->kind == API_STRUCT) {
        void *value = element ? out : take(d, 1, shape->size);

        if (!value)
            return malformed(d, "The request asks for too many elements", span.v[0].key);
        if (!element)
            memcpy(out, &value, sizeof(value));
        /* `Name=` is a struct without members. */
        if (!goes_on(&span.v[0], span.at) && span.v[0].value.n == 0)
            span = (struct span){span.v + 1, span.n - 1, span.at};
        r = decode_struct(d, shape->first, shape->n, span, value);
    } else if (shape->kind == API_LIST || shape->kind == API_MAP) {
        r = decode_list(d, shape, span, out);
    } else {
        r = decode_scalar(d, m, shape, span, out, element);
    }
    d->depth--;
    return r;
}

/* ---- the form ---- */

/* What is for the front and not for the operation. */
static bool
is_envelope(struct str key)
{
    static const char *const names[] = {
        "Action",          "Version",          "AWSAccessKeyId", "Signature", "SignatureMethod",
        "SignatureVersion", "Timestamp", "Expires", "SecurityToken"};

    assert(str_ok(key));
    if (str_starts(key, S("X-Amz-")))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(key, names[i]))
            return true;
    return false;
}

/* A service may have a parameter of that name itself (Expires). */
static bool
is_top_member(const struct api_service *service, const struct api_shape *input, struct str key)
{
    const struct api_member *m = &service->members[input->first];

    for (size_t i = 0; i < input->n; i++)
        if (str_eq(str_of(service->pool + m[i].query, m[i].query_n), key))
            return true;
    return false;
}

static int
read_pairs(struct decoder *d, const struct api_shape *input, struct str form, struct pair *v,
           size_t max, size_t *ret_n)
{
    struct str name, value;
    size_t n = 0;

    while (uri_query_next(&form, &name, &value)) {
        struct pair pair = {.order = (uint32_t)n};

        if (!value.p)
            value = S("");
        if (!uri_decode(d->arena, name, URI_PLUS_BLANK, &pair.key) ||
            !uri_decode(d->arena, value, URI_PLUS_BLANK, &pair.value))
            return malformed(d, "A parameter is not percent-encoded well", name);
        if (!str_is_utf8(pair.key) || !str_is_utf8(pair.value))
            return malformed(d, "A parameter is not UTF-8", name);
        if (is_envelope(pair.key) && !is_top_member(d->service, input, pair.key))
            continue;
        assert(n < max);
        v[n++] = pair;
    }
    (void)max;
    *ret_n = n;
    return 0;
}

int
api_decode_query(const struct api_service *service, const struct api_shape *input,
                 struct arena *arena, struct str form, void *req, struct api_fault *fault)
{
    struct decoder d = {
        .service = service,
        .arena = arena,
        .fault = fault,
        .bytes_left = API_DECODED_BYTES_MAX,
    };
    size_t max = 1, n = 0;

    assert(str_ok(form) && req);
    assert(input->kind == API_STRUCT);
    for (size_t i = 0; i < form.n; i++)
        max += form.p[i] == '&';
    if (max > API_PAIRS_MAX)
        return malformed(&d, "The request has too many parameters", S("20000 are allowed"));
    struct pair *v = ARENA_ARRAY(arena, struct pair, max);
    int r = read_pairs(&d, input, form, v, max, &n);
    if (r)
        return r;
    if (n > 1)
        qsort(v, n, sizeof(*v), pair_cmp);
    return decode_struct(&d, input->first, input->n, (struct span){v, n, 0}, req);
}
