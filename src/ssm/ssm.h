/*
 * Systems Manager: Parameter Store so far.  Handlers are declared by the generated header.
 *
 * Callers name parameters in many ways (name.h); find.c turns a name into a version, wherever it
 * comes from: a row, AWS's public parameters (public.c), a secret of Secrets Manager (secret.c).
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "api/event.h"
#include "gen/api/ssm.h"
#include "gen/store/ssm_rows.h"
#include "ssm/errors.h"
#include "ssm/name.h"
#include "ssm/policy.h"

struct loop;

extern const struct api_service_hooks ssm_hooks;

enum {
    SSM_VERSIONS_MAX = 100,
    SSM_LABELS_MAX = 10,
    SSM_TAGS_MAX = 50,
    SSM_STANDARD_BYTES = 4096,
    SSM_ADVANCED_BYTES = 8192,
};

/* ---- find.c ---- */

/* A name of a request that reads: ValidationException. */
int ssm_name_read(struct api_call *call, struct str text, struct ssm_name *ret);
/* A parameter's row; ParameterNotFound. */
int ssm_row_find(struct api_call *call, const struct ssm_name *name,
                 const struct ssm_parameter_row **ret);
int ssm_not_found(struct api_call *call);

/* The newest version as older ones are kept. */
/* A version's key.  Those of a parameter are beside each other: numbers from 0 on. */
struct str ssm_version_key(struct arena *a, const struct ssm_parameter_row *row, int64_t version);
/* All but the newest version of a parameter, oldest first. */
struct store_cursor ssm_versions_old(struct arena *a, struct txn *txn,
                                     const struct ssm_parameter_row *row);
const struct ssm_version_row *ssm_version_old_next(struct store_cursor *c,
                                                   const struct ssm_parameter_row *row);
struct ssm_version_row ssm_version_newest(const struct ssm_parameter_row *row);
/* A version that is kept, or false. */
bool ssm_version_numbered(struct api_call *call, const struct ssm_parameter_row *row,
                          int64_t version, struct ssm_version_row *ret);
/* The version that has that label, or false. */
bool ssm_version_labelled(struct api_call *call, const struct ssm_parameter_row *row,
                          struct str label, struct ssm_version_row *ret);
/* Writes back what was changed of a version, newest or not.  0 or negative. */
int ssm_version_save(struct txn *txn, const struct ssm_parameter_row *row,
                     const struct ssm_version_row *version);
int ssm_version_missing(struct api_call *call, struct str what, struct str name);

/* ---- holds.c: what is true of every row, as assertions ---- */

void ssm_parameter_assert(const struct ssm_parameter_row *row);
void ssm_version_assert(const struct ssm_parameter_row *row, const struct ssm_version_row *version);

/* What a name of a Get operation stands for. */
struct ssm_found {
    struct str name, arn, selector;
    struct ssm_version_row version;
    struct str source_result; /* of a reference to another service */
    bool open;                /* the value is no ciphertext, whatever the type says */
};
/* ParameterNotFound, ParameterVersionNotFound, ValidationException, … */
int ssm_find(struct api_call *call, struct str text, bool decrypt, struct ssm_found *ret);
/* One found in a row. */
struct ssm_found ssm_found_of(struct api_call *call, const struct ssm_parameter_row *row,
                              const struct ssm_version_row *version);
/* As a reply shows it.  InvalidKeyId, AccessDeniedException of KMS. */
int ssm_show(struct api_call *call, const struct ssm_found *found, bool decrypt,
             struct ssm_Parameter *ret);

/* ---- secure.c: SecureString ---- */

/* The value as it is kept.  InvalidKeyId, AccessDeniedException. */
int ssm_seal(struct api_call *call, struct str arn, struct str key_id, bool advanced,
             struct str plain, struct str *ret);
int ssm_open(struct api_call *call, struct str arn, struct str value, struct str *ret);

/* ---- public.c: /aws/service ---- */

