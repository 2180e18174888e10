/*
 * The store: tables of typed rows in memory, durable through a journal and one SQLite database.
 *
 * Tables are declared in .tbl files (docs/tables.md); tools/tblgen makes from FILE.tbl
 * "gen/store/FILE_rows.h" with, for a table `instance` that has an index `by_owner`:
 *
 *   struct instance_row {…};                         const struct store_table instance_table;
 *   instance_get(txn, id)                            the row, or NULL
 *   instance_insert(txn, &row)                       0, -EEXIST, -E2BIG
 *   instance_update(txn, &row)                       0, -ENOENT, -EEXIST, -E2BIG
 *   instance_delete(txn, id)                         0, -ENOENT
 *   STORE_EACH(txn, instance_by_owner, row, account) rows of that account, in order
 *   STORE_EACH(txn, instance_by_key, row)            all rows, in order of the key
 *   instance_by_token_get(txn, account, token)       the row of a unique index, or NULL
 *
 * Rows.  A row is an immutable copy in one allocation.  To change one, copy the struct, set
 * members, and update; the slices may point anywhere, also into the old row:
 *
 *   struct instance_row new = *row;
 *   new.state = INSTANCE_STOPPED;
 *   r = instance_update(txn, &new);
 *
 * A row that was read stays valid until its transaction ends, even when it is updated or deleted
 * meanwhile.  Text is never absent in a row: an empty slice has p != NULL.  An empty list has
 * v == NULL.
 *
 * Transactions.  One is open at a time; everything runs on the thread of the loop.  Reads see the
 * transaction's own writes.  One that only reads allocates nothing.
 *
 * Durability.  store_commit() applies to memory at once and answers a sequence number.  A
 * committer thread takes all commits that wait and appends them to the journal with one sync; then
 * store_wait() calls back.  A second thread files them into SQLite soon after.  Commits become
 * durable in order, all or nothing.  When the disk refuses, nothing is acknowledged any more:
 * store_failed() has a sentence, the daemon exits, and a restart finds all that was acknowledged.
 *
 * Not durable is also what the transaction has *seen* of commits still on their way, so an answer
 * waits for the number of the newest commit, whether the call itself wrote or not.
 */
#pragma once

#include "base/base.h"
#include "base/str.h"
#include "sys/env.h"

struct loop;
struct sqlite3;
struct store;
struct txn;

enum {
    STORE_WHY_BYTES = 512,        /* sentences of store_open() and store_integrity_check() */
    STORE_ROOT_KEY_BYTES = 32,
    STORE_COLUMNS_MAX = 96,       /* of a table */
    STORE_INDEX_COLUMNS_MAX = 6,
    STORE_ROW_BYTES_MAX = 4 << 20, /* struct, lists and text of one row */
    STORE_TXN_BYTES_MAX = 64 << 20,
};

/* What tblgen writes. */

enum store_type {
    STORE_STR,    /* struct str: text of any bytes */
    STORE_INT,    /* int64_t */
    STORE_BOOL,   /* bool */
    STORE_STRS,   /* struct str_list; on disk a JSON array of strings */
    STORE_BLOB,   /* struct str: bytes */
    STORE_SECRET, /* struct str: text that lies on disk only as AES-256-GCM under the root key */
};

struct store_column {
    const char *name;
    enum store_type type;
    unsigned offset;     /* in the row struct */
    const char *sql_add; /* ALTER TABLE … ADD COLUMN … */
};

struct store_index {
    const char *name;
    const struct store_table *table;
    unsigned number;       /* place in table->indexes */
    bool unique;           /* rows with an empty last column are left out */
    unsigned n_columns;
    uint8_t columns[STORE_INDEX_COLUMNS_MAX + 1]; /* the key comes last when it is not among them */
    unsigned n_sorted;     /* n_columns, or one more with the key */
};

