/*
 * The vCPU quotas: which of them the instances of a family count in, and what AWS calls them.  EC2
 * holds them, Service Quotas shows and raises them; values that were set are rows of the latter.
 */
#pragma once

#include "base/str.h"

enum {
    QUOTAS_MAX = 16,
    /*
     * AWS gives a new account 5 vCPUs of the standard families and 0 of others.  Nobody pays for
     * these: the default leaves room for 100,000 instances, and `welkin up --vcpu-limit` lowers it.
     */
    QUOTA_DEFAULT = 1000000,
    QUOTA_VALUE_MAX = 10000000,
};

struct quota {
    const char *code, *name;
    const char *families; /* patterns, a blank between */
};

/* Sorted by code. */
extern const struct quota quotas[];
extern const unsigned n_quotas;

const struct quota *quota_find(struct str code);
/* The one that a family counts in; never NULL. */
const struct quota *quota_of_family(struct str family);
