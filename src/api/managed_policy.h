/*
 * AWS's own managed policies (arn:aws:iam::aws:policy/…), as they are compiled in from
 * data/managed_policies.  Both IAM's operations and authorization look them up; they are no rows,
 * never change while the daemon runs, and cost nothing to find: everything is in read-only data.
 */
#pragma once

#include "base/str.h"

struct managed_policy {
    /* "arn:aws:iam::aws:policy/service-role/X", "X", "/service-role/" */
    struct str arn, name, path;
    struct str id, version;     /* "ANPA…", "v3": the only version that is kept */
    struct str document;        /* JSON */
    int64_t created_ms, updated_ms;
};

/* The policy of that ARN; *ret is written only when there is one. */
bool managed_policy_find(struct str arn, struct managed_policy *ret);

/* All of them, in order of their ARNs. */
const struct managed_policy *managed_policy_all(size_t *ret_n);
