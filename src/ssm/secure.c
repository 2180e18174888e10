/*
 * Values of SecureStrings.  KMS is called as the caller, with the parameter's ARN as encryption
 * context, so it is the caller who needs kms:Encrypt, kms:GenerateDataKey, kms:Decrypt.
 *
 * A standard parameter is what KMS encrypted.  An advanced one may be longer than KMS takes, so it
 * is sealed under a data key, and kept with it:
 *
 *   "1." | base64 of: n, 2 bytes | encrypted data key, n | nonce, 12 | ciphertext | tag, 16
 *
 * by AES-256-GCM, the ARN and all before the nonce authenticated.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "gen/api/kms.h"
#include "ssm/ssm.h"

#define VIA "ssm.amazonaws.com"
/* Of a value that is an envelope; '.' is in no base64. */
#define ENVELOPE "1."

enum { KEY_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16, HEAD_BYTES = 2 };

static const uint8_t *
bytes_of(struct str s)
{
    return (const uint8_t *)s.p;
}

static struct kms_TextMap
context_of(struct api_call *call, struct str arn)
{
    struct kms_TextMap map = {NULL, 0};

    assert(str_starts(arn, S("arn:aws:ssm:")));
    *LIST_PUSH(call->arena, &map) =
        (struct kms_TextMapEntry){.key = S("PARAMETER_ARN"), .value = arn};
    return map;
}

/* What KMS refused, as Parameter Store words it. */
static int
kms_refused(struct api_call *call, int r, struct str key_id)
{
    struct api_fault fault = call->fault;

    if (r <= 0)
        return r;
    if (str_is(fault.code, "NotFoundException") || str_is(fault.code, "InvalidArnException"))
        return api_fault(call, &SSM_ERR(InvalidKeyId), "Invalid keyId %.*s", STR_ARG(key_id));
    bool denied = str_is(fault.code, "AccessDeniedException");

    return api_fault(call, denied ? &SSM_ERR(AccessDeniedException) : &SSM_ERR(InvalidKeyId),
                     "%.*s (Service: AWSKMS; Status Code: 400; Error Code: %.*s; Request ID: %.*s; "
                     "Proxy: null)",
                     STR_ARG(fault.message), STR_ARG(fault.code), STR_ARG(call->request_id));
}

/* ---- under a data key ---- */

/* One pass of AES-256-GCM; `in` and `out` may not overlap.  False: not authentic. */
static bool
gcm(bool seal, struct str key, struct str nonce, struct str arn, struct str head, struct str in,
    uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, at = 0;

    assert(key.n == KEY_BYTES && nonce.n == NONCE_BYTES);
    assert(in.n <= INT_MAX && head.n <= INT_MAX && arn.n <= INT_MAX);
    if (!ctx)
        abort();
    bool ok =
        EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, bytes_of(key), bytes_of(nonce), seal) > 0 &&
        (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) > 0) &&
        EVP_CipherUpdate(ctx, NULL, &n, bytes_of(arn), (int)arn.n) > 0 &&
        EVP_CipherUpdate(ctx, NULL, &n, bytes_of(head), (int)head.n) > 0 &&
        EVP_CipherUpdate(ctx, out, &at, bytes_of(in), (int)in.n) > 0 &&
        EVP_CipherFinal_ex(ctx, out + at, &n) > 0 &&
        (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) > 0);

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static struct str
envelope_make(struct api_call *call, struct str arn, struct str data_key, struct str blob,
              struct str plain)
{
    size_t head_n = HEAD_BYTES + blob.n, n = head_n + NONCE_BYTES + plain.n + TAG_BYTES;
    uint8_t *p = arena_alloc(call->arena, n);

    assert(blob.n > 0 && blob.n <= UINT16_MAX && plain.n <= SSM_ADVANCED_BYTES);
    assert(data_key.n == KEY_BYTES);
    p[0] = (uint8_t)(blob.n >> 8);
    p[1] = (uint8_t)blob.n;
    memcpy(p + HEAD_BYTES, blob.p, blob.n);
    call->env->random(call->env, p + head_n, NONCE_BYTES);
    uint8_t *body = p + head_n + NONCE_BYTES;
    bool ok = gcm(true, data_key, str_of(p + head_n, NONCE_BYTES), arn, str_of(p, head_n), plain,
                  body, body + plain.n);

    assert(ok);
    (void)ok;
    return str_cat(call->arena, S(ENVELOPE), str_base64(call->arena, str_of(p, n)));
}

struct envelope {
    struct str head, blob, nonce, body, tag;
};

