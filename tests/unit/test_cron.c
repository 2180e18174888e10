/* Cron expressions: what is one, and when it fits next. */
#include "base/timefmt.h"
#include "codec/cron.h"
#include "harness/harness.h"

TEST(a_cron_expression_fits_when_it_says)
{
    static const struct {
        const char *cron, *after, *next;
    } rows[] = {
        {"* * * * *", "2026-11-27T14:05:00Z", "2026-11-27T14:06:00Z"},
        {"30 0 1 1,6,12 *", "2026-11-27T14:05:00Z", "2026-12-01T00:30:00Z"},
        {"0 8 * * 1-5", "2026-11-27T14:05:00Z", "2026-11-30T08:00:00Z"},
        {"0 8 * * MON-FRI", "2026-11-27T07:59:59Z", "2026-11-27T08:00:00Z"},
        {"*/15 * * * *", "2026-11-27T14:46:00Z", "2026-11-27T15:00:00Z"},
        {"5/20 * * * *", "2026-11-27T14:26:00Z", "2026-11-27T14:45:00Z"},
        {"0 0 29 2 *", "2026-11-27T14:05:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 31 dec 7", "2026-11-27T14:05:00Z", "2026-12-06T00:00:00Z"},
        {"0  6  *  *  0", "2026-11-27T14:05:00Z", "2026-11-29T06:00:00Z"},
        {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cron cron;
        int64_t after_ms;

        CHECK(time_parse_iso(str_from(rows[i].after), &after_ms));
        if (!cron_parse(str_from(rows[i].cron), &cron))
            FAIL("%s is not understood", rows[i].cron);
        CHECK_STR(time_iso_s(test_arena(), cron_next(&cron, after_ms)), rows[i].next);
    }
}

TEST(a_day_that_never_comes_is_never)
{
    struct cron cron;

    CHECK(cron_parse(S("0 0 31 2 *"), &cron));
    CHECK_INT(cron_next(&cron, INT64_C(1795788300000)), -1);
}

TEST(what_is_no_cron_expression_is_refused)
{
    static const char *const rows[] = {
        "",           "* * * *",    "* * * * * *", "60 * * * *",  "* 24 * * *", "* * 0 * *",
        "* * * 13 *", "* * * * 8",  "5-1 * * * *", "*/0 * * * *", "1, * * * *", ",1 * * * *",
        "a * * * *",  "1- * * * *", "*/ * * * *",  "* * ? * *",   "-1 * * * *", "001 * * * *",
    };
    struct cron cron;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (cron_parse(str_from(rows[i]), &cron))
            FAIL("\"%s\" is taken", rows[i]);
}
