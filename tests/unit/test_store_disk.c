/*
 * The store and the disk: what was acknowledged is there after a restart, a crash, a fault or a
 * kill, and no transaction is half there.
 *
 * The workload of the crash tests: transaction n (from 1) moves the counter row from n - 1 to n,
 * and inserts, changes and deletes other rows as a function of n alone.  So any state of the disk
 * is that after some n, can be told by its counter, and can be checked row for row.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/loop.h"
#include "unit/store_fixture.h"

static void
step(struct store *store, int n)
{
    struct txn *txn = store_begin(store);
    struct st_thing_row counter = thing("counter", "0", n);
    struct st_thing_row row = thing("", "1", n);
    struct st_credential_row secret = {.id = fixture_id("ak", n % 3), .owner = S("me")};

    if (n == 1)
        CHECK_INT(st_thing_insert(txn, &counter), 0);
    else
        CHECK_INT(st_thing_update(txn, &counter), 0);
    row.id = fixture_id("i", n);
    row.data = str_fmt(test_arena(), "%0*d", n * 37 % 900, n);
    row.tags = (struct str_list){(struct str[]){S("Name"), row.id}, 2};
    CHECK_INT(st_thing_insert(txn, &row), 0);
    if (n > 4)
        CHECK_INT(st_thing_delete(txn, fixture_id("i", n - 4)), 0);
    if (n > 2) {
        row = *st_thing_get(txn, fixture_id("i", n - 2));
        row.state = n;
        CHECK_INT(st_thing_update(txn, &row), 0);
    }
    secret.secret = row.id;
    if (n <= 3)
        CHECK_INT(st_credential_insert(txn, &secret), 0);
    else
        CHECK_INT(st_credential_update(txn, &secret), 0);
    CHECK_INT(store_commit(txn), store_stats(store).commits);
}

/* Which n the store stands at; fails when it is no state of the workload. */
static int
standing(struct store *store)
{
    struct txn *txn = store_begin(store);
    const struct st_thing_row *counter = st_thing_get(txn, S("counter")), *row;
    int n = counter ? (int)counter->launched_ms : 0;

    CHECK_INT(store_count(txn, &st_thing_table), n ? 1 + MIN(n, 4) : 0);
    CHECK_INT(store_count(txn, &st_credential_table), MIN(n, 3));
    for (int i = MAX(1, n - 3); i <= n; i++) {
        row = st_thing_get(txn, fixture_id("i", i));
        CHECK(row);
        CHECK_INT(row->state, i + 2 <= n ? i + 2 : 0);
        CHECK_STR(row->data, str_cstr(test_arena(), str_fmt(test_arena(), "%0*d", i * 37 % 900,
                                                            i)));
        CHECK(row->tags.n == 2 && str_eq(row->tags.v[1], row->id));
    }
    store_rollback(txn);
    fixture_check(store);
    return n;
}

TEST(rows_of_all_types_come_back_after_a_restart)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    static const char odd[] = "\0\x01\"\\/\n\x1f\x7f\xc3\xa9\xff\xfe end";
    struct str list[] = {S(""), str_of(odd, sizeof(odd) - 1), S("[\"x\"]")};
    struct st_thing_row row = thing("i-1", "1", INT64_MIN);
    const struct st_thing_row *back;
    struct txn *txn;

    row.state = INT64_MAX;
    row.optimized = true;
    row.account = row.data = str_of(odd, sizeof(odd) - 1);
    row.tags = (struct str_list){list, ARRAY_LEN(list)};
    put(store, &row);
    row = thing("i-2", "", 0);
    put(store, &row);
    fixture_check(store);
    store_close(store);

    store = fixture_open(&config);
    txn = store_begin(store);
    back = st_thing_get(txn, S("i-1"));
    CHECK(back && back->launched_ms == INT64_MIN && back->state == INT64_MAX && back->optimized);
    CHECK(str_eq(back->account, str_of(odd, sizeof(odd) - 1)) && str_eq(back->data, back->account));
    CHECK_INT(back->tags.n, 3);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        CHECK(str_eq(back->tags.v[i], list[i]));
    back = st_thing_get(txn, S("i-2"));
    CHECK(back && !back->tags.v && back->data.p && back->data.n == 0 && !back->optimized);
    store_commit(txn);
    fixture_check(store);
    store_close(store);
}

