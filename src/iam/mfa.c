/*
 * Virtual MFA devices: a seed that is told once, and the user whose codes it makes.
 *
 * Enabling and resynchronising take two codes in a row.  How far the device's clock may be off was
 * measured against AWS: the second code of a pair may lie from 998 steps before the device's time
 * to 1,000 after it.  What is found becomes the device's drift, from which STS and the next
 * resynchronisation look, and no pair is taken that is not wholly newer than the last one.
 */
#include "codec/base32.h"
#include "codec/totp.h"
#include "iam/holds.h"
#include "iam/tag_ops.h"

enum {
    SEED_BYTES = 40,    /* 64 characters of base32 */
    SERIAL_MAX = 253,   /* so that what follows ":mfa" fits into a Marker */
    STEPS_BEHIND = 998, /* of the second code */
    STEPS_AHEAD = 1000,
};

static int
find(struct api_call *call, struct str serial, const struct iam_mfa_device_row **ret)
{
    *ret = iam_mfa_device_get(call->txn, serial);
    if (*ret && str_eq((*ret)->account, call->account))
        return 0;
    assert(!*ret || !str_eq((*ret)->account, call->account));
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "VirtualMFADevice with serial number %.*s doesn't exist.", STR_ARG(serial));
}

static int
update(struct api_call *call, const struct iam_mfa_device_row *row)
{
    iam_mfa_device_assert(row);
    return iam_written(iam_mfa_device_update(call->txn, row), "MFA device", row->id);
}

/*
 * A user who has a device adds and removes own devices only in a session that a device vouched for,
 * whatever the policies say (AWS-2023-001); others do it for the user as they are allowed to.
 */
static int
self_check(struct api_call *call, struct str user_id)
{
    static const struct api_error denied = {"AccessDenied", 403};

    assert(user_id.n > 0);
    if (call->principal.kind != POLICY_USER || !str_eq(call->principal.unique_id, user_id) ||
        (call->session && call->session->mfa) ||
        !iam_count(call->txn, &iam_mfa_device_by_user, STORE_KEYS(user_id)))
        return 0;
    return api_fault(call, &denied,
                     "To complete this action, please ensure that you are authenticated with an "
                     "MFA device that is enabled for this user.");
}

/* ---- CreateVirtualMFADevice, DeleteVirtualMFADevice ---- */

int
iam_create_virtual_mfa_device(struct api_call *call,
                              const struct iam_CreateVirtualMFADeviceRequest *req,
                              struct iam_CreateVirtualMFADeviceResponse *res)
{
    uint8_t seed[SEED_BYTES];
    struct iam_mfa_device_row row = {
        .id = iam_arn(call, "mfa", iam_path(req->path), req->virtual_mfa_device_name),
        .account = call->account,
    };
    int r = iam_tags_put_cased(call, &req->tags, &row.tags, &row.tags);

    if (r)
        return r;
    if (row.id.n > SERIAL_MAX)
        return api_fault(call, &IAM_ERR(ValidationError),
                         "1 validation error detected: Value at 'serialNumber' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         SERIAL_MAX);
    if (iam_mfa_device_get(call->txn, row.id))
        return api_fault(call, &IAM_ERR(EntityAlreadyExists), "MFA device already exists.");
    call->env->random(call->env, seed, sizeof(seed));
    row.seed = base32_encode(call->arena, str_of(seed, sizeof(seed)));
    iam_mfa_device_assert(&row);
    r = iam_written(iam_mfa_device_insert(call->txn, &row), "MFA device", row.id);
    if (r)
        return r;
    res->virtual_mfa_device = ARENA_NEW(call->arena, struct iam_VirtualMFADevice);
    *res->virtual_mfa_device = (struct iam_VirtualMFADevice){
        .serial_number = row.id,
        .base32_string_seed = row.seed,
        .tags = iam_tags_show(call, &row.tags),
    };
    return 0;
}

int
iam_delete_virtual_mfa_device(struct api_call *call,
                              const struct iam_DeleteVirtualMFADeviceRequest *req,
                              struct iam_DeleteVirtualMFADeviceResult *res)
{
    const struct iam_mfa_device_row *row;
    int r = find(call, req->serial_number, &row);

