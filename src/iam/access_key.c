/*
 * Access keys of users and of an account's root.  The secret is told once, by CreateAccessKey; it
 * is kept sealed, because a signature is checked with it.  Who is who: user_id is the user's id, or
 * the account of the root.
 */
#include "iam/holds.h"
#include "iam/common.h"

/* The key, when it is the owner's. */
static int
find(struct api_call *call, const struct iam_owner *owner, struct str id,
     const struct iam_access_key_row **ret)
{
    *ret = iam_access_key_get(call->txn, id);
    assert(owner->id.n > 0);
    if (*ret && str_eq((*ret)->user_id, owner->id))
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "The Access Key with id %.*s cannot be found",
                     STR_ARG(id));
}

int
iam_create_access_key(struct api_call *call, const struct iam_CreateAccessKeyRequest *req,
                      struct iam_CreateAccessKeyResponse *res)
{
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r == 0)
        r = iam_quota_check(call, IAM_QUOTA_ACCESS_KEYS,
                            iam_count(call->txn, &iam_access_key_by_user, STORE_KEYS(owner.id)) +
                                1);
    if (r)
        return r;
    const struct iam_access_key_row row = {
        .id = iam_access_key_id(call),
        .account = call->account,
        .user_id = owner.id,
        .secret = iam_secret(call, 40),
        .active = true,
        .created_ms = call->now_ms,
    };

    iam_access_key_assert(&row);
    r = iam_written(iam_access_key_insert(call->txn, &row), "access key", row.id);
    if (r)
        return r;
    res->access_key = ARENA_NEW(call->arena, struct iam_AccessKey);
    *res->access_key = (struct iam_AccessKey){
        .user_name = owner.name,
        .access_key_id = row.id,
        .status = iam_status(true),
        .secret_access_key = row.secret,
        .create_date = opt_i64(row.created_ms),
    };
    return 0;
}

int
iam_list_access_keys(struct api_call *call, const struct iam_ListAccessKeysRequest *req,
                     struct iam_ListAccessKeysResponse *res)
{
    struct iam_owner owner;
    struct api_page page;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->access_key_metadata);
    STORE_EACH(call->txn, iam_access_key_by_user, row, owner.id) {
        iam_access_key_assert(row);
        if (!api_page_take(&page, iam_time_key(call, row->created_ms, row->id)))
            continue;
        *LIST_PUSH(call->arena, &res->access_key_metadata) = (struct iam_AccessKeyMetadata){
            .user_name = owner.name,
            .access_key_id = row->id,
            .status = iam_status(row->active),
            .create_date = opt_i64(row->created_ms),
        };
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_access_key(struct api_call *call, const struct iam_UpdateAccessKeyRequest *req,
                      struct iam_UpdateAccessKeyResult *res)
{
    const struct iam_access_key_row *row;
    struct iam_owner owner;
    bool active;
    int r = iam_owner_of(call, req->user_name, &owner);

    (void)res;
    if (r == 0)
        r = find(call, &owner, req->access_key_id, &row);
    if (r == 0)
        r = iam_status_read(call, req->status, &active);
    if (r)
        return r;
    struct iam_access_key_row new = *row;

    new.active = active;
    iam_access_key_assert(&new);
    return iam_written(iam_access_key_update(call->txn, &new), "access key", new.id);
}

int
iam_delete_access_key(struct api_call *call, const struct iam_DeleteAccessKeyRequest *req,
                      struct iam_DeleteAccessKeyResult *res)
{
    const struct iam_access_key_row *row;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    (void)res;
    if (r == 0)
        r = find(call, &owner, req->access_key_id, &row);
    if (r)
        return r;
    return iam_written(iam_access_key_delete(call->txn, row->id), "access key", row->id);
}

int
iam_get_access_key_last_used(struct api_call *call,
                             const struct iam_GetAccessKeyLastUsedRequest *req,
                             struct iam_GetAccessKeyLastUsedResponse *res)
{
    const struct iam_access_key_row *row = iam_access_key_get(call->txn, req->access_key_id);
    const struct iam_user_row *user = row ? iam_user_get(call->txn, row->user_id) : NULL;

    if (!row || !str_eq(row->account, call->account))
        return api_fault(call, &IAM_ERR(NoSuchEntity),
                         "The Access Key with id %.*s cannot be found",
                         STR_ARG(req->access_key_id));
    assert(user || str_eq(row->user_id, row->account));
    iam_access_key_assert(row);
    res->user_name = user ? user->name : S("");
    res->access_key_last_used = ARENA_NEW(call->arena, struct iam_AccessKeyLastUsed);
    *res->access_key_last_used = (struct iam_AccessKeyLastUsed){
        .service_name = row->used_ms ? row->used_service : S("N/A"),
        .region = row->used_ms ? row->used_region : S("N/A"),
    };
    if (row->used_ms)
        res->access_key_last_used->last_used_date = opt_i64(row->used_ms);
    return 0;
}
