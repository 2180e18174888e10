/*
 * The functions of metric math, as a table.  SEARCH, ANOMALY_DETECTION_BAND and those that ask
 * other services are not in it: an expression with one is refused as one with an unknown function.
 */
#include "base/timefmt.h"
#include "cloudwatch/expression.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS_MAX = 500000 }; /* that a function may make up at once */

static bool
value(struct cloudwatch_scope *scope, const struct cloudwatch_node *node, size_t i,
      struct cloudwatch_math *ret)
{
    assert(i < node->args.n);
    return cloudwatch_expression_value(scope, node->args.v[i], ret);
}

/* An argument that must be a series or an array of some. */
static bool
series_value(struct cloudwatch_scope *scope, const struct cloudwatch_node *node, size_t i,
             struct cloudwatch_math *ret)
{
    if (!value(scope, node, i, ret))
        return false;
    return ret->kind != CLOUDWATCH_SCALAR
               ? true
               : cloudwatch_math_fail(scope, "%.*s needs a time series", STR_ARG(node->text));
}

static bool
scalar(struct cloudwatch_math *ret, double number)
{
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_SCALAR, .number = number};
    return true;
}

static void
push(struct cloudwatch_scope *scope, struct cloudwatch_series *to, int64_t ms, double v)
{
    if (isfinite(v))
        *LIST_PUSH(scope->arena, to) = (struct cloudwatch_series_point){.ms = ms, .value = v};
}

static struct cloudwatch_math_series
like(const struct cloudwatch_math_series *old)
{
    return (struct cloudwatch_math_series){.period_ms = old->period_ms, .label = old->label};
}

/* A series or array of the same form, to be filled. */
static struct cloudwatch_math_series *
same_form(struct cloudwatch_scope *scope, const struct cloudwatch_math *from,
          struct cloudwatch_math *ret)
{
    *ret = (struct cloudwatch_math){.kind = from->kind};
    for (size_t i = 0; i < from->n; i++)
        *LIST_PUSH(scope->arena, ret) = like(&from->v[i]);
    assert(ret->n == from->n);
    return ret->v;
}

/* ---- of each value: ABS, CEIL … ---- */

static bool
call_each(struct cloudwatch_scope *scope, const struct cloudwatch_function *f,
          const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    assert(f->each);
    if (!value(scope, node, 0, &a))
        return false;
    if (a.kind == CLOUDWATCH_SCALAR)
        return scalar(ret, f->each(a.number));
    struct cloudwatch_math_series *to = same_form(scope, &a, ret);

    for (size_t i = 0; i < a.n; i++)
        LIST_EACH(&a.v[i].series, p)
            push(scope, &to[i].series, p->ms, f->each(p->value));
    return true;
}

/* ---- of all: AVG, SUM … ---- */

static bool
average(const double *v, size_t n, size_t of, double *ret)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    /* Those that have none count as 0. */
    *ret = sum / (double)of;
    return n > 0;
}

static bool
sum(const double *v, size_t n, size_t of UNUSED, double *ret)
{
    *ret = 0;
    for (size_t i = 0; i < n; i++)
        *ret += v[i];
    return n > 0;
}

static bool
least(const double *v, size_t n, size_t of UNUSED, double *ret)
{
    *ret = INFINITY;
    for (size_t i = 0; i < n; i++)
        *ret = fmin(*ret, v[i]);
    return n > 0;
}

static bool
most(const double *v, size_t n, size_t of UNUSED, double *ret)
{
    *ret = -INFINITY;
    for (size_t i = 0; i < n; i++)
        *ret = fmax(*ret, v[i]);
    return n > 0;
}

static bool
deviation(const double *v, size_t n, size_t of UNUSED, double *ret)
{
    double mean, squares = 0;

    if (!average(v, n, n, &mean))
        return false;
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    *ret = sqrt(squares / (double)n);
    return true;
}

static bool
how_many(const double *v UNUSED, size_t n, size_t of UNUSED, double *ret)
{
    *ret = (double)n;
    return true;
}

