/*
 * Calendar arithmetic on the proleptic Gregorian calendar, after the well-known day-count by
 * eras of 400 years.  libc's functions depend on TZ and on static storage, and are slow.
 */
#include "base/timefmt.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "SunMonTueWedThuFriSat";

struct civil
time_civil(int64_t ms)
{
    int64_t days = floor_div(ms, 86400000), rest = ms - days * 86400000;
    int64_t z = days + 719468, era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
        .weekday = (int)(days + 4 - floor_div(days + 4, 7) * 7),
    };
}

int64_t
time_from_civil(const struct civil *c)
{
    int64_t y = c->year - (c->month <= 2), era = floor_div(y, 400), yoe = y - era * 400;
    int64_t doy = (153 * (c->month + (c->month > 2 ? -3 : 9)) + 2) / 5 + c->day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    int64_t days = era * 146097 + doe - 719468;

    assert(c->month >= 1 && c->month <= 12);
    assert(c->day >= 1 && c->day <= 31);
    return ((days * 24 + c->hour) * 60 + c->minute) * 60000 + c->second * 1000 + c->ms;
}

static char *
put(char *w, int v, int width)
{
    assert(width > 0);
    for (int i = width - 1; i >= 0; i--, v /= 10)
        w[i] = (char)('0' + v % 10);
    return w + width;
}

void
time_iso_buf(int64_t ms, char *out)
{
    struct civil c = time_civil(ms);
    char *w = put(out, c.year, 4);

    *w++ = '-';
    w = put(w, c.month, 2);
    *w++ = '-';
    w = put(w, c.day, 2);
    *w++ = 'T';
    w = put(w, c.hour, 2);
    *w++ = ':';
    w = put(w, c.minute, 2);
    *w++ = ':';
    w = put(w, c.second, 2);
    *w++ = '.';
    w = put(w, c.ms, 3);
    *w++ = 'Z';
    assert(w == out + TIME_ISO_LEN);
}

struct str
time_iso(struct arena *a, int64_t ms)
{
    char *p = arena_alloc_raw(a, TIME_ISO_LEN);

    time_iso_buf(ms, p);
    return str_of(p, TIME_ISO_LEN);
}

struct str
time_iso_s(struct arena *a, int64_t ms)
{
    struct str s = time_iso(a, ms);
    char *p = (char *)s.p;

    p[19] = 'Z';
    return str_of(p, 20);
}

struct str
time_compact(struct arena *a, int64_t ms)
{
    struct civil c = time_civil(ms);
    char *p = arena_alloc_raw(a, 16), *w = put(p, c.year, 4);

    w = put(w, c.month, 2);
    w = put(w, c.day, 2);
    *w++ = 'T';
    w = put(w, c.hour, 2);
    w = put(w, c.minute, 2);
    w = put(w, c.second, 2);
    *w++ = 'Z';
    return str_of(p, 16);
}

struct str
time_http(struct arena *a, int64_t ms)
{
    struct civil c = time_civil(ms);

    return str_fmt(a, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", day_names + c.weekday * 3, c.day,
                   month_names + (c.month - 1) * 3, c.year, c.hour, c.minute, c.second);
}

/* Reads exactly `width` digits at *i; false when they are not there. */
static bool
get(struct str s, size_t *i, size_t width, int *ret)
{
    int v = 0;

    assert(*i <= s.n);
    assert(width > 0);
    if (s.n < *i + width)
        return false;
    for (size_t end = *i + width; *i < end; (*i)++) {
        if (s.p[*i] < '0' || s.p[*i] > '9')
            return false;
        v = v * 10 + (s.p[*i] - '0');
    }
    *ret = v;
    return true;
}

static bool
get_char(struct str s, size_t *i, char c)
{
    assert(*i <= s.n);
    if (*i >= s.n || s.p[*i] != c)
        return false;
    (*i)++;
    return true;
}

static bool
in_range(const struct civil *c)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

    assert(c->year >= 0 && c->hour >= 0 && c->minute >= 0 && c->second >= 0);
    return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days[c->month - 1] + (leap && c->month == 2) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 60;
}

