/*
 * Asynchronous invocations: rows that are due begin, and what became of them is written in one
 * transaction with what follows from it: another attempt, a destination that is told, a dead-letter
 * queue, or who asked (a service that wants the outcome finds it in the row and deletes it).
 */
#include "lambda/runner_internal.h"

#include "api/guard.h"
#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>

#define EVENT_AGE_MS (INT64_C(6) * 3600 * 1000)
#define RETRY_MS 60000 /* after the first failure; twice that after the second */
#define NEVER_MS INT64_MAX

enum { RETRIES = 2, THROTTLE_STEPS = 9, EVENTS_AT_ONCE = 100 };

/* An event that runs now. */
struct lambda_flight {
    struct lambda_flight *next;
    struct lambda_runner *runner;
    struct lambda_work *work;
    size_t n;
    char id[];
};

/* ---- which are on their way ---- */

static struct lambda_flight **
flight_at(struct lambda_runner *runner, struct str id)
{
    struct lambda_flight **at = &runner->flights;

    while (*at && !str_eq(str_of((*at)->id, (*at)->n), id))
        at = &(*at)->next;
    return at;
}

static struct lambda_flight *
flight_new(struct lambda_runner *runner, struct str id)
{
    struct lambda_flight *f = calloc(1, sizeof(*f) + id.n);

    if (!f)
        abort();
    assert(id.n > 0 && !*flight_at(runner, id));
    memcpy(f->id, id.p, id.n);
    f->n = id.n;
    f->runner = runner;
    f->next = runner->flights;
    runner->flights = f;
    return f;
}

/* ---- how an event may end ---- */

/* What was said of the function's events; of its absence AWS's defaults. */
struct terms {
    int64_t retries, age_ms;
    struct lambda_told told;
};

static struct terms
terms_of(struct api_call *call, const struct lambda_event_row *row,
         const struct lambda_function_row *function)
{
    struct terms t = {.retries = RETRIES, .age_ms = EVENT_AGE_MS};
    const struct lambda_name name = {row->account, row->region, row->function, STR_NONE};
    struct str qualifier = row->qualifier.n ? row->qualifier : S(LAMBDA_LATEST);
    const struct lambda_event_config_row *config =
        lambda_event_config_get(call->txn, lambda_key(call->arena, &name, qualifier));

    if (row->asker.n)
        t.retries = 0;
    if (config && !row->asker.n) {
        t.retries = config->retries ? config->retries - 1 : RETRIES;
        t.age_ms = config->age_s ? config->age_s * 1000 : EVENT_AGE_MS;
        t.told = (struct lambda_told){.on_success = config->on_success,
                                      .on_failure = config->on_failure};
    }
    t.told.event = row;
    t.told.function = function;
    assert(t.retries >= 0 && t.retries <= RETRIES && t.age_ms >= 60000);
    return t;
}

/* It is over: who asked gets the outcome, else it is told where the function says. */
static int
close_event(struct api_call *call, const struct lambda_event_row *row, struct terms *t,
            const struct lambda_outcome *how, const char *condition)
{
    if (row->asker.n) {
        struct lambda_event_row new = *row;

        new.done = true;
        new.failed = !how || how->failed;
        new.payload = how ? how->payload : call->fault.message;
        new.fault = how ? S("") : call->fault.code;
        new.due_ms = NEVER_MS;
        return lambda_event_update(call->txn, &new);
    }
    t->told.how = how;
    t->told.condition = condition;
    if (t->told.function)
        lambda_tell(call, &t->told);
    return lambda_event_delete(call->txn, row->id);
}

/* Beyond its age it is not tried again. */
static int
try_later(struct api_call *call, const struct lambda_event_row *row, struct terms *t,
          const struct lambda_outcome *how)
{
    if (row->due_ms - row->created_ms > t->age_ms)
        return close_event(call, row, t, how, "EventAgeExceeded");
    return lambda_event_update(call->txn, row);
}

static int
ended_row(struct api_call *call, const struct lambda_event_row *row,
          const struct lambda_outcome *how)
{
    struct lambda_name name = {row->account, row->region, row->function, how->version};
    const struct lambda_function_row *function =
        lambda_function_get(call->txn, lambda_key(call->arena, &name, how->version));
    struct terms t = terms_of(call, row, function);
    struct lambda_event_row new = *row;

    new.attempts++;
    t.told.event = &new;
    if (!how->failed)
        return close_event(call, &new, &t, how, "Success");
    if (new.attempts > t.retries)
        return close_event(call, &new, &t, how, "RetriesExhausted");
    new.due_ms = call->now_ms + new.attempts *RETRY_MS;
    return try_later(call, &new, &t, how);
}

/* ---- one that cannot be run ---- */

static bool
is_reserved_away(struct api_call *call, const struct lambda_event_row *row)
{
    const struct lambda_name name = {row->account, row->region, row->function, STR_NONE};
    const struct lambda_function_row *latest =
        lambda_function_get(call->txn, lambda_key(call->arena, &name, S(LAMBDA_LATEST)));

    return latest && latest->reserved == LAMBDA_RESERVED(0);
}

