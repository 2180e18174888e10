/*
 * Values through KMS.  Each version has a data key of its own, which KMS made for the caller and
 * only KMS opens, again for the caller; the key's encryption context names the secret and the
 * version, so that no ciphertext serves in another's place.
 */
#include "secretsmanager/secretsmanager.h"

#include "codec/aead.h"
#include "gen/api/kms.h"

static const char *const via = "secretsmanager.amazonaws.com";

/* An operation of KMS in the secret's region, for the caller. */
static int
ask_kms(struct api_call *call, const struct secret_row *secret, const char *operation,
        const void *req, void *res)
{
    struct api_call there = *call;

    assert(secret->region.n > 0 && operation);
    there.region = secret->region;
    int r = api_call_internal(&there, "kms", operation, req, res, via);

    if (r > 0)
        call->fault = there.fault;
    return r;
}

/* KMS's refusal in the words of Secrets Manager. */
static int
reword(struct api_call *call, enum secret_error otherwise, const char *verb)
{
    assert(otherwise == SECRET_ERROR_EncryptionFailure ||
           otherwise == SECRET_ERROR_DecryptionFailure);
    if (str_is(call->fault.code, "AccessDeniedException"))
        return api_fault(call, &SECRET_ERR(AccessDeniedException), "Access to KMS is not allowed");
    return api_fault(call, &secret_errors[otherwise],
                     "Secrets Manager can't %s the protected secret text using the provided KMS "
                     "key. Check that the KMS key is available, enabled, and not in an invalid "
                     "state.",
                     verb);
}

static struct kms_TextMap
context_of(struct api_call *call, const struct secret_row *secret,
           const struct secret_version_row *version)
{
    struct kms_TextMap map = {NULL, 0};

    assert(str_eq(secret->arn, version->arn));
    *LIST_PUSH(call->arena, &map) = (struct kms_TextMapEntry){S("SecretARN"), secret->arn};
    *LIST_PUSH(call->arena, &map) =
        (struct kms_TextMapEntry){S("SecretVersionId"), version->version_id};
    return map;
}

/* The key as an ARN, since an id or alias is one of the secret's account, not of the caller's. */
static struct str
key_arn(struct arena *a, const struct secret_row *secret)
{
    struct str id = secret->kms_key_id.n ? secret->kms_key_id : S("alias/aws/secretsmanager");

    if (str_starts(id, S("arn:")))
        return id;
    return str_fmt(a, "arn:aws:kms:%.*s:%.*s:%s%.*s", STR_ARG(secret->region),
                   STR_ARG(secret->account), str_starts(id, S("alias/")) ? "" : "key/",
                   STR_ARG(id));
}

static bool
is_foreign_default(const struct api_call *call, const struct secret_row *secret, struct str key_id)
{
    return !key_id.n && !str_eq(call->account, secret->account);
}

static int
foreign(struct api_call *call)
{
    return api_fault(call, &SECRET_ERR(InvalidRequestException),
                     "You can't access a secret from a different AWS account if you encrypt the "
                     "secret with the default KMS service key.");
}

int
secret_seal(struct api_call *call, const struct secret_row *secret,
            const struct secret_value *value, struct secret_version_row *version)
{
    const struct kms_GenerateDataKeyRequest req = {
        .key_id = key_arn(call->arena, secret),
        .key_spec = S("AES_256"),
        .encryption_context = context_of(call, secret, version),
    };
    struct kms_GenerateDataKeyResponse res = {{0}};
    char *nonce = arena_alloc_raw(call->arena, AEAD_NONCE_BYTES);
    size_t n = value->bytes.n + AEAD_TAG_BYTES;
    uint8_t *sealed = arena_alloc_raw(call->arena, n);

    assert(version->id.n && version->version_id.n && value->bytes.p);
    if (is_foreign_default(call, secret, secret->kms_key_id))
        return foreign(call);
    int r = ask_kms(call, secret, "GenerateDataKey", &req, &res);

    if (r > 0)
        return reword(call, SECRET_ERROR_EncryptionFailure, "encrypt");
    if (r < 0)
        return r;
    assert(res.plaintext.n == AEAD_KEY_BYTES && res.ciphertext_blob.n);
    call->env->random(call->env, nonce, AEAD_NONCE_BYTES);
    aead_seal((const uint8_t *)res.plaintext.p, (const uint8_t *)nonce, version->id, value->bytes,
              sealed);
    explicit_bzero((char *)res.plaintext.p, res.plaintext.n);
    version->kms_key_id = secret->kms_key_id;
    version->binary = value->binary;
    version->data_key = res.ciphertext_blob;
    version->nonce = str_of(nonce, AEAD_NONCE_BYTES);
    version->sealed = str_of(sealed, n);
    secret_version_assert(version);
    return 0;
}

int
secret_open(struct api_call *call, const struct secret_row *secret,
            const struct secret_version_row *version, struct secret_value *ret)
{
    const struct kms_DecryptRequest req = {
        .ciphertext_blob = version->data_key,
        .encryption_context = context_of(call, secret, version),
    };
    struct kms_DecryptResponse res = {{0}};

    secret_version_assert(version);
    assert(version->nonce.n == AEAD_NONCE_BYTES && version->sealed.n >= AEAD_TAG_BYTES);
    if (is_foreign_default(call, secret, version->kms_key_id))
        return foreign(call);
    int r = ask_kms(call, secret, "Decrypt", &req, &res);

    if (r > 0)
        return reword(call, SECRET_ERROR_DecryptionFailure, "decrypt");
    if (r < 0)
        return r;
    size_t n = version->sealed.n - AEAD_TAG_BYTES;
    uint8_t *plain = arena_alloc_raw(call->arena, n);
    bool whole = res.plaintext.n == AEAD_KEY_BYTES &&
                 aead_open((const uint8_t *)res.plaintext.p, (const uint8_t *)version->nonce.p,
                           version->id, version->sealed, plain);

    explicit_bzero((char *)res.plaintext.p, res.plaintext.n);
    if (!whole)
        return error_origin(EBADMSG, "the ciphertext of %.*s is damaged", STR_ARG(version->id));
    *ret = (struct secret_value){.bytes = str_of(plain, n), .binary = version->binary};
    return 0;
}
