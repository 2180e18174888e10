/* Sign, Verify, MACs, public keys, key agreement: what asymmetric and HMAC keys are for. */
#include "kms/kms.h"

/* The material of a key whose state was found good: it is there. */
static const struct kms_material_row *
usable(struct api_call *call, const struct kms_key_row *row)
{
    const struct kms_material_row *material = kms_material_current(call, row);

    assert(str_is(row->state, "Enabled") || str_is(row->state, "Disabled"));
    assert(material && material->secret.n > 0);
    kms_material_assert(material);
    return material;
}

/* ---- signatures ---- */

/* Members that signatures and MACs share. */
struct ask {
    struct str key_id, message, type, algorithm;
    const struct str_list *tokens;
};

static int
message_check(struct api_call *call, const struct ask *ask, bool *ret_digest)
{
    assert(ask->message.n > 0 && ask->algorithm.n > 0);
    *ret_digest = str_is(ask->type, "DIGEST");
    if (str_is(ask->type, "EXTERNAL_MU"))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "MessageType EXTERNAL_MU is not compatible with algorithm %.*s.",
                         STR_ARG(ask->algorithm));
    if (!kms_signing_takes(ask->algorithm, *ret_digest))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "MessageType %s is not compatible with algorithm %.*s.",
                         *ret_digest ? "DIGEST" : "RAW", STR_ARG(ask->algorithm));
    if (*ret_digest && !kms_digest_fits(ask->algorithm, ask->message))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Digest is invalid length for algorithm %.*s.", STR_ARG(ask->algorithm));
    return 0;
}

/* What both begin with: the key is found, and fits what is asked. */
struct signing {
    const struct kms_key_row *row;
    const struct kms_material_row *material;
    bool digest;
};

static int
signing_begin(struct api_call *call, const struct ask *ask, struct signing *ret)
{
    struct kms_want want = {.id = ask->key_id, .allow = KMS_USING, .tokens = ask->tokens};
    int r = kms_key_find(call, &want, &ret->row);

    if (r == 0)
        r = kms_usage_check(call, ret->row, "SIGN_VERIFY");
    if (r == 0)
        r = kms_algorithm_check(call, ret->row, kms_spec_find(ret->row->spec)->signing,
                                ask->algorithm);
    if (r == 0)
        r = message_check(call, ask, &ret->digest);
    if (r)
        return r;
    ret->material = usable(call, ret->row);
    assert(ret->material->public.n > 0);
    return 0;
}

/* Two requests of different types with the same members. */
#define ASK_OF(req, algorithm_)                                                                    \
    {                                                                                              \
        .key_id = (req)->key_id, .message = (req)->message, .algorithm = (algorithm_),             \
        .tokens = &(req)->grant_tokens                                                             \
    }

int
kms_sign(struct api_call *call, const struct kms_SignRequest *req, struct kms_SignResponse *res)
{
    struct ask ask = ASK_OF(req, req->signing_algorithm);
    struct signing begun;

    ask.type = req->message_type;
    int r = signing_begin(call, &ask, &begun);

    if (r == 0)
        r = kms_signature_make(call->arena, begun.material->secret, ask.algorithm, ask.message,
                               begun.digest, &res->signature);
    if (r)
        return r;
    res->key_id = begun.row->arn;
    res->signing_algorithm = ask.algorithm;
    return kms_dry_run(call, req->dry_run);
}

int
kms_verify(struct api_call *call, const struct kms_VerifyRequest *req,
           struct kms_VerifyResponse *res)
{
    struct ask ask = ASK_OF(req, req->signing_algorithm);
    struct signing begun;

    ask.type = req->message_type;
    int r = signing_begin(call, &ask, &begun);

    if (r)
        return r;
    r = kms_signature_check(begun.material->public, ask.algorithm, ask.message, begun.digest,
                            req->signature);
    if (r > 0)
        return api_fault(call, &KMS_ERR(KMSInvalidSignatureException), "%s", "");
    *res = (struct kms_VerifyResponse){
        .key_id = begun.row->arn,
        .signature_valid = opt_bool(true),
        .signing_algorithm = ask.algorithm,
    };
    return r ? r : kms_dry_run(call, req->dry_run);
}

