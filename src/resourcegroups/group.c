/* Groups and their tags. */
#include "resourcegroups/resourcegroups.h"

#include "api/authorize.h"

const struct api_error rg_bad_request = {"BadRequestException", 0};
const struct api_error rg_not_found = {"NotFoundException", 0};

/* ---- finding ---- */

static struct str
key_of(struct api_call *call, struct str name)
{
    assert(name.n > 0);
    return str_fmt(call->arena, "%.*s/%.*s/%.*s", STR_ARG(call->account), STR_ARG(call->region),
                   STR_ARG(name));
}

/* What is true of every row. */
static void
group_assert(const struct rg_group_row *row)
{
    assert(str_ends(row->id, row->name) && str_starts(row->id, row->account));
    assert(str_ends(row->arn, row->name) && str_find(row->arn, row->region) != SIZE_MAX);
    assert(str_is(row->query_type, "TAG_FILTERS_1_0") ||
           str_is(row->query_type, "CLOUDFORMATION_STACK_1_0"));
    assert(row->query.n > 0);
    assert(row->criticality >= 0 && row->criticality <= RG_CRITICALITY_MAX);
    assert(row->tags.n % 2 == 0);
}

/* A name, or the ARN of a group of the caller's; p NULL when it is another's. */
static struct str
name_of(struct api_call *call, struct str group)
{
    struct str own = str_fmt(call->arena, "arn:aws:resource-groups:%.*s:%.*s:group/",
                             STR_ARG(call->region), STR_ARG(call->account));

    if (!str_starts(group, S("arn:")))
        return group;
    return str_starts(group, own) ? str_cut(group, own.n, group.n) : STR_NONE;
}

static int
find(struct api_call *call, struct str group, const struct rg_group_row **ret)
{
    struct str name = name_of(call, group);

    *ret = name.n ? rg_group_get(call->txn, key_of(call, name)) : NULL;
    assert(!*ret || str_eq((*ret)->account, call->account));
    if (*ret)
        return 0;
    return api_fault(call, &rg_not_found, "Cannot find group %.*s", STR_ARG(group));
}

int
rg_group_find(struct api_call *call, struct str group, struct str name,
              const struct rg_group_row **ret)
{
    if (!group.n == !name.n)
        return api_fault(call, &rg_bad_request, "Exactly one of Group and GroupName must be given");
    return find(call, group.n ? group : name, ret);
}

/* Policies see a group by its ARN, requests name it also by its name. */
static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    struct str name = name_of(call, id);
    const struct rg_group_row *row = name.n ? rg_group_get(call->txn, key_of(call, name)) : NULL;

    if (str_starts(id, S("arn:")))
        resource->arn = id;
    if (row)
        resource->tags = &row->tags;
    return 0;
}

const struct api_service_hooks resourcegroups_hooks = {
    .service = &resourcegroups_service,
    .resource = resource_find,
};

int
rg_page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 50, .otherwise = 50};
    const struct api_page_scope scope = api_page_scope(call);

    token = api_page_from_plain(call->arena, token);
    if (api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault))
        return api_fault(call, &rg_bad_request, "The NextToken is not valid");
    return 0;
}

struct str
rg_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_to_plain(call->arena, api_page_next(call->arena, &scope, page));
}

/* ---- showing ---- */

static struct opt_i64
criticality_show(const struct rg_group_row *row)
{
    return row->criticality ? opt_i64(row->criticality) : (struct opt_i64){0};
}

static struct str
text_show(struct str text)
{
    return text.n ? text : STR_NONE;
}

static struct resourcegroups_Group *
show(struct api_call *call, const struct rg_group_row *row)
{
    struct resourcegroups_Group *out = ARENA_NEW(call->arena, struct resourcegroups_Group);

    group_assert(row);
    *out = (struct resourcegroups_Group){
        .group_arn = row->arn,
        .name = row->name,
        .description = text_show(row->description),
        .criticality = criticality_show(row),
        .owner = text_show(row->owner),
        .display_name = text_show(row->display_name),
    };
    return out;
}

static struct resourcegroups_ResourceQuery *
query_show(struct api_call *call, const struct rg_group_row *row)
{
    struct resourcegroups_ResourceQuery *out =
        ARENA_NEW(call->arena, struct resourcegroups_ResourceQuery);

    *out = (struct resourcegroups_ResourceQuery){.type = row->query_type, .query = row->query};
    return out;
}

static struct resourcegroups_TextMap
tags_show(struct api_call *call, const struct str_list *tags)
{
    struct resourcegroups_TextMap map = {0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        *LIST_PUSH(call->arena, &map) =
            (struct resourcegroups_TextMapEntry){.key = tags->v[i], .value = tags->v[i + 1]};
    API_PRESENT(&map);
    return map;
}

/* ---- tags ---- */

static int
tags_put(struct api_call *call, const struct resourcegroups_TextMap *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &rg_bad_request,
                             "Tag keys that begin with aws: are reserved for AWS use.");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
    }
    if (api_tags_own(all) > RG_TAGS_MAX)
        return api_fault(call, &rg_bad_request, "A group can have no more than %d tags.",
                         RG_TAGS_MAX);
    assert(all->n % 2 == 0);
    return 0;
}

