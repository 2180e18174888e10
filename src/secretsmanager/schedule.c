/*
 * Schedules as sets of bits: a field of a cron expression is a set of hours, days, months or
 * weekdays, and the next window is found by walking the days.
 */
#include "secretsmanager/schedule.h"

#include "base/timefmt.h"

#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)

enum { RATE_HOURS_MAX = 999, RATE_DAYS_MAX = 999, DAYS_AHEAD = 3660, WINDOWS_LOOKED_AT = 64 };

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

/* ---- fields ---- */

struct field {
    int min, max;
    const char *const *names; /* of min, min + 1 … */
};

static_assert(ARRAY_LEN(month_names) == 12 && ARRAY_LEN(weekday_names) == 7, "names of all");
static bool
value_parse(const struct field *field, struct str text, int *ret)
{
    int64_t v;

    assert(field->min >= 0 && field->min < field->max && field->max < 64);
    for (int i = 0; field->names && i <= field->max - field->min; i++)
        if (str_eq_nocase(text, str_from(field->names[i]))) {
            *ret = field->min + i;
            return true;
        }
    if (!str_to_i64(text, &v) || text.p[0] == '-' || v < field->min || v > field->max)
        return false;
    *ret = (int)v;
    return true;
}

/* One of a list: "*", "5", "MON-FRI", "2/4", "1-10/3". */
static bool
part_parse(const struct field *field, struct str text, uint64_t *bits)
{
    struct str range = str_split(&text, '/');
    struct str upper = range, lower = str_split(&upper, '-');
    int from = field->min, to = field->max;
    int64_t step = 1;

    if (text.p && (!str_to_i64(text, &step) || step < 1 || step > field->max))
        return false;
    if (!str_is(range, "*")) {
        if (!value_parse(field, lower, &from))
            return false;
        if (upper.p && (!value_parse(field, upper, &to) || to < from))
            return false;
        if (!upper.p && !text.p)
            to = from;
    }
    assert(from >= field->min && to <= field->max && step >= 1);
    for (int i = from; i <= to; i += (int)step)
        *bits |= (uint64_t)1 << i;
    return true;
}

static bool
field_parse(const struct field *field, struct str text, uint64_t *bits)
{
    *bits = 0;
    if (!text.n)
        return false;
    while (text.p)
        if (!part_parse(field, str_split(&text, ','), bits))
            return false;
    return true;
}

static bool
days_parse(struct str text, struct schedule *ret)
{
    static const struct field field = {1, 31, NULL};
    uint64_t bits = 0;

    if (str_is(text, "L")) {
        ret->last_day = true;
        return true;
    }
    if (!field_parse(&field, text, &bits))
        return false;
    assert(bits && !(bits & 1) && bits <= UINT32_MAX);
    ret->days = (uint32_t)bits;
    return true;
}

/* Days of the week count from 1, Sunday: "MON", "2-6", "6L", "6#3". */
static bool
weekdays_parse(struct str text, struct schedule *ret)
{
    static const struct field field = {1, 7, weekday_names};
    struct str nth = text, day = str_split(&nth, '#');
    uint64_t bits = 0;
    int64_t number;
    int v;

    if (nth.p) {
        if (!value_parse(&field, day, &v) || !str_to_i64(nth, &number) || number < 1 || number > 5)
            return false;
        ret->nth_weekdays[number] = (uint8_t)(1 << (v - 1));
        return true;
    }
    if (text.n > 1 && text.p[text.n - 1] == 'L') {
        if (!value_parse(&field, str_cut(text, 0, text.n - 1), &v))
            return false;
        ret->last_weekdays = (uint8_t)(1 << (v - 1));
        return true;
    }
    if (!field_parse(&field, str_is(text, "L") ? S("7") : text, &bits))
        return false;
    assert(bits && !(bits & 1) && bits <= UINT8_MAX);
    ret->weekdays = (uint8_t)(bits >> 1);
    return true;
}

/* ---- expressions ---- */

static struct str
next_field(struct str *rest)
{
    *rest = str_trim(*rest);
    return str_split(rest, ' ');
}

static bool
cron_parse(struct str text, struct schedule *ret)
{
    static const struct field hours = {0, 23, NULL}, months = {1, 12, month_names};
    struct str minute = next_field(&text), hour = next_field(&text);
    struct str day = next_field(&text), month = next_field(&text);
    struct str weekday = next_field(&text), year = next_field(&text);
    uint64_t bits;

    if (text.p || !str_is(minute, "0") || !str_is(year, "*"))
        return false;
    if (!field_parse(&hours, hour, &bits))
        return false;
    assert(bits && bits >> 24 == 0);
    ret->hours = (uint32_t)bits;
    ret->hourly = (bits & (bits - 1)) != 0;
    if (!field_parse(&months, month, &bits))
        return false;
    assert(bits && bits >> 13 == 0 && !(bits & 1));
    ret->months = (uint16_t)bits;
    /* one of the two says which days, the other is "?" */
    if (str_is(weekday, "?"))
        return days_parse(day, ret);
    return str_is(day, "?") && weekdays_parse(weekday, ret);
}

