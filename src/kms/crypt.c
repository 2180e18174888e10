/*
 * Encrypt, Decrypt, ReEncrypt.
 *
 * A symmetric ciphertext tells its key, so Decrypt needs none named; one that is named must be the
 * same.  An RSA ciphertext tells nothing.  The ciphertext of a multi-Region key opens in each of
 * the key's regions.
 */
#include "kms/kms.h"

#include "kms/cipher.h"

enum { PLAINTEXT_MAX = 4096 };

/* ---- what operations that use keys share ---- */

int
kms_dry_run(struct api_call *call, struct opt_bool dry_run)
{
    if (!opt_bool_or(dry_run, false))
        return 0;
    return api_fault(call, &KMS_ERR(DryRunOperationException),
                     "The request would have succeeded, but the DryRun option is set.");
}

int
kms_usage_check(struct api_call *call, const struct kms_key_row *row, const char *usage)
{
    struct str op = api_op_name(call->service, call->op);

    assert(kms_name_in(kms_spec_find(row->spec)->usages, row->usage));
    if (str_is(row->usage, usage))
        return 0;
    return api_fault(call, &KMS_ERR(InvalidKeyUsageException),
                     "%.*s key usage is %.*s which is not valid for %.*s.", STR_ARG(row->arn),
                     STR_ARG(row->usage), STR_ARG(op));
}

int
kms_algorithm_check(struct api_call *call, const struct kms_key_row *row, const char *const *names,
                    struct str algorithm)
{
    if (kms_name_in(names, algorithm))
        return 0;
    return api_fault(call, &KMS_ERR(InvalidKeyUsageException),
                     "Algorithm %.*s is incompatible with key spec %.*s.", STR_ARG(algorithm),
                     STR_ARG(row->spec));
}

int
kms_recipient_check(struct api_call *call, const struct kms_RecipientInfo *recipient)
{
    if (!recipient)
        return 0;
    return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                     "Welkin has no Nitro enclaves: Recipient is not supported.");
}

static struct str
algorithm_or_default(struct str algorithm)
{
    return algorithm.p ? algorithm : S("SYMMETRIC_DEFAULT");
}

static int
cipher_check(struct api_call *call, const struct kms_key_row *row, struct str algorithm,
             const struct kms_TextMap *context)
{
    int r = kms_usage_check(call, row, "ENCRYPT_DECRYPT");

    if (r == 0)
        r = kms_algorithm_check(call, row, kms_spec_find(row->spec)->encryption, algorithm);
    if (r == 0 && context->n && !str_is(algorithm, "SYMMETRIC_DEFAULT"))
        r = api_fault(call, &KMS_ERR(ValidationException),
                      "EncryptionContext is not supported with asymmetric keys.");
    return r;
}

/* ---- encrypting ---- */

int
kms_encrypt_symmetric(struct api_call *call, const struct kms_key_row *row,
                      const struct kms_TextMap *context, struct str plain, struct str *ret,
                      struct str *ret_material)
{
    const struct kms_material_row *material = kms_material_current(call, row);
    struct str_list pairs = kms_pairs(call->arena, context);
    struct str id;
    bool hex = str_unhex(call->arena, row->material_id, &id);

    assert(hex && material && material->secret.n); /* the key's state says so */
    assert(str_is(row->spec, "SYMMETRIC_DEFAULT") && plain.n > 0);
    (void)hex;
    *ret_material = row->material_id;
    return kms_seal(call->env, call->arena, material->secret, row->arn, id, &pairs, plain, ret);
}

static int
encrypt_rsa(struct api_call *call, const struct kms_key_row *row, struct str algorithm,
            struct str plain, struct str *ret)
{
    const struct kms_material_row *material = kms_material_current(call, row);
    size_t room = kms_rsa_room(kms_spec_find(row->spec), algorithm);

    if (plain.n > room)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Algorithm %.*s and key spec %.*s cannot encrypt data larger than %zu "
                         "bytes.",
                         STR_ARG(algorithm), STR_ARG(row->spec), room);
    assert(material && material->public.n);
    return kms_rsa_encrypt(call->arena, material->public, algorithm, plain, ret);
}

/* With a key that was found and checked. */
static int
encrypt(struct api_call *call, const struct kms_key_row *row, struct str algorithm,
        const struct kms_TextMap *context, struct str plain, struct str *ret,
        struct str *ret_material)
{
    assert(str_is(row->usage, "ENCRYPT_DECRYPT"));
    if (!str_is(algorithm, "SYMMETRIC_DEFAULT"))
        return encrypt_rsa(call, row, algorithm, plain, ret);
    return kms_encrypt_symmetric(call, row, context, plain, ret, ret_material);
}

