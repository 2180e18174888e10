/*
 * Imported key material.  GetParametersForImport makes a wrapping key for a day; ImportKeyMaterial
 * unwraps what was encrypted under it.  A key takes back only what was imported into it before,
 * so the name of a material (a digest) is kept when the material itself is deleted or expires.
 */
#include "kms/kms.h"

#include "codec/crypto.h"

enum { TOKEN_BYTES = 256, EXPIRY_DAYS_MAX = 365 };

static int
external_find(struct api_call *call, struct str id, unsigned allow, const struct kms_key_row **ret)
{
    struct kms_want want = {.id = id, .allow = allow | KMS_WHILE_DISABLED | KMS_WHILE_IMPORTED};
    int r = kms_key_find(call, &want, ret);

    if (r || str_is((*ret)->origin, "EXTERNAL"))
        return r;
    return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                     "%.*s origin is %.*s which is not valid for this operation.",
                     STR_ARG((*ret)->arn), STR_ARG((*ret)->origin));
}

/* ---- GetParametersForImport ---- */

static int
wrapping_check(struct api_call *call, const struct kms_GetParametersForImportRequest *req)
{
    const char *const offered[] = {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256",
                                   "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", NULL};
    const struct kms_spec *spec = kms_spec_find(req->wrapping_key_spec);

    if (!kms_name_in(offered, req->wrapping_algorithm))
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "WrappingAlgorithm %.*s is not supported in this region.",
                         STR_ARG(req->wrapping_algorithm));
    if (!spec || spec->kind != KMS_RSA)
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "WrappingKeySpec %.*s is not supported in this region.",
                         STR_ARG(req->wrapping_key_spec));
    return 0;
}

static struct str
token_name(struct api_call *call, struct str token)
{
    uint8_t digest[SHA256_LEN];

    assert(token.n > 0);
    crypto_sha256(token.p, token.n, digest);
    return str_hex(call->arena, digest, sizeof(digest));
}

/* Those of the key whose day is over. */
static int
drop_old_tokens(struct api_call *call, struct str arn)
{
    int r = 0;

    STORE_EACH(call->txn, kms_import_token_of_key, token, arn) {
        /* one more day, in which using it is told apart from inventing one */
        if (token->expires_ms + KMS_DAY_MS > call->now_ms)
            break;
        if (r == 0)
            r = kms_import_token_delete(call->txn, token->id);
    }
    return r;
}

int
kms_get_parameters_for_import(struct api_call *call,
                              const struct kms_GetParametersForImportRequest *req,
                              struct kms_GetParametersForImportResponse *res)
{
    const struct kms_key_row *row;
    struct kms_material wrapping;
    char *token = arena_alloc_raw(call->arena, TOKEN_BYTES);
    int r = external_find(call, req->key_id, 0, &row);

    if (r == 0)
        r = wrapping_check(call, req);
    if (r == 0)
        r = kms_material_make(call->env, call->arena, kms_spec_find(req->wrapping_key_spec),
                              &wrapping);
    if (r == 0)
        r = drop_old_tokens(call, row->arn);
    if (r)
        return r;
    call->env->random(call->env, token, TOKEN_BYTES);
    *res = (struct kms_GetParametersForImportResponse){
        .key_id = row->arn,
        .import_token = str_of(token, TOKEN_BYTES),
        .public_key = wrapping.public,
        .parameters_valid_to = opt_i64(call->now_ms + KMS_DAY_MS),
    };
    r = kms_import_token_insert(
        call->txn, &(struct kms_import_token_row){.id = token_name(call, res->import_token),
                                                  .key_arn = row->arn,
                                                  .algorithm = req->wrapping_algorithm,
                                                  .private = wrapping.secret,
                                                  .expires_ms = call->now_ms + KMS_DAY_MS});
    return r < 0 ? error_origin(-r, "an import token cannot be written") : 0;
}

/* ---- ImportKeyMaterial ---- */

