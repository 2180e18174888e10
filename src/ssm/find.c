/* From a name to a version: the newest, that of a number, or that of a label. */
#include "ssm/ssm.h"

static int
bad_name(struct api_call *call)
{
    return api_fault(
        call, &SSM_ERR(ValidationException),
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as "
        "a path, it can consist of sub-paths divided by slash symbol; each sub-path can "
        "be formed as a mix of letters, numbers and the following 3 symbols .-_");
}

int
ssm_name_read(struct api_call *call, struct str text, struct ssm_name *ret)
{
    if (!ssm_name_parse(call->arena, text, call->account, call->region, ret))
        return api_fault(call, &SSM_ERR(ValidationException),
                         "Invalid parameter name. Please use correct syntax for referencing a "
                         "version/label  <name>:<version>/<label>");
    /* the rest of a secret's name is Secrets Manager's to judge */
    if (!ssm_path_is_good(ret->path) && !str_starts(ret->path, S(SSM_SECRETS)))
        return bad_name(call);
    return 0;
}

int
ssm_not_found(struct api_call *call)
{
    return api_fault(call, &SSM_ERR(ParameterNotFound), "%s", "");
}

int
ssm_row_find(struct api_call *call, const struct ssm_name *name,
             const struct ssm_parameter_row **ret)
{
    const struct ssm_parameter_row *row =
        ssm_parameter_get(call->txn, ssm_name_key(call->arena, name));

    /* an ARN of another region is of no use here */
    if (!row || !str_eq(row->region, call->region))
        return ssm_not_found(call);
    *ret = row;
    ssm_parameter_assert(row);
    return 0;
}

/* ---- versions ---- */

struct str
ssm_version_key(struct arena *a, const struct ssm_parameter_row *row, int64_t version)
{
    assert(version >= 0 && version <= row->version);
    return str_fmt(a, "%.*s:%012lld", STR_ARG(row->id), (long long)version);
}

struct store_cursor
ssm_versions_old(struct arena *a, struct txn *txn, const struct ssm_parameter_row *row)
{
    struct store_cursor c = store_seek(txn, &ssm_version_by_key, NULL, 0);

    store_from(&c, STORE_KEYS(ssm_version_key(a, row, 0)));
    return c;
}

const struct ssm_version_row *
ssm_version_old_next(struct store_cursor *c, const struct ssm_parameter_row *row)
{
    const struct ssm_version_row *old = ssm_version_by_key_next(c);

    return old && str_eq(old->parameter, row->id) ? old : NULL;
}

struct ssm_version_row
ssm_version_newest(const struct ssm_parameter_row *row)
{
    return (struct ssm_version_row){
        .parameter = row->id,
        .version = row->version,
        .type = row->type,
        .value = row->value,
        .key_id = row->key_id,
        .data_type = row->data_type,
        .tier = row->tier,
        .description = row->description,
        .pattern = row->pattern,
        .modified_ms = row->modified_ms,
        .modified_by = row->modified_by,
        .labels = row->labels,
        .policies = row->policies,
        .policies_done = row->policies_done,
    };
}

bool
ssm_version_numbered(struct api_call *call, const struct ssm_parameter_row *row, int64_t version,
                     struct ssm_version_row *ret)
{
    const struct ssm_version_row *old;

    if (version == row->version) {
        *ret = ssm_version_newest(row);
        return true;
    }
    if (version < row->oldest || version > row->version)
        return false;
    old = ssm_version_get(call->txn, ssm_version_key(call->arena, row, version));
    assert(old);
    ssm_version_assert(row, old);
    *ret = *old;
    return true;
}

bool
ssm_version_labelled(struct api_call *call, const struct ssm_parameter_row *row, struct str label,
                     struct ssm_version_row *ret)
{
    assert(label.n > 0);
    if (str_in(&row->labels, label)) {
        *ret = ssm_version_newest(row);
        return true;
    }
    struct store_cursor c = ssm_versions_old(call->arena, call->txn, row);
    const struct ssm_version_row *old;

    while ((old = ssm_version_old_next(&c, row))) {
        ssm_version_assert(row, old);
        if (str_in(&old->labels, label)) {
            *ret = *old;
            return true;
        }
    }
    return false;
}

