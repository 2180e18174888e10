/* Labels: names of versions.  A label is on one version of a parameter at most, so it moves. */
#include "ssm/ssm.h"

static int
own_row(struct api_call *call, struct str text, const struct ssm_parameter_row **ret)
{
    struct ssm_name name;
    int r = ssm_name_read(call, text, &name);

    if (r == 0)
        r = ssm_row_find(call, &name, ret);
    /* what is shared is only read by others */
    if (r == 0 && !str_eq((*ret)->account, call->account))
        r = ssm_not_found(call);
    return r;
}

static int
find_version(struct api_call *call, const struct ssm_parameter_row *row, int64_t number,
             struct ssm_version_row *ret)
{
    if (ssm_version_numbered(call, row, number, ret))
        return 0;
    return ssm_version_missing(call, str_fmt(call->arena, "%lld", (long long)number), row->name);
}

static struct str_list
without(struct arena *a, const struct str_list *labels, const struct str_list *gone)
{
    struct str_list left = {NULL, 0};

    for (size_t i = 0; i < labels->n; i++)
        if (!str_in(gone, labels->v[i]))
            *LIST_PUSH(a, &left) = labels->v[i];
    assert(left.n <= labels->n);
    return left;
}

/* Takes the labels from all versions but one. */
static int
take_away(struct api_call *call, const struct ssm_parameter_row *row, int64_t but,
          const struct str_list *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        struct ssm_version_row other;

        if (!ssm_version_labelled(call, row, labels->v[i], &other) || other.version == but)
            continue;
        other.labels = without(call->arena, &other.labels, labels);
        int r = ssm_version_save(call->txn, row, &other);

        if (r)
            return r;
        row = ssm_parameter_get(call->txn, row->id);
        assert(row);
    }
    return 0;
}

/* What of the labels is good, and what is not. */
static void
sort_out(struct arena *a, const struct str_list *labels, struct str_list *good,
         struct str_list *bad)
{
    for (size_t i = 0; i < labels->n; i++) {
        struct str_list *to = ssm_label_is_good(labels->v[i]) ? good : bad;

        if (!str_in(to, labels->v[i]))
            *LIST_PUSH(a, to) = labels->v[i];
    }
}

static int
put_on(struct api_call *call, const struct ssm_parameter_row *row, struct ssm_version_row *v,
       const struct str_list *labels)
{
    struct str_list all = without(call->arena, &v->labels, labels);

    assert(labels->n > 0);
    for (size_t i = 0; i < labels->n; i++)
        *LIST_PUSH(call->arena, &all) = labels->v[i];
    if (all.n > SSM_LABELS_MAX)
        return api_fault(call, &SSM_ERR(ParameterVersionLabelLimitExceeded),
                         "An error occurred (ParameterVersionLabelLimitExceeded) when calling the "
                         "LabelParameterVersion operation: A parameter version can have maximum 10 "
                         "labels.Move one or more labels to another version and try again.");
    v->labels = all;
    ssm_version_assert(row, v);
    int r = take_away(call, row, v->version, labels);

    if (r == 0)
        r = ssm_version_save(call->txn, ssm_parameter_get(call->txn, row->id), v);
    return r < 0 ? error_origin(-r, "labels of %.*s cannot be written", STR_ARG(row->id)) : r;
}

int
ssm_label_parameter_version(struct api_call *call,
                            const struct ssm_LabelParameterVersionRequest *req,
                            struct ssm_LabelParameterVersionResult *res)
{
    const struct ssm_parameter_row *row;
    struct str_list good = {NULL, 0};
    struct ssm_version_row v;
    int r = own_row(call, req->name, &row);

    if (r == 0)
        r = find_version(call, row, opt_i64_or(req->parameter_version, row->version), &v);
    if (r)
        return r;
    sort_out(call->arena, &req->labels, &good, &res->invalid_labels);
    if (good.n)
        r = put_on(call, row, &v, &good);
    if (r == 0 && good.n)
        r = ssm_change_tell(call, row, "LabelParameterVersion", &good, NULL);
    API_PRESENT(&res->invalid_labels);
    res->parameter_version = opt_i64(v.version);
    return r;
}

int
ssm_unlabel_parameter_version(struct api_call *call,
                              const struct ssm_UnlabelParameterVersionRequest *req,
                              struct ssm_UnlabelParameterVersionResult *res)
{
    const struct ssm_parameter_row *row;
    struct ssm_version_row v;
    int r = own_row(call, req->name, &row);

    if (r == 0)
        r = find_version(call, row, req->parameter_version.v, &v);
    if (r)
        return r;
    for (size_t i = 0; i < req->labels.n; i++)
        *LIST_PUSH(call->arena, str_in(&v.labels, req->labels.v[i]) ? &res->removed_labels
                                                                    : &res->invalid_labels) =
            req->labels.v[i];
    v.labels = without(call->arena, &v.labels, &req->labels);
    r = ssm_version_save(call->txn, row, &v);
    API_PRESENT(&res->removed_labels);
    API_PRESENT(&res->invalid_labels);
    return r < 0 ? error_origin(-r, "labels of %.*s cannot be written", STR_ARG(row->id)) : 0;
}
