/* Data keys and random bytes: plaintext for the caller, and the same under a key of KMS. */
#include "kms/kms.h"

enum { AES_128_BYTES = 16, AES_256_BYTES = 32, DATA_KEY_MAX = 1024 };

/* ---- symmetric ---- */

/* What the four operations have in common. */
struct ask {
    struct str key_id;
    const struct kms_TextMap *context;
    const struct str_list *tokens;
};

static int
wrapping_key_find(struct api_call *call, const struct ask *ask, const struct kms_key_row **ret)
{
    struct kms_want want = {
        .id = ask->key_id, .allow = KMS_USING, .context = ask->context, .tokens = ask->tokens};
    int r = kms_key_find(call, &want, ret);

    if (r == 0)
        r = kms_usage_check(call, *ret, "ENCRYPT_DECRYPT");
    if (r == 0)
        r = kms_algorithm_check(call, *ret, kms_spec_find((*ret)->spec)->encryption,
                                S("SYMMETRIC_DEFAULT"));
    assert(r != 0 || str_is((*ret)->spec, "SYMMETRIC_DEFAULT"));
    return r;
}

static int
size_check(struct api_call *call, struct str spec, struct opt_i64 bytes, size_t *ret)
{
    if (spec.p && bytes.set)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Please specify either number of bytes or key spec.");
    if (!spec.p && !bytes.set)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Please specify either number of bytes or key spec.");
    assert(!bytes.set || (bytes.v >= 1 && bytes.v <= DATA_KEY_MAX));
    *ret = bytes.set ? (size_t)bytes.v : str_is(spec, "AES_128") ? AES_128_BYTES : AES_256_BYTES;
    return 0;
}

static struct str
random_bytes(struct api_call *call, size_t n)
{
    void *p = arena_alloc_raw(call->arena, n);

    assert(n > 0 && n <= DATA_KEY_MAX);
    call->env->random(call->env, p, n);
    return str_of(p, n);
}

int
kms_generate_data_key(struct api_call *call, const struct kms_GenerateDataKeyRequest *req,
                      struct kms_GenerateDataKeyResponse *res)
{
    const struct ask ask = {req->key_id, &req->encryption_context, &req->grant_tokens};
    const struct kms_key_row *row;
    size_t n = 0;
    int r = kms_recipient_check(call, req->recipient);

    if (r == 0)
        r = size_check(call, req->key_spec, req->number_of_bytes, &n);
    if (r == 0)
        r = wrapping_key_find(call, &ask, &row);
    if (r)
        return r;
    res->plaintext = random_bytes(call, n);
    res->key_id = row->arn;
    r = kms_encrypt_symmetric(call, row, ask.context, res->plaintext, &res->ciphertext_blob,
                              &res->key_material_id);
    return r ? r : kms_dry_run(call, req->dry_run);
}

int
kms_generate_data_key_without_plaintext(
    struct api_call *call, const struct kms_GenerateDataKeyWithoutPlaintextRequest *req,
    struct kms_GenerateDataKeyWithoutPlaintextResponse *res)
{
    const struct ask ask = {req->key_id, &req->encryption_context, &req->grant_tokens};
    const struct kms_key_row *row;
    size_t n = 0;
    int r = size_check(call, req->key_spec, req->number_of_bytes, &n);

    if (r == 0)
        r = wrapping_key_find(call, &ask, &row);
    if (r)
        return r;
    res->key_id = row->arn;
    r = kms_encrypt_symmetric(call, row, ask.context, random_bytes(call, n), &res->ciphertext_blob,
                              &res->key_material_id);
    return r ? r : kms_dry_run(call, req->dry_run);
}

/* ---- pairs ---- */

struct pair {
    struct kms_material keys;
    struct str blob, material_id, arn;
};

static int
pair_make(struct api_call *call, const struct ask *ask, struct str name, struct opt_bool dry_run,
          struct pair *ret)
{
    const struct kms_spec *spec = kms_spec_find(name);
    const struct kms_key_row *row;
    int r = wrapping_key_find(call, ask, &row);

    if (r)
        return r;
    if (!spec || spec->kind == KMS_ABSENT)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "KeyPairSpec %.*s is not supported in this region.", STR_ARG(name));
    /* a dry run must not keep everybody waiting for a key that nobody gets */
    r = kms_dry_run(call, dry_run);
    if (r == 0)
        r = kms_material_make(call->env, call->arena, spec, &ret->keys);
    assert(r != 0 || (ret->keys.secret.n && ret->keys.public.n));
    if (r == 0)
        r = kms_encrypt_symmetric(call, row, ask->context, ret->keys.secret, &ret->blob,
                                  &ret->material_id);
    ret->arn = row->arn;
    return r;
}

int
kms_generate_data_key_pair(struct api_call *call, const struct kms_GenerateDataKeyPairRequest *req,
                           struct kms_GenerateDataKeyPairResponse *res)
{
    const struct ask ask = {req->key_id, &req->encryption_context, &req->grant_tokens};
    struct pair pair;
    int r = kms_recipient_check(call, req->recipient);

    if (r == 0)
        r = pair_make(call, &ask, req->key_pair_spec, req->dry_run, &pair);
    if (r)
        return r;
    *res = (struct kms_GenerateDataKeyPairResponse){
        .private_key_ciphertext_blob = pair.blob,
        .private_key_plaintext = pair.keys.secret,
        .public_key = pair.keys.public,
        .key_id = pair.arn,
        .key_pair_spec = req->key_pair_spec,
        .key_material_id = pair.material_id,
    };
    return 0;
}

int
kms_generate_data_key_pair_without_plaintext(
    struct api_call *call, const struct kms_GenerateDataKeyPairWithoutPlaintextRequest *req,
    struct kms_GenerateDataKeyPairWithoutPlaintextResponse *res)
{
    const struct ask ask = {req->key_id, &req->encryption_context, &req->grant_tokens};
    struct pair pair;
    int r = pair_make(call, &ask, req->key_pair_spec, req->dry_run, &pair);

    if (r)
        return r;
    *res = (struct kms_GenerateDataKeyPairWithoutPlaintextResponse){
        .private_key_ciphertext_blob = pair.blob,
        .public_key = pair.keys.public,
        .key_id = pair.arn,
        .key_pair_spec = req->key_pair_spec,
        .key_material_id = pair.material_id,
    };
    return 0;
}

/* ---- random bytes ---- */

int
kms_generate_random(struct api_call *call, const struct kms_GenerateRandomRequest *req,
                    struct kms_GenerateRandomResponse *res)
{
    int r = kms_recipient_check(call, req->recipient);

    if (r)
        return r;
    if (req->custom_key_store_id.p)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "Welkin has no custom key stores: CustomKeyStoreId is not supported.");
    if (!req->number_of_bytes.set)
        return api_fault(call, &KMS_ERR(ValidationException), "NumberOfBytes is required.");
    res->plaintext = random_bytes(call, (size_t)req->number_of_bytes.v);
    return 0;
}
