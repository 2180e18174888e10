/* One run of the simulation. */
#pragma once

#include "base/base.h"

#define SIM_WHY_BYTES 512

struct sim_totals {
    unsigned step, calls, crashes, power_losses, exits, disk_faults, retries, opened;
};

/* False when an invariant broke: `why` says which. */
bool sim_run(uint64_t seed, unsigned steps, struct sim_totals *totals, char why[SIM_WHY_BYTES]);
