/*
 * Long polls, and what ends by itself.  Whoever waits is looked at when a message of the queue was
 * written, when one becomes visible by itself, and when its time is up; the longest wait comes
 * first.  A poll that ends with messages has a transaction of its own, and its reply waits for it.
 */
#include "sqs/sqs.h"

#include "api/later.h"

#include <stdlib.h>

#define SWEEP_MS 60000

enum { SWEEP_ROWS = 1000 };

struct wait {
    struct wait *next;
    struct sqs_waits *waits;
    struct api_later *later;
    const struct sqs_ReceiveMessageRequest *req;
    struct str queue; /* an ARN, in the call's arena */
    int64_t until_ms;
    bool woken;
    struct loop_timer timer;
};

struct sqs_waits {
    struct loop *loop;
    struct store *store;
    struct wait *all, **end;
    struct loop_task task;
    struct loop_timer sweep;
    bool sweeping; /* the timer is set */
    int64_t number;
};

static int64_t
now_ms(const struct sqs_waits *waits)
{
    return loop_now_ms(waits->loop, LOOP_CLOUD);
}

int64_t
sqs_waits_number(struct api_call *call)
{
    struct sqs_waits *waits = api_queues(call);

    waits->number = MAX(waits->number + 1, call->now_ms << 10);
    return waits->number;
}

/* ---- ending ---- */

static void
drop(struct wait *w)
{
    struct sqs_waits *waits = w->waits;
    struct wait **at = &waits->all;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (waits->end == &w->next)
        waits->end = at;
    loop_timer_stop(waits->loop, &w->timer);
    free(w);
}

static void
on_leave(struct api_later *later)
{
    drop(later->who);
}

/* Looks whether there is a message now; then, and when the time is up, the wait ends. */
static void
look(struct wait *w)
{
    struct api_later *later = w->later;
    struct api_call *call = later->call;
    struct sqs_ReceiveMessageResult *res = later->res;
    int64_t next_ms = 0;
    int r = 0;

    w->woken = false;
    call->now_ms = now_ms(w->waits);
    call->txn = store_begin(w->waits->store);
    const struct sqs_queue_row *queue = sqs_queue_get(call->txn, w->queue);

    if (!queue)
        r = api_fault(call, &SQS_ERR(QueueDoesNotExist), "The specified queue does not exist.");
    else
        r = sqs_receive(call, queue, w->req, res, &next_ms);
    if (r == 0)
        store_commit(call->txn);
    else
        store_rollback(call->txn);
    call->txn = NULL;
    if (r == 0 && !res->messages.n && call->now_ms < w->until_ms) {
        loop_timer_set(w->waits->loop, &w->timer, LOOP_CLOUD,
                       next_ms ? MIN(next_ms, w->until_ms) : w->until_ms);
        return;
    }
    drop(w);
    api_later_done(later, r);
}

static void
on_timer(struct loop_timer *timer)
{
    struct wait *w = CONTAINER_OF(timer, struct wait, timer);

    assert(w->waits);
    w->woken = true;
    loop_defer(w->waits->loop, &w->waits->task);
}

/* A look may end others, so the walk begins anew after each. */
static void
on_task(struct loop_task *task)
{
    struct sqs_waits *waits = CONTAINER_OF(task, struct sqs_waits, task);
    struct wait *w = waits->all;

    while (w) {
        if (w->woken) {
            look(w);
            w = waits->all;
        } else {
            w = w->next;
        }
    }
}

static void
on_sweep_needed(struct sqs_waits *waits)
{
    if (waits->sweeping)
        return;
    waits->sweeping = true;
    loop_timer_set(waits->loop, &waits->sweep, LOOP_CLOUD, now_ms(waits) + SWEEP_MS);
}

static void
message_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct sqs_waits *waits = ctx;
    const struct sqs_message_row *row = new_row ? new_row : old_row;

    assert(row);
    on_sweep_needed(waits);
    for (struct wait *w = waits->all; w; w = w->next)
        if (str_eq(w->queue, row->queue)) {
            w->woken = true;
            loop_defer(waits->loop, &waits->task);
        }
}

