/* Stack policies: which resources an update may touch, and how. */
#pragma once

#include "cloudformation/tree.h"

#define CFN_POLICY_BYTES_MAX 16384

/* Absent, or what is wrong with the text of a policy. */
struct str cfn_policy_check(struct arena *a, struct str text);
/*
 * Whether an update may do `action` ("Update:Modify", "Update:Replace", "Update:Delete") to a
 * resource.  Absent: it may, or there is no policy; else AWS's sentence.
 */
struct str cfn_policy_denies(struct arena *a, struct str text, const char *action,
                             struct str logical, struct str type);
