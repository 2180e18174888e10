/*
 * Windows: half an hour at least, each day for backups, each week for maintenance, in UTC.  Where
 * a request names none, one is chosen by the instance's id, as AWS spreads them.
 */
#include "rds/rds.h"

#include "base/timefmt.h"

enum {
    MINUTE_MS = 60 * 1000,
    DAY_MIN = 24 * 60,
    WEEK_MIN = 7 * DAY_MIN,
    WINDOW_MIN = 30,
    NIGHT_MIN = 3 * 60, /* where chosen windows begin … */
    NIGHT_LEN = 8 * 60, /* … and how far they spread */
};

static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static bool
two_digits(struct str s, int64_t max, int64_t *ret)
{
    return s.n == 2 && str_to_i64(s, ret) && *ret >= 0 && *ret < max;
}

/* Minutes from the beginning of the day, or of the week where it names a day. */
static bool
moment(struct str s, bool has_day, int64_t *ret)
{
    int64_t hour, minute, day = 0;

    if (has_day) {
        struct str name = str_split(&s, ':');

        while (day < 7 && !str_eq_nocase(name, str_from(days[day])))
            day++;
        if (day == 7 || !s.p)
            return false;
    }
    struct str h = str_split(&s, ':');

    if (!s.p || !two_digits(h, 24, &hour) || !two_digits(s, 60, &minute))
        return false;
    *ret = day * DAY_MIN + hour * 60 + minute;
    return true;
}

struct window {
    int64_t from, minutes, period; /* in minutes */
};

static bool
parse(struct str text, struct window *ret)
{
    bool has_day = text.n > 11;
    struct str end = text, begin = str_split(&end, '-');
    int64_t to;

    ret->period = has_day ? WEEK_MIN : DAY_MIN;
    if (!end.p || !moment(begin, has_day, &ret->from) || !moment(end, has_day, &to))
        return false;
    ret->minutes = (to - ret->from + ret->period) % ret->period;
    return true;
}

static bool
overlap(const struct window *daily, const struct window *weekly)
{
    assert(daily->period == DAY_MIN && weekly->period == WEEK_MIN);
    int64_t gap = (weekly->from % DAY_MIN - daily->from + DAY_MIN) % DAY_MIN;

    return gap < daily->minutes || gap + weekly->minutes > DAY_MIN;
}

/* Whether half an hour from there would end after midnight or meet the other window on some day. */
static bool
is_taken(int64_t at, const struct window *other)
{
    int64_t gap = other ? (other->from % DAY_MIN - at + DAY_MIN) % DAY_MIN : WINDOW_MIN;

    assert(at >= 0 && at < DAY_MIN);
    return at + WINDOW_MIN >= DAY_MIN || gap < WINDOW_MIN ||
           (other && gap + other->minutes > DAY_MIN);
}

/* Where nobody chose: half an hour of the night, or the next that the other window leaves. */
static struct str
chosen(struct api_call *call, struct str id, bool has_day, const struct window *other)
{
    uint64_t h = str_hash(id, 1);
    int64_t at = (NIGHT_MIN + (int64_t)(h % (NIGHT_LEN / WINDOW_MIN)) * WINDOW_MIN) % DAY_MIN;
    const char *day = days[h / 7 % 7];

    for (int i = 0; i < DAY_MIN / WINDOW_MIN && is_taken(at, other); i++)
        at = (at + WINDOW_MIN) % DAY_MIN;
    if (at + WINDOW_MIN >= DAY_MIN)
        at = 0; /* all of the day is taken, and that will be said */
    int64_t end = at + WINDOW_MIN;

    if (has_day)
        return str_fmt(call->arena, "%s:%02lld:%02lld-%s:%02lld:%02lld", day, (long long)at / 60,
                       (long long)at % 60, day, (long long)end / 60, (long long)end % 60);
    return str_fmt(call->arena, "%02lld:%02lld-%02lld:%02lld", (long long)at / 60,
                   (long long)at % 60, (long long)end / 60, (long long)end % 60);
}

static int
check(struct api_call *call, const char *what, struct str text, bool has_day, struct window *ret)
{
    if ((text.n > 11) != has_day || !parse(text, ret))
        return RDS_INVALID(call,
                           "Invalid %s window format: %.*s. Should be specified as a range "
                           "%s (24H Clock UTC). Example: %s",
                           what, STR_ARG(text),
                           has_day ? "ddd:hh24:mi-ddd:hh24:mi" : "hh24:mi-hh24:mi",
                           has_day ? "Sun:23:45-Mon:00:15" : "00:30-01:00");
    if (ret->minutes < WINDOW_MIN)
        return RDS_INVALID(call, "The %s window must be at least %d minutes.", what, WINDOW_MIN);
    return 0;
}

int
rds_windows_set(struct api_call *call, struct str backup, struct str maintenance,
                struct rds_instance_row *row)
{
    struct window daily, weekly;

    if (backup.n)
        row->backup_window = backup;
    if (maintenance.n)
        row->maintenance_window = str_lower(call->arena, maintenance);
    if (!row->backup_window.n) {
        bool known = row->maintenance_window.n && parse(row->maintenance_window, &weekly);

        row->backup_window = chosen(call, row->id, false, known ? &weekly : NULL);
    }
    int r = check(call, "backup", row->backup_window, false, &daily);

    if (r == 0 && !row->maintenance_window.n)
        row->maintenance_window = chosen(call, row->id, true, &daily);
    if (r == 0)
        r = check(call, "maintenance", row->maintenance_window, true, &weekly);
    if (r == 0 && overlap(&daily, &weekly))
        r = RDS_COMBINATION(call, "The backup window and maintenance window must not overlap.");
    return r;
}

int64_t
rds_window_next(struct str window, int64_t now_ms)
{
    struct window w = {0};
    bool ok = parse(window, &w);
    struct civil civil = time_civil(now_ms);
    int64_t now = civil.hour * 60 + civil.minute;

    assert(ok && w.minutes > 0);
    (void)ok;
    if (w.period == WEEK_MIN)
        now += civil.weekday * DAY_MIN;
    assert(now >= 0 && now < w.period);
    int64_t since = (now - w.from + w.period) % w.period;

    if (since < w.minutes)
        return now_ms;
    return now_ms - now_ms % MINUTE_MS + (w.period - since) * MINUTE_MS;
}
