/*
 * From memory to disk: the queue, the committer, checkpoints.
 *
 * The loop appends records to the batch that is being filled.  The committer takes the whole batch
 * and makes it one SQLite transaction, and the next one fills meanwhile: the longer the disk takes,
 * the more commits share a sync.  Invariants:
 *
 *   1. A batch holds whole commits only, and batches are taken in order: what is on disk is always
 *      the state after some commit.
 *   2. durable_seq grows only after SQLite's COMMIT answered OK with synchronous=FULL.
 *   3. After the first failure nothing is taken any more.  SQLite may or may not have kept the
 *      batch that failed; nobody was told that it did.
 *
 * Checkpoints copy the log (WAL) into the database.  Inside a commit they were the p99, so another
 * thread makes them through a connection of its own, when the log has grown or nobody writes.  A
 * log starts anew only when all of it was copied, which a steady writer prevents for ever; so past
 * four times the size, when little is left, the committer copies the rest between two groups.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "store/internal.h"

enum {
    PAGE_BYTES = 4096,
    FINISH_PAGES_MAX = 256,     /* that the committer copies itself */
    IDLE_MS = 1000,             /* without commits, before the rest of the log is copied */
    BATCH_BYTES_MAX = 1 << 30,  /* never reached: see STORE_TXN_BYTES_MAX and wait_for_room() */
    BATCH_KEEP_BYTES = 1 << 20, /* memory that an empty batch keeps */
};

static void
signal_fd(int fd)
{
    ssize_t n = write(fd, &(uint64_t){1}, sizeof(uint64_t));

    assert(fd >= 0);
    assert(n == sizeof(uint64_t) || errno == EAGAIN);
    (void)n;
}

static void
drain_fd(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));

    assert(fd >= 0);
    assert(n == sizeof(count) || errno == EAGAIN);
    (void)n;
}

void
commit_drain_event(struct store *store)
{
    if (store->event_fd >= 0)
        drain_fd(store->event_fd);
}

/* Under the mutex. */
static void fail(struct store *store, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void
fail(struct store *store, const char *fmt, ...)
{
    va_list ap;

    if (!store->has_failed) {
        va_start(ap, fmt);
        vsnprintf(store->failed, sizeof(store->failed), fmt, ap);
        va_end(ap);
        store->has_failed = true;
        log_error("store: %s", store->failed);
    }
    pthread_cond_broadcast(&store->done);
    if (store->event_fd >= 0)
        signal_fd(store->event_fd);
}

const char *
store_failed(struct store *store)
{
    const char *why;

    pthread_mutex_lock(&store->mutex);
    why = store->has_failed ? store->failed : NULL; /* written once, so safe to read later */
    pthread_mutex_unlock(&store->mutex);
    return why;
}

uint64_t
store_durable_seq(struct store *store)
{
    uint64_t seq;

    pthread_mutex_lock(&store->mutex);
    seq = store->durable_seq;
    pthread_mutex_unlock(&store->mutex);
    return seq;
}

static size_t
queued(const struct store *store)
{
    return store->filling.records.n + store->taken.records.n;
}

/* What a later record of the same row makes needless is skipped by the committer. */
static void
mark_dead(struct store *store, const struct version *old)
{
    assert(!old || old->row_id > 0);
    if (old && old->batch == store->filling.number) {
        assert(old->at + sizeof(struct record) <= store->filling.records.n);
        store->filling.records.p[old->at + offsetof(struct record, dead)] = 1;
    }
}

static bool
append_records(struct store *store, const struct txn *txn)
{
    struct buf *b = &store->filling.records;

    assert(txn->ending && txn->n_steps > 0);
    for (size_t i = 0; i < txn->n_steps; i++) {
        const struct step *s = &txn->steps[i];

        if (s->root != i || (!s->old && !s->final))
            continue;
        mark_dead(store, s->old);
        if (!s->final) {
            record_delete(b, s->table, s->old->row_id);
            continue;
        }
        s->final->batch = store->filling.number;
        s->final->at = (uint32_t)b->n;
        if (!record_put(b, s->table, s->final, &store->seal, store->env))
            return false;
    }
    return !buf_failed(b);
}

/* Under the mutex: what was put into the queue may go to the disk. */
static void
end_turn(struct store *store)
{
    store->turn_open = false;
    if (store->threaded)
        pthread_cond_signal(&store->work);
}

/* Writers that are faster than the disk wait for it. */
static void
wait_for_room(struct store *store)
{
    while (store->threaded && !store->has_failed &&
           store->filling.records.n > 4 * store->queue_bytes_max) {
        end_turn(store);
        pthread_cond_wait(&store->done, &store->mutex);
    }
}

void
commit_append(struct store *store, const struct txn *txn)
{
    pthread_mutex_lock(&store->mutex);
    assert(txn->ending && store->seq > store->filling.last_seq);
    wait_for_room(store);
    if (!store->has_failed) {
        if (!append_records(store, txn))
            fail(store, "a commit could not be queued: sealing failed or no memory");
        store->filling.last_seq = store->seq;
        store->filling.n_commits++;
        store->turn_open = store->hold;
        if (store->idle) { /* it takes a while to wake up: it does so while the turn goes on */
            store->idle = false;
            pthread_cond_signal(&store->work);
        }
    }
    pthread_mutex_unlock(&store->mutex);
}

void
store_hold(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->hold = true;
    pthread_mutex_unlock(&store->mutex);
}

void
store_kick(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    if (store->turn_open)
        end_turn(store);
    pthread_mutex_unlock(&store->mutex);
}

/* The statement of a table, prepared when first used. */
static int
statement(struct store *store, sqlite3_stmt **stmts, unsigned table, const char *sql,
          sqlite3_stmt **ret)
{
    int rc = SQLITE_OK;

    assert(table < store->n_tables);
    if (!stmts[table])
        rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmts[table],
                                NULL);
    if (rc == SQLITE_OK)
        *ret = stmts[table];
    return rc;
}