static bool
of_series(struct cloudwatch_scope *scope, const struct cloudwatch_function *f,
          const struct cloudwatch_series *series, double *ret)
{
    assert(f->of_all);
    double *v = arena_alloc_raw(scope->arena, (series->n + 1) * sizeof(*v));

    for (size_t i = 0; i < series->n; i++)
        v[i] = series->v[i].value;
    return f->of_all(v, series->n, series->n, ret);
}

/* At each time that any of them has. */
static bool
of_array(struct cloudwatch_scope *scope, const struct cloudwatch_function *f,
         const struct cloudwatch_math *a, struct cloudwatch_math *ret)
{
    size_t *at = arena_alloc(scope->arena, (a->n + 1) * sizeof(*at));
    double *v = arena_alloc_raw(scope->arena, (a->n + 1) * sizeof(*v));

    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_SERIES};
    struct cloudwatch_math_series *to = LIST_PUSH(scope->arena, ret);

    assert(a->kind == CLOUDWATCH_ARRAY);
    to->period_ms = a->n ? a->v[0].period_ms : scope->period_ms;
    for (;;) {
        int64_t ms = INT64_MAX;
        size_t n = 0;
        double result;

        for (size_t i = 0; i < a->n; i++)
            if (at[i] < a->v[i].series.n)
                ms = MIN(ms, a->v[i].series.v[at[i]].ms);
        if (ms == INT64_MAX)
            return true;
        for (size_t i = 0; i < a->n; i++)
            if (at[i] < a->v[i].series.n && a->v[i].series.v[at[i]].ms == ms)
                v[n++] = a->v[i].series.v[at[i]++].value;
        if (f->of_all(v, n, a->n, &result))
            push(scope, &to->series, ms, result);
    }
}

static bool
call_all(struct cloudwatch_scope *scope, const struct cloudwatch_function *f,
         const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;
    double result;

    if (!series_value(scope, node, 0, &a))
        return false;
    if (a.kind == CLOUDWATCH_ARRAY)
        return of_array(scope, f, &a, ret);
    if (of_series(scope, f, &a.v[0].series, &result))
        return scalar(ret, result);
    /* A number of nothing: a series without values, so that what is made of it has none. */
    same_form(scope, &a, ret);
    return true;
}

/* ---- of a value and the one before: DIFF, RATE … ---- */

static bool
call_step(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
          const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    bool rate = str_is(node->text, "RATE"), time = str_is(node->text, "DIFF_TIME");
    struct cloudwatch_math a;

    if (!series_value(scope, node, 0, &a))
        return false;
    struct cloudwatch_math_series *to = same_form(scope, &a, ret);

    for (size_t i = 0; i < a.n; i++) {
        const struct cloudwatch_series *s = &a.v[i].series;

        for (size_t j = 1; j < s->n; j++) {
            double seconds = (double)(s->v[j].ms - s->v[j - 1].ms) / 1000;
            double diff = s->v[j].value - s->v[j - 1].value;

            assert(seconds > 0);
            push(scope, &to[i].series, s->v[j].ms, time ? seconds : rate ? diff / seconds : diff);
        }
    }
    return true;
}

static bool
call_running_sum(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
                 const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!series_value(scope, node, 0, &a))
        return false;
    struct cloudwatch_math_series *to = same_form(scope, &a, ret);

    for (size_t i = 0; i < a.n; i++) {
        double total = 0;

        LIST_EACH(&a.v[i].series, p)
            push(scope, &to[i].series, p->ms, total += p->value);
    }
    return true;
}

/* ---- FILL, TIME_SERIES ---- */

/* How many points the grid of a period has in the request's range; SIZE_MAX: too many. */
static size_t
grid(const struct cloudwatch_scope *scope, int64_t period_ms)
{
    int64_t n = (scope->end_ms - scope->start_ms + period_ms - 1) / period_ms;

    assert(period_ms > 0);
    return n > POINTS_MAX ? SIZE_MAX : (size_t)MAX(n, 0);
}

enum filling { FILL_VALUE, FILL_REPEAT, FILL_LINEAR };

