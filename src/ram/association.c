/*
 * What is in a share and who is: one row for each thing and each account.
 *
 * There are no organizations, so every account is an external one: it is asked by an invitation,
 * and with the share (ASSOCIATED) when it has accepted.  What has left stays as a row that says so,
 * until the share is forgotten.
 */
#include "ram/ram.h"

#include "codec/aws_names.h"

static struct str
key_of(struct api_call *call, struct str share, struct str entity)
{
    assert(share.n > 0 && entity.n > 0);
    return str_fmt(call->arena, "%.*s %.*s", STR_ARG(share), STR_ARG(entity));
}

const struct ram_association_row *
ram_association_find(struct api_call *call, struct str share, struct str entity)
{
    return ram_association_get(call->txn, key_of(call, share, entity));
}

bool
ram_is_associated(struct api_call *call, struct str share, struct str entity)
{
    const struct ram_association_row *row = ram_association_find(call, share, entity);

    return row && str_is(row->status, "ASSOCIATED");
}

int
ram_association_set(struct api_call *call, const struct ram_share_row *share, const char *kind,
                    struct str entity, const char *status)
{
    const struct ram_association_row *old = ram_association_find(call, share->id, entity);
    struct ram_association_row row = {
        .id = key_of(call, share->id, entity),
        .share = share->id,
        .region = share->region,
        .kind = str_from(kind),
        .entity = entity,
        .status = str_from(status),
        .created_ms = old ? old->created_ms : call->now_ms,
        .updated_ms = call->now_ms,
    };
    ram_association_assert(&row);
    int r = old ? ram_association_update(call->txn, &row) : ram_association_insert(call->txn, &row);

    ram_share_assert(share);
    return r < 0 ? error_origin(-r, "an association of %.*s cannot be written", STR_ARG(share->id))
                 : 0;
}

static struct ram_ResourceShareAssociation
show(const struct ram_share_row *share, const struct ram_association_row *row)
{
    assert(str_eq(row->share, share->id));
    ram_association_assert(row);
    return (struct ram_ResourceShareAssociation){
        .resource_share_arn = row->share,
        .resource_share_name = share->name,
        .associated_entity = row->entity,
        .association_type = row->kind,
        .status = row->status,
        .creation_time = opt_i64(row->created_ms),
        .last_updated_time = opt_i64(row->updated_ms),
        .external = opt_bool(str_is(row->kind, "PRINCIPAL")),
    };
}

/* ---- AssociateResourceShare ---- */

static int
principal_check(struct api_call *call, const struct ram_share_row *share, struct str principal)
{
    bool is_account = aws_is_account(principal);

    if (!is_account &&
        (str_starts(principal, S("arn:aws:")) || str_ends(principal, S(".amazonaws.com"))))
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "Principal ID %.*s: Welkin shares with whole accounts only",
                         STR_ARG(principal));
    if (!is_account)
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "Principal ID %.*s is malformed. Verify the ID and try again.",
                         STR_ARG(principal));
    if (str_eq(principal, call->account))
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "A resource share cannot be shared with its own account.");
    if (!share->external)
        return api_fault(call, &RAM_ERR(OperationNotPermittedException),
                         "The resource you are attempting to share can only be shared within your "
                         "AWS Organization. This error may also occur if you have not enabled "
                         "sharing with your AWS organization, or that onboarding process is still "
                         "in progress.");
    assert(principal.n == 12);
    return 0;
}

static int
limit_check(struct api_call *call, const struct ram_share_row *share, const char *kind)
{
    size_t n = 0;

    STORE_EACH(call->txn, ram_association_by_share, row, share->id, str_from(kind))
        n += row->share.n > 0;
    if (n < RAM_ENTITIES_MAX)
        return 0;
    return api_fault(call, &RAM_ERR(ResourceShareLimitExceededException),
                     "A resource share has at most %d resources and %d principals.",
                     RAM_ENTITIES_MAX, RAM_ENTITIES_MAX);
}