static int
run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt), rc2 = sqlite3_reset(stmt);

    assert(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc2 != SQLITE_OK ? rc2 : SQLITE_INTERNAL;
}

static int
apply_record(struct store *store, const struct record *head, struct str columns)
{
    const struct store_table *t = store->tables[head->table].desc;
    bool put = head->kind == RECORD_PUT;
    sqlite3_stmt *stmt = NULL;
    int rc;

    assert(head->kind == RECORD_PUT || head->kind == RECORD_DELETE);
    assert(head->row_id > 0);
    rc = statement(store, put ? store->put : store->delete, head->table,
                   put ? t->sql_put : t->sql_delete, &stmt);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 1, head->row_id);
    if (rc == SQLITE_OK && put)
        rc = record_bind(t, columns, stmt);
    return rc == SQLITE_OK ? run(stmt) : rc;
}

static int
apply_batch(struct store *store, const struct batch *batch)
{
    struct str all = buf_str(&batch->records);
    int rc = SQLITE_OK;

    assert(batch->n_commits > 0);
    for (size_t at = 0; at < all.n && rc == SQLITE_OK;) {
        struct record head;

        assert(all.n - at >= sizeof(head));
        memcpy(&head, all.p + at, sizeof(head));
        assert(head.bytes >= sizeof(head) && head.bytes <= all.n - at);
        assert(head.table < store->n_tables);
        if (!head.dead)
            rc = apply_record(store, &head, str_cut(all, at + sizeof(head), at + head.bytes));
        at += head.bytes;
    }
    return rc;
}

static uint64_t
uncopied_pages(const struct store *store)
{
    return store->wal_pages - MIN(store->checkpointed_pages, store->wal_pages);
}

static bool
checkpoint_due(const struct store *store)
{
    return uncopied_pages(store) * PAGE_BYTES > store->wal_bytes_checkpoint;
}

/* Little is left of a log that is far too long: see the head of this file. */
static bool
finish_due(const struct store *store)
{
    assert(!store->has_failed);
    return !store->checkpointing && uncopied_pages(store) > 0 &&
           store->wal_pages * PAGE_BYTES > 4 * store->wal_bytes_checkpoint &&
           uncopied_pages(store) <= FINISH_PAGES_MAX;
}

/*
 * Copies what readers allow; called without the mutex.  A failure loses nothing, since the log
 * keeps what was not copied: a disk that stays bad will fail a commit.
 */
static void
checkpoint(struct store *store, sqlite3 *db)
{
    int n_log = -1, n_copied = -1;
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_copied);

    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        log_warn("store: checkpoint failed: %s", sqlite3_errmsg(db));
    pthread_mutex_lock(&store->mutex);
    if (rc == SQLITE_OK && n_copied >= 0) /* of a log that began anew meanwhile: nothing */
        store->checkpointed_pages = (uint64_t)n_log <= store->wal_pages ? (uint64_t)n_copied : 0;
    store->checkpoints++;
    pthread_mutex_unlock(&store->mutex);
}