int
kms_encrypt(struct api_call *call, const struct kms_EncryptRequest *req,
            struct kms_EncryptResponse *res)
{
    struct str algorithm = algorithm_or_default(req->encryption_algorithm), material;
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id,
                            .allow = KMS_USING,
                            .context = &req->encryption_context,
                            .tokens = &req->grant_tokens};
    int r = kms_key_find(call, &want, &row);

    assert(req->plaintext.n <= PLAINTEXT_MAX);
    if (r == 0)
        r = cipher_check(call, row, algorithm, &req->encryption_context);
    if (r == 0)
        r = encrypt(call, row, algorithm, &req->encryption_context, req->plaintext,
                    &res->ciphertext_blob, &material);
    if (r == 0)
        r = kms_dry_run(call, req->dry_run);
    res->encryption_algorithm = algorithm;
    res->key_id = r == 0 ? row->arn : STR_NONE;
    return r;
}

/* ---- decrypting ---- */

/* What is to be decrypted, by Decrypt or by ReEncrypt. */
struct source {
    struct str blob, key_id, algorithm;
    const struct kms_TextMap *context;
    const struct str_list *tokens;
    const char *action;
    bool blind; /* a dry run that does not look at the ciphertext */
};

struct opened {
    const struct kms_key_row *row;
    struct str plain, material_id;
};

static int
bad_ciphertext(struct api_call *call)
{
    return api_fault(call, &KMS_ERR(InvalidCiphertextException), "%s", "");
}

/* The ARN under which this region knows the key of a blob. */
static struct str
blob_key(struct api_call *call, struct str arn)
{
    struct str rest = arn, account = STR_NONE;
    size_t mrk = str_find(arn, S(":key/mrk-"));

    assert(arn.n <= KMS_BLOB_ARN_MAX);
    if (mrk == SIZE_MAX)
        return arn;
    for (int i = 0; i < 5; i++)
        account = str_split(&rest, ':');
    return kms_key_arn(call->arena, call->region, account, str_cut(arn, mrk + 5, arn.n));
}

static int
key_gone(struct api_call *call)
{
    return api_fault(call, &KMS_ERR(AccessDeniedException),
                     "The ciphertext refers to a customer master key that does not exist, does not "
                     "exist in this region, or you are not allowed to access.");
}

/* The key that the blob tells, which must be the one that was named, if one was. */
static int
blob_key_find(struct api_call *call, const struct source *src, const struct kms_blob *blob,
              const struct kms_key_row **ret)
{
    struct kms_want want = {
        .allow = KMS_USING, .action = src->action, .context = src->context, .tokens = src->tokens};
    struct str named;

    want.id = blob_key(call, blob->arn);
    if (src->key_id.p) {
        int r = kms_key_resolve(call, src->key_id, KMS_USING, &named);

        if (r == 0 && !kms_key_get(call->txn, named))
            r = kms_key_missing(call, named);
        if (r)
            return r;
        if (!str_eq(named, want.id))
            return api_fault(call, &KMS_ERR(IncorrectKeyException),
                             "The key ID in the request does not identify a CMK that can perform "
                             "this operation.");
    }
    const struct kms_key_row *row = kms_key_get(call->txn, want.id);

    if (!row || !str_eq(row->region, call->region))
        return key_gone(call);
    *ret = row;
    return kms_key_use(call, &want, row);
}

static int
open_symmetric(struct api_call *call, const struct source *src, struct opened *ret)
{
    struct str_list pairs = kms_pairs(call->arena, src->context);
    struct kms_blob blob;

    assert(!src->blind && str_is(src->algorithm, "SYMMETRIC_DEFAULT"));
    if (!kms_blob_read(src->blob, &blob))
        return bad_ciphertext(call);
    int r = blob_key_find(call, src, &blob, &ret->row);

    if (r == 0)
        r = cipher_check(call, ret->row, src->algorithm, src->context);
    if (r)
        return r;
    const struct kms_material_row *material =
        kms_material_by_material_get(call->txn, kms_material_owner(call->arena, ret->row),
                                     str_hex(call->arena, blob.material_id.p, blob.material_id.n));

    if (!material || !material->secret.n)
        return bad_ciphertext(call);
    ret->material_id = material->material_id;
    r = kms_open(call->arena, material->secret, &blob, &pairs, &ret->plain);
    assert(r != 0 || ret->plain.n == blob.body.n);
    return r > 0 ? bad_ciphertext(call) : r;
}