static int
add_resource(struct api_call *call, const struct ram_share_row *share, struct str arn)
{
    int r = ram_thing_check(call, arn);

    if (r || ram_is_associated(call, share->id, arn))
        return r;
    assert(ram_kind_of(arn));
    r = limit_check(call, share, "RESOURCE");
    return r ? r : ram_association_set(call, share, "RESOURCE", arn, "ASSOCIATED");
}

static int
add_principal(struct api_call *call, const struct ram_share_row *share, struct str account)
{
    const struct ram_association_row *row = ram_association_find(call, share->id, account);
    int r = principal_check(call, share, account);

    if (r || (row && (str_is(row->status, "ASSOCIATED") || str_is(row->status, "ASSOCIATING"))))
        return r;
    r = limit_check(call, share, "PRINCIPAL");
    if (r == 0)
        r = ram_association_set(call, share, "PRINCIPAL", account, "ASSOCIATING");
    return r ? r : ram_invite(call, share, account);
}

int
ram_associate(struct api_call *call, const struct ram_share_row *share,
              const struct str_list *resources, const struct str_list *principals)
{
    int r = 0;

    for (size_t i = 0; i < resources->n && r == 0; i++)
        r = add_resource(call, share, resources->v[i]);
    for (size_t i = 0; i < principals->n && r == 0; i++)
        r = add_principal(call, share, principals->v[i]);
    return r;
}

static void
show_all(struct api_call *call, const struct ram_share_row *share, const struct str_list *entities,
         struct ram_ResourceShareAssociationList *list)
{
    LIST_EACH(entities, entity) {
        const struct ram_association_row *row = ram_association_find(call, share->id, *entity);

        assert(row);
        *LIST_PUSH(call->arena, list) = show(share, row);
    }
}

int
ram_associate_resource_share(struct api_call *call,
                             const struct ram_AssociateResourceShareRequest *req,
                             struct ram_AssociateResourceShareResponse *res)
{
    const struct ram_share_row *share;
    int r = req->sources.n ? ram_unsupported(call, "sources")
                           : ram_share_find(call, req->resource_share_arn, &share);

    if (r == 0 && !req->resource_arns.n && !req->principals.n)
        r = api_fault(call, &RAM_ERR(InvalidParameterException),
                      "You must specify at least one resource ARN or principal.");
    if (r == 0)
        r = ram_associate(call, share, &req->resource_arns, &req->principals);
    if (r == 0)
        r = ram_share_touch(call, share);
    if (r)
        return r;
    API_PRESENT(&res->resource_share_associations);
    show_all(call, share, &req->resource_arns, &res->resource_share_associations);
    show_all(call, share, &req->principals, &res->resource_share_associations);
    res->client_token = req->client_token;
    return 0;
}

/* ---- DisassociateResourceShare ---- */

static int
take_out(struct api_call *call, const struct ram_share_row *share, struct str entity)
{
    const struct ram_association_row *row = ram_association_find(call, share->id, entity);

    if (!row)
        return api_fault(call, &RAM_ERR(UnknownResourceException),
                         "%.*s is not associated with the resource share %.*s.", STR_ARG(entity),
                         STR_ARG(share->id));
    if (str_is(row->status, "DISASSOCIATED"))
        return 0;
    int r = str_is(row->kind, "PRINCIPAL") ? ram_uninvite(call, share->id, entity) : 0;

    assert(str_eq(row->entity, entity));
    return r ? r
             : ram_association_set(call, share,
                                   str_is(row->kind, "PRINCIPAL") ? "PRINCIPAL" : "RESOURCE",
                                   entity, "DISASSOCIATED");
}

int
ram_associations_end(struct api_call *call, const struct ram_share_row *share)
{
    int r = 0;

    STORE_EACH(call->txn, ram_association_by_share, row, share->id)
        if (r == 0)
            r = take_out(call, share, row->entity);
    return r;
}

