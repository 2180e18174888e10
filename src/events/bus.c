/* Event buses.  An account has the default one in each region; all others are made by name. */
#include "events/events.h"

#include "api/authorize.h"

/* ---- finding ---- */

const struct events_bus_row *
events_bus_named(struct api_call *call, struct str name_or_arn, struct str *ret_arn)
{
    struct str name = name_or_arn.n ? name_or_arn : S(EVENTS_DEFAULT);

    assert(call->account.n == 12 && call->region.n > 0);
    *ret_arn = str_starts(name, S("arn:"))
                   ? name
                   : str_fmt(call->arena, "arn:aws:events:%.*s:%.*s:event-bus/%.*s",
                             STR_ARG(call->region), STR_ARG(call->account), STR_ARG(name));
    return events_bus_get(call->txn, *ret_arn);
}

int
events_bus_find(struct api_call *call, struct str name_or_arn, const struct events_bus_row **ret)
{
    struct str arn, name = name_or_arn;
    const struct events_bus_row *row = events_bus_named(call, name_or_arn, &arn);

    if (row && str_eq(row->account, call->account) && str_eq(row->region, call->region)) {
        events_bus_assert(row);
        *ret = row;
        return 0;
    }
    while (str_find_char(name, '/') != SIZE_MAX)
        str_split(&name, '/');
    return api_fault(call, &EVENTS_ERR(ResourceNotFoundException), "Event bus %.*s does not exist.",
                     STR_ARG(name));
}

int
events_bus_save(struct api_call *call, struct events_bus_row *row)
{
    bool is = events_bus_get(call->txn, row->id) != NULL;

    row->modified_ms = call->now_ms;
    events_bus_assert(row);
    int r = is ? events_bus_update(call->txn, row) : events_bus_insert(call->txn, row);

    return r < 0 ? error_origin(-r, "event bus %.*s cannot be written", STR_ARG(row->id)) : 0;
}

/* ---- showing ---- */

static struct events_DeadLetterConfig *
dead_letter_of(struct api_call *call, const struct events_bus_row *row)
{
    struct events_DeadLetterConfig *config;

    if (!row->dead_letter.n)
        return NULL;
    config = ARENA_NEW(call->arena, struct events_DeadLetterConfig);
    config->arn = row->dead_letter;
    return config;
}

/* ---- CreateEventBus, UpdateEventBus ---- */

static int
unsupported(struct api_call *call, struct str source, struct str key,
            const struct events_LogConfig *log)
{
    if (source.p)
        return api_fault(call, &EVENTS_ERR(ResourceNotFoundException),
                         "Event source %.*s does not exist.", STR_ARG(source));
    if (key.n)
        return events_unsupported(call, "KmsKeyIdentifier");
    return log && !str_is(log->level, "OFF") ? events_unsupported(call, "LogConfig") : 0;
}

int
events_create_event_bus(struct api_call *call, const struct events_CreateEventBusRequest *req,
                        struct events_CreateEventBusResponse *res)
{
    struct events_bus_row row = {
        .account = call->account,
        .region = call->region,
        .name = req->name,
        .description = req->description.p ? req->description : S(""),
        .dead_letter = req->dead_letter_config ? req->dead_letter_config->arn : S(""),
        .created_ms = call->now_ms,
    };
    size_t n = 0;
    int r = unsupported(call, req->event_source_name, req->kms_key_identifier, req->log_config);

    if (r)
        return r;
    if (str_find_char(req->name, '/') != SIZE_MAX)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Event bus name must not contain '/'.");
    if (events_bus_named(call, req->name, &row.id))
        return api_fault(call, &EVENTS_ERR(ResourceAlreadyExistsException),
                         "Event bus %.*s already exists.", STR_ARG(req->name));
    STORE_EACH(call->txn, events_bus_by_name, bus, call->account, call->region) {
        n += bus->name.n > 0;
    }
    if (n >= EVENTS_BUSES_MAX)
        return api_fault(call, &EVENTS_ERR(LimitExceededException),
                         "The requested resource exceeds the maximum number allowed.");
    r = events_tags_put(call, &req->tags, &row.tags);
    if (r == 0)
        r = events_bus_save(call, &row);
    if (r)
        return r;
    res->event_bus_arn = row.id;
    res->description = events_shown(row.description);
    res->dead_letter_config = dead_letter_of(call, &row);
    return 0;
}

int
events_update_event_bus(struct api_call *call, const struct events_UpdateEventBusRequest *req,
                        struct events_UpdateEventBusResponse *res)
{
    const struct events_bus_row *old;
    int r = events_bus_find(call, req->name, &old);

    if (r == 0)
        r = events_may(call, old->id, &old->tags);
    if (r == 0)
        r = unsupported(call, STR_NONE, req->kms_key_identifier, req->log_config);
    if (r)
        return r;
    struct events_bus_row row = *old;

    if (req->description.p)
        row.description = req->description;
    if (req->dead_letter_config)
        row.dead_letter = req->dead_letter_config->arn;
    r = events_bus_save(call, &row);
    res->arn = row.id;
    res->name = row.name;
    res->description = events_shown(row.description);
    res->dead_letter_config = dead_letter_of(call, &row);
    return r;
}

/* ---- DeleteEventBus, DescribeEventBus, ListEventBuses ---- */

int
events_delete_event_bus(struct api_call *call, const struct events_DeleteEventBusRequest *req,
                        struct events_DeleteEventBusResult *res UNUSED)
{
    struct str arn;
    const struct events_bus_row *row = events_bus_named(call, req->name, &arn);

    if (str_is(req->name, EVENTS_DEFAULT))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Cannot delete event bus default.");
    if (!row)
        return 0;
    STORE_EACH(call->txn, events_rule_by_bus, rule, call->account, call->region, row->name) {
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Event bus %.*s can't be deleted since it has rules.", STR_ARG(rule->bus));
    }
    return events_bus_delete(call->txn, arn);
}

int
events_describe_event_bus(struct api_call *call, const struct events_DescribeEventBusRequest *req,
                          struct events_DescribeEventBusResponse *res)
{
    const struct events_bus_row *row;
    int r = events_bus_find(call, req->name, &row);

    if (r == 0)
        r = events_may(call, row->id, &row->tags);
    if (r)
        return r;
    *res = (struct events_DescribeEventBusResponse){
        .name = row->name,
        .arn = row->id,
        .description = events_shown(row->description),
        .dead_letter_config = dead_letter_of(call, row),
        .policy = events_shown(row->policy),
        .creation_time = opt_i64(row->created_ms),
        .last_modified_time = opt_i64(row->modified_ms),
    };
    return 0;
}

int
events_list_event_buses(struct api_call *call, const struct events_ListEventBusesRequest *req,
                        struct events_ListEventBusesResponse *res)
{
    struct api_page page;
    int r = events_page_open(call, req->next_token, req->limit, &page);

    if (r)
        return r;
    API_PRESENT(&res->event_buses);
    STORE_EACH(call->txn, events_bus_by_name, row, call->account, call->region) {
        if (!str_starts(row->name, req->name_prefix) || !api_page_take(&page, row->name))
            continue;
        *LIST_PUSH(call->arena, &res->event_buses) = (struct events_EventBus){
            .name = row->name,
            .arn = row->id,
            .description = events_shown(row->description),
            .policy = events_shown(row->policy),
            .creation_time = opt_i64(row->created_ms),
            .last_modified_time = opt_i64(row->modified_ms),
        };
    }
    res->next_token = events_page_next(call, &page);
    return 0;
}
