/* In what properties as they are differ from what a template wants.  Pure. */
#pragma once

#include "cloudformation/tree.h"

/*
 * The differences of `actual` from `expected`, a list of PropertyDifference: only what is expected
 * is looked at; the order of lists does not count.
 */
struct json
cfn_differences(struct arena *a, const struct json *expected, const struct json *actual);

/* Whether all that is expected is there. */
bool cfn_covers(const struct json *expected, const struct json *actual);
