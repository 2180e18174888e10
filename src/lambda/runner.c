/*
 * Environments and the invocations in them.
 *
 * Everything here is one step of the table in runner.h; the driver's events and a timer for each
 * environment are what moves it.  The timer means: in STARTING and BUSY that the time is up, else
 * that the environment was kept long enough.
 */
#include "lambda/runner_internal.h"

#include "base/error.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "codec/json.h"

#include <stdlib.h>

#define INIT_MS 10000                      /* beside the function's own timeout */
#define KEPT_MS (INT64_C(5) * 60 * 1000)   /* an idle environment */
#define AGE_MS (LAMBDA_CREDENTIALS_MS / 2) /* then its credentials are old */
#define LOG_BYTES ((size_t)256 << 10)
#define TAIL_BYTES 4096

static bool
environment_ok(const struct environment *e)
{
    assert(e->id.n && e->id.n < API_FUNCTION_ID_MAX && e->revision.n && e->runner->n > 0);
    assert((e->work != NULL) == (e->state == STARTING || e->state == BUSY));
    assert(!e->frozen || e->state == IDLE);
    return true;
}

/* ---- the end of an invocation ---- */

static void
work_free(struct lambda_work *work)
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
    const struct lambda_work *w = e->work;
    struct lambda_runner *runner = e->runner;
    int64_t ms = MAX(lambda_now_ms(runner) - w->given_ms, 0);
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

static void
finish(struct environment *e, const struct lambda_outcome *how)
{
    struct lambda_work *w = e->work;
    struct lambda_outcome out = *how;

    assert(environment_ok(e) && w);
    if (e->state == BUSY)
        log_report(e);
    buf_add_str(&e->log, how->last);
    e->work = NULL;
    e->state = ENDING;
    e->well = !how->failed;
    out.request_id = w->request_id;
    out.version = w->version;
    out.tail = w->tail ? tail_of(&e->log) : STR_NONE;
    if (w->done)
        w->done(w->ctx, &out);
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
    finish(e, &(struct lambda_outcome){.failed = true, .payload = buf_str(&buf), .last = last});
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
    loop_timer_set(e->runner->loop, &e->timer, LOOP_CLOUD, lambda_now_ms(e->runner) + ms);
}

static void
give(struct environment *e)
{
    struct lambda_runner *runner = e->runner;
    struct lambda_work *w = e->work;
    const struct api_functions *driver = runner->driver;

    assert(w);
    e->state = BUSY;
    w->given_ms = lambda_now_ms(runner);
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
                     str_fmt(a, "%.*s %.*s %.*s\n\n",
                             STR_ARG(time_iso(a, lambda_now_ms(e->runner))), STR_ARG(id),
                             STR_ARG(what)));
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
        e->ready_ms = lambda_now_ms(runner);
    if (e->work && e->state == STARTING) {
        give(e);
        return;
    }
    if (e->state == BUSY) /* it asks for more than it does */
        return;
    if (e->stale || lambda_now_ms(runner) - e->started_ms > AGE_MS) {
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
    finish(e, &(struct lambda_outcome){.failed = error, .payload = body});
    return API_FUNCTION_TAKEN;
}

static void
on_init_error(void *ctx, struct str id, struct str body)
{
    struct environment *e = find(ctx, id);

    if (!e || !e->work)
        return;
    assert(environment_ok(e));
    finish(e, &(struct lambda_outcome){.failed = true, .payload = body});
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
        finish(e, &(struct lambda_outcome){.failed = true, .sentence = sentence});
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

void
lambda_work_await(struct lambda_work *work, lambda_done_fn *done, void *ctx)
{
    assert(work && (!done || !work->done));
    work->done = done;
    work->ctx = ctx;
}

static struct lambda_work *
work_new(const struct lambda_order *order)
{
    struct lambda_work *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    arena_init(&w->arena, (size_t)16 << 20);
    w->request_id = str_dup(&w->arena, order->request_id);
    w->arn = str_dup(&w->arena, order->arn);
    w->client_context = str_dup(&w->arena, order->client_context);
    w->payload = str_dup(&w->arena, order->payload);
    w->version = str_dup(&w->arena, order->function->version);
    w->tail = order->tail;
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

static int
throttled(struct api_call *call, const char *reason)
{
    struct lambda_TooManyRequestsException *detail =
        ARENA_NEW(call->arena, struct lambda_TooManyRequestsException);

    detail->type = S("User");
    detail->reason = str_from(reason);
    return api_fault_detail(call, &LAMBDA_ERR(TooManyRequestsException), detail, "Rate Exceeded.");
}

#define UNRESERVED "ConcurrentInvocationLimitExceeded"

/* Whether there is room for one more: of its own, or of what nobody has reserved. */
static int
room_check(struct lambda_runner *runner, struct api_call *call,
           const struct lambda_function_row *function)
{
    struct lambda_name name = lambda_name_of(function);
    const struct lambda_function_row *latest =
        lambda_function_get(call->txn, lambda_key(call->arena, &name, S(LAMBDA_LATEST)));
    struct str_list names = {0};
    int64_t pool =
        LAMBDA_CONCURRENT_MAX - lambda_reserved(call, function->account, function->region, &names);
    int64_t own = 0, others = 0;

    assert(latest && pool >= 0);
    for (const struct environment *e = runner->all; e; e = e->next) {
        if (!e->work || !str_eq(e->account, function->account) ||
            !str_eq(e->region, function->region))
            continue;
        own += str_eq(e->name, function->name);
        others += !names.n || !str_in(&names, e->name);
    }
    if (latest->reserved)
        return own < latest->reserved - LAMBDA_RESERVED(0)
                   ? 0
                   : throttled(call, "ReservedFunctionConcurrentInvocationLimitExceeded");
    return others < pool ? 0 : throttled(call, UNRESERVED);
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
    e->started_ms = lambda_now_ms(runner);
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
    arena_init(&a, LAMBDA_LOOK_BYTES);
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
lambda_run(struct api_call *call, const struct lambda_order *order, struct lambda_work **ret)
{
    struct lambda_runner *runner = api_runner(call);
    const struct lambda_function_row *function = order->function;
    struct environment *oldest, *e;

    if (!runner || !runner->driver)
        return api_fault(call, &LAMBDA_ERR(ServiceException),
                         "Functions do not run here: this host only simulates instances. Start the "
                         "daemon as root, without --host sim.");
    int r = room_check(runner, call, function);

    if (r)
        return r;
    e = find_idle(runner, function, &oldest);
    if (e) {
        bool idle = e->state == IDLE;

        e->work = *ret = work_new(order);
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
        return throttled(call, UNRESERVED);
    e = environment_new(runner, call, function);
    r = begin(runner, call, function, e);

    if (r) {
        e->state = ENDING;
        drop(e);
        return r;
    }
    e->work = *ret = work_new(order);
    set_timer(e, INIT_MS + e->timeout_s * 1000);
    assert(environment_ok(e));
    return 0;
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
    runner->sweep.fn = sweep;
    lambda_events_init(runner);
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
    lambda_events_done(runner);
    loop_task_cancel(runner->loop, &runner->sweep);
    free(runner);
    return NULL;
}
