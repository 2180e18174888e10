/*
 * Layers: archives that several functions share.  A version is deleted by its owner when he likes;
 * functions that have it keep it, so its row and code stay, marked, until the last one is without.
 * Its policy is kept as functions' are, under the name "layer:NAME".
 */
#include "lambda/lambda.h"

#include "api/authorize.h"
#include "base/error.h"
#include "codec/json.h"

/* ---- names ---- */

/* NAME, or an ARN with or without a version. */
static bool
read_name(struct api_call *call, struct str text, struct lambda_name *ret)
{
    struct str parts[8] = {0};
    size_t n = 0;

    *ret = (struct lambda_name){.account = call->account, .region = call->region, .name = text};
    if (!str_starts(text, S("arn:")))
        return true;
    while (text.p && n < ARRAY_LEN(parts))
        parts[n++] = str_split(&text, ':');
    if (n < 7 || !str_is(parts[5], "layer"))
        return false;
    *ret = (struct lambda_name){parts[4], parts[3], parts[6], n > 7 ? parts[7] : STR_NONE};
    return true;
}

static struct str
layer_arn(struct arena *a, const struct lambda_name *name)
{
    assert(name->account.n && name->region.n && name->name.n);
    return str_fmt(a, "arn:aws:lambda:%.*s:%.*s:layer:%.*s%s%.*s", STR_ARG(name->region),
                   STR_ARG(name->account), STR_ARG(name->name), name->qualifier.p ? ":" : "",
                   STR_ARG(name->qualifier));
}

/* As its policy is kept. */
static struct lambda_name
policy_name(struct arena *a, const struct lambda_name *name)
{
    struct lambda_name of = *name;

    of.name = str_fmt(a, "layer:%.*s", STR_ARG(name->name));
    return of;
}

static struct lambda_name
name_of(struct arena *a, const struct lambda_layer_version_row *row)
{
    assert(row->number > 0 && row->code.n > 0);
    return (struct lambda_name){row->account, row->region, row->name,
                                str_fmt(a, "%lld", (long long)row->number)};
}

const struct lambda_layer_version_row *
lambda_layer_by_arn(struct txn *txn, struct arena *a, struct str arn)
{
    struct api_call nobody = {.arena = a};
    struct lambda_name name;

    if (!read_name(&nobody, arn, &name) || !name.qualifier.p || !name.account.n)
        return NULL;
    return lambda_layer_version_get(txn, lambda_key(a, &name, name.qualifier));
}

/* May the caller do that with the version?  Whether it is there is not told before. */
static int
authorize(struct api_call *call, const char *action, const struct lambda_name *name)
{
    struct lambda_name of = policy_name(call->arena, name);
    const struct api_resource thing = {.arn = layer_arn(call->arena, name),
                                       .account = name->account,
                                       .policy = lambda_policy(call, &of),
                                       .policy_kind = POLICY_RESOURCE};

    return api_authorize_on(call, str_from(action), &thing, NULL);
}

/* The version that a request names; *ret NULL: it is not there (any more). */
static int
find(struct api_call *call, const char *action, struct str layer, int64_t number,
     struct lambda_name *name, const struct lambda_layer_version_row **ret)
{
    if (!read_name(call, layer, name) || !str_eq(name->region, call->region))
        return lambda_no_resource(call);
    if (number)
        name->qualifier = str_fmt(call->arena, "%lld", (long long)number);
    int r = authorize(call, action, name);

    if (r)
        return r;
    *ret = lambda_layer_version_get(call->txn, lambda_key(call->arena, name, name->qualifier));
    if (*ret && (*ret)->deleted)
        *ret = NULL;
    return 0;
}

/* ---- PublishLayerVersion ---- */

static void
show(struct api_call *call, const struct lambda_layer_version_row *row,
     struct lambda_GetLayerVersionResponse *out)
{
    struct arena *a = call->arena;
    struct lambda_name name = name_of(a, row);

