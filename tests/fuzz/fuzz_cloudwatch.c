/*
 * CloudWatch's languages.  The first byte chooses:
 *
 *   'p'    packed datapoints: what is read and written again is the same; points stay in order
 *   'r'    the rule of a composite alarm: a rule and its negation never both hold
 *   's'    a statistic of some values: it lies between the least and the most of them
 *   else   an expression of metric math: values are finite and in order of time
 */
#include "cloudwatch/expression.h"
#include "cloudwatch/formula.h"
#include "cloudwatch/pack.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
fuzz_pack(struct arena *a, struct str in)
{
    struct cloudwatch_points points, again;

    if (!cloudwatch_unpack(a, in, &points))
        return;
    struct str out = cloudwatch_pack(a, &points);

    must(cloudwatch_unpack(a, out, &again) && again.n == points.n);
    for (size_t i = 0; i < again.n; i++) {
        must(again.v[i].place == points.v[i].place);
        must(i == 0 || again.v[i - 1].place < again.v[i].place);
        must(memcmp(&again.v[i].set, &points.v[i].set, sizeof(points.v[i].set)) == 0);
        must(again.v[i].n_values == points.v[i].n_values);
    }
    struct cloudwatch_points all = {0};

    LIST_EACH(&points, p)
        cloudwatch_points_add(a, &all, p);
    LIST_EACH(&points, p)
        cloudwatch_points_add(a, &all, p);
    must(all.n == points.n);
    LIST_EACH(&all, p)
        must(p->n_values <= CLOUDWATCH_POINT_VALUES_MAX);
}

static bool
is_in(void *ctx, struct str alarm, enum cloudwatch_state state)
{
    return (alarm.n + (size_t)state + *(size_t *)ctx) % 3 == 0;
}

static void
fuzz_rule(struct arena *a, struct str in)
{
    struct str_list names = {0}, more = {0};
    size_t at, shift = in.n;
    const struct cloudwatch_formula *f = cloudwatch_formula_parse(a, in, &names, &at);

    must(at <= in.n && names.n <= CLOUDWATCH_FORMULA_ALARMS_MAX);
    if (!f)
        return;
    const struct cloudwatch_formula *not =
        cloudwatch_formula_parse(a, str_fmt(a, "NOT (%.*s)", STR_ARG(in)), &more, &at);

    /* It may be too long or too deep with the two more. */
    if (not )
        must(cloudwatch_formula_holds(f, is_in, &shift) !=
             cloudwatch_formula_holds(not, is_in, &shift));
}

static void
fuzz_statistic(struct str in)
{
    static const struct cloudwatch_value values[] = {{1, 2}, {2.5, 1}, {7, 10}, {100, 1}};
    static const struct cloudwatch_bucket bucket = {
        .set = {14, 174.5, 1, 100}, .values = values, .n_values = ARRAY_LEN(values)};
    struct cloudwatch_stat stat;
    double v;

    if (!cloudwatch_stat_parse(in, &stat) || !cloudwatch_stat_of(&stat, &bucket, &v))
        return;
    must(isfinite(v) && v >= 0);
    if (stat.kind == CLOUDWATCH_PERCENTILE || stat.kind == CLOUDWATCH_TRIMMED_MEAN)
        must(v >= 1 && v <= 100.0001);
}

static struct cloudwatch_math_series
series(struct arena *a, unsigned gaps)
{
    struct cloudwatch_math_series s = {.period_ms = 60000, .label = S("m")};

    for (int64_t i = 0; i < 6; i++)
        if (!(gaps >> i & 1))
            *LIST_PUSH(a, &s.series) = (struct cloudwatch_series_point){
                .ms = 1700000040000 + i * 60000, .value = (double)(i * i) - 4, .count = 1};
    return s;
}

static bool
lookup(void *ctx, struct str id, struct cloudwatch_math *ret)
{
    if (id.n != 1)
        return false;
    *ret = (struct cloudwatch_math){.kind = CLOUDWATCH_SERIES};
    *LIST_PUSH((struct arena *)ctx, ret) = series(ctx, (unsigned char)id.p[0]);
    return true;
}

static void
metrics(void *ctx, struct str part, struct cloudwatch_math *ret)
{
    for (unsigned i = 0; i < 3 && part.n < 3; i++)
        *LIST_PUSH((struct arena *)ctx, ret) = series(ctx, 5 * i);
}

static void
fuzz_expression(struct arena *a, struct str in)
{
    struct cloudwatch_scope scope = {.arena = a,
                                     .ctx = a,
                                     .lookup = lookup,
                                     .metrics = metrics,
                                     .start_ms = 1700000040000,
                                     .end_ms = 1700000400000,
                                     .period_ms = 60000};
    struct cloudwatch_math value;
    struct str why;
    const struct cloudwatch_node *node = cloudwatch_expression_parse(a, in, &why);

    must((node != NULL) == (why.p == NULL));
    if (!node || !cloudwatch_expression_value(&scope, node, &value))
        return;
    must(value.kind != CLOUDWATCH_SERIES || value.n == 1);
    for (size_t i = 0; i < value.n; i++)
        for (size_t j = 0; j < value.v[i].series.n; j++) {
            const struct cloudwatch_series_point *p = &value.v[i].series.v[j];

            must(isfinite(p->value) && (j == 0 || p[-1].ms < p->ms));
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;

    if (n == 0 || n > 2048)
        return 0;
    struct str in = str_of(data + 1, n - 1);

    arena_init(&a, (size_t)256 << 20);
    if (data[0] == 'p')
        fuzz_pack(&a, in);
    else if (data[0] == 'r')
        fuzz_rule(&a, in);
    else if (data[0] == 's')
        fuzz_statistic(in);
    else
        fuzz_expression(&a, in);
    arena_done(&a);
    return 0;
}
