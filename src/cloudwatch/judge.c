/*
 * The rule of AWS in order: enough datapoints in the range, the newest N decide; too few, what is
 * missing is filled as the alarm says, and datapoints that exist count however old.  The words are
 * those of AWS's messages, in which programs look for numbers.
 */
#include "cloudwatch/judge.h"

#include "base/timefmt.h"
#include "codec/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { REASON_BYTES_MAX = 1023, DATA_BYTES_MAX = 4000, SHOWN_MAX = 5 };

const char *const cloudwatch_states[] = {"OK", "ALARM", "INSUFFICIENT_DATA"};

static bool
ge(double value, double threshold)
{
    return value >= threshold;
}

static bool
gt(double value, double threshold)
{
    return value > threshold;
}

static bool
lt(double value, double threshold)
{
    return value < threshold;
}

static bool
le(double value, double threshold)
{
    return value <= threshold;
}

static const struct cloudwatch_comparison comparisons[] = {
    {"GreaterThanOrEqualToThreshold", "greater than or equal to", ge},
    {"GreaterThanThreshold", "greater than", gt},
    {"LessThanThreshold", "less than", lt},
    {"LessThanOrEqualToThreshold", "less than or equal to", le},
};

const struct cloudwatch_comparison *
cloudwatch_comparison(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(comparisons); i++)
        if (str_is(name, comparisons[i].name))
            return &comparisons[i];
    return NULL;
}

bool
cloudwatch_missing_parse(struct str name, enum cloudwatch_missing *ret)
{
    static const char *const names[] = {"missing", "ignore", "breaching", "notBreaching"};

    *ret = CLOUDWATCH_MISSING;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i])) {
            *ret = (enum cloudwatch_missing)i;
            return true;
        }
    return name.n == 0;
}

/* ---- the state ---- */

/* What was counted of the datapoints that decide. */
struct count {
    const struct cloudwatch_series_point *v; /* those that exist, the oldest first */
    size_t n, breaching;
    int64_t filled;           /* that were treated as breaching or not */
    int64_t oldest_breaching; /* its age in periods, 1: the newest period; 0: none */
};

static struct count
count(const struct cloudwatch_rule *rule, const struct cloudwatch_series *series, int64_t end_ms)
{
    struct count c = {.v = series->v, .n = series->n};

    assert(rule->periods > 0 && rule->period_s > 0);
    assert(rule->comparison && rule->comparison->breaches);
    if ((int64_t)c.n > rule->periods) {
        c.v += c.n - (size_t)rule->periods;
        c.n = (size_t)rule->periods;
    }
    for (size_t i = c.n; i-- > 0;)
        if (rule->comparison->breaches(c.v[i].value, rule->threshold)) {
            c.breaching++;
            c.oldest_breaching = (end_ms - c.v[i].ms) / (rule->period_s * 1000);
        }
    return c;
}

/* Of fewer than N datapoints. */
static enum cloudwatch_state
judge_few(const struct cloudwatch_rule *rule, struct count *c, int64_t to_alarm)
{
    int64_t absent = rule->periods - (int64_t)c->n, breaching = (int64_t)c->breaching;

    assert(absent > 0);
    switch (rule->missing) {
    case CLOUDWATCH_BREACHING:
        c->filled = absent;
        return breaching + absent >= to_alarm ? CLOUDWATCH_ALARM : CLOUDWATCH_OK;
    case CLOUDWATCH_NOT_BREACHING:
        c->filled = absent;
        return breaching >= to_alarm ? CLOUDWATCH_ALARM : CLOUDWATCH_OK;
    case CLOUDWATCH_MISSING:
    case CLOUDWATCH_IGNORE:
        break;
    }
    if (breaching >= to_alarm)
        return CLOUDWATCH_ALARM;
    if (c->n > c->breaching)
        return CLOUDWATCH_OK;
    if (rule->missing == CLOUDWATCH_IGNORE)
        return CLOUDWATCH_RETAIN;
    /* All that there is breaches: an alarm when it began long enough ago. */
    return c->breaching && c->oldest_breaching >= to_alarm ? CLOUDWATCH_ALARM : CLOUDWATCH_NO_DATA;
}

/* ---- words ---- */

