/* What the API asks of this service beside its operations, and what its files share. */
#include "events/events.h"

#include "api/authorize.h"

const struct api_error events_errors[EVENTS_N_ERRORS] = {
#define X(name) [EVENTS_ERROR_##name] = {#name, 0},
    EVENTS_ERRORS(X)
#undef X
};

/* ---- the default bus, which every account has in each region ---- */

static struct str
default_arn(struct api_call *call)
{
    return str_fmt(call->arena, "arn:aws:events:%.*s:%.*s:event-bus/" EVENTS_DEFAULT,
                   STR_ARG(call->region), STR_ARG(call->account));
}

static bool
prepare_needed(struct api_call *call)
{
    return call->account.n == 12 && !events_bus_named(call, STR_NONE, &(struct str){0});
}

static int
prepare(struct api_call *call)
{
    struct events_bus_row row = {
        .id = default_arn(call),
        .account = call->account,
        .region = call->region,
        .name = S(EVENTS_DEFAULT),
        .created_ms = call->now_ms,
    };

    return events_bus_save(call, &row);
}

static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    const struct events_bus_row *bus = events_bus_named(call, id, &resource->arn);

    if (!bus)
        return 0;
    events_bus_assert(bus);
    resource->account = bus->account;
    resource->tags = &bus->tags;
    return 0;
}

const struct api_service_hooks events_hooks = {
    .service = &events_service,
    .prepare_needed = prepare_needed,
    .prepare = prepare,
    .resource = resource_find,
};

int
events_may(struct api_call *call, struct str arn, const struct str_list *tags)
{
    const struct api_resource resource = {
        .arn = arn, .tags = tags, .account = call->account, .policy_kind = POLICY_RESOURCE};

    assert(str_starts(arn, S("arn:aws:events:")));
    return api_authorize_on(call, api_action(call), &resource, NULL);
}

int
events_page_open(struct api_call *call, struct str token, struct opt_i64 limit,
                 struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 100, .otherwise = 100};
    const struct api_page_scope scope = api_page_scope(call);

    if (api_page_open(call->arena, &scope, &rule, token, limit, false, ret, &call->fault))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter NextToken is not valid.");
    return 0;
}

struct str
events_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    assert(page->left >= 0);
    return api_page_next(call->arena, &scope, page);
}

int
events_unsupported(struct api_call *call, const char *name)
{
    assert(name[0] != '\0');
    return api_fault(call, &EVENTS_ERR(ValidationException),
                     "The parameter %s is not implemented by Welkin.", name);
}
