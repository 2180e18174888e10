/*
 * Environments and the invocations in them.
 *
 * Everything here is one step of the table in runner.h; the driver's events and a timer for each
 * environment are what moves it.  The timer means: in STARTING and BUSY that the time is up, else
 * that the environment was kept long enough.
 */
#include "lambda/runner.h"

#include "api/authorize.h"
#include "api/guard.h"
#include "api/later.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "gen/api/lambda.h"

#include <stdlib.h>

#define INIT_MS 10000                      /* beside the function's own timeout */
#define KEPT_MS (INT64_C(5) * 60 * 1000)   /* an idle environment */
#define AGE_MS (LAMBDA_CREDENTIALS_MS / 2) /* then its credentials are old */
#define EVENT_AGE_MS (INT64_C(6) * 3600 * 1000)
#define RETRY_MS 60000 /* after the first failure; twice that after the second */
#define LOG_BYTES ((size_t)256 << 10)
#define TAIL_BYTES 4096
#define ARENA_BYTES ((size_t)256 << 20)

enum { RETRIES = 2, THROTTLE_STEPS = 9, EVENTS_AT_ONCE = 100 };

struct work {
    struct arena arena; /* of its texts */
    struct str request_id, arn, client_context, payload, version;
    bool tail;
    struct api_later *later; /* NULL: nobody waits (any more) */
    bool event;              /* a row of that id waits for the outcome */
    int64_t given_ms;
};

enum state { STARTING, BUSY, ENDING, IDLE };

struct environment {
    struct environment *next;
    struct lambda_runner *runner;
    struct arena arena; /* of its texts */
    struct str id, function, account, region, name, revision;
    enum state state;
    bool frozen, stale, reported;
    bool well;         /* its last invocation did not fail */
    struct work *work; /* STARTING, BUSY */
    struct loop_timer timer;
    struct buf log; /* since the work began */
    int64_t started_ms, ready_ms, timeout_s, memory_mib;
};

struct lambda_runner {
    struct loop *loop;
    struct store *store;
    struct api *api;
    const struct api_functions *driver;
    struct environment *all;
    int64_t n;
    struct loop_task look, sweep;
    struct loop_timer due;
};

static bool
environment_ok(const struct environment *e)
{
    assert(e->id.n && e->id.n < API_FUNCTION_ID_MAX && e->revision.n && e->runner->n > 0);
    assert((e->work != NULL) == (e->state == STARTING || e->state == BUSY));
    assert(!e->frozen || e->state == IDLE);
    return true;
}

static int64_t
now_ms(const struct lambda_runner *runner)
{
    return loop_now_ms(runner->loop, LOOP_CLOUD);
}

/* ---- the end of an invocation ---- */

static void
work_free(struct work *work)
{
    if (!work)
        return;
    arena_wipe(&work->arena);
    arena_done(&work->arena);
    free(work);
}

static void
log_report(struct environment *e)
{
    const struct work *w = e->work;
    struct lambda_runner *runner = e->runner;
    int64_t ms = MAX(now_ms(runner) - w->given_ms, 0);
    int64_t used = runner->driver->memory(runner->driver->ctx, e->id);

    assert(e->state == BUSY);
    buf_add_fmt(&e->log,
                "END RequestId: %.*s\nREPORT RequestId: %.*s\tDuration: %lld.00 ms\tBilled "
                "Duration: %lld ms\tMemory Size: %lld MB\tMax Memory Used: %lld MB\t",
                STR_ARG(w->request_id), STR_ARG(w->request_id), (long long)ms, (long long)ms,
                (long long)e->memory_mib, (long long)used);
    if (!e->reported)
        buf_add_fmt(&e->log, "Init Duration: %lld.00 ms\t",
                    (long long)(e->ready_ms - e->started_ms));
    buf_add_lit(&e->log, "\n");
    e->reported = true;
}

static struct str
tail_of(const struct buf *log)
{
    struct str all = buf_str(log);

    return str_cut(all, all.n > TAIL_BYTES ? all.n - TAIL_BYTES : 0, all.n);
}

/* An asynchronous one: its row goes, or it is tried again. */
static void
event_ended(struct lambda_runner *runner, struct str id, bool failed)
{
    struct txn *txn = store_begin(runner->store);
    const struct lambda_event_row *row = lambda_event_get(txn, id);
    int r = 0;

    if (row) {
        struct lambda_event_row new = *row;

        new.attempts++;
        new.due_ms = now_ms(runner) + new.attempts *RETRY_MS;
        r = failed && new.attempts <= RETRIES ? lambda_event_update(txn, &new)
                                              : lambda_event_delete(txn, id);
    }
    if (r < 0)
        error_origin(-r, "the event %.*s cannot be written", STR_ARG(id));
    store_commit(txn);
    loop_defer(runner->loop, &runner->look);
}

