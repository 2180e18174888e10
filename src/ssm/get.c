/* GetParameter, GetParameters, GetParameterHistory. */
#include <stdlib.h>

#include "ssm/ssm.h"

enum { HISTORY_PAGE = 50 };

int
ssm_get_parameter(struct api_call *call, const struct ssm_GetParameterRequest *req,
                  struct ssm_GetParameterResult *res)
{
    bool decrypt = opt_bool_or(req->with_decryption, false);
    struct ssm_found found;
    int r = ssm_find(call, req->name, decrypt, &found);

    if (r)
        return r;
    res->parameter = ARENA_NEW(call->arena, struct ssm_Parameter);
    return ssm_show(call, &found, decrypt, res->parameter);
}

static int
by_name(const void *a, const void *b)
{
    return str_cmp(((const struct ssm_Parameter *)a)->name,
                   ((const struct ssm_Parameter *)b)->name);
}

/* Names that stand for nothing are told, not refused. */
static bool
is_missing(const struct api_call *call)
{
    assert(call->fault.code.n > 0);
    return str_is(call->fault.code, "ParameterNotFound") ||
           str_is(call->fault.code, "ParameterVersionNotFound");
}

int
ssm_get_parameters(struct api_call *call, const struct ssm_GetParametersRequest *req,
                   struct ssm_GetParametersResult *res)
{
    bool decrypt = opt_bool_or(req->with_decryption, false);

    for (size_t i = 0; i < req->names.n; i++) {
        struct ssm_Parameter shown;
        struct ssm_found found;
        int r = ssm_find(call, req->names.v[i], decrypt, &found);

        if (r > 0 && is_missing(call)) {
            *LIST_PUSH(call->arena, &res->invalid_parameters) = req->names.v[i];
            continue;
        }
        if (r == 0)
            r = ssm_show(call, &found, decrypt, &shown);
        if (r)
            return r;
        *LIST_PUSH(call->arena, &res->parameters) = shown;
    }
    if (res->parameters.n)
        qsort(res->parameters.v, res->parameters.n, sizeof(*res->parameters.v), by_name);
    API_PRESENT(&res->parameters);
    API_PRESENT(&res->invalid_parameters);
    return 0;
}

/* ---- history ---- */

static int
history_show(struct api_call *call, const struct ssm_parameter_row *row,
             const struct ssm_version_row *v, bool decrypt, struct ssm_ParameterHistory *ret)
{
    struct ssm_found found = ssm_found_of(call, row, v);
    struct ssm_Parameter shown;
    int r = ssm_show(call, &found, decrypt, &shown);

    ssm_version_assert(row, v);
    if (r)
        return r;
    *ret = (struct ssm_ParameterHistory){
        .name = found.name,
        .type = v->type,
        .key_id = v->key_id.n ? v->key_id : STR_NONE,
        .last_modified_date = opt_i64(v->modified_ms),
        .last_modified_user = v->modified_by,
        .description = v->description.n ? v->description : STR_NONE,
        .value = shown.value,
        .allowed_pattern = v->pattern.n ? v->pattern : STR_NONE,
        .version = opt_i64(v->version),
        .labels = v->labels,
        .tier = v->tier,
        .policies = ssm_policies_show(call->arena, v->policies, v->policies_done),
        .data_type = v->data_type,
    };
    API_PRESENT(&ret->labels);
    return 0;
}

int
ssm_get_parameter_history(struct api_call *call, const struct ssm_GetParameterHistoryRequest *req,
                          struct ssm_GetParameterHistoryResult *res)
{
    bool decrypt = opt_bool_or(req->with_decryption, false);
    const struct ssm_parameter_row *row;
    struct ssm_version_row v;
    struct ssm_name name;
    struct api_page page;
    int r = ssm_name_read(call, req->name, &name);

    if (r == 0)
        r = ssm_row_find(call, &name, &row);
    if (r == 0)
        r = ssm_page_open(call, req->next_token, req->max_results, HISTORY_PAGE, &page);
    if (r)
        return r;
    for (int64_t n = row->oldest; n <= row->version && !page.more; n++) {
        bool there = ssm_version_numbered(call, row, n, &v);

        assert(there);
        (void)there;
        if (!api_page_take(&page, str_fmt(call->arena, "%012lld", (long long)n)))
            continue;
        r = history_show(call, row, &v, decrypt, LIST_PUSH(call->arena, &res->parameters));
        if (r)
            return r;
    }
    API_PRESENT(&res->parameters);
    res->next_token = ssm_page_next(call, &page);
    return 0;
}
