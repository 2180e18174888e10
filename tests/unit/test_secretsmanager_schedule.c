/* Schedules of rotation, and the passwords that rotations ask for. */
#include "base/timefmt.h"
#include "harness/harness.h"
#include "secretsmanager/password.h"
#include "secretsmanager/schedule.h"

static int64_t
at(const char *iso)
{
    int64_t ms;

    CHECK(time_parse_iso(str_from(iso), &ms));
    return ms;
}

static struct schedule
parsed(const char *text)
{
    struct schedule s;

    if (!schedule_parse(str_from(text), &s))
        FAIL("%s is refused", text);
    return s;
}

TEST(schedules_tell_when_their_next_window_begins)
{
    static const struct {
        const char *text, *now, *next;
    } cases[] = {
        {"rate(10 days)", "2026-11-27T14:05:00Z", "2026-12-07T00:00:00Z"},
        {"rate(1 day)", "2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"},
        {"rate(6 hours)", "2026-11-27T14:05:00Z", "2026-11-27T18:00:00Z"},
        {"cron(0 16 1,15 * ? *)", "2026-11-27T14:05:00Z", "2026-12-01T16:00:00Z"},
        {"cron(0 12 ? * SUN *)", "2026-11-27T14:05:00Z", "2026-11-29T12:00:00Z"},
        {"cron(0 8 ? * 2-6 *)", "2026-11-27T14:05:00Z", "2026-11-30T08:00:00Z"},
        {"cron(0 10 L * ? *)", "2028-02-01T00:00:00Z", "2028-02-29T10:00:00Z"},
        {"cron(0 10 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T10:00:00Z"},
        {"cron(0 18 ? * 6L *)", "2026-11-01T00:00:00Z", "2026-11-27T18:00:00Z"},
        {"cron(0 18 ? * MON#1 *)", "2026-11-27T00:00:00Z", "2026-12-07T18:00:00Z"},
        {"cron(0 2/6 * * ? *)", "2026-11-27T14:00:00Z", "2026-11-27T20:00:00Z"},
        {"cron(0 23 * JAN,jul ? *)", "2026-11-27T14:00:00Z", "2027-01-01T23:00:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct schedule s = parsed(cases[i].text);

        CHECK_STR(time_iso_s(test_arena(), schedule_next(&s, at(cases[i].now))), cases[i].next);
    }
}

TEST(what_is_no_schedule_is_refused)
{
    static const char *const bad[] = {
        "",
        "rate()",
        "rate(10)",
        "rate(0 days)",
        "rate(-1 days)",
        "rate(1 days)",
        "rate(2 day)",
        "rate(5 minutes)",
        "rate(1000 days)",
        "rate(99999999999999999999 days)",
        "cron(0 0 * * ?)",
        "cron(0 0 * * ? * *)",
        "cron(5 0 * * ? *)",
        "cron(* 0 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 1 13 ? *)",
        "cron(0 0 1 * MON *)",
        "cron(0 0 ? * ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 2#6 *)",
        "cron(0 0 1 * ? 2026)",
        "cron(0 5-1 1 * ? *)",
        "cron(0 1/0 1 * ? *)",
        "cron(0 1, 1 * ? *)",
        "at(2026-11-27T00:00:00)",
    };
    struct schedule s;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (schedule_parse(str_from(bad[i]), &s))
            FAIL("%s is taken", bad[i]);
}

TEST(windows_do_not_reach_into_each_other_or_the_next_day)
{
    const int64_t now = at("2026-11-27T14:05:00Z"), hour = 3600000;
    struct schedule s = parsed("rate(10 days)");
    int64_t ms;

    CHECK(!schedule_fault(&s, 0, now) && !schedule_fault(&s, 24 * hour, now));
    s = parsed("rate(4 hours)");
    CHECK(!schedule_fault(&s, 4 * hour, now) && schedule_fault(&s, 5 * hour, now));
    s = parsed("rate(3 hours)");
    CHECK(schedule_fault(&s, 0, now));
    s = parsed("cron(0 22 * * ? *)");
    CHECK(!schedule_fault(&s, 2 * hour, now) && schedule_fault(&s, 3 * hour, now));
    s = parsed("cron(0 10 31 2 ? *)");
    CHECK(schedule_fault(&s, 0, now));
    CHECK(schedule_duration(S("3h"), &ms) && ms == 3 * hour);
    CHECK(!schedule_duration(S("0h"), &ms) && !schedule_duration(S("25h"), &ms));
    CHECK(!schedule_duration(S("h"), &ms) && !schedule_duration(S("3"), &ms));
}

TEST(each_character_of_a_password_has_the_same_chances)
{
    const struct password_rules rules = {.length = 4096, .included = {[PASSWORD_DIGIT] = true}};
    size_t counts[10] = {0}, n = 0;
    struct env_fake env;
    struct str text;

    env_fake_init(&env, 7);
    for (int i = 0; i < 20; i++) {
        CHECK(!password_make(&env.env, test_arena(), &rules, &text));
        for (size_t k = 0; k < text.n; k++, n++)
            counts[text.p[k] - '0']++;
    }
    /* 81,920 draws: a tenth each, within five standard deviations (86) */
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        CHECK(counts[i] > n / 10 - 430 && counts[i] < n / 10 + 430);
}

TEST(a_short_password_has_one_of_each_class_anywhere)
{
    struct password_rules rules = {.length = 4, .require_each = true};
    size_t digits_at[4] = {0};
    struct env_fake env;
    struct str text;

    for (int i = PASSWORD_LOWER; i <= PASSWORD_PUNCTUATION; i++)
        rules.included[i] = true;
    env_fake_init(&env, 7);
    for (int i = 0; i < 400; i++) {
        size_t digits = 0;

        CHECK(!password_make(&env.env, test_arena(), &rules, &text));
        for (size_t k = 0; k < text.n; k++)
            if (text.p[k] >= '0' && text.p[k] <= '9') {
                digits++;
                digits_at[k]++;
            }
        CHECK_INT(digits, 1);
    }
    for (size_t k = 0; k < 4; k++)
        CHECK(digits_at[k] > 50);
}