/* What a missing point is; false: it stays missing. */
static bool
filler(enum filling how, const struct cloudwatch_series *s, size_t next, int64_t ms,
       const struct cloudwatch_math *with, double *ret)
{
    assert(next <= s->n);
    const struct cloudwatch_series_point *before = next ? &s->v[next - 1] : NULL;
    const struct cloudwatch_series_point *after = next < s->n ? &s->v[next] : NULL;

    if (how == FILL_REPEAT) {
        *ret = before ? before->value : 0;
        return before != NULL;
    }
    if (how == FILL_LINEAR) {
        if (!before || !after)
            return false;
        double part = (double)(ms - before->ms) / (double)(after->ms - before->ms);

        *ret = before->value + part * (after->value - before->value);
        return true;
    }
    *ret = with->number;
    return with->kind == CLOUDWATCH_SCALAR || cloudwatch_series_at(&with->v[0].series, ms, ret);
}

static void
fill(struct cloudwatch_scope *scope, const struct cloudwatch_math_series *from, enum filling how,
     const struct cloudwatch_math *with, struct cloudwatch_series *to)
{
    const struct cloudwatch_series *s = &from->series;
    size_t next = 0;
    double v;

    assert(from->period_ms > 0 && to->n == 0);

    for (int64_t ms = scope->start_ms; ms < scope->end_ms; ms += from->period_ms) {
        while (next < s->n && s->v[next].ms < ms)
            next++;
        if (next < s->n && s->v[next].ms == ms)
            push(scope, to, ms, s->v[next].value);
        else if (filler(how, s, next, ms, with, &v))
            push(scope, to, ms, v);
    }
}

static bool
call_fill(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
          const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    const struct cloudwatch_node *word = node->args.v[1];
    struct cloudwatch_math a, with = {0};
    enum filling how = FILL_VALUE;
    size_t points = 0;

    if (!series_value(scope, node, 0, &a))
        return false;
    if (word->kind == CLOUDWATCH_NODE_NAME && str_is(word->text, "REPEAT"))
        how = FILL_REPEAT;
    else if (word->kind == CLOUDWATCH_NODE_NAME && str_is(word->text, "LINEAR"))
        how = FILL_LINEAR;
    else if (!value(scope, node, 1, &with))
        return false;
    if (with.kind == CLOUDWATCH_ARRAY)
        return cloudwatch_math_fail(scope, "FILL cannot fill with an array");
    for (size_t i = 0; i < a.n; i++) {
        size_t n = grid(scope, a.v[i].period_ms);

        points = n == SIZE_MAX || points == SIZE_MAX ? SIZE_MAX : points + n;
    }
    if (points > POINTS_MAX)
        return cloudwatch_math_fail(scope, "FILL would make too many datapoints");
    struct cloudwatch_math_series *to = same_form(scope, &a, ret);

    for (size_t i = 0; i < a.n; i++)
        fill(scope, &a.v[i], how, &with, &to[i].series);
    return true;
}

static bool
call_time_series(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
                 const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!value(scope, node, 0, &a))
        return false;
    if (a.kind != CLOUDWATCH_SCALAR)
        return cloudwatch_math_fail(scope, "TIME_SERIES needs a number");
    if (grid(scope, scope->period_ms) == SIZE_MAX)
        return cloudwatch_math_fail(scope, "TIME_SERIES would make too many datapoints");
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_SERIES};
    struct cloudwatch_math_series *to = LIST_PUSH(scope->arena, ret);

    to->period_ms = scope->period_ms;
    for (int64_t ms = scope->start_ms; ms < scope->end_ms; ms += scope->period_ms)
        push(scope, &to->series, ms, a.number);
    return true;
}

/* ---- IF ---- */

static bool
branch(const struct cloudwatch_math *m, int64_t ms, double *ret)
{
    assert(m->kind != CLOUDWATCH_ARRAY);
    *ret = m->number;
    return m->kind == CLOUDWATCH_SCALAR || cloudwatch_series_at(&m->v[0].series, ms, ret);
}

