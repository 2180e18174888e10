/* Function URLs: what is said of them.  url_serve.c answers at them. */
#include "lambda/lambda.h"

#include "base/timefmt.h"

enum { ID_BYTES = 32 };

static const struct lambda_url_row *
of_name(struct api_call *call, const struct lambda_name *name)
{
    struct str qualifier = name->qualifier.p ? name->qualifier : S(LAMBDA_LATEST);

    return lambda_url_by_function_get(call->txn, name->account, name->region, name->name,
                                      qualifier);
}

/* The function and its URL; *ret NULL: it has none. */
static int
find(struct api_call *call, struct str function, struct str qualifier, struct lambda_name *name,
     const struct lambda_url_row **ret)
{
    const struct lambda_function_row *version;
    int r = lambda_name_read(call, function, qualifier, name);

    if (r == 0)
        r = lambda_find_version(call, name, false, &version);
    if (r == 0)
        *ret = of_name(call, name);
    return r;
}

/* The same for who needs one. */
static int
find_one(struct api_call *call, struct str function, struct str qualifier, struct lambda_name *name,
         const struct lambda_url_row **ret)
{
    int r = find(call, function, qualifier, name, ret);

    return r == 0 && !*ret ? lambda_no_resource(call) : r;
}

/* ---- CORS ---- */

static void
take_cors(const struct lambda_Cors *cors, struct lambda_url_row *row)
{
    assert(!row->cors || row->id.n);
    if (!cors)
        return;
    row->cors = true;
    row->credentials = opt_bool_or(cors->allow_credentials, false);
    row->origins = cors->allow_origins;
    row->methods = cors->allow_methods;
    row->headers = cors->allow_headers;
    row->exposed = cors->expose_headers;
    row->max_age = cors->max_age.set ? cors->max_age.v + 1 : 0;
}

static struct lambda_Cors *
show_cors(struct arena *a, const struct lambda_url_row *row)
{
    struct lambda_Cors *cors = row->cors ? ARENA_NEW(a, struct lambda_Cors) : NULL;

    assert(row->cors || !row->origins.n);
    if (!cors)
        return NULL;
    cors->allow_credentials = opt_bool(row->credentials);
    cors->allow_origins = row->origins;
    cors->allow_methods = row->methods;
    cors->allow_headers = row->headers;
    cors->expose_headers = row->exposed;
    if (row->max_age)
        cors->max_age = opt_i64(row->max_age - 1);
    return cors;
}

/* ---- in replies ---- */

static void
show(struct api_call *call, const struct lambda_url_row *row, struct lambda_FunctionUrlConfig *out)
{
    struct arena *a = call->arena;
    bool latest = str_is(row->qualifier, LAMBDA_LATEST);
    const struct lambda_name name = {row->account, row->region, row->function,
                                     latest ? STR_NONE : row->qualifier};

    assert(row->id.n == ID_BYTES);
    *out = (struct lambda_FunctionUrlConfig){
        .function_url = str_fmt(a, "https://%.*s" LAMBDA_URL_LABEL "%.*s" LAMBDA_URL_TOP "/",
                                STR_ARG(row->id), STR_ARG(row->region)),
        .function_arn = lambda_arn(a, &name),
        .auth_type = row->auth,
        .cors = show_cors(a, row),
        .creation_time = time_iso(a, row->created_ms),
        .last_modified_time = time_iso(a, row->modified_ms),
        .invoke_mode = S("BUFFERED"),
    };
}

/* What the reply of each operation on one has of it. */
#define URL_MEMBERS(shown)                                                                         \
    .function_url = (shown).function_url, .function_arn = (shown).function_arn,                    \
    .auth_type = (shown).auth_type, .cors = (shown).cors, .creation_time = (shown).creation_time,  \
    .invoke_mode = (shown).invoke_mode

static int
mode_check(struct api_call *call, struct str mode)
{
    if (!mode.p || str_is(mode, "BUFFERED"))
        return 0;
    return lambda_unsupported(call, "InvokeMode of other than BUFFERED");
}

/* ---- the operations ---- */

static struct str
new_id(struct api_call *call)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t random[ID_BYTES];
    char *id = arena_alloc_raw(call->arena, ID_BYTES);

    call->env->random(call->env, random, sizeof(random));
    for (size_t i = 0; i < ID_BYTES; i++)
        id[i] = letters[random[i] % 32];
    return str_of(id, ID_BYTES);
}

