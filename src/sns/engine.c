/* See engine.h.  What is under way is known in memory alone. */
#include "sns/engine.h"

#include "api/actor.h"
#include "api/looks.h"
#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

#define LOOK_BYTES_MAX ((size_t)16 << 20)

enum { AT_ONCE = 64 };

/* A POST whose outcome is not known yet. */
struct flight {
    char id[API_POST_ID_MAX];
};

struct sns_engine {
    struct api_looks looks; /* first: a look finds its engine by it */
    const struct api_poster *poster;
    struct map flights; /* struct flight by id */
};

/* ---- looks ---- */

static void
list(struct txn *txn, struct arena *arena, struct str_list *ids)
{
    /* due ones first: the others only say when to look again */
    STORE_EACH(txn, sns_delivery_by_due, row) {
        *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
        if (ids->n >= 2 * AT_ONCE)
            break;
    }
    STORE_EACH(txn, sns_subscription_by_key, row) {
        if (row->pending)
            *LIST_PUSH(arena, ids) = str_dup(arena, row->id);
    }
}

static int
post(struct sns_engine *e, const struct sns_delivery_row *row)
{
    const struct http_header headers[] = {
        {S("x-amz-sns-message-type"), row->kind},
        {S("x-amz-sns-message-id"), row->message},
        {S("x-amz-sns-topic-arn"), row->topic},
        {S("Content-Type"), row->content_type},
        {S("User-Agent"), S("Amazon Simple Notification Service Agent")},
        {S("x-amz-sns-subscription-arn"), row->subscription},
        {S("x-amz-sns-rawdelivery"), S("true")},
    };
    /* who is not confirmed yet does not learn its ARN, and a raw message says that it is one */
    size_t n = str_is(row->kind, "SubscriptionConfirmation") ? 5 : row->raw ? 7 : 6;
    const struct api_post what = {
        .id = row->id, .url = row->url, .headers = headers, .n_headers = n, .body = row->body};
    struct flight *flight = calloc(1, sizeof(*flight));

    assert(row->id.n < sizeof(flight->id) && !map_get(&e->flights, row->id));
    if (!flight)
        return -ENOMEM;
    int r = e->poster->post(e->poster->ctx, &what);

    if (r < 0) {
        free(flight);
        return r;
    }
    memcpy(flight->id, row->id.p, row->id.n);
    map_put(&e->flights, str_of(flight->id, row->id.n), flight);
    return 0;
}

/* One that nobody confirmed in time. */
static bool
look_at_pending(struct sns_engine *e, struct txn *txn, const struct sns_subscription_row *row)
{
    int64_t until_ms = row->created_ms + SNS_PENDING_MS;
    struct api_call call = {.arena = &e->looks.arena, .txn = txn};

    sns_subscription_assert(row);
    if (loop_now_ms(e->looks.loop, LOOP_CLOUD) < until_ms)
        return api_looks_commit(&e->looks, txn, until_ms);
    if (sns_subscription_drop(&call, row) < 0) {
        store_rollback(txn);
        return false;
    }
    return api_looks_commit(&e->looks, txn, 0);
}

static bool
look(struct api_looks *looks, struct str id)
{
    struct sns_engine *e = CONTAINER_OF(looks, struct sns_engine, looks);
    struct txn *txn = store_begin(looks->store);
    const struct sns_delivery_row *row = sns_delivery_get(txn, id);
    const struct sns_subscription_row *pending = row ? NULL : sns_subscription_get(txn, id);
    int64_t next_ms = 0;

    if (pending && pending->pending)
        return look_at_pending(e, txn, pending);
    if (row && !map_get(&e->flights, id)) {
        if (row->due_ms > loop_now_ms(looks->loop, LOOP_CLOUD))
            next_ms = row->due_ms;
        else if (e->poster && e->flights.n < AT_ONCE)
            post(e, row); /* when there is no room, whatever ends makes some, and looks */
    }
    return api_looks_commit(looks, txn, next_ms);
}

