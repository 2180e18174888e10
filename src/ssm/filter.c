/*
 * Filters of DescribeParameters and GetParametersByPath.  All must hold, of each any value; an
 * option says how a value is compared.  What they have in common at the front of names bounds the
 * walk, so that a filter by name or path does not look at every parameter of the account.
 */
#include "ssm/ssm.h"

struct key {
    const char *name;
    enum ssm_filter_key key;
    bool in_describe, in_path;
};

static const struct key keys[] = {
    {"Path", SSM_BY_PATH, true, false},          {"Name", SSM_BY_NAME, true, false},
    {"Type", SSM_BY_TYPE, true, true},           {"KeyId", SSM_BY_KEY_ID, true, true},
    {"Tier", SSM_BY_TIER, true, false},          {"Label", SSM_BY_LABEL, false, true},
    {"DataType", SSM_BY_DATA_TYPE, true, false},
};

static const struct {
    const char *name;
    enum ssm_filter_option option;
} options[] = {
    {"Equals", SSM_EQUALS},      {"BeginsWith", SSM_BEGINS_WITH}, {"Contains", SSM_CONTAINS},
    {"OneLevel", SSM_ONE_LEVEL}, {"Recursive", SSM_RECURSIVE},
};

static int
key_read(struct api_call *call, struct str name, bool by_path, struct ssm_filter *ret)
{
    if (!by_path && str_starts(name, S("tag:"))) {
        ret->key = SSM_BY_TAG;
        ret->tag = str_cut(name, 4, name.n);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_is(name, keys[i].name) && (by_path ? keys[i].in_path : keys[i].in_describe)) {
            ret->key = keys[i].key;
            return 0;
        }
    return api_fault(call, &SSM_ERR(InvalidFilterKey),
                     "The following filter key is not valid: %.*s. Valid filter keys include: %s.",
                     STR_ARG(name), by_path ? "[Type, KeyId]" : "[Path, Name, Type, KeyId, Tier]");
}

static int
option_read(struct api_call *call, struct str name, struct ssm_filter *ret)
{
    bool path = ret->key == SSM_BY_PATH, known = false;

    ret->option = path ? SSM_ONE_LEVEL : SSM_EQUALS;
    for (size_t i = 0; i < ARRAY_LEN(options) && name.n; i++)
        if (str_is(name, options[i].name)) {
            ret->option = options[i].option;
            known = true;
        }
    bool fits = path ? ret->option >= SSM_ONE_LEVEL
                     : ret->option == SSM_EQUALS ||
                           (ret->option == SSM_BEGINS_WITH && ret->key != SSM_BY_LABEL) ||
                           (ret->option == SSM_CONTAINS && ret->key == SSM_BY_NAME);

    if ((known || !name.n) && fits)
        return 0;
    return api_fault(call, &SSM_ERR(InvalidFilterOption),
                     "The following filter option is not valid: %.*s. Valid options include: %s.",
                     STR_ARG(name),
                     path                      ? "[Recursive, OneLevel]"
                     : ret->key == SSM_BY_NAME ? "[BeginsWith, Equals, Contains]"
                                               : "[BeginsWith, Equals]");
}

static int
value_refuse(struct api_call *call, struct str value, const char *valid)
{
    assert(valid && valid[0] == '[');
    return api_fault(call, &SSM_ERR(InvalidFilterValue),
                     "The following filter value is not valid: %.*s. Valid values include: %s.",
                     STR_ARG(value), valid);
}

static int
path_check(struct api_call *call, struct str value)
{
    if (str_is(value, "/"))
        return 0;
    if (value.n && value.p[0] == '/' && ssm_path_is_reserved(value))
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" "
            "(case-insensitive). When using global parameters, please specify within a "
            "global namespace.");
    if (value.n > 1 && value.p[value.n - 1] == '/')
        value.n--;
    if (ssm_path_is_good(value))
        return 0;
    return api_fault(
        call, &SSM_ERR(ValidationException),
        "The parameter doesn't meet the parameter name requirements. The parameter name "
        "must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or "
        "\"ssm\" (case-insensitive). It must use only letters, numbers, or the "
        "following symbols: . (period), - (hyphen), _ (underscore). Special characters "
        "are not allowed. All sub-paths, if specified, must use the forward slash "
        "symbol \"/\". Valid example: /get/parameters2-/by1./path0_.");
}

static int
value_check(struct api_call *call, const struct ssm_filter *filter, struct str value)
{
    switch (filter->key) {
    case SSM_BY_PATH:
        return path_check(call, value);
    case SSM_BY_TYPE:
        if (filter->option == SSM_BEGINS_WITH || str_is(value, "String") ||
            str_is(value, "StringList") || str_is(value, "SecureString"))
            return 0;
        return value_refuse(call, value, "[String, StringList, SecureString]");
    case SSM_BY_TIER:
        if (str_is(value, "Standard") || str_is(value, "Advanced") ||
            str_is(value, "Intelligent-Tiering"))
            return 0;
        return value_refuse(call, value, "[Standard, Advanced, Intelligent-Tiering]");
    default:
        return 0;
    }
}

static int
filter_read(struct api_call *call, const struct ssm_ParameterStringFilter *from, bool by_path,
            struct ssm_filter *ret)
{
    int r = key_read(call, from->key, by_path, ret);