bool ssm_public_is(struct str path);
/* False when there is none of that name here. */
bool ssm_public_get(struct api_call *call, struct str path, struct ssm_found *ret);
/* The public parameters from the first whose name is at or behind `from`; false: no more. */
bool ssm_public_next(struct api_call *call, struct str from, bool behind, struct ssm_found *ret);

/* ---- secret.c: /aws/reference/secretsmanager ---- */

#define SSM_SECRETS "/aws/reference/secretsmanager/"
int ssm_secret_find(struct api_call *call, const struct ssm_name *name, bool decrypt,
                    struct ssm_found *ret);

/* ---- filter.c ---- */

struct ssm_filter {
    enum ssm_filter_key {
        SSM_BY_NAME,
        SSM_BY_TYPE,
        SSM_BY_KEY_ID,
        SSM_BY_PATH,
        SSM_BY_LABEL,
        SSM_BY_TIER,
        SSM_BY_DATA_TYPE,
        SSM_BY_TAG,
    } key;
    enum ssm_filter_option {
        SSM_EQUALS,
        SSM_BEGINS_WITH,
        SSM_CONTAINS,
        SSM_ONE_LEVEL,
        SSM_RECURSIVE,
    } option;
    struct str tag; /* of SSM_BY_TAG */
    struct str_list values;
};
struct ssm_filters {
    struct ssm_filter *v;
    size_t n;
};
/* InvalidFilterKey, InvalidFilterOption, InvalidFilterValue, ValidationException. */
int ssm_filters_read(struct api_call *call, const struct ssm_ParameterStringFilterList *list,
                     bool by_path, struct ssm_filters *ret);
bool ssm_filters_match(const struct ssm_filters *filters, const struct ssm_parameter_row *row,
                       const struct ssm_version_row *version);
/* The part of the paths that all that matches begins with: "/" when that is unknown. */
struct str ssm_filters_prefix(struct arena *a, const struct ssm_filters *filters);

/* ---- page.c ---- */

/* MaxResults was checked by its limits; InvalidNextToken. */
int ssm_page_open(struct api_call *call, struct str token, struct opt_i64 max_results, int64_t max,
                  struct api_page *ret);
struct str ssm_page_next(struct api_call *call, const struct api_page *page);

/* ---- put.c, delete.c ---- */

/* Lists policies as replies show them. */
struct ssm_ParameterInlinePolicyList
ssm_policies_show(struct arena *a, struct str policies, int64_t done);
/* A parameter goes, with all its versions; tells nobody.  0 or negative. */
int ssm_parameter_remove(struct txn *txn, const struct ssm_parameter_row *row);
/* Changes how many parameters an account has in a region.  0 or negative. */
int ssm_account_count(struct txn *txn, struct str account, struct str region, int64_t standard,
                      int64_t advanced);

/* ---- change.c: events ---- */

/* A "Parameter Store Change"; labels and why may be absent. */
int ssm_change_tell(struct api_call *call, const struct ssm_parameter_row *row,
                    const char *operation, const struct str_list *labels, const char *why);
/* A "Parameter Store Policy Action", or the change that one made (operation). */
int ssm_policy_tell(struct txn *txn, struct env *env, const struct ssm_parameter_row *row,
                    const struct ssm_policy *policy, int64_t now_ms);
int ssm_expiry_tell(struct txn *txn, struct env *env, const struct ssm_parameter_row *row,
                    int64_t now_ms);

/* ---- tag.c ---- */

/* Tags of a request as a row keeps them: ValidationException, TooManyTagsError. */
int ssm_tags_of(struct api_call *call, const struct ssm_TagList *tags, struct str_list *ret);

/* ---- setting.c ---- */

/* "Standard", "Advanced" or "Intelligent-Tiering": what a PutParameter without a tier means. */
struct str ssm_default_tier(struct api_call *call);

/* ---- due.c ---- */

/* Carries out policies when they are due, on the cloud's clock.  Lives as long as the cloud. */
struct ssm_reconciler;
int ssm_reconciler_new(struct ssm_reconciler **ret, struct env *env, struct loop *loop,
                       struct store *store);
struct ssm_reconciler *ssm_reconciler_free(struct ssm_reconciler *rec);
