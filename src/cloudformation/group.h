/* Policies of resources that are groups of instances: creation and update. */
#pragma once

#include "cloudformation/engine.h"
#include "cloudformation/roll.h"

/* UpdatePolicy of a resource as it is resolved; an empty object: none. False: scope->wrong. */
bool cfn_update_policy(struct cfn_scope *scope, const struct json *resource, struct json *ret);
/* False: scope->wrong says what is wrong with CreationPolicy or UpdatePolicy. */
bool cfn_group_policies(struct cfn_scope *scope, struct str name, const struct json *resource);
/* Whether a changed group is made anew: WillReplace, and what instances are made of changed. */
int cfn_group_replaced(struct cfn_look *look, const struct cfn_run *run,
                       const struct json *resource, bool *ret);
/* MinSuccessfulInstancesPercent of CreationPolicy. False: it is not well-formed. */
bool cfn_creation_percent(const struct json *policy, int64_t *ret);
