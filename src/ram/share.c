/*
 * Resource shares.
 *
 * A share that was deleted is shown for an hour, without associations, and forgotten when its
 * account makes the next one.
 */
#include "ram/ram.h"

#include <stdlib.h>

/* ---- finding ---- */

bool
ram_share_visible(const struct api_call *call, const struct ram_share_row *row)
{
    ram_share_assert(row);
    return str_is(row->status, "ACTIVE") || row->updated_ms + RAM_DELETED_SHOWN_MS > call->now_ms;
}

int
ram_share_find(struct api_call *call, struct str arn, const struct ram_share_row **ret)
{
    const struct ram_share_row *row = ram_share_get(call->txn, arn);

    if (!str_starts(arn, S("arn:aws:ram:")) || str_find(arn, S(":resource-share/")) == SIZE_MAX)
        return api_fault(call, &RAM_ERR(MalformedArnException),
                         "The specified resource share ARN %.*s is not valid. Verify the ARN and "
                         "try again.",
                         STR_ARG(arn));
    if (!row || !str_eq(row->account, call->account) || !str_eq(row->region, call->region) ||
        !str_is(row->status, "ACTIVE"))
        return api_fault(call, &RAM_ERR(UnknownResourceException),
                         "ResourceShare %.*s could not be found.", STR_ARG(arn));
    *ret = row;
    ram_share_assert(row);
    return 0;
}

static int
by_age(const void *a, const void *b)
{
    const struct ram_share_row *x = *(const struct ram_share_row *const *)a;
    const struct ram_share_row *y = *(const struct ram_share_row *const *)b;

    if (x->created_ms != y->created_ms)
        return x->created_ms < y->created_ms ? -1 : 1;
    return str_cmp(x->id, y->id);
}

struct ram_shares
ram_shares_of(struct api_call *call, struct str owner)
{
    struct ram_shares list = {0};

    if (str_is(owner, "SELF")) {
        STORE_EACH(call->txn, ram_share_by_owner, row, call->account, call->region)
            if (ram_share_visible(call, row))
                *LIST_PUSH(call->arena, &list) = row;
        return list;
    }
    STORE_EACH(call->txn, ram_association_by_entity, row, call->region, call->account)
        if (str_is(row->status, "ASSOCIATED"))
            *LIST_PUSH(call->arena, &list) = ram_share_get(call->txn, row->share);
    if (list.n)
        qsort(list.v, list.n, sizeof(list.v[0]), by_age);
    assert(str_is(owner, "OTHER-ACCOUNTS"));
    return list;
}

int
ram_shares_named(struct api_call *call, struct str owner, const struct str_list *arns,
                 struct ram_shares *ret)
{
    struct ram_shares all = ram_shares_of(call, owner);
    struct str_list found = {0};

    *ret = (struct ram_shares){0};
    for (size_t i = 0; i < all.n; i++) {
        if (arns->n && !str_in(arns, all.v[i]->id))
            continue;
        *LIST_PUSH(call->arena, ret) = all.v[i];
        *LIST_PUSH(call->arena, &found) = all.v[i]->id;
    }
    LIST_EACH(arns, arn)
        if (!str_in(&found, *arn))
            return api_fault(call, &RAM_ERR(UnknownResourceException),
                             "ResourceShare %.*s could not be found.", STR_ARG(*arn));
    return 0;
}

static int
save(struct api_call *call, const struct ram_share_row *row)
{
    int r = ram_share_update(call->txn, row);

    ram_share_assert(row);
    return r < 0 ? error_origin(-r, "%.*s cannot be written", STR_ARG(row->id)) : 0;
}

int
ram_share_touch(struct api_call *call, const struct ram_share_row *row)
{
    struct ram_share_row new = *row;

    new.updated_ms = call->now_ms;
    return save(call, &new);
}