    out->content = ARENA_NEW(a, struct lambda_LayerVersionContentOutput);
    out->content->code_sha256 = row->code_sha256;
    out->content->code_size = opt_i64(row->code_bytes);
    out->layer_version_arn = layer_arn(a, &name);
    name.qualifier = STR_NONE;
    out->layer_arn = layer_arn(a, &name);
    out->description = row->description;
    out->created_date = lambda_time(a, row->created_ms);
    out->version = opt_i64(row->number);
    out->compatible_runtimes = row->runtimes;
    out->compatible_architectures = row->architectures;
    if (row->license.n)
        out->license_info = row->license;
}

/* Numbers are given once. */
static int
next_number(struct api_call *call, const struct lambda_name *name, int64_t *ret)
{
    struct lambda_layer_row row = {.id = str_fmt(call->arena, "%.*s %.*s %.*s",
                                                 STR_ARG(name->account), STR_ARG(name->region),
                                                 STR_ARG(name->name))};
    const struct lambda_layer_row *old = lambda_layer_get(call->txn, row.id);

    row.last = *ret = (old ? old->last : 0) + 1;
    assert(row.last > 0);
    return old ? lambda_layer_update(call->txn, &row) : lambda_layer_insert(call->txn, &row);
}

int
lambda_publish_layer_version(struct api_call *call,
                             const struct lambda_PublishLayerVersionRequest *req,
                             struct lambda_PublishLayerVersionResponse *res)
{
    const struct lambda_code_from from = {req->content->zip_file, req->content->s3_bucket,
                                          req->content->s3_key, req->content->s3_object_version};
    struct lambda_layer_version_row row = {
        .description = req->description.p ? req->description : S(""),
        .license = req->license_info,
        .runtimes = req->compatible_runtimes,
        .architectures = req->compatible_architectures,
        .created_ms = call->now_ms,
    };
    struct lambda_GetLayerVersionResponse shown = {0};
    struct lambda_code_kept kept;
    struct lambda_name name;

    if (!read_name(call, req->layer_name, &name) || name.name.n > 64 ||
        !str_eq(name.account, call->account) || !str_eq(name.region, call->region))
        return lambda_bad(call, "Invalid layer name: %.*s", STR_ARG(req->layer_name));
    int r = lambda_code_keep(call, &from, false, &kept);

    if (r == 0)
        r = next_number(call, &name, &row.number);
    if (r)
        return r;
    name.qualifier = str_fmt(call->arena, "%lld", (long long)row.number);
    row.id = lambda_key(call->arena, &name, name.qualifier);
    assert(row.number > 0 && kept.code.n > 0);
    row.account = name.account;
    row.region = name.region;
    row.name = name.name;
    row.code = kept.code;
    row.code_bytes = kept.bytes;
    row.code_sha256 = kept.sha256;
    row.code_unzipped = kept.unzipped;
    r = lambda_layer_version_insert(call->txn, &row);
    show(call, &row, &shown);
    *res = (struct lambda_PublishLayerVersionResponse){
        .content = shown.content,
        .layer_arn = shown.layer_arn,
        .layer_version_arn = shown.layer_version_arn,
        .description = shown.description,
        .created_date = shown.created_date,
        .version = shown.version,
        .compatible_runtimes = shown.compatible_runtimes,
        .license_info = shown.license_info,
        .compatible_architectures = shown.compatible_architectures,
    };
    return r;
}

/* ---- showing ---- */

static int
get(struct api_call *call, struct str layer, int64_t number,
    struct lambda_GetLayerVersionResponse *res)
{
    const struct lambda_layer_version_row *row;
    struct lambda_name name;
    int r = find(call, "lambda:GetLayerVersion", layer, number, &name, &row);

    if (r == 0 && !row)
        r = lambda_no_resource(call);
    if (r == 0)
        show(call, row, res);
    return r;
}