TEST(commits_that_wait_together_share_one_transaction)
{
    struct fixture f;
    fixture_init(&f, 1, 512);
    struct store_config config = fixture_config(&f);
    struct store *store = fixture_open(&config);
    uint64_t ops;

    for (int n = 1; n <= 20; n++)
        step(store, n);
    ops = f.disk.n_ops;
    CHECK_INT(store_flush(store), 0);
    CHECK(f.disk.n_ops > ops);
    CHECK_INT(store_stats(store).groups, 1);
    CHECK_INT(store_stats(store).commits, 20);
    CHECK_INT(standing(store), 20);
    store_close(store);
    store = fixture_open(&config);
    CHECK_INT(standing(store), 20);
    store_abandon(store);
    disk_fake_done(&f.disk);
}

/* Runs the workload on a disk that fails at operation `at`; false when it was never reached. */
static bool
run_with_fault(unsigned at, int err, bool on, unsigned sector)
{
    struct fixture f;
    fixture_init(&f, at, sector);
    struct store_config config = fixture_config(&f);
    struct store *store = NULL;
    char why[STORE_WHY_BYTES];
    int n = 0, acknowledged = 0, stands;
    bool reached, failed = false;

    config.journal_bytes = 3000; /* and so SQLite gets it in pieces, between */
    config.wal_bytes_checkpoint = 30000;
    disk_fake_fail_after(&f.disk, at, err, on);
    if (store_open(&store, &config, why) == 0) {
        while (n < 12 && !failed) {
            for (int i = n % 3; i >= 0; i--) /* groups of one, two and three */
                step(store, ++n);
            failed = store_flush(store) < 0;
            if (!failed)
                acknowledged = n;
            CHECK((store_failed(store) != NULL) == failed);
        }
        if (failed) { /* and it stays so, whatever the disk does now */
            disk_fake_fail_after(&f.disk, 0, 0, false);
            step(store, ++n);
            CHECK_INT(store_flush(store), -EIO);
            CHECK(store_durable_seq(store) < store_stats(store).commits);
        }
    } else {
        CHECK(why[0]);
    }
    reached = f.disk.n_ops >= at;
    disk_fake_fail_after(&f.disk, 0, 0, false);
    disk_fake_crash(&f.disk);
    store_abandon(store);

    store = fixture_open(&config);
    stands = standing(store);
    CHECK(stands >= acknowledged && stands <= n);
    step(store, stands + 1); /* and it goes on */
    CHECK_INT(store_flush(store), 0);
    CHECK_INT(standing(store), stands + 1);
    store_close(store);
    disk_fake_done(&f.disk);
    return reached;
}

TEST(whichever_disk_operation_fails_nothing_acknowledged_is_lost)
{
    unsigned n = 1;

    while (run_with_fault(n, n % 2 ? ENOSPC : EIO, n % 3 == 0, n % 5 ? 4096 : 512))
        n++;
    printf("%u operations failed, one at a time\n", n - 1);
    CHECK(n > 80);
}

TEST(a_crash_at_any_moment_keeps_what_was_acknowledged)
{
    for (unsigned seed = 1; seed <= 150; seed++) {
        struct fixture f;
        fixture_init(&f, seed, seed % 2 ? 512 : 4096);
        struct store_config config = fixture_config(&f);
        struct store *store = fixture_open(&config);
        int n = 0, acknowledged = 0;

        config.wal_bytes_checkpoint = seed % 4 ? 20000 : 0;
        config.journal_bytes = seed % 3 ? 3000 + seed * 50 : 0;
        for (int crash = 0; crash < 4; crash++) {
            /* The last of these operations fails, as that of a machine that loses power does. */
            disk_fake_fail_after(&f.disk, 1 + seed * 7 % 60 + (unsigned)crash * 11, EIO, true);
            while (!store_failed(store) && n < acknowledged + 40) {
                step(store, ++n);
                if ((n + (int)seed) % 3 && store_flush(store) == 0)
                    acknowledged = n;
            }
            disk_fake_fail_after(&f.disk, 0, 0, false);
            disk_fake_crash(&f.disk);
            store_abandon(store);
            store = fixture_open(&config);
            int stands = standing(store);
            CHECK(stands >= acknowledged && stands <= n);
            n = acknowledged = stands;
        }
        store_abandon(store);
        disk_fake_done(&f.disk);
    }
}

