/*
 * Who is in a group: things by their tags are asked of the tagging API, things of a stack of
 * CloudFormation, both as the caller, so that those policies are needed as well.
 */
#include "resourcegroups/resourcegroups.h"

#include "api/authorize.h"
#include "gen/api/cloudformation.h"
#include "gen/api/resourcegroupstaggingapi.h"

#include <stdlib.h>

#define VIA "resource-groups.amazonaws.com"
enum { PAGES_MAX = 1000 };

/* What a query finds. */
struct found {
    struct str_list arns;
    const char *error; /* a QueryErrorCode, NULL: none */
    const char *message;
};

/* ---- by tags ---- */

static struct resourcegroupstaggingapi_GetResourcesInput
tagging_request(struct api_call *call, const struct rg_query *query)
{
    struct resourcegroupstaggingapi_GetResourcesInput req = {.resources_per_page = opt_i64(100)};

    assert(!query->stack.p && query->filters.n <= RG_FILTERS_MAX);
    LIST_EACH(&query->filters, filter)
        *LIST_PUSH(call->arena, &req.tag_filters) = (struct resourcegroupstaggingapi_TagFilter){
            .key = filter->key, .values = filter->values};
    return req;
}

static int
find_by_tags(struct api_call *call, const struct rg_query *query, struct found *ret)
{
    struct resourcegroupstaggingapi_GetResourcesInput req = tagging_request(call, query);

    for (unsigned i = 0; i < PAGES_MAX; i++) {
        struct resourcegroupstaggingapi_GetResourcesOutput res = {0};
        int r =
            api_call_internal(call, "resourcegroupstaggingapi", "GetResources", &req, &res, VIA);

        if (r)
            return r;
        LIST_EACH(&res.resource_tag_mapping_list, mapping)
            *LIST_PUSH(call->arena, &ret->arns) = mapping->resource_arn;
        if (!res.pagination_token.n)
            break;
        req.pagination_token = res.pagination_token;
    }
    return 0;
}

/* ---- of a stack ---- */

/* The stack itself, if it is there. */
static int
find_stack(struct api_call *call, struct str arn, struct found *ret)
{
    const struct cloudformation_DescribeStacksInput req = {.stack_name = arn};
    struct cloudformation_DescribeStacksOutput res = {0};
    int r = api_call_internal(call, "cloudformation", "DescribeStacks", &req, &res, VIA);

    if (r > 0 && str_is(call->fault.code, "ValidationError")) {
        call->fault = (struct api_fault){0};
        ret->error = "CLOUDFORMATION_STACK_NOT_EXISTING";
        ret->message = "The CloudFormation stack does not exist";
        return 0;
    }
    if (r == 0 && res.stacks.n && str_is(res.stacks.v[0].stack_status, "DELETE_COMPLETE")) {
        ret->error = "CLOUDFORMATION_STACK_INACTIVE";
        ret->message = "The CloudFormation stack was deleted";
    }
    assert(r || ret->error || res.stacks.n == 1);
    return r;
}

static int
find_by_stack(struct api_call *call, const struct rg_query *query, struct found *ret)
{
    struct cloudformation_ListStackResourcesInput req = {.stack_name = query->stack};
    int r = find_stack(call, query->stack, ret);

    assert(query->stack.n > 0 && !query->filters.n);
    for (unsigned i = 0; i < PAGES_MAX && r == 0 && !ret->error; i++) {
        struct cloudformation_ListStackResourcesOutput res = {0};

        r = api_call_internal(call, "cloudformation", "ListStackResources", &req, &res, VIA);
        LIST_EACH(&res.stack_resource_summaries, one) {
            const struct rg_type *type = rg_type_named(one->resource_type);

            if (type && one->physical_resource_id.n &&
                !str_is(one->resource_status, "DELETE_COMPLETE"))
                *LIST_PUSH(call->arena, &ret->arns) =
                    rg_type_arn(call, type, one->physical_resource_id);
        }
        if (!res.next_token.n)
            break;
        req.next_token = res.next_token;
    }
    return r;
}

