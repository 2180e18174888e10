/*
 * CPU credits of burstable instances: what they earn, spend and may still use.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
 *
 * A credit is a processor for a minute.  An instance earns them at a rate that is its baseline, up
 * to what a day brings.  What it uses above that it takes from its credits; without credits a
 * standard one is held to the baseline, and an unlimited one borrows from the day that comes and
 * is charged for the rest.  Pure; amounts are in millionths of a credit.
 */
#pragma once

#include "base/str.h"

#define CPU_CREDIT INT64_C(1000000)

struct cpu_credit_rate {
    int64_t per_hour;   /* earned */
    int64_t max;        /* what is kept: 24 hours' worth */
    int64_t launch;     /* given at each start; kept apart from max, spent first */
    int64_t base_milli; /* the baseline, in thousandths of a processor */
    int64_t kept_ms;    /* how long a stopped instance keeps its credits */
};

struct cpu_credit {
    int64_t balance, launch;
    int64_t surplus; /* borrowed, to be earned back */
    int64_t charged; /* borrowed beyond a day's worth */
};

/* False when the type is not burstable. */
bool cpu_credit_rate(struct str type, int64_t vcpus, struct cpu_credit_rate *ret);

/* An instance starts that was stopped for stopped_ms (negative: it starts for the first time). */
void cpu_credit_start(const struct cpu_credit_rate *rate, struct cpu_credit *c, int64_t stopped_ms);

/* elapsed_ms passed, in which it ran for cpu_ns. */
void cpu_credit_pass(const struct cpu_credit_rate *rate, struct cpu_credit *c, bool unlimited,
                     int64_t elapsed_ms, int64_t cpu_ns);

/*
 * What it may use now, in thousandths of a processor: all of vcpus, or what its credits last for
 * in the next minute over the baseline, so that it comes down to the baseline gradually.
 */
int64_t cpu_credit_limit(const struct cpu_credit_rate *rate, const struct cpu_credit *c,
                         bool unlimited, int64_t vcpus);

/* How long the credits last at the least: before that the limit cannot be a lower one. */
int64_t cpu_credit_lasts_ms(const struct cpu_credit_rate *rate, const struct cpu_credit *c,
                            bool unlimited, int64_t vcpus);