int
lambda_create_function_url_config(struct api_call *call,
                                  const struct lambda_CreateFunctionUrlConfigRequest *req,
                                  struct lambda_CreateFunctionUrlConfigResponse *res)
{
    const struct lambda_url_row *old;
    struct lambda_FunctionUrlConfig shown;
    struct lambda_name name;
    int r = mode_check(call, req->invoke_mode);

    if (r == 0)
        r = find(call, req->function_name, req->qualifier, &name, &old);
    if (r)
        return r;
    if (old)
        return api_fault(call, &LAMBDA_ERR(ResourceConflictException),
                         "Failed to create function url config for [functionArn = %.*s]. Error "
                         "message:  FunctionUrlConfig exists for this Lambda function",
                         STR_ARG(lambda_arn(call->arena, &name)));
    struct lambda_url_row row = {
        .id = new_id(call),
        .account = name.account,
        .region = name.region,
        .function = name.name,
        .qualifier = name.qualifier.p ? name.qualifier : S(LAMBDA_LATEST),
        .auth = req->auth_type,
        .created_ms = call->now_ms,
        .modified_ms = call->now_ms,
    };

    take_cors(req->cors, &row);
    r = lambda_url_insert(call->txn, &row);
    show(call, &row, &shown);
    *res = (struct lambda_CreateFunctionUrlConfigResponse){
        URL_MEMBERS(shown),
    };
    return r;
}

int
lambda_update_function_url_config(struct api_call *call,
                                  const struct lambda_UpdateFunctionUrlConfigRequest *req,
                                  struct lambda_UpdateFunctionUrlConfigResponse *res)
{
    const struct lambda_url_row *old;
    struct lambda_FunctionUrlConfig shown;
    struct lambda_name name;
    int r = mode_check(call, req->invoke_mode);

    if (r == 0)
        r = find_one(call, req->function_name, req->qualifier, &name, &old);
    if (r)
        return r;
    struct lambda_url_row row = *old;

    if (req->auth_type.p)
        row.auth = req->auth_type;
    take_cors(req->cors, &row);
    row.modified_ms = call->now_ms;
    assert(row.modified_ms >= row.created_ms);
    r = lambda_url_update(call->txn, &row);
    show(call, &row, &shown);
    *res = (struct lambda_UpdateFunctionUrlConfigResponse){
        URL_MEMBERS(shown),
        .last_modified_time = shown.last_modified_time,
    };
    return r;
}

int
lambda_get_function_url_config(struct api_call *call,
                               const struct lambda_GetFunctionUrlConfigRequest *req,
                               struct lambda_GetFunctionUrlConfigResponse *res)
{
    const struct lambda_url_row *row;
    struct lambda_FunctionUrlConfig shown;
    struct lambda_name name;
    int r = find_one(call, req->function_name, req->qualifier, &name, &row);

    if (r)
        return r;
    show(call, row, &shown);
    *res = (struct lambda_GetFunctionUrlConfigResponse){
        URL_MEMBERS(shown),
        .last_modified_time = shown.last_modified_time,
    };
    return 0;
}

int
lambda_delete_function_url_config(struct api_call *call,
                                  const struct lambda_DeleteFunctionUrlConfigRequest *req,
                                  struct lambda_DeleteFunctionUrlConfigResult *res UNUSED)
{
    const struct lambda_url_row *row;
    struct lambda_name name;
    int r = find_one(call, req->function_name, req->qualifier, &name, &row);

    return r ? r : lambda_url_delete(call->txn, row->id);
}

int
lambda_list_function_url_configs(struct api_call *call,
                                 const struct lambda_ListFunctionUrlConfigsRequest *req,
                                 struct lambda_ListFunctionUrlConfigsResponse *res)
{
    struct lambda_name name;
    struct api_page page;
    int r = lambda_list_open(call, req->function_name, req->marker, req->max_items, &name, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_url_by_function, row, name.account, name.region, name.name) {
        if (api_page_take(&page, row->qualifier))
            show(call, row, LIST_PUSH(call->arena, &res->function_url_configs));
        if (page.more)
            break;
    }
    API_PRESENT(&res->function_url_configs);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

int
lambda_urls_drop(struct api_call *call, const struct lambda_name *name, bool all)
{
    int r = 0;

    STORE_EACH(call->txn, lambda_url_by_function, row, name->account, name->region, name->name)
        if (r >= 0 && (all || str_eq(row->qualifier, name->qualifier)))
            r = lambda_url_delete(call->txn, row->id);
    return r;
}
