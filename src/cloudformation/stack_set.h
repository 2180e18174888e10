/*
 * Stack sets: one template for many accounts and regions.
 *
 * A call writes an operation with its targets, each an account and a region; the engine
 * (stack_set_engine.c) carries it out as it carries out stacks, level-triggered, a transaction a
 * look.  In a target it acts as AWS does: CloudFormation assumes the administration role, and as
 * that role the execution role of the account.
 */
#pragma once

#include "cloudformation/engine.h"

#define CFN_SET_ADMIN_ROLE "AWSCloudFormationStackSetAdministrationRole"
#define CFN_SET_EXEC_ROLE "AWSCloudFormationStackSetExecutionRole"

/* ---- stack_set.c ---- */

/* By name or NAME:UUID, in the call's account and region; NULL: there is none. */
const struct cfn_stack_set_row *cfn_set_find(struct api_call *call, struct str name);
/* The same, and StackSetNotFoundException; refuses what needs Organizations. */
int cfn_set_need(struct api_call *call, struct str name, struct str call_as,
                 const struct cfn_stack_set_row **ret);
int cfn_set_resource(struct api_call *call, struct str id, struct api_resource *ret);
/*
 * Parameters as they are given, {NAME: TEXT}; UsePreviousValue takes that of `before`.
 * 0, positive with the fault, negative.
 */
int cfn_set_params(struct api_call *call, const struct cloudformation_ParameterList *given,
                   const struct json *before, const struct json *root, struct json *ret);
/* As replies show them: without secrets. */
void cfn_set_show_params(struct api_call *call, struct str template, struct str params,
                         struct cloudformation_ParameterList *ret);
/* Pages of what is walked in the order of its keys. */
int cfn_set_page_open(struct api_call *call, struct str token, struct opt_i64 max,
                      struct api_page *ret);
struct str cfn_set_page_next(struct api_call *call, const struct api_page *page);
/* "Welkin does not implement the parameter …" */
int cfn_set_unreached(struct api_call *call, const char *name);

/* ---- stack_instance.c ---- */

/* StackInstanceNotFoundException. */
int cfn_set_no_instance(struct api_call *call, struct str account, struct str region);

/* ---- stack_set_operation.c ---- */

struct cfn_set_targets {
    const struct str_list *accounts, *regions;
    const struct cloudformation_DeploymentTargets *deployment;
};
struct cfn_set_request {
    const struct cfn_stack_set_row *set;
    const char *action;
    struct str id; /* OperationId; absent: one is made */
    const struct cloudformation_StackSetOperationPreferences *prefs;
    bool retain;
};

/* OperationInProgressException unless none runs. */
int cfn_set_idle(struct api_call *call, const struct cfn_stack_set_row *set);
/* Checks that none runs and that the preferences agree; *ret is not written yet. */
int cfn_set_operation_new(struct api_call *call, const struct cfn_set_request *req,
                          struct cfn_set_operation_row *ret);
/* Its accounts and regions, in their order. */
int cfn_set_operation_aim(struct api_call *call, struct cfn_set_operation_row *op,
                          const struct cloudformation_StackSetOperationPreferences *prefs,
                          const struct cfn_set_targets *targets);
/* One more target, of the account and region with these places in its lists. */
int cfn_set_operation_add(struct api_call *call, const struct cfn_set_operation_row *op,
                          size_t region, size_t account);
/* Writes it: the engine begins. */
int cfn_set_operation_begin(struct api_call *call, const struct cfn_set_operation_row *op);
struct str cfn_set_key(struct arena *a, struct str owner, struct str account, struct str region);

/* ---- stack_set_engine.c ---- */

/* A look at each operation that runs, as AWS's service.  Whether something came further. */
bool cfn_sets_look(struct api *api, struct store *store, struct arena *arena);
