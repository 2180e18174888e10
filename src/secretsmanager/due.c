/*
 * What happens to secrets by itself, on the cloud's clock: they go at the end of their recovery
 * window.  As in KMS, all that is due is done before a call, in a transaction of its own.
 */
#include "secretsmanager/secretsmanager.h"

enum { SECRETS_A_CALL_MAX = 1000 };

static const struct secret_row *
first_due(struct api_call *call)
{
    struct store_cursor c = store_seek(call->txn, &secret_by_due, NULL, 0);

    store_from(&c, STORE_KEYS((int64_t)1)); /* 0 is never */
    const struct secret_row *row = secret_by_due_next(&c);

    assert(!row || row->deletion_ms > 0);
    return row && row->deletion_ms <= call->now_ms ? row : NULL;
}

bool
secret_due_needed(struct api_call *call)
{
    return first_due(call) != NULL;
}

int
secret_due(struct api_call *call)
{
    const struct secret_row *row;
    int r = 0;

    for (size_t i = 0; r == 0 && i < SECRETS_A_CALL_MAX && (row = first_due(call)); i++)
        r = secret_remove(call->txn, row);
    return r;
}
