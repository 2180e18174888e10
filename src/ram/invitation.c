/*
 * Invitations: an account is in a share when it has said so, within seven days.
 */
#include "ram/ram.h"

/* ---- sending ---- */

int
ram_invite(struct api_call *call, const struct ram_share_row *share, struct str account)
{
    struct str uuid = api_uuid(call->env, call->arena);
    const struct ram_invitation_row row = {
        .id = str_fmt(call->arena, "arn:aws:ram:%.*s:%.*s:resource-share-invitation/%.*s",
                      STR_ARG(share->region), STR_ARG(share->account), STR_ARG(uuid)),
        .share = share->id,
        .share_name = share->name,
        .sender = share->account,
        .receiver = account,
        .region = share->region,
        .status = S("PENDING"),
        .created_ms = call->now_ms,
    };
    int r = ram_invitation_insert(call->txn, &row);

    ram_invitation_assert(&row);
    return r < 0 ? error_origin(-r, "an invitation to %.*s cannot be written", STR_ARG(share->id))
                 : 0;
}

int
ram_uninvite(struct api_call *call, struct str share, struct str account)
{
    int r = 0;

    STORE_EACH(call->txn, ram_invitation_by_share, row, share, account)
        if (r == 0 && str_is(row->status, "PENDING"))
            r = ram_invitation_delete(call->txn, row->id);
    return r < 0 ? error_origin(-r, "an invitation to %.*s cannot be deleted", STR_ARG(share)) : 0;
}

/* ---- showing ---- */

static struct str
status_of(const struct api_call *call, const struct ram_invitation_row *row)
{
    bool late = row->created_ms + RAM_INVITATION_MS <= call->now_ms;

    ram_invitation_assert(row);
    return late && str_is(row->status, "PENDING") ? S("EXPIRED") : row->status;
}

static struct ram_ResourceShareInvitation
show(const struct api_call *call, const struct ram_invitation_row *row)
{
    return (struct ram_ResourceShareInvitation){
        .resource_share_invitation_arn = row->id,
        .resource_share_name = row->share_name,
        .resource_share_arn = row->share,
        .sender_account_id = row->sender,
        .receiver_account_id = row->receiver,
        .invitation_timestamp = opt_i64(row->created_ms),
        .status = status_of(call, row),
    };
}

static int
not_found(struct api_call *call, struct str arn)
{
    return api_fault(call, &RAM_ERR(ResourceShareInvitationArnNotFoundException),
                     "Invitation %.*s could not be found.", STR_ARG(arn));
}

int
ram_get_resource_share_invitations(struct api_call *call,
                                   const struct ram_GetResourceShareInvitationsRequest *req,
                                   struct ram_GetResourceShareInvitationsResponse *res)
{
    struct api_page page;
    int r = ram_page_open(call, req->next_token, req->max_results, &page);

    for (size_t i = 0; i < req->resource_share_invitation_arns.n && r == 0; i++) {
        struct str arn = req->resource_share_invitation_arns.v[i];
        const struct ram_invitation_row *row = ram_invitation_get(call->txn, arn);

        if (!row || !str_eq(row->receiver, call->account) || !str_eq(row->region, call->region))
            r = not_found(call, arn);
    }
    if (r)
        return r;
    API_PRESENT(&res->resource_share_invitations);
    STORE_EACH(call->txn, ram_invitation_by_receiver, row, call->account, call->region) {
        if ((req->resource_share_invitation_arns.n &&
             !str_in(&req->resource_share_invitation_arns, row->id)) ||
            (req->resource_share_arns.n && !str_in(&req->resource_share_arns, row->share)))
            continue;
        if (api_page_take(&page, ram_page_key(call, row->created_ms, row->id)))
            *LIST_PUSH(call->arena, &res->resource_share_invitations) = show(call, row);
    }
    res->next_token = ram_page_next(call, &page);
    return 0;
}

/* ---- answering ---- */

