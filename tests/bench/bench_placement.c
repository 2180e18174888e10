/* Placing an instance in a zone of the default region model where 100,000 run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gen/data/region_model.h"
#include "placement/placement.h"

enum { RUNNING = 100000, MORE = 1000, TIMES = 5 };

static double
cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
place(struct placement *p, unsigned n)
{
    const struct placement_want want = {.zone = S("us-east-1a"),
                                        .account = S("000000000000"),
                                        .family = S("t3"),
                                        .vcpus = 2,
                                        .memory_mib = 1024};
    struct placement_spot spot;

    for (unsigned i = 0; i < n; i++) {
        if (placement_find(p, &want, &spot) != PLACEMENT_FOUND) {
            fputs("bench-placement: there is no room\n", stderr);
            exit(2);
        }
        placement_add(p, str_from(spot.path), &want);
    }
}

int
main(void)
{
    struct region_model model;
    char why[MODEL_WHY_BYTES];
    double best = 1e9;
    struct arena arena;

    arena_init(&arena, (size_t)16 << 20);
    if (!region_model_read(&arena, str_from(region_model_default), &model, why)) {
        fprintf(stderr, "bench-placement: %s\n", why);
        return 2;
    }
    struct placement *p = placement_new(&model);

    place(p, RUNNING);
    for (unsigned i = 0; i < TIMES; i++) {
        double began = cpu_us();

        place(p, MORE);
        best = MIN(best, (cpu_us() - began) / MORE);
    }
    printf("placement %.2f us\n", best);
    placement_free(p);
    arena_done(&arena);
    return 0;
}
