/* Bits for what each field allows; the next moment is found field by field, the largest first. */
#include "codec/cron.h"

#include "base/timefmt.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { TEXT_MAX = 255, DAYS_AHEAD = 8 * 366 }; /* 29 February may be eight years away */

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field {
    unsigned min, max;
    const char *const *names; /* of min, min + 1 … */
    unsigned n_names;
};

static const struct field fields[] = {
    {0, 59, NULL, 0}, {0, 23, NULL, 0}, {1, 31, NULL, 0}, {1, 12, months, 12}, {0, 7, weekdays, 7},
};

static bool
value(const struct field *f, struct str s, unsigned *ret)
{
    int64_t n;

    for (unsigned i = 0; i < f->n_names; i++) {
        if (str_eq_nocase(s, str_from(f->names[i]))) {
            *ret = f->min + i;
            return true;
        }
    }
    if (s.n < 1 || s.n > 2 || !str_to_i64(s, &n) || n < f->min || n > f->max)
        return false;
    *ret = (unsigned)n;
    return true;
}

static bool
element(const struct field *f, struct str s, uint64_t *bits)
{
    struct str range = str_split(&s, '/');
    unsigned from = f->min, to = f->max;
    int64_t each = 1;

    if (s.p && (s.n > 2 || !str_to_i64(s, &each) || each < 1))
        return false;
    if (!str_is(range, "*")) {
        bool stepped = s.p != NULL;
        struct str first = str_split(&range, '-');

        if (!value(f, first, &from))
            return false;
        if (range.p && !value(f, range, &to))
            return false;
        /* "5/10" goes on to the end, "5" does not */
        if (!range.p && !stepped)
            to = from;
    }
    if (from > to)
        return false;
    for (unsigned i = from; i <= to; i += (unsigned)each)
        *bits |= UINT64_C(1) << i;
    assert(*bits != 0);
    return true;
}

static bool
field_parse(const struct field *f, struct str s, uint64_t *ret)
{
    *ret = 0;
    if (!s.n || s.p[s.n - 1] == ',')
        return false;
    while (s.p)
        if (!element(f, str_split(&s, ','), ret))
            return false;
    assert(*ret >> f->max <= 1);
    return true;
}

bool
cron_parse(struct str text, struct cron *ret)
{
    uint64_t bits[ARRAY_LEN(fields)];
    struct str texts[ARRAY_LEN(fields)];
    struct str rest = str_trim(text);

    if (text.n > TEXT_MAX)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!rest.p)
            return false;
        texts[i] = str_split(&rest, ' ');
        rest = rest.p ? str_trim(rest) : rest;
        if (!field_parse(&fields[i], texts[i], &bits[i]))
            return false;
    }
    if (rest.p)
        return false;
    *ret = (struct cron){
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
        .any_day = str_is(texts[2], "*"),
        .any_weekday = str_is(texts[4], "*"),
    };
    assert(ret->minutes && ret->hours && ret->days && ret->months && ret->weekdays);
    return true;
}

static bool
day_fits(const struct cron *cron, const struct civil *c)
{
    bool day = cron->days >> c->day & 1, weekday = cron->weekdays >> c->weekday & 1;

    if (!(cron->months >> c->month & 1))
        return false;
    if (cron->any_day || cron->any_weekday)
        return day && weekday;
    return day || weekday;
}

int64_t
cron_next(const struct cron *cron, int64_t ms)
{
    int64_t at = floor_div(ms, MINUTE_MS) * MINUTE_MS + MINUTE_MS;
    int64_t last = at + DAYS_AHEAD * DAY_MS;

    assert(ms >= 0);
    while (at < last) {
        struct civil c = time_civil(at);

        if (!day_fits(cron, &c))
            at = floor_div(at, DAY_MS) * DAY_MS + DAY_MS;
        else if (!(cron->hours >> c.hour & 1))
            at = floor_div(at, HOUR_MS) * HOUR_MS + HOUR_MS;
        else if (!(cron->minutes >> c.minute & 1))
            at += MINUTE_MS;
        else
            return at;
    }
    return -1;
}