/* ---- both ---- */

static int
by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int
search(struct api_call *call, const struct resourcegroups_ResourceQuery *text, struct found *ret)
{
    struct rg_query query;
    struct found all = {0};
    int r = rg_query_read(call, text, &query);

    if (r == 0)
        r = query.stack.p ? find_by_stack(call, &query, &all) : find_by_tags(call, &query, &all);
    if (r)
        return r;
    *ret = (struct found){.error = all.error, .message = all.message};
    LIST_EACH(&all.arns, arn) {
        const struct rg_type *type = rg_type_of(*arn);

        if (type && (query.all || str_in(&query.types, str_from(type->name))))
            *LIST_PUSH(call->arena, &ret->arns) = *arn;
    }
    if (ret->arns.n)
        qsort(ret->arns.v, ret->arns.n, sizeof(ret->arns.v[0]), by_text);
    return 0;
}

static struct resourcegroups_QueryErrorList
errors_show(struct api_call *call, const struct found *found)
{
    struct resourcegroups_QueryErrorList list = {0};

    assert(!found->error == !found->message);
    API_PRESENT(&list);
    if (found->error)
        *LIST_PUSH(call->arena, &list) = (struct resourcegroups_QueryError){
            .error_code = str_from(found->error), .message = str_from(found->message)};
    return list;
}

static struct resourcegroups_ResourceIdentifier
identifier(struct str arn)
{
    assert(rg_type_of(arn)); /* search() takes no others */
    return (struct resourcegroups_ResourceIdentifier){
        .resource_arn = arn, .resource_type = str_from(rg_type_of(arn)->name)};
}

int
resourcegroups_search_resources(struct api_call *call,
                                const struct resourcegroups_SearchResourcesInput *req,
                                struct resourcegroups_SearchResourcesOutput *res)
{
    struct api_page page;
    struct found found;
    int r = rg_page_open(call, req->next_token, req->max_results, &page);

    if (r == 0)
        r = search(call, req->resource_query, &found);
    if (r)
        return r;
    API_PRESENT(&res->resource_identifiers);
    LIST_EACH(&found.arns, arn)
        if (api_page_take(&page, *arn))
            *LIST_PUSH(call->arena, &res->resource_identifiers) = identifier(*arn);
    res->query_errors = errors_show(call, &found);
    res->next_token = rg_page_next(call, &page);
    return 0;
}

static bool
is_wanted(struct str arn, const struct resourcegroups_ResourceFilterList *filters)
{
    LIST_EACH(filters, filter) /* resource-type is the only name */
        if (!str_in(&filter->values, str_from(rg_type_of(arn)->name)))
            return false;
    return true;
}

int
resourcegroups_list_group_resources(struct api_call *call,
                                    const struct resourcegroups_ListGroupResourcesInput *req,
                                    struct resourcegroups_ListGroupResourcesOutput *res)
{
    const struct rg_group_row *row;
    struct api_page page;
    struct found found;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r == 0)
        r = rg_page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    const struct resourcegroups_ResourceQuery query = {row->query_type, row->query};

    r = search(call, &query, &found);
    if (r)
        return r;
    API_PRESENT(&res->resources);
    API_PRESENT(&res->resource_identifiers);
    LIST_EACH(&found.arns, arn) {
        if (!is_wanted(*arn, &req->filters) || !api_page_take(&page, *arn))
            continue;
        struct resourcegroups_ListGroupResourcesItem *item =
            LIST_PUSH(call->arena, &res->resources);

        item->identifier = ARENA_NEW(call->arena, struct resourcegroups_ResourceIdentifier);
        *item->identifier = identifier(*arn);
        *LIST_PUSH(call->arena, &res->resource_identifiers) = identifier(*arn);
    }
    res->query_errors = errors_show(call, &found);
    res->next_token = rg_page_next(call, &page);
    return 0;
}
