/*
 * SSH public keys of users, for CodeCommit.  Kept without the comment; UploadSSHPublicKey alone
 * shows what was sent as it was sent.
 */
#include "iam/common.h"
#include "iam/public_key.h"

enum { SSH_BITS_MIN = 2048 };

static int
find(struct api_call *call, const struct iam_owner *owner, struct str id,
     const struct iam_ssh_key_row **ret)
{
    *ret = iam_ssh_key_get(call->txn, id);
    if (*ret && str_eq((*ret)->user_id, owner->id))
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "User has no Public Key with id %.*s.",
                     STR_ARG(id));
}

static int
find_of_user(struct api_call *call, struct str user_name, struct str id, struct iam_owner *owner,
             const struct iam_ssh_key_row **ret)
{
    int r = iam_owner_of(call, user_name, owner);

    return r ? r : find(call, owner, id, ret);
}

static struct iam_SSHPublicKey *
show(struct api_call *call, const struct iam_owner *owner, const struct iam_ssh_key_row *row,
     struct str body)
{
    struct iam_SSHPublicKey *key = ARENA_NEW(call->arena, struct iam_SSHPublicKey);

    assert(row->body.n > 0 && row->fingerprint.n > 0 && str_eq(row->user_id, owner->id));
    *key = (struct iam_SSHPublicKey){
        .user_name = owner->name,
        .ssh_public_key_id = row->id,
        .fingerprint = row->fingerprint,
        .ssh_public_key_body = body,
        .status = iam_status(row->active),
        .upload_date = opt_i64(row->created_ms),
    };
    return key;
}

static int
key_check(struct api_call *call, const struct iam_owner *owner, const struct public_key *key)
{
    assert(key->ssh.n > 0);
    if (key->bits < SSH_BITS_MIN)
        return api_fault(call, &IAM_ERR(InvalidPublicKey), "Invalid body for public key");
    STORE_EACH(call->txn, iam_ssh_key_by_user, other, owner->id) {
        if (str_eq(other->body, key->ssh))
            return api_fault(call, &IAM_ERR(DuplicateSSHPublicKey),
                             "Duplicate SSH public key uploaded.");
    }
    return iam_quota_check(call, IAM_QUOTA_SSH_KEYS,
                           iam_count(call->txn, &iam_ssh_key_by_user, STORE_KEYS(owner->id)) + 1);
}

int
iam_upload_ssh_public_key(struct api_call *call, const struct iam_UploadSSHPublicKeyRequest *req,
                          struct iam_UploadSSHPublicKeyResponse *res)
{
    struct public_key key;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r)
        return r;
    if (!public_key_read(call->arena, req->ssh_public_key_body, &key))
        return api_fault(call, &IAM_ERR(UnrecognizedPublicKeyEncoding),
                         "Invalid public key uploaded.");
    r = key_check(call, &owner, &key);
    if (r)
        return r;
    const struct iam_ssh_key_row row = {
        .id = str_cut(iam_id(call, "APKA"), 0, 20),
        .account = call->account,
        .user_id = owner.id,
        .body = key.ssh,
        .fingerprint = key.fingerprint,
        .active = true,
        .created_ms = call->now_ms,
    };

    r = iam_written(iam_ssh_key_insert(call->txn, &row), "SSH key", row.id);
    if (r == 0)
        res->ssh_public_key = show(call, &owner, &row, req->ssh_public_key_body);
    return r;
}

int
iam_get_ssh_public_key(struct api_call *call, const struct iam_GetSSHPublicKeyRequest *req,
                       struct iam_GetSSHPublicKeyResponse *res)
{
    const struct iam_ssh_key_row *row;
    struct public_key key;
    struct iam_owner owner;
    int r = find_of_user(call, req->user_name, req->ssh_public_key_id, &owner, &row);

    if (r)
        return r;
    if (!public_key_read(call->arena, row->body, &key))
        return error_origin(EUCLEAN, "the SSH key %.*s is none", STR_ARG(row->id));
    assert(str_eq(key.ssh, row->body));
    res->ssh_public_key = show(call, &owner, row, str_is(req->encoding, "PEM") ? key.pem : key.ssh);
    return 0;
}

int
iam_list_ssh_public_keys(struct api_call *call, const struct iam_ListSSHPublicKeysRequest *req,
                         struct iam_ListSSHPublicKeysResponse *res)
{
    struct iam_owner owner;
    struct api_page page;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->ssh_public_keys);
    STORE_EACH(call->txn, iam_ssh_key_by_user, row, owner.id) {
        if (!api_page_take(&page, iam_time_key(call, row->created_ms, row->id)))
            continue;
        *LIST_PUSH(call->arena, &res->ssh_public_keys) = (struct iam_SSHPublicKeyMetadata){
            .user_name = owner.name,
            .ssh_public_key_id = row->id,
            .status = iam_status(row->active),
            .upload_date = opt_i64(row->created_ms),
        };
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

int
iam_update_ssh_public_key(struct api_call *call, const struct iam_UpdateSSHPublicKeyRequest *req,
                          struct iam_UpdateSSHPublicKeyResult *res)
{
    const struct iam_ssh_key_row *row;
    struct iam_owner owner;
    bool active;
    int r = find_of_user(call, req->user_name, req->ssh_public_key_id, &owner, &row);

    (void)res;
    if (r == 0)
        r = iam_status_read(call, req->status, &active);
    if (r)
        return r;
    struct iam_ssh_key_row new = *row;

    new.active = active;
    return iam_written(iam_ssh_key_update(call->txn, &new), "SSH key", new.id);
}

int
iam_delete_ssh_public_key(struct api_call *call, const struct iam_DeleteSSHPublicKeyRequest *req,
                          struct iam_DeleteSSHPublicKeyResult *res)
{
    const struct iam_ssh_key_row *row;
    struct iam_owner owner;
    int r = find_of_user(call, req->user_name, req->ssh_public_key_id, &owner, &row);

    (void)res;
    return r ? r : iam_written(iam_ssh_key_delete(call->txn, row->id), "SSH key", row->id);
}
