/*
 * The figures are AWS's: credits earned an hour; all else follows from them.  The baseline is the
 * use that spends what is earned: 12 credits an hour are 12 minutes of a processor in 60, or 0.2
 * processors.
 */
#include "codec/cpu_credit.h"

#define DAY_MS (INT64_C(24) * 3600000)
#define MINUTE_MS INT64_C(60000)

static const struct size {
    const char *name;
    int tenths; /* of a credit, an hour */
} t1[] = {{"micro", 60}}, t2[] = {{"nano", 30},   {"micro", 60},   {"small", 120},  {"medium", 240},
                                  {"large", 360}, {"xlarge", 540}, {"2xlarge", 816}},
  t3[] = {{"nano", 60},   {"micro", 120},  {"small", 240},   {"medium", 240},
          {"large", 360}, {"xlarge", 960}, {"2xlarge", 1920}};

static const struct family {
    const char *name;
    const struct size *sizes;
    size_t n;
    int launch_per_vcpu; /* credits */
    int64_t kept_ms;
} families[] = {
    {"t1", t1, ARRAY_LEN(t1), 15, 0},          {"t2", t2, ARRAY_LEN(t2), 30, 0},
    {"t3", t3, ARRAY_LEN(t3), 0, 7 * DAY_MS},  {"t3a", t3, ARRAY_LEN(t3), 0, 7 * DAY_MS},
    {"t4g", t3, ARRAY_LEN(t3), 0, 7 * DAY_MS},
};

bool
cpu_credit_rate(struct str type, int64_t vcpus, struct cpu_credit_rate *ret)
{
    struct str size = type, family = str_split(&size, '.');

    assert(str_ok(type));
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        const struct family *f = &families[i];

        for (size_t k = 0; str_is(family, f->name) && k < f->n; k++) {
            int64_t per_hour = f->sizes[k].tenths * CPU_CREDIT / 10;

            if (!str_is(size, f->sizes[k].name))
                continue;
            *ret = (struct cpu_credit_rate){
                .per_hour = per_hour,
                .max = 24 * per_hour,
                .launch = f->launch_per_vcpu * vcpus * CPU_CREDIT,
                .base_milli = per_hour / (60 * CPU_CREDIT / 1000),
                .kept_ms = f->kept_ms,
            };
            return true;
        }
    }
    return false;
}

void
cpu_credit_start(const struct cpu_credit_rate *rate, struct cpu_credit *c, int64_t stopped_ms)
{
    if (stopped_ms < 0 || stopped_ms >= rate->kept_ms)
        *c = (struct cpu_credit){.charged = c->charged + c->surplus};
    c->launch = rate->launch;
}

static int64_t
take(int64_t *from, int64_t want)
{
    int64_t taken = MIN(*from, want);

    *from -= taken;
    return want - taken;
}

void
cpu_credit_pass(const struct cpu_credit_rate *rate, struct cpu_credit *c, bool unlimited,
                int64_t elapsed_ms, int64_t cpu_ns)
{
    assert(elapsed_ms >= 0 && cpu_ns >= 0);
    assert(elapsed_ms >= 0 && cpu_ns >= 0 && c->balance >= 0 && c->launch >= 0 && c->surplus >= 0);
    /* More than two days bring nothing more, and the product stays small. */
    int64_t earned = rate->per_hour / 1000 * MIN(elapsed_ms, 3 * DAY_MS) / 3600;
    int64_t spent = cpu_ns / (MINUTE_MS * 1000000 / CPU_CREDIT);
    int64_t over = take(&earned, spent); /* earned: what is left of it */

    over = take(&c->launch, over);
    over = take(&c->balance, over);
    if (unlimited) {
        c->surplus += over;
        if (c->surplus > rate->max) {
            c->charged += c->surplus - rate->max;
            c->surplus = rate->max;
        }
    }
    earned = take(&c->surplus, earned);
    c->balance = MIN(c->balance + earned, rate->max);
}

int64_t
cpu_credit_limit(const struct cpu_credit_rate *rate, const struct cpu_credit *c, bool unlimited,
                 int64_t vcpus)
{
    int64_t all = vcpus * 1000;
    int64_t affordable = rate->base_milli + (c->balance + c->launch) / (CPU_CREDIT / 1000);

    assert(rate->base_milli > 0 && vcpus > 0);
    return unlimited ? all : MIN(all, MAX(affordable, 1));
}

int64_t
cpu_credit_lasts_ms(const struct cpu_credit_rate *rate, const struct cpu_credit *c, bool unlimited,
                    int64_t vcpus)
{
    int64_t over_milli = vcpus * 1000 - rate->base_milli;

    assert(rate->base_milli > 0 && vcpus > 0);
    if (unlimited || over_milli <= 0)
        return INT64_MAX;
    return (c->balance + c->launch) / CPU_CREDIT * 1000 * MINUTE_MS / over_milli;
}
