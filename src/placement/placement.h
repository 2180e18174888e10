/*
 * Where an instance runs: one pure module that knows the hardware (model.h) and what occupies it,
 * and answers a host or the reason why there is none.  It reads no clock, no rows and no
 * randomness: the same questions in the same order have the same answers.
 *
 * What holds, whatever is asked (tests/unit/test_placement.c tries):
 *   - no host holds more processors or memory than it has, nor two families at once;
 *   - a spread group has at most 7 instances a zone, no two of them in one rack;
 *   - two partitions of a group share no rack: partition p of n has the racks whose number is
 *     p - 1 modulo n, so nothing needs to be kept to hold this;
 *   - a cluster is within one zone, and within one rack of it;
 *   - a host with a dedicated instance holds instances of one account only;
 *   - a Dedicated Host holds only what names it;
 *   - nothing is put where a fault is.
 *
 * Nobody asks for two at once: placement_find() decides, placement_add() takes the place.
 *
 * Places have names: "us-east-1a/r3/h12" is the twelfth host in the third rack of a zone.
 */
#pragma once

#include "placement/model.h"

enum {
    PLACEMENT_SPREAD_MAX = 7, /* of a spread group in a zone */
    PLACEMENT_PARTITIONS_MAX = 7,
    PLACEMENT_PATH_BYTES = 64,
};

enum placement_strategy {
    PLACEMENT_NO_GROUP,
    PLACEMENT_CLUSTER,
    PLACEMENT_SPREAD,
    PLACEMENT_PARTITION,
};

enum placement_tenancy {
    PLACEMENT_SHARED,
    PLACEMENT_DEDICATED, /* no other account on its host */
    PLACEMENT_ON_HOST,   /* on the Dedicated Host at want.host */
    PLACEMENT_WHOLE,     /* the whole of a host that is empty: a Dedicated Host */
};

/* What is looked for, or what is there. */
struct placement_want {
    struct str zone;
    struct str account;
    struct str family; /* of the instance type */
    unsigned vcpus, memory_mib;
    enum placement_tenancy tenancy;
    struct str host;  /* with PLACEMENT_ON_HOST */
    struct str group; /* empty: none */
    enum placement_strategy strategy;
    unsigned n_partitions; /* of a partition group */
    unsigned partition;    /* from 1; 0: the one that has the fewest */
};

enum placement_answer {
    PLACEMENT_FOUND,
    PLACEMENT_NO_ROOM,     /* no host has so much left */
    PLACEMENT_SPREAD_FULL, /* seven of the group run in the zone, or no further rack is free */
    PLACEMENT_OTHER_ZONE,  /* the cluster runs in another */
    PLACEMENT_HOST_FULL,   /* the Dedicated Host, or another family runs there */
};

struct placement_spot {
    char path[PLACEMENT_PATH_BYTES];
    unsigned partition; /* 0: of no partition group */
};

struct placement;

/* The model must outlive it.  NULL: no memory. */
struct placement *placement_new(const struct region_model *model);
struct placement *placement_free(struct placement *p);

enum placement_answer
placement_find(struct placement *p, const struct placement_want *want, struct placement_spot *ret);
/* How many like it there is room for, counting up to max; for wants without a group. */
unsigned placement_room(struct placement *p, const struct placement_want *want, unsigned max);

/*
 * Takes or gives back the place `path`.  What counts of the want is all but zone, host, strategy
 * and partitions, which the place implies.  Rows are the truth: what they say is counted even
 * where the model, which the operator may have made smaller, has no such host (false then).
 */
bool placement_add(struct placement *p, struct str path, const struct placement_want *want);
bool placement_remove(struct placement *p, struct str path, const struct placement_want *want);

/* A fault of the zone, rack or host at `path` begins or ends; several may be at one place. */
bool placement_fault(struct placement *p, struct str path, bool on);

/* Whether the model has such a zone, rack or host. */
bool placement_known(struct placement *p, struct str path);

/* For those who show the hardware. */
struct placement_host {
    const struct model_kind *kind;
    struct str family; /* of what runs there; empty: nothing does */
    unsigned vcpus_used, memory_used_mib, n;
    bool whole; /* it is a Dedicated Host */
    bool fault; /* of itself, its rack or its zone */
};
/* NULL when the model has no such zone. */
const struct model_zone *placement_zone(struct placement *p, struct str zone);
bool placement_host(struct placement *p, struct str path, struct placement_host *ret);

/* The rack of a host's path: "us-east-1a/r3". */
struct str placement_rack_of(struct str path);
struct str placement_zone_of(struct str path);
