/*
 * Three kinds of things are looked at, told apart by a letter before their keys:
 *
 *   t  a rule whose schedule is due: an event is sent for it alone
 *   s  an event that was sent: each rule of its bus whose pattern fits gives it to its targets
 *   d  an event for a target: it is called, again and again while that may help
 *
 * Schedules that were due while the daemon did not run are due once.
 */
#include "events/engine.h"

#include "api/actor.h"
#include "api/event.h"
#include "api/looks.h"
#include "base/log.h"
#include "codec/event_pattern.h"
#include "codec/json.h"
#include "events/events.h"

#include <stdlib.h>

#define LOOK_BYTES_MAX ((size_t)96 << 20)
enum { BACKOFF_MIN_S = 1, BACKOFF_MAX_S = 512, ROUND_MAX = 1000 };

struct events_engine {
    struct api_looks looks;
};

/* ---- schedules ---- */

static int
rule_due(struct api_looks *looks, struct txn *txn, const struct events_rule_row *rule,
         int64_t now_ms)
{
    struct events_rule_row row = *rule;
    struct api_call call = api_service_call(looks->api, &looks->arena, EVENTS_SERVICE,
                                            rule->account, rule->region, rule->id);
    struct str resource = rule->id;
    const struct cloud_event_row event = {
        .event_id = api_uuid(call.env, call.arena),
        .account = rule->account,
        .region = rule->region,
        .time_ms = rule->next_ms,
        .source = S("aws.events"),
        .detail_type = S("Scheduled Event"),
        .resources = {&resource, 1},
        .detail = S("{}"),
    };

    row.next_ms = events_rule_next(&row, now_ms);
    assert(row.next_ms == 0 || row.next_ms > now_ms);
    int r = events_rule_update(txn, &row);

    return r < 0 ? r : api_event_send_to(txn, &event, rule->id, now_ms);
}