static int
save(struct api_call *call, const struct rg_group_row *row)
{
    int r = rg_group_update(call->txn, row);

    group_assert(row);
    return r < 0 ? error_origin(-r, "group %.*s cannot be written", STR_ARG(row->name)) : 0;
}

int
resourcegroups_tag(struct api_call *call, const struct resourcegroups_TagInput *req,
                   struct resourcegroups_TagOutput *res)
{
    const struct rg_group_row *row;
    int r = find(call, req->arn, &row);

    if (r)
        return r;
    struct rg_group_row new = *row;

    r = tags_put(call, &req->tags, &new.tags);
    res->arn = row->arn;
    res->tags = req->tags;
    return r ? r : save(call, &new);
}

int
resourcegroups_untag(struct api_call *call, const struct resourcegroups_UntagInput *req,
                     struct resourcegroups_UntagOutput *res)
{
    const struct rg_group_row *row;
    int r = find(call, req->arn, &row);

    if (r)
        return r;
    struct rg_group_row new = *row;

    new.tags = api_tags_without(call->arena, &row->tags, &req->keys);
    res->arn = row->arn;
    res->keys = req->keys;
    return save(call, &new);
}

int
resourcegroups_get_tags(struct api_call *call, const struct resourcegroups_GetTagsInput *req,
                        struct resourcegroups_GetTagsOutput *res)
{
    const struct rg_group_row *row;
    int r = find(call, req->arn, &row);

    if (r)
        return r;
    res->arn = row->arn;
    res->tags = tags_show(call, &row->tags);
    return 0;
}

/* ---- CreateGroup ---- */

/* What CreateGroup and UpdateGroup have in common; absent members change nothing. */
static int
describe(struct api_call *call, struct str description, struct str owner, struct str display_name,
         struct opt_i64 criticality, struct rg_group_row *row)
{
    if (description.n > 512)
        return api_fault(call, &rg_bad_request, "A description has at most 512 characters");
    if (description.p)
        row->description = description;
    if (owner.p)
        row->owner = owner;
    if (display_name.p)
        row->display_name = display_name;
    if (criticality.set)
        row->criticality = criticality.v;
    assert(row->criticality >= 0 && row->criticality <= RG_CRITICALITY_MAX);
    return 0;
}

static int
name_check(struct api_call *call, struct str name)
{
    size_t n = 0;

    if (str_eq_nocase(str_cut(name, 0, 3), S("aws")))
        return api_fault(call, &rg_bad_request, "A group's name must not begin with aws");
    if (rg_group_get(call->txn, key_of(call, name)))
        return api_fault(call, &rg_bad_request, "A group with the name %.*s already exists",
                         STR_ARG(name));
    STORE_EACH(call->txn, rg_group_by_owner, row, call->account, call->region)
        n += row->name.n > 0;
    if (n >= RG_GROUPS_MAX)
        return api_fault(call, &rg_bad_request, "An account has at most %d groups in a Region",
                         RG_GROUPS_MAX);
    return 0;
}

int
resourcegroups_create_group(struct api_call *call,
                            const struct resourcegroups_CreateGroupInput *req,
                            struct resourcegroups_CreateGroupOutput *res)
{
    struct rg_group_row row = {
        .id = key_of(call, req->name),
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .arn = str_fmt(call->arena, "arn:aws:resource-groups:%.*s:%.*s:group/%.*s",
                       STR_ARG(call->region), STR_ARG(call->account), STR_ARG(req->name)),
    };
    struct rg_query query;
    int r = 0;

    if (req->configuration.n)
        return api_fault(call, &rg_bad_request,
                         "The parameter Configuration is not implemented by Welkin");
    if (!req->resource_query)
        return api_fault(call, &rg_bad_request, "A group needs a ResourceQuery");
    r = name_check(call, req->name);
    if (r == 0)
        r = rg_query_read(call, req->resource_query, &query);
    if (r == 0)
        r = describe(call, req->description, req->owner, req->display_name, req->criticality, &row);
    if (r == 0)
        r = tags_put(call, &req->tags, &row.tags);
    if (r)
        return r;
    row.query_type = req->resource_query->type;
    row.query = req->resource_query->query;
    group_assert(&row);
    r = rg_group_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "group %.*s cannot be written", STR_ARG(row.name));
    res->group = show(call, &row);
    res->resource_query = query_show(call, &row);
    res->tags = tags_show(call, &row.tags);
    return 0;
}

/* ---- Get, Update, Delete ---- */

int
resourcegroups_get_group(struct api_call *call, const struct resourcegroups_GetGroupInput *req,
                         struct resourcegroups_GetGroupOutput *res)
{
    const struct rg_group_row *row;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r == 0)
        res->group = show(call, row);
    return r;
}

