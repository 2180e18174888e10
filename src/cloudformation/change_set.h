/*
 * Change sets, and those of nested stacks: with IncludeNestedStacks each of them gets one, a tree
 * of rows that is executed and deleted at its root.
 */
#pragma once

#include "cloudformation/stack.h"

/*
 * What a set would do to the stack `before` when it is to be `after`: changes, imports, status
 * and reason of `row`, and with row->nested the sets of nested stacks, written.  req: of an
 * import, else NULL.  0, positive with a fault, negative.
 */
int cfn_change_set_work_out(struct api_call *call,
                            const struct cloudformation_CreateChangeSetInput *req,
                            const struct cfn_stack_row *before, const struct cfn_stack_row *after,
                            struct cfn_change_set_row *row);
/* The row of a set that is new: what `after` is to be. */
struct cfn_change_set_row cfn_change_set_new(struct api_call *call, struct str name,
                                             struct str kind, const struct cfn_stack_row *after);
/* A stack that there is to look at its change set only: written, with its event. */
int cfn_change_set_review(struct api_call *call, struct cfn_stack_row *row);
/* Of a nested stack, when its parent's set is executed and it has one to execute; or NULL. */
const struct cfn_change_set_row *cfn_change_set_nested(struct cfn_look *look, struct str logical);
int cfn_change_set_executed(struct txn *txn, const struct cfn_change_set_row *row);
/* Deletes it with all below it, and the stacks that were only made for those. */
int cfn_change_set_drop(struct api_call *call, const struct cfn_change_set_row *row);
/* Nested stacks that the operation which ends did not come to. */
int cfn_change_set_drop_unmade(struct cfn_look *look);

/* ---- nested.c ---- */

/* What the properties of a nested stack ask for. */
struct cfn_wish {
    struct cloudformation_ParameterList parameters;
    struct cloudformation_TagList tags;
    struct str_list notify;
    struct cfn_submission in;
};

void cfn_wish_of(struct cfn_look *look, const struct json *props, struct cfn_wish *ret);
struct str cfn_nested_name(struct cfn_look *look, struct str logical);
