/*
 * Policies of parameters: what shall happen to one, or be told of it, at a time.  Pure.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
 *
 *   [{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-12-02T21:34:33.000Z"}},
 *    {"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"15","Unit":"Days"}},
 *    {"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Hours"}}]
 */
#pragma once

#include "base/str.h"

enum { SSM_POLICIES_MAX = 10 };

enum ssm_policy_kind { SSM_EXPIRATION, SSM_EXPIRATION_NOTIFICATION, SSM_NO_CHANGE_NOTIFICATION };

struct ssm_policy {
    enum ssm_policy_kind kind;
    struct str type; /* as it is written */
    struct str text; /* the policy's own JSON, without blanks */
    int64_t at_ms;   /* of an Expiration */
    int64_t span_ms; /* before it, or after the last change */
};

struct ssm_policies {
    struct ssm_policy v[SSM_POLICIES_MAX];
    size_t n; /* 0: "[]" and "[{}]" take all policies away */
};

enum ssm_policy_error {
    SSM_POLICY_OK,
    SSM_POLICY_MALFORMED,
    SSM_POLICY_TOO_MANY,
    SSM_POLICY_TYPE,
    SSM_POLICY_ATTRIBUTE,
    SSM_POLICY_INCOMPATIBLE,
};

/* *ret_why is a sentence for the caller when the text is refused. */
enum ssm_policy_error
ssm_policies_parse(struct arena *a, struct str text, struct ssm_policies *ret, struct str *ret_why);

/* When a policy is due, for a parameter that was changed at modified_ms. */
int64_t ssm_policy_due_ms(const struct ssm_policies *policies, size_t i, int64_t modified_ms);
/* The first that has not done its work (bits of `done`); 0: none. */
int64_t ssm_policies_due_ms(const struct ssm_policies *policies, int64_t done, int64_t modified_ms);