/* By the key that was named: an RSA ciphertext, or none at all in a blind dry run. */
static int
open_named(struct api_call *call, const struct source *src, struct opened *ret)
{
    struct kms_want want = {.id = src->key_id,
                            .allow = KMS_USING,
                            .action = src->action,
                            .context = src->context,
                            .tokens = src->tokens};

    assert(src->blind || !str_is(src->algorithm, "SYMMETRIC_DEFAULT"));
    if (!src->key_id.p)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "KeyId is required unless the ciphertext was encrypted under a symmetric "
                         "encryption key.");
    int r = kms_key_find(call, &want, &ret->row);

    if (r == 0)
        r = cipher_check(call, ret->row, src->algorithm, src->context);
    if (r || src->blind)
        return r;
    const struct kms_material_row *material = kms_material_current(call, ret->row);

    assert(material && material->secret.n);
    r = kms_rsa_decrypt(call->arena, material->secret, src->algorithm, src->blob, &ret->plain);
    return r > 0 ? bad_ciphertext(call) : r;
}

static int
open_source(struct api_call *call, const struct source *src, struct opened *ret)
{
    if (!src->blind && !src->blob.p)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy "
                         "constraint: Member must not be null");
    if (src->blind || !str_is(src->algorithm, "SYMMETRIC_DEFAULT"))
        return open_named(call, src, ret);
    return open_symmetric(call, src, ret);
}

/* DryRunModifiers are for dry runs only. */
static int
blind_check(struct api_call *call, const struct str_list *modifiers, struct opt_bool dry_run,
            bool *ret)
{
    *ret = modifiers->n > 0;
    if (!*ret || opt_bool_or(dry_run, false))
        return 0;
    return api_fault(call, &KMS_ERR(ValidationException),
                     "DryRunModifiers can only be used when DryRun is true.");
}

int
kms_decrypt(struct api_call *call, const struct kms_DecryptRequest *req,
            struct kms_DecryptResponse *res)
{
    struct opened opened = {NULL};
    struct source src = {
        .blob = req->ciphertext_blob,
        .key_id = req->key_id,
        .algorithm = algorithm_or_default(req->encryption_algorithm),
        .context = &req->encryption_context,
        .tokens = &req->grant_tokens,
    };
    int r = kms_recipient_check(call, req->recipient);

    if (r == 0)
        r = blind_check(call, &req->dry_run_modifiers, req->dry_run, &src.blind);
    if (r == 0)
        r = open_source(call, &src, &opened);
    if (r == 0)
        r = kms_dry_run(call, req->dry_run);
    if (r)
        return r;
    assert(opened.row && !src.blind);
    res->key_id = opened.row->arn;
    res->plaintext = opened.plain;
    res->encryption_algorithm = src.algorithm;
    res->key_material_id = opened.material_id;
    return 0;
}

/* ---- both ---- */

static int
seal_again(struct api_call *call, const struct kms_ReEncryptRequest *req, struct str plain,
           bool blind, struct kms_ReEncryptResponse *res)
{
    struct str algorithm = algorithm_or_default(req->destination_encryption_algorithm);
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->destination_key_id,
                            .allow = KMS_USING,
                            .action = "ReEncryptTo",
                            .context = &req->destination_encryption_context,
                            .tokens = &req->grant_tokens};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = cipher_check(call, row, algorithm, &req->destination_encryption_context);
    if (r == 0 && !blind)
        r = encrypt(call, row, algorithm, &req->destination_encryption_context, plain,
                    &res->ciphertext_blob, &res->destination_key_material_id);
    res->destination_encryption_algorithm = algorithm;
    res->key_id = r == 0 ? row->arn : STR_NONE;
    return r;
}

int
kms_re_encrypt(struct api_call *call, const struct kms_ReEncryptRequest *req,
               struct kms_ReEncryptResponse *res)
{
    struct opened opened = {NULL};
    struct source src = {
        .blob = req->ciphertext_blob,
        .key_id = req->source_key_id,
        .algorithm = algorithm_or_default(req->source_encryption_algorithm),
        .context = &req->source_encryption_context,
        .tokens = &req->grant_tokens,
        .action = "ReEncryptFrom",
    };
    int r = blind_check(call, &req->dry_run_modifiers, req->dry_run, &src.blind);

    if (r == 0)
        r = open_source(call, &src, &opened);
    if (r == 0)
        r = seal_again(call, req, opened.plain, src.blind, res);
    if (r == 0)
        r = kms_dry_run(call, req->dry_run);
    if (r)
        return r;
    assert(opened.row && res->key_id.n);
    res->source_key_id = opened.row->arn;
    res->source_encryption_algorithm = src.algorithm;
    res->source_key_material_id = opened.material_id;
    return 0;
}