static int
expiry_check(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req)
{
    if (str_is(req->expiration_model, "KEY_MATERIAL_DOES_NOT_EXPIRE")) {
        if (!req->valid_to.set)
            return 0;
        return api_fault(call, &KMS_ERR(ValidationException),
                         "A validTo date must not be set if the ExpirationModel is "
                         "KEY_MATERIAL_DOES_NOT_EXPIRE");
    }
    if (!req->valid_to.set)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "A validTo date must be set if the ExpirationModel is "
                         "KEY_MATERIAL_EXPIRES");
    if (req->valid_to.v <= call->now_ms ||
        req->valid_to.v > call->now_ms + EXPIRY_DAYS_MAX * KMS_DAY_MS)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "The validTo date must be in the future, and at most %d days from now",
                         EXPIRY_DAYS_MAX);
    return 0;
}

static int
type_check(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req,
           const struct kms_key_row *row)
{
    bool extras = req->import_type.p || req->key_material_id.p || req->key_material_description.p;

    if (extras && !str_is(row->spec, "SYMMETRIC_DEFAULT"))
        return api_fault(call, &KMS_ERR(UnsupportedOperationException),
                         "ImportType, KeyMaterialId and KeyMaterialDescription are only valid for "
                         "symmetric encryption keys");
    if (req->key_material_id.p && str_is(req->import_type, "NEW_KEY_MATERIAL"))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "You cannot specify KeyMaterialId with ImportType NEW_KEY_MATERIAL");
    return 0;
}

/* The bytes behind the token's wrapping key, checked to be material of this key's kind. */
static int
unwrap(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req,
       const struct kms_key_row *row, struct kms_material *ret)
{
    const struct kms_import_token_row *token =
        kms_import_token_get(call->txn, token_name(call, req->import_token));
    struct str bytes;

    if (!token || !str_eq(token->key_arn, row->arn))
        return api_fault(call, &KMS_ERR(InvalidImportTokenException), "%s", "");
    if (token->expires_ms <= call->now_ms)
        return api_fault(call, &KMS_ERR(ExpiredImportTokenException), "%s", "");
    assert(token->private.n > 0);
    int r = kms_unwrap(call->arena, token->private, token->algorithm, req->encrypted_key_material,
                       &bytes);

    if (r > 0)
        return api_fault(call, &KMS_ERR(InvalidCiphertextException), "%s", "");
    if (r == 0)
        r = kms_material_read(call->arena, kms_spec_find(row->spec), bytes, ret);
    if (r > 0)
        return api_fault(call, &KMS_ERR(IncorrectKeyMaterialException), "%s", "");
    return r;
}

static int
incorrect(struct api_call *call)
{
    return api_fault(call, &KMS_ERR(IncorrectKeyMaterialException), "%s", "");
}

/* A copy of a multi-Region key takes only what its primary was given. */
static bool
primary_has(struct api_call *call, const struct kms_key_row *row, struct str material_id)
{
    struct str arn = kms_key_arn(call->arena, row->primary_region, row->account, row->id);

    assert(kms_is_replica(row) && material_id.n == 2 * SHA256_LEN);
    return kms_material_by_material_get(call->txn, arn, material_id) != NULL;
}

static int
import_again(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req,
             const struct kms_material_row *old, const struct kms_material *made)
{
    struct kms_material_row new = *old;

    assert(made->secret.n > 0);
    if (str_is(req->import_type, "NEW_KEY_MATERIAL"))
        return incorrect(call);
    new.secret = made->secret;
    new.public = made->public;
    new.expires_ms = opt_i64_or(req->valid_to, 0);
    if (req->key_material_description.p)
        new.description = req->key_material_description;
    kms_material_assert(&new);
    return kms_material_update(call->txn, &new);
}

