/*
 * One timer for all alarms, set to the next minute while there are any (to the next ten seconds
 * while one has so short a period).  A look evaluates every alarm on the periods that ended by
 * then, and writes only what changes its state, so a look that never came, because the daemon was
 * down or its clock was moved on, needs nothing but the next one.
 *
 * Each alarm has a transaction of its own, and acts as whoever put it.  Composite alarms are
 * looked at whenever alarms changed, until none changes any more.
 */
#include "cloudwatch/engine.h"

#include "api/actor.h"
#include "base/error.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "cloudwatch/action.h"
#include "cloudwatch/alarm.h"
#include "cloudwatch/formula.h"

#include <stdlib.h>

enum { FAST_MS = 10000, ROUNDS_MAX = 16 };
#define LOOK_BYTES_MAX ((size_t)64 << 20)

struct cloudwatch_engine {
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct loop_timer timer;
    struct loop_task task; /* composite alarms; the timer, when alarms came or went */
    struct arena arena;    /* of a look at one alarm */
};

/* A look at one alarm. */
struct look {
    struct api_call call;
    const struct cloudwatch_alarm_row *alarm;
    int64_t end_ms; /* the periods end here */
};

/* ---- metric alarms ---- */

static void
rule_of(const struct cloudwatch_alarm_row *alarm, struct cloudwatch_rule *ret)
{
    const struct json threshold = {.kind = JSON_NUMBER, .text = alarm->threshold};
    bool ok = cloudwatch_missing_parse(alarm->missing, &ret->missing);

    ret->comparison = cloudwatch_comparison(alarm->comparison);
    ok = json_f64(&threshold, &ret->threshold) && ok;
    assert(ok && ret->comparison);
    ret->periods = alarm->evaluation_periods;
    ret->to_alarm = alarm->datapoints;
    ret->period_s = alarm->period_s;
    ret->statistic = alarm->statistic.n ? alarm->statistic : alarm->extended;
    ret->unit = alarm->unit;
}

/* Percentiles of few samples are not looked at, when the alarm says so. */
static void
drop_low_samples(const struct cloudwatch_alarm_row *alarm, const struct cloudwatch_stat *stat,
                 struct cloudwatch_series *series)
{
    double part = stat->high / 100;
    /* Ten samples in what is beyond the percentile, but for the last bit of a product. */
    double beyond = part >= 0.5 ? 1 - part : part, least = 10 - 1e-9;
    size_t n = 0;

    if (!str_is(alarm->low_samples, "ignore") || stat->kind != CLOUDWATCH_PERCENTILE)
        return;
    for (size_t i = 0; i < series->n; i++)
        if (series->v[i].count * beyond >= least)
            series->v[n++] = series->v[i];
    assert(n <= series->n);
    series->n = n;
}

static int
read_series(struct look *look, struct cloudwatch_series *ret)
{
    const struct cloudwatch_alarm_row *alarm = look->alarm;
    struct str name = alarm->statistic.n ? alarm->statistic : alarm->extended;
    int64_t periods = alarm->evaluation_periods + CLOUDWATCH_RANGE_EXTRA;
    const struct cloudwatch_metric_name metric = {alarm->account, alarm->region, alarm->namespace,
                                                  alarm->metric_name, alarm->dimensions};
    const struct cloudwatch_range range = {
        .start_ms = look->end_ms - periods * alarm->period_s * 1000,
        .end_ms = look->end_ms,
        .period_ms = alarm->period_s * 1000,
        .unit = alarm->unit.n ? alarm->unit : STR_NONE,
    };
    struct cloudwatch_stat stat;

    if (alarm->queries.n)
        return cloudwatch_alarm_series(&look->call, alarm, look->end_ms, ret);
    bool ok = cloudwatch_stat_parse(name, &stat);

    assert(ok);
    int r = cloudwatch_series_read(look->call.txn, look->call.arena, &metric, &stat, &range, ret);

    if (r == 0)
        drop_low_samples(alarm, &stat, ret);
    return r;
}

/* Actions that are done as long as the state lasts; `data` is what makes it last. */
static int
act_again(struct look *look, struct str data)
{
    struct cloudwatch_alarm_row alarm = *look->alarm;
    int r = 0;

    assert(cloudwatch_state_of(&alarm) == CLOUDWATCH_ALARM);
    if (!alarm.actions_enabled)
        return 0;
    alarm.reason_data = data;
    LIST_EACH(&alarm.alarm_actions, arn) {
        const struct cloudwatch_action *action = cloudwatch_action_find(*arn);

        if (r >= 0 && action && action->again)
            r = cloudwatch_action_run(&look->call, &alarm, *arn, true);
    }
    return r;
}

