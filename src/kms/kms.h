/*
 * Keys, and the cryptography that is done with them.  Handlers: the generated header.
 *
 * A handler begins with kms_key_find(): it resolves what the caller named (id, ARN, alias), asks
 * whether the caller may (key policy, grants, IAM), and whether the key's state allows it.  What
 * happens to keys by itself (deletion, rotation, expiry) is done by kms_due() before a call.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "gen/api/kms.h"
#include "gen/store/kms_rows.h"
#include "kms/errors.h"
#include "kms/material.h"

extern const struct api_service_hooks kms_hooks;

#define KMS_DAY_MS ((int64_t)86400000)

/* ---- find.c: from names to rows ---- */

enum kms_allow {
    KMS_BY_ALIAS = 1 << 0,  /* an alias may name the key */
    KMS_OF_OTHERS = 1 << 1, /* a key of another account may be named, by its ARN */
    KMS_WHILE_DISABLED = 1 << 2,
    KMS_WHILE_DELETED = 1 << 3,  /* deletion is pending */
    KMS_WHILE_IMPORTED = 1 << 4, /* the import of its material is awaited */
    KMS_ANY_STATE = KMS_WHILE_DISABLED | KMS_WHILE_DELETED | KMS_WHILE_IMPORTED,
    KMS_MANAGED_TOO = 1 << 5, /* AWS managed keys may be asked for it as well */
    /* what operations that use the key's material allow */
    KMS_USING = KMS_BY_ALIAS | KMS_OF_OTHERS | KMS_MANAGED_TOO,
    KMS_LOOKING = KMS_ANY_STATE | KMS_MANAGED_TOO,
};

struct kms_want {
    struct str id;                     /* as the caller named the key */
    unsigned allow;                    /* enum kms_allow */
    const char *action;                /* "ReEncryptFrom"; NULL: the operation's own name */
    const struct kms_TextMap *context; /* the encryption context, or NULL */
    const struct str_list *tokens;     /* grant tokens, or NULL */
    const struct str_list *operations; /* of CreateGrant: a grant's holder passes on no more */
};

/*
 * Faults: NotFoundException, InvalidArnException, AccessDeniedException, DisabledException,
 * KMSInvalidStateException, InvalidGrantTokenException.
 */
int
kms_key_find(struct api_call *call, const struct kms_want *want, const struct kms_key_row **ret);
/* What kms_key_find() does behind the look-up, for a key that was found otherwise. */
int kms_key_use(struct api_call *call, const struct kms_want *want, const struct kms_key_row *row);
/* The ARN of the key that is named, which need not exist; faults as above. */
int kms_key_resolve(struct api_call *call, struct str id, unsigned allow, struct str *ret_arn);
int kms_key_missing(struct api_call *call, struct str arn);

struct str kms_key_arn(struct arena *a, struct str region, struct str account, struct str id);
struct str kms_alias_arn(struct arena *a, struct str region, struct str account, struct str name);
/* "ACCOUNT/ID": all copies of a multi-Region key. */
struct str kms_family(struct arena *a, const struct kms_key_row *row);
/* Whose material it is: the family, or the ARN of a key with imported material, since each
 * Region's copy of such a key is imported for itself. */
struct str kms_material_owner(struct arena *a, const struct kms_key_row *row);
/* The version that encrypts; NULL while none was imported. */
const struct kms_material_row *
kms_material_current(struct api_call *call, const struct kms_key_row *row);

/* ---- holds.c: what is true of every row, as assertions ---- */

void kms_key_assert(const struct kms_key_row *row);
void kms_material_assert(const struct kms_material_row *row);
void kms_grant_assert(const struct kms_grant_row *row);

/* ---- key.c ---- */

struct kms_KeyMetadata *kms_key_show(struct api_call *call, const struct kms_key_row *row);
/* CustomerMasterKeySpec, KeySpec's deprecated name; absent where it has no such value. */
struct str kms_old_spec(const struct kms_key_row *row);
/* Whether it is a multi-Region key whose primary is elsewhere. */
bool kms_is_replica(const struct kms_key_row *row);
/* A new key's id: a UUID, or mrk- and 32 digits. */
struct str kms_key_id(struct api_call *call, bool multi_region);
/* The rows of a new key and its first material.  row->arn, owner and the rest are filled in. */
int kms_key_make(struct api_call *call, struct kms_key_row *row);
/* Writes a row that exists, its due time set anew; 0 or negative. */
int kms_key_save(struct txn *txn, struct kms_key_row *row);

