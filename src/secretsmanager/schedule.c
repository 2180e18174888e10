/* What Secrets Manager takes of AWS's schedules: whole hours, and windows that it may rotate in. */
#include "secretsmanager/schedule.h"

#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)

enum { RATE_MAX = 999, WINDOWS_LOOKED_AT = 64 };
#define LOOKED_AHEAD_MS (3660 * DAY_MS)

static bool
every_year(const struct aws_schedule *s)
{
    const int years = AWS_SCHEDULE_YEAR_MAX - AWS_SCHEDULE_YEAR_MIN + 1;

    for (int i = 0; i < years; i++)
        if (!(s->years[i / 64] >> i % 64 & 1))
            return false;
    return true;
}

bool
schedule_parse(struct str text, struct schedule *ret)
{
    struct aws_schedule *s = &ret->when;

    *ret = (struct schedule){0};
    if (!aws_schedule_parse(text, s))
        return false;
    if (!s->every_ms) {
        ret->hourly = (s->hours & (s->hours - 1)) != 0;
        return s->minutes == 1 && !s->near_day && every_year(s);
    }
    ret->hourly = str_find(text, S("hour")) != SIZE_MAX;
    return s->every_ms % HOUR_MS == 0 && str_find(text, S("minute")) == SIZE_MAX &&
           s->every_ms <= RATE_MAX * (ret->hourly ? HOUR_MS : DAY_MS);
}

bool
schedule_duration(struct str text, int64_t *ret_ms)
{
    int64_t n;

    if (!str_ends(text, S("h")) || !str_to_i64(str_cut(text, 0, text.n - 1), &n) || n < 1 || n > 24)
        return false;
    *ret_ms = n * HOUR_MS;
    assert(*ret_ms >= HOUR_MS && *ret_ms <= DAY_MS);
    return true;
}

/* ---- windows ---- */

static int64_t
day_begin(int64_t ms)
{
    assert(ms >= 0);
    return ms - ms % DAY_MS;
}

int64_t
schedule_next(const struct schedule *schedule, int64_t ms)
{
    const struct aws_schedule *s = &schedule->when;
    int64_t midnight = day_begin(ms), at;

    if (s->every_ms)
        return midnight + ((ms - midnight) / s->every_ms + 1) * s->every_ms;
    at = aws_schedule_next(s, ms);
    return at < midnight + LOOKED_AHEAD_MS ? at : 0;
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