static bool
look_rule(struct api_looks *looks, struct str id)
{
    int64_t now_ms = loop_now_ms(looks->loop, LOOP_CLOUD);
    struct txn *txn = store_begin(looks->store);
    const struct events_rule_row *rule = events_rule_get(txn, id);
    int r = 0;

    if (!rule || !rule->next_ms) {
        store_rollback(txn);
        return false;
    }
    events_rule_assert(rule);
    if (rule->next_ms > now_ms)
        return api_looks_commit(looks, txn, rule->next_ms);
    r = rule_due(looks, txn, rule, now_ms);
    if (r < 0) {
        log_error("rule %.*s cannot send its event: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
        return false;
    }
    return api_looks_commit(looks, txn, 0);
}

/* ---- what was sent ---- */

struct sent {
    struct txn *txn;
    struct arena *arena;
    const struct events_sent_row *row;
    struct json event;
    unsigned n; /* deliveries */
};

static int
give(struct sent *s, const struct events_rule_row *rule)
{
    int r = 0;

    assert(str_eq(rule->bus, s->row->bus));
    STORE_EACH(s->txn, events_target_by_rule, target, rule->id) {
        const struct events_delivery_row row = {
            .id = str_fmt(s->arena, "%.*s-%03u", STR_ARG(s->row->id), s->n++),
            .account = rule->account,
            .region = rule->region,
            .rule = rule->id,
            .target = target->id,
            .event = s->row->event,
            .hops = s->row->hops,
            .began_ms = s->row->sent_ms,
            .due_ms = s->row->sent_ms,
        };

        if (r == 0)
            r = events_delivery_insert(s->txn, &row);
    }
    return r;
}

static bool
fits(struct sent *s, const struct events_rule_row *rule)
{
    const struct event_pattern *pattern;
    struct str why;

    events_rule_assert(rule);
    if (!rule->pattern.n || !events_rule_enabled(rule))
        return false;
    if (!rule->any_source && !str_in(&rule->sources, json_text(&s->event, "source")))
        return false;
    return event_pattern_parse(s->arena, rule->pattern, &pattern, &why) &&
           event_pattern_match(pattern, &s->event);
}

static int
spread(struct sent *s)
{
    const struct events_rule_row *only =
        s->row->rule.n ? events_rule_get(s->txn, s->row->rule) : NULL;
    size_t at;
    int r = 0;

    if (s->row->rule.n)
        return only && events_rule_enabled(only) ? give(s, only) : 0;
    if (!json_parse(s->arena, s->row->event, EVENTS_NODES_MAX, &s->event, &at))
        return 0; /* of more values than are looked at */
    STORE_EACH(s->txn, events_rule_by_bus, rule, s->row->account, s->row->region, s->row->bus) {
        if (r == 0 && fits(s, rule))
            r = give(s, rule);
    }
    return r;
}

static bool
look_sent(struct api_looks *looks, struct str id)
{
    struct txn *txn = store_begin(looks->store);
    struct sent s = {.txn = txn, .arena = &looks->arena, .row = events_sent_get(txn, id)};
    int r = s.row ? spread(&s) : 0;

    assert(r <= 0);
    if (r == 0 && s.row)
        r = events_sent_delete(txn, id);
    if (r < 0) {
        log_error("the event %.*s cannot be given to rules: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
        return false;
    }
    return api_looks_commit(looks, txn, 0);
}

/* ---- deliveries ---- */

/* Whether the target may take it another time: it exists and EventBridge may call it. */
static bool
may_help(struct str code)
{
    static const char *const codes[] = {
        "TooManyRequestsException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "ServiceException",
        "ServiceUnavailable",
        "InternalError",
        "InternalFailure",
        "ResourceConflictException",
        "KMSThrottlingException",
    };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (str_is(code, codes[i]))
            return true;
    return false;
}

/* Twice as long each time, up to some minutes, of which a random part is left out. */
static int64_t
backoff_ms(struct env *env, int64_t attempts)
{
    int64_t most_ms = MIN((int64_t)BACKOFF_MIN_S << MIN(attempts, 20), BACKOFF_MAX_S) * 1000;
    uint32_t part;

    assert(attempts >= 0);
    env->random(env, &part, sizeof(part));
    return most_ms / 2 + part % (uint32_t)(most_ms / 2);
}

/* It was refused: when it is to be tried again, 0: never. */
static int64_t
again_ms(const struct api_call *call, const struct events_target_row *target,
         const struct events_delivery_row *row)
{
    int64_t retries = target->retries ? target->retries - 1 : EVENTS_RETRIES;
    int64_t age_s = target->age_s ? target->age_s : EVENTS_AGE_S;
    int64_t at = call->now_ms + backoff_ms(call->env, row->attempts);

    assert(row->attempts >= 0);
    if (!may_help(call->fault.code) || row->attempts >= retries)
        return 0;
    return at <= row->began_ms + age_s * 1000 ? at : 0;
}

static int
delivery_failed(struct api_call *call, const struct events_target_row *target,
                const struct events_delivery_row *old)
{
    struct events_delivery_row row = *old;

    assert(call->fault.code.p);
    row.due_ms = again_ms(call, target, old);
    log_info("rule %.*s: target %.*s: %.*s: %.*s%s", STR_ARG(row.rule), STR_ARG(target->target),
             STR_ARG(call->fault.code), STR_ARG(call->fault.message),
             row.due_ms ? ", comes again" : "");
    if (!row.due_ms)
        return events_delivery_delete(call->txn, row.id);
    row.attempts++;
    return events_delivery_update(call->txn, &row);
}

static bool
look_delivery(struct api_looks *looks, struct str id)
{
    int64_t now_ms = loop_now_ms(looks->loop, LOOP_CLOUD);
    struct txn *txn = store_begin(looks->store);
    const struct events_delivery_row *row = events_delivery_get(txn, id);
    const struct events_target_row *target = row ? events_target_get(txn, row->target) : NULL;
    int r = 0;

    if (row && target && row->due_ms > now_ms)
        return api_looks_commit(looks, txn, row->due_ms);
    if (target) {
        struct api_call call = api_service_call(looks->api, &looks->arena, EVENTS_SERVICE,
                                                row->account, row->region, row->rule);

        call.txn = txn;
        r = events_deliver(&call, target, row);
        if (r > 0)
            r = delivery_failed(&call, target, row);
        else if (r == 0)
            r = events_delivery_delete(txn, id);
    } else if (row) {
        r = events_delivery_delete(txn, id);
    }
    if (r < 0) {
        log_error("an event cannot be delivered: %s", strerror(-r));
        store_rollback(txn);
        return false;
    }
    return api_looks_commit(looks, txn, 0);
}

/* ---- all ---- */

static void
add(struct arena *arena, struct str_list *ids, char letter, struct str id)
{
    *LIST_PUSH(arena, ids) = str_fmt(arena, "%c%.*s", letter, STR_ARG(id));
}

/* The first of what is due: what changes asks for another round. */
static void
list(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    struct store_cursor rules = store_seek(txn, &events_rule_by_due, NULL, 0);
    const struct events_rule_row *rule;
    size_t n = 0;

    store_from(&rules, STORE_KEYS((int64_t)1));
    while (n++ < ROUND_MAX && (rule = events_rule_by_due_next(&rules)))
        add(arena, ids, 't', rule->id);
    n = 0;
    STORE_EACH(txn, events_sent_by_key, row) {
        if (n++ < ROUND_MAX)
            add(arena, ids, 's', row->id);
        else
            break;
    }
    n = 0;
    STORE_EACH(txn, events_delivery_by_due, row) {
        if (n++ < ROUND_MAX)
            add(arena, ids, 'd', row->id);
        else
            break;
    }
}

static bool
look(struct api_looks *looks, struct str id)
{
    struct str key = str_cut(id, 1, id.n);

    assert(key.n > 0);
    return id.p[0] == 't'   ? look_rule(looks, key)
           : id.p[0] == 's' ? look_sent(looks, key)
                            : look_delivery(looks, key);
}

static const struct api_looks_kind kind = {.bytes_max = LOOK_BYTES_MAX, .list = list, .look = look};

int
events_engine_new(struct events_engine **ret, struct loop *loop, struct store *store,
                  struct api *api)
{
    struct events_engine *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    api_looks_init(&e->looks, &kind, loop, store, api);
    store_watch(store, &events_sent_table, api_looks_on_change, &e->looks);
    store_watch(store, &events_rule_table, api_looks_on_change, &e->looks);
    *ret = e;
    return 0;
}

struct events_engine *
events_engine_free(struct events_engine *e)
{
    if (e)
        api_looks_done(&e->looks);
    free(e);
    return NULL;
}
