/*
 * The Rules of a template: what must hold of its parameters before anything is made.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
 */
#pragma once

#include "cloudformation/function.h"

/*
 * Absent, or what is wrong: an assertion does not hold, or a rule is malformed.  The scope knows
 * the parameters.
 */
struct str cfn_rules(struct cfn_scope *scope, const struct json *root);