void
cloudwatch_number(struct buf *out, double v)
{
    char text[40], digits[20] = "";
    int n = 0, exponent;

    if (!isfinite(v)) {
        buf_add_fmt(out, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
        return;
    }
    /* The fewest digits that read back the same. */
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, fabs(v));
        if (strtod(text, NULL) == fabs(v))
            break;
    }
    for (const char *p = text; *p && *p != 'e'; p++)
        if (*p != '.' && n < (int)sizeof(digits) - 1)
            digits[n++] = *p;
    exponent = v == 0 ? 0 : (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (signbit(v))
        buf_add_char(out, '-');
    if (exponent < -3 || exponent > 6) {
        buf_add_fmt(out, "%c.%sE%d", digits[0], n > 1 ? digits + 1 : "0", exponent);
    } else if (exponent < 0) {
        buf_add_fmt(out, "0.%.*s%s", -exponent - 1, "000", digits);
    } else {
        for (int i = 0; i <= exponent; i++)
            buf_add_char(out, i < n ? digits[i] : '0');
        buf_add_fmt(out, ".%s", n > exponent + 1 ? digits + exponent + 1 : "0");
    }
}

void
cloudwatch_date(struct buf *out, int64_t ms)
{
    char text[TIME_ISO_LEN];

    time_iso_buf(ms, text);
    buf_add(out, text, TIME_ISO_LEN - 1);
    buf_add_lit(out, "+0000");
}

/* "1.0 (27/11/26 23:10:00)" */
static void
add_point(struct buf *out, const struct cloudwatch_series_point *point)
{
    struct civil c = time_civil(point->ms);

    cloudwatch_number(out, point->value);
    buf_add_fmt(out, " (%02d/%02d/%02d %02d:%02d:%02d)", c.day, c.month, c.year % 100, c.hour,
                c.minute, c.second);
}

/* "1 datapoint was", "no datapoints were" */
static void
add_were(struct buf *out, int64_t n, const char *what)
{
    if (n)
        buf_add_fmt(out, "%lld", (long long)n);
    else
        buf_add_lit(out, "no");
    buf_add_fmt(out, " %s%s", what, n == 1 ? " was" : "s were");
}

/* Those datapoints that made the state, the newest first, at most SHOWN_MAX. */
static void
add_points(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c, bool alarm)
{
    unsigned shown = 0;

    assert(c->n > 0);
    buf_add_char(out, '[');
    for (size_t i = c->n; i-- > 0 && shown < SHOWN_MAX;) {
        if (rule->comparison->breaches(c->v[i].value, rule->threshold) != alarm)
            continue;
        if (shown++)
            buf_add_lit(out, ", ");
        add_point(out, &c->v[i]);
    }
    buf_add_char(out, ']');
}

static void
add_filled(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c)
{
    if (!c->filled)
        return;
    buf_add_lit(out, " and ");
    add_were(out, c->filled, "missing datapoint");
    buf_add_fmt(out, " treated as [%s]",
                rule->missing == CLOUDWATCH_BREACHING ? "Breaching" : "NonBreaching");
}

/* "3 datapoints [… ] were greater than the threshold (1.0)" */
static void
add_crossed(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c, bool alarm)
{
    size_t n = alarm ? c->breaching : c->n - c->breaching;
    assert(n > 0);
    bool one = n == 1, many = n >= SHOWN_MAX;

    if (rule->to_alarm)
        buf_add_fmt(out, "%zu out of the last %lld datapoints", n, (long long)rule->periods);
    else
        buf_add_fmt(out, "%zu datapoint%s", n, one ? "" : "s");
    if (!many) {
        buf_add_char(out, ' ');
        add_points(out, rule, c, alarm);
    }
    buf_add_fmt(out, " %s %s%s the threshold (", one ? "was" : "were", alarm ? "" : "not ",
                rule->comparison->words);
    cloudwatch_number(out, rule->threshold);
    buf_add_char(out, ')');
    if (many) {
        buf_add_fmt(out, ". The most recent datapoints which %scrossed the threshold: ",
                    alarm ? "" : "not ");
        add_points(out, rule, c, alarm);
    }
}

static void
add_reason(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c,
           enum cloudwatch_state state)
{
    bool alarm = state == CLOUDWATCH_ALARM;

    assert(state < CLOUDWATCH_RETAIN);
    size_t made_it = alarm ? c->breaching : c->n - c->breaching;

