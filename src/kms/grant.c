/*
 * Grants: permissions that hang on a key and name one principal.
 *
 * A grant token is ID | nonce | MAC under a key of the grant's row, in base64: each CreateGrant
 * answers another one, and nothing is stored for it.  Since a grant holds at once here, a token
 * only names a grant; one that is not ours is refused.
 */
#include "kms/kms.h"

#include "codec/crypto.h"

enum {
    GRANT_ID_BYTES = 32,
    TOKEN_KEY_BYTES = 32,
    NONCE_BYTES = 16,
    TOKEN_BYTES = GRANT_ID_BYTES + NONCE_BYTES + SHA256_LEN,
    GRANTS_OF_KEY_MAX = 50000,
    GRANTS_PAGE = 50,
    GRANTS_PAGE_MAX = 100,
};

/* ---- tokens ---- */

static void
token_mac(const struct kms_grant_row *grant, struct str nonce, uint8_t ret[SHA256_LEN])
{
    assert(grant->token_key.n == TOKEN_KEY_BYTES && nonce.n == NONCE_BYTES);
    crypto_hmac_sha256(grant->token_key.p, grant->token_key.n, nonce.p, nonce.n, ret);
}

static struct str
token_make(struct api_call *call, const struct kms_grant_row *grant)
{
    uint8_t token[TOKEN_BYTES], *nonce = token + GRANT_ID_BYTES;
    struct str id;
    bool hex = str_unhex(call->arena, grant->id, &id);

    assert(hex && id.n == GRANT_ID_BYTES);
    (void)hex;
    memcpy(token, id.p, id.n);
    call->env->random(call->env, nonce, NONCE_BYTES);
    token_mac(grant, str_of(nonce, NONCE_BYTES), nonce + NONCE_BYTES);
    return str_base64(call->arena, str_of(token, sizeof(token)));
}

const struct kms_grant_row *
kms_token_grant(struct api_call *call, struct str token)
{
    uint8_t mac[SHA256_LEN];
    struct str bytes;

    if (!str_unbase64(call->arena, token, &bytes) || bytes.n != TOKEN_BYTES)
        return NULL;
    const struct kms_grant_row *grant =
        kms_grant_get(call->txn, str_hex(call->arena, bytes.p, GRANT_ID_BYTES));

    if (!grant || !str_eq(grant->region, call->region))
        return NULL;
    token_mac(grant, str_cut(bytes, GRANT_ID_BYTES, GRANT_ID_BYTES + NONCE_BYTES), mac);
    return str_eq_consttime(str_of(mac, sizeof(mac)),
                            str_cut(bytes, GRANT_ID_BYTES + NONCE_BYTES, bytes.n))
               ? grant
               : NULL;
}

/* ---- CreateGrant ---- */

int
kms_principal_check(struct api_call *call, struct str principal)
{
    struct str rest = principal, arn = str_split(&rest, ':'), partition = str_split(&rest, ':');
    struct str service = str_split(&rest, ':'), region = str_split(&rest, ':');
    struct str account = str_split(&rest, ':');
    bool known = str_is(rest, "root") || str_starts(rest, S("user/")) ||
                 str_starts(rest, S("role/")) || str_starts(rest, S("assumed-role/")) ||
                 str_starts(rest, S("federated-user/"));

    /* services take grants for themselves by their names */
    if (str_ends(principal, S(".amazonaws.com")) && str_find_char(principal, ':') == SIZE_MAX)
        return 0;
    if (str_is(arn, "arn") && str_is(partition, "aws") && region.n == 0 && account.n == 12 &&
        (str_is(service, "iam") || str_is(service, "sts")) && known)
        return 0;
    return api_fault(call, &KMS_ERR(InvalidArnException),
                     "ARN does not refer to a valid principal: %.*s", STR_ARG(principal));
}

/* Which keys an operation of a grant is for, and whether it takes an encryption context. */
static const struct grant_operation {
    const char *name, *usage; /* NULL: keys of every usage */
    bool has_context;
} grant_operations[] = {
    {"Decrypt", "ENCRYPT_DECRYPT", true},
    {"Encrypt", "ENCRYPT_DECRYPT", true},
    {"GenerateDataKey", "ENCRYPT_DECRYPT", true},
    {"GenerateDataKeyWithoutPlaintext", "ENCRYPT_DECRYPT", true},
    {"GenerateDataKeyPair", "ENCRYPT_DECRYPT", true},
    {"GenerateDataKeyPairWithoutPlaintext", "ENCRYPT_DECRYPT", true},
    {"ReEncryptFrom", "ENCRYPT_DECRYPT", true},
    {"ReEncryptTo", "ENCRYPT_DECRYPT", true},
    {"Sign", "SIGN_VERIFY", false},
    {"Verify", "SIGN_VERIFY", false},
    {"GenerateMac", "GENERATE_VERIFY_MAC", false},
    {"VerifyMac", "GENERATE_VERIFY_MAC", false},
    {"DeriveSharedSecret", "KEY_AGREEMENT", false},
    {"GetPublicKey", NULL, false},
    {"CreateGrant", NULL, false},
    {"RetireGrant", NULL, false},
    {"DescribeKey", NULL, false},
};