static bool
envelope_read(struct arena *a, struct str value, struct envelope *ret)
{
    struct str bytes;

    assert(str_starts(value, S(ENVELOPE)));
    if (!str_unbase64(a, str_cut(value, strlen(ENVELOPE), value.n), &bytes) || bytes.n < HEAD_BYTES)
        return false;
    size_t head_n = HEAD_BYTES + ((size_t)bytes_of(bytes)[0] << 8 | bytes_of(bytes)[1]);

    if (bytes.n < head_n + NONCE_BYTES + TAG_BYTES)
        return false;
    ret->head = str_cut(bytes, 0, head_n);
    ret->blob = str_cut(bytes, HEAD_BYTES, head_n);
    ret->nonce = str_cut(bytes, head_n, head_n + NONCE_BYTES);
    ret->body = str_cut(bytes, head_n + NONCE_BYTES, bytes.n - TAG_BYTES);
    ret->tag = str_cut(bytes, bytes.n - TAG_BYTES, bytes.n);
    assert(ret->head.n + NONCE_BYTES + ret->body.n + TAG_BYTES == bytes.n);
    return true;
}

/* ---- sealing ---- */

static int
seal_advanced(struct api_call *call, struct str arn, struct str key_id, struct str plain,
              struct str *ret)
{
    struct kms_GenerateDataKeyRequest req = {
        .key_id = key_id, .encryption_context = context_of(call, arn), .key_spec = S("AES_256")};
    struct kms_GenerateDataKeyResponse res = {0};
    int r = api_call_internal(call, "kms", "GenerateDataKey", &req, &res, VIA);

    if (r)
        return kms_refused(call, r, key_id);
    *ret = envelope_make(call, arn, res.plaintext, res.ciphertext_blob, plain);
    OPENSSL_cleanse((char *)(uintptr_t)res.plaintext.p, res.plaintext.n);
    return 0;
}

int
ssm_seal(struct api_call *call, struct str arn, struct str key_id, bool advanced, struct str plain,
         struct str *ret)
{
    struct kms_EncryptRequest req = {
        .key_id = key_id, .plaintext = plain, .encryption_context = context_of(call, arn)};
    struct kms_EncryptResponse res = {0};

    assert(plain.n > 0 && key_id.n > 0);
    if (advanced)
        return seal_advanced(call, arn, key_id, plain, ret);
    assert(plain.n <= SSM_STANDARD_BYTES);
    int r = api_call_internal(call, "kms", "Encrypt", &req, &res, VIA);

    if (r)
        return kms_refused(call, r, key_id);
    *ret = str_base64(call->arena, res.ciphertext_blob);
    return 0;
}

/* ---- opening ---- */

static int
decrypt(struct api_call *call, struct str arn, struct str blob, struct str *ret)
{
    struct kms_DecryptRequest req = {.ciphertext_blob = blob,
                                     .encryption_context = context_of(call, arn)};
    struct kms_DecryptResponse res = {0};
    int r = api_call_internal(call, "kms", "Decrypt", &req, &res, VIA);

    if (r)
        return kms_refused(call, r, S(""));
    *ret = res.plaintext;
    return 0;
}

static int
open_envelope(struct api_call *call, struct str arn, struct str value, struct str *ret)
{
    struct envelope e;
    struct str key;

    if (!envelope_read(call->arena, value, &e))
        return error_origin(EBADMSG, "the value of %.*s is damaged", STR_ARG(arn));
    int r = decrypt(call, arn, e.blob, &key);

    if (r)
        return r;
    uint8_t *out = arena_alloc(call->arena, e.body.n + 1);
    uint8_t tag[TAG_BYTES];

    memcpy(tag, e.tag.p, TAG_BYTES);
    assert(e.tag.n == TAG_BYTES);
    bool ok = key.n == KEY_BYTES && gcm(false, key, e.nonce, arn, e.head, e.body, out, tag);

    OPENSSL_cleanse((char *)(uintptr_t)key.p, key.n);
    if (!ok)
        return error_origin(EBADMSG, "the value of %.*s is not authentic", STR_ARG(arn));
    *ret = str_of(out, e.body.n);
    return 0;
}

int
ssm_open(struct api_call *call, struct str arn, struct str value, struct str *ret)
{
    struct str blob;

    if (str_starts(value, S(ENVELOPE)))
        return open_envelope(call, arn, value, ret);
    if (!str_unbase64(call->arena, value, &blob))
        return error_origin(EBADMSG, "the value of %.*s is damaged", STR_ARG(arn));
    return decrypt(call, arn, blob, ret);
}