int
lambda_get_layer_version(struct api_call *call, const struct lambda_GetLayerVersionRequest *req,
                         struct lambda_GetLayerVersionResponse *res)
{
    if (req->version_number.v < 1)
        return lambda_bad(call, "Layer Version Cannot be less than 1.");
    return get(call, req->layer_name, req->version_number.v, res);
}

int
lambda_get_layer_version_by_arn(struct api_call *call,
                                const struct lambda_GetLayerVersionByArnRequest *req,
                                struct lambda_GetLayerVersionResponse *res)
{
    return get(call, req->arn, 0, res);
}

static bool
is_for(const struct lambda_layer_version_row *row, struct str runtime, struct str architecture)
{
    return !row->deleted && (!runtime.p || str_in(&row->runtimes, runtime)) &&
           (!architecture.p || str_in(&row->architectures, architecture));
}

static void
show_item(struct api_call *call, const struct lambda_layer_version_row *row,
          struct lambda_LayerVersionsListItem *out)
{
    struct lambda_name name = name_of(call->arena, row);

    *out = (struct lambda_LayerVersionsListItem){
        .layer_version_arn = layer_arn(call->arena, &name),
        .version = opt_i64(row->number),
        .description = row->description,
        .created_date = lambda_time(call->arena, row->created_ms),
        .compatible_runtimes = row->runtimes,
        .compatible_architectures = row->architectures,
    };
    if (row->license.n)
        out->license_info = row->license;
}

/* The newest first. */
int
lambda_list_layer_versions(struct api_call *call, const struct lambda_ListLayerVersionsRequest *req,
                           struct lambda_ListLayerVersionsResponse *res)
{
    struct {
        const struct lambda_layer_version_row **v;
        size_t n;
    } rows = {0};
    struct lambda_name name;
    struct api_page page;
    int r = lambda_page_open(call, req->marker, req->max_items, 50, &page);

    if (r == 0 && !read_name(call, req->layer_name, &name))
        r = lambda_no_resource(call);
    if (r)
        return r;
    STORE_EACH(call->txn, lambda_layer_version_by_name, row, name.account, name.region, name.name)
        if (is_for(row, req->compatible_runtime, req->compatible_architecture))
            *LIST_PUSH(call->arena, &rows) = row;
    for (size_t i = rows.n; i-- > 0 && !page.more;) {
        const struct lambda_layer_version_row *row = rows.v[i];
        struct str key = str_fmt(call->arena, "%012lld", (long long)(999999999999 - row->number));

        if (api_page_take(&page, key))
            show_item(call, row, LIST_PUSH(call->arena, &res->layer_versions));
    }
    API_PRESENT(&res->layer_versions);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

int
lambda_list_layers(struct api_call *call, const struct lambda_ListLayersRequest *req,
                   struct lambda_ListLayersResponse *res)
{
    struct lambda_LayersListItem *last = NULL;
    struct api_page page;
    int r = lambda_page_open(call, req->marker, req->max_items, 50, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, lambda_layer_version_by_name, row, call->account, call->region) {
        struct lambda_name name = name_of(call->arena, row);

        if (!is_for(row, req->compatible_runtime, req->compatible_architecture))
            continue;
        if (!last || !str_eq(last->layer_name, row->name)) {
            if (!api_page_take(&page, row->name)) {
                if (page.more)
                    break;
                continue; /* on a page before */
            }
            name.qualifier = STR_NONE;
            last = LIST_PUSH(call->arena, &res->layers);
            last->layer_name = row->name;
            last->layer_arn = layer_arn(call->arena, &name);
            last->latest_matching_version =
                ARENA_NEW(call->arena, struct lambda_LayerVersionsListItem);
        }
        show_item(call, row, last->latest_matching_version);
    }
    API_PRESENT(&res->layers);
    res->next_marker = lambda_page_next(call, &page);
    return 0;
}

/* ---- its end ---- */

static bool
is_used(struct txn *txn, struct str arn)
{
    STORE_EACH(txn, lambda_function_by_key, row)
        if (str_in(&row->layers, arn))
            return true;
    return false;
}

static int
drop(struct api_call *call, const struct lambda_layer_version_row *row)
{
    assert(row->number > 0 && row->code.n > 0);
    int r = lambda_code_delete_all(call, row->code);

    return r < 0 ? r : lambda_layer_version_delete(call->txn, row->id);
}

int
lambda_layers_release(struct api_call *call, const struct str_list *layers)
{
    int r = 0;

    LIST_EACH(layers, arn) {
        const struct lambda_layer_version_row *row =
            lambda_layer_by_arn(call->txn, call->arena, *arn);

        if (r >= 0 && row && row->deleted && !is_used(call->txn, *arn))
            r = drop(call, row);
    }
    return r;
}

int
lambda_delete_layer_version(struct api_call *call,
                            const struct lambda_DeleteLayerVersionRequest *req,
                            struct lambda_DeleteLayerVersionResult *res UNUSED)
{
    const struct lambda_layer_version_row *row;
    struct lambda_name name;
    int r = find(call, "lambda:DeleteLayerVersion", req->layer_name, req->version_number.v, &name,
                 &row);