/* ---- MACs ---- */

static int
mac_make(struct api_call *call, const struct ask *ask, struct str *ret_mac, struct str *ret_arn)
{
    struct kms_want want = {.id = ask->key_id, .allow = KMS_USING, .tokens = ask->tokens};
    const struct kms_key_row *row;
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = kms_usage_check(call, row, "GENERATE_VERIFY_MAC");
    if (r == 0)
        r = kms_algorithm_check(call, row, kms_spec_find(row->spec)->mac, ask->algorithm);
    if (r)
        return r;
    *ret_arn = row->arn;
    return kms_mac(call->arena, usable(call, row)->secret, ask->algorithm, ask->message, ret_mac);
}

int
kms_generate_mac(struct api_call *call, const struct kms_GenerateMacRequest *req,
                 struct kms_GenerateMacResponse *res)
{
    const struct ask ask = ASK_OF(req, req->mac_algorithm);
    int r = mac_make(call, &ask, &res->mac, &res->key_id);

    res->mac_algorithm = ask.algorithm;
    return r ? r : kms_dry_run(call, req->dry_run);
}

int
kms_verify_mac(struct api_call *call, const struct kms_VerifyMacRequest *req,
               struct kms_VerifyMacResponse *res)
{
    const struct ask ask = ASK_OF(req, req->mac_algorithm);
    struct str mac;
    int r = mac_make(call, &ask, &mac, &res->key_id);

    if (r)
        return r;
    if (!str_eq_consttime(mac, req->mac))
        return api_fault(call, &KMS_ERR(KMSInvalidMacException), "%s", "");
    res->mac_algorithm = ask.algorithm;
    res->mac_valid = opt_bool(true);
    return kms_dry_run(call, req->dry_run);
}

/* ---- public keys ---- */

int
kms_get_public_key(struct api_call *call, const struct kms_GetPublicKeyRequest *req,
                   struct kms_GetPublicKeyResponse *res)
{
    const struct kms_key_row *row;
    struct kms_want want = {
        .id = req->key_id, .allow = KMS_USING | KMS_WHILE_DISABLED, .tokens = &req->grant_tokens};
    int r = kms_key_find(call, &want, &row);

    if (r)
        return r;
    const struct kms_material_row *material = usable(call, row);

    if (!material->public.n)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException), "%s", "");
    const struct kms_KeyMetadata *shown = kms_key_show(call, row);

    *res = (struct kms_GetPublicKeyResponse){
        .key_id = row->arn,
        .public_key = material->public,
        .customer_master_key_spec = kms_old_spec(row),
        .key_spec = row->spec,
        .key_usage = row->usage,
        .encryption_algorithms = shown->encryption_algorithms,
        .signing_algorithms = shown->signing_algorithms,
        .key_agreement_algorithms = shown->key_agreement_algorithms,
    };
    return 0;
}

/* ---- key agreement ---- */

int
kms_derive_shared_secret(struct api_call *call, const struct kms_DeriveSharedSecretRequest *req,
                         struct kms_DeriveSharedSecretResponse *res)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id, .allow = KMS_USING, .tokens = &req->grant_tokens};
    int r = kms_recipient_check(call, req->recipient);

    if (r == 0)
        r = kms_key_find(call, &want, &row);
    if (r == 0)
        r = kms_usage_check(call, row, "KEY_AGREEMENT");
    if (r)
        return r;
    r = kms_derive(call->arena, usable(call, row)->secret, req->public_key, &res->shared_secret);
    if (r > 0)
        return api_fault(call, &KMS_ERR(ValidationException), "%s", "");
    res->key_id = row->arn;
    res->key_agreement_algorithm = req->key_agreement_algorithm;
    res->key_origin = row->origin;
    return r ? r : kms_dry_run(call, req->dry_run);
}
