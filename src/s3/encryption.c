/*
 * Who may read what was stored under a key, and what the keys of files are wrapped under: a key of
 * the customer (which must come again with each request; only a salted digest of it is kept), one
 * of KMS (which is asked, as the caller), or the bucket's own.
 */
#include "s3/s3.h"

#include "base/error.h"
#include "gen/api/kms.h"

enum { SALT_BYTES = 16, KEY_BYTES = 32 };

#define VIA "s3.amazonaws.com"
#define CUSTOMER_LABEL "welkin s3 customer key 1"

/* ---- the customer's ---- */

static struct str
member(struct api_call *call, const char *prefix, const char *name)
{
    return s3_asked(call, str_fmt(call->arena, "%s%s", prefix, name).p);
}

/* The key of the request, checked; p NULL: it has none. */
static int
customer_key(struct api_call *call, const char *prefix, struct str *ret)
{
    struct str algorithm = member(call, prefix, "SSECustomerAlgorithm");
    struct str key = member(call, prefix, "SSECustomerKey");
    struct str md5 = member(call, prefix, "SSECustomerKeyMD5"), digest;
    uint8_t good[MD5_LEN];

    *ret = STR_NONE;
    if (!algorithm.n && !key.n && !md5.n)
        return 0;
    if (call->request && !call->request->secure)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "Requests specifying Server Side Encryption with Customer provided keys "
                         "must be made over a secure connection.");
    if (!algorithm.n)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Requests specifying Server Side Encryption with Customer provided keys "
                         "must provide a valid encryption algorithm.");
    if (!str_is(algorithm, "AES256"))
        return api_fault(call, &S3_ERR(InvalidEncryptionAlgorithmError),
                         "The encryption request you specified is not valid. Supported value: "
                         "AES256.");
    if (!key.n)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "Requests specifying Server Side Encryption with Customer provided keys "
                         "must provide an appropriate secret key.");
    if (!str_unbase64(call->arena, key, ret) || ret->n != KEY_BYTES)
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "The secret key was invalid for the specified algorithm.");
    crypto_digest(CRYPTO_MD5, ret->p, ret->n, good);
    if (md5.n &&
        (!str_unbase64(call->arena, md5, &digest) || !str_eq(digest, str_of(good, sizeof(good)))))
        return api_fault(call, &S3_ERR(InvalidArgument),
                         "The calculated MD5 hash of the key did not match the hash that was "
                         "provided.");
    return 0;
}

static struct str
salted(struct arena *a, struct str salt, struct str key)
{
    uint8_t *p = arena_alloc_raw(a, SHA256_LEN);

    crypto_hmac_sha256(salt.p, salt.n, key.p, key.n, p);
    return str_of(p, SHA256_LEN);
}

/* What files are wrapped under: not the key itself, and another one for each object. */
static void
derive(struct str salt, struct str key, struct s3_wrapping *ret)
{
    uint8_t text[sizeof(CUSTOMER_LABEL) + SALT_BYTES] = CUSTOMER_LABEL;

    assert(salt.n == SALT_BYTES && key.n == KEY_BYTES);
    memcpy(text + sizeof(CUSTOMER_LABEL), salt.p, salt.n);
    crypto_hmac_sha256(key.p, key.n, text, sizeof(text), ret->key);
}

int
s3_customer_seal(struct api_call *call, struct s3_object_row *row, struct s3_wrapping *ret)
{
    char salt[SALT_BYTES];
    struct str key;
    int r = customer_key(call, "", &key);

    if (r)
        return r;
    assert(key.n == KEY_BYTES);
    call->env->random(call->env, salt, sizeof(salt));
    struct str text = str_of(arena_dup(call->arena, salt, sizeof(salt)), sizeof(salt));

    row->sse = S("");
    row->sse_c =
        str_base64(call->arena, str_cat(call->arena, text, salted(call->arena, text, key)));
    derive(text, key, ret);
    return 0;
}

int
s3_customer_open(struct api_call *call, const char *prefix, const struct s3_object_row *row,
                 struct s3_wrapping *ret)
{
    struct str key, kept;
    int r = customer_key(call, prefix, &key);

    if (r)
        return r;
    if (!row->sse_c.n)
        return key.n ? api_fault(call, &S3_ERR(InvalidRequest),
                                 "The encryption parameters are not applicable to this object.")
                     : 0;
    if (!key.n)
        return api_fault(call, &S3_ERR(InvalidRequest),
                         "The object was stored using a form of Server Side Encryption. The "
                         "correct parameters must be provided to retrieve the object.");
    if (!str_unbase64(call->arena, row->sse_c, &kept) || kept.n != SALT_BYTES + SHA256_LEN)
        return error_origin(EUCLEAN, "the digest of a customer's key is none");
    struct str salt = str_cut(kept, 0, SALT_BYTES);

    derive(salt, key, ret);
    return str_eq_consttime(salted(call->arena, salt, key), str_cut(kept, SALT_BYTES, kept.n))
               ? 0
               : api_fault(call, &S3_ERR(AccessDenied), "Access Denied");
}

/* ---- the bucket's ---- */