TEST(after_a_failure_no_waiter_is_called)
{
    struct fixture f;
    fixture_init(&f, 3, 512);
    struct store_config config = fixture_config(&f);
    struct store *store = fixture_open(&config);
    struct store_waiter waiter = {.fn = NULL}; /* a call would crash */

    disk_fake_fail_after(&f.disk, 1, ENOSPC, true);
    step(store, 1);
    store_wait(store, 1, &waiter);
    CHECK(!store_failed(store));
    CHECK_INT(store_flush(store), -EIO);
    CHECK(waiter.waiting);
    if (!strstr(store_failed(store), "data/journal.0 cannot be written: database or disk is full"))
        FAIL("%s", store_failed(store));
    store_close(store);
    disk_fake_done(&f.disk);
}

/* Whether operation `at` of a flush was the checkpoint's: it failed and the commit did not. */
static bool
checkpoint_failed_at(unsigned at)
{
    struct fixture f;
    fixture_init(&f, 3, 4096);
    struct store_config config = fixture_config(&f);
    config.journal_bytes = config.wal_bytes_checkpoint = 1; /* filed and copied at once */
    struct store *store = fixture_open(&config);
    uint64_t fails;
    bool failed;

    step(store, 1);
    CHECK_INT(store_flush(store), 0);
    disk_fake_fail_after(&f.disk, at, EIO, false);
    fails = f.disk.n_ops + at;
    step(store, 2);
    failed = store_flush(store) == 0 && f.disk.n_ops >= fails;
    if (failed) {
        disk_fake_fail_after(&f.disk, 0, 0, false);
        step(store, 3);
        CHECK_INT(store_flush(store), 0);
        disk_fake_crash(&f.disk);
    }
    store_abandon(store);
    if (failed) {
        store = fixture_open(&config);
        CHECK_INT(standing(store), 3);
        store_close(store);
    }
    disk_fake_done(&f.disk);
    return failed;
}

TEST(a_checkpoint_that_fails_loses_nothing)
{
    unsigned n = 0;

    for (unsigned at = 1; at <= 40; at++)
        n += checkpoint_failed_at(at);
    printf("%u operations of a checkpoint failed\n", n);
    CHECK(n >= 2);
}

/* The child: commits for ever, and says through the pipe what is durable. */
struct sayer {
    struct store_waiter waiter;
    int fd, n;
};

static void
say(struct store_waiter *w)
{
    struct sayer *s = CONTAINER_OF(w, struct sayer, waiter);

    if (write(s->fd, &s->n, sizeof(s->n)) != sizeof(s->n))
        _exit(3);
    free(s);
}

NORETURN static void
commit_until_killed(const struct store_config *config, int fd)
{
    struct store *store = fixture_open(config);
    int n = standing(store);

    for (;;) {
        struct pollfd wait = {.fd = store_poll_fd(store), .events = POLLIN};

        for (int i = n % 4; i >= 0; i--) {
            struct sayer *s = calloc(1, sizeof(*s));

            step(store, ++n);
            *s = (struct sayer){.waiter.fn = say, .fd = fd, .n = n};
            store_wait(store, store_stats(store).commits, &s->waiter);
        }
        poll(&wait, 1, -1);
        store_poll(store);
        arena_reset(test_arena());
    }
}

TEST(kill_9_at_any_moment_loses_nothing_that_was_acknowledged)
{
    struct store_config config = fixture_real(true);
    int most = 0;

    config.journal_bytes = 100000; /* all of it happens in a short life, too */
    config.wal_bytes_checkpoint = 200000;
    for (int round = 0; round < 20; round++) {
        int fds[2], n, acknowledged = 0;
        pid_t child;

        CHECK_INT(pipe(fds), 0);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            close(fds[0]);
            commit_until_killed(&config, fds[1]);
        }
        close(fds[1]);
        while (acknowledged < most + 20 + round * 17 &&
               read(fds[0], &n, sizeof(n)) == sizeof(n)) {
            if (n != acknowledged + 1 && acknowledged != 0)
                FAIL("round %d: %d came after %d", round, n, acknowledged);
            acknowledged = n;
        }
        kill(child, SIGKILL);
        while (read(fds[0], &n, sizeof(n)) == sizeof(n))
            acknowledged = n;
        close(fds[0]);
        waitpid(child, &n, 0);
        CHECK(WIFSIGNALED(n) && WTERMSIG(n) == SIGKILL);

        struct store *store = fixture_open(&config);
        n = standing(store);
        CHECK(n >= acknowledged && acknowledged > most);
        most = n;
        store_abandon(store);
    }
    printf("%d transactions in 20 lives\n", most);
}