    if (state == CLOUDWATCH_NO_DATA) {
        buf_add_lit(out, "Insufficient Data: ");
        add_were(out, rule->periods - (int64_t)c->n, "datapoint");
        buf_add_lit(out, " unknown.");
        return;
    }
    buf_add_lit(out, "Threshold Crossed: ");
    if (made_it) {
        add_crossed(out, rule, c, alarm);
    } else {
        add_were(out, (int64_t)c->n, "datapoint");
        buf_add_fmt(out, " received for %lld period%s", (long long)rule->periods,
                    rule->periods == 1 ? "" : "s");
    }
    add_filled(out, rule, c);
    if (rule->to_alarm && made_it) {
        int64_t least = alarm ? rule->to_alarm : rule->periods - rule->to_alarm + 1;

        buf_add_fmt(out, " (minimum %lld datapoint%s for %s transition)", (long long)least,
                    least == 1 ? "" : "s", alarm ? "OK -> ALARM" : "ALARM -> OK");
    }
    buf_add_char(out, '.');
}

static void
add_evaluated(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c,
              int64_t end_ms)
{
    size_t next = c->n;
    bool first = true;

    assert((int64_t)c->n <= rule->periods);
    buf_add_lit(out, ",\"evaluatedDatapoints\":[");
    for (int64_t i = 1; i <= rule->periods + CLOUDWATCH_RANGE_EXTRA; i++) {
        int64_t ms = end_ms - i * rule->period_s * 1000;
        bool is = next > 0 && c->v[next - 1].ms == ms;

        /* What exists, and of the N newest what does not; as far as there is room. */
        if ((!is && i > rule->periods) || out->n > DATA_BYTES_MAX - 200)
            continue;
        buf_add_fmt(out, "%s{\"timestamp\":\"", first ? "" : ",");
        cloudwatch_date(out, ms);
        buf_add_char(out, '"');
        if (is) {
            next--;
            if (c->v[next].count > 0) {
                buf_add_lit(out, ",\"sampleCount\":");
                cloudwatch_number(out, c->v[next].count);
            }
            buf_add_lit(out, ",\"value\":");
            cloudwatch_number(out, c->v[next].value);
        }
        buf_add_char(out, '}');
        first = false;
    }
    buf_add_lit(out, "]}");
}

static void
add_data(struct buf *out, const struct cloudwatch_rule *rule, const struct count *c, int64_t end_ms,
         int64_t query_ms)
{
    buf_add_lit(out, "{\"version\":\"1.0\",\"queryDate\":\"");
    cloudwatch_date(out, query_ms);
    if (c->n) {
        buf_add_lit(out, "\",\"startDate\":\"");
        cloudwatch_date(out, c->v[0].ms);
    }
    if (rule->unit.n)
        buf_add_fmt(out, "\",\"unit\":\"%.*s", STR_ARG(rule->unit));
    if (rule->statistic.n)
        buf_add_fmt(out, "\",\"statistic\":\"%.*s", STR_ARG(rule->statistic));
    buf_add_fmt(out, "\",\"period\":%lld,\"recentDatapoints\":[", (long long)rule->period_s);
    for (size_t i = 0; i < c->n && out->n < DATA_BYTES_MAX / 2; i++) {
        if (i)
            buf_add_char(out, ',');
        cloudwatch_number(out, c->v[i].value);
    }
    buf_add_lit(out, "],\"threshold\":");
    cloudwatch_number(out, rule->threshold);
    add_evaluated(out, rule, c, end_ms);
    assert(out->n <= DATA_BYTES_MAX);
}

void
cloudwatch_judge(struct arena *arena, const struct cloudwatch_rule *rule,
                 const struct cloudwatch_series *series, int64_t end_ms, int64_t query_ms,
                 enum cloudwatch_state now, struct cloudwatch_verdict *ret)
{
    struct count c = count(rule, series, end_ms);
    int64_t to_alarm = rule->to_alarm ? rule->to_alarm : rule->periods;
    struct buf out;

    assert(to_alarm > 0 && to_alarm <= rule->periods);
    *ret = (struct cloudwatch_verdict){0};
    if ((int64_t)c.n < rule->periods)
        ret->state = judge_few(rule, &c, to_alarm);
    else
        ret->state = (int64_t)c.breaching >= to_alarm ? CLOUDWATCH_ALARM : CLOUDWATCH_OK;
    if (ret->state == now || ret->state == CLOUDWATCH_RETAIN)
        return;
    buf_init(&out, 2 * DATA_BYTES_MAX);
    add_reason(&out, rule, &c, ret->state);
    assert(!buf_failed(&out) && out.n <= REASON_BYTES_MAX);
    ret->reason = str_dup(arena, buf_str(&out));
    buf_reset(&out);
    add_data(&out, rule, &c, end_ms, query_ms);
    ret->data = str_dup(arena, buf_str(&out));
    buf_done(&out);
}
