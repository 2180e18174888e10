/* Tags.  Alarms are all that has some here. */
#include "cloudwatch/alarm.h"

static int
find(struct api_call *call, struct str arn, const struct cloudwatch_alarm_row **ret)
{
    const struct cloudwatch_alarm_row *row = cloudwatch_alarm_get(call->txn, arn);

    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region))
        return api_fault(call, &CLOUDWATCH_ERR(ResourceNotFoundException),
                         "The resource %.*s does not exist", STR_ARG(arn));
    cloudwatch_alarm_assert(row);
    *ret = row;
    return 0;
}

static int
reserved(struct api_call *call)
{
    return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                     "Tag keys that begin with aws: are reserved for system use.");
}

int
cloudwatch_tags_add(struct api_call *call, const struct cloudwatch_TagList *tags,
                    struct str_list *to)
{
    assert(to->n % 2 == 0);
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return reserved(call);
        *to = api_tags_put(call->arena, to, tag->key, tag->value);
    }
    if (api_tags_own(to) > CLOUDWATCH_TAGS_MAX)
        return api_fault(call, &CLOUDWATCH_ERR(InvalidParameterValue),
                         "An alarm can have at most %d tags.", CLOUDWATCH_TAGS_MAX);
    return 0;
}

int
cloudwatch_tag_resource(struct api_call *call, const struct cloudwatch_TagResourceInput *req,
                        struct cloudwatch_TagResourceOutput *res UNUSED)
{
    const struct cloudwatch_alarm_row *old;
    int r = find(call, req->resource_arn, &old);

    if (r)
        return r;
    struct cloudwatch_alarm_row row = *old;

    assert(row.tags.n % 2 == 0);
    r = cloudwatch_tags_add(call, &req->tags, &row.tags);
    return r ? r : cloudwatch_alarm_update(call->txn, &row);
}

int
cloudwatch_untag_resource(struct api_call *call, const struct cloudwatch_UntagResourceInput *req,
                          struct cloudwatch_UntagResourceOutput *res UNUSED)
{
    const struct cloudwatch_alarm_row *old;
    int r = find(call, req->resource_arn, &old);

    if (r)
        return r;
    struct cloudwatch_alarm_row row = *old;

    assert(old->tags.n % 2 == 0);
    LIST_EACH(&req->tag_keys, key) {
        if (api_tag_reserved(call, *key))
            return reserved(call);
    }
    row.tags = api_tags_without(call->arena, &old->tags, &req->tag_keys);
    return cloudwatch_alarm_update(call->txn, &row);
}

int
cloudwatch_list_tags_for_resource(struct api_call *call,
                                  const struct cloudwatch_ListTagsForResourceInput *req,
                                  struct cloudwatch_ListTagsForResourceOutput *res)
{
    const struct cloudwatch_alarm_row *row;
    int r = find(call, req->resource_arn, &row);

    if (r)
        return r;
    assert(row->tags.n % 2 == 0);
    API_PRESENT(&res->tags);
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct cloudwatch_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return 0;
}
