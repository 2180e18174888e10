/*
 * GetParametersByPath.  Keys of rows are paths, so all below a path is a range of the keys; what is
 * directly below it is an index.  A page reads what it shows and what its filters leave out.
 */
#include "ssm/ssm.h"

enum { PAGE_MAX = 10, LOOKS_MAX = 10000 };

struct walk {
    struct api_call *call;
    struct ssm_GetParametersByPathResult *res;
    struct str folder; /* "/a/b" without a slash at its end; "" of "/" */
    bool recursive, decrypt;
    struct ssm_filters filters;
    struct api_page page;
};

static int
path_read(struct api_call *call, struct str path, struct str *ret)
{
    bool ok = path.n && path.p[0] == '/';

    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    ok = ok && (path.n == 1 || ssm_path_is_good(path));
    if (!ok)
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "The parameter doesn't meet the parameter name requirements. The parameter "
            "name must begin with a forward slash \"/\". It can't be prefixed with "
            "\"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, "
            "or the following symbols: . (period), - (hyphen), _ (underscore). Special "
            "characters are not allowed. All sub-paths, if specified, must use the "
            "forward slash symbol \"/\". Valid example: "
            "/get/parameters2-/by1./path0_.");
    if (ssm_path_is_reserved(path) && !ssm_public_is(path))
        return api_fault(
            call, &SSM_ERR(ValidationException),
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" "
            "(case-insensitive). When using global parameters, please specify within a "
            "global namespace.");
    *ret = path.n == 1 ? S("") : path;
    assert(path.p[0] == '/');
    return 0;
}

/* ---- rows ---- */

/* The version that a filter by label means; else the newest. */
static bool
version_of(struct walk *w, const struct ssm_parameter_row *row, struct ssm_version_row *ret)
{
    assert(w->filters.n == 0 || w->filters.v);
    for (size_t i = 0; i < w->filters.n; i++) {
        const struct ssm_filter *filter = &w->filters.v[i];

        if (filter->key != SSM_BY_LABEL)
            continue;
        for (size_t k = 0; k < filter->values.n; k++)
            if (ssm_version_labelled(w->call, row, filter->values.v[k], ret))
                return true;
        return false;
    }
    *ret = ssm_version_newest(row);
    return true;
}

static int
take(struct walk *w, const struct ssm_parameter_row *row)
{
    struct ssm_version_row version;

    if (!version_of(w, row, &version) || !ssm_filters_match(&w->filters, row, &version) ||
        !api_page_take(&w->page, row->id))
        return 0;
    struct ssm_found found = ssm_found_of(w->call, row, &version);

    return ssm_show(w->call, &found, w->decrypt, LIST_PUSH(w->call->arena, &w->res->parameters));
}

/* AWS too ends a page early when it has looked at much and found little. */
static bool
is_tired(struct walk *w, unsigned looks, struct str id)
{
    if (looks < LOOKS_MAX || w->page.more)
        return w->page.more;
    w->page.more = true;
    w->page.last = id;
    return true;
}

static int
rows(struct walk *w)
{
    struct api_call *call = w->call;
    struct str above = str_fmt(call->arena, "%.*s/%.*s%.*s", STR_ARG(call->account),
                               STR_ARG(call->region), STR_ARG(w->folder));
    struct str first = w->page.after.p ? w->page.after : str_cat(call->arena, above, S("/"));
    struct store_cursor c =
        w->recursive ? store_seek(call->txn, &ssm_parameter_by_key, NULL, 0)
                     : store_seek(call->txn, &ssm_parameter_by_parent, STORE_KEYS(above));
    const struct ssm_parameter_row *row;
    unsigned looks = 0;
    int r = 0;

    store_after(&c, STORE_KEYS(first));
    while (r == 0 && (row = store_next(&c)) && str_starts(row->id, above) &&
           row->id.p[above.n] == '/') {
        assert(row->id.n > above.n);
        r = take(w, row);
        if (is_tired(w, ++looks, row->id))
            break;
    }
    return r;
}

/* ---- public parameters ---- */

static int
publics(struct walk *w)
{
    struct str folder = str_cat(w->call->arena, w->folder, S("/"));
    struct str from = w->page.after.p ? w->page.after : folder;
    struct ssm_found found;

    if (w->filters.n)
        return api_fault(w->call, &SSM_ERR(ValidationException),
                         "ParameterFilters can't be used with public parameters.");
    assert(folder.n > 1 && folder.p[folder.n - 1] == '/');
    while (!w->page.more && ssm_public_next(w->call, from, true, &found) &&
           str_starts(found.name, folder)) {
        from = found.name;
        assert(str_cmp(found.name, folder) > 0);
        if (!w->recursive &&
            str_find_char(str_cut(found.name, folder.n, found.name.n), '/') != SIZE_MAX)
            continue;
        if (!api_page_take(&w->page, found.name))
            continue;
        int r =
            ssm_show(w->call, &found, w->decrypt, LIST_PUSH(w->call->arena, &w->res->parameters));

        if (r)
            return r;
    }
    return 0;
}

int
ssm_get_parameters_by_path(struct api_call *call, const struct ssm_GetParametersByPathRequest *req,
                           struct ssm_GetParametersByPathResult *res)
{
    struct walk w = {
        .call = call,
        .res = res,
        .recursive = opt_bool_or(req->recursive, false),
        .decrypt = opt_bool_or(req->with_decryption, false),
    };
    int r = path_read(call, str_trim(req->path), &w.folder);

    if (r == 0)
        r = ssm_filters_read(call, &req->parameter_filters, true, &w.filters);
    if (r == 0)
        r = ssm_page_open(call, req->next_token, req->max_results, PAGE_MAX, &w.page);
    if (r == 0)
        r = ssm_public_is(w.folder) ? publics(&w) : rows(&w);
    if (r)
        return r;
    API_PRESENT(&res->parameters);
    res->next_token = ssm_page_next(call, &w.page);
    return 0;
}