TEST(somebody_may_read_the_database_while_the_daemon_writes)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    char *path = str_cstr(test_arena(), str_fmt(test_arena(), "%s/welkin.db", test_dir()));
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int n = 0;

    CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (int round = 0; round < 20; round++) {
        step(store, ++n);
        step(store, ++n);
        CHECK_INT(store_settle(store), 0);
        CHECK_INT(sqlite3_prepare_v2(db,
                                     "SELECT t.launched_ms, typeof(t.data), json_array_length("
                                     "(SELECT tags FROM st_thing WHERE id LIKE 'i-%')) "
                                     "FROM st_thing t WHERE t.id = 'counter'",
                                     -1, &stmt, NULL),
                  SQLITE_OK);
        CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
        CHECK_INT(sqlite3_column_int(stmt, 0), n);
        CHECK_STR(str_from((const char *)sqlite3_column_text(stmt, 1)), "blob");
        CHECK_INT(sqlite3_column_int(stmt, 2), 2);
        step(store, ++n); /* while the reader stands on its row */
        CHECK_INT(store_settle(store), 0);
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    CHECK_INT(standing(store), n);
    store_close(store);
}

static off_t
size_of(const char *name)
{
    char *path = str_cstr(test_arena(), str_fmt(test_arena(), "%s/%s", test_dir(), name));
    struct stat st;

    CHECK_INT(stat(path, &st), 0);
    return st.st_size;
}

TEST(a_steady_writer_does_not_let_the_logs_grow_for_ever)
{
    struct store_config config = fixture_real(true);
    config.journal_bytes = 128 << 10;
    config.wal_bytes_checkpoint = 128 << 10;
    struct store *store = fixture_open(&config);
    struct store_stats stats;

    for (int n = 1; n <= 1500; n++) {
        step(store, n);
        CHECK_INT(store_flush(store), 0);
        if (n % 100 == 0)
            arena_reset(test_arena());
    }
    stats = store_stats(store);
    printf("%llu groups were filed in %llu transactions, %llu checkpoints\n",
           (unsigned long long)stats.groups, (unsigned long long)stats.filings,
           (unsigned long long)stats.checkpoints);
    CHECK(stats.filings >= 4 && stats.checkpoints >= 2);
    CHECK(size_of("journal.0") < 1 << 20 && size_of("journal.1") < 1 << 20);
    CHECK(size_of("welkin.db-wal") < 16 << 20);
    CHECK_INT(standing(store), 1500);
    store_close(store);
}

TEST(the_journal_grows_by_pieces_and_a_restart_takes_its_zeroes_for_the_end)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    off_t before = 0, size;
    int grown = 0;

    for (int n = 1; n <= 100; n++) {
        step(store, n);
        CHECK_INT(store_flush(store), 0);
        size = size_of("journal.0");
        grown += size != before;
        before = size;
    }
    printf("the size changed %d times in 100 groups\n", grown);
    CHECK(grown >= 1 && grown <= 10);
    store_abandon(store); /* the journal stays as it is */
    store = fixture_open(&config);
    CHECK_INT(standing(store), 100);
    store_close(store);
}

TEST(a_database_that_another_program_locks_holds_nobody_up)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    char *path = str_cstr(test_arena(), str_fmt(test_arena(), "%s/welkin.db", test_dir()));
    sqlite3 *db = NULL;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int n = 1; n <= 50; n++)
        step(store, n);
    CHECK_INT(store_flush(store), 0);
    CHECK_INT(store_settle(store), -EBUSY);
    store_close(store); /* what the database lacks stays in the journal */
    sqlite3_close(db);
    store = fixture_open(&config);
    CHECK_INT(standing(store), 50);
    fixture_check(store);
    store_close(store);
}

