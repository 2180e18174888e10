/*
 * EBS encryption by default: whether new volumes of an account in a region are encrypted though
 * nobody asked, and under which key when nobody named one.
 *
 * As on AWS a key that is named here is not asked for: one that cannot be used shows when an
 * instance fails to launch with it.
 */
#include "ec2/volume.h"

#include "gen/api/kms.h"

static struct ec2_ebs_default_row
default_of(struct api_call *call)
{
    struct str id =
        str_fmt(call->arena, "%.*s/%.*s", STR_ARG(call->account), STR_ARG(call->region));
    const struct ec2_ebs_default_row *row = ec2_ebs_default_get(call->txn, id);

    return row ? *row : (struct ec2_ebs_default_row){.id = id};
}

static int
put(struct api_call *call, const struct ec2_ebs_default_row *row)
{
    int r = ec2_ebs_default_get(call->txn, row->id) ? ec2_ebs_default_update(call->txn, row)
                                                    : ec2_ebs_default_insert(call->txn, row);

    assert(row->id.n > 0);
    return r < 0 ? error_origin(-r, "the default of EBS cannot be written") : 0;
}

static struct str
key_or_managed(struct str key)
{
    return key.n ? key : S(EC2_EBS_KEY);
}

bool
ec2_ebs_encrypts(struct api_call *call)
{
    return default_of(call).encrypt;
}

struct str
ec2_ebs_key(struct api_call *call)
{
    return key_or_managed(default_of(call).kms_key_id);
}

/* ---- operations ---- */

static int
set(struct api_call *call, bool on, struct opt_bool *ret)
{
    struct ec2_ebs_default_row row = default_of(call);

    row.encrypt = on;
    *ret = opt_bool(on);
    return put(call, &row);
}

int
ec2_enable_ebs_encryption_by_default(
    struct api_call *call, const struct ec2_EnableEbsEncryptionByDefaultRequest *req UNUSED,
    struct ec2_EnableEbsEncryptionByDefaultResult *res)
{
    return set(call, true, &res->ebs_encryption_by_default);
}

int
ec2_disable_ebs_encryption_by_default(
    struct api_call *call, const struct ec2_DisableEbsEncryptionByDefaultRequest *req UNUSED,
    struct ec2_DisableEbsEncryptionByDefaultResult *res)
{
    return set(call, false, &res->ebs_encryption_by_default);
}

int
ec2_get_ebs_encryption_by_default(struct api_call *call,
                                  const struct ec2_GetEbsEncryptionByDefaultRequest *req UNUSED,
                                  struct ec2_GetEbsEncryptionByDefaultResult *res)
{
    res->ebs_encryption_by_default = opt_bool(ec2_ebs_encrypts(call));
    return 0;
}

int
ec2_get_ebs_default_kms_key_id(struct api_call *call,
                               const struct ec2_GetEbsDefaultKmsKeyIdRequest *req UNUSED,
                               struct ec2_GetEbsDefaultKmsKeyIdResult *res)
{
    res->kms_key_id = ec2_ebs_key(call);
    return 0;
}

/* The ARN of the key that an id or alias names; the text itself when the caller sees none. */
static int
key_arn(struct api_call *call, struct str id, struct str *ret)
{
    const struct kms_DescribeKeyRequest req = {.key_id = id};
    struct kms_DescribeKeyResponse res = {0};
    int r = api_call_internal(call, "kms", "DescribeKey", &req, &res, EC2_VIA);

    assert(id.n > 0);
    *ret = id;
    if (r < 0)
        return r;
    if (r == 0 && res.key_metadata)
        *ret = res.key_metadata->arn;
    call->fault = (struct api_fault){0};
    return 0;
}

int
ec2_modify_ebs_default_kms_key_id(struct api_call *call,
                                  const struct ec2_ModifyEbsDefaultKmsKeyIdRequest *req,
                                  struct ec2_ModifyEbsDefaultKmsKeyIdResult *res)
{
    struct ec2_ebs_default_row row = default_of(call);
    int r = key_arn(call, key_or_managed(req->kms_key_id), &row.kms_key_id);

    res->kms_key_id = row.kms_key_id;
    return r ? r : put(call, &row);
}

int
ec2_reset_ebs_default_kms_key_id(struct api_call *call,
                                 const struct ec2_ResetEbsDefaultKmsKeyIdRequest *req UNUSED,
                                 struct ec2_ResetEbsDefaultKmsKeyIdResult *res)
{
    struct ec2_ebs_default_row row = default_of(call);
    int r = key_arn(call, S(EC2_EBS_KEY), &res->kms_key_id);

    row.kms_key_id = S("");
    return r ? r : put(call, &row);
}
