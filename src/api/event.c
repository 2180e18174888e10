/* Events are numbered without gaps, so that the oldest is found without a search. */
#include "api/event.h"

#include <stdio.h>

#include "base/timefmt.h"
#include "codec/json.h"
#include "gen/store/events_rows.h"

enum { EVENT_BYTES_MAX = 256 << 10, ID_BYTES = 17, NTH_MAX = 1 << 24 };

static struct str
key_of(int64_t number, char room[ID_BYTES])
{
    int n = snprintf(room, ID_BYTES, "%016llx", (unsigned long long)number);

    assert(n == ID_BYTES - 1);
    return str_of(room, (size_t)n);
}

/* Takes the next number, and drops what is too old. */
static int
number_take(struct txn *txn, int64_t *ret)
{
    const struct cloud_event_state_row *old = cloud_event_state_get(txn, S("events"));
    struct cloud_event_state_row state = {.id = S("events"), .first = 1, .next = 1};
    char room[ID_BYTES];
    int r = 0;

    if (old)
        state = *old;
    assert(state.first >= 1 && state.first <= state.next);
    *ret = state.next++;
    if (state.next - state.first > CLOUD_EVENTS_MAX)
        r = cloud_event_delete(txn, key_of(state.first++, room));
    if (r == 0)
        r = old ? cloud_event_state_update(txn, &state) : cloud_event_state_insert(txn, &state);
    return r;
}

int
api_event_write(struct txn *txn, struct env *env, const struct api_event *event)
{
    CLEANUP(arena_done) struct arena arena;
    char room[ID_BYTES];
    int64_t number;

    assert(event->account.n && event->region.n && event->source && event->detail_type);
    assert(event->detail.n >= 2 && event->detail.n <= EVENT_BYTES_MAX);
    arena_init(&arena, 4 << 10);
    int r = number_take(txn, &number);
    const struct cloud_event_row row = {
        .id = key_of(number, room),
        .event_id = api_uuid(env, &arena),
        .account = event->account,
        .region = event->region,
        .time_ms = event->time_ms,
        .source = str_from(event->source),
        .detail_type = str_from(event->detail_type),
        .resources = event->resources,
        .detail = event->detail,
    };

    if (r == 0)
        r = cloud_event_insert(txn, &row);
    if (r == 0 && api_event_wanted(txn, row.account, row.region, row.source))
        r = api_event_send(txn, &row, row.account, S("default"), event->time_ms,
                           (size_t)number % NTH_MAX);
    return r < 0 ? error_origin(-r, "an event of %s cannot be written", event->source) : 0;
}

int
api_event_put(struct api_call *call, const char *source, const char *detail_type,
              struct str_list resources, struct str detail)
{
    const struct api_event event = {
        .account = call->account,
        .region = call->region,
        .time_ms = call->now_ms,
        .source = source,
        .detail_type = detail_type,
        .resources = resources,
        .detail = detail,
    };

    assert(source[0] != '\0' && detail_type[0] != '\0');
    return api_event_write(call->txn, call->env, &event);
}

/* ---- buses ---- */

bool
api_event_wanted(struct txn *txn, struct str account, struct str region, struct str source)
{
    assert(account.n == 12 && source.n > 0);
    STORE_EACH(txn, events_rule_by_bus, rule, account, region, S("default")) {
        if (rule->pattern.n && !str_is(rule->state, "DISABLED") &&
            (rule->any_source || str_in(&rule->sources, source)))
            return true;
    }
    return false;
}

static int
send(struct txn *txn, const struct cloud_event_row *event, struct events_sent_row *row, size_t nth)
{
    CLEANUP(arena_done) struct arena arena;
    struct buf json;

    assert(event->event_id.n > 0 && event->detail.n >= 2 && nth < NTH_MAX);
    arena_init(&arena, 4 << 10);
    buf_init(&json, 2 * EVENT_BYTES_MAX + (64 << 10));
    api_event_show(&json, event);
    row->id = str_fmt(&arena, "%016llx-%06zx-%.*s", (unsigned long long)row->sent_ms, nth,
                      STR_ARG(event->event_id));
    row->event = buf_str(&json);
    int r = buf_failed(&json) ? -E2BIG : events_sent_insert(txn, row);

    buf_done(&json);
    return r < 0 ? error_origin(-r, "an event cannot be sent to bus %.*s", STR_ARG(row->bus)) : 0;
}

int
api_event_send(struct txn *txn, const struct cloud_event_row *event, struct str account,
               struct str bus, int64_t now_ms, size_t nth)
{
    struct events_sent_row row = {
        .account = account, .region = event->region, .bus = bus, .sent_ms = now_ms};

    assert(account.n == 12 && bus.n > 0);
    return send(txn, event, &row, nth);
}

int
api_event_send_to(struct txn *txn, const struct cloud_event_row *event, struct str rule,
                  int64_t now_ms)
{
    struct events_sent_row row = {.account = event->account,
                                  .region = event->region,
                                  .bus = S("default"),
                                  .rule = rule,
                                  .sent_ms = now_ms};

    assert(rule.n > 0);
    return send(txn, event, &row, 0);
}

void
api_event_show(struct buf *out, const struct cloud_event_row *row)
{
    CLEANUP(arena_done) struct arena arena;
    struct json_out o = {.buf = out};

    arena_init(&arena, 4 << 10);
    json_open(&o, '{');
    json_key_str(&o, "version", S("0"));
    json_key_str(&o, "id", row->event_id);
    json_key_str(&o, "detail-type", row->detail_type);
    json_key_str(&o, "source", row->source);
    json_key_str(&o, "account", row->account);
    json_key_str(&o, "time", time_iso_s(&arena, row->time_ms));
    json_key_str(&o, "region", row->region);
    json_key(&o, S("resources"));
    json_open(&o, '[');
    for (size_t i = 0; i < row->resources.n; i++)
        json_str(&o, row->resources.v[i]);
    json_close(&o, ']');
    json_key(&o, S("detail"));
    json_raw(&o, row->detail);
    json_close(&o, '}');
}