struct store_table {
    const char *name;
    int version;
    unsigned key; /* which column */
    unsigned n_columns;
    const struct store_column *columns;
    unsigned n_indexes;
    const struct store_index *const *indexes;
    size_t row_bytes; /* sizeof the row struct */
    bool has_secrets;
    const char *sql_create, *sql_put, *sql_delete, *sql_load;
};

/* Opening. */

/*
 * Brings a table from version `from` to from + 1 inside the transaction that opens the database.
 * Only for what ALTER TABLE … ADD COLUMN with a default cannot do; new columns need none.
 */
struct store_migration {
    const char *table;
    int from;
    int (*fn)(struct sqlite3 *db); /* 0 or an SQLite result code */
};

struct store_config {
    struct env *env;
    /* Made with mode 0700 when absent; holds welkin.db, journal.0 and .1, welkin.lock, root.key. */
    const char *dir;
    const struct store_table *const *tables; /* "gen/store/tables.h" has all */
    size_t n_tables;
    /*
     * false: no thread; commits queue until store_flush(), and the database is opened for this
     * process alone.  For the simulation and for tools.
     */
    bool thread;
    size_t queue_bytes_max;        /* 0: 8 MiB; past four times as much store_commit() waits */
    size_t journal_bytes;          /* 0: 8 MiB; of each of the two files of the journal */
    size_t wal_bytes_checkpoint;   /* 0: 4 MiB; when SQLite's log is copied into the database */
    const uint8_t *root_key;       /* STORE_ROOT_KEY_BYTES; NULL: DIR/root.key, made when absent */
    const struct store_migration *migrations; /* NULL: the built-in ones; ends with table NULL */
};

/*
 * Opens or makes the database, brings its tables up to date and loads all rows.  With env->vfs set
 * (a fake disk) neither lock nor key file is touched; root_key must be given then when a table has
 * secrets.  Answers 0 or -errno; on failure `why` holds a sentence for the operator.
 * -EBUSY: another daemon has it.  -EPROTO: written by a newer Welkin, or not ours.
 * -ENOKEY: root.key is missing or is not the one that sealed the secrets.
 */
int store_open(struct store **ret, const struct store_config *config, char why[STORE_WHY_BYTES]);

/* Makes all commits durable, then closes.  No transaction may be open.  Takes NULL. */
struct store *store_close(struct store *store);

/* Closes and forgets what was not durable, as a crash would.  For tests and the simulation. */
struct store *store_abandon(struct store *store);

/* Transactions. */

struct txn *store_begin(struct store *store);

/*
 * Ends the transaction and answers the number to wait for: that of this commit or, when it changed
 * nothing, of the newest one (0 when there was none yet).  Calls the watches.
 */
uint64_t store_commit(struct txn *txn);
void store_rollback(struct txn *txn);

/* Whether anything was changed so far. */
bool store_changed(const struct txn *txn);

/* A mark, and taking back what was changed since.  Rows read in between stay valid. */
size_t store_savepoint(const struct txn *txn);
void store_rollback_to(struct txn *txn, size_t savepoint);

/* Rows; use the typed wrappers.  insert and update copy.  An update that changes nothing is free.
 * -EEXIST: the key or a unique index has it already; -E2BIG: STORE_ROW_BYTES_MAX or
 * STORE_TXN_BYTES_MAX would be passed.  Neither is logged: it is for the caller to say. */
const void *store_get(struct txn *txn, const struct store_table *table, struct str key);
int store_insert(struct txn *txn, const struct store_table *table, const void *row) MUST_USE;
int store_update(struct txn *txn, const struct store_table *table, const void *row) MUST_USE;
int store_delete(struct txn *txn, const struct store_table *table, struct str key) MUST_USE;
size_t store_count(struct txn *txn, const struct store_table *table);

/* Walking an index. */

/* A value of an index column. */
struct store_key {
    struct str s;
    int64_t i;
    bool is_str;
};

static inline struct store_key
store_key_str(struct str s)
{
    return (struct store_key){.s = s, .is_str = true};
}