/*
 * What an invocation ends with: its payload, or what went wrong.  `sentence`: it could not be run
 * at all, and that is for the caller to know.
 */
struct outcome {
    bool failed;
    struct str payload, sentence;
    struct str last; /* of the log */
};

static void
finish(struct environment *e, const struct outcome *how)
{
    struct work *w = e->work;
    struct api_later *later = w->later;

    assert(environment_ok(e) && w);
    if (e->state == BUSY)
        log_report(e);
    buf_add_str(&e->log, how->last);
    e->work = NULL;
    e->state = ENDING;
    e->well = !how->failed;
    if (later && how->sentence.p) {
        int r =
            api_fault(later->call, &LAMBDA_ERR(ServiceException), "%.*s", STR_ARG(how->sentence));

        api_later_done(later, r);
    } else if (later) {
        struct lambda_InvocationResponse *res = later->res;
        struct arena *a = later->call->arena;

        res->status_code = opt_i64(200);
        res->payload = str_dup(a, how->payload);
        res->executed_version = str_dup(a, w->version);
        if (how->failed)
            res->function_error = S("Unhandled");
        if (w->tail)
            res->log_result = str_base64(a, tail_of(&e->log));
        api_later_done(later, 0);
    } else if (w->event) {
        event_ended(e->runner, w->request_id, how->failed || how->sentence.p);
    }
    work_free(w);
}

/* Ends it with an error of Lambda's own making. */
static void
finish_error(struct environment *e, const char *type, struct str text, struct str last)
{
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, 4096);
    json_open(&o, '{');
    json_key_str(&o, "errorType", str_from(type));
    json_key_str(&o, "errorMessage", text);
    json_close(&o, '}');
    finish(e, &(struct outcome){.failed = true, .payload = buf_str(&buf), .last = last});
    buf_done(&buf);
}

/* ---- environments ---- */

static struct environment *
find(struct lambda_runner *runner, struct str id)
{
    struct environment *e = runner->all;

    while (e && !str_eq(e->id, id))
        e = e->next;
    return e;
}

static void
drop(struct environment *e)
{
    struct lambda_runner *runner = e->runner;
    struct environment **at = &runner->all;

    assert(!e->work);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    runner->n--;
    loop_timer_stop(runner->loop, &e->timer);
    runner->driver->stop(runner->driver->ctx, e->id);
    buf_done(&e->log);
    arena_done(&e->arena);
    free(e);
}

static void
set_timer(struct environment *e, int64_t ms)
{
    loop_timer_set(e->runner->loop, &e->timer, LOOP_CLOUD, now_ms(e->runner) + ms);
}

static void
give(struct environment *e)
{
    struct lambda_runner *runner = e->runner;
    struct work *w = e->work;
    const struct api_functions *driver = runner->driver;

    assert(w);
    e->state = BUSY;
    w->given_ms = now_ms(runner);
    if (e->frozen)
        driver->freeze(driver->ctx, e->id, false);
    e->frozen = false;
    buf_add_fmt(&e->log, "START RequestId: %.*s Version: %.*s\n", STR_ARG(w->request_id),
                STR_ARG(w->version));
    const struct api_function_work work = {.request_id = w->request_id,
                                           .function_arn = w->arn,
                                           .client_context = w->client_context,
                                           .payload = w->payload,
                                           .deadline_ms = w->given_ms + e->timeout_s * 1000};
    set_timer(e, e->timeout_s * 1000);
    driver->give(driver->ctx, e->id, &work);
}

static void
time_is_up(struct loop_timer *timer)
{
    struct environment *e = CONTAINER_OF(timer, struct environment, timer);

    assert(environment_ok(e));
    if (e->work) {
        struct arena *a = &e->arena;
        struct str id = str_dup(a, e->work->request_id);
        struct str what =
            str_fmt(a, "Task timed out after %lld.00 seconds", (long long)e->timeout_s);

        finish_error(e, "Sandbox.Timedout",
                     str_fmt(a, "RequestId: %.*s Error: %.*s", STR_ARG(id), STR_ARG(what)),
                     str_fmt(a, "%.*s %.*s %.*s\n\n", STR_ARG(time_iso(a, now_ms(e->runner))),
                             STR_ARG(id), STR_ARG(what)));
    }
    drop(e);
}

/* ---- what the driver tells ---- */

