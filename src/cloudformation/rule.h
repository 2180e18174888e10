/* The Rules of a template: what must hold of its parameters before anything is made. */
#pragma once

#include "cloudformation/function.h"

/* Absent, or what is wrong with the section's form: of a template alone. */
struct str cfn_rules_check(struct arena *a, const struct json *root);
/* Whether all hold in a scope with the values of parameters.  False: scope->wrong. */
bool cfn_rules(struct cfn_scope *scope);