    if (r || !row)
        return r; /* what is gone is no error */
    struct lambda_name of = policy_name(call->arena, &name);

    r = lambda_permissions_drop(call, &of, false);
    if (r < 0)
        return r;
    if (!is_used(call->txn, layer_arn(call->arena, &name)))
        return drop(call, row);
    struct lambda_layer_version_row new = *row;

    new.deleted = true;
    return lambda_layer_version_update(call->txn, &new);
}

/* ---- its policy ---- */

static struct str
statement_of(struct api_call *call, const struct lambda_AddLayerVersionPermissionRequest *req,
             const struct lambda_name *name)
{
    struct str who = req->principal;

    assert(name->qualifier.n > 0 && req->statement_id.n > 0);
    struct buf buf;
    struct json_out o = {&buf};

    if (who.n == 12)
        who = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(who));
    buf_init(&buf, (size_t)64 << 10);
    json_open(&o, '{');
    json_key_str(&o, "Sid", req->statement_id);
    json_key_str(&o, "Effect", S("Allow"));
    json_key(&o, S("Principal"));
    if (str_is(who, "*")) {
        json_str(&o, who);
    } else {
        json_open(&o, '{');
        json_key_str(&o, "AWS", who);
        json_close(&o, '}');
    }
    json_key_str(&o, "Action", req->action);
    json_key_str(&o, "Resource", layer_arn(call->arena, name));
    if (req->organization_id.p) {
        json_key(&o, S("Condition"));
        json_raw(&o, str_fmt(call->arena, "{\"StringEquals\":{\"aws:PrincipalOrgID\":\"%.*s\"}}",
                             STR_ARG(req->organization_id)));
    }
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    struct str text = str_dup(call->arena, buf_str(&buf));

    buf_done(&buf);
    return text;
}

int
lambda_add_layer_version_permission(struct api_call *call,
                                    const struct lambda_AddLayerVersionPermissionRequest *req,
                                    struct lambda_AddLayerVersionPermissionResponse *res)
{
    const struct lambda_layer_version_row *row;
    struct lambda_name name;
    int r = find(call, "lambda:AddLayerVersionPermission", req->layer_name, req->version_number.v,
                 &name, &row);

    if (r == 0 && !row)
        r = api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                      "Layer version %.*s does not exist.", STR_ARG(layer_arn(call->arena, &name)));
    if (r)
        return r;
    struct lambda_name of = policy_name(call->arena, &name);

    res->statement = statement_of(call, req, &name);
    return lambda_statement_add(call, &of, req->statement_id, res->statement, req->revision_id,
                                &res->revision_id);
}