static_assert(ARRAY_LEN(grant_operations) == 17, "GrantOperation of the description");
static bool
fits_key(struct str operation, const struct kms_key_row *row)
{
    bool symmetric = str_is(row->spec, "SYMMETRIC_DEFAULT");

    for (size_t i = 0; i < ARRAY_LEN(grant_operations); i++) {
        const struct grant_operation *op = &grant_operations[i];

        if (!str_is(operation, op->name))
            continue;
        if (str_starts(operation, S("GenerateDataKey")))
            return symmetric;
        if (str_is(operation, "GetPublicKey"))
            return !symmetric && !str_is(row->usage, "GENERATE_VERIFY_MAC");
        return !op->usage || str_is(row->usage, op->usage);
    }
    return false;
}

static int
operations_check(struct api_call *call, const struct kms_CreateGrantRequest *req,
                 const struct kms_key_row *row)
{
    if (!req->operations.n)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "At least one grant operation must be specified");
    for (size_t i = 0; i < req->operations.n; i++)
        if (!fits_key(req->operations.v[i], row))
            return api_fault(call, &KMS_ERR(ValidationException),
                             "Grant operation %.*s is not valid for a key with key spec %.*s and "
                             "key usage %.*s",
                             STR_ARG(req->operations.v[i]), STR_ARG(row->spec),
                             STR_ARG(row->usage));
    if (req->constraints && !str_is(row->spec, "SYMMETRIC_DEFAULT"))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Grant constraints are only valid for symmetric encryption keys");
    return 0;
}

static bool
same_list(const struct str_list *a, const struct str_list *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->v[i], b->v[i]);
    return same;
}

/* All that makes two grants of one name the same grant. */
static bool
same_grant(const struct kms_grant_row *a, const struct kms_grant_row *b)
{
    assert(str_eq(a->key_arn, b->key_arn));
    return str_eq(a->name, b->name) && str_eq(a->grantee, b->grantee) &&
           str_eq(a->retiring, b->retiring) && str_eq(a->issuer, b->issuer) &&
           a->has_equals == b->has_equals && same_list(&a->operations, &b->operations) &&
           same_list(&a->subset, &b->subset) && same_list(&a->equals, &b->equals);
}

static struct kms_grant_row
grant_of(struct api_call *call, const struct kms_CreateGrantRequest *req,
         const struct kms_key_row *row)
{
    const struct kms_GrantConstraints *constraints = req->constraints;
    struct kms_grant_row grant = {
        .key_arn = row->arn,
        .account = row->account,
        .region = row->region,
        .issuer = call->account,
        .name = req->name,
        .grantee = req->grantee_principal,
        .retiring = req->retiring_principal,
        .operations = req->operations,
        .created_ms = call->now_ms,
    };

    if (constraints) {
        grant.subset = kms_pairs(call->arena, &constraints->encryption_context_subset);
        grant.equals = kms_pairs(call->arena, &constraints->encryption_context_equals);
        grant.has_equals = constraints->encryption_context_equals.v != NULL;
    }
    return grant;
}

static int
grant_insert(struct api_call *call, struct kms_grant_row *grant)
{
    uint8_t id[GRANT_ID_BYTES], key[TOKEN_KEY_BYTES];

    call->env->random(call->env, id, sizeof(id));
    call->env->random(call->env, key, sizeof(key));
    grant->id = str_hex(call->arena, id, sizeof(id));
    grant->token_key = str_dup(call->arena, str_of(key, sizeof(key)));
    kms_grant_assert(grant);
    int r = kms_grant_insert(call->txn, grant);

    return r < 0 ? error_origin(-r, "a grant of %.*s cannot be written", STR_ARG(grant->key_arn))
                 : 0;
}

/* Looks for the grant that was made with this name, and counts what the key has. */
static const struct kms_grant_row *
grant_again(struct api_call *call, const struct kms_grant_row *grant, size_t *ret_n)
{
    const struct kms_grant_row *found = NULL;

    *ret_n = 0;
    STORE_EACH(call->txn, kms_grant_of_key, old, grant->key_arn) {
        (*ret_n)++;
        if (grant->name.n && same_grant(old, grant))
            found = old;
    }
    return found;
}