    (void)res;
    if (r)
        return r;
    if (row->user_id.n)
        return api_fault(call, &IAM_ERR(DeleteConflict),
                         "MFA VirtualDevice in use. Must deactivate first.");
    return iam_written(iam_mfa_device_delete(call->txn, row->id), "MFA device", row->id);
}

/* ---- EnableMFADevice, DeactivateMFADevice, ResyncMFADevice ---- */

/* Takes a pair of codes: *ret is the row with what they say of the device's clock. */
static int
pair_check(struct api_call *call, const struct iam_mfa_device_row *row, struct str code1,
           struct str code2, struct iam_mfa_device_row *ret)
{
    int64_t now = totp_step(call->now_ms) + row->drift_steps;
    int64_t last = now + STEPS_AHEAD - 1, first = MAX(now - STEPS_BEHIND - 1, 0);
    struct str key;

    if (!base32_decode(call->arena, row->seed, &key))
        return error_origin(EUCLEAN, "the seed of %.*s is not base32", STR_ARG(row->id));
    first = MAX(first, row->pair_step + 1);
    int64_t step = first > last ? -1 : totp_find(key, first, last, code1, code2);

    assert(step < 0 || (step >= first && step <= last));
    if (step < 0)
        return api_fault(call, &IAM_ERR(InvalidAuthenticationCode),
                         "Authentication code for device is not valid.");
    *ret = *row;
    ret->pair_step = step + 1;
    assert(ret->pair_step > row->pair_step);
    ret->drift_steps = step + 1 - totp_step(call->now_ms);
    return 0;
}

int
iam_enable_mfa_device(struct api_call *call, const struct iam_EnableMFADeviceRequest *req,
                      struct iam_EnableMFADeviceResult *res)
{
    const struct iam_user_row *user;
    const struct iam_mfa_device_row *row;
    struct iam_mfa_device_row new;
    int r = iam_user_find(call, req->user_name, &user);

    (void)res;
    if (r == 0)
        r = self_check(call, user->id);
    if (r == 0)
        r = find(call, req->serial_number, &row);
    if (r)
        return r;
    if (str_eq(row->user_id, user->id))
        return api_fault(call, &IAM_ERR(EntityAlreadyExists),
                         "MFA Device for user %.*s already exists.", STR_ARG(user->name));
    if (row->user_id.n)
        return api_fault(call, &IAM_ERR(EntityAlreadyExists), "MFA Device is already in use.");
    r = iam_quota_check(call, IAM_QUOTA_MFA_DEVICES,
                        iam_count(call->txn, &iam_mfa_device_by_user, STORE_KEYS(user->id)) + 1);
    if (r == 0)
        r = pair_check(call, row, req->authentication_code1, req->authentication_code2, &new);
    if (r)
        return r;
    assert(!new.user_id.n &&new.pair_step > row->pair_step); /* both codes are used up */
    new.user_id = user->id;
    new.enabled_ms = call->now_ms;
    return update(call, &new);
}

/* The device, when it is the owner's. */
static int
find_enabled(struct api_call *call, const struct iam_owner *owner, struct str serial,
             const struct iam_mfa_device_row **ret)
{
    *ret = iam_mfa_device_get(call->txn, serial);
    if (*ret && str_eq((*ret)->user_id, owner->id))
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity), "MFA Device invalid for user.");
}

int
iam_deactivate_mfa_device(struct api_call *call, const struct iam_DeactivateMFADeviceRequest *req,
                          struct iam_DeactivateMFADeviceResult *res)
{
    const struct iam_mfa_device_row *row;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    (void)res;
    if (r == 0)
        r = self_check(call, owner.id);
    if (r == 0)
        r = find_enabled(call, &owner, req->serial_number, &row);
    if (r)
        return r;
    struct iam_mfa_device_row new = *row;

    assert(row->enabled_ms > 0);
    new.user_id = STR_NONE;
    new.enabled_ms = 0;
    return update(call, &new);
}

