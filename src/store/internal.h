/*
 * What the files of the store share.  Nobody outside src/store includes this.
 *
 *   store.c     transactions, watches, waiters
 *   row.c       versions of rows; their form as records and in SQLite
 *   hash.c      rows by key
 *   order.c     rows in the order of an index
 *   open.c      opening, schema, loading
 *   commit.c    the queue, the committer and the filer: threads
 *   journal.c   groups of commits on disk, before SQLite has them
 *   filer.c     from the journal into SQLite
 *   seal.c      secrets
 *   check.c     does memory equal disk?
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/journal.h"
#include "store/store.h"

/* One version of a row: this head, the row struct, then its lists and text. */
struct version {
    int64_t row_id;  /* on disk; the same for all versions of a row */
    uint32_t bytes;  /* of the allocation */
    uint32_t step;   /* 1 + the step that made it, while its transaction is open; else 0 */
    _Alignas(16) char row[];
};

struct hash_slot {
    uint64_t hash;
    struct version *v; /* NULL: free */
};

struct hash {
    struct hash_slot *slots;
    size_t n, cap; /* cap is a power of two, or 0 */
};

enum { LEAF_ROWS = 126 };

struct leaf {
    size_t n;
    struct version *v[LEAF_ROWS];
};

struct order {
    const struct store_index *index;
    struct leaf **leaves;
    size_t n, cap;
    uint64_t changes; /* whenever rows move */
};

struct watch {
    struct watch *next;
    void (*fn)(void *ctx, const void *old_row, const void *new_row);
    void *ctx;
};

struct table {
    const struct store_table *desc;
    unsigned number;
    struct hash hash;
    struct order *orders; /* one for each of desc->indexes */
    int64_t next_row_id;
    struct watch *watches, **watches_end;
};

struct step {
    struct table *table;
    struct version *old, *new;
    size_t root;           /* at commit: the step that touched this row first … */
    struct version *final; /* … and, there, what is left of the row */
};

struct dead {
    struct table *table;
    struct version *v;
};

struct txn {
    struct store *store;
    bool open, ending;
    struct step *steps;
    size_t n_steps, cap_steps;
    struct dead *dead; /* versions that were taken back; they stay readable until the end */
    size_t n_dead, cap_dead;
    size_t bytes;
};

/* Commits that wait for the disk. */
struct batch {
    struct buf records; /* behind the place of a group's head */
    uint64_t last_seq;
    uint64_t n_commits;
};

enum record_kind { RECORD_PUT = 1, RECORD_DELETE };

struct record {
    uint32_t bytes; /* with this head */
    uint16_t table;
    uint8_t kind;
    uint8_t dead;   /* a later record says it all */
    int64_t row_id;
};

/* A table as the filer sees it. */
struct filed {
    char *sql[2]; /* to put a row, to delete one */
    sqlite3_stmt *stmt[2];
    char *kinds; /* see record_kinds() */
};

struct filer {
    sqlite3 *db;
    struct filed *tables;
    size_t n_tables;
    sqlite3_stmt *begin, *commit, *note;
    struct buf scratch;
    uint64_t wal_pages; /* in SQLite's log that were not copied into the database */
};

struct seal {
    bool has_key;
    uint8_t key[STORE_ROOT_KEY_BYTES];
    void *ctx;      /* EVP_CIPHER_CTX */
    void *cipher;   /* EVP_CIPHER */
};

struct store {
    struct env *env;
    char *dir, *path;
    const char *vfs;
    uint64_t hash_seed;
    struct table *tables;
    size_t n_tables;
    struct table **by_desc; /* open addressing by address of the descriptor */
    unsigned by_desc_bits;
    struct txn txn;
    struct seal seal;
    uint64_t n_rows, row_bytes;
    uint64_t seq;          /* of the newest commit */
    struct store_waiter waiters; /* ring, in order of seq */
    int lock_fd;

    sqlite3 *db; /* the filer's own, once there are threads */
    struct filer filer;

    /* Shared with the threads, under the mutex.  (What journal_write() does needs no mutex.) */
    pthread_mutex_t mutex;
    pthread_cond_t work, file_work, done;
    struct batch filling, taken;
    struct journal *journal;
    struct buf unfiled;       /* records in the journal that SQLite has not got … */
    uint64_t unfiled_number;  /* … and the group that is the newest of them */
    uint64_t filed_number;    /* SQLite has this group and all before it */
    bool settling, journal_full;
    bool threaded, stop;
    bool turn_open; /* on hold: more commits of this turn may come, until store_kick() */
    uint64_t durable_seq, groups, filings, checkpoints;
    bool has_failed;
    char failed[STORE_WHY_BYTES];

    bool wants_thread, hold;
    struct attachment *attachment; /* to the loop, or NULL; behind pointers so that a */
    void (*on_commit)(struct store *store); /* program without a loop need not link one */
    void (*detach)(struct store *store);
    size_t queue_bytes_max, journal_bytes, wal_bytes_checkpoint;
    int event_fd;
    pthread_t committer, filing_thread;
};

/* Memory of the store is not optional: these abort when there is none. */
void *store_alloc(size_t n);
void *store_grow(void *p, size_t n);

/* Where the search for a table begins in by_desc. */
size_t store_table_slot(const struct store *store, const struct store_table *desc);
struct table *store_table_of(struct store *store, const struct store_table *desc);

/* row.c */

static inline struct str *
column_str(const struct store_column *c, const void *row)
{
    return (struct str *)((char *)row + c->offset);
}

