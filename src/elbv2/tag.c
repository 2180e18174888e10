/* Tags of balancers, groups, listeners and rules. */
#include "elbv2/elbv2.h"

/* Whose tags are meant: a row of one of four tables. */
struct tagged {
    struct elb_balancer_row balancer;
    struct elb_target_group_row group;
    struct elb_listener_row listener;
    struct elb_rule_row rule;
    struct str_list *tags; /* in one of them */
};

static int
find(struct api_call *call, struct str arn, struct tagged *ret)
{
    const struct elb_balancer_row *balancer;
    const struct elb_target_group_row *group;
    const struct elb_listener_row *listener;
    const struct elb_rule_row *rule;
    int r;

    *ret = (struct tagged){0};
    if (str_find(arn, S(":targetgroup/")) != SIZE_MAX) {
        if ((r = elb_group_find(call, arn, &group)))
            return r;
        ret->group = *group;
        ret->tags = &ret->group.tags;
    } else if (str_find(arn, S(":listener/")) != SIZE_MAX) {
        if ((r = elb_listener_find(call, arn, &listener)))
            return r;
        ret->listener = *listener;
        ret->tags = &ret->listener.tags;
    } else if (str_find(arn, S(":listener-rule/")) != SIZE_MAX) {
        if ((r = elb_rule_find(call, arn, &rule)))
            return r;
        ret->rule = *rule;
        ret->tags = &ret->rule.tags;
    } else {
        if ((r = elb_balancer_find(call, arn, &balancer)))
            return r;
        ret->balancer = *balancer;
        ret->tags = &ret->balancer.tags;
    }
    return 0;
}

static int
save(struct api_call *call, const struct tagged *t, struct str arn)
{
    int r = t->tags == &t->balancer.tags   ? elb_balancer_update(call->txn, &t->balancer)
            : t->tags == &t->group.tags    ? elb_target_group_update(call->txn, &t->group)
            : t->tags == &t->listener.tags ? elb_listener_update(call->txn, &t->listener)
                                           : elb_rule_update(call->txn, &t->rule);

    assert(t->tags->n % 2 == 0);
    return elb_written(r, "the tags of", arn);
}

static int
put(struct api_call *call, const struct elbv2_TagList *tags, struct str_list *list)
{
    LIST_EACH(tags, tag) {
        for (const struct elbv2_Tag *other = tags->v; other < tag; other++)
            if (str_eq(other->key, tag->key))
                return api_fault(call, &ELB_ERR(DuplicateTagKeys),
                                 "Tag key was specified more than once: %.*s", STR_ARG(tag->key));
        if (api_tag_reserved(call, tag->key))
            return ELB_INVALID(call,
                               "Invalid tag key: '%.*s' - system tags cannot be added or "
                               "changed",
                               STR_ARG(tag->key));
        *list = api_tags_put(call->arena, list, tag->key, tag->value.p ? tag->value : S(""));
    }
    if (api_tags_own(list) > ELB_TAGS_MAX)
        return api_fault(call, &ELB_ERR(TooManyTags),
                         "The quota for the number of tags that can be assigned to a load balancer "
                         "has been reached");
    return 0;
}

int
elb_tags_of(struct api_call *call, const struct elbv2_TagList *tags, struct str_list *ret)
{
    *ret = (struct str_list){0};
    return put(call, tags, ret);
}

int
elb_add_tags(struct api_call *call, const struct elbv2_AddTagsInput *req,
             struct elbv2_AddTagsOutput *res UNUSED)
{
    int r = 0;

    LIST_EACH(&req->resource_arns, arn) {
        struct tagged t;

        if (!r)
            r = find(call, *arn, &t);
        if (!r)
            r = put(call, &req->tags, t.tags);
        if (!r)
            r = save(call, &t, *arn);
    }
    return r;
}

int
elb_remove_tags(struct api_call *call, const struct elbv2_RemoveTagsInput *req,
                struct elbv2_RemoveTagsOutput *res UNUSED)
{
    int r = 0;

    LIST_EACH(&req->resource_arns, arn) {
        struct tagged t;

        if (!r)
            r = find(call, *arn, &t);
        if (r)
            return r;
        *t.tags = api_tags_without(call->arena, t.tags, &req->tag_keys);
        r = save(call, &t, *arn);
    }
    return r;
}

int
elb_describe_tags(struct api_call *call, const struct elbv2_DescribeTagsInput *req,
                  struct elbv2_DescribeTagsOutput *res)
{
    enum { ASKED_MAX = 20 };

    if (req->resource_arns.n > ASKED_MAX)
        return ELB_INVALID(call, "The maximum number of resources in one call is '%d'", ASKED_MAX);
    API_PRESENT(&res->tag_descriptions);
    LIST_EACH(&req->resource_arns, arn) {
        struct elbv2_TagDescription out = {.resource_arn = *arn};
        struct tagged t;
        int r = find(call, *arn, &t);

        if (r)
            return r;
        API_PRESENT(&out.tags);
        for (size_t i = 0; i < t.tags->n; i += 2)
            *LIST_PUSH(call->arena, &out.tags) =
                (struct elbv2_Tag){.key = t.tags->v[i], .value = t.tags->v[i + 1]};
        *LIST_PUSH(call->arena, &res->tag_descriptions) = out;
    }
    return 0;
}