/* One that can still be answered. */
static int
find(struct api_call *call, struct str arn, const struct ram_invitation_row **ret)
{
    const struct ram_invitation_row *row = ram_invitation_get(call->txn, arn);

    if (!str_starts(arn, S("arn:aws:ram:")) ||
        str_find(arn, S(":resource-share-invitation/")) == SIZE_MAX)
        return api_fault(call, &RAM_ERR(MalformedArnException),
                         "The specified invitation ARN %.*s is not valid. Verify the ARN and try "
                         "again.",
                         STR_ARG(arn));
    if (!row || !str_eq(row->receiver, call->account) || !str_eq(row->region, call->region))
        return not_found(call, arn);
    struct str status = status_of(call, row);

    if (str_is(status, "ACCEPTED"))
        return api_fault(call, &RAM_ERR(ResourceShareInvitationAlreadyAcceptedException),
                         "The invitation %.*s was already accepted.", STR_ARG(arn));
    if (str_is(status, "REJECTED"))
        return api_fault(call, &RAM_ERR(ResourceShareInvitationAlreadyRejectedException),
                         "The invitation %.*s was already rejected.", STR_ARG(arn));
    if (str_is(status, "EXPIRED"))
        return api_fault(call, &RAM_ERR(ResourceShareInvitationExpiredException),
                         "The invitation %.*s has expired.", STR_ARG(arn));
    *ret = row;
    assert(str_is(row->status, "PENDING"));
    return 0;
}

static int
answer(struct api_call *call, struct str arn, const char *status, const char *association,
       struct ram_ResourceShareInvitation **ret)
{
    const struct ram_invitation_row *row;
    int r = find(call, arn, &row);

    if (r)
        return r;
    const struct ram_share_row *share = ram_share_get(call->txn, row->share);
    struct ram_invitation_row new = *row;

    /* what is taken back or ends takes its invitations along */
    assert(share && str_is(share->status, "ACTIVE"));
    assert(ram_association_find(call, share->id, call->account));
    assert(str_eq(row->share, share->id) && str_eq(row->sender, share->account));
    new.status = str_from(status);
    r = ram_association_set(call, share, "PRINCIPAL", call->account, association);
    if (r == 0)
        r = ram_invitation_update(call->txn, &new);
    if (r)
        return r;
    *ret = ARENA_NEW(call->arena, struct ram_ResourceShareInvitation);
    **ret = show(call, &new);
    return 0;
}

int
ram_accept_resource_share_invitation(struct api_call *call,
                                     const struct ram_AcceptResourceShareInvitationRequest *req,
                                     struct ram_AcceptResourceShareInvitationResponse *res)
{
    res->client_token = req->client_token;
    return answer(call, req->resource_share_invitation_arn, "ACCEPTED", "ASSOCIATED",
                  &res->resource_share_invitation);
}

int
ram_reject_resource_share_invitation(struct api_call *call,
                                     const struct ram_RejectResourceShareInvitationRequest *req,
                                     struct ram_RejectResourceShareInvitationResponse *res)
{
    res->client_token = req->client_token;
    return answer(call, req->resource_share_invitation_arn, "REJECTED", "FAILED",
                  &res->resource_share_invitation);
}

int
ram_list_pending_invitation_resources(struct api_call *call,
                                      const struct ram_ListPendingInvitationResourcesRequest *req,
                                      struct ram_ListPendingInvitationResourcesResponse *res)
{
    const struct ram_invitation_row *row;
    struct api_page page;
    int r = find(call, req->resource_share_invitation_arn, &row);

    if (r == 0)
        r = ram_page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->resources);
    STORE_EACH(call->txn, ram_association_by_share, a, row->share, S("RESOURCE"))
        if (str_is(a->status, "ASSOCIATED") && !str_is(req->resource_region_scope, "GLOBAL") &&
            api_page_take(&page, ram_page_key(call, a->created_ms, a->id)))
            *LIST_PUSH(call->arena, &res->resources) = ram_resource_show(a);
    res->next_token = ram_page_next(call, &page);
    return 0;
}
