/*
 * A list is a set: elements that are alike are put together first, tags by their keys; of what is
 * left, pairs are compared, and the rest was added or removed.
 */
#include "cloudformation/difference.h"

#include "base/list.h"

#define TEXT_MAX ((size_t)1 << 20)

struct difference {
    struct arena *arena;
    struct json list;
};

static void compare(struct difference *d, struct str path, const struct json *expected,
                    const struct json *actual);

static struct str
text_of(struct difference *d, const struct json *j)
{
    struct str text = cfn_scalar(j);

    if (!j || j->kind == JSON_NULL)
        return S("null");
    return text.p ? text : cfn_print(d->arena, j, TEXT_MAX);
}

static void
note(struct difference *d, struct str path, const char *kind, const struct json *expected,
     const struct json *actual)
{
    struct json one = cfn_object();

    assert(expected || actual);
    cfn_put(d->arena, &one, S("PropertyPath"), cfn_text(path));
    cfn_put(d->arena, &one, S("ExpectedValue"), cfn_text(text_of(d, expected)));
    cfn_put(d->arena, &one, S("ActualValue"), cfn_text(text_of(d, actual)));
    cfn_put(d->arena, &one, S("DifferenceType"), cfn_text(str_from(kind)));
    cfn_push(d->arena, &d->list, one);
}

/* Whether all that is expected is there.  Lists in lists by their order: this must stay cheap. */
static bool
covers(const struct json *expected, const struct json *actual)
{
    assert(expected);
    if (cfn_equal(expected, actual))
        return true;
    if (!actual || expected->kind != actual->kind || expected->n > actual->n)
        return false;
    if (expected->kind == JSON_ARRAY && expected->n != actual->n)
        return false;
    if (expected->kind != JSON_ARRAY && expected->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < expected->n; i++) {
        bool list = expected->kind == JSON_ARRAY;

        if (!covers(&expected->v[i],
                    list ? &actual->v[i] : json_get_str(actual, expected->names[i])))
            return false;
    }
    return true;
}

static struct str
tag_key(const struct json *j)
{
    return json_text(j, "Key");
}

/* The element that stands for it, of those that are not taken. */
static size_t
find_partner(const struct json *element, const struct json *list, const bool *taken, bool whole)
{
    assert(list->kind == JSON_ARRAY);
    for (size_t i = 0; i < list->n; i++) {
        bool same = whole ? covers(element, &list->v[i])
                          : tag_key(element).p && str_eq(tag_key(element), tag_key(&list->v[i]));

        if (!taken[i] && same)
            return i;
    }
    return SIZE_MAX;
}

static void
compare_lists(struct difference *d, struct str path, const struct json *expected,
              const struct json *actual)
{
    size_t *partner = ARENA_ARRAY(d->arena, size_t, expected->n + 1);
    bool *taken = ARENA_ARRAY(d->arena, bool, actual->n + 1);
    size_t next = 0;

    assert(expected->kind == JSON_ARRAY && actual->kind == JSON_ARRAY);
    for (size_t i = 0; i < expected->n; i++)
        partner[i] = SIZE_MAX;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < expected->n; i++) {
            if (partner[i] != SIZE_MAX)
                continue;
            partner[i] = find_partner(&expected->v[i], actual, taken, round == 0);
            if (partner[i] != SIZE_MAX)
                taken[partner[i]] = true;
        }
    for (size_t i = 0; i < expected->n; i++) {
        struct str at = str_fmt(d->arena, "%.*s/%zu", STR_ARG(path), i);

        while (partner[i] == SIZE_MAX && !tag_key(&expected->v[i]).p && next < actual->n) {
            if (!taken[next])
                partner[i] = next;
            taken[next++] = true;
        }
        if (partner[i] == SIZE_MAX)
            note(d, at, "REMOVE", &expected->v[i], NULL);
        else if (!covers(&expected->v[i], &actual->v[partner[i]]))
            compare(d, at, &expected->v[i], &actual->v[partner[i]]);
    }
    for (size_t i = 0; i < actual->n; i++)
        if (!taken[i])
            note(d, str_fmt(d->arena, "%.*s/%zu", STR_ARG(path), i), "ADD", NULL, &actual->v[i]);
}

static void
compare(struct difference *d, struct str path, const struct json *expected,
        const struct json *actual)
{
    struct json parsed;

    assert(expected);
    if (cfn_equal(expected, actual))
        return;
    if (!actual || actual->kind == JSON_NULL) {
        note(d, path, "REMOVE", expected, NULL);
        return;
    }
    /* a document that a service keeps as text */
    if (actual->kind == JSON_STRING && expected->kind != JSON_STRING &&
        cfn_read(d->arena, actual->text, &parsed) && parsed.kind == expected->kind &&
        parsed.kind >= JSON_ARRAY)
        actual = &parsed;
    if (expected->kind == JSON_OBJECT && actual->kind == JSON_OBJECT) {
        for (size_t i = 0; i < expected->n; i++)
            compare(d, str_fmt(d->arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(expected->names[i])),
                    &expected->v[i], json_get_str(actual, expected->names[i]));
        return;
    }
    if (expected->kind == JSON_ARRAY && actual->kind == JSON_ARRAY) {
        compare_lists(d, path, expected, actual);
        return;
    }
    note(d, path, "NOT_EQUAL", expected, actual);
}

struct json
cfn_differences(struct arena *a, const struct json *expected, const struct json *actual)
{
    struct difference d = {.arena = a, .list = cfn_array()};

    assert(expected && actual);
    compare(&d, S(""), expected, actual);
    return d.list;
}
