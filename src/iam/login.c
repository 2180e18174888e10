/*
 * Login profiles: whether a user has a console password, and since when.
 *
 * There is no console, so no password is kept: one that is given is held against the account's
 * password policy and forgotten.  docs/iam.md says so.
 */
#include "iam/holds.h"
#include "iam/common.h"
#include "iam/password.h"

static int
missing(struct api_call *call, struct str name)
{
    return api_fault(call, &IAM_ERR(NoSuchEntity), "Login Profile for User %.*s cannot be found.",
                     STR_ARG(name));
}

/* The user with a login profile.  A root has none: its console does not exist. */
static int
find(struct api_call *call, struct str user_name, const struct iam_user_row **ret)
{
    struct iam_owner owner;
    int r = iam_owner_of(call, user_name, &owner);

    if (r)
        return r;
    if (!owner.row || !owner.row->login_created_ms)
        return missing(call, owner.row ? owner.name : owner.id);
    iam_user_assert(owner.row);
    *ret = owner.row;
    return 0;
}

static struct iam_LoginProfile *
show(struct api_call *call, const struct iam_user_row *row)
{
    struct iam_LoginProfile *profile = ARENA_NEW(call->arena, struct iam_LoginProfile);

    assert(row->login_created_ms > 0);
    profile->user_name = row->name;
    profile->create_date = opt_i64(row->login_created_ms);
    profile->password_reset_required = opt_bool(row->login_reset);
    return profile;
}

static int
update(struct api_call *call, const struct iam_user_row *row)
{
    iam_user_assert(row);
    return iam_written(iam_user_update(call->txn, row), "user", row->id);
}

int
iam_create_login_profile(struct api_call *call, const struct iam_CreateLoginProfileRequest *req,
                         struct iam_CreateLoginProfileResponse *res)
{
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r)
        return r;
    if (!owner.row || !req->password.p)
        return api_fault(call, &IAM_ERR(ValidationError), "Both UserName and Password are needed.");
    if (owner.row->login_created_ms)
        return api_fault(call, &IAM_ERR(EntityAlreadyExists),
                         "Login Profile for user %.*s already exists.", STR_ARG(owner.name));
    r = iam_password_check(call, req->password);
    if (r)
        return r;
    struct iam_user_row new = *owner.row;

    new.login_created_ms = call->now_ms;
    new.login_changed_ms = call->now_ms;
    new.login_reset = opt_bool_or(req->password_reset_required, false);
    r = update(call, &new);
    if (r == 0)
        res->login_profile = show(call, &new);
    return r;
}

int
iam_get_login_profile(struct api_call *call, const struct iam_GetLoginProfileRequest *req,
                      struct iam_GetLoginProfileResponse *res)
{
    const struct iam_user_row *row;
    int r = find(call, req->user_name, &row);

    if (r == 0)
        res->login_profile = show(call, row);
    return r;
}

int
iam_update_login_profile(struct api_call *call, const struct iam_UpdateLoginProfileRequest *req,
                         struct iam_UpdateLoginProfileResult *res)
{
    const struct iam_user_row *row;
    int r = find(call, req->user_name, &row);

    (void)res;
    if (r == 0 && req->password.p)
        r = iam_password_check(call, req->password);
    if (r)
        return r;
    struct iam_user_row new = *row;

    if (req->password.p)
        new.login_changed_ms = call->now_ms;
    new.login_reset = opt_bool_or(req->password_reset_required, row->login_reset);
    return update(call, &new);
}

int
iam_delete_login_profile(struct api_call *call, const struct iam_DeleteLoginProfileRequest *req,
                         struct iam_DeleteLoginProfileResult *res)
{
    const struct iam_user_row *row;
    int r = find(call, req->user_name, &row);

    (void)res;
    if (r)
        return r;
    struct iam_user_row new = *row;

    new.login_created_ms = 0;
    new.login_changed_ms = 0;
    new.login_reset = false;
    return update(call, &new);
}