static bool
call_if(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
        const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math cond, branches[2];
    size_t n = node->args.n - 1;

    assert(n == 1 || n == 2);

    if (!value(scope, node, 0, &cond))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!value(scope, node, i + 1, &branches[i]))
            return false;
        if (branches[i].kind == CLOUDWATCH_ARRAY)
            return cloudwatch_math_fail(scope, "IF cannot choose an array");
    }
    if (cond.kind == CLOUDWATCH_ARRAY)
        return cloudwatch_math_fail(scope, "IF needs a condition that is no array");
    if (cond.kind == CLOUDWATCH_SCALAR) {
        bool truth = cond.number != 0;

        if (!truth && n == 1)
            return cloudwatch_math_fail(scope, "IF has no value");
        *ret = branches[truth ? 0 : 1];
        return true;
    }
    struct cloudwatch_math_series *to = same_form(scope, &cond, ret);

    LIST_EACH(&cond.v[0].series, p) {
        size_t i = p->value != 0 ? 0 : 1;
        double v;

        if (i < n && branch(&branches[i], p->ms, &v))
            push(scope, &to[0].series, p->ms, v);
    }
    return true;
}

/* ---- arrays: METRICS, FIRST, SLICE, SORT … ---- */

static bool
array_value(struct cloudwatch_scope *scope, const struct cloudwatch_node *node,
            struct cloudwatch_math *ret)
{
    if (!value(scope, node, 0, ret))
        return false;
    return ret->kind == CLOUDWATCH_ARRAY
               ? true
               : cloudwatch_math_fail(scope, "%.*s needs an array", STR_ARG(node->text));
}

static bool
call_metrics(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
             const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    if (node->args.n && node->args.v[0]->kind != CLOUDWATCH_NODE_TEXT)
        return cloudwatch_math_fail(scope, "METRICS needs a text");
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_ARRAY};
    scope->metrics(scope->ctx, node->args.n ? node->args.v[0]->text : S(""), ret);
    return scope->why.p == NULL;
}

static bool
call_metric_count(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
                  const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    return array_value(scope, node, &a) && scalar(ret, (double)a.n);
}

static bool
call_end(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
         const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!array_value(scope, node, &a))
        return false;
    if (!a.n)
        return cloudwatch_math_fail(scope, "%.*s of an empty array", STR_ARG(node->text));
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_SERIES};
    *LIST_PUSH(scope->arena, ret) = a.v[str_is(node->text, "FIRST") ? 0 : a.n - 1];
    return true;
}

static bool
call_slice(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
           const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a, from, to = {.number = CLOUDWATCH_ARRAY_MAX};

    if (!array_value(scope, node, &a) || !value(scope, node, 1, &from) ||
        (node->args.n > 2 && !value(scope, node, 2, &to)))
        return false;
    if (from.kind != CLOUDWATCH_SCALAR || to.kind != CLOUDWATCH_SCALAR)
        return cloudwatch_math_fail(scope, "SLICE needs numbers");
    /* One index alone is that element. */
    *ret =
        (struct cloudwatch_math){.kind = node->args.n > 2 ? CLOUDWATCH_ARRAY : CLOUDWATCH_SERIES};
    for (size_t i = 0; i < a.n; i++)
        if (node->args.n > 2 ? (double)i >= from.number && (double)i < to.number
                             : (double)i == from.number)
            *LIST_PUSH(scope->arena, ret) = a.v[i];
    return ret->n || ret->kind == CLOUDWATCH_ARRAY
               ? true
               : cloudwatch_math_fail(scope, "SLICE has no element there");
}

static bool
call_remove_empty(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
                  const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!array_value(scope, node, &a))
        return false;
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_ARRAY};
    LIST_EACH(&a, one) {
        if (one->series.n)
            *LIST_PUSH(scope->arena, ret) = *one;
    }
    return true;
}

struct ranked {
    struct cloudwatch_math_series series;
    double rank;
    size_t number;
};

static int
by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* SORT(TS[], AVG|MIN|MAX|SUM, ASC|DESC, how many) */
static bool
call_sort(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
          const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    const struct cloudwatch_function *by = cloudwatch_function(node->args.v[1]->text);
    bool descending = str_is(node->args.v[2]->text, "DESC");
    struct cloudwatch_math a, count = {.number = CLOUDWATCH_ARRAY_MAX};

    if (!array_value(scope, node, &a) || (node->args.n > 3 && !value(scope, node, 3, &count)))
        return false;
    if (!by || !by->of_all || (!descending && !str_is(node->args.v[2]->text, "ASC")) ||
        count.kind != CLOUDWATCH_SCALAR)
        return cloudwatch_math_fail(scope, "SORT needs a function and ASC or DESC");
    struct ranked *v = arena_alloc(scope->arena, (a.n + 1) * sizeof(*v));

    for (size_t i = 0; i < a.n; i++) {
        v[i] = (struct ranked){.series = a.v[i], .number = i};
        if (!of_series(scope, by, &a.v[i].series, &v[i].rank))
            v[i].rank = descending ? -INFINITY : INFINITY;
        if (descending)
            v[i].rank = -v[i].rank;
    }
    qsort(v, a.n, sizeof(*v), by_rank);
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_ARRAY};
    for (size_t i = 0; i < a.n && (double)i < count.number; i++)
        *LIST_PUSH(scope->arena, ret) = v[i].series;
    return true;
}

