/* What the statistics are, as a table of names and one function of sorted values. */
#include "cloudwatch/statistic.h"

#include "codec/json.h"

#include <math.h>

static const struct {
    const char *name; /* of the plain ones; prefix of a number: "p"; prefix of a range: "TM" */
    enum cloudwatch_stat_kind kind;
    enum { PLAIN, NUMBER, RANGE } form;
} names[] = {
    {"SampleCount", CLOUDWATCH_SAMPLE_COUNT, PLAIN},
    {"Average", CLOUDWATCH_AVERAGE, PLAIN},
    {"Sum", CLOUDWATCH_SUM, PLAIN},
    {"Minimum", CLOUDWATCH_MINIMUM, PLAIN},
    {"Maximum", CLOUDWATCH_MAXIMUM, PLAIN},
    {"tm", CLOUDWATCH_TRIMMED_MEAN, NUMBER},
    {"wm", CLOUDWATCH_WINSORIZED_MEAN, NUMBER},
    {"tc", CLOUDWATCH_TRIMMED_COUNT, NUMBER},
    {"ts", CLOUDWATCH_TRIMMED_SUM, NUMBER},
    {"p", CLOUDWATCH_PERCENTILE, NUMBER},
    {"TM", CLOUDWATCH_TRIMMED_MEAN, RANGE},
    {"WM", CLOUDWATCH_WINSORIZED_MEAN, RANGE},
    {"TC", CLOUDWATCH_TRIMMED_COUNT, RANGE},
    {"TS", CLOUDWATCH_TRIMMED_SUM, RANGE},
    {"PR", CLOUDWATCH_PERCENTILE_RANK, RANGE},
};

/* Digits and a point; no sign and no exponent. */
static bool
read_number(struct str text, double *ret)
{
    const struct json number = {.kind = JSON_NUMBER, .text = text};

    if (text.n == 0 || text.n > 20 || text.p[0] == '.' || text.p[text.n - 1] == '.')
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '.' && (text.p[i] < '0' || text.p[i] > '9'))
            return false;
    return str_find_char(text, '.') == SIZE_MAX || text.n - str_find_char(text, '.') <= 11
               ? json_f64(&number, ret)
               : false;
}

/* One bound of a range; an empty one is `otherwise`. */
static bool
read_bound(struct str text, bool *percent, double *ret)
{
    *percent = str_ends(text, S("%"));
    return read_number(*percent ? str_cut(text, 0, text.n - 1) : text, ret);
}

/* "(10%:90%)", "(:300)", "(5:)". */
static bool
read_range(struct str text, struct cloudwatch_stat *ret)
{
    bool low_percent = false, high_percent = false;

    if (!str_starts(text, S("(")) || !str_ends(text, S(")")))
        return false;
    struct str high = str_cut(text, 1, text.n - 1), low = str_split(&high, ':');

    if (!high.p || (low.n == 0 && high.n == 0) ||
        (low.n && !read_bound(low, &low_percent, &ret->low)) ||
        (high.n && !read_bound(high, &high_percent, &ret->high)) ||
        (low.n && high.n && low_percent != high_percent))
        return false;
    ret->percent = low_percent || high_percent;
    if (low.n == 0)
        ret->low = -INFINITY;
    if (high.n == 0)
        ret->high = INFINITY;
    if (ret->percent) {
        ret->low = low.n ? ret->low : 0;
        ret->high = high.n ? ret->high : 100;
    }
    return ret->low < ret->high && (!ret->percent || ret->high <= 100);
}

bool
cloudwatch_stat_parse(struct str name, struct cloudwatch_stat *ret)
{
    if (str_is(name, "IQM")) {
        *ret = (struct cloudwatch_stat){CLOUDWATCH_TRIMMED_MEAN, true, 25, 75};
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str prefix = str_from(names[i].name), rest = str_cut(name, prefix.n, name.n);

        *ret = (struct cloudwatch_stat){.kind = names[i].kind, .percent = true};
        if (!str_starts(name, prefix))
            continue;
        if (names[i].form == PLAIN)
            return rest.n == 0;
        if (names[i].form == NUMBER)
            return read_number(rest, &ret->high) && ret->high <= 100;
        return read_range(rest, ret) && (ret->kind != CLOUDWATCH_PERCENTILE_RANK || !ret->percent);
    }
    return false;
}