static inline struct store_key
store_key_int(int64_t i)
{
    return (struct store_key){.i = i};
}

#define STORE_KEY(x) _Generic((x), struct str: store_key_str, default: store_key_int)(x)

/* STORE_KEYS(a, b) is two arguments: an array of keys and their number.  None: NULL, 0. */
#define STORE_KEYS(...) STORE_KEYS_(_, ##__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define STORE_KEYS_(_, a, b, c, d, e, f, n, ...) STORE_KEYS_##n
#define STORE_KEYS_0() NULL, 0
#define STORE_KEYS_1(a) (const struct store_key[]){STORE_KEY(a)}, 1
#define STORE_KEYS_2(a, b) (const struct store_key[]){STORE_KEY(a), STORE_KEY(b)}, 2
#define STORE_KEYS_3(a, b, c)                                                                      \
    (const struct store_key[]){STORE_KEY(a), STORE_KEY(b), STORE_KEY(c)}, 3
#define STORE_KEYS_4(a, b, c, d)                                                                   \
    (const struct store_key[]){STORE_KEY(a), STORE_KEY(b), STORE_KEY(c), STORE_KEY(d)}, 4
#define STORE_KEYS_5(a, b, c, d, e)                                                                \
    (const struct store_key[]){STORE_KEY(a), STORE_KEY(b), STORE_KEY(c), STORE_KEY(d),             \
                               STORE_KEY(e)},                                                      \
        5
#define STORE_KEYS_6(a, b, c, d, e, f)                                                             \
    (const struct store_key[]){STORE_KEY(a), STORE_KEY(b), STORE_KEY(c),                           \
                               STORE_KEY(d), STORE_KEY(e), STORE_KEY(f)},                          \
        6

/* A place in an index.  It lives on the stack, within one transaction, and needs no closing. */
struct store_cursor {
    struct txn *txn;
    const struct store_index *index;
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1]; /* prefix, then where to begin */
    unsigned n_prefix, n_keys;
    bool after, open;
    size_t leaf, place;   /* of the next row, while `changes` is that of the index */
    uint64_t changes;
    size_t end_leaf, end_place; /* behind the last row of the prefix, while … */
    uint64_t end_changes;       /* … this is that of the index */
    const void *row;      /* the newest one given, or NULL */
};

/*
 * All rows whose first n columns of the index are `prefix`, in order: text by bytes, numbers by
 * value, ties by key.  The slices of the prefix must live as long as the cursor.
 */
struct store_cursor store_seek(struct txn *txn, const struct store_index *index,
                               const struct store_key *prefix, unsigned n);

/*
 * Begin at the first row that is at or behind (from), or strictly behind (after) these values of
 * the columns that follow the prefix.  For paging: the columns of the last row that was shown,
 * which need not exist any more.  Before the first store_next() only.
 *
 *   struct store_cursor c = store_seek(txn, &instance_by_owner, STORE_KEYS(account, region));
 *   store_after(&c, STORE_KEYS(last_launched_ms, last_id));
 *   while ((row = instance_by_owner_next(&c))) …
 */
void store_from(struct store_cursor *cursor, const struct store_key *keys, unsigned n);
void store_after(struct store_cursor *cursor, const struct store_key *keys, unsigned n);

/*
 * Hints for whoever shows many rows that lead to others: they bring into the cache what will be
 * asked for some steps later.  store_hint(): a row.  store_hint_key(): the row that store_get()
 * will find.
 */
void store_hint(const struct store_table *table, const void *row);
void store_hint_key(struct txn *txn, const struct store_table *table, struct str key);

/*
 * The next row or NULL.  Any row may be inserted, updated or deleted between two calls: the walk
 * goes on behind the row that was given last, where that row stood when it was given.  So rows
 * that were put in behind that place are met, those before it are not, and a row that an update
 * moved ahead is met again (walk an index whose columns you do not change).
 */
const void *store_next(struct store_cursor *cursor);