static int
evaluate(struct look *look)
{
    enum cloudwatch_state now = cloudwatch_state_of(look->alarm);
    struct cloudwatch_series series;
    struct cloudwatch_verdict verdict;
    struct cloudwatch_rule rule;
    int r = read_series(look, &series);

    if (r < 0)
        return r;
    cloudwatch_alarm_assert(look->alarm);
    rule_of(look->alarm, &rule);
    cloudwatch_judge(look->call.arena, &rule, &series, look->end_ms, look->call.now_ms, now,
                     &verdict);
    if (verdict.state == now && now == CLOUDWATCH_ALARM &&
        look->end_ms % CLOUDWATCH_MINUTE_MS == 0) {
        cloudwatch_judge(look->call.arena, &rule, &series, look->end_ms, look->call.now_ms,
                         CLOUDWATCH_RETAIN, &verdict);
        return act_again(look, verdict.data);
    }
    if (verdict.state == CLOUDWATCH_RETAIN || verdict.state == now)
        return 0;
    return cloudwatch_alarm_change(&look->call, look->alarm, verdict.state, verdict.reason,
                                   verdict.data);
}

/* ---- composite alarms ---- */

static const struct cloudwatch_alarm_row *
child(struct api_call *call, struct str name)
{
    return str_starts(name, S("arn:")) ? cloudwatch_alarm_get(call->txn, name)
                                       : cloudwatch_alarm_find(call, name);
}

static bool
is_in(void *ctx, struct str name, enum cloudwatch_state state)
{
    struct api_call *call = ctx;
    const struct cloudwatch_alarm_row *row = child(call, name);

    return row && str_eq(row->account, call->account) && cloudwatch_state_of(row) == state;
}

/* "ARN transitioned to ALARM at Friday 27 November, 2026 23:10:00 UTC" */
static void
composite_words(struct look *look, const struct str_list *names, struct str *ret_reason,
                struct str *ret_data)
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    const struct cloudwatch_alarm_row *newest = NULL;
    struct arena *arena = look->call.arena;
    struct buf buf;

    LIST_EACH(names, name) {
        const struct cloudwatch_alarm_row *row = child(&look->call, *name);

        if (row && (!newest || row->transitioned_ms > newest->transitioned_ms))
            newest = row;
    }
    if (!newest) {
        *ret_reason = S("The alarm rule was evaluated");
        *ret_data = S("{\"triggeringAlarms\":[]}");
        return;
    }
    struct civil c = time_civil(newest->transitioned_ms);

    assert(c.month >= 1 && c.month <= 12 && c.weekday < 7);
    *ret_reason = str_fmt(arena, "%.*s transitioned to %.*s at %s %02d %s, %d %02d:%02d:%02d UTC",
                          STR_ARG(newest->id), STR_ARG(newest->state), days[c.weekday], c.day,
                          months[c.month - 1], c.year, c.hour, c.minute, c.second);
    buf_init(&buf, 8 << 10);
    buf_add_fmt(&buf,
                "{\"triggeringAlarms\":[{\"arn\":\"%.*s\",\"state\":{\"value\":\"%.*s\","
                "\"timestamp\":\"",
                STR_ARG(newest->id), STR_ARG(newest->state));
    cloudwatch_date(&buf, newest->transitioned_ms);
    buf_add_lit(&buf, "\"}}]}");
    *ret_data = str_dup(arena, buf_str(&buf));
    buf_done(&buf);
}

static int
evaluate_composite(struct look *look)
{
    const struct cloudwatch_alarm_row *alarm = look->alarm;
    struct str_list names = {0};
    struct str reason, data;
    size_t at;
    const struct cloudwatch_formula *formula =
        cloudwatch_formula_parse(look->call.arena, alarm->rule, &names, &at);

    assert(alarm->composite);
    assert(formula); /* it was checked when it was put */
    enum cloudwatch_state state =
        cloudwatch_formula_holds(formula, is_in, &look->call) ? CLOUDWATCH_ALARM : CLOUDWATCH_OK;

    if (state == cloudwatch_state_of(alarm))
        return 0;
    composite_words(look, &names, &reason, &data);
    return cloudwatch_alarm_change(&look->call, alarm, state, reason, data);
}

/* ---- looks ---- */

