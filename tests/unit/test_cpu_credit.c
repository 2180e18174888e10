/* CPU credits on the clock. */
#include "codec/cpu_credit.h"
#include "harness/harness.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define CPU_MINUTE_NS INT64_C(60000000000)

TEST(the_figures_of_burstable_types_are_awss, "ITYPE-14")
{
    static const struct {
        const char *type;
        int vcpus, per_hour_tenths, max_tenths, base_milli, launch;
    } rows[] = {
        {"t1.micro", 1, 60, 1440, 100, 15},      {"t2.nano", 1, 30, 720, 50, 30},
        {"t2.micro", 1, 60, 1440, 100, 30},      {"t2.large", 2, 360, 8640, 600, 60},
        {"t2.xlarge", 4, 540, 12960, 900, 120},  {"t2.2xlarge", 8, 816, 19584, 1360, 240},
        {"t3.nano", 2, 60, 1440, 100, 0},        {"t3.micro", 2, 120, 2880, 200, 0},
        {"t3a.medium", 2, 240, 5760, 400, 0},    {"t4g.xlarge", 4, 960, 23040, 1600, 0},
        {"t3.2xlarge", 8, 1920, 46080, 3200, 0},
    };
    struct cpu_credit_rate rate;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(cpu_credit_rate(str_from(rows[i].type), rows[i].vcpus, &rate));
        CHECK_INT(rate.per_hour, rows[i].per_hour_tenths * CPU_CREDIT / 10);
        CHECK_INT(rate.max, rows[i].max_tenths * CPU_CREDIT / 10);
        CHECK_INT(rate.base_milli, rows[i].base_milli);
        CHECK_INT(rate.launch, rows[i].launch * CPU_CREDIT);
    }
    CHECK(!cpu_credit_rate(S("m5.large"), 2, &rate));
    CHECK(!cpu_credit_rate(S("t3.metal"), 2, &rate));
    CHECK(!cpu_credit_rate(S("t3"), 2, &rate));
}

TEST(an_idle_instance_earns_up_to_a_days_worth)
{
    struct cpu_credit_rate rate;
    struct cpu_credit c = {0};

    CHECK(cpu_credit_rate(S("t3.micro"), 2, &rate));
    cpu_credit_start(&rate, &c, -1);
    CHECK_INT(c.balance, 0);
    CHECK_INT(cpu_credit_limit(&rate, &c, false, 2), 200);
    for (int i = 0; i < 60; i++)
        cpu_credit_pass(&rate, &c, false, HOUR_MS / 60, 0);
    CHECK_INT(c.balance, 12 * CPU_CREDIT);
    CHECK_INT(cpu_credit_limit(&rate, &c, false, 2), 2000);
    cpu_credit_pass(&rate, &c, false, 300 * DAY_MS, 0);
    CHECK_INT(c.balance, 288 * CPU_CREDIT);
}

TEST(a_standard_instance_comes_down_to_its_baseline_and_stays_there)
{
    struct cpu_credit_rate rate;
    struct cpu_credit c = {.balance = 10 * CPU_CREDIT};
    int64_t limit = 2000, minutes = 0;

    CHECK(cpu_credit_rate(S("t3.micro"), 2, &rate));
    /* Two processors busy cost 2 - 0.2 credits a minute. */
    CHECK_INT(cpu_credit_lasts_ms(&rate, &c, false, 2), 10 * 60000 * 1000 / 1800);
    while (limit > 200 && minutes < 100) {
        cpu_credit_pass(&rate, &c, false, 60000, limit * CPU_MINUTE_NS / 1000);
        CHECK(cpu_credit_limit(&rate, &c, false, 2) <= limit);
        limit = cpu_credit_limit(&rate, &c, false, 2);
        minutes++;
    }
    CHECK(minutes >= 6 && minutes <= 8);
    for (int i = 0; i < 1000; i++)
        cpu_credit_pass(&rate, &c, false, 60000, limit * CPU_MINUTE_NS / 1000);
    CHECK_INT(c.balance, 0);
    CHECK_INT(c.surplus, 0);
    CHECK_INT(cpu_credit_limit(&rate, &c, false, 2), 200);
}

TEST(an_unlimited_instance_borrows_a_day_and_is_charged_for_the_rest)
{
    struct cpu_credit_rate rate;
    struct cpu_credit c = {0};

    CHECK(cpu_credit_rate(S("t3.micro"), 2, &rate));
    cpu_credit_pass(&rate, &c, true, HOUR_MS, 120 * CPU_MINUTE_NS);
    CHECK_INT(c.surplus, 108 * CPU_CREDIT);
    CHECK_INT(c.charged, 0);
    CHECK_INT(cpu_credit_limit(&rate, &c, true, 2), 2000);
    for (int i = 0; i < 2; i++)
        cpu_credit_pass(&rate, &c, true, HOUR_MS, 120 * CPU_MINUTE_NS);
    CHECK_INT(c.surplus, 288 * CPU_CREDIT);
    CHECK_INT(c.charged, 36 * CPU_CREDIT);
    /* What is earned pays back first. */
    cpu_credit_pass(&rate, &c, true, HOUR_MS, 0);
    CHECK_INT(c.surplus, 276 * CPU_CREDIT);
    CHECK_INT(c.balance, 0);
    cpu_credit_pass(&rate, &c, true, DAY_MS, 0);
    CHECK_INT(c.surplus, 0);
    CHECK_INT(c.balance, 12 * CPU_CREDIT);
}

TEST(t2_gets_launch_credits_at_each_start_and_t3_keeps_what_it_has_for_a_week)
{
    struct cpu_credit_rate t2, t3;
    struct cpu_credit c = {0};

    CHECK(cpu_credit_rate(S("t2.micro"), 1, &t2) && cpu_credit_rate(S("t3.micro"), 2, &t3));
    cpu_credit_start(&t2, &c, -1);
    CHECK_INT(c.launch, 30 * CPU_CREDIT);
    /* They are spent first and count apart from the limit. */
    cpu_credit_pass(&t2, &c, false, 30 * DAY_MS, 0);
    CHECK_INT(c.balance + c.launch, 174 * CPU_CREDIT);
    cpu_credit_pass(&t2, &c, false, 0, 10 * CPU_MINUTE_NS);
    CHECK_INT(c.launch, 20 * CPU_CREDIT);
    CHECK_INT(c.balance, 144 * CPU_CREDIT);
    cpu_credit_start(&t2, &c, 1);
    CHECK_INT(c.balance, 0);
    CHECK_INT(c.launch, 30 * CPU_CREDIT);

    c = (struct cpu_credit){.balance = 100 * CPU_CREDIT};
    cpu_credit_start(&t3, &c, 6 * DAY_MS);
    CHECK_INT(c.balance, 100 * CPU_CREDIT);
    cpu_credit_start(&t3, &c, 7 * DAY_MS);
    CHECK_INT(c.balance, 0);
}
