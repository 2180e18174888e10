/*
 * Compiled policies, so that a decision parses nothing.  An entry is found by a short name that
 * the caller makes from the row's key; the text that it was compiled from is kept and compared, so
 * a row that changed under the same name is noticed and nothing needs to be told.
 */
#pragma once

#include "base/map.h"
#include "policy/policy.h"

enum { POLICY_CACHE_MAX_BYTES = 32 << 20 };

struct policy_entry;
struct policy_cache {
    struct map map;
    struct policy_entry *newest, *oldest;
    struct policy_entry *stale; /* replaced, but somebody may still use them */
    size_t bytes;
};

void policy_cache_init(struct policy_cache *cache, uint64_t seed);
void policy_cache_done(struct policy_cache *cache);

/*
 * The policy compiled.  *ret is good until policy_cache_trim().  0; -EINVAL: it is malformed,
 * which IAM lets nobody save, so it is ours; -ENOMEM.
 */
int policy_cache_get(struct policy_cache *cache, struct arena *a, struct str name,
                     enum policy_kind kind, struct str json, const struct policy **ret);

/* Frees what is stale, and the longest unused while there is more than the maximum.  For the
 * beginning of a call, when nobody has a policy in hand. */
void policy_cache_trim(struct policy_cache *cache, size_t max_bytes);