static const struct api_looks_kind kind = {.bytes_max = LOOK_BYTES_MAX, .list = list, .look = look};

/* ---- outcomes ---- */

static bool
is_lasting(int status)
{
    return status >= 300 && status < 500 && status != 429;
}

/* The row goes, to the dead-letter queue when there is one. */
static int
give_up(struct sns_engine *e, struct txn *txn, const struct sns_delivery_row *row, int status,
        struct str why)
{
    struct sns_delivery_row gone = *row;
    int r = sns_delivery_delete(txn, row->id);

    log_info("%.*s does not take message %.*s of %.*s: %.*s", STR_ARG(gone.url),
             STR_ARG(gone.message), STR_ARG(gone.topic), STR_ARG(why));
    if (r < 0 || !gone.redrive.n)
        return r;
    struct api_call call =
        api_service_call(e->looks.api, &e->looks.arena, "sns.amazonaws.com",
                         sns_arn_part(gone.topic, 4), sns_arn_part(gone.topic, 3), gone.topic);

    call.txn = txn;
    return sns_deliver_dead(&call, gone.topic, gone.redrive, gone.body, NULL, status, why);
}

static int
failed(struct sns_engine *e, struct txn *txn, const struct sns_delivery_row *row, int status,
       struct str why)
{
    struct sns_delivery_row again = *row;
    int64_t delay_ms;

    again.attempts++;
    delay_ms =
        is_lasting(status) ? -1 : sns_retry_delay(&e->looks.arena, again.retry, again.attempts);
    if (delay_ms < 0)
        return give_up(e, txn, row, status, why);
    again.due_ms = loop_now_ms(e->looks.loop, LOOP_CLOUD) + delay_ms;
    return sns_delivery_update(txn, &again);
}

static void
on_posted(void *ctx, struct str id, int status, struct str why)
{
    struct sns_engine *e = ctx;
    struct flight *flight = map_remove(&e->flights, id);

    if (!flight)
        return;
    arena_reset(&e->looks.arena);
    struct txn *txn = store_begin(e->looks.store);
    const struct sns_delivery_row *row = sns_delivery_get(txn, id);
    int r = 0;

    if (!why.n)
        why = str_fmt(&e->looks.arena, "HTTP status %d", status);
    if (row && status >= 200 && status < 300)
        r = sns_delivery_delete(txn, id);
    else if (row)
        r = failed(e, txn, row, status, why);
    if (r < 0) {
        error_origin(-r, "the outcome of a delivery cannot be written");
        store_rollback(txn);
    } else {
        store_commit(txn);
    }
    free(flight);
    loop_defer(e->looks.loop, &e->looks.task);
}

/* ---- life ---- */

int
sns_engine_new(struct sns_engine **ret, struct loop *loop, struct store *store, struct api *api)
{
    struct sns_engine *e = calloc(1, sizeof(*e));
    uint64_t seed;

    if (!e)
        return error_origin(ENOMEM, "the engine of SNS cannot be made");
    loop_env(loop)->random(loop_env(loop), &seed, sizeof(seed));
    map_init(&e->flights, seed);
    api_looks_init(&e->looks, &kind, loop, store, api);
    store_watch(store, &sns_delivery_table, api_looks_on_change, &e->looks);
    store_watch(store, &sns_subscription_table, api_looks_on_change, &e->looks);
    *ret = e;
    return 0;
}

void
sns_engine_start(struct sns_engine *e, const struct api_poster *poster,
                 struct api_poster_events *ret)
{
    assert(poster->post && !e->poster);
    e->poster = poster;
    *ret = (struct api_poster_events){.ctx = e, .posted = on_posted};
    loop_defer(e->looks.loop, &e->looks.task);
}

struct sns_engine *
sns_engine_free(struct sns_engine *e)
{
    if (!e)
        return NULL;
    MAP_EACH(&e->flights, it)
        free(it->value);
    map_done(&e->flights);
    api_looks_done(&e->looks);
    free(e);
    return NULL;
}