int
ssm_version_save(struct txn *txn, const struct ssm_parameter_row *row,
                 const struct ssm_version_row *version)
{
    struct ssm_parameter_row new = *row;

    ssm_version_assert(row, version);
    assert(str_eq(version->parameter, row->id));
    if (version->version != row->version)
        return ssm_version_update(txn, version);
    new.labels = version->labels;
    return ssm_parameter_update(txn, &new);
}

int
ssm_version_missing(struct api_call *call, struct str what, struct str name)
{
    int64_t version;

    assert(what.n > 0 && name.n > 0);
    if (ssm_selector_version(what, &version))
        return api_fault(call, &SSM_ERR(ParameterVersionNotFound),
                         "Systems Manager could not find version %.*s of %.*s. Verify the version "
                         "and try again.",
                         STR_ARG(what), STR_ARG(name));
    return api_fault(call, &SSM_ERR(ParameterVersionNotFound),
                     "Systems Manager could not find label %.*s for parameter %.*s. Verify the "
                     "label and try again.",
                     STR_ARG(what), STR_ARG(name));
}

/* ---- what a name stands for ---- */

struct ssm_found
ssm_found_of(struct api_call *call, const struct ssm_parameter_row *row,
             const struct ssm_version_row *version)
{
    size_t scope = row->account.n + 1 + row->region.n;
    struct str path = str_cut(row->id, scope, row->id.n);

    assert(path.n > 1 && path.p[0] == '/');
    return (struct ssm_found){
        .name = row->name,
        .arn = ssm_name_arn(call->arena, row->region, row->account, path),
        .version = *version,
        .open = !str_is(version->type, "SecureString"),
    };
}

static int
find_row(struct api_call *call, const struct ssm_name *name, struct ssm_found *ret)
{
    const struct ssm_parameter_row *row;
    struct ssm_version_row version;
    int64_t number;
    bool found;
    int r = ssm_row_find(call, name, &row);

    if (r)
        return r;
    if (!name->selector.p) {
        version = ssm_version_newest(row);
        found = true;
    } else if (ssm_selector_version(name->selector, &number)) {
        found = ssm_version_numbered(call, row, number, &version);
    } else {
        found = ssm_version_labelled(call, row, name->selector, &version);
    }
    if (!found)
        return ssm_version_missing(call, name->selector, row->name);
    *ret = ssm_found_of(call, row, &version);
    /* what is shared is known by its ARN only */
    if (!str_eq(row->account, call->account))
        ret->name = ret->arn;
    return 0;
}

/* Public parameters have one version here, and no labels. */
static int
find_public(struct api_call *call, const struct ssm_name *name, struct ssm_found *ret)
{
    int64_t number;

    if (!ssm_public_get(call, name->path, ret))
        return ssm_not_found(call);
    if (name->selector.p &&
        (!ssm_selector_version(name->selector, &number) || number != ret->version.version))
        return ssm_version_missing(call, name->selector, ret->name);
    return 0;
}

int
ssm_find(struct api_call *call, struct str text, bool decrypt, struct ssm_found *ret)
{
    struct ssm_name name;
    int r = ssm_name_read(call, text, &name);

    if (r)
        return r;
    if (str_starts(name.path, S(SSM_SECRETS)))
        r = ssm_secret_find(call, &name, decrypt, ret);
    else if (ssm_public_is(name.path))
        r = find_public(call, &name, ret);
    else
        r = find_row(call, &name, ret);
    if (r == 0 && name.selector.p)
        ret->selector = str_cat(call->arena, S(":"), name.selector);
    assert(r != 0 || (ret->arn.n > 0 && ret->version.type.n > 0));
    return r;
}

int
ssm_show(struct api_call *call, const struct ssm_found *found, bool decrypt,
         struct ssm_Parameter *ret)
{
    const struct ssm_version_row *v = &found->version;
    struct str value = v->value;
    int r = found->open || !decrypt ? 0 : ssm_open(call, found->arn, v->value, &value);

    if (r)
        return r;
    *ret = (struct ssm_Parameter){
        .name = found->name,
        .type = v->type,
        .value = value,
        .version = opt_i64(v->version),
        .selector = found->selector,
        .source_result = found->source_result,
        .last_modified_date = opt_i64(v->modified_ms),
        .arn = found->arn,
        .data_type = v->data_type,
    };
    return 0;
}
