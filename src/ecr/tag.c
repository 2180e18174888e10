/* Tags of repositories. */
#include "ecr/ecr.h"

#include "api/tags.h"

static size_t
place_of(const struct str_list *list, struct str key)
{
    size_t at = 0;

    assert(list->n % 2 == 0);
    while (at < list->n && !str_eq(list->v[at], key))
        at += 2;
    assert(at <= list->n);
    return at;
}

int
ecr_tags_add(struct api_call *call, const struct ecr_TagList *tags, struct str_list *list)
{
    LIST_EACH(tags, tag) {
        size_t at = place_of(list, tag->key);

        if (api_tag_reserved(call, tag->key))
            return ecr_refuse(call, "InvalidTagParameterException",
                              "Tag keys that begin with aws: are AWS's own");
        if (at == list->n) {
            *LIST_PUSH(call->arena, list) = tag->key;
            *LIST_PUSH(call->arena, list) = S("");
        }
        list->v[at + 1] = tag->value.p ? tag->value : S("");
    }
    return api_tags_own(list) <= ECR_TAGS_MAX
               ? 0
               : ecr_refuse(call, "TooManyTagsException", "A repository has at most %d tags",
                            ECR_TAGS_MAX);
}

/* A copy that may be changed. */
static struct str_list
copy_of(struct arena *a, const struct str_list *list)
{
    struct str_list copy = {0};

    assert(list->n % 2 == 0);
    for (size_t i = 0; i < list->n; i++)
        *LIST_PUSH(a, &copy) = list->v[i];
    return copy;
}

int
ecr_tag_resource(struct api_call *call, const struct ecr_TagResourceRequest *req,
                 struct ecr_TagResourceResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find_arn(call, req->resource_arn, &found);

    (void)res;
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.tags = copy_of(call->arena, &found->tags);
    r = ecr_tags_add(call, &req->tags, &row.tags);
    return r ? r : ecr_save(call, &row);
}

int
ecr_untag_resource(struct api_call *call, const struct ecr_UntagResourceRequest *req,
                   struct ecr_UntagResourceResponse *res)
{
    const struct ecr_repository_row *found;
    int r = ecr_find_arn(call, req->resource_arn, &found);

    (void)res;
    if (r)
        return r;
    struct ecr_repository_row row = *found;

    row.tags = api_tags_without(call->arena, &found->tags, &req->tag_keys);
    return ecr_save(call, &row);
}

int
ecr_list_tags_for_resource(struct api_call *call, const struct ecr_ListTagsForResourceRequest *req,
                           struct ecr_ListTagsForResourceResponse *res)
{
    const struct ecr_repository_row *row;
    int r = ecr_find_arn(call, req->resource_arn, &row);

    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) = (struct ecr_Tag){row->tags.v[i], row->tags.v[i + 1]};
    return 0;
}