int
kms_create_grant(struct api_call *call, const struct kms_CreateGrantRequest *req,
                 struct kms_CreateGrantResponse *res)
{
    const struct kms_key_row *row;
    struct kms_want want = {.id = req->key_id,
                            .allow = KMS_OF_OTHERS | KMS_MANAGED_TOO,
                            .tokens = &req->grant_tokens,
                            .operations = &req->operations};
    int r = kms_key_find(call, &want, &row);
    size_t n;

    if (r == 0)
        r = kms_principal_check(call, req->grantee_principal);
    if (r == 0 && req->retiring_principal.p)
        r = kms_principal_check(call, req->retiring_principal);
    if (r == 0)
        r = operations_check(call, req, row);
    if (r)
        return r;
    struct kms_grant_row fresh = grant_of(call, req, row);
    const struct kms_grant_row *grant = grant_again(call, &fresh, &n);

    if (!grant && n >= GRANTS_OF_KEY_MAX)
        return api_fault(call, &KMS_ERR(LimitExceededException),
                         "The number of grants for key %.*s has reached its limit of %d",
                         STR_ARG(row->arn), GRANTS_OF_KEY_MAX);
    if (!grant) {
        r = grant_insert(call, &fresh);
        grant = &fresh;
    }
    if (r)
        return r;
    res->grant_id = grant->id;
    res->grant_token = token_make(call, grant);
    return kms_dry_run(call, req->dry_run);
}

/* ---- lists ---- */

static struct kms_GrantListEntry
show(struct api_call *call, const struct kms_grant_row *grant)
{
    struct kms_GrantListEntry shown = {
        .key_id = grant->key_arn,
        .grant_id = grant->id,
        .name = grant->name,
        .creation_date = opt_i64(grant->created_ms),
        .grantee_principal = grant->grantee,
        .issuing_account = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(grant->issuer)),
        .operations = grant->operations,
    };

    kms_grant_assert(grant);
    if (!grant->name.n)
        shown.name = STR_NONE;
    if (grant->retiring.n)
        shown.retiring_principal = grant->retiring;
    if (!grant->subset.n && !grant->has_equals)
        return shown;
    shown.constraints = ARENA_NEW(call->arena, struct kms_GrantConstraints);
    if (grant->subset.n)
        shown.constraints->encryption_context_subset = kms_pairs_show(call->arena, &grant->subset);
    if (grant->has_equals)
        shown.constraints->encryption_context_equals = kms_pairs_show(call->arena, &grant->equals);
    return shown;
}

/* Grants are listed in the order in which they were made. */
static bool
takes(struct api_call *call, struct kms_listing *listing, const struct kms_grant_row *grant)
{
    return kms_listing_takes(listing, str_fmt(call->arena, "%020lld/%.*s",
                                              (long long)grant->created_ms, STR_ARG(grant->id)));
}

static bool
is_grant_id(struct str id)
{
    struct str digits = id;
    bool hex = id.n == 2 * GRANT_ID_BYTES;

    for (size_t i = 0; hex && i < digits.n; i++)
        hex = (digits.p[i] >= '0' && digits.p[i] <= '9') ||
              (digits.p[i] >= 'a' && digits.p[i] <= 'f');
    return hex;
}

static int
grant_find(struct api_call *call, const struct kms_key_row *row, struct str id,
           const struct kms_grant_row **ret)
{
    if (!is_grant_id(id))
        return api_fault(call, &KMS_ERR(InvalidGrantIdException), "Invalid grant ID %.*s",
                         STR_ARG(id));
    const struct kms_grant_row *grant = kms_grant_get(call->txn, id);

    if (!grant || !str_eq(grant->key_arn, row->arn))
        return api_fault(call, &KMS_ERR(NotFoundException), "Grant ID %.*s not found", STR_ARG(id));
    *ret = grant;
    kms_grant_assert(grant);
    return 0;
}

int
kms_list_grants(struct api_call *call, const struct kms_ListGrantsRequest *req,
                struct kms_ListGrantsResponse *res)
{
    const struct kms_key_row *row;
    const struct kms_grant_row *only = NULL;
    struct kms_listing listing;
    struct kms_want want = {.id = req->key_id, .allow = KMS_LOOKING | KMS_OF_OTHERS};
    int r = kms_key_find(call, &want, &row);