static bool
rate_parse(struct str text, struct schedule *ret)
{
    struct str number = next_field(&text), unit = str_trim(text);
    int64_t n;

    if (!str_to_i64(number, &n) || n < 1)
        return false;
    if (str_is(unit, n == 1 ? "hour" : "hours") && n <= RATE_HOURS_MAX) {
        ret->every_ms = n * HOUR_MS;
        ret->hourly = true;
        return true;
    }
    if (!str_is(unit, n == 1 ? "day" : "days") || n > RATE_DAYS_MAX)
        return false;
    assert(!ret->hourly);
    ret->every_ms = n * DAY_MS;
    return true;
}

static bool
within(struct str text, struct str name, struct str *ret)
{
    if (!str_starts(text, name) || !str_ends(text, S(")")))
        return false;
    *ret = str_cut(text, name.n, text.n - 1);
    return true;
}

bool
schedule_parse(struct str text, struct schedule *ret)
{
    struct str inner;

    *ret = (struct schedule){0};
    if (within(text, S("rate("), &inner))
        return rate_parse(inner, ret);
    return within(text, S("cron("), &inner) && cron_parse(inner, ret);
}

bool
schedule_duration(struct str text, int64_t *ret_ms)
{
    int64_t n;

    if (!str_ends(text, S("h")) || !str_to_i64(str_cut(text, 0, text.n - 1), &n) || n < 1 || n > 24)
        return false;
    *ret_ms = n * HOUR_MS;
    return true;
}

/* ---- windows ---- */

static int
month_length(const struct civil *c)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

    assert(c->month >= 1 && c->month <= 12);
    assert(c->day >= 1 && c->day <= 31);
    return lengths[c->month - 1] + (c->month == 2 && leap);
}

static bool
is_day(const struct schedule *s, const struct civil *c)
{
    int length = month_length(c), nth = (c->day - 1) / 7 + 1;
    uint8_t weekday = (uint8_t)(1 << c->weekday);

    assert(nth >= 1 && nth <= 5 && c->weekday >= 0 && c->weekday <= 6);
    if (!(s->months >> c->month & 1))
        return false;
    if (s->days >> c->day & 1 || (s->last_day && c->day == length))
        return true;
    return s->weekdays & weekday || s->nth_weekdays[nth] & weekday ||
           (s->last_weekdays & weekday && c->day + 7 > length);
}

static int64_t
day_begin(int64_t ms)
{
    assert(ms >= 0);
    return ms - ms % DAY_MS;
}

int64_t
schedule_next(const struct schedule *s, int64_t ms)
{
    int64_t midnight = day_begin(ms);

    assert(s->every_ms > 0 || (s->hours && s->months)); /* schedule_parse() */
    if (s->every_ms)
        return midnight + ((ms - midnight) / s->every_ms + 1) * s->every_ms;
    for (int64_t day = midnight; day < midnight + DAYS_AHEAD * DAY_MS; day += DAY_MS) {
        struct civil c = time_civil(day);

        if (!is_day(s, &c))
            continue;
        for (int hour = 0; hour < 24; hour++)
            if (s->hours >> hour & 1 && day + hour * HOUR_MS > ms)
                return day + hour * HOUR_MS;
    }
    return 0;
}

const char *
schedule_fault(const struct schedule *s, int64_t duration_ms, int64_t now_ms)
{
    int64_t begin = schedule_next(s, now_ms);

    if (!begin)
        return "it never comes";
    assert(begin > now_ms);
    for (int i = 0; i < WINDOWS_LOOKED_AT; i++) {
        int64_t next = schedule_next(s, begin), midnight = day_begin(begin) + DAY_MS;
        int64_t end = begin + duration_ms;

        if (!duration_ms)
            end = s->hourly ? begin + HOUR_MS : midnight;
        if (next && next - begin < 4 * HOUR_MS)
            return "a secret is rotated every four hours at most";
        if (end > midnight)
            return "a rotation window must not extend into the next UTC day";
        if (next && end > next)
            return "a rotation window must not extend into the next rotation window";
        if (!next)
            break;
        assert(next > begin);
        begin = next;
    }
    return NULL;
}
