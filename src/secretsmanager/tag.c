/* Tags of secrets: at most 50, part of the secret's row, sorted by key. */
#include "secretsmanager/secretsmanager.h"

enum { TAGS_MAX = 50 };

struct secretsmanager_TagList
secret_tags_show(struct arena *a, const struct str_list *tags)
{
    struct secretsmanager_TagList list = {NULL, 0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        *LIST_PUSH(a, &list) =
            (struct secretsmanager_Tag){.key = tags->v[i], .value = tags->v[i + 1]};
    return list;
}

/* Puts a tag where it belongs, in the place of one with the same key. */
static struct str_list
tag_put(struct arena *a, const struct str_list *tags, struct str key, struct str value)
{
    struct str_list all = {NULL, 0};
    size_t i = 0;

    for (; i < tags->n && str_cmp(tags->v[i], key) < 0; i += 2) {
        *LIST_PUSH(a, &all) = tags->v[i];
        *LIST_PUSH(a, &all) = tags->v[i + 1];
    }
    *LIST_PUSH(a, &all) = key;
    *LIST_PUSH(a, &all) = value;
    if (i < tags->n && str_eq(tags->v[i], key))
        i += 2;
    for (; i < tags->n; i++)
        *LIST_PUSH(a, &all) = tags->v[i];
    return all;
}

static int
tags_put(struct api_call *call, const struct secretsmanager_TagList *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (!tag->key.n)
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "A tag must have a Key.");
        /* CloudFormation's own are of the system */
        if (str_eq_nocase(str_cut(tag->key, 0, 4), S("aws:")) &&
            !str_is(call->via, "cloudformation.amazonaws.com"))
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "Tag keys that begin with aws: are reserved for AWS use.");
        *all = tag_put(call->arena, all, tag->key, tag->value);
        if (all->n > 2 * (size_t)TAGS_MAX)
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "A secret can have no more than %d tags.", TAGS_MAX);
    }
    return 0;
}

int
secret_tags_of(struct api_call *call, const struct secretsmanager_TagList *tags,
               struct str_list *ret)
{
    *ret = (struct str_list){NULL, 0};
    int r = tags_put(call, tags, ret);

    if (r == 0 && ret->n != 2 * tags->n)
        r = api_fault(call, &SECRET_ERR(InvalidParameterException),
                      "A tag key must not be given twice.");
    return r;
}

int
secretsmanager_tag_resource(struct api_call *call,
                            const struct secretsmanager_TagResourceRequest *req,
                            struct secretsmanager_TagResourceResult *res UNUSED)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    struct secret_row new = *secret;

    r = tags_put(call, &req->tags, &new.tags);
    return r ? r : secret_changed(call, &new);
}

int
secretsmanager_untag_resource(struct api_call *call,
                              const struct secretsmanager_UntagResourceRequest *req,
                              struct secretsmanager_UntagResourceResult *res UNUSED)
{
    struct str_list left = {NULL, 0};
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    struct secret_row new = *secret;

    for (size_t i = 0; i < secret->tags.n; i++)
        if (!str_in(&req->tag_keys, secret->tags.v[i - i % 2]))
            *LIST_PUSH(call->arena, &left) = secret->tags.v[i];
    new.tags = left;
    return secret_changed(call, &new);
}
