/* Tags of rows; tags.h. */
#include "api/tags.h"

struct str_list
api_tags_put(struct arena *arena, const struct str_list *tags, struct str key, struct str value)
{
    struct str_list all = {NULL, 0};
    size_t i = 0;

    assert(tags->n % 2 == 0);
    for (; i < tags->n && str_cmp(tags->v[i], key) < 0; i += 2) {
        *LIST_PUSH(arena, &all) = tags->v[i];
        *LIST_PUSH(arena, &all) = tags->v[i + 1];
    }
    *LIST_PUSH(arena, &all) = key;
    *LIST_PUSH(arena, &all) = value.p ? value : S("");
    if (i < tags->n && str_eq(tags->v[i], key))
        i += 2;
    for (; i < tags->n; i++)
        *LIST_PUSH(arena, &all) = tags->v[i];
    return all;
}

struct str_list
api_tags_without(struct arena *arena, const struct str_list *tags, const struct str_list *keys)
{
    struct str_list left = {NULL, 0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i++)
        if (!str_in(keys, tags->v[i - i % 2]))
            *LIST_PUSH(arena, &left) = tags->v[i];
    return left;
}

struct str
api_tags_get(const struct str_list *tags, struct str key)
{
    for (size_t i = 0; i < tags->n; i += 2)
        if (str_eq(tags->v[i], key))
            return tags->v[i + 1];
    return STR_NONE;
}

static bool
is_system(struct str key)
{
    return str_eq_nocase(str_cut(key, 0, 4), S("aws:"));
}

size_t
api_tags_own(const struct str_list *tags)
{
    size_t n = 0;

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        n += !is_system(tags->v[i]);
    return n;
}

bool
api_tag_reserved(const struct api_call *call, struct str key)
{
    return is_system(key) && !str_is(call->via, "cloudformation.amazonaws.com") &&
           !str_is(call->via, "autoscaling.amazonaws.com");
}