/* ".123456" at *i as milliseconds; further digits are dropped. */
static void
get_fraction(struct str s, size_t *i, int *ret_ms)
{
    int scale = 100;

    assert(*i <= s.n && *ret_ms == 0);
    if (!get_char(s, i, '.') && !get_char(s, i, ','))
        return;
    for (; *i < s.n && s.p[*i] >= '0' && s.p[*i] <= '9'; (*i)++, scale /= 10)
        *ret_ms += (s.p[*i] - '0') * scale;
}

/* "Z", "+hh:mm", "+hhmm" or nothing; the offset in minutes. */
static bool
get_zone(struct str s, size_t *i, int *ret_minutes)
{
    int hours = 0, minutes = 0, sign = 1;

    assert(*i <= s.n);
    if (*i == s.n || get_char(s, i, 'Z') || get_char(s, i, 'z'))
        return *i == s.n;
    if (get_char(s, i, '-'))
        sign = -1;
    else if (!get_char(s, i, '+'))
        return false;
    if (!get(s, i, 2, &hours))
        return false;
    get_char(s, i, ':');
    if (*i < s.n && !get(s, i, 2, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return *i == s.n && hours <= 14 && minutes <= 59;
}

bool
time_parse_iso(struct str s, int64_t *ret_ms)
{
    struct civil c = {0};
    size_t i = 0;
    int zone = 0;

    assert(str_ok(s) && ret_ms);
    if (!get(s, &i, 4, &c.year) || !get_char(s, &i, '-') || !get(s, &i, 2, &c.month) ||
        !get_char(s, &i, '-') || !get(s, &i, 2, &c.day))
        return false;
    if (i < s.n) {
        if (!get_char(s, &i, 'T') && !get_char(s, &i, 't') && !get_char(s, &i, ' '))
            return false;
        if (!get(s, &i, 2, &c.hour) || !get_char(s, &i, ':') || !get(s, &i, 2, &c.minute))
            return false;
        if (get_char(s, &i, ':') && !get(s, &i, 2, &c.second))
            return false;
        get_fraction(s, &i, &c.ms);
        if (!get_zone(s, &i, &zone))
            return false;
    }
    if (!in_range(&c))
        return false;
    *ret_ms = time_from_civil(&c) - (int64_t)zone * 60000;
    return true;
}

bool
time_parse_compact(struct str s, int64_t *ret_ms)
{
    struct civil c = {0};
    size_t i = 0;

    assert(str_ok(s) && ret_ms);
    if (!get(s, &i, 4, &c.year) || !get(s, &i, 2, &c.month) || !get(s, &i, 2, &c.day) ||
        !get_char(s, &i, 'T') || !get(s, &i, 2, &c.hour) || !get(s, &i, 2, &c.minute) ||
        !get(s, &i, 2, &c.second) || !get_char(s, &i, 'Z') || i != s.n || !in_range(&c))
        return false;
    *ret_ms = time_from_civil(&c);
    return true;
}

bool
time_parse_http(struct str s, int64_t *ret_ms)
{
    struct civil c = {0};
    size_t i = str_find(s, S(", "));

    assert(str_ok(s) && ret_ms);
    if (i == SIZE_MAX)
        return false;
    i += 2;
    if (!get(s, &i, 2, &c.day) || !get_char(s, &i, ' ') || s.n < i + 3)
        return false;
    for (int m = 0; m < 12; m++)
        if (memcmp(s.p + i, month_names + (size_t)m * 3, 3) == 0)
            c.month = m + 1;
    i += 3;
    if (!get_char(s, &i, ' ') || !get(s, &i, 4, &c.year) || !get_char(s, &i, ' ') ||
        !get(s, &i, 2, &c.hour) || !get_char(s, &i, ':') || !get(s, &i, 2, &c.minute) ||
        !get_char(s, &i, ':') || !get(s, &i, 2, &c.second))
        return false;
    if (!str_eq(str_cut(s, i, s.n), S(" GMT")) || !in_range(&c))
        return false;
    *ret_ms = time_from_civil(&c);
    return true;
}
