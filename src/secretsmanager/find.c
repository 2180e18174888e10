/* From what a caller calls a secret to its row, and the end of all its rows. */
#include "secretsmanager/secretsmanager.h"

/* "arn:aws:secretsmanager:REGION:ACCOUNT:secret:REST" into its parts. */
static bool
arn_split(struct str arn, struct str *region, struct str *account, struct str *rest)
{
    struct str s = arn, head = str_split(&s, ':'), partition = str_split(&s, ':');
    struct str service = str_split(&s, ':');

    *region = str_split(&s, ':');
    *account = str_split(&s, ':');
    struct str type = str_split(&s, ':');

    *rest = s;
    return str_is(head, "arn") && str_is(partition, "aws") && str_is(service, "secretsmanager") &&
           str_is(type, "secret") && rest->n;
}

static const struct secret_row *
look_up(struct api_call *call, struct str id)
{
    struct str region, account, rest;
    const struct secret_row *row;

    if (!str_starts(id, S("arn:")))
        return secret_by_name_get(call->txn, call->account, call->region, id);
    if (!arn_split(id, &region, &account, &rest) || !str_eq(region, call->region))
        return NULL;
    row = secret_get(call->txn, id);
    assert(!row || str_eq(row->region, region));
    /* a partial ARN ends in the name */
    return row ? row : secret_by_name_get(call->txn, account, region, rest);
}

const struct secret_row *
secret_named(struct api_call *call, struct str id)
{
    const struct secret_row *row = look_up(call, id);

    /* a call inside another's transaction may come before what was due was done */
    return row && row->deletion_ms && row->deletion_ms <= call->now_ms ? NULL : row;
}

int
secret_find(struct api_call *call, struct str id, unsigned allow, const struct secret_row **ret)
{
    const struct secret_row *row = secret_named(call, id);

    if (!row)
        return api_fault(call, &SECRET_ERR(ResourceNotFoundException),
                         "Secrets Manager can't find the specified secret.");
    if (row->deletion_ms && !(allow & SECRET_WHILE_DELETED))
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You can't perform this operation on the secret because it was marked for "
                         "deletion.");
    if (row->primary_region.n && !(allow & SECRET_REPLICA_TOO))
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "Operation not permitted on a replica secret. Call must be made in "
                         "primary secret's region.");
    secret_assert(row);
    *ret = row;
    return 0;
}

struct str
secret_arn_in(struct arena *a, const struct secret_row *row, struct str region)
{
    struct str old_region, account, rest;
    bool whole = arn_split(row->arn, &old_region, &account, &rest);

    assert(whole && str_eq(old_region, row->region));
    return str_fmt(a, "arn:aws:secretsmanager:%.*s:%.*s:secret:%.*s", STR_ARG(region),
                   STR_ARG(account), STR_ARG(rest));
}

int
secret_remove(struct txn *txn, const struct secret_row *row)
{
    int r = secret_delete(txn, row->arn);

    STORE_EACH(txn, secret_version_of_secret, version, row->arn) {
        assert(str_eq(version->arn, row->arn));
        if (r == 0)
            r = secret_version_delete(txn, version->id);
    }
    STORE_EACH(txn, secret_replica_of_secret, replica, row->arn) {
        assert(!row->primary_region.n); /* replicas have none */
        if (r == 0)
            r = secret_replica_delete(txn, replica->id);
    }
    if (r == 0 && secret_rotation_get(txn, row->arn))
        r = secret_rotation_delete(txn, row->arn);
    return r < 0 ? error_origin(-r, "%.*s cannot be deleted", STR_ARG(row->arn)) : 0;
}