/* ---- PERIOD, and parts of times ---- */

static bool
call_period(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
            const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!series_value(scope, node, 0, &a))
        return false;
    if (a.kind == CLOUDWATCH_ARRAY)
        return cloudwatch_math_fail(scope, "PERIOD needs a time series");
    return scalar(ret, (double)a.v[0].period_ms / 1000);
}

static bool
call_time(struct cloudwatch_scope *scope, const struct cloudwatch_function *f UNUSED,
          const struct cloudwatch_node *node, struct cloudwatch_math *ret)
{
    struct cloudwatch_math a;

    if (!series_value(scope, node, 0, &a))
        return false;
    struct cloudwatch_math_series *to = same_form(scope, &a, ret);

    for (size_t i = 0; i < a.n; i++)
        LIST_EACH(&a.v[i].series, p) {
            const struct civil c = time_civil(p->ms);
            const struct {
                const char *name;
                double value;
            } parts[] = {
                {"MINUTE", c.minute},
                {"HOUR", c.hour},
                {"DAY", c.weekday ? c.weekday : 7},
                {"DATE", c.day},
                {"MONTH", c.month},
                {"YEAR", c.year},
                {"EPOCH", (double)p->ms / 1000},
            };

            for (size_t j = 0; j < ARRAY_LEN(parts); j++)
                if (str_is(node->text, parts[j].name))
                    push(scope, &to[i].series, p->ms, parts[j].value);
        }
    return true;
}

static const struct cloudwatch_function functions[] = {
    {"ABS", 1, 1, call_each, .each = fabs},
    {"CEIL", 1, 1, call_each, .each = ceil},
    {"FLOOR", 1, 1, call_each, .each = floor},
    {"LOG", 1, 1, call_each, .each = log},
    {"LOG10", 1, 1, call_each, .each = log10},
    {"AVG", 1, 1, call_all, .of_all = average},
    {"SUM", 1, 1, call_all, .of_all = sum},
    {"MIN", 1, 1, call_all, .of_all = least},
    {"MAX", 1, 1, call_all, .of_all = most},
    {"STDDEV", 1, 1, call_all, .of_all = deviation},
    {"DATAPOINT_COUNT", 1, 1, call_all, .of_all = how_many},
    {"DIFF", 1, 1, call_step},
    {"DIFF_TIME", 1, 1, call_step},
    {"RATE", 1, 1, call_step},
    {"RUNNING_SUM", 1, 1, call_running_sum},
    {"FILL", 2, 2, call_fill},
    {"TIME_SERIES", 1, 1, call_time_series},
    {"IF", 2, 3, call_if},
    {"METRICS", 0, 1, call_metrics},
    {"METRIC_COUNT", 1, 1, call_metric_count},
    {"FIRST", 1, 1, call_end},
    {"LAST", 1, 1, call_end},
    {"SLICE", 2, 3, call_slice},
    {"SORT", 3, 4, call_sort},
    {"REMOVE_EMPTY", 1, 1, call_remove_empty},
    {"PERIOD", 1, 1, call_period},
    {"MINUTE", 1, 1, call_time},
    {"HOUR", 1, 1, call_time},
    {"DAY", 1, 1, call_time},
    {"DATE", 1, 1, call_time},
    {"MONTH", 1, 1, call_time},
    {"YEAR", 1, 1, call_time},
    {"EPOCH", 1, 1, call_time},
};

const struct cloudwatch_function *
cloudwatch_function(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_is(name, functions[i].name))
            return &functions[i];
    return NULL;
}
