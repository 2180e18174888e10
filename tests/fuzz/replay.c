/*
 * Every corpus and every regression through its driver, without a fuzzer: what was once found
 * stays mended.  DRIVERS is a list X(name) … of the drivers that were linked.
 *
 * Usage: fuzz-replay tests/fuzz; inputs lie in corpus/NAME and regression/NAME.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES ((size_t)4 << 20)

#define X(name) int fuzz_##name(const uint8_t *p, size_t n);
DRIVERS
#undef X

struct driver {
    const char *name;
    int (*fn)(const uint8_t *p, size_t n);
};

static const struct driver drivers[] = {
#define X(name) {#name, fuzz_##name},
    DRIVERS
#undef X
};

/* The bytes in memory of their exact size, so that a sanitizer sees a read past the end. */
static void
replay_file(const struct driver *d, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *big = malloc(INPUT_MAX_BYTES);
    size_t n = f && big ? fread(big, 1, INPUT_MAX_BYTES, f) : 0;
    uint8_t *exact = malloc(n ? n : 1);

    if (!f || !big || !exact)
        abort();
    memcpy(exact, big, n);
    free(big);
    fclose(f);
    d->fn(exact, n);
    free(exact);
}

static unsigned
replay_folder(const struct driver *d, const char *root, const char *kind)
{
    char path[4096];
    unsigned n = 0;
    struct dirent *e;

    snprintf(path, sizeof(path), "%s/%s/%s", root, kind, d->name);
    DIR *dir = opendir(path);
    while (dir && (e = readdir(dir))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/%s/%s", root, kind, d->name, e->d_name);
        replay_file(d, path);
        n++;
    }
    if (dir)
        closedir(dir);
    return n;
}

int
main(int argc, char **argv)
{
    size_t n_drivers = sizeof(drivers) / sizeof(drivers[0]);
    unsigned failed = 0;

    if (argc != 2)
        return 2;
    for (size_t i = 0; i < n_drivers; i++) {
        unsigned n = replay_folder(&drivers[i], argv[1], "corpus") +
                     replay_folder(&drivers[i], argv[1], "regression");

        if (n == 0) {
            printf("FAIL %s has no input: an empty corpus proves nothing\n", drivers[i].name);
            failed++;
        } else {
            printf("%s: %u inputs\n", drivers[i].name, n);
        }
    }
    printf("%zu passed, %u failed\n", n_drivers - failed, failed);
    return failed != 0;
}
