/* What the API asks of Lambda beside its operations, and what its files share. */
#include "lambda/lambda.h"

#include "api/authorize.h"
#include "base/error.h"

#include <stdlib.h>

const struct api_error lambda_errors[LAMBDA_N_ERRORS] = {
#define X(name, http) [LAMBDA_ERROR_##name] = {#name, http},
    LAMBDA_ERRORS(X)
#undef X
};

enum { ARN_PARTS_MAX = 8 };

/* ---- faults ---- */

int
lambda_bad(struct api_call *call, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    struct str text = str_vfmt(call->arena, fmt, ap);
    va_end(ap);
    assert(text.n > 0);
    return api_fault(call, &LAMBDA_ERR(InvalidParameterValueException), "%.*s", STR_ARG(text));
}

int
lambda_unsupported(struct api_call *call, const char *member)
{
    assert(member[0] != '\0');
    return lambda_bad(call, "The parameter %s is not implemented by Welkin", member);
}

int
lambda_not_found(struct api_call *call, const struct lambda_name *name)
{
    return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException), "Function not found: %.*s",
                     STR_ARG(lambda_arn(call->arena, name)));
}

int
lambda_revision_check(struct api_call *call, struct str wanted, struct str is)
{
    assert(is.n > 0);
    if (!wanted.p || str_eq(wanted, is))
        return 0;
    return api_fault(call, &LAMBDA_ERR(PreconditionFailedException),
                     "The Revision Id provided does not match the latest Revision Id. Call the "
                     "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

/* ---- names ---- */

/* The description's pattern was held against the text already. */
static void
split(struct str text, struct lambda_name *ret)
{
    struct str parts[ARN_PARTS_MAX] = {0};
    size_t n = 0, at = 0;

    while (text.p && n < ARN_PARTS_MAX)
        parts[n++] = str_split(&text, ':');
    if (str_is(parts[0], "arn"))
        at = 3; /* arn, partition, lambda */
    for (size_t i = at; i + 1 < n && i < at + 3; i++)
        if (str_is(parts[i], "function")) {
            if (i > at)
                ret->account = parts[i - 1];
            if (i > at + 1)
                ret->region = parts[i - 2];
            at = i + 1;
            break;
        }
    assert(at < ARN_PARTS_MAX);
    ret->name = parts[at];
    if (at + 1 < n)
        ret->qualifier = parts[at + 1];
}

int
lambda_name_read(struct api_call *call, struct str text, struct str qualifier,
                 struct lambda_name *ret)
{
    *ret = (struct lambda_name){.account = call->account, .region = call->region};
    split(text, ret);
    if (!ret->name.n)
        return lambda_bad(call, "Invalid function name: %.*s", STR_ARG(text));
    if (ret->qualifier.p && qualifier.p && !str_eq(ret->qualifier, qualifier))
        return lambda_bad(call, "The derived qualifier from the function name does not match the "
                                "specified qualifier.");
    if (qualifier.p)
        ret->qualifier = qualifier;
    if (!str_eq(ret->region, call->region))
        return api_fault(call, &LAMBDA_ERR(ResourceNotFoundException),
                         "Functions from '%.*s' are not reachable in this region ('%.*s')",
                         STR_ARG(ret->region), STR_ARG(call->region));
    return 0;
}

int
lambda_name_plain(struct api_call *call, struct str text, struct lambda_name *ret)
{
    int r = lambda_name_read(call, text, STR_NONE, ret);

    if (r == 0 && ret->qualifier.p && !str_is(ret->qualifier, LAMBDA_LATEST))
        return lambda_bad(call, "This operation does not support qualified function names: %.*s",
                          STR_ARG(text));
    ret->qualifier = STR_NONE;
    return r;
}

struct str
lambda_arn(struct arena *a, const struct lambda_name *name)
{
    assert(name->account.n && name->region.n && name->name.n);
    return str_fmt(a, "arn:aws:lambda:%.*s:%.*s:function:%.*s%s%.*s", STR_ARG(name->region),
                   STR_ARG(name->account), STR_ARG(name->name), name->qualifier.p ? ":" : "",
                   STR_ARG(name->qualifier));
}

struct lambda_name
lambda_name_of(const struct lambda_function_row *row)
{
    lambda_function_assert(row);
    return (struct lambda_name){.account = row->account,
                                .region = row->region,
                                .name = row->name,
                                .qualifier = row->number ? row->version : STR_NONE};
}

struct str
lambda_key(struct arena *a, const struct lambda_name *name, struct str last)
{
    assert(name->account.n && name->name.n);
    return str_fmt(a, "%.*s %.*s %.*s %.*s", STR_ARG(name->account), STR_ARG(name->region),
                   STR_ARG(name->name), STR_ARG(last));
}

/* ---- rows ---- */

void
lambda_function_assert(const struct lambda_function_row *row)
{
    assert(row->account.n == 12 && row->region.n && row->name.n && row->revision.n);
    assert((row->number == 0) == str_is(row->version, LAMBDA_LATEST));
    assert(row->number == 0 || (row->published == 0 && row->reserved == 0));
    assert(row->reserved >= 0 && row->reserved <= LAMBDA_RESERVED(LAMBDA_CONCURRENT_MAX));
    assert(row->timeout_s >= 1 && row->timeout_s <= LAMBDA_TIMEOUT_S_MAX);
    assert(row->memory_mib >= 128 && row->memory_mib <= LAMBDA_MEMORY_MIB_MAX);
    assert(row->code.n && row->code_bytes > 0 && row->code_bytes <= LAMBDA_ZIPPED_MAX);
    assert(row->layers.n <= LAMBDA_LAYERS_MAX && row->code_unzipped <= LAMBDA_UNZIPPED_MAX);
    assert(row->tags.n % 2 == 0 && (row->number == 0 || row->tags.n == 0));
}

int
lambda_find(struct api_call *call, const struct lambda_name *name,
            const struct lambda_function_row **ret)
{
    *ret = lambda_function_get(call->txn, lambda_key(call->arena, name, S(LAMBDA_LATEST)));
    if (!*ret)
        return lambda_not_found(call, name);
    lambda_function_assert(*ret);
    return 0;
}

int
lambda_find_plain(struct api_call *call, struct str text, struct lambda_name *ret_name,
                  const struct lambda_function_row **ret)
{
    int r = lambda_name_plain(call, text, ret_name);

    return r ? r : lambda_find(call, ret_name, ret);
}

static bool
by_chance(struct api_call *call, struct str weight)
{
    uint32_t random;
    char text[32];

    assert(weight.n < sizeof(text));
    memcpy(text, weight.p, weight.n);
    text[weight.n] = '\0';
    call->env->random(call->env, &random, sizeof(random));
    return random / 4294967296.0 < strtod(text, NULL);
}

int
lambda_find_version(struct api_call *call, const struct lambda_name *name, bool random,
                    const struct lambda_function_row **ret)
{
    struct str version = name->qualifier.p ? name->qualifier : S(LAMBDA_LATEST);
    const struct lambda_alias_row *alias = lambda_alias_find(call->txn, call->arena, name);

    if (alias)
        version = alias->version;
    if (alias && random && alias->weights.n && by_chance(call, alias->weights.v[1]))
        version = alias->weights.v[0];
    *ret = lambda_function_get(call->txn, lambda_key(call->arena, name, version));
    if (!*ret)
        return lambda_not_found(call, name);
    lambda_function_assert(*ret);
    return 0;
}

int
lambda_put(struct api_call *call, struct lambda_function_row *row, bool is_new)
{
    row->revision = api_uuid(call->env, call->arena);
    row->modified_ms = call->now_ms;
    lambda_function_assert(row);
    return is_new ? lambda_function_insert(call->txn, row) : lambda_function_update(call->txn, row);
}

/* ---- pages ---- */

int
lambda_page_open(struct api_call *call, struct str token, struct opt_i64 max, int64_t most,
                 struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = most, .otherwise = most, .clamp = true};
    const struct api_page_scope scope = api_page_scope(call);

    assert(most > 0);
    if (api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault))
        return lambda_bad(call, "Invalid pagination token");
    return 0;
}

