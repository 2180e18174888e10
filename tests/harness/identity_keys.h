/* Keys that sign identity documents, for tests; they take a while to make. */
#pragma once

#include "codec/identity.h"
#include "harness/harness.h"

/* The caller frees it with identity_free(). */
static inline struct identity *
identity_for_test(void)
{
    struct str private_keys, certificates;
    struct identity *id;

    CHECK_INT(identity_make(test_arena(), 0, &private_keys, &certificates), 0);
    CHECK_INT(identity_open(&id, private_keys, certificates), 0);
    return id;
}