static int
import_new(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req,
           const struct kms_key_row *row, struct str material_id, const struct kms_material *made)
{
    bool first = row->material_id.n == 0;
    int64_t number = 1;

    STORE_EACH(call->txn, kms_material_by_owner, material, row->arn) {
        number = material->number + 1;
        kms_material_assert(material);
        if (str_is(material->state, "PENDING_ROTATION"))
            return api_fault(call, &KMS_ERR(KMSInvalidStateException),
                             "%.*s already has key material pending rotation.", STR_ARG(row->arn));
    }
    if (!first && (!str_is(req->import_type, "NEW_KEY_MATERIAL") || row->multi_region))
        return incorrect(call);
    if (kms_is_replica(row) && !primary_has(call, row, material_id))
        return incorrect(call);
    return kms_material_insert(call->txn, &(struct kms_material_row){
                                              .id = str_fmt(call->arena, "%.*s/%lld",
                                                            STR_ARG(row->arn), (long long)number),
                                              .owner = row->arn,
                                              .number = number,
                                              .material_id = material_id,
                                              .secret = made->secret,
                                              .public = made->public,
                                              .state = first ? S("CURRENT") : S("PENDING_ROTATION"),
                                              .description = req->key_material_description,
                                              .expires_ms = opt_i64_or(req->valid_to, 0),
                                          });
}

/* All that was ever current is there again. */
static bool
is_complete(struct api_call *call, const struct kms_key_row *row)
{
    bool complete = true;

    STORE_EACH(call->txn, kms_material_by_owner, material, row->arn) {
        kms_material_assert(material);
        if (!material->secret.n && !str_is(material->state, "PENDING_ROTATION"))
            complete = false;
    }
    return complete;
}

int
kms_import_key_material(struct api_call *call, const struct kms_ImportKeyMaterialRequest *req,
                        struct kms_ImportKeyMaterialResponse *res)
{
    const struct kms_key_row *row;
    struct kms_material made;
    int r = external_find(call, req->key_id, 0, &row);

    if (r == 0)
        r = expiry_check(call, req);
    if (r == 0)
        r = type_check(call, req, row);
    if (r == 0)
        r = unwrap(call, req, row, &made);
    if (r)
        return r;
    struct str id = kms_material_name(call->arena, kms_family(call->arena, row), made.secret);
    const struct kms_material_row *old = kms_material_by_material_get(call->txn, row->arn, id);
    struct kms_key_row new = *row;

    if (req->key_material_id.p && !str_eq(req->key_material_id, id))
        return incorrect(call);
    r = old ? import_again(call, req, old, &made) : import_new(call, req, row, id, &made);
    if (r < 0)
        return error_origin(-r, "material of %.*s cannot be written", STR_ARG(row->arn));
    if (r)
        return r;
    if (!new.material_id.n)
        new.material_id = id;
    assert(new.material_id.n == id.n);
    if (str_is(new.state, "PendingImport") && is_complete(call, row))
        new.state = S("Enabled");
    res->key_id = row->arn;
    res->key_material_id = id;
    return kms_key_save(call->txn, &new);
}

/* ---- DeleteImportedKeyMaterial ---- */

int
kms_delete_imported_key_material(struct api_call *call,
                                 const struct kms_DeleteImportedKeyMaterialRequest *req,
                                 struct kms_DeleteImportedKeyMaterialResponse *res)
{
    const struct kms_key_row *row;
    int r = external_find(call, req->key_id, KMS_WHILE_DELETED, &row);

    if (r)
        return r;
    struct str id = req->key_material_id.p ? req->key_material_id : row->material_id;
    const struct kms_material_row *material =
        id.n ? kms_material_by_material_get(call->txn, row->arn, id) : NULL;

    if (req->key_material_id.p && !material)
        return api_fault(call, &KMS_ERR(NotFoundException),
                         "Key material ID %.*s does not exist for key %.*s", STR_ARG(id),
                         STR_ARG(row->arn));
    res->key_id = row->arn;
    if (!material)
        return 0; /* nothing was ever imported: deleting it changes nothing */
    kms_material_assert(material);
    struct kms_material_row gone = *material;
    struct kms_key_row new = *row;

    gone.secret = S("");
    gone.expires_ms = 0;
    r = kms_material_update(call->txn, &gone);
    if (r < 0)
        return error_origin(-r, "material of %.*s cannot be written", STR_ARG(row->arn));
    kms_material_lost(&new, &gone);
    res->key_material_id = gone.material_id;
    return kms_key_save(call->txn, &new);
}
