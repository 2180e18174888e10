/* Tags of parameters: at most 50, part of the parameter's row, sorted by key. */
#include "api/tags.h"
#include "ssm/ssm.h"

/* Those of a request into a row's: the system's own, of stacks, may be among the latter. */
static int
tags_put(struct api_call *call, const struct ssm_TagList *tags, struct str_list *all)
{
    assert(all->n % 2 == 0);
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &SSM_ERR(ValidationException),
                             "Tag keys can't be prefixed with \"aws:\" (case-insensitive).");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
    }
    if (api_tags_own(all) > SSM_TAGS_MAX)
        return api_fault(
            call, &SSM_ERR(TooManyTagsError),
            "The Targets parameter includes too many tags. Remove one or more tags and "
            "try the command again.");
    return 0;
}

/* A list that names a key twice is refused. */
int
ssm_tags_of(struct api_call *call, const struct ssm_TagList *tags, struct str_list *ret)
{
    struct str_list list = {NULL, 0};

    LIST_EACH(tags, tag) {
        if (api_tags_get(&list, tag->key).p)
            return api_fault(call, &SSM_ERR(ValidationException),
                             "Duplicate tag keys: %.*s is given twice.", STR_ARG(tag->key));
        list = api_tags_put(call->arena, &list, tag->key, tag->value);
    }
    *ret = (struct str_list){NULL, 0};
    return tags_put(call, tags, ret);
}

/* The parameter that a request about tags names: other things have no tags here. */
static int
find(struct api_call *call, struct str type, struct str id, const struct ssm_parameter_row **ret)
{
    struct ssm_name name;

    if (!str_is(type, "Parameter"))
        return api_fault(call, &SSM_ERR(InvalidResourceType),
                         "Welkin has no resources of type %.*s; it has Parameter.", STR_ARG(type));
    if (ssm_name_parse(call->arena, id, call->account, call->region, &name) && !name.selector.p) {
        *ret = ssm_parameter_get(call->txn, ssm_name_key(call->arena, &name));
        if (*ret && str_eq((*ret)->account, call->account) && str_eq((*ret)->region, call->region))
            return 0;
    }
    return api_fault(call, &SSM_ERR(InvalidResourceId), "%s", "");
}

static int
save(struct api_call *call, const struct ssm_parameter_row *row, const struct str_list *tags)
{
    struct ssm_parameter_row new = *row;

    new.tags = *tags;
    ssm_parameter_assert(&new);
    int r = ssm_parameter_update(call->txn, &new);

    return r < 0 ? error_origin(-r, "tags of %.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ssm_add_tags_to_resource(struct api_call *call, const struct ssm_AddTagsToResourceRequest *req,
                         struct ssm_AddTagsToResourceResult *res UNUSED)
{
    const struct ssm_parameter_row *row;
    struct str_list checked;
    int r = find(call, req->resource_type, req->resource_id, &row);

    if (r == 0)
        r = ssm_tags_of(call, &req->tags, &checked);
    if (r)
        return r;
    struct str_list all = row->tags;

    r = tags_put(call, &req->tags, &all);
    return r ? r : save(call, row, &all);
}

int
ssm_remove_tags_from_resource(struct api_call *call,
                              const struct ssm_RemoveTagsFromResourceRequest *req,
                              struct ssm_RemoveTagsFromResourceResult *res UNUSED)
{
    const struct ssm_parameter_row *row;
    int r = find(call, req->resource_type, req->resource_id, &row);

    if (r)
        return r;
    struct str_list left = api_tags_without(call->arena, &row->tags, &req->tag_keys);

    return save(call, row, &left);
}

int
ssm_list_tags_for_resource(struct api_call *call, const struct ssm_ListTagsForResourceRequest *req,
                           struct ssm_ListTagsForResourceResult *res)
{
    const struct ssm_parameter_row *row;
    int r = find(call, req->resource_type, req->resource_id, &row);

    if (r)
        return r;
    for (size_t i = 0; i < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tag_list) =
            (struct ssm_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    API_PRESENT(&res->tag_list);
    return 0;
}