    if (r == 0 && req->grant_id.p)
        r = grant_find(call, row, req->grant_id, &only);
    if (r == 0)
        r = kms_listing_open(call, req->limit, GRANTS_PAGE_MAX, GRANTS_PAGE, req->marker, &listing);
    if (r)
        return r;
    STORE_EACH(call->txn, kms_grant_of_key, grant, row->arn) {
        if (listing.page.more)
            break;
        if (only && grant != only)
            continue;
        if (req->grantee_principal.p && !str_eq(grant->grantee, req->grantee_principal))
            continue;
        if (takes(call, &listing, grant))
            *LIST_PUSH(call->arena, &res->grants) = show(call, grant);
    }
    API_PRESENT(&res->grants);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}

int
kms_list_retirable_grants(struct api_call *call, const struct kms_ListRetirableGrantsRequest *req,
                          struct kms_ListGrantsResponse *res)
{
    struct kms_listing listing;
    int r = kms_principal_check(call, req->retiring_principal);

    if (r == 0)
        r = kms_listing_open(call, req->limit, GRANTS_PAGE_MAX, GRANTS_PAGE, req->marker, &listing);
    if (r)
        return r;
    STORE_EACH(call->txn, kms_grant_by_region, grant, call->account, call->region) {
        if (listing.page.more)
            break;
        if (str_eq(grant->retiring, req->retiring_principal) && takes(call, &listing, grant))
            *LIST_PUSH(call->arena, &res->grants) = show(call, grant);
    }
    API_PRESENT(&res->grants);
    kms_listing_end(call, &listing, &res->next_marker, &res->truncated);
    return 0;
}

/* ---- the end of a grant ---- */

static int
grant_end(struct api_call *call, const struct kms_grant_row *grant)
{
    int r = kms_grant_delete(call->txn, grant->id);

    assert(kms_key_get(call->txn, grant->key_arn)); /* a key takes its grants with it */
    kms_grant_assert(grant);
    return r < 0 ? error_origin(-r, "grant %.*s cannot be deleted", STR_ARG(grant->id)) : 0;
}

int
kms_revoke_grant(struct api_call *call, const struct kms_RevokeGrantRequest *req,
                 struct kms_RevokeGrantResult *res UNUSED)
{
    const struct kms_key_row *row;
    const struct kms_grant_row *grant;
    struct kms_want want = {.id = req->key_id, .allow = KMS_LOOKING | KMS_OF_OTHERS};
    int r = kms_key_find(call, &want, &row);

    if (r == 0)
        r = grant_find(call, row, req->grant_id, &grant);
    if (r == 0)
        r = grant_end(call, grant);
    return r ? r : kms_dry_run(call, req->dry_run);
}

/* The grant itself says who may retire it: its retiring principal, its grantee when RetireGrant is
 * among its operations, and the root of the account that made it. */
static bool
may_retire(struct api_call *call, const struct kms_grant_row *grant)
{
    const struct policy_principal *who = &call->principal;

    return kms_principal_is(grant->retiring, who) ||
           (str_in(&grant->operations, S("RetireGrant")) &&
            kms_principal_is(grant->grantee, who)) ||
           (who->kind == POLICY_ROOT && str_eq(who->account, grant->issuer));
}

static int
retired_find(struct api_call *call, const struct kms_RetireGrantRequest *req,
             const struct kms_grant_row **ret)
{
    struct str arn;

    if (req->grant_token.p && (req->key_id.p || req->grant_id.p))
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Specify either a grant token, or a key ID and a grant ID");
    if (req->grant_token.p) {
        *ret = kms_token_grant(call, req->grant_token);
        return *ret ? 0
                    : api_fault(call, &KMS_ERR(InvalidGrantTokenException), "Invalid grant token");
    }
    if (!req->key_id.p || !req->grant_id.p)
        return api_fault(call, &KMS_ERR(ValidationException),
                         "Grant token OR (grant ID, key ID) must be specified");
    int r = kms_key_resolve(call, req->key_id, KMS_OF_OTHERS, &arn);

    if (r)
        return r;
    const struct kms_key_row *row = kms_key_get(call->txn, arn);

    return row ? grant_find(call, row, req->grant_id, ret) : kms_key_missing(call, arn);
}

int
kms_retire_grant(struct api_call *call, const struct kms_RetireGrantRequest *req,
                 struct kms_RetireGrantResult *res UNUSED)
{
    const struct kms_grant_row *grant;
    int r = retired_find(call, req, &grant);

    if (r)
        return r;
    /* what the grant does not say, a policy may */
    if (!may_retire(call, grant)) {
        struct kms_want want = {.id = grant->key_arn, .allow = KMS_LOOKING | KMS_OF_OTHERS};

        r = kms_key_use(call, &want, kms_key_get(call->txn, grant->key_arn));
    }
    if (r == 0)
        r = grant_end(call, grant);
    return r ? r : kms_dry_run(call, req->dry_run);
}