static void
on_next(void *ctx, struct str id)
{
    struct lambda_runner *runner = ctx;
    struct environment *e = find(runner, id);

    if (!e || e->state == IDLE)
        return;
    assert(environment_ok(e));
    if (!e->ready_ms)
        e->ready_ms = now_ms(runner);
    if (e->work && e->state == STARTING) {
        give(e);
        return;
    }
    if (e->state == BUSY) /* it asks for more than it does */
        return;
    if (e->stale || now_ms(runner) - e->started_ms > AGE_MS) {
        drop(e);
        return;
    }
    e->state = IDLE;
    e->frozen = true;
    buf_reset(&e->log);
    runner->driver->freeze(runner->driver->ctx, e->id, true);
    set_timer(e, KEPT_MS);
}

static enum api_function_taken
on_answered(void *ctx, struct str id, struct str request_id, bool error, struct str body)
{
    struct environment *e = find(ctx, id);

    if (!e || e->state != BUSY || !str_eq(e->work->request_id, request_id))
        return API_FUNCTION_NOT_ITS;
    assert(environment_ok(e));
    set_timer(e, KEPT_MS);
    if (body.n > LAMBDA_RESPONSE_MAX) {
        finish_error(e, "Function.ResponseSizeTooLarge",
                     S("Response payload size exceeded maximum allowed payload size (6291556 "
                       "bytes)."),
                     STR_NONE);
        return API_FUNCTION_TOO_LARGE;
    }
    finish(e, &(struct outcome){.failed = error, .payload = body});
    return API_FUNCTION_TAKEN;
}

static void
on_init_error(void *ctx, struct str id, struct str body)
{
    struct environment *e = find(ctx, id);

    if (!e || !e->work)
        return;
    assert(environment_ok(e));
    finish(e, &(struct outcome){.failed = true, .payload = body});
    drop(e);
}

static void
on_printed(void *ctx, struct str id, struct str bytes)
{
    struct environment *e = find(ctx, id);

    if (!e)
        return;
    /* only its end is ever wanted */
    if (e->log.n + bytes.n > LOG_BYTES)
        buf_reset(&e->log);
    buf_add_str(&e->log, str_cut(bytes, 0, LOG_BYTES));
    if (log_shows(LOG_DEBUG))
        log_debug("function %.*s: %.*s", STR_ARG(e->name), STR_ARG(str_trim(bytes)));
}

static void
on_ended(void *ctx, struct str id, struct str why, struct str sentence)
{
    struct environment *e = find(ctx, id);

    if (!e)
        return;
    assert(environment_ok(e));
    if (e->work && !why.p) {
        finish(e, &(struct outcome){.failed = true, .sentence = sentence});
    } else if (e->work) {
        struct arena a;
        bool silent = str_is(why, "exit status 0");

        arena_init(&a, 4096);
        finish_error(e, "Runtime.ExitError",
                     silent ? str_fmt(&a,
                                      "RequestId: %.*s Error: Runtime exited without providing a "
                                      "reason",
                                      STR_ARG(e->work->request_id))
                            : str_fmt(&a, "RequestId: %.*s Error: Runtime exited with error: %.*s",
                                      STR_ARG(e->work->request_id), STR_ARG(why)),
                     STR_NONE);
        arena_done(&a);
    }
    drop(e);
}

/* ---- invocations ---- */

/* Who asked has gone: the function goes on, as on AWS. */
static void
on_leave(struct api_later *later)
{
    struct work *w = later->who;

    assert(w->later == later);
    w->later = NULL;
}

static struct work *
work_new(const struct lambda_order *order)
{
    struct work *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    arena_init(&w->arena, (size_t)16 << 20);
    w->request_id = str_dup(&w->arena, order->request_id);
    w->arn = str_dup(&w->arena, order->arn);
    w->client_context = str_dup(&w->arena, order->client_context);
    w->payload = str_dup(&w->arena, order->payload);
    w->version = str_dup(&w->arena, order->function->version);
    w->tail = order->tail;
    w->event = !order->call;
    if (order->call)
        w->later = api_later_new(order->call, order->res, on_leave, w);
    return w;
}

/*
 * One that can take it now, or will in a moment, as it has just answered; else the idle one that is
 * to make room is *ret_oldest.
 */
static struct environment *
find_idle(struct lambda_runner *runner, const struct lambda_function_row *function,
          struct environment **ret_oldest)
{
    struct environment *soon = NULL;

    *ret_oldest = NULL;
    for (struct environment *e = runner->all; e; e = e->next) {
        bool same = !e->stale && str_eq(e->revision, function->revision) &&
                    str_eq(e->function, function->id);

        if (e->state == IDLE && same)
            return e;
        if (e->state == ENDING && same && e->well)
            soon = e;
        if (e->state == IDLE)
            *ret_oldest = e; /* the list has the newest first */
    }
    return soon;
}

