/*
 * The quotas: which of them the instances of a family count in (vCPUs), and the volumes of a type
 * (TiB), that of Elastic IPs, and what AWS calls them.  EC2 holds them, Service Quotas shows and
 * raises them; values that were set are rows of the latter.
 */
#pragma once

#include "base/str.h"

enum {
    QUOTAS_MAX = 32,
    /*
     * AWS gives a new account 5 vCPUs of the standard families and 0 of others, and 50 TiB of most
     * volume types.  Nobody pays for these: the default leaves room for 100,000 instances, and
     * `welkin up --vcpu-limit` and `--storage-limit` lower it.
     */
    QUOTA_DEFAULT = 1000000,
    QUOTA_VALUE_MAX = 10000000,
};

struct quota {
    const char *service; /* ec2, ebs */
    const char *code, *name;
    const char *families;    /* of vCPUs: patterns, a blank between; or NULL */
    const char *volume_type; /* of storage; or NULL */
    int64_t otherwise;       /* the value that nobody has set */
};

#define QUOTA_ELASTIC_IPS "L-0263D0A3"

/* By service, then sorted by code. */
extern const struct quota quotas[];
extern const unsigned n_quotas;

const struct quota *quota_find(struct str code);
/* The one that a family counts in; never NULL. */
const struct quota *quota_of_family(struct str family);
/* The one that volumes of a type of EBS count in; never NULL. */
const struct quota *quota_of_volume(struct str type);
