/*
 * PutEvents: an entry that is refused says why, and the others go on.  An entry for a bus that is
 * not there gets an id like the others, and nobody hears of it, as on AWS.
 */
#include "events/events.h"

#include "api/authorize.h"
#include "api/event.h"
#include "codec/json.h"

struct refusal {
    const char *code, *message;
};

/* ---- an entry ---- */

static bool
is_object(struct api_call *call, struct str text)
{
    struct json detail;
    size_t at;

    return json_parse(call->arena, text, EVENTS_NODES_MAX, &detail, &at) &&
           detail.kind == JSON_OBJECT;
}

static struct refusal
entry_check(struct api_call *call, const struct events_PutEventsRequestEntry *entry)
{
    static const struct refusal none = {NULL, NULL};

    assert(call->arena);
    if (!entry->source.n)
        return (struct refusal){"InvalidArgument", "Parameter Source is not valid. Reason: Source "
                                                   "is a required argument."};
    if (!entry->detail_type.n)
        return (struct refusal){"InvalidArgument", "Parameter DetailType is not valid. Reason: "
                                                   "DetailType is a required argument."};
    if (!entry->detail.n)
        return (struct refusal){"InvalidArgument", "Parameter Detail is not valid. Reason: Detail "
                                                   "is a required argument."};
    if (str_eq_nocase(str_cut(entry->source, 0, 4), S("aws.")))
        return (struct refusal){"NotAuthorizedForSourceException",
                                "Not authorized for the source."};
    return is_object(call, entry->detail)
               ? none
               : (struct refusal){"MalformedDetail", "Detail is malformed."};
}

/* What an entry counts for. */
static size_t
entry_bytes(const struct events_PutEventsRequestEntry *entry)
{
    size_t n = entry->source.n + entry->detail_type.n + entry->detail.n;

    LIST_EACH(&entry->resources, resource)
        n += resource->n;
    return entry->time.set ? n + 14 : n;
}

/* The bus's own policy counts, of whichever account it is. */
static int
authorize(struct api_call *call, const struct events_PutEventsRequestEntry *entry,
          const struct events_bus_row **ret)
{
    struct policy_context extra = {0};
    struct api_resource resource = {.policy_kind = POLICY_RESOURCE};

    *ret = events_bus_named(call, entry->event_bus_name, &resource.arn);
    resource.account = call->account;
    if (*ret) {
        resource.account = (*ret)->account;
        resource.tags = &(*ret)->tags;
        resource.policy = (*ret)->policy;
    }
    api_context_add(call, &extra, S("events:source"), entry->source);
    api_context_add(call, &extra, S("events:detail-type"), entry->detail_type);
    return api_authorize_on(call, S("events:PutEvents"), &resource, &extra);
}

static int
entry_put(struct api_call *call, const struct events_PutEventsRequestEntry *entry, size_t nth,
          struct events_PutEventsResultEntry *ret)
{
    const struct refusal why = entry_check(call, entry);
    const struct events_bus_row *bus;
    struct str_list resources = {0};

    if (why.code) {
        ret->error_code = str_from(why.code);
        ret->error_message = str_from(why.message);
        return 0;
    }
    int r = authorize(call, entry, &bus);

    if (r)
        return r;
    LIST_EACH(&entry->resources, resource)
        *LIST_PUSH(call->arena, &resources) = *resource;
    const struct cloud_event_row event = {
        .event_id = api_uuid(call->env, call->arena),
        .account = call->account,
        .region = bus ? bus->region : call->region,
        .time_ms = entry->time.set ? entry->time.v : call->now_ms,
        .source = entry->source,
        .detail_type = entry->detail_type,
        .resources = resources,
        .detail = entry->detail,
    };

    ret->event_id = event.event_id;
    assert(event.event_id.n == 36 && nth < 10);
    return bus ? api_event_send(call->txn, &event, bus->account, bus->name, call->now_ms, nth) : 0;
}

int
events_put_events(struct api_call *call, const struct events_PutEventsRequest *req,
                  struct events_PutEventsResponse *res)
{
    size_t bytes = 0, failed = 0;
    int r = 0;

    if (req->endpoint_id.p)
        return events_unsupported(call, "EndpointId");
    LIST_EACH(&req->entries, entry)
        bytes += entry_bytes(entry);
    if (bytes > EVENTS_BYTES_MAX)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Total size of the entries in the request is over the limit.");
    for (size_t i = 0; i < req->entries.n && r == 0; i++) {
        struct events_PutEventsResultEntry *entry = LIST_PUSH(call->arena, &res->entries);

        r = entry_put(call, &req->entries.v[i], i, entry);
        failed += entry->error_code.p != NULL;
    }
    res->failed_entry_count = opt_i64((int64_t)failed);
    assert(failed <= req->entries.n);
    return r;
}
