/* Tags of secrets: at most 50, part of the secret's row, sorted by key. */
#include "secretsmanager/secretsmanager.h"

#include "api/tags.h"

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

static int
tags_put(struct api_call *call, const struct secretsmanager_TagList *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (!tag->key.n)
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "A tag must have a Key.");
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "Tag keys that begin with aws: are reserved for AWS use.");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
        if (api_tags_own(all) > TAGS_MAX)
            return api_fault(call, &SECRET_ERR(InvalidParameterException),
                             "A secret can have no more than %d tags.", TAGS_MAX);
    }
    assert(all->n % 2 == 0);
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
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    struct secret_row new = *secret;

    new.tags = api_tags_without(call->arena, &secret->tags, &req->tag_keys);
    return secret_changed(call, &new);
}
