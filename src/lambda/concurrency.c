/*
 * How many invocations of a function there may be at once: what it has reserved of the account's,
 * which is then nobody else's; all others share what is left.
 */
#include "lambda/runner.h"

enum { UNRESERVED_MIN = 100 };

int64_t
lambda_reserved(struct api_call *call, struct str account, struct str region,
                struct str_list *ret_names)
{
    struct store_cursor c =
        store_seek(call->txn, &lambda_function_by_reserved, STORE_KEYS(account, region));
    const struct lambda_function_row *row;
    int64_t sum = 0;

    store_from(&c, STORE_KEYS((int64_t)LAMBDA_RESERVED(0)));
    while ((row = lambda_function_by_reserved_next(&c))) {
        assert(row->reserved >= LAMBDA_RESERVED(0) && row->number == 0);
        sum += row->reserved - LAMBDA_RESERVED(0);
        if (ret_names)
            *LIST_PUSH(call->arena, ret_names) = row->name;
    }
    return sum;
}

/* A change that gives the function no new revision: its environments stay. */
static int
reserve(struct api_call *call, const struct lambda_function_row *latest, int64_t reserved)
{
    struct lambda_function_row row = *latest;

    row.reserved = reserved;
    lambda_function_assert(&row);
    return lambda_function_update(call->txn, &row);
}

int
lambda_put_function_concurrency(struct api_call *call,
                                const struct lambda_PutFunctionConcurrencyRequest *req,
                                struct lambda_Concurrency *res)
{
    const struct lambda_function_row *latest;
    struct lambda_name name;
    int64_t wanted = req->reserved_concurrent_executions.v;
    int r = lambda_find_plain(call, req->function_name, &name, &latest);

    if (r)
        return r;
    assert(wanted >= 0);
    int64_t others = lambda_reserved(call, name.account, name.region, NULL) -
                     (latest->reserved ? latest->reserved - LAMBDA_RESERVED(0) : 0);

    if (wanted > 0 && wanted > LAMBDA_CONCURRENT_MAX - UNRESERVED_MIN - others)
        return lambda_bad(call,
                          "Specified ReservedConcurrentExecutions for function decreases account's "
                          "UnreservedConcurrentExecution below its minimum value of [%d].",
                          UNRESERVED_MIN);
    res->reserved_concurrent_executions = opt_i64(wanted);
    return reserve(call, latest, LAMBDA_RESERVED(wanted));
}

int
lambda_delete_function_concurrency(struct api_call *call,
                                   const struct lambda_DeleteFunctionConcurrencyRequest *req,
                                   struct lambda_DeleteFunctionConcurrencyResult *res UNUSED)
{
    const struct lambda_function_row *latest;
    struct lambda_name name;
    int r = lambda_find_plain(call, req->function_name, &name, &latest);

    return r ? r : reserve(call, latest, 0);
}

int
lambda_get_function_concurrency(struct api_call *call,
                                const struct lambda_GetFunctionConcurrencyRequest *req,
                                struct lambda_GetFunctionConcurrencyResponse *res)
{
    const struct lambda_function_row *latest;
    struct lambda_name name;
    int r = lambda_find_plain(call, req->function_name, &name, &latest);

    if (r == 0 && latest->reserved)
        res->reserved_concurrent_executions = opt_i64(latest->reserved - LAMBDA_RESERVED(0));
    return r;
}
