/*
 * The keys of encrypted volumes; volume.h says how they live.
 *
 * What KMS refuses is not refused to the caller: on AWS this happens behind RunInstances and
 * StartInstances, which have been answered, and shows as an instance that does not start.
 */
#include "ec2/volume.h"

#include "base/log.h"
#include "ec2/row_ok.h"
#include "gen/api/kms.h"
#include "gen/store/kms_rows.h"

/* The principal that an instance's host is to KMS. */
#define INFRASTRUCTURE "aws:ec2-infrastructure"

static struct kms_TextMap
context_of(struct api_call *call, struct str id)
{
    struct kms_TextMap map = {NULL, 0};

    assert(id.n > 0);
    *LIST_PUSH(call->arena, &map) = (struct kms_TextMapEntry){S("aws:ebs:id"), id};
    return map;
}

/* A refusal becomes *ret_may = false, and a line in the log. */
static int
told(struct api_call *call, int r, const char *operation, struct str id, bool *ret_may)
{
    *ret_may = r == 0;
    if (r > 0) {
        log_info("%.*s: KMS refuses %s: %.*s", STR_ARG(id), operation,
                 STR_ARG(call->fault.message));
        call->fault = (struct api_fault){0};
        return 0;
    }
    return r;
}

static int
data_key(struct api_call *call, struct str key, struct str id, struct str *ret_key,
         struct str *ret_sealed, bool *ret_may)
{
    const struct kms_GenerateDataKeyWithoutPlaintextRequest req = {
        .key_id = key,
        .number_of_bytes = opt_i64(VOLUME_KEY_BYTES),
        .encryption_context = context_of(call, id),
    };
    struct kms_GenerateDataKeyWithoutPlaintextResponse res = {0};
    int r = api_call_internal(call, "kms", "GenerateDataKeyWithoutPlaintext", &req, &res, EC2_VIA);

    *ret_key = r ? key : res.key_id;
    *ret_sealed = r ? S("") : res.ciphertext_blob;
    return told(call, r, "GenerateDataKeyWithoutPlaintext", id, ret_may);
}

int
ec2_volume_seal(struct api_call *call, struct str key, struct ec2_volume_row *row, bool *ret_may)
{
    assert(row->encrypted && row->id.n && !row->data_key.n);
    return data_key(call, key, row->id, &row->kms_key_id, &row->data_key, ret_may);
}

int
ec2_snapshot_seal(struct api_call *call, struct str key, struct ec2_snapshot_row *row,
                  bool *ret_may)
{
    assert(row->encrypted && row->id.n);
    row->data_key_of = row->id;
    return data_key(call, key, row->id, &row->kms_key_id, &row->data_key, ret_may);
}

int
ec2_snapshot_unseal(struct api_call *call, const struct ec2_snapshot_row *row, bool *ret_may)
{
    const struct kms_DecryptRequest req = {.key_id = row->kms_key_id,
                                           .ciphertext_blob = row->data_key,
                                           .encryption_context =
                                               context_of(call, row->data_key_of)};
    struct kms_DecryptResponse res = {0};
    struct api_call there = *call; /* keys are where the snapshot is */

    assert(row->encrypted && row->data_key.n);
    there.region = row->region;
    int r = api_call_internal(&there, "kms", "Decrypt", &req, &res, EC2_VIA);

    call->fault = there.fault;
    return told(call, r, "Decrypt", row->id, ret_may);
}

static struct str
infrastructure_arn(struct api_call *call, struct str instance_id)
{
    return str_fmt(call->arena, "arn:aws:sts::%.*s:assumed-role/" INFRASTRUCTURE "/%.*s",
                   STR_ARG(call->account), STR_ARG(instance_id));
}

static int
grant(struct api_call *call, struct str instance_id, struct ec2_volume_row *row)
{
    static struct str decrypt = S_INIT("Decrypt");
    struct kms_GrantConstraints constraints = {.encryption_context_subset =
                                                   context_of(call, row->id)};
    const struct kms_CreateGrantRequest req = {
        .key_id = row->kms_key_id,
        .grantee_principal = infrastructure_arn(call, instance_id),
        .retiring_principal = str_fmt(call->arena, "ec2.%.*s.amazonaws.com", STR_ARG(call->region)),
        .operations = {&decrypt, 1},
        .constraints = &constraints,
    };
    struct kms_CreateGrantResponse res = {0};
    int r = api_call_internal(call, "kms", "CreateGrant", &req, &res, EC2_VIA);

    if (r == 0)
        row->grant_id = res.grant_id;
    return r;
}

