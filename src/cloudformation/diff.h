/* What an update would do to a stack's resources: what a change set shows. */
#pragma once

#include "cloudformation/engine.h"

/* What is asked about a nested stack, its properties given as far as they are known. */
struct cfn_diff_nested {
    /* ret_changes: false when it stays as it is.  0 or negative. */
    int (*fn)(void *ctx, struct str logical, const struct json *props, struct json *change,
              bool *ret_changes);
    void *ctx;
};

/*
 * The changes from the resources that there are to what `look` wants: a list of Change as
 * DescribeChangeSet has them.  0, 1 with look->scope.wrong, negative.  hook NULL: what a nested
 * stack does is not looked at.
 */
int cfn_diff(struct cfn_look *look, const struct cfn_stack_row *before,
             const struct cfn_diff_nested *hook, struct json *ret);
