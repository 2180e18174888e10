/*
 * The store against its floor, in one run: durable small writes of 16 clients, each of which waits
 * for its answer, against a raw log that syncs groups of the same size and bytes into a file of
 * zeroes.  Then: loading 10,000 rows, get, and walking an index.
 *
 *   bench_store [DIR]       DIR must be on the disk that is meant (default: the current one)
 *
 * Prints "name value unit" lines; exits 1 when write-ratio < 0.6 or load > 150 ms.
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gen/tests/bench_store_rows.h"

enum { CLIENTS = 16, ROUNDS = 31, ROUND_MS = 150, PARAMETERS = 1000, LOAD_ROWS = 10000 };

static const struct store_table *const tables[] = {&sb_parameter_table, &sb_instance_table};

struct client {
    struct store_waiter waiter;
    bool ready;
    int64_t began_ns;
};

static struct client clients[CLIENTS];
static int64_t *latencies;
static size_t n_latencies, cap_latencies;
static uint64_t rng = 1;

static int64_t
now_ns(void)
{
    return env_real()->mono_ns(env_real());
}

static unsigned
below(unsigned n)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rng >> 33) % n;
}

static struct store *
open_store(const char *dir)
{
    struct store_config config = {.env = env_real(), .dir = dir, .tables = tables, .n_tables = 2,
                                  .thread = true};
    char why[STORE_WHY_BYTES];
    struct store *store;

    if (store_open(&store, &config, why) < 0) {
        fprintf(stderr, "bench_store: %s\n", why);
        exit(2);
    }
    return store;
}

static int
compare_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int
compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
on_durable(struct store_waiter *w)
{
    struct client *c = CONTAINER_OF(w, struct client, waiter);

    c->ready = true;
    if (n_latencies == cap_latencies) {
        cap_latencies = cap_latencies ? cap_latencies * 2 : 65536;
        latencies = realloc(latencies, cap_latencies * sizeof(*latencies));
        if (!latencies)
            abort();
    }
    latencies[n_latencies++] = now_ns() - c->began_ns;
}

/* As PutParameter: finds its row, changes it, and waits until that is durable. */
static void
write_one(struct store *store, struct client *c, uint64_t serial)
{
    char id[32], value[257];
    struct txn *txn = store_begin(store);
    struct sb_parameter_row row = {.account = S("000000000000"), .name = S("/app/config/name")};
    const struct sb_parameter_row *old;
    int r;

    snprintf(id, sizeof(id), "par-%016x", below(PARAMETERS) * 2654435761u);
    memset(value, 'v', sizeof(value));
    snprintf(value, sizeof(value), "%0256llu", (unsigned long long)serial);
    row.id = str_from(id);
    row.value = str_of(value, 256);
    row.changed_ms = (int64_t)serial;
    old = sb_parameter_get(txn, row.id);
    row.version = old ? old->version + 1 : 1;
    r = old ? sb_parameter_update(txn, &row) : sb_parameter_insert(txn, &row);
    if (r < 0)
        abort();
    c->ready = false;
    c->began_ns = now_ns();
    store_wait(store, store_commit(txn), &c->waiter);
}

/* Answers writes a second. */
static double
run_store(struct store *store, double *ret_group)
{
    struct store_stats before = store_stats(store), after;
    struct pollfd wait = {.fd = store_poll_fd(store), .events = POLLIN};
    int64_t began = now_ns(), elapsed;
    static uint64_t serial;

    while ((elapsed = now_ns() - began) < ROUND_MS * 1000000ll) {
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].ready)
                write_one(store, &clients[i], ++serial);
        store_kick(store);
        poll(&wait, 1, 1000);
        store_poll(store);
        if (store_failed(store))
            exit(2);
    }
    store_flush(store);
    after = store_stats(store);
    *ret_group = (double)(after.commits - before.commits) / (double)(after.groups - before.groups);
    return (double)(after.commits - before.commits) * 1e9 / (double)elapsed;
}

/* The floor: the same bytes in the same groups. */
static double
run_log(int fd, size_t size, double group)
{
    static char bytes[CLIENTS * 512];
    size_t n = (size_t)(group * 330), at = 0, groups = 0; /* a row's columns are 330 bytes */
    int64_t began = now_ns(), elapsed;

    while ((elapsed = now_ns() - began) < ROUND_MS * 1000000ll) {
        memset(bytes, (int)++groups, n);
        if (at + n > size)
            at = 0;
        if (pwrite(fd, bytes, n, (off_t)at) != (ssize_t)n || fdatasync(fd) < 0)
            exit(2);
        at += n;
    }
    return (double)groups * group * 1e9 / (double)elapsed;
}

static int
make_log(const char *dir, size_t size)
{
    static char zeroes[1 << 16];
    char path[4300];
    int fd;

    snprintf(path, sizeof(path), "%s/raw.log", dir);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t at = 0; fd >= 0 && at < size; at += sizeof(zeroes))
        if (pwrite(fd, zeroes, sizeof(zeroes), (off_t)at) < 0)
            exit(2);
    if (fd < 0 || fsync(fd) < 0)
        exit(2);
    return fd;
}

