/* Tags of buses and rules: at most 50, a part of the row, sorted by key. */
#include "events/events.h"

static int
not_there(struct api_call *call, struct str arn)
{
    struct str bus = S(EVENTS_DEFAULT), name = arn, next = arn;

    assert(arn.n > 0);
    str_split(&next, '/');
    while (next.p) {
        name = str_split(&next, '/');
        if (next.p)
            bus = name;
    }
    if (str_find(arn, S(":event-bus/")) != SIZE_MAX)
        return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                         "Event bus %.*s does not exist.", STR_ARG(name));
    return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                     "Rule %.*s does not exist on EventBus %.*s.", STR_ARG(name), STR_ARG(bus));
}

int
events_tags_put(struct api_call *call, const struct events_TagList *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &EVENTS_ERR(ValidationException),
                             "Tag keys that begin with aws: are reserved for AWS use.");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
    }
    if (api_tags_own(all) > EVENTS_TAGS_MAX)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "A resource can have no more than %d tags.", EVENTS_TAGS_MAX);
    assert(all->n % 2 == 0);
    return 0;
}

/* The tags of a thing of the caller's; `new`: what they shall be. */
static int
tags_of(struct api_call *call, struct str arn, struct str_list *ret)
{
    const struct events_rule_row *rule = events_rule_get(call->txn, arn);
    const struct events_bus_row *bus = events_bus_get(call->txn, arn);

    if (!(rule && str_eq(rule->account, call->account)) &&
        !(bus && str_eq(bus->account, call->account)))
        return not_there(call, arn);
    *ret = rule ? rule->tags : bus->tags;
    return events_may(call, arn, ret);
}

static int
tags_set(struct api_call *call, struct str arn, const struct str_list *tags)
{
    const struct events_rule_row *rule = events_rule_get(call->txn, arn);

    if (rule) {
        struct events_rule_row row = *rule;

        row.tags = *tags;
        events_rule_assert(&row);
        return events_rule_update(call->txn, &row);
    }
    const struct events_bus_row *bus = events_bus_get(call->txn, arn);

    assert(bus); /* tags_of() found one of the two */
    struct events_bus_row row = *bus;

    row.tags = *tags;
    return events_bus_save(call, &row);
}

int
events_tag_resource(struct api_call *call, const struct events_TagResourceRequest *req,
                    struct events_TagResourceResponse *res UNUSED)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r == 0)
        r = events_tags_put(call, &req->tags, &tags);
    return r ? r : tags_set(call, req->resource_arn, &tags);
}

int
events_untag_resource(struct api_call *call, const struct events_UntagResourceRequest *req,
                      struct events_UntagResourceResponse *res UNUSED)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r)
        return r;
    tags = api_tags_without(call->arena, &tags, &req->tag_keys);
    return tags_set(call, req->resource_arn, &tags);
}

int
events_list_tags_for_resource(struct api_call *call,
                              const struct events_ListTagsForResourceRequest *req,
                              struct events_ListTagsForResourceResponse *res)
{
    struct str_list tags;
    int r = tags_of(call, req->resource_arn, &tags);

    if (r)
        return r;
    API_PRESENT(&res->tags);
    for (size_t i = 0; i + 1 < tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct events_Tag){.key = tags.v[i], .value = tags.v[i + 1]};
    return 0;
}
