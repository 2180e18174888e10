/*
 * Looking at tags: GetResources, GetTagKeys, GetTagValues.
 *
 * Each call walks what the account has in the Region.  Pages go by ARN, key or value, so that what
 * comes and goes between two of them does not disturb them.
 */
#include "resourcegroupstaggingapi/resourcegroupstaggingapi.h"

#include <stdlib.h>

const struct api_service_hooks resourcegroupstaggingapi_hooks = {
    .service = &resourcegroupstaggingapi_service,
};

enum {
    RESOURCES_PAGE = 50,
    RESOURCES_PAGE_MAX = 100,
    TAGS_PAGE_MIN = 100,
    TAGS_PAGE_MAX = 500,
    NAMES_PAGE = 100, /* of GetTagKeys and GetTagValues */
    TYPES_MAX = 100,
};

static int
page_open(struct api_call *call, struct str token, int64_t rows, struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = rows, .otherwise = rows};
    const struct api_page_scope scope = api_page_scope(call);

    assert(rows >= 1);
    /* An empty one is what the last page has. */
    if (api_page_open(call->arena, &scope, &rule, token.n ? token : STR_NONE, (struct opt_i64){0},
                      false, ret, &call->fault))
        return api_fault(call, &tagging_invalid, "The PaginationToken is invalid");
    return 0;
}

static struct str
page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);
    struct str token = api_page_next(call->arena, &scope, page);

    return token.p ? token : S("");
}

/* ---- GetResources ---- */

static int
range_check(struct api_call *call, const char *name, int64_t value, int64_t min, int64_t max)
{
    assert(min <= max);
    if (value >= min && value <= max)
        return 0;
    return api_fault(call, &tagging_invalid, "%s must be between %lld and %lld", name,
                     (long long)min, (long long)max);
}

static int
arns_check(struct api_call *call, const struct resourcegroupstaggingapi_GetResourcesInput *req)
{
    const char *with = req->tag_filters.n             ? "TagFilters"
                       : req->resource_type_filters.n ? "ResourceTypeFilters"
                       : req->resources_per_page.set  ? "ResourcesPerPage"
                       : req->tags_per_page.set       ? "TagsPerPage"
                       : req->pagination_token.n      ? "PaginationToken"
                                                      : NULL;

    if (req->resource_arn_list.n && with)
        return api_fault(call, &tagging_invalid,
                         "ResourceARNList and %s cannot be specified in the same request", with);
    return tagging_arns_check(call, &req->resource_arn_list);
}

static int
check(struct api_call *call, const struct resourcegroupstaggingapi_GetResourcesInput *req)
{
    int r = 0;

    if (req->include_compliance_details.v)
        return api_fault(call, &tagging_invalid,
                         "The parameter IncludeComplianceDetails is not implemented by Welkin");
    if (req->exclude_compliant_resources.v)
        return api_fault(call, &tagging_invalid,
                         "ExcludeCompliantResources needs IncludeComplianceDetails to be true");
    if (req->resources_per_page.set)
        r = range_check(call, "ResourcesPerPage", req->resources_per_page.v, 1, RESOURCES_PAGE_MAX);
    if (r == 0 && req->tags_per_page.set)
        r = range_check(call, "TagsPerPage", req->tags_per_page.v, TAGS_PAGE_MIN, TAGS_PAGE_MAX);
    if (r)
        return r;
    if (req->resource_type_filters.n > TYPES_MAX)
        return api_fault(call, &tagging_invalid, "ResourceTypeFilters has more than %d items",
                         TYPES_MAX);
    LIST_EACH(&req->tag_filters, filter) {
        if (!filter->key.n)
            return api_fault(call, &tagging_invalid, "Each TagFilter must contain a key");
    }
    return arns_check(call, req);
}

/* "ec2", "ec2:instance". */
static bool
is_type(const struct tagging_kind *kind, struct str want)
{
    struct str type = want, service = str_split(&type, ':');

    assert(kind->service && kind->type);
    return str_is(service, kind->service) && (!type.p || str_is(type, kind->type));
}

static bool
has_tag(const struct str_list *tags, const struct resourcegroupstaggingapi_TagFilter *filter)
{
    assert(tags->n % 2 == 0 && filter->key.n > 0);
    for (size_t i = 0; i < tags->n; i += 2)
        if (str_eq(tags->v[i], filter->key))
            return filter->values.n == 0 || str_in(&filter->values, tags->v[i + 1]);
    return false;
}

