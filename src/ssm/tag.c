/* Tags of parameters: at most 50, part of the parameter's row, sorted by key. */
#include <stdlib.h>

#include "ssm/ssm.h"

static int
by_key(const void *a, const void *b)
{
    return str_cmp(((const struct ssm_Tag *)a)->key, ((const struct ssm_Tag *)b)->key);
}

int
ssm_tags_of(struct api_call *call, const struct ssm_TagList *tags, struct str_list *ret)
{
    struct ssm_Tag *sorted = arena_dup(call->arena, tags->v, tags->n * sizeof(*tags->v));
    struct str_list list = {NULL, 0};

    if (tags->n > SSM_TAGS_MAX)
        return api_fault(
            call, &SSM_ERR(TooManyTagsError),
            "The Targets parameter includes too many tags. Remove one or more tags and "
            "try the command again.");
    if (tags->n)
        qsort(sorted, tags->n, sizeof(*sorted), by_key);
    for (size_t i = 0; i < tags->n; i++) {
        /* CloudFormation's own are of the system */
        if (str_eq_nocase(str_cut(sorted[i].key, 0, 4), S("aws:")) &&
            !str_is(call->via, "cloudformation.amazonaws.com"))
            return api_fault(call, &SSM_ERR(ValidationException),
                             "Tag keys can't be prefixed with \"aws:\" (case-insensitive).");
        if (i && str_eq(sorted[i].key, sorted[i - 1].key))
            return api_fault(call, &SSM_ERR(ValidationException),
                             "Duplicate tag keys: %.*s is given twice.", STR_ARG(sorted[i].key));
        *LIST_PUSH(call->arena, &list) = sorted[i].key;
        *LIST_PUSH(call->arena, &list) = sorted[i].value;
    }
    *ret = list;
    return 0;
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

/* The row's tags but those with these keys. */
static struct ssm_TagList
others(struct arena *a, const struct ssm_parameter_row *row, const struct str_list *keys)
{
    struct ssm_TagList list = {API_EMPTY, 0};

    assert(row->tags.n % 2 == 0);
    for (size_t i = 0; i < row->tags.n; i += 2)
        if (!keys || !str_in(keys, row->tags.v[i]))
            *LIST_PUSH(a, &list) =
                (struct ssm_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return list;
}

static int
save(struct api_call *call, const struct ssm_parameter_row *row, const struct ssm_TagList *tags)
{
    struct ssm_parameter_row new = *row;
    int r = ssm_tags_of(call, tags, &new.tags);

    if (r)
        return r;
    r = ssm_parameter_update(call->txn, &new);
    return r < 0 ? error_origin(-r, "tags of %.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ssm_add_tags_to_resource(struct api_call *call, const struct ssm_AddTagsToResourceRequest *req,
                         struct ssm_AddTagsToResourceResult *res UNUSED)
{
    const struct ssm_parameter_row *row;
    struct str_list keys = {NULL, 0}, checked;
    int r = find(call, req->resource_type, req->resource_id, &row);

    if (r == 0)
        r = ssm_tags_of(call, &req->tags, &checked);
    if (r)
        return r;
    LIST_EACH(&req->tags, tag) {
        *LIST_PUSH(call->arena, &keys) = tag->key;
    }
    struct ssm_TagList all = others(call->arena, row, &keys);

    LIST_EACH(&req->tags, tag) {
        *LIST_PUSH(call->arena, &all) = *tag;
    }
    return save(call, row, &all);
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
    struct ssm_TagList left = others(call->arena, row, &req->tag_keys);

    return save(call, row, &left);
}

int
ssm_list_tags_for_resource(struct api_call *call, const struct ssm_ListTagsForResourceRequest *req,
                           struct ssm_ListTagsForResourceResult *res)
{
    const struct ssm_parameter_row *row;
    int r = find(call, req->resource_type, req->resource_id, &row);

    if (r == 0)
        res->tag_list = others(call->arena, row, NULL);
    return r;
}
