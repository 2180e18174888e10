/* Queries are run when they are asked for, each once; what runs already is a circle. */
#include "cloudwatch/query.h"

#define INVALID(call, ...) api_fault((call), &CLOUDWATCH_ERR(ValidationError), __VA_ARGS__)

/* ---- checks ---- */

static bool
id_ok(struct str id)
{
    if (id.n == 0 || id.p[0] < 'a' || id.p[0] > 'z')
        return false;
    for (size_t i = 1; i < id.n; i++) {
        char c = id.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return true;
}

static int
check_ids(const struct cloudwatch_queries *q)
{
    for (size_t i = 0; i < q->list->n; i++) {
        struct str id = q->list->v[i].id;

        if (!id_ok(id))
            return INVALID(q->call,
                           "The value %.*s for parameter %s.member.%zu.Id is not matching the "
                           "expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                           STR_ARG(id), q->member, i + 1);
        for (size_t j = 0; j < i; j++)
            if (str_eq(q->list->v[j].id, id))
                return INVALID(q->call, "The values for parameter Id in %s are not unique.",
                               q->member);
    }
    return 0;
}

static int
check_period(const struct cloudwatch_queries *q, size_t i, const char *what, int64_t period_s)
{
    if (cloudwatch_period_ok(period_s))
        return 0;
    return INVALID(q->call,
                   "The parameter %s.member.%zu.%s must be a value in the set [ 1, 5, 10, 20, 30 ] "
                   "or a multiple of 60.",
                   q->member, i + 1, what);
}

static int
open_metric(struct cloudwatch_queries *q, size_t i)
{
    const struct cloudwatch_MetricStat *m = q->list->v[i].metric_stat;
    struct cloudwatch_query *query = &q->v[i];

    if (!cloudwatch_stat_parse(m->stat, &query->stat))
        return INVALID(q->call,
                       "The value %.*s for parameter %s.member.%zu.MetricStat.Stat is not "
                       "supported.",
                       STR_ARG(m->stat), q->member, i + 1);
    if (!m->metric->namespace.p || !m->metric->metric_name.p)
        return INVALID(q->call, "The parameter %s.member.%zu.MetricStat.Metric.%s is required.",
                       q->member, i + 1, m->metric->namespace.p ? "MetricName" : "Namespace");
    query->period_s = m->period.v;
    if (!q->period_s)
        q->period_s = query->period_s;
    return check_period(q, i, "MetricStat.Period", query->period_s);
}

static int
open_expression(struct cloudwatch_queries *q, size_t i)
{
    const struct cloudwatch_MetricDataQuery *of = &q->list->v[i];
    struct str why;

    q->expressions = true;
    q->v[i].period_s = opt_i64_or(of->period, 0);
    q->v[i].root = cloudwatch_expression_parse(q->call->arena, of->expression, &why);
    if (!q->v[i].root)
        return INVALID(q->call, "Error in expression '%.*s': %.*s", STR_ARG(of->id), STR_ARG(why));
    return of->period.set ? check_period(q, i, "Period", of->period.v) : 0;
}

static int
open_one(struct cloudwatch_queries *q, size_t i)
{
    const struct cloudwatch_MetricDataQuery *of = &q->list->v[i];

    q->v[i].of = of;
    if (of->metric_stat && of->expression.p)
        return INVALID(q->call,
                       "The parameters %s.member.%zu.Expression and %s.member.%zu.MetricStat are "
                       "mutually exclusive and you have specified both.",
                       q->member, i + 1, q->member, i + 1);
    if (!of->metric_stat && !of->expression.p)
        return INVALID(q->call,
                       "Either the parameter %s.member.%zu.Expression or %s.member.%zu.MetricStat "
                       "is required.",
                       q->member, i + 1, q->member, i + 1);
    if (of->account_id.p && !str_eq(of->account_id, q->call->account))
        return INVALID(q->call, "Welkin has no metrics of other accounts: %s.member.%zu.AccountId",
                       q->member, i + 1);
    if (str_find(of->label, S("${")) != SIZE_MAX)
        return INVALID(q->call, "Dynamic labels are not implemented by Welkin: %s.member.%zu.Label",
                       q->member, i + 1);
    if (of->metric_stat && of->period.set)
        return INVALID(q->call,
                       "Period must not be specified with MetricStat: %s.member.%zu.Period",
                       q->member, i + 1);
    return of->metric_stat ? open_metric(q, i) : open_expression(q, i);
}

int
cloudwatch_queries_open(struct api_call *call, const char *member,
                        const struct cloudwatch_MetricDataQueryList *list,
                        struct cloudwatch_queries *ret)
{
    struct cloudwatch_queries q = {.call = call, .member = member, .list = list, .n = list->n};

    if (!list->n)
        return INVALID(call, "The parameter %s is required.", member);
    if (list->n > CLOUDWATCH_QUERIES_MAX)
        return INVALID(call, "The collection %s must not have a size greater than %d.", member,
                       CLOUDWATCH_QUERIES_MAX);
    assert(call->txn && member[0] != '\0');
    q.v = ARENA_ARRAY(call->arena, struct cloudwatch_query, list->n);
    int r = check_ids(&q);

    for (size_t i = 0; i < list->n && r == 0; i++)
        r = open_one(&q, i);
    if (!q.period_s)
        q.period_s = 60;
    *ret = q;
    return r;
}

/* ---- values ---- */

static int
run_metric(struct cloudwatch_queries *q, struct cloudwatch_query *query)
{
    const struct cloudwatch_MetricStat *m = query->of->metric_stat;
    const struct cloudwatch_metric_name metric = {
        q->call->account, q->call->region, m->metric->namespace, m->metric->metric_name,
        cloudwatch_dimensions(q->call->arena, &m->metric->dimensions)};
    struct cloudwatch_math_series *series = LIST_PUSH(q->call->arena, &query->value);
    struct cloudwatch_range range;

    assert(!query->root && query->value.n == 1);
    series->period_ms = query->period_s * 1000;
    series->label = query->of->label.p ? query->of->label : m->metric->metric_name;
    query->value.kind = CLOUDWATCH_SERIES;
    if (!cloudwatch_range_of(q->call, q->start_ms, q->end_ms, query->period_s, &range))
        return 0;
    range.unit = m->unit;
    return cloudwatch_series_read(q->call->txn, q->call->arena, &metric, &query->stat, &range,
                                  &series->series);
}

/* Where an expression is being worked out. */
struct frame {
    struct cloudwatch_queries *queries;
    struct cloudwatch_scope *scope;
};

static bool run(struct cloudwatch_queries *q, struct cloudwatch_query *query, struct str *ret_why);

/* The value of another query; what is wrong there is wrong here. */
static bool
run_other(struct frame *frame, struct cloudwatch_query *query)
{
    return run(frame->queries, query, &frame->scope->why);
}

static bool
lookup(void *ctx, struct str id, struct cloudwatch_math *ret)
{
    struct frame *frame = ctx;
    struct cloudwatch_queries *q = frame->queries;

    for (size_t i = 0; i < q->n; i++) {
        if (!str_eq(q->v[i].of->id, id))
            continue;
        if (!run_other(frame, &q->v[i]))
            return false;
        *ret = q->v[i].value;
        return true;
    }
    return false;
}

static void
metrics(void *ctx, struct str part, struct cloudwatch_math *ret)
{
    struct frame *frame = ctx;
    struct cloudwatch_queries *q = frame->queries;

    for (size_t i = 0; i < q->n; i++) {
        if (q->v[i].root || (part.n && str_find(q->v[i].of->id, part) == SIZE_MAX))
            continue;
        if (!run_other(frame, &q->v[i]))
            return;
        assert(q->v[i].value.n == 1);
        *LIST_PUSH(frame->scope->arena, ret) = q->v[i].value.v[0];
    }
}

static bool
run_expression(struct cloudwatch_queries *q, struct cloudwatch_query *query, struct str *ret_why)
{
    int64_t period_s = query->period_s ? query->period_s : q->period_s;
    struct cloudwatch_scope scope = {.arena = q->call->arena,
                                     .lookup = lookup,
                                     .metrics = metrics,
                                     .period_ms = period_s * 1000};
    struct frame frame = {q, &scope};
    struct cloudwatch_range range;

    (void)cloudwatch_range_of(q->call, q->start_ms, q->end_ms, period_s, &range);
    assert(query->root && period_s > 0);
    scope.ctx = &frame;
    scope.start_ms = range.start_ms;
    scope.end_ms = range.end_ms;
    bool ok = cloudwatch_expression_value(&scope, query->root, &query->value);

    if (ok && query->value.kind == CLOUDWATCH_SCALAR)
        ok = cloudwatch_math_fail(&scope, "The result is a number, not a time series");
    if (!ok && !ret_why->p)
        *ret_why = scope.why.p ? scope.why : S("It has no value");
    return ok;
}

/* False: *ret_why, or q->r. */
static bool
run(struct cloudwatch_queries *q, struct cloudwatch_query *query, struct str *ret_why)
{
    bool ok = true;

    if (query->stage == CLOUDWATCH_QUERY_DONE)
        return true;
    if (query->stage == CLOUDWATCH_QUERY_RUNNING) {
        *ret_why = str_fmt(q->call->arena, "Circular reference to '%.*s'", STR_ARG(query->of->id));
        return false;
    }
    assert(query->stage == CLOUDWATCH_QUERY_NEW);
    query->stage = CLOUDWATCH_QUERY_RUNNING;
    if (query->root) {
        ok = run_expression(q, query, ret_why);
    } else {
        q->r = run_metric(q, query);
        ok = q->r == 0;
        if (!ok)
            *ret_why = S("a metric cannot be read");
    }
    query->stage = ok ? CLOUDWATCH_QUERY_DONE : CLOUDWATCH_QUERY_NEW;
    return ok;
}

int
cloudwatch_query_run(struct cloudwatch_queries *q, struct cloudwatch_query *query,
                     struct cloudwatch_math *ret)
{
    struct str why = STR_NONE;

    assert(query >= q->v && query < q->v + q->n);
    if (!run(q, query, &why))
        return q->r < 0 ? q->r
                        : INVALID(q->call, "Error in expression '%.*s': %.*s",
                                  STR_ARG(query->of->id), STR_ARG(why));
    *ret = query->value;
    assert(ret->kind != CLOUDWATCH_SCALAR);
    return 0;
}