/* A group that is to have one is refused when it is made, so none has one. */
int
resourcegroups_get_group_configuration(struct api_call *call,
                                       const struct resourcegroups_GetGroupConfigurationInput *req,
                                       struct resourcegroups_GetGroupConfigurationOutput *res)
{
    const struct rg_group_row *row;
    int r = rg_group_find(call, req->group, STR_NONE, &row);

    if (r)
        return r;
    res->group_configuration = ARENA_NEW(call->arena, struct resourcegroups_GroupConfiguration);
    API_PRESENT(&res->group_configuration->configuration);
    return 0;
}

static struct resourcegroups_GroupQuery *
group_query_show(struct api_call *call, const struct rg_group_row *row)
{
    struct resourcegroups_GroupQuery *out =
        ARENA_NEW(call->arena, struct resourcegroups_GroupQuery);

    out->group_name = row->name;
    out->resource_query = query_show(call, row);
    return out;
}

int
resourcegroups_get_group_query(struct api_call *call,
                               const struct resourcegroups_GetGroupQueryInput *req,
                               struct resourcegroups_GetGroupQueryOutput *res)
{
    const struct rg_group_row *row;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r == 0)
        res->group_query = group_query_show(call, row);
    return r;
}

int
resourcegroups_update_group(struct api_call *call,
                            const struct resourcegroups_UpdateGroupInput *req,
                            struct resourcegroups_UpdateGroupOutput *res)
{
    const struct rg_group_row *row;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r)
        return r;
    struct rg_group_row new = *row;

    r = describe(call, req->description, req->owner, req->display_name, req->criticality, &new);
    if (r == 0)
        r = save(call, &new);
    if (r == 0)
        res->group = show(call, &new);
    return r;
}

int
resourcegroups_update_group_query(struct api_call *call,
                                  const struct resourcegroups_UpdateGroupQueryInput *req,
                                  struct resourcegroups_UpdateGroupQueryOutput *res)
{
    const struct rg_group_row *row;
    struct rg_query query;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r == 0)
        r = rg_query_read(call, req->resource_query, &query);
    if (r)
        return r;
    struct rg_group_row new = *row;

    new.query_type = req->resource_query->type;
    new.query = req->resource_query->query;
    r = save(call, &new);
    if (r == 0)
        res->group_query = group_query_show(call, &new);
    return r;
}

int
resourcegroups_delete_group(struct api_call *call,
                            const struct resourcegroups_DeleteGroupInput *req,
                            struct resourcegroups_DeleteGroupOutput *res)
{
    const struct rg_group_row *row;
    int r = rg_group_find(call, req->group, req->group_name, &row);

    if (r)
        return r;
    res->group = show(call, row);
    r = rg_group_delete(call->txn, row->id);
    return r < 0 ? error_origin(-r, "group %.*s cannot be deleted", STR_ARG(row->name)) : 0;
}

/* ---- ListGroups ---- */

/* Groups whose query asks for one of the types. */
static bool
asks_for(struct api_call *call, const struct rg_group_row *row, const struct str_list *types)
{
    const struct resourcegroups_ResourceQuery query = {row->query_type, row->query};
    struct rg_query read;

    if (rg_query_read(call, &query, &read))
        return false;
    LIST_EACH(&read.types, type)
        if (str_in(types, *type))
            return true;
    return false;
}

static bool
is_wanted(struct api_call *call, const struct rg_group_row *row,
          const struct resourcegroups_GroupFilterList *filters)
{
    char room[STR_I64_MAX];

    LIST_EACH(filters, filter) {
        bool ok = false; /* configuration-type: no group has one */

        if (str_is(filter->name, "resource-type"))
            ok = asks_for(call, row, &filter->values);
        else if (str_is(filter->name, "owner"))
            ok = str_in(&filter->values, row->owner);
        else if (str_is(filter->name, "display-name"))
            ok = str_in(&filter->values, row->display_name);
        else if (str_is(filter->name, "criticality"))
            ok = str_in(&filter->values, str_i64(row->criticality, room));
        if (!ok)
            return false;
    }
    return true;
}

int
resourcegroups_list_groups(struct api_call *call, const struct resourcegroups_ListGroupsInput *req,
                           struct resourcegroups_ListGroupsOutput *res)
{
    struct api_page page;
    int r = rg_page_open(call, req->next_token, req->max_results, &page);

    if (r)
        return r;
    API_PRESENT(&res->group_identifiers);
    API_PRESENT(&res->groups);
    STORE_EACH(call->txn, rg_group_by_owner, row, call->account, call->region) {
        if (!is_wanted(call, row, &req->filters) || !api_page_take(&page, row->name))
            continue;
        *LIST_PUSH(call->arena, &res->groups) = *show(call, row);
        *LIST_PUSH(call->arena, &res->group_identifiers) = (struct resourcegroups_GroupIdentifier){
            .group_name = row->name,
            .group_arn = row->arn,
            .description = text_show(row->description),
            .criticality = criticality_show(row),
            .owner = text_show(row->owner),
            .display_name = text_show(row->display_name),
        };
    }
    res->next_token = rg_page_next(call, &page);
    return 0;
}