    if (r == 0)
        r = option_read(call, from->option, ret);
    if (r)
        return r;
    ret->values = from->values;
    assert(ret->key != SSM_BY_PATH || ret->option >= SSM_ONE_LEVEL);
    /* a tag without a value asks whether there is one of that key */
    if (!ret->values.n && ret->key != SSM_BY_TAG)
        return api_fault(call, &SSM_ERR(InvalidFilterValue),
                         "The following filter values are missing : null for filter key %.*s.",
                         STR_ARG(from->key));
    for (size_t i = 0; i < ret->values.n && r == 0; i++)
        r = value_check(call, ret, ret->values.v[i]);
    return r;
}

int
ssm_filters_read(struct api_call *call, const struct ssm_ParameterStringFilterList *list,
                 bool by_path, struct ssm_filters *ret)
{
    *ret = (struct ssm_filters){NULL, 0};
    for (size_t i = 0; i < list->n; i++) {
        struct ssm_filter filter = {.tag = STR_NONE};
        int r = filter_read(call, &list->v[i], by_path, &filter);

        if (r)
            return r;
        for (size_t k = 0; k < ret->n; k++)
            if (ret->v[k].key == filter.key && str_eq(ret->v[k].tag, filter.tag))
                return api_fault(call, &SSM_ERR(InvalidFilterKey),
                                 "The following filter is duplicated in the request: %.*s. A "
                                 "request can contain only one occurrence of a specific filter.",
                                 STR_ARG(list->v[i].key));
        *LIST_PUSH(call->arena, ret) = filter;
    }
    return 0;
}

/* ---- matching ---- */

static struct str
path_of(const struct ssm_parameter_row *row)
{
    assert(row->id.n > row->account.n + 1 + row->region.n);
    return str_cut(row->id, row->account.n + 1 + row->region.n, row->id.n);
}

/* "/a/b" of "/a/b/", "" of "/". */
static struct str
folder_of(struct str path)
{
    return path.n && path.p[path.n - 1] == '/' ? str_cut(path, 0, path.n - 1) : path;
}

static bool
is_below(struct str path, struct str folder, bool recursive)
{
    folder = folder_of(folder);
    assert(folder.n == 0 || folder.p[folder.n - 1] != '/');
    if (!str_starts(path, folder) || path.n <= folder.n + 1 || path.p[folder.n] != '/')
        return false;
    return recursive || str_find_char(str_cut(path, folder.n + 1, path.n), '/') == SIZE_MAX;
}

static bool
compare(const struct ssm_filter *filter, struct str has, struct str value)
{
    switch (filter->option) {
    case SSM_EQUALS:
        return str_eq(has, value);
    case SSM_BEGINS_WITH:
        return str_starts(has, value);
    case SSM_CONTAINS:
        return str_find(has, value) != SIZE_MAX;
    case SSM_ONE_LEVEL:
    case SSM_RECURSIVE:
        return is_below(has, value, filter->option == SSM_RECURSIVE);
    }
    assert(!"an option of another kind");
    return false;
}

/* "b" and "/b" are the same name. */
static struct str
without_slash(struct str name)
{
    return str_cut(name, name.n && name.p[0] == '/', name.n);
}

static bool
name_matches(const struct ssm_filter *filter, struct str path, struct str value)
{
    if (filter->option == SSM_CONTAINS)
        return compare(filter, path, value);
    return compare(filter, without_slash(path), without_slash(value));
}

static bool
any(const struct ssm_filter *filter, struct str has)
{
    for (size_t i = 0; i < filter->values.n; i++)
        if (compare(filter, has, filter->values.v[i]))
            return true;
    return false;
}

static bool
tag_matches(const struct ssm_filter *filter, const struct str_list *tags)
{
    assert(tags->n % 2 == 0 && filter->key == SSM_BY_TAG);
    for (size_t i = 0; i < tags->n; i += 2)
        if (str_eq(tags->v[i], filter->tag))
            return !filter->values.n || any(filter, tags->v[i + 1]);
    return false;
}

static bool
matches(const struct ssm_filter *filter, const struct ssm_parameter_row *row,
        const struct ssm_version_row *v)
{
    switch (filter->key) {
    case SSM_BY_NAME:
        for (size_t i = 0; i < filter->values.n; i++)
            if (name_matches(filter, path_of(row), filter->values.v[i]))
                return true;
        return false;
    case SSM_BY_PATH:
        return any(filter, path_of(row));
    case SSM_BY_TYPE:
        return any(filter, v->type);
    case SSM_BY_KEY_ID:
        return v->key_id.n && any(filter, v->key_id);
    case SSM_BY_TIER:
        return any(filter, v->tier);
    case SSM_BY_DATA_TYPE:
        return any(filter, v->data_type);
    case SSM_BY_TAG:
        return tag_matches(filter, &row->tags);
    case SSM_BY_LABEL:
        for (size_t i = 0; i < v->labels.n; i++)
            if (str_in(&filter->values, v->labels.v[i]))
                return true;
        return false;
    }
    assert(!"a key of another kind");
    return false;
}

bool
ssm_filters_match(const struct ssm_filters *filters, const struct ssm_parameter_row *row,
                  const struct ssm_version_row *version)
{
    for (size_t i = 0; i < filters->n; i++)
        if (!matches(&filters->v[i], row, version))
            return false;
    return true;
}

struct str
ssm_filters_prefix(struct arena *a, const struct ssm_filters *filters)
{
    for (size_t i = 0; i < filters->n; i++) {
        const struct ssm_filter *filter = &filters->v[i];

        if (filter->values.n != 1 || filter->option == SSM_CONTAINS)
            continue;
        if (filter->key == SSM_BY_NAME)
            return str_cat(a, S("/"), without_slash(filter->values.v[0]));
        if (filter->key == SSM_BY_PATH)
            return str_cat(a, folder_of(filter->values.v[0]), S("/"));
    }
    return S("/");
}