/* A bucket that was made by 0.3 gets its key when it is needed first. */
int
s3_bucket_seal(struct api_call *call, const struct s3_bucket_row *bucket, struct s3_wrapping *ret)
{
    if (!bucket->sse_secret.n) {
        struct s3_bucket_row row = *s3_bucket_get(call->txn, bucket->name);

        if (!row.sse_secret.n) {
            row.sse_secret = s3_bucket_secret(call);
            int r = s3_bucket_update(call->txn, &row);

            if (r < 0)
                return r;
        }
        memcpy(ret->key, row.sse_secret.p, sizeof(ret->key));
        return 0;
    }
    assert(bucket->sse_secret.n == sizeof(ret->key));
    memcpy(ret->key, bucket->sse_secret.p, sizeof(ret->key));
    return 0;
}

struct str
s3_bucket_secret(struct api_call *call)
{
    void *p = arena_alloc_raw(call->arena, AEAD_KEY_BYTES);

    call->env->random(call->env, p, AEAD_KEY_BYTES);
    return str_of(p, AEAD_KEY_BYTES);
}

/* ---- KMS's ---- */

/* The object is the context of its key, as on AWS; of a bucket key the bucket is. */
static struct kms_TextMapEntry
context_of(struct api_call *call, const struct s3_object_row *row)
{
    return (struct kms_TextMapEntry){
        .key = S("aws:s3:arn"),
        .value = row->sse_bucket_key ? str_cat(call->arena, S("arn:aws:s3:::"), row->bucket)
                                     : str_fmt(call->arena, "arn:aws:s3:::%.*s/%.*s",
                                               STR_ARG(row->bucket), STR_ARG(row->object_key)),
    };
}

/* A key of KMS's is asked for by somebody. */
static int
refuse_nobody(struct api_call *call)
{
    if (call->principal.kind != POLICY_ANONYMOUS)
        return 0;
    return s3_wrong_argument(call, "Authorization", S("null"),
                             "Requests specifying Server Side Encryption with AWS KMS managed keys "
                             "require AWS Signature Version 4.");
}

/* S3 says it in its own codes: KMS.NotFoundException is one of them. */
static int
reword(struct api_call *call, int r)
{
    struct str code = call->fault.code;

    if (r < 0)
        return r;
    if (str_is(code, "AccessDeniedException")) {
        call->fault.code = S("AccessDenied");
        call->fault.http = 403;
    } else if (!str_is(code, "AccessDenied")) {
        call->fault.code = str_cat(call->arena, S("KMS."), code);
        call->fault.http = 400;
    }
    call->fault.detail = NULL;
    return r;
}

static void
take_data_key(struct str plain, struct s3_wrapping *ret)
{
    assert(plain.n == sizeof(ret->key));
    memcpy(ret->key, plain.p, sizeof(ret->key));
    explicit_bzero((char *)plain.p, plain.n);
}

int
s3_kms_seal(struct api_call *call, const struct s3_bucket_row *bucket, struct str key_id,
            struct s3_object_row *row, struct s3_wrapping *ret)
{
    struct kms_GenerateDataKeyRequest ask = {
        .key_id = key_id.n ? key_id : S("alias/aws/s3"),
        .key_spec = S("AES_256"),
    };
    struct kms_GenerateDataKeyResponse got = {0};

    int r = refuse_nobody(call);

    if (r)
        return r;
    row->bucket = bucket->name;
    *LIST_PUSH(call->arena, &ask.encryption_context) = context_of(call, row);
    r = api_call_internal(call, "kms", "GenerateDataKey", &ask, &got, VIA);
    if (r)
        return reword(call, r);
    row->sse = S("aws:kms");
    row->sse_key = got.key_id;
    row->sse_blob = got.ciphertext_blob;
    take_data_key(got.plaintext, ret);
    return 0;
}

static int
kms_open(struct api_call *call, const struct s3_object_row *row, struct s3_wrapping *ret)
{
    struct kms_DecryptRequest ask = {.key_id = row->sse_key, .ciphertext_blob = row->sse_blob};
    struct kms_DecryptResponse got = {0};
    int r = refuse_nobody(call);

    if (r)
        return r;
    *LIST_PUSH(call->arena, &ask.encryption_context) = context_of(call, row);
    r = api_call_internal(call, "kms", "Decrypt", &ask, &got, VIA);
    if (r)
        return reword(call, r);
    if (got.plaintext.n != sizeof(ret->key))
        return error_origin(EUCLEAN, "the data key of an object has %zu bytes", got.plaintext.n);
    take_data_key(got.plaintext, ret);
    return 0;
}

/* ---- all of them ---- */

int
s3_unlock(struct api_call *call, const char *prefix, const struct s3_object_row *row,
          struct s3_wrapping *ret)
{
    const struct s3_bucket_row *bucket;
    int r = s3_customer_open(call, prefix, row, ret);

    if (r || row->sse_c.n)
        return r;
    if (row->sse_key.n)
        return kms_open(call, row, ret);
    bucket = s3_bucket_get(call->txn, row->bucket);
    assert(bucket && str_is(row->sse, "AES256"));
    if (bucket->sse_secret.n) /* else there is nothing yet that it could open */
        memcpy(ret->key, bucket->sse_secret.p, sizeof(ret->key));
    return 0;
}