static int64_t
count_busy(const struct lambda_runner *runner, const struct lambda_function_row *function)
{
    int64_t n = 0;

    for (const struct environment *e = runner->all; e; e = e->next)
        n +=
            e->work && str_eq(e->account, function->account) && str_eq(e->region, function->region);
    return n;
}

static int
throttled(struct api_call *call)
{
    struct lambda_TooManyRequestsException *detail =
        ARENA_NEW(call->arena, struct lambda_TooManyRequestsException);

    detail->type = S("User");
    detail->reason = S("ConcurrentInvocationLimitExceeded");
    return api_fault_detail(call, &LAMBDA_ERR(TooManyRequestsException), detail, "Rate Exceeded.");
}

static struct environment *
environment_new(struct lambda_runner *runner, struct api_call *call,
                const struct lambda_function_row *function)
{
    struct environment *e = calloc(1, sizeof(*e));
    uint8_t random[9];

    if (!e)
        abort();
    call->env->random(call->env, random, sizeof(random));
    e->runner = runner;
    arena_init(&e->arena, 16384);
    buf_init(&e->log, 2 * LOG_BYTES);
    e->id = str_fmt(&e->arena, "lam-%.*s", STR_ARG(str_hex(&e->arena, random, sizeof(random))));
    e->function = str_dup(&e->arena, function->id);
    e->account = str_dup(&e->arena, function->account);
    e->region = str_dup(&e->arena, function->region);
    e->name = str_dup(&e->arena, function->name);
    e->revision = str_dup(&e->arena, function->revision);
    e->timeout_s = function->timeout_s;
    e->memory_mib = function->memory_mib;
    e->started_ms = now_ms(runner);
    e->timer.fn = time_is_up;
    e->next = runner->all;
    runner->all = e;
    runner->n++;
    return e;
}

/* Asks the driver for it; code and environment are in memory only as long as that takes. */
static int
begin(struct lambda_runner *runner, struct api_call *call,
      const struct lambda_function_row *function, struct environment *e)
{
    struct api_call owner = *call; /* whose role it is, whoever calls */
    struct api_function_start start = {
        .id = e->id, .runtime = function->runtime, .memory_mib = function->memory_mib};
    struct str why = STR_NONE;
    struct arena a;

    owner.account = function->account;
    arena_init(&a, ARENA_BYTES);
    int r = lambda_environment_of(&owner, function, &start.env);

    if (r > 0)
        call->fault = owner.fault;
    if (r == 0)
        r = lambda_code_read(call->txn, &a, function->code, &start.code);
    if (r == 0)
        r = runner->driver->start(runner->driver->ctx, &start, &why);
    if (r < 0 && why.p)
        r = api_fault(call, &LAMBDA_ERR(ServiceException), "%.*s", STR_ARG(why));
    arena_done(&a);
    return r;
}

int
lambda_run(struct api_call *call, const struct lambda_order *order)
{
    struct lambda_runner *runner = api_runner(call);
    const struct lambda_function_row *function = order->function;
    struct environment *oldest, *e;

    assert((order->call != NULL) == (order->res != NULL));
    if (!runner || !runner->driver)
        return api_fault(call, &LAMBDA_ERR(ServiceException),
                         "Functions do not run here: this host only simulates instances. Start the "
                         "daemon as root, without --host sim.");
    if (count_busy(runner, function) >= LAMBDA_CONCURRENT_MAX)
        return throttled(call);
    e = find_idle(runner, function, &oldest);
    if (e) {
        bool idle = e->state == IDLE;

        e->work = work_new(order);
        if (idle) {
            give(e);
        } else {
            e->state = STARTING; /* until it asks */
            buf_reset(&e->log);
            set_timer(e, INIT_MS + e->timeout_s * 1000);
        }
        return 0;
    }
    if (runner->n >= runner->driver->max && oldest)
        drop(oldest);
    if (runner->n >= runner->driver->max)
        return throttled(call);
    e = environment_new(runner, call, function);
    int r = begin(runner, call, function, e);

    if (r) {
        e->state = ENDING;
        drop(e);
        return r;
    }
    e->work = work_new(order);
    set_timer(e, INIT_MS + e->timeout_s * 1000);
    assert(environment_ok(e));
    return 0;
}

/* ---- asynchronous invocations ---- */

static bool
in_flight(const struct lambda_runner *runner, struct str id)
{
    for (const struct environment *e = runner->all; e; e = e->next)
        if (e->work && e->work->event && str_eq(e->work->request_id, id))
            return true;
    return false;
}