static double
bench_writes(const char *dir)
{
    struct store *store = open_store(dir);
    double ratios[ROUNDS], rates[ROUNDS], floors[ROUNDS], group = 1, warm;
    size_t log_bytes = 64 << 20;
    int fd = make_log(dir, log_bytes);

    store_hold(store);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.waiter.fn = on_durable, .ready = true};
    warm = run_store(store, &group);
    (void)warm;
    n_latencies = 0;
    for (int i = 0; i < ROUNDS; i++) {
        rates[i] = run_store(store, &group);
        floors[i] = run_log(fd, log_bytes, group);
        ratios[i] = rates[i] / floors[i];
    }
    close(fd);
    store_close(store);
    qsort(ratios, ROUNDS, sizeof(*ratios), compare_double);
    qsort(rates, ROUNDS, sizeof(*rates), compare_double);
    qsort(floors, ROUNDS, sizeof(*floors), compare_double);
    qsort(latencies, n_latencies, sizeof(*latencies), compare_i64);
    printf("write-rate %.0f writes/s\nwrite-floor %.0f writes/s\n", rates[ROUNDS / 2],
           floors[ROUNDS / 2]);
    printf("write-group %.1f writes\n", group);
    printf("write-p50 %.0f us\nwrite-p99 %.0f us\nwrite-max %.0f us\n",
           (double)latencies[n_latencies / 2] / 1e3,
           (double)latencies[n_latencies - n_latencies / 100 - 1] / 1e3,
           (double)latencies[n_latencies - 1] / 1e3);
    printf("write-ratio %.2f (%.2f to %.2f)\n", ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
    return ratios[ROUNDS / 2];
}

static void
fill(const char *dir, int n)
{
    struct store *store = open_store(dir);
    struct txn *txn = store_begin(store);
    int64_t began = now_ns();

    for (int i = 0; i < n; i++) {
        char id[32], ip[32], subnet[32];
        struct str groups[] = {S("sg-0123456789abcdef0"), S("sg-0fedcba9876543210")};
        struct str tags[] = {S("Name"), str_from(id), S("Environment"), S("production")};
        struct sb_instance_row row = {
            .account = S("000000000000"), .region = S("us-east-1"), .state = 16,
            .image_id = S("ami-0123456789abcdef0"), .launched_ms = 1795000000000 + below(1000000),
            .group_ids = {groups, 2}, .tags = {tags, 4}, .user_data = S("#!/bin/sh\necho hi\n")};

        snprintf(id, sizeof(id), "i-%08x%09x", below(UINT32_MAX), (unsigned)i);
        snprintf(ip, sizeof(ip), "10.0.%d.%d", i >> 8 & 255, i & 255);
        snprintf(subnet, sizeof(subnet), "subnet-%d", i % 50);
        row.id = str_from(id);
        row.private_ip = str_from(ip);
        row.subnet_id = str_from(subnet);
        if (sb_instance_insert(txn, &row) < 0)
            abort();
    }
    printf("insert-%d %.0f ns/row\n", n, (double)(now_ns() - began) / n);
    store_commit(txn);
    store_close(store);
}

static void
bench_memory(struct store *store, int n)
{
    struct txn *txn = store_begin(store);
    struct str *ids = calloc((size_t)n, sizeof(*ids));
    int64_t began, sum = 0;
    int i = 0;

    if (!ids)
        abort();
    STORE_EACH(txn, sb_instance_by_key, row)
        ids[i++] = row->id;
    began = now_ns();
    for (int j = 0; j < 1000000; j++)
        sum += sb_instance_get(txn, ids[below((unsigned)n)])->state;
    printf("get-%d %.0f ns\n", n, (double)(now_ns() - began) / 1e6);
    began = now_ns();
    for (int j = 0; j < 20; j++)
        STORE_EACH(txn, sb_instance_by_owner, row, S("000000000000"), S("us-east-1"))
            sum += row->state;
    printf("walk-%d %.1f ns/row\n", n, (double)(now_ns() - began) / (20.0 * n));
    if (sum != 16ll * (1000000 + 20 * n))
        abort();
    free(ids);
    store_rollback(txn);
}

static double
bench_load(const char *dir, int n)
{
    double best = 1e9, ms;
    int64_t began;
    struct store *store = NULL;
    struct store_stats stats;

    fill(dir, n);
    for (int i = 0; i < 5; i++) {
        store_close(store);
        began = now_ns();
        store = open_store(dir);
        ms = (double)(now_ns() - began) / 1e6;
        best = MIN(best, ms);
    }
    stats = store_stats(store);
    printf("load-%d %.1f ms\nrow-bytes-%d %.0f bytes\n", n, best, n,
           (double)stats.row_bytes / (double)stats.rows);
    bench_memory(store, n);
    store_close(store);
    return best;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int
main(int argc, char **argv)
{
    char dir[4096], sub[4200];
    double ratio, load;

    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(dir, sizeof(dir), "%s/bench-store-XXXXXX", argc > 1 ? argv[1] : ".");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 2;
    }
    snprintf(sub, sizeof(sub), "%s/w", dir);
    mkdir(sub, 0700);
    ratio = bench_writes(sub);
    snprintf(sub, sizeof(sub), "%s/l", dir);
    load = bench_load(sub, LOAD_ROWS);
    snprintf(sub, sizeof(sub), "%s/m", dir);
    bench_load(sub, 10 * LOAD_ROWS);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(latencies);
    return ratio < 0.6 || load > 150;
}