int
lambda_remove_layer_version_permission(struct api_call *call,
                                       const struct lambda_RemoveLayerVersionPermissionRequest *req,
                                       struct lambda_RemoveLayerVersionPermissionResult *res UNUSED)
{
    const struct lambda_layer_version_row *row;
    struct lambda_name name;
    int r = find(call, "lambda:RemoveLayerVersionPermission", req->layer_name,
                 req->version_number.v, &name, &row);

    if (r == 0 && !row)
        r = lambda_no_resource(call);
    if (r)
        return r;
    struct lambda_name of = policy_name(call->arena, &name);

    return lambda_statement_remove(call, &of, req->statement_id, req->revision_id);
}

int
lambda_get_layer_version_policy(struct api_call *call,
                                const struct lambda_GetLayerVersionPolicyRequest *req,
                                struct lambda_GetLayerVersionPolicyResponse *res)
{
    const struct lambda_layer_version_row *row;
    struct lambda_name name;
    int r = find(call, "lambda:GetLayerVersionPolicy", req->layer_name, req->version_number.v,
                 &name, &row);

    if (r)
        return r;
    struct lambda_name of = policy_name(call->arena, &name);

    res->policy = lambda_policy(call, &of);
    if (!row || !res->policy.p)
        return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                         "No policy is associated with the given resource.");
    res->revision_id = lambda_policy_revision(call, &of);
    return 0;
}

/* ---- a function's layers ---- */

static int
check_layer(struct api_call *call, struct str arn, const struct str_list *before)
{
    const struct lambda_layer_version_row *row = lambda_layer_by_arn(call->txn, call->arena, arn);
    struct lambda_name name, other;

    if (!read_name(call, arn, &name) || !str_eq(name.region, call->region))
        return lambda_bad(call, "Layer version %.*s does not exist.", STR_ARG(arn));
    int r = authorize(call, "lambda:GetLayerVersion", &name);

    if (r)
        return r;
    if (!row || row->deleted)
        return lambda_bad(call, "Layer version %.*s does not exist.", STR_ARG(arn));
    LIST_EACH(before, one) {
        if (read_name(call, *one, &other) && str_eq(other.name, name.name) &&
            str_eq(other.account, name.account))
            return lambda_bad(call,
                              "Two different versions of the same layer are not allowed to be "
                              "referenced in the same function. %.*s and %.*s are versions of the "
                              "same layer.",
                              STR_ARG(*one), STR_ARG(arn));
    }
    return 0;
}

int
lambda_layers_fit(struct api_call *call, const struct lambda_function_row *row)
{
    int64_t sum = row->code_unzipped;

    assert(sum >= 0 && row->layers.n <= LAMBDA_LAYERS_MAX);
    LIST_EACH(&row->layers, arn) {
        const struct lambda_layer_version_row *layer =
            lambda_layer_by_arn(call->txn, call->arena, *arn);

        sum += layer ? layer->code_unzipped : 0;
    }
    if (sum <= LAMBDA_UNZIPPED_MAX)
        return 0;
    return lambda_bad(call,
                      "Function code combined with layers exceeds the maximum allowed size of %d "
                      "bytes. The actual size is %lld bytes.",
                      LAMBDA_UNZIPPED_MAX, (long long)sum);
}

int
lambda_take_layers(struct api_call *call, const struct str_list *layers,
                   struct lambda_function_row *row)
{
    struct str_list taken = {0};

    if (layers->n > LAMBDA_LAYERS_MAX)
        return lambda_bad(call, "You cannot reference more than %d layers.", LAMBDA_LAYERS_MAX);
    LIST_EACH(layers, arn) {
        /* what it has it keeps, though it was deleted meanwhile */
        int r = str_in(&row->layers, *arn) ? 0 : check_layer(call, *arn, &taken);

        if (r)
            return r;
        *LIST_PUSH(call->arena, &taken) = *arn;
    }
    row->layers = taken;
    assert(row->layers.n <= LAMBDA_LAYERS_MAX);
    return lambda_layers_fit(call, row);
}