/* Swaps the batches; the mutex is held. */
static void
take_batch(struct store *store)
{
    struct batch batch = store->filling;

    assert(store->filling.n_commits > 0);
    assert(store->taken.n_commits == 0);
    assert(store->taken.records.n == 0);
    store->filling = store->taken;
    store->filling.number = batch.number + 1;
    store->filling.n_commits = 0;
    store->taken = batch;
}

static void
recycle_batch(struct store *store)
{
    buf_reset(&store->taken.records);
    if (store->taken.records.cap > BATCH_KEEP_BYTES)
        buf_done(&store->taken.records);
    store->taken.n_commits = 0;
}

/*
 * Applies what is queued, and what is queued meanwhile until the turn of the loop is over, within
 * one transaction.  The mutex is held before and after.
 */
static int
apply_turn(struct store *store, uint64_t *ret_seq)
{
    size_t bytes = 0;
    int rc = SQLITE_OK;
    bool begun = false, more;

    do {
        take_batch(store);
        pthread_mutex_unlock(&store->mutex);
        if (!begun)
            rc = run(store->begin);
        begun = true;
        if (rc == SQLITE_OK)
            rc = apply_batch(store, &store->taken);
        pthread_mutex_lock(&store->mutex);
        *ret_seq = store->taken.last_seq;
        bytes += store->taken.records.n;
        recycle_batch(store);
        while (!store->filling.n_commits && store->turn_open && !store->stop && rc == SQLITE_OK)
            pthread_cond_wait(&store->work, &store->mutex);
        more = store->filling.n_commits > 0 && !store->has_failed;
    } while (more && rc == SQLITE_OK && bytes < store->queue_bytes_max);
    return rc;
}

/* Makes one SQLite transaction of what waits.  The mutex is held before and after. */
static void
commit_group(struct store *store)
{
    bool was_clean = uncopied_pages(store) == 0, wake;
    uint64_t seq = 0;
    int rc;

    assert(store->filling.n_commits > 0 && !store->has_failed);
    if (finish_due(store)) {
        pthread_mutex_unlock(&store->mutex);
        checkpoint(store, store->db);
        pthread_mutex_lock(&store->mutex);
    }
    rc = apply_turn(store, &seq);
    pthread_mutex_unlock(&store->mutex);
    if (rc == SQLITE_OK)
        rc = run(store->commit);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);

    pthread_mutex_lock(&store->mutex);
    if (rc == SQLITE_OK) {
        store->durable_seq = seq;
        store->groups++;
        if (store->hook_pages < store->wal_pages)
            store->checkpointed_pages = 0; /* the log began anew */
        store->wal_pages = store->hook_pages;
    } else {
        fail(store, "%s cannot be written: %s", store->path, sqlite3_errstr(rc));
    }
    wake = store->threaded && !store->checkpointing && (was_clean || checkpoint_due(store));
    pthread_cond_broadcast(&store->done);
    if (store->event_fd >= 0)
        signal_fd(store->event_fd);
    if (wake)
        signal_fd(store->checkpoint_fd);
}