static void
queue_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct sqs_waits *waits = ctx;
    const struct sqs_queue_row *row = old_row;

    for (struct wait *w = waits->all; w && !new_row; w = w->next)
        if (str_eq(w->queue, row->id)) {
            w->woken = true;
            loop_defer(waits->loop, &waits->task);
        }
}

static void
other_changed(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    on_sweep_needed(ctx);
}

/* ---- waiting ---- */

void
sqs_wait(struct api_call *call, const struct sqs_ReceiveMessageRequest *req,
         struct sqs_ReceiveMessageResult *res, struct str queue, int64_t until_ms)
{
    struct sqs_waits *waits = api_queues(call);
    struct wait *w = calloc(1, sizeof(*w));

    assert(until_ms > call->now_ms && queue.n > 0);
    if (!w)
        abort();
    *w = (struct wait){
        .waits = waits, .req = req, .queue = queue, .until_ms = until_ms, .woken = true};
    w->timer.fn = on_timer;
    w->later = api_later_new(call, res, on_leave, w);
    *waits->end = w;
    waits->end = &w->next;
    /* the first look is when the handler has returned */
    loop_timer_set(waits->loop, &w->timer, LOOP_CLOUD, until_ms);
    loop_defer(waits->loop, &waits->task);
}

/* ---- what ends by itself ---- */

static int
sweep(struct txn *txn, int64_t now)
{
    int left = SWEEP_ROWS, r = 0;

    STORE_EACH(txn, sqs_message_by_end, row) {
        if (r < 0 || row->expires_ms > now || left-- == 0)
            break;
        r = sqs_message_delete(txn, row->id);
    }
    STORE_EACH(txn, sqs_dedup_by_until, row) {
        if (r < 0 || row->until_ms > now || left-- <= 0)
            break;
        r = sqs_dedup_delete(txn, row->id);
    }
    STORE_EACH(txn, sqs_deleted_by_until, row) {
        if (r < 0 || row->until_ms > now || left-- <= 0)
            break;
        r = sqs_deleted_delete(txn, row->id);
    }
    return r;
}

static void
on_sweep(struct loop_timer *timer)
{
    struct sqs_waits *waits = CONTAINER_OF(timer, struct sqs_waits, sweep);
    struct txn *txn = store_begin(waits->store);
    int r = sweep(txn, now_ms(waits));
    bool more = store_count(txn, &sqs_message_table) || store_count(txn, &sqs_dedup_table) ||
                store_count(txn, &sqs_deleted_table);

    waits->sweeping = false;
    if (r < 0) {
        error_origin(-r, "messages that are too old cannot be deleted");
        store_rollback(txn);
    } else {
        store_commit(txn);
    }
    if (more)
        on_sweep_needed(waits);
}

/* ---- life ---- */

int
sqs_waits_new(struct sqs_waits **ret, struct loop *loop, struct store *store)
{
    struct sqs_waits *waits = calloc(1, sizeof(*waits));

    if (!waits)
        return error_origin(ENOMEM, "the polls of queues cannot be kept");
    *waits = (struct sqs_waits){
        .loop = loop, .store = store, .task = {.fn = on_task}, .sweep = {.fn = on_sweep}};
    waits->end = &waits->all;
    store_watch(store, &sqs_message_table, message_changed, waits);
    store_watch(store, &sqs_queue_table, queue_changed, waits);
    store_watch(store, &sqs_dedup_table, other_changed, waits);
    store_watch(store, &sqs_deleted_table, other_changed, waits);
    struct txn *txn = store_begin(store);

    if (store_count(txn, &sqs_message_table) || store_count(txn, &sqs_deleted_table))
        on_sweep_needed(waits);
    store_rollback(txn);
    *ret = waits;
    return 0;
}

struct sqs_waits *
sqs_waits_free(struct sqs_waits *waits)
{
    if (!waits)
        return NULL;
    while (waits->all)
        drop(waits->all);
    loop_timer_stop(waits->loop, &waits->sweep);
    loop_task_cancel(waits->loop, &waits->task);
    free(waits);
    return NULL;
}