static inline struct str_list *
column_strs(const struct store_column *c, const void *row)
{
    return (struct str_list *)((char *)row + c->offset);
}

static inline int64_t *
column_int(const struct store_column *c, const void *row)
{
    return (int64_t *)((char *)row + c->offset);
}

static inline bool *
column_bool(const struct store_column *c, const void *row)
{
    return (bool *)((char *)row + c->offset);
}

static inline struct str
row_key(const struct store_table *t, const void *row)
{
    return *column_str(&t->columns[t->key], row);
}

/* A copy of the row, or NULL when it would pass STORE_ROW_BYTES_MAX. */
struct version *version_new(const struct store_table *t, const void *row, int64_t row_id);
void version_free(const struct store_table *t, struct version *v);
bool row_equal(const struct store_table *t, const void *a, const void *b);

/*
 * A list of text as lengths and bytes (in records), that as a JSON array (in SQLite), and back.
 * Any bytes survive.
 */
void strs_pack(struct buf *b, const struct str_list *list);
bool strs_json(struct buf *b, struct str packed);
bool strs_read(struct arena *a, struct str json, struct str_list *ret);

/* The record at the beginning of *records, which is cut off; false when it is damaged. */
bool record_next(struct str *records, struct record *ret_head, struct str *ret_columns);
/* Appends a record; false when sealing failed. */
bool record_put(struct buf *b, const struct table *t, const struct version *v, struct seal *seal,
                struct env *env);
void record_delete(struct buf *b, const struct table *t, int64_t row_id);
/* A letter for each column: i(nteger), t(ext), b(ytes), l(ist of text).  To be freed. */
char *record_kinds(const struct store_table *t);
/* Binds the columns of a put record (without its head), which must outlive the step; so must the
 * scratch, where lists of text become JSON. */
int record_bind(const char *kinds, struct str columns, struct buf *scratch, sqlite3_stmt *stmt);
/*
 * Reads the row under a SELECT; its slices are the statement's and the arena's.  0; -EUCLEAN when
 * a column holds what it cannot; -ENOKEY when a secret cannot be opened.
 */
int row_from_sql(const struct store_table *t, sqlite3_stmt *stmt, struct seal *seal,
                 struct arena *a, void *row, const char **ret_column);

/* hash.c */

void hash_done(struct hash *h);
/* Most likely the key's version; NULL when none is near.  Looks at no row. */
struct version *hash_probable(const struct hash *h, struct str key, uint64_t seed);
struct version *hash_get(const struct hash *h, const struct store_table *t, struct str key,
                         uint64_t seed);
/* Puts a version in, in place of the one with the same key when there is one. */
void hash_put(struct hash *h, const struct store_table *t, struct version *v, uint64_t seed);
void hash_remove(struct hash *h, const struct store_table *t, struct str key, uint64_t seed);

/* order.c */

void order_done(struct order *o);
/* Takes old out and puts new in; either may be NULL. */
void order_change(struct order *o, struct version *old, struct version *new);
/* Whether the index has a place for this row. */
bool order_covers(const struct store_index *x, const void *row);
/* The row with these values in the first n columns, or NULL. */
struct version *order_find(const struct order *o, const struct store_key *keys, unsigned n);
/* The first n columns of a row, as keys. */
void order_keys(const struct store_index *x, const void *row, struct store_key *keys, unsigned n);
/* NULL when rows are sorted and of the number given, else what is wrong. */
const char *order_check(const struct order *o, size_t n_rows);

/* seal.c */

int seal_init(struct seal *seal);
void seal_set_key(struct seal *seal, const uint8_t key[STORE_ROOT_KEY_BYTES]);
void seal_done(struct seal *seal);
bool seal_close(struct seal *seal, struct env *env, const struct store_table *t,
                const struct store_column *c, struct str key, struct str plain, struct buf *b);
bool seal_open(struct seal *seal, struct arena *a, const struct store_table *t,
               const struct store_column *c, struct str key, struct str sealed, struct str *ret);

/* open.c */

int db_open(struct store *store, sqlite3 **ret);
int db_exec(sqlite3 *db, const char *sql);
/* Steps a statement that answers no rows, and resets it. */
int db_run(sqlite3_stmt *stmt);

/* filer.c.  Functions answer SQLite's result codes. */

/* The tables of this program, or those of the one that wrote the journal. */
void filer_use_tables(struct filer *f, const struct store *store);
int filer_use_recorded(struct filer *f);
bool filer_same_tables(const struct filer *a, const struct filer *b);
/* Within a transaction: from now on the journal is of these tables. */
int filer_record_tables(const struct filer *f);
void filer_done(struct filer *f);

int filer_begin(struct filer *f);
int filer_file(struct filer *f, struct str records);
/* The newest group that was filed is `number`. */
int filer_commit(struct filer *f, uint64_t number);
void filer_rollback(struct filer *f);

/* Marks all but the newest record of each row as dead. */
void filer_thin_out(struct buf *records);

void filer_own_checkpoints(struct filer *f);
void filer_checkpoint(struct filer *f);

/* commit.c */

int commit_start(struct store *store, bool thread);
/* Ends the threads.  What is not durable is forgotten, what is not filed stays in the journal. */
void commit_stop(struct store *store);
/* Forgets that the event was signalled. */
void commit_drain_event(struct store *store);
/* Appends what the transaction did. */
void commit_append(struct store *store, const struct txn *txn);
