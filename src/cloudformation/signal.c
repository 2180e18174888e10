/* Signals: what cfn-signal says of a resource that waits for it, and how it is told of. */
#include "cloudformation/own.h"
#include "cloudformation/roll.h"
#include "cloudformation/stack.h"

#define INVALID(...) api_fault(call, &CFN_ERR(ValidationError), __VA_ARGS__)

int
cfn_signals_tell(struct cfn_look *look, struct cfn_resource_row *row, int64_t *ret_good,
                 int64_t *ret_bad)
{
    const struct json *type = cfn_type(row->type);
    const char *status = row->touched == CFN_MADE ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS";
    int r = 0;

    assert(str_eq(row->stack, look->stack.id));
    *ret_good = *ret_bad = 0;
    STORE_EACH(look->call->txn, cfn_signal_by_resource, signal, row->key) {
        struct cfn_signal_row told = *signal;
        struct str reason =
            str_fmt(look->call->arena, "Received %s signal with UniqueId %.*s",
                    signal->success ? "SUCCESS" : "FAILURE", STR_ARG(signal->unique_id));

        *ret_good += signal->success;
        *ret_bad += !signal->success;
        if (signal->told)
            continue;
        told.told = true;
        r = cfn_signal_update(look->call->txn, &told);
        /* of a group some may fail */
        if (r == 0 && !signal->success && !json_get(type, "Rolling")) {
            row->phase = CFN_FAILED;
            status = row->touched == CFN_MADE ? "CREATE_FAILED" : "UPDATE_FAILED";
        }
        if (r == 0)
            r = cfn_resource_status(look, row, status, reason);
        if (r < 0 || row->phase == CFN_FAILED)
            break;
    }
    return r;
}

/* Whether it waits for signals: of its creation, or of a rolling update. */
static bool
waits(struct api_call *call, const struct cfn_resource_row *row)
{
    struct cfn_roll roll;

    assert(row->count >= 0);
    if (row->phase == CFN_STARTED && row->count)
        return true;
    return (row->phase == CFN_STARTED || row->phase == CFN_BACK) &&
           cfn_roll_read(call->arena, row->rolling, &roll) && roll.waits;
}

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
    if (stack->stage != CFN_CREATE && stack->stage != CFN_UPDATE && stack->stage != CFN_REVERT)
        return INVALID("Stack:%.*s is in %.*s state and can not be signaled", STR_ARG(stack->id),
                       STR_ARG(stack->status));
    if (!waits(call, row))
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