static struct ram_ResourceShare *
show(struct api_call *call, const struct ram_share_row *row)
{
    struct ram_ResourceShare *out = ARENA_NEW(call->arena, struct ram_ResourceShare);

    *out = (struct ram_ResourceShare){
        .resource_share_arn = row->id,
        .name = row->name,
        .owning_account_id = row->account,
        .allow_external_principals = opt_bool(row->external),
        .status = row->status,
        .creation_time = opt_i64(row->created_ms),
        .last_updated_time = opt_i64(row->updated_ms),
        .feature_set = S("STANDARD"),
        .resource_share_configuration =
            ARENA_NEW(call->arena, struct ram_ResourceShareConfiguration),
    };
    out->resource_share_configuration->retain_sharing_on_account_leave_organization =
        opt_bool(row->retain);
    /* tags are the owner's */
    for (size_t i = 0; str_eq(row->account, call->account) && i < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &out->tags) =
            (struct ram_Tag){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return out;
}

/* ---- tags ---- */

static int
tags_put(struct api_call *call, const struct ram_TagList *tags, struct str_list *all)
{
    LIST_EACH(tags, tag) {
        if (!tag->key.n || tag->key.n > 128 || tag->value.n > 256)
            return api_fault(call, &RAM_ERR(InvalidParameterException),
                             "A tag has a key of 1 to 128 characters and a value of up to 256.");
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &RAM_ERR(InvalidParameterException),
                             "Tag keys that begin with aws: are reserved for AWS use.");
        *all = api_tags_put(call->arena, all, tag->key, tag->value);
    }
    if (api_tags_own(all) > RAM_TAGS_MAX)
        return api_fault(call, &RAM_ERR(TagLimitExceededException),
                         "A resource share can have no more than %d tags.", RAM_TAGS_MAX);
    assert(all->n % 2 == 0);
    return 0;
}

/* The one of both members that names the share; permissions, which have tags too, are AWS's. */
static int
tagged_find(struct api_call *call, struct str share, struct str resource,
            const struct ram_share_row **ret)
{
    if (!share.n == !resource.n)
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "Specify either resourceShareArn or resourceArn.");
    return ram_share_find(call, share.n ? share : resource, ret);
}

int
ram_tag_resource(struct api_call *call, const struct ram_TagResourceRequest *req,
                 struct ram_TagResourceResponse *res UNUSED)
{
    const struct ram_share_row *row;
    int r = tagged_find(call, req->resource_share_arn, req->resource_arn, &row);

    if (r)
        return r;
    struct ram_share_row new = *row;

    r = tags_put(call, &req->tags, &new.tags);
    return r ? r : save(call, &new);
}

int
ram_untag_resource(struct api_call *call, const struct ram_UntagResourceRequest *req,
                   struct ram_UntagResourceResponse *res UNUSED)
{
    const struct ram_share_row *row;
    int r = tagged_find(call, req->resource_share_arn, req->resource_arn, &row);

    if (r)
        return r;
    struct ram_share_row new = *row;

    new.tags = api_tags_without(call->arena, &row->tags, &req->tag_keys);
    return save(call, &new);
}

/* ---- CreateResourceShare ---- */

static int
name_check(struct api_call *call, struct str name)
{
    if (name.n > 0 && name.n <= 256)
        return 0;
    return api_fault(call, &RAM_ERR(InvalidParameterException),
                     "The name of a resource share has 1 to 256 characters.");
}

/* Each kind has the one permission that AWS gives it by itself. */
static int
permissions_check(struct api_call *call, const struct str_list *arns)
{
    LIST_EACH(arns, arn) {
        bool is = false;

        for (size_t i = 0; i < ram_n_kinds; i++)
            is = is || str_eq(*arn, ram_permission_arn(call, &ram_kinds[i]));
        if (!is)
            return api_fault(call, &RAM_ERR(UnknownResourceException),
                             "Permission %.*s could not be found.", STR_ARG(*arn));
    }
    return 0;
}

