/* Tags of topics. */
#include "sns/sns.h"

static int
find(struct api_call *call, struct str arn, const struct sns_topic_row **ret)
{
    *ret = sns_topic_get(call->txn, arn);
    if (!*ret || !str_eq((*ret)->region, call->region))
        return api_fault(call, &SNS_ERR(ResourceNotFound), "Resource does not exist");
    sns_topic_assert(*ret);
    return 0;
}

static int
reserved(struct api_call *call)
{
    return SNS_INVALID(call, "Tags Reason: aws: prefixed tag key names are not allowed for "
                             "external use");
}

int
sns_tags_put(struct api_call *call, const struct sns_TagList *tags, struct str_list *to)
{
    assert(to->n % 2 == 0);
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return reserved(call);
        *to = api_tags_put(call->arena, to, tag->key, tag->value);
    }
    if (api_tags_own(to) > SNS_TAGS_MAX)
        return api_fault(call, &SNS_ERR(TagLimitExceeded),
                         "Could not complete request: tag quota of per resource exceeded");
    return 0;
}

int
sns_tag_resource(struct api_call *call, const struct sns_TagResourceRequest *req,
                 struct sns_TagResourceResponse *res UNUSED)
{
    const struct sns_topic_row *old;
    int r = find(call, req->resource_arn, &old);

    if (r)
        return r;
    struct sns_topic_row row = *old;

    r = sns_tags_put(call, &req->tags, &row.tags);
    return r ? r : sns_topic_update(call->txn, &row);
}

int
sns_untag_resource(struct api_call *call, const struct sns_UntagResourceRequest *req,
                   struct sns_UntagResourceResponse *res UNUSED)
{
    const struct sns_topic_row *old;
    int r = find(call, req->resource_arn, &old);

    if (r)
        return r;
    LIST_EACH(&req->tag_keys, key) {
        if (api_tag_reserved(call, *key))
            return reserved(call);
    }
    struct sns_topic_row row = *old;

    row.tags = api_tags_without(call->arena, &old->tags, &req->tag_keys);
    return sns_topic_update(call->txn, &row);
}

int
sns_list_tags_for_resource(struct api_call *call, const struct sns_ListTagsForResourceRequest *req,
                           struct sns_ListTagsForResourceResponse *res)
{
    const struct sns_topic_row *row;
    int r = find(call, req->resource_arn, &row);

    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct sns_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return 0;
}
