/* What is shared, with whom, and what can be shared at all. */
#include "ram/ram.h"

struct ram_Resource
ram_resource_show(const struct ram_association_row *row)
{
    const struct ram_kind *kind = ram_kind_of(row->entity);

    assert(kind && str_is(row->kind, "RESOURCE"));
    assert(str_is(row->status, "ASSOCIATED"));
    return (struct ram_Resource){
        .arn = row->entity,
        .type = str_from(kind->type),
        .resource_share_arn = row->share,
        .status = S("AVAILABLE"),
        .creation_time = opt_i64(row->created_ms),
        .last_updated_time = opt_i64(row->updated_ms),
        .resource_region_scope = S("REGIONAL"),
    };
}

static struct str
key_in(struct api_call *call, const struct ram_share_row *share,
       const struct ram_association_row *row)
{
    struct str a = ram_page_key(call, share->created_ms, share->id);
    struct str b = ram_page_key(call, row->created_ms, row->id);

    assert(str_eq(row->share, share->id));
    return str_fmt(call->arena, "%.*s %.*s", STR_ARG(a), STR_ARG(b));
}

static int
type_check(struct api_call *call, struct str type, const struct api_error *error)
{
    if (!type.n || ram_kind_named(type))
        return 0;
    return api_fault(call, error, "The specified resource type %.*s is not valid.", STR_ARG(type));
}

/* ---- ListResources ---- */

int
ram_list_resources(struct api_call *call, const struct ram_ListResourcesRequest *req,
                   struct ram_ListResourcesResponse *res)
{
    const struct ram_kind *kind = ram_kind_named(req->resource_type);
    struct ram_shares shares;
    struct api_page page;
    int r = type_check(call, req->resource_type, &RAM_ERR(InvalidResourceTypeException));

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r == 0)
        r = ram_shares_named(call, req->resource_owner, &req->resource_share_arns, &shares);
    if (r)
        return r;
    API_PRESENT(&res->resources);
    for (size_t i = 0; i < shares.n; i++) {
        if (str_is(req->resource_region_scope, "GLOBAL") ||
            (req->principal.n && !ram_is_associated(call, shares.v[i]->id, req->principal)))
            continue;
        STORE_EACH(call->txn, ram_association_by_share, row, shares.v[i]->id, S("RESOURCE")) {
            if (!str_is(row->status, "ASSOCIATED") ||
                (req->resource_arns.n && !str_in(&req->resource_arns, row->entity)) ||
                (kind && ram_kind_of(row->entity) != kind))
                continue;
            if (api_page_take(&page, key_in(call, shares.v[i], row)))
                *LIST_PUSH(call->arena, &res->resources) = ram_resource_show(row);
        }
    }
    res->next_token = ram_page_next(call, &page);
    return 0;
}

/* ---- ListPrincipals ---- */

static bool
has_kind(struct api_call *call, const struct ram_share_row *share, const struct ram_kind *kind)
{
    STORE_EACH(call->txn, ram_association_by_share, row, share->id, S("RESOURCE"))
        if (str_is(row->status, "ASSOCIATED") && (!kind || ram_kind_of(row->entity) == kind))
            return true;
    return !kind;
}

static void
take_principal(struct api_call *call, const struct ram_ListPrincipalsRequest *req,
               const struct ram_share_row *share, const struct ram_association_row *row,
               struct api_page *page, struct ram_PrincipalList *list)
{
    assert(str_is(row->kind, "PRINCIPAL") && str_is(row->status, "ASSOCIATED"));
    /* of what others share it is the owner who is shown */
    struct str id = str_is(req->resource_owner, "SELF") ? row->entity : share->account;

    if ((req->principals.n && !str_in(&req->principals, id)) ||
        !api_page_take(page, key_in(call, share, row)))
        return;
    *LIST_PUSH(call->arena, list) = (struct ram_Principal){
        .id = id,
        .resource_share_arn = share->id,
        .creation_time = opt_i64(row->created_ms),
        .last_updated_time = opt_i64(row->updated_ms),
        .external = opt_bool(true),
    };
}

