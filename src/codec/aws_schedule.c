/*
 * Schedules as sets of bits: a field of a cron expression is a set of minutes, hours, days, months,
 * weekdays or years, and the next moment is found by walking the days.
 */
#include "codec/aws_schedule.h"

#include "base/timefmt.h"

#define MINUTE_MS ((int64_t)60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { RATE_MAX = 99999999, YEARS = AWS_SCHEDULE_YEAR_MAX - AWS_SCHEDULE_YEAR_MIN + 1 };

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static_assert(ARRAY_LEN(month_names) == 12 && ARRAY_LEN(weekday_names) == 7, "names of all");

/* ---- fields ---- */

struct field {
    int min, max, zero;       /* the number of the first bit */
    const char *const *names; /* of min, min + 1 … */
};

static bool
value_parse(const struct field *field, struct str text, int *ret)
{
    int64_t v;

    assert(field->min >= field->zero && field->min < field->max);
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
    for (int i = from - field->zero; i <= to - field->zero; i += (int)step)
        bits[i / 64] |= (uint64_t)1 << i % 64;
    return true;
}

static bool
field_parse(const struct field *field, struct str text, uint64_t *bits)
{
    if (!text.n)
        return false;
    while (text.p)
        if (!part_parse(field, str_split(&text, ','), bits))
            return false;
    return true;
}

static bool
days_parse(struct str text, struct aws_schedule *ret)
{
    static const struct field field = {1, 31, 0, NULL};
    uint64_t bits = 0;
    int day;

    if (str_is(text, "L") || str_is(text, "LW")) {
        ret->last_day = true;
        ret->near_day = text.n == 2 ? 31 : 0;
        return true;
    }
    if (text.n > 1 && text.p[text.n - 1] == 'W') {
        if (!value_parse(&field, str_cut(text, 0, text.n - 1), &day))
            return false;
        ret->near_day = (uint8_t)day;
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
weekdays_parse(struct str text, struct aws_schedule *ret)
{
    static const struct field field = {1, 7, 0, weekday_names};
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
cron_parse(struct str text, struct aws_schedule *ret)
{
    static const struct field minutes = {0, 59, 0, NULL}, hours = {0, 23, 0, NULL};
    static const struct field months = {1, 12, 0, month_names};
    static const struct field years = {AWS_SCHEDULE_YEAR_MIN, AWS_SCHEDULE_YEAR_MAX,
                                       AWS_SCHEDULE_YEAR_MIN, NULL};
    struct str minute = next_field(&text), hour = next_field(&text);
    struct str day = next_field(&text), month = next_field(&text);
    struct str weekday = next_field(&text), year = next_field(&text);
    uint64_t hour_bits = 0, month_bits = 0;

    if (text.p || !field_parse(&minutes, minute, &ret->minutes) ||
        !field_parse(&hours, hour, &hour_bits) || !field_parse(&months, month, &month_bits) ||
        !field_parse(&years, year, ret->years))
        return false;
    assert(hour_bits && hour_bits >> 24 == 0 && ret->minutes >> 60 == 0);
    assert(month_bits && month_bits >> 13 == 0 && !(month_bits & 1));
    ret->hours = (uint32_t)hour_bits;
    ret->months = (uint16_t)month_bits;
    /* one of the two says which days, the other is "?" */
    if (str_is(weekday, "?"))
        return days_parse(day, ret);
    return str_is(day, "?") && weekdays_parse(weekday, ret);
}

static bool
rate_parse(struct str text, struct aws_schedule *ret)
{
    static const struct {
        const char *one, *many;
        int64_t ms;
    } units[] = {
        {"minute", "minutes", MINUTE_MS}, {"hour", "hours", HOUR_MS}, {"day", "days", DAY_MS}};
    struct str number = next_field(&text), unit = str_trim(text);
    int64_t n;

    if (!str_to_i64(number, &n) || n < 1 || n > RATE_MAX)
        return false;
    assert(!ret->every_ms);
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_is(unit, n == 1 ? units[i].one : units[i].many))
            ret->every_ms = n * units[i].ms;
    return ret->every_ms > 0;
}

static bool
within(struct str text, struct str name, struct str *ret)
{
    if (!str_starts(text, name) || !str_ends(text, S(")")))
        return false;
    assert(text.n > name.n);
    *ret = str_cut(text, name.n, text.n - 1);
    return true;
}

bool
aws_schedule_parse(struct str text, struct aws_schedule *ret)
{
    struct str inner;

    *ret = (struct aws_schedule){0};
    if (within(text, S("rate("), &inner))
        return rate_parse(inner, ret);
    return within(text, S("cron("), &inner) && cron_parse(inner, ret);
}

/* ---- days ---- */

static int
month_length(const struct civil *c)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

    assert(c->month >= 1 && c->month <= 12);
    assert(c->day >= 1 && c->day <= 31);
    return lengths[c->month - 1] + (c->month == 2 && leap);
}

/* The working day nearest to a day of this month, within the month. */
static int
nearest(const struct civil *c, int length, int day)
{
    int weekday = (c->weekday + day - c->day + 35) % 7;

    assert(day >= 1 && day <= length);
    if (weekday == 6)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 0)
        return day < length ? day + 1 : day - 2;
    return day;
}

static bool
is_day(const struct aws_schedule *s, const struct civil *c)
{
    int length = month_length(c), nth = (c->day - 1) / 7 + 1;
    uint8_t weekday = (uint8_t)(1 << c->weekday);

    assert(nth >= 1 && nth <= 5 && c->weekday >= 0 && c->weekday <= 6);
    if (!(s->months >> c->month & 1))
        return false;
    if (s->near_day)
        return (s->last_day || s->near_day <= length) &&
               c->day == nearest(c, length, s->last_day ? length : s->near_day);
    if (s->days >> c->day & 1 || (s->last_day && c->day == length))
        return true;
    return s->weekdays & weekday || s->nth_weekdays[nth] & weekday ||
           (s->last_weekdays & weekday && c->day + 7 > length);
}

/* The first minute of that day after `ms`; 0: there is none. */
static int64_t
minute_of(const struct aws_schedule *s, int64_t day, int64_t ms)
{
    assert(day % DAY_MS == 0 && s->minutes && s->hours);
    for (int hour = 0; hour < 24; hour++) {
        int64_t begin = day + hour * HOUR_MS;

        if (!(s->hours >> hour & 1) || begin + HOUR_MS <= ms)
            continue;
        for (int minute = 0; minute < 60; minute++)
            if (s->minutes >> minute & 1 && begin + minute * MINUTE_MS > ms)
                return begin + minute * MINUTE_MS;
    }
    return 0;
}

int64_t
aws_schedule_next(const struct aws_schedule *s, int64_t ms)
{
    assert(ms >= 0 && !s->every_ms && s->hours && s->months && s->minutes);
    for (int64_t day = ms - ms % DAY_MS;; day += DAY_MS) {
        struct civil c = time_civil(day);
        int year = c.year - AWS_SCHEDULE_YEAR_MIN;
        int64_t at;

        if (year >= YEARS)
            return 0;
        at = s->years[year / 64] >> year % 64 & 1 && is_day(s, &c) ? minute_of(s, day, ms) : 0;
        if (at)
            return at;
    }
}
