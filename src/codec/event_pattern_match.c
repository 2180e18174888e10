/*
 * A pattern is walked beside the event.  Whether a field exists is asked of the whole event and
 * remembered, so that lists of objects are not read again for each of their elements.
 */
#include "codec/event_pattern_tree.h"

#include "base/list.h"
#include "codec/doc.h"

enum { UNKNOWN, PRESENT, MISSING };

struct match {
    const struct json *event;
    uint8_t known[EVENT_PATTERN_FIELDS_MAX];
};

/* ---- values ---- */

static bool
same(struct str a, struct str b, bool any_case)
{
    return any_case ? str_eq_nocase(a, b) : str_eq(a, b);
}

/* What has no star; escapes are checked. */
static bool
wildcard_hit(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

    assert(str_ok(pattern) && str_ok(text));
    while (t < text.n) {
        size_t escaped = p < pattern.n && pattern.p[p] == '\\';

        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.n && pattern.p[p + escaped] == text.p[t]) {
            p += 1 + escaped;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool
block_hit(const struct event_value *value, struct str text)
{
    struct ip6_block address;
    unsigned whole = value->block.bits / 8, rest = value->block.bits % 8;

    assert(value->block.bits <= 128);
    if (!event_address(text, &address))
        return false;
    if (memcmp(address.ip.b, value->block.ip.b, whole) != 0)
        return false;
    return !rest || (address.ip.b[whole] ^ value->block.ip.b[whole]) >> (8 - rest) == 0;
}

static bool
text_hit(const struct event_test *test, const struct event_value *value, struct str text)
{
    struct str want = value->text;

    assert(str_ok(want) && str_ok(text));
    switch (test->kind) {
    case EVENT_TEST_TEXT:
        return same(text, want, test->any_case);
    case EVENT_TEST_PREFIX:
        return same(str_cut(text, 0, want.n), want, test->any_case);
    case EVENT_TEST_SUFFIX:
        return text.n >= want.n &&
               same(str_cut(text, text.n - want.n, text.n), want, test->any_case);
    case EVENT_TEST_WILDCARD:
        return wildcard_hit(want, text);
    case EVENT_TEST_BLOCK:
        return block_hit(value, text);
    default:
        return false;
    }
}

static bool
number_hit(const struct event_test *test, const struct event_value *value, const struct json *v)
{
    double n;

    assert(v->kind == JSON_NUMBER);
    if (test->kind == EVENT_TEST_NUMBER && str_eq(value->text, v->text))
        return true;
    if (!json_f64(v, &n))
        return false;
    if (test->kind == EVENT_TEST_NUMBER)
        return n == value->low;
    return test->kind == EVENT_TEST_RANGE && n >= value->low && n <= value->high &&
           !(value->open_low && n == value->low) && !(value->open_high && n == value->high);
}

static bool
value_hit(const struct event_test *test, const struct event_value *value, const struct json *v)
{
    assert(v->kind != JSON_OBJECT && v->kind != JSON_ARRAY);
    if (v->kind == JSON_STRING)
        return text_hit(test, value, v->text);
    if (v->kind == JSON_NUMBER)
        return number_hit(test, value, v);
    return test->kind == EVENT_TEST_WORD && str_is(value->text, v->kind == JSON_NULL ? "null"
                                                                : v->truth           ? "true"
                                                                                     : "false");
}

/* An element of a list is enough. */
static bool
test_hit(const struct event_test *test, const struct json *v)
{
    if (v->kind == JSON_ARRAY) {
        for (size_t i = 0; i < v->n; i++)
            if (test_hit(test, &v->v[i]))
                return true;
        return false;
    }
    if (v->kind == JSON_OBJECT)
        return false;
    for (size_t i = 0; i < test->values.n; i++)
        if (value_hit(test, &test->values.v[i], v))
            return !test->but;
    return test->but;
}

/* ---- existence ---- */

static bool
has_leaf(const struct json *v, const struct str *path, size_t n)
{
    assert(n <= DOC_DEPTH_MAX);
    if (v && v->kind == JSON_ARRAY) {
        for (size_t i = 0; i < v->n; i++)
            if (has_leaf(&v->v[i], path, n))
                return true;
        return false;
    }
    if (!v || n == 0)
        return v && v->kind != JSON_OBJECT;
    return has_leaf(json_get_str(v, path[0]), path + 1, n - 1);
}

static bool
exists(struct match *m, const struct event_field *field)
{
    uint8_t *known = &m->known[field->number];
    struct str path[DOC_DEPTH_MAX];
    size_t at = DOC_DEPTH_MAX;

    assert(field->number < EVENT_PATTERN_FIELDS_MAX);
    if (*known == UNKNOWN) {
        for (const struct event_field *f = field; f; f = f->parent) {
            assert(at > 0);
            path[--at] = f->name;
        }
        *known = has_leaf(m->event, path + at, DOC_DEPTH_MAX - at) ? PRESENT : MISSING;
    }
    return *known == PRESENT;
}

/* ---- the tree ---- */

static bool node_hit(struct match *m, const struct event_node *node, const struct json *v);

static bool
tests_hit(struct match *m, const struct event_field *field, const struct json *v)
{
    for (size_t i = 0; i < field->tests.n; i++) {
        const struct event_test *test = &field->tests.v[i];

        if (test->kind == EVENT_TEST_EXISTS   ? exists(m, field)
            : test->kind == EVENT_TEST_ABSENT ? !exists(m, field)
                                              : v && test_hit(test, v))
            return true;
    }
    return false;
}

static bool
field_value_hit(struct match *m, const struct event_field *field, const struct json *v)
{
    if (field->node && !node_hit(m, field->node, v))
        return false;
    return !field->tests.n || tests_hit(m, field, v);
}

static bool
members_hit(struct match *m, const struct event_node *node, const struct json *object)
{
    for (size_t i = 0; i < node->fields.n; i++) {
        const struct event_field *field = node->fields.v[i];

        if (!field_value_hit(m, field, json_get_str(object, field->name)))
            return false;
    }
    for (size_t i = 0; i < node->ors.n; i++) {
        bool any = false;

        assert(node->ors.v[i].n >= 2);
        for (size_t j = 0; j < node->ors.v[i].n && !any; j++)
            any = members_hit(m, node->ors.v[i].v[j], object);
        if (!any)
            return false;
    }
    return true;
}

/* Of a list one object must have it all; what is no object has no members. */
static bool
node_hit(struct match *m, const struct event_node *node, const struct json *v)
{
    bool objects = false;

    if (!v || v->kind != JSON_ARRAY)
        return members_hit(m, node, v && v->kind == JSON_OBJECT ? v : NULL);
    for (size_t i = 0; i < v->n; i++) {
        bool inner = v->v[i].kind == JSON_OBJECT || v->v[i].kind == JSON_ARRAY;

        objects = objects || inner;
        if (inner && node_hit(m, node, &v->v[i]))
            return true;
    }
    return !objects && members_hit(m, node, NULL);
}

bool
event_pattern_match(const struct event_pattern *pattern, const struct json *event)
{
    struct match m = {.event = event};

    assert(pattern->size.fields > 0);
    return members_hit(&m, &pattern->root, event);
}

bool
event_pattern_texts(const struct event_pattern *pattern, struct str name, struct arena *a,
                    struct str_list *ret)
{
    const struct event_field *field = NULL;

    assert(name.n > 0);
    *ret = (struct str_list){0};
    for (size_t i = 0; i < pattern->root.fields.n; i++)
        if (str_eq(pattern->root.fields.v[i]->name, name))
            field = pattern->root.fields.v[i];
    if (!field || !field->tests.n)
        return false;
    for (size_t i = 0; i < field->tests.n; i++) {
        const struct event_test *test = &field->tests.v[i];

        if (test->kind != EVENT_TEST_TEXT || test->but || test->any_case)
            return false;
        assert(test->values.n == 1);
        *LIST_PUSH(a, ret) = test->values.v[0].text;
    }
    return true;
}