/* ---- due.c: what time does ---- */

bool kms_due_needed(struct api_call *call);
int kms_due(struct api_call *call);
/* When something next happens to the key by itself; 0: never. */
int64_t kms_due_ms(struct txn *txn, const struct kms_key_row *row);
/* A key goes, with its aliases, grants and, if it is the last of them, its material. */
int kms_key_remove(struct txn *txn, const struct kms_key_row *row, int64_t now_ms);
/*
 * What it means for a key (in memory) that imported material of it has no secret any more: the key
 * waits for it, unless the material was never the current one.
 */
void kms_material_lost(struct kms_key_row *key, const struct kms_material_row *material);
/* A new version of the material becomes the current one.  row is read again by the caller. */
int kms_rotate(struct txn *txn, struct env *env, struct arena *a, struct str arn,
               const char *rotation, int64_t now_ms);

/* ---- policy.c, tag.c ---- */

/* The policy a key has when none is given. */
struct str kms_policy_default(struct arena *a, struct str account);
/* MalformedPolicyDocumentException, LimitExceededException. */
int kms_policy_check(struct api_call *call, struct str policy, const struct kms_key_row *row,
                     bool bypass);
/* Tags of a request as a row keeps them.  TagException, … */
int kms_tags_of(struct api_call *call, const struct kms_TagList *tags, struct str_list *ret);
struct kms_TagList kms_tags_show(struct arena *a, const struct str_list *tags);

/* ---- managed.c: AWS managed keys ---- */

/*
 * Makes alias/aws/SERVICE with its key in the caller's account when a service calls for it the
 * first time.  Does nothing for other names or calls.  0 or negative.
 */
int kms_managed_key(struct api_call *call, struct str alias);

/* ---- access.c: policies, grants, and what conditions may ask of a key ---- */

int kms_access(struct api_call *call, const struct kms_want *want, const struct kms_key_row *row);

/* ---- grant_match.c: pure ---- */

/* k, v, k, v … sorted by key. */
struct str_list kms_pairs(struct arena *a, const struct kms_TextMap *map);
struct kms_TextMap kms_pairs_show(struct arena *a, const struct str_list *pairs);
/* Whether a grant's constraints are met by an encryption context (sorted pairs). */
bool kms_constraints_met(const struct kms_grant_row *grant, const struct str_list *context);
/* Whether somebody's name in a grant means this principal. */
bool kms_principal_is(struct str name, const struct policy_principal *principal);

/* ---- grant.c ---- */

/* The grant that a token tells of, or NULL: no token of ours, or the grant is gone. */
const struct kms_grant_row *kms_token_grant(struct api_call *call, struct str token);
/* A principal as grants take it; InvalidArnException. */
int kms_principal_check(struct api_call *call, struct str principal);

/* ---- crypt.c: shared by operations that encrypt ---- */

int kms_dry_run(struct api_call *call, struct opt_bool dry_run);
/* Usage and algorithm fit the key; InvalidKeyUsageException. */
int kms_usage_check(struct api_call *call, const struct kms_key_row *row, const char *usage);
int kms_algorithm_check(struct api_call *call, const struct kms_key_row *row,
                        const char *const *names, struct str algorithm);
/* A symmetric key's blob.  *ret_material is the id of the version. */
int kms_encrypt_symmetric(struct api_call *call, const struct kms_key_row *row,
                          const struct kms_TextMap *context, struct str plain, struct str *ret,
                          struct str *ret_material);
int kms_recipient_check(struct api_call *call, const struct kms_RecipientInfo *recipient);

/* ---- page.c ---- */

struct kms_listing {
    struct api_page page;
};
/* Limit and Marker: ValidationException, InvalidMarkerException. */
int kms_listing_open(struct api_call *call, struct opt_i64 limit, int64_t max, int64_t otherwise,
                     struct str marker, struct kms_listing *ret);
bool kms_listing_takes(struct kms_listing *listing, struct str key);
void kms_listing_end(struct api_call *call, const struct kms_listing *listing, struct str *marker,
                     struct opt_bool *truncated);