int
iam_resync_mfa_device(struct api_call *call, const struct iam_ResyncMFADeviceRequest *req,
                      struct iam_ResyncMFADeviceResult *res)
{
    const struct iam_mfa_device_row *row;
    struct iam_mfa_device_row new;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    (void)res;
    if (r == 0)
        r = find_enabled(call, &owner, req->serial_number, &row);
    if (r == 0)
        r = pair_check(call, row, req->authentication_code1, req->authentication_code2, &new);
    return r ? r : update(call, &new);
}

/* ---- lists ---- */

int
iam_list_mfa_devices(struct api_call *call, const struct iam_ListMFADevicesRequest *req,
                     struct iam_ListMFADevicesResponse *res)
{
    struct iam_owner owner;
    struct api_page page;
    size_t seen = 0;
    int r = iam_owner_of(call, req->user_name, &owner);

    if (r == 0)
        r = iam_page_open(call, req->marker, req->max_items, &page);
    if (r)
        return r;
    API_PRESENT(&res->mfa_devices);
    STORE_EACH(call->txn, iam_mfa_device_by_user, row, owner.id) {
        /* A user has eight at most; the time alone is not unique, and a serial may be long. */
        iam_mfa_device_assert(row);
        if (!api_page_take(&page, str_fmt(call->arena, "%03zu", seen++)))
            continue;
        *LIST_PUSH(call->arena, &res->mfa_devices) = (struct iam_MFADevice){
            .user_name = owner.name,
            .serial_number = row->id,
            .enable_date = opt_i64(row->enabled_ms),
        };
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

static bool
has_status(const struct iam_mfa_device_row *row, struct str status)
{
    if (!status.p || str_is(status, "Any"))
        return true;
    return str_is(status, row->user_id.n ? "Assigned" : "Unassigned");
}

static struct iam_VirtualMFADevice
show_virtual(struct api_call *call, const struct iam_mfa_device_row *row)
{
    struct iam_VirtualMFADevice device = {.serial_number = row->id};

    iam_mfa_device_assert(row);
    if (row->user_id.n) {
        const struct iam_user_row *user = iam_user_get(call->txn, row->user_id);

        assert(user); /* DeleteUser refuses while there is a device */
        device.enable_date = opt_i64(row->enabled_ms);
        device.user = ARENA_NEW(call->arena, struct iam_User);
        *device.user = iam_user_show(call, user);
    }
    return device;
}

int
iam_list_virtual_mfa_devices(struct api_call *call,
                             const struct iam_ListVirtualMFADevicesRequest *req,
                             struct iam_ListVirtualMFADevicesResponse *res)
{
    size_t head = strlen("arn:aws:iam::000000000000:mfa");
    struct api_page page;
    int r = iam_page_open(call, req->marker, req->max_items, &page);

    if (r)
        return r;
    API_PRESENT(&res->virtual_mfa_devices);
    STORE_EACH(call->txn, iam_mfa_device_by_account, row, call->account) {
        if (has_status(row, req->assignment_status) &&
            api_page_take(&page, str_cut(row->id, head, row->id.n)))
            *LIST_PUSH(call->arena, &res->virtual_mfa_devices) = show_virtual(call, row);
    }
    IAM_PAGE_CLOSE(call, &page, res);
    return 0;
}

/* For keys that follow FIDO alone; AWS refuses virtual devices here, and there are no others. */
int
iam_get_mfa_device(struct api_call *call, const struct iam_GetMFADeviceRequest *req,
                   struct iam_GetMFADeviceResponse *res)
{
    const struct iam_mfa_device_row *row;
    struct iam_owner owner;
    int r = iam_owner_of(call, req->user_name, &owner);

    (void)res;
    if (r == 0)
        r = find_enabled(call, &owner, req->serial_number, &row);
    if (r)
        return r;
    return api_fault(call, &IAM_ERR(ValidationError),
                     "The MFA device serial number sent in the request is invalid or not supported "
                     "by this API. Currently, only hardware FIDO security keys are supported. "
                     "Please use the compatible device or API.");
}

/* ---- tags ---- */

IAM_TAG_OPS(mfa_device, MFADevice, iam_mfa_device_row, serial_number, find, update, IAM_KEYS_CASED)
IAM_TAG_LIST_OP(mfa_device, MFADevice, iam_mfa_device_row, serial_number, find)
