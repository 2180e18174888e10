/*
 * Values of conditions that are not text: numbers, times, truths and addresses.  The value of a
 * policy is read at parsing, that of a request while deciding; neither allocates.
 */
#include "policy/internal.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBER_MAX = 64 };

/* What strtod() takes beyond decimal numbers (hex, inf, nan, blanks) is none. */
static bool
is_decimal(struct str s)
{
    size_t digits = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9')
            digits++;
        else if (!strchr("+-.eE", c))
            return false;
    }
    return digits > 0;
}

struct scalar
scalar_number(struct str s)
{
    struct scalar r = {.kind = SCALAR_INT};
    char text[NUMBER_MAX + 1], *end;

    assert(str_ok(s));
    if (str_to_i64(s, &r.i))
        return r;
    if (s.n > NUMBER_MAX || !is_decimal(s))
        return (struct scalar){.kind = SCALAR_NONE};
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    r = (struct scalar){.kind = SCALAR_FLOAT, .d = strtod(text, &end)};
    if (*end || !isfinite(r.d))
        r.kind = SCALAR_NONE;
    return r;
}

struct scalar
scalar_bool(struct str s)
{
    bool truth = str_eq_nocase(s, S("true"));

    assert(str_ok(s));
    if (!truth && !str_eq_nocase(s, S("false")))
        return (struct scalar){.kind = SCALAR_NONE};
    return (struct scalar){.kind = SCALAR_BOOL, .truth = truth};
}

struct scalar
scalar_ip(struct str s)
{
    struct scalar r = {.kind = SCALAR_IP4, .ip4.bits = 32};

    assert(str_ok(s));
    if (ip4_parse(s, &r.ip4.ip) || ip4_block_parse(s, &r.ip4))
        return r;
    r = (struct scalar){.kind = SCALAR_IP6, .ip6.bits = 128};
    if (ip6_parse(s, &r.ip6.ip) || ip6_block_parse(s, &r.ip6))
        return r;
    return (struct scalar){.kind = SCALAR_NONE};
}

/* ---- times ---- */

/*
 * A decimal number in front of *s, at most n digits, from min to max; the digits go.  IAM reads
 * numbers of any width here ("01T" is a time in the year 1), as Java's Integer.parseInt() does.
 */
static bool
take_number(struct str *s, size_t digits_max, int64_t min, int64_t max, int64_t *ret)
{
    size_t n = 0;
    int64_t v = 0;

    assert(str_ok(*s) && min <= max);
    for (; n < s->n && n < digits_max && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        v = v * 10 + (s->p[n] - '0');
    if (n == 0 || v < min || v > max)
        return false;
    *s = str_cut(*s, n, s->n);
    *ret = v;
    return true;
}

static bool
take_char(struct str *s, char c)
{
    if (s->n == 0 || lower(s->p[0]) != c)
        return false;
    *s = str_cut(*s, 1, s->n);
    return true;
}

/* "593194": nine digits at most; ms counts. */
static bool
take_fraction(struct str *s, int64_t *ret_ms)
{
    size_t before = s->n;
    int64_t v;

    if (!take_number(s, 9, 0, 999999999, &v))
        return false;
    for (size_t n = before - s->n; n < 3; n++)
        v *= 10;
    for (size_t n = before - s->n; n > 3; n--)
        v /= 10;
    *ret_ms = v;
    assert(*ret_ms >= 0 && *ret_ms < 1000);
    return true;
}

static bool
take_zone(struct str *s, int64_t *ret_minutes)
{
    int64_t sign = 1, hours = 0, minutes = 0;

    *ret_minutes = 0;
    if (s->n == 0 || take_char(s, 'z'))
        return s->n == 0;
    if (take_char(s, '-'))
        sign = -1;
    else if (!take_char(s, '+'))
        return false;
    if (s->n < 2 || !take_number(s, 2, 0, 23, &hours))
        return false;
    if (take_char(s, ':') && (s->n != 2 || !take_number(s, 2, 0, 59, &minutes)))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    assert(*ret_minutes > -24 * 60 && *ret_minutes < 24 * 60);
    return s->n == 0;
}

static const int64_t year_max = 292278993; /* the last whose ms fit */
static const int64_t year_min = -292275054;

/* Days since 1970 of a proleptic Gregorian date; the algorithm counts years from March. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    assert(m >= 1 && m <= 12 && d >= 1 && d <= 31);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t in_era = y - era * 400;
    int64_t in_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static bool
iso_parse(struct str s, int64_t *ret_ms)
{
    int64_t y, m = 1, d = 1, hh = 0, mm = 0, ss = 0, ms = 0, zone = 0;
    bool negative = take_char(&s, '-');

    if (!take_number(&s, 9, 0, negative ? -year_min : year_max, &y))
        return false;
    if (take_char(&s, '-') && !take_number(&s, 2, 1, 12, &m))
        return false;
    if (take_char(&s, '-') && !take_number(&s, 2, 1, 31, &d))
        return false;
    if (take_char(&s, 't') && s.n) {
        if (!take_number(&s, 2, 0, 23, &hh))
            return false;
        if (take_char(&s, ':') && !take_number(&s, 2, 0, 59, &mm))
            return false;
        if (take_char(&s, ':') && !take_number(&s, 2, 0, 59, &ss))
            return false;
        if (take_char(&s, '.') && !take_fraction(&s, &ms))
            return false;
        if (!take_zone(&s, &zone))
            return false;
    }
    if (s.n)
        return false;
    int64_t seconds = days_of(negative ? -y : y, m, d) * 86400 + hh * 3600 + (mm - zone) * 60 + ss;

    if (__builtin_mul_overflow(seconds, 1000, ret_ms) ||
        __builtin_add_overflow(*ret_ms, ms, ret_ms))
        *ret_ms = seconds < 0 ? INT64_MIN : INT64_MAX;
    return true;
}

bool
date_parse(struct str s, int64_t *ret_ms)
{
    int64_t seconds;

    assert(str_ok(s));
    if (str_find_char(s, '-') != SIZE_MAX || str_find_char(s, 'T') != SIZE_MAX ||
        str_find_char(s, 't') != SIZE_MAX)
        return iso_parse(s, ret_ms);
    if (!str_to_i64(s, &seconds) || seconds < 0)
        return false;
    *ret_ms = seconds > INT64_MAX / 1000 ? INT64_MAX : seconds * 1000;
    return true;
}

struct scalar
scalar_date(struct str s)
{
    struct scalar r = {.kind = SCALAR_DATE};

    assert(str_ok(s));
    if (!date_parse(s, &r.i))
        r.kind = SCALAR_NONE;
    return r;
}