/* The owner takes out what it likes; an account that it is shared with may leave. */
static int
leaver_find(struct api_call *call, const struct ram_DisassociateResourceShareRequest *req,
            const struct ram_share_row **ret)
{
    const struct ram_share_row *row = ram_share_get(call->txn, req->resource_share_arn);

    if (!row || str_eq(row->account, call->account) ||
        !ram_is_associated(call, row->id, call->account))
        return ram_share_find(call, req->resource_share_arn, ret);
    if (req->resource_arns.n || req->principals.n != 1 ||
        !str_eq(req->principals.v[0], call->account))
        return api_fault(call, &RAM_ERR(OperationNotPermittedException),
                         "You can only remove your own account from a resource share that is "
                         "shared with you.");
    *ret = row;
    assert(!str_eq(row->account, call->account) && str_is(row->status, "ACTIVE"));
    return 0;
}

int
ram_disassociate_resource_share(struct api_call *call,
                                const struct ram_DisassociateResourceShareRequest *req,
                                struct ram_DisassociateResourceShareResponse *res)
{
    const struct ram_share_row *share;
    int r = req->sources.n ? ram_unsupported(call, "sources") : leaver_find(call, req, &share);

    if (r == 0 && !req->resource_arns.n && !req->principals.n)
        r = api_fault(call, &RAM_ERR(InvalidParameterException),
                      "You must specify at least one resource ARN or principal.");
    for (size_t i = 0; i < req->resource_arns.n && r == 0; i++)
        r = take_out(call, share, req->resource_arns.v[i]);
    for (size_t i = 0; i < req->principals.n && r == 0; i++)
        r = take_out(call, share, req->principals.v[i]);
    if (r == 0)
        r = ram_share_touch(call, share);
    if (r)
        return r;
    API_PRESENT(&res->resource_share_associations);
    show_all(call, share, &req->resource_arns, &res->resource_share_associations);
    show_all(call, share, &req->principals, &res->resource_share_associations);
    res->client_token = req->client_token;
    return 0;
}

/* ---- GetResourceShareAssociations ---- */

static int
get_check(struct api_call *call, const struct ram_GetResourceShareAssociationsRequest *req)
{
    if (str_is(req->association_type, "SOURCE"))
        return ram_unsupported(call, "associationType (SOURCE)");
    if (str_is(req->association_type, "PRINCIPAL") && req->resource_arn.n)
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "You cannot specify a resource ARN when the association type is "
                         "PRINCIPAL.");
    if (str_is(req->association_type, "RESOURCE") && req->principal.n)
        return api_fault(call, &RAM_ERR(InvalidParameterException),
                         "You cannot specify a principal when the association type is RESOURCE.");
    return 0;
}

int
ram_get_resource_share_associations(struct api_call *call,
                                    const struct ram_GetResourceShareAssociationsRequest *req,
                                    struct ram_GetResourceShareAssociationsResponse *res)
{
    struct str entity = req->resource_arn.n ? req->resource_arn : req->principal;
    struct ram_shares shares;
    struct api_page page;
    int r = get_check(call, req);

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r == 0)
        r = ram_shares_named(call, S("SELF"), &req->resource_share_arns, &shares);
    if (r)
        return r;
    API_PRESENT(&res->resource_share_associations);
    for (size_t i = 0; i < shares.n; i++) {
        struct str share = ram_page_key(call, shares.v[i]->created_ms, shares.v[i]->id);

        STORE_EACH(call->txn, ram_association_by_share, row, shares.v[i]->id,
                   req->association_type) {
            if ((entity.n && !str_eq(row->entity, entity)) ||
                (req->association_status.n && !str_eq(row->status, req->association_status)))
                continue;
            struct str key = ram_page_key(call, row->created_ms, row->id);

            if (api_page_take(&page,
                              str_fmt(call->arena, "%.*s %.*s", STR_ARG(share), STR_ARG(key))))
                *LIST_PUSH(call->arena, &res->resource_share_associations) = show(shares.v[i], row);
        }
    }
    res->next_token = ram_page_next(call, &page);
    return 0;
}