TEST(the_journal_of_another_program_is_filed_with_the_tables_that_it_had)
{
    static const struct store_table *const turned[] = {&st_credential_table, &st_thing_table};
    struct fixture f;
    fixture_init(&f, 7, 512);
    struct store_config config = fixture_config(&f);
    struct store *store = fixture_open(&config);

    for (int n = 1; n <= 9; n++)
        step(store, n);
    CHECK_INT(store_flush(store), 0);
    for (int life = 0; life < 2; life++) {
        disk_fake_crash(&f.disk);
        store_abandon(store);
        config.tables = life ? fixture_tables : turned;
        store = fixture_open(&config);
        CHECK_INT(standing(store), 9 + life);
        step(store, 10 + life); /* into a journal with the tables in another order */
        CHECK_INT(store_flush(store), 0);
    }
    fixture_check(store);
    store_close(store);
    disk_fake_done(&f.disk);
}

TEST(the_queue_is_bounded_though_the_disk_is_slower)
{
    struct store_config config = fixture_real(true);
    config.queue_bytes_max = 64 << 10;
    struct store *store = fixture_open(&config);
    size_t most = 0;

    for (int n = 1; n <= 3000; n++) {
        step(store, n);
        most = MAX(most, store_stats(store).queued_bytes);
        if (n % 100 == 0)
            arena_reset(test_arena());
    }
    printf("at most %zu KiB were queued\n", most >> 10);
    CHECK(most <= (size_t)(2 * 4 + 1) * (64 << 10)); /* one batch filling, one with the disk */
    CHECK_INT(standing(store), 3000);
    store_close(store);
}

enum { TURNS = 40, COMMITS_A_TURN = 10 };

struct turner {
    struct loop_task task;
    struct loop *loop;
    struct store *store;
    struct store_waiter waiters[TURNS * COMMITS_A_TURN];
    int n, answered;
};

static struct turner turner;

static void
answer(struct store_waiter *w)
{
    CHECK(w == &turner.waiters[turner.answered]); /* in order */
    if (++turner.answered == TURNS * COMMITS_A_TURN)
        loop_stop(turner.loop);
    else if (turner.answered == turner.n)
        loop_defer(turner.loop, &turner.task);
}

static void
write_a_turn(struct loop_task *task)
{
    (void)task;
    for (int i = 0; i < COMMITS_A_TURN; i++) {
        struct store_waiter *w = &turner.waiters[turner.n];

        step(turner.store, ++turner.n);
        w->fn = answer;
        store_wait(turner.store, store_stats(turner.store).commits, w);
    }
}

TEST(on_the_loop_all_commits_of_a_turn_share_one_sync)
{
    struct store_config config = fixture_real(true);
    struct store *store = fixture_open(&config);
    struct loop *loop;

    CHECK_INT(loop_new(&loop, env_real(), true), 0);
    CHECK_INT(store_attach(store, loop), 0);
    turner = (struct turner){.task.fn = write_a_turn, .loop = loop, .store = store};
    loop_defer(loop, &turner.task);
    CHECK_INT(loop_run(loop), 0);
    CHECK_INT(turner.answered, TURNS * COMMITS_A_TURN);
    CHECK_INT(store_stats(store).groups, TURNS);
    CHECK_INT(standing(store), turner.n);
    store_close(store);
    loop_free(loop);
}

TEST(without_a_thread_the_loop_flushes_at_the_end_of_a_turn)
{
    struct fixture f;
    fixture_init(&f, 5, 512);
    struct store_config config = fixture_config(&f);
    struct store *store = fixture_open(&config);
    struct loop *loop;
    int64_t due;

    CHECK_INT(loop_new(&loop, &f.env.env, false), 0);
    CHECK_INT(store_attach(store, loop), 0);
    step(store, 1);
    CHECK_INT(store_durable_seq(store), 0);
    CHECK(!loop_run_timers(loop, INT64_MAX, &due));
    CHECK_INT(store_durable_seq(store), 1);
    store_close(store);
    loop_free(loop);
    disk_fake_done(&f.disk);
}