static bool
wanted(const struct resourcegroupstaggingapi_GetResourcesInput *req,
       const struct tagging_thing *thing)
{
    bool typed = req->resource_type_filters.n == 0;

    if (req->resource_arn_list.n && !str_in(&req->resource_arn_list, thing->arn))
        return false;
    LIST_EACH(&req->resource_type_filters, type)
        typed = typed || is_type(thing->kind, *type);
    if (!typed)
        return false;
    LIST_EACH(&req->tag_filters, filter)
        if (!has_tag(thing->tags, filter))
            return false;
    return true;
}

static struct resourcegroupstaggingapi_ResourceTagMapping
thing_show(struct arena *arena, const struct tagging_thing *thing)
{
    struct resourcegroupstaggingapi_ResourceTagMapping out = {.resource_arn = thing->arn};

    for (size_t i = 0; i < thing->tags->n; i += 2)
        *LIST_PUSH(arena, &out.tags) = (struct resourcegroupstaggingapi_Tag){
            .key = thing->tags->v[i], .value = thing->tags->v[i + 1]};
    assert(out.tags.n > 0);
    return out;
}

int
resourcegroupstaggingapi_get_resources(struct api_call *call,
                                       const struct resourcegroupstaggingapi_GetResourcesInput *req,
                                       struct resourcegroupstaggingapi_GetResourcesOutput *res)
{
    int64_t rows = req->resource_arn_list.n      ? RESOURCES_PAGE_MAX
                   : req->resources_per_page.set ? req->resources_per_page.v
                                                 : RESOURCES_PAGE;
    size_t room = req->tags_per_page.set ? (size_t)req->tags_per_page.v : SIZE_MAX;
    struct api_page page;
    int r = check(call, req);

    if (r == 0)
        r = page_open(call, req->pagination_token, rows, &page);
    if (r)
        return r;
    API_PRESENT(&res->resource_tag_mapping_list);
    struct tagging_things things = tagging_things(call);

    LIST_EACH(&things, thing) {
        size_t n = thing->tags->n / 2;

        if (page.more)
            break;
        if (!wanted(req, thing))
            continue;
        /* Tags of a thing are on one page; the first thing always is. */
        if (n > room && res->resource_tag_mapping_list.n) {
            page.more = true;
            break;
        }
        if (!api_page_take(&page, thing->arn))
            continue;
        room -= MIN(n, room);
        assert(res->resource_tag_mapping_list.n < (size_t)rows);
        *LIST_PUSH(call->arena, &res->resource_tag_mapping_list) = thing_show(call->arena, thing);
    }
    res->pagination_token = page_next(call, &page);
    return 0;
}

/* ---- GetTagKeys, GetTagValues ---- */

static int
by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* A page of the texts, each once. */
static int
names_show(struct api_call *call, const struct str_list *names, struct str token,
           struct str_list *ret, struct str *ret_next)
{
    struct api_page page;
    int r = page_open(call, token, NAMES_PAGE, &page);

    if (r)
        return r;
    if (names->n)
        qsort(names->v, names->n, sizeof(names->v[0]), by_text);
    API_PRESENT(ret);
    for (size_t i = 0; i < names->n; i++) {
        if (i && str_eq(names->v[i], names->v[i - 1]))
            continue;
        /* a value may be empty, a place in a list not */
        if (api_page_take(&page, str_cat(call->arena, S("="), names->v[i])))
            *LIST_PUSH(call->arena, ret) = names->v[i];
    }
    *ret_next = page_next(call, &page);
    assert(ret->n <= NAMES_PAGE);
    return 0;
}

int
resourcegroupstaggingapi_get_tag_keys(struct api_call *call,
                                      const struct resourcegroupstaggingapi_GetTagKeysInput *req,
                                      struct resourcegroupstaggingapi_GetTagKeysOutput *res)
{
    struct tagging_things things = tagging_things(call);
    struct str_list keys = {0};

    LIST_EACH(&things, thing)
        for (size_t i = 0; i < thing->tags->n; i += 2)
            *LIST_PUSH(call->arena, &keys) = thing->tags->v[i];
    return names_show(call, &keys, req->pagination_token, &res->tag_keys, &res->pagination_token);
}

int
resourcegroupstaggingapi_get_tag_values(
    struct api_call *call, const struct resourcegroupstaggingapi_GetTagValuesInput *req,
    struct resourcegroupstaggingapi_GetTagValuesOutput *res)
{
    struct tagging_things things = tagging_things(call);
    struct str_list values = {0};

    LIST_EACH(&things, thing)
        for (size_t i = 0; i < thing->tags->n; i += 2)
            if (str_eq(thing->tags->v[i], req->key))
                *LIST_PUSH(call->arena, &values) = thing->tags->v[i + 1];
    return names_show(call, &values, req->pagination_token, &res->tag_values,
                      &res->pagination_token);
}