/* One that cannot be run: it is throttled, or never will be. */
static int
put_off(struct api_call *call, const struct lambda_event_row *row)
{
    struct lambda_event_row new = *row;
    bool again = str_is(call->fault.code, "TooManyRequestsException") ||
                 str_is(call->fault.code, "ServiceException");

    if (!again || call->now_ms - row->created_ms > EVENT_AGE_MS) {
        log_warn("an asynchronous invocation of %.*s is given up: %.*s", STR_ARG(row->function),
                 STR_ARG(call->fault.message));
        return lambda_event_delete(call->txn, row->id);
    }
    new.throttled++;
    new.due_ms =
        call->now_ms + MIN(INT64_C(1) << MIN(new.throttled, THROTTLE_STEPS), INT64_C(300)) * 1000;
    return lambda_event_update(call->txn, &new);
}

static int
run_event(struct api_call *call, const struct lambda_event_row *row)
{
    const struct lambda_name name = {row->account, row->region, row->function,
                                     row->qualifier.n ? row->qualifier : STR_NONE};
    struct lambda_order order = {.request_id = row->id,
                                 .arn = lambda_arn(call->arena, &name),
                                 .client_context = row->client_context,
                                 .payload = row->payload};

    call->account = row->account;
    call->region = row->region;
    call->fault = (struct api_fault){0};
    int r = lambda_find_version(call, &name, true, &order.function);

    if (r == 0)
        r = lambda_run(call, &order);
    return r > 0 ? put_off(call, row) : r;
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
    arena_init(&a, ARENA_BYTES);
    struct api_call call = api_call_of_operator(runner->api, &a);

    call.txn = store_begin(runner->store);
    STORE_EACH(call.txn, lambda_event_by_due, row) {
        if (in_flight(runner, row->id))
            continue;
        if (row->due_ms > call.now_ms || n++ == EVENTS_AT_ONCE) {
            next_ms = MAX(row->due_ms, call.now_ms + 1);
            break;
        }
        r = run_event(&call, row);
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

/* ---- functions that change ---- */

static void
function_changed(void *ctx, const void *old_row, const void *new_row UNUSED)
{
    struct lambda_runner *runner = ctx;

    if (old_row)
        loop_defer(runner->loop, &runner->sweep);
}

/* Environments of what is no more. */
static void
sweep(struct loop_task *task)
{
    struct lambda_runner *runner = CONTAINER_OF(task, struct lambda_runner, sweep);
    struct txn *txn = store_begin(runner->store);
    struct environment *next;

    for (struct environment *e = runner->all; e; e = next) {
        const struct lambda_function_row *row = lambda_function_get(txn, e->function);

        next = e->next;
        e->stale = !row || !str_eq(row->revision, e->revision);
        if (e->stale && e->state == IDLE)
            drop(e);
    }
    store_rollback(txn);
}

/* ---- life ---- */

int
lambda_runner_new(struct lambda_runner **ret, struct loop *loop, struct store *store)
{
    struct lambda_runner *runner = calloc(1, sizeof(*runner));

    assert(loop && store);
    if (!runner)
        return error_origin(ENOMEM, "the runner of functions cannot be made");
    runner->loop = loop;
    runner->store = store;
    runner->look.fn = look;
    runner->sweep.fn = sweep;
    runner->due.fn = is_due;
    store_watch(store, &lambda_event_table, event_changed, runner);
    store_watch(store, &lambda_function_table, function_changed, runner);
    *ret = runner;
    return 0;
}

void
lambda_runner_start(struct lambda_runner *runner, struct api *api,
                    const struct api_functions *driver, struct api_function_events *ret)
{
    assert(!runner->driver && driver->start && driver->give && driver->stop && driver->freeze);
    runner->api = api;
    runner->driver = driver;
    *ret = (struct api_function_events){.ctx = runner,
                                        .next = on_next,
                                        .answered = on_answered,
                                        .init_error = on_init_error,
                                        .printed = on_printed,
                                        .ended = on_ended};
    loop_defer(runner->loop, &runner->look);
}

struct lambda_runner *
lambda_runner_free(struct lambda_runner *runner)
{
    if (!runner)
        return NULL;
    while (runner->all) {
        struct environment *e = runner->all;

        work_free(e->work); /* who waited is gone, an event is tried again */
        e->work = NULL;
        e->state = ENDING;
        e->frozen = false;
        drop(e);
    }
    loop_timer_stop(runner->loop, &runner->due);
    loop_task_cancel(runner->loop, &runner->look);
    loop_task_cancel(runner->loop, &runner->sweep);
    free(runner);
    return NULL;
}
