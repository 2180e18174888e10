/*
 * Who is calling, and temporary credentials: the security token service.  Handlers are declared by
 * the generated header.
 *
 * Nothing is kept of a session: its token says all (codec/session.h).  What STS writes is only
 * which code of an MFA device was used.
 */
#pragma once

#include "api/authorize.h"
#include "gen/api/sts.h"
#include "gen/store/iam_rows.h"

extern const struct api_service_hooks sts_hooks;

enum { STS_ROLE_CHAIN_MAX_S = 3600, STS_DEFAULT_S = 3600, STS_MIN_S = 900 };

/* errors.c */
extern const struct api_error sts_access_denied, sts_validation, sts_malformed_policy,
    sts_packed_too_large, sts_invalid_token, sts_expired_token, sts_invalid_message;

/* ---- credentials.c ---- */

/* What all calls that make a session may be given, checked and put into a session. */
struct sts_limits {
    struct str policy;
    const struct sts_PolicyDescriptorTypeList *policy_arns;
    const struct sts_TagList *tags;
    const struct str_list *transitive;
    const struct str_list *inherited; /* k, v, k, v …: tags that a chain carries on */
};
/* Faults: MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError … */
int sts_limits_apply(struct api_call *call, const struct sts_limits *limits, struct session *s,
                     struct opt_i64 *ret_packed);

/* Gives the session keys of its account, a time and a token. */
int sts_credentials_make(struct api_call *call, struct session *s, int64_t seconds,
                         struct sts_Credentials **ret);

/*
 * The MFA device that a call names, and its code: *ret is whether there was one.  A code counts
 * once.  user_id: whose it must be (the account: its root's).
 */
int sts_mfa_check(struct api_call *call, struct str user_id, struct str serial, struct str code,
                  bool *ret);

/* ---- assume_role.c ---- */

/* "arn:aws:iam::ACCOUNT:role/PATH/NAME": *ret is NULL when there is no such role. */
int sts_role_find(struct api_call *call, struct str arn, const struct iam_role_row **ret);
/* The role as what a decision is about: its trust policy rules. */
struct api_resource sts_role_resource(struct api_call *call, struct str arn,
                                      const struct iam_role_row *role);
/* How long a session of the role lasts, or the fault. */
int sts_role_seconds(struct api_call *call, const struct iam_role_row *role, struct opt_i64 want,
                     bool chained, int64_t *ret);
/* AssumedRoleUser of a session of the role. */
struct sts_AssumedRoleUser *sts_assumed_user(struct api_call *call,
                                             const struct iam_role_row *role, struct str name);
