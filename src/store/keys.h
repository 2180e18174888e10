/* Keys that the cloud makes for itself, once, and keeps sealed. */
#pragma once

#include "codec/identity.h"
#include "store/store.h"

#define STORE_KEY_BYTES 32

/* The key of that name; made from the world's randomness when there is none.  0 or -errno. */
int store_key_load(struct store *store, struct env *env, const char *name,
                   uint8_t ret[STORE_KEY_BYTES]);

/* What identity documents are signed with; made when there is nothing yet.  0 or -errno. */
int store_identity_load(struct store *store, struct env *env, struct identity **ret);
/* The certificates of it, PEM, in the order of enum identity_kind; empty before it was made. */
struct str store_identity_certificates(struct txn *txn);
