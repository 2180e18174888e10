/*
 * Secrets with versions, staging labels and a life.  Handlers: the generated header.
 *
 * A handler begins with secret_find(): from what the caller named to a row, and whether the
 * secret's state allows the operation.  Values are sealed under data keys of KMS, asked for as the
 * caller (seal.c).  A replica is a secret of its own in its region that only its primary writes:
 * whatever changes a primary ends with secret_changed(), which brings the replicas in line.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "gen/api/secretsmanager.h"
#include "gen/store/secretsmanager_rows.h"

extern const struct api_service_hooks secretsmanager_hooks;

#define SECRET_SERVICE "secretsmanager.amazonaws.com"
#define SECRET_DAY_MS ((int64_t)86400000)

/* ---- errors: api_fault(call, &SECRET_ERR(ResourceNotFoundException), …) ---- */

#define SECRET_ERRORS(X)                                                                           \
    X(AccessDeniedException)                                                                       \
    X(DecryptionFailure)                                                                           \
    X(EncryptionFailure)                                                                           \
    X(InvalidNextTokenException)                                                                   \
    X(InvalidParameterException)                                                                   \
    X(InvalidRequestException)                                                                     \
    X(LimitExceededException)                                                                      \
    X(MalformedPolicyDocumentException)                                                            \
    X(PublicPolicyException)                                                                       \
    X(ResourceExistsException)                                                                     \
    X(ResourceNotFoundException)                                                                   \
    X(ValidationException)

enum secret_error {
#define X(name) SECRET_ERROR_##name,
    SECRET_ERRORS(X)
#undef X
        SECRET_N_ERRORS,
};

/* All are the caller's: 400. */
extern const struct api_error secret_errors[SECRET_N_ERRORS];

#define SECRET_ERR(name) secret_errors[SECRET_ERROR_##name]

/* ---- find.c: from names to rows ---- */

enum secret_allow {
    SECRET_WHILE_DELETED = 1 << 0, /* deletion is scheduled */
    SECRET_REPLICA_TOO = 1 << 1,
    SECRET_READING = SECRET_REPLICA_TOO,
    SECRET_LOOKING = SECRET_WHILE_DELETED | SECRET_REPLICA_TOO,
};

/*
 * A name is one of the caller's account and region; an ARN, with or without its last six
 * characters, may tell another account.  Faults: ResourceNotFoundException,
 * InvalidRequestException (deletion), InvalidParameterException (replica).
 */
int
secret_find(struct api_call *call, struct str id, unsigned allow, const struct secret_row **ret);
/* The same without faults: NULL when there is none, or when its time has come. */
const struct secret_row *secret_named(struct api_call *call, struct str id);
/* The ARN of the same secret in another region. */
struct str secret_arn_in(struct arena *a, const struct secret_row *row, struct str region);
/* The rows of a secret, its versions and what it knows of replicas. */
int secret_remove(struct txn *txn, const struct secret_row *row);

/* ---- holds.c: what is true of every row, as assertions ---- */

void secret_assert(const struct secret_row *row);
void secret_version_assert(const struct secret_version_row *version);
/* Of all versions: a label is on one of them, and one is AWSCURRENT if there are any. */
void secret_stages_assert(struct txn *txn, struct str arn);

/* ---- seal.c: values through KMS ---- */

struct secret_value {
    struct str bytes;
    bool binary;
};

/*
 * Fills in kms_key_id, data_key, nonce, sealed and binary of a version whose id is set.
 * EncryptionFailure, AccessDeniedException.
 */
int secret_seal(struct api_call *call, const struct secret_row *secret,
                const struct secret_value *value, struct secret_version_row *version);
/* DecryptionFailure, AccessDeniedException, InvalidRequestException (another account's). */
int secret_open(struct api_call *call, const struct secret_row *secret,
                const struct secret_version_row *version, struct secret_value *ret);

/* ---- version.c ---- */

