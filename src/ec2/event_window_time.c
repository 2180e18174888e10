/*
 * The week of an event window, hour by hour.
 *
 * A window is small and its rules are about hours, so it is a table of 168 of them: ranges that
 * overlap, wrap around Saturday or follow each other need no thought.  A range of a cron
 * expression, 20-23, begins with its first hour and ends when its last one begins, as a time range
 * does: that is how EC2 counts "two hours" of 0-2.
 */
#include "ec2/event_window.h"

#include "base/timefmt.h"

#define HOUR_MS (INT64_C(3600) * 1000)

static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                   "thursday", "friday", "saturday"};
static const char *const short_days[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static int
index_of(const char *const *names, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        if (str_is(name, names[i]))
            return (int)i;
    return -1;
}

/* From the start on that many hours, around the week's end. */
static void
open_hours(struct ec2_week *week, unsigned start, unsigned n)
{
    assert(start < EVENT_WINDOW_WEEK_HOURS && n <= EVENT_WINDOW_WEEK_HOURS);
    for (unsigned i = 0; i < n; i++)
        week->open[(start + i) % EVENT_WINDOW_WEEK_HOURS] = true;
}

const char *
ec2_week_add(struct ec2_week *week, struct str start_day, int64_t start_hour, struct str end_day,
             int64_t end_hour)
{
    int from = index_of(days, start_day), to = index_of(days, end_day);

    if (from < 0 || to < 0)
        return "must name a start and an end week day";
    if (start_hour < 0 || start_hour > 23 || end_hour < 0 || end_hour > 23)
        return "must have hours from 0 to 23";
    int start = from * 24 + (int)start_hour, end = to * 24 + (int)end_hour;
    int n = (end - start + EVENT_WINDOW_WEEK_HOURS) % EVENT_WINDOW_WEEK_HOURS;

    if (n < EVENT_WINDOW_RANGE_HOURS_MIN)
        return "must be at least 2 hours";
    open_hours(week, (unsigned)start, (unsigned)n);
    return NULL;
}

/* ---- cron expressions ---- */

/* One or two digits; false when it is anything else or more than max. */
static bool
number(struct str s, unsigned max, unsigned *ret)
{
    unsigned n = 0;

    if (s.n < 1 || s.n > 2)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (unsigned)(s.p[i] - '0');
    }
    *ret = n;
    return n <= max;
}

/* "A-B"; false when it is none. */
static bool
range(struct str s, unsigned max, unsigned *ret_from, unsigned *ret_to)
{
    size_t dash = str_find_char(s, '-');

    return dash < s.n && number(str_cut(s, 0, dash), max, ret_from) &&
           number(str_cut(s, dash + 1, s.n), max, ret_to);
}

static bool
add_days(struct str s, bool on[7])
{
    unsigned from, to;
    int named = index_of(short_days, s);

    if (named >= 0)
        from = to = (unsigned)named;
    else if (number(s, 6, &from))
        to = from;
    else if (!range(s, 6, &from, &to) || from > to)
        return false;
    for (; from <= to; from++)
        on[from] = true;
    return true;
}

static const char *
parse_days(struct str field, bool on[7])
{
    if (str_is(field, "*")) {
        for (unsigned day = 0; day < 7; day++)
            on[day] = true;
        return NULL;
    }
    do {
        if (!add_days(str_split(&field, ','), on))
            return "must have days of the week from 0 to 6 or from SUN to SAT";
    } while (field.n);
    return NULL;
}

static const char *
parse_hours(struct ec2_week *week, struct str field, const bool on[7])
{
    do {
        unsigned from, to;

        if (!range(str_split(&field, ','), 23, &from, &to) || from > to)
            return "must have one or several ranges of hours, for example 0-4,20-23";
        if (to - from < EVENT_WINDOW_RANGE_HOURS_MIN)
            return "must have ranges of at least 2 hours";
        for (unsigned day = 0; day < 7; day++)
            if (on[day])
                open_hours(week, day * 24 + from, to - from);
    } while (field.n);
    return NULL;
}

const char *
ec2_week_add_cron(struct ec2_week *week, struct str cron)
{
    bool on[7] = {false};
    struct str fields[5];
    struct str rest = cron;

    if (cron.n > EVENT_WINDOW_CRON_BYTES_MAX)
        return "is too long";
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i] = str_split(&rest, ' ');
        if (!fields[i].n || fields[i].p[fields[i].n - 1] == ',')
            return "must have the fields minute, hour, day of the month, month, day of the week";
    }
    if (rest.n)
        return "must have five fields";
    if (!str_is(fields[0], "*") || !str_is(fields[2], "*") || !str_is(fields[3], "*"))
        return "must have * for the minute, the day of the month and the month";
    const char *why = parse_days(fields[4], on);

    return why ? why : parse_hours(week, fields[1], on);
}

/* ---- the whole ---- */

const char *
ec2_week_check(const struct ec2_week *week)
{
    unsigned n = 0;

    for (unsigned i = 0; i < EVENT_WINDOW_WEEK_HOURS; i++)
        n += week->open[i];
    return n < EVENT_WINDOW_HOURS_MIN ? "must be at least 4 hours a week in all" : NULL;
}

/* The hour of the week that the moment is in. */
static unsigned
hour_of(int64_t ms)
{
    struct civil civil = time_civil(ms);

    return (unsigned)(civil.weekday * 24 + civil.hour);
}

/* The first full hour after the moment. */
static int64_t
next_hour(int64_t ms)
{
    assert(ms >= 0);
    return (ms / HOUR_MS + 1) * HOUR_MS;
}

int64_t
ec2_week_next(const struct ec2_week *week, int64_t ms)
{
    assert(!ec2_week_check(week));
    while (!week->open[hour_of(ms)])
        ms = next_hour(ms);
    return ms;
}

int64_t
ec2_week_end(const struct ec2_week *week, int64_t ms)
{
    int64_t last_ms = ms + EVENT_WINDOW_WEEK_HOURS * HOUR_MS;

    assert(week->open[hour_of(ms)]);
    while (ms < last_ms && week->open[hour_of(ms)])
        ms = next_hour(ms);
    return MIN(ms, last_ms);
}
