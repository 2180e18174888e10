/*
 * The seeded simulation: a whole cloud in one process, its calls, its clock, its guests, its
 * disk and its crashes drawn from a seed.
 *
 *   make sim SEED=7 N=1      one run again, step by step the same
 *   make sim N=1000          more of them
 *
 * After every step the invariants are checked.  After every crash, and after every fault of the
 * disk, which ends the daemon, all that was answered must be there: what was made, what was
 * deleted, tags, attributes, parameters and secrets as they were set last, and what KMS encrypted
 * opens.  Of what was on its way the survivors must
 * be a beginning of the order in which it was done, and no call may be there by half.
 */
#include "base/log.h"
#include "harness/harness.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_RUNS 20
#define STEPS 150

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t v;

    return text && str_to_u64(str_from(text), &v) ? v : otherwise;
}

TEST(the_cloud_keeps_what_it_answered_through_crashes)
{
    uint64_t seed = setting("SIM_SEED", 1), runs = setting("SIM_RUNS", DEFAULT_RUNS);
    struct sim_totals all = {0};

    log_init(-1, LOG_ERROR, NULL);
    for (uint64_t i = 0; i < runs; i++) {
        struct sim_totals totals = {0};
        char why[SIM_WHY_BYTES] = "";

        if (!sim_run(seed + i, STEPS, &totals, why))
            FAIL("seed %llu, step %u: %s (again: make sim SEED=%llu N=1)",
                 (unsigned long long)(seed + i), totals.step, why, (unsigned long long)(seed + i));
        all.calls += totals.calls;
        all.crashes += totals.crashes;
        all.power_losses += totals.power_losses;
        all.exits += totals.exits;
        all.disk_faults += totals.disk_faults;
        all.retries += totals.retries;
        all.opened += totals.opened;
    }
    printf(
        "%llu seeds: %u calls (%u with a token used before), %u crashes of the daemon, %u power "
        "losses, %u faults of the disk, %u guests ended by themselves, %u sealed values opened\n",
        (unsigned long long)runs, all.calls, all.retries, all.crashes, all.power_losses,
        all.disk_faults, all.exits, all.opened);
    CHECK(all.crashes + all.power_losses > 0);
    CHECK(all.opened > 0);
}
