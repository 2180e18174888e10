/*
 * The quotas of EC2 that can be raised: those of vCPUs, which the instances of some families count
 * in, and that of Elastic IPs.  EC2 holds them, Service Quotas shows and raises them; values that
 * were set are rows of the latter.
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
    const char *families; /* patterns, a blank between; NULL: it is not of vCPUs */
    int64_t otherwise;    /* the value that nobody has set */
};

#define QUOTA_ELASTIC_IPS "L-0263D0A3"

/* Sorted by code. */
extern const struct quota quotas[];
extern const unsigned n_quotas;

const struct quota *quota_find(struct str code);
/* The one that a family counts in; never NULL. */
const struct quota *quota_of_family(struct str family);
