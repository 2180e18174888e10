/* What an update would do to a stack's resources: what a change set shows. */
#pragma once

#include "cloudformation/engine.h"

/*
 * The changes from the resources that there are to what `look` wants: a list of Change as
 * DescribeChangeSet has them.  0, 1 with look->scope.wrong, negative.
 */
int cfn_diff(struct cfn_look *look, const struct cfn_stack_row *before, struct json *ret);
