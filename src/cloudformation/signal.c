/* SignalResource: what cfn-signal says of a resource that waits for it. */
#include "cloudformation/stack.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

int
cfn_signal_resource(struct api_call *call, const struct cloudformation_SignalResourceInput *req,
                    struct cloudformation_SignalResourceResult *res UNUSED)
{
    const struct cfn_stack_row *stack;
    const struct cfn_resource_row *row;
    int r = cfn_need(call, req->stack_name, &stack);

    if (r)
        return r;
    row = cfn_resource_get(call->txn,
                           cfn_resource_key(call->arena, stack->id, req->logical_resource_id));
    if (!row)
        return INVALID("Resource %.*s does not exist for stack %.*s",
                       STR_ARG(req->logical_resource_id), STR_ARG(stack->name));
    if (stack->stage != CFN_CREATE && stack->stage != CFN_UPDATE)
        return INVALID("Stack:%.*s is in %.*s state and can not be signaled", STR_ARG(stack->id),
                       STR_ARG(stack->status));
    if (row->phase != CFN_STARTED || !row->count)
        return INVALID("Resource %.*s is in %.*s state and can not be signaled",
                       STR_ARG(row->logical), STR_ARG(row->status));
    struct cfn_signal_row signal = {
        .key = str_fmt(call->arena, "%.*s/%.*s", STR_ARG(row->key), STR_ARG(req->unique_id)),
        .resource = row->key,
        .unique_id = req->unique_id,
        .success = str_is(req->status, "SUCCESS"),
        .at_ms = call->now_ms,
    };

    if (cfn_signal_get(call->txn, signal.key))
        return INVALID("Signal with ID %.*s for resource %.*s already exists. Signals may only be "
                       "updated with a FAILURE status.",
                       STR_ARG(req->unique_id), STR_ARG(row->logical));
    r = cfn_signal_insert(call->txn, &signal);
    return r < 0 ? error_origin(-r, "a signal of %.*s cannot be written", STR_ARG(row->key)) : 0;
}