struct str secret_version_key(struct arena *a, struct str arn, struct str version_id);
/* The version that has a staging label, or NULL. */
const struct secret_version_row *secret_staged(struct txn *txn, struct str arn, struct str stage);
/* A sorted list with an element more, or with one less. */
struct str_list secret_list_with(struct arena *a, const struct str_list *list, struct str s);
struct str_list secret_list_without(struct arena *a, const struct str_list *list, struct str s);

/*
 * Makes a version with these labels (none: AWSCURRENT), taking them from the versions that had
 * them.  With a token that was used before nothing is done, provided that the value is the same.
 * ResourceExistsException, LimitExceededException.
 */
int secret_version_add(struct api_call *call, const struct secret_row *secret, struct str token,
                       const struct secret_value *value, const struct str_list *stages,
                       const struct secret_version_row **ret);

/*
 * The version that a rotation is to make, AWSPENDING: without a value, or with a copy of the
 * current one.
 */
int secret_version_begin(struct api_call *call, const struct secret_row *secret, struct str token,
                         bool copy);

/* ---- value.c ---- */

/* SecretString or SecretBinary; ret->bytes.p is NULL when neither was given. */
int secret_value_of(struct api_call *call, struct str text, struct str binary,
                    struct secret_value *ret);
int secret_token_check(struct api_call *call, struct str token);

/* ---- tag.c ---- */

int secret_tags_of(struct api_call *call, const struct secretsmanager_TagList *tags,
                   struct str_list *ret);
struct secretsmanager_TagList secret_tags_show(struct arena *a, const struct str_list *tags);

/* ---- replica.c ---- */

/* Writes a row, its time of change set, and brings the replicas of the secret in line. */
int secret_changed(struct api_call *call, const struct secret_row *row);
int secret_replicate(struct api_call *call, const struct secret_row *secret,
                     const struct secretsmanager_ReplicaRegionTypeList *regions, bool overwrite);
/* Where the primary is of a secret that is a replica or has any; else absent. */
struct str secret_primary_region(struct txn *txn, const struct secret_row *secret);
struct secretsmanager_ReplicationStatusTypeList
secret_replicas_show(struct api_call *call, const struct secret_row *secret);

/* ---- list.c ---- */

struct secretsmanager_SecretListEntry
secret_show(struct api_call *call, const struct secret_row *secret);
/* A filter without key or values: InvalidParameterException. */
int secret_filters_check(struct api_call *call, const struct secretsmanager_FilterList *filters);
bool secret_passes(struct api_call *call, const struct secret_row *row,
                   const struct secretsmanager_FilterList *filters);
/* MaxResults and NextToken: InvalidNextTokenException. */
int secret_page_open(struct api_call *call, struct opt_i64 limit, int64_t max, struct str token,
                     struct api_page *ret);
struct str secret_page_next(struct api_call *call, const struct api_page *page);

/* ---- rotation.c ---- */

#define SECRET_STEPS 4
/* What is known of a secret's rotation goes into what is shown of it. */
void secret_rotation_show(struct api_call *call, struct str arn,
                          struct secretsmanager_SecretListEntry *shown);
/* When the next window begins; 0: there is none. */
int64_t secret_rotation_next(const struct secret_rotation_row *row, int64_t now_ms);
/* Begins one: the version and the row; *ret says so.  `token` is the new version. */
int secret_rotation_begin(struct api_call *call, const struct secret_row *secret, struct str token,
                          bool test, struct secret_rotation_row *row);
/* The rotation ends: its version is done, or (gone) goes with its label. */
int secret_rotation_end(struct api_call *call, struct secret_rotation_row *row, bool gone);

/* ---- rotator.c: what runs rotations ---- */

struct loop;
struct secret_rotator;
int secret_rotator_new(struct secret_rotator **ret, struct loop *loop, struct store *store,
                       struct api *api);
struct secret_rotator *secret_rotator_free(struct secret_rotator *rotator);

/* ---- secretsmanager.c ---- */

/* What authorization knows of a secret. */
struct api_resource secret_resource(struct api_call *call, const struct secret_row *row);

/* ---- due.c: what time does ---- */

bool secret_due_needed(struct api_call *call);
int secret_due(struct api_call *call);