static void *
committer_main(void *arg)
{
    struct store *store = arg;

    pthread_mutex_lock(&store->mutex);
    for (;;) {
        while (!store->filling.n_commits && !store->stop) {
            store->idle = true;
            pthread_cond_wait(&store->work, &store->mutex);
            store->idle = false;
        }
        if (store->abandon || store->has_failed || !store->filling.n_commits)
            break;
        commit_group(store);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static void *
checkpointer_main(void *arg)
{
    struct store *store = arg;
    struct pollfd wait = {.fd = store->checkpoint_fd, .events = POLLIN};
    uint64_t groups = 0;
    sqlite3 *db = NULL;
    bool idle, go;

    if (db_open(store, &db) < 0)
        log_warn("store: no second connection: the log is copied at the end only");
    pthread_mutex_lock(&store->mutex);
    while (!store->stop) {
        int timeout = uncopied_pages(store) ? IDLE_MS : -1;

        pthread_mutex_unlock(&store->mutex);
        idle = poll(&wait, 1, timeout) == 0;
        drain_fd(store->checkpoint_fd);
        pthread_mutex_lock(&store->mutex);
        go = checkpoint_due(store) || (idle && groups == store->groups && uncopied_pages(store));
        groups = store->groups;
        if (!go || store->stop || !db)
            continue;
        store->checkpointing = true;
        pthread_mutex_unlock(&store->mutex);
        checkpoint(store, db);
        pthread_mutex_lock(&store->mutex);
        store->checkpointing = false;
    }
    pthread_mutex_unlock(&store->mutex);
    sqlite3_close(db);
    return NULL;
}

static int
note_pages(void *arg, sqlite3 *db, const char *name, int n_pages)
{
    assert(n_pages >= 0);
    (void)db;
    (void)name;
    ((struct store *)arg)->hook_pages = (uint64_t)n_pages;
    return SQLITE_OK;
}

static int
start_threads(struct store *store)
{
    sigset_t all, old;
    int r;

    store->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    store->checkpoint_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->event_fd < 0 || store->checkpoint_fd < 0)
        return error_origin(errno, "eventfd for the store");
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    store->threaded = true;
    r = pthread_create(&store->committer, NULL, committer_main, store);
    if (r == 0) {
        r = pthread_create(&store->checkpointer, NULL, checkpointer_main, store);
        if (r != 0) {
            pthread_mutex_lock(&store->mutex);
            store->stop = true;
            pthread_cond_signal(&store->work);
            pthread_mutex_unlock(&store->mutex);
            pthread_join(store->committer, NULL);
        }
    }
    store->threaded = r == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r ? error_origin(r, "threads of the store") : 0;
}

int
commit_start(struct store *store, bool thread)
{
    if (sqlite3_prepare_v3(store->db, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT,
                           &store->begin, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(store->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &store->commit,
                           NULL) != SQLITE_OK)
        return error_origin(EIO, "prepare: %s", sqlite3_errmsg(store->db));
    store->put = store_alloc(store->n_tables * sizeof(*store->put));
    store->delete = store_alloc(store->n_tables * sizeof(*store->delete));
    memset(store->put, 0, store->n_tables * sizeof(*store->put));
    memset(store->delete, 0, store->n_tables * sizeof(*store->delete));
    buf_init(&store->filling.records, BATCH_BYTES_MAX);
    buf_init(&store->taken.records, BATCH_BYTES_MAX);
    store->filling.number = 1;
    /* This replaces SQLite's own checkpoints, which would run inside a commit. */
    sqlite3_wal_hook(store->db, note_pages, store);
    return thread ? start_threads(store) : 0;
}

void
commit_stop(struct store *store, bool abandon)
{
    if (store->threaded) {
        pthread_mutex_lock(&store->mutex);
        store->stop = true;
        store->abandon = abandon;
        pthread_cond_signal(&store->work);
        signal_fd(store->checkpoint_fd);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->committer, NULL);
        pthread_join(store->checkpointer, NULL);
        store->threaded = false;
    }
    for (size_t i = 0; i < store->n_tables; i++) {
        if (store->put)
            sqlite3_finalize(store->put[i]);
        if (store->delete)
            sqlite3_finalize(store->delete[i]);
    }
    free(store->put);
    free(store->delete);
    sqlite3_finalize(store->begin);
    sqlite3_finalize(store->commit);
    buf_done(&store->filling.records);
    buf_done(&store->taken.records);
    if (store->event_fd >= 0)
        close(store->event_fd);
    if (store->checkpoint_fd >= 0)
        close(store->checkpoint_fd);
}

int
store_flush(struct store *store)
{
    bool failed;

    pthread_mutex_lock(&store->mutex);
    while (store->durable_seq < store->seq && !store->has_failed) {
        end_turn(store);
        if (store->threaded) {
            pthread_cond_wait(&store->done, &store->mutex);
        } else {
            commit_group(store);
        }
    }
    failed = store->has_failed;
    pthread_mutex_unlock(&store->mutex);
    if (!store->threaded && !failed && checkpoint_due(store))
        checkpoint(store, store->db);
    store_poll(store);
    return failed ? -EIO : 0;
}

int
store_poll_fd(struct store *store)
{
    return store->event_fd;
}

struct store_stats
store_stats(struct store *store)
{
    struct store_stats s;

    pthread_mutex_lock(&store->mutex);
    s = (struct store_stats){
        .rows = store->n_rows,
        .row_bytes = store->row_bytes,
        .queued_bytes = queued(store),
        .queued_commits = store->filling.n_commits + store->taken.n_commits,
        .commits = store->seq,
        .groups = store->groups,
        .wal_pages = store->wal_pages,
        .checkpoints = store->checkpoints,
    };
    pthread_mutex_unlock(&store->mutex);
    return s;
}
