/* What the API asks of this service beside its operations, and what its files share. */
#include "ram/ram.h"

#include "api/authorize.h"

const struct api_error ram_errors[RAM_N_ERRORS] = {
#define X(name) [RAM_ERROR_##name] = {#name, 0},
    RAM_ERRORS(X)
#undef X
};

/* Requests name shares and invitations by their ARNs. */
static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    const struct ram_share_row *share = ram_share_get(call->txn, id);

    if (str_starts(id, S("arn:")))
        resource->arn = id;
    if (!share)
        return 0;
    resource->account = share->account;
    ram_share_assert(share);
    if (str_eq(share->account, call->account))
        resource->tags = &share->tags;
    api_context_add(call, &resource->keys, S("ram:ResourceShareName"), share->name);
    api_context_add(call, &resource->keys, S("ram:AllowsExternalPrincipals"),
                    share->external ? S("true") : S("false"));
    return 0;
}

const struct api_service_hooks ram_hooks = {.service = &ram_service, .resource = resource_find};

int
ram_page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 500, .otherwise = 500};
    const struct api_page_scope scope = api_page_scope(call);

    if (api_page_open(call->arena, &scope, &rule, token, max, false, ret, &call->fault))
        return api_fault(call, &RAM_ERR(InvalidNextTokenException),
                         "The specified value for NextToken isn't valid.");
    return 0;
}

struct str
ram_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}

struct str
ram_page_key(struct api_call *call, int64_t created_ms, struct str id)
{
    assert(created_ms >= 0);
    return str_fmt(call->arena, "%016llx %.*s", (unsigned long long)created_ms, STR_ARG(id));
}

int
ram_unsupported(struct api_call *call, const char *member)
{
    return api_fault(call, &RAM_ERR(InvalidParameterException),
                     "The parameter %s is not implemented by Welkin", member);
}
