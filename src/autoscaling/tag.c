/* Tags of groups: key, value and whether instances get them at launch, sorted by key. */
#include "autoscaling/autoscaling.h"

enum { KEY = 0, VALUE, PROPAGATE, PARTS };

struct autoscaling_TagDescriptionList
asg_tags_show(struct api_call *call, const struct asg_group_row *group)
{
    struct autoscaling_TagDescriptionList list = {0};

    API_PRESENT(&list);
    assert(group->tags.n % PARTS == 0);
    for (size_t i = 0; i < group->tags.n; i += PARTS)
        *LIST_PUSH(call->arena, &list) = (struct autoscaling_TagDescription){
            .resource_id = group->name,
            .resource_type = S("auto-scaling-group"),
            .key = group->tags.v[i + KEY],
            .value = group->tags.v[i + VALUE],
            .propagate_at_launch = opt_bool(str_is(group->tags.v[i + PROPAGATE], "true")),
        };
    return list;
}

/* The list with a tag in its place, or (value p NULL) without it. */
static struct str_list
with(struct arena *a, const struct str_list *tags, struct str key, struct str value, bool propagate)
{
    struct str_list out = {0};
    bool placed = !value.p;

    for (size_t i = 0; i <= tags->n; i += PARTS) {
        int order = i == tags->n ? 1 : str_cmp(tags->v[i], key);

        if (order >= 0 && !placed) {
            *LIST_PUSH(a, &out) = key;
            *LIST_PUSH(a, &out) = value;
            *LIST_PUSH(a, &out) = propagate ? S("true") : S("false");
            placed = true;
        }
        for (size_t k = 0; i < tags->n && order != 0 && k < PARTS; k++)
            *LIST_PUSH(a, &out) = tags->v[i + k];
    }
    assert(placed && out.n % PARTS == 0);
    return out;
}

static size_t
own_tags(const struct str_list *tags)
{
    size_t n = 0;

    for (size_t i = 0; i < tags->n; i += PARTS)
        n += !str_eq_nocase(str_cut(tags->v[i], 0, 4), S("aws:"));
    return n;
}

static int
key_check(struct api_call *call, struct str key)
{
    if (api_tag_reserved(call, key))
        return ASG_INVALID(call, "Tag keys that begin with aws: are reserved for internal use.");
    return 0;
}

int
asg_tags_put(struct api_call *call, const struct autoscaling_TagList *tags,
             struct asg_group_row *group)
{
    LIST_EACH(tags, tag) {
        int r = key_check(call, tag->key);

        if (r)
            return r;
        group->tags = with(call->arena, &group->tags, tag->key, tag->value.p ? tag->value : S(""),
                           opt_bool_or(tag->propagate_at_launch, false));
    }
    if (own_tags(&group->tags) > ASG_TAGS_MAX)
        return api_fault(call, &ASG_ERR(LimitExceeded),
                         "The maximum number of tags for an AutoScalingGroup is %d", ASG_TAGS_MAX);
    return 0;
}

/* ---- CreateOrUpdateTags, DeleteTags ---- */

static int
group_of(struct api_call *call, const struct autoscaling_Tag *tag, struct asg_group_row *ret)
{
    const struct asg_group_row *row;

    if (!str_is(tag->resource_type, "auto-scaling-group"))
        return ASG_INVALID(call, "The resource type %.*s is not supported",
                           STR_ARG(tag->resource_type));
    row = tag->resource_id.n ? asg_group_look(call, tag->resource_id) : NULL;
    if (!row)
        return ASG_INVALID(call, "AutoScalingGroup not found - AutoScaling Group %.*s not found",
                           STR_ARG(tag->resource_id));
    *ret = *row;
    return 0;
}

int
asg_create_or_update_tags(struct api_call *call,
                          const struct autoscaling_CreateOrUpdateTagsType *req,
                          struct autoscaling_CreateOrUpdateTagsResult *res UNUSED)
{
    struct asg_group_row group;

    LIST_EACH(&req->tags, tag) {
        int r = group_of(call, tag, &group);

        if (r == 0)
            r = asg_tags_put(call, &(struct autoscaling_TagList){tag, 1}, &group);
        if (r == 0)
            r = asg_group_save(call, &group);
        if (r)
            return r;
    }
    return 0;
}

int
asg_delete_tags(struct api_call *call, const struct autoscaling_DeleteTagsType *req,
                struct autoscaling_DeleteTagsResult *res UNUSED)
{
    struct asg_group_row group;

    LIST_EACH(&req->tags, tag) {
        int r = group_of(call, tag, &group);

        if (r == 0)
            r = key_check(call, tag->key);
        if (r)
            return r;
        group.tags = with(call->arena, &group.tags, tag->key, STR_NONE, false);
        r = asg_group_save(call, &group);
        if (r)
            return r;
    }
    return 0;
}

/* ---- DescribeTags ---- */

static struct str
filtered(const struct autoscaling_TagDescription *tag, struct str name)
{
    if (str_is(name, "auto-scaling-group"))
        return tag->resource_id;
    if (str_is(name, "key"))
        return tag->key;
    if (str_is(name, "value"))
        return tag->value;
    assert(str_is(name, "propagate-at-launch"));
    return tag->propagate_at_launch.v ? S("true") : S("false");
}

static int
filters_check(struct api_call *call, const struct autoscaling_FilterList *filters)
{
    static const char *const names[] = {"auto-scaling-group", "key", "value",
                                        "propagate-at-launch"};

    LIST_EACH(filters, f) {
        size_t i = 0;

        while (i < ARRAY_LEN(names) && !str_is(f->name, names[i]))
            i++;
        if (i == ARRAY_LEN(names))
            return ASG_INVALID(call,
                               "Filter type %.*s is not correct. Allowed Filter types are: "
                               "auto-scaling-group key value propagate-at-launch",
                               STR_ARG(f->name));
    }
    return 0;
}

int
asg_describe_tags(struct api_call *call, const struct autoscaling_DescribeTagsType *req,
                  struct autoscaling_TagsType *res)
{
    struct api_page page;
    int r = filters_check(call, &req->filters);

    if (r == 0)
        r = asg_page_open(call, req->next_token, req->max_records, 50, &page);
    if (r)
        return r;
    API_PRESENT(&res->tags);
    STORE_EACH(call->txn, asg_group_by_name, row, call->account, call->region) {
        struct autoscaling_TagDescriptionList list = asg_tags_show(call, row);

        LIST_EACH(&list, tag) {
            struct str key =
                str_fmt(call->arena, "%.*s\n%.*s", STR_ARG(row->name), STR_ARG(tag->key));
            bool wanted = true;

            LIST_EACH(&req->filters, f)
                wanted = wanted && str_in(&f->values, filtered(tag, f->name));
            if (wanted && api_page_take(&page, key))
                *LIST_PUSH(call->arena, &res->tags) = *tag;
        }
        if (page.more)
            break;
    }
    res->next_token = asg_page_next(call, &page);
    return 0;
}
