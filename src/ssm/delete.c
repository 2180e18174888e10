/* DeleteParameter, DeleteParameters: a parameter goes with all its versions. */
#include "ssm/ssm.h"

int
ssm_parameter_remove(struct txn *txn, const struct ssm_parameter_row *row)
{
    CLEANUP(arena_done) struct arena arena;
    bool advanced = str_is(row->tier, "Advanced");
    const struct ssm_version_row *old;
    int r = 0;

    ssm_parameter_assert(row);
    arena_init(&arena, 4 << 10);
    struct store_cursor c = ssm_versions_old(&arena, txn, row);

    while (r == 0 && (old = ssm_version_old_next(&c, row))) {
        assert(old->version >= row->oldest && old->version < row->version);
        r = ssm_version_delete(txn, old->id);
    }
    if (r == 0)
        r = ssm_account_count(txn, row->account, row->region, -!advanced, -advanced);
    if (r == 0)
        r = ssm_parameter_delete(txn, row->id);
    return r;
}

/* Positive when there is none; the name of what may be deleted is no selector of a version. */
static int
delete_named(struct api_call *call, struct str text)
{
    const struct ssm_parameter_row *row;
    struct ssm_name name;
    int r = ssm_name_read(call, text, &name);

    if (r)
        return r;
    if (name.selector.p)
        return ssm_not_found(call);
    r = ssm_row_find(call, &name, &row);
    if (r == 0 && !str_eq(row->account, call->account))
        r = ssm_not_found(call);
    if (r == 0)
        r = ssm_parameter_remove(call->txn, row);
    return r ? r : ssm_change_tell(call, row, "Delete", NULL, NULL);
}

int
ssm_delete_parameter(struct api_call *call, const struct ssm_DeleteParameterRequest *req,
                     struct ssm_DeleteParameterResult *res UNUSED)
{
    return delete_named(call, req->name);
}

int
ssm_delete_parameters(struct api_call *call, const struct ssm_DeleteParametersRequest *req,
                      struct ssm_DeleteParametersResult *res)
{
    for (size_t i = 0; i < req->names.n; i++) {
        int r = delete_named(call, req->names.v[i]);

        if (r < 0)
            return r;
        *LIST_PUSH(call->arena, r ? &res->invalid_parameters : &res->deleted_parameters) =
            req->names.v[i];
    }
    API_PRESENT(&res->deleted_parameters);
    API_PRESENT(&res->invalid_parameters);
    return 0;
}