/* What the request asks for, as one text: a token goes with one of them. */
static struct str
request_text(struct api_call *call, const struct ram_CreateResourceShareRequest *req, bool external)
{
    struct str tags = S("");

    LIST_EACH(&req->tags, tag)
        tags = str_fmt(call->arena, "%.*s%.*s=%.*s\n", STR_ARG(tags), STR_ARG(tag->key),
                       STR_ARG(tag->value));
    struct str things = str_join(call->arena, &req->resource_arns, S(" "));
    struct str accounts = str_join(call->arena, &req->principals, S(" "));
    struct str permissions = str_join(call->arena, &req->permission_arns, S(" "));

    return str_fmt(call->arena, "%.*s\n%d\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(req->name), external,
                   STR_ARG(things), STR_ARG(accounts), STR_ARG(permissions), STR_ARG(tags));
}

static int
forget_old(struct api_call *call)
{
    size_t n = 0;
    int r = 0;

    STORE_EACH(call->txn, ram_share_by_owner, row, call->account, call->region) {
        n += str_is(row->status, "ACTIVE");
        if (r < 0 || ram_share_visible(call, row))
            continue;
        STORE_EACH(call->txn, ram_association_by_share, association, row->id)
            r = r < 0 ? r : ram_association_delete(call->txn, association->id);
        STORE_EACH(call->txn, ram_invitation_by_share, invitation, row->id)
            r = r < 0 ? r : ram_invitation_delete(call->txn, invitation->id);
        r = r < 0 ? r : ram_share_delete(call->txn, row->id);
    }
    if (r < 0)
        return error_origin(-r, "deleted resource shares cannot be forgotten");
    if (n >= RAM_SHARES_MAX)
        return api_fault(call, &RAM_ERR(ResourceShareLimitExceededException),
                         "An account has at most %d resource shares in a Region.", RAM_SHARES_MAX);
    return 0;
}

/* 0 and a row: the token was used for the same request. */
static int
repeated(struct api_call *call, struct str token, struct str request,
         const struct ram_share_row **ret)
{
    *ret = token.n ? ram_share_by_token_get(call->txn, call->account, call->region, token) : NULL;
    if (*ret && !str_eq((*ret)->request, request))
        return api_fault(call, &RAM_ERR(IdempotentParameterMismatchException),
                         "The client token was used with other parameters.");
    assert(!*ret || str_eq((*ret)->account, call->account));
    return 0;
}

static int
create_check(struct api_call *call, const struct ram_CreateResourceShareRequest *req,
             struct ram_share_row *row)
{
    int r = req->sources.n ? ram_unsupported(call, "sources") : name_check(call, req->name);

    if (r == 0)
        r = permissions_check(call, &req->permission_arns);
    if (r == 0)
        r = tags_put(call, &req->tags, &row->tags);
    return r ? r : forget_old(call);
}

int
ram_create_resource_share(struct api_call *call, const struct ram_CreateResourceShareRequest *req,
                          struct ram_CreateResourceShareResponse *res)
{
    const struct ram_ResourceShareConfiguration *config = req->resource_share_configuration;
    struct ram_share_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .status = S("ACTIVE"),
        .external = opt_bool_or(req->allow_external_principals, true),
        .retain =
            config && opt_bool_or(config->retain_sharing_on_account_leave_organization, false),
        .client_token = req->client_token,
        .created_ms = call->now_ms,
        .updated_ms = call->now_ms,
    };
    const struct ram_share_row *old;

    row.request = request_text(call, req, row.external);
    int r = repeated(call, req->client_token, row.request, &old);

    res->client_token = req->client_token;
    if (r == 0 && old) {
        res->resource_share = show(call, old);
        return 0;
    }
    if (r == 0)
        r = create_check(call, req, &row);
    if (r)
        return r;
    struct str uuid = api_uuid(call->env, call->arena);

    row.id = str_fmt(call->arena, "arn:aws:ram:%.*s:%.*s:resource-share/%.*s",
                     STR_ARG(call->region), STR_ARG(call->account), STR_ARG(uuid));
    ram_share_assert(&row);
    r = ram_share_insert(call->txn, &row);
    if (r < 0)
        return error_origin(-r, "%.*s cannot be written", STR_ARG(row.id));
    r = ram_associate(call, &row, &req->resource_arns, &req->principals);
    if (r == 0)
        res->resource_share = show(call, &row);
    return r;
}

