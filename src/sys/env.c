/*
 * The two worlds.  The fake one starts at a fixed date, so that golden texts with times in them
 * stay golden.
 */
#include "sys/env.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define FAKE_START_MS 1767225600000 /* 2026-01-01T00:00:00Z */

static struct env_clock real_clock;

int64_t
env_real_wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
real_now_ms(struct env *env UNUSED)
{
    return real_clock.stopped ? real_clock.stopped_at_ms
                              : env_real_wall_ms() + real_clock.offset_ms;
}

static int64_t
real_mono_ns(struct env *env UNUSED)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/*
 * Drawn in blocks: getrandom(2) costs more than all else in making an id.  Bytes are wiped as
 * they are handed out, so that a dump of memory does not hold an old key.
 */
static void
real_random(struct env *env UNUSED, void *p, size_t n)
{
    static unsigned char pool[256];
    static size_t left;

    assert(p || n == 0);
    if (n > sizeof(pool)) {
        if (getentropy(p, MIN(n, (size_t)256)) < 0)
            abort();
        if (n > 256)
            real_random(env, (char *)p + 256, n - 256);
        return;
    }
    if (left < n) {
        if (getentropy(pool, sizeof(pool)) < 0)
            abort();
        left = sizeof(pool);
    }
    assert(n <= left && left <= sizeof(pool));
    left -= n;
    memcpy(p, pool + left, n);
    explicit_bzero(pool + left, n);
}

struct env *
env_real(void)
{
    static struct env env = {
        .now_ms = real_now_ms, .mono_ns = real_mono_ns, .random = real_random};

    return &env;
}

void
env_real_set_clock(const struct env_clock *clock)
{
    assert(!clock->stopped || clock->stopped_at_ms >= 0);
    real_clock = *clock;
}

struct env_clock
env_real_clock(void)
{
    return real_clock;
}

static int64_t
fake_now_ms(struct env *env)
{
    return CONTAINER_OF(env, struct env_fake, env)->now_ms;
}

static int64_t
fake_mono_ns(struct env *env)
{
    return CONTAINER_OF(env, struct env_fake, env)->mono_ns;
}

static void
fake_random(struct env *env, void *p, size_t n)
{
    struct env_fake *fake = CONTAINER_OF(env, struct env_fake, env);
    unsigned char *out = p;

    assert(p || n == 0);
    while (n) {
        uint64_t z = env_fake_draw(&fake->rng);
        size_t k = MIN(n, sizeof(z));
        assert(k > 0);

        memcpy(out, &z, k);
        out += k;
        n -= k;
    }
}

void
env_fake_init(struct env_fake *fake, uint64_t seed)
{
    *fake = (struct env_fake){
        .env = {.now_ms = fake_now_ms, .mono_ns = fake_mono_ns, .random = fake_random},
        .now_ms = FAKE_START_MS,
        .rng = seed,
    };
}