int
ram_list_principals(struct api_call *call, const struct ram_ListPrincipalsRequest *req,
                    struct ram_ListPrincipalsResponse *res)
{
    bool self = str_is(req->resource_owner, "SELF");
    struct ram_shares shares;
    struct api_page page;
    int r = type_check(call, req->resource_type, &RAM_ERR(InvalidParameterException));

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r == 0)
        r = ram_shares_named(call, req->resource_owner, &req->resource_share_arns, &shares);
    if (r)
        return r;
    API_PRESENT(&res->principals);
    for (size_t i = 0; i < shares.n; i++) {
        if (!has_kind(call, shares.v[i], ram_kind_named(req->resource_type)) ||
            (req->resource_arn.n && !ram_is_associated(call, shares.v[i]->id, req->resource_arn)))
            continue;
        STORE_EACH(call->txn, ram_association_by_share, row, shares.v[i]->id, S("PRINCIPAL"))
            if (str_is(row->status, "ASSOCIATED") && (self || str_eq(row->entity, call->account)))
                take_principal(call, req, shares.v[i], row, &page, &res->principals);
    }
    res->next_token = ram_page_next(call, &page);
    return 0;
}

/* ---- types and permissions ---- */

int
ram_list_resource_types(struct api_call *call, const struct ram_ListResourceTypesRequest *req,
                        struct ram_ListResourceTypesResponse *res)
{
    struct api_page page;
    int r = ram_page_open(call, req->next_token, req->max_results, &page);

    if (r)
        return r;
    API_PRESENT(&res->resource_types);
    for (size_t i = 0; i < ram_n_kinds && !str_is(req->resource_region_scope, "GLOBAL"); i++)
        if (api_page_take(&page, str_from(ram_kinds[i].type)))
            *LIST_PUSH(call->arena, &res->resource_types) = (struct ram_ServiceNameAndResourceType){
                .resource_type = str_from(ram_kinds[i].type),
                .service_name = str_from(ram_kinds[i].service),
                .resource_region_scope = S("REGIONAL"),
            };
    res->next_token = ram_page_next(call, &page);
    return 0;
}

static struct ram_ResourceSharePermissionSummary
permission_show(struct api_call *call, const struct ram_kind *kind, const char *status)
{
    assert(kind->type && kind->permission);
    return (struct ram_ResourceSharePermissionSummary){
        .arn = ram_permission_arn(call, kind),
        .version = S("1"),
        .default_version = opt_bool(true),
        .name = str_from(kind->permission),
        .resource_type = str_from(kind->type),
        .status = str_from(status),
        .is_resource_type_default = opt_bool(true),
        .permission_type = S("AWS_MANAGED"),
        .feature_set = S("STANDARD"),
    };
}

int
ram_list_permissions(struct api_call *call, const struct ram_ListPermissionsRequest *req,
                     struct ram_ListPermissionsResponse *res)
{
    const struct ram_kind *kind = ram_kind_named(req->resource_type);
    struct api_page page;
    int r = type_check(call, req->resource_type, &RAM_ERR(InvalidParameterException));

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->permissions);
    for (size_t i = 0; i < ram_n_kinds && !str_is(req->permission_type, "CUSTOMER_MANAGED"); i++)
        if ((!kind || kind == &ram_kinds[i]) &&
            api_page_take(&page, str_from(ram_kinds[i].permission)))
            *LIST_PUSH(call->arena, &res->permissions) =
                permission_show(call, &ram_kinds[i], "ATTACHABLE");
    res->next_token = ram_page_next(call, &page);
    return 0;
}

int
ram_list_resource_share_permissions(struct api_call *call,
                                    const struct ram_ListResourceSharePermissionsRequest *req,
                                    struct ram_ListResourceSharePermissionsResponse *res)
{
    const struct ram_share_row *share;
    struct api_page page;
    int r = ram_share_find(call, req->resource_share_arn, &share);

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->permissions);
    for (size_t i = 0; i < ram_n_kinds; i++)
        if (has_kind(call, share, &ram_kinds[i]) &&
            api_page_take(&page, str_from(ram_kinds[i].permission)))
            *LIST_PUSH(call->arena, &res->permissions) =
                permission_show(call, &ram_kinds[i], "ASSOCIATED");
    res->next_token = ram_page_next(call, &page);
    return 0;
}
