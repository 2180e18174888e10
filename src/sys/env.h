/*
 * The world as one struct of functions: clock and randomness here; the disk through the name of
 * an SQLite VFS; machines through the host driver.  Real in the daemon, fake in tests and in the
 * simulation, where a run is a function of its seed.  Nothing outside sys/ reads a clock, sleeps,
 * draws randomness or touches the kernel.
 */
#pragma once

#include "base/base.h"

struct blobs;

struct env {
    /*
     * The cloud's time in ms since 1970: what AWS timestamps, credentials, state machines and
     * timers see.  It can be stopped and advanced (`welkin clock`).
     */
    int64_t (*now_ms)(struct env *env);

    /*
     * Real time that only ever grows, in ns: socket timeouts, measurements, the sandbox.
     */
    int64_t (*mono_ns)(struct env *env);

    /* Fills p with n random bytes: ids, keys, tokens. */
    void (*random)(struct env *env, void *p, size_t n);

    /* The SQLite VFS that the store opens its database with; NULL is the system's. */
    const char *vfs;

    /* Where what is too large for a row lies (sys/blobs.h); NULL: nowhere. */
    struct blobs *blobs;
};

/* The real world.  One a process. */
struct env *env_real(void);

/*
 * The real world's cloud clock, see `welkin clock`: it runs with the system's clock plus an
 * offset, or stands still.  Advancing works in both.  The offset is kept by the daemon.
 */
struct env_clock {
    bool stopped;
    int64_t stopped_at_ms; /* where it stands */
    int64_t offset_ms;     /* cloud time minus system time while it runs */
};
void env_real_set_clock(const struct env_clock *clock);
struct env_clock env_real_clock(void);

/* System time in ms since 1970, whatever the cloud's clock says: for the log only. */
int64_t env_real_wall_ms(void);

/*
 * A world from a seed: a clock that only moves when told, and a reproducible generator
 * (SplitMix64).  The caller owns the struct; `env` is its first member.
 */
/* The next of a sequence that looks random and is the same for the same state (SplitMix64). */
static inline uint64_t
env_fake_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct env_fake {
    struct env env;
    int64_t now_ms;
    int64_t mono_ns;
    uint64_t rng;
};
void env_fake_init(struct env_fake *fake, uint64_t seed);