/* One transaction for one alarm.  Whether anything changed. */
static bool
look_at(struct cloudwatch_engine *e, struct str id, int64_t end_ms)
{
    struct txn *txn = store_begin(e->store);
    struct look look = {.alarm = cloudwatch_alarm_get(txn, id), .end_ms = end_ms};
    int r = -EINVAL;

    if (!look.alarm) {
        store_rollback(txn);
        return false;
    }
    if (api_actor_call(e->api, &e->arena, &look.alarm->actor, look.alarm->region, &look.call)) {
        look.call.txn = txn;
        r = look.alarm->composite ? evaluate_composite(&look) : evaluate(&look);
    }
    if (r < 0) {
        log_error("alarm %.*s cannot be evaluated: %s", STR_ARG(id), strerror(-r));
        store_rollback(txn);
        return false;
    }
    bool changed = store_changed(txn);

    store_commit(txn);
    return changed;
}

/* The alarms of one kind, one after the other. */
static bool
look_at_all(struct cloudwatch_engine *e, bool composite, int64_t end_ms)
{
    bool changed = false, all = end_ms % CLOUDWATCH_MINUTE_MS == 0;
    struct str_list ids = {0};
    struct arena list;

    arena_init(&list, (size_t)16 << 20);
    struct txn *txn = store_begin(e->store);

    STORE_EACH(txn, cloudwatch_alarm_by_key, row) {
        if (row->composite == composite && (composite || all || row->fast))
            *LIST_PUSH(&list, &ids) = str_dup(&list, row->id);
    }
    store_rollback(txn);
    LIST_EACH(&ids, id) {
        arena_reset(&e->arena);
        changed = look_at(e, *id, end_ms) || changed;
    }
    arena_wipe(&e->arena);
    arena_done(&list);
    return changed;
}

/* To the next time at which an alarm is to be looked at. */
static void
set_timer(struct cloudwatch_engine *e)
{
    int64_t now_ms = loop_now_ms(e->loop, LOOP_CLOUD), step_ms = CLOUDWATCH_MINUTE_MS;
    struct txn *txn = store_begin(e->store);
    bool any = store_count(txn, &cloudwatch_alarm_table) > 0;

    STORE_EACH(txn, cloudwatch_alarm_by_fast, row, true) {
        assert(row->fast);
        step_ms = FAST_MS;
        break;
    }
    store_rollback(txn);
    loop_timer_stop(e->loop, &e->timer);
    if (any)
        loop_timer_set(e->loop, &e->timer, LOOP_CLOUD, now_ms - now_ms % step_ms + step_ms);
}

static void
on_timer(struct loop_timer *timer)
{
    struct cloudwatch_engine *e = CONTAINER_OF(timer, struct cloudwatch_engine, timer);
    int64_t now_ms = loop_now_ms(e->loop, LOOP_CLOUD);

    assert(now_ms > 0);
    look_at_all(e, false, now_ms - now_ms % FAST_MS);
    loop_defer(e->loop, &e->task);
}

static void
on_task(struct loop_task *task)
{
    struct cloudwatch_engine *e = CONTAINER_OF(task, struct cloudwatch_engine, task);
    unsigned rounds = 0;

    /* Alarms that name each other in a circle might never rest. */
    while (look_at_all(e, true, 0) && ++rounds < ROUNDS_MAX)
        ;
    set_timer(e);
}

static void
on_change(void *ctx, const void *old_row UNUSED, const void *new_row UNUSED)
{
    struct cloudwatch_engine *e = ctx;

    loop_defer(e->loop, &e->task);
}

int
cloudwatch_engine_new(struct cloudwatch_engine **ret, struct loop *loop, struct store *store,
                      struct api *api)
{
    struct cloudwatch_engine *e = calloc(1, sizeof(*e));

    assert(loop && store && api);
    if (!e)
        return error_origin(ENOMEM, "the clock of alarms cannot be made");
    *e = (struct cloudwatch_engine){.loop = loop,
                                    .store = store,
                                    .api = api,
                                    .timer = {.clock = LOOP_CLOUD, .fn = on_timer},
                                    .task = {.fn = on_task}};
    arena_init(&e->arena, LOOK_BYTES_MAX);
    store_watch(store, &cloudwatch_alarm_table, on_change, e);
    loop_defer(loop, &e->task);
    *ret = e;
    return 0;
}

struct cloudwatch_engine *
cloudwatch_engine_free(struct cloudwatch_engine *e)
{
    if (!e)
        return NULL;
    loop_timer_stop(e->loop, &e->timer);
    loop_task_cancel(e->loop, &e->task);
    arena_done(&e->arena);
    free(e);
    return NULL;
}