int
lambda_list_open(struct api_call *call, struct str function, struct str token, struct opt_i64 max,
                 struct lambda_name *ret_name, struct api_page *ret_page)
{
    const struct lambda_function_row *latest;
    int r = lambda_find_plain(call, function, ret_name, &latest);

    return r ? r : lambda_page_open(call, token, max, 50, ret_page);
}

struct str
lambda_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

/* ---- the service ---- */

/* Policies see the function itself, whatever qualifier a request has. */
static int
resource_find(struct api_call *call, struct str type, struct str id, struct api_resource *resource)
{
    struct lambda_name name = {.account = call->account, .region = call->region};

    if (!id.n || !str_is(type, "function"))
        return 0;
    split(id, &name);
    if (!name.name.n || !name.account.n)
        return 0;
    name.qualifier = STR_NONE;
    const struct lambda_function_row *row =
        lambda_function_get(call->txn, lambda_key(call->arena, &name, S(LAMBDA_LATEST)));

    resource->arn = lambda_arn(call->arena, &name);
    resource->account = name.account;
    if (!row)
        return 0;
    lambda_function_assert(row);
    resource->tags = &row->tags;
    resource->policy = lambda_policy(call, &name);
    resource->policy_kind = POLICY_RESOURCE;
    return 0;
}

const struct api_service_hooks lambda_hooks = {.service = &lambda_service,
                                               .resource = resource_find,
                                               .owns = lambda_url_owns,
                                               .answer = lambda_url_answer};
