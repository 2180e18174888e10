/*
 * From memory to disk: the queue, the committer, the filer.
 *
 * The loop appends records to the batch that is being filled.  The committer takes the whole batch
 * and makes it one group of the journal, with one sync, and the next one fills meanwhile: the
 * longer the disk takes, the more commits share a sync.  The filer brings into SQLite what is in
 * the journal, some times a second or when a good part of it is full.  Invariants:
 *
 *   1. A batch holds whole commits only, and batches are taken in order: what is on disk is always
 *      the state after some commit.
 *   2. durable_seq grows only after the group was synced.
 *   3. A file of the journal is written anew only after SQLite has made durable what is in it.
 *   4. After the first failure nothing is taken any more.  The disk may or may not have kept the
 *      batch that failed; nobody was told that it did.
 *
 * SQLite alone would be durable too, but each sync would carry all pages that its commits touched,
 * and its checkpoints would stand in their way.
 */
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
    FILE_MS = 250,              /* how far SQLite is behind the journal at most, when it can */
    BUSY_MS = 1000,             /* for another program's transaction, before it is tried again */
    IDLE_MS = 1000,             /* without commits, before the rest of SQLite's log is copied */
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

static bool
append_records(struct store *store, const struct txn *txn)
{
    static const char place_of_head[JOURNAL_HEAD_BYTES];
    struct buf *b = &store->filling.records;

    assert(txn->ending && txn->n_steps > 0);
    if (!b->n)
        buf_add(b, place_of_head, sizeof(place_of_head));
    for (size_t i = 0; i < txn->n_steps; i++) {
        const struct step *s = &txn->steps[i];

        if (s->root != i || (!s->old && !s->final))
            continue;
        if (!s->final) {
            record_delete(b, s->table, s->old->row_id);
            continue;
        }
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
        if (!store->turn_open && store->threaded)
            pthread_cond_signal(&store->work);
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

/* Swaps the batches; the mutex is held. */
static void
take_batch(struct store *store)
{
    struct batch batch = store->filling;

    assert(store->filling.n_commits > 0);
    assert(store->taken.n_commits == 0);
    assert(store->taken.records.n == 0);
    store->filling = store->taken;
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

/* Whether SQLite lacks what the journal has. */
static bool
is_behind(const struct store *store)
{
    assert(store->filed_number <= store->unfiled_number);
    return store->filed_number < store->unfiled_number;
}

/* The records of a group wait for the filer. */
static void
keep_for_filer(struct store *store, uint64_t number)
{
    struct str all = buf_str(&store->taken.records);

    assert(number > store->unfiled_number);
    if (!is_behind(store))
        pthread_cond_signal(&store->file_work);
    buf_add_str(&store->unfiled, str_cut(all, JOURNAL_HEAD_BYTES, all.n));
    store->unfiled_number = number;
    if (buf_failed(&store->unfiled)) /* what is durable is in the journal: a restart files it */
        fail(store, "no memory for what is to be filed");
}

static bool
file_due(const struct store *store)
{
    return is_behind(store) &&
           (store->settling || store->journal_full || store->unfiled.n >= store->journal_bytes / 2);
}

/* Whether the journal takes a group.  Asked by whoever writes it. */
static bool
has_room(struct store *store)
{
    store->journal_full = !journal_ready(store->journal, store->filed_number);
    if (file_due(store))
        pthread_cond_signal(&store->file_work);
    return !store->journal_full;
}

/* Makes one group of what waits.  The mutex is held before and after. */
static void
commit_group(struct store *store)
{
    uint64_t number = 0;
    int rc;

    assert(store->filling.n_commits > 0 && !store->has_failed);
    take_batch(store);
    pthread_mutex_unlock(&store->mutex);
    rc = journal_write(store->journal, &store->taken.records, &number);
    pthread_mutex_lock(&store->mutex);
    if (rc == SQLITE_OK) {
        store->durable_seq = store->taken.last_seq;
        store->groups++;
        keep_for_filer(store, number);
    } else {
        fail(store, "%s cannot be written: %s", journal_path(store->journal), sqlite3_errstr(rc));
    }
    recycle_batch(store);
    pthread_cond_broadcast(&store->done);
    if (store->event_fd >= 0)
        signal_fd(store->event_fd);
}

static void *
committer_main(void *arg)
{
    struct store *store = arg;

    pthread_mutex_lock(&store->mutex);
    while (!store->stop && !store->has_failed) {
        if (!has_room(store) || !store->filling.n_commits || store->turn_open)
            pthread_cond_wait(&store->work, &store->mutex);
        else
            commit_group(store);
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

/* ---- the filer ---- */

static int
file_records(struct filer *f, struct buf *records, uint64_t number)
{
    int rc;

    assert(number > 0);
    filer_thin_out(records);
    rc = filer_begin(f);
    if (rc == SQLITE_OK)
        rc = filer_file(f, buf_str(records));
    if (rc == SQLITE_OK)
        rc = filer_commit(f, number);
    if (rc != SQLITE_OK)
        filer_rollback(f);
    return rc;
}

static bool
checkpoint_due(const struct store *store)
{
    return store->filer.wal_pages * PAGE_BYTES > store->wal_bytes_checkpoint;
}

/* Somebody holds the database, a shell with an open transaction perhaps: it is tried again later,
 * and the journal fills meanwhile. */
static void
put_back(struct store *store, struct buf *records)
{
    assert(is_behind(store));
    log_warn("%s is locked by another program: what is new waits in the journal", store->path);
    buf_add_str(records, buf_str(&store->unfiled));
    buf_done(&store->unfiled);
    store->unfiled = *records;
    store->settling = false;
    if (buf_failed(records))
        fail(store, "no memory for what is to be filed");
}

/* Files what waits.  The mutex is held before and after. */
static void
file_some(struct store *store)
{
    struct buf records = store->unfiled;
    uint64_t number = store->unfiled_number;
    bool copy;
    int rc;

    assert(is_behind(store));
    buf_init(&store->unfiled, BATCH_BYTES_MAX);
    pthread_mutex_unlock(&store->mutex);
    rc = file_records(&store->filer, &records, number);
    copy = rc == SQLITE_OK && checkpoint_due(store);
    if (copy)
        filer_checkpoint(&store->filer);
    pthread_mutex_lock(&store->mutex);
    store->checkpoints += copy;
    if ((rc & 0xff) == SQLITE_BUSY) {
        put_back(store, &records);
    } else if (rc != SQLITE_OK) {
        fail(store, "%s cannot be written: %s", store->path, sqlite3_errstr(rc));
        buf_done(&records);
    } else {
        store->filed_number = number;
        store->filings++;
        buf_done(&records);
    }
    pthread_cond_broadcast(&store->done);
    pthread_cond_signal(&store->work);
}

/* Copies the rest of SQLite's log: nobody has written for a while. */
static void
copy_rest(struct store *store)
{
    assert(!is_behind(store));
    pthread_mutex_unlock(&store->mutex);
    filer_checkpoint(&store->filer);
    pthread_mutex_lock(&store->mutex);
    store->checkpoints++;
}

/* Sleeps until there is work for the filer or `ms` have passed; whether they have. */
static bool
sleep_ms(struct store *store, unsigned ms)
{
    struct timespec until;

    assert(ms > 0);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_cond_timedwait(&store->file_work, &store->mutex, &until) == ETIMEDOUT;
}

static void *
filer_main(void *arg)
{
    struct store *store = arg;

    pthread_mutex_lock(&store->mutex);
    while (!store->stop && !store->has_failed) {
        if (is_behind(store)) {
            if (file_due(store) || sleep_ms(store, FILE_MS))
                file_some(store);
        } else if (store->filer.wal_pages) {
            if (sleep_ms(store, IDLE_MS) && !is_behind(store))
                copy_rest(store);
        } else {
            pthread_cond_wait(&store->file_work, &store->mutex);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static int
start_threads(struct store *store)
{
    sigset_t all, old;
    int r;

    store->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->event_fd < 0)
        return error_origin(errno, "eventfd for the store");
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    store->threaded = true;
    r = pthread_create(&store->committer, NULL, committer_main, store);
    if (r == 0) {
        r = pthread_create(&store->filing_thread, NULL, filer_main, store);
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
    assert(store->journal && store->filer.tables);
    buf_init(&store->filling.records, BATCH_BYTES_MAX);
    buf_init(&store->taken.records, BATCH_BYTES_MAX);
    buf_init(&store->unfiled, BATCH_BYTES_MAX);
    filer_own_checkpoints(&store->filer);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    return thread ? start_threads(store) : 0;
}

void
commit_stop(struct store *store)
{
    if (store->threaded) {
        pthread_mutex_lock(&store->mutex);
        store->stop = true;
        pthread_cond_signal(&store->work);
        pthread_cond_signal(&store->file_work);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->committer, NULL);
        pthread_join(store->filing_thread, NULL);
        store->threaded = false;
    }
    buf_done(&store->filling.records);
    buf_done(&store->taken.records);
    buf_done(&store->unfiled);
    if (store->event_fd >= 0)
        close(store->event_fd);
}

/* Without threads: what the filer would do by now.  Under the mutex. */
static void
file_inline(struct store *store)
{
    assert(!store->threaded);
    if (!store->has_failed && (!has_room(store) || file_due(store)))
        file_some(store);
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
            file_inline(store);
        }
    }
    failed = store->has_failed;
    pthread_mutex_unlock(&store->mutex);
    store_poll(store);
    return failed ? -EIO : 0;
}

int
store_settle(struct store *store)
{
    int r = store_flush(store);

    pthread_mutex_lock(&store->mutex);
    store->settling = true;
    while (r == 0 && store->settling && is_behind(store)) {
        if (store->threaded) {
            pthread_cond_signal(&store->file_work);
            pthread_cond_wait(&store->done, &store->mutex);
        } else {
            file_inline(store);
        }
        r = store->has_failed ? -EIO : 0;
    }
    if (r == 0 && !store->settling)
        r = -EBUSY;
    store->settling = false;
    pthread_mutex_unlock(&store->mutex);
    return r;
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
        .filings = store->filings,
        .checkpoints = store->checkpoints,
    };
    pthread_mutex_unlock(&store->mutex);
    return s;
}
