/*
 * Parameters of a stack: what the caller gave, what the template asks for, and what comes of it.
 *
 * A stack keeps them as JSON: {NAME: {"Given": TEXT, "Resolved": TEXT}}; Resolved is what an SSM
 * parameter held when it was looked up.
 */
#pragma once

#include "api/api.h"
#include "cloudformation/function.h"
#include "cloudformation/tree.h"

struct cfn_given {
    struct str key, value;
    bool previous; /* UsePreviousValue */
};
struct cfn_givens {
    struct cfn_given *v;
    size_t n;
    bool later; /* CFN_KNOWN_LATER is as good as a value: nothing is made of it */
};

/* What stands for a value that only making something tells. */
#define CFN_KNOWN_LATER "{{changeSet:KNOWN_AFTER_APPLY}}"

/*
 * Checks and resolves all of them as the caller.  `before`: those of the stack so far, or NULL.
 * 0, positive with `wrong` set (ValidationError), negative.
 */
int cfn_parameters(struct api_call *call, const struct json *root, const struct cfn_givens *given,
                   const struct json *before, struct json *ret, struct str *ret_wrong);

/* Puts kept parameters into the values of a scope: texts, and lists where the type is one. */
void cfn_parameters_put(struct cfn_scope *scope, const struct json *params);
bool cfn_parameter_is_secret(const struct json *root, struct str name);