/* As the instance's host, which no policy mentions: the grant alone allows it. */
static int
decrypt_by_grant(struct api_call *call, struct str instance_id, struct ec2_volume_row *row)
{
    const struct kms_DecryptRequest req = {.key_id = row->kms_key_id,
                                           .ciphertext_blob = row->data_key,
                                           .encryption_context = context_of(call, row->id)};
    struct kms_DecryptResponse res = {0};
    struct api_call host = *call;

    host.principal = (struct policy_principal){
        .kind = POLICY_SESSION,
        .account = call->account,
        .arn = infrastructure_arn(call, instance_id),
        .role_arn =
            str_fmt(call->arena, "arn:aws:iam::%.*s:role/" INFRASTRUCTURE, STR_ARG(call->account)),
        .id = str_fmt(call->arena, INFRASTRUCTURE ":%.*s", STR_ARG(instance_id)),
        .unique_id = S(INFRASTRUCTURE),
    };
    host.principal_arn = host.principal.arn;
    host.principal_id = host.principal.id;
    host.session = NULL;
    host.caller = NULL;
    host.access_key = S("");
    int r = api_call_internal(&host, "kms", "Decrypt", &req, &res, EC2_VIA);

    if (r > 0)
        call->fault = host.fault;
    if (r)
        return r;
    if (res.plaintext.n != VOLUME_KEY_BYTES)
        return error_origin(EBADMSG, "the data key of %.*s is damaged", STR_ARG(row->id));
    row->plain_key = res.plaintext;
    return 0;
}

int
ec2_volume_unseal(struct api_call *call, struct str instance_id, struct ec2_volume_row *row,
                  bool *ret_may)
{
    assert(row->encrypted && row->data_key.n && instance_id.n);
    size_t mark = store_savepoint(call->txn);
    int r = grant(call, instance_id, row);
    const char *operation = "CreateGrant";

    if (r == 0) {
        operation = "Decrypt";
        r = decrypt_by_grant(call, instance_id, row);
    }
    if (r > 0) {
        store_rollback_to(call->txn, mark);
        row->grant_id = S("");
    }
    return told(call, r, operation, row->id, ret_may);
}

int
ec2_volumes_unseal(struct api_call *call, struct str instance_id, bool *ret_may)
{
    *ret_may = true;
    STORE_EACH(call->txn, ec2_volume_by_instance, row, instance_id) {
        struct ec2_volume_row new = *row;

        if (!row->encrypted)
            continue;
        int r = ec2_volume_unseal(call, instance_id, &new, ret_may);

        assert(r || ec2_volume_ok(&new));
        if (r == 0 && *ret_may)
            r = ec2_volume_update(call->txn, &new);
        if (r || !*ret_may)
            return r;
    }
    return 0;
}

int
ec2_volume_forget_key(struct txn *txn, struct ec2_volume_row *row)
{
    int r = 0;

    if (row->grant_id.n && kms_grant_get(txn, row->grant_id))
        r = kms_grant_delete(txn, row->grant_id);
    row->plain_key = row->grant_id = S("");
    return r < 0 ? error_origin(-r, "the key of %.*s cannot be forgotten", STR_ARG(row->id)) : 0;
}

int
ec2_volumes_forget_keys(struct txn *txn, struct str instance_id)
{
    STORE_EACH(txn, ec2_volume_by_instance, row, instance_id) {
        struct ec2_volume_row new = *row;

        if (!row->plain_key.n && !row->grant_id.n)
            continue;
        int r = ec2_volume_forget_key(txn, &new);

        assert(r < 0 || ec2_volume_ok(&new));
        if (r == 0)
            r = ec2_unwritten(ec2_volume_update(txn, &new), row->id);
        if (r < 0)
            return r;
    }
    return 0;
}