/* ---- UpdateResourceShare, DeleteResourceShare ---- */

int
ram_update_resource_share(struct api_call *call, const struct ram_UpdateResourceShareRequest *req,
                          struct ram_UpdateResourceShareResponse *res)
{
    const struct ram_share_row *row;
    int r = ram_share_find(call, req->resource_share_arn, &row);

    if (r == 0 && req->name.p)
        r = name_check(call, req->name);
    if (r)
        return r;
    struct ram_share_row new = *row;

    if (req->name.p)
        new.name = req->name;
    new.external = opt_bool_or(req->allow_external_principals, row->external);
    /* all accounts are external: there are no organizations */
    STORE_EACH(call->txn, ram_association_by_share, a, row->id, S("PRINCIPAL"))
        if (!new.external && !str_is(a->status, "DISASSOCIATED") && !str_is(a->status, "FAILED"))
            return api_fault(call, &RAM_ERR(OperationNotPermittedException),
                             "The resource share is shared with accounts outside of your AWS "
                             "Organization.");
    new.updated_ms = call->now_ms;
    r = save(call, &new);
    if (r)
        return r;
    res->client_token = req->client_token;
    res->resource_share = show(call, &new);
    return 0;
}

int
ram_delete_resource_share(struct api_call *call, const struct ram_DeleteResourceShareRequest *req,
                          struct ram_DeleteResourceShareResponse *res)
{
    const struct ram_share_row *row;
    int r = ram_share_find(call, req->resource_share_arn, &row);

    if (r == 0)
        r = ram_associations_end(call, row);
    if (r)
        return r;
    struct ram_share_row new = *row;

    new.status = S("DELETED");
    assert(str_is(row->status, "ACTIVE"));
    new.updated_ms = call->now_ms;
    res->return_value = opt_bool(true);
    res->client_token = req->client_token;
    return save(call, &new);
}

/* ---- GetResourceShares ---- */

static bool
has_tags(const struct api_call *call, const struct ram_share_row *row,
         const struct ram_TagFilterList *filters)
{
    LIST_EACH(filters, filter) {
        struct str value = api_tags_get(&row->tags, filter->tag_key);

        if (!str_eq(row->account, call->account) || !value.p ||
            (filter->tag_values.n && !str_in(&filter->tag_values, value)))
            return false;
    }
    return true;
}

/* Whether things in the share are of the kind that the permission is for. */
static bool
has_permission(struct api_call *call, const struct ram_share_row *row, struct str arn)
{
    STORE_EACH(call->txn, ram_association_by_share, a, row->id, S("RESOURCE")) {
        const struct ram_kind *kind = ram_kind_of(a->entity);

        if (kind && str_is(a->status, "ASSOCIATED") && str_eq(ram_permission_arn(call, kind), arn))
            return true;
    }
    return false;
}

int
ram_get_resource_shares(struct api_call *call, const struct ram_GetResourceSharesRequest *req,
                        struct ram_GetResourceSharesResponse *res)
{
    struct ram_shares shares;
    struct api_page page;
    int r = ram_page_open(call, req->next_token, req->max_results, &page);

    if (r == 0)
        r = ram_shares_named(call, req->resource_owner, &req->resource_share_arns, &shares);
    if (r)
        return r;
    API_PRESENT(&res->resource_shares);
    for (size_t i = 0; i < shares.n; i++) {
        const struct ram_share_row *row = shares.v[i];

        if ((req->resource_share_status.n && !str_eq(row->status, req->resource_share_status)) ||
            (req->name.n && !str_eq(row->name, req->name)) ||
            !has_tags(call, row, &req->tag_filters) ||
            (req->permission_arn.n && !has_permission(call, row, req->permission_arn)) ||
            opt_i64_or(req->permission_version, 1) != 1)
            continue;
        if (api_page_take(&page, ram_page_key(call, row->created_ms, row->id)))
            *LIST_PUSH(call->arena, &res->resource_shares) = *show(call, row);
    }
    res->next_token = ram_page_next(call, &page);
    return 0;
}