/*
 * STORE_EACH(txn, instance_by_owner, row, account, region) { … }: `row` is a typed pointer;
 * after it come the values of none, some or all columns.  break and continue work.
 */
#define STORE_EACH(txn_, index_, row_, ...)                                                        \
    STORE_EACH_WALK_(index_, row_,                                                                 \
                     store_seek((txn_), &index_, STORE_KEYS(__VA_ARGS__)))
#define STORE_EACH_WALK_(index_, row_, seek_)                                                      \
    for (struct store_cursor row_##_cursor = seek_; row_##_cursor.open;                            \
         row_##_cursor.open = false)                                                               \
        for (__typeof__(index_##_next(NULL)) row_;                                                 \
             (row_ = index_##_next(&row_##_cursor)) != NULL;)

/* The only row with these columns of a unique index, or NULL; use the typed wrapper. */
const void *store_get_unique(struct txn *txn, const struct store_index *index,
                             const struct store_key *keys, unsigned n);

/* Watches. */

/*
 * Calls fn for each row of the table that a commit changed, inside store_commit(), in the order
 * in which they were first touched: old is NULL for a new row, new is NULL for a deleted one.
 * Several changes of a row in one transaction are one call; deleted and inserted again are two.
 * fn must not begin a transaction and must not keep the rows: it notes what is to be done and
 * does it in a later turn.  Not called while loading.
 */
void store_watch(struct store *store, const struct store_table *table,
                 void (*fn)(void *ctx, const void *old_row, const void *new_row), void *ctx);

/* Durability. */

/* Zero it, set fn; it lies in what waits and stays until it is called or taken back. */
struct store_waiter {
    struct store_waiter *next, *prev;
    uint64_t seq;
    bool waiting;
    void (*fn)(struct store_waiter *waiter);
};

/*
 * Calls fn once `seq` is durable, in order of the numbers: before this returns when it is already
 * (0 always is) and none before it waits, else from store_poll() or store_flush().  Never when the
 * store fails before.
 */
void store_wait(struct store *store, uint64_t seq, struct store_waiter *waiter);
/* Takes a waiter back; one that does not wait is left alone. */
void store_wait_cancel(struct store *store, struct store_waiter *waiter);

/* The number of the newest commit; in a watch: of the one that it is told of. */
uint64_t store_seq(const struct store *store);

/* Everything up to this number is on disk. */
uint64_t store_durable_seq(struct store *store);

/* Readable when store_poll() has something to do.  -1 without a thread. */
int store_poll_fd(struct store *store);
void store_poll(struct store *store);

/*
 * Holds commits together until store_kick() at the end of the turn, so that all answers of a turn
 * share one sync.  store_attach() does both, and watches the descriptor; without a thread it
 * flushes at the end of each turn.  Close the store when the loop runs no more.  0 or -errno.
 */
void store_hold(struct store *store);
void store_kick(struct store *store);
int store_attach(struct store *store, struct loop *loop);

/*
 * Makes everything durable before it returns; with a thread by waiting for it.  0, or -EIO when the
 * store has failed.
 */
int store_flush(struct store *store);

/*
 * Flushes, and brings welkin.db up to date: it is a little behind the journal otherwise.  -EIO; or
 * -EBUSY when another program holds the database.
 */
int store_settle(struct store *store);

/* Why nothing becomes durable any more: a sentence, or NULL while all is well. */
const char *store_failed(struct store *store);

struct store_stats {
    uint64_t rows, row_bytes;            /* in memory; versions only, without indexes */
    uint64_t queued_bytes, queued_commits;
    uint64_t commits, groups;            /* since the start; each group was one sync */
    uint64_t filings, checkpoints;       /* transactions of SQLite; copies of its log */
};
struct store_stats store_stats(struct store *store);

/*
 * For tests and the simulation: flushes, then proves that the disk holds exactly the rows in
 * memory and that every index is whole.  0, or -EUCLEAN with a sentence in why.
 */
int store_integrity_check(struct store *store, char why[STORE_WHY_BYTES]);