bool
cloudwatch_stat_is_plain(const struct cloudwatch_stat *stat)
{
    return stat->kind <= CLOUDWATCH_MAXIMUM;
}

/* ---- of values ---- */

/* The smallest value that so many per cent of all are at or below. */
static double
percentile(const struct cloudwatch_bucket *b, double percent)
{
    assert(percent >= 0 && percent <= 100);
    double rank = percent / 100 * b->set.count, seen = 0;

    assert(b->n_values > 0);
    for (size_t i = 0; i < b->n_values; i++) {
        seen += b->values[i].count;
        if (seen >= rank)
            return b->values[i].value;
    }
    return b->values[b->n_values - 1].value;
}

/* How many of value i lie within the bounds: of percentages, a part of them may. */
static double
within(const struct cloudwatch_stat *stat, const struct cloudwatch_bucket *b, size_t i,
       double before)
{
    const struct cloudwatch_value *v = &b->values[i];

    if (!stat->percent)
        return v->value > stat->low && v->value <= stat->high ? v->count : 0;
    assert(before >= 0);
    double from = fmax(before, stat->low / 100 * b->set.count);
    double to = fmin(before + v->count, stat->high / 100 * b->set.count);

    return fmax(0, to - from);
}

static double
bounded(const struct cloudwatch_stat *stat, const struct cloudwatch_bucket *b, double value)
{
    double low = stat->percent ? percentile(b, stat->low) : stat->low;
    double high = stat->percent ? percentile(b, stat->high) : stat->high;

    return fmin(fmax(value, low), high);
}

static bool
extended(const struct cloudwatch_stat *stat, const struct cloudwatch_bucket *b, double *ret)
{
    double before = 0, count = 0, sum = 0, pressed = 0;

    assert(b->n_values > 0 && b->set.count > 0);
    for (size_t i = 0; i < b->n_values; i++) {
        double n = within(stat, b, i, before);

        before += b->values[i].count;
        count += n;
        sum += n * b->values[i].value;
        if (stat->kind == CLOUDWATCH_WINSORIZED_MEAN)
            pressed += b->values[i].count * bounded(stat, b, b->values[i].value);
    }
    switch (stat->kind) {
    case CLOUDWATCH_PERCENTILE:
        *ret = percentile(b, stat->high);
        return true;
    case CLOUDWATCH_TRIMMED_MEAN:
        *ret = sum / count;
        return count > 0;
    case CLOUDWATCH_WINSORIZED_MEAN:
        *ret = pressed / b->set.count;
        return true;
    case CLOUDWATCH_TRIMMED_COUNT:
        *ret = count;
        return true;
    case CLOUDWATCH_TRIMMED_SUM:
        *ret = sum;
        return true;
    case CLOUDWATCH_PERCENTILE_RANK:
        *ret = 100 * count / b->set.count;
        return true;
    default:
        return false;
    }
}

bool
cloudwatch_stat_of(const struct cloudwatch_stat *stat, const struct cloudwatch_bucket *b,
                   double *ret)
{
    assert(b->set.count > 0);
    switch (stat->kind) {
    case CLOUDWATCH_SAMPLE_COUNT:
        *ret = b->set.count;
        return true;
    case CLOUDWATCH_AVERAGE:
        *ret = b->set.sum / b->set.count;
        return true;
    case CLOUDWATCH_SUM:
        *ret = b->set.sum;
        return true;
    case CLOUDWATCH_MINIMUM:
        *ret = b->set.min;
        return true;
    case CLOUDWATCH_MAXIMUM:
        *ret = b->set.max;
        return true;
    default:
        /* AWS tells none of negative values. */
        return b->n_values && b->set.min >= 0 && extended(stat, b, ret);
    }
}