/* It is throttled, or never will be run; call->fault says so. */
static int
put_off(struct api_call *call, const struct lambda_event_row *row,
        const struct lambda_function_row *function)
{
    struct lambda_event_row new = *row;
    struct terms t = terms_of(call, &new, function);
    assert(call->fault.code.n > 0);
    bool again = str_is(call->fault.code, "TooManyRequestsException") ||
                 str_is(call->fault.code, "ServiceException");

    if (row->asker.n)
        return close_event(call, row, &t, NULL, "");
    if (!again) {
        log_warn("an asynchronous invocation of %.*s is given up: %.*s", STR_ARG(row->function),
                 STR_ARG(call->fault.message));
        return lambda_event_delete(call->txn, row->id);
    }
    if (is_reserved_away(call, row))
        return close_event(call, row, &t, NULL, "ZeroReservedConcurrency");
    new.throttled++;
    new.due_ms =
        call->now_ms + MIN(INT64_C(1) << MIN(new.throttled, THROTTLE_STEPS), INT64_C(300)) * 1000;
    return try_later(call, &new, &t, NULL);
}

static void
ended(void *ctx, const struct lambda_outcome *how)
{
    struct lambda_flight *f = ctx;
    struct lambda_runner *runner = f->runner;
    struct arena a;
    int r = 0;

    assert(str_eq(how->request_id, str_of(f->id, f->n)));
    arena_init(&a, LAMBDA_LOOK_BYTES);
    struct api_call call = api_call_of_operator(runner->api, &a);

    call.txn = store_begin(runner->store);
    const struct lambda_event_row *row = lambda_event_get(call.txn, how->request_id);

    if (row && how->sentence.p) {
        api_fault(&call, &LAMBDA_ERR(ServiceException), "%.*s", STR_ARG(how->sentence));
        r = put_off(&call, row, NULL);
    } else if (row) {
        r = ended_row(&call, row, how);
    }
    if (r < 0)
        error_origin(-r, "the event %.*s cannot be written", STR_ARG(how->request_id));
    store_commit(call.txn);
    *flight_at(runner, how->request_id) = f->next;
    free(f);
    arena_done(&a);
    loop_defer(runner->loop, &runner->look);
}

/* ---- one that is due ---- */

static int
run_event(struct lambda_runner *runner, struct api_call *call, const struct lambda_event_row *row)
{
    const struct lambda_name name = {row->account, row->region, row->function,
                                     row->qualifier.n ? row->qualifier : STR_NONE};
    struct lambda_order order = {.request_id = row->id,
                                 .arn = lambda_arn(call->arena, &name),
                                 .client_context = row->client_context,
                                 .payload = row->payload};
    struct lambda_work *work;

    call->account = row->account;
    call->region = row->region;
    call->fault = (struct api_fault){0};
    int r = lambda_find_version(call, &name, true, &order.function);

    if (r == 0)
        r = lambda_run(call, &order, &work);
    if (r == 0)
        lambda_work_await(work, ended, flight_new(runner, row->id));
    return r > 0 ? put_off(call, row, order.function) : r;
}

/* What is due begins; then the clock is set for the next. */
static void
look(struct loop_task *task)
{
    struct lambda_runner *runner = CONTAINER_OF(task, struct lambda_runner, look);
    struct arena a;
    int64_t next_ms = 0;
    int r = 0, n = 0;

    if (!runner->driver)
        return;
    arena_init(&a, LAMBDA_LOOK_BYTES);
    struct api_call call = api_call_of_operator(runner->api, &a);

    assert(runner->api && runner->store);
    call.txn = store_begin(runner->store);
    STORE_EACH(call.txn, lambda_event_by_due, row) {
        if (row->due_ms == NEVER_MS)
            break;
        if (*flight_at(runner, row->id))
            continue;
        if (row->due_ms > call.now_ms || n++ == EVENTS_AT_ONCE) {
            next_ms = MAX(row->due_ms, call.now_ms + 1);
            break;
        }
        r = run_event(runner, &call, row);
        if (r < 0)
            error_origin(-r, "an asynchronous invocation of %.*s cannot begin",
                         STR_ARG(row->function));
    }
    store_commit(call.txn);
    if (next_ms)
        loop_timer_set(runner->loop, &runner->due, LOOP_CLOUD, next_ms);
    arena_done(&a);
}

static void
is_due(struct loop_timer *timer)
{
    struct lambda_runner *runner = CONTAINER_OF(timer, struct lambda_runner, due);

    loop_defer(runner->loop, &runner->look);
}

static void
event_changed(void *ctx, const void *old_row UNUSED, const void *new_row)
{
    struct lambda_runner *runner = ctx;

    if (new_row)
        loop_defer(runner->loop, &runner->look);
}

void
lambda_events_init(struct lambda_runner *runner)
{
    runner->look.fn = look;
    runner->due.fn = is_due;
    store_watch(runner->store, &lambda_event_table, event_changed, runner);
}

void
lambda_events_done(struct lambda_runner *runner)
{
    struct lambda_flight *f;

    while ((f = runner->flights)) {
        runner->flights = f->next;
        free(f);
    }
    loop_timer_stop(runner->loop, &runner->due);
    loop_task_cancel(runner->loop, &runner->look);
}
